"""Patients are counted once: named cohorts never meet in a pool, and unnamed suspicions are put to the curator."""

import pytest
from conftest import ROOT
from synthesis.review.index import read_index
from synthesis.review.overlap import (
    NAMED,
    TOGETHER,
    first_author,
    overlap_warnings,
    set_apart,
    shared_years,
    suggest_overlaps,
    suggest_overlaps_file,
)
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.selection.specifications import CHOICES, SILENT
from synthesis.tables.declared import columns_of
from synthesis.tables.files import read_table, write_table
from synthesis.variations.multiverse import pool_multiverse
from synthesis.words.marks import speaks_of

BLANK = dict.fromkeys(
    ("country", "centres", "enrolled_from", "enrolled_to", "cohort", "overlaps", "authors", "comprises"), ""
)


def study(name, **values):
    return BLANK | {"study": name, "label": name.capitalize()} | values


def pair(one: dict, other: dict, arms=(), meet=True, asked=True) -> list[dict]:
    studies = [study("smith2020", **one), study("jones2021", **other)]
    both = {"smith2020", "jones2021"}
    held = {"fever": both if meet else set()}
    return suggest_overlaps(studies, arms, ["product"], {"fever": both if asked else set()}, held)


US = {"country": "United States", "enrolled_from": "2017", "enrolled_to": "2020"}


def test_the_same_country_and_years_are_suggested():
    (found,) = pair(US, US | {"enrolled_from": "2019-05", "enrolled_to": "2022"})
    assert found["why"] == "United States, enrolment 2019-05 to 2020"
    assert (found["verdict"], found["analyses"], found["described"]) == (TOGETHER, "fever", "no")
    assert list(found) == columns_of("overlaps")


@pytest.mark.parametrize(
    "other",
    [
        US | {"country": "Japan"},
        US | {"country": ""},
        US | {"enrolled_from": "2021", "enrolled_to": "2022"},
        US | {"enrolled_from": ""},
    ],
)
def test_another_country_other_years_or_silence_suggest_nothing(other):
    assert pair(US, other) == []


def test_several_countries_are_no_place():
    assert pair(US | {"country": "multinational"}, US | {"country": "multinational"}) == []


def test_what_no_analysis_asks_for_together_is_left_out():
    assert pair(US, US, asked=False, meet=False) == []
    assert len(pair(US, US, meet=False)) == 1


def test_one_cohort_is_listed_and_apart():
    (found,) = pair({"cohort": "west"}, {"cohort": "west"}, meet=False)
    assert (found["verdict"], found["cohort"], found["why"]) == (NAMED, "west", "one cohort: west")


def test_two_cohorts_of_counted_centres_are_known_apart():
    """A curator who names both knows who they are; a registry counts no centres and may hold anybody."""
    known = US | {"cohort": "west", "centres": "1"}
    assert pair(known, US | {"cohort": "east", "centres": "2"}) == []
    assert len(pair(known, US | {"cohort": "registry"})) == 1


def test_arms_without_a_common_level_share_no_patients():
    arms = [BLANK | {"study": s, "product": p} for s, p in (("smith2020", "A"), ("jones2021", "B"))]
    assert pair(US, US, arms) == []
    arms[1]["product"] = "mixed"
    assert len(pair(US, US, arms)) == 1
    assert not set_apart({"product": set()}, {"product": {"A"}})


def test_the_same_first_author_is_suggested_unless_the_years_are_apart():
    (found,) = pair({"authors": "Smith AB et al."}, {"authors": "Smith A"})
    assert found["why"] == "same first author (Smith A)"
    assert pair({"authors": "Wang J et al."}, {"authors": "Wang X et al."}) == []
    early, late = US | {"enrolled_to": "2018"}, US | {"enrolled_from": "2019"}
    assert pair(early | {"authors": "Smith A"}, late | {"authors": "Smith A"}) == []


@pytest.mark.parametrize(
    ("authors", "name"),
    [("van der Berg-Li J et al.", "van der Berg-Li J"), ("O'Neil K", "O'Neil K"), ("", ""), (None, "")],
)
def test_first_authors(authors, name):
    assert first_author({"authors": authors}) == name


@pytest.mark.parametrize(
    ("one", "other", "years"),
    [
        (("2017", "2018"), ("2018", "2020"), "2018"),
        (("2017", "2018-06"), ("2018-07", "2020"), ""),
        (("2017", "2018"), ("2018-12", "2020"), "2018-12 to 2018"),
        (("2017", ""), ("2018", "2020"), None),
    ],
)
def test_shared_years(one, other, years):
    rows = [dict(zip(("enrolled_from", "enrolled_to"), span, strict=True)) for span in (one, other)]
    assert shared_years(*rows) == shared_years(*reversed(rows)) == years


def test_a_sheet_speaks_of_another_by_its_whole_name():
    other = {"label": "Wang 2020", "study": "wang2020"}
    assert speaks_of({"overlaps": "May share patients with Wang 2020 (Xuzhou)."}, other)
    assert not speaks_of({"overlaps": "See Wang 2020z."}, other)


def sheets_of(review):
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    return index, list(index.sheets.values())


def test_make_check_warns_until_a_curator_answers(review):
    for name in ("baker2002", "clark2003"):
        where = "country: Norway\nenrolled: {from: 2001, to: 2003}\nascertainment:"
        review.edit(f"studies/{name}.yaml", "ascertainment:", where)
    (warning,) = overlap_warnings(sheets_of(review)[0])
    assert warning.startswith("baker2002 and clark2003 may share patients (Norway, enrolment 2001 to 2003)")
    assert "fever, rash" in warning and "`cohort`" in warning
    saved = review.read("studies/baker2002.yaml")
    review.edit("studies/baker2002.yaml", "extraction:", "overlaps: No patients of Clark 2003.\nextraction:")
    assert overlap_warnings(sheets_of(review)[0]) == []
    review.sheet("baker2002").write_text(saved)
    for name in ("baker2002", "clark2003"):
        review.edit(f"studies/{name}.yaml", "ascertainment:", "cohort: west\nascertainment:")
    assert overlap_warnings(sheets_of(review)[0]) == []


def test_the_table_of_overlaps(tmp_path):
    studies = [study("smith2020", **US), study("jones2021", **US)]
    for row in studies:
        del row["comprises"]
    write_table(tmp_path / "studies.csv", studies, list(studies[0]))
    write_table(tmp_path / "arms.csv", [], ["study", "comprises", "product"])
    rows = [
        {"analysis": "fever", "subset": "all", "study": name, "use": use}
        for name, use in (("smith2020", "yes"), ("jones2021", "no"))
    ]
    write_table(tmp_path / "rows.csv", rows, list(rows[0]))
    names = [str(tmp_path / f"{name}.csv") for name in ("studies", "arms")]
    suggest_overlaps_file(*names, [str(tmp_path / "rows.csv")], str(tmp_path / "o.csv"), attributes=["product"])
    (found,) = read_table(tmp_path / "o.csv")
    assert (found["verdict"], found["analyses"]) == ("not pooled together", "")


def test_no_pool_of_this_review_holds_a_cohort_twice():
    """Over all studies and within every subgroup, whatever sheet is added next."""
    index = read_index(ROOT / "config.yaml", ROOT / "studies")
    words = Vocabulary(["product", *index.protocol.attributes])
    cohorts = {sheet.id: sheet.cohort for sheet in index.sheets.values() if sheet.cohort}
    assert len(cohorts) > len(set(cohorts.values())) > 3  # several sheets do share one
    for name, analysis in index.protocol.analyses.items():
        used = [r for r in select_rows(index.sheets.values(), name, analysis, words) if r["use"] == "yes"]
        for subset in {row["subset"] for row in used}:
            studies = {row["study"] for row in used if row["subset"] == subset}
            named = [cohorts[study] for study in studies if study in cohorts]
            assert len(named) == len(set(named)), (name, subset)


def test_the_specification_curve_has_the_pool_with_all_of_a_cohort(review):
    assert "overlaps" in CHOICES and SILENT["overlaps"] == ("one per cohort", "all")
    for name in ("baker2002", "clark2003"):
        review.edit(f"studies/{name}.yaml", "ascertainment:", "cohort: west\nascertainment:")
    index, sheets = sheets_of(review)
    rows = pool_multiverse(sheets, "fever", index.protocol.analyses["fever"], ["glmm"], [100])
    used = {row["overlaps"]: set(row["studies_used"].split(";")) for row in rows}
    assert used["all"] - used["one per cohort"] == {"baker2002"}
