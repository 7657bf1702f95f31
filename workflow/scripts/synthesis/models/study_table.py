"""Log likelihoods of many studies at the same points (μ, τ), the study effect integrated out.

What a study says of its own logit η, f(η), is the same everywhere; a point (μ, τ) only says where η is looked for. So
the integral over η ~ N(μ, τ²) is a sum over nodes that all studies share, by one matrix product for each τ. Nodes lie
close where studies do, and further apart further out. The trapezoidal rule converges geometrically in their spacing;
where τ is hardly wider than that, the nodes of a Gauss–Hermite rule around μ take over.
"""

from collections.abc import Callable

import numpy as np

APART = 0.5  # of the standard error of the largest study lie between nodes in the middle: exp(−2π² / 2 / 0.5²) = 7e-18
MOST_APART = 0.3  # logits, there: (1 − p)^n is analytic up to π/2 from the real line, so the error is exp(−π² / 0.3)
WIDE = 4.0  # logits from the centre at which nodes are √2 times as far apart
RESOLVED = 1.0  # spacings of the nodes in τ from which they will do: the error is exp(−2π²) = 3e-9
REACH = 8.0  # standard deviations of the study effect that are looked at on either side of μ
HERMITE, WEIGHT = np.polynomial.hermite_e.hermegauss(21)
TINY = 1e-300  # of a study's highest likelihood: what lies below is as good as nothing

LogLikelihood = Callable[[np.ndarray], np.ndarray]  # η of shape (points,) → shape (studies, points), 0 at its highest


def tabulate_studies(
    log_f: LogLikelihood, centre: float, least: float, tau: np.ndarray, mu: np.ndarray, use: np.ndarray
) -> np.ndarray:
    """Give the log likelihood of each study where points are used, τ by τ: shape (studies, points).

    Parameters
    ----------
    log_f : callable
        What each study says of its own logit.
    centre, least : float
        The middle of the studies' logits, and the standard error of the logit in the largest study.
    tau, mu : ndarray of shape (rows,) and (columns,)
        In order.
    use : ndarray of bool, shape (rows, columns)
    """
    ends = np.array([mu[0], mu[-1]]) + np.array([-1, 1]) * REACH * tau[-1]
    first, last = np.arcsinh((ends - centre) / WIDE)
    number = int(np.ceil((last - first) * WIDE / min(APART * least, MOST_APART))) + 1
    t, step = np.linspace(first, last, number, retstep=True)
    eta = centre + WIDE * np.sinh(t)
    f = np.exp(log_f(eta)) * (step * WIDE * np.cosh(t))
    apart = step * np.hypot(mu - centre, WIDE)
    table = []
    for spread, here in zip(tau, use, strict=True):
        wide = (spread > RESOLVED * apart[here]) & (spread > least)
        found = np.empty((len(f), len(wide)))
        if wide.any():
            found[:, wide] = _over_nodes(f, eta, mu[here][wide], spread)
        if not wide.all():
            found[:, ~wide] = _around(log_f, mu[here][~wide], spread)
        table.append(found)
    return np.concatenate(table, axis=1)


def _over_nodes(f: np.ndarray, eta: np.ndarray, mu: np.ndarray, tau: float) -> np.ndarray:
    """Integrate over nodes that all μ share; ``f`` is there times their spacing."""
    near = slice(*np.searchsorted(eta, [mu[0] - REACH * tau, mu[-1] + REACH * tau]))
    kernel = np.exp(-(((eta[near, None] - mu) / tau) ** 2) / 2) / (tau * np.sqrt(2 * np.pi))
    return np.log(np.maximum(f[:, near] @ kernel, TINY))


def _around(log_f: LogLikelihood, mu: np.ndarray, tau: float) -> np.ndarray:
    """Integrate over nodes of each μ: the study effect is small, or none."""
    if tau == 0:
        return log_f(mu)
    near = log_f((mu[:, None] + tau * HERMITE).ravel()).reshape(-1, len(mu), len(HERMITE))
    return np.log(np.maximum(np.exp(near) @ (WEIGHT / WEIGHT.sum()), TINY))
