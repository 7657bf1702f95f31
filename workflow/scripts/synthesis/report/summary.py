"""results/README.md: the answers in one table, then each analysis with its figures and rows.

Every number comes from the tables in ``results/``; no sentence claims more than they show. ``README.md.j2`` says what
stands in which order.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..tables.coverage import read_simulated
from ..tables.declared import Row, read
from ..tables.evidence_size import different_counts, size_of, study_names
from ..tables.files import write_text
from ..tables.pools import State, pooled_rows, prediction_text, state_of
from ..words.formatting import HOUSES, MISSING, decimals_for, format_p, format_percent, format_tau2, is_missing
from ..words.model_names import DESCRIPTIONS, centre_of, interval_name, interval_of, prediction_of, tau2_of
from ..words.prose import inside, joined, markdown_table, upper_first
from ..words.templates import render
from ..words.terms import BETWEEN, TOGETHER, remarks_of, with_remark
from .about import Review
from .answers import left_out, range_sentence
from .comparing import level_pair
from .html_tables import Cell
from .phrases import WHERE, counts_of, effect_words, fraction, interval_words

TEMPLATE = Path(__file__).with_name("README.md.j2")


def write_summary_file(
    estimates_csv: str,
    contrasts_csv: str,
    rows_csv: Sequence[str],
    summary_md: str,
    *,
    choices: Mapping[str, Mapping],
    simulated: str = "",
) -> None:
    """Read the tables of all analyses and write the page.

    Parameters
    ----------
    estimates_csv, contrasts_csv, summary_md : str
    rows_csv : sequence of str
        In the order of the analyses.
    choices : mapping
        ``review``, ``analyses`` and ``models`` of the config, and ``variables``: what forest plots are split by.
    simulated : str
        The summary of the simulations; blank when there are none.
    """
    analyses, rows = choices["analyses"], [read(path) for path in rows_csv]
    tables = dict.fromkeys([(name, "estimates") for name in analyses], read(estimates_csv))
    tables |= {(name, "rows"): found for name, found in zip(analyses, rows, strict=True)}
    named = [row for found in rows for row in found]  # a row has the label of its study
    tables |= {("results", "contrasts"): read(contrasts_csv), ("data", "studies"): named}
    write_text(summary_md, summary(Review(choices, tables, {}, simulated=read_simulated(simulated))))


def summary(review: Review) -> str:
    """Write the page as Markdown."""
    contrasts = review.estimated("results", "contrasts")
    compared = dict.fromkeys(row["analysis"] for row in contrasts)
    between = {row["analysis"] for row in contrasts if row["kind"] == BETWEEN}
    rows = [row for analysis in review.analyses for row in pooled_rows(review.table(analysis, "rows"))]
    pooled = different_counts(rows)
    return render(
        TEMPLATE,
        review=review,
        about=review.choices["review"],
        split_by=joined(inside(variable["label"]) for variable in review.choices["variables"].values()),
        headlines=headline_table(review),
        notes=table_notes(review),
        contrasts=contrast_table(review, contrasts),
        compared=compared,
        not_between=[review.title(analysis) for analysis in compared if analysis not in between],
        pooled=pooled,
        size=size_of((row["study"] for row in pooled), study_names(pooled)),
        abstracts=sum(row["source"].lower().startswith("abstract") for row in pooled),
        left_out=left_out,
        sentence=sentence,
    )


def headline_table(review: Review) -> str:
    """Give one line an analysis: studies, patients, pooled percentage with both intervals, τ², crude."""
    unit, level = review.unit.capitalize(), review.level
    head = ["Outcome", "Studies", "Events", unit, f"% ({review.interval})", f"{level} PI", "τ²", "Crude, %"]
    lines = [
        [f"[{review.title(a)}](#{anchor(review.title(a))})", *map(_two_lines, headline(review, a).values())]
        for a in review.analyses
    ]
    return markdown_table(head, lines, right=range(1, 8))


def _two_lines(cell: str | Cell) -> str:
    """Give a cell in Markdown, what stands below its text on a line of its own."""
    return "<br>".join(filter(None, (cell.text, cell.small))) if isinstance(cell, Cell) else cell


def headline(review: Review, analysis: str) -> dict[str, str | Cell]:
    """Give the cells of one analysis after its name."""
    pool, crude = review.pool(analysis), review.pool(analysis, "crude")
    decimals, remarks = decimals_for([pool["estimate"]]), remarks_of(pool["status"])
    own = f"its own {review.interval_of(pool)}"
    description = {State.DESCRIPTION: "a description", State.ONE_STUDY: own}.get(state_of(pool), "")
    (heading, estimate), prediction = review.intervals(pool, decimals).items()
    if review.by_range(analysis):
        estimate, description = review.range_words(analysis), f"as a description {estimate}"
    below = "; ".join(filter(None, (description, remarks, review.beside_words(analysis, decimals))))
    return {
        **review.counts(pool, "studies", "events", "patients"),
        heading: Cell(remarks) if is_missing(pool["estimate"]) else Cell(estimate, small=below),
        prediction[0]: prediction[1],
        "#τ²": format_tau2(pool["tau2"]),
        "#Crude, %": format_percent(crude.get("estimate"), decimals),
    }


def table_notes(review: Review) -> str:
    """Say how to read the table."""
    model = review.primary
    beside = f" Second line: {review.beside_name}." if review.beside else ""
    ranges = any(map(review.by_range, review.analyses))
    return (
        f"Pooled with: {DESCRIPTIONS[model]}. {interval_of(model)}, {interval_name(model)} of {centre_of(model)}; PI, "
        f"prediction interval ({prediction_of(model)}): where the true proportion of a new study would lie, computed "
        f"from three studies on.{beside} {tau2_of(model)}. A pool of fewer than three studies is a description"
        f"{', and so is one over definitions that differ in kind: there the range is the answer' if ranges else ''}. "
        "The other models stand in [estimates.csv](estimates.csv)."
    )


def contrast_table(review: Review, rows: Iterable[Row]) -> str:
    """Give the comparisons of levels: within studies, between studies, and both."""
    labels = WHERE | {TOGETHER: "within and between"}
    lines = [
        [
            review.title(row["analysis"]),
            level_pair(review, row),
            review.label(row["study"]) or labels[row["kind"]],
            *(fraction(row, side) for side in ("first", "second")),
            row["measure"],
            effect_words(row),
            with_remark(
                MISSING if is_missing(row["p"]) else f"{format_p(row['p'])} ({row['p_test']})",
                remarks_of(row["status"]),
            ),
        ]
        for row in rows
    ]
    head = ["Outcome", "Comparison", "Where", "First", "Second", "Measure", "Estimate", "P"]
    return markdown_table(head, lines, right=(3, 4, 6, 7))


def sentence(review: Review, analysis: str) -> str:
    """Say the answer in words that claim no more than the interval."""
    pool = review.pool(analysis)
    state, k = state_of(pool), pool["studies"]
    if state == State.NO_STUDY:
        return "No study can be pooled."
    decimals = decimals_for([pool["estimate"]])
    counts = f"{' of '.join(counts_of(pool, 'events', 'patients'))} {review.unit}"
    text = f"{counts}: {interval_words(pool, decimals, review.interval_of(pool))}"
    if review.by_range(analysis):
        lead = f"{range_sentence(review, analysis)} " if review.table(analysis, "rows") else ""  # captions see none
        return f"{lead}Pooled over definitions that differ in kind, as a description: {k} studies, {text}."
    if state == State.ONE_STUDY:
        return f"One study, {text}. Not a pool."
    if state not in (State.POOL, State.DESCRIPTION):
        return f"{k} studies, {counts}: {pool['status']}."
    pi = prediction_text(pool, decimals, HOUSES["bmj"])
    pi = "too few studies to predict a new one." if pi == MISSING else f"a new study could see {pi}%."
    remarks = f" {upper_first(remarks)}." if (remarks := remarks_of(pool["status"])) else ""
    description = f" A description of {k} studies." if state == State.DESCRIPTION else ""
    return f"{k} studies, {text}; {pi}{description}{remarks}"


def anchor(heading: str) -> str:
    """Give the anchor GitHub makes of a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
