"""Tables people have: their headings are understood, nothing is guessed or lost, and a draft names what it lacks."""

import openpyxl
import pytest
from synthesis.checks import read_sheets
from synthesis.curation.wide import draft_sheets, id_of, read_table_file
from synthesis.curation.wide_columns import normal, recognise
from synthesis.curation.writing import data_to_yaml
from synthesis.problems import ProblemsError


@pytest.fixture
def read(protocol, tmp_path):
    """Give a function from the bytes of a CSV to drafts."""

    def drafts(content: bytes | str, encoding: str = "utf-8", **given):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return draft_sheets(read_table_file(path, encoding), "table.csv", protocol, given)

    return drafts


def counts(drafts) -> dict:
    """Give (study, arm, outcome) → (events, patients)."""
    return {
        (name, row["arm"], row["outcome"]): (row["events"], row["patients"])
        for name, sheet in drafts.sheets.items()
        for row in sheet["outcomes"]
    }


@pytest.mark.parametrize(
    "header",
    [
        "study,events,patients",
        "studlab,event,n",
        "Study,xi,ni",
        "TRIAL,Cases,Total",
        "slab,r,N",
        "study,n,N",
        'study,"Number of events","Sample size"',
        "\ufeffstudy,events,n",
        "study, events , n ",
    ],
)
def test_headings_people_use(header, read):
    assert counts(read(f"{header}\nSmith 2020,3,80\n", outcome="fever")) == {("smith2020", "all", "fever"): ("3", "80")}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiters_and_line_ends(delimiter, ending, read):
    lines = [("author", "year", "events", "n", "percent"), ("Smith J et al.", "2020", "9", "80", "11.3%")]
    drafts = read(ending.join(delimiter.join(f'"{cell}"' for cell in line) for line in lines), outcome="fever")
    [(name, sheet)] = drafts.sheets.items()
    assert name == "smith2020" and sheet["citation"] == {"authors": "Smith J et al.", "year": "2020"}
    assert sheet["label"] == "Smith 2020" and sheet["outcomes"][0]["reported"] == "11.3%"


def test_one_column_for_each_outcome(read):
    text = "study;N;fever;Rash;high fever n;high fever events;rash_total\nA 2020;50;3;;40;1;30\nB 2021;60;0;2;;;33\n"
    assert counts(read(text)) == {
        ("a2020", "all", "fever"): ("3", "50"),
        ("a2020", "all", "high_fever"): ("1", "40"),
        ("b2021", "all", "fever"): ("0", "60"),
        ("b2021", "all", "rash"): ("2", "33"),
    }


def test_several_arms_make_one_sheet(read):
    drafts = read(
        "study,arm,product,outcome,events,n\nA 2020,a,A,fever,3,50\nA 2020,b,B,fever,4,40\nA 2020,a,A,rash,0,50\n"
    )
    assert drafts.sheets["a2020"]["arms"] == {"a": {"product": "A"}, "b": {"product": "B"}}
    assert len(drafts.sheets["a2020"]["outcomes"]) == 3


def test_decimal_comma_of_a_percentage_in_a_semicolon_file(read):
    drafts = read("study;events;n;%\nA 2020;9;80;11,3\n", outcome="fever")
    assert drafts.sheets["a2020"]["outcomes"][0]["reported"] == "11.3%"


def test_missing_counts_are_words_and_a_bare_percentage_makes_no_count(read):
    drafts = read("study,events,n,percent\nA 2020,NA,80,11.3%\nB 2020,,,\n", outcome="fever")
    row = drafts.sheets["a2020"]["outcomes"][0]
    assert (row["events"], row["patients"]) == ("not reported", "80") and "reported" not in row
    assert row["note"] == "The table prints 11.3%."
    assert counts(drafts)["b2020", "all", "fever"] == ("not reported", "not reported")


def test_columns_that_say_nothing_here_are_named(read):
    assert read("study,fever,n,Remark,percent\nA 2020,1,9,x,11%\n").unread == ("Remark", "percent")


FAULTS = {
    "03-Dec,80": 'table.csv:2: events: "03-Dec" is a date, which a spreadsheet makes of 3/12 or 12-3.',
    "Dec-03,80": '"Dec-03" is a date, which a spreadsheet makes of a fraction.',
    "3/12/2020,80": '"3/12/2020" is a date',
    "3/12,80": '"3/12" is two numbers (or a date).',
    '"1,234",8000': '"1,234" may be a thousand or a decimal number.',
    "1.234,8000": '"1.234" may be a thousand or a decimal number.',
    "1 234,8000": '"1 234" has a thousands separator. Write 1234.',
    "9.5,80": '"9.5" is a decimal number where a whole number belongs.',
    "11.2%,80": '"11.2%" is a percentage.',
    "12 (15%),80": '"12 (15%)" holds a count and something else.',
    "-3,80": '"-3" is not a whole number of 0 or more.',
    "O,80": '"O" is not a whole number',
    "90,80": "90 is more than patients (80).",
}


def test_every_fault_of_a_table_is_told_in_one_run(read):
    rows = "\n".join(f"S{'x' * i} 2020,{cells}" for i, cells in enumerate(FAULTS))
    with pytest.raises(ProblemsError) as caught:
        read(f"study,events,n\n{rows}\nNobody,1,9\n,1,9\nS 2020,2,9\n", outcome="fever")
    found = {p.line: str(p) for p in caught.value.problems}
    for line, message in enumerate(FAULTS.values(), 2):
        assert message in found[line], found[line]
    assert '"Nobody" does not give an author and a year.' in found[len(FAULTS) + 2]
    assert "The row names no study." in found[len(FAULTS) + 3]
    assert "The same study, arm and outcome as line 2." in found[len(FAULTS) + 4]
    assert len(found) == len(FAULTS) + 3 == len(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study,n\nA 2020,3\n", "No column holds events."),
        ("study,events\nA 2020,3\n", "No column holds the patients of the events."),
        ("events,n\n3,9\n", "No column names the study."),
        ("study,events,cases,n\nA 2020,3,3,9\n", "The columns events and cases both hold events."),
        ("study,event.e,n.e,event.c,n.c\nA 2020,3,9,3,9\n", "This table compares two groups."),
        ("", "The table is empty."),
        ('study,events,n\n"A 2020,3,9\n', "Not readable as CSV"),
    ],
)
def test_tables_that_are_not_understood_say_so(text, message, read):
    with pytest.raises(ProblemsError) as caught:
        read(text, outcome="fever")
    assert message in str(caught.value)


def test_an_encoding_is_not_guessed(read):
    content = "study,events,n\nMüller 2020,1,9\n".encode("cp1252")
    with pytest.raises(ProblemsError) as caught:
        read(content, outcome="fever")
    assert "--encoding cp1252" in str(caught.value)
    assert list(read(content, "cp1252", outcome="fever").sheets) == ["muller2020"]
    assert list(read("study\tevents\tn\nMüller 2020\t1\t9\n".encode("utf-16"), outcome="fever").sheets) == [
        "muller2020"
    ]


def test_two_studies_never_become_one(read):
    with pytest.raises(ProblemsError) as caught:
        read("study,events,n\nLi H 2020,1,9\nLi K 2020,2,9\n", outcome="fever")
    assert '"Li K 2020" and "Li H 2020" would both be li2020.' in str(caught.value)


def test_a_workbook_with_a_wide_table(protocol, tmp_path):
    import datetime as dt

    book = openpyxl.Workbook()
    for row in (["Study", "Events", "N"], ["A 2020", 3, 80], ["B 2020", dt.datetime(2026, 12, 3), 90]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(ProblemsError) as caught:
        draft_sheets(read_table_file(tmp_path / "t.xlsx"), "t.xlsx", protocol, {"outcome": "fever"})
    assert "t.xlsx: Sheet!B3 (events): The cell holds the date 2026-12-03" in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_check_names_what_a_draft_lacks_and_nothing_else(read, protocol, tmp_path):
    drafts = read("study,events,n,country\nA 2020,3,80,NO\n", outcome="fever", report="article")
    path = tmp_path / "a2020.yaml"
    path.write_text(data_to_yaml(drafts.sheets["a2020"]), "utf-8")
    with pytest.raises(ProblemsError) as caught:
        read_sheets([path], protocol)
    missing = ["window", "definition", "basis", "confidence", "source"]
    expected = {"design", "ascertainment", "extraction.first", *(f"outcomes[0].{name}" for name in missing)}
    assert {p.field for p in caught.value.problems} == expected
    text = path.read_text("utf-8")
    for name in expected:
        key = name.split(".")[-1]
        said = next(line for line in text.splitlines() if f"{key}:" in line)
        assert "  # " in said, said
        text = text.replace(said, said.split("  # ")[0].replace(f"{key}:", f"{key}: {FILLED[key]}"))
    path.write_text(text, "utf-8")
    [sheet] = read_sheets([path], protocol)
    assert sheet.country == "NO" and sheet.outcomes[0].events == 3 and sheet.outcomes[0].window == 90


FILLED = {"design": "trial", "ascertainment": "chart review", "first": "2026-01-01", "window": "90"}
FILLED |= {"definition": "any", "basis": "stated", "confidence": "high", "source": "table 1"}


def test_ids_and_headings():
    assert id_of("Abu-Sbeih et al., 2019") == "abusbeih2019" and id_of("van der Berg AB 2020a") == "vanderberg2020a"
    assert id_of("NIS 2019") == "nis2019" and id_of("2019") is None and id_of("Groß 2020") == "gross2020"
    assert normal("No. of events") == "no_of_events" and normal("event.e") == "event_e"


def test_no_heading_means_two_things(protocol):
    """Each outcome, alone or with each word for events and patients, is recognised as that outcome and no other."""
    for outcome in protocol.outcomes:
        found = recognise(["study", "n", outcome, f"{outcome}_n"], protocol)
        assert found.counts == {outcome: (2, 3)} and not found.problems
