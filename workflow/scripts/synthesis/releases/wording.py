"""Estimates before and after as text, with as many decimals as it takes to tell them apart."""

from collections.abc import Sequence

from ..tables.files import number, numbers
from ..words.formatting import (
    MISSING,
    decimals_for,
    format_count,
    format_p,
    format_percent_interval,
    format_percent_range,
    format_tau2,
    format_test,
)
from ..words.terms import remarks_of, with_remark
from .snapshot import Row

MOST = 6  # decimals
INTERVAL = ("estimate", "ci_low", "ci_high")


def decimals_apart(before: Row | None, after: Row | None) -> int:
    """Give the decimals at which two estimates, or their intervals, print differently."""
    known = [row for row in (before, after) if row is not None]
    least = decimals_for(number(row, "estimate") for row in known)
    if len(known) < 2 or all(before[key] == after[key] for key in INTERVAL):
        return least
    return next((d for d in range(least, MOST) if interval(before, d) != interval(after, d)), least)


def interval(row: Row, decimals: int) -> str:
    """Give the estimate with its confidence interval."""
    return format_percent_interval(*numbers(row, *INTERVAL), decimals)


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
        text = f"{interval(row, decimals)}, {text}"
    elif row["test_p"]:
        text = format_test(*numbers(row, "test", "test_df", "test_p"))
    return with_remark(text, remarks_of(row["status"]))


def cells(row: Row, decimals: int) -> list[str]:
    """Give the cells of a pool: studies, events, patients, estimate with both intervals, heterogeneity."""
    counts = [format_count(one) for one in numbers(row, "studies", "events", "patients")]
    estimate, remarks = interval(row, decimals), remarks_of(row["status"])
    estimate = remarks if remarks and estimate == MISSING else with_remark(estimate, remarks)
    prediction = format_percent_range(*numbers(row, "pi_low", "pi_high"), decimals)
    return [*counts, estimate, prediction, format_tau2(number(row, "tau2")), format_p(number(row, "q_p"))]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Give a Markdown table whose columns line up, some to the right, so that it reads as well in a terminal.

    >>> print(markdown_table(["a", "n"], [["x|y", "12"]], right=[1]))
    | a    |  n |
    | ---- | -: |
    | x\\|y | 12 |
    """
    table = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in row] for row in [head, *rows]]
    widths = [max(2, *map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * (width - 1) + ":" if i in right else "-" * width for i, width in enumerate(widths)]
    lines = [
        [cell.rjust(widths[i]) if i in right else cell.ljust(widths[i]) for i, cell in enumerate(row)] for row in table
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])
