"""Meta-regression drawn: each study's proportion against a continuous property, and the line the model puts through."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np

from ..tables.pools import Row, shares_of
from ..words import formatting as fmt
from ..words.prose import agree, inside, plural
from ..words.terms import remarks_of
from .kit.axes import AXIS_ENDS, axis_end, nice_axis, percent_axis
from .kit.board import Chart, Drawing, draw_nothing
from .kit.labels import place_labels
from .kit.layout import MARK, clean_text
from .kit.readings import FigureText, Readings, add_arms, known, middle_note, notes_of, sentence, studies_of, values_of
from .kit.style import fixed_settings, tint

LARGEST, SMALLEST = 3.2, 0.7  # mm: radius of bubbles
CURVE = 120  # points along the line
FEWEST = 3  # points for a line: the same as in regression.csv
LABELLED = 30  # studies up to which names are tried
MODELS = {  # each with its interval
    "glmm": ("random-effects logistic regression (ML)", "Wald"),
    "logit-reml": ("random-effects regression of logits (REML, Wald)", "Wald"),
    "logit-reml-hk": ("random-effects regression of logits (REML, Hartung–Knapp)", "Knapp–Hartung"),
}


class Point(NamedTuple):
    """A study with its value of the property; arms of one value are one point, since they share the study's effect."""

    label: str
    value: float
    proportion: float
    patients: float


@dataclass(frozen=True)
class Moderator:
    """A continuous property of the studies, as ``regression.csv`` and ``moderators.csv`` hold it."""

    fit: Row  # the row of the regression with the leading model; empty when there is none
    points: Sequence[Point]
    studies: int  # with a value
    without: int  # pooled rows that have no value
    several: bool  # whether a study gives several rows

    @property
    def fitted(self) -> bool:
        """Say whether there is a line."""
        needed = ("slope", "intercept", "centre", "se", "intercept_se")
        return bool(self.fit) and known(*values_of(self.fit, *needed))


def read_moderator(data: Readings, name: str, model: str) -> Moderator:
    """Find the values and the regression of a moderator; the leading model, or else ``glmm``."""
    fits = {row["model"]: row for row in data.regression if (row["moderator"], row["kind"]) == (name, "continuous")}
    rows = {values_of(row, "study", "arm"): row for row in data.pooled}
    alike: dict[tuple[str, float], list[Row]] = {}
    without = 0
    for entry in (entry for entry in data.moderators if entry["moderator"] == name):
        row, value = rows.get(values_of(entry, "study", "arm")), entry["value"]
        if row and known(value, *shares_of(row), row["patients"]):
            alike.setdefault((row["study"], value), []).append(row)
        else:
            without += 1
    added = [(value, add_arms(arms)) for (_, value), arms in alike.items()]
    points = [Point(clean_text(row["label"]), value, row["proportion"], row["patients"]) for value, row in added]
    fit = fits.get(model) or fits.get("glmm") or {}
    studies = len({study for study, _ in alike})
    return Moderator(fit, points, studies, without, len(rows) > data.studies)


def regression_curve(fit: Row, values, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the fitted proportion at values, and the limits of its confidence band point by point.

    ``fit`` is a row of ``regression.csv``: the log odds are ``intercept + slope (value − centre)``, their variance is
    ``se₀² + 2 (v − c) cov + (v − c)² se₁²``, with t where the table gives degrees of freedom, else normal.
    """
    from scipy.special import expit, ndtri, stdtrit  # 0.3 s to import, and most analyses have nothing to draw

    slope, se, centre = values_of(fit, "slope", "se", "centre")
    start, start_se, covariance = values_of(fit, "intercept", "intercept_se", "covariance")
    away = np.asarray(values, float) - centre
    line = start + slope * away
    spread = np.sqrt(np.maximum(start_se**2 + 2 * away * covariance + away**2 * se**2, 0))
    df, tail = fit["wald_df2"], (1 + level) / 2
    half = (stdtrit(df, tail) if known(df) else ndtri(tail)) * spread
    return expit(line), expit(line - half), expit(line + half)


@fixed_settings()
def draw_bubble(data: Readings, text: FigureText, name: str, label: str, unit: str, one: str = "") -> Drawing:
    """Draw the studies against a moderator; ``one`` is what a step along the axis is called (blank: from the unit)."""
    found, label = read_moderator(data, name, text.primary), clean_text(label)
    title = text.heading(f"by {inside(label)}")
    if found.studies < FEWEST:
        have = fmt.format_count(found.studies) if found.studies else "none"
        verb = agree(found.studies, "has", "have")
        why = f"{have} of {studies_of(data.studies)} in the pool {verb} a value; a regression needs three"
        return draw_nothing(text, title, f"{why if data.studies else 'no study in the pool'}.")
    one = one or ("percentage point" if unit == "%" else unit.removesuffix("s") or "unit")
    said = describe(found, text, one)
    chart = Chart(text, title, notes_of(text, said, [*_legend(found, text), middle_note(data.pooled)]), panel=75)
    values = [point.value for point in found.points]
    whole = all(v == round(v) for v in values) and len(set(values)) > 1
    curve = _curve(found, min(values), max(values), text)
    x = chart.x_axis(
        nice_axis(", ".join(filter(None, (label, unit))), min(values), max(values), 7, whole=whole), inset=LARGEST
    )
    y = chart.y_axis(percent_axis(text.axis, _upper(found, curve)))
    if curve:
        _draw_curve(chart, x, y, *curve)
    _draw_points(chart, found.points, x, y)
    return Drawing([chart.finish()], title, " ".join([f"Bubble plot, {title}.", *said]))


def describe(found: Moderator, text: FigureText, one: str) -> list[str]:
    """Give the odds ratio with its tests, and what must be known of it."""
    words, fit = [], found.fit
    if found.fitted:
        ratio = fmt.format_ratio_interval(*values_of(fit, "or_per_unit", "or_ci_low", "or_ci_high"), text.style)
        estimate, _, interval = ratio.partition(" ")
        _, of = MODELS[fit["model"]]
        limits = f" ({text.percent} CI {interval[1:-1]}, {of})" if interval else ""
        tests = [f"Odds ratio per {one}: {estimate}{limits}"]
        if known(fit["lr"]):
            tests.append(f"likelihood-ratio test {fmt.format_test(*values_of(fit, 'lr', 'lr_df', 'lr_p'), text.style)}")
        elif known(fit["wald_p"]):
            tests.append(f"{of} test {fmt.format_p(fit['wald_p'], text.style)}")
        if known(fit["permutation_p"]):
            tests.append(f"permutation test {fmt.format_p(fit['permutation_p'], text.style)}")
        words.append("; ".join(tests) + ".")
    if remarks := remarks_of(fit["status"] if fit else "not fitted"):
        words.append(sentence(remarks))
    if found.without:
        rows = plural(found.without, "arm") if found.several else studies_of(found.without)
        words.append(f"{rows} of the pool {agree(found.without, 'has', 'have')} no value.")
    return words


def _legend(found: Moderator, text: FigureText) -> list[str]:
    area = f"Area of a bubble: number of {text.unit}."
    if not found.fitted:
        return [area]
    line = f"Line and band: {MODELS[found.fit['model']][0]} with its pointwise {text.percent} confidence band."
    return [area, line, f"A relation between studies need not hold between the {text.unit} of one."]


def _curve(found: Moderator, low: float, high: float, text: FigureText):
    """Give the line and its band between the smallest and the largest value; nothing where there is no line."""
    values = np.linspace(low, high, CURVE)
    return (values, *regression_curve(found.fit, values, text.level)) if found.fitted else ()


def _upper(found: Moderator, curve) -> float:
    """End the axis where points and line end, and the band unless it explodes: twice as high as they at most."""
    held = axis_end([], [*(point.proportion for point in found.points), *(curve[1] if curve else ())])
    if not curve:
        return held
    band = axis_end([], [float(curve[3].max())])
    roomy = next(end for end in AXIS_ENDS if end / 100 >= min(2 * held, 1) - 1e-9) / 100
    return max(held, min(band, roomy))


def _draw_curve(chart: Chart, x, y, values, estimate, low, high) -> None:
    """Draw the band, a surface that names may stand on, and the line."""
    px = x(values)
    band = [*zip(px, y(low), strict=True), *zip(px[::-1], y(high)[::-1], strict=True)]
    chart.polygon(band, color=tint(chart.palette.overall, 0.16), zorder=1.5, label="band")
    chart.line(px, y(estimate), width=1.1 * chart.s, color=chart.palette.overall, zorder=3)


def _draw_points(chart: Chart, points: Sequence[Point], x, y) -> None:
    """Draw the bubbles, large ones behind, and the names that find room."""
    points = sorted(points, key=lambda point: (-point.patients, point.label))
    largest, s, c, size = max(point.patients for point in points), chart.s, chart.palette, chart.preset.small
    radii = [max(SMALLEST, LARGEST * sqrt(point.patients / largest)) * s for point in points]
    places = [(float(x(point.value)), float(y(point.proportion))) for point in points]
    style = {"color": tint(c.study, 0.45), "edge": c.study, "width": 0.7 * s, "zorder": 5, "label": MARK}
    chart.circles(places, radii, **style)
    if len(points) > LABELLED:
        return
    marks = [(point.label, *place, radius) for point, place, radius in zip(points, places, radii, strict=True)]
    taken = [(px - r, py - r, px + r, py + r) for _, px, py, r in marks]
    bounds = (chart.left, chart.top - 2 * s, chart.right, chart.bottom)
    for px, py, words, full in place_labels(marks, taken, bounds, size):
        chart.text(px, py, words, size=size, color=c.notes, full=full)
