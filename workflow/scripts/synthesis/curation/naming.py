"""What a table calls a study: its label, its id, and how two that look alike are told apart."""

import re
import string
import unicodedata
from collections.abc import Collection

from .new import ID, label_of

YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})([A-Za-z]?)(?![A-Za-z0-9])")


def label_of_row(study: str, author: str, year: str) -> str:
    """Give the label of a study from what a row says of it.

    >>> label_of_row("", "Smith J et al.", "2020"), label_of_row("", "Davidson 1969", "1969")
    ('Smith 2020', 'Davidson 1969')
    >>> label_of_row("NIS", "", "2019"), label_of_row("wellman2016a", "", ""), label_of_row("Li 2020b", "Li H", "2020")
    ('NIS 2019', 'Wellman 2016a', 'Li 2020b')
    """
    if not study:
        found = YEAR.search(author)
        return f"{author_of(author)} {found[0]}" if found else f"{surname(author)} {year}".strip()
    if ID.fullmatch(study.lower()) and YEAR.search(study):
        return label_of(study.lower()) if study[1:].islower() else YEAR.sub(r" \1\2", study)
    return f"{study} {year}" if year and not re.search("[0-9]{4}", study) else study


def author_of(author: str) -> str:
    """Give a first author without a year that stands behind the name.

    >>> author_of("Davidson 1969"), author_of("Davidson AB (1969)"), author_of("Smith J et al.")
    ('Davidson', 'Davidson AB', 'Smith J et al.')
    """
    found = YEAR.search(author)
    return author[: found.start()].rstrip(" (,;[") if found else author


def id_of(label: str) -> str | None:
    """Give the id that a study's name suggests; None without an author and a year.

    >>> id_of("Abu-Sbeih et al., 2019"), id_of("Müller J 2020a"), id_of("Wellman2016a"), id_of("Smith"), id_of("-1")
    ('abusbeih2019', 'muller2020a', 'wellman2016a', None, None)
    """
    text = unicodedata.normalize("NFKD", label.replace("ß", "ss")).encode("ascii", "ignore").decode()
    found = YEAR.search(text)
    author = re.sub(r"[^a-z]", "", surname(text[: found.start()]).lower()) if found else ""
    return f"{author}{found[1]}{found[2].lower()}" if author else None


def surname(author: str) -> str:
    """Give the name of a first author without initials and et al.; all of it when it is nothing but capitals.

    >>> surname("Abu-Sbeih H et al."), surname("van der Berg, AB"), surname("NIS")
    ('Abu-Sbeih', 'van der Berg', 'NIS')
    """
    text = re.sub(r"\bet al\b\.?", " ", author)
    kept = [word for word in re.split(r"[\s,;]+", text) if word and not re.fullmatch(r"([A-Z]\.?-?){1,3}", word)]
    return " ".join(kept) or author.strip(" ,;")


def told_apart(label: str, number: int, taken: Collection[str]) -> list[str]:
    """Give names for studies that would share an id, each of an id that no other study has.

    >>> told_apart("Onwuneme 2015 (1)", 2, {"onwuneme2015"}), told_apart("Li 2020a", 2, {"li2020a", "li2020b"})
    (['Onwuneme 2015a', 'Onwuneme 2015b'], ['Li 2020c', 'Li 2020d'])
    """
    found = YEAR.search(label)
    name = " ".join(re.sub(r"[^\w\s'’-]|[0-9_]", " ", surname(label[: found.start()])).split())
    free = (f"{name} {found[1]}{letter}" for letter in string.ascii_lowercase)
    return [name for name in free if id_of(name) not in taken][:number]
