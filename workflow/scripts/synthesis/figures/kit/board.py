"""A page that grows with what stands on it: title, content, key, notes."""

from collections.abc import Sequence
from math import inf

from matplotlib.figure import Figure

from .dots import Key
from .layout import Page, cut_text, wrap_text
from .places import MARGIN, RIGHT
from .presets import PRESETS, TITLE
from .readings import ChartText, Paragraphs
from .style import MM_PER_POINT, palette_of

HEAD, FOOT = 10.0, 4.0  # mm: above the content with the title in it; between content and notes
STEP = 0.3  # lines between dark and grey notes
LIFT = 0.365  # of the size of type: from the middle of a line to its baseline


class Board:
    """A page with room for content.

    Parameters
    ----------
    text : ChartText
        Its preset and palette set the page.
    title : str
    notes : Paragraphs
    content : float
        Height of the content on a default page, in mm; ``mm`` and ``s`` turn lengths into those of the page.
    key : Key, optional
        What dots mean, below the content.
    """

    def __init__(self, text: ChartText, title: str, notes: Paragraphs, content: float, key: Key | None = None):
        p = self.preset = PRESETS[text.preset]
        self.palette, self.s, self.key, self.title = palette_of(p, text.palette), p.scale, key, title
        room = p.mm(RIGHT - MARGIN)
        self.notes = [(line, dark) for words, dark in notes.lines() for line in wrap_text(words, room, p.notes)]
        self.above = p.layout.title == "above"
        head = HEAD if self.above else HEAD - TITLE
        self.top = head * self.s
        self.bottom = self.top + content * self.s
        under = FOOT * self.s + (0 if self.above else (TITLE + 1) * self.s) + (key.height(p) if key else 0)
        height = self.bottom + under + (len(self.notes) + STEP) * p.leading + 1.5 * self.s
        # What a page of fixed height has left, in mm of a default page; a longer one grows.
        self.left_over = (p.height - height) / self.s if p.height else inf
        self.page = Page(p.width, max(height, p.height or 0))

    def mm(self, length: float) -> float:
        """Turn a place across a default page into one of this page."""
        return self.preset.mm(length)

    def y(self, length: float) -> float:
        """Give the place of a height below the top of the content, in mm of a default page."""
        return self.top + length * self.s

    def write(self, x: float, middle: float, text: str, *, size: float = 0, color: str = "", **kwargs):
        """Write one line centred on a height; places are those of the page itself, in mm."""
        size = size or self.preset.body
        y = middle + LIFT * size * MM_PER_POINT
        return self.page.text(x, y, text, size=size, color=color or self.palette.text, **kwargs)

    def rule(self, middle: float, *, light: bool = False) -> None:
        """Draw a rule over the width of the page."""
        c, ends = self.palette, [self.mm(MARGIN), self.mm(RIGHT)]
        width, color = (0.6, c.light_rule) if light else (0.8, c.rule)
        self.page.line(ends, [middle] * 2, width=width, color=color, zorder=3)

    def finish(self) -> Figure:
        """Write title, key and notes, and give the figure."""
        p, s, y = self.preset, self.s, self.bottom + FOOT * self.s
        title_at = 5.4 * s
        if not self.above:
            title_at, y = y + 2.0 * s, y + (TITLE + 1) * s
        shown = cut_text(self.title, p.mm(RIGHT - MARGIN), p.title, "bold")
        color = self.palette.text
        self.page.text(p.mm(MARGIN), title_at, shown, size=p.title, color=color, bold=True, full=self.title)
        if self.key:
            self.key.draw(self.page, y, p, self.palette)
            y += self.key.height(p)
        was_dark = False
        for line, dark in self.notes:
            y += STEP * p.leading if was_dark and not dark else 0
            self.page.text(p.mm(MARGIN), y, line, size=p.notes, color=color if dark else self.palette.notes)
            y, was_dark = y + p.leading, dark
        return self.page.figure


def chunks(rows: Sequence, most: int) -> list[Sequence]:
    """Cut rows into pages of about one length.

    >>> [len(page) for page in chunks(range(50), 45)]
    [25, 25]
    """
    pages = max(1, -(-len(rows) // most))
    size = -(-len(rows) // pages) if rows else 0
    return [rows[i * size : (i + 1) * size] for i in range(pages)]


def rows_a_page(board: Board, row: float, most: int) -> int:
    """Give how many rows of a height fit on a page, from one drawn without them."""
    return most if board.left_over == inf else max(4, min(most, int(board.left_over / row)))


def numbered(title: str, number: int, pages: int) -> str:
    """Say which page of several this is."""
    return f"{title} ({number} of {pages})" if pages > 1 else title
