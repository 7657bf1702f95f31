"""How the pool reacts to single studies: each left out in turn, and all added one after the other.

Every line is a pool, printed as in the forest plot; the numbers are those of ``influence.csv``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan

from ..tables.pools import Row, estimate_text, prediction_text, sort_rows
from ..words import formatting as fmt
from ..words.model_names import scale_of
from ..words.terms import CUMULATIVE, LEAVE_ONE, OK, ONE_STUDY, is_ok, remarks_of
from .kit.axes import axis_end, percent_axis
from .kit.board import Drawing, draw_nothing
from .kit.layout import clean_text
from .kit.readings import FigureText, Readings, known, notes_of, sentence, studies_of, values_of
from .kit.style import fixed_settings
from .kit.table import Line, Plot, draw_pages, headings_of

SIDE = 1.7  # mm: all squares are alike, since each stands for many studies


@dataclass(frozen=True)
class Pools:
    """What a figure shows: pools with their labels, that of all studies (empty: none), and the notes on them."""

    text: FigureText
    title: str
    heading: str
    rows: Sequence[Row]
    labels: Sequence[str]
    overall: Row
    grey: str
    dark: list[str] = field(default_factory=list)

    @property
    def decimals(self) -> int:
        """Give the decimals of all percentages."""
        return fmt.decimals_for(row["estimate"] for row in (*self.rows, self.overall) if row)

    @property
    def upper(self) -> float:
        """Give where the axis ends."""
        held = [self.overall["ci_high"], *predicted(self.overall, self.text)] if self.overall else []
        return axis_end([row["ci_high"] for row in self.rows if _shown(row)], held)

    def percent(self, row: Row) -> str:
        """Give the pooled value."""
        return fmt.format_percent(row["estimate"], self.decimals)

    def line(self, kind: str, label: str, row: Row) -> Line:
        """Give the line of a pool; without a model there is no mark."""
        marked = _shown(row) and known(*values_of(row))
        return Line.of(
            kind,
            label,
            values_of(row) if marked else (),
            estimate_text(row, self.decimals, self.text.style),
            events=fmt.format_count(row["events"]),
            patients=fmt.format_count(row["patients"]),
            window=fmt.format_tau2(row["tau2"]),
            dagger=row["status"] != OK,
            side=SIDE,
        )

    def closing(self) -> list[Line]:
        """Give the lines of the pool of all studies, with the prediction interval where it is drawn."""
        name = f"All studies (k = {fmt.format_count(self.overall['studies'])})"
        lines = [Line("rule"), self.line("overall", name, self.overall)]
        if limits := predicted(self.overall, self.text):
            printed = prediction_text(self.overall, self.decimals, self.text.style)
            name = f"{self.text.percent} prediction interval"
            lines.append(Line("prediction", name, interval=f"({printed})", low=limits[0], high=limits[1]))
        return lines


@fixed_settings()
def draw_leave_one_out(data: Readings, text: FigureText) -> Drawing:
    """Draw the pool with each study left out in turn, in the order of the forest plot."""
    title = text.heading("one study left out at a time")
    order = {row["study"]: i for i, row in enumerate(sort_rows(data.by_study, text.sort))}
    rows = sorted(_of_kind(data, LEAVE_ONE), key=lambda row: order.get(row["study"], len(order)))
    if len(rows) < 3:
        return _too_few(data, text, title, "leaving one out needs three")
    names, pools = _names(data), [row for row in rows if is_ok(row["status"])]
    labels, grey = [names[row["study"]] for row in rows], "Each line pools all studies but the one named."
    shown = Pools(text, title, "Study left out", rows, labels, data.overall(rows[0]["model"]), grey)
    if pools and shown.overall:
        # To nine digits: the last ones depend on the processor, and of two alike the first one is named.
        most = max(pools, key=lambda row: float(f"{abs(row['shift']):.9g}"))
        shown.dark.append(
            f"Largest change: without {names[most['study']]} the pooled value is {shown.percent(most)}% instead "
            f"of {shown.percent(shown.overall)}%."
        )
    return _draw(shown)


@fixed_settings()
def draw_cumulative(data: Readings, text: FigureText) -> Drawing:
    """Draw the pool as it grew, study by study in the order of publication."""
    title = text.heading("studies added by year of publication")
    rows, names = _of_kind(data, CUMULATIVE), _names(data)
    if len(rows) < 2:
        return _too_few(data, text, title, "adding them one by one needs two")
    undated = {row["study"] for row in data.pooled if row["year"] is None}
    labels = [("+ " if i else "") + names[row["study"]] for i, row in enumerate(rows)]
    grey = "Each line pools the study named and all above it; studies of one year in the order of their names."
    if undated:
        grey += f" {studies_of(len(undated))} without a year last."
    return _draw(Pools(text, title, "Study added", rows, labels, data.overall(rows[0]["model"]), grey))


def predicted(row: Row, text: FigureText) -> tuple[float, ...]:
    """Give the prediction interval of a pool where it is drawn; nothing elsewhere."""
    limits = values_of(row, "pi_low", "pi_high") if row and row["studies"] >= text.draw_prediction_from else ()
    return limits if known(*limits) else ()


def _names(data: Readings) -> dict[str, str]:
    return {row["study"]: clean_text(row["label"]) for row in data.pooled}


def _of_kind(data: Readings, kind: str) -> list[Row]:
    return [row for row in data.influence if row["kind"] == kind]


def _too_few(data: Readings, text: FigureText, title: str, need: str) -> Drawing:
    return draw_nothing(text, title, f"{studies_of(data.studies, 'no study')} in the pool; {need}.")


def _shown(row: Row) -> bool:
    return is_ok(row["status"]) or row["status"] == ONE_STUDY


def _draw(pools: Pools) -> Drawing:
    """Draw lines of pools with the pool of all studies below, and describe them."""
    text, overall = pools.text, pools.overall
    lines = [pools.line("study", label, row) for label, row in zip(pools.labels, pools.rows, strict=True)]
    plot = Plot(
        pools.title,
        headings_of(text, pools.heading, window="τ²"),
        percent_axis(text.axis, pools.upper),
        [lines, pools.closing()] if overall else [lines],
        notes_of(text, pools.dark, [pools.grey, "All squares are of one size.", *_caveats(pools)]),
        overall["estimate"] if overall else nan,
    )
    return Drawing(draw_pages(plot, text), pools.title, _describe(lines, pools))


def _caveats(pools: Pools) -> list[str]:
    """Explain the dashed line, daggers, arrows and the column of τ², each where it is there."""
    text, rows, upper = pools.text, pools.rows, pools.upper
    statuses = dict.fromkeys(remarks_of(row["status"]) for row in rows if row["status"] != OK)
    return [
        "Dashed line: pool of all studies." if pools.overall else "",
        f"τ² on the {scale_of(rows[0]['model'])} scale." if any(known(row["tau2"]) for row in rows) else "",
        sentence(f"† {'; '.join(statuses)}") if statuses else "",
        "Arrow: interval extends beyond the axis." if any(r["ci_high"] > upper for r in rows if _shown(r)) else "",
        f"No prediction interval is drawn below {text.draw_prediction_from} studies."
        if pools.overall and not predicted(pools.overall, text)
        else "",
    ]


def _describe(lines: Sequence[Line], pools: Pools) -> str:
    said = [f"Forest plot, {pools.title}; {len(lines)} lines, each a pool."]
    drawn = [line for line in lines if line.mid == line.mid]
    if drawn:
        least, most = (pick(drawn, key=lambda line: line.mid) for pick in (min, max))
        said.append(
            f"Pooled values from {least.estimate}% ({least.label}) to {most.estimate}% ({most.label})."
            if len({line.estimate for line in drawn}) > 1
            else f"All pooled values are {least.estimate}%."
        )
    if pools.overall:
        line = pools.closing()[1]
        said.append(f"All studies: {line.estimate}% ({pools.text.percent} CI {line.interval[1:-1]}).")
    return " ".join([*said, *pools.dark])
