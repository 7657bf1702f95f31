"""The true proportion of a new study, as each model predicts it: the distribution of its prediction interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import betainc, betaln, expit, gammaln, logit, stdtr, stdtrit, xlog1py, xlogy

from ..models.bayes import new_study
from ..models.betabinom import UNCERTAIN
from ..models.catalogue import Pooled
from ..models.measures import MEASURES
from ..selection.arms import counts_of

STEP = 1 / 64  # of v, t = sinh(v): the integral over T stands still to 1e-12 at every tenth of a scale
FARTHEST = 45.0  # t = sinh(45) = 1.7e19: beyond it there is nothing even with one degree of freedom
CELLS, REACH = 1000, 60.0  # of a distribution that is tabulated, and how many logits from 0 it is looked for
NOTHING = 1e-7  # what lies outside the table on either side


@dataclass(frozen=True)
class Prediction:
    """A distribution of proportions."""

    above: Callable[[float], float]  # proportion → the probability that the true one of a new study exceeds it
    nodes: np.ndarray  # proportions, from low to high, whose weighted sums are its expectations
    weights: np.ndarray
    draw: Callable[[np.random.Generator, int], np.ndarray]  # (random, size) → proportions

    def count_probabilities(self, patients: int) -> np.ndarray:
        """Give the probability of 0, 1, …, ``patients`` events among so many patients of a new study."""
        events = np.arange(patients + 1)[:, None]
        choose = gammaln(patients + 1) - gammaln(events + 1) - gammaln(patients - events + 1)
        return np.exp(choose + xlogy(events, self.nodes) + xlog1py(patients - events, -self.nodes)) @ self.weights

    def quantiles(self, probabilities: np.ndarray) -> np.ndarray:
        """Give quantiles, as exact as a figure needs."""
        from scipy.interpolate import PchipInterpolator  # 0.2 s to import, so only where it is used

        inside = self.weights > 1e-12
        below = np.cumsum(self.weights) - self.weights / 2
        return PchipInterpolator(below[inside], self.nodes[inside])(probabilities)


def has_t(model: str) -> bool:
    """Say whether a model's prediction is ``mean + √(τ² + se²) T`` on the logit scale, which its estimate tells."""
    return model.split("-")[0] in ("glmm", "logit")


def prediction_of(pooled: Pooled, rows: Sequence[Mapping]) -> Prediction:
    """Give the prediction of a model, from its pool of at least three studies and the rows that were pooled."""
    if pooled.model == "bayes":
        events, patients, study = counts_of(rows)
        return tabulated(new_study(events, patients, study))
    centre = float(logit(pooled.estimate))
    if pooled.model == "betabinom":
        if pooled.tau2 == 0:  # the studies do not differ: what is left is the uncertainty of the mean
            return student(centre, pooled.se, pooled.studies - 1)
        return tabulated(_beta_below(centre, pooled.tau2 / (1 - pooled.tau2), pooled.se, pooled.studies - 1))
    scale, name = float(np.hypot(pooled.se, pooled.tau2**0.5)), "logit"
    size = 1 / float(np.mean([1 / row["patients"] for row in rows]))  # the harmonic mean, for Freeman and Tukey
    if not has_t(pooled.model):
        name = pooled.model.split("-")[0]
        centre = float(MEASURES[name].transform(pooled.estimate * size, size)[0])
    return student(centre, scale, pooled.studies - 1, name, size)


def student(centre: float, scale: float, df: int, measure: str = "logit", size: float = 1.0) -> Prediction:
    """Give ``centre + scale T`` on the scale of a measure, T Student's t on ``df`` degrees of freedom.

    Notes
    -----
    Sums over it are trapezoidal in v, ``t = sinh(v)``: the heavy tails of T fall off geometrically in v, so the rule
    converges geometrically.
    """
    back, transform = partial(MEASURES[measure].back, size=size), MEASURES[measure].transform
    v = np.arange(-FARTHEST, FARTHEST + STEP / 2, STEP)
    t = np.sinh(v)
    constant = -betaln(0.5, df / 2) - np.log(df) / 2
    weight = np.exp(constant - (df + 1) / 2 * np.log1p(t**2 / df) + np.log(np.cosh(v))) * STEP
    near = weight > 1e-30
    return Prediction(
        lambda p: float(stdtr(df, (centre - transform(p * size, size)[0]) / scale)),
        back(centre + scale * t[near]),
        weight[near] / weight.sum(),
        lambda random, number: back(centre + scale * random.standard_t(df, number)),
    )


def tabulated(below: Callable[[float], float]) -> Prediction:
    """Give a distribution from the probability that the logit of the proportion is below a value."""
    wide = np.linspace(-REACH, REACH, 241)
    seen = np.array([below(x) for x in wide])
    first, last = np.searchsorted(seen, NOTHING) - 1, np.searchsorted(seen, 1 - NOTHING)
    edges = np.linspace(wide[max(first, 0)], wide[min(last, len(wide) - 1)], CELLS + 1)
    values = np.array([below(x) for x in edges])
    values[[0, -1]] = 0, 1
    return Prediction(
        lambda p: 1 - float(below(float(logit(p)))),
        expit((edges[1:] + edges[:-1]) / 2),
        np.diff(values),
        lambda random, number: expit(np.interp(random.random(number), values, edges)),
    )


def _beta_below(mean: float, phi: float, se: float, df: int) -> Callable[[float], float]:
    """Give the distribution of a logit from Beta(p/φ, (1 − p)/φ), logit p ~ ``mean + se T``, as the interval has it."""
    x, weight = np.polynomial.legendre.leggauss(UNCERTAIN)
    logits = mean + se * stdtrit(df, (x + 1) / 2)
    a, b = expit(logits) / phi, expit(-logits) / phi
    return lambda at: float(betainc(a, b, expit(at)) @ weight / 2)
