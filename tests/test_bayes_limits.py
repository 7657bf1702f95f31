"""Counts within limits in the Bayesian model: against brute-force integrals, alone and by the thousand.

The integral shares nothing with the engine's but the model: binomial probabilities summed count by count, fixed nodes
in z, Gauss–Legendre in τ, a uniform grid in μ.
"""

import math

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import expit, logit, ndtr
from synthesis.models.bayes import pool_bayes
from synthesis.models.bayes_batch import bayes_batch
from synthesis.models.counts import within
from synthesis.models.many import NUMBERS, pool_many

CASES = {  # low, high, patients, study
    "percentage": ([16, 3, 8], [17, 3, 8], [168, 40, 90], "abc"),
    "suppressed": ([0, 0, 12, 5], [4, 4, 12, 5], [60, 45, 150, 80], "abcd"),
    "composite": ([5, 10, 1], [9, 14, 1], [97, 130, 25], "abc"),
    "arms": ([3, 2, 0, 7], [5, 2, 3, 7], [40, 50, 30, 90], "aabc"),
    "censored": ([1, 4, 9], [400, 4, 9], [600, 70, 110], "abc"),
    "only limits": ([0, 1, 2], [2, 6, 3], [30, 40, 20], "abc"),
}


def fit(case: str, **changed):
    low, high, patients, study = CASES[case]
    return pool_bayes(within(low, high), np.array(patients), np.array(list(study)), **changed)


def brute(case: str):
    """Give μ, τ and the posterior probabilities of a fine grid."""
    low, high, patients, study = CASES[case]
    mu, z = np.linspace(-12, 4, 257), np.linspace(-7, 7, 99)
    x, weight = np.polynomial.legendre.leggauss(28)
    tau, weight = 3.25 * (x + 1), weight * 3.25
    table = np.empty((len(tau), len(mu)))
    for i, t in enumerate(tau):
        p = expit(mu[:, None] + t * z)
        table[i] = -(t**2 + (mu / 5) ** 2) / 2
        for name in set(study):
            product = np.exp(-(z**2) / 2) * np.ones_like(p)
            for a, b, n, arm in zip(low, high, patients, study, strict=True):
                if arm == name:
                    product *= sum(math.comb(n, y) * p**y * (1 - p) ** (n - y) for y in range(a, b + 1))
            table[i] += np.log(np.maximum(product.sum(axis=1), 1e-300))
    mass = np.exp(table - table.max()) * weight[:, None]
    return mu, tau, mass / mass.sum()


@pytest.mark.parametrize("case", [case for case in CASES if case != "censored"])
def test_posterior_agrees_with_a_brute_force_integral(case):
    mu, tau, mass = brute(case)
    result, in_mu = fit(case), mass.sum(axis=0)
    below = CubicSpline(mu, in_mu / (mu[1] - mu[0])).antiderivative()
    for quantity, probability in (("ci_low", 0.025), ("estimate", 0.5), ("ci_high", 0.975)):
        assert math.isclose(below(logit(getattr(result, quantity))), probability, abs_tol=2e-5), quantity
    for quantity, probability in (("pi_low", 0.025), ("pi_high", 0.975)):
        total = np.sum(mass * ndtr((logit(getattr(result, quantity)) - mu) / tau[:, None]))
        assert math.isclose(total, probability, abs_tol=2e-5), quantity


@pytest.mark.parametrize("case", [case for case in CASES if case != "arms"])
def test_the_many_are_the_single_fit(case):
    low, high, patients, _ = CASES[case]
    (found, ok), one = bayes_batch(within(low, high), patients), fit(case)
    assert ok.all()
    for name in NUMBERS:
        assert found[name][0] == pytest.approx(getattr(one, name), rel=1e-5), name


def test_equal_limits_are_the_exact_count():
    """A study with limits beside exact ones leaves them as they are; limits from 0 to all say nothing."""
    patients = np.array([40, 60, 80, 50])
    exact = pool_bayes(np.array([3, 9, 5]), patients[:3], np.array(list("abc")))
    wide = pool_bayes(within([3, 9, 5, 0], [3, 9, 5, 50]), patients, np.array(list("abcd")))
    for name in NUMBERS:
        assert getattr(wide, name) == pytest.approx(getattr(exact, name), rel=1e-5), name


def test_complement_is_a_mirror_image():
    low, high, patients, study = (np.array(part) for part in (*CASES["arms"][:3], list("aabc")))
    yes, no = fit("arms"), pool_bayes(within(patients - high, patients - low), patients, study)
    for one, other in (("estimate", "estimate"), ("ci_low", "ci_high"), ("pi_low", "pi_high")):
        assert getattr(yes, one) == pytest.approx(1 - getattr(no, other), rel=2e-5)


def test_wide_limits_are_quick_and_lie_between_their_ends():
    """A censored count of 1 to 400 says little, and less than any count between."""
    open_, narrow = fit("censored"), pool_bayes(np.array([40, 4, 9]), np.array([600, 70, 110]), np.array(list("abc")))
    assert open_.se > narrow.se and 0.02 < open_.estimate < 0.2


def test_totals_do_not_tell_several_arms_with_limits():
    """Such a set goes to the single fit."""
    totals, sizes = within([5, 0, 7], [7, 3, 7]), np.array([90, 30, 90])
    several = np.array([True, False, False])
    (found,) = pool_many("bayes", totals, sizes, np.ones((1, 3), bool), several, lambda i: fit("arms"))
    assert found["estimate"] == fit("arms").estimate
