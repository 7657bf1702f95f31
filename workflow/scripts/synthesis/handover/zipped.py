"""Zip files with the same bytes at every run: documents, workbooks and packages all are zip files."""

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date

FIRST = date(1980, 1, 1)  # a zip file knows no earlier day
UNIX = 3  # who made an entry: else it tells the operating system


def day_of(text: str) -> date:
    """Give the day of the last search: the clock does not belong into a file that a commit compares.

    What is no day, month or year gives the first day that a zip file knows.

    >>> str(day_of("2026-11-23")), str(day_of("2026-11")), str(day_of("autumn"))
    ('2026-11-23', '2026-11-01', '1980-01-01')
    """
    parts = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", text.strip())
    try:
        return max(FIRST, date(*(int(part or 1) for part in parts.groups()))) if parts else FIRST
    except ValueError:
        return FIRST


def zip_bytes(files: Mapping[str, bytes], day: date) -> bytes:
    """Pack files, name → content, in their order, each dated by the day."""
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
