"""From the rows of an analysis to its pooled estimates."""

from collections.abc import Sequence

import pandas as pd

from ..models.catalogue import Pooled, pool
from ..selection.arms import read_rows
from ..tables.declared import columns_of, write
from ..words.levels import NOT_LEVELS
from ..words.model_names import WALD_TESTED
from ..words.terms import is_ok
from .contrasts import contrast_rows
from .subgroups import Test, compare_pools, fit_common


def pool_analysis_file(
    rows_csv: str,
    estimates_csv: str,
    contrasts_csv: str,
    *,
    analysis: str,
    models: Sequence[str],
    subgroup_models: Sequence[str],
    level: float,
    contrasts: Sequence[dict],
) -> None:
    """Read the rows of an analysis, pool them, write estimates and contrasts."""
    rows = read_rows(rows_csv)
    rows = rows[rows["use"] == "yes"]
    write(estimates_csv, pool_analysis(rows, analysis, models, subgroup_models, level))
    write(contrasts_csv, contrast_rows(rows, analysis, contrasts, level))


def pool_analysis(
    rows: pd.DataFrame, analysis: str, models: Sequence[str], subgroup_models: Sequence[str], level: float = 0.95
) -> list[dict]:
    """Pool an analysis: over all studies, and within each subgroup.

    Parameters
    ----------
    rows : DataFrame
        The used rows of ``rows.csv``.
    analysis : str
    models, subgroup_models : sequence of str
        Names in the table of models, the primary one first: over all studies, and within subgroups.
    level : float

    Returns
    -------
    list of dict
        Rows of ``estimates.csv``.
    """
    table = [_row(analysis, "all", "", _pool(rows[rows["subset"] == "all"], m, level)) for m in models]
    for variable in [s for s in dict.fromkeys(rows["subset"]) if s != "all"]:
        table += _pool_subgroups(rows[rows["subset"] == variable], analysis, variable, subgroup_models, level)
    return table


def _pool(rows: pd.DataFrame, model: str, level: float) -> Pooled:
    return pool(model, rows["events"], rows["patients"], rows["study"], level)


def _pool_subgroups(
    rows: pd.DataFrame, analysis: str, variable: str, models: Sequence[str], level: float
) -> list[dict]:
    """Pool each group with each model; test differences with separate and with common τ²."""
    table: list[dict] = []
    groups = list(dict.fromkeys(rows["group"]))
    tested = rows[~rows["group"].isin(NOT_LEVELS)]  # several products, or none named, is no level to compare
    for model in models:
        pools = {group: _pool(rows[rows["group"] == group], model, level) for group in groups}
        table += [_row(analysis, variable, group, pooled) for group, pooled in pools.items()]
        if model in WALD_TESTED:
            test = compare_pools({g: p for g, p in pools.items() if g not in NOT_LEVELS})
            table.append(_test_row(tested, analysis, variable, model, test))
    if "glmm" in models:
        common = fit_common(*(tested[c] for c in ("events", "patients", "study", "group")), level)
        table += [_row(analysis, variable, group, pooled) for group, pooled in common.estimates.items()]
        table.append(_test_row(tested, analysis, variable, "glmm-common", common.test))
    return table


def _row(analysis: str, subset: str, group: str, pooled: Pooled) -> dict:
    values = {key: value for key, value in vars(pooled).items() if key in columns_of("estimates")}
    return {"analysis": analysis, "subset": subset, "group": group, **values}


def _test_row(rows: pd.DataFrame, analysis: str, variable: str, model: str, test: Test) -> dict:
    """Give the row that carries a test: no group, the rows that were compared, and χ² in ``test``."""
    used = rows[rows["group"].isin(test.groups)]
    return {
        "analysis": analysis,
        "subset": variable,
        "group": "",
        "model": model,
        "k": len(used),
        "studies": used["study"].nunique(),
        "events": int(used["events"].sum()),
        "patients": int(used["patients"].sum()),
        "test_name": test.name,
        "test": test.statistic,
        "test_df": test.df,
        "test_p": test.p,
        "status": test.status if test.name or not is_ok(test.status) else "no test",
    }
