"""Population average, profile-likelihood interval and the test of τ², against the exact likelihood in R."""

import math

import numpy as np
import pytest
from scipy.special import expit
from synthesis.models.catalogue import OK, pool
from synthesis.models.details import effects_of, glmm_details, population_average
from synthesis.models.logistic_normal import arms_of, fit
from test_golden_proportions import NAMES, REFERENCE, read_data, same

# Worst seen: average 2e-8, profile 3e-8, likelihood ratio 1e-7.
AVERAGE, PROFILE, RATIO = 1e-6, 1e-6, 1e-5


def possible(name: str) -> bool:
    events, patients = read_data(name)
    return len(events) > 1 and 0 < events.sum() < patients.sum()


@pytest.mark.parametrize("name", [n for n in NAMES if possible(n)])
def test_details_agree_with_r(name):
    events, patients = read_data(name)
    details = glmm_details(events, patients, np.arange(len(events)))
    reference = REFERENCE[name, "glmm-exact"]
    assert details
    assert same(details["average"], reference["pop_average"], AVERAGE)
    for side in ("low", "high"):
        value = reference[f"mu_prof_{side}"]
        theirs = float(expit(value)) if not math.isnan(value) else {"low": 0.0, "high": 1.0}[side]
        assert same(details[f"profile_{side}"], theirs, PROFILE), side
    assert math.isclose(details["lr_tau2"], reference["LRT_tau2"], rel_tol=RATIO, abs_tol=1e-7)
    assert math.isclose(
        details["lr_tau2_p"], reference["LRT_tau2_p"], rel_tol=1e-4, abs_tol=1e-3 * (details["lr_tau2"] < 1e-6)
    )


def test_the_average_patient_is_pulled_towards_a_half():
    assert population_average(-3, 1.5) > expit(-3)
    assert population_average(3, 1.5) < expit(3)
    assert population_average(0, 2) == pytest.approx(0.5, abs=1e-12)


def test_small_studies_are_drawn_to_the_mean():
    events, patients = [1, 30, 20, 4], [5, 100, 200, 40]
    arms = arms_of(events, patients, list("abcd"), np.ones((4, 1)))
    effects = effects_of(arms, fit(arms), 0.95)
    pooled = pool("glmm", events, patients, list("abcd"))
    assert pooled.status == OK
    for (name, fitted, low, high), y, n in zip(effects, events, patients, strict=True):
        assert min(y / n, pooled.estimate) <= fitted <= max(y / n, pooled.estimate), name
        assert low < fitted < high
    own = [abs(f[1] - y / n) / abs(y / n - pooled.estimate) for f, y, n in zip(effects, events, patients, strict=True)]
    assert own[0] > own[1]  # five patients say less than a hundred
