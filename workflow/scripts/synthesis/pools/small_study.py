"""Do small studies find more, or less? Regression tests of funnel asymmetry, from ten studies on."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from ..models.counts import is_exact, middle
from ..models.proportions import logit_with_variance
from ..selection.arms import add_arms, counts_of
from ..tables.declared import write
from ..words.terms import MIDDLE, OK, is_ok, with_remark

# Sterne JAC et al. BMJ 2011;343:d4002: with fewer the tests cannot tell chance from asymmetry.
FEWEST = 10
NO_EVENTS = "no events, or nothing but events: every logit is a correction"
ADDED = "the arms of a study are added up: the tests need independent rows"
ONE_SIZE = "all studies are equally large: nothing to regress on"
NO_SCATTER = "no scatter about the regression line: nothing to test"


class Slope(NamedTuple):
    """The t test of a regression slope; NaN and a status in words where there is none."""

    statistic: float = np.nan
    df: float = np.nan
    p: float = np.nan
    status: str = OK


# What the logits are regressed on, from ``(variances, patients)``: their standard errors (Egger M et al. BMJ
# 1997;315:629–34), or the inverse of the sample size (Peters JL et al. JAMA 2006;295:676–80).
TESTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "egger": lambda variance, patients: np.sqrt(variance),
    "peters": lambda variance, patients: 1 / patients,
}


def weighted_slope(y, x, weight) -> Slope:
    """Test the slope of a weighted regression line through three points or more: t on k − 2 df, residual variance."""
    y, x, w = (np.asarray(a, float) for a in (y, x, weight))
    centred = x - np.average(x, weights=w)
    spread = np.sum(w * centred**2)
    if spread <= 1e-20 * np.sum(w * x**2):
        return Slope(status=ONE_SIZE)
    above = y - np.average(y, weights=w)
    slope, df = np.sum(w * centred * above) / spread, len(y) - 2
    residual = np.sum(w * (above - slope * centred) ** 2)
    if residual <= 1e-24 * np.sum(w * y**2):
        return Slope(status=NO_SCATTER)
    t = float(slope / np.sqrt(residual / df / spread))
    return Slope(t, df, float(2 * stdtr(df, -abs(t))))


def asymmetry(events, patients, test: str) -> Slope:
    """Test whether the logits of proportions, one a study, depend on the precision or the size of their studies.

    Below ten studies there is nothing but the status.

    Notes
    -----
    metafor's ``regtest(model="lm")`` with ``predictor="sei"`` and ``"ninv"``: logits weighted by the inverse of their
    variance. Peters' weights are the inverse variance of the logit of all events of a study; a study of one group has
    no other, so they are the same here. Half an event is added to both cells of studies with no events, or nothing
    but events. The standard error of a logit depends on the proportion itself, so Egger's test finds asymmetry too
    often when events are rare; Peters' does not lean on it.
    """
    y, n = np.asarray(middle(events), float), np.asarray(patients, float)
    if len(y) < FEWEST:
        return Slope(status=f"{len(y)} {'study' if len(y) == 1 else 'studies'}, fewer than {FEWEST}: not tested")
    if y.sum() in (0, n.sum()):
        return Slope(status=NO_EVENTS)
    logit, variance = logit_with_variance(y, n)
    return weighted_slope(logit, TESTS[test](variance, n), 1 / variance)


def small_study_rows(rows: Sequence[Mapping], analysis: str) -> list[dict]:
    """Give the tests of one analysis from the rows of the pool of all studies; arms of a study are added up."""
    studies, table = add_arms(rows), []
    for name in TESTS:
        events, patients, _ = counts_of(studies)
        result = asymmetry(events, patients, name)
        if is_ok(result.status) and not is_exact(events):
            result = result._replace(status=with_remark(result.status, MIDDLE))
        if is_ok(result.status) and len(studies) < len(rows):
            result = result._replace(status=with_remark(result.status, ADDED))
        table.append({"analysis": analysis, "test": name, "k": len(studies), **result._asdict()})
    return table


def small_study_file(rows: Sequence[Mapping], small_study_csv: str, *, analysis: str) -> None:
    """Test the pool of all studies for small-study effects, write the tests."""
    write(small_study_csv, small_study_rows(rows, analysis))
