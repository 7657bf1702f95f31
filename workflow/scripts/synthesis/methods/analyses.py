"""The paragraphs of results/methods.md on analyses: subgroups, regression, sensitivity, rates, risk factors and so on.

Each function gives one section, or a blank text when the config does not turn the analysis on or its table was not
built.
"""

from collections import Counter

from ..moderators.permutation import EXACT_UP_TO
from ..words.formatting import format_count
from ..words.model_names import WALD_TESTED
from ..words.prose import agree, inside, joined, percent, plural
from .evidence import Evidence
from .model_texts import two_stage

DIMENSIONS = {
    "model": "the model with its interval",
    "window": "the longest window",
    "unstated": "counts without a stated window in or out",
    "derived": "derived and reconstructed counts in or out",
    "abstracts": "studies published only as an abstract in or out",
    "abstract_counts": "counts read in an abstract in or out",
    "overlaps": "one study of each cohort or all",
    "sensitivity_rows": "counts held for sensitivity analyses out or in",
    "confirmed_only": "all counts or only those confirmed by a second reading",
    "risk_of_bias": "all studies or only those without an item judged at risk",
}
CLASH = "Where an interval and a P value of different tests give different verdicts, the row says so."


def subgroup_text(evidence: Evidence) -> str:
    """Describe subgroups and the two tests of differences between them."""
    variables = list(dict.fromkeys(v for a in evidence.choices["analyses"].values() for v in a["subgroups"]))
    if not variables:
        return ""
    names = joined(inside(evidence.choices["variables"][v]["label"]) for v in variables)
    pooled_by = list(dict.fromkeys([evidence.choices["models"]["primary"], *evidence.choices["models"]["subgroups"]]))
    told = [
        f"Pools are split by {names}, where the analysis asks for it. A pooled study is split into its arms with one "
        "level each where it reports such; otherwise its pooled arm counts for its level. Arms with several levels, or "
        "none reported, are shown and never tested. Each level is pooled by itself, with its own τ², by "
        f"{joined(f'`{name}`' for name in pooled_by)}."
    ]
    if two_stage(pooled_by):
        told.append("Two-stage models give no number where a study gives several arms to one level.")
    wald = [name for name in WALD_TESTED if name in pooled_by]
    if wald:
        told.append(
            f"Differences are tested by Cochran's Q between the pooled logits of the levels, each with its own τ² "
            f"[@borenstein2013] ({joined(f'`{name}`' for name in wald)}). Levels that are not a pool (one study, no "
            "events, nothing but events) stay out, by name."
            + (" This is the test of the pools that forest plots draw." if pooled_by[0] in wald else "")
        )
    if "glmm" in pooled_by:
        told.append(
            "They are also tested by the likelihood ratio in the random-effects logistic model with the levels as a "
            "factor and one τ² for all (`glmm-common`), arms of one study sharing its effect. Here levels of one study "
            "take part, and so do levels without events, or with nothing but events: they have no finite logit, but a "
            "likelihood, whose maximum is 1 (at the edge of the model χ² is an approximation). Forest plots add this "
            "test where it compares more levels, and say that it is not of the pools drawn. There is no such test "
            "where each level has one arm only: differences between levels and between studies are one there."
        )
    tests = [row for row in evidence.table("estimates") if row["group"] == "" and row["subset"] != "all"]
    counts = [
        f"{format_count(sum(bool(r['test_p']) for r in tests if r['model'] == model))} of "
        f"{format_count(sum(r['model'] == model for r in tests))} with `{model}`"
        for model in dict.fromkeys(row["model"] for row in tests)
    ]
    if counts:
        told.append(f"A test was possible for {joined(counts)}; P values are not adjusted for their number.")
    return " ".join(told)


def contrast_text(evidence: Evidence) -> str:
    """Describe the comparison of two levels inside studies, between them, and both."""
    contrasts, variables = evidence.choices["contrasts"], evidence.choices["variables"]
    if not contrasts:
        return ""
    pairs = joined(
        f"{variables[c['by']]['levels'].get(c['first'], c['first'])} against "
        f"{variables[c['by']]['levels'].get(c['second'], c['second'])}"
        for c in contrasts
    )
    return (
        f"Set against each other: {pairs}. Inside a study that has both levels the odds ratio is the conditional "
        "maximum-likelihood estimate with its exact interval and Fisher's exact P, and the difference of proportions "
        "has Newcombe's hybrid score interval [@newcombe1998]. Apart from that stands the odds ratio between studies "
        "that have one level only, and the odds ratio from all of them, arms of one study sharing its effect; both "
        f"from the random-effects logistic model, with Wald's interval and the likelihood-ratio P. {CLASH}"
    )


def regression_text(evidence: Evidence) -> str:
    """Describe meta-regression on continuous moderators and factors."""
    rows, settings = evidence.table("regression"), evidence.choices["sensitivity"]
    named = evidence.choices["moderators"]
    if not rows:
        return ""
    moderators = {row["moderator"]: named[row["moderator"]]["label"] for row in rows if row["kind"] == "continuous"}
    fitted = [row for row in rows if row["wald_p"]]
    large = sum(int(row["studies"]) >= 10 for row in fitted)
    exact = sum(row["permutation_method"] == "exact" for row in rows)
    sampled = sum(row["permutation_method"] == "sampled" for row in rows)
    what = f"on {joined(inside(label) for label in moderators.values())}, and " if moderators else ""
    return (
        f"The logit is regressed {what}on each variable the pools are split by, one at a time, in the random-effects "
        "logistic model (likelihood-ratio and Wald tests) and by REML on the logit scale, with Wald's test and with "
        "the t or F test of Knapp and Hartung [@knapp2003]. The value of a moderator is that of the pooled arm, or "
        "of an arm that holds all of it; none is imputed, and studies without a value stay out. R² is the share of "
        "τ² that goes when the moderator comes in [@raudenbush2009]. Studies are also permuted over the values, "
        "with all their arms where these share the value, and not at all where they differ "
        f"[@higgins2004]: all distinct arrangements up to {format_count(max(settings['permutations'], EXACT_UP_TO))} "
        f"of them, else {format_count(settings['permutations'])} drawn at random, the observed one counted among them "
        f"[@phipson2010] (exact in {format_count(exact)}, sampled in {format_count(sampled)} of the regressions). "
        "Below three studies nothing is fitted; below ten a moderator is exploratory and the table says so "
        f"[@cochrane2019]: {format_count(large)} of {plural(len(fitted), 'fitted regression')} "
        f"{agree(large, 'has', 'have')} ten or more studies. `crosstab.csv` counts the arms by the levels of two "
        "variables: what goes together cannot be told apart."
    )


def sensitivity_text(evidence: Evidence) -> str:
    """Describe leaving studies out, all subsets, and the bootstrap."""
    settings, kinds = evidence.choices["sensitivity"], Counter()
    for analysis in evidence.choices["analyses"]:
        rows = evidence.table("subsets", analysis=analysis)
        kinds[rows[0]["kind"] if rows else ""] += 1
    if not kinds["all"] + kinds["sampled"]:
        return ""
    how = f"here all were fitted in {plural(kinds['all'], 'analysis', 'analyses')}"
    how += f" and sampled in {format_count(kinds['sampled'])}" if kinds["sampled"] else ""
    replicates = sum(bool(row["low"]) for row in evidence.table("bootstrap", quantity="estimate"))
    primary = evidence.choices["models"]["primary"]
    own = primary != "glmm" and evidence.table("subsets", model=primary)
    model = f"The model `{primary}`" if own else "The random-effects logistic model"
    return (
        f"{model} is fitted again without each study, without each pair of studies, and "
        "with the studies added one by one in order of publication, those without a year last (`influence.csv`). It "
        f"is fitted to every subset of the studies [@olkin2012] up to {settings['exact_subsets_up_to']} studies; with "
        f"more, to {format_count(settings['sampled_subsets'])} different subsets drawn at random, with those that "
        f"leave out one or two ({how}; `subsets.csv`). A study comes and goes with all its arms. A parametric "
        "bootstrap of the random-effects logistic model with "
        f"{format_count(settings['bootstrap'])} replicates gives percentile intervals of the pooled proportion and of "
        "τ² [@efron1993]; a replicate without events counts as a pooled proportion of 0 and has no τ² "
        f"({plural(replicates, 'analysis', 'analyses')}; `bootstrap.csv`)."
    )


def multiverse_text(evidence: Evidence) -> str:
    """Describe the specification curve, with the choices that were crossed."""
    summary, settings = evidence.table("multiverse_summary"), evidence.choices["multiverse"]
    if not summary:
        return ""
    crossed = dict.fromkeys(choice for row in summary for choice in row["choices"].split(";") if choice)
    choices = "; ".join(DIMENSIONS.get(choice, choice) for choice in DIMENSIONS if choice in crossed)
    ignored = settings.get("risk_of_bias_ignores")
    if ignored and "risk_of_bias" in crossed:
        choices += f" (not counting {joined(f'`{item}`' for item in ignored)})"
    models = list(dict.fromkeys([evidence.choices["models"]["primary"], *settings["models"]]))
    total, pooled = (sum(int(row[key]) for row in summary) for key in ("specifications", "pooled"))
    return (
        "Every combination of defensible choices is selected and pooled anew [@steegen2016; @simonsohn2020]. Crossed "
        f"are: {choices}. The models are {joined(f'`{model}`' for model in models)}; the windows are those of the "
        f"analysis and {joined(f'{days}' for days in settings['windows'])} days. A choice that changes no row of an "
        f"analysis is not crossed there. {plural(total, 'specification')} were fitted, of which "
        f"{format_count(pooled)} pool two studies or more (`multiverse.csv`, `multiverse_summary.csv`). They are not "
        "independent, and no test is made of them."
    )


def rate_text(evidence: Evidence) -> str:
    """Describe pooling per unit of time."""
    rates, names = evidence.choices["rates"], evidence.choices["rates"]["analyses"]
    rows = evidence.table("rates")
    if not names or not rows:
        return ""
    labels = {name: evidence.choices["analyses"][name]["label"] for name in names}
    used = [
        f"{labels[r['analysis']]}, {plural(int(r['studies']), 'study', 'studies')}"
        for r in rows
        if r["model"] == "poisson-normal"
    ]
    unit, people = rates["unit"], evidence.choices["review"]["unit"]
    return (
        f"Events per {unit} ({rates['days']:g} days) are pooled for rows with a stated window ({'; '.join(used)}); an "
        f"unstated window has no person-time. Person-time is approximated by {people} × window, as if everyone were "
        "followed to its end; true person-time is shorter, so the rates are, if anything, too low. Two models with "
        "normal study effects on the log rate are fitted by maximum likelihood with adaptive quadrature: Poisson "
        "counts with the log person-time as offset [@stijnen2010], and binomial counts with the complementary "
        "log–log link and the log window as offset. Both report the rate of the median study with Wald's interval on "
        "the log scale and the prediction interval with k − 1 degrees of freedom; the rates of single studies have "
        "Garwood's exact interval [@garwood1936]."
    )


def comparison_text(evidence: Evidence) -> str:
    """Describe 2×2 tables: a study's own effects, and the pools."""
    rows = evidence.table("comparisons")
    if not rows:
        return ""
    tables = {(r["exposure"], r["outcome"], r["study"], r["arm"]) for r in rows if r["kind"] == "study"}
    groups = {(r["exposure"], r["outcome"]): int(r["studies"] or 0) for r in rows if r["kind"] == "pooled"}
    several = sum(studies > 1 for studies in groups.values())
    alone = (
        "Each table has the conditional odds ratio with its exact interval and Fisher's exact P, the risk ratio with "
        "Koopman's score interval [@koopman1984; @miettinen1985], and the risk difference with Newcombe's "
        "[@newcombe1998]."
    )
    told = [
        f"2×2 tables of an exposure and an outcome: {format_count(len(tables))} {agree(len(tables), 'was', 'were')} "
        f"read, on {plural(len(groups), 'pair')} of exposure and outcome, of which {format_count(several)} "
        f"{agree(several, 'has', 'have')} more than one study. {alone}"
    ]
    told.append(
        "Tables of one exposure and outcome are pooled by Mantel–Haenszel without continuity correction "
        "[@mantel1959; @robins1986; @greenland1985; @sato1989], by Peto's one-step odds ratio [@yusuf1985], by "
        "inverse variance with REML and Wald, Hartung–Knapp and modified Hartung–Knapp intervals, and by two "
        "logistic models fitted by maximum likelihood: fixed study intercepts with a random effect of the exposure "
        "[@turner2000; @jackson2018], and random study intercepts with a common effect [@stijnen2010]. Several "
        "tables of one study alone are combined by Mantel–Haenszel only. Only inverse variance corrects empty cells: "
        "half is added to all four cells of a table with one, and to no other. P values are of Wald's test, with "
        "Hartung–Knapp intervals of t, and in the logistic models of the likelihood ratio beside Wald's interval. "
        f"{CLASH} Where a study's tables overlap, the widest that share nobody are used, and these share the study's "
        "effect. Exposures were chosen by the "
        "studies; the odds ratios are unadjusted."
    )
    if not several:
        told.append("So far no pair has two studies: what stands there is one study's own effect.")
    return " ".join(told)


def small_study_text(evidence: Evidence) -> str:
    """Say where small-study effects were tested, and why not elsewhere."""
    rows = evidence.table("small_study")
    if not rows:
        return ""
    tested = list(dict.fromkeys(row["analysis"] for row in rows if row["p"]))
    labels = [evidence.choices["analyses"][name]["label"] for name in tested]
    found = f"They were tested in {joined(labels)}." if labels else "No analysis has as many, so none was tested."
    return (
        "Small-study effects are tested only from ten studies on [@sterne2011], by regression of the logits, "
        "weighted by the inverse of their variances and with half an event added where a study has none or nothing "
        "but events, on their standard errors (Egger) [@egger1997] and on the inverse of the sample size (Peters) "
        f"[@peters2006], with t on k − 2 degrees of freedom. {found} The standard error of a logit depends on the "
        "proportion itself, so Egger's test finds asymmetry too often when events are rare."
    )


def future_text(evidence: Evidence) -> str:
    """Describe what is said of a new study."""
    settings, rows = evidence.choices["future"], evidence.table("future")
    told = {row["analysis"] for row in rows if row["quantity"]}
    if not told:
        return ""
    unit, level = evidence.choices["review"]["unit"], percent(evidence.choices["models"]["level"])
    thresholds = joined((f"{value:g}%" for value in settings["thresholds"]), "or")
    return (
        f"In {plural(len(told), 'analysis', 'analyses')} of three studies or more the prediction distribution of the "
        "random-effects logistic model, t with k − 1 degrees of freedom around μ on the logit scale, gives the "
        f"probability that the true proportion of a new study exceeds {thresholds}, and the number of events among "
        f"its next {format_count(settings['patients'])} {unit}, with the median, the mean and a {level} interval. To "
        f"show what one more study of {format_count(settings['study'])} {unit} would tell, its events are drawn "
        f"{format_count(settings['simulations'])} times from that distribution and the model is fitted again with "
        "each: `future.csv` has the mean widths of the confidence and prediction intervals that follow, with Monte "
        "Carlo errors, and how often they are narrower than now."
    )


def published_text(evidence: Evidence) -> str:
    """Say which published pools stand beside ours, and how many can be compared."""
    rows = evidence.table("published")
    if not rows:
        return ""
    aspects = ("window_comparable", "denominator_comparable", "measure_comparable")
    alike = sum(all(row[aspect] == "yes" for aspect in aspects) for row in rows)
    return (
        f"{plural(len(rows), 'published pool')} {agree(len(rows), 'stands', 'stand')} beside ours in `published.csv`, "
        "each with a verdict on whether the window, the denominator and the measure can be compared; "
        f"{format_count(alike)} {agree(alike, 'agrees', 'agree')} in all three. They were not combined with ours, "
        "since they may hold the same studies."
    )
