"""Names beside marks: each where it touches nothing, or nowhere; and marks side by side instead of on each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .layout import clean_text, cut_text, text_width
from .style import MM_PER_POINT

ABOVE, BELOW = 0.80, 0.25  # of the size of type: how far a line reaches above and below its baseline
SLACK = 0.25  # mm between a name and anything else
LONGEST = 34.0  # mm: longer names are cut

Box = tuple[float, float, float, float]  # left, top, right, bottom in mm


@dataclass(frozen=True)
class Wanted:
    """A name that wants to stand beside a mark.

    Parameters
    ----------
    text : str
    x, y : float
        Centre of the mark, in mm.
    gap : float
        From the centre to the edge of the mark.
    """

    text: str
    x: float
    y: float
    gap: float


@dataclass(frozen=True)
class Placed:
    """A name with its place: left end of the baseline."""

    text: str
    full: str
    x: float
    y: float


def place_labels(wanted: Iterable[Wanted], obstacles: Sequence[Box], bounds: Box, size: float) -> list[Placed]:
    """Find room for names, the first ones first.

    Parameters
    ----------
    wanted : iterable of Wanted
    obstacles : sequence of box
        What no name may touch.
    bounds : box
        What no name may leave.
    size : float
        Of the type, in points.

    Returns
    -------
    list of Placed
        Those that found a place, right of, left of, above or below their mark; the others are not there.
    """
    taken, placed = [*obstacles], []
    up, down = ABOVE * size * MM_PER_POINT, BELOW * size * MM_PER_POINT
    for one in wanted:
        full = clean_text(one.text)
        text = cut_text(full, LONGEST, size)
        width, middle, gap = text_width(text, size), (up - down) / 2, one.gap + 2 * SLACK
        places = [
            (one.x + gap, one.y + middle),
            (one.x - gap - width, one.y + middle),
            (one.x - width / 2, one.y - gap - down),
            (one.x - width / 2, one.y + gap + up),
            (one.x + 0.7 * gap, one.y - 0.7 * gap - down),
            (one.x + 0.7 * gap, one.y + 0.7 * gap + up),
            (one.x - 0.7 * gap - width, one.y - 0.7 * gap - down),
            (one.x - 0.7 * gap - width, one.y + 0.7 * gap + up),
        ]
        for x, y in places:
            box = (x - SLACK, y - up - SLACK, x + width + SLACK, y + down + SLACK)
            inside = box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]
            if inside and not any(touch(box, other) for other in taken):
                placed.append(Placed(text, full, x, y))
                taken.append(box)
                break
    return placed


def touch(a: Box, b: Box) -> bool:
    """Say whether two boxes share a point."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def spread(places: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Move points apart along a line, as little as possible (least squares), so that they keep a distance.

    Parameters
    ----------
    places : sequence of float
    gap : float
        Least distance; smaller where the line is too short for it.
    low, high : float
        Ends of the line.

    Returns
    -------
    ndarray
        In the order given; equal places keep their order.

    Examples
    --------
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
