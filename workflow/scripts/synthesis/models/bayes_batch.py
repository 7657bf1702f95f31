"""The model of :mod:`synthesis.models.bayes` for many data sets at once, on one grid.

The log posterior of a data set is the prior and a sum over its studies. So each study that occurs in any data set is
tabulated once on a grid of (τ, μ) that holds and resolves the posteriors of all, and a data set is a row of how often
it has each study, times that table. What is read off the grid is linear in the mass, or found by solving a spline.
Data sets for which the grid is too coarse get a finer one of their own; what no grid here resolves is left to the
single fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import factorial

import numpy as np
from scipy.special import expit, ndtr, xlogy

from .bayes import DROP, MU_SD, TAU_SCALE, Axis, mean_logit, worth
from .censored import log_within
from .counts import as_counts, limits, within
from .study_table import tabulate_studies

QUANTITIES = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "se", "tau2", "tau2_low", "tau2_high", "mean")
LOOK = (24, 48)  # points of τ and μ when the posteriors are looked for
STEPS = (1.0, 0.5, 0.25, 0.12)  # of μ, in standard deviations of the narrowest posterior at τ = 0: one after the other
TAU_STEP = 0.1  # of τ in its stretched coordinate where studies are few; of many, √(2k) makes posteriors narrower
NEW_STEP = 0.7  # of a new study's logit, in its smallest standard deviation
SMOOTH = 0.1  # of μ, in its stretched coordinate at most: sinh bends a bell that is as wide as the axis' own width
RESOLVED = 1e-5  # by how much the sum over every second point may differ: that over all of them is off by its square
OUTSIDE = 1e-7  # of a posterior, at any edge of the grid
STUDIES, TABLE = 1000, 16_000_000  # different studies, and numbers in a table of them: 128 MB
MASSES = 2_000_000  # numbers in the masses of the data sets that are read together
HERMITE = np.polynomial.hermite_e.hermegauss(15)
NARROW = 1.3  # steps of the grid up to which a study effect is integrated over a spline


@dataclass(frozen=True)
class Sets:
    """Data sets: ``times`` says how often each has each of the different studies."""

    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, events: np.ndarray, patients: np.ndarray, mask: np.ndarray) -> "Sets":
        """Give the data sets that a mask of sets × studies leaves of counts of the same shape."""
        owner, _ = np.nonzero(mask)
        unique, which = np.unique(
            np.stack([*(part[mask] for part in limits(events)), patients[mask]]), axis=1, return_inverse=True
        )
        times = np.bincount(owner * unique.shape[1] + which, minlength=len(mask) * unique.shape[1])
        return cls(*unique, times.reshape(len(mask), -1).astype(float))

    def keep(self, sets: np.ndarray) -> "Sets":
        """Give some of the data sets, with the studies that they have."""
        times = self.times[sets]
        used = times.any(axis=0)
        return Sets(self.low[used], self.high[used], self.n[used], times[:, used])

    def narrowest(self, tau: float, mu_sd: float) -> float:
        """Give the smallest standard deviation of μ given τ in any data set, half an event added on each side."""
        return 1 / np.sqrt((self.times @ (1 / (self.errors**2 + tau**2))).max() + 1 / mu_sd**2)

    @cached_property
    def errors(self) -> np.ndarray:
        """Give the standard error of each study's logit, half an event added on each side."""
        return np.sqrt(1 / (self.middle + 0.5) + 1 / (self.n - self.middle + 0.5))

    def log_likelihoods(self, eta: np.ndarray) -> np.ndarray:
        """Give what each study says of its own logit, shape (studies, points): 0 where that is the observed one."""
        y, n = self.low[:, None].astype(float), self.n[:, None].astype(float)
        found = y * eta - n * (np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))))
        found -= xlogy(y, y / n) + xlogy(n - y, (n - y) / n)
        for i in np.flatnonzero(self.low < self.high):
            found[i] = log_within(self.low[i], self.high[i], self.n[i], eta)[0]
        return found

    @property
    def middle(self) -> np.ndarray:
        """Give the middle of each study's limits."""
        return (self.low + self.high) / 2


def bayes_batch(
    events: np.ndarray,
    patients: np.ndarray,
    mask: np.ndarray | None = None,
    level: float = 0.95,
    *,
    tau_scale: float = TAU_SCALE,
    mu_sd: float = MU_SD,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fit the model to many data sets; each agrees with the single fit to 1e-5 (tested).

    Parameters
    ----------
    events, patients : ndarray of int, shape (k,) or (sets, k)
        Counts, or counts within limits; one row of studies may be shared by all data sets. Arms of one study enter with
        their totals, which tell all of them where all are exact.
    mask : ndarray of bool, shape (sets, k), optional
        Which studies each data set has; all when left out.
    level, tau_scale, mu_sd : float
        As in :func:`synthesis.models.bayes.pool_bayes`.

    Returns
    -------
    dict of ndarray, shape (sets,)
        ``QUANTITIES``, of which ``mean`` and ``se`` are those of μ; NaN where ``ok`` is false.
    ok : ndarray of bool, shape (sets,)
        Which data sets were fitted: not those without studies, and those that no grid here resolves.
    """
    return bayes_batches(events, patients, mask, level, (tau_scale,), mu_sd)[0]


def bayes_batches(
    events: np.ndarray,
    patients: np.ndarray,
    mask: np.ndarray | None,
    level: float,
    tau_scales: Sequence[float],
    mu_sd: float = MU_SD,
) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Fit with several prior scales of τ: what :func:`bayes_batch` gives for each, the studies tabulated once."""
    mask = np.ones(np.atleast_2d(events).shape, bool) if mask is None else np.asarray(mask, bool)
    y, n = (np.broadcast_to(counts, mask.shape) for counts in (as_counts(events), np.asarray(patients)))
    found = np.full((len(tau_scales), len(QUANTITIES), len(mask)), np.nan)
    rest = np.flatnonzero(mask.any(axis=1))
    for step in STEPS:
        if len(rest):
            every = Sets.of(y[rest], n[rest], mask[rest])
            found[..., rest] = _fit(every, step, level=level, tau_scales=tau_scales, mu_sd=mu_sd)
        rest = rest[np.isnan(found[:, 0, rest]).any(axis=0)]
    return [(dict(zip(QUANTITIES, one, strict=True)), np.isfinite(one[0])) for one in found]


def _fit(sets: Sets, step: float, **how) -> np.ndarray:
    """Give ``QUANTITIES`` of data sets on one grid, shape (scales, quantities, sets); NaN where it resolves none."""
    return _halves(sets, step, **how) if len(sets.n) > STUDIES else _fit_together(sets, step, **how)


def _halves(sets: Sets, step: float, **how) -> np.ndarray:
    halves = np.array_split(np.arange(len(sets.times)), 2)
    return np.concatenate([_fit(sets.keep(half), step, **how) for half in halves], axis=2)


def _fit_together(sets: Sets, step: float, *, level: float, tau_scales: Sequence[float], mu_sd: float) -> np.ndarray:
    found = np.full((len(tau_scales), len(QUANTITIES), len(sets.times)), np.nan)
    grid = place(sets, step, max(tau_scales), mu_sd)  # a narrower prior takes mass away, and adds none elsewhere
    size = len(grid.row)
    if size * len(sets.n) > TABLE and len(sets.times) > 1:
        return _halves(sets, step, level=level, tau_scales=tau_scales, mu_sd=mu_sd)
    read = Reader(grid, level)
    if size * len(sets.n) > TABLE:
        return found
    table = grid.table(sets)
    for i, scale in enumerate(tau_scales):
        own = replace(grid, tau_scale=scale)
        for part in _chunks(len(sets.times), size):
            found[i, :, part] = read(own.masses(sets.times[part], table))
    return found


def _chunks(sets: int, size: int) -> Iterator[slice]:
    step = max(1, MASSES // size)
    return (slice(first, first + step) for first in range(0, sets, step))


def mean_logits(pools: Sequence[Sequence]) -> np.ndarray:
    """Give posterior means and standard deviations of μ, shape (2, pools), each of (events, patients, study).

    There is an answer for every pool, one study and no events included.
    """
    index = [np.unique(study, return_inverse=True)[1] for *_, study in pools]
    shape = len(pools), max(part.max() for part in index) + 1
    low, high, patients, arms = np.zeros((4, *shape), int)
    for i, (events, size, _) in enumerate(pools):
        for total, part in zip((low, high, patients, arms), (*limits(events), size, 1), strict=True):
            np.add.at(total[i], index[i], part)
    alone = ((arms > 1) & (low < high)).any(axis=1)  # totals do not tell several arms within limits
    found, ok = bayes_batch(within(low, high), np.maximum(patients, 1), (arms > 0) & ~alone[:, None])
    single = {i: mean_logit(*pools[i]) for i in np.flatnonzero(~ok)}
    return np.array([single.get(i, (found["mean"][i], found["se"][i])) for i in range(len(pools))]).T


@dataclass(frozen=True)
class Grid:
    """Points of two axes, τ from 0, that some posterior needs: ``row`` of τ and ``column`` of μ, τ by τ."""

    tau: Axis
    mu: Axis
    tau_scale: float
    mu_sd: float
    use: np.ndarray  # bool, shape (τ, μ)
    least: float = 1.0  # the smallest standard deviation of a new study's logit, given τ, that has any mass

    @cached_property
    def row(self) -> np.ndarray:
        return np.nonzero(self.use)[0]

    @cached_property
    def column(self) -> np.ndarray:
        return np.nonzero(self.use)[1]

    @cached_property
    def prior(self) -> np.ndarray:
        """Give the log prior at the points, with the spacings."""
        tau, mu = self.tau, self.mu
        in_tau = tau.log_weight - (tau.x / self.tau_scale) ** 2 / 2
        in_tau[0] -= np.log(2)  # τ = 0 is the middle of an even function, of which the grid is one half
        return in_tau[self.row] + (mu.log_weight - (mu.x / self.mu_sd) ** 2 / 2)[self.column]

    def table(self, sets: "Sets") -> np.ndarray:
        """Give the log likelihood of each study at each point, shape (studies, points), 0 at its highest."""
        given = sets.log_likelihoods, self.mu.centre, sets.errors.min()
        table = tabulate_studies(*given, self.tau.x, self.mu.x, self.use)
        return table - table.max(axis=1, keepdims=True)

    def masses(self, times: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Give the posterior of each data set, shape (sets, points)."""
        log = times @ table
        log += self.prior
        log -= log.max(axis=1, keepdims=True)
        mass = np.exp(log, out=log)
        mass /= mass.sum(axis=1, keepdims=True)
        return mass

    def seen(self, sets: Sets) -> np.ndarray:
        """Say at which points any of the data sets has mass, shape (τ, μ)."""
        table, found = self.table(sets), np.zeros(len(self.row), bool)
        for part in _chunks(len(sets.times), len(self.row)):
            mass = self.masses(sets.times[part], table)
            found |= (mass > np.exp(-DROP) * mass.max(axis=1, keepdims=True)).any(axis=0)
        return found.reshape(self.use.shape)


def place(sets: Sets, step: float, tau_scale: float, mu_sd: float) -> Grid:
    """Give a grid that holds and resolves all posteriors: look widely and coarsely, and cut off what is empty."""
    logits, many = np.log((sets.middle + 0.5) / (sets.n - sets.middle + 0.5)), sets.times.sum(axis=1).max()
    least = sets.narrowest(0, mu_sd)
    centre, width = (logits.max() + logits.min()) / 2, max(np.ptp(logits) / 2, least)
    own = min(least * np.sqrt(many), tau_scale)  # of a typical study: below it τ means little
    mu = Axis(float(centre), float(width), np.array([-1, 1]) * np.arcsinh((8 * mu_sd + abs(centre)) / width))
    tau = Axis(0.0, float(own), np.array([0, np.arcsinh(8 * tau_scale / own)]))
    for _ in range(2):
        tau, mu = tau.spaced(LOOK[0]), mu.spaced(LOOK[1])
        seen = Grid(tau, mu, tau_scale, mu_sd, np.ones((len(tau.t), len(mu.t)), bool)).seen(sets)
        rows, columns = (np.flatnonzero(seen.any(axis=other)) for other in (1, 0))
        last = tau, mu
        tau = Axis(0.0, tau.width, tau.t[[0, min(rows[-1] + 1, LOOK[0])]])
        mu = Axis(mu.centre, mu.width, mu.t[[max(columns[0] - 1, 0), min(columns[-1] + 1, LOOK[1])]])
    lowest = last[0].x[max(rows[0] - 1, 0)]
    least = sets.narrowest(lowest, mu_sd)
    fine = min(step * least / width, SMOOTH * step / STEPS[0])
    rough = min(0.75 / np.sqrt(2 * many), TAU_STEP) * step / STEPS[0]
    # An even number of steps: every second point is looked at by itself.
    tau, mu = (one.spaced(2 * int(np.ceil(np.ptp(one.t) / size / 2))) for one, size in ((tau, rough), (mu, fine)))
    return Grid(tau, mu, tau_scale, mu_sd, worth(seen, *last, tau, mu), np.hypot(least, lowest))


class Solver:
    """Solve many distribution functions, each a spline through one row of numbers at evenly spaced t, for t.

    With ``density`` the numbers are those of a density, and its integral is solved. ``spread`` takes the numbers given
    to those at t.
    """

    def __init__(self, t: np.ndarray, density: bool, spread: np.ndarray | None = None):
        from scipy.interpolate import BSpline, make_interp_spline  # 0.2 s to import, so only where it is used

        spline = make_interp_spline(t, np.eye(len(t)) if spread is None else spread, k=7)
        self.t, self.spline = t, spline.antiderivative() if density else spline
        knots, self.coefficients, degree = self.spline.tck
        basis = BSpline(knots, np.eye(len(self.coefficients)), degree)
        # At each point, the Taylor coefficients of the spline from those of its own that are not 0 there.
        first = np.clip(np.searchsorted(knots, t, "right") - 1 - degree, 0, len(self.coefficients) - degree - 1)
        self.window = first[:, None] + np.arange(degree + 1)
        taylor = np.stack([basis(t, nu=i) / factorial(i) for i in range(degree + 1)], axis=1)
        self.taylor = np.take_along_axis(taylor, self.window[:, None], axis=2)
        self.values = self.spline(t)

    def __call__(self, numbers: np.ndarray, probabilities: tuple[float, ...]) -> Iterator[np.ndarray]:
        """Give t at each probability, of each row of numbers, shape (sets,)."""
        values, coefficients = numbers @ self.values.T, numbers @ self.coefficients.T
        for probability in probabilities:
            goal = probability * values[:, -1]
            at = np.clip(np.sum(values <= goal[:, None], axis=1) - 1, 0, len(self.t) - 2)
            near = np.take_along_axis(coefficients, self.window[at], axis=1)
            taylor = (self.taylor[at] @ near[..., None])[..., 0]
            taylor[:, 0] -= goal
            yield self.t[at] + _root(taylor.T, self.t[1] - self.t[0])


def _root(taylor: np.ndarray, end: float) -> np.ndarray:
    """Find where rising polynomials are 0 between 0 and an end; coefficients of shape (degree + 1, sets)."""
    low, high, x = np.zeros(taylor.shape[1]), np.full(taylor.shape[1], end), np.full(taylor.shape[1], end / 2)
    for _ in range(60):
        value = slope = np.zeros(len(x))
        for part in taylor[::-1]:
            value, slope = value * x + part, slope * x + value
        low, high = np.where(value < 0, x, low), np.where(value < 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = x - value / slope
        new = np.where((new > low) & (new < high), new, (low + high) / 2)
        moved, x = np.max(np.abs(new - x)), new
        if moved < 1e-12:
            break
    return x


class Reader:
    """Read the answers off masses on a grid."""

    def __init__(self, grid: Grid, level: float):
        self.grid, self.tail, t = grid, (1 - level) / 2, grid.tau.t
        # Mirrored, so that the spline knows the slope at 0, where the grid has half of what is there.
        mirror = np.vstack([np.eye(len(t))[:0:-1], np.eye(len(t))])
        mirror[len(t) - 1, 0] = 2
        self.in_mu, self.in_tau = Solver(grid.mu.t, True), Solver(np.append(-t[:0:-1], t), True, mirror)
        reach = 5 * grid.tau.x[-1]
        ends = grid.mu.position(np.array([grid.mu.x[0] - reach, grid.mu.x[-1] + reach]))
        step = min(NEW_STEP * grid.least / grid.mu.width, SMOOTH)
        self.x = Axis(grid.mu.centre, grid.mu.width, np.arange(ends[0], ends[1] + step, step))
        self.new = Solver(self.x.t, False)

    @cached_property
    def below(self) -> np.ndarray:
        return self._below(slice(None))

    def _below(self, points: slice) -> np.ndarray:
        """Give the probability that μ + τ z lies below each point of ``x``, shape (points, x), z ~ N(0, 1)."""
        grid, mu, x = self.grid, self.grid.mu, self.x
        rows, columns = grid.row[points], grid.column[points]
        with np.errstate(divide="ignore", invalid="ignore"):
            below = ndtr((x.x - mu.x[columns, None]) / grid.tau.x[rows, None])
        # Where τ z is as wide as the steps of the grid, the sum over it is exact; a narrow one falls between points.
        wide = NARROW * mu.width * np.cosh(x.t) * (mu.t[1] - mu.t[0])
        z, weight = HERMITE
        for row in np.intersect1d(np.flatnonzero(grid.tau.x < wide.max()), rows):
            own, narrow = rows == row, np.flatnonzero(grid.tau.x[row] < wide)
            t = np.clip(mu.position(x.x[narrow, None] - grid.tau.x[row] * z), mu.t[0], mu.t[-1])
            every = np.einsum("xzm,z->mx", self.in_mu.spline(t), weight / weight.sum()) / (mu.t[1] - mu.t[0])
            below[np.ix_(own, narrow)] = every[columns[own]]
        return below

    def predictive(self, mass: np.ndarray) -> np.ndarray:
        """Give the distribution of a new study's logit at each point of ``x``, shape (sets, x)."""
        size, step = len(self.grid.row), max(1, TABLE // (4 * len(self.x.t)))
        if size * len(self.x.t) <= TABLE:
            return mass @ self.below
        parts = (slice(first, first + step) for first in range(0, size, step))  # too large to keep
        return sum(mass[:, part] @ self._below(part) for part in parts)

    def __call__(self, mass: np.ndarray) -> np.ndarray:
        """Give ``QUANTITIES`` of masses of shape (sets, points); NaN where the grid does not resolve them."""
        tau, mu, tail = self.grid.tau, self.grid.mu, self.tail
        whole = np.zeros((len(mass), *self.grid.use.shape))
        whole[:, self.grid.use] = mass
        in_mu, in_tau = whole.sum(axis=1), whole.sum(axis=2)
        mus = [mu.centre + mu.width * np.sinh(t) for t in self.in_mu(in_mu, (0.5, tail, 1 - tail))]
        predicted = [
            self.x.centre + self.x.width * np.sinh(t) for t in self.new(self.predictive(mass), (tail, 1 - tail))
        ]
        both_sides = tuple((1 + p) / 2 for p in (0.5, tail, 1 - tail))
        tau2 = [(tau.width * np.sinh(t)) ** 2 for t in self.in_tau(in_tau, both_sides)]
        mean = in_mu @ mu.x
        se = np.sqrt(np.sum(in_mu * (mu.x - mean[:, None]) ** 2, axis=1))
        found = np.stack([*(expit(x) for x in (*mus, *predicted)), se, *tau2, mean])
        half = np.stack([2 * part[:, ::2].sum(axis=1) for part in (in_mu, in_tau)])
        edge = np.stack([in_mu[:, 0], in_mu[:, -1], in_tau[:, -1]]).max(axis=0)
        found[:, (np.abs(half - 1).max(axis=0) > RESOLVED) | (edge > OUTSIDE)] = np.nan
        return found
