"""Every stage finds the same pool, calls it the same, and puts studies in the same order."""

from math import nan

import pytest
from synthesis.tables.pools import State, find_pool, find_pools, find_test, is_pooled, pooled_rows, sort_rows, state_of
from synthesis.words.terms import ALL_EVENTS, NO_EVENTS, NO_STUDIES, ONE_STUDY

POOL = {"k": "5", "studies": "4", "events": "3", "patients": "90", "estimate": "0.03", "status": "ok"}


def estimate(subset="all", group="", **more):
    return {"analysis": "a", "subset": subset, "group": group, "model": "glmm"} | POOL | more


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, State.POOL),
        ({"status": "ok; two maxima"}, State.POOL),
        ({"studies": "2"}, State.DESCRIPTION),
        ({"studies": "1", "status": ONE_STUDY}, State.ONE_STUDY),
        ({"studies": "1", "events": "0", "status": ONE_STUDY}, State.ONE_STUDY),
        ({"events": "0", "status": NO_EVENTS}, State.NO_EVENTS),
        ({"events": "90", "status": ALL_EVENTS}, State.ALL_EVENTS),
        ({"estimate": "", "status": "no convergence"}, State.FAILED),
        ({"studies": "0", "events": "0", "patients": "0", "estimate": "", "status": NO_STUDIES}, State.NO_STUDY),
    ],
)
def test_a_pool_is_called_what_it_is_as_text_and_typed(more, state):
    row = POOL | more
    typed = {key: float(value) if value else nan for key, value in row.items() if key != "status"}
    assert state_of(row) == state_of(typed | {"status": row["status"]}) == state
    assert is_pooled(row) == (state in (State.POOL, State.DESCRIPTION))


def test_nothing_found_is_no_study():
    assert state_of({}) == State.NO_STUDY and find_pool([estimate()], "crude") == {} == find_test(
        [estimate()], "glmm", "x"
    )


def test_the_test_between_groups_is_no_pool():
    rows = [estimate(), estimate("product", "x"), estimate("product", "", estimate="0.1")]
    rows.append(estimate("product", "", estimate="", test="3.1"))
    assert find_pool(rows, "glmm", analysis="a") is rows[0]
    assert find_pool(rows, "glmm", subset="product", group="x") is rows[1]
    assert find_pool(rows, "glmm", subset="product") is rows[2]
    assert find_pools(rows, "glmm", "product") == rows[1:3] and find_test(rows, "glmm", "product") is rows[3]
    assert find_pool(rows, "glmm", analysis="b") == {}
    none = estimate("product", "", k="0", studies="0", estimate="", status="fewer than two pools to compare")
    failed = estimate("product", "", estimate="", status="no convergence")
    assert (
        find_test([failed, none], "glmm", "product") is none
        and find_pool([none, failed], "glmm", subset="product") is failed
    )


def test_the_rows_of_a_pool_are_those_used_over_all_studies():
    rows = [{"analysis": a, "subset": s, "use": u} for a in "ab" for s in ("all", "x") for u in ("yes", "no")]
    assert pooled_rows(rows) == [rows[0], rows[4]] and pooled_rows(rows, "b") == [rows[4]]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("label", "bdca"), ("year", "dbac"), ("estimate", "cbda"), ("patients", "badc")],
)
def test_studies_stand_in_one_order(sort, order):
    table = [
        ("a", "Z", "2005", "50", ""),
        ("b", "A", "2001", "60", "0.2"),
        ("c", "M", "", "", "0.1"),
        ("d", "B", "2001", "9", "0.2"),
    ]
    columns = ("study", "label", "year", "patients", "proportion")
    rows = [dict(zip(columns, row, strict=True)) | {"arm": "all"} for row in table]
    if sort == "year":
        rows[1]["label"] = "C"
    assert "".join(row["study"] for row in sort_rows(rows, sort)) == order
    typed = [{k: (float(v or nan) if k in columns[2:] else v) for k, v in row.items()} for row in rows]
    assert [row["study"] for row in sort_rows(typed, sort)] == list(order)
