"""Meta-regression against metafor, lme4 and an exact likelihood in R (tests/golden/regression.R), and its tables."""

import csv
import math
from collections import defaultdict
from itertools import permutations

import numpy as np
import pytest
from scipy.special import gammaln
from synthesis.models.logistic_normal import arms_of, fit
from synthesis.moderators import permutation, regression
from synthesis.moderators.analysis import (
    crosstab_rows,
    regress_analysis,
    regress_factors,
    regress_moderators,
)
from synthesis.moderators.permutation import arrangements, max_loglik
from synthesis.moderators.regression import (
    EXPLORATORY,
    MODELS,
    NO_VARIATION,
    SATURATED,
    SEPARATED,
    TOO_FEW,
    Studies,
    permute,
    regress,
)
from synthesis.pools.subgroups import fit_common
from synthesis.selection.arms import used_rows
from synthesis.sheets.moderator_values import leading_number, moderator_rows
from synthesis.tables.declared import columns_of, write
from test_golden_proportions import GOLDEN, same

SETTINGS = {"level": 0.95, "permutations": 200, "seed": 1}
IN_R = {"glmm": "glmm-exact", "logit-reml": "rma-PLO-mods-REML-z", "logit-reml-hk": "rma-PLO-mods-REML-knha"}
NUMBERS = ("slope", "se", "ci_low", "ci_high", "intercept", "intercept_se", "covariance", "tau2", "tau2_without", "r2")
TESTS = ("lr", "lr_p", "wald", "wald_p")
# Relative, with the worst value seen. PyMARE stops its search for τ² at about 1e-7 of its scale, metafor ran to 1e-13;
# r² is a difference of two τ², so it shows the most of it.
TOLERANCE = {
    "glmm": dict.fromkeys((*NUMBERS, *TESTS), 1e-7),  # 5e-9
    "logit-reml": dict.fromkeys((*NUMBERS, *TESTS), 2e-6) | {"r2": 2e-5},  # 3e-7, r² 3e-6
    "logit-reml-hk": dict.fromkeys((*NUMBERS, *TESTS), 2e-6) | {"r2": 2e-5},  # 3e-7, r² 3e-6
}


def read_reference() -> dict:
    table = defaultdict(dict)
    with open(GOLDEN / "reference_regression.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table[row["dataset"], row["model"]][row["quantity"]] = float(row["value"].replace("NA", "nan"))
    return table


REFERENCE = read_reference()
NAMES = sorted({name for name, _ in REFERENCE})
TINY = sorted(name for name, model in REFERENCE if model == "glmm-permutation")


def read_data(name: str) -> Studies:
    with open(GOLDEN / "regression" / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    try:
        design = column["moderator"].astype(float)[:, None]
    except ValueError:  # a factor
        design = (column["moderator"][:, None] == np.unique(column["moderator"])[1:]).astype(float)
    return Studies(column["events"].astype(int), column["patients"].astype(int), column["study"], design)


def test_the_grid_is_complete():
    assert {path.stem for path in (GOLDEN / "regression").glob("*.csv")} - {"sources"} == set(NAMES)
    assert len(NAMES) >= 11
    assert len(TINY) >= 4
    data = [read_data(name) for name in NAMES]
    assert any(0 in d.events for d in data)
    assert any(not d.one_row_a_study for d in data)
    assert any(d.design.shape[1] > 1 for d in data)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_r_agrees(name, model):
    data = read_data(name)
    found = regress(data, model, permutations=1)
    if model != "glmm" and not data.one_row_a_study:
        assert found == {"status": "several arms of one study: only glmm shares the study's effect"}
        return
    reference = REFERENCE[name, IN_R[model]]
    compared = [q for q in (*NUMBERS, *TESTS) if q in reference]
    assert len(compared) >= 5
    for quantity in compared:
        if quantity == "r2" and found["tau2_without"] == 0:
            assert math.isnan(found["r2"])  # metafor prints 0: of no heterogeneity nothing can be explained
            continue
        assert same(found[quantity], reference[quantity], TOLERANCE[model][quantity]), quantity


@pytest.mark.parametrize("name", NAMES)
def test_lme4_agrees(name):
    """25 nodes are its most, and its optimiser stops early; worst seen: lr 2e-9, τ² 8e-7, slope 2e-6, se 3e-5."""
    reference, found = REFERENCE[name, "glmm-lme4"], regress(read_data(name), "glmm", permutations=1)
    assert math.isclose(found["lr"], reference["lr"], abs_tol=1e-7)
    assert math.isclose(found["tau2"], reference["tau2"], rel_tol=1e-5, abs_tol=1e-9)
    if "slope" in reference:
        assert math.isclose(found["slope"], reference["slope"], rel_tol=1e-5)
        assert math.isclose(found["se"], reference["se"], rel_tol=1e-4)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", TINY)
def test_exact_permutation_p(name, model):
    """R: every order of the moderator fitted one by one with the exact likelihood; metafor's permutest."""
    reference = REFERENCE[name, "glmm-permutation" if model == "glmm" else IN_R[model]]
    found = regress(read_data(name), model)
    assert found["permutation_method"] == "exact"
    assert found["permutations"] == reference["permutations"]
    assert math.isclose(found["permutation_p"], reference["permutation_p"], rel_tol=1e-12)


@pytest.mark.parametrize("name", TINY)
def test_likelihoods_of_all_arrangements(name):
    """Largest and mean likelihood ratio: separated arrangements have no maximum, but R climbs to the same height."""
    data, reference = read_data(name), REFERENCE[name, "glmm-permutation"]
    order, _ = arrangements(data.design, 1, 1)
    value = max_loglik(data.events[order], data.patients[order], data.scaled()[0])
    none = max_loglik(data.events[None], data.patients[None], np.ones((len(data.study), 1)))
    ratio = 2 * (value[1:] - none)
    assert math.isclose(ratio.max(), reference["largest_lr"], rel_tol=1e-6)
    assert math.isclose(ratio.mean(), reference["mean_lr"], rel_tol=1e-6)


def test_permutations_one_by_one():
    """Four studies, a tied moderator: all 24 orders with single fits, the p value counted by hand."""
    events, patients = np.array([2, 9, 4, 20]), np.array([40, 60, 90, 110])
    moderator = np.array([1.0, 1.0, 2.0, 5.0])
    logliks = []
    for order in permutations(range(4)):
        design = np.column_stack([np.ones(4), moderator[list(order)]])
        logliks.append(fit(arms_of(events, patients, np.arange(4), design)).loglik)
    by_hand = np.mean(np.array(logliks) >= logliks[0] - 1e-7)
    found = permute(Studies(events, patients, np.arange(4), moderator[:, None]), "glmm", 10, 1)
    assert found == {"permutation_p": by_hand, "permutations": 12, "permutation_method": "exact"}


def random_studies(k: int, seed: int, covariates: int = 1) -> Studies:
    rng = np.random.default_rng(seed)
    patients = rng.integers(10, 200, k)
    design = rng.normal(size=(k, covariates))
    p = 1 / (1 + np.exp(2.5 - 0.5 * design[:, 0] - rng.choice([0, 0.5, 1]) * rng.normal(size=k)))
    return Studies(rng.binomial(patients, p), patients, np.arange(k), design)


@pytest.mark.parametrize("seed", range(20))
def test_batched_fits_equal_single_fits(seed):
    data = random_studies(5 + seed % 6, seed, 1 + seed % 2)
    design = data.scaled()[0]
    arms = arms_of(data.events, data.patients, data.study, design)
    value = max_loglik(data.events[None], data.patients[None], design)[0]
    y, n = data.events, data.patients
    coefficients = np.sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1))  # which the many leave out
    assert math.isclose(value, fit(arms).loglik - coefficients, abs_tol=1e-7)  # worst seen: 4e-10


@pytest.mark.parametrize(
    ("events", "patients", "high"),
    [
        ([0, 0, 122, 0, 667, 148277, 3060], [2073, 808125, 793, 926478, 8506, 360298, 5713], [1, 0, 0, 1, 1, 0, 0]),
        ([22015, 24, 0, 0, 0, 0, 0], [31841, 812, 2486, 41854, 6508, 74, 1553], [0, 1, 0, 0, 1, 1, 0]),
    ],
)
def test_where_nodes_do_not_suffice_the_careful_fit_takes_over(events, patients, high):
    """Registers without events: climbing with nodes ended 9,409 and 206,313 below the maximum, and counted."""
    y, n, design = np.array(events), np.array(patients), np.column_stack([np.ones(7), high])
    coefficients = np.sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1))
    value = max_loglik(y[None], n[None], design)[0]
    assert math.isclose(value + coefficients, fit(arms_of(y, n, np.arange(7), design)).loglik, abs_tol=1e-5)


def test_an_arrangement_without_a_fit_is_said_and_counts_on_neither_side(monkeypatch):
    data = random_studies(5, 1)
    known = permute(data, "glmm", 1, 1)
    whole = permutation.max_loglik(*(np.tile(part, (1, 1)) for part in (data.events, data.patients)), data.scaled()[0])
    monkeypatch.setattr(regression, "max_loglik", lambda y, n, x: np.where(np.arange(len(y)) < 3, whole[0], np.nan))
    found = permute(data, "glmm", 1, 1)
    assert found == {"permutation_p": 1.0, "permutations": 120, "permutation_method": "exact", "unfitted": 118}
    assert known.keys() == found.keys() - {"unfitted"}


def test_drawn_permutations_approach_exact_ones(monkeypatch):
    """Seven studies: 5,040 orders are listed; 1,500 draws come within three standard errors of their p value."""
    data = random_studies(7, 3)
    exact = permute(data, "logit-reml", 1, 1)
    monkeypatch.setattr(permutation, "EXACT_UP_TO", 0)
    drawn = permute(data, "logit-reml", 1500, 1)
    assert (exact["permutations"], drawn["permutations"]) == (5040, 1500)
    p = drawn["permutation_p"]
    assert abs(p - exact["permutation_p"]) < 3 * math.sqrt(p * (1 - p) / 1500)


def test_the_seed_decides_the_draws():
    data = random_studies(9, 5)
    first, again = (permute(data, "glmm", 60, 7) for _ in range(2))
    assert first == again
    assert first["permutation_method"] == "sampled"
    assert first["permutation_p"] >= 1 / 61


def test_the_scale_of_the_moderator_does_not_matter():
    """Years near 2020 against years from 0: same slope and tests, the line through the same point."""
    data = random_studies(8, 2)
    far = Studies(data.events, data.patients, data.study, 2020 + 3 * data.design)
    for model in MODELS:
        near, moved = (regress(d, model, permutations=1) for d in (data, far))
        assert math.isclose(near["slope"], 3 * moved["slope"], rel_tol=1e-7)
        for key in ("lr", "wald", "tau2", "intercept", "permutation_p"):
            assert math.isclose(near.get(key, 0), moved.get(key, 0), rel_tol=1e-6, abs_tol=1e-9)


REFUSED = {
    "two studies": ([3, 5], [20, 30], [1, 2], TOO_FEW),
    "one value": ([3, 5, 7], [20, 30, 40], [4, 4, 4], NO_VARIATION),
    "no events": ([0, 0, 0], [20, 30, 40], [1, 2, 3], "no events: not fitted"),
    "all events": ([9, 8, 7], [9, 8, 7], [1, 2, 3], "nothing but events: not fitted"),
    "events only at the top": ([0, 0, 4], [20, 30, 40], [1, 2, 3], SEPARATED),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_fit_says_why(case):
    events, patients, moderator, status = REFUSED[case]
    data = Studies(np.array(events), np.array(patients), np.arange(len(events)), np.array(moderator, float)[:, None])
    assert regress(data, "glmm") == {"status": status}


def test_identical_studies_have_no_hartung_knapp_interval():
    data = Studies(np.full(4, 5), np.full(4, 50), np.arange(4), np.array([[1.0], [2], [3], [7]]))
    assert "has no width" in regress(data, "logit-reml-hk")["status"]


def test_below_ten_studies_is_exploratory():
    assert regress(random_studies(9, 1), "logit-reml", permutations=1)["status"] == f"ok; {EXPLORATORY}"
    assert regress(random_studies(10, 1), "logit-reml", permutations=1)["status"] == "ok"


def row(study, arm="all", subset="all", group="", events=5, patients=50, **more) -> dict:
    base = {"study": study, "label": study.title(), "arm": arm, "subset": subset, "group": group, "year": 2020}
    return {**base, "events": events, "patients": patients, "use": "yes", **more}


def fact(study, value="", arm="all", group="", events="", patients="", unit="", name="age") -> dict:
    return {
        "study": study,
        "arm": arm,
        "group": group,
        "name": name,
        "events": events,
        "patients": patients,
        "value": value,
        "unit": unit,
        "source": "table 1",
    }


AGE = {"unit": "years", "characteristic": "age"}
SHARE = {"unit": "%", "characteristic": "age"}
ARMS = [
    {"study": "x", "arm": "all", "comprises": "a; b", "part_of": ""},
    {"study": "x", "arm": "a", "comprises": "", "part_of": ""},
    {"study": "x", "arm": "b", "comprises": "", "part_of": ""},
    {"study": "x", "arm": "part", "comprises": "", "part_of": "a"},
]
# facts, pooled arm, moderator → value, status
VALUES = {
    "number with a range": ([fact("x", "57 (31-70)", unit="years")], "all", AGE, 57, "ok"),
    "share": ([fact("x", events="23", patients="127")], "all", SHARE, 100 * 23 / 127, "ok"),
    "count beats the printed share": ([fact("x", "18.1", events="23", patients="127")], "all", SHARE, 2300 / 127, "ok"),
    "printed share": ([fact("x", "18.1", unit="percent")], "all", SHARE, 18.1, "ok"),
    "nothing": ([], "all", AGE, None, "not reported"),
    "another study": ([fact("y", "57")], "all", AGE, None, "not reported"),
    "only a range": ([fact("x", "31-70")], "all", AGE, None, "not one number: 31-70"),
    "months": ([fact("x", "8", unit="months")], "all", AGE, None, "in another unit: months, not years"),
    "count for a number": (
        [fact("x", events="3", patients="9")],
        "all",
        AGE,
        None,
        "a count, and the moderator is in years: 3/9",
    ),
    "no denominator": ([fact("x", events="3")], "all", SHARE, None, "a count without its patients"),
    "a group": ([fact("x", "57", group="with it")], "all", AGE, None, "reported only for a group of the arm: with it"),
    "whole before group": ([fact("x", "60", group="with it"), fact("x", "57")], "all", AGE, 57, "ok"),
    "own arm first": ([fact("x", "60"), fact("x", "57", arm="a")], "a", AGE, 57, "ok"),
    "the arm around it": ([fact("x", "60")], "part", AGE, 60, "of the arm that holds it: all"),
    "only a part": ([fact("x", "60", arm="a")], "all", AGE, None, "reported only for another arm: a"),
    "two values": ([fact("x", "60"), fact("x", "57")], "all", AGE, None, "several values: 60; 57"),
    "twice the same": ([fact("x", "60"), fact("x", "60.0")], "all", AGE, 60, "ok"),
}


@pytest.mark.parametrize("case", VALUES)
def test_value_of_a_moderator(case):
    facts, arm, moderator, value, status = VALUES[case]
    (found,) = moderator_rows([row("x", arm)], facts, ARMS, {"age": moderator}, "clots")
    assert (found["value"], found["status"]) == (value, status)
    assert set(found) == set(columns_of("moderators"))


def test_year_of_publication():
    year = {"year": {"unit": "", "characteristic": None}}
    values = moderator_rows([row("x"), row("y", year=None)], [], [], year, "clots")
    assert [(v["value"], v["status"]) for v in values] == [(2020, "ok"), (None, "no year of publication")]


@pytest.mark.parametrize(
    "text", ["~57", ">57", "57+", "57 or more", "57 to 60", "57/60", "1,030", "not stated", "NaN", ""]
)
def test_what_is_not_surely_one_number_is_missing(text):
    assert leading_number(text) is None


def test_studies_without_a_value_stay_out():
    years = [2018, 2019, None, 2021, 2023]
    rows = [row(f"s{i}", events=3 + 2 * i, year=year) for i, year in enumerate(years)]
    moderators = {"year": {"unit": "", "characteristic": None}}
    values = moderator_rows(rows, [], [], moderators, "clots")
    table = regress_moderators(rows, values, moderators, SETTINGS)
    assert [r["model"] for r in table] == list(MODELS)
    assert {(r["k"], r["studies"], r["status"]) for r in table} == {(4, 4, f"ok; {EXPLORATORY}")}
    assert all(r["permutations"] == 24 and r["slope"] > 0 for r in table)


def split(*arms) -> list[dict]:
    return [row(study, f"arm {i}", "product", group, y, n) for i, (study, group, y, n) in enumerate(arms)]


PRODUCT = {"product": ["A", "B", "C"]}


def test_factor_equals_the_test_in_estimates():
    """The likelihood ratio is the one of `glmm-common`; "mixed" is no level; a level without events is in it, named."""
    arms = [("a", "A", 3, 40), ("b", "A", 8, 70), ("c", "B", 9, 60), ("d", "B", 20, 80), ("e", "C", 0, 30)]
    found = regress_factors(split(*arms, ("f", "mixed", 5, 50)), PRODUCT, SETTINGS)[0]
    study, group, events, patients = (list(column) for column in zip(*arms, strict=True))
    common = fit_common(events, patients, study, group)
    assert math.isclose(found["lr"], common.test.statistic, rel_tol=1e-9)
    assert found["lr_df"] == 2 and math.isclose(found["lr_p"], common.test.p, rel_tol=1e-9)
    assert (
        found["wald_df"] == 1
        and found["status"] == f"ok; {EXPLORATORY}; no finite mean, in the likelihood ratio only: C"
    )
    assert found["levels"] == "A; B"
    assert found["coefficient"] == "log odds, B against A"
    assert found["permutations"] == 6  # ways to choose two of four
    assert "centre" not in found


def test_arms_with_the_value_of_their_study_are_permuted_with_it():
    """A property of studies: a study in two arms is the same study, in the fit and in every arrangement."""
    whole = [("a", "A", 3, 40), ("b", "A", 8, 70), ("c", "B", 9, 60), ("d", "B", 20, 80), ("e", "A", 2, 50)]
    arms = [("a", "A", 1, 15), ("a", "A", 2, 25), *whole[1:3], ("d", "B", 15, 50), ("d", "B", 5, 30), whole[4]]
    one, several = (regress_factors(split(*given), PRODUCT, SETTINGS) for given in (whole, arms))
    assert (one[0]["k"], several[0]["k"], several[0]["studies"]) == (5, 7, 5)
    same = ("slope", "se", "lr", "lr_p", "wald_p", "tau2", "tau2_without", "permutation_p", "permutations", "status")
    assert [several[0][q] for q in same] == [one[0][q] for q in same]
    assert several[1]["status"].startswith("several arms of one study")  # REML knows no effect of a study


def test_two_maxima_of_a_regression_are_said():
    """A register beside small series: without a word the slope would look like any other."""
    events, patients = np.array([3, 1, 9, 0, 400, 6]), np.array([30, 25, 40, 20, 20000, 33])
    design = np.array([[1.0], [2.0], [3.0], [4.0], [3.0], [2.0]])
    found = regress(Studies(events, patients, np.arange(6), design), "glmm", permutations=1)
    assert "the likelihood has two maxima" in found["status"] and found["status"].startswith("ok; ")


def test_as_many_levels_as_studies_is_no_answer_however_many_arms_they_give():
    arms = [(study, study.upper(), 3 + i, 40) for i, study in enumerate("aabbcc")]
    assert regress_factors(split(*arms), PRODUCT, SETTINGS)[0]["status"] == SATURATED


def test_several_arms_of_one_study_are_not_permuted():
    arms = [("a", "A", 3, 40), ("a", "B", 8, 70), ("c", "B", 9, 60), ("d", "A", 9, 80)]
    table = regress_factors(split(*arms), PRODUCT, SETTINGS)
    assert (
        table[0]["status"] == f"ok; {EXPLORATORY}; several arms of one study with different values: no permutation test"
    )
    assert "permutation_p" not in table[0]
    assert table[0]["lr"] > 0
    assert table[1]["status"].startswith("several arms of one study")


def test_one_study_a_level_is_not_fitted():
    arms = [("a", "A", 3, 40), ("b", "B", 8, 70), ("c", "C", 9, 60)]
    assert {r["status"] for r in regress_factors(split(*arms), PRODUCT, SETTINGS)} == {SATURATED}


def test_crosstab_counts_what_goes_together():
    rows = [
        row("x", "b", "product", "B", 2, 20, disease="lung"),
        row("x", "a", "product", "A", 1, 10, disease="skin"),
        row("y", "all", "product", "A", 4, 40, disease="skin"),
        row("z", "all", "product", "mixed", 3, 30, disease=""),
        row("z", "all", "all", "", 3, 30, disease=""),
    ]
    table = crosstab_rows(rows, "clots", {"product": ["A", "B"], "disease": ["skin", "lung"]})
    assert [tuple(r[c] for c in columns_of("crosstab")) for r in table] == [
        ("clots", "product", "A", "disease", "skin", 2, 2, 5, 50),
        ("clots", "product", "B", "disease", "lung", 1, 1, 2, 20),
        ("clots", "product", "mixed", "disease", "not reported", 1, 1, 3, 30),
    ]
    assert crosstab_rows(rows, "clots", {}) == []


def test_files(tmp_path):
    rows = [row(f"s{i}", subset=s, group=g, events=3 + i, disease="lung") for i in range(4) for s, g in GROUPS[i]]
    write(tmp_path / "rows.csv", [*rows, row("s9") | {"use": "no"}], ["disease"])
    tables = regress_analysis(
        used_rows(tmp_path / "rows.csv"),
        [fact(f"s{i}", str(50 + i**2)) for i in range(4)],
        ARMS,
        analysis="clots",
        moderators={"age": AGE},
        factors=PRODUCT,
        crosstab={"product": ["A", "B"], "disease": ["lung"]},
        settings=SETTINGS,
    )
    outputs = []
    for name, table in zip(("regression", "moderators", "crosstab"), tables, strict=True):
        outputs.append(tmp_path / f"{name}.csv")
        write(outputs[-1], table)
    fitted, moderators, crosstab = (list(csv.DictReader(path.open(encoding="utf-8"))) for path in outputs)
    assert list(fitted[0]) == columns_of("regression")
    assert [(r["moderator"], r["kind"], r["model"]) for r in fitted] == [
        (name, kind, model) for name, kind in (("age", "continuous"), ("product", "factor")) for model in MODELS
    ]
    assert {r["k"] for r in fitted} == {"4"}
    assert fitted[1]["lr"] == ""  # REML has no likelihood ratio between designs: missing, not 0
    assert [m["value"] for m in moderators] == ["50.0", "51.0", "54.0", "59.0"]
    assert [c["arms"] for c in crosstab] == ["2", "2"]


GROUPS = {i: (("all", ""), ("product", "AB"[i % 2])) for i in range(4)}
