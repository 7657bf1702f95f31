"""What is wrong with a page of a figure, measured as it is drawn: texts that touch, texts and marks off the page."""

from itertools import combinations

from matplotlib.figure import Figure
from matplotlib.text import Text
from synthesis.figures.kit.layout import MARK
from synthesis.figures.kit.style import MM_PER_INCH, fixed_settings


def find_overlaps(figure: Figure, slack: float = 0.1) -> list[tuple[str, str]]:
    """Find texts that touch each other or a mark.

    Parameters
    ----------
    figure : Figure
    slack : float
        What two boxes may share, in mm (an outline's rounding).

    Returns
    -------
    list of (str, str)
        Empty when all is well.
    """
    with fixed_settings():
        texts = _texts(figure)
    marks = [("mark", a.get_window_extent()) for a in figure.findobj(lambda a: a.get_label() == MARK)]
    by_slack = slack / MM_PER_INCH * figure.dpi
    pairs = [*combinations(texts, 2), *((text, mark) for text in texts for mark in marks)]
    return [(a[0], b[0]) for a, b in pairs if _shared(a[1], b[1]) > by_slack]


def find_off_page(figure: Figure, margin: float = 1.0) -> list[str]:
    """Find texts and marks that come within ``margin`` mm of the edge of the page, or leave it."""
    edge = margin / MM_PER_INCH * figure.dpi
    box = figure.bbox.padded(-edge)
    marks = [("mark", a.get_window_extent()) for a in figure.findobj(lambda a: a.get_label() == MARK)]
    with fixed_settings():
        texts = _texts(figure)
    return [name for name, b in [*texts, *marks] if b.x0 < box.x0 or b.y0 < box.y0 or b.x1 > box.x1 or b.y1 > box.y1]


def _texts(figure: Figure) -> list[tuple[str, object]]:
    return [(t.get_text(), t.get_window_extent()) for t in figure.findobj(Text) if t.get_text().strip()]


def _shared(a, b) -> float:
    """Give the shorter side of what two boxes share; negative when they are apart."""
    return min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0))
