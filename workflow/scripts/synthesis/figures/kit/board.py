"""A page that grows with what stands on it: title, content, key, notes; and one with a panel between two axes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from matplotlib.figure import Figure

from .axes import Axis, Scale
from .dots import Key
from .layout import Page, cut_text, text_width, wrap_text
from .presets import PRESETS, TITLE
from .readings import FigureText, Note, notes_of
from .style import MM_PER_POINT, fixed_settings, palette_of

MARGIN, RIGHT = 2.0, 178.0  # mm: left and right edge of what is printed
FOOT = 4.0  # mm between content and notes
PAD, ARROW = 1.5, 1.6  # mm between the edge of a panel and its axis; length of an arrow
STEP = 0.3  # lines between dark and grey notes
LIFT = 0.365  # of the size of type: from the middle of a line to its baseline


@dataclass(frozen=True)
class Drawing:
    """A drawn figure with its alternative text."""

    pages: Sequence[Figure]
    title: str
    desc: str


class Board(Page):
    """A page with room for content, in millimetres of a default page: ``mm``, ``y`` and ``s`` turn them into its own.

    ``key`` says below the content what dots mean, ``part`` which page this is of how many. ``head``, ``foot`` and
    ``end`` are the heights above the content, below it and below the notes; the title stands in one of the first two.
    Pages grow; of a fixed height, ``grow`` is how much of the content takes what the rest leaves.
    """

    def __init__(
        self,
        text: FigureText,
        title: str,
        notes: Sequence[Note] = (),
        content: float = 0,
        *,
        key: Key | None = None,
        part: tuple[int, int] = (1, 1),
        head: float | None = None,
        foot: float | None = None,
        end: float = 1.5,
        grow: float = 0,
    ):
        p = self.preset = PRESETS[text.preset]
        self.palette, self.s, self.key, self.title = palette_of(p, text.palette), p.scale, key, title
        self.suffix = f" ({part[0]} of {part[1]})" if part[1] > 1 else ""
        self.room = p.mm(RIGHT - MARGIN)
        self.notes = [(line, dark) for words, dark in notes for line in wrap_text(words, self.room, p.notes)]
        self.above = p.layout.title == "above"
        head = (10.0 if self.above else 10.0 - TITLE) if head is None else head
        foot = (FOOT if self.above else FOOT + TITLE + 1) if foot is None else foot
        under = foot * self.s + (key.height(p) if key else 0) + (len(self.notes) + STEP) * p.leading + end * self.s
        height = head * self.s + content * self.s
        # What a page of fixed height has left, in mm of a default page.
        self.left_over = (p.height - height - under) / self.s if p.height else inf
        self.grown = max(self.left_over, grow / 2 / self.s - grow) if grow and p.height else 0
        self.top, self.bottom = head * self.s, height + self.grown * self.s
        super().__init__(p.width, max(self.bottom + under, p.height or 0))

    def mm(self, length: float) -> float:
        """Turn a place across a default page into one of this page."""
        return self.preset.mm(length)

    def y(self, length: float) -> float:
        """Give the place of a height below the top of the content, in mm of a default page."""
        return self.top + length * self.s

    def write(self, x: float, middle: float, text: str, *, size: float = 0, color: str = "", **style):
        """Write one line centred on a height; places are those of the page itself, in mm."""
        size = size or self.preset.body
        y = middle + LIFT * size * MM_PER_POINT
        return self.text(x, y, text, size=size, color=color or self.palette.text, **style)

    def write_cut(self, x: float, middle: float, text: str, room: float, *, size: float = 0, bold=False, **style):
        """Write one line centred on a height, shortened to its room."""
        cut = cut_text(text, room, size or self.preset.body, "bold" if bold else "normal")
        return self.write(x, middle, cut, size=size, bold=bold, full=text, **style)

    def write_upright(self, x: float, y: float, text: str, *, at: str, **style) -> None:
        """Write a line from the bottom up, centred on ``x``; ``at`` says whether its center or bottom is at ``y``."""
        written = self.text(x, y, text, **style)
        written.set(rotation=90, verticalalignment=at, horizontalalignment="center")

    def write_title(self, y: float) -> None:
        """Write the title on a height."""
        p, full = self.preset, self.title + self.suffix
        shown = cut_text(self.title, self.room, p.title, "bold", self.suffix)
        self.text(p.mm(MARGIN), y, shown, size=p.title, color=self.palette.text, bold=True, full=full)

    def rule(self, middle: float, *, light: bool = False) -> None:
        """Draw a rule over the width of the page."""
        c, ends = self.palette, [self.mm(MARGIN), self.mm(RIGHT)]
        width, color = (0.6, c.light_rule) if light else (0.8, c.rule)
        self.line(ends, [middle] * 2, width=width, color=color, zorder=3)

    def diamond(self, y: float, low: float, mid: float, high: float, half: float, color: str = "") -> None:
        """Draw a pooled value with its interval; the dark edge makes a light fill visible. Half the height in mm."""
        c, half = self.palette, half * self.s
        corners = [(low, y), (mid, y - half), (high, y), (mid, y + half)]
        self.polygon(corners, color=color or c.overall, zorder=6, edge=c.edge, width=0.5 * self.s)

    def square(self, x: float, y: float, half: float, color: str, edge="white", width=0.3, zorder=6) -> None:
        """Draw a square; half its side in mm of the page itself."""
        corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
        self.polygon(corners, color=color, zorder=zorder, edge=edge, width=width * self.s)

    def bar(self, y: float, low: float, high: float, half: float, zorder: float = 5, color: str = "") -> None:
        """Draw a flat bar: what nobody takes for a confidence interval. Half its height in mm."""
        half *= self.s
        corners = [(low, y - half), (high, y - half), (high, y + half), (low, y + half)]
        self.polygon(corners, color=color or self.palette.prediction, zorder=zorder)

    def arrow(self, x: float, y: float, across: int, down: int, color: str, zorder: float = 4) -> None:
        """Draw the head of an arrow with its tip on a place, pointing ``across`` (1, −1 or 0) or ``down``."""
        long, half = ARROW * self.s, ARROW * self.s / 2
        back, side = (x - across * long, y - down * long), (half * abs(down), half * abs(across))
        corners = [(back[0] - side[0], back[1] - side[1]), (x, y), (back[0] + side[0], back[1] + side[1])]
        self.polygon(corners, color=color, zorder=zorder)

    def axis(self, scale: Scale, top: float, bottom: float, *, grid: bool = True) -> None:
        """Draw a horizontal axis at ``bottom`` with its grid up to ``top``: lines, ticks and, if it has one, title."""
        c, s, size = self.palette, self.s, self.preset.body
        ratios = scale.axis.bend is np.log
        self.line([scale.start, scale.end], [bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
        if ratios:  # the line of no difference
            self.line([float(scale(1))] * 2, [top, bottom], width=0.6 * s, color=c.text, zorder=1.5)
        for value, label in scale.axis.ticks:
            x = float(scale(value))
            if grid and not (ratios and value == 1):
                self.line([x, x], [top, bottom], width=0.5 * s, color=c.grid, zorder=1)
            self.line([x, x], [bottom, bottom + 0.9 * s], width=0.6 * s, color=c.text, zorder=2.2)
            if scale.axis.title:
                self.text(x, bottom + 3.7 * s, label, size=size, color=c.text, align="center")
            else:
                self.write(x, bottom + 3.0 * s, label, align="center")
        if scale.axis.title:
            middle = (scale.start + scale.end) / 2
            self.text(middle, bottom + 7.7 * s, scale.axis.title, size=size, color=c.text, align="center")

    def finish(self) -> Figure:
        """Write title, key and notes, and give the figure."""
        y = self.bottom + FOOT * self.s
        self.write_title(5.4 * self.s if self.above else y + 2.0 * self.s)
        return self.close(y if self.above else y + (TITLE + 1) * self.s)

    def close(self, y: float) -> Figure:
        """Write key and notes from a height on, and give the figure."""
        p, was_dark = self.preset, False
        if self.key:
            self.key.draw(self, y, p, self.palette)
            y += self.key.height(p)
        for line, dark in self.notes:
            y += STEP * p.leading if was_dark and not dark else 0
            color = self.palette.text if dark else self.palette.notes
            self.text(p.mm(MARGIN), y, line, size=p.notes, color=color)
            y, was_dark = y + p.leading, dark
        return self.figure


class Chart(Board):
    """A page with one panel between ``left`` and ``right``, given on a page of 180 mm, ``top`` and ``bottom``.

    ``panel``, ``axis`` and ``below`` are the heights of the panel, of its axis and of what stands between that and
    notes.
    """

    def __init__(self, text, title, notes, *, panel=70.0, below=0.0, left=14.0, right=176.0, axis=11.0):
        super().__init__(text, title, notes, panel + axis + below, head=13.0, foot=FOOT, end=MARGIN, grow=panel)
        self.left, self.right, self.pad = self.mm(left), self.mm(right), PAD * self.s
        self.end = self.bottom + FOOT * self.s
        self.bottom -= (axis + below) * self.s
        self.under = self.bottom + axis * self.s  # where what stands below the axis begins
        self.write_title(5.4 * self.s)

    def x_axis(self, axis: Axis, *, inset: float = 0, end: float = 0, top: float = 0) -> Scale:
        """Draw the horizontal axis, ``inset`` mm off the edges or up to ``end``, with its grid up to ``top``."""
        pad = self.pad + inset * self.s
        scale = Scale(axis, self.left + pad, (end or self.right) - pad)
        self.axis(scale, top or self.top, self.bottom)
        return scale

    def y_axis(self, axis: Axis, lift: float = PAD) -> Scale:
        """Draw the vertical axis, ``lift`` mm off the bottom, with its grid; the title stands level above it."""
        c, s, size = self.palette, self.s, self.preset.body
        scale = Scale(axis, self.bottom - lift * s, self.top + self.pad)
        self.line([self.left] * 2, [scale.start, scale.end], width=0.6 * s, color=c.text, zorder=2.2)
        for value, label in scale.axis.ticks:
            y = float(scale(value))
            self.line([self.left, self.right], [y, y], width=0.5 * s, color=c.grid, zorder=1)
            self.line([self.left - 0.9 * s, self.left], [y, y], width=0.6 * s, color=c.text, zorder=2.2)
            self.write(self.left - 1.6 * s, y, label, align="right")
        start = self.left - 1.6 * s - max(text_width(label, size) for _, label in scale.axis.ticks)
        self.text(max(start, self.mm(MARGIN)), self.top - 1.6 * s, scale.axis.title, size=size, color=c.text)
        return scale

    def finish(self) -> Figure:
        """Write the notes and give the figure."""
        return self.close(self.end)


@fixed_settings()
def draw_nothing(text: FigureText, title: str, reason: str) -> Drawing:
    """Give a short page with the title and one sentence that says why there is no figure.

    ``reason`` is a sentence with its full stop, in lower case where it begins with no name.
    """
    words = f"Not drawn: {reason}"
    plain = replace(text, note="", preset="default")
    chart = Chart(plain, title, notes_of(plain, [words]), panel=0.1, axis=-6)
    return Drawing([chart.finish()], title, words)


def chunks(rows: Sequence, most: int) -> list[Sequence]:
    """Cut rows into pages of about one length.

    >>> [len(page) for page in chunks(range(50), 45)]
    [25, 25]
    """
    pages = max(1, -(-len(rows) // most))
    size = -(-len(rows) // pages) if rows else 0
    return [rows[i * size : (i + 1) * size] for i in range(pages)]


def boards(
    text: FigureText, title: str, notes: Sequence[Note], rows: Sequence, row: float, most: int, around: float, key=None
) -> Iterator[tuple[Board, Sequence]]:
    """Give as many pages as rows of a height need, at most so many on one, with their rows; ``key`` makes their key."""
    keys = key or (lambda rows: None)
    spare = Board(text, title, notes, around, key=keys(rows)).left_over
    parts = chunks(rows, most if spare == inf else max(4, min(most, int(spare / row))))
    for number, part in enumerate(parts, 1):
        places = {"key": keys(part), "part": (number, len(parts))}
        yield Board(text, title, notes, around + len(part) * row, **places), part
