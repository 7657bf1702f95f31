"""What ``glmm`` knows beside its estimate: average patient, profile interval, test of τ², each study."""

import numpy as np
from numpy import nan
from scipy.special import chdtrc, chdtri, expit, ndtri

from .counts import as_counts
from .likelihood import COARSE, Arms, arms_of, log_likelihood, study_effects
from .logistic_normal import ARRIVED, STEPS, Fit, fit, fixed_fit

FARTHEST = 60.0  # logits from the maximum: a profile that has not fallen there has no end


def glmm_details(events, patients, study, level: float = 0.95) -> dict[str, float]:
    """Give what ``fits.csv`` holds of a fit of at least two studies, neither without any event nor with nothing else.

    ``average`` is the population-averaged proportion, the mean over studies, where ``expit(mu)`` is the median study;
    its interval is that of the delta method on the logit scale. ``profile_low`` and ``profile_high`` bound the median
    study, 0 or 1 where the profile never falls far enough. ``lr_tau2_p`` is the P value of τ² = 0 from the mixture
    ½χ²₀ + ½χ²₁. ``pi_df`` are the degrees of freedom of the prediction interval. Nothing where the fit did not
    converge.

    References
    ----------
    Zeger SL, Liang KY, Albert PS. Biometrics 1988;44:1049–60 (marginal and conditional means); Self SG, Liang KY. J Am
    Stat Assoc 1987;82:605–10 (the mixture at the boundary).
    """
    y, n, study = as_counts(events), np.asarray(patients, int), np.asarray(study)
    arms = arms_of(y, n, study, np.ones((len(y), 1)))
    best = fit(arms)
    if not best.converged:
        return {}
    flat = fixed_fit(arms)[1] + arms.constant
    lr = max(2 * (best.loglik - flat), 0.0) if best.known else nan
    drop = chdtri(1, 1 - level) / 2
    low, high = (profile_mean(arms, best, drop, side) if best.known else side * np.inf for side in (-1, 1))
    logit, se = _average_logit(arms, best)
    half = ndtri((1 + level) / 2) * se
    limits = {"average": logit, "average_low": logit - half, "average_high": logit + half}
    limits |= {"profile_low": low, "profile_high": high}
    return {
        **{name: float(expit(limit)) for name, limit in limits.items()},
        "lr_tau2": lr,
        "lr_tau2_p": 1.0 if lr == 0 else float(chdtrc(1, lr) / 2),
        "pi_df": len(arms.events) - 1,
        "loglik": best.loglik,
        "nodes": best.nodes,
        "steps": best.steps,
    }


def _wald(best: Fit) -> float:
    return float(np.sqrt(best.covariance[0, 0]))


def population_average(mean: float, tau: float) -> float:
    """Give the mean of ``expit(mean + tau z)`` over the standard normal z.

    >>> round(population_average(-2.0, 0.0), 4), population_average(-2.0, 1.0) > population_average(-2.0, 0.0)
    (0.1192, True)
    """
    return float(np.exp(_one_patient(1.0, mean, tau)[0])) if np.isfinite(mean + tau) else nan


def _one_patient(event: float, mean: float, tau: float) -> tuple[float, np.ndarray]:
    """Give the logarithm of the average probability of an event (1) or of none (0), and its slope in (μ, τ)."""
    value, slope, _ = log_likelihood(Arms(np.full((1, 1), event), np.ones((1, 1)), np.ones((1, 1, 1))), [mean], tau)
    return value, slope


def _average_logit(arms: Arms, best: Fit) -> tuple[float, float]:
    """Give the logit of the population average and its standard error, by the delta method in (μ, τ)."""
    (event, up), (none, down) = (_one_patient(y, best.beta[0], best.tau) for y in (1.0, 0.0))
    if not best.tau:
        return event - none, _wald(best)
    _, _, hessian = log_likelihood(arms, best.beta, best.tau)
    slope = up - down
    return event - none, float(np.sqrt(slope @ np.linalg.solve(-hessian, slope)))


def profile_mean(arms: Arms, best: Fit, drop: float, side: int) -> float:
    """Find where the profile likelihood of the mean logit lies ``drop`` below its maximum, on one side (−1 or 1).

    Half the χ² quantile is the drop of an interval. Infinite where the profile stays above.
    """
    tau, top = best.look.tau, best.loglik - arms.constant - drop
    near, step = best.beta[0], 1.5 * _wald(best)
    far = near + side * step
    while (found := _best_tau(arms, far, tau))[0] > top:
        near, step = far, 1.6 * step
        far = near + side * step
        if abs(far - best.beta[0]) > FARTHEST:
            return side * np.inf
    mean = far
    for _ in range(STEPS):
        value, slope = found
        near, far = (mean, far) if value > top else (near, mean)
        new = mean - (value - top) / slope
        new = new if min(near, far) <= new <= max(near, far) else (near + far) / 2
        if abs(new - mean) < ARRIVED * max(1, abs(mean)):
            break
        mean, found = new, _best_tau(arms, new, tau)
    return float(new)


def _best_tau(arms: Arms, mean: float, tau: np.ndarray) -> tuple[float, float]:
    """Maximise over τ at a fixed mean, from a look at some τ; give the log likelihood and its slope in the mean."""
    seen = arms.at(np.full((len(tau), 1), mean), tau, COARSE)
    slope = np.append(seen.hessian[0, 1, 1], seen.score[1:, 1])  # at 0 the likelihood is even in τ
    if slope[-1] > 0 and tau[-1] < Arms.farthest:
        return _best_tau(arms, mean, np.append(tau, 2 * tau[-1]))
    found = [log_likelihood(arms, [mean], 0.0)] if slope[0] <= 0 else []
    for i in np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)):
        found.append(_climb_tau(arms, mean, tau[i], tau[i + 1]))
    value, score, _ = max(found, key=lambda point: point[0])
    return value, float(score[0])


def _climb_tau(arms: Arms, mean: float, low: float, high: float):
    """Find the maximum over τ in a bracket at a fixed mean, by Newton's method."""
    tau = (low + high) / 2
    for _ in range(STEPS):
        point = log_likelihood(arms, [mean], tau)
        slope, bend = point[1][1], point[2][1, 1]
        low, high = (tau, high) if slope > 0 else (low, tau)
        step = -slope / bend if bend < 0 else np.inf
        if abs(step) < 1e-9 * tau:  # the value is that of the maximum to the square of this
            return point
        tau = tau + step if low <= tau + step <= high else (low + high) / 2
    return point


def effects_of(arms: Arms, best: Fit, level: float) -> tuple:
    """Give each study's name and proportion as the model sees it: drawn towards the mean, the more the smaller it is.

    ``expit`` of the conditional mean of its logit, and of ± a normal quantile of its conditional standard deviation
    (the parameters held at their estimates).
    """
    mean, deviation = study_effects(arms, best.beta, best.tau)
    centre, half = best.beta[0] + best.tau * mean, ndtri((1 + level) / 2) * best.tau * deviation
    limits = (expit(values).tolist() for values in (centre, centre - half, centre + half))
    return tuple(sorted(zip(map(str, arms.names), *limits, strict=True)))
