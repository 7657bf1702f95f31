"""The likelihood of the beta-binomial model, as sums over patients that are gathered once and shared.

See :mod:`synthesis.models.betabinom` for the model. A sum over all patients of a study takes one node a term at first
and a few Gauss nodes for each long run after that, so a study of a million patients costs little more than one of 100.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit, gammaln, logit

ROUNDING = 1e-15  # of a likelihood or score, for each patient in the data set
PLAIN = 64  # terms of a sum that are taken one by one
STEPS = 60  # of a climb, and halvings of a step
TINY = 1e-12  # the least curvature that a step is taken by
GAUSS = 12  # nodes that stand for a run of up to as many terms as precede it: relative error below 1e-15


class Spans(NamedTuple):
    """Counts within limits of a stack of data sets, one after the other, each of shape (data sets, studies, counts).

    Studies whose limits lie closer than those of others are padded with steps of weight 0 and counts of weight 0.
    """

    low: np.ndarray  # (data sets, studies, 1)
    last: np.ndarray  # non-events beyond the first count, less one: (data sets, studies, 1)
    step: np.ndarray  # 1 where the next count still is within limits
    log_weight: np.ndarray  # of the counts: their binomial coefficients


@dataclass(frozen=True)
class Sums:
    """The sums over j of a stack of data sets, as weights on shared nodes.

    ``yes``, ``no`` and ``all`` are nodes j, shape (nodes,), and how many studies of each data set have more events
    (non-events, patients) than j, shape (data sets, nodes), times the terms that a node stands for. The rest has the
    shape (data sets,): the proportion that is likeliest without overdispersion, patients of the largest study and of
    all, and logarithms of the binomial coefficients. Of a count within limits the sums have what all counts within them
    share; ``spans`` has the rest.
    """

    yes: tuple[np.ndarray, np.ndarray]
    no: tuple[np.ndarray, np.ndarray]
    all: tuple[np.ndarray, np.ndarray]
    crude: np.ndarray
    largest: np.ndarray
    patients: np.ndarray
    constant: np.ndarray
    spans: "Spans | None" = None

    def take(self, rows: np.ndarray) -> "Sums":
        """Keep some of the data sets."""
        parts = ((x, weight[rows]) for x, weight in (self.yes, self.no, self.all))
        spans = None if self.spans is None else Spans(*(part[rows] for part in self.spans))
        return Sums(*parts, self.crude[rows], self.largest[rows], self.patients[rows], self.constant[rows], spans)

    def falls(self, new: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Say where a log likelihood is lower than another by more than rounding."""
        return ~(new >= old - 1e-13 * np.abs(old) - 10 * ROUNDING * self.patients)


@cache
def _run(terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the Gauss rule of a sum over j = 0 … terms − 1: exact for polynomials of degree < 2 × ``GAUSS``.

    The nodes are the zeros of the discrete Chebyshev (Gram) polynomials.

    References
    ----------
    Gautschi W. Orthogonal polynomials: computation and approximation. Oxford 2004, table 1.2 (recurrence) and
    section 3.1.1 (Golub–Welsch).
    """
    i = np.arange(1, GAUSS)
    off = np.sqrt(i**2 * (float(terms) ** 2 - i**2) / (4 * (4 * i**2 - 1)))
    values, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return values + (terms - 1) / 2, terms * vectors[0] ** 2


def sum_nodes(tops: np.ndarray, first: int = 0, plain: int = PLAIN) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give nodes that turn Σ_{first≤j<top} f(j) into a short weighted sum, for every top at once.

    ``plain`` terms are taken one by one. Later ones are gathered in runs no longer than what lies before them, where
    log(p + jφ) is so smooth for any p and φ that ``GAUSS`` nodes carry it to the last digit. Gives nodes, the terms
    each stands for, and the j that its run begins with: it counts where ``top > begins``.
    """
    last = int(np.max(tops, initial=0))
    single = np.arange(first, max(min(plain, last), first), dtype=float)
    if last <= plain:
        return single, np.ones_like(single), single
    octaves = plain * 2.0 ** np.arange(np.ceil(np.log2(last / plain)))
    edges = np.unique(np.concatenate([octaves, np.asarray(tops, float)[np.asarray(tops) > plain]])).astype(int)
    x, weight, begins = [single], [np.ones_like(single)], [single]
    for left, right in pairwise(edges):
        short = right - left <= GAUSS
        nodes, terms = (np.arange(right - left), np.ones(right - left)) if short else _run(int(right - left))
        x.append(left + nodes)
        weight.append(terms)
        begins.append(np.full(len(nodes), left, float))
    return np.concatenate(x), np.concatenate(weight), np.concatenate(begins)


def gather_sums(
    y: np.ndarray, n: np.ndarray, mask: np.ndarray, plain: int = PLAIN, high: np.ndarray | None = None
) -> Sums:
    """Gather the sums of a stack of data sets; all arguments of shape (data sets, studies).

    Counts are exact, or lie between ``y`` and ``high``.
    """

    def weigh(counts: np.ndarray, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
        tops, index = np.unique(np.where(mask, counts, 0), return_inverse=True)
        x, weight, begins = sum_nodes(tops, first, plain)
        how_many = np.zeros((len(mask), len(tops)))
        np.add.at(how_many, (np.arange(len(mask))[:, None], index.reshape(mask.shape)), 1)
        # Studies with a top above the start of a run: the tail sum of the counts, looked up by where the run begins.
        above = np.cumsum(how_many[:, ::-1], axis=1)[:, ::-1]
        above = np.concatenate([above, np.zeros((len(mask), 1))], axis=1)
        return x, above[:, np.searchsorted(tops, begins, side="right")] * weight

    y, n = np.where(mask, y, 0.0), np.where(mask, n, 0.0)
    high = y if high is None else np.where(mask, high, 0.0)
    spans = _spans(y, high, n) if (y < high).any() else None
    chosen = np.where(y < high, 0.0, _log_choose(n, y))
    sums = Sums(
        weigh(y),
        weigh(n - high),
        weigh(n, first=1),  # j = 0 adds log 1
        (y.sum(axis=1) if spans is None else (y + high).sum(axis=1) / 2) / n.sum(axis=1),
        n.max(axis=1),
        n.sum(axis=1),
        np.sum(chosen, axis=1),
        spans,
    )
    return sums if spans is None else replace(sums, crude=_likeliest(sums))


def _log_choose(n: np.ndarray, y: np.ndarray) -> np.ndarray:
    return gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)


def _spans(low: np.ndarray, high: np.ndarray, n: np.ndarray) -> Spans:
    """Lay out the counts within limits of the studies that have them in any data set."""
    some = (low < high).any(axis=0)
    low, high, n = (counts[:, some, None] for counts in (low, high, n))
    at = np.arange((high - low).max() + 1)
    inside = (low < high) & (at <= high - low)
    log_weight = np.where(inside, _log_choose(n, np.where(inside, low + at, 0)), -np.inf)
    log_weight[..., :1] = np.where(low < high, log_weight[..., :1], 0.0)  # an exact study: one count of weight 1
    return Spans(low, n - low - 1, (at[:-1] < high - low).astype(float), log_weight)


def _likeliest(sums: Sums) -> np.ndarray:
    """Give the proportion of most likelihood where there is no overdispersion: concave in its logit."""
    eta, none = logit(sums.crude), np.zeros_like(sums.crude)
    value = log_likelihood(sums, eta, none)
    for _ in range(STEPS):
        score, hessian = slopes(sums, eta, none)
        step = np.clip(score[:, 0] / np.maximum(-hessian[:, 0, 0], TINY), -2, 2)
        if np.max(np.abs(step)) < 1e-12:
            break
        for _ in range(STEPS):
            trial = log_likelihood(sums, eta + step, none)
            if not (falls := sums.falls(trial, value)).any():
                break
            step = np.where(falls, step / 2, step)
        eta, value = eta + step, trial
    return expit(eta)


def log_likelihood(sums: Sums, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Give the log likelihood, without the binomial coefficients, at logit p and φ = 1 / (a + b) of each data set."""
    p, q, phi = expit(eta)[:, None], expit(-eta)[:, None], phi[:, None]
    (ja, a), (jb, b), (jc, c) = sums.yes, sums.no, sums.all
    value = _dot(a, np.log(p + ja * phi)) + _dot(b, np.log(q + jb * phi)) - _dot(c, np.log1p(jc * phi))
    return value if sums.spans is None else value + _within(sums.spans, p, q, phi)[0]


def slopes(sums: Sums, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the score, shape (data sets, 2), and the Hessian, shape (data sets, 2, 2), in (logit p, log φ).

    They are written with the share of jφ in each factor, jφ / (p + jφ), whose derivative in log φ is
    share × (1 − share): nothing overflows or cancels, however small or large φ is.
    """
    p, q, phi = expit(eta)[:, None], expit(-eta)[:, None], phi[:, None]
    (ja, a), (jb, b), (jc, c) = sums.yes, sums.no, sums.all
    u, v = 1 / (p + ja * phi), 1 / (q + jb * phi)
    su, sv, sw = ja * phi * u, jb * phi * v, jc * phi / (1 + jc * phi)
    au, bv, as_, bs, cs = a * u, b * v, a * su, b * sv, c * sw
    in_p = au.sum(axis=1) - bv.sum(axis=1)
    in_pp = -_dot(au, u) - _dot(bv, v)
    in_phi = as_.sum(axis=1) + bs.sum(axis=1) - cs.sum(axis=1)
    in_phiphi = in_phi - _dot(as_, su) - _dot(bs, sv) + _dot(cs, sw)
    slope, bend = (p * q)[:, 0], (q - p)[:, 0]
    cross = slope * (_dot(bv, sv) - _dot(au, su))
    hessian = np.array([[slope**2 * in_pp + slope * bend * in_p, cross], [cross, in_phiphi]])
    score, hessian = np.stack([slope * in_p, in_phi], axis=1), np.moveaxis(hessian, -1, 0)
    if sums.spans is None:
        return score, hessian
    _, more, bends = _within(sums.spans, p, q, phi, derivatives=True)
    return score + more, hessian + bends


def _within(spans: Spans, p: np.ndarray, q: np.ndarray, phi: np.ndarray, derivatives: bool = False):
    """Give what counts within limits add: the log of the sum over them, its score and its Hessian.

    One count more is one factor p + jφ more and one factor 1 − p + jφ less: logarithms and their derivatives are
    running sums. The derivatives of a mixture are those of its parts, averaged, and what the scores vary.
    """
    p, q, phi = (part[..., None] for part in (p, q, phi))
    at = np.arange(spans.step.shape[-1])
    more, less = spans.low + at, np.maximum(spans.last - at, 0)
    u, v = p + more * phi, q + less * phi

    def running(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
        """Sum factors of events before each count, and factors of non-events from it on."""
        before = np.cumsum(spans.step * (yes - no), axis=-1)
        before = np.concatenate([np.zeros((*before.shape[:-1], 1)), before], axis=-1)
        return before + np.sum(spans.step * no, axis=-1, keepdims=True)

    log = running(np.log(u), np.log(v)) + spans.log_weight
    top = log.max(axis=-1, keepdims=True)
    mass = np.exp(log - top)
    total = mass.sum(axis=-1, keepdims=True)
    value = np.sum(top + np.log(total), axis=(1, 2))
    if not derivatives:
        return value, None, None
    mass /= total
    slope, bend, u, v = p * q, p * q * (q - p), 1 / u, 1 / v
    su, sv = more * phi * u, less * phi * v
    score = np.stack([running(slope * u, -slope * v), running(su, sv)], axis=-1)
    cross = running(-slope * u * su, slope * v * sv)
    mean_p = running(bend * u - (slope * u) ** 2, -bend * v - (slope * v) ** 2)
    mean_phi = running(su - su**2, sv - sv**2)
    hessian = np.stack([mean_p, cross, cross, mean_phi], axis=-1).reshape(*mass.shape, 2, 2)
    hessian += score[..., :, None] * score[..., None, :]
    mean = np.einsum("dsy,dsyi->dsi", mass, score)
    hessian = np.einsum("dsy,dsyij->dsij", mass, hessian) - mean[..., :, None] * mean[..., None, :]
    return value, mean.sum(axis=1), hessian.sum(axis=1)


def _dot(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.einsum("dj,dj->d", weight, values)
