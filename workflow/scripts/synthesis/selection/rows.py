"""Which rows enter an analysis, and why the others do not.

A row is never dropped silently: every candidate is listed with `use` yes or no, and a reason in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..protocol.config import STUDY_VARIABLES, Analysis
from ..sheets.facts import read_handed
from ..sheets.sheet import Outcome, Sheet
from ..tables.declared import as_table, columns_of, write
from ..words.formatting import format_window
from ..words.levels import MIXED, NOT_REPORTED, OPEN, UNSTATED
from .sharing import are_apart, one_a_cohort, widest


@dataclass(frozen=True)
class Vocabulary:
    """What selection needs to know of the config beside the analysis itself.

    ``attributes`` of an arm, `product` first; ``implied`` gives product → attributes that follow from it; ``interval``
    of a study is ``clopper-pearson`` or ``wilson``, blank for rows without intervals.
    """

    attributes: Sequence[str]
    implied: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    level: float = 0.95
    interval: str = "clopper-pearson"

    @cached_property
    def columns(self) -> list[str]:
        """Give the columns of ``rows.csv``."""
        return columns_of("rows", self.attributes)


@dataclass(frozen=True)
class Candidate:
    """One count of one arm, with its study."""

    sheet: Sheet
    row: Outcome
    attributes: Mapping[str, str]

    @property
    def size(self) -> int:
        """Give the number of patients of the arm, or of the row where the arm's is not reported."""
        return self.sheet.arms[self.row.arm].patients or self.row.patients or 0

    def level(self, variable: str) -> str:
        """Give its level of a variable that pools are split by."""
        if variable in STUDY_VARIABLES:
            return getattr(self.sheet, variable)
        return self.attributes.get(variable, NOT_REPORTED)

    def is_single(self, variable: str) -> bool:
        """Say whether the arm has one level of an attribute, and it is known which."""
        return self.attributes.get(variable, MIXED) != MIXED


def select_rows(sheets: Iterable[Sheet], name: str, analysis: Analysis, vocabulary: Vocabulary) -> list[dict]:
    """Select the rows of an analysis from the sheets that report one of its outcomes; others add nothing.

    Gives a block for ``subset`` = ``all`` with every candidate, used or not; then one block a subgroup variable with
    the same studies, split into the arms that have one level of it.
    """
    candidates = [
        Candidate(sheet, row, attributes_of(sheet, row.arm, vocabulary))
        for sheet in sorted(sheets, key=lambda s: s.id)
        for row in sheet.outcomes
        if row.outcome in analysis.outcomes
    ]
    reasons = {id(c.row): unusable(c, analysis) for c in candidates}
    usable = _by_study(c for c in candidates if reasons[id(c.row)] is None)
    split = "product" if analysis.arms == "product" else None
    chosen = {study: _choose_arms(rows, analysis, split) for study, rows in usable.items()}
    for study, best in chosen.items():
        reasons |= {id(c.row): _why_not(c, best) for c in usable[study] if c not in best}
    sheet_of = {study: best[0].sheet for study, best in chosen.items()}
    dropped = one_a_cohort(
        (study, sum(c.size for c in best), sheet_of[study].report, sheet_of[study].cohort)
        for study, best in chosen.items()
    )
    for study, reason in dropped.items():
        reasons |= {id(c.row): reason for c in chosen.pop(study)}
    table = [_as_row(c, name, "all", "", reasons[id(c.row)], vocabulary) for c in candidates]
    for variable in analysis.subgroups:
        for study, best in chosen.items():
            arms = _split(best, usable[study], analysis, variable)
            table += [_as_row(c, name, variable, c.level(variable), None, vocabulary) for c in arms]
    return table


def attributes_of(sheet: Sheet, arm: str, vocabulary: Vocabulary) -> dict[str, str]:
    """Give the attributes of an arm: what the sheet says, and what follows from the product."""
    given = sheet.arms[arm].attributes
    return {**vocabulary.implied.get(given.get("product", ""), {}), **given}


def unusable(c: Candidate, analysis: Analysis) -> str | None:
    """Say why a row cannot enter an analysis, whatever other rows there are; None when it can."""
    sheet, row = c.sheet, c.row
    excluded = sheet.reason(sheet.exclude, row.outcome, row.arm)
    held = sheet.held(row.outcome, row.arm)
    if excluded:
        return f"excluded: {excluded}"
    if None in (row.events, row.patients):
        return "count not reported"
    if analysis.ascertainment and sheet.ascertainment not in analysis.ascertainment:
        return f"ascertainment: {sheet.ascertainment} is not pooled here"
    if row.window is None and analysis.window.unstated == "exclude":
        return "window: not stated"
    if row.window == OPEN and analysis.window.open == "exclude":
        return f"window: open ({format_window(OPEN, row.window_words)})"
    if row.days is not None and row.days > analysis.window.max_days:
        return f"window: {row.days} days, more than {analysis.window.max_days}"
    if row.basis in analysis.exclude_basis:
        return f"basis: {row.basis} counts are not pooled here"
    if analysis.readings == "twice" and row.second_reading != "agree":
        return f"reading: {'a second reader disagrees' if row.second_reading else 'read once'}"
    if row.patients < analysis.minimum_patients:
        return f"size: {row.patients} patients, fewer than {analysis.minimum_patients}"
    return f"sensitivity only: {held}" if held else None  # last: what else keeps it out holds for them, too


def _by_study(candidates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    studies: dict[str, list[Candidate]] = {}
    for c in candidates:
        studies.setdefault(c.sheet.id, []).append(c)
    return studies


def _choose_arms(study: list[Candidate], analysis: Analysis, variable: str | None) -> list[Candidate]:
    """Choose the widest arm of a study, or the arms with one level of a variable where there are such."""

    def rank(c: Candidate) -> tuple:
        """Order rows of one arm: preferred outcome, most days (then open, then unstated), largest denominator."""
        longest = {OPEN: -1, None: -2}.get(c.row.window, c.row.window)
        return analysis.outcomes.index(c.row.outcome), -longest, -(c.row.patients or 0)

    preferred = min(rank(c)[0] for c in study)
    best: dict[str, Candidate] = {}
    for c in sorted((c for c in study if rank(c)[0] == preferred), key=rank):
        best.setdefault(c.row.arm, c)
    single = [c for c in best.values() if variable and c.is_single(variable)]
    if not single:
        return [max(best.values(), key=lambda c: c.size)]

    def apart(one: Candidate, other: Candidate) -> bool:
        """Patients with one level are never those with another, others may be the same."""
        differ = one.level(variable) != other.level(variable)
        return differ or are_apart(one.row.arm, other.row.arm, one.sheet.parts)

    kept, _ = widest(single, lambda c: -c.size, apart)
    return sorted(kept, key=lambda c: list(c.sheet.arms).index(c.row.arm))


def _why_not(c: Candidate, best: list[Candidate]) -> str:
    first = best[0]
    if c.row.outcome != first.row.outcome:
        return f"another outcome of the study is preferred: {first.row.outcome}"
    if c.row.arm == first.row.arm:
        window = format_window(first.row.window, first.row.window_words)
        return f"another row of the arm is preferred: window {window}, {first.row.definition}"
    return f"the study enters once, with its widest arm: {', '.join(b.row.arm for b in best)}"


def _split(best: list[Candidate], usable: list[Candidate], analysis: Analysis, variable: str) -> list[Candidate]:
    """Give the arms of a pooled study that have one level of a variable, or the pooled arm itself."""
    if variable in STUDY_VARIABLES:
        return best
    arms = _choose_arms([c for c in usable if c.row.outcome == best[0].row.outcome], analysis, variable)
    return arms if any(c.is_single(variable) for c in arms) else best


def _as_row(c: Candidate, analysis: str, subset: str, group: str, reason: str | None, vocabulary: Vocabulary) -> dict:
    sheet, row = c.sheet, c.row
    known, (least, most) = None not in (row.events, row.patients), row.limits
    exact = least == most
    low, high = _interval(row, vocabulary) if known and vocabulary.interval else (None, None)
    own = {
        **{"analysis": analysis, "subset": subset, "group": group, "study": sheet.id},
        **{name: c.attributes.get(name) for name in vocabulary.attributes},
        **{name: getattr(sheet, name) for name in ("label", "ascertainment", "report", "cohort")},
        **{name: getattr(sheet.citation, name) for name in ("year", "doi")},
        "arm_label": sheet.arms[row.arm].label or row.arm,
        "window": UNSTATED if row.window is None else row.window,
        "window_words": format_window(row.window, row.window_words),
        "use": "no" if reason else "yes",
        "reason": reason,
        **{"events": least if exact else None, "events_from": least, "events_to": most},
        "proportion": least / row.patients if known and exact else None,
        **{"ci_low": low, "ci_high": high},
    }
    values = {name: own.get(name, getattr(row, name, None)) for name in vocabulary.columns}
    return {name: "" if value is None else value for name, value in values.items()}


def _interval(row: Outcome, vocabulary: Vocabulary) -> list[float]:
    """Reach from the lower end for the fewest events to the upper end for the most."""
    from ..models.proportions import STUDY_INTERVALS  # scipy: the Snakefile selects rows too, and needs no interval

    low, high = STUDY_INTERVALS[vocabulary.interval](row.limits, row.patients, vocabulary.level)
    return [float(low[0]), float(high[1])]


def select_rows_file(handed: str, rows_csv: str, *, analysis: str, choices: dict, vocabulary: dict) -> None:
    """Select the rows of an analysis from the sheets that were handed down, and write them."""
    words = Vocabulary(**vocabulary)
    rows = select_rows(read_handed(handed), analysis, Analysis.model_validate(choices), words)
    write(rows_csv, rows, named=words.attributes)


def rows_to_fit(sheets: Iterable[Sheet], name: str, analysis: Analysis, vocabulary: Vocabulary) -> str:
    """Give the same rows as the text of a table, for fits: see :func:`synthesis.sheets.facts.without_words`."""
    return as_table("rows", select_rows(sheets, name, analysis, vocabulary), vocabulary.attributes)
