"""What a reader asks next: a new centre, its next patients, and what one more study would tell.

All of it comes from the prediction distribution of the primary model: the logit of a new study's true proportion is
``mean + √(τ² + se²) T`` with T Student's t on k − 1 degrees of freedom, the distribution of the prediction interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd
from numpy import nan
from scipy.special import betaln, expit, gammaln, logit, ndtri, stdtr

from ..models.batch import BatchFit, fit_batch
from ..models.catalogue import OK, Pooled, pool
from ..models.prediction import prediction_half_width
from ..selection.arms import add_arms, read_rows
from ..tables.files import write_table
from ..words.terms import is_ok, remarks_of, with_remark

FUTURE = ("analysis", "quantity", "threshold", "value", "low", "high", "mc_error", "status")
# What a quantity is, and what its threshold holds.
QUANTITIES = {
    "probability_above": "Probability that the true proportion of a new study exceeds the threshold (per cent)",
    "events_mean": "Expected events in the next patients of a new study (threshold: their number)",
    "events_median": "Median of the predicted events, with the interval that holds them (threshold: as above)",
    "ci_width_now": "Width of the confidence interval, as a proportion",
    "ci_width_after": "Expected width of it with one more study (threshold: its patients); low, high: of simulations",
    "ci_narrower": "Probability that one more study narrows it",
    "pi_width_now": "Width of the prediction interval, as a proportion",
    "pi_width_after": "Expected width of it with one more study (threshold: its patients); low, high: of simulations",
    "pi_narrower": "Probability that one more study narrows it",
}
FEW = "fewer than three studies: no prediction"
STABLE = 1e-12  # largest change of a cumulative probability between two steps of the rule
FARTHEST = 45.0  # t = sinh(45) = 1.7e19: beyond it there is nothing even with one degree of freedom


@dataclass(frozen=True)
class Prediction:
    """The prediction distribution on the logit scale: ``centre + scale T``, T with ``df`` degrees of freedom."""

    centre: float
    scale: float
    df: int

    def above(self, proportion: float) -> float:
        """Give the probability that the true proportion of a new study exceeds a value."""
        return float(stdtr(self.df, (self.centre - logit(proportion)) / self.scale))

    def count_probabilities(self, patients: int) -> np.ndarray:
        """Give the probability of 0, 1, …, ``patients`` events among so many patients of a new study.

        Returns
        -------
        ndarray of shape (patients + 1,)

        Notes
        -----
        The binomial is integrated over the distribution by the trapezoidal rule in v, ``t = sinh(v)``: the heavy
        tails of T fall off geometrically in v, so the rule converges geometrically. The step is halved until the
        cumulative probabilities stand still.
        """
        last, step = None, 0.1
        while step > 1e-4:
            here = self._integrate(patients, step)
            if last is not None and np.max(np.abs(np.cumsum(here - last))) < STABLE:
                break
            last, step = here, step / 2
        return here

    def _integrate(self, patients: int, step: float) -> np.ndarray:
        v = np.arange(-FARTHEST, FARTHEST + step / 2, step)
        t, df = np.sinh(v), self.df
        constant = -betaln(0.5, df / 2) - np.log(df) / 2
        weight = np.exp(constant - (df + 1) / 2 * np.log1p(t**2 / df) + np.log(np.cosh(v))) * step
        near = weight > 1e-30
        eta, weight = self.centre + self.scale * t[near], weight[near] / weight.sum()
        events = np.arange(patients + 1)[:, None]
        choose = gammaln(patients + 1) - gammaln(events + 1) - gammaln(patients - events + 1)
        # −log(1 + exp(∓eta)), so that neither tail of the logit loses its digits
        log_yes, log_no = -np.logaddexp(0, -eta), -np.logaddexp(0, eta)
        return np.exp(choose + events * log_yes + (patients - events) * log_no) @ weight


def prediction_of(pooled: Pooled) -> Prediction:
    """Give the prediction distribution of a pool on the logit scale, of at least three studies."""
    return Prediction(float(logit(pooled.estimate)), float(np.hypot(pooled.se, pooled.tau2**0.5)), pooled.studies - 1)


def predict_counts(prediction: Prediction, patients: int, level: float) -> tuple[float, int, int, int]:
    """Predict the events among the next patients of a new study.

    Returns
    -------
    mean, median, low, high
        The ends are the smallest counts with at least (1 ∓ level) / 2 of the probability at or below them.
    """
    probability = prediction.count_probabilities(patients)
    cumulative = np.cumsum(probability)
    mean = float(np.arange(patients + 1) @ probability)
    tails = (0.5, (1 - level) / 2, (1 + level) / 2)
    median, low, high = (int(min(np.searchsorted(cumulative, q - 1e-12), patients)) for q in tails)
    return mean, median, low, high


@dataclass(frozen=True)
class Widths:
    """Widths, as proportions, of the confidence and the prediction interval in each of many refits."""

    ci: np.ndarray
    pi: np.ndarray


def interval_widths(batch: BatchFit, level: float) -> Widths:
    """Give the widths of both intervals of each fit that converged, on the scale of proportions."""
    mean, se, tau, k = (part[batch.ok] for part in (batch.mean, batch.se, batch.tau, batch.k))
    half = ndtri((1 + level) / 2) * se
    wide = prediction_half_width(se, tau**2, k, level)
    return Widths(expit(mean + half) - expit(mean - half), expit(mean + wide) - expit(mean - wide))


def draw_studies(prediction: Prediction, patients: int, simulations: int, seed: int) -> np.ndarray:
    """Draw the events of a new study many times: its logit from the prediction distribution, then a binomial."""
    random = np.random.default_rng(seed)
    proportion = expit(prediction.centre + prediction.scale * random.standard_t(prediction.df, simulations))
    return random.binomial(patients, proportion)


def refit_with(events: np.ndarray, patients: np.ndarray, new_events: np.ndarray, new_patients: int) -> BatchFit:
    """Fit the primary model again with one more study, once for each value of its events."""
    shape = (len(new_events), len(events))
    y = np.column_stack([np.broadcast_to(events, shape), new_events])
    n = np.column_stack([np.broadcast_to(patients, shape), np.full(len(new_events), new_patients)])
    return fit_batch(y, n)


def predict_future(rows: pd.DataFrame, analysis: str, settings: Mapping, level: float = 0.95) -> list[dict]:
    """Say what is to be expected of a new study.

    Parameters
    ----------
    rows : DataFrame
        The used rows of the whole analysis.
    analysis : str
    settings : mapping
        ``future`` of the config: thresholds (per cent), patients, study, simulations, seed.
    level : float

    Returns
    -------
    list of dict
        Rows of ``future.csv``; one row with the reason where there is no prediction. Proportions are 0 to 1.
    """
    pooled = pool("glmm", rows["events"], rows["patients"], rows["study"], level)
    if pooled.studies < 3 or not is_ok(pooled.status) or isnan(pooled.tau2):
        return [_line(analysis, "", status=remarks_of(pooled.status) if pooled.studies >= 3 else FEW)]
    prediction = prediction_of(pooled)
    table = [
        _line(analysis, "probability_above", threshold, prediction.above(threshold / 100), status=pooled.status)
        for threshold in settings["thresholds"]
    ]
    count = settings["patients"]
    mean, median, low, high = predict_counts(prediction, count, level)
    table += [
        _line(analysis, "events_mean", count, mean, status=pooled.status),
        _line(analysis, "events_median", count, median, low, high, pooled.status),
    ]
    return table + _one_more(rows, analysis, pooled, settings, level)


def _one_more(rows: pd.DataFrame, analysis: str, pooled: Pooled, settings: Mapping, level: float) -> list[dict]:
    """Simulate one more study and set the intervals that follow beside the present ones."""
    now = {"ci": pooled.ci_high - pooled.ci_low, "pi": pooled.pi_high - pooled.pi_low}
    size, table = settings["study"], []
    studies = add_arms(rows)
    events, patients = (studies[c].to_numpy(int) for c in ("events", "patients"))
    drawn = draw_studies(prediction_of(pooled), size, settings["simulations"], settings["seed"])
    # The refit depends on the events alone, and there are few different counts: each is fitted once.
    counts, which = np.unique(drawn, return_inverse=True)
    batch = refit_with(events, patients, counts, size)
    widths, place = interval_widths(batch, level), np.cumsum(batch.ok) - 1
    chosen = place[which][batch.ok[which]]
    lost = len(drawn) - len(chosen)
    remark = f"{lost} of {len(drawn)} refits did not converge and are left out" if lost else ""
    status = with_remark(pooled.status, remark)
    for name, width in now.items():
        after = getattr(widths, name)[chosen]
        table.append(_line(analysis, f"{name}_width_now", value=width, status=pooled.status))
        table += _summaries(_line(analysis, "", size, status=status), name, after, width, level)
    return table


def _summaries(blank: dict, name: str, after: np.ndarray, now: float, level: float) -> list[dict]:
    """Give the mean of simulated widths with the middle of them, and how often they are below the present one."""
    if len(after) < 2:
        return [{**blank, "quantity": f"{name}_{what}"} for what in ("width_after", "narrower")]
    low, high = np.quantile(after, [(1 - level) / 2, (1 + level) / 2])
    share = float(np.mean(after < now))
    return [
        {
            **blank,
            "quantity": f"{name}_width_after",
            "value": float(np.mean(after)),
            "low": float(low),
            "high": float(high),
            "mc_error": float(np.std(after, ddof=1) / np.sqrt(len(after))),
        },
        {
            **blank,
            "quantity": f"{name}_narrower",
            "value": share,
            "mc_error": float(np.sqrt(share * (1 - share) / len(after))),
        },
    ]


def _line(analysis, quantity, threshold=nan, value=nan, low=nan, high=nan, status=OK) -> dict:
    return {
        "analysis": analysis,
        "quantity": quantity,
        "threshold": threshold,
        "value": value,
        "low": low,
        "high": high,
        "mc_error": nan,
        "status": status,
    }


def predict_future_file(rows_csv: str, future_csv: str, *, analysis: str, settings: Mapping, level: float) -> None:
    """Read the rows of an analysis, predict, write the table."""
    rows = read_rows(rows_csv)
    rows = rows[(rows["use"] == "yes") & (rows["subset"] == "all")]
    write_table(future_csv, predict_future(rows, analysis, settings, level), FUTURE)
