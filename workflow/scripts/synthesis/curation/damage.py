"""What a spreadsheet does to what people type, recognised and named; what was meant is never guessed.

``3/12`` becomes a date, ``6.3%`` becomes 0.063, ``1,234`` is a thousand here and one and a bit elsewhere. Every
function gives the text a cell holds and, when that text is not to be trusted, a sentence that says why.
"""

import datetime as dt
import re
from typing import Any

from ..tables.problems import quote
from ..words.characters import complaint as unseen
from ..words.characters import plain

MONTHS = "jan|feb|mar|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
DAY_MONTH = re.compile(
    rf"(\d{{1,2}}[-./ ]\s?({MONTHS})[a-z]*\.?([-./ ]\d{{2,4}})?|({MONTHS})[a-z]*\.?[-./ ]\d{{1,4}})", re.I
)
DATE = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}[-./]\d{1,2}[-./]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2})?)?")
DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
RAISED = "raised"  # type of data of a cell with raised or lowered characters
COUNTED = ("count", "events", "window")
LIMITS = " The limits of a count are written as in 3 to 12."
AS_TEXT = "Format the cell as text, then type what the source says."


def clean(text: str) -> str:
    """Give the text of a cell in the spelling that is kept, without returns and spaces at the ends.

    >>> clean("\\ufeff 12\\u00a0")
    '12'
    """
    return plain(text.replace("_x000D_", "").replace("\r\n", "\n")).strip()


def read_value(value: Any, data_type: str, number_format: str, kind: str) -> tuple[str, str | None]:
    """Turn the value of a workbook's cell, as openpyxl gives it, into text for a field of a kind.

    ``data_type`` is openpyxl's letter (``f`` is a formula, ``e`` an error), or :data:`RAISED`; ``number_format`` is how
    the cell is shown. The text is blank for an empty cell and for one that cannot be trusted; then the second is why,
    and what to do.
    """
    if value is None:
        return "", None
    text = _text(value)
    complaint = _damage(value, text, data_type, number_format or "General", kind)
    return ("", complaint) if complaint else (text, None)


def _text(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
    return clean(str(value))


def _damage(value: Any, text: str, data_type: str, number_format: str, kind: str) -> str | None:
    if data_type == "f":
        return "The cell holds a formula. Formulas are not read. Paste the value: copy, then Paste special, Values."
    if data_type == "e":
        return f"The cell holds an error ({value}). Type what the source says."
    if data_type == RAISED and kind not in ("text", "pages"):
        return f"{quote(value)} holds a raised or lowered character, perhaps a footnote. Type the number alone."
    if isinstance(value, bool):
        return f"The cell holds the truth value {str(value).upper()}, made of a word. {AS_TEXT}"
    if isinstance(value, dt.date):
        return _date_value_damage(value, text, number_format, kind)
    if isinstance(value, dt.time | dt.timedelta):
        return f"The cell holds a time ({value}), perhaps made of a ratio such as 3:12. {AS_TEXT}"
    if isinstance(value, int | float):
        return _number_damage(value, text, number_format.split(";")[0], kind)
    return text_damage(text, kind)


def _date_value_damage(value: dt.date, day: str, number_format: str, kind: str) -> str | None:
    if kind == "date":
        shown = re.sub(r'\[[^]]*\]|"[^"]*"|\\.', "", number_format).lower()
        timed = isinstance(value, dt.datetime) and value.time() != dt.time()
        if not timed and "d" in shown and "y" in shown:
            return None  # the day, month and year that the person sees
        said = f"The cell holds the date {day}, but shows only a part of it."
        return f"{said} Type it as text: {day}, {day[:7]} or {day[:4]}."
    first, second = value.day, value.month
    others = "" if first == second else f", {second}/{first} or {second}-{str(value.year)[2:]}"
    said = f"The cell holds the date {day}, which a spreadsheet makes of {first}/{second}{others}."
    return f"{said} {AS_TEXT}{_limits(kind)}"


def _number_damage(value: float, text: str, shown: str, kind: str) -> str | None:
    if "%" in shown:
        return f"The cell holds the number {value!r} shown as per cent; its digits as printed are lost. {AS_TEXT}"
    if re.search(r"[0#?],+(?![0#?])", shown):
        return f"The cell holds {value!r} shown in thousands. {AS_TEXT}"
    if re.fullmatch(r"0{2,}", shown):
        digits = str(int(value)).zfill(len(shown)) if float(value).is_integer() else repr(value)
        return f"The cell shows {digits} but holds {value!r}: leading zeros are not in it. {AS_TEXT}"
    if kind == "percent":
        return f"{text} has no % sign. Is it {text}% or a proportion? {AS_TEXT}"
    if re.fullmatch("-?[0-9]{1,15}", text):
        return None
    if kind in COUNTED:
        return _decimal(text)
    if kind == "date":
        return f"The cell holds the number {text} where a date belongs. {AS_TEXT}"
    if "e" in text or len(text.replace("-", "").replace(".", "").lstrip("0")) > 15:
        return f"The cell holds {text}, which was computed or cut off. {AS_TEXT}"
    return None


def _decimal(text: str) -> str:
    if re.fullmatch(r'"?[0-9]{1,3}[.,][0-9]{3}"?', text):
        return f"{text} may be a thousand or a decimal number. Write digits only, without point or comma."
    return f"{text} is a decimal number where a whole number belongs. Look it up again, and write the count."


def text_damage(text: str, kind: str) -> str | None:
    """Say what a text shows of a spreadsheet's damage; None when nothing, whether or not the text is right.

    >>> text_damage("03-Dec", "count")
    '"03-Dec" is a date, which a spreadsheet makes of 3/12 or 12-3. Write the numbers, each in its own cell.'
    >>> text_damage("12", "count") is None, text_damage("9/80", "count") is None
    (True, True)
    """
    if bad := unseen(text):
        return bad
    if kind in COUNTED:
        found = _count_damage(text)
        return f"{found}{_limits(kind)}" if found and " is a date" in found else found
    if kind == "percent":
        if re.fullmatch(r"[0-9]+,[0-9]+ ?%?", text):
            return f'"{text}" has a decimal comma. Write {text.replace(",", ".").rstrip("% ")}%.'
        if re.fullmatch(r"[0-9.]+", text):
            return f'"{text}" has no % sign. Is it {text}% or a proportion? Write it as printed, with the sign.'
    if kind == "date":
        return _date_damage(text)
    if DAY_MONTH.fullmatch(text) and kind == "pages":
        return f'"{text}" is a date, which a spreadsheet makes of a range such as 3-12. {AS_TEXT}'
    return None


def _count_damage(text: str) -> str | None:
    if found := DAY_MONTH.fullmatch(text):
        digits, month = re.match(r"\d+", text), _month(found)
        typed = f"{int(digits[0])}/{month} or {month}-{int(digits[0])}" if digits else "a fraction"
        return f'"{text}" is a date, which a spreadsheet makes of {typed}. Write the numbers, each in its own cell.'
    if DATE.fullmatch(text):
        return f'"{text}" is a date, which a spreadsheet makes of a fraction. Write the numbers, each in its own cell.'
    if DECIMAL.fullmatch(text):
        return _decimal(f'"{text}"')
    if re.fullmatch(r"[0-9]+ ?\(.*\)", text):
        return f'"{text}" holds a count and something else. Write the count here, the percentage under reported.'
    return None


def _limits(kind: str) -> str:
    """Say how limits are written where they may stand; a spreadsheet makes a date of 3-12."""
    return LIMITS if kind == "events" else ""


def _month(found: re.Match) -> int:
    name = (found[2] or found[4])[:3].lower()
    english = {"mrz": "mar", "mai": "may", "okt": "oct", "dez": "dec"}.get(name, name)
    return dt.datetime.strptime(english, "%b").month


def _date_damage(text: str) -> str | None:
    parts = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", text)
    if parts:
        one, other, year = (int(part) for part in parts.groups())
        days = {f"{year}-{m:02}-{d:02}" for d, m in ((one, other), (other, one)) if m <= 12}
        return f'"{text}" is not unmistakable. Write {" or ".join(sorted(days)) or "YYYY-MM-DD"}.'
    if DAY_MONTH.fullmatch(text):
        return f'"{text}" has a month in words. Write YYYY-MM-DD, YYYY-MM or YYYY.'
    return None
