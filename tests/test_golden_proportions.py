"""Pooled proportions against R: metafor 3.8, lme4 1.1-31 and an exact likelihood in plain R.

`tests/golden/` holds the data, the calls and the versions; `Rscript tests/golden/reference.R` makes it again.
"""

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, stdtrit
from synthesis.models.catalogue import ALL_EVENTS, NO_EVENTS, OK, ONE_STUDY, pool
from synthesis.models.proportions import clopper_pearson, wilson
from synthesis.words.terms import is_ok

GOLDEN = Path(__file__).parent / "golden"

# Relative tolerance by kind of quantity, with the worst value seen over all data sets when it was set.
TOLERANCE = {
    "glmm": {
        "estimate": 1e-7,  # 1.3e-8
        "ci_low": 1e-6,  # 3e-8
        "ci_high": 1e-6,
        "pi_low": 1e-6,
        "pi_high": 1e-6,
        "se": 1e-6,  # 8e-8
        "tau2": 1e-6,  # 4e-9
        "tau2_low": 1e-6,
        "tau2_high": 1e-6,  # 2e-10
        "q": 1e-9,
        "q_p": 1e-8,
        "loglik": 1e-8,
    },
    # PyMARE finds REML's tau2 by a bounded search that stops at about 1e-6; metafor was run to 1e-13.
    "logit-reml": {
        "estimate": 1e-6,
        "ci_low": 2e-6,
        "ci_high": 2e-6,
        "se": 1e-6,  # 1.5e-7
        "tau2": 5e-6,  # 3.3e-7
        "tau2_low": 1e-8,
        "tau2_high": 1e-8,
        "i2": 2e-6,
        "q": 1e-9,
        "q_p": 1e-8,
    },
}
TOLERANCE["logit-reml-hk"] = TOLERANCE["logit-reml"]
ABSOLUTE = 1e-9  # below this a number is a zero with rounding on it

# What R calls our quantities: (model in the reference file, our name → its name).
LIKELIHOOD = {"tau2_low": "tau2_prof_low", "tau2_high": "tau2_prof_high", "q": "QE_LRT", "q_p": "QE_LRT_p"}
TWO_STAGE = {"tau2_low": "tau2_ci_low", "tau2_high": "tau2_ci_high", "i2": "I2", "q": "QE", "q_p": "QE_p"}
IN_R = {
    "glmm": ("glmm-exact", LIKELIHOOD),
    "logit-reml": ("rma-PLO-REML-z", TWO_STAGE),
    "logit-reml-hk": ("rma-PLO-REML-knha", TWO_STAGE),
}
LOGIT_SCALE = {"ci_low", "ci_high", "estimate"}


def read_reference() -> dict:
    """Give (data set, model) → quantity → value."""
    table = defaultdict(dict)
    with open(GOLDEN / "reference_proportions.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            value = math.nan if row["value"] in ("", "NA") else float(row["value"])
            table[row["dataset"], row["model"]][row["quantity"]] = value
    return table


def read_data(name: str):
    """Give events and patients of a data set."""
    with open(GOLDEN / "datasets" / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([int(r["events"]) for r in rows]), np.array([int(r["patients"]) for r in rows])


REFERENCE = read_reference()
NAMES = sorted({name for name, _ in REFERENCE})


def same(ours: float, theirs: float, tolerance: float) -> bool:
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=ABSOLUTE)


def test_the_grid_of_data_sets_is_complete():
    """Every data set has a source and a reference for every model, so that the grid cannot shrink unseen."""
    files = {path.stem for path in (GOLDEN / "datasets").glob("*.csv")} - {"sources"}
    with open(GOLDEN / "datasets" / "sources.csv", encoding="utf-8", newline="") as file:
        sources = {row["name"] for row in csv.DictReader(file)}
    assert files == set(NAMES) == sources
    published = [name for name in NAMES if not name.startswith("synthetic_")]
    assert len(published) >= 25
    models = {"crude", "study", "study-wilson", "glmm-exact", "glmm-lme4", "glmm-metafor"}
    models |= {theirs for theirs, _ in IN_R.values()}
    for name in NAMES:
        assert models <= {m for n, m in REFERENCE if n == name}, name


@pytest.mark.parametrize("model", IN_R)
@pytest.mark.parametrize("name", NAMES)
def test_pooled_numbers_agree_with_r(name, model):
    events, patients = read_data(name)
    result = pool(model, events, patients, np.arange(len(events)))
    theirs, names = IN_R[model]
    reference = REFERENCE[name, theirs]
    if model != "glmm":  # Q stands with the equal-effects model, tau2 and the mean with the Wald test
        homogeneity = {q: v for q, v in REFERENCE[name, "rma-PLO-EE-z"].items() if q.startswith("QE")}
        reference = homogeneity | REFERENCE[name, "rma-PLO-REML-z"] | reference
    if result.status in (ONE_STUDY, NO_EVENTS, ALL_EVENTS):
        assert len(events) == 1 or events.sum() in (0, patients.sum())
        return
    if not is_ok(result.status):
        # Identical studies: the Hartung–Knapp variance is 0 up to rounding, and metafor's interval has no width.
        assert model == "logit-reml-hk" and np.ptp(events / patients) < 1e-12
        return
    for quantity, tolerance in TOLERANCE[model].items():
        theirs_name = names.get(quantity, quantity)
        if quantity == "estimate" and model != "glmm":
            theirs_name = "b"
        value = reference[theirs_name]
        if model != "glmm" and quantity in LOGIT_SCALE:
            value = float(expit(value))
        if quantity.startswith("pi_") and len(events) < 3:
            value = math.nan  # R computes one from two studies; we do not
        ours = getattr(result, quantity)
        assert same(ours, value, tolerance), f"{quantity}: ours {ours!r}, R {value!r}"


@pytest.mark.parametrize("name", NAMES)
def test_two_stage_prediction_interval_uses_t_with_k_minus_1(name):
    """metafor's is normal under test="z"; ours is t(k − 1) everywhere (design, section 6), computed from its parts."""
    events, patients = read_data(name)
    result = pool("logit-reml", events, patients, np.arange(len(events)))
    if result.status != OK or len(events) < 3:
        assert math.isnan(result.pi_low)
        return
    reference = REFERENCE[name, "rma-PLO-REML-z"]
    half = stdtrit(len(events) - 1, 0.975) * math.hypot(math.sqrt(reference["tau2"]), reference["se"])
    assert math.isclose(result.pi_low, expit(reference["b"] - half), rel_tol=1e-5, abs_tol=ABSOLUTE)
    assert math.isclose(result.pi_high, expit(reference["b"] + half), rel_tol=1e-5, abs_tol=ABSOLUTE)


@pytest.mark.parametrize("name", NAMES)
def test_study_intervals_agree_with_r(name):
    events, patients = read_data(name)
    for model, interval in (("study", clopper_pearson), ("study-wilson", wilson)):
        low, high = interval(events, patients)
        for i in range(len(events)):
            reference = REFERENCE[name, model]
            assert same(low[i], reference[f"ci_low[{i + 1}]"], 1e-9)
            assert same(high[i], reference[f"ci_high[{i + 1}]"], 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_crude_agrees_with_binom_test(name):
    events, patients = read_data(name)
    if len(events) < 2 or events.sum() in (0, patients.sum()):
        return
    result = pool("crude", events, patients, np.arange(len(events)))
    for quantity in ("estimate", "ci_low", "ci_high"):
        assert same(getattr(result, quantity), REFERENCE[name, "crude"][quantity], 1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("synthetic_")])
def test_lme4_agrees_where_its_25_nodes_are_enough(name):
    """lme4 is a second opinion on the likelihood itself; its optimiser and 25 nodes are good to about 1e-3."""
    events, patients = read_data(name)
    reference = REFERENCE[name, "glmm-lme4"]
    if len(events) < 2 or math.isnan(reference["mu"]):
        return
    result = pool("glmm", events, patients, np.arange(len(events)))
    assert math.isclose(math.log(result.estimate / (1 - result.estimate)), reference["mu"], rel_tol=2e-3)
    assert result.loglik >= reference["loglik"] - 1e-3
