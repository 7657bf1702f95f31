"""Which rows enter an analysis, and why the others do not.

A row is never dropped silently: every candidate is listed with `use` yes or no, and a reason in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..protocol.config import STUDY_VARIABLES, Analysis
from ..sheets.facts import read_handed
from ..sheets.sheet import Outcome, Sheet
from ..tables.files import as_csv, write_table
from ..words.levels import MIXED, NOT_REPORTED

# What a row of rows.csv holds: where it stands, the attributes of its arm (from the config), then the count.
FIXED = ("analysis", "subset", "group", "study", "label", "arm", "arm_label")
COUNTS = (
    "ascertainment",
    "report",
    "year",
    "outcome",
    "definition",
    "events",
    "patients",
    "window",
    "window_text",
    "basis",
    "confidence",
    "second_reading",
    "use",
    "reason",
    "proportion",
    "ci_low",
    "ci_high",
    "source",
    "url",
    "doi",
    "note",
    "cohort",
)
ARTICLE_FIRST = (
    "article",
    "registry",
    "label",
    "manufacturer",
    "abstract",
    "review-table",
    "systematic review",
)


@dataclass(frozen=True)
class Vocabulary:
    """What selection needs to know of the config beside the analysis itself.

    Parameters
    ----------
    attributes : sequence of str
        Attributes of an arm, `product` first.
    implied : mapping
        Product → attributes that follow from it.
    level : float
        Confidence level of study intervals.
    interval : str
        ``clopper-pearson`` or ``wilson``; blank: rows without intervals.
    """

    attributes: Sequence[str]
    implied: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    level: float = 0.95
    interval: str = "clopper-pearson"


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


def select_rows(sheets: Iterable[Sheet], name: str, analysis: Analysis, vocabulary: Vocabulary) -> list[dict]:
    """Select the rows of an analysis.

    Parameters
    ----------
    sheets : iterable of Sheet
        Those that report one of its outcomes; others add nothing.
    name : str
        The analysis.
    analysis : Analysis
    vocabulary : Vocabulary

    Returns
    -------
    list of dict
        A block for ``subset`` = ``all`` with every candidate, used or not; then one block a subgroup variable with
        the same studies, split into the arms that have one level of it.
    """
    candidates = [
        Candidate(sheet, row, attributes_of(sheet, row.arm, vocabulary))
        for sheet in sorted(sheets, key=lambda s: s.id)
        for row in sheet.outcomes
        if row.outcome in analysis.outcomes
    ]
    reasons = {id(c.row): unusable(c, analysis) for c in candidates}
    usable = [c for c in candidates if reasons[id(c.row)] is None]
    chosen: list[Candidate] = []
    for study in _by_study(usable):
        best = _choose_arms(study, analysis, "product" if analysis.arms == "product" else None)
        chosen += best
        for c in study:
            if c not in best:
                reasons[id(c.row)] = _why_not(c, best)
    chosen = _drop_shared_cohorts(chosen, reasons)
    table = [_as_row(c, name, "all", "", reasons[id(c.row)], vocabulary) for c in candidates]
    for variable in analysis.subgroups:
        for study in _by_study(chosen):
            split = _split(study, usable, analysis, variable)
            table += [_as_row(c, name, variable, _level(c, variable), None, vocabulary) for c in split]
    return table


def columns(vocabulary: Vocabulary) -> list[str]:
    """Give the columns of ``rows.csv`` in order."""
    return [*FIXED, *vocabulary.attributes, *COUNTS]


def attributes_of(sheet: Sheet, arm: str, vocabulary: Vocabulary) -> dict[str, str]:
    """Give the attributes of an arm: what the sheet says, and what follows from the product."""
    given = sheet.arms[arm].attributes
    return {**vocabulary.implied.get(given.get("product", ""), {}), **given}


def unusable(c: Candidate, analysis: Analysis) -> str | None:
    """Say why a row cannot enter an analysis, whatever other rows there are; None when it can."""
    sheet, row = c.sheet, c.row
    excluded = sheet.reason(sheet.exclude, row.outcome, row.arm)
    held = sheet.reason(sheet.sensitivity_only, row.outcome, row.arm)
    if excluded:
        return f"excluded: {excluded}"
    if row.events is None or row.patients is None:
        return "count not reported"
    if held:
        return f"sensitivity only: {held}"
    if analysis.ascertainment and sheet.ascertainment not in analysis.ascertainment:
        return f"ascertainment: {sheet.ascertainment} is not pooled here"
    if row.window is None and analysis.window.unstated == "exclude":
        return "window: not stated"
    if row.window is not None and row.window > analysis.window.max_days:
        return f"window: {row.window} days, more than {analysis.window.max_days}"
    if row.basis in analysis.exclude_basis:
        return f"basis: {row.basis} counts are not pooled here"
    if analysis.readings == "twice" and row.second_reading != "agree":
        return f"reading: {'a second reader disagrees' if row.second_reading else 'read once'}"
    if row.patients < analysis.minimum_patients:
        return f"size: {row.patients} patients, fewer than {analysis.minimum_patients}"
    return None


def _by_study(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    studies: dict[str, list[Candidate]] = {}
    for c in candidates:
        studies.setdefault(c.sheet.id, []).append(c)
    return list(studies.values())


def _rank(c: Candidate, analysis: Analysis) -> tuple:
    """Order rows of one arm: preferred outcome, then the longest stated window, then the largest denominator."""
    window = -1 if c.row.window is None else c.row.window
    return analysis.outcomes.index(c.row.outcome), -window, -(c.row.patients or 0)


def _choose_arms(study: list[Candidate], analysis: Analysis, variable: str | None) -> list[Candidate]:
    """Choose the widest arm of a study, or the arms with one level of a variable where there are such."""
    preferred = min(analysis.outcomes.index(c.row.outcome) for c in study)
    same = [c for c in study if analysis.outcomes.index(c.row.outcome) == preferred]
    best: dict[str, Candidate] = {}
    for c in sorted(same, key=lambda c: _rank(c, analysis)):
        best.setdefault(c.row.arm, c)
    if variable:
        single = [c for c in best.values() if c.attributes.get(variable, MIXED) != MIXED]
        if single:
            return _disjoint(single, variable)
    return [max(best.values(), key=lambda c: c.size)]


def _disjoint(arms: list[Candidate], variable: str) -> list[Candidate]:
    """Keep the widest arms; patients with one level are never those with another, others may be the same."""
    kept: list[Candidate] = []
    for c in sorted(arms, key=lambda c: -c.size):
        sheet = c.sheet
        if all(_apart(sheet, c.row.arm, k.row.arm) for k in kept if _level(k, variable) == _level(c, variable)):
            kept.append(c)
    return sorted(kept, key=lambda c: list(c.sheet.arms).index(c.row.arm))


def _apart(sheet: Sheet, one: str, other: str) -> bool:
    """Say whether a sheet shows that two arms share no patients: different parts of one arm's `comprises`."""
    lines = [{arm, *sheet.ancestors(arm)} for arm in (one, other)]
    for whole in sheet.arms.values():
        parts = [next((part for part in whole.comprises if part in line), None) for line in lines]
        if None not in parts and parts[0] != parts[1]:
            return True
    return False


def _why_not(c: Candidate, best: list[Candidate]) -> str:
    first = best[0]
    if c.row.outcome != first.row.outcome:
        return f"another outcome of the study is preferred: {first.row.outcome}"
    if c.row.arm == first.row.arm:
        return f"another row of the arm is preferred: {_window_words(first.row)}, {first.row.definition}"
    return f"the study enters once, with its widest arm: {', '.join(b.row.arm for b in best)}"


def _window_words(row: Outcome) -> str:
    return "window unstated" if row.window is None else f"{row.window} days"


def _drop_shared_cohorts(chosen: list[Candidate], reasons: dict[int, str | None]) -> list[Candidate]:
    """Let one study of a cohort in: the largest, then the fullest report, then the first id."""
    kept: list[Candidate] = []
    for study in sorted(
        _by_study(chosen),
        key=lambda s: (-sum(c.size for c in s), ARTICLE_FIRST.index(s[0].sheet.report), s[0].sheet.id),
    ):
        cohort = study[0].sheet.cohort
        rival = next((k for k in kept if cohort and k.sheet.cohort == cohort), None)
        if rival is None:
            kept += study
        for c in study if rival else ():
            reasons[id(c.row)] = f"shares patients with {rival.sheet.id} (cohort {cohort}), which is larger or fuller"
    return sorted(kept, key=lambda c: c.sheet.id)


def _split(study: list[Candidate], usable: list[Candidate], analysis: Analysis, variable: str) -> list[Candidate]:
    """Give the arms of a pooled study that have one level of a variable, or the pooled arm itself."""
    if variable in STUDY_VARIABLES:
        return study
    same = [c for c in usable if c.sheet.id == study[0].sheet.id and c.row.outcome == study[0].row.outcome]
    arms = _choose_arms(same, analysis, variable)
    return arms if any(c.attributes.get(variable, MIXED) != MIXED for c in arms) else study


def _level(c: Candidate, variable: str) -> str:
    return getattr(c.sheet, variable) if variable in STUDY_VARIABLES else c.attributes.get(variable, NOT_REPORTED)


def _as_row(c: Candidate, analysis: str, subset: str, group: str, reason: str | None, vocabulary: Vocabulary) -> dict:
    sheet, row = c.sheet, c.row
    known = None not in (row.events, row.patients)
    low, high = _interval(row, vocabulary) if known and vocabulary.interval else (None, None)
    values = {
        "analysis": analysis,
        "subset": subset,
        "group": group,
        "study": sheet.id,
        "label": sheet.label,
        "arm": row.arm,
        "arm_label": sheet.arms[row.arm].label or row.arm,
        **{name: c.attributes.get(name, "") for name in vocabulary.attributes},
        **{name: getattr(row, name) for name in COUNTS if name in type(row).model_fields},
        "ascertainment": sheet.ascertainment,
        "report": sheet.report,
        "year": sheet.citation.year,
        "window": "unstated" if row.window is None else row.window,
        "use": "no" if reason else "yes",
        "reason": reason,
        "proportion": row.events / row.patients if known else None,
        "ci_low": low,
        "ci_high": high,
        "doi": sheet.citation.doi,
        "cohort": sheet.cohort,
    }
    return {key: "" if value is None else value for key, value in values.items()}


def _interval(row: Outcome, vocabulary: Vocabulary) -> list[float]:
    from ..models.proportions import STUDY_INTERVALS  # scipy: the Snakefile selects rows too, and needs no interval

    return [float(limit) for limit in STUDY_INTERVALS[vocabulary.interval](row.events, row.patients, vocabulary.level)]


def select_rows_file(handed: str, rows_csv: str, *, analysis: str, choices: dict, vocabulary: dict) -> None:
    """Select the rows of an analysis from the sheets that were handed down, and write them."""
    words = Vocabulary(**vocabulary)
    rows = select_rows(read_handed(handed), analysis, Analysis.model_validate(choices), words)
    write_table(rows_csv, rows, columns(words))


def rows_to_fit(sheets: Iterable[Sheet], name: str, analysis: Analysis, vocabulary: Vocabulary) -> str:
    """Give the same rows as the text of a table, for fits: see :func:`synthesis.sheets.facts.without_words`."""
    return as_csv(select_rows(sheets, name, analysis, vocabulary), columns(vocabulary))
