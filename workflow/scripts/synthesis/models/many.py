"""Many data sets at once: subsets of studies, specifications, simulated reviews; the single fit where that fails."""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..words.terms import OK, remarks_of, with_remark
from .batch import fit_batch
from .bayes_batch import bayes_batch
from .counts import limits
from .result import Pooled
from .twostage import pool_batch, two_stage_models

NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2")
SINGLE_FITS = 64  # so many are made one by one, where a model has no batch
SHARE_EFFECT = ("glmm", "glmm-t", "bayes")  # batched models in which the arms of a study share its effect


def pool_many(
    model: str,
    events: np.ndarray,
    patients: np.ndarray,
    mask: np.ndarray,
    several: np.ndarray,
    alone: Callable[[int], Pooled],
    level: float = 0.95,
    **prior: float,
) -> list[dict]:
    """Pool many data sets with one model.

    Parameters
    ----------
    events, patients : ndarray of int, shape (studies,) or (sets, studies)
        Totals of each study, over its arms; pairs of limits where some are known only within them.
    mask : ndarray of bool, shape (sets, studies)
        Which studies each data set has.
    several : ndarray of bool, shape (studies,) or (sets, studies)
        Which studies give several arms: models without a study effect refuse them.
    alone : callable
        Number of a data set → its single fit: it knows the words for one study, no events, nothing but events, several
        arms and no convergence, and serves models that have no batch.
    prior : float
        Scales of the priors of ``bayes`` other than its own.

    Returns
    -------
    list of dict
        ``NUMBERS`` and ``status`` of each data set, as the single fit gives them, to 1e-8; ``bayes`` to 1e-5.

    Notes
    -----
    With one mean and one effect a study, all its arms have one proportion p, and the product of their binomial
    likelihoods is p^Σy (1 − p)^Σ(n − y) but for a constant: the totals hold all that the arms say.
    """
    ok = np.zeros(len(mask), bool)
    if model in BATCHES:
        numbers, ok = BATCHES[model](events, patients, mask, level, remarks=True, **prior)
        low, high = limits(events)
        # Totals over arms say all that exact counts say, and not what limits do.
        refused = several & (low < high) if model in SHARE_EFFECT else several
        ok = ok & ~(mask & refused).any(1)
    found = []
    for i, fitted in enumerate(ok):
        if fitted:
            status = with_remark(OK, str(numbers["remark"][i]))
            found.append({name: float(numbers[name][i]) for name in NUMBERS} | {"status": status})
        else:
            one = alone(i)
            found.append({name: getattr(one, name) for name in (*NUMBERS, "status")})
    return found


def variation_model(primary: str, fits: int) -> str:
    """Give the model of so many other choices of studies: the primary one, unless it has no batch and they are many.

    >>> variation_model("bayes", 10_000), variation_model("betabinom", 20), variation_model("betabinom", 10_000)
    ('bayes', 'betabinom', 'glmm')
    """
    return primary if primary in BATCHES or fits <= SINGLE_FITS else "glmm"


def _glmm(events, patients, mask, level, remarks=False, interval="z") -> tuple[dict, np.ndarray]:
    batch = fit_batch(events, patients, mask, remarks)
    return batch.proportions(level, interval) | {"remark": batch.remark}, batch.ok


def _two_stage(events, patients, mask, level, remarks=False, **variant) -> tuple[dict, np.ndarray]:
    batch = pool_batch(events, patients, mask, level=level, **variant)
    remark = np.array([remarks_of(status) for status in batch.status])
    return {name: getattr(batch, name) for name in NUMBERS} | {"remark": remark}, batch.ok


def _bayes(events, patients, mask, level, remarks=False, **prior) -> tuple[dict, np.ndarray]:
    mask = np.ones(np.atleast_2d(events).shape, bool) if mask is None else np.asarray(mask, bool)
    low, high = limits(events)
    k, (least, most, size) = mask.sum(1), (np.where(mask, part, 0).sum(1) for part in (low, high, patients))
    # The rules for one study, no events, nothing but events and studies of one patient each have words of their own.
    fits = (k >= 2) & (most > 0) & (least < size) & (size > k)
    numbers, ok = bayes_batch(events, patients, mask & fits[:, None], level, **prior)
    few = {name: np.where(k >= 3, numbers[name], np.nan) for name in ("pi_low", "pi_high")}
    return numbers | few | {"remark": np.full(len(mask), "", object)}, ok


# (events, patients, mask or None for all, level, remarks) → NUMBERS and remarks by name, and which sets were fitted.
BATCHES: dict[str, Callable[..., tuple[dict, np.ndarray]]] = {
    "glmm": _glmm,
    "glmm-t": partial(_glmm, interval="t"),
    "bayes": _bayes,
    **{name: partial(_two_stage, **model.pool.keywords) for name, model in two_stage_models().items()},
}
