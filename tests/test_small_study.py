"""Funnel asymmetry: the numbers are metafor's, and below ten studies there are none."""

import csv
import math

import numpy as np
import pytest
from synthesis.pools.small_study import (
    ADDED,
    FEWEST,
    NO_EVENTS,
    NO_SCATTER,
    ONE_SIZE,
    TESTS,
    asymmetry,
    small_study_file,
    small_study_rows,
    weighted_slope,
)
from synthesis.selection.arms import used_rows
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table
from synthesis.tables.pools import pooled_rows
from test_golden_proportions import GOLDEN

# Closed forms. Worst seen: 2e-14 relative in t (bcg_control, Egger, whose slope nearly vanishes).
TOLERANCE = 1e-9


def read_data(name: str) -> tuple[list[int], list[int]]:
    with open(GOLDEN / "datasets" / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [int(r["events"]) for r in rows], [int(r["patients"]) for r in rows]


REFERENCE = {(row["dataset"], row["test"]): row for row in read_table(GOLDEN / "small_study.csv")}
DATASETS = sorted(path.stem for path in (GOLDEN / "datasets").glob("*.csv") if path.stem != "sources")
LARGE = [name for name in DATASETS if len(read_data(name)[0]) >= FEWEST]


def test_the_grid_is_complete():
    assert set(REFERENCE) == {(name, test) for name in LARGE for test in TESTS}
    assert len(LARGE) >= 25
    assert all(row["version"] == "metafor 3.8.1" for row in REFERENCE.values())
    assert all(row["statistic"] != "NA" for row in REFERENCE.values())


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("name", LARGE)
def test_against_metafor_regtest(name, test):
    row, result = REFERENCE[name, test], asymmetry(*read_data(name), test)
    assert result.status == "ok"
    assert result.df == int(row["df"]) == int(row["k"]) - 2
    assert math.isclose(result.statistic, float(row["statistic"]), rel_tol=TOLERANCE)
    assert math.isclose(result.p, float(row["p"]), rel_tol=TOLERANCE)


def rows(events, patients, study=None, **more) -> list[dict]:
    study = study or [f"s{i}" for i in range(len(events))]
    columns = zip(study, map(int, events), map(int, patients), strict=True)
    return [{"study": s, "events": y, "patients": n} | more for s, y, n in columns]


@pytest.mark.parametrize("test", TESTS)
def test_nine_studies_are_not_tested(test):
    events, patients = read_data("anand1999_treated")
    result = asymmetry(events[:9], patients[:9], test)
    assert result.status == "9 studies, fewer than 10: not tested"
    assert math.isnan(result.statistic) and math.isnan(result.df) and math.isnan(result.p)
    assert asymmetry(events[:10], patients[:10], test).status == "ok"


def test_only_used_rows_of_the_whole_analysis_count(tmp_path):
    events, patients = read_data("bcg_control")
    table = [
        *rows(events, patients, subset="all", use="yes"),
        *rows([1], [9], subset="all", use="no"),
        *rows(events, patients, subset="product", use="yes"),
    ]
    write_table(tmp_path / "rows.csv", ({"year": 2001} | row for row in table), ["year", *table[0]])
    table = pooled_rows(used_rows(tmp_path / "rows.csv"))
    for row in small_study_rows(table, "clots"):
        expected = asymmetry(events, patients, row["test"])
        assert (row["analysis"], row["k"], row["status"]) == ("clots", 13, "ok")
        assert math.isclose(row["statistic"], expected.statistic, rel_tol=1e-9)
    assert [r["status"] for r in small_study_rows(table[:0], "clots")] == ["0 studies, fewer than 10: not tested"] * 2
    assert small_study_rows(table[:1], "clots")[0]["status"] == "1 study, fewer than 10: not tested"


def test_arms_of_one_study_are_not_independent():
    events, patients = read_data("bcg_control")
    twelve = ["s0", *(f"s{i}" for i in range(12))]
    joined = [np.array([counts[0] + counts[1], *counts[2:]]) for counts in (events, patients)]
    for row in small_study_rows(rows(events, patients, twelve), "x"):
        expected = asymmetry(*joined, row["test"])
        assert (row["k"], row["df"], row["status"]) == (12, 10, f"ok; {ADDED}")
        assert math.isclose(row["p"], expected.p, rel_tol=1e-9)
    ten = rows(events[:10], patients[:10], ["s0", *(f"s{i}" for i in range(9))])  # ten rows, nine studies
    assert {r["status"] for r in small_study_rows(ten, "x")} == {"9 studies, fewer than 10: not tested"}


def test_what_cannot_be_tested_says_so():
    many = np.arange(20, 32)
    assert asymmetry(np.zeros(12), many, "peters").status == NO_EVENTS
    assert asymmetry(many, many, "egger").status == NO_EVENTS
    assert asymmetry(np.arange(1, 13), np.full(12, 40), "peters").status == ONE_SIZE
    assert asymmetry(np.full(12, 3), np.full(12, 40), "egger").status == ONE_SIZE
    assert weighted_slope(3 * many + 1, many, np.ones(12)).status == NO_SCATTER


def test_asymmetry_is_found_and_complements_mirror_it():
    patients = np.array([15, 20, 25, 30, 40, 60, 90, 150, 300, 600])
    events = np.array([6, 7, 7, 8, 9, 10, 12, 17, 27, 48])  # smaller studies find more
    for test in TESTS:
        found, mirror = asymmetry(events, patients, test), asymmetry(patients - events, patients, test)
        assert found.statistic > 0 and found.p < 0.01
        assert math.isclose(found.statistic, -mirror.statistic, rel_tol=1e-9)
        order = np.random.default_rng(1).permutation(10)
        assert math.isclose(asymmetry(events[order], patients[order], test).p, found.p, rel_tol=1e-9)


def test_file(tmp_path):
    events, patients = read_data("bcg_control")
    table = rows(events, patients)
    small_study_file(table, str(tmp_path / "small_study.csv"), analysis="clots")
    written = read_table(tmp_path / "small_study.csv")
    assert list(written[0]) == columns_of("small_study")
    assert [r["test"] for r in written] == ["egger", "peters"]
    small_study_file(table[:5], str(tmp_path / "small_study.csv"), analysis="clots")
    assert {(r["statistic"], r["df"], r["p"], r["k"]) for r in read_table(tmp_path / "small_study.csv")} == {
        ("", "", "", "5")
    }
