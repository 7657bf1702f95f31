"""Our pools beside the published ones, with the respects in which each pair can be compared."""

from collections.abc import Mapping, Sequence
from math import fsum

from ..tables.pools import Row
from ..words import formatting as fmt
from ..words.prose import author_year, inside, plural, upper_first
from ..words.terms import ONE_STUDY
from .kit.axes import axis_end, percent_axis
from .kit.board import Board, Drawing, draw_nothing
from .kit.layout import clean_text, wrap_text
from .kit.places import fit_columns
from .kit.presets import PRESETS
from .kit.readings import FigureText, known, notes_of, values_of
from .kit.style import fixed_settings
from .kit.table import Line, Plot, Table, dress, headings_of

TITLE = "Our pools beside published ones"
RESPECTS = {"measure": "measure", "window": "follow-up", "denominator": "denominator"}
VERDICTS = {"yes": "comparable", "no": "not comparable", "unclear": "unclear"}
PUBLISHED, OURS = ("published_low", "published_estimate", "published_high"), ("ci_low", "estimate", "ci_high")
SHARE = "per cent"  # the unit of proportions; that of rates goes on
HEADINGS, AXIS, BETWEEN = 6.0, 12.0, 5.0  # mm: above the first row; the axis with its title; between two panels
LEGEND = (
    "Small diamond: published. Large diamond: ours, recomputed from the sheets; square: our only study. Whether a "
    "pair can be compared is said below it; where it cannot, or where that is unclear, agreement or difference proves "
    "nothing."
)
Names = Mapping[str, Mapping[str, str]]  # of analyses, outcomes and studies: name → label


@fixed_settings()
def draw_published(rows: Sequence[Row], names: Names, text: FigureText) -> Drawing:
    """Draw the pairs of ``results/published.csv``: one panel a unit, since rates and proportions share no axis."""
    units: dict[str, list[Row]] = {}
    for row in rows:
        if known(row["published_estimate"]) or known(row["estimate"]):
            units.setdefault(row["unit"], []).append(row)
    if not units:
        return draw_nothing(text, TITLE, "no published pool stands beside ours.")
    plots = [_plot(unit, mine, names, text) for unit, mine in units.items()]
    said = [_spoken(row, unit, names, text) for unit, mine in units.items() for row in mine]
    return Drawing([_draw(plots, text)], TITLE, " ".join([f"Forest plot, {inside(TITLE)}.", *said]))


def name_of(review: str, names: Names) -> str:
    """Name a review: its label, or what its id says."""
    return clean_text(names["studies"].get(review) or author_year(review))


def heading(row: Row, names: Names) -> str:
    """Name a pair: the analysis, the review and its outcome and subgroup."""
    outcome = names["outcomes"].get(row["outcome"], row["outcome"].replace("_", " "))
    outcome = outcome if outcome[1:2].isupper() else outcome[:1].lower() + outcome[1:]
    subgroup = row["subgroup"].replace("<=", "≤").replace(">=", "≥")
    of = f"{outcome}, {subgroup}" if subgroup not in ("", "all") else outcome
    analysis = names["analyses"].get(row["analysis"], row["analysis"])
    return clean_text(f"{analysis} | {name_of(row['review'], names)}: {of}")


def whole_review(row: Row, text: FigureText) -> str:
    """Say how large the review is, where only that is known of the size of its pool."""
    counts = [plural(row["review_k"], "study", "studies")] if row["review_k"] else []
    counts += [f"{fmt.format_count(row['review_patients'])} {text.unit}"] if row["review_patients"] else []
    return f"The whole review has {' and '.join(counts)}; those of this pool are not given." if counts else ""


def verdict(row: Row, text: FigureText) -> str:
    """Say in which respects a pair can be compared, and how the numbers lie to each other."""
    words = [f"{name} {VERDICTS.get(row[f'{key}_comparable'], '–')}" for key, name in RESPECTS.items()]
    said = f"{upper_first('; '.join(words))}."
    if row["intervals_overlap"]:
        said += f" The {text.percent} intervals {'overlap' if row['intervals_overlap'] == 'yes' else 'do not overlap'}."
    if known(row["ratio"]):
        said += f" Ours is {fmt.format_odds_ratio(row['ratio'])} times the published value."
    return said


def _shares(row: Row, columns: Sequence[str]) -> list[float]:
    return [value / 100 for value in values_of(row, *columns)]


def _printed(row: Row, columns: Sequence[str], decimals: int, text: FigureText) -> str:
    low, mid, high = _shares(row, columns)
    return fmt.format_percent_interval(mid, low, high, decimals, text.style)


def _pair(row: Row, decimals: int, names: Names, text: FigureText) -> list[Line]:
    """Give the lines of a pair: published, ours, the verdict and the note."""
    ours = ("study", "Ours, one study") if ONE_STUDY in row["status"] else ("overall", "Ours")
    lines = [Line("group", heading(row, names))]
    for (kind, label), columns, prefix in ((("summary", "Published"), PUBLISHED, "published_"), (ours, OURS, "")):
        shares, printed = _shares(row, columns), _printed(row, columns, decimals, text)
        k, patients = (fmt.format_count(row[f"{prefix}{name}"]) for name in ("k", "patients"))
        mark = shares if known(*shares) else ()
        lines.append(Line.of(kind, label, mark, printed, events=k, patients=patients, side=2.2))
    page = PRESETS[text.preset]
    said = filter(None, (verdict(row, text), whole_review(row, text), row["note"]))
    remarks = (line for words in said for line in wrap_text(words, page.mm(171), page.small))
    return [*lines, *(Line("remark", line) for line in remarks), Line("gap")]


def _plot(unit: str, rows: Sequence[Row], names: Names, text: FigureText) -> Plot:
    decimals = fmt.decimals_for(_shares(row, [side])[0] for row in rows for side in ("published_estimate", "estimate"))
    blocks = [_pair(row, decimals, names, text) for row in rows]
    blocks[-1] = blocks[-1][:-1]
    highs = [line.high for block in blocks for line in block]
    axis = percent_axis(text.axis if unit == SHARE else f"Events, {unit}", axis_end([], highs))
    headings = headings_of(text, "Pool", events="Studies", **({} if unit == SHARE else {"estimate": "Rate"}))
    return Plot(TITLE, headings, axis, blocks, joined=False)


def _draw(plots: Sequence[Plot], text: FigureText):
    """Draw the panels below each other, on the same columns."""
    p = PRESETS[text.preset]
    plots = [dress(plot, p.layout) for plot in plots]
    joint = Plot(TITLE, plots[0].headings, plots[0].axis, [b for plot in plots for b in plot.blocks], joined=False)
    columns = fit_columns(joint, p)
    heights = [HEADINGS + fsum(line.height for line in plot.lines) * p.row / p.scale + AXIS for plot in plots]
    content = fsum(heights) + BETWEEN * (len(plots) - 1) - 3
    board, y = Board(text, TITLE, notes_of(text, grey=[LEGEND]), content), 0.0
    for plot, height in zip(plots, heights, strict=True):
        Table(board, plot, columns).body(plot.lines, board.y(y + HEADINGS))
        y += height + BETWEEN
    return board.finish()


def _spoken(row: Row, unit: str, names: Names, text: FigureText) -> str:
    decimals = fmt.decimals_for(_shares(row, ["published_estimate", "estimate"]))
    sides = {"published": PUBLISHED, "ours": OURS}
    said = [f"{side} {_printed(row, columns, decimals, text)}" for side, columns in sides.items()]
    return f"{heading(row, names)}, {unit}: {'; '.join(said)}. {verdict(row, text)}"
