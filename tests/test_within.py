"""Counts known only within limits: their exact likelihood, in each model that has one, and the middle in the others."""

import numpy as np
import pytest
from scipy.special import gammaln
from synthesis.models.censored import highest, log_within

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
