"""What laptops, people and disks do to a build: it recovers by itself, or says in one clear sentence what to do.

Never a wrong number, and never a traceback as the only word. More moments to kill at: ``SYNTHESIS_KILLS=30``.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Review
from synthesis.build import lock, record

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
KILLS = int(os.environ.get("SYNTHESIS_KILLS", "1"))
TARGETS = ["results/rash/rows.csv", "results/estimates.csv", "results/fever/forest.svg"]
LONGEST = 240  # seconds; a build of these targets takes about eight


def environment(folder: Path, **changes: str | None) -> dict[str, str]:
    """Give the environment `make` gives, with changes; None takes a variable away."""
    found = {**os.environ, "PYTHONPATH": str(folder / "workflow" / "scripts"), **changes}
    return {name: value for name, value in found.items() if value is not None}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "synthesis.build", "--cores", "2", *(arguments or TARGETS)]


def build(folder: Path, *arguments: str, prefix: tuple[str, ...] = (), **changes: str | None):
    return subprocess.run(
        [*prefix, *command(*arguments)],
        cwd=folder,
        env=environment(folder, **changes),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=LONGEST,
    )


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    # A session of its own, so that this test can end all of it, and nothing else.
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Read everything below results/, hidden left-overs of writers included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file()
    }


def assert_same(folder: Path, reference: Path) -> None:
    found, expected = contents(folder), contents(reference)
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def assert_said(done, *words: str) -> None:
    """Insist on a failure that begins with a sentence, not with a traceback."""
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    for word in words:
        assert word in said, said
    assert not said.lstrip().startswith("Traceback"), said


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the targets once, undisturbed: what every other build here has to end like."""
    review = Review(tmp_path_factory.mktemp("built") / "review")
    review.add_engine()
    text = review.read("config.yaml")
    (review.folder / "config.yaml").write_text(re.sub(r"  high_fever:\n(    .*\n)+", "", text), encoding="utf-8")
    done = build(review.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return review.folder


@pytest.fixture
def folder(built, tmp_path):
    """Give a copy of the built review, with Snakemake's records and all times."""
    return copy(built, tmp_path / "review")


def copy(built: Path, target: Path) -> Path:
    shutil.copytree(built, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def may(*tools: str) -> bool:
    """Say whether this test is root and has some tools."""
    return os.geteuid() == 0 and all(map(shutil.which, tools))


def root_only(*tools: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not may(*tools), reason=f"needs root and {', '.join(tools)}")


# Killed ---------------------------------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    """Name the processes below one."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def kill(*pids: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def strike(run: subprocess.Popen, what: str) -> None:
    """Kill -9 a part of a build."""
    below = children(run.pid)  # first Snakemake, then its jobs
    match what:
        case "everything":
            kill(run.pid, *below)
        case "workflow":
            kill(run.pid, *below[:1])  # its jobs live on as orphans
        case "snakemake":
            kill(*below[:1])
        case "job":
            kill(*below[-1:])


@pytest.mark.parametrize("moment", range(KILLS))
def test_kill_at_a_random_moment(built, folder, moment):
    """A build killed again and again, at any moment and in any part, goes on by itself and ends byte-identical."""
    chance = random.Random(moment)
    shutil.rmtree(folder / "results")
    for what in chance.sample(["everything", "workflow", "snakemake", "job"], 2 if KILLS < 10 else 4):
        run = start(folder)
        time.sleep(chance.uniform(0.2, 7))
        strike(run, what)
        said, _ = run.communicate(timeout=LONGEST)
        assert "Traceback" not in said.splitlines()[:1]
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(folder, built)
    assert not list((folder / ".snakemake" / "locks").glob("*"))


def test_orphaned_jobs_are_waited_for(folder):
    """A job of a killed build still writes: the next build waits for it, and does not start a second one beside it."""
    scripts = folder / ".snakemake" / "scripts"
    scripts.mkdir(exist_ok=True)
    script = scripts / "tmp1.pool.py"
    script.write_text("import time\ntime.sleep(2)\nopen('ended', 'w').close()\n")
    leave_lock(folder)
    orphan = subprocess.Popen([sys.executable, str(script)], cwd=folder)
    done = build(folder)
    assert orphan.wait(10) == 0
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Waiting for the jobs of an interrupted build to end (process {orphan.pid})" in done.stdout
    assert "going on where it stopped" in done.stdout


def leave_lock(folder: Path) -> None:
    (folder / ".snakemake" / "locks").mkdir(exist_ok=True)
    (folder / ".snakemake" / "locks" / "0.output.lock").write_text("results/estimates.csv\n")


# Two at once ----------------------------------------------------------------------------------------------------------


def test_two_builds_at_once(built, folder):
    """The second says in one sentence that the first runs, and leaves it alone; the first ends as always."""
    (folder / "results" / "fever" / "forest.svg").unlink()
    first = start(folder)
    until = time.monotonic() + 20
    while not (folder / ".snakemake" / "build.lock").stat().st_size and time.monotonic() < until:
        time.sleep(0.02)
    second = build(folder)
    assert_said(second, "Another build is running in this folder (process ")
    assert len(second.stdout.splitlines()) == 1 and not second.stderr
    said, _ = first.communicate(timeout=LONGEST)
    assert first.returncode == 0, said
    assert_same(folder, built)


def test_lock_survives_the_wrapper_but_not_the_build(folder):
    """Killing the wrapper alone does not free the folder while Snakemake goes on in it."""
    shutil.rmtree(folder / "results")
    run = start(folder)
    time.sleep(1.5)
    below = children(run.pid)
    assert below
    kill(run.pid)
    run.wait(10)
    assert_said(build(folder), "Another build is running", f"process {below[0]} ")
    kill(*below, *(pid for one in below for pid in children(one)))
    run.stdout.close()


def test_plain_snakemake_is_respected(folder):
    """Somebody's own `snakemake` holds no lock of ours: its process is found, and its lock stays."""
    leave_lock(folder)
    program = folder / "snakemake"
    program.write_text("import time\ntime.sleep(60)\n")
    other = subprocess.Popen([sys.executable, str(program)], cwd=folder)
    try:
        done = build(folder)
        assert_said(done, f"Snakemake is already running in this folder (process {other.pid}).")
        assert list((folder / ".snakemake" / "locks").glob("*.lock"))
    finally:
        other.kill()
        other.wait()
    done = build(folder)
    assert done.returncode == 0, done.stdout


def test_build_of_another_machine_is_not_declared_dead(folder):
    """From here nobody can see whether it lives; age proves nothing."""
    leave_lock(folder)
    owner = {"pid": 1, "host": "elsewhere", "boot": "another", "since": "12:03"}
    (folder / lock.LOCK).write_text(json.dumps(owner))
    os.utime(folder / lock.LOCK, (0, 0))
    assert_said(build(folder), "began on another machine (elsewhere", "remove .snakemake/build.lock")
    assert list((folder / ".snakemake" / "locks").glob("*.lock"))


# Disks ----------------------------------------------------------------------------------------------------------------


@root_only("mount", "umount")
def test_disk_full(built, tmp_path):
    """A full disk is named; with space again, the same command ends byte-identical."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        folder = copy(built, disk / "review")
        (folder / "results" / "fever" / "forest.svg").unlink()
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        done = build(folder, PYTHONDONTWRITEBYTECODE="1")
        assert_said(done, "The disk is full. Free some space and run make again")
        filler.unlink()
        done = build(folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_same(folder, built)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@root_only("mount", "unshare")
@pytest.mark.parametrize("part", ["results", "."])
def test_read_only(built, folder, part):
    """A folder that cannot be written is named, and nothing in it changes."""
    (folder / "results" / "fever" / "forest.svg").unlink()
    before = contents(folder)
    freeze = f"mount --bind '{part}' '{part}' && mount -o remount,bind,ro '{part}' && cd \"$PWD\" && exec \"$@\""
    done = build(folder, prefix=("unshare", "-m", "sh", "-c", freeze, "sh"))
    assert_said(done, "cannot be written")
    assert contents(folder) == before


# Hands ----------------------------------------------------------------------------------------------------------------


def test_outputs_changed_by_hand_are_built_again(built, folder):
    """A number edited in results/ is newer than its inputs, and Snakemake would hand it on; so would a torn file."""
    estimates, figure = folder / "results" / "fever" / "estimates.csv", folder / "results" / "fever" / "forest.svg"
    text = estimates.read_text(encoding="utf-8")
    estimates.write_text(text.replace("0.", "0.9", 1), encoding="utf-8")
    figure.write_bytes(b"\x00garbage")
    torn = folder / "results" / "rash" / "rows.csv"
    torn.write_bytes(torn.read_bytes()[:100])
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Changed since the last build, and built again: " in done.stdout
    for path in (estimates, figure, torn):
        assert path.relative_to(folder).as_posix() in done.stdout
    assert_same(folder, built)
    assert (folder / record.ASIDE / "results" / "fever" / "forest.svg").read_bytes() == b"\x00garbage"


def test_results_of_plain_snakemake_are_not_taken_for_edits(built, folder):
    """Who builds with `snakemake` itself, and with `make` afterwards, loses nothing and waits for nothing."""
    sheet = folder / "studies" / "clark2003.yaml"
    sheet.write_text(
        sheet.read_text(encoding="utf-8").replace("events: 3, patients: 90", "events: 4, patients: 90"),
        encoding="utf-8",
    )
    plain = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *TARGETS],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert plain.returncode == 0, plain.stderr
    after = contents(folder)
    assert after != contents(built)
    done = build(folder)
    assert "up to date" in done.stdout and "Changed" not in done.stdout
    assert contents(folder) == after


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"outputs": {"results/x": 3}, "seconds": {}}'])
def test_damaged_record(damage, tmp_path, monkeypatch):
    """A record that a crash tore is as good as none."""
    monkeypatch.chdir(tmp_path)
    record.RECORD.parent.mkdir()
    record.RECORD.write_text(damage)
    assert record.read_record() == record.Record()


# Clocks and surroundings ----------------------------------------------------------------------------------------------


def test_clock_jumps(built, folder):
    """Files from the future (a clock set back, a careless unpacking) neither change a number nor build for ever."""
    ahead = time.time() + 3 * 365 * 86400
    for path in [*folder.glob("studies/*"), *folder.rglob("workflow/**/*.py"), *folder.glob("results/**/rows.csv")]:
        os.utime(path, (ahead, ahead))
    first, second = build(folder), build(folder)
    assert first.returncode == second.returncode == 0, first.stdout + second.stdout
    assert "up to date" in second.stdout
    assert_same(folder, built)


def test_bare_surroundings(built, folder, tmp_path):
    """No home, git, locale, cache, network or fonts, a folder with odd letters reached by a link: the same bytes."""
    real = folder.rename(tmp_path / "Übersicht № 1 (neu)")
    link = tmp_path / "a link"
    link.symlink_to(real)
    shutil.rmtree(real / "results")
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "sh"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    # Where root may: no network but the loop, which is down, and no fonts of the machine.
    hide = "for d in /usr/share/fonts /usr/local/share/fonts; do [ ! -d $d ] || mount -t tmpfs none $d; done"
    alone = ("unshare", "-n", "-m", "sh", "-c", f'{hide}; PATH={tmp_path}/bin; exec "$@"', "sh")
    if not may("unshare", "mount") or subprocess.run(["unshare", "-n", "-m", "true"], check=False).returncode:
        alone = ("env", f"PATH={tmp_path}/bin")
    done = build(
        link,
        prefix=alone,
        HOME=None,
        LANG="C",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        MPLCONFIGDIR=str(tmp_path / "empty"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(real, built)
