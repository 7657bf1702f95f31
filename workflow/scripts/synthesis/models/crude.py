"""Total events over total patients: what anyone can check with a pocket calculator."""

from dataclasses import replace

import numpy as np

from ..words.terms import MIDDLE, OK, with_remark
from .proportions import clopper_pearson
from .result import Pooled, blank_pool


def pool_crude(events: np.ndarray, patients: np.ndarray, study: np.ndarray, level: float = 0.95) -> Pooled:
    """Pool by summing, as if all patients came from one study.

    The exact (Clopper–Pearson) interval ignores that studies differ, so it is too narrow when they do.
    """
    blank = blank_pool("crude", events, patients, study)
    y = blank.events if blank.events is not None else (blank.events_from + blank.events_to) / 2
    low, high = clopper_pearson(y, blank.patients, level)
    status = with_remark(OK, "" if blank.events is not None else MIDDLE)
    return replace(blank, estimate=y / blank.patients, ci_low=float(low), ci_high=float(high), status=status)
