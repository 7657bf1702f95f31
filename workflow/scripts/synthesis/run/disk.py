"""A full disk: how to notice it, and what it leaves behind; and compiled code that must not be believed."""

import contextlib
import errno
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

ENOUGH = 50_000_000  # bytes; an environment that compiles itself for the first time writes about as much
PROBE = 4_000_000  # bytes; more than any one result takes
BLOCK = 512  # bytes; a full disk cuts a file off at the end of a block
TORN = r"EOFError: marshal data too short|ValueError: bad marshal data|bad marshal data \("


def is_tight() -> bool:
    """Say whether so little is free that compiled code may not fit.

    Python checks neither how much of it was written nor, later, whether it is whole: what a full disk cut off stops
    every job that imports it, long after there is space again.
    """
    with contextlib.suppress(OSError):
        return shutil.disk_usage(".").free < ENOUGH
    return False


def is_full() -> bool:
    """Try to write, which notices a quota too; a job that could not even write its log leaves no other trace."""
    probe = Path(f".snakemake/probe.{os.getpid()}")
    try:
        with open(probe, "wb", buffering=0) as file:
            return file.write(bytes(PROBE)) < PROBE
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def remove_compiled(scripts: Path) -> None:
    """Remove the compiled code of the engine, and what may be torn of its environment's; Python compiles it again."""
    torn = list(scripts.rglob("__pycache__/*.pyc"))
    if sys.prefix != sys.base_prefix:  # an environment of its own, and not the machine's Python
        installed = Path(sysconfig.get_path("purelib")).rglob("__pycache__/*.pyc")
        torn += [path for path in installed if path.stat().st_size % BLOCK == 0]
    for path in torn:
        with contextlib.suppress(OSError):
            path.unlink()


def remove_outdated(modules: Iterable[Path]) -> None:
    """Remove compiled code that is not younger than its module; Python compiles it again.

    Python tells the two apart by size and whole seconds: what was edited and put back within one would live on.
    """
    for module in modules:
        compiled = Path(importlib.util.cache_from_source(str(module)))
        with contextlib.suppress(OSError):
            if compiled.stat().st_ctime_ns <= module.stat().st_ctime_ns:
                compiled.unlink()
