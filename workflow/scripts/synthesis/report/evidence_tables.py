"""What the answers rest on: certainty, risk of bias, and the reports that were looked at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from ..tables.declared import Row
from ..tables.pools import State, state_of
from ..words.formatting import MISSING, format_count
from ..words.model_names import MEDIAN, centre_of
from ..words.prose import joined
from .about import Review
from .html_tables import Cell, Line, Table, linked, table
from .phrases import counts_of, format_frequency, sentence_case, windows_words

CERTAINTY = {"high": "⊕⊕⊕⊕", "moderate": "⊕⊕⊕◯", "low": "⊕⊕◯◯", "very low": "⊕◯◯◯"}
NOT_JUDGED = "not\u00a0judged"
JUDGED = {"yes": "+\u00a0yes", "no": "−\u00a0no", "unclear": "?\u00a0unclear"}
GRADE, SCREENING = "../studies/grade.yaml", "../studies/screening.csv"


def findings_table(review: Review) -> Table:
    """Give the Summary of Findings per 1,000; the judgements are a curator's and are never computed."""
    return table(
        f"What happens to 1,000 {review.unit}, and how certain that is",
        [findings_cells(review, analysis) for analysis in review.analyses],
        files=("estimates.csv", GRADE) if review.grade else ("estimates.csv",),
        notes=(per_thousand(review.primary), *findings_notes(review)),
        stacked=True,
    )


def findings_notes(review: Review) -> tuple[str, ...]:
    """Say what the certainty is, and whose."""
    start = "Certainty by GRADE: evidence on how often something happens starts high and is rated down by domain."
    if not review.grade:
        return (f"{start} No certainty has been judged yet.",)
    whose = dict.fromkeys(str(one["provisional"]) for one in review.grade.values() if one.get("provisional"))
    second = f"Second line: {review.beside_name}." if review.beside else ""
    return (
        f"{start} The judgements are a curator's, never computed.",
        *map(sentence_case, whose),
        *filter(None, [second]),
    )


def per_thousand(model: str) -> str:
    """Say whose frequency a number per 1,000 is, and why that one is given."""
    if (centre := centre_of(model)) == MEDIAN:
        return (
            f"Per 1,000: of {MEDIAN}, since that is what the model and both its intervals are about; half of the "
            "studies like these lie above it. Where studies differ, the mean over them is higher for what is rare."
        )
    return f"Per 1,000: of {centre}, since that is what the model estimates."


def findings_cells(review: Review, analysis: str) -> dict[str, str | Cell]:
    """Give the cells of one outcome."""
    pool, unit = review.pool(analysis), review.unit
    state = state_of(pool)
    counts = MISSING if state == State.NO_STUDY else "{} ({})".format(*counts_of(pool, "patients", "studies"))
    symbols, certainty, why = certainty_words(review.grade.get(analysis))
    text, beside = _per_thousand(pool), _per_thousand(second) if (second := review.beside_pool(analysis)) else ""
    if state == State.ONE_STUDY:
        beside = f"one study, its own {review.interval_of(pool)}"
    if review.by_range(analysis):
        low, high = (format_frequency(share, 1000) for share, _ in review.span(analysis))
        text, beside = f"{low} to {high}", f"by definition; a description: {text}"
    outcome = Cell(review.title(analysis), f"#{analysis}", windows_words(review.used(analysis)))
    return {
        "Outcome": outcome,
        f"#{unit.capitalize()} (studies)": Cell(counts, small="" if state == State.POOL else "not a pool"),
        f"#Per 1,000 {unit} ({review.interval})": Cell(text, small=beside),
        f"#A new study like these, per 1,000 ({review.level} PI)": _ends(pool, "pi"),
        "Certainty": f"{symbols} {certainty}".strip(),
        "*Why": why,
    }


def _per_thousand(pool: Row) -> str:
    """Give the estimate of a pool with its interval."""
    estimate, interval = format_frequency(pool.get("estimate"), 1000), _ends(pool, "ci")
    return estimate if interval == MISSING else f"{estimate} ({interval})"


def _ends(pool: Row, interval: str) -> str:
    ends = [format_frequency(pool.get(f"{interval}_{end}"), 1000) for end in ("low", "high")]
    return MISSING if MISSING in ends else " to ".join(ends)


def certainty_words(judged: Mapping | None) -> tuple[str, str, str]:
    """Give symbols, word, and the domains it was rated down for."""
    if not judged:
        return "", NOT_JUDGED, ""
    certainty = str(judged["certainty"])
    domains = {name.replace("_", " "): domain["judgement"] for name, domain in judged["domains"].items()}
    down = [f"{name} ({judgement})" for name, judgement in domains.items() if judgement != "not serious"]
    why = f"Rated down for {joined(down)}." if down else "Not rated down."
    return CERTAINTY[certainty], certainty.replace(" ", "\u00a0"), why


def reasons_table(review: Review) -> Table | None:
    """Give the reason of every judgement of certainty; None when nobody judged."""
    rows = [
        {
            "Outcome": review.title(analysis),
            "Domain": name_words(name),
            "Judgement": domain["judgement"],
            "*Reason": sentence_case(str(domain["reason"])),
        }
        for analysis in review.analyses
        if analysis in review.grade
        for name, domain in review.grade[analysis]["domains"].items()
    ]
    return table("Why the certainty was judged so", rows, files=(GRADE,), stacked=True)


def name_words(name: str) -> str:
    """Give a domain of GRADE, or an item of a tool, in words."""
    return name.replace("_", " ").capitalize()


def bias_table(review: Review) -> Table | None:
    """Give the judgement of each pooled study on each item; None when nobody judged any."""
    rows = review.table("data", "risk_of_bias")
    pooled = {row["study"] for analysis in review.analyses for row in review.used(analysis)}
    aside = [
        name for name in review.choices["multiverse"]["risk_of_bias_ignores"] if {name} & {r["item"] for r in rows}
    ]
    items = dict.fromkeys(row["item"] for row in rows if row["item"] not in aside)
    found = {(row["study"], row["item"]): judgement_words(row) for row in rows}
    judged = [study for study in dict.fromkeys(row["study"] for row in rows) if study in pooled]
    missing = sorted(review.label(study) for study in pooled - set(judged))
    return table(
        "Risk of bias of the pooled studies, item by item",
        [
            {"Study": review.study_cell(study)}
            | {f"={name_words(item)}": found.get((study, item), "not judged") for item in items}
            for study in judged
        ],
        files=("data/risk_of_bias.csv",),
        notes=(
            *([f"Not judged: {', '.join(missing)}."] if missing else []),
            *([f"About precision, not about bias, so below only: {joined(map(name_words, aside))}."] if aside else []),
        ),
    )


def judgement_words(row: Row) -> str:
    """Give one judgement, by symbol and word."""
    return JUDGED.get(row["judgement"], row["judgement"])


def support_table(review: Review) -> Table | None:
    """Give the support of every judgement."""
    tools = review.choices["tools"]
    return table(
        "Why each item was judged so",
        [
            {
                "Study": review.study_cell(row["study"]),
                "*Item": Cell(row["item"].replace("_", " "), small=tools.get(row["tool"], {}).get(row["item"], "")),
                "Judgement": judgement_words(row),
                "*Support": row["support"],
            }
            for row in review.table("data", "risk_of_bias")
        ],
        files=("data/risk_of_bias.csv",),
        stacked=True,
    )


def flow_table(review: Review) -> Table | None:
    """Count the reports that were looked at, by decision."""
    counts = Counter(row["decision"].capitalize() for row in review.screening).most_common()
    lines = [Line({"Decision": name, "#Reports": format_count(n)}) for name, n in counts]
    every = {"Decision": "All reports looked at", "#Reports": format_count(len(review.screening))}
    lines += [Line(every, strong=True)] if counts else []
    return table("Reports looked at, by decision", lines, files=(SCREENING,))


def screening_table(review: Review) -> Table | None:
    """Give every report that was looked at, with the decision and its reason."""
    rows = [
        {"*Report": report_cell(row), "*Found": row["found"], "Decision": row["decision"], "*Reason": row["reason"]}
        for row in review.screening
    ]
    return table("Every report that was looked at", rows, files=(SCREENING,), stacked=True)


def report_cell(row: Mapping[str, str]) -> Cell:
    """Give a report with its identifier, and where that leads."""
    name = row["identifier"]
    cell = linked(row["report"], doi=name) if name.startswith("10.") else linked(row["report"], url=name)
    return replace(cell, small=cell.small or name)
