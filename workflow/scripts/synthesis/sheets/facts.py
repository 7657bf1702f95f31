"""What jobs are handed of the sheets: the part that an analysis uses, with its words or without.

Only the Snakefile reads sheets. It writes down what it read, and jobs read that: so every job of a build sees the same
sheets, whatever is edited meanwhile, and what a job was not handed it cannot depend on. Fits are handed no label, note
or citation: a word is an input of what prints it.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from ..protocol.config import Analysis
from .sheet import Citation, Extraction, Sheet, Sourced

ABSTRACT = "abstract"  # whether a count stands in one is a choice of the specification curve
ELSEWHERE = "report"
WORDS = "see the sheet"
WINDOW = ("window_text", "window_words")
UNUSED = {
    "design": "not reported",
    "country": None,
    "centres": None,
    "enrolled": None,
    "overlaps": None,
    "note": None,
    "comparisons": (),
    "extraction": Extraction(first="1900"),
}


def of_analysis(sheet: Sheet, analysis: Analysis) -> Sheet:
    """Give what the rows of an analysis are made of: no characteristics, no judgements, no rows of other outcomes."""
    citation = _cited(sheet.citation).model_copy(update={"doi": sheet.citation.doi})
    return _with(_cut(sheet, analysis), characteristics=(), risk_of_bias=None, citation=citation)


def of_fits(sheet: Sheet, analysis: Analysis) -> Sheet:
    """Give what the fits of an analysis need: rows, characteristics and judgements, without a word on them."""
    return without_words(_cut(sheet, analysis))


def of_comparisons(sheet: Sheet) -> Sheet:
    """Give what pools of 2×2 tables need: these, the arms and the cohort, without a word on them."""
    nothing = {"outcomes": (), "characteristics": (), "risk_of_bias": None, "ascertainment": ELSEWHERE}
    return without_words(sheet.model_copy(update={**UNUSED, **nothing, "comparisons": sheet.comparisons}))


def _cut(sheet: Sheet, analysis: Analysis) -> Sheet:
    reasons = {
        key: {name: reason for name, reason in getattr(sheet, key).items() if name in analysis.outcomes}
        for key in ("exclude", "sensitivity_only")
    }
    rows = tuple(row for row in sheet.outcomes if row.outcome in analysis.outcomes)
    return sheet.model_copy(update={**UNUSED, **reasons, "outcomes": rows})


def without_words(sheet: Sheet) -> Sheet:
    """Give a sheet without its labels, notes, citation and sources; its identifier serves as label."""
    judged, reasons = sheet.risk_of_bias, {"exclude": sheet.exclude, "sensitivity_only": sheet.sensitivity_only}
    update = {
        "label": sheet.id,
        "citation": _cited(sheet.citation),
        "arms": {name: _with(arm, label=None, note=None) for name, arm in sheet.arms.items()},
        "outcomes": tuple(_with(_without(row), reported=None, **dict.fromkeys(WINDOW)) for row in sheet.outcomes),
        "comparisons": tuple(map(_without, sheet.comparisons)),
        "characteristics": tuple(_with(fact, source=ELSEWHERE, url=None, note=None) for fact in sheet.characteristics),
        **{
            key: {name: dict.fromkeys(why, WORDS) if isinstance(why, dict) else WORDS for name, why in found.items()}
            for key, found in reasons.items()
        },
    }
    if judged:
        items = {name: _with(item, support=WORDS) for name, item in judged.items.items()}
        update["risk_of_bias"] = _with(judged, items=items)
    return sheet.model_copy(update=update)


def as_found(year: int | None) -> Citation:
    """Give the citation of a report that a reader can look up, without a word of it."""
    return Citation(title=WORDS, journal=WORDS, year=year)


def _cited(citation: Citation) -> Citation:
    return as_found(citation.year) if citation.can_be_found else Citation(year=citation.year)


def _without(row: Sourced) -> Sourced:
    place = ABSTRACT if row.source.lower().startswith(ABSTRACT) else ELSEWHERE
    return _with(row, source=place, url=None, note=None, second_note=None)


def _with(part: BaseModel, **update: object) -> BaseModel:
    return part.model_copy(update=update)


def as_text(sheets: Iterable[Sheet]) -> str:
    """Write sheets down for jobs."""
    return json.dumps([sheet.model_dump(mode="json", by_alias=True) for sheet in sheets], ensure_ascii=False)


def read_handed(path: str | Path) -> list[Sheet]:
    """Read the sheets that a job was handed; they were checked before."""
    return [Sheet.model_validate(found) for found in json.loads(Path(path).read_text(encoding="utf-8"))]
