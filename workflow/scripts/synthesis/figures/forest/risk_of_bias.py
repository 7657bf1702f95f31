"""Risk of bias: dots beside a forest plot, a traffic light of all pooled studies, and a summary by item."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from ...words import formatting as fmt
from ...words.prose import plural
from ..kit.board import Board, chunks, numbered, rows_a_page
from ..kit.canvas import Drawing, draw_nothing
from ..kit.dots import HIGH, LOW, SOME, SYMBOLS, UNJUDGED, Key, draw_dot, key_of, level_of
from ..kit.layout import clean_text, cut_text, text_width, wrap_text
from ..kit.readings import ChartText, Paragraphs, Row, sort_rows, studies_of
from ..kit.style import fixed_settings, ink
from .plot import Judged

WORDS = {LOW: "Low risk of bias", SOME: "Some concerns or unclear", HIGH: "High risk of bias", UNJUDGED: "Not judged"}
# A checklist of questions answers in its own words; they stand before what they mean.
ANSWERS = {"yes": "Yes: low risk of bias", "unclear": "Unclear", "no": "No: high risk of bias"}
ROW, HEADING = 4.9, 6.0  # mm: of a study; of the headings
ROWS = 45  # studies a page
NAMES, ITEMS = 58.0, 13.0  # mm: room for names; widest distance of two columns of dots
QUESTIONS, BAR, LINE = 88.0, 4.2, 3.2  # mm: room for questions; height of a bar; of a line of a question
WITH_RISK = ", with risk of bias"
NONE = "no pooled study has been judged for risk of bias."


@dataclass(frozen=True)
class Judgements:
    """The judgements of some studies.

    Parameters
    ----------
    tools : mapping
        Tool → item → question; the tools that were used.
    levels : mapping
        Study → item → level, for the studies that were judged.
    used : mapping
        Study → its tool.
    words : mapping
        Level → what it is called.
    """

    tools: Mapping[str, Mapping[str, str]]
    levels: Mapping[str, Mapping[str, str]]
    used: Mapping[str, str]
    words: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns of dots: as many as the longest tool has items."""
        return tuple(f"D{i + 1}" for i in range(max(map(len, self.tools.values()), default=0)))

    def dots(self, study: str) -> tuple[str, ...]:
        """Give the levels of a study, one an item; all ``unjudged`` for one that was not judged."""
        tool = self.used.get(study) or next(iter(self.tools))
        return tuple(self.levels.get(study, {}).get(item, UNJUDGED) for item in self.tools[tool])

    def key(self, studies: Sequence[str]) -> Key:
        """Explain the dots of some studies."""
        several = len(self.tools) > 1
        items = [
            f"{f'{tool}, ' if several else ''}D{i} {clean_text(question)}"
            for tool, questions in self.tools.items()
            for i, question in enumerate(questions.values(), 1)
        ]
        return key_of({level for study in studies for level in self.dots(study)}, self.words, items)


def read_judgements(
    table: Sequence[Row], studies: Sequence[str], tools: Mapping[str, Mapping[str, str]]
) -> Judgements | None:
    """Read the judgements of some studies; None when none of them was judged.

    Parameters
    ----------
    table : sequence of rows
        ``results/data/risk_of_bias.csv``: study, tool, item, judgement.
    studies : sequence of str
    tools : mapping
        Tool → item → question, as the config orders them.
    """
    rows = [row for row in table if row["study"] in set(studies) and row["judgement"]]
    used = {row["study"]: row["tool"] for row in rows}
    if not rows:
        return None
    levels: dict[str, dict[str, str]] = {}
    for row in rows:
        levels.setdefault(row["study"], {})[row["item"]] = level_of(row["judgement"])
    said = {
        level: {row["judgement"].casefold() for row in rows if level_of(row["judgement"]) == level} for level in WORDS
    }
    words = {
        level: ANSWERS.get(*said[level], WORDS[level]) if len(said[level]) == 1 else WORDS[level] for level in WORDS
    }
    known = {
        tool: tools.get(tool) or {r["item"]: r["item"] for r in rows if r["tool"] == tool} for tool in used.values()
    }
    order = [tool for tool in tools if tool in known] + [tool for tool in known if tool not in tools]
    return Judgements({tool: known[tool] for tool in order}, levels, used, words)


def judged_forest(found: Judgements, studies: Sequence[str]) -> Judged:
    """Give the dots beside a forest plot."""
    dots = {study: found.dots(study) for study in studies}
    return Judged(dots, found.columns, found.key(studies), WITH_RISK)


def draw_risk_of_bias(studies: Sequence[Row], table: Sequence[Row], tools: Mapping, text: ChartText) -> Drawing:
    """Draw every judgement of the pooled studies: a traffic light.

    Parameters
    ----------
    studies : sequence of rows
        ``results/data/studies.csv``, those that are pooled in any analysis.
    table : sequence of rows
        ``results/data/risk_of_bias.csv``.
    tools : mapping
    text : ChartText
    """
    title = "Risk of bias of the pooled studies"
    ids = [row["study"] for row in studies]
    found = read_judgements(table, ids, tools)
    if found is None:
        return draw_nothing(text, title, NONE)
    said = describe(found, ids)
    rows = sort_rows(studies, "label" if text.sort == "label" else "year")
    with fixed_settings():
        probe = Board(text, title, _light_notes(said, text), HEADING, found.key(ids))
        parts = chunks(rows, rows_a_page(probe, ROW, ROWS))
        pages = [_light(part, found, numbered(title, i, len(parts)), said, text) for i, part in enumerate(parts, 1)]
    return Drawing(pages, title, " ".join([f"Traffic-light plot, {title[0].lower()}{title[1:]}.", *said]))


def describe(found: Judgements, studies: Sequence[str]) -> list[str]:
    """Count the judgements, and the studies without any."""
    counts = Counter(level for study in found.levels for level in found.dots(study))
    listed = "; ".join(
        f"{found.words[level][:1].lower()}{found.words[level][1:]}, {fmt.format_count(counts[level])}"
        for level in SYMBOLS
        if counts[level]
    )
    said = [f"{plural(sum(counts.values()), 'judgement')} of {studies_of(len(found.levels))}: {listed}."]
    silent = len(set(studies)) - len(found.levels)
    if silent:
        said.append(f"{studies_of(silent)} not judged yet.")
    return said


def _light_notes(said: Sequence[str], text: ChartText) -> Paragraphs:
    return Paragraphs(said, ["The tool gives no overall judgement, and none is made up here."], text)


def _light(rows: Sequence[Row], found: Judgements, title: str, said: Sequence[str], text: ChartText):
    """Draw a page of the traffic light."""
    ids = [row["study"] for row in rows]
    several = len(found.tools) > 1
    board = Board(text, title, _light_notes(said, text), HEADING + len(rows) * ROW, found.key(ids))
    n = len(found.columns)
    pitch = min(ITEMS, (176 - NAMES) / n)
    first, size = NAMES + pitch / 2, board.preset.body
    middle = board.y(HEADING / 2 - 0.6)
    board.write(board.mm(2), middle, "Study", bold=True)
    for i, name in enumerate(found.columns):
        board.write(board.mm(first + i * pitch), middle, name, bold=True, align="center")
    board.rule(board.y(HEADING - 1.1))
    for j, row in enumerate(rows):
        middle = board.y(HEADING + (j + 0.5) * ROW)
        tool = found.used.get(row["study"], "")
        label = clean_text(row["label"]) + (f" ({tool})" if several and tool else "")
        board.write(board.mm(5), middle, cut_text(label, board.mm(NAMES - 8), size), full=label)
        for i, level in enumerate(found.dots(row["study"])):
            draw_dot(board.page, board.mm(first + i * pitch), middle, level, board.preset, board.palette)
    return board.finish()


def draw_summary(studies: Sequence[Row], table: Sequence[Row], tools: Mapping, text: ChartText) -> Drawing:
    """Draw, for each item, how many of the pooled studies were judged how; every study weighs the same."""
    title = "Risk of bias by item"
    ids = [row["study"] for row in studies]
    found = read_judgements(table, ids, tools)
    if found is None:
        return draw_nothing(text, title, NONE)
    bars = [
        (tool, question, _counts(found, ids, tool, item))
        for tool, questions in found.tools.items()
        for item, question in questions.items()
    ]
    said = describe(found, ids)
    words = [f"{clean_text(q)} {_spoken(counts, found)}." for _, q, counts in bars]
    with fixed_settings():
        page = _bars(bars, found, title, said, len(ids), text)
    return Drawing([page], title, " ".join([f"Stacked bars, {title[0].lower()}{title[1:]}.", *said, *words]))


def _counts(found: Judgements, studies: Sequence[str], tool: str, item: str) -> Counter:
    """Count the levels of an item; a study that was not judged counts for the first tool."""
    first = next(iter(found.tools))
    mine = [study for study in studies if found.used.get(study, first) == tool]
    return Counter(found.levels.get(study, {}).get(item, UNJUDGED) for study in mine)


def _spoken(counts: Counter, found: Judgements) -> str:
    return ", ".join(
        f"{found.words[level][:1].lower()}{found.words[level][1:]} {fmt.format_count(counts[level])}"
        for level in SYMBOLS
        if counts[level]
    )


def _bars(bars, found: Judgements, title: str, said: Sequence[str], studies: int, text: ChartText):
    """Draw the page of the summary."""
    preset_size = Board(text, title, Paragraphs(text=text), 0).preset  # how wide words are on this page
    wrapped = [wrap_text(question, preset_size.mm(QUESTIONS - 4), preset_size.body) for _, question, _ in bars]
    heights = [max(BAR + 2.0, len(lines) * LINE + 2.4) for lines in wrapped]
    used = key_of({level for *_, counts in bars for level in counts}, found.words, ())
    grey = ["Each study weighs the same. Numbers in the bars: studies."]
    board = Board(text, title, Paragraphs(said, grey, text), fsum(heights) + 8, used)
    left, right, y = board.mm(QUESTIONS + 2), board.mm(176), 1.0
    for lines, height, (_, _, counts) in zip(wrapped, heights, bars, strict=True):
        middle = board.y(y + height / 2)
        for i, line in enumerate(lines):
            at = middle + (i - (len(lines) - 1) / 2) * LINE * board.s
            board.write(board.mm(2), at, line)
        _bar(board, left, right, middle, counts)
        y += height
    axis = board.y(y + 0.6)
    board.page.line([left, right], [axis, axis], width=0.6 * board.s, color=board.palette.text, zorder=3)
    for percent in (0, 25, 50, 75, 100):
        x = left + (right - left) * percent / 100
        board.page.line([x, x], [axis, axis + 0.9 * board.s], width=0.6 * board.s, color=board.palette.text, zorder=3)
        board.write(x, axis + 3.0 * board.s, str(percent), align="center")
    board.write(
        (left + right) / 2, axis + 6.8 * board.s, f"Studies, % (of {fmt.format_count(studies)})", align="center"
    )
    return board.finish()


def _bar(board: Board, left: float, right: float, middle: float, counts: Counter) -> None:
    """Draw a bar with its numbers, each with the symbol of its level."""
    total, x, size = sum(counts.values()), left, board.preset.small
    for level in SYMBOLS:
        if not counts[level]:
            continue
        width = (right - left) * counts[level] / total
        fill = getattr(board.palette, level)
        style = {"color": fill, "edge": board.palette.edge, "line": 0.4 * board.s, "zorder": 4}
        board.page.box(x, middle - BAR / 2 * board.s, width, BAR * board.s, **style)
        for words in (f"{SYMBOLS[level]} {fmt.format_count(counts[level])}", fmt.format_count(counts[level])):
            if text_width(words, size, "bold") + 1 <= width:
                written = board.write(
                    x + width / 2, middle, words, size=size, color=ink(fill), align="center", bold=True
                )
                written.set_zorder(6)
                break
        x += width
