"""A flat list of the studies of many data sets: what is fitted at once."""

from dataclasses import dataclass

import numpy as np

from .censored import log_within
from .counts import limits, middle


@dataclass
class Pairs:
    """The studies of a list of data sets, one after the other; ``centre`` remembers where each integrand peaks.

    ``events`` of a count known only within limits are their middle; ``ends`` are the limits, of shape (pairs, 2), or
    None where all counts are exact. ``direction`` is what a log odds moves by in each parameter: covariates, and 1 for
    τ times the study effect.
    """

    events: np.ndarray
    patients: np.ndarray
    direction: np.ndarray
    owner: np.ndarray
    starts: np.ndarray
    centre: np.ndarray
    ends: np.ndarray | None = None

    @classmethod
    def of(cls, events: np.ndarray, patients: np.ndarray, mask: np.ndarray, design: np.ndarray) -> "Pairs":
        """Give the studies that a mask of data sets × studies leaves; all share a design of studies × covariates."""
        owner, column = np.nonzero(mask)
        starts, direction = np.searchsorted(owner, np.arange(len(mask))), np.insert(design, design.shape[1], 1, axis=1)
        at = owner, column
        low, high = limits(events[at])
        ends = None if low is high else np.column_stack([low, high])
        y = middle(events[at]).astype(float)
        return cls(y, patients[at], direction[column], owner, starts, np.zeros(len(owner)), ends)

    def keep(self, sets: np.ndarray) -> "Pairs":
        """Give the pairs of some of the data sets, numbered anew."""
        number = np.full(len(self.starts), -1)
        number[sets] = np.arange(len(sets))
        chosen = number[self.owner] >= 0
        owner = number[self.owner[chosen]]
        starts = np.searchsorted(owner, np.arange(len(sets)))
        parts = (part[chosen] for part in (self.events, self.patients, self.direction))
        return Pairs(*parts, owner, starts, self.centre[chosen], None if self.ends is None else self.ends[chosen])

    def within(self, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Give which counts are known only within limits; their log probabilities, slopes and curvatures at logits.

        Logits are of shape (pairs,) or (pairs, nodes); the probabilities have all their factors.
        """
        if self.ends is None:
            return (slice(0, 0), *np.zeros((3, *eta[:0].shape)))
        rows = np.flatnonzero(self.ends[:, 0] < self.ends[:, 1])
        more = (..., *[None] * (eta.ndim - 1))
        low, high = self.ends[rows].T
        return rows, *log_within(low[more], high[more], self.patients[rows][more], eta[rows])

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the studies of each data set."""
        return np.add.reduceat(values, self.starts, axis=0)
