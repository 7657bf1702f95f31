"""Counts known only within limits: how they are written and read, and that checks refuse only what cannot be."""

import pytest
import yaml
from conftest import REVIEW, ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthesis.curation.adding import title
from synthesis.curation.compare import agreement_markdown, compare_sheets, mark_second_reading
from synthesis.curation.handing_in import HandedIn
from synthesis.curation.show import show_sheet
from synthesis.curation.writing import to_yaml
from synthesis.protocol.config import read_protocol
from synthesis.review.index import Index, sheet_paths
from synthesis.review.totals import total_warnings
from synthesis.sheets.checks import check_sheet
from synthesis.sheets.collect import outcome_rows
from synthesis.sheets.limits import Limits, ends, fitting
from synthesis.sheets.sheet import type_sheet
from synthesis.tables.located import read_located

FOLDERS = (REVIEW, ROOT)  # the small review, and the review itself


def sheets_of(folder):
    return [type_sheet(read_located(path)) for path in sheet_paths(folder / "studies")]


PROTOCOLS = [read_protocol(folder / "config.yaml") for folder in FOLDERS]
SHEETS = [(sheet, protocol) for folder, protocol in zip(FOLDERS, PROTOCOLS, strict=True) for sheet in sheets_of(folder)]


def loosened(sheet, draw):
    """Give a sheet with limits around each of its counts, and without percentages, which limits must fit."""
    rows = []
    for row in sheet.outcomes:
        low, high = ends(row.events)
        if low is not None and row.patients:
            low = draw(st.integers(max(0, low - 5), low))
            high = draw(st.integers(high, min(row.patients, high + 5)))
            if low < high and (low, high) != (0, row.patients):
                row = row.model_copy(update={"events": Limits(low, high), "reported": None})
        rows.append(row)
    return sheet.model_copy(update={"outcomes": tuple(rows)})


def read_back(text, folder):
    path = folder / f"{yaml.safe_load(text)['id']}.yaml"
    path.write_text(text, encoding="utf-8")
    return read_located(path)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_limits_around_counts_that_are_in_order_are_in_order(data, tmp_path_factory):
    """What one assignment of counts makes true is never refused, and every view of the sheet shows it."""
    sheet, protocol = data.draw(st.sampled_from(SHEETS))
    loose = loosened(sheet, data.draw)
    located = read_back(to_yaml(loose, protocol.attributes), tmp_path_factory.mktemp("limits"))
    assert type_sheet(located) == loose
    assert check_sheet(located, loose, protocol) == []
    shown = show_sheet(loose, protocol, 400)
    for row, written in zip(loose.outcomes, outcome_rows(loose), strict=True):
        low, high = ends(row.events)
        assert (written["events_from"], written["events_to"]) == (low, high)
        assert written["events"] == (low if low == high else None)
        assert low == high or f"{low:,}–{high:,}/{row.patients:,}" in shown
    assert "Numbers that differ\n\nNone." in agreement_markdown([compare_sheets(loose, loose)], "one", "other")


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_review_of_limits_is_asked_about_nothing_that_cannot_be(data):
    """The sum of the other studies, with limits around some of them, is still asked about."""
    counts = data.draw(st.lists(st.tuples(st.integers(1, 20), st.integers(21, 90)), min_size=3, max_size=6))
    counts.append(tuple(map(sum, zip(*counts, strict=True))))
    base = next(sheet for sheet, _ in SHEETS if sheet.id == "baker2002")
    sheets = {}
    for i, (events, patients) in enumerate(counts):
        row = base.outcomes[1].model_copy(update={"events": events, "patients": patients})
        arms = {"all": base.arms["all"].model_copy(update={"patients": patients})}
        name = f"s{'abcdefgh'[i]}2000"
        one = base.model_copy(update={"id": name, "label": name, "outcomes": (row,), "arms": arms})
        sheets[name] = loosened(one, data.draw)
    index = Index(PROTOCOLS[0], sheets)
    [line] = total_warnings(index)
    assert line.startswith(f"{name} may be a total of other studies: its {sheets[name].outcomes[0].events} of")


def test_readers_who_wrote_other_limits_disagree():
    sheet = next(sheet for sheet, _ in SHEETS if sheet.id == "clark2003")
    rows = [[row.model_copy(update={"events": Limits(3, high)}) for row in sheet.outcomes] for high in (4, 5)]
    first, second = (sheet.model_copy(update={"outcomes": tuple(one)}) for one in rows)
    text = agreement_markdown([compare_sheets(first, second)], "Ann", "Bob")
    assert "| clark2003 | rash, all, 30 d | events | 3 to 4 | 3 to 5 |" in text
    marked = mark_second_reading(first, second).outcomes[1]
    assert (marked.second_reading, marked.second_note) == (
        "disagree",
        "The second reader has 3 to 5 of 90, window 30 days.",
    )
    entry = HandedIn("", first, ROOT)
    assert title([entry], PROTOCOLS[0]) == "Enter Clark 2003: fever 3–4/90, rash 3–4/90"


@pytest.mark.parametrize("patients", [1, 7, 89, 168, 1204])
@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_the_counts_that_fit_a_percentage_are_those_that_are_printed_so(patients, decimals):
    """Against counting: every count whose share, rounded half up or half down, is the printed one, and no other."""
    from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

    step = Decimal(1).scaleb(-decimals)
    printed = {}
    for count in range(patients + 1):
        share = Decimal(100 * count) / patients
        for way in (ROUND_HALF_UP, ROUND_HALF_DOWN):
            printed.setdefault(f"{share.quantize(step, rounding=way)}%", set()).add(count)
    for text, counts in printed.items():
        assert set(fitting(text, patients)) == counts, text
