"""Which pooled estimates moved against the committed results, by how much, and which sheets moved them."""

import argparse
import csv
import io
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .changes.history import GitError, NoRepository, find_commit, read_files
from .changes.words import decimals_apart, estimate_words
from .columns import ESTIMATES
from .files import read_table
from .formatting import MISSING

KEY = ("analysis", "subset", "group", "model")
NUMBERS = ESTIMATES[ESTIMATES.index("k") : ESTIMATES.index("status")]
FEW = 15  # a table a screen holds
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
    return any(not _same(before.get(name, ""), after.get(name, ""), tolerance) for name in numbers)


def _same(one: str, other: str, tolerance: float) -> bool:
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


def table(changes: list[Change], moved_by: dict[str, list[str]]) -> str:
    """Write the changes as a table for terminals and pull requests."""
    head = ("analysis", "subset", "group", "model", "before, % (CI)", "after, % (CI)")
    lines = [head, *((*c.key, *_words(c)) for c in changes)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    for analysis in dict.fromkeys(c.key[0] for c in changes):
        by = ", ".join(moved_by.get(analysis, [])) or "no sheet: the config or the engine changed"
        text.append(f"{analysis}: moved by {by}")
    return "\n".join(text)


def _words(change: Change) -> tuple[str, str]:
    decimals = decimals_apart(change.before, change.after)
    before, after = (estimate_words(row, decimals) for row in (change.before, change.after))
    if before == after:  # what differs is not printed: τ², a prediction interval, a test
        name = next((n for n in NUMBERS if not _same(change.before[n], change.after[n], TOLERANCE)), "status")
        before, after = (f"{before}, {name} {row[name] or MISSING}" for row in (change.before, change.after))
    return before, after


def committed(paths: Iterable[str], reference: str) -> dict[str, list[Row]] | None:
    """Read tables as they stand in a commit; None where there is no such commit.

    Raises
    ------
    NoRepository, GitError
        Without git or a repository; and when git refused.
    """
    commit = find_commit(reference)
    if commit is None:
        return None
    files = read_files(commit, {*paths}.__contains__)
    return {path: list(csv.DictReader(io.StringIO(text, newline=""))) for path, text in files.items()}


def main(arguments: list[str] | None = None) -> int:
    """Print what moved; with ``--fail``, exit 1 when anything did."""
    parser = argparse.ArgumentParser(prog="python -m synthesis.guard", description=main.__doc__)
    parser.add_argument("--against", default="HEAD", help="git commit to compare with (default: HEAD)")
    parser.add_argument("--fail", action="store_true", help="exit 1 when an estimate moved")
    parser.add_argument("--all", action="store_true", help="show every estimate, subgroups and other models too")
    options = parser.parse_args(arguments)
    estimates = Path("results/estimates.csv")
    if not estimates.is_file():
        print("Not compared: nothing is built yet.")
        return 1 if options.fail else 0
    try:
        before = committed([estimates.as_posix()], options.against)
    except NoRepository as error:
        print(f"Not compared: {error}.")
        return 0
    except GitError as error:
        # A guard that cannot see must not say that all is well: so does a container whose folder has another owner.
        print(f"Not compared: git refused: {error}.", file=sys.stderr)
        return 2 if options.fail else 0
    if not before:
        print(f"No results at {options.against} to compare with.")
        return 2 if options.fail and before is None and options.against != "HEAD" else 0
    return report(before[estimates.as_posix()], read_table(estimates), options)


def report(before: list[Row], after: list[Row], options: argparse.Namespace) -> int:
    """Print how estimates differ, and give the exit code."""
    changes = compare(before, after)
    if not changes:
        print(f"Results unchanged: all {len(before)} pooled estimates are those of {options.against}.")
        return 0
    paths = {a: f"results/{a}/rows.csv" for a in dict.fromkeys(c.key[0] for c in changes)}
    old = committed(paths.values(), options.against) or {}
    moved_by = {
        analysis: movers(old.get(path, []), read_table(path) if Path(path).is_file() else [])
        for analysis, path in paths.items()
    }
    print(f"Results changed: {len(changes)} pooled estimates differ from {options.against}.\n")
    shown = changes if options.all or options.fail or len(changes) <= FEW else overall(changes)
    print(table(shown, moved_by))
    if len(shown) < len(changes):
        print(f"… and {len(changes) - len(shown)} in subgroups and other models: python -m synthesis.guard --all")
    print(
        "\nIf this is meant: look at each line, run `make readme`, and commit results/ and README.md together with "
        "what changed them; `results/changes.md` tells the rest.\nIf not: the lines above name the sheets to look at."
    )
    return 1 if options.fail else 0


if __name__ == "__main__":
    sys.exit(main())
