"""Meta-regression: does the proportion change with a property of the studies, continuous or with levels?

Every property is one design matrix without its intercept, fitted three times: by the primary model, and by REML on
the logit scale with the Wald and with the Hartung–Knapp test. Columns are centred and scaled before any fit and
reported on their own scale. Permutation tests shuffle whole studies against the design, which is the same as shuffling
the property over the studies, and fit all shuffled data sets at once; they are not made where arms of a study differ.
"""

import warnings
from dataclasses import dataclass
from math import nan

import numpy as np
from scipy.special import chdtrc, fdtrc, ndtri, stdtrit

from ..models.counts import is_exact, limits, middle
from ..models.logistic_normal import arms_of, fit
from ..models.proportions import logit_with_variance
from ..words.terms import MIDDLE, OK
from .permutation import arrangements, max_loglik

MODELS = ("glmm", "logit-reml", "logit-reml-hk")
LINE = ("centre", "intercept", "intercept_se", "covariance")

FEW, ENOUGH = 3, 10  # studies below which nothing is fitted, and from which a covariate is more than exploratory:
# Cochrane Handbook for Systematic Reviews of Interventions, section 10.11.5.1 (ten for each characteristic).
EXPLORATORY = "exploratory: fewer than 10 studies"
TOO_FEW = "fewer than three studies with a value: not fitted"
NO_VARIATION = "no variation: not fitted"
SATURATED = "as many levels as studies: not fitted"
NO_EVENTS, ALL_EVENTS = "no events: not fitted", "nothing but events: not fitted"
SEPARATED = "separated: events on one side of a value and none on the other, no finite slope"
SEVERAL_ARMS = "several arms of one study"
# Whole studies cannot be exchanged where their arms differ, nor single arms, since those of a study share its effect.
NOT_EXCHANGEABLE = f"{SEVERAL_ARMS} with different values: no permutation test"
NOT_ADDED = f"{SEVERAL_ARMS} and a count known only within limits: no permutation test"

TIE = 1e-6  # statistics closer than this are equal: the fits of one arrangement met twice differ by rounding


@dataclass(frozen=True)
class Studies:
    """The rows of a regression: counts and study of shape (k,), covariates without the intercept of shape (k, m)."""

    events: np.ndarray
    patients: np.ndarray
    study: np.ndarray
    design: np.ndarray

    @property
    def one_row_a_study(self) -> bool:
        """Say whether no study gives several arms."""
        return len(np.unique(self.study)) == len(self.study)

    @property
    def one_value_a_study(self) -> bool:
        """Say whether the arms of each study have the same covariates."""
        _, first, place = np.unique(self.study, return_index=True, return_inverse=True)
        return not np.any(self.design != self.design[first][place])

    def add_arms(self) -> "Studies":
        """Give one row a study, its arms added up, where its covariates are the same in all; as it is otherwise.

        Arms with one linear predictor and one effect have one proportion, so their totals say all that they say, unless
        a count is known only within limits.
        """
        names, first, place = np.unique(self.study, return_index=True, return_inverse=True)
        if self.one_row_a_study or not self.one_value_a_study or not is_exact(self.events):
            return self
        events, patients = (np.bincount(place, counts).astype(int) for counts in (self.events, self.patients))
        return Studies(events, patients, names, self.design[first])

    def scaled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give the design with its intercept and columns of mean 0 and variance 1, their means and their scales."""
        centre, scale = self.design.mean(0), self.design.std(0)
        return np.column_stack([np.ones(len(self.study)), (self.design - centre) / scale]), centre, scale


@dataclass(frozen=True)
class Fitted:
    """A fit on the scaled design, with the heterogeneity variance left over, and that without covariates.

    ``lr`` is the likelihood-ratio statistic against no covariates, NaN for REML, whose likelihoods of two designs are
    not comparable; ``df`` that of t, infinite where the normal distribution is the reference; ``remark`` what is
    remarkable about the maximum.
    """

    beta: np.ndarray
    covariance: np.ndarray
    tau2: float
    tau2_without: float
    lr: float = nan
    df: float = np.inf
    remark: str = ""


class NotFitted(Exception):
    """Why there is no fit, in the words of a status."""


def regress(data: Studies, model: str, level: float = 0.95, permutations: int = 2000, seed: int = 1) -> dict:
    """Fit one property with one of ``MODELS``, and test it with ``permutations`` where not all can be listed.

    Gives the columns of ``regression.csv`` from ``slope`` on, on the scale of the design; slope and ``LINE`` (the
    intercept is the log odds at the centre) only for a single column. ``r2`` is the share of τ² that the property
    explains, in per cent, 0 where τ² grows, and missing where there is no τ² to explain.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67 (``glmm``). Knapp G, Hartung J. Stat Med
    2003;22:2693–710 (t and F tests). Raudenbush SW. In: Cooper H, Hedges LV (eds). Handbook of research synthesis.
    2nd ed. 2009:295–315 (R²). Higgins JPT, Thompson SG. Stat Med 2004;23:1663–82 (permutation test).
    """
    data = data.add_arms() if model == "glmm" else data
    try:
        _refuse(data, model)
        design, centre, scale = data.scaled()
        fitted = _fit_glmm(data, design) if model == "glmm" else _fit_reml(data, design, model)
    except NotFitted as reason:
        return {"status": str(reason)}
    m = design.shape[1] - 1
    tau2, without = fitted.tau2, fitted.tau2_without
    r2 = max(0.0, 100 * (without - tau2) / without) if without > 0 else nan
    numbers = {"tau2": tau2, "tau2_without": without, "r2": r2}
    if m == 1:
        numbers |= {"level": level, **_slope(fitted, centre[0], scale[0], level)}
    wald = _wald(fitted.beta[1:], fitted.covariance[1:, 1:])
    if np.isfinite(fitted.df):
        numbers |= {"wald": wald / m, "wald_df": m, "wald_df2": fitted.df, "wald_p": fdtrc(m, fitted.df, wald / m)}
    else:
        numbers |= {"wald": wald, "wald_df": m, "wald_p": chdtrc(m, wald)}
    if np.isfinite(fitted.lr):
        numbers |= {"lr": fitted.lr, "lr_df": m, "lr_p": chdtrc(m, fitted.lr)}
    found: dict = {key: value if isinstance(value, int) else float(value) for key, value in numbers.items()}
    notes = [fitted.remark] if fitted.remark else []
    notes += [EXPLORATORY] if len(np.unique(data.study)) < ENOUGH else []
    if data.one_row_a_study:
        found |= permute(data, model, permutations, seed)
        lost = found.pop("unfitted", 0)
        notes += [f"{lost} arrangements could not be fitted: not in the permutation test"] if lost else []
    else:
        notes.append(NOT_ADDED if model == "glmm" and data.one_value_a_study else NOT_EXCHANGEABLE)
    if model != "glmm" and not is_exact(data.events):
        notes.append(MIDDLE)
    return {**found, "status": "; ".join((OK, *notes))}


def _refuse(data: Studies, model: str) -> None:
    """Refuse what no fit can answer."""
    y, n, x = data.events, data.patients, data.design
    if len(np.unique(data.study)) < FEW:
        raise NotFitted(TOO_FEW)
    if x.shape[1] == 0 or np.any(np.ptp(x, axis=0) == 0):
        raise NotFitted(NO_VARIATION)
    studies, first, place = np.unique(data.study, return_index=True, return_inverse=True)
    between = np.all(x == x[first][place], axis=0)  # columns of which only differences between studies can speak
    if len(y) <= x.shape[1] + 1 or len(studies) <= between.sum() + 1:
        raise NotFitted(SATURATED)
    low, high = limits(y) if model == "glmm" else (middle(y), middle(y))
    if low.sum() == 0 or high.sum() == n.sum():
        why = ALL_EVENTS if low.sum() else NO_EVENTS
        raise NotFitted(why if is_exact(y) else f"possibly {why}")
    if model == "glmm" and x.shape[1] == 1:
        some, others = x[low > 0, 0], x[high < n, 0]
        if some.max() <= others.min() or some.min() >= others.max():
            raise NotFitted(SEPARATED)
    if model != "glmm" and not data.one_row_a_study:
        raise NotFitted(f"{SEVERAL_ARMS}: only glmm shares the study's effect")


def _fit_glmm(data: Studies, design: np.ndarray) -> Fitted:
    full, null = (fit(arms_of(data.events, data.patients, data.study, x)) for x in (design, design[:, :1]))
    bad = next((f.message for f in (full, null) if not f.converged), None)
    if bad:
        raise NotFitted(f"did not converge: {bad}")
    tau2, without = (f.tau**2 if f.known else nan for f in (full, null))
    lr = max(2 * (full.loglik - null.loglik), 0.0)
    return Fitted(full.beta, full.covariance, tau2, without, lr, remark=full.remark)


def _fit_reml(data: Studies, design: np.ndarray, model: str) -> Fitted:
    y, v = (a[:, None] for a in logit_with_variance(middle(data.events), data.patients))
    beta, covariance, tau2 = _pymare(y, v, design, model)
    if not (np.all(np.isfinite(covariance)) and np.all(np.diagonal(covariance[0]) > 0)):
        raise NotFitted("the studies lie on the line: the Hartung–Knapp interval has no width")
    without = _pymare(y, v, design[:, :1], "logit-reml")[2][0]
    df = len(y) - design.shape[1] if model == "logit-reml-hk" else np.inf
    return Fitted(beta[0], covariance[0], tau2[0], without, df=df)


def _pymare(y: np.ndarray, v: np.ndarray, design: np.ndarray, model: str) -> tuple[np.ndarray, ...]:
    """Fit by REML with PyMARE: coefficients (sets × p), their covariances (sets × p × p) and τ² (sets)."""
    from pymare.estimators import VarianceBasedLikelihoodEstimator  # 1.4 s to import, so only where it is used

    # Its defaults are ML and Knapp–Hartung, so every option by name.
    correction = "knapp-hartung" if model == "logit-reml-hk" else "wald"
    estimator = VarianceBasedLikelihoodEstimator(method="REML", small_sample_correction=correction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few studies: the status says so instead
        found = estimator.fit(y=y, v=v, X=design).params_
    p = design.shape[1]
    return found["fe_params"].T, np.moveaxis(found["inv_cov"].reshape(p, p, -1), 2, 0), found["tau2"][0]


def _wald(beta: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Give β'V⁻¹β of one or many fits."""
    return np.einsum("...i,...i", beta, np.linalg.solve(covariance, beta[..., None])[..., 0])


def _slope(fitted: Fitted, centre: float, scale: float, level: float) -> dict:
    """Give the slope on the moderator's own scale, and the line through the centre."""
    slope, se = fitted.beta[1] / scale, np.sqrt(fitted.covariance[1, 1]) / scale
    quantile = stdtrit(fitted.df, (1 + level) / 2) if np.isfinite(fitted.df) else ndtri((1 + level) / 2)
    low, high = slope - quantile * se, slope + quantile * se
    with np.errstate(over="ignore"):
        ratios = dict(zip(("or_per_unit", "or_ci_low", "or_ci_high"), np.exp([slope, low, high]), strict=True))
    line = {"centre": centre, "intercept": fitted.beta[0], "intercept_se": np.sqrt(fitted.covariance[0, 0])}
    line["covariance"] = fitted.covariance[0, 1] / scale
    return {"slope": slope, "se": se, "ci_low": low, "ci_high": high, **ratios, **line}


def permute(data: Studies, model: str, draws: int, seed: int) -> dict:
    """Test a property by shuffling it over the studies, which give one row each.

    The likelihood is compared for ``glmm``, Wald's statistic for the others. Gives ``permutation_p``, ``permutations``
    and ``permutation_method``; ``unfitted`` where arrangements are left out that could not be fitted.

    References
    ----------
    Higgins JPT, Thompson SG. Stat Med 2004;23:1663–82, section 4. Phipson B, Smyth GK. Stat Appl Genet Mol Biol
    2010;9:39, equation 2: drawn at random, the observed arrangement counts as one of them.
    """
    order, exact = arrangements(data.design, draws, seed)
    design = data.scaled()[0]
    y, n = data.events[order], data.patients[order]
    if model == "glmm":
        statistic = 2 * max_loglik(y, n, design)
    else:
        logit, v = logit_with_variance(middle(y), n)
        beta, covariance, _ = _pymare(logit.T, v.T, design, model)
        with np.errstate(divide="ignore", invalid="ignore"):
            # A perfect line has no variance under Hartung–Knapp: as far out as a statistic can be.
            singular = np.linalg.det(covariance) <= 0
            covariance[singular] = np.eye(covariance.shape[-1])
            statistic = np.where(singular, np.inf, _wald(beta[:, 1:], covariance[:, 1:, 1:]))
    observed, lost = statistic[0], np.isnan(statistic)
    extreme = statistic >= observed - TIE * max(1.0, abs(observed))
    counted = (extreme[1:] if exact else extreme)[~(lost[1:] if exact else lost)]
    found = {"permutation_p": float(counted.mean()) if len(counted) and not lost[0] else nan}
    found |= {"permutations": len(order) - 1, "permutation_method": "exact" if exact else "sampled"}
    return found | ({"unfitted": int(lost.sum())} if lost.any() else {})
