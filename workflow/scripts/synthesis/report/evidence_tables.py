"""What the answers rest on: risk of bias, certainty, the reports looked at, the studies, and every number's source."""

from collections import Counter
from collections.abc import Mapping

from ..tables.files import number
from ..words.formatting import MISSING, format_count
from ..words.prose import joined, plural
from ..words.terms import is_ok
from .about import Review, Row
from .html_tables import Cell, Line, Table, doi_address, line, sheet_address, site_of, table, web_address
from .phrases import format_frequency, sentence_case
from .summary import DESCRIPTION_BELOW

CERTAINTY = {"high": "⊕⊕⊕⊕", "moderate": "⊕⊕⊕◯", "low": "⊕⊕◯◯", "very low": "⊕◯◯◯"}
NOT_JUDGED = "not\u00a0judged"
JUDGED = {"yes": "+\u00a0yes", "no": "−\u00a0no", "unclear": "?\u00a0unclear"}


def findings_table(review: Review) -> Table:
    """Give the Summary of Findings per 1,000; the judgements are a curator's and are never computed."""
    unit = review.unit
    return table(
        f"What happens to 1,000 {unit}, and how certain that is",
        (
            "Outcome",
            f"#{unit.capitalize()} (studies)",
            f"#Per 1,000 {unit} ({review.level} CI)",
            f"#A new centre, per 1,000 ({review.level} PI)",
            "Certainty",
            "*Why",
        ),
        [findings_line(review, analysis) for analysis in review.analyses],
        files=("estimates.csv", "../studies/grade.yaml") if review.grade else ("estimates.csv",),
        notes=findings_notes(review),
        stacked=True,
    )


def findings_notes(review: Review) -> tuple[str, ...]:
    """Say what the certainty is, and whose."""
    start = "Certainty by GRADE: evidence on how often something happens starts high and is rated down by domain."
    if not review.grade:
        return (f"{start} No certainty has been judged yet.",)
    whose = dict.fromkeys(str(one["provisional"]) for one in review.grade.values() if one.get("provisional"))
    return (f"{start} The judgements are a curator's, never computed.", *(sentence_case(words) for words in whose))


def findings_line(review: Review, analysis: str) -> Line:
    """Give the line of one outcome."""
    pool, choices = review.pool(analysis), review.analyses[analysis]
    follow_up = f"within {plural(choices['window']['max_days'], 'day')}"
    if choices["window"]["unstated"] == "include":
        follow_up += ", or window not stated"
    k = int(pool["studies"]) if pool else 0
    what = "" if k >= DESCRIPTION_BELOW and is_ok(pool["status"]) else "not a pool"
    symbols, certainty, why = certainty_words(review.grade.get(analysis))
    return line(
        (
            Cell(choices["label"], f"#{analysis}", follow_up),
            Cell(f"{format_count(int(pool['patients']))} ({format_count(k)})" if k else MISSING, small=what),
            per_thousand(pool, ("estimate", "ci_low", "ci_high")),
            per_thousand(pool, ("pi_low", "pi_high")),
            Cell(f"{symbols} {certainty}".strip()),
            why,
        )
    )


def per_thousand(pool: Row, keys: tuple[str, ...]) -> str:
    """Give an estimate with its interval, or an interval alone, per 1,000."""
    texts = [format_frequency(number(pool, key), 1000) for key in keys]
    if MISSING in texts[-2:]:
        return texts[0] if len(texts) == 3 else MISSING
    limits = f"{texts[-2]} to {texts[-1]}"
    return f"{texts[0]} ({limits})" if len(texts) == 3 else limits


def certainty_words(judged: Mapping | None) -> tuple[str, str, str]:
    """Give symbols, word, and the domains it was rated down for."""
    if not judged:
        return "", NOT_JUDGED, ""
    certainty = str(judged["certainty"])
    down = [
        f"{name.replace('_', ' ')} ({domain['judgement']})"
        for name, domain in judged["domains"].items()
        if domain["judgement"] != "not serious"
    ]
    why = f"Rated down for {joined(down)}." if down else "Not rated down."
    return CERTAINTY[certainty], certainty.replace(" ", "\u00a0"), why


def reasons_table(review: Review) -> Table | None:
    """Give the reason of every judgement of certainty; None when nobody judged."""
    lines = [
        line(
            (review.analyses[a]["label"], domain_name(name), domain["judgement"], sentence_case(str(domain["reason"])))
        )
        for a in review.analyses
        if a in review.grade
        for name, domain in review.grade[a]["domains"].items()
    ]
    if not lines:
        return None
    heads = ("Outcome", "Domain", "Judgement", "*Reason")
    files = ("../studies/grade.yaml",)
    return table("Why the certainty was judged so", heads, lines, files=files, stacked=True)


def domain_name(name: str) -> str:
    """Give a domain in words."""
    return name.replace("_", " ").capitalize()


def bias_table(review: Review) -> Table | None:
    """Give the judgement of each pooled study on each item; None when nobody judged any."""
    rows = review.table("data", "risk_of_bias")
    if not rows:
        return None
    pooled = {r["study"] for a in review.analyses for r in review.used(a)}
    items = list(dict.fromkeys(r["item"] for r in rows))
    found = {(r["study"], r["item"]): r for r in rows}
    judged = [s for s in dict.fromkeys(r["study"] for r in rows) if s in pooled]
    lines = [
        line(
            (Cell(review.label(study), sheet_address(study)), *(bias_cell(found.get((study, item))) for item in items))
        )
        for study in judged
    ]
    missing = sorted(review.label(study) for study in pooled - set(judged))
    notes = (f"Not judged: {', '.join(missing)}.",) if missing else ()
    names = tuple(item.replace("_", " ").capitalize() for item in items)
    return table(
        "Risk of bias of the pooled studies, item by item",
        ("Study", *names),
        lines,
        files=("data/risk_of_bias.csv",),
        notes=notes,
    )


def bias_cell(row: Row | None) -> Cell:
    """Give one judgement, by symbol and word."""
    return Cell("not judged") if row is None else Cell(JUDGED.get(row["judgement"], row["judgement"]))


def support_table(review: Review) -> Table | None:
    """Give the support of every judgement."""
    rows = review.table("data", "risk_of_bias")
    if not rows:
        return None
    lines = [
        line(
            (
                Cell(review.label(r["study"]), sheet_address(r["study"])),
                Cell(r["item"].replace("_", " "), small=review.choices["tools"].get(r["tool"], {}).get(r["item"], "")),
                JUDGED.get(r["judgement"], r["judgement"]),
                r["support"],
            )
        )
        for r in rows
    ]
    return table(
        "Why each item was judged so",
        ("Study", "*Item", "Judgement", "*Support"),
        lines,
        files=("data/risk_of_bias.csv",),
        stacked=True,
    )


def flow_table(review: Review) -> Table | None:
    """Count the reports that were looked at, by decision."""
    if not review.screening:
        return None
    counts = Counter(r["decision"] for r in review.screening)
    lines = [line((name.capitalize(), format_count(n))) for name, n in counts.most_common()]
    lines.append(line(("All reports looked at", format_count(len(review.screening))), strong=True))
    return table("Reports looked at, by decision", ("Decision", "#Reports"), lines, files=("../studies/screening.csv",))


def screening_table(review: Review) -> Table | None:
    """Give every report that was looked at, with the decision and its reason."""
    if not review.screening:
        return None
    lines = [
        line((Cell(r["report"], small=found[0], more=found[1]), r["found"], r["decision"], r["reason"]))
        for r in review.screening
        for found in [identifier_link(r["identifier"])]
    ]
    heads = ("*Report", "*Found", "Decision", "*Reason")
    files = ("../studies/screening.csv",)
    return table("Every report that was looked at", heads, lines, files=files, stacked=True)


def identifier_link(identifier: str) -> tuple[str, str]:
    """Give how an identifier is printed, and where it leads."""
    if identifier.startswith("10."):
        return f"doi:{identifier}", doi_address(identifier)
    return site_of(identifier) or identifier, web_address(identifier)
