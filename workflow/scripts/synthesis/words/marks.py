"""Marks of honesty: which counts are of a part, read in an abstract, derived, read once, or may share units."""

import re
from collections.abc import Iterable, Mapping, Sequence

from .prose import inside, joined

PART, ABSTRACT, DERIVED, ONCE, OVERLAP = "#", "†", "‡", "§", "¶"
MEANINGS = {
    PART: "counts only {part}",
    ABSTRACT: "read in an abstract only",
    DERIVED: "derived from what is printed (a percentage, a list, a difference), not printed as a count",
    ONCE: "read once, or not confirmed by a second reader",
    OVERLAP: "may share {unit} with another report of this pool",
}
CELLS = (
    *("study", "arm", "exposure", "outcome"),
    *("exposed_events", "exposed_patients", "unexposed_events", "unexposed_patients"),
)


def marks_of(row: Mapping[str, object], report: object = "", overlaps: bool = False, part: bool = False) -> str:
    """Give the marks of a count; what its table does not say is not marked.

    ``report`` is the kind of report of its study; ``overlaps``, whether that may share units with another one of
    the pool; ``part``, whether its outcome stands in for the one that the analysis asks for first.

    >>> marks_of({"source": "abstract", "basis": "derived", "second_reading": "agree"})
    '†‡'
    """
    found = {
        PART: part,
        ABSTRACT: str(row.get("source", "")).lower().startswith("abstract") or report == "abstract",
        DERIVED: row.get("basis", "stated") != "stated",
        ONCE: row.get("second_reading", "agree") != "agree",
        OVERLAP: overlaps,
    }
    return "".join(mark for mark, true in found.items() if true)


def speaks_of(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Say whether a sheet names another one under ``overlaps``, by its label or identifier."""
    text = str(one["overlaps"] or "")
    names = (str(other["label"]), str(other["study"]))
    return any(name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)  # cheap first


def named_pairs(studies: Sequence[Mapping[str, object]]) -> list[tuple[str, str]]:
    """Give the pairs of sheets of which one names the other under ``overlaps``, and not to say that they share none.

    >>> one, other = ({"study": name, "label": name.upper(), "overlaps": ""} for name in "ab")
    >>> [named_pairs([one | {"overlaps": said}, other]) for said in ("Perhaps in B.", "One centre. No patients of B.")]
    [[('a', 'b')], []]
    """
    said = [one | {"overlaps": " ".join(_sharing_sentences(str(one["overlaps"] or "")))} for one in studies]
    return [(one["study"], other["study"]) for one in said for other in studies if speaks_of(one, other)]


def _sharing_sentences(text: str) -> list[str]:
    sentences = re.split(r"(?<=[.;]) +", text)
    return [one for one in sentences if not re.match("(no|none|not|another)\\b", one, re.IGNORECASE)]


def sharing(pairs: Iterable[Sequence[str]], pool: Iterable[str]) -> frozenset[str]:
    """Give the studies of a pool that may share units with another one of it.

    >>> sorted(sharing([("a", "b"), ("b", "d"), ("c", "c")], ["a", "b", "c"]))
    ['a', 'b']
    """
    held = set(pool)
    return frozenset(study for pair in pairs if len(set(pair)) == 2 and set(pair) <= held for study in pair)


def as_read(row: Mapping[str, object], tables: Iterable[Mapping[str, object]]) -> Mapping[str, object]:
    """Find a study's row of ``comparisons.csv`` in ``data/comparisons.csv``, where its source stands."""
    return next(table for table in tables if all(table[key] == row[key] for key in CELLS))


def legend(marks: Iterable[str], unit: str, parts: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
    """Explain the marks that occur, in their order; ``parts`` are labels of the outcomes that stand in for others.

    >>> legend(["¶", ""], "catheters")
    (('¶', 'may share catheters with another report of this pool'),)
    >>> legend(["#"], "catheters", ["Sepsis", "Sepsis"])
    (('#', 'counts only sepsis'),)
    """
    seen, part = set("".join(marks)), joined(dict.fromkeys(map(inside, parts)), "or")
    return tuple((mark, meaning.format(unit=unit, part=part)) for mark, meaning in MEANINGS.items() if mark in seen)
