"""`models.primary` is primary everywhere: what a page or figure says of all studies is its row of estimates.csv."""

import json
import re
import zipfile
from math import isclose

import pytest
from openpyxl import load_workbook
from synthesis.models.catalogue import pool
from synthesis.selection.arms import counts_of, used_rows
from synthesis.tables.declared import read
from synthesis.tables.pools import estimate_text, find_pool, pooled_rows, prediction_text
from synthesis.words.formatting import decimals_for
from synthesis.words.model_names import DESCRIPTIONS, interval_of

PRIMARIES = ("glmm", "glmm-t", "logit-reml-hk", "bayes")
ANALYSES = ("fever", "rash")  # the third has one study
SAME = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")
WHERE = {  # file → how it says the pool of all studies
    "README.md": "{printed}",
    "report.html": "{printed}",
    "report.docx": "{printed}",
    "{analysis}/forest.svg": "Pooled over all studies: {percent}",
    "{analysis}/leave_one_out.svg": "All studies: {percent}",
    "{analysis}/cumulative.svg": "All studies: {percent}",
    "{analysis}/subsets.svg": "all studies together {estimate}%",
    "{analysis}/prediction.svg": "95% prediction interval {prediction}%",
}


def text_of(path) -> str:
    """Give the words of a page, a figure with its description, or a Word file."""
    raw = zipfile.ZipFile(path).read("word/document.xml") if path.suffix == ".docx" else path.read_bytes()
    return re.sub(r"<[^>]+>", "", raw.decode()) if path.suffix != ".md" else raw.decode()


@pytest.fixture(params=PRIMARIES)
def led(request, review):
    """Build the small review with a primary model; predictions are drawn from three studies on."""
    review.add_engine()
    review.edit("config.yaml", "primary: glmm", f"primary: {request.param}\n  draw_prediction_from: 3")
    review.build()
    return review.folder / "results", request.param


@pytest.mark.slow
def test_what_is_said_of_all_studies_is_said_by_the_primary_model(led):
    results, primary = led
    for analysis in ANALYSES:
        whole = find_pool(read(results / "estimates.csv"), primary, analysis=analysis)
        decimals = decimals_for([whole["estimate"]])
        printed, prediction = estimate_text(whole, decimals), prediction_text(whole, decimals)
        estimate, limits = printed.split(" ")
        words = {"printed": printed, "estimate": estimate, "prediction": prediction}
        words["percent"] = f"{estimate}% (95% {interval_of(primary)} {limits[1:]}"
        for file, said in WHERE.items():
            assert said.format(**words) in text_of(results / file.format(analysis=analysis)), (analysis, file)
        check_tables(results / analysis, primary, whole)
        check_explorer(results, analysis, primary, f"{printed}|{prediction}")
    check_names(results, primary)
    check_no_other_headline(results, primary)


def check_tables(folder, primary, whole):
    """Compare what stands in tables: left-out studies, subsets, what comes next, the first specification."""
    influence, subsets = read(folder / "influence.csv"), read(folder / "subsets.csv")
    assert {row["model"] for row in influence} == {primary} == {row["model"] for row in subsets}
    (first,) = (row for row in read(folder / "multiverse.csv") if row["primary"] == "yes")
    assert first["model"] == primary
    for row in (influence[-1], subsets[0], first):
        for name in SAME:
            assert isclose(row[name], whole[name], rel_tol=1e-7, abs_tol=1e-9) or row[name] != row[name], name
    left = [row for row in influence if row["kind"] == "leave one out"]
    assert all(isclose(row["estimate"] - row["shift"], whole["estimate"], abs_tol=1e-9) for row in left)
    future = {row["quantity"]: row["value"] for row in read(folder / "future.csv")}
    for name in ("ci", "pi"):
        assert isclose(future[f"{name}_width_now"], whole[f"{name}_high"] - whole[f"{name}_low"], rel_tol=1e-8)
    # The prediction interval of a model is of its prediction: half of the mass inside its quantiles, where it has them.
    above = [row for row in read(folder / "future.csv") if row["quantity"] == "probability_above"]
    for row in above:
        inside = whole["pi_low"] < row["threshold"] / 100 < whole["pi_high"]
        assert (0.025 < row["value"] < 0.975) == inside


def check_explorer(results, analysis, primary, record):
    """The explorer opens with the primary model, of all studies, and has every selection of it."""
    html = (results / "report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', html, re.S)[1])
    (found,) = (one for one in data["analyses"] if one["id"] == analysis)
    assert found["models"][0]["name"] == primary
    assert found["pools"][primary][""].startswith(record)
    if primary == "bayes":  # pooled in the page
        assert len(found["grid"]["studies"]) == found["studies"] and list(found["pools"][primary]) == [""]
    else:
        assert found["exact"] and len(found["pools"][primary]) == 2 ** found["studies"] - 1


def check_names(results, primary):
    """Whoever names a model names the primary one, or says which other it is of."""
    name = DESCRIPTIONS[primary]
    for file in ("README.md", "report.html", "report.docx"):
        assert name in text_of(results / file), file
    assert DESCRIPTIONS[primary] in text_of(results / "fever" / "subsets.svg").replace("\n", " ")
    methods = (results / "methods.md").read_text(encoding="utf-8")
    for said in ("{} is fitted again without each study", "the prediction distribution of {}"):
        logistic = {"glmm": "random-effects", "glmm-t": "random-effects", "bayes": "Bayesian random-effects"}
        model = f"the {logistic[primary]} logistic model" if primary in logistic else f"the model `{primary}`"
        assert said.format(model).casefold() in methods.casefold()
    # The ratios of two levels, details of the likelihood and the bootstrap need not be of the primary model.
    assert all(
        "logistic model" in r["method"] or (primary == "bayes" and "posterior" in r["method"])
        for r in read(results / "contrasts.csv")
        if "between" in r["kind"] and r["p"] == r["p"]
    )
    assert {row["model"] for row in read(results / "fever" / "fits.csv")} == {"glmm"}
    said = {"not of the primary model" in row["status"] for row in read(results / "fever" / "bootstrap.csv")}
    assert said == {False}  # every one of these primaries is fitted by the thousand
    tabs = load_workbook(results / "tables.xlsx", read_only=True)
    cells = {str(cell) for tab in tabs for row in tab.iter_rows(values_only=True) for cell in row}
    assert primary in cells


def check_no_other_headline(results, primary):
    """glmm leads where nobody says otherwise: no page and no figure of another primary model prints its interval."""
    rows = pooled_rows(used_rows(results / "fever" / "rows.csv"))
    other = estimate_text(vars(pool("glmm", *counts_of(rows))), 1).split(" ")[1]
    paths = [path for kind in ("*.md", "*.html", "*.docx", "fever/*.svg") for path in results.glob(kind)]
    assert len(paths) > 12
    where = [path.name for path in paths if other in text_of(path)]
    assert bool(where) == (primary == "glmm"), where


@pytest.mark.workflow
def test_where_definitions_differ_in_kind_the_range_is_the_answer_on_every_page(copy):
    """An analysis that says so refits nothing, and its pool is called a description wherever it is printed."""
    copy.edit("config.yaml", "    label: Fever\n", "    label: Fever\n    headline: range\n")
    ran = copy.build()
    assert "write_summary" in ran and "write_report" in ran and not [job for job in ran if job.startswith("pool_")]
    for page in ("results/README.md", "results/report.html"):
        text = copy.read(page)
        assert "definitions differ in kind" in text and "s a description" in text
    answer = next(line for line in copy.read("results/README.md").splitlines() if line.startswith("| [Fever]"))
    assert re.search(r"% \(\w+ \d{4}\) to [\d.]+% \(", answer) and "as a description" in answer
