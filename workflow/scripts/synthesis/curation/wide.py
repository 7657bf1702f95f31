"""Tables that people already have, one row a study or an arm, as drafts of sheets: what is missing is marked."""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..levels import NOT_REPORTED
from ..problems import Problem, ProblemsError, quote
from ..protocol import Protocol
from ..sheets import Whole
from .damage import clean, read_value, text_damage
from .fields import KINDS, help_text, tabs
from .flat import Cell
from .new import ID
from .opening import LARGEST_FILE, letters, read_grids
from .wide_columns import PLAIN, STUDY, Columns, recognise
from .writing import Todo

WHOLE = TypeAdapter(Whole)
DELIMITERS = ",;\t"
CITATION = ("title", "journal", "year", "doi", "pmid")


@dataclass(frozen=True)
class Table:
    """A table as read: its header, and the rows with where each cell stands."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    decimal_comma: bool


@dataclass(frozen=True)
class Drafts:
    """Id → nested texts of a sheet, with :class:`~.writing.Todo` where something is missing; and what was not read."""

    sheets: dict[str, dict[str, Any]]
    unread: tuple[str, ...]


def read_csv_text(raw: bytes, file: str, encoding: str = "utf-8") -> tuple[str, str]:
    """Give the text of a CSV file and its delimiter.

    Raises
    ------
    ProblemsError
        If the bytes are not in the encoding: which one it is cannot be seen from the file, and is not guessed.
    """
    if len(raw) > LARGEST_FILE:
        raise ProblemsError([Problem(file, 0, "", f"The file has {len(raw):,} bytes, more than {LARGEST_FILE:,}.")])
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding)
    except (UnicodeDecodeError, LookupError):
        message = (
            f"Not readable as {encoding}. Save it as CSV UTF-8, or name its encoding: --encoding cp1252 (Windows)."
        )
        raise ProblemsError([Problem(file, 0, "", message)]) from None
    text = text.lstrip("\ufeff")
    if found := re.match(r"sep=(.)\r?\n", text):
        return text[found.end() :], found[1]
    first = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
    return text, max(DELIMITERS, key=first.count)


def read_table_file(path: str | Path, encoding: str = "utf-8") -> Table:
    """Read a CSV file, or the first tab of a workbook, as a table of cells."""
    file = str(path)
    if Path(path).suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods"):
        title, grid = next(iter(read_grids(path)))
        return _from_grid(title, grid)
    try:
        text, delimiter = read_csv_text(Path(path).read_bytes(), file, encoding)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = [(reader.line_num, row) for row in reader if any(map(clean, row))]
    except OSError as error:
        raise ProblemsError([Problem(file, 0, "", f"Cannot be read: {error.strerror}.")]) from None
    except csv.Error as error:
        raise ProblemsError([Problem(file, reader.line_num, "", f"Not readable as CSV: {error}.")]) from None
    if not lines:
        raise ProblemsError([Problem(file, 0, "", "The table is empty.")])
    header = tuple(map(clean, lines[0][1]))
    rows = tuple(tuple(Cell(f"line {number}", clean(text)) for text in row) for number, row in lines[1:])
    return Table(header, rows, delimiter != ",")


def _from_grid(title: str, grid: list) -> Table:
    filled = [(number, row) for number, row in enumerate(grid, 1) if row]
    if not filled:
        return Table((), (), False)
    header = tuple(clean(str(value if value is not None else "")) for value, *_ in filled[0][1])
    columns = {i: _kind(name) for i, name in enumerate(map(str.lower, header))}
    rows = tuple(
        tuple(
            Cell(f"{title}!{letters(i + 1)}{number}", *read_value(*v, columns.get(i, "text")))
            for i, v in enumerate(row)
        )
        for number, row in filled[1:]
    )
    return Table(header, rows, False)


def _kind(name: str) -> str:
    from .wide_columns import ALIASES, normal

    field = next((field for field, aliases in ALIASES.items() if normal(name) in aliases), normal(name))
    return KINDS.get(field, "text")


def draft_sheets(table: Table, file: str, protocol: Protocol, given: Mapping[str, str] | None = None) -> Drafts:
    """Make one draft of a sheet for each study of a table.

    Parameters
    ----------
    table : Table
    file : str
        Its name, for messages.
    protocol : Protocol
    given : mapping, optional
        Field → what it is in every row that does not say: the outcome of a table about one outcome, for instance.

    Returns
    -------
    Drafts
        A value that the table does not give is a :class:`~.writing.Todo`, or `not reported` for a count.

    Raises
    ------
    ProblemsError
        With everything that is wrong in the table, each with its line or cell.
    """
    columns = recognise(table.header, protocol)
    if columns.problems:
        raise ProblemsError(Problem(file, 0, "first row", message) for message in columns.problems)
    help_of = {tab.key: {f.name: f for f in tab.fields} for tab in tabs(protocol)}
    reader = _Reader(file, columns, dict(given or {}), table.decimal_comma, help_of)
    for row in table.rows:
        reader.read(row)
    if reader.problems:
        raise ProblemsError(reader.problems)
    return Drafts(reader.sheets, columns.unread)


class _Reader:
    """Reads rows one after the other into drafts, and gathers what is wrong."""

    def __init__(self, file: str, columns: Columns, given: dict[str, str], decimal_comma: bool, help_of: dict):
        self.file, self.columns, self.given, self.decimal_comma, self.help_of = (
            file,
            columns,
            given,
            decimal_comma,
            help_of,
        )
        self.sheets: dict[str, dict[str, Any]] = {}
        self.problems: list[Problem] = []
        self.seen: dict[tuple, str] = {}

    def say(self, cell: Cell, field: str, message: str) -> None:
        """Note a problem at a cell; a line of a CSV file is told as `file:line`."""
        line = int(cell.at[5:]) if cell.at.startswith("line ") else 0
        self.problems.append(Problem(self.file, line, field if line else f"{cell.at} ({field})", message))

    def cell(self, row: Sequence[Cell], column: int | None) -> Cell:
        """Give a cell of a row, an empty one where the row is short."""
        return row[column] if column is not None and column < len(row) else Cell(row[0].at)

    def value(self, row: Sequence[Cell], field: str) -> str:
        """Give the text of a field, or what was given for all rows."""
        cell = self.cell(row, self.columns.fields.get(field))
        complaint = cell.complaint or text_damage(cell.text, KINDS.get(field, "text"))
        if field == "reported" and cell.text and not cell.complaint:
            return self.percent(cell)
        if complaint:
            self.say(cell, field, complaint)
            return ""
        return cell.text or self.given.get(field, "")

    def percent(self, cell: Cell) -> str:
        """Read a percentage: its column says that it is one, so the sign may be missing."""
        text = cell.text.rstrip("% ")
        if self.decimal_comma and re.fullmatch(r"[0-9]+,([0-9]{1,2}|[0-9]{4,})", text):
            text = text.replace(",", ".")
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text):
            self.say(cell, "reported", text_damage(cell.text, "percent") or f"{quote(cell.text)} is not a percentage.")
            return ""
        return f"{text}%"

    def count(self, cell: Cell, field: str) -> int | None:
        """Read a count; None where there is none, or where it is told as a problem."""
        complaint = cell.complaint or text_damage(cell.text, "count")
        if complaint:
            self.say(cell, field, complaint)
        elif cell.text and cell.text.lower() not in ("na", "nr", "n/a", "-", "–", ".", NOT_REPORTED):
            try:
                return WHOLE.validate_python(cell.text)
            except ValidationError as error:
                self.say(cell, field, str(error.errors()[0]["ctx"]["error"]))
        return None

    def read(self, row: Sequence[Cell]) -> None:
        """Read one row."""
        study = self.study(row)
        if study is None:
            return
        arm = self.value(row, "arm") or "all"
        sheet = self.sheets[study]
        facts = {key: self.value(row, key) for key in self.columns.fields if key in self.help_of["arms"]}
        facts = {k: v for k, v in facts.items() if v and k not in ("arm", "patients", "note", "label")}
        sheet["arms"].setdefault(arm, {}).update(facts)
        shared = {key: self.value(row, key) for key in ("window", "reported", *PLAIN) if key not in facts}
        for outcome, columns in self.columns.counts.items():
            events, patients = (self.cell(row, column) for column in columns)
            if outcome is not None and not events.text and not events.complaint:
                continue  # a table with a column an outcome leaves it empty where a study does not report it
            values = shared | {"arm": arm} | ({"outcome": outcome} if outcome else {})
            self.add(study, values, events, patients)

    def add(self, study: str, values: dict[str, str], events_cell: Cell, patients_cell: Cell) -> None:
        """Add one count of one arm to a draft."""
        events, patients = self.count(events_cell, "events"), self.count(patients_cell, "patients")
        if None not in (events, patients) and events > patients:
            self.say(events_cell, "events", f"{events} is more than patients ({patients}). Check the source.")
        key = (study, *(values.get(name) for name in ("arm", "outcome", "window", "definition")))
        if key in self.seen:
            message = f"The same study, arm and outcome as {self.seen[key]}. Add a column `arm`, `outcome` or `window`."
            self.say(events_cell, "events", message)
        self.seen.setdefault(key, events_cell.at)
        printed = values.pop("reported", "")
        if printed and None not in (events, patients):
            values["reported"] = printed
        elif printed:  # a percentage without counts cannot be checked, and no count is made of it
            values["note"] = f"{values.get('note', '')} The table prints {printed}.".strip()
        for name, count in (("events", events), ("patients", patients)):
            values[name] = NOT_REPORTED if count is None else str(count)
        self.sheets[study]["outcomes"].append(self.with_todos(values))

    def with_todos(self, values: dict[str, str]) -> dict[str, str]:
        """Give a row of `outcomes` in the order of its fields, with marks where the table is silent."""
        fields = self.help_of["outcomes"]
        row = {name: values.get(name) or (todo(field) if field.required else None) for name, field in fields.items()}
        return {name: value for name, value in row.items() if value is not None}

    def study(self, row: Sequence[Cell]) -> str | None:
        """Find or begin the sheet of a row; give its id."""
        study, author, year = (self.value(row, key) for key in ("study", "author", "year"))
        label = study or f"{surname(author)} {year}".strip()
        if study and year and not re.search(r"\d{4}", study):
            label = f"{study} {year}"
        name = id_of(label)
        place = self.cell(row, self.columns.fields.get("study", self.columns.fields.get("author")))
        if name is None:
            said = f"{quote(label)} does not give an author and a year" if label else "The row names no study"
            self.say(place, "study", f"{said}. Write it so: Smith 2025.")
            return None
        sheet = self.sheets.get(name)
        if sheet is None:
            self.sheets[name] = self.begin(row, name, label, author)
        elif sheet["label"] != label:
            message = (
                f"{quote(label)} and {quote(sheet['label'])} would both be {name}. Tell them apart: {label}a, {label}b."
            )
            self.say(place, "study", message)
        return name

    def begin(self, row: Sequence[Cell], name: str, label: str, author: str) -> dict[str, Any]:
        """Begin a draft: what the table says of the study, and marks for the rest."""
        fields = self.help_of["study"]
        said = {key: self.value(row, key) for key in ("year", *STUDY)}
        said["year"] = said["year"] or ID.fullmatch(name)[2]
        if "centres" in self.columns.fields:
            said["centres"] = said["centres"] and str(self.count(Cell(row[0].at, said["centres"]), "centres") or "")
        citation = {"authors": author, **{key: said[key] for key in CITATION}}
        draft: dict[str, Any] = {"id": name, "label": label, "citation": {k: v for k, v in citation.items() if v}}
        for key in ("report", "design", "ascertainment", "country", "centres"):
            if said[key] or fields[key].required:
                draft[key] = said[key] or todo(fields[key])
        first = self.given.get("first") or todo(fields["first_extraction"])
        return draft | {"arms": {}, "outcomes": [], "extraction": {"first": first}}


def todo(field: Any) -> Todo:
    """Mark a field as missing: an empty value, and behind it what belongs there."""
    return Todo(help_text(field))


def id_of(label: str) -> str | None:
    """Give the id that a study's name suggests; None without an author and a year.

    >>> id_of("Abu-Sbeih et al., 2019"), id_of("Müller J 2020a"), id_of("Smith")
    ('abusbeih2019', 'muller2020a', None)
    """
    text = unicodedata.normalize("NFKD", label.replace("ß", "ss")).encode("ascii", "ignore").decode()
    found = re.search(r"\b((?:19|20)[0-9]{2})([a-z]?)\b", text)
    author = re.sub(r"[^a-z]", "", surname(text[: found.start()]).lower()) if found else ""
    return f"{author}{found[1]}{found[2]}" if author else None


def surname(author: str) -> str:
    """Give the name of a first author without initials and et al.; all of it when it is nothing but capitals.

    >>> surname("Abu-Sbeih H et al."), surname("van der Berg, AB"), surname("NIS")
    ('Abu-Sbeih', 'van der Berg', 'NIS')
    """
    text = re.sub(r"\bet al\b\.?", " ", author)
    kept = [word for word in re.split(r"[\s,;]+", text) if word and not re.fullmatch(r"([A-Z]\.?-?){1,3}", word)]
    return " ".join(kept) or author.strip(" ,;")
