"""Each answer release by release: a small panel an analysis, on an axis of its own."""

import hashlib
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from ..tables.files import number, numbers, read_table
from ..words import formatting as fmt
from ..words.prose import plural
from .kit.board import Board, chunks, numbered
from .kit.canvas import Drawing, Scale, draw_nothing
from .kit.layout import AXIS_ENDS, clean_text, cut_text, text_width, wrap_text
from .kit.readings import ChartText, Paragraphs, Row
from .kit.save import save_pages
from .kit.style import fixed_settings
from .review_charts import review_text

TITLE = "The answers, release by release"
COLUMNS, ROWS = 3, 5  # panels across, and down a page
PITCH, GAP, LEFT = 42.0, 5.0, 9.0  # mm: from panel to panel down; between them across; for the labels of an axis
HEAD, FOOT = 13.0, 9.5  # mm: above and below a panel
LATEST = 12  # releases shown
RADIUS = 0.9  # mm
ENDS = (1, 2, *AXIS_ENDS)  # per cent


def draw_trajectory_file(
    trajectory_csv: str, stem: str | Path, *, review: Mapping, models: Mapping, figures: Mapping
) -> None:
    """Read the table of releases and draw it.

    Parameters
    ----------
    trajectory_csv : str
        ``results/trajectory.csv``.
    stem : path
        Of the files, without their ending.
    review, models, figures : mapping
        These parts of the config; ``review`` has unit, version and search.
    """
    digest = hashlib.sha256(Path(trajectory_csv).read_bytes()).hexdigest()[:7]
    line = f"Data version {review['version']} · table {digest} · literature to {review['search']}"
    drawing = draw_trajectory(read_table(trajectory_csv), review_text(review, models, figures, line))
    save_pages(drawing.pages, stem, figures["formats"], drawing.title, drawing.desc)


def draw_trajectory(rows: Sequence[Row], text: ChartText) -> Drawing:
    """Draw the pool of each analysis at each release.

    Parameters
    ----------
    rows : sequence of rows
        ``results/trajectory.csv``, the oldest release first.
    text : ChartText
    """
    versions = list(dict.fromkeys(row["version"] for row in rows))
    if len(versions) < 2:
        return draw_nothing(text, TITLE, f"{plural(len(versions), 'version')} so far; a trajectory needs two.")
    shown = versions[-LATEST:]
    latest = [row["analysis"] for row in rows if row["version"] == versions[-1]]  # its order is that of the config
    panels = {
        analysis: [row for row in rows if row["analysis"] == analysis and row["version"] in shown]
        for analysis in dict.fromkeys(latest)
    }
    said = [describe(panel, text) for panel in panels.values()]
    cut = len(versions) - len(shown)
    grey = [
        f"Point and bar: pooled value with its {text.percent} confidence interval, of the data and the engine of that "
        "release; open: one study, which is not pooled. Each panel has its own axis. k: studies.",
        f"{plural(cut, 'earlier version')} not shown." if cut else "",
    ]
    parts = chunks(list(panels.values()), COLUMNS * ROWS)
    with fixed_settings():
        pages = [
            _page(part, shown, numbered(TITLE, i, len(parts)), Paragraphs([], grey, text), text)
            for i, part in enumerate(parts, 1)
        ]
    return Drawing(pages, TITLE, " ".join([f"Pooled values of {plural(len(shown), 'version')}.", *said]))


def describe(panel: Sequence[Row], text: ChartText) -> str:
    """Say where an analysis came from and where it stands."""
    first, last = panel[0], panel[-1]
    label = clean_text(last["label"])
    if first is last:
        return f"{label}: {printed(last, text)}, first in {last['version']}."
    return f"{label}: {printed(first, text)} in {first['version']}, {printed(last, text)} in {last['version']}."


def printed(row: Row, text: ChartText) -> str:
    """Give the pooled value with its interval, or why there is none."""
    values = numbers(row, "estimate", "ci_low", "ci_high")
    if not isfinite(values[0]):
        return row["status"]
    estimate, _, interval = fmt.format_percent_interval(*values, fmt.decimals_for(values[:1]), text.style).partition(
        " "
    )
    return f"{estimate}% {interval}".strip()


def axis_top(panel: Sequence[Row]) -> int:
    """Give the per cent at which the axis of a panel ends: it holds every interval."""
    highest = max([100 * value for row in panel if isfinite(value := number(row, "ci_high"))], default=0)
    return next(end for end in ENDS if end >= min(highest, 100))


def _page(panels: Sequence[Sequence[Row]], versions: Sequence[str], title: str, notes: Paragraphs, text: ChartText):
    """Draw one page of panels."""
    down = -(-len(panels) // COLUMNS)
    board = Board(text, title, notes, down * PITCH)
    width = (176.0 - (COLUMNS - 1) * GAP) / COLUMNS
    for i, panel in enumerate(panels):
        left = 2.0 + (i % COLUMNS) * (width + GAP)
        _panel(board, panel, versions, (left, left + width), (i // COLUMNS) * PITCH, text)
    return board.finish()


def _panel(
    board: Board,
    panel: Sequence[Row],
    versions: Sequence[str],
    edges: tuple[float, float],
    above: float,
    text: ChartText,
) -> None:
    """Draw one analysis: its name and latest value, the axes, and a point a release."""
    p, c, s = board.preset, board.palette, board.s
    left, right = (board.mm(edge) for edge in edges)
    top, bottom = board.y(above + HEAD), board.y(above + PITCH - FOOT)
    lines = wrap_text(clean_text(panel[-1]["label"]), right - left, p.body, "bold")
    lines = [*lines[:1], *([" ".join(lines[1:])] if lines[1:] else [])]
    for i, line in enumerate(lines):
        cut = cut_text(line, right - left, p.body, "bold")
        board.write(left, board.y(above + 1.6 + 3.3 * i), cut, bold=True, full=line)
    words = cut_text(f"{panel[-1]['version']}: {printed(panel[-1], text)}", right - left, p.small)
    board.write(left, board.y(above + 1.6 + 3.3 * len(lines)), words, size=p.small, color=c.notes)
    end = axis_top(panel)
    up = Scale(0, end / 100, bottom, top)
    for tick in (0, end / 2, end):
        y = float(up(tick / 100))
        board.page.line([left + board.mm(LEFT), right], [y, y], width=0.5 * s, color=c.grid, zorder=1)
        board.write(left + board.mm(LEFT) - 1.2 * s, y, f"{tick:g}%", size=p.small, align="right")
    board.page.line([left + board.mm(LEFT), right], [bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
    across = Scale(-0.5, len(versions) - 0.5, left + board.mm(LEFT), right)
    _points(board, panel, versions, across, up)
    _labels(board, panel, versions, across, bottom)


def _points(board: Board, panel: Sequence[Row], versions: Sequence[str], across: Scale, up: Scale) -> None:
    """Draw the pooled values with their intervals, joined from release to release."""
    c, s, last = board.palette, board.s, None
    for row in panel:
        low, mid, high = numbers(row, "ci_low", "estimate", "ci_high")
        x = float(across(versions.index(row["version"])))
        if not isfinite(mid):
            last = None
            continue
        y = float(up(mid))
        if last is not None:
            board.page.line([last[0], x], [last[1], y], width=0.6 * s, color=c.prediction, zorder=3)
        if isfinite(low) and isfinite(high):
            board.page.line([x, x], [float(up(low)), float(up(high))], width=0.9 * s, color=c.study, zorder=4)
        r = RADIUS * s
        corners = [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)]
        fill = c.study if number(row, "studies") > 1 else "#ffffff"
        board.page.polygon(corners, color=fill, zorder=5, edge=c.study, width=0.8 * s)
        last = x, y


def _labels(board: Board, panel: Sequence[Row], versions: Sequence[str], across: Scale, bottom: float) -> None:
    """Write the versions that fit side by side, the last one first, and the studies below each."""
    p, c, s = board.preset, board.palette, board.s
    size, free = p.small, across.end + 2 * s
    for i in reversed(range(len(versions))):
        x, half = float(across(i)), text_width(versions[i], size) / 2
        x = min(x, across.end - half)
        if x + half <= free and x - half >= across.start - board.mm(LEFT):
            board.write(x, bottom + 2.4 * s, versions[i], size=size, align="center")
            free = x - half - 1.5 * s
    board.write(across.start - 1.2 * s, bottom + 5.6 * s, "k", size=size, color=c.notes, align="right")
    for row in panel:
        x = float(across(versions.index(row["version"])))
        studies = fmt.format_count(number(row, "studies"))
        board.write(x, bottom + 5.6 * s, studies, size=size, color=c.notes, align="center")
