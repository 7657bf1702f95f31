"""Drafts checked as sheets are, before one is written: what a table says wrong is told at its cell."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..protocol.config import Protocol
from ..sheets.checks import check_unique
from ..sheets.mending import NEUTRAL
from ..tables.located import Located, Path_
from ..tables.problems import Problem, field_name
from .grids import Cell
from .handing_in import check_located
from .writing import Todo

FILL = NEUTRAL | NEUTRAL["extraction"]
Places = Mapping[Path_, Cell | None]  # path → the cell that said so, None for what was given for all rows


def check_drafts(
    drafts: Mapping[str, Mapping[str, Any]],
    protocol: Protocol,
    places: Mapping[str, Places],
    problem_at: Callable[[Cell | None, str, str], Problem],
) -> list[Problem]:
    """Find what a check would refuse in drafts (by id), beside what they are still to be given.

    ``problem_at`` gives a problem at a cell, from cell, field and message.
    """
    found, checked = [], []
    missing: dict[str, set[str]] = {name: set() for name in drafts}
    for name, draft in drafts.items():
        lines = {path: i for i, path in enumerate(places[name], 1)}
        located = Located(f"{name}.yaml", _filled(draft, (), missing[name]), lines)
        sheet, problems = check_located(located, protocol)
        found += problems
        checked += [(located, sheet)] if sheet else []
    named = [(problem.file.removesuffix(".yaml"), problem) for problem in [*found, *check_unique(checked)]]
    return [problem_at(*_at_cell(p, places[name])) for name, p in named if p.field not in missing[name]]


def _at_cell(problem: Problem, places: Places) -> tuple[Cell | None, str, str]:
    """Give cell, field and message of a problem in the words of a table."""
    path = list(places)[problem.line - 1]
    message = re.sub(r"outcomes\[([0-9]+)\]", lambda found: places["outcomes", int(found[1])].at, problem.message)
    message = message.replace("correct the sheet", "correct the table").replace(".yaml too", " too")
    field = "arm" if path[0] == "arms" and len(path) == 2 else path[-1]
    return places[path], field if isinstance(field, str) else problem.field.split(".")[-1], message


def _filled(value: Any, at: Path_, missing: set[str]) -> Any:
    """Give nested texts with words that claim nothing where something is missing, and note where that is."""
    if isinstance(value, Todo):
        missing.add(field_name(at))
        return FILL.get(str(at[-1]), f"unknown{at[1] if len(at) > 1 else ''}")
    if isinstance(value, Mapping):
        return {key: _filled(inner, (*at, key), missing) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, (*at, i), missing) for i, inner in enumerate(value)]
    return value
