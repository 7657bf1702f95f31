"""The lines of a forest plot: each study and each pool with its printed numbers and its mark."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

import pandas as pd

from ...words import formatting as fmt
from ...words import marks
from ...words.prose import percent, upper_first
from ...words.terms import remarks_of
from ..kit.layout import clean_text
from ..kit.table import Line
from .diamonds import state_of

SQUARE = (1.0, 3.0)  # mm: shortest and longest side of a study's square


@dataclass(frozen=True)
class ForestText:
    """What a forest plot says beside its numbers.

    Parameters
    ----------
    title : str
        The analysis.
    unit : str
        What the denominator counts.
    level : float
        Confidence level.
    model_line, version_line, note : str
        Sentences on the model; which data; anything a reader must know first. Blank lines are left out.
    primary : str
        The model whose estimates are drawn.
    common_model : str
        The model whose row carries the test with one τ² for all groups; none when blank.
    draw_prediction_from : int
        Studies needed for a prediction interval to be drawn.
    sort : {"year", "label", "estimate", "patients"}
    group_label : str
        What the panels of a split plot are.
    levels : mapping
        Level → label, in the order of the panels.
    scale : str
        The scale of τ².
    corrected : bool
        Whether the primary model adds half an event to studies without events.
    window_label : str
        Heading of the follow-up column; blank leaves it out.
    house : str
        A name in ``formatting.HOUSES``.
    overlaps : frozenset of str
        Studies that may share units with others.
    """

    title: str
    unit: str = "patients"
    level: float = 0.95
    model_line: str = ""
    version_line: str = ""
    note: str = ""
    primary: str = "glmm"
    common_model: str = ""
    draw_prediction_from: int = 5
    sort: str = "year"
    group_label: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    scale: str = "logit"
    corrected: bool = False
    window_label: str = "Window, days"
    house: str = "default"
    overlaps: frozenset[str] = frozenset()

    @property
    def percent(self) -> str:
        """Give the level as printed: ``95%``."""
        return percent(self.level)


@dataclass(frozen=True)
class Printer:
    """Turns rows and pools into lines.

    Parameters
    ----------
    text : ForestText
    decimals : int
        Of all percentages of the plot.
    largest : int
        Patients of the largest row: its square has the longest side.
    dots : mapping
        Study → levels of its judgements.
    """

    text: ForestText
    decimals: int
    largest: int
    dots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def numbers(self, row: pd.Series) -> dict[str, object]:
        """Give the printed numbers of a row or a pool."""
        value, low, high = (row[c] for c in ("proportion" if "proportion" in row else "estimate", "ci_low", "ci_high"))
        printed = fmt.format_percent_interval(value, low, high, self.decimals, fmt.HOUSES[self.text.house])
        estimate, _, interval = printed.partition(" ")
        return {
            "events": fmt.format_count(row["events"]),
            "patients": fmt.format_count(row["patients"]),
            "estimate": estimate,
            "interval": interval,
        }

    def studies(self, panel: pd.DataFrame) -> list[Line]:
        """Give a line a study; arms of one study in one panel are told apart by their names."""
        lines = []
        for _, row in panel.iterrows():
            label = clean_text(row["label"])
            twins = (panel["study"] == row["study"]).sum() > 1
            arm = clean_text(row.get("arm_label", row.get("arm", ""))) if twins else ""
            lines.append(
                Line(
                    "study",
                    f"{label}, {arm}" if arm else label,
                    **self.numbers(row),
                    window=format_window(row.get("window", "")),
                    low=row["ci_low"],
                    mid=row["proportion"],
                    high=row["ci_high"],
                    side=max(SQUARE[0], SQUARE[1] * sqrt(row["patients"] / self.largest)),
                    marks=marks_of(row, self.text.overlaps),
                    dots=tuple(self.dots.get(row["study"], ())),
                )
            )
        return lines

    def subgroup(self, pool: pd.Series | None) -> list[Line]:
        """Give the summary of a panel and the grey line below it."""
        state = "missing" if pool is None else state_of(pool)
        if pool is None or state == "one study":
            return [] if pool is None else [Line("remark", "1 study: not pooled")]
        words = self.remark(pool, state), self.heterogeneity(pool) if state == "pool" else ""
        return [self.summary("summary", "Subgroup", pool, state), *(Line("remark", text) for text in words if text)]

    def overall(self, pool: pd.Series | None) -> list[Line]:
        """Give the lines of the pool of all studies."""
        if pool is None or pool["k"] == 0:
            return []
        state = state_of(pool)
        if state == "one study":
            return [Line("rule"), Line("remark", "One study: not pooled")]
        lines = [Line("rule"), self.summary("overall", "All studies", pool, state)]
        if self.predicts(pool):
            limits = fmt.format_percent_range(
                pool["pi_low"], pool["pi_high"], self.decimals, fmt.HOUSES[self.text.house]
            )
            label = f"{self.text.percent} prediction interval"
            lines.append(Line("prediction", label, interval=f"({limits})", low=pool["pi_low"], high=pool["pi_high"]))
        return lines

    def summary(self, kind: str, name: str, pool: pd.Series, state: str) -> Line:
        """Give the line of a pool; without a model there is no diamond."""
        mark = {"low": pool["ci_low"], "mid": pool["estimate"], "high": pool["ci_high"]} if state == "pool" else {}
        label = f"{name} ({count_studies(pool['studies'], pool['k'])})"
        return Line(kind, label, **self.numbers(pool), **mark)

    def predicts(self, pool: pd.Series) -> bool:
        """Say whether the prediction interval is drawn."""
        known = pd.notna(pool["pi_low"]) and pd.notna(pool["pi_high"])
        return bool(known and state_of(pool) == "pool" and pool["studies"] >= self.text.draw_prediction_from)

    def heterogeneity(self, pool: pd.Series) -> str:
        """Give the heterogeneity of a pool in one line."""
        values = (pool[c] for c in ("tau2", "i2", "q", "q_df", "q_p"))
        return fmt.format_heterogeneity(*values, scale=self.text.scale, house=fmt.HOUSES[self.text.house])

    def remark(self, pool: pd.Series, state: str) -> str:
        """Say why a pool has no diamond, or what is remarkable about one that has; blank when nothing is."""
        remarks = remarks_of(pool["status"])
        return {
            "none": f"No events: the upper limit is the exact one-sided {self.text.percent} limit.",
            "all": f"Nothing but events: the lower limit is the exact one-sided {self.text.percent} limit.",
            "missing": f"Not pooled: {remarks}.",
            "pool": f"{upper_first(remarks)}." if remarks else "",
        }.get(state, "")


def count_studies(studies: float, rows: float, what: str = "arms") -> str:
    """Give the number of studies, and of what was pooled where these give several.

    >>> count_studies(4, 4), count_studies(4, 7)
    ('k = 4', 'k = 4, 7 arms')
    """
    more = "" if rows == studies else f", {fmt.format_count(rows)} {what}"
    return f"k = {fmt.format_count(studies)}{more}"


def marks_of(row: Mapping[str, object], overlaps: frozenset[str] = frozenset()) -> str:
    """Give the marks of honesty of a count; ``overlaps`` are the studies that may share units with others."""
    return marks.marks_of(row, row.get("report", ""), row.get("study") in overlaps)


def mark_sentences(found: Iterable[str], unit: str) -> list[str]:
    """Explain the marks that occur, a sentence each.

    >>> mark_sentences(["†"], "patients")
    ['† Read in an abstract only.']
    """
    return [f"{mark} {words[:1].upper()}{words[1:]}." for mark, words in marks.legend(found, unit)]


def format_window(value: object) -> str:
    """Give a follow-up window in days; a dash where the source does not say."""
    number = pd.to_numeric(value, errors="coerce")
    return fmt.MISSING if pd.isna(number) else fmt.format_count(number)
