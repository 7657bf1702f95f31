"""Two-stage models: transformations and their inverses, intervals, many data sets at once."""

import math

import numpy as np
import pytest
from scipy.stats import chi2, norm, t
from synthesis.models.estimators import ESTIMATORS, find_maxima, log_likelihood, weighted_fit
from synthesis.models.heterogeneity import i2
from synthesis.models.measures import MEASURES
from synthesis.models.result import OK
from synthesis.models.twostage import (
    AT_THE_END,
    INTERVALS,
    NO_SPREAD,
    NO_WIDTH,
    ONE_STUDY,
    OUTSIDE,
    SEVERAL_ARMS,
    VARIANTS,
    pool_batch,
    pool_two_stage,
    two_stage_models,
)
from synthesis.words.terms import UNKNOWN_TAU2, is_ok

MILLER = np.array([3, 6, 10, 1]), np.array([11, 17, 21, 6])
# Twelve rare-event rows with three zeros, an ordinary set, and one with 0 %, 100 % and sizes from 12 to 30,000.
RARE = np.array([0, 1, 0, 3, 2, 0, 1, 4, 1, 2, 1, 5]), np.array([31, 40, 22, 98, 75, 18, 60, 110, 47, 52, 39, 130])
COMMON = np.array([10, 12, 40, 25, 7, 66, 31]), np.array([89, 38, 127, 60, 55, 140, 99])
UNEVEN = np.array([0, 12, 300, 5, 1, 29_000, 3, 40]), np.array([50, 12, 2000, 20, 400, 30_000, 900, 41])
DATA = [RARE, COMMON, UNEVEN]


def one(x, n, **options):
    return pool_two_stage(np.asarray(x), np.asarray(n), np.arange(len(x)), **options)


# Miller JJ. Am Stat 1978;32:138: the table and the two means of page 138, four decimals. Miller's values are sums of
# two arcsines, ours their mean.
def test_miller_1978_transformed_values():
    y, v = MEASURES["ft"].transform(*MILLER)
    assert np.array_equal((2 * y).round(4), [1.1391, 1.2888, 1.5253, 0.9515])
    assert np.array_equal((4 * v).round(4), [0.0870, 0.0571, 0.0465, 0.1538])
    assert np.allclose(MEASURES["ft"].back(y, MILLER[1]), MILLER[0] / MILLER[1], rtol=1e-14)


def test_miller_1978_back_transformation_of_means():
    y, v = MEASURES["ft"].transform(*MILLER)
    harmonic = 4 / np.sum(1 / MILLER[1])
    assert round(2 * y.mean(), 4) == 1.2262
    assert round(float(MEASURES["ft"].back(y.mean(), harmonic)), 4) == 0.3164
    weighted = weighted_fit(0.0, y, v, np.ones(4))[0]
    assert round(2 * weighted, 4) == 1.3093
    assert round(float(MEASURES["ft"].back(weighted, harmonic)), 4) == 0.3595


def test_metafor_example_of_the_double_arcsine():
    """metafor's miller1978 example with proportions of 0 and 1: equal-effects mean 0.6886 (0.5734 to 0.7943)."""
    x, n = np.array([0, 4, 9, 16, 20]), np.array([10, 10, 15, 20, 20])
    y, v = MEASURES["ft"].transform(x, n)
    back = MEASURES["ft"].back
    assert np.allclose(back(y, n), [0, 0.4, 0.6, 0.8, 1], atol=1e-15)
    mean, variance, _ = weighted_fit(0.0, y, v, np.ones(5))
    limits = back(mean + norm.ppf([0.5, 0.025, 0.975]) * math.sqrt(variance), 5 / np.sum(1 / n))
    assert np.array_equal(limits.round(4), [0.6886, 0.5734, 0.7943])


@pytest.mark.parametrize("measure", MEASURES)
def test_back_transformation_inverts_and_stays_between_0_and_1(measure):
    n = np.repeat([7, 40, 5000], 3)
    x = np.array([1, 3, 6, 1, 20, 39, 1, 2500, 4999])
    y, v = MEASURES[measure].transform(x, n)
    assert np.allclose(MEASURES[measure].back(y, n), x / n, rtol=1e-12)
    assert (v > 0).all()
    wild = MEASURES[measure].back(np.linspace(-9, 9, 1001), 40)
    assert (np.diff(wild) >= 0).all() and wild.min() >= 0 and wild.max() <= 1
    table = MEASURES[measure].transform(x.reshape(3, 3), n.reshape(3, 3))
    assert np.array_equal(table[0].ravel(), y) and np.array_equal(table[1].ravel(), v)


def test_limits_beyond_the_scale_are_clamped():
    assert MEASURES["arcsine"].back(-0.2) == 0 and MEASURES["arcsine"].back(2.0) == 1
    assert MEASURES["log"].back(0.3) == 1
    assert MEASURES["ft"].back(0.01, 30) == 0 and MEASURES["ft"].back(1.56, 30) == 1


@pytest.mark.parametrize("measure", ["logit", "arcsine", "ft"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_events_and_non_events_mirror_each_other(measure, estimator):
    for x, n in DATA:
        a, b = (one(e, n, measure=measure, estimator=estimator, interval="hk") for e in (x, n - x))
        for low, high in (("estimate", "estimate"), ("ci_low", "ci_high"), ("pi_high", "pi_low")):
            assert math.isclose(getattr(a, low), 1 - getattr(b, high), rel_tol=1e-9, abs_tol=1e-12)
        assert math.isclose(a.tau2, b.tau2, rel_tol=1e-8, abs_tol=1e-12)


def test_freeman_tukey_can_leave_every_study_behind():
    """The reason not to use it (Schwarzer et al. 2019): every study has events, and the pool would be exactly 0."""
    x, n = np.array([3, 2, 1, 1]), np.array([90_000, 60_000, 40_000, 20])
    ft, logit = (one(x, n, measure=m, estimator="DL") for m in ("ft", "logit"))
    assert (x / n).min() < logit.estimate < (x / n).max()
    assert ft.status == OUTSIDE and math.isnan(ft.estimate)
    x, n = np.array([0, 1, 0, 1]), np.array([300, 400, 9_000, 20])
    ft = one(x, n, measure="ft", estimator="DL")
    assert ft.estimate == ft.ci_low == 0 < ft.ci_high
    assert ft.status == f"ok; {AT_THE_END}", "0 is printed beside events, and nothing says why"


def test_an_interval_without_width_is_not_called_ok():
    """Freeman–Tukey on 0, 0 and 1 of 1, 1 and 43: both limits fall beyond the smallest value of the transformation."""
    pooled = one(np.array([0, 0, 1]), np.array([1, 1, 43]), measure="ft", estimator="DL")
    assert pooled.status == OUTSIDE and math.isnan(pooled.estimate) and math.isnan(pooled.ci_high)
    batch = pool_batch([0, 0, 1], [1, 1, 43], measure="ft", estimator="DL")
    assert not batch.ok[0] and math.isnan(batch.ci_high[0])


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(("measure", "estimator"), [("logit", "REML"), ("arcsine", "DL"), ("log", "PM"), ("ft", "SJ")])
def test_modified_hartung_knapp_is_never_narrower(data, measure, estimator):
    fits = {i: one(*data, measure=measure, estimator=estimator, interval=i) for i in INTERVALS}
    assert fits["mhk"].se == max(fits["wald"].se, fits["hk"].se)
    assert fits["mhk"].ci_low <= min(fits["wald"].ci_low, fits["hk"].ci_low)
    assert fits["mhk"].ci_high >= max(fits["wald"].ci_high, fits["hk"].ci_high)
    assert fits["wald"].estimate == fits["hk"].estimate == fits["mhk"].estimate


def test_a_hartung_knapp_interval_narrower_than_walds_says_so():
    """Studies more alike than chance makes them (Q far below its df) are no reason to be surer."""
    x, n = [10, 21, 30, 40, 52], [50, 100, 150, 200, 250]
    wald, hk, mhk = (one(x, n, interval=interval) for interval in ("wald", "hk", "mhk"))
    assert wald.ci_low < hk.ci_low < hk.ci_high < wald.ci_high
    share = (math.log(hk.ci_high / (1 - hk.ci_high)) - math.log(hk.ci_low / (1 - hk.ci_low))) / (2 * 1.959964 * wald.se)
    assert hk.status == (
        f"ok; Hartung–Knapp interval narrower than Wald's, {100 * share:.0f}% of its width (Q = {wald.q:.2f} on 4 df): "
        "read the others too"
    )
    assert wald.status == mhk.status == OK
    assert one(*COMMON, interval="hk").status == OK


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("measure", MEASURES)
def test_tau2_of_studies_that_are_all_or_none_is_not_of_the_data(measure, interval):
    """With one patient a study the data cannot tell a spread of 0 from one without end."""
    said = {
        name: one(x, n, measure=measure, interval=interval).status
        for name, (x, n) in {
            "one": ([0, 1, 0, 1, 1, 0], [1] * 6),
            "all": ([0, 2, 0, 20, 1, 0], [1, 2, 9, 20, 1, 4]),
            "some": ([0, 1, 0, 1, 1, 1], [1, 1, 1, 1, 1, 2]),
        }.items()
    }
    assert UNKNOWN_TAU2 in said["one"] and NO_SPREAD in said["all"]
    assert UNKNOWN_TAU2 not in said["some"] and NO_SPREAD not in said["some"]


def test_modified_hartung_knapp_falls_back_on_walds_error_with_t():
    x, n = [10, 20, 30], [50, 100, 150]
    assert one(x, n, interval="hk").status == NO_WIDTH
    result = one(x, n, interval="mhk")
    half = t.ppf(0.975, 2) * one(x, n).se
    assert result.status == OK
    assert math.isclose(result.ci_low, 1 / (1 + math.exp(math.log(4) + half)), rel_tol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_numbers_keep_their_definitions(measure):
    x, n = COMMON
    result = one(x, n, measure=measure, level=0.9)
    y, v = MEASURES[measure].transform(x, n)
    w = 1 / v
    q = np.sum(w * (y - np.sum(w * y) / w.sum()) ** 2)
    assert math.isclose(result.q, q) and math.isclose(result.q_p, chi2.sf(q, 6)) and result.q_df == 6
    assert math.isclose(result.i2, i2(result.tau2, v))
    harmonic = 7 / np.sum(1 / n)
    w = 1 / (v + result.tau2)
    mean, spread = np.sum(w * y) / w.sum(), math.sqrt(result.tau2 + 1 / w.sum())
    assert math.isclose(result.se, w.sum() ** -0.5)
    assert math.isclose(result.estimate, MEASURES[measure].back(mean, harmonic), rel_tol=1e-12)
    low = MEASURES[measure].back(mean - t.ppf(0.95, 6) * spread, harmonic)
    assert math.isclose(result.pi_low, low, rel_tol=1e-12)
    assert result.tau2_low < result.tau2 < result.tau2_high


def test_estimators_satisfy_their_equations():
    for measure in MEASURES.values():
        for x, n in DATA:
            y, v = measure.transform(x, n)
            k, every = len(y), np.ones(len(y))
            tau2 = {name: float(find_maxima(name, y, v).tau2) for name in ESTIMATORS}
            assert min(tau2.values()) >= 0
            assert tau2["EB"] == tau2["PM"]
            q = weighted_fit(tau2["PM"], y, v, every)[2]
            assert math.isclose(q, k - 1, rel_tol=1e-12) or (tau2["PM"] == 0 and q < k - 1)
            for name in ("ML", "REML"):
                top = log_likelihood(tau2[name], y, v, every, name == "REML")
                for other in (0.0, *np.geomspace(1e-3 * v.min(), np.ptp(y) ** 2, 500)):
                    assert log_likelihood(other, y, v, every, name == "REML") <= top + 1e-12


def test_pymare_agrees_where_it_has_the_number():
    """PyMARE's own means and intervals, from its own tau2: its search ends within 1e-6 of ours."""
    from pymare.estimators import DerSimonianLaird, Hedges, VarianceBasedLikelihoodEstimator

    corrections = {"wald": "wald", "hk": "knapp-hartung", "mhk": "knapp-hartung-conservative"}
    for x, n in (RARE, COMMON):
        y, v = (a[:, None] for a in MEASURES["logit"].transform(x, n))
        for interval, correction in corrections.items():
            for estimator, theirs in (
                ("DL", DerSimonianLaird(small_sample_correction=correction)),
                ("HE", Hedges(small_sample_correction=correction)),
                ("ML", VarianceBasedLikelihoodEstimator(method="ML", small_sample_correction=correction)),
                ("REML", VarianceBasedLikelihoodEstimator(method="REML", small_sample_correction=correction)),
            ):
                ours = one(x, n, estimator=estimator, interval=interval)
                params = theirs.fit(y=y, v=v, X=np.ones((len(y), 1))).params_
                tolerance = 1e-12 if estimator in ("DL", "HE") else 2e-6
                assert math.isclose(ours.tau2, params["tau2"].item(), rel_tol=tolerance, abs_tol=1e-6)
                assert math.isclose(ours.se, math.sqrt(params["inv_cov"].item()), rel_tol=tolerance)
                assert math.isclose(ours.estimate, 1 / (1 + math.exp(-params["fe_params"].item())), rel_tol=tolerance)


# Base R: the restricted likelihood on a grid of 4,000 τ² and `optimize` on each hill. metafor 3.8-1 finds either, by
# its start: rma(yi, vi, data=escalc("PLO", xi=x, ni=n, add=1/2, to="only0"), control=list(tau2.init=0 or 0.5)).
@pytest.mark.parametrize(
    ("x", "n", "kept", "next_at", "next_proportion", "lower"),
    [
        ([14792, 189, 7, 1], [1000000, 13406, 172, 9], 0.3548607, 0, 0.01479178, 2.339843 - 1.788494),
        ([1, 0, 1, 10, 6383], [100, 20, 44, 105, 92444], 0, 0.2967732, 0.05410744, 2.850184 - 2.756076),
    ],
)
def test_two_hills_of_the_restricted_likelihood_are_said_alone_and_in_a_batch(
    x, n, kept, next_at, next_proportion, lower
):
    said = one(x, n).status
    assert one(x, n).tau2 == pytest.approx(kept, rel=1e-6)
    where = f"a proportion of {next_proportion:.4g} and tau2 = {next_at:.4g}, lower by {lower:.3g} in its logarithm"
    assert said == f"ok; the likelihood has two maxima: the next lies at {where}"
    masks = np.ones((2, len(x) + 1), bool)
    masks[:, -1] = False, True  # beside another set
    assert pool_batch([*x, 3], [*n, 50], masks).status[0] == said
    mirrored = one(np.subtract(n, x), n)
    assert mirrored.tau2 == pytest.approx(kept, rel=1e-6) and f"tau2 = {next_at:.4g}" in mirrored.status


def test_one_hill_is_not_called_two():
    assert [one(*data, estimator=name).status for data in DATA for name in ("ML", "REML")] == [OK] * 6


def test_one_study_and_several_arms_are_not_pooled():
    assert one([3], [40]).status == ONE_STUDY
    arms = pool_two_stage(np.array([3, 5, 2]), np.array([40, 38, 60]), np.array(["a", "a", "b"]))
    assert arms.status == SEVERAL_ARMS and math.isnan(arms.estimate) and (arms.k, arms.studies) == (3, 2)


def test_two_studies_have_no_prediction_interval():
    result = one([3, 9], [40, 50])
    assert result.status == OK and math.isnan(result.pi_low) and math.isnan(result.pi_high)


def test_the_table_of_models():
    models = two_stage_models()
    assert list(models) == [
        *("logit-reml", "logit-reml-hk", "logit-reml-mhk", "logit-dl", "logit-dl-hk", "logit-dl-mhk"),
        *("logit-ml", "logit-pm", "logit-he", "logit-sj", "arcsine-reml", "arcsine-reml-hk", "arcsine-reml-mhk"),
        *("log-reml", "log-reml-hk", "ft-dl"),
    ]
    assert len(models) == sum(len(intervals) for *_, intervals in VARIANTS)
    for name, model in models.items():
        result = model.pool(*COMMON, np.arange(7), 0.95)
        assert result.model == name and is_ok(result.status)
        assert model.reference and model.description.startswith(f"Inverse variance on the {model.scale} scale, ")
    assert models["logit-reml-hk"].description == "Inverse variance on the logit scale, REML, Hartung–Knapp interval"


# Many at once. One in 1e8 is asked for; ML and REML climb from different starts and meet to about 1e-12.
FIELDS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "i2", "q")


def assert_same(batch, d, single, x, n):
    pooled = is_ok(single.status) and 0 < x.sum() < n.sum()  # models.pool sees to the others before it comes here
    assert batch.ok[d] == pooled
    assert batch.k[d] == len(x)
    assert batch.status[d] == (single.status if pooled else ""), "a remark of the single fit is lost among many"
    for field in FIELDS:
        ours, theirs = getattr(batch, field)[d], getattr(single, field) if pooled else math.nan
        same = math.isclose(ours, theirs, rel_tol=1e-8, abs_tol=1e-12) or (math.isnan(ours) and math.isnan(theirs))
        assert same, (field, ours, theirs)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("measure", MEASURES)
def test_two_hundred_subsets_at_once_are_each_alone(data, measure):
    x, n = data
    rng = np.random.default_rng(20)
    mask = rng.random((200, len(x))) < rng.uniform(0.1, 1, (200, 1))
    kinds = [(e, i) for e in ESTIMATORS for i in INTERVALS]
    for j, (estimator, interval) in enumerate(kinds):
        options = {"measure": measure, "estimator": estimator, "interval": interval}
        batch = pool_batch(x, n, mask, **options)
        for d in range(j % 20, 200, 20):  # every set is refitted alone by one of the 21 kinds at least
            some = mask[d]
            single = pool_two_stage(x[some], n[some], np.flatnonzero(some), **options)
            assert_same(batch, d, single, x[some], n[some])


@pytest.mark.parametrize("estimator", ["REML", "DL"])
def test_every_one_of_two_hundred_subsets(estimator):
    x, n = RARE
    mask = np.random.default_rng(3).random((200, len(x))) < 0.25
    batch = pool_batch(x, n, mask, estimator=estimator)
    for d, some in enumerate(mask):
        single = pool_two_stage(x[some], n[some], np.flatnonzero(some), estimator=estimator)
        assert_same(batch, d, single, x[some], n[some])
    assert 100 < batch.ok.sum() < 200


@pytest.mark.parametrize("estimator", ["REML", "ML", "DL", "HE"])
def test_resampled_counts_with_and_without_a_mask(estimator):
    """A mask of ones is no mask."""
    x, n = COMMON
    counts = np.random.default_rng(5).binomial(n, x / n, (300, len(n)))
    plain, masked = (pool_batch(counts, n, mask, estimator=estimator) for mask in (None, np.ones(counts.shape, bool)))
    for field in FIELDS:
        assert np.allclose(getattr(plain, field), getattr(masked, field), rtol=1e-8, atol=1e-12)
    for d in range(0, 300, 30):
        assert_same(plain, d, one(counts[d], n, estimator=estimator), counts[d], n)


def test_nothing_to_pool_is_said_in_the_batch_too():
    x, n = np.array([0, 0, 4, 5, 9]), np.array([10, 20, 40, 50, 9])
    mask = np.array(
        [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 1, 0], [1, 1, 1, 1, 1]], bool
    )
    batch = pool_batch(x, n, mask, interval="hk")
    assert batch.k.tolist() == [0, 1, 2, 1, 2, 5]
    assert batch.ok.tolist() == [False, False, False, False, False, True]  # the fifth has two studies of 10 %
    assert all(np.isnan(getattr(batch, field)[:5]).all() for field in FIELDS)
    assert pool_batch(x, n, mask).ok.tolist() == [False, False, False, False, True, True]


def test_chunks_do_not_show(monkeypatch):
    x, n = UNEVEN
    mask = np.random.default_rng(1).random((100, len(x))) < 0.7
    whole = pool_batch(x, n, mask)
    monkeypatch.setattr("synthesis.models.twostage.CHUNK", 60)
    parts = pool_batch(x, n, mask)
    assert all(np.array_equal(getattr(whole, f), getattr(parts, f), equal_nan=True) for f in (*FIELDS, "k", "ok"))
