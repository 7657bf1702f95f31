"""results/tables.xlsx: every table of ``results/`` on a tab of its own, with a codebook; nothing in it can execute.

Tables that every analysis has are joined on one tab: they carry the analysis in a column. A cell is a number only when
the codebook says so; all else is text, also where it looks like a formula.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from math import isfinite

from ..tables.declared import Column, describe, is_of_this_engine, table_name, table_title
from ..tables.files import read_table
from .archive import header_of
from .xml_characters import xml_text
from .zipped import day_of, unpacked, write_bytes, zip_bytes

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for the start of a formula
LONGEST = 32_767  # characters in a cell of Excel
CUT = " … (cut: see the CSV file)"
NARROWEST, WIDEST, WIDEST_ABOUT, SAMPLED = 7, 60, 110, 300  # characters; rows that are looked at
CORE = "docProps/core.xml"
CONTENTS, CODEBOOK = "contents", "codebook"
CONTENTS_HEAD = ("Tab", "Rows", "What it holds")
CODEBOOK_HEAD = ("Tab", "Column", "Type", "What it holds")

Row = Mapping[str, str]
Sheet = tuple[str, list[Column], list[Row]]  # table, columns, rows


def write_workbook_file(
    tables: Iterable[str],
    requested: Mapping[str, str],
    workbook_xlsx: str,
    *,
    review: Mapping,
    attributes: Mapping[str, str],
) -> None:
    """Read the tables and write the workbook.

    Parameters
    ----------
    tables : iterable of str
        CSV files of ``results/``; those of one name are joined.
    requested : mapping
        Name → copy of a table that is built on request only.
    workbook_xlsx : str
    review : mapping
        The part ``review`` of the config.
    attributes : mapping
        Attribute of an arm → its label.
    """
    kept = {name: path for name, path in requested.items() if is_of_this_engine(name, path)}
    named = [*((table_name(path), path) for path in tables), *kept.items()]
    left_out = [name for name in requested if name not in kept]
    write_bytes(workbook_xlsx, workbook_bytes(read_sheets(named, review["unit"], attributes), review, left_out))


def read_sheets(named: Iterable[tuple[str, str]], unit: str, attributes: Mapping[str, str]) -> list[Sheet]:
    """Read tables, join those of one name, and describe their columns.

    Parameters
    ----------
    named : iterable of (str, str)
        Name in the codebook, and path.
    unit : str
    attributes : mapping

    Raises
    ------
    ValueError
        Tables of one name with different columns.
    """
    headers: dict[str, list[str]] = {}
    rows: dict[str, list[Row]] = {}
    for name, path in named:
        header = header_of(path)
        if headers.setdefault(name, header) != header:
            raise ValueError(f"{path} has other columns than the other tables of that name: {', '.join(header)}")
        rows.setdefault(name, []).extend(read_table(path))
    return [(name, describe(name, headers[name], unit, attributes), rows[name]) for name in headers]


def tab_name(table: str) -> str:
    """Name the tab of a table, in at most 31 characters.

    >>> tab_name("data/arms"), tab_name("operating_characteristics_summary")
    ('data arms', 'operating_charact…stics_summary')
    """
    name = table.replace("/", " ")
    return name if len(name) <= 31 else f"{name[:17]}…{name[-13:]}"


def workbook_bytes(sheets: Sequence[Sheet], review: Mapping, left_out: Sequence[str] = ()) -> bytes:
    """Give the workbook as bytes, the same at every run; what is left out is of another version of the engine."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    contents = [Column(CONTENTS_HEAD[0], "string", ""), Column(CONTENTS_HEAD[1], "integer", "")]
    contents.append(Column(CONTENTS_HEAD[2], "string", ""))
    listed = [(tab_name(name), str(len(rows)), table_title(name)) for name, _, rows in sheets]
    above = [*about(review), *(f"{name}.csv is of another version of the workflow and left out." for name in left_out)]
    add_tab(book, CONTENTS, contents, [dict(zip(CONTENTS_HEAD, line, strict=True)) for line in listed], above)
    for name, columns, rows in sheets:
        add_tab(book, tab_name(name), columns, rows)
    add_tab(book, CODEBOOK, [Column(name, "string", "") for name in CODEBOOK_HEAD], codebook_rows(sheets))
    set_properties(book, review)
    buffer = io.BytesIO()
    book.save(buffer)
    return undated(buffer.getvalue(), review)


def about(review: Mapping) -> list[str]:
    """Give the lines above the table of contents."""
    return [
        review["title"],
        f"Data version {review['version']}; literature last looked at on {review['last_search']}.",
        f"The tab {CODEBOOK} explains every column. An empty cell is missing, never 0. Proportions run from 0 to 1.",
        *re.split(r"(?<=[.;]) ", review["limits"]),  # a sentence a line: cells above a table do not wrap
    ]


def codebook_rows(sheets: Iterable[Sheet]) -> list[Row]:
    """Give a line for each column of each tab."""
    return [
        dict(zip(CODEBOOK_HEAD, (tab_name(name), column.name, column.type, column.description), strict=True))
        for name, columns, _ in sheets
        for column in columns
    ]


def add_tab(book, title: str, columns: Sequence[Column], rows: Sequence[Row], above: Sequence[str] = ()) -> None:
    """Write a tab: a frozen header with filters, and one row of cells a row of the table."""
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    tab = book.create_sheet(title)
    head = len(above) + (2 if above else 1)
    tab.freeze_panes = f"A{head + 1}" if above or len(columns) < 3 else f"B{head + 1}"
    widest = WIDEST_ABOUT if title in (CONTENTS, CODEBOOK) else WIDEST
    for number, width in enumerate(widths(columns, rows, widest), 1):
        tab.column_dimensions[get_column_letter(number)].width = width
    for number, text in enumerate(above):
        tab.append([text_cell(tab, text, Font(bold=not number, size=14 if not number else 11))])
    if above:
        tab.append([])
    tab.append([text_cell(tab, column.name, Font(bold=True)) for column in columns])
    for row in rows:
        tab.append([cell(tab, row[column.name], column.type) for column in columns])
    if rows:
        tab.auto_filter.ref = f"A{head}:{get_column_letter(len(columns))}{head + len(rows)}"


def widths(columns: Sequence[Column], rows: Sequence[Row], widest: int) -> list[float]:
    """Give the width of each column: what its longest cell needs, within bounds."""
    found = []
    for column in columns:
        numbers = 12 if column.type == "number" else 0
        cells = [0 if numbers else len(row[column.name]) for row in rows[:SAMPLED]]
        found.append(min(widest, max(NARROWEST, len(column.name), numbers, *cells, 0) + 3))
    return found


def cell(tab, text: str, kind: str):
    """Make a cell: a number where the codebook says so, text otherwise, nothing where it is missing."""
    if text == "":
        return None
    if kind == "integer":
        return int(text)
    if kind == "number" and isfinite(float(text)):
        return float(text)
    return text_cell(tab, text)  # also an infinite ratio: a cell has no such number


def text_cell(tab, text: str, font=None):
    """Make a cell of text that no spreadsheet evaluates, also not after it is edited.

    Notes
    -----
    The type of the cell is text, so a formula is not one. Excel takes it for one again when a person enters the cell
    and leaves it, unless the cell has its quote prefix.
    """
    from openpyxl.cell import WriteOnlyCell

    made = WriteOnlyCell(tab)
    made.value = safe(text)
    made.data_type = "s"
    if text.startswith(FORMULA):
        made.quotePrefix = True
    if font is not None:
        made.font = font
    return made


def safe(text: str) -> str:
    """Give a text that fits a cell: without characters XML does not allow, and not too long.

    >>> safe("a\\x00b"), len(safe("x" * 40_000))
    ('ab', 32767)
    """
    text = xml_text(text)
    return text if len(text) <= LONGEST else text[: LONGEST - len(CUT)] + CUT


def set_properties(book, review: Mapping) -> None:
    """Say what the workbook is, and when its data were looked for."""
    book.properties.title, book.properties.creator = review["title"], ""
    book.properties.version = review["version"]
    book.properties.created = datetime.combine(day_of(str(review["last_search"])), time())


def undated(data: bytes, review: Mapping) -> bytes:
    """Replace the moment of saving, which openpyxl writes, by the day of the last search."""
    day, files = day_of(str(review["last_search"])), unpacked(data)
    moment = rb"\g<1>" + f"{day}T00:00:00Z".encode()
    files[CORE] = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", moment, files[CORE], count=1)
    return zip_bytes(files, day)
