"""What the Snakefile needs before any job runs: the checked sheets, who feeds what, and stamps that notice change.

Light on purpose (no pandas, no numpy): Snakemake reads this at every start, in every job of a cluster too.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..protocol.config import Protocol, read_protocol
from ..sheets.checks import read_sheets
from ..sheets.sheet import Sheet
from ..tables.files import write_text
from ..tables.problems import Problem, ProblemsError, noted, refusal, refuse
from .beside import check_beside


@dataclass(frozen=True)
class Index:
    """A checked review."""

    protocol: Protocol
    sheets: dict[str, Sheet]  # by their paths

    def feeds(self, analysis: str) -> list[str]:
        """Give the sheets that hold a row for an analysis, pooled or not."""
        wanted = set(self.protocol.analyses[analysis].outcomes)
        return [path for path, sheet in self.sheets.items() if any(row.outcome in wanted for row in sheet.outcomes)]


def read_index(config: str | Path, studies: str | Path) -> Index:
    """Read and check a whole review: ``config.yaml``, and the folder of sheets.

    Raises
    ------
    ProblemsError
        With every problem of the config, or of all sheets and what lies beside them.
    """
    protocol = read_protocol(config)
    paths, problems = find_sheets(studies)
    sheets = None
    with noted(problems):
        sheets = read_sheets(paths, protocol)
    by_id = {Path(path).stem: path for path in paths}
    problems += check_beside(config, studies, protocol, list(by_id), sheets)
    refuse(problems)
    return Index(protocol, {by_id[sheet.id]: sheet for sheet in sheets})


IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n#(]*))|import[ \t]+([^\n#]*))",
    re.MULTILINE,
)
DATA = (".csv", ".yaml", ".j2", ".R")  # that a module reads from its own folder
NOT_SHEETS = ("TEMPLATE.yaml", "grade.yaml")
# Endings as people and their editors make them: x.yml, x.YAML, x.yaml.txt, x.yaml.bak, x.yaml~, #x.yaml#, x2001.txt
LOOKS_LIKE_A_SHEET = re.compile(r"\.y[aml]{2,4}\b|^[a-z]+[0-9]{4}[a-z]?(\.txt)?$", re.IGNORECASE)
LIKE_THE_LIST = re.compile(r"screening\.(csv|tsv|txt|xlsx?|ods)(\.txt|\.bak|~)?", re.IGNORECASE)
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods")


def sheet_paths(studies: str | Path) -> list[str]:
    """Give the paths of all sheets, in order; hidden files are never sheets."""
    paths = (path for path in Path(studies).glob("*.yaml") if not path.name.startswith("."))
    return sorted(str(path) for path in paths if path.name not in NOT_SHEETS)


def find_sheets(studies: str | Path) -> tuple[list[str], list[Problem]]:
    """Give the paths of all sheets, and what is wrong with the folder.

    Raises
    ------
    ProblemsError
        If there is no folder, or no sheet in it: results are never made of nothing.
    """
    folder = Path(studies)
    try:
        os.listdir(folder)
    except FileNotFoundError:
        what = "This is a link to a folder that is not there" if folder.is_symlink() else "There is no such folder"
        raise refusal(folder, f"{what}. Sheets are looked for here: put it back, or run this where it is.") from None
    except NotADirectoryError:
        raise refusal(folder, "This is not a folder. Sheets are looked for in a folder of this name.") from None
    except OSError as error:
        raise refusal(folder, f"Cannot be read: {error.strerror}.") from None
    paths, strays = sheet_paths(folder), _strays(folder)
    if not paths and not strays:
        raise refusal(folder, "No sheet is in this folder. Begin one: make new ID=smith2025.")
    return paths, strays


def _strays(folder: Path) -> list[Problem]:
    """Name what looks like a sheet and would not be read: another ending, a folder below, a workbook not handed in."""
    found = {}
    for path in sorted(folder.glob("**/*")):
        top = path.parent == folder
        hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)  # Excel's: it is open
        if hidden or (top and path.suffix == ".yaml"):
            continue
        if LOOKS_LIKE_A_SHEET.search(path.name):
            found[path] = "This file would not be read as a sheet. "
            found[path] += "Move it into the folder itself, with the ending .yaml, or take it away."
        elif top and LIKE_THE_LIST.fullmatch(path.name) and path.name != "screening.csv":
            found[path] = "The list of reports is read from screening.csv only. Give it that name, or take it away."
        elif path.suffix.lower() in WORKBOOKS and not path.with_suffix(".yaml").exists():
            found[path] = f"This workbook is not handed in. Make its sheet: make add FILES={path}; or take it away."
    return [Problem(str(path), 0, "", message) for path, message in found.items()]


def digest(value: Any) -> str:
    """Give a short, stable digest of plain data.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_stamp(folder: str | Path, name: str, text: str) -> str:
    """Write what jobs are handed to a file, and leave the file alone when it says so already.

    Snakemake keeps the parameters of a job in ``.snakemake``, so a result that came with a clone, or that lost its
    record, would look up to date whatever the sheets say. A stamp is a real input: where there is none, it is written
    now, is newer than the result, and the result is built again.
    """
    path = Path(folder) / name
    if not is_stamp(path, text):
        write_text(path, text)
    return str(path)


def is_stamp(path: str | Path, text: str) -> bool:
    """Say whether a stamp holds this text already."""
    try:
        return Path(path).read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False


@cache
def modules_of(script: str | Path) -> tuple[str, ...]:
    """Give every file of the library that a script imports, directly or through others, and the data beside them.

    The script is a Python file beside the package it imports. These are the inputs that make a rule run again when the
    library changes.
    """
    script = Path(script)
    found: set[Path] = set()
    queue = [script]
    while queue:
        new = _imports(queue.pop(), script.parent) - found
        found |= new
        queue += new
    beside = {path for folder in {file.parent for file in found} for path in folder.iterdir() if path.suffix in DATA}
    return tuple(sorted(str(path) for path in found | beside))


@cache
def _imports(file: Path, root: Path) -> set[Path]:
    """Give the files below ``root`` that one file imports.

    By a pattern and not by parsing, which would take a second at each start: a line of a docstring that looks like an
    import names one file too many at worst.
    """
    package, names = file.relative_to(root).parent.parts, set()
    for dots, module, several, one, plain in IMPORT.findall(file.read_text(encoding="utf-8")):
        base = list(package[: len(package) - len(dots) + 1]) if dots else []
        stem = ".".join([*base, *filter(None, [module])])
        what = [name.split()[0] for name in (several or one or plain).split(",") if name.strip()]
        names |= set(what) if plain else {stem, *(f"{stem}.{name}" for name in what)}
    paths = (root / Path(*name.split(".")) for name in names if name)
    candidates = [file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py")]
    return {path for path in candidates if path.is_file()}


def check_review(config: str | Path, studies: str | Path) -> tuple[Index | None, ProblemsError | None]:
    """Read a review and give either it or its problems."""
    try:
        return read_index(config, studies), None
    except ProblemsError as error:
        return None, error
