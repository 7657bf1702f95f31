"""The references of the methods text, each once in ``references.csv``: what is cited for a method, and where it stands.

Every DOI was looked up and found printed beside its paper; a reference without one is a book or a chapter, or its DOI
could not be confirmed.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..tables.files import read_table


class Reference(NamedTuple):
    """One reference: its text in Vancouver style without the DOI, and the DOI (blank when there is none)."""

    text: str
    doi: str = ""


REFERENCES: Mapping[str, Reference] = {
    row["key"]: Reference(row["text"], row["doi"]) for row in read_table(Path(__file__).with_name("references.csv"))
}
CITED = re.compile(r" ?\[@([a-z0-9; @]+)\]")


def number_references(text: str, references: Mapping[str, Reference] = REFERENCES) -> str:
    """Number the citations of a text in order of appearance, and list the references after it.

    Parameters
    ----------
    text : str
        Markdown with citations as ``[@stijnen2010]`` or ``[@harris2020; @virtanen2020]``.
    references : mapping

    Returns
    -------
    str
        The text with numbers in brackets, and a numbered list. Only what is cited is listed.

    Raises
    ------
    KeyError
        When a key is not in the table.

    Examples
    --------
    >>> table = {"a": Reference("A. 2001.", "10.1/a"), "b": Reference("B. 2002.")}
    >>> print(number_references("Exact [@b], then both [@a; @b].", table))
    Exact [1], then both [1,2].
    <BLANKLINE>
    1. B. 2002.
    2. A. 2001. [doi:10.1/a](https://doi.org/10.1/a)
    """
    numbers: dict[str, int] = {}

    def cite(found: re.Match) -> str:
        keys = [key.strip().removeprefix("@") for key in found[1].split(";")]
        if unknown := [key for key in keys if key not in references]:
            raise KeyError(f"no reference {unknown[0]!r}: add it to references.csv, with a DOI that was looked up")
        return f" [{','.join(map(str, sorted(numbers.setdefault(key, len(numbers) + 1) for key in keys)))}]"

    numbered = CITED.sub(cite, text).rstrip()
    cited = "\n".join(f"{n}. {references[key].text}{link(references[key].doi)}" for key, n in numbers.items())
    return f"{numbered}\n\n{cited}"


def link(doi: str) -> str:
    """Give a DOI as a Markdown link; brackets and angles in old DOIs are escaped in the address."""
    if not doi:
        return ""
    address = doi.translate({ord(c): f"%{ord(c):02X}" for c in "()<>;"})
    shown = doi.replace("<", "\\<").replace(">", "\\>")
    return f" [doi:{shown}](https://doi.org/{address})"
