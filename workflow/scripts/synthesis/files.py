"""Read and write the tables of ``results/``: one way, atomic, full precision."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed over the old one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        neighbour.write_text(text, encoding="utf-8", newline="\n")
        os.replace(neighbour, path)
    finally:
        neighbour.unlink(missing_ok=True)


def write_table(path: str | Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Write rows as CSV.

    Parameters
    ----------
    path : path
    rows : iterable of mappings
        A number that is missing (None or NaN) becomes an empty cell, never 0; floats keep every digit.
    columns : sequence of str
        Their order; a key that is not a column is an error.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    write_text(path, buffer.getvalue())


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float):
        return repr(float(value))
    return value


def read_table(path: str | Path) -> list[dict[str, str]]:
    """Read a CSV as a list of rows of text."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
