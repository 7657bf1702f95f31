"""Numbers in the words of a clinician: natural frequencies, and sentences that claim no more than the interval."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from ..tables.files import number
from ..words.formatting import MISSING, format_count, format_percent_interval, format_percent_range, is_missing
from ..words.prose import plural
from ..words.terms import ONE_STUDY, is_ok, remarks_of
from .summary import DESCRIPTION_BELOW, Row, pool_numbers

RARE = 0.01  # below it, per 1,000 says more than per 100


def format_frequency(proportion: float, base: int) -> str:
    """Give how many of so many.

    Parameters
    ----------
    proportion : float
        0 to 1.
    base : int
        100 or 1,000.

    Returns
    -------
    str
        A whole number, rounded half up once; ``fewer than 1`` and ``more than 99`` where it is not none or all.

    Examples
    --------
    >>> [format_frequency(p, 100) for p in (0.0657, 0, 0.003, 0.998, 1)]
    ['7', '0', 'fewer than 1', 'more than 99', '100']
    >>> format_frequency(0.0657, 1000)
    '66'
    """
    if is_missing(proportion):
        return MISSING
    found = whole(proportion, base)
    if proportion > 0 and found == 0:
        return "fewer than 1"
    if proportion < 1 and found == base:
        return f"more than {format_count(base - 1)}"
    return format_count(found)


def whole(value: float, times: int = 1) -> int:
    """Round half up to a whole number, on the shortest decimal form of the value.

    >>> whole(861.766), whole(0.065, 100)
    (862, 7)
    """
    return int((Decimal(repr(float(value))) * times).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def base_of(proportion: float) -> int:
    """Give the base a proportion reads best in."""
    return 1000 if 0 < proportion < RARE else 100


def format_frequency_range(low: float, high: float, base: int) -> str:
    """Give a range of frequencies.

    >>> format_frequency_range(0.0187, 0.2066, 100), format_frequency_range(0.011, 0.996, 100)
    ('2 to 21', '1 to more than 99')
    """
    if is_missing(low) or is_missing(high):
        return MISSING
    return f"{format_frequency(low, base)} to {format_frequency(high, base)}"


def frequency_words(pool: Row) -> str:
    """Say the estimate as a frequency: ``7 in 100``; a dash when there is none."""
    estimate = number(pool, "estimate")
    if is_missing(estimate):
        return MISSING
    base = base_of(estimate)
    return f"{format_frequency(estimate, base)} in {format_count(base)}"


def interval_words(pool: Row, decimals: int, level: str) -> str:
    """Give the estimate with its interval: ``6.6% (95% CI 4.1–10.4)``."""
    text = format_percent_interval(*pool_numbers(pool), decimals)
    return text if text == MISSING else text.replace(" (", f"% ({level} CI ", 1)


def prediction_words(pool: Row, decimals: int, level: str) -> tuple[str, str]:
    """Say what a new centre could see, and the interval behind it.

    Returns
    -------
    sentence, interval : str
        Below three studies, the reason why there is none, and a blank.
    """
    low, high = number(pool, "pi_low"), number(pool, "pi_high")
    text = format_percent_range(low, high, decimals)
    if text == MISSING:
        return "Too few studies to say what a new centre could see.", ""
    base = base_of(number(pool, "estimate"))
    sentence = f"A new centre could see {format_frequency_range(low, high, base)} in {format_count(base)}."
    return sentence, f"{level} prediction interval {text}%"


def kind_words(pool: Row) -> str:
    """Say what the number is: a pool, a description of two studies, one study, or nothing."""
    k = int(pool["studies"]) if pool else 0
    if k == 0:
        return "No study"
    if pool["status"] == ONE_STUDY:
        return "One study, not a pool"
    if not is_ok(pool["status"]):
        return pool["status"][:1].upper() + pool["status"][1:]
    remarks = f" ({remarks})" if (remarks := remarks_of(pool["status"])) else ""
    if k < DESCRIPTION_BELOW:
        return f"A description of {k} studies, not a pool{remarks}"
    return f"Pool of {k} studies{remarks}"


def counts_words(pool: Row, unit: str) -> str:
    """Give the counts behind a pool: ``4 studies, 36 of 512 patients``."""
    if not pool or not int(pool["studies"]):
        return "No study"
    events, patients = format_count(int(pool["events"])), format_count(int(pool["patients"]))
    return f"{plural(int(pool['studies']), 'study', 'studies')}, {events} of {patients} {unit}"


def sentence_case(text: str) -> str:
    """Start with a capital and end with a full stop."""
    text = text.strip()
    return text if not text else text[:1].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")


def listed(names: Sequence[str], most: int = 12) -> str:
    """List names; beyond ``most``, say how many more there are."""
    shown = list(names[:most])
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")
