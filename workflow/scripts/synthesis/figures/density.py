"""What a new study could find: the distribution of its true proportion, and how probable it is above each threshold."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import hypot, log, sqrt

import numpy as np

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.model_names import DESCRIPTIONS
from ..words.terms import is_ok
from .influence import predicted
from .kit.canvas import Chart, Drawing, draw_nothing, tint
from .kit.layout import axis_end, axis_ticks, text_width
from .kit.readings import ChartText, Paragraphs, Readings, Row, known, studies_of
from .kit.style import fixed_settings

BINS = 240  # along the axis: the curve is the mean density of each, since the density itself may have no end at 0 or 1
STAIR = 4.4  # mm: height of a threshold's words
SHADES = (0.28, 0.48, 0.7, 0.85)  # of the colour of studies, from the lowest threshold to the highest
LEFT, RIGHT = 40.0, 150.0  # mm: edges of the panel


def draw_prediction(data: Readings, text: ChartText) -> Drawing:
    """Draw the density of the true proportion of a new study, shaded above the thresholds."""
    title = text.heading("what a new study could find")
    pool = data.overall(text.primary)
    chances = chances_of(data.future)
    if not data.studies:
        return draw_nothing(text, title, "no study in the pool.")
    if pool is None or not chances:
        status = next(
            (row["status"] for row in data.future if not is_ok(row["status"])), "no pool, hence no prediction"
        )
        return draw_nothing(text, title, f"{status}.")
    if not predicted(pool, text):
        k = studies_of(number(pool, "studies"))
        return draw_nothing(text, title, f"{k} in the pool; a prediction is drawn from {text.draw_prediction_from} on.")
    decimals = fmt.decimals_for([number(pool, "estimate")])
    said = describe(pool, chances, decimals, text)
    with fixed_settings():
        chart = Chart(
            text, title, Paragraphs([said], _legend(pool, data.future), text), panel=78, left=LEFT, right=RIGHT
        )
        upper = axis_end([], [number(pool, "pi_high"), *(threshold for threshold, _ in chances)])
        x = chart.x_scale(0, upper)
        chart.x_axis(
            x,
            [(tick / 100, str(tick)) for tick in axis_ticks(upper)],
            f"True share of {text.unit} with event in a new study, %",
        )
        base = _draw_pool(chart, pool, x, decimals, text)
        _draw_density(chart, probability_below(pool, data.future), chances, x, base)
        return Drawing([chart.finish()], title, f"Density, {title}. {said}")


def chances_of(future: Sequence[Row]) -> list[tuple[float, float]]:
    """Give each threshold, as a proportion, with the probability of a true proportion above it."""
    found = [numbers(row, "threshold", "value") for row in future if row["quantity"] == "probability_above"]
    return sorted((threshold / 100, value) for threshold, value in found if known(threshold, value))


def probability_below(pool: Row, future: Sequence[Row]) -> Callable[[np.ndarray], np.ndarray]:
    """Give the probability that the true proportion of a new study lies below each of many.

    The logit is the pooled one plus ``√(τ² + se²) T``, T with ``studies − 1`` degrees of freedom: the distribution of
    the prediction interval and of ``future.csv``. Where a model predicts otherwise, that has quantiles, joined here.
    """
    if drawn := quantiles_of(future):
        from scipy.interpolate import PchipInterpolator

        below, at = np.array([(0.0, 0.0), *drawn, (1.0, 1.0)]).T
        least = np.r_[True, np.diff(at) > 0]
        return PchipInterpolator(at[least], below[least])
    from scipy.special import logit, stdtr

    estimate, se, tau2, studies = numbers(pool, "estimate", "se", "tau2", "studies")
    centre, scale = log(estimate / (1 - estimate)), hypot(se, sqrt(tau2))

    def below(proportions: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return stdtr(studies - 1, (logit(np.asarray(proportions, float)) - centre) / scale)

    return below


def quantiles_of(future: Sequence[Row]) -> list[tuple[float, float]]:
    """Give probabilities with the quantiles of a prediction that no t on the logit scale gives."""
    return [(number(row, "threshold") / 100, number(row, "value")) for row in future if row["quantity"] == "quantile"]


def describe(pool: Row, chances: Sequence[tuple[float, float]], decimals: int, text: ChartText) -> str:
    """Say where a new centre would lie."""
    interval = fmt.format_percent_range(*numbers(pool, "pi_low", "pi_high"), decimals, text.style)
    words = "; ".join(f"above {_percent(t)}%: {fmt.format_percent(p)}%" for t, p in chances)
    said = f"{text.percent} prediction interval {interval}%."
    return f"{said} Probability that the true share in a new study is {words}."


def _percent(threshold: float) -> str:
    return f"{100 * threshold:g}"


def _legend(pool: Row, future: Sequence[Row]) -> list[str]:
    drawn, df = quantiles_of(future), fmt.format_count(number(pool, "studies") - 1)
    flat = "τ² was estimated at 0, so the distribution carries only the uncertainty of the mean."
    return [
        f"Distribution of the prediction interval{'' if drawn else f': t, {df} df, on the logit scale'}. The area "
        "under the curve is 1; shades begin at the thresholds. A new study is taken to be like those in the pool.",
        flat if number(pool, "tau2") == 0 else "",
        f"{DESCRIPTIONS[pool['model']]}." if drawn else "",
    ]


def _draw_pool(chart: Chart, pool: Row, x, decimals: int, text: ChartText) -> float:
    """Draw the pooled value and the prediction interval below the curve; give the curve's baseline."""
    c, s, p = chart.palette, chart.s, chart.preset
    low, mid, high = numbers(pool, "ci_low", "estimate", "ci_high")
    limits = numbers(pool, "pi_low", "pi_high")
    first, second = chart.bottom - 8.2 * s, chart.bottom - 3.2 * s
    at, half = [float(x(v)) for v in (low, mid, high)], 1.75 * s
    corners = [(at[0], first), (at[1], first - half), (at[2], first), (at[1], first + half)]
    chart.page.polygon(corners, color=c.overall, zorder=6, edge=c.edge, width=0.5 * s)
    ends, half = [float(x(v)) for v in limits], 0.55 * s
    corners = [(ends[0], second - half), (ends[1], second - half), (ends[1], second + half), (ends[0], second + half)]
    chart.page.polygon(corners, color=c.prediction, zorder=5)
    printed = fmt.format_percent_interval(mid, low, high, decimals, text.style)
    rows = (
        (first, f"Pooled (k = {fmt.format_count(number(pool, 'studies'))})", printed, True),
        (second, "Prediction interval", f"({fmt.format_percent_range(*limits, decimals, text.style)})", False),
    )
    for y, name, value, bold in rows:
        chart.write(p.mm(2), y, name, bold=bold)
        chart.write(p.mm(178), y, value, align="right", bold=bold)
    chart.write(p.mm(178), chart.bottom - 13.2 * s, f"% ({text.percent} CI)", align="right", bold=True)
    return chart.bottom - 11.5 * s


def _draw_density(chart: Chart, below: Callable, chances: Sequence[tuple[float, float]], x, base: float) -> None:
    """Draw the curve, its shades and, on a stair that falls to the right, the words of each threshold."""
    page, c, s, size = chart.page, chart.palette, chart.s, chart.preset.body
    edges = np.linspace(0, x.high, BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    height = np.diff(below(edges))
    # What is heaped up at 0 has no height of its own: the scale follows the curve from the second hundredth on.
    top = chart.top + (len(chances) * STAIR + 2) * s
    tallest = height[BINS // 50 :].max()
    y = base - np.minimum(height / tallest, 1.04) * (base - top)
    px = x(middles)
    starts = [0.0, *(threshold for threshold, _ in chances), 1.0]
    shades = [0.12, *SHADES]
    for i, (low, high) in enumerate(pairwise(starts)):
        if low >= x.high:
            continue
        ends = [float(x(v)) for v in (low, min(high, x.high))]
        inside = (px > ends[0]) & (px < ends[1])
        across = [ends[0], *px[inside], ends[1]]
        levels = np.interp(across, px, y)
        patch = page.polygon(
            [(ends[0], base), *zip(across, levels, strict=True), (ends[1], base)],
            color=tint(c.study, shades[min(i, len(shades) - 1)]),
            zorder=2,
        )
        patch.set_label("area")
    page.line(px, y, width=1.1 * s, color=c.study, zorder=3)
    page.line([x.start, x.end], [base] * 2, width=0.6 * s, color=c.text, zorder=3)
    for i, (threshold, chance) in enumerate(chances):
        at, level = float(x(threshold)), chart.top + (i + 0.5) * STAIR * s
        words = f"{'above' if i else 'Probability above'} {_percent(threshold)}%: {fmt.format_percent(chance)}%"
        page.line([at, at], [level - 1.2 * s, base], width=0.7 * s, color=c.text, zorder=4)
        fits = at + 1.2 * s + text_width(words, size) <= chart.preset.mm(178)
        chart.write(at + (1.2 if fits else -1.2) * s, level, words, align="left" if fits else "right")
