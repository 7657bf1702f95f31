"""A review at one moment: its tables and its config, from files or from a commit."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import read_table
from .history import COMPARED, read_files

Row = Mapping[str, str]
OWN = ("review.version", "review.last_search")  # of the config: they differ between any two versions


class Cells(dict):
    """A row of a table; a column that another version of the engine did not have reads as an empty cell."""

    def __missing__(self, key: str) -> str:
        return ""


@dataclass
class Snapshot:
    """A review at one moment.

    Parameters
    ----------
    name : str
        What it is called: a version, or a commit.
    files : mapping
        Path inside the review → the file, or its text.
    config : mapping, optional
        Its choices, where they are known without the file.
    """

    name: str
    files: Mapping[str, Path | str]
    config: Mapping[str, str] | None = None
    _read: dict[str, list[dict[str, str]]] = field(default_factory=dict, repr=False)

    def table(self, name: str) -> list[dict[str, str]]:
        """Give a table of ``results/`` by its name without ending (``fever/rows``); empty where there is none."""
        if name not in self._read:
            source = self.files.get(f"results/{name}.csv")
            if source is None:
                rows = []
            elif isinstance(source, Path):
                rows = read_table(source)
            else:
                rows = list(csv.DictReader(io.StringIO(source, newline="")))
            self._read[name] = [Cells(row) for row in rows]
        return self._read[name]

    def used(self, analysis: str) -> list[dict[str, str]]:
        """Give the rows that the overall pool of an analysis uses."""
        return [row for row in self.table(f"{analysis}/rows") if row["subset"] == "all" and row["use"] == "yes"]

    def label(self, study: str) -> str:
        """Give how figures call a study."""
        return next((row["label"] for row in self.table("data/studies") if row["study"] == study), study)

    def choices(self) -> dict[str, str]:
        """Give every choice of the config as ``path.to.key`` → text; empty where there is no config."""
        source = self.files.get("config.yaml")
        if source is None:
            return dict(self.config or {})
        import yaml

        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        return flatten(yaml.load(text, Loader=yaml.CBaseLoader))  # as `located` reads it


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Give nested data as one level; a list is one text.

    >>> flatten({"models": {"level": "0.9", "sensitivity": ["crude", "bayes"]}})
    {'models.level': '0.9', 'models.sensitivity': 'crude, bayes'}
    """
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in flatten(part, f"{path}.{key}" if path else key).items()}
    if isinstance(value, list):
        return {path: ", ".join(_plain(part) for part in value)}
    return {path: str(value)}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(part)}" for key, part in value.items()) + "}"
    return "[" + ", ".join(map(_plain, value)) + "]" if isinstance(value, list) else str(value)


def snapshot_of_commit(commit: str, name: str, folder: str | Path = ".") -> Snapshot:
    """Give the review as it stands in a commit."""
    return Snapshot(name, read_files(commit, COMPARED.fullmatch, folder))


def snapshot_of_folder(folder: str | Path, name: str) -> Snapshot:
    """Give the review as it lies in a folder, with the pools of all subsets beside it."""
    root = Path(folder)
    paths = [root / "config.yaml", *sorted((root / "results").rglob("*.csv"))]
    return Snapshot(name, {path.relative_to(root).as_posix(): path for path in paths if path.is_file()})
