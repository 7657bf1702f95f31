"""Which pooled estimates moved against the committed results, by how much, and which sheets moved them."""

import argparse
import sys

from .releases.estimates import NUMBERS, Change, compare, movers, overall, same
from .releases.history import GitError, NoRepository, find_commit
from .releases.snapshot import Snapshot, snapshot_of_commit, snapshot_of_folder
from .releases.wording import decimals_apart, estimate_words
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
        name = next((n for n in NUMBERS if not same(change.before[n], change.after[n])), "status")
        before, after = (f"{before}, {name} {row[name] or MISSING}" for row in (change.before, change.after))
    return before, after


def main(arguments: list[str] | None = None) -> int:
    """Print what moved; with ``--fail``, exit 1 when anything did."""
    parser = argparse.ArgumentParser(prog="python -m synthesis.guard", description=main.__doc__)
    parser.add_argument("--against", default="HEAD", help="git commit to compare with (default: HEAD)")
    parser.add_argument("--fail", action="store_true", help="exit 1 when an estimate moved")
    parser.add_argument("--all", action="store_true", help="show every estimate, subgroups and other models too")
    options = parser.parse_args(arguments)
    after = snapshot_of_folder(".", "now")
    if not after.has("estimates"):
        print("Not compared: nothing is built yet.")
        return 1 if options.fail else 0
    try:
        commit = find_commit(options.against)
        before = snapshot_of_commit(commit, options.against) if commit else Snapshot("", {})
    except NoRepository as error:
        print(f"Not compared: {error}.")
        return 0
    except GitError as error:
        # A guard that cannot see must not say that all is well: so does a container whose folder has another owner.
        print(f"Not compared: git refused: {error}.", file=sys.stderr)
        return 2 if options.fail else 0
    if not before.has("estimates"):
        print(f"No results at {options.against} to compare with.")
        return 2 if options.fail and not commit and options.against != "HEAD" else 0
    return report(before, after, options)


def report(before: Snapshot, after: Snapshot, options: argparse.Namespace) -> int:
    """Print how estimates differ, and give the exit code."""
    old = before.table("estimates")
    changes = compare(old, after.table("estimates"))
    if not changes:
        print(f"Results unchanged: all {len(old)} pooled estimates are those of {options.against}.")
        return 0
    rows = {name: f"{name}/rows" for name in dict.fromkeys(c.key[0] for c in changes)}
    moved_by = {name: movers(before.table(table), after.table(table)) for name, table in rows.items()}
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
