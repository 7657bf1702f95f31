"""A short R script for each analysis that reproduces its headline numbers, and fails when it cannot.

The script, ``reproduce.R.j2``, holds the pooled rows and our numbers inline, so it needs neither this workflow nor its
files: a reader can paste it into R. It is ASCII throughout (other characters are escaped), so it runs in any locale.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..selection.arms import limits_of
from ..tables.declared import Row, read
from ..tables.files import write_text
from ..tables.pools import State, pooled_rows, state_of
from ..words.formatting import is_missing
from ..words.templates import render
from ..words.terms import is_ok

TEMPLATE = Path(__file__).parents[3] / "templates" / "reproduce.R.j2"
IN_R = {name: Path(__file__).parents[2] / f"{name}.R" for name in ("counts", "glmm", "bayes")}  # shared with the check
TOLERANCE = "1e-4"  # relative: what iterated estimates of two programmes agree to (see crosscheck.py)
FLOOR = "1e-6"  # absolute, of τ²: below this it is a zero found by another road
BESIDE = ("glmm", "glmm-t", "logit-reml-hk")  # stand beside the primary model wherever they were fitted
NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")
SCALES = {  # scale → ``escalc``'s arguments, and the way back to a proportion
    "logit": ('measure = "PLO", add = 1/2, to = "only0"', "plogis"),
    "arcsine": ('measure = "PAS"', "function(x) sin(pmin(pmax(x, 0), pi / 2))^2"),
    "log": ('measure = "PLN", add = 1/2, to = "only0"', "function(x) pmin(exp(x), 1)"),
}
TESTS = {"": "z", "hk": "knha", "mhk": "adhoc"}
INTERVALS = {
    "clopper-pearson": ("Clopper-Pearson", "binom.test(x, n, conf.level = level)"),
    "wilson": ("Wilson", "suppressWarnings(prop.test(x, n, conf.level = level, correct = FALSE))"),
}
# In a string: control characters mean nothing in a name, and R refuses the null character.
SPECIAL = dict.fromkeys((*range(32), 127), " ") | str.maketrans({"\n": "\\n", '"': '\\"', "\\": "\\\\"})
QUANTILES = {"glmm": "qnorm((1 + level) / 2)", "glmm-t": "qt((1 + level) / 2, k - 1)"}
EXACT = {  # what is no pool → side of the test, and why
    State.ONE_STUDY: (
        "two.sided",
        "One study is not a pool: its proportion with the exact (Clopper-Pearson) interval.",
    ),
    State.NO_EVENTS: ("less", "No events in any study: the exact one-sided upper limit of the totals."),
    State.ALL_EVENTS: ("greater", "Nothing but events: the exact one-sided lower limit of the totals."),
}


def write_reproduction_files(
    rows_csv: Iterable[str], estimates_csv: str, scripts: Iterable[str], *, labels: Mapping[str, str], **choices
) -> None:
    """Write the R script of each analysis (name → label) from its rows; choices are those of :func:`reproduction`."""
    estimates = [row for row in read(estimates_csv) if row["subset"] == "all"]
    for (analysis, label), path, script in zip(labels.items(), rows_csv, scripts, strict=True):
        rows, mine = pooled_rows(read(path)), [row for row in estimates if row["analysis"] == analysis]
        write_text(script, reproduction(rows, mine, analysis=analysis, label=label, **choices))


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
    """Write the R script of an analysis, or one that says there are no rows.

    ``rows`` (the used ones) and ``estimates`` are those of all studies, ``label`` is what readers call the analysis,
    and ``interval`` is that of a study: ``clopper-pearson`` or ``wilson``. The script has each study's interval, the
    primary model and, where they were fitted, those ``BESIDE`` it; one study, no events or nothing but events: the
    exact test.
    """
    if not rows:
        return f"# {analysis}/reproduce.R: no study is pooled, so there is nothing to reproduce.\n"
    found = {row["model"]: row for row in estimates}
    models = [model for model in dict.fromkeys((primary, *BESIDE)) if model == primary or model in found]
    blocks = [block(model, found.get(model, {})) for model in models]
    named, test = INTERVALS[interval]
    return render(
        TEMPLATE,
        analysis=analysis,
        title=r_string(label),
        level=repr(float(level)),
        study=wrap([r_string(row["study"]) for row in rows]),
        interval=named,
        test=test,
        # The exact limits are the same under every model.
        blocks=blocks[:1] if blocks[0]["kind"] == "exact" else blocks,
        within=any(low < high for low, high in map(limits_of, rows)),
        **{name: path.read_text(encoding="utf-8") for name, path in IN_R.items()},
        tolerance=TOLERANCE,
        floor=FLOOR,
        **vectors(rows),
    )


def vectors(rows: Sequence[Row]) -> dict[str, str]:
    """Give counts of the rows, from the fewest to the most events, and their intervals, as R vectors."""
    ends = [limits_of(row) for row in rows]
    columns = {"from": [low for low, _ in ends], "to": [high for _, high in ends]}
    columns |= {
        name: [row[of] for row in rows] for name, of in (("patients",) * 2, ("low", "ci_low"), ("high", "ci_high"))
    }
    return {name: wrap([r_number(value) for value in values]) for name, values in columns.items()}


def block(model: str, row: Row) -> dict[str, str]:
    """Give what the script needs to pool with one model, or why there is nothing to pool."""
    status, (measure, estimator, test) = row.get("status", ""), (model + "--").split("-")[:3]
    if (state := state_of(row)) in EXACT:
        side, why = EXACT[state]
        return {"kind": "exact", "side": side, "why": why, "ours": named_numbers(row, NUMBERS[:3])}
    if not is_ok(status):
        return {"kind": "none", "model": model, "why": ascii_line(status or "it was not fitted")}
    if model == "bayes":
        fit = {"kind": "posterior"}
    elif model in QUANTILES:
        fit = {"kind": "counts", "quantile": QUANTILES[model]}
    elif measure in SCALES and test in TESTS:
        fit = {"kind": "two stages", "estimator": estimator.upper(), "test": TESTS[test]}
        fit |= dict(zip(("escalc", "back"), SCALES[measure], strict=True))
    else:
        return {"kind": "none", "model": model, "why": "this script has no counterpart of the model in R"}
    return {"model": model, "ours": named_numbers(row, NUMBERS), **fit}


def r_string(text: str) -> str:
    r"""Give a text as an R string of printable ASCII.

    >>> print(r_string('say "no" to a\\b'), r_string("τ² = 0\n"))
    "say \"no\" to a\\b" "\u03c4\u00b2 = 0\n"
    """
    return '"' + "".join(map(_escape, text.translate(SPECIAL))) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    return character if code < 127 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def ascii_line(text: str) -> str:
    """Give a text as one line of ASCII for a comment.

    >>> ascii_line("τ² moves\\nby 0.1")
    '?? moves by 0.1'
    """
    return " ".join(text.split()).encode("ascii", "replace").decode()


def r_number(value: float | None) -> str:
    """Give a number as R writes it, with every digit; nothing but a number gets into a script.

    >>> r_number(12), r_number(0.1), r_number(None), r_number(float("inf"))
    ('12', '0.1', 'NA', 'Inf')
    """
    if is_missing(value):
        return "NA"
    return repr(float(value)).removesuffix(".0").replace("inf", "Inf")


def named_numbers(row: Row, names: Iterable[str]) -> str:
    """Give the numbers a row has as a named R vector."""
    return wrap([f"{name} = {r_number(row[name])}" for name in names if not is_missing(row[name])])


def wrap(items: Sequence[str], width: int = 100) -> str:
    """Give an R vector over as many lines as it needs."""
    lines = [""]
    for piece in [*(f"{item}, " for item in items[:-1]), *items[-1:]]:
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "c(" + "\n    ".join(line.rstrip() for line in lines) + ")"
