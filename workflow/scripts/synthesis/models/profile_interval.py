"""The profile-likelihood interval of τ² in the binomial–normal model: where it crosses the line below its top."""

import numpy as np

from .likelihood import Arms
from .logistic_normal import Fit, Look, close_in, see

ENDLESS = 1e9  # τ where a profile that is still above the line stays there


def profile_tau2(arms: Arms, best: Fit, drop: float) -> tuple[float, float]:
    """Give the profile-likelihood interval of τ², ``drop`` (half the χ² quantile with 1 df) below the maximum.

    ``low`` is 0 where the profile stays above the line down to 0; ``high`` is infinite where it never falls. The
    interval spans both of two maxima, whether or not the profile dips below the line between them.

    References
    ----------
    Venzon DJ, Moolgavkar SH. Appl Stat 1988;37:87–94: each end is a root, in β and τ together, of the score for β and
    of the distance to the line.
    """
    if not best.known:
        return 0.0, np.inf
    top = best.loglik - arms.constant - drop
    look = best.look.join(Look(np.array([best.tau]), best.beta[None], np.array([top + drop]), np.zeros(1)))
    while look.height[-1] > top and look.tau[-1] < ENDLESS:
        look = look.join(see(arms, 2 * look.tau[-1:], look))
    above = np.flatnonzero(look.height > top)
    low = 0.0 if above[0] == 0 else _end(arms, look, above[0] - 1, top)
    high = np.inf if above[-1] == len(look.tau) - 1 else _end(arms, look, above[-1], top)
    return low**2, high**2


def _end(arms: Arms, look: Look, i: int, top: float) -> float:
    """Find where the profile crosses the line between two neighbours of a look; NaN where the search fails."""
    falls = look.height[i] > look.height[i + 1]
    share = (look.height[i] - top) / (look.height[i] - look.height[i + 1])
    start = look.beta[i + 1] * share + look.beta[i] * (1 - share), look.tau[i + 1] * share + look.tau[i] * (1 - share)
    # The look is good to 1e-7 of a log likelihood, which may put the crossing just beyond either neighbour.
    theta, _, settled = close_in(
        arms,
        np.append(*start),
        0.99 * look.tau[i],
        1.01 * look.tau[i + 1],
        lambda height, slope, _: ((height > top) == falls, (top - height) / slope if slope else np.inf),
    )
    return float(theta[-1]) if settled else np.nan
