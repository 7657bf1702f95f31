# In:  the rows of all analyses, results/estimates.csv
# Out: results/crosscheck.csv (ours, R's, relative difference, verdict); only on request: `snakemake crosscheck`
# Needs Rscript with metafor and lme4 (Debian: r-cran-metafor, r-cran-lme4).

R_SCRIPTS = [str(SCRIPTS / name) for name in ("crosscheck.R", "glmm.R")]


rule pool_in_r:
    """Pool the rows of every analysis with R's own packages."""
    input:
        rows=list(ROWS_OF.values()),
        scripts=R_SCRIPTS,
        library=library("pool_in_r.py"),
    output:
        reference=temp("logs/crosscheck/reference.csv"),
        software="logs/crosscheck/software.txt",
    log:
        "logs/pool_in_r.log",
    params:
        planned=planned(rows=list(ROWS_OF.values()), scripts=R_SCRIPTS, library=library("pool_in_r.py")),
        level=protocol.models.level,
    script:
        "../scripts/pool_in_r.py"


rule compare_with_r:
    """Set R's numbers beside ours."""
    input:
        estimates=rules.gather_estimates.output.estimates,
        reference=rules.pool_in_r.output.reference,
        rows=list(ROWS_OF.values()),  # as R read them
        library=library("compare_with_r.py"),
    output:
        "results/crosscheck.csv",
    log:
        "logs/compare_with_r.log",
    params:
        planned=planned(rows=list(ROWS_OF.values()), library=library("compare_with_r.py")),
    script:
        "../scripts/compare_with_r.py"


rule crosscheck:
    """Fail where an estimate differs from R's."""
    input:
        compared=rules.compare_with_r.output,
        software=rules.pool_in_r.output.software,
        library=library("crosscheck.py"),
    log:
        "logs/crosscheck.log",
    params:
        planned=planned(library=library("crosscheck.py")),
    script:
        "../scripts/crosscheck.py"
