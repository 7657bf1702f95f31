"""What results/methods.md is written from: the choices of the config, the tables, the versions of the software."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..tables.declared import Row
from ..tables.pools import limits_of


@dataclass(frozen=True)
class Evidence:
    """What the page is written from.

    Parameters
    ----------
    choices : mapping
        ``config.yaml`` as plain data, and ``variables``: what analyses can be split by → label and levels.
    tables : mapping
        Name → typed rows, those of all analyses joined. A table that was not built is missing.
    software : mapping
        Package → version, ``python`` among them.
    left_out : sequence of str
        Tables that are there and were written by another version of the engine.
    """

    choices: Mapping
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    software: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()

    def table(self, name: str, **values: str) -> list[Row]:
        """Give the rows of a table that have these values; none when there is no such table."""
        return [row for row in self.tables.get(name, ()) if all(row[key] == value for key, value in values.items())]

    @property
    def pooled(self) -> list[Row]:
        """Give the counts that enter the overall pools, one row an analysis and count."""
        return self.table("rows", subset="all", use="yes")

    @property
    def primary(self) -> list[Row]:
        """Give the headline estimate of each analysis."""
        return self.table("estimates", subset="all", model=self.choices["models"]["primary"])

    @property
    def models(self) -> list[str]:
        """Name the models over all studies, the primary one first."""
        models = self.choices["models"]
        return list(dict.fromkeys([models["primary"], *models["sensitivity"]]))


def without_events(rows: Iterable[Row]) -> list[str]:
    """Name the studies whose pooled rows have no event at all, whatever limits leave possible."""
    events: Counter = Counter()
    for row in rows:
        events[row["study"]] += limits_of(row)[1]
    return [study for study, total in events.items() if total == 0]
