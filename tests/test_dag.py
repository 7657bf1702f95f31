"""What runs again, and what must not: the directed graph of jobs (design, section 2)."""

import re
import shutil
import sys
import sysconfig
import venv

import pytest
from conftest import Review
from synthesis.tables.files import read_table

pytestmark = pytest.mark.workflow


def estimates(review) -> dict:
    """Give (analysis, subset, group, model) → estimate as text."""
    lines = review.read("results/estimates.csv").splitlines()
    head = lines[0].split(",")
    rows = [dict(zip(head, line.split(","), strict=False)) for line in lines[1:]]
    return {(r["analysis"], r["subset"], r["group"], r["model"]): r["estimate"] for r in rows}


# What one analysis goes through, from its sheets to its figures.
STAGES = {"select_rows", "pool_analysis", "draw_forests", "draw_charts"}
# These read the tables of all sheets, so they run when any of those is written again; and these the pools of all.
READ_ALL_SHEETS = {
    *("collect_sheets", "draw_review", "write_methods", "write_report", "write_document", "write_workbook"),
    *("write_archive", "write_references", "tell_changes", "follow_releases", "draw_trajectory", "suggest_overlaps"),
}
READ_ALL_POOLS = {"gather_estimates", "write_summary"}


def every(*rules: str, of: tuple[str, ...] = ()) -> set[str]:
    """Name the jobs of some rules for some analyses."""
    return {f"{rule} {analysis}" for rule in rules for analysis in of}


def of(jobs: list[str], analysis: str) -> list[str]:
    return [job for job in jobs if job.endswith(f" {analysis}")]


# Enough of the small review to see that numbers and pictures are right, without the documents.
SHORT = ("results/estimates.csv", "results/fever/forest.svg", "results/rash/forest.svg")


def test_a_second_run_and_a_comment_run_nothing(copy):
    assert copy.build() == []
    copy.edit("studies/adams2001.yaml", "# A comment that means nothing.", "# Another comment.\n# And one more.")
    assert copy.plan() == []


def test_a_changed_count_runs_only_what_uses_it(copy):
    before = estimates(copy)
    copy.edit("studies/adams2001.yaml", "events: 2, patients: 120", "events: 3, patients: 120")  # high fever
    jobs = copy.plan()
    assert set(jobs) == every(*STAGES, of=("high_fever",)) | READ_ALL_SHEETS | READ_ALL_POOLS
    copy.build("results/estimates.csv")
    after = estimates(copy)
    moved = {key[0] for key in before if before[key] != after[key]}
    assert moved == {"high_fever"}
    assert float(after["high_fever", "all", "", "glmm"]) == 3 / 120


def test_a_changed_characteristic_or_judgement_selects_no_rows_and_moves_no_estimate(copy):
    before = copy.read("results/estimates.csv")
    copy.edit("studies/adams2001.yaml", "value: 60", "value: 61")
    pooled = every("pool_analysis", "draw_forests", "draw_charts", of=("fever", "high_fever"))
    assert set(copy.plan()) == pooled | READ_ALL_SHEETS | READ_ALL_POOLS
    copy.edit(
        "studies/baker2002.yaml",
        "extraction:",
        "risk_of_bias: {tool: jbi, items: {sample: {judgement: 'no', support: Few.}}}\nextraction:",
    )
    pooled |= every("pool_analysis", "draw_forests", "draw_charts", of=("fever", "rash"))
    assert set(copy.plan()) == pooled | READ_ALL_SHEETS | READ_ALL_POOLS
    copy.build("results/estimates.csv")
    assert copy.read("results/estimates.csv") == before


def test_a_new_sheet_runs_only_what_it_feeds_and_a_removed_one_is_gone(copy):
    first = copy.read("results/estimates.csv")
    text = copy.read("studies/davis2004.yaml").replace("davis2004", "evans2005").replace("Davis 2004", "Evans 2005")
    new = copy.folder / "studies" / "evans2005.yaml"
    new.write_text(text)
    jobs = copy.plan()
    assert set(jobs) == every(*STAGES, of=("fever", "rash")) | READ_ALL_SHEETS | READ_ALL_POOLS
    targets = (*SHORT, "results/README.md", "results/data/studies.csv")
    copy.build(*targets)
    assert "evans2005" in copy.read("results/fever/rows.csv")
    assert "Evans 2005" in copy.read("results/fever/forest.svg")
    new.unlink()
    jobs = copy.build(*targets)
    assert {job.split()[0] for job in of(jobs, "high_fever")} <= READ_ALL_SHEETS
    found = [p for p in (copy.folder / "results").rglob("*") if p.is_file() and b"evans" in p.read_bytes().lower()]
    assert found == []
    assert copy.read("results/estimates.csv") == first


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("models/crude.py", {"pool_analysis"}),
        ("report/summary.py", {"write_summary"}),
        ("figures/forest/plot.py", {"draw_forests"}),
        ("pools/gathering.py", {"gather_estimates"}),
        ("report/page.py", {"write_report"}),
    ],
)
def test_a_library_edit_runs_the_stages_that_use_it(module, rules, copy):
    path = copy.folder / "workflow" / "scripts" / "synthesis" / module
    path.write_text(path.read_text() + "\n# A line more.\n")
    assert {job.split()[0] for job in copy.plan()} >= rules


PAGES = {"write_report", "write_document", "write_methods", "write_workbook"}
PRINT_NAMES = {*PAGES, "tell_changes", "draw_review"}  # a changed config is told of
PRINT_SHEETS = {*READ_ALL_SHEETS, "write_summary"}
WORDS = [
    (
        "config.yaml",
        "label: Rash\n    outcomes",
        "label: Any rash\n    outcomes",
        {
            *PRINT_NAMES,
            "write_summary",
            "follow_releases",
            "draw_trajectory",
            *every("draw_forests", "draw_charts", of=("rash",)),
        },
    ),
    (
        "config.yaml",
        "label: Rash\n    outcomes",
        "label: Rash\n    note: Seen by anybody.\n    outcomes",
        {*PAGES, "tell_changes", "write_summary", *every("draw_forests", "draw_charts", of=("rash",))},
    ),
    ("config.yaml", "{label: Rash,", "{label: Exanthema,", PRINT_NAMES),
    (
        "config.yaml",
        "label: Product A",
        "label: Alpha",
        {*PRINT_NAMES, "write_summary", *every("draw_forests", of=("fever", "high_fever", "rash"))},
    ),
    (
        "config.yaml",
        "title: A small review",
        "title: A tiny review",
        {*PAGES, "tell_changes", "write_summary", "write_archive"},
    ),
    (
        "studies/clark2003.yaml",
        "label: Clark 2003",
        "label: Clarke 2003",
        {*PRINT_SHEETS, *every("select_rows", "draw_forests", "draw_charts", of=("fever", "rash"))},
    ),
    ("studies/adams2001.yaml", "title: First", "title: The first", READ_ALL_SHEETS),
    ("studies/adams2001.yaml", "source: table 3", "source: table 4", READ_ALL_SHEETS),
    (
        "studies/adams2001.yaml",
        "source: table 2",
        "source: table 4, note: Read twice",
        {*PRINT_SHEETS, *every("select_rows", "draw_forests", "draw_charts", of=("high_fever",))},
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "jobs"), WORDS, ids=[f"{new[:30]}" for _, _, new, _ in WORDS])
def test_a_label_or_a_note_runs_what_prints_it_and_fits_nothing(file, old, new, jobs, copy):
    """A changed label of one analysis ran its fits, and all that stands on them."""
    copy.edit(file, old, new)
    assert set(copy.plan()) == jobs


def test_two_choices_that_change_places_are_seen(copy):
    """Snakemake compares the set of what a job is handed, without names: label and note swapped ran nothing."""
    chart = "results/rash/leave_one_out.svg"
    copy.edit("config.yaml", "label: Rash\n    outcomes", "label: Any\n    note: Seen\n    outcomes")
    copy.build(chart)
    copy.edit("config.yaml", "label: Any\n    note: Seen\n", "label: Seen\n    note: Any\n")
    assert copy.build(chart) == ["draw_charts rash"]
    assert "Seen" in copy.read(chart)
    assert copy.plan(chart) == []


def test_a_new_label_is_printed(copy):
    copy.edit("config.yaml", "label: Rash\n    outcomes", "label: Any rash\n    outcomes")
    copy.edit("studies/clark2003.yaml", "label: Clark 2003", "label: Clarke 2003")
    copy.build("results/rash/forest.svg", "results/README.md", "results/rash/leave_one_out.svg")
    figure = copy.read("results/rash/forest.svg")
    assert "Any rash" in figure and "Clarke 2003" in figure and "Clark 2003" not in figure
    assert "Any rash" in copy.read("results/rash/reproduce.R")
    assert "Clark 2003" not in copy.read("results/rash/leave_one_out.svg")


def test_what_is_pooled_is_what_people_read(copy):
    """Fits read rows without words; the same rows stand in rows.csv, number by number."""
    words = {"label", "arm_label", "reason", "ci_low", "ci_high", "source", "url", "doi", "note", "window_text"}
    words |= {"window_words"}
    for analysis in ("fever", "high_fever", "rash"):
        fitted, shown = (
            [{key: value for key, value in row.items() if key not in words} for row in read_table(copy.folder / path)]
            for path in (f".snakemake/planned/{analysis}.rows.csv", f"results/{analysis}/rows.csv")
        )
        assert fitted == shown and shown


def test_deleted_files_are_made_again(copy):
    files = ["results/fever/forest.svg", "results/data/risk_of_bias.csv", "results/README.md", "results/changes.csv"]
    before = {file: copy.read(file) for file in files}
    for file in files:
        (copy.folder / file).unlink()
    assert copy.build() != []
    assert {file: copy.read(file) for file in files} == before
    assert copy.plan() == []


def test_no_stale_number_when_the_tables_are_due_too(copy):
    """A rule whose inputs are ancient() outputs of another rule was skipped when that rule was due: green and stale."""
    (copy.folder / "results" / "data" / "outcomes.csv").unlink()
    (copy.folder / "results" / "rash" / "forest.svg").unlink()
    copy.edit("studies/baker2002.yaml", "events: 5, patients: 60", "events: 9, patients: 60")
    copy.build(*SHORT)
    assert re.search(r"^fever,all,,baker2002.*,9,60,", copy.read("results/fever/rows.csv"), re.M)
    total = 12 + 9 + 14 + 6
    assert float(estimates(copy)["fever", "all", "", "crude"]) == pytest.approx(total / (120 + 60 + 90 + 50))


def test_no_stale_number_when_snakemakes_records_are_lost(copy):
    """Results that come with a clone have no record: whatever the sheets say now must still win."""
    copy.edit("studies/baker2002.yaml", "events: 5, patients: 60", "events: 9, patients: 60")
    shutil.rmtree(copy.folder / ".snakemake")
    copy.build(*SHORT)
    assert re.search(r"^fever,all,,baker2002.*,9,60,", copy.read("results/fever/rows.csv"), re.M)
    assert float(estimates(copy)["fever", "all", "", "crude"]) == pytest.approx(41 / 320)


def test_an_analysis_that_left_the_config_leaves_no_files(copy):
    text = copy.read("config.yaml")
    start, end = (
        text.index("  high_fever:\n    label: High fever\n    outcomes"),
        text.index("  rash:\n    label: Rash\n    outcomes"),
    )
    (copy.folder / "config.yaml").write_text(text[:start] + text[end:])
    keep = copy.folder / "results" / "notes"
    keep.mkdir()
    copy.build("results/estimates.csv")
    assert not (copy.folder / "results" / "high_fever").exists()
    assert keep.is_dir(), "a folder that is not ours stays"
    assert "high_fever" not in copy.read("results/estimates.csv")


def test_a_bad_sheet_builds_nothing_and_touches_nothing(copy):
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (copy.folder / "results").rglob("*") if p.is_file()}
    copy.edit("studies/adams2001.yaml", "events: 12, patients: 120", "events: 130, patients: 120")
    copy.edit("studies/clark2003.yaml", "report: article", "report: artikle")
    done = copy.run()
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "studies/adams2001.yaml:13: outcomes[0].events: 130 is more than patients (120)." in output
    assert "studies/clark2003.yaml:4: report:" in output
    assert "Traceback" not in output
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (copy.folder / "results").rglob("*") if p.is_file()}
    assert after == before


def test_bad_yaml_in_the_config_names_its_line(copy):
    copy.edit("config.yaml", "analyses:", "analyses: [")
    done = copy.run()
    assert done.returncode != 0
    assert re.search(r"config\.yaml:\d+: Not readable as YAML", done.stdout + done.stderr)


@pytest.mark.slow
def test_figures_and_documents_are_the_same_bytes_on_a_second_run(copy):
    files = [p for p in (copy.folder / "results").rglob("*") if p.suffix in (".svg", ".html", ".docx", ".xlsx", ".zip")]
    before = {p: p.read_bytes() for p in files}
    assert len({p.suffix for p in files}) == 5
    for path in files:
        path.unlink()
    copy.build()
    assert {p for p in files if p.read_bytes() != before[p]} == set()


@pytest.mark.slow
def test_a_path_with_spaces_and_other_letters(tmp_path):
    """Of the review, and of the environment: Snakemake hands the interpreter's path to a shell without quotes."""
    folder = tmp_path / "méta analyse — 血栓"
    venv.create(folder / "an env", symlinks=True)
    library = folder / "an env" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    (library / "here.pth").write_text(sysconfig.get_path("purelib"))
    review = Review(folder / "a review")
    review.add_engine()
    review.python = str(folder / "an env" / "bin" / "python")
    targets = ("results/README.md", "results/fever/forest.svg", "results/report.html")
    assert len(review.build(*targets)) >= 10
    assert review.plan(*targets) == []
