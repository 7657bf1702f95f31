"""Risk of bias: dots beside a forest plot, a traffic light of all pooled studies, and a summary by item."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from ...tables.pools import Row, sort_rows
from ...words import formatting as fmt
from ...words.prose import inside, plural
from ..kit.board import Board, Drawing, boards, draw_nothing
from ..kit.dots import HIGH, LOW, SOME, SYMBOLS, UNJUDGED, Key, draw_dot, level_of
from ..kit.layout import clean_text, text_width, wrap_text
from ..kit.readings import FigureText, notes_of, studies_of
from ..kit.style import fixed_settings, ink

WORDS = {LOW: "Low risk of bias", SOME: "Some concerns or unclear", HIGH: "High risk of bias", UNJUDGED: "Not judged"}
# A checklist of questions answers in its own words; they stand before what they mean.
ANSWERS = {"yes": "Yes: low risk of bias", "unclear": "Unclear", "no": "No: high risk of bias"}
ROW, HEADING = 4.9, 6.0  # mm: of a study; of the headings
ROWS = 45  # studies a page
NAMES, ITEMS = 58.0, 13.0  # mm: room for names; widest distance of two columns of dots
QUESTIONS, BAR, LINE = 88.0, 4.2, 3.2  # mm: room for questions; height of a bar; of a line of a question
NONE = "no pooled study has been judged for risk of bias."
Tools = Mapping[str, Mapping[str, str]]  # tool → item → question


@dataclass(frozen=True)
class Judgements:
    """The judgements of some studies."""

    tools: Tools  # those that were used
    levels: Mapping[str, Mapping[str, str]]  # study → item → level, for the studies that were judged
    used: Mapping[str, str]  # study → its tool
    words: Mapping[str, str]  # level → what it is called

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns of dots: as many as the longest tool has items."""
        return tuple(f"D{i + 1}" for i in range(max(map(len, self.tools.values()), default=0)))

    def tool(self, study: str) -> str:
        """Name the tool of a study; one that was not judged counts for the first."""
        return self.used.get(study) or next(iter(self.tools))

    def dots(self, study: str) -> tuple[str, ...]:
        """Give the levels of a study, one an item; all ``unjudged`` for one that was not judged."""
        return tuple(self.levels.get(study, {}).get(item, UNJUDGED) for item in self.tools[self.tool(study)])

    def key(self, studies: Sequence[str]) -> Key:
        """Explain the dots of some studies."""
        items = [
            f"{f'{tool}, ' if len(self.tools) > 1 else ''}D{i} {clean_text(question)}"
            for tool, questions in self.tools.items()
            for i, question in enumerate(questions.values(), 1)
        ]
        return Key.of({level for study in studies for level in self.dots(study)}, self.words, items)

    def counted(self, counts: Counter, between: str = " ") -> list[str]:
        """Give levels with their numbers, in words."""
        return [f"{inside(self.words[k])}{between}{fmt.format_count(counts[k])}" for k in SYMBOLS if counts[k]]


def read_judgements(table: Sequence[Row], studies: Sequence[str], tools: Tools) -> Judgements:
    """Read the judgements of some studies.

    ``table`` is ``results/data/risk_of_bias.csv``: study, tool, item, judgement; ``tools`` is ordered as in the config,
    and what it does not ask of a tool it knows is left out.
    """
    asked = (row for row in table if row["item"] in tools.get(row["tool"], [row["item"]]))
    rows = [row for row in asked if row["study"] in set(studies) and row["judgement"]]
    used = {row["study"]: row["tool"] for row in rows}
    levels: dict[str, dict[str, str]] = {}
    said: dict[str, set[str]] = {level: set() for level in WORDS}
    for row in rows:
        level = level_of(row["judgement"])
        levels.setdefault(row["study"], {})[row["item"]] = level
        said[level].add(row["judgement"].casefold())
    # A level that one answer alone leads to is called by it.
    words = {level: ANSWERS.get(*one, WORDS[level]) if len(one) == 1 else WORDS[level] for level, one in said.items()}
    unknown = {tool: {row["item"]: row["item"] for row in rows if row["tool"] == tool} for tool in used.values()}
    known = {tool: items for tool, items in tools.items() if tool in unknown}
    return Judgements(known | {t: items for t, items in unknown.items() if not known.get(t)}, levels, used, words)


@fixed_settings()
def draw_risk_of_bias(
    studies: Sequence[Row], table: Sequence[Row], tools: Tools, text: FigureText, precision: Sequence[str] = ()
) -> Drawing:
    """Draw every judgement of the pooled studies: a traffic light.

    ``studies`` are those of ``results/data/studies.csv`` that are pooled in any analysis; the others are those of
    :func:`read_judgements`.
    """
    title = "Risk of bias of the pooled studies"
    ids = [row["study"] for row in studies]
    found = read_judgements(table, ids, tools)
    if not found.levels:
        return draw_nothing(text, title, NONE)
    said = describe(found, ids)
    rows = sort_rows(studies, "label" if text.sort == "label" else "year")
    notes = notes_of(text, said, ["The tool gives no overall judgement, and none is made up here.", *_aside(precision)])
    parts = boards(text, title, notes, rows, ROW, ROWS, HEADING, lambda part: found.key([row["study"] for row in part]))
    pages = [_light(board, part, found) for board, part in parts]
    return Drawing(pages, title, " ".join([f"Traffic-light plot, {inside(title)}.", *said]))


def _aside(precision: Sequence[str]) -> list[str]:
    """Say which questions of the tool stand in no figure of bias."""
    if not precision:
        return []
    return [f"Not shown, for it is about precision, which the intervals show: {' '.join(map(clean_text, precision))}"]


def describe(found: Judgements, studies: Sequence[str]) -> list[str]:
    """Count the judgements, and the studies without any."""
    counts = Counter(level for study in found.levels for level in found.dots(study))
    listed = "; ".join(found.counted(counts, ", "))
    said = [f"{plural(counts.total(), 'judgement')} of {studies_of(len(found.levels))}: {listed}."]
    silent = len(set(studies)) - len(found.levels)
    return [*said, *([f"{studies_of(silent)} not judged yet."] if silent else [])]


def _light(board: Board, rows: Sequence[Row], found: Judgements):
    pitch = min(ITEMS, (176 - NAMES) / len(found.columns))
    places = [board.mm(NAMES + pitch / 2 + i * pitch) for i in range(len(found.columns))]
    middle = board.y(HEADING / 2 - 0.6)
    board.write(board.mm(2), middle, "Study", bold=True)
    for x, name in zip(places, found.columns, strict=True):
        board.write(x, middle, name, bold=True, align="center")
    board.rule(board.y(HEADING - 1.1))
    for j, row in enumerate(rows):
        middle = board.y(HEADING + (j + 0.5) * ROW)
        tool = found.used.get(row["study"], "")
        label = clean_text(row["label"]) + (f" ({tool})" if len(found.tools) > 1 and tool else "")
        board.write_cut(board.mm(5), middle, label, board.mm(NAMES - 8))
        for x, level in zip(places, found.dots(row["study"]), strict=False):
            draw_dot(board, x, middle, level, board.preset, board.palette)
    return board.finish()


@fixed_settings()
def draw_summary(
    studies: Sequence[Row], table: Sequence[Row], tools: Tools, text: FigureText, precision: Sequence[str] = ()
) -> Drawing:
    """Draw, for each item, how many of the pooled studies were judged how; every study weighs the same."""
    title = "Risk of bias by item"
    ids = [row["study"] for row in studies]
    found = read_judgements(table, ids, tools)
    if not found.levels:
        return draw_nothing(text, title, NONE)
    bars = [
        (question, Counter(found.dots(study)[i] for study in ids if found.tool(study) == tool))
        for tool, questions in found.tools.items()
        for i, question in enumerate(questions.values())
    ]
    said = describe(found, ids)
    words = [f"{clean_text(question)} {', '.join(found.counted(counts))}." for question, counts in bars]
    page = _bars(bars, found, title, said, len(ids), text, _aside(precision))
    return Drawing([page], title, " ".join([f"Stacked bars, {inside(title)}.", *said, *words]))


def _bars(
    bars, found: Judgements, title: str, said: Sequence[str], studies: int, text: FigureText, aside: Sequence[str]
):
    p = Board(text, title).preset  # how wide words are on this page
    wrapped = [wrap_text(question, p.mm(QUESTIONS - 4), p.body) for question, _ in bars]
    heights = [max(BAR + 2.0, len(lines) * LINE + 2.4) for lines in wrapped]
    key = Key.of({level for _, counts in bars for level in counts}, found.words)
    notes = notes_of(text, said, ["Each study weighs the same. Numbers in the bars: studies.", *aside])
    board = Board(text, title, notes, fsum(heights) + 8, key=key)
    left, right, y, s = board.mm(QUESTIONS + 2), board.mm(176), 1.0, board.s
    for lines, height, (_, counts) in zip(wrapped, heights, bars, strict=True):
        middle = board.y(y + height / 2)
        for i, line in enumerate(lines):
            board.write(board.mm(2), middle + (i - (len(lines) - 1) / 2) * LINE * s, line)
        _bar(board, left, right, middle, counts)
        y += height
    axis, style = board.y(y + 0.6), {"width": 0.6 * s, "color": board.palette.text, "zorder": 3}
    board.line([left, right], [axis, axis], **style)
    for percent in (0, 25, 50, 75, 100):
        x = left + (right - left) * percent / 100
        board.line([x, x], [axis, axis + 0.9 * s], **style)
        board.write(x, axis + 3.0 * s, str(percent), align="center")
    words = f"Studies, % (of {fmt.format_count(studies)})"
    board.write((left + right) / 2, axis + 6.8 * s, words, align="center")
    return board.finish()


def _bar(board: Board, left: float, right: float, middle: float, counts: Counter) -> None:
    """Draw a bar with its numbers, each with the symbol of its level."""
    x, s, size = left, board.s, board.preset.small
    for level in (level for level in SYMBOLS if counts[level]):
        width = (right - left) * counts[level] / counts.total()
        fill, number = getattr(board.palette, level), fmt.format_count(counts[level])
        style = {"color": fill, "edgecolor": board.palette.edge, "linewidth": 0.4 * s, "zorder": 4}
        board.box(x, middle - BAR / 2 * s, width, BAR * s, **style)
        fitting = (w for w in (f"{SYMBOLS[level]} {number}", number) if text_width(w, size, "bold") + 1 <= width)
        if words := next(fitting, ""):
            style = {"size": size, "color": ink(fill), "align": "center", "bold": True}
            board.write(x + width / 2, middle, words, **style).set_zorder(6)
        x += width
