"""Estimators of the heterogeneity variance τ² from transformed proportions and their sampling variances.

PyMARE 0.0.13 has DerSimonian–Laird, Hedges, ML and REML, for many data sets at once as long as all have the same
number of studies. Subsets of studies it cannot do, nor Paule–Mandel and Sidik–Jonkman: those are here. Arrays
stand as PyMARE's do: studies × data sets, or studies alone.
"""

import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

GRID = 40  # points of the likelihood's scan, from 1/1000 of the smallest sampling variance to the largest possible τ²
STEPS = 100
HIGHER = 1e-9  # log likelihoods closer than this are the same hill seen twice
DIP = 1e-6  # of the log likelihood, between two hills


@dataclass(frozen=True)
class Estimator:
    """A way to estimate τ².

    Parameters
    ----------
    name : str
        Its usual abbreviation.
    description : str
        In the field's terms.
    reference : str
    tau2 : callable
        ``(y, v, mask) → τ²``, or all maxima of its likelihood; studies first. The mask is 1 for studies that count and
        0 for those that do not.
    pymare : str
        PyMARE's name for it; blank where it has none.
    """

    name: str
    description: str
    reference: str
    tau2: "Callable[..., np.ndarray | Maxima]"
    pymare: str = ""


class Maxima(NamedTuple):
    """τ² of the highest maximum, how many others the likelihood has, the next of them, and how much lower that is."""

    tau2: np.ndarray
    others: np.ndarray
    following: np.ndarray
    lower: np.ndarray


def estimate_tau2(estimator: str, y, v, mask=None) -> np.ndarray:
    """Estimate the heterogeneity variance: see :func:`find_maxima`, of which this is the first."""
    return find_maxima(estimator, y, v, mask).tau2


def find_maxima(estimator: str, y, v, mask=None) -> Maxima:
    """Estimate the heterogeneity variance, and say where its likelihood, if it is one, has other maxima.

    Parameters
    ----------
    estimator : str
        A name in ``ESTIMATORS``.
    y, v : array_like of shape (studies,) or (studies, sets)
        Transformed proportions and their sampling variances, finite, ``v > 0``.
    mask : array_like of bool, same shape, optional
        Which studies each data set has, two at least. Without one all studies count, and PyMARE does what it can.

    Returns
    -------
    Maxima
        Of shape () or (sets,). NaN where the search did not converge, or there is no other maximum. Never negative.

    Notes
    -----
    PyMARE's ML and REML stop when the likelihood is flat to 1e-12 or τ² known to about 1e-6 of its search interval;
    Newton steps on the score take the answer from there to rounding error. Its scan begins at a millionth of the
    mean sampling variance and follows one hill, and with one huge study among small ones the likelihood can have
    two: our own scan is the referee, and where it stands higher the likelihood decides. With a mask there is only
    our scan, so agreement of the two forms tests both.
    """
    method = ESTIMATORS[estimator]
    y, v = np.asarray(y, float), np.asarray(v, float)
    if mask is not None:
        mask = np.asarray(mask, float)
        return _alone(method.tau2(np.where(mask, y, 0.0), np.where(mask, v, 1.0), mask))
    everyone = np.ones_like(y)
    if not method.pymare:
        return _alone(method.tau2(y, v, everyone))
    tau2 = _fit_pymare(method.pymare, y, v)
    if method.name not in ("ML", "REML"):
        return _alone(tau2)
    restricted = method.name == "REML"
    own = method.tau2(y, v, everyone)
    ways = _polish(tau2, y, v, everyone, restricted), own.tau2
    heights = [log_likelihood(way, y, v, everyone, restricted) for way in ways]
    return own._replace(tau2=np.where(heights[1] > heights[0] + HIGHER, ways[1], ways[0]))


def _alone(found) -> Maxima:
    """Give what an estimator found as maxima; without a likelihood there is no other."""
    nothing = np.full(np.shape(found), np.nan)
    return found if isinstance(found, Maxima) else Maxima(found, np.zeros_like(nothing), nothing, nothing)


def weighted_fit(tau2, y, v, mask):
    """Give the inverse-variance mean at τ², its variance, and the weighted residual sum of squares.

    Parameters
    ----------
    tau2 : array_like of shape () or (sets,)
        At 0 the sum of squares is Cochran's Q.
    y, v, mask : ndarray of shape (studies,) or (studies, sets)

    Returns
    -------
    mean, variance, rss : ndarray of shape () or (sets,)
    """
    w = mask / (v + tau2)
    total = w.sum(0)
    mean = (w * y).sum(0) / total
    return mean, 1 / total, (w * (y - mean) ** 2).sum(0)


def _fit_pymare(name: str, y, v) -> np.ndarray:
    from pymare import estimators  # 1.4 s to import, so only where it is used

    # Its defaults are ML and Knapp–Hartung: every option by name. The correction does not touch τ².
    options = {"small_sample_correction": "wald"}
    if name in ("ML", "REML"):
        method = estimators.VarianceBasedLikelihoodEstimator(method=name, **options)
    else:
        method = getattr(estimators, name)(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few studies: the status and the report say so instead
        method.fit(y=y.reshape(len(y), -1), v=v.reshape(len(v), -1), X=np.ones((len(y), 1)))
    return np.reshape(method.params_["tau2"], y.shape[1:])


def _dersimonian_laird(y, v, mask):
    w = mask / v
    q = weighted_fit(0.0, y, v, mask)[2]
    return np.maximum(0, (q - (mask.sum(0) - 1)) / (w.sum(0) - (w**2).sum(0) / w.sum(0)))


def _hedges(y, v, mask):
    k = mask.sum(0)
    mean = (mask * y).sum(0) / k
    return np.maximum(0, (mask * (y - mean) ** 2).sum(0) / (k - 1) - (mask * v).sum(0) / k)


def _sidik_jonkman(y, v, mask):
    k = mask.sum(0)
    mean = (mask * y).sum(0) / k
    crude = (mask * (y - mean) ** 2).sum(0) / k  # metafor's start, with k and not k − 1 below
    return crude * weighted_fit(crude, y, v, mask)[2] / (k - 1)


def _paule_mandel(y, v, mask):
    """Solve ``Q(τ²) = k − 1``: Q falls and is convex, so Newton from 0 climbs to the root and never passes it."""
    df = mask.sum(0) - 1
    tau2 = np.zeros(y.shape[1:])
    for _ in range(STEPS):
        w = mask / (v + tau2)
        r = y - (w * y).sum(0) / w.sum(0)
        excess, slope = (w * r**2).sum(0) - df, (w**2 * r**2).sum(0)
        step = np.divide(excess, slope, out=np.zeros_like(tau2), where=excess > 0)
        tau2 = tau2 + step
        if np.all(step <= 1e-13 * tau2):
            break
    return np.where(step <= 1e-12 * tau2, tau2, np.nan)


def _maximum_likelihood(y, v, mask):
    return _scan(y, v, mask, restricted=False)


def _restricted_maximum_likelihood(y, v, mask):
    return _scan(y, v, mask, restricted=True)


def log_likelihood(tau2, y, v, mask, restricted: bool) -> np.ndarray:
    """Give the (restricted) log likelihood of τ² with the mean profiled out, but for a constant."""
    _, variance, rss = weighted_fit(tau2, y, v, mask)
    value = -((mask * np.log(v + tau2)).sum(0) + rss) / 2
    return value + np.log(variance) / 2 if restricted else value


def _score(tau2, y, v, mask, restricted):
    """Give the first and second derivative of the log likelihood."""
    w = mask / (v + tau2)
    w2 = w * w
    total, squares = w.sum(0), w2.sum(0)
    r = y - (w * y).sum(0) / total
    wr2 = w2 * r
    score = ((wr2 * r).sum(0) - total) / 2
    curvature = squares / 2 - (w * wr2 * r).sum(0) + wr2.sum(0) ** 2 / total
    if restricted:
        score = score + squares / total / 2
        curvature = curvature - (w2 * w).sum(0) / total + (squares / total) ** 2 / 2
    return score, curvature


def _scan(y, v, mask, restricted):
    """Maximise the likelihood: scan it, climb every hill, keep the highest and remember the others.

    Beyond the squared range R² of the studies the score is negative (each weighted squared residual is below its
    leverage's complement there); far below the smallest sampling variance it is a straight line. So the grid misses
    nothing; and as two hills can be level to less than its coarseness, each is climbed.
    """
    shape = y.shape[1:]
    y, v, mask = (a.reshape(len(a), -1) for a in (y, v, mask))
    smallest = np.where(mask > 0, v, np.inf).min(0)
    spread = np.where(mask > 0, y, -np.inf).max(0) - np.where(mask > 0, y, np.inf).min(0)
    top = np.maximum(spread**2, 1e-20 * smallest)
    bottom = 1e-3 * np.minimum(smallest, top)
    grid = np.vstack([np.zeros_like(top), np.geomspace(bottom, 1.01 * top, GRID)])
    height = np.array([log_likelihood(tau2, y, v, mask, restricted) for tau2 in grid])
    edge = np.full((1, height.shape[1]), -np.inf)
    hill = (height >= np.vstack([edge, height[:-1]])) & (height > np.vstack([height[1:], edge]))
    best, record, hills = np.full_like(top, np.nan), np.full_like(top, -np.inf), defaultdict(list)
    several = hill.sum(0) > 1
    while hill.any():
        i = hill.argmax(0)
        sets = np.flatnonzero(hill.any(0))
        i = i[sets]
        hill[i, sets] = False
        some = y[:, sets], v[:, sets], mask[:, sets], restricted
        peak = _climb(grid[i, sets], grid[np.maximum(i - 1, 0), sets], grid[np.minimum(i + 1, GRID), sets], *some)
        value = log_likelihood(peak, *some)
        higher = value > record[sets]
        best[sets], record[sets] = np.where(higher, peak, best[sets]), np.where(higher, value, record[sets])
        for one in np.flatnonzero(several[sets]):
            hills[sets[one]].append((float(value[one]), int(i[one]), float(peak[one])))
    others = _others(hills, height)
    return Maxima(best.reshape(shape), *(row.reshape(shape) for row in others))


def _others(hills: dict[int, list[tuple[float, int, float]]], height: np.ndarray) -> np.ndarray:
    """Give for each set how many other hills it has, τ² of the next highest, and how much lower that is.

    A hill is another where the grid between it and the highest dips below it by more than rounding.
    """
    found = np.zeros((3, height.shape[1]))
    found[1:] = np.nan
    for one, peaks in hills.items():
        (top, at, _), *rest = sorted(peaks, reverse=True)
        apart = [p for p in rest if height[min(at, p[1]) : max(at, p[1]) + 1, one].min() < p[0] - DIP]
        if apart:
            found[:, one] = len(apart), apart[0][2], top - apart[0][0]
    return found


def _polish(tau2, y, v, mask, restricted):
    """Take PyMARE's maximum to rounding error; what is under a millionth of its scale it calls 0."""
    scale = 1e-5 * (_dersimonian_laird(y, v, mask) + (mask * v).mean(0))
    return _climb(tau2, np.maximum(tau2 / 2 - scale, 0), 2 * tau2 + scale, y, v, mask, restricted)


def _climb(tau2, low, high, y, v, mask, restricted):
    """Find the zero of the score between two bounds: Newton, and halving where Newton would leave them."""
    tiny = 1e-13 * np.where(mask > 0, v, np.inf).min(0)
    boundary = _score(0.0, y, v, mask, restricted)[0] <= 0
    done, from_zero = (tau2 == 0) & boundary, low == 0
    for _ in range(STEPS):
        score, curvature = _score(tau2, y, v, mask, restricted)
        low, high = np.where(score > 0, tau2, low), np.where(score > 0, high, tau2)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = tau2 - score / curvature
        inside = (curvature < 0) & (step > low) & (step < high)
        step = np.where(done, tau2, np.where(inside, step, (low + high) / 2))
        done = done | (np.abs(step - tau2) <= 1e-12 * step + tiny)
        tau2 = step
        if np.all(done):
            break
    at_zero = log_likelihood(0.0, y, v, mask, restricted) >= log_likelihood(tau2, y, v, mask, restricted)
    return np.where(done, np.where(boundary & at_zero & from_zero, 0.0, tau2), np.nan)


ESTIMATORS = {
    estimator.name: estimator
    for estimator in (
        Estimator(
            "DL",
            "DerSimonian–Laird",
            "DerSimonian R, Laird N. Control Clin Trials 1986;7:177–88",
            _dersimonian_laird,
            "DerSimonianLaird",
        ),
        Estimator(
            "REML",
            "REML",
            "Viechtbauer W. J Educ Behav Stat 2005;30:261–93",
            _restricted_maximum_likelihood,
            "REML",
        ),
        Estimator(
            "ML",
            "maximum likelihood",
            "Hardy RJ, Thompson SG. Stat Med 1996;15:619–29",
            _maximum_likelihood,
            "ML",
        ),
        Estimator("PM", "Paule–Mandel", "Paule RC, Mandel J. J Res Natl Bur Stand 1982;87:377–85", _paule_mandel),
        Estimator(
            "HE",
            "Hedges",
            "Hedges LV, Olkin I. Statistical methods for meta-analysis. Academic Press 1985, chapter 9",
            _hedges,
            "Hedges",
        ),
        Estimator("SJ", "Sidik–Jonkman", "Sidik K, Jonkman JN. J R Stat Soc C 2005;54:367–84", _sidik_jonkman),
        # The same equation as Paule–Mandel's: Viechtbauer W et al. Psychol Methods 2015;20:360–74.
        Estimator("EB", "empirical Bayes (= Paule–Mandel)", "Morris CN. J Am Stat Assoc 1983;78:47–55", _paule_mandel),
    )
}
