"""Simulated reviews: seeds, chunks, what is counted, and the special cases."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import expit, logit
from synthesis.models.bayes import TAU_SCALE, pool_bayes
from synthesis.models.catalogue import ALL_EVENTS, MODELS, NO_EVENTS, OK, ONE_STUDY, pool
from synthesis.tables.coverage import coverage_words, most_alike, read_simulated
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table
from synthesis.variations import simulation
from synthesis.variations.simulation import (
    NUMBERS,
    REVIEWS,
    Scenario,
    characterise,
    draw_reviews,
    fit_reviews,
    gather_simulations_file,
    mass_inside,
    performance,
    scenarios_of,
    simulate_chunk,
    simulate_reviews_file,
    summary,
)
from synthesis.words.terms import is_ok

CHARACTERISTICS, SUMMARY = map(columns_of, ("operating_characteristics", "operating_characteristics_summary"))
SETTINGS = {
    "reviews": 40,
    "chunks": 1,
    "seed": 11,
    "k": [3, 6],
    "incidence": [5],
    "tau": [0, 0.5],
    "models": ["glmm", "betabinom", "logit-reml-hk", "crude"],
    "prior_scales": [],
}
ROWS = ("analysis", "subset", "study", "patients", "use")
ESTIMATES = ("analysis", "subset", "group", "model", "estimate", "tau2", "status")


def row(analysis, study, patients, use="yes", subset="all") -> dict:
    return {"analysis": analysis, "subset": subset, "study": study, "patients": patients, "use": use}


def truth(analysis, estimate="0.1", tau2="0.16", status=OK, **other) -> dict:
    base = {"analysis": analysis, "subset": "all", "group": "", "model": "glmm"}
    return base | {"estimate": float(estimate or "nan"), "tau2": float(tau2 or "nan"), "status": status} | other


FEVER = [row("fever", "a", 50), row("fever", "b", 80), row("fever", "c", 120)]


def scenario(incidence=7.0, tau=0.4, k=4, sizes=(40, 60, 90), source="grid") -> Scenario:
    return Scenario(source, "", float(logit(incidence / 100)), tau, k, sizes)


def run(scenarios, **changes) -> list[dict]:
    settings = SETTINGS | changes
    chunks = [simulate_chunk(scenarios, settings, 0.95, chunk) for chunk in range(settings["chunks"])]
    return characterise(scenarios, chunks, settings, 0.95)


def test_one_three_and_seven_chunks_give_identical_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "BLOCK", 20)
    write_table(tmp_path / "rows.csv", FEVER, ROWS)
    write_table(tmp_path / "estimates.csv", [truth("fever")], ESTIMATES)
    given = [str(tmp_path / "rows.csv")], str(tmp_path / "estimates.csv")
    found = {}
    for chunks in (1, 3, 7):
        settings = SETTINGS | {"chunks": chunks, "reviews": 50}
        files = [str(tmp_path / f"{chunk}_of_{chunks}.csv") for chunk in range(chunks)]
        for chunk, file in enumerate(files):
            simulate_reviews_file(*given, file, settings=settings, level=0.95, chunk=chunk)
        assert all(len(read_table(file)) for file in files)  # every job has its share
        tables = tmp_path / f"table{chunks}.csv", tmp_path / f"summary{chunks}.csv"
        gather_simulations_file(files[::-1], *given, tables, settings=settings, level=0.95)
        found[chunks] = [path.read_bytes() for path in tables]
    assert found[1] == found[3] == found[7]
    assert len(read_table(tables[0])) == (4 + 1) * len(SETTINGS["models"])


def test_a_review_has_a_seed_of_its_own():
    one = scenario()
    events, patients = draw_reviews(one, 5, range(6), 1)
    for review in range(6):
        again = draw_reviews(one, 5, [review], 1)
        assert (again[0][0] == events[review]).all() and (again[1][0] == patients[review]).all()
    assert len({tuple(e) + tuple(n) for e, n in zip(events, patients, strict=True)}) > 1
    for number, seed in ((6, 1), (5, 2)):
        assert (draw_reviews(one, number, range(6), seed)[0] != events).any()


def test_the_same_seed_gives_the_same_table():
    scenarios = [scenario()]
    assert repr(run(scenarios)) == repr(run(scenarios))
    assert repr(run(scenarios, seed=12)) != repr(run(scenarios))


def test_sizes_are_drawn_for_the_grid_and_kept_for_the_data():
    _, drawn = draw_reviews(scenario(k=5), 0, range(30), 1)
    assert drawn.shape == (30, 5) and set(drawn.ravel()) == {40, 60, 90}
    _, own = draw_reviews(scenario(k=3, source="data"), 0, range(4), 1)
    assert (own == [40, 60, 90]).all()


def test_arms_of_one_study_share_its_effect_and_models_without_one_refuse_them():
    arms = Scenario("data", "x", 0.0, 1.0, 3, (4000,) * 4, arms=(2, 1, 1))
    events, patients = draw_reviews(arms, 0, range(400), 1)
    likeness = np.corrcoef(np.log(events / (patients - events)).T)
    assert likeness[0, 1] > 0.99 and abs(likeness[0, 2]) < 0.2
    found = {row["model"]: row for row in run([arms], models=["glmm", "crude", "betabinom", "logit-reml"])}
    assert found["glmm"]["k"] == 3 and found["glmm"]["fitted"] == found["crude"]["fitted"] == 100
    for model in ("betabinom", "logit-reml"):
        assert found[model]["fitted"] == 0 and found[model]["status"].startswith("several arms of one study")
    numbers, _ = fit_reviews("glmm", events[:3], patients[:3], 0.95, arms.study)
    for i in range(3):
        one = pool("glmm", events[i], patients[i], arms.study)
        assert numbers[:, i] == pytest.approx([getattr(one, name) for name in NUMBERS], rel=1e-6)


def test_crude_is_unbiased_and_covers_when_studies_are_alike_and_large():
    # Exact, in R 4.2.2: 100 * sum(dbinom(0:5000, 5000, 0.2)[lo <= 0.2 & 0.2 <= hi]) with qbeta limits, and the same
    # with (hi - lo).
    exact, width = 95.2286600014, 2.23671332201
    alike = scenario(incidence=20, tau=0.0, k=5, sizes=(1000,) * 5)
    (found,) = run([alike], reviews=4000, models=["crude"])
    assert found["fitted"] == 100 and found["status"] == OK and math.isnan(found["tau2_zero"])
    assert abs(found["bias"]) < 3 * found["bias_mcse"]
    assert found["bias_mcse"] == pytest.approx(100 * math.sqrt(0.2 * 0.8 / 5000 / 4000), rel=0.05)
    assert abs(found["coverage"] - exact) < 3 * found["coverage_mcse"] < 1.1
    assert found["width_mean"] == pytest.approx(width, rel=1e-3)
    assert found["bias_of_mean"] == pytest.approx(found["bias"], abs=1e-12)  # τ = 0: mean and median are one


def test_crude_covers_too_rarely_when_studies_differ():
    (found,) = run([scenario(incidence=20, tau=0.8, k=5, sizes=(1000,))], reviews=400, models=["crude"])
    assert found["coverage"] < 60 and found["coverage_of_mean"] < 60
    assert found["mean_incidence"] > found["incidence"]


def test_four_reviews_by_hand():
    # The truth is 20 %. Three reviews answer with 10, 20 and 30 %; the last interval misses. One gives nothing.
    nan = math.nan
    numbers = np.array(
        [
            [0.10, 0.20, 0.30, nan],
            [0.05, 0.10, 0.25, nan],
            [0.25, 0.30, 0.45, nan],
            [0.02, 0.05, nan, nan],
            [0.15, 0.60, nan, nan],
            [0.00, 0.30, 0.00, nan],
        ]
    )
    found = performance(scenario(incidence=20, tau=0.0), numbers, [OK, OK, OK, "did not converge"])
    assert found == pytest.approx(
        {
            "fitted": 75,
            "no_events": 0,
            "all_events": 0,
            "bias": 0,  # (−10 + 0 + 10) / 3
            "bias_mcse": 10 / math.sqrt(3),
            "coverage": 200 / 3,
            "coverage_mcse": 100 * math.sqrt(2 / 9 / 3),
            "width_mean": 20,
            "width_median": 20,
            "bias_of_mean": 0,
            "coverage_of_mean": 200 / 3,
            "coverage_of_mean_mcse": 100 * math.sqrt(2 / 9 / 3),
            "predicted": 50,
            "prediction_coverage": 50,  # τ = 0: a new study's 20 % is in 5–60 and not in 2–15
            "prediction_coverage_mcse": 50,  # standard deviation 100 / √2, over √2
            "prediction_width_mean": 34,  # of 13 and 55
            "tau2_zero": 200 / 3,
            "status": "did not converge (1 of 4)",
        },
        abs=1e-9,
    )


def test_the_probability_inside_an_interval_is_the_logit_normal_one():
    # R 4.2.2: pnorm(qlogis(0.2), qlogis(0.07), 0.4) - pnorm(qlogis(0.02), qlogis(0.07), 0.4), and 0 to 0.1.
    inside = mass_inside(scenario(), np.array([0.02, 0.0, 0.0]), np.array([0.2, 0.1, 1.0]))
    assert inside == pytest.approx([0.998102938333665, 0.834887783878101, 1.0], rel=1e-9)
    assert mass_inside(scenario(tau=0.0), np.array([0.02, 0.08]), np.array([0.2, 0.1])).tolist() == [1, 0]


def test_the_mean_of_the_studies_is_beside_the_median():
    # R 4.2.2: integrate(function(z) plogis(qlogis(0.07) + 0.8 * z) * dnorm(z), -Inf, Inf, rel.tol = 1e-12).
    described = scenario(tau=0.8).describe()
    assert described["incidence"] == pytest.approx(7) and described["mean_incidence"] == pytest.approx(
        8.81580383668727, rel=1e-8
    )


def test_the_many_are_the_single_fits():
    # Batched and single fits agree to 1e-8; the worst seen here is 1.4e-9 (τ² of glmm), 2e-12 in all other models. Of
    # bayes the single fit makes its grid finer until no number moves by 1e-5.
    rare = draw_reviews(scenario(incidence=3, k=5), 0, range(6), 3)
    common = draw_reviews(scenario(incidence=40, k=5, tau=0.8, sizes=(30, 700)), 1, range(6), 3)
    single = np.array([[2, 5, 1]]), np.array([[40, 60, 30]])
    for model, (events, patients) in product(simulation.BATCHES, (rare, common, single)):
        numbers, status = fit_reviews(model, events, patients, 0.9)
        for i, word in enumerate(status):
            one = pool(model, events[i], patients[i], np.arange(events.shape[1]), 0.9)
            assert word == (OK if is_ok(one.status) else one.status)  # what is only remarked on is counted
            agree = 1e-5 if model == "bayes" else 1e-8
            expected = [getattr(one, name) for name in NUMBERS]
            assert numbers[:, i] == pytest.approx(expected, rel=agree, abs=1e-10, nan_ok=True)


def test_every_batch_is_a_model_and_a_model_without_one_is_fitted_singly(monkeypatch):
    assert set(simulation.BATCHES) <= set(MODELS)
    events, patients = draw_reviews(scenario(), 0, range(5), 3)
    many = fit_reviews("crude", events, patients, 0.95)
    monkeypatch.delitem(simulation.BATCHES, "crude")
    assert fit_reviews("crude", events, patients, 0.95)[0] == pytest.approx(many[0], nan_ok=True)


def test_other_prior_scales_are_models_of_their_own():
    rows = run([scenario(k=3)], reviews=3, models=["bayes", "glmm"], prior_scales=[0.25])
    assert [(r["model"], r["prior_scale"]) for r in rows] == [
        ("bayes", TAU_SCALE),
        ("bayes-0.25", 0.25),
        ("glmm", pytest.approx(math.nan, nan_ok=True)),
    ]
    assert rows[1]["prediction_width_mean"] < rows[0]["prediction_width_mean"]  # that much less spread is believed in
    events, patients = draw_reviews(scenario(k=3), 0, range(3), SETTINGS["seed"])
    fits = [pool_bayes(*given, np.arange(3), tau_scale=0.25) for given in zip(events, patients, strict=True)]
    widths = [100 * (fit.pi_high - fit.pi_low) for fit in fits]
    assert rows[1]["prediction_width_mean"] == pytest.approx(np.mean(widths), rel=1e-4)


@pytest.mark.parametrize("model", SETTINGS["models"])
def test_reviews_without_events_or_with_nothing_else_answer_by_the_rules(model):
    events, patients = np.array([[0, 0], [30, 20], [3, 1]]), np.array([[30, 20]] * 3)
    numbers, status = fit_reviews(model, events, patients, 0.95)
    upper = 1 - 0.05 ** (1 / 50)
    assert status == [NO_EVENTS, ALL_EVENTS, OK]
    assert numbers[:3, 0] == pytest.approx([0, 0, upper])
    assert numbers[:3, 1] == pytest.approx([1, 1 - upper, 1])
    assert np.isnan(numbers[3:, :2]).all()  # no prediction, no τ²
    found = performance(scenario(incidence=4), numbers[:, :1], [NO_EVENTS])
    assert found["no_events"] == found["coverage"] == 100 and found["bias"] == pytest.approx(-4)
    assert found["status"] == f"{NO_EVENTS} (1 of 1)"


def test_one_study_is_itself():
    numbers, status = fit_reviews("glmm", np.array([[4]]), np.array([[50]]), 0.95)
    assert status == [ONE_STUDY] and numbers[0, 0] == 0.08


def test_scenarios_come_from_the_grid_and_the_data():
    rows = [
        *FEVER,
        row("fever", "d", 999, use="no"),
        row("fever", "a", 50, subset="product"),
        row("rash", "a", 30),
        row("rash", "b", 70),
        row("cough", "a", 20),
        row("cough", "a", 30),  # two arms of one study
        row("cough", "b", 80),
        row("cough", "c", 90),
    ]
    estimates = [truth("cough", tau2="0", estimate="0.2"), truth("fever"), truth("fever", "0.5", subset="product")]
    grid, data = (
        [s for s in scenarios_of(rows, estimates, SETTINGS) if s.source == source] for source in ("grid", "data")
    )
    assert [(s.k, s.tau) for s in grid] == list(product((3, 6), (0, 0.5)))
    assert all(s.sizes == (30, 50, 50, 70, 80, 80, 90, 120) for s in grid)
    assert all(expit(s.mean) == pytest.approx(0.05) for s in grid)
    assert grid[0].describe()["sizes"] == "drawn from 8 of 30 to 120"
    assert [(s.analysis, s.k, s.sizes) for s in data] == [("fever", 3, (50, 80, 120)), ("cough", 3, (20, 30, 80, 90))]
    assert [s.describe()["sizes"] for s in data] == ["50;80;120", "20+30;80;90"]
    assert [(expit(s.mean), s.tau) for s in data] == [pytest.approx((0.1, 0.4)), pytest.approx((0.2, 0))]
    assert data[0].describe()["sizes"] == "50;80;120"


def test_a_scenario_that_cannot_be_simulated_says_why():
    for estimates, why in (([], "glmm is not among"), ([truth("fever", "", "", "did not converge: x")], "did not")):
        rows = run(scenarios_of(FEVER, estimates, SETTINGS), reviews=5)
        (found,) = (r for r in rows if r["source"] == "data" and r["model"] == "glmm")
        assert why in found["status"] and found["reviews"] == 0 and "coverage" not in found
        by_source = {(s["model"], s["source"]): s for s in summary(rows) if "k" not in s}
        assert by_source["glmm", "data"]["status"] == "no scenario was simulated"
        assert by_source["glmm", "grid"]["scenarios"] == by_source["glmm", "all"]["scenarios"] == 4
    empty = run(scenarios_of([], [], SETTINGS))
    assert {r["status"] for r in empty} == {"no study sizes: nothing is pooled"}


def test_a_missing_review_is_an_error():
    scenarios, settings = [scenario()], SETTINGS | {"models": ["crude"]}
    rows = list(simulate_chunk(scenarios, settings, 0.95, 0))
    assert tuple(rows[0]) == REVIEWS and len(rows) == 40
    with pytest.raises(ValueError, match="scenario 0, crude: reviews are missing"):
        characterise(scenarios, [rows[:-1]], settings, 0.95)


def test_the_tables_have_their_columns_and_the_summary_names_the_worst(tmp_path):
    table = run(scenarios_of(FEVER, [truth("fever")], SETTINGS))
    assert len(table) == 5 * 4 and all(set(r) == set(CHARACTERISTICS) for r in table)
    found = summary(table)
    assert all({"k", "incidence", *r} == set(SUMMARY) for r in found)
    parts = [("all", None), ("grid", None), ("data", None), ("grid", 3), ("grid", 6)]  # the last over both τ
    assert [(r["model"], (r["source"], r.get("k"))) for r in found] == list(product(SETTINGS["models"], parts))
    for r in found:
        chosen = [t for t in table if t["model"] == r["model"] and r["source"] in ("all", t["source"])]
        chosen = [t for t in chosen if "k" not in r or (t["k"], t["incidence"]) == (r["k"], r["incidence"])]
        worst = min(chosen, key=lambda t: t["coverage"])
        assert r["scenarios"] == len(chosen)
        assert r["coverage_mean"] == pytest.approx(np.mean([t["coverage"] for t in chosen]))
        assert (r["coverage_worst"], r["worst_k"], r["worst_tau"]) == (worst["coverage"], worst["k"], worst["tau"])
        assert r["coverage_best"] == max(t["coverage"] for t in chosen)
        assert (r["tau_min"], r["tau_max"]) == tuple(end(t["tau"] for t in chosen) for end in (min, max))
        assert abs(r["bias_worst"]) == max(abs(t["bias"]) for t in chosen)
        assert math.isnan(r["prediction_coverage_mean"]) == (r["model"] == "crude")
    write_table(tmp_path / "table.csv", table, CHARACTERISTICS)
    crude = [r for r in read_table(tmp_path / "table.csv") if r["model"] == "crude"]
    assert all(r["prediction_coverage"] == r["tau2_zero"] == "" and r["predicted"] == "0.0" for r in crude)


def cell(k, incidence, worst, **more) -> dict:
    """Give the line of one number of studies and incidence, as the summary has it."""
    base = {"model": "m", "source": "grid", "k": k, "incidence": incidence, "tau_min": 0.2, "tau_max": 0.8}
    base |= {"level": 95.0, "coverage_worst": worst, "coverage_best": 98.75, "status": OK}
    return base | {"prediction_coverage_worst": 95.4, "prediction_coverage_best": 100.0} | more


GRID = [cell(None, math.nan, 80.0), *(cell(k, p, 90.0 + k) for k in (3, 5) for p in (2.0, 20.0))]
POOL = {"model": "m", "studies": 3, "events": 9, "patients": 200, "estimate": 0.03, "status": OK}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, (3, 2)),
        ({"studies": 4}, (3, 2)),  # of two that are as near, the fewer: intervals cover worst there
        ({"studies": 40, "estimate": 0.9}, (5, 20)),
        ({"estimate": 0.069}, (3, 20)),  # nearer to 2 in points, and to 20 on the logit scale
        ({"estimate": 0.066}, (3, 2)),
        ({"status": "did not converge"}, None),
        ({"studies": 1}, None),
        ({"events": 0, "estimate": 0.0}, None),
        ({"model": "another"}, None),
    ],
)
def test_the_reviews_most_like_a_pool_are_found(changed, found):
    row = most_alike(GRID, POOL | changed, 0.95)
    assert (tuple(row[name] for name in ("k", "incidence")) if row else None) == found
    assert not most_alike(GRID, POOL | changed, 0.9)  # simulated at another level
    assert not most_alike([], POOL | changed, 0.95)


def test_the_sentence_names_what_was_simulated_and_claims_no_more():
    assert coverage_words(cell(3, 6.5, 95.2)) == (
        "In the simulated reviews most like this one (3 studies, 6.5% in the median study, τ 0.2 to 0.8), the 95% "
        "interval held the truth in 95–99% and the 95% prediction interval the proportion of a new study in 95–100%."
    )
    nothing = dict.fromkeys(("prediction_coverage_worst", "prediction_coverage_best"), math.nan)
    alone = coverage_words(cell(20, 2.0, 98.6, tau_min=0.5, tau_max=0.5, level=90.0) | nothing)
    assert alone.endswith("(20 studies, 2% in the median study, τ 0.5), the 90% interval held the truth in 99%.")
    assert coverage_words({}) == ""


def test_a_summary_of_another_version_says_nothing(tmp_path):
    path = tmp_path / "operating_characteristics_summary.csv"
    assert read_simulated("") == []
    path.write_text("model,source,scenarios\nm,all,3\n", encoding="utf-8")
    assert read_simulated(path) == []
    write_table(path, GRID, SUMMARY)
    assert [row["k"] for row in read_simulated(path)] == [None, 3, 3, 5, 5]


@pytest.mark.workflow
def test_the_target_builds_in_a_small_review(copy):
    review = copy
    with (review.folder / "config.yaml").open("a", encoding="utf-8") as config:
        config.write(
            "simulation: {reviews: 150, chunks: 2, k: [4], incidence: [5], tau: [0, 0.5], models: [glmm, crude]}\n"
        )
    jobs = review.build("operating_characteristics")
    assert jobs.count("simulate_reviews") == 2 and jobs.count("gather_simulations") == 1
    head, *rows = review.read("results/operating_characteristics.csv").splitlines()
    assert head == ",".join(CHARACTERISTICS) and len(rows) >= 4
    assert review.read("results/operating_characteristics_summary.csv").startswith("model,prior_scale,source,")
    assert review.build("operating_characteristics") == []
