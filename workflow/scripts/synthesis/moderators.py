"""What may explain differences between studies: continuous moderators, factors, and which levels go together.

The values are found here, row by row with their source; :mod:`synthesis.regression` fits them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from .files import read_table, write_table
from .levels import NOT_LEVELS, NOT_REPORTED
from .located import read_located
from .models.logistic_normal import separated
from .regression import MODELS, Studies, regress
from .sheets import type_sheet
from .tables import arm_rows, characteristic_rows
from .terms import OK

PROPERTY = ("analysis", "moderator", "label", "unit", "kind", "model", "k", "studies", "levels")
SLOPE = ("coefficient", "level", "slope", "se", "ci_low", "ci_high", "or_per_unit", "or_ci_low", "or_ci_high")
LINE = ("centre", "intercept", "intercept_se", "covariance")
TESTS = ("lr", "lr_df", "lr_p", "wald", "wald_df", "wald_df2", "wald_p")
PERMUTED = ("permutation_p", "permutations", "permutation_method")
REGRESSION = (*PROPERTY, *SLOPE, *LINE, *TESTS, *PERMUTED, "tau2", "tau2_without", "r2", "status")
CONTINUOUS, FACTOR = "continuous", "factor"
MODERATORS = ("analysis", "moderator", "study", "label", "arm", "value", "text", "source", "status")
CROSSTAB = ("analysis", "row_variable", "row", "column_variable", "column", "studies", "arms", "events", "patients")

PER_CENT = "%"
NUMBER = re.compile(r"\s*([-−+]?\d+(?:\.\d+)?)\s*(.*)", re.DOTALL)
ASIDE = ("", "%", "(", "[", "±", "+/-")  # what may follow a number without making it another one

Row = Mapping[str, str]


def regress_analysis_file(
    rows_csv: str,
    sheet_paths: Sequence[str],
    regression_csv: str,
    moderators_csv: str,
    crosstab_csv: str,
    *,
    analysis: str,
    moderators: Mapping[str, Mapping],
    factors: Mapping[str, Mapping],
    crosstab: Mapping[str, Sequence[str]],
    settings: Mapping,
) -> None:
    """Read the rows of an analysis and what is known of its studies; write regressions, values and cross-table.

    Parameters
    ----------
    rows_csv : str
    sheet_paths : sequence of str
        The sheets that feed the analysis, checked already: their characteristics and arms are read, and no count.
    regression_csv, moderators_csv, crosstab_csv : str
    analysis : str
    moderators : mapping
        Name → ``label``, ``unit`` and ``characteristic``.
    factors : mapping
        Variable the analysis is split by → its ``label``, and its ``levels`` in order.
    crosstab : mapping
        Variable → its levels in order, the one set against all others first.
    settings : mapping
        ``level``, ``permutations`` and ``seed``.
    """
    sheets = [type_sheet(read_located(path)) for path in sheet_paths]
    tables = regress_analysis(
        read_table(rows_csv),
        [_as_text(fact) for sheet in sheets for fact in characteristic_rows(sheet)],
        [_as_text(arm) for sheet in sheets for arm in arm_rows(sheet, ())],
        analysis=analysis,
        moderators=moderators,
        factors=factors,
        crosstab=crosstab,
        settings=settings,
    )
    targets = ((regression_csv, REGRESSION), (moderators_csv, MODERATORS), (crosstab_csv, CROSSTAB))
    for (path, columns), table in zip(targets, tables, strict=True):
        write_table(path, table, columns)


def regress_analysis(
    rows: Sequence[Row],
    characteristics: Sequence[Row],
    arms: Sequence[Row],
    *,
    analysis: str,
    moderators: Mapping[str, Mapping],
    factors: Mapping[str, Mapping],
    crosstab: Mapping[str, Sequence[str]],
    settings: Mapping,
) -> tuple[list[dict], list[dict], list[dict]]:
    """Give the rows of ``regression.csv``, ``moderators.csv`` and ``crosstab.csv``.

    Parameters
    ----------
    rows, characteristics, arms : sequence of mappings
        Of ``rows.csv``, and of the tables in ``results/data/``, every cell as text.
    analysis, moderators, factors, crosstab, settings
        As in :func:`regress_analysis_file`.
    """
    rows = [row for row in rows if row["use"] == "yes"]
    whole = [row for row in rows if row["subset"] == "all"]
    values = moderator_rows(whole, characteristics, arms, moderators, analysis)
    fitted = [*regress_moderators(whole, values, moderators, settings), *regress_factors(rows, factors, settings)]
    return [{"analysis": analysis, **row} for row in fitted], values, crosstab_rows(rows, analysis, crosstab)


def _as_text(row: Mapping) -> dict[str, str]:
    """Give a row as it would stand in a table."""
    return {key: "" if value is None else str(value) for key, value in row.items()}


def regress_moderators(
    rows: Sequence[Row], values: Sequence[Mapping], moderators: Mapping[str, Mapping], settings: Mapping
) -> list[dict]:
    """Regress on each continuous moderator, over the rows that have a value.

    Parameters
    ----------
    rows : sequence of mappings
        The used rows of ``rows.csv`` with ``subset`` = ``all``.
    values : sequence of mappings
        Of :func:`moderator_rows`.
    moderators, settings : mapping
        As in :func:`regress_analysis_file`.

    Returns
    -------
    list of dict
        Rows of ``regression.csv``, one a moderator and model.
    """
    table = []
    for name, moderator in moderators.items():
        known = {(v["study"], v["arm"]): v["value"] for v in values if v["moderator"] == name}
        used = [row for row in rows if known[row["study"], row["arm"]] is not None]
        data = _studies(used, np.array([[known[row["study"], row["arm"]]] for row in used], float).reshape(-1, 1))
        base = {"moderator": name, "label": moderator["label"], "unit": moderator.get("unit") or ""}
        for model in MODELS:
            found = regress(data, model, **settings)
            if "slope" in found:
                found["coefficient"] = "log odds per unit"
            table.append({**base, **_counts(data, CONTINUOUS, model), **found})
    return table


def regress_factors(rows: Sequence[Row], factors: Mapping[str, Mapping], settings: Mapping) -> list[dict]:
    """Regress on each factor: the arms that have one of its levels, with one τ² for all.

    Parameters
    ----------
    rows : sequence of mappings
        The used rows of ``rows.csv``.
    factors, settings : mapping
        As in :func:`regress_analysis_file`.

    Returns
    -------
    list of dict
        Rows of ``regression.csv``, one a factor and model. A level without events, or with nothing but events, stays
        out of ``glmm``, where its mean would be infinite, and the status names it.
    """
    table = []
    for variable, factor in factors.items():
        block = [row for row in rows if row["subset"] == variable and row["group"] not in NOT_LEVELS]
        for model in MODELS:
            out = _separated_levels(block) if model == "glmm" else []
            used = [row for row in block if row["group"] not in out]
            levels = sorted({row["group"] for row in used}, key=_order(factor["levels"]))
            data = _studies(used, np.array([[row["group"] == x for x in levels[1:]] for row in used], float))
            found = regress(data, model, **settings)
            if "slope" in found:  # two levels: the slope is their log odds ratio, and there is no line to draw
                found = {key: value for key, value in found.items() if key not in LINE}
                found["coefficient"] = f"log odds, {levels[1]} against {levels[0]}"
            if out:
                found["status"] = f"separated, left out: {', '.join(out)}; {found['status']}"
            base = {"moderator": variable, "label": factor["label"], "levels": "; ".join(levels)}
            table.append({**base, **_counts(data, FACTOR, model), **found})
    return table


def _separated_levels(rows: Sequence[Row]) -> list[str]:
    counts: dict[str, list] = {}
    for row in rows:
        counts.setdefault(row["group"], []).append((int(row["events"]), int(row["patients"])))
    return [level for level, pairs in counts.items() if separated(*np.array(pairs).T)]


def _studies(rows: Sequence[Row], design: np.ndarray) -> Studies:
    events, patients = (np.array([int(row[key]) for row in rows], int) for key in ("events", "patients"))
    return Studies(events, patients, np.array([row["study"] for row in rows]), design)


def _counts(data: Studies, kind: str, model: str) -> dict:
    return {"kind": kind, "model": model, "k": len(data.study), "studies": len(np.unique(data.study))}


def moderator_rows(
    rows: Sequence[Row],
    characteristics: Sequence[Row],
    arms: Sequence[Row],
    moderators: Mapping[str, Mapping],
    analysis: str,
) -> list[dict]:
    """Give the value of every moderator for every row that an analysis pools.

    Parameters
    ----------
    rows : sequence of mappings
        The used rows of ``rows.csv`` with ``subset`` = ``all``.
    characteristics, arms : sequence of mappings
        ``characteristics.csv`` and ``arms.csv``.
    moderators : mapping
        Name → ``label``, ``unit`` and ``characteristic`` (None: the year of publication).
    analysis : str

    Returns
    -------
    list of dict
        One a moderator and row. A value is a number, or None with the reason in ``status``; ``text`` is what the
        source prints, ``source`` where it stands.

    Notes
    -----
    Taken from the pooled arm. Where that has no entry, an arm that holds all its patients serves, and the status
    names it; a part of the arm does not, since it need not be like the whole. An entry about a group of the arm
    never serves.
    """
    wider = _wider_arms(arms)
    table = []
    for name, moderator in moderators.items():
        wanted = moderator.get("characteristic")
        facts = [fact for fact in characteristics if wanted and fact["name"] == wanted]
        for row in rows:
            if wanted is None:
                found = _year(row)
            else:
                own = [fact for fact in facts if fact["study"] == row["study"]]
                found = _from_facts(own, row, wider, moderator.get("unit") or "")
            base = {key: row[key] for key in ("study", "label", "arm")}
            table.append({"analysis": analysis, "moderator": name, **base, **found})
    return table


def _found(value: float | None = None, status: str = OK, text: str = "", source: str = "") -> dict:
    return {"value": value, "text": text, "source": source, "status": status}


def _year(row: Row) -> dict:
    year = row["year"].strip()
    if not year:
        return _found(status="no year of publication")
    return _found(float(year), text=year, source="citation")


def _from_facts(facts: Sequence[Row], row: Row, wider: Mapping[tuple, set], unit: str) -> dict:
    """Choose the entry of a study that describes the pooled arm, and read its number."""
    whole = [fact for fact in facts if not fact["group"]]
    if not facts:
        return _found(status="not reported")
    if not whole:
        return _found(status="reported only for a group of the arm: " + _names(facts, "group"))
    holders = wider.get((row["study"], row["arm"]), set())
    own = [fact for fact in whole if fact["arm"] == row["arm"]]
    chosen = own or [fact for fact in whole if fact["arm"] in holders]
    if not chosen:
        return _found(status=f"reported only for another arm: {_names(whole, 'arm')}")
    read = [_read(fact, unit) for fact in chosen]
    numbers = {found["value"] for found in read} - {None}
    if len(numbers) > 1:
        texts = "; ".join(found["text"] for found in read if found["value"] is not None)
        return _found(status=f"several values: {texts}", text=texts)
    best = next((i for i, found in enumerate(read) if found["value"] is not None), 0)
    found = read[best]
    if found["value"] is not None and not own:
        found = {**found, "status": f"of the arm that holds it: {chosen[best]['arm']}"}
    return found


def _read(fact: Row, unit: str) -> dict:
    """Read one entry: a count over its patients in per cent, or a number as printed, in the moderator's unit."""
    text, source = fact["value"].strip(), fact["source"]
    if fact["events"] and fact["patients"] and (_unit(unit) == PER_CENT or not text):
        share = f"{fact['events']}/{fact['patients']}"
        if _unit(unit) not in ("", PER_CENT):
            return _found(None, f"a count, and the moderator is in {unit}: {share}", share, source)
        return _found(100 * int(fact["events"]) / int(fact["patients"]), OK, share, source)
    if not text:
        return _found(None, "a count without its patients" if fact["events"] else "no value", "", source)
    theirs = _unit(fact["unit"])
    if theirs and unit and theirs != _unit(unit):
        return _found(None, f"in another unit: {theirs}, not {unit}", text, source)
    number = leading_number(text)
    if number is None:
        return _found(None, f"not one number: {text}", text, source)
    return _found(number, OK, text, source)


def leading_number(text: str) -> float | None:
    """Give the number a printed value begins with, or None where that is not surely the value.

    Parameters
    ----------
    text : str
        As printed. A range in brackets, a standard deviation or a per cent sign may follow; a second number, a bound
        or a comma (thousands or decimals?) may not.

    Returns
    -------
    float or None

    Examples
    --------
    >>> [leading_number(t) for t in ("57 (31-70)", "7.98", "18.1%", "12 ± 3", "31-70", "<5", "1,030", "57+")]
    [57.0, 7.98, 18.1, 12.0, None, None, None, None]
    """
    match = NUMBER.fullmatch(text)
    if not match:
        return None
    number, rest = match[1].replace("−", "-"), match[2].strip()
    if rest and not rest.startswith(ASIDE[1:]):
        return None
    return float(number)


def _unit(text: str) -> str:
    """Give a unit in one spelling, without what is said about it in brackets."""
    plain = text.split("(")[0].strip().lower()
    return PER_CENT if plain in ("%", "percent", "per cent", "per-cent") else plain


def _names(facts: Iterable[Row], column: str) -> str:
    return ", ".join(dict.fromkeys(fact[column] for fact in facts))


def _wider_arms(arms: Sequence[Row]) -> dict[tuple[str, str], set[str]]:
    """Give (study, arm) → the arms that hold all its patients."""
    parents: dict[tuple[str, str], set[str]] = {}
    for arm in arms:
        for part in filter(None, arm["comprises"].split("; ")):
            parents.setdefault((arm["study"], part), set()).add(arm["arm"])
        if arm["part_of"]:
            parents.setdefault((arm["study"], arm["arm"]), set()).add(arm["part_of"])
    return {child: _climb(child, parents) for child in parents}


def _climb(child: tuple[str, str], parents: Mapping[tuple[str, str], set[str]]) -> set[str]:
    found: set[str] = set()
    queue = list(parents[child])
    while queue:
        arm = queue.pop()
        if arm not in found:
            found.add(arm)
            queue += parents.get((child[0], arm), ())
    return found


def crosstab_rows(rows: Sequence[Row], analysis: str, variables: Mapping[str, Sequence[str]]) -> list[dict]:
    """Count arms by the levels of the first variable and of each other: what is confounded shows here.

    Parameters
    ----------
    rows : sequence of mappings
        The used rows of ``rows.csv``.
    analysis : str
    variables : mapping
        Variable → its levels in order. The arms are those the analysis is split into by the first one.

    Returns
    -------
    list of dict
        Rows of ``crosstab.csv``. A pair of levels that is not listed has no arm at all.
    """
    first, *others = variables or [""]
    block = [row for row in rows if row["subset"] == first]
    table = []
    for other in others:
        cells: dict[tuple[str, str], list[Row]] = {}
        for row in block:
            cells.setdefault((row["group"], row[other] or NOT_REPORTED), []).append(row)
        order = _order(variables[first]), _order(variables[other])
        for pair in sorted(cells, key=lambda pair: tuple(by(level) for by, level in zip(order, pair, strict=True))):
            table.append(
                {
                    "analysis": analysis,
                    "row_variable": first,
                    "row": pair[0],
                    "column_variable": other,
                    "column": pair[1],
                    "studies": len({row["study"] for row in cells[pair]}),
                    "arms": len(cells[pair]),
                    **{key: sum(int(row[key]) for row in cells[pair]) for key in ("events", "patients")},
                }
            )
    return table


def _order(levels: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    """Give a sort key: levels in their order, then all others by name."""
    place = {level: i for i, level in enumerate(levels)}
    return lambda level: (place.get(level, len(place)), level)
