"""Captions of Snakemake's own report (``snakemake --report``), with the numbers as they are when it is made.

A caption is a template that sees the parameters of the job. A parameter that held the numbers themselves would change
with every result and run the job again; an object has no representation that Snakemake compares, and reads the numbers
only when the caption is printed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..tables.declared import read

MARKUP = re.compile(r"([\\*`_|\[\]<>])")


@dataclass(frozen=True)
class Answers:
    """The answers in ``estimates.csv``, read when they are printed."""

    estimates_csv: str
    review: Mapping  # this part of the config, and the next
    models: Mapping
    analyses: Mapping[str, Mapping]  # those that are printed

    def __str__(self) -> str:
        """Give a paragraph an analysis, as reStructuredText."""
        from ..report.about import Review  # heavy, and every start of Snakemake imports this module
        from ..report.summary import sentence

        tables = dict.fromkeys([(analysis, "estimates") for analysis in self.analyses], read(self.estimates_csv))
        review = Review({"review": self.review, "models": self.models, "analyses": self.analyses}, tables, {})
        return "\n\n".join(
            f"**{plain(review.title(analysis))}**: {plain(sentence(review, analysis))}"
            for analysis in self.analyses
            if review.pool(analysis)
        )


def plain(text: str) -> str:
    """Give a text that reStructuredText prints as it is.

    >>> print(plain("P* of `x` _"))
    P\\* of \\`x\\` \\_
    """
    return MARKUP.sub(r"\\\1", text)
