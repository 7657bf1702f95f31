"""Open a workbook that somebody sent: refused when it could do harm, read in bounded time and memory.

A workbook is a ZIP of XML, so it can be a bomb; it can hold macros, links to other files and formulas. None of these
is followed or run: the file is looked at as a ZIP first, and refused with a sentence that says what to do.
"""

import posixpath
import re
import stat
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..problems import ProblemsError, one_of, quote, refusal
from .damage import clean, read_value
from .example import LEFT, left_of_example, read_mark
from .fields import Field, Tab, headings
from .flat import Cell, Cells

LARGEST_FILE = 5_000_000  # bytes; the workbook of the longest sheet has 40,000
LARGEST_XML = 20_000_000  # bytes once unpacked
LARGEST_OTHER = 2_000_000  # of a part that holds no cells: styles cost 40 times more time and memory than cells
CELLS = ("xl/worksheets/", "xl/sharedstrings.xml")
MOST_PARTS = 300
MOST_ROWS = 2000
MOST_COLUMNS = 200
MOST_CELLS = 2_000_000  # read in a second or two; empty ones that are formatted count
LAST_ROW = 1_048_576  # of any spreadsheet
NOT_READ = ("start here", "words")  # tabs that explain
FORM = ("field", "value", "example", "what_it_holds")  # headings of a tab whose fields run down
MARK = "row"  # heading of the column that marks the example
MERGED = "These cells are merged: what stood in all but the first is lost. Unmerge them, and fill in each."
REFUSED = {
    "vbaproject": "It holds macros. Save it as .xlsx, without macros.",
    "externallinks/": "It holds links to other files. In Excel: Data, Edit Links, Break Link; then save again.",
    "embeddings/": "It holds embedded objects. Delete them, then save again.",
    "connections.xml": "It holds connections to data elsewhere. Delete them, then save again.",
}


@dataclass(frozen=True)
class Grid:
    """One tab: rows of (value, openpyxl's data type, number format); merged ranges; cells with a comment."""

    title: str
    rows: list[list[tuple[Any, str, str]]]
    merged: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


def check_safe(path: str | Path) -> None:
    """Refuse a file that is not a plain workbook of reasonable size.

    Raises
    ------
    ProblemsError
        With the reason and what to do.
    """
    try:
        _check_zip(Path(path))
    except OSError as error:
        raise refusal(path, f"Cannot be read: {error.strerror or error}.") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        why = quote(error, 120)  # ZipFile quotes what it found, which may be all of the file
        raise refusal(path, f"Not readable as a workbook: {why}. Open it and save it again as .xlsx.") from None


def check_plain(path: str | Path) -> None:
    """Refuse what is not a file of reasonable size, before a byte is read: a pipe would never end.

    Raises
    ------
    ProblemsError
    OSError
        If there is no such file.
    """
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        raise refusal(path, "This is not a file. Name a file.")
    if status.st_size > LARGEST_FILE:
        raise refusal(path, f"The file has {status.st_size:,} bytes, more than {LARGEST_FILE:,}. Is it a sheet?")


def _check_zip(path: Path) -> None:
    check_plain(path)
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise refusal(path, "This is an old .xls file, or one with a password. Save it as .xlsx, without a password.")
    if not start.startswith(b"PK"):
        raise refusal(
            path, "This is not a workbook, whatever its name says. Save it as .xlsx; a CSV: sheet from-table."
        )
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        names = [part.filename.lower() for part in parts]
        if "mimetype" in names and "content.xml" in names:
            raise refusal(path, "This is an OpenDocument file. Save it as .xlsx: File, Save as, Excel 2007-365.")
        if len(parts) > MOST_PARTS:
            raise refusal(path, f"It has {len(parts):,} parts, more than {MOST_PARTS}. Is it a sheet?")
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
            raise refusal(path, "It is packed as no spreadsheet packs. Open it and save it again as .xlsx.")
        for sign, message in REFUSED.items():
            if any(sign in name for name in names):
                raise refusal(path, message)
        _check_parts(path, archive, [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))])


def _check_parts(path: Path, archive: zipfile.ZipFile, parts: Iterable[zipfile.ZipInfo]) -> None:
    """Unpack what will be parsed, once, counting: the sizes that a ZIP states may be false."""
    total = 0
    for part in parts:
        own, cells = 0, part.filename.lower().startswith(CELLS)
        with archive.open(part) as stream:
            before = b""
            while chunk := stream.read(1 << 16):
                total, own = total + len(chunk), own + len(chunk)
                if total > LARGEST_XML:
                    raise refusal(path, f"Unpacked it has more than {LARGEST_XML:,} bytes. Is it a sheet?")
                if own > LARGEST_OTHER and not cells:
                    message = (
                        f"{part.filename} in it has more than {LARGEST_OTHER:,} bytes. Copy the cells to a new file."
                    )
                    raise refusal(path, message)
                seen = before + chunk
                if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or (not before and not _is_plain(seen[:200])):
                    raise refusal(path, "It holds XML that no spreadsheet writes. Open it and save it again as .xlsx.")
                before = seen[-16:]


def _is_plain(start: bytes) -> bool:
    """Say whether XML is in UTF-8, so that a search for bytes finds what a parser would."""
    encoding = re.search(rb"""encoding\s*=\s*["']([^"']*)""", start)
    named = encoding[1].lower() if encoding else b"utf-8"
    begins = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"")
    return begins and b"\0" not in start and named in (b"utf-8", b"us-ascii", b"ascii")


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
                grids = [
                    Grid(tab.title, _grid(path, tab), _merged(archive, tab), _comments(archive, tab))
                    for tab in book.worksheets
                ]
            book.close()
    except ProblemsError:
        raise
    except Exception as error:  # a hostile or broken file can make a parser raise anything; all of it means one thing
        kind = f"{type(error).__name__}: {str(error)[:120]}"
        raise refusal(path, f"Not readable as a workbook ({kind}). Open it and save it again as .xlsx.") from None
    yield from grids


def _merged(archive: zipfile.ZipFile, tab: Any) -> tuple[str, ...]:
    """Give the ranges of merged cells: all but the first cell of each lose what they held."""
    with archive.open(_part(tab)) as stream:
        found = []
        for _, element in ElementTree.iterparse(stream):
            if element.tag.endswith("}mergeCell"):
                found.append(element.get("ref", ""))
            element.clear()
    return tuple(found)


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


def _grid(path: str | Path, tab: Any) -> list[list[tuple[Any, str, str]]]:
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
        for column, (value, *_) in given.items():
            if value is not None and column != mark and not "".join(heads[column - 1 : column]):
                place = f"{title}!{letters(column)}{number}"
                problems.append((place, "There is no heading above this cell. Move it, or delete it."))
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
