"""Risk factors: an outcome among exposed and unexposed, study by study and pooled.

Tables of all studies meet by exposure and outcome. A study has one effect: where its tables overlap, the widest
disjoint ones are used, and these share the study's effect.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..pools.contrasts import clash_words, exact_odds_ratio, newcombe
from ..selection.sharing import are_apart, one_a_cohort, widest
from ..sheets.collect import arm_rows, study_row
from ..sheets.collect import comparison_rows as tables_of_sheet
from ..sheets.facts import read_handed
from ..sheets.sheet import ArmParts
from ..tables.declared import write
from ..words.terms import FISHER, OK, ONE_STUDY, is_ok, remarks_of, with_remark
from .pooled_tables import METHODS, Effect
from .two_by_two import EMPTY, NOBODY, OR, RD, RR, STUDY_METHODS, risk_ratio_score, tables_of

CELLS = ("exposed_events", "exposed_patients", "unexposed_events", "unexposed_patients")
LIMITS = ("estimate", "ci_low", "ci_high")
STUDY, POOLED = "study", "pooled"


def choose_tables(rows: Sequence[Mapping], arms: Iterable[Mapping], studies: Iterable[Mapping]) -> list[str]:
    """Decide which tables of one exposure and outcome are pooled; rows as :mod:`synthesis.sheets.collect` has them.

    Gives a reason for every row that stays out, blank for the others: one table an arm (the longest stated window, then
    the most patients); of a study's arms the widest that share no patients; of studies that share a cohort the largest,
    then the fullest report.
    """
    reasons = [_held_back(row) for row in rows]
    first: dict[tuple[str, str], int] = {}  # study and arm → its table
    for i in sorted(range(len(rows)), key=lambda i: (-_days(rows[i]), -_patients(rows[i]))):
        if not reasons[i] and first.setdefault((rows[i]["study"], rows[i]["arm"]), i) != i:
            rival = rows[first[rows[i]["study"], rows[i]["arm"]]]
            reasons[i] = f"another table of the arm is preferred: {_window(rival)}"
    parts: dict[str, list[ArmParts]] = {row["study"]: [] for row in rows}
    for arm in arms:
        parts.get(arm["study"], []).append((arm["arm"], arm["comprises"].split("; "), arm["part_of"]))
    chosen: dict[str, list[int]] = {}
    for study, own in parts.items():
        chosen[study], left = widest(
            (i for i in first.values() if rows[i]["study"] == study),
            lambda i: (-_patients(rows[i]), i),
            lambda i, j, own=own: are_apart(rows[i]["arm"], rows[j]["arm"], own),
        )
        for i, over in left:
            names = ", ".join(rows[j]["arm"] for j in over)
            reasons[i] = f"may share patients with a wider table of the study: {names}"
    sizes = {study: sum(_patients(rows[i]) for i in kept) for study, kept in chosen.items() if kept}
    about = {row["study"]: (row["report"], row["cohort"]) for row in studies}
    for study, reason in one_a_cohort((study, size, *about[study]) for study, size in sizes.items()).items():
        for i in chosen[study]:
            reasons[i] = reason
    return reasons


def _held_back(row: Mapping) -> str:
    if 0 in (row["exposed_patients"], row["unexposed_patients"]):
        return NOBODY
    if row.get("exclude"):
        return f"excluded: {row['exclude']}"
    return f"sensitivity only: {row['sensitivity_only']}" if row.get("sensitivity_only") else ""


def _patients(row: Mapping) -> int:
    return row["exposed_patients"] + row["unexposed_patients"]


def _days(row: Mapping) -> int:
    return -1 if row["window"] is None else row["window"]


def _window(row: Mapping) -> str:
    return "window unstated" if row["window"] is None else f"{row['window']} days"


def comparison_rows(
    rows: Iterable[Mapping], arms: Iterable[Mapping], studies: Iterable[Mapping], level: float = 0.95
) -> list[dict]:
    """Give every table's own effects and, by exposure (in its wording, whatever its case) and outcome, the pooled ones.

    The arguments are those of :func:`choose_tables`; the result are rows of ``results/comparisons.csv``.
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
    cells = {cell: row[cell] for cell in CELLS}
    events, patients = list(cells.values())[::2], list(cells.values())[1::2]
    about = {key: row[key] for key in ("exposure", "outcome", "study", "arm", "basis")}
    numbers, p = _study_numbers(events, patients, level)
    out = []
    for model, measure in STUDY_METHODS.items():
        words = [] if numbers[measure][0] == numbers[measure][0] or 0 in patients else [EMPTY]
        words += [f"not pooled: {reason}"] if reason else []
        found = {"kind": STUDY, "k": 1, "studies": 1, "model": model, "measure": measure}
        found |= dict(zip(LIMITS, numbers[measure], strict=True))
        found["status"] = "; ".join(words) or OK
        if measure == OR:
            found |= {"p": p, "p_test": FISHER if p == p else ""}
            found["status"] = with_remark(found["status"], clash_words(*numbers[OR][1:], p, level))
        out.append(about | cells | found)
    return out


def _study_numbers(events, patients, level: float) -> tuple[dict[str, Sequence[float]], float]:
    """Give estimate and limits by measure, and Fisher's P; NaN where there are none."""
    nothing = (np.nan,) * 3
    if 0 in patients:
        return dict.fromkeys((OR, RR, RD), nothing), np.nan
    *ratio, p = exact_odds_ratio(events, patients, level)
    if np.isnan(ratio[0]):
        ratio, p = nothing, np.nan
    return {OR: ratio, RR: risk_ratio_score(events, patients, level), RD: newcombe(events, patients, level)}, p


def _pooled_rows(used: Sequence[Mapping], first: Mapping, level: float) -> list[dict]:
    """Pool the chosen tables by every method; one study with one table is given as it is."""
    base = {key: first[key] for key in ("exposure", "outcome")} | {"kind": POOLED}
    if not used:
        return [base | {"k": 0, "studies": 0, "status": "no table to pool"}]
    study = [row["study"] for row in used]
    columns = [[row[cell] for row in used] for cell in CELLS]
    base |= dict(zip(CELLS, map(sum, columns), strict=True))
    base["basis"] = "; ".join(dict.fromkeys(row["basis"] for row in used))
    if len(used) == 1:
        alone = base | {"study": "", "arm": ""}
        return [
            row | alone | {"status": with_remark(ONE_STUDY, remarks_of(row["status"]))}
            for row in _study_rows(used[0], "", level)
        ]
    tables, one = tables_of(*columns, study), len(set(study)) == 1
    windows = list(dict.fromkeys(map(_window, used)))
    mixed = f"windows differ: {', '.join(windows)}" if len(windows) > 1 else ""
    out = []
    for model, method in METHODS.items():
        # Tables of one study have one effect, and nothing can vary between studies: Mantel–Haenszel alone fits that.
        for measure in method.measures if not one or model == "mh" else ():
            effect = method.pool(tables, measure, level)
            status = f"{ONE_STUDY}, its tables combined" if one and is_ok(effect.status) else effect.status
            row = {"model": model, "measure": measure, **_printed(effect, measure)}
            clash = clash_words(row["ci_low"], row["ci_high"], row["p"], level, 0 if measure == RD else 1)
            row["p_test"] = method.p_test if effect.p == effect.p else ""
            out.append(base | row | {"status": with_remark(with_remark(status, mixed), clash)})
    return out


def _printed(effect: Effect, measure: str) -> dict:
    """Give an effect as the table prints it: ratios as such, not their logarithms."""
    away = {"estimate": 0, "ci_low": -effect.half, "ci_high": effect.half}
    away |= {"pi_low": -effect.pi_half, "pi_high": effect.pi_half}
    back = {name: effect.mean + by if measure == RD else np.exp(effect.mean + by) for name, by in away.items()}
    same = {key: getattr(effect, key) for key in ("k", "studies", "p", "tau2", "i2", "q", "q_df", "q_p")}
    return {name: float(value) for name, value in back.items()} | same


def pool_comparisons_file(handed: str, target_csv: str, *, level: float) -> None:
    """Pool the 2×2 tables of the sheets that were handed down, write ``results/comparisons.csv``."""
    sheets = read_handed(handed)
    parts = (tables_of_sheet, lambda sheet: arm_rows(sheet, ()), lambda sheet: [study_row(sheet)])
    write(target_csv, comparison_rows(*([row for sheet in sheets for row in part(sheet)] for part in parts), level))
