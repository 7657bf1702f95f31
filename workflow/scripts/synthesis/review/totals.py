"""Rows that add up others: a total beside its parts would count every patient twice."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from ..sheets.limits import limits_or_count
from ..sheets.sheet import Sheet
from ..tables.pools import limits_of, pooled_rows
from ..tables.problems import quote
from ..words.characters import comparable
from .index import Index

Count = tuple[int, int, int]  # the fewest and the most events that may be, and patients
NOTHING = (0, 0, 0)
Key = TypeVar("Key")
POOLED = re.compile(r"\b(meta-?analysis|systematic review|pooled analysis of)\b", re.IGNORECASE)

# What tables, forest plots and their software call such a row: one of these words stands in its name …
_HEADS = """
    all total totals subtotal sum sums summary overall pooled combined aggregate aggregated mean average heterogeneity
    model effect effects studies meta gesamt insgesamt summe zwischensumme somme totale totaal totaux suma samlet
    итого всего
"""
# … and these may stand beside them.
_FILLERS = """
    random fixed common re fe estimate estimates proportion prevalence incidence rate rates result results weighted
    grand sub group subgroup analysis patients participants subjects events cases number prediction interval test for of
    the in and or n k ci pi reml dl ml hk hksj glmm i q z p df tau chi squared logit within between value
"""
HEADS = frozenset(_HEADS.split())
FILLERS = frozenset(_FILLERS.split())


def names_a_total(name: str) -> bool:
    """Say whether a name is that of a pool or a sum, in whatever capitals and with whatever numbers beside it.

    >>> [names_a_total(n) for n in ("Total (95% CI)", "SUB-TOTAL", "Random effects model", "All 12 studies")]
    [True, True, True, True]
    >>> [names_a_total(n) for n in ("Sum et al. 2020", "Summers 2020", "CASE-Total 2020", "Groups", "")]
    [False, False, False, False, False]
    """
    text = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", comparable(name))
    words = re.findall(r"[^\W\d_]+", text)
    return bool(set(words) & HEADS) and set(words) <= HEADS | FILLERS


def find_sums(
    counts: Sequence[Count | None], owners: Sequence[str | None], totals: Iterable[int] = ()
) -> dict[int, list[int]]:
    """Find rows that are exactly the sum of others: index → indexes of the two or more it adds up.

    Those are all others, or those of its group (from the last total on) above or below it. ``counts`` stand in the
    order of the table, None where a row has none; ``owners`` names the study of each row, for the whole of a study
    beside its own arms is no total; known ``totals`` are parts of nothing, and a group ends there. Events known only
    within limits add up where they may.

    >>> counts = [(1, 20), (2, 30), (3, 50), (4, 40), (5, 60), (9, 100), (12, 150)]
    >>> find_sums([(events, events, patients) for events, patients in counts], "abcdefg")
    {2: [0, 1], 5: [3, 4], 6: [0, 1, 3, 4]}
    """
    ends = set(totals)
    known = [i for i, count in enumerate(counts) if count is not None and i not in ends]
    if len({owners[i] for i in known}) > 1 and (total := sum_of_others({i: counts[i] for i in known})) is not None:
        return {total: [j for j in known if j != total]}
    found: dict[int, list[int]] = {}
    for order in (range(len(counts)), range(len(counts))[::-1]):
        nothing = (NOTHING, ())  # what rows add up to, and the rows
        every = group = nothing
        for i in order:
            if i in ends or i in found:
                group = nothing
            elif counts[i] is not None:
                parts = next(
                    (rows for count, rows in (group, every) if len(rows) > 1 and _may_be(count, counts[i])), ()
                )
                if parts and {owners[j] for j in parts} == {owners[i]}:
                    continue  # the whole of a study, behind its arms
                if parts:
                    found[i], group = sorted(parts), nothing
                else:
                    every, group = ((_plus(count, counts[i]), (*rows, i)) for count, rows in (every, group))
    return found


def sum_of_others(counts: Mapping[Key, Count]) -> Key | None:
    """Name the one of three or more counts that is the sum of all others, or may be where events have limits.

    >>> sum_of_others({"a": (3, 3, 40), "b": (8, 8, 90), "c": (5, 5, 50)})
    'b'
    >>> sum_of_others({"a": (3, 4, 40), "b": (8, 8, 90), "c": (0, 3, 50)}) is None
    True
    """
    whole = tuple(map(sum, zip(*counts.values(), strict=True)))
    found = (key for key, count in counts.items() if _may_be(count, tuple(map(int.__sub__, whole, count))))
    return next(found, None) if len(counts) > 2 else None


def total_warnings(index: Index) -> list[str]:
    """Ask about sheets that look like a pool of other sheets, by their numbers or by what they are called: a line each.

    None about a sheet that says under ``overlaps`` with whom it shares patients. And one for each arm that looks like a
    total of arms it does not hold.
    """
    from ..selection.rows import Vocabulary, select_rows  # numerics, which a sheet with a fault never needs

    found = []
    for name, analysis in index.protocol.analyses.items():
        rows = select_rows((index.sheets[path] for path in index.feeds(name)), name, analysis, Vocabulary(()))
        counts: dict[str, Count] = {}
        for row in pooled_rows(rows):
            counts[row["study"]] = _plus(counts.get(row["study"], NOTHING), (*limits_of(row), row["patients"]))
        if total := sum_of_others(counts):
            said = say(counts[total])
            found.append((total, f"its {said} in {name} are the sum of the {len(counts) - 1} other studies"))
    for sheet in index.sheets.values():
        title = sheet.citation.title or ""
        if names_a_total(sheet.label):
            found.append((sheet.id, f"{quote(sheet.label)} is what a total is called"))
        elif POOLED.search(title) and "review" not in f"{sheet.report} {sheet.design}":
            found.append((sheet.id, f"{quote(title)} pools other reports"))
    silent = {sheet.id for sheet in index.sheets.values() if sheet.overlaps}
    arms = [line for sheet in index.sheets.values() for line in _arm_warnings(sheet)]
    return arms + [
        f"{name} may be a total of other studies: {why}. If it is, take it out; if not, say so under `overlaps`."
        for name, why in found
        if name not in silent
    ]


def _arm_warnings(sheet: Sheet) -> list[str]:
    """Ask about arms that look like the total of arms they do not hold: as products, both would be pooled."""
    alone = {name for name in sheet.arms if not sheet.ancestors(name)}
    suspects = {name for name in alone if names_a_total(name) and len(alone) > 1}
    rows: dict[tuple, dict[str, Count]] = {}
    for row in sheet.outcomes:
        if row.arm in alone and row.events is not None and row.patients:
            kind = (row.outcome, comparable(row.definition), row.same_window)
            rows.setdefault(kind, {})[row.arm] = (*row.limits, row.patients)
    suspects |= {total for counts in rows.values() if (total := sum_of_others(counts))}
    return [
        f"{sheet.id}: the arm {quote(name)} may be a total of {', '.join(sorted(alone - {name}))}. "
        "If it is, say so with `comprises` or `part_of`; else give it another name."
        for name in sorted(suspects)
    ]


def say(count: Count) -> str:
    """Give a count in words.

    >>> say((3, 3, 40)), say((3, 4, 40))
    ('3 of 40', '3 to 4 of 40')
    """
    return f"{limits_or_count(*count[:2])} of {count[2]}"


def _plus(one: Count, other: Count) -> Count:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _may_be(one: Count, other: Count) -> bool:
    """Say whether two counts may be one: the same patients, and events whose limits meet."""
    return one[2] == other[2] and one[0] <= other[1] and other[0] <= one[1]
