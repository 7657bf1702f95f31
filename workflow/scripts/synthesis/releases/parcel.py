"""The archive of a release: every committed file and every result, with what it says of itself."""

import contextlib
import importlib.metadata
import io
import os
import platform
import re
import time
import zipfile
from pathlib import Path

from ..handover.zipped import UNIX
from ..tables.files import write_text
from .crate import METADATA, crate_metadata
from .history import git
from .readiness import Stated

DELIVERED = ("results/estimates.csv", "results/report.html", "results/changes.md")
LIBRARIES = ("matplotlib", "numpy", "pandas", "pydantic", "pymare", "pyyaml", "scipy", "snakemake")
HIDDEN = re.compile(r"(^|/)\.#[^/]*$|^results/(.*/)?\.[^/]*$")  # locks of editors; half-written neighbours of results
PLAIN, EXECUTABLE = 0o100644, 0o100755
EARLIEST = 315532800  # seconds since 1970: a zip file knows no day before 1980


def archive_files() -> dict[str, Path]:
    """Name what the archive holds: every committed file, and every result, committed or not."""
    committed = git("ls-files", "-z").decode().split("\0")
    built = (path.as_posix() for path in Path("results").rglob("*"))
    found = {path: Path(path) for path in sorted({*committed, *built}) if not HIDDEN.search(path) and path != METADATA}
    return {path: file for path, file in found.items() if file.is_file() and not file.is_symlink()}


def write_archive(stated: Stated) -> Path:
    """Write ``dist/<version>.zip``: the same bytes for the same files and commit.

    Raises
    ------
    FileNotFoundError
        When a deliverable was not built.
    """
    files = archive_files()
    if gone := [path for path in DELIVERED if path not in files]:
        raise FileNotFoundError(f"not built: {', '.join(gone)}")
    commit, seconds = git("log", "-1", "--format=%H %ct").decode().split()
    sizes = {path: file.stat().st_size for path, file in files.items()}
    moment = time.gmtime(max(int(seconds), EARLIEST))[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

        def add(path: str, data: bytes, rights: int) -> None:
            entry = zipfile.ZipInfo(f"{stated.name}-{stated.version}/{path}", moment)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, UNIX, rights << 16
            archive.writestr(entry, data)

        add(METADATA, crate_metadata(stated, commit, sizes, software()).encode(), PLAIN)
        for path, file in files.items():
            add(path, file.read_bytes(), EXECUTABLE if os.access(file, os.X_OK) else PLAIN)
    target = Path("dist") / f"{stated.version}.zip"
    write_text(target, buffer.getvalue())
    return target


def software() -> dict[str, str]:
    """Give the versions of what builds the results."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
