"""A part is never more than its whole, whichever of arm, outcome, window or 2×2 table makes it one."""

import pytest
from synthesis.sheets.checks import read_sheets
from synthesis.sheets.sheet import type_sheet
from synthesis.tables.located import read_located
from synthesis.tables.problems import ProblemsError

ROW = (
    "{{outcome: {outcome}, arm: {arm}, events: {events}, patients: {patients}, window: {window}, "
    "definition: {definition}, basis: stated, confidence: high, source: table 1}}"
)
ARMS = {
    "all": "{comprises: [a, b], patients: 120}",
    "a": "{product: A, patients: 80}",
    "b": "{product: B, comprises: [b1, b2], patients: 40}",
    "b1": "{patients: 25}",
    "b2": "{patients: 15}",
    "sub": "{part_of: a, patients: 30}",
}
HEAD = """\
id: nest2020
label: Nest 2020
citation: {}
report: article
design: trial
ascertainment: chart review
extraction: {first: 2026-01-01}
"""


def sheet(rows, tables=(), arms=ARMS, window="") -> str:
    text = HEAD + "arms:\n" + "".join(f"  {name}: {arm}\n" for name, arm in arms.items()) + "outcomes:\n"
    for arm, count, *more in rows:
        events, patients = count.split("/")
        more = {"outcome": "fever", "window": "90", "definition": "any", **(more[0] if more else {})}
        text += f"  - {ROW.format(arm=arm, events=events, patients=patients, **more)}\n"
    text += "comparisons:\n" if tables else ""
    for arm, exposed, unexposed, *more in tables:
        cells = [dict(zip(("events", "patients"), side.split("/"), strict=True)) for side in (exposed, unexposed)]
        sides = ", ".join(
            f"{name}: {{events: {c['events']}, patients: {c['patients']}}}"
            for name, c in zip(("exposed", "unexposed"), cells, strict=True)
        )
        outcome = more[0] if more else "fever"
        text += f"  - {{exposure: old, outcome: {outcome}, arm: {arm}, {sides}, {window}"
        text += "basis: stated, confidence: high, source: t}\n"
    return text


def answers(text, protocol, tmp_path) -> list[str]:
    path = tmp_path / "nest2020.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        read_sheets([path], protocol)
    except ProblemsError as error:
        return [f"{p.field}: {p.message}" for p in error.problems]
    return []


UNSTATED, EARLY = {"window": "unstated"}, {"window": "30"}
HIGH = {"outcome": "high_fever", "definition": "above 40"}
# Rows (arm, events/patients, what differs), and what is said; the first is the case of the issue.
TOO_MUCH = {
    "all of a part, few of the whole": (
        [("all", "11/120"), ("a", "80/80")],
        'outcomes[1].events: 80 in "a" are more than the 11 in "all" (outcomes[0]), which holds these patients.',
    ),
    "fewer without it in the whole": (
        [("all", "110/120"), ("a", "60/80")],
        'outcomes[1].events: 20 of 80 without fever in "a" are more than 10 of 120 without fever in "all" (outcomes[0]',
    ),
    "parts that do not add up": (
        [("all", "12/120"), ("a", "9/80"), ("b", "2/40")],
        "outcomes[0].events: 12 is not 9 + 2 = 11, the events of its parts (outcomes[1], outcomes[2]).",
    ),
    "two parts together": (
        [("all", "12/120"), ("a", "9/80"), ("b1", "4/25")],
        "outcomes[0].events: 9 + 4 = 13 of 105 in its parts (outcomes[1], outcomes[2]) are more for 12 of 120",
    ),
    "two parts together, without": (
        [("all", "100/120"), ("a", "65/80"), ("b1", "15/25")],
        "outcomes[0].events: 65 + 15 = 80 of 105 in its parts (outcomes[1], outcomes[2]) are too few for 100 of 120",
    ),
    "parts of parts": (
        [("all", "12/120"), ("a", "9/80"), ("b1", "2/25"), ("b2", "2/15")],
        "outcomes[0].events: 12 is not 9 + 2 + 2 = 13",
    ),
    "a part two steps down": ([("all", "12/120"), ("b1", "13/25")], 'outcomes[1].events: 13 in "b1" are more'),
    "a subset": ([("a", "5/80"), ("sub", "6/30")], 'outcomes[1].events: 6 in "sub" are more than the 5 in "a"'),
    "a subset of a part": ([("all", "5/120"), ("sub", "6/30")], '6 in "sub" are more than the 5 in "all"'),
    "more than who was not looked at": (
        [("all", "5/110"), ("a", "16/80")],
        '16 in "a" are more than the 5 in "all" (outcomes[0]), which holds these patients, and 10 more patients than',
    ),
    "a shorter window of a part": ([("all", "11/120"), ("a", "12/80", EARLY)], '12 in "a" are more than the 11'),
    "an open window of the whole": ([("all", "11/120", UNSTATED), ("a", "12/80")], '12 in "a" are more than the 11'),
    "a narrower outcome of a part": (
        [("all", "11/120"), ("a", "12/80", HIGH)],
        '12 high_fever in "a" are more than the 11 fever in "all" (outcomes[0])',
    ),
    "a definition in other capitals": (
        [("all", "11/120", {"definition": "Any  fever"}), ("a", "12/80", {"definition": "any fever"})],
        '12 in "a" are more than the 11',
    ),
    "a shorter window": (
        [("a", "8/80"), ("a", "9/80", EARLY)],
        "9 in 30 days are more than 8 in 90 days (outcomes[0]).",
    ),
    "fewer patients at a shorter window": ([("a", "8/80"), ("a", "9/70", EARLY)], "9 in 30 days are more than 8"),
    "a narrower outcome": (
        [("a", "8/80"), ("a", "9/70", HIGH)],
        "9 high_fever are more than the 8 fever of outcomes[0]",
    ),
    "limits above those of the whole": (
        [("all", "9 to 11/120"), ("a", "12 to 14/80")],
        '12 to 14 in "a" are more than the 9 to 11 in "all" (outcomes[0]), which holds these patients.',
    ),
    "limits with too few without it": (
        [("all", "108 to 110/120"), ("a", "55 to 67/80")],
        '13 to 25 of 80 without fever in "a" are more than 10 to 12 of 120 without fever in "all" (outcomes[0]',
    ),
    "parts whose limits do not add up": (
        [("all", "12/120"), ("a", "5 to 9/80"), ("b", "0 to 2/40")],
        "outcomes[0].events: 12 is not 5 to 9 + 0 to 2 = 5 to 11, the events of its parts (outcomes[1], outcomes[2]).",
    ),
    "limits in a shorter window": (
        [("a", "3 to 8/80"), ("a", "9 to 10/80", EARLY)],
        "9 to 10 in 30 days are more than 3 to 8 in 90 days (outcomes[0]).",
    ),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_part_is_not_more_than_its_whole(case, protocol, tmp_path):
    rows, said = TOO_MUCH[case]
    found = answers(sheet(rows), protocol, tmp_path)
    assert len(found) == 1 and said in found[0], found


ALLOWED = {
    "parts that add up": [("all", "12/120"), ("a", "9/80"), ("b", "3/40")],
    "parts of parts that add up": [("all", "12/120"), ("a", "9/80"), ("b1", "2/25"), ("b2", "1/15")],
    "some of the parts": [("all", "12/120"), ("a", "9/80")],
    "other definitions": [("all", "11/120", {"definition": "severe"}), ("a", "80/80", {"definition": "any"})],
    "a longer window of a part": [("all", "11/120", EARLY), ("a", "12/80")],
    "a stated window of the whole": [("all", "11/120"), ("a", "12/80", UNSTATED)],
    "patients who were not looked at in the whole": [("all", "5/110"), ("a", "15/80")],
    "parts with more patients than the whole": [("all", "5/110"), ("a", "9/80"), ("b", "4/40")],
    "an unknown count": [("all", "not reported/120"), ("a", "80/80")],
    "arms that share nothing": [("a", "0/80"), ("b", "40/40")],
    "a wider outcome of a part": [("all", "11/120", HIGH), ("a", "12/80")],
    "limits that meet": [("all", "9 to 11/120"), ("a", "11 to 14/80")],
    "limits that leave the patients without it room": [("all", "108 to 110/120"), ("a", "60 to 68/80")],
    "parts whose limits may add up": [("all", "12/120"), ("a", "5 to 9/80"), ("b", "0 to 3/40")],
    "limits in a shorter window that meet": [("a", "3 to 8/80"), ("a", "8 to 10/80", EARLY)],
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_may_be_is_not_refused(case, protocol, tmp_path):
    assert answers(sheet(ALLOWED[case]), protocol, tmp_path) == []


# Rows, one 2×2 table (arm, exposed, unexposed), and what is said of it.
TABLES = {
    "a table of a part": (
        [("all", "4/120")],
        ("a", "3/30", "2/50"),
        'comparisons[0]: Exposed and unexposed together: 5 in "a" are more than the 4 in "all" (outcomes[0])',
    ),
    "a table of some patients": (
        [("a", "4/80")],
        ("a", "3/30", "2/40"),
        "comparisons[0]: Exposed and unexposed together: 5 in",
    ),
    "a table of a narrower outcome": (
        [("a", "4/80")],
        ("a", "3/30", "2/50", "high_fever"),
        "comparisons[0]: Exposed and unexposed together: 5 high_fever are more than the 4 fever of outcomes[0]",
    ),
    "too few without it": (
        [("a", "78/80")],
        ("a", "3/30", "35/40"),
        "comparisons[0]: Exposed and unexposed together: 32 of 70 without fever",
    ),
    "the same patients": ([("a", "4/80")], ("a", "3/30", "0/50"), "comparisons[0]: 3 events (exposed + unexposed)"),
    "the same patients, within limits": (
        [("a", "4 to 5/80")],
        ("a", "3/30", "0/50"),
        "comparisons[0]: 3 events (exposed + unexposed) differ from the outcome's 4 to 5. Check both.",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_not_more_than_its_arm(case, protocol, tmp_path):
    rows, table, said = TABLES[case]
    found = answers(sheet(rows, [table]), protocol, tmp_path)
    assert len(found) == 1 and said in found[0], found


def test_a_table_that_agrees_with_one_definition_is_enough(protocol, tmp_path):
    rows = [("a", "4/80", {"definition": "severe"}), ("a", "20/80", {"definition": "any"})]
    assert answers(sheet(rows, [("a", "8/30", "2/40")]), protocol, tmp_path) == []


# Rows of the same patients, the window of the table, its events, and whether both can be true.
WINDOWS = {
    "more in a longer window": ([("a", "4/80", {"window": "30"})], "90", "6", True),
    "fewer in a longer window": ([("a", "4/80", {"window": "30"})], "90", "3", False),
    "fewer in a shorter window": ([("a", "4/80")], "30", "3", True),
    "more in a shorter window": ([("a", "4/80")], "30", "6", False),
    "fewer than in an unstated window": ([("a", "4/80", {"window": "unstated"})], "30", "3", True),
    "more than in an unstated window": ([("a", "4/80", {"window": "unstated"})], "30", "6", False),
    "another count in the same window": ([("a", "4/80"), ("a", "2/80", {"window": "30"})], "90", "3", False),
    "between two windows": ([("a", "9/80", {"window": "180"}), ("a", "2/80", {"window": "30"})], "90", "5", True),
    "no window, and one row that agrees": ([("a", "9/80", {"window": "180"}), ("a", "4/80")], "", "4", True),
    "a count within the limits of its window": ([("a", "2 to 4/80")], "90", "3", True),
    "fewer than the limits of a shorter window": ([("a", "4 to 6/80", {"window": "30"})], "90", "3", False),
    "no window, and no row that agrees": ([("a", "9/80", {"window": "180"}), ("a", "4/80")], "", "5", False),
}


@pytest.mark.parametrize("case", WINDOWS)
def test_a_table_is_compared_with_rows_of_its_window(case, protocol, tmp_path):
    rows, window, events, agree = WINDOWS[case]
    text = sheet(rows, [("a", f"{events}/30", "0/50")], window=f"window: {window}, " if window else "")
    found = answers(text, protocol, tmp_path)
    assert len(found) == (0 if agree else 1), found
    assert all("comparisons[0]: " in line for line in found)


@pytest.mark.parametrize("cells", [("0/0", "3/30"), ("3/30", "0/0")])
def test_a_side_without_patients_is_no_table(cells, protocol, tmp_path):
    found = answers(sheet([("a", "5/80")], [("a", *cells)]), protocol, tmp_path)
    assert len(found) == 1 and "patients: 0 patients is no denominator." in found[0], found


def test_a_table_with_three_counts_is_told_what_to_write(protocol, tmp_path):
    text = sheet([("a", "5/80")], [("a", "3/30", "2/50")])
    assert "comparisons[0].exposed.events: A 2×2 table has four counts: write it." not in text
    found = answers(text.replace("exposed: {events: 3, ", "exposed: {", 1), protocol, tmp_path)
    assert found == ["comparisons[0].exposed.events: This key is missing. A 2×2 table has four counts: write it."]
    found = answers(text.replace("{events: 3, ", "{events: not reported, "), protocol, tmp_path)
    assert found[0].endswith('"not reported" cannot stand here. Write digits, or take out what it belongs to.')


def test_the_same_table_twice(protocol, tmp_path):
    found = answers(sheet([("a", "5/80")], [("a", "3/30", "2/50")] * 2), protocol, tmp_path)
    assert found == [
        "comparisons[1]: The same arm, outcome, exposure and window as comparisons[0]. Keep one, "
        "or say in `exposure` how they differ."
    ]


def test_arms_in_a_circle_end_in_a_message(protocol, tmp_path):
    arms = {"a": "{comprises: [b, c], patients: 40}", "b": "{comprises: [a], patients: 20}", "c": "{patients: 20}"}
    found = answers(sheet([("a", "5/40"), ("b", "6/20")], [("a", "1/3", "2/4")], arms), protocol, tmp_path)
    assert any("inside itself" in line for line in found)


def test_a_fact_is_about_patients_of_its_arm(review, protocol):
    fact = "{arm: b, name: women, events: 20, patients: 41, source: table 1}"
    review.edit("studies/adams2001.yaml", "extraction:", f"  - {fact}\nextraction:")
    with pytest.raises(ProblemsError, match=r"\[1\].patients: 41 is more than the arm's patients \(40\)"):
        read_sheets([review.sheet()], protocol)


def test_the_rows_of_the_cases_are_read(protocol, tmp_path):
    """What is allowed is allowed for its counts, not because a row was lost on the way."""
    (tmp_path / "nest2020.yaml").write_text(sheet(ALLOWED["parts that add up"], [("a", "3/30", "2/50")]))
    read = type_sheet(read_located(tmp_path / "nest2020.yaml"))
    assert (len(read.outcomes), len(read.comparisons), len(read.arms)) == (3, 1, 6)
