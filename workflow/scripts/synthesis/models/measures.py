"""The scales two-stage models pool on: proportions transformed, with their variances, and the way back."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from .proportions import logit_with_variance


class Measure(NamedTuple):
    """A transformation of a proportion, and the scale it leads to in the field's terms.

    ``transform`` takes ``(events, patients)`` of any shape and gives transformed proportions and sampling variances.
    ``back`` takes ``(y, size)`` and gives proportions in 0 to 1; only Freeman–Tukey's reads ``size``, the harmonic mean
    of the patients pooled.
    """

    scale: str
    transform: Callable[..., tuple[np.ndarray, np.ndarray]]
    back: Callable[..., np.ndarray]
    reference: str


def back_logit(y, size=None):
    """Give the proportions of logits."""
    return expit(y)


def transform_arcsine(events, patients) -> tuple[np.ndarray, np.ndarray]:
    """Give ``arcsin √(x / n)`` and its variance ``1 / (4n)``; no correction is needed at 0 or n events."""
    x, n = np.asarray(events, float), np.asarray(patients, float)
    return np.arcsin(np.sqrt(x / n)), 1 / (4 * n)


def back_arcsine(y, size=None):
    """Give ``sin² y``, with limits beyond 0 and π/2 brought back to them: the sine would turn round there."""
    return np.sin(np.clip(y, 0, np.pi / 2)) ** 2


def transform_log(events, patients) -> tuple[np.ndarray, np.ndarray]:
    """Give ``log(x / n)`` and its variance ``1 / x − 1 / n``.

    Studies with no events or nothing but events, and no others, get half an event and half a non-event more, so
    one patient more: metafor's ``measure="PLN", add=1/2, to="only0"``.
    """
    x, n = np.asarray(events, float), np.asarray(patients, float)
    edge = (x == 0) | (x == n)
    x, n = x + np.where(edge, 0.5, 0.0), n + np.where(edge, 1.0, 0.0)
    return np.log(x / n), 1 / x - 1 / n


def back_log(y, size=None):
    """Give ``exp y``; limits above 0, which are no proportions, become 1."""
    return np.exp(np.minimum(y, 0))


def transform_freeman_tukey(events, patients) -> tuple[np.ndarray, np.ndarray]:
    """Give the mean of ``arcsin √(x / (n + 1))`` and ``arcsin √((x + 1) / (n + 1))``, and ``1 / (4n + 2)``.

    Miller (1978) prints the sum of the two, twice this; metafor's PFT is the mean, as here.
    """
    x, n = np.asarray(events, float), np.asarray(patients, float)
    both = np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))
    return both / 2, 1 / (4 * n + 2)


def back_freeman_tukey(y, size):
    """Invert the double arcsine exactly for a study of ``size`` patients.

    Below the value of no events ``y`` means 0, above that of nothing but events 1. A pooled mean has no size: Miller
    suggests the harmonic mean of the studies' (The inverse of the Freeman–Tukey double arcsine transformation. Am Stat
    1978;32:138).
    """
    y, n = np.asarray(y, float), np.asarray(size, float)
    low = np.arcsin(np.sqrt(1 / (n + 1))) / 2
    high = np.pi / 2 - low
    t = 2 * np.clip(y, low, high)
    sine = np.sin(t)
    inner = sine + (sine - 1 / sine) / n
    p = (1 - np.sign(np.cos(t)) * np.sqrt(np.clip(1 - inner**2, 0, 1))) / 2
    return np.where(y <= low, 0.0, np.where(y >= high, 1.0, np.where(np.isnan(y), np.nan, p)))


MEASURES = {
    "logit": Measure("logit", logit_with_variance, back_logit, "Warton DI, Hui FKC. Ecology 2011;92:3–10"),
    "arcsine": Measure(
        "arcsine square-root", transform_arcsine, back_arcsine, "Rücker G et al. Stat Med 2009;28:721–38"
    ),
    # Events and non-events do not change places: suits rare events only.
    "log": Measure("log", transform_log, back_log, ""),
    # Discouraged, for comparison only: the way back needs a number of patients that a pooled mean does not have, and
    # with studies of very different sizes the harmonic mean can turn the pool into a proportion far from every study
    # (Schwarzer G et al. Res Synth Methods 2019;10:476–83).
    "ft": Measure(
        "Freeman–Tukey double arcsine",
        transform_freeman_tukey,
        back_freeman_tukey,
        "Freeman MF, Tukey JW. Ann Math Stat 1950;21:607–11; Miller JJ. Am Stat 1978;32:138",
    ),
}
