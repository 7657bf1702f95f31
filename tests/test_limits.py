"""Counts known only within limits: how they are written and read, and that checks refuse only what cannot be."""

import re
import zipfile

import openpyxl
import pytest
import yaml
from conftest import REVIEW, ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthesis.curation.adding import title
from synthesis.curation.compare import agreement_markdown, compare_sheets, mark_second_reading
from synthesis.curation.handing_in import HandedIn, read_workbooks
from synthesis.curation.show import show_sheet
from synthesis.curation.table_file import read_table_file
from synthesis.curation.wide import draft_sheets
from synthesis.curation.workbook import write_workbook
from synthesis.curation.writing import sheet_data, to_yaml
from synthesis.models.proportions import clopper_pearson
from synthesis.protocol.config import read_protocol
from synthesis.releases.attribution import counts_of, how
from synthesis.releases.estimates import movers
from synthesis.releases.snapshot import Snapshot
from synthesis.review.index import Index, sheet_paths
from synthesis.review.totals import total_warnings
from synthesis.sheets.checks import check_sheet
from synthesis.sheets.collect import outcome_rows
from synthesis.sheets.limits import Limits, ends, fitting
from synthesis.sheets.sheet import type_sheet
from synthesis.tables.declared import declared, read
from synthesis.tables.located import read_located
from synthesis.tables.pools import find_pool
from synthesis.tables.problems import ProblemsError

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
    assert marked.second_reading == "disagree"
    assert marked.second_note.startswith("The second reader has 3 to 5 of 90, ")
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


def test_a_workbook_holds_limits_and_gives_them_back(tmp_path):
    for sheet_id, events in (("adams2001", Limits(2, 3)), ("baker2002", Limits(4, 6))):
        sheet, protocol = next((sheet, p) for sheet, p in SHEETS if sheet.id == sheet_id)
        rows = [*sheet.outcomes]
        rows[-1] = rows[-1].model_copy(update={"events": events})
        sheet = sheet.model_copy(update={"outcomes": tuple(rows)})
        write_workbook(tmp_path / "one.xlsx", sheet_data(sheet), protocol)
        [back] = read_workbooks([tmp_path / "one.xlsx"], tmp_path, protocol)
        assert back.sheet == sheet and f"events: {events}\n" in back.text


TABLE = "study,outcome,arm,events_from,events_to,n,percent\n"
TABLES = {
    "limits": ("A 2020,rash,all,16,17,168,10%", "16 to 17"),
    "limits that meet": ("A 2020,rash,all,17,17,168,10.1%", "17"),
    "no limits": ("A 2020,rash,all,,NA,168,", "not reported"),
    "no percentage": ("A 2020,rash,all,0,4,168,", "0 to 4"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_gives_limits_in_two_columns(case, tmp_path):
    line, events = TABLES[case]
    (tmp_path / "t.csv").write_text(f"{TABLE}{line}\nB 2021,rash,all,3,3,40,\n", "utf-8")
    drafts = draft_sheets(read_table_file(tmp_path / "t.csv"), "t.csv", PROTOCOLS[0])
    assert drafts.sheets["a2020"]["outcomes"][0]["events"] == events
    assert drafts.sheets["b2021"]["outcomes"][0]["events"] == "3"
    assert not {"events_from", "events_to"} & set(drafts.unread)


WRONG = {
    "one limit": ("A 2020,rash,all,16,,168,", "t.csv:2: events: One limit of two is empty. Write both, or neither."),
    "turned": ("A 2020,rash,all,17,16,168,", '"17 to 16" begins above its end. Write 16 to 17.'),
    "wider than the percentage": (
        "A 2020,rash,all,15,17,168,10%",
        "t.csv:2: reported: 10% does not fit every count from 15 to 17: 16 and 17 fit.",
    ),
    "a decimal": ("A 2020,rash,all,16.5,17,168,", '"16.5" is'),
    "a date": ("A 2020,rash,all,03-Dec,17,168,", "The limits of a count are written as in 3 to 12."),
}


@pytest.mark.parametrize("case", WRONG)
def test_limits_in_a_table_are_refused_at_their_line(case, tmp_path):
    line, said = WRONG[case]
    (tmp_path / "t.csv").write_text(f"{TABLE}{line}\n", "utf-8")
    with pytest.raises(ProblemsError) as caught:
        draft_sheets(read_table_file(tmp_path / "t.csv"), "t.csv", PROTOCOLS[0])
    [problem] = caught.value.problems
    assert said in str(problem)


def test_a_table_with_events_and_limits_says_one_thing(tmp_path):
    (tmp_path / "t.csv").write_text("study,events,events_from,events_to,n\nA 2020,15,16,17,168\n", "utf-8")
    with pytest.raises(ProblemsError, match=r'"15" here, 16 to 17 in events_from and events_to. Correct one.'):
        draft_sheets(read_table_file(tmp_path / "t.csv"), "t.csv", PROTOCOLS[0], {"outcome": "rash"})
    (tmp_path / "t.csv").write_text("study,events_from,n\nA 2020,16,168\n", "utf-8")
    with pytest.raises(ProblemsError, match=r"Limits of a count stand in two columns: events_from and events_to."):
        draft_sheets(read_table_file(tmp_path / "t.csv"), "t.csv", PROTOCOLS[0], {"outcome": "rash"})


def test_a_total_among_limits_is_found_in_a_table(tmp_path):
    lines = "A 2020,0 to 4,40\nB 2020,5,60\nC 2020,6,50\nOthers 2020,12,150\n"
    (tmp_path / "t.csv").write_text(f"study,events,n\n{lines}", "utf-8")
    with pytest.raises(ProblemsError, match="12 of 150 is the sum of the 3 rows from line 2 to line 4"):
        draft_sheets(read_table_file(tmp_path / "t.csv"), "t.csv", PROTOCOLS[0], {"outcome": "rash"})


def test_what_a_release_tells_of_limits_is_what_the_sheet_says():
    def snapshot(events, low, high):
        head = "subset,use,group,arm,outcome,study,reason,events,events_from,events_to,patients\n"
        line = f"all,yes,,all,rash,a2020,,{events},{low},{high},168\n"
        return Snapshot("now", {"results/rash/rows.csv": head + line})

    before, after = snapshot(15, 15, 15), snapshot("", 16, 17)
    moved = movers(before.table("rash/rows"), after.table("rash/rows"))
    assert moved == ["a2020 (15/168 → 16 to 17/168)"]
    assert how("a2020", *(counts_of(s.used("rash"))["a2020"] for s in (before, after)), before, after, "rash") == (
        "15/168 → 16 to 17/168"
    )


@pytest.mark.workflow
def test_a_count_within_limits_goes_from_the_sheet_to_every_page(built):
    """Davis 2004 of the small review: rash in 1 to 2 of 50. Two columns for machines, 1–2 for people."""
    results = built.folder / "results"
    [row] = [row for row in read(results / "rash/rows.csv") if (row["study"], row["subset"]) == ("davis2004", "all")]
    assert (row["events"], row["events_from"], row["events_to"], row["use"]) == (None, 1, 2, "yes")
    ends = clopper_pearson([1, 2], 50)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((ends[0][0], ends[1][1]))
    pool = find_pool(read(results / "estimates.csv"), "glmm", analysis="rash")
    assert (pool["events"], pool["events_from"], pool["events_to"], pool["patients"]) == (None, 4, 5, 200)
    assert 4 / 200 < pool["estimate"] < 5 / 200 and pool["status"] == "ok"
    for table in ("data/outcomes", "rows", "estimates"):
        columns = declared()[table].columns
        assert {columns[name].type for name in ("events", "events_from", "events_to")} == {"integer"}
    book = openpyxl.load_workbook(results / "tables.xlsx")
    head, *lines = book["data outcomes"].iter_rows(values_only=True)
    [cells] = [line for line in (dict(zip(head, line, strict=True)) for line in lines) if line["events_from"] == 1]
    assert (cells["study"], cells["outcome"], cells["events"], cells["events_to"]) == ("davis2004", "rash", None, 2)
    forest = (results / "rash/forest.svg").read_text("utf-8")
    assert ">1–2<" in forest and ">4–5<" in forest and "Bar instead of a square" in forest
    assert "| [Rash](#rash) | 3 | 4–5 | 200 |" in (results / "README.md").read_text("utf-8")
    report = (results / "report.html").read_text("utf-8")
    assert "1–2/50" in report and '"1–2 of 50 patients"' in report and "2.0–4.0 (0.1–13.7)" in report
    with zipfile.ZipFile(results / "report.docx") as archive:
        word = re.sub("<[^>]*>", "", archive.read("word/document.xml").decode())
    assert "1–2" in word and "2.0–4.0 (0.1–13.7)" in word
