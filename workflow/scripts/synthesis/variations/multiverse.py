"""The specification curve: each set of rows that a specification leads to, pooled once with each model.

:mod:`synthesis.selection.specifications` says which choices are crossed and what rows they select.

References: Steegen S et al. Perspect Psychol Sci 2016;11:702–12 (multiverse); Simonsohn U, Simmons JP, Nelson LD. Nat
Hum Behav 2020;4:1208–14 (specification curve).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import isnan, nan
from statistics import fmean, median

import numpy as np

from ..models.bayes import TAU_SCALE
from ..models.catalogue import MODELS, OK, Pooled, pool
from ..models.counts import within
from ..models.many import pool_many
from ..protocol.config import Analysis
from ..review.index import digest
from ..selection.specifications import (
    BETWEEN,
    CHOICES,
    NO,
    OR,
    YES,
    Combination,
    RowSet,
    departures,
    levels_of,
    merge_levels,
    select_sets,
    without_items,
)
from ..sheets.facts import read_handed
from ..sheets.sheet import Sheet
from ..tables.declared import read, write
from ..tables.problems import one_of
from ..words.formatting import is_missing

RESULT = ("k", "studies", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "status")
INTERVALS = {"glmm-t": "t", "crude": "exact", "bayes": "credible"}  # of the others: a suffix of the name, or Wald
WITH_PRIOR = ("bayes",)
NOTHING = "none"  # changed: the config's own choices
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
    prior_scales: Sequence[float] = (),
    ignored_items: Sequence[str] = (),
) -> None:
    """Read the sheets that were handed down, pool every specification of an analysis, write them and their summary.

    Notes
    -----
    This is a second selection from the sheets, not a reading of ``rows.csv``: which arm stands for a study, and which
    study for a cohort, depends on what else a specification lets in, so its rows are not a part of the primary ones.
    """
    sheets = [without_items(sheet, ignored_items) for sheet in read_handed(handed)]
    question = Analysis.model_validate(choices)
    write(multiverse_csv, pool_multiverse(sheets, analysis, question, models, windows, prior_scales, level))
    summary = multiverse_summary(read(multiverse_csv, "multiverse"), thresholds)
    write(summary_csv, [summary], named=[name for name in summary if name.startswith("share_")])


def pool_multiverse(
    sheets: Iterable[Sheet],
    name: str,
    analysis: Analysis,
    models: Sequence[str],
    windows: Sequence[int],
    prior_scales: Sequence[float] = (),
    level: float = 0.95,
) -> list[dict]:
    """Pool every specification of an analysis, with the config's own choices and others beside them.

    A specification is a set of rows, a model and its prior: it counts once, however many combinations of choices lead
    to it. ``models`` have the primary one first; ``windows`` are the longest allowed, in days, beside the analysis's
    own; ``prior_scales`` are those of τ beside the engine's own.

    Returns
    -------
    list of dict
        Rows of ``multiverse.csv``, by model, by prior, and by how much they depart from the primary one, the first.

    Raises
    ------
    ValueError
        When a model is not in the table of models.
    """
    models, sheets = list(dict.fromkeys(models)), list(sheets)
    if unknown := [model for model in models if model not in MODELS]:
        raise ValueError(f"config.yaml: multiverse.models: {one_of(', '.join(unknown), MODELS)}")
    sets = merge_levels(select_sets(sheets, name, analysis, levels_of(analysis, windows, sheets)))
    own, ways = next(iter(sets)), {}
    for combination in sorted(sets, key=lambda one: len(departures(one, own))):
        ways.setdefault(sets[combination], []).append(combination)
    table = []
    for model in models:
        for scale in dict.fromkeys((TAU_SCALE, *map(float, prior_scales))) if model in WITH_PRIOR else (None,):
            pools = pool_sets(model, list(ways), level, **({"tau_scale": scale} if scale else {}))
            if not table:  # by the single fit, so that the last digit is that of estimates.csv
                pools[0] = vars(_pool(model, sets[own], level))
            for (used, leading), pooled in zip(ways.items(), pools, strict=True):
                changed = {choice: level.split(OR)[0] for choice, level in departures(leading[0], own).items()}
                table.append(
                    {
                        "analysis": name,
                        "specification": digest({"model": model, "prior": scale, **changed})[:12],
                        **{"model": model, "prior": scale},
                        "interval": interval_of(model),
                        **_described(leading, own),
                        **{key: pooled[key] for key in RESULT},
                        "primary": NO if table else YES,
                        "studies_used": BETWEEN.join(dict.fromkeys(study for study, *_ in used)),
                    }
                )
    return table


def _described(combinations: Sequence[Combination], own: Combination) -> dict[str, str | int]:
    """Say which combinations of choices lead to a set of rows: the levels of each choice, and what each changes."""
    levels = zip(CHOICES, zip(*combinations, strict=True), strict=True)
    changes = (departures(one, own).items() for one in combinations)
    return {
        **{choice: BETWEEN.join(dict.fromkeys(taken)) for choice, taken in levels},
        "combinations": len(combinations),
        "departures": BETWEEN.join(", ".join(map(" ".join, one)) or NOTHING for one in changes),
    }


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


def _pool(model: str, used: RowSet, level: float, **prior: float) -> Pooled:
    study, low, high, patients = zip(*used, strict=True) if used else ((), (), (), ())
    return pool(model, within(low, high), patients, study, level, **prior)


def pool_sets(model: str, sets: Sequence[RowSet], level: float = 0.95, **prior: float) -> list[dict]:
    """Pool sets of rows with one model, all at once where it can: ``RESULT`` as the single fit gives it, to 1e-8.

    ``prior`` holds scales of the priors of ``bayes`` other than its own.
    """
    studies = [list(dict.fromkeys(study for study, *_ in used)) for used in sets]
    # Least and most events, patients and arms of each study of each set: its arms are added up, since they share its
    # effect. A set without any has a column of none: no likelihood is looked for over an array without a size.
    low, high, n, arms = sums = np.zeros((4, len(sets), max([1, *map(len, studies)])), int)
    for at, used in enumerate(sets):
        for study, *counts in used:
            sums[:, at, studies[at].index(study)] += (*counts, 1)
    least, most, size = (counts.sum(1).tolist() for counts in (low, high, n))
    events = (few if few == many else None for few, many in zip(least, most, strict=True))
    totals = zip(map(len, sets), map(len, studies), events, size, strict=True)

    def alone(i: int) -> Pooled:
        return _pool(model, sets[i], level, **prior)

    pools = pool_many(model, within(low, high), np.maximum(n, 1), arms > 0, arms > 1, alone, level, **prior)
    return [dict(zip(RESULT, counts, strict=False)) | found for counts, found in zip(totals, pools, strict=True)]


def multiverse_summary(rows: Sequence[Mapping], thresholds: Sequence[float] = ()) -> dict:
    """Say how far the answer moves over the specifications of an analysis: rows of ``multiverse.csv``.

    ``specifications`` are the different ones, to which ``combinations`` of choices lead. ``pooled`` counts those with
    an estimate from at least two studies; every number after it is about these, since what one study says alone is no
    pool. ``share_above_5`` is the share of them whose confidence interval lies wholly above 5 %. ``choices`` are the
    crossed ones; ``largest_shift`` is how far the estimate moves (a proportion) on average when only ``largest_choice``
    changes, and with it the rows or the model.
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
        "combinations": sum(row["combinations"] for row in rows),
        "distinct_row_sets": len({row["departures"] for row in rows}),
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
    priors = {row["prior"] for row in rows if not is_missing(row["prior"])}
    levels = {"model": {row["model"] for row in rows}, "prior": priors}
    levels |= {choice: {level for row in rows for level in row[choice].split(BETWEEN)} for choice in CHOICES}
    return [choice for choice, found in levels.items() if len(found) > 1]


def choice_shifts(rows: Sequence[Mapping]) -> dict[str, float]:
    """Say how far the estimate moves when one choice changes and the others stay, from rows with an estimate.

    Gives choice → mean absolute difference of two estimates (proportions), over all pairs of different specifications
    to which two combinations lead that differ in nothing but this choice, each pair once. Models that differ only in
    their interval are no pair. NaN where there is no pair.
    """
    result = {}
    for choice in crossed(rows):
        groups: dict[tuple, dict[str, Mapping]] = {}
        for row in rows:
            for level, rest in _places(row, choice):
                groups.setdefault(rest, {}).setdefault(level, row)
        pairs = (pair for group in groups.values() for pair in combinations(group.values(), 2))
        moves = {
            frozenset((one["specification"], other["specification"])): abs(one["estimate"] - other["estimate"])
            for one, other in pairs
            if one is not other
        }
        result[choice] = fmean(moves.values()) if moves else nan
    return result


def _places(row: Mapping, choice: str) -> Iterator[tuple[str, tuple]]:
    """Give, for each combination that leads to a specification, its level of a choice, and all else about it."""
    fit = {"model": _stem(row["model"])[0], "prior": str(row["prior"])}
    if choice in fit:
        yield fit[choice], (row["departures"], row["model"] if choice == "prior" else "")
        return
    for combination in row["departures"].split(BETWEEN):
        levels = dict(part.split(" ", 1) for part in combination.split(", ") if part != NOTHING)
        yield levels.pop(choice, ""), (row["model"], str(row["prior"]), *levels.items())
