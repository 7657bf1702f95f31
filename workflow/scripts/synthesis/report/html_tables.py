"""What a table of the page is made of; every cell is text, already formatted."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from ..words.formatting import MISSING


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, where that leads, its marks, and a second, quieter line that can lead elsewhere."""

    text: str
    href: str = ""
    small: str = ""
    marks: str = ""
    more: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and whether it holds numbers (set flush right) or needs room."""

    label: str
    number: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Line:
    """A row: heading → text or cell (in a table the cells in order), an anchor, and whether it is a result."""

    cells: Mapping[str, str | Cell] | tuple[Cell, ...]
    anchor: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    Parameters
    ----------
    files : tuple of str
        Where the numbers stand, relative to ``results/``.
    legend : tuple of (str, str)
        Symbol and meaning of the marks that occur.
    stacked : bool
        Whether a narrow screen shows each row as a block (for tables of words) instead of scrolling sideways.
    """

    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    files: tuple[str, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    stacked: bool = False


BLANK = Cell("")  # where a column says nothing about a row, as a definition about a pool; not a missing value


def cell(value: str | Cell) -> Cell:
    """Make a cell of a text; an empty one becomes a dash, unless it is meant to be blank."""
    made = value if isinstance(value, Cell) else Cell(value)
    return made if made.text or made is BLANK else replace(made, text=MISSING)


def columns(*labels: str) -> tuple[Column, ...]:
    """Make columns: ``#`` before a heading marks numbers, ``*`` one that needs room, ``=`` a name that is not ours.

    >>> [(c.label, c.number, c.wide) for c in columns("Study", "#Events", "*Definition", "=Study")]
    [('Study', False, False), ('Events', True, False), ('Definition', False, True), ('Study', False, False)]
    """
    return tuple(Column(re.sub("^[#*=]", "", name), name.startswith("#"), name.startswith("*")) for name in labels)


def table(caption: str, rows: Iterable[Line | Mapping], **more) -> Table | None:
    """Make a table of rows, the first of which names all columns; None when there are none.

    Parameters
    ----------
    caption : str
    rows : iterable of Line, or of its cells
        Headings as :func:`columns` reads them. What a later row says nothing about is blank.
    more
        See :class:`Table`.
    """
    lines = [row if isinstance(row, Line) else Line(row) for row in rows]
    heads = list(lines[0].cells) if lines else []
    lines = [replace(one, cells=tuple(cell(one.cells.get(head, BLANK)) for head in heads)) for one in lines]
    return Table(caption, columns(*heads), tuple(lines), **more) if lines else None


def linked(text: str, *, doi: str = "", url: str = "") -> Cell:
    """Make a cell with a DOI, or else the site of a web address, on its second line."""
    if doi:
        return Cell(text, small=f"doi:{doi}", more=doi_address(doi))
    return Cell(text, small=site_of(url), more=web_address(url))


def web_address(url: str) -> str:
    """Give an address only when it is one of the web, so that a sheet cannot smuggle a script into a link.

    >>> web_address("https://example.org/a"), web_address("javascript:alert(1)"), web_address("")
    ('https://example.org/a', '', '')
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def site_of(url: str) -> str:
    """Give the site of a web address, to print as its link.

    >>> site_of("https://www.example.org/a/b?c"), site_of("javascript:alert(1)")
    ('example.org', '')
    """
    return urlsplit(web_address(url)).netloc.removeprefix("www.")


def doi_address(doi: str) -> str:
    """Give the address of a DOI.

    >>> doi_address("10.1002/(SICI)1097<1>3.0"), doi_address("")
    ('https://doi.org/10.1002/%28SICI%291097%3C1%3E3.0', '')
    """
    return f"https://doi.org/{quote(doi, safe='/.:;-_')}" if doi else ""


def sheet_address(study: str) -> str:
    """Give where the sheet of a study stands, seen from ``results/``."""
    return f"../studies/{quote(study)}.yaml"
