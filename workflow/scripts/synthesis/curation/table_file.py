"""A table from a file that somebody has: CSV in any common form, or a tab of a workbook, as cells with their places."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..tables.files import NO_CSV
from ..tables.problems import Problem, ProblemsError, one_of, quote, refusal
from ..words.prose import plural
from .damage import clean, read_value
from .fields import KINDS
from .flat import Cell
from .grids import MERGED, Grid, letters, read_grids, reading_order
from .opening import check_plain
from .wide_columns import ALIASES, normal

DELIMITERS = ",;\t"
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")


@dataclass(frozen=True)
class Table:
    """A table as read.

    Parameters
    ----------
    header : tuple of str
    rows : tuple of tuples of Cell
        Each as long as the header; columns that are wholly empty are left out.
    decimal_comma : bool
        Whether a comma may stand for a decimal point.
    unread : tuple of str
        What was passed over: titles above the headings, other tabs, comments.
    problems : tuple of Problem
        Rows that do not fit under the headings; they are not among the others.
    at : str
        Where the headings stand.
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
            return _from_csv(*read_csv_text(Path(path).read_bytes(), str(path), encoding), str(path))
    except OSError as error:
        raise refusal(path, f"Cannot be read: {error.strerror}.") from None
    return _from_workbook(path, tab)


def read_csv_text(raw: bytes, file: str, encoding: str = "utf-8") -> tuple[str, str]:
    """Give the text of a CSV file and its delimiter.

    Raises
    ------
    ProblemsError
        If the bytes are not in the encoding: which one it is cannot be seen from the file, and is not guessed.
    """
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding)
    except (UnicodeDecodeError, LookupError):
        message = (
            f"Not readable as {encoding}. Save it as CSV UTF-8, or name its encoding: --encoding cp1252 (Windows)."
        )
        raise refusal(file, message) from None
    text = text.lstrip("\ufeff")
    if found := re.match(r"sep=(.)\r?\n", text):
        return text[found.end() :], found[1]
    lines = [line for line in re.sub(r'"[^"]*"', "x", text).splitlines() if line.strip(f" {DELIMITERS}")][:20]
    # The headings and every row hold the delimiter; a comma inside a title or a number does not stand in them all.
    return text, max(DELIMITERS, key=lambda mark: (sum(mark in line for line in lines), "".join(lines).count(mark)))


def _from_csv(text: str, delimiter: str, file: str) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, list(map(clean, row))) for row in reader if any(map(clean, row))]
    except csv.Error:
        raise ProblemsError([Problem(file, reader.line_num, "", NO_CSV)]) from None
    if not lines:
        raise refusal(file, "The table is empty.")
    first = _headings(texts for _, texts in lines)
    at, header = lines[first]
    fewest = max(i for i, text in enumerate(header, 1) if text)
    rows, problems = [], []
    for number, texts in lines[first + 1 :]:
        filled = max(i for i, text in enumerate(texts, 1) if text)
        if len(texts) < fewest or filled > len(header):
            mark = "tab" if delimiter == "\t" else quote(delimiter)
            way = f"Put a cell that holds a {mark} in quotes." if filled > len(header) else "Fill it in, or delete it."
            message = f"The row has {plural(len(texts), 'cell')} below {plural(fewest, 'heading')}. {way}"
            problems.append(Problem(file, number, "", message))
        else:
            rows.append(tuple(Cell(f"line {number}", *read_value(t, "s", "", "text")) for t in texts[: len(header)]))
    titles = [f"line {number} ({_said(texts)})" for number, texts in lines[:first]]
    return _table(header, rows, delimiter != ",", titles, problems, f"line {at}")


def _headings(lines: Iterable[Sequence[str]]) -> int:
    """Find the row of headings: a title above them holds none that is known, or fills one cell only."""
    first = list(islice(lines, 10))
    known = [sum(field_of(text) is not None for text in texts) for texts in first]
    named = next((i for i, number in enumerate(known) if number), 0)
    if named and known[named] > 1:
        return named
    return next((i for i, texts in enumerate(first) if sum(map(bool, texts)) > 1), 0)


def _from_workbook(path: str | Path, tab: str | None) -> Table:
    grids = list(read_grids(path))
    filled = [grid for grid in grids if any(grid.rows)]
    if not filled:
        raise refusal(path, "The table is empty.")
    chosen = next((grid for grid in grids if grid.title == tab), None) if tab else filled[0]
    if chosen is None:
        raise refusal(path, f"No tab is called so: {one_of(tab, [grid.title for grid in grids])}")
    others = [f"the tab {grid.title} (--tab reads it)" for grid in filled if grid is not chosen]
    comments = [f"the comment at {chosen.title}!{at}" for at in chosen.comments]
    return _from_grid(chosen, str(path), [*others, *comments])


def _from_grid(grid: Grid, file: str, unread: list[str]) -> Table:
    title = grid.title
    lines = [(number, row) for number, row in enumerate(grid.rows, 1) if row]
    texts = [["" if value is None else clean(str(value)) for value, *_ in row] for _, row in lines]
    first = _headings(texts)
    kinds = [_kind(name) for name in texts[first]]
    rows = []
    for number, row in lines[first + 1 :]:
        places = (f"{title}!{letters(i)}{number}" for i in range(1, len(row) + 1))
        kind = (kinds[i] if i < len(kinds) else "text" for i in range(len(row)))
        rows.append(tuple(Cell(at, *read_value(*given, k)) for at, given, k in zip(places, row, kind, strict=True)))
    titles = [f"row {number} ({_said(t)})" for (number, _), t in zip(lines[:first], texts, strict=False)]
    merged = [
        Problem(file, 0, f"{title}!{cells}", MERGED, reading_order(cells))
        for cells in grid.merged
        if reading_order(cells)[1] > lines[first][0]
    ]
    return _table(texts[first], rows, False, titles + unread, merged, f"row {lines[first][0]}")


def _said(texts: Sequence[str]) -> str:
    return quote(", ".join(filter(None, texts)))


def _table(
    header: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    decimal_comma: bool,
    unread: Sequence[str],
    problems: Sequence[Problem],
    at: str,
) -> Table:
    """Make all rows as long as the longest, without columns that nobody filled."""
    width = max([len(header), *map(len, rows)])
    names = [*header, *[""] * (width - len(header))]
    full = [(*row, *(Cell(row[0].at) for _ in range(width - len(row)))) for row in rows]
    kept = [i for i, name in enumerate(names) if name or any(row[i].text or row[i].complaint for row in full)]
    return Table(
        tuple(names[i] or f"column {letters(i + 1)}" for i in kept),
        tuple(tuple(row[i] for i in kept) for row in full),
        decimal_comma,
        tuple(unread),
        tuple(problems),
        at,
    )


def field_of(heading: str) -> str | None:
    """Give the field that a heading names in any review."""
    return next((field for field, aliases in ALIASES.items() if normal(heading) in aliases), None)


def _kind(heading: str) -> str:
    return KINDS.get(field_of(heading) or normal(heading), "text")
