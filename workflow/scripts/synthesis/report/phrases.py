"""Numbers in the words of a clinician: natural frequencies, and sentences that claim no more than the interval."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from ..tables.declared import Row
from ..tables.pools import State, estimate_text, events_text, limits_of, prediction_text, row_text, state_of
from ..words import formatting as fmt
from ..words.levels import OPEN, UNSTATED
from ..words.prose import plural, upper_first
from ..words.terms import BETWEEN, TOGETHER, WITHIN, remarks_of, with_remark
from ..words.terms import WITHIN_POOLED as POOLED
from .html_tables import Cell

SHOWN = 3  # so many windows of a pool are named
RARE = 0.01  # below it, per 1,000 says more than per 100
RISK_DIFFERENCE = "risk difference"
WHERE = {
    WITHIN: "inside one study",
    POOLED: "inside studies, pooled",
    BETWEEN: "between studies",
    TOGETHER: "within and between studies",
}


def format_frequency(proportion: float, base: int) -> str:
    """Give how many of so many, 100 or 1,000: rounded half up once, and never none or all where it is not.

    >>> [format_frequency(p, 100) for p in (0.0657, 0, 0.003, 0.998, 1)]
    ['7', '0', 'fewer than 1', 'more than 99', '100']
    """
    if fmt.is_missing(proportion):
        return fmt.MISSING
    found = whole(proportion, base)
    if proportion > 0 and found == 0:
        return "fewer than 1"
    if proportion < 1 and found == base:
        return f"more than {fmt.format_count(base - 1)}"
    return fmt.format_count(found)


def whole(value: float, times: int = 1) -> int:
    """Round half up to a whole number, on the shortest decimal form of the value.

    >>> whole(861.766), whole(0.065, 100)
    (862, 7)
    """
    return int((Decimal(repr(float(value))) * times).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def base_of(proportion: float) -> int:
    """Give the base a proportion reads best in."""
    return 1000 if 0 < proportion < RARE else 100


def frequency_words(pool: Row) -> str:
    """Say the estimate as a frequency: ``7 in 100``; a dash when there is none."""
    if fmt.is_missing(estimate := pool.get("estimate")):
        return fmt.MISSING
    base = base_of(estimate)
    return f"{format_frequency(estimate, base)} in {fmt.format_count(base)}"


def span_words(low: float, high: float) -> str:
    """Say a span of proportions as frequencies: ``9 to 31 in 100``."""
    base = base_of(high)
    return f"{format_frequency(low, base)} to {format_frequency(high, base)} in {fmt.format_count(base)}"


def interval_words(pool: Row, decimals: int, interval: str) -> str:
    """Give the estimate with its interval, by the name of that: ``6.6% (95% CrI 4.1–10.4)``."""
    return estimate_text(pool, decimals).replace(" (", f"% ({interval} ", 1)


def prediction_words(pool: Row, decimals: int, level: str) -> tuple[str, str]:
    """Say what a new study like these could see, and the interval behind it; without one, the reason and a blank."""
    text = prediction_text(pool, decimals)
    if text == fmt.MISSING:
        return "Too few studies to say what a new study like these could see.", ""
    base = base_of(pool["estimate"])
    low, high = (format_frequency(pool[key], base) for key in ("pi_low", "pi_high"))
    sentence = f"A new study like these could see {low} to {high} in {fmt.format_count(base)}."
    return sentence, f"{level} prediction interval {text}%"


def kind_words(pool: Row) -> str:
    """Say what the number is: a pool, a description of two studies, one study, or nothing."""
    match state_of(pool):
        case State.NO_STUDY:
            return "No study"
        case State.ONE_STUDY:
            return "One study, not a pool"
        case State.DESCRIPTION:
            what = f"A description of {pool['studies']} studies, not a pool"
        case State.POOL:
            what = f"Pool of {pool['studies']} studies"
        case _:
            return upper_first(pool["status"])
    return f"{what} ({remarks})" if (remarks := remarks_of(pool["status"])) else what


def status_words(row: Row) -> str:
    """Say what a number of a table is: pool, description of two studies, or the reason why it is neither."""
    what = {State.POOL: "pool", State.DESCRIPTION: f"a description of {row['studies']} studies"}.get(state_of(row))
    if state_of(row) == State.ONE_STUDY:
        return f"{row['status']}, its own CI"
    return with_remark(what, remarks_of(row["status"])) if what else row["status"]


def counts_of(row: Row, *names: str) -> list[str]:
    """Give counts of a row as they are printed; of events, their limits."""
    return [events_text(row) if name == "events" else fmt.format_count(row[name]) for name in names]


def fraction(row: Row, side: str = "") -> str:
    """Give events over the denominator, of all or of one side.

    >>> fraction({"events": 0, "patients": None}), fraction({"first_events": 3, "first_patients": 1200}, "first")
    ('0/–', '3/1200')
    """
    events, patients = (row[f"{side}_{name}".lstrip("_")] for name in ("events", "patients"))
    ends = limits_of(row) if not side else (events, events)
    parts = fmt.format_within(*ends, _plain), _plain(patients)
    return "/".join(parts)


def _plain(count: int | None) -> str:
    return fmt.MISSING if count is None else str(count)


def fractions(row: Row, *sides: str) -> dict[str, str]:
    """Give the fractions of two sides below their headings."""
    return {f"#{side.capitalize()}": fraction(row, side) for side in sides}


def counts_words(pool: Row, unit: str) -> str:
    """Give the counts behind a pool: ``4 studies, 36 of 512 patients``."""
    if state_of(pool) == State.NO_STUDY:
        return "No study"
    return f"{plural(pool['studies'], 'study', 'studies')}, {' of '.join(counts_of(pool, 'events', 'patients'))} {unit}"


def row_interval(row: Row, decimals: int) -> str:
    """Give the proportion of a row, or its span, with its interval."""
    return row_text(row, decimals)


def effect_words(row: Row) -> str:
    """Give an effect with its interval, in the form its measure asks for."""
    form = fmt.format_difference if row["measure"] == RISK_DIFFERENCE else fmt.format_ratio_interval
    return form(row["estimate"], row["ci_low"], row["ci_high"])


def p_cell(row: Row) -> Cell:
    """Give a P value with the test it is of."""
    return Cell(fmt.MISSING) if fmt.is_missing(row["p"]) else Cell(fmt.format_p(row["p"]), small=row["p_test"])


def sentence_case(text: str) -> str:
    """Start with a capital and end with a full stop; nothing stays nothing."""
    text = text.strip()
    return upper_first(text) + ("." if text and text[-1] not in ".?!" else "")


def second_reading_words(row: Row) -> str:
    """Say what the second reading found."""
    found = {"agree": "confirmed by a second reading", "disagree": "contradicted by a second reading"}
    return found.get(row["second_reading"], "read once")


def window_words(row: Row) -> str:
    """Give the window of a count in its short words."""
    return fmt.format_window(row["window"], row["window_words"])


def windows_words(rows: Iterable[Row]) -> str:
    """Say over what counts were made: each window once, or where there are many, how many of which kind.

    >>> windows_words({"window": w, "window_words": s} for w, s in (("30", ""), ("open", "stay"), ("30", "")))
    '30 d; stay'
    >>> windows_words({"window": w, "window_words": s} for w, s in zip(("9", "30", "open", "unstated"), "abcd"))
    '9 to 30 d (2 of 4 counts); no fixed end (1); not stated (1)'
    """
    rows = list(rows)
    if len(words := dict.fromkeys(map(window_words, rows))) <= SHOWN:
        return "; ".join(words)
    days = sorted(int(row["window"]) for row in rows if row["window"].isdigit())
    kinds = {" to ".join(map(str, dict.fromkeys(days[:1] + days[-1:]))) + " d": len(days)}
    kinds |= {fmt.format_window(kind): sum(row["window"] == kind for row in rows) for kind in (OPEN, UNSTATED)}
    said = [(words, number) for words, number in kinds.items() if number]
    return "; ".join(f"{words} ({n}{'' if i else f' of {len(rows)} counts'})" for i, (words, n) in enumerate(said))
