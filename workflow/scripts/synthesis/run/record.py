"""What earlier builds left in this folder, looked at before the next one is planned.

Snakemake compares times: a table edited by hand is newer than its inputs, counts as built, and feeds the next stage.
Here the content counts, as jobs sealed it (:mod:`synthesis.run.seals`).
"""

import contextlib
import json
import os
import shutil
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from ..tables.files import write_text
from ..words.prose import plural
from . import lock, seals
from .messages import Stop, listed

SECONDS = Path(".snakemake/seconds.json")
ASIDE = Path(".snakemake/changed")
METADATA = Path(".snakemake/metadata")
INCOMPLETE = Path(".snakemake/incomplete")
STAMPS = Path(".snakemake/planned")
TIMED = ("studies", "workflow", "results", str(STAMPS), ".snakemake/releases")  # what jobs read
TOLERANCE = 2.0  # seconds; a shared disk may keep its own time
LEFT_OVER = "results/**/.*.[0-9]*"  # what `files.write_text` and `figures.save` write to before they rename
OLD = (1.0, 1.0)  # seconds since 1970: older than any script, so that Snakemake makes the file again when asked for it


def look_after(say: Callable[[str], None]) -> None:
    """Put right what no other build is at work on, and say so: what a killed build left, clocks, edited results.

    Called with the lock of this folder held, before anything is planned; Stop when another build is alive.
    """
    if lock.left_over():
        lock.check_dead(say)
        say("The last build did not end in order: going on where it stopped.")
        remove_left_over()
        # What `snakemake --unlock` does, which would read all sheets first and fail on a bad one.
        shutil.rmtree(lock.SNAKEMAKE_LOCKS, ignore_errors=True)
    remove_incomplete()
    if early := set_back(time.time()):
        say(f"{plural(early, 'file')} carried a time in the future (was a clock set back?): it is now the present.")
    if changed := take_out():
        say(f"Changed since the last build, and built again when asked for: {listed(changed)} (a copy is in {ASIDE}/).")
    if torn := torn_notes():
        # Without the stamps, which are inputs of the first stages, every result is built again; without the notes, too,
        # since a new stamp of the same content as noted would build nothing.
        for folder in (STAMPS, seals.SEALS, METADATA):
            shutil.rmtree(folder, ignore_errors=True)
        say(f"The notes on {plural(torn, 'result')} are gone or torn: all results are built again.")


def look_after_alone(say: Callable[[str], None]) -> None:
    """Do so for plain Snakemake, which itself says when another build is at work, or nothing can be written."""
    with contextlib.suppress(Stop, OSError), lock.only_build(patience=0) as descriptor:
        if not lock.left_over() or lock.read_owner():
            look_after(say)
            lock.sign(descriptor, os.getpid())


def take_out() -> list[str]:
    """Name the results that hold something else than was built; keep a copy of each, and have it built again.

    It stays in its place until then: a build of something else must leave no gap.
    """
    changed = []
    for path, seal in seals.read_seals().items():
        now = seals.take(path, seal)
        if now is None:
            seals.place_of(path).unlink(missing_ok=True)
        elif now[2] != seal[2]:
            target = ASIDE / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            os.utime(path, OLD)
            changed.append(path)
    return changed


def torn_notes() -> int:
    """Count the results on which Snakemake's note, or ours, is gone or torn: a crash leaves empty files.

    It would take such a result for current whatever the config says, and we whatever it holds.
    """
    sealed = seals.read_seals()
    torn = sum(not path or not isinstance(_read_json(note_on(METADATA, path)), dict) for path in sealed)
    return torn + sum(path not in sealed and Path(path).is_file() for _, path in _noted(METADATA))


def note_on(kind: Path, path: str) -> Path:
    """Give the place of Snakemake's note on an output."""
    return kind / urlsafe_b64encode(path.encode()).decode()


def _noted(kind: Path) -> Iterator[tuple[Path, str]]:
    """Give Snakemake's notes of a kind, and what they are on."""
    for note in kind.glob("*"):
        with contextlib.suppress(ValueError):
            yield note, urlsafe_b64decode(note.name).decode()


def _read_json(path: Path) -> object:
    """Read a note; None when there is none, or it is torn."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_bytes())
    return None


def read_seconds() -> dict[str, float]:
    """Read the seconds that a job of each rule took; empty when there is no such note, or it is damaged."""
    try:
        return {rule: float(value) for rule, value in _read_json(SECONDS).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def write_seconds(seconds: dict[str, float]) -> None:
    """Note them; on a full disk there is no note."""
    with contextlib.suppress(OSError):
        write_text(SECONDS, json.dumps(seconds))


def set_back(now: float) -> int:
    """Give files whose time lies in the future the present one (seconds since 1970), and count them.

    Snakemake refuses an output that is older than an input, and so would fail until the clock has caught up.
    """
    early = 0
    for folder, _, names in (step for root in TIMED for step in os.walk(root)):
        for path in (os.path.join(folder, name) for name in names):
            with contextlib.suppress(OSError):
                if os.lstat(path).st_mtime > now + TOLERANCE:
                    os.utime(path, (now, now))
                    early += 1
    return early


def remove_incomplete() -> None:
    """Remove results that a killed job was writing, and Snakemake's marks on them, which would stop it."""
    for mark, path in _noted(INCOMPLETE):
        with contextlib.suppress(OSError, ValueError):
            Path(path).unlink(missing_ok=True)
            mark.unlink()


def remove_left_over() -> None:
    """Remove what writers that were killed left beside their files; only when no other build is alive."""
    for path in Path().glob(LEFT_OVER):
        if path.suffix[1:].isdigit() and path.is_file():
            path.unlink()
