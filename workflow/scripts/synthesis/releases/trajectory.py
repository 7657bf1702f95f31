"""Every answer release by release: how the review came to what it says now."""

from collections.abc import Iterable, Mapping, Sequence

from ..tables.files import write_table
from .attribution import find_overall
from .history import paths_of
from .snapshot import Snapshot

POOL = (
    *("k", "studies", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2"),
    "status",
)
TRAJECTORY = ("version", "released", "last_search", "sheets", "analysis", "label", "model", *POOL)


def follow_releases_file(
    releases: Sequence[Mapping[str, str]],
    present_files: Iterable[str],
    trajectory_csv: str,
    *,
    version: str,
    last_search: str,
    analyses: Mapping[str, str],
    model: str,
) -> None:
    """Read the estimates of each release and of this build, write them in one table.

    Parameters
    ----------
    releases : sequence of mapping
        The oldest first: ``version``, ``date``, ``root`` (where it was unpacked) and ``files`` (paths below it).
    present_files : iterable of str
        ``results/estimates.csv`` and ``results/data/studies.csv`` of this build.
    trajectory_csv : str
    version, last_search : str
        Of this build.
    analyses : mapping
        Analysis → label.
    model : str
        The one that leads now; a release that led with another one is followed with this one where it has it.
    """
    rows = []
    for release in releases:
        snapshot = Snapshot(release["version"], paths_of(release["files"], release["root"]))
        search = snapshot.choices().get("review.last_search", "")
        rows += version_rows(snapshot, release["date"], search, analyses, model)
    present = Snapshot(version, paths_of(present_files, "."))
    write_table(trajectory_csv, rows + version_rows(present, "", last_search, analyses, model), TRAJECTORY)


def version_rows(
    snapshot: Snapshot, released: str, last_search: str, analyses: Mapping[str, str], model: str
) -> list[dict]:
    """Give one row an analysis that a version has; the day of release is blank for what is not released yet."""
    base = {
        "version": snapshot.name,
        "released": released,
        "last_search": last_search,
        "sheets": len(snapshot.studies()),
        "model": model,
    }
    found = ((name, label, find_overall(snapshot, name, model)) for name, label in analyses.items())
    return [
        base | {"analysis": name, "label": label} | {key: row.get(key, "") for key in POOL}
        for name, label, row in found
        if row is not None
    ]
