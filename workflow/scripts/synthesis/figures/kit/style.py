"""Type, colours, sizes and pages, shared by all figures.

Every colour names its contrast against white (WCAG 2 relative luminance). Marks need 3:1 and text 4.5:1; a fill below
that carries a dark edge. Meaning never rests on colour alone: shape and position repeat it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.colors import to_hex, to_rgb

from .presets import Preset

# What a reader's machine may use for the text of an SVG. The layout is measured with the widest of them, which
# Matplotlib carries along, so it fits with each and is the same on every machine.
SVG_FONTS = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"
FONT = "DejaVu Sans"
FONT_FILES = {
    weight: str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name)
    for weight, name in (("normal", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf"))
}

MM_PER_INCH = 25.4
MM_PER_POINT = MM_PER_INCH / 72
CAPS = 0.729  # of DejaVu Sans, in em: the height of capitals and figures

SETTINGS = {
    "font.family": [FONT],
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and restyled
    "svg.hashsalt": "synthesis",  # names of clip paths are hashes; without a salt they change at every run
    "pdf.fonttype": 42,  # embedded as TrueType, which publishers and editors accept
    "pdf.compression": 6,
    "path.simplify": False,
    "text.parse_math": False,  # a "$" in a study's name is a "$"
    "text.usetex": False,
    "text.hinting": "none",  # hinted letters are wider than measured ones
    "axes.unicode_minus": True,
}


@contextmanager
def fixed_settings() -> Iterator[None]:
    """Draw and save with Matplotlib's defaults and ours, whatever the user's ``matplotlibrc`` says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


@dataclass(frozen=True)
class Palette:
    """Colours by what they mark."""

    text: str = "#1a1a1a"  # 17.4:1
    notes: str = "#6b6b6b"  # 5.3:1
    study: str = "#0b5394"  # 7.8:1
    overall: str = "#d55e00"  # 3.9:1; blue and vermilion stay apart in the common colour-vision deficiencies
    subgroup: str = "#f2b48a"  # 1.8:1, hence never without its dark edge
    edge: str = "#1a1a1a"
    prediction: str = "#7f7f7f"  # 4.0:1
    grid: str = "#ececec"
    rule: str = "#1a1a1a"
    light_rule: str = "#a6a6a6"
    # Risk of bias, always with its symbol: the usual green, yellow and red are one colour to one man in twelve.
    low: str = "#0072b2"  # 5.2:1
    some: str = "#e69f00"  # 2.3:1, hence with a dark symbol and edge
    high: str = "#9e2a2b"  # 7.4:1
    unjudged: str = "#8c8c8c"  # 3.4:1
    band: str = "#f4f4f4"


PALETTES = {
    "default": Palette(),
    "grey": Palette(
        study="#333333",  # 12.6:1
        overall="#1a1a1a",
        subgroup="#c8c8c8",  # 1.7:1, hence never without its dark edge
        low="#ffffff",  # no colour, and a dark edge
        some="#bdbdbd",  # 1.9:1, hence with a dark symbol and edge
        high="#4d4d4d",  # 8.5:1
    ),
    "jama": Palette(study="#1f3a5f", overall="#3f76b5", subgroup="#b9cfe6"),  # 11.5:1, 4.7:1, 1.6:1 with edge
    "bmj": Palette(study="#2a6ebb", overall="#7a3e8e", subgroup="#cdb3d6", band="#f2f2f2"),  # 5.2:1, 7.2:1
    "revman": Palette(study="#1a3fb0", overall="#1a1a1a", subgroup="#4d4d4d"),  # 9.0:1, 17.4:1, 8.5:1
}


def palette_of(preset: Preset, palette: str = "default") -> Palette:
    """Give the palette that was asked for; the default one gives way to that of the preset."""
    return PALETTES[preset.layout.palette if palette == "default" else palette]


def tint(color: str, share: float) -> str:
    """Mix a colour with white: 1 is the colour itself.

    >>> tint("#000000", 0.25)
    '#bfbfbf'
    """
    return to_hex([1 - share * (1 - part) for part in to_rgb(color)])


def ink(fill: str) -> str:
    """Give the colour of a symbol on a fill, white or dark, whichever stands out more.

    >>> ink("#0072b2"), ink("#e69f00")
    ('#ffffff', '#1a1a1a')
    """
    return max(("#ffffff", "#1a1a1a"), key=lambda color: contrast(color, fill))


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours by WCAG 2: 1 to 21.

    >>> round(contrast("#ffffff", "#6b6b6b"), 1)
    5.3
    """
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
