"""The specifications of an analysis: every defensible choice about its rows crossed, and the rows each one selects.

A choice is a column with the levels an analyst could defend; the config's own level comes first, so the first
combination is the primary one. Levels that pool the same rows, whatever the other choices, are one level; a choice left
with one level is not crossed, and its column shows the config's own.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from ..protocol.config import Analysis, WindowRule
from ..sheets.facts import as_found
from ..sheets.sheet import Limits, Outcome, Sheet
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
WITHIN, LOWER, UPPER = "as they are", "all at the lower end", "all at the upper end"  # counts known within limits only
CHOICES = ("window", "outcomes", "derived", *SILENT, "limits")
OR, AND, ELSE, BETWEEN = " or ", " + ", " else ", ";"  # levels that are one; what comes in; outcomes; levels of a row

# What the other level of a choice keeps of a sheet.
KEEPS: dict[str, Callable[[Sheet, Outcome], bool]] = {
    "abstracts": lambda sheet, row: sheet.report != "abstract",
    "abstract_counts": lambda sheet, row: not row.source.lower().startswith("abstract"),
    "confirmed_only": lambda sheet, row: row.second_reading == "agree",
    "risk_of_bias": lambda sheet, row: not judged_no(sheet),
}

Chosen = Mapping[str, str]
Combination = tuple[str, ...]  # one level of each choice
RowSet = tuple[tuple[str, int, int, int], ...]  # study, least and most events, patients, in the order of rows.csv


def levels_of(analysis: Analysis, windows: Sequence[int], sheets: Sequence[Sheet]) -> dict[str, tuple[str, ...]]:
    """Give the levels of every choice among rows, the config's own first."""
    excluded, first = sorted(set(analysis.exclude_basis)), analysis.outcomes[0]
    derived = {0: IN, 1: f"{excluded[0]} out" if excluded else "", 2: OUT}[len(excluded)]
    rows = [row for sheet in sheets for row in sheet.outcomes if row.outcome in analysis.outcomes]
    levels = {
        "window": _window_levels(analysis.window, windows),
        "outcomes": (ELSE.join(analysis.outcomes), first),
        "derived": (derived, IN, OUT),
        **SILENT,
        "limits": (WITHIN, LOWER, UPPER) if any(isinstance(row.events, Limits) for row in rows) else (WITHIN,),
    }
    if not any(row.second_reading for row in rows):  # nobody read twice: "confirmed" would say nothing of the counts
        levels["confirmed_only"] = (NO,)
    elif analysis.readings == "twice":
        levels["confirmed_only"] = (YES, NO)
    return {choice: tuple(dict.fromkeys(levels[choice])) for choice in CHOICES}


def _window_levels(rule: WindowRule, windows: Sequence[int]) -> list[str]:
    """Give the config's own rule, its days with less or more of what states none, and other days, which are stated.

    ``100 + unstated``, ``100``, ``30``: 30 days never pool two studies that do not state their days.
    """
    days, kinds = str(rule.max_days), _without_days(rule)
    own = [kind for kind in kinds if getattr(rule, kind) == "include"]
    fewer = (own[:number] for number in range(len(own) - 1, -1, -1))
    return [*(AND.join([days, *silent]) for silent in (own, kinds, *fewer)), *map(str, sorted(map(int, windows)))]


def _without_days(rule: WindowRule) -> list[str]:
    """Name the kinds of windows that state no number of days."""
    return sorted(name for name in type(rule).model_fields if name != "max_days")


def select_sets(
    sheets: Sequence[Sheet], name: str, analysis: Analysis, levels: Mapping[str, Sequence[str]]
) -> dict[Combination, RowSet]:
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
            counts = ("study", "events_from", "events_to", "patients")
            known[key] = tuple(tuple(row[count] for count in counts) for row in rows if row["use"] == YES)
        found[combination] = _at_end(known[key], chosen["limits"])
    return found


def _at_end(used: RowSet, level: str) -> RowSet:
    """Take counts that are known within limits at one of their ends."""
    ends = {LOWER: (0, 0), UPPER: (1, 1)}.get(level, (0, 1))
    return tuple((study, *(limits[end] for end in ends), patients) for study, *limits, patients in used)


def vary_analysis(analysis: Analysis, chosen: Chosen) -> Analysis:
    """Give the analysis with other windows, outcomes and bases, and without subgroups."""
    days, *silent = chosen["window"].split(AND)
    rules = {kind: "include" if kind in silent else "exclude" for kind in _without_days(analysis.window)}
    basis = {IN: (), OUT: ("derived", "reconstructed")}.get(chosen["derived"], analysis.exclude_basis)
    update = {
        "window": analysis.window.model_copy(update={"max_days": int(days)} | rules),
        "outcomes": tuple(chosen["outcomes"].split(ELSE)),
        "exclude_basis": basis,
    }
    return analysis.model_copy(update=update | {"subgroups": (), "readings": "any"})


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


def merge_levels(sets: Mapping[Combination, RowSet]) -> dict[Combination, RowSet]:
    """Make one level of those that pool the same rows whatever the other choices: ``30 or 90``.

    A choice that changes nothing at all keeps its first level, which is the config's own.
    """
    for at in range(len(CHOICES)):
        slices: dict[str, list[RowSet]] = {}
        for combination, used in sets.items():
            slices.setdefault(combination[at], []).append(used)
        alike: dict[tuple, list[str]] = {}
        for level, found in slices.items():
            alike.setdefault(tuple(found), []).append(level)
        names = {group[0]: OR.join(group) if len(alike) > 1 else group[0] for group in alike.values()}
        sets = {(*c[:at], names[c[at]], *c[at + 1 :]): used for c, used in sets.items() if c[at] in names}
    return dict(sets)


def departures(combination: Combination, own: Combination) -> dict[str, str]:
    """Give choice → level where a combination departs from the config's own."""
    pairs = zip(CHOICES, combination, own, strict=True)
    return {choice: level for choice, level, mine in pairs if level != mine}
