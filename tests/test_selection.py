"""Which rows enter an analysis: the rules of design section 3 and 4, each with its reason in words."""

import pytest
from conftest import ROOT
from synthesis.review.index import read_index
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.selection.specifications import levels_of, select_sets
from synthesis.sheets.facts import of_analysis, of_fits

WORDS = Vocabulary(attributes=["product", "target"], implied={"A": {"target": "T1"}, "B": {"target": "T2"}})


def rows_of(review, analysis="fever", subset="all"):
    """Give (study, arm) → row of one block."""
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    rows = select_rows(index.sheets.values(), analysis, index.protocol.analyses[analysis], WORDS)
    return {(r["study"], r["arm"]): r for r in rows if r["subset"] == subset}


def test_a_study_enters_once_with_its_widest_arm(review):
    rows = rows_of(review)
    assert rows["adams2001", "all"]["use"] == "yes"
    assert rows["adams2001", "a"]["use"] == "no"
    assert "widest arm: all" in rows["adams2001", "a"]["reason"]


def test_a_subgroup_splits_a_study_into_its_arms(review):
    rows = rows_of(review, subset="product")
    assert {key: r["group"] for key, r in rows.items() if key[0] == "adams2001"} == {
        ("adams2001", "a"): "A",
        ("adams2001", "b"): "B",
    }


def test_an_attribute_follows_from_the_product(review):
    assert rows_of(review)["baker2002", "all"]["target"] == "T1"


def test_mixed_and_unknown_products_are_shown_apart(review):
    review.edit("studies/baker2002.yaml", "product: A, ", "")
    review.edit("studies/clark2003.yaml", "product: A", "product: mixed")
    rows = rows_of(review, subset="product")
    assert rows["baker2002", "all"]["group"] == "not reported"
    assert rows["clark2003", "all"]["group"] == "mixed"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("window: 30", "window: 365", "window: 365 days, more than 100"),
        ("events: 5, patients: 60", "events: not reported, patients: 60", "count not reported"),
        ("extraction:", "exclude: {fever: Selected patients.}\nextraction:", "excluded: Selected patients."),
        ("extraction:", "exclude: {fever: {all: Selected.}}\nextraction:", "excluded: Selected."),
        ("extraction:", "sensitivity_only: {fever: A bound.}\nextraction:", "sensitivity only: A bound."),
    ],
)
def test_a_row_stays_out_with_its_reason(old, new, reason, review):
    review.edit("studies/baker2002.yaml", old, new)
    row = rows_of(review)["baker2002", "all"]
    assert (row["use"], row["reason"]) == ("no", reason)


@pytest.mark.parametrize(
    ("citation", "used"),
    [
        ("{title: Fever, url: https://example.org/fever}", "no"),
        ("{journal: J One, year: 2002}", "no"),
        ("{title: Fever, journal: J One}", "yes"),
        ("{authors: Baker B}", "yes"),
        ("{doi: 10.1000/baker2002}", "yes"),
        ("{pmid: 1002}", "yes"),
    ],
)
def test_a_report_that_nobody_can_look_up_is_for_sensitivity_analyses_only(citation, used, review):
    review.edit(
        "studies/baker2002.yaml",
        "{authors: Baker B, title: On baker2002, journal: J One, year: 2002, doi: 10.1000/baker2002}",
        citation,
    )
    for analysis in ("fever", "rash"):
        row = rows_of(review, analysis)["baker2002", "all"]
        assert row["use"] == used
        assert row["reason"].startswith("sensitivity only: Nobody can look this report up") == (used == "no")


def test_what_fits_are_handed_still_says_who_can_be_looked_up(review):
    """Fits are handed sheets without a word; they must select the rows that people read of."""
    review.edit(
        "studies/baker2002.yaml", "authors: Baker B, title: On baker2002, journal: J One, year: 2002, doi: ", "note: "
    )
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    for name, analysis in index.protocol.analyses.items():
        told = [[part(s, analysis) for s in index.sheets.values()] for part in (lambda s, _: s, of_analysis, of_fits)]
        pooled = [[(r["study"], r["use"]) for r in select_rows(sheets, name, analysis, WORDS)] for sheets in told]
        assert pooled[0] == pooled[1] == pooled[2] and ("baker2002", "yes") not in pooled[0]


def test_a_specification_with_sensitivity_rows_lets_such_a_report_in(review):
    review.edit(
        "studies/baker2002.yaml", "authors: Baker B, title: On baker2002, journal: J One, year: 2002, doi: ", "note: "
    )
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    sheets = [of_fits(sheet, analysis := index.protocol.analyses["fever"]) for sheet in index.sheets.values()]
    levels = levels_of(analysis, [100], sheets)
    at = list(levels).index("sensitivity_rows")
    holding = {
        combination[at]
        for combination, rows in select_sets(sheets, "fever", analysis, levels).items()
        if "baker2002" in [row[0] for row in rows]
    }
    assert holding == {"in"}


def test_unstated_windows_follow_the_config(review):
    for analysis, use in (("fever", "yes"), ("rash", "no")):
        text = review.read("studies/baker2002.yaml").replace("window: 30", "window: unstated")
        review.sheet("baker2002").write_text(text)
        assert rows_of(review, analysis)["baker2002", "all"]["use"] == use


def test_ascertainment_can_be_restricted(review):
    review.edit(
        "config.yaml",
        "    subgroups: [product]\n  high",
        "    subgroups: [product]\n    ascertainment: [laboratory series]\n  high",
    )
    assert rows_of(review)["baker2002", "all"]["reason"] == "ascertainment: chart review is not pooled here"


def test_derived_counts_can_be_left_out(review):
    review.edit(
        "config.yaml",
        "    subgroups: [product]\n  high",
        "    subgroups: [product]\n    exclude_basis: [derived]\n  high",
    )
    assert rows_of(review)["adams2001", "a"]["reason"] == "basis: derived counts are not pooled here"


def test_sheets_of_one_cohort_never_meet(review):
    """The larger one is pooled; the other is listed and says with whom it shares patients."""
    for name in ("baker2002", "clark2003"):
        review.edit(f"studies/{name}.yaml", "ascertainment:", "cohort: west\nascertainment:")
    rows = rows_of(review)
    assert rows["clark2003", "all"]["use"] == "yes"
    assert rows["baker2002", "all"]["reason"].startswith("shares patients with clark2003 (cohort west)")


def test_the_longest_allowed_window_is_taken(review):
    line = next(x for x in review.read("studies/baker2002.yaml").splitlines() if "fever" in x)
    later = line.replace("events: 5", "events: 8").replace("window: 30", "window: 90")
    review.edit("studies/baker2002.yaml", line, f"{line}\n{later}")
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    rows = select_rows(index.sheets.values(), "fever", index.protocol.analyses["fever"], WORDS)
    baker = [r for r in rows if r["study"] == "baker2002" and r["subset"] == "all"]
    assert [(r["window"], r["use"]) for r in baker] == [(30, "no"), (90, "yes")]
    assert baker[0]["reason"].startswith("another row of the arm is preferred: window 90 d")


def test_the_preferred_outcome_is_taken(review):
    review.edit("config.yaml", "outcomes: [fever]", "outcomes: [rash, fever]")
    rows = rows_of(review)
    assert rows["adams2001", "all"]["outcome"] == "fever"  # it reports no rash
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    baker = [
        r
        for r in select_rows(index.sheets.values(), "fever", index.protocol.analyses["fever"], WORDS)
        if r["study"] == "baker2002" and r["subset"] == "all"
    ]
    assert {r["outcome"]: r["use"] for r in baker} == {"fever": "no", "rash": "yes"}


def test_every_candidate_is_listed_once(review):
    """Nothing is dropped silently: used or not, each row of the sheets stands in the block of all."""
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    for name, analysis in index.protocol.analyses.items():
        rows = select_rows(index.sheets.values(), name, analysis, WORDS)
        listed = [r for r in rows if r["subset"] == "all"]
        held = sum(o.outcome in analysis.outcomes for s in index.sheets.values() for o in s.outcomes)
        assert len(listed) == held
        assert all((r["use"] == "yes") == (r["reason"] == "") for r in listed)


# The pools the curated collection calls for: analysis → study → count (evidence README, "Which rows belong together").
POOLS = {
    "thrombosis": {"johnsrud2021": "8/127", "hashmi2020": "16/148", "schorr2023": "10/140", "melody2022": "2/97"},
    "venous_thromboembolism": {
        "johnsrud2021": "7/127",
        "hashmi2020": "16/148",
        "schorr2023": "9/140",
        "melody2022": "2/97",
    },
    "bleeding": {"johnsrud2021": "12/127", "kymriahlabel2018": "21/68", "jess2023": "16/53"},
    "severe_bleeding": {"buechner2021": "1 to 2/137", "wangx2023": "0/56"},
    "intracranial_haemorrhage": {"yan2025": "10/2255", "johnsrud2021": "2/127"},
    "coagulopathy_adverse_event": {
        "maude2018": "5/79",
        "schuster2018": "5/115",
        "fowler2022": "2/97",
        "neelapu2017": "2/108",
        "jacobson2022": "9/146",
        "locke2022": "15/168",
        "wang2020z": "8/82",
        "shah2021": "13/78",
    },
    "intracranial_haemorrhage_fatal": {
        "levine2021": "1/137",  # also holds the death of maude2018 and kymriahlabel2018
        "neelapu2017": "1/108",
        "schuster2018": "0/111",
        "fowler2022": "0/97",
        "sehgal2022": "0/61",
        "yan2025": "9/2255",
        "lemoine2023": "3/957",
    },
    "bleeding_fatal_30_days": {
        "maude2018": "1/75",
        "schuster2018": "0/111",
        "fowler2022": "0/97",
        "sehgal2022": "0/61",
    },
    "coagulation_disorder": {
        "jiang2019": "30/53",
        "xu2021": "37/46",
        "shao2021": "34/37",
        "legend2023": "25/51",
        "wang2020": "51/100",
    },
    "dic": {"wang2020": "7/100", "jiang2019": "15/53", "legend2023": "15/51"},
    "dic_hospital_codes": {},
    "hypofibrinogenaemia": {"xu2021": "22/46", "legend2023": "11/51", "wang2020": "23/100"},
    "prolonged_pt": {"wang2020": "10/100", "xu2021": "7/46", "legend2023": "2/51"},
    "prolonged_aptt": {"wang2020": "16/100", "xu2021": "25/46", "legend2023": "16/51"},
    "raised_d_dimer": {"wang2020": "50/100", "xu2021": "31/46", "legend2023": "21/51"},
}


@pytest.mark.parametrize("analysis", POOLS)
def test_the_review_pools_what_the_collection_calls_for(analysis):
    index = read_index(ROOT / "config.yaml", ROOT / "studies")
    words = Vocabulary(attributes=["product", *index.protocol.attributes])
    rows = select_rows(index.sheets.values(), analysis, index.protocol.analyses[analysis], words)
    used = [r for r in rows if r["subset"] == "all" and r["use"] == "yes"]
    events = [r["events"] if r["events"] != "" else f"{r['events_from']} to {r['events_to']}" for r in used]
    pooled = {r["study"]: f"{count}/{r['patients']}" for r, count in zip(used, events, strict=True)}
    assert pooled.items() >= POOLS[analysis].items()  # a new study may join; none of these may leave unnoticed


def test_one_death_enters_a_pool_once():
    """The cerebral haemorrhage of ELIANA stands in three reports, and in two outcomes of one of them."""
    index = read_index(ROOT / "config.yaml", ROOT / "studies")
    words = Vocabulary(attributes=["product", *index.protocol.attributes])
    for name, one in (("intracranial_haemorrhage_fatal", "levine2021"), ("bleeding_fatal_30_days", "maude2018")):
        rows = select_rows(index.sheets.values(), name, index.protocol.analyses[name], words)
        eliana = {"levine2021", "maude2018", "kymriahlabel2018", "buechner2021"}
        assert {r["study"] for r in rows if r["use"] == "yes"} & eliana == {one}
        late = [r for r in rows if r["use"] == "yes" and r["study"] == "schuster2018"]
        assert {r["window"] for r in late} == {30}, "the zero of JULIET holds for 30 days only"


def test_johnsrud_2021_by_product():
    """12 bleeds and 8 thromboses of 127: 10/89 and 6/89 on axi-cel, 2/38 and 2/38 on CD19/22 (abstract)."""
    index = read_index(ROOT / "config.yaml", ROOT / "studies")
    words = Vocabulary(attributes=["product", *index.protocol.attributes])
    for analysis, counts in (
        ("bleeding", {"axi-cel": (10, 89), "CD19/22": (2, 38)}),
        ("thrombosis", {"axi-cel": (6, 89), "CD19/22": (2, 38)}),
    ):
        rows = select_rows(index.sheets.values(), analysis, index.protocol.analyses[analysis], words)
        johnsrud = [r for r in rows if r["study"] == "johnsrud2021" and r["subset"] == "product"]
        assert {r["group"]: (r["events"], r["patients"]) for r in johnsrud} == counts


def test_an_analysis_can_ask_for_two_readers(review):
    review.edit(
        "config.yaml", "    subgroups: [product]\n  high", "    subgroups: [product]\n    readings: twice\n  high"
    )
    review.edit("studies/baker2002.yaml", "events: 5,", "second_reading: agree, events: 5,")
    rows = rows_of(review)
    assert rows["baker2002", "all"]["use"] == "yes"
    others = [r for key, r in rows.items() if key[0] != "baker2002"]
    assert {r["use"] for r in others} == {"no"}
    assert {"reading: read once"} <= {r["reason"] for r in others}
