"""The binomial–normal (random-intercept logistic) likelihood with its score and Hessian, for many (β, τ) at once.

Arm j of study i has ``events ~ Binomial(patients, expit(x_ij'β + τ z_i))`` with ``z_i ~ N(0, 1)`` shared by the arms
of the study. The integrand over z is log-concave, so where it is not negligible is one interval. It is found for each
study and integrated by the trapezoidal rule, or by Gauss–Legendre panels where τ is large and a study without events
makes a step of it. Score and Hessian are those of the integral itself, so one set of nodes serves all three.

Every likelihood is taken relative to a proportion of its own for each arm, so that nothing cancels in large studies.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from scipy.special import expit

from .proportions import log_ratio, log_saturated

FALL = 37.0  # of a study's log integrand, from its top to where it is left out: 1e-16 of its mass
STEEP = 4.0  # τ from which the integral is taken in panels
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
        Counts; an arm with 0 patients is padding and adds nothing.
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
        return log_saturated(self.events, self.patients)

    def at(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> Values:
        """Give the likelihood at some points, of shape (points, coefficients) and (points,)."""
        z, mass, height, p, q = self.posteriors(beta, tau, how)
        y, n = self.events[..., None], self.patients[..., None]
        return values_of(z, mass, height, y * q - (n - y) * p, n * p * q, self.design)

    def posteriors(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> tuple[np.ndarray, ...]:
        """Give nodes and their probabilities given the counts, the log likelihood, and p and 1 − p of arms there."""
        linear = np.einsum("sap,tp->tsa", self.design, beta)
        z, log_weight = _nodes(self.events, self.patients, linear, tau[:, None], how)
        eta = linear[..., None] + (tau[:, None, None] * z)[:, :, None]
        value, p, q = log_ratio(self.events, self.patients, eta)
        return z, *weigh(z, log_weight, value.sum(axis=2)), p, q

    def scale(self) -> tuple[float, float]:
        """Give the standard error of the largest study and the range of logits, half an event added on each side."""
        y, n = self.events.sum(axis=1), self.patients.sum(axis=1)
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
    table = np.column_stack([patients, events, design]).astype(float)
    rows = np.lexsort((*table.T[::-1], index))
    slot = np.arange(len(rows)) - np.searchsorted(index[rows], index[rows])
    block = np.zeros((len(names), slot.max() + 1, table.shape[1]))
    block[index[rows], slot] = table[rows]
    order = np.lexsort(block.reshape(len(names), -1).T[::-1])
    block = block[order]
    return Arms(block[..., 1], block[..., 0], block[..., 2:], names[order])


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
    if tau.max() <= STEEP:
        return trapezoid(low, high, max(how.fewest, int(np.ceil(np.max((high - low) * tau) / how.spacing)) + 1))
    # Between these the logistic curve bends; outside the integrand is a piece of a normal density.
    away = EDGE + np.log(np.maximum(n, 1))
    with np.errstate(divide="ignore"):
        first, last = (np.clip(edge / tau, low, high) for edge in (np.min(-away - linear, 2), np.max(away - linear, 2)))
    ends, z, log_weight = (low, first, last, high), [], []
    for left, right, count in zip(ends, ends[1:], how.panels, strict=False):
        x, weight = _gauss_legendre(count)
        z.append(left[..., None] + (right - left)[..., None] * x)
        with np.errstate(divide="ignore"):  # an empty panel
            log_weight.append(np.log(right - left)[..., None] + weight)
    return np.concatenate(z, axis=2), np.concatenate(log_weight, axis=2)


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
        return np.sum(y * eta - n * np.logaddexp(0, eta), axis=-1) - z**2 / 2

    def slope(z: np.ndarray) -> np.ndarray:
        return tau * np.sum(y - n * expit(linear + (tau * z)[..., None]), axis=-1) - z

    return reach(log_integrand, slope, *modes(y, n, linear, tau))


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
        p = expit(linear + t * z[..., None])
        return tau * np.sum(y - n * p, axis=2) - z, tau**2 * np.sum(n * p * (1 - p), axis=2) + 1

    # The slope falls in z: the mode lies between 0 and the slope there, and before the farthest arm's own logit.
    pull = tau * np.sum(y - n * expit(linear), axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(n > 0, (np.log(y / (n - y)) - linear) / t, 0.0)
    own = np.where(pull > 0, own.max(axis=2), own.min(axis=2))
    end = np.where(np.abs(own) < np.abs(pull), own, pull)
    information = np.sum(np.where(n > 0, (y + 0.5) * (n - y + 0.5) / (n + 1), 0.0), axis=1)
    guess = np.log((y.sum(axis=1) + 0.5) / ((n - y).sum(axis=1) + 0.5)) - linear.mean(axis=2)
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
