"""The typed extraction sheet: one study, every number with its source.

The models say what a sheet may hold; :mod:`synthesis.sheets.checks` says what must be true of it. The JSON Schema that
editors use is generated from here.
"""

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from ..protocol.scalars import LONGEST_WINDOW, WHOLE_SCHEMA, Name, Part, Text, Whole, whole_number
from ..tables.located import Located, check_model, spelled
from ..tables.problems import as_typed
from ..words.characters import bare_doi, comparable
from ..words.levels import NOT_REPORTED, OPEN, UNSTATED
from .limits import Beside, Limits, ends, read_events

Report = Literal["article", "abstract", "label", "review-table", "registry", "systematic review", "manufacturer"]
Basis = Literal["stated", "derived", "reconstructed"]
Confidence = Literal["high", "medium", "low"]
Reading = Literal["agree", "disagree"]
STATES = f"`{OPEN}` (followed without a fixed end), or `{UNSTATED}` (the report says nothing of it)"
SHORT = 24  # letters of the words that figures print of a window
ArmParts = tuple[str, Collection[str], str | None]  # an arm: its name, what it comprises, what it is part of


def _count(value: Any) -> Any:
    return None if value is None or str(value).strip() == NOT_REPORTED else whole_number(value)


def _days(value: Any, states: str = f"`{UNSTATED}`") -> Any:
    if value is None or str(value).strip() == UNSTATED:
        return None
    try:
        days = whole_number(value)
    except ValueError:
        raise ValueError(
            f'"{value}" is not a number of days. Write whole days from treatment (3 months = 90), or {states}.'
        ) from None
    if days > LONGEST_WINDOW:
        raise ValueError(f'"{value}" days are more than a hundred years. Is it a slip of the pen? Look it up.')
    return days


def _window(value: Any) -> Any:
    return OPEN if str(value).strip() == OPEN else _days(value, STATES)


def _year(value: Any) -> Any:
    text = as_typed(value).strip()
    if not re.fullmatch("(19|20)[0-9]{2}|2100", text):
        raise ValueError(f'"{text}" is not a year. Write the year of the issue, four digits from 1900 to 2100.')
    return int(text)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


def _doi(value: Any) -> Any:
    """Refuse what surrounds a DOI: a link made of it would be dead, and the same report could be entered twice."""
    bare = bare_doi(value) if isinstance(value, str) else value
    if bare != value and re.match(r"10\.[0-9]{4,9}/\S", bare):
        raise ValueError(f'"{value}" is more than the DOI. Write the bare one: "{bare}".')
    return value


_COUNT_SCHEMA = {"anyOf": [WHOLE_SCHEMA, {"const": NOT_REPORTED}]}
_EVENTS_SCHEMA = {
    "anyOf": [
        WHOLE_SCHEMA,
        {"const": NOT_REPORTED},
        {
            "type": "string",
            "pattern": "^[0-9]+ to [0-9]+$",
            "description": "Known only within limits",
            "examples": ["16 to 17"],
        },
    ]
}
_DAYS_SCHEMA = {"anyOf": [WHOLE_SCHEMA | {"maximum": LONGEST_WINDOW}, {"const": UNSTATED}]}
_WINDOW_SCHEMA = {"anyOf": [*_DAYS_SCHEMA["anyOf"], {"const": OPEN}]}

Count = Annotated[int | None, BeforeValidator(_count), WithJsonSchema(_COUNT_SCHEMA)]
Events = Annotated[
    int | Limits | None,
    BeforeValidator(read_events),
    PlainSerializer(lambda events: str(events) if isinstance(events, Limits) else events),  # as a sheet writes it
    WithJsonSchema(_EVENTS_SCHEMA),
]
Year = Annotated[int, BeforeValidator(_year), WithJsonSchema({"type": "integer", "minimum": 1900, "maximum": 2100})]
Days = Annotated[int | None, BeforeValidator(_days), WithJsonSchema(_DAYS_SCHEMA)]
Window = Annotated[int | Literal["open"] | None, BeforeValidator(_window), WithJsonSchema(_WINDOW_SCHEMA)]
Loose = Annotated[
    Text, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number"]})
]  # a volume may be 5 or "Supplement 1"
Identifier = Annotated[
    str, spelled(r"^[a-z]+[0-9]{4}[a-z]?$", "Write author and year in small letters: smith2025, or smith2025b.")
]
ArmName = Annotated[
    str,
    spelled(
        r"^[A-Za-z0-9][A-Za-z0-9 ./+-]*$", "Write letters without accents, digits, spaces and . / + -.", max_length=60
    ),
]
Date = Annotated[
    str,
    BeforeValidator(_text),
    spelled(
        r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$",
        "Write year, month and day as YYYY-MM-DD, or only YYYY-MM or YYYY.",
    ),
    WithJsonSchema({"type": ["string", "integer"], "description": "YYYY, YYYY-MM or YYYY-MM-DD"}),
]
Doi = Annotated[
    str,
    BeforeValidator(_doi),
    spelled(r"^10\.[0-9]{4,9}/[!-~]+$", "Write the bare DOI as printed, 10.…/…, without spaces or accents."),
]
Pmid = Annotated[
    str,
    BeforeValidator(_text),
    spelled(r"^[1-9][0-9]{0,8}$", "Write the PubMed number, digits only."),
    WithJsonSchema({"type": ["string", "integer"]}),
]
Url = Annotated[
    str, spelled(r"^https?://\S+$", "Write the whole address of the page, https://… or http://…, without spaces.")
]
Percent = Annotated[
    str,
    BeforeValidator(_text),
    spelled(
        r"^[0-9]{1,3}(\.[0-9]{1,4})? ?%$",
        "Write the percentage as printed, with a decimal point and its sign: 6.7%. A bound or range goes into "
        "`note`, and the counts that it leaves possible under `events`: 0 to 4.",
    ),
    WithJsonSchema({"type": "string"}),
]
UNIDENTIFIED = (
    "Nobody can look this report up: its sheet gives no DOI, PubMed number or author, and no title with its journal."
)
Reasons = dict[Name, Text | dict[ArmName, Text]]


class Citation(Part):
    """How to find the report. Leave out what was not readable; never guess."""

    authors: Text | None = Field(None, description="First author and et al., as printed.")
    title: Text | None = Field(None, description="Title as printed; left out when it was not readable.")
    journal: Text | None = Field(None, description="Journal in full.")
    year: Year | None = Field(None, description="Year of the issue.")
    volume: Loose | None = None
    issue: Loose | None = None
    pages: Loose | None = None
    doi: Doi | None = Field(None, description="Bare DOI, 10.…/…; unique across sheets.")
    pmid: Pmid | None = Field(None, description="PubMed number; unique across sheets.")
    url: Url | None = Field(None, description="The page that was read.")
    note: Text | None = Field(None, description="What is uncertain in this citation, or where it was completed.")

    @property
    def can_be_found(self) -> bool:
        """Say whether a reader can look the report up; an address alone may be gone, a title alone be a page's own."""
        return bool(self.doi or self.pmid or self.authors or (self.title and self.journal))


class Span(Part):
    """First and last enrolment, each a year, month or day; either may be missing."""

    from_: Date | None = Field(None, alias="from")
    to: Date | None = None


class Arm(BaseModel):
    """A group of patients. Beside these keys, every attribute named in the config is allowed."""

    model_config = ConfigDict(extra="allow", frozen=True)

    label: Text | None = Field(None, description="How figures call the arm; its name when left out.")
    product: Text | None = Field(None, description="A product of the config, or `mixed`; left out = not reported.")
    patients: Count = Field(None, description="Patients in the arm, or `not reported`.")
    comprises: tuple[ArmName, ...] = Field((), description="Arms that add up to exactly this one.")
    part_of: ArmName | None = Field(None, description="The arm this one is a subset of.")
    note: Text | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """Give the attributes, product among them, that are known of this arm."""
        extra = {k: str(v) for k, v in (self.__pydantic_extra__ or {}).items()}
        return ({"product": self.product} if self.product else {}) | extra


class Sourced(Part):
    """What every number carries: how it came about and where it stands."""

    basis: Basis = Field(description="stated: printed; derived: computed from print; reconstructed: from margins.")
    confidence: Confidence = Field(description="high: read literally; medium: derived or second-hand; low: doubtful.")
    source: Text = Field(description="Where it stands: abstract, table 2, p. 4467 …")
    url: Url | None = Field(None, description="The page that was read.")
    second_reading: Reading | None = Field(None, description="What a second reader found; left out = read once.")
    second_note: Text | None = None
    note: Text | None = Field(None, description="How it was derived; what is doubtful.")


class Outcome(Sourced):
    """One count: so many of so many patients of an arm had the outcome within a window."""

    outcome: Name = Field(description="An outcome of the config.")
    arm: ArmName
    events: Events = Field(
        description="Patients with the outcome; `16 to 17` where known only within limits; or `not reported`. "
        "Missing is never 0."
    )
    patients: Count = Field(description="Patients it was looked for in, or `not reported`.")
    window: Window = Field(
        description="Days from treatment; `open`: no fixed end, words tell; `unstated`: the report says nothing of it."
    )
    window_text: Text | None = Field(None, description="The window in the source's own terms.")
    window_words: Annotated[Text, Field(max_length=SHORT)] | None = Field(
        None, description=f"What figures print of it, at most {SHORT} letters: stay or 30 d. Left out: 90 d."
    )
    definition: Text = Field(description="What counted as the outcome.")
    reported: Percent | None = Field(None, description="The percentage as printed; checked against the counts.")

    @model_validator(mode="before")
    @classmethod
    def _beside(cls, row: Any) -> Any:
        """Let what is said of events that are spelt in another way name the patients beside them."""
        if isinstance(row, dict) and isinstance(row.get("events"), str):
            return row | {"events": Beside(row["events"], row.get("patients"))}
        return row

    @property
    def limits(self) -> tuple[int, int] | tuple[None, None]:
        """Give the least and the greatest number that the count can be; the same twice where it is exact."""
        return ends(self.events)

    @property
    def days(self) -> int | None:
        """Give the window where it is a number of days."""
        return None if self.window == OPEN else self.window

    @property
    def same_window(self) -> int | str | None:
        """Give what rows of one window have in common: the days, or the words of an open one."""
        return comparable(self.window_words or self.window_text or "") if self.window == OPEN else self.window


class Cells(Part):
    """One side of a 2×2 table."""

    events: Whole
    patients: Whole


class Comparison(Sourced):
    """One 2×2 table: an outcome among exposed and unexposed patients of an arm."""

    exposure: Text
    outcome: Name
    arm: ArmName
    window: Days = None
    exposed: Cells
    unexposed: Cells


class Characteristic(Part):
    """One fact about an arm: a count, or a value as printed."""

    arm: ArmName
    group: Text | None = Field(None, description="A subgroup of the arm that the fact is about.")
    name: Name
    events: Whole | None = None
    patients: Whole | None = None
    value: Loose | None = Field(None, description="As printed; text is allowed.")
    unit: Text | None = None
    confidence: Confidence | None = None
    source: Text
    url: Url | None = None
    note: Text | None = None


class Judgement(Part):
    """One item of a risk-of-bias tool."""

    judgement: Text
    support: Text = Field(description="What in the report supports the judgement.")


class RiskOfBias(Part):
    """Judgements with one tool of the config."""

    tool: Text
    items: dict[Name, Judgement]


class Extraction(Part):
    """When the sheet was read, and when a second reader compared it."""

    first: Date
    second: Date | None = None


class Sheet(Part):
    """One study."""

    id: Identifier = Field(description="Author and year: smith2025. The file has the same name.")
    label: Annotated[Text, Field(max_length=80)] = Field(description="How figures call the study.")
    citation: Citation
    report: Report = Field(description="What kind of report was read.")
    design: Text = Field(description="How the study was done; `designs` in the config adds words.")
    ascertainment: Text = Field(description="How events were found; a name from the config.")
    country: Text | None = None
    centres: Whole | None = None
    enrolled: Span | None = None
    cohort: Name | Text | None = Field(None, description="Sheets with one cohort never enter one pool together.")
    overlaps: Text | None = Field(None, description="Patients it may share with other sheets.")
    note: Text | None = None
    arms: dict[ArmName, Arm] = Field(min_length=1)
    outcomes: tuple[Outcome, ...]
    comparisons: tuple[Comparison, ...] = ()
    characteristics: tuple[Characteristic, ...] = ()
    risk_of_bias: RiskOfBias | None = None
    extraction: Extraction
    exclude: Reasons = Field({}, description="Outcome (or outcome and arm) that is never pooled → reason.")
    sensitivity_only: Reasons = Field({}, description="The same shape: pooled in sensitivity analyses only.")

    def reason(self, reasons: Reasons, outcome: str, arm: str) -> str | None:
        """Give the reason written for an outcome in an arm, if there is one."""
        entry = reasons.get(outcome)
        return entry.get(arm) if isinstance(entry, dict) else entry

    def held(self, outcome: str, arm: str) -> str | None:
        """Say why only sensitivity analyses may use an outcome in an arm: its own reason, and that of the report."""
        own = self.reason(self.sensitivity_only, outcome, arm)
        return " ".join(filter(None, (own, None if self.citation.can_be_found else UNIDENTIFIED))) or None

    def ancestors(self, arm: str) -> set[str]:
        """Give every arm that holds all patients of ``arm``."""
        return holders(arm, self.parts)

    @property
    def parts(self) -> list[ArmParts]:
        """Give the arms with what they comprise and are part of."""
        return [(name, arm.comprises, arm.part_of) for name, arm in self.arms.items()]


def holders(arm: str, arms: Sequence[ArmParts]) -> set[str]:
    """Give every arm of a study that holds all patients of one, by `comprises` and `part_of`."""
    found, queue = set(), [arm]
    while queue:
        child = queue.pop()
        parents = {name for name, parts, _ in arms if child in parts}
        parents |= {whole for name, _, whole in arms if name == child and whole}
        queue += parents - found
        found |= parents
    return found


HINTS = {
    "id": "Add `id:`, the file's name without .yaml.",
    "extraction": "Add `extraction: {first: YYYY-MM-DD}`.",
    "outcomes": "Add `outcomes:` with its rows, or `outcomes: []` when nothing countable was readable.",
    "events": f"Write the count, or `{NOT_REPORTED}`; missing is never 0.",
    "window": f"Write whole days from treatment, {STATES}.",
    "source": "Say where the number stands: abstract, table 2, p. 4467 …",
    "basis": "Write stated, derived or reconstructed.",
}
for side in ("exposed", "unexposed"):
    HINTS |= dict.fromkeys((f"{side}.events", f"{side}.patients"), "A 2×2 table has four counts: write it.")


def type_sheet(located: Located) -> Sheet:
    """Type a sheet; see :func:`synthesis.tables.located.check_model` for what it raises."""
    return check_model(Sheet, located, HINTS, filled=False)
