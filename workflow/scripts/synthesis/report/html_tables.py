"""What a table of the page is made of; every cell is text, already formatted."""

from collections.abc import Iterable, Sequence
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
    """A row: its cells, an anchor, and whether it is a result rather than a study."""

    cells: tuple[Cell, ...]
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


def line(cells: Iterable[str | Cell], *, anchor: str = "", strong: bool = False) -> Line:
    """Make a row of texts and cells; an empty text becomes a dash, unless it is meant to be blank."""
    made = (cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)
    return Line(tuple(c if c.text or c is BLANK else replace(c, text=MISSING) for c in made), anchor, strong)


def columns(*labels: str) -> tuple[Column, ...]:
    """Make columns: ``#`` before a heading marks numbers, ``*`` one that needs room.

    >>> [(c.label, c.number, c.wide) for c in columns("Study", "#Events", "*Definition")]
    [('Study', False, False), ('Events', True, False), ('Definition', False, True)]
    """
    return tuple(Column(name.lstrip("#*"), name.startswith("#"), name.startswith("*")) for name in labels)


def table(caption: str, labels: Sequence[str], lines: Iterable[Line | Iterable], **more) -> Table | None:
    """Make a table of lines, or of their cells; None when there are none. For what else it takes see :class:`Table`."""
    made = tuple(one if isinstance(one, Line) else line(one) for one in lines)
    return Table(caption, columns(*labels), made, **more) if made else None


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
