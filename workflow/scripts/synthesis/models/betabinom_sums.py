"""The likelihood of the beta-binomial model, as sums over patients that are gathered once and shared.

See :mod:`synthesis.models.betabinom` for the model. A sum over all patients of a study takes one node a term at first
and a few Gauss nodes for each long run after that, so a study of a million patients costs little more than one of 100.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.special import expit, gammaln

ROUNDING = 1e-15  # of a likelihood or score, for each patient in the data set
PLAIN = 64  # terms of a sum that are taken one by one
GAUSS = 12  # nodes that stand for a run of up to as many terms as precede it: relative error below 1e-15


@dataclass(frozen=True)
class Sums:
    """The sums over j of a stack of data sets, as weights on shared nodes.

    ``yes``, ``no`` and ``all`` are nodes j, shape (nodes,), and how many studies of each data set have more events
    (non-events, patients) than j, shape (data sets, nodes), times the terms that a node stands for. The rest has the
    shape (data sets,): total events over total patients, patients of the largest study and of all, and logarithms of
    the binomial coefficients.
    """

    yes: tuple[np.ndarray, np.ndarray]
    no: tuple[np.ndarray, np.ndarray]
    all: tuple[np.ndarray, np.ndarray]
    crude: np.ndarray
    largest: np.ndarray
    patients: np.ndarray
    constant: np.ndarray

    def take(self, rows: np.ndarray) -> "Sums":
        """Keep some of the data sets."""
        parts = ((x, weight[rows]) for x, weight in (self.yes, self.no, self.all))
        return Sums(*parts, self.crude[rows], self.largest[rows], self.patients[rows], self.constant[rows])

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


def gather_sums(y: np.ndarray, n: np.ndarray, mask: np.ndarray, plain: int = PLAIN) -> Sums:
    """Gather the sums of a stack of data sets; all arguments of shape (data sets, studies)."""

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
    constant = np.sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1), axis=1)
    return Sums(
        weigh(y),
        weigh(n - y),
        weigh(n, first=1),  # j = 0 adds log 1
        y.sum(axis=1) / n.sum(axis=1),
        n.max(axis=1),
        n.sum(axis=1),
        constant,
    )


def log_likelihood(sums: Sums, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Give the log likelihood, without the binomial coefficients, at logit p and φ = 1 / (a + b) of each data set."""
    p, q, phi = expit(eta)[:, None], expit(-eta)[:, None], phi[:, None]
    (ja, a), (jb, b), (jc, c) = sums.yes, sums.no, sums.all
    return _dot(a, np.log(p + ja * phi)) + _dot(b, np.log(q + jb * phi)) - _dot(c, np.log1p(jc * phi))


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
    return np.stack([slope * in_p, in_phi], axis=1), np.moveaxis(hessian, -1, 0)


def _dot(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.einsum("dj,dj->d", weight, values)
