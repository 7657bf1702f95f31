"""The flow of reports, in the boxes of PRISMA 2020, from what was looked at to what is pooled.

The names of the boxes are those of the statement (Page MJ et al. BMJ 2021;372:n71); what a collection by hand cannot
fill in is said to be missing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from ..sheets.screening import EXCLUDED, INCLUDED, NOT_RETRIEVED, SCREENED_OUT, STAGES
from ..words import formatting as fmt
from ..words.prose import upper_first
from .kit.board import Board
from .kit.canvas import Drawing, draw_nothing
from .kit.layout import clean_text, wrap_text
from .kit.readings import ChartText, Paragraphs, Row
from .kit.style import fixed_settings

COLLECTION = "a curated collection, not a systematic search"
WORDS = {"pooled": "Pooled in an analysis", "sensitivity": "In sensitivity analyses only"}
PHASES = ("Identification", "Screening", "Included")
PHASE, MAIN, SIDE = (2.0, 6.0), (10.0, 84.0), (95.0, 178.0)  # mm: left and right edges of boxes
LEAD, PAD, GAP = 3.5, 1.8, 5.0  # mm: from line to line; inside a box; between two rows


@dataclass(frozen=True)
class Box:
    """A box: its heading and the lines below it."""

    heading: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """A row of the diagram: a box on the way, and what leaves it there."""

    phase: str
    main: Box
    side: Box | None = None


def read_flow(rows: Sequence[Row], studies: Sequence[Row]) -> list[Step]:
    """Count the reports of each box.

    Parameters
    ----------
    rows : sequence of rows
        ``screening.csv``: found, decision, category, sheet; one a report.
    studies : sequence of rows
        ``results/data/studies.csv``: reports with one ``cohort`` are one study.
    """
    ends = {stage: [row for row in rows if STAGES[row["decision"]] == stage] for stage in STAGES.values()}
    left = len(rows)
    sought = left - len(ends[SCREENED_OUT])
    assessed = sought - len(ends[NOT_RETRIEVED])
    included = ends[INCLUDED]
    cohorts = {row["study"]: row["cohort"] or row["study"] for row in studies}
    one = {cohorts.get(row["sheet"], row["id"]) for row in included}
    kinds = [f"{WORDS[d]} (n = {n})" for d, n in Counter(row["decision"] for row in included).most_common()]
    removed = ["Not recorded: reports were collected by hand and each is listed once."]
    return [
        Step(
            PHASES[0],
            Box(f"Records identified from (n = {_n(left)}):", _listed(row["found"] for row in rows)),
            Box("Records removed before screening", removed),
        ),
        Step(
            PHASES[1],
            Box(f"Records screened (n = {_n(left)})"),
            _out("Records excluded", ends[SCREENED_OUT]),
        ),
        Step(
            PHASES[1],
            Box(f"Reports sought for retrieval (n = {_n(sought)})"),
            _out("Reports not retrieved", ends[NOT_RETRIEVED], "no count of the outcome could be read"),
        ),
        Step(
            PHASES[1],
            Box(f"Reports assessed for eligibility (n = {_n(assessed)})"),
            _out("Reports excluded", ends[EXCLUDED]),
        ),
        Step(
            PHASES[2],
            Box(
                f"Studies included in review (n = {_n(len(one))})",
                [f"Reports of included studies (n = {_n(len(included))})", *kinds],
            ),
        ),
    ]


def draw_flow(
    rows: Sequence[Row], studies: Sequence[Row], pooled: Iterable[str], text: ChartText, collection: str = COLLECTION
) -> Drawing:
    """Draw the flow of reports.

    Parameters
    ----------
    rows, studies : sequence of rows
        ``screening.csv`` and ``results/data/studies.csv``.
    pooled : iterable of str
        The studies that are pooled in any analysis; a report that is pooled but not said to be so is named.
    text : ChartText
    collection : str
        How the reports were found; the title says so.
    """
    title = f"Flow of reports: {collection}"
    if not rows:
        return draw_nothing(text, title, "there is no list of the reports that were looked at (studies/screening.csv).")
    steps = read_flow(rows, studies)
    with fixed_settings():
        page = _page(steps, title, mismatch(rows, pooled), text)
    return Drawing(
        [page], title, " ".join([f"Flow diagram with the boxes of PRISMA 2020: {collection}.", *_spoken(steps)])
    )


def mismatch(rows: Sequence[Row], pooled: Iterable[str]) -> list[str]:
    """Name what the list and the pools say differently."""
    said, done = {row["sheet"] for row in rows if row["decision"] == "pooled"}, set(pooled)
    words = []
    if done - said:
        words.append(f"Pooled, but not listed as pooled: {', '.join(sorted(done - said))}.")
    if said - done:
        words.append(f"Listed as pooled, but in no pool: {', '.join(sorted(said - done))}.")
    return words


def _n(count: int) -> str:
    return fmt.format_count(count)


def _listed(words: Iterable[str]) -> list[str]:
    """Count words, the most frequent first."""
    counts = Counter(upper_first(clean_text(word)) or "Not said" for word in words)
    return [f"{word} (n = {_n(n)})" for word, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]


def _out(name: str, rows: Sequence[Row], meaning: str = "") -> Box:
    """Give a box of what leaves, by reason."""
    of = f", {meaning}" if meaning else ""
    return Box(f"{name}{of} (n = {_n(len(rows))}){':' if rows else ''}", _listed(row["category"] for row in rows))


def _page(steps: Sequence[Step], title: str, dark: Sequence[str], text: ChartText):
    """Draw boxes from the top down, with their arrows and the names of the phases."""
    probe = Board(text, title, Paragraphs(text=text), 0)
    wrapped = [[_wrap(box, edges, probe) for box, edges in ((s.main, MAIN), (s.side, SIDE)) if box] for s in steps]
    heights = [max(_height(lines) for lines in row) for row in wrapped]
    grey = [
        "Boxes as in PRISMA 2020 (doi 10.1136/bmj.n71). Studies that reported nothing, or were never found, are not "
        "here."
    ]
    board = Board(text, title, Paragraphs(dark, grey, text), fsum(heights) + GAP * (len(steps) - 1) + 1)
    y, spans = 1.0, {}
    for i, (step, row, height) in enumerate(zip(steps, wrapped, heights, strict=True)):
        top = spans.get(step.phase, (y, 0))[0]
        spans[step.phase] = (top, y + height)
        own = _height(row[0])
        _box(board, MAIN, y, height if len(row) == 1 else own, row[0])
        middle = y + own / 2
        if len(row) > 1:
            other = _height(row[1])
            _box(board, SIDE, y, other, row[1])
            middle = y + min(own, other) / 2
            _arrow(board, (MAIN[1], middle), (SIDE[0], middle))
        if i + 1 < len(steps):
            centre = (MAIN[0] + MAIN[1]) / 2
            _arrow(board, (centre, y + own), (centre, y + height + GAP))
        y += height + GAP
    for phase, (top, bottom) in spans.items():
        _phase(board, phase, top, bottom)
    return board.finish()


def _wrap(box: Box, edges: tuple[float, float], board: Board) -> list[tuple[str, bool, float]]:
    """Give the lines of a box: words, whether bold, and their indent."""
    size, room = board.preset.body, board.mm(edges[1] - edges[0]) - 2 * PAD * board.s
    lines = [(line, True, 0.0) for line in wrap_text(box.heading, room, size, "bold")]
    for words in box.lines:
        for i, line in enumerate(wrap_text(words, room - 3.5 * board.s, size)):
            lines.append((line, False, 1.5 if i == 0 else 3.5))
    return lines


def _height(lines: Sequence) -> float:
    return len(lines) * LEAD + 2 * PAD - 0.4


def _box(board: Board, edges: tuple[float, float], y: float, height: float, lines) -> None:
    """Draw a box with its lines."""
    left, right = board.mm(edges[0]), board.mm(edges[1])
    style = {"color": "#ffffff", "edge": board.palette.text, "line": 0.7 * board.s, "zorder": 2}
    board.page.box(left, board.y(y), right - left, height * board.s, **style)
    for i, (words, bold, indent) in enumerate(lines):
        at = board.y(y + PAD + (i + 0.5) * LEAD - 0.2)
        board.write(left + (PAD + indent) * board.s, at, words, bold=bold)


def _arrow(board: Board, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow; the places are those of a default page."""
    color, s = board.palette.text, board.s
    (x0, y0), (x1, y1) = ((board.mm(x), board.y(y)) for x, y in (start, end))
    board.page.line([x0, x1], [y0, y1], width=0.7 * s, color=color, zorder=3)
    size, half = 1.6 * s, 0.8 * s
    if y0 == y1:
        corners = [(x1 - size, y1 - half), (x1, y1), (x1 - size, y1 + half)]
    else:
        corners = [(x1 - half, y1 - size), (x1, y1), (x1 + half, y1 - size)]
    board.page.polygon(corners, color=color, zorder=4)


def _phase(board: Board, phase: str, top: float, bottom: float) -> None:
    """Draw the name of a phase, upright along its boxes; along a short box in small type."""
    left, right = board.mm(PHASE[0]), board.mm(PHASE[1])
    style = {"color": board.palette.band, "edge": board.palette.light_rule, "line": 0.5 * board.s, "zorder": 1}
    board.page.box(left, board.y(top), right - left, (bottom - top) * board.s, **style)
    size = board.preset.small
    written = board.page.text(
        (left + right) / 2,
        board.y((top + bottom) / 2),
        phase,
        size=size,
        color=board.palette.text,
        align="center",
        bold=True,
    )
    written.set(rotation=90, verticalalignment="center", horizontalalignment="center")


def _spoken(steps: Sequence[Step]) -> list[str]:
    """Say the boxes in sentences."""
    said = []
    for step in steps:
        for box in (step.main, step.side):
            if box:
                said.append(f"{box.heading.rstrip(':')}{': ' if box.lines else ''}{'; '.join(box.lines).rstrip('.')}.")
    return said
