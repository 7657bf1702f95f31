"""Two levels set against each other: inside the studies that have both, and apart from that between studies."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..models.proportions import wilson
from ..words.formatting import format_p
from ..words.terms import BETWEEN, FISHER, LIKELIHOOD_RATIO, OK, TOGETHER, WITHIN, with_remark
from ..words.terms import WITHIN_POOLED as POOLED
from .subgroups import odds_ratio_shared


def newcombe(events, patients, level: float = 0.95) -> tuple[float, float, float]:
    """Give the difference of two proportions with Newcombe's hybrid score interval.

    Parameters
    ----------
    events, patients : array_like of int, shape (2,)
        First and second arm.
    level : float

    Returns
    -------
    difference, low, high : float
        First minus second.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:873–90, method 10.
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    (p1, p2), (low, high) = y / n, wilson(y, n, level)
    down = np.sqrt((p1 - low[0]) ** 2 + (high[1] - p2) ** 2)
    up = np.sqrt((high[0] - p1) ** 2 + (p2 - low[1]) ** 2)
    return float(p1 - p2), float(p1 - p2 - down), float(p1 - p2 + up)


def exact_odds_ratio(events, patients, level: float = 0.95) -> tuple[float, float, float, float]:
    """Give the conditional odds ratio of a 2×2 table with its exact interval and Fisher's P value.

    Parameters
    ----------
    events, patients : array_like of int, shape (2,)
        First and second arm.
    level : float

    Returns
    -------
    estimate, low, high, p : float
        First against second; 0 or infinite where a cell is empty, NaN where neither arm has events.
    """
    (a, c), (n1, n2) = (int(e) for e in events), (int(p) for p in patients)
    table = [[a, n1 - a], [c, n2 - c]]
    from scipy.stats import fisher_exact  # 0.6 s to import, so only where two arms are set against each other
    from scipy.stats.contingency import odds_ratio

    result = odds_ratio(table, kind="conditional")
    interval = result.confidence_interval(level)
    p = float(fisher_exact(table).pvalue)
    return float(result.statistic), float(interval.low), float(interval.high), p


def clash_words(low: float, high: float, p: float, level: float, nothing: float = 1.0) -> str:
    """Say that an interval and a P value of different tests give different verdicts; blank where they do not.

    Parameters
    ----------
    low, high, p, level : float
    nothing : float
        The effect that is none: 1 for ratios, 0 for differences.

    Examples
    --------
    >>> clash_words(0.98, 1.4, 0.048, 0.95), clash_words(1.1, 1.4, 0.048, 0.95)
    ('the interval includes 1 and P = 0.048: they are of different tests', '')
    """
    if np.isnan([low, high, p]).any() or (low > nothing or high < nothing) == (p < round(1 - level, 10)):
        return ""
    verb = "includes" if low <= nothing <= high else "excludes"
    return f"the interval {verb} {nothing:g} and {format_p(p)}: they are of different tests"


def contrast_rows(rows: pd.DataFrame, analysis: str, contrasts: Sequence[dict], level: float = 0.95) -> list[dict]:
    """Set levels against each other in one analysis.

    Parameters
    ----------
    rows : DataFrame
        The used rows of ``rows.csv``.
    analysis : str
    contrasts : sequence of dict
        Each with ``by``, ``first`` and ``second``.
    level : float

    Returns
    -------
    list of dict
        For each contrast: a row a study and measure *within* studies; the *between*-study odds ratio from studies
        that have only one of the levels; and both together, arms of a study sharing its effect. From two studies with
        both levels on, a row pools what stands within them.
    """
    table: list[dict] = []
    for contrast in contrasts:
        by, first, second = contrast["by"], contrast["first"], contrast["second"]
        block = rows[(rows["subset"] == by) & rows["group"].isin([first, second])]
        base = {"analysis": analysis, "by": by, "first": first, "second": second}
        both = [s for s, arms in block.groupby("study", sort=False) if arms["group"].nunique() == 2]
        for study in both:
            table += [base | row for row in _within(block[block["study"] == study], first, level)]
        if len(both) > 1:
            table.append(base | _model_row(block[block["study"].isin(both)], POOLED, first, second, level))
        if not both:
            table.append(base | {"kind": WITHIN, "status": "no study has both levels"})
        single = block[~block["study"].isin(both)]
        table.append(base | _model_row(single, BETWEEN, first, second, level))
        if both and single.empty:
            same = {"kind": TOGETHER, **_totals(block, first), "status": "no study beside those that have both levels"}
            table.append(base | same)
        else:
            table.append(base | _model_row(block, TOGETHER, first, second, level))
    return table


def _totals(arms: pd.DataFrame, first: str) -> dict:
    side = arms["group"] == first
    return {
        "first_events": int(arms.loc[side, "events"].sum()),
        "first_patients": int(arms.loc[side, "patients"].sum()),
        "second_events": int(arms.loc[~side, "events"].sum()),
        "second_patients": int(arms.loc[~side, "patients"].sum()),
    }


def _within(arms: pd.DataFrame, first: str, level: float) -> list[dict]:
    """Give the exact odds ratio and the risk difference inside one study."""
    totals = _totals(arms, first)
    events = totals["first_events"], totals["second_events"]
    patients = totals["first_patients"], totals["second_patients"]
    base = {
        "kind": WITHIN,
        "study": arms["study"].iloc[0],
        **totals,
        "status": OK,
    }
    estimate, low, high, p = exact_odds_ratio(events, patients, level)
    status = "no events in either arm: no odds ratio" if sum(events) == 0 else OK
    status = with_remark(status, clash_words(low, high, p, level))
    ratio = {"measure": "odds ratio", "estimate": estimate, "ci_low": low, "ci_high": high, "p": p, "p_test": FISHER}
    difference = dict(zip(("estimate", "ci_low", "ci_high"), newcombe(events, patients, level), strict=True))
    return [
        base | ratio | {"method": "conditional maximum likelihood, exact interval", "status": status},
        base | {"measure": "risk difference", "method": "Newcombe hybrid score interval"} | difference,
    ]


def _model_row(arms: pd.DataFrame, kind: str, first: str, second: str, level: float) -> dict:
    totals = _totals(arms, first)
    row = {"kind": kind, **totals, "measure": "odds ratio"}
    missing = [name for name in (first, second) if not (arms["group"] == name).any()]
    if missing:
        where = "study with only" if kind == BETWEEN else "arm with"
        return row | {"status": f"no {where} {' or '.join(missing)}: nothing to compare"}
    result = odds_ratio_shared(
        arms["events"], arms["patients"], arms["study"], (arms["group"] == first).to_numpy(), level
    )
    return row | {
        "estimate": result.estimate,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "p": result.p,
        "p_test": LIKELIHOOD_RATIO if result.p == result.p else "",
        "method": "random-effects logistic model, study effect shared by its arms, Wald interval",
        "status": with_remark(result.status, clash_words(result.ci_low, result.ci_high, result.p, level)),
    }
