"""The first screen: what the card of an analysis draws, and whether the levels of the config's contrasts differ."""

from collections.abc import Mapping, Sequence

from ..tables.declared import Row
from ..words.formatting import decimals_for, is_missing
from ..words.prose import inside, joined
from ..words.terms import WITHIN, is_ok
from ..words.terms import WITHIN_POOLED as POOLED
from .about import Review
from .phrases import effect_words


def decimals_of(pool: Row) -> int:
    """Give the decimals of a headline: those of its own number."""
    return decimals_for([pool.get("estimate")])


def strip(pool: Row) -> dict[str, float]:
    """Give the places of the small drawing, in per cent of its width; what is missing is absent."""
    places = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    return {key: round(100 * pool[key], 2) for key in places if not is_missing(pool.get(key))}


def difference(review: Review, contrast: Mapping[str, str]) -> dict:
    """Say whether two levels differ, and claim nothing that an interval does not support.

    The question, the answer no stronger than its intervals, the numbers, and what is to be said of them.
    """
    first, second = (review.level_name(contrast["by"], contrast[side]) for side in ("first", "second"))
    ratios = [row for row in review.table("results", "contrasts") if is_ratio(row, contrast)]
    found = {a: pooled_first([row for row in ratios if row["analysis"] == a]) for a in review.analyses}
    found = {analysis: rows for analysis, rows in found.items() if rows}
    rest = f"An odds ratio above 1 means more events with {first}. Unadjusted." if found else ""
    if found and len(found) < len(review.analyses):
        rest += " No other outcome has counts for both."
    return {
        "question": f"Do {first} and {second} differ?",
        "answer": verdict({inside(review.title(a)): [excludes_one(row) for row in rows] for a, rows in found.items()}),
        "lines": [
            f"{review.title(a)}: {'; '.join(ratio_words(row, review) for row in rows)}." for a, rows in found.items()
        ],
        "rest": rest,
    }


def verdict(found: Mapping[str, Sequence[bool]]) -> str:
    """Say for which outcomes the intervals exclude no difference: all of them, some, or none."""
    if not found:
        return "Not answered: no study has counts that set the two against each other."
    apart, split, others = (
        [label for label, excluded in found.items() if which == (all(excluded), any(excluded))]
        for which in ((True, True), (False, True), (False, False))
    )
    if not apart and not split:
        return f"No difference is shown, and none is excluded, for {joined(others, 'or')}."
    parts = (
        (apart, "The intervals exclude no difference for"),
        (split, "The comparisons disagree for"),
        (others, "No difference is shown, and none excluded, for"),
    )
    return " ".join(f"{words} {joined(labels)}." for labels, words in parts if labels)


def pooled_first(rows: Sequence[Row]) -> list[Row]:
    """Leave out single studies where a row pools them: one of many is bound to differ from the others."""
    pooled = any(row["kind"] == POOLED for row in rows)
    return [row for row in rows if not (pooled and row["kind"] == WITHIN)]


def is_ratio(row: Row, contrast: Mapping[str, str]) -> bool:
    """Say whether a row is an odds ratio of this contrast."""
    same = all(row[key] == contrast[key] for key in ("by", "first", "second"))
    return same and row["measure"] == "odds ratio" and not is_missing(row["estimate"]) and is_ok(row["status"])


def excludes_one(row: Row) -> bool:
    """Say whether the interval excludes an odds ratio of 1."""
    return row["ci_low"] > 1 or row["ci_high"] < 1


def ratio_words(row: Row, review: Review) -> str:
    """Give the odds ratio with where it comes from."""
    first, second = (f"{row[f'{side}_events']} of {row[f'{side}_patients']}" for side in ("first", "second"))
    where = f"inside {review.label(row['study'])}" if row["study"] else f"{row['kind']} studies"
    text = effect_words(row).replace(" (", f" ({review.level} CI ", 1)
    return f"{first} against {second} {where}, odds ratio {text}"
