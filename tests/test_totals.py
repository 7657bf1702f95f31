"""A sheet that is a pool of other sheets is asked about: by its numbers, its name or its title."""

import pytest
from synthesis.review.index import read_index
from synthesis.review.totals import total_warnings

SHEET = """id: {name}
label: {label}
citation: {{title: "{title}", journal: J One}}
report: article
design: cohort
ascertainment: chart review
arms: {{all: {{patients: {patients}}}}}
outcomes:
  - {{outcome: rash, arm: all, events: {events}, patients: {patients}, window: 30, definition: any, basis: stated, confidence: high, source: text}}
extraction: {{first: 2026-01-01}}
"""  # noqa: E501


@pytest.fixture
def asked(review):
    """Give a function that adds a sheet to three of rash and gives what is asked."""

    def ask(label="Evans 2005", title="Rash", events=7, patients=100, more="") -> list[str]:
        for path in (review.folder / "studies").glob("*.yaml"):
            path.unlink()
        for name, count in {"a2001": (3, 30), "b2002": (0, 41), "c2003": (4, 29)}.items():
            text = SHEET.format(name=name, label=name, title="Rash", events=count[0], patients=count[1])
            review.sheet(name).write_text(text, "utf-8")
        text = SHEET.format(name="evans2005", label=label, title=title, events=events, patients=patients)
        review.sheet("evans2005").write_text(text + more, "utf-8")
        return total_warnings(read_index(review.folder / "config.yaml", review.folder / "studies"))

    return ask


def test_a_sheet_that_is_the_sum_of_the_others_is_asked_about_until_a_curator_answers(asked):
    [line] = asked()
    assert line.startswith("evans2005 may be a total of other studies: its 7 of 100 in rash are the sum of the 3 other")
    assert asked(patients=101) == [] and asked(events=8) == []
    assert asked(more="overlaps: None; a cohort of its own.\n") == []


def test_a_sheet_that_is_called_a_pool_is_asked_about(asked):
    assert '"Overall 2005" is what a total is called' in asked(label="Overall 2005", events=1)[0]
    assert "pools other reports" in asked(title="Rash: a systematic review and meta-analysis", events=1)[0]
    assert asked(title="Rash in a cohort", events=1) == []


ARMS = {
    "a total that is called so": ({"a": (3, 40), "Total": (5, 60)}, "Total", "a"),
    "a sum under another name": ({"a": (3, 40), "b": (2, 20), "c": (5, 60)}, "c", "a, b"),
    "a whole that holds nothing": ({"all": (5, 60), "a": (3, 40)}, "all", "a"),
    "arms that share nothing": ({"a": (3, 40), "b": (2, 20), "c": (7, 60)}, None, ""),
    "one arm that is the whole": ({"all": (5, 60)}, None, ""),
}


@pytest.mark.parametrize("case", ARMS)
def test_an_arm_that_looks_like_the_total_of_the_others_is_asked_about(case, review):
    """With `arms: product` each arm is pooled, and a total beside its parts counts every patient twice."""
    counts, total, others = ARMS[case]
    text = review.read("studies/baker2002.yaml")
    head, tail = text.split("arms:\n")[0], text[text.index("extraction:") :]
    arms = "".join(f"  {name}: {{patients: {patients}}}\n" for name, (_, patients) in counts.items())
    row = "  - {{outcome: rash, arm: {}, events: {}, patients: {}, window: 30, definition: any, basis: stated, "
    rows = "".join(row.format(name, *count) + "confidence: high, source: t}\n" for name, count in counts.items())
    review.sheet("baker2002").write_text(f"{head}arms:\n{arms}outcomes:\n{rows}{tail}", encoding="utf-8")
    found = total_warnings(read_index(review.folder / "config.yaml", review.folder / "studies"))
    told = [line for line in found if line.startswith("baker2002: the arm")]
    assert told == [
        f'baker2002: the arm "{total}" may be a total of {others}. '
        "If it is, say so with `comprises` or `part_of`; else give it another name."
    ] * bool(total)


def test_a_whole_that_says_what_it_comprises_is_no_question(review):
    assert total_warnings(read_index(review.folder / "config.yaml", review.folder / "studies")) == []
