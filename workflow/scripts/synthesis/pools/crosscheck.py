"""Compare every pooled number with the one R gives, and say which disagree."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..tables.declared import Row, read, write
from ..words.formatting import is_missing
from ..words.terms import is_ok

ESTIMATE = ("analysis", "subset", "group", "model")  # what names an estimate
CLOSED = 1e-6  # closed forms, relative
ITERATED = 1e-4  # iterated estimates, relative
QUADRATURE = 1e-5  # integrals, relative: nothing is searched for
R_DIGITS = 6  # of R's numbers that are kept: the rest is how far its own iterations went on that machine
LEAST = 1e-9  # relative differences below are the rounding of tables
ABSOLUTE = 1e-6  # a τ² or a χ² below this is a zero found by another road
CLOSED_MODELS = ("crude",)
QUADRATURE_MODELS = ("bayes",)
IN_R = ("crude", "bayes", "glmm", "glmm-common", "betabinom", "logit-", "arcsine-", "log-")  # what R has an answer for
NO_ANSWER = 0.02  # share of a model's estimates that R may fail on before that is a failure of the check


class CrosscheckError(Exception):
    """Raised with the numbers that disagree."""


def compare_with_r_file(estimates_csv: str, reference_csv: str, crosscheck_csv: str) -> None:
    """Set ``estimates.csv`` beside what R wrote."""
    with open(reference_csv, encoding="utf-8", newline="") as file:
        reference = list(csv.DictReader(file))
    write(crosscheck_csv, compare_with_r(read(estimates_csv), reference))


def crosscheck_file(crosscheck_csv: str, software_txt: str) -> None:
    """Raise every number that disagrees. A step of its own, since Snakemake removes what a failed step wrote."""
    rows = read(crosscheck_csv)
    if bad := [row for row in rows if row["verdict"] == "differs"] + unanswered(rows):
        lines = [
            f"{' '.join(row[key] for key in (*ESTIMATE, 'quantity'))}: ours {row['ours']}, "
            f"R {'nothing' if is_missing(row['r']) else row['r']}"
            for row in bad
        ]
        raise CrosscheckError(f"{len(bad)} of {len(rows)} numbers disagree with R:\n" + "\n".join(lines))
    software = Path(software_txt).read_text(encoding="utf-8").strip()
    print(f"All {len(rows)} numbers agree with {software}.")


def compare_with_r(estimates: Iterable[Row], reference: Iterable[Mapping[str, str]]) -> list[dict]:
    """Set each number of R (by ``ESTIMATE`` and ``quantity``, with its ``value``) beside ours in ``estimates.csv``.

    Gives a row a number that both have, or that only R has while our status is ``ok``; then one an estimate without an
    answer from R.
    """
    ours = {tuple(row[key] for key in ESTIMATE): row for row in estimates}
    rows, answered = [], set()
    for theirs in reference:
        key = tuple(theirs[name] for name in ESTIMATE)
        mine = ours.get(key)
        if mine is None or not (is_ok(mine["status"]) or not math.isnan(mine["test_p"])):
            continue
        quantity, r = theirs["quantity"], math.nan if theirs["value"] in ("", "NA") else float(theirs["value"])
        value = mine[quantity]
        if math.isnan(r) and math.isnan(value):
            continue
        tolerance = tolerance_of(theirs["model"], quantity)
        agrees = math.isclose(value, r, rel_tol=tolerance, abs_tol=ABSOLUTE)
        answered.add(key)
        rows.append(
            {
                **dict(zip(ESTIMATE, key, strict=True)),
                "quantity": quantity,
                "ours": value,
                "r": float(f"{r:.{R_DIGITS}g}"),
                "relative_difference": decade(abs(value - r) / max(abs(r), ABSOLUTE)),
                "tolerance": tolerance,
                "verdict": "agrees" if agrees else "differs",
            }
        )
    silent = [
        {**dict(zip(ESTIMATE, key, strict=True)), "quantity": "estimate", "ours": mine["estimate"]}
        for key, mine in ours.items()
        if is_ok(mine["status"]) and not math.isnan(mine["estimate"]) and key not in answered
    ]
    return rows + [row | {"verdict": "no answer from R"} for row in silent if row["model"].startswith(IN_R)]


def tolerance_of(model: str, quantity: str) -> float:
    """Give how far two programs may differ, relatively.

    >>> tolerance_of("glmm", "q"), tolerance_of("bayes", "tau2"), tolerance_of("glmm", "tau2")
    (1e-06, 1e-05, 0.0001)
    """
    if model in CLOSED_MODELS or quantity.startswith("q"):
        return CLOSED
    return QUADRATURE if model in QUADRATURE_MODELS else ITERATED


def decade(difference: float) -> float:
    """Give the power of ten that a relative difference stays below; its digits change with R's version and processor.

    >>> decade(3e-8), decade(0.0), decade(0.02)
    (1e-07, 1e-08, 0.1)
    """
    return float(f"1e{math.floor(math.log10(max(difference, LEAST))) + 1}") if math.isfinite(difference) else difference


def unanswered(rows: Sequence[Mapping]) -> list[Mapping]:
    """Give the estimates without an answer from R, for models where they are more than a rare failure of its fits."""
    found: list[Mapping] = []
    for model in dict.fromkeys(row["model"] for row in rows):
        mine = [row for row in rows if row["model"] == model]
        silent = [row for row in mine if row["verdict"] == "no answer from R"]
        if len(silent) > NO_ANSWER * len({tuple(row[key] for key in ESTIMATE) for row in mine}):
            found += silent
    return found
