"""Which sheet moved a pool, and by how much: one sheet at a time set back to what it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, nan

from ..sheets.limits import ends, read_events
from ..tables.files import number
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
    now, moves = overall(after, analysis, model), []
    for study in (study for study in new | old if old.get(study) != new.get(study)):
        others = {name: rows for name, rows in new.items() if name != study}
        estimate = None if study in old else subset_pool(after, analysis, model, {*others})
        if estimate is None:
            estimate = refit(others | {name: rows for name, rows in old.items() if name == study}, model, level)
        what = how(study, old.get(study), new.get(study), before, after, analysis)
        moves.append(Move(study, what, estimate, now - estimate))
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
    return number(snapshot.overall(analysis, model) or {}, "estimate")


def subset_pool(snapshot: Snapshot, analysis: str, model: str, studies: set[str]) -> float | None:
    """Look up the pool of a subset of studies; None where it was not fitted."""
    for row in snapshot.table(f"{analysis}/subsets"):
        if row["model"] == model and row["estimate"] and {*row["studies"].split(";")} == studies:
            return float(row["estimate"])
    return None


def refit(counts: Mapping[str, Counts], model: str, level: float) -> float:
    """Pool counts anew; NaN without any, and by a model that this engine has not."""
    rows = [(study, *c[1:]) for study, every in sorted(counts.items()) for c in every]
    if not rows:
        return nan
    from ..models.catalogue import MODELS, pool  # here, since most builds change nothing
    from ..models.counts import within

    if model not in MODELS:
        return nan
    study, events, patients = zip(*rows, strict=True)
    low, high = zip(*(ends(read_events(count)) for count in events), strict=True)
    return float(pool(model, within(low, high), [*map(int, patients)], study, level).estimate)


def how(study: str, old: Counts | None, new: Counts | None, before: Snapshot, after: Snapshot, analysis: str) -> str:
    """Say how the rows differ that a study brings into a pool, and why it came or went if its sheet did not."""
    was, now = (", ".join(f"{events}/{patients}" for _, events, patients in counts or ()) for counts in (old, new))
    if old and new:
        return f"{was} → {now}"
    word, when, sheet, other = ("in", "before", "new sheet", before) if new else ("out", "now", "sheet removed", after)
    reasons = [row["reason"] for row in other.table(f"{analysis}/rows") if row["study"] == study and row["reason"]]
    had = any(row["study"] == study for row in other.table("data/studies"))
    why = f" ({when} {reasons[0]})" if reasons else "" if had else f" ({sheet})"
    return f"{word}: {now or was}{why}"
