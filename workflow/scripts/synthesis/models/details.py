"""What the primary model knows beside its estimate: average patient, profile interval, test of τ², each study."""

from dataclasses import dataclass, field

import numpy as np
from numpy import nan
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, expit, ndtri

from ..quadrature import gauss_hermite, trapezoid
from .logistic_normal import Arms, Fit, arms_of, fit, fixed_fit, log_likelihood

NODES = 121  # of all integrals here: the fit itself has raised its own until stable
FARTHEST = 60.0  # logits from the maximum: a profile that has not fallen there has no end


@dataclass(frozen=True)
class Details:
    """Beside the pooled estimate of the binomial–normal model.

    Parameters
    ----------
    average, average_low, average_high : float
        Population-averaged proportion, the mean over studies, where ``expit(mu)`` is the median study; interval by the
        delta method on the logit scale.
    profile_low, profile_high : float
        Profile-likelihood interval of the median study; 0 or 1 where the profile never falls far enough.
    lr_tau2, lr_tau2_p : float
        Likelihood-ratio statistic of τ² = 0 and its P value from the mixture ½χ²₀ + ½χ²₁.
    pi_df : float
        Degrees of freedom of the prediction interval.
    loglik, nodes, steps : float
    converged : bool
    message : str
    effects : tuple of tuple
        A study each: name, fitted proportion (empirical Bayes) and its interval.
    """

    average: float = nan
    average_low: float = nan
    average_high: float = nan
    profile_low: float = nan
    profile_high: float = nan
    lr_tau2: float = nan
    lr_tau2_p: float = nan
    pi_df: float = nan
    loglik: float = nan
    nodes: float = nan
    steps: float = nan
    converged: bool = False
    message: str = ""
    effects: tuple[tuple[str, float, float, float], ...] = field(default=(), repr=False)


def glmm_details(events, patients, study, level: float = 0.95) -> Details:
    """Give the details of a fit.

    Parameters
    ----------
    events, patients : array_like of int, shape (k,)
        At least two studies, neither without any event nor with nothing but events in all.
    study : array_like of shape (k,)
    level : float

    Returns
    -------
    Details

    References
    ----------
    Zeger SL, Liang KY, Albert PS. Biometrics 1988;44:1049–60 (marginal and conditional means); Self SG, Liang KY. J Am
    Stat Assoc 1987;82:605–10 (the mixture at the boundary).
    """
    y, n, study = np.asarray(events, int), np.asarray(patients, int), np.asarray(study)
    arms = arms_of(y, n, study, np.ones((len(y), 1)))
    best = fit(arms)
    if not best.converged:
        return Details(converged=False, message=best.message)
    flat = fixed_fit(arms)[1] + arms.constant
    lr = max(2 * (best.loglik - flat), 0.0)
    drop = chdtri(1, 1 - level) / 2
    low, high = (profile_mean(arms, best, drop, side) for side in (-1, 1))
    average = population_average(best.beta[0], best.tau)
    half = ndtri((1 + level) / 2) * _average_se(arms, best) if best.tau else ndtri((1 + level) / 2) * _wald(best)
    logit = np.log(average / (1 - average))
    return Details(
        average=average,
        average_low=float(expit(logit - half)),
        average_high=float(expit(logit + half)),
        profile_low=float(expit(low)),
        profile_high=float(expit(high)),
        lr_tau2=lr,
        lr_tau2_p=float(chdtrc(1, lr) / 2) if lr > 0 else 1.0,
        pi_df=len(np.unique(study)) - 1,
        loglik=best.loglik,
        nodes=best.nodes,
        steps=best.steps,
        converged=True,
        effects=study_effects(arms, best, np.unique(study), level),
    )


def _wald(best: Fit) -> float:
    return float(np.sqrt(best.covariance[0, 0]))


def population_average(mean: float, tau: float) -> float:
    """Give the mean of ``expit(mean + tau z)`` over the standard normal z.

    >>> round(population_average(-2.0, 0.0), 4), population_average(-2.0, 1.0) > population_average(-2.0, 0.0)
    (0.1192, True)
    """
    rule = trapezoid(2001)
    z = 9 * rule.x
    weight = 9 * np.exp(rule.log_weight - z**2 / 2) / np.sqrt(2 * np.pi)
    return float(np.sum(weight * expit(mean + tau * z)))


def _average_se(arms: Arms, best: Fit) -> float:
    """Give the standard error of the logit of the population average, by the delta method in (μ, τ)."""
    _, _, hessian = log_likelihood(arms, best.beta, best.tau, gauss_hermite(NODES))
    step = 1e-5

    def logit(mean: float, tau: float) -> float:
        p = population_average(mean, tau)
        return float(np.log(p / (1 - p)))

    mean, tau = best.beta[0], best.tau
    slope = np.array(
        [
            logit(mean + step, tau) - logit(mean - step, tau),
            logit(mean, tau + step) - logit(mean, tau - step),
        ]
    ) / (2 * step)
    return float(np.sqrt(slope @ np.linalg.solve(-hessian, slope)))


def profile_mean(arms: Arms, best: Fit, drop: float, side: int) -> float:
    """Find where the profile likelihood of the mean logit lies ``drop`` below its maximum.

    Parameters
    ----------
    arms : Arms
    best : Fit
    drop : float
        Half the χ² quantile.
    side : {-1, 1}

    Returns
    -------
    float
        The mean logit there; −∞ or ∞ when the profile stays above.
    """
    tau = best.tau

    def above(mean: float) -> float:
        nonlocal tau
        value, tau = _best_tau(arms, mean, tau)
        return value + arms.constant - best.loglik + drop

    near, step = best.beta[0], 1.5 * _wald(best)
    far = near + side * step
    while above(far) > 0:
        near, step = far, 1.6 * step
        far = near + side * step
        if abs(far - best.beta[0]) > FARTHEST:
            return side * np.inf
    return float(brentq(above, min(near, far), max(near, far), xtol=1e-11, rtol=1e-12))


def _best_tau(arms: Arms, mean: float, start: float) -> tuple[float, float]:
    """Maximise over τ at a fixed mean, from a warm start and from afar, and compare with τ = 0."""
    beta, flat = np.array([mean]), gauss_hermite(NODES)
    best = (log_likelihood(arms, beta, 0.0, flat)[0], 0.0)
    for tau in {max(start, 0.3), 1.5}:
        for _ in range(60):
            rule = flat if tau < 2 else trapezoid(4 * NODES)  # a steep integrand wants an even rule
            value, score, hessian = log_likelihood(arms, beta, tau, rule)
            curve = hessian[1, 1]
            step = -score[1] / curve if curve < 0 else np.sign(score[1])
            step = float(np.clip(step, -0.7 * tau, max(1.0, tau)))
            tau += step
            if abs(step) < 1e-10 * max(1, tau) or tau < 1e-6:
                break
        best = max(best, (value, tau))
    return best[0], max(best[1], 1e-3)


def study_effects(arms: Arms, best: Fit, names: np.ndarray, level: float) -> tuple:
    """Give each study's proportion as the model sees it: drawn towards the mean, the more the smaller the study.

    Returns
    -------
    tuple of (name, estimate, low, high)
        ``expit`` of the conditional mean of the study's logit, and of ± a normal quantile of its conditional standard
        deviation (the parameters held at their estimates).
    """
    effects = []
    for i, name in enumerate(names):
        one = Arms(arms.events[i : i + 1], arms.patients[i : i + 1], arms.design[i : i + 1])
        mean, deviation = _conditional(one, best)
        centre, half = best.beta[0] + best.tau * mean, ndtri((1 + level) / 2) * best.tau * deviation
        effects.append((str(name), float(expit(centre)), float(expit(centre - half)), float(expit(centre + half))))
    return tuple(effects)


def _conditional(one: Arms, best: Fit) -> tuple[float, float]:
    """Give mean and standard deviation of z given the study's counts, on a fine grid."""
    grid = trapezoid(2001)
    z = 9 * grid.x
    eta = best.beta[0] + best.tau * z
    y, n = one.events.sum(), one.patients.sum()
    log = y * eta - n * np.logaddexp(0, eta) - z**2 / 2
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    mean = float(np.sum(weight * z))
    return mean, float(np.sqrt(np.sum(weight * (z - mean) ** 2)))
