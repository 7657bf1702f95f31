"""Fill docs/performance.md from the tables of the benchmarks: ``python benchmarks/page.py``.

Each table stands between ``<!-- begin name -->`` and ``<!-- end name -->``; the words around them are written by hand.
"""

import csv
import re
import sys
from collections.abc import Callable

from measure import RESULTS, ROOT

PAGE = ROOT / "docs" / "performance.md"
Rows = list[dict[str, str]]
MISSING = "–"
NOT_YET = "Not measured yet: `make bench`."
STUDIES, ANALYSES = 100_000, 10_000  # of the plan


def read(name: str) -> Rows:
    """Read a table of the benchmarks; none where it was not measured."""
    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Write a table: the first column to the left, numbers to the right."""
    if not rows:
        return NOT_YET
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def seconds(value: float | str) -> str:
    """Write seconds with two figures that count, hours and days in words."""
    value = float(value)
    if value >= 172_800:
        return f"{value / 86_400:,.0f} days"
    if value >= 7200:
        return f"{value / 3600:,.0f} h"
    if value >= 600:
        return f"{value / 60:,.0f} min"
    return f"{value:.0f} s" if value >= 10 else f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def machine() -> str:
    """Say on what it was measured."""
    rows = read("machine")
    if not rows:
        return NOT_YET
    one = rows[0]
    return f"Measured on {one['cores']} cores ({one['processor']}), Python {one['python']}."


def build_table() -> str:
    """Set our builds beside R's."""
    rows = read("build")
    of = {(row["what"], row["who"]): row for row in rows}
    lines = []
    for what in dict.fromkeys(row["what"] for row in rows):
        here, r = of.get((what, "here")), of.get((what, "R"))
        ratio = float(r["seconds"]) / float(here["seconds"]) if here and r else None
        cells = [seconds(one["seconds"]) if one else MISSING for one in (here, r)]
        memory = [f"{float(one['megabytes']):.0f} MB" if one else MISSING for one in (here, r)]
        lines.append([what, *cells, MISSING if ratio is None else f"{ratio:.1f}", *memory])
    return markdown(["", "here", "R", "R / here", "memory here", "memory R"], lines)


def task_table() -> str:
    """Say what R spent its time on, and where fits were multiplied."""
    rows = sorted(read("tasks"), key=lambda row: -float(row["scaled"]))
    lines = [
        [r["task"], f"{int(r['done']):,}", f"{int(r['wanted']):,}", seconds(r["seconds"]), seconds(r["scaled"])]
        for r in rows
    ]
    return markdown(["in R", "done", "wanted", "measured", "for all wanted"], lines)


def size_table() -> str:
    """Give the cost of each size."""
    rows, lines = read("sizes"), []
    of = {(row["sheets"], row["analyses"], row["what"]): row for row in rows}
    for sheets, analyses in dict.fromkeys((row["sheets"], row["analyses"]) for row in rows):
        cells = [of.get((sheets, analyses, what)) for what in ("check", "plan", "pool", "nothing to do")]
        memory = max(float(cell["megabytes"]) for cell in cells if cell)
        times = [seconds(cell["seconds"]) if cell else MISSING for cell in cells]
        lines.append([f"{int(sheets):,}", analyses, *times, f"{memory:.0f} MB"])
    return markdown(["sheets", "analyses", "check", "plan", "pool", "nothing to do", "memory"], lines)


def unit_costs() -> dict[str, float]:
    """Give what one more sheet and one more job cost, from the differences between the sizes.

    Returns
    -------
    dict
        Seconds: ``start`` (the smallest plan, once a run), ``check`` and ``plan`` (a sheet), ``job`` (a job in the
        plan), ``pool`` (a job, on one core); and ``memory`` (megabytes a sheet). Empty where a size is missing.
    """
    of = {(int(r["sheets"]), int(r["analyses"]), r["what"]): r for r in read("sizes")}
    needed = [(size, what) for size in ((30, 10), (300, 10), (3000, 10), (300, 100)) for what in ("check", "plan")]
    needed += [((300, 10), "pool"), ((300, 100), "pool")]
    if any((*size, what) not in of for size, what in needed):
        return {}

    def slope(what: str, big: tuple[int, int], small: tuple[int, int], units: int, column: str = "seconds") -> float:
        return max(0.0, (float(of[(*big, what)][column]) - float(of[(*small, what)][column])) / units)

    jobs = int(of[300, 100, "pool"]["jobs"]) - int(of[300, 10, "pool"]["jobs"])
    # A plan looks at every job of a build; of an analysis there are eight, two of them in `pool`.
    return {
        "start": float(of[30, 10, "plan"]["seconds"]),
        "check": slope("check", (3000, 10), (300, 10), 2700),
        "plan": slope("plan", (3000, 10), (300, 10), 2700),
        "job": slope("plan", (300, 100), (300, 10), 90 * 8),
        "pool": slope("pool", (300, 100), (300, 10), jobs, "processor"),
        "memory": slope("plan", (3000, 10), (300, 10), 2700, "megabytes"),
    }


def plan_table() -> str:
    """Give the unit costs, and what they would come to."""
    unit = unit_costs()
    if not unit:
        return NOT_YET
    names = {
        "check": ("check of a sheet", STUDIES),
        "plan": ("plan, of a sheet", STUDIES),
        "job": ("plan, of a job", 8 * ANALYSES),
        "pool": ("a short job, on a core", 8 * ANALYSES),
        "start": ("a start of Snakemake with 30 sheets", 8 * ANALYSES),
    }
    lines = []
    for key, (name, times) in names.items():
        one = f"{1000 * unit[key]:.1f} ms" if unit[key] < 0.1 else seconds(unit[key])
        lines.append([name, one, f"{times:,}", seconds(unit[key] * times)])
    start = unit["start"] + unit["plan"] * STUDIES
    lines.append(
        [f"a start with {STUDIES:,} sheets", seconds(start), f"{8 * ANALYSES:,}", seconds(start * 8 * ANALYSES)]
    )
    memory = f"{unit['memory'] * STUDIES / 1000:.1f} GB"
    lines.append(["memory of a sheet, in the plan", f"{1000 * unit['memory']:.0f} kB", f"{STUDIES:,}", memory])
    return markdown(["what", "one", "times", "together"], lines)


def fits_text() -> str:
    """Give the table that fits.py printed, as it is."""
    path = RESULTS / "fits.txt"
    return f"```text\n{path.read_text(encoding='utf-8').rstrip()}\n```" if path.is_file() else NOT_YET


PARTS: dict[str, Callable[[], str]] = {
    "machine": machine,
    "build": build_table,
    "tasks": task_table,
    "sizes": size_table,
    "plan": plan_table,
    "fits": fits_text,
}


def fill(page: str) -> str:
    """Put every table in its place; a place without a table, or a table without a place, is an error."""
    places = re.findall(r"<!-- begin (\w+) -->", page)
    if sorted(places) != sorted(PARTS):
        sys.exit(f"{PAGE}: the tables are {', '.join(PARTS)}, the places {', '.join(places)}.")
    for name, part in PARTS.items():
        text = f"<!-- begin {name} -->\n{part()}\n<!-- end {name} -->"
        page = re.sub(rf"<!-- begin {name} -->.*?<!-- end {name} -->", lambda _, text=text: text, page, flags=re.S)
    return page


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
