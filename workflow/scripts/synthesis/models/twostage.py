"""Two-stage models: proportions transformed one by one, then pooled by inverse variance.

A model is a measure, an estimator of τ² and an interval; ``VARIANTS`` lists those with a name. PyMARE 0.0.13 supplies
τ² (DerSimonian–Laird, Hedges, ML, REML) and its Q-profile interval. What it lacks (prediction interval, metafor's I²,
subsets of studies at once) or leaves unguarded (one study, homogeneous data) is here.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, ndtri, stdtrit

from ..words.formatting import format_percent, format_statistic
from ..words.terms import OK, ONE_STUDY, SEVERAL_ARMS, UNKNOWN_TAU2, with_remark
from .estimators import ESTIMATORS, Maxima, find_maxima, weighted_fit
from .heterogeneity import i2
from .logistic_normal import say_maxima
from .measures import MEASURES
from .prediction import prediction_half_width, prediction_interval
from .result import Pooled

OUTSIDE = "the whole interval lies beyond the range of the transformation: not pooled"
AT_THE_END = "the pooled mean lies beyond the range of the transformation, so the estimate is the end of that range"
NO_SPREAD = "every study has no events or nothing but events: τ² rests on the transformation, not on the data"
NO_WIDTH = "identical studies: the Hartung–Knapp interval has no width"
NOT_CONVERGED = "did not converge: the search for τ² ran out of steps"

INTERVALS = {
    "wald": ("Wald interval", ""),
    "hk": ("Hartung–Knapp interval", "Hartung J, Knapp G. Stat Med 2001;20:3875–89"),
    "mhk": (
        "modified Hartung–Knapp interval",
        "Knapp G, Hartung J. Stat Med 2003;22:2693–710; Röver C et al. BMC Med Res Methodol 2015;15:99",
    ),
}

# (measure, estimator, intervals): every one is a model of its own.
VARIANTS = (
    ("logit", "REML", ("wald", "hk", "mhk")),
    ("logit", "DL", ("wald", "hk", "mhk")),
    ("logit", "ML", ("wald",)),
    ("logit", "PM", ("wald",)),
    ("logit", "HE", ("wald",)),
    ("logit", "SJ", ("wald",)),
    ("arcsine", "REML", ("wald", "hk", "mhk")),
    ("log", "REML", ("wald", "hk")),
    ("ft", "DL", ("wald",)),
)

SMALLEST_RSS = np.finfo(float).eps  # metafor's and PyMARE's floor: below it the studies are identical
CHUNK = 1 << 16  # studies × data sets at a time: the arrays of a step stay in the processor's cache


class Variant(NamedTuple):
    """A two-stage model: what a table of models needs to know."""

    description: str
    reference: str
    scale: str
    pool: Callable[..., Pooled]


@dataclass(frozen=True)
class PooledBatch:
    """Pooled proportions of many data sets.

    Parameters
    ----------
    estimate, ci_low, ci_high, pi_low, pi_high : ndarray of shape (sets,)
        Proportions; the prediction interval needs three studies.
    se, tau2, i2, q : ndarray of shape (sets,)
        As in :class:`Pooled`.
    k : ndarray of int, shape (sets,)
        Studies.
    ok : ndarray of bool, shape (sets,)
        False where nothing is pooled: fewer than two studies, no events at all or nothing but events, identical
        studies under Hartung–Knapp, an interval beyond the range of the transformation, studies of one patient alone,
        no convergence. The numbers are NaN there.
    status : ndarray of str, shape (sets,)
        ``ok`` with the remarks of the single fit; blank where nothing is pooled.
    """

    estimate: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    pi_low: np.ndarray
    pi_high: np.ndarray
    se: np.ndarray
    tau2: np.ndarray
    i2: np.ndarray
    q: np.ndarray
    k: np.ndarray
    ok: np.ndarray
    status: np.ndarray


def two_stage_models() -> dict[str, Variant]:
    """Give the named two-stage models.

    Returns
    -------
    dict of str → Variant
        ``pool`` takes ``(events, patients, study, level)``.
    """
    return {
        model_name(measure, estimator, interval): Variant(
            f"Inverse variance on the {MEASURES[measure].scale} scale, {ESTIMATORS[estimator].description}, "
            f"{INTERVALS[interval][0]}",
            "; ".join(
                filter(None, (MEASURES[measure].reference, ESTIMATORS[estimator].reference, INTERVALS[interval][1]))
            ),
            MEASURES[measure].scale,
            partial(pool_two_stage, measure=measure, estimator=estimator, interval=interval),
        )
        for measure, estimator, intervals in VARIANTS
        for interval in intervals
    }


def model_name(measure: str, estimator: str, interval: str) -> str:
    """Give the name of a model: ``logit-reml``, ``logit-reml-hk``, …"""
    return f"{measure}-{estimator.lower()}" + ("" if interval == "wald" else f"-{interval}")


def pool_two_stage(
    events: np.ndarray,
    patients: np.ndarray,
    study: np.ndarray,
    level: float = 0.95,
    *,
    measure: str = "logit",
    estimator: str = "REML",
    interval: str = "wald",
) -> Pooled:
    """Pool transformed proportions by inverse variance.

    Parameters
    ----------
    events, patients : ndarray of int, shape (k,)
    study : ndarray of shape (k,)
        One row a study: these models know no shared study effect.
    level : float
        Confidence level of all intervals.
    measure : str
        A name in ``MEASURES``.
    estimator : str
        A name in ``ESTIMATORS``.
    interval : {"wald", "hk", "mhk"}
        Wald with the normal quantile; Hartung–Knapp with t(k − 1); Hartung–Knapp with its factor never below 1, so
        with t(k − 1) and never narrower than Wald's (metafor's ``test="adhoc"``).

    Returns
    -------
    Pooled
        ``se`` is the interval's own. τ² has its Q-profile interval, whatever the estimator, so the estimate can lie
        outside; where even Q at τ² = 0 is too small both limits are 0. The prediction interval has t(k − 1)
        everywhere (metafor's is normal under Wald). The status remarks on what nobody should take at its word: a
        Hartung–Knapp interval narrower than Wald's, a mean beyond the range of the transformation, a τ² of studies that
        are all or none, as those of one patient are. Where both limits lie beyond that range, nothing is pooled.

    References
    ----------
    Viechtbauer W. Stat Med 2007;26:37–52 (Q-profile). For the rest see ``two_stage_models``.
    """
    counts = {
        "model": model_name(measure, estimator, interval),
        "k": len(events),
        "studies": len(np.unique(study)),
        "events": int(np.sum(events)),
        "patients": int(np.sum(patients)),
    }
    if counts["studies"] < counts["k"]:
        return Pooled(**counts, status=SEVERAL_ARMS)
    if counts["k"] < 2:
        return Pooled(**counts, status=ONE_STUDY)
    y, v = MEASURES[measure].transform(events, patients)
    maxima = find_maxima(estimator, y, v)
    tau2 = float(maxima.tau2)
    if not np.isfinite(tau2):
        return Pooled(**counts, status=NOT_CONVERGED)
    one = np.ones_like(y)
    mean, se, half = (float(x) for x in _mean_and_interval(y, v, one, tau2, interval, level))
    if se == 0:
        return Pooled(**counts, status=NO_WIDTH)
    back = partial(MEASURES[measure].back, size=len(y) / np.sum(1 / np.asarray(patients, float)))
    ci_low, ci_high = float(back(mean - half)), float(back(mean + half))
    if ci_low == ci_high:
        return Pooled(**counts, status=OUTSIDE)
    pi = prediction_interval(mean, se, tau2, len(y), level, back)
    low, high = _q_profile(y, v, level)
    q, df = float(weighted_fit(0.0, y, v, 1.0)[2]), len(y) - 1
    estimate, wald = float(back(mean)), float(_mean_and_interval(y, v, one, tau2, "wald", level)[2])
    at_the_end = estimate in (0, 1) and 0 < counts["events"] < counts["patients"]
    return Pooled(
        **counts,
        estimate=estimate,
        ci_low=ci_low,
        ci_high=ci_high,
        pi_low=pi[0],
        pi_high=pi[1],
        se=se,
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        i2=i2(tau2, v),
        q=q,
        q_df=df,
        q_p=float(chdtrc(df, q)),
        status=with_remark(
            _status(half, wald, q, df, at_the_end, np.asarray(events), np.asarray(patients)),
            other_maximum(maxima, y, v, one, partial(_words, back=back)),
        ),
    )


def other_maximum(maxima: Maxima, y, v, weight, words: Callable[[float], str]) -> str:
    """Say where the likelihood of τ² has its next maximum; blank when it has but one. ``words`` name a mean."""
    if not maxima.others:
        return ""
    mean = words(float(weighted_fit(maxima.following, y, v, weight)[0]))
    return say_maxima(int(maxima.others), f"{mean} and tau2 = {maxima.following:.4g}", float(maxima.lower))


def _words(mean: float, back: Callable) -> str:
    return f"a proportion of {float(back(mean)):.4g}"


def _status(half, wald, q, df, at_the_end, events, patients) -> str:
    """Say what nobody should take at its word in a pool that stands."""
    status = with_remark(OK, narrow_words(half, wald, q, df))
    status = with_remark(status, AT_THE_END if at_the_end else "")
    if np.all((events == 0) | (events == patients)):  # no spread of proportions but what the transformation makes it
        status = with_remark(status, UNKNOWN_TAU2 if np.all(patients == 1) else NO_SPREAD)
    return status


def narrow_words(half: float, wald: float, q: float, df: int) -> str:
    """Say that a Hartung–Knapp interval is narrower than Wald's, by half their widths; blank when it is not.

    Its factor, Q at τ² over k − 1, falls below 1 where studies are more alike than chance makes them, which is no
    reason to be surer: Röver C et al. BMC Med Res Methodol 2015;15:99; Jackson D et al. Stat Med 2017;36:3923–34.
    """
    if half >= wald * (1 - 1e-12):
        return ""
    width, spread = format_percent(half / wald, 0), f"Q = {format_statistic(q)} on {df} df"
    return f"Hartung–Knapp interval narrower than Wald's, {width}% of its width ({spread}): read the others too"


def pool_batch(
    events,
    patients,
    mask=None,
    *,
    measure: str = "logit",
    estimator: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> PooledBatch:
    """Pool many data sets at once: subsets of studies, simulated or resampled counts.

    Parameters
    ----------
    events, patients : array_like of int, shape (studies,) or (sets, studies)
        One row a study.
    mask : array_like of bool, shape (sets, studies), optional
        The studies each data set has; all of them without one.
    measure, estimator, interval, level
        As in :func:`pool_two_stage`.

    Returns
    -------
    PooledBatch

    Notes
    -----
    The same numbers as one fit after the other, to rounding; the Q-profile interval is left out.
    """
    mask = np.ones(np.broadcast_shapes(np.shape(events), np.shape(patients)), bool) if mask is None else mask
    x, n, mask = np.broadcast_arrays(np.asarray(events), np.asarray(patients), np.atleast_2d(np.asarray(mask, bool)))
    size = max(1, CHUNK // max(1, mask.shape[1]))
    parts = [
        _pool_chunk(x[i : i + size], n[i : i + size], mask[i : i + size], measure, estimator, interval, level)
        for i in range(0, len(mask), size)
    ]
    return PooledBatch(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _pool_chunk(x, n, mask, measure, estimator, interval, level) -> tuple:
    """Give the columns of a ``PooledBatch``; inside, arrays stand as PyMARE's do, studies × data sets."""
    x, n, mask = x.T, n.T, mask.T
    k, total = mask.sum(0), (x * mask).sum(0)
    y, v = MEASURES[measure].transform(np.where(mask, x, 1), np.where(mask, n, 2))
    y, v, weight = np.where(mask, y, 0.0), np.where(mask, v, 1.0), mask.astype(float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of sets with fewer than two studies
        maxima = find_maxima(estimator, y, v, mask)
        tau2 = maxima.tau2
        mean, se, half = _mean_and_interval(y, v, weight, tau2, interval, level)
        ok = (k >= 2) & (total > 0) & (total < (n * mask).sum(0)) & np.isfinite(tau2) & (se > 0)
        back = partial(MEASURES[measure].back, size=k / (weight / n).sum(0))
        ok &= back(mean - half) < back(mean + half)
        ok &= ((n > 1) & mask).any(0)  # single patients tell no τ²: the single fit says so, and gives none
        wide = prediction_half_width(se, tau2, k, level)
        w = weight / v
        typical = (k - 1) * w.sum(0) / (w.sum(0) ** 2 - (w**2).sum(0))  # heterogeneity.i2, for many
        numbers = (
            *(back(mean + shift) for shift in (0.0, -half, half, -wide, wide)),
            se,
            tau2,
            100 * tau2 / (tau2 + typical),
            weighted_fit(0.0, y, v, weight)[2],
        )
        wald = _mean_and_interval(y, v, weight, tau2, "wald", level)[2]
        at_the_end = (numbers[0] == 0) | (numbers[0] == 1)
        status = np.where(ok, OK, "").astype(object)
        for i in np.flatnonzero(ok & ((half < wald) | at_the_end | ((x == 0) | (x == n) | ~mask).all(0))):
            counts = (values[mask[:, i], i] for values in (x, n))
            status[i] = _status(half[i], wald[i], numbers[-1][i], k[i] - 1, at_the_end[i], *counts)
        for i in np.flatnonzero(ok & (maxima.others > 0)):
            one = Maxima(*(part[i] for part in maxima))
            words = partial(_words, back=partial(MEASURES[measure].back, size=k[i] / (weight[:, i] / n[:, i]).sum()))
            status[i] = with_remark(status[i], other_maximum(one, y[:, i], v[:, i], weight[:, i], words))
    return *(np.where(ok, number, np.nan) for number in numbers), k, ok, status


def _mean_and_interval(y, v, mask, tau2, interval, level):
    """Give the mean, the interval's standard error (0 when Hartung–Knapp's has no width) and half its width."""
    mean, variance, rss = weighted_fit(tau2, y, v, mask)
    if interval == "wald":
        se = np.sqrt(variance)
        return mean, se, ndtri((1 + level) / 2) * se
    df = mask.sum(0) - 1
    factor = np.where(rss <= SMALLEST_RSS, 0.0, rss / df)
    if interval == "mhk":
        factor = np.maximum(factor, 1)
    se = np.sqrt(factor * variance)
    return mean, se, stdtrit(df, (1 + level) / 2) * se


def _q_profile(y, v, level: float) -> tuple[float, float]:
    from pymare.stats import q_profile  # 1.4 s to import, so only where it is used

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few studies: the status and the report say so instead
        limits = q_profile(y[:, None], v[:, None], np.ones((len(y), 1)), alpha=1 - level)
    return float(limits["ci_l"]), float(limits["ci_u"])
