"""What the pool would be with other studies in it: one or two left out, or added year by year."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np

from ..models.catalogue import Pooled, pool
from ..models.counts import sum_of
from ..models.many import pool_many, variation_model
from ..selection.arms import add_arms, counts_of
from ..tables.declared import write
from ..words.terms import CUMULATIVE, LEAVE_ONE, LEAVE_TWO


def leave_out_file(rows: Sequence[Mapping], influence_csv: str, *, analysis: str, level: float, primary: str) -> None:
    """Write what one or two studies do to the pool of all by the primary model."""
    table = influence(rows, level, primary)
    write(influence_csv, ({"analysis": analysis} | row for row in table))


def pool_masks(rows: Sequence[Mapping], masks: np.ndarray, level: float = 0.95, model: str = "glmm") -> list[dict]:
    """Pool many choices of the same studies, a study with all its rows: special cases included; ``k`` counts studies.

    ``masks`` are of shape (choices, studies), the studies by name, as :func:`synthesis.selection.arms.add_arms` orders
    them.
    """
    studies = add_arms(rows)
    y, *_ = counts_of(studies)
    n, arms = (np.array([one[name] for one in studies]) for name in ("patients", "arms"))

    def alone(i: int) -> Pooled:
        chosen = {one["study"] for one, here in zip(studies, masks[i], strict=True) if here}
        return pool(model, *counts_of([row for row in rows if row["study"] in chosen]), level)

    pools = pool_many(model, y, n, masks, arms > 1, alone, level)
    return [
        {"k": int(mask.sum()), "events": sum_of(y[mask]), "patients": int(n[mask].sum()), **found}
        for mask, found in zip(masks, pools, strict=True)
    ]


def influence(rows: Sequence[Mapping], level: float = 0.95, model: str = "glmm") -> list[dict]:
    """Leave one study out, leave two out, and add them year by year; pairs that are too many for a model fall to glmm.

    ``shift`` is the estimate minus that of all studies by the same model; ``study`` names who is left out, or the last
    one added. A study goes and comes with all its arms.
    """
    studies = add_arms(rows)
    k = len(studies)
    if k < 2:
        return []
    pairs = variation_model(model, comb(k, 2))
    choices = [
        (kind, by, gone, without(k, gone))
        for kind, size, by in ((LEAVE_ONE, 1, model), (LEAVE_TWO, 2, pairs))
        for gone in (combinations(range(k), size) if k > size else ())
    ]
    order = sorted(range(k), key=lambda i: (studies[i]["year"] is None, studies[i]["year"], studies[i]["study"]))
    choices += [(CUMULATIVE, model, (order[i],), without(k, order[i + 1 :])) for i in range(k)]
    pools: dict[str, list[dict]] = {}
    for by in dict.fromkeys((model, pairs)):
        masks = [without(k, ()), *(mask for _, used, _, mask in choices if used == by)]
        pools[by] = pool_masks(rows, np.array(masks), level, by)
    whole = {by: found.pop(0)["estimate"] for by, found in pools.items()}
    table = []
    for kind, by, who, mask in choices:
        found = pools[by].pop(0)
        shift = 0.0 if mask.all() else found["estimate"] - whole[by]  # the batch rounds by what stands beside
        named = ";".join(studies[i]["study"] for i in who)
        table.append({"kind": kind, "study": named, "model": by, **found, "shift": shift})
    return table


def without(k: int, gone: Sequence[int]) -> np.ndarray:
    """Give the choice of all of k studies but some."""
    mask = np.ones(k, bool)
    mask[list(gone)] = False
    return mask
