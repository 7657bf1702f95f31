"""The table of published pools that a review keeps by hand, checked where it is read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..tables.files import read_list
from ..tables.problems import Problem, one_of, quote, refuse

Row = Mapping[str, str]
IDENTITY = ("review_id", "outcome", "subgroup")
VALUES, COUNTS = ("estimate", "ci_low", "ci_high"), ("k_studies", "n_patients")
TOTALS = (
    "review_studies",
    "review_patients",
)  # of the whole review, where those of a pool are not given; columns that may be missing
NEEDED = (*IDENTITY, "measure", *VALUES, *COUNTS, "notes")
WHOLE = "all"  # no subgroup: the whole review
LARGEST = 2**31 - 1


def read_published(path: str | Path) -> list[dict[str, str]]:
    """Read the table: one published pool a row; a number that the source does not give is empty.

    Raises
    ------
    ProblemsError
        With every heading, number and interval that cannot be, each at its line.
    """
    lines = read_list(path, NEEDED)
    table = [row for _, row in lines]
    said = [(line, fault) for line, row in lines for fault in (*_faults(row), *_totals(row, table))]
    refuse([Problem(str(path), line, *fault) for line, fault in said])
    return table


def _faults(row: Row) -> Iterator[tuple[str, str]]:
    for name in IDENTITY:
        if not row[name]:
            yield name, "This cell is empty. Say which pool the row is."
    broken = [name for name in VALUES if row[name] and not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", row[name])]
    for name in broken:
        comma = re.fullmatch(r"[0-9]+,[0-9]+", row[name])
        right = row[name].replace(",", ".") if comma else "digits with a decimal point, or leave it empty"
        yield name, f"{quote(row[name])} is not a number. Write {right}."
    for name in (*COUNTS, *TOTALS):
        count = row.get(name, "")
        if count and not (re.fullmatch(r"[0-9]{1,10}", count) and int(count) <= LARGEST):
            said = f"is not a whole number up to {LARGEST:,}. Write digits only, or leave it empty."
            yield name, f"{quote(count)} {said}"
    if not broken:
        low, middle, high = (float(row[name]) if row[name] else None for name in ("ci_low", "estimate", "ci_high"))
        if (None not in (low, middle) and low > middle) or (None not in (middle, high) and middle > high):
            yield "estimate", f"{row['estimate']} is not between ci_low and ci_high. Check all three in the source."
        known = [value for value in (low, middle, high) if value is not None]
        if row["measure"] == "%" and known and max(known) > 100:
            yield "estimate", f"{max(known):g} is more than 100 %. Check it in the source."


def _totals(row: Row, table: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Find totals of a review that stand beside a subgroup: two subgroups have the same studies and patients."""
    alike = [other for other in table if all(row[name] == other[name] for name in ("review_id", *COUNTS))]
    others = {other["subgroup"] for other in alike} - {row["subgroup"]}
    if others and row["subgroup"] != WHOLE and all(row[name] for name in COUNTS):
        counts = f"{row['k_studies']} studies and {row['n_patients']} patients"
        yield (
            "k_studies",
            f"{counts} are those of {quote(min(others))}, too, so they are totals of the review. Write them under "
            "review_studies and review_patients, and leave k_studies and n_patients empty.",
        )


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
