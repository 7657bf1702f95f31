"""The studies, and every number of the sheets with where it stands and what became of it."""

from ..words.formatting import MISSING, format_count, format_percent
from ..words.marks import legend
from ..words.prose import plural
from .about import Review, Row
from .answers import second_reading_words, window_words
from .html_tables import Cell, Line, Table, doi_address, line, sheet_address, site_of, table, web_address
from .phrases import sentence_case
from .superscripts import marks_of, row_marks


def study_table(review: Review) -> Table:
    """Give the characteristics of every study."""
    pools: dict[str, list[str]] = {}
    for analysis in review.analyses:
        for row in review.used(analysis):
            pools.setdefault(row["study"], []).append(review.analyses[analysis]["label"])
    lines = [study_line(review, row, pools.get(row["study"], [])) for row in review.table("data", "studies")]
    heads = ("Study", "*Report", "Design", "*Arms", "*Where it is pooled, and notes")
    files = ("data/studies.csv", "data/arms.csv")
    return table("Characteristics of the studies", heads, lines, files=files, stacked=True)


def study_line(review: Review, row: Row, pools: list[str]) -> Line:
    """Give the line of one study."""
    place = ", ".join(filter(None, (row["journal"], row["year"], row["volume"] and f"{row['volume']}:{row['pages']}")))
    citation = ". ".join(part.rstrip(".") for part in (row["authors"], row["title"], place) if part)
    link = (
        (f"doi:{row['doi']}", doi_address(row["doi"])) if row["doi"] else (site_of(row["url"]), web_address(row["url"]))
    )
    centres = row["centres"] and plural(int(row["centres"]), "centre")
    years = "–".join(dict.fromkeys(filter(None, (row["enrolled_from"], row["enrolled_to"]))))
    found = review.choices["ascertainment"].get(row["ascertainment"], row["ascertainment"]).lower()
    design = "; ".join(filter(None, (row["report"].replace("-", " "), found, row["country"], centres, years)))
    pooled = f"Pooled: {'; '.join(pools)}." if pools else "Not pooled."
    notes = [row["overlaps"] and f"Overlap: {row['overlaps']}", row["note"], row["citation_note"]]
    return line(
        (
            Cell(row["label"], sheet_address(row["study"])),
            Cell(citation or "citation not readable", small=link[0], more=link[1]),
            Cell(row["design"], small=design),
            "; ".join(arm_words(review, arm) for arm in review.table("data", "arms") if arm["study"] == row["study"]),
            Cell(pooled, small=" ".join(sentence_case(n) for n in notes if n)),
        ),
        anchor=f"study-{row['study']}",
    )


def arm_words(review: Review, arm: Row) -> str:
    """Say what an arm is: its name, attributes that are known, and size."""
    variables = [name for name in review.choices["variables"] if name in arm]
    known = [review.level_name(name, arm[name]) for name in variables if arm[name] not in ("", "not reported")]
    name = arm["label"] or arm["arm"]
    words = [w for w in dict.fromkeys(known) if w != name]
    size = (
        f"{format_count(int(arm['patients']))} {review.unit}"
        if arm["patients"]
        else f"number of {review.unit} not reported"
    )
    return f"{name} ({', '.join([*words, size])})"


def source_table(review: Review) -> Table:
    """Give every count of every sheet with where it stands, and what became of it."""
    fate = fates(review)
    rows = review.table("data", "outcomes")
    marks = [row_marks(review, r) for r in rows]
    lines = [source_line(review, r, m, fate.get(count_key(r), "")) for r, m in zip(rows, marks, strict=True)]
    heads = ("Study", "Outcome", "#Count", "#%", "#Window", "*Definition", "*Source", "*What became of it")
    return table(
        "Every count with its source",
        heads,
        lines,
        files=("data/outcomes.csv",),
        legend=legend(marks, review.unit),
        stacked=True,
    )


def count_key(row: Row) -> tuple[str, ...]:
    """Tell counts apart."""
    return tuple(row[key] for key in ("study", "arm", "outcome", "events", "patients", "window", "definition"))


def fates(review: Review) -> dict[tuple[str, ...], str]:
    """Say of each count where it is pooled, or why not."""
    used: dict[tuple[str, ...], list[str]] = {}
    unused: dict[tuple[str, ...], list[str]] = {}
    for analysis, choices in review.analyses.items():
        for row in review.table(analysis, "rows"):
            if row["use"] == "yes":
                split = "" if row["subset"] == "all" else " (by level)"
                used.setdefault(count_key(row), []).append(choices["label"] + split)
            else:
                unused.setdefault(count_key(row), []).append(row["reason"])
    told = {}
    for key in {*used, *unused}:
        pools = list(dict.fromkeys(used.get(key, [])))
        pools = [
            name
            for name in pools
            if name.removesuffix(" (by level)") == name or name.removesuffix(" (by level)") not in pools
        ]
        told[key] = f"Pooled: {'; '.join(pools)}." if pools else sentence_case("; ".join(dict.fromkeys(unused[key])))
    return told


def source_line(review: Review, row: Row, marks: str, fate: str) -> Line:
    """Give the line of one count."""
    events, patients = row["events"] or MISSING, row["patients"] or MISSING
    proportion = int(row["events"]) / int(row["patients"]) if row["events"] and row["patients"] else None
    held = (row["exclude"] and f"Excluded: {row['exclude']}") or (
        row["sensitivity_only"] and f"Sensitivity only: {row['sensitivity_only']}"
    )
    source = f"{row['source']} ({row['basis']}, confidence {row['confidence']}, {second_reading_words(row)})"
    notes = " ".join(sentence_case(n) for n in (row["note"], row["second_note"]) if n)
    return line(
        (
            Cell(
                review.label(row["study"]),
                sheet_address(row["study"]),
                row["arm"] if row["arm"] != "all" else "",
                marks,
            ),
            review.outcome(row["outcome"]),
            f"{events}/{patients}",
            format_percent(proportion),
            Cell(window_words(row), small=row["window_text"]),
            row["definition"],
            Cell(f"{source}. {notes}".strip(), small=site_of(row["url"]), more=web_address(row["url"])),
            fate or sentence_case(held or "") or "No analysis asks for it.",
        )
    )


def characteristic_table(review: Review) -> Table | None:
    """Give every characteristic of the sheets with its source."""
    rows = review.table("data", "characteristics")
    if not rows:
        return None
    lines = [
        line(
            (
                Cell(review.label(r["study"]), sheet_address(r["study"]), r["arm"] if r["arm"] != "all" else ""),
                Cell(r["name"].replace("_", " "), small=r["group"]),
                " ".join(filter(None, (r["value"], r["unit"]))) or f"{r['events']}/{r['patients']}",
                Cell(r["source"], small=site_of(r["url"]), more=web_address(r["url"])),
                r["note"],
            )
        )
        for r in rows
    ]
    return table(
        "Every characteristic with its source",
        ("Study", "*Characteristic", "#Value", "*Source", "*Note"),
        lines,
        files=("data/characteristics.csv",),
        stacked=True,
    )


def comparison_sources(review: Review) -> Table | None:
    """Give every 2×2 table of the sheets with its source."""
    rows = review.table("data", "comparisons")
    if not rows:
        return None
    marks = [marks_of(r, review.study(r["study"])) for r in rows]
    lines = [
        line(
            (
                Cell(review.label(r["study"]), sheet_address(r["study"]), r["arm"], m),
                Cell(r["exposure"], small=review.outcome(r["outcome"])),
                *(f"{r[f'{side}_events']}/{r[f'{side}_patients']}" for side in ("exposed", "unexposed")),
                Cell(f"{r['source']} ({r['basis']})", small=site_of(r["url"]), more=web_address(r["url"])),
                r["note"],
            )
        )
        for r, m in zip(rows, marks, strict=True)
    ]
    heads = ("Study", "*Exposure and outcome", "#Exposed", "#Unexposed", "*Source", "*Note")
    return table(
        "Every 2×2 table with its source",
        heads,
        lines,
        files=("data/comparisons.csv",),
        legend=legend(marks, review.unit),
        stacked=True,
    )
