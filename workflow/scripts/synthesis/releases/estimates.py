"""Pooled estimates before and after: which differ, which came or went, and which sheets moved them."""

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import isclose

from ..tables.declared import columns_of
from .snapshot import Row

KEY = ("analysis", "subset", "group", "model")
ESTIMATES = columns_of("estimates")
NUMBERS = ESTIMATES[ESTIMATES.index("k") : ESTIMATES.index("status")]
TOLERANCE = 1e-6  # relative; another processor moves the 12th digit, a changed count the 2nd
ZERO = 1e-9  # a smaller number is rounding error of a zero (a χ² of identical groups, a τ² on the boundary)
NEW, GONE = "new", "gone"


@dataclass(frozen=True)
class Change:
    """One pooled estimate before and after; ``None`` where it did not, or does not, exist."""

    key: tuple[str, ...]
    before: Row | None
    after: Row | None


@dataclass(frozen=True)
class Presence:
    """Pools that came or went, of which the same is to be said; a blank group is the test between groups."""

    analyses: tuple[str, ...]
    subset: str
    groups: tuple[str, ...]
    models: tuple[str, ...]
    word: str


def keyed(rows: Iterable[Row], key: Sequence[str]) -> dict[tuple[str, ...], Row]:
    """Give rows by the columns that name them."""
    return {tuple(row[column] for column in key): row for row in rows}


def compare(
    before: Iterable[Row], after: Iterable[Row], key: Sequence[str] = KEY, numbers: Sequence[str] = NUMBERS
) -> list[Change]:
    """Find the rows of text that differ in a number or in their status, or are on one side only."""
    old, new = keyed(before, key), keyed(after, key)
    changes = (Change(at, old.get(at), new.get(at)) for at in old | new)
    return [change for change in changes if differ(change.before, change.after, (*numbers, "status"))]


def differ(before: Row | None, after: Row | None, columns: Sequence[str] = (*NUMBERS, "status")) -> bool:
    """Say whether two rows differ in a column, or only one of them is there."""
    return before is None or after is None or not all(same(before[name], after[name]) for name in columns)


def same(one: str, other: str) -> bool:
    """Say whether two cells hold the same text, or the same number as far as another processor gives it."""
    try:
        return one == other or isclose(float(one), float(other), rel_tol=TOLERANCE, abs_tol=ZERO)
    except ValueError:
        return False


def find_presences(changes: Iterable[Change], unknown: Container[str]) -> list[Presence]:
    """Find the pools that came or went, said once for the models, levels and analyses of which the same holds.

    ``unknown`` are analyses that came or went as a whole, of which nothing more need be said.
    """
    whole, found = set(), []
    for change in sorted(changes, key=lambda change: change.key[1] != "all"):
        analysis, subset, group, model = change.key
        word = word_of(change)
        if not word or analysis in unknown or (analysis, model, word) in whole:
            continue
        if subset == "all" and word in (NEW, GONE):  # a model that came or went, with all its groups
            whole.add((analysis, model, word))
        found.append(((analysis, subset, group, word), model))
    models = gathered(found).items()
    groups = gathered(((analysis, subset, names, word), group) for (analysis, subset, group, word), names in models)
    analyses = gathered(((*rest, levels), analysis) for (analysis, *rest), levels in groups.items())
    return [Presence(names, subset, levels, of, word) for (subset, of, word, levels), names in analyses.items()]


def gathered(pairs: Iterable[tuple[Hashable, str]]) -> dict:
    """Gather the values of each key."""
    found: dict = {}
    for key, value in pairs:
        found[key] = (*found.get(key, ()), value)
    return found


def word_of(change: Change) -> str:
    """Say how a pool came or went; blank where it has a number, or the test it is there for, on both sides or none."""
    before, after = (bool(row and (row["estimate"] or row["test_p"])) for row in (change.before, change.after))
    if before == after:
        return ""
    if change.before is None or change.after is None:
        return NEW if after else GONE
    was, now = change.before["status"], change.after["status"]
    return f"no number before ({was}), now one" if after else f"a number before, now none ({now})"


def overall(changes: list[Change]) -> list[Change]:
    """Keep the pools over all studies with the first model of each analysis: what most readers look for."""
    first: dict[str, Change] = {}
    for change in changes:
        if change.key[1] == "all":
            first.setdefault(change.key[0], change)
    return list(first.values()) or changes


def movers(before: Iterable[Row], after: Iterable[Row]) -> list[str]:
    """Name the studies whose used rows differ between two ``rows.csv`` of one analysis, and the first such count."""
    old, new = (used_counts(rows) for rows in (before, after))
    found = []
    for study in old | new:
        was, now = old.get(study), new.get(study)
        if was is None or now is None:
            found.append(f"{study} ({NEW if now else GONE})")
        elif was != now:
            counts = (f"{was[key]} → {now[key]}" for key in was if key in now and was[key] != now[key])
            found.append(f"{study} ({next(counts, 'other rows')})")
    return found


def used_counts(rows: Iterable[Row]) -> dict[str, dict[tuple, str]]:
    """Give what each study brings into pools, by subset, group, arm and outcome."""
    found: dict[str, dict[tuple, str]] = {}
    for row in rows:
        if row["use"] == "yes":
            key = row["subset"], row["group"], row["arm"], row["outcome"]
            found.setdefault(row["study"], {})[key] = f"{row['events']}/{row['patients']}"
    return found
