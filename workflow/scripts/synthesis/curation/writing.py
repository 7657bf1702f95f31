"""Sheets as YAML text, in the manner of ``studies/``: keys in the model's order, short mappings on one line."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ..sheets.sheet import Characteristic, Citation, Comparison, Extraction, Outcome, Sheet, Span
from ..tables.yaml_text import NOTHING
from ..words.levels import NOT_REPORTED, UNSTATED

SCHEMA_LINE = "# yaml-language-server: $schema=sheet.schema.json\n"
WORDS_FOR_NONE = {"events": NOT_REPORTED, "patients": NOT_REPORTED, "window": UNSTATED}
ON_ONE_LINE = ("enrolled", "extraction", "exposed", "unexposed", "comprises")
PARTS = {"citation": Citation, "enrolled": Span, "extraction": Extraction}
LISTS = {"outcomes": Outcome, "comparisons": Comparison, "characteristics": Characteristic}
STR, SEQ, MAP = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class Todo(str):
    """A value that is still to be found: written as an empty value with this text as its comment."""


def keys_of(model: type) -> list[str]:
    """Give the keys of a model as a sheet has them: what a row is about first, what every number carries last."""
    names = sorted(model.model_fields, key=lambda name: name not in model.__annotations__)
    return [model.model_fields[name].alias or name for name in names]


def sheet_data(sheet: Sheet) -> dict[str, Any]:
    """Give a typed sheet as the nested texts that its YAML holds.

    Only what was written is given: a key that was left out stays out, and what is missing in words (`not reported`,
    `unstated`) is words again.
    """
    return _texts(sheet.model_dump(by_alias=True, exclude_unset=True))


def _texts(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        kept = ((k, _texts(v, k)) for k, v in value.items())
        return {k: v for k, v in kept if v is not None}
    if isinstance(value, list | tuple):
        return [_texts(item) for item in value]
    return WORDS_FOR_NONE.get(key) if value is None else str(value)


def to_yaml(sheet: Sheet, attributes: Iterable[str] = ()) -> str:
    """Write a typed sheet as YAML that reads back as an equal sheet; comments of an earlier file are not in it.

    The config's attributes of an arm stand in their order; others keep the order they were written in.
    """
    return data_to_yaml(sheet_data(sheet), attributes)


def data_to_yaml(data: Mapping[str, Any], attributes: Iterable[str] = ()) -> str:
    """Write the nested texts of a sheet as YAML; a :class:`Todo` in them becomes an empty value with its comment."""
    todos: list[str] = []
    node = _node(_in_order(data, attributes), todos)
    text = yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=float("inf"), indent=2)
    return SCHEMA_LINE + "".join(f"{_with_comment(line, todos)}\n" for line in text.splitlines())


class _Dumper(yaml.BaseDumper):
    """PyYAML's emitter with lists indented below their key, and double quotes where quotes are needed.

    Its base has no implicit types, as the reader has none: a text is quoted only when it would not come back, and
    ``NO`` is a text like any other.
    """

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> str:
        return (super().choose_scalar_style() or self.event.value in NOTHING) and '"'


def _node(value: Any, todos: list[str], key: str = "", flow: bool = False) -> yaml.Node:
    flow = flow or key in ON_ONE_LINE
    if isinstance(value, Mapping):
        inside = flow or key == "arms"  # every arm stands on one line
        pairs = [(yaml.ScalarNode(STR, k), _node(v, todos, k, inside)) for k, v in value.items()]
        return yaml.MappingNode(MAP, pairs, flow_style=flow or not value)
    if isinstance(value, list | tuple):
        return yaml.SequenceNode(SEQ, [_node(item, todos, "", flow) for item in value], flow_style=flow or not value)
    if isinstance(value, Todo):
        todos.append(value)
        value = f"__todo_{len(todos) - 1}__"
    return yaml.ScalarNode(STR, str(value))


def _with_comment(line: str, todos: list[str]) -> str:
    """Turn the marks of what is missing into nothing, and say behind the line what belongs there."""
    said = [todos[int(i)] for i in re.findall(r"__todo_([0-9]+)__", line) if int(i) < len(todos)]
    if not said:
        return line
    comment = "; ".join(filter(None, said))
    return re.sub(r"__todo_[0-9]+__", "", line).rstrip() + (f"  # {comment}" if comment else "")


def _in_order(data: Mapping[str, Any], attributes: Iterable[str]) -> dict[str, Any]:
    """Put the keys of a sheet in the order of the models."""
    of_arm = ["label", "comprises", "part_of", "product", *attributes]
    ordered = _sorted(data, keys_of(Sheet))
    for key, value in ordered.items():
        if key in PARTS and isinstance(value, Mapping):
            ordered[key] = _sorted(value, keys_of(PARTS[key]))
        elif key in LISTS and isinstance(value, list | tuple):
            ordered[key] = [_sorted(row, keys_of(LISTS[key])) for row in value]
        elif key == "arms":
            ordered[key] = {name: _sorted(arm, of_arm, ["patients", "note"]) for name, arm in value.items()}
    return ordered


def _sorted(data: Mapping[str, Any], first: list[str], last: Iterable[str] = ()) -> dict[str, Any]:
    others = [key for key in data if key not in (*first, *last)]
    return {key: data[key] for key in (*first, *others, *last) if key in data}
