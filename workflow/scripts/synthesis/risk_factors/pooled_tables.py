"""What several 2×2 tables give together: the methods that pool odds ratios, risk ratios and risk differences."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from ..models.estimators import find_maxima, weighted_fit
from ..models.heterogeneity import i2
from ..models.logistic_normal import arms_of, fit, fixed_fit
from ..models.prediction import prediction_half_width
from ..models.twostage import NO_WIDTH, NOT_CONVERGED, SMALLEST_RSS, narrow_words, other_maximum
from ..pools.subgroups import odds_ratio_shared
from ..words.terms import LIKELIHOOD_RATIO, OK, with_remark
from .two_by_two import EMPTY, OR, RD, RR, Tables, effect_sizes, size_of

NO_RATIO = "no finite ratio: every table has an empty cell on the same side"


@dataclass(frozen=True)
class Effect:
    """A pooled effect on its model's own scale: the logarithm of a ratio, or the difference itself.

    ``k`` tables entered, of so many ``studies``; ``half`` and ``pi_half`` are half the widths of the confidence and the
    prediction interval, ``p`` is of no effect, and the others are as in :class:`synthesis.models.result.Pooled`.
    """

    k: int
    studies: int
    mean: float = np.nan
    se: float = np.nan
    half: float = np.nan
    pi_half: float = np.nan
    p: float = np.nan
    tau2: float = np.nan
    i2: float = np.nan
    q: float = np.nan
    q_df: float = np.nan
    q_p: float = np.nan
    status: str = OK


def pool_mantel_haenszel(tables: Tables, measure: str, level: float = 0.95) -> Effect:
    """Pool by Mantel–Haenszel, without continuity correction.

    A table that says nothing of the measure adds nothing: for ratios one without events, for the odds ratio also one
    of nothing but events. Q compares the informative tables' own effects with the pooled one.

    References
    ----------
    Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719–48. Variances: Robins J, Breslow N, Greenland S. Biometrics
    1986;42:311–23 (odds ratio); Greenland S, Robins JM. Biometrics 1985;41:55–68 (risk ratio); Sato T, Greenland S,
    Robins JM. Biometrics 1989;45:1323–4 (risk difference).
    """
    t = tables if measure == RD else tables.informative() if measure == OR else tables.keep(tables.a + tables.c > 0)
    inside = tables.informative()
    if not len(inside.a):
        return Effect(*size_of(t), status=EMPTY)
    a, b, c, d, n1, n2 = t.a, t.b, t.c, t.d, t.n1, t.n2
    n = n1 + n2
    up, down = (a * d / n, b * c / n) if measure == OR else (a * n2 / n, c * n1 / n)
    r, s, weight = up.sum(), down.sum(), np.sum(n1 * n2 / n)
    if measure != RD and (r == 0 or s == 0):
        return Effect(*size_of(t), status=NO_RATIO)
    mean = (r - s) / weight if measure == RD else np.log(r / s)
    if measure == OR:
        p, q = (a + d) / n, (b + c) / n
        variance = (p @ up / r**2 + (p @ down + q @ up) / (r * s) + q @ down / s**2) / 2
    elif measure == RR:
        variance = np.sum(n1 * n2 * (a + c) / n**2 - a * c / n) / (r * s)
    else:
        tilt = np.sum(c * (n1 / n) ** 2 - a * (n2 / n) ** 2 + n1 * n2 * (n2 - n1) / n**2 / 2)
        variance = (mean * tilt + np.sum((a * d + b * c) / n) / 2) / weight**2
    y, v = effect_sizes(inside, measure)
    return _effect(size_of(t), mean, np.sqrt(variance), np.sum((y - mean) ** 2 / v), len(y) - 1, level)


def pool_peto(tables: Tables, measure: str = OR, level: float = 0.95) -> Effect:
    """Pool by Peto's one-step odds ratio: observed less expected events over their hypergeometric variance.

    References
    ----------
    Yusuf S et al. Prog Cardiovasc Dis 1985;27:335–71, appendix.
    """
    t = tables.informative()
    if not len(t.a):
        return Effect(*size_of(t), status=EMPTY)
    n, m = t.n1 + t.n2, t.a + t.c
    excess = t.a - m * t.n1 / n
    variance = m * (n - m) * t.n1 * t.n2 / (n**2 * (n - 1))
    mean, total = excess.sum() / variance.sum(), variance.sum()
    q = max(np.sum(excess**2 / variance) - excess.sum() ** 2 / total, 0.0)
    return _effect(size_of(t), mean, 1 / np.sqrt(total), q, len(n) - 1, level)


def pool_inverse_variance(tables: Tables, measure: str, level: float = 0.95, interval: str = "wald") -> Effect:
    """Pool effect sizes by inverse variance with a random study effect, REML.

    The interval is Wald's (``wald``), Hartung–Knapp's with t(studies − 1) (``hk``), or that, never narrower than Wald's
    standard error (``mhk``). Tables of one study are averaged first, by inverse variance: the same likelihood as a
    model in which they share the study's effect. τ², I² and Q are those of the studies.

    References
    ----------
    Viechtbauer W. J Educ Behav Stat 2005;30:261–93 (REML); Hartung J, Knapp G. Stat Med 2001;20:3875–89; Röver C et al.
    BMC Med Res Methodol 2015;15:99 (modified).
    """
    y, v = _by_study(*effect_sizes(tables, measure), tables.study)
    size, df, one = size_of(tables), len(y) - 1, np.ones(len(y))
    if not len(tables.informative().a):
        return Effect(*size, status=EMPTY)
    maxima = find_maxima("REML", y, v)
    tau2 = float(maxima.tau2)
    if not np.isfinite(tau2):
        return Effect(*size, status=NOT_CONVERGED)
    mean, variance, rss = weighted_fit(tau2, y, v, one)
    factor = 1.0 if interval == "wald" else 0.0 if rss <= SMALLEST_RSS else rss / df
    se = float(np.sqrt(variance * (max(factor, 1.0) if interval == "mhk" else factor)))
    if se == 0:
        return Effect(*size, status=NO_WIDTH)
    q = float(weighted_fit(0.0, y, v, one)[2])
    found = _effect(size, mean, se, q, df, level, tau2=tau2, i2=i2(tau2, v))
    wald = float(ndtri((1 + level) / 2) * np.sqrt(variance))
    if interval != "wald":
        half, p = float(stdtrit(df, (1 + level) / 2)) * se, float(2 * stdtr(df, -abs(mean / se)))
        found = replace(found, half=half, p=p)
    other = other_maximum(maxima, y, v, one, lambda mean: f"{mean if measure == RD else np.exp(mean):.4g}")
    return replace(found, status=with_remark(with_remark(OK, narrow_words(found.half, wald, q, df)), other))


def pool_random_effect(tables: Tables, measure: str = OR, level: float = 0.95) -> Effect:
    """Pool odds ratios with the logistic model of fixed table intercepts and a random study effect on the log ratio.

    Wald interval, likelihood-ratio P; no correction of empty cells. Q is the likelihood-ratio statistic of one odds
    ratio for all against one a table.

    Notes
    -----
    metafor's ``rma.glmm(model="UM.FS")``: exposed and unexposed have logits ``α ± (θ + τ z) / 2``. Counting
    non-events instead of events among the unexposed turns the sign of their logit, so that z enters both groups
    alike and the random-intercept likelihood of :mod:`synthesis.models.logistic_normal` serves, with τ / 2.

    References
    ----------
    Turner RM et al. Stat Med 2000;19:3417–32; Jackson D et al. Stat Med 2018;37:1059–85.
    """
    t = tables.informative()
    size, k = size_of(t), len(t.a)
    if problem := _unpoolable(t):
        return Effect(*size, status=problem)
    own = np.eye(k)
    design = np.column_stack([np.full(2 * k, 0.5), np.vstack([own, -own])])
    y, n = np.concatenate([t.a, t.d]), np.concatenate([t.n1, t.n2])
    full, null = (arms_of(y, n, np.tile(t.study, 2), x) for x in (design, design[:, 1:]))
    best, without = fit(full), fit(null)
    if not (best.converged and without.converged):
        return Effect(*size, status=f"did not converge: {best.message or without.message}")
    mean, se, tau2 = float(best.beta[0]), float(np.sqrt(best.covariance[0, 0])), 4 * best.tau**2
    said = replace(best, others=tuple(replace(other, tau=2 * other.tau) for other in best.others)).remark
    q = max(-2 * fixed_fit(full)[1], 0.0)  # the likelihood is relative to that of a proportion for each arm
    p = float(chdtrc(1, max(2 * (best.loglik - without.loglik), 0.0)))
    more = {"p": p, "tau2": tau2, "i2": i2(tau2, effect_sizes(t, OR)[1]), "status": with_remark(OK, said)}
    return replace(_effect(size, mean, se, q, k - 1, level, tau2), **more)


def pool_random_intercept(tables: Tables, measure: str = OR, level: float = 0.95) -> Effect:
    """Pool odds ratios with the logistic model of a random study intercept and one log odds ratio for all.

    Wald interval, likelihood-ratio P. The model has no heterogeneity of the effect, so no τ². A table without any event
    tells of its study's level and stays in.

    Notes
    -----
    metafor's ``rma.glmm(model="UM.RS", method="EE")``. It compares the groups within studies and, as far as these
    differ in the share that is exposed, between them.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67.
    """
    t, size = tables, size_of(tables)
    if problem := _unpoolable(t.informative()):
        return Effect(*size, status=problem)
    first = np.repeat([True, False], len(t.a))
    y, n = np.concatenate([t.a, t.c]), np.concatenate([t.n1, t.n2])
    result = odds_ratio_shared(y, n, np.tile(t.study, 2), first, level)
    mean, half = np.log(result.estimate), np.log(result.ci_high / result.ci_low) / 2
    return Effect(*size, mean, half / float(ndtri((1 + level) / 2)), half, p=result.p, status=result.status)


def _unpoolable(informative: Tables) -> str:
    """Say why a logistic model cannot give an odds ratio; blank when it can."""
    t = informative
    if not len(t.a):
        return EMPTY
    if np.sum(t.a * t.d) == 0 or np.sum(t.b * t.c) == 0:
        return NO_RATIO
    return "fewer than two studies with events: not pooled" if size_of(t)[1] < 2 else ""


def _effect(size: tuple[int, int], mean, se, q, df: int, level: float, tau2: float = np.nan, **more) -> Effect:
    """Give an effect with Wald's interval and P, a prediction interval where τ² is known, and the P of Q."""
    mean, se, q = float(mean), float(se), float(q)
    half, p = se * float(ndtri((1 + level) / 2)), float(2 * ndtr(-abs(mean / se)))
    pi_half, q_p = float(prediction_half_width(se, tau2, size[1], level)), float(chdtrc(df, q)) if df > 0 else np.nan
    return Effect(*size, mean, se, half, pi_half, p, tau2, q=q, q_df=df, q_p=q_p, **more)


def _by_study(y, v, study) -> tuple[np.ndarray, np.ndarray]:
    """Average the effects of each study's tables by inverse variance."""
    _, index = np.unique(study, return_inverse=True)
    weight = np.bincount(index, 1 / v)
    return np.bincount(index, y / v) / weight, 1 / weight


class Method(NamedTuple):
    """A way to pool some measures, ``(tables, measure, level) → Effect``, and the test its P value is of."""

    pool: Callable[..., Effect]
    measures: tuple[str, ...] = (OR,)
    p_test: str = "Wald"


METHODS = {
    "mh": Method(pool_mantel_haenszel, (OR, RR, RD)),
    "peto": Method(pool_peto),
    "reml": Method(pool_inverse_variance, (OR, RR, RD)),
    "reml-hk": Method(partial(pool_inverse_variance, interval="hk"), (OR, RR, RD), "t"),
    "reml-mhk": Method(partial(pool_inverse_variance, interval="mhk"), (OR, RR, RD), "t"),
    "glmm-um-fs": Method(pool_random_effect, p_test=LIKELIHOOD_RATIO),
    "glmm-um-rs": Method(pool_random_intercept, p_test=LIKELIHOOD_RATIO),
}
