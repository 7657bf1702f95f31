# In:  results/<analysis>/rows.csv and estimates.csv, results/data/*.csv, results/comparisons.csv and published.csv,
#      studies/screening.csv (where there is one)
# Out: results/<analysis>/forest.*, forest_<variable>.* and forest_risk_of_bias.*, one job an analysis, so that all its
#      panels share an axis; results/figures/*, the figures of the whole review

from synthesis.sheets.collect import risk_rows, study_row
from synthesis.words.marks import named_pairs

REVIEW_FIGURES = [
    "comparisons",
    "published",
    "timeline",
    "evidence_map",
    "risk_of_bias",
    "risk_of_bias_summary",
    "flow",
]
COLLECTED = {**EDITION, "collection": protocol.review.collection}


def mapped_properties():
    """Give the two properties of the map of the evidence: those of the config, else the first two there are."""
    chosen = variables(protocol.figures.evidence_map or ATTRIBUTES[:2])
    return [{"name": name, **variable} for name, variable in chosen.items()]


def parts_of(wildcards):
    """Give the outcomes that stand in for the one an analysis asks for first, each with its label."""
    return {
        name: protocol.outcomes[name].label for name in protocol.analyses[wildcards.analysis].outcomes[1:]
    }


def appraisal(analysis):
    """Give what a forest plot says of its studies beside their counts: judgements, and who may share patients with whom."""
    sheets = [index.sheets[path] for path in index.feeds(analysis)]
    return {
        "judgements": [row for sheet in sheets for row in risk_rows(sheet)],
        "overlaps": named_pairs([study_row(sheet) for sheet in sheets]),
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
    output:
        report(
            expand("results/{{analysis}}/{forest}.{format}", forest=FORESTS, format=FORMATS[:1]),
            caption="../report/forest.rst",
            category="Forest plots",
            subcategory=label_of,
        ),
        expand("results/{{analysis}}/{forest}.{format}", forest=FORESTS, format=FORMATS[1:]),
    log:
        "logs/draw_forests/{analysis}.log",
    params:
        answer=lambda wildcards: answers(wildcards.analysis),
        title=label_of,
        note=note_of,
        parts=parts_of,
        splits=variables(protocol.figures.forest_by),
        appraisal=lambda wildcards: APPRAISALS[wildcards.analysis],
        tools=protocol.questions_of_bias,
        review=COLLECTED,
        models=CHOICES["models"],
        figures=CHOICES["figures"],
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
        published=PUBLISHED,
        screening=SCREENING,
    output:
        expand("results/figures/{figure}.{format}", figure=REVIEW_FIGURES, format=FORMATS),
    log:
        "logs/draw_review.log",
    params:
        names={
            "analyses": labels(protocol.analyses),
            "outcomes": labels(protocol.outcomes),
        },
        tools=protocol.questions_of_bias,
        precision=protocol.questions_of_precision,
        properties=mapped_properties(),
        review=COLLECTED,
        models=CHOICES["models"],
        figures=CHOICES["figures"],
    script:
        "../scripts/draw_review.py"
