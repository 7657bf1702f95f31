"""Do groups of studies differ? Each group's own pool, and tests with a common and with separate τ²."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtrc, expit, logit, ndtri

from ..models.bayes_batch import mean_logits
from ..models.catalogue import Pooled
from ..models.counts import as_counts, is_exact, limits
from ..models.logistic_normal import Fit, arms_of, fit, fixed_fit, separated
from ..models.result import blank_pool
from ..words.terms import OK, is_ok, remarks_of, with_remark


@dataclass(frozen=True)
class Test:
    """A test for subgroup differences: χ², and the groups it compares; without a name there was none, and why."""

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


LIKELIHOOD_RATIO = "likelihood ratio, one τ² for all groups"
WALD = "Wald, each group with its own τ²"
POSTERIOR = "Wald on posterior means and SDs, each group with its own τ²"
ONE_EACH = "one study a group: differences between groups and between studies are one"


def fit_common(events, patients, study, group, level: float = 0.95) -> CommonFit:
    """Fit group means with a common τ² and test whether they differ; arms of one study share its random effect.

    All groups take part in the test. One without events, or with nothing but events, has its highest likelihood, 1, at
    a mean of minus or plus infinity: it adds nothing to the log likelihood of the groups' own means, counts in that of
    one mean for all, and has no estimate.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67; likelihood-ratio test of the group factor.
    """
    y, n = as_counts(events), np.asarray(patients, int)
    study, group = np.asarray(study), np.asarray(group)
    groups = tuple(dict.fromkeys(group))
    if len(groups) < 2:
        return CommonFit({}, Test(status="fewer than two groups to compare"))
    if tied(study, group):
        return CommonFit({}, Test(status=ONE_EACH))
    if separated(y, n):
        may_be = "" if is_exact(y) else ", or there may be"
        status = f"no events in any group, or nothing but events{may_be}: no difference to test"
        return CommonFit({}, Test(status=status))
    edge = {g: edge_words(y[group == g]) for g in groups if separated(y[group == g], n[group == g])}
    inner, rows = [g for g in groups if g not in edge], ~np.isin(group, list(edge))
    full = None
    if inner:
        design = (group[rows, None] == np.array(inner)).astype(float)
        full = fit(arms_of(y[rows], n[rows], study[rows], design))
    null = fit(arms_of(y, n, study, np.ones((len(y), 1))))
    bad = [f.message for f in (full, null) if f and not f.converged]
    if bad:
        return CommonFit({}, Test(status=f"did not converge: {bad[0]}"))
    statistic, df = max(2 * ((full.loglik if full else 0.0) - null.loglik), 0.0), len(groups) - 1
    remarks = [f"{g}: {why}, so no estimate, but in the test" for g, why in edge.items()]
    fits = {"groups apart": full, "all groups as one": null}
    remarks += [f"{of}: {one.remark}" for of, one in fits.items() if one and one.remark]
    remark = "; ".join(remarks)
    test = Test(LIKELIHOOD_RATIO, statistic, df, float(chdtrc(df, statistic)), groups, with_remark(OK, remark))
    if not inner or tied(study[rows], group[rows]):  # nothing tells τ², and no interval is to be had
        return CommonFit({}, test)
    return CommonFit(_common_estimates(full, inner, y, n, study, group, level), test)


def edge_words(events: np.ndarray) -> str:
    """Say why a group has no finite mean.

    >>> from synthesis.models.counts import within
    >>> edge_words(np.array([0, 0])), edge_words(within([0, 0], [2, 0])), edge_words(np.array([9, 7]))
    ('no events', 'possibly no events', 'nothing but events')
    """
    low, high = limits(events)
    none = not low.any()
    sure = not high.any() if none else low is high or np.array_equal(low, high)
    return ("" if sure else "possibly ") + ("no events" if none else "nothing but events")


def _common_estimates(full: Fit, inner: list, y, n, study, group, level: float) -> dict[str, Pooled]:
    """Give the groups' own means from the fit with one τ², in the order of its coefficients."""
    z, estimates = ndtri((1 + level) / 2), {}
    for i, g in enumerate(inner):
        rows, mean, se = group == g, full.beta[i], float(np.sqrt(full.covariance[i, i]))
        limits = zip(("estimate", "ci_low", "ci_high"), (mean, mean - z * se, mean + z * se), strict=True)
        numbers = {name: float(expit(limit)) for name, limit in limits}
        numbers |= {"se": se, "tau2": full.tau**2 if full.known else np.nan, "loglik": full.loglik}
        counts = y[rows], n[rows], study[rows]
        estimates[g] = blank_pool("glmm-common", *counts, **numbers, status=with_remark(OK, full.remark))
    return estimates


def compare_pools(pools: dict[str, Pooled]) -> Test:
    """Test whether group pools on the logit scale differ, each with its own τ².

    Cochran's Q between the pooled logits: the test of these estimates and their standard errors. A group that is not a
    pool has neither and stays out by name: one study has no τ² of its own, and without events, or with nothing but
    events, there is no logit. (The likelihood ratio would not help: whatever the common mean, a τ² of its own without
    bound takes a group of k studies without events to a likelihood of 2⁻ᵏ.)

    References
    ----------
    Borenstein M, Higgins JPT. Prev Sci 2013;14:134–43, section 4 (separate estimates of τ²).
    """
    used = {g: p for g, p in pools.items() if is_ok(p.status) and p.se > 0}
    out = [
        f"{g} ({remarks_of(p.status).split(':')[0] or 'no standard error'})" for g, p in pools.items() if g not in used
    ]
    if len(used) < 2:
        return Test(status="; ".join(["fewer than two pools to compare", *out]))
    mean, weight = np.array([(logit(p.estimate), p.se**-2) for p in used.values()]).T
    statistic = float(np.sum(weight * (mean - np.average(mean, weights=weight)) ** 2))
    df = len(used) - 1
    remark = f"not a pool, left out: {', '.join(out)}" if out else ""
    return Test(WALD, statistic, df, float(chdtrc(df, statistic)), tuple(used), with_remark(OK, remark))


def compare_posteriors(groups: Mapping[str, Sequence]) -> Test:
    """Test whether the posteriors of group means differ: those of ``bayes``, each with its own τ².

    ``groups`` gives events, patients and study of each. Q of the posterior means of μ, weighted by their variances: the
    posteriors are independent, as the groups' data and priors are. Every group takes part: one without events has a
    likelihood, and one study a prior on τ, though neither is a pool.
    """
    if len(groups) < 2:
        return Test(status="fewer than two groups to compare")
    mean, sd = mean_logits(list(groups.values()))
    statistic = float(np.sum((mean - np.average(mean, weights=sd**-2)) ** 2 / sd**2))
    study, group = (
        np.concatenate(part) for part in zip(*((own[2], [g] * len(own[2])) for g, own in groups.items()), strict=True)
    )
    remark, df = ONE_EACH if tied(study, group) else "", len(groups) - 1
    return Test(POSTERIOR, statistic, df, float(chdtrc(df, statistic)), tuple(groups), with_remark(OK, remark))


class OddsRatio(NamedTuple):
    """The odds ratio of two levels from the binomial–normal model."""

    estimate: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    p: float = np.nan
    status: str = OK


def odds_ratio_shared(events, patients, study, first, level: float = 0.95) -> OddsRatio:
    """Compare the first level (True in ``first``) with the second, arms of one study sharing its effect.

    Wald interval and likelihood-ratio P value; the latter alone where a level has no events, or nothing but events.
    """
    y, n, first = as_counts(events), np.asarray(patients, int), np.asarray(first, bool)
    if first.all() or not first.any():
        return OddsRatio(status="no arm of the other level")
    study = np.asarray(study)
    if any(separated(y[side], n[side]) for side in (first, ~first)):
        level_words = "a level" if is_exact(y) else "a level possibly"
        status = f"{level_words} without events, or with nothing but events: no finite odds ratio"
        return OddsRatio(p=fit_common(y, n, study, first).test.p, status=status)
    design = np.column_stack([np.ones(len(y)), first])
    estimate = _fixed if len(np.unique(study)) == 1 else fit
    full, null = (estimate(arms_of(y, n, study, x)) for x in (design, design[:, :1]))
    if not (full.converged and null.converged):
        return OddsRatio(status=f"did not converge: {full.message or null.message}")
    mean, half = full.beta[1], ndtri((1 + level) / 2) * np.sqrt(full.covariance[1, 1])
    ratio, low, high = (float(np.exp(x)) for x in (mean, mean - half, mean + half))
    status = with_remark(with_remark(OK, full.remark), ONE_EACH if tied(study, first) else "")
    return OddsRatio(ratio, low, high, float(chdtrc(1, max(2 * (full.loglik - null.loglik), 0.0))), status)


def tied(study: np.ndarray, group: np.ndarray) -> bool:
    """Say whether groups that no study links have one study each, however many arms: then τ² takes any difference.

    >>> tied(np.array(["x", "x", "y", "y"]), np.array([1, 1, 2, 2])), tied(np.array(["x", "x"]), np.array([1, 2]))
    (True, False)
    """
    ends = [np.unique(part, return_inverse=True)[1] for part in (study, group)]
    studies, size = ends[0].max() + 1, ends[0].max() + ends[1].max() + 2
    links = coo_array((np.ones(len(study)), (ends[0], ends[1] + studies)), shape=(size, size))
    return bool(1 < connected_components(links, directed=False)[0] == studies)


def _fixed(arms) -> Fit:
    beta, value, information = fixed_fit(arms)
    return Fit(beta, 0.0, value + arms.constant, np.linalg.inv(information), 0, 0, True)
