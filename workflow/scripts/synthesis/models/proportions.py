"""Proportions of single studies: exact and score intervals, the logit transformation, and the binomial likelihood."""

import numpy as np
from scipy.special import betaincinv, gammaln, logit, ndtri, xlogy

LARGE = 1e4  # patients from which the logarithm of a likelihood cancels near its top


def clopper_pearson(events, patients, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the exact (Clopper–Pearson) interval of proportions: Clopper CJ, Pearson ES. Biometrika 1934;26:404–13.

    Exactly 0 for no events and exactly 1 for nothing but events; ``patients >= 1``.

    >>> low, high = clopper_pearson(8, 127)
    >>> print(f"{low:.4f} {high:.4f}")
    0.0276 0.1203
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(y == 0, 0.0, betaincinv(np.where(y == 0, 1, y), n - y + 1, tail))
        high = np.where(y == n, 1.0, betaincinv(y + 1, np.where(y == n, 1, n - y), 1 - tail))
    return low, high


def wilson(events, patients, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the score (Wilson) interval of proportions: Wilson EB. J Am Stat Assoc 1927;22:209–12."""
    y, n = np.asarray(events, float), np.asarray(patients, float)
    z = ndtri((1 + level) / 2)
    centre = (y + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(y * (n - y) / n + z**2 / 4)
    return np.where(y == 0, 0.0, centre - half), np.where(y == n, 1.0, centre + half)


STUDY_INTERVALS = {"clopper-pearson": clopper_pearson, "wilson": wilson}


def one_sided_upper(patients: int, level: float = 0.95) -> float:
    """Give the exact one-sided upper limit of a proportion with no events: ``1 - (1 - level) ** (1 / n)``."""
    return float(-np.expm1(np.log1p(-level) / patients))


def logit_with_variance(events, patients) -> tuple[np.ndarray, np.ndarray]:
    """Give the logit of each proportion and its sampling variance.

    Half an event is added to both cells of studies with no events, or nothing but events, and of no other study:
    the convention of two-stage models (metafor's ``add=1/2, to="only0"``).
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    add = np.where((y == 0) | (y == n), 0.5, 0.0)
    yes, no = y + add, n - y + add
    return np.log(yes / no), 1 / yes + 1 / no


def log_saturated(events, patients) -> float:
    """Give the sum of the logarithms of the binomial probabilities with each proportion as observed.

    Loader C. Fast and accurate computation of binomial probabilities. 2000 (``bd0`` is 0 here; ``stirlerr``).
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    mixed = (y > 0) & (y < n)
    return float(np.sum(_log_top(y[mixed], n[mixed])))


def _log_top(y: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Give the log binomial probability at y / n, strictly between 0 and 1."""
    series = _stirling_error(n) - _stirling_error(y) - _stirling_error(n - y)
    return series + np.log(n / (2 * np.pi * y * (n - y))) / 2


def log_binomial(y: np.ndarray, n: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Give log binomial probabilities at a logit; counts and logits of shapes that broadcast."""
    y, n = np.broadcast_arrays(y, n)
    top, mixed = np.zeros(y.shape), (y > 0) & (y < n)
    top[mixed] = _log_top(y[mixed], n[mixed])
    y, n, eta = np.broadcast_arrays(y, n, eta)
    return top + log_ratio(y.reshape(-1, 1), n.reshape(-1, 1), eta.reshape(1, -1, 1))[0].reshape(eta.shape)


def _stirling_error(n: np.ndarray) -> np.ndarray:
    """Give log n! less Stirling's formula."""
    small = gammaln(n + 1) - (n + 0.5) * np.log(n) + n - np.log(2 * np.pi) / 2
    return np.where(n < 30, small, (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / n**2) / n**2) / n**2) / n)


def log_ratio(y: np.ndarray, n: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give log binomial probabilities at a logit relative to the highest ones, with p and 1 − p there.

    Counts have the shape (studies, arms), logits and results (points, studies, arms) or (…, nodes).
    """
    near = (n > LARGE) & (y > 0) & (y < n)
    own = np.where(near, logit(np.where(near, y / np.maximum(n, 1), 0.5)), 0.0)
    saturated = xlogy(y, y / np.maximum(n, 1)) + xlogy(n - y, (n - y) / np.maximum(n, 1))
    if eta.ndim == 4:
        y, n, saturated, own = (part[..., None] for part in (y, n, saturated, own))
    small = np.exp(-np.abs(eta))
    up, rest = eta > 0, 1 / (1 + small)
    p, q = np.where(up, rest, small * rest), np.where(up, small * rest, rest)
    # From the side of the fewer: n − y non-events cancel nothing where nearly all have events.
    value = np.minimum(eta, 0) * y - np.maximum(eta, 0) * (n - y) - n * np.log1p(small) - saturated
    if near.any():
        yb, nb, d = y[near], n[near], eta[:, near] - own[near]
        close = np.abs(d) < 1
        d = np.where(close, d, 0.0)
        top = yb * np.log1p((1 - yb / nb) * np.expm1(-d)) + (nb - yb) * np.log1p(yb / nb * np.expm1(d))
        value[:, near] = np.where(close, -top, value[:, near])
    return value, p, q
