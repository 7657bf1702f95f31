"""How figures and reports call the models: words only, so that reading a config or drawing imports no numerics."""

DESCRIPTIONS = {
    "glmm": "Random-effects logistic model (binomial likelihood, ML)",
    "glmm-t": "Random-effects logistic model (binomial likelihood, ML), interval from t(k − 1)",
    "glmm-common": "Random-effects logistic model with one τ² for all groups",
    "betabinom": "Beta-binomial model (ML)",
    "bayes": "Random-effects logistic model (Bayesian, half-normal(1) prior on τ, no sampling)",
    "logit-reml": "Inverse variance on the logit scale, REML, Wald interval",
    "logit-reml-hk": "Inverse variance on the logit scale, REML, Hartung–Knapp interval",
    "logit-reml-mhk": "Inverse variance on the logit scale, REML, modified Hartung–Knapp interval",
    "logit-dl": "Inverse variance on the logit scale, DerSimonian–Laird, Wald interval",
    "logit-dl-hk": "Inverse variance on the logit scale, DerSimonian–Laird, Hartung–Knapp interval",
    "logit-dl-mhk": "Inverse variance on the logit scale, DerSimonian–Laird, modified Hartung–Knapp interval",
    "logit-ml": "Inverse variance on the logit scale, maximum likelihood, Wald interval",
    "logit-pm": "Inverse variance on the logit scale, Paule–Mandel, Wald interval",
    "logit-he": "Inverse variance on the logit scale, Hedges, Wald interval",
    "logit-sj": "Inverse variance on the logit scale, Sidik–Jonkman, Wald interval",
    "arcsine-reml": "Inverse variance on the arcsine square-root scale, REML, Wald interval",
    "arcsine-reml-hk": "Inverse variance on the arcsine square-root scale, REML, Hartung–Knapp interval",
    "arcsine-reml-mhk": "Inverse variance on the arcsine square-root scale, REML, modified Hartung–Knapp interval",
    "log-reml": "Inverse variance on the log scale, REML, Wald interval",
    "log-reml-hk": "Inverse variance on the log scale, REML, Hartung–Knapp interval",
    "ft-dl": "Inverse variance on the Freeman–Tukey double arcsine scale, DerSimonian–Laird, Wald interval",
    "crude": "Total events over total patients, exact interval",
}

RATES = {
    "poisson-normal": "Poisson counts with normal study effects (ML)",
    "cloglog-normal": "Binomial counts, complementary log–log, with normal study effects (ML)",
}

# Where there is little room.
SHORT_NAMES = {
    "glmm": "GLMM, Wald",
    "glmm-t": "GLMM, t",
    "betabinom": "Beta-binomial",
    "bayes": "Bayesian GLMM",
    "logit-reml": "Logit, REML, Wald",
    "logit-reml-hk": "Logit, REML, Hartung–Knapp",
    "logit-reml-mhk": "Logit, REML, modified H–K",
    "logit-dl": "Logit, DL, Wald",
    "logit-dl-hk": "Logit, DL, Hartung–Knapp",
    "logit-dl-mhk": "Logit, DL, modified H–K",
    "logit-ml": "Logit, ML, Wald",
    "logit-pm": "Logit, Paule–Mandel, Wald",
    "logit-he": "Logit, Hedges, Wald",
    "logit-sj": "Logit, Sidik–Jonkman, Wald",
    "arcsine-reml": "Arcsine, REML, Wald",
    "arcsine-reml-hk": "Arcsine, REML, Hartung–Knapp",
    "arcsine-reml-mhk": "Arcsine, REML, modified H–K",
    "log-reml": "Log, REML, Wald",
    "log-reml-hk": "Log, REML, Hartung–Knapp",
    "ft-dl": "Freeman–Tukey, DL, Wald",
    "crude": "Crude, exact",
}

SCALES = {"arcsine": "arcsine square-root", "log": "log", "ft": "Freeman–Tukey double arcsine"}  # the others: logit


def scale_of(model: str) -> str:
    """Give the scale on which a model with a τ² has it.

    >>> scale_of("glmm"), scale_of("logit-dl-hk"), scale_of("arcsine-reml")
    ('logit', 'logit', 'arcsine square-root')
    """
    return SCALES.get(model.split("-")[0], "logit")


BAYESIAN = "bayes"


def interval_of(model: str) -> str:
    """Give the short name of a model's interval.

    >>> interval_of("bayes"), interval_of("glmm-t")
    ('CrI', 'CI')
    """
    return "CrI" if model.split("-")[0] == BAYESIAN else "CI"


def interval_name(model: str) -> str:
    """Give the name of a model's interval in full.

    >>> interval_name("bayes"), interval_name("glmm-t")
    ('credible interval', 'confidence interval')
    """
    return "credible interval" if interval_of(model) == "CrI" else "confidence interval"


MEDIAN = "the median study"
MEANS = {"betabinom": "the mean study", "crude": "all patients together, as if of one study"}


def centre_of(model: str) -> str:
    """Say whose proportion a model estimates: a mean on a stretched scale is the median on that of proportions.

    >>> centre_of("bayes"), centre_of("betabinom")
    ('the median study', 'the mean study')
    """
    return MEANS.get(model, MEDIAN)


PREDICTIONS = {"bayes": "predictive distribution of a new study", "betabinom": "fitted beta distribution"}  # others: t


def prediction_of(model: str, df: object = "k − 1") -> str:
    """Name the distribution behind the prediction interval of a model.

    >>> prediction_of("glmm", 5), prediction_of("betabinom")
    ('t, 5 df', 'fitted beta distribution')
    """
    return PREDICTIONS.get(model, f"t, {df} df")


def tau2_of(model: str) -> str:
    """Say what stands under τ² for a model.

    >>> tau2_of("glmm"), tau2_of("betabinom")
    ('τ² on the logit scale', 'τ² is the overdispersion')
    """
    return "τ² is the overdispersion" if model == "betabinom" else f"τ² on the {scale_of(model)} scale"


# What the config may name; `glmm-common` is not a model of its own but the subgroup form of `glmm`.
MODEL_NAMES = tuple(name for name in DESCRIPTIONS if name != "glmm-common")

# Models whose pools of groups are compared by their standard errors: logits, with intervals from the normal quantile.
WALD_TESTED = ("glmm", *(f"logit-{estimator}" for estimator in ("reml", "dl", "ml", "pm", "he", "sj")))


def homogeneity_test(model: str) -> str:
    """Name the test whose χ² and P value stand beside the τ² of a model.

    >>> homogeneity_test("logit-dl"), homogeneity_test("glmm-t")
    ("Cochran's Q", 'likelihood ratio of one proportion for all against one a study')
    """
    two_stage = DESCRIPTIONS[model].startswith("Inverse variance")
    return "Cochran's Q" if two_stage else "likelihood ratio of one proportion for all against one a study"
