"""The primary model: binomial–normal random-intercept logistic regression by maximum likelihood."""

from dataclasses import replace

import numpy as np
from scipy.special import chdtri, expit, ndtri, stdtrit

from ..words.terms import MAY_BE_ALL, MAY_BE_NONE, OK, TOO_WIDE, with_remark
from .heterogeneity import heterogeneity_of
from .logistic_normal import WIDEST, arms_of, fit, separated
from .prediction import prediction_interval
from .profile_interval import profile_tau2
from .result import Pooled, blank_pool


def pool_glmm(
    events: np.ndarray, patients: np.ndarray, study: np.ndarray, level: float = 0.95, interval: str = "z"
) -> Pooled:
    """Pool proportions with the binomial–normal model.

    Parameters
    ----------
    events, patients, study, level
        As in :func:`synthesis.models.catalogue.pool`: rows of one study share its effect.
    interval : {"z", "t"}
        Wald interval with the normal quantile, or with that of t(k − 1): wider, and nearer its level with few studies.

    Returns
    -------
    Pooled
        ``estimate`` is the median study, ``expit(mu)``; Wald interval on the logit scale; τ² with its
        profile-likelihood interval; Q is the likelihood-ratio statistic against a proportion for each study, whose arms
        share it in this model, so df is studies − 1. Studies with no events stay as they are.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67, section 3.1.
    """
    blank = blank_pool("glmm" if interval == "z" else "glmm-t", events, patients, study)
    if separated(events, patients):
        return replace(blank, status=MAY_BE_NONE if blank.events_from == 0 else MAY_BE_ALL)
    arms = arms_of(*(np.asarray(column) for column in (events, patients, study)), np.ones((len(events), 1)))
    best = fit(arms)
    if not best.converged:
        return replace(blank, status=f"did not converge: {best.message}")
    mean, se = float(best.beta[0]), float(np.sqrt(best.covariance[0, 0]))
    if not se < WIDEST:
        return replace(blank, status=TOO_WIDE)
    low, high = profile_tau2(arms, best, chdtri(1, 1 - level) / 2)
    tau2, tail = best.tau**2 if best.known else np.nan, (1 + level) / 2
    half = (ndtri(tail) if interval == "z" else stdtrit(blank.studies - 1, tail)) * se
    pi = prediction_interval(mean, se, tau2, blank.studies, level)
    return replace(
        blank,
        estimate=float(expit(mean)),
        ci_low=float(expit(mean - half)),
        ci_high=float(expit(mean + half)),
        pi_low=pi[0],
        pi_high=pi[1],
        se=se,
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        **heterogeneity_of(events, patients, study, tau2),
        status=with_remark(OK, best.remark),
        loglik=best.loglik,
        nodes=best.nodes,
        steps=best.steps,
    )
