"""Two-stage models: proportions transformed one by one, then pooled by inverse variance.

A model is a measure, an estimator of τ² and an interval; ``VARIANTS`` lists those with a name. One fit is a batch of
one, with its Q-profile interval, which PyMARE 0.0.13 supplies.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.special import chdtrc, ndtri, stdtrit

from ..words.formatting import format_percent, format_statistic
from ..words.terms import MIDDLE, OK, ONE_STUDY, SEVERAL_ARMS, UNKNOWN_TAU2, is_ok, with_remark
from .counts import limits, middle
from .estimators import ESTIMATORS, Maxima, find_maxima, weighted_fit
from .logistic_normal import say_maxima
from .measures import MEASURES
from .prediction import prediction_half_width
from .result import Model, Pooled, blank_pool

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
NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "i2", "q")


def two_stage_models() -> dict[str, Model]:
    """Give the named two-stage models."""
    return {
        (name := model_name(measure, estimator, interval)): Model(
            name,
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
    events, patients, study, level
        As in :func:`synthesis.models.catalogue.pool`, one row a study: these models know no shared study effect.
        Counts known only within limits enter with their middle, and the status says so.
    measure, estimator : str
        Names in ``MEASURES`` and ``ESTIMATORS``.
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
    x, n, k = np.asarray(events), np.asarray(patients), len(events)
    blank = blank_pool(model_name(measure, estimator, interval), x, n, study, status=ONE_STUDY)
    if k < 2 or blank.studies < k:
        return blank if k < 2 else replace(blank, status=SEVERAL_ARMS)
    *numbers, (status,) = _pool_chunk(x[None], n[None], np.ones((1, k), bool), measure, estimator, interval, level)
    if not is_ok(status):
        return replace(blank, status=status)
    found = {column: float(number[0]) for column, number in zip(NUMBERS, numbers, strict=True)}
    low, high = _q_profile(*MEASURES[measure].transform(middle(x), n), level)
    found |= {"tau2_low": low, "tau2_high": high, "q_df": k - 1, "q_p": float(chdtrc(k - 1, found["q"]))}
    return replace(blank, **found, status=status)


def other_maximum(maxima: Maxima, y, v, weight, words: Callable[[float], str]) -> str:
    """Say where the likelihood of τ² has its next maximum; blank when it has but one. ``words`` name a mean."""
    if not maxima.others:
        return ""
    mean = words(float(weighted_fit(maxima.following, y, v, weight)[0]))
    return say_maxima(int(maxima.others), f"{mean} and tau2 = {maxima.following:.4g}", float(maxima.lower))


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
) -> np.recarray:
    """Pool many data sets at once (subsets of studies, simulated or resampled counts), as :func:`pool_two_stage` would.

    Parameters
    ----------
    events, patients : array_like of int, or pairs of limits, shape (studies,) or (sets, studies)
        One row a study.
    mask : array_like of bool, shape (sets, studies), optional
        The studies each data set has; all of them without one.

    Returns
    -------
    recarray of shape (sets,)
        ``NUMBERS``, ``k`` (studies), ``ok`` and ``status``, which has the remarks of the single fit. ``ok`` is false
        where nothing is pooled: fewer than two studies, no events at all or nothing but events, identical studies under
        Hartung–Knapp, an interval beyond the range of the transformation, studies of one patient alone, no convergence.
        The numbers are NaN there, and the status is blank.
    """
    mask = np.ones(np.broadcast_shapes(np.shape(events), np.shape(patients)), bool) if mask is None else mask
    x, n, mask = np.broadcast_arrays(np.asarray(events), np.asarray(patients), np.atleast_2d(np.asarray(mask, bool)))
    size = max(1, CHUNK // max(1, mask.shape[1]))
    parts = [
        _pool_chunk(x[i : i + size], n[i : i + size], mask[i : i + size], measure, estimator, interval, level)
        for i in range(0, len(mask), size)
    ]
    *numbers, status = (np.concatenate(column) for column in zip(*parts, strict=True))
    total, several = (middle(x) * mask).sum(1), ((n > 1) & mask).any(1)
    # Single patients tell no τ²: the single fit says so, and gives none.
    ok = np.isfinite(numbers[0]) & (total > 0) & (total < (n * mask).sum(1)) & several
    columns = *(np.where(ok, part, np.nan) for part in numbers), mask.sum(1), ok, np.where(ok, status, "")
    return np.rec.fromarrays(columns, names=[*NUMBERS, "k", "ok", "status"])


def _pool_chunk(x, n, mask, measure, estimator, interval, level) -> tuple[np.ndarray, ...]:
    """Give ``NUMBERS`` and the status of each set; inside, arrays stand as studies × data sets."""
    low, high = (limit.T for limit in limits(x))
    x, n, mask = middle(x).T, n.T, mask.T
    k, weight = mask.sum(0), mask.astype(float)
    y, v = MEASURES[measure].transform(np.where(mask, x, 1), np.where(mask, n, 2))
    y, v = np.where(mask, y, 0.0), np.where(mask, v, 1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of sets with fewer than two studies
        maxima = find_maxima(estimator, y, v, mask)
        tau2 = maxima.tau2
        mean, se, half, wald = _mean_and_interval(y, v, weight, tau2, interval, level)
        size = k / (weight / n).sum(0)
        back = partial(MEASURES[measure].back, size=size)
        wide, w = prediction_half_width(se, tau2, k, level), weight / v
        typical = (k - 1) * w.sum(0) / (w.sum(0) ** 2 - (w**2).sum(0))  # heterogeneity.i2, for many
        proportions = [back(mean + shift) for shift in (0.0, -half, half, -wide, wide)]
        numbers = *proportions, se, tau2, 100 * tau2 / (tau2 + typical), weighted_fit(0.0, y, v, weight)[2]
        why_not = {
            ONE_STUDY: k < 2,
            NOT_CONVERGED: ~np.isfinite(tau2),
            NO_WIDTH: se == 0,
            OUTSIDE: ~(proportions[1] < proportions[2]),
        }
        status = np.select(list(why_not.values()), [np.array(why, object) for why in why_not], np.array(OK, object))
        ok, end = status == OK, (proportions[0] == 0) | (proportions[0] == 1)
        status[ok & ((low < high) & mask).any(0)] = with_remark(OK, MIDDLE)
        for i in np.flatnonzero(
            ok & ((half < wald) | end | ((x == 0) | (x == n) | ~mask).all(0) | (maxima.others > 0))
        ):
            counts, q = (values[mask[:, i], i] for values in (x, n)), numbers[-1][i]
            words = partial(_words, back=partial(MEASURES[measure].back, size=size[i]))
            next_maximum = other_maximum(Maxima(*(part[i] for part in maxima)), y[:, i], v[:, i], weight[:, i], words)
            for remark in (narrow_words(half[i], wald[i], q, k[i] - 1), *_remarks(*counts, end[i]), next_maximum):
                status[i] = with_remark(status[i], remark)
    return *(np.where(ok, number, np.nan) for number in numbers), status


def _words(mean: float, back: Callable) -> str:
    return f"a proportion of {float(back(mean)):.4g}"


def _remarks(events: np.ndarray, patients: np.ndarray, at_the_end: bool) -> tuple[str, str]:
    """Say what nobody should take at its word in a pool that stands."""
    alike = np.all(
        (events == 0) | (events == patients)
    )  # no spread of proportions but what the transformation makes it
    unknown = UNKNOWN_TAU2 if np.all(patients == 1) else NO_SPREAD
    beyond = at_the_end and 0 < events.sum() < patients.sum()
    return AT_THE_END if beyond else "", unknown if alike else ""


def _mean_and_interval(y, v, mask, tau2, interval, level):
    """Give the mean, the interval's standard error (0 when Hartung–Knapp's has no width), half its width and Wald's."""
    mean, variance, rss = weighted_fit(tau2, y, v, mask)
    wald = ndtri((1 + level) / 2) * np.sqrt(variance)
    if interval == "wald":
        return mean, np.sqrt(variance), wald, wald
    df = mask.sum(0) - 1
    factor = np.where(rss <= SMALLEST_RSS, 0.0, rss / df)
    se = np.sqrt((np.maximum(factor, 1) if interval == "mhk" else factor) * variance)
    return mean, se, stdtrit(df, (1 + level) / 2) * se, wald


def _q_profile(y, v, level: float) -> tuple[float, float]:
    from pymare.stats import q_profile  # 2 s to import, so only where it is used

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few studies: the status and the report say so instead
        limits = q_profile(y[:, None], v[:, None], np.ones((len(y), 1)), alpha=1 - level)
    return float(limits["ci_l"]), float(limits["ci_u"])
