"""The forest plots of one analysis: all studies, one a splitting variable, and one with risk of bias, on one axis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...tables.declared import read
from ...tables.pools import Row, State, find_pool, pooled_rows, state_of
from ...words.marks import sharing
from ...words.model_names import DESCRIPTIONS, homogeneity_test, prediction_of
from ..kit.readings import FigureText, Property, text_of, version_line
from ..kit.save import save_drawing
from .lines import Printer
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
    overlaps: Sequence[Sequence[str]],
    tools: Mapping[str, Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
    **words,
) -> None:
    """Read rows and estimates of an analysis; write ``forest.*``, ``forest_<variable>.*``, ``forest_risk_of_bias.*``.

    ``splits`` are variables with label and levels, one plot each; ``judgements`` the rows of ``risk_of_bias.csv`` of
    the studies, ``overlaps`` pairs that may share units, ``tools`` of each risk-of-bias tool item →
    question; ``review``, ``models`` and ``figures`` these parts of the config, ``words`` title, note and
    parts of the analysis, see :class:`synthesis.figures.kit.readings.FigureText`.
    """
    rows, estimates = read(rows_csv), read(estimates_csv)
    version = version_line(review, "rows", Path(rows_csv).read_bytes())
    studies = list(dict.fromkeys(row["study"] for row in pooled_rows(rows)))
    text = text_of(review, models, figures, version, overlaps=sharing(overlaps, studies), **words)
    line = model_line(find_pool(estimates, text.primary), text, models["study_interval"])
    text = replace(text, model_line=line)
    drawn = [row for row in rows if row["subset"] in ("all", *splits)]
    upper = axis_upper(drawn, estimates, text) if figures["shared_axis"] else None
    plots = {
        "forest": {},
        **{f"forest_{name}": {"by": Property(name, **split)} for name, split in splits.items()},
        "forest_risk_of_bias": {"judged": read_judgements(judgements, studies, tools)},
    }
    for name, given in plots.items():
        drawing = draw_forest(rows, estimates, text, upper=upper, **given)
        save_drawing(drawing, Path(folder) / name, figures["formats"])


def model_line(overall: Row, text: FigureText, study_interval: str) -> str:
    """Say in full how the numbers of a plot came about, of which ``overall`` is the pool of all studies.

    Of one study no number is a model's.
    """
    studies = f"Study intervals: {INTERVALS[study_interval]}."
    if state_of(overall) in (State.NO_STUDY, State.ONE_STUDY):
        return studies
    df = overall["studies"] - 1
    kinds = {"glmm": "Wald on the logit scale", "glmm-t": f"t on the logit scale, {df} df", "bayes": "equal-tailed"}
    interval = kinds.get(text.primary)
    parts = [
        f"{DESCRIPTIONS[text.primary].split(', interval from')[0]}.",
        *([f"{text.interval}: {interval}."] if interval else []),  # the other descriptions name their interval
        studies,
        f"Heterogeneity χ²: {homogeneity_test(text.primary)}.",
    ]
    if Printer(text).predicts(overall):
        parts.append(f"Prediction interval: {prediction_of(text.primary, df)}.")
    return " ".join(parts)
