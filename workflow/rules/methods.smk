# In:  the tables of all analyses; and results/crosscheck.csv, results/operating_characteristics*.csv when they are there
# Out: results/methods.md (what was done)
# Stands after the rules whose files it reads.
# What is built on request only. As an input it would be brought up to date by every build: a new study would call for R
# and for the simulations. So the input is a copy of it as it is when the workflow is read, kept as a stamp (see `stamp`):
# when it was built, changed or removed, the next build writes the page again, and nothing else runs. Whatever the order
# of the builds the page ends the same, and it says so where such a table is older than the estimates, or was written by
# another version of the workflow.
REQUESTED = {
    "crosscheck": "results/crosscheck.csv",
    "characteristics": "results/operating_characteristics.csv",
    "characteristics_summary": "results/operating_characteristics_summary.csv",
}
COPIES = {}
for name, path in REQUESTED.items():
    copied = STAMPS / f"methods.{name}"
    # A job of a cluster keeps to the copy: the table itself may be written by another job of its build.
    source = Path(path) if workflow.is_main_process else copied
    if source.is_file():
        COPIES[name] = stamp(copied.name, source.read_text(encoding="utf-8", errors="replace"))
    else:
        copied.unlink(missing_ok=True)


rule write_methods:
    """Write results/methods.md: what was done, from the config and the results."""
    input:
        **COPIES,
        studies="results/data/studies.csv",
        risk_of_bias="results/data/risk_of_bias.csv",
        rows=expand("results/{analysis}/rows.csv", analysis=ANALYSES),
        estimates="results/estimates.csv",
        fits=expand("results/{analysis}/fits.csv", analysis=ANALYSES),
        subsets=expand("results/{analysis}/subsets.csv", analysis=ANALYSES),
        bootstrap=expand("results/{analysis}/bootstrap.csv", analysis=ANALYSES),
        multiverse_summary=expand("results/{analysis}/multiverse_summary.csv", analysis=ANALYSES),
        regression=expand("results/{analysis}/regression.csv", analysis=ANALYSES),
        rates=expand("results/{analysis}/rates.csv", analysis=protocol.rates.analyses),
        comparisons="results/comparisons.csv",
        small_study=expand("results/{analysis}/small_study.csv", analysis=ANALYSES),
        future=expand("results/{analysis}/future.csv", analysis=ANALYSES),
        published=PUBLISHED,
    output:
        "results/methods.md",
    log:
        "logs/write_methods.log",
    params:
        choices=ALL_CHOICES,
        software={
            "python": platform.python_version(),
            **versions("matplotlib", "numpy", "pandas", "pymare", "scipy", "snakemake"),
        },
    script:
        "../scripts/write_methods.py"
