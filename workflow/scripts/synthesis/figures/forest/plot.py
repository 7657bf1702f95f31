"""Forest plots of proportions: all studies in one panel, or one panel a subgroup.

A plot is a list of lines (`Line`), each with its printed text and its mark; pages are cut from that list, and one
function draws a line of any kind. Numbers come from ``rows.csv`` and ``estimates.csv`` through ``formatting``.
"""

from collections.abc import Sequence
from math import nan

from ...tables.pools import OVERALL, Row, find_pool, is_pooled, shares_of, sort_rows
from ...words import formatting as fmt
from ...words.prose import inside
from ...words.terms import is_ok
from ..kit.axes import axis_end, percent_axis
from ..kit.board import Drawing, draw_nothing
from ..kit.layout import clean_text
from ..kit.readings import FigureText, Property
from ..kit.style import fixed_settings
from ..kit.table import Line, Plot, draw_pages, headings_of
from .alt import describe_forest
from .lines import Printer
from .notes import write_notes
from .risk_of_bias import NONE, Judgements


@fixed_settings()
def draw_forest(
    rows: Sequence[Row],
    estimates: Sequence[Row],
    text: FigureText,
    by: Property | None = None,
    upper: float | None = None,
    judged: Judgements | None = None,
) -> Drawing:
    """Draw a forest plot of the rows that the pool of all studies uses, or of those of a split into panels (``by``).

    ``rows`` and ``estimates`` are those tables of the analysis; ``upper`` is where the axis ends, as a proportion:
    ``axis_upper`` gives one for all plots of an analysis. With ``judged`` dots for the risk of bias stand beside them.
    """
    block = [row for row in rows if row["subset"] == (by.name if by else OVERALL)]
    used = [row for row in block if row["use"] == "yes"]
    title = text.title + (f" by {inside(by.label)}" if by else "") + (", with risk of bias" if judged else "")
    heading, reason = f"Forest plot: {clean_text(title)}", ""
    if by and not block:
        reason = f"this analysis is not split by {inside(by.label)}."
    elif not used:
        reason = "no study can be pooled."
    elif judged and not judged.levels:
        reason = NONE
    if reason:
        nothing = draw_nothing(text, title, reason)
        return Drawing(nothing.pages, heading, nothing.desc)
    upper = axis_upper(block, estimates, text) if upper is None else upper
    plot = read_plot(used, estimates, text, title, by, upper, judged)
    return Drawing(draw_pages(plot, text), heading, describe_forest(plot, find_pool(estimates, text.primary), text))


def axis_upper(rows: Sequence[Row], estimates: Sequence[Row], text: FigureText) -> float:
    """Give where the axis of all forest plots of an analysis ends, as a proportion.

    Every pooled interval of the primary model in the blocks of ``rows`` (those that are drawn) and the drawn prediction
    interval lie inside. The studies' limits are those of the block of all (of whatever there is, without it), since
    arms of two patients say nothing about a good axis.
    """
    used = [row for row in rows if row["use"] == "yes"]
    studies = [row["ci_high"] for row in used if row["subset"] == OVERALL] or [row["ci_high"] for row in used]
    subsets = {OVERALL, *(row["subset"] for row in used)}
    pools = [
        row
        for row in estimates
        if row["model"] == text.primary and row["subset"] in subsets and is_ok(row["status"]) and row["studies"] > 1
    ]
    overall = [row for row in pools if row["subset"] == OVERALL and row["studies"] >= text.draw_prediction_from]
    return axis_end(studies, [*(row["ci_high"] for row in pools), *(row["pi_high"] for row in overall)])


def read_plot(
    rows: Sequence[Row],
    estimates: Sequence[Row],
    text: FigureText,
    title: str = "",
    by: Property | None = None,
    upper: float = 1.0,
    judged: Judgements | None = None,
) -> Plot:
    """Turn used rows and estimates into lines and notes."""
    panels = split_panels(rows, text, by)
    overall = find_pool(estimates, text.primary)
    pools = {group: find_pool(estimates, text.primary, subset=by.name, group=group) for group in panels} if by else {}
    shown = [pool["estimate"] for pool in (overall, *pools.values()) if pool]
    decimals = fmt.decimals_for([*(shares_of(row)[1] for row in rows), *shown])
    printer = Printer(text, decimals, max(row["patients"] for row in rows), judged)
    blocks = [printer.studies(panel) for panel in panels.values()]
    if by:
        names = by.order(panels)
        blocks = [
            [Line("group", names[group]), *lines, *printer.subgroup(pools[group]), Line("gap")]
            for group, lines in zip(panels, blocks, strict=True)
        ]
    return Plot(
        title,
        headings_of(text, "Study", window="Window"),
        percent_axis(text.axis, upper),
        [*blocks, printer.overall(overall)],
        write_notes(rows, estimates, overall, text, by, upper),
        overall["estimate"] if is_pooled(overall) else nan,
        judged.columns if judged else (),
        judged.key([row["study"] for row in rows]) if judged else None,
        names=36.0 if judged else 45.0,  # mm: the dots take room
    )


def split_panels(rows: Sequence[Row], text: FigureText, by: Property | None) -> dict[str, list[Row]]:
    """Give the sorted rows of each group, in the order of its levels; without a split there is one."""
    rows = sort_rows(rows, text.sort)
    if not by:
        return {"": rows}
    return {group: [row for row in rows if row["group"] == group] for group in by.order(row["group"] for row in rows)}
