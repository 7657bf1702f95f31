"""What must hold for every model of the table, whatever the data (Hypothesis looks for data where it does not).

Each property is a theorem for the models it is tested on; where it is none for a model, the reason stands beside the
exclusion. Models are taken from the table when the tests run, so a new one is held to all of this at once.
"""

import re
from dataclasses import asdict
from functools import cache
from math import ceil, floor, isfinite, isnan, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from synthesis.models.catalogue import ALL_EVENTS, MODELS, NO_EVENTS, NO_STUDIES, OK, ONE_STUDY, pool
from synthesis.models.proportions import clopper_pearson, one_sided_upper
from synthesis.models.twostage import NO_WIDTH
from synthesis.words.terms import SEVERAL_ARMS, is_ok

# A grid over (μ, τ) takes a tenth of a second and more: fewer reviews, of studies that differ less.
SLOW = ("bayes",)
# Models that estimate τ² and fit every study's proportion where all are equal; a prior holds its own opinion of both.
NO_PRIOR = [name for name in MODELS if name != "bayes"]
# An interval from the spread of the studies has nothing to say where they are alike.
FROM_SPREAD = [name for name in MODELS if name.endswith("-hk")]
MAXIMUM_LIKELIHOOD = ("glmm", "betabinom", "logit-ml")
# Rows of one study share its effect, or are summed anyway; the other models refuse them.
SEVERAL = ("glmm", "bayes", "crude")
RECORD = {"model", "status", "nodes", "steps"}  # words, and how an answer was found rather than what it is
ROUNDING = 1e-9


def holds_for(models, **data):
    """Turn a property into a test of each model, on data that Hypothesis makes up (for the model, if it must)."""

    def decorate(holds):
        @pytest.mark.parametrize("model", models)
        def test(model):
            # The same examples at every run: nobody's change may fail for data that its author never saw.
            @settings(max_examples=4 if model.startswith(SLOW) else 16, deadline=None, derandomize=True, database=None)
            @given(**{name: make(model) if callable(make) else make for name, make in data.items()})
            def check(**example):
                holds(model, **example)

            check()

        test.__doc__ = holds.__doc__
        return test

    return decorate


@st.composite
def some_reviews(draw, least, smallest, spread):
    """Make events and patients of a few studies around one rate, with an event and a non-event among them."""
    rate = draw(st.sampled_from([0.01, 0.05, 0.2, 0.5, 0.9]))
    patients = draw(st.lists(st.integers(smallest, 300), min_size=least, max_size=6))
    events = []
    for n in patients:
        low, high = floor((1 - spread) * rate * n), ceil((1 + spread) * rate * n)
        events.append(draw(st.integers(low, min(n, high + (rate < 0.1)))))
    assume(0 < sum(events) < sum(patients))
    return tuple(events), tuple(patients)


def reviews(model):
    """Give reviews for a model."""
    return some_reviews(4, 20, 0.5) if model.startswith(SLOW) else some_reviews(3, 1, 1.0)


@st.composite
def sparse_reviews(draw):
    """Make studies of very different sizes, many without events or with nothing but events."""
    sizes = st.one_of(st.integers(1, 30), st.sampled_from([300, 20_000, 10**6]))
    patients = draw(st.lists(sizes, min_size=2, max_size=7))
    few = [draw(st.sampled_from([0, 0, 1, 2, n // 3, n - 1, n])) for n in patients]
    events = [min(max(y, 0), n) for y, n in zip(few, patients, strict=True)]
    assume(0 < sum(events) < sum(patients))
    return tuple(events), tuple(patients)


@st.composite
def alike(draw):
    """Make studies of different sizes with one proportion, neither 0 nor 1."""
    events, others = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    times = draw(st.lists(st.integers(1, 15), min_size=3, max_size=6))
    return tuple(events * t for t in times), tuple((events + others) * t for t in times)


def pooled(model, events, patients, study=None):
    """Pool, one row a study unless they are named."""
    return remembered(model, tuple(events), tuple(patients), tuple(range(len(events)) if study is None else study))


remembered = cache(pool)  # most properties begin with the same reviews, as Hypothesis draws them alike for each


def exactness(model):
    """Give the relative agreement of two ways to one answer: 1e-6, or what a model's own search stops at."""
    return 1e-4 if model == "bayes" else 1e-6  # its grid is made finer until no number moves by 1e-5


def assert_same(one, other, model):
    """Compare everything two results say."""
    assert one.status == other.status
    for name, value in asdict(one).items():
        if name in RECORD:
            continue
        assert getattr(other, name) == pytest.approx(value, rel=exactness(model), abs=1e-9, nan_ok=True), name


@holds_for(MODELS, review=reviews, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(model, review, random):
    rows = list(zip(*review, strict=True))
    shuffled = random.sample(rows, len(rows))
    assert_same(pooled(model, *review), pooled(model, *zip(*shuffled, strict=True)), model)


@holds_for(MODELS, review=reviews, data=st.data())
def test_the_names_of_studies_do_not_matter(model, review, data):
    """Also where arms share a name: what counts is who belongs together."""
    others = len(review[0]) - 3  # with fewer than three studies there is next to nothing to say about τ²
    study = [0, 1, 2, *data.draw(st.lists(st.integers(0, 9), min_size=others, max_size=others))]
    # Numpy drops a zero character at the end of a name, so that two names could become one.
    letters = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=9)
    names = data.draw(st.lists(letters, min_size=10, max_size=10, unique=True))
    assert_same(pooled(model, *review, study), pooled(model, *review, [names[i] for i in study]), model)


@holds_for(MODELS, review=reviews)
def test_the_estimate_lies_inside_its_interval(model, review):
    found = pooled(model, *review)
    if isnan(found.estimate):
        assert found.status != OK
    else:
        assert 0 <= found.ci_low <= found.estimate <= found.ci_high <= 1
        # Freeman–Tukey's way back can turn a pool of 1 in 45 into none, with no width: one more reason against it.
        assert found.ci_low < found.ci_high or model.startswith("ft")


@holds_for(MODELS, review=reviews)
def test_the_prediction_interval_contains_the_confidence_interval(model, review):
    found = pooled(model, *review)
    if not isnan(found.pi_low):
        assert found.pi_low <= found.ci_low + ROUNDING
        assert found.pi_high >= found.ci_high - ROUNDING


# The logarithm treats events and non-events differently, which is its known flaw.
MIRRORED = [name for name in MODELS if MODELS[name].scale != "log"]


def assert_mirrored(model, events, patients):
    """Compare everything a model says with what it says of those without the event."""
    found = pooled(model, events, patients)
    mirror = pooled(model, [n - y for y, n in zip(events, patients, strict=True)], patients)
    words, others = (re.split(r"a proportion of (\S+)", one.status) for one in (found, mirror))
    assert others[::2] == [{NO_EVENTS: ALL_EVENTS, ALL_EVENTS: NO_EVENTS}.get(word, word) for word in words[::2]]
    assert [1 - float(p) for p in others[1::2]] == pytest.approx([float(p) for p in words[1::2]], abs=1e-3)
    agree = {"rel": exactness(model), "abs": exactness(model) / 100, "nan_ok": True}
    for name, partner in {"estimate": "estimate", "ci_low": "ci_high", "pi_low": "pi_high"}.items():
        assert 1 - getattr(mirror, partner) == pytest.approx(getattr(found, name), **agree), name
        assert 1 - getattr(mirror, name) == pytest.approx(getattr(found, partner), **agree), partner
    for name in ("se", "tau2", "tau2_low", "tau2_high", "i2", "q", "q_p", "loglik"):
        assert getattr(mirror, name) == pytest.approx(getattr(found, name), **agree), name


@holds_for(MIRRORED, review=reviews)
def test_counting_those_without_the_event_gives_the_mirror_image(model, review):
    assert_mirrored(model, *review)


@holds_for(MIRRORED, review=sparse_reviews())
def test_counting_those_without_the_event_gives_the_mirror_image_of_sparse_reviews(model, review):
    assert_mirrored(model, *review)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("events", [(0, 715827882, 0, 0), (3, 2**31 - 1, 1, 23), (3, 12, 0, 9)])
def test_two_thousand_million_patients_overflow_nothing(model, events):
    patients = (4, 2**31 - 1, 1, 23)
    found = pooled(model, events, patients)
    assert is_ok(found.status) and all(map(isfinite, (found.estimate, found.ci_low, found.ci_high)))


@pytest.mark.parametrize("model", ["glmm", "glmm-t"])
def test_nothing_in_the_order_of_rows_or_in_names_moves_a_digit(model):
    events, patients = (0, 3, 12, 41, 7, 0), (10**6, 50, 31, 75, 10, 20)
    found = pooled(model, events, patients, "abbcde")
    turned = pooled(model, events[::-1], patients[::-1], "zyxwwv")
    assert repr(asdict(turned)) == repr(asdict(found))


@holds_for(NO_PRIOR, events=st.integers(0, 60), others=st.integers(0, 60), k=st.integers(2, 8))
def test_identical_studies_are_homogeneous(model, events, others, k):
    assume(events + others)
    found = pooled(model, [events] * k, [events + others] * k)
    if model in FROM_SPREAD and found.status == NO_WIDTH:
        return
    if events and others:
        assert found.status == OK
        assert model == "crude" or max(found.tau2, found.q) == pytest.approx(0, abs=1e-20)
    assert found.estimate == pytest.approx(events / (events + others), abs=ROUNDING)


@holds_for(MODELS, review=alike())
def test_twice_the_patients_narrow_the_interval_of_studies_that_are_alike(model, review):
    """With one proportion in all studies τ² is 0 before and after, and the standard error falls by √2.

    It is no theorem for studies that differ: see the test after the next.
    """
    single, double = (pooled(model, times * np.array(review[0]), times * np.array(review[1])) for times in (1, 2))
    if model in FROM_SPREAD:
        assert single.status == double.status == NO_WIDTH
        return
    assert single.ci_low < double.ci_low < double.ci_high < single.ci_high
    if model.startswith(("glmm", "betabinom", "logit", "log", "arcsine")):  # Freeman–Tukey's variance is 1 / (4n + 2)
        assert double.se == pytest.approx(single.se / sqrt(2), rel=1e-6)
        assert single.tau2 == pytest.approx(0, abs=1e-20)


@holds_for(["crude"], review=reviews)
def test_twice_the_patients_always_narrow_the_crude_interval(model, review):
    """It knows nothing of differences between studies; seen for every count up to 300 patients at six levels."""
    single, double = (pooled(model, times * np.array(review[0]), times * np.array(review[1])) for times in (1, 2))
    assert single.ci_low <= double.ci_low <= double.ci_high <= single.ci_high
    assert double.ci_high - double.ci_low < single.ci_high - single.ci_low


@holds_for(
    ["arcsine-reml", "arcsine-reml-hk", "arcsine-reml-mhk"],
    patients=st.integers(5, 300),
    events=st.lists(st.integers(0, 300), min_size=3, max_size=6),
)
def test_twice_the_patients_narrow_nothing_where_studies_of_one_size_differ_beyond_chance(model, patients, events):
    """Why the property above needs studies that are alike: τ² takes up what the sampling variance gives away.

    With equal sampling variances v, REML's τ² is s² − v where that is positive, and the variance of the mean is s² / k:
    the spread s² of the studies decides alone.
    """
    y = np.array([min(count, patients) for count in events])
    single, double = (pooled(model, times * y, [times * patients] * len(y)) for times in (1, 2))
    assume(single.status == OK and single.tau2 > 1e-6)
    assert double.tau2 == pytest.approx(single.tau2 + 1 / (8 * patients), rel=1e-6)
    assert double.se == pytest.approx(single.se, rel=1e-6)


# Hartung–Knapp's factor is a mean of squared residuals, weighted by 1 / (v + τ²): it may rise as τ² falls.
@holds_for([name for name in MODELS if not name.endswith("hk")], review=reviews)
def test_every_study_found_twice_narrows_the_interval(model, review):
    """The likelihood is the square of what it was: the same maximum, √2 sharper.

    REML and the estimators by moments set one degree of freedom aside, which now weighs half as much: their τ² can only
    fall, so the standard error falls by √2 at least. (The interval of the proportion need not: where the mean moves,
    the scale may be wider.)
    """
    single, double = pooled(model, *review), pooled(model, *(counts * 2 for counts in review))
    assert is_ok(single.status) == is_ok(double.status)
    if not is_ok(single.status) or model == "crude":
        assert double.ci_high - double.ci_low <= single.ci_high - single.ci_low or isnan(single.estimate)
    elif model.startswith(MAXIMUM_LIKELIHOOD):
        for name in ("estimate", "tau2"):
            assert getattr(double, name) == pytest.approx(getattr(single, name), rel=1e-6, abs=1e-9)
        assert double.se == pytest.approx(single.se / sqrt(2), rel=1e-6)
        assert double.loglik == pytest.approx(2 * single.loglik, rel=1e-6, nan_ok=True)
    elif model in NO_PRIOR:
        assert double.tau2 <= single.tau2 * (1 + ROUNDING)
        assert double.se <= single.se / sqrt(2) * (1 + ROUNDING)
    else:
        assert double.se < single.se


@holds_for(MODELS, data=st.data(), few=st.sampled_from(["none", "some", "all"]))
def test_there_is_a_number_or_a_reason(model, data, few):
    events, patients = data.draw(reviews(model))
    events = {"none": [0] * len(events), "some": events, "all": patients}[few]
    study = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=len(events), max_size=len(events)))
    found = pooled(model, events, patients, study)
    studies = len(set(study))
    assert (found.model, found.k, found.studies) == (model, len(events), studies)
    assert (found.events, found.patients) == (sum(events), sum(patients))
    limits = (found.estimate, found.ci_low, found.ci_high)
    if studies == 1:
        assert found.status == ONE_STUDY
        low, high = clopper_pearson(sum(events), sum(patients))
        assert limits == (sum(events) / sum(patients), float(low), float(high))
    elif sum(events) in (0, sum(patients)):
        far = one_sided_upper(sum(patients))
        assert (found.status, *limits) == ((ALL_EVENTS, 1, 1 - far, 1) if sum(events) else (NO_EVENTS, 0, 0, far))
    elif studies < len(events) and not model.startswith(SEVERAL):
        assert found.status == SEVERAL_ARMS
    if found.status == OK:
        assert all(map(isfinite, limits))
        assert isnan(found.pi_low) == isnan(found.pi_high) == (studies < 3 or model == "crude")
        assert model == "crude" or (found.se > 0 and found.tau2 >= 0)
    else:
        nothing = [value for name, value in asdict(found).items() if name in ("pi_low", "pi_high", "se", "tau2", "i2")]
        assert all(map(isnan, nothing))
        assert found.status in (ONE_STUDY, NO_EVENTS, ALL_EVENTS) or all(map(isnan, limits))
        assert found.status.strip()


@pytest.mark.parametrize("model", MODELS)
def test_no_rows_have_no_number(model):
    found = pooled(model, [], [])
    assert (found.status, found.k) == (NO_STUDIES, 0)
    assert isnan(found.estimate)
