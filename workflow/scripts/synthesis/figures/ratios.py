"""Odds ratios of exposed against unexposed: a block for each exposure and outcome, each study's table and the pools."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf, isnan, nan, sqrt

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.prose import inside, joined, plural, upper_first
from ..words.terms import remarks_of
from .forest.lines import SQUARE, count_studies, mark_sentences, marks_of
from .kit.canvas import Drawing, draw_nothing
from .kit.layout import clean_text
from .kit.presets import PRESETS
from .kit.ratio import RatioPanel, ratio_axis
from .kit.readings import ChartText, Paragraphs, Row, known
from .kit.style import fixed_settings, palette_of
from .kit.table import Line, Plot, draw_pages

MEASURE, STUDY, POOLED = "odds ratio", "study", "pooled"
# The pools that are drawn; the table has more of them.
POOLS = {
    "mh": "Mantel–Haenszel",
    "reml-hk": "REML, Hartung–Knapp",
    "glmm-um-fs": "Logistic, random effect",
}
UNPOOLED = "*"
TITLE = "Odds ratios: exposed against unexposed"


def draw_comparisons(rows: Sequence[Row], outcomes: Mapping[str, str], text: ChartText) -> Drawing:
    """Draw the odds ratios of ``results/comparisons.csv``.

    Parameters
    ----------
    rows : sequence of rows
    outcomes : mapping
        Outcome → label.
    text : ChartText
    """
    rows = [row for row in rows if row["measure"] == MEASURE]
    studies = [row for row in rows if row["kind"] == STUDY]
    if not studies:
        return draw_nothing(text, TITLE, "no sheet has a 2×2 table.")
    pools = [row for row in rows if row["kind"] == POOLED and row["model"] in POOLS and number(row, "k") > 1]
    finite = [row for row in pools if known(*numbers(row, "estimate", "ci_low", "ci_high"))]
    lower, upper = ratio_axis(
        [tuple(limits(row)) for row in studies if not isnan(number(row, "estimate"))],
        [numbers(row, "ci_low", "ci_high") for row in finite],
    )
    largest = max(_size(row) for row in studies)
    blocks, said = [], []
    for (exposure, outcome), block in _blocks(rows).items():
        name = f"{clean_text(exposure)}: {inside(clean_text(outcomes.get(outcome, outcome)))}"
        lines = [*study_lines(block, largest, text), *pool_lines(block, text)]
        blocks.append((Line("group", name), *lines, Line("gap")))
        said.append(_spoken(name, lines, text))
    plot = Plot(
        TITLE,
        {
            "study": "Study",
            "events": "Exposed",
            "patients": "Unexposed",
            "estimate": "OR",
            "interval": f"({text.percent} CI)",
            "window": "",
        },
        "Odds ratio, logarithmic axis",
        tuple(blocks),
        tuple(Paragraphs([], _notes(rows, lower, upper, text), text).lines()),
        panel=partial(RatioPanel, lower=lower),
        joined=False,
        names=54.0,
    )
    page = PRESETS[text.preset]
    with fixed_settings():
        pages = draw_pages(plot, upper, page, palette_of(page, text.palette))
    return Drawing(pages, TITLE, " ".join([f"Forest plot of {inside(TITLE)}.", *said]))


def limits(row: Row) -> list[float]:
    """Give low, estimate and high; a limit that does not exist lies at an end of all axes."""
    low, mid, high = numbers(row, "ci_low", "estimate", "ci_high")
    return [low, mid, inf if isnan(high) and not isnan(mid) else high]


def study_lines(block: Sequence[Row], largest: int, text: ChartText) -> list[Line]:
    """Give a line for each table of a block, with its counts."""
    mine, lines = [row for row in block if row["kind"] == STUDY], []
    for row in mine:
        several = sum(other["study"] == row["study"] for other in mine) > 1
        label = clean_text(f"{row['label']}, {row['arm']}" if several else row["label"])
        low, mid, high = limits(row)
        estimate, interval = _printed(row, text)
        marks = marks_of({"source": row["source"], "basis": row["basis"]})
        lines.append(
            Line(
                "study",
                label,
                events=_cell(row, "exposed"),
                patients=_cell(row, "unexposed"),
                estimate=estimate,
                interval=interval,
                low=nan if isnan(mid) else low,
                mid=mid,
                high=1e12 if high == inf else high,
                side=max(SQUARE[0], SQUARE[1] * sqrt(_size(row) / largest)),
                marks=marks + (UNPOOLED if "not pooled" in row["status"] else ""),
            )
        )
    return lines


def pool_lines(block: Sequence[Row], text: ChartText) -> list[Line]:
    """Give the pools of a block, and why there is none."""
    pools = [row for row in block if row["kind"] == POOLED]
    several = [row for row in pools if number(row, "k") > 1 and row["model"] in POOLS]
    if not several:
        alone = pools and number(pools[0], "k") == 1
        status = "1 study: not pooled" if alone else pools[0]["status"] if pools else "not pooled"
        return [Line("remark", upper_first(status))]
    lines = []
    for row in several:
        estimate, interval = _printed(row, text)
        low, mid, high = numbers(row, "ci_low", "estimate", "ci_high")
        mark = {"low": low, "mid": mid, "high": high} if known(low, mid, high) else {}
        label = f"{POOLS[row['model']]} ({count_studies(number(row, 'studies'), number(row, 'k'), 'tables')})"
        counts = {"events": _cell(row, "exposed"), "patients": _cell(row, "unexposed")}
        lines.append(Line("summary", label, **counts, estimate=estimate, interval=interval, **mark))
    return [*lines, *(Line("remark", words) for words in _remarks(several)), *_heterogeneity(several, text)]


def _remarks(pools: Sequence[Row]) -> list[str]:
    """Give what is to be said of the pools, by name where it is not true of all of them."""
    found: dict[str, list[str]] = {}
    for row in pools:
        if words := remarks_of(row["status"]):
            found.setdefault(words, []).append(POOLS[row["model"]])
    return [upper_first(words) if len(who) == len(pools) else f"{joined(who)}: {words}" for words, who in found.items()]


def _heterogeneity(pools: Sequence[Row], text: ChartText) -> list[Line]:
    """Give the heterogeneity of the model that estimates it, else of the first."""
    row = next((row for row in pools if known(number(row, "tau2"))), pools[0])
    values = (number(row, key) for key in ("tau2", "i2", "q", "q_df", "q_p"))
    words = fmt.format_heterogeneity(*values, scale="log odds ratio", house=text.style)
    return [Line("remark", f"{POOLS[row['model']]}: {words}")] if words else []


def _notes(rows: Sequence[Row], lower: float, upper: float, text: ChartText) -> list[str]:
    """Explain the numbers and marks."""
    studies = [row for row in rows if row["kind"] == STUDY]
    marks = {mark for row in studies for mark in marks_of({"source": row["source"], "basis": row["basis"]})}
    beyond = any(low < lower or high > upper for low, mid, high in map(limits, studies) if not isnan(mid))
    unit = text.unit
    return [
        f"Counts: {unit} with the outcome among all {unit} exposed or not. Studies: conditional odds ratio with its "
        "exact interval. Unadjusted: other properties may explain a difference. Heterogeneity χ²: Cochran's Q; in the "
        "logistic model the likelihood ratio of one odds ratio for all against one a table.",
        f"Square area: number of {unit}.",
        *mark_sentences(marks, unit),
        f"{UNPOOLED} Not pooled: shares {unit} with another table, or held back; the reason stands in comparisons.csv."
        if any("not pooled" in row["status"] for row in studies)
        else "",
        "Arrow: interval extends beyond the axis." if beyond else "",
    ]


def _blocks(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Put rows together by exposure, whatever its case, and outcome."""
    blocks: dict[tuple[str, str], list[Row]] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        key = (" ".join(row["exposure"].casefold().split()), row["outcome"])
        name = names.setdefault(key, (row["exposure"], row["outcome"]))
        blocks.setdefault(name, []).append(row)
    return blocks


def _printed(row: Row, text: ChartText) -> tuple[str, str]:
    printed = fmt.format_ratio_interval(*numbers(row, "estimate", "ci_low", "ci_high"), text.style)
    estimate, _, interval = printed.partition(" ")
    return estimate, interval


def _cell(row: Row, side: str) -> str:
    events, patients = numbers(row, f"{side}_events", f"{side}_patients")
    return f"{fmt.format_count(events)}/{fmt.format_count(patients)}"


def _size(row: Row) -> int:
    return int(number(row, "exposed_patients") + number(row, "unexposed_patients"))


def _spoken(name: str, lines: Sequence[Line], text: ChartText) -> str:
    """Say a block in a sentence."""
    said = []
    for line in lines:
        if line.kind in ("study", "summary"):
            interval = f" ({text.percent} CI {line.interval[1:-1]})" if line.interval else ""
            said.append(f"{line.label} {line.estimate}{interval}, {line.events} against {line.patients}")
    pooled = [line for line in lines if line.kind == "summary"]
    tail = "" if pooled else f"; {plural(len(said), 'table')}, not pooled"
    return f"{name}: {'; '.join(said)}{tail}."
