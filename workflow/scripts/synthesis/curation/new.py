"""A new sheet: every field with what belongs there and the words it may hold, empty where it is needed."""

import datetime as dt
import re
import textwrap
from collections.abc import Mapping

from ..protocol.config import Protocol
from ..sheets.collect import SIDES
from ..sheets.sheet import Arm, Characteristic, Citation, Comparison, Outcome
from ..words.levels import MIXED
from .fields import Field, tabs
from .writing import SCHEMA_LINE, keys_of

WIDTH = 118
ID = re.compile(r"([a-z]+)([0-9]{4})([a-z]?)")
KEPT = "optional: outcome (or `outcome: {arm: reason}`) and the reason why it is never pooled"


def label_of(name: str) -> str:
    """Give the label that an id suggests.

    >>> label_of("smith2025"), label_of("smith2025b")
    ('Smith 2025', 'Smith 2025b')
    """
    author, year, letter = ID.fullmatch(name).groups()
    return f"{author.capitalize()} {year}{letter}"


def new_sheet(name: str, protocol: Protocol, today: dt.date) -> str:
    """Write an empty sheet with comments: no number is in it, and ``sheet check`` complains until it is filled in."""
    fields = {tab.key: tab.by_name for tab in tabs(protocol)}
    study = fields["study"]
    lines = [
        SCHEMA_LINE.rstrip(),
        f"# Fill in, delete what the report does not say, then: sheet check {name}",
        "# Every field is explained in studies/README.md. An empty value counts as missing; never guess.",
        f"id: {name}",
        f"label: {label_of(name)}",
        "citation:",
        *(f"  {key}:{_hint(study[key])}" for key in Citation.model_fields if key != "note"),
    ]
    for key in ("report", "design", "ascertainment"):
        lines += [*_words(study[key], ""), f"{key}:"]
    lines += [f"{key}:{_hint(study[key])}" for key in ("country", "centres")]
    lines.append("enrolled: {from: , to: }  # each YYYY, YYYY-MM or YYYY-MM-DD")
    lines += [f"{key}:{_hint(study[key])}" for key in ("cohort", "overlaps", "note")]
    lines += _arms(fields["arms"], protocol) + _outcomes(fields["outcomes"]) + _optional(fields, protocol)
    lines.append(f"extraction: {{first: {today.isoformat()}}}  # second: when another reader compared the numbers")
    return "\n".join(lines) + "\n"


def _hint(field: Field) -> str:
    """Say behind a field what it holds; an example where the form matters more than the words."""
    shown = field.kind != "text" or field.name in ("authors", "doi", "arm", "exposure", "value", "unit")
    example = f"For instance {field.example.rstrip('.')}." if field.example and shown and not field.words else ""
    words = f"{' or '.join(field.words)}." if 0 < len(field.words) <= 3 and not field.required else ""
    said = " ".join(filter(None, (field.about, words, example)))
    return f"  # {said}" if said else ""


def _comment(text: str, indent: str) -> list[str]:
    first, later = f"{indent}# ", f"{indent}#   "
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def _words(field: Field, indent: str) -> list[str]:
    about = f"{field.about} One of" if field.about else "one of"
    return _comment(f"{field.name}: {about}: {', '.join(field.words)}", indent)


def _arms(fields: Mapping[str, Field], protocol: Protocol) -> list[str]:
    keys = ["product", *protocol.attributes]
    unsaid = "When the report does not say: leave it empty."
    about = {key: Arm.model_fields[key].description for key in ("comprises", "part_of", "label", "note")}
    return [
        "arms:",
        f"  # One block for each group of {protocol.review.unit}; the whole is called all.",
        *(line for key in keys for line in _words(fields[key], "  ")),
        *_comment(f"When one arm holds several: {MIXED}. {unsaid}", "  "),
        "  all:",
        *(f"    {key}:" for key in keys),
        f"    patients:{_hint(fields['patients'])}",
        *(f"    # {key}: {said or 'What is unusual about this arm.'}" for key, said in about.items()),
    ]


def _outcomes(fields: Mapping[str, Field]) -> list[str]:
    return [
        "outcomes:",
        "  # One block for each count; copy the block. When nothing countable was readable: `outcomes: []`",
        *(line for key in ("outcome", "basis", "confidence") for line in _words(fields[key], "  ")),
        *_block(
            Outcome, {key: "" if field.words and field.required else _hint(field) for key, field in fields.items()}
        ),
    ]


def _block(model: type, behind: Mapping[str, str], before: str = "") -> list[str]:
    """Give one item of a list: its keys, and what stands behind each."""
    return [f"{before}  {' ' if i else '-'} {key}:{behind[key]}" for i, key in enumerate(keys_of(model))]


def _optional(fields: Mapping[str, Mapping[str, Field]], protocol: Protocol) -> list[str]:
    """Give the parts that may be left out, as comments to be uncommented."""
    hints = {
        tab: {key: "" if field.words else _hint(field) for key, field in fields[tab].items()}
        for tab in ("comparisons", "characteristics")
    }
    cells = dict.fromkeys(SIDES, " {events: , patients: }")
    lines = [
        "# comparisons:  # optional: one block for each 2×2 table of counts",
        *_block(Comparison, hints["comparisons"] | cells, "# "),
        "# characteristics:  # optional: facts about an arm, each a count or a value as printed",
        *_block(Characteristic, hints["characteristics"], "# "),
    ]
    for tool, items in protocol.tools.items():
        lines += ["# risk_of_bias:  # optional: judge each item yes, no or unclear, and say what supports it"]
        lines += [f"#   tool: {tool}", "#   items:"]
        for item, question in items.items():
            lines += [f"#     {item}:", *_comment(question, "#       "), "#       judgement:", "#       support:"]
    kept = "# sensitivity_only:  # optional: the same for rows of sensitivity analyses only"
    return [*lines, f"# exclude:  # {KEPT}", kept]
