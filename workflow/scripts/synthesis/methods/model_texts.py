"""The paragraphs of results/methods.md on models: the primary one, those beside it, heterogeneity.

Each function gives one section, or a blank text when the config does not turn the method on. Citations stand as
``[@key]``; :mod:`synthesis.methods.bibliography` numbers them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from ..words.formatting import format_count
from ..words.model_names import DESCRIPTIONS
from ..words.prose import agree, inside, joined, percent, plural
from ..words.terms import is_ok
from .evidence import Evidence, without_events

# Two-stage models by the parts of their names: what they are called, and where they come from.
MEASURES = {
    "logit": ("logit", "warton2011"),
    "arcsine": ("arcsine square-root", "rucker2009"),
    "log": ("log", ""),
    "ft": ("Freeman–Tukey double arcsine", "freeman1950"),
}
ESTIMATORS = {
    "reml": ("restricted maximum likelihood (REML)", "viechtbauer2005"),
    "dl": ("DerSimonian–Laird", "dersimonian1986"),
    "ml": ("maximum likelihood", "hardy1996"),
    "pm": ("Paule–Mandel", "paule1982"),
    "he": ("Hedges", "hedges1985"),
    "sj": ("Sidik–Jonkman", "sidik2005"),
}
PYMARE = ("reml", "dl", "ml", "he")  # those whose τ² PyMARE supplies
# The random-effects logistic model, by the quantile of its interval.
COUNTS_MODEL = {"glmm": "the normal distribution", "glmm-t": "t on k − 1 degrees of freedom"}
INTERVALS = {
    "": "the normal quantile (Wald)",
    "hk": "Hartung–Knapp with t on k − 1 degrees of freedom [@hartung2001; @knapp2003]",
    "mhk": "modified Hartung–Knapp, whose standard error is never below Wald's, with the same t [@rover2015]",
}


def listed_models(evidence: Evidence) -> list[str]:
    """Name the models over all studies, the primary one first."""
    models = evidence.choices["models"]
    return list(dict.fromkeys([models["primary"], *models["sensitivity"]]))


def two_stage(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Take the names of two-stage models apart: measure, estimator, interval.

    >>> two_stage(["glmm", "logit-reml-hk", "ft-dl"])
    [('logit', 'reml', 'hk'), ('ft', 'dl', '')]
    """
    parts = [(name + "--").split("-")[:3] for name in names]
    return [(measure, estimator, interval) for measure, estimator, interval in parts if measure in MEASURES]


def cite(name: str, key: str) -> str:
    """Give a name with its reference, if it has one."""
    return f"{name} [@{key}]" if key else name


def primary_text(evidence: Evidence) -> str:
    """Describe the primary model: distribution, link, estimation, intervals, zero events."""
    models, first = evidence.choices["models"], ""
    if models["primary"] not in COUNTS_MODEL:
        first = f"Headline numbers: {inside(DESCRIPTIONS[models['primary']])} (see Other models)."
    here = set(COUNTS_MODEL) & {*listed_models(evidence), *models["subgroups"]} or evidence.table("fits")
    parts = [first, counts_model_text(evidence) if here else "", prediction_text(evidence)]
    return "\n\n".join(filter(None, [*parts, f"{zero_text(evidence)} {study_text(models)}"]))


def counts_model_text(evidence: Evidence) -> str:
    """Describe the random-effects logistic model, the primary one or beside it, and its interval."""
    primary, unit = evidence.choices["models"]["primary"], evidence.choices["review"]["unit"]
    lead = "Headline numbers come from" if primary in COUNTS_MODEL else "Beside it stands"
    nodes = [int(float(row["nodes"])) for row in evidence.table("fits") if row["nodes"] and float(row["nodes"]) > 0]
    used = f" ({joined(map(format_count, sorted(set(nodes))), 'or')} nodes here)" if nodes else ""
    names = sorted((n for n in COUNTS_MODEL if n in listed_models(evidence)), key=primary.__ne__) or ["glmm"]
    other = f"; `{names[1]}` takes that of {COUNTS_MODEL[names[1]]} instead" if len(names) > 1 else ""
    return (
        f"{lead} the random-effects logistic model (binomial–normal, a generalised linear mixed model) "
        f"[@stijnen2010]: the number of {unit} with the event in a study is binomial, and the logits of the studies' "
        "probabilities are normal with mean μ and variance τ². It has one stage, so proportions are not transformed. "
        "μ and τ are estimated by maximum likelihood: the profile likelihood is looked at for all τ from 0 on, each of "
        "its maxima is climbed by Newton's method, and where there are several the highest counts and the status names "
        "the next. The integral over the study effects is taken by adaptive quadrature [@pinheiro1995]: by the "
        "trapezoidal rule over all of the integrand, by Gauss–Legendre panels where τ exceeds "
        f"4{used}. Arms of one study share its "
        "effect.\n\nThe pooled proportion is the inverse logit of μ: that of the median study. Its "
        f"{percent(evidence.choices['models']['level'])} confidence interval is of Wald's type: μ plus or minus its "
        f"standard error times the quantile of {COUNTS_MODEL[names[0]]} (`{names[0]}`), transformed back{other}. "
        "`fits.csv` adds the profile-likelihood interval [@hardy1996] and the population-averaged proportion, the "
        "mean over studies [@zeger1988], with a delta-method interval on the logit scale."
    )


def prediction_text(evidence: Evidence) -> str:
    """Describe the prediction interval and say in how many analyses there is one."""
    models = evidence.choices["models"]
    level = percent(models["level"])
    have = [row for row in evidence.primary if row["pi_low"]]
    sizes = sorted({int(row["studies"]) - 1 for row in have})
    df = f", with {joined(map(format_count, sizes), 'or')} degrees of freedom" if sizes else ""
    return (
        f"The {level} prediction interval, for the true proportion of a new study, is μ ± t √(τ² + SE²) transformed "
        "back, with t on k − 1 degrees of freedom for k studies [@higgins2009] (k − 2 in the original proposal; k − "
        "1 as in metafor with Hartung–Knapp [@viechtbauer2010]). With few studies such intervals can cover less than "
        f"they say [@partlett2017]. It is computed from 3 studies and drawn from {models['draw_prediction_from']}; "
        f"{plural(len(have), 'analysis', 'analyses')} {agree(len(have), 'has', 'have')} one{df}."
    )


def zero_text(evidence: Evidence) -> str:
    """Say how studies without events enter, and how many there are."""
    pooled = evidence.pooled
    analyses = dict.fromkeys(row["analysis"] for row in pooled)
    none = {name: len(without_events([row for row in pooled if row["analysis"] == name])) for name in analyses}
    total, where = sum(none.values()), sum(n > 0 for n in none.values())
    found = (
        f"{plural(total, 'study has', 'studies have')} no event, in {plural(where, 'analysis', 'analyses')} (a study "
        "counts once in each)."
        if total
        else "No pooled study is without events."
    )
    text = f"Studies without events stay in as they are, without continuity correction. {found}"
    corrected = [
        MEASURES[m][0]
        for m in dict.fromkeys(m for m, _, _ in two_stage(listed_models(evidence)))
        if m in ("logit", "log")
    ]
    if corrected:
        text += (
            f" Only the two-stage models on the {joined(corrected)} scale need a correction: half an event and half a "
            "non-event are added to studies with no events or nothing but events, and to no other study."
        )
    return text


def study_text(models: Mapping) -> str:
    """Describe the interval of a single study."""
    names = {"clopper-pearson": "exact (Clopper–Pearson) [@clopper1934]", "wilson": "score (Wilson) [@wilson1927]"}
    return f"Intervals of single studies are {names[models['study_interval']]}."


def special_text(evidence: Evidence) -> str:
    """Say what stands in place of a pool: one study, no events, nothing but events, two studies, no convergence."""
    level, counts = percent(evidence.choices["models"]["level"]), Counter()
    for row in evidence.primary:
        status, studies = row["status"], int(row["studies"])
        key = "two" if is_ok(status) and studies == 2 else status.split(":")[0]
        counts[key] += 1

    def here(key: str) -> str:
        return f" ({plural(counts[key], 'analysis', 'analyses')})" if counts[key] else ""

    return (
        f"These rules hold for every model. One study is not a pool{here('one study')}: its own proportion stands "
        f"with the exact interval [@clopper1934]. Without any event in any study{here('no events')} the estimate is 0 "
        f"with the exact one-sided {level} upper limit of the totals, 1 − (1 − level)^(1/n); with nothing but "
        f"events{here('all events')}, the mirror image. Below three studies there is no prediction interval, and a "
        f"pool of two is called a description{here('two')}. A fit that does not converge{here('did not converge')} "
        "gives no number, and the table says so. A number that does not exist is left empty, never 0."
    )


def models_text(evidence: Evidence) -> str:
    """Describe the models that stand beside the primary one."""
    names, models = listed_models(evidence), evidence.choices["models"]
    told = []
    if "betabinom" in names:
        told.append(
            "The beta-binomial model, fitted by maximum likelihood [@griffiths1973; @kuss2015], estimates the mean "
            "of the studies' proportions instead of the median, with Wald's interval on the logit scale. Its "
            "heterogeneity is the overdispersion ρ, the correlation of two members of one study, with a "
            "profile-likelihood interval; it stands in the column of τ². Its prediction interval has the quantiles of "
            "the fitted beta distribution, averaged over the uncertainty of the mean (t with k − 1 degrees of freedom, "
            "logit scale). Studies without events need no correction."
        )
    if "bayes" in names:
        told.append(bayes_text(percent(models["level"])))
    told += two_stage_text(two_stage(names))
    if "crude" in names:
        told.append(
            f"The crude proportion is total events over total {evidence.choices['review']['unit']} with the exact "
            "interval [@clopper1934]; it ignores that studies differ."
        )
    return "\n\n".join(told)


def bayes_text(level: str) -> str:
    """Describe the Bayesian model, with the scales of its priors."""
    from ..models.bayes import MU_SD, TAU_SCALE

    return (
        f"The same random-effects logistic model with priors [@smith1995]: half-normal with scale {TAU_SCALE:g} on τ "
        f"[@rover2021; @friede2017] and normal with mean 0 and standard deviation {MU_SD:g} on μ. The posterior is "
        "integrated on a grid, without sampling. The estimate is the posterior median of the median study's "
        f"proportion, with an equal-tailed {level} credible interval; its prediction interval is that of the "
        "predictive distribution of a new study [@higgins2009], and needs no t distribution."
    )


def two_stage_text(parts: Sequence[tuple[str, str, str]]) -> list[str]:
    """Describe the two-stage models: scales, estimators of τ², intervals, and what PyMARE does."""
    if not parts:
        return []
    told = []
    scales = dict.fromkeys(measure for measure, _, _ in parts)
    scale_words = []
    for measure in scales:
        estimators = joined(cite(*ESTIMATORS[e]) for e in dict.fromkeys(e for m, e, _ in parts if m == measure))
        scale_words.append(
            f"on the {cite(MEASURES[measure][0] + ' scale', MEASURES[measure][1])} with τ² by {estimators}"
        )
    told.append(
        "Two-stage models transform the proportion of each study and pool by inverse variance: "
        f"{'; '.join(scale_words)}."
    )
    intervals = [INTERVALS[i] for i in dict.fromkeys(i for _, _, i in parts)]
    own = [ESTIMATORS[e][0] for e in dict.fromkeys(e for _, e, _ in parts) if e not in PYMARE]
    told.append(
        f"Their confidence intervals use {joined(intervals, 'or')}; the names of models end accordingly. τ² has its "
        "Q-profile interval whatever the estimator [@viechtbauer2007], and the prediction interval uses t with k − 1 "
        "degrees of freedom and the interval's own standard error throughout. PyMARE supplies τ² (REML and ML are "
        "then refined to rounding error) and the Q-profile interval"
        + (f"; {joined(own)} {agree(len(own), 'is', 'are')} the engine's own." if own else ".")
    )
    if any(interval == "hk" for _, _, interval in parts):
        told.append(
            "Studies more alike than chance makes them are no reason to be surer: where a Hartung–Knapp interval is "
            "narrower than Wald's, its row says so, with the share of Wald's width [@rover2015]."
        )
    if "ft" in scales:
        told.append(
            "The Freeman–Tukey model is there for comparison with older reviews only. Its way back [@miller1978] takes "
            "the harmonic mean of the studies' sizes, and can mislead [@schwarzer2019]."
        )
    return [" ".join(told)]


def heterogeneity_text(evidence: Evidence) -> str:
    """Describe τ² with its interval, I², Q and the test of τ² = 0."""
    names, zero = listed_models(evidence), [r for r in evidence.primary if r["tau2"] and float(r["tau2"]) == 0]
    told = []
    if not {*COUNTS_MODEL}.isdisjoint(names):
        told.append(
            "τ² of the random-effects logistic model is on the logit scale and has a profile-likelihood interval "
            "[@hardy1996]. The hypothesis τ² = 0 is tested by the likelihood ratio, with the P value of the mixture "
            "½χ²₀ + ½χ²₁, since it lies on the boundary [@self1987]; `fits.csv` has the test."
        )
        told.append(
            "Its Q is the likelihood-ratio statistic of one common proportion against one for each study, with k − 1 "
            "degrees of freedom [@stijnen2010]."
        )
    if two_stage(names):
        told.append("For two-stage models τ² is on the scale of each and Q is Cochran's.")
    told.append(
        "I² is 100 τ² / (τ² + s²), with s² the typical sampling variance of Higgins and Thompson [@higgins2002]; it "
        "follows the model's τ² and is not computed from Q. For the random-effects logistic model the sampling "
        "variances are those of the logits, with the half-event correction where a study has no events or nothing "
        "but events."
    )
    if zero:
        told.append(f"τ² is estimated as 0 in {plural(len(zero), 'analysis', 'analyses')} of the primary model.")
    return " ".join(told)
