"""Tables people have: their headings are understood, nothing is guessed or lost, and a draft names what it lacks."""

import openpyxl
import pytest
from synthesis.curation.naming import id_of
from synthesis.curation.table_file import read_table_file
from synthesis.curation.wide import draft_sheets
from synthesis.curation.wide_columns import ALIASES, PLAIN, STUDY, normal, recognise
from synthesis.curation.writing import data_to_yaml
from synthesis.protocol.config import read_protocol
from synthesis.sheets.checks import read_sheets
from synthesis.tables.problems import ProblemsError


@pytest.fixture
def read(protocol, tmp_path):
    """Give a function from the bytes of a CSV to drafts."""

    def drafts(content: bytes | str, encoding: str = "utf-8", columns=None, studies=(), **given):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return draft_sheets(read_table_file(path, encoding), "table.csv", protocol, given, columns, studies)

    return drafts


@pytest.fixture
def refused(read):
    """Give a function from a table about fever to what is wrong with it, in the order it is told."""

    def problems(content, **options) -> list[str]:
        with pytest.raises(ProblemsError) as caught:
            read(content, outcome="fever", **options)
        return [str(problem) for problem in caught.value.problems]

    return problems


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
    assert row["note"] == "The table prints 11.3%, which 9 of 80 fits."
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
        ("study,events,n\n", "There is no row below the headings."),
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


def test_headings_in_another_script_are_told_apart(protocol):
    """A label without a Latin letter was read out of every heading without one: sex as events of fever."""
    fever = protocol.outcomes["fever"].model_copy(update={"label": "Лихорадка"})
    there = protocol.model_copy(update={"outcomes": protocol.outcomes | {"fever": fever}})
    assert recognise(["study", "Лихорадка", "n"], there).counts == {"fever": (1, 2)}
    found = recognise(["study", "Пол", "n"], there)
    assert not found.counts and "Пол" in found.unread


TOTALS = [
    "Total",
    "TOTAL (95% CI)",
    "Sub-total",
    "Overall (I-squared = 90.1%, p = 0.000)",
    "All studies",
    "Sum",
    "Gesamt",
]
TOTALS += [
    "Random effects model",
    "RE Model",
    "Pooled estimate",
    "Summary (fixed effect)",
    "Total 2020",
    "Meta-analysis",
]


@pytest.mark.parametrize("name", TOTALS)
def test_a_row_called_a_total_is_no_study(name, refused):
    [said] = refused(f'study,events,n\nA 2020,3,40\n"{name}",9,99\nB 2021,5,50\n')
    assert said.startswith(f'table.csv:3: study: "{name}" is the name of a total') and "Delete the row." in said


def test_a_study_by_an_author_called_like_a_total_is_kept_when_somebody_says_so(read, refused):
    table = "study,events,n\nA 2020,3,40\nSum 2020,9,99\nSum et al. 2021,9,99\nSummers 2022,1,9\n"
    [said] = refused(table)
    assert said.endswith('If it is a study nevertheless: --study "Sum 2020".')
    assert set(read(table, outcome="fever", studies=["Sum 2020"]).sheets) == {
        "a2020",
        "sum2020",
        "sum2021",
        "summers2022",
    }
    assert refused(table, studies=["Sum 2020", "Sum 2029"]) == ['--study: No row is called "Sum 2029".']


A, B, C, D = "A 2020,3,40", "B 2021,5,50", "C 2022,4,41", "D 2023,6,61"
GROUPED = {
    "last": [A, B, C, "X 2020,12,131"],
    "first": ["X 2020,12,131", A, B, C],
    "between": [A, "X 2020,12,131", B, C],
    "beside a study without a count": [A, B, C, "E 2024,NA,70", "X 2020,12,131"],
    "below a group": [A, B, "X 2020,8,90", C, D],
    "above a group": [C, D, "Subtotal,10,102", "X 2020,8,90", A, B],
    "of groups with subtotals": [A, B, "Subtotal,8,90", C, D, "Subtotal,10,102", "X 2020,18,192"],
}


@pytest.mark.parametrize("rows", GROUPED.values(), ids=GROUPED)
def test_a_row_that_adds_up_others_is_no_study_wherever_it_stands(rows, read, refused):
    table = "study,events,n\n" + "\n".join(rows) + "\n"
    line = 2 + next(i for i, row in enumerate(rows) if row.startswith("X"))
    said = [text for text in refused(table) if text.startswith(f"table.csv:{line}: study: ")]
    assert len(said) == 1 and "is the sum of the" in said[0] and said[0].endswith('--study "X 2020".'), said
    without = "study,events,n\n" + "\n".join(row for row in rows if row[0] not in "XS") + "\n"
    assert "x2020" not in read(without, outcome="fever").sheets
    named = "study,events,n\n" + "\n".join(row for row in rows if row[0] != "S") + "\n"
    assert "x2020" in read(named, outcome="fever", studies=["X 2020"]).sheets


def test_totals_of_one_outcome_of_several_are_found(refused, read):
    table = "study,n,fever,rash\nA 2020,40,3,0\nB 2021,50,5,\nC 2022,60,1,1\nTotal 2023 b,150,9,1\n"
    with pytest.raises(ProblemsError) as caught:
        read(table)
    assert "9 of 150 is the sum of the 3 rows from line 2 to line 4" in str(caught.value)


def test_the_whole_of_a_study_beside_its_arms_is_no_total(read):
    rows = ["A 2020,a,3,40", "A 2020,b,5,50", "A 2020,all,8,90", "B 2021,all,1,20"]
    drafts = read("study,arm,events,n\n" + "\n".join(rows) + "\n", outcome="fever")
    assert len(drafts.sheets["a2020"]["outcomes"]) == 3


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ("Onwuneme 2015 (1),32,35\nOnwuneme 2015 (2),32,46\n", "Onwuneme 2015a, Onwuneme 2015b"),
        ("Menni et al. 1 2020,3,9\nMenni et al. 2 2020,4,8\n", "Menni 2020a, Menni 2020b"),
        ("Li H 2020,1,9\nLi K 2020,2,9\nLi 2020b,2,7\nLi Q. 2020,3,7\n", "Li 2020a, Li 2020c, Li 2020d"),
        ("van der Berg 1 2020,1,9\nVan der Berg #2 2020,2,9\n", "van der Berg 2020a, van der Berg 2020b"),
    ],
)
def test_advice_to_tell_studies_apart_works_to_the_letter(rows, names, read, refused):
    said = refused(f"study,events,n\n{rows}")
    assert all(f"Tell them apart: {names}." in line for line in said), said
    followed, given = [], iter(names.split(", "))
    for line in rows.splitlines():
        label, _, rest = line.partition(",")
        followed.append(f"{label if id_of(label)[-1].isalpha() else next(given)},{rest}")
    assert len(read("study,events,n\n" + "\n".join(followed), outcome="fever").sheets) == len(followed)


def test_two_studies_of_one_name_are_told_how_to_be_two(read, refused):
    [said] = refused("author,year,events,n\nLi H,2020,1,9\nLi H,2020,2,9\n")
    assert "The same study, arm and outcome as line 2. If it is another study, call it Li 2020b; if not, add" in said
    assert set(read("author,year,events,n\nLi H,2020,1,9\nLi 2020b,2020,2,9\n", outcome="fever").sheets) == {
        "li2020",
        "li2020b",
    }


@pytest.mark.parametrize("author", ["Davidson 1969", "Davidson (1969)", "Davidson, 1969"])
def test_an_author_with_its_year_does_not_get_it_twice(author, read):
    sheet = read(f'author,year,events,n\n"{author}",1969,69,139\n', outcome="fever").sheets["davidson1969"]
    assert sheet["label"] == "Davidson 1969" and sheet["citation"] == {"authors": "Davidson", "year": "1969"}


def test_an_author_with_another_year_than_its_row_is_named(refused):
    [said] = refused("author,year,events,n\nDavidson 1968,1969,69,139\n")
    assert said.startswith('table.csv:2: author: "Davidson 1968" says another year than the column beside it (1969).')


def test_names_in_the_form_of_ids(read, refused):
    drafts = read("study,events,n\nWellman2016a,12,244\nwellman2016b,9,195\nVanBerg2019,1,9\n", outcome="fever")
    assert {name: sheet["label"] for name, sheet in drafts.sheets.items()} == {
        "wellman2016a": "Wellman 2016a",
        "wellman2016b": "Wellman 2016b",
        "vanberg2019": "VanBerg 2019",
    }
    assert len(refused("study,events,n\n-1,12,244\n999,9,195\n12016,1,9\nx20167,1,9\n")) == 4


def test_titles_above_the_headings_are_read_past_and_said(read, refused):
    drafts = read("Table S2. Studies, and their events,,\n,,\nstudy,events,n\nSmith 2020,3,40\n", outcome="fever")
    assert counts(drafts) == {("smith2020", "all", "fever"): ("3", "40")}
    assert drafts.unread == ('line 1 ("Table S2. Studies, and their events")',)
    assert counts(read("Table 1. Events, by study\nstudy;events;n\nSmith 2020;3;40\n", outcome="fever"))
    said = refused("Group,,Treated\nstudy,events,n\nSmith 2020,3,40\n")
    assert any("The headings seem to stand in line 2. Delete the rows above it." in line for line in said), said


@pytest.mark.parametrize(
    "padding", ["study,events,n,,,\nSmith 2020,3,40,,,\n,,,,,\n", "study;events;n;\nSmith 2020;3;40;\n"]
)
def test_columns_that_are_wholly_empty_are_read_in_silence(padding, read):
    drafts = read(padding, outcome="fever")
    assert len(drafts.sheets) == 1 and drafts.unread == ()
    assert read("study,events,n,\nSmith 2020,3,40,x\n", outcome="fever").unread == ("column D",)


def test_rows_that_do_not_fit_below_the_headings_are_named_together(refused):
    said = refused("study,events,n\nSmith, J 2020,3,40\nJones 2021,5\nNote: n as printed\nA 2020,O,9\n")
    assert [line.split(":")[1] for line in said] == ["2", "3", "4", "5"]
    assert "The row has 4 cells below 3 headings." in said[0] and 'holds a "," in quotes' in said[0]


def test_which_column_is_which_can_be_said(read, refused):
    table = "Reference,Ee,Ne,Remark\nSmith 2020,3,40,x\n"
    said = refused(table)
    assert any("Not understood: Ee, Ne, Remark." in line and "--columns events=HEADING" in line for line in said)
    drafts = read(table, outcome="fever", columns={"events": "ee", "patients": "Ne"})
    assert counts(drafts) == {("smith2020", "all", "fever"): ("3", "40")} and drafts.unread == ("Remark",)
    both = read("study,cases,confirmed,n\nSmith 2020,9,3,40\n", outcome="fever", columns={"events": "confirmed"})
    assert counts(both)["smith2020", "all", "fever"] == ("3", "40") and both.unread == ("cases",)
    assert counts(read("study,f,N\nSmith 2020,3,40\n", columns={"rash": "f", "rash_n": "N"}))
    said = refused(table, columns={"events": "Ee", "patients": "Ee"})
    assert any("One column cannot hold two things." in line for line in said)
    assert any("No column is called so" in line for line in refused(table, columns={"events": "E e"}))


def test_numbers_of_rows_and_columns_beside_others_are_not_taken_for_counts_or_names(read, refused):
    drafts = read("id,num,study,events,n,rash_n\n1,1,Smith 2020,3,40,39\n", outcome="fever")
    assert counts(drafts) == {("smith2020", "all", "fever"): ("3", "40")} and drafts.unread == ("id", "num", "rash_n")
    assert counts(read("ID,num,denom\nsmith2020,3,40\n", outcome="fever"))["smith2020", "all", "fever"] == ("3", "40")
    assert read("study,n,fever,fever_n\nSmith 2020,41,3,40\n").unread == ("n",)


def test_one_name_in_other_capitals_is_one_study(read):
    drafts = read("study,arm,events,n\nSmith  2020,a,3,40\nSMITH 2020,b,4,50\n", outcome="fever")
    assert list(drafts.sheets["smith2020"]["arms"]) == ["a", "b"]


DESIGNS = {"case-control": "case-control", "Case control": "case-control", "nested-case control": "nested case-control"}
DESIGNS |= {"Cross sectional": "cross-sectional", "COHORT": "cohort", "case series": "case series"}


def test_designs_of_prevalence_reviews_are_words(read):
    rows = "\n".join(f"{'x' * i} 2020,3,40,{design}" for i, design in enumerate(DESIGNS, 1))
    drafts = read(f"study,events,n,design\n{rows}\n", outcome="fever")
    assert [sheet["design"] for sheet in drafts.sheets.values()] == list(DESIGNS.values())


def test_what_a_check_would_refuse_is_told_before_a_draft_is_written(refused):
    said = refused(
        "study,events,n,design,doi,days,%,country\n"
        "A 2020,3,40,cohort study,,30,7.5,NO\n"
        "B 2021,41,40,trial,xyz,30,,\n"
        "C 2022,3,40,trial,,three months,20,\n",
        basis="guessed",
    )
    assert [line for line in said if line.startswith('--set: basis: "guessed" is not one of: stated')]
    lines = [line for line in said if line.startswith("table.csv")]
    assert [line.split(":")[1] for line in lines] == ["2", "3", "3", "4", "4"], said
    assert 'design: "cohort study" is not one of: retrospective cohort' in lines[0]
    assert "41 is more than patients (40). Check the source, or correct the table." in "".join(lines)
    assert "20% does not fit 3/40" in "".join(lines)


def test_rows_of_one_study_that_contradict_each_other_are_named(refused, read):
    head = "study,arm,product,design,events,n\n"
    said = refused(f"{head}A 2020,a,A,trial,3,40\nA 2020,b,B,cohort,4,50\nA 2020,a,B,,5,60\n", window="unstated")
    assert '"cohort" here, "trial" in line 2.' in said[0] and any('"B" here, "A" in line 2.' in s for s in said[1:])
    drafts = read(f"{head}A 2020,a,A,,3,40\nA 2020,b,B,trial,4,50\n", outcome="fever")
    assert drafts.sheets["a2020"]["design"] == "trial"  # said in the second row only


def test_what_is_given_for_all_rows_reaches_the_arms(read):
    assert read("study,events,n\nA 2020,3,40\n", outcome="fever", product="A", target="T1").sheets["a2020"]["arms"] == {
        "all": {"product": "A", "target": "T1"}
    }


def test_an_outcome_given_beside_columns_of_outcomes_is_not_dropped(refused):
    [said] = refused("study,n,rash\nA 2020,40,3\n")
    assert 'The columns hold rash; "fever" was given for all rows.' in said


def test_a_tab_can_be_named_and_what_else_a_workbook_holds_is_said(protocol, tmp_path):
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    book.active.append(["How these were collected"])
    book.active["A1"].comment = Comment("not this", "x")
    book.active.append(["Study", "n", "Events"])
    book.active.append(["A 2020", 80, 3])
    other = book.create_sheet("More")
    for row in (["Study", "n", "Events"], ["B 2020", 90, 4], ["C 2021", 90, 4]):
        other.append(row)
    other["A3"].comment = Comment("or 5?", "x")
    other.row_dimensions[3].hidden = True
    book.save(tmp_path / "t.xlsx")

    def drafts(tab=None):
        return draft_sheets(read_table_file(tmp_path / "t.xlsx", tab=tab), "t.xlsx", protocol, {"outcome": "fever"})

    first = drafts()
    assert list(first.sheets) == ["a2020"]
    assert first.unread == (
        'row 1 ("How these were collected")',
        "the tab More (--tab reads it)",
        "the comment at Sheet!A1",
    )
    assert list(drafts("More").sheets) == ["b2020", "c2021"] and "the comment at More!A3" in drafts("More").unread
    with pytest.raises(ProblemsError, match='No tab is called so: "Mre" is not one of: Sheet, More'):
        drafts("Mre")
    other.merge_cells("A2:A3")
    for at in ("C33", "C4", "AA5"):
        other[at] = "x"
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(ProblemsError) as caught:
        drafts("More")
    assert "More!A2:A3: These cells are merged" in str(caught.value)
    rows = [problem.place[1] for problem in caught.value.problems if problem.place]
    assert rows == sorted(rows) and len(rows) > 1


def test_characters_nobody_sees_do_not_make_two_studies(read, refused):
    table = "stu\u00addy,events,n,outcome\nSmith\u00a02020,\uff13,40,fever\nSmith 2020\u200b,4,40,rash\n"
    drafts = read(table)
    assert counts(drafts) == {("smith2020", "all", "fever"): ("3", "40"), ("smith2020", "all", "rash"): ("4", "40")}
    assert "U+202E, which cannot be seen" in refused("study,events,n\nSmith\u202e 2020,3,40\n")[0]


def test_a_second_table_below_the_first_is_named(refused):
    said = refused("study,events,n\nA 2020,3,40\n,,\nstudy,rash,n\nB 2020,1,40\n")
    assert said == [
        "table.csv:4: study: Headings stand here again. One table a file: put the second one into a file of its own."
    ]


def test_one_doi_in_two_studies_is_named_before_they_are_written(refused):
    said = refused("study,events,n,doi\nA 2020,3,40,10.1000/x\nB 2021,4,50,10.1000/X\nC 2022,4,60,10.1000/y.\n")
    assert said[0].startswith("table.csv:3: doi: ") and "stands in a2020 too. Is it the same report?" in said[0]
    assert said[1].startswith('table.csv:4: doi: "10.1000/y." is more than the DOI.')


def test_an_arm_that_no_sheet_can_name_is_told_once(refused):
    [said] = refused("study,events,n,arm\nA 2020,3,40,Gruppe Ä\n")
    assert said.startswith('table.csv:2: arm: "Gruppe Ä" does not fit.')


SAID = {"title": "A title", "journal": "A journal", "doi": "10.1000/xyz", "pmid": "12345", "country": "Norway"}
SAID |= {"centres": "7", "report": "abstract", "design": "case series", "ascertainment": "laboratory series"}
SAID |= {
    "definition": "any grade",
    "window": "17",
    "window_text": "to day 17",
    "window_words": "stay or 17 d",
    "basis": "derived",
    "url": "https://x.no/",
}
SAID |= {
    "confidence": "medium",
    "source": "table 9",
    "note": "a remark",
    "reported": "7.5%",
    "arm": "second",
    "year": "2021",
}
SAID |= {"product": "B", "target": "T2", "outcome": "rash", "author": "Smith AB"}


def test_what_a_column_says_is_in_the_draft(read):
    """Column by column: nothing is recognised and then dropped, also where only the second row of a study says it."""
    assert set(SAID) | {"study", "events", "events_from", "events_to", "patients"} >= {*PLAIN, *STUDY, *ALIASES}, (
        "a column without an example here"
    )
    for field, text in SAID.items():
        given = {} if field == "outcome" else {"outcome": "fever"}
        drafts = read(f"study,events,n,{field}\nSmith 2020,3,40,{text}\n", **given)
        assert text in data_to_yaml(drafts.sheets["smith2020"]) and drafts.unread == (), field
        if field in STUDY:
            rows = f"Smith 2020,a,3,40,\nSmith 2020,b,4,50,{text}\n"
            drafts = read(f"study,arm,events,n,{field}\n{rows}", **given)
            assert text in data_to_yaml(drafts.sheets["smith2020"]), field


def test_a_word_is_never_taken_for_another_one(review, tmp_path):
    """Capitals and hyphens inside a word are spelling. Signs and numbers are not; two words of one spelling stay."""
    review.edit("config.yaml", "{T1: Target one", "{CD19+: a, CD19-: b, 1-2: c, A b: d, a-B: e, T1: Target one")
    protocol = read_protocol(review.folder / "config.yaml")

    def target(text: str) -> str:
        (tmp_path / "t.csv").write_text(f"study,events,n,target\nA 2020,3,40,{text}\n", "utf-8")
        drafts = draft_sheets(read_table_file(tmp_path / "t.csv"), "t.csv", protocol, {"outcome": "fever"})
        return drafts.sheets["a2020"]["arms"]["all"]["target"]

    same = {"cd19+": "CD19+", "CD19-": "CD19-", "1 2": "1-2", "A b": "A b", "a-B": "a-B", "MIXED": "mixed"}
    assert {text: target(text) for text in same} == same
    for text in ("CD19", "12", "A B", "T 1"):
        with pytest.raises(ProblemsError, match=f'target: "{text}" is not one of'):
            target(text)


def test_a_study_named_by_author_and_year_can_be_looked_up(read):
    """A draft without an author would feed no pool: nobody could look its report up."""
    drafts = read("study,events,n\nSmith 2019,3,40\n", outcome="fever")
    assert drafts.sheets["smith2019"]["citation"] == {"authors": "Smith", "year": "2019"}
