"""Rules for integrating over a study effect, centred at the mode of each study's own integrand."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import roots_hermite


@dataclass(frozen=True)
class Rule:
    """Nodes and logarithms of weights for the integral of f over the whole line.

    Parameters
    ----------
    x, log_weight : ndarray of shape (nodes,)
        The integral is ``h Σ exp(log_weight) f(c + h x)`` with a centre c and a half width h for each study.
    by_curvature : bool
        Whether c is the mode of f and h follows from the curvature there (Gauss–Hermite), or the two span where f is
        not negligible (trapezoidal rule).
    """

    x: np.ndarray
    log_weight: np.ndarray
    by_curvature: bool

    def __len__(self) -> int:
        return len(self.x)


@cache
def gauss_hermite(nodes: int) -> Rule:
    """Give the adaptive Gauss–Hermite rule: exact for a normal density times a polynomial of degree < 2 × nodes.

    References
    ----------
    Liu Q, Pierce DA. A note on Gauss–Hermite quadrature. Biometrika 1994;81:624–9, equation 2.
    """
    x, weight = roots_hermite(nodes)
    with np.errstate(divide="ignore"):  # the outermost weights of many nodes underflow to 0: they add nothing
        return Rule(x, np.log(weight) + x**2, by_curvature=True)


@cache
def trapezoid(nodes: int) -> Rule:
    """Give the trapezoidal rule on −1 to 1: converges geometrically for a smooth integrand that decays on both sides.

    Far better than Gauss–Hermite when τ is large and a study has no events: the integrand is then half a normal
    density with a steep edge, which no scaling at the mode describes.

    References
    ----------
    Trefethen LN, Weideman JAC. The exponentially convergent trapezoidal rule. SIAM Rev 2014;56:385–458, section 5.
    """
    return Rule(np.linspace(-1, 1, nodes), np.full(nodes, np.log(2 / (nodes - 1))), by_curvature=False)
