"""results/README.md: the answers in one table, then each analysis with its figures and rows.

Every number comes from the tables in ``results/``; no sentence claims more than they show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..tables.files import number, numbers, read_table, write_text
from ..words.formatting import (
    HOUSES,
    MISSING,
    decimals_for,
    format_count,
    format_difference,
    format_p,
    format_percent,
    format_percent_interval,
    format_percent_range,
    format_ratio_interval,
    format_tau2,
)
from ..words.model_names import DESCRIPTIONS
from ..words.prose import inside, joined, line, upper_first
from ..words.terms import BETWEEN, ONE_STUDY, TOGETHER, WITHIN, is_ok, remarks_of, with_remark
from ..words.terms import WITHIN_POOLED as POOLED

Row = Mapping[str, str]
DESCRIPTION_BELOW = 3  # a pool of fewer studies is a description, and is called so


@dataclass(frozen=True)
class Names:
    """The words of the review.

    Parameters
    ----------
    review : mapping
        title, question, version, last_search, unit.
    analyses : mapping
        Analysis → label, note.
    splits : mapping
        Variable → label, levels.
    models : mapping
        primary, sensitivity, level, draw_prediction_from.
    """

    review: Mapping
    analyses: Mapping[str, Mapping]
    splits: Mapping[str, Mapping]
    models: Mapping

    def level(self, variable: str, name: str) -> str:
        """Give the label of a level."""
        return self.splits.get(variable, {}).get("levels", {}).get(name, name)


def write_summary_file(
    estimates_csv: str, contrasts_csv: str, rows_csv: Sequence[str], summary_md: str, *, names: Names
) -> None:
    """Read the tables of all analyses and write the page."""
    rows = [row for path in rows_csv for row in read_table(path)]
    write_text(summary_md, summary(read_table(estimates_csv), read_table(contrasts_csv), rows, names))


def summary(estimates: Sequence[Row], contrasts: Sequence[Row], rows: Sequence[Row], names: Names) -> str:
    """Write the page as Markdown."""
    parts = [
        f"# Results: {names.review['title']}",
        names.review["question"],
        f"Data version {names.review['version']}; literature last looked at on {names.review['last_search']}. "
        "This page is built by the workflow from the sheets in `studies/`; it is never edited by hand. "
        + figures(names),
        "## The answers",
        headline_table(estimates, names),
        table_notes(names),
        "## Level against level",
        contrast_table(contrasts, {row["study"]: row["label"] for row in rows}, names),
        "## What the evidence is",
        evidence(rows, names),
        *(section(name, estimates, rows, names) for name in names.analyses),
    ]
    return "\n\n".join(parts) + "\n"


def headline_table(estimates: Sequence[Row], names: Names) -> str:
    """Give one line an analysis: studies, patients, pooled percentage with both intervals, τ², crude."""
    unit = names.review["unit"].capitalize()
    head = ["Outcome", "Studies", "Events", unit, f"% ({_level(names)} CI)", f"{_level(names)} PI", "τ²", "Crude, %"]
    lines = [line(head), line(["---", *["---:"] * 7])]
    for name, analysis in names.analyses.items():
        primary = find(estimates, name, model=names.models["primary"])
        lines.append(line([f"[{analysis['label']}](#{anchor(analysis['label'])})", *headline(primary, estimates)]))
    return "\n".join(lines)


def headline(primary: Row, estimates: Sequence[Row]) -> list[str]:
    """Give the cells of one analysis after its name."""
    counts = [format_count(int(primary[key])) for key in ("studies", "events", "patients")]
    decimals = decimals_for([number(primary, "estimate")])
    text = format_percent_interval(*pool_numbers(primary), decimals)
    remarks = remarks_of(primary["status"])
    if is_ok(primary["status"]) and int(primary["studies"]) < DESCRIPTION_BELOW:
        text = f"{text}; a description"
    text = with_remark(text, remarks) if primary["estimate"] else remarks
    crude = find(estimates, primary["analysis"], model="crude")
    return [
        *counts,
        text,
        format_percent_range(number(primary, "pi_low"), number(primary, "pi_high"), decimals),
        format_tau2(number(primary, "tau2")),
        format_percent(number(crude, "estimate"), decimals) if crude else "–",
    ]


def table_notes(names: Names) -> str:
    """Say how to read the table."""
    return (
        f"Pooled with: {DESCRIPTIONS[names.models['primary']]}. CI, confidence interval of the median study; PI, "
        "prediction interval (t, k − 1 df): where the true proportion of a new study would lie, computed from three "
        "studies on. τ² on the logit scale. A pool of fewer than three studies is a description. The other models "
        "stand in [estimates.csv](estimates.csv)."
    )


def contrast_table(contrasts: Sequence[Row], studies: Mapping[str, str], names: Names) -> str:
    """Give the comparisons of levels: within studies, between studies, and both."""
    labels = {
        WITHIN: "inside one study",
        POOLED: "inside studies, pooled",
        BETWEEN: "between studies",
        TOGETHER: "within and between",
    }
    shown = [row for row in contrasts if row["estimate"]]
    head = ["Outcome", "Comparison", "Where", "First", "Second", "Measure", "Estimate", "P"]
    lines = [line(head), line(["---"] * 3 + ["---:"] * 2 + ["---"] + ["---:"] * 2)]
    for row in shown:
        pair = " against ".join(names.level(row["by"], row[side]) for side in ("first", "second"))
        where = studies.get(row["study"]) or labels[row["kind"]]
        cells = [f"{row[f'{side}_events']}/{row[f'{side}_patients']}" for side in ("first", "second")]
        p = f"{format_p(number(row, 'p'))} ({row['p_test']})" if row["p"] else MISSING
        lines.append(
            line(
                [
                    *(names.analyses[row["analysis"]]["label"], pair, where, *cells, row["measure"], effect(row)),
                    with_remark(p, remarks_of(row["status"])),
                ]
            )
        )
    note = (
        "The comparison inside a study is exact (conditional odds ratio; Newcombe's interval for the difference in "
        "percentage points) and stands apart from the model over studies, in which arms of one study share its effect; "
        "its intervals are Wald's."
    )
    between = {row["analysis"] for row in shown if row["kind"] == BETWEEN}
    without = [names.analyses[a]["label"] for a in dict.fromkeys(r["analysis"] for r in shown) if a not in between]
    if without:
        note += f" No comparison between studies alone is possible for: {'; '.join(without)}."
    others = [a for a in names.analyses if a not in {row["analysis"] for row in shown}]
    if others:
        note += " No other outcome has counts for both levels."
    return "\n".join(lines) + f"\n\n{note}" if shown else "No study has counts for both levels of a comparison."


def effect(row: Row) -> str:
    """Give the estimate of a comparison with its interval."""
    values = pool_numbers(row)
    return format_ratio_interval(*values) if row["measure"] == "odds ratio" else format_difference(*values)


def evidence(rows: Sequence[Row], names: Names) -> str:
    """Count where the pooled numbers come from."""
    pooled = {
        (r["study"], r["arm"], r["outcome"], r["window"]): r for r in rows if r["subset"] == "all" and r["use"] == "yes"
    }.values()
    studies = len({r["study"] for r in pooled})
    abstracts = sum(r["source"].lower().startswith("abstract") for r in pooled)
    derived = sum(r["basis"] != "stated" for r in pooled)
    once = sum(r["second_reading"] != "agree" for r in pooled)
    silent = sum(r["window"] == "unstated" for r in pooled)
    return (
        f"Pooled: {len(pooled)} counts of {studies} studies. Read in an abstract: {abstracts}. Derived from a printed "
        f"percentage or by subtraction: {derived}. Read once, or not confirmed by a second reader: {once}. Without a "
        f"word on how many days events were counted: {silent}. "
        f"{names.review['limits']}"
    )


def figures(names: Names) -> str:
    """Say where the figures are that this page does not show."""
    by = [f"those split by {joined(inside(split['label']) for split in names.splits.values())}"] if names.splits else []
    plots = joined(["all other figures", *by])
    return f"It shows one forest plot an outcome; {plots} are in `results/report.html`, which `make` builds."


def section(name: str, estimates: Sequence[Row], rows: Sequence[Row], names: Names) -> str:
    """Write the part of one analysis."""
    analysis = names.analyses[name]
    primary = find(estimates, name, model=names.models["primary"])
    mine = [r for r in rows if r["analysis"] == name and r["subset"] == "all"]
    parts = [f"## {analysis['label']}"]
    if analysis["note"]:
        parts.append(analysis["note"])
    parts += [sentence(primary, names), f"![Forest plot: {analysis['label']}]({name}/forest.svg)"]
    parts.append(left_out(mine, name))
    return "\n\n".join(parts)


def sentence(primary: Row, names: Names) -> str:
    """Say the answer in words that claim no more than the interval."""
    unit = names.review["unit"]
    k, n, events = (int(primary[key]) for key in ("studies", "patients", "events"))
    if k == 0:
        return "No study can be pooled."
    decimals = decimals_for([number(primary, "estimate")])
    text = format_percent_interval(*pool_numbers(primary), decimals).replace(" (", f"% ({_level(names)} CI ", 1)
    counts = f"{format_count(events)} of {format_count(n)} {unit}"
    if primary["status"] == ONE_STUDY:
        return f"One study, {counts}: {text}. Not a pool."
    if not is_ok(primary["status"]):
        return f"{k} studies, {counts}: {primary['status']}."
    text = f"{k} studies, {counts}: {text}"
    pi = format_percent_range(number(primary, "pi_low"), number(primary, "pi_high"), decimals, HOUSES["bmj"])
    text += "; too few studies to predict a new one." if pi == MISSING else f"; a new study could see {pi}%."
    remarks = f" {upper_first(remarks)}." if (remarks := remarks_of(primary["status"])) else ""
    return f"{text}{remarks}" if k >= DESCRIPTION_BELOW else f"{text} A description of {k} studies.{remarks}"


def left_out(rows: Sequence[Row], name: str) -> str:
    """List what is not pooled, with the reason."""
    out = [r for r in rows if r["use"] == "no" and not r["reason"].startswith(("the study enters", "another row"))]
    table = f"Rows: [{name}/rows.csv]({name}/rows.csv)."
    if not out:
        return f"{table} No other study reports it."
    lines = [f"- {r['label']}, {r['arm']} ({r['events'] or '–'}/{r['patients'] or '–'}): {r['reason']}" for r in out]
    return f"{table}\n\nNot pooled:\n\n" + "\n".join(lines)


def find(rows: Sequence[Row], analysis: str, model: str) -> Row:
    """Find the overall pool of an analysis by a model; an empty mapping when it is not there."""
    key = (analysis, "all", "", model)
    return next((r for r in rows if (r["analysis"], r["subset"], r["group"], r["model"]) == key), {})


def pool_numbers(row: Row) -> tuple[float, ...]:
    """Give estimate and confidence interval."""
    return numbers(row, "estimate", "ci_low", "ci_high")


def anchor(heading: str) -> str:
    """Give the anchor GitHub makes of a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _level(names: Names) -> str:
    return f"{100 * float(names.models['level']):g}%"
