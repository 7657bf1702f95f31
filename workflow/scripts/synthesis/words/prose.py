"""Small words for written pages: lists, plurals, and tables."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence

from .formatting import format_count


def joined(items: Iterable[str], last: str = "and") -> str:
    """Join items as a sentence does.

    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    items = list(items)
    return f" {last} ".join([*([", ".join(items[:-1])] if len(items) > 1 else []), *items[-1:]])


def plural(n: int, one: str, many: str | None = None) -> str:
    """Give a number with its noun.

    >>> plural(1, "study", "studies"), plural(1200, "count")
    ('1 study', '1,200 counts')
    """
    return f"{format_count(n)} {agree(n, one, many or one + 's')}"


def author_year(study: str) -> str:
    """Give a name for what has no label: what its id says.

    >>> author_year("smith2020a"), author_year("the_trial")
    ('Smith 2020a', 'the trial')
    """
    found = re.fullmatch(r"([a-z]+)(\d{4}[a-z]?)", study)
    return f"{found[1].capitalize()} {found[2]}" if found else study.replace("_", " ")


def agree(n: int, one: str, many: str) -> str:
    """Give the form of a word that goes with a number."""
    return one if n == 1 else many


def percent(level: float) -> str:
    """Give a confidence level.

    >>> percent(0.95), percent(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * level:g}%"


def markdown_table(
    head: Sequence[object], rows: Iterable[Sequence[object]], right: Container[int] = (), *, padded: bool = False
) -> str:
    """Give a Markdown table with the columns ``right`` (their numbers) set flush right.

    A line break in a cell becomes a space, a bar is escaped. ``padded``: columns line up in the text, so that it reads
    as well in a terminal.

    >>> print(markdown_table(["a", "n"], [["x|y", 12]], right=[1]))
    | a | n |
    | --- | ---: |
    | x\\|y | 12 |
    >>> print(markdown_table(["a", "n"], [["x|y", 12]], right=[1], padded=True))
    | a    |  n |
    | ---- | -: |
    | x\\|y | 12 |
    """
    lines = [[" ".join(str(cell).splitlines()).replace("|", "\\|") for cell in row] for row in [head, *rows]]
    widths = [max(2, *(len(row[i]) for row in lines)) if padded else 3 for i in range(len(head))]
    rule = ["-" * (w - padded) + ":" if i in right else "-" * w for i, w in enumerate(widths)]
    if padded:
        signs = [">" if i in right else "<" for i in range(len(head))]
        lines = [[f"{c:{s}{w}}" for c, s, w in zip(row, signs, widths, strict=True)] for row in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in [lines[0], rule, *lines[1:]])


def inside(label: str) -> str:
    """Give a label as it stands inside a sentence; an abbreviation keeps its capitals.

    >>> inside("Median age"), inside("BMI of 30 or more"), inside("T cells")
    ('median age', 'BMI of 30 or more', 'T cells')
    """
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def upper_first(words: str) -> str:
    """Put words at the start of a line.

    >>> upper_first("no events"), upper_first("")
    ('No events', '')
    """
    return words[:1].upper() + words[1:]


def labelled(words: str, labels: Mapping[str, str]) -> str:
    """Give a remark on groups with their labels instead of the names that the config has for them.

    >>> labelled("left out: a (no events), b (one study); a: no estimate", {"a": "Product A", "b": "Product B"})
    'left out: Product A (no events), Product B (one study); Product A: no estimate'
    """
    return re.sub(r"(^|[,;:] )([^,;:(]+?)(?=:| \()", lambda m: m[1] + labels.get(m[2], m[2]), words)
