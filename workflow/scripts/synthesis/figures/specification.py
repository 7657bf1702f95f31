"""The specification curve: every defensible analysis, sorted by what it finds, above the choices that lead to it.

After Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208–14, figure 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.terms import is_ok
from .kit.canvas import Chart, Drawing, circles, draw_nothing, segments, tint
from .kit.layout import axis_end, axis_ticks, cut_text
from .kit.readings import ChartText, Paragraphs, Readings, Row, known
from .kit.style import MM_PER_POINT, fixed_settings

MODEL = "model"
# The choices of multiverse.csv in the order of the figure, in words.
CHOICES = {
    MODEL: "Model and interval",
    "window": "Longest window",
    "unstated": "Window not stated",
    "derived": "Derived counts",
    "abstracts": "Abstract-only studies",
    "abstract_counts": "Counts read in an abstract",
    "overlaps": "Overlapping studies",
    "sensitivity_rows": "Rows for sensitivity only",
    "confirmed_only": "Confirmed counts only",
    "risk_of_bias": "Risk of bias",
}
LEVELS = {"in": "in", "out": "left out", "include": "in", "exclude": "left out"}
MODELS = {
    "glmm": "GLMM, Wald",
    "glmm-t": "GLMM, t",
    "betabinom": "Beta-binomial",
    "bayes": "Bayesian GLMM",
    "logit-reml": "Logit, REML, Wald",
    "logit-reml-hk": "Logit, REML, Hartung–Knapp",
    "logit-reml-mhk": "Logit, REML, modified H–K",
    "logit-dl": "Logit, DL, Wald",
    "logit-dl-hk": "Logit, DL, Hartung–Knapp",
    "logit-dl-mhk": "Logit, DL, modified H–K",
    "logit-ml": "Logit, ML, Wald",
    "logit-pm": "Logit, Paule–Mandel, Wald",
    "logit-he": "Logit, Hedges, Wald",
    "logit-sj": "Logit, Sidik–Jonkman, Wald",
    "arcsine-reml": "Arcsine, REML, Wald",
    "arcsine-reml-hk": "Arcsine, REML, Hartung–Knapp",
    "arcsine-reml-mhk": "Arcsine, REML, modified H–K",
    "log-reml": "Log, REML, Wald",
    "log-reml-hk": "Log, REML, Hartung–Knapp",
    "ft-dl": "Freeman–Tukey, DL, Wald",
    "crude": "Crude, exact",
}
LEFT, RIGHT = 52.0, 176.0  # mm: edges of the panel
ROW, GROUP = 3.3, 1.4  # mm: a row of the matrix, the gap between two choices
GAP, TICK = 0.6, 1.7  # mm: distance of columns from which a gap is seen between their marks; height of a mark
POINTS = 60  # specifications up to which estimates are round
FEWEST = 2


@dataclass(frozen=True)
class Choice:
    """A choice that was crossed: its name, and its levels as the table spells them, in the table's order."""

    name: str
    levels: Sequence[str]


def pools_of(rows: Sequence[Row]) -> list[Row]:
    """Give the specifications with a pool of at least two studies, sorted by estimate, then by interval."""
    kept = [row for row in rows if number(row, "studies") > 1 and known(*numbers(row, "estimate", "ci_low", "ci_high"))]
    return sorted(kept, key=lambda row: (*numbers(row, "estimate", "ci_low", "ci_high"), row["specification"]))


def choices_of(rows: Sequence[Row]) -> list[Choice]:
    """Give the choices that have several levels."""
    found = [Choice(name, list(dict.fromkeys(row[name] for row in rows))) for name in CHOICES]
    return [choice for choice in found if len(choice.levels) > 1]


def draw_specification_curve(data: Readings, text: ChartText) -> Drawing:
    """Draw every specification with its interval, and below it which choices it makes."""
    title = text.heading("specification curve")
    rows = pools_of(data.multiverse)
    if len(rows) < FEWEST:
        few = "no specification pools" if not rows else "only one specification pools"
        return draw_nothing(text, title, f"{few} two studies or more.")
    choices = choices_of(data.multiverse)
    said = describe(data, rows, text)
    with fixed_settings():
        grey = [
            f"Each column is one specification with its {text.percent} interval, sorted by estimate; below it the "
            "choices that it makes. Diamond with its interval, upright line and bold words: the primary specification.",
            *_caveats(data, rows),
        ]
        height = fsum(len(choice.levels) * ROW + ROW + GROUP for choice in choices) + 1.5
        notes = Paragraphs([said], grey, text)
        chart = Chart(text, title, notes, panel=52, below=height, left=LEFT, right=RIGHT, axis=2)
        _draw_curve(chart, rows, text)
        _draw_matrix(chart, rows, choices)
        return Drawing([chart.finish()], title, f"Specification curve, {title}. {said}")


def describe(data: Readings, rows: Sequence[Row], text: ChartText) -> str:
    """Say how far the answer moves."""
    decimals = decimals_of(rows)
    primary = next((row for row in rows if row["primary"] == "yes"), None)
    sets = len({(row["studies_used"], row["events"], row["patients"]) for row in rows})
    low, high = (fmt.format_percent(number(row, "estimate"), decimals) for row in (rows[0], rows[-1]))
    words = f"{fmt.format_count(len(rows))} specifications pool "
    words += f"{fmt.format_count(sets)} different sets of rows" if sets > 1 else "one set of rows"
    words += f"; their estimates range from {low} to {high}%"
    if data.multiverse_summary and known(middle := number(data.multiverse_summary[0], "estimate_median")):
        words += f", median {fmt.format_percent(middle, decimals)}%"
    if primary is None:
        return f"{words}. The primary specification pools fewer than two studies."
    values = numbers(primary, "estimate", "ci_low", "ci_high")
    estimate, _, interval = fmt.format_percent_interval(*values, decimals, text.style).partition(" ")
    return f"{words}. Primary specification: {estimate}% {interval}."


def decimals_of(rows: Sequence[Row]) -> int:
    """Give the decimals of the figure."""
    return fmt.decimals_for(number(row, "estimate") for row in rows)


def _upper(rows: Sequence[Row]) -> float:
    """End the axis where it holds every estimate, the primary interval and three of four others.

    With two studies some intervals go from 0 to 1, and would press all estimates together.
    """
    highs = sorted(number(row, "ci_high") for row in rows)
    primary = [number(row, "ci_high") for row in rows if row["primary"] == "yes"]
    return axis_end([], [highs[3 * (len(highs) - 1) // 4], *primary, *(number(row, "estimate") for row in rows)])


def _caveats(data: Readings, rows: Sequence[Row]) -> list[str]:
    lost = len(data.multiverse) - len(rows)
    failed = sum(not is_ok(row["status"]) and number(row, "studies") > 1 for row in data.multiverse)
    upper = _upper(rows)
    over = sum(number(row, "ci_high") > upper for row in rows)
    verb = "pools" if lost == 1 else "pool"
    return [
        f"Not shown: {fmt.format_count(lost)} that {verb} fewer than two studies or gave no estimate." if lost else "",
        "Their status stands in the table." if failed and lost else "",
        "Intervals that reach the top run beyond the axis." if over else "",
        "A choice that changes no row is not crossed.",
        "The specifications are not equally plausible, and not independent.",
    ]


def _places(chart: Chart, count: int) -> tuple[np.ndarray, float]:
    """Give where the columns stand, and how far apart."""
    left, right = chart.left + chart.pad, chart.right - chart.pad
    pitch = (right - left) / count
    return left + pitch * (np.arange(count) + 0.5), pitch


def _draw_curve(chart: Chart, rows: Sequence[Row], text: ChartText) -> None:
    """Draw estimates with their intervals, the primary one as a diamond on an upright line."""
    page, c, s = chart.page, chart.palette, chart.s
    upper = _upper(rows)
    scale = chart.y_scale(0, upper)
    chart.y_axis(scale, [(tick / 100, str(tick)) for tick in axis_ticks(upper)], text.axis)
    x, pitch = _places(chart, len(rows))
    estimate, low, high = np.array([numbers(row, "estimate", "ci_low", "ci_high") for row in rows]).T
    y = scale(estimate)
    ends = np.stack([np.stack([x, scale(low)], 1), np.stack([x, scale(high)], 1)], 1)
    ends[high > upper, 1, 1] = chart.top
    width = min(0.9 * s, 0.7 * pitch / MM_PER_POINT)
    segments(page, ends, width=width, color=tint(c.study, 0.4), zorder=3)
    side = 2 * min(0.8 * s, max(0.35 * s, 0.4 * pitch))
    if len(rows) <= POINTS:
        circles(page, np.stack([x, y], 1), side / 2, color=c.study, edge="none", width=0, zorder=4)
    else:  # so small that square and round look alike, and a square is a fifth of the file
        dots = np.stack([np.stack([x - side / 2, y], 1), np.stack([x + side / 2, y], 1)], 1)
        segments(page, dots, width=side / MM_PER_POINT, color=c.study, zorder=4)
    for i in (i for i, row in enumerate(rows) if row["primary"] == "yes"):
        page.line([x[i]] * 2, [chart.bottom, chart.end - 6 * s], width=0.7 * s, color=c.overall, zorder=2)
        page.line([x[i]] * 2, ends[i, :, 1], width=1.2 * s, color=c.overall, zorder=5)
        half = 1.5 * s
        corners = [(x[i] - half, y[i]), (x[i], y[i] - half), (x[i] + half, y[i]), (x[i], y[i] + half)]
        page.polygon(corners, color=c.overall, zorder=6, edge=c.edge, width=0.5 * s)
        page.line(
            [chart.left, chart.right], [y[i]] * 2, width=0.7 * s, color=c.overall, zorder=2, linestyle=(0, (3.2, 2.2))
        )


def _draw_matrix(chart: Chart, rows: Sequence[Row], choices: Sequence[Choice]) -> None:
    """Draw which level of each choice a column takes; the levels of the primary one in bold."""
    page, c, s, p = chart.page, chart.palette, chart.s, chart.preset
    x, pitch = _places(chart, len(rows))
    half = 0.5 * pitch if pitch < GAP else min(0.4 * pitch, 1.0 * s)  # a gap between columns where it can be seen
    primary = next((row for row in rows if row["primary"] == "yes"), {})
    y, left, room = chart.under + 1.2 * s, p.mm(4), chart.left - p.mm(6)
    for choice in choices:
        chart.write(p.mm(2), y + ROW * s / 2, CHOICES[choice.name], size=p.small, color=c.text, bold=True)
        y += ROW * s
        for level in choice.levels:
            middle, bold = y + ROW * s / 2, primary.get(choice.name) == level
            words = cut_text(level_words(choice.name, level), room, p.small, "bold" if bold else "normal")
            chart.write(left, middle, words, size=p.small, color=c.text if bold else c.notes, bold=bold)
            page.line([chart.left, chart.right], [middle] * 2, width=0.5 * s, color=c.grid, zorder=1)
            taken = runs_of([row[choice.name] == level for row in rows], joined=pitch < GAP)
            ends = [[(x[first] - half, middle), (x[last] + half, middle)] for first, last in taken]
            segments(page, ends, width=TICK * s / MM_PER_POINT, color=c.study, zorder=3)
            y += ROW * s
        y += GROUP * s


def runs_of(flags: Sequence[bool], *, joined: bool) -> list[tuple[int, int]]:
    """Give the first and the last place of each run of true values, or each place alone.

    >>> runs_of([True, True, False, True], joined=True), runs_of([True, True], joined=False)
    ([(0, 1), (3, 3)], [(0, 0), (1, 1)])
    """
    runs: list[tuple[int, int]] = []
    for i in (i for i, flag in enumerate(flags) if flag):
        if joined and runs and runs[-1][1] == i - 1:
            runs[-1] = (runs[-1][0], i)
        else:
            runs.append((i, i))
    return runs


def level_words(choice: str, level: str) -> str:
    """Give a level in words.

    >>> level_words("window", "100"), level_words("unstated", "exclude"), level_words("derived", "derived out")
    ('100 days', 'left out', 'derived left out')
    """
    if choice == MODEL:
        return MODELS.get(level, level)
    if choice == "window":
        return f"{level} days"
    first, _, last = level.rpartition(" ")
    return f"{first} {LEVELS.get(last, last)}".strip() if choice == "derived" else LEVELS.get(level, level)
