"""Subgroups and arms that share a study's effect, against an exact likelihood in R and lme4 (tests/golden)."""

import csv
import math
import re
from collections import defaultdict

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import binom
from synthesis.models.catalogue import OK, pool
from synthesis.pools.subgroups import ONE_EACH, compare_pools, fit_common
from synthesis.words.terms import UNKNOWN_TAU2
from test_golden_proportions import GOLDEN, same

MEAN, SE, TAU2, CHI2, P = 1e-6, 1e-6, 1e-6, 1e-6, 1e-5  # worst seen: 1e-8, 5e-8, 2e-8, 2e-9, 1e-7


def read_reference() -> dict:
    table = defaultdict(dict)
    with open(GOLDEN / "reference_grouped.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            value = math.nan if row["value"] in ("", "NA") else float(row["value"])
            table[row["dataset"], row["model"]][row["quantity"]] = value
    return table


REFERENCE = read_reference()
NAMES = sorted({name for name, _ in REFERENCE})


def read_data(name: str):
    with open(GOLDEN / "grouped" / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    return columns["events"].astype(int), columns["patients"].astype(int), columns["study"], columns["group"]


def test_the_grid_is_complete():
    files = {path.stem for path in (GOLDEN / "grouped").glob("*.csv")} - {"sources"}
    assert files == set(NAMES)
    assert len(NAMES) >= 8
    shared = [name for name in NAMES if len(set(read_data(name)[2])) < len(read_data(name)[2])]
    assert len(shared) >= 4, "too few data sets with several arms a study"


@pytest.mark.parametrize("name", NAMES)
def test_common_tau2_with_a_shared_study_effect(name):
    data = read_data(name)
    common = fit_common(*data)
    reference, ratio = REFERENCE[name, "glmm-common-exact"], REFERENCE[name, "glmm-lrt-exact"]
    assert common.test.status == OK
    for group, pooled in common.estimates.items():
        assert same(logit(pooled.estimate), reference[f"mu[{group}]"], MEAN), group
        assert same(pooled.se, reference[f"se[{group}]"], SE), group
        assert same(pooled.tau2, reference["tau2"], TAU2)
        assert same(pooled.loglik, reference["loglik"], 1e-8)
    assert same(common.test.statistic, ratio["chi2"], CHI2)
    assert common.test.df == ratio["df"]
    assert same(common.test.p, ratio["p"], P)


@pytest.mark.parametrize("name", NAMES)
def test_lme4_agrees(name):
    common = fit_common(*read_data(name))
    reference = REFERENCE[name, "glmm-common-lme4"]
    assert math.isclose(next(iter(common.estimates.values())).loglik, reference["loglik"], abs_tol=1e-3)
    assert math.isclose(common.test.statistic, REFERENCE[name, "glmm-lrt-lme4"]["chi2"], rel_tol=2e-3, abs_tol=2e-3)


@pytest.mark.parametrize(
    ("model", "theirs"), [("glmm", "glmm-separate-exact"), ("logit-reml", "rma-PLO-separate-REML-z")]
)
@pytest.mark.parametrize("name", NAMES)
def test_separate_tau2(name, model, theirs):
    events, patients, _, group = read_data(name)
    groups = list(dict.fromkeys(group))
    # R's reference treats every row as a study of its own within its group; so does this test.
    pools = {
        g: pool(model, *(x[group == g] for x in (events, patients)), np.arange(np.sum(group == g))) for g in groups
    }
    reference = REFERENCE[name, theirs]
    test = compare_pools(pools)
    if len(test.groups) < len(groups):
        return  # a group of one study is no pool, and has no place in this test
    assert same(test.statistic, reference["Q_between"], 1e-5)
    assert test.df == reference["Q_between_df"]
    assert same(test.p, reference["Q_between_p"], 1e-5)


def read_no_events() -> dict:
    """Give, by case, the rows and lme4's answer where a group has no events, or nothing but events."""
    with open(GOLDEN / "no_events.csv", encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


NO_EVENTS = read_no_events()


@pytest.mark.parametrize("case", NO_EVENTS)
def test_a_group_without_events_takes_part_in_the_test(case):
    """A 0/100, 0/100 against B 10/100, 12/100: the group with the clearest difference was left out of the test."""
    theirs = NO_EVENTS[case]
    rows = [re.fullmatch(r"(\d+):(\w):(\d+)/(\d+)", row).groups() for row in theirs["rows"].split()]
    study, group, events, patients = zip(*rows, strict=True)
    common = fit_common([int(e) for e in events], [int(n) for n in patients], study, group)
    assert same(common.test.statistic, float(theirs["lr"]), 1e-6)
    assert common.test.df == int(theirs["df"]) and same(common.test.p, float(theirs["p"]), P)
    assert set(common.test.groups) == set(group), "a group is missing from the test"
    edge = theirs["edge"].split()
    assert not set(edge) & set(common.estimates), "a mean without end was printed"
    for name in edge:
        assert f"{name}: no" in common.test.status and "in the test" in common.test.status


def test_the_reference_without_events_is_complete():
    assert len(NO_EVENTS) == 8
    assert round(float(NO_EVENTS["two groups"]["lr"]), 2) == 13.34
    assert round(float(NO_EVENTS["two groups"]["p"]), 5) == 0.00026


def test_no_events_in_any_group_is_no_difference_to_test():
    common = fit_common([0, 0, 0, 0], [20, 30, 40, 50], list("abcd"), ["x", "x", "y", "y"])
    assert common.estimates == {} and math.isnan(common.test.p)
    assert common.test.status.startswith("no events in any group")


def test_groups_left_out_of_the_test_with_separate_tau2_are_named_with_the_reason():
    counts = {"x": ([0, 0], [20, 30]), "y": ([3, 9], [40, 50]), "z": ([4, 2], [30, 90]), "one": ([4], [30])}
    pools = {name: pool("glmm", y, n, np.arange(len(y))) for name, (y, n) in counts.items()}
    test = compare_pools(pools)
    assert test.groups == ("y", "z")
    assert test.status == "ok; not a pool, left out: x (no events), one (one study)"


def test_groups_of_one_study_each_are_not_compared():
    """Three groups of one study each: a difference between them is one between studies, and no test says which."""
    common = fit_common([12, 16, 21], [127, 53, 68], list("abc"), list("xyz"))
    assert common.estimates == {}
    assert common.test.status.startswith("one study a group")


@pytest.mark.parametrize(
    ("events", "patients", "group", "statistic"),
    [
        # Base R 4.2.2: integrate(dbinom(y, n, plogis(mu + tau z)) dnorm(z)), optim in the means and tau, twice.
        ([0, 0, 0, 10, 12], [60, 50, 40, 70, 80], "aabbb", 4.832407),
        ([0, 0, 0, 0, 10], [60, 50, 40, 70, 80], "aabbc", 9.007175),
    ],
)
def test_likelihood_ratio_where_all_groups_but_one_have_no_events(events, patients, group, statistic):
    y, n = np.array(events), np.array(patients)
    for counts in (y, n - y):
        test = fit_common(counts, n, list("vwxyz"), list(group)).test
        assert (test.statistic, test.df) == (pytest.approx(statistic, rel=1e-6), len(set(group)) - 1)


def test_groups_of_one_study_each_are_not_compared_however_many_arms_these_have():
    assert fit_common([12, 4, 9, 20], [60, 50, 40, 70], list("xxyy"), list("aabb")).test.status == ONE_EACH
    assert fit_common([12, 4, 3], [60, 50, 44], list("xxy"), list("abc")).test.status == ONE_EACH
    # Inside one study the arms tell of the groups: 2 × the log likelihood of two proportions against one.
    inside = fit_common([12, 4], [60, 50], list("xx"), list("ab")).test
    one = 2 * (binom.logpmf([12, 4], [60, 50], [12 / 60, 4 / 50]) - binom.logpmf([12, 4], [60, 50], 16 / 110)).sum()
    assert (inside.statistic, inside.df) == (pytest.approx(one, rel=1e-9), 1)


def test_remarks_on_the_maximum_reach_the_test_and_the_estimates():
    common = fit_common([1, 0, 1, 1, 0, 0], [1] * 6, range(6), list("aaabbb"))
    assert common.test.status.count(UNKNOWN_TAU2) == 2
    assert {pool.status for pool in common.estimates.values()} == {f"ok; {UNKNOWN_TAU2}"}
    assert all(np.isnan(pool.tau2) for pool in common.estimates.values())
