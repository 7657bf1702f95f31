"""The forest plots of one analysis: all studies, and one a splitting variable, on one axis."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..model_names import DESCRIPTIONS
from ..pooling import read_rows
from .alt import describe_forest
from .forest import axis_upper, draw_forest
from .lines import ForestText
from .save import save_pages

INTERVALS = {"clopper-pearson": "Clopper–Pearson", "wilson": "Wilson"}


def draw_forests_file(
    rows_csv: str,
    estimates_csv: str,
    folder: str,
    *,
    title: str,
    note: str,
    splits: Mapping[str, Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
) -> None:
    """Read rows and estimates of an analysis and write its forest plots.

    Parameters
    ----------
    rows_csv, estimates_csv : str
    folder : str
        Where ``forest.*`` and ``forest_<variable>.*`` go.
    title, note : str
        Of the analysis.
    splits : mapping
        Variable → label and levels, one plot each.
    review, models, figures : mapping
        These parts of the config.
    """
    rows, estimates = read_rows(rows_csv), pd.read_csv(estimates_csv)
    primary = models["primary"]
    base = {
        "title": title,
        "unit": review["unit"],
        "level": float(models["level"]),
        "model_line": model_line(estimates, models),
        "version_line": version_line(rows, review),
        "note": note,
        "primary": primary,
        "test_model": "glmm-common" if primary.startswith("glmm") else primary,
        "draw_prediction_from": models["draw_prediction_from"],
        "sort": figures["sort"],
        "corrected": primary.startswith(("logit", "log-")),
    }
    plots = {"forest": (None, ForestText(**base))}
    for variable, split in splits.items():
        text = ForestText(**base, group_label=split["label"], levels=split["levels"])
        plots[f"forest_{variable}"] = (variable, text)
    drawn = rows[rows["subset"].isin(["all", *splits])]
    upper = axis_upper(drawn, estimates, plots["forest"][1]) if figures["shared_axis"] else None
    for name, (by, text) in plots.items():
        block = rows[rows["subset"] == (by or "all")]
        pages = draw_forest(block, estimates, text, by=by, upper=upper, preset=figures["preset"])
        words = describe_forest(block, estimates, text, by=by)
        save_pages(pages, Path(folder) / name, figures["formats"], *words)


def model_line(estimates: pd.DataFrame, models: Mapping) -> str:
    """Say in full how the numbers of a plot came about."""
    level = f"{100 * float(models['level']):g}%"
    overall = estimates[(estimates["subset"] == "all") & (estimates["model"] == models["primary"])]
    df = int(overall["studies"].iloc[0]) - 1 if len(overall) else 0
    interval = {"glmm": "Wald on the logit scale", "glmm-t": f"t on the logit scale, {df} df"}.get(models["primary"])
    parts = [
        f"{DESCRIPTIONS[models['primary']].split(', interval from')[0]}.",
        *([f"{level} CI: {interval}."] if interval else []),  # the other descriptions name their interval
        f"Study intervals: {INTERVALS[models['study_interval']]}.",
    ]
    if df + 1 >= models["draw_prediction_from"]:
        parts.append(f"Prediction interval: t, {df} df.")
    return " ".join(parts)


def version_line(rows: pd.DataFrame, review: Mapping) -> str:
    """Say which data were drawn: the release, a digest of the rows, the date of the last search; never the clock."""
    digest = hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()[:7]
    return f"Data version {review['version']} · rows {digest} · literature to {review['search']}"
