"""Pools that came or went: a number where there was none, none where there was one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .estimates import Change

NEW, GONE = "new", "gone"


@dataclass(frozen=True)
class Presence:
    """Pools of which the same is to be said.

    Parameters
    ----------
    analyses, models : tuple of str
    subset : str
        As in ``estimates.csv``.
    groups : tuple of str
        Levels of it; a blank one is the test between them.
    word : str
        ``new``, ``gone``, or the status before and after.
    """

    analyses: tuple[str, ...]
    subset: str
    groups: tuple[str, ...]
    models: tuple[str, ...]
    word: str


def find_presences(changes: Iterable[Change], unknown: Iterable[str]) -> list[Presence]:
    """Find the pools that came or went, said once for the models, levels and analyses of which the same holds.

    Parameters
    ----------
    changes : iterable of Change
    unknown : iterable of str
        Analyses that came or went as a whole, of which nothing more need be said.
    """
    unknown, whole = {*unknown}, set()
    models: dict[tuple, list[str]] = {}
    for change in sorted(changes, key=lambda change: change.key[1] != "all"):
        analysis, subset, group, model = change.key
        word = word_of(change)
        if not word or analysis in unknown or (analysis, model, word) in whole:
            continue
        if subset == "all" and word in (NEW, GONE):  # a model that came or went, with all its groups
            whole.add((analysis, model, word))
        models.setdefault((analysis, subset, group, word), []).append(model)
    groups: dict[tuple, list[str]] = {}
    for (analysis, subset, group, word), names in models.items():
        groups.setdefault((analysis, subset, tuple(names), word), []).append(group)
    analyses: dict[tuple, list[str]] = {}
    for (analysis, subset, names, word), levels in groups.items():
        analyses.setdefault((subset, tuple(levels), names, word), []).append(analysis)
    return [Presence(tuple(a), subset, levels, names, word) for (subset, levels, names, word), a in analyses.items()]


def word_of(change: Change) -> str:
    """Say how a pool came or went; blank where it has a number before and after, or neither."""
    before, after = (row is not None and has_number(row) for row in (change.before, change.after))
    if before == after:
        return ""
    if change.before is None or change.after is None:
        return NEW if after else GONE
    was, now = change.before["status"], change.after["status"]
    return f"no number before ({was}), now one" if after else f"a number before, now none ({now})"


def has_number(row: Mapping[str, str]) -> bool:
    """Say whether a row holds an estimate, or the test it is there for."""
    return bool(row["estimate"] or row["test_p"])
