"""Do groups differ, by the Bayesian pools that are shown? Every group takes part, whatever its counts."""

import numpy as np
import pytest
from scipy.special import chdtrc
from synthesis.models.bayes import compare_means, mean_logit, pool_bayes
from synthesis.models.bayes_batch import mean_logits
from synthesis.models.counts import within
from synthesis.pools.contrasts import POSTERIORS, contrast_rows
from synthesis.pools.pooling import pool_analysis
from synthesis.pools.subgroups import ONE_EACH, POSTERIOR, compare_posteriors
from synthesis.words.terms import BETWEEN, NO_EVENTS, OK, ONE_STUDY, TAIL

GROUPS = {
    "several": ([3, 5, 9], [40, 60, 80], ["a", "b", "c"]),
    "no events": ([0, 0], [30, 50], ["d", "e"]),
    "one study": ([7], [30], ["f"]),
    "arms": ([2, 3, 12], [20, 31, 90], ["g", "g", "h"]),
    "arms within limits": (within([2, 3, 12], [4, 3, 12]), [20, 31, 90], ["i", "i", "j"]),
}


def test_means_are_those_of_each_group_alone():
    """On one grid, or by the single fit where totals do not tell arms within limits; the SD is that of the pool."""
    found = mean_logits(list(GROUPS.values()))
    for (mean, sd), group in zip(found.T, GROUPS.values(), strict=True):
        assert (mean, sd) == pytest.approx(mean_logit(*group), rel=1e-5)
        assert sd == pytest.approx(pool_bayes(*(np.array(part) for part in group)).se, rel=1e-5)


def test_every_group_takes_part_and_the_test_has_a_name():
    test = compare_posteriors(GROUPS)
    assert (test.name, test.groups, test.df, test.status) == (POSTERIOR, tuple(GROUPS), 4, OK)
    (mean, sd), weight = mean_logits(list(GROUPS.values())), 0
    weight = sd**-2 / np.sum(sd**-2)
    statistic = np.sum(mean**2 / sd**2) - np.sum(sd**-2) * (weight @ mean) ** 2
    assert test.statistic == pytest.approx(statistic) and test.p == pytest.approx(chdtrc(4, statistic))


def test_alike_and_unlike_groups():
    alike, none = ([4, 5, 6], [50, 50, 50], list("abc")), ([0, 0, 0], [400, 500, 300], list("def"))
    assert compare_posteriors({"x": alike, "y": alike}).p == pytest.approx(1)
    assert compare_posteriors({"x": alike, "y": none}).p < 0.05  # without events, and surely lower
    assert compare_posteriors({"x": alike}).name == ""
    single = {"x": ([4], [50], ["a"]), "y": ([9], [50], ["b"])}
    assert compare_posteriors(single).status == f"{OK}; {ONE_EACH}"


def test_the_table_tests_the_pools_it_prints():
    """A group that is no pool is printed as it was, and is in the test."""
    rows = [
        {
            "study": s,
            "events": y,
            "patients": n,
            "use": "yes",
            "subset": "product",
            "group": g,
            "events_from": y,
            "events_to": y,
        }
        for s, y, n, g in (
            ("a", 3, 40, "x"),
            ("b", 9, 60, "x"),
            ("c", 0, 30, "y"),
            ("d", 0, 50, "y"),
            ("e", 4, 30, "z"),
        )
    ]
    table = pool_analysis(
        [*({**row, "subset": "all", "group": ""} for row in rows), *rows], "fever", ["bayes"], ["bayes"]
    )
    groups = {row["group"]: row for row in table if row["subset"] == "product"}
    assert [groups[g]["status"] for g in "xyz"] == [OK, NO_EVENTS, ONE_STUDY]
    test = groups[""]
    assert (test["test_name"], test["test_df"], test["studies"], test["patients"]) == (POSTERIOR, 2, 5, 210)
    assert test["status"] == OK and 0 < test["test_p"] < 1


def test_two_levels_are_compared_between_studies_by_their_posteriors():
    """With many events both posteriors are nearly normal; a level without events is compared, too."""
    many = (np.array([90, 110, 105]), np.array([1000, 1000, 1000]), np.array(list("abc")))
    less = (np.array([60, 52, 70]), np.array([1000, 1000, 1000]), np.array(list("def")))
    middle, low, high, p = compare_means(many, less)
    (mean, sd), (other, spread) = mean_logit(*many), mean_logit(*less)
    assert middle == pytest.approx(mean - other, abs=0.02)
    assert low < middle < high and (high - low) / (2 * 1.96) == pytest.approx(np.hypot(sd, spread), rel=0.15)
    turned = compare_means(less, many)
    assert turned[:3] == pytest.approx((-middle, -high, -low), abs=1e-5) and turned[3] == pytest.approx(p, rel=1e-5)
    assert 0 < p < 1 and compare_means(many, (many[0], many[1], np.array(list("def"))))[3] == pytest.approx(1, abs=1e-6)

    arms = [
        {"study": s, "events": y, "patients": n, "subset": "product", "group": g}
        for s, y, n, g in (("a", 6, 40, "A"), ("b", 9, 60, "A"), ("c", 0, 50, "B"))
    ]
    contrasts = [{"by": "product", "first": "A", "second": "B"}]
    (between,) = [row for row in contrast_rows(arms, "fever", contrasts, primary="bayes") if row["kind"] == BETWEEN]
    assert (between["p_test"], between["method"], between["status"]) == (TAIL, POSTERIORS, OK)
    assert 1 < between["ci_low"] < between["estimate"] < between["ci_high"] < np.inf or between["p"] > 0.05
