"""Smaller and sooner: what a PDF embeds of a font, cut once for many figures.

Cutting the letters of one page out of a font of 6,000 takes 50 ms, more than drawing the page. Figures of one review
use the same letters, so what is cut out is a fixed set that holds nearly all of them, once for each face; a page with
other letters gets a set of its own.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from inspect import signature

# Matplotlib embeds letters below 256 and those above as two fonts.
COMMON = (
    "".join(map(chr, range(32, 127))) + "\u00a0§°±²³¶·×äåçéèñöøü",
    "–—’“”…−≤≥≈→†‡τχσβμΔΣ",
)
# Ligatures, kerning and names: Matplotlib has placed every glyph by then.
UNREAD = ("GSUB", "GPOS", "GDEF", "kern", "name")


@contextmanager
def light_fonts() -> Iterator[None]:
    """Save PDFs with the common letters of a font, cut once; where Matplotlib cuts otherwise, as it does by itself."""
    from matplotlib.backends import _backend_pdf_ps as library

    own = library.get_glyphs_subset
    if list(signature(own).parameters) != ["fontfile", "glyphs"]:
        yield
        return

    def shared(fontfile, glyphs: Iterable[int]):
        wanted = frozenset(glyphs)
        fitting = (common for common in _common(fontfile) if wanted <= common)
        return nullcontext(_cut(own, fontfile, next(fitting, wanted)))

    library.get_glyphs_subset = shared
    try:
        yield
    finally:
        library.get_glyphs_subset = own


@lru_cache(maxsize=4)
def _common(fontfile) -> tuple[frozenset[int], ...]:
    """Give the glyphs of each set of common letters."""
    from matplotlib.font_manager import get_font

    number = get_font(fontfile).get_char_index
    return tuple(frozenset(number(ord(letter)) for letter in letters) - {0} for letters in COMMON)


@lru_cache(maxsize=16)
def _cut(cut, fontfile, glyphs: frozenset[int]):
    """Cut glyphs out of a font, and keep it open: the next PDF embeds it again."""
    from fontTools.subset import Options  # Matplotlib imports it for the same purpose

    before = getattr(Options, "_drop_tables_default", [])
    Options._drop_tables_default = [*before, *UNREAD]
    try:
        return cut(fontfile, glyphs).__enter__()
    finally:
        Options._drop_tables_default = before
