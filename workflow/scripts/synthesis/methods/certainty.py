"""What results/methods.md says of tables that are built on request only: simulations, and the check by R.

Such a table may be older than the estimates. What it says is printed only while it is about the estimates as they are.
"""

from math import isclose, isnan

from ..tables.coverage import coverage_text, most_alike
from ..tables.declared import Row
from ..words.formatting import format_count, format_percent
from ..words.model_names import MEANS
from ..words.prose import markdown_table
from ..words.terms import is_ok
from .evidence import Evidence

REQUESTED = {  # as the page calls it → as the file is called
    "crosscheck": "crosscheck",
    "characteristics": "operating_characteristics",
    "characteristics_summary": "operating_characteristics_summary",
}
COVERAGES = ("coverage_mean", "coverage_worst")


def simulated(evidence: Evidence) -> dict:
    """Give the operating characteristics of the models, and where the primary one stands among them."""
    rows = [row for row in evidence.table("characteristics_summary", source="all") if is_ok(row["status"])]
    names = [f"results/{name}.csv" for name in evidence.left_out if name.startswith("operating")]
    if not rows or names:
        return {"simulated": [], "simulated_elsewhere": names}
    head = ["Model", "Mean coverage (MCSE)", "Lowest coverage (MCSE)", "Coverage of prediction"]
    head += ["Mean absolute bias", "Mean width"]
    reviews = {row["reviews"] for row in evidence.table("characteristics")} - {None, 0}
    primary = evidence.choices["models"]["primary"]
    return {
        "simulated_elsewhere": names,
        "simulated": rows,
        "scenarios": max(row["scenarios"] for row in rows),
        "reviews": sorted(reviews),
        "simulated_now": is_current(evidence, "characteristics"),
        "ours": next((row for row in rows if row["model"] == primary), None),
        "least_biased": min(rows, key=lambda row: row["bias_mean_absolute"]),
        "best_covering": min(rows, key=lambda row: abs(row["coverage_mean"] - rows[0]["level"])),
        "of_the_mean": [row["model"] for row in rows if row["model"] in MEANS],
        "characteristics": markdown_table(head, map(characteristics, rows), right=range(1, 6)),
        "most_alike": beside_answers(evidence),
    }


def beside_answers(evidence: Evidence) -> str:
    """Give a line for each answer: the simulated reviews most like it, and the coverage there; blank without any."""
    rows, level = evidence.table("characteristics_summary"), evidence.choices["models"]["level"]
    analyses = evidence.choices["analyses"]
    found = [(pool, most_alike(rows, pool, level)) for pool in evidence.primary if pool["analysis"] in analyses]
    lines = [
        [
            analyses[pool["analysis"]]["label"],
            *(format_count(pool["studies"]), format_percent(pool["estimate"])),
            *(format_count(row["k"]), f"{row['incidence']:.3g}", f"{row['tau_min']:g}–{row['tau_max']:g}"),
            *(coverage_text(row, of) for of in ("coverage", "prediction_coverage")),
        ]
        for pool, row in found
        if row
    ]
    head = ["Analysis", "Studies", "%", "Simulated studies", "Median study, %", "τ", "Coverage, %"]
    return markdown_table([*head, "Coverage of prediction, %"], lines, right=range(1, 8)) if lines else ""


def characteristics(row: Row) -> list[str]:
    """Give the cells of one model: coverages with their Monte Carlo errors, bias and width, in per cent or points."""

    def points(column: str, decimals: int = 1) -> str:
        return format_percent(row[column] / 100, decimals)

    coverages = (f"{points(name)} ({points(f'{name}_mcse')})" for name in COVERAGES)
    numbers = (points("prediction_coverage_mean"), points("bias_mean_absolute", 2), points("width_mean"))
    return [f"`{row['model']}`", *coverages, *numbers]


def is_current(evidence: Evidence, name: str) -> bool:
    """Say whether a table that is built on request is about the estimates as they are now."""
    if name == "crosscheck":
        keys = ("analysis", "subset", "group", "model")
        now = {tuple(row[key] for key in keys): row for row in evidence.table("estimates")}
        rows = [row for row in evidence.table(name) if not isnan(row["ours"])]
        mine = [now.get(tuple(row[key] for key in keys), {}).get(row["quantity"]) for row in rows]
        return bool(rows) and all(
            value is not None and isclose(value, row["ours"], rel_tol=1e-9, abs_tol=1e-12)
            for value, row in zip(mine, rows, strict=True)
        )
    truths = {r["analysis"]: r["estimate"] for r in evidence.table("estimates", subset="all", group="", model="glmm")}
    return all(
        row["analysis"] in truths and isclose(row["incidence"], 100 * truths[row["analysis"]], rel_tol=1e-6)
        for row in evidence.table(name, source="data")
        if not isnan(row["incidence"])
    )


def checked(evidence: Evidence) -> dict:
    """Sum up the comparison with R: numbers, verdicts, and the bound on the difference of each model."""
    rows = evidence.table("crosscheck")
    compared = [row for row in rows if not isnan(row["r"])]
    worst: dict[str, list[float]] = {}
    for row in compared:
        worst.setdefault(row["model"], []).append(row["relative_difference"])
    lines = [[f"`{model}`", format_count(len(found)), f"{max(found):.0e}"] for model, found in worst.items()]
    return {
        "checked_elsewhere": "crosscheck" in evidence.left_out,
        "checked_now": is_current(evidence, "crosscheck"),
        "checked": len(compared),
        "differing": sum(row["verdict"] == "differs" for row in compared),
        "unanswered": sum(row["verdict"] == "no answer from R" for row in rows),
        "worst_differences": markdown_table(["Model", "Numbers", "Differences below"], lines, right=(1, 2)),
    }
