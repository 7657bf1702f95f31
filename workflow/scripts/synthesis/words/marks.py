"""Marks of honesty: which counts were read in an abstract, derived, read once, or may share units with others."""

from collections.abc import Iterable, Mapping

ABSTRACT, DERIVED, ONCE, OVERLAP = "†", "‡", "§", "¶"
MEANINGS = {
    ABSTRACT: "read in an abstract only",
    DERIVED: "derived from a printed percentage or by subtraction, not printed as a count",
    ONCE: "read once, or not confirmed by a second reader",
    OVERLAP: "may share {unit} with other reports",
}
CELLS = (
    *("study", "arm", "exposure", "outcome"),
    *("exposed_events", "exposed_patients", "unexposed_events", "unexposed_patients"),
)


def marks_of(row: Mapping[str, object], report: object = "", overlaps: bool = False) -> str:
    """Give the marks of a count; what its table does not say is not marked.

    ``report`` is the kind of report of its study; ``overlaps``, whether that may share units with others.

    >>> marks_of({"source": "abstract", "basis": "derived", "second_reading": "agree"})
    '†‡'
    """
    found = {
        ABSTRACT: str(row.get("source", "")).lower().startswith("abstract") or report == "abstract",
        DERIVED: row.get("basis", "stated") != "stated",
        ONCE: row.get("second_reading", "agree") != "agree",
        OVERLAP: overlaps,
    }
    return "".join(mark for mark, true in found.items() if true)


def as_read(row: Mapping[str, object], tables: Iterable[Mapping[str, object]]) -> Mapping[str, object]:
    """Find a study's row of ``comparisons.csv`` in ``data/comparisons.csv``, where its source stands."""
    return next(table for table in tables if all(table[key] == row[key] for key in CELLS))


def legend(marks: Iterable[str], unit: str) -> tuple[tuple[str, str], ...]:
    """Explain the marks that occur, in their order.

    >>> legend(["¶", ""], "catheters")
    (('¶', 'may share catheters with other reports'),)
    """
    seen = set("".join(marks))
    return tuple((mark, meaning.format(unit=unit)) for mark, meaning in MEANINGS.items() if mark in seen)
