"""What each study says of τ and μ, on one small grid: any selection of studies is a sum, and is pooled without a fit.

The log posterior of ``bayes`` is the log prior and a sum over the studies. The report holds these tables, adds up those
that a reader ticks, and reads the answers off the sum.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence

import numpy as np

from ..models.bayes import MU_SD, TAU_SCALE, Axis
from ..models.bayes_batch import STEPS, Sets, place
from ..models.catalogue import pool
from ..models.censored import log_within
from ..models.counts import limits, within
from ..models.study_table import tabulate_studies
from ..selection.arms import add_arms, counts_of
from ..tables.declared import write

POINTS = (20, 48)  # of τ and of μ; between them polynomials carry the sum: proportions are right to 5e-4 (tested)
DEEP = 400.0  # below its highest, a log likelihood is as good as nothing, among any studies that a page could hold
WHOLE = 2**16 - 1  # steps of the square root, which are finest at the top
Rows = Sequence[Mapping]


def likelihoods_file(rows: Rows, likelihoods_csv: str, *, analysis: str, level: float) -> None:
    """Write the table of an analysis: the prior, then a row a study with what it says alone; nothing below two."""
    write(likelihoods_csv, ({"analysis": analysis} | row for row in study_likelihoods(rows, level)))


def study_likelihoods(rows: Rows, level: float) -> list[dict]:
    """Give the prior, in a row without a study, and each study, in order of names."""
    studies = add_arms(rows)
    if len(studies) < 2:
        return []
    tau, mu = axes_of(studies)
    prior = (tau.log_weight - (tau.x / TAU_SCALE) ** 2 / 2)[:, None] + mu.log_weight - (mu.x / MU_SD) ** 2 / 2
    axes = {"tau_width": tau.width, "tau_last": tau.t[-1], "tau_points": len(tau.t), "mu_centre": mu.centre}
    axes |= {"mu_width": mu.width, "mu_first": mu.t[0], "mu_last": mu.t[-1], "mu_points": len(mu.t), "deep": DEEP}
    found = [axes | {"log_likelihood": encode(prior)}]
    for one, table in zip(studies, tabulate(rows, studies, tau, mu), strict=True):
        name = one["study"]
        alone = pool("bayes", *counts_of(row for row in rows if row["study"] == name), level)
        said = {key: getattr(alone, key) for key in ("estimate", "ci_low", "ci_high", "status")}
        counts = {key: one[key] for key in ("events", "events_from", "events_to", "patients")}
        found.append(axes | {"study": name, "log_likelihood": encode(table)} | counts | said)
    return found


def axes_of(studies: Rows) -> tuple[Axis, Axis]:
    """Give axes of τ and μ that hold the posteriors of each study alone and of all, and so of any selection."""
    low, high, n = np.array([[one[key] for key in ("events_from", "events_to", "patients")] for one in studies]).T
    masks = np.vstack([np.ones(len(n), bool), np.eye(len(n), dtype=bool)])
    y = np.broadcast_to(within(low, high), masks.shape)
    grid = place(Sets.of(y, np.broadcast_to(n, masks.shape), masks), STEPS[0], TAU_SCALE, MU_SD)
    return grid.tau.spaced(POINTS[0] - 1), grid.mu.spaced(POINTS[1] - 1)


def tabulate(rows: Rows, studies: Rows, tau: Axis, mu: Axis) -> np.ndarray:
    """Give the log likelihood of each study, shape (studies, τ, μ); its arms share one logit."""
    events, patients, study = counts_of(rows)
    ends, names = limits(events), [one["study"] for one in studies]
    owner = np.array([[name == one for one in study] for name in names], float)
    low, high, n = (np.asarray(part, float)[:, None] for part in (*ends, patients))
    middle, size = ((owner @ part)[:, 0] for part in ((low + high) / 2, n))
    least = np.sqrt(1 / (middle + 0.5) + 1 / (size - middle + 0.5)).min()
    use = np.ones((len(tau.t), len(mu.t)), bool)
    given = (lambda eta: owner @ log_within(low, high, n, eta)[0]), mu.centre, least
    return tabulate_studies(*given, tau.x, mu.x, use).reshape(len(studies), *use.shape)


def encode(table: np.ndarray) -> str:
    """Give a table in base64: of each number, how far below the highest it is, its root in whole steps of 16 bits."""
    depth = np.sqrt(np.clip(table.max() - table, 0, DEEP) / DEEP)
    return b64encode(np.rint(depth * WHOLE).astype("<u2").tobytes()).decode()
