"""The figures of the whole review are checked by what is on them: texts, numbers, marks, places. Never by pixels.

All data are made up; names are long, odd or missing where that is what breaks a figure.
"""

import hashlib
import xml.etree.ElementTree as ET
from dataclasses import replace
from math import inf, isnan

import pytest
from conftest import ROOT
from matplotlib.text import Text
from page_checks import find_off_page, find_overlaps
from synthesis.figures.evidence_map import count_cells, disjoint_arms, draw_evidence_map
from synthesis.figures.flow import draw_flow, read_flow
from synthesis.figures.forest.risk_of_bias import draw_risk_of_bias, draw_summary
from synthesis.figures.kit.axes import RATIOS, ratio_axis, shown_ticks
from synthesis.figures.kit.presets import PRESETS
from synthesis.figures.kit.readings import FigureText, Property
from synthesis.figures.published_pools_chart import draw_published, heading, name_of, verdict
from synthesis.figures.ratios import draw_comparisons
from synthesis.figures.review_charts import FIGURES, draw_review_file
from synthesis.figures.timeline import decimal_year, draw_timeline, read_spans
from synthesis.sheets.screening import read_screening
from synthesis.tables.declared import columns_of, table_name, write
from synthesis.tables.evidence_size import size_of, study_names
from synthesis.tables.files import write_table
from synthesis.tables.problems import ProblemsError
from synthesis.words import formatting as fmt
from typed_rows import typed

TEXT = FigureText("", unit="patients", version_line="Data version 1.0.0 · tables 0123456 · literature to 2026-01-01")
SVG = "{http://www.w3.org/2000/svg}"
LONG = "An exposure whose name is far too long for any column, as names in sheets sometimes are (against none at all)"


def texts(drawing):
    """Give every text on the pages, in order of drawing."""
    return [t.get_text() for page in drawing.pages for t in page.findobj(Text) if t.get_text()]


def check_pages(drawing):
    """Insist that nothing overlaps or leaves a page, and that there is alternative text."""
    for page in drawing.pages:
        assert find_overlaps(page) == []
        assert find_off_page(page) == []
    assert drawing.title and drawing.desc


# Odds ratios ---------------------------------------------------------------------------------------------------------

CELLS = ("exposed_events", "exposed_patients", "unexposed_events", "unexposed_patients")
LIMITS = ("estimate", "ci_low", "ci_high")


def comparison(exposure, outcome, label, cells, numbers, **given):
    """Make a row of results/comparisons.csv."""
    keys = ("k", "studies", "p", "pi_low", "pi_high", "tau2", "i2", "q", "q_df", "q_p", "arm")
    row = dict.fromkeys(keys, "") | {
        "exposure": exposure,
        "outcome": outcome,
        "label": label,
        "study": label.lower().replace(" ", ""),
    }
    row |= {"kind": "study", "model": "exact", "measure": "odds ratio", "basis": "stated", "source": "table 2"}
    row |= {"k": 1, "studies": 1, "status": "ok"} | dict(zip(CELLS, cells, strict=True))
    return typed("comparisons", [row | dict(zip(LIMITS, numbers, strict=True)) | given])[0]


def comparisons():
    """Give two blocks: two studies with their pools, and a study whose odds ratio is infinite."""
    pool = {"kind": "pooled", "k": "2", "studies": "2", "study": "", "tau2": "0.05", "i2": "12.5", "q": "1.14"}
    pool |= {"q_df": "1", "q_p": "0.2857"}
    alone = {"kind": "pooled", "status": "one study: not pooled"}
    return [
        comparison("old", "fever", "Adams 2001", (5, 30, 7, 90), (2.3456, 0.5394, 9.501)),
        comparison("old", "fever", "Adams 2001", (5, 30, 7, 90), (2.1, 0.8, 5.0), measure="risk ratio"),
        comparison(
            "Old", "fever", "Baker 2002", (0, 20, 9, 1100), (0.0, 0.0, 23.4), basis="derived", source="abstract"
        ),
        comparison("old", "fever", "", (5, 50, 16, 1190), (1.8765, 0.7012, 5.123), **pool, model="mh"),
        comparison("old", "fever", "", (5, 50, 16, 1190), (1.7, 0.6, 4.9), **pool, model="peto"),
        comparison("old", "fever", "", (5, 50, 16, 1190), (None, None, None), **pool, model="reml-hk"),
        comparison(LONG, "rash", "Clark 2003", (4, 4, 1, 60), (inf, 3.21, inf), arm="all"),
        comparison(LONG, "rash", "", (4, 4, 1, 60), (inf, 3.21, inf), **alone),
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_odds_ratios(preset):
    text = replace(TEXT, preset=preset)
    drawing = draw_comparisons(comparisons(), {"fever": "Fever", "rash": "Rash"}, text)
    check_pages(drawing)
    printed = texts(drawing)
    ratio = fmt.format_ratio_interval(2.3456, 0.5394, 9.501, text.style)
    estimate, interval = ratio.split(" ", 1)
    assert estimate in printed
    assert PRESETS[preset].layout.bracket(interval) in printed
    assert {"5/30", "7/90", "0/20", "9/1,100", "old: fever"} <= set(printed), "counts stay apart in every house"
    assert {"Mantel–Haenszel (k = 2)", "REML, Hartung–Knapp (k = 2)", "1 study: not pooled", "∞"} <= set(printed)
    assert "2.10" not in printed, "risk ratios are not odds ratios"


def test_odds_ratios_in_words():
    desc = draw_comparisons(comparisons(), {"fever": "Fever"}, TEXT).desc
    assert "Adams 2001 2.35 (95% CI 0.539–9.50), 5/30 against 7/90" in desc
    assert "Mantel–Haenszel (k = 2) 1.88 (95% CI 0.701–5.12)" in desc
    assert "Clark 2003 ∞ (95% CI 3.21–∞), 4/4 against 1/60; 1 table, not pooled." in desc
    assert draw_comparisons([], {}, TEXT).desc == "Not drawn: no sheet has a 2×2 table."


def test_the_axis_of_odds_ratios_holds_every_ratio():
    def ends(studies, pools):
        axis = ratio_axis("", studies, pools)
        return axis.low, axis.high

    assert ends([(0.8, 5.2, 30), (1.3, 0.06, 24)], [(5.6, 20.8)]) == (0.05, 50)
    assert ends([(0.9, 1.0, 1.1)], []) == (0.5, 2), "never so narrow that nothing looks like much"
    assert ends([(0.0, inf, inf)], []) == (0.5, 2)
    wide = shown_ticks(RATIOS[0], RATIOS[-1])
    assert 1 in wide and len(wide) <= 7


# Published pools -----------------------------------------------------------------------------------------------------


def pair(**given):
    """Make a row of results/published.csv."""
    row = {
        **{
            "review": "smith2020a",
            "outcome": "bleeding_any",
            "subgroup": "follow-up <=6 months",
            "analysis": "bleeding",
        },
        **{
            "published_estimate": "2.4",
            "published_low": "1.4",
            "published_high": "3.4",
            "review_k": "47",
            "review_patients": "7040",
        },
        **{"model": "poisson-normal", "unit": "per cent per patient-month", "estimate": "2.6689"},
        **{
            "ci_low": "1.7736",
            "ci_high": "4.0163",
            "k": "2",
            "patients": "275",
            "ratio": "1.112",
            "intervals_overlap": "yes",
        },
        **{"window_comparable": "yes", "denominator_comparable": "unclear", "measure_comparable": "yes"},
        **{"note": "Windows differ. " * 12, "status": "ok"},
    }
    return typed("published", [row | given])[0]


NAMES = {"analyses": {"bleeding": "Bleeding"}, "outcomes": {}, "studies": {}}


def test_published_pools():
    rows = [
        pair(),
        pair(
            status="ours: one study: not pooled",
            unit="per cent",
            measure_comparable="no",
            ratio="",
            intervals_overlap="",
        ),
        pair(published_low="", published_high="", status="published: no interval"),
    ]
    drawing = draw_published(rows, NAMES, TEXT)
    check_pages(drawing)
    printed = texts(drawing)
    for values in ((0.024, 0.014, 0.034), (0.026689, 0.017736, 0.040163)):
        estimate, interval = fmt.format_percent_interval(*values).split(" ", 1)
        assert estimate in printed and interval in printed
    assert "Events, per cent per patient-month" in printed and "Patients with event, %" in printed, (
        "two units, two axes"
    )
    assert printed.count("Pool") == 2
    assert (printed.count("Rate"), printed.count("%")) == (1, 1), "no per-cent sign over a rate"
    assert "47" not in printed, "the studies of the whole review are no count of this pool"
    assert "The whole review has 47 studies and 7,040 patients; those of this pool are not given." in printed
    assert "Ours, one study" in printed
    assert "Bleeding | Smith 2020a: bleeding any, follow-up ≤6 months" in printed
    assert draw_published([], NAMES, TEXT).desc.startswith("Not drawn: ")


def test_comparability_in_words():
    assert verdict(pair(), TEXT) == (
        "Measure comparable; follow-up comparable; denominator unclear. The 95% intervals overlap. "
        "Ours is 1.11 times the published value."
    )
    unlike = pair(measure_comparable="no", ratio="", intervals_overlap="")
    assert verdict(unlike, TEXT) == "Measure not comparable; follow-up comparable; denominator unclear."
    assert name_of("smith2020a", {"studies": {"smith2020a": "Smith 2020 (NEJM)"}}) == "Smith 2020 (NEJM)"
    assert heading(pair(subgroup="all"), NAMES) == "Bleeding | Smith 2020a: bleeding any"


# Time, map, judgements -----------------------------------------------------------------------------------------------


def study(name, report="article", year="2020", since="", until="", **given):
    """Make a row of results/data/studies.csv."""
    row = {"study": name, "label": name.title(), "report": report, "year": year, "cohort": "", "overlaps": ""}
    return typed("data/studies", [row | {"enrolled_from": since, "enrolled_to": until} | given])[0]


def row(name, arm="all", patients=50, analysis="fever", subset="all", **given):
    """Make a row of rows.csv."""
    base = {"study": name, "arm": arm, "patients": patients, "analysis": analysis, "subset": subset, "use": "yes"}
    return typed("rows", [base | {"product": "A", "disease": "one"} | given])[0]


def arm(name, arm, patients, comprises="", part_of=""):
    """Make a row of results/data/arms.csv."""
    row = {"study": name, "arm": arm, "patients": patients, "comprises": comprises, "part_of": part_of}
    return typed("data/arms", [row])[0]


def test_dates():
    assert decimal_year("2018-07-31", end=True) == pytest.approx(decimal_year("2018-08"), abs=0.01)
    assert decimal_year("2018-12", end=True) == 2019
    assert isnan(decimal_year(""))


def timeline():
    """Give studies of every kind: a span, no end, no publication, nothing."""
    studies = [
        study("early", since="2015-05", until="2019-09"),
        study("open", since="2016-03", year="2023", report="registry"),
        study("unpublished", since="2018", until="2019", year="", report="abstract"),
        study("silent", year="", report="a kind nobody knows"),
        study("not pooled", since="2001"),
        *(study(f"{'a very long name ' * (i % 3)}{i}", year=str(2010 + i % 14), report="label") for i in range(60)),
    ]
    return studies, [row(s["study"], patients=10 + i) for i, s in enumerate(studies) if s["study"] != "not pooled"]


@pytest.mark.parametrize("preset", ["default", "slide", "bmj"])
def test_timeline(preset):
    drawing = draw_timeline(*timeline(), replace(TEXT, preset=preset))
    check_pages(drawing)
    printed = texts(drawing)
    assert len(drawing.pages) == {"slide": 5}.get(preset, 2)
    assert {"Early", "Open", "Unpublished", "Silent", "A kind nobody knows", "– no year known"} <= set(printed)
    assert "Not Pooled" not in printed
    assert "64 studies in 64 reports, by kind of report: label 60, " in drawing.desc
    assert "3 say when they enrolled, from 2015 to 2019." in drawing.desc
    assert "No year known: Silent." in drawing.desc


def test_spans_are_in_order_and_keep_what_is_missing_missing():
    spans = read_spans(*timeline())
    by_name = {span.label: span for span in spans}
    assert spans[-1].label == "Silent" and spans[-1].known == []
    assert isnan(by_name["Open"].end) and by_name["Open"].known == [2016 + 2 / 12, 2023.5]
    assert isnan(by_name["Unpublished"].published)
    assert draw_timeline([], [], TEXT).desc == "Not drawn: no study is pooled."


DOWN = Property("product", "Product", {"A": "Product A", "B": "Product B", "C": "Product C"})
ACROSS = Property("disease", "Disease", {"one": "Disease one", "two": "A disease with a name of several words"})


def test_no_patient_counts_twice_inside_a_study():
    arms = [
        arm("x", "all", 100, comprises="a; b"),
        arm("x", "a", 60),
        arm("x", "b", 40),
        arm("y", "all", 80),
        arm("y", "part", 30, part_of="all"),
        arm("z", "all", 90, comprises="c; d"),
        arm("z", "c", 20),
        arm("z", "d", 70),
    ]
    rows = [
        *(row("x", a, n, subset=s) for s in ("product", "disease") for a, n in (("a", 60), ("b", 40))),
        row("x", "all", 100),  # the pool of an analysis that is split gives no arms of its own
        row("x", "all", 100, analysis="rash"),  # an analysis that is not split does
        row("y", "all", 78, analysis="rash"),
        row("y", "part", 30, analysis="itch"),
        row("z", "all", 90, analysis="rash"),
        row("z", "c", 20, subset="product"),
    ]
    found = {(r["study"], r["arm"]): r["patients"] for r in disjoint_arms(rows, arms, "product")}
    assert found == {("x", "a"): 60, ("x", "b"): 40, ("y", "all"): 80, ("z", "all"): 90}


def test_evidence_map():
    rows = [
        row("x", "a", 1000),
        row("x", "b", 40, product="B", disease="mixed"),
        row("y", product="", disease="two", patients=3),
        row("z", product="not reported", disease="two", patients=4),
        row("w", product="new", disease="two", patients=5),
    ]
    cells = count_cells(disjoint_arms(rows, [], "product"), "product", "disease")
    assert cells["", "two"] == (2, 7), "blank and not reported are one"
    drawing = draw_evidence_map(rows, [], [DOWN, ACROSS], TEXT)
    check_pages(drawing)
    printed = texts(drawing)
    assert drawing.title == "Map of the evidence: product by disease"
    assert {"1 (1,000)", "1 (40)", "2 (7)", "1 (5)", "Product A", "new", "Not reported"} <= set(printed)
    assert [t for t in printed if t.startswith("Several")] == ["Several, not"]
    assert (
        printed.index("Product A") < printed.index("Product B") < printed.index("new") < printed.index("Not reported")
    )
    assert "Product A, Disease one: 1 study, 1,000 patients." in drawing.desc
    assert "Nothing pooled of: Product C." in drawing.desc
    assert draw_evidence_map(rows, [], [DOWN], TEXT).desc.startswith("Not drawn: the config names no two")
    assert draw_evidence_map([], [], [DOWN, ACROSS], TEXT).desc == "Not drawn: no study is pooled."


TOOLS = {
    "checklist": {
        f"item{i}": f"Was item {i} of this long list of questions answered as it should be?" for i in range(9)
    },
    "domains": {"one": "Confounding", "two": "Selection"},
}


def risk():
    """Give judgements of five studies with two tools; a sixth has none."""
    words = ("yes", "no", "unclear")
    rows = [
        {"study": f"s{i}", "tool": "checklist", "item": f"item{j}", "judgement": words[(i * j) % 3]}
        for i in range(4)
        for j in range(9)
    ]
    return [*rows, {"study": "s4", "tool": "domains", "item": "one", "judgement": "serious"}]


@pytest.mark.parametrize(("preset", "palette"), [("default", "default"), ("bmj", "grey"), ("slide", "default")])
def test_risk_of_bias_figures(preset, palette):
    studies = [study(f"s{i}", year=str(2015 + i)) for i in range(6)]
    text = replace(TEXT, preset=preset, palette=palette)
    light, bars = (draw(studies, risk(), TOOLS, text) for draw in (draw_risk_of_bias, draw_summary))
    check_pages(light)
    check_pages(bars)
    assert "37 judgements of 5 studies" not in light.desc, "an item without a judgement is not judged"
    assert "38 judgements of 5 studies" in light.desc
    assert "1 study not judged yet." in light.desc
    printed = texts(light)
    assert {"D9", "S0 (checklist)", "S4 (domains)", "S5"} <= set(printed)
    assert any(words.startswith("domains, D1 Confounding") for words in printed)
    # s0 says yes to all; of s5 nothing is known, and no study with the other tool counts here.
    item = next(
        part for part in bars.desc.split("should be? ") if part.startswith("low risk") or part.startswith("yes")
    )
    assert item.startswith("yes: low risk of bias 4, not judged 1.")
    assert "Confounding high risk of bias" in bars.desc or "Confounding" in bars.desc


def test_a_small_sample_is_no_risk_of_bias():
    """What a tool asks about precision is neither counted nor drawn, and the figures say so."""
    tools = {"checklist": {"frame": "Was the frame right?"}}
    rows = [
        {"study": "s0", "tool": "checklist", "item": item, "judgement": judgement, "support": "s"}
        for item, judgement in (("frame", "yes"), ("size", "no"))
    ]
    for draw in (draw_risk_of_bias, draw_summary):
        drawing = draw([study("s0")], rows, tools, TEXT, ["Were there enough?"])
        check_pages(drawing)
        assert "high risk of bias" not in drawing.desc and "1 judgement of 1 study" in drawing.desc
        assert "about precision, which the intervals show: Were there enough?" in " ".join(texts(drawing))


def test_nobody_was_judged():
    for draw in (draw_risk_of_bias, draw_summary):
        drawing = draw([study("s0")], [], TOOLS, TEXT)
        assert drawing.desc == "Not drawn: no pooled study has been judged for risk of bias."
        check_pages(drawing)


# Flow ----------------------------------------------------------------------------------------------------------------


def screened(decision, category="", sheet="", found="a list of reports", n=1):
    """Make rows of studies/screening.csv."""
    return [{"id": sheet or "x", "decision": decision, "category": category, "sheet": sheet, "found": found}] * n


SCREENED = [
    *screened("context", "A review", n=4),
    *screened("context", "Another subject", n=2, found="by hand"),
    *screened("not readable", "Text not at hand", n=5),
    *screened("excluded", "A selected group of people with a reason that is long enough to need two lines", n=3),
    *screened("pooled", sheet="s0"),
    *screened("pooled", sheet="s1"),
    *screened("sensitivity", sheet="s2"),
]


def test_the_boxes_add_up():
    steps = read_flow(SCREENED, [study("s0", cohort="c"), study("s1", cohort="c"), study("s2")])
    assert [step.main.heading for step in steps] == [
        "Records identified from (n = 17):",
        "Records screened (n = 17)",
        "Reports sought for retrieval (n = 11)",
        "Reports assessed for eligibility (n = 6)",
        "Studies included in review (n = 2)",
    ]
    assert steps[-1].main.lines == [
        "Reports of included studies (n = 3)",
        "Pooled in an analysis: 1 study in 2 reports",
        "In sensitivity analyses only: 1 report",
    ], "two reports of one cohort are one study"
    assert steps[0].main.lines == ["A list of reports (n = 15)", "By hand (n = 2)"]
    assert steps[1].side.heading == "Records excluded (n = 6):"
    assert steps[1].side.lines == ["A review (n = 4)", "Another subject (n = 2)"]
    assert steps[2].side.heading == "Reports not retrieved, no count of the outcome could be read (n = 5):"
    assert steps[0].side.lines == ["Not recorded: reports were collected by hand and each is listed once."]


def test_a_spoilt_screening_list_is_located(tmp_path):
    """It ended in a KeyError: now every fault is named, by line, and with what is allowed."""
    text = (ROOT / "studies" / "screening.csv").read_text(encoding="utf-8")
    spoilt = tmp_path / "screening.csv"
    spoilt.write_text(text.replace(",decision,", ",descision,", 1), encoding="utf-8")
    with pytest.raises(ProblemsError, match=r"screening\.csv:1: decision: This heading is missing"):
        read_screening(spoilt)
    spoilt.write_text("id,report,found,decision,category,reason,sheet\na,A,x,pooledd,,,a\n", encoding="utf-8")
    with pytest.raises(ProblemsError, match=r'screening\.csv:2: decision: "pooledd" is not one of.*pooled'):
        read_screening(spoilt)
    assert len(read_screening(ROOT / "studies" / "screening.csv")) > 50


@pytest.mark.parametrize("preset", ["default", "bmj", "slide"])
def test_flow(preset):
    drawing = draw_flow(SCREENED, [study("s0")], ["s0", "s1"], replace(TEXT, preset=preset))
    check_pages(drawing)
    assert drawing.title == "Flow of reports: a curated collection, not a systematic search"
    printed = texts(drawing)
    assert {"Identification", "Screening", "Included", "Records screened (n = 17)"} <= set(printed)
    assert "Reports assessed for eligibility (n = 6)." in drawing.desc
    assert not any("not listed" in words for words in printed)
    other = draw_flow(SCREENED, [], ["s0", "s9"], TEXT, collection="a systematic search")
    assert other.title == "Flow of reports: a systematic search"
    assert "Pooled, but not listed as pooled: s9." in texts(other)
    assert "Listed as pooled, but in no pool: s1." in texts(other)
    assert draw_flow([], [], [], TEXT).desc.startswith("Not drawn: there is no list")


def test_figures_count_studies_as_texts_do():
    """Two reports of one cohort are one study in each of them, whichever table they start from."""
    studies = [study("s0", cohort="c", since="2018"), study("s1", cohort="c"), study("s2")]
    pooled = [row(name, cohort="c" if name != "s2" else "") for name in ("s0", "s1", "s2")]
    size = str(size_of({one["study"] for one in pooled}, study_names(studies)))
    assert size == "2 studies in 3 reports"
    screened = [{"id": n, "found": "x", "decision": "pooled", "category": "", "sheet": n} for n in ("s0", "s1", "s2")]
    assert f"Pooled in an analysis: {size}" in draw_flow(screened, studies, ["s0", "s1", "s2"], TEXT).desc
    assert f"{size}, by kind of report: article 3." in draw_timeline(studies, pooled, TEXT).desc
    drawing = draw_evidence_map(pooled, [arm(n, "all", 50) for n in ("s0", "s1", "s2")], [DOWN, ACROSS], TEXT)
    assert f"3 arms of {size} that feed some analysis" in drawing.desc
    assert "Product A, Disease one: 2 studies, 150 patients." in drawing.desc


# Files ---------------------------------------------------------------------------------------------------------------


def write_review(folder):
    """Write the tables of a review and give their paths."""
    compared = comparisons()
    studies, pooled = (
        [study(f"s{i}") for i in range(3)] + [study(name) for name in {r["study"] for r in compared} - {""}],
        [row(f"s{i}", patients=9) for i in range(3)],
    )
    data, results = folder / "data", folder / "fever"
    tables = {
        "studies": (data / "studies.csv", studies),
        "arms": (data / "arms.csv", [arm("s0", "all", 9)]),
        "risk_of_bias": (data / "risk_of_bias.csv", risk()),
        "comparisons": (folder / "comparisons.csv", compared),
        "tables": (data / "comparisons.csv", [r for r in compared if r["study"]]),
        "rows": (results / "rows.csv", pooled),
    }
    paths = {"published": [], "screening": [str(folder / "screening.csv")]}
    write_table(paths["screening"][0], SCREENED, list(SCREENED[0]))
    for name, (path, rows) in tables.items():
        paths[name] = [str(path)]
        columns = columns_of(table_name(path), ["product", "disease"])  # rows of tests say more
        write(path, [{key: r[key] for key in columns if key in r} for r in rows], named=["product", "disease"])
    return paths


def draw_files(folder, paths, formats=("svg",)):
    """Draw all figures of a review; give the digest of each file."""
    draw_review_file(
        paths,
        folder,
        names={"analyses": {}, "outcomes": {"fever": "Fever"}},
        tools=TOOLS,
        precision=[],
        properties=[vars(DOWN), vars(ACROSS)],
        review={"unit": "babies", "version": "1.0.0", "search": "2026-01-01"},
        models={"level": 0.9, "primary": "glmm", "draw_prediction_from": 5},
        figures={"preset": "default", "palette": "default", "sort": "year", "formats": list(formats)},
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_every_figure_is_written_described_and_the_same_twice(tmp_path):
    paths = write_review(tmp_path)
    first = draw_files(tmp_path / "one" / "figures", paths)
    assert draw_files(tmp_path / "two" / "figures", paths) == first
    assert set(first) == {f"{name}.svg" for name in FIGURES}
    desc = {}
    for name in FIGURES:
        root = ET.parse(tmp_path / "one" / "figures" / f"{name}.svg").getroot()
        assert root.get("role") == "img" and root.find(f"{SVG}title").text
        desc[name] = root.find(f"{SVG}desc").text
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
    assert desc["published"] == "Not drawn: no published pool stands beside ours."
    assert [name for name, words in desc.items() if words.startswith("Not drawn")] == ["published"]
    assert "90% CI" in desc["comparisons"] and "27 babies" in desc["evidence_map"]


def test_a_figure_changes_with_its_tables_alone(tmp_path):
    paths = write_review(tmp_path)
    first = draw_files(tmp_path / "out", paths)
    write_table(paths["screening"][0], SCREENED[1:], list(SCREENED[0]))
    second = draw_files(tmp_path / "out", paths)
    assert {name for name in first if first[name] != second[name]} == {"flow.svg"}
