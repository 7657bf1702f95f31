"""Log likelihoods of many studies at the same points (μ, τ), the study effect integrated out.

What a study says of its own logit η, f(η), is the same everywhere; a point (μ, τ) only says where η is looked for. So
the integral over η ~ N(μ, τ²) is a sum over evenly spaced η that all studies share, by one matrix product for each τ.
The trapezoidal rule converges geometrically in the spacing, which follows the narrowest product of the two densities.
"""

from collections.abc import Callable, Iterator

import numpy as np

REACH = 12.0  # standard deviations of the study effect that are looked at on either side of μ
SPACING = 0.7  # of η, in standard deviations of the narrowest product at most: the error is exp(−2π² / 0.7²) = 3e-18
STEP = 0.35  # logits at most: (1 − p)^n is analytic up to π/2 from the real line, so the error is exp(−π² / 0.35)
TINY = 1e-300  # of a study's highest likelihood: what lies below is as good as nothing
BLOCK = 1000  # of η that are looked at together

LogLikelihood = Callable[[np.ndarray], np.ndarray]  # η of shape (points,) → shape (studies, points), 0 at its highest


def tabulate_studies(log_f: LogLikelihood, least: float, tau: np.ndarray, mu: np.ndarray, use: np.ndarray):
    """Give the log likelihood of each study where points are used, τ by τ: shape (studies, points).

    Parameters
    ----------
    log_f : callable
        What each study says of its own logit.
    least : float
        Standard error of the logit in the largest study.
    tau, mu : ndarray of shape (rows,) and (columns,)
    use : ndarray of bool, shape (rows, columns)
    """
    parts = (_row(log_f, least, t, mu[here]) for t, here in zip(tau, use, strict=True) if here.any())
    return np.concatenate(list(parts), axis=1)


def _row(log_f: LogLikelihood, least: float, tau: float, mu: np.ndarray) -> np.ndarray:
    if tau == 0:
        return log_f(mu)
    step = min(SPACING * least * tau / np.hypot(least, tau), STEP)
    around, across = int(np.ceil(REACH * tau / step)), (mu[-1] - mu[0]) / step
    offset = step * np.arange(-around, around + 1)
    weight = np.exp(-((offset / tau) ** 2) / 2)
    weight /= weight.sum()
    if len(mu) * len(weight) < across + len(weight):  # few points far apart: each has η of its own
        near = log_f((mu[:, None] + offset).ravel()).reshape(-1, len(mu), len(weight))
        return np.log(np.maximum(np.exp(near) @ weight, TINY))
    total = 0.0
    for eta in _lattice(mu[0] - around * step, mu[-1] + around * step, step):
        kernel = np.exp(-(((eta[:, None] - mu) / tau) ** 2) / 2) * (step / tau / np.sqrt(2 * np.pi))
        total = total + np.exp(log_f(eta)) @ kernel
    return np.log(np.maximum(total, TINY))


def _lattice(first: float, last: float, step: float) -> Iterator[np.ndarray]:
    """Give evenly spaced η in blocks."""
    eta = first + step * np.arange(int(np.ceil((last - first) / step)) + 1)
    yield from np.array_split(eta, 1 + len(eta) // BLOCK)
