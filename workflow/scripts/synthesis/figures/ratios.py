"""Odds ratios of exposed against unexposed: a block for each exposure and outcome, each study's table and the pools."""

from collections.abc import Mapping, Sequence
from math import inf, isnan, nan, sqrt

from ..tables.pools import Row
from ..words import formatting as fmt
from ..words.marks import marks_of
from ..words.prose import inside, joined, plural, upper_first
from ..words.terms import remarks_of
from .forest.lines import SQUARE, count_studies, mark_sentences
from .kit.axes import ratio_axis
from .kit.board import Drawing, draw_nothing
from .kit.layout import clean_text
from .kit.readings import FigureText, known, notes_of, values_of
from .kit.style import fixed_settings
from .kit.table import Line, Plot, draw_pages, headings_of

MEASURE, STUDY, POOLED = "odds ratio", "study", "pooled"
# The pools that are drawn; the table has more of them.
POOLS = {
    "mh": "Mantel–Haenszel",
    "reml-hk": "REML, Hartung–Knapp",
    "glmm-um-fs": "Logistic, random effect",
}
UNPOOLED = "*"
TITLE = "Odds ratios: exposed against unexposed"


@fixed_settings()
def draw_comparisons(rows: Sequence[Row], outcomes: Mapping[str, str], text: FigureText) -> Drawing:
    """Draw the odds ratios of ``results/comparisons.csv``; ``outcomes`` has their labels."""
    rows = [row for row in rows if row["measure"] == MEASURE]
    studies = [row for row in rows if row["kind"] == STUDY]
    if not studies:
        return draw_nothing(text, TITLE, "no sheet has a 2×2 table.")
    pools = [values_of(row) for row in rows if _is_drawn(row)]
    axis = ratio_axis(
        "Odds ratio, logarithmic axis",
        [limits(row) for row in studies if not isnan(row["estimate"])],
        [(low, high) for low, mid, high in pools if known(low, mid, high)],
    )
    largest = max(_size(row) for row in studies)
    blocks, said = [], []
    for (exposure, outcome), block in _blocks(rows).items():
        name = f"{clean_text(exposure)}: {inside(clean_text(outcomes.get(outcome, outcome)))}"
        lines = [*study_lines(block, largest, text), *pool_lines(block, text)]
        blocks.append([Line("group", name), *lines, Line("gap")])
        said.append(_spoken(name, lines, text))
    headings = headings_of(text, "Study", events="Exposed", patients="Unexposed", estimate="OR")
    notes = notes_of(text, grey=_notes(studies, axis.low, axis.high, text.unit))
    plot = Plot(TITLE, headings, axis, blocks, notes, joined=False, names=54.0)
    return Drawing(draw_pages(plot, text), TITLE, " ".join([f"Forest plot of {inside(TITLE)}.", *said]))


def limits(row: Row) -> tuple[float, float, float]:
    """Give low, estimate and high; a limit that does not exist lies at an end of all axes."""
    low, mid, high = values_of(row)
    return low, mid, inf if isnan(high) and not isnan(mid) else high


def study_lines(block: Sequence[Row], largest: int, text: FigureText) -> list[Line]:
    """Give a line for each table of a block, with its counts."""
    mine, lines = [row for row in block if row["kind"] == STUDY], []
    for row in mine:
        several = sum(other["study"] == row["study"] for other in mine) > 1
        low, mid, high = limits(row)
        lines.append(
            Line.of(
                "study",
                clean_text(f"{row['label']}, {row['arm']}" if several else row["label"]),
                (nan if isnan(mid) else low, mid, 1e12 if high == inf else high),
                **_numbers(row, text),
                side=max(SQUARE[0], SQUARE[1] * sqrt(_size(row) / largest)),
                marks=marks_of(row) + (UNPOOLED if "not pooled" in row["status"] else ""),
            )
        )
    return lines


def pool_lines(block: Sequence[Row], text: FigureText) -> list[Line]:
    """Give the pools of a block, and why there is none."""
    pools = [row for row in block if row["kind"] == POOLED]
    several = [row for row in pools if _is_drawn(row)]
    if not several:
        alone = pools and pools[0]["k"] == 1
        status = "1 study: not pooled" if alone else pools[0]["status"] if pools else "not pooled"
        return [Line("remark", upper_first(status))]
    lines = []
    for row in several:
        label = f"{POOLS[row['model']]} ({count_studies(row['studies'], row['k'], 'tables')})"
        mark = values_of(row) if known(*values_of(row)) else ()
        lines.append(Line.of("summary", label, mark, **_numbers(row, text)))
    return [*lines, *(Line("remark", words) for words in _remarks(several)), *_heterogeneity(several, text)]


def _is_drawn(row: Row) -> bool:
    return row["kind"] == POOLED and row["model"] in POOLS and row["k"] > 1


def _remarks(pools: Sequence[Row]) -> list[str]:
    """Give what is to be said of the pools, by name where it is not true of all of them."""
    found: dict[str, list[str]] = {}
    for row in pools:
        if words := remarks_of(row["status"]):
            found.setdefault(words, []).append(POOLS[row["model"]])
    return [upper_first(words) if len(who) == len(pools) else f"{joined(who)}: {words}" for words, who in found.items()]


def _heterogeneity(pools: Sequence[Row], text: FigureText) -> list[Line]:
    """Give the heterogeneity of the model that estimates it, else of the first."""
    row = next((row for row in pools if known(row["tau2"])), pools[0])
    values = values_of(row, "tau2", "i2", "q", "q_df", "q_p")
    words = fmt.format_heterogeneity(*values, scale="log odds ratio", house=text.style)
    return [Line("remark", f"{POOLS[row['model']]}: {words}")] if words else []


def _notes(studies: Sequence[Row], lower: float, upper: float, unit: str) -> list[str]:
    beyond = any(low < lower or high > upper for low, mid, high in map(limits, studies) if not isnan(mid))
    return [
        f"Counts: {unit} with the outcome among all {unit} exposed or not. Studies: conditional odds ratio with its "
        "exact interval. Unadjusted: other properties may explain a difference. Heterogeneity χ²: Cochran's Q; in the "
        "logistic model the likelihood ratio of one odds ratio for all against one a table.",
        f"Square area: number of {unit}.",
        *mark_sentences(map(marks_of, studies), unit),
        f"{UNPOOLED} Not pooled: shares {unit} with another table, or held back; the reason stands in comparisons.csv."
        if any("not pooled" in row["status"] for row in studies)
        else "",
        "Arrow: interval extends beyond the axis." if beyond else "",
    ]


def _blocks(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Put rows together by exposure, whatever its case, and outcome; the first spelling is kept."""
    blocks: dict[tuple[str, str], list[Row]] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        key = (" ".join(row["exposure"].casefold().split()), row["outcome"])
        blocks.setdefault(names.setdefault(key, (row["exposure"], row["outcome"])), []).append(row)
    return blocks


def _numbers(row: Row, text: FigureText) -> dict[str, str]:
    printed = fmt.format_ratio_interval(*values_of(row, "estimate", "ci_low", "ci_high"), text.style)
    sides = {"events": "exposed", "patients": "unexposed"}
    counts = {
        cell: "/".join(map(fmt.format_count, values_of(row, f"{side}_events", f"{side}_patients")))
        for cell, side in sides.items()
    }
    return {"printed": printed, **counts}


def _size(row: Row) -> int:
    return row["exposed_patients"] + row["unexposed_patients"]


def _spoken(name: str, lines: Sequence[Line], text: FigureText) -> str:
    shown = [line for line in lines if line.kind in ("study", "summary")]
    said = [f"{line.label} {line.said(text, unit='')}, {line.events} against {line.patients}" for line in shown]
    tail = "" if any(line.kind == "summary" for line in lines) else f"; {plural(len(said), 'table')}, not pooled"
    return f"{name}: {'; '.join(said)}{tail}."
