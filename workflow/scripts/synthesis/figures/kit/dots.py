"""Judgements as dots: colour and symbol together, in columns beside studies, with their key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from .layout import Page, text_width, wrap_text
from .style import MM_PER_POINT, Palette, Preset, ink

LOW, SOME, HIGH, UNJUDGED = "low", "some", "high", "unjudged"
SYMBOLS = {LOW: "+", SOME: "?", HIGH: "–", UNJUDGED: "0"}
# What a sheet may say. A checklist of questions says yes, no, unclear; a tool of domains names the risk itself.
MEANINGS = {
    "yes": LOW,
    "low": LOW,
    "unclear": SOME,
    "some concerns": SOME,
    "moderate": SOME,
    "no": HIGH,
    "high": HIGH,
    "serious": HIGH,
    "critical": HIGH,
    "no information": UNJUDGED,
    "not applicable": UNJUDGED,
    "": UNJUDGED,
}
RADIUS = 1.45  # mm: of a dot
CAPS = 0.729  # of DejaVu Sans, in em
DOT = "dot"  # label of dots: marks that carry a text


def level_of(judgement: str) -> str:
    """Give the level of a judgement.

    Raises
    ------
    ValueError
        For a word that is none of ``MEANINGS``.

    Examples
    --------
    >>> [level_of(word) for word in ("yes", "No", "unclear", "")]
    ['low', 'high', 'some', 'unjudged']
    """
    word = " ".join(judgement.casefold().split())
    if word not in MEANINGS:
        raise ValueError(
            f'no level for the judgement "{judgement}": expected one of {", ".join(filter(None, MEANINGS))}'
        )
    return MEANINGS[word]


@dataclass(frozen=True)
class Key:
    """What the dots mean.

    Parameters
    ----------
    levels : mapping
        Level → words; only those that occur.
    items : sequence of str
        One line a column: ``D1 Was the sample frame appropriate?``
    """

    levels: Mapping[str, str]
    items: Sequence[str]

    def columns(self, preset: Preset) -> list[list[str]]:
        """Give the items, wrapped, in two columns of about one height."""
        room = (preset.mm(176) - 4 * preset.scale) / 2
        wrapped = [wrap_text(item, room, preset.notes) for item in self.items]
        total, first = sum(map(len, wrapped)), []
        while wrapped and len(first) + len(wrapped[0]) / 2 <= total / 2:
            first += wrapped.pop(0)
        return [first, [line for lines in wrapped for line in lines]]

    def height(self, preset: Preset) -> float:
        """Give the height in mm."""
        return 4.6 * preset.scale + max(map(len, self.columns(preset))) * preset.leading + 2.4 * preset.scale

    def draw(self, page: Page, top: float, preset: Preset, palette: Palette) -> None:
        """Draw the levels in a row, the items below."""
        s, x = preset.scale, preset.mm(2)
        for level, words in self.levels.items():
            draw_dot(page, x + RADIUS * s, top, level, preset, palette)
            y = top + CAPS / 2 * preset.notes * MM_PER_POINT
            page.text(x + (2 * RADIUS + 1) * s, y, words, size=preset.notes, color=palette.text)
            x += (2 * RADIUS + 5) * s + text_width(words, preset.notes)
        for i, lines in enumerate(self.columns(preset)):
            x = preset.mm(2) + i * ((preset.mm(176) - 4 * s) / 2 + 4 * s)
            for j, line in enumerate(lines):
                y = top + 5.2 * s + j * preset.leading
                page.text(x, y, line, size=preset.notes, color=palette.notes)


def key_of(levels: Sequence[str], words: Mapping[str, str], items: Sequence[str]) -> Key:
    """Give the key of the levels that occur, in the order of ``SYMBOLS``."""
    return Key({level: words[level] for level in SYMBOLS if level in levels}, items)


def draw_dot(page: Page, x: float, y: float, level: str, preset: Preset, palette: Palette) -> None:
    """Draw a dot with its symbol, centred on a place in mm."""
    fill, size = getattr(palette, level), 6.6 * preset.scale
    circle = Path.unit_circle()
    path = Path(circle.vertices * RADIUS * preset.scale + np.array([x, y]), circle.codes)
    style = {"facecolor": fill, "edgecolor": palette.edge, "linewidth": 0.4 * preset.scale, "zorder": 6}
    page.figure.add_artist(PathPatch(path, transform=page.transform, label=DOT, **style))
    # "+" and "–" stand on the height of small letters, "?" and "0" on that of capitals.
    lift = {"+": 0.63, "–": 0.56}.get(SYMBOLS[level], CAPS)
    baseline = y + lift / 2 * size * MM_PER_POINT
    page.text(x, baseline, SYMBOLS[level], size=size, color=ink(fill), align="center", bold=True).set_zorder(7)
