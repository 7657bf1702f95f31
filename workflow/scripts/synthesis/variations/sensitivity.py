"""What the pool would be with other studies in it: one or two left out, or added year by year.

All of it stands on batched fits, so that thousands of choices take a second: of the primary model where it has such,
and of ``glmm`` otherwise.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from ..models.catalogue import Pooled, pool
from ..models.many import NUMBERS, pool_many, variation_model
from ..selection.arms import add_arms, read_rows
from ..tables.files import write_table
from ..words.terms import CUMULATIVE, LEAVE_ONE, LEAVE_TWO

POOL = ("k", "events", "patients", *NUMBERS, "status")
INFLUENCE = ("analysis", "kind", "study", "model", *POOL, "shift")


def leave_out_file(rows_csv: str, influence_csv: str, *, analysis: str, level: float, primary: str = "glmm") -> None:
    """Read the rows of an analysis and write what one or two studies do to the pool by the primary model."""
    rows = influence(pooled_rows(rows_csv), level, variation_model(primary))
    write_table(influence_csv, ({"analysis": analysis} | row for row in rows), INFLUENCE)


def pooled_rows(rows_csv: str) -> pd.DataFrame:
    """Read the rows of the overall pool of an analysis."""
    rows = read_rows(rows_csv)
    return rows[(rows["subset"] == "all") & (rows["use"] == "yes")].reset_index(drop=True)


def pool_masks(rows: pd.DataFrame, masks: np.ndarray, level: float = 0.95, model: str = "glmm") -> list[dict]:
    """Pool many choices of the same studies.

    Parameters
    ----------
    rows : DataFrame
        ``study``, ``events`` and ``patients``; a study is in or out with all its rows.
    masks : ndarray of bool, shape (choices, studies)
        Studies by name, as :func:`synthesis.selection.arms.add_arms` orders them.
    level : float
    model : str

    Returns
    -------
    list of dict
        As :func:`synthesis.models.catalogue.pool` gives them, special cases included; ``k`` counts studies.
    """
    studies = add_arms(rows)
    y, n = studies["events"].to_numpy(int), studies["patients"].to_numpy(int)

    def alone(i: int) -> Pooled:
        chosen = rows[rows["study"].isin(studies["study"][masks[i]])]
        return pool(model, chosen["events"], chosen["patients"], chosen["study"], level)

    pools = pool_many(model, y, n, masks, studies["arms"].to_numpy() > 1, alone, level)
    return [
        {"k": int(mask.sum()), "events": int(y[mask].sum()), "patients": int(n[mask].sum()), **found}
        for mask, found in zip(masks, pools, strict=True)
    ]


def influence(rows: pd.DataFrame, level: float = 0.95, model: str = "glmm") -> list[dict]:
    """Leave one study out, leave two out, and add them year by year.

    Parameters
    ----------
    rows : DataFrame
        The used rows of the overall pool, with ``year``; a study goes and comes with all its arms.
    level : float
    model : str

    Returns
    -------
    list of dict
        ``shift`` is the estimate minus that of all studies; ``study`` names who is left out, or the last one added.
    """
    studies = add_arms(rows)
    k = len(studies)
    if k < 2:
        return []
    everyone = np.ones(k, bool)
    choices: list[tuple[str, tuple[int, ...], np.ndarray]] = []
    for kind, size in ((LEAVE_ONE, 1), (LEAVE_TWO, 2)):
        for gone in combinations(range(k), size) if k > size else ():
            choices.append((kind, gone, without(everyone, gone)))
    order = studies.sort_values(["year", "study"], na_position="last").index.to_numpy()
    choices += [(CUMULATIVE, (order[i],), np.isin(np.arange(k), order[: i + 1])) for i in range(k)]
    pools = pool_masks(rows, np.array([everyone, *(mask for _, _, mask in choices)]), level, model)
    whole = pools[0]["estimate"]
    return [
        {
            "kind": kind,
            "study": ";".join(studies["study"].iloc[list(who)]),
            "model": model,
            **found,
            "shift": 0.0 if mask.all() else found["estimate"] - whole,  # the batch rounds by what stands beside
        }
        for (kind, who, mask), found in zip(choices, pools[1:], strict=True)
    ]


def without(mask: np.ndarray, gone: tuple[int, ...]) -> np.ndarray:
    """Take some studies out of a choice."""
    mask = mask.copy()
    mask[list(gone)] = False
    return mask
