"""A sheet as the rows of tabs, and back: nested texts ↔ one row of cells for each thing.

Nothing here knows of files. Cells carry where they stand, so that a problem found later is told at its cell.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..sheets.collect import KEPT_OUT
from ..tables.located import Path_
from ..tables.problems import one_of, quote
from .fields import Field, Tab
from .grids import Cell

Row = dict[str, str]  # heading → text
Cells = dict[str, Cell]  # heading → cell, of one row
EMPTY = "This cell is empty."


@dataclass
class Gathered:
    """What tabs say together: the nested texts, the place of each (of an empty cell too), and what is wrong already.

    ``problems`` are (place, message); ``spoilt`` are the paths that could not be read, so that nothing is said twice.
    """

    data: dict[str, Any] = field(default_factory=lambda: {"citation": {}, "arms": {}, "outcomes": []})
    places: dict[Path_, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    spoilt: set[Path_] = field(default_factory=set)

    def say(self, cell: Cell, name: str, message: str) -> None:
        """Note what is wrong at a cell: the damage in it, or else what a reader would find."""
        self.problems.append((f"{cell.at} ({name})", cell.complaint or message))

    def put(self, base: Path_, row: Cells, fields: Iterable[Field]) -> None:
        """Put the cells of one row below a path."""
        for one in fields:
            cell = row.get(one.name)
            if cell is None or not one.path:
                continue
            path = (*base, *one.path)
            self.places[path] = cell.at
            for end in range(len(base) + 1, len(path)):
                self.places.setdefault(path[:end], cell.at)
            if cell.complaint:
                self.say(cell, one.name, cell.complaint)
                self.spoilt.add(path)
            elif cell.text:
                here: Any = self.data
                for step in path[:-1]:
                    here = here[step] if isinstance(here, list) else here.setdefault(step, {})
                parts = filter(None, map(str.strip, cell.text.replace(";", ",").split(",")))
                here[path[-1]] = list(parts) if one.name == "comprises" else cell.text


def spread(data: Mapping[str, Any], tab: Tab, tools: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """Give the rows of one tab from the nested texts of a sheet, complete or not; a form has one row.

    ``tools`` (risk-of-bias tool → item → question): without judgements the items of the first are laid out, to be
    filled in.
    """
    if tab.key == "study":
        rows = [data]
    elif tab.key == "arms":
        arms = data.get("arms", {})
        return [
            {"arm": name, **_row(tab.fields, arm if isinstance(arm, Mapping) else {})} for name, arm in arms.items()
        ]
    elif tab.key == "risk_of_bias":
        return list(_risk_rows(data.get("risk_of_bias") or {}, tools))
    elif tab.key == "kept_out":
        rows = _kept_out_rows(data)
    else:
        rows = data.get(tab.key) or ()
    return [_row(tab.fields, row) for row in rows]


def _row(fields: Iterable[Field], data: Mapping[str, Any]) -> Row:
    found = ((field.name, _at(data, field.path)) for field in fields if field.path)
    return {name: text for name, text in found if text}


def _at(data: Any, path: Sequence[str]) -> str:
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return ", ".join(map(str, data)) if isinstance(data, list | tuple) else "" if data is None else str(data).strip()


def _risk_rows(given: Mapping[str, Any], tools: Mapping[str, Mapping[str, str]]) -> Iterator[Row]:
    tool = given.get("tool") or next(iter(tools), "")
    questions, judged = tools.get(tool, {}), given.get("items") or {}
    for item in dict.fromkeys([*judged, *questions]):
        row = {"tool": tool, "item": item, "question": questions.get(item, "")}
        row |= {key: _at(judged.get(item), (key,)) for key in ("judgement", "support")}
        yield {key: text for key, text in row.items() if text}


def _kept_out_rows(data: Mapping[str, Any]) -> Iterator[Row]:
    for how in KEPT_OUT:
        for outcome, reason in (data.get(how) or {}).items():
            for arm, why in reason.items() if isinstance(reason, Mapping) else [("", reason)]:
                yield {"how": how, "outcome": outcome, "arm": arm, "reason": why}


def gather(tables: Mapping[str, Sequence[Cells]], tabs: Iterable[Tab]) -> Gathered:
    """Put the rows of all tabs together to one sheet: key of a tab → its rows."""
    found = Gathered()
    readers = {"study": _read_study, "arms": _read_arms, "risk_of_bias": _read_risk, "kept_out": _read_kept_out}
    for tab in tabs:
        found.places[{"kept_out": ("exclude",), "study": ()}.get(tab.key, (tab.key,))] = tab.title
        rows = [row for row in tables.get(tab.key, ()) if tab.is_form or _says_something(row, tab)]
        readers.get(tab.key, _read_rows)(found, rows, tab)
    found.data = {k: v for k, v in found.data.items() if v != {} or k in ("citation", "arms")}
    return found


def _says_something(row: Cells, tab: Tab) -> bool:
    given = {name for name, cell in row.items() if cell.text or cell.complaint}
    # Items are laid out beforehand; one that was not judged says nothing.
    return bool(given - {"tool", "item", "question"} if tab.key == "risk_of_bias" else given)


def _cell(row: Cells, name: str) -> Cell:
    """Give a cell; where there is no such column, an empty one at the first place of the row."""
    return row.get(name, Cell(next(iter(row.values())).at))


def _read_study(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    for row in rows:
        found.put((), row, tab.fields)


def _read_arms(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    for row in rows:
        cell = _cell(row, "arm")
        if cell.complaint or not cell.text:
            found.say(cell, "arm", "This arm has no name. Write one; all for the whole.")
        elif cell.text in found.data["arms"]:
            found.say(cell, "arm", f"{quote(cell.text)} stands twice. Give each arm its own name.")
        else:
            path = ("arms", cell.text)
            found.places[path] = cell.at
            found.data["arms"][cell.text] = {}
            found.put(path, row, tab.fields)


def _read_rows(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    if rows:
        found.data[tab.key] = [{} for _ in rows]
    for i, row in enumerate(rows):
        found.places[tab.key, i] = _cell(row, "").at
        found.put((tab.key, i), row, tab.fields)


def _read_risk(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    tools = {row["tool"].text: row["tool"] for row in rows if "tool" in row and row["tool"].text}
    if len(tools) > 1:
        found.say(list(tools.values())[1], "tool", f"Two tools in one sheet: {' and '.join(tools)}. Use one.")
    items: dict[str, Any] = {}
    found.places["risk_of_bias", "items"] = _cell(rows[0], "").at if rows else tab.title
    for row in rows:
        item = _cell(row, "item")
        if not item.text:
            found.say(item, "item", "Which item is judged here?")
        elif item.text in items:
            found.say(item, "item", f"{quote(item.text)} stands twice. Judge each item once.")
        else:
            items[item.text] = {}
            path = ("risk_of_bias", "items", item.text)
            found.places[path] = item.at
            found.data["risk_of_bias"] = ({"tool": next(iter(tools))} if tools else {}) | {"items": items}
            found.put(path, row, [field for field in tab.fields if field.name in ("judgement", "support")])
            found.places.setdefault(("risk_of_bias", "tool"), row.get("tool", item).at)


def _read_kept_out(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    for row in rows:
        how, outcome, arm, reason = (_cell(row, name) for name in ("how", "outcome", "arm", "reason"))
        if how.text not in KEPT_OUT:
            empty = f"{EMPTY} Write one of: {', '.join(KEPT_OUT)}."
            found.say(how, "how", one_of(how.text, KEPT_OUT) if how.text else empty)
            continue
        if not (outcome.text and reason.text):
            for cell, name in ((outcome, "outcome"), (reason, "reason")):
                if not cell.text:
                    found.say(cell, name, f"{EMPTY} Fill it in.")
            continue
        entry = found.data.setdefault(how.text, {})
        before = entry.get(outcome.text)
        if before is not None and (not arm.text or isinstance(before, str) or arm.text in before):
            found.say(outcome, "outcome", f"{quote(outcome.text)} stands twice. Keep one row.")
        elif arm.text:
            entry.setdefault(outcome.text, {})[arm.text] = reason.text
            found.places[how.text, outcome.text, arm.text] = arm.at
        else:
            entry[outcome.text] = reason.text
        found.places.setdefault((how.text, outcome.text), outcome.at)
