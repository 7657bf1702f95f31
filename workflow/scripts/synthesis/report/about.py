"""The tables and words a page is made of, with short ways to look things up."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from ..tables.coverage import coverage_words, most_alike
from ..tables.declared import Row, read
from ..tables.pools import (
    estimate_text,
    find_pool,
    is_pooled,
    pooled_rows,
    prediction_text,
    shares_of,
    sort_rows,
)
from ..words import marks
from ..words.formatting import decimals_for, format_percent, is_missing
from ..words.model_names import DESCRIPTIONS, interval_of
from ..words.prose import author_year, percent
from .html_tables import Cell, sheet_address
from .phrases import counts_of

UNKNOWN_LEVELS = {"": "Not reported", "not reported": "Not reported", "mixed": "Several"}


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
    simulated : sequence of rows
        The summary of the simulations; empty when there are none.
    """

    def __init__(
        self,
        choices: Mapping,
        tables: Mapping,
        grade: Mapping,
        screening: Sequence[Mapping] = (),
        simulated: Sequence[Row] = (),
    ):
        self.choices, self.tables, self.grade, self.screening = choices, tables, grade, screening
        self.simulated = simulated
        self.analyses: Mapping[str, Mapping] = choices["analyses"]
        self.unit: str = choices["review"]["unit"]  # what the denominator counts
        self.primary: str = choices["models"]["primary"]
        self.beside: str = choices["models"].get("beside") or ""  # the model of the second line of tables
        self.level = percent(choices["models"]["level"])
        self.interval = f"{self.level} {interval_of(self.primary)}"  # of pools: 95% CrI

    def interval_of(self, pool: Row) -> str:
        """Say what the interval of a pool is: the model's, or the study's own where nothing was pooled."""
        return self.interval if is_pooled(pool) else f"{self.level} CI"

    def title(self, analysis: str) -> str:
        """Give how an analysis is called."""
        return self.analyses.get(analysis, {}).get("label", analysis)

    def table(self, folder: str, name: str) -> list[Row]:
        """Give a table; empty when there is none."""
        return self.tables.get((folder, name), [])

    def pool(self, analysis: str, model: str = "") -> Row:
        """Give the overall pool of an analysis; empty when there is none."""
        return find_pool(self.table(analysis, "estimates"), model or self.primary, analysis=analysis)

    def coverage(self, analysis: str) -> str:
        """Say how often intervals like those of an answer held the truth in simulated reviews; blank when unknown."""
        return coverage_words(most_alike(self.simulated, self.pool(analysis), self.choices["models"]["level"]))

    def used(self, analysis: str) -> list[Row]:
        """Give the rows an analysis pools, in the order of its forest plot."""
        return sort_rows(pooled_rows(self.table(analysis, "rows")), self.choices["figures"]["sort"])

    def decimals(self, analysis: str) -> int:
        """Give the decimals of an analysis's table, the same as in its forest plot."""
        rows = pooled_rows(self.table(analysis, "rows"))
        return decimals_for([*(shares_of(row)[1] for row in rows), self.pool(analysis).get("estimate")])

    def variable(self, name: str) -> str:
        """Give the name of a splitting variable."""
        return self.choices["variables"].get(name, {}).get("label", name)

    def levels(self, variable: str) -> Mapping[str, str]:
        """Give the levels of a splitting variable with their labels."""
        return self.choices["variables"].get(variable, {}).get("levels", {})

    def level_name(self, variable: str, level: str) -> str:
        """Give the label of a level."""
        return self.levels(variable).get(level) or UNKNOWN_LEVELS.get(level, level)

    def outcome(self, name: str) -> str:
        """Give the label of an outcome."""
        return self.choices["outcomes"].get(name, {}).get("label", name)

    def study(self, name: str) -> Row:
        """Give the row of a study; empty when there is none."""
        return next((row for row in self.table("data", "studies") if row["study"] == name), {})

    def label(self, study: str) -> str:
        """Give how a study is called."""
        return self.study(study).get("label") or author_year(study)

    def marks(self, row: Row) -> str:
        """Give the marks of honesty of a count, see :mod:`synthesis.words.marks`; outside a pool nothing is shared."""
        shared = row["study"] in self.sharing.get(row.get("analysis", ""), ())
        return marks.marks_of(row, self.study(row["study"]).get("report", ""), shared, self.is_part(row))

    def legend(self, rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
        """Explain the marks of some counts."""
        return marks.legend(
            map(self.marks, rows), self.unit, (self.outcome(r["outcome"]) for r in rows if self.is_part(r))
        )

    def is_part(self, row: Row) -> bool:
        """Say whether the outcome of a pooled count stands in for the one that its analysis asks for first."""
        return row["outcome"] in self.analyses.get(row.get("analysis", ""), {}).get("outcomes", ())[1:]

    @cached_property
    def sharing(self) -> dict[str, frozenset[str]]:
        """Give, for each analysis, the studies that may share units with another one of its pool."""
        pairs = marks.named_pairs(self.table("data", "studies"))
        return {name: marks.sharing(pairs, (row["study"] for row in self.used(name))) for name in self.analyses}

    def counts(self, row: Row, *names: str) -> dict[str, str]:
        """Give counts of a row below their headings."""
        return {
            f"#{(self.unit if name == 'patients' else name).capitalize()}": count
            for name, count in zip(names, counts_of(row, *names), strict=True)
        }

    def intervals(self, pool: Row, decimals: int) -> dict[str, str]:
        """Give estimate and prediction interval of a pool below their headings."""
        estimate, prediction = estimate_text(pool, decimals), prediction_text(pool, decimals)
        return {f"#% ({self.interval})": estimate, f"#{self.level} PI, %": prediction}

    @property
    def beside_name(self) -> str:
        """Say what the second line of tables is."""
        return f"{DESCRIPTIONS[self.beside]}, {self.level} {interval_of(self.beside)}" if self.beside else ""

    def beside_pool(self, analysis: str) -> Row:
        """Give the pool by the model of the second line; empty where there is none."""
        pool = self.pool(analysis, self.beside) if self.beside else {}
        return pool if is_pooled(pool) else {}

    def beside_words(self, analysis: str, decimals: int) -> str:
        """Give the pool by the model of the second line in per cent; blank where there is none."""
        pool = self.beside_pool(analysis)
        return estimate_text(pool, decimals) if pool else ""

    def by_range(self, analysis: str) -> bool:
        """Say whether the answer is the range over the studies, and their pool no more than a description."""
        return self.analyses[analysis].get("headline") == "range" and is_pooled(self.pool(analysis))

    def span(self, analysis: str) -> tuple[tuple[float, str], tuple[float, str]]:
        """Give the lowest and the highest proportion of the pooled studies, each with its study."""
        rows = pooled_rows(self.table(analysis, "rows"))
        ends = [(share, self.label(row["study"])) for row in rows for share in shares_of(row)]
        return min(ends), max(ends)

    def range_words(self, analysis: str) -> str:
        """Say the span in words: ``9.4% (Smith 2021) to 30.9% (Jones 2018)``."""
        decimals = self.decimals(analysis)
        return " to ".join(f"{format_percent(value, decimals)}% ({study})" for value, study in self.span(analysis))

    def estimated(self, folder: str, name: str) -> list[Row]:
        """Give the rows of a table that have an estimate."""
        return [row for row in self.table(folder, name) if not is_missing(row["estimate"])]

    def study_cell(self, study: str, small: str = "", symbols: str = "") -> Cell:
        """Give a study as a link to its sheet."""
        return Cell(self.label(study), sheet_address(study), small, symbols)


def read_tables(paths: Iterable[str]) -> dict[tuple[str, str], list[Row]]:
    """Read tables of ``results/`` under the name of their folder and their own."""
    return {(Path(path).parent.name, Path(path).stem): read(path) for path in paths}


def row_key(row: Row) -> str:
    """Name a count on the page.

    >>> row_key({"analysis": "a", "study": "b2001", "arm": "all"})
    'a--b2001--all'
    """
    arm = "".join(c if c.isalnum() else "-" for c in row["arm"])
    return f"{row['analysis']}--{row['study']}--{arm}"
