"""Look at a workbook that somebody sent before it is opened: refused when it could do harm.

A workbook is a ZIP of XML, so it can be a bomb; it can hold macros, links to other files and formulas. None of these
is followed or run: the file is looked at as a ZIP first, and refused with a sentence that says what to do.
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from ..tables.problems import quote, refusal

LARGEST_FILE = 5_000_000  # bytes; the workbook of the longest sheet has 40,000
LARGEST_XML = 20_000_000  # bytes once unpacked
LARGEST_OTHER = 2_000_000  # of a part that holds no cells: styles cost 40 times more time and memory than cells
CELLS = ("xl/worksheets/", "xl/sharedstrings.xml")
MOST_PARTS = 300
REFUSED = {
    "vbaproject": "It holds macros. Save it as .xlsx, without macros.",
    "externallinks/": "It holds links to other files. In Excel: Data, Edit Links, Break Link; then save again.",
    "embeddings/": "It holds embedded objects. Delete them, then save again.",
    "connections.xml": "It holds connections to data elsewhere. Delete them, then save again.",
}


def check_safe(path: str | Path) -> None:
    """Refuse a file that is not a plain workbook of reasonable size, with the reason and what to do."""
    try:
        _check_zip(Path(path))
    except OSError as error:
        raise refusal(path, f"Cannot be read: {error.strerror or error}.") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        # ZipFile quotes what it found, which may be all of the file, and bytes that nobody can read.
        why = quote(re.sub(" and header b.*", " and in its header differ", str(error), flags=re.S), 120)
        raise refusal(path, f"Not readable as a workbook: {why}. Open it and save it again as .xlsx.") from None


def check_plain(path: str | Path) -> None:
    """Refuse what is not a file of reasonable size, before a byte is read: a pipe would never end."""
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        raise refusal(path, "This is not a file. Name a file.")
    if status.st_size > LARGEST_FILE:
        raise refusal(path, f"The file has {status.st_size:,} bytes, more than {LARGEST_FILE:,}. Is it a sheet?")


def _check_zip(path: Path) -> None:
    check_plain(path)
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise refusal(path, "This is an old .xls file, or one with a password. Save it as .xlsx, without a password.")
    if not start.startswith(b"PK"):
        message = "This is not a workbook, whatever its name says. Save it as .xlsx; a CSV: sheet from-table."
        raise refusal(path, message)
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        names = [part.filename.lower() for part in parts]
        if "mimetype" in names and "content.xml" in names:
            raise refusal(path, "This is an OpenDocument file. Save it as .xlsx: File, Save as, Excel 2007-365.")
        if len(parts) > MOST_PARTS:
            raise refusal(path, f"It has {len(parts):,} parts, more than {MOST_PARTS}. Is it a sheet?")
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
            raise refusal(path, "It is packed as no spreadsheet packs. Open it and save it again as .xlsx.")
        for sign, message in REFUSED.items():
            if any(sign in name for name in names):
                raise refusal(path, message)
        _check_parts(path, archive, [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))])


def _check_parts(path: Path, archive: zipfile.ZipFile, parts: Iterable[zipfile.ZipInfo]) -> None:
    """Unpack what will be parsed, once, counting: the sizes that a ZIP states may be false."""
    total = 0
    for part in parts:
        own, most = 0, LARGEST_XML if part.filename.lower().startswith(CELLS) else LARGEST_OTHER
        with archive.open(part) as stream:
            before = b""
            while chunk := stream.read(1 << 16):
                total, own = total + len(chunk), own + len(chunk)
                if total > LARGEST_XML:
                    raise refusal(path, f"Unpacked it has more than {LARGEST_XML:,} bytes. Is it a sheet?")
                if own > most:
                    way = "Copy the cells to a new file."
                    raise refusal(path, f"{part.filename} in it has more than {LARGEST_OTHER:,} bytes. {way}")
                seen = before + chunk
                if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or (not before and not _is_plain(seen[:200])):
                    raise refusal(path, "It holds XML that no spreadsheet writes. Open it and save it again as .xlsx.")
                before = seen[-16:]


def _is_plain(start: bytes) -> bool:
    """Say whether XML is in UTF-8, so that a search for bytes finds what a parser would."""
    encoding = re.search(rb"""encoding\s*=\s*["']([^"']*)""", start)
    named = encoding[1].lower() if encoding else b"utf-8"
    begins = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"")
    return begins and b"\0" not in start and named in (b"utf-8", b"us-ascii", b"ascii")
