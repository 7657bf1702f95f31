"""The tabs of a workbook as grids of cells, in bounded time and memory, with what a reader of values passes over.

openpyxl reads row by row without merges, comments and the form of single characters. They change what a cell says: of
merged cells all but the first are empty, and a raised 1 behind 12 is a footnote, not 121.
"""

import posixpath
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ..tables.problems import ProblemsError, refusal
from .damage import RAISED, clean, read_value
from .opening import check_safe

MOST_ROWS = 2000
MOST_COLUMNS = 200
MOST_CELLS = 2_000_000  # read in a second or two; empty ones that are formatted count
LAST_ROW = 1_048_576  # of any spreadsheet
MERGED = "These cells are merged: what stood in all but the first is lost. Unmerge them, and fill in each."


@dataclass(frozen=True)
class Cell:
    """What one cell says: where it is (``Outcomes!D7``, ``line 5``), its text, and why it is not to be trusted.

    The text is blank when the cell is empty or not to be trusted.
    """

    at: str
    text: str = ""
    complaint: str | None = None


class Given(NamedTuple):
    """A cell as it was found, before it is known what belongs there; types of data are openpyxl's."""

    at: str
    value: Any = None
    data_type: str = "n"
    number_format: str = "General"

    @property
    def text(self) -> str:
        """Give the text of a cell that is no value: a heading, a remark."""
        return "" if self.value is None else clean(str(self.value))

    def read(self, kind: str) -> Cell:
        """Read the cell as a field of a kind (:mod:`~.fields`)."""
        return Cell(self.at, *read_value(self.value, self.data_type, self.number_format, kind))


@dataclass(frozen=True)
class Grid:
    """One tab: its rows, each as far as it is filled; places of merged cells, and of cells with a comment."""

    title: str
    rows: list[list[Given]]
    merged: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()

    def cell(self, row: int, column: int) -> Given:
        """Give a cell, counted from 1; an empty one where nothing is filled."""
        cells = self.rows[row - 1] if row <= len(self.rows) else []
        return cells[column - 1] if 0 < column <= len(cells) else Given(f"{self.title}!{letters(column)}{row}")


def read_grids(path: str | Path) -> list[Grid]:
    """Give each tab of a safe workbook as it stands, hidden rows and tabs too.

    Raises
    ------
    ProblemsError
        If the file is refused, or a tab is larger than a sheet can be.
    """
    check_safe(path)
    from openpyxl.reader.excel import ExcelReader

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of extensions it does not know
            reader = ExcelReader(path, read_only=True, data_only=False, keep_links=False)
            reader.read()
            if any(link.target not in reader.valid_files for _, link in reader.parser.find_sheets()):
                raise KeyError("the part of a tab")  # openpyxl would pass over the tab
            with zipfile.ZipFile(path) as archive:
                raised = _raised_texts(archive)
                grids = [_grid(path, archive, tab, raised) for tab in reader.wb.worksheets]
            reader.wb.close()
    except ProblemsError:
        raise
    except Exception:  # a hostile or broken file can make a parser raise anything; all of it means one thing
        message = "Not readable as a workbook: a part of it is broken. Open it and save it again as .xlsx."
        raise refusal(path, message) from None
    return grids


def _grid(path: str | Path, archive: zipfile.ZipFile, tab: Any, raised: Collection[str]) -> Grid:
    part = tab._worksheet_path.lstrip("/")  # openpyxl opens a workbook row by row only without merges and comments
    rows = _rows(path, tab)
    merged, cells = _marks(archive, part, raised)
    for _, number, column in map(reading_order, cells):
        if 0 < number <= len(rows) and 0 < column <= len(rows[number - 1]):
            rows[number - 1][column - 1] = rows[number - 1][column - 1]._replace(data_type=RAISED)
    places = (sorted(found, key=reading_order) for found in (merged, _comments(archive, part)))
    return Grid(tab.title, rows, *(tuple(f"{tab.title}!{at}" for at in found) for found in places))


def _rows(path: str | Path, tab: Any) -> list[list[Given]]:
    tab.reset_dimensions()  # a size that the file states too small would hide rows
    rows, seen = [], 0
    for number, row in enumerate(tab.iter_rows(), 1):
        seen += len(row)
        if seen > MOST_CELLS or number > LAST_ROW:  # openpyxl makes an empty row for every number that is left out
            message = f"The tab {tab.title} is formatted far beyond what is filled. Delete its empty columns."
            raise refusal(path, message)
        filled = max((i for i, c in enumerate(row, 1) if c.value is not None and str(c.value).strip()), default=0)
        if filled and (number > MOST_ROWS or filled > MOST_COLUMNS):
            where = f"{tab.title}!{letters(filled)}{number}"
            raise refusal(path, f"{where} is filled; a tab has at most {MOST_ROWS} rows and {MOST_COLUMNS} columns.")
        if number <= MOST_ROWS:
            places = (f"{tab.title}!{letters(i)}{number}" for i in range(1, filled + 1))
            cells = zip(places, row[:filled], strict=True)
            rows.append([Given(at, c.value, c.data_type, c.number_format or "General") for at, c in cells])
    return rows


def _elements(archive: zipfile.ZipFile, part: str, *names: str) -> Iterator[tuple[str, ElementTree.Element]]:
    """Give the elements of a part that have these names, one by one; what was read is let go."""
    with archive.open(part) as stream:
        for _, element in ElementTree.iterparse(stream):
            name = element.tag.rpartition("}")[2]
            if name in names:
                yield name, element
            if name in ("c", "row", "si"):
                element.clear()


def _marks(archive: zipfile.ZipFile, part: str, raised: Collection[str]) -> tuple[list[str], list[str]]:
    """Give the ranges of merged cells, and the cells with raised or lowered characters."""
    merged, cells = [], []
    for name, element in _elements(archive, part, "mergeCell", "c"):
        if name == "mergeCell":
            merged.append(element.get("ref", ""))
        elif _is_raised(element) or _shared(element) in raised:
            cells.append(element.get("r", ""))
    return merged, cells


def _raised_texts(archive: zipfile.ZipFile) -> set[str]:
    """Give the numbers of the shared texts that hold raised or lowered characters."""
    part = "xl/sharedStrings.xml"
    texts = _elements(archive, part, "si") if part in archive.namelist() else ()
    return {str(number) for number, (_, text) in enumerate(texts) if _is_raised(text)}


def _is_raised(element: ElementTree.Element) -> bool:
    return any(one.tag.endswith("}vertAlign") and one.get("val") != "baseline" for one in element.iter())


def _shared(cell: ElementTree.Element) -> str | None:
    """Give the number of the shared text of a cell."""
    return next((one.text for one in cell if one.tag.endswith("}v")), None) if cell.get("t") == "s" else None


def _comments(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    """Give the cells that carry a comment."""
    folder, name = posixpath.split(part)
    links = f"{folder}/_rels/{name}.rels"
    for _, link in _elements(archive, links, "Relationship") if links in archive.namelist() else ():
        if link.get("Type", "").endswith("/comments"):
            target = posixpath.normpath(posixpath.join("/", folder, link.get("Target", ""))).lstrip("/")
            yield from (comment.get("ref", "") for _, comment in _elements(archive, target, "comment"))


def reading_order(place: str, titles: Sequence[str] = ()) -> tuple[int, int, int]:
    """Give tab, row and column of a cell, for sorting; zeros where a whole tab is meant.

    >>> sorted(["Arms!B33", "Study!C4", "Arms!AA4", "Arms!B4"], key=lambda at: reading_order(at, ["Study", "Arms"]))
    ['Study!C4', 'Arms!B4', 'Arms!AA4', 'Arms!B33']
    """
    found = re.match(r"(?:(.*)!)?([A-Z]*)([0-9]+)", place)
    title = found[1] if found else place.split(" (")[0]
    column = 0
    for letter in found[2] if found else "":
        column = 26 * column + ord(letter) - 64
    return titles.index(title) if title in titles else len(titles), int(found[3]) if found else 0, column


def letters(column: int) -> str:
    """Give a column's letters.

    >>> letters(1), letters(28)
    ('A', 'AB')
    """
    return letters((column - 1) // 26) + chr(65 + (column - 1) % 26) if column else ""
