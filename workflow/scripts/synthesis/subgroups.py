"""Do groups of studies differ? Each group's own pool, and tests with a common and with separate τ²."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, expit, logit, ndtri

from .models import Pooled
from .models.logistic_normal import Fit, arms_of, fit, fixed_fit, separated
from .terms import OK, is_ok


@dataclass(frozen=True)
class Test:
    """A test for subgroup differences.

    Parameters
    ----------
    name : str
        Blank when no test was possible.
    statistic, df, p : float
        χ², its degrees of freedom and P value.
    groups : tuple of str
        The groups that were compared.
    status : str
        ``ok``, or why there is no test, or which groups stayed out of it.
    """

    name: str = ""
    statistic: float = np.nan
    df: float = np.nan
    p: float = np.nan
    groups: tuple[str, ...] = ()
    status: str = OK


@dataclass(frozen=True)
class CommonFit:
    """The model with one mean a group, one τ² for all, and arms of a study sharing its effect."""

    estimates: dict[str, Pooled]
    test: Test


LIKELIHOOD_RATIO = "likelihood ratio, common tau2"
WALD = "Wald, separate tau2"


def fit_common(events, patients, study, group, level: float = 0.95) -> CommonFit:
    """Fit group means with a common τ² and test whether they differ.

    Parameters
    ----------
    events, patients : array_like of int, shape (rows,)
    study : array_like of shape (rows,)
        Arms of one study share its random effect, so a difference inside a study counts as such.
    group : array_like of str, shape (rows,)
    level : float

    Returns
    -------
    CommonFit
        A group without events, or with nothing but events, has no finite mean under this model (separation): it
        stays out, and the status says so.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67; likelihood-ratio test of the group factor.
    """
    y, n = np.asarray(events, int), np.asarray(patients, int)
    study, group = np.asarray(study), np.asarray(group)
    out = [g for g in _ordered(group) if separated(y[group == g], n[group == g])]
    inside = ~np.isin(group, out)
    groups = tuple(_ordered(group[inside]))
    note = f"separated, left out: {', '.join(out)}" if out else OK
    if len(groups) < 2:
        return CommonFit({}, Test(status="fewer than two groups to compare" if not out else note))
    y, n, study, group = y[inside], n[inside], study[inside], group[inside]
    if len(y) <= len(groups):
        return CommonFit({}, Test(status="one study a group: differences between groups and between studies are one"))
    design = (group[:, None] == np.array(groups)).astype(float)
    full = fit(arms_of(y, n, study, design))
    null = fit(arms_of(y, n, study, np.ones((len(y), 1))))
    bad = [f.message for f in (full, null) if not f.converged]
    if bad:
        return CommonFit({}, Test(status=f"did not converge: {bad[0]}"))
    statistic, df = max(2 * (full.loglik - null.loglik), 0.0), len(groups) - 1
    test = Test(LIKELIHOOD_RATIO, statistic, df, float(chdtrc(df, statistic)), groups, note)
    z = ndtri((1 + level) / 2)
    estimates = {}
    for i, g in enumerate(groups):
        rows, mean, se = group == g, full.beta[i], np.sqrt(full.covariance[i, i])
        estimates[g] = Pooled(
            "glmm-common",
            int(rows.sum()),
            len(np.unique(study[rows])),
            int(y[rows].sum()),
            int(n[rows].sum()),
            estimate=float(expit(mean)),
            ci_low=float(expit(mean - z * se)),
            ci_high=float(expit(mean + z * se)),
            se=float(se),
            tau2=full.tau**2,
            loglik=full.loglik,
        )
    return CommonFit(estimates, test)


def compare_pools(pools: dict[str, Pooled]) -> Test:
    """Test whether group pools differ, each with its own τ².

    Parameters
    ----------
    pools : dict
        Group → its own pool, on the logit scale.

    Returns
    -------
    Test
        Cochran's Q between the pooled logits; groups that are not a pool (one study, no events) stay out.

    References
    ----------
    Borenstein M, Higgins JPT. Prev Sci 2013;14:134–43, section 4 (separate estimates of τ²).
    """
    used = {g: p for g, p in pools.items() if is_ok(p.status) and p.se > 0}
    out = [g for g in pools if g not in used]
    note = f"not a pool, left out: {', '.join(out)}" if out else OK
    if len(used) < 2:
        return Test(status="fewer than two pools to compare")
    mean = np.array([logit(p.estimate) for p in used.values()])
    weight = np.array([p.se**-2 for p in used.values()])
    statistic = float(np.sum(weight * (mean - np.average(mean, weights=weight)) ** 2))
    df = len(used) - 1
    return Test(WALD, statistic, df, float(chdtrc(df, statistic)), tuple(used), note)


@dataclass(frozen=True)
class OddsRatio:
    """The odds ratio of two levels from the binomial–normal model."""

    estimate: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    p: float = np.nan
    status: str = OK


def odds_ratio_shared(events, patients, study, first, level: float = 0.95) -> OddsRatio:
    """Compare two levels over studies, arms of one study sharing its effect.

    Parameters
    ----------
    events, patients, study : array_like, shape (rows,)
    first : array_like of bool, shape (rows,)
        True for arms of the first level.
    level : float

    Returns
    -------
    OddsRatio
        First against second, with a Wald interval and the likelihood-ratio P value.
    """
    y, n, first = np.asarray(events, int), np.asarray(patients, int), np.asarray(first, bool)
    if first.all() or not first.any():
        return OddsRatio(status="no arm of the other level")
    if any(separated(y[side], n[side]) for side in (first, ~first)):
        return OddsRatio(status="a level without events, or with nothing but events: no finite odds ratio")
    design = np.column_stack([np.ones(len(y)), first])
    study = np.asarray(study)
    estimate = _fixed if len(np.unique(study)) == 1 else fit
    full, null = (estimate(arms_of(y, n, study, x)) for x in (design, design[:, :1]))
    if not (full.converged and null.converged):
        return OddsRatio(status=f"did not converge: {full.message or null.message}")
    mean, se = full.beta[1], np.sqrt(full.covariance[1, 1])
    half = ndtri((1 + level) / 2) * se
    p = float(chdtrc(1, max(2 * (full.loglik - null.loglik), 0.0)))
    return OddsRatio(float(np.exp(mean)), float(np.exp(mean - half)), float(np.exp(mean + half)), p)


def _fixed(arms) -> Fit:
    beta, value, information = fixed_fit(arms)
    return Fit(beta, 0.0, value + arms.constant, np.linalg.inv(information), 0, 0, True)


def _ordered(values) -> list:
    return list(dict.fromkeys(values))
