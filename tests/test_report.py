"""The report prints the numbers of the tables, keeps hostile text as text, and is one light file without a network."""

import json
import re
from html.parser import HTMLParser
from math import nan
from pathlib import Path

import pytest
from conftest import ROOT, Review, handed
from synthesis.figures.kit.style import contrast
from synthesis.pools.future import predict_future_file
from synthesis.pools.gathering import gather_estimates_file
from synthesis.pools.likelihoods import likelihoods_file
from synthesis.pools.pooling import pool_analysis_file
from synthesis.protocol.config import STUDY_VARIABLES, read_protocol
from synthesis.report import page as report
from synthesis.report.about import Review as Words
from synthesis.report.about import read_tables
from synthesis.report.answers import answer, row_table
from synthesis.report.colours import dark_of
from synthesis.report.comparing import split_table
from synthesis.report.evidence_tables import findings_cells, per_thousand
from synthesis.report.explorer import explorer_data, selection_key
from synthesis.report.headline import ratios, verdict, whom_words
from synthesis.report.markdown import to_html
from synthesis.report.page import LIMIT, digest, write_page_file
from synthesis.report.phrases import format_frequency, frequency_words, prediction_words
from synthesis.report.pictures import Gallery, RowLink
from synthesis.report.summary import headline, sentence, summary
from synthesis.risk_factors.comparisons import pool_comparisons_file
from synthesis.selection.arms import used_rows
from synthesis.selection.rows import select_rows_file
from synthesis.sheets.collect import collect_sheets_file
from synthesis.tables.coverage import read_simulated
from synthesis.tables.declared import columns_of, read
from synthesis.tables.evidence_size import different_counts, size_of, study_names
from synthesis.tables.files import read_table, write_table
from synthesis.tables.pools import is_pooled, pooled_rows
from synthesis.variations.resampling import resample_file
from synthesis.variations.sensitivity import leave_out_file
from synthesis.words import formatting as fmt

TEMPLATES = ROOT / "workflow" / "templates" / "report"
SCRIPT = "<script>window.hacked=1</script>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
RIGHT_TO_LEFT = "דימום abc نزيف"
LONG = "Long " + "name" * 18
SHEET = """id: {id}
label: {label}
citation: {{authors: Writer W, title: "On {id} & more", journal: J Two, year: {year}, doi: 10.1000/{id}}}
report: article
design: trial
ascertainment: chart review
overlaps: May share patients with Adams 2001 and Lee 1999.
arms:
  all: {{product: {product}, patients: {patients}}}
outcomes:
  - outcome: fever
    arm: all
    events: {events}
    patients: {patients}
    window: {window}
    definition: {definition}
    basis: stated
    confidence: high
    source: table 1
    note: {note}
extraction: {{first: 2026-01-01}}
"""
SVG = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 510 200">
<title id="t">Forest plot: Fever</title><desc id="d">Forest plot of fever &lt;here&gt;.</desc>
<metadata>who made it</metadata>
<defs><style>*{stroke-linejoin: round}</style>
<clipPath id="clip"><rect x="0" y="0" width="9" height="9"/></clipPath></defs>
<g id="empty-name"><path d="M 0.123456 1 \nL 2 3" style="fill: #ffffff; stroke: #0b5394"/></g>
<g clip-path="url(#clip)"><use xlink:href="#mark" x="1"/></g><path id="mark" d="M 0 0"/>
<text style="font-size: 7.5px; fill: #1a1a1a" x="14" y="55" transform="rotate(-0 14 55)">Adams 2001</text>
<text style="font-size: 7.5px; fill: #1a1a1a" x="14" y="69">Baker 2002†</text>
<script>window.hacked=1</script><a xlink:href="javascript:window.hacked=1"><text>x</text></a>
</svg>"""


def sheet(id="eaton2005", **fields):
    """Give a sheet of the small review."""
    given = {"label": id.capitalize(), "year": id[-4:], "product": "A", "patients": 80, "events": 7, "window": 60}
    given |= {"definition": "any", "note": "none"} | fields
    quoted = {key: json.dumps(given[key], ensure_ascii=False) for key in ("label", "definition", "note")}
    return SHEET.format(id=id, **given | quoted)


def build(
    folder: Path, sheets: dict[str, str] | None = None, figure: str = SVG, arms: str = "cohort", **texts: str
) -> Path:
    """Build the small review with more sheets, without Snakemake, and give the path of its page."""
    review = Review(folder)
    review.edit("config.yaml", "arms: cohort", f"arms: {arms}")
    for name, text in (sheets or {}).items():
        (folder / "studies" / f"{name}.yaml").write_text(text, encoding="utf-8")
    protocol = read_protocol(folder / "config.yaml")
    sheets = handed(folder, sorted(str(path) for path in (folder / "studies").glob("*.yaml")))
    attributes = ["product", *protocol.attributes]
    collect_sheets_file(sheets, folder / "results/data", attributes=attributes)
    for analysis in protocol.analyses:
        build_analysis(folder / "results" / analysis, analysis, protocol, sheets)
    results = folder / "results"
    each = {name: [results / a / f"{name}.csv" for a in protocol.analyses] for name in ("estimates", "contrasts")}
    gather_estimates_file(
        *each.values(), results / "estimates.csv", results / "contrasts.csv", analyses=list(protocol.analyses)
    )
    pool_comparisons_file(sheets, results / "comparisons.csv", level=0.95)
    for analysis in protocol.analyses:
        (results / analysis / "forest.svg").write_text(figure, encoding="utf-8")
    write(review.folder, **texts)
    return results / "report.html"


def build_analysis(folder: Path, analysis: str, protocol, sheets: str) -> None:
    """Write the tables of one analysis."""
    rows, choices = folder / "rows.csv", protocol.analyses[analysis].model_dump(mode="json")
    implied = {name: product.model_extra for name, product in protocol.products.items()}
    words = {"attributes": ["product", *protocol.attributes], "implied": implied}
    folder.mkdir(parents=True)
    select_rows_file(sheets, rows, analysis=analysis, choices=choices, vocabulary=words)
    used = used_rows(rows)
    pool_analysis_file(
        used,
        folder / "estimates.csv",
        folder / "contrasts.csv",
        analysis=analysis,
        models=["glmm", "logit-reml", "crude", "bayes"],
        subgroup_models=["glmm"],
        level=0.95,
        contrasts=[c.model_dump() for c in protocol.contrasts],
    )
    settings = protocol.sensitivity.model_dump(mode="json") | {"bootstrap": 5, "primary": "glmm"}
    names = [folder / f"{name}.csv" for name in ("influence", "subsets", "bootstrap")]
    likelihoods_file(pooled_rows(used), folder / "likelihoods.csv", analysis=analysis, level=0.95)
    leave_out_file(pooled_rows(used), names[0], analysis=analysis, level=0.95, primary="glmm")
    resample_file(pooled_rows(used), *names[1:], analysis=analysis, level=0.95, settings=settings)
    settings = protocol.future.model_dump(mode="json") | {"simulations": 5}
    about = {"analysis": analysis, "settings": settings, "level": 0.95, "primary": "glmm"}
    predict_future_file(pooled_rows(used), folder / "future.csv", **about)


def choices_of(folder: Path) -> dict:
    """Give the config as the rule hands it down."""
    protocol = read_protocol(folder / "config.yaml")
    names = ["product", *STUDY_VARIABLES, *protocol.attributes]
    variables = {name: {"label": protocol.variable_label(name), "levels": protocol.levels(name)} for name in names}
    return {**protocol.model_dump(mode="json"), "variables": variables}


def write(folder: Path, **texts: str) -> None:
    """Write the page of a built review."""
    tables = sorted(str(path) for path in folder.glob("results/**/*.csv"))
    figures = sorted(str(path) for path in folder.glob("results/**/*.svg"))
    files = {}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        files[name] = str(folder / name)
    write_page_file(
        tables,
        figures,
        files,
        str(folder / "results" / "report.html"),
        choices=choices_of(folder),
        software={"Python": "3.x"},
        templates=str(TEMPLATES),
    )


def words_of(folder: Path) -> Words:
    """Give what a page is made of."""
    return Words(choices_of(folder), read_tables(str(p) for p in folder.glob("results/**/*.csv")), {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Build one page for all tests that only read it."""
    folder = tmp_path_factory.mktemp("report") / "review"
    hostile = sheet("evil2006", label=f"Evil {SCRIPT}", definition=FORMULA, note=f'"quoted" {SCRIPT} {RIGHT_TO_LEFT}')
    more = {"eaton2005": sheet(product="B"), "evil2006": hostile, "long2007": sheet("long2007", label=LONG, events=0)}
    methods = f"# Methods\n\n## Evidence\n\nText {SCRIPT}, `code` and [a link](javascript:alert(1)).\n"
    build(folder, more, methods=methods)
    return folder


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "results" / "report.html").read_text(encoding="utf-8")


class Outline(HTMLParser):
    """What a browser would make of the page: elements with their attributes and text."""

    VOID = frozenset(["meta", "input", "link", "br", "hr", "img", "rect", "path", "line", "use", "circle"])

    def __init__(self, html: str):
        super().__init__()
        self.elements, self.open, self.scripts = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, **dict(attrs), "text": ""}
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, **dict(attrs), "text": ""})

    def handle_endtag(self, tag):
        assert self.open[-1]["tag"] == tag, f"<{self.open[-1]['tag']}> is closed by </{tag}>"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, **attributes):
        return [e for e in self.elements if e["tag"] == tag and all(e.get(k) == v for k, v in attributes.items())]


@pytest.fixture(scope="module")
def outline(html):
    return Outline(html)


def plain(text: str) -> str:
    return " ".join(text.split())


# ---------------------------------------------------------------- structure


def test_the_sections_stand_in_the_order_of_the_contents(outline):
    links = [a["href"][1:] for a in outline.all("a") if a.get("href", "").startswith("#")]
    sections = [s["id"] for s in outline.all("section") if "id" in s]
    wanted = ["answers", "forests", "explorer", "comparison", "sensitivity", "risk-factors", "published"]
    wanted += ["risk-of-bias", "findings", "flow", "studies", "sources", "methods", "software"]
    assert [s for s in sections if s in wanted] == wanted
    assert set(wanted) <= set(links)


def test_every_link_into_the_page_arrives_and_every_id_is_unique(outline):
    ids = [e["id"] for e in outline.elements if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in outline.all("a"):
        if element.get("href", "").startswith("#"):
            assert element["href"][1:] in ids, element


def test_every_closed_element_was_opened_and_the_page_has_one_first_heading(outline):
    assert not outline.open
    assert len(outline.all("h1")) == 1 and outline.all("html", lang="en") and outline.all("main")


def test_the_policy_names_the_style_and_the_script_and_nothing_else(html, outline):
    policy = outline.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    script = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert len(script) == 1 and digest(script[0]) in policy and digest(style) in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    assert not [e for e in outline.elements if "style" in e or any(name.startswith("on") for name in e)]


def test_nothing_is_fetched_and_the_page_is_light(html, outline):
    assert len(html.encode()) < LIMIT
    assert not [e for e in outline.elements if "src" in e or e["tag"] in ("link", "iframe", "object", "embed", "base")]
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    assert "url(" not in style.replace("url(#", "") and "@import" not in style
    script = re.search(r"<script>(.*?)</script>", html, re.S)[1]
    assert not re.search(
        r"fetch\(|XMLHttpRequest|import\(|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script
    )


def test_two_builds_give_the_same_bytes(folder, html):
    write(folder, methods=(folder / "methods").read_text(encoding="utf-8"))
    assert (folder / "results" / "report.html").read_text(encoding="utf-8") == html


# ---------------------------------------------------------------- numbers


def test_each_card_prints_the_numbers_of_estimates_csv(folder, outline):
    for analysis in ("fever", "high_fever", "rash"):
        rows = read_table(folder / "results" / analysis / "estimates.csv")
        pool = next(r for r in rows if r["subset"] == "all" and r["model"] == "glmm")
        crude = next(r for r in rows if r["subset"] == "all" and r["model"] == "crude")
        text = plain(outline.all("article", **{"aria-labelledby": f"card-{analysis}"})[0]["text"])
        decimals = fmt.decimals_for([float(pool["estimate"])])
        values = [float(pool[key]) for key in ("estimate", "ci_low", "ci_high")]
        assert fmt.format_percent_interval(*values, decimals).replace(" (", "% (95% CI ") in text
        assert f"{pool['events']} of {pool['patients']} patients" in text
        assert f"crude {fmt.format_percent(float(crude['estimate']), decimals)}%" in text
        limits = [float(pool[key]) if pool[key] else None for key in ("pi_low", "pi_high")]
        printed = fmt.format_percent_range(*limits, decimals)
        assert (f"prediction interval {printed}%" in text) == (printed != fmt.MISSING)
        assert ("not a pool" in text) == (int(pool["studies"]) < 3)


def test_the_first_screen_names_the_studies_an_answer_rests_on(folder, outline):
    text = plain(outline.all("article", **{"aria-labelledby": "card-fever"})[0]["text"])
    rows = read_table(folder / "results" / "fever" / "rows.csv")
    used = {r["label"] for r in rows if r["subset"] == "all" and r["use"] == "yes"}
    assert len(used) > 4 and all(plain(label) in text for label in used)


def test_each_row_of_an_analysis_stands_with_count_interval_definition_and_source(folder, outline):
    rows = read_table(folder / "results" / "fever" / "rows.csv")
    for row in rows:
        if row["subset"] == "all" and row["use"] == "yes":
            line = outline.all("tr", id=f"row-fever--{row['study']}--{row['arm']}")[0]["text"]
            values = [float(row[key]) for key in ("proportion", "ci_low", "ci_high")]
            for part in (row["events"], row["patients"], fmt.format_percent_interval(*values), row["definition"]):
                assert part in line
            assert row["source"] in line and row["doi"] in line


def test_every_count_of_every_sheet_stands_with_its_source_and_fate(folder, outline):
    table = outline.all("table", id="table-sources")[0]["text"]
    outcomes = read_table(folder / "results" / "data" / "outcomes.csv")
    assert len(outcomes) > 8
    for row in outcomes:
        assert f"{row['events']}/{row['patients']}" in table
    assert "Pooled: Fever." in plain(table) and "Pooled: Fever (by level)." in plain(table)


def test_the_findings_are_the_estimates_per_1000(folder, outline):
    rows = read_table(folder / "results" / "fever" / "estimates.csv")
    pool = next(r for r in rows if r["subset"] == "all" and r["model"] == "glmm")
    found = [format_frequency(float(pool[key]), 1000) for key in ("estimate", "ci_low", "ci_high")]
    section = plain(outline.all("section", id="findings")[0]["text"])
    assert f"{found[0]} ({found[1]} to {found[2]})" in section
    assert "not judged" in section.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("proportion", "base", "text"),
    [
        (0.0657, 100, "7"),
        (0.065, 100, "7"),
        (0.0, 100, "0"),
        (1e-5, 1000, "fewer than 1"),
        (0.9996, 1000, "more than 999"),
        (1.0, 100, "100"),
        (float("nan"), 100, "–"),
    ],
)
def test_frequencies_round_once_and_never_claim_none_or_all(proportion, base, text):
    assert format_frequency(proportion, base) == text


def test_a_rare_event_is_told_per_1000_and_without_prediction_a_reason_stands():
    pool = {"estimate": 0.005, "ci_low": 0.003, "ci_high": 0.009, "pi_low": nan, "pi_high": nan}
    assert frequency_words(pool) == "5 in 1,000"
    assert prediction_words(pool, 2, "95%") == ("Too few studies to say what a new study like these could see.", "")


# ---------------------------------------------------------------- what the intervals support


UNANSWERED = "Not answered: no study has counts that set the two against each other."


def contrast_row(low: float, high: float, **more: object) -> dict[str, object]:
    base = {
        "analysis": "fever",
        "by": "product",
        "first": "A",
        "second": "B",
        "kind": "within study",
        "study": "adams2001",
    }
    counts = {"first_events": 9, "first_patients": 80, "second_events": 3, "second_patients": 40}
    effect = {"measure": "odds ratio", "estimate": 1.5, "ci_low": low, "ci_high": high, "status": "ok"}
    return base | counts | effect | more


def test_a_comparison_inside_a_study_is_told_once(folder):
    """What pools it with single arms of other studies holds the same study again: no second proof."""
    words, contrast = words_of(folder), words_of(folder).choices["contrasts"][0]
    inside, again = contrast_row(0.4, 6), contrast_row(1.1, 3, kind="within and between", study="")
    apart = contrast_row(0.5, 4, kind="between studies", study="")
    for rows, told in (([inside, again], [inside]), ([again], []), ([inside, apart, again], [inside, apart])):
        words.tables[("results", "contrasts")] = rows
        assert ratios(words, contrast) == ({"fever": told} if told else {})


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([contrast_row(0.4, 6)], "No difference is shown, and none is excluded, for fever."),
        ([contrast_row(1.2, 6)], "The intervals exclude no difference for fever."),
        ([contrast_row(0.1, 0.9)], "The intervals exclude no difference for fever."),
        ([contrast_row(1.2, 6), contrast_row(0.4, 6)], "The comparisons disagree for fever."),
        ([contrast_row(nan, nan, estimate=nan)], UNANSWERED),
        (
            [contrast_row(1.2, 6, status="separated")],
            "Not answered: no study has counts that set the two against each other.",
        ),
    ],
)
def test_the_verdict_on_a_contrast_claims_no_more_than_its_intervals(folder, rows, answer):
    words = words_of(folder)
    words.tables[("results", "contrasts")] = rows
    assert verdict(words, ratios(words, words.choices["contrasts"][0])) == answer


def test_the_test_between_levels_is_no_level_of_the_table(folder):
    words = words_of(folder)
    pool = next(r for r in words.table("fever", "estimates") if r["subset"] == "all" and r["model"] == "glmm")
    levels = [pool | {"subset": "product", "group": group} for group in ("A", "B")]
    test = {"subset": "product", "group": "", "estimate": nan, "test_name": "Wald", "test": 3.1, "test_df": 1}
    words.tables[("fever", "estimates")] = [pool, *levels, pool | test | {"test_p": 0.08}]
    found = split_table(words, "fever", "product")
    assert [line.cells[0].text for line in found.lines] == ["Product A", "Product B"]
    assert "P = 0.08" in found.notes[0]


def test_marks_say_what_was_read_once_derived_or_may_overlap(folder):
    words = words_of(folder)
    found = {row["study"]: words.marks(row) for row in words.used("fever")}
    assert found["adams2001"].startswith("†")  # read in an abstract
    assert "§" in found["eaton2005"] and "†" not in found["eaton2005"]
    sharing = {study for study, marks in found.items() if "¶" in marks}
    assert {"adams2001", "eaton2005"} <= sharing, "whoever is named, too"
    assert "baker2002" in found and "baker2002" not in sharing, "nobody names it"
    assert not any("¶" in words.marks(row) for row in words.table("data", "outcomes")), "what is in no pool"


def test_the_number_of_one_study_is_called_its_own(folder):
    """A credible interval is a model's; one study has none, whatever model leads."""
    words = words_of(folder)
    words.primary, words.interval = "bayes", "95% CrI"
    whole = words.pool("fever", "glmm")
    one = {"studies": 1, "k": 1, "status": "one study: not pooled"}
    words.tables["fever", "estimates"] = [whole | one | {"model": "bayes"}]
    assert "95% CI" in answer(words, "fever") and "CrI" not in answer(words, "fever")
    assert sentence(words, "fever").startswith("One study, ") and "CrI" not in sentence(words, "fever")
    assert row_table(words, "fever").notes == ("Single studies: exact interval (Clopper–Pearson).",)
    assert "its own 95% CI" in " ".join(str(cell) for cell in headline(words, "fever").values())
    assert "its own 95% CI" in str(findings_cells(words, "fever"))


def test_a_count_of_another_outcome_than_the_first_asked_for_is_marked(folder):
    words = words_of(folder)
    words.analyses = {**words.analyses, "fever": {**words.analyses["fever"], "outcomes": ["any_fever", "fever"]}}
    rows = words.used("fever")
    assert all("#" in words.marks(row) for row in rows)
    assert ("#", "counts only fever") in words.legend(rows)


def test_the_first_screen_says_whom_when_and_what_a_comparison_counts():
    """Of how many adults with lymphoma on axi-cel was bleeding counted, over which days, by which definition?"""
    row = {"study": "a2001", "subset": "product", "group": "x", "patients": 89, "window": "90", "window_words": "90 d"}
    row |= {"definition": "significant; as in the source", "population": "adult", "disease": "", "target": "T"}
    levels = {"adult": "Adults"}
    choices = {
        "analyses": {"bleeding": {}},
        "products": {"x": {"label": "X", "target": "T"}},
        "attributes": {"target": {}, "disease": {}, "population": {}},
        "variables": {"population": {"levels": levels}, "product": {"levels": {"x": "X-cel"}}},
        "models": {"primary": "glmm", "level": 0.95},
        "review": {"unit": "patients"},
    }
    review = Words(choices, {("bleeding", "rows"): [row]}, {})
    contrast = {"analysis": "bleeding", "by": "product", "first": "x", "study": "a2001"}
    said = whom_words(contrast, review)
    assert said.startswith("X-cel: 89 patients (adults), window 90 d") and said.endswith(": significant.")
    assert whom_words(contrast | {"study": ""}, review) == ""


def test_what_simulations_say_stands_beside_each_answer_and_only_where_there_are_some(folder, tmp_path):
    """On both pages, for every pool of the model that leads, at its own number of studies."""
    pools = [pool for pool in map(words_of(folder).pool, words_of(folder).analyses) if is_pooled(pool)]
    shares = {"coverage_worst": 91.2, "coverage_best": 96.8, "status": "ok", "level": 95.0, "source": "grid"}
    cells = [shares | {"model": pool["model"], "k": pool["studies"], "incidence": 5.0} for pool in pools]
    path, page = tmp_path / "simulated.csv", tmp_path / "report.html"
    write_table(path, cells, columns_of("operating_characteristics_summary"))
    texts = {"simulated": str(path)}
    about = {"choices": choices_of(folder), "software": {}, "templates": str(TEMPLATES)}
    tables = [str(table) for table in folder.glob("results/**/*.csv")]
    for given, times in ((texts, len(pools)), ({}, 0)):
        write_page_file(tables, [], given, str(page), **about)
        words = words_of(folder)
        words.simulated = read_simulated(given.get("simulated", ""))
        for text in (page.read_text(encoding="utf-8"), summary(words)):
            assert text.count("interval held the truth in 91–97%") == times
            assert all(text.count(f"most like this one ({p['studies']} studies, 5%") >= (times > 0) for p in pools)


def test_the_page_counts_studies_as_figures_and_methods_do(folder):
    """Two reports of one cohort are one study; a count that two analyses pool is one."""
    tables = dict(words_of(folder).tables)
    tables |= {
        key: [row | {"cohort": "a trial" if row["study"] in ("clark2003", "davis2004") else ""} for row in rows]
        for key, rows in tables.items()
        if key[1] == "rows"
    }
    review = Words(choices_of(folder), tables, {})
    rows = [row for analysis in review.analyses for row in pooled_rows(review.table(analysis, "rows"))]
    size = size_of({row["study"] for row in rows}, study_names(rows))
    assert size.studies == size.reports - 1
    assert f"Pooled: {len(different_counts(rows))} counts of {size}." in summary(review)


@pytest.mark.parametrize(
    ("model", "said"),
    [("bayes", "of the median study"), ("logit-reml-hk", "of the median study"), ("betabinom", "of the mean study")],
)
def test_a_table_per_thousand_says_whose_thousand_it_is(model, said):
    assert f"Per 1,000: {said}, since that is what the model" in per_thousand(model)


# ---------------------------------------------------------------- hostile text


def test_hostile_text_stays_text(html, outline):
    assert len(re.findall(r"<script", html)) == 2  # the data and the page's own
    assert "window.hacked" in html and "<script>window.hacked" not in html
    assert html.count("&lt;script&gt;window.hacked=1&lt;/script&gt;") > 3
    texts = outline.all("main")[0]["text"]
    assert FORMULA in texts and RIGHT_TO_LEFT in texts and LONG in texts and SCRIPT in texts
    assert "javascript:" not in " ".join(e.get("href") or "" for e in outline.elements)


def test_the_data_cannot_end_its_script_and_reads_back_as_it_was(html):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1]
    assert "<" not in text
    data = json.loads(text)
    evil = next(row for row in data["analyses"][0]["rows"] if row["study"] == "evil2006")
    assert evil["label"] == f"Evil {SCRIPT}"
    assert ["Definition", FORMULA] in data["counts"][evil["key"]]["facts"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a <b> & *c*", "<p>a &lt;b&gt; &amp; *c*</p>"),
        ("[x](javascript:alert(1))", "<p>x</p>"),
        ("[x](data:text/html,1)", "<p>x</p>"),
        ("`<i>` and **b**", "<p><code>&lt;i&gt;</code> and <strong>b</strong></p>"),
        ("3\\<4", "<p>3&lt;4</p>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("[m](methods.md#a-b)", '<p><a href="methods.md#a-b">m</a></p>'),
    ],
)
def test_markdown_becomes_html_and_nothing_else(text, html):
    assert to_html(text) == html


def test_a_markdown_table_keeps_its_cells():
    html = to_html("| A | B |\n| --- | ---: |\n| x\\|y | 2 |")
    assert '<th scope="col">A</th>' in html and "<td>x|y</td>" in html and "<td class=num>2</td>" in html


# ---------------------------------------------------------------- explorer


def test_the_explorer_holds_every_subset_as_printed(folder):
    data = explorer_data(words_of(folder))
    fever = next(one for one in data["analyses"] if one["id"] == "fever")
    k, order = len(fever["rows"]), [row["study"] for row in fever["rows"]]
    subsets = read_table(folder / "results" / "fever" / "subsets.csv")
    assert fever["exact"] and len(subsets) == 2**k - 1 == len(fever["pools"]["glmm"])
    for row in subsets:
        gone = [i for i, study in enumerate(order) if study not in row["studies"].split(";")]
        printed = fever["pools"]["glmm"][selection_key(gone, k)].split("|")
        values = [float(row[key]) for key in ("estimate", "ci_low", "ci_high")]
        assert printed[0] == fmt.format_percent_interval(*values)
        assert printed[3] == f"{int(row['events']):,}/{int(row['patients']):,}" and printed[4] == row["status"]


def test_the_explorer_carries_other_models_for_all_studies(folder):
    fever = explorer_data(words_of(folder))["analyses"][0]
    rows = read_table(folder / "results" / "fever" / "estimates.csv")
    crude = next(r for r in rows if r["subset"] == "all" and r["model"] == "crude")
    values = [float(crude[key]) for key in ("estimate", "ci_low", "ci_high")]
    assert fever["pools"]["crude"] == {
        "": f"{fmt.format_percent_interval(*values)}|–|–|{int(crude['events']):,}/{int(crude['patients']):,}|ok"
    }
    assert fever["models"][0]["name"] == "glmm"


def test_the_explorer_holds_the_likelihoods_of_bayes_instead_of_its_subsets(folder):
    """They stand in the order of the places; without them, or with those of other studies, selections are looked up."""
    words = words_of(folder)
    held = {row["study"]: row for row in words.table("fever", "likelihoods")}
    words.tables[("fever", "subsets")] = [row | {"model": "bayes"} for row in words.table("fever", "subsets")]
    fever = explorer_data(words)["analyses"][0]
    assert list(fever["pools"]["bayes"]) == [""] and fever["grid"]["model"] == "bayes"
    order = list(dict.fromkeys(row["study"] for row in fever["rows"]))
    assert [one["table"] for one in fever["grid"]["studies"]] == [held[study]["log_likelihood"] for study in order]
    assert {one["name"]: one["interval"] for one in fever["models"]}["bayes"] == "CrI"
    words.tables[("fever", "likelihoods")] = [row for row in held.values() if row["study"] != order[0]]
    looked_up = explorer_data(words)["analyses"][0]
    assert looked_up["grid"] is None and len(looked_up["pools"]["bayes"]) == 2 ** len(order) - 1


def test_a_small_budget_keeps_the_selections_with_fewest_studies_left_out(folder):
    whole = explorer_data(words_of(folder))["analyses"][0]
    part = explorer_data(words_of(folder), budget=900)["analyses"][0]
    assert not part["exact"] and 1 <= part["limit"] < len(part["rows"]) - 1
    kept = part["pools"]["glmm"]
    assert {len(key) for key in kept} == set(range(part["limit"] + 1))
    assert kept.items() <= whole["pools"]["glmm"].items()


def test_a_sample_of_subsets_is_not_taken_for_all_of_them(folder, tmp_path):
    words = words_of(folder)
    rows = pooled_rows(used_rows(folder / "results" / "fever" / "rows.csv"))
    settings = {"primary": "glmm", "exact_subsets_up_to": 3, "sampled_subsets": 40, "seed": 1, "bootstrap": 2}
    names = [tmp_path / f"{name}.csv" for name in ("influence", "subsets", "bootstrap")]
    leave_out_file(rows, names[0], analysis="fever", level=0.95, primary="glmm")
    resample_file(rows, *names[1:], analysis="fever", level=0.95, settings=settings)
    words.tables[("fever", "subsets")] = read(names[1])
    fever = explorer_data(words)["analyses"][0]
    assert fever["limit"] == 2 and not fever["exact"] and max(map(len, fever["pools"]["glmm"])) == 2


def test_arms_of_one_study_are_ticked_together(folder):
    """A study in two rows has one place; every selection is looked up by the places of studies."""
    words = words_of(folder)
    whole = explorer_data(words)["analyses"][0]
    rows = words.table("fever", "rows")
    arm = next(row for row in rows if row["study"] == "adams2001" and row["subset"] == "all" and row["use"] == "yes")
    words.tables[("fever", "rows")] = [*rows, arm | {"arm": "other", "arm_label": "other arm"}]
    fever = explorer_data(words)["analyses"][0]
    assert (fever["studies"], len(fever["rows"])) == (whole["studies"], len(whole["rows"]) + 1)
    assert fever["pools"] == whole["pools"] and fever["exact"]
    places = {row["study"]: row["place"] for row in whole["rows"]}
    assert all(row["place"] == places[row["study"]] for row in fever["rows"])
    assert [bool(row["arm"]) for row in fever["rows"]] == [row["study"] == "adams2001" for row in fever["rows"]]


def test_limits_of_a_count_are_printed_in_every_row_and_selection(folder):
    """A selection whose table has no count, since one study's is known within limits only, adds up the limits."""
    words = words_of(folder)
    loose = {"events": None, "events_from": 14, "events_to": 15, "proportion": nan}
    rows = [row | loose if row["study"] == "clark2003" else row for row in words.table("fever", "rows")]
    subsets = words.table("fever", "subsets")
    held = [row | {"events": None} if "clark2003" in row["studies"] else row for row in subsets]
    words.tables |= {("fever", "rows"): rows, ("fever", "subsets"): held}
    fever = explorer_data(words)["analyses"][0]
    [clark] = [row for row in fever["rows"] if row["study"] == "clark2003"]
    assert (clark["events"], clark["text"].split(" ")[0]) == ("14–15", "15.6–16.7")
    assert clark["share"] == pytest.approx(100 * 14.5 / 90, abs=1e-3)
    alone = [row for row in subsets if row["studies"] == "baker2002;clark2003"]
    gone = "".join(str(row["place"]) for row in fever["rows"] if row["study"] not in ("baker2002", "clark2003"))
    assert alone and fever["pools"]["glmm"][gone].split("|")[3] == "19–20/150"


def test_a_page_that_is_too_heavy_links_its_figures(folder, html, monkeypatch):
    monkeypatch.setattr(report, "LIMIT", len(html.encode()) - 1)
    write(folder, methods=(folder / "methods").read_text(encoding="utf-8"))
    path = folder / "results" / "report.html"
    light = path.read_text(encoding="utf-8")
    path.write_text(html, encoding="utf-8")
    assert len(light) < len(html) and 'href="fever/forest.svg">forest</a>' in light


# ---------------------------------------------------------------- figures


def test_a_figure_is_made_small_and_cannot_clash(tmp_path):
    path = tmp_path / "fever" / "forest.svg"
    path.parent.mkdir()
    path.write_text(SVG, encoding="utf-8")
    gallery = Gallery()
    link = RowLink("Adams 2001", "a", 'Adams "2001"')
    figure = gallery.add(path, [link, RowLink("Baker 2002", "b", "b"), RowLink("Nobody", "n", "n")])
    assert figure.title == "Forest plot: Fever" and figure.desc == "Forest plot of fever <here>."
    svg = figure.svg
    for gone in ("style=", "metadata", "script", "javascript", "rotate(-0", "empty-name", "0.123456", "xlink"):
        assert gone not in svg, gone
    assert 'href="#fig-fever-forest-' in svg and "url(#fig-fever-forest-" in svg and 'id="clip"' not in svg
    assert svg.count('class="row"') == 2 and 'role="group"' in svg and 'data-count="a"' in svg
    assert "fill:var(--cffffff)" in gallery.css() and "--c0b5394:#0b5394" in gallery.light()


def test_a_figure_that_was_not_drawn_says_why(tmp_path):
    path = tmp_path / "fever" / "funnel.svg"
    path.parent.mkdir()
    path.write_text(SVG.replace("Forest plot of fever", "Not drawn: 4 studies"), encoding="utf-8")
    figure = Gallery().add(path)
    assert not figure.svg and figure.desc.startswith("4 studies")


def test_a_style_cannot_break_out_of_its_rule(tmp_path):
    path = tmp_path / "fever" / "forest.svg"
    path.parent.mkdir()
    path.write_text(SVG.replace("fill: #ffffff", "fill: red} body{display:none"), encoding="utf-8")
    gallery = Gallery()
    gallery.add(path)
    assert "body" not in gallery.css() and gallery.css().count("{") == gallery.css().count("}")


@pytest.mark.parametrize("colour", ["#1a1a1a", "#6b6b6b", "#0b5394"])
def test_text_of_a_figure_can_be_read_on_a_dark_page(colour):
    assert contrast(dark_of(colour), dark_of("#ffffff")) >= 4.5


# ---------------------------------------------------------------- what is missing


def test_a_review_without_anything_pooled_still_has_a_page(tmp_path):
    folder = tmp_path / "review"
    build(folder)
    for path in folder.glob("results/*/subsets.csv"):
        path.unlink()
    for analysis in ("fever", "rash"):
        path = folder / "results" / analysis / "rows.csv"
        rows = read_table(path)
        write_table(path, [], list(rows[0]))
        estimates = folder / "results" / analysis / "estimates.csv"
        columns = list(read_table(estimates)[0])
        write_table(estimates, [], columns)
    write(folder)
    text = Outline((folder / "results" / "report.html").read_text(encoding="utf-8")).all("main")[0]["text"]
    assert "No study can be pooled." in text and "No study has been judged yet." in text


GRADE = """fever:
  certainty: moderate
  start: high
  domains:
    risk_of_bias: {judgement: serious, reason: Two <b>of</b> three.}
    inconsistency: {judgement: not serious, reason: Close.}
    indirectness: {judgement: not serious, reason: Direct.}
    imprecision: {judgement: not serious, reason: Narrow.}
    publication_bias: {judgement: not serious, reason: None seen.}
  provisional: One curator
"""
SCREENING = """id,report,identifier,found,decision,category,reason,sheet
x,A report <b>,javascript:alert(1),search,excluded,,"No, really",
y,Another,10.1000/y,search,pooled,,,adams2001
"""


def test_judgements_and_screening_are_printed_as_they_stand(tmp_path):
    page = build(tmp_path / "review", grade=GRADE, screening=SCREENING, changes="# Changes\n\nNothing moved.\n")
    outline = Outline(page.read_text(encoding="utf-8"))
    section = {e["id"]: plain(e["text"]) for e in outline.all("section") if "id" in e}
    assert "⊕⊕⊕◯ moderate" in section["findings"] and "Rated down for risk of bias (serious)." in section["findings"]
    assert "Two <b>of</b> three." in section["findings"] and "One curator." in section["findings"]
    assert section["findings"].replace("\u00a0", " ").count("not judged") == 2  # the other analyses
    assert "A report <b>" in section["flow"] and "No, really" in section["flow"]
    assert "Nothing moved." in section["changes"]
    card = plain(outline.all("article", **{"aria-labelledby": "card-fever"})[0]["text"])
    assert "Certainty: moderate." in card
    assert "javascript:" not in " ".join(e.get("href") or "" for e in outline.elements)
