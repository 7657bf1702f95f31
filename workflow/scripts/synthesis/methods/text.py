"""results/methods.md: what was done, in prose a journal can print, written from the config and the results.

Nothing is typed that the config or a table could contradict: a method is described when the config turns it on, with
the settings it had, and every count comes from a table. Here the page is put together, with the evidence and how it
was selected; the paragraphs on models, analyses and checks are in modules of their own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from ..selection.rows import ARTICLE_FIRST
from ..tables.declared import is_of_this_engine
from ..tables.files import read_table, write_text
from ..words.formatting import format_count
from ..words.prose import agree, inside, joined, line, percent, plural
from ..words.terms import is_ok, remarks_of, with_remark
from .analyses import (
    comparison_text,
    contrast_text,
    future_text,
    multiverse_text,
    published_text,
    rate_text,
    regression_text,
    sensitivity_text,
    small_study_text,
    subgroup_text,
)
from .bibliography import number_references
from .certainty import REQUESTED, crosscheck_text, simulation_text
from .evidence import Evidence, without_events
from .model_texts import heterogeneity_text, models_text, primary_text, special_text

# How the reasons of rows.csv begin, and what a reader is told: selection.py writes them.
REASONS = (
    ("excluded: ", "Excluded in the sheet"),
    ("count not reported", "Count not reported"),
    ("sensitivity only: ", "Sensitivity analyses only"),
    ("ascertainment: ", "Ascertainment"),
    ("window: ", "Window"),
    ("basis: ", "Basis"),
    ("reading: ", "Not read twice"),
    ("size: ", "Size"),
    ("another outcome ", "Other outcome, row or arm of the study"),
    ("another row ", "Other outcome, row or arm of the study"),
    ("the study enters once", "Other outcome, row or arm of the study"),
    ("shares patients ", "Shares a cohort"),
)
BASIS = {
    "stated": "printed in the source",
    "derived": "computed from what the source prints",
    "reconstructed": "rebuilt from margins",
}
REPORTS = {
    "article": ("article", "articles"),
    "abstract": ("abstract", "abstracts"),
    "label": ("label", "labels"),
    "review-table": ("table of a review", "tables of reviews"),
    "registry": ("registry", "registries"),
    "systematic review": ("systematic review", "systematic reviews"),
    "manufacturer": ("publication of a manufacturer", "publications of manufacturers"),
}
# Packages whose version is printed: name → reference.
PACKAGES = {
    "snakemake": "molder2021",
    "numpy": "harris2020",
    "scipy": "virtanen2020",
    "pandas": "mckinney2010",
    "pymare": "",
    "matplotlib": "hunter2007",
}


def write_methods_file(
    tables: Mapping[str, Iterable[str]],
    methods_md: str,
    *,
    choices: Mapping,
    software: Mapping[str, str],
) -> None:
    """Read the tables of all analyses and write the page.

    Parameters
    ----------
    tables : mapping
        Name → paths of the tables that are joined under it; none for a table that was not built.
    methods_md : str
    choices, software : mapping
        See :class:`Evidence`.
    """
    requested = ((table, path) for name, table in REQUESTED.items() for path in tables.get(name, ()))
    left_out = [table for table, path in requested if not is_of_this_engine(table, path)]
    kept = {name: paths for name, paths in tables.items() if REQUESTED.get(name) not in left_out}
    found = {name: [row for path in paths for row in read_table(path)] for name, paths in kept.items()}
    write_text(methods_md, methods(Evidence(choices, found, software, left_out)))


def methods(evidence: Evidence) -> str:
    """Write the page as Markdown."""
    parts = [
        ("", opening(evidence)),
        ("Evidence", evidence_text(evidence)),
        ("Selection of counts", selection_text(evidence)),
        ("Primary model", primary_text(evidence)),
        ("When nothing is pooled", special_text(evidence)),
        ("Other models", models_text(evidence)),
        ("Heterogeneity", heterogeneity_text(evidence)),
        ("The analyses", analyses_text(evidence)),
        ("Subgroups", subgroup_text(evidence)),
        ("Level against level", contrast_text(evidence)),
        ("Meta-regression", regression_text(evidence)),
        ("Sensitivity to the studies", sensitivity_text(evidence)),
        ("Sensitivity to choices", multiverse_text(evidence)),
        ("Rates", rate_text(evidence)),
        ("Risk factors", comparison_text(evidence)),
        ("Small-study effects", small_study_text(evidence)),
        ("A new study", future_text(evidence)),
        ("Published pools", published_text(evidence)),
        ("Operating characteristics", simulation_text(evidence)),
        ("Check in R", crosscheck_text(evidence)),
        ("Software", software_text(evidence)),
        ("Limits", evidence.choices["review"]["limits"]),
        ("References", ""),
    ]
    page = [f"# Methods: {evidence.choices['review']['title']}"]
    for heading, text in parts:
        if text or heading == "References":
            page += [f"## {heading}"] if heading else []
            page += [text] if text else []
    return number_references("\n\n".join(page)) + "\n"


def opening(evidence: Evidence) -> str:
    """Say what the page is, and which release of the data it is about."""
    review = evidence.choices["review"]
    registered = review["registration"].strip()
    where = "The protocol is not registered." if registered.lower() in ("none", "no") else f"Protocol: {registered}."
    return (
        f"{review['question']}\n\nData version {review['version']}; literature last looked at on "
        f"{review['last_search']}. {where} The workflow writes this page from `config.yaml` and the tables in "
        "`results/`; it is never edited by hand."
    )


def evidence_text(evidence: Evidence) -> str:
    """Say what was read, and what of it is pooled."""
    unit, pooled = evidence.choices["review"]["unit"], evidence.pooled
    parts = []
    studies = evidence.table("studies")
    if studies:
        reports = Counter(row["report"] for row in studies)
        kinds = joined(plural(n, *REPORTS.get(kind, (kind, kind))) for kind, n in reports.most_common())
        parts.append(
            f"Each study has one sheet with its counts; {plural(len(studies), 'sheet')} "
            f"{agree(len(studies), 'was', 'were')} read, by kind of report: {kinds}. A count is the number of {unit} "
            "with the outcome out of the number in whom it was looked for, with its definition, its follow-up "
            "window, how it was obtained and where it stands in the source."
        )
    entered = len({row["study"] for row in pooled})
    distinct = {(row["study"], row["arm"], row["outcome"], row["window"], row["definition"]): row for row in pooled}
    counts = list(distinct.values())
    bases = Counter(row["basis"] for row in counts)
    words = joined(f"{format_count(bases[basis])} {words}" for basis, words in BASIS.items() if bases[basis])
    parts.append(
        f"The pools hold {plural(len(counts), 'different count')} of {plural(entered, 'study', 'studies')}"
        + (f": {words}." if words else ".")
    )
    agreed, against = (sum(row["second_reading"] == word for row in counts) for word in ("agree", "disagree"))
    once = len(counts) - agreed - against
    if counts:
        parts.append(
            f"Double reading: a second reading of the source confirmed {format_count(agreed)} of them and contradicted "
            f"{format_count(against)}; {format_count(once)} {agree(once, 'was', 'were')} read once."
        )
    return " ".join([*parts, bias_text(evidence)])


def bias_text(evidence: Evidence) -> str:
    """Say in how many studies the risk of bias was judged, with which tool."""
    if "risk_of_bias" not in evidence.tables:
        return ""
    tools: dict[str, set[str]] = {}
    for row in evidence.table("risk_of_bias"):
        tools.setdefault(row["tool"], set()).add(row["study"])
    pooled = {row["study"] for row in evidence.pooled}
    told = [
        f"with {tool} in {plural(len(judged), 'study', 'studies')}, {format_count(len(judged & pooled))} of them pooled"
        for tool, judged in tools.items()
    ]
    return f"Risk of bias was judged {joined(told)}." if told else "Risk of bias was not judged."


def selection_text(evidence: Evidence) -> str:
    """Say how the rows of an analysis are selected, and count what stayed out and why."""
    analyses = evidence.choices["analyses"].values()
    rules = [
        "Every count of an outcome that an analysis accepts is a candidate. Each candidate stands in `rows.csv` of the "
        "analysis, used or not, with the reason."
    ]
    if any(len(analysis["outcomes"]) > 1 for analysis in analyses):
        rules.append("Of several accepted outcomes of a study the first in the analysis's order of preference is used.")
    rules.append(
        "Of several counts of one arm the longest stated window within the limit is used, then the largest "
        "denominator; a stated window goes before an unstated one."
    )
    if any(analysis["arms"] == "cohort" for analysis in analyses):
        rules.append("A study enters once, with its widest arm.")
    if any(analysis["arms"] == "product" for analysis in analyses):
        who = [a["label"] for a in analyses if a["arms"] == "product"]
        rules.append(f"In {joined(who)} a study enters with its separate arms where it has such.")
    rules.append(
        "Of studies that share a cohort only one enters: the largest, then the fullest report, in the order "
        f"{', '.join(REPORTS[kind][0] for kind in ARTICLE_FIRST)}."
    )
    rules += window_rules(evidence) + other_rules(evidence)
    rules.append(
        "Missing counts are never taken as zero. A count that its sheet excludes, with a reason, is never pooled; one "
        "that its sheet holds for sensitivity analyses enters only there."
    )
    return " ".join(rules) + "\n\n" + flow_table(evidence)


def window_rules(evidence: Evidence) -> list[str]:
    """Say which follow-up windows meet in a pool, and how many pooled counts do not state theirs."""
    groups: dict[tuple, list[str]] = {}
    for analysis in evidence.choices["analyses"].values():
        window = analysis["window"]
        groups.setdefault((window["max_days"], window["unstated"]), []).append(analysis["label"])
    told = []
    for (days, unstated), labels in groups.items():
        who = "all analyses" if len(groups) == 1 else joined(labels)
        words = {
            "include": "counts without a stated window come in",
            "exclude": "counts without a stated window stay out",
        }
        told.append(f"Windows of at most {plural(days, 'day')} meet in {who}; {words[unstated]}.")
    silent = sum(row["window"] == "unstated" for row in evidence.pooled)
    told.append(
        f"Of {plural(len(evidence.pooled), 'pooled row')}, {format_count(silent)} {agree(silent, 'does', 'do')} not "
        "state a window."
    )
    return told


def other_rules(evidence: Evidence) -> list[str]:
    """Say which bases, sizes and ways of finding events stay out, where an analysis restricts them."""
    labels, told = evidence.choices["ascertainment"], []
    unit = evidence.choices["review"]["unit"]
    for analysis in evidence.choices["analyses"].values():
        if analysis["ascertainment"]:
            ways = joined(inside(labels[way]) for way in analysis["ascertainment"])
            told.append(f"{analysis['label']}: only these ways of finding events are pooled: {ways}.")
        if analysis["exclude_basis"]:
            told.append(f"{analysis['label']}: {joined(analysis['exclude_basis'])} counts are not pooled.")
        if analysis["minimum_patients"] > 1:
            least = format_count(analysis["minimum_patients"])
            told.append(f"{analysis['label']}: counts of fewer than {least} {unit} are not pooled.")
        if analysis.get("readings") == "twice":
            told.append(f"{analysis['label']}: only counts on which a second reader agreed are pooled.")
    return told


def flow_table(evidence: Evidence) -> str:
    """Count, for each analysis, the candidates, what is pooled and what stays out by reason."""
    names = list(dict.fromkeys(name for _, name in REASONS))
    flows = {}
    for name in evidence.choices["analyses"]:
        rows = evidence.table("rows", analysis=name, subset="all")
        reasons = Counter(reason_of(row["reason"]) for row in rows if row["use"] == "no")
        flows[name] = len(rows), sum(row["use"] == "yes" for row in rows), reasons
    shown = [name for name in names if any(flow[2][name] for flow in flows.values())]
    lines = [line(["Analysis", "Candidates", "Pooled", *shown]), line(["---", *["---:"] * (2 + len(shown))])]
    for name, (candidates, used, reasons) in flows.items():
        cells = [candidates, used, *(reasons[reason] for reason in shown)]
        lines.append(line([evidence.choices["analyses"][name]["label"], *map(format_count, cells)]))
    return "\n".join(lines)


def reason_of(text: str) -> str:
    """Give the kind of a reason; its own words where it is of no known kind."""
    return next((name for start, name in REASONS if text.startswith(start)), text)


def analyses_text(evidence: Evidence) -> str:
    """Give what each analysis pooled: outcomes, studies, events, studies without events, df of the prediction."""
    outcomes, unit = evidence.choices["outcomes"], evidence.choices["review"]["unit"]
    head = ["Analysis", "Outcomes, in order", "Studies", "Events", unit.capitalize(), "Studies without events"]
    head += ["Window unstated", "Prediction df", "Primary model"]
    lines = [line(head), line(["---", "---", *["---:"] * 6, "---"])]
    primaries = {row["analysis"]: row for row in evidence.primary}
    for name, analysis in evidence.choices["analyses"].items():
        rows = [row for row in evidence.pooled if row["analysis"] == name]
        primary = primaries.get(name, {})
        k = len({row["study"] for row in rows})
        cells = [k, *(sum(int(row[key]) for row in rows) for key in ("events", "patients"))]
        cells += [len(without_events(rows)), sum(row["window"] == "unstated" for row in rows)]
        df = format_count(k - 1) if primary.get("pi_low") else "–"
        accepted = "; ".join(outcomes[outcome]["label"] for outcome in analysis["outcomes"])
        said = primary.get("status") or "not fitted"
        status = with_remark("fitted", remarks_of(said)) if is_ok(said) else said
        lines.append(line([analysis["label"], accepted, *map(format_count, cells), df, status]))
    notes = [f"{a['label']}: {a['note']}" for a in evidence.choices["analyses"].values() if a["note"]]
    return "\n\n".join(["\n".join(lines), *notes])


def software_text(evidence: Evidence) -> str:
    """Name the software with its versions."""
    versions = evidence.software
    if not versions:
        return ""
    named = [
        f"{name} {versions[name]}" + (f" [@{key}]" if key else "") for name, key in PACKAGES.items() if name in versions
    ]
    python = f"Python {versions['python']}, with " if "python" in versions else ""
    seeds = {
        evidence.choices[part]["seed"]
        for part in ("sensitivity", "future", "simulation")
        if "seed" in evidence.choices.get(part, {})
    }
    fixed = f" Everything random has a fixed seed ({joined(str(seed) for seed in sorted(seeds))})." if seeds else ""
    return (
        f"{python}{joined(named)}. Confidence level {percent(evidence.choices['models']['level'])} throughout.{fixed} "
        "Tables keep every digit; rounding happens once, for print."
    )
