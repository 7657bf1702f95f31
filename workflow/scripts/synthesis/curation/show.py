"""A sheet as a table in the terminal."""

import textwrap
from collections.abc import Iterable, Sequence

from ..models.proportions import STUDY_INTERVALS
from ..protocol.config import Protocol
from ..sheets.limits import ends
from ..sheets.sheet import Cells, Characteristic, Comparison, Outcome, Sheet
from ..words.formatting import MISSING, format_count, format_percent, format_percent_range, format_window, format_within


def show_sheet(sheet: Sheet, protocol: Protocol, width: int = 120) -> str:
    """Give a sheet as text for a terminal of so many characters.

    The study, its arms, its counts with proportion and exact interval, what is kept out and why.
    """
    level = f"{100 * protocol.models.level:g} %"
    counts = ("outcome", "arm", "events", f"% ({level} CI)", "window", "basis", "second", "source", "remark")
    sides = ("exposure", "outcome", "arm", "exposed", "unexposed", "basis", "source")
    judged = sheet.risk_of_bias
    items = [(item, entry.judgement, entry.support) for item, entry in judged.items.items()] if judged else []
    parts = (
        ("Outcomes", counts, [_outcome(sheet, row, protocol) for row in sheet.outcomes]),
        ("Comparisons", sides, map(_comparison, sheet.comparisons)),
        ("Characteristics", ("arm", "group", "name", "count", "value", "source"), map(_fact, sheet.characteristics)),
        (f"Risk of bias ({judged.tool})" if judged else "", ("item", "judgement", "support"), items),
    )
    blocks = [_study(sheet, width), _arms(sheet, protocol, width)]
    for title, headings, rows in parts:
        if rows := list(rows):
            blocks.append(f"{title}\n{table(headings, rows, width)}")
        elif title == "Outcomes":
            blocks.append("Outcomes\nNone: nothing countable was readable.")
    return "\n\n".join(blocks) + "\n"


def _study(sheet: Sheet, width: int) -> str:
    citation = sheet.citation
    where = ", ".join(str(part) for part in (citation.journal, citation.year) if part)
    enrolled = sheet.enrolled and f"enrolled {sheet.enrolled.from_ or '…'} to {sheet.enrolled.to or '…'}"
    centres = sheet.centres and f"{sheet.centres} centre{'' if sheet.centres == 1 else 's'}"
    second = sheet.extraction.second
    lines = [
        f"{sheet.label} ({sheet.id})",
        " ".join(f"{part.rstrip('.')}." for part in (citation.authors, citation.title, where) if part),
        ", ".join(str(p) for p in (f"doi {citation.doi}" if citation.doi else "", citation.url) if p),
        "; ".join(filter(None, (sheet.report, sheet.design, sheet.ascertainment, sheet.country, centres, enrolled))),
        f"Read {sheet.extraction.first}; " + (f"compared by a second reader {second}." if second else "read once."),
        f"Cohort {sheet.cohort}." if sheet.cohort else "",
        sheet.overlaps or "",
        sheet.note or "",
    ]
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ") for line in lines if line.strip(". "))


def _arms(sheet: Sheet, protocol: Protocol, width: int) -> str:
    keys = [k for k in ("product", *protocol.attributes) if any(k in arm.attributes for arm in sheet.arms.values())]
    rows = []
    for name, arm in sheet.arms.items():
        parts = " + ".join(arm.comprises) if arm.comprises else f"part of {arm.part_of}" if arm.part_of else ""
        rows.append(
            (name, format_count(arm.patients), *(arm.attributes.get(k, "") for k in keys), parts, arm.note or "")
        )
    return "Arms\n" + table(("arm", protocol.review.unit, *keys, "holds", "note"), rows, width)


def _outcome(sheet: Sheet, row: Outcome, protocol: Protocol) -> tuple[str, ...]:
    out = sheet.reason(sheet.exclude, row.outcome, row.arm)
    held = sheet.held(row.outcome, row.arm)
    return (
        row.outcome,
        row.arm,
        _counts(row),
        _percent(row, protocol),
        format_window(row.window, row.window_words),
        row.basis,
        row.second_reading or "read once",
        row.source,
        f"never pooled: {out}" if out else f"sensitivity only: {held}" if held else "",
    )


def _comparison(row: Comparison) -> tuple[str, ...]:
    counts = _counts(row.exposed), _counts(row.unexposed)
    return row.exposure, row.outcome, row.arm, *counts, row.basis, row.source


def _fact(row: Characteristic) -> tuple[str, ...]:
    count = "" if row.events is None else _counts(row)
    return row.arm, row.group or "", row.name, count, " ".join(filter(None, (row.value, row.unit))), row.source


def _counts(row: Outcome | Cells | Characteristic) -> str:
    return f"{format_within(*ends(row.events))}/{format_count(row.patients)}"


def _percent(row: Outcome, protocol: Protocol) -> str:
    if row.events is None or not row.patients:
        return MISSING
    low, high = STUDY_INTERVALS[protocol.models.study_interval](row.limits, row.patients, protocol.models.level)
    share = format_within(*(events / row.patients for events in row.limits), format_percent)
    return f"{share} ({format_percent_range(float(low[0]), float(high[1]))})"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], width: int = 120) -> str:
    """Lay out a table in plain text, long cells wrapped, empty columns left out.

    >>> print(table(("a", "b", "c"), [("1", "two words", "")], 9))
    a  b
    -  ------
    1  two
       words
    """
    rows = [tuple(map(str, row)) for row in rows]
    used = [i for i in range(len(headings)) if any(row[i] for row in rows)]
    lines = [[headings[i] for i in used], *([row[i] for i in used] for row in rows)]
    natural = [max(len(line[c]) for line in lines) for c in range(len(used))]
    widths = _fit(natural, width - 2 * (len(used) - 1))
    text = []
    for number, line in enumerate(lines):
        cells = [textwrap.wrap(cell, w) or [""] for cell, w in zip(line, widths, strict=True)]
        for i in range(max(map(len, cells))):
            parts = [(cell[i] if i < len(cell) else "").ljust(w) for cell, w in zip(cells, widths, strict=True)]
            text.append("  ".join(parts).rstrip())
        if number == 0:
            text.append("  ".join("-" * w for w in widths))
    return "\n".join(text)


def _fit(natural: Sequence[int], width: int) -> list[int]:
    """Shorten the widest columns until the table fits; none below five characters."""
    widths = list(natural)
    while sum(widths) > width and max(widths) > 5:
        widths[widths.index(max(widths))] -= 1
    return widths
