"""2×2 tables, and what one of them says: its ratios, its difference, and their sampling variances."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

OR, RR, RD = "odds ratio", "risk ratio", "risk difference"
NOBODY = "a group without patients"
EMPTY = "no events in either group, or nothing but events"
# Conditional maximum likelihood with the exact interval, Koopman's score interval, Newcombe's hybrid score interval.
STUDY_METHODS = {"exact": OR, "score": RR, "newcombe": RD}


@dataclass(frozen=True)
class Tables:
    """2×2 tables, shape (k,): events and patients of the exposed (``a``, ``n1``) and of the unexposed (``c``, ``n2``).

    Tables of one study hold different patients and share the study's effect.
    """

    a: np.ndarray
    n1: np.ndarray
    c: np.ndarray
    n2: np.ndarray
    study: np.ndarray

    @property
    def b(self) -> np.ndarray:
        """Give the exposed without the event."""
        return self.n1 - self.a

    @property
    def d(self) -> np.ndarray:
        """Give the unexposed without the event."""
        return self.n2 - self.c

    def keep(self, which: np.ndarray) -> "Tables":
        """Give some of the tables."""
        return Tables(*(column[which] for column in vars(self).values()))

    def informative(self) -> "Tables":
        """Leave out tables without any event, or with nothing but events: they say nothing of the odds ratio."""
        return self.keep((self.a + self.c > 0) & (self.b + self.d > 0))


def tables_of(a, n1, c, n2, study=None) -> Tables:
    """Give tables from events and patients of exposed and unexposed, shape (k,); one study a table by default."""
    columns = [np.asarray(column, float) for column in (a, n1, c, n2)]
    return Tables(*columns, np.arange(len(columns[0])) if study is None else np.asarray(study))


def size_of(tables: Tables) -> tuple[int, int]:
    """Give the number of tables and of the studies they come from."""
    return len(tables.a), len(np.unique(tables.study))


def risk_ratio_score(events, patients, level: float = 0.95) -> tuple[float, float, float]:
    """Give the risk ratio of a table, exposed first, with its score interval, which needs no correction of empty cells.

    0 or infinite where one group has no events; NaN where neither has.

    References
    ----------
    Koopman PAR. Biometrics 1984;40:513–7; the same statistic, without its factor N / (N − 1), as in Miettinen O,
    Nurminen M. Stat Med 1985;4:213–26.

    >>> print(*(round(x, 2) for x in risk_ratio_score((36, 16), (40, 80))))
    4.5 2.94 7.15
    """
    (a, c), (n1, n2) = (float(x) for x in events), (float(x) for x in patients)
    if a + c == 0:
        return np.nan, np.nan, np.nan
    p1, p2, critical = a / n1, c / n2, float(ndtri((1 + level) / 2)) ** 2

    def excess(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        first, second = (n1 + n2) * ratio, n1 * ratio + a + n2 + c * ratio
        risk = (second - np.sqrt(max(second**2 - 4 * first * (a + c), 0.0))) / (2 * first)  # unexposed, constrained
        variance = ratio * risk * (1 - ratio * risk) / n1 + ratio**2 * risk * (1 - risk) / n2
        return (p1 - ratio * p2) ** 2 / variance - critical if variance > 0 else -critical

    centre = float(np.log((a or 0.5) / n1 / ((c or 0.5) / n2)))
    limits = [0.0 if a == 0 else np.nan, np.inf if c == 0 else np.nan]
    for side, sign in enumerate((-1, 1)):
        if np.isnan(limits[side]):
            # Where the estimate is 0 or infinite the start may lie beyond the limit: walk inwards first.
            inner = centre
            while excess(inner) > 0:
                inner -= sign
            outer = inner + sign
            while excess(outer) < 0:
                outer += sign
            limits[side] = float(np.exp(brentq(excess, *sorted((inner, outer)), xtol=1e-13, rtol=1e-14)))
    return (p1 / p2 if c else np.inf), limits[0], limits[1]


def effect_sizes(tables: Tables, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Give each table's log odds ratio, log risk ratio or risk difference and its sampling variance.

    Half a patient is added to all four cells of tables with an empty cell, and of no others: metafor's
    ``escalc(add=1/2, to="only0")``. Tables without any event stay, as they do there.
    """
    cells = np.array([tables.a, tables.b, tables.c, tables.d])
    a, b, c, d = cells + np.where((cells == 0).any(0), 0.5, 0.0)
    n1, n2 = a + b, c + d
    if measure == OR:
        return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
    if measure == RR:
        return np.log(a / n1 / (c / n2)), 1 / a - 1 / n1 + 1 / c - 1 / n2
    return a / n1 - c / n2, a * b / n1**3 + c * d / n2**3
