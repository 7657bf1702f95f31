"""Read the tabs of a filled-in workbook: which cell holds which field, and what stands where nothing is read."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..tables.problems import one_of, quote
from .damage import clean
from .example import LEFT, left_of_example, read_mark
from .fields import Field, Tab
from .flat import Cells
from .grids import MERGED, Cell, Given, Grid, letters, read_grids, reading_order

NOT_READ = ("start here", "words")  # tabs that explain
FORM = ("field", "value", "example", "what_it_holds")  # headings of a tab whose fields run down
MARK = "row"  # heading of the column that marks the example

Said = list[tuple[str, str]]  # place, message


def read_tables(path: str | Path, tabs: Iterable[Tab]) -> tuple[dict[str, list[Cells]], Said, list[str]]:
    """Read the tabs of a workbook.

    Returns
    -------
    tables : dict
        Key of a tab → its rows.
    problems : list of (place, message)
        Tabs and headings that are missing, unknown or stand twice, and an example row that was written over.
    unread : list of str
        Cells with a comment that is not ours.
    """
    known = {tab.title.lower(): tab for tab in tabs}
    tables: dict[str, list[Cells]] = {}
    problems: Said = []
    unread: list[str] = []
    for grid in read_grids(path):
        name = clean(grid.title).lower()
        tab = known.get(name)
        if tab and tab.key in tables:
            problems.append((grid.title, "Two tabs have this name. Keep one."))
        elif tab:
            tables[tab.key] = (_read_form if tab.is_form else _read_table)(grid, tab, problems)
            problems += [(place, MERGED) for place in grid.merged]
            unread += [place for place in grid.comments if reading_order(place)[1] > 1]
        elif name not in NOT_READ and any(grid.rows):
            titles = one_of(grid.title, [tab.title for tab in known.values()])
            problems.append((grid.title, f"This tab is not read. {titles} Or delete it."))
    for tab in known.values():
        if tab.key not in tables and tab.key in ("study", "arms", "outcomes"):
            problems.append((tab.title, "This tab is missing. Begin with `sheet to-xlsx`, or name the tab so."))
    return tables, problems, unread


def _heading(cell: Given) -> str:
    return re.sub(r"[\s-]+", "_", cell.text.rstrip("* ").lower())


def _heads(grid: Grid) -> list[str]:
    """Give the headings of a tab, in the first row."""
    return [_heading(cell) for cell in grid.rows[0]] if grid.rows else []


def _read_form(grid: Grid, tab: Tab, problems: Said) -> list[Cells]:
    fields, heads, found = tab.by_name, _heads(grid), {}
    names, values = (heads.index(name) + 1 if name in heads else i for i, name in enumerate(FORM[:2], 1))
    if FORM[1] not in heads and FORM[2] in heads:
        at = grid.rows[0][heads.index(FORM[2])].at
        problems.append((at, "The column `value` is missing. Put it back, before the column `example`."))
        return [{name: Cell(at) for name in fields}]
    for number, row in enumerate(grid.rows[1:], 2):
        name, value = _heading(grid.cell(number, names)), grid.cell(number, values)
        field = fields.get(name)
        if field and name not in found:
            found[name] = value.read(field.kind)
        elif name:
            message = f"{quote(name)} stands twice. Keep one row." if field else one_of(name, fields)
            problems.append((grid.cell(number, names).at, message))
        elif value.text:
            problems.append((value.at, "There is no field's name in column A beside it."))
        example = field.example if field and not found[name].text else None
        problems += _beside(row, heads, (names, values), example)
    problems += [(cell.at, f"{quote(cell.text)} {LEFT}.") for cell in left_of_example(found, tab)]
    for name, field in fields.items():
        found.setdefault(name, Cell(f"{grid.title}!A1" if field.required else grid.title))
    return [found]


def _beside(
    row: list[Given], heads: Sequence[str], own: Iterable[int], example: str | None
) -> Iterator[tuple[str, str]]:
    """Find what a person wrote beside the column of values; over an example only where no value is given."""
    for column, cell in enumerate(row, 1):
        head = "".join(heads[column - 1 : column])
        ours = column in own or head == FORM[3] or (head == FORM[2] and example in (None, cell.text))
        if cell.text and not ours:
            message = "stands beside the values, and is not read. Write it in the column value."
            yield cell.at, f"{quote(cell.text)} {message}"


def _read_table(grid: Grid, tab: Tab, problems: Said) -> list[Cells]:
    heads = _heads(grid)
    columns = _columns(grid, tab.by_name, problems)
    mark = heads.index(MARK) + 1 if MARK in heads else 1 if heads[:1] == [""] else 0
    rows = []
    for number, row in enumerate(grid.rows[1:], 2):
        cells = {name: grid.cell(number, column).read(field.kind) for name, (column, field) in columns.items()}
        beside = grid.cell(number, mark) if mark else Given(f"{grid.title}!A{number}")
        is_example, wrong = read_mark(beside, cells, tab)
        problems += wrong
        if is_example:
            continue
        for column, cell in enumerate(row, 1):
            if cell.text and column != mark and not "".join(heads[column - 1 : column]):
                problems.append((cell.at, "There is no heading above this cell. Move it, or delete it."))
        rows.append(cells)
    return [row for row in rows if row]


def _columns(grid: Grid, fields: Mapping[str, Field], problems: Said) -> dict[str, tuple[int, Field]]:
    """Find which column holds which field, by the first row."""
    columns: dict[str, tuple[int, Field]] = {}
    for column, name in enumerate(_heads(grid), 1):
        place = f"{grid.title}!{letters(column)}1"
        if not name or name == MARK:
            continue
        if name not in fields:
            problems.append((place, f"Unknown heading. {one_of(name, fields)}"))
        elif name in columns:
            problems.append((place, f"The heading {quote(name)} stands twice. Keep one."))
        else:
            columns[name] = column, fields[name]
    missing = [name for name, field in fields.items() if field.required and name not in columns]
    if missing:
        problems.append((f"{grid.title}!1", f"Headings are missing: {', '.join(missing)}."))
    return columns
