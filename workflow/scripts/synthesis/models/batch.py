"""Thousands of binomial–normal fits at once: subsets of studies, simulated reviews, permutations.

The likelihood and the maxima of :mod:`synthesis.models.logistic_normal`, one row a study, written for a flat list of
(data set, study) pairs: one array of pairs × nodes a step, sums over data sets by ``reduceat``, and the moments of the
nodes by one matrix product. Data sets leave the list as they converge. Gauss–Hermite nodes at the mode are enough here:
where raising them does not settle a data set, the single fit takes over. Their answers meet those of the single fit's
nodes to 1e-8, not to the last digit that tables print, so the two likelihoods stay two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit, gammaln, ndtri, roots_hermite, stdtrit, xlogy

from .counts import as_counts, limits, middle
from .logistic_normal import WIDEST, arms_of, fit
from .pairs import Pairs
from .prediction import prediction_half_width

# Nodes, and the Newton step that ends a climb with them: raised until the answer is stable.
STAGES = ((15, 1e-3), *((nodes, 1e-8) for nodes in (31, 61, 121, 241)))
STABLE, HEIGHT_STABLE = 1e-9, 1e-8  # of parameters, and of a log likelihood, between two numbers of nodes
GAIN = 1e-9  # of a log likelihood, promised by one more step
CHUNK = 2000  # (data set, study) pairs at a time: the arrays of a step stay in the processor's cache
STEPS, HALVINGS = 100, 12
AT_ZERO = 1e-3  # τ below which a climb has come to τ = 0, where that is a maximum
FAR = 4.0  # τ to look for a second maximum from, downwards
UNLIKE = 80  # times the smallest variance of a logit: from there on two maxima at τ > 0 have been seen
APART = 1e-4  # between the τ of two maxima


@dataclass(frozen=True)
class BatchFit:
    """Maxima of many likelihoods, each an array of shape (sets,); NaN where ``ok`` is false.

    ``ok`` is false with fewer than two studies, no events at all, nothing but events, or no convergence. τ is NaN, too,
    where it cannot be known. ``loglik`` has the binomial coefficients. ``remark`` is that of :attr:`Fit.remark`, if
    asked for; blank when there is nothing to say.
    """

    k: np.ndarray
    mean: np.ndarray
    se: np.ndarray
    tau: np.ndarray
    loglik: np.ndarray
    remark: np.ndarray
    ok: np.ndarray

    def proportions(self, level: float = 0.95, interval: str = "z") -> dict[str, np.ndarray]:
        """Give estimate, intervals, se and tau2 as ``estimates.csv`` prints them and the single fit gives them.

        ``interval`` is "z" or "t", as in :func:`synthesis.models.glmm.pool_glmm`.
        """
        tail, df = (1 + level) / 2, np.maximum(self.k - 1, 1)
        half = (ndtri(tail) if interval == "z" else stdtrit(df, tail)) * self.se
        wide = prediction_half_width(self.se, self.tau**2, self.k, level)
        ends = {"estimate": 0.0, "ci_low": -half, "ci_high": half, "pi_low": -wide, "pi_high": wide}
        return {name: expit(self.mean + end) for name, end in ends.items()} | {"se": self.se, "tau2": self.tau**2}


def fit_batch(
    events: np.ndarray, patients: np.ndarray, mask: np.ndarray | None = None, remarks: bool = False
) -> BatchFit:
    """Fit the model to many data sets; each agrees with the single fit to 1e-8 (tested).

    Parameters
    ----------
    events, patients : ndarray of int, shape (k,) or (sets, k)
        Counts; one row of studies may be shared by all data sets. Arms of one study share its proportion, so their
        totals give the maximum that the arms give. Events may be pairs of limits: then of studies of one arm.
    mask : ndarray of bool, shape (sets, k), optional
        Which studies each data set has; all when left out.
    remarks : bool
        Whether to say where a data set has several maxima: each of them is then fitted alone.
    """
    mask = np.ones(np.atleast_2d(events).shape, bool) if mask is None else np.asarray(mask, bool)
    low, high, y, n = (
        np.broadcast_to(np.asarray(counts, float), mask.shape) for counts in (*limits(events), middle(events), patients)
    )
    k, size, wide = mask.sum(1), np.where(mask, n, 0).sum(1), mask & (low < high)
    some = (np.where(mask, low, 0).sum(1) > 0) & (np.where(mask, high, 0).sum(1) < size)
    whole = np.where(mask, (high == 0) | (low == n), True).all(1)  # all or none in each study: τ grows without end
    maybe = np.where(mask, (low == 0) | (high == n), True).all(1)  # and may do so: only the single fit looks so far
    fits = np.flatnonzero((k >= 2) & some & ~(whole & (size > k)))
    hills, remark = np.full((4, 4, len(mask)), np.nan), np.full(len(mask), "", object)
    # Of one patient a study nothing can be learned about τ.
    known = fits[(size[fits] > k[fits]) & ~(maybe & wide.any(1))[fits]]
    counts = np.broadcast_to(as_counts(events), mask.shape) if wide.any() else y
    for part in parts_of(known, mask.shape[1]):
        hills[..., part] = _hills(Pairs.of(counts[part], n[part], mask[part], np.ones((mask.shape[1], 1))))
    result, several = _highest(hills)
    result[3] += np.where(mask & ~wide, gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1), 0).sum(1)
    # Few: the single fit looks at the whole profile.
    for i in fits[~np.isfinite(result[0, fits]) | (several[fits] & remarks)]:
        best = fit(arms_of(counts[i, mask[i]], n[i, mask[i]], np.arange(k[i]), np.ones((k[i], 1))))
        tau = best.tau if best.known else np.nan
        numbers = best.beta[0], np.sqrt(best.covariance[0, 0]), tau, best.loglik
        result[:, i], remark[i] = (numbers, best.remark) if best.converged else (np.nan, "")
    result[:, wide.any(1) & ~(result[1] < WIDEST)] = np.nan
    return BatchFit(k, *result, remark, ok=np.isfinite(result[0]))


def parts_of(sets: np.ndarray, k: int) -> Iterator[np.ndarray]:
    """Cut a list of data sets of up to k studies into what is fitted together."""
    size = max(1, CHUNK // max(k, 1))
    return (sets[first : first + size] for first in range(0, len(sets), size))


def _hills(pairs: Pairs) -> np.ndarray:
    """Climb from the moments of the data sets, and once more where there may be a second maximum.

    Returns
    -------
    ndarray of shape (4, 4, sets)
        Mean, se, τ and log likelihood at τ = 0, and where three climbs ended; NaN where there is no maximum, and in all
        of a data set of which one was not found.
    """
    total, size = pairs.sum(pairs.events), pairs.sum(pairs.patients)
    p = total / size
    mean, variance, failed = np.log(p / (1 - p)), size * p * (1 - p), np.zeros(len(p), bool)
    falls = pairs.sum((pairs.events - pairs.patients * p[pairs.owner]) ** 2) <= variance  # as τ leaves 0
    flat = xlogy(total, p) + xlogy(size - total, 1 - p)  # the likelihood at τ = 0
    if pairs.ends is not None:
        mean, variance, falls, flat, failed = _at_zero(pairs, mean)
    start, unlike, lowest = _moments(pairs)
    hills = np.full((4, 4, len(p)), np.nan)
    hills[0, :, falls] = np.column_stack([mean, 1 / np.sqrt(variance), np.zeros(len(p)), flat])[falls]
    # Two maxima are rare. Where the likelihood falls at 0, the other one lies farther out; where studies of very
    # different sizes stand side by side, the large ones alone can have one at a much smaller τ than all studies alike.
    climbs = (
        (np.arange(len(p)), start, False),
        (np.flatnonzero(unlike & ~falls), lowest, True),
        (np.flatnonzero(unlike | falls), np.full(len(p), FAR), True),
    )
    for hill, (sets, tau, slow) in zip(hills[1:], climbs, strict=True):
        if len(sets):
            here = np.column_stack([mean, tau])[sets]
            theta, value, hessian = climb(pairs.keep(sets), here, falls[sets], slow)
            a, b, d = -hessian[:, 0, 0], -hessian[:, 0, 1], -hessian[:, 1, 1]
            with np.errstate(invalid="ignore", divide="ignore"):
                found = np.stack([theta[:, 0], np.sqrt(d / (a * d - b * b)), theta[:, 1], value])
            failed[sets] |= np.isnan(value)
            hill[:, sets] = np.where(falls[sets] & (theta[:, 1] < AT_ZERO), np.nan, found)
    hills[..., failed] = np.nan
    return hills


def _at_zero(pairs: Pairs, mean: np.ndarray) -> tuple[np.ndarray, ...]:
    """Find the maximum at τ = 0 where counts are known only within limits, from a mean logit of each data set.

    Gives the mean, its information, whether the likelihood falls as τ leaves 0, its height, and where nothing settled.
    """
    nowhere = np.zeros(len(mean), bool)
    theta, _, settled = newton(pairs, np.column_stack([mean, nowhere]), 1, STABLE, nowhere)  # one node says all there
    value, _, hessian = evaluate(pairs, theta, STAGES[0][0])
    return theta[:, 0], -hessian[:, 0, 0], hessian[:, 1, 1] <= 0, value, ~settled


def _moments(pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Guess τ from the spread of the studies' logits, at least 0.3; say where sizes are very different; and a low τ.

    From the low τ the likelihood rises to its first maximum.
    """
    y, n = pairs.events + 0.5, pairs.patients + 1
    logit, variance, count = np.log(y / (n - y)), 1 / y + 1 / (n - y), np.bincount(pairs.owner)
    centre = pairs.sum(logit) / count
    spread = pairs.sum((logit - centre[pairs.owner]) ** 2) / count - pairs.sum(variance) / count
    least, most = (pick.reduceat(variance, pairs.starts) for pick in (np.minimum, np.maximum))
    return np.sqrt(np.maximum(spread, 0.09)), most > UNLIKE * least, 0.3 * np.sqrt(np.minimum(least, 1))


def _highest(hills: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the highest of the maxima that climbs ended at, and say where there is another."""
    height = np.where(np.isfinite(hills[:, 3]), hills[:, 3], -np.inf)
    best = np.take_along_axis(hills, height.argmax(0)[None, None], 0)[0]
    apart = np.isfinite(height) & (np.abs(hills[:, 2] - best[2]) > APART * np.maximum(1, best[2]))
    return best, apart.any(0)


def climb(
    pairs: Pairs, theta: np.ndarray, falls: np.ndarray, slow: bool = False, heights: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb with few nodes, and raise them until nothing moves.

    Parameters
    ----------
    theta : ndarray of shape (sets, parameters)
        Where to begin; τ last.
    falls : ndarray of bool, shape (sets,)
        Where τ = 0 is a maximum: a climb that comes near it ends.
    slow : bool
        Change τ by a quarter at most in a step, so as not to leap over a hill at a small τ.
    heights : bool
        Whether the log likelihood is all that is asked for: it may have a supremum where no parameter settles.

    Returns
    -------
    theta, value, hessian : ndarray
        Without the binomial coefficients; NaN where nothing settled.
    """
    found = tuple(np.full(theta.shape[:1] + theta.shape[1:] * i, np.nan) for i in (1, 0, 2))
    live, value = np.arange(len(theta)), np.full(len(theta), np.inf)
    for nodes, enough in STAGES:
        last, before = theta.copy(), value
        theta, (value, _, hessian), settled = newton(pairs, theta, nodes, enough, falls, slow, heights)
        stable = np.abs(theta - last).max(1) < STABLE * np.maximum(1, np.abs(theta).max(1))
        stable = np.isclose(value, before, rtol=0, atol=HEIGHT_STABLE) if heights else stable
        done = (settled & stable) | (theta[:, -1] < AT_ZERO) & falls
        for part, here in zip(found, (theta, value, hessian), strict=True):
            part[live[done]] = here[done]
        if done.all():
            break
        rest = np.flatnonzero(~done)
        pairs, theta, value, falls, live = pairs.keep(rest), theta[rest], value[rest], falls[rest], live[rest]
    return found


def newton(
    pairs: Pairs, theta: np.ndarray, nodes: int, enough: float, falls: np.ndarray, slow=False, heights=False
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Climb all data sets by Newton's method with halving; those that have arrived stay out of the next step.

    Returns
    -------
    theta : ndarray of shape (sets, parameters)
    state : list of ndarray
        Value, score and Hessian before the last step, which is taken on trust: the error after it is its square.
    settled : ndarray of bool
        Whether that step was shorter than ``enough``, or promised less than ``GAIN`` of a height.
    """
    theta, step, settled = theta.copy(), np.zeros_like(theta), np.zeros(len(theta), bool)
    state = [np.full(len(theta), -np.inf), np.zeros_like(theta), np.zeros((*theta.shape, theta.shape[1]))]
    live, halved = np.arange(len(theta)), np.zeros(len(theta), int)
    for _ in range(STEPS):
        new = theta[live] + step[live]
        # The likelihood is even in τ, so 0 is a place to get stuck where it is the bottom of a valley.
        new[:, -1] = np.maximum(np.abs(new[:, -1]), theta[live, -1] / 4 if heights else 0)
        trial, old = evaluate(pairs, new, nodes), state[0][live]
        up = np.isfinite(trial[0]) & (trial[0] >= old - 1e-13 * np.abs(old))
        moved, fell = live[up], live[~up]
        for part, values in zip((theta, *state), (new, *trial), strict=True):
            part[moved] = values[up]
        onward = uphill(state[1][moved], state[2][moved])
        tau = theta[moved, -1]
        if slow:
            onward *= np.minimum(1, tau / 4 / np.maximum(np.abs(onward[:, -1]), 1e-300))[:, None]
        step[moved], halved[moved] = onward, 0
        step[fell], halved[fell] = step[fell] / 2, halved[fell] + 1
        size = np.abs(onward).max(1) / np.maximum(1, np.abs(theta[moved]).max(1))
        there = np.sum(onward * state[1][moved], axis=1) <= GAIN if heights else size < enough
        arrived = moved[there | (falls[moved] & (tau < AT_ZERO))]
        theta[arrived] += step[arrived]
        settled[arrived] = True
        stay = np.flatnonzero(~settled[live] & (halved[live] < HALVINGS))
        if not len(stay):
            break
        if len(stay) < len(live):
            live, pairs = live[stay], pairs.keep(stay)
    theta[:, -1] = np.abs(theta[:, -1])
    return theta, state, settled & np.isfinite(state[0])


def uphill(score: np.ndarray, hessian: np.ndarray, floor=(1e-8, 1e-12), longest: float = 1.0) -> np.ndarray:
    """Give Newton steps that go uphill: eigenvalues of the information are made positive, and no parameter leaps.

    ``floor`` of an eigenvalue: relative to the largest, and absolute.
    """
    values, vectors = np.linalg.eigh(-hessian)
    values = np.abs(values)
    values = np.maximum(values, np.maximum(floor[0] * values.max(1, keepdims=True), floor[1]))
    step = (vectors @ (vectors.swapaxes(1, 2) @ score[..., None] / values[..., None]))[..., 0]
    return step / np.maximum(1, np.abs(step).max(1, keepdims=True) / longest)


def evaluate(pairs: Pairs, theta: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give value, score and Hessian of every data set at its parameters."""
    y, n = pairs.events, pairs.patients
    line, tau = np.einsum("ip,ip->i", pairs.direction[:, :-1], theta[pairs.owner, :-1]), theta[pairs.owner, -1]
    c, h, top = _peaks(pairs, line, tau)
    x, log_weight = _gauss_hermite(nodes)
    eta = (line + tau * c)[:, None] + (tau * h)[:, None] * x
    rows, *within = pairs.within(eta)
    small = np.exp(-np.abs(eta))
    whole = 1 + small
    p = np.where(eta >= 0, 1, small)
    p /= whole
    joint = np.log(whole, out=whole)  # in place from here on: new arrays of this size cost more than the sums
    joint += np.maximum(eta, 0)
    joint *= -n[:, None]
    eta *= y[:, None]
    joint += eta
    joint[rows] = within[0]
    joint += log_weight - (h**2)[:, None] * (x**2 / 2)
    joint -= (c * h)[:, None] * x
    joint -= (top + c**2 / 2)[:, None]
    with np.errstate(over="ignore"):  # far from any maximum a peak may not be found: such a value is no step
        mass = np.exp(joint, out=joint)
    weight = 1 - p
    weight *= p
    weight *= n[:, None]
    residual = p
    residual *= -n[:, None]
    residual += y[:, None]
    residual[rows], weight[rows] = within[1:]
    power = np.stack([np.ones_like(x), x, x**2], axis=1)
    total = mass.sum(1)
    with np.errstate(invalid="ignore"):
        mass /= total[:, None]
    weight *= mass
    w = weight @ power
    mass *= residual
    r = mass @ power[:, :2]
    mass *= residual
    b = mass @ power - w
    slope = np.stack([r[:, 0], c * r[:, 0] + h * r[:, 1]], axis=1)  # in the linear predictor and in τ
    across = c * b[:, 0] + h * b[:, 1]
    bend = np.stack([b[:, 0], across, across, c * c * b[:, 0] + 2 * c * h * b[:, 1] + h * h * b[:, 2]], axis=1)
    bend = bend.reshape(-1, 2, 2) - slope[:, :, None] * slope[:, None]
    way, at = pairs.direction, np.arange(theta.shape[1]) // (theta.shape[1] - 1)
    hessian = bend[:, at[:, None], at] * way[:, :, None] * way[:, None]
    value = top + np.log(total) + np.log(h) - np.log(2 * np.pi) / 2
    return pairs.sum(value), pairs.sum(slope[:, at] * way), pairs.sum(hessian)


def _peaks(pairs: Pairs, line: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find each integrand's peak, √2 / √curvature and log height (without −z²/2, which `evaluate` adds)."""
    y, n, z = pairs.events, pairs.patients, pairs.centre
    for _ in range(100):
        eta = line + tau * z
        p = 1 / (1 + np.exp(-eta))
        slope, curve = tau * (y - n * p), tau**2 * n * p * (1 - p)
        rows, _, residual, weight = pairs.within(eta)
        slope[rows], curve[rows] = tau[rows] * residual, tau[rows] ** 2 * weight
        step = np.clip((slope - z) / (curve + 1), -1, 1)
        z = z + step
        if np.max(np.abs(step)) < 1e-6:  # a node set a millionth off its peak integrates as well
            break
    pairs.centre = z
    eta = line + tau * z
    p = 1 / (1 + np.exp(-eta))
    curve, top = tau**2 * n * p * (1 - p), y * eta - n * np.logaddexp(0, eta)
    rows, value, _, weight = pairs.within(eta)
    curve[rows], top[rows] = tau[rows] ** 2 * weight, value
    return z, np.sqrt(2) / np.sqrt(curve + 1), top - z**2 / 2


@cache
def _gauss_hermite(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Give nodes and logarithms of weights of the integral of f: h Σ exp(log_weight) f(c + h x), h = √2 / √curvature.

    Exact for a normal density times a polynomial of degree < 2 × nodes: Liu Q, Pierce DA. Biometrika 1994;81:624–9,
    equation 2.
    """
    x, weight = roots_hermite(nodes)
    with np.errstate(divide="ignore"):  # the outermost weights of many nodes underflow to 0: they add nothing
        return x, np.log(weight) + x**2
