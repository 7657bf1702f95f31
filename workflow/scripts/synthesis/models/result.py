"""What every model is, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import nan

from ..words.terms import OK
from .counts import limits


@dataclass(frozen=True)
class Pooled:
    """A pooled proportion; a number that does not exist is NaN, never 0."""

    model: str
    k: int  # rows pooled
    studies: int  # that they come from
    events: int | None  # None where known only within limits
    patients: int
    events_from: int
    events_to: int
    estimate: float = nan  # a proportion, as its confidence and its prediction interval: of the median study
    ci_low: float = nan
    ci_high: float = nan
    pi_low: float = nan
    pi_high: float = nan
    se: float = nan  # on the model's own scale, as the heterogeneity variance and its interval
    tau2: float = nan
    tau2_low: float = nan
    tau2_high: float = nan
    i2: float = nan  # per cent of the variance that is between studies (Higgins & Thompson 2002, equation 9)
    q: float = nan  # Cochran's Q, or the likelihood-ratio statistic against the saturated model
    q_df: float = nan
    q_p: float = nan
    status: str = OK  # or why a number is missing
    loglik: float = nan  # maximised, with quadrature nodes and iterations, where there are such
    nodes: float = nan
    steps: float = nan


class Model(NamedTuple):
    """One way to pool: its name in ``estimates.csv``, the field's words for it, and the paper it comes from."""

    name: str
    description: str
    reference: str
    scale: str  # of ``se`` and ``tau2``; blank when there are none
    pool: Callable[..., Pooled]  # (events, patients, study, level)


def blank_pool(model: str, events, patients, study, **more) -> Pooled:
    """Give what is counted before anything is pooled."""
    low, high = (int(np.sum(limit)) for limit in limits(events))
    exact, size = low if low == high else None, int(np.sum(patients))
    return Pooled(model, len(events), len(np.unique(study)), exact, size, low, high, **more)
