"""The cross-check with R must be able to fail."""

import shutil
from math import nan

import pytest
from conftest import ROOT
from synthesis.pools.crosscheck import CrosscheckError, compare_with_r, compare_with_r_file, crosscheck_file, unanswered
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table

ESTIMATES = columns_of("estimates")


def ours(**values) -> dict:
    blank = {"group": "", "pi_low": nan, "test_p": nan}
    return blank | {"analysis": "a", "subset": "all", "model": "glmm", "estimate": 0.1, "status": "ok"} | values


def theirs(value, quantity="estimate", model="glmm") -> dict:
    return {"analysis": "a", "subset": "all", "group": "", "model": model, "quantity": quantity, "value": value}


def test_a_difference_in_the_fourth_digit_is_found():
    verdicts = [compare_with_r([ours()], [theirs(v)])[0]["verdict"] for v in ("0.1000001", "0.10002")]
    assert verdicts == ["agrees", "differs"]


def test_what_is_committed_is_not_the_last_digits_of_one_machine():
    """Another version of R, or another processor, moves what its iterations left over: 2e-9 here, 4e-9 there."""
    here, there = (compare_with_r([ours()], [theirs(v)])[0] for v in ("0.1000000002", "0.1000000004"))
    assert here == there and here["relative_difference"] == 1e-8


def test_a_number_that_only_r_has_differs():
    assert compare_with_r([ours()], [theirs("0.05", "pi_low")])[0]["verdict"] == "differs"


def test_an_estimate_r_was_not_asked_for_is_listed():
    rows = compare_with_r([ours(), ours(model="logit-reml")], [theirs("0.1")])
    assert [r["model"] for r in unanswered(rows)] == ["logit-reml"]


def test_the_comparison_stays_when_the_check_fails(tmp_path):
    write_table(tmp_path / "estimates.csv", [ours()], ESTIMATES)
    write_table(tmp_path / "r.csv", [theirs("0.2")], ("analysis", "subset", "group", "model", "quantity", "value"))
    (tmp_path / "software.txt").write_text("R 4\n")
    out = tmp_path / "crosscheck.csv"
    compare_with_r_file(*(str(tmp_path / f) for f in ("estimates.csv", "r.csv")), str(out))
    with pytest.raises(CrosscheckError, match="1 of 1 numbers disagree"):
        crosscheck_file(str(out), str(tmp_path / "software.txt"))
    assert read_table(out)[0]["verdict"] == "differs"


def test_the_committed_cross_check_agrees_throughout():
    rows = read_table(ROOT / "results" / "crosscheck.csv")
    assert len(rows) > 500
    assert {row["verdict"] for row in rows} <= {"agrees", "no answer from R"}


@pytest.mark.slow
@pytest.mark.workflow
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_the_target_runs_and_catches_a_wrong_estimate(copy):
    """`snakemake crosscheck` in the small review: green as built, red when R's number is another by a per mille."""
    copy.build("crosscheck")
    copy.edit("workflow/scripts/crosscheck.R", "estimate = back(mean)", "estimate = 1.001 * back(mean)")
    done = copy.run("crosscheck")
    assert done.returncode != 0
    assert "numbers disagree with R" in done.stdout + done.stderr
    assert (copy.folder / "results" / "crosscheck.csv").is_file()
