"""The model with priors against R: ``Rscript tests/golden/bayes.R`` integrates in base R, by code of its own."""

import math
from functools import cache

import numpy as np
import pytest
from synthesis.models.bayes import pool_bayes
from test_golden_proportions import NAMES, read_data
from test_golden_sparse import SETS, read

QUANTITIES = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "tau2_low", "tau2_high")
TOLERANCE = 2e-6  # relative; worst seen: 4.2e-7, ci_high of synthetic_all_zero
MANY = 20  # studies from which a fit takes a second and more

REFERENCE = {}
for row in read("reference_bayes.csv"):
    REFERENCE.setdefault(row["set"], {})[row["quantity"]] = float(row["value"])


def data_of(name: str):
    return np.array(SETS[name]).T if name in SETS else read_data(name)


@cache
def fit(name: str):
    events, patients = data_of(name)
    return pool_bayes(events, patients, np.arange(len(events)))


def marked(name: str):
    return pytest.param(name, marks=pytest.mark.slow) if len(data_of(name)[0]) > MANY else name


def test_every_set_has_a_reference():
    """Published sets, and the extremes: no events, nothing but events, one study, one huge register."""
    assert REFERENCE.keys() == {*NAMES, *SETS} and len(REFERENCE) == 39 + 12
    assert {"synthetic_all_zero", "synthetic_all_events", "register_two_maxima", "one_with_events"} <= REFERENCE.keys()
    assert all(numbers.keys() == set(QUANTITIES) for numbers in REFERENCE.values())


@pytest.mark.parametrize("name", [marked(name) for name in (*NAMES, *SETS)])
def test_posterior_agrees_with_r(name):
    found = fit(name)
    for quantity, theirs in REFERENCE[name].items():
        ours = getattr(found, quantity)
        assert math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=1e-12), (quantity, ours, theirs)
