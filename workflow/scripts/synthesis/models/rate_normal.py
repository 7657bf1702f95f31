"""The two likelihoods of a rate with normal study effects on its logarithm, and their maxima.

See :mod:`synthesis.pools.rates` for what they mean and when they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

from .likelihood import FALL, FINE, Fineness, Values, arms_of, find_modes, reach, trapezoid, values_of, weigh
from .logistic_normal import STEPS, Fit, climb_all

FARTHEST = 200.0  # a log rate beyond ±200 is as good as infinite, and its square still is a number


class Exposure(NamedTuple):
    """The data of a fit, each of shape (studies, arms): counts, and how long each patient was followed.

    A row with 0 patients is padding.
    """

    events: np.ndarray
    patients: np.ndarray
    time: np.ndarray

    @property
    def person_time(self) -> np.ndarray:
        """Give patients × time."""
        return self.patients * self.time


class Family(NamedTuple):
    """A distribution of events given the log rate.

    ``terms`` takes ``(eta, y, n, m)`` and gives the log likelihood without its constant, and its first and negative
    second derivative in eta; the second is never negative: the likelihood is log-concave. ``constant`` is what it
    leaves out, and ``saturated`` the log likelihood with a rate of its own for each row.
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

    Where only person-time is known, give it as ``patients`` with ``time`` 1 (for Poisson).
    """
    arms = arms_of(events, patients, study, np.reshape(time, (-1, 1)))
    return Exposure(arms.events, arms.patients, arms.design[..., 0])


@dataclass(frozen=True)
class Rates:
    """Exposure with its likelihood, as the search for maxima asks for it: see :class:`.likelihood.Counts`."""

    family: Family
    data: Exposure
    farthest: ClassVar[float] = 100.0

    events = property(lambda self: self.data.events)
    patients = property(lambda self: self.data.patients)
    constant = property(lambda self: self.family.constant(self.data))

    def at(self, beta: np.ndarray, tau: np.ndarray, how: Fineness = FINE) -> Values:
        """Give the likelihood at some points, relative to its constant."""
        t = tau[:, None]

        def moments(z: np.ndarray) -> tuple[np.ndarray, ...]:
            value, slope, curve = (term.sum(axis=(-2, -1)) for term in self.terms((beta + t * z)[..., None]))
            return value - z**2 / 2, t * slope - z, t**2 * curve + 1

        nowhere = np.zeros((len(tau), len(self.events)))
        _, pull, curve = moments(nowhere)
        found = find_modes(lambda z: moments(z)[1:], pull, pull / curve)
        ends = reach(lambda z: moments(z)[0], lambda z: moments(z)[1], *found)
        # Under the complementary log–log link the edge of n patients with nothing but events is 1 / log n wide.
        span = 2 * tau.max() * float(np.sqrt(2 * FALL)) * (1 + np.log(self.patients.max()))
        z, log_weight = trapezoid(*ends, max(how.fewest, int(np.ceil(span / how.spacing)) + 1))
        value, slope, curve = self.terms(beta[..., None] + t[..., None] * z)
        return values_of(z, *weigh(z, log_weight, value.sum(axis=2)), slope, curve, np.ones((*self.events.shape, 1)))

    def terms(self, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Give value, slope and curvature at each of (…, studies, nodes) log rates, rows before nodes."""
        eta = np.clip(eta, -FARTHEST, FARTHEST)[..., None, :]
        return self.family.terms(eta, *(part[..., None] for part in self.data))

    def scale(self) -> tuple[float, float]:
        """Give the standard error of the largest study and the range of all log rates, half an event added."""
        y = self.events.sum(axis=1) + 0.5
        return float(1 / np.sqrt(y.max())), float(np.ptp(np.log(y / self.data.person_time.sum(axis=1))))


def fit_common(family: Family, data: Exposure) -> Fit:
    """Fit one rate for all (τ = 0) by Newton's method; neither without any event nor with nothing but events."""
    mean, rates = float(np.log(data.events.sum() / data.person_time.sum())), Rates(family, data)
    for _ in range(STEPS):
        value, slope, curvature = (float(term.sum()) for term in rates.terms(np.full((len(data.events), 1), mean)))
        step = float(np.clip(slope / curvature, -2, 2))
        mean += step
        if abs(step) < 1e-13 * max(1, abs(mean)):
            break
    return Fit(np.array([mean]), 0.0, value + family.constant(data), np.array([[1 / curvature]]), 0, 0, True)


def fit(family: Family, data: Exposure) -> Fit:
    """Maximise the likelihood in mean and τ: see :func:`synthesis.models.logistic_normal.climb_all`."""
    boundary = fit_common(family, data)
    return boundary if len(data.events) < 2 else climb_all(Rates(family, data), boundary)
