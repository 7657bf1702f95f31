"""The page of a chart: title, one panel with its axes, room for rows below it, notes; and marks by the hundred."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from ...words.formatting import MINUS
from ...words.prose import upper_first
from .layout import MARK, PAD, Page, cut_text, text_width, wrap_text
from .readings import ChartText, Paragraphs
from .style import MM_PER_POINT, PRESETS, fixed_settings, palette_of

MARGIN, RIGHT = 2.0, 178.0  # mm: left and right edge of what is printed
HEAD, AXIS = 13.0, 11.0  # mm: above the panel; the axis with its title
LIFT = 0.365  # of the size of type: from the middle of a line to its baseline
STEP = 0.3  # lines between dark and grey notes
CIRCLE = Path.unit_circle()


@dataclass(frozen=True)
class Drawing:
    """A drawn figure with its alternative text."""

    pages: Sequence[Figure]
    title: str
    desc: str


@dataclass(frozen=True)
class Scale:
    """From values to places.

    Parameters
    ----------
    low, high : float
        Ends of the axis, as values.
    start, end : float
        Their places, in mm.
    bend : callable, optional
        Takes values to where they are evenly spaced: ``np.log``, ``np.sqrt``.
    """

    low: float
    high: float
    start: float
    end: float
    bend: Callable = np.asarray

    def __call__(self, value):
        """Give places in mm; a value past an end stands on it."""
        low, high = self.bend(self.low), self.bend(self.high)
        share = (self.bend(np.clip(value, self.low, self.high)) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def beyond(self, value: float) -> bool:
        """Say whether a value lies past the upper end."""
        return bool(value > self.high + 1e-9 * abs(self.high))


class Chart:
    """A page with one panel.

    Parameters
    ----------
    text : ChartText
    title : str
    notes : Paragraphs
    panel, below : float
        Height in mm of the panel, and of what stands between its axis and the notes. A page of fixed height gives the
        panel what the rest leaves.
    left, right : float
        Edges of the panel on a page of 180 mm.
    axis : float
        Height of the axis below the panel.
    """

    def __init__(
        self,
        text: ChartText,
        title: str,
        notes: Paragraphs,
        *,
        panel: float = 70,
        below: float = 0,
        left: float = 14,
        right: float = 176,
        axis: float = AXIS,
    ):
        p = self.preset = PRESETS[text.preset]
        self.palette, self.s = palette_of(p, text.palette), p.scale
        room = p.mm(RIGHT - MARGIN)
        self.notes = [(line, dark) for words, dark in notes.lines() for line in wrap_text(words, room, p.notes)]
        under = (axis + below + 4 + MARGIN) * self.s + (len(self.notes) + STEP) * p.leading
        height = panel * self.s
        if p.height:
            height = max(p.height - HEAD * self.s - under, panel / 2)
        self.page = Page(p.width, max(HEAD * self.s + height + under, p.height or 0))
        self.left, self.right, self.top = p.mm(left), p.mm(right), HEAD * self.s
        self.bottom = self.top + height
        self.under = self.bottom + axis * self.s  # where what stands below the axis begins
        self.end = self.under + (below + 4) * self.s
        shown = cut_text(title, room, p.title, "bold")
        self.words(MARGIN, 5.4 * self.s, shown, size=p.title, bold=True, full=title)

    @property
    def pad(self) -> float:
        """Give the distance between the edge of the panel and its axis, so that a mark at 0 is whole."""
        return PAD * self.s

    def words(self, x: float, y: float, text: str, *, size: float = 0, color: str = "", **kwargs) -> None:
        """Write one line; ``x`` is in mm of a page of 180 mm."""
        size, color = size or self.preset.body, color or self.palette.text
        self.page.text(self.preset.mm(x), y, text, size=size, color=color, **kwargs)

    def write(self, x: float, middle: float, text: str, *, size: float = 0, color: str = "", **kwargs) -> None:
        """Write one line centred on a height; ``x`` is a place on the page itself, in mm."""
        size = size or self.preset.body
        y = middle + LIFT * size * MM_PER_POINT
        self.page.text(x, y, text, size=size, color=color or self.palette.text, **kwargs)

    def x_scale(self, low: float, high: float, *, inset: float = 0, end: float | None = None) -> Scale:
        """Give the scale from left to right; it stays ``inset`` mm off the edges, and may end before the right one."""
        pad = self.pad + inset * self.s
        return Scale(low, high, self.left + pad, (self.right if end is None else end) - pad)

    def y_scale(self, low: float, high: float, **kwargs) -> Scale:
        """Give the scale from bottom to top."""
        return Scale(low, high, self.bottom - self.pad, self.top + self.pad, **kwargs)

    def x_axis(self, scale: Scale, ticks: Iterable[tuple[float, str]], title: str, top: float | None = None) -> None:
        """Draw grid lines, ticks and title of the horizontal axis."""
        page, c, s, bottom, size = self.page, self.palette, self.s, self.bottom, self.preset.body
        page.line([scale.start, scale.end], [bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
        for value, label in ticks:
            x = float(scale(value))
            page.line([x, x], [self.top if top is None else top, bottom], width=0.5 * s, color=c.grid, zorder=1)
            page.line([x, x], [bottom, bottom + 0.9 * s], width=0.6 * s, color=c.text, zorder=2.2)
            page.text(x, bottom + 3.7 * s, label, size=size, color=c.text, align="center")
        middle = (scale.start + scale.end) / 2
        page.text(middle, bottom + 7.7 * s, title, size=size, color=c.text, align="center")

    def y_axis(self, scale: Scale, ticks: Iterable[tuple[float, str]], title: str) -> None:
        """Draw grid lines, ticks and title of the vertical axis; the title stands level above it."""
        page, c, s, size = self.page, self.palette, self.s, self.preset.body
        page.line([self.left] * 2, [scale.start, scale.end], width=0.6 * s, color=c.text, zorder=2.2)
        for value, label in ticks:
            y = float(scale(value))
            page.line([self.left, self.right], [y, y], width=0.5 * s, color=c.grid, zorder=1)
            page.line([self.left - 0.9 * s, self.left], [y, y], width=0.6 * s, color=c.text, zorder=2.2)
            self.write(self.left - 1.6 * s, y, label, align="right")
        start = self.left - 1.6 * s - max(text_width(label, size) for _, label in ticks)
        start = max(start, self.preset.mm(MARGIN))
        page.text(start, self.top - 1.6 * s, title, size=size, color=c.text)

    def finish(self) -> Figure:
        """Write the notes and give the figure."""
        y, was_dark, p = self.end, False, self.preset
        for line, dark in self.notes:
            y += STEP * p.leading if was_dark and not dark else 0
            self.words(MARGIN, y, line, size=p.notes, color=self.palette.text if dark else self.palette.notes)
            y, was_dark = y + p.leading, dark
        return self.page.figure


def draw_nothing(text: ChartText, title: str, reason: str) -> Drawing:
    """Give a short page with the title and one sentence that says why there is no figure.

    Parameters
    ----------
    text : ChartText
    title : str
    reason : str
        A sentence with its full stop, in lower case where it begins with no name.
    """
    with fixed_settings():
        notes = Paragraphs([f"Not drawn: {reason}"], (), replace(text, note=""))
        chart = Chart(replace(text, preset="default"), title, notes, panel=0.1, axis=-6)
        return Drawing([chart.finish()], title, f"Not drawn: {reason}")


def segments(page: Page, lines, *, width: float, color: str, zorder: float) -> None:
    """Draw many straight lines as one path: an array of shape (lines, 2 ends, 2 places) in mm."""
    lines = np.asarray(lines, float).reshape(-1, 2, 2)
    if not len(lines):
        return
    codes = np.tile([Path.MOVETO, Path.LINETO], len(lines))
    path = Path(lines.reshape(-1, 2), codes)
    style = {"facecolor": "none", "edgecolor": color, "linewidth": width, "capstyle": "butt", "zorder": zorder}
    page.figure.add_artist(PathPatch(path, transform=page.transform, **style))


def circles(page: Page, places, radius, *, color: str, edge: str, width: float, zorder: float, mark: bool = False):
    """Draw circles in one path, or each as a mark of its own that checks can see.

    Parameters
    ----------
    page : Page
    places : array_like of shape (circles, 2)
        Centres, in mm.
    radius : float or array_like of shape (circles,)
    color, edge : str
    width : float
        Of the edge, in points.
    zorder : float
    mark : bool
    """
    places = np.asarray(places, float).reshape(-1, 2)
    radii = np.broadcast_to(radius, len(places))
    paths = [Path(CIRCLE.vertices * r + place, CIRCLE.codes) for place, r in zip(places, radii, strict=True)]
    style = {"facecolor": color, "edgecolor": edge, "linewidth": width, "zorder": zorder}
    for path in paths if mark else ([Path.make_compound_path(*paths)] if paths else []):
        label = {"label": MARK} if mark else {}
        page.figure.add_artist(PathPatch(path, transform=page.transform, **style, **label))


def boxes(page: Page, corners, *, color: str, zorder: float) -> None:
    """Fill many rectangles of one colour as one path: an array of shape (boxes, 4): left, top, right, bottom in mm."""
    corners = np.asarray(corners, float).reshape(-1, 4)
    if not len(corners):
        return
    left, top, right, bottom = corners.T
    around = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]).transpose(2, 0, 1)
    codes = np.tile([Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY], len(corners))
    path = Path(around.reshape(-1, 2), codes)
    patch = PathPatch(path, transform=page.transform, facecolor=color, edgecolor="none", zorder=zorder)
    page.figure.add_artist(patch)


def tint(color: str, share: float) -> str:
    """Mix a colour with white: 1 is the colour itself.

    >>> tint("#000000", 0.25)
    '#bfbfbf'
    """
    return to_hex([1 - share * (1 - part) for part in to_rgb(color)])


def nice_ticks(low: float, high: float, count: int = 6, *, whole: bool = False) -> list[tuple[float, str]]:
    """Give round ticks that hold a range, with their words.

    >>> nice_ticks(2020, 2023, whole=True)
    [(2020.0, '2020'), (2021.0, '2021'), (2022.0, '2022'), (2023.0, '2023')]
    >>> nice_ticks(0, 0.43)
    [(0.0, '0'), (0.1, '0.1'), (0.2, '0.2'), (0.3, '0.3'), (0.4, '0.4'), (0.5, '0.5')]
    """
    if high <= low:
        low, high = low - 1, high + 1
    values = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    step = values[1] - values[0]
    first = max(int(np.searchsorted(values, low + 1e-9 * step, "right")) - 1, 0)
    last = int(np.searchsorted(values, high - 1e-9 * step))
    decimals = next(d for d in range(10) if abs(round(step, d) - step) < 1e-9 * step)
    return [(float(round(v, decimals)), tick_words(v, decimals)) for v in values[first : last + 1]]


def tick_words(value: float, decimals: int) -> str:
    """Give the words of a tick: no comma in a year, a true minus, a bare 0."""
    size = abs(round(value, decimals))
    words = f"{size:,.{decimals}f}" if size >= 10000 else f"{size:.{decimals}f}"
    return "0" if size == 0 else MINUS + words if value < 0 else words


def sentence(*parts: str) -> str:
    """Join parts into one sentence that begins with a capital and ends with one full stop."""
    words = " ".join(part for part in parts if part).rstrip(".")
    return f"{upper_first(words)}."
