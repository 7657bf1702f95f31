"""A wrong digit in a sheet: a check complains, or exactly the analyses that use the count notice.

Every count of every sheet of this review is changed, one at a time, in memory. Nothing is pooled: an analysis is run
again when its digest changes (`test_dag.py`), so it is enough to see which digests and which rows move.
"""

import copy
from collections import Counter
from collections.abc import Iterator

import pytest
from conftest import ROOT
from synthesis.checks import check_sheet
from synthesis.index import digest, read_index, relevant
from synthesis.located import Located, TypingError, read_located
from synthesis.selection import Vocabulary, select_rows
from synthesis.sheets import type_sheet

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


def counts(data: dict) -> Iterator[tuple]:
    """Give the path of every count that a sheet can feed into a pool or a 2×2 table."""
    for name in data["arms"]:
        yield ("arms", name, "patients")
    for i, _ in enumerate(data["outcomes"]):
        yield from (("outcomes", i, key) for key in ("events", "patients"))
    for i, _ in enumerate(data.get("comparisons", [])):
        yield from (
            ("comparisons", i, side, key) for side in ("exposed", "unexposed") for key in ("events", "patients")
        )


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
    if path[0] == "comparisons":
        return set()
    reported = {row.outcome for row in sheet.outcomes}
    wanted = {sheet.outcomes[path[1]].outcome} if path[0] == "outcomes" else reported
    return {name for name, analysis in analyses.items() if wanted & set(analysis.outcomes)}


def digests(index, sheet) -> dict[str, str]:
    return {name: digest(relevant(sheet, analysis)) for name, analysis in index.protocol.analyses.items()}


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


def rows_of(index, name: str, vocabulary, instead: dict) -> list[dict]:
    sheets = [instead.get(file, index.sheets[file]) for file in index.feeds(name)]
    return select_rows(sheets, name, index.protocol.analyses[name], vocabulary)


def pool(rows: list[dict]) -> list[tuple]:
    return [
        (r["study"], r["arm"], r["events"], r["patients"]) for r in rows if r["subset"] == "all" and r["use"] == "yes"
    ]
