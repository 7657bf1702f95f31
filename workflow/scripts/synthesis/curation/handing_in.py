"""From workbooks to sheets: read, check as any sheet is checked, and tell every problem at its cell."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..protocol.config import Protocol
from ..review.index import sheet_paths
from ..sheets.checks import Checked, check_rest, check_sheet, check_unique
from ..sheets.sheet import Sheet, type_sheet
from ..tables.located import Located, TypingError, read_located
from ..tables.problems import Problem, ProblemsError, noted, refuse
from .fields import tabs
from .filled_tabs import read_tables
from .flat import gather
from .grids import reading_order
from .writing import to_yaml


@dataclass(frozen=True)
class HandedIn:
    """A sheet that is in order, and its path; of a workbook its YAML, and the cells whose comments were not read."""

    source: str
    sheet: Sheet
    path: Path
    text: str | None = None
    unread: tuple[str, ...] = ()


def read_workbooks(paths: Iterable[str | Path], folder: str | Path, protocol: Protocol) -> list[HandedIn]:
    """Read workbooks, each of one study; nothing is written.

    Reports that stand in ``folder`` already are found by DOI, PubMed number and label.

    Raises
    ------
    ProblemsError
        With every problem of every workbook, each at its tab and cell.
    """
    found: list[HandedIn] = []
    problems: list[Problem] = []
    for path in paths:
        with noted(problems):
            found.append(_read_workbook(path, folder, protocol))
    refuse(problems + _entered_twice(found, folder))
    return found


def _read_workbook(path: str | Path, folder: str | Path, protocol: Protocol) -> HandedIn:
    """Read one workbook and check it by itself."""
    every = tabs(protocol)
    titles = {tab.key: tab.title for tab in every}
    tables, wrong, unread = read_tables(path, every)
    gathered = gather(tables, every)
    # The checks read lines: the "line" of a value is the number of its place.
    cells = ["", *gathered.places.values()]
    lines = {path: i for i, path in enumerate(gathered.places, 1)}
    located = Located(f"{gathered.data.get('id', 'unknown')}.yaml", gathered.data, lines)
    sheet, found = check_located(located, protocol)
    # What a damaged cell should hold is not told as missing beside its damage.
    spoilt = {gathered.places[path] for path in gathered.spoilt}
    wrong += gathered.problems
    wrong += [_at_cell(p, cells, titles) for p in found if p.line == 0 or cells[p.line] not in spoilt]
    # A tab that could not be read would be called missing a second time by the checks below it.
    if wrong or sheet is None:
        order = list(titles.values())
        raise ProblemsError(Problem(str(path), 0, at, message, reading_order(at, order)) for at, message in wrong)
    text = to_yaml(sheet, protocol.attributes)
    return HandedIn(str(path), sheet, Path(folder) / f"{sheet.id}.yaml", text, tuple(unread))


def check_located(located: Located, protocol: Protocol) -> tuple[Sheet | None, list[Problem]]:
    """Give the typed sheet, None when it does not type, and everything that is wrong in it by itself."""
    try:
        sheet = type_sheet(located)
    except TypingError as error:
        return None, error.problems + check_rest(located, error, protocol)
    return sheet, check_sheet(located, sheet, protocol)


def _at_cell(problem: Problem, cells: Sequence[str], titles: Mapping[str, str]) -> tuple[str, str]:
    """Say a problem in the words of a workbook: cells and rows for keys and lists."""
    place = cells[problem.line] if problem.line < len(cells) else ""
    name = re.sub(r"\[[0-9]+\]", "", problem.field).split(".")[-1]
    message = problem.message.replace("Correct the sheet", "Correct the workbook")
    message = message.replace("This key is missing.", "This cell is empty.")
    hint = "Add it; studies/README.md says what it holds."
    message = message.replace(hint, "Fill it in; its heading says what it holds.")
    if problem.field == "arms":
        message = "There is no arm. Fill in at least one row; the whole is called all."

    def row(found: re.Match) -> str:
        """Give the number of the spreadsheet's row that holds an item of a list."""
        title, index = titles[found[1]], int(found[2])
        rows = list(dict.fromkeys(m[1] for cell in cells if (m := re.fullmatch(rf"{title}!(?:[A-Z]+)([0-9]+)", cell))))
        return f"row {rows[index] if index < len(rows) else '?'} of {title}"

    message = re.sub(r"\b(outcomes|comparisons|characteristics)\[([0-9]+)\]", row, message)
    return (place if name in titles or not name else f"{place} ({name})"), message


def _entered_twice(found: Iterable[HandedIn], folder: str | Path) -> list[Problem]:
    """Find reports that stand in another sheet, or in two of the workbooks."""
    new = {str(one.path) for one in found}
    checked: list[Checked] = []
    for path in (path for path in sheet_paths(folder) if path not in new):
        with noted([]):  # a sheet with faults is told by `sheet check`, and is not this workbook's
            located = read_located(path)
            checked.append((located, type_sheet(located)))
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
