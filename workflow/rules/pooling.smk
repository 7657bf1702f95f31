# In:  results/<analysis>/rows.csv
# Out: results/<analysis>/estimates.csv (pooled incidence, all studies and subgroups), contrasts.csv (level against level),
#      reproduce.R (the headline numbers again, in R)


rule pool_analysis:
    """Pool one analysis with every model of the config, over all studies and within subgroups."""
    input:
        rows=rules.select_rows.output.rows,
        library=library("pool_analysis.py"),
    output:
        estimates="results/{analysis}/estimates.csv",
        contrasts="results/{analysis}/contrasts.csv",
        reproduction="results/{analysis}/reproduce.R",
    log:
        "logs/pool_analysis/{analysis}.log",
    threads: 1
    params:
        models=list(dict.fromkeys([protocol.models.primary, *protocol.models.sensitivity])),
        subgroup_models=list(dict.fromkeys([protocol.models.primary, *protocol.models.subgroups])),
        level=protocol.models.level,
        label=lambda wildcards: protocol.analyses[wildcards.analysis].label,
        interval=protocol.models.study_interval,
        contrasts=lambda wildcards: [
            contrast.model_dump()
            for contrast in protocol.contrasts
            if contrast.by in protocol.analyses[wildcards.analysis].subgroups
        ],
    script:
        "../scripts/pool_analysis.py"
