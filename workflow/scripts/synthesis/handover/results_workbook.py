"""results/tables.xlsx: every table of ``results/`` on a tab of its own, with a codebook; nothing in it can execute.

Tables that every analysis has are joined on one tab: they carry the analysis in a column. A cell is a number only where
the table is declared so; all else is text, also where it looks like a formula.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from math import isfinite
from typing import NamedTuple

from ..tables.declared import Column, Row, describe, is_of_this_engine, read, table_name, table_title
from ..tables.files import write_text
from ..words.formatting import is_missing
from .archive import header_of
from .xml_characters import xml_text
from .zipped import day_of, unpacked, zip_bytes

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for the start of a formula
LONGEST = 32_767  # characters in a cell of Excel
CUT = " … (cut: see the CSV file)"
NARROWEST, WIDEST, WIDEST_ABOUT, SAMPLED = 7, 60, 110, 300  # characters; rows that are looked at
CORE = "docProps/core.xml"
CONTENTS, CODEBOOK = "contents", "codebook"


class Sheet(NamedTuple):
    """A table with the description of its columns and its rows."""

    table: str
    columns: list[Column]
    rows: list[Row]

    @property
    def tab(self) -> str:
        """The name of its tab, in at most 31 characters.

        >>> Sheet("data/arms", [], []).tab, Sheet("operating_characteristics_summary", [], []).tab
        ('data arms', 'operating_charact…stics_summary')
        """
        name = self.table.replace("/", " ")
        return name if len(name) <= 31 else f"{name[:17]}…{name[-13:]}"


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
    left_out = [name for name, path in requested.items() if not is_of_this_engine(name, path)]
    named = [(table_name(path), path) for path in tables]
    named += [(name, path) for name, path in requested.items() if name not in left_out]
    sheets = read_sheets(named, review["unit"], attributes)
    write_text(workbook_xlsx, workbook_bytes(sheets, review, left_out))


def read_sheets(named: Iterable[tuple[str, str]], unit: str, attributes: Mapping[str, str]) -> list[Sheet]:
    """Read tables, join those of one name, and describe their columns.

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
        rows.setdefault(name, []).extend(read(path, name))
    return [Sheet(name, describe(name, header, unit, attributes), rows[name]) for name, header in headers.items()]


def workbook_bytes(sheets: Sequence[Sheet], review: Mapping, left_out: Sequence[str] = ()) -> bytes:
    """Give the workbook as bytes, the same at every run; what is left out is of another version of the engine."""
    from openpyxl import Workbook

    book, day = Workbook(write_only=True), day_of(str(review["last_search"]))
    above = [
        review["title"],
        f"Data version {review['version']}; literature last looked at on {review['last_search']}.",
        f"The tab {CODEBOOK} explains every column. An empty cell is missing, never 0. Proportions run from 0 to 1.",
        *re.split(r"(?<=[.;]) ", review["limits"]),  # a sentence a line: cells above a table do not wrap
        *(f"{name}.csv is of another version of the workflow and left out." for name in left_out),
    ]
    listed = [(sheet.tab, len(sheet.rows), table_title(sheet.table)) for sheet in sheets]
    add_tab(book, CONTENTS, dict.fromkeys(("Tab", "Rows", "What it holds"), "string"), listed, above)
    for sheet in sheets:
        head = {column.name: column.type for column in sheet.columns}
        add_tab(book, sheet.tab, head, [[row[name] for name in head] for row in sheet.rows])
    explained = [(sheet.tab, one.name, one.type, one.description) for sheet in sheets for one in sheet.columns]
    add_tab(book, CODEBOOK, dict.fromkeys(("Tab", "Column", "Type", "What it holds"), "string"), explained)
    book.properties.title, book.properties.creator = review["title"], ""
    book.properties.version = review["version"]
    book.properties.created = datetime.combine(day, time())
    buffer = io.BytesIO()
    book.save(buffer)
    files = unpacked(buffer.getvalue())
    # The moment of saving, which openpyxl writes, becomes the day of the last search.
    moment = rb"\g<1>" + f"{day}T00:00:00Z".encode()
    files[CORE] = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", moment, files[CORE], count=1)
    return zip_bytes(files, day)


def add_tab(book, title: str, head: Mapping[str, str], rows: Sequence[Sequence], above: Sequence[str] = ()) -> None:
    """Write a tab: a frozen header (name → type) with filters, and one row of cells a row of the table."""
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    tab = book.create_sheet(title)
    first = len(above) + (2 if above else 1)
    tab.freeze_panes = f"A{first + 1}" if above or len(head) < 3 else f"B{first + 1}"
    widest = WIDEST_ABOUT if title in (CONTENTS, CODEBOOK) else WIDEST
    for number, (name, kind) in enumerate(head.items()):
        # What the longest cell needs, within bounds; a number needs no more than 12 digits.
        longest = [12] if kind == "number" else [len(text_of(row[number])) for row in rows[:SAMPLED]]
        width = min(widest, max(NARROWEST, len(name), *longest, 0) + 3)
        tab.column_dimensions[get_column_letter(number + 1)].width = width
    for number, text in enumerate(above):
        tab.append([text_cell(tab, text, Font(bold=not number, size=11 if number else 14))])
    if above:
        tab.append([])
    tab.append([text_cell(tab, name, Font(bold=True)) for name in head])
    for row in rows:
        tab.append([cell(tab, value) for value in row])
    if rows:
        tab.auto_filter.ref = f"A{first}:{get_column_letter(len(head))}{first + len(rows)}"


def text_of(value: object) -> str:
    """Give a value as text; blank where it is missing."""
    return "" if is_missing(value) else str(value)


def cell(tab, value: str | int | float | None):
    """Make a cell: a number, a text, or nothing where it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, str) or not isfinite(value):  # a cell has no infinite number
        return text_cell(tab, str(value))
    return value


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
