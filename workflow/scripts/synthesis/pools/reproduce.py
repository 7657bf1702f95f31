"""A short R script for each analysis that reproduces its headline numbers, and fails when it cannot.

The script holds the pooled rows and our numbers inline, so it needs neither this workflow nor its files: a reader can
paste it into R. It is ASCII throughout (other characters are escaped), so it runs in any locale.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import NamedTuple

from ..tables.files import read_table, write_text
from ..words.terms import is_ok

Row = Mapping[str, str]

TOLERANCE = "1e-4"  # relative: what iterated estimates of two programmes agree to (see crosscheck.py)
FLOOR = "1e-6"  # absolute, of τ²: below this it is a zero found by another road
BESIDE = ("glmm", "glmm-t", "logit-reml-hk")  # stand beside the primary model wherever they were fitted
NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")

ONE_STUDY, NO_EVENTS, ALL_EVENTS = "one study", "no events", "all events"  # how the statuses of such pools begin


class Measure(NamedTuple):
    """A scale in R: ``escalc``'s arguments, and the way back to a proportion."""

    escalc: str
    back: str


MEASURES = {
    "logit": Measure('measure = "PLO", add = 1/2, to = "only0"', "plogis"),
    "arcsine": Measure('measure = "PAS"', "function(x) sin(pmin(pmax(x, 0), pi / 2))^2"),
    "log": Measure('measure = "PLN", add = 1/2, to = "only0"', "function(x) pmin(exp(x), 1)"),
}
TESTS = {"": "z", "hk": "knha", "mhk": "adhoc"}

# A script is put together from these; §NAME§ is filled in.
HEAD = """\
# §NAME§/reproduce.R: the headline numbers of §NAME§/estimates.csv, computed again in R.
# Written by the workflow from §NAME§/rows.csv and §NAME§/estimates.csv; do not edit.
# Run: Rscript reproduce.R    Needs: §NEEDS§
title <- §TITLE§
level <- §LEVEL§
rows <- data.frame(
  study = §STUDY§,
  events = §EVENTS§,
  patients = §PATIENTS§
)

# Set R's numbers beside those of the workflow; collect what differs by more than §TOLERANCE§ of its size.
differing <- character(0)
compare <- function(model, r, ours) {
  difference <- abs(r - ours)
  allowed <- §TOLERANCE§ * abs(ours) + ifelse(names(ours) == "tau2", §FLOOR§, 1e-12)
  relative <- difference / pmax(abs(ours), §FLOOR§)
  line <- "%-14s %-12s R %.10g  workflow %.10g  relative difference %.1e\\n"
  cat(sprintf(line, model, names(ours), r, ours, relative), sep = "")
  bad <- is.na(difference) | difference > allowed
  differing <<- c(differing, paste(model, names(ours))[bad])
}
cat(title, "\\n")
"""
STUDIES = """
# Each study with its §INTERVAL§ interval.
interval <- mapply(function(x, n) §TEST§$conf.int, rows$events, rows$patients)
compare("study", interval[1, ], setNames(§LOW§, paste(rows$study, "low")))
compare("study", interval[2, ], setNames(§HIGH§, paste(rows$study, "high")))
"""
INTERVALS = {
    "clopper-pearson": ("Clopper-Pearson", "binom.test(x, n, conf.level = level)"),
    "wilson": ("Wilson", "suppressWarnings(prop.test(x, n, conf.level = level, correct = FALSE))"),
}
PREDICT = """
# Confidence limits by the normal or t quantile; the prediction interval by t with (studies - 1) degrees of freedom.
k <- length(unique(rows$study))
pool <- function(mean, se, tau2, low, high, back) {
  half <- if (k > 2) qt((1 + level) / 2, k - 1) * sqrt(tau2 + se^2) else NA
  logits <- c(estimate = mean, ci_low = low, ci_high = high, pi_low = mean - half, pi_high = mean + half)
  c(back(logits), tau2 = tau2)
}
"""
GLMM = Path(__file__).parents[2] / "glmm.R"
GLMM_INTERVAL = """
half <- §QUANTILE§ * se
ours <- §OURS§
compare("§MODEL§", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)
"""
QUANTILES = {"glmm": "qnorm((1 + level) / 2)", "glmm-t": "qt((1 + level) / 2, k - 1)"}
TWO_STAGE = """
# Two-stage inverse variance: §ESTIMATOR§ for tau2, test = "§KIND§".
suppressPackageStartupMessages(library(metafor))
sizes <- escalc(xi = events, ni = patients, data = rows, §ESCALC§)
tight <- list(threshold = 1e-13, maxiter = 10000, stepadj = 0.5)
fit <- rma(yi, vi, data = sizes, method = "§ESTIMATOR§", test = "§KIND§", level = 100 * level, control = tight)
back <- §BACK§
ours <- §OURS§
compare("§MODEL§", pool(fit$b[1], fit$se, fit$tau2, fit$ci.lb, fit$ci.ub, back)[names(ours)], ours)
"""
ALONE = """
# §WHY§
exact <- binom.test(sum(rows$events), sum(rows$patients), conf.level = level, alternative = "§SIDE§")
ours <- §OURS§
found <- c(estimate = exact$estimate[[1]], ci_low = exact$conf.int[1], ci_high = exact$conf.int[2])
compare("exact", found[names(ours)], ours)
"""
EXACT = {
    ONE_STUDY: ("two.sided", "One study is not a pool: its proportion with the exact (Clopper-Pearson) interval."),
    NO_EVENTS: ("less", "No events in any study: the exact one-sided upper limit of the totals."),
    ALL_EVENTS: ("greater", "Nothing but events: the exact one-sided lower limit of the totals."),
}
NOTHING = """
# The workflow gives no §MODEL§ estimate that R could confirm: §WHY§.
"""
FOOT = """
if (length(differing)) stop("R and the workflow differ: ", paste(differing, collapse = ", "))
cat("R and the workflow agree to §TOLERANCE§.\\n")
"""


def write_reproduction_file(
    rows_csv: str,
    estimates_csv: str,
    script: str,
    *,
    analysis: str,
    label: str,
    primary: str,
    interval: str,
    level: float,
) -> None:
    """Read the rows of an analysis and the estimates of all, and write the R script that reproduces them.

    Parameters
    ----------
    rows_csv, estimates_csv, script : str
    analysis, label : str
        Its name, and what readers call it.
    primary : str
        The model of the headline numbers.
    interval : {"clopper-pearson", "wilson"}
        Of a study.
    level : float
    """
    rows = [row for row in read_table(rows_csv) if row["subset"] == "all" and row["use"] == "yes"]
    estimates = [row for row in read_table(estimates_csv) if (row["analysis"], row["subset"]) == (analysis, "all")]
    text = reproduction(
        rows, estimates, analysis=analysis, label=label, primary=primary, interval=interval, level=level
    )
    write_text(script, text)


def reproduction(
    rows: Sequence[Row],
    estimates: Iterable[Row],
    *,
    analysis: str,
    label: str,
    primary: str,
    interval: str = "clopper-pearson",
    level: float = 0.95,
) -> str:
    """Write the R script of an analysis.

    Parameters
    ----------
    rows : sequence of mappings
        The used rows of ``rows.csv`` with ``subset`` = ``all``.
    estimates : iterable of mappings
        Those of ``estimates.csv`` with ``subset`` = ``all``.
    analysis, label, primary, interval, level
        As in :func:`write_reproduction_file`.

    Returns
    -------
    str
        Each study's interval, the primary model and, where they were fitted, the random-effects logistic model and REML
        with Hartung–Knapp. One study, no events or nothing but events: the exact test instead. No rows: a script that
        says so.
    """
    if not rows:
        return f"# {analysis}/reproduce.R: no study is pooled, so there is nothing to reproduce.\n"
    found = {row["model"]: row for row in estimates}
    models = [model for model in dict.fromkeys((primary, *BESIDE)) if model == primary or model in found]
    parts = [block(model, found.get(model, {})) for model in models]
    if EXACT.keys() & {_case(found.get(primary, {}))}:
        parts = parts[:1]  # the exact limits are the same under every model
    fitted = [
        i for i, model in enumerate(models) if model in QUANTILES and is_ok(found.get(model, {}).get("status", ""))
    ]
    if fitted:  # one fit serves both of its intervals
        parts.insert(fitted[0], "\n" + GLMM.read_text(encoding="utf-8"))
    if any("pool(" in part for part in parts):
        parts.insert(0, PREDICT)
    named, test = INTERVALS[interval]
    low, high = (numbers([row[key] for row in rows]) for key in ("ci_low", "ci_high"))
    studies = fill(STUDIES, INTERVAL=named, TEST=test, LOW=low, HIGH=high)
    return "".join([head(rows, parts, analysis, label, level), studies, *parts, fill(FOOT, TOLERANCE=TOLERANCE)])


def head(rows: Sequence[Row], parts: Sequence[str], analysis: str, label: str, level: float) -> str:
    """Write the part of a script that holds the data."""
    packages = [name for name in ("lme4", "metafor") if any(f"library({name})" in part for part in parts)]
    return fill(
        HEAD,
        NAME=analysis,
        NEEDS=" and ".join(packages) or "nothing beyond R",
        TITLE=r_string(label),
        LEVEL=repr(float(level)),
        STUDY=wrap([r_string(row["study"]) for row in rows]),
        EVENTS=numbers([row["events"] for row in rows]),
        PATIENTS=numbers([row["patients"] for row in rows]),
        TOLERANCE=TOLERANCE,
        FLOOR=FLOOR,
    )


def block(model: str, row: Row) -> str:
    """Write the part of a script that pools with one model, or says why there is none."""
    case = _case(row)
    if case in EXACT:
        side, why = EXACT[case]
        return fill(ALONE, WHY=why, SIDE=side, OURS=named_numbers(row, NUMBERS[:3]))
    if not is_ok(row.get("status", "")):
        return fill(NOTHING, MODEL=model, WHY=ascii_line(row.get("status") or "it was not fitted"))
    if model in QUANTILES:
        return fill(GLMM_INTERVAL, MODEL=model, QUANTILE=QUANTILES[model], OURS=named_numbers(row, NUMBERS))
    measure, _, rest = model.partition("-")
    estimator, _, suffix = rest.partition("-")
    if measure not in MEASURES or suffix not in TESTS:
        return fill(NOTHING, MODEL=model, WHY="this script has no counterpart of the model in R")
    return fill(
        TWO_STAGE,
        MODEL=model,
        ESTIMATOR=estimator.upper(),
        KIND=TESTS[suffix],
        ESCALC=MEASURES[measure].escalc,
        BACK=MEASURES[measure].back,
        OURS=named_numbers(row, NUMBERS),
    )


def _case(row: Row) -> str:
    """Give the special case a status tells of; blank for an ordinary pool."""
    return next((case for case in EXACT if row.get("status", "").startswith(case)), "")


def fill(template: str, **values: str) -> str:
    """Fill the places of a template, all at once, so that a value cannot name another place."""
    first, *rest = template.split("§")
    return first + "".join(values[part] if i % 2 == 0 else part for i, part in enumerate(rest))


def r_string(text: str) -> str:
    r"""Give a text as an R string of printable ASCII.

    Examples
    --------
    >>> print(r_string('say "no" to a\\b'), r_string("τ² = 0\n"))
    "say \"no\" to a\\b" "\u03c4\u00b2 = 0\n"
    """
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if character == "\n":
        return "\\n"
    if code < 32 or code == 127:  # control characters mean nothing in a name, and R refuses the null character
        return " "
    return character if code < 127 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def ascii_line(text: str) -> str:
    """Give a text as one line of ASCII for a comment.

    >>> ascii_line("τ² moves\\nby 0.1")
    '?? moves by 0.1'
    """
    return " ".join(text.split()).encode("ascii", "replace").decode()


def numbers(values: Iterable[str]) -> str:
    """Give numbers as an R vector; they are read and written again, so nothing but numbers can get in."""
    return wrap([r_number(value) for value in values])


def r_number(value: str) -> str:
    """Give a number as R writes it, with every digit; missing is ``NA``.

    >>> r_number("12"), r_number("0.1"), r_number(""), r_number("inf")
    ('12', '0.1', 'NA', 'Inf')
    """
    if value == "":
        return "NA"
    number = float(value)
    if isinf(number):
        return "Inf" if number > 0 else "-Inf"
    return str(int(number)) if number.is_integer() else repr(number)


def named_numbers(row: Row, names: Iterable[str]) -> str:
    """Give the numbers a row has as a named R vector."""
    return wrap([f"{name} = {r_number(row[name])}" for name in names if row[name] != ""])


def wrap(items: Sequence[str], width: int = 100) -> str:
    """Give an R vector over as many lines as it needs."""
    lines = [""]
    for i, item in enumerate(items):
        piece = item + (", " if i + 1 < len(items) else "")
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "c(" + "\n    ".join(line.rstrip() for line in lines) + ")"
