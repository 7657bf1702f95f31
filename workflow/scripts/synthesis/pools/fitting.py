"""What a model knows beside its estimate: details of the fit, and each study as the model sees it."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from numpy import nan
from scipy.special import logit

from ..models.catalogue import pool
from ..models.details import effects_of, glmm_details
from ..models.likelihood import arms_of
from ..selection.arms import add_arms, counts_of
from ..tables.declared import write
from ..words.terms import is_ok
from .new_study import has_t


def detail_fit_file(
    rows: Sequence[Mapping], fits_csv: str, effects_csv: str, *, analysis: str, level: float, primary: str
) -> None:
    """Write the details of the fit of all studies.

    ``fits.csv`` has one row, of ``glmm``, whose likelihood has what it holds. ``effects.csv`` has a row a study, with
    the proportion as the primary model sees it (empirical Bayes): none where that has no normal logits.
    """
    columns = counts_of(rows)
    pooled = pool("glmm", *columns, level)
    fit = {"analysis": analysis, "model": "glmm", "studies": pooled.studies, "status": pooled.status}
    if is_ok(pooled.status):
        fit |= glmm_details(*columns, level)
    write(fits_csv, [fit])
    write(effects_csv, ({"analysis": analysis} | row for row in study_effects(rows, level, primary)))


def study_effects(rows: Sequence[Mapping], level: float, model: str) -> list[dict]:
    """Give each study's proportion, drawn towards the mean of a model with normal logits."""
    y, n, study = counts_of(rows)
    pooled = pool(model, y, n, study, level)
    if not is_ok(pooled.status) or not (has_t(model) or model == "bayes"):
        return []
    arms = arms_of(y, np.array(n), np.array(study), np.ones((len(y), 1)))
    at = SimpleNamespace(beta=[logit(pooled.estimate)], tau=np.sqrt(np.nan_to_num(pooled.tau2)))
    fitted = {name: values for name, *values in effects_of(arms, at, level)}
    return [
        {name: one[name] for name in ("study", "events", "events_from", "events_to", "patients")}
        | {"proportion": nan if one["events"] is None else one["events"] / one["patients"]}
        | dict(zip(("fitted", "low", "high"), fitted[one["study"]], strict=True))
        for one in add_arms(rows)
    ]
