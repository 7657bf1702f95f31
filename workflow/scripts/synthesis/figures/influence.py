"""How the pool reacts to single studies: each left out in turn, and all added one after the other.

Every line is a pool, printed as in the forest plot; the numbers are those of ``influence.csv``.
"""

from collections.abc import Iterable, Sequence
from math import nan

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.model_names import scale_of
from ..words.terms import CUMULATIVE, LEAVE_ONE, OK, ONE_STUDY, is_ok, remarks_of
from .kit.canvas import Drawing, draw_nothing, sentence
from .kit.layout import axis_end, clean_text
from .kit.readings import ChartText, Paragraphs, Readings, Row, known, sort_rows, studies_of
from .kit.style import PRESETS, fixed_settings, palette_of
from .kit.table import Line, Plot, draw_pages

SIDE = 1.7  # mm: all squares are alike, since each stands for many studies


def draw_leave_one_out(data: Readings, text: ChartText) -> Drawing:
    """Draw the pool with each study left out in turn, in the order of the forest plot."""
    title = text.heading("one study left out at a time")
    order = {row["study"]: i for i, row in enumerate(sort_rows(data.by_study, text.sort))}
    rows = sorted(_of_kind(data, LEAVE_ONE), key=lambda row: order.get(row["study"], len(order)))
    if len(rows) < 3:
        return _too_few(data, text, title, "leaving one out needs three")
    names, pools = _names(data), [row for row in rows if is_ok(row["status"])]
    overall = data.overall(rows[0]["model"])
    dark = []
    if pools and overall is not None:
        # To nine digits: the last ones depend on the processor, and of two alike the first one is named.
        most = max(pools, key=lambda row: float(f"{abs(number(row, 'shift')):.9g}"))
        printer = Printer(text, rows, overall)
        dark = [
            f"Largest change: without {names[most['study']]} the pooled value is {printer.percent(most)}% instead "
            f"of {printer.percent(overall)}%."
        ]
    grey = "Each line pools all studies but the one named."
    labels = [names[row["study"]] for row in rows]
    return _draw(text, title, "Study left out", rows, labels, overall, dark, grey)


def draw_cumulative(data: Readings, text: ChartText) -> Drawing:
    """Draw the pool as it grew, study by study in the order of publication."""
    title = text.heading("studies added by year of publication")
    rows = _of_kind(data, CUMULATIVE)
    if len(rows) < 2:
        return _too_few(data, text, title, "adding them one by one needs two")
    overall = data.overall(rows[0]["model"])
    undated = {row["study"] for row in data.pooled if not row.get("year")}
    names = _names(data)
    labels = [("+ " if i else "") + names[row["study"]] for i, row in enumerate(rows)]
    grey = "Each line pools the study named and all above it; studies of one year in the order of their names."
    if undated:
        grey += f" {studies_of(len(undated))} without a year last."
    return _draw(text, title, "Study added", rows, labels, overall, [], grey)


def _names(data: Readings) -> dict[str, str]:
    return {row["study"]: clean_text(row["label"]) for row in data.pooled}


def _of_kind(data: Readings, kind: str) -> list[Row]:
    return [row for row in data.influence if row["kind"] == kind]


def _too_few(data: Readings, text: ChartText, title: str, need: str) -> Drawing:
    k = data.studies
    return draw_nothing(text, title, f"{studies_of(k) if k else 'no study'} in the pool; {need}.")


class Printer:
    """Prints pools with the decimals of one figure."""

    def __init__(self, text: ChartText, rows: Sequence[Row], overall: Row | None):
        self.text = text
        shown = [*rows, *([overall] if overall else [])]
        self.decimals = fmt.decimals_for(number(row, "estimate") for row in shown)

    def percent(self, row: Row) -> str:
        """Give the pooled value."""
        return fmt.format_percent(number(row, "estimate"), self.decimals)

    def line(self, kind: str, label: str, row: Row) -> Line:
        """Give the line of a pool; without a model there is no mark."""
        values = numbers(row, "ci_low", "estimate", "ci_high")
        low, mid, high = values
        printed = fmt.format_percent_interval(mid, low, high, self.decimals, self.text.style)
        estimate, _, interval = printed.partition(" ")
        marked = _shown(row) and known(*values)
        return Line(
            kind,
            label,
            events=fmt.format_count(number(row, "events")),
            patients=fmt.format_count(number(row, "patients")),
            estimate=estimate,
            interval=interval,
            window=fmt.format_tau2(number(row, "tau2")),
            dagger=row["status"] != OK,
            side=SIDE,
            **(dict(zip(("low", "mid", "high"), values, strict=True)) if marked else {}),
        )

    def overall(self, row: Row) -> list[Line]:
        """Give the lines of the pool of all studies, with the prediction interval where it is drawn."""
        name = f"All studies (k = {fmt.format_count(number(row, 'studies'))})"
        lines = [Line("rule"), self.line("overall", name, row)]
        if limits := predicted(row, self.text):
            printed = fmt.format_percent_range(*limits, self.decimals, self.text.style)
            name = f"{self.text.percent} prediction interval"
            lines.append(Line("prediction", name, interval=f"({printed})", low=limits[0], high=limits[1]))
        return lines


def predicted(row: Row | None, text: ChartText) -> tuple[float, ...]:
    """Give the prediction interval of a pool where it is drawn; blank elsewhere."""
    if row is None or number(row, "studies") < text.draw_prediction_from:
        return ()
    limits = numbers(row, "pi_low", "pi_high")
    return limits if known(*limits) else ()


def _draw(
    text: ChartText,
    title: str,
    heading: str,
    rows: Sequence[Row],
    labels: Sequence[str],
    overall: Row | None,
    dark: Sequence[str],
    grey: str,
) -> Drawing:
    """Draw lines of pools with the pool of all studies below, and describe them."""
    printer = Printer(text, rows, overall)
    lines = [printer.line("study", label, row) for label, row in zip(labels, rows, strict=True)]
    notes = Paragraphs(dark, [grey, "All squares are of one size.", *_caveats(rows, overall, text)], text)
    headings = {
        "study": heading,
        "events": "Events",
        "patients": text.unit[:1].upper() + text.unit[1:],
        "estimate": "%",
        "interval": f"({text.percent} CI)",
        "window": "τ²",
    }
    closing = printer.overall(overall) if overall else []
    plot = Plot(
        title,
        headings,
        text.axis,
        (tuple(lines), tuple(closing)) if closing else (tuple(lines),),
        tuple(notes.lines()),
        number(overall, "estimate") if overall else nan,
    )
    with fixed_settings():
        page = PRESETS[text.preset]
        pages = draw_pages(plot, _upper(rows, overall, text), page, palette_of(page, text.palette))
    return Drawing(pages, title, _describe(lines, printer, overall, dark, title))


def _shown(row: Row) -> bool:
    return is_ok(row["status"]) or row["status"] == ONE_STUDY


def _upper(rows: Iterable[Row], overall: Row | None, text: ChartText) -> float:
    shown = [number(row, "ci_high") for row in rows if _shown(row)]
    held = [number(overall, "ci_high"), *predicted(overall, text)] if overall else []
    return axis_end(shown, held)


def _caveats(rows: Sequence[Row], overall: Row | None, text: ChartText) -> list[str]:
    """Explain the dashed line, daggers, arrows and the column of τ², each where it is there."""
    upper = _upper(rows, overall, text)
    marked = [row for row in rows if _shown(row)]
    statuses = dict.fromkeys(remarks_of(row["status"]) for row in rows if row["status"] != OK)
    return [
        "Dashed line: pool of all studies." if overall else "",
        f"τ² on the {scale_of(rows[0]['model'])} scale." if any(known(number(row, "tau2")) for row in rows) else "",
        sentence(f"† {'; '.join(statuses)}") if statuses else "",
        "Arrow: interval extends beyond the axis." if any(number(row, "ci_high") > upper for row in marked) else "",
        f"No prediction interval is drawn below {text.draw_prediction_from} studies."
        if overall and not predicted(overall, text)
        else "",
    ]


def _describe(lines: Sequence[Line], printer: Printer, overall: Row | None, dark: Sequence[str], title: str) -> str:
    said = [f"Forest plot, {title}; {len(lines)} lines, each a pool."]
    drawn = [line for line in lines if line.mid == line.mid]
    if drawn:
        least, most = (pick(drawn, key=lambda line: line.mid) for pick in (min, max))
        said.append(
            f"Pooled values from {least.estimate}% ({least.label}) to {most.estimate}% ({most.label})."
            if len({line.estimate for line in drawn}) > 1
            else f"All pooled values are {least.estimate}%."
        )
    if overall:
        line = printer.overall(overall)[1]
        said.append(f"All studies: {line.estimate}% ({printer.text.percent} CI {line.interval[1:-1]}).")
    return " ".join([*said, *dark])
