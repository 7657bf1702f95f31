"""Total events over total patients: what anyone can check with a pocket calculator."""

import numpy as np

from .proportions import clopper_pearson
from .result import Pooled


def pool_crude(events: np.ndarray, patients: np.ndarray, study: np.ndarray, level: float = 0.95) -> Pooled:
    """Pool by summing, as if all patients came from one study.

    The exact (Clopper–Pearson) interval ignores that studies differ, so it is too narrow when they do.
    """
    total, size = int(np.sum(events)), int(np.sum(patients))
    low, high = clopper_pearson(total, size, level)
    return Pooled(
        "crude",
        len(events),
        len(np.unique(study)),
        total,
        size,
        estimate=total / size,
        ci_low=float(low),
        ci_high=float(high),
    )
