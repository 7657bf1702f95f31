"""Levels against levels, exposed against unexposed, and our pools beside the published ones."""

from collections.abc import Iterable

from ..tables.declared import Row
from ..tables.pools import estimate_text, find_pools, find_test, prediction_text
from ..words.formatting import MISSING, decimals_for, format_count, format_percent_interval, format_test, is_missing
from ..words.marks import as_read, legend
from ..words.model_names import DESCRIPTIONS, RATES
from ..words.prose import labelled, upper_first
from ..words.terms import remarks_of
from .about import Review
from .html_tables import Cell, Line, Table, table
from .phrases import RISK_DIFFERENCE, WHERE, effect_words, fractions, p_cell, status_words, whole

RESPECTS = {"window": "follow-up", "denominator": "denominator", "measure": "measure"}
COMMON = "glmm-common"  # the primary model with one τ² for all levels
RATIO = "odds ratio"


def split_table(review: Review, analysis: str, variable: str) -> Table | None:
    """Give the pools of an analysis within the levels of a variable; None when it is not split by it."""
    order, name = list(review.levels(variable)), review.variable(variable)
    pools = find_pools(review.table(analysis, "estimates"), review.primary, variable)
    pools.sort(key=lambda pool: order.index(pool["group"]) if pool["group"] in order else len(order))
    decimals = decimals_for(pool["estimate"] for pool in pools)
    return table(
        f"{review.title(analysis)} by {name.lower()}: each level's own pool",
        [
            {
                f"={name}": review.level_name(variable, pool["group"]),
                **review.counts(pool, "studies", "events", "patients"),
                **review.intervals(pool, decimals),
                "What": status_words(pool),
            }
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
    return table(
        "Levels set against each other, inside a study and between studies",
        [contrast_cells(review, row) for row in review.estimated("results", "contrasts")],
        files=("contrasts.csv",),
        notes=(
            "What stands inside one study compares patients of the same centre; what stands between studies does not.",
        ),
        stacked=True,
    )


def level_pair(review: Review, row: Row) -> str:
    """Name the two levels that are set against each other."""
    return " against ".join(review.level_name(row["by"], row[side]) for side in ("first", "second"))


def contrast_cells(review: Review, row: Row) -> dict[str, str | Cell]:
    """Give the cells of one comparison of two levels."""
    measure = f"{RISK_DIFFERENCE}, percentage points" if row["measure"] == RISK_DIFFERENCE else row["measure"]
    return {
        "Outcome": review.title(row["analysis"]),
        "Comparison": level_pair(review, row),
        "Where": review.study_cell(row["study"]) if row["study"] else WHERE[row["kind"]],
        **fractions(row, "first", "second"),
        "*Measure": Cell(measure, small="; ".join(filter(None, (row["method"], remarks_of(row["status"]))))),
        f"#Estimate ({review.level} CI)": effect_words(row),
        "#P": p_cell(row),
    }


def risk_factor_table(review: Review) -> Table | None:
    """Give each study's 2×2 table with its effects, and what is pooled."""
    rows = [
        row
        for row in review.estimated("results", "comparisons")
        if row["measure"] == RATIO and (row["kind"] != "pooled" or row["studies"] > 1)
    ]
    lines = [risk_factor_line(review, row) for row in rows]
    return table(
        "Exposed against unexposed: odds ratios, unadjusted",
        lines,
        files=("comparisons.csv",),
        legend=legend((one.cells["Study"].marks for one in lines), review.unit),
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
    cells = {
        "Exposure": row["exposure"],
        "Outcome": review.outcome(row["outcome"]),
        "Study": study,
        **fractions(row, "exposed", "unexposed"),
        f"#Odds ratio ({review.level} CI)": effect_words(row),
        "#P": p_cell(row),
        "*What": ". ".join(filter(None, (source, remarks_of(row["status"])))),
    }
    return Line(cells, strong=row["kind"] == "pooled")


def rate_table(review: Review) -> Table | None:
    """Give the rates of the analyses that are pooled per unit of time."""
    rows = [row for analysis in review.analyses for row in review.estimated(analysis, "rates")]
    unit = rows[0]["unit"] if rows else ""
    decimals = decimals_for(row["estimate"] for row in rows)
    return table(
        f"Events per 100 {unit}s",
        [
            {
                "Outcome": review.title(row["analysis"]),
                "Model": Cell(RATES[row["model"]], small=row["model"]),
                **review.counts(row, "studies", "events"),
                f"#{unit.capitalize()}s": format_count(whole(row["person_time"])),
                f"#Per 100 ({review.level} CI)": estimate_text(row, decimals),
                f"#{review.level} PI": prediction_text(row, decimals),
                "What": status_words(row),
            }
            for row in rows
        ],
        files=tuple(dict.fromkeys(f"{row['analysis']}/rates.csv" for row in rows)),
        notes=(
            "Only counts whose window is a number of days; everybody is taken as followed to its end, so the rate is a "
            "lower bound where patients left earlier.",
        ),
    )


def published_table(review: Review) -> Table | None:
    """Give our pools beside the published ones, with what makes each pair comparable or not."""
    return table(
        "Published pools beside ours; they were not combined",
        [published_cells(review, row) for row in review.table("results", "published")],
        files=("published.csv",),
        notes=(
            "Comparable: whether the two sides can be compared in follow-up, denominator and measure. Intervals that "
            "overlap say nothing of which studies are in both pools.",
        ),
        stacked=True,
    )


def published_cells(review: Review, row: Row) -> dict[str, str | Cell]:
    """Give the cells of one pair; published values are per cent already, and are printed as the source has them."""
    theirs = [row[f"published_{name}"] for name in ("estimate", "low", "high")]
    estimate, low, high = ("" if is_missing(value) else str(value) for value in theirs)
    outcome = review.outcome(row["outcome"]).replace("_", " ")
    subgroup = row["subgroup"].replace("<=", "≤").replace(">=", "≥")
    ours = [row[key] / 100 for key in ("estimate", "ci_low", "ci_high")]
    alike = [f"{word} {row[f'{what}_comparable']}" for what, word in RESPECTS.items()]
    overlap = row["intervals_overlap"] and f"intervals overlap: {row['intervals_overlap']}"
    more = f" {upper_first(remarks)}." if (remarks := remarks_of(row["status"])) else ""
    return {
        "Published pool": Cell(review.label(row["review"]), small=f"{outcome}, {subgroup}; {row['published_measure']}"),
        f"#Published ({review.level} CI)": Cell(
            f"{estimate} ({low}–{high})" if low and high else estimate, small=size_words(row)
        ),
        "#Ours": Cell(format_percent_interval(*ours, decimals_for(ours[:1])), small=f"k = {format_count(row['k'])}"),
        "Unit": row["unit"],
        "Ours, as": Cell(review.title(row["analysis"]), small=(DESCRIPTIONS | RATES)[row["model"]]),
        "Comparable": Cell("; ".join(alike), small=overlap),
        "*Note": f"{row['note']}{more}",
    }


def size_words(row: Row) -> str:
    """Say how many studies a published pool has, or the whole review where the pool's own are not given."""
    if row["published_k"] or not row["review_k"]:
        return f"k = {row['published_k'] or MISSING}"
    return f"k not given (whole review: {row['review_k']})"
