"""Our pools beside the published ones, with the respects in which each pair can be compared."""

import re
from collections.abc import Mapping, Sequence
from math import fsum, nan

from ..tables.files import number, numbers
from ..words import formatting as fmt
from ..words.prose import upper_first
from ..words.terms import ONE_STUDY
from .kit.board import Board
from .kit.canvas import Drawing, draw_nothing
from .kit.layout import axis_end, clean_text, wrap_text
from .kit.places import fit_columns
from .kit.presets import PRESETS
from .kit.readings import ChartText, Paragraphs, Row, known
from .kit.style import fixed_settings
from .kit.table import Line, Plot, Table, dress

TITLE = "Our pools beside published ones"
RESPECTS = {"measure": "measure", "window": "follow-up", "denominator": "denominator"}
VERDICTS = {"yes": "comparable", "no": "not comparable", "unclear": "unclear"}
HEADINGS, AXIS, BETWEEN = 6.0, 12.0, 5.0  # mm: above the first row; the axis with its title; between two panels


def draw_published(rows: Sequence[Row], names: Mapping[str, Mapping[str, str]], text: ChartText) -> Drawing:
    """Draw the pairs of ``results/published.csv``: one panel a unit, since rates and proportions share no axis.

    Parameters
    ----------
    rows : sequence of rows
    names : mapping
        ``analyses``, ``outcomes`` and ``studies``: name → label.
    text : ChartText
    """
    drawn = [row for row in rows if known(number(row, "published_estimate")) or known(number(row, "estimate"))]
    if not drawn:
        return draw_nothing(text, TITLE, "no published pool stands beside ours.")
    units: dict[str, list[Row]] = {}
    for row in drawn:
        units.setdefault(unit_of(row), []).append(row)
    plots = [_plot(unit, mine, names, text) for unit, mine in units.items()]
    said = [words for unit, mine in units.items() for row in mine for words in [spoken(row, unit, names, text)]]
    with fixed_settings():
        page = _draw(plots, text)
    return Drawing([page], TITLE, " ".join([f"Forest plot, {TITLE[:1].lower()}{TITLE[1:]}.", *said]))


def unit_of(row: Row) -> str:
    """Give the unit of our side: ``%``, or ``% per`` a unit of time.

    >>> unit_of({"measure": "poisson-normal, % per patient-month"}), unit_of({"measure": "glmm, %"})
    ('% per patient-month', '%')
    """
    return row["measure"].rpartition(", ")[2]


def name_of(review: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """Name a review: its label, or what its id says.

    >>> name_of("bindal2024", {"studies": {}})
    'Bindal 2024'
    """
    found = re.fullmatch(r"([a-z]+)(\d{4})([a-z]?)", review)
    spelt = f"{found[1].capitalize()} {found[2]}{found[3]}" if found else review
    return clean_text(names["studies"].get(review, spelt))


def heading(row: Row, names: Mapping[str, Mapping[str, str]]) -> str:
    """Name a pair: the analysis, the review and its outcome and subgroup."""
    outcome = names["outcomes"].get(row["outcome"], row["outcome"].replace("_", " "))
    subgroup = row["subgroup"].replace("<=", "≤").replace(">=", "≥")
    outcome = outcome if outcome[1:2].isupper() else outcome[:1].lower() + outcome[1:]
    of = f"{outcome}, {subgroup}" if subgroup not in ("", "all") else outcome
    return clean_text(
        f"{names['analyses'].get(row['analysis'], row['analysis'])} | {name_of(row['review'], names)}: {of}"
    )


def verdict(row: Row, text: ChartText) -> str:
    """Say in which respects a pair can be compared, and how the numbers lie to each other."""
    words = [f"{name} {VERDICTS.get(row[f'{key}_comparable'], '–')}" for key, name in RESPECTS.items()]
    said = f"{upper_first('; '.join(words))}."
    if row["overlap"]:
        said += f" The {text.percent} intervals {'overlap' if row['overlap'] == 'yes' else 'do not overlap'}."
    if known(number(row, "ratio")):
        said += f" Ours is {fmt.format_odds_ratio(number(row, 'ratio'))} times the published value."
    return said


def pair_lines(row: Row, decimals: int, names: Mapping, text: ChartText) -> list[Line]:
    """Give the lines of a pair: published, ours, the verdict and the note."""
    alone = ONE_STUDY in row["status"]
    lines = [
        Line("group", heading(row, names)),
        _line("summary", "Published", row, "published_", decimals, text),
        _line("study" if alone else "overall", "Ours, one study" if alone else "Ours", row, "", decimals, text),
    ]
    page = PRESETS[text.preset]
    room = page.mm(171)
    for words in (verdict(row, text), row["note"]):
        lines += [Line("remark", line) for line in wrap_text(words, room, page.small)]
    return [*lines, Line("gap")]


def _line(kind: str, label: str, row: Row, prefix: str, decimals: int, text: ChartText) -> Line:
    """Give one side of a pair."""
    low, high = ("published_low", "published_high") if prefix else ("ci_low", "ci_high")
    mid, low, high = (value / 100 for value in numbers(row, f"{prefix}estimate", low, high))
    printed = fmt.format_percent_interval(mid, low, high, decimals, text.style)
    estimate, _, interval = printed.partition(" ")
    mark = {"low": low, "mid": mid, "high": high, "side": 2.2} if known(low, mid, high) else {}
    return Line(
        kind,
        label,
        events=fmt.format_count(number(row, f"{prefix}k")),
        patients=fmt.format_count(number(row, f"{prefix}patients")),
        estimate=estimate,
        interval=interval,
        **mark,
    )


def _plot(unit: str, rows: Sequence[Row], names: Mapping, text: ChartText) -> Plot:
    """Give the panel of one unit."""
    values = [v / 100 for row in rows for v in numbers(row, "published_estimate", "estimate") if known(v)]
    decimals = fmt.decimals_for(values)
    blocks = [pair_lines(row, decimals, names, text) for row in rows]
    blocks[-1] = blocks[-1][:-1]
    title = f"{upper_first(text.unit)} with event, %" if unit == "%" else f"Events, {unit}"
    return Plot(
        TITLE,
        {
            "study": "Pool",
            "events": "Studies",
            "patients": upper_first(text.unit),
            "estimate": "%",
            "interval": f"({text.percent} CI)",
            "window": "",
        },
        title,
        tuple(tuple(block) for block in blocks),
        (),
        nan,
        joined=False,
    )


def _draw(plots: Sequence[Plot], text: ChartText):
    """Draw the panels below each other, on the same columns."""
    preset = PRESETS[text.preset]
    plots = [dress(plot, preset) for plot in plots]
    joint = Plot(TITLE, plots[0].headings, "", tuple(b for plot in plots for b in plot.blocks), (), joined=False)
    columns = fit_columns(joint, preset)
    rows = [fsum(line.height for line in plot.lines) for plot in plots]
    heights = [HEADINGS + n * preset.row / preset.scale + AXIS for n in rows]
    grey = [
        "Small diamond: published. Large diamond: ours, recomputed from the sheets; square: our only study. Whether a "
        "pair can be compared is said below it; where it cannot, or where that is unclear, agreement or difference "
        "proves nothing."
    ]
    content = fsum(heights) + BETWEEN * (len(plots) - 1) - 3
    board, y = Board(text, TITLE, Paragraphs([], grey, text), content), 0.0
    for plot, height in zip(plots, heights, strict=True):
        ends = [line.high for line in plot.lines if line.high == line.high]
        table = Table(board.page, plot, columns, axis_end([], ends), preset, board.palette)
        table.body(plot.lines, board.y(y + HEADINGS))
        y += height + BETWEEN
    return board.finish()


def spoken(row: Row, unit: str, names: Mapping, text: ChartText) -> str:
    """Say a pair in a sentence."""
    sides = {
        "published": ("published_estimate", "published_low", "published_high"),
        "ours": ("estimate", "ci_low", "ci_high"),
    }
    values = {side: [v / 100 for v in numbers(row, *keys)] for side, keys in sides.items()}
    decimals = fmt.decimals_for(v[0] for v in values.values())
    said = [f"{side} {fmt.format_percent_interval(*v, decimals, text.style)}" for side, v in values.items()]
    return f"{heading(row, names)}, {unit}: {'; '.join(said)}. {verdict(row, text)}"
