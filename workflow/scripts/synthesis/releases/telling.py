"""Two versions in; what changed as one page and one table out."""

from collections.abc import Iterable, Mapping

from ..tables.files import write_table, write_text
from .attribution import find_moves, find_overall, without_sheets
from .changes_page import Names, write_page
from .conclusions import Limits, find_conclusions
from .differences import find_differences
from .estimates import Change, compare, differ, moves
from .history import PAGE, paths_of
from .presence import find_presences
from .renames import find_renames, with_names_of_now
from .snapshot import Row, Snapshot
from .story import Answer, Story

KEY = ("analysis", "subset", "group", "model")
SHOWN = ("k", "studies", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "status")
CHANGES = (*KEY, "change", *(f"{name}_{when}" for name in SHOWN for when in ("before", "after")))
EFFECT = ("estimate", "ci_low", "ci_high", "p")
OTHERS = {  # tables beside the estimates, and what names a row of each
    "contrasts": ("analysis", "by", "first", "second", "kind", "study", "measure"),
    "comparisons": ("exposure", "outcome", "kind", "study", "arm", "model", "measure"),
}


def tell_story(before: Snapshot, after: Snapshot, analyses: Mapping[str, str], limits: Limits) -> Story:
    """Find everything that changed.

    Parameters
    ----------
    before, after : Snapshot
    analyses : mapping
        Analysis → label, of those there are now.
    limits : Limits
    """
    renames = find_renames(before, after)
    data = find_differences(before, after)
    before = with_names_of_now(before, renames)
    models = before.headline(limits.model), limits.model
    old, new = (snapshot.table("estimates") for snapshot in (before, after))
    differing = compare(old, new)
    changes = [change for change in differing if moves(change.before, change.after)]
    every = analyses | {name: label for name, label in before.analyses().items() if name not in analyses}
    answers = find_answers(before, after, every, models)
    kept = [answer.analysis for answer in answers if answer.before and answer.after]
    return Story(
        before,
        after,
        changes,
        {name: len(compare(*effects(name, before, after), key=key, numbers=EFFECT)) for name, key in OTHERS.items()},
        data,
        renames,
        answers,
        {name: find_moves(before, after, name, limits.model, limits.level) for name in kept},
        {name: without_sheets(before, after, name, models, limits.level) for name in kept},
        find_conclusions(before, after, every, limits, models[0]),
        find_presences(changes, {row["analysis"] for row in old} ^ {row["analysis"] for row in new}),
        limits,
        models,
        every,
        len(new),
        len(differing) - len(changes),
    )


def effects(table: str, *snapshots: Snapshot) -> list[list[Row]]:
    """Give the rows of a table that hold an estimate; the others say why not, in the names of their time."""
    return [[row for row in snapshot.table(table) if row["estimate"]] for snapshot in snapshots]


def find_answers(before: Snapshot, after: Snapshot, analyses: Iterable[str], models: tuple[str, str]) -> list[Answer]:
    """Find the analyses whose pool of all studies is another one, each with the model that leads."""
    found = []
    for analysis in analyses:
        rows = [find_overall(s, analysis, model) for s, model in zip((before, after), models, strict=True)]
        if any(rows) and (models[0] != models[1] or differ(*rows)):
            found.append(Answer(analysis, *rows))
    return found


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


def tell_changes_file(
    before: Mapping[str, Iterable[str] | str],
    release: Mapping[str, Iterable[str] | str],
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
    """Read the tables of the last commit, of the last release and of this build, write what changed.

    Parameters
    ----------
    before : mapping
        The last commit: ``files``, and the ``root`` below which they were unpacked; no files where there is none.
    release : mapping
        The last release: ``files``, ``root`` and ``version``.
    after_files : iterable of str
        Tables of this build, below the working folder.
    changes_md, changes_csv : str
        The page, against both; the table, against the release.
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
    present = Snapshot("now", paths_of(after_files, "."), choices)
    last = Snapshot("the commit before", paths_of(before["files"], before["root"]) if before["files"] else {})
    released = Snapshot(
        str(release["version"]), paths_of(release["files"], release["root"]) if release["files"] else {}
    )
    told = {
        snapshot.name: tell_story(snapshot, present, words.analyses, bounds)
        for snapshot in (last, released)
        if snapshot.table("estimates")
    }
    page = last.files.get(PAGE)
    if last.name in told and not told[last.name] and page is not None:
        # Committed as it is: the page tells of that commit, and no build after it makes it stale.
        write_text(changes_md, page.read_text(encoding="utf-8"))
    else:
        write_text(changes_md, kept or write_page(told.get(last.name), told.get(released.name), words, state))
    write_table(changes_csv, change_rows(told[released.name].changes) if released.name in told else [], CHANGES)
