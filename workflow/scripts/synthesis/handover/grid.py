"""How wide the columns of a table are: what they need at least, then what is left by how much they hold."""

from collections.abc import Sequence
from math import fsum

CHARACTER, PADDING = 1.66, 3.4  # mm: of the table font at 8 points, a little generous, and of a cell
SHORT_HEAD = 9  # characters: a heading of numbers that is no longer stays on one line
WIDEST_WORD = 20  # characters: a longer word may break


def column_widths(heads: Sequence[tuple[str, bool]], texts: Sequence[Sequence[str]], width: float) -> list[float]:
    """Share the width of a page among columns.

    Parameters
    ----------
    heads : sequence of (str, bool)
        Heading of each column, and whether it holds numbers, which never break over lines.
    texts : sequence of sequence of str
        The cells, row by row.
    width : float
        Of the table, mm.

    Returns
    -------
    list of float
        Millimetres that add up to ``width``. When even the least does not fit, all columns give way in proportion.

    Examples
    --------
    >>> [round(w) for w in column_widths([("Study", False), ("Events", True)], [["A study with a name", "12"]], 100)]
    [87, 13]
    """
    least = [least_width(label, [row[i] for row in texts], number) for i, (label, number) in enumerate(heads)]
    spare = width - fsum(least)
    if spare <= 0:
        return [each * width / fsum(least) for each in least]
    held = [0 if number else sum(len(row[i]) for row in texts) for i, (_, number) in enumerate(heads)]
    shares = held if sum(held) else [1] * len(held)
    return [each + spare * share / sum(shares) for each, share in zip(least, shares, strict=True)]


def least_width(label: str, cells: Sequence[str], number: bool) -> float:
    """Give what a column needs at least, mm: its longest word, or its longest number on one line."""
    whole = [len(text) for text in cells] if number else []
    whole += [len(label)] if number and len(label) <= SHORT_HEAD else []
    words = " ".join([label] if number else [label, *cells]).replace("-", "- ").split()
    characters = max([*whole, *(min(len(word), WIDEST_WORD) for word in words)], default=0)
    return characters * CHARACTER + PADDING
