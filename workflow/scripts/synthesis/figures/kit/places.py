"""Where the columns of a table stand: in the order of the layout, fixed unless what they hold is unusually wide."""

from dataclasses import dataclass

from .board import MARGIN, RIGHT
from .layout import text_width, wrap_text
from .presets import Preset

# Room of a column in mm of a page of 180 mm: with the default layout the right edges stand at 47, 59, 74 | 161, 178.
SLOTS = {"events": 12.0, "patients": 15.0, "counts": 21.0, "percent": 26.0, "window": 17.0}
HEADINGS = {"study": 40.0, "interval": 30.0, "counts": 20.0}  # mm: wider headings stand on two lines; the others 14
GAP, EDGE = 1.8, 1.5  # mm between columns; between the panel and the column to its right
SHORTEST = 28.0  # mm: a wide table leaves at least so much for names
DOT_PITCH = 4.0  # mm from one dot to the next


@dataclass(frozen=True)
class Columns:
    """Places in mm.

    An estimate ends where its interval begins, so that decimals and brackets stand below each other and both still
    read as one string; the widest of them ends at the right edge of the column.
    """

    group: float  # left edges of names
    study: float
    label: float  # room for a study's name
    left: float  # edges of the panel
    right: float
    edges: dict[str, float]  # right edges of columns; of ``interval`` the left one
    dots: tuple[float, ...] = ()  # centres

    def headings(self) -> list[tuple[str, float, str]]:
        """Give name, place and alignment of every column of text."""
        placed = [(name, x, "left" if name == "interval" else "right") for name, x in self.edges.items()]
        return [("study", self.group, "left"), *placed]


def heading_lines(plot, name: str, preset: Preset) -> list[str]:
    """Give a heading in one line or, where it is wide, two."""
    words = plot.headings.get(name, "")
    if name == "counts":
        patients = plot.headings["patients"]
        words = words or f"{plot.headings['events']}/ {patients[:1].lower()}{patients[1:]}"
    whole, broken = words.replace("/ ", "/"), words.replace("-", "- ")
    longest = max((text_width(word, preset.body, "bold") for word in broken.split()), default=0.0)
    width = max(preset.mm(HEADINGS.get(name, 14.0)), longest)  # no word is broken
    if text_width(whole, preset.body, "bold") <= width:
        return [whole]
    return wrap_text(broken, width, preset.body, "bold")[:2]


def _joined(names: tuple[str, ...], plot) -> list[str]:
    """Put events and patients into one column beside dots, which take the room of the other."""
    if not plot.dots or "events" not in names:
        return list(names)
    return ["counts" if name == "events" else name for name in names if name != "patients"]


def fit_columns(plot, preset: Preset) -> Columns:
    """Place the columns of a ``Plot``; without a sixth column its room goes to the panel."""
    mm, space = preset.mm, text_width(" ", preset.body, "bold")
    sixth = bool(plot.headings.get("window")) and any(line.window not in ("", "–") for line in plot.lines)
    columns = {
        side: [
            part
            for name in names
            if name not in ("study", "window") or (name == "window" and sixth)
            for part in (("events", "patients") if name == "counts" and not plot.joined else (name,))
        ]
        for side, names in (("left", _joined(preset.layout.left, plot)), ("right", preset.layout.right))
    }

    def widest(name: str) -> float:
        heads = [text_width(words, preset.body, "bold") for words in heading_lines(plot, name, preset)]
        return max([0.0, *heads, *(text_width(getattr(line, name), preset.body, line.weight) for line in plot.lines)])

    def width(name: str) -> float:
        return widest("estimate") + space + widest("interval") if name == "percent" else widest(name)

    def place(name: str, edge: float) -> dict[str, float]:
        interval = edge - widest("interval")
        return {"estimate": interval - space, "interval": interval} if name == "percent" else {name: edge}

    edge, first, edges = mm(MARGIN) + mm(plot.names), None, {}
    for name in columns["left"]:
        # The first column of numbers may take room from the names; the next ones take it from the panel.
        least = width(name) + mm(GAP) - (mm(plot.names - 1 - SHORTEST) if first is None else 0)
        edge += max(mm(SLOTS[name]), least)
        first = edge - width(name) if first is None else first
        edges |= place(name, edge)
    start = mm(RIGHT)
    dots = tuple(start - (len(plot.dots) - i - 0.5) * DOT_PITCH * preset.scale for i in range(len(plot.dots)))
    start -= len(dots) * DOT_PITCH * preset.scale + mm(2.5) if dots else 0
    end, right_edges = start, {}
    for name in reversed(columns["right"]):
        right_edges = place(name, start) | right_edges
        end = start - width(name) - mm(EDGE)
        start -= max(mm(SLOTS[name]), width(name) + mm(GAP))
    label = min(mm(plot.names - 1), (mm(RIGHT) if first is None else first) - mm(5) - mm(1))
    right = min(start, end) if right_edges or dots else mm(RIGHT) - mm(EDGE)
    return Columns(mm(MARGIN), mm(5), label, edge + mm(5), right, edges | right_edges, dots)
