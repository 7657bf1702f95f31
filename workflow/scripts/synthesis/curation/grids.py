"""The tabs of a workbook as grids of cells, in bounded time and memory, with what a reader of values passes over.

openpyxl reads row by row without merges, comments and the form of single characters. They change what a cell says: of
merged cells all but the first are empty, and a raised 1 behind 12 is a footnote, not 121.
"""

import io
import posixpath
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..tables.problems import ProblemsError, refusal
from .damage import RAISED
from .opening import check_safe

MOST_ROWS = 2000
MOST_COLUMNS = 200
MOST_CELLS = 2_000_000  # read in a second or two; empty ones that are formatted count
LAST_ROW = 1_048_576  # of any spreadsheet
MERGED = "These cells are merged: what stood in all but the first is lost. Unmerge them, and fill in each."


@dataclass(frozen=True)
class Grid:
    """One tab: rows of (value, type of data, number format); merged ranges; cells with a comment."""

    title: str
    rows: list[list[tuple[Any, str, str]]]
    merged: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


def read_grids(path: str | Path) -> Iterator[Grid]:
    """Give each tab of a safe workbook as it stands, hidden rows and tabs too.

    Raises
    ------
    ProblemsError
        If the file is refused, or a tab is larger than a sheet can be.
    """
    check_safe(path)
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of extensions it does not know
            book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
            with zipfile.ZipFile(path) as archive:
                raised = _raised_texts(archive)
                grids = [_grid(path, archive, tab, raised) for tab in book.worksheets]
            book.close()
    except ProblemsError:
        raise
    except Exception:  # a hostile or broken file can make a parser raise anything; all of it means one thing
        message = "Not readable as a workbook: a part of it is broken. Open it and save it again as .xlsx."
        raise refusal(path, message) from None
    yield from grids


def _marks(archive: zipfile.ZipFile, tab: Any, raised: Collection[str]) -> tuple[list[str], list[str]]:
    """Give the ranges of merged cells, and the cells with raised or lowered characters."""
    merged, cells = [], []
    with archive.open(_part(tab)) as stream:
        for _, element in ElementTree.iterparse(stream):
            name = element.tag.rpartition("}")[2]
            if name == "mergeCell":
                merged.append(element.get("ref", ""))
            elif name == "c" and (_is_raised(element) or _shared(element) in raised):
                cells.append(element.get("r", ""))
            if name in ("c", "row"):
                element.clear()
    return merged, cells


def _raised_texts(archive: zipfile.ZipFile) -> set[str]:
    """Give the numbers of the shared texts that hold raised or lowered characters."""
    part = "xl/sharedStrings.xml"
    found, number = set(), 0
    with archive.open(part) if part in archive.namelist() else io.BytesIO(b"<sst/>") as stream:
        for _, element in ElementTree.iterparse(stream):
            if element.tag.endswith("}si"):
                found |= {str(number)} if _is_raised(element) else set()
                number += 1
                element.clear()
    return found


def _is_raised(element: ElementTree.Element) -> bool:
    return any(one.tag.endswith("}vertAlign") and one.get("val") != "baseline" for one in element.iter())


def _shared(cell: ElementTree.Element) -> str | None:
    """Give the number of the shared text of a cell."""
    return next((one.text for one in cell if one.tag.endswith("}v")), None) if cell.get("t") == "s" else None


def _comments(archive: zipfile.ZipFile, tab: Any) -> tuple[str, ...]:
    """Give the cells that carry a comment."""
    folder, name = posixpath.split(_part(tab))
    links = f"{folder}/_rels/{name}.rels"
    if links not in archive.namelist():
        return ()
    found = []
    for link in ElementTree.fromstring(archive.read(links)):
        if link.get("Type", "").endswith("/comments"):
            target = posixpath.normpath(posixpath.join("/", folder, link.get("Target", ""))).lstrip("/")
            comments = ElementTree.fromstring(archive.read(target)).iter()
            found += [comment.get("ref", "") for comment in comments if comment.tag.endswith("}comment")]
    return tuple(sorted(found, key=reading_order))


def _part(tab: Any) -> str:
    return tab._worksheet_path.lstrip("/")  # openpyxl opens a workbook row by row only without merges and comments


def _grid(path: str | Path, archive: zipfile.ZipFile, tab: Any, raised: Collection[str]) -> Grid:
    rows = _rows(path, tab)
    merged, cells = _marks(archive, tab, raised)
    for _, number, column in map(reading_order, cells):
        if 0 < number <= len(rows) and 0 < column <= len(rows[number - 1]):
            value, _, shown = rows[number - 1][column - 1]
            rows[number - 1][column - 1] = (value, RAISED, shown)
    return Grid(tab.title, rows, tuple(merged), _comments(archive, tab))


def _rows(path: str | Path, tab: Any) -> list[list[tuple[Any, str, str]]]:
    tab.reset_dimensions()  # a size that the file states too small would hide rows
    rows, seen = [], 0
    for number, row in enumerate(tab.iter_rows(), 1):
        seen += len(row)
        if seen > MOST_CELLS or number > LAST_ROW:  # openpyxl makes an empty row for every number that is left out
            message = f"The tab {tab.title} is formatted far beyond what is filled. Delete its empty columns."
            raise refusal(path, message)
        cells = [(cell.value, cell.data_type, cell.number_format or "General") for cell in row]
        while cells and (cells[-1][0] is None or not str(cells[-1][0]).strip()):
            cells.pop()
        if cells and (number > MOST_ROWS or len(cells) > MOST_COLUMNS):
            where = f"{tab.title}!{letters(len(cells))}{number}"
            raise refusal(path, f"{where} is filled; a tab has at most {MOST_ROWS} rows and {MOST_COLUMNS} columns.")
        if number <= MOST_ROWS:
            rows.append(cells)
    return rows


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
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text
