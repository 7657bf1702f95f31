"""Numbers and papers that a document quotes: each stands between two marks and is filled in, so that none is typed.

    <!-- quote: results/estimates.csv analysis=x subset=all model=glmm: interval -->…<!-- /quote -->
    <!-- cite: stijnen2010 -->…<!-- /cite -->
    <!-- results: Heading -->…<!-- /results -->

The first names a table, one row of it by the values of some columns, and what is said of the row; the second a paper of
:mod:`synthesis.methods.bibliography`; the third a section of results/README.md.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ..methods.bibliography import REFERENCES, Reference
from ..tables.files import number, read_table
from ..tables.pools import estimate_text, events_text, prediction_text
from ..words.formatting import decimals_for, format_count, format_percent

Row = Mapping[str, str]
MARK = re.compile(r"(<!-- quote: (?P<table>\S+)(?P<where>(?: [^\s=]+=\S*)*): (?P<what>\S+) -->)(.*?)(<!-- /quote -->)")
YEAR = re.compile(r"\b(?:19|20)[0-9]{2}(?=[;:.])")
PART = re.compile(r"(<!-- results: (?P<heading>.+?) -->\n).*?(<!-- /results -->)", re.S)
LINK = re.compile(r"\]\((?!https?://|results/)([^)#]*)(#[^)]*)?\)")
CITED = re.compile(r"(<!-- cite: (\w+) -->).*?(<!-- /cite -->)")


def _decimals(row: Row) -> int:
    return decimals_for([number(row, "estimate")])


WAYS: Mapping[str, Callable[[Row], str]] = {
    "percent": lambda row: f"{format_percent(number(row, 'estimate'), _decimals(row))}%",
    "interval": lambda row: estimate_text(row, _decimals(row)).replace(" ", "% ", 1),
    "prediction": lambda row: f"{prediction_text(row, _decimals(row))}%",
    **{name: lambda row, name=name: format_count(int(row[name])) for name in ("k", "studies", "patients")},
    "events": events_text,
}


def fill(text: str, folder: str | Path = ".") -> str:
    """Fill the marks of a document; paths of tables start at the folder.

    Raises
    ------
    KeyError
        When a mark does not pick exactly one row, asks for what there is no way to say, or names an unknown paper or
        heading.
    """
    folder = Path(folder)
    if PART.search(text):
        results = (folder / "results/README.md").read_text(encoding="utf-8")
        text = PART.sub(lambda part: f"{part[1]}{section(results, part['heading'])}\n{part[3]}", text)
    text = CITED.sub(lambda mark: mark[1] + _short(REFERENCES[mark[2]]) + mark[3], text)
    return MARK.sub(lambda mark: mark[1] + _said(mark, folder) + mark[6], text)


def section(results: str, heading: str) -> str:
    """Give the text of results/README.md below a heading, with links that work one folder up."""
    found = re.search(rf"^## {re.escape(heading)}\n+(.*?)(?=^## |\Z)", results, re.M | re.S)
    if not found:
        raise KeyError(f"results/README.md has no section {heading!r}")
    return LINK.sub(lambda m: f"](results/{m[1] or 'README.md'}{m[2] or ''})", found[1].strip())


def _short(reference: Reference) -> str:
    name = f"{reference.text.split()[0]} {YEAR.search(reference.text)[0]}"
    return f"[{name}](https://doi.org/{reference.doi})" if reference.doi else name


def _said(mark: re.Match, folder: Path) -> str:
    where = dict(pair.split("=", 1) for pair in mark["where"].split())
    rows = [r for r in read_table(folder / mark["table"]) if all(r[key] == value for key, value in where.items())]
    if len(rows) != 1:
        raise KeyError(f"{mark[1]} picks {len(rows)} rows of {mark['table']}; name columns until it is one")
    if mark["what"] not in WAYS:
        raise KeyError(f"{mark[1]}: {mark['what']} is none of {', '.join(WAYS)}")
    return WAYS[mark["what"]](rows[0])
