"""Rates against R: an exact likelihood, lme4's glmer, metafor's rma.glmm; and the cases no model can fit.

`Rscript tests/golden/rates.R` makes the reference again.
"""

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import binom, poisson
from synthesis.models.catalogue import ALL_EVENTS, NO_EVENTS, OK, ONE_STUDY
from synthesis.models.counts import within
from synthesis.models.proportions import clopper_pearson
from synthesis.models.rate_normal import FAMILIES, Rates, exposure_of, fit_common
from synthesis.pools.rates import NO_WINDOWS, WINDOW, garwood, person_time_rows, pool_rate, pool_rates_file
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table
from synthesis.words.terms import ALL_OR_NONE, MAY_BE_ALL, MAY_BE_NONE, MIDDLE, UNKNOWN_TAU2, is_ok

GOLDEN = Path(__file__).parent / "golden"
DATA = sorted(path.stem for path in (GOLDEN / "rates").glob("*.csv") if path.stem != "sources")
ONLY_PERSON_TIME = ("nielweise2008_control", "nielweise2008_treated")
NOT_FITTED = ("synthetic_none", "synthetic_one")
CASES = [
    (name, model)
    for name in DATA
    for model in FAMILIES
    if name not in NOT_FITTED and not (name in ONLY_PERSON_TIME and model == "cloglog-normal")
]

# Relative tolerance by engine and quantity, with the worst value seen when it was set.
TOLERANCE = {
    "exact": {
        "estimate": 1e-8,  # 5e-10
        "se": 1e-8,  # 1.2e-9
        "tau2": 1e-8,  # 2.1e-9
        "loglik": 1e-8,  # 4e-10
        "ci_low": 1e-8,
        "ci_high": 1e-8,  # 2.1e-9
        "pi_low": 1e-8,
        "pi_high": 2e-8,  # 3.4e-9
        "q": 1e-9,
        "q_p": 1e-9,
    },
    # lme4's standard error is a finite difference, poor where studies are very large: 6.9e-5 on synthetic_large.
    "lme4": {"mu": 1e-7, "se": 1e-4, "tau2": 1e-5},
    # metafor hands glmer's default optimiser through, which stops early: 5e-6, 9e-6, 3e-5.
    "metafor": {"mu": 2e-5, "se": 2e-5, "tau2": 1e-4, "q": 1e-9, "q_p": 1e-9},
}
# tau is 5 to 13: R's 25 nodes are 9e-2 off in tau2 and more, while the exact likelihood agrees.
TOO_FEW_NODES = ("synthetic_single_event", "synthetic_steep")


def read_reference() -> dict:
    """Give (data set, model) → quantity → value."""
    table = defaultdict(dict)
    with open(GOLDEN / "reference_rates.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            value = math.nan if row["value"] == "NA" else float(row["value"])
            table[row["dataset"], row["model"]][row["quantity"]] = value
    return table


def read_data(name: str) -> tuple:
    """Give events, patients, time and study of a data set."""
    rows = read_table(GOLDEN / "rates" / f"{name}.csv")
    return *(np.array([float(row[c]) for row in rows]) for c in ("events", "patients", "time")), [
        row["study"] for row in rows
    ]


REFERENCE = read_reference()


def test_every_case_has_a_reference():
    fitted = {(d, m.removesuffix("-exact")) for d, m in REFERENCE if m.endswith("-exact") and d not in NOT_FITTED}
    assert fitted == set(CASES)
    assert len(CASES) == 24


@pytest.mark.parametrize(("name", "model"), CASES)
@pytest.mark.parametrize("engine", TOLERANCE)
def test_pool_agrees_with_r(name, model, engine):
    reference = REFERENCE.get((name, f"{model}-{engine}"))
    if reference is None:
        assert engine == "metafor"  # has no cloglog model, and takes one row a study
        return
    if engine != "exact" and name in TOO_FEW_NODES:
        return
    pooled = pool_rate(model, *read_data(name))
    assert (pooled.status == OK) == (name != "synthetic_two_maxima") and is_ok(pooled.status)
    ours = {**vars(pooled), "mu": math.log(pooled.estimate)}
    for quantity, tolerance in TOLERANCE[engine].items():
        if quantity[:3] in ("ci_", "pi_"):  # a limit is as good as its distance on the log scale
            tolerance *= max(1, abs(math.log(reference[quantity]) - reference["mu"])) if reference[quantity] > 0 else 1
        expected = pytest.approx(reference[quantity], rel=tolerance, abs=1e-9, nan_ok=True)
        assert ours[quantity] == expected, quantity


def test_many_events_leave_the_model_and_inverse_variance_alike():
    pooled, two_stage = (
        pool_rate("poisson-normal", *read_data("synthetic_large")),
        REFERENCE["synthetic_large", "poisson-normal-rma"],
    )
    assert math.log(pooled.estimate) == pytest.approx(two_stage["mu"], abs=1e-4)
    assert pooled.tau2 == pytest.approx(two_stage["tau2"], rel=2e-4)


def test_row_intervals_are_those_of_poisson_test():
    y, n, m, _ = read_data("synthetic_zeros")
    low, high = garwood(y, n * m)
    reference = REFERENCE["synthetic_zeros", "rows"]
    for i in range(len(y)):
        assert low[i] == pytest.approx(reference[f"ci_low[{i + 1}]"], rel=1e-9)
        assert high[i] == pytest.approx(reference[f"ci_high[{i + 1}]"], rel=1e-9)


@pytest.mark.parametrize("model", FAMILIES)
def test_one_study_stands_alone_with_its_exact_interval(model):
    pooled, reference = pool_rate(model, *read_data("synthetic_one")), REFERENCE["synthetic_one", f"{model}-exact"]
    assert pooled.status == ONE_STUDY
    assert pooled.ci_low == pytest.approx(reference["ci_low"], rel=1e-9)
    assert pooled.ci_high == pytest.approx(reference["ci_high"], rel=1e-9)
    assert math.isnan(pooled.tau2) and math.isnan(pooled.pi_low)


@pytest.mark.parametrize("model", FAMILIES)
def test_no_events_give_an_exact_upper_limit_only(model):
    y, n, m, study = read_data("synthetic_none")
    pooled = pool_rate(model, y, n, m, study)
    assert (pooled.estimate, pooled.ci_low, pooled.status) == (0, 0, NO_EVENTS)
    expected = REFERENCE["synthetic_none", "poisson-normal-exact"]["ci_high"]
    assert pooled.ci_high == pytest.approx(expected, rel=1e-9)
    # At the limit, no event at all has probability 5 % under either model.
    nothing = poisson.pmf(0, n * m * pooled.ci_high), binom.pmf(0, n, -np.expm1(-m * pooled.ci_high))
    assert [float(np.prod(p)) for p in nothing] == pytest.approx([0.05, 0.05])


def test_nothing_but_events_gives_a_lower_limit_only():
    n, m = np.array([4, 7, 3]), np.array([1.0, 2.0, 0.5])
    pooled = pool_rate("cloglog-normal", n, n, m, [1, 2, 3])
    assert pooled.status == ALL_EVENTS and math.isnan(pooled.estimate) and math.isnan(pooled.ci_high)
    assert float(np.prod(binom.pmf(n, n, -np.expm1(-m * pooled.ci_low)))) == pytest.approx(0.05)
    assert pool_rate("poisson-normal", n, n, m, [1, 2, 3]).status == OK


def test_no_rows_are_no_studies():
    assert pool_rate("poisson-normal", [], [], [], []).status == NO_WINDOWS


def test_two_studies_have_no_prediction_interval():
    assert math.isnan(pool_rate("poisson-normal", *read_data("synthetic_two")).pi_low)


def test_two_maxima_are_said_and_the_higher_is_kept():
    """The lower one at τ² = 0 is a Poisson rate: 2 events in 339 units of time."""
    status = pool_rate("poisson-normal", *read_data("synthetic_two_maxima")).status
    assert status == (
        "ok; the likelihood has two maxima: the next lies at a rate of 0.0059 and tau2 = 0, "
        "lower by 0.014 in its logarithm"
    )


def test_a_rate_of_single_patients_has_no_heterogeneity_that_can_be_known():
    pooled = pool_rate("cloglog-normal", [1, 0, 1], [1] * 3, [1.0] * 3, [1, 2, 3])
    assert pooled.status == f"ok; {UNKNOWN_TAU2}"
    assert pooled.estimate == pytest.approx(-math.log(1 / 3)) and math.isnan(pooled.tau2)


def test_one_study_with_several_windows_has_a_rate_and_no_exact_interval():
    """One hazard for 4 of 40 in a month and 9 of 50 in two: the root of the score of the binomial likelihood."""
    pooled = pool_rate("cloglog-normal", [4, 9], [40, 50], [1.0, 2.0], [1, 1])
    assert pooled.status == f"{ONE_STUDY}; several windows: no exact interval"
    hazard = pooled.estimate
    score = sum(y * m / math.expm1(m * hazard) - (n - y) * m for y, n, m in ((4, 40, 1), (9, 50, 2)))
    assert score == pytest.approx(0, abs=1e-6) and math.isnan(pooled.ci_low)


def test_a_likelihood_without_a_maximum_says_so():
    """With as many studies of no event as of nothing but events the likelihood rises for ever in tau."""
    pooled = pool_rate("cloglog-normal", [0, 9, 0, 9], [9] * 4, [1.0] * 4, [1, 2, 3, 4])
    assert pooled.status == f"did not converge: {ALL_OR_NONE}"
    assert math.isnan(pooled.estimate)


def likelihood(family, data, mean, tau):
    value, score, hessian, _ = Rates(family, data).at(np.array([[mean]]), np.array([tau]))
    return value[0], score[0], hessian[0]


@pytest.mark.parametrize("model", FAMILIES)
def test_score_and_hessian_are_derivatives_of_the_likelihood(model):
    family, data = FAMILIES[model], exposure_of(*read_data("synthetic_high"))
    at, small = np.array([-0.6, 0.7]), 1e-5
    _, score, hessian = likelihood(family, data, *at)
    ends = [[likelihood(family, data, *(at + side * step)) for side in (-1, 1)] for step in small * np.eye(2)]
    assert score == pytest.approx([(b[0] - a[0]) / (2 * small) for a, b in ends], rel=1e-6)
    assert hessian == pytest.approx(np.array([(b[1] - a[1]) / (2 * small) for a, b in ends]), rel=1e-6)


@pytest.mark.parametrize("model", FAMILIES)
def test_the_fit_beats_the_boundary_and_its_neighbours(model):
    family, data = FAMILIES[model], exposure_of(*read_data("synthetic_zeros"))
    pooled = pool_rate(model, *read_data("synthetic_zeros"))
    assert pooled.loglik > fit_common(family, data).loglik
    mean, tau, constant = math.log(pooled.estimate), pooled.tau2**0.5, family.constant(data)
    for step in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert likelihood(family, data, mean + step[0], tau + step[1])[0] + constant < pooled.loglik


def test_the_unit_of_time_only_scales_the_rate():
    y, n, m, study = read_data("hart1999_control")
    for model in FAMILIES:
        years, months = pool_rate(model, y, n, m, study), pool_rate(model, y, n, 12 * m, study)
        assert months.estimate == pytest.approx(years.estimate / 12, rel=1e-7)
        assert months.tau2 == pytest.approx(years.tau2, rel=1e-7)
        assert months.q == pytest.approx(years.q, rel=1e-9)


def test_rows_without_a_window_are_listed_with_the_reason(tmp_path):
    kept = {"subset": "all", "use": "yes", "reason": "", "events": "7", "patients": "127"}
    rows = [
        {**kept, "study": "a", "window": "90"},
        {**kept, "study": "b", "window": "30"},
        {**kept, "study": "c", "window": "unstated"},
        {**kept, "study": "d", "window": "0"},
        {**kept, "study": "e", "window": "30", "use": "no", "reason": "count not reported", "events": ""},
        {**kept, "study": "a", "window": "90", "subset": "product"},
    ]
    write_table(tmp_path / "rows.csv", rows, list(rows[0]))
    files = [tmp_path / name for name in ("rows.csv", "rates.csv", "rate_rows.csv")]
    pool_rates_file(*files, analysis="x", days=30.0, unit="patient-month", level=0.95)
    listed, rates = read_table(files[2]), read_table(files[1])
    assert list(listed[0]) == columns_of("rate_rows") and list(rates[0]) == columns_of("rates")
    reasons = [(row["study"], row["use"], row["reason"]) for row in listed]
    assert reasons == [
        ("a", "yes", ""),
        ("b", "yes", ""),
        ("c", "no", WINDOW),
        ("d", "no", WINDOW),
        ("e", "no", "count not reported"),
    ]
    assert [row["person_time"] for row in listed] == ["381.0", "127.0", "", "", ""]
    assert [(r["model"], r["k"], r["events"], r["person_time"], r["unit"]) for r in rates] == [
        (model, "2", "14", "508.0", "patient-month") for model in FAMILIES
    ]


# Counts known only within limits.

PATIENTS, TIME = [60, 110, 80, 100], [1, 3, 2, 3]


def rate_of(model, low, high, patients=PATIENTS, time=TIME):
    return pool_rate(model, within(low, high), patients, time, list("abcdefgh")[: len(patients)])


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize(
    ("low", "high", "n", "m"), [(16, 17, 168, 1), (0, 4, 60, 2), (1, 50, 50, 1), (400, 2255, 20000, 12)]
)
def test_limits_have_the_sum_of_the_probabilities_of_their_counts(model, low, high, n, m):
    """From where the limits are out of reach to where they are; slope and curvature by differences."""
    y, family = np.arange(low, high + 1), FAMILIES[model]
    for eta in (-12.0, -6.0, -3.0, -1.5, 0.5):
        rate = math.exp(eta)
        terms = poisson.logpmf(y, n * m * rate) if model.startswith("p") else binom.logpmf(y, n, -math.expm1(-m * rate))
        ends = family.within(eta + np.array([-1e-5, 0, 1e-5]), low, high, n, m)
        value, slope, curve = (part[1] for part in ends)
        assert value == pytest.approx(logsumexp(terms), rel=1e-9, abs=1e-9)
        assert slope == pytest.approx((ends[0][2] - ends[0][0]) / 2e-5, rel=1e-5, abs=1e-4)
        assert curve == pytest.approx((ends[1][0] - ends[1][2]) / 2e-5, rel=1e-5, abs=1e-4) and curve >= 0


@pytest.mark.parametrize("model", FAMILIES)
def test_equal_limits_are_the_count_itself_and_no_knowledge_is_no_study(model):
    events = [3, 6, 0, 15]
    exact = pool_rate(model, events, PATIENTS, TIME, list("abcd"))
    assert rate_of(model, events, events) == exact
    if model == "cloglog-normal":  # a Poisson count has no upper end
        told = rate_of(model, [*events, 0], [*events, 70], [*PATIENTS, 70], [*TIME, 2])
        for quantity in ("estimate", "ci_low", "se", "tau2", "loglik"):
            assert getattr(told, quantity) == pytest.approx(getattr(exact, quantity), rel=1e-7), quantity


@pytest.mark.parametrize("model", FAMILIES)
def test_a_rate_within_limits_lies_between_those_of_its_ends(model):
    low, high = [3, 4, 0, 15], [3, 9, 5, 15]
    found, few, many = rate_of(model, low, high), rate_of(model, low, low), rate_of(model, high, high)
    assert is_ok(found.status) and few.estimate < found.estimate < many.estimate
    assert (found.events, found.events_from, found.events_to) == (None, 22, 32)
    assert found.q >= 0 and found.ci_low < found.estimate < found.ci_high


@pytest.mark.parametrize("model", FAMILIES)
def test_where_every_count_may_be_0_there_is_no_rate_but_a_word(model):
    found = rate_of(model, [0, 0], [4, 0], [60, 70], [1, 2])
    assert found.status == MAY_BE_NONE and math.isnan(found.estimate)
    if model == "cloglog-normal":
        assert rate_of(model, [1, 70], [60, 70], [60, 70], [1, 2]).status == MAY_BE_ALL


def test_one_study_reaches_from_the_fewest_to_the_most_events():
    found = rate_of("poisson-normal", [5], [9], [120], [2])
    low, high = garwood([5, 9], 240)
    assert (found.estimate, found.ci_low, found.ci_high) == (7 / 240, low[0], high[1])
    assert found.status == f"{ONE_STUDY}; {MIDDLE}"
    found = rate_of("cloglog-normal", [5], [9], [120], [2])
    assert found.ci_low == pytest.approx(-math.log1p(-clopper_pearson(5, 120)[0]) / 2)
    assert found.ci_high == pytest.approx(-math.log1p(-clopper_pearson(9, 120)[1]) / 2)


def test_rows_within_limits_have_person_time_and_an_interval_but_no_rate():
    row = {"subset": "all", "use": "yes", "window": "30", "patients": 120, "events": None}
    (line,) = person_time_rows([row | {"events_from": 5, "events_to": 9}], 30, "patient-month", 0.95)
    low, high = garwood([5, 9], 120)
    assert (line["person_time"], line["rate"], line["ci_low"], line["ci_high"]) == (120, None, low[0], high[1])
