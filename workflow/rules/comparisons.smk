# In:  the 2×2 tables of all sheets, without their words
# Out: results/comparisons.csv (each 2×2 table, and what is pooled by exposure and outcome)
from synthesis.sheets.facts import of_comparisons

TABLES = stamp(
    "comparisons.json",
    as_text(of_comparisons(sheet) for sheet in index.sheets.values() if sheet.comparisons),
)


rule pool_comparisons:
    """Give each study's odds ratio, risk ratio and risk difference, and pool them by exposure and outcome."""
    input:
        sheets=TABLES,
    output:
        "results/comparisons.csv",
    log:
        "logs/pool_comparisons.log",
    params:
        level=protocol.models.level,
    script:
        "../scripts/pool_comparisons.py"
