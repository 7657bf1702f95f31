"""Two versions in; what changed as one page and one table out."""

from collections.abc import Iterable, Mapping

from ..tables.declared import columns_of, write
from ..tables.files import write_text
from .changes_page import Names, write_page
from .conclusions import Limits
from .estimates import GONE, KEY, NEW, Change
from .history import PAGE
from .snapshot import snapshot_of_files
from .story import Story


def change_row(change: Change) -> dict[str, str]:
    """Give a row of ``changes.csv``: an estimate that moved, came or went."""
    word = NEW if change.before is None else GONE if change.after is None else "moved"
    sides = {"before": change.before or {}, "after": change.after or {}}
    row = dict(zip(KEY, change.key, strict=True)) | {"change": word}
    for column in columns_of("changes")[len(row) :]:
        name, _, when = column.rpartition("_")
        row[column] = sides[when].get(name, "")
    return row


def tell_changes_file(
    before: Mapping,
    release: Mapping,
    after_files: Iterable[str],
    changes_md: str,
    changes_csv: str,
    *,
    kept: str,
    state: str,
    choices: Mapping[str, str],
    names: Mapping,
    limits: Mapping,
) -> None:
    """Write what this build changes: a page against the last commit and the last release, a table against the release.

    Parameters
    ----------
    before, release : mapping
        Of the last commit and the last release, as ``history`` unpacks them.
    kept : str
        The page as it was before this build, if it is of this state; used where there is no commit to compare with.
    state : str
        Digest of the sheets and the config.
    choices : mapping
        Of this build: the config as ``snapshot.flatten`` gives it.
    names, limits : mapping
        Fields of ``Names`` and ``Limits``.
    """
    words, bounds = Names(**names), Limits(**limits)
    present = snapshot_of_files("now", after_files, config=choices)
    snapshots = (
        snapshot_of_files("the commit before", before["files"], before["root"]),
        snapshot_of_files(str(release["version"]), release["files"], release["root"]),
    )
    last, released = (Story(s, present, words.analyses, bounds) if s.table("estimates") else None for s in snapshots)
    # Once it is committed it stays: the page tells of that commit, and no build after it makes it stale.
    committed = snapshots[0].text(PAGE) if last and not last.differs else ""
    write_text(changes_md, committed or kept or write_page(last, released, words, state))
    write(changes_csv, map(change_row, released.changes if released else ()), table="changes")
