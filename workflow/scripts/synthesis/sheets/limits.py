"""Counts known only within limits: how a sheet writes them, what else people write, and what a percentage leaves open.

A rounded percentage, a suppressed small cell, a sum of parts that may share patients, "at least one": each leaves
several whole numbers, and a sheet says which.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from ..protocol.scalars import whole_number
from ..tables.problems import as_typed
from ..words.levels import NOT_REPORTED

BETWEEN = re.compile(r"\s*(\S.*?)\s+to\s+(.*?\S)\s*")
MOST_NAMED = 3  # fitting counts that a message names one by one


class Limits(NamedTuple):
    """A count known only within limits: at least ``low``, at most ``high``, which is more."""

    low: int
    high: int

    def __str__(self) -> str:
        """Give the limits as a sheet writes them."""
        return f"{self.low} to {self.high}"


class Beside(str):
    """The events of a row as typed, and the patients that stand beside them: messages name both."""

    patients: int | None

    def __new__(cls, events: str, patients: Any) -> "Beside":
        """Keep the patients where they are a number."""
        text = super().__new__(cls, events)
        digits = as_typed(patients).strip()
        text.patients = int(digits) if re.fullmatch("[0-9]{1,9}", digits) else None
        return text


def read_events(value: Any) -> int | Limits | None:
    """Read a count, or the limits between which it lies: ``16``, ``16 to 17``, ``not reported``.

    >>> read_events("16"), str(read_events("16 to 17")), read_events("4 to 4"), read_events("not reported")
    (16, '16 to 17', 4, None)
    """
    if value is None or isinstance(value, Limits):
        return value
    text = as_typed(value).strip()
    if text == NOT_REPORTED:
        return None
    if wrong := other_spelling(text, getattr(value, "patients", None)):
        raise ValueError(f'"{text}" {wrong}')
    if not (found := BETWEEN.fullmatch(text)):
        return whole_number(text)
    low, high = map(whole_number, found.groups())
    if low > high:
        raise ValueError(f'"{text}" begins above its end. Write {high} to {low}.')
    return limits_or_count(low, high)


def limits_or_count(low: int, high: int) -> int | Limits:
    """Give limits, or the count itself where they meet."""
    return Limits(low, high) if low < high else low


def ends(count: int | Limits | None) -> tuple[int, int] | tuple[None, None]:
    """Give the least and the greatest number that a count can be; the same twice where it is exact."""
    return count if isinstance(count, Limits) else (count, count)


def _at_most(high: int, patients: int | None) -> str:
    """Say how a count with an upper limit is written; only the source knows whether it hides zeros as well."""
    if high < 1:
        return "is no one. Write 0." if high == 0 else "is less than nothing. Check the source."
    return f"is known only within limits. Write 0 to {high}, or {limits_or_count(1, high)} if the source prints zeros."


def _at_least(low: int, patients: int | None) -> str:
    """Say how a count with a lower limit is written: the patients are the upper one."""
    if patients is None:
        return f"is known only within limits. Write {low} to the number of patients; without one, `{NOT_REPORTED}`."
    if low > patients:
        return f"is more than patients ({patients}). Check the source."
    return f"is known only within limits. Write {limits_or_count(low, patients)}: at most all patients."


def _between(one: int, other: int, patients: int | None) -> str:
    return f"is two numbers. If the count lies between them, write {limits_or_count(*sorted((one, other)))}."


NUMBER = "([0-9]{1,9})"
# What sources print and people type → what to write; the first that fits.
OTHERS: dict[str, Callable[..., str]] = {
    rf"(?:<|under|below|less than|fewer than) ?{NUMBER}": lambda n, patients: _at_most(n - 1, patients),
    rf"(?:≤|<=|=<|up to|at most|(?:no|not) more than|max(?:imum|\.)?) ?{NUMBER}": _at_most,
    rf"{NUMBER} or (?:fewer|less)": _at_most,
    rf"(?:≥|>=|=>|at least|(?:no|not) (?:fewer|less) than|min(?:imum|\.)?) ?{NUMBER}": _at_least,
    rf"{NUMBER} ?(?:\+|(?:or|and) more)": _at_least,
    rf"(?:>|more than|over|above) ?{NUMBER}": lambda n, patients: _at_least(n + 1, patients),
    rf"(?:between |from )?{NUMBER} ?(?:[-–—−‐‑~;…]|\.\.+|to|or|and|until) ?{NUMBER}": _between,
    rf"\[ ?{NUMBER} ?, ?{NUMBER} ?\]": _between,
}


def other_spelling(text: str, patients: int | None) -> str:
    """Say what to write for a count that is spelt in another way; blank for what is no such spelling.

    >>> other_spelling("<5", 90)
    'is known only within limits. Write 0 to 4, or 1 to 4 if the source prints zeros.'
    >>> other_spelling("at least 1", 127), other_spelling("16–17", None), other_spelling("16 to 17", None)
    ('is known only within limits. Write 1 to 127: at most all patients.', 'is two numbers. If the count lies between them, write 16 to 17.', '')
    """  # noqa: E501
    if BETWEEN.fullmatch(text) and not text.lower().startswith(("between", "from", "up")):
        return ""
    for pattern, said in OTHERS.items():
        if found := re.fullmatch(pattern, text, re.IGNORECASE):
            return said(*map(int, found.groups()), patients)
    if re.fullmatch(r"(?:~|≈|about|around|approximately|approx\.?|ca\.?|circa) ?[0-9]+", text, re.IGNORECASE):
        return f"is not a whole number. Write the limits that the source leaves, as in 16 to 17, or `{NOT_REPORTED}`."
    if patients and (found := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%", text)):
        said = "is a percentage. Write the count here and the percentage under `reported`."
        return f"{said} {fit_words(f'{found[1]}%', patients)}"
    return ""


def fitting(reported: str, patients: int) -> range:
    """Give the counts of so many patients whose percentage, rounded, is the printed one.

    >>> list(fitting("10%", 168)), list(fitting("10.1%", 168)), list(fitting("10.6 %", 120))
    ([16, 17], [17], [])
    """
    printed = Decimal(reported.rstrip("% "))
    half = Fraction(1, 2) / 10 ** -printed.as_tuple().exponent
    low, high = ((Fraction(printed) + side * half) * patients / 100 for side in (-1, 1))
    return range(max(0, ceil(low)), min(patients, floor(high)) + 1)


def named(counts: range) -> str:
    """Name counts in a sentence.

    >>> named(range(16, 18)), named(range(16, 30)), named(range(3, 4))
    ('16 and 17', '16 to 29', '3')
    """
    every = [*map(str, counts[:MOST_NAMED])]
    if len(counts) > MOST_NAMED:
        return str(Limits(counts[0], counts[-1]))
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def fit_words(reported: str, patients: int) -> str:
    """Say which counts a printed percentage leaves open, and how to write them."""
    counts = fitting(reported, patients)
    if not counts:
        return f"No count of {patients} patients is printed as {reported}. Check both in the source."
    write = f"write `events: {limits_or_count(counts[0], counts[-1])}` and `basis: derived`"
    return f"Of {patients} patients, {named(counts)} {'fits' if len(counts) == 1 else 'fit'} {reported}: {write}."
