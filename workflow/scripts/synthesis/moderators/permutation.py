"""Shuffling studies against a property: which arrangements there are, and the likelihood of all of them at once."""

from collections.abc import Iterator
from math import factorial, prod

import numpy as np
from scipy.special import expit, xlogy

from ..models.logistic_normal import arms_of, fit
from ..models.quadrature import Rule, gauss_hermite

NODES, STARTS = (15, 31, 61, 121, 241), (0.5, 1.5)
STABLE, GAIN = 1e-8, 1e-9  # of a log likelihood: between two numbers of nodes, and promised by one more step
STEPS, CHUNK = 60, 2000  # (data set, study) pairs at a time: the arrays of a step stay in the processor's cache
EXACT_UP_TO = factorial(7)  # arrangements that are listed, however few draws are asked for: a second or two


POINT = Rule(np.zeros(1), np.full(1, np.log(2 * np.pi) / 2), by_curvature=True)  # the integral when τ is 0


def arrangements(design: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, bool]:
    """Arrange the studies along the rows of a design.

    Parameters
    ----------
    design : ndarray of shape (k, m)
        Studies with equal rows are interchangeable, so only distinct arrangements are listed.
    draws : int
        Arrangements to draw where there are more distinct ones than this, and than ``EXACT_UP_TO``.
    seed : int

    Returns
    -------
    order : ndarray of int, shape (arrangements + 1, k)
        Which study stands in each row; the first one is the data as they are.
    exact : bool
        Whether every distinct arrangement follows.
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

    Parameters
    ----------
    events, patients : ndarray of shape (sets, k)
    design : ndarray of shape (k, p)
        With the intercept; columns scaled.

    Returns
    -------
    ndarray of shape (sets,)
        Without the binomial coefficients, to 1e-7 of ``logistic_normal.fit`` (tested), which takes over where nodes or
        steps do not suffice. Where a data set is separated this is the supremum, which a permutation test can use
        though no slope goes with it. NaN where that fit has no maximum either.
    """
    y, n = np.asarray(events, float), np.asarray(patients, float)
    size = max(1, CHUNK // y.shape[1])
    parts = [_max_chunk(y[i : i + size], n[i : i + size], design) for i in range(0, len(y), size)]
    best = np.concatenate([value for value, _ in parts])
    for i in np.flatnonzero(~np.concatenate([settled for _, settled in parts])):
        one = fit(arms := arms_of(y[i], n[i], np.arange(y.shape[1]), design))
        saturated = np.sum(xlogy(y[i], y[i] / n[i]) + xlogy(n[i] - y[i], 1 - y[i] / n[i]))
        best[i] = one.loglik - arms.constant + saturated if one.converged else np.nan
    return best


def _max_chunk(y: np.ndarray, n: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Climb from a small τ; where that ends at τ = 0, from a large one too; keep the best, and say whether it holds."""
    start = np.zeros((len(y), x.shape[1] + 1))
    start[:, 0] = np.log((y.sum(1) + 0.5) / ((n - y).sum(1) + 0.5))
    flat, best, settled = _climb(y, n, x, start, 0)
    sets = np.arange(len(y))
    for tau in STARTS:
        theta, value = flat[sets], np.full(len(sets), np.inf)
        theta[:, -1] = tau
        live = np.arange(len(sets))
        for nodes in NODES:
            last = value[live]
            theta[live], value[live], there = _climb(y[sets[live]], n[sets[live]], x, theta[live], nodes)
            live = live[~(there & (np.abs(value[live] - last) <= STABLE))]
            if not len(live):
                break
        settled[sets[live]] = False
        best[sets] = np.maximum(best[sets], value)
        sets = sets[theta[:, -1] < 0.01]
        if not len(sets):
            break
    return best, settled


def _climb(y: np.ndarray, n: np.ndarray, x: np.ndarray, theta: np.ndarray, nodes: int) -> tuple[np.ndarray, ...]:
    """Climb by Newton's method with halving, all data sets at once; without nodes τ stays where it is.

    A data set leaves when its next step promises less than ``GAIN``: what a likelihood, not an estimate, needs. Which
    did is given third.
    """
    theta, value, gain = theta.copy(), np.full(len(y), -np.inf), np.zeros(len(y))
    step, peak, live = np.zeros_like(theta), np.zeros_like(y), np.arange(len(y))
    free = slice(None) if nodes else slice(-1)
    for _ in range(STEPS):
        trial = theta[live] + step[live]
        # The likelihood is even in τ, so 0 is a place to get stuck where it is the bottom of a valley: approach slowly.
        trial[:, -1] = np.maximum(np.abs(trial[:, -1]), theta[live, -1] / 4)
        new, score, hessian, peak[live] = _evaluate(y[live], n[live], x, trial, nodes, peak[live])
        up = new >= value[live] - 1e-13 * np.abs(new)
        moved, fell = live[up], live[~up]
        theta[moved], value[moved] = trial[up], new[up]
        score, hessian = score[up][:, free], hessian[up][:, free, free]
        move = _uphill(score, hessian)
        step[moved, : move.shape[1]], gain[moved] = move, np.sum(move * score, axis=1)
        step[fell], gain[fell] = step[fell] / 2, gain[fell] / 2
        live = live[gain[live] > GAIN]
        if not len(live):
            break
    there = np.ones(len(y), bool)
    there[live] = False
    return theta, value, there & np.isfinite(value)


def _uphill(score: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Give Newton steps of at most 1 that go uphill."""
    values, vectors = np.linalg.eigh(-hessian)
    values = np.abs(values)
    values = np.maximum(values, np.maximum(1e-8 * values.max(1, keepdims=True), 1e-12))
    step = np.einsum("sij,sj->si", vectors, np.einsum("sji,sj->si", vectors, score) / values)
    return step / np.maximum(1, np.abs(step).max(1, keepdims=True))


def _evaluate(y, n, x, theta, nodes: int, peak) -> tuple[np.ndarray, ...]:
    """Give value, score and Hessian in (β, τ) of every data set, and where the integrands of its studies peak.

    The case of one arm a study of :func:`synthesis.models.logistic_normal.log_likelihood`; moments of the nodes are
    matrix products.
    """
    line, tau = theta[:, :-1] @ x.T, theta[:, -1:]
    rule = gauss_hermite(nodes) if nodes else POINT
    c, h = _peaks(y, n, line, tau, peak) if nodes else (peak, np.ones_like(y))
    z = c[..., None] + h[..., None] * rule.x
    eta = line[..., None] + tau[..., None] * z  # sets × studies × nodes
    y, n = y[..., None], n[..., None]
    small = np.exp(-np.abs(eta))
    p = np.where(eta >= 0, 1, small) / (1 + small)
    joint = y * eta - n * (np.maximum(eta, 0) + np.log1p(small)) - z**2 / 2 + rule.log_weight
    top = joint.max(-1, keepdims=True)
    mass = np.exp(joint - top)
    total = mass.sum(-1)
    mass /= total[..., None]
    value = top[..., 0] + np.log(total) + np.log(h) - np.log(2 * np.pi) / 2
    power = np.stack([np.ones_like(rule.x), rule.x, rule.x**2], axis=1)
    residual = y - n * p
    r = (mass * residual) @ power
    b = (mass * (residual**2 - n * p * (1 - p))) @ power
    slope = np.stack([r[..., 0], c * r[..., 0] + h * r[..., 1]], axis=-1)  # in the linear predictor and in τ
    b = np.stack(
        [b[..., 0], c * b[..., 0] + h * b[..., 1], (c * (c * b[..., 0] + 2 * h * b[..., 1]) + h**2 * b[..., 2])]
    )
    bend = b[[[0, 1], [1, 2]]] - np.einsum("ska,skb->absk", slope, slope)
    direction = np.zeros((len(x), 2, x.shape[1] + 1))
    direction[:, 0, :-1], direction[:, 1, -1] = x, 1
    score = np.einsum("ska,kap->sp", slope, direction)
    hessian = np.einsum("absk,kap,kbq->spq", bend, direction, direction, optimize=True)
    return value.sum(1), score, hessian, c


def _peaks(y, n, line, tau, z) -> tuple[np.ndarray, np.ndarray]:
    """Find the peak of each study's integrand, and √2 / √curvature there."""
    for _ in range(100):
        p = expit(line + tau * z)
        step = np.clip((tau * (y - n * p) - z) / (tau**2 * n * p * (1 - p) + 1), -1, 1)
        z = z + step
        if np.max(np.abs(step)) < 1e-6:  # a node set a millionth off its peak integrates as well
            break
    p = expit(line + tau * z)
    return z, np.sqrt(2 / (tau**2 * n * p * (1 - p) + 1))
