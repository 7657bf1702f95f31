"""A sheet as a table in the terminal."""

import textwrap
from collections.abc import Iterable, Sequence

from ..models.proportions import STUDY_INTERVALS
from ..protocol.config import Protocol
from ..sheets.sheet import Sheet
from ..words.formatting import MISSING, format_count, format_percent_interval, is_missing
from ..words.levels import UNSTATED


def show_sheet(sheet: Sheet, protocol: Protocol, width: int = 120) -> str:
    """Give a sheet as text.

    Parameters
    ----------
    sheet : Sheet
    protocol : Protocol
        Gives labels, and the interval of a single study.
    width : int
        Of the terminal, in characters.

    Returns
    -------
    str
        The study, its arms, its counts with proportion and exact interval, what is kept out and why.
    """
    blocks = [_study(sheet, width), _arms(sheet, protocol, width), _outcomes(sheet, protocol, width)]
    if sheet.comparisons:
        blocks.append(_comparisons(sheet, protocol, width))
    if sheet.characteristics:
        blocks.append(_characteristics(sheet, width))
    if sheet.risk_of_bias:
        rows = [(item, entry.judgement, entry.support) for item, entry in sheet.risk_of_bias.items.items()]
        title = f"Risk of bias ({sheet.risk_of_bias.tool})"
        blocks.append(f"{title}\n" + table(("item", "judgement", "support"), rows, width))
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
        rows.append((name, _count(arm.patients), *(arm.attributes.get(k, "") for k in keys), parts, arm.note or ""))
    return "Arms\n" + table(("arm", protocol.review.unit, *keys, "holds", "note"), rows, width)


def _outcomes(sheet: Sheet, protocol: Protocol, width: int) -> str:
    rows = []
    for row in sheet.outcomes:
        out = sheet.reason(sheet.exclude, row.outcome, row.arm)
        held = sheet.reason(sheet.sensitivity_only, row.outcome, row.arm)
        remark = f"never pooled: {out}" if out else f"sensitivity only: {held}" if held else ""
        rows.append(
            (
                row.outcome,
                row.arm,
                f"{_count(row.events)}/{_count(row.patients)}",
                _percent(row.events, row.patients, protocol),
                UNSTATED if row.window is None else f"{row.window} d",
                row.basis,
                row.second_reading or "read once",
                row.source,
                remark,
            )
        )
    if not rows:
        return "Outcomes\nNone: nothing countable was readable."
    level = f"{100 * protocol.models.level:g} %"
    headings = ("outcome", "arm", "events", f"% ({level} CI)", "window", "basis", "second", "source", "remark")
    return "Outcomes\n" + table(headings, rows, width)


def _count(value: int | None) -> str:
    return MISSING if is_missing(value) else format_count(value)


def _percent(events: int | None, patients: int | None, protocol: Protocol) -> str:
    if events is None or not patients:
        return MISSING
    low, high = STUDY_INTERVALS[protocol.models.study_interval](events, patients, protocol.models.level)
    return format_percent_interval(events / patients, float(low), float(high))


def _comparisons(sheet: Sheet, protocol: Protocol, width: int) -> str:
    rows = [
        (
            t.exposure,
            t.outcome,
            t.arm,
            *(f"{c.events}/{c.patients}" for c in (t.exposed, t.unexposed)),
            t.basis,
            t.source,
        )
        for t in sheet.comparisons
    ]
    return "Comparisons\n" + table(
        ("exposure", "outcome", "arm", "exposed", "unexposed", "basis", "source"), rows, width
    )


def _characteristics(sheet: Sheet, width: int) -> str:
    rows = []
    for fact in sheet.characteristics:
        count = f"{_count(fact.events)}/{_count(fact.patients)}" if fact.events is not None else ""
        value = " ".join(filter(None, (fact.value, fact.unit)))
        rows.append((fact.arm, fact.group or "", fact.name, count, value, fact.source))
    return "Characteristics\n" + table(("arm", "group", "name", "count", "value", "source"), rows, width)


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
