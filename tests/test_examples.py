"""Another review runs on the same engine, gives published numbers, and the engine holds no word of the first review."""

import csv
import re
import shutil
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Review, jobs
from synthesis.protocol.config import read_protocol
from synthesis.review.index import read_index

EXAMPLE = ROOT / "examples" / "catheter_infection"
ENGINE_FILES = (".py", ".smk", ".R", ".html", ".css", ".js", ".json", ".j2", "")

# Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046-67, table II, p. 3050, to the digits that metafor's own test of
# that paper quotes (tests/testthat/test_analysis_example_stijnen2010.r): estimate, interval, se, tau².
PUBLISHED = {
    ("glmm", "standard"): (0.0294, 0.0180, 0.0478, 0.2570, 0.8124),
    ("glmm", "anti-infective"): (0.0081, 0.0040, 0.0161, 0.3555, 0.8265),
    ("logit-reml", "standard"): (0.0355, 0.0226, 0.0554, 0.2378, 0.6629),
    ("logit-reml", "anti-infective"): (0.0139, 0.0084, 0.0229, 0.2589, 0.3928),
}
QUANTITIES = ("estimate", "ci_low", "ci_high", "se", "tau2")


def read_csv(path: Path) -> list[dict]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Repository(Review):
    """A copy of the engine with the example in it, built from the root as README.md says."""

    def __init__(self, folder: Path):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__", "results", ".snakemake", "logs")
        for name in ("workflow", "profiles", "examples"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        shutil.copy(ROOT / "Snakefile", folder)
        self.example = folder / "examples" / EXAMPLE.name


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Build what the comparison needs, once."""
    copy = Repository(tmp_path_factory.mktemp("example") / "repository")
    targets = ("results/estimates.csv", "results/bloodstream_infection/forest_product.svg")
    done = copy.run("--directory", str(copy.example.relative_to(copy.folder)), *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.fixture(scope="module")
def estimates(repository):
    """Give (model, level) → row of the pools of each kind of catheter."""
    rows = read_csv(repository.example / "results" / "estimates.csv")
    return {(row["model"], row["group"]): row for row in rows if row["subset"] == "product"}


@pytest.mark.workflow
@pytest.mark.parametrize("key", PUBLISHED, ids=" ".join)
def test_published_pools(key, estimates):
    ours = [float(estimates[key][quantity]) for quantity in QUANTITIES]
    # metafor's default has 7 nodes of quadrature, and with 25 its tau² is 0.0012 lower (reference.csv).
    for name, value, published in zip(QUANTITIES, ours, PUBLISHED[key], strict=True):
        assert value == pytest.approx(published, abs=0.0015 if name in ("se", "tau2") else 0.00006), name


@pytest.mark.workflow
def test_metafor_gives_the_same(estimates):
    reference = read_csv(EXAMPLE / "reference" / "reference.csv")
    assert {(row["model"], row["group"]) for row in reference} == set(PUBLISHED)
    for row in reference:
        ours = estimates[row["model"], row["group"]]
        for quantity in QUANTITIES:
            # glmer's standard error comes from finite differences (7e-6); the rest agrees to 1e-5 with 25 nodes.
            expected = pytest.approx(float(row[quantity]), rel=2e-5)
            assert float(ours[quantity]) == expected, (row["call"], row["software"])


@pytest.mark.workflow
def test_arms_of_one_trial_share_its_effect(estimates):
    golden = read_csv(ROOT / "tests" / "golden" / "reference_grouped.csv")
    rows = {(r["model"], r["quantity"]): r["value"] for r in golden if r["dataset"] == "nielweise2007_arms"}
    for group in ("anti-infective", "standard"):
        expected = float(rows["glmm-common-exact", f"estimate[{group}]"])
        assert float(estimates["glmm-common", group]["estimate"]) == pytest.approx(expected, rel=1e-7)
    chi2 = float(rows["glmm-lrt-exact", "chi2"])
    assert float(estimates["glmm-common", ""]["test"]) == pytest.approx(chi2, rel=1e-7)


@pytest.mark.workflow
def test_the_forest_plot_shows_both_kinds_with_their_counts(repository):
    svg = (repository.example / "results" / "bloodstream_infection" / "forest_product.svg").read_text(encoding="utf-8")
    texts = [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r"<text[^>]*>.*?</text>", svg, re.S)]
    for text in (
        "Anti-infective catheter",
        "Standard catheter",
        "Subgroup (k = 18)",
        "27",
        "87",
        "(0.4–1.6)",
        "(1.8–4.8)",
    ):
        assert any(shown.startswith(text) for shown in texts), text


@pytest.mark.workflow
def test_its_own_snakefile_finds_the_engine_and_nothing_is_left_to_do(repository):
    inside = Review.__new__(Review)
    inside.folder = repository.example
    assert inside.build("results/estimates.csv", "results/bloodstream_infection/forest_product.svg") == []


@pytest.mark.workflow
@pytest.mark.slow
def test_everything_else_is_built_too(repository):
    done = repository.run("--directory", str(repository.example.relative_to(repository.folder)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "select_rows" not in " ".join(jobs(done.stdout + done.stderr))
    results = repository.example / "results"
    report = results / "report.html"
    page = (
        report.read_text(encoding="utf-8") if report.exists() else (results / "README.md").read_text(encoding="utf-8")
    )
    for text in ("anti-infective", "Bach 1996", "not a review to act on"):
        assert text in page, text
    first = read_protocol(ROOT / "config.yaml")
    everything = [path for path in results.rglob("*") if path.suffix in (".svg", ".md", ".csv", ".html")]
    assert len(everything) > 40
    for path in everything:
        found = clinical_words(first).search(path.read_text(encoding="utf-8"))
        assert not found or path.name in ("methods.md", "report.html"), (path.name, found[0])  # those list references


def test_the_sheets_are_those_of_the_table(tmp_path):
    for name in ("make_sheets.py", "nielweise2007.csv"):
        shutil.copy(EXAMPLE / name, tmp_path)
    sys.path.insert(0, str(tmp_path))
    try:
        import make_sheets
    finally:
        sys.path.remove(str(tmp_path))
    make_sheets.main()
    made = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "studies").iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in (EXAMPLE / "studies").iterdir()}
    assert made == kept, "run `python make_sheets.py` in the example's folder"


def test_every_sheet_is_in_order_and_names_its_source():
    index = read_index(EXAMPLE / "config.yaml", EXAMPLE / "studies")
    table = read_csv(EXAMPLE / "nielweise2007.csv")
    assert len(index.sheets) == len(table) == 18
    counts = {
        (s.label, row.arm): (row.events, row.patients)
        for s in index.sheets.values()
        for row in s.outcomes
        if row.arm != "all"
    }
    for row in table:
        name = f"{row['author']} {row['year']}"
        assert counts[name, "anti-infective"] == (int(row["ai"]), int(row["n1i"]))
        assert counts[name, "standard"] == (int(row["ci"]), int(row["n2i"]))
    for sheet in index.sheets.values():
        assert "10.1007/s00134-007-0897-3" in sheet.citation.note
        assert all("nielweise2007" in row.source for row in (*sheet.outcomes, *sheet.comparisons))
    # docs/explanation/why-glmm.md says so in words.
    treated = [int(row["ai"]) for row in table]
    assert (sum(treated), sum(int(row["n1i"]) for row in table), treated.count(0)) == (27, 2495, 6)


def clinical_words(protocol) -> re.Pattern:
    """Give a pattern of what a review calls its own: whole words, from its config.

    Names of outcomes, products and levels in their own case, and longer words of their labels. Left out are words that
    any review may use, and ``stroke``, which is how SVG draws a line.
    """
    levels = [level for attribute in protocol.attributes.values() for level in (*attribute.levels, attribute.label)]
    names = {*protocol.outcomes, *protocol.products, *levels, "CAR-T", "CAR T", "ICANS", "CRS", "lymphoma", "infusion"}
    labels = " ".join(term.label for term in protocol.outcomes.values())
    words = {word.lower() for word in re.findall(r"[A-Za-z-]{8,}", labels)}
    words |= {name.replace("_", " ") for name in names} | {name for name in names if len(name) > 2}
    general = {"stroke", "adult", "disease", "population", "paediatric", "disorder", "laboratory", "parameter"}
    general |= {"reported", "clinically", "relevant", "decrease", "products", "prolonged", "concentrate", "symptomatic"}
    general |= {"arterial", "activated", "non-major", "degradation", "soft-tissue", "adverse", "unusual"}
    kept = {word for word in words if word.lower() not in general and len(word) > 2}
    lower = "|".join(sorted((re.escape(w) for w in kept if w.islower()), key=len, reverse=True))
    exact = "|".join(sorted((re.escape(w) for w in kept if not w.islower()), key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:(?i:{lower})|{exact})(?![\w-])")


def test_the_engine_holds_no_word_of_the_first_review():
    pattern = clinical_words(read_protocol(ROOT / "config.yaml"))
    for word in (
        "thrombosis",
        "Bleeding",
        "axi-cel",
        "CD19",
        "ICANS",
        "CAR-T",
        "hypofibrinogenaemia",
        "myocardial",
        "LBCL",
    ):
        assert pattern.search(f"a {word} b"), f"the list of words has lost {word}"
    assert not pattern.search("a stroke of 0.5 mm, an outcome, a product, an adverse event")
    found = []
    for path in sorted((ROOT / "workflow").rglob("*")):
        if not path.is_file() or path.suffix not in ENGINE_FILES or "__pycache__" in path.parts:
            continue
        if path.name == "bibliography.py":  # titles of papers are quoted as they are
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{path.relative_to(ROOT)}:{number}: {word[0]}" for word in pattern.finditer(line)]
    assert not found, "The engine knows a word of this review; take it from config.yaml:\n" + "\n".join(found)
