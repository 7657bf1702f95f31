"""Do small studies find more, or less? Each study's proportion against its size, from ten studies on.

Against the size and not the standard error: that of a rare event depends on the proportion itself, so such a funnel
leans even when nothing is wrong (Hunter JP et al. J Clin Epidemiol 2014;67:897–903).
"""

from collections.abc import Sequence

import numpy as np

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.terms import is_ok
from .kit.canvas import Chart, Drawing, circles, draw_nothing, sentence, tint
from .kit.layout import axis_end, axis_ticks
from .kit.readings import ChartText, Paragraphs, Readings, Row, known, studies_of
from .kit.style import fixed_settings

FEWEST = 10  # Sterne JAC et al. BMJ 2011;343:d4002
TESTS = {"egger": "Egger", "peters": "Peters"}
SIZES = [m * 10**e for e in range(7) for m in (1, 2, 5)]
CURVE = 200  # points along a limit


def draw_funnel(data: Readings, text: ChartText) -> Drawing:
    """Draw proportion against size, with the limits between which studies of one true proportion would lie."""
    title = text.heading("proportion against size of the study")
    rows = [row for row in data.by_study if known(number(row, "proportion")) and number(row, "patients") > 0]
    if data.studies < FEWEST:
        have = studies_of(data.studies) if data.studies else "no study"
        return draw_nothing(text, title, f"{have} in the pool; a funnel plot needs ten.")
    proportion, size = np.array([numbers(row, "proportion", "patients") for row in rows]).T
    overall = data.overall(text.primary)
    centre = number(overall, "estimate") if overall else np.nan
    said = describe(data.small_study, text)
    with fixed_settings():
        chart = Chart(text, title, Paragraphs(said, _legend(overall, text), text), panel=80, left=18)
        ends = _sizes(size)
        y = chart.y_scale(ends[0], ends[-1], bend=np.log)
        upper = axis_end([], [float(proportion.max())])
        x = chart.x_scale(0, upper)
        chart.x_axis(x, [(tick / 100, str(tick)) for tick in axis_ticks(upper)], text.axis)
        chart.y_axis(y, [(v, fmt.format_count(v)) for v in ends], f"{text.unit[:1].upper()}{text.unit[1:]} (log scale)")
        if overall:
            _draw_limits(chart, centre, x, y, text)
        places = np.stack([x(proportion), y(size)], 1)
        circles(
            chart.page, places, 1.0 * chart.s, color=chart.palette.study, edge="white", width=0.4, zorder=5, mark=True
        )
        desc = f"Funnel plot, {title}; {studies_of(data.studies)}. {' '.join(said)}"
        return Drawing([chart.finish()], title, desc)


def _sizes(size: np.ndarray) -> list[int]:
    """Give round sizes that hold those of the studies."""
    low = max(i for i, v in enumerate(SIZES) if v <= max(size.min(), 1))
    high = min(i for i, v in enumerate(SIZES) if v >= size.max() or v == SIZES[-1])
    return SIZES[low : max(high, low + 1) + 1]


def describe(tests: Sequence[Row], text: ChartText) -> list[str]:
    """Give the tests of asymmetry, or why there are none."""
    words = []
    for test in tests:
        name = TESTS.get(test["test"], test["test"])
        if is_ok(test["status"]) and known(number(test, "p")):
            t = number(test, "statistic")
            size = fmt.format_statistic(abs(t))
            words.append(
                f"{name}: t = {fmt.MINUS if t < 0 else ''}{size}, df = {fmt.format_count(number(test, 'df'))}, "
                f"{fmt.format_p(number(test, 'p'), text.style)}"
            )
        else:
            words.append(f"{name}: {test['status']}")
    return [sentence(f"Tests of asymmetry: {'; '.join(words)}")] if words else []


def _legend(overall: Row | None, text: ChartText) -> list[str]:
    return [
        f"Upright line: pooled value. Curves: between them {text.percent} of studies would lie if all shared it and "
        "differed by chance alone."
        if overall
        else "",
        "Asymmetry has more causes than unpublished studies: "
        f"small studies differ in {text.unit}, methods and follow-up. "
        "Egger's test finds it too often when events are rare; Peters' does not lean on the proportion.",
    ]


def funnel_limits(centre: float, sizes, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Give between which proportions the given share of studies of one true proportion lies, by their size.

    Parameters
    ----------
    centre : float
        The true proportion.
    sizes : array_like
    level : float

    Returns
    -------
    low, high : ndarray
        Binomial quantiles, made continuous by the incomplete beta function.
    """
    from scipy.special import bdtrik

    sizes = np.asarray(sizes, float)
    low, high = (bdtrik(q, sizes, centre) / sizes for q in ((1 - level) / 2, (1 + level) / 2))
    return np.nan_to_num(np.maximum(low, 0)), np.minimum(high, 1)


def _draw_limits(chart: Chart, centre: float, x, y, text: ChartText) -> None:
    """Draw the pooled value and the funnel round it; where a limit leaves the axis it ends."""
    sizes = np.geomspace(y.low, y.high, CURVE)
    c, s = chart.palette, chart.s
    for limit in funnel_limits(centre, sizes, text.level):
        inside = (limit > 0) & (limit <= x.high)
        if inside.any():
            chart.page.line(x(limit[inside]), y(sizes[inside]), width=0.8 * s, color=tint(c.prediction, 0.9), zorder=2)
    at = float(x(centre))
    dash = {"linestyle": (0, (3.2, 2.2))}
    chart.page.line([at, at], [chart.top, chart.bottom], width=0.7 * s, color=c.overall, zorder=2, **dash)
