"""A table with a panel of marks beside it: lines, columns, pages, and the drawing of each line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
from matplotlib.figure import Figure

from .layout import Page, Panel, cut_text, text_width, wrap_text
from .style import MM_PER_POINT, Palette, Preset

MARGIN, RIGHT, AXIS = 2.0, 178.0, 12.0  # mm: left and right edge of what is printed, height of axis with its title
HEIGHTS = {"gap": 0.5, "remark": 0.75, "rule": 0.35}  # in rows; every other line is one
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
        Whether the count was derived.
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
    """

    title: str
    headings: Mapping[str, str]
    axis: str
    blocks: tuple[tuple[Line, ...], ...]
    notes: tuple[tuple[str, bool], ...]
    reference: float = nan

    @property
    def lines(self) -> list[Line]:
        """Give the lines of all blocks."""
        return [line for block in self.blocks for line in block]


@dataclass(frozen=True)
class Columns:
    """Places in mm: left edges of names, panel and intervals; right edges of panel, counts and estimates.

    An estimate ends where its interval begins, so that decimals and brackets stand below each other and both still
    read as one string; the widest of them ends at the right edge of the column.
    """

    group: float
    study: float
    events: float
    patients: float
    left: float
    right: float
    estimate: float
    interval: float
    window: float | None
    label: float


def fit_columns(plot: Plot, preset: Preset) -> Columns:
    """Place the columns: fixed on the page, except that what is unusually wide takes room from the panel.

    Without a sixth column its room goes to the panel, and the percentages end at the right margin.
    """
    mm, size = preset.mm, preset.body
    window = bool(plot.headings["window"]) and any(line.window not in ("", "–") for line in plot.lines)
    percent, right = (mm(161), mm(135)) if window else (mm(178), mm(152))

    def widest(name: str) -> float:
        widths = [text_width(getattr(line, name), size, line.weight) for line in plot.lines]
        return max([text_width(plot.headings[name], size, "bold"), *widths])

    interval = percent - widest("interval")
    estimate = interval - text_width(" ", size, "bold")
    return Columns(
        group=mm(2),
        study=mm(5),
        events=mm(59),
        patients=mm(74),
        left=mm(79),
        right=min(right, estimate - widest("estimate") - mm(1.5)),
        estimate=estimate,
        interval=interval,
        window=mm(178) if window else None,
        label=min(mm(44), mm(59 - 5 - 1) - widest("events")),  # 44: a name of about 30 letters
    )


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
    return sum(line.height for block in blocks for line in block)


def draw_pages(plot: Plot, upper: float, preset: Preset, palette: Palette) -> list[Figure]:
    """Draw a plot on as many pages as it needs; head and axis are repeated, notes stand on the last."""
    columns, s = fit_columns(plot, preset), preset.scale
    notes = [
        (line, dark)
        for paragraph, dark in plot.notes
        for line in wrap_text(paragraph, preset.mm(RIGHT - MARGIN), preset.notes)
    ]
    below = (AXIS + MARGIN) * s
    rows = last = preset.rows_per_page
    if preset.height:
        rows = (preset.height - preset.head - below) / preset.row
        last = max(rows - (len(notes) + STEP) * preset.leading / preset.row, 4)
    parts = paginate(plot.blocks, rows, last)
    figures = []
    for number, lines in enumerate(parts, 1):
        final = number == len(parts)
        here = notes if final else [(f"Continued on page {number + 1} of {len(parts)}", False)]
        height = preset.head + _rows(lines) * preset.row + below + (len(here) + STEP) * preset.leading
        page = Page(preset.width, max(height, preset.height or 0))
        table = Table(page, plot, columns, upper, preset, palette)
        table.draw(lines, here, f" ({number} of {len(parts)})" if len(parts) > 1 else "")
        figures.append(page.figure)
    return figures


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
        p, c = self.preset, self.columns
        self.head(suffix)
        bottom = p.head + _rows(lines) * p.row + 0.6 * p.scale
        panel = Panel(self.page, c.left, c.right, p.head - 0.4 * p.scale, bottom, self.upper, self.palette, p.scale)
        panel.grid(size=p.body, title=self.plot.axis)
        if isfinite(self.plot.reference):
            panel.reference(self.plot.reference)
        y = p.head
        for line in lines:
            self.line(panel, line, y, y + line.height * p.row / 2)
            y += line.height * p.row
        y = bottom + (AXIS + 0.6) * p.scale
        was_dark = False
        for text, dark in notes:
            y += STEP * p.leading if was_dark and not dark else 0
            color = self.palette.text if dark else self.palette.notes
            self.page.text(p.mm(MARGIN), y, text, size=p.notes, color=color)
            y, was_dark = y + p.leading, dark

    def head(self, suffix: str) -> None:
        """Draw title and column headings with the rule below them; long headings stand on two lines."""
        p, c, plot, s = self.preset, self.columns, self.plot, self.preset.body / 7.5
        room = p.mm(RIGHT - MARGIN)
        title = cut_text(plot.title, room, p.title, "bold", suffix)
        self.page.text(
            p.mm(MARGIN), 5.4 * s, title, size=p.title, color=self.palette.text, bold=True, full=plot.title + suffix
        )
        places = [
            ("study", c.group, "left", 40),
            ("events", c.events, "right", 14),
            ("patients", c.patients, "right", 14),
            ("estimate", c.estimate, "right", 14),
            ("interval", c.interval, "left", 30),
            *([("window", c.window, "right", 14)] if c.window else []),
        ]
        for name, x, align, width in places:
            words = plot.headings[name]
            fits = text_width(words, p.body, "bold") <= p.mm(width)
            lines = [words] if fits else wrap_text(words.replace("-", "- "), p.mm(width), p.body, "bold")[:2]
            for i, text in enumerate(reversed(lines)):
                y = p.head - (2.6 + 3.3 * i) * s
                self.page.text(x, y, text, size=p.body, color=self.palette.text, align=align, bold=True)
        rule = p.head - 1.1 * s
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
        x = c.study if line.kind == "study" else c.group
        room = c.left - x - p.mm(2) if line.kind == "group" else c.label + (0 if line.kind == "study" else c.study - x)
        mark = "†" if line.dagger else ""
        label = cut_text(line.label, room, p.body, line.weight, mark)
        style = {"size": p.body, "color": self.palette.text, "bold": bold}
        self.page.text(x, y, label, full=line.label + mark, **style)
        places = (
            (c.events, line.events, "right"),
            (c.patients, line.patients, "right"),
            (c.estimate, line.estimate, "right"),
            (c.interval, line.interval, "left"),
            (c.window, line.window, "right"),
        )
        for x, text, align in places:
            if x and text:
                self.page.text(x, y, text, align=align, **style)
        self.mark(panel, line, middle)

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
