"""Published pools beside ours, with what makes each pair comparable or not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from numpy import nan

from ..sheets.published_pools import find_published, read_published
from ..tables.files import numbers, read_table, write_table
from ..words.terms import OK, remarks_of

PUBLISHED = (
    *("review", "outcome", "subgroup", "published_estimate", "published_low", "published_high", "published_measure"),
    *("published_k", "published_patients", "analysis", "measure", "estimate", "ci_low", "ci_high", "k", "patients"),
    *("ratio", "overlap", "window_comparable", "denominator_comparable", "measure_comparable", "note", "status"),
)
YES, NO, UNCLEAR = "yes", "no", "unclear"
PROPORTION, RATE = "proportion", "rate"
RATE_MODEL = "poisson-normal"
DAYS = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}
COMPARISON = re.compile(r"(<=|>=|<|>|≤|≥)\s*(\d+(?:\.\d+)?)\s*(day|week|month|year)s?\b")


@dataclass(frozen=True)
class Verdict:
    """Whether the two sides of a pair can be compared in one respect, and why."""

    word: str
    reason: str = ""


@dataclass(frozen=True)
class Ours:
    """Our side of a pair, as it stands in ``results/``.

    Parameters
    ----------
    measure : str
        Model and unit, in words.
    pool : mapping
        A row of ``estimates.csv`` or ``rates.csv``, as text; empty where there is none.
    patients : int or None
    windows : sequence of int or None
        Days of each pooled row; None where not stated.
    """

    measure: str
    pool: Mapping[str, str]
    patients: int | None
    windows: Sequence[int | None]


def parse_measure(text: str) -> tuple[str, str, bool]:
    """Read what a published number is from its own words.

    Parameters
    ----------
    text : str

    Returns
    -------
    kind : str
        ``proportion``, ``rate`` or, for all else, the words themselves.
    unit : str
        What a rate is counted per; blank for the others.
    qualified : bool
        Whether a remark in brackets follows: the source then names its number in more than one way.

    Examples
    --------
    >>> parse_measure("% per patient-month"), parse_measure("%")
    (('rate', 'patient-month', False), ('proportion', '', False))
    >>> parse_measure('proportion (called "relative risk")'), parse_measure("OR")
    (('proportion', '', True), ('OR', '', False))
    """
    words, _, remark = text.partition("(")
    words = words.strip()
    per = re.fullmatch(r"(?:%|per cent|events?|rate)\s+per\s+(.+)", words)
    if per:
        return RATE, per[1], bool(remark)
    return (PROPORTION if words in ("%", "per cent", PROPORTION) else words), "", bool(remark)


def compare_measures(published: str, measure: str, unit: str) -> Verdict:
    """Say whether both numbers are the same kind of quantity, in the same unit.

    Parameters
    ----------
    published : str
        The published measure, in the source's words.
    measure : str
        Ours: ``proportion`` or ``rate``.
    unit : str
        What our rates are counted per.
    """
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

    Examples
    --------
    >>> parse_window("follow-up <=6 months"), parse_window("follow-up >2 weeks"), parse_window("all")
    ((0.0, 182.625), (14.0, inf), None)
    """
    found = COMPARISON.findall(text.lower())
    if not found:
        return None
    low, high = 0.0, float("inf")
    for sign, number, unit in found:
        days = float(number) * DAYS[unit]
        low, high = (low, min(high, days)) if sign in ("<=", "<", "≤") else (max(low, days), high)
    return low, high


def compare_windows(subgroup: str, windows: Sequence[int | None]) -> Verdict:
    """Say whether our follow-up falls into the published range.

    Returns
    -------
    Verdict
        ``yes`` when every window of ours is stated and inside the published range; ``no`` when a stated one is
        outside; ``unclear`` when either side does not say.
    """
    bounds, stated = parse_window(subgroup), [w for w in windows if w is not None]
    ours = f"ours {_range(stated)}" if stated else "ours are not stated"
    if bounds is None:
        return Verdict(UNCLEAR, f"The published window is not stated; {ours}.")
    theirs = f"up to {bounds[1]:.0f} days" if bounds[0] == 0 else f"from {bounds[0]:.0f} days"
    told = f"Published follow-up {theirs}, {ours}"
    if any(not bounds[0] <= w <= bounds[1] for w in stated):
        return Verdict(NO, f"{told}.")
    if len(stated) < len(windows) or not windows:
        return Verdict(UNCLEAR, f"{told}; {len(windows) - len(stated)} of {len(windows)} rows do not state theirs.")
    return Verdict(YES, f"{told}.")


def compare_denominators(published: Mapping[str, str], measure: str) -> Verdict:
    """Say whether both numbers stand over the same kind of denominator."""
    kind, _, _ = parse_measure(published["measure"])
    if kind != measure:
        return Verdict(NO, "The denominators differ with the measures.")
    if "denominator" in published["notes"].lower():
        return Verdict(UNCLEAR, "The source's denominator is in doubt.")
    if measure == RATE:
        return Verdict(UNCLEAR, "Ours takes everybody as followed to the end of the window; theirs does not say.")
    if not published["n_patients"]:
        return Verdict(UNCLEAR, "The published number of patients is not given.")
    return Verdict(YES)


def compare_pair(pair: Mapping[str, str], published: Mapping[str, str], ours: Ours, unit: str) -> dict:
    """Set one published pool beside ours.

    Parameters
    ----------
    pair : mapping
        A pair of the config.
    published : mapping
        A row of the published table: numbers in per cent (a rate in per cent per unit of time).
    ours : Ours
        Proportions, or events per unit of time; they leave here in per cent.
    unit : str
        What rates are counted per.

    Returns
    -------
    dict
        A row of ``published.csv``. ``ratio`` is ours over theirs; ``overlap`` says whether the intervals meet.
    """
    theirs = numbers(published, "estimate", "ci_low", "ci_high")
    mine = [100 * value for value in numbers(ours.pool, "estimate", "ci_low", "ci_high")]
    verdicts = {
        "window": compare_windows(pair["subgroup"], ours.windows),
        "denominator": compare_denominators(published, pair["measure"]),
        "measure": compare_measures(published["measure"], pair["measure"], unit),
    }
    same = verdicts["measure"].word != NO  # a ratio of unlike quantities says nothing
    notes = [
        pair["note"],
        *(v.reason for v in verdicts.values()),
        published["notes"] and f"Noted of the source: {published['notes'].rstrip('.')}.",
    ]
    return {
        **{key: pair[key] for key in ("review", "outcome", "subgroup", "analysis")},
        **dict(zip(("published_estimate", "published_low", "published_high"), theirs, strict=True)),
        "published_measure": published["measure"],
        "published_k": published["k_studies"],
        "published_patients": published["n_patients"],
        "measure": ours.measure,
        **dict(zip(("estimate", "ci_low", "ci_high"), mine, strict=True)),
        "k": ours.pool.get("studies", ""),
        "patients": ours.patients,
        "ratio": mine[0] / theirs[0] if same and theirs[0] > 0 else nan,
        "overlap": _overlap(theirs, mine) if same else "",
        **{f"{name}_comparable": verdict.word for name, verdict in verdicts.items()},
        "note": " ".join(note for note in notes if note),
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
    """Read published pools and ours, set them side by side, write the table.

    Parameters
    ----------
    published_csv : path
    rows_csv, estimates_csv, rates_csv : mapping
        Analysis → path.
    target : path
    pairs : iterable of mappings
        ``published.pairs`` of the config.
    model : str
        Which of our models stands beside a proportion.
    unit : str
        What rates are counted per.
    """
    table, lines = read_published(published_csv), []
    for pair in pairs:
        name, rate = pair["analysis"], pair["measure"] == RATE
        used = [r for r in read_table(rows_csv[name]) if r["subset"] == "all" and r["use"] == "yes"]
        if rate:
            used = [r for r in used if _days(r["window"])]
            pool = [r for r in read_table(rates_csv[name]) if r["model"] == RATE_MODEL]
        else:
            pool = [r for r in read_table(estimates_csv[name]) if r["subset"] == "all" and r["model"] == model]
        measure = f"{RATE_MODEL}, % per {unit}" if rate else f"{model}, %"
        patients = sum(int(r["patients"]) for r in used)
        ours = Ours(measure, pool[0] if pool else {}, patients, [_days(r["window"]) for r in used])
        lines.append(compare_pair(pair, find_published(table, pair), ours, unit))
    write_table(target, lines, PUBLISHED)


def _status(ours: Ours, theirs: Sequence[float]) -> str:
    """Say what is missing on either side."""
    remarks = remarks_of(ours.pool.get("status", "no such pool"))
    said = [f"ours: {remarks}"] if remarks else []
    if theirs[0] != theirs[0]:
        said.append("published: no estimate")
    elif theirs[1] != theirs[1] or theirs[2] != theirs[2]:
        said.append("published: no interval")
    return "; ".join(said) or OK


def _overlap(theirs: Sequence[float], mine: Sequence[float]) -> str:
    ends = [*theirs[1:], *mine[1:]]
    if any(end != end for end in ends):
        return ""
    return YES if theirs[1] <= mine[2] and mine[1] <= theirs[2] else NO


def _range(days: Sequence[int]) -> str:
    low, high = min(days), max(days)
    return f"{low} days" if low == high else f"{low} to {high} days"


def _days(text: str) -> int | None:
    """Give a window in days; None when not stated, and for one of no length, which has no person-time."""
    return int(text) if text.isdigit() and int(text) > 0 else None
