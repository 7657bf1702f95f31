"""The map of the evidence: which levels of two properties have been studied together, in how many studies and units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from ..tables.files import number
from ..words import formatting as fmt
from ..words.levels import MIXED
from ..words.prose import inside, plural
from .forest.diamonds import UNKNOWN
from .kit.board import Board
from .kit.canvas import Drawing, circles, draw_nothing, tint
from .kit.layout import clean_text, cut_text, wrap_text
from .kit.readings import ChartText, Paragraphs, Row, studies_of
from .kit.style import fixed_settings

TITLE = "Map of the evidence"
NAMES, RIGHT, CELL, BUBBLE, LINE = 44.0, 177.0, 11.0, 3.3, 3.1  # mm: room for names; height of a cell; largest radius
WIDEST = 26.0  # mm: of a column
LAST = {MIXED: "Several, not separable", "": "Not reported"}


@dataclass(frozen=True)
class Cell:
    """What two levels have together."""

    studies: int
    patients: int


@dataclass(frozen=True)
class Property:
    """A property of arms: its name, its label and its levels in the order of figures."""

    name: str
    label: str
    levels: Mapping[str, str]

    def order(self, present: Sequence[str]) -> dict[str, str]:
        """Give level → label of what is present; what is no level of its own comes last."""
        others = [level for level in dict.fromkeys(present) if level not in self.levels and level not in LAST]
        names = {**self.levels, **{level: level for level in others}, **LAST}
        return {level: clean_text(label) for level, label in names.items() if level in present}


def disjoint_arms(rows: Sequence[Row], arms: Sequence[Row], split: str) -> list[dict]:
    """Give the arms that feed some analysis, so that no unit is counted twice inside a study.

    Parameters
    ----------
    rows : sequence of rows
        The used rows of all analyses; an analysis split by ``split`` gives the arms of that split, another its pool.
    arms : sequence of rows
        ``results/data/arms.csv``: which arms a wider one is made of, or is a part of.
    split : str
        The property by which studies come apart.

    Returns
    -------
    list of dict
        ``study``, ``arm``, ``patients`` and the row's properties. Of an arm and its parts the parts are kept where
        they add up to it, else the arm.
    """
    divided = {row["analysis"] for row in rows if row["subset"] == split}
    found: dict[tuple[str, str], dict] = {}
    for row in rows:
        if row["subset"] != (split if row["analysis"] in divided else "all"):
            continue
        key = (row["study"], row["arm"])
        size = max(number(row, "patients"), found.get(key, {}).get("patients", 0))
        found[key] = {**row, "patients": size}
    facts = {(arm["study"], arm["arm"]): arm for arm in arms}
    for key, arm in facts.items():
        if key in found and number(arm, "patients") > 0:
            found[key]["patients"] = number(arm, "patients")
    dropped = set()
    for key, arm in facts.items():
        parts = {(key[0], part) for part in arm["comprises"].split("; ") if part}
        if key in found and parts:
            dropped |= {key} if parts <= set(found) else parts
    dropped |= {key for key, arm in facts.items() if arm["part_of"] and (key[0], arm["part_of"]) in found}
    return [row for key, row in found.items() if key not in dropped]


def count_cells(arms: Sequence[Mapping], down: str, across: str) -> dict[tuple[str, str], Cell]:
    """Count studies and units of each pair of levels."""
    groups: dict[tuple[str, str], list[Mapping]] = {}
    for row in arms:
        pair = tuple("" if row.get(name, "") in UNKNOWN else row[name] for name in (down, across))
        groups.setdefault(pair, []).append(row)
    return {
        pair: Cell(len({row["study"] for row in mine}), int(sum(row["patients"] for row in mine)))
        for pair, mine in groups.items()
    }


def draw_evidence_map(
    pooled: Sequence[Row], arms: Sequence[Row], properties: Sequence[Property], text: ChartText
) -> Drawing:
    """Draw how many studies and units each pair of levels has.

    Parameters
    ----------
    pooled : sequence of rows
        The used rows of all analyses.
    arms : sequence of rows
        ``results/data/arms.csv``.
    properties : sequence of Property
        Two: down and across. With fewer nothing is drawn.
    text : ChartText
    """
    if len(properties) < 2:
        return draw_nothing(text, TITLE, "the config names no two properties to set against each other.")
    down, across = properties
    title = f"{TITLE}: {inside(down.label)} by {inside(across.label)}"
    found = disjoint_arms(pooled, arms, down.name)
    if not found:
        return draw_nothing(text, title, "no study is pooled.")
    cells = count_cells(found, down.name, across.name)
    rows, columns = down.order([d for d, _ in cells]), across.order([a for _, a in cells])
    studies = len({row["study"] for row in found})
    units = fmt.format_count(sum(cell.patients for cell in cells.values()))
    said = f"{plural(len(found), 'arm')} of {studies_of(studies)} that feed some analysis, {units} {text.unit}."
    absent = [clean_text(label) for level, label in down.levels.items() if level not in rows]
    missing = f"Nothing pooled of: {', '.join(absent)}." if absent else ""
    with fixed_settings():
        page = _page(cells, rows, columns, title, [said, missing], down, text)
    words = [
        f"{rows[d]}, {columns[a]}: {studies_of(cell.studies)}, {fmt.format_count(cell.patients)} {text.unit}."
        for d in rows
        for a in columns
        for cell in [cells.get((d, a))]
        if cell
    ]
    return Drawing([page], title, " ".join(filter(None, [f"Bubble table, {title}.", said, missing, *words])))


def _page(cells, rows, columns, title: str, dark, down: Property, text: ChartText):
    """Draw the table."""
    width = min(WIDEST, (RIGHT - NAMES) / len(columns))
    grey = [
        f"Area of a bubble: number of {text.unit}. Below it: studies ({text.unit}). An arm counts once, however many "
        "analyses it feeds; a study with several arms stands in several cells. Studies may share "
        f"{text.unit}, so the sums are upper bounds."
    ]
    probe = Board(text, title, Paragraphs(text=text), 0)
    heads = {
        a: wrap_text(label, probe.mm(width) - 1.5 * probe.s, probe.preset.small, "bold") for a, label in columns.items()
    }
    head = max(map(len, heads.values())) * LINE + 2.5
    board = Board(text, title, Paragraphs(dark, grey, text), head + len(rows) * CELL)
    for i, a in enumerate(columns):
        x = board.mm(NAMES + (i + 0.5) * width)
        for j, line in enumerate(reversed(heads[a])):
            board.write(x, board.y(head - 2.6 - j * LINE), line, size=board.preset.small, bold=True, align="center")
    board.write(board.mm(2), board.y(head - 2.6), down.label, bold=True)
    board.rule(board.y(head - 0.6))
    largest = max(cell.patients for cell in cells.values())
    for j, (d, label) in enumerate(rows.items()):
        middle = board.y(head + (j + 0.5) * CELL)
        shown = cut_text(label, board.mm(NAMES - 4), board.preset.body)
        board.write(board.mm(2), middle, shown, full=label)
        if j:
            board.rule(board.y(head + j * CELL), light=True)
        for i, a in enumerate(columns):
            _cell(board, board.mm(NAMES + (i + 0.5) * width), middle, cells.get((d, a)), largest)
    return board.finish()


def _cell(board: Board, x: float, middle: float, cell: Cell | None, largest: int) -> None:
    """Draw a cell: its bubble with the numbers below, or a dash."""
    if cell is None:
        board.write(x, middle, fmt.MISSING, color=board.palette.notes, align="center")
        return
    radius = max(0.7, BUBBLE * sqrt(cell.patients / largest)) * board.s
    at = middle - 1.5 * board.s
    color = board.palette.study
    style = {"color": tint(color, 0.45), "edge": color, "width": 0.7 * board.s, "zorder": 5}
    circles(board.page, [(x, at)], radius, **style)
    words = f"{fmt.format_count(cell.studies)} ({fmt.format_count(cell.patients)})"
    board.write(x, middle + 3.4 * board.s, words, size=board.preset.small, align="center")
