"""Bad sheets: every fault is named with file, line, field and next step, all in one run, and nothing is built."""

import pytest
from conftest import REVIEW
from synthesis.protocol.config import read_protocol
from synthesis.review.index import read_index, sheet_paths
from synthesis.sheets.checks import read_sheets
from synthesis.tables.located import read_located
from synthesis.tables.problems import ProblemsError


def problems_of(review, protocol) -> list[str]:
    """Give the messages that reading the sheets of a review raises, without the folder."""
    with pytest.raises(ProblemsError) as caught:
        read_sheets(sheet_paths(review.folder / "studies"), protocol)
    return [str(p).replace(f"{review.folder}/", "") for p in caught.value.problems]


def test_the_small_review_is_in_order(review):
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    assert len(index.sheets) == 4


# What is wrong → the text replaced, what replaces it, and what the message must say.
FAULTS = {
    "more events than patients": (
        "events: 12, patients: 120, window: 90",
        "events: 130, patients: 120, window: 90",
        "adams2001.yaml:13: outcomes[0].events: 130 is more than patients (120).",
    ),
    "more patients than the arm": (
        "events: 9, patients: 80",
        "events: 9, patients: 90",
        "outcomes[1].patients: 90 is more than the arm's patients (80).",
    ),
    "percentage that does not fit": (
        "reported: 10.0%",
        "reported: 10.6%",
        "outcomes[0].reported: 10.6% does not fit 12/120 = 10.00%.",
    ),
    "parts that do not add up": (
        "b: {product: B, patients: 40}",
        "b: {product: B, patients: 41}",
        "arms.all.patients: 120 is not 80 + 41 = 121",
    ),
    "part that does not exist": (
        "comprises: [a, b]",
        "comprises: [a, c]",
        'arms.all.comprises: "c" is not one of: a, b.',
    ),
    "part named twice": ("comprises: [a, b]", "comprises: [a, b, b]", '"b" is named twice'),
    "arm inside itself": (
        "a: {product: A, patients: 80}",
        "a: {product: A, patients: 80, part_of: a}",
        "arms.a.part_of",
    ),
    "part of an outcome larger than the outcome": (
        "events: 2, patients: 120",
        "events: 20, patients: 120",
        "outcomes[3].events: 20 high_fever are more than the 12 fever of outcomes[0]",
    ),
    "unknown outcome, nearest named": ("outcome: high_fever", "outcome: high_feve", 'Did you mean "high_fever"?'),
    "unknown product": ("a: {product: A,", "a: {product: C,", 'arms.a.product: "C" is not one of: A, B, mixed.'),
    "unknown arm": ("fever, arm: b,", "fever, arm: d,", 'outcomes[2].arm: "d" is not one of: all, a, b.'),
    "unknown key": (
        "citation: {authors",
        "citation: {autors: x, authors",
        'citation.autors: Unknown key. "autors" is not one of: authors',
    ),
    "unknown arm attribute": (
        "a: {product: A,",
        "a: {product: A, tarjet: T1,",
        "arms.a.tarjet: Unknown key.",
    ),
    "attribute against the product": (
        "a: {product: A,",
        "a: {product: A, target: T2,",
        'arms.a.target: "T2", but config.yaml says A has "T1".',
    ),
    "id is not the file's name": ("id: adams2001", "id: adams2002", "adams2001.yaml:2: id:"),
    "id that is a path": ("id: adams2001", "id: ../../adams2001", "does not fit. Write author and year"),
    "missing key": ("extraction:", "# extraction:", "extraction: This key is missing."),
    "missing events": (
        "outcome: fever, arm: b, events: 3,",
        "outcome: fever, arm: b,",
        "outcomes[2].events: This key is missing. Write the count, or `not reported`; missing is never 0.",
    ),
    "word for a number": ("events: 9,", "events: nine,", 'outcomes[1].events: "nine" is not a whole number'),
    "negative number": ("events: 9,", "events: -9,", '"-9" is not a whole number of 0 or more'),
    "thousands separator": (
        "patients: 120}\n  a",
        "patients: 1 120}\n  a",
        '"1 120" has a thousands separator. Write 1120.',
    ),
    "fraction for a count": ("events: 9,", "events: 9/80,", '"9/80" is two numbers (or a date)'),
    "percentage for a count": ("events: 9,", "events: 11.2%,", '"11.2%" is a percentage.'),
    "window in words": (
        "window: 90, definition: any, reported",
        "window: 3 months, definition: any, reported",
        "3 months = 90",
    ),
    "unknown report, nearest named": ("report: article", "report: artikle", 'Did you mean "article"?'),
    "unknown way of finding events": (
        "ascertainment: chart review",
        "ascertainment: charts",
        'ascertainment: "charts" is not one of: chart review, laboratory series.',
    ),
    "DOI with its address": ("doi: 10.1000/adams", "doi: https://doi.org/10.1000/adams", "citation.doi"),
    "PubMed number that is none": ("pmid: 1001", "pmid: PMC1001", "citation.pmid"),
    "2×2 table with too many events": (
        "exposed: {events: 5, patients: 30}",
        "exposed: {events: 35, patients: 30}",
        "comparisons[0].exposed.events",
    ),
    "2×2 table against its row": (
        "{events: 7, patients: 90}",
        "{events: 8, patients: 90}",
        "comparisons[0]: 13 events",
    ),
    "2×2 table larger than the arm": (
        "{events: 7, patients: 90}",
        "{events: 7, patients: 99}",
        "comparisons[0]: 129 patients",
    ),
    "fact without a value": ("value: 60, unit: years, ", "", "characteristics[0]: Neither a count nor a value."),
    "exclusion of nothing": (
        "extraction:",
        "exclude: {rash: no}\nextraction:",
        "exclude.rash: No row has this outcome.",
    ),
    "text where a list belongs": ("comprises: [a, b]", "comprises: a", "arms.all.comprises"),
    "list where a text belongs": ("label: Adams 2001", "label: [Adams, 2001]", "label: A list or mapping stands"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_located(fault, review, protocol):
    old, new, message = FAULTS[fault]
    review.edit("studies/adams2001.yaml", old, new)
    found = problems_of(review, protocol)
    assert any(message in line for line in found), found
    assert all(line.startswith("studies/adams2001.yaml:") for line in found), found


def test_the_same_row_twice(review, protocol):
    line = next(x for x in review.read("studies/adams2001.yaml").splitlines() if "arm: b" in x)
    review.edit("studies/adams2001.yaml", line, f"{line}\n{line}")
    assert any("outcomes[3]: The same arm, outcome, definition and window" in p for p in problems_of(review, protocol))


def test_shorter_window_with_more_events(review, protocol):
    line = next(x for x in review.read("studies/adams2001.yaml").splitlines() if "arm: b" in x)
    early = line.replace("events: 3", "events: 5").replace("window: 90", "window: 30")
    review.edit("studies/adams2001.yaml", line, f"{line}\n{early}")
    assert any("5 in 30 days are more than 3 in 90 days" in p for p in problems_of(review, protocol))


def test_twelve_faults_in_one_run(review, protocol):
    """A sheet with twelve different faults gives twelve located messages (issue A, seen working)."""
    twelve = [
        ("id: adams2001", "id: adams2002"),
        ("doi: 10.1000/adams", "doi: doi.org/10.1000"),
        ("report: article", "report: artikle"),
        ("ascertainment: chart review", "ascertainment: charts"),
        ("a: {product: A,", "a: {product: Z,"),
        ("reported: 10.0%", "reported: 12%"),
        ("events: 9, patients: 80", "events: 9, patients: 85"),
        ("events: 3, patients: 40", "events: 43, patients: 40"),
        ("outcome: high_fever", "outcome: high"),
        ("{events: 7, patients: 90}", "{events: 95, patients: 90}"),
        ("value: 60, unit: years, ", ""),
        ("extraction:", "exclude: {rash: no}\nextraction:"),
    ]
    for old, new in twelve:
        review.edit("studies/adams2001.yaml", old, new)
    found = problems_of(review, protocol)
    fields = [line.split(": ")[1] for line in found]
    assert fields == [
        "id",
        "citation.doi",
        "report",
        "ascertainment",
        "arms.a.product",
        "outcomes[0].reported",
        "outcomes[1].patients",
        "outcomes[2].events",
        "outcomes[3].outcome",
        "comparisons[0].unexposed.events",
        "characteristics[0]",
        "exclude.rash",
    ]
    assert all(line.split(":")[1].isdigit() for line in found)


def test_the_same_doi_in_two_sheets(review, protocol):
    review.edit("studies/baker2002.yaml", "10.1000/baker2002", "10.1000/ADAMS")
    assert any("stands in" in p and "adams2001.yaml too" in p for p in problems_of(review, protocol))


def test_faults_of_all_sheets_come_together(review, protocol):
    review.edit("studies/adams2001.yaml", "report: article", "report: artikle")
    review.edit("studies/clark2003.yaml", "events: 14", "events: 140")
    found = problems_of(review, protocol)
    assert {line.split(":")[0] for line in found} == {"studies/adams2001.yaml", "studies/clark2003.yaml"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: [a\nlabel: x\n", "Not readable as YAML at column"),
        ("id: a\nid: b\n", 'x.yaml:2: The key "id" stands twice.'),
        ("- a\n- b\n", "not a mapping"),
        ("", "not a mapping"),
        ("a: &x [1]\nb: *x\n", "x.yaml:1: YAML anchors"),
        ("a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: 1}}}}}}}}}}}}}\n", "Nested deeper"),
        ("? [a, b]\n: 1\n", "A key is itself a list"),
        ("a: \x00\n", "Not readable as YAML"),
        ("a: 1\n---\nb: 2\n", "Not readable as YAML"),
    ],
)
def test_unreadable_yaml_names_its_line(text, message, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ProblemsError) as caught:
        read_located(path)
    assert message in str(caught.value)


def test_a_byte_that_is_not_utf8_is_located(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"id: a\nlabel: M\xfcller\n")
    with pytest.raises(ProblemsError, match=r"x\.yaml:2: Byte 14 is not UTF-8"):
        read_located(path)


def test_a_huge_file_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: " + "x" * 1_000_001)
    with pytest.raises(ProblemsError, match="more than 1,000,000"):
        read_located(path)


def test_words_stay_words(review):
    """NO is a country and 12:30 is not 750: scalars are text until the model types them."""
    review.edit("studies/adams2001.yaml", "report: article", "country: NO\nnote: 12:30\nreport: article")
    sheet = read_sheets(
        [review.sheet()], read_index(review.folder / "config.yaml", review.folder / "studies").protocol
    )[0]
    assert (sheet.country, sheet.note) == ("NO", "12:30")


def test_not_reported_is_not_zero(review, protocol):
    review.edit("studies/baker2002.yaml", "events: 5, patients: 60", "events: not reported, patients: 60")
    sheet = next(s for s in read_sheets(sheet_paths(review.folder / "studies"), protocol) if s.id == "baker2002")
    assert sheet.outcomes[0].events is None


# A characteristic that a moderator needs: what is typed → what to write (None: it is read).
VALUES = {
    "61,5": "has a decimal comma. Write 61.5.",
    "1 007": "has a thousands separator. Write 1007.",
    "1\u00a0007": "has a thousands separator. Write 1007.",
    "1’007": "has a thousands separator. Write 1007.",
    "1 007,5": "has a decimal comma. Write 1007.5.",
    "1.007,5": "has thousands and a decimal comma. Write 1007.5.",
    "1,007.5": "has a thousands separator. Write 1007.5.",
    "1,007,250": "has a thousands separator. Write 1007250.",
    "1,007": "may be a thousand or a decimal number. Write 1007 or 1.007.",
    "61,5 (50,2-70,1)": "has a decimal comma. Write 61.5 (50,2-70,1).",
    "-1,5": "has a decimal comma. Write -1.5.",
    "~61": "is not one number, as Age needs it.",
    "<5": "is not one number, as Age needs it.",
    "31-70": "is not one number, as Age needs it.",
    "57 or more": "is not one number, as Age needs it.",
    "1e5": "is not one number, as Age needs it.",
    "9" * 400: "is not one number, as Age needs it.",
    "61 (IQR 50–70)": None,
    "61.5 ± 3": None,
    "61.5%": None,
    "not reported": None,
}


@pytest.fixture
def aged(review):
    """Give the small review with a moderator, and the sheet's value for it as the last characteristic."""
    moderators = "moderators:\n  age: {label: Age, unit: years, characteristic: median_age}\n"
    review.edit("config.yaml", "models:\n", f"{moderators}models:\n")
    return review


def age_problems(review, value: str, unit: str = "years") -> list[str]:
    review.edit("studies/adams2001.yaml", "value: 60, unit: years", f'value: "{value}", unit: {unit}')
    config = read_protocol(review.folder / "config.yaml")
    try:
        read_sheets([review.sheet()], config)
    except ProblemsError as error:
        return [f"{p.field}: {p.message}" for p in error.problems]
    return []


@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_a_moderator_needs_is_a_number(value, aged):
    """It was left out of the regression in silence, and the sheet was called in order."""
    found = age_problems(aged, value)
    assert len(found) == (VALUES[value] is not None)
    assert all(line.startswith("characteristics[0].value: ") and VALUES[value] in line for line in found), found


def test_a_value_in_another_unit_is_named(aged):
    assert 'The unit is "months", and Age is in "years".' in age_problems(aged, "61", "months")[0]


def test_a_value_that_no_moderator_needs_is_as_printed(review, protocol):
    review.edit("studies/adams2001.yaml", "value: 60, unit: years", 'value: "31-70, rarely more"')
    assert len(read_sheets([review.sheet()], protocol)) == 1


SAME_REPORT = ["10.1000/Adams", "10.1000/adams\u200b", "10.1000/ad\u00adams", "\uff11\uff10.1000/adams"]
SPELT_OTHERWISE = [
    *("10.1000/adams.", "10.1000/adams/", "https://doi.org/10.1000/adams", "doi:10.1000/adams", "DOI 10.1000/adams;"),
    *("http://dx.doi.org/10.1000/ADAMS", "doi.org/10.1000/adams", "<10.1000/adams>"),
]


@pytest.mark.parametrize("doi", [*SAME_REPORT, *SPELT_OTHERWISE])
def test_one_doi_is_one_report_however_it_is_written(doi, review, protocol):
    review.edit("studies/baker2002.yaml", "10.1000/baker2002", f'"{doi}"')
    found = problems_of(review, protocol)
    assert any("stands in" in p and "adams2001.yaml too" in p for p in found), found
    assert any("Write the bare one" in p for p in found) == (doi in SPELT_OTHERWISE)


@pytest.mark.parametrize("label", ["Adams\u00a02001", "ADAMS 2001", "Adams  2001", "Ada\u00adms 2001"])
def test_one_label_is_one_study_however_it_is_written(label, review, protocol):
    review.edit("studies/baker2002.yaml", "label: Baker 2002", f'label: "{label}"')
    assert any("adams2001.yaml too" in p for p in problems_of(review, protocol))


@pytest.mark.parametrize("cohort", ["eliana", "ELIANA  trial", "Eliana trial"])
def test_one_cohort_has_one_spelling(cohort, review, protocol):
    """Two spellings were two cohorts, and the same patients were pooled twice."""
    review.edit("studies/adams2001.yaml", "arms:", "cohort: ELIANA trial\narms:")
    review.edit("studies/baker2002.yaml", "arms:", f"cohort: {cohort}\narms:")
    if cohort == "eliana":
        assert len(read_sheets([review.sheet(), review.sheet("baker2002")], protocol)) == 2
    else:
        found = problems_of(review, protocol)
        assert any("cohort: " in p and "Write one: it is one cohort." in p for p in found), found


def test_arms_of_one_label_are_told_apart(review, protocol):
    """Two lines of a forest plot with one name are two lines nobody can tell apart."""
    for label in ("B", "b", "Group"):
        text = (REVIEW / "studies" / "adams2001.yaml").read_text()
        text = text.replace("a: {product: A,", f"a: {{product: A, label: {label},")
        text = text.replace("b: {product: B,", "b: {product: B, label: group,") if label == "Group" else text
        review.sheet().write_text(text)
        [said] = problems_of(review, protocol)
        assert "Figures would call it" in said and said.endswith("Tell them apart by `label`.")


def test_a_label_that_no_figure_holds(review, protocol):
    review.edit("studies/adams2001.yaml", "label: Adams 2001", f"label: {'x' * 81}")
    assert "has more than 80 characters. Shorten it." in problems_of(review, protocol)[0]


def test_arms_that_differ_in_capitals_only(review, protocol):
    review.edit("studies/adams2001.yaml", "  b: {product", "  A: {patients: 3}\n  b: {product")
    assert any('"A" and "a" read alike.' in p for p in problems_of(review, protocol))
