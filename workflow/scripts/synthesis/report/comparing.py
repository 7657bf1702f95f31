"""Levels against levels, exposed against unexposed, and our pools beside the published ones."""

from collections.abc import Iterable

from ..tables.files import number
from ..tables.pools import find_pools
from ..words.formatting import (
    MISSING,
    decimals_for,
    format_count,
    format_difference,
    format_heterogeneity,
    format_p,
    format_percent_interval,
    format_percent_range,
    format_ratio_interval,
    format_test,
)
from ..words.marks import as_read, legend
from ..words.prose import labelled, upper_first
from ..words.terms import BETWEEN, TOGETHER, WITHIN, is_ok, remarks_of, with_remark
from ..words.terms import WITHIN_POOLED as POOLED
from .about import Review, Row
from .html_tables import Cell, Line, Table, line, sheet_address, table
from .phrases import whole
from .summary import DESCRIPTION_BELOW, pool_numbers
from .superscripts import marks_of

COMMON = "glmm-common"  # the primary model with one τ² for all levels
RATIO, RISK_DIFFERENCE = "odds ratio", "risk difference"
WHERE = {
    WITHIN: "inside one study",
    POOLED: "inside studies, pooled",
    BETWEEN: "between studies",
    TOGETHER: "within and between studies",
}


def split_table(review: Review, analysis: str, variable: str) -> Table | None:
    """Give the pools of an analysis within the levels of a variable; None when it is not split by it."""
    groups = find_pools(review.table(analysis, "estimates"), review.primary, variable)
    if not groups:
        return None
    order = list(review.choices["variables"].get(variable, {}).get("levels", {}))
    groups.sort(key=lambda r: order.index(r["group"]) if r["group"] in order else len(order))
    decimals = decimals_for(number(r, "estimate") for r in groups)
    label = review.analyses[analysis]["label"]
    name = review.variable(variable).lower()
    return table(
        f"{label} by {name}: each level's own pool",
        (
            review.variable(variable),
            "#Studies",
            "#Events",
            f"#{review.unit.capitalize()}",
            *percent_heads(review),
            "What",
        ),
        [split_line(review, r, variable, decimals) for r in groups],
        files=(f"{analysis}/estimates.csv",),
        notes=tuple(split_tests(review, analysis, variable)),
        stacked=True,
    )


def percent_heads(review: Review) -> tuple[str, str]:
    """Give the headings of estimate and prediction interval."""
    return f"#% ({review.level} CI)", f"#{review.level} PI, %"


def split_line(review: Review, row: Row, variable: str, decimals: int) -> Line:
    """Give the line of one level."""
    return line(
        (
            review.level_name(variable, row["group"]),
            *(format_count(int(row[key])) for key in ("studies", "events", "patients")),
            format_percent_interval(*pool_numbers(row), decimals),
            format_percent_range(number(row, "pi_low"), number(row, "pi_high"), decimals),
            status_words(row),
        )
    )


def status_words(row: Row) -> str:
    """Say what a pooled number is: pool, description of two studies, or the reason why it is neither."""
    if not is_ok(row["status"]):
        return row["status"]
    what = "pool" if int(row["studies"]) >= DESCRIPTION_BELOW else f"a description of {row['studies']} studies"
    return with_remark(what, remarks_of(row["status"]))


def split_tests(review: Review, analysis: str, variable: str) -> Iterable[str]:
    """Give the tests for differences between the levels, or why there is none."""
    levels = review.choices["variables"].get(variable, {}).get("levels", {})
    for row in review.table(analysis, "estimates"):
        if row["subset"] != variable or row["group"] or row["model"] not in (review.primary, COMMON):
            continue
        remarks = labelled(remarks_of(row["status"]), levels)
        if row["test"]:
            test = format_test(number(row, "test"), number(row, "test_df"), number(row, "test_p"))
            more = f" ({remarks})" if remarks else ""
            words = f"Test between levels ({row['test_name']}): {test}{more}."
            yield f"{words} It compares studies, not patients within a study."
        elif not int(row["k"] or 0) and remarks:
            model = "one τ² for all groups" if row["model"] == COMMON else "each group with its own τ²"
            yield f"Test between levels ({model}): none ({remarks})."


def contrast_table(review: Review) -> Table | None:
    """Give every comparison of two levels that has a number, and the reasons of the others as notes."""
    rows = review.table("results", "contrasts")
    shown = [r for r in rows if r["estimate"]]
    if not shown:
        return None
    lines = [
        line(
            (
                review.analyses[r["analysis"]]["label"],
                " against ".join(review.level_name(r["by"], r[side]) for side in ("first", "second")),
                Cell(review.label(r["study"]), sheet_address(r["study"])) if r["study"] else WHERE[r["kind"]],
                *(f"{r[f'{side}_events']}/{r[f'{side}_patients']}" for side in ("first", "second")),
                Cell(
                    measure_words(r["measure"]), small="; ".join(filter(None, (r["method"], remarks_of(r["status"]))))
                ),
                effect_words(r),
                p_cell(r),
            )
        )
        for r in shown
    ]
    estimate = f"#Estimate ({review.level} CI)"
    heads = ("Outcome", "Comparison", "Where", "#First", "#Second", "*Measure", estimate, "#P")
    return table(
        "Levels set against each other, inside a study and between studies",
        heads,
        lines,
        files=("contrasts.csv",),
        notes=(
            "What stands inside one study compares patients of the same centre; what stands between studies does not.",
        ),
        stacked=True,
    )


def p_cell(row: Row) -> Cell:
    """Give a P value with the test it is of."""
    return Cell(format_p(number(row, "p")), small=row["p_test"]) if row["p"] else Cell(MISSING)


def measure_words(measure: str) -> str:
    """Name a measure with its unit."""
    return "risk difference, percentage points" if measure == RISK_DIFFERENCE else measure


def effect_words(row: Row) -> str:
    """Give an effect with its interval, in the form its measure asks for."""
    values = pool_numbers(row)
    return format_difference(*values) if row["measure"] == RISK_DIFFERENCE else format_ratio_interval(*values)


def risk_factor_table(review: Review) -> Table | None:
    """Give each study's 2×2 table with its effects, and what is pooled."""
    rows = [r for r in review.table("results", "comparisons") if r["estimate"] and r["measure"] == RATIO]
    if not rows:
        return None
    kept = [r for r in rows if r["kind"] != "pooled" or int(r["studies"]) > 1]
    marked = [comparison_marks(review, r) for r in kept]
    lines = [risk_factor_line(review, r, marks) for r, marks in zip(kept, marked, strict=True)]
    heads = (
        "Exposure",
        "Outcome",
        "Study",
        "#Exposed",
        "#Unexposed",
        f"#Odds ratio ({review.level} CI)",
        "#P",
        "*What",
    )
    return table(
        "Exposed against unexposed: odds ratios, unadjusted",
        heads,
        lines,
        files=("comparisons.csv",),
        legend=legend(marked, review.unit),
        notes=("Exposures were not assigned. Risk ratios and risk differences stand in the same file.",),
        stacked=True,
    )


def comparison_marks(review: Review, row: Row) -> str:
    """Give the marks of a 2×2 table; a pool has none."""
    if row["kind"] == "pooled":
        return ""
    return marks_of(as_read(row, review.table("data", "comparisons")), review.study(row["study"]))


def risk_factor_line(review: Review, row: Row, marks: str) -> Line:
    """Give the line of one 2×2 table or pool."""
    source, study = f"model: {row['model']}", Cell("Pooled")
    if row["study"]:
        source = f"{row['basis']}; {as_read(row, review.table('data', 'comparisons'))['source']}"
        study = Cell(review.label(row["study"]), sheet_address(row["study"]), row["arm"], marks)
    return line(
        (
            row["exposure"],
            review.outcome(row["outcome"]),
            study,
            *(f"{row[f'{side}_events']}/{row[f'{side}_patients']}" for side in ("exposed", "unexposed")),
            format_ratio_interval(*pool_numbers(row)),
            p_cell(row),
            f"{source}. {remarks}" if (remarks := remarks_of(row["status"])) else source,
        ),
        strong=row["kind"] == "pooled",
    )


def rate_table(review: Review) -> Table | None:
    """Give the rates of the analyses that are pooled per unit of time."""
    rows = [r for a in review.analyses for r in review.table(a, "rates") if r["estimate"]]
    if not rows:
        return None
    unit = rows[0]["unit"]
    decimals = decimals_for(number(r, "estimate") for r in rows)
    lines = [
        line(
            (
                review.analyses[r["analysis"]]["label"],
                r["model"],
                *(format_count(whole(number(r, key))) for key in ("studies", "events", "person_time")),
                format_percent_interval(*pool_numbers(r), decimals),
                format_percent_range(number(r, "pi_low"), number(r, "pi_high"), decimals),
                status_words(r),
            )
        )
        for r in rows
    ]
    rate = f"#Per 100 ({review.level} CI)"
    heads = ("Outcome", "Model", "#Studies", "#Events", f"#{unit.capitalize()}s", rate, f"#{review.level} PI", "What")
    return table(
        f"Events per 100 {unit}s",
        heads,
        lines,
        files=tuple(dict.fromkeys(f"{r['analysis']}/rates.csv" for r in rows)),
        notes=(
            "Only counts with a stated window; everybody is taken as followed to its end, so the rate is a lower bound "
            "where patients left earlier.",
        ),
    )


def published_table(review: Review) -> Table | None:
    """Give our pools beside the published ones, with what makes each pair comparable or not."""
    rows = review.table("results", "published")
    if not rows:
        return None
    heads = ("Published pool", f"#Published ({review.level} CI)", "#Ours", "Ours, as", "Comparable", "*Note")
    return table(
        "Published pools beside ours; they were not combined",
        heads,
        [published_line(review, r) for r in rows],
        files=("published.csv",),
        notes=("Comparable: whether the two sides can be compared in window, denominator and measure.",),
        stacked=True,
    )


def published_line(review: Review, row: Row) -> Line:
    """Give one pair; published values are per cent already, and are printed as the source has them."""
    theirs = row["published_estimate"]
    about = (
        review.outcome(row["outcome"]).replace("_", " "),
        row["subgroup"],
        row["published_measure"],
        f"k = {row['published_k'] or MISSING}",
    )
    if row["published_low"] and row["published_high"]:
        theirs += f" ({row['published_low']}–{row['published_high']})"
    ours = [number(row, key) / 100 for key in ("estimate", "ci_low", "ci_high")]
    label = review.analyses.get(row["analysis"], {}).get("label", row["analysis"])
    more = f" {upper_first(remarks)}." if (remarks := remarks_of(row["status"])) else ""
    alike = [f"{what} {row[f'{what}_comparable']}" for what in ("window", "denominator", "measure")]
    return line(
        (
            Cell(review.label(row["review"]), small=", ".join(about)),
            theirs,
            Cell(format_percent_interval(*ours, decimals_for(ours[:1])), small=f"k = {row['k']}"),
            Cell(label, small=row["measure"]),
            Cell("; ".join(alike), small=f"same studies: {row['overlap']}"),
            f"{row['note']}{more}",
        )
    )


def heterogeneity_words(pool: Row) -> str:
    """Give the line on heterogeneity of a pool."""
    return format_heterogeneity(*(number(pool, key) for key in ("tau2", "i2", "q", "q_df", "q_p")))
