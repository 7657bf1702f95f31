"""The specification curve: every defensible analysis, sorted by what it finds, above the choices that lead to it.

After Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208–14, figure 2.
"""

from collections.abc import Mapping, Sequence
from math import fsum

import numpy as np

from ..tables.pools import Row, estimate_text
from ..words import formatting as fmt
from ..words.model_names import SHORT_NAMES
from ..words.prose import joined
from ..words.terms import is_ok
from .kit.axes import axis_end, percent_axis
from .kit.board import Chart, Drawing, draw_nothing
from .kit.layout import DASHED
from .kit.readings import FigureText, Readings, known, notes_of, values_of
from .kit.style import MM_PER_POINT, fixed_settings, tint

MODEL = "model"
# The choices of multiverse.csv in the order of the figure, in words.
CHOICES = {
    MODEL: "Model and interval",
    "window": "Longest window",
    "outcomes": "Outcomes",
    "derived": "Derived counts",
    "abstracts": "Abstract-only studies",
    "abstract_counts": "Counts read in an abstract",
    "overlaps": "Overlapping studies",
    "sensitivity_rows": "Rows for sensitivity only",
    "confirmed_only": "Confirmed counts only",
    "risk_of_bias": "Risk of bias",
    "limits": "Counts within limits",
}
LEVELS = {"in": "in", "out": "left out", "open": "open", "unstated": "not stated"}
LEFT, RIGHT = 52.0, 176.0  # mm: edges of the panel
ROW, GROUP = 3.3, 1.4  # mm: a row of the matrix, the gap between two choices
GAP, TICK = 0.6, 1.7  # mm: distance of columns from which a gap is seen between their marks; height of a mark
POINTS = 60  # specifications up to which estimates are round
FEWEST = 2


Choices = Mapping[str, list]  # choice → its levels, as the table spells them and in its order


def pools_of(rows: Sequence[Row]) -> list[Row]:
    """Give the specifications with a pool of at least two studies, sorted by estimate, then by interval."""
    kept = [row for row in rows if row["studies"] > 1 and known(*values_of(row))]
    return sorted(kept, key=lambda row: values_of(row, "estimate", "ci_low", "ci_high", "specification"))


def choices_of(rows: Sequence[Row]) -> Choices:
    """Give the choices that have several levels."""
    found = {name: list(dict.fromkeys(level for row in rows for level in taken_by(row, name))) for name in CHOICES}
    return {name: levels for name, levels in found.items() if len(levels) > 1}


def taken_by(row: Row, choice: str) -> list[str]:
    """Give the levels of a choice that lead to a specification: several where it changes nothing.

    >>> taken_by({"window": "100;30 or 90"}, "window"), taken_by({"model": "bayes", "prior": 0.5}, "model")
    (['100', '30 or 90'], ['bayes 0.5'])
    """
    if choice == MODEL:
        return [f"{row[MODEL]} {row['prior']:g}" if known(row["prior"]) else row[MODEL]]
    return row[choice].split(";")


@fixed_settings()
def draw_specification_curve(data: Readings, text: FigureText) -> Drawing:
    """Draw every specification with its interval, and below it which choices it makes."""
    title = text.heading("specification curve")
    rows = pools_of(data.multiverse)
    if len(rows) < FEWEST:
        few = "only one specification pools" if rows else "no specification pools"
        return draw_nothing(text, title, f"{few} two studies or more.")
    choices = choices_of(data.multiverse)
    said = describe(data, rows, text)
    grey = [
        f"Each column is one specification, a set of rows pooled by one model, with its {text.percent} interval, "
        "sorted by estimate; below it the choices that lead to it, several levels of one where the rows are the same. "
        "Diamond with its interval, upright line and bold words: the primary specification.",
        *_caveats(data, rows),
    ]
    height = fsum(len(levels) * ROW + ROW + GROUP for levels in choices.values()) + 1.5
    notes = notes_of(text, [said], grey)
    chart = Chart(text, title, notes, panel=52, below=height, left=LEFT, right=RIGHT, axis=2)
    pitch = (chart.right - chart.left - 2 * chart.pad) / len(rows)
    x = chart.left + chart.pad + pitch * (np.arange(len(rows)) + 0.5)
    _draw_curve(chart, rows, x, pitch, text)
    _draw_matrix(chart, rows, x, pitch, choices, text)
    return Drawing([chart.finish()], title, f"Specification curve, {title}. {said}")


def describe(data: Readings, rows: Sequence[Row], text: FigureText) -> str:
    """Say how far the answer moves."""
    decimals = fmt.decimals_for(row["estimate"] for row in rows)
    sets = len({row["departures"] for row in rows})
    low, high = (fmt.format_percent(row["estimate"], decimals) for row in (rows[0], rows[-1]))
    words = f"{fmt.format_count(len(rows))} different specifications pool "
    words += f"{fmt.format_count(sets)} sets of rows" if sets > 1 else "one set of rows"
    words += f"; their estimates range from {low} to {high}%"
    if data.multiverse_summary and known(middle := data.multiverse_summary[0]["estimate_median"]):
        words += f", median {fmt.format_percent(middle, decimals)}%"
    if not (primary := _primary(rows)):
        return f"{words}. The primary specification pools fewer than two studies."
    return f"{words}. Primary specification: {estimate_text(primary, decimals, text.style).replace(' ', '% ', 1)}."


def _primary(rows: Sequence[Row]) -> Row:
    return next((row for row in rows if row["primary"] == "yes"), {})


def _upper(rows: Sequence[Row]) -> float:
    """End the axis where it holds every estimate, the primary interval and three of four others.

    With two studies some intervals go from 0 to 1, and would press all estimates together.
    """
    highs = sorted(row["ci_high"] for row in rows)
    primary = [row["ci_high"] for row in rows if row["primary"] == "yes"]
    return axis_end([], [highs[3 * (len(highs) - 1) // 4], *primary, *(row["estimate"] for row in rows)])


def _caveats(data: Readings, rows: Sequence[Row]) -> list[str]:
    lost = len(data.multiverse) - len(rows)
    failed = any(not is_ok(row["status"]) and row["studies"] > 1 for row in data.multiverse)
    upper, verb = _upper(rows), "pools" if lost == 1 else "pool"
    return [
        f"Not shown: {fmt.format_count(lost)} that {verb} fewer than two studies or gave no estimate." if lost else "",
        "Their status stands in the table." if failed and lost else "",
        "Intervals that reach the top run beyond the axis." if any(row["ci_high"] > upper for row in rows) else "",
        "A choice that changes no row is not crossed.",
        "The specifications are not equally plausible, and not independent.",
    ]


def _draw_curve(chart: Chart, rows: Sequence[Row], x: np.ndarray, pitch: float, text: FigureText) -> None:
    """Draw estimates with their intervals, the primary one as a diamond on an upright line."""
    c, s, upper = chart.palette, chart.s, _upper(rows)
    scale = chart.y_axis(percent_axis(text.axis, upper))
    low, estimate, high = np.array([values_of(row) for row in rows]).T
    y = scale(estimate)
    ends = np.stack([x, scale(low), x, scale(high)], 1)
    ends[high > upper, 3] = chart.top
    chart.segments(ends, width=min(0.9 * s, 0.7 * pitch / MM_PER_POINT), color=tint(c.study, 0.4), zorder=3)
    side = 2 * min(0.8 * s, max(0.35 * s, 0.4 * pitch))
    if len(rows) <= POINTS:
        chart.circles(np.stack([x, y], 1), side / 2, color=c.study, edge="none", width=0, zorder=4)
    else:  # so small that square and round look alike, and a square is a fifth of the file
        dots = np.stack([x - side / 2, y, x + side / 2, y], 1)
        chart.segments(dots, width=side / MM_PER_POINT, color=c.study, zorder=4)
    for i in (i for i, row in enumerate(rows) if row["primary"] == "yes"):
        chart.line([x[i]] * 2, [chart.bottom, chart.end - 6 * s], width=0.7 * s, color=c.overall, zorder=2)
        chart.line([x[i]] * 2, ends[i, 1::2], width=1.2 * s, color=c.overall, zorder=5)
        chart.diamond(y[i], x[i] - 1.5 * s, x[i], x[i] + 1.5 * s, 1.5)
        chart.line([chart.left, chart.right], [y[i]] * 2, width=0.7 * s, color=c.overall, zorder=2, **DASHED)


def _draw_matrix(
    chart: Chart, rows: Sequence[Row], x: np.ndarray, pitch: float, choices: Choices, text: FigureText
) -> None:
    """Draw which level of each choice a column takes; the levels of the primary one in bold."""
    c, s, small = chart.palette, chart.s, chart.preset.small
    half = 0.5 * pitch if pitch < GAP else min(0.4 * pitch, 1.0 * s)  # a gap between columns where it can be seen
    primary, y, room = _primary(rows), chart.under + 1.2 * s, chart.left - chart.mm(6)
    for choice, levels in choices.items():
        chart.write(chart.mm(2), y + ROW * s / 2, CHOICES[choice], size=small, bold=True)
        y += ROW * s
        for level in levels:
            middle, bold = y + ROW * s / 2, bool(primary) and level in taken_by(primary, choice)
            words, color = level_words(choice, level, text), c.text if bold else c.notes
            chart.write_cut(chart.mm(4), middle, words, room, size=small, color=color, bold=bold)
            chart.line([chart.left, chart.right], [middle] * 2, width=0.5 * s, color=c.grid, zorder=1)
            taken = runs_of([level in taken_by(row, choice) for row in rows], joined=pitch < GAP)
            ends = [[(x[first] - half, middle), (x[last] + half, middle)] for first, last in taken]
            chart.segments(ends, width=TICK * s / MM_PER_POINT, color=c.study, zorder=3)
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


def level_words(choice: str, level: str, text: FigureText) -> str:
    """Give a level in words.

    >>> text = FigureText("Fever", outcomes={"fever": "Fever", "chills": "Chills"})
    >>> level_words("window", "100 + unstated", text), level_words("window", "90 or 30", text)
    ('100 days, or not stated', '30 or 90 days')
    >>> level_words("window", "100 + open + unstated or 100 + open", text)
    '100 days, or open'
    >>> level_words("derived", "derived out or out", text), level_words("outcomes", "fever else chills", text)
    ('derived left out, or left out', 'else Chills')
    """
    if choice == MODEL:
        model, _, prior = level.partition(" ")
        return SHORT_NAMES.get(model, model) + (f", prior scale {prior}" if prior else "")
    if choice == "outcomes":
        others = level.split(" else ")[1:]
        return ", ".join(f"else {text.outcomes.get(name, name)}" for name in others) or "the preferred one only"
    if choice == "window":
        return _window_words(level.split(" or "))
    pairs = (one.rpartition(" ") if choice == "derived" else ("", "", one) for one in level.split(" or "))
    return ", or ".join(f"{first} {LEVELS.get(last, last)}".strip() for first, _, last in pairs)


def _window_words(levels: Sequence[str]) -> str:
    """Give windows that let in the same: only those with the least beside the days, since the rest changes nothing."""
    found = [level.split(" + ") for level in levels]
    least = [one for one in found if len(one) == min(map(len, found))]
    days = joined(sorted((one[0] for one in least), key=int), "or")
    return f"{days} days" + "".join(f", or {LEVELS.get(kind, kind)}" for kind in least[0][1:])
