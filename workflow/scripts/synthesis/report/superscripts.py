"""The marks of honesty of the counts on the page: see :mod:`synthesis.words.marks`."""

from ..words import marks
from .about import Review, Row


def marks_of(row: Row, study: Row) -> str:
    """Give the marks of a count.

    Parameters
    ----------
    row : mapping
        ``source``, ``basis`` and ``second_reading`` of the count.
    study : mapping
        ``report`` and ``overlaps`` of its study.
    """
    return marks.marks_of(row, study.get("report", ""), bool(study.get("overlaps")))


def row_marks(review: Review, row: Row) -> str:
    """Give the marks of a row of ``rows.csv`` or ``outcomes.csv``."""
    return marks_of(row, review.study(row["study"]))
