"""A panel of ratios: a logarithmic axis with the line of no difference."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite, log

from .layout import ARROW, MARK, PAD, Panel

TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
LEAST = (0.5, 2.0)  # an axis of ratios shows at least so much
WORDS = {tick: f"{tick:g}" for tick in TICKS}


@dataclass(frozen=True)
class RatioPanel(Panel):
    """The part of a page that shows ratios.

    Parameters
    ----------
    lower : float
        Where the axis begins; ``upper`` is where it ends. Beside them as in ``Panel``.
    """

    lower: float = 0.1

    def x(self, value: float) -> float:
        """Give the place of a ratio; what lies past an end stands on it."""
        pad = PAD * self.scale
        inside = min(max(value, self.lower), self.upper)
        share = log(inside / self.lower) / log(self.upper / self.lower)
        return self.left + pad + share * (self.right - self.left - 2 * pad)

    def below(self, value: float) -> bool:
        """Say whether a ratio lies before the beginning of the axis."""
        return value < self.lower * (1 - 1e-9)

    def grid(self, *, size: float, title: str, lines: bool = True) -> None:
        """Draw the line of no difference, grid lines, axis, ticks and title."""
        page, c, s, bottom = self.page, self.palette, self.scale, self.bottom
        page.line([self.x(self.lower), self.x(self.upper)], [bottom] * 2, width=0.6 * s, color=c.text, zorder=2.2)
        one = self.x(1)
        page.line([one, one], [self.top, bottom], width=0.6 * s, color=c.text, zorder=1.5)
        for tick in shown_ticks(self.lower, self.upper):
            x = self.x(tick)
            if lines and tick != 1:
                page.line([x, x], [self.top, bottom], width=0.5 * s, color=c.grid, zorder=1)
            page.line([x, x], [bottom, bottom + 0.9 * s], width=0.6 * s, color=c.text, zorder=2.2)
            page.text(x, bottom + 3.7 * s, WORDS[tick], size=size, color=c.text, align="center")
        middle = (self.x(self.lower) + self.x(self.upper)) / 2
        page.text(middle, bottom + 7.7 * s, title, size=size, color=c.text, align="center")

    def interval(self, y: float, low: float, high: float) -> None:
        """Draw an interval; where it runs over an end of the axis, an arrow."""
        c, s, half = self.palette.study, self.scale, ARROW * self.scale / 2
        if not self.beyond(low) and not self.below(high):
            line = self.page.line([self.x(low), self.x(high)], [y, y], width=0.9 * s, color=c, zorder=4)
            line.set_label(MARK)
        for past, end, away in ((self.beyond(high), self.x(self.upper), 1), (self.below(low), self.x(self.lower), -1)):
            if past:
                tip = end + away * PAD * s
                back = tip - away * ARROW * s
                self.page.polygon([(back, y - half), (tip, y), (back, y + half)], color=c, zorder=5)

    def square(self, y: float, value: float, side: float) -> None:
        """Draw a study's square, unless it lies past an end of the axis."""
        if not self.below(value):
            super().square(y, value, side)


def shown_ticks(lower: float, upper: float) -> list[float]:
    """Give at most seven ticks: all, or only powers of ten and one.

    >>> shown_ticks(0.5, 10), shown_ticks(0.01, 100)
    ([0.5, 1, 2, 5, 10], [0.01, 0.1, 1, 10, 100])
    """
    inside = [tick for tick in TICKS if lower <= tick <= upper]
    if len(inside) <= 7:
        return inside
    return [tick for tick in inside if WORDS[tick].strip("0.") == "1"]


def ratio_axis(
    studies: Iterable[tuple[float, float, float]], pools: Iterable[tuple[float, float]]
) -> tuple[float, float]:
    """Choose the ends of an axis of ratios.

    Parameters
    ----------
    studies : iterable of (low, ratio, high)
        Every ratio lies inside; limits may run over an end.
    pools : iterable of (low, high)
        Lie inside as far as the axis goes.

    Returns
    -------
    lower, upper : float
        Two of ``TICKS``.
    """
    studies = list(studies)
    finite = [v for _, v, _ in studies if 0 < v < inf] + [v for pair in pools for v in pair if 0 < v < inf]
    lows = sorted(low for low, *_ in studies if low > 0)
    highs = sorted((high for *_, high in studies if isfinite(high)), reverse=True)
    spare = len(studies) // 10  # one limit in ten may run over
    low = min([LEAST[0], *finite, *lows[spare : spare + 1]])
    high = max([LEAST[1], *finite, *highs[spare : spare + 1]])
    lower = max([tick for tick in TICKS if tick <= low] or TICKS[:1])
    upper = min([tick for tick in TICKS if tick >= high] or TICKS[-1:])
    return lower, upper
