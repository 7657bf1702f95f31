"""The list of reports that were looked at, ``studies/screening.csv``, checked where it is read."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..tables.files import read_list
from ..tables.problems import Problem, ProblemsError, one_of, quote
from ..words.characters import bare_doi, comparable

NEEDED = ("id", "found", "decision", "category", "sheet")  # by the flow diagram
HEADINGS = ("id", "report", "identifier", "found", "decision", "category", "reason", "sheet")
# Where the path of a report ends, by its decision.
SCREENED_OUT, NOT_RETRIEVED, EXCLUDED, INCLUDED = "screened out", "not retrieved", "excluded", "included"
POOLED, SENSITIVITY = "pooled", "sensitivity"
STAGES = {
    "context": SCREENED_OUT,
    "not readable": NOT_RETRIEVED,
    "excluded": EXCLUDED,
    POOLED: INCLUDED,
    SENSITIVITY: INCLUDED,
}
OUT = tuple(decision for decision, stage in STAGES.items() if stage != INCLUDED)


def read_screening(path: str | Path) -> list[dict[str, str]]:
    """Read a list that was checked before: one report a row; see :func:`read_lines` for what it refuses."""
    return [row for _, row in read_lines(path, NEEDED)]


def read_lines(path: str | Path, needed: Sequence[str] = HEADINGS) -> list[tuple[int, dict[str, str]]]:
    """Read the list with the line of each row.

    Raises
    ------
    ProblemsError
        A heading is missing, or a decision is none of ``STAGES``; all of them at once.
    """
    lines = read_list(path, needed)
    wrong = [(line, row["decision"]) for line, row in lines if row["decision"] not in STAGES]
    if wrong:
        raise ProblemsError(Problem(str(path), line, "decision", one_of(said, STAGES)) for line, said in wrong)
    return lines


def check_lines(path: str | Path, lines: Iterable[tuple[int, Mapping[str, str]]]) -> list[Problem]:
    """Find ids, DOIs and sheets that stand twice, and cells that may not be empty: what was left out has a reason."""
    found: list[Problem] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in lines:
        out = STAGES[row["decision"]] != INCLUDED
        for name in ("id", "found", *(("report", "reason") if out else ("sheet",))):
            if not row[name]:
                message = f"This cell is empty, and the report is {quote(row['decision'])}. Fill it in."
                found.append(Problem(str(path), line, name, message))
        one = bare_doi(row["identifier"])
        alone = one.startswith(("10.", "PMID"))  # the address of a table may be that of many reports
        for name, text in (("id", row["id"]), ("identifier", one if alone else ""), ("sheet", row["sheet"])):
            key = (name, comparable(text))
            if text and key in seen:
                message = f"{quote(row[name])} stands in line {seen[key]} too. One row a report."
                found.append(Problem(str(path), line, name, message))
            seen.setdefault(key, line)
    return found
