"""How long one fit takes here and in R, on the same simulated reviews, with the largest difference of the answers.

``make bench`` runs it: ``PYTHONPATH=workflow/scripts python benchmarks/fits.py``. It needs R with lme4 and metafor.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

# Before numpy is loaded, and handed down to R: both on one thread.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
from scipy.special import expit, logit
from synthesis.models.batch import fit_batch
from synthesis.models.catalogue import pool
from synthesis.models.logistic_normal import arms_of, fit
from synthesis.models.twostage import pool_batch

SEED = 20261124
MEAN, TAU, PATIENTS = logit(0.08), 0.5, (20, 300)  # of a review like this one: about 8 %, between 5 and 13 % in most
# Studies → how many reviews are fitted one by one, here and in R, and how many in a batch.
REVIEWS = {10: (20, 5000), 100: (5, 500), 1000: (2, 50)}
ROUND, ROUNDS = (
    0.3,
    3,
)  # seconds a round takes at least, and rounds; the fastest counts, as whatever else runs only adds

# How we fit → what R does for it.
RIVALS = {
    "glmm, batch": ("glmer", "rma.glmm"),
    "glmm, fit alone": ("glmer", "rma.glmm"),
    "glmm, pool": ("glmer", "glmer_interval", "rma.glmm"),
    "logit-reml, batch": ("rma",),
    "logit-reml, pool": ("rma", "rma_interval"),
}
NAMES = {
    "glmer": "lme4::glmer",
    "glmer_interval": "lme4::glmer + confint(τ)",
    "rma.glmm": "metafor::rma.glmm",
    "rma": "metafor::rma",
    "rma_interval": "metafor::rma + confint(τ²)",
}
HEADINGS = ("k", "here", "in R", "here, ms", "R, ms", "R / here", "estimate", "τ²")


class Answer(NamedTuple):
    """Mean logit and τ² of some reviews, and the seconds that one fit took."""

    mean: np.ndarray
    tau2: np.ndarray
    seconds: float


def simulate(k: int, reviews: int) -> tuple[np.ndarray, np.ndarray]:
    """Give events and patients of some reviews of k studies, each of shape (reviews, k)."""
    random = np.random.default_rng([SEED, k])
    patients = random.integers(*PATIENTS, (reviews, k), endpoint=True)
    return random.binomial(patients, expit(MEAN + TAU * random.standard_normal((reviews, k)))), patients


def time_fits(fit_all: Callable, fits: int) -> tuple[object, float]:
    """Give what a function returns and its seconds for one of the fits in it: the fastest of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start, calls = perf_counter(), 0
        while (took := perf_counter() - start) < ROUND:
            found = fit_all()
            calls += 1
        rounds.append(took / calls / fits)
    return found, min(rounds)


def fit_here(events: np.ndarray, patients: np.ndarray, single: int) -> Iterator[tuple[str, Answer]]:
    """Fit reviews of one size in each way there is here; give the name of each way and the answers."""
    k = events.shape[1]
    study, design, some = np.arange(k), np.ones((k, 1)), list(zip(events[:single], patients[:single], strict=True))
    batch, seconds = time_fits(lambda: fit_batch(events, patients), len(events))
    yield "glmm, batch", Answer(batch.mean, batch.tau**2, seconds)
    fits, seconds = time_fits(lambda: [fit(arms_of(y, n, study, design)) for y, n in some], single)
    yield "glmm, fit alone", Answer(np.array([f.beta[0] for f in fits]), np.array([f.tau**2 for f in fits]), seconds)
    yield "glmm, pool", pool_one_by_one("glmm", some, study)
    batch, seconds = time_fits(lambda: pool_batch(events, patients), len(events))
    yield "logit-reml, batch", Answer(logit(batch.estimate), batch.tau2, seconds)
    yield "logit-reml, pool", pool_one_by_one("logit-reml", some, study)


def pool_one_by_one(model: str, reviews: list, study: np.ndarray) -> Answer:
    """Pool reviews with a model of the table."""
    pools, seconds = time_fits(lambda: [pool(model, y, n, study) for y, n in reviews], len(reviews))
    return Answer(logit([p.estimate for p in pools]), np.array([p.tau2 for p in pools]), seconds)


def fit_in_r(reviews: dict[int, tuple[np.ndarray, np.ndarray]]) -> dict[tuple[str, int], Answer]:
    """Fit the same reviews in R; give method and number of studies → answers."""
    with tempfile.TemporaryDirectory() as folder:
        counts, fits = Path(folder, "counts.csv"), Path(folder, "fits.csv")
        with counts.open("w", newline="") as file:
            write = csv.writer(file)
            write.writerow(["k", "set", "study", "events", "patients"])
            for k, (events, patients) in reviews.items():
                for (review, study), y in np.ndenumerate(events):
                    write.writerow([k, review, study, y, patients[review, study]])
        script = Path(__file__).with_name("fits.R")
        subprocess.run(["Rscript", "--vanilla", script, counts, fits, str(ROUND)], check=True)
        with fits.open(newline="") as file:
            rows = list(csv.DictReader(file))
    found = {}
    for method, k in dict.fromkeys((row["method"], row["k"]) for row in rows):
        mine = sorted(
            (row for row in rows if (row["method"], row["k"]) == (method, k)), key=lambda row: int(row["set"])
        )
        mean, tau2 = (np.array([float(row[name]) for row in mine]) for name in ("mean", "tau2"))
        found[method, int(k)] = Answer(mean, tau2, float(mine[0]["seconds"]))
    return found


def compare(here: Answer, there: Answer) -> tuple[str, ...]:
    """Give the cells of a line of the table: times, ratio, largest relative difference of the proportion and of τ²."""
    fitted = slice(len(there.mean))
    proportion = np.max(np.abs(expit(here.mean[fitted]) / expit(there.mean) - 1))
    # τ² at or near 0 has no relative error worth the name.
    tau2 = np.max(np.abs(here.tau2[fitted] - there.tau2) / np.maximum(there.tau2, 0.01))
    times = (
        f"{1000 * answer.seconds:.3g}" if answer.seconds < 1 else f"{1000 * answer.seconds:,.0f}"
        for answer in (here, there)
    )
    return *times, f"{there.seconds / here.seconds:,.1f}", f"{proportion:.0e}", f"{tau2:.0e}"


def main() -> None:
    """Print the table."""
    if not shutil.which("Rscript"):
        sys.exit("benchmarks/fits.py: Rscript is not there. Install R with lme4 and metafor, then run it again.")
    reviews = {k: simulate(k, batch) for k, (_, batch) in REVIEWS.items()}
    in_r = fit_in_r({k: (y[: REVIEWS[k][0]], n[: REVIEWS[k][0]]) for k, (y, n) in reviews.items()})
    lines = [HEADINGS]
    for k, (events, patients) in reviews.items():
        for way, answer in fit_here(events, patients, REVIEWS[k][0]):
            lines += [(f"{k:,}", way, NAMES[rival], *compare(answer, in_r[rival, k])) for rival in RIVALS[way]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        words = (f"{cell:<{width}}" for cell, width in zip(line[:3], widths[:3], strict=True))
        numbers = (f"{cell:>{width}}" for cell, width in zip(line[3:], widths[3:], strict=True))
        print("  ".join((*words, *numbers)))
    print("Milliseconds for one fit; the last two columns are the largest relative differences from R.")


if __name__ == "__main__":
    main()
