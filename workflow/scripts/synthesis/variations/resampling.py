"""The pool by the thousand: every subset of the studies, or a sample of them, and the parametric bootstrap.

The work is cut into blocks of a fixed size, and a block that draws has a seed of its own. So the blocks can be shared
out over any number of jobs (`sensitivity.chunks`), and the tables come out the same to the last byte.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import expit

from ..models.batch import fit_batch
from ..models.catalogue import Pooled, pool
from ..models.many import variation_model
from ..selection.arms import add_arms
from ..tables.files import as_cells, number, read_table, write_table
from ..words.terms import is_ok, remarks_of, with_remark
from .sensitivity import POOL, pool_masks, pooled_rows, without

SUBSETS = ("analysis", "kind", "studies", "model", *POOL)
BOOTSTRAP = ("analysis", "quantity", "estimate", "low", "high", "replicates", "without_events", "status")
PART = ("block", "kind", "studies", "model", *POOL)  # of one job: a line a fit
BLOCK = 500  # fits: another number gives other bootstrap samples
DRAWN, DRAWN_FROM = "bootstrap", "glmm"  # the kind of a line, and the model that events are drawn from


def resample_part_file(
    rows_csv: str, part_csv: str, *, level: float, settings: Mapping, chunk: int, chunks: int
) -> None:
    """Write every ``chunks``-th block of an analysis, beginning with number ``chunk`` (from 1)."""
    write_table(part_csv, resample(pooled_rows(rows_csv), level, settings, chunk, chunks), PART)


def resample_file(
    rows_csv: str,
    subsets_csv: str,
    bootstrap_csv: str,
    *,
    analysis: str,
    level: float,
    settings: Mapping,
    parts: Sequence[str] = (),
) -> None:
    """Write the pools of the subsets of an analysis, and its bootstrap intervals.

    Parameters
    ----------
    rows_csv, subsets_csv, bootstrap_csv : str
    analysis : str
    level : float
    settings : mapping
        The part `sensitivity` of the config, and ``primary``, the primary model.
    parts : sequence of str
        What the jobs wrote that share the work; without them it is done here.
    """
    rows, base = pooled_rows(rows_csv), {"analysis": analysis}
    # As a table holds them, so that the work of one job and that of many end in the same digits.
    fits = gather_parts(map(read_table, parts)) if parts else [as_cells(fit) for fit in resample(rows, level, settings)]
    write_table(subsets_csv, (base | row for row in subsets(fits)), SUBSETS)
    write_table(bootstrap_csv, (base | row for row in bootstrap(rows, fits, level, settings)), BOOTSTRAP)


@dataclass(frozen=True)
class Block:
    """Some fits that are made together.

    Parameters
    ----------
    kind : {"all", "sampled", "bootstrap"}
        Every subset, a sample of them, or samples of events.
    model : str
    start, end : int
        Which subsets, or which replicates.
    """

    kind: str
    model: str
    start: int
    end: int


def plan_blocks(rows: pd.DataFrame, settings: Mapping) -> tuple[list[Block], np.ndarray]:
    """Cut the work into blocks; give them with the subsets that are fitted, of shape (subsets, studies).

    Parameters
    ----------
    rows : DataFrame
        The used rows of the overall pool.
    settings : mapping
        ``exact_subsets_up_to``, ``sampled_subsets``, ``bootstrap``, ``seed``; ``subset_models`` stand beside the
        ``primary`` one, which is ``glmm`` when left out.
    """
    k = rows["study"].nunique()
    exact = k <= settings["exact_subsets_up_to"]
    masks = all_masks(k) if exact else sampled_masks(k, settings["sampled_subsets"], settings["seed"])
    primary = variation_model(settings.get("primary", DRAWN_FROM))
    models = dict.fromkeys([primary, *settings.get("subset_models", ())])
    whole = [("all" if exact else "sampled", model, len(masks)) for model in models]
    whole.append((DRAWN, DRAWN_FROM, settings["bootstrap"]))
    return [
        Block(kind, model, start, min(start + BLOCK, size))
        for kind, model, size in whole
        for start in range(0, size, BLOCK)
    ], masks


def resample(
    rows: pd.DataFrame, level: float, settings: Mapping, chunk: int = 1, chunks: int = 1
) -> Iterator[dict[str, object]]:
    """Fit every ``chunks``-th block, beginning with number ``chunk`` (from 1); give a line a fit, as ``PART`` names it.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA. GOSH – a graphical display of study heterogeneity. Res Synth Methods
    2012;3:214–23 (subsets). Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall 1993, section 6.5.
    """
    if rows.empty:
        return
    blocks, masks = plan_blocks(rows, settings)
    names = add_arms(rows)["study"].to_numpy()
    whole = pool(DRAWN_FROM, rows["events"], rows["patients"], rows["study"])
    for i in range(chunk - 1, len(blocks), chunks):
        block = blocks[i]
        line = {"block": i, "kind": block.kind, "model": block.model}
        if block.kind == DRAWN:
            yield from (line | found for found in _draw(rows, whole, block, settings["seed"]))
            continue
        chosen = masks[block.start : block.end]
        for mask, found in zip(chosen, pool_masks(rows, chosen, level, block.model), strict=True):
            yield line | {"studies": ";".join(names[mask]), **found}


def _draw(rows: pd.DataFrame, whole: Pooled, block: Block, seed: int) -> Iterator[dict[str, object]]:
    """Draw the events of each study, whose arms share its effect, and fit them: nothing, where there was no fit."""
    if not _drawable(whole):
        return
    n = add_arms(rows)["patients"].to_numpy(int)
    mean, tau = np.log(whole.estimate / (1 - whole.estimate)), np.sqrt(whole.tau2)
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block.start // BLOCK,)))
    logits = mean + tau * random.standard_normal((block.end - block.start, len(n)))
    events = random.binomial(n, expit(logits))
    batch = fit_batch(events, np.broadcast_to(n, events.shape))
    total = events.sum(1)
    # A replicate without events counts as a proportion of 0, one with nothing but events as 1; τ² does not exist there.
    estimate = np.where(total == 0, 0.0, np.where(total == n.sum(), 1.0, expit(batch.mean)))
    for one, count, tau, ok in zip(estimate.tolist(), total.tolist(), batch.tau.tolist(), batch.ok, strict=True):
        yield {"events": count, "estimate": one, "tau2": tau**2 if ok else None}


def gather_parts(parts: Iterable[Iterable[Mapping[str, str]]]) -> list[Mapping[str, str]]:
    """Put the lines of all jobs in the order in which one job would have written them."""
    return sorted((line for part in parts for line in part), key=lambda line: int(line["block"]))


def subsets(fits: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Give the pools of the subsets; ``kind`` is ``all`` when every subset is here.

    A sample always holds the whole and all with one or two studies out.
    """
    return [{key: value for key, value in fit.items() if key != "block"} for fit in fits if fit["kind"] != DRAWN]


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
    masks = [everyone] + [without(everyone, gone) for m in (1, 2) for gone in combinations(range(k), m)]
    seen = {mask.tobytes() for mask in masks}
    random = np.random.default_rng(seed)
    while len(masks) < size:
        for mask in random.random((size, k)) < random.uniform(0.2, 1, (size, 1)):
            if mask.any() and mask.tobytes() not in seen and len(masks) < size:
                seen.add(mask.tobytes())
                masks.append(mask)
    return np.array(masks)


def bootstrap(
    rows: pd.DataFrame, fits: Iterable[Mapping[str, object]], level: float, settings: Mapping
) -> list[dict[str, object]]:
    """Give parametric bootstrap intervals of the pooled proportion and of τ².

    Parameters
    ----------
    rows : DataFrame
        The used rows of the overall pool.
    fits : iterable of mapping
        What :func:`resample` gave.
    level : float
    settings : mapping
        ``bootstrap`` (replicates).

    Returns
    -------
    list of dict
        Percentile intervals; none where no replicate has a value. τ² of replicates without events, or with nothing
        but events, stays out.

    References
    ----------
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall 1993, sections 6.5 and 13.3.
    """
    one = pool(DRAWN_FROM, rows["events"], rows["patients"], rows["study"])
    if not _drawable(one):
        none = {"replicates": 0, "without_events": 0, "status": remarks_of(one.status)}
        return [{"quantity": quantity, **none} for quantity in ("estimate", "tau2")]
    drawn = [fit for fit in fits if fit["kind"] == DRAWN]
    events = np.array([int(fit["events"]) for fit in drawn])
    estimate = np.array([number(fit, "estimate") for fit in drawn])
    tau2 = np.array([number(fit, "tau2") for fit in drawn])
    failed = np.isnan(estimate)
    status = with_remark(one.status, f"{failed.sum()} replicates did not converge" if failed.any() else "")
    counts = {"replicates": settings["bootstrap"], "without_events": int((events == 0).sum()), "status": status}
    tails = [(1 - level) / 2, (1 + level) / 2]
    return [
        {"quantity": name, "estimate": value, **dict(zip(("low", "high"), limits, strict=True)), **counts}
        for name, value, limits in (
            ("estimate", one.estimate, _quantiles(estimate, tails)),
            ("tau2", one.tau2, _quantiles(tau2, tails)),
        )
    ]


def _drawable(whole: Pooled) -> bool:
    """Say whether there is a model to draw from: an estimate, and a τ² that can be known."""
    return is_ok(whole.status) and not np.isnan(whole.tau2)


def _quantiles(values: np.ndarray, tails: Sequence[float]) -> list[float]:
    values = values[~np.isnan(values)]
    return np.quantile(values, tails).tolist() if len(values) else [np.nan, np.nan]
