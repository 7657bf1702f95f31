"""The two likelihoods of a rate with normal study effects on its logarithm, and their maxima.

See :mod:`synthesis.rates` for what they mean and when they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy import nan
from scipy.special import gammaln, xlogy

from ..quadrature import Rule, gauss_hermite, trapezoid

# Nodes are raised until the answer is stable. Gauss–Hermite serves all but a large τ with studies of no events, or of
# nothing but events, where the integrand has an edge that the trapezoidal rule describes better.
RULES = (*((gauss_hermite, n) for n in (31, 61, 121, 241)), *((trapezoid, n) for n in (241, 481, 961, 1921)))

NEGLIGIBLE = 40.0  # a log-concave integrand has less than 1e-16 of its mass beyond
STABLE = 1e-8  # largest change of a parameter between two numbers of nodes
GRADIENT = 1e-9  # largest score per patient at a maximum
STEPS = 60  # of Newton's method
EVALUATIONS = 60  # of the likelihood, with one rule; a good start needs about ten
ENDLESS = 50.0  # no τ of a log rate is that large: every study has no events, or nothing but events
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


@dataclass(frozen=True)
class Fit:
    """A maximum: mean and standard error of the log rate, tau, the log likelihood with its constant."""

    mean: float
    se: float
    tau: float
    loglik: float
    nodes: int = 0
    message: str = ""


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
            "Random-effects Poisson model on person-time (log link, maximum likelihood by adaptive Gauss–Hermite "
            "quadrature)",
            _poisson_terms,
            _poisson_constant,
            _poisson_saturated,
        ),
        Family(
            "cloglog-normal",
            "Random-effects binomial model with complementary log–log link and log follow-up as offset (maximum "
            "likelihood by adaptive Gauss–Hermite quadrature)",
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
    return Fit(mean, curvature**-0.5, 0.0, value + family.constant(data))


def fit(family: Family, data: Exposure) -> Fit:
    """Maximise the likelihood in mean and τ.

    Returns
    -------
    Fit
        The best of the boundary τ = 0 and the interior maxima reached from small, moment and large starts.
    """
    boundary = fit_common(family, data)
    if len(data.events) < 2:
        return boundary
    y, t = data.events.sum(axis=1) + 0.5, data.person_time.sum(axis=1)
    spread = float(np.sqrt(max(np.var(np.log(y / t)) - np.mean(1 / y), 0)))
    found = [_climb_nodes(family, data, boundary.mean, start) for start in sorted({0.3, max(0.3, spread), 1.5})]
    interior = max(found, key=lambda f: (not f.message, f.loglik))
    interior = replace(interior, loglik=interior.loglik + family.constant(data))
    return interior if interior.tau > 1e-5 and interior.loglik > boundary.loglik else boundary


def _climb_nodes(family: Family, data: Exposure, mean: float, tau: float) -> Fit:
    """Climb with few nodes, then with more until the parameters no longer move."""
    theta, last, drift, settled = np.array([mean, tau]), None, np.inf, True
    for make, nodes in RULES:
        if make is gauss_hermite and not settled:
            continue  # value and score disagree: an edge, which more of these nodes are slow to describe
        theta, value, hessian, settled = _climb(family, data, theta, make(nodes))
        if theta[1] > ENDLESS:
            return Fit(theta[0], nan, theta[1], value, nodes, "the likelihood rises without end in tau")
        drift = np.inf if last is None else float(np.max(np.abs(theta - last)))
        if settled and (drift < STABLE * max(1, np.max(np.abs(theta))) or theta[1] < 1e-6):
            break
        last = theta if settled else None
    else:
        why = f"the answer still moves by {drift:.1g}" if settled else "no maximum was reached"
        return Fit(theta[0], nan, theta[1], value, nodes, f"{why} with {nodes} quadrature nodes")
    if theta[1] < 1e-6:
        return Fit(theta[0], nan, theta[1], value, nodes)  # the boundary, fitted apart, takes over
    return Fit(theta[0], float(np.linalg.inv(-hessian)[0, 0]) ** 0.5, theta[1], value, nodes)


def _climb(family: Family, data: Exposure, theta: np.ndarray, rule: Rule) -> tuple[np.ndarray, float, np.ndarray, bool]:
    """Climb by Newton's method with halving; ``settled`` is false where no maximum was reached."""
    enough = GRADIENT * max(1, np.sqrt(data.events.sum()))
    value, score, hessian = log_likelihood(family, data, *theta, rule)
    step = uphill(score, hessian)
    for _ in range(EVALUATIONS):
        small = np.max(np.abs(step)) < 1e-11 * max(1, np.max(np.abs(theta)))
        if small or np.max(np.abs(score)) < enough or theta[1] < 1e-7:
            return theta, value, hessian, True
        if theta[1] > ENDLESS:
            break
        new = theta + step
        new[1] = abs(new[1])  # the likelihood is even in τ
        trial = log_likelihood(family, data, *new, rule)
        if trial[0] >= value - 1e-13 * abs(value):
            theta, (value, score, hessian) = new, trial
            step = uphill(score, hessian)
        else:
            step = step / 2
    return theta, value, hessian, False


def uphill(score: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Give a Newton step of at most 1 in any parameter that goes uphill."""
    values, vectors = np.linalg.eigh(-hessian)
    floor = max(1e-8 * np.max(np.abs(values)), 1e-12)
    step = vectors @ ((vectors.T @ score) / np.maximum(np.abs(values), floor))
    return step / max(1, np.max(np.abs(step)))
