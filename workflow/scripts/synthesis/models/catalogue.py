"""The table of models, and the rules that hold for all of them."""

from dataclasses import replace
from functools import partial

import numpy as np

from ..words.model_names import DESCRIPTIONS
from ..words.terms import ALL_EVENTS, MIDDLE, NO_EVENTS, NO_STUDIES, OK, ONE_STUDY, UNKNOWN_TAU2, is_ok, with_remark
from .bayes import pool_bayes
from .betabinom import pool_betabinom
from .counts import as_counts
from .crude import pool_crude
from .glmm import pool_glmm
from .proportions import clopper_pearson, one_sided_upper
from .result import Model, Pooled, blank_pool
from .twostage import two_stage_models

REFERENCE_GLMM = "Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67"
REFERENCE_BAYES = "Röver C et al. Res Synth Methods 2021;12:448–74 (prior on τ)"
REFERENCE_BETA = "Kuss O. Stat Med 2015;34:1097–116"

MODELS = {
    model.name: model
    for model in (
        Model("glmm", DESCRIPTIONS["glmm"], REFERENCE_GLMM, "logit", pool_glmm),
        Model("glmm-t", DESCRIPTIONS["glmm-t"], REFERENCE_GLMM, "logit", partial(pool_glmm, interval="t")),
        Model("betabinom", DESCRIPTIONS["betabinom"], REFERENCE_BETA, "overdispersion", pool_betabinom),
        Model("bayes", DESCRIPTIONS["bayes"], REFERENCE_BAYES, "logit", pool_bayes),
        *two_stage_models().values(),
        Model("crude", DESCRIPTIONS["crude"], "Clopper CJ, Pearson ES. Biometrika 1934;26:404–13", "", pool_crude),
    )
}


def pool(model: str, events, patients, study, level: float = 0.95, **prior: float) -> Pooled:
    """Pool rows with a model of ``MODELS``, minding the cases no model can fit.

    Parameters
    ----------
    events, patients, study : array_like of shape (k,)
        Counts of each row, and which study it belongs to: rows of one study share its effect in the models that know
        one, and the others refuse them. Events known only within limits: see :mod:`synthesis.models.counts`.
    level : float
        Confidence (or posterior) level of all intervals.
    prior : float
        Scales of the priors of ``bayes`` other than its own.

    Returns
    -------
    Pooled
        No rows: nothing but the status. One study: the study alone with its exact interval. No events at all:
        estimate 0 and the exact one-sided upper limit of the totals; nothing but events: the mirror image.
    """
    y, n, study = as_counts(events), np.asarray(patients, int), np.asarray(study)
    blank = blank_pool(model, y, n, study)
    least, most, size, studies = blank.events_from, blank.events_to, blank.patients, blank.studies
    if len(y) == 0:
        return replace(blank, status=NO_STUDIES)
    if studies == 1:
        (low, _), (_, high) = np.transpose(clopper_pearson((least, most), size, level))
        status = with_remark(ONE_STUDY, "" if least == most else MIDDLE)
        centre = (least + most) / 2 / size
        return replace(blank, estimate=centre, ci_low=float(low), ci_high=float(high), status=status)
    if most == 0:
        return replace(blank, estimate=0.0, ci_low=0.0, ci_high=one_sided_upper(size, level), status=NO_EVENTS)
    if least == size:
        low = 1 - one_sided_upper(size, level)
        return replace(blank, estimate=1.0, ci_low=low, ci_high=1.0, status=ALL_EVENTS)
    pooled = MODELS[model].pool(y, n, study, level, **prior)
    if studies == size and is_ok(pooled.status) and MODELS[model].scale:
        # Events of single patients have the same probability whatever the spread, as long as the mean is the same.
        nothing = dict.fromkeys(("tau2", "tau2_low", "tau2_high", "i2", "pi_low", "pi_high"), np.nan)
        said = UNKNOWN_TAU2 in pooled.status
        pooled = replace(pooled, **nothing, status=with_remark(pooled.status, "" if said else UNKNOWN_TAU2))
    # Two studies say nothing of where a third would lie; a prior would be all that speaks.
    return pooled if studies >= 3 else replace(pooled, pi_low=np.nan, pi_high=np.nan)


__all__ = ["ALL_EVENTS", "MODELS", "NO_EVENTS", "NO_STUDIES", "OK", "ONE_STUDY", "Model", "Pooled", "pool"]
