"""What changed: the first line is true, every number is accounted for, and no commit or tag makes the page stale."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import Review, handed, start_repository
from synthesis import changes as command
from synthesis.models.catalogue import pool
from synthesis.pools.pooling import pool_analysis_file
from synthesis.releases.attribution import find_moves
from synthesis.releases.changes_page import MOST, Names, limits_of, names_of, state_line, write_story
from synthesis.releases.conclusions import Limits, find_conclusions, position
from synthesis.releases.differences import Correction, Differences, find_differences, pair_rows
from synthesis.releases.estimates import Presence
from synthesis.releases.history import (
    COMPARED,
    FOLLOWED,
    NOTHING,
    Release,
    find_commit,
    releases,
    releases_before,
    unpack,
    unpack_last,
)
from synthesis.releases.snapshot import Snapshot, snapshot_of_folder
from synthesis.releases.story import Story
from synthesis.releases.telling import tell_changes_file
from synthesis.releases.trajectory import follow_releases_file
from synthesis.review.index import read_index
from synthesis.risk_factors.comparisons import pool_comparisons_file
from synthesis.selection.arms import used_rows
from synthesis.selection.rows import select_rows_file
from synthesis.sheets.collect import collect_sheets_file
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table
from synthesis.tables.pools import pooled_rows
from synthesis.variations.resampling import resample_file
from synthesis.variations.sensitivity import leave_out_file

CONTRASTS = columns_of("contrasts")
ESTIMATES = columns_of("estimates")

ATTRIBUTES = ["product", "target"]
EVANS = """\
id: evans2005
label: Evans 2005
citation: {authors: Evans B, year: 2005}
report: article
design: trial
ascertainment: chart review
arms:
  all: {product: B, patients: 300}
outcomes:
  - {outcome: fever, arm: all, events: 60, patients: 300, window: 30, definition: any, basis: stated, confidence: high,
     source: table 1}
extraction: {first: 2026-01-01}
"""


def build(folder: Path) -> Snapshot:
    """Build what a comparison reads, as the workflow does, and give it."""
    index = read_index(folder / "config.yaml", folder / "studies")
    protocol, results = index.protocol, folder / "results"
    collect_sheets_file(handed(folder, index.sheets.values()), results / "data", attributes=ATTRIBUTES)
    words = {"attributes": ATTRIBUTES, "implied": {n: p.model_extra for n, p in protocol.products.items()}}
    gathered = {"estimates": [], "contrasts": []}
    for name, analysis in protocol.analyses.items():
        place = results / name
        choices = analysis.model_dump(mode="json")
        rows = str(place / "rows.csv")
        sheets = handed(folder, index.feeds(name))
        select_rows_file(sheets, rows, analysis=name, choices=choices, vocabulary=words)
        files = [str(place / f"{table}.csv") for table in gathered]
        chosen = protocol.models
        every = [chosen.primary, *(model for model in chosen.sensitivity if model != chosen.primary)]
        models = {"models": every, "subgroup_models": every, "level": chosen.level}
        used = used_rows(rows)
        pool_analysis_file(
            used, *files, analysis=name, **models, contrasts=[c.model_dump() for c in protocol.contrasts]
        )
        for table, file in zip(gathered, files, strict=True):
            gathered[table] += read_table(file)
        settings = {"exact_subsets_up_to": 14, "sampled_subsets": 20, "bootstrap": 20, "seed": 1, "primary": "glmm"}
        out = [str(place / f"{table}.csv") for table in ("influence", "subsets", "bootstrap")]
        leave_out_file(pooled_rows(used), out[0], analysis=name, level=0.95, primary="glmm")
        resample_file(pooled_rows(used), *out[1:], analysis=name, level=0.95, settings=settings)
    write_table(results / "estimates.csv", gathered["estimates"], ESTIMATES)
    write_table(results / "contrasts.csv", gathered["contrasts"], CONTRASTS)
    pool_comparisons_file(handed(folder, index.sheets.values()), str(results / "comparisons.csv"), level=0.95)
    return snapshot_of_folder(folder, "now")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the small review as it is, and with a new sheet, a corrected one and a removed one."""
    folder = tmp_path_factory.mktemp("changes")
    before = Review(folder / "before")
    build(before.folder)
    after = Review(folder / "after")
    (after.folder / "studies" / "evans2005.yaml").write_text(EVANS)
    after.edit("studies/clark2003.yaml", "events: 14, patients: 90", "events: 4, patients: 90")
    after.sheet("davis2004").unlink()
    build(after.folder)
    return before, after


@pytest.fixture
def story(built):
    """Tell what changed between the two."""
    before, after = (snapshot_of_folder(review.folder, review.folder.name) for review in built)
    protocol = read_index(built[0].folder / "config.yaml", built[0].folder / "studies").protocol
    names = Names(**names_of(protocol))
    return Story(before, after, names.analyses, Limits(**limits_of(protocol))), names


def page(story, names):
    return write_story(story, names, "more elsewhere")


def test_the_first_line_says_that_nothing_changes(built):
    """A build of the same sheets, and one with a new comment, change nothing and say so first."""
    snapshot = snapshot_of_folder(built[0].folder, "26.1.0")
    told = Story(snapshot, snapshot, {"fever": "Fever"}, Limits((5,), 0.95, "glmm"))
    text = page(told, Names("patients", {"fever": "Fever"}))
    count = len(snapshot.table("estimates"))
    assert text == f"**Results do not change** against 26.1.0: all {count} pooled estimates are the same.\n"


def test_the_first_line_counts_what_changed(story):
    first = page(*story).splitlines()[0]
    assert first.startswith("**Results change** against before: ")
    assert f"{len(story[0].changes)} pooled estimates in 2 analyses, 2 of them answers over all studies" in first
    assert "1 new sheet, 1 sheet removed and 1 entry of a sheet corrected" in first


def test_every_answer_stands_before_and_after_with_its_intervals(story):
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page(*story).splitlines() if "|" in line]
    before = next(line for line in lines if line[:2] == ["Fever", "before"])
    after = next(line for line in lines if line[:2] == ["", "after"])
    assert before[2:8] == ["4", "37", "320", "11.6 (8.5–15.6)", "7.0–18.6", "0"]
    assert after[2:5] == ["4", "81", "570"]
    assert "Unchanged: High fever." in page(*story)


def test_each_sheet_is_set_back_on_its_own(built):
    """The pool without the change of one sheet, by the model itself; a new sheet is looked up among the subsets."""
    before, after = (snapshot_of_folder(review.folder, "x") for review in built)
    moves = {move.study: move for move in find_moves(before, after, "fever", "glmm")}
    now = {"adams2001": (12, 120), "baker2002": (5, 60), "clark2003": (4, 90), "evans2005": (60, 300)}

    def fit(counts):
        return pool("glmm", *zip(*counts.values(), strict=True), list(counts)).estimate

    expected = {
        "clark2003": fit(now | {"clark2003": (14, 90)}),
        "evans2005": fit({name: counts for name, counts in now.items() if name != "evans2005"}),
        "davis2004": fit(now | {"davis2004": (6, 50)}),
    }
    assert {name: move.estimate for name, move in moves.items()} == pytest.approx(expected, rel=1e-7)
    assert {name: move.shift for name, move in moves.items()} == pytest.approx(
        {name: fit(now) - value for name, value in expected.items()}, abs=1e-8
    )
    assert [move.what for move in moves.values()] == [
        "14/90 → 4/90",
        "in: 60/300 (new sheet)",
        "out: 6/50 (sheet removed)",
    ]


def test_a_study_that_leaves_a_pool_says_why(built, tmp_path):
    review = Review(tmp_path / "held")
    review.edit("studies/clark2003.yaml", "extraction:", "exclude: {fever: Counted twice.}\nextraction:")
    before, after = snapshot_of_folder(built[0].folder, "x"), build(review.folder)
    (move,) = find_moves(before, after, "fever", "glmm")
    assert move.what == "out: 14/90 (now excluded: Counted twice.)"


FEVER = "outcomes: [fever]\n    window: {max_days: 100, unstated: include}\n    arms: cohort"
HIGH = (
    "  high_fever:\n    label: High fever\n    outcomes: [high_fever]\n    window: {max_days: 100, unstated: include}\n"
)
HIGH += "    arms: cohort\n    subgroups: [product]\n"
STAYS = "every pool stays what it was"
KINDS = {
    "another primary model": (
        [("config.yaml", "primary: glmm\n  sensitivity: [crude]", "primary: betabinom\n  sensitivity: [glmm, crude]")],
        [
            *("3 answers over all studies", "the primary model is betabinom instead of glmm", "| before (glmm) "),
            *("| after (betabinom) ", "- Every analysis (betabinom): new.", "| `models.primary` ", "| betabinom "),
        ],
        [STAYS],
    ),
    "another level": (
        [("config.yaml", "primary: glmm", "primary: glmm\n  level: 0.9")],
        [
            "| before (95%) |",
            "| after (90%) ",
            "No sheet moved Fever, High fever and Rash: the config (`models.level`) did.",
        ],
        [],
    ),
    "another window": (
        [("config.yaml", FEVER, FEVER.replace("100", "30"))],
        [
            *(
                "1 pool came or went",
                "out: 12/120 (now window: 90 days, more than 30)",
                "`analyses.fever.window.max_days`",
            ),
            *(
                "A against B (Adams 2001): no longer compared",
                "(glmm): a number before, now none (fewer than two pools",
            ),
        ],
        [STAYS, "engine"],
    ),
    "arms of products": (
        [
            ("config.yaml", "sensitivity: [crude]", "sensitivity: [betabinom, logit-reml, crude]"),
            ("config.yaml", FEVER, FEVER.replace("cohort", "product")),
        ],
        [
            *("| Adams 2001 | 12/120 → 3/40, 9/80 ", "`analyses.fever.arms`"),
            "- Fever (betabinom, logit-reml): a number before, now none (several arms of one study: only ",
        ],
        [STAYS],
    ),
    "a product renamed": (
        [
            ("config.yaml", "  B: {label", "  new: {label"),
            ("config.yaml", "second: B", "second: new"),
            ("studies/adams2001.yaml", "product: B", "product: new"),
            ("studies/davis2004.yaml", "product: B", "product: new"),
        ],
        ["**Results do not change**", "2 entries of sheets corrected", "1 name changed", "- product `B` → `new`"],
        ["came or went", "engine"],
    ),
    "an analysis removed": (
        [("config.yaml", HIGH, "")],
        ["- High fever: no longer analysed.", "`analyses.high_fever.outcomes`", "1 conclusion changes"],
        [STAYS, "engine"],
    ),
    "an analysis added": (
        [("config.yaml", HIGH, HIGH + HIGH.replace("high_fever:", "hot:", 1).replace("High fever", "Hot"))],
        ["- Hot: a new analysis.", "| Hot     | before |       – |", "`analyses.hot.outcomes`"],
        [STAYS, "engine"],
    ),
    "an analysis renamed": (
        [("config.yaml", "  high_fever:\n    label: High", "  hot:\n    label: High")],
        ["**Results do not change**", "1 name changed", "- analysis `high_fever` → `hot`"],
        ["no longer", "new analysis"],
    ),
    "a label": (
        [("config.yaml", "label: High fever", "label: Hot")],
        ["**Results do not change**", "2 choices of the config changed", "`analyses.high_fever.label`"],
        ["came or went"],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_the_config_is_told_as_plainly_as_one_of_a_sheet(kind, built, tmp_path):
    edits, told, not_told = KINDS[kind]
    before, review = snapshot_of_folder(built[0].folder, "x"), Review(tmp_path / "review")
    if kind == "arms of products":  # with models that cannot pool several arms of a study
        review.edit(*edits[0])
        before = build(review.folder)
        before.files = {path: Path(file).read_text() for path, file in before.files.items()}
        edits = edits[1:]
    for edit in edits:
        review.edit(*edit)
    text = tell(before, review.folder)
    assert [words for words in told if words not in text] == [], text
    assert [words for words in not_told if words in text] == [], text


def tell(before: Snapshot, folder: Path) -> str:
    """Build a review, and tell what it changes."""
    after = build(folder)
    protocol = read_index(folder / "config.yaml", folder / "studies").protocol
    names = Names(**names_of(protocol))
    return page(Story(before, after, names.analyses, Limits(**limits_of(protocol))), names)


def test_numbers_that_neither_a_sheet_nor_the_config_moved_are_the_engines(built):
    before, after = (snapshot_of_folder(built[0].folder, "x") for _ in range(2))
    for row in after.table("estimates"):
        if (row["analysis"], row["subset"], row["model"]) == ("fever", "all", "glmm"):
            row["estimate"] = str(float(row["estimate"]) * 1.01)
    text = page(Story(before, after, {"fever": "Fever"}, Limits((5,), 0.95, "glmm")), Names("patients", {}))
    assert "no conclusion changes; the engine or a library changed." in text.splitlines()[0]
    assert "No sheet moved Fever: the engine or a library did." in text


def test_what_has_no_room_is_counted(built):
    """It was counted as “21 mores”, and choices of the config not at all."""
    snapshot = snapshot_of_folder(built[0].folder, "x")
    told = Story(snapshot, snapshot, {"fever": "Fever"}, Limits((5,), 0.95, "glmm"))
    corrections = [Correction("adams2001", "fever", "count", "1/9", f"{i}/9") for i in range(MOST + 2)]
    choices = [(f"figures.{i}", "1", "2") for i in range(MOST + 1)]
    told.data = Differences([], [], corrections, {}, choices, [])
    told.presences = [Presence(("fever",), "product", (str(i),), ("glmm",), "new") for i in range(MOST + 3)]
    text = page(told, Names("patients", {}))
    assert [line for line in text.splitlines() if "…" in line] == ["- … and 3 more.", "… and 2 more.", "… and 1 more."]


def test_another_remark_moves_no_number(built):
    """An engine that says more of the same numbers was told as 83 estimates that moved, with a table of them."""
    before, after = (snapshot_of_folder(built[0].folder, "before") for _ in range(2))
    split = [row for row in after.table("estimates") if row["subset"] != "all"]
    for row in split:
        row["status"] += "; another remark"
    text = page(Story(before, after, {"fever": "Fever"}, Limits((5,), 0.95, "glmm")), Names("patients", {}))
    count = len(after.table("estimates"))
    same = f"**Results do not change** against before: all {count} pooled estimates are the same."
    assert text == f"{same} The remarks on {len(split)} of them differ.\n"


def test_what_a_sheet_and_the_engine_moved_together_is_told_apart(built):
    """The rows as they were, fitted now, give another pool than was committed: more than the new sheet moved it."""
    before, after = (snapshot_of_folder(review.folder, review.folder.name) for review in built)
    for row in before.table("estimates"):
        if row["estimate"]:
            row["estimate"] = str(float(row["estimate"]) * 0.9)
    told = Story(before, after, {"fever": "Fever"}, Limits((5,), 0.95, "glmm"))
    text = page(told, Names("patients", {}))
    assert "Not by sheets alone: the rows as they were now give Fever 11.56%" in text
    assert "the engine or a library changed" in text.splitlines()[0]


def test_a_sheet_that_moves_nothing_and_one_that_is_withdrawn(built, tmp_path):
    review = Review(tmp_path / "silent")
    before = snapshot_of_folder(built[0].folder, "26.1.0")
    (review.folder / "studies/evans2005.yaml").write_text(EVANS.replace("window: 30", "window: 300"))
    text = tell(before, review.folder)
    assert text.startswith("**Results do not change** against 26.1.0: ") and "1 new sheet." in text.splitlines()[0]
    assert "- New: Evans 2005 (evans2005; 1 count; not pooled)" in text
    (review.folder / "studies/evans2005.yaml").unlink()
    review.sheet("davis2004").unlink()
    text = tell(before, review.folder)
    assert "1 sheet removed." in text.splitlines()[0] and STAYS not in text
    assert "- Rash: 3 → 2 studies: now a description" in text
    assert "- Rash, product: Product B (glmm, crude, glmm-common): gone." in text
    assert "- Removed: Davis 2004 (davis2004; 2 counts; pooled in Fever and Rash)" in text


def test_sheets_are_read_where_their_tables_are_not_committed(built):
    """What is committed are the sheets; one that this engine cannot read any more is named, and is no new sheet."""
    before, after = (snapshot_of_folder(review.folder, "x") for review in built)
    names = ("config.yaml", *(f"studies/{n}.yaml" for n in ("adams2001", "baker2002", "clark2003", "davis2004")))
    files = {name: built[0].read(name) for name in names}
    sheets = Snapshot("commit", files)
    assert find_differences(sheets, after) == find_differences(before, after)
    files["studies/baker2002.yaml"] = files["studies/baker2002.yaml"].replace("report: article", "kind: article")
    data = find_differences(Snapshot("commit", files), after)
    assert (data.unread, data.new, data.gone) == (["baker2002"], ["evans2005"], ["davis2004"])
    assert "baker2002" not in {correction.study for correction in data.corrections}


def test_a_certainty_that_was_judged_otherwise_is_a_conclusion(built):
    both = [snapshot_of_folder(built[0].folder, "x") for _ in range(2)]
    for one, word in zip(both, ("low", "moderate"), strict=True):
        one.files = {**one.files, "studies/grade.yaml": f"fever: {{certainty: {word}}}\n"}
    told = Story(*both, {"fever": "Fever"}, Limits((5,), 0.95, "glmm"))
    text = page(told, Names("patients", {"fever": "Fever"}))
    assert told.differs and "1 conclusion changes." in text and "- Fever: certainty: low → moderate." in text


def test_corrections_are_found_by_row(story, built):
    data = story[0].data
    assert (data.new, data.gone) == (["evans2005"], ["davis2004"])
    (found,) = data.corrections
    assert (found.study, found.what, found.cell, found.before, found.after) == (
        *("clark2003", "fever", "count"),
        *("14/90", "4/90"),
    )


def test_a_reworded_definition_is_no_new_row(built, tmp_path):
    review = Review(tmp_path / "words")
    review.edit("studies/baker2002.yaml", "definition: any, basis: stated", "definition: any grade, basis: stated")
    review.edit("studies/adams2001.yaml", "value: 60", "value: 61")
    before, after = snapshot_of_folder(built[0].folder, "x"), build(review.folder)
    data = find_differences(before, after)
    assert data.reworded == {"baker2002": 2}  # one line that occurs twice
    assert [(c.study, c.what, c.cell, c.before, c.after) for c in data.corrections] == [
        ("adams2001", "median_age", "value", "60", "61")
    ]


def test_an_added_row_and_a_changed_choice_are_named(built, tmp_path):
    review = Review(tmp_path / "row")
    line = next(x for x in review.read("studies/baker2002.yaml").splitlines() if "rash" in x)
    review.edit("studies/baker2002.yaml", line, f"{line}\n{line.replace('window: 30', 'window: 60')}")
    review.edit("config.yaml", "primary: glmm", "primary: glmm\n  level: 0.9")
    data = find_differences(snapshot_of_folder(built[0].folder, "x"), build(review.folder))
    assert [(c.cell, c.before, c.after) for c in data.corrections] == [("count added", "–", "0/60")]
    assert data.choices == [("models.level", "–", "0.9")]


def test_rows_are_paired_once():
    rows = [{"study": "a", "n": "1"}, {"study": "a", "n": "2"}]
    assert pair_rows(rows, rows[:1], [("study", "n"), ("study",)]) == [(rows[0], rows[0]), (rows[1], None)]


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [("0.06", "0.2", "lies above it"), ("0.01", "0.04", "lies below it"), ("0.01", "0.2", "includes it")],
)
def test_where_an_interval_lies(low, high, place):
    assert position({"ci_low": low, "ci_high": high}, 5) == place
    assert position({"ci_low": "", "ci_high": high}, 5) == ""


def snapshot(**values) -> Snapshot:
    """Give a snapshot with one pool."""
    blank = dict.fromkeys(ESTIMATES, "")
    base = {"analysis": "fever", "subset": "all", "model": "glmm", "k": "4", "studies": "4", "status": "ok"}
    snapshot = Snapshot("x", {})
    snapshot._read["estimates"] = [blank | base | values]
    return snapshot


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            {"ci_low": "0.04", "ci_high": "0.2"},
            {"ci_low": "0.06", "ci_high": "0.2"},
            "CI included 5%, and now lies above it.",
        ),
        (
            {"pi_low": "0.06", "pi_high": "0.2"},
            {"pi_low": "0.04", "pi_high": "0.2"},
            "interval lay above 5%, and now includes",
        ),
        ({"tau2": "0.0"}, {"tau2": "0.2"}, "τ² 0 → 0.20"),
        ({"q_p": "0.06"}, {"q_p": "0.04"}, "P = 0.06 → P = 0.04, now below 0.05"),
        ({"q_p": "0.04"}, {"q_p": "0.06"}, "now no longer below 0.05"),
        ({"studies": "2"}, {"studies": "3"}, "2 → 3 studies: now a pool."),
        ({"studies": "3"}, {"studies": "2"}, "now a description"),
        ({"status": "ok"}, {"status": "did not converge"}, "now “did not converge”."),
        ({"status": "ok; two maxima"}, {}, "no longer “two maxima”."),
        ({"status": "one study: not pooled"}, {"status": "no studies"}, "now “no studies”, before “one study"),
        ({"studies": "3"}, {"studies": "1", "status": "one study: not pooled"}, "now “one study: not pooled”."),
    ],
)
def test_each_kind_of_conclusion(before, after, text):
    found = find_conclusions(snapshot(**before), snapshot(**after), {"fever": "Fever"}, Limits((5,), 0.95, "glmm"))
    assert len(found) == 1 and text in found[0].text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            {"estimate": "1.4", "p": "0.6"},
            {"estimate": "0.7", "p": "0.6"},
            "the odds ratio was above 1, and now is below it.",
        ),
        ({"estimate": "1.4", "p": "0.06"}, {"estimate": "1.5", "p": "0.01"}, "P = 0.06 → P = 0.01, now below 0.05."),
        ({"estimate": "1.4", "p": "0.6"}, {}, "no longer compared."),
        ({}, {"estimate": "1.4", "p": "0.6"}, "a new comparison."),
    ],
)
def test_each_kind_of_conclusion_on_two_levels(before, after, text):
    both = []
    for values in (before, after):
        one, blank = snapshot(), dict.fromkeys(CONTRASTS, "")
        base = {"analysis": "fever", "by": "product", "first": "A", "second": "B", "kind": "between studies"}
        one._read["contrasts"] = [blank | base | {"measure": "odds ratio"} | values]
        both.append(one)
    (found,) = find_conclusions(*both, {"fever": "Fever"}, Limits((5,), 0.95, "glmm"))
    assert found.text.startswith("A against B (between studies): ") and found.text.endswith(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [({"q_p": "0.3"}, {"q_p": "0.2"}), ({"q_p": ""}, {"q_p": "0.01"}), ({"studies": "4"}, {"studies": "5"})],
)
def test_what_crosses_nothing_is_no_conclusion(before, after):
    assert not find_conclusions(snapshot(**before), snapshot(**after), {"fever": "F"}, Limits((5,), 0.95, "glmm"))


def test_an_older_table_without_a_column_is_still_compared(built):
    after = snapshot_of_folder(built[0].folder, "now")
    old = Snapshot("old", {})
    kept = [*ESTIMATES[: ESTIMATES.index("pi_low")], "status"]
    old._read["estimates"] = [type(r)({k: r[k] for k in kept}) for r in after.table("estimates")]
    told = Story(old, after, {"fever": "Fever"}, Limits((5, 10), 0.95, "glmm"))
    assert "**Results change**" in page(told, Names("patients", {"fever": "Fever"}))


@pytest.fixture
def repository(built, tmp_path, monkeypatch):
    """Give a repository whose first commit holds the review as it was, and a function that runs git in it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "repository"
    shutil.copytree(built[0].folder, folder)
    monkeypatch.chdir(folder)

    return start_repository()


def put(built):
    """Lay the later review over the working folder."""
    for name in ("studies", "results"):
        shutil.rmtree(name)
        shutil.copytree(built[1].folder / name, name)


def test_the_command_tells_the_story_against_a_commit(repository, built, capsys):
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith("**Results do not change** against HEAD (")
    put(built)
    assert command.main(["--output", "logs/changes.md"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("**Results change** against HEAD (") and "Clark 2003" in printed
    assert Path("logs/changes.md").read_text() == f"{command.MARK}\n{printed}"
    repository("add", ".")
    repository("commit", "-qm", "second")
    assert "do not change" in command.tell("HEAD")
    assert command.tell("HEAD~1").startswith("**Results change** against HEAD~1 (")


@pytest.mark.parametrize("reference", ["no-such", "0" * 40, "--output=x"])
def test_a_commit_that_is_not_there_is_said(repository, reference):
    assert command.tell(reference) == f"**Not compared:** there is no commit {reference}.\n"


def test_without_git_the_command_says_so(built, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(built[0].folder)
    assert command.main([]) == 0
    assert "**Not compared:** this folder is not in a git repository." in capsys.readouterr().out
    monkeypatch.setenv("PATH", "")
    assert command.main([]) == 0
    assert "git is not installed" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert "nothing is built" in command.tell("HEAD")


def test_a_comment_fits_where_it_goes():
    text = command.shorten("a line of words\n" * 10_000)
    assert len(text) < command.LETTERS and text.endswith("in the log of the build.\n")


def test_releases_are_ordered_by_number_and_found_behind_the_commit(repository):
    for tag in ("v26.2.0", "v26.11.0", "v26.10.3", "v1", "old"):
        repository("tag", "-a", tag, "-m", tag)
    repository("tag", "v26.11.1")  # a tag without a message is one, too
    assert [r.version for r in releases()] == ["26.2.0", "26.10.3", "26.11.0", "26.11.1"]
    assert {r.commit for r in releases()} == {find_commit("HEAD")}
    assert [r.version for r in releases_before("26.11.0")] == ["26.2.0", "26.10.3"]
    assert releases_before("draft") == []


def build_page(version: str = "26.1.0") -> str:
    """Do what the rule does, and give the page."""
    earlier = releases_before(version)
    tell_changes_file(
        unpack_last(".store", COMPARED),
        unpack(earlier[-1], ".store", COMPARED) if earlier else {"version": "", **NOTHING},
        [str(path) for path in Path("results").rglob("*.csv") if path.name != "changes.csv"],
        "results/changes.md",
        "changes.csv",
        kept="",
        state="0123456789abcdef",
        choices=Snapshot("", {"config.yaml": Path("config.yaml")}).choices(),
        names=names_of(protocol := read_index("config.yaml", "studies").protocol),
        limits=limits_of(protocol),
    )
    return Path("results/changes.md").read_text()


def test_a_commit_keeps_the_page_that_tells_of_it(repository, built):
    """Builds after the commit leave it as it is: in a clone of one commit too, and with the tag of the version."""
    first = build_page()
    assert first.startswith("**Results do not change** against the commit before")
    put(built)
    told = build_page()
    assert told.startswith("**Results change** against the commit before: ") and "Evans 2005" in told
    assert told == build_page() and told.endswith(state_line("0123456789abcdef"))
    repository("add", "studies", "results")
    repository("commit", "-qm", "second")
    assert build_page() == told
    Path("results/changes.md").unlink()
    assert build_page() == told
    repository("tag", "-a", "v26.1.0", "-m", "second")
    assert build_page() == told
    Path("notes.txt").write_text("x")
    repository("add", "notes.txt")
    repository("commit", "-qm", "third")
    assert build_page() == told
    assert repository("status", "--porcelain", "results/changes.md") == ""
    repository("clone", "-q", "--depth", "1", "file://" + os.getcwd(), "shallow")
    os.chdir("shallow")
    assert build_page() == told


def test_without_a_commit_there_is_nothing_to_compare_with(built, tmp_path, monkeypatch):
    shutil.copytree(built[1].folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    told = build_page()
    assert told.startswith("**Nothing to compare with:**")
    monkeypatch.setenv("PATH", "")
    assert build_page() == told


def test_the_last_release_is_compared_with_too(repository, built):
    repository("tag", "-a", "v26.1.0", "-m", "first")
    assert "last release" not in build_page("26.1.0"), "a version is never compared with itself"
    assert read_table("changes.csv") == []
    put(built)
    told = build_page("26.2.0")
    commit, release = told.split("## Against the last release, 26.1.0\n\n")
    assert commit.startswith("**Results change** against the commit before: ")
    assert release.startswith("**Results change** against 26.1.0: ") and "\n### Answers\n" in release
    rows = read_table("changes.csv")
    assert {row["change"] for row in rows} >= {"moved"} and list(rows[0]) == columns_of("changes")
    repository("add", "studies", "results")
    repository("commit", "-qm", "second")
    assert build_page("26.2.0") == told
    repository("tag", "-a", "v26.2.0", "-m", "second")
    assert build_page("26.2.0") == told


def test_a_release_is_unpacked_once_and_holds_no_figure(repository, tmp_path):
    Path("results/forest.svg").write_text("<svg/>")
    repository("add", ".")
    repository("commit", "-qm", "figure")
    release = Release("1.0.0", find_commit("HEAD"), "2026-01-01")
    files = unpack(release, tmp_path / "store", COMPARED)["files"]
    assert {Path(path).suffix for path in files} == {".csv", ".yaml"}
    assert {Path(path).name for path in files} >= {"estimates.csv", "rows.csv", "studies.csv", "config.yaml"}
    times = {path: Path(path).stat().st_mtime_ns for path in files}
    assert unpack(release, tmp_path / "store", COMPARED)["files"] == files
    assert {Path(p).parent.name for p in unpack(release, tmp_path / "store", FOLLOWED)["files"]} >= {
        "results",
        "studies",
    }
    assert {path: Path(path).stat().st_mtime_ns for path in files} == times  # nothing that depends on them runs again


def test_the_trajectory_holds_every_release_and_this_version(repository, built):
    repository("tag", "-a", "v26.1.0", "-m", "first")
    put(built)
    (release,) = releases_before("26.2.0")
    follow_releases_file(
        [unpack(release, ".store", FOLLOWED)],
        ["results/estimates.csv", "results/data/studies.csv"],
        "trajectory.csv",
        version="26.2.0",
        last_search="2026-02-01",
        analyses={"fever": "Fever", "rash": "Rash", "new": "Not there yet"},
        model="glmm",
    )
    rows = read_table("trajectory.csv")
    assert [(r["version"], r["analysis"], r["sheets"]) for r in rows] == [
        ("26.1.0", "fever", "4"),
        ("26.1.0", "rash", "4"),
        ("26.2.0", "fever", "4"),
        ("26.2.0", "rash", "4"),
    ]
    assert [(r["released"] != "", r["last_search"]) for r in rows[::2]] == [(True, "2026-01-01"), (False, "2026-02-01")]
    now = next(r for r in read_table("results/estimates.csv") if (r["analysis"], r["model"]) == ("fever", "glmm"))
    assert rows[2]["estimate"] == now["estimate"]
