"""A table with a panel of marks beside it: lines, columns, pages, and the drawing of each line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, isfinite, nan

import numpy as np
from matplotlib.figure import Figure

from .dots import Key, draw_dot
from .layout import Page, Panel, cut_text, text_width, wrap_text
from .places import MARGIN, RIGHT, Columns, fit_columns, heading_lines
from .style import MM_PER_POINT, Palette, Preset

AXIS = 12.0  # mm: height of the axis with its title
HEIGHTS = {"gap": 0.5, "remark": 0.75, "rule": 0.35}  # in rows; every other line is one
CAPTION = 6.5  # mm: height of a title below the axis
STEP = 0.3  # lines between dark and grey notes
CAP_HEIGHT = 0.729  # of DejaVu Sans, in em: centres capitals and figures on their row


@dataclass(frozen=True)
class Line:
    """One line of a table with its mark.

    Parameters
    ----------
    kind : {"group", "study", "summary", "overall", "prediction", "remark", "rule", "gap"}
    label, events, patients, estimate, interval, window : str
        As printed.
    low, mid, high : float
        The mark, as proportions; NaN draws none.
    side : float
        Of a study's square, in mm.
    dagger : bool
        Whether a dagger follows the label.
    marks : str
        Small marks after the label, explained in the notes.
    dots : tuple of str
        Levels of judgements, one a column of dots.
    """

    kind: str
    label: str = ""
    events: str = ""
    patients: str = ""
    estimate: str = ""
    interval: str = ""
    window: str = ""
    low: float = nan
    mid: float = nan
    high: float = nan
    side: float = 0.0
    dagger: bool = False
    marks: str = ""
    dots: tuple[str, ...] = ()

    @property
    def counts(self) -> str:
        """Give events and patients in one."""
        return f"{self.events}/{self.patients}" if self.events and self.patients else ""

    @property
    def height(self) -> float:
        """Give the height in rows."""
        return HEIGHTS.get(self.kind, 1.0)

    @property
    def weight(self) -> str:
        """Give the weight of its type."""
        return "bold" if self.kind in ("group", "summary", "overall") else "normal"


@dataclass(frozen=True)
class Plot:
    """What is drawn: a table with a panel, and notes below.

    Parameters
    ----------
    title : str
    headings : dict of str
        Of the columns: study, events, patients, estimate, interval, window (blank leaves that column out).
    axis : str
        Title of the axis.
    blocks : tuple of tuple of Line
        What stays together on a page; the last one is the pool of all studies.
    notes : tuple of (str, bool)
        Paragraphs, and whether they are printed dark.
    reference : float
        Where the dashed line stands; NaN for none.
    dots : tuple of str
        Headings of the columns of dots.
    key : Key or None
        What the dots mean.
    panel : callable
        Makes the panel: ``Panel``, or one with another axis that takes the same arguments.
    joined : bool
        Whether a layout may put ``events`` and ``patients`` into one column.
    names : float
        Width in mm of the column of names; 45 holds about 30 letters.
    """

    title: str
    headings: Mapping[str, str]
    axis: str
    blocks: tuple[tuple[Line, ...], ...]
    notes: tuple[tuple[str, bool], ...]
    reference: float = nan
    dots: tuple[str, ...] = ()
    key: Key | None = None
    panel: Callable[..., Panel] = Panel
    joined: bool = True
    names: float = 45.0

    @property
    def lines(self) -> list[Line]:
        """Give the lines of all blocks."""
        return [line for block in self.blocks for line in block]


def paginate(blocks: Sequence[Sequence[Line]], rows: float, last: float) -> list[list[Line]]:
    """Cut blocks into pages of at most ``rows`` rows, ``last`` on the last one; a long block continues with its name.

    Returns
    -------
    list of list of Line
        Blocks stay whole where they fit on a page; longer ones are cut into even parts.
    """
    pages: list[list[list[Line]]] = [[]]
    for i, block in enumerate(blocks):
        final = i == len(blocks) - 1
        if _rows(*pages[-1], block) <= (last if final else rows):
            pages[-1].append(list(block))
        elif final:
            # The pool of all studies does not stand alone when the panel before it can come along.
            along = len(pages[-1]) > 1 and _rows(pages[-1][-1], block) <= last
            pages.append([*([pages[-1].pop()] if along else []), list(block)])
        else:
            follows = _rows(blocks[-1]) + rows - last if i == len(blocks) - 2 else 0
            pages += [[part] for part in _cut_block(block, rows, follows)]
    flat = [[line for block in page for line in block] for page in pages]
    return [page[:-1] if page[-1].kind == "gap" else page for page in flat if page] or [[]]


def _cut_block(block: Sequence[Line], rows: float, ending: float) -> list[list[Line]]:
    """Cut a block into parts of even length, leaving room for what must follow the last one."""
    if _rows(block) <= rows:
        return [list(block)]
    count = int(np.ceil((_rows(block) + ending) / (rows - 1)))
    name = [replace(block[0], label=f"{block[0].label} (continued)")] if block[0].kind == "group" else []
    ends = np.linspace(0, _rows(block) + ending, count + 1)[1:]
    parts: list[list[Line]] = [[]]
    at = 0.0
    for line in block:
        at += line.height
        if at > ends[len(parts) - 1] and len(parts) < count and line.kind in ("study", "group"):
            parts.append([*name])
        parts[-1].append(line)
    return parts


def _rows(*blocks: Sequence[Line]) -> float:
    return fsum(line.height for block in blocks for line in block)


def draw_pages(plot: Plot, upper: float, preset: Preset, palette: Palette) -> list[Figure]:
    """Draw a plot on as many pages as it needs; head and axis are repeated, notes stand on the last."""
    plot = dress(plot, preset)
    columns, s = fit_columns(plot, preset), preset.scale
    notes = [
        (line, dark)
        for paragraph, dark in plot.notes
        for line in wrap_text(paragraph, preset.mm(RIGHT - MARGIN), preset.notes)
    ]
    below = (AXIS + MARGIN) * s
    ending = _ending(plot, preset)
    rows = last = preset.rows_per_page
    if preset.height:
        rows = (preset.height - preset.top - below) / preset.row
        last = max(rows - ((len(notes) + STEP) * preset.leading + ending) / preset.row, 4)
    parts = paginate(plot.blocks, rows, last)
    figures = []
    for number, lines in enumerate(parts, 1):
        final = number == len(parts)
        here = notes if final else [(f"Continued on page {number + 1} of {len(parts)}", False)]
        height = preset.top + _rows(lines) * preset.row + below + (len(here) + STEP) * preset.leading
        height += ending if final else _ending(replace(plot, key=None), preset)
        page = Page(preset.width, max(height, preset.height or 0))
        part = plot if final else replace(plot, key=None)
        table = Table(page, part, columns, upper, preset, palette)
        table.draw(lines, here, f" ({number} of {len(parts)})" if len(parts) > 1 else "")
        figures.append(page.figure)
    return figures


def dress(plot: Plot, preset: Preset) -> Plot:
    """Put a plot into the words and brackets of the house."""
    layout = preset.layout
    headings = {name: layout.bracket(layout.call(words)) for name, words in plot.headings.items()}
    blocks = tuple(
        tuple(
            replace(
                line,
                label=layout.call(line.label) if line.kind in ("summary", "overall") else line.label,
                interval=layout.bracket(line.interval),
            )
            for line in block
        )
        for block in plot.blocks
    )
    return replace(plot, headings=headings, blocks=blocks)


def _ending(plot: Plot, preset: Preset) -> float:
    """Give the height of what stands between axis and notes: the key, and a title below."""
    below = CAPTION * preset.scale if preset.layout.title == "below" else 0
    return below + (plot.key.height(preset) if plot.key else 0)


@dataclass(frozen=True)
class Table:
    """Draws the lines of one page."""

    page: Page
    plot: Plot
    columns: Columns
    upper: float
    preset: Preset
    palette: Palette

    def draw(self, lines: Sequence[Line], notes: Sequence[tuple[str, bool]], suffix: str) -> None:
        """Draw head, lines, axis and notes, from the top down."""
        p = self.preset
        if p.layout.title == "above":
            self.title(5.4 * p.body / 7.5, suffix)
        y = self.body(lines, p.top) + (AXIS + 0.6) * p.scale
        if p.layout.title == "below":
            self.title(y + 1.5 * p.scale, suffix)
            y += CAPTION * p.scale
        if self.plot.key:
            self.plot.key.draw(self.page, y, p, self.palette)
            y += self.plot.key.height(p)
        was_dark = False
        for text, dark in notes:
            y += STEP * p.leading if was_dark and not dark else 0
            color = self.palette.text if dark else self.palette.notes
            self.page.text(p.mm(MARGIN), y, text, size=p.notes, color=color)
            y, was_dark = y + p.leading, dark

    def body(self, lines: Sequence[Line], top: float) -> float:
        """Draw headings, lines and axis below ``top``, where the first row begins; give where the axis stands."""
        p, c = self.preset, self.columns
        self.head(top)
        bottom = top + _rows(lines) * p.row + 0.6 * p.scale
        panel = self.plot.panel(
            self.page, c.left, c.right, top - 0.4 * p.scale, bottom, self.upper, self.palette, p.scale
        )
        panel.grid(size=p.body, title=self.plot.axis, lines=p.layout.grid)
        if isfinite(self.plot.reference):
            panel.reference(self.plot.reference)
        y, odd = top, False
        for line in lines:
            odd = line.kind == "study" and not odd
            if odd and p.layout.bands:
                width = p.mm(RIGHT - MARGIN)
                self.page.blank(p.mm(MARGIN), y, width, line.height * p.row, 0.5, color=self.palette.band)
            self.line(panel, line, y, y + line.height * p.row / 2)
            y += line.height * p.row
        return bottom

    def title(self, y: float, suffix: str) -> None:
        """Write the title on a height."""
        p, plot = self.preset, self.plot
        title = cut_text(plot.title, p.mm(RIGHT - MARGIN), p.title, "bold", suffix)
        color = self.palette.text
        self.page.text(p.mm(MARGIN), y, title, size=p.title, color=color, bold=True, full=plot.title + suffix)

    def head(self, top: float) -> None:
        """Draw the column headings with the rule below them; long headings stand on two lines."""
        p, c, s = self.preset, self.columns, self.preset.body / 7.5
        for name, x, align in c.headings():
            for i, text in enumerate(reversed(heading_lines(self.plot, name, p))):
                y = top - (2.6 + 3.3 * i) * s
                self.page.text(x, y, text, size=p.body, color=self.palette.text, align=align, bold=True)
        for x, text in zip(c.dots, self.plot.dots, strict=True):
            color = self.palette.text
            self.page.text(x, top - 2.6 * s, text, size=p.small, color=color, align="center", bold=True)
        rule = top - 1.1 * s
        self.page.line([p.mm(MARGIN), p.mm(RIGHT)], [rule] * 2, width=0.8, color=self.palette.rule, zorder=3)

    def line(self, panel: Panel, line: Line, top: float, middle: float) -> None:
        """Draw one line: its words, its numbers, its mark."""
        p, c = self.preset, self.columns
        if line.kind == "rule":
            y = middle - 0.2 * p.scale
            color = self.palette.light_rule
            self.page.line([p.mm(MARGIN), p.mm(RIGHT)], [y, y], width=0.6, color=color, zorder=3)
        if line.kind == "remark":
            self.remark(line, top, middle)
        if line.kind in ("rule", "remark", "gap"):
            return
        bold, y = line.weight == "bold", middle + CAP_HEIGHT / 2 * p.body * MM_PER_POINT
        self.label(line, y)
        for name, x, align in c.headings():
            text = "" if name == "study" else getattr(line, name)
            if text:
                self.page.text(x, y, text, size=p.body, color=self.palette.text, align=align, bold=bold)
        for x, level in zip(c.dots, line.dots, strict=False):
            draw_dot(self.page, x, middle, level, p, self.palette)
        self.mark(panel, line, middle)

    def label(self, line: Line, y: float) -> None:
        """Write the label and, as a text of its own, the marks after it; a group's name may run over the panel."""
        p, c = self.preset, self.columns
        x = c.study if line.kind == "study" else c.group
        room = p.mm(RIGHT) - x if line.kind == "group" else c.label + (0 if line.kind == "study" else c.study - x)
        dagger, gap = "†" if line.dagger else "", 0.5 * p.scale
        taken = gap + text_width(line.marks, p.small) if line.marks else 0
        label = cut_text(line.label, room - taken, p.body, line.weight, dagger)
        style = {"color": self.palette.text, "bold": line.weight == "bold"}
        self.page.text(x, y, label, size=p.body, full=line.label + dagger, **style)
        over = x + text_width(label, p.body, line.weight) + p.mm(1) - c.left
        if over > 0:
            self.page.blank(c.left, y - 0.7 * p.row, over, 0.95 * p.row, zorder=2.5)
        if line.marks:
            after = x + text_width(label, p.body, line.weight) + gap
            self.page.text(after, y, line.marks, size=p.small, color=self.palette.notes)

    def remark(self, line: Line, top: float, middle: float) -> None:
        """Draw a small grey line below a panel; the grid stops where it runs into the panel."""
        p, c = self.preset, self.columns
        y = middle + CAP_HEIGHT / 2 * p.small * MM_PER_POINT - 0.4 * p.scale
        self.page.text(c.study, y, line.label, size=p.small, color=self.palette.notes)
        end = c.study + text_width(line.label, p.small) + p.mm(1)
        if end > c.left:
            self.page.blank(c.left, top, end - c.left, line.height * p.row, zorder=2.5)

    def mark(self, panel: Panel, line: Line, y: float) -> None:
        """Draw the mark of a line where it has one."""
        if not isfinite(line.low) or not isfinite(line.high):
            return
        if line.kind == "study":
            panel.interval(y, line.low, line.high)
            panel.square(y, line.mid, line.side)
        elif line.kind == "prediction":
            panel.bar(y, line.low, line.high)
        else:
            panel.diamond(y, line.low, line.mid, line.high, overall=line.kind == "overall")
