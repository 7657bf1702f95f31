"""What every column of every table in ``results/`` holds: the one place that says so.

The workbook prints it, the data package carries it, and a test insists that no column is left out. Words of the review
come in from outside: ``{unit}`` stands for what the denominator counts, and attributes of arms have the labels of the
config.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .descriptions import COMMON, PATTERNS, TABLES
from .files import read_table
from .problems import ProblemsError

YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Column:
    """A column.

    Parameters
    ----------
    name : str
    type : {"string", "integer", "number"}
    description : str
        One line, with the unit of a number.
    allowed : tuple of str
        The words it may hold; empty for any.
    """

    name: str
    type: str
    description: str
    allowed: tuple[str, ...] = ()


class UndescribedError(KeyError):
    """Raised for a table or column that the codebook does not know."""


def table_name(path: str | Path) -> str:
    """Give the name a table has in the codebook: that of its file, and ``data/`` before those of the sheets.

    >>> table_name("results/fever/rows.csv"), table_name("results/data/arms.csv")
    ('rows', 'data/arms')
    """
    path = Path(path)
    return f"data/{path.stem}" if path.parent.name == "data" else path.stem


def table_title(table: str) -> str:
    """Say in one sentence what a table holds."""
    if table not in TABLES:
        raise UndescribedError(f"synthesis.tables.descriptions does not describe the table {table}. Add it to TABLES.")
    return TABLES[table][0]


def describe(table: str, header: Iterable[str], unit: str, attributes: Mapping[str, str]) -> list[Column]:
    """Describe the columns of a table.

    Parameters
    ----------
    table : str
        As :func:`table_name` gives it.
    header : iterable of str
    unit : str
        What the denominator counts: ``patients``.
    attributes : mapping
        Attribute of an arm → its label in the config.

    Returns
    -------
    list of Column
        In the order of the header.

    Raises
    ------
    UndescribedError
        With every column that has no description.

    Examples
    --------
    >>> describe("data/arms", ["patients"], "knees", {})[0].description
    'knees in the arm'
    """
    table_title(table)
    found = {name: _entry(table, name, attributes) for name in header}
    missing = [name for name, entry in found.items() if entry is None]
    if missing:
        raise UndescribedError(
            f"synthesis.tables.descriptions does not describe {', '.join(missing)} of {table}. Add it to TABLES."
        )
    return [_column(name, entry, unit) for name, entry in found.items()]


def is_of_this_engine(table: str, path: str | Path) -> bool:
    """Say whether a file is the table of that name as this engine writes it.

    What is built on request only may have been left by another version: with columns nobody describes, or without some.
    """
    try:
        read_table(path)
        with open(path, encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
    except ProblemsError:
        return False
    return TABLES[table][1].keys() <= set(header) and all(_entry(table, name, {}) for name in header)


def _entry(table: str, name: str, attributes: Mapping[str, str]) -> Sequence[str] | None:
    """Find type and description: the table's own, else an attribute, else what the name means everywhere."""
    own = TABLES[table][1]
    if name in own:
        return own[name]
    if name in attributes:
        return ("string", f"{attributes[name]} of the arm; a level of the config, `mixed`, or empty when not reported")
    for pattern, entry in PATTERNS.get(table, {}).items():
        if match := re.fullmatch(pattern, name):
            words = entry[1]
            for number, caught in enumerate(match.groups(), 1):
                words = words.replace(f"{{{number}}}", caught)
            return (entry[0], words)
    return COMMON.get(name)


def _column(name: str, entry: Sequence[str], unit: str) -> Column:
    kind, description = entry
    if kind == "yes/no":
        return Column(name, "string", description.replace("{unit}", unit), YES_NO)
    return Column(name, kind, description.replace("{unit}", unit))
