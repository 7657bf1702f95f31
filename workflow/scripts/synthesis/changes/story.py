"""Two snapshots in; what changed as one page and one table out."""

from collections.abc import Iterable, Mapping

from ..files import write_table, write_text
from ..guard import Change, compare
from .attribution import find_moves
from .conclusions import Limits, find_conclusions
from .differences import find_differences
from .history import paths_of
from .page import Names, Story, nothing_before, write_story
from .snapshot import Snapshot

KEY = ("analysis", "subset", "group", "model")
SHOWN = ("k", "studies", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "status")
CHANGES = (*KEY, "change", *(f"{name}_{when}" for name in SHOWN for when in ("before", "after")))
CONTRAST_KEY = ("analysis", "by", "first", "second", "kind", "study", "measure")
CONTRAST_NUMBERS = ("estimate", "ci_low", "ci_high", "p")


def tell_story(before: Snapshot, after: Snapshot, analyses: Mapping[str, str], limits: Limits) -> Story:
    """Find everything that changed.

    Parameters
    ----------
    before, after : Snapshot
    analyses : mapping
        Analysis → label.
    limits : Limits
    """
    old, new = (snapshot.table("estimates") for snapshot in (before, after))
    changes = compare(old, new)
    moved = dict.fromkeys(c.key[0] for c in changes if c.key[1] == "all" and c.key[3] == limits.model)
    contrasts = compare(before.table("contrasts"), after.table("contrasts"), key=CONTRAST_KEY, numbers=CONTRAST_NUMBERS)
    return Story(
        before,
        after,
        changes,
        len(contrasts),
        find_differences(before, after),
        {analysis: find_moves(before, after, analysis, limits.model, limits.level) for analysis in moved},
        find_conclusions(before, after, analyses, limits),
        limits,
        len(new),
    )


def change_rows(changes: Iterable[Change]) -> list[dict]:
    """Give the rows of ``changes.csv``: one an estimate that moved, came or went."""
    rows = []
    for change in changes:
        word = "new" if change.before is None else "gone" if change.after is None else "moved"
        row = dict(zip(KEY, change.key, strict=True)) | {"change": word}
        for when, side in (("before", change.before), ("after", change.after)):
            row |= {f"{name}_{when}": side.get(name, "") if side else "" for name in SHOWN}
        rows.append(row)
    return rows


def compare_release_file(
    before_files: Iterable[str],
    after_files: Iterable[str],
    changes_md: str,
    changes_csv: str,
    *,
    before_root: str,
    release: str,
    version: str,
    choices: Mapping[str, str],
    names: Mapping,
    limits: Mapping,
) -> None:
    """Read the tables of the last release and of this build, write what changed.

    Parameters
    ----------
    before_files : iterable of str
        Tables of the last release, below ``before_root``; none where there is no such release.
    after_files : iterable of str
        Tables of this build, below the working folder.
    changes_md, changes_csv : str
    before_root, release : str
        Where the release was unpacked, and its version.
    version : str
        Of this build.
    choices : mapping
        Of this build: the config as ``snapshot.flatten`` gives it.
    names, limits : mapping
        Fields of ``Names`` and ``Limits``.
    """
    words = Names(**names)
    earlier = Snapshot(release, paths_of(before_files, before_root) if release else {})
    if not earlier.table("estimates"):
        write_text(changes_md, nothing_before(version, f"no release before {version} is at hand."))
        write_table(changes_csv, [], CHANGES)
        return
    present = Snapshot(version, paths_of(after_files, "."), choices)
    story = tell_story(earlier, present, words.analyses, Limits(**limits))
    write_text(changes_md, write_story(story, words))
    write_table(changes_csv, change_rows(story.changes), CHANGES)
