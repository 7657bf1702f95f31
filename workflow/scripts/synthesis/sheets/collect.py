"""All sheets as tidy tables, for people, exports and the report."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from ..tables.declared import write
from ..words.formatting import format_window
from ..words.levels import UNSTATED
from .facts import read_handed
from .sheet import Comparison, Outcome, Sheet

SIDES = ("exposed", "unexposed")
KEPT_OUT = ("exclude", "sensitivity_only")


def study_row(sheet: Sheet) -> dict:
    """Give the row of ``studies.csv``."""
    citation = sheet.citation.model_dump()
    citation["citation_note"] = citation.pop("note")
    enrolled = sheet.enrolled
    same = ("label", "report", "design", "ascertainment", "country", "centres", "cohort", "overlaps", "note")
    return {
        "study": sheet.id,
        **citation,
        **{key: getattr(sheet, key) for key in same},
        "enrolled_from": enrolled and enrolled.from_,
        "enrolled_to": enrolled and enrolled.to,
        "first_extraction": sheet.extraction.first,
        "second_extraction": sheet.extraction.second,
    }


def arm_rows(sheet: Sheet, attributes: Sequence[str]) -> list[dict]:
    """Give the rows of ``arms.csv``."""
    return [
        {
            "study": sheet.id,
            "arm": name,
            "label": arm.label,
            **{key: arm.attributes.get(key) for key in attributes},
            "patients": arm.patients,
            "comprises": "; ".join(arm.comprises),
            "part_of": arm.part_of,
            "note": arm.note,
        }
        for name, arm in sheet.arms.items()
    ]


def outcome_rows(sheet: Sheet) -> list[dict]:
    """Give the rows of ``outcomes.csv``, with what keeps a row out of pools."""
    return [
        {
            "study": sheet.id,
            **row.model_dump(),
            **_events(row),
            "window": UNSTATED if row.window is None else row.window,
            "window_words": format_window(row.window, row.window_words),
            **_kept_out(sheet, row),
        }
        for row in sheet.outcomes
    ]


def _events(row: Outcome) -> dict[str, int | None]:
    low, high = row.limits
    return {"events": low if low == high else None, "events_from": low, "events_to": high}


def _kept_out(sheet: Sheet, row: Outcome | Comparison) -> dict[str, str | None]:
    excluded = sheet.reason(sheet.exclude, row.outcome, row.arm)
    held = None if excluded else sheet.held(row.outcome, row.arm)
    return dict(zip(KEPT_OUT, (excluded, held), strict=True))


def comparison_rows(sheet: Sheet) -> list[dict]:
    """Give the rows of ``comparisons.csv``."""
    return [
        {
            "study": sheet.id,
            **table.model_dump(exclude=set(SIDES)),
            **{f"{side}_{key}": count for side in SIDES for key, count in getattr(table, side)},
            **_kept_out(sheet, table),
        }
        for table in sheet.comparisons
    ]


def characteristic_rows(sheet: Sheet) -> list[dict]:
    """Give the rows of ``characteristics.csv``."""
    return [{"study": sheet.id, **fact.model_dump()} for fact in sheet.characteristics]


def risk_rows(sheet: Sheet) -> list[dict]:
    """Give the rows of ``risk_of_bias.csv``."""
    if not (judged := sheet.risk_of_bias):
        return []
    base = {"study": sheet.id, "tool": judged.tool}
    return [{**base, "item": name, **entry.model_dump()} for name, entry in judged.items.items()]


def collect_sheets_file(handed: str, folder: str, *, attributes: Sequence[str]) -> None:
    """Write the sheets that were handed down, which are all, as the six tables of ``results/data/``."""
    sheets = read_handed(handed)
    tables = {
        "studies": ([study_row(sheet)] for sheet in sheets),
        "arms": (arm_rows(sheet, attributes) for sheet in sheets),
        "outcomes": map(outcome_rows, sheets),
        "comparisons": map(comparison_rows, sheets),
        "characteristics": map(characteristic_rows, sheets),
        "risk_of_bias": map(risk_rows, sheets),
    }
    for name, rows in tables.items():
        write(Path(folder) / f"{name}.csv", chain.from_iterable(rows), attributes, f"data/{name}")
