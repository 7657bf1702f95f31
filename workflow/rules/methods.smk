# In:  the tables of all analyses; and results/crosscheck.csv, results/operating_characteristics*.csv when they are there
# Out: results/methods.md (what was done)
# Stands after the rules whose files it reads.


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
