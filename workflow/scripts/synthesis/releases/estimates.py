"""Pooled estimates before and after: which differ, and which sheets moved them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..tables.declared import columns_of

KEY = ("analysis", "subset", "group", "model")
ESTIMATES = columns_of("estimates")
NUMBERS = ESTIMATES[ESTIMATES.index("k") : ESTIMATES.index("status")]
TOLERANCE = 1e-6  # relative; another processor moves the 12th digit, a changed count the 2nd

Row = dict[str, str]


@dataclass(frozen=True)
class Change:
    """One pooled estimate before and after; ``None`` where it did not, or does not, exist."""

    key: tuple[str, ...]
    before: Row | None
    after: Row | None


def compare(
    before: Iterable[Row],
    after: Iterable[Row],
    tolerance: float = TOLERANCE,
    *,
    key: Sequence[str] = KEY,
    numbers: Sequence[str] = NUMBERS,
) -> list[Change]:
    """Find the estimates that differ.

    Parameters
    ----------
    before, after : iterable of dict
        Rows of ``estimates.csv`` as text.
    tolerance : float
        Largest relative difference that is no change.
    key, numbers : sequence of str
        Columns that name a row, and those that are compared beside its status.

    Returns
    -------
    list of Change
    """
    old, new = ({tuple(row[k] for k in key): row for row in rows} for rows in (before, after))
    keys = list(dict.fromkeys([*old, *new]))
    return [Change(at, old.get(at), new.get(at)) for at in keys if differ(old.get(at), new.get(at), numbers, tolerance)]


def differ(
    before: Row | None, after: Row | None, numbers: Sequence[str] = NUMBERS, tolerance: float = TOLERANCE
) -> bool:
    """Say whether two rows differ in a number or in their status, or only one of them is there."""
    if before is None or after is None or before.get("status") != after.get("status"):
        return True
    return moves(before, after, numbers, tolerance)


def moves(
    before: Row | None, after: Row | None, numbers: Sequence[str] = NUMBERS, tolerance: float = TOLERANCE
) -> bool:
    """Say whether two rows differ in a number, or only one of them is there; another remark moves nothing."""
    if before is None or after is None:
        return True
    return any(not same(before.get(name, ""), after.get(name, ""), tolerance) for name in numbers)


def same(one: str, other: str, tolerance: float) -> bool:
    if one == other:
        return True
    try:
        a, b = float(one), float(other)
    except ValueError:
        return False
    # Below 1e-9 a number is rounding error of a zero (a χ² of identical groups, a τ² on the boundary).
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-9)


def overall(changes: list[Change]) -> list[Change]:
    """Keep the pools over all studies with the first model of each analysis: what most readers look for."""
    first: dict[str, Change] = {}
    for change in changes:
        if change.key[1] == "all":
            first.setdefault(change.key[0], change)
    return list(first.values()) or changes


def movers(before: Iterable[Row], after: Iterable[Row]) -> list[str]:
    """Name the studies whose used rows differ, and how.

    Parameters
    ----------
    before, after : iterable of dict
        Rows of one analysis's ``rows.csv``.
    """
    old, new = (_counts(rows) for rows in (before, after))
    names = []
    for study in dict.fromkeys([*old, *new]):
        if study not in old:
            names.append(f"{study} (new)")
        elif study not in new:
            names.append(f"{study} (gone)")
        elif old[study] != new[study]:
            names.append(f"{study} ({_difference(old[study], new[study])})")
    return names


def _counts(rows: Iterable[Row]) -> dict[str, dict[tuple, str]]:
    found: dict[str, dict[tuple, str]] = {}
    for row in rows:
        if row["use"] == "yes":
            key = row["subset"], row["group"], row["arm"], row["outcome"]
            found.setdefault(row["study"], {})[key] = f"{row['events']}/{row['patients']}"
    return found


def _difference(old: dict[tuple, str], new: dict[tuple, str]) -> str:
    both = [(old[key], new[key]) for key in old if key in new and old[key] != new[key]]
    return f"{both[0][0]} → {both[0][1]}" if both else "other rows"
