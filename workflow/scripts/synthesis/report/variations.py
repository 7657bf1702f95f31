"""How the answer moves: other models, studies left out, other defensible choices, properties of the studies."""

from ..tables.files import number
from ..words.formatting import (
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
from ..words.prose import joined
from ..words.terms import LEAVE_ONE, remarks_of
from .about import Review, Row
from .comparing import percent_heads, status_words
from .html_tables import Cell, Line, Table, line, table
from .summary import pool_numbers

NAN = float("nan")


def model_table(review: Review, analysis: str) -> Table | None:
    """Give the pool of all studies by every model of the config."""
    rows = [r for r in review.table(analysis, "estimates") if r["subset"] == "all" and r["estimate"]]
    if len(rows) < 2:
        return None
    decimals = decimals_for(number(r, "estimate") for r in rows)
    lines = [
        line(
            (
                Cell(DESCRIPTIONS.get(r["model"], r["model"]), small=r["model"]),
                format_percent_interval(*pool_numbers(r), decimals),
                format_percent_range(number(r, "pi_low"), number(r, "pi_high"), decimals),
                format_tau2(number(r, "tau2")),
                status_words(r),
            ),
            strong=r["model"] == review.primary,
        )
        for r in rows
    ]
    return table(
        f"{review.analyses[analysis]['label']}: the same studies, other models",
        ("*Model", *percent_heads(review), "#τ²", "What"),
        lines,
        files=(f"{analysis}/estimates.csv",),
        notes=("τ² stands on the scale of its model. In bold: the primary model.",),
    )


def influence_table(review: Review, analysis: str) -> Table | None:
    """Give the pool without each study in turn."""
    rows = [r for r in review.table(analysis, "influence") if r["kind"] == LEAVE_ONE]
    whole = review.pool(analysis)
    if not rows or not whole:
        return None
    decimals = decimals_for(number(r, "estimate") for r in [whole, *rows])
    cells = influence_cells({**whole, "k": whole["studies"]}, decimals)
    every = line(("None", *cells, MISSING, status_words(whole)), strong=True)
    lines = [
        line((review.label(r["study"]), *influence_cells(r, decimals), shift_words(r, decimals), left_words(r)))
        for r in rows
    ]
    return table(
        f"{review.analyses[analysis]['label']}: one study left out at a time",
        ("Left out", "#Studies", *percent_heads(review), "#Shift, points", "What"),
        [every, *lines],
        files=(f"{analysis}/influence.csv",),
    )


def influence_cells(row: Row, decimals: int) -> tuple[str, str, str]:
    """Give studies, estimate and prediction interval of a line of ``influence.csv``, which counts studies as k."""
    return (
        format_count(int(row["k"])),
        format_percent_interval(*pool_numbers(row), decimals),
        format_percent_range(number(row, "pi_low"), number(row, "pi_high"), decimals),
    )


def left_words(row: Row) -> str:
    """Say what a pool with studies left out is."""
    return status_words({**row, "studies": row["k"]})


def shift_words(row: Row, decimals: int) -> str:
    """Give how far the estimate moves, in percentage points."""
    return format_difference(number(row, "shift"), NAN, NAN, decimals)


def multiverse_sentence(review: Review, analysis: str) -> str:
    """Say over how many defensible choices the estimate ranges how far; blank when none were crossed."""
    rows = review.table(analysis, "multiverse_summary")
    if not rows or not rows[0]["estimate_min"]:
        return ""
    row = rows[0]
    values = [number(row, f"estimate_{name}") for name in ("min", "median", "max")]
    decimals = decimals_for(values)
    least, middle, most = (format_percent(value, decimals) for value in values)
    every, sets, pooled = (format_count(int(row[name])) for name in ("specifications", "distinct_row_sets", "pooled"))
    text = (
        f"{every} specifications differ in {joined(choice_words(row))}; they use {sets} different sets of rows. "
        f"{pooled} of them pool at least two studies: their estimates range from {least}% to {most}%, median {middle}%."
    )
    if row["largest_choice"]:
        shift = format_difference(number(row, "largest_shift"), NAN, NAN, decimals)
        text += f" The estimate moves most with {choice_name(row['largest_choice'])} (by {shift} points at most)."
    return text


def choice_words(row: Row) -> list[str]:
    """Name the choices that were crossed."""
    return [choice_name(name) for name in row["choices"].split(";") if name]


CHOICES = {
    "model": "the model",
    "window": "the longest window",
    "unstated": "counts without a stated window",
    "derived": "derived counts",
    "abstracts": "reports that are abstracts",
    "abstract_counts": "counts read in abstracts",
    "overlaps": "studies that share a cohort",
    "sensitivity_rows": "counts held for sensitivity analyses",
    "confirmed_only": "counts read once",
    "risk_of_bias": "risk of bias",
}


def choice_name(name: str) -> str:
    """Give a choice in words."""
    return CHOICES.get(name, name.replace("_", " "))


def multiverse_table(review: Review, analysis: str) -> Table | None:
    """Give the range of the estimates as a table: the data behind the specification curve."""
    rows = [r for r in review.table(analysis, "multiverse_summary") if r["estimate_min"]]
    if not rows:
        return None
    row = rows[0]
    decimals = decimals_for([number(row, "estimate_max")])
    lines = [
        line((name, format_percent(number(row, key), decimals)))
        for name, key in (
            ("Lowest estimate", "estimate_min"),
            ("Median estimate", "estimate_median"),
            ("Highest estimate", "estimate_max"),
            ("Lowest limit of an interval", "ci_low_min"),
            ("Highest limit of an interval", "ci_high_max"),
        )
    ]
    for key in row:
        if key.startswith("share_") and row[key]:
            side, threshold = key.removeprefix("share_").split("_")
            lines.append(
                line((f"Specifications whose interval lies {side} {threshold}%", format_percent(number(row, key))))
            )
    return table(
        f"{review.analyses[analysis]['label']}: over all specifications",
        ("*Quantity", "#%"),
        lines,
        files=(f"{analysis}/multiverse_summary.csv", f"{analysis}/multiverse.csv"),
    )


def regression_table(review: Review) -> Table | None:
    """Give the meta-regressions that could be fitted, by the primary model."""
    rows = [
        r
        for a in review.analyses
        for r in review.table(a, "regression")
        if r["model"] == review.primary and (r["or_per_unit"] or r["lr_p"])
    ]
    if not rows:
        return None
    return table(
        "Properties of the studies against the incidence (meta-regression)",
        ("Outcome", "Property", "#Studies", f"#Odds ratio ({review.level} CI)", "#P", "*What"),
        [regression_line(review, r) for r in rows],
        files=tuple(dict.fromkeys(f"{r['analysis']}/regression.csv" for r in rows)),
        notes=(
            "Between studies, not between patients: a property of a study need not hold for its patients. Odds ratio "
            "per unit, or against the first level. The P value names its test; where it is the likelihood ratio, the "
            "interval is Wald's, and the two may differ. Properties with too few studies stand in the files with the "
            "reason.",
        ),
        stacked=True,
    )


def regression_line(review: Review, row: Row) -> Line:
    """Give one regression."""
    unit = f" ({row['unit']})" if row["unit"] else ""
    name = review.choices["moderators"].get(row["moderator"], {}).get("label") or review.variable(row["moderator"])
    ratio = format_ratio_interval(*(number(row, f"or_{name}") for name in ("per_unit", "ci_low", "ci_high")))
    wald = "Knapp–Hartung" if row["model"].endswith("-hk") else "Wald"
    p, test = (row["lr_p"], "likelihood ratio") if row["lr_p"] else (row["wald_p"], wald)
    return line(
        (
            review.analyses[row["analysis"]]["label"],
            Cell(f"{name}{unit}", small=row["coefficient"]),
            format_count(int(row["studies"])),
            ratio,
            Cell(format_p(float(p)), small=test) if p else MISSING,
            remarks_of(row["status"]),
        )
    )
