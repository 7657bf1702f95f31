"""What figures read and say: the tables of an analysis as typed rows, and the words beside their numbers."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan

from ...tables.pools import Row, find_pool, is_pooled, pooled_rows, shares_of, sum_events
from ...words.formatting import House
from ...words.levels import MIXED, NOT_REPORTED
from ...words.model_names import interval_of
from ...words.prose import percent, plural, upper_first
from .layout import clean_text
from .presets import PRESETS

Note = tuple[str, bool]  # a paragraph below a figure, and whether it is printed dark
# Beside the levels of a property, and after them.
LAST = {MIXED: "Several, not separable", "": "Not reported", NOT_REPORTED: "Not reported"}


@dataclass(frozen=True)
class FigureText:
    """What a figure says beside its numbers, and how it is printed."""

    title: str  # the analysis
    unit: str = "patients"  # what the denominator counts, in the plural
    level: float = 0.95  # of confidence
    version_line: str = ""  # which data; it is left out when blank, as the next two are
    note: str = ""  # anything a reader must know first
    model_line: str = ""  # sentences on the model
    primary: str = "glmm"  # the model whose estimates lead
    draw_prediction_from: int = 5  # studies
    max_days: int | None = None  # the longest window the analysis pools
    outcomes: Mapping[str, str] = field(default_factory=dict)  # that the analysis pools: name → label
    sort: str = "year"  # or label, estimate, patients: the order of studies
    overlaps: frozenset[str] = frozenset()  # studies that may share units with another one of the pool
    parts: Mapping[str, str] = field(default_factory=dict)  # outcomes that stand in for the first one asked for → label
    preset: str = "default"  # of ``PRESETS``
    palette: str = "default"  # of ``PALETTES``

    @property
    def percent(self) -> str:
        """Give the level as printed: ``95%``."""
        return percent(self.level)

    @property
    def interval(self) -> str:
        """Give the interval of pools as printed: ``95% CrI``."""
        return f"{self.percent} {interval_of(self.primary)}"

    @property
    def units(self) -> str:
        """Give the unit as it begins a line."""
        return upper_first(self.unit)

    @property
    def axis(self) -> str:
        """Give the title of an axis of proportions."""
        return f"{self.units} with event, %"

    @property
    def style(self) -> House:
        """Give the house style of numbers."""
        return PRESETS[self.preset].house

    def heading(self, what: str) -> str:
        """Give the title of a chart: the analysis, and what the chart shows of it."""
        return f"{clean_text(self.title)}: {what}"


def text_of(review: Mapping, models: Mapping, figures: Mapping, version: str, title: str = "", **more) -> FigureText:
    """Give the words of a figure from these parts of the config; ``version`` is its :func:`version_line`."""
    return FigureText(
        title,
        unit=review["unit"],
        level=float(models["level"]),
        version_line=version,
        primary=models["primary"],
        draw_prediction_from=models["draw_prediction_from"],
        **{name: figures[name] for name in ("sort", "preset", "palette")},
        **more,
    )


def version_line(review: Mapping, what: str, data: bytes) -> str:
    """Say which data were drawn: the release, a digest of the tables, the date of the last search; never the clock.

    ``what`` names the tables (rows, tables), ``data`` holds them as they stand in their files.
    """
    digest = hashlib.sha256(data).hexdigest()[:7]
    return f"Data version {review['version']} · {what} {digest} · literature to {review['search']}"


def notes_of(text: FigureText, dark: Iterable[str] = (), grey: Iterable[str] = ()) -> list[Note]:
    """Give the notes below a figure: dark ones on the data, a grey one on how to read it, the note and the version."""
    below = [" ".join(filter(None, grey)), text.note, text.version_line]
    return [(words, True) for words in dark if words] + [(words, False) for words in below if words.strip()]


@dataclass(frozen=True)
class Property:
    """A property of arms: its name, its label, and its levels (level → label) in the order of figures."""

    name: str
    label: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)

    def order(self, present: Iterable[str]) -> dict[str, str]:
        """Give level → label of what is present; what is no level of its own comes last."""
        present = list(present)
        others = {level: level for level in present if level not in self.levels and level not in LAST}
        last = {level: words for level, words in LAST.items() if level not in self.levels}
        names = {**self.levels, **others, **last}
        return {level: clean_text(label) for level, label in names.items() if level in present}

    def absent(self, present: Iterable[str]) -> str:
        """Name the levels that are not present."""
        present = set(present)
        return ", ".join(clean_text(label) for level, label in self.levels.items() if level not in present)


@dataclass(frozen=True)
class Readings:
    """The tables of one analysis; what is missing is an empty list."""

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
        return pooled_rows(self.rows)

    @property
    def by_study(self) -> list[Row]:
        """Give the pooled rows with the arms of each study added up; then there is no interval of its proportion."""
        arms: dict[str, list[Row]] = {}
        for row in self.pooled:
            arms.setdefault(row["study"], []).append(row)
        return [add_arms(own) for own in arms.values()]

    @property
    def studies(self) -> int:
        """Count the studies of the overall pool."""
        return len({row["study"] for row in self.pooled})

    def overall(self, model: str) -> Row:
        """Find the pool of all studies with a model; empty where it is no pool."""
        pool = find_pool(self.estimates, model)
        return pool if is_pooled(pool) else {}


def known(*values: float | None) -> bool:
    """Say whether all values are finite numbers."""
    return all(value is not None and isfinite(value) for value in values)


def values_of(row: Row, *columns: str) -> tuple:
    """Give several values of a row: by default those of an estimate, as the mark of a line has them."""
    return tuple(row[column] for column in columns or ("ci_low", "estimate", "ci_high"))


def add_arms(rows: Sequence[Row]) -> Row:
    """Give one row for the arms of a study."""
    if len(rows) == 1:
        return with_middle(rows[0])
    counts = {**sum_events(rows), "patients": sum(row["patients"] for row in rows), "proportion": nan}
    return with_middle({**rows[0], "arm": "", "ci_low": nan, "ci_high": nan, **counts})


def with_middle(row: Row) -> Row:
    """Give a row with a proportion: the middle of what limits of its count leave possible, where it has none."""
    return {**row, "proportion": sum(shares_of(row)) / 2}


def middle_note(rows: Iterable[Row]) -> str:
    """Say which marks of a chart stand in the middle of a span; blank where all are exact."""
    within = [clean_text(row["label"]) for row in rows if row["events"] is None and known(*shares_of(row))]
    names = ", ".join(dict.fromkeys(within))
    return f"In the middle of what limits of the count leave possible: {names}." if names else ""


def studies_of(count: int, none: str = "") -> str:
    """Give a number of studies, or the words for none."""
    return plural(count, "study", "studies") if count or not none else none


def sentence(words: str) -> str:
    """Give words as a sentence: it begins with a capital and ends with one full stop."""
    return f"{upper_first(words.rstrip('.'))}."
