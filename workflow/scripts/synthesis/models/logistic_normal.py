"""The binomial–normal (random-intercept logistic) likelihood and its maximum.

Arm j of study i has ``events ~ Binomial(patients, expit(x_ij'β + τ z_i))`` with ``z_i ~ N(0, 1)`` shared by the arms
of the study. The integral over z is taken by adaptive Gauss–Hermite quadrature; score and Hessian are those of the
integral itself (posterior moments of the complete-data score), so one set of nodes serves all three.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, gammaln

from ..quadrature import Rule, gauss_hermite, trapezoid

NODES = (
    31,
    61,
    121,
    241,
    481,
    961,
)  # raised until the answer is stable; 25, R's most, are still 3e-4 off on zero-heavy data
STEEP = 2.0  # τ from which the profile is integrated by the trapezoidal rule
NEGLIGIBLE = 40.0  # a log-concave integrand has less than 1e-16 of its mass beyond
STABLE = 1e-8  # largest change of a parameter between two numbers of nodes
ARRIVED = 1e-10  # length of a Newton step that is an arrival: the error after it is its square
GRADIENT = 1e-9  # largest score per patient at a maximum
STEPS = 60
HALVINGS = 12


@dataclass(frozen=True)
class Arms:
    """The data of a fit.

    Parameters
    ----------
    events, patients : ndarray of shape (studies, arms)
        Counts; an arm with 0 patients is padding and adds nothing.
    design : ndarray of shape (studies, arms, coefficients)
        Covariates of each arm.
    """

    events: np.ndarray
    patients: np.ndarray
    design: np.ndarray

    @property
    def constant(self) -> float:
        """Give the sum of the logarithms of the binomial coefficients."""
        return log_coefficients(self.events, self.patients)


@dataclass(frozen=True)
class Fit:
    """A maximum of the likelihood.

    Parameters
    ----------
    beta : ndarray of shape (coefficients,)
    tau : float
        Standard deviation of the study effects on the logit scale, 0 or more.
    loglik : float
        With the binomial coefficients.
    covariance : ndarray of shape (coefficients, coefficients)
        Of ``beta``, from the observed information of β and τ together.
    nodes, steps : int
        Quadrature nodes of the last fit, and Newton steps in all.
    converged : bool
    message : str
        What went wrong, in words; blank when nothing did.
    """

    beta: np.ndarray
    tau: float
    loglik: float
    covariance: np.ndarray
    nodes: int
    steps: int
    converged: bool
    message: str = ""


def log_coefficients(events: np.ndarray, patients: np.ndarray) -> float:
    """Give the sum of the logarithms of the binomial coefficients."""
    y, n = events, patients
    return float(np.sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)))


def arms_of(events: np.ndarray, patients: np.ndarray, study: np.ndarray, design: np.ndarray) -> Arms:
    """Stack rows by study.

    Parameters
    ----------
    events, patients : array of shape (rows,)
    study : array of shape (rows,)
        Rows with one label share a study effect.
    design : array of shape (rows, coefficients)

    Returns
    -------
    Arms
    """
    _, index = np.unique(study, return_inverse=True)
    slot = np.array([np.sum(index[:i] == s) for i, s in enumerate(index)], dtype=int)
    shape = (index.max() + 1, slot.max() + 1)
    y, n, x = np.zeros(shape), np.zeros(shape), np.zeros((*shape, design.shape[1]))
    y[index, slot], n[index, slot], x[index, slot] = events, patients, design
    return Arms(y, n, x)


def log_likelihood(arms: Arms, beta: np.ndarray, tau: float, rule: Rule) -> tuple[float, np.ndarray, np.ndarray]:
    """Give the log likelihood with its score and Hessian in (β, τ).

    Parameters
    ----------
    arms : Arms
    beta : ndarray of shape (coefficients,)
    tau : float
    rule : Rule
        How to integrate.

    Returns
    -------
    value : float
        Without the binomial coefficients.
    score : ndarray of shape (coefficients + 1,)
    hessian : ndarray of shape (coefficients + 1, coefficients + 1)

    References
    ----------
    Pinheiro JC, Bates DM. J Comput Graph Stat 1995;4:12–35 (adaptive quadrature); Louis TA. J R Stat Soc B
    1982;44:226–33 (the information as a posterior moment).
    """
    y, n, x = arms.events[..., None], arms.patients[..., None], arms.design
    linear = (x @ beta)[..., None]
    centre, half = _modes(arms, linear[..., 0], tau)
    if not rule.by_curvature:
        centre, half = _reach(arms, linear[..., 0], tau, centre, half)
    z = centre[:, None] + half[:, None] * rule.x  # studies × nodes
    eta = linear + tau * z[:, None, :]  # studies × arms × nodes
    p = expit(eta)
    joint = np.sum(y * eta - n * np.logaddexp(0, eta), axis=1) - z**2 / 2 + rule.log_weight
    top = joint.max(axis=1, keepdims=True)
    mass = np.exp(joint - top)
    total = mass.sum(axis=1, keepdims=True)
    value = np.sum(top[:, 0] + np.log(total[:, 0]) + np.log(half)) - len(z) * np.log(2 * np.pi) / 2
    posterior = mass / total
    residual, weight = y - n * p, n * p * (1 - p)
    direction = np.concatenate(
        [
            np.broadcast_to(x[:, :, None, :], (*eta.shape, x.shape[-1])),
            np.broadcast_to(z[:, None, :, None], (*eta.shape, 1)),
        ],
        axis=-1,
    )  # studies × arms × nodes × parameters: the derivative of eta
    per_node = np.einsum("saq,saqp->sqp", residual, direction)
    mean = np.einsum("sq,sqp->sp", posterior, per_node)
    second = np.einsum("sq,sqp,sqr->pr", posterior, per_node, per_node) - mean.T @ mean
    curvature = np.einsum("sq,saq,saqp,saqr->pr", posterior, weight, direction, direction, optimize=True)
    return float(value), mean.sum(axis=0), second - curvature


def _modes(arms: Arms, linear: np.ndarray, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the mode of each study's integrand over z, and √2 / √curvature there."""
    y, n = arms.events, arms.patients
    z = np.zeros(len(y))
    for _ in range(100):
        p = expit(linear + tau * z[:, None])
        slope = tau * np.sum(y - n * p, axis=1) - z
        curve = tau**2 * np.sum(n * p * (1 - p), axis=1) + 1
        # The integrand is log-concave; a bounded step keeps Newton from leaving the basin on very large studies.
        step = np.clip(slope / curve, -1, 1)
        z += step
        if np.max(np.abs(step), initial=0) < 1e-10:
            break
    p = expit(linear + tau * z[:, None])
    return z, np.sqrt(2) / np.sqrt(tau**2 * np.sum(n * p * (1 - p), axis=1) + 1)


def _reach(
    arms: Arms, linear: np.ndarray, tau: float, mode: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the middle and half width of where each study's integrand is above exp(−NEGLIGIBLE) of its top."""

    def log_integrand(z: np.ndarray) -> np.ndarray:
        eta = linear + tau * z[:, None]
        return np.sum(arms.events * eta - arms.patients * np.logaddexp(0, eta), axis=1) - z**2 / 2

    top, ends = log_integrand(mode), []
    for side in (-1, 1):
        width = 3 * step
        for _ in range(100):
            inside = log_integrand(mode + side * width) > top - NEGLIGIBLE
            if not inside.any():
                break
            width = np.where(inside, 1.2 * width, width)
        ends.append(mode + side * width)
    return (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2


def fixed_fit(arms: Arms) -> tuple[np.ndarray, float, np.ndarray]:
    """Fit the model without study effects (τ = 0) by Newton's method.

    Returns
    -------
    beta : ndarray
    value : float
        Log likelihood without the binomial coefficients.
    information : ndarray
    """
    y, n, x = arms.events.ravel(), arms.patients.ravel(), arms.design.reshape(-1, arms.design.shape[-1])
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = expit(x @ beta)
        information = x.T @ (x * (n * p * (1 - p))[:, None])
        step = np.linalg.solve(information, x.T @ (y - n * p))
        step *= min(1, 2 / max(np.max(np.abs(step)), 1e-300))
        beta = beta + step
        if np.max(np.abs(step)) < 1e-13 * max(1, np.max(np.abs(beta))):
            break
    eta = x @ beta
    return beta, float(np.sum(y * eta - n * np.logaddexp(0, eta))), information


def fit(arms: Arms, tau: float | None = None) -> Fit:
    """Maximise the likelihood in β and τ.

    Parameters
    ----------
    arms : Arms
        No column of the design may be separated (all events, or none): see :func:`separated`.
    tau : float, optional
        Hold τ at this value instead of estimating it.

    Returns
    -------
    Fit
        The best of the boundary τ = 0 and the interior maxima reached from a small and a large start.
    """
    beta0, value0, information0 = fixed_fit(arms)
    boundary = Fit(beta0, 0.0, value0, np.linalg.inv(information0), 0, 0, True)
    if tau == 0 or (tau is None and len(arms.events) < 2):
        best = boundary
    elif tau is not None:
        # A conditional logit is about this much farther out than the marginal one (Zeger 1988, Biometrics 44:1049).
        best = _climb_nodes(arms, beta0 * np.sqrt(1 + 0.346 * tau**2), tau, held=True)
    else:
        starts = {0.3, max(0.3, _moment_start(arms)), 1.5}
        found = [_climb_nodes(arms, beta0, start) for start in sorted(starts)]
        interior = max(found, key=lambda f: (f.converged, f.loglik))
        best = interior if interior.tau > 1e-5 and interior.loglik > value0 else boundary
    return replace(best, loglik=best.loglik + arms.constant)


def _moment_start(arms: Arms) -> float:
    """Guess τ from the spread of the studies' logits."""
    y, n = arms.events.sum(axis=1) + 0.5, arms.patients.sum(axis=1) + 1
    logit = np.log(y / (n - y))
    return float(np.sqrt(max(np.var(logit) - np.mean(1 / y + 1 / (n - y)), 0)))


def _climb_nodes(arms: Arms, beta: np.ndarray, tau: float, held: bool = False) -> Fit:
    """Climb with few nodes, then with more until the parameters no longer move."""
    theta, steps, last = np.append(beta, tau), 0, None
    message = ""
    rules = [trapezoid(n) for n in NODES[2:]] if held and tau > STEEP else [gauss_hermite(n) for n in NODES]
    for rule in rules:
        theta, value, hessian, used, settled = _climb(arms, theta, rule, held)
        steps += used
        drift = np.inf if last is None else np.max(np.abs(theta - last))
        stable = drift < STABLE * max(1, np.max(np.abs(theta)))
        if settled and (stable or theta[-1] < 1e-6):
            break
        last = theta
    else:
        reason = f"the answer still moves by {drift:.1g}" if settled else "no maximum was reached"
        message = f"{reason} with {len(rule)} quadrature nodes"
    size = len(theta) - 1
    free = hessian[:size, :size] if held or theta[-1] < 1e-6 else hessian
    try:
        covariance = np.linalg.inv(-free)[:size, :size]
    except np.linalg.LinAlgError:
        covariance, message = np.full((size, size), np.nan), message or "the information is singular"
    return Fit(theta[:size], float(theta[-1]), value, covariance, len(rule), steps, not message, message)


def _climb(arms: Arms, theta: np.ndarray, rule: Rule, held: bool) -> tuple[np.ndarray, float, np.ndarray, int, bool]:
    """Climb by Newton's method with halving, kept uphill where the Hessian is not negative definite.

    Returns
    -------
    theta, value, hessian, steps, settled
        ``settled`` is false where value and score disagree: a sign of too few nodes, not of a maximum.
    """
    free = slice(0, len(theta) - 1) if held else slice(0, len(theta))
    enough = GRADIENT * max(1, np.sqrt(arms.patients.sum()))
    value, score, hessian = log_likelihood(arms, theta[:-1], theta[-1], rule)
    for count in range(STEPS):
        step = uphill(score[free], hessian[free, free])
        small = np.max(np.abs(step)) < ARRIVED * max(1, np.max(np.abs(theta)))
        if small or (not held and theta[-1] < 1e-7):
            return theta, value, hessian, count, True
        for _ in range(HALVINGS):
            new = theta.copy()
            new[free] += step
            new[-1] = abs(new[-1])  # the likelihood is even in τ
            trial = log_likelihood(arms, new[:-1], new[-1], rule)
            if trial[0] >= value - 1e-13 * abs(value):
                break
            step = step / 2
        else:  # no step goes up: rounding is all that is left where the score is small, too few nodes elsewhere
            return theta, value, hessian, count, bool(np.max(np.abs(score[free])) < enough)
        theta, (value, score, hessian) = new, trial
    return theta, value, hessian, STEPS, False


def uphill(score: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Give a Newton step of at most 1 in any parameter that goes uphill."""
    values, vectors = np.linalg.eigh(-hessian)
    floor = max(1e-8 * np.max(np.abs(values)), 1e-12)
    step = vectors @ ((vectors.T @ score) / np.maximum(np.abs(values), floor))
    return step / max(1, np.max(np.abs(step)))


def separated(events: np.ndarray, patients: np.ndarray) -> bool:
    """Say whether a group has no events, or nothing but events: its logit has no finite maximum."""
    total = np.sum(events)
    return bool(total == 0 or total == np.sum(patients))
