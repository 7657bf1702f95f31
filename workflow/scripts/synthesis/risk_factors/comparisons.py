"""Risk factors: an outcome among exposed and unexposed, study by study and pooled.

Tables of all studies meet by exposure and outcome. A study has one effect: where its tables overlap, the widest
disjoint ones are used, and these share the study's effect.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..pools.contrasts import clash_words, exact_odds_ratio, newcombe
from ..selection.rows import ARTICLE_FIRST
from ..sheets.collect import arm_rows, study_row
from ..sheets.collect import comparison_rows as tables_of_sheet
from ..sheets.facts import read_handed
from ..tables.files import as_cells, write_table
from ..words.terms import FISHER, OK, ONE_STUDY, is_ok, remarks_of, with_remark
from .pooled_tables import METHODS, Effect
from .two_by_two import EMPTY, NOBODY, OR, RD, RR, STUDY_METHODS, risk_ratio_score, tables_of

CELLS = ("exposed_events", "exposed_patients", "unexposed_events", "unexposed_patients")
COMPARISONS = (
    "exposure",
    "outcome",
    "kind",
    "study",
    "arm",
    "model",
    "measure",
    "k",
    "studies",
    *CELLS,
    "estimate",
    "ci_low",
    "ci_high",
    "pi_low",
    "pi_high",
    "p",
    "p_test",
    "tau2",
    "i2",
    "q",
    "q_df",
    "q_p",
    "basis",
    "status",
)
LIMITS = ("estimate", "ci_low", "ci_high")
STUDY, POOLED = "study", "pooled"


def choose_tables(rows: Sequence[Mapping], arms: Iterable[Mapping], studies: Iterable[Mapping]) -> list[str]:
    """Decide which tables of one exposure and outcome are pooled.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of ``comparisons.csv``; a column ``exclude`` or ``sensitivity_only``, if there is one, keeps a row out.
    arms, studies : iterable of mapping
        Rows of ``arms.csv`` and ``studies.csv``.

    Returns
    -------
    list of str
        A reason for every row that stays out, blank for the others: one table an arm (the longest stated window, then
        the most patients); of a study's arms the widest that share no patients; of studies that share a cohort the
        largest, then the fullest report.
    """
    lines = {study: {} for study in dict.fromkeys(row["study"] for row in rows)}
    for arm in arms:
        if arm["study"] in lines:
            lines[arm["study"]][arm["arm"]] = (set(filter(None, arm["comprises"].split("; "))), arm["part_of"])
    reasons = [_held_back(row) for row in rows]
    kept: dict[str, list[int]] = {study: [] for study in lines}
    for i in sorted(range(len(rows)), key=lambda i: (-_days(rows[i]), -_patients(rows[i]))):
        rival = next((j for j in kept[rows[i]["study"]] if rows[j]["arm"] == rows[i]["arm"]), None)
        if rival is None and not reasons[i]:
            kept[rows[i]["study"]].append(i)
        elif not reasons[i]:
            reasons[i] = f"another table of the arm is preferred: {_window(rows[rival])}"
    for study, mine in kept.items():
        wide: list[int] = []
        for i in sorted(mine, key=lambda i: (-_patients(rows[i]), i)):
            over = [rows[j]["arm"] for j in wide if not _apart(rows[i]["arm"], rows[j]["arm"], lines[study])]
            reasons[i] = f"may share patients with a wider table of the study: {', '.join(over)}" if over else ""
            wide += [] if over else [i]
        kept[study] = wide
    _drop_shared_cohorts(rows, kept, {row["study"]: row for row in studies}, reasons)
    return reasons


def _held_back(row: Mapping) -> str:
    if "0" in (row["exposed_patients"], row["unexposed_patients"]):
        return NOBODY
    if row.get("exclude"):
        return f"excluded: {row['exclude']}"
    return f"sensitivity only: {row['sensitivity_only']}" if row.get("sensitivity_only") else ""


def _patients(row: Mapping) -> int:
    return int(row["exposed_patients"]) + int(row["unexposed_patients"])


def _days(row: Mapping) -> int:
    return int(row["window"]) if row["window"].isdigit() else -1


def _window(row: Mapping) -> str:
    return f"{row['window']} days" if row["window"].isdigit() else "window unstated"


def _apart(one: str, other: str, lines: Mapping[str, tuple[set[str], str]]) -> bool:
    """Say whether a sheet shows that two arms share no patients: they lie in different parts of one arm."""
    above = [_lineage(arm, lines) for arm in (one, other)]
    sides = ([parts & line for line in above] for parts, _ in lines.values())
    return any(first and second and not first & second for first, second in sides)


def _lineage(arm: str, lines: Mapping[str, tuple[set[str], str]]) -> set[str]:
    """Give an arm and every arm that holds all its patients."""
    found, queue = set(), [arm]
    while queue:
        name = queue.pop()
        if name and name not in found:
            found.add(name)
            queue += [whole for whole, (parts, _) in lines.items() if name in parts]
            queue += [lines[name][1]] if name in lines else []
    return found


def _drop_shared_cohorts(rows, kept: Mapping[str, list[int]], studies: Mapping[str, Mapping], reasons) -> None:
    size = {study: sum(_patients(rows[i]) for i in mine) for study, mine in kept.items() if mine}
    seen: dict[str, str] = {}
    for study in sorted(size, key=lambda s: (-size[s], ARTICLE_FIRST.index(studies[s]["report"]), s)):
        cohort = studies[study]["cohort"]
        first = seen.setdefault(cohort, study) if cohort else study
        for i in kept[study] if first != study else ():
            reasons[i] = f"shares patients with {first} (cohort {cohort}), which is larger or fuller"


def comparison_rows(
    rows: Iterable[Mapping], arms: Iterable[Mapping], studies: Iterable[Mapping], level: float = 0.95
) -> list[dict]:
    """Give every table's own effects and, by exposure and outcome, the pooled ones.

    Parameters
    ----------
    rows, arms, studies : iterable of mapping
        Rows of ``comparisons.csv``, ``arms.csv`` and ``studies.csv``, as text.
    level : float

    Returns
    -------
    list of dict
        Rows of ``results/comparisons.csv``. Exposures meet by their wording, whatever its case.
    """
    arms, studies, table = list(arms), list(studies), []
    groups: dict[tuple, list[Mapping]] = {}
    for row in rows:
        groups.setdefault((" ".join(row["exposure"].casefold().split()), row["outcome"]), []).append(row)
    for block in groups.values():
        reasons = choose_tables(block, arms, studies)
        for row, reason in zip(block, reasons, strict=True):
            table += _study_rows(row, reason, level)
        used = [row for row, reason in zip(block, reasons, strict=True) if not reason]
        table += _pooled_rows(used, block[0], level)
    return table


def _study_rows(row: Mapping, reason: str, level: float) -> list[dict]:
    """Give the odds ratio, risk ratio and risk difference of one table."""
    cells = {cell: int(row[cell]) for cell in CELLS}
    events, patients = list(cells.values())[::2], list(cells.values())[1::2]
    base = {
        "kind": STUDY,
        "k": 1,
        "studies": 1,
        **{key: row[key] for key in ("exposure", "outcome", "study", "arm", "basis")},
        **cells,
    }
    numbers, p = _study_numbers(events, patients, level)
    out = []
    test = {"p": p, "p_test": FISHER if p == p else ""}
    for model, (measure, _) in STUDY_METHODS.items():
        words = [] if numbers[measure][0] == numbers[measure][0] or 0 in patients else [EMPTY]
        words += [f"not pooled: {reason}"] if reason else []
        clash = clash_words(*numbers[OR][1:], p, level) if measure == OR else ""
        row = base | {"model": model, "measure": measure, "status": with_remark("; ".join(words) or OK, clash)}
        out.append(row | dict(zip(LIMITS, numbers[measure], strict=True)) | (test if measure == OR else {}))
    return out


def _study_numbers(events, patients, level: float) -> tuple[dict[str, Sequence[float]], float]:
    """Give estimate and limits by measure, and Fisher's P; NaN where there are none."""
    if 0 in patients:
        return dict.fromkeys((OR, RR, RD), (np.nan,) * 3), np.nan
    *ratio, p = exact_odds_ratio(events, patients, level)
    known = np.isfinite(ratio[0]) or np.isinf(ratio[0])
    numbers = {
        OR: ratio if known else (np.nan,) * 3,
        RR: risk_ratio_score(events, patients, level),
        RD: newcombe(events, patients, level),
    }
    return numbers, p if known else np.nan


def _pooled_rows(used: Sequence[Mapping], first: Mapping, level: float) -> list[dict]:
    """Pool the chosen tables by every method; one study with one table is given as it is."""
    base = {key: first[key] for key in ("exposure", "outcome")} | {"kind": POOLED}
    if not used:
        return [base | {"k": 0, "studies": 0, "status": "no table to pool"}]
    study = [row["study"] for row in used]
    tables = tables_of(*([int(row[cell]) for row in used] for cell in CELLS), study)
    base |= {cell: sum(int(row[cell]) for row in used) for cell in CELLS}
    base["basis"] = "; ".join(dict.fromkeys(row["basis"] for row in used))
    if len(used) == 1:
        alone = _study_rows(used[0], "", level)
        return [row | base | {"study": "", "arm": "", "status": _one_study(row["status"])} for row in alone]
    windows = list(dict.fromkeys(_window(row) for row in used))
    mixed = f"windows differ: {', '.join(windows)}" if len(windows) > 1 else ""
    out = []
    for model, method in METHODS.items():
        # Tables of one study have one effect, and nothing can vary between studies: Mantel–Haenszel alone fits that.
        for measure in method.measures if len(set(study)) > 1 or model == "mh" else ():
            effect = method.pool(tables, measure, level)
            combined = len(set(study)) == 1 and is_ok(effect.status)
            status = with_remark(f"{ONE_STUDY}, its tables combined" if combined else effect.status, mixed)
            row = {"model": model, **_printed(effect, measure)}
            clash = clash_words(row["ci_low"], row["ci_high"], row["p"], level, 0 if measure == RD else 1)
            row |= {"p_test": method.p_test if effect.p == effect.p else "", "status": with_remark(status, clash)}
            out.append(base | row)
    return out


def _one_study(status: str) -> str:
    return with_remark(ONE_STUDY, remarks_of(status))


def _printed(effect: Effect, measure: str) -> dict:
    """Give an effect as the table prints it: ratios as such, not their logarithms."""
    back = (lambda x: x) if measure == RD else np.exp
    limits = {
        "estimate": effect.mean,
        "ci_low": effect.mean - effect.half,
        "ci_high": effect.mean + effect.half,
        "pi_low": effect.mean - effect.pi_half,
        "pi_high": effect.mean + effect.pi_half,
    }
    same = ("k", "studies", "p", "tau2", "i2", "q", "q_df", "q_p")
    return (
        {"measure": measure}
        | {key: float(back(value)) for key, value in limits.items()}
        | {key: getattr(effect, key) for key in same}
    )


def pool_comparisons_file(handed: str, target_csv: str, *, level: float) -> None:
    """Pool the 2×2 tables of the sheets that were handed down, write ``results/comparisons.csv``."""
    sheets = read_handed(handed)
    parts = (tables_of_sheet, lambda sheet: arm_rows(sheet, ()), lambda sheet: [study_row(sheet)])
    tables, arms, studies = ([as_cells(row) for sheet in sheets for row in part(sheet)] for part in parts)
    write_table(target_csv, comparison_rows(tables, arms, studies, level), COMPARISONS)
