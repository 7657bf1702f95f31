"""One part an analysis: its answer, its rows with their source, what stays out, and what a new centre could see."""

from collections.abc import Mapping

from ..tables.files import number
from ..words.formatting import (
    MISSING,
    format_count,
    format_percent,
    format_percent_interval,
    format_percent_range,
    is_missing,
)
from ..words.marks import legend
from ..words.model_names import DESCRIPTIONS
from ..words.prose import joined, plural
from ..words.terms import is_ok
from .about import Review, Row, row_key
from .comparing import heterogeneity_words, percent_heads
from .html_tables import BLANK, Cell, Line, Table, doi_address, line, sheet_address, table
from .phrases import counts_words, interval_words, kind_words, prediction_words
from .summary import DESCRIPTION_BELOW, pool_numbers
from .superscripts import row_marks

STUDY_INTERVALS = {"clopper-pearson": "exact interval (Clopper–Pearson)", "wilson": "score interval (Wilson)"}
SILENT = ("the study enters", "another row")  # the study is in already: nothing is left out


def answer(review: Review, analysis: str) -> str:
    """Say the answer of an analysis in one sentence or two."""
    pool, decimals = review.pool(analysis), review.decimals(analysis)
    counts = counts_words(pool, review.unit)
    if not pool or not int(pool["studies"]):
        return "No study can be pooled."
    text = f"{kind_words(pool)}: {counts.split(', ', 1)[1]}, {interval_words(pool, decimals, review.level)}."
    if not is_ok(pool["status"]) or int(pool["studies"]) < DESCRIPTION_BELOW:
        return text
    sentence, interval = prediction_words(pool, decimals, review.level)
    sentence = f"{sentence[:-1]} ({interval})." if interval else sentence
    return f"{text} {sentence} Heterogeneity: {heterogeneity_words(pool)}."


def window_words(row: Row) -> str:
    """Give the window of a count: days, or that the source does not say."""
    return row["window"] if row["window"] in ("", "unstated") else f"{row['window']} days"


def row_table(review: Review, analysis: str) -> Table:
    """Give the rows of an analysis, each with where it stands, and its pool: the data behind the forest plot."""
    rows, decimals = review.used(analysis), review.decimals(analysis)
    marks = [row_marks(review, r) for r in rows]
    lines = [row_line(r, m, decimals) for r, m in zip(rows, marks, strict=True)]
    lines += pool_lines(review, analysis, decimals)
    unit, interval = review.unit.capitalize(), review.choices["models"]["study_interval"]
    heads = ("Study", "#Events", f"#{unit}", percent_heads(review)[0], "#Window", "*Definition", "*Source")
    return table(
        f"{review.analyses[analysis]['label']}: the counts and where they stand",
        heads,
        lines,
        files=(f"{analysis}/rows.csv", f"{analysis}/estimates.csv"),
        legend=legend(marks, review.unit),
        notes=(f"Single studies: {STUDY_INTERVALS[interval]}. Pooled: {DESCRIPTIONS[review.primary]}.",),
        stacked=True,
    )


def row_line(row: Row, marks: str, decimals: int) -> Line:
    """Give the line of one count."""
    more = joined(filter(None, (row["basis"], second_reading_words(row))), "and")
    note = f"{row['source']} ({more})" + (f". {row['note']}" if row["note"] else "")
    return line(
        (
            Cell(row["label"], sheet_address(row["study"]), row["arm_label"] if row["arm"] != "all" else "", marks),
            *(format_count(int(row[key])) for key in ("events", "patients")),
            format_percent_interval(*(number(row, key) for key in ("proportion", "ci_low", "ci_high")), decimals),
            window_words(row),
            row["definition"],
            Cell(note, small=row["doi"] and f"doi:{row['doi']}", more=doi_address(row["doi"])),
        ),
        anchor=f"row-{row_key(row)}",
        key=row_key(row),
    )


def second_reading_words(row: Row) -> str:
    """Say what the second reading found."""
    found = {"agree": "confirmed by a second reading", "disagree": "contradicted by a second reading"}
    return found.get(row["second_reading"], "read once")


def pool_lines(review: Review, analysis: str, decimals: int) -> list[Line]:
    """Give the pool and the prediction interval as lines of the table."""
    pool = review.pool(analysis)
    if not pool or not int(pool["studies"]):
        return []
    counts = [format_count(int(pool[key])) for key in ("events", "patients")]
    text = format_percent_interval(*pool_numbers(pool), decimals)
    lines = [line((kind_words(pool), *counts, text, BLANK, BLANK, BLANK), strong=True)]
    interval = f"{review.level} prediction interval"
    limits = format_percent_range(number(pool, "pi_low"), number(pool, "pi_high"), decimals)
    if limits != MISSING:
        lines.append(line((interval, BLANK, BLANK, limits, BLANK, BLANK, BLANK), strong=True))
    return lines


def left_out(review: Review, analysis: str) -> list[str]:
    """List what an analysis does not pool, with the reason; other rows of a study that is in are not listed."""
    rows = [r for r in review.candidates(analysis) if r["use"] == "no" and not r["reason"].startswith(SILENT)]
    return [
        f"{r['label']}, {r['arm']} ({r['events'] or MISSING}/{r['patients'] or MISSING}): {r['reason']}" for r in rows
    ]


def future_table(review: Review, analysis: str) -> Table | None:
    """Give what a new study could see: chances of exceeding the thresholds, events among its next patients."""
    rows = [r for r in review.table(analysis, "future") if r["value"] and is_ok(r["status"])]
    if not rows:
        return None
    lines = [line((future_words(r, review.unit), future_value(r), future_range(r))) for r in rows]
    label = review.analyses[analysis]["label"]
    return table(
        f"{label}: what a new study could see",
        ("*Quantity", "#Value", f"#{review.level} interval"),
        lines,
        files=(f"{analysis}/future.csv",),
        notes=("From the prediction distribution of the primary model, and from simulation of one more study.",),
    )


FUTURE = {
    "probability_above": "Probability that its true proportion exceeds {threshold}%, %",
    "events_mean": "Events among its next {threshold} {unit}, mean",
    "events_median": "Events among its next {threshold} {unit}, median",
    "ci_width_now": "Width of the confidence interval now, percentage points",
    "ci_width_after": "Its mean width with one more study of {threshold} {unit}, percentage points",
    "ci_narrower": "Chance that the confidence interval is then narrower than now, %",
    "pi_width_now": "Width of the prediction interval now, percentage points",
    "pi_width_after": "Its mean width with one more study of {threshold} {unit}, percentage points",
    "pi_narrower": "Chance that the prediction interval is then narrower than now, %",
}
EVENTS = ("events_mean", "events_median")


def future_words(row: Row, unit: str) -> str:
    """Name a quantity of ``future.csv``."""
    threshold = f"{float(row['threshold']):g}" if row["threshold"] else ""
    return FUTURE.get(row["quantity"], row["quantity"]).format(threshold=threshold, unit=unit)


def future_value(row: Row) -> str:
    """Give its value: a share in per cent, or a number of events."""
    value = number(row, "value")
    if row["quantity"] in EVENTS:  # a mean number of events has one decimal, as a percentage of 100 has
        return format_percent(value / 100, 1) if row["quantity"] == "events_mean" else format_count(value)
    return format_percent(value, 1)


def future_range(row: Row) -> str:
    """Give its interval."""
    low, high = number(row, "low"), number(row, "high")
    if is_missing(low) or is_missing(high):
        return MISSING
    if row["quantity"] in EVENTS:
        return f"{format_count(low)} to {format_count(high)}"
    return format_percent_range(low, high, 1)


def chances(review: Review, analysis: str) -> str:
    """Say how probable it is that a new study exceeds each threshold; blank when that is not known."""
    rows = [
        r
        for r in review.table(analysis, "future")
        if r["quantity"] == "probability_above" and r["value"] and is_ok(r["status"])
    ]
    if not rows:
        return ""
    parts = [f"{float(r['threshold']):g}%: {format_percent(number(r, 'value'), 0)} in 100" for r in rows]
    return f"Probability that the true incidence of a new study exceeds {'; '.join(parts)}."


def facts(review: Review, analysis: str) -> Mapping[str, str]:
    """Give the rules of an analysis in words: outcomes, window."""
    choices = review.analyses[analysis]
    outcomes = joined([review.outcome(name) for name in choices["outcomes"]], "else")
    silent = {"include": "included", "exclude": "left out"}[choices["window"]["unstated"]]
    return {
        "outcomes": outcomes,
        "window": f"within {plural(choices['window']['max_days'], 'day')}; counts without a stated window are {silent}",
    }
