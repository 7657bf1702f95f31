"""How large the evidence is: reports, the studies behind them, the counts read in them. Counted here, nowhere else.

A sheet is a report; reports that name one cohort are one study.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..words.prose import plural

Row = Mapping[str, object]
COUNT = ("study", "arm", "outcome", "window", "definition")  # what makes a count one of its own, whatever pools it


class Size(NamedTuple):
    """How many studies, and in how many reports."""

    studies: int
    reports: int

    def __str__(self) -> str:
        """Give the size in words.

        >>> str(Size(21, 22)), str(Size(1, 1))
        ('21 studies in 22 reports', '1 study in 1 report')
        """
        return f"{plural(self.studies, 'study', 'studies')} in {plural(self.reports, 'report')}"


def study_names(rows: Iterable[Row]) -> dict[str, str]:
    """Give report → study, from any table that has ``study`` (its name for a report) and ``cohort``."""
    return {str(row["study"]): str(row["cohort"] or row["study"]) for row in rows}


def size_of(reports: Iterable[str], names: Mapping[str, str]) -> Size:
    """Count reports and their studies, which ``names`` gives; a report without a name there is a study of its own.

    >>> size_of(["smith2020", "smith2021", "jones2020"], {"smith2020": "a trial", "smith2021": "a trial"})
    Size(studies=2, reports=3)
    """
    reports = set(reports)
    return Size(len({names.get(report, report) for report in reports}), len(reports))


def different_counts(rows: Iterable[Row]) -> list[Row]:
    """Give each count once, however many analyses pool it."""
    return list({tuple(row[key] for key in COUNT): row for row in rows}.values())
