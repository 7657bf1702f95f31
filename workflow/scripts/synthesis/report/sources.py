"""The studies, and every number of the sheets with where it stands and what became of it."""

from ..tables.declared import Row
from ..tables.pools import OVERALL, share_text
from ..words.formatting import format_count
from ..words.prose import plural
from .about import Review
from .html_tables import Cell, Line, Table, linked, table
from .phrases import fraction, fractions, second_reading_words, sentence_case, window_words


def study_table(review: Review) -> Table | None:
    """Give the characteristics of every study."""
    pools: dict[str, list[str]] = {}
    for analysis in review.analyses:
        for row in review.used(analysis):
            pools.setdefault(row["study"], []).append(review.title(analysis))
    lines = [study_line(review, row, pools.get(row["study"], [])) for row in review.table("data", "studies")]
    return table("Characteristics of the studies", lines, files=("data/studies.csv", "data/arms.csv"), stacked=True)


def study_line(review: Review, row: Row, pools: list[str]) -> Line:
    """Give the line of one study."""
    year, volume = str(row["year"] or ""), row["volume"] and f"{row['volume']}:{row['pages']}"
    place = ", ".join(filter(None, (row["journal"], year, volume)))
    citation = ". ".join(part.rstrip(".") for part in (row["authors"], row["title"], place) if part)
    centres = row["centres"] and plural(row["centres"], "centre")
    years = "–".join(dict.fromkeys(filter(None, (row["enrolled_from"], row["enrolled_to"]))))
    found = review.choices["ascertainment"].get(row["ascertainment"], row["ascertainment"]).lower()
    design = "; ".join(filter(None, (row["report"].replace("-", " "), found, row["country"], centres, years)))
    pooled = f"Pooled: {'; '.join(pools)}." if pools else "Not pooled."
    notes = (row["overlaps"] and f"Overlap: {row['overlaps']}", row["note"], row["citation_note"])
    arms = [arm_words(review, arm) for arm in review.table("data", "arms") if arm["study"] == row["study"]]
    cells = {
        "Study": review.study_cell(row["study"]),
        "*Report": linked(citation or "citation not readable", doi=row["doi"], url=row["url"]),
        "Design": Cell(row["design"], small=design),
        "*Arms": "; ".join(arms),
        "*Where it is pooled, and notes": Cell(pooled, small=sentences(*notes)),
    }
    return Line(cells, anchor=f"study-{row['study']}")


def sentences(*texts: str) -> str:
    """Make sentences of texts; blank ones go."""
    return " ".join(filter(None, map(sentence_case, texts)))


def arm_words(review: Review, arm: Row) -> str:
    """Say what an arm is: its name, attributes that are known, and size."""
    known = {name: arm[name] for name in review.choices["variables"] if arm.get(name) not in (None, "", "not reported")}
    name = arm["label"] or arm["arm"]
    words = dict.fromkeys(review.level_name(variable, level) for variable, level in known.items())
    words.pop(name, None)
    size = f"number of {review.unit} not reported"
    if arm["patients"] is not None:
        size = f"{format_count(arm['patients'])} {review.unit}"
    return f"{name} ({', '.join([*words, size])})"


COUNT_KEY = ("study", "arm", "outcome", "events_from", "events_to", "patients", "window", "window_words", "definition")


def source_table(review: Review) -> Table | None:
    """Give every count of every sheet with where it stands, and what became of it."""
    told, rows = fates(review), review.table("data", "outcomes")
    return table(
        "Every count with its source",
        [source_cells(review, row, told.get(count_key(row), "")) for row in rows],
        files=("data/outcomes.csv",),
        legend=review.legend(rows),
        stacked=True,
    )


def count_key(row: Row) -> tuple:
    """Tell counts apart."""
    return tuple(row[key] for key in COUNT_KEY)


def fates(review: Review) -> dict[tuple, str]:
    """Say of each count where it is pooled, or why not."""
    whole, split, unused = {}, {}, {}  # count → labels of analyses, or reasons, each once and in order
    for analysis in review.analyses:
        for row in review.table(analysis, "rows"):
            where = unused if row["use"] != "yes" else whole if row["subset"] == OVERALL else split
            said = row["reason"] if where is unused else review.title(analysis)
            where.setdefault(count_key(row), {})[said] = True
    told = {key: sentence_case("; ".join(reasons)) for key, reasons in unused.items()}
    for key in whole | split:
        order = [a for a in map(review.title, review.analyses) if a in whole.get(key, ()) or a in split.get(key, ())]
        names = [name if name in whole.get(key, ()) else f"{name} (by level)" for name in order]
        told[key] = f"Pooled: {'; '.join(names)}."
    return told


def source_cells(review: Review, row: Row, fate: str) -> dict[str, str | Cell]:
    """Give the cells of one count."""
    held = (row["exclude"] and f"Excluded: {row['exclude']}") or (
        row["sensitivity_only"] and f"Sensitivity only: {row['sensitivity_only']}"
    )
    source = f"{row['source']} ({row['basis']}, confidence {row['confidence']}, {second_reading_words(row)})"
    return {
        "Study": review.study_cell(row["study"], arm_name(row), review.marks(row)),
        "Outcome": review.outcome(row["outcome"]),
        "#Count": fraction(row),
        "#%": share_text(row),
        "Window": Cell(window_words(row), small=row["window_text"]),
        "*Definition": row["definition"],
        "*Source": linked(f"{source}. {sentences(row['note'], row['second_note'])}".strip(), url=row["url"]),
        "*What became of it": fate or sentence_case(held) or "No analysis asks for it.",
    }


def arm_name(row: Row) -> str:
    """Give the arm of a row, where it is not all of the study."""
    return row["arm"] if row["arm"] != "all" else ""


def characteristic_table(review: Review) -> Table | None:
    """Give every characteristic of the sheets with its source."""
    rows = [
        {
            "Study": review.study_cell(row["study"], arm_name(row)),
            "*Characteristic": Cell(row["name"].replace("_", " "), small=row["group"]),
            "#Value": " ".join(filter(None, (row["value"], row["unit"]))) or fraction(row),
            "*Source": linked(row["source"], url=row["url"]),
            "*Note": row["note"],
        }
        for row in review.table("data", "characteristics")
    ]
    return table("Every characteristic with its source", rows, files=("data/characteristics.csv",), stacked=True)


def comparison_sources(review: Review) -> Table | None:
    """Give every 2×2 table of the sheets with its source."""
    rows = review.table("data", "comparisons")
    return table(
        "Every 2×2 table with its source",
        [
            {
                "Study": review.study_cell(row["study"], row["arm"], review.marks(row)),
                "*Exposure and outcome": Cell(row["exposure"], small=review.outcome(row["outcome"])),
                **fractions(row, "exposed", "unexposed"),
                "*Source": linked(f"{row['source']} ({row['basis']})", url=row["url"]),
                "*Note": row["note"],
            }
            for row in rows
        ],
        files=("data/comparisons.csv",),
        legend=review.legend(rows),
        stacked=True,
    )
