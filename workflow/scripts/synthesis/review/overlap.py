"""Sheets that may share patients: what a named cohort forbids, and what nobody has named yet.

A pool counts patients once. Sheets with one cohort never meet in it (:mod:`synthesis.selection.rows`); this module
looks for those that should perhaps have one: same country and years, or same first author. It only asks; a curator
answers, with a cohort, or with a word on the other sheet under ``overlaps``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from ..sheets.collect import arm_rows, study_row
from ..tables.declared import read, write
from ..words.levels import NOT_LEVELS
from ..words.marks import speaks_of
from .index import Index

Row = Mapping[str, object]
SEVERAL = ("multinational", "several", "not reported")  # no place that two sheets could share
NAMED, TOGETHER, APART = "never pooled together: one cohort", "pooled together", "not pooled together"


def suggest_overlaps(
    studies: Sequence[Row],
    arms: Sequence[Row],
    attributes: Sequence[str],
    asked: Mapping[str, set[str]],
    pools: Mapping[str, set[str]],
) -> list[dict]:
    """Find pairs of sheets that share a cohort, or may share patients: rows of ``overlaps.csv``.

    ``studies`` and ``arms`` are rows as in ``results/data/``; patients with one level of an attribute are not those
    with another. ``asked`` gives analysis → studies that have a count for it, ``pools`` those that its pool holds. Who
    meets in a pool comes first, and a mere suspicion about sheets that no analysis asks for together is left out.
    """
    levels = {
        row["study"]: _levels([arm for arm in arms if arm["study"] == row["study"]], attributes) for row in studies
    }
    found = []
    for one, other in _pairs(studies):
        study, second = one["study"], other["study"]
        cohort = one["cohort"] if one["cohort"] and one["cohort"] == other["cohort"] else ""
        described = ["a sheet says so"] if speaks_of(one, other) or speaks_of(other, one) else []
        apart = set_apart(levels[study], levels[second]) or named_apart(one, other)
        meant = not apart and any({study, second} <= held for held in asked.values())
        reasons = described + (suspicions(one, other) if meant else [])
        if not (cohort or reasons):
            continue
        meeting = [name for name, held in pools.items() if {study, second} <= held]
        found.append(
            {
                "study": study,
                "other": second,
                "label": one["label"],
                "other_label": other["label"],
                "why": "; ".join(reasons) or f"one cohort: {cohort}",
                "cohort": cohort,
                "described": "yes" if described else "no",
                "analyses": ";".join(meeting),
                "verdict": TOGETHER if meeting else NAMED if cohort else APART,
            }
        )
    return sorted(found, key=lambda row: (row["verdict"] != TOGETHER, row["described"], row["study"], row["other"]))


def _pairs(studies: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Give the pairs that have anything in common, in the order of the table; all pairs would be millions."""
    alike: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(studies):
        keys = {"cohort": row["cohort"], "country": row["country"], "author": first_author(row)}
        for key in keys.items():
            if key[1] and key[1] not in SEVERAL:
                alike.setdefault(key, []).append(i)
    pairs = {pair for group in alike.values() for pair in combinations(group, 2)}
    for i, row in enumerate(studies):
        if row["overlaps"]:
            pairs |= {(min(i, j), max(i, j)) for j, other in enumerate(studies) if i != j and speaks_of(row, other)}
    for i, j in sorted(pairs):
        yield studies[i], studies[j]


def suspicions(one: Row, other: Row) -> list[str]:
    """Say what makes it possible that two sheets share patients."""
    country, years = one["country"], shared_years(one, other)
    together = country and country == other["country"] and country not in SEVERAL and years
    found = [f"{country}, enrolment {years}"] if together else []
    author, second = first_author(one), first_author(other)
    if author and author == second and years != "":
        found.append(f"same first author ({author})")
    return found


def shared_years(one: Row, other: Row) -> str | None:
    """Give the years in which both enrolled; blank where they did not overlap, None where one is silent.

    >>> one = {"enrolled_from": "2017", "enrolled_to": "2020"}
    >>> shared_years(one, {"enrolled_from": "2019-05", "enrolled_to": "2022"})
    '2019-05 to 2020'
    """
    spans = [(str(row["enrolled_from"] or ""), str(row["enrolled_to"] or "")) for row in (one, other)]
    if any(not start or not end for start, end in spans):
        return None
    start = max((s for s, _ in spans), key=lambda date: _month(date, 1))
    end = min((e for _, e in spans), key=lambda date: _month(date, 12))
    if _month(start, 1) > _month(end, 12):
        return ""
    return start if start == end else f"{start} to {end}"


def _month(date: str, blank: int) -> tuple[int, int]:
    """Give year and month; a bare year begins or ends with ``blank``."""
    parts = [int(part) for part in date.split("-")]
    return parts[0], parts[1] if len(parts) > 1 else blank


def first_author(row: Row) -> str:
    """Give surname and first initial of the first author, or blank.

    >>> first_author({"authors": "Lefebvre BG et al."}), first_author({"authors": None})
    ('Lefebvre B', '')
    """
    found = re.match(r"([^\W\d_][\w'’ -]*? [A-Z])[A-Z]{0,2}\b", str(row["authors"] or ""))
    return found[1] if found else ""


def named_apart(one: Row, other: Row) -> bool:
    """Say whether curators know both cohorts: different names, each of a counted number of centres (no registry)."""
    return len({row["cohort"] for row in (one, other) if row["cohort"] and row["centres"]}) == 2


def set_apart(one: Mapping[str, set[str]], other: Mapping[str, set[str]]) -> bool:
    """Say whether a property shows that two sheets share no patients: both know it of all arms, and share no level."""
    return any(one[name] and other.get(name) and not one[name] & other[name] for name in one)


def _levels(arms: Sequence[Row], attributes: Sequence[str]) -> dict[str, set[str]]:
    """Give the levels of each property in a sheet; none where an arm without parts leaves it open."""
    parts = [arm for arm in arms if not arm["comprises"]]
    found = {}
    for name in attributes:
        levels = {str(arm.get(name) or "") for arm in parts}
        found[name] = set() if levels & {"", *NOT_LEVELS} else levels
    return found


def suggest_overlaps_file(
    studies_csv: str, arms_csv: str, rows_csv: Iterable[str], overlaps_csv: str, *, attributes: Sequence[str]
) -> None:
    """Read the tables of all sheets and what each analysis pools, write the pairs."""
    asked: dict[str, set[str]] = {}
    pools: dict[str, set[str]] = {}
    for row in (row for path in rows_csv for row in read(path, "rows") if row["subset"] == "all"):
        for held in (asked, pools) if row["use"] == "yes" else (asked,):
            held.setdefault(row["analysis"], set()).add(row["study"])
    found = suggest_overlaps(read(studies_csv, "data/studies"), read(arms_csv, "data/arms"), attributes, asked, pools)
    write(overlaps_csv, found, table="overlaps")


def overlap_warnings(index: Index) -> list[str]:
    """Say which sheets may meet in a pool though they may share patients, and no sheet speaks of it: a line a pair."""
    attributes = ["product", *index.protocol.attributes]
    sheets = list(index.sheets.values())
    may = {name: may_pool(index, name) for name in index.protocol.analyses}
    arms = [row for sheet in sheets for row in arm_rows(sheet, attributes)]
    pairs = suggest_overlaps([study_row(sheet) for sheet in sheets], arms, attributes, may, may)
    return [
        f"{row['study']} and {row['other']} may share {index.protocol.review.unit} ({row['why']}) and may both enter "
        f"{', '.join(row['analyses'].split(';'))}. If they do, give both one `cohort`; if not, say so under `overlaps`."
        for row in pairs
        if row["verdict"] == TOGETHER and row["described"] == "no" and not row["cohort"]
    ]


def may_pool(index: Index, analysis: str) -> set[str]:
    """Give the studies that have a count an analysis could pool, whatever other rows there are."""
    from ..selection.rows import Candidate, unusable  # numerics, which a sheet with a fault never needs

    question = index.protocol.analyses[analysis]
    wanted = set(question.outcomes)
    return {
        sheet.id
        for sheet in index.sheets.values()
        for row in sheet.outcomes
        if row.outcome in wanted and unusable(Candidate(sheet, row, {}), question) is None
    }
