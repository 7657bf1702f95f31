"""What a reader asks next: a new study like these, its next patients, and what one more study would tell.

All of it comes from the prediction distribution of the primary model (:mod:`synthesis.pools.new_study`).
"""

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
from numpy import nan

from ..models.catalogue import OK, Pooled, pool
from ..models.counts import limits, within
from ..models.many import pool_many
from ..selection.arms import add_arms, counts_of
from ..tables.declared import write
from ..words.terms import is_ok, remarks_of, with_remark
from .new_study import Prediction, has_t, prediction_of

FEW = "fewer than three studies: no prediction"
DRAWN = np.arange(0.5, 100, 0.5)  # per cent: the quantiles that a figure draws a distribution from

Rows = Sequence[Mapping]


def predict_counts(prediction: Prediction, patients: int, level: float) -> tuple[float, int, int, int]:
    """Predict the events among the next patients of a new study: mean, median and both ends.

    The ends are the smallest counts with at least (1 ∓ level) / 2 of the probability at or below them.
    """
    probability = prediction.count_probabilities(patients)
    cumulative = np.cumsum(probability)
    mean = float(np.arange(patients + 1) @ probability)
    tails = (0.5, (1 - level) / 2, (1 + level) / 2)
    median, low, high = (int(min(np.searchsorted(cumulative, q - 1e-12), patients)) for q in tails)
    return mean, median, low, high


def draw_studies(prediction: Prediction, patients: int, simulations: int, seed: int) -> np.ndarray:
    """Draw the events of a new study many times: its proportion from the prediction distribution, then a binomial."""
    random = np.random.default_rng(seed)
    return random.binomial(patients, prediction.draw(random, simulations))


def refit_with(rows: Rows, new_events: np.ndarray, new_patients: int, model: str, level: float) -> list[dict]:
    """Fit a model again with one more study, once for each value of its events."""
    studies, sets = add_arms(rows), len(new_events)
    ends, old = (
        limits(counts_of(studies)[0]),
        (np.array([one[name] for one in studies]) for name in ("patients", "arms")),
    )
    new = new_events, new_events, np.full(sets, new_patients), np.ones(sets, int)
    low, high, n, arms = (
        np.column_stack([np.tile(those, (sets, 1)), this]) for those, this in zip((*ends, *old), new, strict=True)
    )
    y = within(low, high)

    def alone(i: int) -> Pooled:
        new = {"study": "", "events": int(new_events[i]), "patients": new_patients}
        return pool(model, *counts_of([*rows, new]), level)

    return pool_many(model, y, n, np.ones(y.shape, bool), arms > 1, alone, level)


def predict_future(
    rows: Rows, analysis: str, settings: Mapping, level: float = 0.95, primary: str = "glmm"
) -> list[dict]:
    """Say what is to be expected of a new study, from the used rows of the whole analysis: rows of ``future.csv``.

    ``settings`` is ``future`` of the config: thresholds (per cent), patients, study, simulations, seed. One row with
    the reason where there is no prediction. Proportions are 0 to 1.
    """
    pooled = pool(primary, *counts_of(rows), level)
    if pooled.studies < 3 or not is_ok(pooled.status) or isnan(pooled.tau2):
        return [_line(analysis, "", status=remarks_of(pooled.status) if pooled.studies >= 3 else FEW)]
    prediction, count, status = prediction_of(pooled, rows), settings["patients"], pooled.status
    mean, median, low, high = predict_counts(prediction, count, level)
    table = [
        *(_line(analysis, "probability_above", t, prediction.above(t / 100), status) for t in settings["thresholds"]),
        _line(analysis, "events_mean", count, mean, status),
        _line(analysis, "events_median", count, median, status, low=low, high=high),
        *_one_more(rows, analysis, pooled, prediction, settings, level),
    ]
    if not has_t(primary):
        drawn = prediction.quantiles(DRAWN / 100)
        table += [_line(analysis, "quantile", float(t), float(p), status) for t, p in zip(DRAWN, drawn, strict=True)]
    return table


def _one_more(rows: Rows, analysis: str, pooled: Pooled, prediction: Prediction, settings, level: float) -> list[dict]:
    """Simulate one more study and set the intervals that follow beside the present ones."""
    size, table = settings["study"], []
    drawn = draw_studies(prediction, size, settings["simulations"], settings["seed"])
    # The refit depends on the events alone, and there are few different counts: each is fitted once.
    counts, which = np.unique(drawn, return_inverse=True)
    fits = refit_with(rows, counts, size, pooled.model, level)
    chosen = which[np.array([is_ok(fit["status"]) for fit in fits])[which]]
    lost = len(drawn) - len(chosen)
    remark = f"{lost} of {len(drawn)} refits did not converge and are left out" if lost else ""
    status = with_remark(pooled.status, remark)
    for name in ("ci", "pi"):
        now = getattr(pooled, f"{name}_high") - getattr(pooled, f"{name}_low")
        after = np.array([fit[f"{name}_high"] - fit[f"{name}_low"] for fit in fits])[chosen]
        wide, share, error, low, high = nan, nan, (nan, nan), nan, nan
        if len(after) > 1:
            wide, share = float(np.mean(after)), float(np.mean(after < now))
            low, high = np.quantile(after, [(1 - level) / 2, (1 + level) / 2]).tolist()
            error = np.std(after, ddof=1) / len(after) ** 0.5, (share * (1 - share) / len(after)) ** 0.5
        table += [
            _line(analysis, f"{name}_width_now", value=now, status=pooled.status),
            _line(analysis, f"{name}_width_after", size, wide, status, low=low, high=high, mc_error=float(error[0])),
            _line(analysis, f"{name}_narrower", size, share, status, mc_error=float(error[1])),
        ]
    return table


def _line(analysis: str, quantity: str, threshold: float = nan, value: float = nan, status: str = OK, **more) -> dict:
    line = {"analysis": analysis, "quantity": quantity, "threshold": threshold, "value": value}
    return line | {"status": status} | more


def predict_future_file(
    rows: Rows, future_csv: str, *, analysis: str, settings: Mapping, level: float, primary: str
) -> None:
    """Predict from the rows of the pool of all studies, write the table."""
    write(future_csv, predict_future(rows, analysis, settings, level, primary))
