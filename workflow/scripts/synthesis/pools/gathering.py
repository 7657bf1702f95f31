"""All analyses in one table, and nothing left of those that are gone."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from ..tables.declared import write
from ..tables.files import read_table


def gather_estimates_file(
    estimates: Iterable[str],
    contrasts: Iterable[str],
    estimates_csv: str,
    contrasts_csv: str,
    *,
    analyses: Collection[str],
) -> None:
    """Join the tables of all analyses, and remove the folders of analyses that left the config."""
    for paths, target in ((estimates, estimates_csv), (contrasts, contrasts_csv)):
        write(target, (row for path in paths for row in read_table(path)))
    for folder in list(Path(estimates_csv).parent.iterdir()):
        if folder.name not in analyses and (folder / "rows.csv").is_file():  # without, it is somebody else's and stays
            shutil.rmtree(folder)
