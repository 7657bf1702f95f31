# In:  results/data/comparisons.csv, arms.csv and studies.csv
# Out: results/comparisons.csv (each 2×2 table, and what is pooled by exposure and outcome)


rule pool_comparisons:
    """Give each study's odds ratio, risk ratio and risk difference, and pool them by exposure and outcome."""
    input:
        comparisons="results/data/comparisons.csv",
        arms="results/data/arms.csv",
        studies="results/data/studies.csv",
        library=library("pool_comparisons.py"),
    output:
        "results/comparisons.csv",
    log:
        "logs/pool_comparisons.log",
    params:
        level=protocol.models.level,
    script:
        "../scripts/pool_comparisons.py"
