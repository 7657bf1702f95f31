"""What cannot be seen changes nothing: two texts that look alike are one text, in every file that people write."""

import pytest
from synthesis.words.characters import bare_doi, comparable, complaint, plain

LOOKS_THE_SAME = {
    "soft hyphen": "throm\u00adbosis",
    "zero-width space": "\u200bthrombosis",
    "zero-width joiner": "throm\u200dbosis",
    "byte order mark inside": "thrombosis\ufeff",
    "left-to-right mark": "\u200ethrombosis",
    "word joiner": "throm\u2060bosis",
    "variation selector": "thrombosis\ufe0f",
    "full-width letters": "\uff54hrombosis",
}


@pytest.mark.parametrize("kind", LOOKS_THE_SAME)
def test_what_looks_the_same_is_the_same(kind):
    assert plain(LOOKS_THE_SAME[kind]) == "thrombosis"


@pytest.mark.parametrize("space", "\u00a0\u2002\u2007\u2009\u202f\u3000\t")
def test_every_space_is_a_space(space):
    assert plain(f"Adams{space}2001") == "Adams 2001"


def test_what_says_something_stays():
    text = "Müller–Łukasz: β2 “µg/L” ≥ 5 × 10² μm … Å 血栓 тромбоз"
    assert plain(text) == text
    assert complaint(text) is None
    assert plain("Mu\u0308ller") == "Müller", "an accent joins its letter"


@pytest.mark.parametrize("bad", ["\x00", "\x07", "\x85", "\u2028", "\u202e", "\u2066", "\ue000", "\ufffd", "\ud800"])
def test_what_cannot_be_shown_is_refused(bad):
    assert "U+" in complaint(f"a{bad}b")


def test_a_word_of_two_alphabets_is_refused():
    """Latin a and Cyrillic а: two definitions would look the same, and be compared as two."""
    assert "Cyrillic" in complaint("any feve\u0440")
    assert complaint("по English") is None


def test_one_key_for_what_a_reader_would_call_the_same():
    assert comparable("ELIANA  trial") == comparable("Eliana\u00a0trial ")
    assert comparable("5 \u00b5g/L") == comparable("5 \u03bcg/l")
    assert comparable("Crohn\u2019s") == comparable("Crohn's")


@pytest.mark.parametrize(
    "written",
    [
        *("10.1000/Adams.1", "10.1000/Adams.1.", "10.1000/Adams.1/", "10.1000/Adams.1\u200b", "10.1000/Ad\u00adams.1"),
        *("doi:10.1000/Adams.1", "DOI: 10.1000/Adams.1", "https://doi.org/10.1000/Adams.1", "doi.org/10.1000/Adams.1"),
        *(
            "http://dx.doi.org/10.1000/Adams.1;",
            "<10.1000/Adams.1>",
            "10.1000/Adams.1,",
            "https://www.doi.org/10.1000/Adams.1",
            "(10.1000/Adams.1)",
            "10.1000/Adams.1)",
            "[doi: 10.1000/Adams.1].",
            "10.1000/Adams.1…",
            "10.1000%2FAdams.1",
            "10.1000/Adams.1%20",
            "https://doi.org/doi:10.1000/Adams.1",
            "DOI: https://doi.org/10.1000/Adams.1?via=x#top",
            "https://publisher.example/doi/10.1000/Adams.1",
            "10.1000/Adams.1 (accessed 2020)",
        ),
    ],
)
def test_a_doi_is_one_however_it_is_written(written):
    assert bare_doi(written) == "10.1000/Adams.1"


def test_a_doi_keeps_its_own_signs():
    assert bare_doi("10.1016/S0140-6736(20)31366-0") == "10.1016/S0140-6736(20)31366-0"
    old = "10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-#"
    assert bare_doi(old) == old
    assert bare_doi("10.1000/a b") == "10.1000/a b", "a space inside is no end: somebody has to look"
    assert bare_doi("10.1016/S0140\u20116736(20)31366\u20130") == "10.1016/S0140-6736(20)31366-0"
