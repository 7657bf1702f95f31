"""The profile-likelihood interval of τ² in the binomial–normal model: where the profile crosses the line below its top.

Each end is solved by Newton's method in β and τ together, and found by bisection where that does not arrive.
"""

import numpy as np
from scipy.optimize import brentq

from ..quadrature import gauss_hermite, trapezoid
from .logistic_normal import ARRIVED, NODES, STABLE, STEEP, STEPS, Arms, Fit, fit, fixed_fit, log_likelihood


def profile_tau2(arms: Arms, best: Fit, drop: float) -> tuple[float, float]:
    """Give the profile-likelihood interval of τ².

    Parameters
    ----------
    arms : Arms
    best : Fit
        The maximum.
    drop : float
        How far below the maximum the ends lie: half the χ² quantile with 1 df.

    Returns
    -------
    low, high : float
        ``low`` is 0 where the profile stays above the line down to 0; ``high`` is infinite where it stays above it up
        to τ = 200.

    References
    ----------
    Venzon DJ, Moolgavkar SH. Appl Stat 1988;37:87–94: each end is a root, in β and τ together, of the score for β and
    of the distance to the line.
    """
    top = best.loglik - arms.constant - drop
    low = 0.0 if best.tau == 0 or fixed_fit(arms)[1] >= top else _profile_end(arms, best, top, drop, -1)
    return low**2, _profile_end(arms, best, top, drop, 1) ** 2


def _profile_end(arms: Arms, best: Fit, top: float, drop: float, side: int) -> float:
    """Find the τ below (−1) or above (1) the maximum where the profile crosses the line."""
    theta, last = np.append(best.beta, _first_end(arms, best, drop, side)), None
    for gauss, steep in zip(NODES, (NODES[2], *NODES[2:], NODES[-1]), strict=True):
        found = _solve_end(arms, theta, top, best.tau, side, gauss, steep)
        if found is None:
            break
        if last is not None and abs(found[-1] - last[-1]) < STABLE * found[-1]:
            return float(found[-1])
        theta = last = found
    return _search_end(arms, best, top + arms.constant, side)


def _first_end(arms: Arms, best: Fit, drop: float, side: int) -> float:
    """Guess an end from the curvature of the profile at the maximum."""
    far = best.tau + max(0.5, 0.5 * best.tau)
    if best.tau == 0:
        return far
    _, _, hessian = log_likelihood(arms, best.beta, best.tau, gauss_hermite(NODES[1]))
    across = hessian[:-1, -1]
    curve = across @ np.linalg.solve(hessian[:-1, :-1], across) - hessian[-1, -1]
    if curve <= 0:
        return far if side > 0 else best.tau / 2
    away = np.sqrt(2 * drop / curve)
    # The profile falls faster towards 0 than away from it.
    return best.tau + 1.3 * away if side > 0 else max(best.tau - 0.8 * away, best.tau / 4)


def _solve_end(
    arms: Arms, theta: np.ndarray, top: float, peak: float, side: int, gauss: int, steep: int
) -> np.ndarray | None:
    """Solve for an end by Newton's method with a number of nodes; None where it does not arrive."""
    theta = theta.copy()
    for _ in range(STEPS):
        tau = theta[-1]
        if tau > 200:
            return None
        rule = trapezoid(_enough(steep, tau)) if tau > STEEP else gauss_hermite(gauss)
        value, score, hessian = log_likelihood(arms, theta[:-1], tau, rule)
        jacobian = np.vstack([hessian[:-1], score])
        try:
            step = -np.linalg.solve(jacobian, np.append(score[:-1], value - top))
        except np.linalg.LinAlgError:
            return None
        size = np.max(np.abs(step))
        step = step / max(1, np.max(np.abs(step[:-1])), abs(step[-1]) / max(0.5, tau / 2))
        theta = theta + step
        if side > 0 and theta[-1] <= peak:
            theta[-1] = (tau + peak) / 2
        elif side < 0 and not 0 < theta[-1] < peak:
            theta[-1] = tau / 2 if theta[-1] <= 0 else (tau + peak) / 2
        elif size < ARRIVED * max(1, tau):
            return theta
    return None


def _enough(nodes: int, tau: float) -> int:
    """Double a number of nodes until the trapezoidal rule sees a step of width 1/τ.

    Its error falls as exp(−2π²/(τh)) with the distance h of the nodes: the poles of log(1 + e^η) are π/τ away.
    """
    while nodes < 34 * tau:
        nodes *= 2
    return nodes


def _search_end(arms: Arms, best: Fit, top: float, side: int) -> float:
    """Find an end by bisection, where Newton's method does not arrive; infinite where there is none up to 200."""

    def above(tau: float) -> float:
        return fit(arms, tau=tau).loglik - top

    if side < 0:
        return brentq(above, 0.0, best.tau, xtol=1e-10, rtol=1e-10)
    end = max(1.5 * best.tau, best.tau + 0.5)
    while above(end) > 0:
        end *= 1.5
        if end > 200:
            return np.inf
    return brentq(above, best.tau, end, xtol=1e-10, rtol=1e-10)
