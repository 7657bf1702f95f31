"""The map of the evidence: which levels of two properties have been studied together, in how many studies and units."""

from collections.abc import Mapping, Sequence
from math import sqrt

from ..tables.evidence_size import size_of, study_names
from ..tables.pools import OVERALL, Row
from ..words import formatting as fmt
from ..words.levels import NOT_REPORTED
from ..words.prose import inside, plural
from .kit.board import Board, Drawing, draw_nothing
from .kit.layout import wrap_text
from .kit.readings import FigureText, Property, notes_of, studies_of
from .kit.style import fixed_settings, tint

TITLE = "Map of the evidence"
NAMES, RIGHT, CELL, BUBBLE, LINE = 44.0, 177.0, 11.0, 3.3, 3.1  # mm: room for names; height of a cell; largest radius
WIDEST = 26.0  # mm: of a column


def disjoint_arms(rows: Sequence[Row], arms: Sequence[Row], split: str) -> list[Row]:
    """Give the arms that feed some analysis, so that no unit is counted twice inside a study.

    ``rows`` are the used ones of all analyses: an analysis split by the property ``split`` gives the arms of that
    split, another its pool. ``arms`` is ``results/data/arms.csv``: of an arm and its parts the parts are kept where
    they add up to it, else the arm; sizes are those that it has.
    """
    divided = {row["analysis"] for row in rows if row["subset"] == split}
    facts = {(arm["study"], arm["arm"]): arm for arm in arms}
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row["subset"] == (split if row["analysis"] in divided else OVERALL):
            key = (row["study"], row["arm"])
            largest = max(row["patients"], found.get(key, row)["patients"])
            found[key] = {**row, "patients": facts.get(key, {}).get("patients") or largest}
    dropped = set()
    for key, arm in facts.items():
        parts = {(key[0], part) for part in arm["comprises"].split("; ") if part}
        if key in found and parts:
            dropped |= {key} if parts <= set(found) else parts
        if arm["part_of"] and (key[0], arm["part_of"]) in found:
            dropped.add(key)
    return [row for key, row in found.items() if key not in dropped]


def count_cells(arms: Sequence[Mapping], down: str, across: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Count studies and units of each pair of levels."""
    groups: dict[tuple[str, str], list[Mapping]] = {}
    for row in arms:
        pair = tuple("" if row[name] == NOT_REPORTED else row[name] for name in (down, across))
        groups.setdefault(pair, []).append(row)
    return {
        pair: (len({row["study"] for row in mine}), sum(row["patients"] for row in mine))
        for pair, mine in groups.items()
    }


@fixed_settings()
def draw_evidence_map(
    pooled: Sequence[Row], arms: Sequence[Row], properties: Sequence[Property], text: FigureText
) -> Drawing:
    """Draw how many studies and units each pair of levels of two properties, down and across, has.

    ``pooled`` are the used rows of all analyses, ``arms`` those of ``results/data/arms.csv``.
    """
    if len(properties) < 2:
        return draw_nothing(text, TITLE, "the config names no two properties to set against each other.")
    down, across = properties
    title = f"{TITLE}: {inside(down.label)} by {inside(across.label)}"
    found = disjoint_arms(pooled, arms, down.name)
    if not found:
        return draw_nothing(text, title, "no study is pooled.")
    names = study_names(pooled)
    cells = count_cells([row | {"study": names[row["study"]]} for row in found], down.name, across.name)
    rows, columns = down.order(d for d, _ in cells), across.order(a for _, a in cells)
    size = size_of((row["study"] for row in found), names)
    units = fmt.format_count(sum(size for _, size in cells.values()))
    absent = down.absent(rows)
    said = [
        f"{plural(len(found), 'arm')} of {size} that feed some analysis, {units} {text.unit}.",
        *([f"Nothing pooled of: {absent}."] if absent else []),
    ]
    words = [
        f"{rows[d]}, {columns[a]}: {studies_of(cell[0])}, {fmt.format_count(cell[1])} {text.unit}."
        for d in rows
        for a in columns
        if (cell := cells.get((d, a)))
    ]
    page = _page(cells, rows, columns, title, said, down.label, text)
    return Drawing([page], title, " ".join([f"Bubble table, {title}.", *said, *words]))


def _page(cells, rows, columns, title: str, dark: Sequence[str], heading: str, text: FigureText):
    width = min(WIDEST, (RIGHT - NAMES) / len(columns))
    grey = (
        f"Area of a bubble: number of {text.unit}. Below it: studies ({text.unit}). An arm counts once, however many "
        "analyses it feeds; a study with several arms stands in several cells. Studies may share "
        f"{text.unit}, so the sums are upper bounds."
    )
    probe = Board(text, title)
    room, small = probe.mm(width) - 1.5 * probe.s, probe.preset.small
    heads = {a: wrap_text(label, room, small, "bold") for a, label in columns.items()}
    head = max(map(len, heads.values())) * LINE + 2.5
    board = Board(text, title, notes_of(text, dark, [grey]), head + len(rows) * CELL)
    places = {a: board.mm(NAMES + (i + 0.5) * width) for i, a in enumerate(columns)}
    for a, lines in heads.items():
        for j, line in enumerate(reversed(lines)):
            board.write(places[a], board.y(head - 2.6 - j * LINE), line, size=small, bold=True, align="center")
    board.write(board.mm(2), board.y(head - 2.6), heading, bold=True)
    board.rule(board.y(head - 0.6))
    largest = max(size for _, size in cells.values())
    for j, (d, label) in enumerate(rows.items()):
        middle = board.y(head + (j + 0.5) * CELL)
        board.write_cut(board.mm(2), middle, label, board.mm(NAMES - 4))
        if j:
            board.rule(board.y(head + j * CELL), light=True)
        for a, x in places.items():
            _cell(board, x, middle, cells.get((d, a)), largest)
    return board.finish()


def _cell(board: Board, x: float, middle: float, cell: tuple[int, int] | None, largest: int) -> None:
    """Draw a cell: its bubble with the numbers below, or a dash."""
    c, s = board.palette, board.s
    if cell is None:
        board.write(x, middle, fmt.MISSING, color=c.notes, align="center")
        return
    radius = max(0.7, BUBBLE * sqrt(cell[1] / largest)) * s
    style = {"color": tint(c.study, 0.45), "edge": c.study, "width": 0.7 * s, "zorder": 5}
    board.circles([(x, middle - 1.5 * s)], radius, **style)
    words = "{} ({})".format(*map(fmt.format_count, cell))
    board.write(x, middle + 3.4 * s, words, size=board.preset.small, align="center")
