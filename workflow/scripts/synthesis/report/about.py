"""The tables and words a page is made of, with short ways to look things up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..tables.files import number, read_table
from ..words.formatting import decimals_for
from ..words.prose import percent
from .summary import find

Row = Mapping[str, str]
UNKNOWN_LEVELS = {"": "Not reported", "not reported": "Not reported", "mixed": "Several"}


@dataclass(frozen=True)
class Review:
    """Everything the page prints.

    Parameters
    ----------
    choices : mapping
        ``config.yaml`` as read, with ``variables``: what rows can be split by → label and levels.
    tables : mapping
        (folder, name) → rows; the folder is the analysis, ``data``, or ``results`` for what stands at the top.
    grade : mapping
        Analysis → judgements, as :func:`synthesis.sheets.grade.read_grade` gives them; empty when nobody judged.
    screening : sequence of rows
        Every report that was looked at, with the decision.
    """

    choices: Mapping
    tables: Mapping[tuple[str, str], list[Row]]
    grade: Mapping[str, Mapping]
    screening: Sequence[Row] = ()

    @property
    def analyses(self) -> Mapping[str, Mapping]:
        """Give the analyses in the order of the config."""
        return self.choices["analyses"]

    @property
    def unit(self) -> str:
        """Give what the denominator counts."""
        return self.choices["review"]["unit"]

    @property
    def primary(self) -> str:
        """Give the model of the headline."""
        return self.choices["models"]["primary"]

    @property
    def level(self) -> str:
        """Give the confidence level as printed."""
        return percent(float(self.choices["models"]["level"]))

    def table(self, folder: str, name: str) -> list[Row]:
        """Give a table; empty when there is none."""
        return self.tables.get((folder, name), [])

    def pool(self, analysis: str, model: str = "") -> Row:
        """Give the overall pool of an analysis; empty when there is none."""
        return find(self.table(analysis, "estimates"), analysis, model=model or self.primary)

    def used(self, analysis: str) -> list[Row]:
        """Give the rows an analysis pools, in the order of its forest plot."""
        rows = [r for r in self.table(analysis, "rows") if r["subset"] == "all" and r["use"] == "yes"]
        return sort_rows(rows, self.choices["figures"]["sort"])

    def candidates(self, analysis: str) -> list[Row]:
        """Give every row that was considered for an analysis."""
        return [r for r in self.table(analysis, "rows") if r["subset"] == "all"]

    def decimals(self, analysis: str) -> int:
        """Give the decimals of an analysis's table, the same as in its forest plot."""
        shown = [number(r, "proportion") for r in self.used(analysis)]
        return decimals_for([*shown, number(self.pool(analysis), "estimate")])

    def variable(self, name: str) -> str:
        """Give the name of a splitting variable."""
        return self.choices["variables"].get(name, {}).get("label", name)

    def level_name(self, variable: str, level: str) -> str:
        """Give the label of a level."""
        known = self.choices["variables"].get(variable, {}).get("levels", {})
        return known.get(level) or UNKNOWN_LEVELS.get(level, level)

    def outcome(self, name: str) -> str:
        """Give the label of an outcome."""
        return self.choices["outcomes"].get(name, {}).get("label", name)

    def study(self, name: str) -> Row:
        """Give the row of a study; empty when there is none."""
        return next((r for r in self.table("data", "studies") if r["study"] == name), {})

    def label(self, study: str) -> str:
        """Give how a study is called."""
        return self.study(study).get("label") or study


def sort_rows(rows: Iterable[Row], sort: str) -> list[Row]:
    """Order rows as the forest plot does: by the config's choice, ties by label, study and arm."""
    rows = sorted(rows, key=lambda r: (r["label"], r["study"], r["arm"]))
    if sort == "label":
        return rows
    if sort == "patients":
        return sorted(rows, key=lambda r: -int(r["patients"]))
    key = {"year": "year", "estimate": "proportion"}[sort]
    return sorted(rows, key=lambda r: (not r[key], float(r[key] or 0)))


def read_tables(paths: Iterable[str]) -> dict[tuple[str, str], list[Row]]:
    """Read CSV files under the name of their folder and their own."""
    return {(Path(path).parent.name, Path(path).stem): read_table(path) for path in paths}


def row_key(row: Row) -> str:
    """Name a count on the page.

    >>> row_key({"analysis": "a", "study": "b2001", "arm": "all"})
    'a--b2001--all'
    """
    arm = "".join(c if c.isalnum() else "-" for c in row["arm"])
    return f"{row['analysis']}--{row['study']}--{arm}"
