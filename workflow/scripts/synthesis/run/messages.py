"""What a build says: durations, lists, and what to do about a failure."""

import errno
import re
from collections.abc import Iterable
from pathlib import Path

from ..words.prose import joined
from . import disk

DISK_FULL = "The disk is full. Free some space and run make again; what is finished is kept."
KILLED = "A job was killed, most often for want of memory. Run make again; with --cores 1 it needs less."
TORN = "Compiled code was torn, most often by a full disk: it is removed. Run make again; what is finished is kept."
READ_ONLY = "This folder is on a disk that cannot be written. Copy it elsewhere, and run make there."
FORBIDDEN = "A file or folder cannot be written. Make results/, logs/ and .snakemake/ writable, and run make again."
NO_R = "This needs R with metafor and lme4 (Debian: r-cran-metafor, r-cran-lme4). Install them, and run it again."
INCOMPLETE = "A part of the installation is missing or old. Run make clean, then make."
# What a job prints when the machine, not the review, is at fault, and what helps. The first that fits is shown.
ADVICE = {
    disk.TORN: TORN,
    r"Errno 28\b|No space left on device|Errno 122\b|[Qq]uota exceeded": DISK_FULL,
    r"Errno 30\b|Read-only file system": READ_ONLY,
    r"ProtectedOutputException|PermissionError|Errno 13\b|Permission denied": FORBIDDEN,
    r"MemoryError|SIGKILL|Signals\.9|exit status -9|exit status 137": KILLED,
    r"No such file or directory: 'Rscript'|there is no package called": NO_R,
    r"ModuleNotFoundError|ImportError: cannot import": INCOMPLETE,
}


class Stop(Exception):
    """A build cannot start or go on; the message is all a person needs."""

    @classmethod
    def unwritable(cls, error: OSError, path: Path) -> "Stop":
        """Say that a file or folder cannot be written, and why."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return cls(DISK_FULL)
        return cls(f"{path} cannot be written ({error.strerror}). Nothing was built; results/ is as it was.")


def advice_for(text: str) -> str:
    """Give what helps against a failure of the machine; blank when the text names none.

    >>> advice_for("OSError: [Errno 28] No space left on device")[:17]
    'The disk is full.'
    """
    return next((advice for pattern, advice in ADVICE.items() if re.search(pattern, text)), "")


def listed(words: Iterable[str], most: int = 5) -> str:
    """Join words the way a sentence does, and count those that do not fit.

    >>> listed(["a", "b", "c", "d"], most=2)
    'a, b and 2 more'
    """
    words = list(words)
    return joined(words if len(words) <= most else [*words[:most], f"{len(words) - most} more"])


def duration(seconds: float) -> str:
    """Give a duration as exactly as anyone wants to know it.

    >>> duration(4.4), duration(42), duration(100), duration(7320)
    ('4 s', '42 s', '1 min 40 s', '2 h 2 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"


def time_left(seconds: float) -> str:
    """Give an estimate of the time left no more exactly than it is known.

    >>> time_left(3), time_left(42), time_left(200), time_left(4000)
    ('a few seconds left', 'about 50 s left', 'about 4 min left', 'about 1 h 10 min left')
    """
    if seconds < 10:
        return "a few seconds left"
    if seconds < 60:
        return f"about {-(-int(seconds) // 10) * 10 or 10} s left".replace("60 s", "1 min")
    minutes = -(-int(seconds) // 60)
    return f"about {duration(60 * (minutes if minutes < 60 else -(-minutes // 10) * 10))} left"
