"""The example of a workbook, recognised by what it says: its mark can be deleted, its row moved, sorted or copied."""

import re

from ..tables.problems import quote
from .fields import EXAMPLE, Tab
from .flat import Cell, Cells

# Fields whose example no report could say; one of them is enough to know the row by.
TELLING = ("title", "journal", "doi", "url", "country", "definition", "support", "reason", "note")
LEFT = "is the text of the example, which is not read. Clear what is left of the example, or write what the report says"


def read_mark(cell: Cell, row: Cells, tab: Tab) -> tuple[bool, list[tuple[str, str]]]:
    """Say whether a row of a tab holds the example, and what is wrong with it.

    Parameters
    ----------
    cell : Cell
        What the column of marks says beside it: the word `example`, a number, or nothing.
    row : dict of Cell
    tab : Tab

    Returns
    -------
    is_example : bool
        Then the row is not data.
    problems : list of (place, message)
        An example that was written over is not dropped silently.
    """
    given = {name: cell for name, cell in row.items() if cell.text or cell.complaint}
    example = {field.name: field.example for field in tab.fields if field.example}
    changed = [cell for name, cell in given.items() if cell.text != example.get(name)]
    told = left_of_example(given, tab)
    if cell.text.lower().startswith(EXAMPLE):
        message = (
            f"{quote(changed[0].text)} stands in the example row, which is not read. Use a row below."
            if changed
            else ""
        )
        return True, [(changed[0].at, message)] if changed else []
    if told:
        return True, [(told[0].at, f"{quote(told[0].text)} {LEFT} in every cell of the row.")] if changed else []
    if cell.text and not re.fullmatch("[0-9]+", cell.text):
        return False, [
            (cell.at, f"{quote(cell.text)} stands beside the table, and is not read. Write it under a heading.")
        ]
    plain = {name: text for name, text in example.items() if name not in TELLING}
    if not cell.text and {n: c.text for n, c in given.items() if n not in TELLING} == plain:
        message = (
            "This row says what the example says. If it is the example, delete the row; if it is true of this study"
        )
        return True, [(next(iter(given.values())).at, f"{message}, write 1 beside it in a column `row`.")]
    return False, []


def left_of_example(given: Cells, tab: Tab) -> list[Cell]:
    """Give the cells that hold a text which only the example has."""
    example = {field.name: field.example for field in tab.fields if field.example and field.name in TELLING}
    return [cell for name, cell in given.items() if cell.text and cell.text == example.get(name)]
