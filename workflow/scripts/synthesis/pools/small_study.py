"""Do small studies find more, or less? Regression tests of funnel asymmetry, from ten studies on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtr

from ..models.proportions import logit_with_variance
from ..tables.files import write_table
from ..words.terms import OK, is_ok, with_remark

if TYPE_CHECKING:
    import pandas as pd

SMALL_STUDY = ("analysis", "test", "statistic", "df", "p", "k", "status")
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


class Asymmetry(NamedTuple):
    """A test: what the logits are regressed on, from ``(variances, patients)``, and where it is from."""

    predictor: Callable[..., np.ndarray]
    description: str
    reference: str


TESTS = {
    "egger": Asymmetry(
        lambda variance, patients: np.sqrt(variance),
        "Egger's regression of logits on their standard errors",
        "Egger M et al. BMJ 1997;315:629–34",
    ),
    "peters": Asymmetry(
        lambda variance, patients: 1 / patients,
        "Peters' regression of logits on the inverse of the sample size",
        "Peters JL et al. JAMA 2006;295:676–80",
    ),
}


def weighted_slope(y, x, weight) -> Slope:
    """Test the slope of a weighted regression line, with its residual variance.

    Parameters
    ----------
    y, x, weight : array_like of shape (k,)
        At least three points.

    Returns
    -------
    Slope
        t with k − 2 degrees of freedom, two-sided P.
    """
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
    """Test whether the logits of proportions depend on the precision or the size of their studies.

    Parameters
    ----------
    events, patients : array_like of int, shape (k,)
        One row a study.
    test : {"egger", "peters"}

    Returns
    -------
    Slope
        Below ten studies nothing but the status.

    Notes
    -----
    metafor's ``regtest(model="lm")`` with ``predictor="sei"`` and ``"ninv"``: logits weighted by the inverse of their
    variance. Peters' weights are the inverse variance of the logit of all events of a study; a study of one group has
    no other, so they are the same here. Half an event is added to both cells of studies with no events, or nothing
    but events. The standard error of a logit depends on the proportion itself, so Egger's test finds asymmetry too
    often when events are rare; Peters' does not lean on it.
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    if len(y) < FEWEST:
        return Slope(status=_too_few(len(y)))
    if y.sum() in (0, n.sum()):
        return Slope(status=NO_EVENTS)
    logit, variance = logit_with_variance(y, n)
    return weighted_slope(logit, TESTS[test].predictor(variance, n), 1 / variance)


def small_study_rows(rows: "pd.DataFrame", analysis: str) -> list[dict]:
    """Give the tests of one analysis.

    Parameters
    ----------
    rows : DataFrame
        ``rows.csv``; only used rows of the subset ``all`` count. The arms of a study are added up.
    analysis : str

    Returns
    -------
    list of dict
        Rows of ``small_study.csv``; ``k`` counts studies.
    """
    from ..selection.arms import add_arms  # imports pandas: only where rows are read

    used = rows[(rows["subset"] == "all") & (rows["use"] == "yes")]
    studies = add_arms(used)
    table = []
    for name in TESTS:
        result = asymmetry(studies["events"], studies["patients"], name)
        if is_ok(result.status) and len(studies) < len(used):
            result = result._replace(status=with_remark(result.status, ADDED))
        table.append({"analysis": analysis, "test": name, "k": len(studies), **result._asdict()})
    return table


def _too_few(studies: int) -> str:
    return f"{studies} {'study' if studies == 1 else 'studies'}, fewer than {FEWEST}: not tested"


def small_study_file(rows_csv: str, small_study_csv: str, *, analysis: str) -> None:
    """Read the rows of an analysis, test for small-study effects, write the tests."""
    from ..selection.arms import read_rows  # as above

    write_table(small_study_csv, small_study_rows(read_rows(rows_csv), analysis), SMALL_STUDY)
