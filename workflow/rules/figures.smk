# In:  results/<analysis>/rows.csv and estimates.csv, results/data/*.csv, results/comparisons.csv and published.csv,
#      studies/screening.csv (where there is one)
# Out: results/<analysis>/forest.*, forest_<variable>.* and forest_risk_of_bias.*, one job an analysis, so that all its
#      panels share an axis; results/figures/*, the figures of the whole review

import json

from synthesis.sheets.collect import risk_rows

REVIEW_FIGURES = [
    "comparisons",
    "published",
    "timeline",
    "evidence_map",
    "risk_of_bias",
    "risk_of_bias_summary",
    "flow",
]
DRAWN = {
    "unit": protocol.review.unit,
    "version": protocol.review.version,
    "search": protocol.review.last_search,
    "collection": protocol.review.collection,
}


def mapped_properties():
    """Name the two properties of the map of the evidence: those of the config, else the first two there are."""
    return list(protocol.figures.evidence_map or ["product", *protocol.attributes][:2])


def appraisal(analysis):
    """Give what a forest plot says of its studies beside their counts: judgements, and which may share patients."""
    sheets = [index.sheets[path] for path in index.feeds(analysis)]
    return {
        "judgements": [row for sheet in sheets for row in risk_rows(sheet)],
        "overlaps": [sheet.id for sheet in sheets if sheet.overlaps],
    }


# Handed down, and not read from results/data/: those tables are written again by a change in any sheet.
APPRAISALS = {name: appraisal(name) for name in ANALYSES}
APPRAISAL_STAMPS = {
    name: stamp(f"{name}.appraisal.json", json.dumps(value)) for name, value in APPRAISALS.items()
}


rule draw_forests:
    """Draw the forest plots of an analysis; figures read numbers and never fit models."""
    input:
        rows=rules.select_rows.output.rows,
        estimates=rules.pool_analysis.output.estimates,
        appraisal=lambda wildcards: APPRAISAL_STAMPS[wildcards.analysis],
        library=library("draw_forests.py"),
    output:
        report(
            expand("results/{{analysis}}/{forest}.{format}", forest=FORESTS, format=FORMATS[:1]),
            caption="../report/forest.rst",
            category="Forest plots",
            subcategory=lambda wildcards: protocol.analyses[wildcards.analysis].label,
        ),
        expand("results/{{analysis}}/{forest}.{format}", forest=FORESTS, format=FORMATS[1:]),
    log:
        "logs/draw_forests/{analysis}.log",
    params:
        planned=planned(library=library("draw_forests.py")),
        answer=lambda wildcards: answers(wildcards.analysis),
        title=lambda wildcards: protocol.analyses[wildcards.analysis].label,
        note=lambda wildcards: protocol.analyses[wildcards.analysis].note or "",
        splits={
            variable: {"label": protocol.variable_label(variable), "levels": protocol.levels(variable)}
            for variable in protocol.figures.forest_by
        },
        appraisal=lambda wildcards: APPRAISALS[wildcards.analysis],
        tools={tool: dict(items) for tool, items in protocol.tools.items()},
        review=DRAWN,
        models=protocol.models.model_dump(mode="json"),
        figures=protocol.figures.model_dump(mode="json"),
    script:
        "../scripts/draw_forests.py"


rule draw_review:
    """Draw the figures of the whole review: its evidence, how it was found and judged, and what stands beside it."""
    input:
        rows=expand(rules.select_rows.output.rows, analysis=ANALYSES),
        studies="results/data/studies.csv",
        arms="results/data/arms.csv",
        risk_of_bias="results/data/risk_of_bias.csv",
        comparisons=rules.pool_comparisons.output,
        tables="results/data/comparisons.csv",
        published=rules.compare_published.output.published if protocol.published else [],
        screening=SCREENING,
        library=library("draw_review.py"),
    output:
        expand("results/figures/{figure}.{format}", figure=REVIEW_FIGURES, format=FORMATS),
    log:
        "logs/draw_review.log",
    params:
        planned=planned(screening=SCREENING, library=library("draw_review.py")),
        names={
            "analyses": {name: analysis.label for name, analysis in protocol.analyses.items()},
            "outcomes": {name: outcome.label for name, outcome in protocol.outcomes.items()},
        },
        tools={tool: dict(items) for tool, items in protocol.tools.items()},
        properties=[
            {"name": name, "label": protocol.variable_label(name), "levels": protocol.levels(name)}
            for name in mapped_properties()
        ],
        review=DRAWN,
        models=protocol.models.model_dump(mode="json"),
        figures=protocol.figures.model_dump(mode="json"),
    script:
        "../scripts/draw_review.py"
