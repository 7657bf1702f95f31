"""Names that changed and nothing else: an analysis or a level that is gone, beside a new one with the same numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..words.prose import labelled
from .estimates import differ
from .snapshot import Cells, Row, Snapshot


@dataclass(frozen=True)
class Renames:
    """What is called otherwise: analysis before → now; (variable, level before) → level now."""

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
    pairs: dict[tuple[str, ...], tuple[str, ...]] = {}
    for gone, rows in old.items():
        for twin, others in new.items():
            if gone in new or twin in old or twin in pairs.values() or rows.keys() != others.keys():
                continue
            if not any(differ(row, others[at]) for at, row in rows.items()):
                pairs[gone] = twin
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
    new["analysis"] = renames.analyses.get(row["analysis"], row["analysis"])
    for variable, cell in ((row["subset"], "group"), (row["by"], "first"), (row["by"], "second")):
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
    read |= {f"{new}/rows": before.table(f"{old}/rows") for old, new in renames.analyses.items()}
    return replace(before, _read=before._read | read)
