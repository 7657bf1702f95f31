"""What the pool would be with other studies in it: one or two left out, added year by year, every subset; bootstrap.

All of it stands on the batched fit of the primary model, so that thousands of subsets take a second.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import expit

from .files import write_table
from .models import pool
from .models.batch import fit_batch
from .models.twostage import pool_batch, two_stage_models
from .rows import read_rows
from .terms import CUMULATIVE, LEAVE_ONE, LEAVE_TWO, OK

POOL = ("k", "events", "patients", "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "status")
INFLUENCE = ("analysis", "kind", "study", "label", "model", *POOL, "shift")
SUBSETS = ("analysis", "kind", "studies", "model", *POOL)
BOOTSTRAP = ("analysis", "quantity", "estimate", "low", "high", "replicates", "without_events", "status")
MODEL = "glmm"


def vary_studies_file(
    rows_csv: str,
    influence_csv: str,
    subsets_csv: str,
    bootstrap_csv: str,
    *,
    analysis: str,
    level: float,
    settings: Mapping,
) -> None:
    """Read the rows of an analysis and write influence, subsets and bootstrap.

    Parameters
    ----------
    rows_csv, influence_csv, subsets_csv, bootstrap_csv : str
    analysis : str
    level : float
    settings : mapping
        The part `sensitivity` of the config.
    """
    rows = read_rows(rows_csv)
    rows = rows[(rows["subset"] == "all") & (rows["use"] == "yes")].reset_index(drop=True)
    base = {"analysis": analysis}
    write_table(influence_csv, (base | row for row in influence(rows, level)), INFLUENCE)
    write_table(subsets_csv, (base | row for row in subsets(rows, level, settings)), SUBSETS)
    write_table(bootstrap_csv, (base | row for row in bootstrap(rows, level, settings)), BOOTSTRAP)


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
            choices.append((kind, gone, _without(everyone, gone)))
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


def _without(mask: np.ndarray, gone: tuple[int, ...]) -> np.ndarray:
    mask = mask.copy()
    mask[list(gone)] = False
    return mask


def subsets(rows: pd.DataFrame, level: float, settings: Mapping) -> list[dict]:
    """Pool every subset of the studies, or a sample of them.

    Parameters
    ----------
    rows : DataFrame
    level : float
    settings : mapping
        ``exact_subsets_up_to``, ``sampled_subsets``, ``seed``; ``subset_models`` stand beside the primary one.

    Returns
    -------
    list of dict
        ``kind`` is ``all`` when every subset is here. A sample always holds the whole and all with one or two out.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA. GOSH – a graphical display of study heterogeneity. Res Synth Methods
    2012;3:214–23.
    """
    k = len(rows)
    if k == 0:
        return []
    exact = k <= settings["exact_subsets_up_to"]
    masks = all_masks(k) if exact else sampled_masks(k, settings["sampled_subsets"], settings["seed"])
    names = rows["study"].to_numpy()
    kind = "all" if exact else "sampled"
    # Two-stage models know no effect that arms of one study share.
    others = [] if len(set(names)) < k else settings.get("subset_models", ())
    return [
        {"kind": kind, "studies": ";".join(names[mask]), "model": model, **found}
        for model in dict.fromkeys([MODEL, *others])
        for mask, found in zip(masks, pool_masks(rows, masks, level, model), strict=True)
    ]


def all_masks(k: int) -> np.ndarray:
    """Give all subsets but the empty one, the whole first.

    >>> all_masks(2).astype(int).tolist()
    [[1, 1], [0, 1], [1, 0]]
    """
    numbers = np.arange(2**k - 1, 0, -1)
    return (numbers[:, None] >> np.arange(k)) & 1 == 1


def sampled_masks(k: int, size: int, seed: int) -> np.ndarray:
    """Give the whole, all subsets with one or two studies left out, and distinct random ones up to ``size``."""
    everyone = np.ones(k, bool)
    masks = [everyone] + [_without(everyone, gone) for m in (1, 2) for gone in combinations(range(k), m)]
    seen = {mask.tobytes() for mask in masks}
    random = np.random.default_rng(seed)
    while len(masks) < size:
        for mask in random.random((size, k)) < random.uniform(0.2, 1, (size, 1)):
            if mask.any() and mask.tobytes() not in seen and len(masks) < size:
                seen.add(mask.tobytes())
                masks.append(mask)
    return np.array(masks)


def bootstrap(rows: pd.DataFrame, level: float, settings: Mapping) -> list[dict]:
    """Give parametric bootstrap intervals of the pooled proportion and of τ².

    Parameters
    ----------
    rows : DataFrame
    level : float
    settings : mapping
        ``bootstrap`` (replicates) and ``seed``.

    Returns
    -------
    list of dict
        Percentile intervals. A replicate without events counts as a pooled proportion of 0, one with nothing but
        events as 1; their τ² does not exist and stays out.

    References
    ----------
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall 1993, sections 6.5 and 13.3.
    """
    y, n = rows["events"].to_numpy(int), rows["patients"].to_numpy(int)
    size = settings["bootstrap"]
    one = pool(MODEL, y, n, rows["study"])
    blank = {"replicates": 0, "without_events": 0}
    if one.status != OK:
        return [{"quantity": q, **blank, "status": one.status} for q in ("estimate", "tau2")]
    mean, tau = np.log(one.estimate / (1 - one.estimate)), np.sqrt(one.tau2)
    random = np.random.default_rng(settings["seed"])
    events = random.binomial(n, expit(mean + tau * random.standard_normal((size, len(n)))))
    batch = fit_batch(events, np.broadcast_to(n, events.shape))
    total = events.sum(1)
    estimate = np.where(total == 0, 0.0, np.where(total == n.sum(), 1.0, expit(batch.mean)))
    tails = [(1 - level) / 2, (1 + level) / 2]
    failed = np.isnan(estimate)
    status = OK if not failed.any() else f"{failed.sum()} replicates did not converge"
    counts = {"replicates": size, "without_events": int((total == 0).sum()), "status": status}
    return [
        {"quantity": name, "estimate": value, **dict(zip(("low", "high"), limits, strict=True)), **counts}
        for name, value, limits in (
            ("estimate", one.estimate, np.quantile(estimate[~failed], tails).tolist()),
            ("tau2", one.tau2, np.quantile(batch.tau[batch.ok] ** 2, tails).tolist()),
        )
    ]
