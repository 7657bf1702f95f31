"""The probability of a count that is known only within limits, at any proportion: height, slope and curvature.

``S(η) = Σ C(n, y) p^y q^(n − y)`` over y from ``low`` to ``high``, with η the logit of p. Its logarithm is concave in η
(Prékopa). Few counts are summed as they are. Of many, slope and curvature need no sum, since that of the derivatives
telescopes to what enters at ``low`` and leaves at ``high``; S is a difference of incomplete beta functions where p is
not far from the limits. Elsewhere it is summed outwards from its greatest term, by ratios, in blocks of counts, until
nothing is added: as exact in the farthest tail as at the top, and a register's "1 to 20000" takes no more memory than
"16 to 17".
"""

from functools import cache

import numpy as np
from scipy.special import betainc, betaln

from .counts import WITHIN, limits
from .proportions import log_binomial, log_ratio, log_saturated

NARROW = 16  # counts that are summed at once
WIDE = 32  # counts from which the incomplete beta functions are quicker
SURE = 1e-20  # the least S that they give
CANCELLED = 1e-3  # of the greater of the two, the least difference
TINY = 1e-18  # of the sum: what a term is not worth
CLOSE = 1 << 17  # numbers in a block: what a processor keeps close
FARTHEST = 700.0  # logits from which the odds would overflow


def log_within(low, high, n, eta) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the log probability of a count within limits, its slope and its negative second derivative in the logit.

    All four of shapes that broadcast; counts may be floats.

    >>> [part.round(6).tolist() for part in log_within(1, 2, 2, np.array([0.0]))]  # log(3 / 4), then 4 / 3 − 1, …
    [[-0.287682], [0.333333], [0.277778]]
    """
    low, high, n, eta = (np.asarray(part, float) for part in (low, high, n, eta))
    shape = np.broadcast_shapes(*(part.shape for part in (low, high, n, eta)))
    small = np.exp(-np.abs(eta))
    p = np.where(eta > 0, 1, small) / (1 + small)
    q = np.where(eta > 0, small, 1) / (1 + small)
    if np.max(high - low, initial=0) < NARROW:
        return _sum_few(low, high, n, eta, p, q)
    top = np.clip(np.floor((n + 1) * p), low, high)  # the greatest term, for the terms are log-concave
    total = _difference(*(np.broadcast_to(part, shape) for part in (low, high, n, p, q)))
    far, beyond = total == 0, np.zeros(shape)
    odds = np.exp(np.clip(eta, -FARTHEST, FARTHEST))
    total[far], beyond[far] = _sum_outwards(*(np.broadcast_to(part, shape)[far] for part in (top, low, high, n, odds)))
    unit = np.where(far, log_binomial(top, n, eta), 0.0)  # what the sum is relative to
    # d/dη of the probability of y or more is y q C(n, y) p^y q^(n − y), which is (n − y + 1) p times that of y − 1.
    enters = low * q * np.exp(log_binomial(low, n, eta) - unit) / total
    leaves = (n - high) * p * np.exp(log_binomial(high, n, eta) - unit) / total
    slope = enters - leaves
    mean = np.where(far, beyond / total, n * p - top + slope)  # of the count within its limits, less its likeliest
    bend = enters * (low - top - mean - p) - leaves * (high - top - mean + q)
    return np.minimum(unit + np.log(total), 0.0), slope, np.maximum(-bend, 0.0)


def _sum_few(low, high, n, eta, p, q) -> tuple[np.ndarray, ...]:
    """Give what :func:`log_within` gives from the terms themselves."""
    low, high, n = (part[..., None] for part in np.broadcast_arrays(low, high, n))
    step = np.arange(int(np.max(high - low, initial=0)) + 1)
    with np.errstate(divide="ignore"):
        ratio = np.log(np.maximum(n - low - step[:-1], 0) / (low + step[1:]))
    terms = np.concatenate([np.zeros_like(low), np.cumsum(ratio, axis=-1)], axis=-1)
    terms = np.where(step <= high - low, terms, -np.inf) + step * eta[..., None]
    top = terms.max(axis=-1)
    weight = np.exp(terms - top[..., None])
    total = weight.sum(axis=-1)
    mean = weight @ step / total
    spread = np.maximum(weight @ step**2 / total - mean**2, 0)
    low, n = low[..., 0], n[..., 0]
    value = log_binomial(low, n, eta) + top + np.log(total)
    return np.minimum(value, 0.0), low - n * p + mean, np.maximum(n * p * q - spread, 0)


def _difference(low, high, n, p, q) -> np.ndarray:
    """Give S as the probability of ``low`` or more less that of more than ``high``; 0 where not exact enough."""
    total = np.zeros(p.shape)
    wide = high - low >= WIDE
    low, high, n, p, q = (part[wide] for part in (low, high, n, p, q))
    over = n * p > (low + high) / 2  # the mirror image is the better one there
    low, high, p = np.where(over, n - high, low), np.where(over, n - low, high), np.where(over, q, p)
    with np.errstate(invalid="ignore"):
        more = np.where(low == 0, 1.0, betainc(low, n - low + 1, p))
        most = np.where(high == n, 0.0, betainc(high + 1, n - high, p))
    total[wide] = np.where((more > SURE) & (more - most > CANCELLED * more), more - most, 0.0)
    return total


def _sum_outwards(top, low, high, n, odds) -> np.ndarray:
    """Sum the terms from ``low`` to ``high``, relative to the greatest one, and their distances from it."""
    sums = np.stack([np.ones(top.size), np.zeros(top.size)])
    # Upwards, each term is (n − y) / (y + 1) times the odds of the one before; downwards it is the mirror image.
    for side, first, last, ratio in ((1, top, high, odds), (-1, n - top, n - low, 1 / odds)):
        live, here, term = np.arange(top.size), first, np.ones(top.size)
        while len(live := live[go := (here < last[live]) & (term > TINY * sums[0, live])]):
            here, term = here[go], term[go]
            y = here[:, None] + np.arange(min(max(CLOSE // len(live), 4), int((last[live] - here).max())))
            terms = (n[live, None] - y) / (y + 1) * ratio[live, None]
            terms[y >= last[live, None]] = 0
            terms = np.cumprod(terms, axis=1) * term[:, None]
            sums[0, live] += terms.sum(axis=1)
            sums[1, live] += side * np.einsum("ij,ij->i", terms, y + 1 - first[live, None])
            here, term = y[:, -1] + 1, terms[:, -1]
    return sums


@cache
def highest(low: int, high: int, n: int) -> tuple[float, float]:
    """Give the logit at which a count within limits is likeliest, and its log probability there.

    Slope 0 means ``(p / q)^(high − low + 1) = B(high + 1, n − high) / B(low, n − low + 1)``: at minus infinity where 0
    is among the counts, at infinity where n is; anywhere, so 0, where both are.
    """
    if low == 0 or high == n:
        return (0.0 if low == 0 and high == n else -np.inf if low == 0 else np.inf), 0.0
    logit = float(betaln(high + 1, n - high) - betaln(low, n - low + 1)) / (high - low + 1)
    return logit, float(log_within(low, high, n, logit)[0])


def highest_of(events: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Give :func:`highest` for counts of any shape: (2, …)."""
    low, high, n = (np.asarray(part) for part in (*limits(events), patients))
    found = [highest(*map(int, one)) for one in zip(low.flat, high.flat, n.flat, strict=True)]
    return np.array(found, float).reshape(-1, 2).T.reshape(2, *low.shape)


def log_highest(events: np.ndarray, patients: np.ndarray) -> float:
    """Give the sum of log probabilities, each count at the proportion at which it is likeliest."""
    if events.dtype != WITHIN:
        return log_saturated(events, patients)
    wide = events["low"] < events["high"]
    return log_saturated(events["low"][~wide], patients[~wide]) + highest_of(events[wide], patients[wide])[1].sum()


def log_ratios(events: np.ndarray, patients: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give log probabilities of counts relative to their highest, with slopes and negative second derivatives.

    Counts, or pairs of limits, have the shape (studies, arms), logits and results (points, studies, arms) or
    (…, nodes).
    """
    y, n = events["low"] if events.dtype == WITHIN else events, patients
    value, p, q = log_ratio(y, n, eta)
    more = (..., *[None] * (eta.ndim - 3))
    y, n = y[more], n[more]
    slope, weight = y * q - (n - y) * p, n * p * q
    if events.dtype == WITHIN:
        i, j = np.nonzero(events["low"] < events["high"])
        some, size = events[i, j], patients[i, j]
        found = log_within(some["low"][more], some["high"][more], size[more], eta[:, i, j])
        value[:, i, j], slope[:, i, j], weight[:, i, j] = found
        value[:, i, j] -= highest_of(some, size)[1][more]
    return value, slope, weight
