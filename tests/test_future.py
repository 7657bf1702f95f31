"""What is predicted of a new study: against R's pt and integrate, against brute force, and against single refits."""

import csv
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from synthesis.models.catalogue import NO_EVENTS, OK, Pooled, pool
from synthesis.pools.future import (
    FEW,
    draw_studies,
    predict_counts,
    predict_future,
    predict_future_file,
    refit_with,
)
from synthesis.pools.new_study import prediction_of, student
from synthesis.report import answers
from synthesis.selection.arms import counts_of
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table

GOLDEN = Path(__file__).parent / "golden"
DATA = ("pritz1997", "rare12", "nielweise2007_treated", "hine1989_treated", "axfors2021_treated")
SETTINGS = {"thresholds": [5, 10, 20], "patients": 50, "study": 100, "simulations": 300, "seed": 7}


def read_data(name: str) -> list[dict]:
    """Give a published data set as the used rows of an analysis."""
    rows = pd.read_csv(
        GOLDEN / "datasets" / f"{name}.csv", usecols=["study", "events", "patients"], dtype={"study": str}
    )
    return rows.to_dict("records")


def rows_of(study: str, events: list[int], patients: list[int]) -> list[dict]:
    columns = zip(study, events, patients, strict=True)
    return [{"study": s, "events": y, "patients": n} for s, y, n in columns]


def glmm(rows: list[dict]) -> Pooled:
    return pool("glmm", *counts_of(rows))


def read_reference() -> dict:
    """Give data set → quantity → R's value."""
    table = {name: {} for name in DATA}
    with open(GOLDEN / "reference_rates.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["model"] == "future":
                table[row["dataset"]][row["quantity"]] = float(row["value"])
    return table


REFERENCE = read_reference()


def of(table: list[dict], quantity: str) -> list[dict]:
    """Give the rows of a quantity."""
    return [row for row in table if row["quantity"] == quantity]


@pytest.mark.parametrize("name", DATA)
def test_probabilities_agree_with_r(name):
    rows = read_data(name)
    prediction = prediction_of(glmm(rows), rows)
    reference = REFERENCE[name]
    for threshold in (5, 10, 20):
        expected = reference[f"probability_above[{threshold}]"]
        assert prediction.above(threshold / 100) == pytest.approx(expected, rel=1e-6)  # worst 1e-8
    probability = prediction.count_probabilities(50)
    assert probability.sum() == pytest.approx(1, abs=1e-12)
    mean = float(np.arange(51) @ probability)
    assert mean == pytest.approx(reference["events_mean[50]"], rel=1e-7)
    for count in (0, 1, 2, 5, 10, 25):
        assert np.cumsum(probability)[count] == pytest.approx(reference[f"cdf[{count}]"], rel=1e-7)


def test_the_prediction_interval_holds_its_share():
    rows = read_data("pritz1997")
    pooled = glmm(rows)
    prediction = prediction_of(pooled, rows)
    assert prediction.above(pooled.pi_low) == pytest.approx(0.975, abs=1e-9)
    assert prediction.above(pooled.pi_high) == pytest.approx(0.025, abs=1e-9)


@pytest.mark.parametrize("prediction", [student(-2.7, 0.5, 3), student(-1.2, 2.0, 2), student(0.3, 0.1, 20)])
def test_predicted_counts_agree_with_brute_force(prediction):
    """The ends are quantiles: the simulated share at or below each is the exact one within 4 standard errors."""
    draws, patients = 400_000, 50
    events = draw_studies(prediction, patients, draws, seed=3)
    mean, median, low, high = predict_counts(prediction, patients, 0.95)
    assert mean == pytest.approx(events.mean(), abs=4 * events.std() / draws**0.5)
    cumulative = np.cumsum(prediction.count_probabilities(patients))
    simulated = np.cumsum(np.bincount(events, minlength=patients + 1)) / draws
    error = np.sqrt(cumulative * (1 - cumulative).clip(0) / draws)
    assert np.all(np.abs(simulated - cumulative) <= 4 * error + 1e-6)
    assert (median, low, high) == tuple(np.quantile(events, [0.5, 0.025, 0.975], method="inverted_cdf"))


def test_without_heterogeneity_or_doubt_the_counts_are_binomial():
    from scipy.stats import binom

    probability = student(logit(0.2), 1e-9, 4).count_probabilities(30)
    assert probability == pytest.approx(binom.pmf(np.arange(31), 30, 0.2), abs=1e-7)


def test_a_refit_of_the_batch_is_the_single_refit():
    rows = read_data("rare12")
    new = [0, 2, 11, 60]
    for events, found in zip(new, refit_with(rows, np.array(new), 100, "glmm", 0.95), strict=True):
        single = glmm([*rows, {"study": "new", "events": events, "patients": 100}])
        for name in ("ci_low", "ci_high", "pi_low", "pi_high"):
            assert found[name] == pytest.approx(getattr(single, name), rel=1e-6)


def test_expected_widths_are_means_over_the_draws():
    rows = read_data("rare12")
    pooled = glmm(rows)
    table = predict_future(rows, "x", SETTINGS)
    every = refit_with(rows, draw_studies(prediction_of(pooled, rows), 100, 300, 7), 100, "glmm", 0.95)
    for name in ("ci", "pi"):
        after = np.array([fit[f"{name}_high"] - fit[f"{name}_low"] for fit in every])
        now = getattr(pooled, f"{name}_high") - getattr(pooled, f"{name}_low")
        assert of(table, f"{name}_width_now")[0]["value"] == pytest.approx(now)
        (row,) = of(table, f"{name}_width_after")
        assert row["value"] == pytest.approx(after.mean(), rel=1e-9)
        assert row["mc_error"] == pytest.approx(after.std(ddof=1) / 300**0.5, rel=1e-9)
        assert row["low"] < row["value"] < row["high"]
        assert of(table, f"{name}_narrower")[0]["value"] == pytest.approx(np.mean(after < now))


def test_the_same_seed_gives_the_same_table_and_another_does_not():
    rows = read_data("rare12")
    first, again, other = (
        [row["value"] for row in predict_future(rows, "x", {**SETTINGS, "seed": seed})] for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


def test_every_quantity_is_described_and_given_once_a_threshold(tmp_path):
    about = {"analysis": "x", "settings": SETTINGS, "level": 0.95, "primary": "glmm"}
    predict_future_file(read_data("rare12"), tmp_path / "future.csv", **about)
    table = read_table(tmp_path / "future.csv")
    assert list(table[0]) == columns_of("future")
    assert {row["quantity"] for row in table} == set(answers.FUTURE)
    assert [row["threshold"] for row in table[:5]] == ["5", "10", "20", "50", "50"]
    assert {row["status"] for row in table} == {OK}
    assert [row["mc_error"] != "" for row in table] == [False] * 6 + [True] * 2 + [False] + [True] * 2


def test_fewer_than_three_studies_predict_nothing():
    rows = rows_of("ab", [3, 4], [30, 50])
    (row,) = predict_future(rows, "x", SETTINGS)
    assert row["status"] == FEW and math.isnan(row["value"])
    (row,) = predict_future([], "x", SETTINGS)
    assert row["status"] == FEW


def test_no_events_predict_nothing():
    rows = rows_of("abc", [0, 0, 0], [30, 50, 20])
    (row,) = predict_future(rows, "x", SETTINGS)
    assert row["status"] == NO_EVENTS


def test_arms_of_one_study_are_not_taken_for_studies():
    rows = rows_of("aabc", [3, 1, 2, 6], [30, 20, 50, 70])
    table = predict_future(rows, "x", SETTINGS)
    whole = rows_of("abc", [4, 2, 6], [50, 50, 70])
    for found, as_studies in zip(table, predict_future(whole, "x", SETTINGS), strict=True):
        assert found["value"] == pytest.approx(as_studies["value"], rel=1e-6, nan_ok=True)
        assert found["status"] == OK


def test_a_threshold_at_the_median_is_even():
    assert student(-2.0, 0.7, 4).above(float(expit(-2.0))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "model", ["glmm-t", "logit-reml-hk", "arcsine-reml", "log-reml", "ft-dl", "betabinom", "bayes"]
)
def test_each_model_predicts_by_its_own_interval(model):
    """The ends of the prediction interval hold their share; draws, sums and quantiles are of one distribution."""
    rows = rows_of("abcdefgh", [9, 16, 12, 30, 7, 22, 11, 35], [60, 55, 70, 90, 48, 66, 80, 110])
    pooled = pool(model, *counts_of(rows))
    prediction = prediction_of(pooled, rows)
    assert prediction.above(pooled.pi_low) == pytest.approx(0.975, abs=1e-6)
    assert prediction.above(pooled.pi_high) == pytest.approx(0.025, abs=1e-6)
    assert prediction.weights.sum() == pytest.approx(1, abs=1e-9)
    assert prediction.quantiles([0.025, 0.975]) == pytest.approx([pooled.pi_low, pooled.pi_high], rel=2e-3, abs=1e-4)
    drawn = prediction.draw(np.random.default_rng(2), 100_000)
    mean, deviation = drawn.mean(), drawn.std()
    assert prediction.nodes @ prediction.weights == pytest.approx(mean, abs=4 * deviation / 100_000**0.5)
    assert np.mean(drawn > 0.3) == pytest.approx(prediction.above(0.3), abs=0.007)
    probability = prediction.count_probabilities(40)
    assert probability.sum() == pytest.approx(1, abs=1e-9)
    assert probability @ np.arange(41) / 40 == pytest.approx(prediction.nodes @ prediction.weights, rel=1e-9)


def test_a_prediction_of_another_scale_brings_quantiles():
    rows, settings = read_data("nielweise2007_treated"), SETTINGS | {"simulations": 5}
    for primary, many in (("glmm", 0), ("glmm-t", 0), ("logit-reml-hk", 0), ("arcsine-reml", 199), ("betabinom", 199)):
        found = of(predict_future(rows, "x", settings, primary=primary), "quantile")
        assert len(found) == many
        assert all(one["value"] <= other["value"] for one, other in pairwise(found))
