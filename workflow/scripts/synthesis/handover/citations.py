"""results/references.bib and references.ris: the reports the numbers were read in, for reference managers.

What a sheet leaves out stays out: a title that was not readable is missing here too, and the note says what is known.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..tables.files import read_table, write_text

Row = Mapping[str, str]
OTHERS = re.compile(r",?\s*et al\.?$", re.IGNORECASE)
PERSON = re.compile(r"(?P<last>.+?) (?P<initials>[A-Z](?:-?[A-Z]){0,3})")
RAW = ("doi", "url")  # addresses: escaping would break them


class Name(NamedTuple):
    """An author: surname and initials, or the whole name of a body."""

    last: str
    initials: str = ""


def write_references_file(studies_csv: str, bib: str, ris: str) -> None:
    """Read the studies and write their reports as BibTeX and RIS."""
    studies = read_table(studies_csv)
    write_text(bib, to_bibtex(studies))
    write_text(ris, to_ris(studies))


def names_of(authors: str) -> tuple[list[Name], bool]:
    """Read names in Vancouver style, and whether more authors follow that are not named.

    >>> names_of("Adams B, Clark-Davis CE et al.")
    ([Name(last='Adams', initials='B'), Name(last='Clark-Davis', initials='CE')], True)
    >>> names_of("Ministry of Health")
    ([Name(last='Ministry of Health', initials='')], False)
    """
    named, found = OTHERS.subn("", plain(authors))
    names = [PERSON.fullmatch(part.strip()) or part.strip() for part in named.split(",") if part.strip()]
    return [Name(n) if isinstance(n, str) else Name(n["last"], n["initials"]) for n in names], bool(found)


def plain(text: str) -> str:
    """Give a text on one line, without what BibTeX and TeX would read as markup.

    >>> plain("A {b}\\n \\\\input c")
    'A (b) /input c'
    """
    return " ".join(text.split()).translate(str.maketrans("{}\\", "()/"))


def to_bibtex(studies: Iterable[Row]) -> str:
    """Give the reports (rows of ``studies.csv``) as BibTeX, each under the name of its sheet."""
    from pybtex.database import BibliographyData, Entry
    from pybtex.database.output.bibtex import Writer

    class RawAddresses(Writer):
        def _write_field(self, stream, type, value):
            text = value if type in RAW else self._encode(value)
            stream.write(f",\n    {type} = {{{text}}}")

    entries = {}
    for row in studies:
        entry = Entry("article" if row["journal"] else "misc", fields=bibtex_fields(row))
        if row["authors"]:
            entry.persons["author"] = bibtex_people(row["authors"])
        entries[row["study"]] = entry
    return RawAddresses().to_string(BibliographyData(entries))


def bibtex_fields(row: Row) -> list[tuple[str, str]]:
    """Give the fields of an entry that are known."""
    known = {
        # A second pair of braces keeps the capitals of the title.
        "title": f"{{{plain(row['title'])}}}" if row["title"] else "",
        "journal": plain(row["journal"]),
        "year": row["year"],
        "volume": plain(row["volume"]),
        "number": plain(row["issue"]),
        "pages": plain(row["pages"]).replace("-", "--"),
        "doi": plain(row["doi"]),
        "pmid": row["pmid"],
        "url": plain(row["url"]),
        "note": plain(row["citation_note"]),
    }
    return [(name, value) for name, value in known.items() if value]


def bibtex_people(authors: str) -> list:
    """Give the authors; ``others`` stands for those that are not named, and braces hold the name of a body together."""
    from pybtex.database import Person

    names, others = names_of(authors)
    people = [
        Person(first=spaced(initials), last=last if initials or " " not in last else f"{{{last}}}")
        for last, initials in names
    ]
    return people + [Person(last="others")] * others


def spaced(initials: str) -> str:
    """Give initials with their full stops.

    >>> spaced("CE"), spaced("C-E"), spaced("")
    ('C. E.', 'C.-E.', '')
    """
    return re.sub(r"\.(?=[A-Z])", ". ", re.sub(r"([A-Z])", r"\1.", initials))


def to_ris(studies: Iterable[Row]) -> str:
    """Give the reports (rows of ``studies.csv``) as RIS."""
    import rispy
    from rispy.writer import RisWriter

    class Unnumbered(RisWriter):
        """Without a running number before each reference, which the format does not know."""

        def set_header(self, count):
            return ""

    return rispy.dumps([ris_entry(row) for row in studies], implementation=Unnumbered)


def ris_entry(row: Row) -> dict[str, str | Sequence[str]]:
    """Give one report with the fields that are known."""
    names, others = names_of(row["authors"])
    start, _, end = plain(row["pages"]).partition("-")
    notes = [f"Authors as printed: {plain(row['authors'])}"] if others else []
    known = {
        "type_of_reference": "JOUR" if row["journal"] else "GEN",
        "id": row["study"],
        "authors": [", ".join(filter(None, (n.last, spaced(n.initials).replace(" ", "")))) for n in names],
        "title": plain(row["title"]),
        "journal_name": plain(row["journal"]),
        "year": row["year"],
        "volume": plain(row["volume"]),
        "number": plain(row["issue"]),
        "start_page": start,
        "end_page": end,
        "doi": plain(row["doi"]),
        "accession_number": row["pmid"],
        "urls": [plain(row["url"])] if row["url"] else [],
        "notes": [*notes, *filter(None, [plain(row["citation_note"])])],
    }
    return {name: value for name, value in known.items() if value}
