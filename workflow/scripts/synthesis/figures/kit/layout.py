"""Where things stand on a page: millimetres from the top left corner, measured text, and axis limits."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D

from .style import FONT, FONT_FILES, MM_PER_INCH, MM_PER_POINT, Palette

ELLIPSIS = "…"
MARK = "mark"  # label of what carries data, so that checks can tell it from rules and grid lines
CUT = "cut_"  # gids of shortened texts begin so; their labels hold the full ones

PAD, ARROW = 1.5, 1.6  # mm between the edge of a panel and its axis; length of an arrow

# The axis ends at one of these percentages: ticks below are round for each.
AXIS_ENDS = {5: 1, 10: 2, 15: 5, 20: 5, 25: 5, 30: 10, 40: 10, 50: 10, 60: 20, 80: 20, 100: 20}


def clean_text(text: object) -> str:
    """Make a name safe to print on one line: no line breaks, tabs, control or direction-switching characters.

    >>> clean_text("Smith\\n2020")
    'Smith 2020'
    """
    spaced = "".join(" " if ch.isspace() else ch for ch in str(text))
    kept = "".join(ch for ch in spaced if unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())


@lru_cache
def font(size: float, weight: str = "normal") -> FontProperties:
    """Give the font Matplotlib carries along, by file, so that no installed font of that name comes before it."""
    return FontProperties(family=[FONT], size=size, weight=weight, fname=FONT_FILES[weight])


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Measure one line of text, in mm."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, font(size, weight), False)
    return float(width) * MM_PER_POINT


def cut_text(text: str, width: float, size: float, weight: str = "normal", tail: str = "") -> str:
    """Shorten a text with an ellipsis so that it and its tail (a dagger) fit a width in mm."""
    if text_width(text + tail, size, weight) <= width:
        return text + tail
    for end in range(len(text), 0, -1):
        shorter = text[:end].rstrip(" ,;–-") + ELLIPSIS + tail
        if text_width(shorter, size, weight) <= width:
            return shorter
    return ELLIPSIS + tail


def wrap_text(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Break a paragraph into lines of at most a width in mm; a word longer than a line is broken too.

    An equation stays together (``k − 1``, ``P = 0.34``), and a mark with the first word of its explanation.
    """
    lines, line = [], ""
    bound = re.sub(r" ([=<>−]) ", "\u00a0\\1\u00a0", clean_text(text))
    bound = re.sub(r"(^| )([†‡§¶]|–:) ", "\\1\\2\u00a0", bound)
    for word in (part.replace("\u00a0", " ") for part in bound.split(" ")):
        longer = f"{line} {word}".strip()
        if text_width(longer, size, weight) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while text_width(word, size, weight) > width:
            end = next(e for e in range(len(word), 0, -1) if text_width(word[:e], size, weight) <= width or e == 1)
            lines.append(word[:end])
            word = word[end:]
        line = word
    return [*lines, line] if line else lines


class Page:
    """A figure in millimetres; ``y`` runs down from the top edge.

    Parameters
    ----------
    width, height : float
        Of the page, in mm.
    """

    def __init__(self, width: float, height: float):
        size = (width / MM_PER_INCH, height / MM_PER_INCH)
        self.figure = Figure(figsize=size, dpi=300, facecolor="white")  # at 100 dpi, hinting would widen small type
        FigureCanvasAgg(self.figure)
        self.transform = Affine2D().scale(1 / width, -1 / height).translate(0, 1) + self.figure.transFigure

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        color: str,
        align: str = "left",
        bold: bool = False,
        full: str = "",
    ) -> Text:
        """Write one line on its baseline; ``full`` is what was cut."""
        weight = "bold" if bold else "normal"
        artist = Text(
            x,
            y,
            text,
            color=color,
            ha=align,
            va="baseline",
            fontproperties=font(size, weight),
            parse_math=False,
            transform=self.transform,
        )
        if full and full != text:
            artist.set_gid(f"{CUT}{len(self.figure.artists)}")
            artist.set_label(full)
        return self.figure.add_artist(artist)

    def line(
        self, x: Sequence[float], y: Sequence[float], *, width: float, color: str, zorder: float, **kwargs
    ) -> Line2D:
        """Draw a line ``width`` points thick, with butt ends."""
        artist = Line2D(
            x,
            y,
            linewidth=width,
            color=color,
            zorder=zorder,
            solid_capstyle="butt",
            dash_capstyle="butt",
            transform=self.transform,
            **kwargs,
        )
        return self.figure.add_artist(artist)

    def polygon(
        self, corners: Sequence[tuple[float, float]], *, color: str, zorder: float, edge: str = "none", width: float = 0
    ) -> Polygon:
        """Fill a polygon that carries data."""
        artist = Polygon(
            corners,
            closed=True,
            facecolor=color,
            edgecolor=edge,
            linewidth=width,
            joinstyle="miter",
            zorder=zorder,
            label=MARK,
            transform=self.transform,
        )
        return self.figure.add_artist(artist)

    def blank(self, left: float, top: float, width: float, height: float, zorder: float, color: str = "white") -> None:
        """Clear a rectangle of the grid, so that text on it reads well; or lay a ground under a row."""
        self.figure.add_artist(
            Rectangle((left, top), width, height, facecolor=color, zorder=zorder, transform=self.transform)
        )

    def box(
        self, left: float, top: float, width: float, height: float, *, color: str, edge: str, line: float, zorder: float
    ) -> None:
        """Draw a framed rectangle."""
        self.figure.add_artist(
            Rectangle(
                (left, top),
                width,
                height,
                facecolor=color,
                edgecolor=edge,
                linewidth=line,
                zorder=zorder,
                transform=self.transform,
            )
        )


@dataclass(frozen=True)
class Panel:
    """The part of a page that shows proportions, with its marks.

    Parameters
    ----------
    page : Page
    left, right, top, bottom : float
        Edges, in mm; the axis stands at the bottom.
    upper : float
        Where the axis ends, as a proportion.
    palette : Palette
    scale : float
        Of marks against the default page.
    """

    page: Page
    left: float
    right: float
    top: float
    bottom: float
    upper: float
    palette: Palette
    scale: float = 1.0

    def x(self, value: float) -> float:
        """Give the place of a proportion; 0 stands off the edge, so that a mark at 0 is whole."""
        pad = PAD * self.scale
        return self.left + pad + min(max(value / self.upper, 0), 1) * (self.right - self.left - 2 * pad)

    def beyond(self, value: float) -> bool:
        """Say whether a proportion lies past the end of the axis."""
        return value > self.upper * (1 + 1e-9)

    def grid(self, *, size: float, title: str, lines: bool = True) -> None:
        """Draw grid lines, unless they are not wanted, axis, ticks and its title."""
        page, c, s = self.page, self.palette, self.scale
        page.line([self.x(0), self.x(self.upper)], [self.bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
        for tick in axis_ticks(self.upper):
            x = self.x(tick / 100)
            if lines:
                page.line([x, x], [self.top, self.bottom], width=0.5 * s, color=c.grid, zorder=1)
            page.line([x, x], [self.bottom, self.bottom + 0.9 * s], width=0.6 * s, color=c.text, zorder=2.2)
            page.text(x, self.bottom + 3.7 * s, str(tick), size=size, color=c.text, align="center")
        middle = (self.x(0) + self.x(self.upper)) / 2
        page.text(middle, self.bottom + 7.7 * s, title, size=size, color=c.text, align="center")

    def reference(self, value: float) -> None:
        """Draw a dashed vertical at a pooled value, behind the marks."""
        x, s = self.x(value), self.scale
        dashes = {"linestyle": (0, (3.2, 2.2))}
        self.page.line([x, x], [self.top, self.bottom], width=0.7 * s, color=self.palette.overall, zorder=2, **dashes)

    def interval(self, y: float, low: float, high: float) -> None:
        """Draw an interval; where it runs over the end of the axis, an arrow."""
        c, s, end = self.palette.study, self.scale, self.x(self.upper)
        if not self.beyond(low):
            line = self.page.line([self.x(low), self.x(high)], [y, y], width=0.9 * s, color=c, zorder=4)
            line.set_label(MARK)
        if self.beyond(high):
            tip, half = end + PAD * s, ARROW * s / 2
            self.page.polygon([(tip - ARROW * s, y - half), (tip, y), (tip - ARROW * s, y + half)], color=c, zorder=5)

    def square(self, y: float, value: float, side: float) -> None:
        """Draw a study's square, unless it lies past the end of the axis: there its arrow stands for it."""
        if self.beyond(value):
            return
        x, h = self.x(value), side * self.scale / 2
        corners = [(x - h, y - h), (x + h, y - h), (x + h, y + h), (x - h, y + h)]
        self.page.polygon(corners, color=self.palette.study, zorder=6, edge="white", width=0.3 * self.scale)

    def diamond(self, y: float, low: float, value: float, high: float, *, overall: bool) -> None:
        """Draw a pooled value with its interval; the dark edge makes the light fill visible."""
        c, h = self.palette, (1.75 if overall else 1.35) * self.scale
        corners = [(self.x(low), y), (self.x(value), y - h), (self.x(high), y), (self.x(value), y + h)]
        fill = c.overall if overall else c.subgroup
        self.page.polygon(corners, color=fill, zorder=6, edge=c.edge, width=0.5 * self.scale)

    def bar(self, y: float, low: float, high: float) -> None:
        """Draw a prediction interval: flat, so that nobody takes it for a confidence interval."""
        h, left, right = 0.55 * self.scale, self.x(low), self.x(high)
        corners = [(left, y - h), (right, y - h), (right, y + h), (left, y + h)]
        self.page.polygon(corners, color=self.palette.prediction, zorder=5)


def axis_end(study_limits: Iterable[float], must_hold: Iterable[float]) -> float:
    """Choose where an axis of proportions ends.

    Parameters
    ----------
    study_limits : iterable of float
        Upper limits of the studies, 0 to 1; one in ten may run over the end (it gets an arrow), so that one tiny
        study does not press all others against zero.
    must_hold : iterable of float
        Limits of pooled values, which are never cut.

    Returns
    -------
    float
        A proportion: the smallest of 5, 10, 15, … 100 per cent that holds them.
    """
    limits = np.array([v for v in study_limits if np.isfinite(v)])
    pooled = [v for v in must_hold if np.isfinite(v)]
    need = 100 * max([float(np.quantile(limits, 0.9)) if limits.size else 0.0, *pooled])
    # 1e-9: the limit itself may be a round number that floating point puts a hair above.
    return next((end for end in AXIS_ENDS if need <= end + 1e-9), 100) / 100


def axis_ticks(end: float) -> list[int]:
    """Give 4 to 6 ticks in per cent, for an end that ``axis_end`` chose or any other.

    >>> axis_ticks(0.15), axis_ticks(0.6)
    ([0, 5, 10, 15], [0, 20, 40, 60])
    """
    per_cent = round(100 * end)
    step = AXIS_ENDS.get(per_cent) or max(1, -(-per_cent // 5))
    return list(range(0, per_cent + 1, step))
