"""A new sheet: every field with what belongs there and the words it may hold, empty where it is needed."""

import datetime as dt
import re
import textwrap
from pathlib import Path

from ..protocol.config import Protocol
from ..sheets.collect import SIDES
from ..sheets.sheet import Citation
from ..words.levels import MIXED
from ..words.templates import render
from .fields import Field, tabs
from .writing import LISTS, SCHEMA_LINE, keys_of

TEMPLATE = Path(__file__).with_name("new_sheet.yaml.j2")
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
    """Write an empty sheet with comments: no number is in it, and ``sheet check`` complains until it is filled in."""
    return render(
        TEMPLATE,
        id=name,
        label=label_of(name),
        today=today,
        schema=SCHEMA_LINE.rstrip(),
        unit=protocol.review.unit,
        tools=protocol.tools,
        fields={tab.key: tab.by_name for tab in tabs(protocol)},
        attributes=["product", *protocol.attributes],
        keys={"citation": keys_of(Citation)} | {key: keys_of(model) for key, model in LISTS.items()},
        sides=SIDES,
        mixed=MIXED,
        hint=_hint,
        words=_words,
        comment=_comment,
    )


def _hint(field: Field) -> str:
    """Say behind a field what it holds; an example where the form matters more than the words."""
    shown = field.kind != "text" or field.name in ("authors", "doi", "arm", "exposure", "value", "unit")
    example = f"For instance {field.example.rstrip('.')}." if field.example and shown and not field.words else ""
    words = f"{' or '.join(field.words)}." if 0 < len(field.words) <= 3 and not field.required else ""
    said = " ".join(filter(None, (field.about, words, example)))
    return f"  # {said}" if said else ""


def _comment(text: str, indent: str) -> str:
    first, later = f"{indent}# ", f"{indent}#   "
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def _words(field: Field, indent: str) -> str:
    about = f"{field.about} One of" if field.about else "one of"
    return _comment(f"{field.name}: {about}: {', '.join(field.words)}", indent)
