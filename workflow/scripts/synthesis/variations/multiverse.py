"""The specification curve: each set of rows that a specification leads to, pooled once with each model.

:mod:`synthesis.selection.specifications` says which choices are crossed and what rows they select.

References: Steegen S et al. Perspect Psychol Sci 2016;11:702–12 (multiverse); Simonsohn U, Simmons JP, Nelson LD. Nat
Hum Behav 2020;4:1208–14 (specification curve).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import isnan, nan
from statistics import fmean, median

import numpy as np

from ..models.catalogue import MODELS, OK, Pooled, pool
from ..models.many import pool_many
from ..protocol.config import Analysis
from ..review.index import digest
from ..selection.specifications import CHOICES, NO, YES, RowSet, drop_idle, levels_of, select_sets, without_items
from ..sheets.facts import read_handed
from ..sheets.sheet import Sheet
from ..tables.declared import read, write
from ..tables.problems import one_of

RESULT = ("k", "studies", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "status")
INTERVALS = {"glmm-t": "t", "crude": "exact", "bayes": "credible"}  # of the others: a suffix of the name, or Wald
ROW_SET = ("studies_used", "k", "events", "patients")  # what tells one set of rows from another in the table
FEW = "no specification pools two studies"


def pool_multiverse_file(
    handed: str,
    multiverse_csv: str,
    summary_csv: str,
    *,
    analysis: str,
    choices: dict,
    models: Sequence[str],
    windows: Sequence[int],
    level: float,
    thresholds: Sequence[float],
    ignored_items: Sequence[str] = (),
) -> None:
    """Read the sheets that were handed down, pool every specification of an analysis, write them and their summary.

    Notes
    -----
    This is a second selection from the sheets, not a reading of ``rows.csv``: which arm stands for a study, and which
    study for a cohort, depends on what else a specification lets in, so its rows are not a part of the primary ones.
    """
    sheets = [without_items(sheet, ignored_items) for sheet in read_handed(handed)]
    write(multiverse_csv, pool_multiverse(sheets, analysis, Analysis.model_validate(choices), models, windows, level))
    summary = multiverse_summary(read(multiverse_csv, "multiverse"), thresholds)
    write(summary_csv, [summary], named=[name for name in summary if name.startswith("share_")])


def pool_multiverse(
    sheets: Iterable[Sheet],
    name: str,
    analysis: Analysis,
    models: Sequence[str],
    windows: Sequence[int],
    level: float = 0.95,
) -> list[dict]:
    """Pool every specification of an analysis, with the config's own choices and others beside them.

    ``models`` have the primary one first; ``windows`` are the longest allowed, in days, beside the analysis's own.

    Returns
    -------
    list of dict
        Rows of ``multiverse.csv``, by model and then by the levels of each choice; the primary one is the first.

    Raises
    ------
    ValueError
        When a model is not in the table of models.
    """
    models, sheets = list(dict.fromkeys(models)), list(sheets)
    if unknown := [model for model in models if model not in MODELS]:
        raise ValueError(f"config.yaml: multiverse.models: {one_of(', '.join(unknown), MODELS)}")
    levels = levels_of(analysis, windows, sheets)
    sets = drop_idle(select_sets(sheets, name, analysis, levels), levels)
    own, distinct = tuple(values[0] for values in levels.values()), list(dict.fromkeys(sets.values()))
    table = []
    for model in models:
        pools = dict(zip(distinct, pool_sets(model, distinct, level), strict=True))
        if model == models[0]:  # by the single fit, so that the last digit is that of estimates.csv
            pools[sets[own]] = vars(_pool(model, sets[own], level))
        for combination, used in sets.items():
            chosen = dict(zip(levels, combination, strict=True))
            table.append(
                {
                    "analysis": name,
                    "specification": digest({"model": model, **chosen})[:12],
                    "model": model,
                    "interval": interval_of(model),
                    **chosen,
                    **{key: pools[used][key] for key in RESULT},
                    "primary": YES if model == models[0] and combination == own else NO,
                    "studies_used": ";".join(dict.fromkeys(study for study, _, _ in used)),
                }
            )
    return table


def interval_of(model: str) -> str:
    """Give how a model forms its interval.

    >>> [interval_of(name) for name in ("glmm", "logit-reml-hk", "logit-dl-mhk", "crude", "bayes")]
    ['wald', 'hk', 'mhk', 'exact', 'credible']
    """
    return INTERVALS.get(model) or (_stem(model)[1] or "wald")


def _stem(model: str) -> tuple[str, str]:
    """Split the interval off a name: models with one stem give one estimate."""
    stem, _, suffix = model.rpartition("-")
    return (stem, suffix) if suffix in ("hk", "mhk", "t") else (model, "")


def _pool(model: str, used: RowSet, level: float) -> Pooled:
    study, events, patients = zip(*used, strict=True) if used else ((), (), ())
    return pool(model, events, patients, study, level)


def pool_sets(model: str, sets: Sequence[RowSet], level: float = 0.95) -> list[dict]:
    """Pool sets of rows with one model, all at once where it can: ``RESULT`` as the single fit gives it, to 1e-8."""
    studies = [list(dict.fromkeys(study for study, _, _ in used)) for used in sets]
    # Events, patients and arms of each study of each set: its arms are added up, since they share its effect.
    # A set without any has a column of none: no likelihood is looked for over an array without a size.
    y, n, arms = sums = np.zeros((3, len(sets), max([1, *map(len, studies)])), int)
    for at, used in enumerate(sets):
        for study, events, patients in used:
            sums[:, at, studies[at].index(study)] += (events, patients, 1)
    totals = zip(map(len, sets), map(len, studies), y.sum(1).tolist(), n.sum(1).tolist(), strict=True)

    def alone(i: int) -> Pooled:
        return _pool(model, sets[i], level)

    pools = pool_many(model, y, np.maximum(n, 1), arms > 0, arms > 1, alone, level)
    return [dict(zip(RESULT, counts, strict=False)) | found for counts, found in zip(totals, pools, strict=True)]


def multiverse_summary(rows: Sequence[Mapping], thresholds: Sequence[float] = ()) -> dict:
    """Say how far the answer moves over the specifications of an analysis: rows of ``multiverse.csv``.

    ``pooled`` counts the specifications with an estimate from at least two studies; every number after it is about
    these, since what one study says alone is no pool. ``share_above_5`` is the share of them whose confidence interval
    lies wholly above 5 %. ``choices`` are the crossed ones; ``largest_shift`` is how far the estimate moves (a
    proportion) on average when only ``largest_choice`` changes.
    """
    pooled = [row for row in rows if row["studies"] > 1 and not isnan(row["estimate"])]
    estimates, low, high = ([row[key] for row in pooled] for key in ("estimate", "ci_low", "ci_high"))
    shifts = {choice: shift for choice, shift in choice_shifts(pooled).items() if not isnan(shift)}
    largest = max(shifts, key=shifts.get) if shifts else ""
    shares = {}
    for threshold in thresholds:
        shares[f"share_above_{threshold:g}"] = fmean(100 * x > threshold for x in low) if low else nan
        shares[f"share_below_{threshold:g}"] = fmean(100 * x < threshold for x in high) if high else nan
    return {
        "analysis": rows[0]["analysis"],
        "specifications": len(rows),
        "distinct_row_sets": len({tuple(row[key] for key in ROW_SET) for row in rows}),
        "pooled": len(pooled),
        **{"estimate_min": min(estimates, default=nan), "estimate_max": max(estimates, default=nan)},
        "estimate_median": median(estimates) if estimates else nan,
        **{"ci_low_min": min(low, default=nan), "ci_high_max": max(high, default=nan)},
        **shares,
        "choices": ";".join(crossed(rows)),
        "largest_choice": largest,
        "largest_shift": shifts.get(largest, nan),
        "status": OK if pooled else FEW,
    }


def crossed(rows: Sequence[Mapping]) -> list[str]:
    """Give the choices that were crossed: those with several levels in the table."""
    return [choice for choice in ("model", *CHOICES) if len({row[choice] for row in rows}) > 1]


def choice_shifts(rows: Sequence[Mapping]) -> dict[str, float]:
    """Say how far the estimate moves when one choice changes and the others stay, from rows with an estimate.

    Gives choice → mean absolute difference of two estimates (proportions), over all pairs of specifications that differ
    in nothing but this choice, those that pool the same rows included. Models that differ only in their interval are no
    pair. NaN where there is no pair.
    """
    result = {}
    for choice in crossed(rows):
        rest = [other for other in ("model", *CHOICES) if other != choice]
        groups: dict[tuple, dict] = {}
        for row in rows:
            level = _stem(row["model"])[0] if choice == "model" else row[choice]
            groups.setdefault(tuple(row[other] for other in rest), {}).setdefault(level, row["estimate"])
        moves = [abs(a - b) for group in groups.values() for a, b in combinations(group.values(), 2)]
        result[choice] = fmean(moves) if moves else nan
    return result
