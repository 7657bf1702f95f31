# In:  results/<analysis>/*.csv (rows, estimates, and what was asked of the pool)
# Out: results/<analysis>/leave_one_out.*, cumulative.*, specification_curve.*, subsets.*, window.*, funnel.*,
#      prediction.*, and bubble_<moderator>.* for each moderator of the analysis; one job an analysis
# Analyses with the same moderators share a rule, since the outputs of a rule are the same for all its analyses.

CHARTS = [
    "leave_one_out",
    "cumulative",
    "specification_curve",
    "subsets",
    "window",
    "funnel",
    "prediction",
]
CHARTED = {  # moderators → the analyses that ask for them
    moderators: [name for name in ANALYSES if protocol.analyses[name].moderators == moderators]
    for moderators in dict.fromkeys(analysis.moderators for analysis in protocol.analyses.values())
}


def charts_of(analysis):
    """Name the charts of an analysis: what every analysis has, and a bubble plot a moderator."""
    charts = [*CHARTS, *(f"bubble_{moderator}" for moderator in protocol.analyses[analysis].moderators)]
    return [f"results/{analysis}/{chart}.{format}" for chart in charts for format in FORMATS]


for number, (moderators, charted) in enumerate(CHARTED.items()):

    rule:
        """Draw the charts of an analysis beside its forest plots; figures read numbers and never fit models."""
        name:
            f"draw_charts_{number}" if number else "draw_charts"
        input:
            rows="results/{analysis}/rows.csv",
            estimates="results/{analysis}/estimates.csv",
            influence="results/{analysis}/influence.csv",
            subsets="results/{analysis}/subsets.csv",
            small_study="results/{analysis}/small_study.csv",
            multiverse="results/{analysis}/multiverse.csv",
            multiverse_summary="results/{analysis}/multiverse_summary.csv",
            regression="results/{analysis}/regression.csv",
            moderators="results/{analysis}/moderators.csv",
            future="results/{analysis}/future.csv",
            library=library("draw_charts.py"),
        output:
            expand(
                "results/{{analysis}}/{chart}.{format}",
                chart=[*CHARTS, *(f"bubble_{moderator}" for moderator in moderators)],
                format=FORMATS,
            ),
        log:
            "logs/draw_charts/{analysis}.log",
        wildcard_constraints:
            analysis="|".join(charted),
        params:
            planned=planned(library=library("draw_charts.py")),
            title=lambda wildcards: protocol.analyses[wildcards.analysis].label,
            note=lambda wildcards: protocol.analyses[wildcards.analysis].note or "",
            max_days=lambda wildcards: protocol.analyses[wildcards.analysis].window.max_days,
            moderators=lambda wildcards: {
                name: protocol.moderators[name].model_dump(mode="json")
                for name in protocol.analyses[wildcards.analysis].moderators
            },
            review={
                "unit": protocol.review.unit,
                "version": protocol.review.version,
                "search": protocol.review.last_search,
            },
            models=protocol.models.model_dump(mode="json"),
            figures=protocol.figures.model_dump(mode="json"),
        script:
            "../scripts/draw_charts.py"
