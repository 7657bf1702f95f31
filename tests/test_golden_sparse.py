"""Sparse and lopsided reviews: every maximum and every limit of τ² against integrals and roots taken by base R.

The reference is good to about 1e-6 in what ``optimize()`` finds and to 1e-9 in what ``uniroot()`` finds.
"""

import csv
import re
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from scipy.special import expit, logit
from synthesis.models.catalogue import pool
from synthesis.models.details import glmm_details
from synthesis.models.likelihood import COARSE
from synthesis.models.logistic_normal import arms_of, fit
from synthesis.words.terms import ALL_OR_NONE, UNKNOWN_TAU2, is_ok

GOLDEN = Path(__file__).parent / "golden"
# Worst seen: mean 8e-8, τ² 4e-7, log likelihood 2e-10, limits of τ² 3e-10.
MEAN, TAU2, LOGLIK, LIMIT = 1e-6, 1e-5, 1e-8, 1e-7


def read(name):
    with (GOLDEN / name).open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


SETS, REFERENCE = {}, {}
for row in read("sparse.csv"):
    SETS.setdefault(row["set"], []).append((int(row["events"]), int(row["patients"])))
for row in read("reference_sparse.csv"):
    REFERENCE.setdefault(row["set"], {})[row["quantity"]] = float(row["value"])


def test_every_set_has_a_reference():
    assert SETS.keys() == REFERENCE.keys() and len(SETS) == 12
    assert sum("mu2" in reference for reference in REFERENCE.values()) == 3


@pytest.mark.parametrize("name", SETS)
def test_maxima_and_limits_of_tau2_agree_with_r(name):
    events, patients = np.array(SETS[name]).T
    start = process_time()
    found, reference = pool("glmm", events, patients, range(len(events))), REFERENCE[name]
    assert process_time() - start < 2  # it was 16 seconds; a twentieth of one where nothing else runs
    assert logit(found.estimate) == pytest.approx(reference["mu1"], rel=MEAN)
    assert found.tau2 == pytest.approx(reference["tau2_1"], rel=TAU2, abs=1e-12)
    assert found.loglik == pytest.approx(reference["loglik1"], abs=LOGLIK)
    assert found.tau2_low == pytest.approx(reference["tau2_low"], rel=LIMIT)
    assert found.tau2_high == pytest.approx(reference["tau2_high"], rel=LIMIT)
    assert glmm_details(events, patients, range(len(events)))
    if "mu2" not in reference:
        assert found.status == "ok"
        return
    assert is_ok(found.status)
    said = re.search(r"has two maxima: .* proportion of (\S+) and tau2 = (\S+), lower by (\S+) in", found.status)
    lower = reference["loglik1"] - reference["loglik2"]
    wanted = [expit(reference["mu2"]), reference["tau2_2"], lower]
    assert [float(text) for text in said.groups()] == pytest.approx(wanted, rel=6e-3, abs=1e-12)


@pytest.mark.parametrize(
    ("events", "patients", "study"),
    [
        ((0, 5, 0), (4, 5, 9), "abc"),
        ((0, 0, 1), (1, 1, 1), "aab"),
        ((3, 0, 0, 2), (3, 1, 2**31 - 1, 2), "abcd"),
    ],
)
def test_a_likelihood_that_rises_without_end_is_said(events, patients, study):
    for model in ("glmm", "glmm-t", *(("betabinom",) if len(set(study)) == len(study) else ())):
        assert pool(model, events, patients, list(study)).status == f"did not converge: {ALL_OR_NONE}"


@pytest.mark.parametrize("model", ["glmm", "glmm-t", "betabinom", "bayes"])
def test_single_patients_know_no_heterogeneity_unless_two_are_of_one_study(model):
    found = pool(model, [1, 0, 0, 1], [1, 1, 1, 1], list("abcd"))
    assert found.status == f"ok; {UNKNOWN_TAU2}" and 0 < found.ci_low < found.estimate < found.ci_high < 1
    assert np.isnan([found.tau2, found.tau2_low, found.tau2_high, found.pi_low, found.pi_high, found.i2]).all()
    assert pool("glmm", [1, 0, 0, 1], [1, 1, 1, 1], list("abca")).status != found.status


def random_review(random):
    """Draw a review heavy in studies without events and with nothing but events, of 1 to a million patients."""
    k, widest = random.integers(2, 13), random.choice([1.5, 2, 3, 6])
    patients = np.floor(10 ** random.uniform(0, widest, k)).astype(int)
    logits = random.normal(0, 3) + random.normal(0, random.choice([0.3, 1, 3, 8]), k)
    share, drawn = random.random(k), random.binomial(patients, expit(logits))
    return np.where(share < 0.3, 0, np.where(share < 0.45, patients, drawn)), patients


def highest_on_a_grid(arms, near):
    """Give the highest log likelihood on a grid over (μ, τ), with a finer one around a mean."""
    middle, spread, best = logit(arms.events.sum() / arms.patients.sum()), np.linspace(-1, 1, 41), -np.inf
    for tau in (0.0, *np.geomspace(1e-4, 100, 40)):
        mean = np.concatenate([middle + spread * (3 * tau + 2), near + spread * (tau + 0.1) / 10])
        best = max(best, arms.at(mean[:, None], np.full(len(mean), tau), COARSE).value.max())
    return best + arms.constant


@pytest.mark.parametrize("reviews", [20, pytest.param(400, marks=pytest.mark.slow)])
def test_random_sparse_reviews_reach_the_top_or_say_why_there_is_none(reviews):
    random, fitted = np.random.default_rng(20261128), 0
    for _ in range(reviews):
        events, patients = random_review(random)
        if 0 < events.sum() < patients.sum():
            found = pool("glmm", events, patients, range(len(events)))
            said = f"{events.tolist()} of {patients.tolist()}: {found.status}"
            if not is_ok(found.status):
                assert found.status == f"did not converge: {ALL_OR_NONE}", said
                assert np.all((events == 0) | (events == patients)), said
                continue
            arms = arms_of(events, patients, range(len(events)), np.ones((len(events), 1)))
            if patients.max() > 1:
                best = fit(arms)
                assert best.loglik > highest_on_a_grid(arms, best.beta[0]) - 1e-6, said
                assert found.tau2_low <= found.tau2 <= found.tau2_high < np.inf, said
                fitted += 1
    assert fitted > reviews / 2
