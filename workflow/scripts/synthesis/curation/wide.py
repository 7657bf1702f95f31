"""Tables that people already have, one row a study or an arm, as drafts of sheets: what is missing is marked."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..protocol.config import Protocol
from ..protocol.scalars import whole_number
from ..review.totals import Count, find_sums, names_a_total, say
from ..sheets.limits import Beside, Limits, fitting, named, read_events
from ..tables.located import Path_
from ..tables.problems import Problem, quote, refuse
from ..words.characters import comparable
from ..words.levels import NOT_REPORTED
from ..words.prose import agree
from .damage import text_damage
from .draft_checks import check_drafts
from .fields import KINDS, tabs
from .grids import Cell, reading_order
from .naming import YEAR, author_of, id_of, label_of_row, told_apart
from .new import ID
from .table_file import Table, field_of
from .wide_columns import ENDS, PLAIN, STUDY, Columns, recognise
from .writing import Todo

NOTHING = ("na", "nr", "n/a", "-", "–", ".", NOT_REPORTED)
CITATION = ("title", "journal", "year", "doi", "pmid")
HALF = "One limit of two is empty. Write both, or neither."
TWICE = "which would count patients twice."
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
    """Make one draft of a sheet for each study of a table, which messages call ``file``.

    Parameters
    ----------
    given : mapping, optional
        Field → what it is in every row that does not say: the outcome of a table about one outcome, for instance.
    columns : mapping, optional
        Field → heading of its column, where the heading does not say so; see :func:`~.wide_columns.recognise`.
    studies : collection of str, optional
        Names of rows that look like a total of others and are studies nevertheless.

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
    refuse(problems)
    reader = _Reader(file, found, dict(given or {}), table.decimal_comma, protocol)
    totals = reader.totals(table.rows, studies)
    for i, row in enumerate(table.rows):
        if i not in totals:
            reader.read(row)
    reader.tell_apart()
    for name, draft in reader.drafts.items():
        # "Smith 2019" names an author, by whom the report can be looked up: without one no pool takes it.
        citation = draft.data["citation"]
        draft.data["citation"] = {"authors": author_of(draft.data["label"]), **citation}
        draft.data["citation"].setdefault("year", ID.fullmatch(name)[2])
    sheets, places = ({name: getattr(d, key) for name, d in reader.drafts.items()} for key in ("data", "places"))
    refused = check_drafts(sheets, protocol, places, reader.problem)
    refuse([*table.problems, *reader.problems, *refused])
    return Drafts(sheets, (*found.unread, *table.unread))


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


@dataclass
class _Draft:
    """The nested texts of one study, and where each value came from (None: given for all rows)."""

    data: dict[str, Any]
    places: dict[Path_, Cell | None] = field(default_factory=dict)


class _Reader:
    """Reads rows one after the other into drafts, and gathers what is wrong."""

    def __init__(self, file: str, columns: Columns, given: dict[str, str], decimal_comma: bool, protocol: Protocol):
        self.file, self.columns, self.given, self.decimal_comma = file, columns, given, decimal_comma
        self.fields = {tab.key: tab.by_name for tab in tabs(protocol)}
        fields = self.fields["outcomes"] | self.fields["study"] | self.fields["arms"]
        self.words = {name: _spellings(field.words) for name, field in fields.items() if field.words}
        self.of_arms = ("product", *protocol.attributes)
        self.drafts: dict[str, _Draft] = {}
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

    def name_cell(self, row: Row) -> Cell:
        """Give the cell that names the study of a row."""
        return self.cell(row, "study" if "study" in self.columns.fields else "author")

    def value(self, row: Row, field: str) -> str:
        """Give the text of a field, or what was given for all rows; a word of the review in its own spelling."""
        cell = self.cell(row, field)
        if field == "reported" and cell.text and not cell.complaint:
            return self.percent(cell)
        if complaint := cell.complaint or text_damage(cell.text, KINDS.get(field, "text")):
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
        if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text):
            return f"{text}%"
        self.say(cell, "reported", text_damage(cell.text, "percent") or f"{quote(cell.text)} is not a percentage.")
        return ""

    def count(self, cell: Cell, field: str, patients: str = "") -> int | Limits | None:
        """Read a count, of events within limits perhaps; None where there is none, or where it is told as a problem."""
        if complaint := cell.complaint or text_damage(cell.text, KINDS.get(field, "count")):
            self.say(cell, field, complaint)
        elif _says(cell):
            try:
                return read_events(Beside(cell.text, patients)) if field == "events" else whole_number(cell.text)
            except ValueError as error:
                self.say(cell, field, str(error))
        return None

    def events(self, row: Row, events: Cell) -> Cell:
        """Give the events of a row, where they have limits in two columns as a sheet writes those."""
        low, high = (self.cell(row, name) for name in ENDS)
        if not (set(ENDS) <= set(self.columns.fields) and (_says(low) or _says(high))):
            return events
        for cell in (low, high):
            if wrong := cell.complaint or text_damage(cell.text, KINDS["events"]) or ("" if _says(cell) else HALF):
                return Cell(cell.at, "", wrong)
        text = low.text if low.text == high.text else f"{low.text} to {high.text}"
        if events is not low and _says(events) and events.text != text:
            return Cell(events.at, "", f"{quote(events.text)} here, {text} in {' and '.join(ENDS)}. Correct one.")
        return Cell(low.at, text)

    def totals(self, rows: Sequence[Row], studies: Collection[str]) -> set[int]:
        """Find rows that are a total of others, by name or by their numbers, and say so; give their indexes."""
        names = [self.cell(row, "study").text or self.cell(row, "author").text for row in rows]
        allowed, known = set(map(comparable, studies)), set(map(comparable, names))
        absent = [name for name in studies if comparable(name) not in known]
        self.problems += [Problem("--study", 0, "", f"No row is called {quote(name)}.") for name in absent]
        refused = {i for i, name in enumerate(names) if comparable(name) not in allowed}
        hints = [f" If it is a study nevertheless: --study {quote(name)}." if name else "" for name in names]
        named = {i for i in refused if names_a_total(names[i])}
        for i in named:
            message = f"{quote(names[i])} is the name of a total, {TWICE} Delete the row."
            self.say(self.name_cell(rows[i]), "study", message + (hints[i] if id_of(names[i]) else ""))
        found: dict[int, str] = {}
        for counts, sums in self.sums(rows, names, named):
            for i, parts in sums.items():
                said = f"{say(counts[i])} is the sum of the {len(parts)} rows from"
                found.setdefault(i, f"{said} {rows[parts[0]][0].at} to {rows[parts[-1]][0].at}, {TWICE}")
        for i in refused & set(found):
            who = f"{quote(names[i])}: " if names[i] else ""
            self.say(self.name_cell(rows[i]), "study", f"{who}{found[i]} Delete the row.{hints[i]}")
        return named | refused & set(found)

    def sums(
        self, rows: Sequence[Row], names: Sequence[str], named: Collection[int]
    ) -> Iterator[tuple[list[Count | None], dict[int, list[int]]]]:
        """Give the counts of each outcome and window, of all arms and of each, and the rows that add up others."""
        labels = [label_of_row(*(self.cell(row, key).text for key in ("study", "author", "year"))) for row in rows]
        owners = [id_of(label) or name for label, name in zip(labels, names, strict=True)]
        keys = [tuple(self.cell(row, key).text for key in ("outcome", "window", "arm")) for row in rows]
        groups = sorted({key[:size] for key in keys for size in (1, 2, 3)})
        for events, patients in self.columns.counts.values():
            counts = [_count_of(self.events(row, row[events]), row[patients]) for row in rows]
            for group in groups:
                own = [count if key[: len(group)] == group else None for count, key in zip(counts, keys, strict=True)]
                if found := find_sums(own, owners, named):
                    yield own, found

    def read(self, row: Row) -> None:
        """Read one row."""
        draft = self.study(row)
        if draft is None:
            return
        arm = self.value(row, "arm") or "all"
        draft.places.setdefault(("arms", arm), self.cell(row, "arm"))
        draft.data["arms"].setdefault(arm, {})
        for key in self.of_arms:
            self.put(draft, ("arms", arm, key), row, key, self.value(row, key))
        shared = {key: self.value(row, key) for key in ("window", "reported", *PLAIN) if key not in self.of_arms}
        for outcome, columns in self.columns.counts.items():
            events, patients = (row[column] for column in columns)
            events = events if outcome else self.events(row, events)
            if outcome is None or events.text or events.complaint:
                values = shared | {"arm": arm} | ({"outcome": outcome} if outcome else {})
                self.add(draft, values, row, events, patients)
            # A table with a column an outcome leaves it empty where a study does not report it.

    def put(self, draft: _Draft, path: Path_, row: Row, field: str, text: str) -> None:
        """Put what a row says of its study or arm; rows of one study that contradict each other are told."""
        here: Any = draft.data
        for step in path[:-1]:
            here = here[step]
        before = here.get(path[-1], "")
        if not text or text == before:
            return
        if before and not isinstance(before, Todo):
            other = draft.places[path]
            message = f"{quote(text)} here, {quote(before)} in {other.at if other else '--set'}."
            self.say(self.cell(row, field), field, f"{message} Rows of one study or arm say the same.")
        else:
            here[path[-1]] = text
            draft.places[path] = self.place(row, field)

    def add(self, draft: _Draft, values: dict[str, str], row: Row, events_cell: Cell, patients_cell: Cell) -> None:
        """Add one count of one arm to a draft."""
        events, patients = self.count(events_cell, "events", patients_cell.text), self.count(patients_cell, "patients")
        counts = {"events": events, "patients": patients}
        study = draft.data["id"]
        key = (study, *(values.get(name) for name in ("arm", "outcome", "window", "definition")))
        if key in self.seen:
            other = "".join(told_apart(draft.data["label"], 1, [*self.labels, f"{study}a"])) or "another name"
            message = (
                f"The same study, arm and outcome as {self.seen[key]}. If it is another study, call it {other}; "
                "if not, add a column `arm`, `outcome` or `window`."
            )
            self.say(events_cell, "events", message)
            return
        self.seen[key] = events_cell.at
        printed = values.pop("reported", "")
        if printed and None not in counts.values():
            values["reported"] = printed
        elif printed:  # a percentage without counts cannot be checked, and no count is made of it
            fit = fitting(printed, patients) if patients else ()
            said = f", which {named(fit)} of {patients} {agree(len(fit), 'fits', 'fit')}" if fit else ""
            values["note"] = f"{values.get('note', '')} The table prints {printed}{said}.".strip()
        values |= {name: NOT_REPORTED if count is None else str(count) for name, count in counts.items()}
        rows = draft.data["outcomes"]
        at = ("outcomes", len(rows))
        fields = self.fields["outcomes"].items()
        said = {name: values.get(name) or Todo(one.help) for name, one in fields if values.get(name) or one.required}
        rows.append(said)
        draft.places[at] = draft.places[*at, "events"] = events_cell
        draft.places[*at, "patients"] = patients_cell
        draft.places |= {(*at, name): self.place(row, name) for name in ("window", "reported", "arm", *PLAIN)}

    def study(self, row: Row) -> _Draft | None:
        """Find or begin the draft of a row."""
        before = len(self.problems)
        study, author, year = (self.value(row, key) for key in ("study", "author", "year"))
        label, place = label_of_row(study, author, year), self.name_cell(row)
        name, said = id_of(label), YEAR.search(author)
        if said and not study and YEAR.search(year) and not year.startswith(said[1]):
            message = f"{quote(author)} says another year than the column beside it ({year}). Correct one."
            self.say(place, "author", message)
        if name is None:
            if len(self.problems) == before:  # else what is wrong with its name was told
                self.say(place, "study", _why_no_study(label, row))
            return None
        labels = self.labels.setdefault(name, {})
        alike = next((other for other in labels if comparable(other) == comparable(label)), label)
        labels.setdefault(alike, place)
        if next(iter(labels)) != alike:
            return None  # told when all names are known
        if name not in self.drafts:
            self.begin(name, label, place)
        draft = self.drafts[name]
        self.put(draft, ("citation", "authors"), row, "author", author_of(author))
        found = YEAR.search(year)
        self.put(draft, ("citation", "year"), row, "year", found[1] if found else year)
        for key in STUDY:
            text = self.value(row, key)
            if key == "centres" and text:
                count = self.count(Cell(self.cell(row, key).at, text), key)
                text = "" if count is None else str(count)
            self.put(draft, ("citation", key) if key in CITATION else (key,), row, key, text)
        return draft

    def begin(self, name: str, label: str, place: Cell) -> None:
        """Begin a draft with marks for all that it needs."""
        fields = self.fields["study"]
        unsaid = {key: Todo(fields[key].help) for key in ("report", "design", "ascertainment")}
        first = self.given.get("first") or Todo(fields["first_extraction"].help)
        data = {"id": name, "label": label, "citation": {}, **unsaid, "arms": {}, "outcomes": []}
        places = {("extraction", "first"): None, ("label",): place}
        self.drafts[name] = _Draft(data | {"extraction": {"first": first}}, places)

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


def _says(cell: Cell) -> bool:
    """Say whether a cell of a count is filled."""
    return bool(cell.complaint or cell.text) and cell.text.lower() not in NOTHING


def _why_no_study(label: str, row: Row) -> str:
    """Say what is wrong with a row that names no study."""
    if sum(field_of(cell.text) is not None for cell in row) > 1:
        return "Headings stand here again. One table a file: put the second one into a file of its own."
    what = f"{quote(label)} does not give an author and a year" if label else "The row names no study"
    letters = "" if label.isascii() else ", in Latin letters"
    return f"{what}. Write it so{letters}: Smith 2025. A row that is no study: delete it."


def _spelling(text: str) -> str:
    """Give a word without capitals, and with a space for a hyphen inside it: Nested-case control."""
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", comparable(text))


def _spellings(words: Iterable[str]) -> dict[str, str]:
    """Give spelling → word, where one word only is spelt so."""
    found = Counter(map(_spelling, words))
    return {_spelling(word): word for word in words if found[_spelling(word)] == 1}


def _count_of(events: Cell, patients: Cell) -> Count | None:
    """Give a count that is beyond doubt."""
    found = re.fullmatch(r"([0-9]{1,9})(?: to ([0-9]{1,9}))?", events.text)
    if not found or not re.fullmatch("[0-9]{1,9}", patients.text):
        return None
    return int(found[1]), int(found[2] or found[1]), int(patients.text)
