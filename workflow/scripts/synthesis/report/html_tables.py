"""What a table of the page is made of; every cell is text, already formatted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from ..words.formatting import MISSING


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : str
        What it says; blank becomes a dash, never an empty cell.
    href : str
        Where it leads; blank for nowhere.
    small : str
        A second, quieter line.
    more : str
        Where the second line leads.
    marks : str
        Symbols of the legend: read in an abstract, derived, read once, may overlap.
    """

    text: str
    href: str = ""
    small: str = ""
    marks: str = ""
    more: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and whether it holds numbers (set flush right, with tabular figures)."""

    label: str
    number: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Line:
    """A row: its cells, an anchor, a key into the provenance data, and whether it is a result rather than a study."""

    cells: tuple[Cell, ...]
    anchor: str = ""
    key: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    Parameters
    ----------
    caption : str
    columns : tuple of Column
    lines : tuple of Line
    files : tuple of str
        Where the numbers stand, relative to ``results/``.
    legend : tuple of (str, str)
        Symbol and meaning of the marks that occur.
    notes : tuple of str
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
    if value is BLANK:
        return value
    if isinstance(value, Cell):
        return value if value.text else replace(value, text=MISSING)
    return Cell(value or MISSING)


def line(cells: Iterable[str | Cell], *, anchor: str = "", key: str = "", strong: bool = False) -> Line:
    """Make a row of texts and cells."""
    return Line(tuple(cell(c) for c in cells), anchor, key, strong)


def columns(*labels: str) -> tuple[Column, ...]:
    """Make columns: ``#`` before a heading marks numbers, ``*`` one that needs room.

    >>> [(c.label, c.number, c.wide) for c in columns("Study", "#Events", "*Definition")]
    [('Study', False, False), ('Events', True, False), ('Definition', False, True)]
    """
    return tuple(Column(name.lstrip("#*"), name.startswith("#"), name.startswith("*")) for name in labels)


def table(caption: str, labels: Sequence[str], lines: Iterable[Line], **more) -> Table:
    """Make a table; see :class:`Table` for what else it takes."""
    return Table(caption, columns(*labels), tuple(lines), **more)


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
