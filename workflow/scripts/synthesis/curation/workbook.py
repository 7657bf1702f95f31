"""Write a sheet as a workbook: one tab for each part, drop-downs of the config's words, locked headings, comments."""

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..protocol.config import Protocol
from ..tables.problems import refusal
from .damage import COUNTED
from .fields import EXAMPLE, SAID, Field, Tab, tabs
from .filled_tabs import MARK, read_tables
from .flat import Row, gather, spread
from .grids import letters

LAST_ROW = 1000  # as far down as drop-downs reach
TEXT = "@"  # cells formatted as text keep what is typed: 3/12 stays 3/12
GREY, LINE, INK = "F2F2F2", "8C8C8C", "595959"
FORM = {"field": 20, "value": 60, "example": 34, "what it holds": 70}  # headings and widths where fields run down
LOOKS = {  # bold, italic, ink, ground
    "value": (False, False, "000000", ""),
    "needed": (True, False, "000000", ""),
    "heading": (True, False, "000000", "E3E9F1"),
    "help": (False, False, INK, ""),
    "example": (False, True, INK, ""),
    "example row": (False, True, INK, GREY),
}
HOW = (
    "How to fill in this workbook",
    "1. One workbook holds one study. Fill in the tab Study, then Arms, then Outcomes. The other tabs are optional.",
    "2. Rest the pointer on a heading to read what belongs below it. Headings with * are needed.",
    "    The grey row is an example; it is not read. Cells are not merged, and comments on cells are not read.",
    "3. Copy each number from the report that is open in front of you, and say where it stands (source).",
    "4. Missing is missing: write not reported, or unstated for a window (open: no fixed end). Never 0, never a guess.",
    "    Two numbers between which a count lies: 16 to 17. Not 16-17, which becomes a date, and not <5.",
    "5. Cells are formatted as text, so that nothing typed becomes a date. When you paste: Paste special, Values.",
    "6. Save as .xlsx and hand the file in, or run: sheet from-xlsx FILE.xlsx (it names the cell of every problem).",
)


def write_workbook(path: str | Path, data: Mapping[str, Any], protocol: Protocol) -> None:
    """Write the nested texts of a sheet, complete or not, as a workbook: whole or not at all.

    A file that exists is overwritten; a command asks first.

    Raises
    ------
    ProblemsError
        If the sheet holds what the workbook has no place for: nothing is lost silently.
    """
    path = Path(path)
    content = _workbook(data, protocol)
    neighbour = path.with_name(f".{os.getpid()}.{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        neighbour.write_bytes(content)
        if lost := _lost(neighbour, data, protocol):
            message = f"The workbook would lose {', '.join(lost[:5])}. Run `sheet check`, and mend the sheet first."
            raise refusal(path, message)
        os.replace(neighbour, path)
    finally:
        neighbour.unlink(missing_ok=True)


def _lost(path: Path, data: Mapping[str, Any], protocol: Protocol) -> list[str]:
    """Read the workbook back and name what differs."""
    every = tabs(protocol)
    tables, *_ = read_tables(path, every)
    before, after = (dict(leaves(value)) for value in (data, gather(tables, every).data))
    return [".".join(map(str, at)) for at in dict.fromkeys([*before, *after]) if before.get(at) != after.get(at)]


def leaves(value: Any, at: tuple = ()) -> Iterable[tuple[tuple, str]]:
    """Give path → text of everything in nested texts; an empty list or mapping says nothing, except an empty arm."""
    if isinstance(value, Mapping):
        if not value and len(at) == 2 and at[0] == "arms":
            yield at, ""
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from leaves(inner, (*at, i))
    else:
        yield at, str(value).replace("\r\n", "\n").strip()


def _workbook(data: Mapping[str, Any], protocol: Protocol) -> bytes:
    import openpyxl
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = openpyxl.Workbook()
    book.properties.creator = protocol.review.title
    book.properties.title = str(data.get("label") or data.get("id") or "new study")
    every = tabs(protocol)
    words: dict[tuple[str, ...], str] = {}  # each list of allowed words once, and the first field that has it
    for field in (field for tab in every for field in tab.fields if field.words):
        words.setdefault(field.words, field.name)
    _explain(book.active)
    try:
        for tab in every:
            write = _form if tab.is_form else _table
            write(book.create_sheet(tab.title), tab, spread(data, tab, protocol.tools), list(words))
    except (IllegalCharacterError, ValueError):  # the second from the XML writer, of code points that are no character
        message = "A text holds a control character, which a workbook cannot hold. Take it out of the sheet first."
        raise refusal(data.get("id", ""), message) from None
    _words(book.create_sheet("Words"), words, protocol)
    book.active = 1
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet.title == "Study"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _explain(sheet: Any) -> None:
    """Write the tab that says how."""
    sheet.title = "Start here"
    sheet.column_dimensions["A"].width = 110
    for number, line in enumerate(HOW, 1):
        _write(sheet.cell(number, 1), line, "heading" if number == 1 else "value")
        sheet.row_dimensions[number].height = 34 if len(line) > 105 else 20
    sheet.sheet_view.showGridLines = False
    _lock(sheet)


def _words(sheet: Any, lists: Mapping[tuple[str, ...], str], protocol: Protocol) -> None:
    """Write the tab of the drop-downs: words, and beside them how figures print them."""
    labels = {
        "outcome": {name: term.label for name, term in protocol.outcomes.items()},
        "ascertainment": protocol.ascertainment,
        "item": {item: question for items in protocol.tools.values() for item, question in items.items()},
        "product": protocol.levels("product"),
        **{name: attribute.levels for name, attribute in protocol.attributes.items()},
    }
    for i, (words, name) in enumerate(lists.items()):
        meanings = [str(labels.get(name, {}).get(word, "")) for word in words]
        for column, cells, least, most in ((2 * i + 1, words, 14, 40), (2 * i + 2, meanings, 10, 56)):
            _write(sheet.cell(1, column), name if cells is words else "meaning", "heading")
            sheet.column_dimensions[letters(column)].width = max(least, min(most, max(map(len, cells)) + 2))
        for row, (word, meaning) in enumerate(zip(words, meanings, strict=True), 2):
            _write(sheet.cell(row, 2 * i + 1), word)
            _write(sheet.cell(row, 2 * i + 2), meaning, "help")
    sheet.freeze_panes = "A2"
    _lock(sheet)


def _form(sheet: Any, tab: Tab, rows: Sequence[Row], words: Sequence[tuple[str, ...]]) -> None:
    """Write a tab whose fields run down: name, value, example, what it holds."""
    values = rows[0] if rows else {}
    for column, (heading, width) in enumerate(FORM.items(), 1):
        _write(sheet.cell(1, column), heading, "heading")
        sheet.column_dimensions[letters(column)].width = width
    for number, field in enumerate(tab.fields, 2):
        _write(
            sheet.cell(number, 1),
            field.heading,
            "needed" if field.required else "value",
        )
        _write(sheet.cell(number, 2), values.get(field.name, ""), kind=field.kind, unlocked=True)
        _write(sheet.cell(number, 3), field.example, "example")
        _write(sheet.cell(number, 4), field.help, "help")
        _offer(sheet, f"B{number}", field, words)
    sheet.freeze_panes = "B2"
    _lock(sheet)


def _table(sheet: Any, tab: Tab, rows: Sequence[Row], words: Sequence[tuple[str, ...]]) -> None:
    """Write a tab whose fields run across, with the example below the headings."""
    _write(sheet.cell(1, 1), MARK, "heading", comment=tab.about)
    _write(sheet.cell(2, 1), EXAMPLE, "example row")
    _open(sheet.column_dimensions["A"], 10)
    for number in range(3, len(rows) + 3):  # a numbered row is never taken for the example
        _write(sheet.cell(number, 1), str(number - 2), "help", unlocked=True)
    for column, field in enumerate(tab.fields, 2):
        letter, width = letters(column), SAID.get(field.name, {}).get("width")
        _write(sheet.cell(1, column), field.heading, "heading", comment=field.help)
        _write(sheet.cell(2, column), field.example, "example row")
        _open(sheet.column_dimensions[letter], int(width or max(12, len(field.name) + 6)))
        for number, row in enumerate(rows, 3):
            _write(
                sheet.cell(number, column), row.get(field.name, ""), kind=field.kind, unlocked=field.name != "question"
            )
        _offer(
            sheet, f"{letter}3:{letter}{LAST_ROW}", field, words, arms=not (tab.key == "arms" and field.name == "arm")
        )
    sheet.freeze_panes = "B3"
    _lock(sheet)


def _write(
    cell: Any, text: str, look: str = "value", kind: str = "", *, unlocked: bool = False, comment: str = ""
) -> None:
    """Write one cell as text (a count as a number, so that sums work), never as a formula or a date."""
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side

    bold, italic, ink, ground = LOOKS[look]
    if text:
        number = kind in COUNTED and text.isascii() and text.isdigit()
        number = number and str(int(text)) == text and len(text) < 10
        cell.value = int(text) if number else text
        cell.data_type = "n" if number else "s"
    cell.number_format = TEXT
    cell.font = Font(name="Calibri", size=11, bold=bold, italic=italic, color=ink)
    cell.alignment = Alignment(vertical="center" if look == "heading" else "top", wrap_text=True, horizontal="left")
    cell.protection = Protection(locked=not unlocked)
    if ground:
        cell.fill = PatternFill("solid", fgColor=ground)
    if look == "heading":
        cell.border = Border(bottom=Side("thin", color=LINE))
    if comment:
        cell.comment = Comment(comment, "review", width=320, height=40 + 18 * (len(comment) // 44 + 1))


def _open(dimension: Any, width: float) -> None:
    """Let a whole column be typed into, as text."""
    from openpyxl.styles import Alignment, Protection

    dimension.width = width
    dimension.number_format = TEXT
    dimension.protection = Protection(locked=False)
    dimension.alignment = Alignment(vertical="top", wrap_text=True, horizontal="left")


def _offer(sheet: Any, cells: str, field: Field, words: Sequence[tuple[str, ...]], arms: bool = True) -> None:
    """Give cells a drop-down: of words, which refuses others at once as the check does in any case, or of arms."""
    from openpyxl.worksheet.datavalidation import DataValidation

    if field.words:
        column = letters(2 * words.index(field.words) + 1)
        source, style = f"Words!${column}$2:${column}${len(field.words) + 1}", "stop"
        error = "Choose a word of the list. A new word is added to config.yaml first."
    elif arms and field.name in ("arm", "part_of"):
        source, style, error = f"Arms!$B$3:$B${LAST_ROW}", "warning", "No arm has this name yet."
    else:
        return
    rule = DataValidation("list", formula1=source, allow_blank=True, showErrorMessage=True)
    rule.errorStyle, rule.errorTitle, rule.error = style, "Not in the list", error
    sheet.add_data_validation(rule)
    rule.add(cells)


def _lock(sheet: Any) -> None:
    """Lock headings and examples, without a password; rows may be added, deleted and sorted, columns widened."""
    protection = sheet.protection
    protection.sheet = True
    for allowed in ("insertRows", "deleteRows", "sort", "autoFilter", "formatCells", "formatColumns", "formatRows"):
        setattr(protection, allowed, False)  # in the file format, False means that it is allowed
