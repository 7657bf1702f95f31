"""Nothing that is typed gets lost: each place where YAML drops, cuts or replaces something says so, with its line."""

import pytest
from synthesis.protocol.config import read_protocol
from synthesis.sheets.checks import read_sheets
from synthesis.sheets.grade import read_grade
from synthesis.tables.located import read_located
from synthesis.tables.problems import ProblemsError

# What is typed → what must be answered. YAML alone reads each without a word, as something else.
LOST = {
    "thousands of a count": (
        "a: {events: 1,007, patients: 1214}",
        '1: The comma cuts events: "1,007" is read as "1", and what follows as keys without a value. '
        "Write 1007, without a comma",
    ),
    "millions of a count": ("a: {events: 1,007,250, b: 1}", "Write 1007250, without a comma."),
    "decimal comma": ("a: {value: 61,5, unit: years}", "Write 61.5, with a decimal point."),
    "decimal comma of a percentage": ("a: {reported: 10,2%, b: c}", "Write 10.2%, with a decimal point."),
    "thousands before a unit": (
        "a: {value: 1,000 mg, b: c}",
        "Write 1000 mg, without a comma (or 1.000 mg if it is a decimal sign).",
    ),
    "decimal comma behind a sign": (
        "a: {definition: < 1,5 g/L, b: c}",
        'The comma cuts definition: "< 1,5 g/L" is read as "< 1", and what follows as keys without a value. '
        'Put the text in quotes, definition: "< 1,5 g/L"',
    ),
    "a sign before a text": (
        "b: 2\nevents: >= 3",
        '2: Not readable as YAML at column 9, ">= 3". A text that begins',
    ),
    "a sign before a text in braces": (
        "a: {b: @home}",
        'column 8, "@home}". A text that begins with @ needs',
    ),
    "a footnote": ("a: {b: *}", "A text that begins with * needs quotes round it."),
    "a quote that never ends": (
        'a: 1\nb: "any\nc: 2\n',
        '2: Not readable as YAML at column 4, ""any". The quote that',
    ),
    "a text behind its quotes": (
        'a: "any" grade\nb: 2',
        'column 10, "grade". The text goes on behind its closing',
    ),
    "a colon in a text": ("a: any: all", 'column 7, ": all". A text with a colon or a bracket in it needs quotes'),
    "a bracket in a text": ("a: {b: any [1], c: 2}", "A text with a colon or a bracket in it needs quotes"),
    "a line without a colon": (
        "a: 1\nreport article\nb: 2",
        '2: Not readable as YAML at column 1, "report article".',
    ),
    "decimal comma before a unit": ("a: {value: 61,5 years, b: c}", "Write 61.5 years, with a decimal point."),
    "marks of a merge": ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n", "Marks of a merge are left"),
    "a comma in a text": (
        "a: {definition: any grade, see table, or text, window: 90}",
        'Put the text in quotes, definition: "any grade, see table, or text"',
    ),
    "a comma before a name": ("a: {definition: any, note, window: 90}", "or write `note: …`."),
    "a name at the front": ("a: {events, patients: 3}", '"events" has no value. Write `events: …`'),
    "a name behind a mapping": ("a: {b: {c: d}, events}", '"events" has no value. Write `events: …`'),
    "braces round a text": ("note: {not sure}", '"not sure" has no value.'),
    "a comma on the next line": ("a: {events: 1\n  ,007}", "2: The comma cuts events:"),
    "thousands in a list": ("windows: [30, 1,000]", "[…1,000…] is read as two items. Write 1000"),
    "decimal comma in a list": ("tau: [0,4]", "Write 0.4 if it is one number, and 0, 4 with a space"),
    "an empty item": ("a:\n  - b\n  -\n", "3: This item of the list is empty."),
    "a number sign in a text": ("note: grade #3 or more", '1: What follows # is not read: "#3 or more".'),
    "a number sign and a space": ("note: grade # 3 or more", 'What follows # is not read: "# 3 or more".'),
    "a text that begins with a number sign": ("note: # of patients", 'What follows # is not read: "# of patients".'),
    "a number sign in the second line": ("note: of\n  grade #3", '2: What follows # is not read: "#3".'),
    "a number sign in an item": ("a:\n  - #3 only\n  - b", '2: What follows # is not read: "#3 only".'),
    "no value, in YAML's way": ("events: ~", '"~" is YAML\'s word for nothing.'),
    "no value, in another way": ("country: Null", '"Null" is YAML\'s word for nothing.'),
    "a second document": ("a: 1\n---\nb: 2", "2: Not readable as YAML: a second document begins here."),
    "an end of the document": ("a: 1\n...\nb: 2", "3: Not readable as YAML"),
    "a key twice": ("a: 1\nb: 2\na: 1", '3: The key "a" stands twice.'),
    "a key twice, once empty": ("a:\nb: 2\na: 1", '3: The key "a" stands twice.'),
    "a key twice, one not seen": ("a: 1\na\u200b: 2", '2: The key "a" stands twice.'),
    "a key that is a list": ("? [a]\n: b", "A key is itself a list or mapping."),
    "two commas": ("a: [b,, c]", "Two commas follow each other"),
    "a number sign in braces": ("a: {note: grade #3, b: c}", "What follows # is not read: put a text"),
    "a tab": ("a:\n\tb: c", "A tab stands before the text: indent with spaces."),
    "another kind of space": ("b: 2\na:\u00a01\nc: 3", "U+00A0 (NO-BREAK SPACE)"),
    "another kind of colon": ("b: 2\na\uff1a1\nc: 3", "U+FF1A (FULLWIDTH COLON)"),
    "an indent that is none": ("a:\n\u00a0 b: 1", "2: The line is indented with U+00A0 (NO-BREAK SPACE)."),
}


def answer(text, tmp_path) -> str:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        read_located(path)
    return str(caught.value)


@pytest.mark.parametrize("case", LOST)
def test_what_yaml_would_lose_is_named(case, tmp_path):
    text, said = LOST[case]
    found = answer(text, tmp_path)
    assert said in found
    assert "x.yaml:" in found
    for word in ("Traceback", "ValueError", "Error:"):
        assert word not in found


def test_a_mapping_twice_is_told_once(tmp_path):
    found = answer("a: {b: 1, c: 2}\na: {b: 1, c: 2}\na: {b: 1}\n", tmp_path)
    assert [line.split(":", 1)[1] for line in found.splitlines()[:-1]] == [
        f'{line}: The key "a" stands twice. Keep one.' for line in (2, 3)
    ]


def test_all_of_a_file_comes_at_once(tmp_path):
    text = "a: {events: 1,007, b: 2}\nc: grade #3\nd: ~\na: 2\ne: x\u202ey\n"
    assert [int(line.split(":")[1]) for line in answer(text, tmp_path).splitlines()[:-1]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "text",
    [
        "a: b  # a remark\n",
        "# a remark\na: b\n  # another, indented\n",
        "a: 12 # behind a number\n",
        'a: "x" # behind what is closed\nb: [c, d] # here too\ne: {f: g} # and here\n',
        "a: \"grade #3\"\nb: grade#3\nc: '# 4'\n",
        "a: |\n  text #3\n  # not a remark\nb: >\n  more #4\n",
        "a:  # what belongs here\nb: c\n",
        "a: {b: , c: d}\n",
        "a: {b: , \n  c: d\n  }\n",
        'a: {"b": c, d: "e, f"}\n',
        "a: [b, c]\nd: [b,c]\ne: [1, 2]\nf: [b, ]\n",
        "a: [1, 2,\n  3]\n",
        "? a\n: b\n",
        "a: https://example.org/x#y\n",
        "\ufeffa: b\r\nc: d\r\n",
    ],
)
def test_what_is_not_lost_is_read(text, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    read_located(path)


# A key without a value → where it stands in adams2001.yaml, and what is said of it.
EMPTY = {
    "unknown at the top": ("label: Adams", "cuontry:\nlabel: Adams", ':3: cuontry: Unknown key. "cuontry" is not one'),
    "unknown in braces": ("definition: any,", "definition: any, windw: ,", 'outcomes[0].windw: Unknown key. "windw"'),
    "unknown of an arm": ("{product: B,", "{product: B, tarjet: ,", 'arms.b.tarjet: Unknown key. "tarjet"'),
    "unknown of a citation": ("title: First", "title: First, publisher: ", "citation.publisher: Unknown key."),
    "an exclusion": ("extraction:", "exclude: {fever: }\nextraction:", 'exclude.fever: "fever" has no value.'),
    "an exclusion in an arm": (
        "extraction:",
        "exclude: {fever: {a: }}\nextraction:",
        'exclude.fever.a: "a" has no value.',
    ),
    "an arm": ("b: {product: B, patients: 40}", "b:", 'arms.b: "b" has no value.'),
    "a judgement": (
        "extraction:",
        "risk_of_bias: {tool: jbi, items: {sample: }}\nextraction:",
        'risk_of_bias.items.sample: "sample" has no value.',
    ),
}


@pytest.mark.parametrize("case", EMPTY)
def test_a_key_without_value_is_not_dropped(case, review, protocol):
    """An exclusion without its reason was no exclusion, and the row was pooled."""
    old, new, said = EMPTY[case]
    text = review.read("studies/adams2001.yaml")
    review.sheet().write_text(text.replace(old, new, 1))
    with pytest.raises(ProblemsError) as caught:
        read_sheets([review.sheet()], protocol)
    assert said in str(caught.value)


def test_a_field_of_the_template_may_stay_empty(review, protocol):
    review.edit("studies/adams2001.yaml", "report: article", "country:\nenrolled: {from: , to: }\nreport: article")
    review.edit("studies/adams2001.yaml", "b: {product: B,", "b: {product: B, target: , note: ,")
    assert len(read_sheets([review.sheet()], protocol)) == 1


def test_the_config_and_the_judgements_have_no_empty_key(review, tmp_path):
    """There is no template to fill in: a choice without its value would be the default, and nobody would know."""
    review.edit("config.yaml", "bootstrap: 50", "bootstrap: ")
    review.edit("config.yaml", "label: Product B, target: T2", "label: Product B, target: ")
    with pytest.raises(ProblemsError) as caught:
        read_protocol(review.folder / "config.yaml")
    assert 'sensitivity.bootstrap: "bootstrap" has no value' in str(caught.value)
    assert 'products.B.target: "target" has no value' in str(caught.value)
    (tmp_path / "grade.yaml").write_text("fever:\n")
    with pytest.raises(ProblemsError, match=r"grade\.yaml:1: fever: Nothing is judged here"):
        read_grade(tmp_path / "grade.yaml", ["fever"])


def test_thousands_in_the_config_are_not_two(review):
    review.edit("config.yaml", "bootstrap: 50", "bootstrap: 2,000")
    with pytest.raises(ProblemsError, match=r'The comma cuts bootstrap: "2,000" is read as "2"'):
        read_protocol(review.folder / "config.yaml")


def test_an_empty_key_where_a_text_stands_is_told(review):
    """What was said of nothing below it hid that a text was expected: the sheet was neither read nor refused."""
    review.edit("studies/adams2001.yaml", "ascertainment: chart review", "ascertainment:\n  chart review:")
    with pytest.raises(ProblemsError, match=r"adams2001\.yaml:\d+: ascertainment: .*text"):
        read_sheets([review.sheet()], read_protocol(review.folder / "config.yaml"))
