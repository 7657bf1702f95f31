"""The maximum of the binomial–normal likelihood, and of its profile in τ.

For one τ the likelihood has one maximum in β: it is log-concave there, being the integral of a function that is so in β
and z together (Prékopa). What is left is a curve over τ, which can have several maxima, for instance where a large
register stands beside small series. It is looked at from where τ makes no difference to where it drowns all else; each
hill is climbed by Newton's method between two points of this look, so that none is missed and none is left.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import log

import numpy as np
from scipy.special import expit

from ..words.terms import ALL_OR_NONE, MAY_BE_ALL_OR_NONE, UNKNOWN_TAU2
from .censored import log_ratios
from .counts import WITHIN, limits
from .likelihood import COARSE, FINE, Arms, Counts, Fineness, Values, arms_of, log_likelihood

STEPS = 60
ARRIVED = 1e-9  # length of a Newton step that is an arrival: the error after it is its square
NEAR = 1e-3  # gain of a Newton step in β below which a point counts as on the profile
ROUNDING = 1e-12  # of a log likelihood, which is relative to its greatest value
RATIO = 1.5  # between two τ of the look
NEAREST = 0.3  # standard errors of the largest study: below, the profile is a straight line in τ²
LEVEL = 1e-6  # fall of the profile below which it is flat
WIDEST = 1e3  # standard error of a logit that no data give, but limits that all surround the same proportions
POINTS = 60_000  # numbers in an array of the look: what a processor keeps close


@dataclass(frozen=True)
class Look:
    """The profile at some τ, ascending from 0: the best β there, the log likelihood and its slope in τ.

    ``slope`` at τ = 0, where the profile is even, has the sign of the curvature. ``height`` is relative to
    ``Arms.constant`` and good to 1e-7.
    """

    tau: np.ndarray
    beta: np.ndarray
    height: np.ndarray
    slope: np.ndarray

    def join(self, other: "Look") -> "Look":
        """Put two looks together."""
        tau = np.concatenate([self.tau, other.tau])
        order = np.argsort(tau, kind="stable")
        parts = ((self.beta, other.beta), (self.height, other.height), (self.slope, other.slope))
        return Look(tau[order], *(np.concatenate(pair)[order] for pair in parts))


@dataclass(frozen=True)
class Fit:
    """A maximum of the likelihood.

    ``loglik`` has the binomial coefficients; ``covariance`` is that of ``beta``, from the observed information of β and
    τ together. τ is 0 where it cannot be known, that is, where the likelihood does not depend on it. ``message`` says
    what went wrong, and is blank when nothing did. ``others`` are lower maxima, the highest first; ``look`` is the
    profile that was looked at.
    """

    beta: np.ndarray
    tau: float
    loglik: float
    covariance: np.ndarray
    nodes: int
    steps: int
    converged: bool
    message: str = ""
    others: "tuple[Fit, ...]" = ()
    known: bool = True
    look: Look | None = field(default=None, repr=False)

    @property
    def remark(self) -> str:
        """Say what is remarkable about the maximum; blank when nothing is."""
        return self.say(lambda mean: f"a proportion of {float(expit(mean)):.4g}")

    def say(self, words: Callable[[float], str]) -> str:
        """Say the same with other words for a mean."""
        if not self.known:
            return UNKNOWN_TAU2
        if not self.others:
            return ""
        other = self.others[0]
        mean = f"{words(other.beta[0])} and " if len(other.beta) == 1 else ""
        return say_maxima(len(self.others), f"{mean}tau2 = {other.tau**2:.4g}", self.loglik - other.loglik)


def say_maxima(others: int, where: str, lower: float) -> str:
    """Say that a likelihood has several maxima, and where the next lies.

    >>> say_maxima(1, "tau2 = 0", 0.05)
    'the likelihood has two maxima: the next lies at tau2 = 0, lower by 0.05 in its logarithm'
    """
    number = "two" if others == 1 else f"{others + 1}"
    return f"the likelihood has {number} maxima: the next lies at {where}, lower by {lower:.3g} in its logarithm"


def fixed_fit(arms: Arms) -> tuple[np.ndarray, float, np.ndarray]:
    """Fit the model without study effects (τ = 0) by Newton's method.

    Gives β, the log likelihood relative to ``Arms.constant``, and the information.
    """
    y, n, x = arms.events.reshape(-1, 1), arms.patients.reshape(-1, 1), arms.design.reshape(-1, arms.design.shape[-1])

    def at(beta: np.ndarray) -> list[np.ndarray]:
        return [part[0, :, 0] for part in log_ratios(y, n, (x @ beta)[None, :, None])]

    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        value, slope, weight = at(beta)
        information = x.T @ (x * weight[:, None])
        step = np.linalg.lstsq(information, x.T @ slope, rcond=None)[0]
        step *= min(1, 2 / max(np.max(np.abs(step)), 1e-300))
        if np.max(np.abs(step)) < ARRIVED / 100 * max(1, np.max(np.abs(beta))):
            break
        # Inside wide limits the likelihood is flat, and a step can overshoot.
        while y.dtype == WITHIN and at(beta + step)[0].sum() < value.sum() - ROUNDING * max(1, abs(value.sum())):
            step /= 2
        beta = beta + step
    return beta, float(value.sum()), information


def fit(arms: Arms) -> Fit:
    """Maximise the likelihood in β and τ; give the highest maximum, the boundary τ = 0 among them.

    No column of the design may be separated: see :func:`separated`.
    """
    beta0, value0, information0 = fixed_fit(arms)
    boundary = Fit(beta0, 0.0, value0 + arms.constant, _inverse(information0), 0, 0, True)
    if len(arms.events) < 2:
        return boundary
    if arms.design.shape[2] == 1 and all_or_none(arms):
        return replace(boundary, converged=False, message=ALL_OR_NONE)
    return climb_all(arms, boundary)


def climb_all(arms: Counts, boundary: Fit) -> Fit:
    """Look at the profile, climb each hill, and give the highest maximum, ``boundary`` at τ = 0 among them."""
    look = look_at_profile(arms, boundary)
    if np.ptp(look.height) < LEVEL:
        return replace(boundary, known=False, look=look)
    if look.slope[-1] > 0 or not np.isfinite(look.height).all():
        rising = look.slope[-1] > 0 and np.isfinite(look.height).all()
        why = f"the likelihood still rises at tau2 = {look.tau[-1] ** 2:.0g}" if rising else "no maximum was reached"
        if rising and (all_or_none(arms) or all_or_none(arms, may_be=True)):
            why = ALL_OR_NONE if all_or_none(arms) else MAY_BE_ALL_OR_NONE
        return replace(boundary, converged=False, message=why)
    tops = np.flatnonzero((look.slope[:-1] > 0) & (look.slope[1:] <= 0))
    found = [climb(arms, look, i) for i in tops] + ([boundary] if look.slope[0] <= 0 else [])
    best, *others = sorted(found, key=lambda f: (f.converged, f.loglik), reverse=True)
    others = tuple(other for other in others if _apart(best, other, look, arms.constant))
    return replace(best, others=others, look=look)


def _apart(one: Fit, other: Fit, look: Look, constant: float) -> bool:
    """Say whether the profile dips between two maxima by more than rounding."""
    low, high = sorted((one.tau, other.tau))
    between = look.height[(look.tau > low) & (look.tau < high)]
    return bool(other.converged and len(between) and between.min() + constant < other.loglik - LEVEL)


def all_or_none(arms: Counts, may_be: bool = False) -> bool:
    """Say whether each study has (or ``may_be``) no event or nothing but events, some of them in several patients.

    With a mean p of the studies' proportions, nothing but events has a probability of p at most and no event one of
    1 − p at most, whatever their distribution. With two patients or more these are reached only where all proportions
    are 0 or 1, as τ grows beyond all bounds.
    """
    ends, n = limits(arms.events), arms.patients.sum(axis=1)
    low, high = (end.sum(axis=1) for end in (ends if may_be else ends[::-1]))
    return bool(np.all((low == 0) | (high == n)) and np.any(n > 1))


def _farther(beta: np.ndarray, before, tau: np.ndarray) -> np.ndarray:
    """Guess β at other τ: conditional logits lie farther out than marginal ones (Zeger 1988, Biometrics 44:1049)."""
    return beta * np.sqrt((1 + 0.346 * tau**2) / (1 + 0.346 * before**2))[:, None]


def best_beta(arms: Counts, tau: np.ndarray, beta: np.ndarray, how: Fineness = FINE):
    """Maximise in β, τ held, at some points side by side, from a β for each.

    Gives β, the likelihood there, and where this settled. A look is content with 1e-8 of a log likelihood.
    """
    found, beta = arms.at(beta, tau, how), beta.copy()
    step, settled = _newton(found, tau), np.zeros(len(tau), bool)
    for _ in range(STEPS):
        gain = np.einsum("tp,tp->t", step, found.score[:, :-1])
        small = np.max(np.abs(step), axis=1) < ARRIVED / 100 * np.maximum(1, np.max(np.abs(beta), axis=1))
        settled |= small | (gain < (1e-8 if how is COARSE else ROUNDING**2))
        go = np.flatnonzero(~settled)
        if not len(go):
            break
        trial = arms.at(beta[go] + step[go], tau[go], how)
        up = trial.value >= found.value[go] - ROUNDING * np.maximum(1, np.abs(found.value[go]))
        beta[go[up]] += step[go[up]]
        for old, new in zip(found[:3], trial[:3], strict=True):
            old[go[up]] = new[up]
        step[go[~up]] /= 2
        step[go[up]] = _newton(trial, tau[go])[up]
    return beta, found, settled


def _newton(found: Values, tau: np.ndarray) -> np.ndarray:
    """Give Newton steps in β, no longer than the scale on which the likelihood bends."""
    information = -found.hessian[:, :-1, :-1]
    size = np.einsum("tpp->t", information)[:, None, None] * np.eye(information.shape[1])
    step = np.linalg.solve(information + 1e-14 * size + 1e-300, found.score[:, :-1, None])[..., 0]
    longest = 3 * np.maximum(1, tau)[:, None]
    return step * np.minimum(1, longest / np.maximum(np.max(np.abs(step), axis=1, keepdims=True), 1e-300))


def look_at_profile(arms: Counts, boundary: Fit) -> Look:
    """Look at the profile from τ = 0 to where it falls for good."""
    # Where τ exceeds the range of the studies, none is surprising any more.
    smallest, spread = arms.scale()
    bottom, top = NEAREST * min(smallest, 1.0), max(2.0, spread)
    tau = np.geomspace(bottom, top, 2 + int(log(top / bottom) / log(RATIO)))
    hessian = arms.at(boundary.beta[None], np.zeros(1)).hessian[0]
    look = Look(np.zeros(1), boundary.beta[None], np.array([boundary.loglik - arms.constant]), hessian[-1:, -1])
    size = arms.events.size * COARSE.panels[1]
    for part in np.array_split(tau, min(len(tau), 1 + len(tau) * size // POINTS)):
        look = look.join(see(arms, part, look))
    while look.slope[-1] > 0 and look.tau[-1] < arms.farthest:
        look = look.join(see(arms, 2 * look.tau[-1:], look))
    for _ in range(4):
        between = _hidden(look)
        if not len(between):
            break
        look = look.join(see(arms, between, look))
    return look


def see(arms: Counts, tau: np.ndarray, look: Look) -> Look:
    """Look at more τ, from the nearest below that is known."""
    i = np.searchsorted(look.tau, tau) - 1
    beta, found, settled = best_beta(arms, tau, _farther(look.beta[i], look.tau[i], tau), COARSE)
    return Look(tau, beta, np.where(settled, found.value, np.nan), found.score[:, -1])


def _hidden(look: Look) -> np.ndarray:
    """Give τ between points that may hide a hill and a dip: where a cubic through both would not be monotone.

    Fritsch FN, Carlson RE. SIAM J Numer Anal 1980;17:238–46.
    """
    tau, height = look.tau[1:], look.height[1:]
    slope = look.slope[1:] * tau
    chord = np.diff(height) / np.diff(np.log(tau))
    same = slope[:-1] * slope[1:] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = slope[:-1] / chord, slope[1:] / chord
    doubtful = same & ((a < 0) | (a**2 + b**2 > 9)) & (np.abs(np.diff(height)) + np.abs(slope[1:]) > LEVEL)
    return np.sqrt(tau[:-1] * tau[1:])[doubtful]


def climb(arms: Counts, look: Look, i: int) -> Fit:
    """Find the maximum between two neighbours of a look."""
    low, high = look.tau[i], look.tau[i + 1]
    # The profile is even about 0, where Newton's method would stay.
    start = np.append(look.beta[i + 1], high) if i else np.append(look.beta[0], high / 2)
    theta, steps, settled = close_in(
        arms, start, low, high, lambda _, slope, bend: (slope > 0, -slope / bend if bend < 0 else np.inf)
    )
    found = arms.at(theta[None, :-1], theta[-1:])
    covariance, loglik = _inverse(-found.hessian[0])[:-1, :-1], float(found.value[0]) + arms.constant
    message = "" if settled else "no maximum was reached"
    return Fit(theta[:-1], float(theta[-1]), loglik, covariance, found.nodes, steps, settled, message)


def close_in(arms: Counts, theta: np.ndarray, low: float, high: float, judge: Callable) -> tuple[np.ndarray, int, bool]:
    """Find a place on the profile by Newton's method in β and τ together, halving where it would leave a bracket.

    ``theta`` is where to begin; the place lies at a τ between ``low`` and ``high``. ``judge`` takes height, slope and
    bend of the profile and says whether the place lies at a larger τ, and Newton's step. Gives the place, the steps
    taken, and whether they settled.
    """
    # The residual of a study of thousands of millions of patients is known to a ten-millionth only.
    arrived = max(ARRIVED, 1e-15 * arms.patients.max())
    for steps in range(1, STEPS + 1):
        value, score, hessian = (part[0] for part in arms.at(theta[None, :-1], theta[-1:])[:3])
        slope, bend, along, rest = _reduce(score, hessian)
        if score[:-1] @ rest > NEAR:  # off the profile, whose slope is then another
            theta[:-1] = best_beta(arms, theta[-1:], theta[None, :-1])[0][0]
            continue
        larger, step = judge(value + score[:-1] @ rest / 2, slope, bend)
        low, high = (theta[-1], high) if larger else (low, theta[-1])
        if not low <= theta[-1] + step <= high:
            step = (low + high) / 2 - theta[-1]
        rest = rest + along * step
        theta = theta + np.append(rest, step)
        if np.max(np.abs(rest)) < arrived * max(1, np.max(np.abs(theta))) and abs(step) < arrived * theta[-1]:
            return theta, steps, True
    return theta, STEPS, False


def _reduce(score: np.ndarray, hessian: np.ndarray):
    """Give slope and bend of the profile in τ, the change of β along it, and the step to the best β."""
    solved = np.linalg.solve(-hessian[:-1, :-1], np.column_stack([hessian[:-1, -1], score[:-1]]))
    along, rest = solved.T
    slope = score[-1] + hessian[-1, :-1] @ rest
    return float(slope), float(hessian[-1, -1] + hessian[-1, :-1] @ along), along, rest


def _inverse(information: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.inv(information)
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)


def separated(events: np.ndarray, patients: np.ndarray) -> bool:
    """Say whether a group has no events, or nothing but events, or may have: its logit has no finite maximum."""
    low, high = (np.sum(limit) for limit in limits(events))
    return bool(low == 0 or high == np.sum(patients))


__all__ = ["Arms", "Fit", "arms_of", "fit", "fixed_fit", "log_likelihood", "separated"]
