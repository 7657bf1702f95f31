"""The beta-binomial model by maximum likelihood, for one data set or for a stack of them.

Studies' proportions follow a Beta(a, b). With the mean p = a / (a + b) and φ = 1 / (a + b), a study contributes

    Σ_{j<y} log(p + jφ) + Σ_{j<n−y} log(1 − p + jφ) − Σ_{j<n} log(1 + jφ)

and the binomial coefficient. Written so, nothing cancels as φ → 0, where the model is the binomial one; the form with
``betaln`` is a difference of numbers of size a log a, and loses all digits there. The overdispersion that is reported
is ρ = φ / (1 + φ) = 1 / (a + b + 1), the correlation of two patients of one study. Newton's method climbs in logit(p)
and log(φ) from several starts, and the best maximum inside is compared with the boundary ρ = 0.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, chdtri, expit, logit, ndtri, stdtrit

from ..words.terms import ALL_OR_NONE, MAY_BE_ALL, MAY_BE_NONE, OK, SEVERAL_ARMS, with_remark
from .batch import uphill
from .betabinom_sums import GAUSS, PLAIN, ROUNDING, Sums, gather_sums, log_likelihood, slopes
from .counts import is_exact, limits
from .heterogeneity import likelihood_ratio_q
from .logistic_normal import say_maxima
from .result import Pooled, blank_pool

SEPARATED = "no events, or nothing but events: the mean has no finite maximum"

# φ. A tiny study far from the others gives a second maximum: 46 of 51, 0 of 2 and 75 of 79 have ρ = 0.006 and 0.35.
STARTS = (0.05, 1.0, 0.3)
SEEKERS = 12  # starts from which a single fit looks for other maxima
STEPS = 80
HALVINGS = 30
SETTLED = 1e-11  # largest Newton step at a maximum
FLAT = 1e-4  # φ × patients below which the likelihood is a straight line in φ
CEILING = 1e9  # φ from which ρ is 1
CHUNK = 200_000  # numbers in an array of a stack: what a processor's cache holds
UNCERTAIN = 200  # nodes over the uncertainty of the mean: the quantiles are good to 1e-5
LOWEST = 700.0  # a logit from which the proportion is 0
QUANTILE = {"xatol": 1e-10, "xrtol": 1e-10}
LONG = 4096  # patients of a study up to which data sets that share nothing are summed term by term


def pool_betabinom(events: np.ndarray, patients: np.ndarray, study: np.ndarray, level: float = 0.95) -> Pooled:
    """Pool proportions with the beta-binomial model.

    Returns
    -------
    Pooled
        ``estimate`` is the mean of the studies' proportions (population-averaged, not the median study of ``glmm``)
        with a Wald interval on the logit scale; ``se`` is on the logit scale. ``tau2`` holds the overdispersion ρ,
        between 0 and 1, with its profile-likelihood interval. There is no I² on this scale. This model knows no shared
        study effect, so it takes one row a study.

    Notes
    -----
    The prediction interval is not the t interval on the logit scale of the other models, which runs far too wide when a
    or b is below 1: its ends are quantiles of the fitted Beta(p/φ, (1 − p)/φ) distribution of a new study's proportion,
    averaged over the uncertainty of the mean, logit p ~ estimate + se × t(k − 1). That of φ is left out, as the others
    leave out that of τ².

    References
    ----------
    Griffiths DA. Biometrics 1973;29:637–48 (likelihood and ρ); Kuss O. Stat Med 2015;34:1097–116 (for rare events).
    """
    (low, high), n = (np.asarray(limit, float) for limit in limits(events)), np.asarray(patients, float)
    blank = blank_pool("betabinom", events, n, study)
    if blank.studies < blank.k:
        return replace(blank, status=SEVERAL_ARMS)
    if blank.events_from == 0 or blank.events_to == blank.patients:
        maybe = MAY_BE_NONE if blank.events_from == 0 else MAY_BE_ALL
        return replace(blank, status=SEPARATED if is_exact(events) else maybe)
    if np.all((high == 0) | (low == n)) and not np.all(n == 1):
        return replace(blank, status=f"did not converge: {ALL_OR_NONE}")
    sums = gather_sums(low[None], n[None], np.ones((1, len(n)), bool), high=high[None])
    best = _maximise(sums)
    eta, phi, se, loglik = (float(values[0]) for values in (best.eta, best.phi, best.se, best.loglik))
    if not best.settled[0]:
        return replace(blank, status="did not converge: no maximum was reached")
    half = ndtri((1 + level) / 2) * se
    low, high = _profile_phi(sums, best, chdtri(1, 1 - level) / 2)
    pi = [float(end[0]) for end in prediction_intervals(eta, phi, se, len(n), level)]
    q, q_df, q_p = likelihood_ratio_q(events, n)
    return replace(
        blank,
        estimate=float(expit(eta)),
        ci_low=float(expit(eta - half)),
        ci_high=float(expit(eta + half)),
        pi_low=pi[0],
        pi_high=pi[1],
        se=se,
        tau2=phi / (1 + phi),
        tau2_low=low / (1 + low),
        tau2_high=high / (1 + high) if np.isfinite(high) else 1.0,
        q=q,
        q_df=q_df,
        q_p=q_p,
        status=with_remark(OK, _remark(sums, best)),
        loglik=loglik,
        steps=int(best.steps[0]),
    )


def fit_batch(events: np.ndarray, patients: np.ndarray, mask: np.ndarray, level: float = 0.95) -> np.recarray:
    """Fit the model to many data sets at once, without a loop over them: the numbers of :func:`pool_betabinom`.

    Counts have the shape (studies,), one set of studies for all, or (data sets, studies), as the mask that says which
    studies a data set has. Gives a record a data set: the mean proportion with its Wald interval, formed on the logit
    scale, as ``se`` is; the overdispersion ``rho``, 0 ≤ ρ < 1; ``loglik`` with the binomial coefficients; ``k``
    studies; and ``ok``, false where the numbers are NaN: fewer than two studies, no events or nothing but events, all
    or nothing in every study, no maximum found. Leave out each study in turn:

    >>> batch = fit_batch([1, 3, 0, 4], [30, 41, 16, 48], ~np.eye(4, dtype=bool))
    >>> batch.estimate.round(4).tolist()
    [0.0667, 0.0532, 0.0672, 0.046]
    """
    mask = np.asarray(mask, bool)
    low, high, n = (
        np.broadcast_to(np.atleast_2d(np.asarray(counts, float)), mask.shape) for counts in (*limits(events), patients)
    )
    k, fewest, most, size = mask.sum(axis=1), *((mask * counts).sum(axis=1) for counts in (low, high, n))
    mixed = np.any(mask & (high > 0) & (low < n), axis=1) | np.all(~mask | (n == 1), axis=1)
    usable = np.flatnonzero((k >= 2) & (fewest > 0) & (most < size) & mixed)
    estimate, se, rho, loglik = np.full((4, len(mask)), np.nan)
    ok = np.zeros(len(mask), bool)
    start = 0
    while start < len(usable):
        together, plain = _layout(low[usable], high[usable], n[usable])
        rows = usable[start : start + together]
        best = _maximise(gather_sums(low[rows], n[rows], mask[rows], plain, high[rows]))
        found = rows[best.settled]
        estimate[found], se[found] = best.eta[best.settled], best.se[best.settled]
        rho[found] = best.phi[best.settled] / (1 + best.phi[best.settled])
        loglik[found], ok[found] = best.loglik[best.settled], True
        start += len(rows)
    half = ndtri((1 + level) / 2) * se
    numbers = expit(estimate), expit(estimate - half), expit(estimate + half), se, rho, loglik, k, ok
    return np.rec.fromarrays(numbers, names=["estimate", "ci_low", "ci_high", "se", "rho", "loglik", "k", "ok"])


def _layout(low: np.ndarray, high: np.ndarray, n: np.ndarray) -> tuple[int, int]:
    """Give how many data sets to fit together, and how many terms of a sum to take one by one.

    Runs begin and end at the counts of the data: data sets with the same studies share them, others would not. Each
    count within limits is a term of its own.
    """
    shared, largest = all((counts == counts[0]).all() for counts in (low, high, n)), int(n.max())
    wide = int((high - low).max()) * int(np.any(low < high, axis=0).sum())
    if not shared and largest <= LONG:
        return max(1, CHUNK // (largest + wide)), LONG
    runs = GAUSS * (n.shape[1] + int(np.log2(largest)))
    return max(1, CHUNK // (PLAIN + runs + wide)) if shared else 4, PLAIN


class _Maxima(NamedTuple):
    """Maxima of a stack: logit of the mean, φ, standard error of the logit, log likelihood, steps, whether found."""

    eta: np.ndarray
    phi: np.ndarray
    se: np.ndarray
    loglik: np.ndarray
    steps: np.ndarray
    settled: np.ndarray


def _maximise(sums: Sums) -> _Maxima:
    """Take the best of the binomial boundary and of the maxima inside, for each data set of a stack.

    The last start is for those data sets only that still stand at the boundary.
    """
    eta, phi, steps = logit(sums.crude), np.zeros_like(sums.crude), np.zeros(len(sums.crude), int)
    value, settled = log_likelihood(sums, eta, phi), np.ones(len(eta), bool)
    for start in STARTS:
        rows = np.flatnonzero(phi == 0) if start == STARTS[-1] else np.arange(len(eta))
        here = sums.take(rows)
        eta1, phi1, value1, steps1, settled1 = _climb(here, logit(here.crude), np.full(len(rows), start))
        steps[rows] += steps1
        better = value1 > value[rows] + 1e-12 * np.abs(value[rows])
        rows = rows[better]
        eta[rows], phi[rows], value[rows], settled[rows] = (v[better] for v in (eta1, phi1, value1, settled1))
    _, hessian = slopes(sums, eta, phi)
    e, c, f = -hessian[:, 0, 0], -hessian[:, 0, 1], -hessian[:, 1, 1]
    inside = phi > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        information = e - np.where(inside, c**2 / np.where(inside, f, 1), 0)
        settled &= (information > 0) & (phi < CEILING)
        se = 1 / np.sqrt(np.where(settled, information, np.nan))
    return _Maxima(eta, phi, se, value + sums.constant, steps, settled)


def _climb(sums: Sums, eta: np.ndarray, phi: np.ndarray):
    """Climb by Newton's method with halving, all data sets of a stack side by side; give η, φ, value, steps, settled.

    Settled also where φ sinks to where the likelihood is a straight line down from φ = 0: no maximum inside.
    """
    theta, steps = np.stack([eta, np.log(phi)], axis=1), np.zeros(len(eta), int)
    value, settled = log_likelihood(sums, eta, phi), np.zeros(len(eta), bool)
    active, data = np.arange(len(eta)), sums
    for _ in range(STEPS):
        here = theta[active]
        score, hessian = slopes(data, here[:, 0], np.exp(here[:, 1]))
        step = uphill(score, hessian, floor=(1e-10, 1e-300), longest=2.0)
        sunk = (np.exp(here[:, 1]) * data.largest < FLAT) & (score[:, 1] <= 0)
        noise = ROUNDING * data.patients
        still = (np.max(np.abs(step), axis=1) < SETTLED + noise) | (np.max(np.abs(score), axis=1) < noise)
        done = sunk | still | (here[:, 1] > np.log(CEILING))
        settled[active[done]] = True
        new, found, moved = _search(data, here, value[active], step, ~done)
        active, data = active[moved], data.take(moved)
        theta[active], value[active] = new[moved], found[moved]
        steps[active] += 1
        if not len(active):
            break
    return theta[:, 0], np.exp(theta[:, 1]), value, steps, settled


def _search(sums: Sums, here: np.ndarray, value: np.ndarray, step: np.ndarray, go: np.ndarray):
    """Halve steps until the likelihood does not fall; give the new points, their values, and where there are such."""
    new, found, moved = here.copy(), value.copy(), np.zeros(len(here), bool)
    rows, data = np.flatnonzero(go), sums.take(go)
    for _ in range(HALVINGS):
        if not len(rows):
            break
        trial = here[rows] + step[rows]
        up = log_likelihood(data, trial[:, 0], np.exp(trial[:, 1]))
        good = ~data.falls(up, value[rows])
        new[rows[good]], found[rows[good]], moved[rows[good]] = trial[good], up[good], True
        step[rows] /= 2
        rows, data = rows[~good], data.take(~good)
    return new, found, moved


def _remark(sums: Sums, best: _Maxima) -> str:
    """Say where the next maximum lies; blank where there is but one."""
    starts = np.geomspace(0.1 / sums.largest[0], 100, SEEKERS)
    many = sums.take(np.zeros(SEEKERS, int))
    eta, phi, _, _, settled = _climb(many, logit(many.crude), starts)
    sunk = phi * many.largest < FLAT
    phi, eta = np.where(sunk, 0.0, phi), np.where(sunk, logit(many.crude), eta)
    value = log_likelihood(many, eta, phi) + sums.constant
    place = np.round(np.log(np.maximum([*phi, best.phi[0]], FLAT / sums.largest[0])), 2)
    bends = sunk | (slopes(many, eta, phi)[1][:, 1, 1] < -FLAT)  # studies of one patient have a plain, no hills
    use = settled & bends & (phi < CEILING) & (place[:-1] != place[-1])
    if not use.any():
        return ""
    following = max(np.flatnonzero(use), key=lambda i: value[i])
    rho, lower = phi[following] / (1 + phi[following]), float(best.loglik[0] - value[following])
    where = f"a proportion of {float(expit(eta[following])):.4g} and rho = {rho:.4g}"
    return say_maxima(len(set(place[:-1][use])), where, lower)


def _profile_phi(sums: Sums, best: _Maxima, drop: float) -> tuple[float, float]:
    """Give the profile-likelihood interval of φ; the upper end is infinite where ρ = 1 is not excluded."""
    top, peak = float(best.loglik[0] - sums.constant[0]) - drop, float(best.phi[0])
    eta = best.eta.copy()

    def above(phi: float) -> float:
        value, eta[:] = _best_mean(sums, eta, np.array([phi]))
        return value - top

    low = 0.0 if peak == 0 or above(0.0) >= 0 else brentq(above, 0.0, peak, xtol=1e-300, rtol=1e-12)
    end = 4 * max(peak, 1e-3 / sums.largest[0])
    while above(end) > 0:
        end *= 4
        if end > CEILING:
            return low, np.inf
    start = max(peak, end / 4 if above(end / 4) > 0 else peak)
    return low, brentq(above, start, end, xtol=1e-300, rtol=1e-12)


def _best_mean(sums: Sums, eta: np.ndarray, phi: np.ndarray) -> tuple[float, np.ndarray]:
    """Maximise in the mean with φ held: the likelihood is concave in p, so that any local maximum is the one."""
    value = log_likelihood(sums, eta, phi)
    for _ in range(STEPS):
        score, hessian = slopes(sums, eta, phi)
        step = np.clip(score[:, 0] / np.maximum(np.abs(hessian[:, 0, 0]), 1e-12), -1, 1)
        if np.abs(step[0]) < SETTLED + ROUNDING * sums.patients[0]:
            break
        for _ in range(HALVINGS):
            trial = log_likelihood(sums, eta + step, phi)
            if not sums.falls(trial, value)[0]:
                break
            step = step / 2
        eta, value = eta + step, trial
    return float(value[0]), eta


def prediction_intervals(eta, phi, se, k, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give prediction intervals of fitted models (logit of the mean, φ, standard error of the logit, studies).

    Quantiles of Beta(p/φ, (1 − p)/φ) averaged over logit p ~ ``eta + se × t(k − 1)``; where φ is 0 the studies do not
    differ, and what is left is the uncertainty of the mean. Proportions; NaN below three studies.
    """
    eta, phi, se, k = (np.atleast_1d(np.asarray(values, float)) for values in (eta, phi, se, k))
    low, high = np.full((2, len(eta)), np.nan)
    half = stdtrit(np.maximum(k - 1, 1), (1 + level) / 2) * se
    same, differ = (k >= 3) & (phi == 0), (k >= 3) & (phi > 0)
    low[same], high[same] = expit(eta - half)[same], expit(eta + half)[same]
    rest = (phi[differ], se[differ], k[differ], (1 - level) / 2)
    low[differ], high[differ] = _low_quantile(eta[differ], *rest), 1 - _low_quantile(-eta[differ], *rest)
    return low, high


def _low_quantile(eta: np.ndarray, phi: np.ndarray, se: np.ndarray, k: np.ndarray, tail: float) -> np.ndarray:
    """Give the lower ends of prediction intervals; 0 where one is too near 0 to be written down."""
    if not len(eta):
        return eta
    from scipy.optimize import elementwise

    x, weight = np.polynomial.legendre.leggauss(UNCERTAIN)
    logits = eta[:, None] + se[:, None] * stdtrit(k[:, None] - 1, (x + 1) / 2)
    a, b = expit(logits) / phi[:, None], expit(-logits) / phi[:, None]

    def beyond(scaled: np.ndarray, row: np.ndarray) -> np.ndarray:
        at = row.astype(int)
        return betainc(a[at], b[at], expit(scaled)[..., None]) @ weight / 2 - tail

    start = np.full(len(eta), LOWEST)
    found = elementwise.find_root(beyond, (-start, start), args=(np.arange(len(eta)),), tolerances=QUANTILE)
    return np.where(found.success, expit(found.x), 0.0)
