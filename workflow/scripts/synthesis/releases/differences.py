"""What differs in the data: sheets that came and went, and numbers that were corrected."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .snapshot import OWN, Row, Snapshot

NOTHING = "–"


@dataclass(frozen=True)
class Spec:
    """How the rows of a table are told apart, and which cells are shown when they differ."""

    table: str  # below results/data/
    noun: str
    names: str  # columns that name a row, the strictest first: a row whose definition was reworded is the same row
    shown: str  # columns; a difference in any other one is a change of words and is counted

    @property
    def keys(self) -> list[list[str]]:
        """Give the columns that name a row, in one way after the other."""
        return [key.split() for key in self.names.split("|")]

    @property
    def cells(self) -> list[tuple[tuple[str, ...], str]]:
        """Give the columns that are shown, those that are read as one together, and their name."""
        shown = self.shown.split()
        pairs = {cell: pair for pair in PAIRS for cell in pair if {*pair} <= {*shown}}
        groups = dict.fromkeys(pairs.get(cell, (cell,)) for cell in shown)
        return [(group, PAIRS.get(group, group[0]).replace("_", " ")) for group in groups]


SPECS = (
    Spec(
        *("outcomes", "count"),
        "study outcome arm window definition | study outcome arm window | study outcome arm",
        "events patients window window_words basis confidence second_reading exclude sensitivity_only",
    ),
    Spec(
        *("comparisons", "2×2 table"),
        "study exposure outcome arm window | study exposure outcome arm",
        "exposed_events exposed_patients unexposed_events unexposed_patients basis exclude sensitivity_only",
    ),
    Spec("arms", "arm", "study arm", "patients product comprises part_of"),
    Spec(
        *("studies", "study", "study"),
        "label year report design ascertainment country enrolled_from enrolled_to cohort doi pmid second_extraction",
    ),
    Spec("characteristics", "characteristic", "study arm group name", "events patients value unit"),
    Spec("risk_of_bias", "judgement", "study tool item", "judgement"),
)
PAIRS = {  # two cells that are read as one
    ("events", "patients"): "count",
    ("exposed_events", "exposed_patients"): "exposed",
    ("unexposed_events", "unexposed_patients"): "unexposed",
}


@dataclass(frozen=True)
class Correction:
    """One cell of a sheet before and after; ``what`` names the row: outcome and arm, exposure, characteristic."""

    study: str
    what: str
    cell: str
    before: str
    after: str


@dataclass(frozen=True)
class Differences:
    """What differs in the data of two snapshots."""

    new: list[str]  # studies
    gone: list[str]
    corrections: list[Correction]  # in sheets that both have
    reworded: dict[str, int]  # study → rows in which only words differ: notes, sources, definitions
    choices: list[tuple[str, str, str]]  # key of the config, before, after
    unread: list[str]  # studies whose earlier sheets this engine cannot read, so that nothing is said of them

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.corrections or self.reworded or self.choices)


def find_differences(before: Snapshot, after: Snapshot) -> Differences:
    """Find what differs in the data and in the config of two snapshots."""
    old, new = (snapshot.studies() for snapshot in (before, after))
    before.table("data/studies")
    unread = [study for study in before.unread if study in new]
    compared = {*old} & {*new} - {*unread}
    corrections: list[Correction] = []
    reworded: Counter[str] = Counter()
    for spec in SPECS:
        tables = [[r for r in s.table(f"data/{spec.table}") if r["study"] in compared] for s in (before, after)]
        for one, other in pair_rows(*tables, spec.keys):
            found = correct(spec, one, other)
            corrections += found
            # A new column of the engine is no correction.
            if not found and one and other and any(one[key] != other[key] for key in one.keys() & other.keys()):
                reworded[one["study"]] += 1
    was, now = before.choices(), after.choices()
    return Differences(
        [study for study in new if study not in old],
        [study for study in old if study not in new],
        sorted(corrections, key=lambda c: c.study),
        dict(sorted(reworded.items())),
        [
            (key, was.get(key, NOTHING), now.get(key, NOTHING))
            for key in was | now
            if was and now and key not in OWN and was.get(key, NOTHING) != now.get(key, NOTHING)
        ],
        unread,
    )


def pair_rows(
    before: Sequence[Row], after: Sequence[Row], keys: Sequence[Sequence[str]]
) -> list[tuple[Row | None, Row | None]]:
    """Pair the rows of two tables by the strictest key that finds each other; None where a row has no partner.

    >>> pair_rows([{"a": "1", "b": "x"}], [{"a": "1", "b": "y"}, {"a": "2", "b": "x"}], [("a", "b"), ("a",)])
    [({'a': '1', 'b': 'x'}, {'a': '1', 'b': 'y'}), (None, {'a': '2', 'b': 'x'})]
    """
    pairs: list[tuple[Row | None, Row | None]] = []
    left, right = list(before), list(after)
    for key in keys:
        waiting: dict[tuple, list[Row]] = {}
        for row in left:
            waiting.setdefault(tuple(row[column] for column in key), []).append(row)
        unpaired = []
        for row in right:
            if partners := waiting.get(tuple(row[column] for column in key)):
                pairs.append((partners.pop(0), row))
            else:
                unpaired.append(row)
        left, right = [row for rows in waiting.values() for row in rows], unpaired
    return [*pairs, *((row, None) for row in left), *((None, row) for row in right)]


def correct(spec: Spec, before: Row | None, after: Row | None) -> list[Correction]:
    """Give the cells that differ between two forms of a row; a row that came or went is one correction."""
    row = after or before
    what = " / ".join(row[key] for key in spec.keys[-1] if key != "study" and row[key] not in ("", "all"))
    if before is None or after is None:
        words = [first_cells(spec, side) if side else NOTHING for side in (before, after)]
        return [Correction(row["study"], what, f"{spec.noun} {'added' if after else 'removed'}", *words)]
    found = []
    for cells, name in spec.cells:
        if all(cell in before and cell in after for cell in cells):
            old, new = ("/".join(side[cell] or NOTHING for cell in cells) for side in (before, after))
            found += [Correction(row["study"], what, name, old, new)] if old != new else []
    return found


def first_cells(spec: Spec, row: Row) -> str:
    """Give what stands for a row that came or went: its counts, else the first cell that says something."""
    pairs = [cells for cells, _ in spec.cells if cells in PAIRS]
    if any(row[cell] for pair in pairs for cell in pair):
        return " and ".join("/".join(row[cell] or NOTHING for cell in pair) for pair in pairs)
    return next((row[cell] for cells, _ in spec.cells for cell in cells if row[cell] not in ("", "all")), NOTHING)
