"""Read and write the tables of ``results/``: one way, atomic, the same bytes on every processor."""

import csv
import io
import math
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..words.characters import complaint, plain
from .problems import Problem, refusal, refuse

LARGEST_LIST = 10_000_000  # bytes of a table that somebody keeps by hand
NO_CSV = "Not readable as CSV: a quote is open, or stands inside a text. Double it, or close it."
PARTED = {";": "semicolons", "\t": "tabs", "|": "bars"}
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def write_text(path: str | Path, text: str | bytes) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed over the old one."""
    write_texts({path: text})


def write_texts(texts: Mapping[str | Path, str | bytes]) -> None:
    """Write several files whole, all or none: each to a neighbour first; when all are there, they are renamed."""
    neighbours: dict[Path, Path] = {}
    try:
        for path, text in ((Path(path), text) for path, text in texts.items()):
            path.parent.mkdir(parents=True, exist_ok=True)
            neighbour = path.with_name(f".{path.name}.{os.getpid()}")
            neighbours[neighbour] = path
            neighbour.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        for neighbour, path in neighbours.items():
            os.replace(neighbour, path)
    finally:
        for neighbour in neighbours:
            neighbour.unlink(missing_ok=True)


def write_table(path: str | Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Write rows as CSV; the arguments are those of :func:`as_csv`."""
    write_text(path, as_csv(rows, columns))


def as_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Give rows as the text of a CSV file; a key that is not a column is an error.

    A number that is missing (None or NaN) becomes an empty cell, never 0; floats are written as :func:`written`.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return buffer.getvalue()


def as_cells(row: Mapping[str, object]) -> dict[str, str]:
    """Give a row as it would be read from a table.

    >>> as_cells({"k": 3, "note": None})
    {'k': '3', 'note': ''}
    """
    return {key: str(_cell(value)) for key, value in row.items()}


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return written(value) if isinstance(value, float) else value


def written(value: float) -> str:
    """Give a number as tables hold it: 10 significant digits, what two processors and two releases of Python agree on.

    >>> written(0.1 + 0.2), written(2e-17), written(12345678901.25), written(-0.0)
    ('0.3', '2e-17', '12345678900.0', '0.0')
    """
    return repr(float(f"{value:.10g}") + 0.0)


def read_plain(path: str | Path, largest: int) -> str:
    """Read a file that a person made as text.

    A pipe would never end and a device hold anything, so what it is, and its size (bytes), are asked first.

    Raises
    ------
    ProblemsError
        If it is not there, not a plain file, larger, or not UTF-8 (the line is named).
    """
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = KINDS.get(stat.S_IFMT(status.st_mode), "a device")
            raise refusal(path, f"This is not a file. It is {kind}: move it away, or give it another ending.")
        if status.st_size > largest:
            raise refusal(path, f"The file has {status.st_size:,} bytes, more than {largest:,}. Is it the right one?")
        raw = path.read_bytes()
    except FileNotFoundError:
        what = "This is a link to a file that is not there" if path.is_symlink() else "There is no such file"
        raise refusal(path, f"{what}. Put it there, or correct the name.") from None
    except OSError as error:
        raise refusal(path, f"Cannot be read: {error.strerror}.") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refusal(path, f"Byte {error.start} is not UTF-8. Save the file as UTF-8 text.", line) from None


def read_table(path: str | Path) -> list[dict[str, str]]:
    """Read a CSV as a list of rows of text.

    Raises
    ------
    ProblemsError
        If it is not UTF-8 text, a heading stands twice, or a row has more or fewer cells than there are headings.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            headings = reader.fieldnames or []
            if len(set(headings)) < len(headings):
                raise refusal(path, "A heading stands twice. Keep one.", 1)
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    message = f"The row has more or fewer cells than the {len(headings)} headings. Mend it."
                    raise refusal(path, message, reader.line_num)
                rows.append(row)
            return rows
    except UnicodeDecodeError as error:
        raise refusal(path, f"Byte {error.start} is not UTF-8. Save it as UTF-8 text.") from None
    except csv.Error:
        raise refusal(path, NO_CSV, reader.line_num) from None


def read_list(path: str | Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV that somebody keeps by hand: the line of each row, and its cells as text in one spelling.

    Headings that are not ``needed`` may stand beside those that are.

    Raises
    ------
    ProblemsError
        With every problem of headings, rows and characters, each at its line.
    """
    problems: list[tuple[int, str, str]] = []  # line, heading, message
    rows = []
    text = read_plain(path, LARGEST_LIST)
    if not text.strip():
        raise refusal(path, f"The table is empty. Its first line is: {','.join(needed)}")
    first = text.lstrip().splitlines()[0]
    if sign := next((name for one, name in PARTED.items() if one in first and "," not in first), None):
        raise refusal(path, f"The columns are parted by {sign} here. Save the table with commas between them.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        headings = [plain(cell).strip() for cell in next(reader, [])]
        missing = [one for one in needed if one not in headings]
        problems += [(1, one, "This heading is missing. Add the column.") for one in missing]
        twice = {one for one in headings if headings.count(one) > 1}
        problems += [(1, one, "This heading stands twice. Keep one.") for one in twice]
        line = reader.line_num + 1
        for cells in reader:
            cells = [plain(cell).strip() for cell in cells]
            if any(cells) and len(cells) != len(headings):
                message = f"{len(cells)} cells stand below {len(headings)} headings. A text with a comma needs quotes."
                problems.append((line, "", message))
            elif any(cells):
                rows.append((line, dict(zip(headings, cells, strict=True))))
                problems += [(line, one, said) for one, cell in rows[-1][1].items() if (said := complaint(cell))]
            line = reader.line_num + 1
    except csv.Error:
        problems.append((reader.line_num, "", NO_CSV))
    refuse(Problem(str(path), *problem) for problem in problems)
    return rows


def number(row: Mapping[str, str], column: str) -> float:
    """Give a cell as a number; NaN when it is empty or not there.

    >>> number({"k": "3"}, "k"), number({"k": ""}, "k")
    (3.0, nan)
    """
    cell = row.get(column, "")
    return math.nan if cell in ("", None) else float(cell)


def numbers(row: Mapping[str, str], *columns: str) -> tuple[float, ...]:
    """Give several cells as numbers."""
    return tuple(number(row, column) for column in columns)
