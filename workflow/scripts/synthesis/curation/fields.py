"""The tabs of a workbook and the columns in them: names, allowed words, help and an example, from models and config.

``fields.csv`` holds what the models do not say of a field: how its cell is looked at for damage (``text`` where it says
nothing), how wide a column is, and an example for the tab Study and for the rows of others; * is its first word. And
for tables that people have: what a column may say as it stands, of its row or of its study, and what else it is called.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from ..protocol.config import Protocol
from ..sheets.collect import KEPT_OUT, SIDES
from ..sheets.sheet import Arm, Basis, Confidence, Outcome, Reading, Report, Sheet
from ..tables.files import read_table
from ..words.levels import MIXED, NOT_REPORTED
from .writing import LISTS, PARTS, keys_of

JUDGEMENTS = ("yes", "no", "unclear")
EXAMPLE = "example"  # what the first cell of an example row says
SAID = {row["name"]: row for row in read_table(Path(__file__).with_name("fields.csv"))}
KINDS = {name: row["kind"] for name, row in SAID.items() if row["kind"]}
MORE_HELP = {name: row["help"] for name, row in SAID.items() if row["help"]}
EXAMPLE_NOTE = SAID["note"]["in_rows"]
HEADINGS = {"citation": "{}", "enrolled": "enrolled_{}", "extraction": "{}_extraction"}


@dataclass(frozen=True)
class Field:
    """One cell of a form, or one column of a table.

    ``path`` says where its value stands in the sheet: from the top for a form, from the row for a table. ``kind`` is
    how damage is looked for: ``text``, ``pages``, ``count``, ``events`` (its limits, too), ``window``, ``percent`` or
    ``date``. No ``words``: any.
    """

    name: str
    path: tuple[str, ...] = ()
    kind: str = "text"
    words: tuple[str, ...] = ()
    about: str = ""
    required: bool = False
    example: str = ""

    @property
    def heading(self) -> str:
        """Give the name as a person sees it, with a mark where something is needed."""
        return self.name + (" *" if self.required else "")

    @property
    def help(self) -> str:
        """Give what a cell's comment says: what the field holds, and the words it may hold."""
        more = " … (tab Words)" if len(self.words) > 12 else ""
        words = f"One of: {', '.join(self.words[:12])}{more}." if self.words else ""
        return f"{self.about} {words}".strip().replace("`", "")


@dataclass(frozen=True)
class Tab:
    """One tab: a form (a field a row) or a table (a field a column)."""

    title: str
    key: str
    fields: tuple[Field, ...]
    about: str

    @property
    def is_form(self) -> bool:
        """Say whether fields run down the tab instead of across it."""
        return self.key == "study"

    @property
    def by_name(self) -> dict[str, Field]:
        """Give heading → field."""
        return {field.name: field for field in self.fields}


def tabs(protocol: Protocol) -> tuple[Tab, ...]:
    """Give the tabs of a workbook, in order, with the words of a review."""
    about = {
        "study": "The report, and how the study was done. Leave out what it does not say.",
        "arms": f"One row for each group of {protocol.review.unit}; the whole is called all.",
        "outcomes": f"One row for each count. Missing is {NOT_REPORTED}, never 0.",
        "comparisons": "Optional. One row for each 2×2 table of counts.",
        "characteristics": "Optional. One row for each fact about an arm.",
        "risk_of_bias": "Optional. One row for each item of the tool.",
        "kept_out": "Optional. One row for each outcome that must not be pooled, and why.",
    }
    fields = {"study": _study(protocol), "arms": _arms(protocol), "risk_of_bias": _risk(protocol)}
    fields |= {key: _rows(model, protocol) for key, model in LISTS.items()} | {"kept_out": _kept_out(protocol)}
    titles = {key: key.replace("_", " ").capitalize() for key in about} | {"kept_out": "Not pooled"}
    return tuple(Tab(titles[key], key, tuple(fields[key]), said) for key, said in about.items())


def words_of(name: str, protocol: Protocol) -> tuple[str, ...]:
    """Give the words a field may hold, by its name; empty when it is free text."""
    if name == "product" or name in protocol.attributes:
        return (*protocol.levels(name), MIXED)
    fixed = {
        "report": get_args(Report),
        "design": protocol.every_design,
        "basis": get_args(Basis),
        "confidence": get_args(Confidence),
        "second_reading": get_args(Reading),
        "judgement": JUDGEMENTS,
        "ascertainment": protocol.ascertainment,
        "outcome": protocol.outcomes,
        "tool": protocol.tools,
    }
    return tuple(fixed.get(name, ()))


def _field(model: Any, name: str, protocol: Protocol, path: tuple[str, ...] = (), heading: str = "") -> Field:
    info = model.model_fields[name if name in model.model_fields else f"{name}_"]
    said, words = SAID.get(name, {}), words_of(name, protocol)
    example = said.get("in_study" if model in (Sheet, *PARTS.values()) else "in_rows", "")
    example = next(iter(words), "") if example == "*" else example
    about = info.description or said.get("help", "")
    kind = KINDS.get(name, "text")
    kind = "count" if kind == "events" and model is not Outcome else kind  # only these may have limits
    return Field(heading or name, path or (name,), kind, words, about, info.is_required(), example)


def _study(protocol: Protocol) -> list[Field]:
    fields = []
    for key in keys_of(Sheet):
        if key in PARTS:
            for name in keys_of(PARTS[key]):
                heading = "citation_note" if name == "note" else HEADINGS[key].format(name)
                fields.append(_field(PARTS[key], name, protocol, (key, name), heading))
        elif key not in ("arms", "risk_of_bias", *LISTS, *KEPT_OUT):
            fields.append(_field(Sheet, key, protocol))
    return fields


def _arms(protocol: Protocol) -> list[Field]:
    described = [
        Field(key, (key,), words=words_of(key, protocol), about=f"{one.label}; {MIXED} when several.")
        for key, one in protocol.attributes.items()
    ]
    return [
        Field("arm", about="A short name; other tabs use it.", required=True, example="all"),
        *(_field(Arm, key, protocol) for key in ("label", "comprises", "part_of", "product")),
        *described,
        *(_field(Arm, key, protocol) for key in ("patients", "note")),
    ]


def _rows(model: Any, protocol: Protocol) -> list[Field]:
    cells = {"exposed": ("3", "20"), "unexposed": ("4", "69")}
    fields = []
    for name in keys_of(model):
        if name in SIDES:
            for key, example in zip(("events", "patients"), cells[name], strict=True):
                about = f"{key.capitalize()} of the {name}."
                fields.append(Field(f"{name}_{key}", (name, key), "count", (), about, True, example))
        else:
            fields.append(_field(model, name, protocol))
    if model is LISTS["characteristics"]:  # the example is a value, so not a count
        unsaid = ("events", "patients", "confidence")
        fields = [replace(field, example="") if field.name in unsaid else field for field in fields]
    return fields


def _risk(protocol: Protocol) -> list[Field]:
    tool, items = next(iter(protocol.tools.items()), ("", {}))
    every_item = tuple(dict.fromkeys(item for questions in protocol.tools.values() for item in questions))
    item, question = next(iter(items.items()), ("", ""))
    support = "What in the report supports the judgement."
    return [
        Field("tool", ("tool",), "text", tuple(protocol.tools), "One tool for the whole sheet.", True, tool),
        Field("item", ("item",), "text", every_item, "An item of the tool.", True, item),
        Field("question", about="What the item asks; not read back.", example=question),
        Field("judgement", ("judgement",), "text", JUDGEMENTS, MORE_HELP["judgement"], True, "unclear"),
        Field("support", ("support",), "text", (), support, True, f"not described ({EXAMPLE_NOTE})"),
    ]


def _kept_out(protocol: Protocol) -> list[Field]:
    how = "exclude: never pooled. sensitivity_only: in sensitivity analyses only."
    outcomes, reason = tuple(protocol.outcomes), f"Counts events, not persons ({EXAMPLE_NOTE})."
    return [
        Field("how", ("how",), "text", KEPT_OUT, how, True, "exclude"),
        Field("outcome", ("outcome",), "text", outcomes, "", True, outcomes[0]),
        Field("arm", ("arm",), about="Blank: in every arm."),
        Field("reason", ("reason",), "text", (), "Why, in words.", True, reason),
    ]
