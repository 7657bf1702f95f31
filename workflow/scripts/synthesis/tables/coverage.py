"""What simulated reviews say of a pool: how often intervals like its own held the truth."""

from collections.abc import Iterable
from math import isclose, log
from pathlib import Path

from ..words.formatting import MISSING, format_percent, format_percent_range
from ..words.prose import plural
from ..words.terms import is_ok
from .declared import Row, is_of_this_engine, read
from .files import number
from .pools import is_pooled

TABLE = "operating_characteristics_summary"


def read_simulated(path: str | Path) -> list[Row]:
    """Read the summary of the simulations; empty where there is none, or another version of the engine wrote it."""
    return read(path, TABLE) if path and is_of_this_engine(TABLE, path) else []


def most_alike(simulated: Iterable[Row], pool: Row, level: float) -> Row:
    """Find what was simulated most like a pool, by its model and at its level; empty when there is nothing, or no pool.

    That is the number of studies nearest to it, the smaller of two, and then the incidence nearest on the logit scale;
    over all τ, of which a few studies tell too little to choose by it.

    >>> rows = [{"model": "m", "k": k, "incidence": p, "level": 95.0, "status": "ok"} for k in (3, 5) for p in (2, 20)]
    >>> found = most_alike(rows, {"model": "m", "studies": 4, "events": 7, "estimate": 0.08, "status": "ok"}, 0.95)
    >>> found["k"], found["incidence"]
    (3, 20)
    """
    mine = [row for row in simulated if row["k"] and is_ok(row["status"]) and isclose(row["level"], 100 * level)]
    mine = [row for row in mine if row["model"] == pool.get("model")]
    if not mine or not is_pooled(pool):
        return {}
    studies, share = (number(pool, name) for name in ("studies", "estimate"))
    return min(
        mine, key=lambda row: (abs(row["k"] - studies), row["k"], abs(_logit(row["incidence"] / 100) - _logit(share)))
    )


def coverage_words(row: Row) -> str:
    """Say how often the intervals held the truth, over the τ that were simulated; nothing of an empty row."""
    if not row:
        return ""
    tau = " to ".join(dict.fromkeys(f"{row[f'tau_{end}']:g}" for end in ("min", "max")))
    like = f"{plural(row['k'], 'study', 'studies')}, {row['incidence']:.3g}% in the median study, τ {tau}"
    level = f"{row['level']:g}%"
    text = f"In the simulated reviews most like this one ({like}), the {level} interval held the truth in "
    text += f"{coverage_text(row, 'coverage')}%"
    if (predicted := coverage_text(row, "prediction_coverage")) != MISSING:
        text += f" and the {level} prediction interval the proportion of a new study in {predicted}%"
    return f"{text}."


def coverage_text(row: Row, of: str) -> str:
    """Give the lowest and the highest of a coverage as whole per cent: ``95–99``."""
    ends = [row[f"{of}_{end}"] / 100 for end in ("worst", "best")]
    texts = dict.fromkeys(format_percent(end, 0) for end in ends)
    return format_percent_range(*ends, 0) if len(texts) > 1 else next(iter(texts))


def _logit(share: float) -> float:
    return log(share / (1 - share))
