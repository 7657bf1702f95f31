"""results/README.md: the answers in one table, then each analysis with its figures and rows.

Every number comes from the tables in ``results/``; no sentence claims more than they show.
"""

from collections.abc import Mapping, Sequence

from ..tables.declared import read
from ..tables.files import write_text
from ..tables.pools import State, estimate_text, pooled_rows, prediction_text, state_of
from ..words.formatting import HOUSES, MISSING, decimals_for, format_p, format_percent, format_tau2, is_missing
from ..words.model_names import DESCRIPTIONS
from ..words.prose import inside, joined, markdown_table, upper_first
from ..words.terms import BETWEEN, TOGETHER, remarks_of, with_remark
from .about import Review
from .answers import left_out
from .phrases import WHERE, counts_of, effect_words, fraction, interval_words


def write_summary_file(
    estimates_csv: str, contrasts_csv: str, rows_csv: Sequence[str], summary_md: str, *, choices: Mapping[str, Mapping]
) -> None:
    """Read the tables of all analyses and write the page.

    Parameters
    ----------
    estimates_csv, contrasts_csv, summary_md : str
    rows_csv : sequence of str
        In the order of the analyses.
    choices : mapping
        ``review``, ``analyses`` and ``models`` of the config, and ``variables``: what forest plots are split by.
    """
    analyses, rows = choices["analyses"], [read(path) for path in rows_csv]
    tables = dict.fromkeys([(name, "estimates") for name in analyses], read(estimates_csv))
    tables |= {(name, "rows"): found for name, found in zip(analyses, rows, strict=True)}
    named = [row for found in rows for row in found]  # a row has the label of its study
    tables |= {("results", "contrasts"): read(contrasts_csv), ("data", "studies"): named}
    write_text(summary_md, summary(Review(choices, tables, {})))


def summary(review: Review) -> str:
    """Write the page as Markdown."""
    about = review.choices["review"]
    parts = [
        f"# Results: {about['title']}",
        about["question"],
        f"Data version {about['version']}; literature last looked at on {about['last_search']}. "
        "This page is built by the workflow from the sheets in `studies/`; it is never edited by hand. "
        + figures(review),
        "## The answers",
        headline_table(review),
        table_notes(review),
        "## Level against level",
        contrast_part(review),
        "## What the evidence is",
        evidence(review),
        *(section(review, analysis) for analysis in review.analyses),
    ]
    return "\n\n".join(parts) + "\n"


def headline_table(review: Review) -> str:
    """Give one line an analysis: studies, patients, pooled percentage with both intervals, τ², crude."""
    unit, level = review.unit.capitalize(), review.level
    head = ["Outcome", "Studies", "Events", unit, f"% ({level} CI)", f"{level} PI", "τ²", "Crude, %"]
    lines = [[f"[{review.title(a)}](#{anchor(review.title(a))})", *headline(review, a)] for a in review.analyses]
    return markdown_table(head, lines, right=range(1, 8))


def headline(review: Review, analysis: str) -> list[str]:
    """Give the cells of one analysis after its name."""
    pool, crude = review.pool(analysis), review.pool(analysis, "crude")
    decimals, remarks = decimals_for([pool["estimate"]]), remarks_of(pool["status"])
    description = "a description" if state_of(pool) == State.DESCRIPTION else ""
    text = with_remark(with_remark(estimate_text(pool, decimals), description), remarks)
    return [
        *counts_of(pool, "studies", "events", "patients"),
        remarks if is_missing(pool["estimate"]) else text,
        prediction_text(pool, decimals),
        format_tau2(pool["tau2"]),
        format_percent(crude.get("estimate"), decimals),
    ]


def table_notes(review: Review) -> str:
    """Say how to read the table."""
    return (
        f"Pooled with: {DESCRIPTIONS[review.primary]}. CI, confidence interval of the median study; PI, "
        "prediction interval (t, k − 1 df): where the true proportion of a new study would lie, computed from three "
        "studies on. τ² on the logit scale. A pool of fewer than three studies is a description. The other models "
        "stand in [estimates.csv](estimates.csv)."
    )


def contrast_part(review: Review) -> str:
    """Give the comparisons of levels: within studies, between studies, and both."""
    rows = [row for row in review.table("results", "contrasts") if not is_missing(row["estimate"])]
    if not rows:
        return "No study has counts for both levels of a comparison."
    head = ["Outcome", "Comparison", "Where", "First", "Second", "Measure", "Estimate", "P"]
    lines, labels = [], WHERE | {TOGETHER: "within and between"}
    for row in rows:
        p = MISSING if is_missing(row["p"]) else f"{format_p(row['p'])} ({row['p_test']})"
        lines.append(
            [
                review.title(row["analysis"]),
                " against ".join(review.level_name(row["by"], row[side]) for side in ("first", "second")),
                review.label(row["study"]) or labels[row["kind"]],
                *(fraction(row, side) for side in ("first", "second")),
                row["measure"],
                effect_words(row),
                with_remark(p, remarks_of(row["status"])),
            ]
        )
    note = (
        "The comparison inside a study is exact (conditional odds ratio; Newcombe's interval for the difference in "
        "percentage points) and stands apart from the model over studies, in which arms of one study share its effect; "
        "its intervals are Wald's."
    )
    compared = dict.fromkeys(row["analysis"] for row in rows)
    between = {row["analysis"] for row in rows if row["kind"] == BETWEEN}
    if without := [review.title(analysis) for analysis in compared if analysis not in between]:
        note += f" No comparison between studies alone is possible for: {'; '.join(without)}."
    if len(compared) < len(review.analyses):
        note += " No other outcome has counts for both levels."
    return f"{markdown_table(head, lines, right=(3, 4, 6, 7))}\n\n{note}"


def evidence(review: Review) -> str:
    """Count where the pooled numbers come from."""
    rows = [row for analysis in review.analyses for row in pooled_rows(review.table(analysis, "rows"))]
    pooled = {(r["study"], r["arm"], r["outcome"], r["window"]): r for r in rows}.values()
    studies = len({r["study"] for r in pooled})
    abstracts = sum(r["source"].lower().startswith("abstract") for r in pooled)
    derived = sum(r["basis"] != "stated" for r in pooled)
    once = sum(r["second_reading"] != "agree" for r in pooled)
    silent = sum(r["window"] == "unstated" for r in pooled)
    return (
        f"Pooled: {len(pooled)} counts of {studies} studies. Read in an abstract: {abstracts}. Derived from a printed "
        f"percentage or by subtraction: {derived}. Read once, or not confirmed by a second reader: {once}. Without a "
        f"word on how many days events were counted: {silent}. "
        f"{review.choices['review']['limits']}"
    )


def figures(review: Review) -> str:
    """Say where the figures are that this page does not show."""
    split = joined(inside(variable["label"]) for variable in review.choices["variables"].values())
    plots = joined(["all other figures", *([f"those split by {split}"] if split else [])])
    return f"It shows one forest plot an outcome; {plots} are in `results/report.html`, which `make` builds."


def section(review: Review, analysis: str) -> str:
    """Write the part of one analysis."""
    label, note = review.title(analysis), review.analyses[analysis]["note"]
    rows = f"Rows: [{analysis}/rows.csv]({analysis}/rows.csv)."
    out = [f"- {text}" for text in left_out(review, analysis)]
    parts = [
        f"## {label}",
        *([note] if note else []),
        sentence(review, analysis),
        f"![Forest plot: {label}]({analysis}/forest.svg)",
        *([rows, "Not pooled:", "\n".join(out)] if out else [f"{rows} No other study reports it."]),
    ]
    return "\n\n".join(parts)


def sentence(review: Review, analysis: str) -> str:
    """Say the answer in words that claim no more than the interval."""
    pool = review.pool(analysis)
    state, k = state_of(pool), pool["studies"]
    if state == State.NO_STUDY:
        return "No study can be pooled."
    decimals = decimals_for([pool["estimate"]])
    counts = f"{' of '.join(counts_of(pool, 'events', 'patients'))} {review.unit}"
    text = f"{counts}: {interval_words(pool, decimals, review.level)}"
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
