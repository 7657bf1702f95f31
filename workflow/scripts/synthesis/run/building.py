"""Run Snakemake for a person: one at a time, recovered after a crash, few lines, and a clear word at the end."""

import contextlib
import io
import json
import os
import re
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from ..words.prose import plural
from . import disk, lock, record, seals
from .messages import DISK_FULL, KILLED, Stop, advice_for, listed
from .progress import Progress
from .screen import Screen

SCRIPTS = Path(__file__).resolve().parents[2]
REPORTS = ("results/report.html", "results/README.md")  # what to open, the best first
OUTPUT = Path("logs/build.log")
FAULT = "What is finished is kept. Where the message names nothing to mend, please report it with the lines above."
MEND = "Mend what is named, and run make again; what is finished is kept."
LOCATED = re.compile(r"^synthesis\.[\w.]+\.ProblemsError: (.*?)\n\d+ problems?\. Nothing was built", re.M | re.S)
CHATTER = "Using workflow specific profile"  # Snakemake says so beside its log
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TAIL = 40  # lines of what failed jobs printed, and of each log


def main(arguments: list[str]) -> int:
    """Build; the arguments go to Snakemake. Gives the exit code: 0 when every result is there and current."""
    sys.stdout.reconfigure(errors="replace")  # a file name must not stop a build in a terminal that cannot show it
    screen = Screen()
    try:
        if not Path("Snakefile").is_file():
            raise Stop("There is no Snakefile here. Run make in the folder that holds config.yaml and studies/.")
        with lock.only_build() as descriptor:
            return _build(arguments, screen, descriptor)
    except Stop as stop:
        screen.say(str(stop))
    except OSError as error:
        screen.say(str(Stop.unwritable(error, Path(error.filename or "."))))
    finally:
        screen.clear()
    return 1


def _build(arguments: list[str], screen: Screen, descriptor: int) -> int:
    record.look_after(screen.say)
    lock.sign(descriptor, os.getpid())
    progress = Progress(planned=planned_files, seconds=record.read_seconds())
    code, printed = run(command_for(arguments), progress, screen, descriptor)
    if not lock.left_over():  # else the next build has to know whose end to prove
        os.ftruncate(descriptor, 0)  # the file stays, since removing a lock races with its next owner
    if progress.took:
        record.write_seconds(progress.learned())
    asked = [word for word in arguments if not word.startswith("-") and not word.isdigit() and word != "all"]
    for line in closing(progress, code, printed, asked):
        screen.say(line)
    if code and progress.stopped:
        return 128 + progress.stopped
    return code if code >= 0 else 128 - code


def command_for(arguments: list[str]) -> list[str]:
    """Give the command: what was asked for, and what the lock makes safe."""
    cores = [] if any(a.startswith(("--cores", "-c", "-j", "--jobs")) for a in arguments) else ["--cores", "all"]
    # Incomplete files are those of a dead build, since this one holds the lock.
    return [sys.executable, "-m", "snakemake", "--logger", "events", "--rerun-incomplete", *cores, *arguments]


def environment(events: int) -> dict[str, str]:
    """Give the environment of the build: the same text encoding, engine and caches whatever the shell has set."""
    found = {**os.environ, "SYNTHESIS_EVENTS": str(events), "PYTHONUTF8": "1"}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    if disk.is_tight():
        found["PYTHONDONTWRITEBYTECODE"] = "1"
    found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")]))
    home = Path(os.environ.get("HOME") or "/nonexistent")
    if not os.access(home, os.W_OK | os.X_OK):
        cache = Path(".snakemake/cache").resolve()
        found.setdefault("XDG_CACHE_HOME", str(cache))
        found.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    return found


def planned_files() -> Iterator[str]:
    """Give the files this build will make, which Snakemake lists in its lock."""
    for path in lock.SNAKEMAKE_LOCKS.glob("*.output.lock"):
        yield from path.read_text(encoding="utf-8").splitlines()


def run(command: list[str], progress: Progress, screen: Screen, descriptor: int) -> tuple[int, list[str]]:
    """Run Snakemake, and show what it tells; give its exit code (−n when signal n ended it) and what jobs printed."""
    (events, tell), (words, speak) = os.pipe(), os.pipe()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=speak,
        stderr=speak,
        env=environment(tell),
        pass_fds=(tell, descriptor),  # the child keeps the lock, should this process be killed
    )
    os.close(tell)
    os.close(speak)
    with contextlib.suppress(Stop):
        lock.sign(descriptor, child.pid)

    def stop(number: int, _: object) -> None:
        progress.stopped = number
        if number != signal.SIGINT:  # Ctrl-C reaches Snakemake and its jobs as well; this process waits for them
            child.send_signal(number)

    for number in ENDING:
        signal.signal(number, stop)
    printed: deque[str] = deque(maxlen=2000)
    try:
        with open_log() as log:
            for source, line in read_lines(events, words):
                if source == events:
                    hear(line, progress, screen)
                elif source == words and not line.startswith(CHATTER):
                    printed.append(line)
                    with contextlib.suppress(OSError):  # on a full disk it is still shown, if the job failed
                        log.write(f"{line}\n")
                screen.show(progress)
    finally:  # whatever goes wrong here, no build goes on unseen
        if child.poll() is None and sys.exc_info()[0]:
            child.terminate()
        code = child.wait()
    return code, list(printed)


def hear(line: str, progress: Progress, screen: Screen) -> None:
    """Take in an event; a line cut off by a kill is none."""
    with contextlib.suppress(json.JSONDecodeError):
        for text in progress.hear(json.loads(line)):
            screen.say(text)


def open_log() -> TextIO:
    """Open the file for what jobs print; where it cannot be written, what they print is only kept in memory."""
    try:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        return open(OUTPUT, "w", encoding="utf-8", buffering=1)
    except OSError:
        return io.StringIO()


def read_lines(*descriptors: int) -> Iterator[tuple[int, str]]:
    """Read lines from pipes until all are closed: which pipe, and the line.

    ``-1`` and a blank line come every half second in which nothing came.
    """
    with selectors.DefaultSelector() as selector:
        rests = dict.fromkeys(descriptors, b"")
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(timeout=0.5)
            if not ready:
                yield -1, ""
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                *lines, rests[key.fd] = (rests[key.fd] + (data or b"\n")).split(b"\n")
                if not data:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    lines = filter(None, lines)
                yield from ((key.fd, line.decode("utf-8", "replace")) for line in lines)


def closing(progress: Progress, code: int, printed: list[str], asked: Sequence[str] = ()) -> list[str]:
    """Give the last lines: where the report is, or what went wrong and what to do; nothing asked for is all."""
    if code == 0:
        return _success(progress, printed, asked)
    if progress.stopped or -code in ENDING:
        return ["Stopped. What is finished is kept; make goes on from there."]
    lines = _what_failed(progress, printed)
    everything = "\n".join([*lines, *printed])
    advice = advice_for(everything) or (DISK_FULL if progress.failed and disk.is_full() else "")
    if re.search(disk.TORN, everything):
        disk.remove_compiled(SCRIPTS)
    if not advice and progress.failed and not lines:  # whatever fails otherwise leaves a word
        advice = KILLED
    if not advice and code < 0:
        advice = f"Snakemake was killed (signal {-code}). Run make again: it goes on where this build stopped."
    if advice:
        return [advice, *lines]
    if located := problems_in(printed):
        retry = all(line.endswith((seals.CHANGED, seals.FOREIGN)) for line in located)
        return located if retry else [*located, MEND]
    if progress.failed:
        return [*lines, FAULT]
    return lines or ["Snakemake failed without a word. Run `.venv/bin/snakemake --cores 1` to see all it does."]


def _success(progress: Progress, printed: list[str], asked: Sequence[str]) -> list[str]:
    report = next((path for path in REPORTS if Path(path).is_file()), "results/")
    if progress.up_to_date:
        return [
            f"What was asked for is up to date: {listed(asked)}" if asked else f"Everything is up to date: {report}"
        ]
    if not progress.total:
        return printed
    if not progress.done:
        return [*printed, f"Nothing was built, this was a dry run: {plural(progress.total, 'job')} would run."]
    notes = [f"Jobs printed {plural(len(printed), 'line')}: {OUTPUT}"] if printed else []
    return [*notes, f"Built in {progress.elapsed()}: {report}"]


def problems_in(printed: list[str]) -> list[str]:
    """Give the located problems that jobs ended with, when no job ended otherwise: their frames tell nobody anything.

    >>> problems_in(["Traceback (most recent call last):", "synthesis.tables.problems.ProblemsError: a.csv:3: No.",
    ...              "1 problem. Nothing was built; results/ is as it was."])
    ['a.csv:3: No.']
    """
    told = LOCATED.findall("\n".join(printed))
    if len(told) != sum(line.startswith("Traceback (most recent call last)") for line in printed):
        return []
    return list(dict.fromkeys(line for text in told for line in text.splitlines()))


def _what_failed(progress: Progress, printed: list[str]) -> list[str]:
    """Give the errors: of each failed job its log and what jobs printed; without one, what Snakemake said."""
    if not progress.failed:
        return [*printed[-TAIL:], *map(_without_frame, progress.errors)]
    lines = []
    for path in dict.fromkeys(path for job in progress.failed for path in job.logs):
        with contextlib.suppress(OSError):
            text = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
            lines += [f"{path}:", *(f"    {line}" for line in text)] if text else []
    return [*lines, *(f"    {line}" for line in printed[-TAIL:])]


def _without_frame(message: str) -> str:
    """Drop the line that says where in the Snakefile an error about a person's own files was raised."""
    first, _, rest = message.partition("\n")
    if not first.startswith("WorkflowError"):
        return message
    return re.sub(r'\n  File ".*", line \d+, in .*', "", rest).strip("\n") or message
