"""The specification curve: what each choice lets in, one primary specification, and numbers that are the pools' own."""

import math
import re
from itertools import product

import pytest
from conftest import REVIEW, ROOT, handed
from synthesis.models.bayes import TAU_SCALE
from synthesis.models.catalogue import pool
from synthesis.models.twostage import VARIANTS, model_name
from synthesis.pools.pooling import pool_analysis
from synthesis.review.index import read_index
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.selection.specifications import (
    CHOICES,
    SILENT,
    judged_no,
    levels_of,
    merge_levels,
    select_sets,
    without_items,
)
from synthesis.sheets.sheet import Limits
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
BAYES = 1e-5  # the grid that many data sets share, and the grid of one
QUICK = ("glmm", "logit-reml", "logit-reml-hk", "crude")


def of(folder, analysis, models=QUICK, windows=(30, 100, 400), priors=()):
    """Pool the multiverse of one analysis of a review."""
    index = read_index(folder / "config.yaml", folder / "studies")
    sheets = [index.sheets[path] for path in index.feeds(analysis)]
    return pool_multiverse(sheets, analysis, index.protocol.analyses[analysis], models, windows, priors)


def where(rows, departure):
    """Give the one row of the primary model and prior to which a combination of choices leads."""
    alike = [row for row in rows if (row["model"], row["prior"]) == (rows[0]["model"], rows[0]["prior"])]
    found = [row for row in alike if departure in row["departures"].split(";")]
    assert len(found) == 1, f"{departure}: {len(found)} of {[row['departures'] for row in alike]}"
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
    models, windows = [protocol.models.primary, *protocol.multiverse.models], protocol.multiverse.windows
    return pool_multiverse(sheets, name, analysis, models, windows, (0.5,), protocol.models.level)


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


def combinations_of(row):
    """Give choice → level for each combination that a row of the table says it stands for."""
    found = [part.split(", ") for part in row["departures"].split(";")]
    return [dict(change.split(" ", 1) for change in changes if change != "none") for changes in found]


def merged_sets(real):
    name, sheets, analysis, protocol = real
    return merge_levels(select_sets(sheets, name, analysis, levels_of(analysis, protocol.multiverse.windows, sheets)))


def test_each_specification_counts_once_whatever_leads_to_it(real, table):
    """Same rows with their counts, same model and prior: one row of the table; all combinations stand in some row."""
    sets = merged_sets(real)
    own, priors = next(iter(sets)), {"bayes": 2}
    fits = {(row["model"], str(row["prior"])) for row in table}
    assert len(fits) == sum(priors.get(model, 1) for model in {row["model"] for row in table})
    assert len(table) == len(fits) * len(set(sets.values())) < len(fits) * len(sets)
    assert len({row["specification"] for row in table}) == len(table)
    for fit in fits:
        mine = [row for row in table if (row["model"], str(row["prior"])) == fit]
        assert len({row["departures"] for row in mine}) == len(mine)
        said = [dict(zip(CHOICES, own, strict=True)) | one for row in mine for one in combinations_of(row)]
        assert sorted(tuple(one.values()) for one in said) == sorted(sets), "each combination once"
        assert sum(row["combinations"] for row in mine) == len(sets)


def test_every_number_is_what_the_model_gives_for_the_rows(real, table):
    sets, level = merged_sets(real), real[3].models.level
    own = dict(zip(CHOICES, next(iter(sets)), strict=True))
    for row in table:
        combinations = [own | one for one in combinations_of(row)]
        (used,) = {sets[tuple(one.values())] for one in combinations}
        assert {choice: set(row[choice].split(";")) for choice in CHOICES} == {
            choice: {one[choice] for one in combinations} for choice in CHOICES
        }
        study, events, most, patients = zip(*used, strict=True) if used else ((), (), (), ())
        assert events == most, "these analyses have exact counts only"
        settings = {"tau_scale": row["prior"]} if row["model"] == "bayes" else {}
        one = pool(row["model"], events, patients, study, level, **settings)
        assert [row[c] for c in ("k", "studies", "events", "patients", "status")] == [
            getattr(one, c) for c in ("k", "studies", "events", "patients", "status")
        ]
        tolerance = BAYES if row["model"] == "bayes" else BATCH
        assert all(same(row[c], getattr(one, c), tolerance) for c in NUMBERS)
        assert row["studies_used"] == ";".join(dict.fromkeys(study))


def choices_made(row):
    """Give each choice with each of its levels that leads to a row, merged ones taken apart."""
    levels = ((c, level) for c in CHOICES for joint in row[c].split(";") for level in joint.split(" or "))
    return [f"{choice} {level}" for choice, level in levels]


def judgements(sheet: dict) -> list[dict]:
    return list(sheet["risk_of_bias"]["items"].values()) if sheet["risk_of_bias"] else []


def test_shortcuts_select_what_a_plain_selection_does(real):
    """Each combination again, without memory: whole sheets, subgroups and all, filtered by other words."""
    name, sheets, analysis, protocol = real
    levels = levels_of(analysis, protocol.multiverse.windows, sheets)
    quick = select_sets(sheets, name, analysis, levels)
    for number, combination in enumerate(product(*levels.values())):
        if number % 7:  # some, since a plain selection of all takes seconds; 7 divides no number of levels
            continue
        c = dict(zip(levels, combination, strict=True))
        window = dict.fromkeys(analysis.window.model_dump(), "exclude")
        for part in c["window"].split(" + "):
            window |= {"max_days": part} if part.isdigit() else {part: "include"}
        changed = {"window": window, "exclude_basis": ["derived", "reconstructed"] if c["derived"] == "out" else []}
        changed["outcomes"] = c["outcomes"].split(" else ")
        question = type(analysis).model_validate(analysis.model_dump() | changed)
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
        counts = ("study", "events_from", "events_to", "patients")
        assert quick[combination] == tuple(tuple(r[count] for count in counts) for r in used), c


@pytest.mark.parametrize(
    ("edits", "change", "loses"),
    [
        ([("report: article", "report: abstract")], "abstracts out", True),
        ([("source: table 1", "source: Abstract (PubMed)")], "abstract_counts out", True),
        ([("window: 30", "window: unstated")], "window 100", True),
        ([("window: 30", "window: 365")], "window 400", False),
        ([("window: 30", "window: 90")], "window 30", True),
        ([("basis: stated", "basis: derived")], "derived out", True),
        ([("basis: stated", "basis: reconstructed")], "derived out", True),
        ([("extraction:", "sensitivity_only: {fever: A bound.}\nextraction:")], "sensitivity_rows in", False),
        (
            [("extraction:", "risk_of_bias: {tool: jbi, items: {sample: {judgement: no, support: s}}}\nextraction:")],
            "risk_of_bias no item judged no",
            True,
        ),
    ],
)  # fmt: skip
def test_a_choice_lets_a_study_in_or_keeps_it_out(edits, change, loses, review):
    review.edit("studies/adams2001.yaml", "window: 90", "window: 30")
    review.edit("studies/adams2001.yaml", "source: abstract", "source: table 1")
    review.edit("studies/adams2001.yaml", "basis: derived", "basis: stated")
    for old, new in edits:
        review.edit("studies/baker2002.yaml", old, new)
    rows = of(review.folder, "fever", ["crude"])
    assert crossed(rows) == change.split(" ")[:1], "nothing else is a choice here"
    (changed,) = (row for row in rows[1:] if change in choices_made(row))
    with_choice = changed["studies_used"].split(";")
    assert ("baker2002" in rows[0]["studies_used"]) is loses
    assert ("baker2002" in with_choice) is not loses
    assert set(with_choice) ^ set(rows[0]["studies_used"].split(";")) == {"baker2002"}


def test_confirmed_only_keeps_what_a_second_reader_agreed_on(review):
    for name, word in (("baker2002", "agree"), ("clark2003", "agree"), ("davis2004", "disagree")):
        review.edit(f"studies/{name}.yaml", "source: table 1}", f"source: table 1, second_reading: {word}}}")
    row = where(of(review.folder, "fever", ["crude"]), "confirmed_only yes")
    assert row["studies_used"] == "baker2002;clark2003"


def test_overlapping_cohorts_all_or_one(review):
    for name in ("baker2002", "clark2003"):
        review.edit(f"studies/{name}.yaml", "report: article", "report: article\ncohort: shared")
    rows = of(review.folder, "fever", ["crude"])
    assert "baker2002" not in rows[0]["studies_used"]
    assert where(rows, "overlaps all")["studies_used"] == "adams2001;baker2002;clark2003;davis2004"


def test_leaving_derived_counts_out_puts_another_arm_in_their_place(review):
    """Rows are selected anew: adams2001 keeps its widest arm that is stated."""
    review.edit("studies/adams2001.yaml", "reported: 10.0%, basis: stated", "reported: 10.0%, basis: derived")
    arm = "events: 9, patients: 80, window: 90, definition: any, basis: "
    review.edit("studies/adams2001.yaml", f"{arm}derived", f"{arm}stated")
    rows = of(review.folder, "fever", ["crude"])
    out = where(rows, "derived out")
    assert rows[0]["patients"] - out["patients"] == 120 - 80
    assert rows[0]["events"] - out["events"] == 12 - 9


def test_the_configs_own_levels_come_first():
    analysis = read_index(REVIEW / "config.yaml", REVIEW / "studies").protocol.analyses["rash"]
    analysis = analysis.model_copy(update={"exclude_basis": ("derived",)})
    levels = levels_of(analysis, [400, 30], [])
    assert list(levels) == list(CHOICES)
    assert (levels["window"][0], levels["window"][-2:]) == ("100 + open", ("30", "400"))
    assert "unstated" in levels["window"][1]
    assert levels["derived"] == ("derived out", "in", "out")


def test_a_choice_that_changes_nothing_is_not_crossed(review):
    """No sheet has judgements, second readings, shared cohorts or held rows: crossing them would repeat the table."""
    rows = of(review.folder, "high_fever", ["glmm", "crude"], windows=[100, 400])
    assert not {"risk_of_bias", "overlaps", "sensitivity_rows", "confirmed_only", "window", "limits"} & set(
        crossed(rows)
    )
    assert {row["risk_of_bias"] for row in rows} == {SILENT["risk_of_bias"][0]}


def test_a_model_that_does_not_exist_is_named_with_those_that_do(review):
    with pytest.raises(ValueError, match=r'multiverse\.models: "gllm" is not one of: .*Did you mean "glmm"\?'):
        of(review.folder, "fever", ["glmm", "gllm"])


def test_order_of_sheets_does_not_matter(real):
    name, sheets, analysis, protocol = real
    models = ["glmm", "betabinom"]
    again = pool_multiverse(sheets[::-1], name, analysis, models, protocol.multiverse.windows)
    table = pool_multiverse(sheets, name, analysis, models, protocol.multiverse.windows)
    assert repr(again) == repr(table)


def test_nothing_left_is_a_status_and_not_a_zero(review):
    review.edit("studies/baker2002.yaml", "source: table 1}", "source: table 1, second_reading: disagree}")
    row = where(of(review.folder, "fever", ["glmm"]), "confirmed_only yes")
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
    plain = (("a", 3, 3, 40), ("b", 9, 9, 80), ("c", 0, 0, 25), ("d", 20, 20, 90))
    sets = [
        plain,
        plain[:1],
        (),
        (("a", 0, 0, 9), ("b", 0, 0, 7)),
        (("a", 9, 9, 9), ("b", 7, 7, 7)),
        (*plain, ("a", 5, 5, 60)),
        plain[:2],
    ]
    for used, row in zip(sets, pool_sets(model, sets), strict=True):
        study, events, _, patients = zip(*used, strict=True) if used else ((), (), (), ())
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
    """Two models and two choices; estimates chosen so that every mean is known.

    Leaving derived counts out changes nothing unless those without a window stay in.
    """
    base = dict.fromkeys(CHOICES, "x") | {"analysis": "a", "studies": 3, "prior": math.nan}
    table = []
    for model, shift in (("glmm", 0.0), ("logit-reml", 0.01), ("logit-reml-hk", 0.01)):
        for departures, window, move in (
            ("none", "100 + unstated", 0.0),
            ("derived out", "100 + unstated", 0.02),
            ("window 100;window 100, derived out", "100", 0.06),
        ):
            estimate = 0.1 + shift + move
            ends = {"ci_low": estimate - 0.05, "ci_high": estimate + 0.05}
            found = {"window": window, "departures": departures, "combinations": departures.count(";") + 1}
            found |= {"derived": {"none": "in", "derived out": "out"}.get(departures, "in;out")}
            table.append(
                base | found | ends | {"model": model, "estimate": estimate, "specification": f"{model}{move}"}
            )
    return table


def test_summary_by_hand():
    rows = rows_by_hand()
    shifts = choice_shifts(rows)
    # reml and reml-hk are one estimate: no pair. Each pair of different specifications once: derived 0.02; window 0.06
    # with derived counts and 0.04 without.
    assert shifts == pytest.approx({"model": 0.01, "window": 0.05, "derived": 0.02})
    alone = rows[0] | {"studies": 1, "estimate": 0.9, "departures": "derived other", "specification": "z"}
    got = multiverse_summary([*rows, alone], [7.5, 20.5])
    assert (got["specifications"], got["combinations"], got["pooled"], got["distinct_row_sets"]) == (10, 13, 9, 4)
    assert [got[f"estimate_{c}"] for c in ("min", "median", "max")] == pytest.approx([0.10, 0.13, 0.17])
    assert [got["ci_low_min"], got["ci_high_max"]] == pytest.approx([0.05, 0.22])
    assert got["share_above_7.5"] == pytest.approx(5 / 9)  # 0.08 (twice), 0.11, 0.12 (twice)
    assert got["share_below_20.5"] == pytest.approx(6 / 9)
    assert (got["choices"], got["largest_choice"]) == ("model;window;derived", "window")
    assert got["largest_shift"] == pytest.approx(0.05)


def test_levels_that_pool_the_same_rows_are_one(review):
    """baker2002 counts 30 days, the others 90 or more: 31 and 60 days let in the same, and 90 to 400 do."""
    for name in ("adams2001", "baker2002", "clark2003", "davis2004"):
        days = 30 if name == "baker2002" else 90
        text = (review.folder / "studies" / f"{name}.yaml").read_text()
        text = re.sub(r"window: (\d+|unstated)", f"window: {days}", text)
        (review.folder / "studies" / f"{name}.yaml").write_text(text)
    rows = of(review.folder, "fever", ["crude"], windows=(30, 60, 100, 400))
    own, shorter = (row["window"] for row in rows if row["departures"].startswith(("none", "window 30")))
    assert shorter == "30 or 60"
    assert own.split(" or ")[-1] == "400" and "100" in own.split(" or ")
    assert rows[0]["k"] == 4 and where(rows, "window 30 or 60")["studies_used"] == "baker2002"


def test_another_window_pools_only_what_states_its_days(review):
    """Two studies without a window are no pool of 30 days, though the config's own window lets them in."""
    review.edit("config.yaml", "unstated: exclude", "unstated: include")
    for name in ("baker2002", "clark2003"):
        review.edit(f"studies/{name}.yaml", "window: 30", "window: unstated")
    rows = of(review.folder, "fever", ["crude"], windows=(30, 400))
    assert {"baker2002", "clark2003"} <= set(rows[0]["studies_used"].split(";"))
    stated = [row for row in rows if not any("unstated" in level for level in row["window"].split(";"))]
    assert stated
    assert not [row for row in stated if {"baker2002", "clark2003"} & set(row["studies_used"].split(";"))]


def test_both_ends_of_limits_are_specifications(review):
    """5 to 9 events: pooled as they are, all at 5, and all at 9; exact counts have no ends."""
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    sheets, within = [index.sheets[path] for path in index.feeds("fever")], {"events": Limits(5, 9)}
    for at, sheet in enumerate(sheets):
        if sheet.id == "baker2002":
            rows = [r.model_copy(update=within if r.outcome == "fever" else {}) for r in sheet.outcomes]
            sheets[at] = sheet.model_copy(update={"outcomes": tuple(rows)})
    analysis = index.protocol.analyses["fever"]
    sets = merge_levels(select_sets(sheets, "fever", analysis, levels_of(analysis, [30], sheets)))
    ends = {c[-1]: next(row[1:3] for row in used if row[0] == "baker2002") for c, used in sets.items()}
    assert ends == {"as they are": (5, 9), "all at the lower end": (5, 5), "all at the upper end": (9, 9)}
    assert "limits" not in crossed(of(review.folder, "high_fever", ["crude"]))


def test_an_analysis_of_several_outcomes_is_pooled_with_the_preferred_one_only(real, table):
    """The row of a study that reports only the second outcome leaves, whatever else it reports stays out."""
    _, sheets, analysis, _ = real
    if len(analysis.outcomes) == 1:
        assert "outcomes" not in crossed(table)
        return
    first = analysis.outcomes[0]
    only = {sheet.id for sheet in sheets if first not in {row.outcome for row in sheet.outcomes}}
    assert only & set(table[0]["studies_used"].split(";"))
    assert not only & set(where(table, f"outcomes {first}")["studies_used"].split(";"))


def test_the_scale_of_the_prior_is_a_choice(review):
    """The engine's own first; a narrower prior on τ gives a narrower interval; other models have no prior."""
    rows = of(review.folder, "fever", ["bayes", "crude"], priors=(0.5, 2))
    scales = {row["prior"]: row for row in rows if row["model"] == "bayes" and "none" in row["departures"].split(";")}
    assert list(scales) == [TAU_SCALE, 0.5, 2]
    assert [row["prior"] for row in rows if row["model"] == "crude"] == [None] * (len(rows) // 4)
    width = {scale: row["ci_high"] - row["ci_low"] for scale, row in scales.items()}
    assert width[0.5] < width[1] < width[2]
    assert "prior" in crossed(rows) and choice_shifts(rows)["prior"] > 0
    assert multiverse_summary(rows)["choices"].startswith("model;prior")


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
