"""What may explain differences between studies: continuous moderators, factors, and which levels go together.

:mod:`synthesis.sheets.moderator_values` finds the values, row by row; :mod:`synthesis.moderators.regression` fits them.
Rows are the used ones of ``rows.csv``; levels are those of a variable in their order.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..models.counts import sum_of
from ..models.logistic_normal import separated
from ..pools.subgroups import fit_common
from ..selection.arms import counts_of
from ..sheets.collect import arm_rows, characteristic_rows
from ..sheets.facts import read_handed
from ..sheets.moderator_values import moderator_rows
from ..tables.declared import Row, write
from ..tables.files import as_cells
from ..words.levels import NOT_LEVELS, NOT_REPORTED
from ..words.terms import with_remark
from .regression import LINE, MODELS, Studies, regress

CONTINUOUS, FACTOR = "continuous", "factor"


def regress_analysis_file(
    rows: Sequence[Row], handed: str, regression_csv: str, moderators_csv: str, crosstab_csv: str, **choices
) -> None:
    """Write regressions, values and cross-table of an analysis.

    ``handed`` are the sheets that feed it, as handed down: their characteristics and arms are read, and no count.
    """
    sheets = read_handed(handed)
    facts = [as_cells(fact) for sheet in sheets for fact in characteristic_rows(sheet)]
    arms = [as_cells(arm) for sheet in sheets for arm in arm_rows(sheet, ())]
    tables = regress_analysis(rows, facts, arms, **choices)
    for path, table in zip((regression_csv, moderators_csv, crosstab_csv), tables, strict=True):
        write(path, table)


def regress_analysis(
    rows: Sequence[Row],
    characteristics: Sequence[Mapping[str, str]],
    arms: Sequence[Mapping[str, str]],
    *,
    analysis: str,
    moderators: Mapping[str, Mapping],
    factors: Mapping[str, Sequence[str]],
    crosstab: Mapping[str, Sequence[str]],
    settings: Mapping,
) -> tuple[list[dict], list[dict], list[dict]]:
    """Give the rows of ``regression.csv``, ``moderators.csv`` and ``crosstab.csv``.

    Parameters
    ----------
    characteristics, arms : sequence of mappings
        Of the tables in ``results/data/``, every cell as text.
    moderators : mapping
        Name → ``unit`` and ``characteristic``.
    factors, crosstab : mapping
        Variable the analysis is split by → its levels; in a cross-table the one set against all others comes first.
    settings : mapping
        ``level``, ``permutations`` and ``seed``.
    """
    whole = [row for row in rows if row["subset"] == "all"]
    values = moderator_rows(whole, characteristics, arms, moderators, analysis)
    fitted = [*regress_moderators(whole, values, moderators, settings), *regress_factors(rows, factors, settings)]
    return [{"analysis": analysis, **row} for row in fitted], values, crosstab_rows(rows, analysis, crosstab)


def regress_moderators(
    rows: Sequence[Row], values: Sequence[Mapping], moderators: Mapping[str, Mapping], settings: Mapping
) -> list[dict]:
    """Regress on each continuous moderator, over the rows of the whole that have a value, with each model."""
    table = []
    for name, moderator in moderators.items():
        known = {(v["study"], v["arm"]): v["value"] for v in values if v["moderator"] == name}
        used = [row for row in rows if known[row["study"], row["arm"]] is not None]
        data = _studies(used, np.array([[known[row["study"], row["arm"]]] for row in used], float).reshape(-1, 1))
        for model in MODELS:
            found = regress(data, model, **settings)
            said = {"coefficient": "log odds per unit"} if "slope" in found else {}
            base = {"moderator": name, "unit": moderator.get("unit") or "", **_counts(data, CONTINUOUS, model)}
            table.append(base | found | said)
    return table


def regress_factors(rows: Sequence[Row], factors: Mapping[str, Sequence[str]], settings: Mapping) -> list[dict]:
    """Regress on each factor with each model: the arms that have one of its levels, with one τ² for all.

    A level without events, or with nothing but events, has no finite mean in ``glmm``: it counts in the likelihood
    ratio alone, and the status names it.
    """
    table = []
    for variable, order in factors.items():
        block = [row for row in rows if row["subset"] == variable and row["group"] not in NOT_LEVELS]
        for model in MODELS:
            out = _separated_levels(block) if model == "glmm" else []
            used = [row for row in block if row["group"] not in out]
            levels = sorted({row["group"] for row in used}, key=_order(order))
            data = _studies(used, np.array([[row["group"] == x for x in levels[1:]] for row in used], float))
            found = regress(data, model, **settings)
            if "slope" in found:  # two levels: the slope is their log odds ratio, and there is no line to draw
                found = {key: value for key, value in found.items() if key not in LINE}
                found["coefficient"] = f"log odds, {levels[1]} against {levels[0]}"
            if out:
                found |= _likelihood_ratio(block)
                where = "in the likelihood ratio only" if "lr" in found else "left out"
                found["status"] = with_remark(found["status"], f"no finite mean, {where}: {', '.join(out)}")
            base = {"moderator": variable, "levels": "; ".join(levels), **_counts(data, FACTOR, model)}
            table.append(base | found)
    return table


def _likelihood_ratio(block: Sequence[Row]) -> dict:
    """Test all levels, those without a finite mean too; nothing where no test is possible."""
    test = fit_common(*counts_of(block), [row["group"] for row in block]).test
    return {"lr": test.statistic, "lr_df": test.df, "lr_p": test.p} if test.name else {}


def _separated_levels(rows: Sequence[Row]) -> list[str]:
    levels = {row["group"]: [other for other in rows if other["group"] == row["group"]] for row in rows}
    return [level for level, block in levels.items() if separated(*counts_of(block)[:2])]


def _studies(rows: Sequence[Row], design: np.ndarray) -> Studies:
    events, patients, study = counts_of(rows)
    return Studies(events, np.array(patients, int), np.array(study), design)


def _counts(data: Studies, kind: str, model: str) -> dict:
    return {"kind": kind, "model": model, "k": len(data.study), "studies": len(np.unique(data.study))}


def crosstab_rows(rows: Sequence[Row], analysis: str, variables: Mapping[str, Sequence[str]]) -> list[dict]:
    """Count arms by the levels of the first variable and of each other: what is confounded shows here.

    The arms are those the analysis is split into by the first variable. A pair of levels that is not listed has none.
    """
    first, *others = variables or [""]
    block = [row for row in rows if row["subset"] == first]
    table = []
    for other in others:
        cells: dict[tuple[str, str], list[Row]] = {}
        for row in block:
            cells.setdefault((row["group"], row[other] or NOT_REPORTED), []).append(row)
        one, two = _order(variables[first]), _order(variables[other])
        for pair in sorted(cells, key=lambda pair: (one(pair[0]), two(pair[1]))):
            table.append(
                {
                    "analysis": analysis,
                    "row_variable": first,
                    "row": pair[0],
                    "column_variable": other,
                    "column": pair[1],
                    "studies": len({row["study"] for row in cells[pair]}),
                    "arms": len(cells[pair]),
                    "events": sum_of(counts_of(cells[pair])[0]),
                    "patients": sum(row["patients"] for row in cells[pair]),
                }
            )
    return table


def _order(levels: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    """Give a sort key: levels in their order, then all others by name."""
    place = {level: i for i, level in enumerate(levels)}
    return lambda level: (place.get(level, len(place)), level)
