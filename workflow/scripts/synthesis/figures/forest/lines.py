"""The lines of a forest plot: each study and each pool with its printed numbers and its mark."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from ...tables.pools import (
    Row,
    State,
    estimate_text,
    events_text,
    is_pooled,
    prediction_text,
    row_text,
    shares_of,
    state_of,
)
from ...words import formatting as fmt
from ...words import marks
from ...words.model_names import interval_of, scale_of
from ...words.prose import upper_first
from ...words.terms import remarks_of
from ..kit.layout import clean_text
from ..kit.readings import FigureText, known, values_of
from ..kit.table import Line
from .risk_of_bias import Judgements

SQUARE = (1.0, 3.0)  # mm: shortest and longest side of a study's square


@dataclass(frozen=True)
class Printer:
    """Turns rows and pools into lines, with the decimals of one plot; the largest row's square has the longest side."""

    text: FigureText
    decimals: int = 1
    largest: int = 1
    judged: Judgements | None = None

    def line(self, kind: str, label: str, row: Row, mark: Sequence[float], **more) -> Line:
        """Give a line with the printed numbers of a row or a pool."""
        text = row_text if kind == "study" else estimate_text
        printed = text(row, self.decimals, self.text.style)
        counts = {"events": events_text(row, self.text.style), "patients": fmt.format_count(row["patients"])}
        return Line.of(kind, label, mark, printed, **counts, **more)

    def studies(self, panel: Sequence[Row]) -> list[Line]:
        """Give a line a study; arms of one study in one panel are told apart by their names."""
        times = Counter(row["study"] for row in panel)
        return [self.study(row, clean_text(row["arm_label"]) if times[row["study"]] > 1 else "") for row in panel]

    def study(self, row: Row, arm: str) -> Line:
        """Give the line of a study, or of one of its arms."""
        label, (least, most) = clean_text(row["label"]), shares_of(row)
        return self.line(
            "study",
            f"{label}, {arm}" if arm else label,
            row,
            (row["ci_low"], (least + most) / 2, row["ci_high"]),
            **({"least": least, "most": most} if least < most else {}),
            window=fmt.format_window(row["window"], clean_text(row.get("window_words") or "")),
            side=max(SQUARE[0], SQUARE[1] * sqrt(row["patients"] / self.largest)),
            marks=marks_of(row, self.text),
            dots=self.judged.dots(row["study"]) if self.judged else (),
        )

    def subgroup(self, pool: Row) -> list[Line]:
        """Give the summary of a panel and the grey lines below it."""
        if not pool:
            return []
        if state_of(pool) == State.ONE_STUDY:
            return [Line("remark", "1 study: not pooled")]
        words = self.remark(pool), self.heterogeneity(pool)
        return [self.summary("summary", "Subgroup", pool), *(Line("remark", text) for text in words if text)]

    def overall(self, pool: Row) -> list[Line]:
        """Give the lines of the pool of all studies."""
        state = state_of(pool)
        if state == State.NO_STUDY:
            return []
        if state == State.ONE_STUDY:
            return [Line("rule"), Line("remark", "One study: not pooled")]
        return [Line("rule"), self.summary("overall", "All studies", pool), *self.prediction(pool)]

    def summary(self, kind: str, name: str, pool: Row) -> Line:
        """Give the line of a pool; without a model there is no diamond."""
        label = f"{name} ({count_studies(pool['studies'], pool['k'])})"
        if interval_of(self.text.primary) != "CI" and is_pooled(pool):  # the heading speaks of the studies'
            label = f"{label}, {self.text.interval}"
        return self.line(kind, label, pool, values_of(pool) if is_pooled(pool) else ())

    def predicts(self, pool: Row) -> bool:
        """Say whether the prediction interval is drawn."""
        enough = is_pooled(pool) and pool["studies"] >= self.text.draw_prediction_from
        return enough and known(pool["pi_low"], pool["pi_high"])

    def prediction(self, pool: Row) -> list[Line]:
        """Give the line of the prediction interval where it is drawn."""
        if not self.predicts(pool):
            return []
        label = f"{self.text.percent} prediction interval"
        printed = prediction_text(pool, self.decimals, self.text.style)
        return [Line("prediction", label, interval=f"({printed})", low=pool["pi_low"], high=pool["pi_high"])]

    def heterogeneity(self, pool: Row) -> str:
        """Give the heterogeneity of a pool in one line; blank where there is no pool."""
        if not is_pooled(pool):
            return ""
        values = values_of(pool, "tau2", "i2", "q", "q_df", "q_p")
        return fmt.format_heterogeneity(*values, scale=scale_of(self.text.primary), house=self.text.style)

    def remark(self, pool: Row) -> str:
        """Say why a pool has no diamond, or what is remarkable about one that has; blank when nothing is."""
        remarks = remarks_of(pool["status"])
        return {
            State.NO_EVENTS: f"No events: the upper limit is the exact one-sided {self.text.percent} limit.",
            State.ALL_EVENTS: f"Nothing but events: the lower limit is the exact one-sided {self.text.percent} limit.",
            State.FAILED: f"Not pooled: {remarks}.",
        }.get(state_of(pool), f"{upper_first(remarks)}." if remarks else "")


def count_studies(studies: int, rows: int, what: str = "arms") -> str:
    """Give the number of studies, and of what was pooled where these give several.

    >>> count_studies(4, 4), count_studies(4, 7)
    ('k = 4', 'k = 4, 7 arms')
    """
    more = "" if rows == studies else f", {fmt.format_count(rows)} {what}"
    return f"k = {fmt.format_count(studies)}{more}"


def marks_of(row: Mapping[str, object], text: FigureText) -> str:
    """Give the marks of honesty of a count."""
    return marks.marks_of(row, row["report"], row["study"] in text.overlaps, row["outcome"] in text.parts)


def mark_sentences(found: Iterable[str], unit: str, parts: Iterable[str] = ()) -> list[str]:
    """Explain the marks that occur, a sentence each.

    >>> mark_sentences(["†"], "patients")
    ['† Read in an abstract only.']
    """
    return [f"{mark} {upper_first(words)}." for mark, words in marks.legend(found, unit, parts)]
