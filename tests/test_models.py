"""The rules that hold for every model: none, one or two studies, no events, nothing but events, arms of one study."""

import math

import numpy as np
import pytest
from synthesis.models.catalogue import ALL_EVENTS, MODELS, NO_EVENTS, NO_STUDIES, OK, ONE_STUDY, pool
from synthesis.models.heterogeneity import likelihood_ratio_q
from synthesis.models.logistic_normal import arms_of, fixed_fit, log_likelihood
from synthesis.models.proportions import clopper_pearson, one_sided_upper
from synthesis.words.model_names import DESCRIPTIONS

POOLING = [name for name in MODELS if name != "crude"]


@pytest.mark.parametrize("model", MODELS)
def test_no_study(model):
    result = pool(model, [], [], [])
    assert (result.status, result.k) == (NO_STUDIES, 0)
    assert math.isnan(result.estimate)


@pytest.mark.parametrize("model", MODELS)
def test_one_study_is_itself_not_a_pool(model):
    result = pool(model, [8], [127], ["a"])
    assert result.status == ONE_STUDY
    assert (result.ci_low, result.ci_high) == tuple(float(x) for x in clopper_pearson(8, 127))
    assert math.isnan(result.tau2)
    assert math.isnan(result.pi_low)


@pytest.mark.parametrize("model", POOLING)
def test_two_studies_have_no_prediction_interval(model):
    result = pool(model, [8, 16], [127, 148], ["a", "b"])
    assert result.status == OK
    assert result.ci_low < result.estimate < result.ci_high
    assert math.isnan(result.pi_low)


@pytest.mark.parametrize("model", MODELS)
def test_no_events_at_all(model):
    result = pool(model, [0, 0, 0], [20, 30, 40], ["a", "b", "c"])
    assert result.status == NO_EVENTS
    assert (result.estimate, result.ci_low) == (0, 0)
    assert result.ci_high == pytest.approx(1 - 0.05 ** (1 / 90), rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_but_events_is_the_mirror_image(model):
    none, everything = (pool(model, y, [20, 30, 40], ["a", "b", "c"]) for y in ([0, 0, 0], [20, 30, 40]))
    assert everything.status == ALL_EVENTS
    assert (everything.estimate, everything.ci_high) == (1, 1)
    assert everything.ci_low == pytest.approx(1 - none.ci_high, rel=1e-12)


def test_studies_without_events_stay_in_uncorrected():
    """On rare events with zeros the half-event correction moves the pool; the binomial likelihood needs none."""
    events, patients = [0, 0, 0, 1, 2, 0, 5], [30, 40, 50, 60, 70, 80, 90]
    glmm, corrected = (pool(m, events, patients, range(7)).estimate for m in ("glmm", "logit-reml"))
    assert glmm < 8 / 420 < corrected


def test_arms_of_a_study_are_not_studies():
    result = pool("glmm", [6, 2, 2], [89, 38, 97], ["a", "a", "b"])
    assert (result.k, result.studies) == (3, 2)
    assert math.isnan(result.pi_low)  # two studies
    assert pool("logit-reml", [6, 2, 2], [89, 38, 97], ["a", "a", "b"]).status.startswith("several arms of one study")


def test_identical_studies_have_no_heterogeneity():
    result = pool("glmm", [5, 5, 5], [50, 50, 50], range(3))
    assert result.tau2 == 0
    assert result.estimate == pytest.approx(0.1)
    assert likelihood_ratio_q([5, 5, 5], [50, 50, 50])[0] == 0


def test_score_and_hessian_are_the_derivatives_of_the_likelihood():
    """Analytic derivatives against central differences, two arms a study and a covariate."""
    arms = arms_of(
        [3, 5, 9, 0, 12], [40, 30, 60, 25, 70], list("aabbc"), np.array([[1, 0], [1, 1], [1, 0], [1, 1], [1, 0]], float)
    )
    beta, tau = np.array([-2.0, 0.3]), 0.7
    value, score, hessian = log_likelihood(arms, beta, tau)
    theta = np.append(beta, tau)
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-5
        up, down = (log_likelihood(arms, t[:2], t[2]) for t in (theta + step, theta - step))
        assert score[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6, abs=1e-8)
        assert hessian[i] == pytest.approx((up[1] - down[1]) / 2e-5, rel=1e-5, abs=1e-6)
    assert math.isfinite(value)


def test_tau_zero_is_logistic_regression():
    arms = arms_of([8, 16, 10], [127, 148, 140], range(3), np.ones((3, 1)))
    beta, value, information = fixed_fit(arms)
    at_zero, _, hessian = log_likelihood(arms, beta, 0.0)
    assert beta[0] == pytest.approx(math.log(34 / 381))
    assert at_zero == pytest.approx(value)
    assert information[0, 0] == pytest.approx(-hessian[0, 0])


def test_one_sided_upper_limit_of_a_large_zero():
    assert one_sided_upper(10**6) == pytest.approx(2.9957e-6, rel=1e-3)  # the rule of three


def test_words_and_functions_name_the_same_models():
    """Figures and the config read the words, pooling the functions: neither may know a model the other does not."""
    assert set(MODELS) | {"glmm-common"} == set(DESCRIPTIONS)
    for name, model in MODELS.items():
        assert model.description == DESCRIPTIONS[name]
        assert model.reference
