"""Seals: the digest of a file as it was planned or made. A job reads nothing else, and seals at once what it wrote.

Snakemake compares times, and notes what a job read only when it has ended: what somebody edits, tears or puts back in
between would go unnoticed, and leave a wrong number for good. So every job runs inside :func:`sealed`, whoever started
it. Each input must hold what its maker sealed or, where no job makes it, what it held when the build was planned; none
may change while the job runs. A build that was killed, or plain Snakemake, leaves no result that the next build does
not know.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..tables.files import write_text
from ..tables.problems import Problem, ProblemsError
from . import disk

SEALS = Path(".snakemake/seals")  # a file for each result: jobs that end side by side never write the same one
CHANGED = "It changed while the build ran. Run the build again: it takes up what the file holds now."
FOREIGN = "It does not hold what the build wrote. Run the build again: it keeps a copy, and makes the file anew."

Seal = tuple[int, int, str]  # size, time of change in ns, SHA-256
TORN: Seal = (-1, 0, "torn")  # equals no file


def look(path: str) -> tuple[int, int, int] | None:
    """Give size, time of change in ns, and inode of a file; None where there is none.

    The time is the system's own: that of the last writing can be put back, as copies and archives do.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_ctime_ns, found.st_ino


def digest_of(path: str) -> str:
    """Give the SHA-256 of a file; blank for what cannot be read, which equals no file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def digest_text(text: str) -> str:
    """Give the SHA-256 that a file of this text has."""
    return hashlib.sha256(text.encode()).hexdigest()


def take(path: str, known: Seal | None = None) -> Seal | None:
    """Give the seal of a file, which is read only if it was touched since the known one; None where there is none."""
    now = look(path)
    if now is None:
        return None
    return known if known and known[:2] == now[:2] else (*now[:2], digest_of(path))


def set_seal(path: str) -> None:
    """Seal a file as it is."""
    write_text(place_of(path), json.dumps([path, *(take(path) or TORN)]))


def read_seal(path: str) -> Seal | None:
    """Read the seal of a result; None where no job sealed one."""
    place = place_of(path)
    return _read(place)[1] if place.exists() else None


def read_seals() -> dict[str, Seal]:
    """Read path → seal of all results; a seal that a crash tore, and with it the path, stands under a blank one."""
    return dict(_read(place) for place in sorted(SEALS.glob("*.json")))


def place_of(path: str) -> Path:
    """Give the place of the seal of a file."""
    return SEALS / f"{digest_text(path)[:32]}.json"


def _read(place: Path) -> tuple[str, Seal]:
    try:
        path, size, time, digest = json.loads(place.read_bytes())
        return str(path), (int(size), int(time), str(digest))
    except (OSError, ValueError, TypeError):
        return "", TORN


def digest_together(paths: str | Iterable[str], digest: Callable[[str], str] = digest_of) -> str:
    """Give one digest of several files, which notices too when one of them comes or goes."""
    return digest_text("".join(f"{path}\n{digest(path)}\n" for path in _paths(paths)))[:16]


def _paths(paths: str | Iterable[str]) -> list[str]:
    return [paths] if isinstance(paths, str) else list(map(str, paths))


@contextmanager
def sealed(job: Any) -> Iterator[None]:
    """Let a job read what was planned and made, or fail; then seal what it wrote.

    ``job`` is the `snakemake` of a script. Its parameter `planned` maps the name of each input that no job makes to its
    digest (of :func:`digest_together`) when the build was planned. What a job imports it reads: adapters import inside,
    lest a module that is edited and put back goes unseen.

    Raises
    ------
    ProblemsError
        An input holds something else, or changed while the job read.
    """
    inputs = list(dict.fromkeys(map(str, job.input)))
    disk.remove_outdated(Path(path) for path in inputs if path.endswith(".py"))
    before = {path: look(path) for path in inputs}
    planned = [(_paths(job.input[name]), digest) for name, digest in job.params.planned.items()]
    _refuse((os.path.commonpath(paths) for paths, digest in planned if digest_together(paths) != digest), CHANGED)
    _refuse((path for path in inputs if (seal := read_seal(path)) and digest_of(path) != seal[2]), FOREIGN)
    yield
    _refuse((path for path in inputs if look(path) != before[path]), CHANGED)
    for path in map(str, job.output):
        set_seal(path)


def _refuse(paths: Iterable[str], message: str) -> None:
    if found := [Problem(path, 0, "", message) for path in paths]:
        raise ProblemsError(found)
