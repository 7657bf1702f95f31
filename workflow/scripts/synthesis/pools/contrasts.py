"""Two levels set against each other: inside the studies that have both, and apart from that between studies."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..models.bayes import compare_means
from ..models.counts import middle, sum_of
from ..models.proportions import wilson
from ..selection.arms import add_arms, counts_of
from ..words.formatting import format_p
from ..words.model_names import BAYESIAN
from ..words.terms import BETWEEN, FISHER, LIKELIHOOD_RATIO, MIDDLE, OK, TAIL, TOGETHER, WITHIN, is_ok, with_remark
from ..words.terms import WITHIN_POOLED as POOLED
from .subgroups import odds_ratio_shared

POSTERIORS = "difference of the posteriors of the two pools, each with its own τ², credible interval"


def newcombe(events, patients, level: float = 0.95) -> tuple[float, float, float]:
    """Give the difference of two proportions, first minus second, with Newcombe's hybrid score interval.

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

    First arm against second; 0 or infinite where a cell is empty, NaN where neither arm has events.
    """
    from scipy.stats import fisher_exact  # 0.6 s to import, so only where two arms are set against each other
    from scipy.stats.contingency import odds_ratio

    table = [[int(y), int(n) - int(y)] for y, n in zip(events, patients, strict=True)]
    result = odds_ratio(table, kind="conditional")
    return float(result.statistic), *map(float, result.confidence_interval(level)), float(fisher_exact(table).pvalue)


def clash_words(low: float, high: float, p: float, level: float, nothing: float = 1.0) -> str:
    """Say that an interval and a P value of different tests give different verdicts; blank where they do not.

    ``nothing`` is the effect that is none: 1 for ratios, 0 for differences.

    >>> clash_words(0.98, 1.4, 0.048, 0.95), clash_words(1.1, 1.4, 0.048, 0.95)
    ('the interval includes 1 and P = 0.048: they are of different tests', '')
    """
    if np.isnan([low, high, p]).any() or (low > nothing or high < nothing) == (p < round(1 - level, 10)):
        return ""
    verb = "includes" if low <= nothing <= high else "excludes"
    return f"the interval {verb} {nothing:g} and {format_p(p)}: they are of different tests"


def contrast_rows(
    rows: Sequence[Mapping], analysis: str, contrasts: Sequence[dict], level: float = 0.95, primary: str = "glmm"
) -> list[dict]:
    """Set levels against each other in the used rows of an analysis; contrasts have ``by``, ``first`` and ``second``.

    Between studies, a Bayesian ``primary`` model compares the posteriors of the two pools that it gives.

    Returns
    -------
    list of dict
        For each contrast: a row a study and measure *within* studies; the *between*-study odds ratio from studies
        that have only one of the levels; and both together, arms of a study sharing its effect. From two studies with
        both levels on, a row pools what stands within them.
    """
    table = []
    for contrast in contrasts:
        sides = contrast["first"], contrast["second"]
        block = [row for row in rows if row["subset"] == contrast["by"] and row["group"] in sides]
        studies = {row["study"]: [r for r in block if r["study"] == row["study"]] for row in block}
        both = [study for study, arms in studies.items() if {row["group"] for row in arms} == set(sides)]
        found = [row for study in both for row in _within(studies[study], sides, level)]
        linked = [row for row in block if row["study"] in both]
        single = [row for row in block if row["study"] not in both]
        if len(both) > 1:
            found.append(_model_row(linked, POOLED, sides, level))
        if not both:
            found.append({"kind": WITHIN, "status": "no study has both levels"})
        found.append(_model_row(single, BETWEEN, sides, level, primary))
        if both and not single:
            alone = "no study beside those that have both levels"
            found.append({"kind": TOGETHER, **_totals(block, sides), "status": alone})
        else:
            pooled = _model_row(block, TOGETHER, sides, level)
            met = [side for side in sides if both and side not in {row["group"] for row in single}]
            if is_ok(pooled["status"]) and met:
                pooled["status"] = with_remark(pooled["status"], f"{met[0]}: only inside the studies that have both")
            found.append(pooled)
        base = {"analysis": analysis} | {name: contrast[name] for name in ("by", "first", "second")}
        table += [base | row for row in found]
    return table


def _totals(arms: Sequence[Mapping], sides: tuple[str, str]) -> dict[str, int | None]:
    """Give the counts of each level; events are None where known only within limits."""
    totals: dict[str, int | None] = {}
    for side, group in zip(("first", "second"), sides, strict=True):
        own = [row for row in arms if row["group"] == group]
        totals[f"{side}_events"] = sum_of(counts_of(own)[0])
        totals[f"{side}_patients"] = sum(row["patients"] for row in own)
    return totals


def _within(arms: Sequence[Mapping], sides: tuple[str, str], level: float) -> list[dict]:
    """Give the exact odds ratio and the risk difference inside one study."""
    totals = _totals(arms, sides)
    if None in totals.values():
        return _within_limits(arms, totals, sides, level)
    events, patients = ([totals[f"{side}_{count}"] for side in ("first", "second")] for count in ("events", "patients"))
    base = {"kind": WITHIN, "study": arms[0]["study"], **totals, "status": OK}
    estimate, low, high, p = exact_odds_ratio(events, patients, level)
    status = "no events in either arm: no odds ratio" if sum(events) == 0 else OK
    status = with_remark(status, clash_words(low, high, p, level))
    ratio = {"measure": "odds ratio", "estimate": estimate, "ci_low": low, "ci_high": high, "p": p, "p_test": FISHER}
    difference = dict(zip(("estimate", "ci_low", "ci_high"), newcombe(events, patients, level), strict=True))
    return [
        base | ratio | {"method": "conditional maximum likelihood, exact interval", "status": status},
        base | {"measure": "risk difference", "method": "Newcombe hybrid score interval"} | difference,
    ]


def _within_limits(arms: Sequence[Mapping], totals: dict, sides: tuple[str, str], level: float) -> list[dict]:
    """Do the same where a count is known only within limits: by their likelihood, and by their middle."""
    base = {"kind": WITHIN, "study": arms[0]["study"], **totals}
    ratio = _model_row(arms, WITHIN, sides, level) | base | {"method": "logistic model, Wald interval"}
    both = [add_arms(row for row in arms if row["group"] == group)[0] for group in sides]
    events, patients, _ = counts_of(both)
    difference = dict(zip(("estimate", "ci_low", "ci_high"), newcombe(middle(events), patients, level), strict=True))
    method = {"measure": "risk difference", "method": "Newcombe hybrid score interval"}
    return [ratio, base | method | difference | {"status": with_remark(OK, MIDDLE)}]


def _model_row(arms: Sequence[Mapping], kind: str, sides: tuple[str, str], level: float, model: str = "") -> dict:
    row = {"kind": kind, **_totals(arms, sides), "measure": "odds ratio"}
    missing = [name for name in sides if name not in {arm["group"] for arm in arms}]
    if missing:
        where = "study with only" if kind == BETWEEN else "arm with"
        return row | {"status": f"no {where} {' or '.join(missing)}: nothing to compare"}
    if model == BAYESIAN:
        *ends, p = compare_means(*(counts_of(arm for arm in arms if arm["group"] == side) for side in sides), level)
        numbers = dict(zip(("estimate", "ci_low", "ci_high"), np.exp(ends).tolist(), strict=True))
        return row | numbers | {"p": p, "p_test": TAIL, "method": POSTERIORS, "status": OK}
    result = odds_ratio_shared(*counts_of(arms), [arm["group"] == sides[0] for arm in arms], level)
    return row | {
        **{name: getattr(result, name) for name in ("estimate", "ci_low", "ci_high", "p")},
        "p_test": LIKELIHOOD_RATIO if result.p == result.p else "",
        "method": "random-effects logistic model, study effect shared by its arms, Wald interval",
        "status": with_remark(result.status, clash_words(result.ci_low, result.ci_high, result.p, level)),
    }
