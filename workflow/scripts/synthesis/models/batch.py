"""Thousands of binomial–normal fits at once: subsets of studies, simulated reviews, permutations.

The same likelihood and the same maximum as :mod:`synthesis.models.logistic_normal` with one mean, written for a flat
list of (data set, study) pairs: one array of pairs × nodes a step, sums over data sets by ``reduceat``, and the
moments of the nodes by one matrix product. Data sets leave the list as they converge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, ndtri, stdtrit, xlogy

from .logistic_normal import arms_of, fit
from .prediction import prediction_half_width
from .quadrature import gauss_hermite

COARSE, FINE = 15, (31, 61, 121, 241)  # nodes to climb with, then to raise until the answer is stable
STABLE = 1e-9
CHUNK = 2000  # (data set, study) pairs at a time: the arrays of a step stay in the processor's cache
STEPS, HALVINGS = 60, 12
AT_ZERO = 1e-3  # τ below which a climb has come to τ = 0, where that is a maximum
FAR = 4.0  # τ to look for a second maximum from, downwards
UNLIKE = 80  # times the smallest variance of a logit: from there on two maxima at τ > 0 have been seen
APART = 1e-4  # between the τ of two maxima


@dataclass(frozen=True)
class BatchFit:
    """Maxima of many likelihoods.

    Parameters
    ----------
    k : ndarray of int, shape (sets,)
        Studies of each data set.
    mean, se, tau, loglik : ndarray of shape (sets,)
        Mean logit and its standard error, standard deviation of study effects, log likelihood with the binomial
        coefficients; NaN where ``ok`` is false. τ is NaN, too, where it cannot be known.
    remark : ndarray of str, shape (sets,)
        What is remarkable about a maximum, as :attr:`Fit.remark`, if asked for; blank when nothing is.
    ok : ndarray of bool, shape (sets,)
        False with fewer than two studies, no events at all, nothing but events, or no convergence.
    """

    k: np.ndarray
    mean: np.ndarray
    se: np.ndarray
    tau: np.ndarray
    loglik: np.ndarray
    remark: np.ndarray
    ok: np.ndarray

    def proportions(self, level: float = 0.95, interval: str = "z") -> dict[str, np.ndarray]:
        """Give what ``estimates.csv`` prints, as the single fit would.

        Parameters
        ----------
        level : float
        interval : {"z", "t"}
            As in :func:`synthesis.models.glmm.pool_glmm`.

        Returns
        -------
        dict
            estimate, ci_low, ci_high, pi_low, pi_high, se, tau2; NaN where ``ok`` is false.
        """
        tail, df = (1 + level) / 2, np.maximum(self.k - 1, 1)
        half = (ndtri(tail) if interval == "z" else stdtrit(df, tail)) * self.se
        wide = prediction_half_width(self.se, self.tau**2, self.k, level)
        return {
            "estimate": expit(self.mean),
            "ci_low": expit(self.mean - half),
            "ci_high": expit(self.mean + half),
            "pi_low": expit(self.mean - wide),
            "pi_high": expit(self.mean + wide),
            "se": self.se,
            "tau2": self.tau**2,
        }


@dataclass
class _Pairs:
    """The studies of a list of data sets, one after the other; ``centre`` remembers where each integrand peaks."""

    events: np.ndarray
    patients: np.ndarray
    owner: np.ndarray
    starts: np.ndarray
    centre: np.ndarray

    @classmethod
    def of(cls, events: np.ndarray, patients: np.ndarray, mask: np.ndarray) -> "_Pairs":
        """Give the studies that a mask of data sets × studies leaves."""
        owner, column = np.nonzero(mask)
        starts = np.searchsorted(owner, np.arange(len(mask)))
        return cls(events[owner, column], patients[owner, column], owner, starts, np.zeros(len(owner)))

    def keep(self, sets: np.ndarray) -> "_Pairs":
        """Give the pairs of some of the data sets, numbered anew."""
        number = np.full(len(self.starts), -1)
        number[sets] = np.arange(len(sets))
        owner = number[self.owner]
        chosen = owner >= 0
        owner = owner[chosen]
        starts = np.searchsorted(owner, np.arange(len(sets)))
        return _Pairs(self.events[chosen], self.patients[chosen], owner, starts, self.centre[chosen])

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the studies of each data set."""
        return np.add.reduceat(values, self.starts, axis=0)


def fit_batch(
    events: np.ndarray, patients: np.ndarray, mask: np.ndarray | None = None, remarks: bool = False
) -> BatchFit:
    """Fit the model to many data sets.

    Parameters
    ----------
    events, patients : ndarray of int, shape (k,) or (sets, k)
        Counts; one row of studies may be shared by all data sets. Arms of one study share its proportion, so their
        totals give the maximum that the arms give.
    mask : ndarray of bool, shape (sets, k), optional
        Which studies each data set has; all when left out.
    remarks : bool
        Whether to say where a data set has several maxima: each of them is then fitted alone.

    Returns
    -------
    BatchFit
        Each agrees with the single fit to 1e-8 (tested).
    """
    if mask is None:
        mask = np.ones(np.atleast_2d(events).shape, bool)
    mask = np.asarray(mask, bool)
    y = np.broadcast_to(np.asarray(events, float), mask.shape)
    n = np.broadcast_to(np.asarray(patients, float), mask.shape)
    k, total, size = mask.sum(1), np.where(mask, y, 0).sum(1), np.where(mask, n, 0).sum(1)
    whole = np.where(mask, (y == 0) | (y == n), True).all(1)  # all or none in each study: τ grows without end
    fits = np.flatnonzero((k >= 2) & (total > 0) & (total < size) & ~(whole & (size > k)))
    hills, remark = np.full((4, 4, len(mask)), np.nan), np.full(len(mask), "", object)
    falls, unlike, failed = np.zeros((3, len(mask)), bool)
    lowest = np.zeros(len(mask))
    known = fits[size[fits] > k[fits]]  # of one patient a study nothing can be learned about τ
    for part in _parts(known, mask):
        pairs = _Pairs.of(y[part], n[part], mask[part])
        hills[:2, :, part], falls[part], unlike[part], lowest[part] = _first_climb(pairs)
        failed[part] = np.isnan(hills[1, 0, part])
    # Two maxima are rare. Where the likelihood falls at 0, the other one lies farther out; where studies of very
    # different sizes stand side by side, the large ones alone can have one at a much smaller τ than all studies alike.
    for hill, sets, start in ((2, unlike & ~falls, lowest), (3, unlike | falls, np.full(len(mask), FAR))):
        for part in _parts(np.flatnonzero(sets), mask):
            pairs, mean = _Pairs.of(y[part], n[part], mask[part]), np.log(total[part] / (size - total)[part])
            hills[hill][:, part] = _climb(pairs, mean, start[part], falls[part], slow=True)
            failed[part] |= np.isnan(hills[hill, 0, part])
    hills[1:][:, :, falls] = np.where(hills[1:, 2:3, falls] < AT_ZERO, np.nan, hills[1:][:, :, falls])
    result, several = _highest(hills)
    result[3] += np.where(mask, gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1), 0).sum(1)
    result[:, failed] = np.nan
    # Few: the single fit looks at the whole profile.
    for i in fits[~np.isfinite(result[0, fits]) | (several[fits] & remarks)]:
        result[:, i], remark[i] = _fit_one(y[i, mask[i]], n[i, mask[i]])
    return BatchFit(k, *result, remark, ok=np.isfinite(result[0]))


def _parts(sets: np.ndarray, mask: np.ndarray) -> Iterator[np.ndarray]:
    """Cut a list of data sets into what is fitted together."""
    size = max(1, CHUNK // max(mask.shape[1], 1))
    return (sets[first : first + size] for first in range(0, len(sets), size))


def _fit_one(y: np.ndarray, n: np.ndarray) -> tuple[list[float], str]:
    best = fit(arms_of(y, n, np.arange(len(y)), np.ones((len(y), 1))))
    if not best.converged:
        return [np.nan] * 4, ""
    tau = best.tau if best.known else np.nan
    return [best.beta[0], np.sqrt(best.covariance[0, 0]), tau, best.loglik], best.remark


def _first_climb(pairs: _Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Climb from the moments of the data sets.

    Returns
    -------
    hills : ndarray of shape (2, 4, sets)
        Mean, se, τ and log likelihood at τ = 0, where that is a maximum, and where the climb ended.
    falls, unlike : ndarray of bool, shape (sets,)
        Whether the likelihood falls as τ leaves 0, and whether studies are of very different sizes.
    lowest : ndarray of shape (sets,)
        A τ from where the likelihood rises to its first maximum.
    """
    total, size = pairs.sum(pairs.events), pairs.sum(pairs.patients)
    p = total / size
    mean, variance = np.log(p / (1 - p)), size * p * (1 - p)
    falls = pairs.sum((pairs.events - pairs.patients * p[pairs.owner]) ** 2) <= variance
    flat = xlogy(total, p) + xlogy(size - total, 1 - p)  # the likelihood at τ = 0
    boundary = np.stack([mean, 1 / np.sqrt(variance), np.zeros(len(p)), flat])
    start, unlike, lowest = _moments(pairs, len(p))
    return np.stack([np.where(falls, boundary, np.nan), _climb(pairs, mean, start, falls)]), falls, unlike, lowest


def _highest(hills: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the highest of the maxima that climbs ended at, and say where there is another.

    Parameters
    ----------
    hills : ndarray of shape (climbs, 4, sets)
        Mean, se, τ, log likelihood; the first is τ = 0. NaN where there is no maximum.
    """
    height = np.where(np.isfinite(hills[:, 3]), hills[:, 3], -np.inf)
    best = np.take_along_axis(hills, height.argmax(0)[None, None], 0)[0]
    apart = np.isfinite(height) & (np.abs(hills[:, 2] - best[2]) > APART * np.maximum(1, best[2]))
    return best, apart.any(0)


def _moments(pairs: _Pairs, sets: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Guess τ from the spread of the studies' logits, at least 0.3; say where sizes are very different; and a low τ."""
    y, n = pairs.events + 0.5, pairs.patients + 1
    logit, variance, count = np.log(y / (n - y)), 1 / y + 1 / (n - y), np.bincount(pairs.owner, minlength=sets)
    centre = pairs.sum(logit) / count
    spread = pairs.sum((logit - centre[pairs.owner]) ** 2) / count - pairs.sum(variance) / count
    least, most = (pick.reduceat(variance, pairs.starts) for pick in (np.minimum, np.maximum))
    return np.sqrt(np.maximum(spread, 0.09)), most > UNLIKE * least, 0.3 * np.sqrt(np.minimum(least, 1))


def _climb(pairs: _Pairs, mean: np.ndarray, tau: np.ndarray, falls: np.ndarray, slow: bool = False) -> np.ndarray:
    """Climb with few nodes, raise them until nothing moves; give mean, se, tau, log likelihood of each data set.

    A slow climb changes τ by a quarter at most in a step, so as not to leap over a hill at a small τ.
    """
    result = np.full((4, len(mean)), np.nan)
    theta, live = np.column_stack([mean, tau]), np.arange(len(mean))
    theta, state, settled = _newton(pairs, theta, COARSE, 1e-3, falls, slow)
    for nodes in FINE:
        last = theta.copy()
        theta, state, settled = _newton(pairs, theta, nodes, 1e-8, falls, slow)
        stable = np.abs(theta - last).max(1) < STABLE * np.maximum(1, np.abs(theta).max(1))
        done = (settled & stable) | (theta[:, 1] < AT_ZERO) & falls
        value, _, hessian = state
        result[:, live[done]] = _finish(theta[done], value[done], hessian[done])
        if done.all():
            break
        rest = np.flatnonzero(~done)
        pairs, theta, falls, live = pairs.keep(rest), theta[rest], falls[rest], live[rest]
    return result


def _finish(theta: np.ndarray, value: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Give mean, se, tau and log likelihood from the maximum and the information there."""
    a, b, d = -hessian[:, 0], -hessian[:, 1], -hessian[:, 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(d / (a * d - b * b))
    return np.stack([theta[:, 0], se, theta[:, 1], value])


def _newton(pairs: _Pairs, theta: np.ndarray, nodes: int, enough: float, falls: np.ndarray, slow: bool) -> tuple:
    """Climb all data sets by Newton's method with halving; those that have arrived stay out of the next step.

    Returns
    -------
    theta : ndarray of shape (sets, 2)
    state : tuple
        Value, score and Hessian (three entries) at ``theta``.
    settled : ndarray of bool
        Whether the last step was shorter than ``enough``.
    """
    theta = theta.copy()
    state = [np.array(part) for part in _evaluate(pairs, theta, nodes)]
    settled = np.zeros(len(theta), bool)
    live, here = np.arange(len(theta)), pairs
    for _ in range(STEPS):
        step = _uphill(state[1][live], state[2][live])
        if slow:
            step *= np.minimum(1, theta[live, 1] / 4 / np.maximum(np.abs(step[:, 1]), 1e-300))[:, None]
        size = np.abs(step).max(1) / np.maximum(1, np.abs(theta[live]).max(1))
        arrived = (size < enough) | (falls[live] & (theta[live, 1] < AT_ZERO))
        # The last step is taken on trust: Newton's error after it is the square of its length.
        theta[live[arrived]] += step[arrived]
        settled[live[arrived]] = True
        if arrived.all():
            break
        if arrived.any():
            stay = np.flatnonzero(~arrived)
            live, step, here = live[stay], step[stay], here.keep(stay)
        stuck = _advance(here, theta, state, live, step, nodes)
        if stuck.all():
            break
        if stuck.any():
            go = np.flatnonzero(~stuck)
            live, here = live[go], here.keep(go)
    theta[:, 1] = np.abs(theta[:, 1])
    return theta, tuple(state), settled


def _advance(
    pairs: _Pairs, theta: np.ndarray, state: list, live: np.ndarray, step: np.ndarray, nodes: int
) -> np.ndarray:
    """Step uphill, halving where the value falls; give which data sets could not move."""
    todo, here = np.arange(len(live)), pairs
    for _ in range(HALVINGS):
        new = theta[live[todo]] + step[todo]
        new[:, 1] = np.abs(new[:, 1])  # the likelihood is even in τ
        trial = _evaluate(here, new, nodes)
        old = state[0][live[todo]]
        good = trial[0] >= old - 1e-13 * np.abs(old)
        moved = live[todo[good]]
        theta[moved] = new[good]
        for part, values in zip(state, trial, strict=True):
            part[moved] = values[good]
        if good.all():
            return np.zeros(len(live), bool)
        bad = np.flatnonzero(~good)
        todo, here = todo[bad], here.keep(bad)
        step[todo] /= 2
    stuck = np.zeros(len(live), bool)
    stuck[todo] = True
    return stuck


def _uphill(score: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Give Newton steps of at most 1 that go uphill: eigenvalues of the 2 × 2 information are made positive."""
    a, b, d = -hessian[:, 0], -hessian[:, 1], -hessian[:, 2]
    middle, gap = (a + d) / 2, np.hypot((a - d) / 2, b)
    high, low = middle + gap, middle - gap
    angle = 0.5 * np.arctan2(2 * b, a - d)
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = cos * score[:, 0] + sin * score[:, 1], cos * score[:, 1] - sin * score[:, 0]
    floor = np.maximum(1e-8 * np.maximum(np.abs(high), np.abs(low)), 1e-12)
    along, across = along / np.maximum(np.abs(high), floor), across / np.maximum(np.abs(low), floor)
    step = np.column_stack([cos * along - sin * across, sin * along + cos * across])
    return step / np.maximum(1, np.abs(step).max(1))[:, None]


def _evaluate(pairs: _Pairs, theta: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give value, score and Hessian (mean-mean, mean-τ, τ-τ) of every data set at its parameters."""
    y, n = pairs.events, pairs.patients
    mean, tau = theta[pairs.owner, 0], theta[pairs.owner, 1]
    centre, half, top = _peaks(pairs, mean, tau)
    rule = gauss_hermite(nodes)
    x = rule.x
    eta = (mean + tau * centre)[:, None] + (tau * half)[:, None] * x
    small = np.exp(-np.abs(eta))
    whole = 1 + small
    p = np.where(eta >= 0, 1, small)
    p /= whole
    joint = np.log(whole, out=whole)
    joint += np.maximum(eta, 0)
    joint *= -n[:, None]
    eta *= y[:, None]
    joint += eta
    joint += rule.log_weight - (half**2)[:, None] * (x**2 / 2)
    joint -= (centre * half)[:, None] * x
    joint -= (top + centre**2 / 2)[:, None]
    mass = np.exp(joint, out=joint)
    weight = 1 - p
    weight *= p
    weight *= n[:, None]
    residual = p
    residual *= -n[:, None]
    residual += y[:, None]
    power = np.stack([np.ones_like(x), x, x**2], axis=1)
    total = mass.sum(1)
    mass /= total[:, None]
    weight *= mass
    w = weight @ power
    mass *= residual
    r = mass @ power[:, :2]
    mass *= residual
    rr = mass @ power
    c, h = centre, half
    score = np.stack([r[:, 0], c * r[:, 0] + h * r[:, 1]], axis=1)
    both = rr - w
    hessian = np.stack(
        [
            both[:, 0] - score[:, 0] ** 2,
            c * both[:, 0] + h * both[:, 1] - score[:, 0] * score[:, 1],
            c * c * both[:, 0] + 2 * c * h * both[:, 1] + h * h * both[:, 2] - score[:, 1] ** 2,
        ],
        axis=1,
    )
    value = top + np.log(total) + np.log(half) - np.log(2 * np.pi) / 2
    return pairs.sum(value), pairs.sum(score), pairs.sum(hessian)


def _peaks(pairs: _Pairs, mean: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find each integrand's peak, √2 / √curvature and log height (without −z²/2, which `_evaluate` adds)."""
    y, n, z = pairs.events, pairs.patients, pairs.centre
    for _ in range(100):
        eta = mean + tau * z
        p = 1 / (1 + np.exp(-eta))
        curve = tau**2 * n * p * (1 - p) + 1
        step = np.clip((tau * (y - n * p) - z) / curve, -1, 1)
        z = z + step
        if np.max(np.abs(step)) < 1e-6:  # a node set a millionth off its peak integrates as well
            break
    pairs.centre = z
    eta = mean + tau * z
    p = 1 / (1 + np.exp(-eta))
    half = np.sqrt(2) / np.sqrt(tau**2 * n * p * (1 - p) + 1)
    return z, half, y * eta - n * np.logaddexp(0, eta) - z**2 / 2
