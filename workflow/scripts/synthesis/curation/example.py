"""The example of a workbook, recognised by what it says: its mark can be deleted, its row moved, sorted or copied."""

from ..tables.problems import quote
from .fields import EXAMPLE, Tab
from .flat import Cells
from .grids import Cell, Given

# Fields whose example no report could say; one of them is enough to know the row by.
TELLING = ("title", "journal", "doi", "url", "country", "definition", "support", "reason", "note")
LEFT = "is the text of the example, which is not read. Clear what is left of the example, or write what the report says"


def read_mark(mark: Given, row: Cells, tab: Tab) -> tuple[bool, list[tuple[str, str]]]:
    """Say whether a row of a tab is the example, which is not data, and what is wrong with it: (place, message).

    ``mark`` says beside it: the word `example`, a number, or nothing. An example that was written over is told.
    """
    given = {name: cell for name, cell in row.items() if cell.text or cell.complaint}
    example = {field.name: field.example for field in tab.fields if field.example}
    changed = [cell for name, cell in given.items() if cell.text != example.get(name)]
    if mark.text.lower().startswith(EXAMPLE):
        said = "stands in the example row, which is not read. Use a row below."
        return True, [(cell.at, f"{quote(cell.text)} {said}") for cell in changed[:1]]
    if told := left_of_example(given, tab):
        return True, [(told[0].at, f"{quote(told[0].text)} {LEFT} in every cell of the row.")] if changed else []
    if mark.text and not (mark.text.isascii() and mark.text.isdigit()):
        said = "stands beside the table, and is not read. Write it under a heading."
        return False, [(mark.at, f"{quote(mark.text)} {said}")]
    plain = {name: text for name, text in example.items() if name not in TELLING}
    if not mark.text and {name: cell.text for name, cell in given.items() if name not in TELLING} == plain:
        said = "This row says what the example says. If it is the example, delete the row; if it is true of this study"
        return True, [(next(iter(given.values())).at, f"{said}, write 1 beside it in a column `row`.")]
    return False, []


def left_of_example(given: Cells, tab: Tab) -> list[Cell]:
    """Give the cells that hold a text which only the example has."""
    example = {field.name: field.example for field in tab.fields if field.example and field.name in TELLING}
    return [cell for name, cell in given.items() if cell.text and cell.text == example.get(name)]
