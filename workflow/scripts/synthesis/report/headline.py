"""The first screen: what the card of an analysis draws, and whether the levels of the config's contrasts differ."""

from collections.abc import Mapping, Sequence

from ..tables.declared import Row
from ..words.formatting import format_count, is_missing
from ..words.prose import inside, joined
from ..words.terms import TOGETHER, WITHIN, is_ok
from ..words.terms import WITHIN_POOLED as POOLED
from .about import Review
from .phrases import effect_words, fraction, window_words


def strip(pool: Row) -> dict[str, float]:
    """Give the places of the small drawing, in per cent of its width; what is missing is absent."""
    places = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    return {key: round(100 * pool[key], 2) for key in places if not is_missing(pool.get(key))}


def ratios(review: Review, contrast: Mapping[str, str]) -> dict[str, list[Row]]:
    """Give the odds ratios of a contrast by analysis: inside studies first, then between others.

    Single studies are left to their pool where there is one, for one of many is bound to differ from the others. What
    pools all together counts what stands inside studies again, and is no second comparison.
    """
    rows = [
        row
        for row in review.estimated("results", "contrasts")
        if row["measure"] == "odds ratio" and is_ok(row["status"]) and row["kind"] != TOGETHER
        if all(row[key] == contrast[key] for key in ("by", "first", "second"))
    ]
    pooled = {row["analysis"] for row in rows if row["kind"] == POOLED}
    rows = [row for row in rows if row["kind"] != WITHIN or row["analysis"] not in pooled]
    found = {analysis: [row for row in rows if row["analysis"] == analysis] for analysis in review.analyses}
    return {analysis: own for analysis, own in found.items() if own}


def verdict(review: Review, found: Mapping[str, Sequence[Row]]) -> str:
    """Say for which outcomes the odds ratios exclude no difference; no more than their intervals support."""
    if not found:
        return "Not answered: no study has counts that set the two against each other."
    labels: dict[tuple[bool, bool], list[str]] = {}
    for analysis, rows in found.items():
        excluded = [row["ci_low"] > 1 or row["ci_high"] < 1 for row in rows]
        labels.setdefault((all(excluded), any(excluded)), []).append(inside(review.title(analysis)))
    if labels.keys() == {(False, False)}:
        return f"No difference is shown, and none is excluded, for {joined(labels[False, False], 'or')}."
    words = {
        (True, True): "The intervals exclude no difference for",
        (False, True): "The comparisons disagree for",
        (False, False): "No difference is shown, and none excluded, for",
    }
    return " ".join(f"{said} {joined(labels[key])}." for key, said in words.items() if key in labels)


def ratio_words(row: Row, review: Review) -> str:
    """Give the odds ratio with where it comes from."""
    first, second = (fraction(row, side).replace("/", " of ") for side in ("first", "second"))
    where = f"inside {review.label(row['study'])}" if row["study"] else f"{row['kind']} studies"
    text = effect_words(row).replace(" (", f" ({review.level} CI ", 1)
    return f"{first} against {second} {where}, odds ratio {text}"


def whom_words(row: Row, review: Review) -> str:
    """Say whom a comparison inside a study counts on its first side, over which days, and what; else blank."""
    place = {"study": row["study"], "subset": row["by"], "group": row["first"]}
    rows = (one for one in review.table(row["analysis"], "rows") if all(one[key] == place[key] for key in place))
    if not (one := next(rows, None)):
        return ""
    implied = {key for product in review.choices["products"].values() for key in product}  # a product says them
    asked = [name for name in review.choices["attributes"] if name not in implied and one[name]]
    who = ", ".join(inside(review.level_name(name, one[name])) for name in reversed(asked))
    counted = f"{review.level_name(row['by'], row['first'])}: {format_count(one['patients'])} {review.unit}"
    what = one["definition"].split(";")[0]
    return f"{counted}{f' ({who})' if who else ''}, window {window_words(one)}: {what}."
