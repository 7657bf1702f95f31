"""Pooling per unit of time: events against person-time, with normal study effects on the log rate.

Two likelihoods, one mean and one standard deviation. With ``eta = mean + tau z``, ``z ~ N(0, 1)`` shared by the rows
of a study, m the window in units of time and n the patients:

- ``poisson-normal``: ``events ~ Poisson(n m exp(eta))``,
- ``cloglog-normal``: ``events ~ Binomial(n, 1 - exp(-m exp(eta)))``: the complementary log–log link with log m as
  offset, the probability of an event by the end of the window under a constant hazard ``exp(eta)``.

Person-time is approximated by patients × window, as if everybody were followed to the end of it: nobody dies, is lost
or, once an event has happened, leaves the denominator. True person-time is shorter, so the rates are, if anything, low.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy import nan
from scipy.optimize import brentq
from scipy.special import chdtrc, gammaincinv, ndtri

from ..models.catalogue import ALL_EVENTS, NO_EVENTS, OK, ONE_STUDY
from ..models.counts import as_counts, middle
from ..models.logistic_normal import WIDEST
from ..models.prediction import prediction_interval
from ..models.proportions import clopper_pearson
from ..models.rate_normal import FAMILIES, Exposure, Family, exposure_of, fit, fit_common, saturated
from ..models.result import Pooled, blank_pool
from ..selection.arms import counts_of, limits_of, window_days
from ..tables.declared import Row, columns_of, read, write
from ..tables.pools import OVERALL
from ..words.terms import MAY_BE_ALL, MAY_BE_NONE, MIDDLE, TOO_WIDE, with_remark

NO_WINDOWS = "no study with a window in days"
WINDOW = "window: no number of days, so no person-time"


@dataclass(frozen=True)
class Rate(Pooled):
    """A pooled rate: its numbers are events per unit of time; ``se`` and ``tau2`` are of its logarithm."""

    person_time: float = nan


def garwood(events, person_time, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the exact (Garwood) interval of a Poisson rate; exactly 0 at the lower end without events.

    References
    ----------
    Garwood F. Biometrika 1936;28:437–42.

    >>> print(*(f"{limit:.5f}" for limit in garwood(7, 375.5)))
    0.00749 0.03841
    """
    y, t = np.asarray(events, float), np.asarray(person_time, float)
    tail = (1 - level) / 2
    low = np.where(y == 0, 0.0, gammaincinv(np.maximum(y, 1), tail) / t)
    return low, gammaincinv(y + 1, 1 - tail) / t


def pool_rate(model: str, events, patients, time, study, level: float = 0.95) -> Rate:
    """Pool rates with a model of ``FAMILIES``, minding the cases no model can fit.

    ``time`` is each row's window in the unit of time; rows of one study share its effect.

    Returns
    -------
    Rate
        The rate of the median study, ``exp(mean)``, with a Wald interval on the log scale; Q is the likelihood-ratio
        statistic of one rate for all against one for each row. No rows: nothing but the status. One study: it alone,
        exact. No events at all: 0 and the exact one-sided upper limit, ``−log(1 − level)`` over person-time, which is
        the same in both models. Nothing but events: a lower limit under ``cloglog-normal``.

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046–67, section 3.2 (Poisson–normal).
    """
    family = FAMILIES[model]
    y, (n, m, study) = as_counts(events), (np.asarray(part) for part in (patients, time, study))
    person_time = float(np.sum(n * m))
    blank = Rate(**vars(blank_pool(model, y, n, study)), person_time=person_time)
    if blank.k == 0:
        return replace(blank, status=NO_WINDOWS)
    data = exposure_of(y, n, m, study)
    if model == "cloglog-normal" and blank.events_from == np.sum(n):
        return replace(blank, ci_low=_all_events_limit(n, m, level), status=ALL_EVENTS)
    if blank.studies == 1:
        return _one_study(blank, family, data, level)
    if blank.events_to == 0:
        return replace(blank, estimate=0.0, ci_low=0.0, ci_high=-np.log1p(-level) / person_time, status=NO_EVENTS)
    if blank.events_from == 0:
        return replace(blank, status=MAY_BE_NONE)
    if model == "cloglog-normal" and blank.events_to == np.sum(n):
        return replace(blank, status=MAY_BE_ALL)
    best = fit(family, data)
    if not best.converged:
        return replace(blank, status=f"did not converge: {best.message}")
    mean, se = float(best.beta[0]), float(np.sqrt(best.covariance[0, 0]))
    if not se < WIDEST:
        return replace(blank, status=TOO_WIDE)
    tau2, half = best.tau**2 if best.known else nan, ndtri((1 + level) / 2) * se
    pi_low, pi_high = prediction_interval(mean, se, tau2, blank.studies, level, back=np.exp)
    q, q_df = max(2 * (saturated(family, data) - fit_common(family, data).loglik), 0.0), blank.k - 1
    return replace(
        blank,
        estimate=float(np.exp(mean)),
        ci_low=float(np.exp(mean - half)),
        ci_high=float(np.exp(mean + half)),
        **{"pi_low": pi_low, "pi_high": pi_high, "se": se, "tau2": tau2},
        **{"q": q, "q_df": q_df, "q_p": float(chdtrc(q_df, q))},
        status=with_remark(OK, best.say(lambda mean: f"a rate of {np.exp(mean):.4g}")),
        loglik=best.loglik,
        nodes=best.nodes,
    )


def _one_study(blank: Rate, family: Family, data: Exposure, level: float) -> Rate:
    """Give the rate of a single study with its exact interval: from that of the fewest events to that of the most."""
    windows = np.unique(data.time[data.patients > 0])
    ends, centre = (blank.events_from, blank.events_to), (blank.events_from + blank.events_to) / 2
    said = "" if ends[0] == ends[1] else MIDDLE
    if family.name == "poisson-normal":
        low, high = garwood(ends, blank.person_time, level)
        estimate = centre / blank.person_time
    elif len(windows) == 1:
        size = data.patients.sum()
        estimate = -np.log1p(-centre / size) / windows[0]
        low, high = (-np.log1p(-p) / windows[0] for p in clopper_pearson(ends, size, level))
    else:
        data = data._replace(events=middle(data.events))
        estimate = np.exp(fit_common(family, data).beta[0]) if centre else 0.0
        status = with_remark(f"{ONE_STUDY}; several windows: no exact interval", said)
        return replace(blank, estimate=float(estimate), status=status)
    status = with_remark(ONE_STUDY, said)
    return replace(blank, estimate=float(estimate), ci_low=float(low[0]), ci_high=float(high[1]), status=status)


def _all_events_limit(n: np.ndarray, m: np.ndarray, level: float) -> float:
    """Give the rate at which nothing but events has probability 1 − level."""

    def excess(log_rate: float) -> float:
        return float(np.sum(n * np.log(-np.expm1(-m * np.exp(log_rate))))) - np.log1p(-level)

    centre = -np.log(np.max(m))
    return float(np.exp(brentq(excess, centre - 30, centre + 30, xtol=1e-13)))


def person_time_rows(rows: Iterable[Row], days: float, unit: str, level: float) -> list[dict]:
    """Give each candidate row of an analysis with its person-time, or the reason it has none: ``rate_rows.csv``.

    ``days`` are in the unit of time, ``unit`` is what patients × time is counted in, ``level`` that of the exact
    interval of each row.
    """
    known = [name for name in columns_of("rate_rows") if name not in ("ci_low", "ci_high")]  # those of its proportion
    table = [{name: row[name] for name in known if name in row} for row in rows if row["subset"] == OVERALL]
    for line in table:
        line["unit"], window = unit, window_days(line["window"])
        if line["use"] == "yes" and window is None:
            line |= {"use": "no", "reason": WINDOW}
        elif line["use"] == "yes":
            total = line["patients"] * window / days
            low, high = garwood(limits_of(line), total, level)
            rate = None if line["events"] is None else line["events"] / total
            line |= {"person_time": total, "rate": rate, "ci_low": float(low[0]), "ci_high": float(high[1])}
    return table


def pool_rates_file(
    rows_csv: str, rates_csv: str, rate_rows_csv: str, *, analysis: str, days: float, unit: str, level: float
) -> None:
    """Read the rows of an analysis, give them person-time, pool with both models, write rates and rows."""
    table = person_time_rows(read(rows_csv, "rows"), days, unit, level)
    events, patients, study = counts_of(used := [row for row in table if row["use"] == "yes"])
    time = np.array([window_days(row["window"]) for row in used]) / days
    pools = [vars(pool_rate(model, events, patients, time, study, level)) for model in FAMILIES]
    known, about = columns_of("rates"), {"analysis": analysis, "unit": unit}
    write(rates_csv, (about | {name: value for name, value in pool.items() if name in known} for pool in pools))
    write(rate_rows_csv, table)
