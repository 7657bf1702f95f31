"""results/methods.md says what was done: what the config turns on, with the counts of the tables, and nothing else."""

import re
from itertools import product
from math import nan

import pytest
from conftest import ROOT
from synthesis.methods.bibliography import REFERENCES, Reference, number_references
from synthesis.methods.certainty import is_current
from synthesis.methods.counted import REASONS, reason_of, two_stage
from synthesis.methods.evidence import Evidence, without_events
from synthesis.methods.text import methods, write_methods_file
from synthesis.protocol.config import STUDY_VARIABLES, read_protocol
from synthesis.tables.declared import read
from synthesis.tables.files import write_table
from synthesis.words.model_names import MODEL_NAMES

LIBRARY = ROOT / "workflow" / "scripts" / "synthesis"
PAGES = sorted(path for path in (LIBRARY / "methods").iterdir() if path.suffix in (".py", ".j2"))
SOFTWARE = {"python": "3.11.0", "numpy": "2.2.0", "scipy": "1.15.0", "pymare": "0.0.13"}


def choices_of(protocol, **changed) -> dict:
    variables = ["product", *STUDY_VARIABLES, *protocol.attributes]
    named = {v: {"label": protocol.variable_label(v), "levels": protocol.levels(v)} for v in variables}
    return {**protocol.model_dump(mode="json"), "variables": named, **changed}


def row(study: str, events: int, patients: int, **values) -> dict:
    """Give a row of rows.csv."""
    base = {"analysis": "fever", "subset": "all", "group": "", "study": study, "arm": "all", "outcome": "fever"}
    base |= {
        "cohort": "",
        "definition": "as written",
        "window": "30",
        "basis": "stated",
        "second_reading": "agree",
        "use": "yes",
    }
    return base | {"reason": "", "events": events, "patients": patients} | values


def estimate(**values) -> dict:
    base = {"analysis": "fever", "subset": "all", "group": "", "model": "glmm", "studies": 3, "events": 12}
    return (
        base | {"patients": 150, "tau2": 0.2, "pi_low": 0.01, "estimate": 0.1, "test_p": nan, "status": "ok"} | values
    )


ROWS = [
    row("a", 0, 20),
    row("b", 3, 50, window="unstated", second_reading=""),
    row("c", 9, 80, basis="derived"),
    row("c", 2, 30, arm="part", use="no", reason="the study enters once, with its widest arm: all"),
    row("d", 1, 10, use="no", reason="window: 365 days, more than 100"),
    row("e", 1, 10, use="no", reason="shares patients with a (cohort x), which is larger or fuller"),
]


@pytest.fixture
def tables():
    judged = [{"tool": "jbi", "study": study} for study in ("a", "a", "z")]
    studies = [{"report": "article"}, {"report": "registry"}]
    return {"rows": ROWS, "estimates": [estimate()], "studies": studies, "risk_of_bias": judged}


def section(page: str, heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n+(.*?)(?=^## |\Z)", page, re.M | re.S)
    return found[1] if found else ""


def test_counts_come_from_the_rows(protocol, tables):
    page = methods(Evidence(choices_of(protocol), tables, SOFTWARE))
    assert "2 reports were read, by kind: 1 article and 1 registry" in page
    assert "3 different counts of 3 studies in 3 reports: 2 printed in the source and 1 computed" in page
    assert "confirmed 2 of them and contradicted 0; 1 was read once" in page
    assert "Risk of bias was judged with jbi in 2 reports, 1 of them pooled." in page
    tables["rows"] = [one | {"cohort": "" if one["study"] == "b" else "a trial"} for one in ROWS]
    page_of_cohorts = methods(Evidence(choices_of(protocol), tables, SOFTWARE))
    assert "3 different counts of 2 studies in 3 reports: " in page_of_cohorts, (
        "two reports of one cohort are one study"
    )
    assert "Of 3 pooled rows, 0 have an open window and 1 an unstated one." in page.replace("\n", " ")
    assert "1 study has no event, in 1 analysis" in page
    flow = next(text for text in section(page, "Selection of counts").splitlines() if text.startswith("| Fever"))
    assert flow == "| Fever | 6 | 3 | 1 | 1 | 1 |"  # candidates, pooled, window, another row of the study, cohort


def test_a_prediction_interval_is_told_with_its_degrees_of_freedom(protocol, tables):
    with_it = methods(Evidence(choices_of(protocol), tables, SOFTWARE))
    assert "1 analysis has one, with 2 degrees of freedom" in with_it
    assert re.search(r"^\| Fever \| Fever \| 3 \| 12 \| 150 \| 1 \| 0 \| 1 \| 2 \| fitted \|$", with_it, re.M)
    tables["estimates"] = [estimate(pi_low=nan, studies=2)]
    without = methods(Evidence(choices_of(protocol), tables, SOFTWARE))
    assert "0 analyses have one." in without and "a pool of two is called a description (1 analysis)" in without


def test_two_analyses_of_one_label_have_a_line_each(protocol, tables):
    choices = choices_of(protocol)
    for analysis in choices["analyses"].values():
        analysis["label"] = "Any"
    page = methods(Evidence(choices, tables, SOFTWARE))
    lines = re.findall(r"^\| Any \|", section(page, "Selection of counts"), re.M)
    assert len(lines) == len(choices["analyses"]) > 1


def test_a_study_is_without_events_only_when_all_its_arms_are():
    assert without_events([row("a", 0, 5), row("a", 1, 5), row("b", 0, 5), row("b", 0, 9)]) == ["b"]


def test_every_reason_of_the_selection_is_known():
    rows, sharing = ((LIBRARY / "selection" / name).read_text(encoding="utf-8") for name in ("rows.py", "sharing.py"))
    written = re.findall(r'(?:return|\] =) f?"([^"{]+)', rows[rows.index("def unusable") :] + sharing)
    assert len(written) > 10
    assert {reason_of(text) for text in written if text != "window unstated"} == set(REASONS.values())


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_every_model_can_lead_and_is_described(protocol, tables, model):
    models = protocol.models.model_dump(mode="json") | {"primary": model, "sensitivity": []}
    tables["estimates"] = [estimate(model=model)]
    page = methods(Evidence(choices_of(protocol, models=models), tables, SOFTWARE))
    told = section(page, "Primary model" if model in ("glmm", "glmm-t", "bayes") else "Other models")
    assert len(told) > 80
    assert ("Cochran's" in section(page, "Heterogeneity")) == bool(two_stage([model]))
    assert ("half an event" in section(page, "Primary model")) == model.startswith(("logit", "log-"))
    assert ("half-normal" in page) == (model == "bayes")


def test_what_is_not_turned_on_is_not_mentioned(protocol, tables):
    page = methods(Evidence(choices_of(protocol, contrasts=[]), tables, SOFTWARE))
    there = re.findall(r"^## (.*)$", page, re.M)
    absent = ["Level against level", "Meta-regression", "Sensitivity to the studies", "Sensitivity to choices"]
    absent += ["Rates", "Risk factors", "Small-study effects", "A new study", "Published pools"]
    assert not set(absent) & set(there)
    assert not re.search(r"Hartung–Knapp with t|PyMARE supplies|bootstrap|Mantel|Poisson|Newcombe|permut", page)


def test_settings_are_those_of_the_config(protocol, tables):
    tables |= {
        "subsets": [{"analysis": "fever", "kind": "sampled", "model": "glmm"}],
        "bootstrap": [{"quantity": "estimate", "low": 0.1, "status": "ok"}],
        "future": [{"analysis": "fever", "quantity": "events_mean"}],
        "rates": [{"analysis": "rash", "model": "poisson-normal", "studies": 2}],
        "published": [dict.fromkeys(("window_comparable", "denominator_comparable", "measure_comparable"), "yes")],
        "small_study": [{"analysis": "fever", "p": 0.5}],
    }
    changed = {
        "sensitivity": {
            "exact_subsets_up_to": 7,
            "sampled_subsets": 1234,
            "bootstrap": 432,
            "permutations": 9,
            "seed": 8,
        },
        "future": {"thresholds": [2.5, 40], "patients": 77, "study": 66, "simulations": 5432, "seed": 9},
        "rates": {"days": 7, "unit": "patient-week", "analyses": ["rash"]},
        "models": protocol.models.model_dump(mode="json") | {"level": 0.9, "study_interval": "wilson"},
    }
    page = methods(Evidence(choices_of(protocol, **changed), tables, SOFTWARE))
    for text in (
        *("up to 7 studies", "1,234 different subsets", "sampled in 1", "432 replicates", "2.5% or 40%"),
        *(
            "next 77 patients",
            "study of 66 patients",
            "5,432 times",
            "Events per patient-week (7 days)",
            "Rash, 2 studies",
        ),
        *("1 published pool stands", "1 agrees in all three", "They were tested in Fever", "score (Wilson)"),
        *("90% confidence interval", "fixed seed (1, 8 and 9)", "exact one-sided 90% upper limit"),
    ):
        assert text in page, text
    assert "95%" not in page.split("## References")[0]


def crosschecked(ours: float, r: float, **values) -> dict:
    base = {"analysis": "fever", "subset": "all", "group": "", "model": "glmm", "quantity": "estimate", "ours": ours}
    difference = abs(ours - r) / r
    return base | {"r": r, "relative_difference": difference, "tolerance": 1e-6, "verdict": "agrees"} | values


def test_a_comparison_with_r_is_told_while_it_is_about_these_estimates(protocol, tables):
    tables["crosscheck"] = [crosschecked(0.1, 0.10000001, relative_difference=1e-7)]
    told = section(methods(Evidence(choices_of(protocol), tables, SOFTWARE)), "Check in R")
    assert "metafor and lme4" in told and "computed 1 of the" in told and "0 differ by more" in told
    assert "| `glmm` | 1 | 1e-07 |" in told
    tables["estimates"] = [estimate(estimate=0.11)]
    told = section(methods(Evidence(choices_of(protocol), tables, SOFTWARE)), "Check in R")
    assert "older than these estimates" in told and "metafor and lme4" not in told
    del tables["crosscheck"]
    assert "were not computed again in R" in methods(Evidence(choices_of(protocol), tables, SOFTWARE))


def simulated(model: str, bias: float, coverage: float) -> dict:
    base = {"model": model, "source": "all", "scenarios": 4, "level": 95.0, "status": "ok", "width_mean": 8.0}
    base |= {"coverage_mean": coverage, "coverage_mean_mcse": 0.2, "coverage_worst": coverage - 9}
    base |= {"coverage_worst_mcse": 1.0, "bias_mean_absolute": bias, "prediction_coverage_mean": nan}
    return base | {"worst_k": 3, "worst_incidence": 20.0, "worst_tau": 0.8, "k": None}


@pytest.mark.parametrize(("bias", "coverage"), [*product((0.1, 0.9), (95.0, 88.0))])
def test_simulations_are_told_whichever_way_they_went(protocol, tables, bias, coverage):
    cell = simulated("glmm", bias, coverage) | {"source": "grid", "k": 3, "incidence": 12.0, "tau_min": 0, "tau_max": 1}
    cell |= {"coverage_best": coverage, "prediction_coverage_worst": 88.0, "prediction_coverage_best": 97.0}
    tables["characteristics_summary"] = [simulated("glmm", bias, coverage), simulated("logit-reml", 0.5, 94.0), cell]
    tables["characteristics"] = [{"source": "data", "analysis": "fever", "incidence": 10.0, "reviews": 200}]
    told = section(methods(Evidence(choices_of(protocol), tables, SOFTWARE)), "Operating characteristics")
    assert "4 scenarios of 200 reviews each" in told
    assert ("the smallest of all models" in told) == (bias < 0.5)
    assert ("covers less than it says" in told) == (coverage < 94)
    assert ("closest to nominal on average is `logit-reml`" in told) == (coverage < 94)
    assert "older" not in told
    assert f"| 3 | 10.0 | 3 | 12 | 0–1 | {coverage - 9:.0f}–{coverage:.0f} | 88–97 |" in told  # beside the answer
    tables["estimates"] = [estimate(estimate=0.2)]
    assert not is_current(Evidence(choices_of(protocol), tables), "characteristics")


def test_references_are_numbered_in_order_of_appearance():
    table = {"a": Reference("A.", "10.1/a(1)<2>"), "b": Reference("B."), "c": Reference("C.")}
    assert number_references("One [@b]. Two [@c; @b].", table) == "One [1]. Two [1,2].\n\n1. B.\n2. C."
    listed = number_references("[@a]", table)
    assert listed.endswith("[doi:10.1/a(1)\\<2\\>](https://doi.org/10.1/a%281%29%3C2%3E)")
    with pytest.raises(KeyError, match="nobody1999"):
        number_references("[@nobody1999]", table)


def test_every_reference_is_cited_and_every_doi_stands_once():
    source = "".join(path.read_text(encoding="utf-8") for path in PAGES if path.name != "bibliography.py")
    assert not [key for key in REFERENCES if not re.search(rf"\b{key}\b", source)]
    cited = {key for group in re.findall(r"\[@([a-z0-9; @]+)\]", source) for key in group.replace("@", "").split("; ")}
    assert cited <= set(REFERENCES)
    dois = [reference.doi for reference in REFERENCES.values() if reference.doi]
    assert len(dois) == len(set(dois)) > 40
    assert all(re.fullmatch(r"10\.\d{4,5}/\S+", doi) for doi in dois)
    assert all(reference.text.endswith(".") for reference in REFERENCES.values())


def test_the_engine_knows_no_clinical_word():
    words = r"bleed|thromb|haemorrhag|coagul|fibrinogen|lymphoma|infusion|CAR-T|cytokine|neurotox"
    templates = (ROOT / "workflow" / "templates").glob("*.j2")
    for path in (*PAGES, *templates, LIBRARY / "pools" / "reproduce.py", ROOT / "workflow" / "rules" / "methods.smk"):
        assert not re.search(words, path.read_text(encoding="utf-8"), re.I), path.name


def test_the_page_of_this_review_leaves_nothing_open(results):
    """From the built tables: no number that is missing, no place that was not filled, every citation listed."""
    protocol = read_protocol(ROOT / "config.yaml")
    tables = {"estimates": read(results / "estimates.csv"), "studies": read(results / "data" / "studies.csv")}
    for name in ("rows", "fits", "subsets", "bootstrap", "multiverse_summary", "regression", "small_study", "future"):
        paths = [results / analysis / f"{name}.csv" for analysis in protocol.analyses]
        tables[name] = [line for path in paths if path.is_file() for line in read(path)]
    page = methods(Evidence(choices_of(protocol), tables, SOFTWARE))
    text, listed = page.split("## References")
    assert not re.search(r"\bnan\b|\bNone\b|\{|\}|\[@|§|  +\w", text)
    numbers = {int(n) for group in re.findall(r" \[([\d,]+)\]", text) for n in group.split(",")}
    assert numbers == set(range(1, len(re.findall(r"^\d+\. ", listed, re.M)) + 1))


def test_tables_are_joined_over_their_files(protocol, tables, tmp_path):
    paths = {}
    for name, rows in tables.items():
        paths[name] = [str(tmp_path / f"{name}{i}.csv") for i in range(len(rows))]
        for path, one in zip(paths[name], rows, strict=True):
            write_table(path, [one], list(one))
    page = tmp_path / "methods.md"
    write_methods_file(paths | {"crosscheck": []}, str(page), choices=choices_of(protocol), software=SOFTWARE)
    assert page.read_text(encoding="utf-8") == methods(Evidence(choices_of(protocol), tables, SOFTWARE))


OTHERS = {
    "a column this version does not know": "analysis,subset,group,model,quantity,ours,r,relative_difference,tolerance,"
    "verdict,software\nfever,all,,glmm,estimate,0.1,0.1,0,1e-6,agrees,R 4.4\n",
    "a column it needs and that is not there": "analysis,subset,group,model,quantity,ours,r\nf,all,,glmm,tau2,1,1\n",
    "no table at all": "",
    "half a line": "analysis,subset\nfever\n",
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_table_of_another_version_is_left_out_and_said(case, protocol, tables, tmp_path):
    """Whoever updates the engine has tables that the last one built on request; the build must not end with them."""
    paths = {}
    for name in ("crosscheck", "characteristics_summary"):
        paths[name] = [str(tmp_path / f"{name}.csv")]
        (tmp_path / f"{name}.csv").write_text(OTHERS[case])
    for name, rows in tables.items():
        paths.setdefault(name, [str(tmp_path / f"{name}.csv")])
        write_table(paths[name][0], rows, list(rows[0]))
    page = tmp_path / "methods.md"
    write_methods_file(paths, str(page), choices=choices_of(protocol), software=SOFTWARE)
    text = page.read_text(encoding="utf-8")
    said = "`results/{}.csv` is of another version of the workflow and left out; `snakemake {}` makes a new one."
    assert said.format("crosscheck", "crosscheck") in section(text, "Check in R")
    assert said.format("operating_characteristics_summary", "operating_characteristics") in text


@pytest.mark.workflow
@pytest.mark.slow
def test_a_table_built_on_request_is_told_by_the_next_build_whatever_the_order(copy):
    review = copy
    before = review.read("results/methods.md")
    first = next(r for r in read(review.folder / "results" / "estimates.csv") if r["status"] == "ok")
    checked = crosschecked(first["estimate"], first["estimate"], model=first["model"])
    checked |= {key: first[key] for key in ("analysis", "subset", "group")}
    write_table(review.folder / "results" / "crosscheck.csv", [checked], list(checked))
    assert review.build("results/methods.md") == ["write_methods"]
    assert "metafor and lme4" in review.read("results/methods.md")
    assert review.build("results/methods.md") == []
    (review.folder / "results" / "crosscheck.csv").unlink()
    assert review.build("results/methods.md") == ["write_methods"]
    assert review.read("results/methods.md") == before
