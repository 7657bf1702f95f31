"""Type, colours, sizes and pages, shared by all figures.

Every colour names its contrast against white (WCAG 2 relative luminance). Marks need 3:1 and text 4.5:1; a fill below
that carries a dark edge. Meaning never rests on colour alone: shape and position repeat it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

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

    text: str
    notes: str
    study: str
    overall: str
    subgroup: str
    edge: str
    prediction: str
    grid: str
    rule: str
    light_rule: str


PALETTES = {
    "default": Palette(
        text="#1a1a1a",  # 17.4:1
        notes="#6b6b6b",  # 5.3:1
        study="#0b5394",  # 7.8:1
        overall="#d55e00",  # 3.9:1; blue and vermilion stay apart in the common colour-vision deficiencies
        subgroup="#f2b48a",  # 1.8:1, hence never without its dark edge
        edge="#1a1a1a",
        prediction="#7f7f7f",  # 4.0:1
        grid="#ececec",
        rule="#1a1a1a",
        light_rule="#a6a6a6",
    ),
    "grey": Palette(
        text="#1a1a1a",
        notes="#6b6b6b",
        study="#333333",  # 12.6:1
        overall="#1a1a1a",
        subgroup="#c8c8c8",  # 1.7:1, hence never without its dark edge
        edge="#1a1a1a",
        prediction="#7f7f7f",
        grid="#ececec",
        rule="#1a1a1a",
        light_rule="#a6a6a6",
    ),
}


@dataclass(frozen=True)
class Preset:
    """A page: millimetres for places, points for type and lines.

    Parameters
    ----------
    width : float
    height : float or None
        None lets the content decide, up to ``rows_per_page`` rows; a slide has a height of its own.
    body, title, notes, small : float
        Type: table, title, lines below the figure, lines inside the table.
    row, leading : float
        Height of a table row; distance of two lines of notes.
    head, rows_per_page : float
        Height above the first row; rows before a new page begins.
    scale : float
        Of marks and distances against the default page.
    """

    width: float = 180
    height: float | None = None
    body: float = 7.5
    title: float = 9
    notes: float = 6.6
    small: float = 6.6
    row: float = 4.9
    leading: float = 3.15
    head: float = 16
    rows_per_page: float = 45
    scale: float = 1.0

    def mm(self, length: float) -> float:
        """Turn a length of the default page into one of this page."""
        return length * self.width / 180


PRESETS = {
    "default": Preset(),
    # 16:9 at 10 inches: 11 pt is read from the back row, so a slide holds fewer rows and splits sooner.
    "slide": Preset(
        width=254,
        height=143,
        body=11,
        title=14,
        notes=8,
        small=9,
        row=6.3,
        leading=3.8,
        head=21,
        rows_per_page=99,
        scale=1.4,
    ),
}
