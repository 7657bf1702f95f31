"""Pooled studies in time: when they enrolled and when they were reported, with the kind of report."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, floor, inf, isfinite, nan, pi, sin

from ..tables.files import number
from ..words import formatting as fmt
from ..words.prose import upper_first
from .kit.board import Board, chunks, numbered, rows_a_page
from .kit.canvas import Drawing, draw_nothing, nice_ticks
from .kit.layout import clean_text, cut_text
from .kit.readings import ChartText, Paragraphs, Row, studies_of
from .kit.style import fixed_settings

TITLE = "The pooled studies in time"
ROW, HEADING, AXIS, ROWS = 4.4, 6.0, 6.0, 50
NAME, KIND, PATIENTS, LEFT, RIGHT = 5.0, 50.0, 92.0, 97.0, 176.0  # mm: columns; the panel
BAR, RADIUS = 1.5, 1.25  # mm: height of a bar of enrolment; size of a point
# Kinds of report: a shape, and whether it is filled (a full report) or open (a part of one, or a source behind it).
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


@dataclass(frozen=True)
class Span:
    """A study in time, in decimal years; NaN where nothing is known."""

    label: str
    kind: str
    patients: float
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
        return year + (1.0 if end else 0.0)
    if not day:
        return year + (month - (0 if end else 1)) / 12
    return year + (month - 1) / 12 + (day - (0 if end else 1)) / 372


def read_spans(studies: Sequence[Row], pooled: Sequence[Row]) -> list[Span]:
    """Give the pooled studies, the earliest first.

    Parameters
    ----------
    studies : sequence of rows
        ``results/data/studies.csv``.
    pooled : sequence of rows
        The used rows of all analyses; a study's size is that of its largest row.
    """
    sizes: dict[str, float] = {}
    for row in pooled:
        sizes[row["study"]] = max(sizes.get(row["study"], 0), number(row, "patients"))
    spans = [
        Span(
            clean_text(row["label"]),
            row["report"],
            sizes[row["study"]],
            decimal_year(row["enrolled_from"]),
            decimal_year(row["enrolled_to"], end=True),
            number(row, "year") + 0.5,
        )
        for row in studies
        if row["study"] in sizes
    ]
    return sorted(spans, key=lambda span: (min(span.known, default=inf), span.published, span.label))


def draw_timeline(studies: Sequence[Row], pooled: Sequence[Row], text: ChartText) -> Drawing:
    """Draw the pooled studies on an axis of years."""
    spans = read_spans(studies, pooled)
    years = [year for span in spans for year in span.known]
    if not years:
        why = "no pooled study says when it enrolled or was published" if spans else "no study is pooled"
        return draw_nothing(text, TITLE, f"{why}.")
    said = describe(spans)
    ticks = nice_ticks(floor(min(years)), max(years), 8, whole=True)
    with fixed_settings():
        probe = Board(text, TITLE, _notes(said, text), HEADING + AXIS)
        parts = chunks(spans, rows_a_page(probe, ROW, ROWS))
        pages = [_page(part, ticks, numbered(TITLE, i, len(parts)), said, text) for i, part in enumerate(parts, 1)]
    return Drawing(pages, TITLE, " ".join(["Timeline of the pooled studies.", *said]))


def describe(spans: Sequence[Span]) -> list[str]:
    """Count what is known, and the kinds of report."""
    enrolling = [span for span in spans if isfinite(span.start)]
    kinds: dict[str, int] = {}
    for span in spans:
        kinds[span.kind] = kinds.get(span.kind, 0) + 1
    listed = ", ".join(
        f"{kind.replace('-', ' ')} {n}" for kind, n in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    said = f"{studies_of(len(spans))} by kind of report: {listed}. "
    if enrolling:
        first = floor(min(span.start for span in enrolling))
        ends = [span.end for span in enrolling if isfinite(span.end)]
        last = f" to {floor(max(ends) - 1e-6)}" if ends else ""
        verb = "says" if len(enrolling) == 1 else "say"
        said += f"{fmt.format_count(len(enrolling))} {verb} when they enrolled, from {first}{last}."
    else:
        said += "None says when it enrolled."
    silent = [span.label for span in spans if not span.known]
    undated = f"No year known: {', '.join(silent)}." if silent else ""
    return [said, *([undated] if undated else [])]


def _notes(said: Sequence[str], text: ChartText) -> Paragraphs:
    """Give the notes, on every page the same."""
    grey = [
        "Bar: enrolment as reported. Point: year of publication; its shape is the kind of report, open where counts "
        "come from less than a full report. Dashed: the end of enrolment is not reported.",
        f"{upper_first(text.unit)}: of the largest count that is pooled.",
    ]
    return Paragraphs(said, grey, text)


def _page(spans: Sequence[Span], ticks, title: str, said: Sequence[str], text: ChartText):
    """Draw one page."""
    board = Board(text, title, _notes(said, text), HEADING + len(spans) * ROW + AXIS)
    first, last = ticks[0][0], ticks[-1][0]
    left, right = board.mm(LEFT), board.mm(RIGHT) - 2 * board.s
    left += 2 * board.s

    def x(year: float) -> float:
        return left + (year - first) / (last - first) * (right - left)

    middle = board.y(HEADING / 2 - 0.6)
    board.write(board.mm(2), middle, "Study", bold=True)
    board.write(board.mm(KIND), middle, "Report", bold=True)
    board.write(board.mm(PATIENTS), middle, upper_first(text.unit), bold=True, align="right")
    board.rule(board.y(HEADING - 1.1))
    bottom = board.y(HEADING + len(spans) * ROW + 0.4)
    _axis(board, x, ticks, bottom)
    for i, span in enumerate(spans):
        _row(board, span, board.y(HEADING + (i + 0.5) * ROW), x)
    return board.finish()


def _axis(board: Board, x, ticks, bottom: float) -> None:
    """Draw the years with their grid."""
    page, c, s = board.page, board.palette, board.s
    page.line([x(ticks[0][0]), x(ticks[-1][0])], [bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
    for year, words in ticks:
        page.line([x(year)] * 2, [board.y(HEADING - 0.6), bottom], width=0.5 * s, color=c.grid, zorder=1)
        page.line([x(year)] * 2, [bottom, bottom + 0.9 * s], width=0.6 * s, color=c.text, zorder=2.2)
        board.write(x(year), bottom + 3.0 * s, words, align="center")


def _row(board: Board, span: Span, middle: float, x) -> None:
    """Draw a study: its words, the bar of enrolment, the point of publication."""
    page, c, s, size = board.page, board.palette, board.s, board.preset.body
    room = board.mm(KIND - NAME) - 5 * s
    board.write(board.mm(NAME), middle, cut_text(span.label, room, size), full=span.label)
    draw_kind(board, board.mm(KIND) + RADIUS * s, middle, span.kind)
    board.write(board.mm(KIND) + 4.2 * s, middle, upper_first(span.kind.replace("-", " ")))
    board.write(board.mm(PATIENTS), middle, fmt.format_count(span.patients), align="right")
    if isfinite(span.start) and isfinite(span.end):
        half = BAR / 2 * s
        corners = [(x(span.start), middle - half), (x(span.end), middle - half)]
        corners += [(x(span.end), middle + half), (x(span.start), middle + half)]
        page.polygon(corners, color=c.prediction, zorder=4)
    elif isfinite(span.start):
        half, to = BAR / 2 * s, span.published if isfinite(span.published) else span.start + 1
        page.line([x(span.start)] * 2, [middle - half, middle + half], width=1.4 * s, color=c.prediction, zorder=4)
        dashes = {"linestyle": (0, (2, 1.5))}
        page.line([x(span.start), x(to)], [middle] * 2, width=1.0 * s, color=c.prediction, zorder=4, **dashes)
    if isfinite(span.published):
        draw_kind(board, x(span.published), middle, span.kind)
    if not span.known:
        board.write(board.mm(LEFT) + 2 * s, middle, f"{fmt.MISSING} no year known", color=c.notes)


def draw_kind(board: Board, x: float, y: float, kind: str) -> None:
    """Draw the point of a kind of report."""
    corners, turn, filled = SHAPES.get(kind, OTHER)
    radius = RADIUS * board.s * (1.15 if corners else 1)
    count = corners or 32
    angles = [2 * pi * i / count + turn * pi / 180 for i in range(count)]
    places = [(x + radius * cos(a), y - radius * sin(a)) for a in angles]
    color = board.palette.study
    fill = color if filled else "#ffffff"
    board.page.polygon(places, color=fill, zorder=6, edge=color, width=0.9 * board.s)
