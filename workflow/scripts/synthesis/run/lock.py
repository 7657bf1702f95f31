"""One build at a time in a folder, and the proof that an interrupted one is dead.

A build holds an advisory lock of the operating system, which ends with the last process that holds it, however it
ended: no age has to be guessed. Snakemake's own lock is a file and outlives a crash. It is lifted only when this lock
is free and no process of this folder's builds is alive.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .messages import Stop, listed

LOCK = Path(".snakemake/build.lock")
SNAKEMAKE_LOCKS = Path(".snakemake/locks")
OWNER = 256  # bytes; always as many, so that the second note finds the room of the first
PATIENCE = 1.0  # seconds; a killed process holds its lock until the system has taken it down
LONGEST_WAIT = 120.0  # seconds for the jobs of a killed build; most take a few


@contextlib.contextmanager
def only_build(patience: float = PATIENCE) -> Iterator[int]:
    """Hold the lock of this folder, and give its file descriptor, which a child may inherit.

    Raises
    ------
    Stop
        Another build holds it, and still does after so many seconds of patience; or this folder cannot be written.
    """
    try:
        LOCK.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise Stop.unwritable(error, LOCK.parent) from None
    try:
        _take(descriptor, patience)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                owner = read_owner()
                who = f" (process {owner['pid']} on {owner['host']}, since {owner['since']})" if owner else ""
                said = f"Another build is running in this folder{who}. Nothing was started; wait for it to end."
                raise Stop(said) from None
            time.sleep(0.1)
        except OSError as error:  # a file system without locks
            raise Stop(f"This folder cannot be locked ({error.strerror}): build on a local disk.") from None


def sign(descriptor: int, pid: int) -> None:
    """Write who builds into the lock, for the message to others and the build after a crash; Stop on a full disk."""
    owner = {"pid": pid, "host": socket.gethostname(), "boot": boot(), "since": time.strftime("%H:%M")}
    text = json.dumps(owner).encode().ljust(OWNER)
    try:
        if os.pwrite(descriptor, text, 0) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise Stop.unwritable(error, LOCK) from None


def read_owner() -> dict:
    """Read who builds, or who built last and was killed; empty when nobody did."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        owner = json.loads(LOCK.read_text(encoding="utf-8"))
        if {"pid", "host", "since"} <= set(owner):
            return owner
    return {}


def boot() -> str:
    """Name this run of the operating system; blank where it has no such name (then the host's name has to do)."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def left_over() -> bool:
    """Say whether a build of this folder ended without removing Snakemake's lock."""
    return any(SNAKEMAKE_LOCKS.glob("*.lock"))


def check_dead(say: Callable[[str], None]) -> None:
    """Return once it is proved that no other build of this folder is alive; called with the lock held.

    Jobs of a killed build end by themselves and are waited for, which is said.

    Raises
    ------
    Stop
        Another build is alive, or may be: on another machine, where this one cannot look.
    """
    owner = read_owner()
    if owner and owner["host"] != socket.gethostname() and owner.get("boot") != boot():
        raise Stop(
            f"A build of this folder began on another machine ({owner['host']}, process {owner['pid']}, since "
            f"{owner['since']}) and did not end in order; whether it still runs cannot be seen from here. "
            f"Make sure that it does not, then remove {LOCK} and run make again."
        )
    until, said = time.monotonic() + LONGEST_WAIT, False
    while others := find_others():
        named = listed(f"process {pid}" for pid in others)
        if "build" in others.values():
            raise Stop(
                f"Snakemake is already running in this folder ({named}). Nothing was started; wait for it to end."
            )
        if time.monotonic() > until:
            raise Stop(
                f"Jobs of an interrupted build are still running ({named}). Wait, or end them; then run make again."
            )
        if not said:
            say(f"Waiting for the jobs of an interrupted build to end ({named}).")
            said = True
        time.sleep(0.3)


def find_others() -> dict[int, str]:
    """Find the living processes of Snakemake in this folder but this one and its callers: number → kind."""
    import psutil  # Snakemake's own dependency; only needed after a crash

    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {}
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        words, folder, status = (process.info[name] for name in ("cmdline", "cwd", "status"))
        kind = kind_of(words or [])
        if kind and process.pid not in mine and status != psutil.STATUS_ZOMBIE:
            with contextlib.suppress(OSError):
                # Of another user's process the folder is not told: it may be this one, and so counts as this one.
                if folder is None or os.path.samefile(folder, "."):
                    found[process.pid] = kind
    return found


def kind_of(words: list[str]) -> str:
    """Tell from the command line whether a process is Snakemake: ``build``, ``job`` (which ends by itself), or blank.

    >>> kind_of(["/x/python", "-m", "snakemake", "--cores", "2"])
    'build'
    >>> kind_of(["/x/python", "/review/.snakemake/scripts/tmp1.pool.py"])
    'job'
    >>> kind_of(["less", "workflow/Snakefile"])
    ''
    """
    program, *rest = [Path(words[0]).name, *words[1:]] if words else [""]
    if program.startswith(("python", "bash", "sh")) and any("/.snakemake/scripts/" in word for word in rest):
        return "job"
    by_python = program.startswith("python") and "snakemake" in [Path(word).name for word in rest[:3]]
    if program != "snakemake" and not by_python:
        return ""
    return "job" if "--mode" in rest else "build"
