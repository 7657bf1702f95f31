"""What results/methods.md counts: the numbers and names that the sentences of methods.md.j2 are filled with."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import isnan, nan

from ..moderators.permutation import EXACT_UP_TO
from ..selection.sharing import ARTICLE_FIRST
from ..tables.evidence_size import different_counts, size_of, study_names
from ..tables.pools import events_text, state_of, sum_events
from ..words.formatting import format_count
from ..words.levels import OPEN, UNSTATED
from ..words.model_names import DESCRIPTIONS, SCALES, SHORT_NAMES, WALD_TESTED, scale_of
from ..words.prose import markdown_table
from ..words.terms import NOT_PRIMARY, is_ok, remarks_of, with_remark
from .evidence import Evidence, without_events

# How the reasons of rows.csv begin, and what a reader is told: selection/rows.py writes them.
REASONS = {
    "excluded: ": "Excluded in the sheet",
    "count not reported": "Count not reported",
    "sensitivity only: ": "Sensitivity analyses only",
    "ascertainment: ": "Ascertainment",
    "window: ": "Window",
    "basis: ": "Basis",
    "reading: ": "Not read twice",
    "size: ": "Size",
    **dict.fromkeys(
        ("another outcome ", "another row ", "the study enters once"), "Other outcome, row or arm of the study"
    ),
    "shares patients ": "Shares a cohort",
}
COUNTS_MODEL = ("glmm", "glmm-t")  # the random-effects logistic model, by the quantile of its interval
COMPARABLE = ("window_comparable", "denominator_comparable", "measure_comparable")


def counted(evidence: Evidence) -> dict:
    """Give everything that is counted; what was not built counts 0."""
    parts = (read, selection, flow, pools, models, analyses, subgroups, regression, sensitivity, beside)
    return {name: value for part in parts for name, value in part(evidence).items()}


def read(evidence: Evidence) -> dict:
    """Count the sheets, the counts that are pooled, their readings, and the judgements of risk of bias."""
    pooled = evidence.pooled
    entered, counts = {row["study"] for row in pooled}, different_counts(pooled)
    bases, readings = (Counter(row[key] for row in counts) for key in ("basis", "second_reading"))
    tools = defaultdict(set)
    for row in evidence.table("risk_of_bias"):
        tools[row["tool"]].add(row["study"])
    return {
        "reports": Counter(row["report"] for row in evidence.table("studies")).most_common(),
        "counts": len(counts),
        "entered": size_of(entered, study_names(pooled)),
        "bases": bases,
        "readings": readings,
        "once": len(counts) - readings["agree"] - readings["disagree"],
        "tools": [(tool, len(studies), len(studies & entered)) for tool, studies in tools.items()],
    }


def selection(evidence: Evidence) -> dict:
    """Give the rules of selection that the analyses of this review follow."""
    choices = evidence.choices["analyses"].values()
    windows = defaultdict(list)
    for analysis in choices:
        windows[tuple(analysis["window"][key] for key in ("max_days", OPEN, UNSTATED))].append(analysis["label"])
    return {
        "preferred": any(len(analysis["outcomes"]) > 1 for analysis in choices),
        "cohorts": any(analysis["arms"] == "cohort" for analysis in choices),
        "by_arm": [analysis["label"] for analysis in choices if analysis["arms"] == "product"],
        "order_of_reports": ARTICLE_FIRST,
        "windows": list(windows.items()),
        "pooled": len(evidence.pooled),
        "open": sum(row["window"] == OPEN for row in evidence.pooled),
        "silent": sum(row["window"] == UNSTATED for row in evidence.pooled),
    }


def flow(evidence: Evidence) -> dict:
    """Count, for each analysis, the candidates, what is pooled and what stays out by reason."""
    flows = []
    for name, analysis in evidence.choices["analyses"].items():
        rows = evidence.table("rows", analysis=name, subset="all")
        reasons = Counter(reason_of(row["reason"]) for row in rows if row["use"] == "no")
        flows.append((analysis["label"], len(rows), sum(row["use"] == "yes" for row in rows), reasons))
    shown = [name for name in dict.fromkeys(REASONS.values()) if any(reasons[name] for *_, reasons in flows)]
    lines = [
        [label, *map(format_count, [candidates, used, *(reasons[name] for name in shown)])]
        for label, candidates, used, reasons in flows
    ]
    head = ["Analysis", "Candidates", "Pooled", *shown]
    return {"flow": markdown_table(head, lines, right=range(1, len(head)))}


def reason_of(text: str) -> str:
    """Give the kind of a reason; its own words where it is of no known kind."""
    return next((name for start, name in REASONS.items() if text.startswith(start)), text)


def pools(evidence: Evidence) -> dict:
    """Count what the pools of the primary model are: predicted, without events, one study, τ² of 0 and so on."""
    predicted = [row["studies"] for row in evidence.primary if not isnan(row["pi_low"])]
    rows = defaultdict(list)
    for row in evidence.pooled:
        rows[row["analysis"]].append(row)
    empty = [len(without_events(mine)) for mine in rows.values()]
    return {
        "predicted": len(predicted),
        "freedom": sorted({studies - 1 for studies in predicted}),
        "without_events": sum(empty),
        "with_such": sum(n > 0 for n in empty),
        "states": Counter(map(state_of, evidence.primary)),
        "stuck": sum(row["status"].startswith("did not converge") for row in evidence.primary),
        "homogeneous": sum(row["tau2"] == 0 for row in evidence.primary),
    }


def models(evidence: Evidence) -> dict:
    """Say which models there are, and take the names of the two-stage ones apart."""
    from ..models.bayes import MU_SD, TAU_SCALE

    names, parts, choices = evidence.models, two_stage(evidence.models), evidence.choices["models"]
    fits = evidence.table("fits")
    fitted = fits or {*COUNTS_MODEL} & {*names, *choices["subgroups"]}
    scales = {scale: list(dict.fromkeys(one[1] for one in parts if one[0] == scale)) for scale, *_ in parts}
    return {
        "models": names,
        "descriptions": DESCRIPTIONS,
        "counts_model": fitted
        and (sorted((name for name in COUNTS_MODEL if name in names), key=choices["primary"].__ne__) or ["glmm"]),
        "nodes": sorted({row["nodes"] for row in fits if row["nodes"]}),
        "prior": {"tau_scale": f"{TAU_SCALE:g}", "tau_median": f"{0.6745 * TAU_SCALE:.2g}", "mu_sd": f"{MU_SD:g}"},
        "scales": scales,
        "corrected": [scale for scale in scales if scale in ("logit", "log")],
        "intervals": list(dict.fromkeys(interval for *_, interval in parts)),
    }


def two_stage(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Take the names of two-stage models apart: scale, estimator, interval.

    >>> two_stage(["glmm", "logit-reml-hk", "ft-dl"])
    [('logit', 'reml', 'hk'), ('ft', 'dl', '')]
    """
    parts = (tuple(f"{name}--".split("-")[:3]) for name in names)
    return [part for part in parts if part[0] in ("logit", *SCALES)]


def analyses(evidence: Evidence) -> dict:
    """Give what each analysis pooled: outcomes, studies, events, studies without events, df of the prediction."""
    outcomes, unit = evidence.choices["outcomes"], evidence.choices["review"]["unit"]
    primaries = {row["analysis"]: row for row in evidence.primary}
    head = ["Analysis", "Outcomes, in order", "Studies", "Events", unit.capitalize(), "Studies without events"]
    head += ["Window open", "Window unstated", "Prediction df", "Primary model"]
    lines = []
    for name, analysis in evidence.choices["analyses"].items():
        rows = [row for row in evidence.pooled if row["analysis"] == name]
        primary = primaries.get(name, {"pi_low": nan, "status": ""})
        k = len({row["study"] for row in rows})
        counted = [sum(row["patients"] for row in rows), len(without_events(rows))]
        counted += [sum(row["window"] == kind for row in rows) for kind in (OPEN, UNSTATED)]
        df = "–" if isnan(primary["pi_low"]) else format_count(k - 1)
        accepted = "; ".join(outcomes[outcome]["label"] for outcome in analysis["outcomes"])
        said = primary["status"] or "not fitted"
        status = with_remark("fitted", remarks_of(said)) if is_ok(said) else said
        lines.append(
            [
                analysis["label"],
                accepted,
                format_count(k),
                events_text(sum_events(rows)),
                *map(format_count, counted),
                df,
                status,
            ]
        )
    return {"table_of_analyses": markdown_table(head, lines, right=range(2, 9))}


def subgroups(evidence: Evidence) -> dict:
    """Say what pools are split by, with which models, how many tests there are, and what is set against what."""
    choices = evidence.choices
    names = list(dict.fromkeys([choices["models"]["primary"], *choices["models"]["subgroups"]]))
    tests = [row for row in evidence.table("estimates", group="") if row["subset"] != "all"]
    possible = Counter(row["model"] for row in tests if not isnan(row["test_p"]))

    def level(contrast: Mapping, side: str) -> str:
        return choices["variables"][contrast["by"]]["levels"].get(contrast[side], contrast[side])

    return {
        "split_by": dict.fromkeys(v for one in choices["analyses"].values() for v in one["subgroups"]),
        "split_models": names,
        "split_two_stage": bool(two_stage(names)),
        "wald": [name for name in WALD_TESTED if name in names],
        "tests": [
            f"{format_count(possible[model])} of {format_count(n)} with `{model}`"
            for model, n in Counter(row["model"] for row in tests).items()
        ],
        "pairs": [f"{level(one, 'first')} against {level(one, 'second')}" for one in choices["contrasts"]],
    }


def regression(evidence: Evidence) -> dict:
    """Count the regressions, and name the continuous moderators."""
    rows = evidence.table("regression")
    fitted = [row["studies"] for row in rows if not isnan(row["wald_p"])]
    return {
        "moderators": dict.fromkeys(row["moderator"] for row in rows if row["kind"] == "continuous"),
        "permuted": Counter(row["permutation_method"] for row in rows),
        "exact_up_to": EXACT_UP_TO,
        "fitted": len(fitted),
        "large": sum(studies >= 10 for studies in fitted),
    }


def sensitivity(evidence: Evidence) -> dict:
    """Count the subsets, the bootstrap, the specifications, and the analyses that say something of a new study."""
    choices, primary = evidence.choices, evidence.choices["models"]["primary"]
    subsets = {row["analysis"]: row for row in reversed(evidence.table("subsets"))}  # the first row of each
    bootstrapped = evidence.table("bootstrap", quantity="estimate")
    summary = evidence.table("multiverse_summary")
    return {
        "kinds": Counter(subsets[name]["kind"] for name in choices["analyses"] if name in subsets),
        "left_to_glmm": sum(row["model"] != primary for row in subsets.values()),
        "drawn_from_glmm": any(NOT_PRIMARY in row["status"] for row in bootstrapped),
        "scale": scale_of(primary),
        "bootstrapped": sum(not isnan(row["low"]) for row in bootstrapped),
        "crossed": {choice for row in summary for choice in row["choices"].split(";")},
        "curve_models": [SHORT_NAMES[name] for name in dict.fromkeys([primary, *choices["multiverse"]["models"]])],
        "combinations": sum(row["combinations"] for row in summary),
        "specifications": sum(row["specifications"] for row in summary),
        "specifications_pooled": sum(row["pooled"] for row in summary),
        "foretold": len({row["analysis"] for row in evidence.table("future") if row["quantity"]}),
        "thresholds": [f"{threshold:g}%" for threshold in choices["future"]["thresholds"]],
        "seeds": sorted({one["seed"] for one in choices.values() if isinstance(one, Mapping) and "seed" in one}),
    }


def beside(evidence: Evidence) -> dict:
    """Count what stands beside the pools: 2×2 tables, tests of asymmetry, published pools."""
    compared = evidence.table("comparisons")
    pairs = {(row["exposure"], row["outcome"]): row["studies"] or 0 for row in compared if row["kind"] == "pooled"}
    tables = {(r["exposure"], r["outcome"], r["study"], r["arm"]) for r in compared if r["kind"] == "study"}
    return {
        "two_by_two": len(tables),
        "exposures": len(pairs),
        "several": sum(studies > 1 for studies in pairs.values()),
        "asymmetry": dict.fromkeys(row["analysis"] for row in evidence.table("small_study") if not isnan(row["p"])),
        "alike": sum(all(row[aspect] == "yes" for aspect in COMPARABLE) for row in evidence.table("published")),
    }
