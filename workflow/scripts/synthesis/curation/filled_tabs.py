"""Read the tabs of a filled-in workbook: which cell holds which field, and what stands where nothing is read."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..tables.problems import one_of, quote
from .damage import clean, read_value
from .example import LEFT, left_of_example, read_mark
from .fields import Field, Tab, headings
from .flat import Cell, Cells
from .grids import MERGED, letters, read_grids, reading_order

NOT_READ = ("start here", "words")  # tabs that explain
FORM = ("field", "value", "example", "what_it_holds")  # headings of a tab whose fields run down
MARK = "row"  # heading of the column that marks the example


def read_tables(
    path: str | Path, tabs: Iterable[Tab]
) -> tuple[dict[str, list[Cells]], list[tuple[str, str]], list[str]]:
    """Read the tabs of a workbook.

    Parameters
    ----------
    path : path
    tabs : iterable of Tab

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
    problems: list[tuple[str, str]] = []
    unread: list[str] = []
    for grid in read_grids(path):
        title, name = grid.title, clean(grid.title).lower()
        if name in known and known[name].key in tables:
            problems.append((title, "Two tabs have this name. Keep one."))
        elif name in known:
            tab = known[name]
            read = _read_form if tab.is_form else _read_table
            tables[tab.key] = read(title, grid.rows, tab, problems)
            problems += [(f"{title}!{cells}", MERGED) for cells in grid.merged]
            unread += [f"{title}!{at}" for at in grid.comments if reading_order(at)[1] > 1]
        elif name not in NOT_READ and any(grid.rows):
            message = f"This tab is not read. {one_of(title, [tab.title for tab in known.values()])} Or delete it."
            problems.append((title, message))
    for tab in known.values():
        if tab.key not in tables and tab.key in ("study", "arms", "outcomes"):
            problems.append((tab.title, "This tab is missing. Begin with `sheet to-xlsx`, or name the tab so."))
    return tables, problems, unread


def _heading(value: Any) -> str:
    return re.sub(r"[\s-]+", "_", clean(str(value or "")).rstrip("* ").lower())


def _cell(title: str, row: int, column: int, given: tuple[Any, str, str], field: Field) -> Cell:
    return Cell(f"{title}!{letters(column)}{row}", *read_value(*given, field.kind))


def _read_form(title: str, grid: list, tab: Tab, problems: list[tuple[str, str]]) -> list[Cells]:
    fields, found = headings(tab.fields), {}
    heads = [_heading(value) for value, *_ in grid[0]] if grid else []
    names, values = (heads.index(name) if name in heads else i for i, name in enumerate(FORM[:2]))
    if FORM[1] not in heads and FORM[2] in heads:
        at = f"{title}!{letters(heads.index(FORM[2]) + 1)}1"
        problems.append((at, "The column `value` is missing. Put it back, before the column `example`."))
        return [{name: Cell(at) for name in fields}]
    for number, row in enumerate(grid[1:], 2):
        cells = [_text(title, number, column, given) for column, given in enumerate(row, 1)]
        name = _heading(cells[names].text) if names < len(cells) else ""
        field = fields.get(name)
        if field and name not in found:
            given = row[values] if values < len(row) else (None, "n", "General")
            found[name] = _cell(title, number, values + 1, given, field)
        elif name:
            message = f"{quote(name)} stands twice. Keep one row." if field else one_of(name, fields)
            problems.append((f"{title}!{letters(names + 1)}{number}", message))
        elif values < len(cells) and cells[values].text:
            problems.append((cells[values].at, "There is no field's name in column A beside it."))
        example = field.example if field and not found[name].text else None
        problems += _beside(cells, heads, names, values, example)
    problems += [(cell.at, f"{quote(cell.text)} {LEFT}.") for cell in left_of_example(found, tab)]
    for name, field in fields.items():
        found.setdefault(name, Cell(f"{title}!A1") if field.required else Cell(title))
    return [found]


def _beside(
    cells: Sequence[Cell], heads: Sequence[str], names: int, values: int, example: str | None
) -> Iterator[tuple[str, str]]:
    """Find what a person wrote beside the column of values; over an example only where no value is given."""
    for column, cell in enumerate(cells):
        head = heads[column] if column < len(heads) else ""
        ours = column in (names, values) or head == FORM[3] or (head == FORM[2] and example in (None, cell.text))
        if cell.text and not ours:
            yield (
                cell.at,
                f"{quote(cell.text)} stands beside the values, and is not read. Write it in the column value.",
            )


def _text(title: str, row: int, column: int, given: tuple[Any, str, str]) -> Cell:
    """Give a cell whose field is not known."""
    return Cell(f"{title}!{letters(column)}{row}", clean(str(given[0])) if given[0] is not None else "")


def _read_table(title: str, grid: list, tab: Tab, problems: list[tuple[str, str]]) -> list[Cells]:
    fields = headings(tab.fields)
    columns = _columns(title, grid, fields, problems)
    heads = [_heading(value) for value, *_ in grid[0]] if grid else []
    mark = heads.index(MARK) + 1 if MARK in heads else 1 if heads[:1] == [""] else 0
    rows = []
    for number, row in enumerate(grid[1:], 2):
        given = dict(enumerate(row, 1))
        cells = {
            name: _cell(title, number, column, given.get(column, (None, "n", "")), fields[name])
            for name, column in columns.items()
        }
        beside = _text(title, number, mark or 1, given.get(mark, (None, "n", "")))
        is_example, wrong = read_mark(beside, cells, tab)
        problems += wrong
        if is_example:
            continue
        for column in given:
            cell = _text(title, number, column, given[column])
            if cell.text and column != mark and not "".join(heads[column - 1 : column]):
                problems.append((cell.at, "There is no heading above this cell. Move it, or delete it."))
        rows.append(cells)
    return [row for row in rows if row]


def _columns(title: str, grid: list, fields: Mapping[str, Field], problems: list[tuple[str, str]]) -> dict[str, int]:
    """Find which column holds which field, by the first row."""
    columns: dict[str, int] = {}
    for column, given in enumerate(grid[0] if grid else (), 1):
        name = _heading(given[0])
        place = f"{title}!{letters(column)}1"
        if not name or name == MARK:
            continue
        if name not in fields:
            problems.append((place, f"Unknown heading. {one_of(name, fields)}"))
        elif name in columns:
            problems.append((place, f"The heading {quote(name)} stands twice. Keep one."))
        else:
            columns[name] = column
    missing = [name for name, field in fields.items() if field.required and name not in columns]
    if missing:
        problems.append((f"{title}!1", f"Headings are missing: {', '.join(missing)}."))
    return columns
