"""The two likelihoods of a rate with normal study effects on its logarithm, and their maxima.

See :mod:`synthesis.pools.rates` for what they mean and when they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, xlogy

from .censored import highest, log_within
from .counts import WITHIN, limits, middle
from .likelihood import EDGE_STEP, FALL, FINE, Fineness, Values, arms_of, find_modes, reach, trapezoid, values_of, weigh
from .logistic_normal import STEPS, Fit, climb_all

FAR = 1e-200  # the least probability of limits that is taken from the distribution function
MOST_STEPS = 4000  # of a quadrature: where it would take more, τ is far beyond any data
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

    @property
    def wide(self) -> np.ndarray:
        """Say which counts are known within limits only."""
        low, high = limits(self.events)
        return low < high

    @property
    def exact(self) -> "Exposure":
        """Give the rows with exact counts; as they are where all are."""
        if self.events.dtype != WITHIN:
            return self
        return Exposure(*(part[~self.wide] for part in (self.events["low"], self.patients, self.time)))


class Family(NamedTuple):
    """A distribution of events given the log rate.

    ``terms`` takes ``(eta, y, n, m)`` and gives the log likelihood without its constant, and its first and negative
    second derivative in eta; the second is never negative: the likelihood is log-concave. ``constant`` is what it
    leaves out, and ``saturated`` the log likelihood with a rate of its own for each row. ``within`` takes
    ``(eta, low, high, n, m)`` and gives the same three, with nothing left out, of counts known within limits only, and
    ``highest`` takes ``(low, high, n)`` and gives the greatest log probability of one.
    """

    name: str
    description: str
    terms: Callable
    constant: Callable[[Exposure], float]
    saturated: Callable[[Exposure], float]
    within: Callable
    highest: Callable[[int, int, float], float]


def _poisson_terms(eta, y, n, m):
    expected = n * m * np.exp(eta)
    return y * eta - expected, y - expected, expected


def _poisson_constant(data: Exposure) -> float:
    return float(np.sum(xlogy(data.events, data.person_time) - gammaln(data.events + 1)))


def _poisson_saturated(data: Exposure) -> float:
    y = data.events
    return float(np.sum(xlogy(y, y) - y - gammaln(y + 1)))


def _poisson_within(eta, low, high, n, m):
    rate = np.maximum(n * m * np.exp(eta), 1e-300)
    low, high = (np.broadcast_to(limit, rate.shape).astype(float) for limit in (low, high))
    over = rate > (low + high) / 2
    total = np.where(
        over,
        gammaincc(high + 1, rate) - gammaincc(low, rate),
        gammainc(low, rate) - gammainc(high + 1, rate),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(total)
        # d/dη of the probability of y or more is y times that of y itself.
        enters, leaves = low * np.exp(_log_poisson(low, rate) - value), rate * np.exp(_log_poisson(high, rate) - value)
        slope = enters - leaves
        curve = leaves * (1 + high - rate - slope) - enters * (low - rate - slope)
    far = ~(total > FAR)
    found = _poisson_beyond(low[far], high[far], rate[far], over[far])
    value[far], slope[far], curve[far] = found
    return value, slope, np.maximum(curve, 0.0)


def _poisson_beyond(low, high, rate, over):
    """Sum the terms from the limit that lies nearer: far from the limits each is much less than the one before."""
    term, sums = np.ones_like(rate), np.zeros((3, len(rate)))
    for k in range(int(np.max(high - low, initial=-1)) + 1):
        sums += term * np.array([1.0, k, k * k])[:, None]
        term = term * np.where(over, high - k, rate * (high - low > k)) / np.where(over, rate, low + k + 1)
        if not np.any(term > 1e-18 * sums[0]):
            break
    mean = sums[1] / np.maximum(sums[0], 1e-300)
    near = np.where(over, high, low)
    slope = near + np.where(over, -mean, mean) - rate
    return _log_poisson(near, rate) + np.log(sums[0]), slope, rate - (sums[2] / sums[0] - mean**2)


def _log_poisson(y, rate):
    return xlogy(y, rate) - rate - gammaln(y + 1)


def _poisson_highest(low: int, high: int, _) -> float:
    """Give the greatest log probability of limits: where as much enters at ``low`` as leaves at ``high``."""
    if low == 0:
        return 0.0
    best = (gammaln(high + 1) - gammaln(low)) / (high - low + 1)
    return float(_poisson_within(np.array([best]), low, high, 1.0, 1.0)[0][0])


def _cloglog_terms(eta, y, n, m):
    hazard = np.maximum(m * np.exp(eta), 1e-300)  # padding has m = 0 and no patients
    with np.errstate(over="ignore"):  # an infinite exponential makes the ratio 0, which it is
        ratio = hazard / np.expm1(hazard)  # the derivative of log(1 − exp(−hazard)) in eta
    rest = (n - y) * hazard
    return y * np.log(-np.expm1(-hazard)) - rest, y * ratio - rest, y * ratio * (hazard + ratio - 1) + rest


def _cloglog_within(eta, low, high, n, m):
    hazard = np.maximum(m * np.exp(eta), 1e-300)
    with np.errstate(over="ignore"):
        ratio = hazard / np.expm1(hazard)
    risk = -np.expm1(-hazard)
    value, slope, curve = log_within(low, high, n, hazard + np.log(risk))  # at the logit
    way = hazard / risk  # its derivative in eta; the second one is way × (1 − ratio)
    return value, slope * way, np.maximum(curve * way**2 - slope * way * (1 - ratio), 0.0)


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
            _poisson_within,
            _poisson_highest,
        ),
        Family(
            "cloglog-normal",
            "Random-effects binomial model with complementary log–log link and log follow-up as offset (maximum "
            "likelihood by the trapezoidal rule)",
            _cloglog_terms,
            _binomial_constant,
            _binomial_saturated,
            _cloglog_within,
            lambda low, high, n: highest(low, high, int(n))[1],
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
    constant = property(lambda self: self.family.constant(self.data.exact))

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
        z, log_weight = trapezoid(*ends, max(how.fewest, self._steps(tau, ends, how.spacing) + 1))
        value, slope, curve = self.terms(beta[..., None] + t[..., None] * z)
        return values_of(z, *weigh(z, log_weight, value.sum(axis=2)), slope, curve, np.ones((*self.events.shape, 1)))

    def _steps(self, tau: np.ndarray, ends: tuple, spacing: float) -> int:
        """Give in how many steps to integrate between the ends."""
        # Under the complementary log–log link the edge of n patients with nothing but events is 1 / log n wide.
        sharp = 1 + np.log(self.patients.max())
        if self.events.dtype != WITHIN:
            return int(np.ceil(2 * tau.max() * float(np.sqrt(2 * FALL)) * sharp / spacing))
        # Limits of large counts end within little, like a normal distribution.
        width = 1 / np.sqrt(np.where(self.data.wide, self.events["high"] + 1.0, 1.0).max(axis=1))
        steps = (ends[1] - ends[0]) * tau[:, None] / np.minimum(spacing / sharp, EDGE_STEP * width)
        return min(int(np.ceil(steps.max())), MOST_STEPS)

    def terms(self, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Give value, slope and curvature at each of (…, studies, nodes) log rates, rows before nodes."""
        eta = np.clip(eta, -FARTHEST, FARTHEST)[..., None, :]
        (low, high), n, m = limits(self.events), self.data.patients, self.data.time
        found = self.family.terms(eta, *(part[..., None] for part in (low, n, m)))
        if self.events.dtype == WITHIN:
            i, j = np.nonzero(self.data.wide)
            limited = self.family.within(eta[..., i, 0, :], *(part[i, j, None] for part in (low, high, n, m)))
            for part, values in zip(found, limited, strict=True):
                part[..., i, j, :] = values
        return found

    def scale(self) -> tuple[float, float]:
        """Give the standard error of the largest study and the range of all log rates, half an event added."""
        y = middle(self.events).sum(axis=1) + 0.5
        return float(1 / np.sqrt(y.max())), float(np.ptp(np.log(y / self.data.person_time.sum(axis=1))))


def saturated(family: Family, data: Exposure) -> float:
    """Give the log likelihood with a rate of its own for each row."""
    (low, high), wide = limits(data.events), data.wide
    some = zip(low[wide].tolist(), high[wide].tolist(), data.patients[wide].tolist(), strict=True)
    return family.saturated(data.exact) + sum(family.highest(*row) for row in some)


def fit_common(family: Family, data: Exposure) -> Fit:
    """Fit one rate for all (τ = 0) by Newton's method; neither without any event nor with nothing but events."""
    mean, rates = float(np.log(middle(data.events).sum() / data.person_time.sum())), Rates(family, data)

    def at(mean: float) -> list[float]:
        return [float(term.sum()) for term in rates.terms(np.full((len(data.events), 1), mean))]

    for _ in range(STEPS):
        value, slope, curvature = at(mean)
        step = float(np.clip(slope / max(curvature, 1e-300), -2, 2))
        # Inside wide limits the likelihood is flat, and a step can overshoot.
        while data.events.dtype == WITHIN and at(mean + step)[0] < value - 1e-12 * max(1, abs(value)):
            step /= 2
        mean += step
        if abs(step) < 1e-13 * max(1, abs(mean)):
            break
    covariance = np.array([[1 / max(curvature, 1e-300)]])
    return Fit(np.array([mean]), 0.0, value + rates.constant, covariance, 0, 0, True)


def fit(family: Family, data: Exposure) -> Fit:
    """Maximise the likelihood in mean and τ: see :func:`synthesis.models.logistic_normal.climb_all`."""
    boundary = fit_common(family, data)
    return boundary if len(data.events) < 2 else climb_all(Rates(family, data), boundary)
