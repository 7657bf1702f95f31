"""From workbooks to sheets: read, check as any sheet is checked, and tell every problem at its cell."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..protocol.config import Protocol
from ..review.index import sheet_paths
from ..sheets.checks import Checked, check_rest, check_sheet, check_unique
from ..sheets.sheet import Sheet, type_sheet
from ..tables.located import Located, TypingError, read_located
from ..tables.problems import Problem, ProblemsError
from .fields import Tab, tabs
from .filled_tabs import read_tables
from .flat import Gathered, gather
from .grids import reading_order
from .writing import to_yaml


@dataclass(frozen=True)
class HandedIn:
    """One workbook that is in order: its sheet, as YAML for a path; and the cells whose comments were not read."""

    source: str
    sheet: Sheet
    path: Path
    text: str
    unread: tuple[str, ...] = ()


def read_workbooks(paths: Iterable[str | Path], folder: str | Path, protocol: Protocol) -> list[HandedIn]:
    """Read workbooks, each of one study.

    Parameters
    ----------
    paths : iterable of paths
    folder : path
        Where the sheets are; reports that are entered there already are found by DOI, PubMed number and label.
    protocol : Protocol

    Returns
    -------
    list of HandedIn
        Nothing is written.

    Raises
    ------
    ProblemsError
        With every problem of every workbook, each at its tab and cell.
    """
    found: list[HandedIn] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found.append(read_workbook(path, folder, protocol))
        except ProblemsError as error:
            problems += error.problems
    problems += _entered_twice(found, folder)
    if problems:
        raise ProblemsError(problems)
    return found


def read_workbook(path: str | Path, folder: str | Path, protocol: Protocol) -> HandedIn:
    """Read one workbook and check it by itself; see :func:`read_workbooks`."""
    every = tabs(protocol)
    tables, wrong, unread = read_tables(path, every)
    gathered = gather(tables, every, {tab.key: tab.title for tab in every})
    wrong += gathered.problems
    name = str(gathered.data.get("id", "unknown"))
    located, cells = _locate(gathered, name)
    sheet, found = check_located(located, protocol)
    wrong += [_at_cell(p, cells, every) for p in found if not _said(p, gathered, cells)]
    # A tab that could not be read would be called missing a second time by the checks below it.
    if wrong or sheet is None:
        titles = [tab.title for tab in every]
        raise ProblemsError(
            Problem(str(path), 0, place, message, reading_order(place, titles)) for place, message in wrong
        )
    text = to_yaml(sheet, protocol.attributes)
    return HandedIn(str(path), sheet, Path(folder) / f"{sheet.id}.yaml", text, tuple(unread))


def _locate(gathered: Gathered, name: str) -> tuple[Located, list[str]]:
    """Give the data in the form the checks read; a "line" is the number of a place."""
    cells = ["", *gathered.places.values()]
    lines = {path: i for i, path in enumerate(gathered.places, 1)}
    return Located(f"{name}.yaml", gathered.data, lines), cells


def check_located(located: Located, protocol: Protocol) -> tuple[Sheet | None, list[Problem]]:
    """Give the typed sheet, None when it does not type, and everything that is wrong in it by itself."""
    try:
        sheet = type_sheet(located)
    except TypingError as error:
        return None, error.problems + check_rest(located, error, protocol)
    return sheet, check_sheet(located, sheet, protocol)


def _said(problem: Problem, gathered: Gathered, cells: Sequence[str]) -> bool:
    """Say whether a cell's damage was told already, so that "missing" is not told beside it."""
    spoilt = {gathered.places[path] for path in gathered.spoilt}
    return problem.line > 0 and cells[problem.line] in spoilt


def _at_cell(problem: Problem, cells: Sequence[str], every: Iterable[Tab]) -> tuple[str, str]:
    """Say a problem in the words of a workbook: cells and rows for keys and lists."""
    place = cells[problem.line] if problem.line < len(cells) else ""
    name = re.sub(r"\[[0-9]+\]", "", problem.field).split(".")[-1]
    titles = {tab.key: tab.title for tab in every}
    message = problem.message.replace("This key is missing.", "This cell is empty.")
    message = message.replace(
        "Add it; studies/README.md says what it holds.", "Fill it in; its heading says what it holds."
    )
    if problem.field == "arms":
        message = "There is no arm. Fill in at least one row; the whole is called all."

    def row(found: re.Match) -> str:
        return f"row {_row_of(found[1], int(found[2]), cells, titles)} of {titles[found[1]]}"

    message = re.sub(r"\b(outcomes|comparisons|characteristics)\[([0-9]+)\]", row, message)
    plain = name in titles or not name
    return (place if plain else f"{place} ({name})"), message.replace("Correct the sheet", "Correct the workbook")


def _row_of(key: str, index: int, cells: Sequence[str], titles: dict[str, str]) -> str:
    """Find the number of the spreadsheet's row that holds an item of a list."""
    rows = dict.fromkeys(m[1] for cell in cells if (m := re.fullmatch(rf"{titles[key]}!(?:[A-Z]+)([0-9]+)", cell)))
    return list(rows)[index] if index < len(rows) else "?"


def _entered_twice(found: Iterable[HandedIn], folder: str | Path) -> list[Problem]:
    """Find reports that stand in another sheet, or in two of the workbooks."""
    new = {str(one.path): one for one in found}
    checked: list[Checked] = []
    for path in sheet_paths(folder):
        if path not in new:
            try:
                located = read_located(path)
                checked.append((located, type_sheet(located)))
            except ProblemsError:  # a sheet with faults is told by `sheet check`, and is not this workbook's
                continue
    ids: dict[str, str] = {}
    problems = []
    for one in found:
        if one.sheet.id in ids:
            message = f'"{one.sheet.id}" is the id in {ids[one.sheet.id]} too. One workbook a study.'
            problems.append(Problem(one.source, 0, "Study (id)", message))
        ids.setdefault(one.sheet.id, one.source)
        checked.append((Located(one.source, {}, {}), one.sheet))
    sources = {one.source for one in found}
    return problems + [
        Problem(p.file, 0, f"Study ({p.field.split('.')[-1]})", p.message)
        for p in check_unique(checked)
        if p.file in sources
    ]
