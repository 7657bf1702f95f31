"""The rows of an analysis, for the stages that pool them."""

from collections.abc import Iterable, Mapping

from ..tables.declared import Row, read


def used_rows(rows_csv: str) -> list[Row]:
    """Read the rows an analysis pools, over all studies and split."""
    return [row for row in read(rows_csv, "rows") if row["use"] == "yes"]


def counts_of(rows: Iterable[Mapping]) -> list[list]:
    """Give events, patients and study of rows, as :func:`synthesis.models.catalogue.pool` takes them."""
    return [[row[name] for row in rows] for name in ("events", "patients", "study")]


def add_arms(rows: Iterable[Mapping]) -> list[dict]:
    """Add up the arms of each study: a row a study, by name, with ``events``, ``patients`` and how many ``arms``."""
    studies: dict[str, dict] = {}
    for row in rows:
        one = studies.setdefault(row["study"], {**row, "events": 0, "patients": 0, "arms": 0})
        one |= {"events": one["events"] + row["events"], "patients": one["patients"] + row["patients"]}
        one["arms"] += 1
    return [studies[name] for name in sorted(studies)]


def window_days(text: str) -> int | None:
    """Give the window of a row in days; None when not stated, and for one of no length, which has no person-time."""
    return int(text) if text.isdigit() and int(text) > 0 else None
