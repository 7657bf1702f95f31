"""Names beside marks: each where it touches nothing, or nowhere; and marks side by side instead of on each other."""

from collections.abc import Iterable, Sequence

import numpy as np

from .layout import clean_text, cut_text, text_width
from .style import MM_PER_POINT

ABOVE, BELOW = 0.80, 0.25  # of the size of type: how far a line reaches above and below its baseline
SLACK = 0.25  # mm between a name and anything else
LONGEST = 34.0  # mm: longer names are cut

Box = tuple[float, float, float, float]  # left, top, right, bottom in mm


def place_labels(
    wanted: Iterable[tuple[str, float, float, float]], obstacles: Sequence[Box], bounds: Box, size: float
) -> list[tuple[float, float, str, str]]:
    """Find room for names, the first ones first: beside their marks, off all obstacles, within bounds.

    Of each mark the name, the centre and the way from there to its edge are given, and the size of the type in points.
    Those that find room come back: left end of the baseline, what is printed, the full name.
    """
    taken, placed = [*obstacles], []
    up, down = ABOVE * size * MM_PER_POINT, BELOW * size * MM_PER_POINT
    for name, at, level, edge in wanted:
        full = clean_text(name)
        text = cut_text(full, LONGEST, size)
        width, middle, gap = text_width(text, size), (up - down) / 2, edge + 2 * SLACK
        places = [
            (at + gap, level + middle),
            (at - gap - width, level + middle),
            (at - width / 2, level - gap - down),
            (at - width / 2, level + gap + up),
            (at + 0.7 * gap, level - 0.7 * gap - down),
            (at + 0.7 * gap, level + 0.7 * gap + up),
            (at - 0.7 * gap - width, level - 0.7 * gap - down),
            (at - 0.7 * gap - width, level + 0.7 * gap + up),
        ]
        for x, y in places:
            box = (x - SLACK, y - up - SLACK, x + width + SLACK, y + down + SLACK)
            inside = box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]
            if inside and not any(touch(box, other) for other in taken):
                placed.append((x, y, text, full))
                taken.append(box)
                break
    return placed


def touch(a: Box, b: Box) -> bool:
    """Say whether two boxes share a point."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def spread(places: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Move points apart along a line, as little as possible (least squares), so that they keep a distance.

    The distance is smaller than ``gap`` where the line from ``low`` to ``high`` is too short for it. Points stay in the
    order given; equal places keep their order.

    >>> spread([5, 5, 9], 2, 0, 10).tolist()
    [4.0, 6.0, 9.0]
    """
    points = np.asarray(places, float)
    count = len(points)
    if not count:
        return points
    gap = min(gap, (high - low) / max(count - 1, 1))
    order = np.argsort(points, kind="stable")
    # Less a ramp of the gap, keeping the distance means not falling: pool adjacent violators.
    groups: list[list[float]] = []
    for value in points[order] - gap * np.arange(count):
        groups.append([value, 1])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (b, m), (a, n) = groups.pop(), groups.pop()
            groups.append([(a * n + b * m) / (n + m), n + m])
    level = np.concatenate([np.full(int(n), value) for value, n in groups])
    level = np.clip(level, low, high - gap * (count - 1))
    moved = np.empty(count)
    moved[order] = level + gap * np.arange(count)
    return moved
