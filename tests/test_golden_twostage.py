"""Two-stage models against metafor 3.8: every measure × estimator × test of the reference, on every data set.

`tests/golden/reference.R` makes the numbers (`rma-<measure>-<estimator>-<test>`), with metafor's tolerances tightened
to 1e-13. No case is skipped: data sets of one study, without events or with nothing but events, and identical studies
have rules of their own below, each checked against what R says of them.
"""

import csv
import math
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from synthesis.models.estimators import ESTIMATORS, find_maxima, log_likelihood
from synthesis.models.measures import MEASURES
from synthesis.models.twostage import INTERVALS, NO_WIDTH, ONE_STUDY, pool_two_stage
from synthesis.words.terms import is_ok

GOLDEN = Path(__file__).parent / "golden"

# Relative tolerance by kind, with the worst value seen over the whole grid when it was set.
TOLERANCE = {
    "transformation": 1e-13,
    "closed": 1e-11,  # 8.4e-14: Q of synthetic_extreme on the log scale
    "iterated": 5e-9,  # 5.3e-10: ci_low of synthetic_large_n_rare, which is 2.9e-6
    "q_profile": 1e-8,  # 4.5e-10, and 5.2e-8 where the limit is 8e-6: 4e-13, below the absolute one
}
# Or within these. R stops REML, ML and EB when tau2 moves by less than 1e-13, so its zeros have that on them; PyMARE
# finds the Q-profile's limits to 2e-12.
ABSOLUTE = {"tau2": 1e-12, "i2": 2e-9, "q": 1e-12, "tau2_low": 4e-12, "tau2_high": 4e-12}
CLOSED = {"DL", "HE", "SJ"}

IN_R = {"logit": "PLO", "arcsine": "PAS", "log": "PLN", "ft": "PFT"}
TESTS = {"wald": "z", "hk": "knha", "mhk": "adhoc"}
# Ours → R's, and the test whose row has it: metafor's knha and adhoc rows hold only what the test changes.
ON_Z = {"estimate": "b", "tau2": "tau2", "i2": "I2", "q": "QE", "q_p": "QE_p"}
OWN = {"ci_low": "ci_low", "ci_high": "ci_high", "se": "se"}
PREDICTION = {"pi_low": "pi_low", "pi_high": "pi_high"}
PROPORTIONS = {"estimate", "ci_low", "ci_high", "pi_low", "pi_high"}


def read_reference() -> dict:
    """Give (data set, model) → quantity → value, of the two-stage models."""
    table = defaultdict(dict)
    with open(GOLDEN / "reference_proportions.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["model"].startswith(("rma-", "escalc-")):
                value = math.nan if row["value"] in ("", "NA") else float(row["value"])
                table[row["dataset"], row["model"]][row["quantity"]] = value
    return table


@cache
def read_data(name: str):
    """Give events and patients of a data set."""
    with open(GOLDEN / "datasets" / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([int(r["events"]) for r in rows]), np.array([int(r["patients"]) for r in rows])


REFERENCE = read_reference()
NAMES = sorted({name for name, _ in REFERENCE})
GRID = [(name, measure, estimator) for name in NAMES for measure in IN_R for estimator in ESTIMATORS]


def reference_of(name, measure, estimator, interval) -> dict:
    """Give R's numbers under our names, on R's scale."""
    model = f"rma-{IN_R[measure]}-{estimator}"
    base, own = REFERENCE[name, f"{model}-z"], REFERENCE[name, f"{model}-{TESTS[interval]}"]
    numbers = {ours: base[theirs] for ours, theirs in ON_Z.items()}
    numbers |= {ours: own[theirs] for ours, theirs in OWN.items()}
    if interval == "hk":  # under z metafor's is normal, under adhoc the reference has none
        numbers |= {ours: own[theirs] for ours, theirs in PREDICTION.items()}
    # The Q-profile does not depend on the estimator; R was asked for it under DL and REML.
    profile = REFERENCE[name, f"rma-{IN_R[measure]}-{'REML' if estimator == 'REML' else 'DL'}-z"]
    return numbers | {"tau2_low": profile["tau2_ci_low"], "tau2_high": profile["tau2_ci_high"]}


def kind_of(quantity: str, estimator: str) -> str:
    if quantity.startswith("tau2_"):
        return "q_profile"
    return "closed" if estimator in CLOSED or quantity in ("q", "q_p") else "iterated"


def differences(name, measure, estimator, interval):
    """Yield quantity, ours, R's, on the scale of proportions where ours are."""
    events, patients = read_data(name)
    result = pool_two_stage(
        events, patients, np.arange(len(events)), measure=measure, estimator=estimator, interval=interval
    )
    assert is_ok(result.status), result.status
    harmonic = len(patients) / np.sum(1 / patients)
    for quantity, value in reference_of(name, measure, estimator, interval).items():
        if quantity.startswith("pi_") and len(events) < 3:
            assert math.isnan(getattr(result, quantity))  # R computes one from two studies; we do not
            continue
        theirs = float(MEASURES[measure].back(value, harmonic)) if quantity in PROPORTIONS else value
        yield quantity, getattr(result, quantity), theirs


def test_the_grid_is_complete():
    """The reference has 39 data sets × 4 measures × 7 estimators × 3 tests, and the tests below ask for all of them."""
    sources = GOLDEN / "datasets" / "sources.csv"
    with open(sources, encoding="utf-8", newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == set(NAMES)
    random_effects = {model for _, model in REFERENCE if model.startswith("rma-") and "-EE-" not in model}
    assert random_effects == {
        f"rma-{measure}-{estimator}-{test}"
        for measure in IN_R.values()
        for estimator in ESTIMATORS
        for test in TESTS.values()
    }
    assert set(IN_R) == set(MEASURES) and set(TESTS) == set(INTERVALS)
    assert len(NAMES) == 39 and len(GRID) == 39 * 4 * 7
    for name in NAMES:
        assert random_effects <= {model for data, model in REFERENCE if data == name}, name


@pytest.mark.parametrize("measure", IN_R)
def test_transformations_agree_with_escalc(measure):
    seen = [name for name, model in REFERENCE if model == f"escalc-{IN_R[measure]}"]
    assert len(seen) == 4
    for name in seen:
        reference = REFERENCE[name, f"escalc-{IN_R[measure]}"]
        y, v = MEASURES[measure].transform(*read_data(name))
        for i in range(len(y)):
            assert math.isclose(y[i], reference[f"yi[{i + 1}]"], rel_tol=TOLERANCE["transformation"], abs_tol=1e-15)
            assert math.isclose(v[i], reference[f"vi[{i + 1}]"], rel_tol=TOLERANCE["transformation"])


@pytest.mark.parametrize(("name", "measure", "estimator"), GRID)
def test_pooled_numbers_agree_with_metafor(name, measure, estimator):
    events, patients = read_data(name)
    y, _ = MEASURES[measure].transform(events, patients)
    for interval in INTERVALS:
        if len(events) == 1:
            check_one_study(events, patients, measure, estimator, interval, name)
        elif interval == "hk" and np.ptp(y) < 1e-12:
            check_identical_studies(events, patients, measure, estimator, name)
        else:
            for quantity, ours, theirs in differences(name, measure, estimator, interval):
                tolerance = TOLERANCE[kind_of(quantity, estimator)]
                floor = ABSOLUTE.get(quantity, 1e-15)
                assert math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=floor), (interval, quantity, ours, theirs)


def check_one_study(events, patients, measure, estimator, interval, name):
    """R goes on with the study alone under test="z", without tau2; ours does not call that pooling."""
    result = pool_two_stage(events, patients, ["a"], measure=measure, estimator=estimator, interval=interval)
    assert result.status == ONE_STUDY and math.isnan(result.estimate)
    assert REFERENCE[name, f"rma-{IN_R[measure]}-{estimator}-z"]["tau2"] == 0
    assert REFERENCE[name, f"rma-{IN_R[measure]}-{estimator}-z"]["QE"] == 0


def check_identical_studies(events, patients, measure, estimator, name):
    """The residuals are 0 but for rounding, so R's Hartung–Knapp interval is a point; ours says so in words."""
    study = np.arange(len(events))
    result = pool_two_stage(events, patients, study, measure=measure, estimator=estimator, interval="hk")
    assert result.status == NO_WIDTH and math.isnan(result.ci_low)
    assert REFERENCE[name, f"rma-{IN_R[measure]}-{estimator}-knha"]["se"] == 0


# Data without events, or with nothing but events, never reach a two-stage model through `models.pool`. Called by name
# it does what R does with them (half an event each), and the test above compares that too.
@pytest.mark.parametrize("name", NAMES)
def test_special_data_sets_are_the_ones_named_so(name):
    events, patients = read_data(name)
    assert (len(events) == 1) == (name in {"pritz1997_single", "synthetic_single_zero"})
    assert (events.sum() == 0) == (name in {"synthetic_all_zero", "synthetic_single_zero"})
    assert (events.sum() == patients.sum()) == (name == "synthetic_all_events")
    assert (np.ptp(events / patients) < 1e-12) == (
        len(events) == 1 or name in {"synthetic_all_zero", "synthetic_all_events", "synthetic_homogeneous"}
    )


# Likelihoods with two hills, with metafor's answer (rma(es, method="ML", control = list(threshold = 1e-13, maxiter =
# 10000)), escalc as in reference.R) and its log likelihood, which has a constant ours has not. On all golden data we
# agree; here Fisher scoring stays at 0 (and so does PyMARE's search), where the other hill is higher. The likelihood
# decides. The corner met first was of the same kind: raw proportions with one huge study without events.
HILLS = [
    ("logit", [0, 2, 0, 0, 0, 1, 13], [5, 15, 5, 7, 16, 36, 467], 0.0, -9.0926470334, 0.04060744102, 6.0e-4),
    ("ft", [0, 0, 0, 0, 0, 379, 21], [18, 432, 22, 8, 117, 62497, 1895], 0.0, 11.1389730061, 0.0004466320498, 3.9e-3),
    ("log", [0, 14621], [208, 16038], 7.716415162, -5.0094948292, 7.716415162, 0.0),
]


@pytest.mark.parametrize(("measure", "events", "patients", "theirs", "loglik", "ours", "gain"), HILLS)
def test_where_the_likelihood_has_two_hills_the_higher_one_counts(
    measure, events, patients, theirs, loglik, ours, gain
):
    y, v = MEASURES[measure].transform(events, patients)
    one = np.ones_like(y)
    constant = len(y) * math.log(2 * math.pi) / 2
    assert math.isclose(log_likelihood(theirs, y, v, one, False) - constant, loglik, rel_tol=1e-10)
    for mask in (None, one > 0):
        tau2 = float(find_maxima("ML", y, v, mask).tau2)
        assert math.isclose(tau2, ours, rel_tol=1e-6)
        assert math.isclose(
            log_likelihood(tau2, y, v, one, False) - log_likelihood(theirs, y, v, one, False),
            gain,
            rel_tol=0.02,
            abs_tol=1e-9,
        )
    dense = np.concatenate([[0.0], np.geomspace(1e-3 * v.min(), np.ptp(y) ** 2, 5000)])
    assert max(log_likelihood(t, y, v, one, False) for t in dense) <= log_likelihood(tau2, y, v, one, False) + 1e-12
