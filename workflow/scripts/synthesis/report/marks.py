"""Marks of honesty: which numbers were read in an abstract, derived, read once, or may share patients with others."""

from collections.abc import Iterable

from .review import Review, Row

ABSTRACT, DERIVED, ONCE, OVERLAP = "†", "‡", "§", "¶"
MEANINGS = {
    ABSTRACT: "read in an abstract only",
    DERIVED: "derived from a printed percentage or by subtraction, not printed as a count",
    ONCE: "read once, or not confirmed by a second reader",
    OVERLAP: "may share patients with other reports",
}


def marks_of(row: Row, study: Row) -> str:
    """Give the marks of a count.

    Parameters
    ----------
    row : mapping
        ``source``, ``basis`` and ``second_reading`` of the count.
    study : mapping
        ``report`` and ``overlaps`` of its study.
    """
    found = ""
    if row.get("source", "").lower().startswith("abstract") or study.get("report") == "abstract":
        found += ABSTRACT
    if row.get("basis", "stated") != "stated":
        found += DERIVED
    if row.get("second_reading") != "agree":
        found += ONCE
    if study.get("overlaps"):
        found += OVERLAP
    return found


def row_marks(review: Review, row: Row) -> str:
    """Give the marks of a row of ``rows.csv`` or ``outcomes.csv``."""
    return marks_of(row, review.study(row["study"]))


def legend(marks: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Explain the marks that occur, in their order."""
    seen = set("".join(marks))
    return tuple((mark, meaning) for mark, meaning in MEANINGS.items() if mark in seen)
