"""Pooled studies in time: when they enrolled and when they were reported, with the kind of report."""

from collections import Counter
from collections.abc import Sequence
from math import cos, floor, inf, isfinite, nan, pi, sin
from typing import NamedTuple

from ..tables.evidence_size import Size, size_of, study_names
from ..tables.pools import Row
from ..words import formatting as fmt
from ..words.prose import agree, upper_first
from .kit.axes import Axis, Scale, nice_axis
from .kit.board import Board, Drawing, boards, draw_nothing
from .kit.layout import clean_text
from .kit.readings import FigureText, notes_of
from .kit.style import fixed_settings

TITLE = "The pooled studies in time"
ROW, HEADING, AXIS, ROWS = 4.4, 6.0, 6.0, 50
NAME, KIND, PATIENTS, LEFT, RIGHT = 5.0, 50.0, 92.0, 97.0, 176.0  # mm: columns; the panel
BAR, RADIUS = 1.5, 1.25  # mm: height of a bar of enrolment; size of a point
# Kinds of report: corners (0: round) and turn of a shape, and whether it is filled (a full report) or open (a part of
# one, or a source behind it).
SHAPES = {
    "article": (4, 45, True),
    "registry": (3, 90, True),
    "systematic review": (6, 90, True),
    "abstract": (0, 0, False),
    "label": (4, 0, False),
    "review-table": (3, 90, False),
    "manufacturer": (5, 90, False),
}
OTHER = (3, -90, False)


class Span(NamedTuple):
    """A study in time, in decimal years; NaN where nothing is known."""

    label: str
    kind: str
    patients: int
    start: float
    end: float
    published: float

    @property
    def known(self) -> list[float]:
        """Give the years that are known."""
        return [year for year in (self.start, self.end, self.published) if isfinite(year)]


def decimal_year(date: str, *, end: bool = False) -> float:
    """Give a date as a decimal year: the beginning of the period it names, or its end.

    >>> decimal_year("2020"), decimal_year("2020", end=True), decimal_year("2018-07"), decimal_year("")
    (2020.0, 2021.0, 2018.5, nan)
    """
    if not date:
        return nan
    year, month, day = ([int(part) for part in date.split("-")] + [0, 0])[:3]
    if not month:
        return year + float(end)
    if not day:
        return year + (month - 1 + end) / 12
    return year + (month - 1) / 12 + (day - 1 + end) / 372


def read_spans(studies: Sequence[Row], pooled: Sequence[Row]) -> list[Span]:
    """Give the pooled studies, the earliest first.

    ``studies`` is ``results/data/studies.csv``, ``pooled`` the used rows of all analyses: a study's size is that of its
    largest row.
    """
    sizes: dict[str, int] = {}
    for row in pooled:
        sizes[row["study"]] = max(sizes.get(row["study"], 0), row["patients"])
    spans = [
        Span(
            clean_text(row["label"]),
            row["report"],
            sizes[row["study"]],
            decimal_year(row["enrolled_from"]),
            decimal_year(row["enrolled_to"], end=True),
            nan if row["year"] is None else row["year"] + 0.5,
        )
        for row in studies
        if row["study"] in sizes
    ]
    return sorted(spans, key=lambda span: (min(span.known, default=inf), span.published, span.label))


@fixed_settings()
def draw_timeline(studies: Sequence[Row], pooled: Sequence[Row], text: FigureText) -> Drawing:
    """Draw the pooled studies on an axis of years."""
    spans = read_spans(studies, pooled)
    years = [year for span in spans for year in span.known]
    if not years:
        why = "no pooled study says when it enrolled or was published" if spans else "no study is pooled"
        return draw_nothing(text, TITLE, f"{why}.")
    size = size_of((row["study"] for row in pooled), study_names(studies))
    said, axis = describe(spans, size), nice_axis("", floor(min(years)), max(years), 8, whole=True)
    grey = [
        "Bar: enrolment as reported. Point: year of publication; its shape is the kind of report, open where counts "
        "come from less than a full report. Dashed: the end of enrolment is not reported.",
        f"{text.units}: of the largest count that is pooled.",
    ]
    rows = boards(text, TITLE, notes_of(text, said, grey), spans, ROW, ROWS, HEADING + AXIS)
    pages = [_page(board, part, axis, text.units) for board, part in rows]
    return Drawing(pages, TITLE, " ".join(["Timeline of the pooled studies.", *said]))


def describe(spans: Sequence[Span], size: Size) -> list[str]:
    """Count what is known, and the kinds of report."""
    kinds = Counter(span.kind.replace("-", " ") for span in spans)
    listed = ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])))
    said = f"{size}, by kind of report: {listed}. "
    if enrolling := [span for span in spans if isfinite(span.start)]:
        first = floor(min(span.start for span in enrolling))
        ends = [span.end for span in enrolling if isfinite(span.end)]
        last = f" to {floor(max(ends) - 1e-6)}" if ends else ""
        verb = agree(len(enrolling), "says", "say")
        said += f"{fmt.format_count(len(enrolling))} {verb} when they enrolled, from {first}{last}."
    else:
        said += "None says when it enrolled."
    silent = [span.label for span in spans if not span.known]
    return [said, *([f"No year known: {', '.join(silent)}."] if silent else [])]


def _page(board: Board, spans: Sequence[Span], axis: Axis, units: str):
    middle = board.y(HEADING / 2 - 0.6)
    for at, words, align in ((2, "Study", "left"), (KIND, "Report", "left"), (PATIENTS, units, "right")):
        board.write(board.mm(at), middle, words, bold=True, align=align)
    board.rule(board.y(HEADING - 1.1))
    x = Scale(axis, board.mm(LEFT) + 2 * board.s, board.mm(RIGHT) - 2 * board.s)
    board.axis(x, board.y(HEADING - 0.6), board.y(HEADING + len(spans) * ROW + 0.4))
    for i, span in enumerate(spans):
        _row(board, span, board.y(HEADING + (i + 0.5) * ROW), x)
    return board.finish()


def _row(board: Board, span: Span, middle: float, scale: Scale) -> None:
    """Draw a study: its words, the bar of enrolment, the point of publication."""
    c, s, kind = board.palette, board.s, board.mm(KIND)
    board.write_cut(board.mm(NAME), middle, span.label, board.mm(KIND - NAME) - 5 * s)
    _kind(board, kind + RADIUS * s, middle, span.kind)
    board.write(kind + 4.2 * s, middle, upper_first(span.kind.replace("-", " ")))
    board.write(board.mm(PATIENTS), middle, fmt.format_count(span.patients), align="right")
    start, end, published = (float(scale(year)) for year in (span.start, span.end, span.published))
    if isfinite(start) and isfinite(end):
        board.bar(middle, start, end, BAR / 2, zorder=4)
    elif isfinite(start):
        half = BAR / 2 * s
        board.line([start] * 2, [middle - half, middle + half], width=1.4 * s, color=c.prediction, zorder=4)
        to, dashes = published if isfinite(published) else float(scale(span.start + 1)), (0, (2, 1.5))
        board.line([start, to], [middle] * 2, width=1.0 * s, color=c.prediction, zorder=4, linestyle=dashes)
    if isfinite(published):
        _kind(board, published, middle, span.kind)
    if not span.known:
        board.write(board.mm(LEFT) + 2 * s, middle, f"{fmt.MISSING} no year known", color=c.notes)


def _kind(board: Board, x: float, y: float, kind: str) -> None:
    corners, turn, filled = SHAPES.get(kind, OTHER)
    radius, count = RADIUS * board.s * (1.15 if corners else 1), corners or 32
    angles = [2 * pi * i / count + turn * pi / 180 for i in range(count)]
    places = [(x + radius * cos(a), y - radius * sin(a)) for a in angles]
    color = board.palette.study
    board.polygon(places, color=color if filled else "#ffffff", zorder=6, edge=color, width=0.9 * board.s)
