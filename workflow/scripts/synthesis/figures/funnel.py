"""Do small studies find more, or less? Each study's proportion against its size, from ten studies on.

Against the size and not the standard error: that of a rare event depends on the proportion itself, so such a funnel
leans even when nothing is wrong (Hunter JP et al. J Clin Epidemiol 2014;67:897–903).
"""

from collections.abc import Sequence

import numpy as np

from ..tables.pools import Row
from ..words import formatting as fmt
from ..words.terms import is_ok
from .kit.axes import Axis, axis_end, percent_axis
from .kit.board import Chart, Drawing, draw_nothing
from .kit.layout import DASHED, MARK
from .kit.readings import FigureText, Readings, known, middle_note, notes_of, sentence, studies_of, values_of
from .kit.style import fixed_settings, tint

FEWEST = 10  # Sterne JAC et al. BMJ 2011;343:d4002
TESTS = {"egger": "Egger", "peters": "Peters"}
SIZES = [m * 10**e for e in range(7) for m in (1, 2, 5)]
CURVE = 200  # points along a limit


@fixed_settings()
def draw_funnel(data: Readings, text: FigureText) -> Drawing:
    """Draw proportion against size, with the limits between which studies of one true proportion would lie."""
    title = text.heading("proportion against size of the study")
    if data.studies < FEWEST:
        have = studies_of(data.studies, "no study")
        return draw_nothing(text, title, f"{have} in the pool; a funnel plot needs ten.")
    rows = [row for row in data.by_study if known(row["proportion"]) and row["patients"] > 0]
    proportion, size = np.array([values_of(row, "proportion", "patients") for row in rows]).T
    overall, said = data.overall(text.primary), describe(data.small_study, text)
    chart = Chart(text, title, notes_of(text, said, [*_legend(overall, text), middle_note(rows)]), panel=80, left=18)
    ends = _sizes(size)
    ticks = [(value, fmt.format_count(value)) for value in ends]
    x = chart.x_axis(percent_axis(text.axis, axis_end([], [float(proportion.max())])))
    y = chart.y_axis(Axis(f"{text.units} (log scale)", ends[0], ends[-1], ticks, np.log))
    if overall:
        _draw_limits(chart, overall["estimate"], x, y, text)
    style = {"color": chart.palette.study, "edge": "white", "width": 0.4, "zorder": 5, "label": MARK}
    chart.circles(np.stack([x(proportion), y(size)], 1), 1.0 * chart.s, **style)
    desc = f"Funnel plot, {title}; {studies_of(data.studies)}. {' '.join(said)}"
    return Drawing([chart.finish()], title, desc)


def _sizes(size: np.ndarray) -> list[int]:
    """Give round sizes that hold those of the studies."""
    low = max(i for i, v in enumerate(SIZES) if v <= max(size.min(), 1))
    high = min(i for i, v in enumerate(SIZES) if v >= size.max() or v == SIZES[-1])
    return SIZES[low : max(high, low + 1) + 1]


def describe(tests: Sequence[Row], text: FigureText) -> list[str]:
    """Give the tests of asymmetry, or why there are none."""
    words = []
    for test in tests:
        said = test["status"]
        if is_ok(said) and known(test["p"]):
            t, df = test["statistic"], fmt.format_count(test["df"])
            sign = fmt.MINUS if t < 0 else ""
            said = f"t = {sign}{fmt.format_statistic(abs(t))}, df = {df}, {fmt.format_p(test['p'], text.style)}"
        words.append(f"{TESTS.get(test['test'], test['test'])}: {said}")
    return [sentence(f"Tests of asymmetry: {'; '.join(words)}")] if words else []


def _legend(overall: Row, text: FigureText) -> list[str]:
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
    """Give between which proportions the share ``level`` of studies of one true proportion lies, by their size.

    Binomial quantiles, made continuous by the incomplete beta function.
    """
    from scipy.special import bdtrik

    sizes = np.asarray(sizes, float)
    low, high = (bdtrik(q, sizes, centre) / sizes for q in ((1 - level) / 2, (1 + level) / 2))
    return np.nan_to_num(np.maximum(low, 0)), np.minimum(high, 1)


def _draw_limits(chart: Chart, centre: float, x, y, text: FigureText) -> None:
    """Draw the pooled value and the funnel round it; where a limit leaves the axis it ends."""
    sizes = np.geomspace(y.axis.low, y.axis.high, CURVE)
    c, s = chart.palette, chart.s
    for limit in funnel_limits(centre, sizes, text.level):
        inside = (limit > 0) & (limit <= x.axis.high)
        if inside.any():
            chart.line(x(limit[inside]), y(sizes[inside]), width=0.8 * s, color=tint(c.prediction, 0.9), zorder=2)
    chart.line([float(x(centre))] * 2, [chart.top, chart.bottom], width=0.7 * s, color=c.overall, zorder=2, **DASHED)
