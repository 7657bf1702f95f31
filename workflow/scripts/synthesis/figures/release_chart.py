"""Each answer release by release: a small panel an analysis, on an axis of its own."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from ..tables.declared import read
from ..tables.pools import Row, estimate_text
from ..words import formatting as fmt
from ..words.model_names import interval_name
from ..words.prose import plural
from .kit.axes import AXIS_ENDS, Axis, Scale
from .kit.board import Board, Drawing, chunks, draw_nothing
from .kit.layout import clean_text, text_width, wrap_text
from .kit.readings import FigureText, known, notes_of, text_of, values_of, version_line
from .kit.save import save_drawing
from .kit.style import fixed_settings

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
    """Read ``results/trajectory.csv`` and draw it; the mappings are these parts of the config."""
    version = version_line(review, "table", Path(trajectory_csv).read_bytes())
    drawing = draw_trajectory(read(trajectory_csv, "trajectory"), text_of(review, models, figures, version))
    save_drawing(drawing, stem, figures["formats"])


@fixed_settings()
def draw_trajectory(rows: Sequence[Row], text: FigureText) -> Drawing:
    """Draw the pool of each analysis at each release; the oldest comes first in ``results/trajectory.csv``."""
    versions = list(dict.fromkeys(row["version"] for row in rows))
    if len(versions) < 2:
        return draw_nothing(text, TITLE, f"{plural(len(versions), 'version')} so far; a trajectory needs two.")
    shown, cut = versions[-LATEST:], len(versions[:-LATEST])
    latest = [row["analysis"] for row in rows if row["version"] == versions[-1]]  # its order is that of the config
    panels = [
        [row for row in rows if row["analysis"] == analysis and row["version"] in shown]
        for analysis in dict.fromkeys(latest)
    ]
    grey = [
        f"Point and bar: pooled value with its {text.percent} {interval_name(text.primary)}, of the data and the "
        "engine of that release; open: one study, which is not pooled. Each panel has its own axis. k: studies.",
        f"{plural(cut, 'earlier version')} not shown." if cut else "",
    ]
    notes, parts, pages = notes_of(text, grey=grey), chunks(panels, COLUMNS * ROWS), []
    width = (176.0 - (COLUMNS - 1) * GAP) / COLUMNS
    for number, part in enumerate(parts, 1):
        board = Board(text, TITLE, notes, -(-len(part) // COLUMNS) * PITCH, part=(number, len(parts)))
        for i, panel in enumerate(part):
            left = 2.0 + (i % COLUMNS) * (width + GAP)
            _panel(board, panel, shown, left, left + width, (i // COLUMNS) * PITCH, text)
        pages.append(board.finish())
    said = [describe(panel, text) for panel in panels]
    return Drawing(pages, TITLE, " ".join([f"Pooled values of {plural(len(shown), 'version')}.", *said]))


def describe(panel: Sequence[Row], text: FigureText) -> str:
    """Say where an analysis came from and where it stands."""
    first, last = panel[0], panel[-1]
    label = clean_text(last["label"])
    if first is last:
        return f"{label}: {printed(last, text)}, first in {last['version']}."
    return f"{label}: {printed(first, text)} in {first['version']}, {printed(last, text)} in {last['version']}."


def printed(row: Row, text: FigureText) -> str:
    """Give the pooled value with its interval, or why there is none."""
    if not isfinite(row["estimate"]):
        return row["status"]
    estimate, _, interval = estimate_text(row, fmt.decimals_for([row["estimate"]]), text.style).partition(" ")
    return f"{estimate}% {interval}".strip()


def axis_top(panel: Sequence[Row]) -> int:
    """Give the per cent at which the axis of a panel ends: it holds every interval."""
    highest = max([100 * row["ci_high"] for row in panel if isfinite(row["ci_high"])], default=0)
    return next(end for end in ENDS if end >= min(highest, 100))


def _panel(board: Board, panel: Sequence[Row], versions, left: float, right: float, above: float, text) -> None:
    """Draw one analysis: its name and latest value, the axes, and a point a release."""
    p, c, s = board.preset, board.palette, board.s
    left, right = board.mm(left), board.mm(right)
    top, bottom = board.y(above + HEAD), board.y(above + PITCH - FOOT)
    first, *others = wrap_text(clean_text(panel[-1]["label"]), right - left, p.body, "bold")
    lines = [first, *([" ".join(others)] if others else [])]
    for i, line in enumerate(lines):
        board.write_cut(left, board.y(above + 1.6 + 3.3 * i), line, right - left, bold=True)
    words, y = f"{panel[-1]['version']}: {printed(panel[-1], text)}", board.y(above + 1.6 + 3.3 * len(lines))
    board.write_cut(left, y, words, right - left, size=p.small, color=c.notes)
    end, start = axis_top(panel), left + board.mm(LEFT)
    up = Scale(Axis("", 0, end / 100, [(tick / 100, f"{tick:g}%") for tick in (0, end / 2, end)]), bottom, top)
    for value, label in up.axis.ticks:
        y = float(up(value))
        board.line([start, right], [y, y], width=0.5 * s, color=c.grid, zorder=1)
        board.write(start - 1.2 * s, y, label, size=p.small, align="right")
    board.line([start, right], [bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
    across = Scale(Axis("", -0.5, len(versions) - 0.5, list(enumerate(versions))), start, right)
    places = {version: float(across(i)) for i, version in across.axis.ticks}
    _points(board, panel, places, up)
    _labels(board, panel, places, across, bottom)


def _points(board: Board, panel: Sequence[Row], places: Mapping[str, float], up: Scale) -> None:
    """Draw the pooled values with their intervals, joined from release to release."""
    c, s, last = board.palette, board.s, None
    for row in panel:
        low, mid, high = values_of(row)
        if not isfinite(mid):
            last = None
            continue
        x, y = places[row["version"]], float(up(mid))
        if last is not None:
            board.line([last[0], x], [last[1], y], width=0.6 * s, color=c.prediction, zorder=3)
        if known(low, high):
            board.line([x, x], [float(up(low)), float(up(high))], width=0.9 * s, color=c.study, zorder=4)
        fill = c.study if row["studies"] > 1 else "#ffffff"
        board.square(x, y, RADIUS * s, fill, edge=c.study, width=0.8, zorder=5)
        last = x, y


def _labels(board: Board, panel: Sequence[Row], places: Mapping[str, float], across: Scale, bottom: float) -> None:
    """Write the versions that fit side by side, the last one first, and the studies below each."""
    c, s, size, y = board.palette, board.s, board.preset.small, bottom + 5.6 * board.s
    free = across.end + 2 * s
    for version, place in reversed(places.items()):
        half = text_width(version, size) / 2
        x = min(place, across.end - half)
        if x + half <= free and x - half >= across.start - board.mm(LEFT):
            board.write(x, bottom + 2.4 * s, version, size=size, align="center")
            free = x - half - 1.5 * s
    board.write(across.start - 1.2 * s, y, "k", size=size, color=c.notes, align="right")
    for row in panel:
        studies = fmt.format_count(row["studies"])
        board.write(places[row["version"]], y, studies, size=size, color=c.notes, align="center")
