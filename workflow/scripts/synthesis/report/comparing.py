"""Levels against levels, exposed against unexposed, and our pools beside the published ones."""

from collections.abc import Iterable

from ..tables.declared import Row
from ..tables.pools import estimate_text, find_pools, find_test, prediction_text
from ..words.formatting import MISSING, decimals_for, format_count, format_percent_interval, format_test, is_missing
from ..words.marks import as_read, legend
from ..words.prose import labelled, upper_first
from ..words.terms import remarks_of
from .about import Review
from .html_tables import Cell, Line, Table, line, table
from .phrases import RISK_DIFFERENCE, WHERE, counts_of, effect_words, fraction, p_cell, status_words, whole

COMMON = "glmm-common"  # the primary model with one τ² for all levels
RATIO = "odds ratio"


def percent_heads(review: Review) -> tuple[str, str]:
    """Give the headings of estimate and prediction interval."""
    return f"#% ({review.level} CI)", f"#{review.level} PI, %"


def split_table(review: Review, analysis: str, variable: str) -> Table | None:
    """Give the pools of an analysis within the levels of a variable; None when it is not split by it."""
    order, name = list(review.levels(variable)), review.variable(variable)
    pools = find_pools(review.table(analysis, "estimates"), review.primary, variable)
    pools.sort(key=lambda pool: order.index(pool["group"]) if pool["group"] in order else len(order))
    decimals = decimals_for(pool["estimate"] for pool in pools)
    return table(
        f"{review.title(analysis)} by {name.lower()}: each level's own pool",
        (name, "#Studies", "#Events", f"#{review.unit.capitalize()}", *percent_heads(review), "What"),
        [
            (
                review.level_name(variable, pool["group"]),
                *counts_of(pool, "studies", "events", "patients"),
                estimate_text(pool, decimals),
                prediction_text(pool, decimals),
                status_words(pool),
            )
            for pool in pools
        ],
        files=(f"{analysis}/estimates.csv",),
        notes=tuple(split_tests(review, analysis, variable)),
        stacked=True,
    )


def split_tables(review: Review, analysis: str) -> list[tuple[str, Table]]:
    """Give the tables of the levels of each variable that forest plots are split by, as far as there are levels."""
    made = {name: split_table(review, analysis, name) for name in review.choices["figures"]["forest_by"]}
    return [(name, found) for name, found in made.items() if found]


def split_tests(review: Review, analysis: str, variable: str) -> Iterable[str]:
    """Give the tests for differences between the levels, or why there is none."""
    kinds = {review.primary: "each group with its own τ²", COMMON: "one τ² for all groups"}
    for model, kind in kinds.items():
        test = find_test(review.table(analysis, "estimates"), model, variable)
        remarks = labelled(remarks_of(test["status"]), review.levels(variable)) if test else ""
        if test and not is_missing(test["test"]):
            found = format_test(test["test"], test["test_df"], test["test_p"]) + (f" ({remarks})" if remarks else "")
            words = f"Test between levels ({test['test_name']}): {found}."
            yield f"{words} It compares studies, not patients within a study."
        elif remarks:
            yield f"Test between levels ({kind}): none ({remarks})."


def contrast_table(review: Review) -> Table | None:
    """Give every comparison of two levels that has a number, and the reasons of the others as notes."""
    heads = ("Outcome", "Comparison", "Where", "#First", "#Second", "*Measure", f"#Estimate ({review.level} CI)", "#P")
    return table(
        "Levels set against each other, inside a study and between studies",
        heads,
        [
            contrast_cells(review, row)
            for row in review.table("results", "contrasts")
            if not is_missing(row["estimate"])
        ],
        files=("contrasts.csv",),
        notes=(
            "What stands inside one study compares patients of the same centre; what stands between studies does not.",
        ),
        stacked=True,
    )


def level_pair(review: Review, row: Row) -> str:
    """Name the two levels that are set against each other."""
    return " against ".join(review.level_name(row["by"], row[side]) for side in ("first", "second"))


def contrast_cells(review: Review, row: Row) -> tuple[str | Cell, ...]:
    """Give the cells of one comparison of two levels."""
    measure = f"{RISK_DIFFERENCE}, percentage points" if row["measure"] == RISK_DIFFERENCE else row["measure"]
    return (
        review.title(row["analysis"]),
        level_pair(review, row),
        review.study_cell(row["study"]) if row["study"] else WHERE[row["kind"]],
        *(fraction(row, side) for side in ("first", "second")),
        Cell(measure, small="; ".join(filter(None, (row["method"], remarks_of(row["status"]))))),
        effect_words(row),
        p_cell(row),
    )


def risk_factor_table(review: Review) -> Table | None:
    """Give each study's 2×2 table with its effects, and what is pooled."""
    rows = [
        row
        for row in review.table("results", "comparisons")
        if row["measure"] == RATIO
        and not is_missing(row["estimate"])
        and (row["kind"] != "pooled" or row["studies"] > 1)
    ]
    lines = [risk_factor_line(review, row) for row in rows]
    odds = f"#Odds ratio ({review.level} CI)"
    return table(
        "Exposed against unexposed: odds ratios, unadjusted",
        ("Exposure", "Outcome", "Study", "#Exposed", "#Unexposed", odds, "#P", "*What"),
        lines,
        files=("comparisons.csv",),
        legend=legend((one.cells[2].marks for one in lines), review.unit),
        notes=("Exposures were not assigned. Risk ratios and risk differences stand in the same file.",),
        stacked=True,
    )


def risk_factor_line(review: Review, row: Row) -> Line:
    """Give the line of one 2×2 table or pool."""
    source, study = f"model: {row['model']}", Cell("Pooled")
    if row["study"]:
        read = as_read(row, review.table("data", "comparisons"))
        source = f"{row['basis']}; {read['source']}"
        study = review.study_cell(row["study"], row["arm"], review.marks(read))
    return line(
        (
            row["exposure"],
            review.outcome(row["outcome"]),
            study,
            *(fraction(row, side) for side in ("exposed", "unexposed")),
            effect_words(row),
            p_cell(row),
            f"{source}. {remarks}" if (remarks := remarks_of(row["status"])) else source,
        ),
        strong=row["kind"] == "pooled",
    )


def rate_table(review: Review) -> Table | None:
    """Give the rates of the analyses that are pooled per unit of time."""
    rows = [row for a in review.analyses for row in review.table(a, "rates") if not is_missing(row["estimate"])]
    unit = rows[0]["unit"] if rows else ""
    decimals = decimals_for(row["estimate"] for row in rows)
    rate = f"#Per 100 ({review.level} CI)"
    return table(
        f"Events per 100 {unit}s",
        ("Outcome", "Model", "#Studies", "#Events", f"#{unit.capitalize()}s", rate, f"#{review.level} PI", "What"),
        [
            (
                review.title(row["analysis"]),
                row["model"],
                *counts_of(row, "studies", "events"),
                format_count(whole(row["person_time"])),
                estimate_text(row, decimals),
                prediction_text(row, decimals),
                status_words(row),
            )
            for row in rows
        ],
        files=tuple(dict.fromkeys(f"{row['analysis']}/rates.csv" for row in rows)),
        notes=(
            "Only counts with a stated window; everybody is taken as followed to its end, so the rate is a lower bound "
            "where patients left earlier.",
        ),
    )


def published_table(review: Review) -> Table | None:
    """Give our pools beside the published ones, with what makes each pair comparable or not."""
    return table(
        "Published pools beside ours; they were not combined",
        ("Published pool", f"#Published ({review.level} CI)", "#Ours", "Ours, as", "Comparable", "*Note"),
        [published_cells(review, row) for row in review.table("results", "published")],
        files=("published.csv",),
        notes=("Comparable: whether the two sides can be compared in window, denominator and measure.",),
        stacked=True,
    )


def published_cells(review: Review, row: Row) -> tuple[str | Cell, ...]:
    """Give the cells of one pair; published values are per cent already, and are printed as the source has them."""
    estimate, low, high = (
        "" if is_missing(row[f"published_{name}"]) else str(row[f"published_{name}"])
        for name in ("estimate", "low", "high")
    )
    about = (
        review.outcome(row["outcome"]).replace("_", " "),
        row["subgroup"],
        row["published_measure"],
        f"k = {row['published_k'] or MISSING}",
    )
    ours = [row[key] / 100 for key in ("estimate", "ci_low", "ci_high")]
    alike = [f"{what} {row[f'{what}_comparable']}" for what in ("window", "denominator", "measure")]
    more = f" {upper_first(remarks)}." if (remarks := remarks_of(row["status"])) else ""
    return (
        Cell(review.label(row["review"]), small=", ".join(about)),
        f"{estimate} ({low}–{high})" if low and high else estimate,
        Cell(format_percent_interval(*ours, decimals_for(ours[:1])), small=f"k = {format_count(row['k'])}"),
        Cell(review.title(row["analysis"]), small=row["measure"]),
        Cell("; ".join(alike), small=f"same studies: {row['overlap']}"),
        f"{row['note']}{more}",
    )
