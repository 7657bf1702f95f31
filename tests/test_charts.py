"""The charts of an analysis are checked by what is on them: texts, places, overlaps, numbers. Never by pixels.

Most tables here are made up around crude pools: what a model gives is tested elsewhere, what a chart prints is tested
here. Where a chart derives something from a model's numbers (a density, a band), the model itself stands beside it.
"""

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations, product
from math import comb, log, nan, sqrt

import numpy as np
import pytest
from conftest import ROOT
from matplotlib.text import Text
from page_checks import find_off_page, find_overlaps
from synthesis.figures import bubble, density, funnel, specification, subsets, window
from synthesis.figures.charts import CHARTS, draw_charts, draw_charts_file
from synthesis.figures.kit import layout
from synthesis.figures.kit.axes import nice_ticks
from synthesis.figures.kit.labels import spread, touch
from synthesis.figures.kit.pdf_fonts import light_fonts
from synthesis.figures.kit.readings import FigureText, Readings, values_of, version_line
from synthesis.figures.kit.save import save_drawing
from synthesis.models.proportions import clopper_pearson
from synthesis.tables.declared import columns_of, write
from synthesis.words import formatting as fmt
from synthesis.words.model_names import MODEL_NAMES, SHORT_NAMES
from typed_rows import typed

TEXT = FigureText(
    title="Fever of any cause",
    version_line="Data version 1.0.0 · rows 0123456 · literature to 2026-01-01",
    note="Definitions differ between the studies.",
    max_days=100,
)
MODERATORS = {
    "year": {"label": "Year of publication", "unit": "", "characteristic": None},
    "dose": {"label": "Median dose", "unit": "mg", "characteristic": "median_dose"},
}
REVIEW, UNIT = {"version": "1.0.0", "search": "2026-01-01"}, {"unit": "patients"}
MODELS = {"level": 0.95, "primary": "glmm", "draw_prediction_from": 5}
FIGURES = {"preset": "default", "palette": "default", "sort": "year"}
LONG = "Abcdefghij-Klmnopqrstuvw, Xyzabcdefghi & Jklmnopqrstuvw 2021"
NAMES = [LONG, "دراسة القاهرة 2022", "Cost $5 and $6 <b> 2020", "Line\nbreak\t2019", "\u202eReversed 2018"]


def interval(events, patients, wide=1.0):
    """Give a made-up pool of counts: crude, on the logit scale; exact where there is nothing to model."""
    k, y, n = len(events), sum(events), sum(patients)
    base = {"k": k, "studies": k, "events": y, "patients": n, "estimate": y / n}
    if k == 1 or y in (0, n):
        low, high = (float(v) for v in clopper_pearson(y, n))
        status = "one study: not pooled" if k == 1 else "no events: exact upper limit only"
        return base | {"ci_low": low, "ci_high": high, "status": status}
    se, tau2 = wide * sqrt(1 / y + 1 / (n - y)), (sum(events[::2]) % 7) / 20
    half, more = 1.96 * se, 2.5 * sqrt(tau2 + se**2)
    middle = log(y / (n - y))
    limits = {"ci_low": -half, "ci_high": half} | ({"pi_low": -more, "pi_high": more} if k > 2 else {})
    shown = {key: 1 / (1 + np.exp(-middle - value)) for key, value in limits.items()}
    return base | shown | {"se": se, "tau2": tau2, "status": "ok"}


def make_rows(k, seed=1):
    """Make rows.csv: k pooled studies, and two counts that are not pooled."""
    rng = np.random.default_rng(seed)
    patients = rng.integers(12, 900, k + 2)
    events = rng.binomial(patients, rng.beta(2, 22, k + 2))
    windows = ["30", "90", "90", "100", "unstated"]
    rows = []
    for i, (y, n) in enumerate(zip(events.tolist(), patients.tolist(), strict=True)):
        low, high = clopper_pearson(y, n)
        used = i < k
        rows.append(
            {
                "subset": "all",
                "group": "",
                "study": f"study{i}",
                "label": NAMES[i] if i < len(NAMES) and k > 4 else f"{'ABCDEFG'[i % 7]}uthor {2000 + i}",
                "arm": "all",
                "arm_label": "all",
                "year": 2000 + i if i != 1 else "",
                "outcome": "fever",
                "definition": "any",
                "events": y,
                "patients": n,
                "window": windows[i % 5] if used else ["400", "unstated"][i - k],
                "use": "yes" if used else "no",
                "proportion": y / n,
                "ci_low": float(low),
                "ci_high": float(high),
            }
        )
    return rows if k else rows[:0]


def make_data(k):
    """Make all tables of an analysis with k pooled studies."""
    rows = make_rows(k)
    used = [row for row in rows if row["use"] == "yes"]
    y, n = ([row[key] for row in used] for key in ("events", "patients"))
    whole = interval(y, n) if k else {}
    base = {"subset": "all", "group": "", "model": "glmm", "test": nan}
    estimates = [base | whole] if k else []

    def pool(members):
        return {"model": "glmm"} | interval([y[i] for i in members], [n[i] for i in members])

    influence, everyone = [], range(k)
    for i in everyone if k > 1 else ():
        found = pool([j for j in everyone if j != i])
        shift = found["estimate"] - whole["estimate"]
        row = {"kind": "leave one out", "study": used[i]["study"], "label": used[i]["label"], "shift": shift}
        influence.append(row | found)
    for i in everyone if k > 1 else ():
        row = {"kind": "cumulative", "study": used[i]["study"], "label": used[i]["label"]}
        influence.append(row | pool(range(i + 1)))
    kind, sets = "all", [s for size in range(k, 0, -1) for s in combinations(everyone, size)] if k <= 12 else []
    if k > 12:
        rng, kind = np.random.default_rng(2), "sampled"
        sets = [tuple(everyone), *(tuple(np.flatnonzero(rng.random(k) < 0.6).tolist()) for _ in range(900))]
    several = [pool(s) | {"kind": kind, "studies": ";".join(used[i]["study"] for i in s)} for s in sets]
    tables = {
        "rows": rows,
        "estimates": estimates,
        "influence": influence,
        "subsets": several,
        **make_multiverse(used),
        **make_regression(used),
        "future": make_future(whole),
        "small_study": make_tests(k),
    }
    return Readings(**{name: typed(name, table) for name, table in tables.items()})


def make_multiverse(used):
    """Make a table of specifications: 4 models, windows, and one choice more."""
    table = []
    for model, days, derived in product(
        ["glmm", "logit-reml-hk", "bayes", "crude"], ["100", "30", "400"], ["in", "out"]
    ):
        kept = used[: len(used) - (days == "30") - (derived == "out")]
        found = interval([r["events"] for r in kept], [r["patients"] for r in kept], 1 + len(model) / 9) if kept else {}
        none = {
            "k": 0,
            "studies": 0,
            "events": 0,
            "patients": 0,
            "estimate": nan,
            "ci_low": nan,
            "status": "no studies",
        }
        fixed = dict.fromkeys(specification.CHOICES, "in") | {"model": model, "window": days, "derived": derived}
        fixed |= {"prior": 0.5 if model == "bayes" else nan, "departures": f"window {days}, derived {derived}"}
        row = {"specification": f"{model}{days}{derived}", "ci_high": nan, **fixed, **none, **found}
        row["primary"] = "yes" if (model, days, derived) == ("glmm", "100", "in") else "no"
        table.append(row | {"studies_used": ";".join(r["study"] for r in kept)})
    pooled = [row["estimate"] for row in table if row["studies"] > 1]
    summary = {"specifications": len(table), "estimate_median": float(np.median(pooled)) if pooled else nan}
    return {"multiverse": table, "multiverse_summary": [summary]}


def make_regression(used):
    """Make a fitted moderator and one with two values."""
    fit = {
        "kind": "continuous",
        "model": "glmm",
        "slope": -0.04,
        "se": 0.03,
        "centre": 2004.0,
        "intercept": -2.3,
        "intercept_se": 0.2,
        "covariance": 0.001,
        "or_per_unit": 0.961,
        "or_ci_low": 0.906,
        "or_ci_high": 1.019,
        "lr": 1.545,
        "lr_df": 1,
        "lr_p": 0.2139,
        "wald_df2": nan,
        "permutation_p": 0.2512,
        "status": "ok; exploratory: fewer than 10 studies" if len(used) < 10 else "ok",
    }
    none = dict.fromkeys(fit, nan) | {"kind": "continuous", "model": "glmm", "status": "fewer than three: not fitted"}
    years = [row["year"] or nan for row in used]
    known = sum(year == year for year in years)
    fits = [{"moderator": "year"} | (fit if known > 2 else none), {"moderator": "dose"} | none]
    values = [
        {"moderator": name, **{key: row[key] for key in ("study", "label", "arm")}, "value": value}
        for name, column in (("year", years), ("dose", [2.5, 3.5] + [nan] * 60))
        for row, value in zip(used, column, strict=False)
    ]
    return {"regression": fits, "moderators": values}


def make_future(whole):
    """Make future.csv by the definition of its distribution."""
    if whole.get("status") != "ok" or whole["k"] < 3:
        return [{"quantity": "", "threshold": nan, "value": nan, "status": "fewer than three studies: no prediction"}]
    below = density.probability_below(*typed("estimates", [whole]), [])
    return [
        {
            "quantity": "probability_above",
            "threshold": float(t),
            "value": float(1 - below(t / 100)),
            "status": "ok",
        }
        for t in (5, 10, 20)
    ]


def make_tests(k):
    """Make small_study.csv."""
    if k < 10:
        return [{"test": test, "status": f"{k} studies, fewer than 10: not tested"} for test in ("egger", "peters")]
    given = {"df": k - 2, "status": "ok"}
    return [
        {"test": "egger", "statistic": -2.341, "p": 0.0212} | given,
        {"test": "peters", "statistic": 0.512, "p": 0.6104} | given,
    ]


SIZES = (0, 1, 2, 4, 12, 60)
DATA = {k: make_data(k) for k in SIZES}
NAMED = [*CHARTS, "bubble_year", "bubble_dose"]
DRAWN = {  # studies from which a chart is drawn, here
    "leave_one_out": 3,
    "cumulative": 2,
    "specification_curve": 2,
    "subsets": 3,
    "window": 1,
    "funnel": 10,
    "prediction": 5,
    "bubble_year": 4,  # one study has no year
    "bubble_dose": 99,
}


def draw(k, text=TEXT, data=None):
    """Draw every chart of k studies."""
    return dict(draw_charts(data or DATA[k], text, MODERATORS))


DEFAULT = {k: draw(k) for k in SIZES}


def words(drawing):
    """Give every text on the pages, in order of drawing."""
    return [t.get_text() for page in drawing.pages for t in page.findobj(Text) if t.get_text()]


def notes(drawing):
    """Give all texts as one, so that a wrapped note can be found."""
    return " ".join(words(drawing))


@pytest.mark.parametrize("k", SIZES)
def test_every_chart_is_there_and_says_when_it_is_not_drawn(k):
    assert list(DEFAULT[k]) == NAMED
    for name, drawing in DEFAULT[k].items():
        missing = drawing.desc.startswith("Not drawn: ")
        assert missing == (k < DRAWN[name]), (name, drawing.desc)
        assert len(drawing.title) > 10 and len(drawing.desc) > 30
        if missing:
            assert drawing.desc.endswith(".") and drawing.desc.count(".") == 1, "one sentence"
            assert drawing.desc in notes(drawing)
            assert drawing.pages[0].get_figheight() * 25.4 < 30, "a short page"


@pytest.mark.parametrize(("preset", "k"), [*product(["default"], SIZES), ("slide", 12), ("slide", 1), ("bmj", 4)])
def test_nothing_overlaps_or_leaves_the_page(k, preset):
    charts = DEFAULT[k] if preset == "default" else draw(k, replace(TEXT, preset=preset))
    for name, drawing in charts.items():
        for page in drawing.pages:
            assert find_overlaps(page) == [], name
            assert find_off_page(page) == [], name
            assert page.get_figheight() * 25.4 <= 297, name


@pytest.mark.parametrize(("name", "kind"), [("leave_one_out", "leave one out"), ("cumulative", "cumulative")])
@pytest.mark.parametrize("k", [4, 12])
def test_every_line_of_pools_prints_its_row(name, kind, k):
    rows = [*(row for row in DATA[k].influence if row["kind"] == kind), *DATA[k].estimates]
    printed = words(DEFAULT[k][name])
    for row in rows:
        full = fmt.format_percent_interval(*values_of(row, "estimate", "ci_low", "ci_high"))
        expected = [*full.split(" ", 1), fmt.format_count(row["events"]), fmt.format_tau2(row["tau2"])]
        for text in [*expected, fmt.format_count(row["patients"])]:
            assert text in printed, (row.get("label", "all"), text)
    assert f"All studies (k = {k})" in printed


def test_leaving_one_out_follows_the_order_of_the_forest_plot_and_names_the_largest_change():
    drawing = DEFAULT[4]["leave_one_out"]
    rows = [row for row in DATA[4].influence if row["kind"] == "leave one out"]
    labels = [text for text in words(drawing) if text in {row["label"] for row in rows}]
    assert labels == ["Author 2000", "Cuthor 2002", "Duthor 2003", "Buthor 2001"], "the year of study 1 is missing"
    most = max(rows, key=lambda row: abs(row["shift"]))
    before, after = (fmt.format_percent(row["estimate"]) for row in (DATA[4].estimates[0], most))
    assert f"Largest change: without {most['label']} the pooled value is {after}% instead of {before}%." in drawing.desc


def test_a_pool_without_a_model_carries_a_dagger_and_no_claim():
    drawing = DEFAULT[4]["cumulative"]
    assert "Author 2000†" in words(drawing)
    assert "† One study: not pooled." in notes(drawing).replace("† one", "† One")
    assert "+ Buthor 2001" in words(drawing)
    assert "1 study without a year last." in notes(drawing)


def test_the_specification_curve_is_sorted_and_marks_the_primary_one():
    data = DATA[12]
    rows = specification.pools_of(data.multiverse)
    values = [row["estimate"] for row in rows]
    assert values == sorted(values) and len(values) == 24
    drawing = DEFAULT[12]["specification_curve"]
    primary = next(row for row in rows if row["primary"] == "yes")
    printed = fmt.format_percent_interval(*values_of(primary, "estimate", "ci_low", "ci_high")).replace(" ", "% ", 1)
    ends = [fmt.format_percent(v) for v in (values[0], values[-1])]
    median = fmt.format_percent(data.multiverse_summary[0]["estimate_median"])
    assert f"24 different specifications pool 6 sets of rows; their estimates range from {ends[0]} to {ends[1]}%, " in (
        drawing.desc
    )
    assert f"median {median}%. Primary specification: {printed}." in drawing.desc
    bold = {t.get_text() for t in drawing.pages[0].findobj(Text) if t.get_fontproperties().get_weight() == "bold"}
    assert {"GLMM, Wald", "100 days", "in"} <= bold
    assert "Bayesian GLMM, prior scale 0.5" in words(drawing)
    assert not {"30 days", "400 days", "left out"} & bold
    assert "Abstract-only studies" not in words(drawing), "a choice that was not crossed"


def test_specifications_without_a_pool_are_counted_not_drawn():
    drawing = DEFAULT[2]["specification_curve"]
    assert len(specification.pools_of(DATA[2].multiverse)) == 8
    assert "Not shown: 16 that pool fewer than two studies" in notes(drawing)


def test_every_model_and_choice_has_its_words():
    from synthesis.selection.specifications import CHOICES

    assert set(SHORT_NAMES) == set(MODEL_NAMES)
    assert list(specification.CHOICES) == ["model", *CHOICES]
    assert len(set(SHORT_NAMES.values())) == len(SHORT_NAMES)


def test_subsets_set_every_study_apart_when_all_are_there():
    data, drawing = DATA[12], DEFAULT[12]["subsets"]
    pools = [row for row in data.subsets if row["k"] > 1]
    assert f"All {fmt.format_count(2**12 - 13)} subsets of two and more of 12 studies" in drawing.desc
    printed = words(drawing)
    for row in data.pooled:
        for inside in (True, False):
            values = [p["estimate"] for p in pools if (row["study"] in p["studies"].split(";")) == inside]
            assert fmt.format_percent(float(np.median(values))) in printed, row["label"]
    low, high = (fmt.format_percent(f(p["estimate"] for p in pools)) for f in (min, max))
    assert f"pooled values from {low} to {high}%" in drawing.desc


def test_a_sample_of_subsets_says_nothing_of_single_studies():
    drawing = DEFAULT[60]["subsets"]
    assert "A sample of 901 subsets" in drawing.desc
    assert "Author 2008" not in notes(drawing)
    assert not any("With, %" in text for text in words(drawing))


def test_many_subsets_stay_a_small_file(tmp_path):
    data = DATA[12]
    cloud = subsets.read_cloud(data.subsets)
    assert len(cloud.estimate) > subsets.POINTS and cloud.exact and len(cloud.members[cloud.whole]) == 12
    sizes = {p.name: p.stat().st_size for p in save(tmp_path, data, ["svg"])}
    assert sizes["subsets.svg"] < 200_000


def test_a_study_in_two_arms_is_one_study_on_every_chart():
    """Split into arms, a study stands once in every list, is one dot, and counts once."""

    def split(rows, *columns):
        table = []
        for row in rows:
            for arm in ("one", "two") if row["study"] == "study3" else (None,):
                part = {c: row[c] // 2 if arm == "one" else row[c] - row[c] // 2 for c in columns if arm}
                table.append(row | part | ({"arm": arm} if arm else {}))
        return table

    whole = DATA[12]
    rows = split(whole.rows, "events", "patients")
    rows = [row | {"proportion": row["events"] / row["patients"]} for row in rows]
    estimates = [row | {"k": 13} for row in whole.estimates]
    arms = replace(whole, rows=rows, estimates=estimates, moderators=split(whole.moderators))
    assert (len(arms.pooled), arms.studies) == (13, 12)
    drawn = draw(12, data=arms)
    for name in ("leave_one_out", "cumulative", "subsets", "funnel", "prediction"):
        assert words(drawn[name]) == words(DEFAULT[12][name]), name
    by_year = bubble.read_moderator(arms, "year", "glmm")
    assert (len(by_year.points), by_year.studies) == (11, 11)
    assert by_year.points == bubble.read_moderator(whole, "year", "glmm").points
    assert "1 arm of the pool has no value" in notes(drawn["bubble_year"])


def test_the_line_of_a_bubble_plot_is_the_fitted_one():
    from synthesis.moderators.regression import Studies, regress

    rows = DATA[12].pooled
    y, n = (np.array([row[key] for row in rows]) for key in ("events", "patients"))
    x = np.arange(12.0) + 2000
    data = Studies(y, n, np.array([row["study"] for row in rows]), x[:, None])
    shifted = Studies(y, n, data.study, x[:, None] - 2003)  # its intercept at the centre is the line's value there
    for model in ("glmm", "logit-reml-hk"):
        fit = typed("regression", [regress(data, model, permutations=1)])[0]
        line, low, high = bubble.regression_curve(fit, [fit["centre"], 2003.0], 0.95)
        assert line[0] == pytest.approx(1 / (1 + np.exp(-fit["intercept"])), rel=1e-12)
        other = regress(shifted, model, permutations=1)
        here = other["intercept"] - other["slope"] * other["centre"]
        assert line[1] == pytest.approx(1 / (1 + np.exp(-here)), rel=1e-9)
        slope, centre = other["slope"], other["centre"]
        se = sqrt(other["intercept_se"] ** 2 - 2 * centre * other["covariance"] + (centre * other["se"]) ** 2)
        quantile = (other["ci_high"] - slope) / other["se"]
        half = (np.log(high[1] / (1 - high[1])) - np.log(low[1] / (1 - low[1]))) / 2
        assert half == pytest.approx(quantile * se, rel=1e-6)


def test_a_bubble_plot_prints_its_regression_and_its_limits():
    drawing = DEFAULT[4]["bubble_year"]
    assert (
        "Odds ratio per year: 0.961 (95% CI 0.906–1.02, Wald); likelihood-ratio test χ² = 1.55, df = 1, P = 0.21"
        in (drawing.desc)
    )
    assert "permutation test P = 0.25." in drawing.desc
    assert "Exploratory: fewer than 10 studies." in drawing.desc
    assert "1 study of the pool has no value." in drawing.desc
    assert "xploratory" not in DEFAULT[12]["bubble_year"].desc
    assert DEFAULT[12]["bubble_dose"].desc == (
        "Not drawn: 2 of 12 studies in the pool have a value; a regression needs three."
    )


def test_windows_distinguish_what_is_pooled():
    data, drawing = DATA[4], DEFAULT[4]["window"]
    counts = window.read_counts(data.rows)
    assert [count.pooled for count in counts] == [True] * 4 + [False] * 2
    assert drawing.desc.endswith(
        "4 counts are pooled, 2 not; stated windows of the pooled ones: 30 to 100 days; "
        "pooled without a number of days: no fixed end 0, not stated 0."
    )
    assert "Dashed: the longest window that is pooled, 100 days." in notes(drawing)
    assert "not stated" in words(drawing), "the gutter"
    marks = drawing.pages[0].findobj(lambda artist: artist.get_label() == layout.MARK)
    squares = [mark for mark in marks if len(mark.get_path().vertices) == 5]  # an arrow has one corner less
    circles = [mark for mark in marks if len(mark.get_path().vertices) > 5]
    assert (len(squares), len(circles)) == (4, 2)
    assert {mark.get_facecolor()[:3] == (1, 1, 1) for mark in circles} == {True}, "open"
    assert {mark.get_facecolor()[:3] == (1, 1, 1) for mark in squares} == {False}
    assert {row["label"] for row in data.rows} <= {t.split(",")[0] for t in words(drawing)}


def test_a_count_within_limits_stands_in_the_middle_of_its_span_and_the_note_says_so():
    rows = [dict(row) for row in DATA[4].rows]
    first = next(row for row in rows if row["use"] == "yes")
    low, high = first["events"], first["events"] + 2
    first |= {"events": None, "proportion": nan, "events_from": low, "events_to": high}
    drawing = window.draw_window(replace(DATA[4], rows=rows), TEXT)
    mids = [count.mid for count in window.read_counts(rows)]
    assert (low + 1) / first["patients"] in mids and len(mids) == len(window.read_counts(DATA[4].rows))
    assert f"In the middle of what limits of the count leave possible: {first['label']}." in notes(drawing)
    assert "In the middle of" not in notes(DEFAULT[4]["window"])
    [study] = [row for row in replace(DATA[4], rows=rows).by_study if row["study"] == first["study"]]
    assert study["proportion"] == pytest.approx((low + 1) / first["patients"])


def test_without_any_window_there_is_no_window_plot():
    silent = [row | {"window": "unstated"} for row in DATA[4].rows]
    drawing = window.draw_window(replace(DATA[4], rows=silent), TEXT)
    assert drawing.desc == "Not drawn: no source gives a number of days over which events were counted."


def test_the_funnel_prints_its_tests_and_holds_its_share():
    drawing = DEFAULT[12]["funnel"]
    assert "Egger: t = −2.34, df = 10, P = 0.02; Peters: t = 0.51, df = 10, P = 0.61." in drawing.desc
    assert DEFAULT[4]["funnel"].desc == "Not drawn: 4 studies in the pool; a funnel plot needs ten."
    sizes = np.array([200, 2000])
    low, high = funnel.funnel_limits(0.1, sizes, 0.95)
    for size, a, b in zip(sizes.tolist(), low * sizes, high * sizes, strict=True):
        inside = sum(comb(size, y) * 0.1**y * 0.9 ** (size - y) for y in range(int(np.ceil(a)), int(b) + 1))
        assert 0.93 < inside < 0.97


def test_the_density_is_that_of_the_predictions():
    from synthesis.models.catalogue import pool
    from synthesis.pools.future import predict_future
    from synthesis.selection.arms import counts_of

    rows = [{key: row[key] for key in ("study", "events", "patients")} for row in DATA[12].pooled]
    pooled = pool("glmm", *counts_of(rows))
    settings = {"thresholds": [5, 10, 20], "patients": 50, "study": 100, "simulations": 10, "seed": 1}
    future = [row for row in predict_future(rows, "fever", settings) if row["quantity"] == "probability_above"]
    below = density.probability_below(vars(pooled), [])
    for given in future:
        above = 1 - below(given["threshold"] / 100)
        assert above == pytest.approx(given["value"], abs=1e-12)
    low, high = below([pooled.pi_low, pooled.pi_high])
    assert (low, high) == (pytest.approx(0.025, abs=1e-9), pytest.approx(0.975, abs=1e-9))


def test_the_prediction_prints_the_probabilities_of_the_table():
    drawing, printed = DEFAULT[12]["prediction"], words(DEFAULT[12]["prediction"])
    for row in DATA[12].future:
        share = fmt.format_percent(row["value"])
        assert any(text.lower().endswith(f"above {row['threshold']:g}%: {share}%") for text in printed)
        assert f"above {row['threshold']:g}%: {share}%" in drawing.desc
    pool = DATA[12].estimates[0]
    limits = fmt.format_percent_range(*values_of(pool, "pi_low", "pi_high"))
    assert f"({limits})" in printed and limits in drawing.desc
    assert fmt.format_percent_interval(*values_of(pool, "estimate", "ci_low", "ci_high")) in printed
    assert DEFAULT[4]["prediction"].desc == "Not drawn: 4 studies in the pool; a prediction is drawn from 5 on."


def test_predictions_heaped_at_zero_stay_on_the_page():
    pool = dict(DATA[12].estimates[0]) | {"se": 2.5, "tau2": 9.0, "pi_low": 1e-6, "pi_high": 0.97}
    data = replace(DATA[12], estimates=[pool])
    (page,) = density.draw_prediction(data, TEXT).pages
    assert find_off_page(page) == [] and find_overlaps(page) == []


def test_names_are_cut_and_kept_in_full():
    for name in ("subsets", "window"):
        (page,) = DEFAULT[12][name].pages
        texts = page.findobj(Text)
        cut = [t for t in texts if t.get_text().startswith("Abcdefghij") and "…" in t.get_text()]
        assert cut and cut[0].get_label().startswith(LONG), name
    assert "Cost $5 and $6 <b> 2020" in words(DEFAULT[12]["subsets"])
    assert "Line break 2019" in words(DEFAULT[12]["subsets"])


def save(folder, data, formats=("svg", "pdf", "png")):
    """Write tables and draw them as the rule does; give the files."""
    tables = {name: folder / f"{name}.csv" for name in Readings.__dataclass_fields__}
    for name, path in tables.items():
        columns = columns_of(name)  # rows of tests say more
        write(path, [{key: row[key] for key in columns} for row in getattr(data, name)])
    draw_charts_file(
        tables,
        folder / "fever",
        title=TEXT.title,
        note=TEXT.note,
        max_days=100,
        moderators=MODERATORS,
        review=REVIEW | UNIT,
        models=MODELS,
        figures=FIGURES | {"formats": list(formats)},
    )
    return sorted((folder / "fever").iterdir())


def test_two_runs_give_the_same_bytes(tmp_path):
    def digests(paths):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    first, again = (digests(save(tmp_path / run, DATA[4], ["svg"])) for run in ("one", "two"))
    assert sorted(first) == sorted(f"{name}.svg" for name in NAMED)
    assert first == again
    found = []
    for run in ("three", "four"):  # the other formats, of charts that draw all kinds of marks
        with light_fonts():
            for name in ("subsets", "window"):
                drawing = CHARTS[name](DATA[4], TEXT)
                stem = tmp_path / run / "fever" / name
                found.append(digests(save_drawing(drawing, stem, ["pdf", "png"])))
    assert found[:2] == found[2:]


def test_a_pdf_has_every_letter_and_common_ones_are_cut_once():
    """Polish and Armenian names are in no common set: a figure that lost them would show boxes."""
    from matplotlib.backends import _backend_pdf_ps as library
    from matplotlib.font_manager import FontPath, get_font
    from synthesis.figures.kit.layout import font

    own, named = library.get_glyphs_subset, FontPath(font(8).get_file(), 0)
    number = get_font(named).get_char_index

    def cut(letters):
        wanted = {number(ord(letter)) for letter in letters}
        with library.get_glyphs_subset(named, wanted) as subset:
            assert wanted <= set(subset.glyph_index_map)
        return subset

    with light_fonts():
        assert cut("Study 1·2") is cut("Patients, %")
        assert cut("–†τ") is cut("≥−")
        assert cut("Wałęsa") is not cut("Walesa")
        assert set(cut("Խաչ").font.keys()).isdisjoint({"GSUB", "GPOS", "kern", "name"})
    assert library.get_glyphs_subset is own


def test_every_svg_is_valid_and_described(tmp_path):
    svg = "{http://www.w3.org/2000/svg}"
    for path in save(tmp_path, DATA[12], ["svg"]):
        root = ET.parse(path).getroot()
        title, desc = (root.find(svg + name) for name in ("title", "desc"))
        assert root.get("aria-labelledby").split() == [title.get("id"), desc.get("id")]
        assert title.text == DEFAULT[12][path.stem].title
        assert desc.text == DEFAULT[12][path.stem].desc
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids)) and all(i.startswith("fever-") for i in ids)


def test_the_version_line_is_that_of_the_forest_plots(tmp_path):
    """Charts and forest plots of one table say that they are of the same data."""
    from synthesis.figures.forest.forests import draw_forests_file

    save(tmp_path, DATA[12], ["svg"])
    parts = {"splits": {}, "judgements": [], "overlaps": [], "tools": {}, "title": "", "review": REVIEW | UNIT}
    figures, models = FIGURES | {"formats": ["svg"], "shared_axis": True}, MODELS | {"study_interval": "wilson"}
    tables = [tmp_path / "rows.csv", tmp_path / "estimates.csv"]
    draw_forests_file(*tables, tmp_path / "fever", **parts, models=models, figures=figures)
    line = version_line(REVIEW, "rows", tables[0].read_bytes())
    for name in ("window", "forest"):
        assert line in (tmp_path / "fever" / f"{name}.svg").read_text(encoding="utf-8")


def test_the_grey_palette_draws_the_same_texts():
    grey = draw(12, replace(TEXT, palette="grey"))
    assert {name: words(drawing) for name, drawing in grey.items()} == {n: words(d) for n, d in DEFAULT[12].items()}


def test_other_units_and_levels_are_printed():
    text = replace(TEXT, unit="centres", level=0.9, preset="bmj")
    charts = {name: CHARTS[name](DATA[12], text) for name in ("window", "leave_one_out", "funnel", "prediction")}
    assert "Centres with event, %" in words(charts["window"])
    assert "(90% CI)" in words(charts["leave_one_out"])
    assert any(" to " in word for word in words(charts["leave_one_out"]) if word.startswith("("))
    assert not any("patients" in note.lower() for chart in charts.values() for note in words(chart))


def test_places_keep_their_distance():
    assert spread([5, 5, 9], 2, 0, 10).tolist() == [4, 6, 9]
    assert np.all(np.diff(np.sort(spread([1] * 30, 2, 0, 10))) > 0.3)
    moved = spread([0, 0, 10], 4, 0, 10)
    assert moved.min() >= 0 and np.diff(np.sort(moved)).min() >= 4 - 1e-9
    assert not touch((0, 0, 1, 1), (1, 0, 2, 1)) and touch((0, 0, 1.1, 1), (1, 0, 2, 1))


def test_ticks_are_round_and_hold_the_range():
    for low, high in ((0, 0.43), (2018, 2026), (17.3, 81.9), (-3, 3), (5, 5), (0, 12000)):
        ticks = nice_ticks(low, high)
        assert ticks[0][0] <= low and ticks[-1][0] >= high and 2 <= len(ticks) <= 9
    assert nice_ticks(0, 12000)[-1][1] == "12,000"
    assert nice_ticks(-3, 3)[0][1].startswith("−")


def test_drawing_imports_no_models():
    unwanted = ["matplotlib.pyplot", "pandas", "pymare", "scipy.stats", "pydantic", "synthesis.models"]
    code = f"import sys, synthesis.figures.charts; print([m for m in {unwanted} if m in sys.modules])"
    scripts = str(ROOT / "workflow" / "scripts")
    done = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
