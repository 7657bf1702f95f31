"""How much the studies differ."""

from math import fsum

import numpy as np
from scipy.special import chdtrc

from .counts import is_exact, middle
from .logistic_normal import arms_of, fixed_fit, separated
from .proportions import log_ratio, logit_with_variance

ROUNDING = 1e-12  # what is left of the statistic where all proportions are one


def study_totals(events, patients, study) -> tuple[np.ndarray, np.ndarray]:
    """Add up the arms of each study, counts within limits by their middle.

    >>> [part.tolist() for part in study_totals([1, 2, 4], [10, 20, 40], ["a", "b", "a"])]
    [[5.0, 2.0], [50.0, 20.0]]
    """
    index = np.unique(study, return_inverse=True)[1]
    return np.bincount(index, middle(events)), np.bincount(index, patients)


def heterogeneity_of(events, patients, study, tau2: float) -> dict[str, float]:
    """Give I² and the likelihood-ratio test of homogeneity, between studies, as they stand in ``Pooled``."""
    totals = study_totals(events, patients, study)
    # Where arms share one proportion their totals say all of it, but not where a count is known within limits only.
    test = likelihood_ratio_q(*totals) if is_exact(events) else _q_within(events, patients, study)
    test = dict(zip(("q", "q_df", "q_p"), test, strict=True))
    return {"i2": i2(tau2, logit_with_variance(*totals)[1]), **test}


def likelihood_ratio_q(events, patients) -> tuple[float, int, float]:
    """Test homogeneity by the likelihood ratio of one proportion for all against one for each.

    Gives χ², its k − 1 degrees of freedom and P; all NaN for one study.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67.
    """
    if not is_exact(events):
        return _q_within(events, patients, np.arange(len(events)))
    y, n = np.asarray(events, float), np.asarray(patients, float)
    with np.errstate(divide="ignore"):
        pooled = np.log(y.sum()) - np.log((n - y).sum())
    if np.isinf(pooled):  # no events, or nothing but events
        return _chi2([], len(y))
    ratios, _, _ = log_ratio(y[:, None], n[:, None], np.full((1, len(y), 1), pooled))
    return _chi2(ratios.ravel(), len(y))


def _q_within(events, patients, study) -> tuple[float, int, float]:
    """Test homogeneity where counts are known within limits only: the arms of a study share its proportion."""
    y, n, index = np.asarray(events), np.asarray(patients), np.unique(study, return_inverse=True)[1]
    parts = [index == i for i in range(index.max() + 1)]
    own = [-_height(y[part], n[part]) for part in parts if part.sum() > 1]
    return _chi2([_height(y, n), *own], len(parts))


def _height(events, patients) -> float:
    """Give the greatest log likelihood of one proportion, relative to one for each count."""
    if separated(events, patients):  # at 0 or 1 each has its greatest probability
        return 0.0
    return fixed_fit(arms_of(events, patients, np.arange(len(events)), np.ones((len(events), 1))))[1]


def _chi2(log_ratios, studies: int) -> tuple[float, int, float]:
    """Give χ², its degrees of freedom and P."""
    df = studies - 1
    if df < 1:
        return np.nan, np.nan, np.nan
    statistic = -2 * fsum(log_ratios)  # the same in any order
    statistic = statistic if statistic > ROUNDING else 0.0
    return statistic, df, float(chdtrc(df, statistic))


def i2(tau2: float, variance) -> float:
    """Give the share of the total variance that lies between studies, in per cent; NaN for one study.

    ``100 τ² / (τ² + s²)`` with the typical sampling variance s², from the variances of the studies on the same scale.

    References
    ----------
    Higgins JPT, Thompson SG. Stat Med 2002;21:1539–58, equations 9 and 10. This is metafor's I², not PyMARE's, which
    is ``(Q − df) / Q`` whatever the estimator.
    """
    w = 1 / np.asarray(variance, float)
    if len(w) < 2:
        return np.nan
    total = fsum(w)  # the same in any order
    typical = (len(w) - 1) * total / (total**2 - fsum(w**2))
    return float(100 * tau2 / (tau2 + typical))
