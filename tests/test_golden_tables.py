"""Exact odds ratios and risk differences of single 2×2 tables, against R's fisher.test and Wilson limits."""

import csv
import math
from collections import defaultdict

import pytest
from scipy.stats import nchypergeom_fisher
from synthesis.pools.contrasts import BETWEEN, POOLED, TOGETHER, WITHIN, contrast_rows, exact_odds_ratio, newcombe
from synthesis.pools.subgroups import ONE_EACH, odds_ratio_shared
from synthesis.selection.arms import counts_of
from test_golden_proportions import GOLDEN, same


def read_reference() -> dict:
    table = defaultdict(dict)
    with open(GOLDEN / "reference_tables.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = row["value"]
            value = math.nan if text in ("", "NA", "NaN") else float(text.replace("Inf", "inf"))
            table[row["dataset"], row["model"]][row["quantity"]] = value
    return table


REFERENCE = read_reference()
NAMES = sorted({name for name, _ in REFERENCE})


def read_tables(name: str) -> list[tuple]:
    with open(GOLDEN / "tables" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return [
            ((int(r["a_events"]), int(r["b_events"])), (int(r["a_patients"]), int(r["b_patients"])))
            for r in csv.DictReader(file)
        ]


def test_the_grid_is_complete():
    assert {path.stem for path in (GOLDEN / "tables").glob("*.csv")} - {"sources"} == set(NAMES)
    assert sum(len(read_tables(name)) for name in NAMES) >= 100
    assert sum(0 in events for name in NAMES for events, _ in read_tables(name)) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_conditional_odds_ratio_and_exact_interval(name):
    """R's fisher.test solves for the odds ratio, or its inverse above 1, with uniroot's absolute tolerance 1.2e-4."""
    reference = REFERENCE[name, "fisher.test"]
    for i, (events, patients) in enumerate(read_tables(name), 1):
        estimate, low, high, p = exact_odds_ratio(events, patients)
        if sum(events) == 0:
            assert math.isnan(estimate)
            continue
        assert near_in_r(estimate, reference[f"or[{i}]"]), (i, events, patients)
        assert near_in_r(low, reference[f"ci_low[{i}]"]), (i, events, patients)
        assert near_in_r(high, reference[f"ci_high[{i}]"]), (i, events, patients)
        assert same(p, reference[f"p[{i}]"], 1e-6), (i, events, patients)


def near_in_r(ours: float, theirs: float) -> bool:
    if math.isinf(theirs) or theirs == 0:
        return ours == theirs
    return abs(ours - theirs) < 2e-4 if theirs <= 1 else abs(1 / ours - 1 / theirs) < 2e-4


@pytest.mark.parametrize("name", NAMES)
def test_exact_limits_leave_their_tails(name):
    """Sharper than R's own answer: at each limit the conditional distribution leaves 2.5 % beyond what was seen."""
    for (a, c), (n1, n2) in read_tables(name):
        _, low, high, _ = exact_odds_ratio((a, c), (n1, n2))
        if low > 0:
            assert math.isclose(nchypergeom_fisher.sf(a - 1, n1 + n2, a + c, n1, low), 0.025, rel_tol=1e-6)
        if 0 < high < math.inf:
            assert math.isclose(nchypergeom_fisher.cdf(a, n1 + n2, a + c, n1, high), 0.025, rel_tol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_newcombe_interval(name):
    reference = REFERENCE[name, "newcombe"]
    for i, (events, patients) in enumerate(read_tables(name), 1):
        values = newcombe(events, patients)
        for value, key in zip(values, ("rd", "ci_low", "ci_high"), strict=True):
            assert same(value, reference[f"{key}[{i}]"], 1e-8)


# Newcombe 1998, table II, method 10 (printed to four decimals): events and sizes → interval.
NEWCOMBE_1998 = {
    "a: 56/70 − 48/80": ((56, 48), (70, 80), (0.0524, 0.3339)),
    "b: 9/10 − 3/10": ((9, 3), (10, 10), (0.1705, 0.8090)),
    "c: 6/7 − 2/7": ((6, 2), (7, 7), (0.0582, 0.8062)),
    "e: 0/10 − 0/20": ((0, 0), (10, 20), (-0.1611, 0.2775)),
}


@pytest.mark.parametrize("example", NEWCOMBE_1998)
def test_newcombe_1998_examples(example):
    events, patients, (low, high) = NEWCOMBE_1998[example]
    _, ours_low, ours_high = newcombe(events, patients)
    assert (round(ours_low, 4), round(ours_high, 4)) == (low, high)


def frame(*arms) -> list[dict]:
    columns = ["study", "group", "events", "patients"]
    return [{"subset": "product"} | dict(zip(columns, arm, strict=True)) for arm in arms]


CONTRAST = [{"by": "product", "first": "A", "second": "B"}]


def test_within_and_between_are_printed_apart():
    rows = contrast_rows(
        frame(("x", "A", 6, 89), ("x", "B", 2, 38), ("y", "A", 2, 97), ("z", "B", 5, 60)), "clots", CONTRAST
    )
    kinds = [(r["kind"], r["measure"], r["status"]) for r in rows]
    assert kinds == [
        (WITHIN, "odds ratio", "ok"),
        (WITHIN, "risk difference", "ok"),
        (BETWEEN, "odds ratio", f"ok; {ONE_EACH}"),
        (TOGETHER, "odds ratio", "ok"),
    ]
    between = rows[2]
    assert (between["first_events"], between["first_patients"]) == (2, 97)  # x has both: it is not between studies
    assert (between["second_events"], between["second_patients"]) == (5, 60)


def test_trials_that_all_have_both_levels_are_pooled_within():
    """Stijnen 2010's catheters: without a pooled row, one of 18 trials would speak for all of them."""
    x, y, z = ((6, 89), (2, 38)), ((2, 97), (9, 99)), ((1, 20), (3, 20))
    studies = zip("xyz", (x, y, z), strict=True)
    arms = frame(*((name, group, *arm) for name, study in studies for group, arm in zip("AB", study, strict=True)))
    rows = contrast_rows(arms, "clots", CONTRAST)
    (pooled,) = [r for r in rows if r["kind"] == POOLED]
    shared = odds_ratio_shared(*counts_of(arms), [arm["group"] == "A" for arm in arms], 0.95)
    assert (pooled["estimate"], pooled["p"], pooled["status"]) == (shared.estimate, shared.p, "ok")
    assert (pooled["first_events"], pooled["second_patients"]) == (9, 157)
    assert rows[-1]["status"] == "no study beside those that have both levels"


def test_no_comparison_is_invented():
    rows = contrast_rows(frame(("x", "A", 6, 89), ("x", "B", 2, 38), ("y", "A", 2, 97)), "clots", CONTRAST)
    between = next(r for r in rows if r["kind"] == BETWEEN)
    assert between["status"] == "no study with only B: nothing to compare"
    assert "estimate" not in between
    together = next(r for r in rows if r["kind"] == TOGETHER)
    assert together["status"] == "ok; B: only inside the studies that have both", "it is no second comparison"


def test_a_level_without_events_has_no_odds_ratio():
    rows = contrast_rows(frame(("x", "A", 6, 89), ("y", "B", 0, 38)), "clots", CONTRAST)
    assert rows[-1]["status"].startswith("a level without events")
    assert math.isnan(rows[-1]["estimate"])
