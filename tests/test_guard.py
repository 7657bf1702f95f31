"""Continuous integration compares the rebuilt estimates with the committed ones, and says which sheet moved them."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT
from synthesis.guard import main, table
from synthesis.releases.estimates import compare, movers
from synthesis.tables.declared import columns_of
from synthesis.tables.files import write_table

ESTIMATES = columns_of("estimates")


def row(analysis="fever", estimate="0.1", **values) -> dict:
    blank = dict.fromkeys(ESTIMATES, "")
    base = {"analysis": analysis, "subset": "all", "model": "glmm", "k": "4", "estimate": estimate, "status": "ok"}
    return blank | base | values


def test_rounding_of_another_machine_is_no_change():
    assert compare([row(estimate="0.1")], [row(estimate="0.1000000000001")]) == []
    assert compare([row(q="1e-17")], [row(q="3e-16")]) == []


@pytest.mark.parametrize(
    "after",
    [row(estimate="0.10001"), row(k="5"), row(tau2="0.2"), row(status="one study: not pooled"), row(estimate="")],
)
def test_each_kind_of_change_is_seen_and_shown(after):
    changes = compare([row()], [after])
    assert len(changes) == 1
    cells = [cell.strip() for cell in table(changes, {}).splitlines()[1].split("  ") if cell.strip()]
    assert cells[-1] != cells[-2]


def test_an_estimate_that_appears_or_goes_is_a_change():
    assert len(compare([row()], [row(), row("rash")])) == 1
    assert len(compare([row(), row("rash")], [row()])) == 1


def test_the_sheets_that_moved_an_analysis_are_named():
    base = {"subset": "all", "group": "", "arm": "all", "outcome": "fever", "use": "yes", "patients": "60"}
    before = [base | {"study": "a", "events": "5"}, base | {"study": "b", "events": "6"}]
    after = [base | {"study": "a", "events": "7"}, base | {"study": "c", "events": "6"}]
    assert movers(before, after) == ["a (5/60 → 7/60)", "b (gone)", "c (new)"]


def test_the_table_shows_before_and_after():
    changes = compare(
        [row(estimate="0.1", ci_low="0.05", ci_high="0.2")], [row(estimate="0.12", ci_low="0.06", ci_high="0.22")]
    )
    text = table(changes, {"fever": ["smith2025 (new)"]})
    assert "10.0 (5.0–20.0), k = 4" in text
    assert "12.0 (6.0–22.0), k = 4" in text
    assert "fever: moved by smith2025 (new)" in text


def test_a_small_move_is_printed_with_the_decimals_that_show_it():
    """A guard that fails over two equal numbers helps nobody."""
    text = table(compare([row(estimate="0.1")], [row(estimate="0.10001")]), {})
    assert "10.000, k = 4" in text and "10.001, k = 4" in text
    text = table(compare([row(tau2="0.1")], [row(tau2="0.2")]), {})
    assert "tau2 0.1" in text and "tau2 0.2" in text


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Give a folder with results, and a function that runs git in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    write_table("results/estimates.csv", [row()], ESTIMATES)

    def git(*arguments):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)

    return git


def test_the_command_fails_in_a_repository_whose_results_moved(repository):
    def guard():
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
        command = [sys.executable, "-m", "synthesis.guard", "--fail"]
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")

    repository("init", "-q")
    assert guard().returncode == 0  # nothing committed yet: nothing to compare with
    repository("add", ".")
    repository("commit", "-qm", "results")
    assert "Results unchanged: all 1" in guard().stdout
    write_table("results/estimates.csv", [row(estimate="0.2")], ESTIMATES)
    done = guard()
    assert done.returncode == 1
    assert "1 pooled estimates differ" in done.stdout
    assert "make readme" in done.stdout


def test_results_of_an_engine_with_fewer_columns_are_compared_too(repository, capsys):
    """The guard ended in a traceback against every commit from before the last new column."""
    old = [name for name in ESTIMATES if name != "test_name"]
    write_table("results/estimates.csv", [{name: row()[name] for name in old}], old)
    repository("init", "-q")
    repository("add", ".")
    repository("commit", "-qm", "results")
    write_table("results/estimates.csv", [row(test_name="likelihood ratio")], ESTIMATES)
    assert main([]) == 0
    assert "10.0, k = 4, test_name likelihood ratio" in capsys.readouterr().out


def test_without_git_it_says_so_and_passes(repository, capsys, monkeypatch):
    assert main(["--fail"]) == 0
    assert "not in a git repository" in capsys.readouterr().out
    monkeypatch.setenv("PATH", "")
    assert main(["--fail"]) == 0
    assert "git is not installed" in capsys.readouterr().out


def test_a_guard_that_cannot_see_does_not_pass(repository, capsys, monkeypatch):
    """Git refuses a folder of another owner, as in many containers; so may it refuse a commit that is not there."""
    repository("init", "-q")
    repository("add", ".")
    repository("commit", "-qm", "results")
    assert main(["--fail", "--against", "no-such-branch"]) == 2
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert main(["--fail"]) == 2
    assert "dubious ownership" in capsys.readouterr().err
    assert main([]) == 0


def test_nothing_built_is_no_success(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--fail"]) == 1
