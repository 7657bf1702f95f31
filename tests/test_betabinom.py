"""The beta-binomial model against R (an exact likelihood in plain R), and against what must hold of any fit.

`tests/golden/` holds the data, the calls and the versions; `Rscript tests/golden/reference.R` makes it again.
"""

import math
from dataclasses import astuple

import numpy as np
import pytest
from scipy.special import betaln, expit, gammaln, logit, logsumexp
from scipy.stats import chi2
from synthesis.models.betabinom import SEPARATED, SEVERAL_ARMS, fit_batch, pool_betabinom
from synthesis.models.betabinom_sums import PLAIN, gather_sums, log_likelihood, slopes, sum_nodes
from synthesis.models.counts import within
from synthesis.models.result import OK
from synthesis.words.terms import ALL_OR_NONE, MAY_BE_ALL, MAY_BE_NONE
from test_golden_proportions import NAMES, REFERENCE, read_data

# Ours → (R's name, relative tolerance, the worst value seen over all data sets when it was set).
TOLERANCE = {
    "estimate": ("p", 1e-8, 1.3e-10),
    "se": ("se_logit_p", 1e-8, 4.9e-10),
    "tau2": ("rho", 1e-8, 9.6e-10),  # both worst with a million patients a study, where a score is 1e-10 of rounding
    "loglik": ("loglik", 1e-8, 1.2e-10),
}
HALF = 1.959963984540054


def fit(events, patients, level=0.95):
    return pool_betabinom(np.asarray(events), np.asarray(patients), np.arange(len(events)), level)


def draw(rng, size: int, k: int = 8):
    """Draw a stack of data sets from homogeneous to extreme, of 2 to k studies of 1 to 79 patients."""
    patients = rng.integers(1, 80, (size, k))
    rho, mean = rng.choice([0.003, 0.03, 0.1, 0.3, 0.7], size), rng.choice([0.01, 0.1, 0.3, 0.9], size)
    a, b = (share / (rho / (1 - rho)) for share in (mean, 1 - mean))
    events = rng.binomial(patients, rng.beta(a[:, None], b[:, None], (size, k)))
    return events, patients, np.arange(k) < rng.integers(2, k + 1, size)[:, None]


def test_the_grid_of_data_sets_is_complete():
    assert len(NAMES) >= 39
    for name in NAMES:
        assert {theirs for theirs, _, _ in TOLERANCE.values()} <= set(REFERENCE[name, "betabinom"]), name


@pytest.mark.parametrize("name", NAMES)
def test_numbers_agree_with_r(name):
    events, patients = read_data(name)
    result, reference = fit(events, patients), REFERENCE[name, "betabinom"]
    if events.sum() in (0, patients.sum()):
        assert result.status == SEPARATED and math.isnan(result.estimate) and math.isnan(reference["p"])
        return
    assert result.status == OK
    for quantity, (theirs, tolerance, _) in TOLERANCE.items():
        ours, value = getattr(result, quantity), reference[theirs]
        assert math.isclose(ours, value, rel_tol=tolerance), f"{quantity}: ours {ours!r}, R {value!r}"
    assert (result.tau2 == 0) == (reference["rho"] == 0)
    assert math.isclose(logit(result.ci_low), logit(reference["p"]) - HALF * reference["se_logit_p"], rel_tol=1e-7)
    assert math.isclose(logit(result.ci_high), logit(reference["p"]) + HALF * reference["se_logit_p"], rel_tol=1e-7)
    homogeneity = REFERENCE[name, "glmm-exact"]
    if len(events) > 1:
        assert math.isclose(result.q, homogeneity["QE_LRT"], rel_tol=1e-9, abs_tol=1e-9)
        assert math.isclose(result.q_p, homogeneity["QE_LRT_p"], rel_tol=1e-8, abs_tol=1e-9)
    assert math.isnan(result.i2)


@pytest.mark.parametrize("name", NAMES)
def test_interval_of_the_overdispersion_lies_where_the_profile_has_dropped(name):
    """An end of the interval is 0, or the likelihood there, maximised in the mean, is χ²/2 below the maximum."""
    events, patients = read_data(name)
    result = fit(events, patients)
    if result.status != OK:
        return
    sums = gather_sums(events[None], patients[None], np.ones((1, len(events)), bool))
    grid = logit(result.estimate) + np.linspace(-4, 4, 4001)
    many = sums.take(np.zeros(len(grid), int))
    assert 0 <= result.tau2_low <= result.tau2 <= result.tau2_high < 1
    for end in (result.tau2_low, result.tau2_high):
        profile = np.max(log_likelihood(many, grid, np.full(len(grid), end / (1 - end)))) + sums.constant[0]
        drop = 2 * (result.loglik - profile)
        if end == 0:
            assert drop <= chi2.ppf(0.95, 1) + 1e-3
        else:
            assert math.isclose(drop, chi2.ppf(0.95, 1), abs_tol=2e-2)  # the grid of means is that coarse


@pytest.mark.parametrize("name", ["pritz1997", "bcg_treated", "hine1989_treated"])
def test_prediction_interval_holds_95_per_cent_of_new_studies(name):
    """By simulation from R's estimates; t limits on the logit scale hold far more where a or b is below 1."""
    events, patients = read_data(name)
    result, reference = fit(events, patients), REFERENCE[name, "betabinom"]
    rng = np.random.default_rng(20261124)
    mean = logit(reference["p"]) + reference["se_logit_p"] * rng.standard_t(len(events) - 1, 400_000)
    new = expit(mean)
    if reference["rho"] > 0:
        both = 1 / reference["rho"] - 1
        new = rng.beta(np.maximum(new * both, 1e-300), np.maximum((1 - new) * both, 1e-300))
    assert math.isclose(np.mean(new < result.pi_low), 0.025, abs_tol=1e-3)
    assert math.isclose(np.mean(new > result.pi_high), 0.025, abs_tol=1e-3)


def test_no_prediction_interval_from_two_studies():
    result = fit([3, 9], [40, 50])
    assert result.status == OK and math.isnan(result.pi_low) and math.isnan(result.pi_high)


def test_homogeneous_studies_give_the_crude_proportion():
    """At ρ = 0 the model is the binomial one: total events over total patients, and its standard error."""
    result = fit([4, 8, 12], [20, 40, 60])
    assert result.tau2 == 0 and result.tau2_low == 0
    assert math.isclose(result.estimate, 24 / 120, rel_tol=1e-15)
    assert math.isclose(result.se, 1 / math.sqrt(120 * 0.2 * 0.8), rel_tol=1e-12)


def test_likelihood_is_continuous_at_no_overdispersion():
    """The summed logarithms go over into the binomial likelihood; the form with betaln is off by 0.1 and more."""
    y, n = np.array([[3.0, 0, 17, 5]]), np.array([[40.0, 25, 400, 61]])
    sums, p = gather_sums(y, n, np.ones((1, 4), bool)), 0.06
    binomial = y.sum() * math.log(p) + (n - y).sum() * math.log(1 - p)
    gaps = []
    for phi in (1e-8, 1e-10, 1e-12, 1e-15, 0.0):
        gaps.append(abs(log_likelihood(sums, np.array([logit(p)]), np.array([phi]))[0] - binomial))
    assert gaps == sorted(gaps, reverse=True) and gaps[2] < 1e-7 and gaps[-1] < 1e-11
    a, b = p / 1e-15, (1 - p) / 1e-15
    assert abs(np.sum(betaln(y + a, n - y + b) - betaln(a, b)) - binomial) > 0.1


@pytest.mark.parametrize("phi", [1e-9, 1e-5, 1e-2, 1.0, 1e4])
def test_gathered_sums_agree_with_term_by_term_sums_and_with_gammaln(phi):
    """A few hundred nodes stand for a million terms; gammaln can say so only where φ is not small."""
    y, n = np.array([[0.0, 3, 151, 40_003, 250_000]]), np.array([[900.0, 70, 5_000, 1_000_000, 999_999]])
    mask, eta = np.ones((1, 5), bool), np.array([-1.4])
    short, long = (gather_sums(y, n, mask, plain) for plain in (PLAIN, 1_000_000))
    assert len(short.all[0]) < 400 < 900_000 < len(long.all[0])
    ours, direct = (log_likelihood(sums, eta, np.array([phi]))[0] for sums in (short, long))
    size = n.sum()
    assert abs(ours - direct) < 1e-13 * size
    for one, other in zip(slopes(short, eta, np.array([phi])), slopes(long, eta, np.array([phi])), strict=True):
        assert np.allclose(one, other, rtol=1e-10, atol=1e-14 * size)
    if phi >= 1e-2:
        a, b = expit(-1.4) / phi, expit(1.4) / phi
        terms = gammaln(a + y) - gammaln(a) + gammaln(b + n - y) - gammaln(b) - gammaln(a + b + n) + gammaln(a + b)
        assert abs(ours - terms.sum()) < 1e-13 * size


def test_runs_carry_powers_exactly():
    x, weight, begins = sum_nodes(np.array([5_000, 300_000]))
    for top in (5_000, 300_000):
        used = weight * (begins < top)
        assert math.isclose(used.sum(), top, rel_tol=1e-14)
        assert math.isclose(used @ x**3, (top * (top - 1) // 2) ** 2, rel_tol=1e-13)


def test_slopes_agree_with_differences():
    y, n = np.array([[0.0, 3, 17, 5]]), np.array([[25.0, 40, 400, 61]])
    sums, at, step = gather_sums(y, n, np.ones((1, 4), bool)), np.array([-2.5, math.log(0.03)]), 1e-5

    def value(theta):
        return log_likelihood(sums, theta[:1], np.exp(theta[1:]))[0]

    def score(theta):
        return slopes(sums, theta[:1], np.exp(theta[1:]))[0][0]

    _, hessian = slopes(sums, at[:1], np.exp(at[1:]))
    for i, move in enumerate(np.eye(2) * step):
        assert math.isclose(score(at)[i], (value(at + move) - value(at - move)) / (2 * step), rel_tol=1e-6)
        assert np.allclose(hessian[0, i], (score(at + move) - score(at - move)) / (2 * step), rtol=1e-6)


def test_complement_is_a_mirror_image():
    events, patients = read_data("nielweise2007_control")
    yes, no = fit(events, patients), fit(patients - events, patients)
    assert math.isclose(yes.estimate, 1 - no.estimate, rel_tol=1e-9)
    assert math.isclose(yes.ci_low, 1 - no.ci_high, rel_tol=1e-9)
    assert math.isclose(yes.pi_high, 1 - no.pi_low, rel_tol=1e-9)
    for quantity in ("tau2", "tau2_low", "tau2_high", "se", "loglik", "q"):
        assert math.isclose(getattr(yes, quantity), getattr(no, quantity), rel_tol=1e-8)


def test_order_of_studies_does_not_matter():
    events, patients = read_data("bcg_control")
    first, order = fit(events, patients), np.random.default_rng(1).permutation(len(events))
    again = fit(events[order], patients[order])
    assert np.allclose(astuple(first)[5:17], astuple(again)[5:17], rtol=1e-12, equal_nan=True)


def test_a_million_patients_take_no_time():
    """n = 10⁶: bounded nodes, so bounded time and memory, near no overdispersion and far from it."""
    rng = np.random.default_rng(3)
    patients = np.full(12, 1_000_000)
    flat = fit(rng.binomial(patients, 0.02), patients)
    assert flat.status == OK and flat.tau2 < 1e-6 and flat.tau2_high < 1e-5
    wide = fit(rng.binomial(patients, rng.beta(2, 30, 12)), patients)
    assert wide.status == OK and 0.005 < wide.tau2 < 0.1


def test_the_higher_of_two_maxima_is_found():
    """13 of 66 and 3 of 4: the binomial boundary is a maximum (score below 0), and a higher one lies at ρ = 0.15.

    46 of 51, 0 of 2 and 75 of 79: one at ρ = 0.006, and a higher one at 0.35.
    """
    assert 0.3 < fit([46, 0, 75], [51, 2, 79]).tau2 < 0.4
    result = fit([13, 3], [66, 4])
    sums = gather_sums(np.array([[13, 3]]), np.array([[66, 4]]), np.ones((1, 2), bool))
    score, _ = slopes(sums, logit(sums.crude), np.array([1e-9]))
    assert score[0, 1] < 0 and 0.1 < result.tau2 < 0.2


def test_no_scan_finds_a_higher_likelihood():
    events, patients, mask = draw(np.random.default_rng(1), 600)
    batch = fit_batch(events, patients, mask)
    rows = np.flatnonzero(batch.ok)
    assert len(rows) > 350
    sums = gather_sums(events[rows], patients[rows], mask[rows])
    for phi in np.concatenate([[0], np.logspace(-6, 5, 45)]):
        eta, phis = logit(sums.crude), np.full(len(rows), phi)
        for _ in range(25):
            score, hessian = slopes(sums, eta, phis)
            eta = eta + np.clip(score[:, 0] / np.maximum(np.abs(hessian[:, 0, 0]), 1e-12), -1, 1)
        assert np.all(log_likelihood(sums, eta, phis) + sums.constant <= batch.loglik[rows] + 1e-9)


def test_batch_agrees_with_single_fits():
    """To 1e-8, with studies of their own for each data set, and with one set of studies under many masks."""
    events, patients, mask = draw(np.random.default_rng(2), 60)
    shared = draw(np.random.default_rng(4), 1)
    masks = np.random.default_rng(5).random((40, 8)) < 0.6
    large = np.array([[17, 403, 20_000, 90, 0, 1234, 5, 61], [0, 40, 12_345, 9, 3, 777, 5, 600]])
    sizes = np.array([[900, 9_000, 700_000, 2_000, 50, 60_000, 70, 5_000]] * 2)
    for y, n, m in (
        (events, patients, mask),
        (shared[0][0], shared[1][0], masks),
        (large, sizes, np.ones((2, 8), bool)),
    ):
        batch = fit_batch(y, n, m)
        for i in range(len(m)):
            one_y, one_n = np.broadcast_to(y, m.shape)[i][m[i]], np.broadcast_to(n, m.shape)[i][m[i]]
            assert batch.k[i] == len(one_y)
            if len(one_y) < 2:
                assert not batch.ok[i]
                continue
            single = fit(one_y, one_n)
            assert batch.ok[i] == (single.status == OK)
            for quantity in ("estimate", "ci_low", "ci_high", "se", "loglik"):
                ours, theirs = getattr(batch, quantity)[i], getattr(single, quantity)
                assert same(ours, theirs), (quantity, one_y, one_n)
            assert same(batch.rho[i], single.tau2)


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-8, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))


def test_batch_leaves_out_what_cannot_be_fitted():
    mask = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    batch = fit_batch([0, 4, 25, 0], [20, 50, 25, 30], mask)
    assert batch.ok.tolist() == [True, False, False, False, False]  # no events; all or nothing; one study; none
    assert batch.k.tolist() == [4, 2, 2, 1, 0]
    assert np.isnan(batch.estimate[1:]).all() and np.isnan(batch.rho[1:]).all()


def test_what_cannot_be_fitted_says_why():
    assert pool_betabinom([3, 4, 5], [30, 40, 50], ["a", "a", "b"]).status == SEVERAL_ARMS
    assert fit([0, 0], [10, 20]).status == SEPARATED
    assert fit([0, 20, 0], [10, 20, 15]).status == f"did not converge: {ALL_OR_NONE}"


def test_studies_of_one_patient_know_no_overdispersion():
    result = fit([0, 1, 0, 0, 1], [1, 1, 1, 1, 1])
    assert result.status == OK and result.tau2 == 0 and result.tau2_high == 1.0
    assert math.isclose(result.estimate, 0.4, rel_tol=1e-14)


def test_a_tiny_study_far_from_the_others_makes_a_second_maximum_that_is_said():
    """In R: optim() on the likelihood by lbeta() from rho = 0.01 stops at 0.00619, 0.259 below the top at 0.357557."""
    result = fit([46, 0, 75], [51, 2, 79])
    assert math.isclose(result.tau2, 0.3575568, rel_tol=1e-6)
    assert "has two maxima" in result.status and "rho = 0.006191, lower by 0.259 in" in result.status


# Counts known only within limits.

WITHIN = {  # from, to, patients
    "rounded": ([16, 20, 5], [17, 20, 5], [168, 90, 60]),
    "suppressed": ([0, 3, 19, 2], [4, 3, 19, 2], [50, 41, 60, 25]),
    "at least one": ([1, 30, 12], [200, 30, 12], [200, 100, 90]),
    "several": ([0, 16, 2, 5, 3], [4, 17, 2, 9, 30], [50, 168, 40, 77, 30]),
    "wide": ([1, 10, 3], [2255, 10, 9], [20000, 100, 60]),
}


def log_choose(n, y):
    return gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)


def fit_within(low, high, patients):
    return pool_betabinom(within(low, high), np.asarray(patients), np.arange(len(patients)))


@pytest.mark.parametrize("name", WITHIN)
def test_limits_have_the_sum_of_the_probabilities_of_their_counts(name):
    """By ``betaln``, at many points; score and Hessian by differences."""
    low, high, patients = (np.array(part) for part in WITHIN[name])
    sums = gather_sums(low[None], patients[None], np.ones((1, len(low)), bool), high=high[None])
    for eta, phi in ((-2.0, 0.05), (-3.5, 1.0), (0.3, 0.4)):
        a, b, height = expit(eta) / phi, expit(-eta) / phi, 0.0
        for first, last, n in zip(low, high, patients, strict=True):
            y = np.arange(first, last + 1)
            height += logsumexp(log_choose(n, y) + betaln(y + a, n - y + b) - betaln(a, b))
        here = np.array([eta, math.log(phi)])

        def at(theta, sums=sums):
            return (log_likelihood(sums, theta[:1], np.exp(theta[1:])) + sums.constant)[0]

        assert at(here) == pytest.approx(height, rel=1e-10)
        score, hessian = slopes(sums, here[:1], np.exp(here[1:]))
        for i, step in enumerate(np.eye(2) * 1e-5):
            assert (at(here + step) - at(here - step)) / 2e-5 == pytest.approx(score[0, i], rel=1e-5, abs=1e-5)
            beside = [
                slopes(sums, *np.split(np.array([t[0], math.exp(t[1])]), 2))[0][0] for t in (here + step, here - step)
            ]
            assert (beside[0] - beside[1]) / 2e-5 == pytest.approx(hessian[0, i], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", WITHIN)
def test_a_stack_with_limits_has_the_numbers_of_single_fits(name):
    low, high, patients = (np.array(part) for part in WITHIN[name])
    keep = ~np.eye(len(low), dtype=bool)
    batch = fit_batch(within(low, high), patients, keep)
    assert batch.ok.all()
    for i, rest in enumerate(keep):
        one = fit_within(low[rest], high[rest], patients[rest])
        for ours, theirs in (("estimate", "estimate"), ("se", "se"), ("rho", "tau2"), ("loglik", "loglik")):
            assert batch[ours][i] == pytest.approx(getattr(one, theirs), rel=1e-8, abs=1e-10), ours


def test_a_stack_may_hold_exact_sets_beside_sets_with_limits():
    """Sets that share no counts; what has no limits has the bits it has alone."""
    low, high = np.array([[3, 4, 9], [3, 4, 9]]), np.array([[3, 4, 9], [3, 8, 9]])
    batch = fit_batch(within(low, high), [30, 41, 60], np.ones((2, 3), bool))
    alone = [fit(low[0], [30, 41, 60]), fit_within(low[1], high[1], [30, 41, 60])]
    assert batch.estimate == pytest.approx([one.estimate for one in alone], rel=1e-10)
    assert alone[0].estimate < alone[1].estimate


def test_equal_limits_are_the_count_itself_and_no_knowledge_is_no_study():
    events, patients = np.array([3, 0, 9, 5]), np.array([40, 25, 60, 33])
    exact = astuple(fit(events, patients))
    assert astuple(fit_within(events, events, patients)) == exact
    told = fit_within([*events, 0], [*events, 70], [*patients, 70])
    for quantity in ("estimate", "ci_low", "ci_high", "se", "tau2", "tau2_low", "tau2_high", "loglik"):
        assert getattr(told, quantity) == pytest.approx(getattr(fit(events, patients), quantity), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("name", WITHIN)
def test_mirrored_limits_give_the_mirrored_answer(name):
    low, high, patients = (np.array(part) for part in WITHIN[name])
    yes, no = fit_within(low, high, patients), fit_within(patients - high, patients - low, patients)
    assert yes.status == no.status == OK
    assert [yes.estimate, yes.ci_low, yes.pi_low] == pytest.approx([1 - no.estimate, 1 - no.ci_high, 1 - no.pi_high])
    for quantity in ("se", "tau2", "tau2_high", "loglik", "q"):
        assert getattr(yes, quantity) == pytest.approx(getattr(no, quantity), rel=1e-7, abs=1e-9), quantity


def test_where_every_count_may_be_0_there_is_no_number_but_a_word():
    for low, high, why in (([0, 0], [4, 9], MAY_BE_NONE), ([26, 37], [30, 40], MAY_BE_ALL)):
        found = fit_within(low, high, [30, 40])
        assert found.status == why and math.isnan(found.estimate)
        assert not fit_batch(within(low, high), [30, 40], np.ones((1, 2), bool)).ok.any()
