"""Run a command and say what it cost: seconds, processor time, and the largest memory of any process in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"


class Cost(NamedTuple):
    """What a command cost.

    Parameters
    ----------
    seconds : float
        By the clock on the wall.
    processor : float
        Seconds of all cores together.
    megabytes : float
        The most that one of its processes held, not their sum.
    """

    seconds: float
    processor: float
    megabytes: float


def measure(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command in a folder, and stop with what it said when it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment["PYTHONPATH"] = str(folder / "workflow" / "scripts")
    log = folder / ".benchmark.log"
    with log.open("w") as output:
        start = perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        # Of this child and all that it waited for; getrusage would mix in the commands before it.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command[:6]))} …\n{log.read_text()[-4000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def build(folder: Path, cores: int, *targets: str) -> Cost:
    """Build targets with Snakemake; everything, when none is named."""
    return measure([sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "all", "--", *targets], folder)


def set_up(folder: Path, review: Path | None = None) -> Path:
    """Copy the engine to a folder, and a review (``config.yaml``, ``studies/``) where one is given."""
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    if review:
        shutil.copy(review / "config.yaml", folder)
        shutil.copytree(review / "studies", folder / "studies")
    return folder
