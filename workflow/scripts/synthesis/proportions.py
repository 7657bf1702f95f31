"""Proportions of single studies: exact and score intervals, and the logit transformation."""

import numpy as np
from scipy.special import betaincinv, ndtri


def clopper_pearson(events, patients, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the exact (Clopper–Pearson) interval of a proportion.

    Parameters
    ----------
    events, patients : array_like of int
        ``0 <= events <= patients``, ``patients >= 1``.
    level : float
        Confidence level.

    Returns
    -------
    low, high : ndarray
        Exactly 0 for no events and exactly 1 for nothing but events.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404–13.

    Examples
    --------
    >>> low, high = clopper_pearson(8, 127)
    >>> print(f"{low:.4f} {high:.4f}")
    0.0276 0.1203
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(y == 0, 0.0, betaincinv(np.maximum(y, 1), n - y + 1, tail))
        high = np.where(y == n, 1.0, betaincinv(y + 1, np.maximum(n - y, 1), 1 - tail))
    return low, high


def wilson(events, patients, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the score (Wilson) interval of a proportion.

    Parameters
    ----------
    events, patients : array_like of int
    level : float

    Returns
    -------
    low, high : ndarray

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209–12.
    """
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

    Parameters
    ----------
    events, patients : array_like of int

    Returns
    -------
    logit, variance : ndarray
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    add = np.where((y == 0) | (y == n), 0.5, 0.0)
    yes, no = y + add, n - y + add
    return np.log(yes / no), 1 / yes + 1 / no
