"""What a new study could find: the distribution of its true proportion, and how probable it is above each threshold."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import hypot, log, sqrt

import numpy as np

from ..tables.pools import Row, estimate_text, prediction_text
from ..words import formatting as fmt
from ..words.model_names import DESCRIPTIONS
from ..words.terms import is_ok
from .forest.lines import Printer
from .kit.axes import axis_end, percent_axis
from .kit.board import Chart, Drawing, draw_nothing
from .kit.layout import text_width
from .kit.readings import FigureText, Readings, known, notes_of, studies_of, values_of
from .kit.style import fixed_settings, tint

BINS = 240  # along the axis: the curve is the mean density of each, since the density itself may have no end at 0 or 1
STAIR = 4.4  # mm: height of a threshold's words
SHADES = (0.28, 0.48, 0.7, 0.85)  # of the colour of studies, from the lowest threshold to the highest
LEFT, RIGHT = 40.0, 150.0  # mm: edges of the panel


@fixed_settings()
def draw_prediction(data: Readings, text: FigureText) -> Drawing:
    """Draw the density of the true proportion of a new study, shaded above the thresholds."""
    title = text.heading("what a new study could find")
    pool, chances = data.overall(text.primary), chances_of(data.future)
    if not data.studies:
        return draw_nothing(text, title, "no study in the pool.")
    if not pool or not chances:
        failed = (row["status"] for row in data.future if not is_ok(row["status"]))
        return draw_nothing(text, title, f"{next(failed, 'no pool, hence no prediction')}.")
    if not Printer(text).predicts(pool):
        k = studies_of(pool["studies"])
        return draw_nothing(text, title, f"{k} in the pool; a prediction is drawn from {text.draw_prediction_from} on.")
    decimals = fmt.decimals_for([pool["estimate"]])
    said = describe(pool, chances, decimals, text)
    chart = Chart(text, title, notes_of(text, [said], _legend(pool, data.future)), panel=78, left=LEFT, right=RIGHT)
    upper = axis_end([], [pool["pi_high"], *(threshold for threshold, _ in chances)])
    x = chart.x_axis(percent_axis(f"True share of {text.unit} with event in a new study, %", upper))
    base = _draw_pool(chart, pool, x, decimals, text)
    _draw_density(chart, probability_below(pool, data.future), chances, x, base)
    return Drawing([chart.finish()], title, f"Density, {title}. {said}")


def chances_of(future: Sequence[Row]) -> list[tuple[float, float]]:
    """Give each threshold, as a proportion, with the probability of a true proportion above it."""
    found = [values_of(row, "threshold", "value") for row in future if row["quantity"] == "probability_above"]
    return sorted((threshold / 100, value) for threshold, value in found if known(threshold, value))


def probability_below(pool: Row, future: Sequence[Row]) -> Callable[[np.ndarray], np.ndarray]:
    """Give the probability that the true proportion of a new study lies below each of many.

    The logit is the pooled one plus ``√(τ² + se²) T``, T with ``studies − 1`` degrees of freedom: the distribution of
    the prediction interval and of ``future.csv``. Where a model predicts otherwise, that has quantiles, joined here.
    """
    from scipy.special import expit, logit, stdtr

    if drawn := [(p, q) for p, q in quantiles_of(future) if 0 < q < 1]:
        from scipy.interpolate import CubicSpline

        below, at = logit(np.array(drawn)).T
        last, first = np.r_[np.diff(at) > 0, True], np.r_[True, np.diff(at) > 0]  # of quantiles alike, one
        below, at = below[last & first], at[last & first]
        # Logit against logit is nearly a straight line, and goes on as one.
        slopes = [(below[i + 1] - below[i]) / (at[i + 1] - at[i]) for i in (0, -2)]
        below = np.r_[below[0] - 20 * slopes[0], below, below[-1] + 20 * slopes[1]]
        line = CubicSpline(np.r_[at[0] - 20, at, at[-1] + 20], below, bc_type="natural")
        return lambda proportions: expit(line(logit(np.clip(proportions, 1e-6, 1 - 1e-6))))
    estimate, se, tau2, studies = values_of(pool, "estimate", "se", "tau2", "studies")
    centre, scale = log(estimate / (1 - estimate)), hypot(se, sqrt(tau2))

    def below(proportions: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return stdtr(studies - 1, (logit(np.asarray(proportions, float)) - centre) / scale)

    return below


def quantiles_of(future: Sequence[Row]) -> list[tuple[float, float]]:
    """Give probabilities with the quantiles of a prediction that no t on the logit scale gives."""
    return [(row["threshold"] / 100, row["value"]) for row in future if row["quantity"] == "quantile"]


def describe(pool: Row, chances: Sequence[tuple[float, float]], decimals: int, text: FigureText) -> str:
    """Say where a new study like these would lie."""
    words = "; ".join(f"above {100 * t:g}%: {fmt.format_percent(p)}%" for t, p in chances)
    said = f"{text.percent} prediction interval {prediction_text(pool, decimals, text.style)}%."
    return f"{said} Probability that the true share in a new study is {words}."


def _legend(pool: Row, future: Sequence[Row]) -> list[str]:
    drawn, df = quantiles_of(future), fmt.format_count(pool["studies"] - 1)
    flat = "τ² was estimated at 0, so the distribution carries only the uncertainty of the mean."
    return [
        f"Distribution of the prediction interval{'' if drawn else f': t, {df} df, on the logit scale'}. The area "
        "under the curve is 1; shades begin at the thresholds. A new study is taken to be like those in the pool.",
        flat if pool["tau2"] == 0 else "",
        f"{DESCRIPTIONS[pool['model']]}." if drawn else "",
    ]


def _draw_pool(chart: Chart, pool: Row, x, decimals: int, text: FigureText) -> float:
    """Draw the pooled value and the prediction interval below the curve; give the curve's baseline."""
    s, left, right = chart.s, chart.mm(2), chart.mm(178)
    first, second = chart.bottom - 8.2 * s, chart.bottom - 3.2 * s
    chart.diamond(first, *(float(x(value)) for value in values_of(pool)), 1.75)
    chart.bar(second, *(float(x(value)) for value in values_of(pool, "pi_low", "pi_high")), 0.55)
    rows = (
        (first, f"Pooled (k = {fmt.format_count(pool['studies'])})", estimate_text(pool, decimals, text.style), True),
        (second, "Prediction interval", f"({prediction_text(pool, decimals, text.style)})", False),
    )
    for y, name, value, bold in rows:
        chart.write(left, y, name, bold=bold)
        chart.write(right, y, value, align="right", bold=bold)
    chart.write(right, chart.bottom - 13.2 * s, f"% ({text.interval})", align="right", bold=True)
    return chart.bottom - 11.5 * s


def _draw_density(chart: Chart, below: Callable, chances: Sequence[tuple[float, float]], x, base: float) -> None:
    """Draw the curve, its shades and, on a stair that falls to the right, the words of each threshold."""
    c, s, end = chart.palette, chart.s, x.axis.high
    edges = np.linspace(0, end, BINS + 1)
    height = np.diff(below(edges))
    # What is heaped up at 0 has no height of its own: the scale follows the curve from the second hundredth on.
    top = chart.top + (len(chances) * STAIR + 2) * s
    y = base - np.minimum(height / height[BINS // 50 :].max(), 1.04) * (base - top)
    px = x((edges[1:] + edges[:-1]) / 2)
    shades = [0.12, *SHADES, *[SHADES[-1]] * len(chances)]
    for (low, high), shade in zip(pairwise([0.0, *(t for t, _ in chances), 1.0]), shades, strict=False):
        if low >= end:
            continue
        left, right = float(x(low)), float(x(min(high, end)))
        across = [left, *px[(px > left) & (px < right)], right]
        corners = [(left, base), *zip(across, np.interp(across, px, y), strict=True), (right, base)]
        chart.polygon(corners, color=tint(c.study, shade), zorder=2, label="area")
    chart.line(px, y, width=1.1 * s, color=c.study, zorder=3)
    chart.line([x.start, x.end], [base] * 2, width=0.6 * s, color=c.text, zorder=3)
    for i, (threshold, chance) in enumerate(chances):
        at, level = float(x(threshold)), chart.top + (i + 0.5) * STAIR * s
        words = f"{'above' if i else 'Probability above'} {100 * threshold:g}%: {fmt.format_percent(chance)}%"
        chart.line([at, at], [level - 1.2 * s, base], width=0.7 * s, color=c.text, zorder=4)
        fits = at + 1.2 * s + text_width(words, chart.preset.body) <= chart.mm(178)
        chart.write(at + (1.2 if fits else -1.2) * s, level, words, align="left" if fits else "right")
