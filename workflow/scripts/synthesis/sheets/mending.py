"""What can still be checked of a sheet that does not type: the rest of it.

A curator should see every fault in one run. So the parts that could not be typed are replaced by ones that claim
nothing, the checks run over what remains, and whatever they say of the replaced parts is not repeated.
"""

import copy
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ..tables.located import Located, Path_, TypingError
from ..words.levels import NOT_REPORTED, UNSTATED
from .sheet import Sheet

NEUTRAL = {
    **{"events": NOT_REPORTED, "patients": NOT_REPORTED, "window": UNSTATED, "basis": "stated", "confidence": "low"},
    **{"source": "?", "report": "article", "design": "trial", "ascertainment": "?"},
    **{"outcomes": [], "extraction": {"first": "2000"}, "citation": {}},
}
REMOVABLE = ("comparisons", "characteristics", "risk_of_bias")  # nothing else in a sheet refers to these


def mend(located: Located, error: TypingError) -> tuple[Sheet, Located] | None:
    """Type what is left of a sheet, and give it with the lines of the original; None when too little is left."""
    data = copy.deepcopy(located.data)
    dropped: dict[str, set[int]] = {}
    for path in error.paths:
        if path and path[0] in REMOVABLE:
            if len(path) > 1 and isinstance(path[1], int):
                dropped.setdefault(str(path[0]), set()).add(path[1])
            else:
                data.pop(path[0], None)
        else:
            _neutralise(data, path)
    lines = dict(located.lines)
    for kind, indexes in dropped.items():
        kept = [i for i in range(len(data.get(kind, []))) if i not in indexes]
        data[kind] = [data[kind][i] for i in kept]
        lines = _renumber(lines, kind, kept)
    try:
        return Sheet.model_validate(data), replace(located, data=data, lines=lines)
    except ValidationError:
        return None


def _neutralise(data: Any, path: Path_) -> None:
    """Replace the value at a path by one that claims nothing, or take it out."""
    here = data
    for step in path[:-1]:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1] if path else None
    if isinstance(here, dict) and path[0] != "arms" and last in NEUTRAL:
        here[last] = NEUTRAL[last]
        if last in ("events", "patients"):
            here.pop("reported", None)  # it would be said to have no counts beside it
    elif isinstance(here, dict) and path[0] == "outcomes" and last in ("definition", "arm", "outcome"):
        here[last] = f"unknown{path[1]}"
    elif isinstance(here, dict) and path == ("id",):
        here[last] = "unknown0000"
    elif isinstance(here, dict) and path == ("label",):
        here[last] = f"unknown {data.get('id')}"
    elif isinstance(here, dict) and path[0] == "arms" and len(path) == 2:
        here[last] = {}  # rows still name it
    elif isinstance(here, dict):
        here.pop(last, None)
    elif isinstance(here, list) and isinstance(last, int) and last < len(here):
        here[last] = {}


def _renumber(lines: dict[Path_, int], kind: str, kept: list[int]) -> dict[Path_, int]:
    """Give the lines of a list whose items moved up, so that a message still points at the original."""
    new = {path: line for path, line in lines.items() if path[:1] != (kind,) or len(path) == 1}
    for now, before in enumerate(kept):
        for path, line in lines.items():
            if path[:2] == (kind, before):
                new[(kind, now, *path[2:])] = line
    return new
