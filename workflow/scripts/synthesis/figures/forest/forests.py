"""The forest plots of one analysis: all studies, one a splitting variable, and one with risk of bias, on one axis."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...tables.declared import read
from ...tables.pools import Row, find_pool, pooled_rows
from ...words.model_names import DESCRIPTIONS, homogeneity_test
from ...words.prose import percent
from ..kit.readings import Property, text_of, version_line
from ..kit.save import save_drawing
from .plot import axis_upper, draw_forest
from .risk_of_bias import read_judgements

INTERVALS = {"clopper-pearson": "Clopper–Pearson", "wilson": "Wilson"}


def draw_forests_file(
    rows_csv: str,
    estimates_csv: str,
    folder: str | Path,
    *,
    splits: Mapping[str, Mapping],
    judgements: Sequence[Mapping],
    overlaps: Sequence[str],
    tools: Mapping[str, Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
    **words,
) -> None:
    """Read rows and estimates of an analysis; write ``forest.*``, ``forest_<variable>.*``, ``forest_risk_of_bias.*``.

    ``splits`` are variables with label and levels, one plot each; ``judgements`` the rows of ``risk_of_bias.csv`` of
    the studies, ``overlaps`` those that may share units with others, ``tools`` of each risk-of-bias tool item →
    question; ``review``, ``models`` and ``figures`` these parts of the config, ``words`` title and note of the
    analysis.
    """
    rows, estimates = read(rows_csv), read(estimates_csv)
    version = version_line(review, "rows", Path(rows_csv).read_bytes())
    words |= {"model_line": model_line(estimates, models), "overlaps": frozenset(overlaps)}
    text = text_of(review, models, figures, version, **words)
    drawn = [row for row in rows if row["subset"] in ("all", *splits)]
    upper = axis_upper(drawn, estimates, text) if figures["shared_axis"] else None
    studies = list(dict.fromkeys(row["study"] for row in pooled_rows(rows)))
    plots = {
        "forest": {},
        **{f"forest_{name}": {"by": Property(name, **split)} for name, split in splits.items()},
        "forest_risk_of_bias": {"judged": read_judgements(judgements, studies, tools)},
    }
    for name, given in plots.items():
        drawing = draw_forest(rows, estimates, text, upper=upper, **given)
        save_drawing(drawing, Path(folder) / name, figures["formats"])


def model_line(estimates: Sequence[Row], models: Mapping) -> str:
    """Say in full how the numbers of a plot came about."""
    primary, level = models["primary"], percent(float(models["level"]))
    overall = find_pool(estimates, primary)
    df = overall["studies"] - 1 if overall else 0
    interval = {"glmm": "Wald on the logit scale", "glmm-t": f"t on the logit scale, {df} df"}.get(primary)
    parts = [
        f"{DESCRIPTIONS[primary].split(', interval from')[0]}.",
        *([f"{level} CI: {interval}."] if interval else []),  # the other descriptions name their interval
        f"Study intervals: {INTERVALS[models['study_interval']]}.",
        f"Heterogeneity χ²: {homogeneity_test(primary)}.",
        *([f"Prediction interval: t, {df} df."] if df + 1 >= models["draw_prediction_from"] else []),
    ]
    return " ".join(parts)
