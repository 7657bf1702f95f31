"""Made-up reviews of any size, to see what a size costs.

Every number follows from the seed. The words mean nothing, so no table of them can be mistaken for evidence.
"""

import random
from math import exp
from pathlib import Path
from string import ascii_lowercase

ROWS = 3  # outcomes a sheet reports
PRODUCTS = ("one", "two", "three")

CONFIG = """\
review:
  title: A synthetic review
  question: What does a size cost?
  version: 1.0.0
  last_search: 2026-01-01
  registration: none
  limits: Drawn from a random generator.
products: {{{products}}}
attributes:
  target: {{label: Target, levels: {{x: Target x}}}}
ascertainment: {{chart review: Chart review}}
tools:
  tool: {{sample: Was the sample right?}}
outcomes:
{outcomes}
analyses:
{analyses}
models:
  primary: glmm
  sensitivity: [logit-reml-hk, crude]
  subgroups: [glmm]
figures:
  forest_by: [product]
  formats: [svg]
"""

SHEET = """\
id: {name}
label: {label}
citation: {{authors: {label}, title: Synthetic, journal: None, year: {year}, doi: 10.1000/{name}}}
report: article
design: retrospective cohort
ascertainment: chart review
arms:
  all: {{product: {product}, target: x, patients: {patients}}}
outcomes:
{rows}
extraction: {{first: 2026-01-01}}
"""


def write_review(folder: Path, sheets: int, analyses: int, seed: int = 1) -> None:
    """Write ``config.yaml`` and ``studies/`` of a synthetic review.

    Parameters
    ----------
    folder : Path
        Is made where it is not there.
    sheets, analyses : int
        A sheet reports three outcomes, each the outcome of one analysis; they take turns, so that every analysis has
        about ``3 * sheets / analyses`` studies.
    seed : int
    """
    draw = random.Random(seed)
    (folder / "studies").mkdir(parents=True, exist_ok=True)
    names = [f"event_{number:04d}" for number in range(analyses)]
    window = "window: {max_days: 100, unstated: include}, arms: cohort, subgroups: [product]"
    config = CONFIG.format(
        products=", ".join(f"{name}: {{label: Product {name}, target: x}}" for name in PRODUCTS),
        outcomes="\n".join(f"  {name}: {{label: Event {name[6:]}, kind: clinical}}" for name in names),
        analyses="\n".join(f"  {name}: {{label: Event {name[6:]}, outcomes: [{name}], {window}}}" for name in names),
    )
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    for number in range(sheets):
        reported = [names[(ROWS * number + turn) % analyses] for turn in range(min(ROWS, analyses))]
        name, text = sheet(number, reported, draw)
        (folder / "studies" / f"{name}.yaml").write_text(text, encoding="utf-8")


def sheet(number: int, reported: list[str], draw: random.Random) -> tuple[str, str]:
    """Give the name and the text of a sheet: one arm, its outcomes drawn with a proportion of about 8 per cent."""
    name = "".join(ascii_lowercase[number // 26**place % 26] for place in (3, 2, 1, 0)) + "2020"
    patients = draw.randint(20, 300)
    rows = []
    for outcome in reported:
        proportion = 1 / (1 + exp(2.4 - draw.gauss(0, 0.5)))
        events = sum(draw.random() < proportion for _ in range(patients))
        rows.append(
            f"  - {{outcome: {outcome}, arm: all, events: {events}, patients: {patients}, window: 90, "
            "definition: as drawn, basis: stated, confidence: high, source: table 1}"
        )
    text = SHEET.format(
        name=name,
        label=f"{name[:4].capitalize()} 2020",
        year=2020,
        product=PRODUCTS[number % len(PRODUCTS)],
        patients=patients,
        rows="\n".join(rows),
    )
    return name, text
