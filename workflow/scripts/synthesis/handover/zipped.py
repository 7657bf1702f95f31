"""Zip files with the same bytes at every run: documents, workbooks and packages all are zip files."""

import io
import os
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

FIRST = date(1980, 1, 1)  # a zip file knows no earlier day
UNIX = 3  # who made an entry: else it tells the operating system


def day_of(text: str) -> date:
    """Give the day a file is dated by: the clock does not belong into a file that a commit compares.

    Parameters
    ----------
    text : str
        The day of the last search: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; anything else gives the first day a zip
        file knows.

    Examples
    --------
    >>> str(day_of("2026-11-23")), str(day_of("2026-11")), str(day_of("autumn"))
    ('2026-11-23', '2026-11-01', '1980-01-01')
    """
    parts = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", text.strip())
    if not parts:
        return FIRST
    try:
        return max(FIRST, date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1)))
    except ValueError:
        return FIRST


def zip_bytes(files: Mapping[str, bytes], day: date) -> bytes:
    """Pack files.

    Parameters
    ----------
    files : mapping
        Name inside the zip file → content, in the order they are written.
    day : date
        The date of every entry.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, UNIX, 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """Give the files of a zip file in their order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file whole or not at all, as :func:`synthesis.tables.files.write_text` does."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        neighbour.write_bytes(data)
        os.replace(neighbour, path)
    finally:
        neighbour.unlink(missing_ok=True)
