"""What every stage looks up in ``rows.csv`` and ``estimates.csv``: the rows of a pool, the pool, what it is, the order.

Rows are mappings, as text or typed; a missing number may be blank, None or NaN.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial

from ..words.formatting import (
    DEFAULT,
    MISSING,
    House,
    format_percent,
    format_percent_interval,
    format_percent_range,
    format_within,
    is_missing,
)
from ..words.terms import is_ok
from .files import number, numbers

Row = Mapping[str, object]
OVERALL = "all"  # the subset of all studies
DESCRIPTION_BELOW = 3  # a pool of fewer studies is a description, and is called so


class State(StrEnum):
    """What a row of ``estimates.csv`` is."""

    NO_STUDY = "no study"
    ONE_STUDY = "one study"  # with its own proportion: not pooled
    NO_EVENTS = "no events"  # only the upper limit says something
    ALL_EVENTS = "all events"
    FAILED = "failed"  # no number: the status says why
    DESCRIPTION = "description"
    POOL = "pool"


def pooled_rows(rows: Iterable[Row], analysis: str = "") -> list[Row]:
    """Give the rows that the pool of all studies uses; of one analysis, or of every one that is there."""
    return [row for row in rows if (row["subset"], row["use"]) == (OVERALL, "yes") and _is_of(row, analysis)]


def find_pool(estimates: Iterable[Row], model: str, *, analysis: str = "", subset: str = OVERALL, group="") -> Row:
    """Find the pool of all studies, or of a group of a subset, by a model; empty when there is none."""
    return next((pool for pool in find_pools(estimates, model, subset, analysis) if pool["group"] == group), {})


def find_pools(estimates: Iterable[Row], model: str, subset: str, analysis: str = "") -> list[Row]:
    """Find the pools of all groups of a subset by a model; the row with the test between them is not one."""
    return [row for row in estimates if _is_by(row, model, subset, analysis) and not is_test(row)]


def find_test(estimates: Iterable[Row], model: str, subset: str, analysis: str = "") -> Row:
    """Find the row with the test between the groups of a subset; empty when there is none."""
    return next((row for row in estimates if _is_by(row, model, subset, analysis) and is_test(row)), {})


def is_test(row: Row) -> bool:
    """Say whether a row of ``estimates.csv`` carries a test between groups, or why there is none."""
    unnamed = row["subset"] != OVERALL and not row["group"]  # a group can have no name, too, but it has rows
    return unnamed and (not is_missing(number(row, "test")) or not number(row, "k") > 0)


def state_of(pool: Row) -> State:
    """Say what a row of ``estimates.csv`` is; an empty one is no study.

    >>> row = {"studies": 2, "events": 3, "patients": 9, "estimate": 0.3, "status": "ok; two maxima"}
    >>> [str(state_of(row | more)) for more in ({}, {"studies": "1"}, {"events": 0}, {"status": "no convergence"})]
    ['description', 'one study', 'no events', 'failed']
    """
    studies, events = numbers(pool, "studies", "events")
    if not studies > 0:
        return State.NO_STUDY
    if studies == 1:
        return State.ONE_STUDY
    if events in (0, number(pool, "patients")):
        return State.ALL_EVENTS if events else State.NO_EVENTS
    if not is_ok(str(pool["status"])) or is_missing(pool["estimate"]):
        return State.FAILED
    return State.DESCRIPTION if studies < DESCRIPTION_BELOW else State.POOL


def is_pooled(pool: Row) -> bool:
    """Say whether a model pooled at least two studies: what gets a diamond."""
    return state_of(pool) in (State.DESCRIPTION, State.POOL)


def estimate_text(row: Row, decimals: int = 1, house: House = DEFAULT) -> str:
    """Give the estimate of a row with its confidence interval, in per cent."""
    return format_percent_interval(*numbers(row, "estimate", "ci_low", "ci_high"), decimals, house)


def prediction_text(row: Row, decimals: int = 1, house: House = DEFAULT) -> str:
    """Give the prediction interval of a row, in per cent."""
    return format_percent_range(*numbers(row, "pi_low", "pi_high"), decimals, house)


def row_text(row: Row, decimals: int = 1, house: House = DEFAULT) -> str:
    """Give the proportion of a row, or the span that its limits leave possible, with its confidence interval."""
    span = share_text(row, decimals, house)
    interval = format_percent_range(*numbers(row, "ci_low", "ci_high"), decimals, house)
    return span if MISSING in (span, interval) else f"{span} ({interval})"


def share_text(row: Row, decimals: int = 1, house: House = DEFAULT) -> str:
    """Give the proportion of a row, or the span that its limits leave possible, in per cent."""
    return format_within(*shares_of(row), partial(format_percent, decimals=decimals), house)


def events_text(row: Row, house: House = DEFAULT) -> str:
    """Give the events of a row or a pool, or their limits: ``16–17``."""
    return format_within(*limits_of(row), house=house)


def limits_of(row: Row) -> tuple:
    """Give the fewest and the most events that a row or a pool can have: the count twice where it is exact."""
    events = row.get("events")
    return (row.get("events_from"), row.get("events_to")) if is_missing(events) else (events, events)


def sum_events(rows: Iterable[Row]) -> dict[str, int | None]:
    """Give the events of rows together; ``events`` is None where ``events_from`` and ``events_to`` differ."""
    low, high = (sum(ends) for ends in zip((0, 0), *map(limits_of, rows), strict=True))
    return {"events": low if low == high else None, "events_from": low, "events_to": high}


def shares_of(row: Row) -> tuple[float, float]:
    """Give the least and the greatest proportion that a row leaves possible, or NaN: its own twice where exact."""
    if not is_missing(share := number(row, "proportion")):
        return share, share
    low, high = (number({"n": events}, "n") / number(row, "patients") for events in limits_of(row))
    return low, high


def sort_rows(rows: Iterable[Row], sort: str) -> list[Row]:
    """Order rows as forest plots do, by label, year, estimate or patients.

    The largest number of patients comes first, what is missing last; ties go by label, study and arm.
    """
    known = {"label": lambda row: 0.0, "estimate": lambda row: sum(shares_of(row)) / 2}
    known |= {"patients": lambda row: -number(row, "patients"), "year": lambda row: number(row, "year")}

    def place(row: Row) -> tuple:
        value = known[sort](row)
        return is_missing(value), 0.0 if is_missing(value) else value, row["label"], row["study"], row.get("arm", "")

    return sorted(rows, key=place)


def _is_of(row: Row, analysis: str) -> bool:
    return not analysis or row["analysis"] == analysis


def _is_by(row: Row, model: str, subset: str, analysis: str) -> bool:
    return (row["subset"], row["model"]) == (subset, model) and _is_of(row, analysis)
