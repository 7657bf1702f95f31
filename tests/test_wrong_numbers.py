"""No build leaves a wrong number: whatever is edited, torn or put back while it runs, and whoever started it.

What somebody does in the middle of a build is done here by an adapter of the copied engine, at a moment that is always
the same: before its job reads, or after it has written.
"""

import importlib
import os
import py_compile
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import test_faults as faults
from synthesis.run import disk, record, seals
from synthesis.tables.problems import ProblemsError
from test_faults import TARGETS, assert_said, assert_same, build, contents, environment, kill, must_build

built, folder = faults.built, faults.folder
pytestmark = [pytest.mark.workflow, pytest.mark.slow]
ROWS, ESTIMATES = "results/rash/rows.csv", "results/rash/estimates.csv"
SHEET, COUNT, OTHER = "studies/clark2003.yaml", "events: 3, patients: 90", "events: 9, patients: 90"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def meanwhile(folder: Path, adapter: str, *, before: str = "", after: str = "") -> None:
    """Let something happen while a build runs: before the job of an adapter reads, and after it has written.

    Once: the code runs while a file `meanwhile` is there, and takes it away.
    """
    path, mark = folder / "workflow" / "scripts" / f"{adapter}.py", folder / "meanwhile"
    once = "from pathlib import Path\n\nmark = Path('meanwhile')\nif mark.exists():\n    {}\n"
    head, _, body = path.read_text(encoding="utf-8").partition("\nwith sealed(")
    last = once.format(f"{after or 'pass'}; mark.unlink(missing_ok=True)")
    path.write_text(f"{head}\n{once.format(before or 'pass')}\nwith sealed({body}\n{last}", encoding="utf-8")
    mark.touch()


def replace(path: str, old: str, new: str) -> str:
    """Give the code of an edit."""
    return f"p = Path({path!r}); p.write_text(p.read_text().replace({old!r}, {new!r}))"


def plain(folder: Path, *targets: str) -> subprocess.CompletedProcess:
    """Build with Snakemake itself."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *(targets or TARGETS)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        encoding="utf-8",
        timeout=faults.LONGEST,
    )


def numbers(folder: Path) -> dict[str, bytes]:
    return {path: text for path, text in contents(folder).items() if path.endswith(".csv")}


# What jobs read -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [COUNT, OTHER], ids=["another count meanwhile", "planned with another count"])
def test_a_sheet_that_differs_only_while_a_build_runs(folder, first):
    """A job read what the sheet held at that moment, under the name of what was planned: for good."""
    second = COUNT if first == OTHER else OTHER
    edit(folder / SHEET, COUNT, first)
    (folder / ESTIMATES).unlink()
    meanwhile(folder, "pool_analysis", before=replace(SHEET, first, second), after=replace(SHEET, second, first))
    must_build(folder)
    once = numbers(folder)
    edit(folder / SHEET, first, COUNT)
    must_build(folder)
    events = [re.search(r",glmm,\d+,\d+,(\d+),", text[ESTIMATES].decode())[1] for text in (once, numbers(folder))]
    assert int(events[0]) - int(events[1]) == (6 if first == OTHER else 0)
    assert not (folder / "meanwhile").exists(), "nothing was edited meanwhile"


def test_a_sheet_edited_while_a_build_runs_changes_the_next_build(folder, built):
    """The build is of one piece, with the sheets as it found them; the next one takes up the edit."""
    (folder / ROWS).unlink()
    meanwhile(folder, "select_rows", before=replace(SHEET, COUNT, OTHER))
    must_build(folder)
    assert numbers(folder) == numbers(built)
    must_build(folder)
    assert b",9,90," in contents(folder)[ROWS]


def test_what_a_job_reads_is_what_was_planned(folder):
    """A table beside the sheets is edited between planning and reading: the job fails in words, and then runs again."""
    table, target = folder / "studies" / "screening.csv", "results/figures/flow.svg"
    of_sheets = (
        ("adams2001", "10.1000/adams"),
        *((x, f"10.1000/{x}") for x in ("baker2002", "clark2003", "davis2004")),
    )
    rows = [f"{study},{study},{doi},hand search,pooled,,,{study}" for study, doi in of_sheets]
    head = "id,report,identifier,found,decision,category,reason,sheet"
    table.write_text("\n".join([head, *rows, "evans2005,Evans,,hand search,excluded,No counts,None printed.,", ""]))
    meanwhile(folder, "draw_review", before=replace("studies/screening.csv", "None printed.", "None read."))
    done = build(folder, target)
    assert_said(done, "studies/screening.csv: It changed while the build ran. Run the build again")
    assert "Traceback" not in done.stdout and not (folder / target).exists()
    must_build(folder, target)


def test_a_number_of_r_is_that_of_the_script_that_was_planned(folder):
    """R was called by a command that looked at nothing: a script edited and put back left its numbers for good."""
    script = "workflow/scripts/crosscheck.R"
    meanwhile(folder, "pool_in_r", before=replace(script, "library(lme4)", "library(lme4) "))
    assert_said(
        build(folder, "results/crosscheck.csv"), f"{script.rpartition('/')[0]}: It changed while the build ran."
    )


def test_what_is_put_back_with_its_time_while_a_job_runs(tmp_path, monkeypatch):
    """As by `cp -p` or `rsync -a`: size and time of writing are as before, and the job has read something else."""
    monkeypatch.chdir(tmp_path)
    table, out = Path("table.csv"), Path("out.csv")
    table.write_text("3")
    times = table.stat().st_atime_ns, table.stat().st_mtime_ns
    job = SimpleNamespace(input=["table.csv"], output=["out.csv"], params=SimpleNamespace(planned={}))
    with pytest.raises(ProblemsError, match=r"table\.csv: It changed while the build ran"), seals.sealed(job):
        table.write_text("9")
        out.write_text(table.read_text())
        table.write_text("3")
        os.utime(table, ns=times)
    with seals.sealed(job):
        out.write_text(table.read_text())
    assert seals.read_seal("out.csv") == seals.take("out.csv")


def test_code_compiled_from_an_edit_that_was_put_back(tmp_path, monkeypatch):
    """Python takes compiled code for current when size and second agree: the edit lived on in every later build."""
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "counted.py"
    module.write_text("EVENTS = 9")
    os.utime(module, (1e9, 1e9))
    py_compile.compile(str(module))
    module.write_text("EVENTS = 3")
    os.utime(module, (1e9, 1e9))
    disk.remove_outdated([module])
    assert importlib.import_module("counted").EVENTS == 3


def test_every_adapter_imports_under_its_seal():
    """A module that is edited while a job imports it, and put back before the job looks, would go unseen."""
    for path in (faults.ROOT / "workflow" / "scripts").glob("*.py"):
        head, found, _ = path.read_text(encoding="utf-8").partition("\nwith sealed(snakemake):")
        assert found, f"{path.name} runs without a seal"
        assert re.findall("^from synthesis.*", head, re.M) == ["from synthesis.run.seals import sealed"], path.name


def test_an_engine_switched_while_a_build_runs(folder):
    """As by `git checkout` to another version and back: what ran then must not count as made by this one."""
    module = "workflow/scripts/synthesis/pools/gathering.py"
    (folder / "results" / "estimates.csv").unlink()
    meanwhile(folder, "gather_estimates", before=replace(module, "import", "import "))
    done = plain(folder)
    assert done.returncode and "workflow/scripts: It changed while the build ran." in done.stderr
    (folder / "meanwhile").unlink()
    assert plain(folder).returncode == 0


@pytest.mark.parametrize("what", [(SHEET, COUNT, OTHER), ("config.yaml", "primary: glmm", "primary: betabinom")])
def test_a_job_of_a_cluster_finds_out_that_the_review_changed(folder, what):
    """There every job reads the rules again, and with them sheets and config: it would compute what nobody planned."""
    job = ("--mode", "remote", "--dry-run", ESTIMATES)
    assert plain(folder, *job).returncode == 0
    edit(folder / what[0], *what[1:])
    done = plain(folder, *job)
    assert done.returncode and "the engine changed while the build ran. Run the build again." in done.stdout


# What jobs wrote ------------------------------------------------------------------------------------------------------


def test_a_result_edited_between_two_jobs(folder, built):
    """The next job refuses it, and the next build makes it anew; the edit is kept."""
    (folder / ROWS).unlink()
    meanwhile(folder, "select_rows", after=replace(ROWS, ",3,90,", ",9,90,"))
    assert_said(build(folder, "results/rash/forest.svg"), f"{ROWS}: It does not hold what the build wrote.")
    assert f"Changed since the last build, and built again when asked for: {ROWS}" in must_build(folder, "all")
    assert numbers(built).items() <= numbers(folder).items()
    assert b",9,90," in (folder / ".snakemake" / "changed" / ROWS).read_bytes()


@pytest.mark.parametrize("who", [must_build, plain], ids=["make", "snakemake"])
def test_a_result_edited_after_plain_snakemake(folder, built, who):
    """Of a build by Snakemake itself there was no record: an edited or torn table counted as built, and was pooled."""
    shutil.rmtree(folder / "results")
    shutil.rmtree(folder / ".snakemake")
    assert plain(folder).returncode == 0
    edit(folder / ESTIMATES, "0.", "0.9")
    (folder / ROWS).write_bytes((folder / ROWS).read_bytes()[:-40])
    who(folder)
    assert_same(folder, built)


def test_a_result_edited_after_a_killed_build(folder, built):
    """The record was written at the end of a build, and knew nothing of what a killed one had made."""
    shutil.rmtree(folder / "results")
    run = faults.start(folder)
    unfinished = folder / record.note_on(record.INCOMPLETE, ESTIMATES)
    while not (folder / ESTIMATES).exists() or unfinished.exists():
        time.sleep(0.02)
    kill(run.pid, *faults.children(run.pid))
    run.communicate()
    edit(folder / ESTIMATES, "0.", "0.9")
    said = must_build(folder)
    assert "going on where it stopped" in said and f"built again when asked for: {ESTIMATES}" in said
    assert_same(folder, built)


def test_a_named_target_leaves_no_gap(folder, built):
    """What was edited was moved away, and the build of something else then called everything up to date."""
    for path in (ESTIMATES, ROWS):
        edit(folder / path, "0.", "0.9")
    before = set(contents(folder))
    said = must_build(folder, "results/fever/forest.svg")
    assert "What was asked for is up to date: results/fever/forest.svg" in said
    assert set(contents(folder)) == before
    must_build(folder)
    assert_same(folder, built)


def test_an_edited_result_on_another_disk(folder, built):
    """A file cannot be renamed onto another disk: every later build failed."""
    elsewhere = Path("/dev/shm") / f"results.{os.getpid()}"
    if not os.access("/dev/shm", os.W_OK) or os.stat("/dev/shm").st_dev == os.stat(folder).st_dev:
        pytest.skip("there is no second disk here")
    try:
        shutil.move(folder / "results", elsewhere)
        (folder / "results").symlink_to(elsewhere)
        edit(folder / ESTIMATES, "0.", "0.9")
        assert ESTIMATES in must_build(folder)
        assert_same(folder, built)
    finally:
        shutil.rmtree(elsewhere)


def test_plain_snakemake_goes_on_after_a_kill(tmp_path):
    """A killed build of a review with the engine beside it, and no make, left a lock that stopped the next one."""
    review = faults.Review(tmp_path / "review")
    (tmp_path / "engine").mkdir()
    shutil.copytree(
        faults.ROOT / "workflow", tmp_path / "engine" / "workflow", ignore=shutil.ignore_patterns("__pycache__")
    )
    text = 'module synthesis:\n    snakefile: "../engine/workflow/Snakefile"\n\nuse rule * from synthesis\n'
    (review.folder / "Snakefile").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "results/estimates.csv"]
    run = subprocess.Popen(command, cwd=review.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (review.folder / "results").exists() and run.poll() is None:
        time.sleep(0.02)
    kill(run.pid, *faults.children(run.pid))
    run.wait()
    assert list((review.folder / ".snakemake" / "locks").glob("*")), "it was not killed in the middle"
    done = subprocess.run(command, cwd=review.folder, capture_output=True, encoding="utf-8", timeout=faults.LONGEST)
    assert done.returncode == 0, done.stderr
    assert "The last build did not end in order: going on where it stopped." in done.stderr
