"""How the pool reacts to single studies: each left out in turn, and all added one after the other.

Every line is a pool, printed as in the forest plot; the numbers are those of ``influence.csv``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

from ..tables.pools import Row, sort_rows
from ..words import formatting as fmt
from ..words.model_names import scale_of
from ..words.terms import CUMULATIVE, LEAVE_ONE, OK, ONE_STUDY, is_ok, remarks_of
from .forest.lines import Printer
from .kit.axes import axis_end, percent_axis
from .kit.board import Drawing, draw_nothing
from .kit.layout import clean_text
from .kit.readings import FigureText, Readings, known, notes_of, sentence, studies_of, values_of
from .kit.style import fixed_settings
from .kit.table import Line, Plot, draw_pages, headings_of, said_range

SIDE = 1.7  # mm: all squares are alike, since each stands for many studies


@dataclass(frozen=True)
class Kind:
    """A way to vary the studies: its rows, its words, and the fewest lines of a figure."""

    name: str
    title: str
    heading: str
    legend: str
    fewest: int
    need: str


LEFT_OUT = Kind(
    LEAVE_ONE,
    "one study left out at a time",
    "Study left out",
    "Each line pools all studies but the one named.",
    3,
    "leaving one out needs three",
)
ADDED = Kind(
    CUMULATIVE,
    "studies added by year of publication",
    "Study added",
    "Each line pools the study named and all above it; studies of one year in the order of their names.",
    2,
    "adding them one by one needs two",
)


def draw_leave_one_out(data: Readings, text: FigureText) -> Drawing:
    """Draw the pool with each study left out in turn, in the order of the forest plot."""
    order = {row["study"]: i for i, row in enumerate(sort_rows(data.by_study, text.sort))}
    rows = [row for row in data.influence if row["kind"] == LEFT_OUT.name]
    return _draw(data, text, LEFT_OUT, sorted(rows, key=lambda row: order.get(row["study"], len(order))))


def draw_cumulative(data: Readings, text: FigureText) -> Drawing:
    """Draw the pool as it grew, study by study in the order of publication."""
    return _draw(data, text, ADDED, [row for row in data.influence if row["kind"] == ADDED.name])


@fixed_settings()
def _draw(data: Readings, text: FigureText, kind: Kind, rows: Sequence[Row]) -> Drawing:
    """Draw lines of pools with the pool of all studies below, and describe them."""
    title = text.heading(kind.title)
    if len(rows) < kind.fewest:
        return draw_nothing(text, title, f"{studies_of(data.studies, 'no study')} in the pool; {kind.need}.")
    names, overall = {row["study"]: clean_text(row["label"]) for row in data.pooled}, data.overall(rows[0]["model"])
    printer = Printer(text, fmt.decimals_for(row["estimate"] for row in (*rows, overall) if row))
    labels = [("+ " if i and kind is ADDED else "") + names[row["study"]] for i, row in enumerate(rows)]
    lines, closing = [_line(printer, "study", label, row) for label, row in zip(labels, rows, strict=True)], []
    if overall:
        last = _line(printer, "overall", f"All studies (k = {fmt.format_count(overall['studies'])})", overall)
        closing = [Line("rule"), last, *printer.prediction(overall)]
    upper = axis_end([row["ci_high"] for row in rows if _shown(row)], [line.high for line in closing])
    dark = [_largest_change(rows, names, overall, printer)] if kind is LEFT_OUT and overall else []
    undated = len({row["study"] for row in data.pooled if row["year"] is None}) if kind is ADDED else 0
    grey = [
        kind.legend,
        f"{studies_of(undated)} without a year last." if undated else "",
        "All squares are of one size.",
        *_caveats(rows, overall, printer, upper),
    ]
    plot = Plot(
        title,
        headings_of(text, kind.heading, interval=f"({text.interval})", window="τ²"),
        percent_axis(text.axis, upper),
        [lines, closing] if closing else [lines],
        notes_of(text, dark, grey),
        overall.get("estimate", nan),
    )
    return Drawing(draw_pages(plot, text), title, _describe(plot, text))


def _line(printer: Printer, kind: str, label: str, row: Row) -> Line:
    """Give the line of a pool; without a model there is no mark."""
    mark, tau2 = values_of(row), fmt.format_tau2(row["tau2"])
    mark = mark if _shown(row) and known(*mark) else ()
    return printer.line(kind, label, row, mark, window=tau2, dagger=row["status"] != OK, side=SIDE)


def _shown(row: Row) -> bool:
    return is_ok(row["status"]) or row["status"] == ONE_STUDY


def _largest_change(rows: Sequence[Row], names: Mapping[str, str], overall: Row, printer: Printer) -> str:
    """Name the study without which the pool changes most."""
    # To nine digits: the last ones depend on the processor, and of two alike the first one is named.
    pools = {float(f"{abs(row['shift']):.9g}"): row for row in reversed(rows) if is_ok(row["status"])}
    if not pools:
        return ""
    most = pools[max(pools)]
    without, of_all = (fmt.format_percent(row["estimate"], printer.decimals) for row in (most, overall))
    return f"Largest change: without {names[most['study']]} the pooled value is {without}% instead of {of_all}%."


def _caveats(rows: Sequence[Row], overall: Row, printer: Printer, upper: float) -> list[str]:
    """Explain the dashed line, daggers, arrows and the column of τ², each where it is there."""
    statuses = dict.fromkeys(remarks_of(row["status"]) for row in rows if row["status"] != OK)
    least = printer.text.draw_prediction_from
    return [
        "Dashed line: pool of all studies." if overall else "",
        f"τ² on the {scale_of(rows[0]['model'])} scale." if any(known(row["tau2"]) for row in rows) else "",
        sentence(f"† {'; '.join(statuses)}") if statuses else "",
        "Arrow: interval extends beyond the axis." if any(r["ci_high"] > upper for r in rows if _shown(r)) else "",
        f"No prediction interval is drawn below {least} studies." if overall and not printer.predicts(overall) else "",
    ]


def _describe(plot: Plot, text: FigureText) -> str:
    studies = plot.blocks[0]
    said = [f"Forest plot, {plot.title}; {len(studies)} lines, each a pool."]
    drawn = [line for line in studies if line.mid == line.mid]
    if len({line.estimate for line in drawn}) > 1:
        said.append(f"Pooled values from {said_range(drawn)}.")
    elif drawn:
        said.append(f"All pooled values are {drawn[0].estimate}%.")
    said += [f"All studies: {line.said(text)}." for line in plot.lines if line.kind == "overall"]
    return " ".join([*said, *(words for words, dark in plot.notes if dark)])
