"""How figures and reports call the models: words only, so that reading a config or drawing imports no numerics."""

DESCRIPTIONS = {
    "glmm": "Random-effects logistic model (binomial likelihood, ML)",
    "glmm-common": "Random-effects logistic model with one τ² for all groups",
    "logit-reml": "Inverse variance on the logit scale, REML, Wald interval",
    "logit-reml-hk": "Inverse variance on the logit scale, REML, Hartung–Knapp interval",
    "crude": "Total events over total patients, exact interval",
}

MODEL_NAMES = (
    "glmm",
    "betabinom",
    "bayes",
    "logit-reml",
    "logit-reml-hk",
    "logit-reml-mhk",
    "logit-dl",
    "logit-dl-hk",
    "logit-dl-mhk",
    "logit-ml",
    "logit-pm",
    "logit-he",
    "logit-sj",
    "arcsine-reml",
    "arcsine-reml-hk",
    "arcsine-reml-mhk",
    "log-reml",
    "log-reml-hk",
    "ft-dl",
    "crude",
)
