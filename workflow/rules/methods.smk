# In:  the tables of all analyses; and results/crosscheck.csv, results/operating_characteristics*.csv when they are there
# Out: results/methods.md (what was done), results/<analysis>/reproduce.R (the headline numbers again, in R)
# Stands after all other rules, since it reads what they make.
import platform
from hashlib import sha256
from importlib.metadata import version

# What is built on request only. As an input it would be brought up to date by every build: a new study would call for R
# and for the simulations. So its content, as it is when the workflow is read, counts as a parameter (and as a stamp, see
# `stamp`): when it was built or changed, the next build writes the page again, and nothing else runs. Whatever the order
# of the builds, the page ends the same, and it says so where such a table is older than the estimates.
REQUESTED = {
    "crosscheck": "results/crosscheck.csv",
    "characteristics": "results/operating_characteristics.csv",
    "characteristics_summary": "results/operating_characteristics_summary.csv",
}
REQUESTED_DIGESTS = {
    path: sha256(Path(path).read_bytes()).hexdigest()[:16] for path in REQUESTED.values() if Path(path).is_file()
}
METHODS_STAMP = stamp("methods", ";".join(f"{path} {digest}" for path, digest in REQUESTED_DIGESTS.items()))


rule write_methods:
    """Write results/methods.md: what was done, from the config and the results."""
    input:
        studies="results/data/studies.csv",
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
        published=["results/published.csv"] if protocol.published else [],
        digest=METHODS_STAMP,
        library=library("write_methods.py"),
    output:
        "results/methods.md",
    log:
        "logs/write_methods.log",
    params:
        choices={
            **protocol.model_dump(mode="json"),
            "variables": {
                variable: {"label": protocol.variable_label(variable), "levels": protocol.levels(variable)}
                for variable in ["product", *STUDY_VARIABLES, *protocol.attributes]
            },
        },
        software={
            "python": platform.python_version(),
            **{name: version(name) for name in ("matplotlib", "numpy", "pandas", "pymare", "scipy", "snakemake")},
        },
        requested=REQUESTED,
        digests=REQUESTED_DIGESTS,
    script:
        "../scripts/write_methods.py"


rule write_reproduction:
    """Write the R script that reproduces the headline numbers of an analysis."""
    input:
        rows="results/{analysis}/rows.csv",
        estimates="results/{analysis}/estimates.csv",
        library=library("write_reproduction.py"),
    output:
        "results/{analysis}/reproduce.R",
    log:
        "logs/write_reproduction/{analysis}.log",
    params:
        choices=lambda wildcards: {
            "label": protocol.analyses[wildcards.analysis].label,
            "primary": protocol.models.primary,
            "interval": protocol.models.study_interval,
            "level": protocol.models.level,
        },
    script:
        "../scripts/write_reproduction.py"
