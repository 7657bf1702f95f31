"""The forest plots of one analysis: all studies, one a splitting variable, and one with risk of bias, on one axis."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ...selection.arms import read_rows
from ...words.model_names import DESCRIPTIONS, homogeneity_test
from ...words.prose import inside, percent
from ..kit.canvas import draw_nothing
from ..kit.readings import ChartText, version_line
from ..kit.save import save_pages
from .alt import describe_forest
from .lines import ForestText
from .plot import NOBODY, Judged, axis_upper, draw_forest, in_house
from .risk_of_bias import NONE, WITH_RISK, judged_forest, read_judgements

INTERVALS = {"clopper-pearson": "Clopper–Pearson", "wilson": "Wilson"}
RISK = "forest_risk_of_bias"


def draw_forests_file(
    rows_csv: str,
    estimates_csv: str,
    folder: str,
    *,
    title: str,
    note: str,
    splits: Mapping[str, Mapping],
    judgements: Sequence[Mapping],
    overlaps: Sequence[str],
    tools: Mapping[str, Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
) -> None:
    """Read rows and estimates of an analysis and write its forest plots.

    Parameters
    ----------
    rows_csv, estimates_csv : str
    folder : str
        Where ``forest.*``, ``forest_<variable>.*`` and ``forest_risk_of_bias.*`` go.
    title, note : str
        Of the analysis.
    splits : mapping
        Variable → label and levels, one plot each.
    judgements : sequence of mapping
        Rows of ``risk_of_bias.csv`` of the studies of the analysis.
    overlaps : sequence of str
        Studies that may share patients with others.
    tools : mapping
        Risk-of-bias tool → item → question.
    review, models, figures : mapping
        These parts of the config.
    """
    rows, estimates = read_rows(rows_csv), pd.read_csv(estimates_csv)
    base = base_text(rows, estimates, title, note, review, models, figures, frozenset(overlaps))
    plots = {"forest": (None, base, NOBODY)}
    for variable, split in splits.items():
        text = {**vars(base), "group_label": split["label"], "levels": split["levels"]}
        plots[f"forest_{variable}"] = (variable, ForestText(**text), NOBODY)
    plots[RISK] = (None, base, read_risk(rows, judgements, tools))
    drawn = rows[rows["subset"].isin(["all", *splits])]
    upper = axis_upper(drawn, estimates, base) if figures["shared_axis"] else None
    page = {"preset": figures["preset"], "palette": figures.get("palette", "default")}
    for name, (by, text, judged) in plots.items():
        block = rows[rows["subset"] == (by or "all")]
        reason = nothing_to_draw(block, by, text, judged)
        if reason:
            split = f" by {inside(text.group_label)}" if by else ""
            heading = f"{text.title}{split}{WITH_RISK if name == RISK else ''}"
            drawing = draw_nothing(ChartText(title, version_line=base.version_line, **page), heading, reason)
            pages, words = drawing.pages, (f"Forest plot: {drawing.title}", drawing.desc)
        else:
            pages = draw_forest(block, estimates, text, by=by, upper=upper, judged=judged or NOBODY, **page)
            words = describe_forest(block, estimates, text, by=by, judged=judged or NOBODY)
        save_pages(pages, Path(folder) / name, figures["formats"], *words)


def base_text(
    rows: pd.DataFrame,
    estimates: pd.DataFrame,
    title: str,
    note: str,
    review: Mapping,
    models: Mapping,
    figures: Mapping,
    overlaps: frozenset[str] = frozenset(),
) -> ForestText:
    """Give what all forest plots of an analysis say beside their numbers."""
    primary = models["primary"]
    text = ForestText(
        title=title,
        unit=review["unit"],
        level=float(models["level"]),
        model_line=model_line(estimates, models),
        version_line=version_line(review, "rows", rows.to_csv(index=False).encode()),
        note=note,
        primary=primary,
        common_model="glmm-common" if primary.startswith("glmm") else "",
        draw_prediction_from=models["draw_prediction_from"],
        sort=figures["sort"],
        corrected=primary.startswith(("logit", "log-")),
        overlaps=overlaps,
    )
    return in_house(text, figures["preset"])


def read_risk(rows: pd.DataFrame, table: Sequence[Mapping], tools: Mapping[str, Mapping]) -> Judged | None:
    """Give the dots of the pooled studies; None when none of them was judged."""
    used = rows[(rows["subset"] == "all") & (rows["use"] == "yes")]
    studies = list(dict.fromkeys(used["study"]))
    found = read_judgements(table, studies, tools)
    return judged_forest(found, studies) if found else None


def nothing_to_draw(block: pd.DataFrame, by: str | None, text: ForestText, judged: Judged | None) -> str:
    """Say why a plot is not drawn; blank when it is."""
    if by and block.empty:
        return f"this analysis is not split by {inside(text.group_label)}."
    if not (block["use"] == "yes").any():
        return "no study can be pooled."
    return NONE if judged is None else ""


def model_line(estimates: pd.DataFrame, models: Mapping) -> str:
    """Say in full how the numbers of a plot came about."""
    level = percent(float(models["level"]))
    overall = estimates[(estimates["subset"] == "all") & (estimates["model"] == models["primary"])]
    df = int(overall["studies"].iloc[0]) - 1 if len(overall) else 0
    interval = {"glmm": "Wald on the logit scale", "glmm-t": f"t on the logit scale, {df} df"}.get(models["primary"])
    parts = [
        f"{DESCRIPTIONS[models['primary']].split(', interval from')[0]}.",
        *([f"{level} CI: {interval}."] if interval else []),  # the other descriptions name their interval
        f"Study intervals: {INTERVALS[models['study_interval']]}.",
        f"Heterogeneity χ²: {homogeneity_test(models['primary'])}.",
    ]
    if df + 1 >= models["draw_prediction_from"]:
        parts.append(f"Prediction interval: t, {df} df.")
    return " ".join(parts)
