"""The proportion of each study against the days over which events were counted, pooled or not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tables.pools import OVERALL, Row
from ..words import formatting as fmt
from ..words.levels import OPEN, UNSTATED
from ..words.prose import plural, upper_first
from .kit.axes import axis_end, nice_axis, percent_axis
from .kit.board import ARROW, Chart, Drawing, draw_nothing
from .kit.labels import Box, spread, touch
from .kit.layout import DASHED, MARK, clean_text, cut_text, text_width
from .kit.readings import FigureText, Readings, known, middle_note, notes_of, values_of, with_middle
from .kit.style import MM_PER_POINT, fixed_settings

GAP, WITH_NAMES, SIDE = 1.9, 3.6, 1.7  # mm: between neighbours, without and with names; side of a square
LONGEST = 30.0  # mm: longer names are cut
STRIP = 9.0  # mm between the marks and the axis, where lines tie each to its day
GUTTER, BREAK = 0.5, 3.0  # share of the panel for rows without days at most; mm before each gutter
Gutters = dict[str, tuple[float, float]]  # kind → left and right edge in mm
GUTTERS = (OPEN, UNSTATED)  # kinds of windows that have no place on the axis
NAMED = 10  # open windows up to which all words are told
LABELLED = 28  # rows up to which names are tried


@dataclass(frozen=True)
class Count:
    """A count of one study: its window in days (NaN when it has none), the kind of one without, its short words.

    ``pooled`` says whether it is.
    """

    label: str
    window: float
    kind: str
    words: str
    low: float
    mid: float
    high: float
    pooled: bool


def read_counts(rows: Sequence[Row]) -> list[Count]:
    """Give every candidate of the overall pool that has a count, each once, the pooled ones first.

    Several counts of one study carry the names of their arms.
    """
    rows = [row for row in map(with_middle, rows) if row["subset"] == OVERALL and known(row["proportion"])]
    times, found = Counter(row["study"] for row in rows), {}
    for row in sorted(rows, key=lambda row: row["use"] != "yes"):
        values = values_of(row, "ci_low", "proportion", "ci_high")
        if not known(*values):
            continue
        days, kind = (np.nan, row["window"]) if row["window"] in GUTTERS else (float(row["window"]), "")
        arm = row["arm_label"] if times[row["study"]] > 1 else ""
        label, words = (clean_text(words) for words in (f"{row['label']}, {arm}" if arm else row["label"], said(row)))
        count = Count(label, days, kind, words, *values, row["use"] == "yes")
        found.setdefault(values_of(row, "study", "arm", "outcome", "definition", "window", "window_words"), count)
    return list(found.values())


def said(row: Row) -> str:
    """Give the window of a row in its short words."""
    return fmt.format_window(row["window"], row.get("window_words") or "")


@fixed_settings()
def draw_window(data: Readings, text: FigureText) -> Drawing:
    """Draw every count against its window; those without days stand in gutters: open ones, then unstated ones."""
    title = text.heading("proportion by window of follow-up")
    counts = read_counts(data.rows)
    stated = [count for count in counts if known(count.window)]
    if not stated:
        why = "no source gives a number of days over which events were counted" if counts else "no study in the pool"
        return draw_nothing(text, title, f"{why}.")
    told = describe(counts)
    upper = axis_end((c.high for c in counts), (c.mid for c in counts if c.pooled))
    chart = Chart(
        text, title, notes_of(text, [told], [*_legend(counts, upper, text), middle_note(data.rows)]), panel=80
    )
    y = chart.y_axis(percent_axis(text.axis, upper), lift=STRIP + 1)
    gap = WITH_NAMES if len(counts) <= LABELLED else GAP  # mm between neighbours: room for names, or for marks alone
    gutters = _gutters(counts, gap * chart.s, chart)
    edge = min((left for left, _ in gutters.values()), default=chart.right + BREAK * chart.s) - BREAK * chart.s
    days = [count.window for count in stated] + ([text.max_days] if text.max_days else [])
    across = nice_axis("Days over which events were counted", 0, max(days), 7, whole=True)
    x = chart.x_axis(across, end=edge, top=chart.bottom)
    places = _places(counts, x, gap * chart.s, gutters)
    _draw_days(chart, x, places, gutters, text)
    _draw_counts(chart, places, y)
    return Drawing([chart.finish()], title, f"Scatter plot, {title}. {told}")


def _gutters(counts: Sequence[Count], gap: float, chart: Chart) -> Gutters:
    """Give the kinds of windows without days that there are, each with the room right of the axis for its counts."""
    times = Counter(count.kind for count in counts)
    rooms = {kind: max(22 * chart.s, (times[kind] + 1.5) * gap) for kind in GUTTERS if times[kind]}
    scale = min(1.0, GUTTER * (chart.right - chart.left) / sum(rooms.values())) if rooms else 1.0
    right, found = chart.right, {}
    for kind, room in reversed(rooms.items()):
        found[kind] = (right - scale * room + BREAK * chart.s, right)
        right -= scale * room
    return dict(reversed(found.items()))


def describe(counts: Sequence[Count]) -> str:
    """Count the windows."""
    pooled = [count for count in counts if count.pooled]
    windows = sorted({count.window for count in pooled if known(count.window)})
    words = f"{plural(len(pooled), 'count is', 'counts are')} pooled, {fmt.format_count(len(counts) - len(pooled))} not"
    if windows:
        days = " to ".join(dict.fromkeys(fmt.format_count(v) for v in (windows[0], windows[-1])))
        words += f"; stated windows of the pooled ones: {days} days"
    without = (f"{fmt.format_window(kind)} {sum(count.kind == kind for count in pooled)}" for kind in GUTTERS)
    return f"{words}; pooled without a number of days: {', '.join(without)}."


def _legend(counts: Sequence[Count], upper: float, text: FigureText) -> list[str]:
    bars = f"Bars: exact {text.percent} intervals."
    unbounded = [f"{count.label} {count.words}" for count in counts if count.pooled and count.kind == OPEN]
    return [
        f"{upper_first(fmt.format_window(OPEN))}: {'; '.join(unbounded)}." if 0 < len(unbounded) <= NAMED else "",
        f"Filled squares: pooled. Open circles: not pooled, for the reason in rows.csv. {bars}"
        if any(not count.pooled for count in counts)
        else bars,
        "Each mark is tied to its days on the axis.",
        f"Dashed: the longest window that is pooled, {fmt.format_count(text.max_days)} days." if text.max_days else "",
        "Arrow: interval extends beyond the axis." if any(count.high > upper for count in counts) else "",
        "Studies differ in more than their windows.",
    ]


def _draw_days(chart: Chart, x, places: Sequence[tuple[Count, float]], gutters: Gutters, text: FigureText) -> None:
    """Draw what ties the marks to the axis: a line from each to its day, the limit of the pool, the gutter's words."""
    c, s = chart.palette, chart.s
    top, foot = chart.bottom - STRIP * s, chart.bottom - 1.2 * s
    stated = [(px, float(x(count.window))) for count, px in places if known(count.window)]
    style = {"width": 0.5 * s, "color": c.light_rule, "zorder": 2}
    chart.segments([[(px, top), (day, foot)] for px, day in stated], **style)
    chart.segments([[(day, foot), (day, chart.bottom)] for _, day in stated], **style)
    if text.max_days:
        at = float(x(text.max_days))
        chart.line([at, at], [top, chart.bottom], width=0.9 * s, color=c.overall, zorder=2.1, **DASHED)
    for kind, (left, right) in gutters.items():
        chart.box(left - BREAK * s / 2, chart.top - 0.2, BREAK * s / 2, chart.bottom - chart.top + 0.1, zorder=1.5)
        style = {"size": chart.preset.body, "color": c.text, "align": "center"}
        chart.text((left + right) / 2, chart.bottom + 3.7 * s, fmt.format_window(kind), **style)


def _places(counts: Sequence[Count], x, gap: float, gutters: Gutters) -> list[tuple[Count, float]]:
    """Give each count its place: by its days, moved apart where they meet; or in its gutter, pooled ones first."""
    stated = [count for count in counts if known(count.window)]
    places = [*zip(stated, map(float, spread([float(x(c.window)) for c in stated], gap, x.start, x.end)), strict=True)]
    for kind, (left, right) in gutters.items():
        silent = [count for count in counts if count.kind == kind]
        step = min(2 * gap, (right - left) / len(silent))
        first = (left + right - step * (len(silent) - 1)) / 2
        places += [(count, first + i * step) for i, count in enumerate(silent)]
    return places


def _draw_counts(chart: Chart, places: Sequence[tuple[Count, float]], y) -> None:
    """Draw each count, a square when it is pooled, else a circle, and where they are few the names that find room."""
    c, s, half, taken = chart.palette, chart.s, SIDE * chart.s / 2, []
    for count, px in places:
        low, mid, high = (float(y(value)) for value in (count.low, count.mid, count.high))
        color = c.study if count.pooled else c.prediction
        chart.segments([[(px, low), (px, high)]], width=0.9 * s, color=color, zorder=3)
        taken += [(px - 0.2, high, px + 0.2, low), (px - half, mid - half, px + half, mid + half)]
        if y.beyond(count.high):
            chart.arrow(px, y.end - chart.pad, 0, -1, color)
            taken.append((px - half, chart.top, px + half, chart.top + ARROW * s))
        if y.beyond(count.mid):
            continue
        if count.pooled:
            chart.square(px, mid, half, color)
        else:
            chart.circles([(px, mid)], half, color="white", edge=c.notes, width=0.8 * s, zorder=5, label=MARK)
    for count, px in places if len(places) <= LABELLED else ():
        _name(chart, count, px, float(y(count.high)), taken)


def _name(chart: Chart, count: Count, px: float, high: float, taken: list[Box]) -> None:
    """Write a name upright above its interval, or else beside the upper end of it; nowhere when there is no room."""
    size, c, s = chart.preset.small, chart.palette, chart.s
    words = cut_text(count.label, LONGEST * s, size)
    length, wide = text_width(words, size) + 0.4, 0.6 * size * MM_PER_POINT  # half of what a line takes, and some air
    beside = max(high + 0.8 * s, chart.top + (ARROW + 0.8) * s) + length
    near, far = wide + 0.3 * s, wide + (SIDE / 2 + 0.2) * s  # beside the line, or beside the mark on it
    for at, bottom in ((px, high - 0.8 * s), *((px + away, beside) for away in (near, -near, far, -far))):
        box = (at - wide, bottom - length, at + wide, bottom)
        outside = box[1] < chart.top - 2 or box[3] > chart.bottom or box[2] > chart.right + 2
        if outside or any(touch(box, other) for other in taken):
            continue
        taken.append(box)
        chart.box(at - wide, bottom - length, 2 * wide, length, zorder=2.5)  # no dashed line behind a name
        color = c.study if count.pooled else c.notes
        chart.write_upright(at, bottom, words, at="bottom", size=size, color=color, full=count.label)
        return
