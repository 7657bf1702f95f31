"""The pool by the thousand: every subset of the studies, or a sample of them, and the parametric bootstrap.

The work is cut into blocks of a fixed size, and a block that draws has a seed of its own. So the blocks can be shared
out over any number of jobs (`sensitivity.chunks`), and the tables come out the same to the last byte.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from ..models.catalogue import Pooled, pool
from ..models.counts import is_exact
from ..models.many import BATCHES, variation_model
from ..selection.arms import add_arms, counts_of
from ..tables.declared import columns_of, write
from ..tables.files import as_cells, number, read_table, write_table
from ..words.model_names import scale_of
from ..words.terms import NOT_PRIMARY, is_ok, remarks_of, with_remark
from .sensitivity import pool_masks, without

PART = ("block", *columns_of("subsets")[1:])  # of one job: a line a fit
BLOCK = 500  # fits: another number gives other bootstrap samples
DRAWN = "bootstrap"  # the kind of a line
DRAWN_EXACT = "counts known only within limits are drawn exactly, so the interval is a little too narrow"
Rows = Sequence[Mapping]


def resample_part_file(rows: Rows, part_csv: str, *, level: float, settings: Mapping, chunk: int, chunks: int) -> None:
    """Write every ``chunks``-th block of an analysis, beginning with number ``chunk`` (from 1)."""
    write_table(part_csv, resample(rows, level, settings, chunk, chunks), PART)


def resample_file(
    rows: Rows,
    subsets_csv: str,
    bootstrap_csv: str,
    *,
    analysis: str,
    level: float,
    settings: Mapping,
    parts: Sequence[str] = (),
) -> None:
    """Write the pools of the subsets of an analysis, and its bootstrap intervals.

    ``settings`` is the part `sensitivity` of the config with ``primary``, the primary model; ``parts`` are what the
    jobs wrote that share the work: without them it is done here.
    """
    lines = (line for part in parts for line in read_table(part))
    # As a table holds them, so that the work of one job and that of many end in the same digits.
    fits = sorted(lines, key=lambda line: int(line["block"])) or list(map(as_cells, resample(rows, level, settings)))
    base = {"analysis": analysis}
    write(subsets_csv, (base | row for row in subsets(fits)))
    write(bootstrap_csv, (base | row for row in bootstrap(rows, fits, level, settings)))


class Block(NamedTuple):
    """Some fits that are made together: of every subset, a ``sampled`` one, or of a ``bootstrap`` sample of events."""

    kind: str
    model: str
    start: int
    end: int


def plan_blocks(k: int, settings: Mapping) -> tuple[list[Block], np.ndarray]:
    """Cut the work on k studies into blocks; give them with the subsets that are fitted, of shape (subsets, k)."""
    exact, primary = k <= settings["exact_subsets_up_to"], settings["primary"]
    masks = all_masks(k) if exact else sampled_masks(k, settings["sampled_subsets"], settings["seed"])
    models = dict.fromkeys([variation_model(primary, len(masks)), *settings.get("subset_models", ())])
    whole = [("all" if exact else "sampled", model, len(masks)) for model in models]
    whole.append((DRAWN, drawn_from(primary), settings["bootstrap"]))
    return [
        Block(kind, model, start, min(start + BLOCK, size))
        for kind, model, size in whole
        for start in range(0, size, BLOCK)
    ], masks


def drawn_from(primary: str) -> str:
    """Name the model of the bootstrap: it gives normal logits to draw from, and is fitted by the thousand."""
    return primary if primary in BATCHES and scale_of(primary) == "logit" else "glmm"


def resample(rows: Rows, level: float, settings: Mapping, chunk: int = 1, chunks: int = 1) -> Iterator[dict]:
    """Fit every ``chunks``-th block, beginning with number ``chunk`` (from 1); give a line a fit, as ``PART`` names it.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA. GOSH – a graphical display of study heterogeneity. Res Synth Methods
    2012;3:214–23 (subsets). Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall 1993, section 6.5.
    """
    studies = add_arms(rows)
    if not studies:
        return
    blocks, masks = plan_blocks(len(studies), settings)
    names, n = (np.array([one[name] for one in studies]) for name in ("study", "patients"))
    whole = pool(drawn_from(settings["primary"]), *counts_of(rows))
    for i, block in list(enumerate(blocks))[chunk - 1 :: chunks]:
        line = {"block": i, "kind": block.kind, "model": block.model}
        if block.kind == DRAWN:
            yield from (line | found for found in _draw(n, whole, block, settings["seed"]))
            continue
        chosen = masks[block.start : block.end]
        for mask, found in zip(chosen, pool_masks(rows, chosen, level, block.model), strict=True):
            yield line | {"studies": ";".join(names[mask]), **found}


def _draw(n: np.ndarray, whole: Pooled, block: Block, seed: int) -> Iterator[dict]:
    """Draw the events of each study, whose arms share its effect, and fit them: nothing, where there was no fit."""
    if not _drawable(whole):
        return
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block.start // BLOCK,)))
    logits = random.standard_normal((block.end - block.start, len(n)))
    events = random.binomial(n, expit(logit(whole.estimate) + np.sqrt(whole.tau2) * logits))
    numbers, _ = BATCHES[block.model](events, np.broadcast_to(n, events.shape), None, 0.95)
    total = events.sum(1)
    # A replicate without events counts as a proportion of 0, one with nothing but events as 1; τ² does not exist there.
    edge = [total == 0, total == n.sum()]
    estimate, tau2 = np.select(edge, [0.0, 1.0], numbers["estimate"]), np.where(sum(edge), np.nan, numbers["tau2"])
    for count, one, other in zip(total.tolist(), estimate.tolist(), tau2.tolist(), strict=True):
        yield {"events": count, "estimate": one, "tau2": other}


def subsets(fits: Iterable[Mapping]) -> list[dict]:
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
    masks = [without(k, gone) for m in (0, 1, 2) for gone in combinations(range(k), m)]
    seen = {mask.tobytes() for mask in masks}
    random = np.random.default_rng(seed)
    while len(masks) < size:
        for mask in random.random((size, k)) < random.uniform(0.2, 1, (size, 1)):
            if mask.any() and mask.tobytes() not in seen and len(masks) < size:
                seen.add(mask.tobytes())
                masks.append(mask)
    return np.array(masks)


def bootstrap(rows: Rows, fits: Iterable[Mapping], level: float, settings: Mapping) -> list[dict]:
    """Give parametric bootstrap intervals of the pooled proportion and of τ², from what :func:`resample` gave.

    Percentile intervals; none where no replicate has a value. τ² of replicates without events, or with nothing but
    events, stays out.

    References
    ----------
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall 1993, sections 6.5 and 13.3.
    """
    model = drawn_from(settings["primary"])
    one = pool(model, *counts_of(rows))
    if not _drawable(one):
        none = {"replicates": 0, "without_events": 0, "status": remarks_of(one.status)}
        return [{"quantity": quantity, **none} for quantity in ("estimate", "tau2")]
    drawn = [fit for fit in fits if fit["kind"] == DRAWN]
    values = {name: np.array([number(fit, name) for fit in drawn]) for name in ("events", "estimate", "tau2")}
    failed = int(np.isnan(values["estimate"]).sum())
    status = with_remark(one.status, f"{failed} replicates did not converge" if failed else "")
    status = with_remark(status, "" if is_exact(counts_of(rows)[0]) else DRAWN_EXACT)
    status = with_remark(status, "" if model == settings["primary"] else f"of {model}, {NOT_PRIMARY}")
    about = {"replicates": settings["bootstrap"], "without_events": int((values["events"] == 0).sum())}
    about["status"], tails, table = status, [(1 - level) / 2, (1 + level) / 2], []
    for name in ("estimate", "tau2"):
        known = values[name][~np.isnan(values[name])]
        low, high = np.quantile(known, tails).tolist() if len(known) else (np.nan, np.nan)
        table.append({"quantity": name, "estimate": getattr(one, name), "low": low, "high": high, **about})
    return table


def _drawable(whole: Pooled) -> bool:
    """Say whether there is a model to draw from: an estimate, and a τ² that can be known."""
    return is_ok(whole.status) and not np.isnan(whole.tau2)
