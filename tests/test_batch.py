"""Thousands of fits at once are the same fits."""

import math
from collections import Counter

import numpy as np
import pytest
from synthesis.models.batch import fit_batch
from synthesis.models.catalogue import OK, pool
from synthesis.models.logistic_normal import arms_of, fit
from synthesis.pools.future import predict_future
from synthesis.selection.arms import counts_of
from synthesis.variations.resampling import (
    all_masks,
    bootstrap,
    plan_blocks,
    resample,
    resample_file,
    resample_part_file,
    sampled_masks,
    subsets,
)
from synthesis.variations.sensitivity import influence, pool_masks
from test_golden_proportions import NAMES, read_data

# Agreement promised: 1e-8 (issue B, point 2). The worst seen is 7e-9 in tau, where the likelihood is flat in it.
AGREE = 1e-8


def single(events, patients):
    best = fit(arms_of(events, patients, np.arange(len(events)), np.ones((len(events), 1))))
    return best.beta[0], np.sqrt(best.covariance[0, 0]), best.tau, best.loglik


def check(events, patients, batch, i):
    # With a million patients a study, rounding of the likelihood itself costs a digit.
    agree = AGREE if patients.max() < 1e5 else 10 * AGREE
    mean, se, tau, loglik = single(events, patients)
    assert batch.mean[i] == pytest.approx(mean, abs=agree * max(1, abs(mean)))
    assert batch.se[i] == pytest.approx(se, rel=10 * agree)
    assert batch.tau[i] == pytest.approx(tau, abs=agree * max(1, tau))
    assert batch.loglik[i] == pytest.approx(loglik, rel=agree / 10, abs=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if "extreme" not in n and len(read_data(n)[0]) > 2])
def test_subsets_of_published_data(name):
    events, patients = read_data(name)
    masks = np.random.default_rng(7).random((12, len(events))) < 0.7
    masks[0] = True
    batch = fit_batch(events, patients, masks)
    for i, mask in enumerate(masks):
        total = events[mask].sum()
        if mask.sum() < 2 or total in (0, patients[mask].sum()):
            assert not batch.ok[i]
        elif batch.ok[i]:
            check(events[mask], patients[mask], batch, i)
        else:  # the likelihood rises for ever: the single fit says so too
            best = fit(arms_of(events[mask], patients[mask], np.arange(mask.sum()), np.ones((mask.sum(), 1))))
            assert not best.converged


@pytest.mark.parametrize("mean", [-5.0, -2.2, 0.0, 3.0])
def test_simulated_reviews(mean):
    random = np.random.default_rng(3)
    patients = random.integers(20, 300, (40, 10))
    events = random.binomial(patients, 1 / (1 + np.exp(-(mean + 0.6 * random.standard_normal((40, 10))))))
    batch = fit_batch(events, patients)
    for i in range(len(events)):
        if batch.ok[i]:
            check(events[i], patients[i], batch, i)
    assert batch.ok.mean() > 0.8


TWO_MAXIMA = {
    "at zero and far out": ([3, 1, 9, 0, 400], [30, 25, 40, 20, 20000]),
    "registers that disagree a little": ([1503, 147, 1578, 20, 2], [20000, 2000, 20000, 31, 25]),
    "a hill between": ([19, 29, 38, 367, 4, 0], [2000, 2000, 2000, 20000, 21, 10]),
}


@pytest.mark.parametrize("name", TWO_MAXIMA)
def test_of_two_maxima_the_higher_one_is_kept_and_the_other_said(name):
    events, patients = (np.array(counts) for counts in TWO_MAXIMA[name])
    one = pool("glmm", events, patients, np.arange(len(events)))
    assert "maxima" in one.status
    table = rows_of(*((f"s{i}", 2000, y, n) for i, (y, n) in enumerate(zip(events, patients, strict=True))))
    found = pool_masks(table, np.ones((1, len(events)), bool))[0]
    assert found["status"] == one.status
    assert found["tau2"] == pytest.approx(one.tau2, rel=1e-7, abs=1e-9)
    numbers_alone = fit_batch(events, patients)
    assert numbers_alone.tau[0] ** 2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-9)


def test_a_tau2_that_cannot_be_known_is_said_wherever_it_is_needed():
    events, patients = np.array([1, 0, 1, 0, 1]), np.ones(5, int)
    one = pool("glmm", events, patients, np.arange(5))
    table = rows_of(*((f"s{i}", 2000, y, 1) for i, y in enumerate(events)))
    found = pool_masks(table, np.ones((1, 5), bool))[0]
    assert found["status"] == one.status and math.isnan(found["tau2"]) and not math.isnan(found["estimate"])
    drawn = bootstrap(table, list(resample(table, 0.95, SETTINGS)), 0.95, SETTINGS)
    assert {row["status"] for row in drawn} == {one.status.removeprefix("ok; ")} and "low" not in drawn[0]
    future = {"thresholds": [5], "patients": 40, "study": 60, "simulations": 20, "seed": 1}
    (row,) = predict_future(table, "x", future)
    assert row["status"] == one.status.removeprefix("ok; ") and math.isnan(row["value"])


def rows_of(*counts) -> list[dict]:
    return [dict(zip(("study", "year", "events", "patients"), row, strict=True)) for row in counts]


REVIEW = rows_of(("a", 2020, 16, 148), ("b", 2021, 8, 127), ("c", 2022, 2, 97), ("d", 2019, 10, 140))
SETTINGS = {"primary": "glmm", "exact_subsets_up_to": 14, "sampled_subsets": 60, "bootstrap": 400, "seed": 5}


def test_pools_of_subsets_equal_the_single_pool():
    masks = all_masks(4)
    for mask, found in zip(masks, pool_masks(REVIEW, masks), strict=True):
        one = pool("glmm", *counts_of([row for row, here in zip(REVIEW, mask, strict=True) if here]))
        assert found["status"] == one.status
        for key in ("k", "events", "patients"):
            assert found[key] == getattr(one, key)
        for key in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2"):
            assert found[key] == pytest.approx(getattr(one, key), rel=1e-6, abs=1e-9, nan_ok=True)


def test_a_subset_without_events_keeps_its_rule():
    rows = rows_of(("a", 2020, 0, 30), ("b", 2021, 0, 40), ("c", 2022, 3, 50))
    found = pool_masks(rows, np.array([[True, True, False]]))[0]
    assert (found["estimate"], found["status"]) == (0.0, "no events: exact upper limit only")


def test_all_subsets_are_there_once_and_the_whole_comes_first():
    found = subsets(resample(REVIEW, 0.95, SETTINGS))
    assert len(found) == len({row["studies"] for row in found}) == 15
    assert found[0]["studies"] == "a;b;c;d"
    assert {row["kind"] for row in found} == {"all"}


def test_a_sample_holds_the_whole_and_every_pair_left_out():
    masks = sampled_masks(16, 400, 1)
    assert len({m.tobytes() for m in masks}) == 400
    out = (~masks).sum(1)
    assert [(out == i).sum() for i in (0, 1)] == [1, 16]
    assert (out == 2).sum() == 120
    assert (masks == sampled_masks(16, 400, 1)).all()


def test_leave_one_out_and_cumulative():
    found = influence(REVIEW)
    kinds = Counter(row["kind"] for row in found)
    assert kinds == {"leave one out": 4, "leave two out": 6, "cumulative": 4}
    cumulative = [row for row in found if row["kind"] == "cumulative"]
    assert [row["study"] for row in cumulative] == ["d", "a", "b", "c"]  # by year
    assert cumulative[-1]["shift"] == pytest.approx(0, abs=1e-12)
    without_a = next(r for r in found if r["kind"] == "leave one out" and r["study"] == "a")
    assert without_a["estimate"] == pytest.approx(
        pool("glmm", [8, 2, 10], [127, 97, 140], [1, 2, 3]).estimate, rel=1e-8
    )


def test_bootstrap_is_reproducible_and_covers_the_estimate():
    first, again = (bootstrap(REVIEW, list(resample(REVIEW, 0.95, SETTINGS)), 0.95, SETTINGS) for _ in range(2))
    assert first == again
    for row in first:
        assert row["low"] <= row["estimate"] <= row["high"]
        assert row["status"] == OK


def test_the_answer_does_not_depend_on_how_many_jobs_share_the_work(tmp_path):
    """As on a cluster: three jobs, each with every third block, give the bytes that one job gives."""
    rows = rows_of(*((f"s{i:02}", 2000 + i, 2 + i % 5, 60 + 7 * i) for i in range(16)))
    settings = SETTINGS | {"sampled_subsets": 1300, "bootstrap": 1300, "subset_models": ["glmm-t"]}
    assert len(plan_blocks(16, settings)[0]) == 9
    written = {}
    for chunks in (1, 3):
        parts = [tmp_path / f"{chunk}_of_{chunks}.csv" for chunk in range(1, chunks + 1)]
        for chunk, part in enumerate(parts, 1):
            resample_part_file(rows, part, level=0.95, settings=settings, chunk=chunk, chunks=chunks)
        out = [tmp_path / f"{chunks}" / f"{name}.csv" for name in ("subsets", "bootstrap")]
        shared = {"parts": parts} if chunks > 1 else {}
        resample_file(rows, *out, analysis="a", level=0.95, settings=settings, **shared)
        written[chunks] = [path.read_bytes() for path in out]
    assert written[1] == written[3]
    assert written[1][0].count(b"\n") == 2601


@pytest.mark.parametrize("model", ["glmm-t", "logit-reml-hk"])
def test_subsets_of_other_models_are_their_single_fits(model):
    """The report lets readers switch the model; what it looks up must be what the model gives."""
    found = [r for r in subsets(resample(REVIEW, 0.95, SETTINGS | {"subset_models": [model]})) if r["model"] == model]
    assert len(found) == 15
    for row in found:
        one = pool(model, *counts_of([used for used in REVIEW if used["study"] in row["studies"].split(";")]))
        assert row["status"] == one.status
        for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2"):
            assert math.isclose(row[name], getattr(one, name), rel_tol=1e-7, abs_tol=1e-12) or math.isnan(row[name])
            assert math.isnan(row[name]) == math.isnan(getattr(one, name))
