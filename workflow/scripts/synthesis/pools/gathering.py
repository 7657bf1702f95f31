"""All analyses in one table, and nothing left of those that are gone."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from ..tables.declared import write
from ..tables.files import read_table


def gather_estimates_file(
    estimates: Iterable[str],
    contrasts: Iterable[str],
    estimates_csv: str,
    contrasts_csv: str,
    *,
    analyses: Iterable[str],
) -> None:
    """Join the tables of all analyses, and remove the folders of analyses that left the config."""
    for paths, target in ((estimates, estimates_csv), (contrasts, contrasts_csv)):
        write(target, (row for path in paths for row in read_table(path)))
    remove_strangers(Path(estimates_csv).parent, set(analyses))


def remove_strangers(results: Path, analyses: set[str]) -> list[str]:
    """Remove folders that an earlier config made; a folder without ``rows.csv`` is somebody else's and stays.

    Returns
    -------
    list of str
        The names of what was removed.
    """
    gone = [p for p in results.iterdir() if p.is_dir() and p.name not in analyses and (p / "rows.csv").is_file()]
    for path in gone:
        shutil.rmtree(path)
    return sorted(path.name for path in gone)
