"""All subsets of the studies: each pool's value against its heterogeneity, and what each study does to them.

After Olkin I, Dahabreh IJ, Trikalinos TA. Res Synth Methods 2012;3:214–23 (GOSH).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.model_names import DESCRIPTIONS, scale_of
from ..words.terms import is_ok
from .kit.canvas import Chart, Drawing, boxes, circles, draw_nothing, nice_ticks, tint
from .kit.layout import axis_end, axis_ticks, clean_text, cut_text
from .kit.readings import ChartText, Paragraphs, Readings, Row, known, sort_rows, studies_of
from .kit.style import fixed_settings

FEWEST = 3  # of two studies there is one pool
POINTS = 600  # drawn one by one; more are counted in cells, which keeps the file small and shows how many lie together
CELL = 1.1  # mm
SHADES = (0.25, 0.45, 0.7, 1.0)  # of the colour of studies, for the cells with few to many subsets
LEFT, RIGHT, ROW = 52.0, 144.0, 4.9  # mm
WITH, WITHOUT = 158.0, 178.0  # mm: right edges of the two columns of medians


@dataclass(frozen=True)
class Cloud:
    """The pools of at least two studies.

    Parameters
    ----------
    estimate, tau : ndarray of shape (pools,)
        Proportions, and the standard deviation between studies on the scale of the model.
    members : list of frozenset of str
        Studies of each pool.
    whole : int
        Which pool has all studies.
    exact : bool
        Whether every subset is there.
    lost : int
        Subsets of two studies and more without an estimate.
    model : str
    """

    estimate: np.ndarray
    tau: np.ndarray
    members: list[frozenset]
    whole: int
    exact: bool
    lost: int
    model: str

    def halves(self, study: str) -> tuple[np.ndarray, np.ndarray]:
        """Give the pooled values with a study, and without it."""
        inside = np.array([study in names for names in self.members])
        return self.estimate[inside], self.estimate[~inside]


def read_cloud(rows: Sequence[Row]) -> Cloud | None:
    """Read ``subsets.csv``; None when it has no pool of two studies."""
    primary = rows[0]["model"] if rows else ""  # other models may stand below it, for the report
    several = [row for row in rows if row["model"] == primary and number(row, "k") > 1]
    pools = [row for row in several if is_ok(row["status"]) and known(*numbers(row, "estimate", "tau2"))]
    if not pools:
        return None
    estimate, tau2 = np.array([numbers(row, "estimate", "tau2") for row in pools]).T
    sizes = np.array([number(row, "k") for row in pools])
    return Cloud(
        estimate,
        np.sqrt(tau2),
        [frozenset(row["studies"].split(";")) for row in pools],
        int(np.argmax(sizes)),
        all(row["kind"] == "all" for row in rows),
        len(several) - len(pools),
        primary,
    )


def draw_subsets(data: Readings, text: ChartText) -> Drawing:
    """Draw every subset of the studies, and below them each study's share in where they lie."""
    title = text.heading("all subsets of the studies")
    k, cloud = data.studies, read_cloud(data.subsets)
    if k < FEWEST or cloud is None:
        have = studies_of(k) if k else "no study"
        why = "no subset of them can be pooled" if k >= FEWEST else "their subsets need three"
        return draw_nothing(text, title, f"{have} in the pool; {why}.")
    studies = sort_rows(data.by_study, text.sort) if cloud.exact else []
    decimals = fmt.decimals_for(cloud.estimate)
    said = describe(cloud, k, decimals)
    with fixed_settings():
        below = 9.5 + ROW * len(studies) if studies else 0
        notes = Paragraphs([said], _legend(cloud, bool(studies)), text)
        place = {"left": LEFT, "right": RIGHT} if studies else {"left": 20.0, "right": 176.0}
        chart = Chart(text, title, notes, panel=58, below=below, **place)
        upper = axis_end([], [float(cloud.estimate.max())])
        x = chart.x_scale(0, upper)
        chart.x_axis(x, [(tick / 100, str(tick)) for tick in axis_ticks(upper)], _axis(text))
        top = nice_ticks(0, max(float(cloud.tau.max()), 0.1), 5)
        y = chart.y_scale(0, top[-1][0])
        chart.y_axis(y, top, f"τ, {scale_of(cloud.model)} scale")
        _draw_cloud(chart, cloud, x, y)
        if studies:
            _draw_studies(chart, cloud, studies, x, decimals)
        return Drawing([chart.finish()], title, f"Scatter plot, {title}. {said}")


def _axis(text: ChartText) -> str:
    return f"Pooled: {text.axis[:1].lower()}{text.axis[1:]}"


def describe(cloud: Cloud, k: int, decimals: int) -> str:
    """Say how many pools there are and where they lie."""
    low, high = (fmt.format_percent(float(v), decimals) for v in (cloud.estimate.min(), cloud.estimate.max()))
    whole = fmt.format_percent(float(cloud.estimate[cloud.whole]), decimals)
    count = fmt.format_count(len(cloud.estimate))
    what = f"All {count} subsets" if cloud.exact else f"A sample of {count} subsets"
    found = f"pooled values from {low} to {high}%; all studies together {whole}%"
    return f"{what} of two and more of {studies_of(k)}: {found}."


def _legend(cloud: Cloud, studies: bool) -> list[str]:
    dots = (
        "Each dot is one subset." if len(cloud.estimate) <= POINTS else "The darker a cell, the more subsets lie in it."
    )
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
    page, c, s = chart.page, chart.palette, chart.s
    px, py = x(cloud.estimate), y(cloud.tau)
    if len(px) <= POINTS:
        radius = 0.9 if len(px) <= 60 else 0.65
        circles(
            page, np.stack([px, py], 1), radius * s, color=tint(c.study, 0.45), edge=c.study, width=0.4 * s, zorder=3
        )
    else:
        cell = CELL * s
        column, row = ((v - v0) // cell for v, v0 in ((px, chart.left), (py, chart.top)))
        places, counts = np.unique(np.stack([column, row], 1), axis=0, return_counts=True)
        steps = np.quantile(counts, [0.25, 0.5, 0.75])
        shade = np.searchsorted(steps, counts, "left")
        left, top = chart.left + places[:, 0] * cell, chart.top + places[:, 1] * cell
        corners = np.stack([left, top, left + cell, top + cell], 1)
        for i, share in enumerate(SHADES):
            boxes(page, corners[shade == i], color=tint(c.study, share), zorder=3)
    mid, level, half = float(px[cloud.whole]), float(py[cloud.whole]), 1.75 * s
    corners = [(mid - half, level), (mid, level - half), (mid + half, level), (mid, level + half)]
    page.polygon(corners, color=c.overall, zorder=6, edge=c.edge, width=0.5 * s)


def _draw_studies(chart: Chart, cloud: Cloud, studies: Sequence[Row], x, decimals: int) -> None:
    """Draw a row a study: the range and the median of the pools with it and without it."""
    page, c, s, p = chart.page, chart.palette, chart.s, chart.preset
    y = chart.under + 5.2 * s
    for at, words, align in (
        (p.mm(2), "Study", "left"),
        (p.mm(WITH), "With, %", "right"),
        (p.mm(WITHOUT), "Without, %", "right"),
        ((x.start + x.end) / 2, "Median and range of the subsets", "center"),
    ):
        chart.write(at, y - 3.4 * s, words, align=align, bold=True)
    page.line([p.mm(2), p.mm(178)], [y - 0.9 * s] * 2, width=0.8, color=c.rule, zorder=3)
    bottom = y + len(studies) * ROW * s + 0.4 * s
    for tick in axis_ticks(x.high):
        page.line([float(x(tick / 100))] * 2, [y, bottom], width=0.5 * s, color=c.grid, zorder=1)
    dash = {"linestyle": (0, (3.2, 2.2))}
    page.line(
        [float(x(cloud.estimate[cloud.whole]))] * 2, [y, bottom], width=0.7 * s, color=c.overall, zorder=2, **dash
    )
    for row in studies:
        middle = y + ROW * s / 2
        label = clean_text(row["label"])
        chart.write(p.mm(2), middle, cut_text(label, p.mm(LEFT - 5), p.body), full=label)
        for pools, shift, at, filled in zip(
            cloud.halves(row["study"]), (-0.95, 0.95), (WITH, WITHOUT), (True, False), strict=True
        ):
            if not len(pools):
                chart.write(p.mm(at), middle, fmt.MISSING, align="right")
                continue
            level = middle + shift * s
            low, mid, high = (float(x(v)) for v in (pools.min(), np.median(pools), pools.max()))
            page.line([low, high], [level] * 2, width=0.9 * s, color=c.study if filled else c.prediction, zorder=3)
            fill = {"color": c.study, "edge": "white"} if filled else {"color": "white", "edge": c.study}
            circles(page, [(mid, level)], 0.85 * s, width=0.6 * s, zorder=4, **fill)
            chart.write(p.mm(at), middle, fmt.format_percent(float(np.median(pools)), decimals), align="right")
        y += ROW * s
