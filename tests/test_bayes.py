"""The binomial–normal model with priors: against brute-force integrals, maximum likelihood, and its own rules.

The integral here shares nothing with the engine's but the model: fixed nodes in z for every study, Gauss–Legendre in τ,
a plain uniform grid in μ, cumulative sums of a cubic spline.
"""

import math
from dataclasses import astuple
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.special import expit, logit, ndtr, xlogy
from synthesis.models import bayes
from synthesis.models.bayes import MU_SD, TAU_SCALE, log_likelihoods, pool_bayes
from synthesis.models.glmm import pool_glmm
from synthesis.models.logistic_normal import arms_of, log_likelihood
from synthesis.models.result import OK
from test_golden_proportions import NAMES, REFERENCE, read_data

ZERO_BUT_ONE = ([0, 0, 1, 0, 0, 0], [25, 40, 31, 12, 60, 8])
CASES = ("pritz1997", "rare12", "zero_but_one")
SMALL = [name for name in NAMES if len(read_data(name)[0]) <= 20]  # where priors matter most, and quick
NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "tau2_low", "tau2_high", "i2")


def data(name: str):
    events, patients = ZERO_BUT_ONE if name == "zero_but_one" else read_data(name)
    return np.asarray(events), np.asarray(patients)


@cache
def fit(name: str, **priors):
    events, patients = data(name)
    return pool_bayes(events, patients, np.arange(len(events)), **priors)


def pool(events, patients, study=None, **options):
    return pool_bayes(
        np.asarray(events), np.asarray(patients), np.arange(len(events)) if study is None else study, **options
    )


@cache
def brute(name: str):
    """Give μ, τ and the posterior probabilities of a fine grid, by fixed nodes."""
    events, patients = data(name)
    mu = np.linspace(-40, 3, 861) if name == "zero_but_one" else np.linspace(-8, 6, 561)
    x, weight = np.polynomial.legendre.leggauss(36)
    tau, weight = 3.25 * (x + 1), weight * 3.25  # 0 to 6.5: the prior beyond is below 1e-10
    z = np.linspace(-8, 8, 161)
    table = np.empty((len(tau), len(mu)))
    for i, t in enumerate(tau):
        # Every study's likelihood at every logit that μ + τ z takes.
        p = expit(mu[:, None] + t * z)
        table[i] = -((t / TAU_SCALE) ** 2 + (mu / MU_SD) ** 2) / 2
        for y, n in zip(events, patients, strict=True):
            shape = xlogy(y, p) + xlogy(n - y, 1 - p) - xlogy(y, y / n) - xlogy(n - y, 1 - y / n)
            table[i] += np.log(np.exp(shape) @ np.exp(-(z**2) / 2))
    mass = np.exp(table - table.max()) * weight[:, None]
    return mu, tau, mass / mass.sum()


@pytest.mark.parametrize("name", CASES)
def test_posterior_agrees_with_a_brute_force_integral(name):
    """Probabilities below our limits, and the standard deviation."""
    mu, tau, mass = brute(name)
    result = fit(name)
    assert result.status == OK
    in_mu = mass.sum(axis=0)
    below = CubicSpline(mu, in_mu / (mu[1] - mu[0])).antiderivative()
    for quantity, probability in (("ci_low", 0.025), ("estimate", 0.5), ("ci_high", 0.975)):
        assert math.isclose(below(logit(getattr(result, quantity))), probability, abs_tol=1e-6), quantity  # 3.2e-8
    mean = in_mu @ mu
    assert math.isclose(result.se, math.sqrt(in_mu @ (mu - mean) ** 2), rel_tol=1e-6)  # 6.5e-8
    for quantity, probability in (("pi_low", 0.025), ("pi_high", 0.975)):
        below = mass * ndtr((logit(getattr(result, quantity)) - mu) / tau[:, None])
        assert math.isclose(below.sum(), probability, abs_tol=5e-6), quantity  # 4.4e-7


@pytest.mark.parametrize("name", CASES)
def test_heterogeneity_agrees_with_a_brute_force_integral(name):
    """The distribution of τ at our limits, by Gauss–Legendre up to each of them."""
    events, patients = data(name)
    arms, result = arms_of(events, patients, np.arange(len(events)), np.ones((len(events), 1))), fit(name)
    mu = np.linspace(-30, 6, 361) if name == "zero_but_one" else np.linspace(-8, 8, 241)
    x, weight = np.polynomial.legendre.leggauss(24)

    def mass(low: float, high: float) -> float:
        tau = low + (high - low) * (x + 1) / 2
        grid_tau, grid_mu = np.broadcast_arrays(tau[:, None], mu)
        log = log_likelihoods(arms, grid_mu.ravel(), grid_tau.ravel(), 61).reshape(grid_tau.shape)
        log -= ((grid_tau / TAU_SCALE) ** 2 + (grid_mu / MU_SD) ** 2) / 2
        return float(weight @ np.exp(log + arms.constant).sum(axis=1)) * (high - low)

    ends = [0, *(math.sqrt(getattr(result, q)) for q in ("tau2_low", "tau2", "tau2_high")), 7]
    parts = [mass(low, high) for low, high in pairwise(ends)]
    assert np.allclose(np.array(parts) / sum(parts), [0.025, 0.475, 0.475, 0.025], rtol=0, atol=1e-5)


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.8, 6.0])
def test_study_likelihoods_agree_with_those_of_the_maximum_likelihood_fit(tau):
    """Two codes and two ways to centre the rule, with arms of one study among the rows."""
    arms = arms_of([0, 4, 9, 20, 3], [30, 40, 20, 20, 1000], ["a", "b", "b", "c", "d"], np.ones((5, 1)))
    y, n = arms.events, np.maximum(arms.patients, 1)
    own = np.sum(xlogy(y, y / n) + xlogy(n - y, (n - y) / n) * (arms.patients > 0))  # at each arm's own proportion
    for mu in (-6.0, -1.0, 3.0):
        ours = log_likelihoods(arms, np.array([mu]), np.array([tau]), 121)[0]
        theirs = log_likelihood(arms, np.array([mu]), tau)[0]
        assert math.isclose(ours, theirs + own, rel_tol=1e-9)


def test_with_flat_priors_and_many_studies_it_is_maximum_likelihood():
    """150 studies: means agree to a hundredth, spreads to 5 %."""
    flat, ml = fit("synthetic_k150", tau_scale=20.0, mu_sd=50.0), REFERENCE["synthetic_k150", "glmm-exact"]
    assert math.isclose(flat.estimate, ml["estimate"], rel_tol=1e-2)
    for quantity in ("ci_low", "ci_high", "se", "tau2"):
        assert math.isclose(getattr(flat, quantity), ml[quantity], rel_tol=5e-2), quantity
    assert math.isclose(flat.tau2_low, ml["tau2_prof_low"], rel_tol=5e-2)
    assert math.isclose(flat.tau2_high, ml["tau2_prof_high"], rel_tol=5e-2)
    assert math.isclose(flat.pi_low, ml["pi_low"], rel_tol=5e-2) and math.isclose(
        flat.pi_high, ml["pi_high"], rel_tol=5e-2
    )


@pytest.mark.parametrize("name", SMALL)
def test_every_small_data_set_gets_a_stable_answer(name):
    """None is refused, and the numbers stand in order; one study, no events and nothing but events included."""
    result = fit(name)
    assert result.status == OK and result.steps < len(bayes.GRIDS)
    assert 0 <= result.pi_low <= result.ci_low < result.estimate < result.ci_high <= result.pi_high <= 1
    assert 0 < result.tau2_low < result.tau2 < result.tau2_high
    numbers = [getattr(result, quantity) for quantity in NUMBERS]
    assert np.isfinite(numbers[:-1]).all() and all(isinstance(number, float) for number in numbers)
    homogeneity = REFERENCE[name, "glmm-exact"].get("QE_LRT", math.nan)
    if math.isfinite(homogeneity) and len(data(name)[0]) > 1:
        assert math.isclose(result.q, homogeneity, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("name", ["pritz1997", "synthetic_all_zero", "synthetic_extreme"])
def test_a_finer_grid_moves_nothing(name, monkeypatch):
    """The last grid alone, well beyond where we stop, agrees ten times better than asked."""
    result = fit(name)
    monkeypatch.setattr(bayes, "GRIDS", (bayes.GRIDS[3], bayes.GRIDS[3]))
    finer = pool_bayes(*data(name), np.arange(len(data(name)[0])))
    for quantity in NUMBERS:
        assert math.isclose(getattr(result, quantity), getattr(finer, quantity), rel_tol=1e-6), quantity


def test_an_unstable_grid_says_so(monkeypatch):
    monkeypatch.setattr(bayes, "GRIDS", ((8, 12, 9), (9, 14, 11)))
    assert "the finest grid still moves the answers by" in pool(*ZERO_BUT_ONE).status


def test_two_runs_give_the_same_bits():
    first, again = (astuple(pool(*ZERO_BUT_ONE)) for _ in range(2))
    assert np.array_equal(np.array(first[1:17], float), np.array(again[1:17], float))


def test_complement_is_a_mirror_image():
    events, patients = data("pritz1997")
    yes, no = fit("pritz1997"), pool(patients - events, patients)
    for one, other in (("estimate", "estimate"), ("ci_low", "ci_high"), ("pi_low", "pi_high")):
        assert math.isclose(getattr(yes, one), 1 - getattr(no, other), rel_tol=1e-6)
    assert math.isclose(yes.tau2, no.tau2, rel_tol=1e-6)


def test_arms_of_a_study_count_as_one_study():
    """With no covariates the arms share everything: their events and patients add up."""
    split = pool([2, 3, 4, 9], [20, 30, 40, 50], np.array(["a", "a", "b", "c"]))
    whole = pool([5, 4, 9], [50, 40, 50])
    assert (split.k, split.studies, whole.k) == (4, 3, 3)
    for quantity in NUMBERS[:-1]:
        assert math.isclose(getattr(split, quantity), getattr(whole, quantity), rel_tol=1e-12), quantity


def test_no_events_at_all():
    """Finite limits from the prior; with no heterogeneity the posterior is (1 − p)¹⁰⁵ × N(0, 5²), by quadrature."""
    few, many = pool([0, 0, 0], [20, 35, 50]), pool([0, 0, 0], [200, 350, 500])
    for result in (few, many):
        assert result.status == OK and 0 < result.ci_low < result.estimate < result.ci_high < result.pi_high < 0.2
    assert many.ci_high < few.ci_high / 4
    alike = pool([0, 0, 0], [20, 35, 50], tau_scale=1e-3)

    def density(mu: float) -> float:
        return math.exp(-105 * math.log1p(math.exp(mu)) - (mu / MU_SD) ** 2 / 2)

    whole = quad(density, -40, 5, epsabs=0, limit=200)[0]
    for quantity, probability in (("ci_low", 0.025), ("estimate", 0.5), ("ci_high", 0.975)):
        below = quad(density, -40, logit(getattr(alike, quantity)), epsabs=0, limit=200)[0]
        assert math.isclose(below / whole, probability, abs_tol=1e-5), quantity


def test_larger_scale_of_the_prior_gives_more_heterogeneity():
    """Half and twice the scale: τ² and the intervals move the way they must, and the median study hardly does."""
    tight, usual, wide = (fit("pritz1997", tau_scale=scale) for scale in (0.5, 1.0, 2.0))
    assert tight.tau2 < usual.tau2 < wide.tau2
    assert wide.pi_low < usual.pi_low < tight.pi_low
    assert wide.ci_low < usual.ci_low < tight.ci_low
    assert max(abs(other.estimate - usual.estimate) for other in (tight, wide)) < 0.01


def test_prior_of_the_mean_hardly_matters_where_there_are_events():
    events, patients = data("nielweise2007_treated")  # 0.8 %
    usual, flat = fit("nielweise2007_treated"), pool(events, patients, mu_sd=50.0)
    assert abs(logit(usual.estimate) - logit(flat.estimate)) < 0.03
    assert abs(logit(usual.estimate) - logit(pool_glmm(events, patients, np.arange(len(events))).estimate)) < 0.05


def test_default_priors_are_those_documented():
    assert (TAU_SCALE, MU_SD) == (1.0, 5.0)
    only_prior = fit("synthetic_single_zero")  # one study of no events says little of τ: near the prior's 0.674²
    assert math.isclose(only_prior.tau2, 0.6745**2, rel_tol=0.1)


def test_published_heterogeneity_is_what_the_scale_was_chosen_by():
    """26 published data sets of single proportions: the median τ, and how many exceed the 95 % point under 0.5."""
    tau = [
        math.sqrt(REFERENCE[name, "glmm-exact"]["tau2"])
        for name in NAMES
        if not name.startswith("synthetic_") and "_first2" not in name and "_single" not in name
    ]
    assert len(tau) == 26
    assert round(np.median(tau), 1) == 0.8
    assert np.sum(np.array(tau) > 1.96 * 0.5) == 9
