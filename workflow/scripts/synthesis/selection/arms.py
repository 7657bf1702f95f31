"""The rows of an analysis, for the stages that pool them."""

from collections.abc import Iterable, Mapping

import numpy as np

from ..models.counts import within
from ..tables.declared import Row, read
from ..tables.pools import limits_of


def used_rows(rows_csv: str) -> list[Row]:
    """Read the rows an analysis pools, over all studies and split."""
    return [row for row in read(rows_csv, "rows") if row["use"] == "yes"]


def counts_of(rows: Iterable[Mapping]) -> list:
    """Give events, patients and study of rows, as :func:`synthesis.models.catalogue.pool` takes them."""
    rows = list(rows)
    low, high = np.array([limits_of(row) for row in rows], int).reshape(-1, 2).T
    return [within(low, high), *([row[name] for row in rows] for name in ("patients", "study"))]


def add_arms(rows: Iterable[Mapping]) -> list[dict]:
    """Add up the arms of each study: a row a study, by name, with counts, ``patients`` and how many ``arms``.

    ``events`` is None where the limits of the sum, ``events_from`` and ``events_to``, differ.
    """
    studies: dict[str, dict] = {}
    for row in rows:
        (low, high), start = limits_of(row), {"events_from": 0, "events_to": 0, "patients": 0, "arms": 0}
        one = studies.setdefault(row["study"], {**row, **start})
        low, high, size = one["events_from"] + low, one["events_to"] + high, one["patients"] + row["patients"]
        one |= {"events_from": low, "events_to": high, "patients": size, "arms": one["arms"] + 1}
        one["events"] = low if low == high else None
    return [studies[name] for name in sorted(studies)]


def window_days(text: str) -> int | None:
    """Give the window of a row in days; None when it has none, or a length of 0, and so no person-time."""
    return int(text) if text.isdigit() and int(text) > 0 else None
