"""How much the studies differ."""

from math import fsum

import numpy as np
from scipy.special import chdtrc

from .proportions import log_ratio, logit_with_variance

ROUNDING = 1e-12  # what is left of the statistic where all proportions are one


def study_totals(events, patients, study) -> tuple[np.ndarray, np.ndarray]:
    """Add up the arms of each study: where they share one proportion, their totals say all of it.

    >>> [part.tolist() for part in study_totals([1, 2, 4], [10, 20, 40], ["a", "b", "a"])]
    [[5.0, 2.0], [50.0, 20.0]]
    """
    index = np.unique(study, return_inverse=True)[1]
    return np.bincount(index, events), np.bincount(index, patients)


def heterogeneity_of(events, patients, study, tau2: float) -> dict[str, float]:
    """Give I² and the likelihood-ratio test of homogeneity, between studies, as they stand in ``Pooled``."""
    totals = study_totals(events, patients, study)
    test = dict(zip(("q", "q_df", "q_p"), likelihood_ratio_q(*totals), strict=True))
    return {"i2": i2(tau2, logit_with_variance(*totals)[1]), **test}


def likelihood_ratio_q(events, patients) -> tuple[float, int, float]:
    """Test homogeneity by the likelihood ratio of one proportion for all against one for each.

    Gives χ², its k − 1 degrees of freedom and P; all NaN for one study.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67.
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    df = len(y) - 1
    if df < 1:
        return np.nan, np.nan, np.nan
    with np.errstate(divide="ignore"):
        pooled = np.log(y.sum()) - np.log((n - y).sum())
    if np.isinf(pooled):  # no events, or nothing but events
        return 0.0, df, 1.0
    ratios, _, _ = log_ratio(y[:, None], n[:, None], np.full((1, len(y), 1), pooled))
    statistic = -2 * fsum(ratios.ravel())  # the same in any order
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
