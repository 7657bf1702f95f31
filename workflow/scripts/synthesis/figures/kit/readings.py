"""What the charts of an analysis read: its tables as rows of text, and the numbers and words taken from them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from ...tables.files import number
from ...words import formatting as fmt
from ...words.prose import percent, plural, upper_first
from ...words.terms import is_ok
from .layout import clean_text

Row = Mapping[str, str]


@dataclass(frozen=True)
class ChartText:
    """What a chart says beside its numbers.

    Parameters
    ----------
    title : str
        The analysis.
    unit : str
        What the denominator counts, in the plural.
    level : float
        Confidence level.
    version_line, note : str
        Which data; anything a reader must know first. Blank lines are left out.
    primary : str
        The model whose estimates lead.
    draw_prediction_from : int
        Studies needed for a prediction to be drawn.
    max_days : int or None
        The longest window the analysis pools.
    sort : {"year", "label", "estimate", "patients"}
        Order of studies.
    preset, palette, house : str
        Names in ``style.PRESETS``, ``style.PALETTES`` and ``formatting.HOUSES``.
    """

    title: str
    unit: str = "patients"
    level: float = 0.95
    version_line: str = ""
    note: str = ""
    primary: str = "glmm"
    draw_prediction_from: int = 5
    max_days: int | None = None
    sort: str = "year"
    preset: str = "default"
    palette: str = "default"
    house: str = "default"

    @property
    def percent(self) -> str:
        """Give the level as printed: ``95%``."""
        return percent(self.level)

    @property
    def axis(self) -> str:
        """Give the title of an axis of proportions."""
        return f"{upper_first(self.unit)} with event, %"

    @property
    def style(self) -> fmt.House:
        """Give the house style of numbers."""
        return fmt.HOUSES[self.house]

    def heading(self, what: str) -> str:
        """Give the title of a chart: the analysis, and what the chart shows of it."""
        return f"{clean_text(self.title)}: {what}"


@dataclass(frozen=True)
class Readings:
    """The tables of one analysis, as ``files.read_table`` gives them; what is missing is an empty list."""

    rows: Sequence[Row] = ()
    estimates: Sequence[Row] = ()
    influence: Sequence[Row] = ()
    subsets: Sequence[Row] = ()
    multiverse: Sequence[Row] = ()
    multiverse_summary: Sequence[Row] = ()
    regression: Sequence[Row] = ()
    moderators: Sequence[Row] = ()
    future: Sequence[Row] = ()
    small_study: Sequence[Row] = ()

    @property
    def pooled(self) -> list[Row]:
        """Give the rows that the overall pool uses."""
        return [row for row in self.rows if row["subset"] == "all" and row["use"] == "yes"]

    @property
    def by_study(self) -> list[Row]:
        """Give the pooled rows with the arms of each study added up; then there is no interval of its proportion."""
        arms: dict[str, list[Row]] = {}
        for row in self.pooled:
            arms.setdefault(row["study"], []).append(row)
        return [own[0] if len(own) == 1 else add_arms(own) for own in arms.values()]

    @property
    def studies(self) -> int:
        """Count the studies of the overall pool."""
        return len({row["study"] for row in self.pooled})

    def overall(self, model: str) -> Row | None:
        """Find the pool of all studies with a model; None where it is no pool."""
        for row in self.estimates:
            if (row["subset"], row["group"], row["model"]) == ("all", "", model):
                return row if is_ok(row["status"]) and number(row, "studies") > 1 else None
        return None


@dataclass(frozen=True)
class Paragraphs:
    """The notes below a chart: dark ones on the data, grey ones on how to read it."""

    dark: Sequence[str] = ()
    grey: Sequence[str] = ()
    text: ChartText = field(default_factory=lambda: ChartText(""))

    def lines(self) -> list[tuple[str, bool]]:
        """Give paragraphs, and whether they are printed dark."""
        grey = [" ".join(part for part in self.grey if part), self.text.note, self.text.version_line]
        return [(p, True) for p in self.dark if p] + [(p, False) for p in grey if p.strip()]


def known(*values: float) -> bool:
    """Say whether all values are finite numbers."""
    return all(isfinite(value) for value in values)


def add_arms(rows: Sequence[Row]) -> Row:
    """Give one row for some arms of a study."""
    events, patients = (sum(int(row[column]) for row in rows) for column in ("events", "patients"))
    counts = {"events": str(events), "patients": str(patients), "proportion": str(events / patients)}
    return {**rows[0], "arm": "", "ci_low": "", "ci_high": "", **counts}


def sort_rows(rows: Sequence[Row], sort: str) -> list[Row]:
    """Order studies as the forest plot does: ties by label, then by study and arm."""

    def key(row: Row) -> tuple:
        ties = (row["label"], row["study"], row.get("arm", ""))
        if sort == "label":
            return ties
        value = number(row, {"year": "year", "estimate": "proportion", "patients": "patients"}[sort])
        value = inf if value != value else -value if sort == "patients" else value
        return (value, *ties)

    return sorted(rows, key=key)


def studies_of(count: float) -> str:
    """Give a number of studies."""
    return plural(count, "study", "studies")


def version_line(review: Mapping, what: str, data: bytes) -> str:
    """Say which data were drawn: the release, a digest of the tables, the date of the last search; never the clock.

    Parameters
    ----------
    review : mapping
        ``version`` and ``search``.
    what : str
        What the tables are called: rows or tables.
    data : bytes
        The tables as they stand in their files.
    """
    digest = hashlib.sha256(data).hexdigest()[:7]
    return f"Data version {review['version']} · {what} {digest} · literature to {review['search']}"
