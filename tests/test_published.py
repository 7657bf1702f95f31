"""Published pools beside ours: units, the verdicts on what can be compared, and what is missing."""

import math

import pytest
from synthesis.pools.published import (
    NO,
    UNCLEAR,
    YES,
    Ours,
    compare_denominators,
    compare_measures,
    compare_pair,
    compare_published_file,
    compare_windows,
    find_published,
    parse_window,
)
from synthesis.sheets.published_pools import read_published
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table
from synthesis.tables.problems import ProblemsError

ROW = {
    **{"review_id": "smith2020", "outcome": "clot", "subgroup": "follow-up <=6 months", "measure": "%"},
    **{"estimate": "4", "ci_low": "2", "ci_high": "7", "k_studies": "12", "n_patients": "900", "notes": ""},
    **{"review_studies": "", "review_patients": ""},
}
PAIR = {
    **{"review": "smith2020", "outcome": "clot", "subgroup": "follow-up <=6 months", "analysis": "clots"},
    **{"measure": "proportion", "note": "Ours counts all."},
}
POOL = {"estimate": 0.06, "ci_low": 0.03, "ci_high": 0.1, "group": "", "k": 5, "status": "ok"}


def ours(windows=(170, 180), **changes):
    """Give our side of the pair."""
    return Ours("glmm", "per cent", {**POOL, "k": 6, "studies": 5, **changes}, 512, windows)


def test_ours_leaves_in_per_cent_with_the_ratio_and_the_overlap():
    row = compare_pair(PAIR, ROW, ours(), "patient-month")
    assert [row[c] for c in ("estimate", "ci_low", "ci_high")] == pytest.approx([6, 3, 10])
    assert (row["published_estimate"], row["published_k"], row["k"], row["patients"]) == (4, "12", 5, 512)
    assert row["ratio"] == pytest.approx(1.5)
    assert (row["intervals_overlap"], row["status"]) == (YES, "ok")
    assert [row[f"{c}_comparable"] for c in ("window", "denominator", "measure")] == [YES, YES, YES]
    assert row["note"] == "Ours counts all. Published follow-up up to 183 days, ours 170 to 180 days."
    assert set(row) == set(columns_of("published"))


def test_intervals_that_do_not_meet_are_told():
    assert compare_pair(PAIR, ROW, ours(ci_low=0.08), "patient-month")["intervals_overlap"] == NO


def test_a_missing_interval_is_empty_and_said():
    row = compare_pair(PAIR, {**ROW, "ci_low": "", "ci_high": ""}, ours(), "patient-month")
    assert math.isnan(row["published_low"]) and row["intervals_overlap"] == ""
    assert row["status"] == "published: no interval"


def test_the_status_of_our_pool_is_handed_on():
    row = compare_pair(PAIR, ROW, ours(status="one study: not pooled"), "patient-month")
    assert row["status"] == "ours: one study: not pooled"
    empty = compare_pair(PAIR, ROW, Ours("glmm", "per cent", {}, 0, []), "patient-month")
    assert math.isnan(empty["estimate"]) and math.isnan(empty["ratio"]) and empty["status"] == "ours: no such pool"


def test_unlike_measures_have_no_ratio():
    row = compare_pair(PAIR, {**ROW, "measure": "OR"}, ours(), "patient-month")
    assert math.isnan(row["ratio"]) and row["intervals_overlap"] == ""
    assert [row[f"{c}_comparable"] for c in ("denominator", "measure")] == [NO, NO]


@pytest.mark.parametrize(
    ("published", "measure", "expected"),
    [
        ("%", "proportion", YES),
        ("proportion", "proportion", YES),
        ("% per patient-month", "rate", YES),
        ("% per patient-year", "rate", NO),
        ("% per patient-month", "proportion", NO),
        ("%", "rate", NO),
        ("OR", "proportion", NO),
        ('proportion (abstract calls it "relative risk")', "proportion", UNCLEAR),
    ],
)
def test_measures_are_judged_by_their_words(published, measure, expected):
    assert compare_measures(published, measure, "patient-month").word == expected


@pytest.mark.parametrize(
    ("subgroup", "windows", "expected"),
    [
        ("follow-up <=6 months", [180], YES),
        ("follow-up <=3 months", [90, 90], YES),
        ("follow-up <=6 months", [90, 100], UNCLEAR),  # as the two windows of a rate beside a pool up to six months
        ("follow-up <=6 months", [180, 30], UNCLEAR),
        ("follow-up <=6 months", [180, None], UNCLEAR),
        ("follow-up <=6 months", [30, 400], NO),
        ("follow-up <=6 months", [], UNCLEAR),
        ("follow-up >6 months", [30, 100], NO),
        ("follow-up >6 months", [400], UNCLEAR),
        ("all", [30], UNCLEAR),
        ("age >60", [30], UNCLEAR),
    ],
)
def test_windows_are_judged_by_what_is_stated(subgroup, windows, expected):
    assert compare_windows(subgroup, windows).word == expected


def test_a_range_with_two_ends_is_read():
    assert parse_window("follow-up >1 month and <=1 year") == pytest.approx((365.25 / 12, 365.25))


@pytest.mark.parametrize(
    ("changes", "measure", "expected"),
    [
        ({}, "proportion", YES),
        ({"n_patients": ""}, "proportion", UNCLEAR),
        ({"notes": "denominator appears to be events"}, "proportion", UNCLEAR),
        ({"measure": "% per patient-month"}, "rate", UNCLEAR),
        ({"measure": "% per patient-month"}, "proportion", NO),
    ],
)
def test_denominators_are_judged_by_what_is_known(changes, measure, expected):
    assert compare_denominators({**ROW, **changes}, measure).word == expected


def test_a_pair_that_is_not_published_stops_with_the_nearest():
    with pytest.raises(ValueError, match='Did you mean "smith2020, clot, follow-up <=6 months"'):
        find_published([ROW], {**PAIR, "outcome": "clots"})
    with pytest.raises(ValueError, match="stands 2 times"):
        find_published([ROW, ROW], PAIR)


def test_files_give_one_row_a_pair(tmp_path):
    """A rate is set beside the Poisson–normal pool and counts only rows with a stated window."""
    rate = {**ROW, "outcome": "bleed", "measure": "% per patient-month"}
    write_table(tmp_path / "published.csv", [ROW, rate], list(ROW))
    row = {"subset": "all", "use": "yes", "patients": "100", "window": "180"}
    rows = [row, {**row, "window": "unstated"}, {**row, "use": "no"}, {**row, "subset": "product"}]
    write_table(tmp_path / "rows.csv", rows, list(row))
    estimates = [{"subset": "all", "model": model, **POOL} for model in ("crude", "glmm")]
    estimates[0]["estimate"] = 0.5
    write_table(tmp_path / "estimates.csv", estimates, list(estimates[0]))
    numbers = {name: POOL[name] for name in ("estimate", "ci_low", "ci_high", "k", "status")}
    rates = [{"model": m, **numbers, "estimate": e} for m, e in (("cloglog-normal", 0.5), ("poisson-normal", 0.02))]
    write_table(tmp_path / "rates.csv", rates, list(rates[0]))
    files = [{"clots": str(tmp_path / f"{name}.csv")} for name in ("rows", "estimates", "rates")]
    pairs = [PAIR, {**PAIR, "outcome": "bleed", "measure": "rate"}]
    target = tmp_path / "out" / "published.csv"
    compare_published_file(tmp_path / "published.csv", *files, target, pairs=pairs, model="glmm", unit="patient-month")
    first, second = read_table(target)
    assert list(first) == columns_of("published")
    assert [first[c] for c in ("model", "unit", "estimate", "patients")] == ["glmm", "per cent", "6.0", "200"]
    said = ["poisson-normal", "per cent per patient-month", "2.0", "100"]
    assert [second[c] for c in ("model", "unit", "estimate", "patients")] == said
    assert (first["window_comparable"], second["window_comparable"]) == (UNCLEAR, YES)


def test_totals_of_a_review_do_not_stand_beside_a_subgroup(tmp_path):
    """47 studies for both halves of the follow-up are those of the review; the pair keeps them apart."""
    halves = [{**ROW, "subgroup": f"follow-up {side}6 months"} for side in ("<=", ">")]
    write_table(tmp_path / "wrong.csv", halves, list(ROW))
    with pytest.raises(
        ProblemsError, match=r"12 studies and 900 patients are those of .* under review_studies"
    ) as error:
        read_published(tmp_path / "wrong.csv")
    assert len(error.value.problems) == 2
    apart = {"k_studies": "", "n_patients": "", "review_studies": "12", "review_patients": "900"}
    write_table(tmp_path / "right.csv", [{**row, **apart} for row in halves], list(ROW))
    row = compare_pair(PAIR, read_published(tmp_path / "right.csv")[0], ours(), "patient-month")
    assert [row[c] for c in ("published_k", "published_patients", "review_k", "review_patients")] == [
        "",
        "",
        "12",
        "900",
    ]
    write_table(
        tmp_path / "whole.csv", [ROW | {"subgroup": "all"}, ROW | {"subgroup": "all", "outcome": "bleed"}], list(ROW)
    )
    assert len(read_published(tmp_path / "whole.csv")) == 2, "two outcomes of one review may have the same studies"
