"""Counts known only within limits against R: ``Rscript tests/golden/limits.R`` sums the probabilities of all counts."""

import math

import pytest
from scipy.special import logit
from synthesis.models.catalogue import pool
from synthesis.models.counts import within
from synthesis.pools.rates import pool_rate
from test_golden_sparse import read

# Ours → R's, by model. Relative tolerance, and the worst seen: 5.5e-7, tau2_high of at_least_one under bayes. The τ² of
# rates are good to 2e-7, as far as differences of R's likelihood reach.
MAXIMUM = {"mean": "mu", "se": "se", "tau2": "tau2", "loglik": "loglik"}
NAMES = {
    "glmm": MAXIMUM,
    "poisson-normal": MAXIMUM,
    "cloglog-normal": MAXIMUM,
    "betabinom": {"estimate": "p", "tau2": "rho", "loglik": "loglik"},
    "bayes": {name: name for name in ("estimate", "ci_low", "ci_high", "se", "tau2", "tau2_low", "tau2_high")},
}
TOLERANCE = 1e-6

SETS, REFERENCE = {}, {}
for row in read("limits.csv"):
    SETS.setdefault(row.pop("set"), []).append(row)
for row in read("reference_limits.csv"):
    REFERENCE.setdefault((row["set"], row["model"]), {})[row["quantity"]] = float(row["value"])


def column(rows, name):
    return [row[name] if name == "study" else int(row[name]) for row in rows]


def fit(name, model):
    rows = SETS[name]
    events = within(column(rows, "from"), column(rows, "to"))
    if model.endswith("-normal"):
        return pool_rate(model, events, *(column(rows, part) for part in ("patients", "time", "study")))
    return pool(model, events, column(rows, "patients"), column(rows, "study"))


def test_every_set_has_a_reference_in_every_model():
    """Narrow limits, suppressed cells, at least one, composites, an arm with limits beside an exact one, a register."""
    arms = {name for name, rows in SETS.items() if len(set(column(rows, "study"))) < len(rows)}
    wanted = {(name, model) for name in SETS for model in NAMES if not (model == "betabinom" and name in arms)}
    assert wanted == REFERENCE.keys() and len(SETS) == 6 and arms == {"arms"}


@pytest.mark.parametrize(("name", "model"), REFERENCE)
def test_limits_agree_with_r(name, model):
    found = vars(fit(name, model))
    found["mean"] = (math.log if model.endswith("-normal") else logit)(found["estimate"])
    for ours, theirs in NAMES[model].items():
        wanted = REFERENCE[name, model][theirs]
        assert math.isclose(found[ours], wanted, rel_tol=TOLERANCE, abs_tol=1e-7), (ours, found[ours], wanted)
