"""Which column of somebody's table holds what: the names that spreadsheets, R's meta and metafor, and people use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..protocol.config import Protocol
from ..tables.problems import one_of
from ..words.characters import comparable
from .damage import clean
from .fields import SAID

ALIASES = {name: tuple(row["aliases"].split()) for name, row in SAID.items() if row["aliases"]}
PLAIN, STUDY = (tuple(name for name, row in SAID.items() if row["table"] == what) for what in ("row", "study"))
PAIRS = (("n", "N"), ("num", "denom"))  # events of patients, where they stand together: num alone numbers the rows
ENDS = ("events_from", "events_to")  # the limits of a count, in two columns
TWO_GROUPS = {"ai", "bi", "ci", "di", "n1i", "n2i", "event_e", "n_e", "event_c", "n_c"}

Role = tuple[str, str | None]  # what a column holds: a field; or events or patients, and of which outcome


@dataclass(frozen=True)
class Columns:
    """What was recognised.

    Indexes of columns by field, and of events and patients by outcome (``None``: a column names it); headings that say
    nothing here; and what is wrong.
    """

    fields: dict[str, int]
    counts: dict[str | None, tuple[int, int]]
    unread: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def normal(heading: str) -> str:
    """Give a heading in small letters of any script, and underscores.

    >>> normal("\\ufeffN (total)"), normal("event.e"), normal("%"), normal("Пол, %")
    ('n_total', 'event_e', 'percent', 'пол_percent')
    """
    return re.sub(r"[\W_]+", "_", clean(heading).lower().replace("%", " percent ")).strip("_")


def recognise(header: Sequence[str], protocol: Protocol, given: Mapping[str, str] = {}) -> Columns:
    """Find what the columns of a table hold; outcomes and attributes of the config are headings too.

    ``given`` says it of headings that do not: a field, an outcome, or an outcome and `_n` for its patients → heading.
    """
    raw = [clean(text) for text in header]
    chosen = {comparable(heading): field for field, heading in given.items()}
    names = [chosen.get(comparable(text)) or _paired(text, raw) or normal(text) for text in raw]
    if len(TWO_GROUPS & set(names)) >= 2:
        message = "This table compares two groups. Write one row for each group, with a column `arm`."
        return Columns({}, {}, (), (message,))
    roles, found, unread = _roles(protocol), {}, []
    absent = [text for text in given.values() if comparable(text) not in map(comparable, raw)]
    problems = [f"No column is called so: {one_of(text, raw)}" for text in absent]
    if len(chosen) < len(given):
        problems.append("One column cannot hold two things. Name another in --columns.")
    for i in sorted(range(len(names)), key=lambda i: comparable(raw[i]) not in chosen):  # what was said goes first
        role = roles.get(names[i])
        other = raw[found[role]] if role in found else ""
        if role is None or (other and comparable(other) in chosen):
            unread.append(raw[i])
        elif other:
            problems.append(f"The columns {other} and {raw[i]} both hold {role[1] or role[0]}. Keep or rename one.")
        else:
            found[role] = i
    counts, missing = _pair(found)
    if None not in counts:  # one percentage, one pair of limits cannot belong to several outcomes
        unread += [raw[found.pop((name, None))] for name in ("reported", *ENDS) if (name, None) in found]
    used = {column for pair in counts.values() for column in pair}
    patients = sorted((role for role in found if role[0] == "patients"), key=lambda role: role[1] is None)
    unread += [raw[found[role]] for role in patients if found[role] not in used]
    if missing and unread and not problems:
        way = "Say which is which: --columns events=HEADING patients=HEADING."
        missing.append(f"Not understood: {', '.join(unread)}. {way}")
    fields = {field: i for (field, outcome), i in found.items() if outcome is None}
    return Columns(fields, counts, tuple(unread), tuple(problems + missing))


def _paired(text: str, raw: Sequence[str]) -> str | None:
    """Read `n` beside `N` as authors of trials do: events of patients; and `id`, where nothing else names the study."""
    names = {normal(other) for other in raw}
    for events, patients in PAIRS:
        if {events, patients} <= set(raw) and not set(ALIASES["events"]) & names and text in (events, patients):
            return "events" if text == events else "patients"
    return "study" if normal(text) == "id" and not names & {*ALIASES["study"], *ALIASES["author"]} else None


def _roles(protocol: Protocol) -> dict[str, Role]:
    """Give heading → what its column holds; outcomes (`rash`, `rash_events`, `xi_rash`, `rash_n` …) go first."""
    outcomes = {normal(term.label): outcome for outcome, term in protocol.outcomes.items()}
    outcomes |= {normal(outcome): outcome for outcome in protocol.outcomes}
    roles: dict[str, Role] = {name: ("events", outcome) for name, outcome in outcomes.items()}
    for which in ("events", "patients"):
        for alias in ALIASES[which]:
            for form in (f"{{}}_{alias}", f"{alias}_{{}}"):
                roles = {form.format(name): (which, outcome) for name, outcome in outcomes.items()} | roles
    fields = {alias: (field, None) for field, aliases in ALIASES.items() for alias in aliases}
    return fields | {name: (name, None) for name in (*PLAIN, *STUDY, *protocol.attributes)} | roles


def _pair(found: Mapping[Role, int]) -> tuple[dict[str | None, tuple[int, int]], list[str]]:
    """Give each column of events its column of patients, and say what has none."""
    problems = []
    if ("study", None) not in found and not {("author", None), ("year", None)} <= set(found):
        problems.append("No column names the study. Call one `study` (Smith 2025), or two `author` and `year`.")
    counts: dict[str | None, tuple[int, int]] = {}
    limits = [found[name, None] for name in ENDS if (name, None) in found]
    if len(limits) == 1:
        problems.append(f"Limits of a count stand in two columns: {' and '.join(ENDS)}. Add the other, or rename it.")
    elif limits and not any(role[0] == "events" for role in found):
        found = {**found, ("events", None): limits[0]}
    events = sorted((role for role in found if role[0] == "events"), key=lambda role: role[1] is not None)
    for _, outcome in events:
        whole = found.get(("patients", outcome), found.get(("patients", None)))
        if whole is None:
            what = outcome or "the events"
            problems.append(f"No column holds the patients of {what}. Call one n, total or patients.")
        else:
            counts[outcome] = (found["events", outcome], whole)
    if not events:
        way = "Call one events, cases or xi, or name it after an outcome of the config."
        problems.append(f"No column holds events. {way}")
    return counts, problems
