"""A window is whole days, open or unstated; each is told apart, and printed in short words, wherever it stands."""

import pytest
from conftest import ROOT
from matplotlib.text import Text
from synthesis.figures.forest.plot import draw_forest
from synthesis.figures.kit.presets import PRESETS
from synthesis.figures.kit.readings import FigureText, Readings
from synthesis.figures.window import draw_window
from synthesis.protocol.config import read_protocol
from synthesis.report.about import Review as About
from synthesis.report.answers import facts
from synthesis.report.phrases import windows_words
from synthesis.review.index import read_index
from synthesis.selection.arms import window_days
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.sheets.checks import read_sheets
from synthesis.sheets.collect import outcome_rows
from synthesis.tables.problems import ProblemsError

WINDOW = "window: 30"  # of every count in baker2002
OPEN = "window: open, window_text: until they went home, window_words: stay"
STATES = {OPEN: ("open", "stay"), "window: unstated": ("unstated", "not stated"), WINDOW: ("30", "30 d")}
STATES[f"{WINDOW}, window_words: 30 d (all by day 9)"] = ("30", "30 d (all by day 9)")


def rows_of(review, analysis="fever"):
    """Give the rows of an analysis over all studies, each with its study."""
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    rows = select_rows(index.sheets.values(), analysis, index.protocol.analyses[analysis], Vocabulary([]))
    return [row for row in rows if row["subset"] == "all"]


def problems_of(review):
    """Give what is said of the sheets."""
    sheets = (review.folder / "studies").glob("*.yaml")
    with pytest.raises(ProblemsError) as caught:
        read_sheets(sheets, read_protocol(review.folder / "config.yaml"))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("written", "expected"), STATES.items())
def test_each_state_goes_from_the_sheet_to_the_tables(written, expected, review):
    review.edit("studies/baker2002.yaml", WINDOW, written)
    row = next(row for row in rows_of(review) if row["study"] == "baker2002")
    assert (str(row["window"]), row["window_words"], row["use"]) == (*expected, "yes")
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    sheet = next(sheet for sheet in index.sheets.values() if sheet.id == "baker2002")
    assert {(str(row["window"]), row["window_words"]) for row in outcome_rows(sheet)} == {expected}
    assert window_days(str(row["window"])) == (30 if expected[0] == "30" else None), "only days have person-time"


@pytest.mark.parametrize("rule", ["", ", open: include", ", open: exclude"])
@pytest.mark.parametrize("unstated", ["include", "exclude"])
def test_open_and_unstated_windows_follow_the_config_apart(rule, unstated, review):
    review.edit("studies/baker2002.yaml", WINDOW, OPEN)
    review.edit("studies/clark2003.yaml", WINDOW, "window: unstated")
    review.edit("config.yaml", "unstated: include", f"unstated: {unstated}{rule}")
    rows = {row["study"]: (row["use"], row["reason"]) for row in rows_of(review)}
    assert rows["baker2002"] == (("no", "window: open (stay)") if "exclude" in rule else ("yes", ""))
    assert rows["clark2003"] == (("no", "window: not stated") if unstated == "exclude" else ("yes", ""))


def test_of_one_arm_days_go_before_open_and_open_before_unstated(review):
    text = review.read("studies/baker2002.yaml")
    line = next(line for line in text.splitlines() if "fever" in line)
    for windows, taken in ((("unstated", OPEN, WINDOW), "30"), (("unstated", OPEN), "open")):
        rows = [line.replace(WINDOW, one if "window" in one else f"window: {one}") for one in windows]
        review.sheet("baker2002").write_text(text.replace(line, "\n".join(rows)))
        mine = [row for row in rows_of(review) if row["study"] == "baker2002"]
        assert [str(row["window"]) for row in mine if row["use"] == "yes"] == [taken]
        words = {"30": "30 d", "open": "stay"}[taken]
        reasons = {row["reason"] for row in mine if row["use"] == "no"}
        assert reasons == {f"another row of the arm is preferred: window {words}, any"}


def test_two_open_windows_are_two_counts_only_when_their_words_differ(review):
    text = review.read("studies/baker2002.yaml")
    line = next(line for line in text.splitlines() if "fever" in line)
    one, other = line.replace(WINDOW, OPEN), line.replace(WINDOW, OPEN.replace("words: stay", "words: any time"))
    review.sheet("baker2002").write_text(text.replace(line, f"{one}\n{other}"))
    assert len([row for row in rows_of(review) if row["study"] == "baker2002"]) == 2
    review.sheet("baker2002").write_text(text.replace(line, f"{one}\n{one}"))
    assert [text for text in problems_of(review) if "definition and window as outcomes[0]" in text]


KINDS = [("30", ""), ("90", "90 d (all by day 30)"), ("open", "stay or 30 d"), ("unstated", "")]
PRINTED = ["30 d", "90 d (all by day 30)", "stay or 30 d", "not stated"]


def table_rows(kinds):
    """Give the rows of a pool, one a window, as figures and pages read them."""
    words = {"analysis": "a", "subset": "all", "group": "", "use": "yes", "outcome": "fever", "definition": "any"}
    words |= {"arm": "all", "arm_label": "all", "report": "article", "basis": "stated", "second_reading": "agree"}
    counts = {"events": 4, "events_from": 4, "events_to": 4, "patients": 60}
    shares = {"proportion": 4 / 60, "ci_low": 0.018, "ci_high": 0.162}
    rows = [
        {"study": f"s{i}", "label": f"Study {i}", "year": 2000 + i, "window": window, "window_words": short}
        for i, (window, short) in enumerate(kinds)
    ]
    return [words | counts | shares | row for row in rows]


@pytest.mark.parametrize("kinds", [KINDS, [("unstated", "")] * 3], ids=["all kinds", "nothing stated"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_forest_prints_every_window_in_every_house(kinds, preset):
    drawing = draw_forest(table_rows(kinds), [], FigureText("Fever", preset=preset))
    printed = [text.get_text() for page in drawing.pages for text in page.findobj(Text)]
    expected = PRINTED if kinds is KINDS else ["not stated"] * 3
    assert printed.count("Window") == 1, "the column is never dropped"
    assert sorted(text for text in printed if text in PRINTED) == sorted(expected)


def test_the_window_figure_keeps_open_and_unstated_apart():
    drawing = draw_window(Readings(table_rows(KINDS)), FigureText("Fever"))
    printed = [text.get_text() for page in drawing.pages for text in page.findobj(Text)]
    assert {"no fixed end", "not stated"} <= set(printed)
    assert "pooled without a number of days: no fixed end 1, not stated 1." in drawing.desc
    assert "No fixed end: Study 2 stay or 30 d." in " ".join(printed)


def test_a_summary_names_few_windows_and_counts_many():
    assert windows_words(table_rows(KINDS[1:])) == "90 d (all by day 30); stay or 30 d; not stated"
    assert windows_words(table_rows(KINDS)) == "30 to 90 d (2 of 4 counts); no fixed end (1); not stated (1)"


def test_an_analysis_says_which_windows_it_takes_and_has():
    rule = {"max_days": 100, "open": "include", "unstated": "exclude"}
    choices = {"analyses": {"a": {"outcomes": ["fever"], "window": rule}}, "outcomes": {"fever": {"label": "Fever"}}}
    choices |= {"figures": {"sort": "year"}, "review": {"unit": "patients"}}
    choices |= {"models": {"primary": "glmm", "level": 0.95}}
    review = About(choices, {("a", "rows"): table_rows(KINDS[1:3])}, {})
    said = "windows of at most 100 days or without a fixed end; those pooled: 90 d (all by day 30); stay or 30 d"
    assert facts(review, "a")["window"] == said


def test_no_sheet_of_this_review_has_words_where_it_prints_not_stated():
    index = read_index(ROOT / "config.yaml", ROOT / "studies")
    rows = [row for sheet in index.sheets.values() for row in sheet.outcomes]
    assert {"open", None} < {row.window for row in rows}
    for row in rows:
        assert row.window is not None or not (row.window_text or row.window_words)
        assert row.window != "open" or (row.window_text and row.window_words)
