"""The two likelihoods of a rate with normal study effects on its logarithm, and their maxima.

See :mod:`synthesis.pools.rates` for what they mean and when they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, xlogy

from .likelihood import FINE, Fineness, Values
from .logistic_normal import Fit, climb_all
from .quadrature import Rule, trapezoid

NEGLIGIBLE = 40.0  # a log-concave integrand has less than 1e-16 of its mass beyond
STEPS = 60  # of Newton's method
FARTHEST = 200.0  # a log rate beyond ±200 is as good as infinite, and its square still is a number


@dataclass(frozen=True)
class Exposure:
    """The data of a fit; a row with 0 patients is padding.

    Parameters
    ----------
    events, patients, time : ndarray of shape (studies, arms)
        Counts, and how long each patient was followed, in units of time.
    """

    events: np.ndarray
    patients: np.ndarray
    time: np.ndarray

    @property
    def person_time(self) -> np.ndarray:
        """Give patients × time."""
        return self.patients * self.time


@dataclass(frozen=True)
class Family:
    """A distribution of events given the log rate.

    Parameters
    ----------
    name, description : str
    terms : callable
        ``(eta, y, n, m) → value, slope, curvature``: log likelihood without its constant, and its first and negative
        second derivative in eta. The second is never negative: the likelihood is log-concave.
    constant, saturated : callable
        ``Exposure → float``: what ``terms`` leaves out, and the log likelihood with a rate of its own for each row.
    """

    name: str
    description: str
    terms: Callable
    constant: Callable[[Exposure], float]
    saturated: Callable[[Exposure], float]


def _poisson_terms(eta, y, n, m):
    expected = n * m * np.exp(eta)
    return y * eta - expected, y - expected, expected


def _poisson_constant(data: Exposure) -> float:
    return float(np.sum(xlogy(data.events, data.person_time) - gammaln(data.events + 1)))


def _poisson_saturated(data: Exposure) -> float:
    y = data.events
    return float(np.sum(xlogy(y, y) - y - gammaln(y + 1)))


def _cloglog_terms(eta, y, n, m):
    hazard = np.maximum(m * np.exp(eta), 1e-300)  # padding has m = 0 and no patients
    with np.errstate(over="ignore"):  # an infinite exponential makes the ratio 0, which it is
        ratio = hazard / np.expm1(hazard)  # the derivative of log(1 − exp(−hazard)) in eta
    rest = (n - y) * hazard
    return y * np.log(-np.expm1(-hazard)) - rest, y * ratio - rest, y * ratio * (hazard + ratio - 1) + rest


def _binomial_constant(data: Exposure) -> float:
    y, n = data.events, data.patients
    return float(np.sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)))


def _binomial_saturated(data: Exposure) -> float:
    y, n = data.events, data.patients
    return float(np.sum(xlogy(y, y) + xlogy(n - y, n - y) - xlogy(n, n))) + _binomial_constant(data)


FAMILIES = {
    family.name: family
    for family in (
        Family(
            "poisson-normal",
            "Random-effects Poisson model on person-time (log link, maximum likelihood by the trapezoidal rule)",
            _poisson_terms,
            _poisson_constant,
            _poisson_saturated,
        ),
        Family(
            "cloglog-normal",
            "Random-effects binomial model with complementary log–log link and log follow-up as offset (maximum "
            "likelihood by the trapezoidal rule)",
            _cloglog_terms,
            _binomial_constant,
            _binomial_saturated,
        ),
    )
}


def exposure_of(events, patients, time, study) -> Exposure:
    """Stack rows by study, padded to the same number of rows.

    Parameters
    ----------
    events, patients, time, study : array_like of shape (rows,)
        Where only person-time is known, give it as ``patients`` with ``time`` 1 (for Poisson).
    """
    _, index = np.unique(np.asarray(study), return_inverse=True)
    slot = np.array([np.sum(index[:i] == s) for i, s in enumerate(index)], dtype=int)
    table = np.zeros((3, index.max() + 1, slot.max() + 1))
    table[:, index, slot] = events, patients, time
    return Exposure(*table)


def log_likelihood(
    family: Family, data: Exposure, mean: float, tau: float, rule: Rule
) -> tuple[float, np.ndarray, np.ndarray]:
    """Give the log likelihood with its score and Hessian in (mean, tau).

    Returns
    -------
    value : float
        Without the constant.
    score : ndarray of shape (2,)
    hessian : ndarray of shape (2, 2)

    References
    ----------
    Liu Q, Pierce DA. Biometrika 1994;81:624–9, equation 2 (quadrature at the mode); Louis TA. J R Stat Soc B
    1982;44:226–33 (the information from posterior moments).
    """
    centre, half = _modes(family, data, mean, tau)
    if not rule.by_curvature:
        centre, half = _reach(family, data, mean, tau, centre, half)
    z = centre[:, None] + half[:, None] * rule.x  # studies × nodes
    value, slope, curvature = _study_terms(family, data, mean + tau * z)
    joint = value - z**2 / 2 + rule.log_weight
    top = joint.max(axis=1, keepdims=True)
    mass = np.exp(joint - top)
    total = mass.sum(axis=1, keepdims=True)
    posterior = mass / total
    direction = np.stack([np.ones_like(z), z], axis=-1)  # the derivative of eta
    mean_score = np.einsum("sq,sqp->sp", posterior * slope, direction)
    second = np.einsum("sq,sqp,sqr->pr", posterior * (slope**2 - curvature), direction, direction)
    height = np.sum(top[:, 0] + np.log(total[:, 0]) + np.log(half)) - len(z) * np.log(2 * np.pi) / 2
    return float(height), mean_score.sum(axis=0), second - mean_score.T @ mean_score


@dataclass(frozen=True)
class Rates:
    """Exposure with its likelihood, as the search for maxima asks for it."""

    family: Family
    data: Exposure
    farthest: ClassVar[float] = 100.0

    events = property(lambda self: self.data.events)
    patients = property(lambda self: self.data.patients)
    constant = property(lambda self: self.family.constant(self.data))

    def at(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> Values:
        """Give the likelihood at some points, relative to its constant."""
        found = [self._at(float(mean), float(spread), how) for mean, spread in zip(beta[:, 0], tau, strict=True)]
        value, score, hessian, nodes = zip(*found, strict=True)
        return Values(np.array(value), np.array(score), np.array(hessian), max(nodes))

    def _at(self, mean: float, tau: float, how: Fineness):
        # Under the complementary log–log link the edge of n patients with nothing but events is 1 / log n wide.
        span = 2 * tau * float(np.sqrt(2 * NEGLIGIBLE)) * (1 + np.log(self.patients.max()))
        nodes = max(how.fewest, int(np.ceil(span / how.spacing)) + 1)
        return *log_likelihood(self.family, self.data, mean, tau, trapezoid(nodes)), nodes

    def scale(self) -> tuple[float, float]:
        """Give the standard error of the largest study and the range of all log rates, half an event added."""
        y = self.events.sum(axis=1) + 0.5
        return float(1 / np.sqrt(y.max())), float(np.ptp(np.log(y / self.data.person_time.sum(axis=1))))


def _study_terms(family: Family, data: Exposure, eta: np.ndarray) -> list[np.ndarray]:
    """Give value, slope and curvature of each study at its values of eta (studies × nodes), summed over its rows."""
    eta = np.clip(eta, -FARTHEST, FARTHEST)[:, None, :]
    terms = family.terms(eta, data.events[..., None], data.patients[..., None], data.time[..., None])
    return [term.sum(axis=1) for term in terms]


def _modes(family: Family, data: Exposure, mean: float, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the mode of each study's integrand over z, and √2 / √curvature there."""
    z = np.zeros((len(data.events), 1))
    low, high = np.full_like(z, -np.inf), np.full_like(z, np.inf)
    for _ in range(200):
        _, slope, curvature = _study_terms(family, data, mean + tau * z)
        climb = tau * slope - z  # falls in z: the integrand is log-concave, so its sign says on which side the mode is
        low, high = np.where(climb > 0, z, low), np.where(climb > 0, high, z)
        step = np.clip(climb / (tau**2 * curvature + 1), -1, 1)
        # Under the complementary log–log link the edge of a study with nothing but events is doubly exponential, and
        # Newton's method jumps over it for ever: halve instead where a step leaves the bracket.
        inside = (z + step > low) & (z + step < high) | (np.abs(step) < 1e-10)
        with np.errstate(invalid="ignore"):
            new = np.where(inside, z + step, (low + high) / 2)
        moved, z = np.max(np.abs(new - z)), new
        if moved < 1e-10:
            break
    curvature = _study_terms(family, data, mean + tau * z)[2]
    return z[:, 0], np.sqrt(2 / (tau**2 * curvature + 1))[:, 0]


def _reach(
    family: Family, data: Exposure, mean: float, tau: float, mode: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the middle and half width of where each study's integrand is above exp(−NEGLIGIBLE) of its top."""

    def height(z: np.ndarray) -> np.ndarray:
        return _study_terms(family, data, (mean + tau * z)[:, None])[0][:, 0] - z**2 / 2

    floor, widths = height(mode) - NEGLIGIBLE, []
    for side in (-1, 1):
        width = 3 * step
        while np.any(inside := height(mode + side * width) > floor):
            width = np.where(inside, 1.2 * width, width)
        widths.append(width)
    return mode + (widths[1] - widths[0]) / 2, (widths[0] + widths[1]) / 2


def fit_common(family: Family, data: Exposure) -> Fit:
    """Fit one rate for all (τ = 0) by Newton's method; neither without any event nor with nothing but events."""
    mean, far = float(np.log(data.events.sum() / data.person_time.sum())), np.ones((len(data.events), 1))
    for _ in range(STEPS):
        value, slope, curvature = (float(term.sum()) for term in _study_terms(family, data, mean * far))
        step = float(np.clip(slope / curvature, -2, 2))
        mean += step
        if abs(step) < 1e-13 * max(1, abs(mean)):
            break
    return Fit(np.array([mean]), 0.0, value + family.constant(data), np.array([[1 / curvature]]), 0, 0, True)


def fit(family: Family, data: Exposure) -> Fit:
    """Maximise the likelihood in mean and τ: see :func:`synthesis.models.logistic_normal.climb_all`."""
    boundary = fit_common(family, data)
    return boundary if len(data.events) < 2 else climb_all(Rates(family, data), boundary)
