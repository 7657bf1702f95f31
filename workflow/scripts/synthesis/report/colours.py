"""Colours of figures on a dark page: lightness turned round, hue kept.

A figure is drawn once, for white paper. On a dark page each of its colours is replaced by one as far from the dark
ground as the first was from white, so that the order of emphasis stays.
"""

from math import atan2, cos, hypot, sin

PAPER, GROUND = 1.0, 0.235  # lightness of white, and of the dark page's panels
BRIGHTEST = 0.93


def dark_of(colour: str) -> str:
    """Give the colour for the dark page.

    Parameters
    ----------
    colour : str
        ``#rrggbb``.

    Examples
    --------
    >>> dark_of("#ffffff")
    '#1e1e1e'
    """
    lightness, chroma, hue = _to_oklch(colour)
    turned = GROUND + (PAPER - lightness) * (BRIGHTEST - GROUND) / (PAPER - 0.2)
    return _from_oklch(min(turned, BRIGHTEST), chroma * 0.9, hue)


def _linear(colour: str) -> tuple[float, ...]:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)


def _to_oklch(colour: str) -> tuple[float, float, float]:
    """Give lightness, chroma and hue in Oklab (Ottosson 2020)."""
    r, g, b = _linear(colour)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, hypot(a, b), atan2(b, a)


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    a, b = chroma * cos(hue), chroma * sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    rgb = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(max(c, 0.0), 1.0))):02x}" for c in rgb)


def _gamma(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
