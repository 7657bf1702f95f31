"""The binomial–normal model with priors, integrated on a grid: no sampling, the same numbers on every run.

The posterior of the mean logit μ and the heterogeneity τ has two dimensions only, so it is tabulated. The trapezoidal
rule converges geometrically here: in μ because the posterior is smooth and decays on both sides, in τ because it is
smooth and even about 0 (the likelihood knows τ and −τ apart as little as the half-normal prior does). Both axes are
stretched by sinh, which keeps an even function even, so that a spike near τ = 0 with a long tail (few studies, very
large and alike) needs no more points than a bell. The grid is made finer until no number moves.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from ..words.terms import OK
from .censored import log_ratios
from .counts import as_counts, limits, middle
from .heterogeneity import heterogeneity_of
from .likelihood import Arms, arms_of, modes, trapezoid
from .result import Pooled, blank_pool

if TYPE_CHECKING:
    from scipy.interpolate import BSpline

# Half-normal scale of τ. Röver et al. (Res Synth Methods 2021;12:448–74) and Friede et al. (Biom J 2017;59:658–71) use
# 0.5 and 1.0 for log odds ratios. Logits of single proportions differ more, since no control arm takes out what differs
# between studies: over the 26 published data sets of tests/golden the maximum-likelihood τ has median 0.8 and exceeds
# 0.98, the 95 % point under 0.5, in nine. Under 1.0 the prior median is 0.67 and the 95 % point 1.96.
TAU_SCALE = 1.0
# Standard deviation of μ about 0. A unit-information prior for a proportion of 4 % (one patient's worth of knowledge)
# has 1 / √(0.04 × 0.96) = 5. 95 % of it lie between 0.006 and 99.994 %; at μ = −4 with a standard error of 0.4 it moves
# the estimate by 0.03 on the logit scale. 10 is flatter still, and puts three quarters of its mass beyond 4 and 96 %,
# which decides the answer where there are no events.
MU_SD = 5.0

DROP = 20.0  # of the log posterior, from its top to where the grid ends: beyond lies less than 1e-7 of the mass
FALL = 28.0  # of a study's log integrand over z, from its top to where the quadrature ends: 1e-12 of its mass
COARSE = (20, 40, 21)  # intervals of τ and of μ, and quadrature nodes, of the first looks
GRIDS = ((28, 54, 33), (40, 72, 41), (56, 96, 61), (80, 132, 91), (112, 180, 131))
LOOKS = 8  # at most, for the grid to find its place
STABLE = 1e-5  # largest relative change of an answer between two grids
TAIL = 12.0  # standard deviations from where a study effect has no mass that double precision could hold
CHUNK = 50_000  # numbers in an array of study likelihoods: what a processor keeps close


@dataclass(frozen=True)
class Axis:
    """One axis of the grid: ``centre + width × sinh(t)`` for evenly spaced t."""

    centre: float
    width: float
    t: np.ndarray

    @property
    def x(self) -> np.ndarray:
        """Give the points themselves."""
        return self.centre + self.width * np.sinh(self.t)

    @property
    def log_weight(self) -> np.ndarray:
        """Give the logarithms of the spacings dx."""
        return np.log(self.width * np.cosh(self.t) * (self.t[1] - self.t[0]))

    def spaced(self, intervals: int) -> "Axis":
        """Give the axis with another number of points."""
        return Axis(self.centre, self.width, np.linspace(self.t[0], self.t[-1], intervals + 1))

    def position(self, x):
        """Give t at x."""
        return np.arcsinh((x - self.centre) / self.width)


@dataclass(frozen=True)
class Posterior:
    """The posterior on a grid: probabilities of shape (points of τ, points of μ), which sum to 1."""

    tau: Axis
    mu: Axis
    mass: np.ndarray


def pool_bayes(
    events: np.ndarray,
    patients: np.ndarray,
    study: np.ndarray,
    level: float = 0.95,
    *,
    tau_scale: float = TAU_SCALE,
    mu_sd: float = MU_SD,
) -> Pooled:
    """Pool proportions with the binomial–normal model, τ ~ half-normal(``tau_scale``), μ ~ N(0, ``mu_sd``²).

    Parameters
    ----------
    events, patients, study, level
        As in :func:`synthesis.models.catalogue.pool`, and any rows: no events at all, nothing but events and one study
        are all answered, by the priors where need be.
    tau_scale, mu_sd : float
        Scales of the priors, on the logit scale.

    Returns
    -------
    Pooled
        ``estimate`` is the posterior median of ``expit(mu)``, the median study; equal-tailed credible intervals.
        ``pi_low`` and ``pi_high`` bound the predictive distribution of a new study's proportion, over all (μ, τ), with
        no t distribution and from any number of studies. ``se`` is the posterior standard deviation of μ, ``tau2`` the
        posterior median of τ². ``q`` is the likelihood-ratio statistic, which has no prior in it. ``nodes`` counts the
        nodes for a study effect, ``steps`` the grids.

    References
    ----------
    Smith TC, Spiegelhalter DJ, Thomas A. Stat Med 1995;14:2685–99 (model); Higgins JPT, Thompson SG, Spiegelhalter DJ.
    J R Stat Soc A 2009;172:137–59, section 4 (predictive distribution).

    Examples
    --------
    >>> result = pool_bayes([0, 0, 0], [20, 35, 50], ["a", "b", "c"])
    >>> bool(0 < result.ci_low < result.estimate < result.ci_high < 0.05)
    True
    """
    y, n = as_counts(events), np.asarray(patients)
    arms = arms_of(y, n, np.asarray(study), np.ones((len(y), 1)))
    _, answers, drift, nodes, grids = _settle(arms, level, tau_scale, mu_sd)
    return blank_pool(
        "bayes",
        y,
        n,
        study,
        **answers,
        **heterogeneity_of(y, n, study, answers["tau2"]),
        status=OK if drift < STABLE else f"the finest grid still moves the answers by {drift:.1g}",
        nodes=nodes,
        steps=grids,
    )


def new_study(events: np.ndarray, patients: np.ndarray, study: np.ndarray) -> Callable[[float], float]:
    """Give the predictive distribution: the probability that the logit of a new study's proportion is below a value."""
    return _below(_posterior(events, patients, study))


def _posterior(events: np.ndarray, patients: np.ndarray, study: np.ndarray, level: float = 0.95) -> Posterior:
    y, n = as_counts(events), np.asarray(patients)
    return _settle(arms_of(y, n, np.asarray(study), np.ones((len(y), 1))), level, TAU_SCALE, MU_SD)[0]


def mean_logit(events: np.ndarray, patients: np.ndarray, study: np.ndarray) -> tuple[float, float]:
    """Give posterior mean and standard deviation of μ, from any studies at all."""
    found = _posterior(events, patients, study)
    mass, mu = found.mass.sum(axis=0), found.mu.x
    mean = float(mass @ mu)
    return mean, float(np.sqrt(mass @ (mu - mean) ** 2))


def compare_means(first: Sequence, second: Sequence, level: float = 0.95) -> tuple[float, float, float, float]:
    """Give the difference of two groups' μ, first minus second: posterior median, both ends, and a P value.

    Groups are (events, patients, study) with no study in both, so their posteriors are independent: each has a τ of its
    own. P is twice the smaller posterior probability of a difference above or below 0.
    """
    one, other = (_posterior(*group, level) for group in (first, second))
    below_first, weight = _distribution(one.mu.t, one.mass.sum(axis=0)), other.mass.sum(axis=0)

    def below(difference: float) -> float:
        t = np.clip(one.mu.position(difference + other.mu.x), one.mu.t[0], one.mu.t[-1])
        return float(weight @ below_first(t)) / float(below_first(one.mu.t[-1]))

    ends = one.mu.x[0] - other.mu.x[-1], one.mu.x[-1] - other.mu.x[0]
    found = (brentq(lambda x, p=p: below(x) - p, *ends, xtol=1e-10) for p in (0.5, (1 - level) / 2, (1 + level) / 2))
    return *found, 2 * min(below(0.0), 1 - below(0.0))


def _settle(arms: Arms, level: float, tau_scale: float, mu_sd: float) -> tuple[Posterior, dict, float, int, int]:
    """Make the grid finer until no answer moves; give the posterior, the answers, what still moves, nodes and grids."""
    table = _locate(arms, tau_scale, mu_sd)
    answers, drift, grids = None, np.inf, 0
    for grids, (rows, columns, nodes) in enumerate(GRIDS, 1):  # noqa: B007
        table = _tabulate(arms, table.tau.spaced(rows), table.mu.spaced(columns), nodes, tau_scale, mu_sd, table)
        last, answers = answers, _answers(table, level)
        if last is not None:
            drift = max(abs(answers[key] - last[key]) / max(abs(answers[key]), 1e-9) for key in answers)
        if drift < STABLE:
            break
    return table, answers, drift, nodes, grids


def _locate(arms: Arms, tau_scale: float, mu_sd: float) -> Posterior:
    """Find where the posterior is, by looking at it coarsely, cutting off what is empty, and looking again."""
    centre, information = _mode_without_heterogeneity(arms, mu_sd)
    # Within-study standard error of a typical study: below it, τ makes no difference.
    own = min(np.sqrt(len(arms.events) / max(information - 1 / mu_sd**2, 1e-12)), tau_scale)
    # Twenty scales out, a normal prior is down by e^−200: whatever the data say, the posterior ends before.
    far_tau, far_mu = np.arcsinh(20 * tau_scale / own), np.arcsinh(20 * mu_sd * np.sqrt(information))
    tau = Axis(0.0, own, np.array([0, far_tau]))
    mu = Axis(centre, 1 / np.sqrt(information), np.array([-far_mu, far_mu]))
    for _ in range(LOOKS):
        tau, mu = tau.spaced(COARSE[0]), mu.spaced(COARSE[1])
        seen = _tabulate(arms, tau, mu, COARSE[2], tau_scale, mu_sd)
        tau, mu = _cut(seen)
        spans = [np.ptp(new.t) / np.ptp(old.t) for new, old in ((tau, seen.tau), (mu, seen.mu))]
        moved = abs(seen.mu.position(mu.centre)) > 0.1 or not 0.8 < mu.width / seen.mu.width < 1.25
        if min(spans) > 0.8 and not moved:
            break
    return seen


def _mode_without_heterogeneity(arms: Arms, mu_sd: float) -> tuple[float, float]:
    """Give the mode of μ at τ = 0, and the information there; the prior keeps it finite."""
    y, n = float(middle(arms.events).sum()), float(arms.patients.sum())
    far = 1 + n * mu_sd**2  # the slope of the prior there exceeds any of the likelihood
    mu = brentq(lambda mu: y - n * expit(mu) - mu / mu_sd**2, -far, far, xtol=1e-13)
    return mu, float(n * expit(mu) * expit(-mu) + 1 / mu_sd**2)


def _cut(seen: Posterior) -> tuple[Axis, Axis]:
    """Cut the grid to where the posterior is, with a margin of a step, and centre and stretch μ as it asks for."""
    tau, mu = seen.tau, seen.mu
    with np.errstate(divide="ignore"):
        # Density in the stretched coordinates, which is what the trapezoidal rule sees.
        height = np.log(seen.mass / seen.mass.max())
    rows, columns = np.flatnonzero(height.max(axis=1) > -DROP), np.flatnonzero(height.max(axis=0) > -DROP)
    bottom, top = max(rows[0] - 1, 0), min(rows[-1] + 1, len(tau.t) - 1)
    first, last = max(columns[0] - 1, 0), min(columns[-1] + 1, len(mu.t) - 1)
    weight = seen.mass.sum(axis=1)
    row = np.flatnonzero(weight > 1e-3 * weight.max())[0]  # the narrowest row that matters
    share = seen.mass[row] / weight[row]
    centre = float(share @ mu.x)
    width = max(float(np.sqrt(share @ (mu.x - centre) ** 2)), (mu.x[last] - mu.x[first]) / 1e6)
    ends = Axis(centre, width, mu.t).position(mu.x[[first, last]])
    return Axis(0.0, tau.width, tau.t[[bottom, top]]), Axis(centre, width, ends)


def _tabulate(
    arms: Arms, tau: Axis, mu: Axis, nodes: int, tau_scale: float, mu_sd: float, seen: Posterior | None = None
) -> Posterior:
    """Give the posterior on a grid; where an earlier look at the same place saw nothing, nothing is computed."""
    log = np.full((len(tau.t), len(mu.t)), -np.inf)
    use = (
        np.ones(log.shape, bool)
        if seen is None
        else worth(seen.mass > np.exp(-DROP) * seen.mass.max(), seen.tau, seen.mu, tau, mu)
    )
    grid_tau, grid_mu = np.broadcast_arrays(tau.x[:, None], mu.x)
    log[use] = log_likelihoods(arms, grid_mu[use], grid_tau[use], nodes)
    log -= (tau.x[:, None] / tau_scale) ** 2 / 2 + (mu.x / mu_sd) ** 2 / 2
    log += tau.log_weight[:, None] + mu.log_weight
    if tau.t[0] == 0:
        log[0] -= np.log(2)  # τ = 0 is the middle of an even function, of which the grid is one half
    mass = np.exp(log - log.max())
    return Posterior(tau, mu, mass / mass.sum())


def worth(seen: np.ndarray, old_tau: Axis, old_mu: Axis, tau: Axis, mu: Axis) -> np.ndarray:
    """Say which points of a new grid lie in or beside cells of an old one that were seen to have mass, (τ, μ) both."""
    filled = binary_dilation(seen, np.ones((3, 3)), 2)
    row, column = (
        np.rint((new.t - old.t[0]) / (old.t[1] - old.t[0])).astype(int) for new, old in ((tau, old_tau), (mu, old_mu))
    )
    return filled[row[:, None], column]


def log_likelihoods(arms: Arms, mu: np.ndarray, tau: np.ndarray, nodes: int) -> np.ndarray:
    """Give the log likelihood at many (μ, τ), each of shape (points,), without the binomial coefficients.

    The nodes of a trapezoidal rule are laid over where each study's integrand is not negligible.
    """
    # With no covariates the arms of a study share one logit, so their counts add up; studies alike are computed once.
    low, high = limits(arms.events)
    exact = (low == high).all(axis=1)
    counts = np.stack([part[exact].sum(axis=1) for part in (low, arms.patients)])
    (y, n), times = np.unique(counts, axis=1, return_counts=True)
    total = np.zeros(len(mu))
    for part in _parts(len(mu), y.size * nodes):
        total[part] = _study_likelihoods(y, n, mu[part], tau[part], nodes) @ times
    # Of counts within limits they do not: each arm has a sum of its own.
    events, patients = arms.events[~exact], arms.patients[~exact]
    for part in _parts(len(mu), patients.size * nodes):
        total[part] += _limited_likelihoods(events, patients, mu[part], tau[part], nodes).sum(axis=1)
    return total


def _parts(points: int, each: int) -> Iterator[slice]:
    """Cut points into blocks that a processor keeps close; none where there is nothing for a point."""
    step = max(1, CHUNK // max(each, 1))
    return (slice(start, start + step) for start in range(0, points if each else 0, step))


def _study_likelihoods(y: np.ndarray, n: np.ndarray, mu: np.ndarray, tau: np.ndarray, nodes: int) -> np.ndarray:
    """Integrate over z for each study and point: counts of shape (studies,), result (points, studies)."""
    mode, step = modes(y[:, None], n[:, None], mu[:, None, None], tau[:, None])
    y, n = y[:, None], n[:, None]
    return _integrate(lambda eta: y * eta - n * _softplus(eta), mode, step, mu, tau, nodes)


def _limited_likelihoods(events: np.ndarray, patients: np.ndarray, mu, tau, nodes: int) -> np.ndarray:
    """Integrate studies with counts within limits, of shape (studies, arms)."""

    def log_density(eta: np.ndarray) -> np.ndarray:
        eta = np.repeat(eta[:, :, None], patients.shape[1], axis=2)
        return log_ratios(events, patients, eta)[0].sum(axis=2)

    mode, step = modes(events, patients, np.repeat(mu[:, None, None], patients.shape[1], axis=2), tau[:, None])
    return _integrate(log_density, mode, step, mu, tau, nodes)


def _integrate(log_density: Callable, mode: np.ndarray, step: np.ndarray, mu, tau, nodes: int) -> np.ndarray:
    mu, tau, mode, step = mu[:, None, None], tau[:, None, None], mode[..., None], step[..., None]

    def log_integrand(z: np.ndarray) -> np.ndarray:
        return log_density(mu + tau * z) - z**2 / 2

    top = log_integrand(mode)
    ends = []
    for side in (-1, 1):
        # Log-concave with curvature of 1 at least: the integrand has fallen by FALL within √(2 FALL).
        near, far = np.zeros_like(mode), np.full_like(mode, np.sqrt(2 * FALL))
        guess = np.minimum(np.sqrt(2 * FALL) * step, far)
        for _ in range(5):
            inside = log_integrand(mode + side * guess) > top - FALL
            near, far = np.where(inside, guess, near), np.where(inside, far, guess)
            guess = np.where(near > 0, np.sqrt(near * far), far / 2)
        ends.append((mode + side * far)[..., 0])
    z, log_weight = trapezoid(*ends, nodes)
    total = np.exp(log_integrand(z) - top + log_weight).sum(axis=2)
    return top[..., 0] + np.log(total / np.sqrt(2 * np.pi))


def _softplus(x: np.ndarray) -> np.ndarray:
    """Give log(1 + exp(x)): a third of the time of ``logaddexp``, and as exact to 1e-16 absolutely."""
    return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))


def _answers(posterior: Posterior, level: float) -> dict[str, float]:
    """Read medians, intervals and the standard deviation off the grid."""
    tau, mu, in_mu, in_tau = posterior.tau, posterior.mu, posterior.mass.sum(axis=0), posterior.mass.sum(axis=1)
    tail = (1 - level) / 2
    probabilities = of_tau = np.array([tail, 0.5, 1 - tail])
    t, mean = tau.t, in_mu @ mu.x
    if t[0] == 0:  # mirrored, so that the spline knows the slope at 0, where the grid has half of what is there
        t, in_tau = np.append(-t[:0:-1], t), np.concatenate([in_tau[:0:-1], [2 * in_tau[0]], in_tau[1:]])
        of_tau = (1 + probabilities) / 2
    mus = mu.centre + mu.width * np.sinh(_quantiles(_distribution(mu.t, in_mu), probabilities))
    tau2 = (tau.width * np.sinh(_quantiles(_distribution(t, in_tau), of_tau))) ** 2
    found = dict(zip(("ci_low", "estimate", "ci_high"), expit(mus).tolist(), strict=True))
    found |= dict(zip(("pi_low", "pi_high"), expit(_new_study(posterior, (tail, 1 - tail))).tolist(), strict=True))
    found |= dict(zip(("tau2_low", "tau2", "tau2_high"), tau2.tolist(), strict=True))
    return found | {"se": float(np.sqrt(in_mu @ (mu.x - mean) ** 2))}


def _distribution(t: np.ndarray, mass: np.ndarray) -> "BSpline":
    """Give a distribution function, as a spline in t, from probabilities at evenly spaced t."""
    from scipy.interpolate import make_interp_spline  # 0.2 s to import, so only where it is used

    return make_interp_spline(t, mass / mass.sum() / (t[1] - t[0]), k=7).antiderivative()


def _quantiles(distribution: "BSpline", probabilities: np.ndarray) -> np.ndarray:
    """Solve a distribution function for t."""
    first, last = distribution.t[0], distribution.t[-1]
    scale = distribution(last)  # 1 up to what the spline adds in the tails
    return np.array(
        [brentq(lambda t, p=p: float(distribution(t)) - p * scale, first, last, xtol=1e-12) for p in probabilities]
    )


def _new_study(posterior: Posterior, probabilities: tuple[float, ...]) -> list[float]:
    """Give quantiles of μ + τ z, the logit of a new study, over the posterior and z ~ N(0, 1)."""
    below, mu, reach = _below(posterior), posterior.mu, TAIL * posterior.tau.x[-1]
    return [
        brentq(lambda x, p=p: below(x) - p, mu.x[0] - reach, mu.x[-1] + reach, xtol=1e-9, rtol=1e-10)
        for p in probabilities
    ]


def _below(posterior: Posterior) -> Callable[[float], float]:
    """Give the distribution function of μ + τ z over the posterior and z ~ N(0, 1)."""
    tau, mu, weight = posterior.tau.x, posterior.mu, posterior.mass.sum(axis=1)
    # Where τ z is as wide as the steps of the grid the sum over it is exact to 1e-8; a narrow one falls between points.
    in_mu = posterior.mass.sum(axis=0)
    step = np.max(np.diff(mu.x)[np.maximum(in_mu[1:], in_mu[:-1]) > 1e-9])
    wide, kept = tau > step, np.flatnonzero((weight > 1e-9) & (tau <= step))
    rows = [_distribution(mu.t, posterior.mass[i]) for i in kept]
    z = np.linspace(-6, 6, 121)  # a tenth of a unit apart: μ given τ is wider than τ / √k
    density = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()

    def below(logit: float) -> float:
        total = np.sum(posterior.mass[wide] * ndtr((logit - mu.x) / tau[wide, None]))
        for i, row in zip(kept, rows, strict=True):
            t = np.clip(mu.position(logit - tau[i] * z), mu.t[0], mu.t[-1])
            total += weight[i] * (density @ row(t)) / row(mu.t[-1])
        return total

    return below
