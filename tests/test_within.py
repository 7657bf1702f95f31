"""Counts known only within limits: their exact likelihood, in each model that has one, and the middle in the others."""

from functools import partial

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, gammaln, logit
from scipy.stats import beta, binom, chi2, norm
from synthesis.models.batch import fit_batch
from synthesis.models.catalogue import MODELS, pool
from synthesis.models.censored import highest, log_within
from synthesis.models.counts import WITHIN, within
from synthesis.models.many import pool_many
from synthesis.moderators.analysis import crosstab_rows, regress_factors
from synthesis.moderators.regression import NOT_EXCHANGEABLE, Studies, regress
from synthesis.pools.fitting import detail_fit_file
from synthesis.pools.future import predict_future_file
from synthesis.pools.pooling import pool_analysis_file
from synthesis.pools.small_study import small_study_file
from synthesis.pools.subgroups import fit_common, odds_ratio_shared
from synthesis.selection.arms import add_arms, counts_of
from synthesis.tables.declared import write
from synthesis.tables.files import read_table
from synthesis.variations.resampling import DRAWN_EXACT, resample_file
from synthesis.variations.sensitivity import leave_out_file, pool_masks
from synthesis.words.terms import (
    ALL_OR_NONE,
    MAY_BE_ALL,
    MAY_BE_ALL_OR_NONE,
    MAY_BE_NONE,
    MIDDLE,
    OK,
    SEVERAL_ARMS,
    TOO_WIDE,
)

# What reports leave: a rounded percentage, a suppressed cell, "at least one", a composite; no knowledge; large ones.
LIMITS = [(16, 17, 168), (0, 4, 60), (1, 50, 50), (5, 9, 120), (0, 30, 30), (100, 900, 1000), (1, 2255, 2255)]
LOGITS = np.array([-40.0, -8.0, -3.7, -2.0, 0.0, 1.3, 6.0, 30.0])


@pytest.mark.parametrize(("low", "high", "n"), LIMITS)
def test_the_probability_of_limits_is_the_sum_over_counts(low, high, n):
    """Value, slope and curvature against all terms at once, in logarithms; far from the limits, too."""
    y = np.arange(low, high + 1)
    terms = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1) + y * LOGITS[:, None]
    terms -= n * np.logaddexp(0, LOGITS)[:, None]
    top = terms.max(1, keepdims=True)
    weight = np.exp(terms - top)
    weight /= weight.sum(1, keepdims=True)
    p = 1 / (1 + np.exp(-LOGITS))
    mean = weight @ y
    spread = np.sum(weight * (y - mean[:, None]) ** 2, axis=1)
    value, slope, bend = log_within(low, high, n, LOGITS)
    assert value == pytest.approx((top + np.log(np.exp(terms - top).sum(1, keepdims=True)))[:, 0], rel=1e-11, abs=1e-10)
    assert slope == pytest.approx(mean - n * p, rel=1e-9, abs=1e-8)
    assert bend == pytest.approx(n * p * (1 - p) - spread, rel=1e-8, abs=1e-7)  # the difference taken here cancels
    assert (bend >= 0).all()


@pytest.mark.parametrize(("low", "high", "n"), [*LIMITS, (1, 20000, 20000), (7000, 15000, 20000)])
def test_mirrored_limits_have_the_mirrored_probability(low, high, n):
    one, other = log_within(low, high, n, LOGITS), log_within(n - high, n - low, n, -LOGITS)
    for mine, theirs, sign in zip(one, other, (1, -1, 1), strict=True):
        assert mine == pytest.approx(sign * theirs, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("low", "high", "n"), LIMITS)
def test_the_likeliest_proportion_is_where_the_slope_is_0(low, high, n):
    logit, height = highest(low, high, n)
    if np.isfinite(logit):
        value, slope, _ = log_within(low, high, n, logit)
        assert abs(slope) < 1e-9
        assert height == pytest.approx(value, abs=1e-13)
        assert (log_within(low, high, n, logit + np.array([-0.01, 0.01]))[0] <= height + 1e-12).all()
    else:
        assert (low == 0) != (high == n) and height == 0


def test_wide_limits_take_no_more_memory_than_narrow_ones():
    import tracemalloc

    logits = np.linspace(-12, 12, 20_000)
    tracemalloc.start()
    log_within(1, 20_000, 20_000, logits)
    assert tracemalloc.get_traced_memory()[1] < 40e6  # all terms of all logits: 3.2 gigabytes
    tracemalloc.stop()


# (study, from, to, patients): five kinds of limits, an arm beside an exact one of its study, a large register.
SETS = {
    "rounded percentage": [("a", 16, 17, 168), ("b", 8, 8, 127), ("c", 2, 2, 97), ("d", 10, 10, 140)],
    "suppressed cells": [("a", 0, 4, 60), ("b", 3, 3, 50), ("c", 9, 9, 88), ("d", 0, 0, 31), ("e", 1, 4, 70)],
    "at least one": [("a", 1, 50, 50), ("b", 4, 4, 80), ("c", 7, 7, 60), ("d", 2, 2, 90)],
    "composites": [("a", 5, 9, 120), ("b", 4, 11, 95), ("c", 12, 12, 150), ("d", 0, 2, 44), ("e", 30, 41, 88)],
    "arms": [("a", 5, 5, 60), ("a", 2, 6, 41), ("b", 8, 8, 70), ("c", 10, 14, 49), ("d", 1, 1, 50)],
    "register": [("a", 400, 2255, 20000), ("b", 30, 30, 400), ("c", 25, 25, 300), ("d", 29, 29, 55)],
}


def columns(rows, ends=(1, 2)):
    """Events (of other ends, if asked for), patients and study of rows."""
    low, high = ([row[end] for row in rows] for end in ends)
    return within(low, high), [row[3] for row in rows], [row[0] for row in rows]


def mass(low, high, n, p):
    """The probability of limits from scipy's distribution, from the side on which nothing cancels."""
    return np.where(
        p * n < low, binom.sf(low - 1, n, p) - binom.sf(high, n, p), binom.cdf(high, n, p) - binom.cdf(low - 1, n, p)
    )


def reference(rows, theta):
    """The log likelihood by brute force: the binomial distribution function of scipy on a grid of 8,001 points."""
    z = np.linspace(-9, 9, 8_001)
    p, total = expit(theta[0] + theta[1] * z), 0.0
    for study in {row[0] for row in rows}:
        inside = norm.pdf(z)
        for _, low, high, n in (row for row in rows if row[0] == study):
            inside = inside * mass(low, high, n, p)
        total += np.log(inside.sum() * (z[1] - z[0]))
    return total


@pytest.mark.parametrize("name", SETS)
def test_glmm_finds_the_maximum_of_the_likelihood_within_limits(name):
    rows = SETS[name]
    one = pool("glmm", *columns(rows))
    here = np.array([logit(one.estimate), np.sqrt(one.tau2)])
    assert one.status == OK
    assert one.loglik == pytest.approx(reference(rows, here), abs=1e-9)
    best = minimize(lambda t: -reference(rows, (t[0], abs(t[1]))), here + 0.05, method="Nelder-Mead", tol=1e-6)
    assert best.x == pytest.approx(here, abs=1e-4)  # as near as a search without slopes comes to a flat top
    assert -best.fun <= one.loglik + 1e-9
    step = 1e-3 * np.array([[1, 0], [0, 1]])
    bend = [
        [(reference(rows, here + a + b) - reference(rows, here + a - b)
          - reference(rows, here - a + b) + reference(rows, here - a - b)) / 4e-6 for b in step] for a in step
    ]  # fmt: skip
    bend = np.array(bend) if one.tau2 else np.diag([bend[0][0], -1])
    assert one.se == pytest.approx(np.sqrt(np.linalg.inv(-bend)[0, 0]), rel=1e-4)
    drop = one.loglik - 3.841458820694124 / 2
    for limit in (one.tau2_low, one.tau2_high):
        if limit:
            at = minimize_scalar(lambda mu, tau=limit**0.5: -reference(rows, (mu, tau)), bracket=(here[0], here[0] + 1))
            assert -at.fun == pytest.approx(drop, abs=1e-7)


@pytest.mark.parametrize("name", SETS)
def test_the_mirror_image_of_limits_has_the_mirrored_pool(name):
    mirrored = [(study, n - high, n - low, n) for study, low, high, n in SETS[name]]
    for model in ("glmm", "glmm-t", "crude", "logit-reml-hk"):
        one, other = (pool(model, *columns(rows)) for rows in (SETS[name], mirrored))
        pairs = (("estimate", "estimate"), ("ci_low", "ci_high"), ("ci_high", "ci_low"), ("pi_low", "pi_high"))
        for mine, theirs in pairs:
            assert getattr(one, mine) == pytest.approx(1 - getattr(other, theirs), rel=1e-8, nan_ok=True)
        for same in ("se", "tau2", "tau2_low", "tau2_high", "i2", "q"):
            assert getattr(one, same) == pytest.approx(getattr(other, same), rel=1e-6, abs=1e-9, nan_ok=True)
        assert one.status == other.status


@pytest.mark.parametrize("name", SETS)
def test_limits_from_0_to_all_patients_say_nothing(name):
    """The pool is that of the others; only the number of studies, so t and the degrees of freedom, counts one more."""
    without, beside = (pool("glmm", *columns(rows)) for rows in (SETS[name], [*SETS[name], ("z", 0, 70, 70)]))
    for number in ("estimate", "ci_low", "ci_high", "se", "tau2", "tau2_low", "tau2_high", "q", "loglik"):
        assert getattr(beside, number) == pytest.approx(getattr(without, number), rel=1e-7, abs=1e-9)
    assert beside.studies == without.studies + 1


def test_limits_that_meet_are_the_exact_count_to_the_last_bit():
    for rows in SETS.values():
        low, patients, study = columns(rows, (1, 1))
        pairs = np.array([(y, y) for y in low], WITHIN)
        for model in MODELS:
            if model != "bayes" and rows is not SETS["register"]:
                assert repr(pool(model, pairs, patients, study)) == repr(pool(model, low, patients, study))


def test_counts_that_may_all_be_none_have_no_estimate_but_words():
    none, all_of_them = [("a", 0, 4, 50), ("b", 0, 2, 20), ("c", 0, 0, 30)], [("a", 46, 50, 50), ("b", 18, 20, 20)]
    for rows, words in ((none, MAY_BE_NONE), (all_of_them, MAY_BE_ALL)):
        for model in ("glmm", "glmm-t"):
            one = pool(model, *columns(rows))
            assert (one.status, np.isnan(one.estimate), np.isnan(one.ci_high)) == (words, True, True)
            assert one.events is None and one.events_from == sum(row[1] for row in rows)
        assert pool("crude", *columns(rows)).status == f"ok; {MIDDLE}"


def test_all_or_none_is_said_only_where_it_is_certain():
    certain = pool("glmm", *columns([("a", 0, 0, 30), ("b", 20, 20, 20), ("c", 0, 0, 9)]))
    perhaps = pool("glmm", *columns([("a", 0, 1, 30), ("b", 19, 20, 20), ("c", 0, 1, 9)]))
    assert ALL_OR_NONE in certain.status and MAY_BE_ALL_OR_NONE in perhaps.status
    assert pool("glmm", *columns([("a", 0, 12, 30), ("b", 3, 20, 20), ("c", 2, 2, 9)])).status == OK


def test_limits_that_all_surround_the_same_proportions_have_no_estimate():
    one = pool("glmm", *columns([("a", 100, 900, 1000), ("b", 150, 950, 1000), ("c", 120, 880, 1000)]))
    assert one.status == TOO_WIDE and np.isnan(one.estimate)


@pytest.mark.parametrize("name", SETS)
def test_q_within_limits_is_the_ratio_of_one_proportion_to_one_for_each_study(name):
    rows = SETS[name]

    def height(some):
        """The greatest log likelihood of one proportion: on a grid, then on one a hundred times finer about its top."""
        x = np.linspace(-25, 25, 50_001)
        for _ in range(2):
            low, high, n = (np.array([row[i] for row in some])[:, None] for i in (1, 2, 3))
            with np.errstate(divide="ignore"):
                total = np.log(mass(low, high, n, expit(x))).sum(0)
            x = x[total.argmax()] + np.linspace(-2e-3, 2e-3, 1001)
        return total.max()

    own = sum(height([row for row in rows if row[0] == study]) for study in {row[0] for row in rows})
    one = pool("glmm", *columns(rows))
    assert one.q == pytest.approx(2 * (own - height(rows)), abs=1e-5)
    assert one.q_df == one.studies - 1 and one.q_p == pytest.approx(chi2.sf(one.q, one.q_df))


def test_models_that_need_a_count_take_the_middle_and_say_so():
    rows = [("a", 16, 17, 168), ("b", 8, 8, 127), ("c", 1, 4, 97), ("d", 10, 10, 140)]
    one = pool("crude", *columns(rows))
    assert one.estimate == pytest.approx(37 / 532) and one.status == f"ok; {MIDDLE}"
    assert (one.ci_low, one.ci_high) == pytest.approx((beta.ppf(0.025, 37, 496), beta.ppf(0.975, 38, 495)))


TEN = [
    *(("a", 16, 17, 168), ("b", 8, 8, 127), ("c", 2, 2, 97), ("d", 10, 10, 140), ("e", 0, 3, 60)),
    *(("f", 12, 12, 88), ("g", 1, 45, 45), ("h", 20, 20, 230), ("i", 6, 6, 77), ("j", 0, 0, 51)),
]


@pytest.mark.parametrize("model", ["glmm", "glmm-t", "logit-reml-hk", "arcsine-reml"])
@pytest.mark.parametrize("rows", [TEN, [("a", 0, 12, 30), ("b", 18, 20, 20), *TEN[6:9]], SETS["arms"]])
def test_many_data_sets_within_limits_are_their_single_fits(rows, model):
    """Subsets of studies, several arms of a study in some: numbers to 1e-8, and the words the same."""
    names = sorted({row[0] for row in rows})
    masks = (np.arange(1, 2 ** len(names))[:, None] >> np.arange(len(names))) & 1 == 1
    masks = masks[np.random.default_rng(4).permutation(len(masks))[:24]]
    table = [dict(zip(("study", "events_from", "events_to", "patients"), row, strict=True)) for row in rows]
    table = [row | {"events": row["events_from"] if row["events_from"] == row["events_to"] else None} for row in table]
    for mask, found in zip(masks, pool_masks(table, masks, 0.95, model), strict=True):
        one = pool(model, *columns([row for row in rows if mask[names.index(row[0])]]))
        assert found["status"] == one.status
        assert (found["events"], found["patients"]) == (one.events, one.patients)
        for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2"):
            assert found[name] == pytest.approx(getattr(one, name), rel=1e-7, abs=1e-8, nan_ok=True)


def test_a_data_set_of_each_row_of_limits_is_its_single_fit():
    """Events of shape (sets, studies), as simulations and permutations give them."""
    random = np.random.default_rng(8)
    low = random.integers(0, 9, (20, 6))
    y, n = within(low, low + random.integers(0, 4, (20, 6))), np.full((20, 6), 70)
    found = fit_batch(y, n)
    for i in range(20):
        one = pool("glmm", y[i], n[i], range(6))
        assert (expit(found.mean[i]), found.se[i], found.loglik[i]) == pytest.approx(
            (one.estimate, one.se, one.loglik), rel=1e-7
        )


# study, group, year, from, to, patients: limits of each kind, arms of two studies in both groups, exact studies.
REVIEW = [
    *(("a", "X", 2018, 16, 17, 168), ("b", "X", 2019, 8, 8, 127), ("b", "Y", 2019, 3, 5, 61)),
    *(("c", "Y", 2019, 2, 2, 97), ("d", "Y", 2020, 10, 10, 140), ("e", "X", 2021, 0, 4, 60)),
    *(("f", "Y", 2021, 1, 50, 50), ("g", "X", 2022, 5, 9, 120), ("h", "Y", 2022, 6, 6, 77)),
    *(("i", "X", 2023, 9, 9, 51), ("j", "X", 2023, 7, 8, 66), ("j", "Y", 2023, 4, 4, 49)),
]
SETTINGS = {"primary": "glmm", "exact_subsets_up_to": 3, "sampled_subsets": 60, "bootstrap": 30, "seed": 5}
SETTINGS |= {"subset_models": ["logit-reml-hk"]}
FUTURE = {"thresholds": [5], "patients": 40, "study": 60, "simulations": 20, "seed": 1}
FILES = ("estimates", "contrasts", "fits", "effects", "influence", "subsets", "bootstrap", "small_study", "future")
FILES += ("regression", "crosstab")


def rows_of(review, exact):
    """Rows as the reader of rows.csv gives them, over all studies and split; an exact count in its own column."""
    return [
        {"subset": subset, "group": subset and group, "use": "yes", "study": study, "year": year, "by": group}
        | {"events": low if exact and low == high else None, "events_from": low, "events_to": high, "patients": n}
        | {"subset": subset or "all"}
        for subset in ("", "by")
        for study, group, year, low, high, n in review
    ]


def stages(folder, rows):
    """Hand rows to every stage that pools them; give the bytes of what each wrote."""
    folder.mkdir()
    paths = {name: folder / f"{name}.csv" for name in FILES}
    whole, about = [row for row in rows if row["subset"] == "all"], {"analysis": "x", "level": 0.95}
    pooling = {"models": ["glmm", "glmm-t", "logit-reml", "crude"], "subgroup_models": ["glmm", "logit-reml-hk"]}
    contrasts = [{"by": "by", "first": "X", "second": "Y"}]
    pool_analysis_file(rows, paths["estimates"], paths["contrasts"], **about, **pooling, contrasts=contrasts)
    detail_fit_file(whole, paths["fits"], paths["effects"], **about, primary="glmm")
    # One arm a study: with several and limits each is a single fit, which has a test of its own above.
    single = list({row["study"]: row for row in whole}.values())
    leave_out_file(single, paths["influence"], **about, primary="glmm")
    resample_file(single, paths["subsets"], paths["bootstrap"], **about, settings=SETTINGS)
    small_study_file(whole, paths["small_study"], analysis="x")
    predict_future_file(single, paths["future"], **about, primary="glmm", settings=FUTURE)
    settings = {"level": 0.95, "permutations": 30, "seed": 1}
    events, patients, study = counts_of(add_arms(whole))
    year = np.array([[row["year"]] for row in add_arms(whole)], float)
    by_year = Studies(events, np.array(patients), np.array(study), year)
    found = [regress(by_year, model, **settings) | {"model": model} for model in ("glmm", "logit-reml-hk")]
    write(
        paths["regression"],
        [{"analysis": "x"} | row for row in found + regress_factors(rows, {"by": ["X", "Y"]}, settings)],
    )
    write(paths["crosstab"], crosstab_rows(rows, "x", {"by": ["X", "Y"], "year": []}))
    return {name: path.read_bytes() for name, path in paths.items()}


def test_every_stage_takes_counts_within_limits_and_says_what_it_does(tmp_path):
    stages(tmp_path / "within", rows_of(REVIEW, exact=True))
    tables = {name: read_table(tmp_path / "within" / f"{name}.csv") for name in FILES}
    said = {name: " | ".join({row.get("status", "") for row in table}) for name, table in tables.items()}
    for row in tables["estimates"]:
        if row["test"] == "" and SEVERAL_ARMS not in row["status"]:
            assert row["estimate"] != "", row
            assert (MIDDLE in row["status"]) == (row["model"] in ("logit-reml-hk", "crude")), row
        assert (row["events"] == "") == (row["events_from"] != row["events_to"])
    assert {row["model"] for row in tables["estimates"] if row["test"]} >= {"glmm", "glmm-common"}
    within_one = [row for row in tables["contrasts"] if row["study"] in ("b", "j")]
    assert {row["p_test"] for row in within_one if row["measure"] == "odds ratio"} == {"likelihood ratio"}
    assert all(MIDDLE in row["status"] for row in within_one if row["measure"] == "risk difference")
    assert len(within_one) == 4 and all(row["estimate"] != "" for row in tables["contrasts"])
    (fit,) = tables["fits"]
    assert fit["status"] == OK and all(fit[name] != "" for name in ("average", "profile_low", "lr_tau2_p"))
    assert [row["study"] for row in tables["effects"]] == list("abcdefghij")
    for row in tables["effects"]:
        assert 0 < float(row["low"]) < float(row["fitted"]) < float(row["high"])
        assert (row["proportion"] == "") == (row["events"] == "") == (row["events_from"] != row["events_to"])
    assert all(row["estimate"] != "" for name in ("influence", "subsets") for row in tables[name])
    assert DRAWN_EXACT in said["bootstrap"] and all(row["low"] != "" for row in tables["bootstrap"])
    assert MIDDLE in said["small_study"] and all(row["p"] != "" for row in tables["small_study"])
    assert len(tables["future"]) == 9 and said["future"] == OK
    glmm, reml, *factor = tables["regression"]
    assert MIDDLE not in glmm["status"] and MIDDLE in reml["status"]
    assert all(float(row["permutation_p"]) > 0 and row["slope"] != "" for row in (glmm, reml))
    assert factor[0]["lr_p"] != "" and NOT_EXCHANGEABLE in factor[0]["status"]
    assert "" in {row["events"] for row in tables["crosstab"]} and len(tables["crosstab"]) > 6


def test_limits_that_meet_are_the_exact_count_in_every_stage_byte_for_byte(tmp_path):
    review = [(study, group, year, low, low, n) for study, group, year, low, _, n in REVIEW]
    one, other = (stages(tmp_path / str(exact), rows_of(review, exact)) for exact in (True, False))
    assert one == other
    assert MIDDLE.encode() not in b"".join(one.values())


def test_inside_one_study_the_odds_ratio_is_that_of_the_likeliest_proportions():
    """One study tells no heterogeneity: each arm has the proportion at which its limits are likeliest."""
    found = odds_ratio_shared(within([3, 8], [5, 8]), [61, 127], ["b", "b"], [True, False])
    assert np.log(found.estimate) == pytest.approx(highest(3, 5, 61)[0] - logit(8 / 127), abs=1e-9)
    y, n = within([3, 8], [5, 8]), np.array([61, 127])
    flat = -minimize_scalar(lambda x: -np.log(mass(y["low"], y["high"], n, expit(x))).sum(), bracket=(-3, -2)).fun
    own = highest(3, 5, 61)[1] + binom.logpmf(8, 127, 8 / 127)
    assert found.p == pytest.approx(chi2.sf(2 * (own - flat), 1), rel=1e-6)


def test_a_group_that_may_have_no_events_is_in_the_test_without_an_estimate():
    rows = [("a", 16, 17, 168), ("b", 8, 8, 127), ("c", 2, 2, 97), ("d", 0, 2, 140), ("e", 0, 3, 60), ("f", 0, 0, 50)]
    found = fit_common(*columns(rows), list("XXXYYY"))
    null, own = (pool("glmm", *columns(some)).loglik for some in (rows, rows[:3]))
    assert found.test.statistic == pytest.approx(2 * (own - null), abs=1e-8)  # at 0 the others are certain
    assert list(found.estimates) == ["X"] and "Y: possibly no events" in found.test.status
    none = fit_common(*columns(rows[3:]), list("XYY"))
    assert not none.test.name and "or there may be" in none.test.status


def test_a_regression_says_what_limits_leave_open():
    data = [("a", 0, 2, 60), ("b", 0, 1, 50), ("c", 0, 0, 70), ("d", 0, 3, 80)]
    events, patients, study = columns(data)
    found = Studies(events, np.array(patients), np.array(study), np.arange(4.0)[:, None])
    assert regress(found, "glmm")["status"] == "possibly no events: not fitted"
    assert MIDDLE in regress(found, "logit-reml")["status"]


def test_two_maxima_are_said_within_limits_too():
    """A large register beside small series: the same two hills as of the exact counts, single and by the thousand."""
    rows = [("a", 3, 3, 30), ("b", 1, 2, 25), ("c", 9, 9, 40), ("d", 0, 0, 20), ("e", 395, 405, 20000)]
    events, patients, study = columns(rows)
    one = pool("glmm", events, patients, study)
    assert "the likelihood has two maxima" in one.status
    alone = partial(pytest.fail, "the single fit was asked for")
    (found,) = pool_many("glmm", events, np.array(patients), np.ones((1, 5), bool), np.zeros(5, bool), alone)
    assert found["status"] == one.status and found["tau2"] == pytest.approx(one.tau2, rel=1e-7, abs=1e-9)
    assert fit_batch(events, patients).tau[0] ** 2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-9)  # its own climb
