"""The binomial–normal (random-intercept logistic) likelihood with its score and Hessian, for many (β, τ) at once.

Arm j of study i has ``events ~ Binomial(patients, expit(x_ij'β + τ z_i))`` with ``z_i ~ N(0, 1)`` shared by the arms
of the study. The integrand over z is log-concave, so where it is not negligible is one interval. It is found for each
study and integrated by the trapezoidal rule, or by Gauss–Legendre panels where τ is large and a study without events
makes a step of it. Score and Hessian are those of the integral itself, so one set of nodes serves all three.

Every likelihood is taken relative to a proportion of its own for each arm, so that nothing cancels in large studies.
Counts may be known within limits only: :mod:`synthesis.models.censored` has their probability.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from scipy.special import expit

from .censored import highest_of, log_highest, log_ratios
from .counts import WITHIN, limits, middle, within

FALL = 37.0  # of a study's log integrand, from its top to where it is left out: 1e-16 of its mass
STEEP = 4.0  # τ from which the integral is taken in panels
# Where a count within limits of a large study is possible ends within few logits, like a normal distribution: evenly
# spaced nodes this far apart, in its standard deviations, integrate it to 1e-15.
EDGE_STEP = 0.75
SHARP, BESIDE = 0.5, 9.0  # logits below which it has a panel of its own, and how far that goes
MANY = 600  # nodes from which panels are fewer
EDGE = 39.0  # logits from which log(1 + e^η) is 0 or η to the last digit


class Fineness(NamedTuple):
    """How finely to integrate.

    ``spacing``: distance of the trapezoid's nodes on the logit scale at most. The integrand of a large study without
    events is analytic up to π/2 from the real line, so the error is exp(−π²/spacing). ``fewest``: nodes at least: a
    normal density asks for no more. ``panels``: Gauss nodes below, across and above the step.
    """

    spacing: float
    fewest: int
    panels: tuple[int, int, int]


FINE = Fineness(0.3, 37, (32, 240, 32))  # to 1e-14
COARSE = Fineness(0.6, 25, (20, 110, 20))  # to 1e-7, for a look at the whole


class Values(NamedTuple):
    """Log likelihoods relative to ``Counts.constant``, shape (points,), with score and Hessian in (β, τ)."""

    value: np.ndarray
    score: np.ndarray
    hessian: np.ndarray
    nodes: int


class Counts(Protocol):
    """The data of a fit with a likelihood of its own: what a search for its maxima asks for.

    ``at(beta, tau, how)`` gives the likelihood at points, of shape (points, coefficients) and (points,). ``scale()``
    gives the standard error of the largest study and the range of all, on the scale of τ; a profile that still rises
    at τ = ``farthest`` has no maximum.
    """

    events: np.ndarray
    patients: np.ndarray
    constant: float
    farthest: float

    def at(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> Values: ...

    def scale(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Arms:
    """The data of a fit.

    Parameters
    ----------
    events, patients : ndarray of shape (studies, arms)
        Counts; an arm with 0 patients is padding and adds nothing. Events are pairs where some are known only within
        limits: see :mod:`synthesis.models.counts`.
    design : ndarray of shape (studies, arms, coefficients)
        Covariates of each arm.
    names : ndarray of shape (studies,), optional
    """

    events: np.ndarray
    patients: np.ndarray
    design: np.ndarray
    names: np.ndarray | None = field(default=None, repr=False)
    farthest: ClassVar[float] = 1e4

    @property
    def constant(self) -> float:
        """Give the log likelihood with a proportion for each arm: what all others here are relative to."""
        return log_highest(self.events, self.patients)

    def at(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> Values:
        """Give the likelihood at some points, of shape (points, coefficients) and (points,)."""
        return values_of(*self.posteriors(beta, tau, how), self.design)

    def posteriors(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> tuple[np.ndarray, ...]:
        """Give nodes and their probabilities given the counts, the log likelihood, and derivatives by arm there."""
        linear = np.einsum("sap,tp->tsa", self.design, beta)
        z, log_weight = _nodes(self.events, self.patients, linear, tau[:, None], how)
        eta = linear[..., None] + (tau[:, None, None] * z)[:, :, None]
        value, residual, weight = log_ratios(self.events, self.patients, eta)
        return z, *weigh(z, log_weight, value.sum(axis=2)), residual, weight

    def scale(self) -> tuple[float, float]:
        """Give the standard error of the largest study and the range of logits, half an event added on each side."""
        y, n = middle(self.events).sum(axis=1), self.patients.sum(axis=1)
        smallest = 1 / np.sqrt(np.max((y + 0.5) * (n - y + 0.5) / (n + 1)))
        return float(smallest), float(np.ptp(np.log((y + 0.5) / (n - y + 0.5))))


def arms_of(events: np.ndarray, patients: np.ndarray, study: np.ndarray, design: np.ndarray) -> Arms:
    """Stack rows by study, in an order that knows neither theirs nor the labels: sums come out the same, bit by bit.

    Parameters
    ----------
    events, patients, study : array of shape (rows,)
        Rows with one label share a study effect.
    design : array of shape (rows, coefficients)
    """
    names, index = np.unique(study, return_inverse=True)
    low, high = limits(events)
    counts = [low] if low is high else [low, high]
    table = np.column_stack([patients, *counts, design]).astype(float)
    rows = np.lexsort((*table.T[::-1], index))
    slot = np.arange(len(rows)) - np.searchsorted(index[rows], index[rows])
    block = np.zeros((len(names), slot.max() + 1, table.shape[1]))
    block[index[rows], slot] = table[rows]
    order = np.lexsort(block.reshape(len(names), -1).T[::-1])
    block, m = block[order], 1 + len(counts)
    events = block[..., 1] if m == 2 else within(block[..., 1], block[..., 2])
    return Arms(events, block[..., 0], block[..., m:], names[order])


def log_likelihood(arms: Arms, beta: np.ndarray, tau: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Give value, score and Hessian at one point."""
    value, score, hessian, _ = arms.at(np.asarray(beta)[None], np.array([tau]))
    return float(value[0]), score[0], hessian[0]


def weigh(z: np.ndarray, log_weight: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the probabilities of nodes given the counts, and the log likelihood of each point.

    Nodes, weights and log densities of the counts have the shape (points, studies, nodes).
    """
    joint = value - z**2 / 2 + log_weight
    top = joint.max(axis=2, keepdims=True)
    mass = np.exp(joint - top)
    total = mass.sum(axis=2, keepdims=True)
    return mass / total, np.sum(top + np.log(total), axis=(1, 2)) - z.shape[1] * np.log(2 * np.pi) / 2


def values_of(z, mass, height, residual, weight, x) -> Values:
    """Give score and Hessian from the derivatives at the nodes, first and negative second, by arm.

    Parameters
    ----------
    z, mass : ndarray of shape (points, studies, nodes)
    height : ndarray of shape (points,)
    residual, weight : ndarray of shape (points, studies, arms, nodes)
    x : ndarray of shape (studies, arms, coefficients)

    References
    ----------
    Pinheiro JC, Bates DM. J Comput Graph Stat 1995;4:12–35 (adaptive quadrature); Louis TA. J R Stat Soc B
    1982;44:226–33 (the information as a posterior moment); Trefethen LN, Weideman JAC. SIAM Rev 2014;56:385–458,
    section 5 (the trapezoidal rule).
    """
    in_tau = residual.sum(axis=2) * z
    per_node = np.concatenate([np.einsum("tsan,sap->tsnp", residual, x), in_tau[..., None]], axis=-1)
    mean = (mass[:, :, None] @ per_node)[:, :, 0]
    second = (mass[..., None] * per_node).swapaxes(2, 3) @ per_node
    moments = np.stack([mass, mass * z, mass * z**2], axis=2) @ weight.swapaxes(2, 3)  # points × studies × 3 × arms
    curvature = np.empty((len(z), x.shape[2] + 1, x.shape[2] + 1))
    curvature[:, :-1, :-1] = np.einsum("tsa,sap,saq->tpq", moments[:, :, 0], x, x)
    curvature[:, :-1, -1] = curvature[:, -1, :-1] = np.einsum("tsa,sap->tp", moments[:, :, 1], x)
    curvature[:, -1, -1] = moments[:, :, 2].sum(axis=(1, 2))
    hessian = second.sum(axis=1) - np.einsum("tsp,tsq->tpq", mean, mean) - curvature
    return Values(height, mean.sum(axis=1), hessian, z.shape[2])


def study_effects(arms: Arms, beta: np.ndarray, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and standard deviation of each study's z given its counts, shape (studies,)."""
    z, mass, *_ = arms.posteriors(np.asarray(beta)[None], np.array([tau]))
    mean = np.sum(mass * z, axis=2)
    return mean[0], np.sqrt(np.sum(mass * (z - mean[..., None]) ** 2, axis=2))[0]


def _nodes(y, n, linear, tau, how: Fineness) -> tuple[np.ndarray, np.ndarray]:
    """Give nodes z and logarithms of weights for each point and study, shape (points, studies, nodes)."""
    low, high = _reach(y, n, linear, tau)
    edge, width = _edges(y, n)
    spacing = np.minimum(how.spacing, EDGE_STEP * width.min(axis=1, initial=np.inf))
    count = max(how.fewest, int(np.ceil(np.max((high - low) * tau / spacing))) + 1)
    if tau.max() <= STEEP and (count <= MANY or not edge.size):
        return trapezoid(low, high, count)
    # Between these the logistic curve bends; outside the integrand is a piece of a normal density.
    away = EDGE + np.log(np.maximum(n, 1))
    with np.errstate(divide="ignore"):
        first, last = (np.clip(end / tau, low, high) for end in (np.min(-away - linear, 2), np.max(away - linear, 2)))
    ends, counts = [low, first, last, high], how.panels
    if width.min(initial=np.inf) < SHARP:
        with np.errstate(divide="ignore"):
            beside = np.concatenate([edge - BESIDE * width, edge + BESIDE * width], axis=1)
            cuts = (beside - np.tile(linear, 2 * edge.shape[1] // linear.shape[2])) / tau[..., None]
        ends[2:2] = np.moveaxis(np.sort(np.clip(cuts, first[..., None], last[..., None])), 2, 0)
        counts = counts[0], *counts[1:2] * (cuts.shape[2] + 1), counts[2]
    z, log_weight = [], []
    for left, right, count in zip(ends, ends[1:], counts, strict=False):
        x, weight = _gauss_legendre(count)
        z.append(left[..., None] + (right - left)[..., None] * x)
        with np.errstate(divide="ignore"):  # an empty panel
            log_weight.append(np.log(right - left)[..., None] + weight)
    return np.concatenate(z, axis=2), np.concatenate(log_weight, axis=2)


def _edges(y, n) -> tuple[np.ndarray, np.ndarray]:
    """Give logits where the probability of being within limits begins and ends, and how widely it does so there.

    Of shape (studies, 2 × arms), width infinite where there is none; (studies, 0) where all counts are exact.
    """
    if y.dtype != WITHIN:
        return np.zeros((2, len(y), 0))
    low, high = limits(y)
    count = np.concatenate([low - 0.5, high + 0.5], axis=1)
    rest = np.concatenate([n, n], axis=1) - count
    there = np.concatenate([low < high] * 2, axis=1) & (count > 0) & (rest > 0)
    count, rest = np.where(there, count, 1.0), np.where(there, rest, 1.0)
    return np.log(count / rest), np.where(there, np.sqrt((count + rest) / (count * rest)), np.inf)


def trapezoid(low: np.ndarray, high: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Give evenly spaced nodes between two ends, on a new last axis, and the logarithm of their weight."""
    step = (high - low) / (count - 1)
    return low[..., None] + step[..., None] * np.arange(count), np.log(step)[..., None]


@cache
def _gauss_legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Give nodes and logarithms of weights on 0 to 1."""
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, np.log(weight / 2)


def _reach(y, n, linear, tau) -> tuple[np.ndarray, np.ndarray]:
    """Find between which z each study's integrand lies above exp(−FALL) of its top."""

    def log_integrand(z: np.ndarray) -> np.ndarray:
        eta = linear + (tau * z)[..., None]
        if y.dtype == WITHIN:
            return np.sum(_at(y, n, eta)[0], axis=-1) - z**2 / 2
        return np.sum(y * eta - n * np.logaddexp(0, eta), axis=-1) - z**2 / 2

    def slope(z: np.ndarray) -> np.ndarray:
        eta = linear + (tau * z)[..., None]
        residual = _at(y, n, eta)[1] if y.dtype == WITHIN else y - n * expit(eta)
        return tau * np.sum(residual, axis=-1) - z

    return reach(log_integrand, slope, *modes(y, n, linear, tau))


def _at(y, n, eta: np.ndarray) -> Sequence[np.ndarray]:
    """Give what :func:`log_ratios` gives, of any leading shape."""
    return [part.reshape(eta.shape) for part in log_ratios(y, n, eta.reshape(-1, *eta.shape[-2:]))]


def reach(log_integrand: Callable, slope: Callable, mode: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, ...]:
    """Find where log-concave integrands over z, standard normal before the counts, lie ``FALL`` below their tops."""
    floor, far, side = log_integrand(mode) - FALL, np.sqrt(2 * FALL), np.array([-1, 1])[:, None, None]
    # The curvature is 1 at least, so the end lies within √(2 FALL); of a normal density, at that many widths.
    away = np.minimum(1.1 * far * width, far) * np.ones_like(side)
    value = log_integrand(mode + side * away)
    away = np.where(value > floor, far, away)
    for _ in range(3):  # a tangent of a concave function lies above it, so Newton's method closes in from outside
        z = mode + side * away
        gap = log_integrand(z) - floor
        away = away - np.divide(gap, side * slope(z), out=np.zeros_like(gap), where=gap < 0)
    return mode - away[0], mode + away[1]


def modes(y, n, linear, tau) -> tuple[np.ndarray, np.ndarray]:
    """Find the mode of each study's integrand over z, and 1 / √curvature there.

    Parameters
    ----------
    y, n : ndarray of shape (studies, arms)
    linear : ndarray of shape (points, studies or 1, arms)
    tau : ndarray of shape (points, 1)
    """
    t = tau[..., None]

    def slopes(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        eta = linear + t * z[..., None]
        if y.dtype == WITHIN:
            _, residual, weight = log_ratios(y, n, eta)
        else:
            p = expit(eta)
            residual, weight = y - n * p, n * p * (1 - p)
        return tau * np.sum(residual, axis=2) - z, tau**2 * np.sum(weight, axis=2) + 1

    # The slope falls in z: the mode lies between 0 and the slope there, and before the farthest arm's own logit.
    pull = slopes(np.zeros(np.broadcast_shapes(tau.shape, linear.shape[:2], n.shape[:1])))[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        logit = highest_of(y, n)[0] if y.dtype == WITHIN else np.log(y / (n - y))
        own = np.where(n > 0, (logit - linear) / t, 0.0)
    own = np.where(pull > 0, own.max(axis=2), own.min(axis=2))
    end = np.where(np.abs(own) < np.abs(pull), own, pull)
    y_mid = middle(y)
    information = np.sum(np.where(n > 0, (y_mid + 0.5) * (n - y_mid + 0.5) / (n + 1), 0.0), axis=1)
    guess = np.log((y_mid.sum(axis=1) + 0.5) / ((n - y_mid).sum(axis=1) + 0.5)) - linear.mean(axis=2)
    z = np.clip(tau * information * guess / (tau**2 * information + 1), np.minimum(end, 0), np.maximum(end, 0))
    return find_modes(slopes, end, z)


def find_modes(slopes: Callable, end: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find modes between 0 and an end by Newton's method within a bracket; ``slopes`` are first and negative second."""
    low, high, last = np.minimum(end, 0), np.maximum(end, 0), np.full_like(z, np.inf)
    for _ in range(100):
        slope, curve = slopes(z)
        low, high = np.where(slope > 0, z, low), np.where(slope > 0, high, z)
        step = slope / curve
        # Where the curve is flat on one side only, Newton's method may swing between two points for ever.
        wild = (z + step < low) | (z + step > high) | (np.abs(step) > last / 2)
        step = np.where(wild, (low + high) / 2 - z, step)
        z, last = z + step, np.abs(step)
        if np.max(last * np.sqrt(curve)) < 1e-2:  # of a width: what is integrated is wider than that
            break
    return z, 1 / np.sqrt(slopes(z)[1])
