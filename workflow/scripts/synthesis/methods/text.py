"""results/methods.md: what was done, in prose a journal can print, written from the config and the results.

Nothing is typed that the config or a table could contradict: a method is described when the config turns it on, with
the settings it had, and every count comes from a table. The sentences stand in ``methods.md.j2``.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..tables.declared import is_of_this_engine, read
from ..tables.files import write_text
from ..words.templates import render
from .bibliography import number_references
from .certainty import REQUESTED, checked, simulated
from .counted import counted
from .evidence import Evidence

TEMPLATE = Path(__file__).with_name("methods.md.j2")
DECLARED = {**REQUESTED, "studies": "data/studies", "risk_of_bias": "data/risk_of_bias"}  # the others: as here


def write_methods_file(
    tables: Mapping[str, Iterable[str]], methods_md: str, *, choices: Mapping, software: Mapping[str, str]
) -> None:
    """Read the tables of all analyses and write the page.

    Parameters
    ----------
    tables : mapping
        Name → paths of the tables that are joined under it; none for a table that was not built.
    methods_md : str
    choices, software : mapping
        See :class:`Evidence`.
    """
    requested = ((table, path) for name, table in REQUESTED.items() for path in tables.get(name, ()))
    left_out = [table for table, path in requested if not is_of_this_engine(table, path)]
    kept = {name: paths for name, paths in tables.items() if REQUESTED.get(name) not in left_out}
    found = {name: [r for path in paths for r in read(path, DECLARED.get(name, name))] for name, paths in kept.items()}
    write_text(methods_md, methods(Evidence(choices, found, software, left_out)))


def methods(evidence: Evidence) -> str:
    """Write the page as Markdown."""
    found = counted(evidence) | simulated(evidence) | checked(evidence)
    text = render(TEMPLATE, **evidence.choices, evidence=evidence, software=evidence.software, found=found)
    return number_references(tidy(text)) + "\n"


def tidy(text: str) -> str:
    """Join the lines of each paragraph, and leave out headings with nothing below; the references come later.

    >>> print(tidy("# A\\n\\n## B\\n\\n## C\\n\\none\\n\\n\\n two\\n|a|\\n\\n|b|\\n|c|"))
    # A
    <BLANKLINE>
    ## C
    <BLANKLINE>
    one
    <BLANKLINE>
    two |a|
    <BLANKLINE>
    |b|
    |c|
    """
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]
    blocks = [block if block.startswith("|") else re.sub(r"[ \n]+", " ", block) for block in blocks]
    empty = {i for i, after in enumerate(blocks[1:]) if blocks[i].startswith("## ") and after.startswith("## ")}
    return "\n\n".join(block for i, block in enumerate(blocks) if i not in empty)
