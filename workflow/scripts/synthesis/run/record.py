"""What the last build made and read, so that the next one notices a file that was changed since.

Snakemake compares times: a table edited by hand is newer than its inputs, counts as built, and feeds the next stage; an
engine unpacked over another carries the times of its archive, counts as old, and is not run. Here the content counts.
"""

import contextlib
import hashlib
import json
import os
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..files import write_text

RECORD = Path(".snakemake/build.json")
ASIDE = Path(".snakemake/changed")
METADATA = Path(".snakemake/metadata")
STAMPS = Path(".snakemake/digests")
READ = ("studies", "workflow")  # whose files jobs read, and Snakemake knows by their times
TIMED = ("studies", "workflow", "results", ".snakemake/digests", ".snakemake/releases")  # what jobs read
TOLERANCE = 2.0  # seconds; a shared disk may keep its own time
LEFT_OVER = "results/**/.*.[0-9]*"  # what `files.write_text` and `figures.save` write to before they rename


@dataclass
class Record:
    """The outputs of earlier builds, the seconds each rule took, and what was read.

    Parameters
    ----------
    outputs : dict
        Path → size, time of change in ns, SHA-256.
    seconds : dict
    inputs : dict
        As outputs, of the files of ``READ``.
    """

    outputs: dict[str, list] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    inputs: dict[str, list] = field(default_factory=dict)

    def changed(self) -> list[str]:
        """Name the outputs that hold something else than what was built, except what Snakemake itself built since."""
        written = _last_build()
        return [
            path
            for path, (size, changed, digest) in self.outputs.items()
            if (now := _stat(path))
            and now != (size, changed)
            and digest_of(path) != digest
            and not _rebuilt(path, written)
        ]

    def replaced(self) -> list[str]:
        """Take in what is read now, and name the files with another content but a time before the last build.

        An archive, a copy or a clock set back brings such files; Snakemake would keep the results of the old ones.
        """
        written = _last_build()
        before = self.inputs
        found = {path: _entry(path, before.get(path)) for root in READ for path in _files(root)}
        self.inputs = {path: entry for path, entry in found.items() if entry}
        return [
            path
            for path, (_, changed, digest) in self.inputs.items()
            if path in before and digest != before[path][2] and changed <= written
        ]

    def torn(self) -> list[str]:
        """Name the outputs on which Snakemake's own note is gone or torn: a crash leaves empty files.

        It would take such an output for current whatever the config says.
        """
        return [path for path in self.outputs if os.path.lexists(path) and not _is_json(_note(path))]

    def add(self, paths: Iterable[str]) -> None:
        """Take in the outputs of a build; what has gone is forgotten, what was not touched is not read again."""
        for path in [*self.outputs, *paths]:
            if entry := _entry(path, self.outputs.get(path)):
                self.outputs[path] = entry
            else:
                self.outputs.pop(path, None)


def _files(root: str) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        if not folder.endswith("__pycache__"):
            yield from (os.path.join(folder, name) for name in names)


def _note(path: str) -> Path:
    """Give the place of Snakemake's note on an output."""
    return METADATA / urlsafe_b64encode(path.encode()).decode()


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (OSError, ValueError):
        return False


def _stat(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _entry(path: str, known: list | None) -> list | None:
    """Give size, time and digest of a file, which is read only if it was touched; None where there is none."""
    now = _stat(path)
    if now is None or (known and tuple(known[:2]) == now):
        return known if now else None
    return [*now, digest_of(path)]


def _last_build() -> int:
    """Give the time of the last build, in ns; 0 without one."""
    return RECORD.stat().st_mtime_ns if RECORD.exists() else 0


def _rebuilt(path: str, since: int) -> bool:
    """Say whether plain Snakemake made a file after a moment: its own note on the file is then newer than both."""
    try:
        noted = _note(path).stat().st_mtime_ns
        return noted > since and noted >= os.lstat(path).st_mtime_ns
    except OSError:
        return False


def digest_of(path: str) -> str:
    """Give the SHA-256 of a file; blank for what cannot be read, which equals no file."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def read_record() -> Record:
    """Read the record; an empty one when there is none, or it is damaged."""
    try:
        found = json.loads(RECORD.read_text(encoding="utf-8"))
        outputs, inputs = (
            {str(path): [int(size), int(time), str(sha)] for path, (size, time, sha) in found.get(key, {}).items()}
            for key in ("outputs", "inputs")
        )
        return Record(outputs, {str(rule): float(value) for rule, value in found["seconds"].items()}, inputs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Record()


def write_record(record: Record) -> None:
    """Write the record."""
    write_text(RECORD, json.dumps({"outputs": record.outputs, "seconds": record.seconds, "inputs": record.inputs}))


def set_aside(paths: Iterable[str]) -> None:
    """Move files out of the way, so that they are built again and nothing that someone wrote is lost."""
    for path in paths:
        target = ASIDE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)


def make_new(paths: Iterable[str]) -> None:
    """Give files the present time, so that Snakemake takes them for changed."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(path)


def start_afresh() -> None:
    """Drop the stamps, which are inputs of the first stages: without them every result is built again."""
    shutil.rmtree(STAMPS, ignore_errors=True)


def set_back(now: float) -> int:
    """Give files whose time lies in the future the present one, and count them.

    Snakemake refuses an output that is older than an input, and so would fail until the clock has caught up.

    Parameters
    ----------
    now : float
        Seconds since 1970.
    """
    early = 0
    for root in TIMED:
        for folder, _, names in os.walk(root):
            for path in (os.path.join(folder, name) for name in names):
                with contextlib.suppress(OSError):
                    if os.lstat(path).st_mtime > now + TOLERANCE:
                        os.utime(path, (now, now))
                        early += 1
    return early


def remove_left_over() -> None:
    """Remove what writers that were killed left beside their files; only when no other build is alive."""
    for path in Path().glob(LEFT_OVER):
        if path.suffix[1:].isdigit() and path.is_file():
            path.unlink()
