"""What the pool would be with other studies in it: one or two left out, or added year by year.

All of it stands on the batched fit of the primary model, so that thousands of choices take a second.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from .files import write_table
from .models import pool
from .models.batch import fit_batch
from .models.twostage import pool_batch, two_stage_models
from .rows import read_rows
from .terms import CUMULATIVE, LEAVE_ONE, LEAVE_TWO, OK

POOL = ("k", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "status")
INFLUENCE = ("analysis", "kind", "study", "label", "model", *POOL, "shift")
MODEL = "glmm"


def leave_out_file(rows_csv: str, influence_csv: str, *, analysis: str, level: float) -> None:
    """Read the rows of an analysis and write what one or two studies do to the pool."""
    rows = influence(pooled_rows(rows_csv), level)
    write_table(influence_csv, ({"analysis": analysis} | row for row in rows), INFLUENCE)


def pooled_rows(rows_csv: str) -> pd.DataFrame:
    """Read the rows of the overall pool of an analysis."""
    rows = read_rows(rows_csv)
    return rows[(rows["subset"] == "all") & (rows["use"] == "yes")].reset_index(drop=True)


def pool_masks(rows: pd.DataFrame, masks: np.ndarray, level: float = 0.95, model: str = MODEL) -> list[dict]:
    """Pool many choices of the same rows.

    Parameters
    ----------
    rows : DataFrame
        ``study``, ``events`` and ``patients``, one row a study.
    masks : ndarray of bool, shape (choices, rows)
    level : float
    model : str
        ``glmm``, ``glmm-t`` or a two-stage model: those that are fitted to many data sets at once.

    Returns
    -------
    list of dict
        As :func:`synthesis.models.pool` gives them, special cases included.
    """
    y, n = rows["events"].to_numpy(int), rows["patients"].to_numpy(int)
    table, ok = _fit_masks(model, y, n, masks, level)
    found = []
    for i, mask in enumerate(masks):
        counts = {"k": int(mask.sum()), "events": int(y[mask].sum()), "patients": int(n[mask].sum())}
        if ok[i]:
            found.append(counts | {key: float(values[i]) for key, values in table.items()} | {"status": OK})
        else:  # one study, no events, nothing but events, or no convergence: the single fit knows the words
            one = pool(model, y[mask], n[mask], rows["study"][mask], level)
            found.append(counts | {key: getattr(one, key) for key in POOL[3:]})
    return found


def _fit_masks(model: str, y: np.ndarray, n: np.ndarray, masks: np.ndarray, level: float) -> tuple[dict, np.ndarray]:
    """Fit a model to every choice of rows at once; give its numbers by name, and where there are any."""
    if model.startswith("glmm"):
        batch = fit_batch(y, n, masks)
        return batch.proportions(level, "t" if model == "glmm-t" else "z"), batch.ok
    pooled = pool_batch(y, n, masks, level=level, **two_stage_models()[model].pool.keywords)
    return {key: getattr(pooled, key) for key in POOL[3:-1]}, pooled.ok


def influence(rows: pd.DataFrame, level: float = 0.95) -> list[dict]:
    """Leave one study out, leave two out, and add them year by year.

    Parameters
    ----------
    rows : DataFrame
        The used rows of the overall pool, one a study, with ``year`` and ``label``.
    level : float

    Returns
    -------
    list of dict
        ``shift`` is the estimate minus that of all studies; ``study`` names who is left out, or the last one added.
    """
    k = len(rows)
    if k < 2:
        return []
    everyone = np.ones(k, bool)
    choices: list[tuple[str, tuple[int, ...], np.ndarray]] = []
    for kind, size in ((LEAVE_ONE, 1), (LEAVE_TWO, 2)):
        for gone in combinations(range(k), size) if k > size else ():
            choices.append((kind, gone, without(everyone, gone)))
    order = rows.sort_values(["year", "label"], na_position="last", kind="stable").index.to_numpy()
    choices += [(CUMULATIVE, (order[i],), np.isin(np.arange(k), order[: i + 1])) for i in range(k)]
    pools = pool_masks(rows, np.array([everyone, *(mask for _, _, mask in choices)]), level)
    whole = pools[0]["estimate"]
    return [
        {
            "kind": kind,
            "study": ";".join(rows["study"].iloc[list(who)]),
            "label": "; ".join(rows["label"].iloc[list(who)]),
            "model": MODEL,
            **found,
            "shift": found["estimate"] - whole,
        }
        for (kind, who, _), found in zip(choices, pools[1:], strict=True)
    ]


def without(mask: np.ndarray, gone: tuple[int, ...]) -> np.ndarray:
    """Take some rows out of a choice."""
    mask = mask.copy()
    mask[list(gone)] = False
    return mask
