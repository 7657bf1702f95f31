"""Counts of events: exact, or known only within limits.

An array of events is one of integers, or, where some count is known within limits only, one of pairs (from, to). Pairs
cannot be added or compared by mistake: NumPy refuses. A model asks for the :func:`limits` or for the :func:`middle`.
"""

import numpy as np
from numpy.typing import ArrayLike

WITHIN = np.dtype([("low", np.int64), ("high", np.int64)])


def within(low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Give counts from their lower and upper limits: integers where all limits meet, else pairs.

    >>> within([16, 3], [16, 3]).tolist(), within([16, 3], [17, 3]).tolist()
    ([16, 3], [(16, 17), (3, 3)])
    """
    low, high = (np.asarray(limit, np.int64) for limit in (low, high))
    if np.array_equal(low, high):
        return low
    pairs = np.empty(low.shape, WITHIN)
    pairs["low"], pairs["high"] = low, high
    return pairs


def as_counts(events: ArrayLike) -> np.ndarray:
    """Give an array of counts from integers or pairs; pairs that are all exact become integers."""
    events = np.asarray(events)
    return within(events["low"], events["high"]) if events.dtype == WITHIN else events.astype(np.int64, copy=False)


def limits(events: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Give lower and upper limits; the same array twice where all counts are exact."""
    events = np.asarray(events)
    events = as_counts(events) if events.dtype == WITHIN else events
    return (events["low"], events["high"]) if events.dtype == WITHIN else (events, events)


def middle(events: ArrayLike) -> np.ndarray:
    """Give the middle of each count's limits: the count itself where it is exact, as it is if all are."""
    low, high = limits(events)
    return low if low is high else (low + high) / 2


def is_exact(events: ArrayLike) -> bool:
    """Say whether every count is one number."""
    low, high = limits(events)
    return low is high


def sum_of(events: ArrayLike) -> int | None:
    """Give the sum of counts; None where it is known only within limits.

    >>> sum_of([3, 4]), sum_of(within([3, 4], [3, 5]))
    (7, None)
    """
    low, high = (int(np.sum(limit)) for limit in limits(events))
    return low if low == high else None
