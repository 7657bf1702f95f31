"""The table of models, and the rules that hold for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..proportions import clopper_pearson, one_sided_upper
from .crude import pool_crude
from .glmm import pool_glmm
from .result import OK, Pooled
from .twostage import pool_logit_reml

ONE_STUDY = "one study: not pooled"
NO_EVENTS = "no events: exact upper limit only"
ALL_EVENTS = "all events: exact lower limit only"
NO_STUDIES = "no studies"


@dataclass(frozen=True)
class Model:
    """One way to pool.

    Parameters
    ----------
    name : str
        As ``estimates.csv`` prints it.
    description : str
        In the field's terms, for figures and reports.
    scale : str
        The scale of ``se`` and ``tau2``; blank when there are none.
    pool : callable
        ``(events, patients, study, level) → Pooled``.
    """

    name: str
    description: str
    scale: str
    pool: Callable[..., Pooled]


MODELS = {
    model.name: model
    for model in (
        Model(
            "glmm",
            "Random-effects logistic model (binomial likelihood, maximum likelihood by adaptive Gauss–Hermite "
            "quadrature)",
            "logit",
            pool_glmm,
        ),
        Model("logit-reml", "Inverse variance on the logit scale, REML, Wald interval", "logit", pool_logit_reml),
        Model(
            "logit-reml-hk",
            "Inverse variance on the logit scale, REML, Hartung–Knapp interval",
            "logit",
            partial(pool_logit_reml, interval="hk"),
        ),
        Model("crude", "Total events over total patients, exact interval", "", pool_crude),
    )
}


def pool(model: str, events, patients, study, level: float = 0.95) -> Pooled:
    """Pool rows with a model of the table, minding the cases no model can fit.

    Parameters
    ----------
    model : str
        A name in ``MODELS``.
    events, patients : array_like of int, shape (k,)
    study : array_like of shape (k,)
        Which study a row belongs to.
    level : float
        Confidence level.

    Returns
    -------
    Pooled
        No rows: nothing but the status. One study: the study alone with its exact interval. No events at all:
        estimate 0 and the exact one-sided upper limit of the totals; nothing but events: the mirror image.
    """
    y, n, study = np.asarray(events, int), np.asarray(patients, int), np.asarray(study)
    total, size, studies = int(y.sum()), int(n.sum()), len(np.unique(study))
    blank = Pooled(model, len(y), studies, total, size)
    if len(y) == 0:
        return _with(blank, status=NO_STUDIES)
    if studies == 1:
        low, high = clopper_pearson(total, size, level)
        return _with(blank, estimate=total / size, ci_low=float(low), ci_high=float(high), status=ONE_STUDY)
    if total == 0:
        return _with(blank, estimate=0.0, ci_low=0.0, ci_high=one_sided_upper(size, level), status=NO_EVENTS)
    if total == size:
        low = 1 - one_sided_upper(size, level)
        return _with(blank, estimate=1.0, ci_low=low, ci_high=1.0, status=ALL_EVENTS)
    return MODELS[model].pool(y, n, study, level)


def _with(blank: Pooled, **values) -> Pooled:
    return Pooled(**{**blank.__dict__, **values})


__all__ = ["ALL_EVENTS", "MODELS", "NO_EVENTS", "NO_STUDIES", "OK", "ONE_STUDY", "Model", "Pooled", "pool"]
