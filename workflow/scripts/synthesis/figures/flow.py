"""The flow of reports, in the boxes of PRISMA 2020, from what was looked at to what is pooled.

The names of the boxes are those of the statement (Page MJ et al. BMJ 2021;372:n71); what a collection by hand cannot
fill in is said to be missing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum
from typing import NamedTuple

from ..sheets.screening import EXCLUDED, INCLUDED, NOT_RETRIEVED, POOLED, SCREENED_OUT, STAGES
from ..tables.evidence_size import size_of, study_names
from ..tables.pools import Row
from ..words import formatting as fmt
from ..words.prose import plural, upper_first
from .kit.board import Board, Drawing, draw_nothing
from .kit.layout import clean_text, wrap_text
from .kit.readings import FigureText, notes_of
from .kit.style import fixed_settings

COLLECTION = "a curated collection, not a systematic search"
PHASES = ("Identification", "Screening", "Included")
PHASE, MAIN, SIDE = (2.0, 6.0), (10.0, 84.0), (95.0, 178.0)  # mm: left and right edges of boxes
LEAD, PAD, GAP = 3.5, 1.8, 5.0  # mm: from line to line; inside a box; between two rows
REMOVED = "Not recorded: reports were collected by hand and each is listed once."
LEGEND = (
    "Boxes as in PRISMA 2020 (doi 10.1136/bmj.n71). Studies that reported nothing, or were never found, are not here."
)


class Box(NamedTuple):
    """A box: its heading and the lines below it."""

    heading: str
    lines: Sequence[str] = ()


class Step(NamedTuple):
    """A row of the diagram: a box on the way, and what leaves it there."""

    phase: str
    main: Box
    side: Box | None = None


def read_flow(rows: Sequence[Row], studies: Sequence[Row]) -> list[Step]:
    """Count the reports of each box.

    ``rows`` is ``screening.csv``: found, decision, category, sheet, one a report; ``studies`` is
    ``results/data/studies.csv``: reports with one ``cohort`` are one study.
    """
    ends = {stage: [row for row in rows if STAGES[row["decision"]] == stage] for stage in STAGES.values()}
    included, sought = ends[INCLUDED], len(rows) - len(ends[SCREENED_OUT])
    names = study_names(studies)
    size = size_of((row["sheet"] or row["id"] for row in included), names)
    reports = f"Reports of included studies (n = {fmt.format_count(size.reports)})"
    pooled = size_of((row["sheet"] for row in included if row["decision"] == POOLED), names)
    kinds = [f"Pooled in an analysis: {pooled}", *_held(size.reports - pooled.reports)]
    removed = Box("Records removed before screening", [REMOVED])
    unread = "Reports not retrieved, no count of the outcome could be read"
    assessed = sought - len(ends[NOT_RETRIEVED])
    found, screening, last = PHASES
    return [
        Step(found, _of("Records identified from", len(rows), _listed(row["found"] for row in rows)), removed),
        Step(screening, _of("Records screened", len(rows)), _out("Records excluded", ends[SCREENED_OUT])),
        Step(screening, _of("Reports sought for retrieval", sought), _out(unread, ends[NOT_RETRIEVED])),
        Step(screening, _of("Reports assessed for eligibility", assessed), _out("Reports excluded", ends[EXCLUDED])),
        Step(last, _of("Studies included in review", size.studies, [reports, *kinds], end="")),
    ]


@fixed_settings()
def draw_flow(
    rows: Sequence[Row], studies: Sequence[Row], pooled: Iterable[str], text: FigureText, collection: str = COLLECTION
) -> Drawing:
    """Draw the flow of reports, of the tables of :func:`read_flow`.

    ``pooled`` are the studies in any analysis: a report that is pooled but not said to be so is named. ``collection``
    says in the title how the reports were found.
    """
    title = f"Flow of reports: {collection}"
    if not rows:
        return draw_nothing(text, title, "there is no list of the reports that were looked at (studies/screening.csv).")
    steps = read_flow(rows, studies)
    said = [
        f"{box.heading.rstrip(':')}{': ' if box.lines else ''}{'; '.join(box.lines).rstrip('.')}."
        for step in steps
        for box in (step.main, step.side)
        if box
    ]
    page = _page(steps, title, mismatch(rows, pooled), text)
    return Drawing([page], title, " ".join([f"Flow diagram with the boxes of PRISMA 2020: {collection}.", *said]))


def mismatch(rows: Sequence[Row], pooled: Iterable[str]) -> list[str]:
    """Name what the list and the pools say differently."""
    said, done = {row["sheet"] for row in rows if row["decision"] == POOLED}, set(pooled)
    differences = {"Pooled, but not listed as pooled": done - said, "Listed as pooled, but in no pool": said - done}
    return [f"{words}: {', '.join(sorted(names))}." for words, names in differences.items() if names]


def _held(reports: int) -> list[str]:
    return [f"In sensitivity analyses only: {plural(reports, 'report')}"] if reports else []


def _listed(words: Iterable[str]) -> list[str]:
    """Count words, the most frequent first."""
    counts = Counter(upper_first(clean_text(word)) or "Not said" for word in words)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [f"{word} (n = {fmt.format_count(n)})" for word, n in ordered]


def _of(words: str, count: int, lines: Sequence[str] = (), end: str = ":") -> Box:
    return Box(f"{words} (n = {fmt.format_count(count)}){end if lines else ''}", lines)


def _out(words: str, rows: Sequence[Row]) -> Box:
    return _of(words, len(rows), _listed(row["category"] for row in rows))


def _page(steps: Sequence[Step], title: str, dark: Sequence[str], text: FigureText):
    """Draw boxes from the top down, with their arrows and the names of the phases."""
    probe = Board(text, title)
    wrapped = [[_wrap(box, edges, probe) for box, edges in ((s.main, MAIN), (s.side, SIDE)) if box] for s in steps]
    heights = [max(map(_height, row)) for row in wrapped]
    board = Board(text, title, notes_of(text, dark, [LEGEND]), fsum(heights) + GAP * (len(steps) - 1) + 1)
    y, spans, centre = 1.0, {}, (MAIN[0] + MAIN[1]) / 2
    for i, (step, row, height) in enumerate(zip(steps, wrapped, heights, strict=True)):
        spans[step.phase] = (spans.get(step.phase, (y, 0))[0], y + height)
        for edges, lines in zip((MAIN, SIDE), row, strict=False):
            _box(board, edges, y, lines)
        if len(row) > 1:
            middle = y + min(map(_height, row)) / 2
            _arrow(board, (MAIN[1], middle), (SIDE[0], middle))
        if i + 1 < len(steps):
            _arrow(board, (centre, y + _height(row[0])), (centre, y + height + GAP))
        y += height + GAP
    for phase, (top, bottom) in spans.items():
        _phase(board, phase, top, bottom)
    return board.finish()


def _wrap(box: Box, edges: tuple[float, float], board: Board) -> list[tuple[str, bool, float]]:
    """Give the lines of a box: words, whether bold, and their indent."""
    size, room = board.preset.body, board.mm(edges[1] - edges[0]) - 2 * PAD * board.s
    lines = [(line, True, 0.0) for line in wrap_text(box.heading, room, size, "bold")]
    for words in box.lines:
        wrapped = wrap_text(words, room - 3.5 * board.s, size)
        lines += [(line, False, 3.5 if i else 1.5) for i, line in enumerate(wrapped)]
    return lines


def _height(lines: Sequence) -> float:
    return len(lines) * LEAD + 2 * PAD - 0.4


def _box(board: Board, edges: tuple[float, float], y: float, lines) -> None:
    left, right, s = *map(board.mm, edges), board.s
    style = {"edgecolor": board.palette.text, "linewidth": 0.7 * s, "zorder": 2}
    board.box(left, board.y(y), right - left, _height(lines) * s, **style)
    for i, (words, bold, indent) in enumerate(lines):
        at = board.y(y + PAD + (i + 0.5) * LEAD - 0.2)
        board.write(left + (PAD + indent) * s, at, words, bold=bold)


def _arrow(board: Board, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow to the right or down; the places are those of a default page."""
    color, s = board.palette.text, board.s
    (x0, y0), (x1, y1) = ((board.mm(x), board.y(y)) for x, y in (start, end))
    board.line([x0, x1], [y0, y1], width=0.7 * s, color=color, zorder=3)
    board.arrow(x1, y1, int(y0 == y1), int(y0 != y1), color)


def _phase(board: Board, phase: str, top: float, bottom: float) -> None:
    """Draw the name of a phase, upright along its boxes."""
    left, right, c, s = *map(board.mm, PHASE), board.palette, board.s
    style = {"color": c.band, "edgecolor": c.light_rule, "linewidth": 0.5 * s, "zorder": 1}
    board.box(left, board.y(top), right - left, (bottom - top) * s, **style)
    style = {"size": board.preset.small, "color": c.text, "bold": True, "align": "center"}
    board.write_upright((left + right) / 2, board.y((top + bottom) / 2), phase, at="center", **style)
