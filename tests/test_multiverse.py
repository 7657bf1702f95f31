"""The specification curve: what each choice lets in, one primary specification, and numbers that are the pools' own."""

import math
from itertools import product

import pytest
from conftest import REVIEW, ROOT, handed
from synthesis.models.catalogue import MODELS, pool
from synthesis.models.twostage import VARIANTS, model_name
from synthesis.pools.pooling import pool_analysis
from synthesis.review.index import read_index
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.selection.specifications import CHOICES, SILENT, judged_no, levels_of, select_sets, without_items
from synthesis.tables.declared import columns_of, read
from synthesis.tables.files import read_table, write_table
from synthesis.variations.multiverse import (
    choice_shifts,
    crossed,
    interval_of,
    multiverse_summary,
    pool_multiverse,
    pool_multiverse_file,
    pool_sets,
)
from synthesis.words.model_names import MODEL_NAMES

NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")
# Batched fits against single ones: both stop at steps of 1e-8 or less; the worst seen is 8e-10 (glmm).
BATCH = 1e-8
QUICK = ("glmm", "logit-reml", "logit-reml-hk", "crude")


def of(folder, analysis, models=QUICK, windows=(30, 100, 400)):
    """Pool the multiverse of one analysis of a review."""
    index = read_index(folder / "config.yaml", folder / "studies")
    sheets = [index.sheets[path] for path in index.feeds(analysis)]
    return pool_multiverse(sheets, analysis, index.protocol.analyses[analysis], models, windows)


def where(rows, **choices):
    """Give the one row that differs from the primary specification in the given choices only."""
    first = rows[0] | choices
    found = [row for row in rows if all(row[c] == first[c] for c in ("model", *CHOICES))]
    assert len(found) == 1, f"{choices}: {len(found)} rows"
    return found[0]


def same(a, b, tolerance):
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


@pytest.fixture(scope="module", params=["thrombosis", "bleeding"])
def real(request):
    """Give an analysis of the review itself: name, sheets, analysis, protocol."""
    index = read_index(ROOT / "config.yaml", ROOT / "studies")
    sheets = [index.sheets[path] for path in index.feeds(request.param)]
    return request.param, sheets, index.protocol.analyses[request.param], index.protocol


@pytest.fixture(scope="module")
def table(real):
    """Give its rows, with every model of its config that exists."""
    name, sheets, analysis, protocol = real
    models = [protocol.models.primary, *(m for m in protocol.multiverse.models if m in MODELS)]
    return pool_multiverse(sheets, name, analysis, models, protocol.multiverse.windows, protocol.models.level)


def test_one_primary_specification_and_it_is_the_headline(real, table):
    name, sheets, analysis, protocol = real
    used = [r for r in select_rows(sheets, name, analysis, Vocabulary(["product"])) if r["use"] == "yes"]
    rows, model = [r for r in used if r["subset"] == "all"], protocol.models.primary
    headline = pool_analysis(rows, name, [model], [], protocol.models.level)[0]
    primary = [row for row in table if row["primary"] == "yes"]
    assert primary == table[:1]
    assert primary[0]["model"] == model
    for key in ("k", "studies", "events", "patients", *NUMBERS, "status"):
        assert primary[0][key] == headline[key] or primary[0][key] != primary[0][key], key


def test_every_combination_is_there_once(table):
    choices = [choice for choice in ("model", *CHOICES) if len({row[choice] for row in table}) > 1]
    expected = math.prod(len({row[choice] for row in table}) for choice in choices)
    assert len({tuple(row[c] for c in choices) for row in table}) == len(table) == expected
    assert len({row["specification"] for row in table}) == len(table)


def test_every_number_is_what_the_model_gives_for_the_rows(real, table):
    name, sheets, analysis, protocol = real
    sets = select_sets(sheets, name, analysis, levels_of(analysis, protocol.multiverse.windows, sheets))
    single = {}
    for row in table:
        used = sets[tuple(row[choice] for choice in CHOICES)]
        if (key := (row["model"], used)) not in single:
            study, events, patients = zip(*used, strict=True) if used else ((), (), ())
            single[key] = pool(row["model"], events, patients, study, protocol.models.level)
        one = single[key]
        assert [row[c] for c in ("k", "studies", "events", "patients", "status")] == [
            getattr(one, c) for c in ("k", "studies", "events", "patients", "status")
        ]
        assert all(same(row[c], getattr(one, c), BATCH) for c in NUMBERS)
        assert row["studies_used"] == ";".join(dict.fromkeys(study for study, _, _ in used))


def judgements(sheet: dict) -> list[dict]:
    return list(sheet["risk_of_bias"]["items"].values()) if sheet["risk_of_bias"] else []


def test_shortcuts_select_what_a_plain_selection_does(real):
    """Each combination again, without memory: whole sheets, subgroups and all, filtered by other words."""
    name, sheets, analysis, protocol = real
    levels = levels_of(analysis, protocol.multiverse.windows, sheets)
    quick = select_sets(sheets, name, analysis, levels)
    for number, combination in enumerate(product(*levels.values())):
        if number % 5:  # every fifth, since a plain selection of all takes seconds; 5 divides no number of levels
            continue
        c = dict(zip(levels, combination, strict=True))
        window = {"max_days": c["window"], "unstated": c["unstated"]}
        basis = ["derived", "reconstructed"] if c["derived"] == "out" else []
        question = type(analysis).model_validate(analysis.model_dump() | {"window": window, "exclude_basis": basis})
        varied = []
        for sheet in sheets:
            data = sheet.model_dump(by_alias=True)
            if c["abstracts"] == "out" and data["report"] == "abstract":
                continue
            if c["risk_of_bias"] != "all" and any(i["judgement"] == "no" for i in judgements(data)):
                continue
            if c["abstract_counts"] == "out":
                data["outcomes"] = [r for r in data["outcomes"] if r["source"][:8].lower() != "abstract"]
            if c["confirmed_only"] == "yes":
                data["outcomes"] = [r for r in data["outcomes"] if r["second_reading"] == "agree"]
            if c["overlaps"] == "all":
                data["cohort"] = sheet.id
            if c["sensitivity_rows"] == "in":
                del data["sensitivity_only"]
            varied.append(type(sheet).model_validate(data))
        rows = select_rows(varied, name, question, Vocabulary(["product"]))
        used = [r for r in rows if r["use"] == "yes" and r["subset"] == "all"]
        assert quick[combination] == tuple((r["study"], r["events"], r["patients"]) for r in used), c


@pytest.mark.parametrize(
    ("edits", "choice", "level", "loses"),
    [
        ([("report: article", "report: abstract")], "abstracts", "out", True),
        ([("source: table 1", "source: Abstract (PubMed)")], "abstract_counts", "out", True),
        ([("window: 30", "window: unstated")], "unstated", "exclude", True),
        ([("window: 30", "window: 365")], "window", 400, False),
        ([("window: 30", "window: 90")], "window", 30, True),
        ([("basis: stated", "basis: derived")], "derived", "out", True),
        ([("basis: stated", "basis: reconstructed")], "derived", "out", True),
        ([("extraction:", "sensitivity_only: {fever: A bound.}\nextraction:")], "sensitivity_rows", "in", False),
        (
            [("extraction:", "risk_of_bias: {tool: jbi, items: {sample: {judgement: no, support: s}}}\nextraction:")],
            "risk_of_bias",
            "no item judged no",
            True,
        ),
    ],
)  # fmt: skip
def test_a_choice_lets_a_study_in_or_keeps_it_out(edits, choice, level, loses, review):
    review.edit("studies/adams2001.yaml", "window: 90", "window: 30")
    review.edit("studies/adams2001.yaml", "source: abstract", "source: table 1")
    review.edit("studies/adams2001.yaml", "basis: derived", "basis: stated")
    for old, new in edits:
        review.edit("studies/baker2002.yaml", old, new)
    rows = of(review.folder, "fever", ["crude"])
    assert crossed(rows) == [choice], "nothing else is a choice here"
    with_choice = where(rows, **{choice: level})["studies_used"].split(";")
    assert ("baker2002" in rows[0]["studies_used"]) is loses
    assert ("baker2002" in with_choice) is not loses
    assert set(with_choice) ^ set(rows[0]["studies_used"].split(";")) == {"baker2002"}


def test_confirmed_only_keeps_what_a_second_reader_agreed_on(review):
    for name, word in (("baker2002", "agree"), ("clark2003", "agree"), ("davis2004", "disagree")):
        review.edit(f"studies/{name}.yaml", "source: table 1}", f"source: table 1, second_reading: {word}}}")
    row = where(of(review.folder, "fever", ["crude"]), confirmed_only="yes")
    assert row["studies_used"] == "baker2002;clark2003"


def test_overlapping_cohorts_all_or_one(review):
    for name in ("baker2002", "clark2003"):
        review.edit(f"studies/{name}.yaml", "report: article", "report: article\ncohort: shared")
    rows = of(review.folder, "fever", ["crude"])
    assert "baker2002" not in rows[0]["studies_used"]
    assert where(rows, overlaps="all")["studies_used"] == "adams2001;baker2002;clark2003;davis2004"


def test_leaving_derived_counts_out_puts_another_arm_in_their_place(review):
    """Rows are selected anew: adams2001 keeps its widest arm that is stated."""
    review.edit("studies/adams2001.yaml", "reported: 10.0%, basis: stated", "reported: 10.0%, basis: derived")
    arm = "events: 9, patients: 80, window: 90, definition: any, basis: "
    review.edit("studies/adams2001.yaml", f"{arm}derived", f"{arm}stated")
    rows = of(review.folder, "fever", ["crude"])
    out = where(rows, derived="out")
    assert rows[0]["patients"] - out["patients"] == 120 - 80
    assert rows[0]["events"] - out["events"] == 12 - 9


def test_the_configs_own_levels_come_first():
    analysis = read_index(REVIEW / "config.yaml", REVIEW / "studies").protocol.analyses["rash"]
    analysis = analysis.model_copy(update={"exclude_basis": ("derived",)})
    levels = levels_of(analysis, [400, 30], [])
    assert list(levels) == list(CHOICES)
    assert levels["window"] == (100, 30, 400)
    assert levels["unstated"] == ("exclude", "include")
    assert levels["derived"] == ("derived out", "in", "out")


def test_a_choice_that_changes_nothing_is_not_crossed(review):
    """No sheet has judgements, second readings, shared cohorts or held rows: crossing them would repeat the table."""
    rows = of(review.folder, "high_fever", ["glmm", "crude"], windows=[100, 400])
    assert not {"risk_of_bias", "overlaps", "sensitivity_rows", "confirmed_only", "window", "unstated"} & set(
        crossed(rows)
    )
    assert {row["risk_of_bias"] for row in rows} == {SILENT["risk_of_bias"][0]}


def test_a_model_that_does_not_exist_is_named_with_those_that_do(review):
    with pytest.raises(ValueError, match=r'multiverse\.models: "gllm" is not one of: .*Did you mean "glmm"\?'):
        of(review.folder, "fever", ["glmm", "gllm"])


def test_order_of_sheets_does_not_matter(real, table):
    name, sheets, analysis, protocol = real
    models = list(dict.fromkeys(row["model"] for row in table))[:2]
    again = pool_multiverse(sheets[::-1], name, analysis, models, protocol.multiverse.windows)
    assert repr(again) == repr([row for row in table if row["model"] in models])


def test_nothing_left_is_a_status_and_not_a_zero(review):
    review.edit("studies/baker2002.yaml", "source: table 1}", "source: table 1, second_reading: disagree}")
    row = where(of(review.folder, "fever", ["glmm"]), confirmed_only="yes")
    assert (row["k"], row["status"], row["studies_used"]) == (0, "no studies", "")
    assert all(math.isnan(row[c]) for c in NUMBERS)


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_an_analysis_without_a_study_has_no_number_in_any_model(model):
    (pooled,) = pool_sets(model, [()])
    assert (pooled["k"], pooled["status"]) == (0, "no studies")
    assert math.isnan(pooled["estimate"])


@pytest.mark.parametrize("model", ["glmm", "logit-reml", "logit-reml-hk", "crude"])
def test_sets_of_every_kind_at_once(model):
    """One study, no events, only events, several arms of a study, and plain ones side by side in one call."""
    plain = (("a", 3, 40), ("b", 9, 80), ("c", 0, 25), ("d", 20, 90))
    sets = [
        plain,
        plain[:1],
        (),
        (("a", 0, 9), ("b", 0, 7)),
        (("a", 9, 9), ("b", 7, 7)),
        (*plain, ("a", 5, 60)),
        plain[:2],
    ]
    for used, row in zip(sets, pool_sets(model, sets), strict=True):
        study, events, patients = zip(*used, strict=True) if used else ((), (), ())
        one = pool(model, events, patients, study)
        assert (row["k"], row["studies"], row["status"]) == (one.k, one.studies, one.status)
        assert all(same(row[c], getattr(one, c), BATCH) for c in NUMBERS)


def test_product_arms_of_one_study_are_pooled_by_the_single_fit(review):
    review.edit(
        "config.yaml",
        "arms: cohort\n    subgroups: [product]\n  high",
        "arms: product\n    subgroups: [product]\n  high",
    )
    row = of(review.folder, "fever", ["glmm"])[0]
    assert (row["k"], row["studies"]) == (5, 4)
    one = pool("glmm", [9, 3, 5, 14, 6], [80, 40, 60, 90, 50], [1, 1, 2, 3, 4])
    assert row["estimate"] == one.estimate


def test_intervals_are_named_as_the_models_name_them():
    for measure, estimator, intervals in VARIANTS:
        assert [interval_of(model_name(measure, estimator, interval)) for interval in intervals] == list(intervals)


def rows_by_hand():
    """Two models and two choices; estimates chosen so that every mean is known."""
    base = dict.fromkeys(CHOICES, "x") | {"analysis": "a", "studies": 3, "events": 1, "patients": 9}
    table = []
    for model, shift in (("glmm", 0.0), ("logit-reml", 0.01), ("logit-reml-hk", 0.01)):
        for unstated, move in (("include", 0.0), ("exclude", 0.04)):
            estimate = 0.1 + shift + move
            table.append(
                base
                | {"model": model, "unstated": unstated, "studies_used": unstated, "k": 3, "estimate": estimate}
                | {"ci_low": estimate - 0.05, "ci_high": estimate + 0.05}
            )
    return table


def test_summary_by_hand():
    rows = rows_by_hand()
    shifts = choice_shifts(rows)
    assert shifts == pytest.approx({"model": 0.01, "unstated": 0.04})  # reml and reml-hk are one estimate: no pair
    got = multiverse_summary([*rows, rows[0] | {"studies": 1, "estimate": 0.9, "studies_used": "z"}], [7.5, 15.5])
    assert (got["specifications"], got["pooled"], got["distinct_row_sets"]) == (7, 6, 3)
    assert [got[f"estimate_{c}"] for c in ("min", "median", "max")] == pytest.approx([0.10, 0.125, 0.15])
    assert [got["ci_low_min"], got["ci_high_max"]] == pytest.approx([0.05, 0.20])
    assert got["share_above_7.5"] == pytest.approx(3 / 6)  # 0.09, 0.10, 0.10
    assert got["share_below_15.5"] == pytest.approx(1 / 6)  # 0.15
    assert (got["choices"], got["largest_choice"]) == ("model;unstated", "unstated")
    assert got["largest_shift"] == pytest.approx(0.04)


def test_a_summary_without_pools_says_so():
    got = multiverse_summary([row | {"studies": 1} for row in rows_by_hand()], [5])
    assert got["status"] == "no specification pools two studies"
    assert got["pooled"] == 0
    assert all(math.isnan(got[c]) for c in ("estimate_min", "estimate_median", "share_above_5", "largest_shift"))
    assert got["largest_choice"] == ""


def test_files_hold_what_was_pooled(review):
    """And the summary of the file is the summary of the rows: the report may take either."""
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    choices = index.protocol.analyses["fever"].model_dump(mode="json")
    paths = [review.folder / name for name in ("multiverse.csv", "multiverse_summary.csv")]
    settings = {"models": QUICK, "windows": [30, 100], "level": 0.95, "thresholds": [5, 10]}
    sheets = handed(review.folder, index.feeds("fever"))
    pool_multiverse_file(sheets, *paths, analysis="fever", choices=choices, **settings)
    rows, (summary,) = read(paths[0]), read_table(paths[1])
    assert list(rows[0]) == columns_of("multiverse")
    assert [row["primary"] for row in rows].count("yes") == 1
    pooled = of(review.folder, "fever", QUICK, [30, 100])
    assert [row["specification"] for row in rows] == [row["specification"] for row in pooled]
    again = multiverse_summary(rows, [5, 10])
    write_table(review.folder / "again.csv", [again], list(again))
    assert read_table(review.folder / "again.csv") == [summary]
    for key, value in multiverse_summary(pooled, [5, 10]).items():  # tables hold ten digits
        assert again[key] == (pytest.approx(value, rel=1e-7, nan_ok=True) if isinstance(value, float) else value)


def test_an_identifier_names_choices_and_not_data(review):
    """The same choices have the same identifier in another analysis and after a new study."""
    one = of(review.folder, "fever", ["crude"])
    review.edit("studies/baker2002.yaml", "events: 5", "events: 6")
    assert [r["specification"] for r in of(review.folder, "fever", ["crude"])] == [r["specification"] for r in one]
    assert of(review.folder, "high_fever", ["crude"])[0]["specification"] == one[0]["specification"]


def test_an_ignored_item_keeps_no_study_out(real):
    """A small sample is imprecise, not biased: the config can leave the item out of the judgement."""
    sheets = real[1]
    sheet = next(s for s in sheets if s.risk_of_bias)
    items = sheet.risk_of_bias.items
    worst = {name: item.model_copy(update={"judgement": "no"}) for name, item in items.items()}
    worst = sheet.model_copy(update={"risk_of_bias": sheet.risk_of_bias.model_copy(update={"items": worst})})
    assert judged_no(worst) and judged_no(without_items(worst, list(items)[1:]))
    assert not judged_no(without_items(worst, list(items)))
