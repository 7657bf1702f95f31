"""A picture of what stands on what: boxes in rows, and arrows that run down between them and cross no box."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# All lengths in px; the widths of letters are those of the widest of the fonts named below.
WIDTH, MARGIN, GAP, BETWEEN = 1180, 24, 12, 46
HEAD, LINE, PAD, PASSAGE = 15, 14, 9, 8
NAME_LETTER, LETTER = 8.4, 6.6
INK, GREY, FILL, EDGE = "#1a1a1a", "#555555", "#f4f6f8", "#8094a8"

HEADER = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {{height}}" role="img"
  aria-labelledby="t d">
<title id="t">{{title}}</title>
<desc id="d">{{says}}</desc>
<style>
text {{{{ font: 11px Arial, Helvetica, "Liberation Sans", sans-serif; fill: {GREY}; }}}}
.name {{{{ font-weight: bold; font-size: 12px; fill: {INK}; }}}}
.head {{{{ font-weight: bold; font-size: 15px; fill: {INK}; }}}}
.note {{{{ font-size: 12px; }}}}
rect {{{{ fill: {FILL}; stroke: {EDGE}; }}}}
path {{{{ fill: none; stroke: {EDGE}; stroke-width: 1.2; marker-end: url(#tip); }}}}
</style>
<marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="7" markerHeight="7" orient="auto">
<polygon points="0,0 6,3 0,6" fill="{EDGE}"/></marker>
<rect width="{WIDTH}" height="{{height}}" style="fill: white; stroke: none"/>
"""


@dataclass(frozen=True)
class Panel:
    """One half of the picture.

    Parameters
    ----------
    title, note : str
    rows : sequence of sequences of str
        Names, from the top row down.
    lines : mapping
        Name → what stands in its box below the name.
    arrows : mapping
        Name → names below it that an arrow runs to.
    """

    title: str
    note: str
    rows: Sequence[Sequence[str]]
    lines: Mapping[str, Sequence[str]]
    arrows: Mapping[str, set[str]]


@dataclass(frozen=True)
class Box:
    """A box, or a passage, where it stands; ``foot`` is the lower edge of the highest box of its row."""

    x: float
    y: float
    width: float
    height: float
    foot: float


def picture(title: str, panels: Sequence[Panel]) -> str:
    """Draw panels one below the other, as SVG."""
    parts, top = [], 38.0
    for panel in panels:
        drawn, bottom = draw_panel(panel, top)
        parts += drawn
        top = bottom + 50
    height = f"{top - 50 + MARGIN:.0f}"
    header = HEADER.format(height=height, title=html.escape(title), says=html.escape(describe(panels)))
    return header + "\n".join(parts) + "\n</svg>\n"


def describe(panels: Sequence[Panel]) -> str:
    """Say all arrows in words, for those who do not see them."""
    said = [
        "; ".join(f"{name} → {', '.join(sorted(panel.arrows[name]))}" for name in panel.arrows if panel.arrows[name])
        for panel in panels
    ]
    return " ".join(f"{panel.title}: {text}." for panel, text in zip(panels, said, strict=True))


def draw_panel(panel: Panel, top: float) -> tuple[list[str], float]:
    """Give the elements of a panel, and where it ends."""
    rows, chains = route(panel.rows, panel.arrows)
    boxes = place_boxes(sort_rows(rows, chains), panel.lines, top + 42)
    head = [
        f'<text x="{MARGIN}" y="{top:.1f}" class="head">{html.escape(panel.title)}</text>',
        f'<text x="{MARGIN}" y="{top + 18:.1f}" class="note">{html.escape(panel.note)}</text>',
    ]
    drawn = [draw_box(name, panel.lines[name], box) for name, box in boxes.items() if name in panel.lines]
    return [*head, *draw_arrows(chains, boxes), *drawn], max(box.y + box.height for box in boxes.values())


def route(
    rows: Sequence[Sequence[str]], arrows: Mapping[str, set[str]]
) -> tuple[list[list[str]], list[tuple[str, ...]]]:
    """Give an arrow over several rows a passage through each row between; return the rows, and the ways of arrows.

    >>> route([["a"], ["b"], ["c"]], {"a": {"c"}})
    ([['a'], ['b', 'a>c@1'], ['c']], [('a', 'a>c@1', 'c')])
    """
    place = {name: i for i, row in enumerate(rows) for name in row}
    wide, chains = [list(row) for row in rows], []
    for name, targets in arrows.items():
        for to in sorted(targets):
            between = {i: f"{name}>{to}@{i}" for i in range(place[name] + 1, place[to])}
            for i, passage in between.items():
                wide[i].append(passage)
            chains.append((name, *between.values(), to))
    return wide, chains


def sort_rows(rows: Sequence[Sequence[str]], chains: Sequence[tuple[str, ...]], rounds: int = 12) -> list[list[str]]:
    """Order each row by where its neighbours stand, in turn from above and from below, so that few arrows cross."""
    links = {pair for chain in chains for pair in pairwise(chain)}
    best = now = [list(row) for row in rows]
    for turn in range(rounds):
        now = [list(row) for row in now]
        order = range(1, len(now)) if turn % 2 == 0 else range(len(now) - 2, -1, -1)
        for i in order:
            beside = now[i - 1] if turn % 2 == 0 else now[i + 1]
            place = {name: (j + 0.5) / len(beside) for j, name in enumerate(beside)}
            own = {name: (j + 0.5) / len(now[i]) for j, name in enumerate(now[i])}
            near = {n: [at for o, at in place.items() if (n, o) in links or (o, n) in links] for n in now[i]}
            middle = {n: sum(ats) / len(ats) if ats else own[n] for n, ats in near.items()}
            now[i].sort(key=middle.__getitem__)
        best = min(best, now, key=lambda rows: crossings(rows, links))
    return best


def crossings(rows: Sequence[Sequence[str]], links: set[tuple[str, str]]) -> int:
    """Count the pairs of arrows that cross."""
    total = 0
    for upper, lower in pairwise(rows):
        ends = [(i, j) for i, a in enumerate(upper) for j, b in enumerate(lower) if (a, b) in links]
        total += sum(a < c and b > d for a, b in ends for c, d in ends)
    return total


def place_boxes(rows: Sequence[Sequence[str]], lines: Mapping[str, Sequence[str]], top: float) -> dict[str, Box]:
    """Give every box its place: rows from ``top`` down, each row centred; a name without lines is a passage.

    Raises
    ------
    ValueError
        For a row that is wider than the picture.
    """
    boxes, y = {}, top
    for row in rows:
        widths = [
            2 * PAD + max([NAME_LETTER * len(name), *(LETTER * len(text) for text in lines[name])])
            if name in lines
            else PASSAGE
            for name in row
        ]
        heights = [2 * PAD + HEAD + LINE * len(lines[name]) if name in lines else 0 for name in row]
        gap = min(48.0, (WIDTH - 2 * MARGIN - sum(widths)) / max(1, len(row) - 1))
        if gap < GAP:
            raise ValueError(f"too wide for the picture: {', '.join(row)}. Make the lines of its boxes shorter.")
        x = (WIDTH - sum(widths) - gap * (len(row) - 1)) / 2
        for name, width, height in zip(row, widths, heights, strict=True):
            boxes[name] = Box(x, y, width, height or max(heights), y + max(heights))
            x += width + gap
        y += max(heights) + BETWEEN
    return boxes


def draw_box(name: str, lines: Sequence[str], box: Box) -> str:
    """Draw a box with its name and its lines."""
    x, y = box.x + PAD, box.y + PAD + 11
    frame = f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>'
    texts = [f'<text x="{x:.1f}" y="{y:.1f}" class="name">{html.escape(name)}</text>']
    texts += [
        f'<text x="{x:.1f}" y="{y + 2 + LINE * i:.1f}">{html.escape(text)}</text>' for i, text in enumerate(lines, 1)
    ]
    return "\n".join([frame, *texts])


def draw_arrows(chains: Sequence[tuple[str, ...]], boxes: Mapping[str, Box]) -> list[str]:
    """Draw each arrow from the lower edge of one box, through its passages, to the upper edge of another."""
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    leaves = {name: sorted((b for a, b in pairs if a == name), key=lambda b: boxes[b].x) for name in boxes}
    enters = {name: sorted((a for a, b in pairs if b == name), key=lambda a: boxes[a].x) for name in boxes}
    paths = []
    for chain in chains:
        steps = []
        for a, b in pairwise(chain):
            start, end = boxes[a], boxes[b]
            x0 = start.x + start.width * (leaves[a].index(b) + 1) / (len(leaves[a]) + 1)
            x1 = end.x + end.width * (enters[b].index(a) + 1) / (len(enters[b]) + 1)
            y0, y1 = start.y + start.height, end.y - (2 if b == chain[-1] else 0)
            half = (start.foot + y1) / 2
            bend = f"C{x0:.1f} {half:.1f} {x1:.1f} {half:.1f} {x1:.1f} {y1:.1f}"
            steps.append(f"{'L' if steps else 'M'}{x0:.1f} {y0:.1f} V{start.foot:.1f} {bend}")
        paths.append(f'<path d="{" ".join(steps)}"/>')
    return paths


def wrap(names: Sequence[str], width: int = 34) -> list[str]:
    """Break a list of names into lines.

    >>> wrap(["one", "two", "three"], 9)
    ['one, two,', 'three']
    """
    lines = [""]
    for name, last in zip(names, [*[False] * (len(names) - 1), True], strict=True):
        word = name if last else f"{name},"
        lines = (
            [*lines, word]
            if lines[-1] and len(lines[-1]) + 1 + len(word) > width
            else [*lines[:-1], f"{lines[-1]} {word}".strip()]
        )
    return lines
