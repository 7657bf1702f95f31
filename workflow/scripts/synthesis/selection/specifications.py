"""The specifications of an analysis: every defensible choice about its rows crossed, and the rows each one selects.

A choice is a column with the levels an analyst could defend; the config's own level comes first, so the first
combination is the primary one. A choice that changes no row of an analysis, whatever the others, is not crossed: it
would only repeat the table, and its column shows the config's own level.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from ..protocol.config import Analysis
from ..sheets.facts import as_found
from ..sheets.sheet import Outcome, Sheet
from .rows import Candidate, Vocabulary, select_rows, unusable

IN, OUT, YES, NO = "in", "out", "yes", "no"
# Choices on which the config is silent: the usual level, and the other one.
SILENT = {
    "abstracts": (IN, OUT),  # studies of which only an abstract was published
    "abstract_counts": (IN, OUT),  # counts that were read in the abstract of a report
    "overlaps": ("one per cohort", "all"),
    "sensitivity_rows": (OUT, IN),
    "confirmed_only": (NO, YES),  # counts on which a second reader agreed
    "risk_of_bias": ("all", "no item judged no"),
}
CHOICES = ("window", "unstated", "derived", *SILENT)

# What the other level of a choice keeps of a sheet.
KEEPS: dict[str, Callable[[Sheet, Outcome], bool]] = {
    "abstracts": lambda sheet, row: sheet.report != "abstract",
    "abstract_counts": lambda sheet, row: not row.source.lower().startswith("abstract"),
    "confirmed_only": lambda sheet, row: row.second_reading == "agree",
    "risk_of_bias": lambda sheet, row: not judged_no(sheet),
}

Chosen = Mapping[str, str | int]
RowSet = tuple[tuple[str, int, int], ...]  # study, events, patients of each pooled row, in the order of rows.csv


def levels_of(analysis: Analysis, windows: Sequence[int], sheets: Sequence[Sheet]) -> dict[str, tuple]:
    """Give the levels of every choice among rows, the config's own first."""
    excluded, window = sorted(set(analysis.exclude_basis)), analysis.window
    derived = {0: IN, 1: f"{excluded[0]} out" if excluded else "", 2: OUT}[len(excluded)]
    levels = {
        "window": (window.max_days, *sorted(int(days) for days in windows)),
        "unstated": (window.unstated, "include", "exclude"),
        "derived": (derived, IN, OUT),
        **SILENT,
    }
    rows = [row for sheet in sheets for row in sheet.outcomes if row.outcome in analysis.outcomes]
    if not any(row.second_reading for row in rows):  # nobody read twice: "confirmed" would say nothing of the counts
        levels["confirmed_only"] = (NO,)
    elif analysis.readings == "twice":
        levels["confirmed_only"] = (YES, NO)
    return {choice: tuple(dict.fromkeys(levels[choice])) for choice in CHOICES}


def select_sets(
    sheets: Sequence[Sheet], name: str, analysis: Analysis, levels: Mapping[str, Sequence]
) -> dict[tuple, RowSet]:
    """Give, for one level of each choice, as ``levels_of`` gives them, the rows it pools.

    Combinations that let the same rows in, and treat cohorts alike, are selected once.
    """
    found, known, seen = {}, {}, {}
    for combination in product(*levels.values()):
        chosen = dict(zip(levels, combination, strict=True))
        question = vary_analysis(analysis, chosen)
        view = tuple(chosen[choice] for choice in SILENT)
        if view not in seen:
            seen[view] = [vary_sheet(sheet, chosen) for sheet in sheets]
        usable = [sheet for sheet in (_usable(sheet, question) for sheet in seen[view]) if sheet.outcomes]
        # Rows are never copied, so that one row is one object in every variant of its sheet.
        key = (chosen["overlaps"], *(id(row) for sheet in usable for row in sheet.outcomes))
        if key not in known:
            rows = select_rows(usable, name, question, Vocabulary(attributes=()))
            known[key] = tuple((row["study"], row["events"], row["patients"]) for row in rows if row["use"] == YES)
        found[combination] = known[key]
    return found


def vary_analysis(analysis: Analysis, chosen: Chosen) -> Analysis:
    """Give the analysis with other windows and bases, and without subgroups."""
    window = analysis.window.model_copy(update={"max_days": chosen["window"], "unstated": chosen["unstated"]})
    basis = {IN: (), OUT: ("derived", "reconstructed")}.get(chosen["derived"], analysis.exclude_basis)
    return analysis.model_copy(update={"window": window, "exclude_basis": basis, "subgroups": (), "readings": "any"})


def vary_sheet(sheet: Sheet, chosen: Chosen) -> Sheet:
    """Give a sheet as the choices about reports, readings and cohorts let it be seen."""
    other = [choice for choice in SILENT if chosen[choice] == SILENT[choice][1]]
    tests = [KEEPS[choice] for choice in other if choice in KEEPS]
    update: dict = {"outcomes": tuple(row for row in sheet.outcomes if all(keep(sheet, row) for keep in tests))}
    if "overlaps" in other:
        update["cohort"] = None
    if "sensitivity_rows" in other:
        update |= {"sensitivity_only": {}, "citation": as_found(sheet.citation.year)}
    return sheet.model_copy(update=update)


def without_items(sheet: Sheet, ignored: Sequence[str]) -> Sheet:
    """Give a sheet without some risk-of-bias items: those that speak of precision, which the interval shows already."""
    if sheet.risk_of_bias is None:
        return sheet
    items = {name: item for name, item in sheet.risk_of_bias.items.items() if name not in ignored}
    return sheet.model_copy(update={"risk_of_bias": sheet.risk_of_bias.model_copy(update={"items": items})})


def judged_no(sheet: Sheet) -> bool:
    """Say whether any risk-of-bias item of a study is judged ``no``; a study without judgements stays."""
    items = sheet.risk_of_bias.items.values() if sheet.risk_of_bias else ()
    return any(item.judgement == NO for item in items)


def _usable(sheet: Sheet, analysis: Analysis) -> Sheet:
    """Keep the rows that selection would weigh; without the others it chooses the same."""
    rows = (row for row in sheet.outcomes if row.outcome in analysis.outcomes)
    kept = tuple(row for row in rows if unusable(Candidate(sheet, row, {}), analysis) is None)
    return sheet.model_copy(update={"outcomes": kept})


def drop_idle(sets: dict[tuple, RowSet], levels: Mapping[str, Sequence]) -> dict[tuple, RowSet]:
    """Keep only the own level of every choice that changes no row, whatever the others."""
    for at, values in enumerate(levels.values()):
        others: dict[tuple, set[RowSet]] = {}
        for combination, used in sets.items():
            others.setdefault((*combination[:at], *combination[at + 1 :]), set()).add(used)
        if all(len(found) == 1 for found in others.values()):
            sets = {combination: used for combination, used in sets.items() if combination[at] == values[0]}
    return sets
