"""What lies beside the sheets and must agree with them: the list of reports, the certainty, published pools."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..protocol.config import Protocol
from ..selection.rows import Vocabulary, select_rows
from ..sheets.grade import read_grade
from ..sheets.published_pools import find_published, read_published
from ..sheets.screening import HEADINGS, INCLUDED, OUT, POOLED, SENSITIVITY, STAGES, check_lines, read_lines
from ..sheets.sheet import Sheet
from ..tables.files import as_csv
from ..tables.problems import Problem, noted, one_of, quote, refuse
from ..words.characters import comparable

HELD = "sensitivity only"  # how the reason of such a row begins


@dataclass
class Fate:
    """What becomes of a study: labels of the analyses that pool it, or hold it for sensitivity; else the reasons."""

    pooled: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    why_held: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def decision(self) -> str:
        """Give the word for the list; blank where a person has to say why it is not pooled."""
        return POOLED if self.pooled else SENSITIVITY if self.held else ""

    @property
    def reason(self) -> str:
        """Give the reason for the list; blank where a person has to."""
        if self.pooled:
            return f"Feeds: {', '.join(self.pooled)}."
        return f"Sensitivity sets only: {', '.join(self.held)}." if self.held else ""

    @property
    def why_not(self) -> str:
        """Say why no analysis pools it."""
        return "; ".join(self.reasons) or "it has no count that an analysis asks for"


def fates(sheets: Iterable[Sheet], protocol: Protocol) -> dict[str, Fate]:
    """Give what becomes of each study, by its id."""
    sheets = list(sheets)
    found = {sheet.id: Fate() for sheet in sheets}
    implied = {name: product.model_extra for name, product in protocol.products.items()}
    vocabulary = Vocabulary(["product", *protocol.attributes], implied, interval="")
    for name, analysis in protocol.analyses.items():
        for row in select_rows(sheets, name, analysis.model_copy(update={"subgroups": ()}), vocabulary):
            fate, reason = found[row["study"]], row["reason"]
            if row["use"] == "yes":
                said = {analysis.label: fate.pooled}
            elif reason.startswith(HELD):
                said = {analysis.label: fate.held, reason.removeprefix(f"{HELD}: "): fate.why_held}
            else:
                said = {reason: fate.reasons}
            for words, kept in said.items():
                if words not in kept:
                    kept.append(words)
    return found


def check_beside(
    config: str | Path, studies: str | Path, protocol: Protocol, ids: Sequence[str], sheets: Sequence[Sheet] | None
) -> list[Problem]:
    """Find what is wrong in the files beside the sheets, and where they contradict sheets and config.

    A review need not keep such files. ``ids`` are the sheets there are; ``sheets`` is None when some have faults: then
    nobody knows what is pooled.
    """
    problems: list[Problem] = []
    screening = Path(studies) / "screening.csv"
    with noted(problems):
        read_grade(Path(studies) / "grade.yaml", protocol.analyses)
    with noted(problems):
        if os.path.lexists(screening):
            known = fates(sheets, protocol) if sheets is not None else None
            check_screening(screening, ids, known, {sheet.id: sheet for sheet in sheets or ()})
    with noted(problems):
        if protocol.published:
            check_published(Path(config).parent / protocol.published.file, protocol, str(config))
    return problems


def check_screening(
    path: str | Path, ids: Sequence[str], known: dict[str, Fate] | None, sheets: dict[str, Sheet]
) -> None:
    """Compare the list of reports with the sheets (or raise): each is listed once, with what becomes of it."""
    lines = read_lines(path)
    problems = check_lines(path, lines)
    for line, row in lines:
        name, decision = row["sheet"], row["decision"]
        if name and name not in ids:
            message = f"{quote(name)} is no sheet in this folder. {one_of(name, ids)} Or leave the cell empty."
            problems.append(Problem(str(path), line, "sheet", message))
        elif name and known is not None:
            message = contradiction(name, decision, known[name])
            problems += [Problem(str(path), line, "decision", message)] if message else []
    columns = list(lines[0][1]) if lines else HEADINGS
    listed = {comparable(row["sheet"]).removesuffix(".yaml") for _, row in lines}  # another spelling is told above
    for name in ids:
        if comparable(name) not in listed:
            written = row_to_write(sheets[name], known[name], columns) if name in sheets else f"{name},…"
            message = f"{name} has a sheet and no row here. Add one, and say where it was found: {written}"
            problems.append(Problem(str(path), 0, "", message))
    refuse(problems)


def contradiction(name: str, decision: str, fate: Fate) -> str:
    """Say where a decision is not what happens to a study; blank where it is."""
    if fate.decision == decision or (not fate.decision and STAGES[decision] != INCLUDED):
        return ""
    what = f"no analysis pools {name} ({fate.why_not}). Write {' or '.join(OUT)}, or mend its sheet"
    if fate.pooled:
        what = f"{name} is pooled in {', '.join(fate.pooled)}. Write pooled, or exclude it in its sheet"
    elif fate.held:
        what = f"{name} enters sensitivity analyses only ({', '.join(fate.held)}): "
        what += f"{'; '.join(why.rstrip('.') for why in fate.why_held)}. Write sensitivity, or mend its sheet"
    return f"{quote(decision)}, but {what}."


def row_of(sheet: Sheet, fate: Fate) -> dict[str, str]:
    """Give the cells of the list that follow from a sheet, blank where a person has to say something."""
    c = sheet.citation
    where = ", ".join(str(part) for part in (c.authors, c.journal, c.year) if part)
    return {
        "id": sheet.id,
        "report": f"{where}: {c.title}" if c.title else where,
        "identifier": c.doi or (f"PMID {c.pmid}" if c.pmid else ""),
        "found": "",
        "decision": fate.decision,
        "category": "",
        "reason": fate.reason,
        "sheet": sheet.id,
    }


def row_to_write(sheet: Sheet, fate: Fate, columns: Sequence[str]) -> str:
    """Give the line of the list for a sheet, with … where a person has to say something."""
    cells = row_of(sheet, fate)
    asked = ("found",) if fate.decision else ("found", "decision", "category", "reason")
    return as_csv([cells | dict.fromkeys(asked, "…")], [name for name in columns if name in cells]).splitlines()[1]


def check_published(path: Path, protocol: Protocol, config: str) -> None:
    """Find the row of each pair of the config in the table of published pools, or raise."""
    table, problems = read_published(path), []
    for i, pair in enumerate(protocol.published.pairs):
        try:
            find_published(table, pair.model_dump())
        except ValueError as error:
            problems.append(Problem(config, 0, f"published.pairs[{i}]", str(error)))
    refuse(problems)
