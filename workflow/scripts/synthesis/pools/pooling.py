"""From the rows of an analysis to its pooled estimates."""

from collections.abc import Mapping, Sequence

from ..models.catalogue import Pooled, pool
from ..selection.arms import counts_of
from ..tables.declared import columns_of, write
from ..tables.pools import pooled_rows, sum_events
from ..words.levels import NOT_LEVELS
from ..words.model_names import BAYESIAN, WALD_TESTED
from ..words.terms import is_ok
from .contrasts import contrast_rows
from .subgroups import Test, compare_pools, compare_posteriors, fit_common

Rows = Sequence[Mapping]


def pool_analysis_file(
    rows: Rows,
    estimates_csv: str,
    contrasts_csv: str,
    *,
    analysis: str,
    models: Sequence[str],
    subgroup_models: Sequence[str],
    level: float,
    contrasts: Sequence[dict],
) -> None:
    """Pool the used rows of an analysis, write estimates and contrasts."""
    write(estimates_csv, pool_analysis(rows, analysis, models, subgroup_models, level))
    write(contrasts_csv, contrast_rows(rows, analysis, contrasts, level, models[0]))


def pool_analysis(
    rows: Rows, analysis: str, models: Sequence[str], subgroup_models: Sequence[str], level: float = 0.95
) -> list[dict]:
    """Pool used rows over all studies, and within each subgroup, the primary model first: rows of ``estimates.csv``."""
    table = [_row("all", "", pool(m, *counts_of(pooled_rows(rows)), level)) for m in models]
    for variable in dict.fromkeys(row["subset"] for row in rows if row["subset"] != "all"):
        own = [row for row in rows if row["subset"] == variable]
        table += _pool_subgroups(own, variable, subgroup_models, level)
    return [{"analysis": analysis} | row for row in table]


def _pool_subgroups(rows: Rows, variable: str, models: Sequence[str], level: float) -> list[dict]:
    """Pool each group with each model; test differences with separate and with common τ²."""
    groups = {row["group"]: [r for r in rows if r["group"] == row["group"]] for row in rows}
    # Several products, or none named, is no level to compare.
    tested, table = [row for row in rows if row["group"] not in NOT_LEVELS], []
    for model in models:
        pools = {group: pool(model, *counts_of(own), level) for group, own in groups.items()}
        table += [_row(variable, group, pooled) for group, pooled in pools.items()]
        if model in WALD_TESTED:
            test = compare_pools({g: p for g, p in pools.items() if g not in NOT_LEVELS})
            table.append(_test_row(tested, variable, model, test))
        if model == BAYESIAN:
            test = compare_posteriors({g: counts_of(own) for g, own in groups.items() if g not in NOT_LEVELS})
            table.append(_test_row(tested, variable, model, test))
    if "glmm" in models:
        common = fit_common(*counts_of(tested), [row["group"] for row in tested], level)
        table += [_row(variable, group, pooled) for group, pooled in common.estimates.items()]
        table.append(_test_row(tested, variable, "glmm-common", common.test))
    return table


def _row(subset: str, group: str, pooled: Pooled) -> dict:
    numbers = {name: value for name, value in vars(pooled).items() if name in columns_of("estimates")}
    return {"subset": subset, "group": group} | numbers


def _test_row(rows: Rows, variable: str, model: str, test: Test) -> dict:
    """Give the row that carries a test: no group, the rows that were compared, and χ² in ``test``."""
    used = [row for row in rows if row["group"] in test.groups]
    return {
        **{"subset": variable, "group": "", "model": model, "k": len(used)},
        "studies": len({row["study"] for row in used}),
        **sum_events(used),
        "patients": sum(row["patients"] for row in used),
        **{"test_name": test.name, "test": test.statistic, "test_df": test.df, "test_p": test.p},
        "status": test.status if test.name or not is_ok(test.status) else "no test",
    }
