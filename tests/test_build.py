"""What a person sees of a build: few lines, honest estimates, and a clear word when something fails."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading

import pytest
from synthesis.run import building as command
from synthesis.run import messages as words
from synthesis.run import progress, record, screen
from synthesis.run.progress import Progress


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def event(kind: str, message: str = "", **fields) -> dict:
    return {"event": kind, "level": "INFO", "message": message, **fields}


def job(number: int, rule: str, analysis: str, *outputs: str) -> dict:
    wildcards = {"analysis": analysis} if analysis else {}
    log = [f"logs/{rule}.log"]
    return event("job_info", jobid=number, rule_name=rule, wildcards=wildcards, output=list(outputs), log=log)


PLAN = ["results/fever/rows.csv", "results/fever/estimates.csv", "results/rash/estimates.csv", "results/estimates.csv"]
STATS = {"select": 1, "pool": 2, "gather": 1, "all": 1, "total": 5}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def begun(clock):
    """Give a build that has been planned."""
    shown = Progress(planned=lambda: PLAN, clock=clock)
    assert shown.hear(event("run_info", stats=STATS)) == ["Building: 4 jobs."]
    return shown


def test_one_line_per_finished_analysis(begun, clock):
    """An analysis is finished with its last file, not its first; jobs of the whole review say nothing."""
    lines = begun.hear(job(1, "select", "fever", PLAN[0]))
    clock.now = 2
    lines += begun.hear(event("job_finished", job_id=1))
    assert lines == []
    begun.hear(job(2, "pool", "fever", PLAN[1]))
    clock.now = 12
    (line,) = begun.hear(event("job_finished", job_id=2))
    assert line.startswith("  fever: done (2 of 4 jobs; ")
    begun.hear(job(3, "pool", "rash", PLAN[2]))
    clock.now = 22
    (line,) = begun.hear(event("job_finished", job_id=3))
    assert line.startswith("  rash: done (3 of 4 jobs")
    begun.hear(job(4, "gather", "", PLAN[3]))
    assert begun.hear(event("job_finished", job_id=4)) == []
    assert begun.done == begun.total == 4


def test_time_left_counts_what_runs_already(clock):
    """Two jobs of 100 s on one core, one of them half done: two and a half minutes."""
    shown = Progress(planned=lambda: PLAN, clock=clock, seconds={"pool": 100})
    shown.hear(event("run_info", stats={"pool": 2, "total": 2}))
    assert shown.left() == "about 4 min left"  # 200 s, never understated
    shown.hear(job(1, "pool", "fever", PLAN[1]))
    clock.now = 50
    assert shown.left() == "about 3 min left"
    shown.cores = 2
    assert shown.left() == "about 2 min left"


def test_without_experience_no_time_is_made_up(begun):
    assert begun.left() == ""
    assert begun.status() == "0 of 4 jobs"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds left"),
        (11, "about 20 s left"),
        (51, "about 1 min left"),
        (59.9, "about 1 min left"),
        (60, "about 1 min left"),
        (61, "about 2 min left"),
        (3600, "about 1 h left"),
    ],
)
def test_time_left_in_words(seconds, text):
    assert words.time_left(seconds) == text


def test_lines_of_a_file_have_no_control_characters(begun):
    """Continuous integration keeps what it is sent; a line that is rewritten would be litter there."""
    clock, stream = Clock(), io.StringIO()
    shown = screen.Screen(stream, clock)
    for clock.now in range(0, 200, 10):
        shown.show(begun)
    shown.say("Built.")
    shown.clear()
    assert stream.getvalue() == "  0 of 4 jobs\n  0 of 4 jobs\nBuilt.\n"  # a sign of life every minute or so


def test_terminal_keeps_one_line(begun, monkeypatch):
    """What is rewritten leaves nothing behind, and never wraps."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "12")
    clock, stream = Clock(), io.StringIO()
    stream.isatty = lambda: True
    shown = screen.Screen(stream, clock)
    clock.now = 1
    shown.show(begun)
    shown.say("Built.")
    assert stream.getvalue() == "  0 of 4 jo\r\033[KBuilt.\n"


def test_reader_that_has_gone():
    """`make | head -1` ends the reader, not the build."""

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    shown = screen.Screen(Gone())
    shown.say("one")
    shown.say("two")


def test_failure_names_job_log_and_cause(begun, tmp_path, monkeypatch):
    """The clear sentence comes first, then the rule's log, then what the job printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "pool.log").write_text("Did not converge.\n", encoding="utf-8")
    begun.hear(job(2, "pool", "fever", PLAN[1]))
    assert begun.hear(event("job_error", jobid=2, rule_name="pool")) == ["Failed: pool of fever"]
    lines = command.closing(begun, 1, ["Traceback (most recent call last):", "ValueError: no"])
    assert lines[:2] == ["logs/pool.log:", "    Did not converge."]
    assert "    ValueError: no" in lines
    assert lines[-1] == command.FAULT
    first = command.closing(begun, 1, ["OSError: [Errno 28] No space left on device"])[0]
    assert first == words.DISK_FULL


def test_problems_of_sheets_come_without_frames(clock):
    """A person reads the file and line of the sheet, not those of the Snakefile."""
    shown = Progress(clock=clock)
    message = (
        'WorkflowError in file "/x/workflow/Snakefile", line 40:\n\nstudies/x.yaml:3: arms: no.\n1 problem.\n'
        '  File "/x/workflow/Snakefile", line 40, in <module>'
    )
    shown.hear({"event": "error", "level": "ERROR", "message": message, "exception": "WorkflowError"})
    assert command.closing(shown, 1, []) == ["studies/x.yaml:3: arms: no.\n1 problem."]


@pytest.mark.parametrize("code", [-signal.SIGKILL, 1, 2])
def test_no_failure_is_silent(clock, code):
    assert command.closing(Progress(clock=clock), code, []) != []


def test_stopped_by_hand(clock):
    (line,) = command.closing(Progress(clock=clock), -signal.SIGINT, [])
    assert line.startswith("Stopped. What is finished is kept")
    shown = Progress(clock=clock, stopped=signal.SIGINT)  # jobs die of Ctrl-C too, which is no failure of theirs
    assert shown.hear(event("job_error", jobid=2, rule_name="pool")) == []
    assert command.closing(shown, 1, ["KeyboardInterrupt"]) == [line]


def test_up_to_date_says_where_the_report_is(clock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "README.md").touch()
    shown = Progress(clock=clock)
    shown.hear(event("", "Nothing to be done (all requested files are present and up to date)."))
    assert command.closing(shown, 0, []) == ["Everything is up to date: results/README.md"]
    (tmp_path / "results" / "report.html").touch()
    assert command.closing(shown, 0, []) == ["Everything is up to date: results/report.html"]


def test_a_dry_run_does_not_say_that_it_built(begun):
    assert command.closing(begun, 0, []) == ["Nothing was built, this was a dry run: 4 jobs would run."]


def test_lines_of_pipes():
    """Lines arrive whole though written in pieces, the last one without an end too; odd bytes do no harm."""
    ends = os.pipe(), os.pipe()

    def write():
        for data in (b"one\ntw", b"o\n\xff", b"three"):
            os.write(ends[0][1], data)
        os.write(ends[1][1], "ü\n".encode())
        for _, end in ends:
            os.close(end)

    writer = threading.Thread(target=write)
    writer.start()
    found = [line for line in command.read_lines(ends[0][0], ends[1][0]) if line[0] >= 0]
    writer.join()
    assert [text for source, text in found if source == ends[0][0]] == ["one", "two", "�three"]
    assert [text for source, text in found if source == ends[1][0]] == ["ü"]


def test_event_cut_off_by_a_kill(begun):
    command.hear('{"event": "job_fin', begun, screen.Screen(io.StringIO()))


def test_records_of_snakemake_become_plain_json():
    """What Snakemake attaches to a record has its own types; what is handed on has JSON's."""
    from snakemake_logger_plugin_events import event_of

    class Name(str):
        pass

    found = logging.makeLogRecord(
        {
            "msg": "x",
            "levelname": "INFO",
            "event": Name("job_info"),
            "wildcards": {Name("a"): Name("b")},
            "output": (Name("c"),),
            "jobid": 3,
            "resources": object(),
        }
    )
    assert json.loads(event_of(found)) == {
        "event": "job_info",
        "level": "INFO",
        "message": "x",
        "jobid": 3,
        "wildcards": {"a": "b"},
        "output": ["c"],
    }


def test_files_from_the_future(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    early, late = tmp_path / "studies" / "a.yaml", tmp_path / "studies" / "b.yaml"
    early.touch()
    late.touch()
    os.utime(early, (1000, 1000))
    os.utime(late, (5000, 5000))
    assert record.set_back(2000) == 1
    assert (early.stat().st_mtime, late.stat().st_mtime) == (1000, 2000)
    assert record.set_back(2000) == 0


def test_left_over_of_killed_writers(tmp_path, monkeypatch):
    """Only what `write_text` leaves is removed: a hidden neighbour that ends in a process number."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "fever"
    folder.mkdir(parents=True)
    for name in (".rows.csv.123", "rows.csv", ".keep", "figure.1"):
        (folder / name).touch()
    record.remove_left_over()
    assert sorted(path.name for path in folder.iterdir()) == [".keep", "figure.1", "rows.csv"]


def test_start_is_light():
    """The wrapper must not cost what it saves: nothing heavy is imported before Snakemake starts."""
    code = "import sys, synthesis.run.building; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(command.SCRIPTS)},
    )
    heavy = {"numpy", "pandas", "matplotlib", "scipy", "pydantic", "snakemake", "yaml", "psutil", "jinja2"}
    assert not heavy & set(done.stdout.split())


def test_no_review_here(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "synthesis.run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(command.SCRIPTS)},
    )
    assert done.returncode == 1
    assert done.stdout.startswith("There is no Snakefile here.") and not done.stderr


def test_analysis_folder():
    assert progress._folder("results/fever/rows.csv") == "fever"
    assert progress._folder("results/estimates.csv") == ""
