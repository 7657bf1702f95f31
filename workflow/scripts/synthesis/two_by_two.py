"""Models of 2×2 tables: one study's ratios and difference, and what several studies give together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit, xlogy

from .heterogeneity import i2
from .models.estimators import estimate_tau2, weighted_fit
from .models.logistic_normal import arms_of, fit, fixed_fit
from .models.twostage import NO_WIDTH, NOT_CONVERGED, SMALLEST_RSS
from .prediction import prediction_half_width
from .subgroups import odds_ratio_shared
from .terms import OK

OR, RR, RD = "odds ratio", "risk ratio", "risk difference"
NOBODY = "a group without patients"
EMPTY = "no events in either group, or nothing but events"
NO_RATIO = "no finite ratio: every table has an empty cell on the same side"


@dataclass(frozen=True)
class Tables:
    """2×2 tables.

    Parameters
    ----------
    a, n1, c, n2 : ndarray of float, shape (k,)
        Events and patients of the exposed, events and patients of the unexposed.
    study : ndarray of shape (k,)
        Tables of one study hold different patients and share the study's effect.
    """

    a: np.ndarray
    n1: np.ndarray
    c: np.ndarray
    n2: np.ndarray
    study: np.ndarray

    @property
    def b(self) -> np.ndarray:
        """Give the exposed without the event."""
        return self.n1 - self.a

    @property
    def d(self) -> np.ndarray:
        """Give the unexposed without the event."""
        return self.n2 - self.c

    def keep(self, which: np.ndarray) -> "Tables":
        """Give some of the tables."""
        return Tables(*(column[which] for column in vars(self).values()))

    def informative(self) -> "Tables":
        """Leave out tables without any event, or with nothing but events: they say nothing of the odds ratio."""
        return self.keep((self.a + self.c > 0) & (self.b + self.d > 0))


def tables_of(a, n1, c, n2, study=None) -> Tables:
    """Give tables from events and patients of exposed and unexposed, shape (k,); one study a table by default."""
    columns = [np.asarray(column, float) for column in (a, n1, c, n2)]
    return Tables(*columns, np.arange(len(columns[0])) if study is None else np.asarray(study))


@dataclass(frozen=True)
class Effect:
    """A pooled effect on its model's own scale: the logarithm of a ratio, or the difference itself.

    Parameters
    ----------
    k, studies : int
        Tables that entered, and the studies they come from.
    mean, se, half, pi_half : float
        The effect, its standard error, and half the widths of the confidence and the prediction interval.
    p : float
        Of no effect.
    tau2, i2, q, q_df, q_p : float
        As in :class:`synthesis.models.Pooled`.
    status : str
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


def risk_ratio_score(events, patients, level: float = 0.95) -> tuple[float, float, float]:
    """Give the risk ratio of a table with its score interval, which needs no correction of empty cells.

    Parameters
    ----------
    events, patients : array_like of int, shape (2,)
        Exposed and unexposed.
    level : float

    Returns
    -------
    estimate, low, high : float
        0 or infinite where one group has no events; NaN where neither has.

    References
    ----------
    Koopman PAR. Biometrics 1984;40:513–7; the same statistic, without its factor N / (N − 1), as in Miettinen O,
    Nurminen M. Stat Med 1985;4:213–26.

    Examples
    --------
    >>> print(*(round(x, 2) for x in risk_ratio_score((36, 16), (40, 80))))
    4.5 2.94 7.15
    """
    (a, c), (n1, n2) = (float(x) for x in events), (float(x) for x in patients)
    if a + c == 0:
        return np.nan, np.nan, np.nan
    p1, p2, critical = a / n1, c / n2, float(ndtri((1 + level) / 2)) ** 2

    def excess(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        first, second = (n1 + n2) * ratio, n1 * ratio + a + n2 + c * ratio
        risk = (second - np.sqrt(max(second**2 - 4 * first * (a + c), 0.0))) / (2 * first)  # unexposed, constrained
        variance = ratio * risk * (1 - ratio * risk) / n1 + ratio**2 * risk * (1 - risk) / n2
        return (p1 - ratio * p2) ** 2 / variance - critical if variance > 0 else -critical

    centre = float(np.log((a or 0.5) / n1 / ((c or 0.5) / n2)))
    limits = [0.0 if a == 0 else np.nan, np.inf if c == 0 else np.nan]
    for side, sign in enumerate((-1, 1)):
        if np.isnan(limits[side]):
            # Where the estimate is 0 or infinite the start may lie beyond the limit: walk inwards first.
            inner = centre
            while excess(inner) > 0:
                inner -= sign
            outer = inner + sign
            while excess(outer) < 0:
                outer += sign
            limits[side] = float(np.exp(brentq(excess, *sorted((inner, outer)), xtol=1e-13, rtol=1e-14)))
    return (p1 / p2 if c else np.inf), limits[0], limits[1]


def effect_sizes(tables: Tables, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Give each table's log odds ratio, log risk ratio or risk difference and its sampling variance.

    Half a patient is added to all four cells of tables with an empty cell, and of no others: metafor's
    ``escalc(add=1/2, to="only0")``. Tables without any event stay, as they do there.

    Returns
    -------
    y, v : ndarray of shape (k,)
    """
    cells = np.array([tables.a, tables.b, tables.c, tables.d])
    a, b, c, d = cells + np.where((cells == 0).any(0), 0.5, 0.0)
    n1, n2 = a + b, c + d
    if measure == OR:
        return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
    if measure == RR:
        return np.log(a / n1 / (c / n2)), 1 / a - 1 / n1 + 1 / c - 1 / n2
    return a / n1 - c / n2, a * b / n1**3 + c * d / n2**3


def pool_mantel_haenszel(tables: Tables, measure: str, level: float = 0.95) -> Effect:
    """Pool by Mantel–Haenszel, without continuity correction.

    Returns
    -------
    Effect
        A table that says nothing of the measure adds nothing: for ratios one without events, for the odds ratio also
        one of nothing but events. Q compares the informative tables' own effects with the pooled one.

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
    return _common_effect(t, mean, np.sqrt(variance), np.sum((y - mean) ** 2 / v), len(y) - 1, level)


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
    q = np.sum(excess**2 / variance) - excess.sum() ** 2 / total
    return _common_effect(t, mean, 1 / np.sqrt(total), q, len(n) - 1, level)


def pool_inverse_variance(tables: Tables, measure: str, level: float = 0.95, interval: str = "wald") -> Effect:
    """Pool effect sizes by inverse variance with a random study effect, REML.

    Parameters
    ----------
    tables : Tables
    measure : str
    level : float
    interval : {"wald", "hk", "mhk"}
        Wald; Hartung–Knapp with t(studies − 1); Hartung–Knapp never narrower than Wald's standard error.

    Returns
    -------
    Effect
        Tables of one study are averaged first, by inverse variance: the same likelihood as a model in which they
        share the study's effect. τ², I² and Q are those of the studies.

    References
    ----------
    Hartung J, Knapp G. Stat Med 2001;20:3875–89; Röver C et al. BMC Med Res Methodol 2015;15:99 (modified).
    """
    y, v = _by_study(*effect_sizes(tables, measure), tables.study)
    size, df, one = size_of(tables), len(y) - 1, np.ones(len(y))
    if not len(tables.informative().a):
        return Effect(*size, status=EMPTY)
    tau2 = float(estimate_tau2("REML", y, v))
    if not np.isfinite(tau2):
        return Effect(*size, status=NOT_CONVERGED)
    mean, variance, rss = weighted_fit(tau2, y, v, one)
    factor = 1.0 if interval == "wald" else 0.0 if rss <= SMALLEST_RSS else rss / df
    se = float(np.sqrt(variance * (max(factor, 1.0) if interval == "mhk" else factor)))
    if se == 0:
        return Effect(*size, status=NO_WIDTH)
    q = float(weighted_fit(0.0, y, v, one)[2])
    return Effect(
        *size,
        float(mean),
        se,
        se * float(ndtri((1 + level) / 2) if interval == "wald" else stdtrit(df, (1 + level) / 2)),
        float(prediction_half_width(se, tau2, len(y), level)),
        float(2 * (ndtr(-abs(mean / se)) if interval == "wald" else stdtr(df, -abs(mean / se)))),
        tau2,
        i2(tau2, v),
        *(q, df, float(chdtrc(df, q))),
    )


def pool_random_effect(tables: Tables, measure: str = OR, level: float = 0.95) -> Effect:
    """Pool odds ratios with the logistic model of fixed table intercepts and a random study effect on the log ratio.

    Returns
    -------
    Effect
        Wald interval, likelihood-ratio P; no correction of empty cells. Q is the likelihood-ratio statistic of one
        odds ratio for all against one a table.

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
    problem = _unpoolable(t)
    if problem:
        return Effect(*size, status=problem)
    own = np.eye(k)
    design = np.column_stack([np.full(2 * k, 0.5), np.vstack([own, -own])])
    y, n = np.concatenate([t.a, t.d]), np.concatenate([t.n1, t.n2])
    full, null = (arms_of(y, n, np.tile(t.study, 2), x) for x in (design, design[:, 1:]))
    best, without = fit(full), fit(null)
    if not (best.converged and without.converged):
        return Effect(*size, status=f"did not converge: {best.message or without.message}")
    mean, se, tau2 = float(best.beta[0]), float(np.sqrt(best.covariance[0, 0])), 4 * best.tau**2
    q = float(2 * (np.sum(xlogy(y, y / n) + xlogy(n - y, 1 - y / n)) - fixed_fit(full)[1]))
    return Effect(
        *size,
        mean,
        se,
        se * float(ndtri((1 + level) / 2)),
        float(prediction_half_width(se, tau2, size[1], level)),
        float(chdtrc(1, max(2 * (best.loglik - without.loglik), 0.0))),
        tau2,
        i2(tau2, effect_sizes(t, OR)[1]),
        *(q, k - 1, float(chdtrc(k - 1, q))),
    )


def pool_random_intercept(tables: Tables, measure: str = OR, level: float = 0.95) -> Effect:
    """Pool odds ratios with the logistic model of a random study intercept and one log odds ratio for all.

    Returns
    -------
    Effect
        Wald interval, likelihood-ratio P. The model has no heterogeneity of the effect, so no τ². A table without
        any event tells of its study's level and stays in.

    Notes
    -----
    metafor's ``rma.glmm(model="UM.RS", method="EE")``. It compares the groups within studies and, as far as these
    differ in the share that is exposed, between them.
    """
    size, problem = size_of(tables), _unpoolable(tables.informative())
    if problem:
        return Effect(*size, status=problem)
    t, first = tables, np.repeat([True, False], len(tables.a))
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


def size_of(tables: Tables) -> tuple[int, int]:
    return len(tables.a), len(np.unique(tables.study))


def _common_effect(tables: Tables, mean, se, q, df: int, level: float) -> Effect:
    mean, se, q = float(mean), float(se), max(float(q), 0.0)
    half, p = se * float(ndtri((1 + level) / 2)), float(2 * ndtr(-abs(mean / se)))
    q_p = float(chdtrc(df, q)) if df > 0 else np.nan
    return Effect(*size_of(tables), mean, se, half, p=p, q=q, q_df=df, q_p=q_p)


def _by_study(y, v, study) -> tuple[np.ndarray, np.ndarray]:
    """Average the effects of each study's tables by inverse variance."""
    _, index = np.unique(study, return_inverse=True)
    weight = np.bincount(index, 1 / v)
    return np.bincount(index, y / v) / weight, 1 / weight


class Method(NamedTuple):
    """A way to pool 2×2 tables.

    Parameters
    ----------
    measures : tuple of str
        What it can pool.
    description, reference : str
        In the field's terms, for documents.
    pool : callable
        ``(tables, measure, level) → Effect``.
    """

    measures: tuple[str, ...]
    description: str
    reference: str
    pool: Callable[..., Effect]


_REML = "Inverse variance, random study effect, REML, half a patient added where a cell is empty"
_LOGISTIC = "binomial likelihood, maximum likelihood by adaptive Gauss–Hermite quadrature, no correction"
METHODS = {
    "mh": Method(
        (OR, RR, RD),
        "Mantel–Haenszel, common effect, no continuity correction",
        "Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719–48",
        pool_mantel_haenszel,
    ),
    "peto": Method((OR,), "Peto's one-step odds ratio", "Yusuf S et al. Prog Cardiovasc Dis 1985;27:335–71", pool_peto),
    "reml": Method(
        (OR, RR, RD),
        f"{_REML}, Wald interval",
        "Viechtbauer W. J Educ Behav Stat 2005;30:261–93",
        pool_inverse_variance,
    ),
    "reml-hk": Method(
        (OR, RR, RD),
        f"{_REML}, Hartung–Knapp interval",
        "Hartung J, Knapp G. Stat Med 2001;20:3875–89",
        partial(pool_inverse_variance, interval="hk"),
    ),
    "reml-mhk": Method(
        (OR, RR, RD),
        f"{_REML}, modified Hartung–Knapp interval",
        "Röver C et al. BMC Med Res Methodol 2015;15:99",
        partial(pool_inverse_variance, interval="mhk"),
    ),
    "glmm-um-fs": Method(
        (OR,),
        f"Logistic model, fixed study intercepts, random effect of the exposure ({_LOGISTIC})",
        "Turner RM et al. Stat Med 2000;19:3417–32",
        pool_random_effect,
    ),
    "glmm-um-rs": Method(
        (OR,),
        f"Logistic model, random study intercepts, common effect of the exposure ({_LOGISTIC})",
        "Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67",
        pool_random_intercept,
    ),
}
STUDY_METHODS = {
    "exact": (OR, "Conditional maximum likelihood, exact interval, Fisher's P"),
    "score": (RR, "Risk ratio with Koopman's score interval"),
    "newcombe": (RD, "Risk difference with Newcombe's hybrid score interval"),
}
