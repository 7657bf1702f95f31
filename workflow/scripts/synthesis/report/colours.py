"""Colours of figures on a dark page: lightness turned round, hue kept.

A figure is drawn once, for white paper. On a dark page each of its colours is replaced by one as far from the dark
ground as the first was from white, so that the order of emphasis stays.
"""

from collections.abc import Sequence
from math import atan2, cos, hypot, sin

PAPER, GROUND = 1.0, 0.235  # lightness of white, and of the dark page's panels
BRIGHTEST = 0.93
# Oklab: linear RGB to the cube of cones, cones to lightness and two hues, and back (Ottosson 2020).
RGB_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
CONES_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
LAB_TO_CONES = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
CONES_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def dark_of(colour: str) -> str:
    """Give the colour, ``#rrggbb``, for the dark page.

    >>> dark_of("#ffffff")
    '#1e1e1e'
    """
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    lightness, a, b = _times(CONES_TO_LAB, [cone ** (1 / 3) for cone in _times(RGB_TO_CONES, linear)])
    chroma, hue = hypot(a, b) * 0.9, atan2(b, a)
    turned = min(GROUND + (PAPER - lightness) * (BRIGHTEST - GROUND) / (PAPER - 0.2), BRIGHTEST)
    cones = _times(LAB_TO_CONES, (turned, chroma * cos(hue), chroma * sin(hue)))
    return "#" + "".join(f"{_byte(c):02x}" for c in _times(CONES_TO_RGB, [cone**3 for cone in cones]))


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _byte(linear: float) -> int:
    c = min(max(linear, 0.0), 1.0)
    return round(255 * (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055))
