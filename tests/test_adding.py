"""`make add`: one command hands in, lists and says what to commit; where anything is wrong, nothing is written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LISTED, ROOT, Review, start_repository
from synthesis import check
from synthesis.curation import adding, command
from synthesis.tables.files import read_table

LIST = "studies/screening.csv"
SHEETS = ("adams2001", "baker2002", "clark2003", "davis2004", "zola1999")
ROWS = f'{LISTED}zola1999,"Zola, with a comma",,by hand,context,Other field,Not ours.,\n'


@pytest.fixture
def review(tmp_path, monkeypatch):
    """Give a review with a list of reports, in which nobody answers, and a new study outside it."""
    found = Review(tmp_path / "review")
    (found.folder / LIST).write_text(ROWS, encoding="utf-8")
    monkeypatch.chdir(found.folder)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    for name in ("FILES", *adding.QUESTIONS):
        monkeypatch.delenv(name, raising=False)
    return found


def sheet(name: str = "evans2005", label: str = "Evans 2005") -> str:
    """Give the text of a new sheet."""
    text = Path("studies/davis2004.yaml").read_text(encoding="utf-8")
    return text.replace("davis2004", name).replace("Davis 2004", label).replace("Davis B", label.split()[0])


def workbook(name: str = "evans2005", label: str = "Evans 2005") -> str:
    """Fill in a workbook as its reader would, and give its name."""
    path = Path("studies") / f"{name}.yaml"
    path.write_text(sheet(name, label), encoding="utf-8")
    assert command.main(["to-xlsx", name, f"{name}.xlsx"]) == 0
    path.unlink()
    return f"{name}.xlsx"


def state() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("studies").iterdir()}


def test_a_workbook_and_a_sheet_are_handed_in_at_once(review, monkeypatch, capsys):
    book = workbook()
    Path("studies/frank2006.yaml").write_text(sheet("frank2006", "Frank 2006"), encoding="utf-8")
    monkeypatch.setenv("FOUND", "hand search")
    monkeypatch.setenv("FILES", f"{book} frank2006")
    before = Path(LIST).read_text(encoding="utf-8").splitlines()
    assert adding.main([]) == 0
    assert capsys.readouterr().out.endswith("Written: studies/evans2005.yaml and studies/screening.csv.\n")
    after = Path(LIST).read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line in before] == before, "a line of somebody else's was touched"
    rows = {row["id"]: row for row in read_table(LIST)}
    assert [*rows] == sorted([*SHEETS, "evans2005", "frank2006"])
    assert rows["evans2005"] == {
        **{"id": "evans2005", "report": "Evans, J One, 2005: On evans2005", "identifier": "10.1000/evans2005"},
        **{"found": "hand search", "decision": "pooled", "category": "", "reason": "Feeds: Fever, Rash."},
        "sheet": "evans2005",
    } | {"report": rows["evans2005"]["report"]}
    assert "Evans" in rows["evans2005"]["report"]
    assert check.main() == 0
    kept = state()
    assert adding.main([]) == 0 and state() == kept, "a second time changes nothing"


def test_where_nobody_can_be_asked_it_says_what_to_write(review, monkeypatch, capsys):
    book = workbook()
    before = state()
    assert adding.main([book]) == 1
    said = capsys.readouterr().err
    assert "evans2005 is not listed there" in said and 'make add FILES=evans2005.xlsx FOUND="…"' in said
    assert said.endswith("Nothing was written.\n") and state() == before
    monkeypatch.setenv("REASON", "Counts of table 2.")
    assert adding.main([book]) == 0
    row = next(row for row in read_table(LIST) if row["id"] == "evans2005")
    assert [row[key] for key in ("found", "decision", "reason")] == ["handed in", "pooled", "Counts of table 2."]


def test_a_person_is_asked_and_sees_the_words_used_so_far(review, monkeypatch, capsys):
    book = workbook()
    answers = iter(["", "hand search"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert adding.main([book]) == 0
    assert "Words used so far: by hand" in capsys.readouterr().out
    assert {row["id"]: row["found"] for row in read_table(LIST)}["evans2005"] == "hand search"


def test_who_stops_answering_has_written_nothing(review, monkeypatch, capsys):
    book, before = workbook(), state()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", stop)
    assert adding.main([book]) == 1
    assert capsys.readouterr().err.endswith("Stopped. Nothing was written.\n") and state() == before


def test_one_that_is_not_pooled_says_why(review, monkeypatch, capsys):
    text = sheet().replace("window: 30", "window: 300")
    Path("studies/evans2005.yaml").write_text(text, encoding="utf-8")
    before = state()
    monkeypatch.setenv("FOUND", "hand search")
    assert adding.main(["evans2005"]) == 1
    said = capsys.readouterr().err
    assert (
        "No analysis pools it (window: 300 days, more than 100)." in said
        and 'DECISION="…" CATEGORY="…" REASON="…"' in said
    )
    assert "FOUND='hand search' DECISION=" in said, (
        "what was said once is not asked, and not lost, in the line to write"
    )
    monkeypatch.setenv("CATEGORY", "Another window")
    monkeypatch.setenv("REASON", "Counted over 300 days.")
    monkeypatch.setenv("DECISION", "pooled")
    assert adding.main(["evans2005"]) == 1
    assert '"pooled" is not one of: context, not readable, excluded.' in capsys.readouterr().err
    assert state() == before
    monkeypatch.setenv("DECISION", "excluded")
    assert adding.main(["evans2005"]) == 0
    row = next(row for row in read_table(LIST) if row["id"] == "evans2005")
    assert [row[key] for key in ("decision", "category", "reason")] == [
        *("excluded", "Another window", "Counted over 300 days."),
    ]


def test_a_report_that_was_listed_before_it_could_be_read_keeps_its_line(review, monkeypatch):
    line = "evans2005,Evans,,a letter,not readable,Results not in the text read,Not printed.,\n"
    Path(LIST).write_text(ROWS + line, encoding="utf-8")
    Path("studies/evans2005.yaml").write_text(sheet(), encoding="utf-8")
    assert adding.main(["evans2005"]) == 0
    rows = [row for row in read_table(LIST) if row["id"] == "evans2005"]
    assert [(r["report"], r["found"], r["decision"], r["category"], r["sheet"]) for r in rows] == [
        ("Evans", "a letter", "pooled", "", "evans2005")
    ]


def spoil_events(folder: Path) -> list[str]:
    text = sheet("frank2006", "Frank 2006").replace("events: 6, patients: 50", "events: 60, patients: 50")
    (folder / "studies/frank2006.yaml").write_text(text, encoding="utf-8")
    return [workbook(), "frank2006"]


def spoil_arm(folder: Path) -> list[str]:
    """Name an arm that there is not: a sheet of which nothing can be pooled, and nothing selected."""
    (folder / "studies/frank2006.yaml").write_text(
        sheet("frank2006", "Frank 2006").replace("arm: all", "arm: b", 1), encoding="utf-8"
    )
    return [workbook(), "frank2006"]


def spoil_other(folder: Path) -> list[str]:
    """Leave a fault in somebody else's sheet."""
    path = folder / "studies/davis2004.yaml"
    book = workbook()
    path.write_text(path.read_text(encoding="utf-8").replace("arm: all", "arm: b", 1), encoding="utf-8")
    return [book]


def spoil_together(folder: Path) -> list[str]:
    """Leave the sheets in order one by one: they are of one report."""
    text = sheet("frank2006", "Frank 2006").replace("10.1000/frank2006", "10.1000/evans2005")
    (folder / "studies/frank2006.yaml").write_text(text, encoding="utf-8")
    return [workbook(), "frank2006"]


def spoil_list(folder: Path) -> list[str]:
    (folder / LIST).write_text(ROWS.replace("pooled", "poled", 1), encoding="utf-8")
    return [workbook()]


def differ_from_sheet(folder: Path) -> list[str]:
    book = workbook()
    (folder / "studies/evans2005.yaml").write_text(sheet().replace("events: 6", "events: 7"), encoding="utf-8")
    return [book]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_events, "studies/frank2006.yaml:11: outcomes[1].events: 60 is more than patients (50)"),
        (spoil_together, "10.1000/evans2005"),
        (spoil_arm, "studies/frank2006.yaml:10: outcomes[0].arm"),
        (spoil_other, "studies/davis2004.yaml:10: outcomes[0].arm"),
        (spoil_list, 'studies/screening.csv:2: decision: "poled" is not one of'),
        (differ_from_sheet, "This sheet exists and differs from the workbook."),
        (lambda _: [workbook(), "nobody1900"], "There is no such sheet: studies/nobody1900.yaml."),
        (lambda _: ["torn.xlsx"], "torn.xlsx"),
        (
            lambda _: ["drafts/davis2004.yaml"],
            "Sheets stand in studies/. Move it there, then: make add FILES=davis2004",
        ),
        (lambda _: [], "Name what to add: make add FILES=smith2025.xlsx"),
    ],
)
def test_whatever_is_refused_leaves_everything_as_it_was(review, spoil, words, monkeypatch, capsys):
    names = spoil(review.folder)
    monkeypatch.setenv("FOUND", "hand search")
    before = state()
    assert adding.main(names) == 1
    said = capsys.readouterr().err
    assert words in said and said.endswith("Nothing was written.\n") and "Traceback" not in said
    assert state() == before


def test_a_review_without_a_list_is_asked_nothing(review, capsys):
    Path(LIST).unlink()
    assert adding.main([workbook()]) == 0
    assert "Written: studies/evans2005.yaml." in capsys.readouterr().out and not Path(LIST).exists()


@pytest.fixture
def repository(review, monkeypatch):
    """Give a function that runs git in the review, whose first commit holds all."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    shutil.copy(ROOT / ".gitignore", review.folder)

    return start_repository()


def built(*paths: str) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("x\n")


def test_the_lines_to_commit_can_be_pasted_and_name_what_changed_and_nothing_else(repository, monkeypatch, capsys):
    Path("studies/evans2005.yaml").write_text(sheet(), encoding="utf-8")
    monkeypatch.setenv("FOUND", "hand search")
    assert adding.main(["evans2005"]) == 0
    built("results/estimates.csv", "results/report.html", "results/fever/rows.csv", "README.md", "notes on smith.txt")
    capsys.readouterr()
    assert adding.main(["--commit", "evans2005"]) == 0
    said = capsys.readouterr().out
    assert "no part of it: notes on smith.txt" in said
    lines = [line.strip() for line in said.splitlines() if line.startswith("  git ")]
    assert lines == [
        "git add README.md results/estimates.csv results/fever/rows.csv studies/evans2005.yaml studies/screening.csv",
        "git commit -m 'Enter Evans 2005: rash 1–2/50, fever 6/50'",
    ]
    for name, value in (("user.name", "t"), ("user.email", "t@example.org")):
        repository("config", name, value)
    subprocess.run(["bash", "-ec", "\n".join(lines)], check=True, capture_output=True)
    assert repository("status", "--porcelain").split("\n") == ['?? "notes on smith.txt"', ""]
    assert adding.main(["--commit", "evans2005"]) == 0
    assert "these studies are in the last commit" in capsys.readouterr().out


def test_more_files_than_a_line_holds_are_a_folder(repository, capsys):
    Path("studies/evans2005.yaml").write_text(sheet(), encoding="utf-8")
    built("README.md", *(f"results/a{i}/rows.csv" for i in range(20)))
    assert adding.main(["--commit", "evans2005"]) == 0
    assert "\n  git add README.md studies/evans2005.yaml results\n" in capsys.readouterr().out


def test_without_git_there_is_nothing_to_commit(review, capsys):
    Path("studies/evans2005.yaml").write_text(sheet(), encoding="utf-8")
    assert adding.main(["--commit", "evans2005"]) == 0
    assert "Nothing to commit: this folder is not in a git repository." in capsys.readouterr().out
