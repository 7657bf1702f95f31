"""Small sets on which software printed a wrong number, or a right one without its word (tests/golden/hard.R)."""

import csv
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from synthesis.models.catalogue import pool
from synthesis.pools.pooling import pool_analysis
from synthesis.risk_factors.comparisons import comparison_rows
from synthesis.risk_factors.pooled_tables import METHODS
from synthesis.risk_factors.two_by_two import OR, tables_of
from synthesis.words.formatting import format_p
from test_golden_proportions import GOLDEN


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv")


def read_reference() -> dict:
    table = defaultdict(dict)
    with open(GOLDEN / "hard.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table[row["set"], row["model"]][row["quantity"]] = float(row["value"])
    return table


REFERENCE = read_reference()


def test_every_set_has_its_answers():
    files = {path.stem for path in (GOLDEN / "hard").glob("*.csv")}
    assert files == {name for name, _ in REFERENCE} == {"or_narrow", "near_bounds", "q_p_zero", "subgroups"}


@pytest.mark.parametrize(
    ("model", "theirs"), [("mh", "mh"), ("reml", "reml-z"), ("reml-hk", "reml-knha"), ("reml-mhk", "reml-adhoc")]
)
def test_odds_ratios_whose_studies_are_too_alike(model, theirs):
    """Q = 1.42 on 9 df: Hartung–Knapp makes 0.83 (0.70–0.99), P = 0.044 of it; every other method says P > 0.3."""
    data, reference = read("hard/or_narrow"), REFERENCE["or_narrow", theirs]
    columns = [data[c] for c in ("a_events", "a_patients", "b_events", "b_patients")]
    effect = METHODS[model].pool(tables_of(*columns), OR)
    ours = np.exp([effect.mean, effect.mean - effect.half, effect.mean + effect.half])
    assert ours == pytest.approx([reference[c] for c in ("estimate", "ci_low", "ci_high")], rel=1e-7)
    if "p" in reference:
        assert (effect.p, effect.q) == pytest.approx((reference["p"], reference["q"]), rel=1e-7)
    if model != "reml-hk":
        assert effect.status == "ok"
    else:
        assert effect.status == (
            "ok; Hartung–Knapp interval narrower than Wald's, 46% of its width (Q = 1.42 on 9 df): read the others too"
        )


@pytest.mark.parametrize("model", ["arcsine-reml", "ft-dl"])
def test_no_limit_leaves_the_scale(model):
    data, reference = read("hard/near_bounds"), REFERENCE["near_bounds", model]
    found = pool(model, data["events"], data["patients"], data["study"])
    for name in ("estimate", "ci_low", "ci_high"):
        assert getattr(found, name) == pytest.approx(reference[name], rel=1e-8), name
    mirror = pool(model, data["patients"] - data["events"], data["patients"], data["study"])
    for one in (found, mirror):
        assert 0 <= one.ci_low <= one.estimate <= one.ci_high <= 1 and 0 <= one.pi_low <= one.pi_high <= 1
    assert mirror.ci_low == pytest.approx(1 - found.ci_high, rel=1e-12)


def test_a_p_value_that_underflows_is_printed_as_small_not_as_nothing():
    data, reference = read("hard/q_p_zero"), REFERENCE["q_p_zero", "glmm"]
    found = pool("glmm", data["events"], data["patients"], data["study"])
    for name in ("estimate", "ci_low", "ci_high"):
        assert getattr(found, name) == pytest.approx(reference[name], rel=1e-5), name
    assert found.q_p == 0 and format_p(found.q_p) == "P < 0.001"


def test_subgroups_give_the_numbers_of_both_models_each_with_its_test():
    """P = 0.019 with one τ² for all groups and 0.087 with one each: which of them is printed must be said."""
    data = read("hard/subgroups")
    rows = pd.concat([data.assign(subset="all", group="", use="yes"), data.assign(subset="setting")], ignore_index=True)
    table = pool_analysis(rows.to_dict("records"), "event", ["glmm"], ["glmm"])
    for model, name in (
        ("glmm", "Wald, each group with its own τ²"),
        ("glmm-common", "likelihood ratio, one τ² for all"),
    ):
        reference = REFERENCE["subgroups", model]
        mine = {row["group"]: row for row in table if row["model"] == model and row["subset"] == "setting"}
        for group in ("AMT", "ED", "EMS"):
            assert mine[group]["estimate"] == pytest.approx(reference[group], rel=1e-5)
        test = mine[""]
        assert test["test_name"].startswith(name) and test["test_df"] == 2 and test["status"] == "ok"
        assert test["test"] == pytest.approx(reference["test"], rel=1e-5)
        assert test["test_p"] == pytest.approx(reference["test_p"], rel=1e-5)


def test_a_p_value_that_contradicts_its_interval_says_that_they_are_of_different_tests():
    """R: fisher.test(matrix(c(5, 4, 1, 11), 2)) has P = 0.046 and an interval of 0.94 to 707 around 11.8."""
    cells = {"exposed_events": 5, "exposed_patients": 9, "unexposed_events": 1, "unexposed_patients": 12}
    row = {"study": "a2001", "exposure": "x", "outcome": "bleeding", "arm": "all", "basis": "stated", "source": "p. 1"}
    row |= cells | {"window": 30, "exclude": "", "sensitivity_only": ""}
    arms = [{"study": "a2001", "arm": "all", "comprises": "", "part_of": ""}]
    studies = [{"study": "a2001", "label": "A 2001", "report": "article", "cohort": ""}]
    ratios = [row for row in comparison_rows([row], arms, studies) if row["measure"] == OR]
    clash = "the interval includes 1 and P = 0.046: they are of different tests"
    assert [(row["p_test"], row["status"]) for row in ratios] == [
        ("Fisher's exact", f"ok; {clash}"),
        ("Fisher's exact", f"one study: not pooled; {clash}"),
    ]
