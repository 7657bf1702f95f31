"""Shuffling studies against a property: which arrangements there are, and the likelihood of all of them at once."""

from collections.abc import Iterator
from math import factorial, prod

import numpy as np
from scipy.special import xlogy

from ..models.batch import climb, newton, parts_of
from ..models.censored import highest_of
from ..models.counts import limits
from ..models.logistic_normal import arms_of, fit
from ..models.pairs import Pairs

STARTS = (0.5, 1.5)  # τ
EXACT_UP_TO = factorial(7)  # arrangements that are listed, however few draws are asked for: a second or two


def arrangements(design: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, bool]:
    """Arrange the studies along the rows of a design; those with equal rows are interchangeable.

    ``draws`` are made where there are more distinct arrangements than this, and than ``EXACT_UP_TO``. Gives which study
    stands in each row, of shape (arrangements + 1, k), first the data as they are; and whether all others follow.
    """
    k = len(design)
    code = np.unique(design, axis=0, return_inverse=True)[1].ravel()
    slots = np.argsort(code, kind="stable")
    distinct = factorial(k) // prod(factorial(int(c)) for c in np.bincount(code))
    exact = distinct <= max(draws, EXACT_UP_TO)
    if exact:
        codes = np.array(list(_multiset_permutations(sorted(code.tolist()))))
    else:
        codes = np.random.default_rng(seed).permuted(np.tile(code, (draws, 1)), axis=1)
    order = np.empty((len(codes) + 1, k), int)
    order[0] = np.arange(k)
    order[1:, slots] = np.argsort(codes, axis=1, kind="stable")
    return order, exact


def _multiset_permutations(items: list[int]) -> Iterator[list[int]]:
    """Yield the distinct orders of a sorted list, each the next in lexicographic order."""
    while True:
        yield list(items)
        i = next((i for i in range(len(items) - 2, -1, -1) if items[i] < items[i + 1]), None)
        if i is None:
            return
        j = next(j for j in range(len(items) - 1, i, -1) if items[j] > items[i])
        items[i], items[j] = items[j], items[i]
        items[i + 1 :] = items[:i:-1]


def max_loglik(events: np.ndarray, patients: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Maximise the binomial–normal likelihood of many data sets that share a design, one row a study.

    Counts have the shape (sets, k); the design, (k, p), has an intercept and scaled columns. Gives log likelihoods
    without the binomial coefficients, to 1e-7 of ``logistic_normal.fit`` (tested), which takes over where nodes or
    steps do not suffice. Where a data set is separated this is the supremum, which a permutation test can use though no
    slope goes with it. NaN where that fit has no maximum either.
    """
    y, n = np.asarray(events), np.asarray(patients, float)
    everyone = np.ones(y.shape, bool)
    parts = parts_of(np.arange(len(y)), y.shape[1])
    best = np.concatenate([_max_chunk(Pairs.of(y[part], n[part], everyone[part], design)) for part in parts])
    for i in np.flatnonzero(np.isnan(best)):
        one = fit(arms := arms_of(y[i], n[i], np.arange(y.shape[1]), design))
        low, high = limits(y[i])
        exact = low == high
        (a, b), wide = (part[exact] for part in (low, n[i])), highest_of(y[i][~exact], n[i][~exact])[1]
        saturated = np.sum(xlogy(a, a / b) + xlogy(b - a, 1 - a / b)) + wide.sum()
        best[i] = one.loglik - arms.constant + saturated if one.converged else np.nan
    return best


def _max_chunk(pairs: Pairs) -> np.ndarray:
    """Climb from a small τ; where that ends at τ = 0, from a large one too; keep the best, NaN where one is unsure."""
    total, size = pairs.sum(pairs.events), pairs.sum(pairs.patients)
    sets, nowhere = np.arange(len(total)), np.zeros(len(total), bool)
    start = np.zeros((len(total), pairs.direction.shape[1]))
    start[:, 0] = np.log((total + 0.5) / (size - total + 0.5))
    flat, (best, *_), settled = newton(pairs, start, 1, 0.0, nowhere, heights=True)  # where τ is 0 one node says it all
    best = np.where(settled, best, np.nan)
    for tau in STARTS:
        flat[:, -1] = tau
        theta, value, _ = climb(pairs.keep(sets), flat[sets], nowhere[sets], heights=True)
        best[sets] = np.maximum(best[sets], value)
        sets = sets[theta[:, -1] < 0.01]
        if not len(sets):
            break
    return best
