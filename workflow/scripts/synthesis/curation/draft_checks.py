"""Drafts checked as sheets are, before one is written: what a table says wrong is told at its cell."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..located import Located, Path_
from ..mending import NEUTRAL
from ..problems import Problem, field_name
from ..protocol import Protocol
from .flat import Cell
from .handing_in import check_located
from .writing import Todo

FILL = NEUTRAL | NEUTRAL["extraction"]


def check_draft(
    name: str,
    draft: Mapping[str, Any],
    protocol: Protocol,
    places: Mapping[Path_, Cell | None],
    problem_at: Callable[[Cell | None, str, str], Problem],
) -> list[Problem]:
    """Find what a check would refuse in a draft, beside what it is still to be given.

    Parameters
    ----------
    name : str
        Its id.
    draft : mapping
        Nested texts, with :class:`~.writing.Todo` for what is missing.
    protocol : Protocol
    places : mapping
        Path → the cell that said so, None for what was given for all rows.
    problem_at : callable
        Gives a problem at a cell, from cell, field and message.
    """
    paths = list(places)
    lines = {path: i for i, path in enumerate(paths, 1)}
    missing: set[str] = set()
    located = Located(f"{name}.yaml", _filled(draft, (), missing), lines)
    found = []
    for problem in check_located(located, protocol)[1]:
        if problem.field not in missing:
            message = re.sub(r"outcomes\[([0-9]+)\]", lambda m: places["outcomes", int(m[1])].at, problem.message)
            path = paths[problem.line - 1]
            field = str(path[-1]) if isinstance(path[-1], str) else problem.field.split(".")[-1]
            found.append(problem_at(places[path], field, message.replace("correct the sheet", "correct the table")))
    return found


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
