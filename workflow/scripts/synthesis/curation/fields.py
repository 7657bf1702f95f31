"""The tabs of a workbook and the columns in them: names, allowed words, help and an example, from models and config."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from ..protocol.config import Protocol
from ..sheets.collect import KEPT_OUT, SIDES
from ..sheets.sheet import (
    Arm,
    Basis,
    Characteristic,
    Citation,
    Comparison,
    Confidence,
    Extraction,
    Outcome,
    Reading,
    Report,
    Sheet,
    Span,
)
from ..words.levels import MIXED, NOT_REPORTED

JUDGEMENTS = ("yes", "no", "unclear")
EXAMPLE = "example"  # what the first cell of an example row says
EXAMPLE_NOTE = "an example; this row is not read"
KINDS = {
    "events": "count",
    "patients": "count",
    "centres": "count",
    "year": "count",
    "window": "window",
    "reported": "percent",
    "volume": "pages",
    "issue": "pages",
    "pages": "pages",
    "from": "date",
    "to": "date",
    "first": "date",
    "second": "date",
}
MORE_HELP = {
    "volume": "Volume.",
    "issue": "Issue.",
    "pages": "First and last page.",
    "country": "In English; multinational for several.",
    "centres": "How many.",
    "from": "First enrolment: YYYY, YYYY-MM or YYYY-MM-DD.",
    "to": "Last enrolment: YYYY, YYYY-MM or YYYY-MM-DD.",
    "first": "When the sheet was read: YYYY-MM-DD.",
    "second": "When a second reader compared it: YYYY-MM-DD; blank = read once.",
    "arm": "A name from arms.",
    "second_note": "What the second reader found.",
    "exposure": "What the groups differ in, in words.",
    "name": "Small letters and _, for instance median_age_years.",
    "unit": "Unit of the value.",
    "note": "Anything else.",
    "judgement": "yes, no or unclear; what was not read is unclear.",
}


@dataclass(frozen=True)
class Field:
    """One cell of a form, or one column of a table.

    Parameters
    ----------
    name : str
        Its heading.
    path : tuple of str
        Where its value stands in the sheet: from the top for a form, from the row for a table.
    kind : str
        How damage is looked for: ``text``, ``pages``, ``count``, ``window``, ``percent`` or ``date``.
    words : tuple of str
        The words allowed; empty when any text is.
    about : str
        What it holds, for the cell's comment.
    required : bool
    example : str
    """

    name: str
    path: tuple[str, ...]
    kind: str = "text"
    words: tuple[str, ...] = ()
    about: str = ""
    required: bool = False
    example: str = ""


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


def tabs(protocol: Protocol) -> tuple[Tab, ...]:
    """Give the tabs of a workbook, in order, with the words of a review."""
    every = "One row for each "
    return (
        Tab(
            "Study",
            "study",
            _study(protocol),
            "The report, and how the study was done. Leave out what it does not say.",
        ),
        Tab("Arms", "arms", _arms(protocol), f"{every}group of {protocol.review.unit}; the whole is called all."),
        Tab("Outcomes", "outcomes", _rows(Outcome, protocol), f"{every}count. Missing is {NOT_REPORTED}, never 0."),
        Tab("Comparisons", "comparisons", _rows(Comparison, protocol), f"Optional. {every}2×2 table of counts."),
        Tab(
            "Characteristics",
            "characteristics",
            _rows(Characteristic, protocol),
            f"Optional. {every}fact about an arm.",
        ),
        Tab("Risk of bias", "risk_of_bias", _risk(protocol), f"Optional. {every}item of the tool."),
        Tab(
            "Not pooled", "kept_out", _kept_out(protocol), f"Optional. {every}outcome that must not be pooled, and why."
        ),
    )


def words_of(name: str, protocol: Protocol) -> tuple[str, ...]:
    """Give the words a field may hold, by its name; empty when it is free text."""
    fixed = {
        "report": get_args(Report),
        "design": protocol.every_design,
        "basis": get_args(Basis),
        "confidence": get_args(Confidence),
        "second_reading": get_args(Reading),
        "judgement": JUDGEMENTS,
        "ascertainment": tuple(protocol.ascertainment),
        "outcome": tuple(protocol.outcomes),
        "tool": tuple(protocol.tools),
        "kept": KEPT_OUT,
    }
    if name == "product" or name in protocol.attributes:
        return (*protocol.levels(name), MIXED)
    return tuple(fixed.get(name, ()))


def _field(
    model: Any, name: str, path: tuple[str, ...], protocol: Protocol, example: str = "", heading: str = ""
) -> Field:
    info = model.model_fields[name if name in model.model_fields else f"{name}_"]
    about = info.description or MORE_HELP.get(name, "")
    kind = KINDS.get(name, "text")
    return Field(heading or name, path, kind, words_of(name, protocol), about, info.is_required(), example)


def _study(protocol: Protocol) -> tuple[Field, ...]:
    examples = {
        "id": "smith2025",
        "label": "Smith 2025",
        "authors": "Smith J et al.",
        "title": "The title as printed",
        "journal": "Journal in full",
        "year": "2025",
        "volume": "1",
        "issue": "2",
        "pages": "3-10",
        "doi": "10.1000/xyz",
        "pmid": "12345678",
        "url": "https://example.org/the-page-that-was-read",
        "report": "article",
        "design": "retrospective cohort",
        "ascertainment": next(iter(protocol.ascertainment)),
        "country": "Country",
        "centres": "1",
        "from": "2020-01",
        "to": "2024-12",
        "first": "2025-06-30",
    }

    def one(model: Any, name: str, path: tuple[str, ...], heading: str = "") -> Field:
        return _field(model, name, path, protocol, examples.get(name, ""), heading)

    return (
        one(Sheet, "id", ("id",)),
        one(Sheet, "label", ("label",)),
        *(one(Citation, name, ("citation", name)) for name in Citation.model_fields if name != "note"),
        one(Citation, "note", ("citation", "note"), "citation_note"),
        *(one(Sheet, name, (name,)) for name in ("report", "design", "ascertainment", "country", "centres")),
        one(Span, "from", ("enrolled", "from"), "enrolled_from"),
        one(Span, "to", ("enrolled", "to"), "enrolled_to"),
        *(one(Sheet, name, (name,)) for name in ("cohort", "overlaps", "note")),
        one(Extraction, "first", ("extraction", "first"), "first_extraction"),
        one(Extraction, "second", ("extraction", "second"), "second_extraction"),
    )


def _arms(protocol: Protocol) -> tuple[Field, ...]:
    product = next(iter(protocol.products), "")
    examples = {"product": product, "patients": "89", "note": EXAMPLE_NOTE}
    name = Field("arm", (), "text", (), "A short name; other tabs use it.", True, "all")
    described = [
        Field(key, (key,), "text", words_of(key, protocol), f"{protocol.attributes[key].label}; {MIXED} when several.")
        for key in protocol.attributes
    ]
    before = ("label", "comprises", "part_of", "product")
    return (
        name,
        *(_field(Arm, key, (key,), protocol, examples.get(key, "")) for key in before),
        *described,
        *(_field(Arm, key, (key,), protocol, examples.get(key, "")) for key in ("patients", "note")),
    )


def _rows(model: Any, protocol: Protocol) -> tuple[Field, ...]:
    examples = {
        "outcome": next(iter(protocol.outcomes)),
        "arm": "all",
        "events": "7",
        "patients": "89",
        "window": "90",
        "window_text": "within 90 days",
        "definition": "what counted as the outcome",
        "reported": "7.9%",
        "basis": "stated",
        "confidence": "high",
        "source": "table 2",
        "exposure": "age of 65 or more",
        "name": "median_age_years",
        "value": "62",
        "unit": "years",
        "note": EXAMPLE_NOTE,
    }
    if model is Characteristic:
        examples |= {"events": "", "patients": "", "confidence": ""}
    cells = {"exposed": ("3", "20"), "unexposed": ("4", "69")}
    own = [name for name in model.model_fields if name in model.__annotations__]
    fields = []
    for name in [*own, *(n for n in model.model_fields if n not in own)]:
        if name in SIDES:
            for key, example in zip(("events", "patients"), cells[name], strict=True):
                about = f"{key.capitalize()} of the {name}."
                fields.append(Field(f"{name}_{key}", (name, key), "count", (), about, True, example))
        else:
            fields.append(_field(model, name, (name,), protocol, examples.get(name, "")))
    return tuple(fields)


def _risk(protocol: Protocol) -> tuple[Field, ...]:
    tool, items = next(iter(protocol.tools.items()), ("", {}))
    every_item = tuple(dict.fromkeys(item for questions in protocol.tools.values() for item in questions))
    return (
        Field("tool", ("tool",), "text", words_of("tool", protocol), "One tool for the whole sheet.", True, tool),
        Field("item", ("item",), "text", every_item, "An item of the tool.", True, next(iter(items), "")),
        Field("question", (), "text", (), "What the item asks; not read back.", False, next(iter(items.values()), "")),
        Field("judgement", ("judgement",), "text", JUDGEMENTS, MORE_HELP["judgement"], True, "unclear"),
        Field(
            "support",
            ("support",),
            "text",
            (),
            "What in the report supports the judgement.",
            True,
            f"not described ({EXAMPLE_NOTE})",
        ),
    )


def _kept_out(protocol: Protocol) -> tuple[Field, ...]:
    how = "exclude: never pooled. sensitivity_only: in sensitivity analyses only."
    return (
        Field("how", ("how",), "text", KEPT_OUT, how, True, "exclude"),
        Field("outcome", ("outcome",), "text", words_of("outcome", protocol), "", True, next(iter(protocol.outcomes))),
        Field("arm", ("arm",), "text", (), "Blank: in every arm.", False, ""),
        Field(
            "reason", ("reason",), "text", (), "Why, in words.", True, f"Counts events, not persons ({EXAMPLE_NOTE})."
        ),
    )


def help_text(field: Field) -> str:
    """Give what a cell's comment says: what the field holds, and the words it may hold."""
    parts = [field.about]
    if field.words:
        shown = ", ".join(field.words[:12])
        parts.append(f"One of: {shown}{' … (tab Words)' if len(field.words) > 12 else ''}.")
    return " ".join(part for part in parts if part).replace("`", "")


def headings(fields: Iterable[Field]) -> dict[str, Field]:
    """Give heading → field."""
    return {field.name: field for field in fields}
