"""A part is never more than its whole: among arms, outcomes, windows and 2×2 tables of one sheet.

Two counts are compared where the patients of one are among those of the other (by `comprises` or `part_of`), and who
has the one event has the other too (the same outcome and definition, or an outcome inside the other; the same window,
or a longer one). Then both hold: the events of the part are among those of the whole, and so are those without. A row
need not cover its whole arm; who is missing in it may be a patient of the part, and is allowed for. A count known only
within limits contradicts another where every number within them does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import inf

from ..protocol.config import Protocol
from ..tables.problems import field_name, quote
from ..words.characters import comparable
from .limits import Limits, ends, limits_or_count
from .sheet import Sheet

EVENTS, WITHOUT = 0, 1
ENDS = ("least", "most")
HINT = "Check both, or say in `definition` how they differ."


@dataclass(frozen=True)
class Count:
    """Events of patients of an arm, wherever a sheet says so."""

    at: tuple  # its place in the sheet
    arm: str
    outcome: str
    definition: str | None  # as compared; None where the sheet does not say (2×2 tables)
    days: float | None  # infinite for a window that is open or unstated, None where the sheet does not say
    least: tuple[int, int]  # patients with it and without it: the fewest the count leaves possible
    most: tuple[int, int]  # the most

    @classmethod
    def of(cls, at: tuple, arm: str, outcome: str, definition: str | None, days: float | None, *counts) -> "Count":
        """Give a count from its place, what it is of, and its ``counts``: events (or their limits) and patients."""
        (low, high), patients = ends(counts[0]), counts[1]
        return cls(at, arm, outcome, definition, days, (low, patients - high), (high, patients - low))

    @property
    def patients(self) -> int:
        return self.least[EVENTS] + self.most[WITHOUT]

    @property
    def events(self) -> int | Limits:
        return limits_or_count(self.least[EVENTS], self.most[EVENTS])

    @property
    def without(self) -> int | Limits:
        return limits_or_count(self.least[WITHOUT], self.most[WITHOUT])

    @property
    def name(self) -> str:
        return field_name(self.at)


class Whole:
    """The counts of one sheet, and which of them hold which others."""

    def __init__(self, sheet: Sheet, protocol: Protocol):
        self.sheet, self.rows = sheet, list(_rows(sheet))
        self.holders = {name: {name, *sheet.ancestors(name)} for name in sheet.arms}
        self.sizes: dict[str, int] = {}
        self.groups: dict[tuple[str, str], dict[int, list[Count]]] = {}  # arm and outcome → patients → rows
        self.exact: dict[tuple, Count] = {}
        for row in self.rows:
            self.sizes[row.arm] = max(self.sizes.get(row.arm, 0), row.patients)
            self.groups.setdefault((row.arm, row.outcome), {}).setdefault(row.patients, []).append(row)
            self.exact.setdefault((row.arm, row.outcome, row.definition, row.days), row)
        self.sizes |= {name: arm.patients for name, arm in sheet.arms.items() if arm.patients is not None}
        self.wider = {name: wider_outcomes(name, protocol) for name in protocol.outcomes}
        self.narrower = {name: {n for n, wide in self.wider.items() if name in wide} for name in protocol.outcomes}

    def missing(self, part: Count, whole: Count) -> int:
        """Give how many patients of a part the row of the whole may not cover."""
        if (part.arm, part.patients) == (whole.arm, whole.patients):
            return 0  # the same patients
        return min(part.patients, max(0, self.sizes[whole.arm] - whole.patients))

    def related(self, part: Count, outcomes: Iterable[str], others: bool = False) -> Iterator[Count]:
        """Give the rows whose arm holds that of a part and that report one of some outcomes.

        With ``others``, those of the very same patients are left out.
        """
        for arm in self.holders.get(part.arm, ()):
            for outcome in outcomes:
                for patients, rows in self.groups.get((arm, outcome), {}).items():
                    if not (others and (arm, patients) == (part.arm, part.patients)):
                        yield from rows

    def against(self, part: Count, key: int) -> Iterator[tuple[Count, str]]:
        """Give the rows that a part of theirs contradicts, each with the message.

        By ``EVENTS``, they have fewer than the part; by ``WITHOUT``, so many that the patients of the part without them
        do not fit in. Of the same patients, the second is the first, the other way round. The
        cheapest question comes first: a sheet may have thousands of rows.
        """
        fewer, mine = key == EVENTS, part.least[key]
        beside = (self.wider if fewer else self.narrower).get(part.outcome, ())
        for whole in self.related(part, (part.outcome, *sorted(beside)), others=not fewer):
            short, long = (part, whole) if fewer else (whole, part)
            if mine > whole.most[key] and _within(short.days, long.days) and _alike(part, whole):
                extra = self.missing(part, whole)
                if mine > whole.most[key] + extra:
                    yield whole, (_more_events if fewer else _more_without)(part, whole, extra)

    def parts(self, whole: Count, arm: str) -> list[Count]:
        """Give rows like one of the whole for the arms that make it up, each patient in one of them at most."""
        found = []
        for part in dict.fromkeys(self.sheet.arms[arm].comprises if arm in self.sheet.arms else ()):
            row = self.exact.get((part, whole.outcome, whole.definition, whole.days))
            found += [row] if row else self.parts(whole, part)
        return found


def check_nesting(sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Give place and message of each count that is more than one that holds it, and of parts that do not add up."""
    if any(name in sheet.ancestors(name) for name in sheet.arms):
        return  # arms in a circle hold each other; that is told elsewhere
    counts = Whole(sheet, protocol)
    told: set[frozenset] = set()
    for key, row in product((EVENTS, WITHOUT), counts.rows):
        found = ((frozenset((row.at, whole.at)), message) for whole, message in counts.against(row, key))
        pair, message = next((new for new in found if new[0] not in told), (None, ""))  # one is enough to look at
        if pair:
            told.add(pair)
            yield (*row.at, "events"), message
    named = {at for pair in told for at in pair}
    for row in counts.rows:
        parts = counts.parts(row, row.arm)
        if len(parts) > 1 and not named & {row.at, *(part.at for part in parts)}:
            yield from _check_sum(counts, row, parts)


def _check_sum(counts: Whole, whole: Count, parts: list[Count]) -> Iterator[tuple]:
    least, most = ([sum(getattr(part, end)[key] for part in parts) for key in (EVENTS, WITHOUT)] for end in ENDS)
    patients = least[EVENTS] + most[WITHOUT]
    complete = patients == whole.patients
    extra = 0 if complete else max(0, counts.sizes[whole.arm] - whole.patients)
    more = least[EVENTS] > whole.most[EVENTS] + extra
    if more or least[WITHOUT] > whole.most[WITHOUT] + extra:
        sums = " + ".join(str(part.events) for part in parts)
        sums += f" = {limits_or_count(least[EVENTS], most[EVENTS])}"
        names = ", ".join(part.name for part in parts)
        if complete:
            said = f"{whole.events} is not {sums}, the events of its parts ({names})."
        else:
            kind = "more" if more else "too few"
            said = f"{sums} of {patients} in its parts ({names}) are {kind} for {whole.events} of "
            said += f"{whole.patients} in the whole."
        yield (*whole.at, "events"), f"{said} Check all, or say in `definition` how they differ."


def check_tables(sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Give place and message of each 2×2 table that does not fit its arm, or contradicts every row of its outcome."""
    circle = any(name in sheet.ancestors(name) for name in sheet.arms)
    counts = Whole(sheet, protocol)
    for i, table in enumerate(sheet.comparisons):
        at = ("comparisons", i)
        sides = {"exposed": table.exposed, "unexposed": table.unexposed}
        for side, cells in sides.items():
            if cells.events > cells.patients:
                message = f"{cells.events} is more than patients ({cells.patients}). Check the source."
                yield (*at, side, "events"), message
            elif cells.patients == 0:
                yield (*at, side, "patients"), "0 patients is no denominator. Write the number, or take the table out."
        if any(cells.events > cells.patients for cells in sides.values()):
            continue  # the sums below would only say the same again
        days = None if table.window is None else float(table.window)
        events, patients = (sum(getattr(cells, key) for cells in sides.values()) for key in ("events", "patients"))
        total = Count.of(at, table.arm, table.outcome, None, days, events, patients)
        size = sheet.arms[table.arm].patients if table.arm in sheet.arms else None
        if size is not None and patients > size:
            message = f"{patients} patients (exposed + unexposed) are more than the arm's {size}. Check the source."
            yield at, message
        elif not circle:
            yield from _check_total(counts, total)


def _check_total(counts: Whole, total: Count) -> Iterator[tuple]:
    """Compare a table with the rows of its outcome.

    One definition that agrees is enough, since a table has none; and one window, where the table has none.
    """
    same = counts.groups.get((total.arm, total.outcome), {}).get(total.patients, [])
    alike: dict[tuple, list[Count]] = {}
    for row in same:
        alike.setdefault((row.definition, row.days if total.days is None else None), []).append(row)
    wrong = [[row for row in _nearest(rows, total.days) if not _agrees(total, row)] for rows in alike.values()]
    if same and all(wrong):
        least = wrong[0][0]
        said = f"{total.events} events (exposed + unexposed) differ from the outcome's {least.events}. Check both."
        yield total.at, said
    elif not same:
        against = [*counts.against(total, EVENTS), *counts.against(total, WITHOUT)]
        held = {whole.at for whole, _ in against}
        other = [one for one in against if one[0].outcome != total.outcome]
        rows = list(counts.related(total, (total.outcome,)))
        if other or (rows and all(row.at in held for row in rows)):
            yield total.at, f"Exposed and unexposed together: {(other or against)[0][1]}"


def wider_outcomes(outcome: str, protocol: Protocol) -> set[str]:
    """Give every outcome that holds this one."""
    wider: set[str] = set()
    term = protocol.outcomes.get(outcome)
    while term and term.parent and term.parent not in wider:
        wider.add(term.parent)
        term = protocol.outcomes.get(term.parent)
    return wider


def _rows(sheet: Sheet) -> Iterator[Count]:
    for i, row in enumerate(sheet.outcomes):
        if row.events is not None and row.patients and row.limits[1] <= row.patients:  # else that is told already
            days, words = inf if row.days is None else float(row.days), comparable(row.definition)
            yield Count.of(("outcomes", i), row.arm, row.outcome, words, days, row.events, row.patients)


def _alike(one: Count, other: Count) -> bool:
    """Say whether two counts of one outcome mean the same; what counts as another outcome is for the config to say."""
    return one.outcome != other.outcome or other.definition in (one.definition, None) or one.definition is None


def _within(short: float | None, long: float | None) -> bool:
    return None in (short, long) or short <= long


def _agrees(total: Count, row: Count) -> bool:
    """Say whether a table and a row of the same patients can both be true: a longer window has no fewer events."""
    enough, few = total.events >= row.least[EVENTS], total.events <= row.most[EVENTS]
    if total.days in (None, row.days):
        return enough and few
    return enough if total.days > row.days else few


def _nearest(rows: list[Count], days: float | None) -> list[Count]:
    """Give the rows of a table's own window, else the next shorter and the next longer one."""
    if own := [row for row in rows if days in (None, row.days)]:
        return own
    around = sorted(rows, key=lambda row: row.days)
    return [row for row in around if row.days < days][-1:] + [row for row in around if row.days > days][:1]


def _window(count: Count) -> str:
    return "a window without a stated end" if count.days in (None, inf) else f"{count.days:.0f} days"


def _allowed(extra: int) -> str:
    return f", and {extra} more patients than it covers" if extra else ""


def _more_events(part: Count, whole: Count, extra: int) -> str:
    """Say that a part has more events than its whole."""
    if part.arm != whole.arm:
        what, held = ("", "") if part.outcome == whole.outcome else (f" {part.outcome}", f" {whole.outcome}")
        said = f"{part.events}{what} in {quote(part.arm)} are more than the {whole.events}{held} in {quote(whole.arm)} "
        return f"{said}({whole.name}), which holds these patients{_allowed(extra)}. {HINT}"
    if part.outcome != whole.outcome:
        said = f"{part.events} {part.outcome} are more than the {whole.events} {whole.outcome} of {whole.name}, "
        return f"{said}which holds them{_allowed(extra)}. Check both."
    said = f"{part.events} in {_window(part)} are more than {whole.events} in {_window(whole)} ({whole.name})"
    return f"{said}{_allowed(extra)}. Check both."


def _more_without(part: Count, whole: Count, extra: int) -> str:
    """Say that a part has more patients without the event than its whole."""
    return (
        f"{part.without} of {part.patients} without {part.outcome} in {quote(part.arm)} are more than {whole.without} "
        f"of {whole.patients} without {whole.outcome} in {quote(whole.arm)} ({whole.name}){_allowed(extra)}. {HINT}"
    )
