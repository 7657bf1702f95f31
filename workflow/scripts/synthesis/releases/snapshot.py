"""A review at one moment: its tables and its config, from files or from a commit."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..review.index import NOT_SHEETS
from ..tables.files import read_table, write_text
from ..tables.pools import find_pool, pooled_rows
from ..tables.problems import ProblemsError
from .history import COMPARED, read_files

Row = Mapping[str, str]
OWN = ("review.version", "review.last_search")  # of the config: they differ between any two versions
SHEET = re.compile(r"studies/([^/]+)\.yaml")
GRADE = "studies/grade.yaml"


class Cells(dict):
    """A row of a table; a column that another version of the engine did not have reads as an empty cell."""

    def __missing__(self, key: str) -> str:
        return ""


def _read_cells(row: Row, table: str) -> Cells:
    """Give a row; a count known only within limits stands in its cell as a sheet writes it: ``16 to 17``."""
    found = Cells(row)
    if (table == "data/outcomes" or table.endswith("/rows")) and not found["events"] and found["events_from"]:
        found["events"] = f"{found['events_from']} to {found['events_to']}"
    return found


@dataclass
class Snapshot:
    """A review at one moment."""

    name: str  # what it is called: a version, or a commit
    files: Mapping[str, Path | str]  # path inside the review → the file, or its text
    config: Mapping[str, str] = field(default_factory=dict)  # its choices, where they are known without the file
    # Studies whose sheets the present engine cannot read, once the tables of the sheets were asked for.
    unread: list[str] = field(default_factory=list, repr=False)
    _read: dict[str, list[Row]] = field(default_factory=dict, repr=False)

    def has(self, name: str) -> bool:
        """Say whether a table of ``results/`` is among the files."""
        return f"results/{name}.csv" in self.files

    def table(self, name: str) -> list[Row]:
        """Give a table of ``results/`` by its name without ending (``fever/rows``); empty where there is none.

        A table of the sheets (``data/studies``) is made of the sheets where it is not among the files.
        """
        if name not in self._read:
            if self.has(name):
                source = self.files[f"results/{name}.csv"]
                text = isinstance(source, str)
                rows = csv.DictReader(io.StringIO(source, newline="")) if text else read_table(source)
                self._read[name] = [_read_cells(row, name) for row in rows]
            elif name.startswith("data/") and self.sheets():
                self._read |= self._collect()
        return self._read.setdefault(name, [])

    def sheets(self) -> dict[str, str]:
        """Give the sheets among the files: study → path."""
        found = ((path, SHEET.fullmatch(path)) for path in self.files)
        return {match[1]: path for path, match in found if match and Path(path).name not in NOT_SHEETS}

    def studies(self) -> list[str]:
        """Name the studies."""
        return [*self.sheets()] or [row["study"] for row in self.table("data/studies")]

    def _collect(self) -> dict[str, list[Row]]:
        """Make the tables of the sheets; sheets that this engine cannot read are left out, and named in ``unread``."""
        from ..sheets.collect import collect_sheets_file
        from ..sheets.facts import as_text
        from ..sheets.sheet import type_sheet
        from ..tables.located import read_located

        attributes = dict.fromkeys(key.split(".")[1] for key in self.choices() if key.startswith("attributes."))
        with TemporaryDirectory() as folder:
            sheets = []
            for study, path in self.sheets().items():
                copy = f"{folder}/{study}.yaml"
                write_text(copy, self.text(path))
                try:
                    sheets.append(type_sheet(read_located(copy)))
                except ProblemsError:
                    self.unread.append(study)
            handed = f"{folder}/sheets.json"
            write_text(handed, as_text(sheets))
            collect_sheets_file(handed, folder, attributes=["product", *attributes])
            tables = {f"data/{path.stem}": read_table(path) for path in Path(folder).glob("*.csv")}
            return {name: [_read_cells(row, name) for row in rows] for name, rows in tables.items()}

    def text(self, path: str) -> str:
        """Give the text of a file; blank where there is none."""
        source = self.files.get(path, "")
        return source.read_text(encoding="utf-8") if isinstance(source, Path) else source

    def used(self, analysis: str) -> list[Row]:
        """Give the rows that the overall pool of an analysis uses."""
        return pooled_rows(self.table(f"{analysis}/rows"))

    def overall(self, analysis: str, model: str) -> Row | None:
        """Find the pool of all studies."""
        return find_pool(self.table("estimates"), model, analysis=analysis) or None

    def label(self, study: str) -> str:
        """Give how figures call a study."""
        return next((row["label"] for row in self.table("data/studies") if row["study"] == study), study)

    def choices(self) -> dict[str, str]:
        """Give every choice of the config as ``path.to.key`` → text; empty where there is no config."""
        return flatten(self._yaml("config.yaml")) if "config.yaml" in self.files else dict(self.config)

    def certainties(self) -> dict[str, str]:
        """Give how certain each answer was judged to be: analysis → word; empty where nobody judged."""
        judged = self._yaml(GRADE)
        return {name: str(one.get("certainty", "")) for name, one in judged.items() if isinstance(one, dict)}

    def level(self) -> float:
        """Give the confidence level, that of the engine where the config names none."""
        from ..protocol.config import Models

        return float(self.choices().get("models.level", Models.model_fields["level"].default))

    def analyses(self) -> dict[str, str]:
        """Give the analyses with their labels, as config and estimates name them."""
        choices = self.choices()
        names = dict.fromkeys(row["analysis"] for row in self.table("estimates"))
        return {name: choices.get(f"analyses.{name}.label", name.replace("_", " ")) for name in names}

    def _yaml(self, path: str) -> dict[str, Any]:
        import yaml

        try:
            read = yaml.load(self.text(path), Loader=yaml.CBaseLoader)  # as `located` reads it
        except yaml.YAMLError:  # of an earlier version: nothing that could be mended now
            return {}
        return read if isinstance(read, dict) else {}


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Give nested data as one level; a list is one text.

    >>> flatten({"models": {"level": "0.9", "sensitivity": ["crude", "bayes"]}})
    {'models.level': '0.9', 'models.sensitivity': 'crude, bayes'}
    """
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in flatten(part, f"{path}.{key}" if path else key).items()}
    return {path: _plain(value)[1:-1] if isinstance(value, list) else str(value)}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_plain(part)}' for key, part in value.items())}}}"
    return f"[{', '.join(map(_plain, value))}]" if isinstance(value, list) else str(value)


def snapshot_of_commit(commit: str, name: str) -> Snapshot:
    """Give the review as it stands in a commit."""
    return Snapshot(name, read_files(commit, COMPARED))


def snapshot_of_files(
    name: str, files: Iterable[str | Path], root: str | Path = ".", config: Mapping[str, str] | None = None
) -> Snapshot:
    """Give the review of which some files lie below a root."""
    return Snapshot(name, {Path(path).relative_to(root).as_posix(): Path(path) for path in files}, config or {})


def snapshot_of_folder(folder: str | Path, name: str) -> Snapshot:
    """Give the review as it lies in a folder, with the pools of all subsets beside it."""
    root = Path(folder)
    paths = [root / "config.yaml", root / GRADE, *sorted((root / "results").rglob("*.csv"))]
    return snapshot_of_files(name, filter(Path.is_file, paths), root)
