"""What differs in the data: sheets that came and went, and numbers that were corrected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .snapshot import OWN, Row, Snapshot

NOTHING = "–"


@dataclass(frozen=True)
class Spec:
    """How the rows of a table are told apart, and which cells are shown when they differ.

    Parameters
    ----------
    table : str
        Below ``results/data/``.
    keys : tuple of tuples of str
        Columns that name a row, the strictest first: a row whose definition was reworded is still the same row.
    cells : tuple of str
        Columns that are shown; a difference in any other one is a change of words and is counted.
    noun : str
    """

    table: str
    keys: tuple[tuple[str, ...], ...]
    cells: tuple[str, ...]
    noun: str


SPECS = (
    Spec(
        "outcomes",
        (
            ("study", "outcome", "arm", "window", "definition"),
            ("study", "outcome", "arm", "window"),
            ("study", "outcome", "arm"),
        ),
        ("events", "patients", "window", "basis", "confidence", "second_reading", "exclude", "sensitivity_only"),
        "count",
    ),
    Spec(
        "comparisons",
        (("study", "exposure", "outcome", "arm", "window"), ("study", "exposure", "outcome", "arm")),
        (
            *("exposed_events", "exposed_patients", "unexposed_events", "unexposed_patients", "basis"),
            *("exclude", "sensitivity_only"),
        ),
        "2×2 table",
    ),
    Spec("arms", (("study", "arm"),), ("patients", "product", "comprises", "part_of"), "arm"),
    Spec(
        "studies",
        (("study",),),
        (
            *("label", "year", "report", "design", "ascertainment", "country", "enrolled_from", "enrolled_to"),
            *("cohort", "doi", "pmid", "second_extraction"),
        ),
        "study",
    ),
    Spec(
        "characteristics",
        (("study", "arm", "group", "name"),),
        ("events", "patients", "value", "unit"),
        "characteristic",
    ),
    Spec("risk_of_bias", (("study", "tool", "item"),), ("judgement",), "judgement"),
)
PAIRS = {  # two cells that are read as one
    ("events", "patients"): "count",
    ("exposed_events", "exposed_patients"): "exposed",
    ("unexposed_events", "unexposed_patients"): "unexposed",
}


@dataclass(frozen=True)
class Correction:
    """One cell of a sheet before and after.

    Parameters
    ----------
    study : str
    what : str
        Which row: outcome and arm, exposure, characteristic.
    cell, before, after : str
    """

    study: str
    what: str
    cell: str
    before: str
    after: str


@dataclass(frozen=True)
class Differences:
    """What differs in the data of two snapshots.

    Parameters
    ----------
    new, gone : list of str
        Studies.
    corrections : list of Correction
        In sheets that both have.
    reworded : dict
        Study → rows in which only words differ: notes, sources, definitions.
    choices : list of (str, str, str)
        Key of the config, before, after.
    unread : list of str
        Studies whose sheets of the earlier version this engine cannot read, so that nothing is said of them.
    """

    new: list[str]
    gone: list[str]
    corrections: list[Correction]
    reworded: dict[str, int]
    choices: list[tuple[str, str, str]]
    unread: list[str]

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.corrections or self.reworded or self.choices)


def find_differences(before: Snapshot, after: Snapshot) -> Differences:
    """Find what differs in the data and in the config of two snapshots."""
    old, new = (snapshot.studies() for snapshot in (before, after))
    before.table("data/studies")
    unread = [study for study in before.unread if study in new]
    both = {*old} & {*new}
    corrections: list[Correction] = []
    reworded: dict[str, int] = {}
    for spec in SPECS:
        tables = [
            [r for r in s.table(f"data/{spec.table}") if r["study"] in both and r["study"] not in unread]
            for s in (before, after)
        ]
        for one, other in pair_rows(*tables, spec.keys):
            found = correct(spec, one, other)
            corrections += found
            if not found and one and other and differ(one, other):
                reworded[one["study"]] = reworded.get(one["study"], 0) + 1
    chosen = before.choices(), after.choices()
    keys = [key for key in dict.fromkeys([*chosen[0], *chosen[1]]) if key not in OWN]
    pairs = [(key, *(choice.get(key, NOTHING) for choice in chosen)) for key in keys]
    return Differences(
        [study for study in new if study not in both],
        [study for study in old if study not in both],
        sorted(corrections, key=lambda c: c.study),
        dict(sorted(reworded.items())),
        [pair for pair in pairs if pair[1] != pair[2]] if all(chosen) else [],
        unread,
    )


def differ(one: Row, other: Row) -> bool:
    """Say whether two rows differ in a column that both have: a new column of the engine is no correction."""
    return any(one[key] != other[key] for key in one.keys() & other.keys())


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
            waiting.setdefault(_key(row, key), []).append(row)
        unpaired = []
        for row in right:
            if partners := waiting.get(_key(row, key)):
                pairs.append((partners.pop(0), row))
            else:
                unpaired.append(row)
        left, right = [row for rows in waiting.values() for row in rows], unpaired
    return [*pairs, *((row, None) for row in left), *((None, row) for row in right)]


def _key(row: Row, key: Iterable[str]) -> tuple:
    return tuple(row.get(column, "") for column in key)


def correct(spec: Spec, before: Row | None, after: Row | None) -> list[Correction]:
    """Give the cells that differ between two forms of a row; a row that came or went is one correction."""
    row = after or before
    what = " / ".join(row[key] for key in spec.keys[-1] if key != "study" and row.get(key, "") not in ("", "all"))
    if before is None or after is None:
        words = [_words(spec, side) if side else NOTHING for side in (before, after)]
        return [Correction(row["study"], what, f"{spec.noun} {'added' if after else 'removed'}", *words)]
    found, done = [], set()
    for cell in spec.cells:
        if cell in done or cell not in before or cell not in after:
            continue
        pair = next((pair for pair in PAIRS if cell in pair and {*pair} <= {*spec.cells}), (cell,))
        done |= {*pair}
        old, new = ("/".join(side.get(part) or NOTHING for part in pair) for side in (before, after))
        if old != new:
            found.append(Correction(row["study"], what, PAIRS.get(pair, cell).replace("_", " "), old, new))
    return found


def _words(spec: Spec, row: Row) -> str:
    """Give the first cells of a row that came or went."""
    pairs = [pair for pair in PAIRS if pair[0] in spec.cells]
    if pairs and any(row[pair[0]] or row[pair[1]] for pair in pairs):
        return " and ".join("/".join(row[part] or NOTHING for part in pair) for pair in pairs)
    cells = [row[cell] for cell in spec.cells if row.get(cell) and row[cell] != "all"]
    return cells[0] if cells else NOTHING
