"""What a size costs: made-up reviews of up to thousands of sheets, checked, planned and pooled.

``PYTHONPATH=workflow/scripts python benchmarks/sizes.py`` writes ``benchmarks/results/sizes.csv``. The planning is what
Snakemake does before its first job (and all it does when there is nothing to do); the pooling is the rows and estimates
of all analyses, without figures.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from build import write
from measure import RESULTS, Cost, build, measure, set_up
from synthetic import write_review

SIZES = ((30, 10), (300, 10), (3000, 10), (300, 100))  # sheets, analyses
COLUMNS = ("sheets", "analyses", "what", "jobs", *Cost._fields)
LARGEST_BUILD = 300


def costs(sheets: int, analyses: int, cores: int, largest: int) -> list[dict]:
    """Measure one size; give its lines of the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = set_up(Path(temporary, "review"))
        write_review(folder, sheets, analyses)
        target = "results/estimates.csv"
        steps = {
            "check": (0, lambda: measure([sys.executable, "-m", "synthesis.check"], folder)),
            "plan": (0, lambda: measure([sys.executable, "-m", "snakemake", "-n", "--quiet", "all"], folder)),
            "pool": (2 * analyses + 1, lambda: build(folder, cores, target)),
            "nothing to do": (0, lambda: build(folder, cores, target)),
        }
        if sheets > largest:
            steps = {what: steps[what] for what in ("check", "plan")}
        lines = []
        for what, (jobs, step) in steps.items():
            cost = step()
            lines.append(dict(zip(COLUMNS, (sheets, analyses, what, jobs, *cost), strict=True)))
            print(f"{sheets:>6} {analyses:>5} {what:<14}{cost.seconds:8.1f} s {cost.megabytes:6.0f} MB", flush=True)
        return lines


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--sizes", nargs="+", default=[f"{s}x{a}" for s, a in SIZES], help="sheets x analyses: 30x10")
    parser.add_argument("--largest-build", type=int, default=LARGEST_BUILD, help="above: no pooling")
    options = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes]
    lines = [line for s, a in sizes for line in costs(s, a, options.cores, options.largest_build)]
    RESULTS.mkdir(exist_ok=True)
    write(RESULTS / "sizes.csv", COLUMNS, lines)


if __name__ == "__main__":
    main()
