"""The whole build against one R script that does the same analyses and figures: from nothing, after a sheet, again.

``PYTHONPATH=workflow/scripts python benchmarks/build.py`` writes ``benchmarks/results/build.csv`` and ``tasks.csv``. It
needs R with lme4 and metafor. Everything is built in a temporary folder; ``results/`` is not touched.
"""

import argparse
import csv
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from measure import RESULTS, ROOT, Cost, build, measure, set_up

HERE = Path(__file__).parent
COLUMNS = ("what", "who", "seconds", "measured", "processor", "megabytes", "note")


def restrict(config: Path) -> str:
    """Ask for one GLMM, REML with Knapp-Hartung and one subgroup analysis only; give the variable it splits by."""
    choices = yaml.load(config.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    split = next(variable for analysis in choices["analyses"].values() for variable in analysis.get("subgroups", []))
    for analysis in choices["analyses"].values():
        analysis |= {"subgroups": [v for v in analysis.get("subgroups", []) if v == split], "moderators": []}
    choices["models"] |= {"sensitivity": ["logit-reml-hk"], "subgroups": ["glmm", "logit-reml-hk"]}
    # One job makes all that is asked of a pool; what the minimal set does not hold is kept as small as it can be.
    choices["sensitivity"] = {
        "exact_subsets_up_to": "3",
        "sampled_subsets": "1",
        "bootstrap": "10",
        "permutations": "10",
    }
    choices["multiverse"] |= {"models": ["glmm"], "windows": choices["multiverse"]["windows"][:1]}
    choices["future"] = {"thresholds": ["10"], "simulations": "10"}
    choices["figures"] |= {"forest_by": [split], "formats": ["pdf"]}
    config.write_text(yaml.safe_dump(choices, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return split


def analyses_of(folder: Path) -> list[str]:
    """Name the analyses of a review."""
    return list(yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)["analyses"])


def rows_of(folder: Path) -> list[Path]:
    """Give the selected rows of every analysis, which R starts from."""
    return [folder / "results" / analysis / "rows.csv" for analysis in analyses_of(folder)]


def write_specifications(folder: Path, out: Path) -> None:
    """Write the sets of studies that the specifications of each analysis pool, each once, for R."""
    out.mkdir()
    sets: dict[tuple[str, str], None] = {}
    for analysis in analyses_of(folder):
        with (folder / "results" / analysis / "multiverse.csv").open(encoding="utf-8", newline="") as file:
            sets |= {
                (analysis, row["studies_used"]): None for row in csv.DictReader(file) if ";" in row["studies_used"]
            }
    with (out / "specifications.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("analysis", "studies"), *sets])


def write_permutations(folder: Path, out: Path) -> None:
    """Write how many permutations the regressions of each analysis took, for R."""
    lines = []
    for analysis in analyses_of(folder):
        with (folder / "results" / analysis / "regression.csv").open(encoding="utf-8", newline="") as file:
            tested = [row for row in csv.DictReader(file) if row["permutation_p"] and row["model"] == "glmm"]
        lines.append((analysis, sum(int(row["permutations"]) for row in tested)))
    with (out / "permutations.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("analysis", "permutations"), *lines])


def run_r(which: str, folder: Path, out: Path) -> tuple[Cost, list[dict]]:
    """Run the R script; give its cost and what it did."""
    command = ["Rscript", "--vanilla", HERE / "build.R", which, out, *rows_of(folder)]
    cost = measure(command, folder)
    with (out / "tasks.csv").open(encoding="utf-8", newline="") as file:
        return cost, list(csv.DictReader(file))


def scaled(cost: Cost, tasks: list[dict]) -> float:
    """Give the seconds of R with every fit that was wanted, where only some of many alike were done."""
    more = sum(float(task["scaled"]) - float(task["seconds"]) for task in tasks)
    return cost.seconds + more


def add_sheet(folder: Path) -> None:
    """Add a study that answers the first analysis: its part of the sheet with most to say to it, under another name."""
    choices = yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    wanted = set(next(iter(choices["analyses"].values()))["outcomes"])
    sheets = [
        yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for path in sorted((folder / "studies").glob("*.yaml"))
        if path.name not in ("TEMPLATE.yaml", "grade.yaml")
    ]
    one = max(sheets, key=lambda sheet: sum(row["outcome"] in wanted for row in sheet["outcomes"]))
    one |= {"id": "benchmark2026", "label": "Benchmark 2026"}
    one["citation"] = {k: v for k, v in one["citation"].items() if k not in ("doi", "pmid", "url")}
    one["outcomes"] = [row for row in one["outcomes"] if row["outcome"] in wanted]
    for key in ("cohort", "overlaps", "comparisons", "exclude", "sensitivity_only"):
        one.pop(key, None)
    path = folder / "studies" / "benchmark2026.yaml"
    path.write_text(yaml.safe_dump(one, allow_unicode=True, sort_keys=False), encoding="utf-8")


def compare(cores: int, sets: list[str]) -> tuple[list[dict], list[dict]]:
    """Measure everything; give the lines of ``build.csv`` and ``tasks.csv``."""
    lines, done = [], []

    def note(what: str, who: str, cost: Cost, seconds: float, words: str) -> None:
        lines.append(dict(zip(COLUMNS, (what, who, seconds, *cost, words), strict=True)))
        print(
            f"{what:<14}{who:<6}{seconds:8.1f} s  {cost.processor:8.1f} s of processors  {cost.megabytes:6.0f} MB",
            flush=True,
        )

    with tempfile.TemporaryDirectory() as temporary:
        if "minimal" in sets:
            folder = set_up(Path(temporary, "minimal"), ROOT)
            split = restrict(folder / "config.yaml")
            files = ("influence.csv", "forest.pdf", f"forest_{split}.pdf")
            targets = [f"results/{analysis}/{file}" for analysis in analyses_of(folder) for file in files]
            cost = build(folder, cores, "results/estimates.csv", *targets)
            note("minimal set", "here", cost, cost.seconds, f"{cores} cores")
            cost, _ = run_r("minimal", folder, Path(temporary, "r-minimal"))
            note("minimal set", "R", cost, cost.seconds, "1 core")
        if "full" in sets:
            folder = set_up(Path(temporary, "full"), ROOT)
            cost = build(folder, cores)
            note("full set", "here", cost, cost.seconds, f"{cores} cores; with the page, the document and the tables")
            write_specifications(folder, Path(temporary, "r-full"))
            write_permutations(folder, Path(temporary, "r-full"))
            cost, done = run_r("full", folder, Path(temporary, "r-full"))
            note("full set", "R", cost, scaled(cost, done), "1 core; repeated fits multiplied")
            cost = build(folder, cores)
            note("nothing to do", "here", cost, cost.seconds, "")
            add_sheet(folder)
            cost = build(folder, cores)
            note("one new sheet", "here", cost, cost.seconds, "")
    return lines, done


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--sets", nargs="+", choices=("minimal", "full"), default=["minimal", "full"])
    options = parser.parse_args()
    if not shutil.which("Rscript"):
        sys.exit("benchmarks/build.py: Rscript is not there. Install R with lme4 and metafor, then run it again.")
    lines, tasks = compare(options.cores, options.sets)
    RESULTS.mkdir(exist_ok=True)
    write(RESULTS / "build.csv", COLUMNS, lines)
    if tasks:
        write(RESULTS / "tasks.csv", ("task", "done", "wanted", "seconds", "scaled"), tasks)
    write(RESULTS / "machine.csv", ("cores", "processor", "python"), [describe()])


def describe() -> dict:
    """Say what the machine is, in words that name nobody."""
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    return {"cores": os.cpu_count(), "processor": model, "python": platform.python_version()}


def write(path: Path, columns: tuple[str, ...], rows: list[dict]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
