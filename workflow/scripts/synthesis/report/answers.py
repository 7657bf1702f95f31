"""One part an analysis: its answer, its rows with their source, what stays out, what a new study could see."""

from collections.abc import Mapping

from ..tables.declared import Row
from ..tables.pools import OVERALL, State, estimate_text, is_pooled, prediction_text, state_of
from ..words import formatting as fmt
from ..words.model_names import DESCRIPTIONS, interval_name
from ..words.prose import joined, plural
from ..words.terms import is_ok
from .about import Review, row_key
from .html_tables import Cell, Line, Table, linked, table
from .phrases import (
    counts_words,
    fraction,
    interval_words,
    kind_words,
    prediction_words,
    row_interval,
    second_reading_words,
    window_words,
    windows_words,
)

STUDY_INTERVALS = {"clopper-pearson": "exact interval (Clopper–Pearson)", "wilson": "score interval (Wilson)"}
SILENT = ("the study enters", "another row")  # the study is in already: nothing is left out
FUTURE = {
    "probability_above": "Probability that its true proportion exceeds {threshold}%, %",
    "events_mean": "Events among its next {threshold} {unit}, mean",
    "events_median": "Events among its next {threshold} {unit}, median",
    "ci_width_now": "Width of the {interval} now, percentage points",
    "ci_width_after": "Its mean width with one more study of {threshold} {unit}, percentage points",
    "ci_narrower": "Chance that the {interval} is then narrower than now, %",
    "pi_width_now": "Width of the prediction interval now, percentage points",
    "pi_width_after": "Its mean width with one more study of {threshold} {unit}, percentage points",
    "pi_narrower": "Chance that the prediction interval is then narrower than now, %",
}


def answer(review: Review, analysis: str) -> str:
    """Say the answer of an analysis in one sentence or two."""
    pool, decimals = review.pool(analysis), review.decimals(analysis)
    state = state_of(pool)
    if state == State.NO_STUDY:
        return "No study can be pooled."
    counts = counts_words(pool, review.unit).split(", ", 1)[1]
    said = f"{counts}, {interval_words(pool, decimals, review.interval_of(pool))}."
    if review.by_range(analysis):
        studies = plural(pool["studies"], "study", "studies")
        return f"{range_sentence(review, analysis)} Their pool, a description of {studies}: {said}"
    text = f"{kind_words(pool)}: {said}"
    if state != State.POOL:
        return text
    sentence, interval = prediction_words(pool, decimals, review.level)
    sentence = f"{sentence[:-1]} ({interval})." if interval else sentence
    heterogeneity = fmt.format_heterogeneity(*(pool[key] for key in ("tau2", "i2", "q", "q_df", "q_p")))
    return f"{text} {sentence} Heterogeneity: {heterogeneity}."


def range_sentence(review: Review, analysis: str) -> str:
    """Say between which proportions the studies lie, where their definitions differ in kind."""
    return f"From {review.range_words(analysis)}: definitions differ in kind, so the range is the answer."


def row_table(review: Review, analysis: str) -> Table | None:
    """Give the rows of an analysis, each with where it stands, and its pool: the data behind the forest plot."""
    rows, decimals = review.used(analysis), review.decimals(analysis)
    single = f"Single studies: {STUDY_INTERVALS[review.choices['models']['study_interval']]}."
    pooled = f" Pooled: {DESCRIPTIONS[review.primary]}." if is_pooled(review.pool(analysis)) else ""
    return table(
        f"{review.title(analysis)}: the counts and where they stand",
        [*(row_line(review, row, decimals) for row in rows), *pool_lines(review, analysis, decimals)],
        files=(f"{analysis}/rows.csv", f"{analysis}/estimates.csv"),
        legend=review.legend(rows),
        notes=(single + pooled,),
        stacked=True,
    )


def row_line(review: Review, row: Row, decimals: int) -> Line:
    """Give the line of one count."""
    more = joined(filter(None, (row["basis"], second_reading_words(row))), "and")
    note = f"{row['source']} ({more})" + (f". {row['note']}" if row["note"] else "")
    arm = row["arm_label"] if row["arm"] != "all" else ""
    cells = {
        "Study": review.study_cell(row["study"], arm, review.marks(row)),
        **review.counts(row, "events", "patients"),
        f"#% ({review.level} CI)": row_interval(row, decimals),
        "Window": window_words(row),
        "*Definition": row["definition"],
        "*Source": linked(note, doi=row["doi"]),
    }
    return Line(cells, anchor=f"row-{row_key(row)}")


def pool_lines(review: Review, analysis: str, decimals: int) -> list[Line]:
    """Give the pool and the prediction interval as lines of the table."""
    pool = review.pool(analysis)
    if state_of(pool) == State.NO_STUDY:
        return []
    heading = f"#% ({review.level} CI)"  # of the studies, in whose table the pool stands
    estimate, limits = estimate_text(pool, decimals), prediction_text(pool, decimals)
    what = Cell(kind_words(pool), small=review.interval if is_pooled(pool) else "")
    lines = [{"Study": what, **review.counts(pool, "events", "patients"), heading: estimate}]
    if beside := review.beside_words(analysis, decimals):
        lines.append({"Study": Cell("The same by another model", small=review.beside_name), heading: beside})
    if limits != fmt.MISSING:
        lines.append({"Study": f"{review.level} prediction interval", heading: limits})
    return [Line(cells, strong=True) for cells in lines]


def left_out(review: Review, analysis: str) -> list[str]:
    """List what an analysis does not pool, with the reason; other rows of a study that is in are not listed."""
    return [
        f"{row['label']}, {row['arm']} ({fraction(row)}): {row['reason']}"
        for row in review.table(analysis, "rows")
        if (row["subset"], row["use"]) == (OVERALL, "no") and not row["reason"].startswith(SILENT)
    ]


def future_rows(review: Review, analysis: str) -> list[Row]:
    """Give what is known of a new study, as far as it is printed."""
    rows = [row for row in review.table(analysis, "future") if is_ok(row["status"]) and row["quantity"] in FUTURE]
    return [row for row in rows if not fmt.is_missing(row["value"])]


def future_table(review: Review, analysis: str) -> Table | None:
    """Give what a new study could see: chances of exceeding the thresholds, events among its next patients."""
    return table(
        f"{review.title(analysis)}: what a new study could see",
        [future_cells(review, row) for row in future_rows(review, analysis)],
        files=(f"{analysis}/future.csv",),
        notes=("From the prediction distribution of the primary model, and from simulation of one more study.",),
    )


def future_cells(review: Review, row: Row) -> dict[str, str]:
    """Give a quantity of ``future.csv`` with its value and interval: shares in per cent, or numbers of events."""
    name, value, limits = row["quantity"], row["value"], (row["low"], row["high"])
    if name in ("events_mean", "events_median"):
        # A mean number of events has one decimal, as a percentage of 100 has.
        shown = fmt.format_percent(value / 100, 1) if name == "events_mean" else fmt.format_count(value)
        interval = fmt.MISSING if any(map(fmt.is_missing, limits)) else " to ".join(map(fmt.format_count, limits))
    else:
        shown, interval = fmt.format_percent(value, 1), fmt.format_percent_range(*limits, 1)
    named = {"unit": review.unit, "interval": interval_name(review.primary)}
    words = FUTURE[name].format(threshold=f"{row['threshold']:g}", **named)
    return {"*Quantity": words, "#Value": shown, f"#{review.level} interval": interval}


def facts(review: Review, analysis: str) -> Mapping[str, str]:
    """Give the rules of an analysis in words: outcomes, window."""
    choices = review.analyses[analysis]
    window, kinds = choices["window"], {"open": "without a fixed end", "unstated": "unstated"}
    allowed = [f"of at most {plural(window['max_days'], 'day')}"]
    allowed += [words for kind, words in kinds.items() if window[kind] == "include"]
    pooled = windows_words(review.used(analysis))
    return {
        "outcomes": joined(map(review.outcome, choices["outcomes"]), "else"),
        "window": f"windows {joined(allowed, 'or')}" + (f"; those pooled: {pooled}" if pooled else ""),
    }
