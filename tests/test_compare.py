"""Two readers: every number that differs is named, agreement is counted rightly, and a second reading is marked."""

import math
from collections import Counter

import pytest
from conftest import REVIEW
from synthesis.curation.compare import (
    agreement_markdown,
    cohen_kappa,
    compare_sheets,
    kappa_variance,
    mark_second_reading,
    match_rows,
)
from synthesis.curation.writing import to_yaml
from synthesis.sheets.sheet import Sheet, type_sheet
from synthesis.tables.located import read_located

# Reference: SAS PROC FREQ, as printed in the tests of statsmodels for this table: kappa 0.4842, ASE 0.1380.
SAS_TABLE = ((0, 4, 1), (0, 8, 0), (0, 1, 5))


def pairs_of(table) -> list[tuple[str, str]]:
    return [(str(i), str(j)) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]


def test_kappa_and_its_standard_error_are_those_of_sas():
    pairs = pairs_of(SAS_TABLE)
    found = cohen_kappa(pairs)
    one, other = (Counter(pair[i] for pair in pairs) for i in (0, 1))
    expected = sum(one[level] * other[level] for level in one) / len(pairs) ** 2
    assert found.kappa == pytest.approx(0.4842, abs=5e-5)
    assert math.sqrt(kappa_variance(pairs, found.kappa, expected)) == pytest.approx(0.1380, abs=5e-5)
    assert math.isnan(found.ci_low) and "fewer than 30" in found.status


def test_kappa_with_enough_items_has_its_interval():
    """Ten times the same table: the same kappa, a standard error smaller by the root of ten."""
    found = cohen_kappa(pairs_of(SAS_TABLE) * 10)
    assert found.kappa == pytest.approx(0.4842, abs=5e-5) and found.n == 190 and found.status == "ok"
    assert found.ci_high - found.ci_low == pytest.approx(2 * 1.96 * 0.1380 / math.sqrt(10), abs=2e-4)


def test_kappa_that_is_not_defined_says_why():
    same = cohen_kappa([("yes", "yes")] * 40)
    assert math.isnan(same.kappa) and same.agree == 40 and "one and the same word" in same.status
    assert cohen_kappa([]).status == "nothing was judged by both"
    assert cohen_kappa([("a", "b"), ("b", "a")]).kappa == -1


@pytest.fixture
def adams() -> dict:
    return read_located(REVIEW / "studies" / "adams2001.yaml").data


def changed(data: dict, **changes) -> Sheet:
    return Sheet.model_validate({**data, **changes})


def test_a_sheet_agrees_with_itself(adams):
    found = compare_sheets(changed(adams), changed(adams))
    assert all(pair.same for pair in found.numbers) and not found.only_first + found.only_second
    # year; 3 arms; 4 outcomes with events, patients, window and one percentage; a table of 4 and no window; 1 value
    assert len(found.numbers) == 1 + 3 + (4 * 3 + 1) + (4 + 1) + 1
    assert len(found.rows) == 4


def test_differences_are_named_number_by_number(adams):
    rows = [dict(row) for row in adams["outcomes"]]
    rows[1]["events"], rows[3]["window"], rows[0]["reported"] = "8", "unstated", "10%"
    del rows[2]
    rows.append({**rows[0], "outcome": "rash", "events": "not reported"})
    first, second = changed(adams), changed(adams, outcomes=rows)
    found = compare_sheets(first, second)
    different = {(p.where, p.field): (p.first, p.second) for p in found.numbers if not p.same}
    assert different == {
        ("fever, a, 90 d", "events"): ("9", "8"),
        ("high_fever, all, 90 d", "window"): ("90", "unstated"),
    }  # 10.0% and 10% are one number
    assert found.only_first == ["fever, b, 90 d"] and found.only_second == ["rash, all, 90 d"]
    text = agreement_markdown([found], "Ann", "Bo|b")
    assert "| adams2001 | fever, a, 90 d | events | 9 | 8 |" in text
    assert "18 of 20 numbers (90.0 %) agree. 8 of 10 arms and rows (80.0 %) were found by both readers" in text


def test_rows_of_one_outcome_are_matched_by_window_then_numbers(adams):
    row = adams["outcomes"][0]
    rows = [
        row | {"window": "30", "events": "5", "definition": "x"},
        row | {"window": "unstated", "definition": "y"},
        row,
    ]
    first, second = changed(adams, outcomes=rows), changed(adams, outcomes=[rows[2], rows[0], rows[1]])
    assert match_rows("outcomes", first.outcomes, second.outcomes) == [(0, 1), (1, 2), (2, 0)]


def test_judgements_are_compared_within_one_tool(adams):
    def judged(word: str, tool: str = "jbi") -> dict:
        return {"risk_of_bias": {"tool": tool, "items": {"sample": {"judgement": word, "support": "s"}}}}

    found = compare_sheets(changed(adams, **judged("yes")), changed(adams, **judged("no")))
    [pair] = found.judgements["risk of bias"]
    assert (pair.field, pair.first, pair.second) == ("sample", "yes", "no")
    found = compare_sheets(changed(adams, **judged("yes")), changed(adams, **judged("yes", "other")))
    assert "risk of bias" not in found.judgements and found.only_first == ["jbi"]
    assert found.only_second == ["other"]


def test_a_second_reading_is_marked(adams, tmp_path):
    rows = [dict(row) for row in adams["outcomes"]]
    rows[1]["events"] = "8"
    del rows[3]
    second = changed(adams, outcomes=rows, extraction={"first": "2026-05-01"})
    marked = mark_second_reading(changed(adams), second)
    assert [row.second_reading for row in marked.outcomes] == ["agree", "disagree", "agree", None]
    assert marked.outcomes[1].second_note == "The second reader has 8 of 80, window 90 d."
    assert marked.outcomes[1].events == 9  # who is right is for people to settle
    assert marked.extraction.second == "2026-05-01"
    path = tmp_path / "adams2001.yaml"
    path.write_text(to_yaml(marked), "utf-8")
    assert type_sheet(read_located(path)) == marked
