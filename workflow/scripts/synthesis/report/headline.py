"""The first screen: one card an analysis, whether the levels of the config's contrasts differ, and the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..tables.files import number
from ..words.formatting import decimals_for, format_percent, format_ratio_interval
from ..words.marks import legend
from ..words.prose import inside, joined
from ..words.terms import WITHIN, is_ok
from ..words.terms import WITHIN_POOLED as POOLED
from .about import Review, Row
from .phrases import counts_words, frequency_words, interval_words, kind_words, prediction_words
from .summary import DESCRIPTION_BELOW, pool_numbers
from .superscripts import row_marks

LEAD = 4  # cards on the first screen; the others follow the limits


@dataclass(frozen=True)
class Card:
    """One answer in the words a clinician uses.

    Parameters
    ----------
    analysis, label : str
    kind : str
        Pool, description, or one study.
    pooled : bool
        Whether it is a pool at all.
    big : str
        ``7 in 100``.
    interval, prediction, prediction_interval, counts, crude, certainty : str
    studies : list of (str, str)
        What it rests on: label with its marks, and the anchor of its row.
    strip : mapping
        Per cent for the small drawing: estimate, interval, prediction interval; what is missing is absent.
    """

    analysis: str
    label: str
    kind: str
    pooled: bool
    big: str
    interval: str
    prediction: str
    prediction_interval: str
    counts: str
    crude: str
    certainty: str
    studies: list[tuple[str, str, str]]
    strip: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """Whether two levels differ: the question, the answer no stronger than its intervals, and the numbers."""

    question: str
    answer: str
    lines: list[str]
    rest: str


def cards(review: Review) -> list[Card]:
    """Make a card of each analysis, in the order of the config."""
    return [card(review, analysis) for analysis in review.analyses]


def card(review: Review, analysis: str) -> Card:
    """Make the card of one analysis."""
    pool, crude = review.pool(analysis), review.pool(analysis, "crude")
    estimate = number(pool, "estimate")
    decimals = decimals_for([estimate])  # a headline has the decimals of its own number
    sentence, interval = prediction_words(pool, decimals, review.level)
    judged = review.grade.get(analysis)
    return Card(
        analysis,
        review.analyses[analysis]["label"],
        kind_words(pool),
        bool(pool) and is_ok(pool["status"]) and int(pool["studies"]) >= DESCRIPTION_BELOW,
        frequency_words(pool),
        interval_words(pool, decimals, review.level),
        sentence,
        interval,
        counts_words(pool, review.unit),
        f"{format_percent(number(crude, 'estimate'), decimals)}%" if crude and crude["estimate"] else "–",
        str(judged["certainty"]) if judged else "not judged",
        [(r["label"], row_marks(review, r), r["study"]) for r in review.used(analysis)],
        strip(pool),
    )


def strip(pool: Row) -> dict[str, float]:
    """Give the places of the small drawing, in per cent of its width."""
    keys = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    return {key: round(100 * number(pool, key), 2) for key in keys if pool.get(key)}


def card_legend(review: Review, found: Sequence[Card]) -> tuple[tuple[str, str], ...]:
    """Explain the marks on the cards."""
    return legend((marks for one in found for _, marks, _ in one.studies), review.unit)


def differences(review: Review) -> list[Difference]:
    """Say for each contrast of the config whether its levels differ."""
    return [difference(review, contrast) for contrast in review.choices["contrasts"]]


def difference(review: Review, contrast: Mapping[str, str]) -> Difference:
    """Say whether two levels differ, and claim nothing that an interval does not support."""
    first, second = (review.level_name(contrast["by"], contrast[side]) for side in ("first", "second"))
    ratios = [r for r in review.table("results", "contrasts") if is_ratio(r, contrast)]
    found = {a: [r for r in ratios if r["analysis"] == a] for a in review.analyses}
    found = {analysis: pooled_first(rows) for analysis, rows in found.items() if rows}
    labels = {analysis: inside(review.analyses[analysis]["label"]) for analysis in found}
    lines = [
        f"{review.analyses[analysis]['label']}: {'; '.join(ratio_words(row, review) for row in rows)}."
        for analysis, rows in found.items()
    ]
    apart = [a for a, rows in found.items() if all(excludes_one(r) for r in rows)]
    split = [a for a, rows in found.items() if a not in apart and any(excludes_one(r) for r in rows)]
    if not found:
        answer = "Not answered: no study has counts that set the two against each other."
    elif apart or split:
        parts = [f"The intervals exclude no difference for {joined([labels[a] for a in apart])}."] if apart else []
        parts += [f"The comparisons disagree for {joined([labels[a] for a in split])}."] if split else []
        others = [labels[a] for a in found if a not in (*apart, *split)]
        parts += [f"No difference is shown, and none excluded, for {joined(others)}."] if others else []
        answer = " ".join(parts)
    else:
        answer = f"No difference is shown, and none is excluded, for {joined(labels.values(), 'or')}."
    rest = "An odds ratio above 1 means more events with " + f"{first}. Unadjusted." if found else ""
    if found and len(found) < len(review.analyses):
        rest += " No other outcome has counts for both."
    return Difference(f"Do {first} and {second} differ?", answer, lines, rest)


def pooled_first(rows: Sequence[Row]) -> list[Row]:
    """Leave out single studies where a row pools them: one of many is bound to differ from the others."""
    pooled = any(row["kind"] == POOLED for row in rows)
    return [row for row in rows if not (pooled and row["kind"] == WITHIN)]


def is_ratio(row: Row, contrast: Mapping[str, str]) -> bool:
    """Say whether a row is an odds ratio of this contrast."""
    same = all(row[key] == contrast[key] for key in ("by", "first", "second"))
    return same and row["measure"] == "odds ratio" and bool(row["estimate"]) and is_ok(row["status"])


def excludes_one(row: Row) -> bool:
    """Say whether the interval excludes an odds ratio of 1."""
    low, high = number(row, "ci_low"), number(row, "ci_high")
    return low > 1 or high < 1


def ratio_words(row: Row, review: Review) -> str:
    """Give the odds ratio with where it comes from."""
    counts = [f"{row[f'{side}_events']} of {row[f'{side}_patients']}" for side in ("first", "second")]
    where = f"inside {review.label(row['study'])}" if row["study"] else row["kind"] + " studies"
    text = format_ratio_interval(*pool_numbers(row)).replace(" (", f" ({review.level} CI ", 1)
    return f"{counts[0]} against {counts[1]} {where}, odds ratio {text}"
