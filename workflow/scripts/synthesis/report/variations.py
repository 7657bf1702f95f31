"""How the answer moves: other models, studies left out, other defensible choices, properties of the studies."""

from math import nan

from ..tables.declared import Row
from ..tables.pools import OVERALL, estimate_text, prediction_text
from ..words import formatting as fmt
from ..words.model_names import DESCRIPTIONS, interval_of
from ..words.terms import LEAVE_ONE, remarks_of
from .about import Review
from .html_tables import Cell, Line, Table, table
from .phrases import p_cell, status_words

RANGE = {
    "estimate_min": "Lowest estimate",
    "estimate_median": "Median estimate",
    "estimate_max": "Highest estimate",
    "ci_low_min": "Lowest limit of an interval",
    "ci_high_max": "Highest limit of an interval",
}


def model_table(review: Review, analysis: str) -> Table | None:
    """Give the pool of all studies by every model of the config."""
    rows = [row for row in review.estimated(analysis, "estimates") if row["subset"] == OVERALL]
    decimals = fmt.decimals_for(row["estimate"] for row in rows)

    def cells(row: Row) -> dict[str, str | Cell]:
        name = row["model"]
        model = Cell(DESCRIPTIONS.get(name, name), small=f"{name}; {review.level} {interval_of(name)}")
        return {
            "*Model": model,
            f"#% ({review.level} interval)": estimate_text(row, decimals),
            f"#{review.level} PI, %": prediction_text(row, decimals),
            "#τ²": fmt.format_tau2(row["tau2"]),
            "What": status_words(row),
        }

    return table(
        f"{review.title(analysis)}: the same studies, other models",
        [Line(cells(row), strong=row["model"] == review.primary) for row in rows if len(rows) > 1],
        files=(f"{analysis}/estimates.csv",),
        notes=("τ² stands on the scale of its model. In bold: the primary model.",),
    )


def influence_table(review: Review, analysis: str) -> Table | None:
    """Give the pool without each study in turn."""
    whole = review.pool(analysis)
    rows = [row for row in review.table(analysis, "influence") if row["kind"] == LEAVE_ONE and whole]
    rows = [row | {"studies": row["k"]} for row in rows]  # influence.csv counts studies as k
    decimals = fmt.decimals_for(row["estimate"] for row in [whole, *rows] if row)

    def cells(name: str, row: Row) -> dict[str, str]:
        found = {"Left out": name, **review.counts(row, "studies"), **review.intervals(row, decimals)}
        return found | {"#Shift, points": points(row.get("shift"), decimals), "What": status_words(row)}

    every = [Line(cells("None", whole), strong=True)] if rows else []
    return table(
        f"{review.title(analysis)}: one study left out at a time",
        [*every, *(cells(review.label(row["study"]), row) for row in rows)],
        files=(f"{analysis}/influence.csv",),
    )


def points(shift: float | None, decimals: int) -> str:
    """Give how far an estimate moves, in percentage points."""
    return fmt.format_difference(shift, nan, nan, decimals)


def crossed(review: Review, analysis: str) -> Row:
    """Give how far the estimate ranges over all specifications; empty when none were crossed."""
    rows = review.table(analysis, "multiverse_summary")
    return rows[0] if rows and not fmt.is_missing(rows[0]["estimate_min"]) else {}


def multiverse_table(review: Review, analysis: str) -> Table | None:
    """Give the range of the estimates as a table: the data behind the specification curve."""
    row = crossed(review, analysis)
    decimals = fmt.decimals_for([row.get("estimate_max")])
    lines = {name: fmt.format_percent(row[key], decimals) for key, name in RANGE.items() if row}
    for key, share in row.items():
        if key.startswith("share_") and not fmt.is_missing(share):
            side, threshold = key.removeprefix("share_").split("_")
            lines[f"Specifications whose interval lies {side} {threshold}%"] = fmt.format_percent(share)
    return table(
        f"{review.title(analysis)}: over all specifications",
        [{"*Quantity": name, "#%": text} for name, text in lines.items()],
        files=(f"{analysis}/multiverse_summary.csv", f"{analysis}/multiverse.csv"),
    )


def regression_table(review: Review) -> Table | None:
    """Give the meta-regressions that could be fitted, by the primary model."""
    rows = [
        row
        for analysis in review.analyses
        for row in review.table(analysis, "regression")
        if row["model"] == review.primary and not (fmt.is_missing(row["or_per_unit"]) and fmt.is_missing(row["lr_p"]))
    ]
    return table(
        "Properties of the studies against the incidence (meta-regression)",
        [regression_cells(review, row) for row in rows],
        files=tuple(dict.fromkeys(f"{row['analysis']}/regression.csv" for row in rows)),
        notes=(
            "Between studies, not between patients: a property of a study need not hold for its patients. Odds ratio "
            "per unit, or against the first level. The P value names its test; where it is the likelihood ratio, the "
            "interval is Wald's, and the two may differ. Properties with too few studies stand in the files with the "
            "reason.",
        ),
        stacked=True,
    )


def regression_cells(review: Review, row: Row) -> dict[str, str | Cell]:
    """Give the cells of one regression."""
    unit = f" ({row['unit']})" if row["unit"] else ""
    name = review.choices["moderators"].get(row["moderator"], {}).get("label") or review.variable(row["moderator"])
    wald = "Knapp–Hartung" if row["model"].endswith("-hk") else "Wald"
    p, test = (row["wald_p"], wald) if fmt.is_missing(row["lr_p"]) else (row["lr_p"], "likelihood ratio")
    ratio = fmt.format_ratio_interval(row["or_per_unit"], row["or_ci_low"], row["or_ci_high"])
    return {
        "Outcome": review.title(row["analysis"]),
        "Property": Cell(f"{name}{unit}", small=row["coefficient"]),
        **review.counts(row, "studies"),
        f"#Odds ratio ({review.level} CI)": ratio,
        "#P": p_cell({"p": p, "p_test": test}),
        "*What": remarks_of(row["status"]),
    }
