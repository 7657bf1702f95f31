"""Captions of Snakemake's own report (``snakemake --report``), with the numbers as they are when it is made.

A caption is a template that sees the parameters of the job. A parameter that held the numbers themselves would change
with every result and run the job again; an object has no representation that Snakemake compares, and reads the numbers
only when the caption is printed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..tables.files import read_table

MARKUP = re.compile(r"([\\*`_|\[\]<>])")


@dataclass(frozen=True)
class Answers:
    """The answers in ``estimates.csv``, read when they are printed.

    Parameters
    ----------
    estimates_csv : str
    review, models : mapping
        These parts of the config.
    labels : mapping
        Analysis → label; those that are printed.
    """

    estimates_csv: str
    review: Mapping
    models: Mapping
    labels: Mapping[str, str]

    def __str__(self) -> str:
        """Give a paragraph an analysis, as reStructuredText."""
        from ..report.summary import Names, find, sentence  # heavy, and every start of Snakemake imports this module

        names = Names(self.review, {}, {}, self.models)
        rows = read_table(self.estimates_csv)
        found = {analysis: find(rows, analysis, model=self.models["primary"]) for analysis in self.labels}
        return "\n\n".join(
            f"**{plain(self.labels[analysis])}**: {plain(sentence(pool, names))}"
            for analysis, pool in found.items()
            if pool
        )


def plain(text: str) -> str:
    """Give a text that reStructuredText prints as it is.

    >>> print(plain("P* of `x` _"))
    P\\* of \\`x\\` \\_
    """
    return MARKUP.sub(r"\\\1", text)
