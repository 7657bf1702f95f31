"""Names that changed and nothing else: an analysis or a level that is gone, beside a new one with the same numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..words.prose import labelled
from .estimates import NUMBERS, differ
from .snapshot import Cells, Row, Snapshot


@dataclass(frozen=True)
class Renames:
    """What is called otherwise.

    Parameters
    ----------
    analyses : mapping
        Name before → name now.
    levels : mapping
        (Variable, level before) → level now.
    """

    analyses: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.analyses or self.levels)


def find_renames(before: Snapshot, after: Snapshot) -> Renames:
    """Find the analyses, then the levels, that have other names and the same numbers."""
    old, new = (snapshot.table("estimates") for snapshot in (before, after))
    analyses = {a: b for (a,), (b,) in pair_names(old, new, ("analysis",), ("subset", "group", "model")).items()}
    old = [rename(row, Renames(analyses)) for row in old]
    levels = pair_names(old, new, ("subset", "group"), ("analysis", "model"))
    return Renames(analyses, {a: b[1] for a, b in levels.items() if a[0] == b[0]})


def pair_names(
    before: Sequence[Row], after: Sequence[Row], name: Sequence[str], rest: Sequence[str]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Pair names of which one is gone and one is new, where every row below them has the same numbers."""
    old, new = (_below(rows, name, rest) for rows in (before, after))
    gone, come = ([key for key in one if key not in other] for one, other in ((old, new), (new, old)))
    pairs: dict[tuple[str, ...], tuple[str, ...]] = {}
    for key in gone:
        for twin in come:
            same = old[key].keys() == new[twin].keys() and twin not in pairs.values()
            if same and not any(differ(row, new[twin][at], NUMBERS) for at, row in old[key].items()):
                pairs[key] = twin
                break
    return pairs


def _below(rows: Sequence[Row], name: Sequence[str], rest: Sequence[str]) -> dict[tuple, dict[tuple, Row]]:
    found: dict[tuple, dict[tuple, Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[k] for k in name), {})[tuple(row[k] for k in rest)] = row
    return found


def rename(row: Row, renames: Renames) -> Row:
    """Give a row of any table with the names of now."""
    new = Cells(row)
    if row["analysis"] in renames.analyses:
        new["analysis"] = renames.analyses[row["analysis"]]
    for variable, cells in ((row["subset"], ("group",)), (row["by"], ("first", "second"))):
        for cell in cells:
            if (variable, row[cell]) in renames.levels:
                new[cell] = renames.levels[variable, row[cell]]
    levels = {old: now for (variable, old), now in renames.levels.items() if variable == row["subset"]}
    new["status"] = labelled(row["status"], levels)  # remarks on a test name groups
    return new


def with_names_of_now(before: Snapshot, renames: Renames) -> Snapshot:
    """Give an earlier review as if it had been called then what it is called now."""
    if not renames:
        return before
    read = {name: [rename(row, renames) for row in before.table(name)] for name in ("estimates", "contrasts")}
    for row in read["estimates"]:
        read[f"{row['analysis']}/rows"] = before.table(f"{row['analysis']}/rows")
    for old, new in renames.analyses.items():
        read[f"{new}/rows"] = before.table(f"{old}/rows")
    return replace(before, _read=before._read | read)
