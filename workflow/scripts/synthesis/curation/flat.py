"""A sheet as the rows of tabs, and back: nested texts ↔ one row of cells for each thing.

Nothing here knows of files. Cells carry where they stand, so that a problem found later is told at its cell.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..sheets.collect import KEPT_OUT
from ..tables.located import Path_
from ..tables.problems import one_of, quote
from .fields import Field, Tab

Row = dict[str, str]


@dataclass(frozen=True)
class Cell:
    """What one cell says.

    Parameters
    ----------
    at : str
        Where it is: ``Outcomes!D7``.
    text : str
        Blank when empty or not to be trusted.
    complaint : str or None
        Why it is not to be trusted.
    """

    at: str
    text: str = ""
    complaint: str | None = None


Cells = dict[str, Cell]  # heading → cell, of one row


@dataclass
class Gathered:
    """What tabs say together: the nested texts, the place of each, and what is wrong already.

    Parameters
    ----------
    data : dict
        As :class:`synthesis.tables.located.Located` has it.
    places : dict
        Path → where it stands; an empty cell too, so that a missing value has a place.
    problems : list of (place, message)
    spoilt : set of paths
        What could not be read, so that nothing is said twice.
    """

    data: dict[str, Any]
    places: dict[Path_, str]
    problems: list[tuple[str, str]]
    spoilt: set[Path_]


def spread(data: Mapping[str, Any], tab: Tab, tools: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """Give the rows of one tab.

    Parameters
    ----------
    data : mapping
        Nested texts of a sheet, complete or not.
    tab : Tab
    tools : mapping
        Risk-of-bias tool → item → question. Without judgements the items of the first tool are laid out, to be
        filled in.

    Returns
    -------
    list of dict
        Heading → text; a form has one row.
    """
    if tab.key == "study":
        return [_row(tab.fields, data)]
    if tab.key == "arms":
        arms = data.get("arms", {})
        return [{"arm": name} | _row(tab.fields, arm if isinstance(arm, Mapping) else {}) for name, arm in arms.items()]
    if tab.key == "risk_of_bias":
        return _risk_rows(data.get("risk_of_bias") or {}, tools)
    if tab.key == "kept_out":
        return list(_kept_out_rows(data))
    return [_row(tab.fields, row) for row in data.get(tab.key) or ()]


def _row(fields: Iterable[Field], data: Mapping[str, Any]) -> Row:
    found = ((field.name, _at(data, field.path)) for field in fields if field.path)
    return {name: text for name, text in found if text}


def _at(data: Any, path: Sequence[str]) -> str:
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return ", ".join(map(str, data)) if isinstance(data, list | tuple) else "" if data is None else str(data).strip()


def _risk_rows(given: Mapping[str, Any], tools: Mapping[str, Mapping[str, str]]) -> list[Row]:
    tool = given.get("tool") or next(iter(tools), "")
    questions, judged = tools.get(tool, {}), given.get("items") or {}
    rows = []
    for item in [*judged, *(item for item in questions if item not in judged)]:
        entry = judged.get(item) or {}
        row = {"tool": tool, "item": item, "question": questions.get(item, "")}
        rows.append(row | {key: _at(entry, (key,)) for key in ("judgement", "support")})
    return [{key: text for key, text in row.items() if text} for row in rows]


def _kept_out_rows(data: Mapping[str, Any]) -> Iterator[Row]:
    for how in KEPT_OUT:
        for outcome, reason in (data.get(how) or {}).items():
            if isinstance(reason, Mapping):
                for arm, why in reason.items():
                    yield {"how": how, "outcome": outcome, "arm": arm, "reason": str(why).strip()}
            else:
                yield {"how": how, "outcome": outcome, "reason": str(reason).strip()}


def gather(tables: Mapping[str, Sequence[Cells]], tabs: Iterable[Tab], titles: Mapping[str, str]) -> Gathered:
    """Put the rows of all tabs together to one sheet.

    Parameters
    ----------
    tables : mapping
        Key of a tab → its rows.
    tabs : iterable of Tab
    titles : mapping
        Key of a tab → what a message calls it, where a whole tab is meant.

    Returns
    -------
    Gathered
    """
    found = Gathered({"citation": {}, "arms": {}, "outcomes": []}, {}, [], set())
    by_key = {tab.key: tab for tab in tabs}
    for key, tab in by_key.items():
        found.places[("exclude",) if key == "kept_out" else () if key == "study" else (key,)] = titles[key]
        rows = [row for row in tables.get(key, ()) if tab.is_form or _says_something(row, tab)]
        read = {"study": _read_study, "arms": _read_arms, "risk_of_bias": _read_risk, "kept_out": _read_kept_out}
        read.get(key, _read_rows)(found, rows, tab)
    found.data = {k: v for k, v in found.data.items() if v != {} or k in ("citation", "arms")}
    return found


def _says_something(row: Cells, tab: Tab) -> bool:
    given = {name for name, cell in row.items() if cell.text or cell.complaint}
    if tab.key == "risk_of_bias":  # items are laid out beforehand; one that was not judged says nothing
        given -= {"tool", "item", "question"}
    return bool(given)


def _put(found: Gathered, base: Path_, row: Cells, fields: Iterable[Field]) -> None:
    """Put the cells of one row below a path."""
    for field in fields:
        cell = row.get(field.name)
        if cell is None or not field.path:
            continue
        path = (*base, *field.path)
        found.places[path] = cell.at
        for end in range(len(base) + 1, len(path)):
            found.places.setdefault(path[:end], cell.at)
        if cell.complaint:
            found.problems.append((f"{cell.at} ({field.name})", cell.complaint))
            found.spoilt.add(path)
        elif cell.text:
            here: Any = found.data
            for step in path[:-1]:
                here = here[step] if isinstance(here, list) else here.setdefault(step, {})
            here[path[-1]] = _parts(cell.text) if field.name == "comprises" else cell.text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def _first(row: Cells) -> str:
    return next(iter(row.values())).at


def _read_study(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    for row in rows:
        _put(found, (), row, tab.fields)


def _read_arms(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    for row in rows:
        cell = row.get("arm", Cell(_first(row)))
        if cell.complaint or not cell.text:
            found.problems.append(
                (f"{cell.at} (arm)", cell.complaint or "This arm has no name. Write one; all for the whole.")
            )
        elif cell.text in found.data["arms"]:
            found.problems.append((f"{cell.at} (arm)", f"{quote(cell.text)} stands twice. Give each arm its own name."))
        else:
            path = ("arms", cell.text)
            found.places[path] = cell.at
            found.data["arms"][cell.text] = {}
            _put(found, path, row, tab.fields)


def _read_rows(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    if rows:
        found.data[tab.key] = [{} for _ in rows]
    for i, row in enumerate(rows):
        found.places[(tab.key, i)] = _first(row)
        _put(found, (tab.key, i), row, tab.fields)


def _read_risk(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    tools = {row["tool"].text: row["tool"].at for row in rows if "tool" in row and row["tool"].text}
    if len(tools) > 1:
        place = f"{list(tools.values())[1]} (tool)"
        found.problems.append((place, f"Two tools in one sheet: {' and '.join(tools)}. Use one."))
    entries: dict[str, Any] = {}
    found.places[("risk_of_bias", "items")] = _first(rows[0]) if rows else tab.title
    for row in rows:
        item = row.get("item", Cell(_first(row)))
        if not item.text or item.text in entries:
            said = (
                f"{quote(item.text)} stands twice. Judge each item once." if item.text else "Which item is judged here?"
            )
            found.problems.append((f"{item.at} (item)", item.complaint or said))
            continue
        entries[item.text] = {}
        path = ("risk_of_bias", "items", item.text)
        found.places[path] = item.at
        found.data["risk_of_bias"] = {"tool": next(iter(tools), None), "items": entries}
        _put(found, path, row, [field for field in tab.fields if field.name in ("judgement", "support")])
        found.places.setdefault(("risk_of_bias", "tool"), row["tool"].at if "tool" in row else item.at)
    if entries and not tools:
        found.data["risk_of_bias"].pop("tool")


def _read_kept_out(found: Gathered, rows: Sequence[Cells], tab: Tab) -> None:
    for row in rows:
        how, outcome, arm, reason = (row.get(name, Cell(_first(row))) for name in ("how", "outcome", "arm", "reason"))
        if how.text not in KEPT_OUT:
            said = (
                one_of(how.text, KEPT_OUT) if how.text else f"This cell is empty. Write one of: {', '.join(KEPT_OUT)}."
            )
            found.problems.append((f"{how.at} (how)", how.complaint or said))
            continue
        blank = [(cell, name) for cell, name in ((outcome, "outcome"), (reason, "reason")) if not cell.text]
        for cell, name in blank:
            found.problems.append((f"{cell.at} ({name})", cell.complaint or "This cell is empty. Fill it in."))
        if blank:
            continue
        entry = found.data.setdefault(how.text, {})
        before = entry.get(outcome.text)
        if before is not None and (not arm.text or isinstance(before, str) or arm.text in before):
            found.problems.append((f"{outcome.at} (outcome)", f"{quote(outcome.text)} stands twice. Keep one row."))
        elif arm.text:
            entry.setdefault(outcome.text, {})[arm.text] = reason.text
            found.places[(how.text, outcome.text, arm.text)] = arm.at
        else:
            entry[outcome.text] = reason.text
        found.places.setdefault((how.text, outcome.text), outcome.at)
