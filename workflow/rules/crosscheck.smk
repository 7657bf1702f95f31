# In:  the rows of all analyses, results/estimates.csv
# Out: results/crosscheck.csv (ours, R's, relative difference, verdict); only on request: `snakemake crosscheck`
# Needs Rscript with metafor and lme4 (Debian: r-cran-metafor, r-cran-lme4).

R_SCRIPTS = [str(SCRIPTS / name) for name in ("crosscheck.R", "counts.R", "glmm.R", "bayes.R")]


rule pool_in_r:
    """Pool the rows of every analysis with R's own packages."""
    input:
        rows=list(ROWS_OF.values()),
        scripts=R_SCRIPTS,
    output:
        reference=temp("logs/crosscheck/reference.csv"),
        software="logs/crosscheck/software.txt",
    log:
        "logs/pool_in_r.log",
    params:
        level=protocol.models.level,
    script:
        "../scripts/pool_in_r.py"


rule compare_with_r:
    """Set R's numbers beside ours."""
    input:
        estimates=rules.gather_estimates.output.estimates,
        reference=rules.pool_in_r.output.reference,
        rows=list(ROWS_OF.values()),  # as R read them
    output:
        "results/crosscheck.csv",
    log:
        "logs/compare_with_r.log",
    script:
        "../scripts/compare_with_r.py"


rule crosscheck:
    """Fail where an estimate differs from R's."""
    input:
        compared=rules.compare_with_r.output,
        software=rules.pool_in_r.output.software,
    log:
        "logs/crosscheck.log",
    script:
        "../scripts/crosscheck.py"
