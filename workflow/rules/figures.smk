# In:  results/<analysis>/rows.csv and estimates.csv
# Out: results/<analysis>/forest.* and forest_<variable>.*, one job an analysis, so that all its panels share an axis


rule draw_forests:
    """Draw the forest plots of an analysis; figures read numbers and never fit models."""
    input:
        rows=rules.select_rows.output.rows,
        estimates=rules.pool_analysis.output.estimates,
        library=library("draw_forests.py"),
    output:
        expand("results/{{analysis}}/{forest}.{format}", forest=FORESTS, format=FORMATS),
    log:
        "logs/draw_forests/{analysis}.log",
    params:
        title=lambda wildcards: protocol.analyses[wildcards.analysis].label,
        note=lambda wildcards: protocol.analyses[wildcards.analysis].note or "",
        splits={
            variable: {"label": protocol.variable_label(variable), "levels": protocol.levels(variable)}
            for variable in protocol.figures.forest_by
        },
        review={
            "unit": protocol.review.unit,
            "version": protocol.review.version,
            "search": protocol.review.last_search,
        },
        models=protocol.models.model_dump(mode="json"),
        figures=protocol.figures.model_dump(mode="json"),
    script:
        "../scripts/draw_forests.py"
