"""Which column of somebody's table holds what: the names that spreadsheets, R's meta and metafor, and people use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..protocol.config import Protocol
from ..tables.problems import one_of
from ..words.characters import comparable
from .damage import clean

EVENTS = ("events", "event", "xi", "cases", "r", "x", "n_events", "number_of_events", "events_n", "numerator")
PATIENTS = ("patients", "ni", "total", "n", "n_total", "total_n", "sample_size", "size", "denominator", "denom")
PATIENTS += ("subjects", "participants", "number_of_patients", "number_of_subjects", "number_of_participants")
ALIASES = {
    "study": ("study", "studlab", "slab", "trial", "studyid", "study_id", "author_year", "reference"),
    "author": ("author", "authors", "first_author", "author_name"),
    "year": ("year", "publication_year", "year_published", "year_of_publication", "pubyear"),
    "events": EVENTS,
    "patients": PATIENTS,
    "window": ("window", "days", "window_days", "followup_days", "follow_up_days"),
    "reported": ("reported", "percent", "percentage", "pct"),
    "arm": ("arm", "group", "cohort_arm"),
}
PLAIN = ("outcome", "product", "definition", "window_text", "basis", "confidence", "source", "url", "note")
STUDY = ("title", "journal", "doi", "pmid", "country", "centres", "report", "design", "ascertainment")
PAIRS = (("n", "N"), ("num", "denom"))  # events of patients, where they stand together: num alone numbers the rows
TWO_GROUPS = {"ai", "bi", "ci", "di", "n1i", "n2i", "event_e", "n_e", "event_c", "n_c"}


@dataclass(frozen=True)
class Columns:
    """What was recognised.

    Parameters
    ----------
    fields : dict
        Field → index of its column.
    counts : dict
        Outcome → indexes of its events and of its patients; ``None`` for an outcome that a column names.
    unread : tuple of str
        Headings that say nothing here.
    problems : tuple of str
    """

    fields: dict[str, int]
    counts: dict[str | None, tuple[int, int]]
    unread: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def normal(heading: str) -> str:
    """Give a heading in small letters and underscores.

    >>> normal("\\ufeffN (total)"), normal("event.e"), normal("%")
    ('n_total', 'event_e', 'percent')
    """
    return re.sub(r"[^a-z0-9]+", "_", clean(heading).lower().replace("%", " percent ")).strip("_")


def recognise(header: Sequence[str], protocol: Protocol, given: Mapping[str, str] = {}) -> Columns:
    """Find what the columns of a table hold.

    Parameters
    ----------
    header : sequence of str
        The first row as printed.
    protocol : Protocol
        Its outcomes and attributes are headings too.
    given : mapping, optional
        Field, or outcome, or outcome and `_n` for its patients → the heading that holds it, whatever it is called.

    Returns
    -------
    Columns
    """
    raw = [clean(text) for text in header]
    chosen = {comparable(heading): field for field, heading in given.items()}
    names = [chosen.get(comparable(text)) or _paired(text, raw) or normal(text) for text in raw]
    if len(TWO_GROUPS & set(names)) >= 2:
        message = "This table compares two groups. Write one row for each group, with a column `arm`."
        return Columns({}, {}, (), (message,))
    known = {alias: field for field, aliases in ALIASES.items() for alias in aliases}
    known |= {name: name for name in (*PLAIN, *STUDY, *protocol.attributes)}
    fields: dict[str, int] = {}
    events: dict[str | None, int] = {}
    patients: dict[str | None, int] = {}
    unread, problems = [], []
    absent = [text for text in given.values() if comparable(text) not in map(comparable, raw)]
    problems += [f"No column is called so: {one_of(text, raw)}" for text in absent]
    if len(chosen) < len(given):
        problems.append("One column cannot hold two things. Name another in --columns.")
    for i in sorted(range(len(names)), key=lambda i: comparable(raw[i]) not in chosen):  # what was said goes first
        name = names[i]
        outcome, which = _of_outcome(name, protocol)
        target, key = (
            ({"events": events, "patients": patients}[which], outcome) if outcome else (fields, known.get(name))
        )
        if key is None or (key in target and comparable(raw[target[key]]) in chosen):
            unread.append(raw[i])
        elif key in target:
            problems.append(
                f"The columns {raw[target[key]]} and {raw[i]} both hold {outcome or key}. Keep or rename one."
            )
        else:
            target[key] = i
    counts, missing = _pair(fields, events, patients)
    if None not in counts and "reported" in fields:  # one percentage cannot belong to several outcomes
        unread.append(raw[fields.pop("reported")])
    used = {column for pair in counts.values() for column in pair}
    unread += [
        raw[i] for i in (*patients.values(), *(fields[f] for f in ("patients",) if f in fields)) if i not in used
    ]
    if missing and unread and not problems:
        missing.append(
            f"Not understood: {', '.join(unread)}. Say which is which: --columns events=HEADING patients=HEADING."
        )
    return Columns(fields, counts, tuple(unread), tuple(problems + missing))


def _paired(text: str, raw: Sequence[str]) -> str | None:
    """Read `n` beside `N` as authors of trials do: events of patients; and `id`, where nothing else names the study."""
    names = {normal(other) for other in raw}
    for events, patients in PAIRS:
        if {events, patients} <= set(raw) and not set(EVENTS) & names and text in (events, patients):
            return "events" if text == events else "patients"
    return "study" if normal(text) == "id" and not names & {*ALIASES["study"], *ALIASES["author"]} else None


def _of_outcome(name: str, protocol: Protocol) -> tuple[str | None, str]:
    """Find the outcome that a heading names: `rash`, `rash_events`, `xi_rash`, `rash_n` …"""
    by_label = {normal(term.label): outcome for outcome, term in protocol.outcomes.items()} | {
        normal(outcome): outcome for outcome in protocol.outcomes
    }
    if name in by_label:
        return by_label[name], "events"
    for which, aliases in (("events", EVENTS), ("patients", PATIENTS)):
        for alias in aliases:
            for outcome in (name.removesuffix(f"_{alias}"), name.removeprefix(f"{alias}_")):
                if outcome != name and outcome in by_label:
                    return by_label[outcome], which
    return None, "events"


def _pair(
    fields: dict[str, int], events: dict[str | None, int], patients: dict[str | None, int]
) -> tuple[dict[str | None, tuple[int, int]], list[str]]:
    """Give each column of events its column of patients, and say what has none."""
    problems = []
    if "study" not in fields and not {"author", "year"} <= set(fields):
        problems.append("No column names the study. Call one `study` (Smith 2025), or two `author` and `year`.")
    shared = fields.get("patients")
    counts: dict[str | None, tuple[int, int]] = {}
    if "events" in fields:
        events = {None: fields["events"], **events}
    for outcome, column in events.items():
        whole = patients.get(outcome, shared)
        if whole is None:
            problems.append(
                f"No column holds the patients of {outcome or 'the events'}. Call one n, total or patients."
            )
        else:
            counts[outcome] = (column, whole)
    if not events:
        problems.append(
            "No column holds events. Call one events, cases or xi, or name it after an outcome of the config."
        )
    return counts, problems
