"""Two-stage models on PyMARE: logits with their variances, pooled by inverse variance.

PyMARE 0.0.13 has the estimators, Q and the Q-profile interval; what it lacks (prediction interval, metafor's I²) or
leaves unguarded (one study, homogeneous data) is dealt with here. Every option is passed by name, since its defaults
are not the usual ones (Knapp–Hartung everywhere).
"""

import warnings

import numpy as np
from scipy.special import expit

from ..heterogeneity import i2
from ..prediction import prediction_interval
from ..proportions import logit_with_variance
from .result import OK, Pooled

CORRECTIONS = {"": "wald", "hk": "knapp-hartung"}


def pool_logit_reml(
    events: np.ndarray, patients: np.ndarray, study: np.ndarray, level: float = 0.95, interval: str = ""
) -> Pooled:
    """Pool logits by restricted maximum likelihood.

    Parameters
    ----------
    events, patients : ndarray of int, shape (k,)
        At least two rows, neither without any event nor with nothing but events in all.
    study : ndarray of shape (k,)
        One row a study: these models know no shared study effect.
    level : float
    interval : {"", "hk"}
        Wald, or Hartung–Knapp with t(k − 1).

    Returns
    -------
    Pooled
        τ² with its Q-profile interval.

    References
    ----------
    Viechtbauer W. J Educ Behav Stat 2005;30:261–93 (REML); Hartung J, Knapp G. Stat Med 2001;20:3875–89;
    Viechtbauer W. Stat Med 2007;26:37–52 (Q-profile).
    """
    from pymare import Dataset  # 1.4 s to import, so only where it is used
    from pymare.estimators import VarianceBasedLikelihoodEstimator

    model = f"logit-reml-{interval}" if interval else "logit-reml"
    counts = {
        "model": model,
        "k": len(events),
        "studies": len(np.unique(study)),
        "events": int(np.sum(events)),
        "patients": int(np.sum(patients)),
    }
    if counts["studies"] < counts["k"]:
        return Pooled(**counts, status="several arms of one study: only glmm shares the study's effect")
    y, v = logit_with_variance(events, patients)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyMARE warns of few studies; the status and the report say so instead
        estimator = VarianceBasedLikelihoodEstimator(method="REML", small_sample_correction=CORRECTIONS[interval])
        summary = estimator.fit_dataset(Dataset(y=y[:, None], v=v[:, None], add_intercept=True)).summary()
        fixed = summary.get_fe_stats(alpha=1 - level)
        mean, se, low, high = (float(np.squeeze(fixed[key])) for key in ("est", "se", "ci_l", "ci_u"))
        tau2 = float(np.squeeze(summary.tau2))
        profile = summary.get_re_stats(method="QP", alpha=1 - level)
        homogeneity = summary.get_heterogeneity_stats()
    if not np.isfinite([mean, se, low, high]).all() or se <= 0:
        return Pooled(**counts, status="identical studies: the Hartung–Knapp interval has no width")
    pi = prediction_interval(mean, se, tau2, len(y), level)
    return Pooled(
        **counts,
        estimate=float(expit(mean)),
        ci_low=float(expit(low)),
        ci_high=float(expit(high)),
        pi_low=pi[0],
        pi_high=pi[1],
        se=se,
        tau2=tau2,
        tau2_low=float(np.squeeze(profile["ci_l"])),
        tau2_high=float(np.squeeze(profile["ci_u"])),
        i2=i2(tau2, v),
        q=float(np.squeeze(homogeneity["Q"])),
        q_df=len(y) - 1,
        q_p=float(np.squeeze(homogeneity["p(Q)"])),
        status=OK,
    )
