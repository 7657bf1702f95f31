"""Published pools beside ours, with what makes each pair comparable or not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import inf, isnan, nan
from typing import NamedTuple

from ..selection.arms import window_days
from ..sheets.published_pools import find_published, read_published
from ..tables.declared import Row, read, write
from ..tables.files import numbers
from ..tables.pools import find_pool, pooled_rows
from ..words.terms import OK, remarks_of

YES, NO, UNCLEAR = "yes", "no", "unclear"
PROPORTION, RATE = "proportion", "rate"
RATE_MODEL = "poisson-normal"
SAME_END = 0.1  # of the published window: 90 days are three months
DAYS = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}
COMPARISON = re.compile(r"(<=|>=|<|>|≤|≥)\s*(\d+(?:\.\d+)?)\s*(day|week|month|year)s?\b")
LIMITS = ("estimate", "ci_low", "ci_high")
# Name in our table → in theirs.
PUBLISHED = {
    "published_measure": "measure",
    "published_k": "k_studies",
    "published_patients": "n_patients",
    "review_k": "review_studies",
    "review_patients": "review_patients",
}


class Verdict(NamedTuple):
    """Whether the two sides of a pair can be compared in one respect, and why."""

    word: str
    reason: str = ""


class Ours(NamedTuple):
    """Our side of a pair: its model, its unit in words, its pool (empty: none), and the rows that were pooled.

    ``windows`` are the days of each pooled row; None where it states none.
    """

    model: str
    unit: str
    pool: Row
    patients: int
    windows: Sequence[int | None]


def parse_measure(text: str) -> tuple[str, str, bool]:
    """Read what a published number is from its own words.

    Gives its kind (``proportion``, ``rate`` or, for all else, the words themselves), what a rate is counted per, and
    whether a remark in brackets follows: the source then names its number in more than one way.

    >>> parse_measure("% per patient-month"), parse_measure("%")
    (('rate', 'patient-month', False), ('proportion', '', False))
    >>> parse_measure('proportion (called "relative risk")'), parse_measure("OR")
    (('proportion', '', True), ('OR', '', False))
    """
    words, _, remark = text.partition("(")
    words = words.strip()
    if per := re.fullmatch(r"(?:%|per cent|events?|rate)\s+per\s+(.+)", words):
        return RATE, per[1], bool(remark)
    return (PROPORTION if words in ("%", "per cent", PROPORTION) else words), "", bool(remark)


def compare_measures(published: str, measure: str, unit: str) -> Verdict:
    """Say whether both numbers are the same kind of quantity, in the same unit (that of our rates)."""
    kind, per, qualified = parse_measure(published)
    if kind != measure:
        return Verdict(NO, f'The published measure is "{published}", ours a {measure}.')
    if kind == RATE and per != unit:
        return Verdict(NO, f"The published rate is per {per}, ours per {unit}.")
    if qualified:
        return Verdict(UNCLEAR, f"The source names its measure in more than one way: {published}.")
    return Verdict(YES)


def parse_window(text: str) -> tuple[float, float] | None:
    """Read a range of follow-up, in days, from the name of a subgroup.

    >>> parse_window("follow-up <=6 months"), parse_window("follow-up >2 weeks"), parse_window("all")
    ((0.0, 182.625), (14.0, inf), None)
    """
    found = [(sign[0] in "<≤", float(number) * DAYS[unit]) for sign, number, unit in COMPARISON.findall(text.lower())]
    lower, upper = ([days for below, days in found if below == side] for side in (False, True))
    return (max(lower, default=0.0), min(upper, default=inf)) if found else None


def compare_windows(subgroup: str, windows: Sequence[int | None]) -> Verdict:
    """Say whether our follow-up is as long as the published one.

    ``yes`` when every window of ours is stated and ends where the published one does, ``no`` when a stated one lies
    outside it. ``unclear`` when either side does not say, and when ours only lies inside: events are not spread evenly
    over the time, so that neither a proportion nor a rate over 90 days is one over six months.
    """
    bounds, stated = parse_window(subgroup), [w for w in windows if w is not None]
    ours = "ours state no number of days"
    if stated:
        ours = f"ours {' to '.join(map(str, sorted({min(stated), max(stated)})))} days"
        ours += " where stated" if len(stated) < len(windows) else ""
    if bounds is None:
        return Verdict(UNCLEAR, f"The published window is not stated; {ours}.")
    theirs = f"up to {bounds[1]:.0f} days" if bounds[0] == 0 else f"from {bounds[0]:.0f} days"
    told = f"Published follow-up {theirs}, {ours}"
    if any(not bounds[0] <= w <= bounds[1] for w in stated):
        return Verdict(NO, f"{told}.")
    if len(stated) < len(windows) or not windows:
        return Verdict(UNCLEAR, f"{told}; {len(windows) - len(stated)} of {len(windows)} rows state no number of days.")
    if bounds[0] == 0 and min(stated) >= (1 - SAME_END) * bounds[1]:
        return Verdict(YES, f"{told}.")
    return Verdict(UNCLEAR, f"{told}: inside the published range, but not as long.")


def compare_denominators(published: Mapping[str, str], measure: str) -> Verdict:
    """Say whether both numbers stand over the same kind of denominator."""
    if parse_measure(published["measure"])[0] != measure:
        return Verdict(NO, "The denominators differ with the measures.")
    if "denominator" in published["notes"].lower():
        return Verdict(UNCLEAR, "The source's denominator is in doubt.")
    if measure == RATE:
        return Verdict(UNCLEAR, "Ours takes everybody as followed to the end of the window; theirs does not say.")
    if not published["n_patients"]:
        return Verdict(UNCLEAR, "The published number of patients is not given.")
    return Verdict(YES)


def compare_pair(pair: Mapping[str, str], published: Mapping[str, str], ours: Ours, unit: str) -> dict:
    """Set one published pool, a row of the hand-kept table as text, beside ours, as a pair of the config asks.

    Published numbers are in per cent (a rate in per cent per ``unit`` of time), ours are proportions, or events per
    unit, and leave here in per cent. ``ratio`` is ours over theirs.
    """
    theirs, mine = numbers(published, *LIMITS), [100 * ours.pool.get(name, nan) for name in LIMITS]
    verdicts = {
        "window": compare_windows(pair["subgroup"], ours.windows),
        "denominator": compare_denominators(published, pair["measure"]),
        "measure": compare_measures(published["measure"], pair["measure"], unit),
    }
    same = verdicts["measure"].word != NO  # a ratio of unlike quantities says nothing
    noted = published["notes"] and f"Noted of the source: {published['notes'].rstrip('.')}."
    notes = [pair["note"], *(verdict.reason for verdict in verdicts.values()), noted]
    return {
        **{key: pair[key] for key in ("review", "outcome", "subgroup", "analysis")},
        **{f"published_{name.removeprefix('ci_')}": value for name, value in zip(LIMITS, theirs, strict=True)},
        **{name: published.get(key, "") for name, key in PUBLISHED.items()},
        **{"model": ours.model, "unit": ours.unit},
        **dict(zip(LIMITS, mine, strict=True)),
        "k": ours.pool.get("studies"),
        "patients": ours.patients,
        "ratio": mine[0] / theirs[0] if same and theirs[0] > 0 else nan,
        "intervals_overlap": _overlap(theirs, mine) if same else "",
        **{f"{name}_comparable": verdict.word for name, verdict in verdicts.items()},
        "note": " ".join(filter(None, notes)),
        "status": _status(ours, theirs),
    }


def compare_published_file(
    published_csv: str,
    rows_csv: Mapping[str, str],
    estimates_csv: Mapping[str, str],
    rates_csv: Mapping[str, str],
    target: str,
    *,
    pairs: Iterable[Mapping[str, str]],
    model: str,
    unit: str,
) -> None:
    """Set published pools beside ours, write the table.

    Paths of ours are by analysis; ``model`` is which of our models stands beside a proportion, ``unit`` what rates are
    counted per.
    """
    table, lines = read_published(published_csv), []
    for pair in pairs:
        name, rate = pair["analysis"], pair["measure"] == RATE
        used = pooled_rows(read(rows_csv[name]))
        if rate:
            used = [row for row in used if window_days(row["window"])]
            pool = next((row for row in read(rates_csv[name]) if row["model"] == RATE_MODEL), {})
        else:
            pool = find_pool(read(estimates_csv[name]), model)
        said = (RATE_MODEL, f"per cent per {unit}") if rate else (model, "per cent")
        ours = Ours(*said, pool, sum(row["patients"] for row in used), [window_days(row["window"]) for row in used])
        lines.append(compare_pair(pair, find_published(table, pair), ours, unit))
    write(target, lines)


def _status(ours: Ours, theirs: Sequence[float]) -> str:
    """Say what is missing on either side."""
    remarks = remarks_of(ours.pool.get("status", "no such pool"))
    said = [f"ours: {remarks}"] if remarks else []
    if any(map(isnan, theirs)):
        said.append(f"published: no {'estimate' if isnan(theirs[0]) else 'interval'}")
    return "; ".join(said) or OK


def _overlap(theirs: Sequence[float], mine: Sequence[float]) -> str:
    if any(map(isnan, (*theirs[1:], *mine[1:]))):
        return ""
    return YES if theirs[1] <= mine[2] and mine[1] <= theirs[2] else NO
