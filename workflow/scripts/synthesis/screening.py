"""The list of reports that were looked at, ``studies/screening.csv``, checked where it is read."""

from pathlib import Path

from .files import read_table
from .problems import Problem, ProblemsError, one_of

NEEDED = ("id", "found", "decision", "category", "sheet")
# Where the path of a report ends, by its decision.
SCREENED_OUT, NOT_RETRIEVED, EXCLUDED, INCLUDED = "screened out", "not retrieved", "excluded", "included"
STAGES = {
    "context": SCREENED_OUT,
    "not readable": NOT_RETRIEVED,
    "excluded": EXCLUDED,
    "pooled": INCLUDED,
    "sensitivity": INCLUDED,
}


def read_screening(path: str | Path) -> list[dict[str, str]]:
    """Read the list: one report a row.

    Raises
    ------
    ProblemsError
        A heading is missing, or a decision is none of ``STAGES``; all of them at once.
    """
    rows = read_table(path)
    missing = [name for name in NEEDED if rows and name not in rows[0]]
    found = [Problem(str(path), 1, name, "This heading is missing. Add the column.") for name in missing]
    for i, row in enumerate(rows):
        if "decision" not in missing and row["decision"] not in STAGES:
            found.append(Problem(str(path), i + 2, "decision", one_of(row["decision"], STAGES)))
    if found:
        raise ProblemsError(found)
    return rows
