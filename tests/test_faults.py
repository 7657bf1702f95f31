"""What laptops, people and disks do to a build: it recovers by itself, or says in one clear sentence what to do.

Never a wrong number, and never a traceback as the only word. The same list for readers: ``docs/explanation/faults.md``.

A build is killed at four moments here; ``SYNTHESIS_KILLS=30 pytest -k random_moment`` kills the build of everything at
thirty. The moments come from fixed seeds. What only root may do (a small disk, a frozen folder, a machine without
network or fonts) is skipped for others, with the reason.
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
from conftest import ROOT, Review
from synthesis.run import lock, record

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
KILLS = int(os.environ.get("SYNTHESIS_KILLS", "4"))
PARTS = ("everything", "workflow", "snakemake", "job")  # what is killed, in turn
TARGETS = ["results/rash/rows.csv", "results/estimates.csv", "results/fever/forest.svg"]
LONGEST = 240  # seconds; a build of these targets takes about eight


def environment(folder: Path, **changes: str | None) -> dict[str, str]:
    """Give the environment `make` gives, with changes; None takes a variable away."""
    found = {**os.environ, "PYTHONPATH": str(folder / "workflow" / "scripts"), **changes}
    return {name: value for name, value in found.items() if value is not None}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "synthesis.run", "--cores", "2", *(arguments or TARGETS)]


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


def must_build(folder: Path, *arguments: str, **changes) -> str:
    """Build, insist on success, and give what was said."""
    done = build(folder, *arguments, **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    must_build(review.folder)
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


def strike(run: subprocess.Popen, what: str) -> bool:
    """Kill -9 a part of a build; False when it had ended already."""
    while what == "job" and run.poll() is None and len(children(run.pid)) < 2:
        time.sleep(0.02)
    below = children(run.pid)  # first Snakemake, then its jobs
    if run.poll() is not None or not below:
        return False
    match what:
        case "everything":
            kill(run.pid, *below)
        case "workflow":
            kill(run.pid, below[0])  # its jobs live on as orphans
        case "snakemake":
            kill(below[0])
        case "job":
            kill(below[-1])
    return True


@pytest.fixture(scope="module")
def to_kill(built, tmp_path_factory):
    """Give the review to kill in, its targets, and the seconds they take: everything when many kills are asked for."""
    targets = ["all"] if KILLS > 10 else TARGETS
    folder = copy(built, tmp_path_factory.mktemp("to_kill") / "review")
    shutil.rmtree(folder / "results")
    begun = time.monotonic()
    must_build(folder, *targets)
    return folder, targets, time.monotonic() - begun


@pytest.mark.parametrize("moment", range(0, KILLS, 2))
def test_kill_at_a_random_moment(to_kill, tmp_path, moment):
    """A build killed twice, at any moment and in any part, goes on by itself and ends byte-identical."""
    reference, targets, seconds = to_kill
    chance, struck, folder = random.Random(moment), 0, copy(reference, tmp_path / "review")
    shutil.rmtree(folder / "results")
    while struck < 2:
        run = start(folder, *targets)
        moment_of_death = chance.uniform(0.2, seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(moment_of_death)
        hit = strike(run, PARTS[(moment + struck) % 4])
        said, _ = run.communicate(timeout=LONGEST)
        print(f"{PARTS[(moment + struck) % 4]} at {moment_of_death:.1f} of {seconds:.0f} s, hit: {hit}\n{said}")
        assert "Traceback" not in said.splitlines()[:1]
        assert "Failed:" not in said or "A job was killed" in said, said
        struck += hit
        if not hit:  # it had ended: there is nothing to kill before there is something to build
            shutil.rmtree(folder / "results")
    print(must_build(folder, *targets))
    assert_same(folder, reference)
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
    """The second says in one sentence that the first runs, and leaves it alone; the first ends as always.

    The second comes to the same folder by a link, so that it is the folder that is locked, and not its name.
    """
    link = folder.parent / "link"
    link.symlink_to(folder)
    (folder / "results" / "fever" / "forest.svg").unlink()
    first = start(folder)
    until = time.monotonic() + 20
    while not (folder / ".snakemake" / "build.lock").stat().st_size and time.monotonic() < until:
        time.sleep(0.02)
    second = build(link)
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
@pytest.mark.parametrize("rest", [0, 36], ids=["at the start", "on the way"])
def test_disk_full(built, tmp_path, rest):
    """A full disk is named; with space again, the same command ends byte-identical.

    ``rest`` is what is free at the start, in blocks of 4 kB: too little for the tables and figures, enough to begin.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        folder = copy(built, disk / "review")
        if rest:
            shutil.rmtree(folder / "results")
        else:
            (folder / "results" / "fever" / "forest.svg").unlink()
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        os.truncate(filler, filler.stat().st_size - 4096 * rest)
        done = build(folder, PYTHONDONTWRITEBYTECODE="1")
        assert_said(done, "The disk is full. Free some space and run make again")
        assert ("Building" in done.stdout) == bool(rest), done.stdout
        filler.unlink()
        done = build(folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_same(folder, built)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@root_only("mount", "unshare")
@pytest.mark.parametrize("part", ["results", "."])
def test_read_only(built, folder, part):
    """A folder that cannot be written is named, and nothing in it changes.

    Permissions do not stop root, so the folder is mounted read-only here; those that stop a person are tried below.
    """
    (folder / "results" / "fever" / "forest.svg").unlink()
    before = contents(folder)
    freeze = f"mount --bind '{part}' '{part}' && mount -o remount,bind,ro '{part}' && cd \"$PWD\" && exec \"$@\""
    done = build(folder, prefix=("unshare", "-m", "sh", "-c", freeze, "sh"))
    assert_said(done, "cannot be written")
    assert contents(folder) == before


def test_compiled_code_that_a_full_disk_tore(built, folder):
    """Python does not notice, and would fail at every start: it is removed, and the next build ends as always."""
    library = folder / "workflow" / "scripts" / "synthesis"
    (folder / "results" / "fever" / "forest.svg").unlink()
    must_build(folder)  # the copy has no compiled code yet
    compiled = [*(library / "figures" / "kit" / "__pycache__").glob("style.*.pyc")]
    assert compiled
    for path in compiled:
        path.write_bytes(path.read_bytes()[:400])
    (folder / "results" / "fever" / "forest.svg").unlink()
    assert_said(build(folder), "Compiled code was torn", "Run make again")
    must_build(folder)
    assert_same(folder, built)


# Root may write anywhere, unless this right is taken away; a person has not got it.
AS_A_PERSON = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all") if may("setpriv") else ()


@pytest.mark.skipif(os.geteuid() == 0 and not AS_A_PERSON, reason="root without setpriv may write anywhere")
@pytest.mark.parametrize("part", ["results", ".snakemake"])
def test_folder_without_permission(built, folder, part):
    """Results that a container or another user wrote, and this one may not: what cannot be written is named."""
    (folder / "results" / "fever" / "forest.svg").unlink()
    before = contents(folder)
    locked = [folder / part, *(path for path in (folder / part).rglob("*") if path.is_dir())]
    for path in locked:
        path.chmod(0o555)
    try:
        done = build(folder, prefix=AS_A_PERSON)
    finally:
        for path in locked:
            path.chmod(0o755)
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
    assert "Changed since the last build, and built again when asked for: " in done.stdout
    for path in (estimates, figure, torn):
        assert path.relative_to(folder).as_posix() in done.stdout
    assert_same(folder, built)
    assert (folder / record.ASIDE / "results" / "fever" / "forest.svg").read_bytes() == b"\x00garbage"


def test_a_torn_table_beside_the_sheets_is_located(folder):
    """It is answered as a sheet is: before any job, with file, line and what to do, and no frames of Python."""
    text = (ROOT / "studies" / "screening.csv").read_text(encoding="utf-8")
    (folder / "studies" / "screening.csv").write_text(text[:-100] + '\n"torn', encoding="utf-8")
    done = build(folder, "results/figures/flow.svg")
    said = done.stdout.splitlines()
    assert done.returncode and "Traceback" not in done.stdout + done.stderr, done.stdout
    assert re.match(r"studies/screening\.csv:\d+: ", said[-2]) and "Nothing was built" in said[-1], said


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


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"pool_analysis": {}}'])
def test_damaged_record(damage, tmp_path, monkeypatch):
    """A record that a crash tore is as good as none."""
    monkeypatch.chdir(tmp_path)
    record.SECONDS.parent.mkdir()
    record.SECONDS.write_text(damage)
    assert record.read_seconds() == {}


def test_a_torn_seal_builds_all_again(built, folder):
    """A power cut empties files, ours too: what a result should hold is then unknown, so none is believed."""
    seals = sorted((folder / ".snakemake" / "seals").iterdir())
    seals[0].write_bytes(b"")
    assert "gone or torn: all results are built again." in must_build(folder)
    assert_same(folder, built)
    assert "up to date" in must_build(folder)


def test_lost_seals_build_all_again(built, folder):
    """Without them nobody knows what a result should hold, and an edited one counted as built."""
    shutil.rmtree(folder / ".snakemake" / "seals")
    estimates = folder / "results" / "rash" / "estimates.csv"
    estimates.write_text(estimates.read_text(encoding="utf-8").replace("0.", "0.9", 1), encoding="utf-8")
    assert "gone or torn: all results are built again." in must_build(folder)
    assert_same(folder, built)
    assert "up to date" in must_build(folder)


def test_torn_notes_of_snakemake(built, folder):
    """A power cut empties files. Without its note a result would stay, though the config says something else now."""
    notes = [path for path in (folder / ".snakemake" / "metadata").iterdir() if path.is_file()]
    for note in notes[: len(notes) // 2]:
        note.write_bytes(b"")
    for note in notes[len(notes) // 2 :]:
        note.write_bytes(note.read_bytes()[:-20])
    config = folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("primary: glmm", "primary: glmm\n  level: 0.9"), encoding="utf-8")
    said = must_build(folder)
    assert re.search(r"The notes on \d+ results are gone or torn: all results are built again\.", said), said
    estimates = Path("results", "fever", "estimates.csv")
    assert (folder / estimates).read_bytes() != (built / estimates).read_bytes()
    config.write_text(text, encoding="utf-8")
    assert "torn" not in must_build(folder)
    assert_same(folder, built)


# Clocks and surroundings ----------------------------------------------------------------------------------------------


def test_clock_jumps(built, folder):
    """Files from the future (a clock set back, a careless unpacking) neither change a number nor build for ever."""
    ahead = time.time() + 3 * 365 * 86400
    for path in [*folder.glob("studies/*"), *folder.rglob("workflow/**/*.py"), *folder.glob("results/**/rows.csv")]:
        os.utime(path, (ahead, ahead))
    said = must_build(folder)
    assert re.search(
        r"\d+ files carried a time in the future \(was a clock set back\?\): it is now the present\.", said
    )
    assert "up to date" in must_build(folder)
    assert_same(folder, built)


def test_changes_that_carry_an_old_time(folder):
    """Files of an archive, or written while the clock was behind, are older than the results and yet change them."""
    engine, sheet = (
        folder / "workflow" / "scripts" / "synthesis" / "models" / "proportions.py",
        folder / "studies" / "clark2003.yaml",
    )
    engine.write_text(engine.read_text(encoding="utf-8") + "# Another engine.\n", encoding="utf-8")
    text = sheet.read_text(encoding="utf-8")
    sheet.write_text(text.replace("events: 3, patients: 90", "events: 4, patients: 90"), encoding="utf-8")
    for path in (engine, sheet):
        os.utime(path, (1e9, 1e9))
    rows = contents(folder)["results/rash/rows.csv"]
    assert "Building" in must_build(folder)
    assert contents(folder)["results/rash/rows.csv"] != rows, "the new count is not there"
    assert "up to date" in must_build(folder)


def test_results_on_another_disk(built, folder, tmp_path):
    """`results` and `studies` may be links to where there is room; they stay links."""
    for name in ("results", "studies"):
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
    shutil.rmtree(tmp_path / "results" / "fever")
    must_build(folder)
    assert (folder / "results").is_symlink() and (folder / "studies").is_symlink()
    assert "up to date" in must_build(folder)
    assert contents(tmp_path) == contents(built)


@pytest.fixture
def bare(tmp_path):
    """Give a prefix and an environment without home, locale and any other program; as root, network and fonts too."""
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "sh", "which"):  # the last one for Snakemake's plugin for Slurm, where that is installed
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    changes = {"HOME": None, "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    changes["MPLCONFIGDIR"] = str(tmp_path / "empty")
    # Where root may: no network but the loop, which is down, and no fonts of the machine.
    hide = "for d in /usr/share/fonts /usr/local/share/fonts; do [ ! -d $d ] || mount -t tmpfs none $d || exit 9; done"
    alone = ("unshare", "-n", "-m", "sh", "-c", f'{hide}; PATH={tmp_path}/bin; exec "$@"', "sh")
    if not may_isolate():
        alone = ("env", f"PATH={tmp_path}/bin")
    return alone, changes


def may_isolate() -> bool:
    return may("unshare", "mount") and not subprocess.run(["unshare", "-n", "-m", "true"], check=False).returncode


def test_bare_surroundings(built, folder, bare, tmp_path):
    """No home, git, locale, cache, network or fonts, a folder with odd letters reached by a link: the same bytes."""
    real = folder.rename(tmp_path / "Übersicht № 1 (neu)")
    link = tmp_path / "a link"
    link.symlink_to(real)
    shutil.rmtree(real / "results")
    must_build(link, prefix=bare[0], **bare[1])
    assert_same(real, built)


def test_everything_is_built_without_a_network(folder, bare):
    """All results of the small review, the report among them, on a machine that has nothing and reaches nobody."""
    if not may_isolate():
        pytest.skip("needs root and unshare to take the network away")
    must_build(folder, "all", prefix=bare[0], **bare[1])
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert len(page) > 100_000 and not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?:", page)


def test_bare_surroundings_are_bare(bare):
    """What the test above takes away is away, so that its result means something."""
    look = "import locale, os, shutil; print(shutil.which('git'), os.environ.get('HOME'), locale.getencoding())"
    if may_isolate():
        look += "; import socket; print(*[name for _, name in socket.if_nameindex()]); s = socket.socket()"
        look += "; print(s.connect_ex(('192.0.2.1', 80)) != 0, [f for f in os.listdir('/usr/share/fonts')])"
    done = subprocess.run(
        [*bare[0], sys.executable, "-c", look], env=environment(ROOT, **bare[1]), capture_output=True, encoding="ascii"
    )
    expected = ["None None ANSI_X3.4-1968", *(["lo", "True []"] if may_isolate() else [])]
    assert done.stdout.splitlines() == expected, done.stderr
