"""2×2 tables: every pooled effect is R's, each study has one effect, and empty cells are not mended in silence."""

import math
from functools import cache
from itertools import product

import numpy as np
import pytest
from conftest import handed
from scipy.special import ndtri
from synthesis.review.index import read_index
from synthesis.risk_factors.comparisons import (
    CELLS,
    POOLED,
    STUDY,
    choose_tables,
    comparison_rows,
    pool_comparisons_file,
)
from synthesis.risk_factors.pooled_tables import METHODS, NO_RATIO, pool_inverse_variance, pool_random_effect
from synthesis.risk_factors.two_by_two import EMPTY, OR, RD, RR, effect_sizes, risk_ratio_score, tables_of
from synthesis.sheets.facts import of_comparisons
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table
from synthesis.words.terms import is_ok
from test_golden_tables import GOLDEN, NAMES, REFERENCE, read_tables

MEASURES = {OR: "OR", RR: "RR", RD: "RD"}
# Worst seen, relative: closed forms 1e-14; REML 9e-10 (tau2) and 7e-9 (a limit next to 0); GLMM 5e-10 (tau2).
CLOSED, ITERATED = 1e-10, 1e-7
MH = {"b": "mean", "se": "se", "ci_low": "low", "ci_high": "high", "QE": "q", "QE_p": "q_p"}
WHAT = {  # method → (model in the reference, its quantities → ours, tolerance)
    "mh": ("rma.mh-{}", MH, CLOSED),
    "peto": ("rma.peto", MH, CLOSED),
    "reml": ("rma-{}-REML-z", {**MH, "tau2": "tau2", "I2": "i2"}, ITERATED),
    "reml-hk": (
        "rma-{}-REML-knha",
        {"se": "se", "ci_low": "low", "ci_high": "high", "pi_low": "pi_low", "pi_high": "pi_high"},
        ITERATED,
    ),
    "reml-mhk": ("rma-{}-REML-adhoc", {"se": "se", "ci_low": "low", "ci_high": "high"}, ITERATED),
    "glmm-um-fs": ("glmm-um.fs-exact", {"b": "mean", "se": "se", "tau2": "tau2"}, ITERATED),
}
# The exact likelihood of tests/golden/reference.R: glmm_fit(make_problem(y, n, cbind(1, group), study)), b and se of
# the group, likelihood-ratio P. glmer(nAGQ=25) and rma.glmm(model="UM.RS", method="EE", nAGQ=25, drop00=FALSE), lme4
# 1.1.31 and metafor 3.8.1, agree to 3e-7 in b and 2e-6 in se, their optimisers' accuracy.
UM_RS = {
    "bcg": (-0.477458570382, 0.0412279297393, 1.56900870662e-31),
    "nielweise2007": (-1.22268955635, 0.224040348511, 3.44178221812e-09),
    "hine1989": (0.581662947052, 0.280112639777, 0.0343991490673),
    "collins1985b_pre": (-0.40945390024, 0.088437229873, 3.35923124243e-06),
    "collins1985b_stb": (-0.397819902303, 0.333168694888, 0.231600228486),
    "anand1999": (-0.189985957236, 0.044861093233, 2.22833096841e-05),
    "yusuf1985_t6": (-0.072019803463, 0.119340584138, 0.546220994425),
    "hahn2001": (-0.492240353604, 0.14035503114, 0.000400172275561),
    "damico2009": (-1.14010996487, 0.0891523042534, 8.91947841145e-40),
}


def golden(name: str, study=None):
    pairs = read_tables(name)
    (a, c), (n1, n2) = zip(*(p[0] for p in pairs), strict=True), zip(*(p[1] for p in pairs), strict=True)
    return tables_of(a, n1, c, n2, study)


@cache
def pooled(name: str, method: str, measure: str):
    return METHODS[method].pool(golden(name), measure)


def numbers(effect) -> dict:
    limits = {
        "low": effect.mean - effect.half,
        "high": effect.mean + effect.half,
        "pi_low": effect.mean - effect.pi_half,
        "pi_high": effect.mean + effect.pi_half,
    }
    return vars(effect) | limits


def near(ours: float, theirs: float, tolerance: float) -> bool:
    return math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=1e-12)


def test_the_grid_is_complete():
    assert {path.stem for path in (GOLDEN / "tables").glob("*.csv")} - {"sources"} == set(NAMES) == set(UM_RS)
    assert {*WHAT, "glmm-um-rs"} == set(METHODS)
    for name, (method, (model, quantities, _)) in product(NAMES, WHAT.items()):
        for measure in METHODS[method].measures:
            found = REFERENCE[name, model.format(MEASURES[measure])]
            assert not [q for q in quantities if math.isnan(found.get(q, math.nan))], (name, method, measure)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", WHAT)
def test_pooled_effects_against_metafor(name, method):
    model, quantities, tolerance = WHAT[method]
    for measure in METHODS[method].measures:
        effect = pooled(name, method, measure)
        assert is_ok(effect.status)
        ours = numbers(effect)
        for theirs, key in quantities.items():
            value = REFERENCE[name, model.format(MEASURES[measure])][theirs]
            assert near(ours[key], value, tolerance), (measure, theirs, ours[key], value)


@pytest.mark.parametrize("name", NAMES)
def test_random_intercept_and_common_effect(name):
    effect = METHODS["glmm-um-rs"].pool(golden(name), OR)
    for ours, theirs in zip((effect.mean, effect.se, effect.p), UM_RS[name], strict=True):
        assert near(ours, theirs, 1e-7)
    assert math.isnan(effect.tau2)  # its variance is that of the study's level, not of the effect


@pytest.mark.parametrize("name", NAMES)
def test_effect_sizes_and_the_homogeneity_of_the_glmm(name):
    tables = golden(name)
    for measure, short in MEASURES.items():
        for i, (y, v) in enumerate(zip(*effect_sizes(tables, measure), strict=True), 1):
            reference = REFERENCE[name, f"escalc-{short}"]
            assert near(y, reference[f"yi[{i}]"], CLOSED) and near(v, reference[f"vi[{i}]"], CLOSED)
    assert near(pooled(name, "glmm-um-fs", OR).q, REFERENCE[name, "glmm-um.fs-metafor"]["QE_LRT"], 1e-6)


# bcg with studies 1, 1, 2, 3, 3, 3, 4 … 10: rma.mv(yi, vi, random = ~ 1 | study, method = "REML", control =
# list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15)), metafor 3.8.1; b, se, sigma2.
SHARED = [1, 1, 2, 3, 3, 3, *range(4, 11)]
RMA_MV = {
    OR: (-0.698807906013, 0.209368762856, 0.330847730065),
    RR: (-0.667671785922, 0.199952629116, 0.297355430741),
    RD: (-0.0112545999676, 0.00491816104526, 0.000209219461025),
}


@pytest.mark.parametrize("measure", RMA_MV)
def test_tables_of_one_study_share_its_effect(measure):
    effect = pool_inverse_variance(golden("bcg", SHARED), measure)
    assert (effect.k, effect.studies, effect.q_df) == (13, 10, 9)
    for ours, theirs in zip((effect.mean, effect.se, effect.tau2), RMA_MV[measure], strict=True):
        assert near(ours, theirs, 2e-5)  # BFGS on numerical gradients


def test_tables_of_one_study_share_its_effect_in_the_glmm():
    """nielweise2007 with studies 1, 1, 2, 3, 3, 3, 4 …: glmm_fit of reference.R with load ±1/2 and that grouping."""
    effect = pool_random_effect(golden("nielweise2007", [1, 1, 2, 3, 3, 3, *range(4, 16)]))
    expected = (-1.22096798778, 0.260727640991, 0.160747568156)
    assert all(near(x, y, 1e-7) for x, y in zip((effect.mean, effect.se, effect.tau2), expected, strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_swapped_groups_give_the_reciprocal(method):
    t = golden("collins1985b_stb")  # with empty cells
    for measure in METHODS[method].measures:
        one = pooled("collins1985b_stb", method, measure)
        other = METHODS[method].pool(tables_of(t.c, t.n2, t.a, t.n1), measure)
        assert near(one.mean, -other.mean, 1e-7) and near(one.se, other.se, 1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_what_has_no_finite_effect_says_so(method):
    nothing = tables_of([0, 0, 0], [10, 20, 30], [0, 0, 0], [15, 25, 35])
    one_sided = tables_of([0, 0, 0], [10, 20, 30], [2, 0, 3], [15, 25, 35])
    for measure in METHODS[method].measures:
        effect = METHODS[method].pool(nothing, measure)
        assert effect.status == EMPTY and math.isnan(effect.mean)
        effect = METHODS[method].pool(one_sided, measure)
        finite = method.startswith(("peto", "reml")) or measure == RD
        assert (effect.status == NO_RATIO, math.isnan(effect.mean)) == (not finite, not finite)


def test_one_informative_study_is_no_pool():
    effect = pool_random_effect(tables_of([3, 0], [10, 20], [2, 0], [15, 25]))
    assert effect.status == "fewer than two studies with events: not pooled" and math.isnan(effect.mean)


@pytest.mark.parametrize("cells", [((36, 16), (40, 80)), ((0, 3), (9, 20)), ((3, 0), (9, 20)), ((7, 9), (7, 9))])
def test_score_limits_are_where_the_score_statistic_is_critical(cells):
    """The constrained risk is found by maximising the binomial likelihood on a fine grid, not by the formula."""
    (a, c), (n1, n2) = cells
    for limit in risk_ratio_score(*cells)[1:]:
        if limit in (0, math.inf):
            continue
        risk = np.linspace(0, min(1, 1 / limit), 2_000_001)[1:-1]
        with np.errstate(divide="ignore"):
            height = a * np.log(limit * risk) + (n1 - a) * np.log1p(-limit * risk)
            height += c * np.log(risk) + (n2 - c) * np.log1p(-risk)
        p2 = risk[np.argmax(height)]
        variance = limit * p2 * (1 - limit * p2) / n1 + limit**2 * p2 * (1 - p2) / n2
        assert math.isclose((a / n1 - limit * c / n2) ** 2 / variance, ndtri(0.975) ** 2, rel_tol=1e-4)


def test_score_interval_holds_its_estimate_and_inverts():
    for a, n1, c, n2 in product(range(5), (4, 9), range(6), (5, 30)):
        if a > n1 or c > n2 or a + c == 0:
            continue
        (e, low, high), (back, back_low, back_high) = (
            risk_ratio_score(*x) for x in (((a, c), (n1, n2)), ((c, a), (n2, n1)))
        )
        assert low <= e <= high
        for one, other in ((e, back), (low, back_high), (high, back_low)):
            assert other == (math.inf if one == 0 else 0) if one in (0, math.inf) else near(one * other, 1, 1e-9)


# --- which tables meet -------------------------------------------------------------------------------------------


def table(study, arm, a, n1, c, n2, *, window=None, exposure="Fever", outcome="bleeding", **more) -> dict:
    cells = dict(zip(CELLS, (a, n1, c, n2), strict=True))
    words = {"exposure": exposure, "outcome": outcome, "basis": "stated", "source": "table 2", "window": window}
    return {"study": study, "arm": arm, **words, **cells, **more}


def sheets(*names, **cohorts) -> list[dict]:
    return [{"study": n, "label": n.title(), "report": "article", "cohort": cohorts.get(n, "")} for n in names]


def arm(study, name, comprises="", part_of="") -> dict:
    return {"study": study, "arm": name, "comprises": comprises, "part_of": part_of}


NESTED = [
    arm("x", "all", "training; validation"),
    arm("x", "training"),
    arm("x", "validation", "Europe; US"),
    arm("x", "Europe"),
    arm("x", "US"),
    arm("x", "product", part_of="all"),
]
PARTS = [
    table("x", "training", 28, 32, 12, 23),
    table("x", "Europe", 37, 42, 15, 38),
    table("x", "US", 35, 41, 18, 59),
    table("x", "validation", 72, 83, 33, 97),
]


def test_an_arm_and_its_part_never_both():
    assert [bool(r) for r in choose_tables(PARTS, NESTED, sheets("x"))] == [False, True, True, False]
    assert choose_tables(PARTS, NESTED, sheets("x"))[1].endswith("wider table of the study: validation")
    assert [bool(r) for r in choose_tables(PARTS[:3], NESTED, sheets("x"))] == [False, False, False]
    whole = [*PARTS, table("x", "all", 100, 115, 45, 120)]
    assert [bool(r) for r in choose_tables(whole, NESTED, sheets("x"))] == [True, True, True, True, False]
    # Part of the whole, but nobody says whether apart from the training cohort.
    unknown = [PARTS[0], table("x", "product", 50, 60, 20, 60)]
    assert [bool(r) for r in choose_tables(unknown, NESTED, sheets("x"))] == [True, False]


def test_one_table_an_arm_and_one_study_a_cohort():
    rows = [table("x", "all", 3, 9, 2, 9, window=30), table("x", "all", 4, 9, 3, 9, window=90)]
    assert choose_tables(rows, [arm("x", "all")], sheets("x")) == ["another table of the arm is preferred: 90 days", ""]
    rows = [table("x", "all", 3, 9, 2, 9), table("y", "all", 4, 90, 3, 90)]
    arms = [arm("x", "all"), arm("y", "all")]
    reasons = choose_tables(rows, arms, sheets("x", "y", x="town", y="town"))
    assert reasons == ["shares patients with y (cohort town), which is larger or fuller", ""]
    assert choose_tables(rows, arms, sheets("x", "y", x="town", y="city")) == ["", ""]


def test_excluded_rows_and_empty_groups_stay_out():
    rows = [table("x", "all", 3, 9, 2, 9, exclude="misprint"), table("y", "all", 0, 0, 2, 9)]
    arms = [arm("x", "all"), arm("y", "all")]
    assert choose_tables(rows, arms, sheets("x", "y")) == ["excluded: misprint", "a group without patients"]
    out = comparison_rows(rows, arms, sheets("x", "y"))
    assert out[-1]["status"] == "no table to pool" and "estimate" not in out[-1]
    assert all(math.isnan(r["estimate"]) for r in out if r.get("study") == "y")


def test_one_study_is_given_as_it_is():
    out = comparison_rows([table("x", "all", 6, 23, 6, 104)], [arm("x", "all")], sheets("x"))
    alone, pooled = ([r for r in out if r["kind"] == kind] for kind in (STUDY, POOLED))
    assert [r["status"] for r in pooled] == ["one study: not pooled"] * 3
    assert [(r["measure"], r["estimate"], r["ci_low"]) for r in pooled] == [
        (r["measure"], r["estimate"], r["ci_low"]) for r in alone
    ]
    assert round(alone[0]["p"], 3) == 0.008  # Johnsrud 2021 prints 0.01 for this table
    parts = [r for r in comparison_rows(PARTS, NESTED, sheets("x")) if r["kind"] == POOLED]
    assert {(r["model"], r["k"], r["studies"]) for r in parts} == {("mh", 2, 1)}
    assert {r["status"] for r in parts} == {"one study: not pooled, its tables combined"}


def test_every_table_is_listed_and_every_method_pools():
    rows = [
        table("x", "all", 6, 23, 6, 104, window=30),
        table("y", "all", 0, 20, 5, 60, exposure="fever "),
        table("z", "all", 4, 18, 3, 50, outcome="thrombosis"),
        table("w", "all", 0, 12, 0, 40, window=30),
    ]
    names = ["w", "x", "y", "z"]
    out = comparison_rows(rows, [arm(n, "all") for n in names], sheets(*names))
    assert {(r["study"], r["outcome"]) for r in out if r["kind"] == STUDY} == {
        *(("xyw"[i], "bleeding") for i in range(3)),
        ("z", "thrombosis"),
    }
    pooled = [r for r in out if r["kind"] == POOLED and r["outcome"] == "bleeding"]
    assert [(r["model"], r["measure"]) for r in pooled] == [(n, m) for n, x in METHODS.items() for m in x.measures]
    assert {r["status"] for r in pooled} == {"ok; windows differ: 30 days, window unstated"}
    assert {r["exposed_patients"] for r in pooled} == {55}
    for r in pooled:
        assert r["ci_low"] < r["estimate"] < r["ci_high"]
        assert r["measure"] == RD or r["ci_low"] > 0
        assert math.isnan(r["pi_low"]) or r["pi_low"] <= r["ci_low"]
    empty = [r for r in out if r["kind"] == STUDY and r["study"] == "w"]
    assert [(r["measure"], math.isnan(r["estimate"]), r["status"]) for r in empty] == [
        (OR, True, EMPTY),
        (RR, True, EMPTY),
        (RD, False, "ok"),
    ]


def test_order_of_rows_does_not_matter():
    rows = [table(n, "all", a, 30, c, 40) for n, a, c in (("x", 6, 4), ("y", 0, 5), ("z", 9, 3))]
    arms, studies = [arm(n, "all") for n in "xyz"], sheets(*"xyz")
    one, other = ([r for r in comparison_rows(r, arms, studies) if r["kind"] == POOLED] for r in (rows, rows[::-1]))
    for left, right in zip(one, other, strict=True):
        assert near(left["estimate"], right["estimate"], 1e-9)


def test_file(tmp_path, review):
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    target = str(tmp_path / "comparisons.csv")
    pool_comparisons_file(handed(tmp_path, map(of_comparisons, index.sheets.values())), target, level=0.95)
    written = read_table(target)
    assert list(written[0]) == columns_of("comparisons")
    assert "nan" not in (tmp_path / "comparisons.csv").read_text()
    tables = [(sheet.id, table) for sheet in index.sheets.values() for table in sheet.comparisons]
    alone = [r for r in written if (r["kind"], r["measure"]) == (STUDY, OR)]
    assert {(r["study"], int(r["exposed_events"])) for r in alone} == {(s, t.exposed.events) for s, t in tables}
    pool_comparisons_file(handed(tmp_path, []), target, level=0.95)
    assert read_table(target) == []
