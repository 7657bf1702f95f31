"""The paragraphs of results/methods.md on what is built on request only: simulations, and the check by R.

Such a table may be older than the estimates. What it says is printed only while it is about the estimates as they are.
"""

from collections.abc import Sequence
from math import isclose

from ..words.formatting import MISSING, format_count, format_odds_ratio, format_percent, format_statistic
from ..words.prose import agree, joined, line, plural
from ..words.terms import is_ok
from .evidence import Evidence, Row

REQUESTED = {  # as the page calls it → as the file is called
    "crosscheck": "crosscheck",
    "characteristics": "operating_characteristics",
    "characteristics_summary": "operating_characteristics_summary",
}


def simulation_text(evidence: Evidence) -> str:
    """Give the operating characteristics behind the choice of the primary model, or say they were not simulated."""
    rows = [row for row in evidence.table("characteristics_summary", source="all") if is_ok(row["status"])]
    if other := [name for name in evidence.left_out if name.startswith("operating")]:
        return another_version(other, "operating_characteristics")
    if not rows:
        return (
            "The operating characteristics of the models were not simulated for this release; "
            "`snakemake operating_characteristics` does it."
        )
    sizes = {int(float(row["reviews"])) for row in evidence.table("characteristics") if float(row["reviews"] or 0) > 0}
    each = f" of {joined(map(format_count, sorted(sizes)), 'or')} reviews each" if sizes else ""
    scenarios = max(int(row["scenarios"]) for row in rows)
    old = "" if is_current(evidence, "characteristics") else " They are older than these estimates and due again."
    head = [
        "Model",
        "Mean coverage (MCSE)",
        "Lowest coverage (MCSE)",
        "Coverage of prediction",
        "Mean absolute bias",
        "Mean width",
    ]
    lines = [line(head), line(["---", *["---:"] * 5])]
    lines += [line([f"`{row['model']}`", *characteristics(row)]) for row in rows]
    return (
        f"Reviews like this one were simulated [@morris2019]: {plural(scenarios, 'scenario')}{each}, over a grid of "
        "numbers of studies, proportions and τ with sizes drawn from those of the pooled studies, and with each "
        f"analysis's own sizes and estimates as the truth.{old} Per cent: coverage of the proportion of the median "
        "study by the confidence interval, mean and lowest over the scenarios, with the Monte Carlo standard error "
        "(MCSE), and the mean probability inside the prediction interval. Percentage points: the absolute bias and "
        "the width of the "
        f"confidence interval, mean over the scenarios. {ranking(evidence, rows)}\n\n" + "\n".join(lines)
    )


def another_version(names: Sequence[str], target: str) -> str:
    """Say that tables were left out, and what makes them anew."""
    files = joined(f"`results/{name}.csv`" for name in names)
    be = agree(len(names), "is", "are")
    return f"{files} {be} of another version of the workflow and left out; `snakemake {target}` makes a new one."


def ranking(evidence: Evidence, rows: Sequence[Row]) -> str:
    """Say where the primary model stands in bias and coverage, whichever way that is."""
    primary, nominal = evidence.choices["models"]["primary"], float(rows[0]["level"])
    mine = next((row for row in rows if row["model"] == primary), None)
    if mine is None:
        return f"The primary model, `{primary}`, was not among those simulated."
    bias, coverage = (lambda row: float(row["bias_mean_absolute"])), (lambda row: float(row["coverage_mean"]))
    least, best = min(rows, key=bias), min(rows, key=lambda row: abs(coverage(row) - nominal))
    told = f"The primary model, `{primary}`, has a mean absolute bias of {points(mine['bias_mean_absolute'])} points, "
    told += (
        "the smallest of all models,"
        if least is mine
        else f"where `{least['model']}` has the smallest, {points(least['bias_mean_absolute'])},"
    )
    told += (
        f" and its {nominal:g}% confidence interval covers in {points(mine['coverage_mean'], 1)}% on average and in "
        f"{points(mine['coverage_worst'], 1)}% at worst (k = {int(float(mine['worst_k']))}, median study "
        f"{points(mine['worst_incidence'], 1)}%, τ = {format_tau(mine['worst_tau'])})"
    )
    if best is not mine:
        wider = format_odds_ratio(float(best["width_mean"]) / float(mine["width_mean"]))
        told += (
            f"; closest to nominal on average is `{best['model']}`, {points(best['coverage_mean'], 1)}%, with "
            f"intervals {wider} times as wide"
        )
    told += "."
    if coverage(mine) < nominal - 1:
        told += " So it covers less than it says: read the intervals of the other models beside it."
    others = [f"`{row['model']}`" for row in rows if row["model"] in ("betabinom", "crude")]
    if others:
        told += f" {joined(others)} {agree(len(others), 'estimates', 'estimate')} the mean and not the median study."
    return told


def format_tau(text: str) -> str:
    """Give τ with 2 decimals, and 0 as such."""
    return "0" if float(text) == 0 else format_statistic(float(text))


def points(text: str, decimals: int = 2) -> str:
    """Give a number in per cent or percentage points, which the table of simulations already is in."""
    return format_percent(float(text) / 100, decimals) if text else MISSING


def characteristics(row: Row) -> list[str]:
    """Give the cells of one model: coverages with their Monte Carlo errors, bias and width."""
    return [
        f"{points(row['coverage_mean'], 1)} ({points(row['coverage_mean_mcse'], 1)})",
        f"{points(row['coverage_worst'], 1)} ({points(row['coverage_worst_mcse'], 1)})",
        points(row["prediction_coverage_mean"], 1),
        points(row["bias_mean_absolute"]),
        points(row["width_mean"], 1),
    ]


def is_current(evidence: Evidence, name: str) -> bool:
    """Say whether a table that is built on request is about the estimates as they are now."""
    if name == "crosscheck":
        now = {
            tuple(r[key] for key in ("analysis", "subset", "group", "model")): r for r in evidence.table("estimates")
        }
        rows = [row for row in evidence.table(name) if row["ours"]]
        old = [
            row
            for row in rows
            if not _same(row, now.get(tuple(row[k] for k in ("analysis", "subset", "group", "model"))))
        ]
        return bool(rows) and not old
    truths = {row["analysis"]: row for row in evidence.table("estimates", subset="all", group="", model="glmm")}
    rows = [row for row in evidence.table(name, source="data") if row["incidence"]]
    return all(
        row["analysis"] in truths
        and truths[row["analysis"]]["estimate"] != ""
        and isclose(float(row["incidence"]), 100 * float(truths[row["analysis"]]["estimate"]), rel_tol=1e-6)
        for row in rows
    )


def _same(row: Row, estimate: Row | None) -> bool:
    """Say whether a compared number still stands in the estimates."""
    mine = (estimate or {}).get(row["quantity"], "")
    return mine != "" and isclose(float(mine), float(row["ours"]), rel_tol=1e-9, abs_tol=1e-12)


def crosscheck_text(evidence: Evidence) -> str:
    """Say how many numbers a second programme confirmed, and how closely, model by model."""
    rows = evidence.table("crosscheck")
    if "crosscheck" in evidence.left_out:
        text = another_version(["crosscheck"], "crosscheck")
    elif not rows:
        text = "The estimates were not computed again in R for this release; `snakemake crosscheck` does it."
    elif not is_current(evidence, "crosscheck"):
        text = "The last comparison with R is older than these estimates; `snakemake crosscheck` repeats it."
    else:
        text = comparison_with_r(rows)
    alone = (
        "Each analysis has an R script, `reproduce.R`, that holds its counts, fits them again and stops when its "
        "headline numbers differ [@bates2015; @viechtbauer2010]."
    )
    return f"{text} {alone}" if not text.endswith("|") else f"{text}\n\n{alone}"


def comparison_with_r(rows: Sequence[Row]) -> str:
    """Sum up a comparison with R: numbers, verdicts, and the bound on the difference of each model."""
    compared = [row for row in rows if row["r"]]
    differs = sum(row["verdict"] == "differs" for row in compared)
    silent = sum(row["verdict"] == "no answer from R" for row in rows)
    text = (
        f"R's metafor and lme4 [@viechtbauer2010; @bates2015] computed {format_count(len(compared))} of "
        f"the estimates' numbers again from the same counts, in a programme of its own; {format_count(differs)} "
        f"{agree(differs, 'differs', 'differ')} by more than the tolerance. The largest relative difference of each "
        "model stays below:"
    )
    worst: dict[str, list[float]] = {}
    for row in compared:
        worst.setdefault(row["model"], []).append(float(row["relative_difference"]))
    lines = [line(["Model", "Numbers", "Differences below"]), line(["---", "---:", "---:"])]
    lines += [line([f"`{model}`", format_count(len(found)), f"{max(found):.0e}"]) for model, found in worst.items()]
    after = f"\n\nFor {plural(silent, 'estimate')} R gave no answer." if silent else ""
    return text + "\n\n" + "\n".join(lines) + after
