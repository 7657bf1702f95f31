"""What a figure looks up in ``estimates.csv``: the pool of a group, what kind it is, the test between groups."""

import pandas as pd

from ...words.terms import is_ok

UNKNOWN = ("", "not reported")


def find_pool(estimates: pd.DataFrame, subset: str, group: str, model: str) -> pd.Series | None:
    """Find the pooled estimate of a group; None when there is none."""
    found = _find(estimates, subset, group, model)
    if subset != "all" and group == "":  # the row without a group carries the test, after a pool of that name
        found = found[found["k"].fillna(0).gt(0) & found["test"].isna() & found["estimate"].notna()]
    return found.iloc[0] if len(found) else None


def find_test(estimates: pd.DataFrame, subset: str, model: str) -> pd.Series | None:
    """Find the row that carries the test for subgroup differences."""
    found = _find(estimates, subset, "", model)
    found = found[found["estimate"].isna()]
    return found.iloc[-1] if len(found) else None


def _find(estimates: pd.DataFrame, subset: str, group: str, model: str) -> pd.DataFrame:
    return estimates[
        (estimates["subset"] == subset) & (estimates["group"].fillna("") == group) & (estimates["model"] == model)
    ]


def state_of(pool: pd.Series) -> str:
    """Say what a row of estimates is: pool, one study, none (no events), all (nothing but events), or missing."""
    if pool["k"] == 0:
        return "missing"
    if pool["studies"] == 1:
        return "one study"
    if pool["events"] == 0:
        return "none"
    if pool["events"] == pool["patients"]:
        return "all"
    return "pool" if is_ok(pool["status"]) and pd.notna(pool["estimate"]) else "missing"
