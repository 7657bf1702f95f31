# In:  results/<analysis>/*.csv (rows, estimates, and what was asked of the pool)
# Out: results/<analysis>/leave_one_out.*, cumulative.*, specification_curve.*, subsets.*, window.*, funnel.*,
#      prediction.*, and bubble_<moderator>.* for each moderator of the analysis; one job an analysis
# The outputs of a rule are the same for all its analyses, so each analysis with moderators has one of its own.

CHARTS = [
    "leave_one_out",
    "cumulative",
    "specification_curve",
    "subsets",
    "window",
    "funnel",
    "prediction",
]
MODERATED = [name for name in ANALYSES if protocol.analyses[name].moderators]
CHARTED = {  # how the name of a rule ends → its analyses
    "": [name for name in ANALYSES if name not in MODERATED],
    **{f"_{name}": [name] for name in MODERATED},
}


def charts_of(analysis, folder="results/{}"):
    """Name the charts of an analysis: what every analysis has, and a bubble plot a moderator."""
    charts = [*CHARTS, *(f"bubble_{moderator}" for moderator in protocol.analyses[analysis].moderators)]
    return [f"{folder.format(analysis)}/{chart}.{format}" for chart in charts for format in FORMATS]


def moderators_of(wildcards):
    """Give what moderates an analysis, as the config has it."""
    chosen = protocol.analyses[wildcards.analysis].moderators
    return {name: CHOICES["moderators"][name] for name in chosen}


def outcomes_of(wildcards):
    """Give the outcomes that stand in for the one an analysis asks for first, with their labels."""
    return labels(
        {name: protocol.outcomes[name] for name in protocol.analyses[wildcards.analysis].outcomes[1:]}
    )


for ending, charted in CHARTED.items():
    if not charted:
        continue

    rule:
        """Draw the charts of an analysis beside its forest plots; figures read numbers and never fit models."""
        name:
            f"draw_charts{ending}"
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
        output:
            charts_of(charted[0], folder="results/{{analysis}}"),
        log:
            "logs/draw_charts/{analysis}.log",
        wildcard_constraints:
            analysis="|".join(charted),
        params:
            title=label_of,
            note=note_of,
            max_days=lambda wildcards: protocol.analyses[wildcards.analysis].window.max_days,
            outcomes=outcomes_of,
            moderators=moderators_of,
            review=EDITION,
            models=CHOICES["models"],
            figures=CHOICES["figures"],
        script:
            "../scripts/draw_charts.py"
