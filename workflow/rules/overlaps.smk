# In:  results/data/studies.csv and arms.csv, results/<analysis>/rows.csv
# Out: results/overlaps.csv (pairs of sheets with one cohort, and pairs that may share patients)


rule suggest_overlaps:
    """List sheets that share a cohort or may share patients, and whether they meet in a pool."""
    input:
        studies="results/data/studies.csv",
        arms="results/data/arms.csv",
        rows=expand("results/{analysis}/rows.csv", analysis=ANALYSES),
    output:
        "results/overlaps.csv",
    log:
        "logs/suggest_overlaps.log",
    params:
        attributes=ATTRIBUTES,
    script:
        "../scripts/suggest_overlaps.py"
