"""How figures and reports call the models: words only, so that drawing imports no numerics."""

DESCRIPTIONS = {
    "glmm": "Random-effects logistic model (binomial likelihood, ML)",
    "glmm-common": "Random-effects logistic model with one τ² for all groups",
    "logit-reml": "Inverse variance on the logit scale, REML, Wald interval",
    "logit-reml-hk": "Inverse variance on the logit scale, REML, Hartung–Knapp interval",
    "crude": "Total events over total patients, exact interval",
}
