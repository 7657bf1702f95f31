# In:  results/<analysis>/rows.csv
# Out: results/<analysis>/fits.csv and effects.csv (details of the primary fit), influence.csv (one or two studies out,
#      cumulative), subsets.csv (every subset), bootstrap.csv, small_study.csv (Egger, Peters: at ten studies and more),
#      future.csv (a new centre, its next patients, one more study)
# One job an analysis: all of it needs the same rows and the same imports.


rule examine_pool:
    """Look at the overall pool from all sides: average patient, each study, other studies in it, a new centre."""
    input:
        rows=rules.select_rows.output.rows,
        library=library("examine_pool.py"),
    output:
        fits="results/{analysis}/fits.csv",
        effects="results/{analysis}/effects.csv",
        influence="results/{analysis}/influence.csv",
        subsets="results/{analysis}/subsets.csv",
        bootstrap="results/{analysis}/bootstrap.csv",
        small_study="results/{analysis}/small_study.csv",
        future="results/{analysis}/future.csv",
    log:
        "logs/examine_pool/{analysis}.log",
    params:
        level=protocol.models.level,
        settings=protocol.sensitivity.model_dump(mode="json"),
        future=protocol.future.model_dump(mode="json"),
    script:
        "../scripts/examine_pool.py"
