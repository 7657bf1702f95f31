"""Every number becomes text here, once: figures, tables, documents and prose print the same string.

Rounding starts from full precision and goes half up on the shortest decimal form of the number, as a reader with a
pocket calculator does: 1 of 16 is 6.25 %, printed 6.3 (binary round-half-even would print 6.2).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import wraps
from math import floor, inf, isfinite, isinf, log10

from .levels import OPEN, UNSTATED

MISSING = "–"
DASH = "–"
MINUS = "−"
P_LIMITS = tuple(map(Decimal, ("0.001", "0.01", "0.05", "0.1")))  # where readers take a P value for a verdict
NO_DIFFERENCE = (Decimal(1),)  # of ratios
NOISE = Decimal("1e-12")  # nearer to a limit than this, a value is on it: the rest is rounding error


@dataclass(frozen=True)
class House:
    """The house style of a journal."""

    leading_zero: bool = True  # P = 0.34, or P = .34
    dash: bool = True  # ranges with an en dash (6.5–9.9), or with "to"


HOUSES = {"default": House(), "jama": House(leading_zero=False), "bmj": House(dash=False)}
DEFAULT = HOUSES["default"]


def is_missing(value: object) -> bool:
    """Say whether there is no number: None, NaN, NA or blank.

    >>> [is_missing(value) for value in (None, float("nan"), "", 0, "0")]
    [True, True, True, False, False]
    """
    if value is None or isinstance(value, str):
        return not value
    try:
        return bool(value != value)  # only what is no number differs from itself
    except TypeError:  # pandas' NA is neither equal nor unequal; found so, no job waits for pandas to print a number
        return True


def _or_missing(print_: Callable[..., str]) -> Callable[..., str]:
    """Print a dash where the first number is missing."""

    @wraps(print_)
    def printed(value: object, *more: object, **named: object) -> str:
        return MISSING if is_missing(value) else print_(value, *more, **named)

    return printed


def format_window(window: int | str | None, words: str | None = None) -> str:
    """Give a window in short words: the sheet's own where it has some.

    >>> [format_window(window) for window in (90, "90", None, "unstated", "open")]
    ['90 d', '90 d', 'not stated', 'not stated', 'no fixed end']
    >>> format_window("open", "stay or 30 d")
    'stay or 30 d'
    """
    named = {None: "not stated", UNSTATED: "not stated", OPEN: "no fixed end"}
    return words or named.get(window) or f"{window} d"


@_or_missing
def format_count(value: object) -> str:
    """Give a count with a thousands comma.

    >>> format_count(1204), format_count(float("nan"))
    ('1,204', '–')
    """
    return f"{int(value):,}"


def decimals_for(estimates: Iterable[float]) -> int:
    """Give the decimals of the percentages of one panel: 2 when its largest estimate is below 1 %, else 1.

    >>> decimals_for([0.004, 0.0099]), decimals_for([0.004, 0.12]), decimals_for([0.0])
    (2, 1, 1)
    """
    known = [value for value in estimates if not is_missing(value)]
    return 2 if known and 0 < max(known) < 0.01 else 1


@_or_missing
def format_percent(proportion: float, decimals: int = 1) -> str:
    """Give a proportion (0 to 1) in per cent, without the sign.

    Only a true 0 is printed ``0.0`` and only a true 1 ``100.0``: what would round to them is ``<0.1`` or ``>99.9``,
    since "none" and "all" are claims of their own.

    >>> [format_percent(p) for p in (0.0945, 0, 0.0004, 0.9999, 1)]
    ['9.5', '0.0', '<0.1', '>99.9', '100.0']
    """
    text, step = _fixed(proportion, decimals, shift=2), Decimal(1).scaleb(-decimals)
    if proportion > 0 and Decimal(text) == 0:
        return f"<{step}"
    if proportion < 1 and Decimal(text) == 100:
        return f">{100 - step}"
    return text


def format_within(low: object, high: object, print_: Callable[..., str] = format_count, house: House = DEFAULT) -> str:
    """Give a count or a proportion that is known only within limits; one number where both print the same.

    >>> format_within(16, 17), format_within(16, 16), format_within(16 / 168, 17 / 168, format_percent)
    ('16–17', '16', '9.5–10.1')
    """
    texts = print_(low), print_(high)
    return texts[0] if texts[0] == texts[1] or MISSING in texts else _range(*texts, house)


def format_percent_range(low: float, high: float, decimals: int = 1, house: House = DEFAULT) -> str:
    """Give an interval in per cent without brackets, for prose and for prediction intervals.

    >>> format_percent_range(0.0497, 0.1589), format_percent_range(0.95, 0.9998)
    ('5.0–15.9', '95.0 to >99.9')
    """
    if is_missing(low) or is_missing(high):
        return MISSING
    return _range(format_percent(low, decimals), format_percent(high, decimals), house)


@_or_missing
def format_percent_interval(estimate: float, low: float, high: float, decimals: int = 1, house: House = DEFAULT) -> str:
    """Give an estimate with its interval, in per cent.

    >>> format_percent_interval(0.0938, 0.0497, 0.1589), format_percent_interval(0, 0, 0.185)
    ('9.4 (5.0–15.9)', '0.0 (0.0–18.5)')
    """
    limits = format_percent_range(low, high, decimals, house)
    return format_percent(estimate, decimals) + ("" if limits == MISSING else f" ({limits})")


@_or_missing
def format_p(p: float, house: House = DEFAULT) -> str:
    """Give a P value with its letter.

    2 decimals, 3 below 0.01, ``P < 0.001`` below that, and never ``P = 1.00``. As many more as show on which side of
    0.001, 0.01, 0.05 or 0.1 the value lies: 0.048 is not 0.05.

    >>> format_p(0.344), format_p(0.0042), format_p(0.0002), format_p(0.999), format_p(0.344, HOUSES["jama"])
    ('P = 0.34', 'P = 0.004', 'P < 0.001', 'P > 0.99', 'P = .34')
    >>> format_p(0.048), format_p(0.0496), format_p(0.05), format_p(0.050001)
    ('P = 0.048', 'P = 0.0496', 'P = 0.05', 'P > 0.05')
    """
    if p < 0.001:
        text = "<0.001"
    elif p >= 0.995:
        text = ">0.99"
    else:
        text = _beside(p, 3 if p < 0.01 else 2, P_LIMITS)
    text = f"P {_equals(text)}"
    return text if house.leading_zero else text.replace(" 0.", " .")


@_or_missing
def format_i2(i2: float) -> str:
    """Give I² (0 to 100) as a whole per cent.

    >>> format_i2(43.43), format_i2(0.0), format_i2(0.2), format_i2(99.8)
    ('43%', '0%', '<1%', '>99%')
    """
    if 0 < i2 < 0.5:
        return "<1%"
    if 99.5 <= i2 < 100:
        return ">99%"
    return f"{_fixed(i2, 0)}%"


@_or_missing
def format_tau2(tau2: float) -> str:
    """Give τ²: 2 decimals, 3 below 0.1, and a bare 0 where it was estimated at the boundary.

    >>> format_tau2(0.1027), format_tau2(0.0634), format_tau2(0.0), format_tau2(2e-5)
    ('0.10', '0.063', '0', '<0.001')
    """
    if tau2 == 0:
        return "0"
    text = _fixed(tau2, 3 if tau2 < 0.1 else 2)
    return "<0.001" if Decimal(text) == 0 else text


@_or_missing
def format_statistic(value: float) -> str:
    """Give a test statistic with 2 decimals.

    >>> format_statistic(7.9059), format_statistic(1234.5), format_statistic(0.001)
    ('7.91', '1,234.50', '<0.01')
    """
    text = _fixed(value, 2)
    return "<0.01" if value > 0 and Decimal(text) == 0 else f"{Decimal(text):,}"


@_or_missing
def format_odds_ratio(ratio: float) -> str:
    """Give a ratio with 3 significant digits; with more where it would read as 1 and is not.

    >>> [format_odds_ratio(x) for x in (0.4567, 1, 9.999, 23.46, 1234.4, 0.00002, 0, float("inf"))]
    ['0.457', '1.00', '10.0', '23.5', '1,234', '<0.001', '0', '∞']
    >>> [format_odds_ratio(x) for x in (1.004, 0.9996, 1.00001)]
    ['1.004', '0.9996', '>1.00']
    """
    if isinf(ratio):
        return "∞"
    if ratio == 0:
        return "0"
    if ratio < 0.001:
        return "<0.001"
    decimals = _digits_after(ratio)
    if _digits_after(float(_fixed(ratio, decimals))) < decimals:  # 9.999 rounds up into the next power of ten
        decimals -= 1
    text = _beside(ratio, decimals, NO_DIFFERENCE)
    return text if text[0] in "<>" else f"{Decimal(text):,}"


@_or_missing
def format_ratio_interval(ratio: float, low: float, high: float, house: House = DEFAULT) -> str:
    """Give a ratio with its interval; a limit that does not exist is infinite.

    >>> format_ratio_interval(2.344, 1.102, 4.98), format_ratio_interval(float("inf"), 1.29, float("inf"))
    ('2.34 (1.10–4.98)', '∞ (1.29–∞)')
    """
    if is_missing(low) or is_missing(high):
        return format_odds_ratio(ratio)
    return f"{format_odds_ratio(ratio)} ({_range(format_odds_ratio(low), format_odds_ratio(high), house)})"


@_or_missing
def format_difference(difference: float, low: float, high: float, decimals: int = 1) -> str:
    """Give a difference of proportions in percentage points; always with ``to``, since it can be negative.

    Only what is 0 is printed ``0.0``: the sign of a limit says whether the interval holds no difference.

    >>> format_difference(-0.0321, -0.0814, 0.0167), format_difference(0, -0.0002, 0.000001)
    ('−3.2 (−8.1 to 1.7)', '0.0 (−0.02 to <0.001)')
    """
    text = _signed(difference, decimals)
    if is_missing(low) or is_missing(high):
        return text
    return f"{text} ({_signed(low, decimals)} to {_signed(high, decimals)})"


def format_heterogeneity(
    tau2: float, i2: float, statistic: float, df: float, p: float, *, scale: str = "logit", house: House = DEFAULT
) -> str:
    """Give one line on heterogeneity, leaving out what does not exist; blank when nothing does.

    >>> format_heterogeneity(0.1234, 31.2, 4.351, 3, 0.226)
    'τ² = 0.12 (logit scale); I² = 31%; χ² = 4.35, df = 3, P = 0.23'
    """
    parts = [
        (tau2, f"τ² {_equals(format_tau2(tau2))}" + (f" ({scale} scale)" if scale else "")),
        (i2, f"I² {_equals(format_i2(i2))}"),
        (statistic, format_test(statistic, df, p, house)),
    ]
    return "; ".join(text for value, text in parts if not is_missing(value))


@_or_missing
def format_test(statistic: float, df: float, p: float, house: House = DEFAULT) -> str:
    """Give a χ² test: statistic, degrees of freedom, P.

    >>> format_test(1.312, 2, 0.5189)
    'χ² = 1.31, df = 2, P = 0.52'
    """
    return f"χ² {_equals(format_statistic(statistic))}, df = {format_count(df)}, {format_p(p, house)}"


def _equals(text: str) -> str:
    """Put ``=`` before a number, or space an inequality that the number brings along."""
    return f"{text[0]} {text[1:]}" if text[:1] in ("<", ">") else f"= {text}"


def _range(low: str, high: str, house: House) -> str:
    """Join two limits; with ``to`` before an inequality, where a dash would look like an arrow (–>)."""
    return f"{low}{DASH}{high}" if house.dash and high[:1] not in ("<", ">") else f"{low} to {high}"


def _signed(proportion: float, decimals: int) -> str:
    text = _beside(abs(proportion), decimals, (Decimal(0),), shift=2)
    if proportion >= 0 or Decimal(text.lstrip("<")) == 0:
        return text
    return f">{MINUS}{text[1:]}" if text[0] == "<" else MINUS + text


def _beside(value: float, decimals: int, limits: Iterable[Decimal], shift: int = 0) -> str:
    """Round, but never onto a limit that the value only comes near.

    Two decimals are added at most; beyond that the side is all that is said: ``<0.05``.
    """
    exact, first = Decimal(repr(float(value))).scaleb(shift), _fixed(value, decimals, shift)
    limit = next((limit for limit in limits if Decimal(first) == limit), exact)
    if abs(exact - limit) <= NOISE:
        return first
    finer = (_fixed(value, decimals + more, shift) for more in (1, 2))
    side = f"<{Decimal(1).scaleb(-decimals - 2)}" if limit == 0 else f"{'<' if exact < limit else '>'}{first}"
    return next((text for text in finer if Decimal(text) != limit), side)


def _fixed(value: float, decimals: int, shift: int = 0) -> str:
    """Round half up, on the shortest decimal form, so that 0.145 · 100 is 14.5 and not 14.499999999999998."""
    if not isfinite(value):
        raise ValueError(f"{value} is not a finite number: cannot print it with {decimals} decimals")
    exact = Decimal(repr(float(value))).scaleb(shift)
    return str(exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def _digits_after(value: float, significant: int = 3) -> int:
    return max(0, significant - 1 - floor(log10(value))) if 0 < value < inf else 0
