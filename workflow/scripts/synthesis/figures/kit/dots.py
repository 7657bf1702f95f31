"""Judgements as dots: colour and symbol together, in columns beside studies, with their key."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .layout import Page, text_width, wrap_text
from .presets import Preset
from .style import CAPS, MM_PER_POINT, Palette, ink

LOW, SOME, HIGH, UNJUDGED = "low", "some", "high", "unjudged"
SYMBOLS = {LOW: "+", SOME: "?", HIGH: "–", UNJUDGED: "0"}
# What a sheet may say. A checklist of questions says yes, no, unclear; a tool of domains names the risk itself.
MEANINGS = {
    **dict.fromkeys(("yes", "low"), LOW),
    **dict.fromkeys(("unclear", "some concerns", "moderate"), SOME),
    **dict.fromkeys(("no", "high", "serious", "critical"), HIGH),
    **dict.fromkeys(("no information", "not applicable", ""), UNJUDGED),
}
RADIUS = 1.45  # mm: of a dot
DOT = "dot"  # label of dots: marks that carry a text


def level_of(judgement: str) -> str:
    """Give the level of a judgement; a ValueError for a word that is none of ``MEANINGS``.

    >>> [level_of(word) for word in ("yes", "No", "unclear", "")]
    ['low', 'high', 'some', 'unjudged']
    """
    word = " ".join(judgement.casefold().split())
    if word not in MEANINGS:
        allowed = ", ".join(filter(None, MEANINGS))
        raise ValueError(f'no level for the judgement "{judgement}": expected one of {allowed}')
    return MEANINGS[word]


@dataclass(frozen=True)
class Key:
    """What the dots mean: words of the levels that occur, and a line a column (``D1 Was the frame appropriate?``)."""

    levels: Mapping[str, str]
    items: Sequence[str]

    @classmethod
    def of(cls, levels: Collection[str], words: Mapping[str, str], items: Sequence[str] = ()) -> "Key":
        """Give the key of some levels, in the order of ``SYMBOLS``."""
        return cls({level: words[level] for level in SYMBOLS if level in levels}, items)

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
                page.text(x, top + 5.2 * s + j * preset.leading, line, size=preset.notes, color=palette.notes)


def draw_dot(page: Page, x: float, y: float, level: str, preset: Preset, palette: Palette) -> None:
    """Draw a dot with its symbol, centred on a place in mm."""
    s, fill, size = preset.scale, getattr(palette, level), 6.6 * preset.scale
    page.circles([(x, y)], RADIUS * s, color=fill, edge=palette.edge, width=0.4 * s, zorder=6, label=DOT)
    # "+" and "–" stand on the height of small letters, "?" and "0" on that of capitals.
    lift = {"+": 0.63, "–": 0.56}.get(SYMBOLS[level], CAPS)
    baseline = y + lift / 2 * size * MM_PER_POINT
    page.text(x, baseline, SYMBOLS[level], size=size, color=ink(fill), align="center", bold=True).set_zorder(7)
