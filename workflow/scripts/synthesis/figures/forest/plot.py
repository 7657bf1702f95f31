"""Forest plots of proportions: all studies in one panel, or one panel a subgroup.

A plot is a list of lines (`Line`), each with its printed text and its mark; pages are cut from that list, and one
function draws a line of any kind. Numbers come from ``rows.csv`` and ``estimates.csv`` through ``formatting``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import nan

import pandas as pd
from matplotlib.figure import Figure

from ...words import formatting as fmt
from ...words.levels import MIXED
from ...words.prose import inside, upper_first
from ...words.terms import is_ok
from ..kit.dots import Key
from ..kit.layout import axis_end
from ..kit.style import PRESETS, fixed_settings, palette_of
from ..kit.table import Line, Plot, draw_pages
from .diamonds import UNKNOWN, find_pool, state_of
from .lines import ForestText, Printer
from .notes import write_notes

LAST_PANELS = {MIXED: "Several, not separable", UNKNOWN[0]: "Not reported", UNKNOWN[1]: "Not reported"}


@dataclass(frozen=True)
class Judged:
    """Judgements beside the studies, instead of the sixth column.

    Parameters
    ----------
    dots : mapping
        Study → levels, one a column.
    columns : tuple of str
        Headings.
    key : Key
    words : str
        Added to the title.
    """

    dots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    key: Key | None = None
    words: str = ""


NOBODY = Judged()


def draw_forest(
    rows_block: pd.DataFrame,
    estimates: pd.DataFrame,
    text: ForestText,
    *,
    by: str | None = None,
    upper: float | None = None,
    preset: str = "default",
    palette: str = "default",
    judged: Judged = NOBODY,
) -> list[Figure]:
    """Draw a forest plot.

    Parameters
    ----------
    rows_block : DataFrame
        The block of ``rows.csv`` for ``all``, or for ``by``; rows that are not used are left out here.
    estimates : DataFrame
        ``estimates.csv`` of the analysis.
    text : ForestText
    by : str, optional
        The variable that splits the plot into panels.
    upper : float, optional
        Where the axis ends, as a proportion; ``axis_upper`` gives one for all plots of an analysis.
    preset, palette : str
        Names in ``PRESETS`` and ``PALETTES``.
    judged : Judged
        Risk of bias, to stand in the sixth column.

    Returns
    -------
    list of Figure
        Pages, normally one.
    """
    if upper is None:
        upper = axis_upper(rows_block, estimates, text)
    page = PRESETS[preset]
    plot = read_plot(rows_block, estimates, in_house(text, preset), by, upper, judged)
    with fixed_settings():
        return draw_pages(plot, upper, page, palette_of(page, palette))


def in_house(text: ForestText, preset: str) -> ForestText:
    """Print numbers as the house of the preset does, unless the text names one."""
    return replace(text, house=PRESETS[preset].layout.house) if text.house == "default" else text


def axis_upper(rows: pd.DataFrame, estimates: pd.DataFrame, text: ForestText) -> float:
    """Give where the axis of all forest plots of an analysis ends.

    Parameters
    ----------
    rows : DataFrame
        ``rows.csv``, or the blocks of it that are drawn. The studies' limits are those of the block ``all`` (of
        whatever there is, without it), since arms of two patients say nothing about a good axis.
    estimates : DataFrame
    text : ForestText

    Returns
    -------
    float
        A proportion; every pooled interval of the primary model in these blocks and the drawn prediction interval
        lie inside.
    """
    rows = rows[rows["use"] == "yes"]
    studies = rows[rows["subset"] == "all"] if (rows["subset"] == "all").any() else rows
    mine = estimates[(estimates["model"] == text.primary) & estimates["subset"].isin({"all", *rows["subset"]})]
    pools = mine[mine["status"].map(is_ok).astype(bool) & (mine["studies"] > 1)]
    overall = pools[(pools["subset"] == "all") & (pools["studies"] >= text.draw_prediction_from)]
    return axis_end(studies["ci_high"], [*pools["ci_high"], *overall["pi_high"]])


def read_plot(
    rows_block: pd.DataFrame,
    estimates: pd.DataFrame,
    text: ForestText,
    by: str | None,
    upper: float = 1.0,
    judged: Judged = NOBODY,
) -> Plot:
    """Turn rows and estimates into lines and notes."""
    rows = rows_block[rows_block["use"] == "yes"]
    panels = split_panels(rows, text, by)
    overall = find_pool(estimates, "all", "", text.primary)
    pools = {group: find_pool(estimates, by, group, text.primary) for group, _, _ in panels} if by else {}
    drawn = [p for p in [overall, *pools.values()] if p is not None]
    decimals = fmt.decimals_for([*rows["proportion"], *(p["estimate"] for p in drawn)])
    printer = Printer(text, decimals, int(rows["patients"].max()) if len(rows) else 1, judged.dots)
    blocks = []
    for group, name, panel in panels:
        lines = [Line("group", name)] if by else []
        lines += printer.studies(panel)
        lines += printer.subgroup(pools[group]) if by else []
        blocks.append((*lines, Line("gap")) if by else tuple(lines))
    if not panels:
        blocks.append((Line("remark", "No study can be shown."),))
    blocks.append(tuple(printer.overall(overall)))
    reference = overall["estimate"] if overall is not None and state_of(overall) == "pool" else nan
    title = f"{text.title} by {inside(text.group_label or by)}" if by else text.title + judged.words
    headings = {
        "study": "Study",
        "events": "Events",
        "patients": upper_first(text.unit),
        "estimate": "%",
        "interval": f"({text.percent} CI)",
        "window": "" if judged.columns else text.window_label,
    }
    if judged.columns:
        text = replace(text, window_label="")
    notes = tuple(write_notes(rows, estimates, text, by, upper))
    axis = f"{upper_first(text.unit)} with event, %"
    return Plot(title, headings, axis, tuple(blocks), notes, reference, judged.columns, judged.key)


def split_panels(rows: pd.DataFrame, text: ForestText, by: str | None) -> list[tuple[str, str, pd.DataFrame]]:
    """Give group, name and sorted rows of each panel; what is no level of its own comes last."""
    if by is None:
        return [("", "", sort_rows(rows, text.sort))] if len(rows) else []
    groups = rows["group"].fillna("")
    known = {**{g: name for g, name in LAST_PANELS.items() if g not in text.levels}}
    others = [g for g in dict.fromkeys(groups) if g not in text.levels and g not in known]
    names = {**text.levels, **{g: g for g in others}, **known}
    return [(g, n, sort_rows(rows[groups == g], text.sort)) for g, n in names.items() if (groups == g).any()]


def sort_rows(rows: pd.DataFrame, sort: str) -> pd.DataFrame:
    """Order studies; ties by label, then by id, so that the order never depends on the file's."""
    keys = {"year": "year", "label": "label", "estimate": "proportion", "patients": "patients"}
    ties = ["label", "study", *(["arm"] if "arm" in rows else [])]
    rows = rows.sort_values(ties, kind="stable")
    return rows.sort_values(keys[sort], kind="stable", ascending=sort != "patients", na_position="last")
