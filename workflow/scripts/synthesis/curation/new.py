"""A new sheet: every field with what belongs there and the words it may hold, empty where it is needed."""

import datetime as dt
import re
import textwrap

from ..protocol.config import Protocol
from ..sheets.sheet import Arm, Characteristic, Citation, Comparison, Outcome
from ..words.levels import MIXED
from .fields import Field, tabs
from .writing import SCHEMA_LINE

WIDTH = 118
ID = re.compile(r"([a-z]+)([0-9]{4})([a-z]?)")


def label_of(name: str) -> str:
    """Give the label that an id suggests.

    >>> label_of("smith2025"), label_of("smith2025b")
    ('Smith 2025', 'Smith 2025b')
    """
    author, year, letter = ID.fullmatch(name).groups()
    return f"{author.capitalize()} {year}{letter}"


def new_sheet(name: str, protocol: Protocol, today: dt.date) -> str:
    """Write a commented, empty sheet.

    Parameters
    ----------
    name : str
        Its id: author and year.
    protocol : Protocol
        The words a sheet may use; each field lists its own.
    today : date
        When the study is read.

    Returns
    -------
    str
        YAML that ``sheet check`` complains of until what is needed is filled in. Nothing in it is a number.
    """
    by_key = {tab.key: {field.name: field for field in tab.fields} for tab in tabs(protocol)}
    study = by_key["study"]
    lines = [
        SCHEMA_LINE.rstrip(),
        "# Fill in, delete what the report does not say, then: sheet check " + name,
        "# Every field is explained in studies/README.md. An empty value counts as missing; never guess.",
        f"id: {name}",
        f"label: {label_of(name)}",
        "citation:",
        *(f"  {key}:{_hint(study[key])}" for key in Citation.model_fields if key != "note"),
    ]
    for key in ("report", "design", "ascertainment"):
        lines += [*_words(study[key], ""), f"{key}:"]
    for key in ("country", "centres"):
        lines.append(f"{key}:{_hint(study[key])}")
    lines.append("enrolled: {from: , to: }  # each YYYY, YYYY-MM or YYYY-MM-DD")
    for key in ("cohort", "overlaps", "note"):
        lines.append(f"{key}:{_hint(study[key])}")
    lines += _arms(by_key["arms"], protocol) + _outcomes(by_key["outcomes"])
    lines += _optional(by_key, protocol)
    lines.append(f"extraction: {{first: {today.isoformat()}}}  # second: when another reader compared the numbers")
    return "\n".join(lines) + "\n"


def _hint(field: Field) -> str:
    """Say behind a field what it holds; an example where the form matters more than the words."""
    shown = field.kind != "text" or field.name in ("authors", "doi", "arm", "exposure", "value", "unit")
    example = f"For instance {field.example.rstrip('.')}." if field.example and shown and not field.words else ""
    words = f"{' or '.join(field.words)}." if 0 < len(field.words) <= 3 and not field.required else ""
    said = " ".join(part for part in (field.about, words, example) if part)
    return f"  # {said}" if said else ""


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ", break_on_hyphens=False
    )


def _words(field: Field, indent: str) -> list[str]:
    about = f"{field.name}: {field.about} One of: " if field.about else f"{field.name}: one of: "
    return _comment(about + ", ".join(field.words), indent)


def _arms(fields: dict[str, Field], protocol: Protocol) -> list[str]:
    lines = ["arms:", f"  # One block for each group of {protocol.review.unit}; the whole is called all."]
    keys = ["product", *protocol.attributes]
    for key in keys:
        lines += _words(fields[key], "  ")
    lines += _comment(f"When one arm holds several: {MIXED}. When the report does not say: leave it empty.", "  ")
    lines += ["  all:", *(f"    {key}:" for key in keys), f"    patients:{_hint(fields['patients'])}"]
    for key in ("comprises", "part_of", "label", "note"):
        about = Arm.model_fields[key].description or "What is unusual about this arm."
        lines.append(f"    # {key}: {about}")
    return lines


def _outcomes(fields: dict[str, Field]) -> list[str]:
    lines = [
        "outcomes:",
        "  # One block for each count; copy the block. When nothing countable was readable: `outcomes: []`",
    ]
    for key in ("outcome", "basis", "confidence"):
        lines += _words(fields[key], "  ")
    for i, key in enumerate(Outcome.__annotations__ | Outcome.__base__.__annotations__):
        field = fields[key]
        hint = "" if field.words and field.required else _hint(field)
        lines.append(f"  {'-' if i == 0 else ' '} {key}:{hint}")
    return lines


def _optional(by_key: dict[str, dict[str, Field]], protocol: Protocol) -> list[str]:
    """Give the parts that may be left out, as comments to be uncommented."""
    comparison, fact = by_key["comparisons"], by_key["characteristics"]
    lines = ["# comparisons:  # optional: one block for each 2×2 table of counts"]
    for i, key in enumerate(Comparison.__annotations__ | Comparison.__base__.__annotations__):
        value = " {events: , patients: }" if key in ("exposed", "unexposed") else ""
        hint = "" if value or comparison[key].words else _hint(comparison[key])
        lines.append(f"#   {'-' if i == 0 else ' '} {key}:{value}{hint}")
    lines.append("# characteristics:  # optional: facts about an arm, each a count or a value as printed")
    for i, key in enumerate(Characteristic.model_fields):
        lines.append(f"#   {'-' if i == 0 else ' '} {key}:{'' if fact[key].words else _hint(fact[key])}")
    for tool, items in protocol.tools.items():
        lines += [
            "# risk_of_bias:  # optional: judge each item yes, no or unclear, and say what supports it",
            f"#   tool: {tool}",
            "#   items:",
        ]
        for item, question in items.items():
            lines += [f"#     {item}:", *_comment(question, "#       "), "#       judgement:", "#       support:"]
    kept = "outcome (or `outcome: {arm: reason}`) and the reason why it is never pooled"
    lines += [
        f"# exclude:  # optional: {kept}",
        "# sensitivity_only:  # optional: the same for rows of sensitivity analyses only",
    ]
    return lines
