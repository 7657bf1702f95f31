"""Which sheet moved a pool, and by how much: one sheet at a time set back to what it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, nan

from .snapshot import Row, Snapshot

Counts = tuple[tuple[str, str, str], ...]  # outcome, events, patients of each row a study brings into a pool


@dataclass(frozen=True)
class Move:
    """What one sheet does to one pool."""

    study: str
    what: str  # how its rows differ
    estimate: float  # the pool if this sheet alone were as before, a proportion; NaN with nothing left to pool
    shift: float  # the pool as it is minus ``estimate``


def find_moves(before: Snapshot, after: Snapshot, analysis: str, model: str, level: float = 0.95) -> list[Move]:
    """Find the sheets that moved the overall pool of an analysis by the model that leads, the largest shift first.

    Shifts are of one sheet at a time with all others as they are now, so they need not add up to the whole change. A
    sheet that is new to the pool is looked up among the pools of all subsets; any other change is fitted anew.
    """
    old, new = (counts_of(snapshot.used(analysis)) for snapshot in (before, after))
    changed = [study for study in new | old if old.get(study) != new.get(study)]
    if not changed:
        return []
    now, known = overall(after, analysis, model), subset_pools(after, analysis, model)
    moves = []
    for study in changed:
        others = {name: rows for name, rows in new.items() if name != study}
        held = known.get(frozenset(others)) if study not in old else None
        estimate = refit(others | ({study: old[study]} if study in old else {}), model, level) if held is None else held
        moves.append(Move(study, how(before, after, analysis, study, old, new), estimate, now - estimate))
    # By name where shifts are the same, which another processor would round apart.
    return sorted(moves, key=lambda m: (-round(abs(m.shift), 9) if m.shift == m.shift else 1, m.study))


def without_sheets(
    before: Snapshot, after: Snapshot, analysis: str, models: tuple[str, str], level: float = 0.95
) -> float:
    """Give what the rows of before yield now, where that is not what they yielded: no sheet did it.

    A proportion by the second of two models, which led and which leads; NaN where nothing but rows moved the pool, or
    where it cannot be told.
    """
    was, now = overall(before, analysis, models[0]), overall(after, analysis, models[1])
    old, new = (counts_of(snapshot.used(analysis)) for snapshot in (before, after))
    if old == new:
        return nan if same(was, now) else now
    # What was fitted by more than the rows say has nothing to be compared with.
    if was != was or now != now or not same(refit(new, models[1], level), now):
        return nan
    again = refit(old, models[1], level)
    return nan if same(again, was) else again


def same(one: float, other: float) -> bool:
    """Say whether two pools are one, as far as an optimiser goes; missing is missing."""
    return isclose(one, other, rel_tol=1e-5) or (one != one and other != other)


def counts_of(rows: list[Row]) -> dict[str, Counts]:
    """Give what each study brings into a pool."""
    found: dict[str, Counts] = {}
    for row in rows:
        found[row["study"]] = (*found.get(row["study"], ()), (row["outcome"], row["events"], row["patients"]))
    return {study: tuple(sorted(counts)) for study, counts in found.items()}


def overall(snapshot: Snapshot, analysis: str, model: str) -> float:
    """Give the pool of all studies; NaN where there is none."""
    row = snapshot.overall(analysis, model)
    return float(row["estimate"]) if row and row["estimate"] else nan


def subset_pools(snapshot: Snapshot, analysis: str, model: str) -> dict[frozenset, float]:
    """Give the pool of each subset of studies that was fitted with a model."""
    rows = [row for row in snapshot.table(f"{analysis}/subsets") if row["model"] == model and row["estimate"]]
    return {frozenset(row["studies"].split(";")): float(row["estimate"]) for row in rows}


def refit(counts: Mapping[str, Counts], model: str, level: float) -> float:
    """Pool counts anew; NaN without any, and by a model that this engine has not."""
    rows = [(study, int(events), int(patients)) for study, c in sorted(counts.items()) for _, events, patients in c]
    if not rows:
        return nan
    from ..models.catalogue import MODELS, pool  # here, since most builds change nothing

    if model not in MODELS:
        return nan
    study, events, patients = zip(*rows, strict=True)
    return float(pool(model, events, patients, study, level).estimate)


def how(
    before: Snapshot, after: Snapshot, analysis: str, study: str, old: Mapping[str, Counts], new: Mapping[str, Counts]
) -> str:
    """Say how the rows differ that a study brings into a pool, and why it came or went if its sheet did not."""
    if study in old and study in new:
        return f"{words_of(old[study])} → {words_of(new[study])}"
    came = study in new
    word = f"in: {words_of(new[study])}" if came else f"out: {words_of(old[study])}"
    other = before if came else after
    for row in other.table(f"{analysis}/rows"):
        if row["study"] == study and row["reason"]:
            return f"{word} ({'before' if came else 'now'} {row['reason']})"
    had = any(row["study"] == study for row in other.table("data/studies"))
    return word if had else f"{word} ({'new sheet' if came else 'sheet removed'})"


def words_of(counts: Counts) -> str:
    """Give counts as printed."""
    return ", ".join(f"{events}/{patients}" for _, events, patients in counts)
