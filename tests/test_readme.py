"""README.md holds no typed number, and its commands exist."""

import re

import pytest
from conftest import ROOT
from synthesis.documents.quoting import fill, section


def test_the_numbers_of_the_readme_are_those_of_the_results():
    text = (ROOT / "README.md").read_text()
    assert "<!-- results: " in text and fill(text, ROOT) == text, "Run `make readme`."


def test_the_readme_has_the_parts_a_visitor_needs():
    text = (ROOT / "README.md").read_text()
    for heading in ("The answers", "What the evidence is, and is not", "Two commands", "Add a study"):
        assert f"## {heading}" in text
    outside = re.sub(r"<!-- results.*?/results -->", "", text, flags=re.S)
    assert not re.search(r"\d+\.\d+ ?%|\d+ of \d+ patients", outside), "a result was typed by hand"


def test_every_make_target_named_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for name in ("README.md", "CONTRIBUTING.md", "studies/README.md", "studies/TEMPLATE.yaml"):
        named = set(re.findall(r"(?:`|^ +|: )make ([a-z]+)", (ROOT / name).read_text(), re.M))
        assert named <= targets, name


def test_every_link_leads_somewhere():
    for name in ("README.md", "results/README.md", "studies/README.md"):
        path = ROOT / name
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{name}: {link}"


def test_a_part_without_a_section_is_an_error():
    with pytest.raises(KeyError, match="Nonsense"):
        section("## Something\n\ntext\n", "Nonsense")
