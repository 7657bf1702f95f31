"""A window is whole days, open or unstated; each is told apart, and printed in short words, wherever it stands."""

import pytest
from synthesis.protocol.config import read_protocol
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
