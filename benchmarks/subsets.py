"""How many subsets of ten studies the Bayesian model pools in a second of one core, the table of studies included.

``PYTHONPATH=workflow/scripts python benchmarks/subsets.py``; it needs no R.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

from time import process_time

import numpy as np
from fits import simulate
from synthesis.models.bayes_batch import bayes_batch
from synthesis.variations.resampling import all_masks

STUDIES, ROUNDS = 10, 5


def main() -> None:
    """Print the slowest and the fastest of some reviews, each with all its subsets."""
    masks, rates = all_masks(STUDIES), []
    for events, patients in zip(*simulate(STUDIES, ROUNDS), strict=True):
        start = process_time()
        _, ok = bayes_batch(events, patients, masks)
        rates.append(np.sum(ok) / (process_time() - start))
    print(f"bayes: {min(rates):,.0f} to {max(rates):,.0f} of {len(masks):,} subsets a second (k = {STUDIES}, one core)")


if __name__ == "__main__":
    main()
