"""Where the true proportion of a new study would lie."""

import numpy as np
from scipy.special import expit, stdtrit


def prediction_interval(
    mean: float, se: float, tau2: float, k: int, level: float = 0.95, back=expit
) -> tuple[float, float]:
    """Give the prediction interval of a pooled logit, or of another scale with its way ``back``, as proportions.

    ``mean ± t(k − 1) √(τ² + se²)``, back-transformed; NaN below three studies.

    References
    ----------
    Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A 2009;172:137–59, equation 12, with k − 1 degrees of
    freedom (Partlett & Riley, Stat Med 2017;36:301–17, section 2.3; metafor's under Knapp–Hartung).
    """
    if k < 3:
        return np.nan, np.nan
    half = prediction_half_width(se, tau2, k, level)
    return float(back(mean - half)), float(back(mean + half))


def prediction_half_width(se, tau2, k, level: float = 0.95) -> np.ndarray:
    """Give half the width of prediction intervals on the scale of ``se`` and ``tau2``; NaN below three studies."""
    k = np.asarray(k)
    return np.where(k < 3, np.nan, stdtrit(np.maximum(k, 2) - 1.0, (1 + level) / 2)) * np.sqrt(tau2 + np.square(se))
