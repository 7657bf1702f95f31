"""The table of published pools that a review keeps by hand, checked where it is read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..tables.files import read_list
from ..tables.problems import Problem, one_of, quote, refuse

Row = Mapping[str, str]
IDENTITY = ("review_id", "outcome", "subgroup")
VALUES, COUNTS = ("estimate", "ci_low", "ci_high"), ("k_studies", "n_patients")
NEEDED = (*IDENTITY, "measure", *VALUES, *COUNTS, "notes")
LARGEST = 2**31 - 1


def read_published(path: str | Path) -> list[dict[str, str]]:
    """Read the table: one published pool a row; a number that the source does not give is empty.

    Raises
    ------
    ProblemsError
        With every heading, number and interval that cannot be, each at its line.
    """
    lines = read_list(path, NEEDED)
    problems = [Problem(str(path), line, *said) for line, row in lines for said in _faults(row)]
    refuse(problems)
    return [row for _, row in lines]


def _faults(row: Row) -> Iterator[tuple[str, str]]:
    for name in IDENTITY:
        if not row[name]:
            yield name, "This cell is empty. Say which pool the row is."
    broken = [name for name in VALUES if row[name] and not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", row[name])]
    for name in broken:
        comma = re.fullmatch(r"[0-9]+,[0-9]+", row[name])
        right = row[name].replace(",", ".") if comma else "digits with a decimal point, or leave it empty"
        yield name, f"{quote(row[name])} is not a number. Write {right}."
    for name in COUNTS:
        if row[name] and not (re.fullmatch(r"[0-9]{1,10}", row[name]) and int(row[name]) <= LARGEST):
            said = f"is not a whole number up to {LARGEST:,}. Write digits only, or leave it empty."
            yield name, f"{quote(row[name])} {said}"
    if not broken:
        low, middle, high = (float(row[name]) if row[name] else None for name in ("ci_low", "estimate", "ci_high"))
        if (None not in (low, middle) and low > middle) or (None not in (middle, high) and middle > high):
            yield "estimate", f"{row['estimate']} is not between ci_low and ci_high. Check all three in the source."
        known = [value for value in (low, middle, high) if value is not None]
        if row["measure"] == "%" and known and max(known) > 100:
            yield "estimate", f"{max(known):g} is more than 100 %. Check it in the source."


def find_published(table: Sequence[Row], pair: Row) -> Row:
    """Find the row of a pair.

    Raises
    ------
    ValueError
        When it is not there, naming the nearest, or is there twice.
    """
    wanted = ", ".join(pair[name] for name in ("review", "outcome", "subgroup"))
    names = [", ".join(row[name] for name in IDENTITY) for row in table]
    if (times := names.count(wanted)) == 1:
        return table[names.index(wanted)]
    raise ValueError(
        f"{wanted} stands {times} times in the table. Take the others out." if times else one_of(wanted, names)
    )
