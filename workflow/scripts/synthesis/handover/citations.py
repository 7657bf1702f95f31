"""results/references.bib and references.ris: the reports the numbers were read in, for reference managers.

What a sheet leaves out stays out: a title that was not readable is missing here too, and the note says what is known.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from ..tables.files import read_table, write_text

Row = Mapping[str, str]
OTHERS = re.compile(r",?\s*et al\.?$", re.IGNORECASE)
PERSON = re.compile(r"(.+?)(?: ([A-Z](?:-?[A-Z]){0,3}))?")
RAW = ("doi", "url")  # addresses: escaping would break them


def write_references_file(studies_csv: str, bib: str, ris: str) -> None:
    """Read the studies and write their reports as BibTeX and RIS."""
    studies = read_table(studies_csv)
    write_text(bib, to_bibtex(studies))
    write_text(ris, to_ris(studies))


def names_of(authors: str) -> tuple[list[tuple[str, str]], bool]:
    """Read names in Vancouver style (surname and initials, or a body), and whether others follow that are not named.

    >>> names_of("Adams B, Clark-Davis CE et al.")
    ([('Adams', 'B'), ('Clark-Davis', 'CE')], True)
    >>> names_of("Ministry of Health")
    ([('Ministry of Health', '')], False)
    """
    named, found = OTHERS.subn("", authors)
    return [PERSON.fullmatch(part.strip()).groups("") for part in named.split(",") if part.strip()], bool(found)


def plain(text: str) -> str:
    """Give a text on one line, without what BibTeX and TeX would read as markup.

    >>> plain("A {b}\\n \\\\input c")
    'A (b) /input c'
    """
    return " ".join(text.split()).translate(str.maketrans("{}\\", "()/"))


def spaced(initials: str) -> str:
    """Give initials with their full stops.

    >>> spaced("CE"), spaced("C-E"), spaced("")
    ('C. E.', 'C.-E.', '')
    """
    return re.sub(r"\.(?=[A-Z])", ". ", re.sub(r"([A-Z])", r"\1.", initials))


def known(fields: Mapping[str, str | Sequence[str]]) -> dict:
    """Keep the fields that are known."""
    return {name: value for name, value in fields.items() if value}


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
        entry = Entry("article" if row["journal"] else "misc", fields=list(bibtex_fields(row).items()))
        if row["authors"]:
            entry.persons["author"] = bibtex_people(row["authors"])
        entries[row["study"]] = entry
    return RawAddresses().to_string(BibliographyData(entries))


def bibtex_fields(row: Row) -> dict[str, str]:
    """Give the fields of an entry that are known."""
    row = {name: plain(text) for name, text in row.items()}
    names = {"journal": "journal", "year": "year", "volume": "volume", "number": "issue", "pages": "pages"}
    names |= {"doi": "doi", "pmid": "pmid", "url": "url", "note": "citation_note"}
    fields = {"title": f"{{{row['title']}}}" * bool(row["title"])}  # the second braces keep the capitals of the title
    fields |= {field: row[name] for field, name in names.items()}
    return known(fields | {"pages": row["pages"].replace("-", "--")})


def bibtex_people(authors: str) -> list:
    """Give the authors; ``others`` stands for those that are not named, and braces hold the name of a body together."""
    from pybtex.database import Person

    names, others = names_of(plain(authors))
    people = [
        Person(first=spaced(initials), last=last if initials or " " not in last else f"{{{last}}}")
        for last, initials in names
    ]
    return people + [Person(last="others")] * others


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
    row = {name: plain(text) for name, text in row.items()}
    names, others = names_of(row["authors"])
    start, _, end = row["pages"].partition("-")
    return known(
        {
            "type_of_reference": "JOUR" if row["journal"] else "GEN",
            "id": row["study"],
            "authors": [", ".join(filter(None, (last, spaced(first).replace(" ", "")))) for last, first in names],
            "title": row["title"],
            "journal_name": row["journal"],
            "year": row["year"],
            "volume": row["volume"],
            "number": row["issue"],
            "start_page": start,
            "end_page": end,
            "doi": row["doi"],
            "accession_number": row["pmid"],
            "urls": [row["url"]] if row["url"] else [],
            "notes": [f"Authors as printed: {row['authors']}"] * others
            + [row["citation_note"]] * bool(row["citation_note"]),
        }
    )
