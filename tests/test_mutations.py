"""A wrong digit in a sheet: a check complains, or exactly what is computed from the count moves.

Every count of every sheet of this review is changed in four ways, one at a time, in memory. An analysis is run again
when its digest changes (`test_dag.py`), so for most it is enough to see which digests, rows and 2×2 tables move; one
count of each analysis is followed to the pooled estimate.
"""

import copy
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import ROOT
from synthesis.models.catalogue import MODELS
from synthesis.models.counts import within
from synthesis.review.index import digest, read_index
from synthesis.risk_factors.comparisons import CELLS, choose_tables
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.sheets import collect as tables
from synthesis.sheets.checks import check_sheet
from synthesis.sheets.facts import of_analysis
from synthesis.sheets.moderator_values import moderator_rows
from synthesis.sheets.sheet import type_sheet
from synthesis.tables.located import Located, TypingError, read_located
from synthesis.tables.pools import pooled_rows

SLIPS = {
    "one more": lambda text: str(int(text) + 1),
    "one fewer": lambda text: str(int(text) - 1),
    "digits turned round": lambda text: text[::-1],
    "a digit twice": lambda text: text + text[-1],
}


@pytest.fixture(scope="module")
def index():
    return read_index(ROOT / "config.yaml", ROOT / "studies")


@pytest.fixture(scope="module")
def sources(index):
    return {path: read_located(path) for path in index.sheets}


@pytest.fixture(scope="module")
def vocabulary(index):
    implied = {name: product.model_extra for name, product in index.protocol.products.items()}
    models = index.protocol.models
    return Vocabulary(["product", *index.protocol.attributes], implied, models.level, models.study_interval)


COUNTS = ("events", "patients")


def counts(data, path: tuple = ()) -> Iterator[tuple]:
    """Give the path of every count of a sheet, wherever it stands; those of an outcome also where it is left out."""
    if isinstance(data, dict):
        keys = {key for key in COUNTS if key in data} | (set(COUNTS) if path[:1] == ("outcomes",) else set())
        yield from ((*path, key) for key in sorted(keys))
        for key, value in data.items():
            yield from counts(value, (*path, key)) if isinstance(value, dict | list) else ()
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from counts(value, (*path, i))


def value_at(data, path):
    for step in path:
        data = data.get(step, "") if isinstance(data, dict) else data[step]
    return data


def put(data: dict, path: tuple, value: str) -> dict:
    data = copy.deepcopy(data)
    here = data
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return data


def slips(sources) -> Iterator[tuple]:
    """Give each sheet with one count changed: path of the sheet, path of the count, slip, text and data."""
    for file, located in sources.items():
        for path in counts(located.data):
            text = value_at(located.data, path)
            if not text.isdigit():
                continue
            for slip, change in SLIPS.items():
                new = change(text)
                if not new.isdigit() or int(new) != int(text):
                    yield file, path, slip, new, put(located.data, path, new)


def users(index, file: str, path: tuple) -> set[str]:
    """Name the analyses that use a count, from the protocol alone."""
    analyses, sheet = index.protocol.analyses, index.sheets[file]
    if path[0] in ("comparisons", "characteristics"):
        return set()
    reported = {row.outcome for row in sheet.outcomes}
    wanted = {sheet.outcomes[path[1]].outcome} if path[0] == "outcomes" else reported
    return {name for name, analysis in analyses.items() if wanted & set(analysis.outcomes)}


def digests(index, sheet) -> dict[str, str]:
    return {
        name: digest(of_analysis(sheet, analysis).model_dump(mode="json"))
        for name, analysis in index.protocol.analyses.items()
    }


def accepted(index, sources):
    """Give every slip that no check of the sheet complains of, with the sheet it makes; and how many were caught."""
    kept, caught = [], Counter()
    for file, path, slip, new, data in slips(sources):
        located = Located(file, data, sources[file].lines)
        try:
            sheet = type_sheet(located)
        except TypingError as error:
            assert error.problems[0].line > 0
            caught["typed", path[0]] += 1
            continue
        found = check_sheet(located, sheet, index.protocol)
        assert all(p.file == file and p.line > 0 and p.message for p in found)
        if found:
            caught["checked", path[0]] += 1
        else:
            kept.append((file, path, slip, new, sheet))
    return kept, caught


@pytest.fixture(scope="module")
def undetected(index, sources):
    return accepted(index, sources)


def test_a_changed_count_moves_exactly_the_analyses_that_use_it(index, undetected):
    kept, caught = undetected
    before = {file: digests(index, sheet) for file, sheet in index.sheets.items()}
    whole = {file: digest(sheet.model_dump(mode="json")) for file, sheet in index.sheets.items()}
    for file, path, slip, new, sheet in kept:
        after = digests(index, sheet)
        moved = {name for name, value in after.items() if value != before[file][name]} & feeding(index, file)
        assert moved == users(index, file, path), (file, path, slip, new)
        assert digest(sheet.model_dump(mode="json")) != whole[file], "the tables of all sheets would not be written"
    tried = len(kept) + caught.total()
    assert tried > 1000, "so few counts: the sheets were not read"
    # Nothing else in a sheet is a count that this test forgets.
    assert {k[1][0] for k in kept} | {place for _, place in caught} == {
        *("arms", "outcomes", "comparisons", "characteristics")
    }
    assert caught["checked", "outcomes"] > 0.3 * sum(1 for k in kept if k[1][0] == "outcomes"), caught


def feeding(index, file: str) -> set[str]:
    return {name for name in index.protocol.analyses if file in index.feeds(name)}


def test_the_rows_of_an_analysis_show_the_changed_count(index, undetected, vocabulary):
    """What moves is the count itself: the new number stands in `rows.csv`, and a pooled number comes from it."""
    before = {name: rows_of(index, name, vocabulary, {}) for name in index.protocol.analyses}
    seen = Counter()
    for file, path, slip, new, sheet in undetected[0]:
        if path[0] != "outcomes":
            continue
        row = sheet.outcomes[path[1]]
        for name in users(index, file, path):
            after = rows_of(index, name, vocabulary, {file: sheet})
            same = ("study", "arm", "outcome", "definition", "window")
            key = (sheet.id, row.arm, row.outcome, row.definition, "unstated" if row.window is None else row.window)
            [then] = [r for r in before[name] if r["subset"] == "all" and tuple(r[k] for k in same) == key]
            [now] = [r for r in after if r["subset"] == "all" and tuple(r[k] for k in same) == key]
            assert now[path[2]] == int(new) != then[path[2]], (file, path, slip)
            pooled = (pool(before[name]), pool(after))
            assert (pooled[0] != pooled[1]) == (then["use"] == "yes" or now["use"] == "yes"), (file, path, name)
            others = [r for r in before[name] if r["study"] != sheet.id and not r["cohort"]]
            assert others == [r for r in after if r["study"] != sheet.id and not r["cohort"]]
            seen[then["use"]] += 1
    assert seen["yes"] >= 20 and seen["no"] >= 5, seen


def test_a_count_moves_no_rows_of_an_analysis_that_does_not_use_it(index, undetected, vocabulary):
    """The digests of all others stay (above); here a sample is selected in full, to see that digests tell the truth."""
    before = {name: rows_of(index, name, vocabulary, {}) for name in index.protocol.analyses}
    for file, path, _, _, sheet in undetected[0][::10]:
        for name in set(index.protocol.analyses) - users(index, file, path):
            assert rows_of(index, name, vocabulary, {file: sheet}) == before[name], (file, path, name)


def test_a_changed_count_moves_the_pooled_estimate(index, undetected, vocabulary):
    """One used count of every analysis, through the model that gives the headline number."""
    seen = set()
    model, level = MODELS[index.protocol.models.primary], index.protocol.models.level
    for file, path, slip, _, sheet in undetected[0]:
        if path[0] != "outcomes" or path[2] != "events":
            continue
        for name in users(index, file, path) - seen:
            before, after = (pool(rows_of(index, name, vocabulary, instead)) for instead in ({}, {file: sheet}))
            if before != after:
                old, new = (estimate(model, rows, level) for rows in (before, after))
                assert abs(new - old) > 1e-6, (file, path, slip, name, old, new)
                seen.add(name)
    poolable = {name for name in index.protocol.analyses if pool(rows_of(index, name, vocabulary, {}))}
    # In the others no slip gets past the checks: each count stands beside its percentage as printed.
    assert seen <= poolable and len(seen) > 0.8 * len(poolable), poolable - seen


def estimate(model, rows: list[tuple], level: float) -> float:
    low, high, patients = (np.array([row[i] for row in rows]) for i in (2, 3, 4))
    return float(model.pool(within(low, high), patients, np.array([row[0] for row in rows]), level).estimate)


def test_a_changed_count_moves_exactly_the_comparison_that_uses_it(index, undetected):
    """A cell of a 2×2 table moves the pool of its exposure and outcome if it is used there; no other count does."""
    before, seen = pooled_tables(index, {}), Counter()
    for file, path, slip, _, sheet in undetected[0]:
        after = pooled_tables(index, {file: sheet})
        moved = {group for group in before.keys() | after.keys() if before.get(group) != after.get(group)}
        if path[0] != "comparisons":
            assert moved == set(), (file, path, slip)
            continue
        table = sheet.comparisons[path[1]]
        mine = group_of(table.exposure, table.outcome)
        used = any((sheet.id, table.arm) == row[:2] for side in (before, after) for row in side[mine])
        assert moved == ({mine} if used else set()), (file, path, slip)
        seen[used] += 1
    assert seen[True] >= 10, seen


def group_of(exposure: str, outcome: str) -> tuple[str, str]:
    return " ".join(exposure.casefold().split()), outcome


def pooled_tables(index, instead: dict) -> dict[tuple, list[tuple]]:
    """Give the tables that are pooled, by exposure and outcome."""
    every = [instead.get(file, sheet) for file, sheet in index.sheets.items() if sheet.comparisons]
    rows, arms, studies = (
        [row for sheet in every for row in make(sheet)]
        for make in (
            tables.comparison_rows,
            lambda sheet: tables.arm_rows(sheet, ()),
            lambda sheet: [tables.study_row(sheet)],
        )
    )
    groups: dict[tuple, list] = {}
    for row in rows:
        groups.setdefault(group_of(row["exposure"], row["outcome"]), []).append(row)
    return {
        group: [
            (row["study"], row["arm"], *(row[cell] for cell in CELLS))
            for row, reason in zip(block, choose_tables(block, arms, studies), strict=True)
            if not reason
        ]
        for group, block in groups.items()
    }


def test_a_changed_characteristic_moves_exactly_its_moderator(index, undetected, vocabulary):
    """A count that describes patients moves the regression on it, in the analyses that use the study, and no pool."""
    wanted = {m.characteristic: name for name, m in index.protocol.moderators.items() if m.characteristic}
    plain = {name: m.model_dump(mode="json") for name, m in index.protocol.moderators.items()}
    rows = {name: rows_of(index, name, vocabulary, {}) for name in index.protocol.analyses}
    seen = Counter()
    for file, path, slip, _, sheet in undetected[0]:
        if path[0] != "characteristics":
            continue
        fact = sheet.characteristics[path[1]]
        for name in feeding(index, file):
            old, new = (values_of(rows[name], one, plain, name) for one in (index.sheets[file], sheet))
            moved = {row["moderator"] for row, other in zip(old, new, strict=True) if row != other}
            assert moved <= {wanted.get(fact.name)}, (file, path, slip, name)
            seen["moved" if moved else "not"] += 1
    assert seen["not"] >= 20, seen


def values_of(rows: list[dict], sheet, moderators: dict, analysis: str) -> list[dict]:
    mine = [row | {"year": row["year"] or None} for row in pooled_rows(rows) if row["study"] == sheet.id]
    return moderator_rows(
        mine, as_text(tables.characteristic_rows(sheet)), as_text(tables.arm_rows(sheet, ())), moderators, analysis
    )


def as_text(rows) -> list[dict[str, str]]:
    """Give rows as they stand in a table."""
    return [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]


def rows_of(index, name: str, vocabulary, instead: dict) -> list[dict]:
    sheets = [instead.get(file, index.sheets[file]) for file in index.feeds(name)]
    return select_rows(sheets, name, index.protocol.analyses[name], vocabulary)


def pool(rows: list[dict]) -> list[tuple]:
    return [
        (r["study"], r["arm"], r["events_from"], r["events_to"], r["patients"])
        for r in rows
        if r["subset"] == "all" and r["use"] == "yes"
    ]
