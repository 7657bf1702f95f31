"""Which conclusions change: an interval crosses a threshold, a test its level, a description becomes a pool."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..words.formatting import format_p, format_tau2
from ..words.prose import inside, percent
from ..words.terms import is_ok, remarks_of
from .attribution import find_overall
from .snapshot import Row, Snapshot

POOL_FROM = 3  # studies: fewer are a description, without a prediction interval
ABOVE, BELOW, HOLDS = "lies above it", "lies below it", "includes it"
WAS = {ABOVE: "lay above", BELOW: "lay below", HOLDS: "included"}
NO_EFFECT = {"odds ratio": 1.0, "risk ratio": 1.0, "risk difference": 0.0}
COMMON = "glmm-common"
COMMON_OF = {"glmm": (COMMON,)}  # a model that leads → its subgroup form


@dataclass(frozen=True)
class Conclusion:
    """One statement that holds no more, or newly holds."""

    analysis: str
    text: str


@dataclass(frozen=True)
class Limits:
    """What conclusions are measured by.

    Parameters
    ----------
    thresholds : sequence of float
        Per cent.
    level : float
        Confidence level; a P value is compared with what it leaves.
    model : str
        The one that leads.
    """

    thresholds: Sequence[float]
    level: float
    model: str

    @property
    def alpha(self) -> float:
        """Give the P value below which a test is called low."""
        return round(1 - self.level, 10)


def find_conclusions(
    before: Snapshot, after: Snapshot, analyses: Iterable[str], limits: Limits, led: str = ""
) -> list[Conclusion]:
    """Find the conclusions that change.

    Parameters
    ----------
    before, after : Snapshot
    analyses : iterable of str
        Those of either.
    limits : Limits
    led : str, optional
        The model that led before, where it is another one.

    Returns
    -------
    list of Conclusion
        By analysis; then risk factors, which belong to none.
    """
    found = []
    led = led or limits.model
    judged = [snapshot.certainties() for snapshot in (before, after)]
    for analysis in analyses:
        one, other = find_overall(before, analysis, led), find_overall(after, analysis, limits.model)
        texts = [*pool_texts(one, other), *interval_texts(one, other, limits), *heterogeneity_texts(one, other, limits)]
        texts += test_texts(before, after, analysis, limits, led) + contrast_texts(before, after, analysis, limits)
        was, now = (certainties.get(analysis, "not judged") for certainties in judged)
        texts += [f"certainty: {was} → {now}."] if was != now else []
        found += [Conclusion(analysis, text) for text in texts]
    return found + [Conclusion("", text) for text in risk_factor_texts(before, after, limits)]


def pool_texts(before: Row | None, after: Row | None) -> Iterator[str]:
    """Say whether there is a pool, from enough studies to be more than a description."""
    if before is None or after is None:
        if before is not after:
            yield "a new analysis." if before is None else "no longer analysed."
        return
    was, now = (remarks_of(row["status"]) for row in (before, after))
    if was != now:
        said = f", before “{was}”" if was else ""
        yield f"now “{now}”{said}." if now else f"no longer “{was}”."
    old, new = (int(row["studies"] or row["k"] or 0) for row in (before, after))
    if (old < POOL_FROM) != (new < POOL_FROM) and new > 1:  # of fewer the status says it
        what = "a description, without a prediction interval" if new < POOL_FROM else "a pool"
        yield f"{old} → {new} studies: now {what}."


def interval_texts(before: Row | None, after: Row | None, limits: Limits) -> Iterator[str]:
    """Say which intervals lie elsewhere against a threshold."""
    if before is None or after is None:
        return
    for name, low, high in (("CI", "ci_low", "ci_high"), ("prediction interval", "pi_low", "pi_high")):
        for threshold in limits.thresholds:
            old, new = (position(row, low, high, threshold) for row in (before, after))
            if old and new and old != new:
                yield f"the {percent(limits.level)} {name} {WAS[old]} {threshold:g}%, and now {new}."


def position(row: Row, low: str, high: str, threshold: float, unit: float = 100) -> str:
    """Say where an interval lies against a threshold, in per cent by default; blank where there is no interval."""
    if not row[low] or not row[high]:
        return ""
    if unit * float(row[low]) > threshold:
        return ABOVE
    return BELOW if unit * float(row[high]) < threshold else HOLDS


def heterogeneity_texts(before: Row | None, after: Row | None, limits: Limits) -> Iterator[str]:
    """Say whether τ² left or reached 0, and whether the test of homogeneity crossed its level."""
    if before is None or after is None:
        return
    if before["tau2"] and after["tau2"]:
        old, new = float(before["tau2"]), float(after["tau2"])
        if (old == 0) != (new == 0):
            yield f"heterogeneity: τ² {format_tau2(old)} → {format_tau2(new)}."
    yield from crossing("the test of heterogeneity", before["q_p"], after["q_p"], limits.alpha)


def crossing(name: str, before: str, after: str, alpha: float) -> Iterator[str]:
    """Say whether a P value crossed its level."""
    if not before or not after:
        return
    old, new = float(before), float(after)
    if (old < alpha) != (new < alpha):
        side = "below" if new < alpha else "no longer below"
        yield f"{name}: {format_p(old)} → {format_p(new)}, now {side} {alpha:g}."


def test_texts(before: Snapshot, after: Snapshot, analysis: str, limits: Limits, led: str) -> list[str]:
    """Say which tests for differences between subgroups crossed their level."""
    found = []
    tests = [
        {
            (row["subset"], row["model"] == COMMON): row["test_p"]
            for row in snapshot.table("estimates")
            if row["analysis"] == analysis and row["test_p"] and row["model"] in {model, *COMMON_OF.get(model, ())}
        }
        for snapshot, model in ((before, led), (after, limits.model))
    ]
    for (variable, common), p in tests[1].items():
        name = f"the test for differences by {variable.replace('_', ' ')}{' with one τ²' if common else ''}"
        found += crossing(name, tests[0].get((variable, common), ""), p, limits.alpha)
    return found


def effect_texts(name: str, before: Row, after: Row, alpha: float) -> Iterator[str]:
    """Say whether the P value of an effect crossed its level, and whether the effect changed sides."""
    yield from crossing(name, before["p"], after["p"], alpha)
    null = NO_EFFECT.get(after["measure"])
    if null is None or not before["estimate"] or not after["estimate"]:
        return
    old, new = ((float(row["estimate"]) > null) - (float(row["estimate"]) < null) for row in (before, after))
    if old != new:
        words = {1: "above", 0: "at", -1: "below"}
        yield f"{name}: the {after['measure']} was {words[old]} {null:g}, and now is {words[new]} it."
    if not after["p"]:  # an interval that stands alone; elsewhere the P value says the same
        was, now = (position(row, "ci_low", "ci_high", null, 1) for row in (before, after))
        if was and now and was != now:
            yield f"{name}: the interval of the {after['measure']} {WAS[was]} {null:g}, and now {now}."


def contrast_texts(before: Snapshot, after: Snapshot, analysis: str, limits: Limits) -> list[str]:
    """Say which comparisons of two levels crossed their level."""
    key = ("by", "first", "second", "kind", "study", "measure")
    old, new = (
        {
            tuple(row[k] for k in key): row
            for row in snapshot.table("contrasts")
            if row["analysis"] == analysis and row["estimate"]
        }
        for snapshot in (before, after)
    )
    found = []
    for at, row in (new | old).items():
        study = row["study"]
        where = (after if at in new else before).label(study) if study else row["kind"]
        name = f"{row['first']} against {row['second']} ({where})"
        found += came_or_went(name, at in old, at in new) or effect_texts(name, old[at], new[at], limits.alpha)
    return list(dict.fromkeys(found))


def came_or_went(name: str, before: bool, after: bool) -> list[str]:
    """Say of a comparison that it is new, or no longer there."""
    return [] if before and after else [f"{name}: {'a new comparison' if after else 'no longer compared'}."]


def risk_factor_texts(before: Snapshot, after: Snapshot, limits: Limits) -> list[str]:
    """Say which pooled risk factors crossed their level."""
    key = ("exposure", "outcome", "kind", "model", "measure")
    old, new = (
        {
            tuple(row[k] for k in key): row
            for row in snapshot.table("comparisons")
            if row["kind"] != "study" and row["estimate"] and is_ok(row["status"])
        }
        for snapshot in (before, after)
    )
    found = []
    for at, row in (new | old).items():
        pair = f"{row['exposure']} and {inside(row['outcome'].replace('_', ' '))}"
        name = f"{pair} ({row['model']}, {row['measure']})"
        found += came_or_went(pair, at in old, at in new) or effect_texts(name, old[at], new[at], limits.alpha)
    return list(dict.fromkeys(found))
