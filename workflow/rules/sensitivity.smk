# In:  results/<analysis>/rows.csv
# Out: results/<analysis>/influence.csv (one or two studies out, cumulative), subsets.csv (every subset), bootstrap.csv


rule vary_studies:
    """Pool an analysis again with other studies in it."""
    input:
        rows=rules.select_rows.output.rows,
        library=library("vary_studies.py"),
    output:
        influence="results/{analysis}/influence.csv",
        subsets="results/{analysis}/subsets.csv",
        bootstrap="results/{analysis}/bootstrap.csv",
    params:
        level=protocol.models.level,
        settings=protocol.sensitivity.model_dump(mode="json"),
    log:
        "logs/vary_studies/{analysis}.log",
    script:
        "../scripts/vary_studies.py"
