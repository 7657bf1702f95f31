"""Continuous integration compares the rebuilt estimates with the committed ones, and says which sheet moved them."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT
from synthesis.columns import ESTIMATES
from synthesis.files import write_table
from synthesis.guard import compare, movers, table


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
def test_each_kind_of_change_is_seen(after):
    assert len(compare([row()], [after])) == 1


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
    assert "10.00% (5.00 to 20.00), k 4" in text
    assert "12.00% (6.00 to 22.00), k 4" in text
    assert "fever: moved by smith2025 (new)" in text


def test_the_command_fails_in_a_repository_whose_results_moved(tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)

    def guard():
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
        command = [sys.executable, "-m", "synthesis.guard", "--fail"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")

    path = tmp_path / "results" / "estimates.csv"
    write_table(path, [row()], ESTIMATES)
    git("init", "-q")
    assert guard().returncode == 0  # nothing committed yet: nothing to compare with
    git("add", ".")
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "results")
    assert "Results unchanged: all 1" in guard().stdout
    write_table(path, [row(estimate="0.2")], ESTIMATES)
    done = guard()
    assert done.returncode == 1
    assert "1 pooled estimates differ" in done.stdout
    assert "make readme" in done.stdout
