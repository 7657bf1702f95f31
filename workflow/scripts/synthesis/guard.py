"""Which pooled estimates moved against the committed results, by how much, and which sheets moved them."""

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from .releases.estimates import NUMBERS, TOLERANCE, Change, Row, compare, movers, overall, same
from .releases.history import GitError, NoRepository, find_commit, read_files
from .releases.wording import decimals_apart, estimate_words
from .tables.files import read_table
from .words.formatting import MISSING

FEW = 15  # a table a screen holds


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
        name = next((n for n in NUMBERS if not same(change.before[n], change.after[n], TOLERANCE)), "status")
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
