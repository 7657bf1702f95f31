"""Axes: where they end, their ticks, and the way from values to places."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from matplotlib.ticker import MaxNLocator

from ...words.formatting import MINUS

# An axis of proportions ends at one of these percentages: its ticks are so far apart, and round for each.
AXIS_ENDS = {5: 1, 10: 2, 15: 5, 20: 5, 25: 5, 30: 10, 40: 10, 50: 10, 60: 20, 80: 20, 100: 20}
RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
LEAST = (0.5, 2.0)  # an axis of ratios shows at least so much

Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high``; ``bend`` takes values to where they are evenly spaced."""

    title: str
    low: float
    high: float
    ticks: Sequence[Tick]
    bend: Callable = np.asarray


@dataclass(frozen=True)
class Scale:
    """From the values of an axis to places, in mm."""

    axis: Axis
    start: float
    end: float

    def __call__(self, value):
        """Give places; a value past an end stands on it."""
        low, high = self.axis.bend(self.axis.low), self.axis.bend(self.axis.high)
        share = (self.axis.bend(np.clip(value, self.axis.low, self.axis.high)) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def beyond(self, value: float) -> bool:
        """Say whether a value lies past the upper end."""
        return bool(value > self.axis.high + 1e-9 * abs(self.axis.high))

    def below(self, value: float) -> bool:
        """Say whether a value lies before the lower end."""
        return bool(value < self.axis.low - 1e-9 * abs(self.axis.low))


def percent_axis(title: str, end: float) -> Axis:
    """Give an axis of proportions from 0 on, in per cent."""
    return Axis(title, 0, end, [(tick / 100, str(tick)) for tick in axis_ticks(end)])


def axis_end(study_limits: Iterable[float], must_hold: Iterable[float]) -> float:
    """Choose where an axis of proportions ends: the least of ``AXIS_ENDS`` that holds what it must, as a proportion.

    Of the studies' upper limits one in ten may run over the end (it gets an arrow), so that one tiny study does not
    press all others against zero; limits of pooled values are never cut.
    """
    limits = np.array([v for v in study_limits if np.isfinite(v)])
    pooled = [v for v in must_hold if np.isfinite(v)]
    need = 100 * max([float(np.quantile(limits, 0.9)) if limits.size else 0.0, *pooled])
    # 1e-9: the limit itself may be a round number that floating point puts a hair above.
    return next((end for end in AXIS_ENDS if need <= end + 1e-9), 100) / 100


def axis_ticks(end: float) -> list[int]:
    """Give 4 to 6 ticks in per cent, for an end that ``axis_end`` chose or any other.

    >>> axis_ticks(0.15), axis_ticks(0.6)
    ([0, 5, 10, 15], [0, 20, 40, 60])
    """
    per_cent = round(100 * end)
    return list(range(0, per_cent + 1, AXIS_ENDS.get(per_cent) or max(1, -(-per_cent // 5))))


def nice_axis(title: str, low: float, high: float, count: int = 6, *, whole: bool = False) -> Axis:
    """Give an axis with round ticks that holds a range."""
    ticks = nice_ticks(low, high, count, whole=whole)
    return Axis(title, ticks[0][0], ticks[-1][0], ticks)


def nice_ticks(low: float, high: float, count: int = 6, *, whole: bool = False) -> list[Tick]:
    """Give round ticks that hold a range, with their words.

    >>> nice_ticks(2020, 2023, whole=True)
    [(2020.0, '2020'), (2021.0, '2021'), (2022.0, '2022'), (2023.0, '2023')]
    >>> nice_ticks(0, 0.43)
    [(0.0, '0'), (0.1, '0.1'), (0.2, '0.2'), (0.3, '0.3'), (0.4, '0.4'), (0.5, '0.5')]
    """
    if high <= low:
        low, high = low - 1, high + 1
    values = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    step = values[1] - values[0]
    first = max(int(np.searchsorted(values, low + 1e-9 * step, "right")) - 1, 0)
    last = int(np.searchsorted(values, high - 1e-9 * step))
    decimals = next(d for d in range(10) if abs(round(step, d) - step) < 1e-9 * step)
    return [(float(round(v, decimals)), tick_words(v, decimals)) for v in values[first : last + 1]]


def tick_words(value: float, decimals: int) -> str:
    """Give the words of a tick: no comma in a year, a true minus, a bare 0."""
    size = abs(round(value, decimals))
    words = f"{size:,.{decimals}f}" if size >= 10000 else f"{size:.{decimals}f}"
    return "0" if size == 0 else MINUS + words if value < 0 else words


def ratio_axis(title: str, studies: Sequence[tuple[float, float, float]], pools: Iterable[tuple[float, float]]) -> Axis:
    """Choose a logarithmic axis of ratios, which begins and ends at one of ``RATIOS``.

    Every ratio of the studies (low, ratio, high) lies inside, and one limit in ten may run over an end; the pools (low,
    high) lie inside as far as the axis goes.
    """
    finite = [v for v in (*(v for _, v, _ in studies), *(v for pair in pools for v in pair)) if 0 < v < inf]
    spare = len(studies) // 10
    lows = sorted(low for low, *_ in studies if low > 0)[spare : spare + 1]
    highs = sorted((high for *_, high in studies if isfinite(high)), reverse=True)[spare : spare + 1]
    low, high = min([LEAST[0], *finite, *lows]), max([LEAST[1], *finite, *highs])
    lower = max([tick for tick in RATIOS if tick <= low] or RATIOS[:1])
    upper = min([tick for tick in RATIOS if tick >= high] or RATIOS[-1:])
    return Axis(title, lower, upper, [(tick, f"{tick:g}") for tick in shown_ticks(lower, upper)], np.log)


def shown_ticks(lower: float, upper: float) -> list[float]:
    """Give at most seven ticks of ratios: all, or only powers of ten and one.

    >>> shown_ticks(0.5, 10), shown_ticks(0.01, 100)
    ([0.5, 1, 2, 5, 10], [0.01, 0.1, 1, 10, 100])
    """
    inside = [tick for tick in RATIOS if lower <= tick <= upper]
    return inside if len(inside) <= 7 else [tick for tick in inside if f"{tick:g}".strip("0.") == "1"]
