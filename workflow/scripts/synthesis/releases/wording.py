"""Estimates before and after as text, with as many decimals as it takes to tell them apart."""

from ..tables.files import number, numbers
from ..tables.pools import estimate_text, events_text, prediction_text
from ..words.formatting import (
    MISSING,
    decimals_for,
    format_count,
    format_p,
    format_tau2,
    format_test,
)
from ..words.terms import remarks_of, with_remark
from .snapshot import Row

MOST = 6  # decimals


def decimals_apart(before: Row | None, after: Row | None) -> int:
    """Give the decimals at which two estimates, or their intervals, print differently."""
    known = [row for row in (before, after) if row is not None]
    least = decimals_for(number(row, "estimate") for row in known)
    if len(known) < 2 or all(before[key] == after[key] for key in ("estimate", "ci_low", "ci_high")):
        return least
    return next((d for d in range(least, MOST) if estimate_text(before, d) != estimate_text(after, d)), least)


def estimate_words(row: Row | None, decimals: int) -> str:
    """Give an estimate, or the test a row carries, and what is wrong with it; k counts studies, not their arms.

    >>> row = {"estimate": "0.1", "ci_low": "0.05", "ci_high": "0.2", "k": "7", "studies": "4", "status": "ok"}
    >>> estimate_words(row, 1)
    '10.0 (5.0–20.0), k = 4'
    """
    if row is None:
        return MISSING
    text = f"k = {row['studies'] or row['k']}"
    if row["estimate"]:
        text = f"{estimate_text(row, decimals)}, {text}"
    elif row["test_p"]:
        text = format_test(*numbers(row, "test", "test_df", "test_p"))
    return with_remark(text, remarks_of(row["status"]))


def cells(row: Row, decimals: int) -> list[str]:
    """Give the cells of a pool: studies, events, patients, estimate with both intervals, heterogeneity."""
    studies, patients = map(format_count, numbers(row, "studies", "patients"))
    estimate, remarks = estimate_text(row, decimals), remarks_of(row["status"])
    estimate = remarks if remarks and estimate == MISSING else with_remark(estimate, remarks)
    return [
        *(studies, events_text(row), patients),
        estimate,
        prediction_text(row, decimals),
        format_tau2(number(row, "tau2")),
        format_p(number(row, "q_p")),
    ]
