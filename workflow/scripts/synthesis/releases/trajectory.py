"""Every answer release by release: how the review came to what it says now."""

from collections.abc import Iterable, Mapping, Sequence

from ..tables.declared import columns_of, write
from .snapshot import snapshot_of_files


def follow_releases_file(
    releases: Sequence[Mapping],
    present_files: Iterable[str],
    trajectory_csv: str,
    *,
    version: str,
    last_search: str,
    analyses: Mapping[str, str],
    model: str,
) -> None:
    """Read the estimates of each release and of this build; write in one table a row an analysis that each has.

    Parameters
    ----------
    releases : sequence of mapping
        The oldest first, as ``history`` unpacks them; this build has no day of release.
    analyses : mapping
        Analysis → label.
    model : str
        The one that leads now; a release that led with another one is followed with this one where it has it.
    """
    present = {"version": version, "date": "", "root": ".", "files": present_files}
    pool = [column for column in columns_of("trajectory") if column in columns_of("estimates")]
    rows = []
    for one in (*releases, present):
        snapshot = snapshot_of_files(one["version"], one["files"], one["root"])
        search = last_search if one is present else snapshot.choices().get("review.last_search", "")
        base = {"version": one["version"], "released": one["date"], "last_search": search}
        base["sheets"] = len(snapshot.studies())
        for name, label in analyses.items():
            if row := snapshot.overall(name, model):
                rows.append(base | {"label": label} | {key: row[key] for key in pool})
    write(trajectory_csv, rows)
