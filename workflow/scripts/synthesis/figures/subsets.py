"""All subsets of the studies: each pool's value against its heterogeneity, and what each study does to them.

After Olkin I, Dahabreh IJ, Trikalinos TA. Res Synth Methods 2012;3:214–23 (GOSH).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tables.pools import Row, sort_rows
from ..words import formatting as fmt
from ..words.model_names import DESCRIPTIONS, scale_of
from ..words.prose import inside
from ..words.terms import is_ok
from .kit.axes import axis_end, nice_axis, percent_axis
from .kit.board import Chart, Drawing, draw_nothing
from .kit.layout import DASHED, clean_text
from .kit.readings import FigureText, Readings, known, notes_of, studies_of, values_of
from .kit.style import fixed_settings, tint

FEWEST = 3  # of two studies there is one pool
POINTS = 600  # drawn one by one; more are counted in cells, which keeps the file small and shows how many lie together
CELL = 1.1  # mm
SHADES = (0.25, 0.45, 0.7, 1.0)  # of the colour of studies, for the cells with few to many subsets
LEFT, RIGHT, ROW = 52.0, 144.0, 4.9  # mm
WITH, WITHOUT = 158.0, 178.0  # mm: right edges of the two columns of medians


@dataclass(frozen=True)
class Cloud:
    """The pools of at least two studies."""

    estimate: np.ndarray  # proportions
    tau: np.ndarray  # the standard deviation between studies, on the scale of the model
    members: list[frozenset]  # studies of each pool
    whole: int  # which pool has all studies
    exact: bool  # whether every subset is there
    lost: int  # subsets of two studies and more without an estimate
    model: str

    def halves(self, study: str) -> tuple[np.ndarray, np.ndarray]:
        """Give the pooled values with a study, and without it."""
        inside = np.array([study in names for names in self.members])
        return self.estimate[inside], self.estimate[~inside]


def read_cloud(rows: Sequence[Row]) -> Cloud | None:
    """Read ``subsets.csv``; None when it has no pool of two studies."""
    primary = rows[0]["model"] if rows else ""  # other models may stand below it, for the report
    several = [row for row in rows if row["model"] == primary and row["k"] > 1]
    pools = [row for row in several if is_ok(row["status"]) and known(row["estimate"], row["tau2"])]
    if not pools:
        return None
    estimate, tau2 = np.array([values_of(row, "estimate", "tau2") for row in pools]).T
    members = [frozenset(row["studies"].split(";")) for row in pools]
    whole, exact = int(np.argmax([row["k"] for row in pools])), all(row["kind"] == "all" for row in rows)
    return Cloud(estimate, np.sqrt(tau2), members, whole, exact, len(several) - len(pools), primary)


@fixed_settings()
def draw_subsets(data: Readings, text: FigureText) -> Drawing:
    """Draw every subset of the studies, and below them each study's share in where they lie."""
    title = text.heading("all subsets of the studies")
    k, cloud = data.studies, read_cloud(data.subsets)
    if k < FEWEST or cloud is None:
        why = "no subset of them can be pooled" if k >= FEWEST else "their subsets need three"
        return draw_nothing(text, title, f"{studies_of(k, 'no study')} in the pool; {why}.")
    studies = sort_rows(data.by_study, text.sort) if cloud.exact else []
    decimals = fmt.decimals_for(cloud.estimate)
    said = describe(cloud, k, decimals)
    below = 9.5 + ROW * len(studies) if studies else 0
    left, right = (LEFT, RIGHT) if studies else (20.0, 176.0)
    notes = notes_of(text, [said], _legend(cloud, bool(studies)))
    chart = Chart(text, title, notes, panel=58, below=below, left=left, right=right)
    upper = axis_end([], [float(cloud.estimate.max())])
    x = chart.x_axis(percent_axis(f"Pooled: {inside(text.axis)}", upper))
    up = nice_axis(f"τ, {scale_of(cloud.model)} scale", 0, max(float(cloud.tau.max()), 0.1), 5)
    _draw_cloud(chart, cloud, x, chart.y_axis(up))
    if studies:
        _draw_studies(chart, cloud, studies, x, decimals)
    return Drawing([chart.finish()], title, f"Scatter plot, {title}. {said}")


def describe(cloud: Cloud, k: int, decimals: int) -> str:
    """Say how many pools there are and where they lie."""
    found = cloud.estimate.min(), cloud.estimate.max(), cloud.estimate[cloud.whole]
    low, high, whole = (fmt.format_percent(float(value), decimals) for value in found)
    count = fmt.format_count(len(cloud.estimate))
    what = f"All {count} subsets" if cloud.exact else f"A sample of {count} subsets"
    found = f"pooled values from {low} to {high}%; all studies together {whole}%"
    return f"{what} of two and more of {studies_of(k)}: {found}."


def _legend(cloud: Cloud, studies: bool) -> list[str]:
    few = len(cloud.estimate) <= POINTS
    dots = "Each dot is one subset." if few else "The darker a cell, the more subsets lie in it."
    return [
        f"{dots} Diamond: all studies. {DESCRIPTIONS[cloud.model]}.",
        "Below: median and range of the pooled values of all subsets with a study (filled) and without it (open)."
        if studies
        else "A sample says nothing even about single studies, so none is set apart: see the plot of one left out.",
        f"Without an estimate (no events, nothing but events or no convergence): {fmt.format_count(cloud.lost)}."
        if cloud.lost
        else "",
    ]


def _draw_cloud(chart: Chart, cloud: Cloud, x, y) -> None:
    """Draw the pools: dots, or shaded cells where there are very many; the whole as a diamond."""
    color, s = chart.palette.study, chart.s
    px, py = x(cloud.estimate), y(cloud.tau)
    if len(px) <= POINTS:
        radius = (0.9 if len(px) <= 60 else 0.65) * s
        chart.circles(np.stack([px, py], 1), radius, color=tint(color, 0.45), edge=color, width=0.4 * s, zorder=3)
    else:
        corner, cell = np.array([chart.left, chart.top]), CELL * s
        places, counts = np.unique((np.stack([px, py], 1) - corner) // cell, axis=0, return_counts=True)
        shade = np.searchsorted(np.quantile(counts, [0.25, 0.5, 0.75]), counts, "left")
        corners = np.hstack([corner + places * cell, corner + places * cell + cell])
        for i, share in enumerate(SHADES):
            chart.boxes(corners[shade == i], color=tint(color, share), zorder=3)
    mid, level = float(px[cloud.whole]), float(py[cloud.whole])
    chart.diamond(level, mid - 1.75 * s, mid, mid + 1.75 * s, 1.75)


def _draw_studies(chart: Chart, cloud: Cloud, studies: Sequence[Row], x, decimals: int) -> None:
    """Draw a row a study: the range and the median of the pools with it and without it."""
    c, s, mm = chart.palette, chart.s, chart.mm
    y = chart.under + 5.2 * s
    for at, words, align in (
        (mm(2), "Study", "left"),
        (mm(WITH), "With, %", "right"),
        (mm(WITHOUT), "Without, %", "right"),
        ((x.start + x.end) / 2, "Median and range of the subsets", "center"),
    ):
        chart.write(at, y - 3.4 * s, words, align=align, bold=True)
    chart.rule(y - 0.9 * s)
    bottom = y + len(studies) * ROW * s + 0.4 * s
    for value, _ in x.axis.ticks:
        chart.line([float(x(value))] * 2, [y, bottom], width=0.5 * s, color=c.grid, zorder=1)
    whole = float(x(cloud.estimate[cloud.whole]))
    chart.line([whole] * 2, [y, bottom], width=0.7 * s, color=c.overall, zorder=2, **DASHED)
    marks = ((-0.95, WITH, c.study, c.study, "white"), (0.95, WITHOUT, c.prediction, "white", c.study))
    for row in studies:
        middle = y + ROW * s / 2
        chart.write_cut(mm(2), middle, clean_text(row["label"]), mm(LEFT - 5))
        for pools, (shift, at, color, fill, edge) in zip(cloud.halves(row["study"]), marks, strict=True):
            if not len(pools):
                chart.write(mm(at), middle, fmt.MISSING, align="right")
                continue
            level, median = middle + shift * s, float(np.median(pools))
            low, mid, high = (float(x(v)) for v in (pools.min(), median, pools.max()))
            chart.line([low, high], [level] * 2, width=0.9 * s, color=color, zorder=3)
            chart.circles([(mid, level)], 0.85 * s, width=0.6 * s, zorder=4, color=fill, edge=edge)
            chart.write(mm(at), middle, fmt.format_percent(median, decimals), align="right")
        y += ROW * s
