"""Rows are not studies: whatever drops, adds, resamples, counts or names studies takes each with all its arms."""

import csv
from itertools import combinations

import numpy as np
import pytest
from conftest import ROOT
from scipy.special import expit, logit
from synthesis.models.batch import fit_batch
from synthesis.models.catalogue import MODELS, pool
from synthesis.pools.future import predict_future_file
from synthesis.selection.arms import used_rows
from synthesis.tables.files import read_table, write_table
from synthesis.tables.pools import pooled_rows
from synthesis.variations.multiverse import pool_sets
from synthesis.variations.resampling import resample_file
from synthesis.variations.sensitivity import leave_out_file
from synthesis.words.terms import is_ok

GOLDEN = ROOT / "tests" / "golden"
NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2")
SETTINGS = {"primary": "glmm", "exact_subsets_up_to": 14, "sampled_subsets": 60, "bootstrap": 40, "seed": 5}
SUBSET_MODELS = ("glmm-t", "logit-reml-hk", "arcsine-reml")
ROWS = ("subset", "use", "study", "label", "year", "arm", "events", "patients", "proportion", "ci_low", "ci_high")

# (study, year, events, patients): several arms in some studies, in no order, years that tie, a year that is missing.
REVIEWS = {
    "plain": [
        *(("d", 2019, 10, 140), ("b", 2021, 8, 60), ("a", 2020, 16, 148), ("b", 2021, 2, 37)),
        *(("c", "", 3, 97), ("b", 2021, 6, 55), ("a", 2020, 30, 90), ("e", 2020, 1, 70)),
    ],
    "rare": [
        *(("a", 2020, 0, 30), ("a", 2020, 0, 22), ("b", 2020, 1, 40), ("c", 2018, 0, 55), ("c", 2018, 0, 12)),
        *(("d", 2022, 2, 61), ("e", 2022, 0, 300), ("e", 2022, 1, 80)),
    ],
    "steep": [
        *(("a", 2020, 0, 15), ("a", 2020, 0, 9), ("b", 2021, 0, 22), ("c", 2018, 18, 20), ("c", 2018, 2, 40)),
        *(("d", 2022, 19, 21), ("e", 2023, 3, 12)),
    ],
    "only one has events": [
        ("a", 2020, 0, 15),
        ("a", 2020, 0, 9),
        ("b", 2021, 0, 22),
        ("c", 2018, 5, 20),
        ("c", 2018, 2, 40),
    ],
    "one study": [("a", 2020, 3, 15), ("a", 2020, 1, 9)],
    "two studies": [("a", 2020, 3, 15), ("a", 2020, 1, 9), ("b", 2019, 6, 30)],
}
NAMES = list(REVIEWS)


def write(folder, review):
    """Write what `rows.csv` needs to hold for the stages that read it."""
    path = folder / "rows.csv"
    table = [
        {"subset": "all", "use": "yes", "study": study, "label": study.title(), "year": year, "arm": f"arm {i}"}
        | {"events": y, "patients": n, "proportion": y / n, "ci_low": 0, "ci_high": 1}
        for i, (study, year, y, n) in enumerate(review)
    ]
    write_table(path, table, ROWS)
    return path


def build(folder, review):
    """Give influence.csv, subsets.csv, bootstrap.csv and future.csv of a review."""
    folder.mkdir(exist_ok=True)
    rows, paths = (
        pooled_rows(used_rows(write(folder, review))),
        [folder / f"{n}.csv" for n in ("influence", "subsets", "bootstrap", "future")],
    )
    leave_out_file(rows, paths[0], analysis="x", level=0.95, primary="glmm")
    resample_file(rows, *paths[1:3], analysis="x", level=0.95, settings=SETTINGS | {"subset_models": SUBSET_MODELS})
    future = {"thresholds": [5, 20], "patients": 40, "study": 60, "simulations": 20, "seed": 1}
    predict_future_file(rows, paths[3], analysis="x", settings=future, level=0.95, primary="glmm")
    return [read_table(path) for path in paths]


def studies_of(review):
    return sorted({study for study, *_ in review})


def single(review, studies, model="glmm"):
    """Pool the rows of some studies, one fit alone."""
    rows = [row for row in review if row[0] in studies]
    return pool(model, [y for *_, y, _ in rows], [n for *_, n in rows], [study for study, *_ in rows])


def agree(row, one, studies):
    """Hold a line of a table against a single fit: status, counts of studies and patients, and every number."""
    assert is_ok(row["status"]) == is_ok(one.status), (row, one)
    if not is_ok(one.status):
        assert row["status"] == one.status
    assert [int(row[c]) for c in ("k", "events", "patients")] == [len(studies), one.events, one.patients]
    for name in NUMBERS:
        value, found = getattr(one, name), row[name]
        assert (found == "") == bool(np.isnan(value)), (name, row, one)
        near = 1e-5 if one.model == "bayes" else 1e-8  # the grids of many fits and of one; 2e-9 seen of the others
        assert found == "" or float(found) == pytest.approx(value, rel=near, abs=1e-10), (name, row, one)


@pytest.fixture(scope="module", params=NAMES)
def built(request, tmp_path_factory):
    review = REVIEWS[request.param]
    return review, build(tmp_path_factory.mktemp("arms"), review)


def test_leaving_out_equals_the_pool_of_the_rows_without_the_study(built):
    review, (influence, *_) = built
    studies, whole = studies_of(review), single(review, studies_of(review))
    for kind, size in (("leave one out", 1), ("leave two out", 2)):
        rows = [row for row in influence if row["kind"] == kind]
        wanted = list(combinations(studies, size)) if len(studies) > size else []
        assert [tuple(row["study"].split(";")) for row in rows] == wanted
        for row, gone in zip(rows, wanted, strict=True):
            left = [study for study in studies if study not in gone]
            one = single(review, left)
            agree(row, one, left)
            if row["shift"]:
                assert float(row["shift"]) == pytest.approx(one.estimate - whole.estimate, abs=1e-8)


def test_studies_are_added_by_year_and_name_and_end_at_the_pool_pooled_rows(built):
    review, (influence, *_) = built
    rows = [row for row in influence if row["kind"] == "cumulative"]
    order = sorted({(year or 9999, study) for study, year, *_ in review})
    assert [row["study"] for row in rows] == ([study for _, study in order] if len(order) > 1 else [])
    for at, row in enumerate(rows, 1):
        so_far = [study for _, study in order[:at]]
        agree(row, single(review, so_far), so_far)
    if rows and rows[-1]["shift"]:
        assert abs(float(rows[-1]["shift"])) < 1e-8


@pytest.mark.parametrize("model", ["glmm", *SUBSET_MODELS])
def test_every_subset_names_each_study_once_and_is_the_pool_of_its_rows(built, model):
    review, (_, subsets, *_) = built
    rows = [row for row in subsets if row["model"] == model]
    studies = studies_of(review)
    assert {row["kind"] for row in rows} == {"all"}
    assert len(rows) == len({row["studies"] for row in rows}) == 2 ** len(studies) - 1
    assert rows[0]["studies"].split(";") == studies
    for row in rows:
        inside = row["studies"].split(";")
        assert inside == sorted(set(inside))
        agree(row, single(review, inside, model), inside)


def same(rows, others):
    """Hold two tables against each other: words letter by letter, numbers to what the order of a sum leaves of them."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        for name, text in row.items():
            assert (text == other[name]) or float(text) == pytest.approx(float(other[name]), rel=1e-8), (
                name,
                row,
                other,
            )


def test_order_of_rows_changes_nothing(built, tmp_path):
    review, tables = built
    again = build(tmp_path / "again", sorted(review, key=lambda row: row[3]))
    for rows, others in zip(tables, again, strict=True):
        same(rows, others)


def test_names_of_studies_change_no_number(built, tmp_path):
    review, (influence, subsets, *_) = built
    letters = dict(zip("abcde", "edcba", strict=True))
    back = str.maketrans(letters)
    again = build(tmp_path / "renamed", [(letters[study], *rest) for study, *rest in review])

    def by_studies(rows, column, flip):
        table = {}
        for row in rows:
            named = row[column].translate(back) if flip else row[column]
            table[row["kind"], row["model"], frozenset(named.split(";"))] = row
        return table

    for rows, renamed, column in ((subsets, again[1], "studies"), (influence, again[0], "study")):
        rows, renamed = ([r for r in t if r["kind"] != "cumulative"] for t in (rows, renamed))
        was, now = by_studies(rows, column, False), by_studies(renamed, column, True)
        assert was.keys() == now.keys()
        for key, row in was.items():
            for name in NUMBERS:
                assert (row[name] == "") == (now[key][name] == "")
                assert row[name] == "" or float(now[key][name]) == pytest.approx(float(row[name]), rel=1e-6, abs=1e-8)


def test_a_study_in_arms_is_the_study_in_one_row_where_the_model_shares_its_effect(built, tmp_path):
    """Splitting a study changes no pool, no bootstrap sample and no prediction: only how many rows were read."""
    review, tables = built
    totals = [
        (
            study,
            next(year for s, year, *_ in review if s == study),
            *(sum(r[i] for r in review if r[0] == study) for i in (2, 3)),
        )
        for study in studies_of(review)
    ]
    joined = build(tmp_path / "joined", totals)
    for rows, others in zip(tables, joined, strict=True):
        # Models without a study effect give no number for arms.
        same(*([row for row in table if row.get("model") not in SUBSET_MODELS[1:]] for table in (rows, others)))


def test_the_bootstrap_spreads_as_far_as_studies_that_share_an_effect_do(tmp_path):
    """Twelve studies of four arms each: were every arm drawn by itself, the interval would be half as wide."""
    random = np.random.default_rng(4)
    effects = expit(-1 + 1.0 * random.standard_normal(12))
    review = [(f"s{i:02}", 2000, int(random.binomial(200, p)), 200) for i, p in enumerate(effects) for _ in range(4)]
    rows = used_rows(write(tmp_path, review))
    settings = SETTINGS | {"exact_subsets_up_to": 3, "sampled_subsets": 80, "bootstrap": 600}
    resample_file(
        rows, tmp_path / "subsets.csv", tmp_path / "bootstrap.csv", analysis="x", level=0.95, settings=settings
    )
    found = read_table(tmp_path / "bootstrap.csv")[0]
    one = pool("glmm", *zip(*[(y, n) for *_, y, n in review], strict=True), [study for study, *_ in review])
    width = logit(float(found["high"])) - logit(float(found["low"]))
    # The interval of a mean over twelve studies: 2 × 1.96 × τ / √12, within the noise of 600 replicates.
    assert width == pytest.approx(2 * 1.96 * one.se, rel=0.2)


@pytest.mark.parametrize("primary", ["glmm-t", "logit-reml-hk", "arcsine-reml", "bayes"])
def test_what_is_left_out_is_left_out_of_the_headline_model(primary, tmp_path):
    review = REVIEWS["plain"]
    rows = used_rows(write(tmp_path, review))
    influence, subsets, drawn = (tmp_path / f"{name}.csv" for name in ("influence", "subsets", "bootstrap"))
    leave_out_file(rows, influence, analysis="x", level=0.95, primary=primary)
    resample_file(rows, subsets, drawn, analysis="x", level=0.95, settings=SETTINGS | {"primary": primary})
    studies = studies_of(review)
    last, first = read_table(influence)[-1], read_table(subsets)[0]
    for row in (last, first):
        assert row["model"] == primary
        agree(row, single(review, studies, primary), studies)


def test_the_batch_is_the_single_fit_on_arms():
    random = np.random.default_rng(8)
    for mean in (-4, -1.5, 0.5):
        study = np.repeat(np.arange(7), [1, 2, 3, 1, 2, 1, 3])
        patients = random.integers(10, 120, len(study))
        events = random.binomial(patients, expit(mean + 0.8 * random.standard_normal(7)[study]))
        totals = [np.bincount(study, counts) for counts in (events, patients)]
        batch, one = fit_batch(*totals, np.ones((1, 7), bool)), pool("glmm", events, patients, study)
        assert batch.ok[0] == is_ok(one.status)
        assert batch.mean[0] == pytest.approx(logit(one.estimate), abs=1e-8)
        assert batch.tau[0] == pytest.approx(one.tau2**0.5, abs=1e-7)
        assert batch.proportions()["pi_high"][0] == pytest.approx(one.pi_high, rel=1e-7)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_specifications_with_arms_are_the_single_pools(model):
    sets = [tuple((study, y, y, n) for study, _, y, n in review) for review in REVIEWS.values()]
    for used, row in zip(sets, pool_sets(model, sets), strict=True):
        study, events, _, patients = zip(*used, strict=True)
        one = pool(model, events, patients, study)
        assert (row["k"], row["studies"], row["status"]) == (one.k, one.studies, one.status)
        for name in NUMBERS:
            assert row[name] == pytest.approx(getattr(one, name), rel=1e-6, abs=1e-8, nan_ok=True)


@pytest.mark.parametrize("model", ["glmm", "glmm-t", "bayes"])
def test_heterogeneity_is_that_of_studies_however_many_arms_they_have(model):
    """Base R, of the totals of each study: deviance(glm(cbind(y, n - y) ~ 1, binomial)) = 34.9571788422732."""
    one = single(REVIEWS["plain"], list("abcde"), model)
    assert (one.k, one.studies, one.q_df) == (8, 5, 4)
    assert one.q == pytest.approx(34.9571788422732, rel=1e-12)
    y, n = [16 + 30, 16, 3, 10, 1], [148 + 90, 60 + 37 + 55, 97, 140, 70]
    assert one.i2 == pytest.approx(pool(model, y, n, list("abcde")).i2, rel=1e-8)


def golden():
    with (GOLDEN / "reference_leave_out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [row for row in rows if row["dataset"] == name] for name in dict.fromkeys(r["dataset"] for r in rows)}


@pytest.mark.parametrize("name", golden())
def test_r_leaves_out_the_same(name, tmp_path):
    """R with 25 nodes: 4e-8 in mu and 1.4e-7 in τ² are the worst seen."""
    with (GOLDEN / "grouped" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        review = [(row["study"], 2000, int(row["events"]), int(row["patients"])) for row in csv.DictReader(file)]
    rows = used_rows(write(tmp_path, review))
    leave_out_file(rows, tmp_path / "influence.csv", analysis="x", level=0.95, primary="glmm")
    ours = {r["study"]: r for r in read_table(tmp_path / "influence.csv") if r["kind"] == "leave one out"}
    ours[""] = [r for r in read_table(tmp_path / "influence.csv") if r["kind"] == "cumulative"][-1]
    assert ours.keys() == {row["left_out"] for row in golden()[name]}
    for row in golden()[name]:
        found = ours[row["left_out"]]
        value = logit(float(found["estimate"])) if row["quantity"] == "mu" else float(found["tau2"])
        tolerance = {"mu": 1e-7, "tau2": 1e-6}[row["quantity"]]
        assert value == pytest.approx(float(row["value"]), rel=tolerance, abs=tolerance), row
