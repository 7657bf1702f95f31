"""How the models behave in simulated reviews like this one: bias, coverage and width, with Monte Carlo errors.

A scenario is a truth (median study and τ on the logit scale) with study sizes; a review drawn from it has binomial
events around normal study effects. Every review has a seed of its own, so jobs can share the reviews in any way. Jobs
take blocks of reviews, since a batched fit stops when the slowest of its data sets has arrived: in another company
the last digits of a fit differ, and the answer must not depend on the number of jobs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, product
from math import isnan
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit, ndtr

from ..models import betabinom, many
from ..models.bayes import TAU_SCALE
from ..models.bayes_batch import bayes_batches
from ..models.catalogue import ALL_EVENTS, NO_EVENTS, OK, pool
from ..models.details import population_average
from ..models.proportions import clopper_pearson
from ..tables.declared import Row, columns_of, read, write
from ..tables.files import read_table, write_table
from ..tables.pools import find_pool, pooled_rows
from ..words.terms import is_ok, remarks_of

if TYPE_CHECKING:
    import pandas as pd

Paths = Sequence[str]
BLOCK = 200  # reviews that are fitted together, whatever the number of jobs
SMALLEST = 3  # studies from which an analysis is a scenario of its own: below there is no prediction interval

NUMBERS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")  # what a fit gives, in this order
REVIEWS = ("scenario", "review", "model", *NUMBERS, "status")

WORST = ("source", "analysis", "k", "incidence", "tau")  # what names a scenario in the summary


@dataclass(frozen=True)
class Scenario:
    """A truth, and the k studies that see it: of the config's ``grid``, or of the ``data`` of an analysis.

    ``mean`` is the logit of the median study's proportion, ``tau`` the standard deviation of the studies' logits.
    ``sizes`` are the patients in each arm of the k studies (data), or of the studies that every review draws its k from
    (grid); ``arms`` says how many arms each of the k gives, one where it is blank. ``status`` is ``ok``, or why nothing
    can be simulated.
    """

    source: str
    analysis: str
    mean: float
    tau: float
    k: int
    sizes: tuple[int, ...]
    status: str = OK
    arms: tuple[int, ...] = ()

    @property
    def study(self) -> np.ndarray:
        """Give the number of the study that each arm belongs to, from 0."""
        return np.repeat(np.arange(self.k), self.arms or 1)

    def describe(self) -> dict:
        """Give the columns that name it in the tables."""
        sizes = f"drawn from {len(self.sizes)} of {min(self.sizes, default=0)} to {max(self.sizes, default=0)}"
        if self.source == "data":
            studies = np.split(np.array(self.sizes), np.cumsum(self.arms or (1,) * self.k)[:-1])
            sizes = ";".join("+".join(map(str, arms)) for arms in studies)
        about = {name: getattr(self, name) for name in ("source", "analysis", "k", "tau")} | {"sizes": sizes}
        about["incidence"] = 100 * float(expit(self.mean))
        return about | {"mean_incidence": 100 * population_average(self.mean, self.tau)}


def variants(settings: Mapping) -> dict[str, dict[str, dict[str, float]]]:
    """Give model → name in the tables → prior: the config's models, and of ``bayes`` its other prior scales, too.

    >>> variants({"models": ["bayes", "glmm"], "prior_scales": [0.5]})
    {'bayes': {'bayes': {}, 'bayes-0.5': {'tau_scale': 0.5}}, 'glmm': {'glmm': {}}}
    """
    found: dict[str, dict[str, dict[str, float]]] = {model: {model: {}} for model in settings["models"]}
    if "bayes" in found:
        found["bayes"] |= {f"bayes-{scale:g}": {"tau_scale": scale} for scale in settings["prior_scales"]}
    return found


def scenarios_of(rows: Iterable[Row], estimates: Iterable[Row], settings: Mapping) -> list[Scenario]:
    """Give the scenarios of the config's grid, then one for each analysis, from every ``rows.csv`` and all estimates.

    Grid: sizes are those of all pooled studies of all analyses, a study once for each analysis it is in. Data: each
    analysis with at least ``SMALLEST`` studies, with its own arms and the glmm's estimate and τ as the truth.
    """
    sizes: dict[str, dict[str, tuple[int, ...]]] = {}
    for row in pooled_rows(rows):
        own = sizes.setdefault(row["analysis"], {})
        own[row["study"]] = (*own.get(row["study"], ()), row["patients"])
    pooled = tuple(sorted(sum(arms) for own in sizes.values() for arms in own.values()))
    status = OK if pooled else "no study sizes: nothing is pooled"
    grid = [
        Scenario("grid", "", float(logit(incidence / 100)), float(tau), int(k), pooled, status)
        for k, incidence, tau in product(settings["k"], settings["incidence"], settings["tau"])
    ]
    large, estimates = {a: list(own.values()) for a, own in sizes.items() if len(own) >= SMALLEST}, list(estimates)
    return grid + [_data_scenario(a, own, find_pool(estimates, "glmm", analysis=a)) for a, own in large.items()]


def _data_scenario(analysis: str, studies: Sequence[tuple[int, ...]], truth: Row) -> Scenario:
    sizes, arms = tuple(size for own in studies for size in own), tuple(map(len, studies))
    if truth and is_ok(truth["status"]) and not isnan(truth["tau2"]):
        mean, tau = float(logit(truth["estimate"])), float(np.sqrt(truth["tau2"]))
        return Scenario("data", analysis, mean, tau, len(studies), sizes, arms=arms)
    why = remarks_of(truth["status"]) if truth else "glmm is not among the estimates"
    status = f"no truth to simulate from: {why}"
    return Scenario("data", analysis, np.nan, np.nan, len(studies), sizes, status, arms)


def draw_reviews(scenario: Scenario, number: int, reviews: Iterable[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw events and patients, shape (reviews, arms), of some reviews, counted from 0, of the ``number``-th scenario.

    Arms of one study share its effect.
    """
    events, patients = [], []
    for review in reviews:
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, review)))
        n = random.choice(scenario.sizes, scenario.k) if scenario.source == "grid" else np.array(scenario.sizes)
        effects = scenario.mean + scenario.tau * random.standard_normal(scenario.k)
        events.append(random.binomial(n, expit(effects[scenario.study])))
        patients.append(n)
    return np.array(events), np.array(patients)


def fit_reviews(
    model: str, events: np.ndarray, patients: np.ndarray, level: float, study: np.ndarray | None = None
) -> tuple[np.ndarray, list[str]]:
    """Pool simulated reviews, shape (reviews, arms), with a model.

    ``study`` is that of each arm, arms of one study together; one arm a study when left out. Gives ``NUMBERS``, shape
    (6, reviews), NaN where there is none, and what :func:`synthesis.models.catalogue.pool` says of each review.
    """
    return next(fit_with_priors(model, events, patients, level, study))


def fit_with_priors(
    model: str,
    events: np.ndarray,
    patients: np.ndarray,
    level: float,
    study: np.ndarray | None = None,
    priors: Sequence[Mapping[str, float]] = ({},),
) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Give what :func:`fit_reviews` gives, for each of several priors of one model."""
    study = np.arange(events.shape[1]) if study is None else study
    total, size, starts = events.sum(1), patients.sum(1), np.unique(study, return_index=True)[1]
    fits = (total > 0) & (total < size) & (len(starts) > 1)
    numbers = np.full((len(priors), len(NUMBERS), len(events)), np.nan)
    if fits.any() and model in (BATCHES if len(starts) == len(study) else ADD_ARMS):
        y, n = (np.add.reduceat(counts[fits], starts, axis=1) for counts in (events, patients))
        numbers[..., fits] = _bayes(y, n, level, priors) if model == "bayes" else BATCHES[model](y, n, level)
    for prior, found in zip(priors, numbers, strict=True):
        status = [OK] * len(events)
        for i in np.flatnonzero(np.isnan(found[0])):  # few, unless a model has no batch: the single fit knows the words
            one = pool(model, events[i], patients[i], study, level, **prior)
            found[:, i], status[i] = [getattr(one, name) for name in NUMBERS], one.status
        yield found, status


def _bayes(events: np.ndarray, patients: np.ndarray, level: float, priors: Sequence[Mapping] = ({},)) -> np.ndarray:
    """Fit with several prior scales: the studies are tabulated once for all of them."""
    scales = [prior.get("tau_scale", TAU_SCALE) for prior in priors]
    fits = bayes_batches(events, patients, None, level, scales)
    found = np.array([[numbers[name] for name in NUMBERS] for numbers, _ in fits])
    if events.shape[1] < SMALLEST:  # as the single fit: two studies say nothing of where a third would lie
        found[:, [NUMBERS.index("pi_low"), NUMBERS.index("pi_high")]] = np.nan
    return found


def _many(events: np.ndarray, patients: np.ndarray, level: float, model: str, **prior: float) -> np.ndarray:
    numbers, _ = many.BATCHES[model](events, patients, None, level, **prior)
    return np.array([numbers[name] for name in NUMBERS])


def _betabinom(events: np.ndarray, patients: np.ndarray, level: float) -> np.ndarray:
    """Fit, and give the prediction intervals.

    Its batch takes as long for every review as for the one with the largest study: reviews are sorted by that.
    """
    numbers, largest = np.empty((len(NUMBERS), len(events))), np.ceil(np.log2(patients.max(1)))
    for size in np.unique(largest):
        chosen = largest == size
        fits = betabinom.fit_batch(events[chosen], patients[chosen], np.ones(events[chosen].shape, bool), level)
        phi = fits.rho / (1 - fits.rho)
        predicted = betabinom.prediction_intervals(logit(fits.estimate), phi, fits.se, fits.k, level)
        numbers[:, chosen] = [fits.estimate, fits.ci_low, fits.ci_high, *predicted, fits.rho]
    return numbers


def _crude(events: np.ndarray, patients: np.ndarray, level: float) -> np.ndarray:
    total, size = events.sum(1), patients.sum(1)
    return np.array([total / size, *clopper_pearson(total, size, level), *np.full((3, len(total)), np.nan)])


BATCHES = {name: partial(_many, model=name) for name in many.BATCHES}
BATCHES |= {"bayes": _bayes, "betabinom": _betabinom, "crude": _crude}
ADD_ARMS = (
    *many.SHARE_EFFECT,
    "bayes",
    "crude",
)  # to these the arms of a study are its total; the others refuse several


def simulate_chunk(scenarios: Sequence[Scenario], settings: Mapping, level: float, chunk: int) -> Iterator[dict]:
    """Simulate and pool every ``chunks``-th block of reviews from number ``chunk`` on, from 0: rows of ``REVIEWS``."""
    blocks = [
        (number, range(first, min(first + BLOCK, settings["reviews"])))
        for number, scenario in enumerate(scenarios)
        for first in range(0, settings["reviews"] if is_ok(scenario.status) else 0, BLOCK)
    ]
    for number, reviews in blocks[chunk :: settings["chunks"]]:
        events, patients = draw_reviews(scenarios[number], number, reviews, settings["seed"])
        for model, named in variants(settings).items():
            fits = fit_with_priors(model, events, patients, level, scenarios[number].study, list(named.values()))
            for name, (numbers, status) in zip(named, fits, strict=True):
                for review, values, word in zip(reviews, numbers.T.tolist(), status, strict=True):
                    found = dict(zip(NUMBERS, values, strict=True))
                    yield {"scenario": number, "review": review, "model": name, **found, "status": word}


def characterise(
    scenarios: Sequence[Scenario], chunks: Iterable[Iterable[Mapping]], settings: Mapping, level: float
) -> list[dict]:
    """Turn simulated reviews into the operating characteristics of each scenario and model.

    ``chunks`` are rows of ``REVIEWS``, as text or numbers, in any order. A missing review is an error, never a smaller
    number of reviews.
    """
    reviews, chosen = settings["reviews"], variants(settings)
    scales = {name: prior.get("tau_scale", TAU_SCALE) for name, prior in chosen.get("bayes", {}).items()}
    models = [name for named in chosen.values() for name in named]
    numbers = np.full((len(scenarios), len(models), reviews, len(NUMBERS)), np.nan)
    status = np.full(numbers.shape[:3], "", object)
    for row in chain.from_iterable(chunks):  # a chunk is read when it is its turn: all of them may not fit in memory
        at = int(row["scenario"]), models.index(row["model"]), int(row["review"])
        numbers[at] = [float(row[name]) if row[name] != "" else np.nan for name in NUMBERS]
        status[at] = row["status"]
    table = []
    for (number, scenario), (place, model) in product(enumerate(scenarios), enumerate(models)):
        found = {"reviews": 0, "status": scenario.status}
        if is_ok(scenario.status):
            if (status[number, place] == "").any():
                raise ValueError(f"scenario {number}, {model}: reviews are missing. Build all chunks again.")
            found = performance(scenario, numbers[number, place].T, status[number, place])
        about = scenario.describe() | {"model": model, "prior_scale": scales.get(model, np.nan)}
        about |= {"level": 100 * level, "reviews": reviews}
        table.append(about | found)
    return table


def performance(scenario: Scenario, numbers: np.ndarray, status: Sequence[str]) -> dict:
    """Give the operating characteristics of a model in a scenario, from what :func:`fit_reviews` gives.

    Per cent and percentage points; NaN where no review gives such a number. Over the reviews that gave an estimate:
    bias, coverage and width; against the median study, and against the mean of the studies' proportions (what ``crude``
    and ``betabinom`` estimate). ``tau2_zero`` is over the reviews with a τ². The prediction interval's coverage is no
    count but the probability of the truth's own distribution inside it.

    References
    ----------
    Morris TP, White IR, Crowther MJ. Stat Med 2019;38:2074–102, table 6 (estimates and their Monte Carlo errors).
    """
    estimate, low, high, pi_low, pi_high, tau2 = numbers
    fitted, predicted, known = (np.isfinite(values) for values in (estimate, pi_low, tau2))
    median, mean = float(expit(scenario.mean)), population_average(scenario.mean, scenario.tau)
    bias, bias_mcse = _mean(100 * (estimate[fitted] - median))
    covered, covered_mean = (_share(((low <= truth) & (truth <= high))[fitted]) for truth in (median, mean))
    inside = _mean(100 * mass_inside(scenario, pi_low[predicted], pi_high[predicted]))
    width = 100 * (high - low)[fitted]
    none, every = (_share(np.array([word == rule for word in status]))[0] for rule in (NO_EVENTS, ALL_EVENTS))
    counts = sorted(Counter(word for word in status if not is_ok(word)).items())
    return {
        **{"fitted": _share(fitted)[0], "no_events": none, "all_events": every},
        **{"bias": bias, "bias_mcse": bias_mcse, "coverage": covered[0], "coverage_mcse": covered[1]},
        **{"width_mean": _mean(width)[0], "width_median": float(np.median(width)) if len(width) else np.nan},
        "bias_of_mean": bias + 100 * (median - mean),
        **{"coverage_of_mean": covered_mean[0], "coverage_of_mean_mcse": covered_mean[1]},
        **{"predicted": _share(predicted)[0], "prediction_coverage": inside[0], "prediction_coverage_mcse": inside[1]},
        "prediction_width_mean": _mean(100 * (pi_high - pi_low)[predicted])[0],
        "tau2_zero": _share(tau2[known] == 0)[0],
        "status": "; ".join(f"{word} ({n} of {len(status)})" for word, n in counts) or OK,
    }


def mass_inside(scenario: Scenario, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Give the probability that a new study's true proportion, logit-normal or with τ = 0 fixed, is in an interval."""
    if scenario.tau == 0:
        truth = expit(scenario.mean)
        return ((low <= truth) & (truth <= high)).astype(float)
    return ndtr((logit(high) - scenario.mean) / scenario.tau) - ndtr((logit(low) - scenario.mean) / scenario.tau)


def _mean(values: np.ndarray) -> tuple[float, float]:
    """Give the mean and its Monte Carlo standard error; NaN where there are too few values."""
    n = len(values)
    return (float(values.mean()) if n else np.nan), (float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan)


def _share(hits: np.ndarray) -> tuple[float, float]:
    """Give the share in per cent and its Monte Carlo standard error, √(p (1 − p) / n)."""
    p = _mean(hits.astype(float))[0]
    return 100 * p, 100 * float(np.sqrt(p * (1 - p) / max(len(hits), 1)))


def summary(rows: Sequence[Mapping]) -> list[dict]:
    """Give each model's worst, mean and best behaviour over scenarios: all, the grid's, the data's; the grid's of each
    number of studies and incidence, over τ.

    ``rows`` are what :func:`characterise` gives. The worst coverage is the lowest and ``worst_*`` name its scenario; of
    many scenarios that are alike the lowest is below what it stands for by about two of its Monte Carlo errors.
    """
    import pandas as pd  # half a second to import, and only here

    frame, table = pd.DataFrame(rows).reindex(columns=columns_of("operating_characteristics")), []
    for (model, scale), own in frame.groupby(["model", "prior_scale"], sort=False, dropna=False):
        sources = {name: own[own["source"] == name] for name in ("grid", "data")}
        parts = [({"source": name}, part) for name, part in ({"all": own} | sources).items()]
        cells = sources["grid"].groupby(["k", "incidence"], sort=False)
        parts += [({"source": "grid", "k": k, "incidence": incidence}, part) for (k, incidence), part in cells]
        for about, part in parts:
            chosen, found = part[part["coverage"].notna()], {"status": "no scenario was simulated"}
            if len(chosen):
                found = _summarise(chosen, rows[chosen["coverage"].idxmin()])
            table.append({"model": model, "prior_scale": scale, **about, "scenarios": len(chosen)} | found)
    return table


def _summarise(chosen: "pd.DataFrame", worst: Mapping) -> dict:
    """Describe scenarios, of which one has the worst coverage; a mean passes over what is missing."""
    return {
        "level": worst["level"],
        **{f"tau_{end}": getattr(chosen["tau"], end)() for end in ("min", "max")},
        "coverage_mean": chosen["coverage"].mean(),
        "coverage_mean_mcse": np.sqrt((chosen["coverage_mcse"] ** 2).sum()) / len(chosen),
        **{f"coverage_worst{of}": worst[f"coverage{of}"] for of in ("", "_mcse")},
        **{f"worst_{name}": worst[name] for name in WORST},
        "coverage_best": chosen["coverage"].max(),
        "coverage_of_mean_mean": chosen["coverage_of_mean"].mean(),
        "coverage_of_mean_worst": chosen["coverage_of_mean"].min(),
        "bias_mean_absolute": chosen["bias"].abs().mean(),
        "bias_worst": chosen["bias"][chosen["bias"].abs().idxmax()],
        "width_mean": chosen["width_mean"].mean(),
        "prediction_coverage_mean": chosen["prediction_coverage"].mean(),
        "prediction_coverage_worst": chosen["prediction_coverage"].min(),
        "prediction_coverage_best": chosen["prediction_coverage"].max(),
        "prediction_width_mean": chosen["prediction_width_mean"].mean(),
        "fitted_worst": chosen["fitted"].min(),
        "status": OK,
    }


def read_scenarios(rows_csvs: Paths, estimates_csv: str, settings: Mapping) -> list[Scenario]:
    """Read what the scenarios follow from."""
    rows = (row for path in rows_csvs for row in read(path, "rows"))
    return scenarios_of(rows, read(estimates_csv), settings)


def simulate_reviews_file(
    rows_csvs: Paths, estimates_csv: str, reviews_csv: str, *, settings: Mapping, level: float, chunk: int
) -> None:
    """Write one chunk of the simulated reviews."""
    scenarios = read_scenarios(rows_csvs, estimates_csv, settings)
    write_table(reviews_csv, simulate_chunk(scenarios, settings, level, chunk), REVIEWS)


def gather_simulations_file(
    chunk_csvs: Paths, rows_csvs: Paths, estimates_csv: str, table_csvs: Paths, *, settings: Mapping, level: float
) -> None:
    """Read all chunks, and write two tables: the operating characteristics and their summary."""
    scenarios = read_scenarios(rows_csvs, estimates_csv, settings)
    table = characterise(scenarios, map(read_table, chunk_csvs), settings, level)
    write(table_csvs[0], table, table="operating_characteristics")
    write(table_csvs[1], summary(table), table="operating_characteristics_summary")
