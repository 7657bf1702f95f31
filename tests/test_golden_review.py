"""The review's own data against R: every pool and subgroup, with the rows kept beside the reference numbers."""

import csv
import math
from collections import defaultdict

import pytest
from synthesis.models.catalogue import pool
from synthesis.pools.subgroups import fit_common
from test_golden_proportions import GOLDEN, TOLERANCE, same


def read_reference() -> dict:
    """Give (analysis, subset, model, rows) → [(group, quantity, value)]."""
    table = defaultdict(list)
    with open(GOLDEN / "reference_review.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            value = math.nan if row["value"] == "NA" else float(row["value"])
            key = row["analysis"], row["subset"], row["model"], row["rows"]
            table[key].append((row["group"], row["quantity"], value))
    return table


REFERENCE = read_reference()


def parse(rows: str):
    """Give events, patients, study, group."""
    parts = [row.split(":") for row in rows.split(";")]
    counts = [part[1].split("/") for part in parts]
    return [int(c[0]) for c in counts], [int(c[1]) for c in counts], [p[0] for p in parts], [p[2] for p in parts]


def test_every_analysis_is_in_the_reference():
    assert len({key[0] for key in REFERENCE}) >= 11
    assert {key[2] for key in REFERENCE} == {"glmm", "glmm-lme4", "logit-reml", "logit-reml-hk", "crude", "glmm-common"}


@pytest.mark.parametrize("key", [k for k in REFERENCE if k[2] in ("glmm", "logit-reml", "logit-reml-hk", "crude")])
def test_pools(key):
    _, _, model, rows = key
    events, patients, study, _ = parse(rows)
    result = pool(model, events, patients, study)
    for _, quantity, value in REFERENCE[key]:
        tolerance = TOLERANCE.get(model, {}).get(quantity, 1e-9)
        assert same(getattr(result, quantity), value, tolerance), (quantity, getattr(result, quantity), value)


@pytest.mark.parametrize("key", [k for k in REFERENCE if k[2] == "glmm-common"])
def test_subgroups(key):
    common = fit_common(*parse(key[3]))
    for group, quantity, value in REFERENCE[key]:
        if quantity == "estimate":
            assert same(common.estimates[group].estimate, value, 1e-6)
        else:
            ours = {"test": common.test.statistic, "test_p": common.test.p}[quantity]
            assert math.isclose(ours, value, rel_tol=1e-5, abs_tol=1e-8)


@pytest.mark.parametrize("key", [k for k in REFERENCE if k[2] == "glmm-lme4"])
def test_lme4_is_near(key):
    events, patients, study, _ = parse(key[3])
    result = pool("glmm", events, patients, study)
    for _, quantity, value in REFERENCE[key]:
        assert math.isclose(getattr(result, quantity), value, rel_tol=5e-3, abs_tol=2e-3)
