"""Tables that people already have, one row a study or an arm, as drafts of sheets: what is missing is marked."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..protocol.config import Protocol
from ..protocol.scalars import Whole
from ..review.totals import Count, find_sums, names_a_total
from ..tables.located import Path_
from ..tables.problems import Problem, ProblemsError, quote
from ..words.characters import comparable
from ..words.levels import NOT_REPORTED
from .damage import text_damage
from .draft_checks import check_drafts
from .fields import KINDS, help_text, tabs
from .flat import Cell
from .grids import reading_order
from .naming import YEAR, author_of, id_of, label_of_row, told_apart
from .new import ID
from .table_file import Table, field_of
from .wide_columns import PLAIN, STUDY, Columns, recognise
from .writing import Todo

WHOLE = TypeAdapter(Whole)
NOTHING = ("na", "nr", "n/a", "-", "–", ".", NOT_REPORTED)
CITATION = ("title", "journal", "year", "doi", "pmid")
Row = Sequence[Cell]


@dataclass(frozen=True)
class Drafts:
    """Id → nested texts of a sheet, with :class:`~.writing.Todo` where something is missing; and what was not read."""

    sheets: dict[str, dict[str, Any]]
    unread: tuple[str, ...]


def draft_sheets(
    table: Table,
    file: str,
    protocol: Protocol,
    given: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    studies: Collection[str] = (),
) -> Drafts:
    """Make one draft of a sheet for each study of a table.

    Parameters
    ----------
    table : Table
    file : str
        Its name, for messages.
    protocol : Protocol
    given : mapping, optional
        Field → what it is in every row that does not say: the outcome of a table about one outcome, for instance.
    columns : mapping, optional
        Field → heading of its column, where the heading does not say so; see :func:`~.wide_columns.recognise`.
    studies : collection of str, optional
        Names of rows that look like a total of others and are studies nevertheless.

    Returns
    -------
    Drafts
        A value that the table does not give is a :class:`~.writing.Todo`, or `not reported` for a count.

    Raises
    ------
    ProblemsError
        With everything that is wrong in the table, or that a check of the drafts would refuse, each with its line or
        cell; what the drafts are still to be given is not a fault.
    """
    found = recognise(table.header, protocol, columns or {})
    problems = [Problem(file, 0, table.at, message) for message in _of_headings(found, table, protocol, given or {})]
    if not table.rows and not table.problems:
        problems.append(Problem(file, 0, table.at, "There is no row below the headings."))
    if problems:
        raise ProblemsError(problems)
    reader = _Reader(file, found, dict(given or {}), table.decimal_comma, protocol)
    totals = reader.totals(table.rows, studies)
    for i, row in enumerate(table.rows):
        if i not in totals:
            reader.read(row)
    reader.tell_apart()
    for name, draft in reader.sheets.items():
        draft["citation"].setdefault("year", ID.fullmatch(name)[2])
    refused = check_drafts(reader.sheets, protocol, reader.places, reader.problem)
    problems = [*table.problems, *reader.problems, *refused]
    if problems:
        raise ProblemsError(problems)
    return Drafts(reader.sheets, (*found.unread, *table.unread))


def _of_headings(found: Columns, table: Table, protocol: Protocol, given: Mapping[str, str]) -> list[str]:
    """Say why columns are not understood; and where the headings seem to be, when they are further down."""
    problems = list(found.problems)
    if problems:
        below = [row for row in table.rows[:5] if not recognise([cell.text for cell in row], protocol).problems]
        places = [row[0].at if row[0].at.startswith("line ") else f"row {reading_order(row[0].at)[1]}" for row in below]
        problems += [f"The headings seem to stand in {place}. Delete the rows above it." for place in places[:1]]
    outcome = given.get("outcome")
    if outcome and found.counts and None not in found.counts:
        said = ", ".join(map(str, found.counts))
        problems.append(f"The columns hold {said}; {quote(outcome)} was given for all rows. Leave one out.")
    return problems


class _Reader:
    """Reads rows one after the other into drafts, and gathers what is wrong."""

    def __init__(self, file: str, columns: Columns, given: dict[str, str], decimal_comma: bool, protocol: Protocol):
        self.file, self.columns, self.given, self.decimal_comma = file, columns, given, decimal_comma
        self.help_of = {tab.key: {field.name: field for field in tab.fields} for tab in tabs(protocol)}
        fields = [*self.help_of["outcomes"].values(), *self.help_of["study"].values(), *self.help_of["arms"].values()]
        self.words = {field.name: _spellings(field.words) for field in fields if field.words}
        self.of_arms = ("product", *protocol.attributes)
        self.sheets: dict[str, dict[str, Any]] = {}
        self.places: dict[str, dict[Path_, Cell | None]] = {}  # of each value; None: given for all rows
        self.labels: dict[str, dict[str, Cell]] = {}  # id → every label that would have it
        self.problems: list[Problem] = []
        self.seen: dict[tuple, str] = {}

    def problem(self, cell: Cell | None, field: str, message: str) -> Problem:
        """Give a problem at a cell; a line of a CSV file is told as `file:line`."""
        if cell is None:
            return Problem("--set", 0, field, message)
        if cell.at.startswith("line "):
            return Problem(self.file, int(cell.at[5:]), field, message)
        return Problem(self.file, 0, f"{cell.at} ({field})", message, reading_order(cell.at))

    def say(self, cell: Cell, field: str, message: str) -> None:
        """Note a problem at a cell."""
        self.problems.append(self.problem(cell, field, message))

    def cell(self, row: Row, field: str) -> Cell:
        """Give the cell of a field, an empty one where there is no such column."""
        column = self.columns.fields.get(field)
        return Cell(row[0].at) if column is None else row[column]

    def value(self, row: Row, field: str) -> str:
        """Give the text of a field, or what was given for all rows; a word of the review in its own spelling."""
        cell = self.cell(row, field)
        complaint = cell.complaint or text_damage(cell.text, KINDS.get(field, "text"))
        if field == "reported" and cell.text and not cell.complaint:
            return self.percent(cell)
        if complaint:
            self.say(cell, field, complaint)
            return ""
        text = cell.text or self.given.get(field, "")
        return self.words.get(field, {}).get(_spelling(text), text)

    def place(self, row: Row, field: str) -> Cell | None:
        """Give where a value came from: its cell, or None when it was given for all rows."""
        cell = self.cell(row, field)
        return None if not cell.text and field in self.given else cell

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
        elif cell.text and cell.text.lower() not in NOTHING:
            try:
                return WHOLE.validate_python(cell.text)
            except ValidationError as error:
                self.say(cell, field, str(error.errors()[0]["ctx"]["error"]))
        return None

    def totals(self, rows: Sequence[Row], studies: Collection[str]) -> set[int]:
        """Find rows that are a total of others, by name or by their numbers, and say so; give their indexes."""
        names = [self.cell(row, "study").text or self.cell(row, "author").text for row in rows]
        allowed = set(map(comparable, studies))
        for name in studies:
            if comparable(name) not in map(comparable, names):
                self.problems.append(Problem("--study", 0, "", f"No row is called {quote(name)}."))
        named = {i for i, name in enumerate(names) if names_a_total(name) and comparable(name) not in allowed}
        for i in named:
            hint = f" If it is a study nevertheless: --study {quote(names[i])}." if id_of(names[i]) else ""
            message = f"{quote(names[i])} is the name of a total, which would count patients twice. Delete the row."
            self.say(self.name_cell(rows[i]), "study", message + hint)
        found: dict[int, str] = {}
        for numbers, summands in self.sums(rows, names, named):
            for i, parts in summands.items():
                if comparable(names[i]) not in allowed:
                    first, last = (rows[parts[k]][0].at for k in (0, -1))
                    said = f"the sum of the {len(parts)} rows from {first} to {last}"
                    found.setdefault(
                        i, f"{' of '.join(map(str, numbers[i]))} is {said}, which would count patients twice."
                    )
        for i, said in found.items():
            hint = f" If it is a study nevertheless: --study {quote(names[i])}." if names[i] else ""
            who = f"{quote(names[i])}: " if names[i] else ""
            self.say(self.name_cell(rows[i]), "study", f"{who}{said} Delete the row.{hint}")
        return named | set(found)

    def sums(self, rows: Sequence[Row], names: Sequence[str], named: Collection[int]):
        """Give the counts of each outcome and window, of all arms and of each, and the rows that add up others."""
        owners = [
            id_of(label_of_row(*(self.cell(row, key).text for key in ("study", "author", "year")))) or name
            for row, name in zip(rows, names, strict=True)
        ]
        keys = [tuple(self.cell(row, key).text for key in ("outcome", "window", "arm")) for row in rows]
        groups = {key[:size] for key in keys for size in (1, 2, 3)}
        for pair in self.columns.counts.values():
            counts = [_count_of(row[pair[0]], row[pair[1]]) for row in rows]
            for group in sorted(groups):
                own = [count if key[: len(group)] == group else None for count, key in zip(counts, keys, strict=True)]
                if found := find_sums(own, owners, named):
                    yield own, found

    def name_cell(self, row: Row) -> Cell:
        """Give the cell that names the study of a row."""
        return self.cell(row, "study" if "study" in self.columns.fields else "author")

    def read(self, row: Row) -> None:
        """Read one row."""
        study = self.study(row)
        if study is None:
            return
        arm = self.value(row, "arm") or "all"
        self.places[study].setdefault(("arms", arm), self.cell(row, "arm"))
        self.sheets[study]["arms"].setdefault(arm, {})
        for key in self.of_arms:
            self.put(study, ("arms", arm, key), row, key)
        shared = {key: self.value(row, key) for key in ("window", "reported", *PLAIN) if key not in self.of_arms}
        for outcome, columns in self.columns.counts.items():
            events, patients = (row[column] for column in columns)
            if outcome is not None and not events.text and not events.complaint:
                continue  # a table with a column an outcome leaves it empty where a study does not report it
            values = shared | {"arm": arm} | ({"outcome": outcome} if outcome else {})
            self.add(study, values, row, events, patients)

    def put(self, study: str, path: Path_, row: Row, field: str, text: str | None = None) -> None:
        """Put what a row says of its study or arm; rows of one study that contradict each other are told."""
        text = self.value(row, field) if text is None else text
        here: Any = self.sheets[study]
        for step in path[:-1]:
            here = here[step]
        before = here.get(path[-1], "")
        if not text or text == before:
            return
        if before and not isinstance(before, Todo):
            other = self.places[study][path]
            where = other.at if other else "--set"
            message = f"{quote(text)} here, {quote(before)} in {where}. Rows of one study or arm say the same."
            self.say(self.cell(row, field), field, message)
            return
        here[path[-1]] = text
        self.places[study][path] = self.place(row, field)

    def add(self, study: str, values: dict[str, str], row: Row, events_cell: Cell, patients_cell: Cell) -> None:
        """Add one count of one arm to a draft."""
        events, patients = self.count(events_cell, "events"), self.count(patients_cell, "patients")
        key = (study, *(values.get(name) for name in ("arm", "outcome", "window", "definition")))
        if key in self.seen:
            other = "".join(told_apart(self.sheets[study]["label"], 1, [*self.labels, f"{study}a"])) or "another name"
            message = (
                f"The same study, arm and outcome as {self.seen[key]}. If it is another study, call it {other}; "
                "if not, add a column `arm`, `outcome` or `window`."
            )
            self.say(events_cell, "events", message)
            return
        self.seen[key] = events_cell.at
        printed = values.pop("reported", "")
        if printed and None not in (events, patients):
            values["reported"] = printed
        elif printed:  # a percentage without counts cannot be checked, and no count is made of it
            values["note"] = f"{values.get('note', '')} The table prints {printed}.".strip()
        for name, count in (("events", events), ("patients", patients)):
            values[name] = NOT_REPORTED if count is None else str(count)
        rows = self.sheets[study]["outcomes"]
        at = ("outcomes", len(rows))
        rows.append(self.with_todos(values))
        self.places[study][at] = self.places[study][*at, "events"] = events_cell
        self.places[study][*at, "patients"] = patients_cell
        self.places[study] |= {(*at, name): self.place(row, name) for name in ("window", "reported", "arm", *PLAIN)}

    def with_todos(self, values: dict[str, str]) -> dict[str, str]:
        """Give a row of `outcomes` in the order of its fields, with marks where the table is silent."""
        fields = self.help_of["outcomes"]
        row = {name: values.get(name) or (todo(field) if field.required else None) for name, field in fields.items()}
        return {name: value for name, value in row.items() if value is not None}

    def study(self, row: Row) -> str | None:
        """Find or begin the sheet of a row; give its id."""
        before = len(self.problems)
        study, author, year = (self.value(row, key) for key in ("study", "author", "year"))
        label, place = label_of_row(study, author, year), self.name_cell(row)
        name, said = id_of(label), YEAR.search(author)
        if said and not study and YEAR.search(year) and not year.startswith(said[1]):
            self.say(
                place, "author", f"{quote(author)} says another year than the column beside it ({year}). Correct one."
            )
        if name is None and len(self.problems) > before:
            return None  # what is wrong with its name was told
        if name is None:
            what = f"{quote(label)} does not give an author and a year" if label else "The row names no study"
            letters = "" if label.isascii() else ", in Latin letters"
            way = f"Write it so{letters}: Smith 2025. A row that is no study: delete it."
            if sum(field_of(cell.text) is not None for cell in row) > 1:
                what, way = "Headings stand here again", "One table a file: put the second one into a file of its own."
            self.say(place, "study", f"{what}. {way}")
            return None
        labels = self.labels.setdefault(name, {})
        alike = next((other for other in labels if comparable(other) == comparable(label)), label)
        labels.setdefault(alike, place)
        if next(iter(labels)) != alike:
            return None  # told when all names are known
        if name not in self.sheets:
            self.begin(name, label)
        self.say_of_study(name, row, author_of(author), year)
        return name

    def tell_apart(self) -> None:
        """Say which labels would share an id, and which names they can take."""
        taken = {*self.labels}
        for name, labels in self.labels.items():
            if len(labels) == 1:
                continue
            (first, _), *others = labels.items()
            free = told_apart(first, len(labels), taken)
            taken |= {id_of(label) for label in free}
            ways = ", ".join(free) if len(free) == len(labels) else "give each a name of its own"
            for label, place in others:
                message = f"{quote(label)} and {quote(first)} would both be {name}. Tell them apart: {ways}."
                self.say(place, "study", f"{message} If they are one study, write one name.")

    def begin(self, name: str, label: str) -> None:
        """Begin a draft with marks for all that it needs."""
        fields = self.help_of["study"]
        keys = ("report", "design", "ascertainment")
        draft: dict[str, Any] = {"id": name, "label": label, "citation": {}, **{key: todo(fields[key]) for key in keys}}
        first = self.given.get("first") or todo(fields["first_extraction"])
        self.sheets[name] = draft | {"arms": {}, "outcomes": [], "extraction": {"first": first}}
        self.places[name] = {("extraction", "first"): None, ("label",): self.labels[name][label]}

    def say_of_study(self, name: str, row: Row, authors: str, year: str) -> None:
        """Put what a row says of its study: the citation, and how it was done."""
        self.put(name, ("citation", "authors"), row, "author", authors)
        found = YEAR.search(year)
        self.put(name, ("citation", "year"), row, "year", found[1] if found else year)
        for key in STUDY:
            text = self.value(row, key)
            if key == "centres" and text:
                count = self.count(Cell(self.cell(row, key).at, text), key)
                text = "" if count is None else str(count)
            self.put(name, ("citation", key) if key in CITATION else (key,), row, key, text)


def _spelling(text: str) -> str:
    """Give a word without capitals, and with a space for a hyphen inside it: Nested-case control."""
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", comparable(text))


def _spellings(words: Iterable[str]) -> dict[str, str]:
    """Give spelling → word, where one word only is spelt so."""
    found = Counter(map(_spelling, words))
    return {_spelling(word): word for word in words if found[_spelling(word)] == 1}


def _count_of(events: Cell, patients: Cell) -> Count | None:
    """Give a count that is beyond doubt."""
    texts = [cell.text for cell in (events, patients)]
    return (int(texts[0]), int(texts[1])) if all(re.fullmatch("[0-9]{1,9}", text) for text in texts) else None


def todo(field: Any) -> Todo:
    """Mark a field as missing: an empty value, and behind it what belongs there."""
    return Todo(help_text(field))
