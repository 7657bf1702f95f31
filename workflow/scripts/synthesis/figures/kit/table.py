"""A table with a panel of marks beside it: lines, columns, pages, and the drawing of each line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, isfinite, nan

import numpy as np
from matplotlib.figure import Figure

from ...words.formatting import DASH
from .axes import Axis, Scale
from .board import MARGIN, PAD, RIGHT, STEP, Board
from .dots import Key, draw_dot
from .layout import DASHED, MARK, cut_text, text_width, wrap_text
from .places import Columns, fit_columns, heading_lines
from .presets import PRESETS, Layout
from .readings import FigureText, Note
from .style import CAPS, MM_PER_POINT

AXIS = 12.0  # mm: height of the axis with its title
HEIGHTS = {"gap": 0.5, "remark": 0.75, "rule": 0.35}  # in rows; every other line is one
THINNEST = 0.5  # mm: width of a bar at least, or it would vanish
CAPTION = 6.5  # mm: height of a title below the axis


@dataclass(frozen=True)
class Line:
    """One line of a table with its mark: texts as printed, and values, of which NaN draws no mark.

    ``kind`` is group, study, summary, overall, prediction, remark, rule or gap.
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
    side: float = 0.0  # of a study's square, in mm
    least: float = nan  # of the values that limits leave possible: a bar instead of the square
    most: float = nan
    dagger: bool = False  # after the label
    marks: str = ""  # small ones after the label, explained in the notes
    dots: tuple[str, ...] = ()  # levels of judgements, one a column of dots

    @classmethod
    def of(cls, kind: str, label: str, values: Sequence[float], printed: str, **more) -> "Line":
        """Give the line of an estimate, with its low, middle and high value (none: no mark), as ``9.4 (5.0–15.9)``."""
        estimate, bracket, interval = printed.partition(" (")
        interval = bracket.strip() + interval
        mark = dict(zip(("low", "mid", "high"), values, strict=True)) if values else {}
        return cls(kind, label, estimate=estimate, interval=interval, **mark, **more)

    @property
    def counts(self) -> str:
        """Give events and patients in one."""
        return f"{self.events}/{self.patients}" if self.events and self.patients else ""

    @property
    def ends(self) -> list[tuple[float, str]]:
        """Give the estimate, or both ends of the span of one, each with how it is printed."""
        if not isfinite(self.least):
            return [(self.mid, self.estimate)]
        low, _, high = self.estimate.replace(" to ", DASH).partition(DASH)
        return [(self.least, low), (self.most, high or low)]

    def said(self, text: FigureText, unit: str = "%") -> str:
        """Give the estimate with its interval as a sentence does."""
        interval = f"{text.percent} CI" if self.kind == "study" else text.interval
        return f"{self.estimate}{unit}" + (f" ({interval} {self.interval[1:-1]})" if self.interval else "")

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
    """What is drawn: a table with a panel, and notes below."""

    title: str
    headings: Mapping[str, str]  # study, events, patients, estimate, interval, window (blank leaves that column out)
    axis: Axis
    blocks: Sequence[Sequence[Line]]  # what stays together on a page; the last one is the pool of all studies
    notes: Sequence[Note] = ()
    reference: float = nan  # where the dashed line stands
    dots: tuple[str, ...] = ()  # headings of the columns of dots
    key: Key | None = None  # what they mean
    joined: bool = True  # whether a layout may put events and patients into one column
    names: float = 45.0  # mm: width of the column of names; 45 holds about 30 letters

    @property
    def lines(self) -> list[Line]:
        """Give the lines of all blocks."""
        return [line for block in self.blocks for line in block]


def said_range(lines: Sequence[Line]) -> str:
    """Give the smallest and the largest estimate, each with its name."""
    ends = [(*end, line.label) for line in lines for end in line.ends]
    return " to ".join(f"{printed}% ({label})" for _, printed, label in (min(ends), max(ends)))


def headings_of(text: FigureText, study: str, **others: str) -> dict[str, str]:
    """Give the headings of a table of proportions."""
    known = {"events": "Events", "patients": text.units, "estimate": "%", "interval": f"({text.percent} CI)"}
    return {"study": study, **known, "window": "", **others}


def paginate(blocks: Sequence[Sequence[Line]], rows: float, last: float) -> list[list[Line]]:
    """Cut blocks into pages of at most ``rows`` rows, ``last`` on the last one; a long block continues with its name.

    Blocks stay whole where they fit on a page; longer ones are cut into even parts.
    """
    pages: list[list[Sequence[Line]]] = [[]]
    for i, block in enumerate(blocks):
        final = i == len(blocks) - 1
        if _rows(*pages[-1], block) <= (last if final else rows):
            pages[-1].append(block)
        elif final:
            # The pool of all studies does not stand alone when the panel before it can come along.
            along = len(pages[-1]) > 1 and _rows(pages[-1][-1], block) <= last
            pages.append([*([pages[-1].pop()] if along else []), block])
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


def draw_pages(plot: Plot, text: FigureText) -> list[Figure]:
    """Draw a plot on as many pages as it needs; head and axis are repeated, notes and key stand on the last."""
    p = PRESETS[text.preset]
    plot, s = dress(plot, p.layout), p.scale
    columns, caption = fit_columns(plot, p), CAPTION if p.layout.title == "below" else 0
    rows = last = p.rows_per_page
    if p.height:
        rows = (p.height - p.top - (AXIS + MARGIN) * s) / p.row
        room = p.mm(RIGHT - MARGIN)
        notes = sum(len(wrap_text(words, room, p.notes)) for words, _ in plot.notes)
        ending = caption * s + (plot.key.height(p) if plot.key else 0)
        last = max(rows - ((notes + STEP) * p.leading + ending) / p.row, 4)
    parts = paginate(plot.blocks, rows, last)
    figures = []
    for number, lines in enumerate(parts, 1):
        final = number == len(parts)
        notes = plot.notes if final else [(f"Continued on page {number + 1} of {len(parts)}", False)]
        content = _rows(lines) * p.row / s + AXIS + 1.2 + caption
        places = {"head": p.top / s, "foot": 0, "end": MARGIN - 1.2, "part": (number, len(parts))}
        board = Board(text, plot.title, notes, content, key=plot.key if final else None, **places)
        if not caption:
            board.write_title(5.4 * p.body / 7.5)
        y = Table(board, plot, columns).body(lines, p.top) + (AXIS + 0.6) * s
        if caption:
            board.write_title(y + 1.5 * s)
        figures.append(board.close(y + caption * s))
    return figures


def dress(plot: Plot, layout: Layout) -> Plot:
    """Put a plot into the words and brackets of the house."""

    def dressed(line: Line) -> Line:
        label = layout.call(line.label) if line.kind in ("summary", "overall") else line.label
        return replace(line, label=label, interval=layout.bracket(line.interval))

    headings = {name: layout.bracket(layout.call(words)) for name, words in plot.headings.items()}
    return replace(plot, headings=headings, blocks=[[dressed(line) for line in block] for block in plot.blocks])


@dataclass(frozen=True)
class Table:
    """Draws the lines of one page."""

    board: Board
    plot: Plot
    columns: Columns

    def body(self, lines: Sequence[Line], top: float) -> float:
        """Draw headings, lines and axis below ``top``, where the first row begins; give where the axis stands."""
        b, p, c = self.board, self.board.preset, self.columns
        self.head(top)
        above, bottom = top - 0.4 * b.s, top + _rows(lines) * p.row + 0.6 * b.s
        x = Scale(self.plot.axis, c.left + PAD * b.s, c.right - PAD * b.s)
        b.axis(x, above, bottom, grid=p.layout.grid)
        if isfinite(self.plot.reference):
            at, color = float(x(self.plot.reference)), b.palette.overall
            b.line([at, at], [above, bottom], width=0.7 * b.s, color=color, zorder=2, **DASHED)
        y, odd = top, False
        for line in lines:
            odd = line.kind == "study" and not odd
            if odd and p.layout.bands:
                b.box(p.mm(MARGIN), y, b.room, line.height * p.row, zorder=0.5, color=b.palette.band)
            self.line(x, line, y, y + line.height * p.row / 2)
            y += line.height * p.row
        return bottom

    def head(self, top: float) -> None:
        """Draw the column headings with the rule below them; long headings stand on two lines."""
        b, p, c, s = self.board, self.board.preset, self.columns, self.board.preset.body / 7.5
        style = {"color": b.palette.text, "bold": True}
        for name, x, align in c.headings():
            for i, text in enumerate(reversed(heading_lines(self.plot, name, p))):
                b.text(x, top - (2.6 + 3.3 * i) * s, text, size=p.body, align=align, **style)
        for x, text in zip(c.dots, self.plot.dots, strict=True):
            b.text(x, top - 2.6 * s, text, size=p.small, align="center", **style)
        b.rule(top - 1.1 * s)

    def line(self, scale: Scale, line: Line, top: float, middle: float) -> None:
        """Draw one line: its words, its numbers, its mark."""
        b, p, c = self.board, self.board.preset, self.columns
        if line.kind == "rule":
            b.rule(middle - 0.2 * b.s, light=True)
        if line.kind == "remark":
            self.remark(line, top, middle)
        if line.kind in ("rule", "remark", "gap"):
            return
        y, style = middle + CAPS / 2 * p.body * MM_PER_POINT, {"size": p.body, "color": b.palette.text}
        self.label(line, y)
        for name, x, align in c.headings():
            text = "" if name == "study" else getattr(line, name)
            if text:
                b.text(x, y, text, align=align, bold=line.weight == "bold", **style)
        for x, level in zip(c.dots, line.dots, strict=False):
            draw_dot(b, x, middle, level, p, b.palette)
        if isfinite(line.low) and isfinite(line.high):
            self.mark(scale, line, middle)

    def label(self, line: Line, y: float) -> None:
        """Write the label and, as a text of its own, the marks after it; a group's name may run over the panel."""
        b, p, c = self.board, self.board.preset, self.columns
        x = c.study if line.kind == "study" else c.group
        room = p.mm(RIGHT) - x if line.kind == "group" else c.label + (0 if line.kind == "study" else c.study - x)
        dagger, gap = "†" if line.dagger else "", 0.5 * b.s
        taken = gap + text_width(line.marks, p.small) if line.marks else 0
        label = cut_text(line.label, room - taken, p.body, line.weight, dagger)
        style = {"color": b.palette.text, "bold": line.weight == "bold", "full": line.label + dagger}
        b.text(x, y, label, size=p.body, **style)
        after = x + text_width(label, p.body, line.weight)
        over = after + p.mm(1) - c.left
        if over > 0:
            b.box(c.left, y - 0.7 * p.row, over, 0.95 * p.row, zorder=2.5)
        if line.marks:
            b.text(after + gap, y, line.marks, size=p.small, color=b.palette.notes)

    def remark(self, line: Line, top: float, middle: float) -> None:
        """Draw a small grey line below a panel; the grid stops where it runs into the panel."""
        b, p, c = self.board, self.board.preset, self.columns
        y = middle + CAPS / 2 * p.small * MM_PER_POINT - 0.4 * b.s
        b.text(c.study, y, line.label, size=p.small, color=b.palette.notes)
        end = c.study + text_width(line.label, p.small) + p.mm(1)
        if end > c.left:
            b.box(c.left, top, end - c.left, line.height * p.row, zorder=2.5)

    def mark(self, x: Scale, line: Line, y: float) -> None:
        """Draw the mark of a line; where a study's interval runs over an end of the axis, an arrow."""
        b, c, s = self.board, self.board.palette, self.board.s
        low, mid, high = (float(x(value)) for value in (line.low, line.mid, line.high))
        if line.kind == "prediction":
            b.bar(y, low, high, 0.55)
        elif line.kind != "study":
            overall = line.kind == "overall"
            b.diamond(y, low, mid, high, 1.75 if overall else 1.35, c.overall if overall else c.subgroup)
        else:
            if not x.beyond(line.low) and not x.below(line.high):
                b.line([low, high], [y, y], width=0.9 * s, color=c.study, zorder=4, label=MARK)
            if x.beyond(line.high):
                b.arrow(x.end + PAD * s, y, 1, 0, c.study, zorder=5)
            if x.below(line.low):
                b.arrow(x.start - PAD * s, y, -1, 0, c.study, zorder=5)
            if isfinite(line.least):
                self.span(x, line, y)
            elif not x.beyond(line.mid) and not x.below(line.mid):  # else its arrow stands for it
                b.square(mid, y, line.side * s / 2, c.study)

    def span(self, x: Scale, line: Line, y: float) -> None:
        """Draw the bar of what limits leave possible, as high as the study's square, as far as the axis reaches."""
        b = self.board
        low, high = (min(max(float(x(value)), x.start), x.end) for value in (line.least, line.most))
        thin = max(0.0, THINNEST * b.s - (high - low)) / 2
        if low < x.end and high > x.start:
            b.bar(y, low - thin, high + thin, line.side / 2, zorder=6, color=b.palette.study)
