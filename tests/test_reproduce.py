"""The R script of an analysis reproduces its headline numbers, stops when it cannot, and is safe to run."""

import re
import shutil
import subprocess
from math import inf, nan

import pytest
from synthesis.models.catalogue import MODELS, pool
from synthesis.models.counts import within
from synthesis.models.proportions import STUDY_INTERVALS
from synthesis.pools.reproduce import block, named_numbers, r_string, reproduction, wrap
from synthesis.tables.declared import columns_of

ESTIMATES = columns_of("estimates")

needs_r = pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
COUNTS = {
    "sparse": ([0, 2, 5, 1, 9], [30, 41, 60, 25, 80], list("abcde")),
    "arms": ([3, 4, 6, 2], [40, 50, 45, 60], list("aabc")),
    "steep": ([0, 0, 0, 9], [15, 22, 18, 12], list("abcd")),
    "register": ([2, 0, 0, 1, 200], [10, 5, 4, 11, 20000], list("abcde")),
    "low": ([1, 1, 200], [3, 8, 20000], list("abc")),
    "alone": ([7], [63], ["a"]),
    "none": ([0, 0, 0], [12, 30, 25], list("abc")),
    "all": ([12, 30], [12, 30], list("ab")),
}


LIMITS = {  # from, to, patients, study: a rounded percentage and a suppressed cell; an arm beside an exact one
    "rounded": ([16, 0, 2, 30], [17, 4, 2, 30], [168, 60, 97, 140], list("abcd")),
    "arm": ([5, 2, 8, 20, 1], [5, 6, 8, 24, 1], [60, 41, 70, 49, 50], list("aabcd")),
    "alone": ([5], [9], [120], ["a"]),
}


def tables_of(name: str, primary: str = "glmm", interval: str = "clopper-pearson") -> tuple[list[dict], list[dict]]:
    """Give rows and estimates of a case."""
    events, patients, study = COUNTS[name]
    low, high = STUDY_INTERVALS[interval](events, patients)
    columns = zip(study, events, patients, low, high, strict=True)
    keys = ("study", "events", "patients", "ci_low", "ci_high")
    rows = [dict(zip(keys, (s, y, n, float(a), float(b)), strict=True)) for s, y, n, a, b in columns]
    estimates = []
    for model in dict.fromkeys((primary, "glmm", "glmm-t", "logit-reml-hk")):
        values = vars(pool(model, events, patients, study)).items()
        estimates.append({key: value for key, value in values if key in ESTIMATES})
    return rows, estimates


def script_of(name: str, label: str = "Fever", **options) -> str:
    rows, estimates = tables_of(name, options.get("primary", "glmm"), options.get("interval", "clopper-pearson"))
    return reproduction(rows, estimates, analysis=name, label=label, **{"primary": "glmm", **options})


def run(text: str, folder) -> subprocess.CompletedProcess:
    path = folder / "reproduce.R"
    path.write_text(text, encoding="utf-8")
    return subprocess.run(["Rscript", str(path)], capture_output=True, encoding="utf-8", timeout=120, env=None)


def worst(printed: str) -> float:
    return max(float(x) for x in re.findall(r"relative difference (\S+)$", printed, re.M))


@needs_r
@pytest.mark.parametrize(
    ("name", "models"), [("sparse", ["glmm", "glmm-t", "logit-reml-hk"]), ("arms", ["glmm", "glmm-t"])]
)
def test_r_reproduces_a_pool(name, models, tmp_path):
    """The worst differences seen: glmm 2e-6 (where R's optimiser stops), logit-reml-hk 1e-15."""
    done = run(script_of(name), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [m for m in ("glmm", "glmm-t", "logit-reml-hk") if re.search(rf"^{m} +pi_low", done.stdout, re.M)] == models
    assert worst(done.stdout) < 1e-5
    assert len(re.findall(r"^study", done.stdout, re.M)) == 2 * len(COUNTS[name][0])


@needs_r
@pytest.mark.parametrize(("name", "lower"), [("steep", ""), ("register", "0.0487"), ("low", "0.801")])
def test_r_reproduces_sparse_reviews_and_says_where_the_other_maximum_lies(name, lower, tmp_path):
    """glmer's 100 nodes are 2 % off in τ² = 40, and its optimiser stops at the lower maximum of the last."""
    done = run(script_of(name), tmp_path)
    assert done.returncode == 0 and "R and the workflow agree" in done.stdout, done.stdout + done.stderr
    assert ("The likelihood has 2 maxima" in done.stdout) == bool(lower)
    status = tables_of(name)[1][0]["status"]
    assert (f"lower by {lower} in its logarithm" in done.stdout and f"lower by {lower} in" in status) or not lower


@needs_r
@pytest.mark.parametrize("name", ["alone", "none", "all"])
@pytest.mark.parametrize("interval", ["clopper-pearson", "wilson"])
def test_r_reproduces_what_is_no_pool(name, interval, tmp_path):
    done = run(script_of(name, interval=interval), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert worst(done.stdout) < 1e-9 and "library(" not in script_of(name)
    assert len(re.findall(r"^exact", done.stdout, re.M)) == 3


@needs_r
def test_a_number_that_r_does_not_find_stops_the_script(tmp_path):
    rows, estimates = tables_of("alone")
    for row, changed in (
        (estimates[0], {"ci_high": estimates[0]["ci_high"] * 1.0002}),
        (rows[0], {"events": 8}),
    ):
        kept = dict(row)
        row.update(changed)
        done = run(reproduction(rows, estimates, analysis="x", label="X", primary="glmm"), tmp_path)
        assert done.returncode != 0 and "R and the workflow differ" in done.stderr
        row.update(kept)


def within_limits(name: str) -> tuple[list[dict], list[dict]]:
    """Give rows and estimates of a case with counts within limits."""
    low, high, patients, study = LIMITS[name]
    ends = STUDY_INTERVALS["clopper-pearson"](low, patients)[0], STUDY_INTERVALS["clopper-pearson"](high, patients)[1]
    rows = [
        {"study": s, "events": a if a == b else None, "events_from": a, "events_to": b, "patients": n}
        | {"ci_low": float(first), "ci_high": float(last)}
        for s, a, b, n, first, last in zip(study, low, high, patients, *ends, strict=True)
    ]
    pools = (vars(pool(model, within(low, high), patients, study)) for model in ("glmm", "glmm-t", "logit-reml-hk"))
    return rows, [{key: value for key, value in values.items() if key in ESTIMATES} for values in pools]


@needs_r
@pytest.mark.parametrize("name", LIMITS)
def test_counts_within_limits_stand_in_the_script_and_are_pooled_again(name, tmp_path):
    """The worst difference seen: 4e-8."""
    text = reproduction(*within_limits(name), analysis=name, label="Fever", primary="glmm")
    done = run(text, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    low, high = LIMITS[name][:2]
    assert f"from = {wrap(list(map(str, low)))}" in text and f"to = {wrap(list(map(str, high)))}" in text
    assert bool(re.search(r"^glmm-t +pi_high", done.stdout, re.M)) == (name != "alone") and worst(done.stdout) < 1e-5


@needs_r
@pytest.mark.parametrize("name", ["sparse", "arms", "steep", "register", "alone", "none"])
def test_the_posterior_is_integrated_again(name, tmp_path):
    """The worst difference seen: 2e-6. What is no pool stays the exact test, whatever model leads."""
    done = run(script_of(name, primary="bayes"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for model in ("bayes", "glmm", "glmm-t"):
        assert bool(re.search(rf"^{model} +pi_high", done.stdout, re.M)) == (name not in ("alone", "none"))
    assert worst(done.stdout) < 1e-5


@needs_r
@pytest.mark.slow
@pytest.mark.parametrize("primary", ["glmm-t", "arcsine-reml-mhk", "log-reml", "logit-dl"])
def test_other_models_can_lead(primary, tmp_path):
    done = run(script_of("sparse", primary=primary), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert worst(done.stdout) < 1e-5
    assert re.search(rf"^{primary} +estimate", done.stdout, re.M)


def test_the_counts_stand_in_the_script():
    text = script_of("sparse")
    assert "events = c(0, 2, 5, 1, 9)" in text and "patients = c(30, 41, 60, 25, 80)" in text
    assert f"estimate = {tables_of('sparse')[1][0]['estimate']}" in text  # every digit
    assert "optimHess(" in text and 'test = "knha"' in text and "{{" not in text


def test_words_of_a_review_cannot_leave_their_string():
    nasty = 'End"; system("rm")\\ \n# τ² "😀"\0'
    text = script_of("alone", label=nasty)
    assert text.isascii()
    line = next(line for line in text.splitlines() if line.startswith("title <- "))
    assert line == 'title <- "End\\"; system(\\"rm\\")\\\\ \\n# \\u03c4\\u00b2 \\"\\U0001f600\\" "'


@needs_r
def test_r_reads_the_words_back(tmp_path):
    nasty = 'A "b" \\ c\nτ² 😀'
    text = f"x <- {r_string(nasty)}\nstopifnot(nchar(x) == {len(nasty)})\ncat(utf8ToInt(x))\n"
    assert [int(code) for code in run(text, tmp_path).stdout.split()] == [ord(c) for c in nasty]


def test_only_numbers_get_into_vectors():
    with pytest.raises(ValueError, match="could not convert"):
        named_numbers({"estimate": 'system("rm")'}, ["estimate"])
    assert named_numbers({"a": 0.25, "b": nan, "c": inf}, "abc") == "c(a = 0.25, c = Inf)"


def test_a_value_cannot_name_another_place():
    assert 'title <- "{{ level }}{% if 1 %}"' in script_of("alone", label="{{ level }}{% if 1 %}")


def test_long_vectors_stand_on_several_lines():
    lines = wrap([str(i) for i in range(100)]).splitlines()
    assert len(lines) > 2 and max(map(len, lines)) < 120 and not any(line.endswith(" ") for line in lines)


def test_nothing_pooled_is_said():
    assert "nothing to reproduce" in reproduction([], [], analysis="x", label="X", primary="glmm")
    assert block("glmm", {"status": "did not converge: τ moves"})["why"] == "did not converge: ? moves"
    rows, (one, *_) = tables_of("sparse")
    text = reproduction(rows, [one | {"status": "did not converge: τ moves"}], analysis="x", label="X", primary="glmm")
    assert text.isascii() and "did not converge: ? moves." in text and 'compare("glmm' not in text
    assert "no counterpart" in block("betabinom", {"status": "ok"})["why"]


def test_every_model_has_a_block_or_says_why_not():
    rows, estimates = tables_of("sparse")
    for model in MODELS:
        text = reproduction(rows, [estimates[0] | {"model": model}], analysis="x", label="X", primary=model)
        assert 'compare("' + model in text or "no counterpart" in text, model
