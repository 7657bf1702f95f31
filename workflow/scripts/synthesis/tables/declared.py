"""Every table of ``results/``, declared once in ``columns.csv``: reader, writer, codebook and documents follow from it.

A line of ``columns.csv`` is a column of a table, in the order of its file; a line without a column is the table itself,
with its file in place of a type.
What a column says under ``*`` holds wherever it says nothing of its own. Types are ``string``, ``integer``, ``number``
and ``yes/no``. Names in braces stand for what the config names: ``{attribute}`` for each attribute of arms,
``share_above_{threshold}`` for each threshold; ``{unit}`` in a sentence for what the denominator counts.
"""

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from .files import as_csv, read_table, write_text
from .problems import ProblemsError, refusal

COLUMNS = Path(__file__).with_name("columns.csv")
PRINTED_UNITS = ("per cent", "percentage points")  # behind a sentence that does not say them itself

Row = dict[str, str | int | float | None]


@dataclass(frozen=True)
class Column:
    """A column: ``type`` is ``string``, ``integer`` or ``number``, ``allowed`` the words it may hold (empty: any)."""

    name: str
    type: str
    description: str
    allowed: tuple[str, ...] = ()
    unit: str = ""


class UndescribedError(KeyError):
    """Raised for a table or column that ``columns.csv`` does not declare."""


@dataclass(frozen=True)
class Table:
    """A table: what it holds in one sentence, its file below ``results/``, and its columns by name."""

    title: str
    file: str
    columns: dict[str, Column]


@cache
def declared() -> dict[str, Table]:
    """Give table → what ``columns.csv`` declares."""
    found = {"*": Table("", "", {})}
    for line in read_table(COLUMNS):
        table, name = line["table"], line["column"]
        about, kind, unit = line["about"], line["type"], line["unit"]
        if not name:
            found[table] = Table(about, kind, {})
        elif not kind:
            found[table].columns[name] = found["*"].columns[name]
        else:
            about += f"; {unit}" if unit in PRINTED_UNITS and unit not in about else ""
            allowed, kind = (("yes", "no"), "string") if kind == "yes/no" else ((), kind)
            found[table].columns[name] = Column(name, kind, about, allowed, unit)
    return found


def table_names() -> list[str]:
    """Give the names of all tables, in the order in which documents show them."""
    return [name for name in declared() if name != "*"]


def table_file(table: str) -> str:
    """Give the file of a table below ``results/``, with ``<analysis>`` where each analysis has one."""
    return _table(table).file


def table_name(path: str | Path) -> str:
    """Give the name a table has here: that of its file, and ``data/`` before those of the sheets.

    >>> table_name("results/fever/rows.csv"), table_name("results/data/arms.csv")
    ('rows', 'data/arms')
    """
    path = Path(path)
    return f"data/{path.stem}" if path.parent.name == "data" else path.stem


def table_title(table: str) -> str:
    """Say in one sentence what a table holds."""
    return _table(table).title


def columns_of(table: str, named: Iterable[str] = ()) -> list[str]:
    """Give the header of a table; ``named`` fills its places in braces.

    >>> columns_of("crosstab")[:3], columns_of("data/arms", ["product"])[2:5]
    (['analysis', 'row_variable', 'row'], ['label', 'product', 'patients'])
    """
    columns = _table(table).columns
    filled = [name for name in named if name not in columns and _column(table, name)]
    return list(dict.fromkeys(chain.from_iterable(filled if "{" in name else (name,) for name in columns)))


def read(path: str | Path, table: str = "") -> list[Row]:
    """Read a table of ``results/``: column → ``str`` ("" when empty), ``int`` (None) or ``float`` (NaN).

    ``table`` is its name here, where its file is named otherwise.

    Raises
    ------
    ProblemsError
        If it is no table, or a cell is not of its type.
    UndescribedError
        For a column that is not declared.
    """
    table = table or table_name(path)
    rows = read_table(path)
    kinds = {name: column.type for name, column in _known(table, rows[0] if rows else ()).items()}
    typed = {name: TYPED[kind] for name, kind in kinds.items() if kind != "string"}
    for line, row in enumerate(rows, 2):
        for name, convert in typed.items():
            try:
                row[name] = convert(row[name])
            except ValueError:
                message = f'"{row[name]}" is not of the type {kinds[name]}. Build the table again.'
                raise refusal(path, message, line, name) from None
    return rows


TYPED = {
    "integer": lambda cell: int(cell) if cell else None,
    "number": lambda cell: float(cell) if cell else math.nan,
}


def write(path: str | Path, rows: Iterable[Mapping], named: Iterable[str] = (), table: str = "") -> None:
    """Write rows as the table that the file is named after; the arguments are those of :func:`as_table`."""
    write_text(path, as_table(table or table_name(path), rows, named))


def as_table(table: str, rows: Iterable[Mapping], named: Iterable[str] = ()) -> str:
    """Give rows as the text of a declared table; ``named`` are the columns that stand for places in braces.

    A column that is not given stays empty, one that is not declared is an error.
    """
    return as_csv(rows, columns_of(table, named))


def describe(table: str, header: Iterable[str], unit: str, attributes: Mapping[str, str]) -> list[Column]:
    """Describe the columns of a table, in the order of the header.

    ``unit`` is what the denominator counts (``patients``), ``attributes`` gives attribute of an arm → its label.

    >>> describe("data/arms", ["patients"], "knees", {})[0].description
    'knees in the arm'

    Raises
    ------
    UndescribedError
        With every column that is not declared.
    """
    found = _known(table, header, attributes)
    return [
        Column(name, one.type, one.description.replace("{unit}", unit), one.allowed, one.unit.replace("{unit}", unit))
        for name, one in found.items()
    ]


def is_of_this_engine(table: str, path: str | Path) -> bool:
    """Say whether a file is the table of that name as this engine writes it.

    What is built on request only may have been left by another version: with columns nobody declares, or without some.
    """
    try:
        read_table(path)
        with open(path, encoding="utf-8", newline="") as file:
            return next(csv.reader(file), []) == columns_of(table)
    except ProblemsError:
        return False


def _table(table: str) -> Table:
    if table not in declared():
        raise UndescribedError(f"{COLUMNS.name} does not declare the table {table}. Add it.")
    return declared()[table]


def _known(table: str, header: Iterable[str], attributes: Mapping[str, str] | None = None) -> dict[str, Column]:
    _table(table)
    found = {name: _column(table, name, attributes) for name in header}
    if missing := [name for name, column in found.items() if column is None]:
        raise UndescribedError(f"{COLUMNS.name} does not declare {', '.join(missing)} of {table}. Add what is missing.")
    return found


def _column(table: str, name: str, attributes: Mapping[str, str] | None = None) -> Column | None:
    """Find a column: by its name, or as one of those that a name in braces stands for."""
    columns = _table(table).columns
    if name in columns:
        return columns[name]
    for pattern, column in columns.items():
        before, brace, after = pattern.partition("{")
        hole, _, after = after.partition("}")
        if not brace or not (caught := re.fullmatch(f"{re.escape(before)}(.+){re.escape(after)}", name)):
            continue
        if hole == "attribute" and attributes is not None and name not in attributes:
            continue
        words = {"{attribute}": name, "{label}": (attributes or {}).get(name, name), f"{{{hole}}}": caught[1]}
        about = column.description
        for place, word in words.items():
            about = about.replace(place, word)
        return Column(name, column.type, about, column.allowed, column.unit)
    return None
