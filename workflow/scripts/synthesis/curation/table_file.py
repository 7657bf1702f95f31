"""A table from a file that somebody has: CSV in any common form, or a tab of a workbook, as cells with their places."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..tables.files import NO_CSV
from ..tables.problems import Problem, ProblemsError, one_of, quote, refusal
from ..words.prose import plural
from .damage import clean
from .fields import KINDS
from .grids import MERGED, MOST_COLUMNS, Cell, Given, letters, read_grids, reading_order
from .opening import check_plain
from .wide_columns import ALIASES, normal

DELIMITERS = ",;\t"
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
Lines = list[tuple[int, list[Given]]]  # number of a line or row, and its cells


@dataclass(frozen=True)
class Table:
    """A table as read: rows as long as the header, without columns that are wholly empty.

    ``unread`` is what was passed over (titles above the headings, other tabs, comments), ``problems`` tell of rows that
    do not fit under the headings and are not among the others, ``at`` is where the headings stand.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    decimal_comma: bool
    unread: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    at: str = "first row"


def read_table_file(path: str | Path, encoding: str = "utf-8", tab: str | None = None) -> Table:
    """Read a CSV file, or a tab of a workbook (the first that is filled), as a table of cells.

    Raises
    ------
    ProblemsError
        If it cannot be read, or is empty.
    """
    try:
        check_plain(path)
        with open(path, "rb") as file:
            is_workbook = Path(path).suffix.lower() in SPREADSHEETS or file.read(2) == b"PK"
        if not is_workbook:
            return _from_csv(*_decoded(Path(path).read_bytes(), str(path), encoding), str(path))
    except OSError as error:
        raise refusal(path, f"Cannot be read: {error.strerror}.") from None
    return _from_workbook(str(path), tab)


def _decoded(raw: bytes, file: str, encoding: str) -> tuple[str, str]:
    """Give the text of a CSV file and its delimiter.

    Which encoding it is in cannot be seen from the file, and is not guessed.
    """
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding).lstrip("\ufeff")
    except (UnicodeDecodeError, LookupError):
        ways = "Save it as CSV UTF-8, or name its encoding: --encoding cp1252 (Windows)."
        raise refusal(file, f"Not readable as {encoding}. {ways}") from None
    if found := re.match(r"sep=(.)\r?\n", text):
        return text[found.end() :], found[1]
    lines = [line for line in re.sub(r'"[^"]*"', "x", text).splitlines() if line.strip(f" {DELIMITERS}")][:20]
    # The headings and every row hold the delimiter; a comma inside a title or a number does not stand in them all.
    return text, max(DELIMITERS, key=lambda mark: (sum(mark in line for line in lines), "".join(lines).count(mark)))


def _from_csv(text: str, delimiter: str, file: str) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [
            (reader.line_num, [Given(f"line {reader.line_num}", clean(text), "s") for text in row])
            for row in reader
            if any(map(clean, row))
        ]
    except csv.Error:
        raise ProblemsError([Problem(file, reader.line_num, "", NO_CSV)]) from None
    if not lines:
        raise refusal(file, "The table is empty.")
    above, header, rows = _split(lines)
    fewest = _filled(header)
    fitting, problems = [], []
    for number, row in rows:
        if len(row) >= fewest and _filled(row) <= len(header):
            fitting.append(tuple(cell.read("text") for cell in row[: len(header)]))
            continue
        mark = "tab" if delimiter == "\t" else quote(delimiter)
        quoted = f"Put a cell that holds a {mark} in quotes."
        way = quoted if _filled(row) > len(header) else "Fill it in, or delete it."
        message = f"The row has {plural(len(row), 'cell')} below {plural(fewest, 'heading')}. {way}"
        problems.append(Problem(file, number, "", message))
    unread, names = tuple(_titles(above, "line")), tuple(cell.text for cell in header)
    return _trimmed(Table(names, tuple(fitting), delimiter != ",", unread, tuple(problems), header[0].at))


def _from_workbook(file: str, tab: str | None) -> Table:
    grids = read_grids(file)
    filled = [grid for grid in grids if any(grid.rows)]
    if not filled:
        raise refusal(file, "The table is empty.")
    grid = next((grid for grid in grids if grid.title == tab), None) if tab else filled[0]
    if grid is None:
        raise refusal(file, f"No tab is called so: {one_of(tab, [grid.title for grid in grids])}")
    above, header, below = _split([(number, row) for number, row in enumerate(grid.rows, 1) if row])
    kinds = [KINDS.get(field_of(cell.text) or normal(cell.text), "text") for cell in header] + ["text"] * MOST_COLUMNS
    rows = [[cell.read(kind) for cell, kind in zip(row, kinds, strict=False)] for _, row in below]
    first = reading_order(header[0].at)[1]
    merged = [place for place in grid.merged if reading_order(place)[1] > first]
    problems = [Problem(file, 0, place, MERGED, reading_order(place)) for place in merged]
    others = [f"the tab {other.title} (--tab reads it)" for other in filled if other is not grid]
    unread = (*_titles(above, "row"), *others, *(f"the comment at {place}" for place in grid.comments))
    names = tuple(cell.text for cell in header)
    return _trimmed(Table(names, tuple(rows), False, unread, tuple(problems), f"row {first}"))


def _split(lines: Lines) -> tuple[Lines, list[Given], Lines]:
    """Find the row of headings: a title above them holds none that is known, or fills one cell only."""
    known = [sum(field_of(cell.text) is not None for cell in row) for _, row in lines[:10]]
    named = next((i for i, number in enumerate(known) if number), 0)
    several = (i for i, (_, row) in enumerate(lines[:10]) if sum(bool(cell.text) for cell in row) > 1)
    first = named if named and known[named] > 1 else next(several, 0)
    return lines[:first], lines[first][1], lines[first + 1 :]


def _filled(row: Sequence[Given]) -> int:
    return max(i for i, cell in enumerate(row, 1) if cell.text)


def _titles(lines: Lines, what: str) -> list[str]:
    return [f"{what} {number} ({quote(', '.join(cell.text for cell in row if cell.text))})" for number, row in lines]


def _trimmed(table: Table) -> Table:
    """Make all rows as long as the longest, without columns that nobody filled."""
    width = max(map(len, [table.header, *table.rows]))
    names = [*table.header, *[""] * (width - len(table.header))]
    full = [[*row, *[Cell(row[0].at)] * (width - len(row))] for row in table.rows]
    kept = [i for i, name in enumerate(names) if name or any(row[i].text or row[i].complaint for row in full)]
    header = tuple(names[i] or f"column {letters(i + 1)}" for i in kept)
    return replace(table, header=header, rows=tuple(tuple(row[i] for i in kept) for row in full))


def field_of(heading: str) -> str | None:
    """Give the field that a heading names in any review."""
    return next((field for field, aliases in ALIASES.items() if normal(heading) in aliases), None)
