"""A page in millimetres from the top left corner, and the text that is measured to stand on it."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D

from .style import FONT, FONT_FILES, MM_PER_INCH, MM_PER_POINT

ELLIPSIS = "…"
MARK = "mark"  # label of what carries data, so that checks can tell it from rules and grid lines
CUT = "cut_"  # gids of shortened texts begin so; their labels hold the full ones
DASHED = {"linestyle": (0, (3.2, 2.2))}
CIRCLE = Path.unit_circle()


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
    shorter = (text[:end].rstrip(" ,;–-") + ELLIPSIS + tail for end in range(len(text), 0, -1))
    return next((words for words in shorter if text_width(words, size, weight) <= width), ELLIPSIS + tail)


def wrap_text(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Break a paragraph into lines of at most a width in mm; a word longer than a line is broken too.

    An equation stays together (``k − 1``, ``P = 0.34``), and a mark with the first word of its explanation.
    """
    lines, line = [], ""
    bound = re.sub(r" ([=<>−]) ", "\u00a0\\1\u00a0", clean_text(text))
    bound = re.sub(r"(^| )([#†‡§¶]|–:) ", "\\1\\2\u00a0", bound)
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
    """A figure of a width and height in mm; ``y`` runs down from the top edge, lines are as thick as points say."""

    def __init__(self, width: float, height: float):
        size = (width / MM_PER_INCH, height / MM_PER_INCH)
        self.figure = Figure(figsize=size, dpi=300, facecolor="white")  # at 100 dpi, hinting would widen small type
        FigureCanvasAgg(self.figure)
        self.transform = Affine2D().scale(1 / width, -1 / height).translate(0, 1) + self.figure.transFigure

    def text(
        self, x: float, y: float, text: str, *, size: float, color: str, align="left", bold: bool = False, full=""
    ) -> Text:
        """Write one line on its baseline; ``full`` is what was cut."""
        letters = {"fontproperties": font(size, "bold" if bold else "normal"), "parse_math": False}
        artist = Text(x, y, text, color=color, ha=align, va="baseline", transform=self.transform, **letters)
        if full and full != text:
            artist.set_gid(f"{CUT}{len(self.figure.artists)}")
            artist.set_label(full)
        return self.figure.add_artist(artist)

    def line(self, x: Sequence[float], y: Sequence[float], *, width: float, color: str, zorder: float, **style):
        """Draw a line with butt ends."""
        style |= {"solid_capstyle": "butt", "dash_capstyle": "butt", "transform": self.transform}
        self.figure.add_artist(Line2D(x, y, linewidth=width, color=color, zorder=zorder, **style))

    def polygon(self, corners, *, color: str, zorder: float, edge="none", width: float = 0, label: str = MARK) -> None:
        """Fill a polygon that carries data."""
        style = {"facecolor": color, "edgecolor": edge, "linewidth": width, "joinstyle": "miter", "zorder": zorder}
        self.figure.add_artist(Polygon(corners, closed=True, label=label, transform=self.transform, **style))

    def box(self, left: float, top: float, width: float, height: float, *, zorder: float, color="white", **style):
        """Draw a rectangle; a plain white one clears the grid, so that text on it reads well."""
        style |= {"facecolor": color, "zorder": zorder, "transform": self.transform}
        self.figure.add_artist(Rectangle((left, top), width, height, **style))

    def segments(self, lines, *, width: float, color: str, zorder: float) -> None:
        """Draw many straight lines as one path: an array of two places in mm a line."""
        ends = np.asarray(lines, float).reshape(-1, 2)
        style = {"facecolor": "none", "edgecolor": color, "linewidth": width, "capstyle": "butt", "zorder": zorder}
        self._path(ends, [Path.MOVETO, Path.LINETO], style)

    def boxes(self, corners, *, color: str, zorder: float) -> None:
        """Fill many rectangles as one path: an array of shape (boxes, 4): left, top, right, bottom in mm."""
        around = np.asarray(corners, float).reshape(-1, 4)[:, [0, 1, 2, 1, 2, 3, 0, 3, 0, 1]].reshape(-1, 2)
        codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
        self._path(around, codes, {"facecolor": color, "edgecolor": "none", "zorder": zorder})

    def circles(self, places, radius, *, color: str, edge: str, width: float, zorder: float, label: str = "") -> None:
        """Draw circles of one or several radii round places in mm: as one path or, with a label, each as a mark."""
        places = np.asarray(places, float).reshape(-1, 2)
        radii = np.broadcast_to(radius, len(places))
        paths = [Path(CIRCLE.vertices * r + place, CIRCLE.codes) for place, r in zip(places, radii, strict=True)]
        style = {"facecolor": color, "edgecolor": edge, "linewidth": width, "zorder": zorder}
        for path in paths if label else ([Path.make_compound_path(*paths)] if paths else []):
            self.figure.add_artist(PathPatch(path, transform=self.transform, label=label, **style))

    def _path(self, points: np.ndarray, codes: Sequence[int], style: dict) -> None:
        """Add many shapes of one kind, if there are any."""
        if len(points):
            path = Path(points, np.tile(codes, len(points) // len(codes)))
            self.figure.add_artist(PathPatch(path, transform=self.transform, **style))
