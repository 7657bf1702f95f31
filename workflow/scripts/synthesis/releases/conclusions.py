"""Which conclusions change: an interval crosses a threshold, a test its level, a description becomes a pool."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..tables.pools import DESCRIPTION_BELOW
from ..words.formatting import format_p, format_tau2
from ..words.model_names import interval_of
from ..words.prose import inside, percent
from ..words.terms import is_ok, remarks_of
from .estimates import keyed
from .snapshot import Row, Snapshot

ABOVE, BELOW, HOLDS = "lies above it", "lies below it", "includes it"
WAS = {ABOVE: "lay above", BELOW: "lay below", HOLDS: "included"}
NO_EFFECT = {"odds ratio": 1.0, "risk ratio": 1.0, "risk difference": 0.0}
CONTRAST = ("by", "first", "second", "kind", "study", "measure")  # what names one within an analysis
RISK_FACTOR = ("exposure", "outcome", "kind", "model", "measure")
COMMON = "glmm-common"
COMMON_OF = {"glmm": (COMMON,)}  # a model that leads → its subgroup form


@dataclass(frozen=True)
class Conclusion:
    """One statement that holds no more, or newly holds; on a risk factor, which belongs to no analysis, it is blank."""

    analysis: str
    text: str


@dataclass(frozen=True)
class Limits:
    """What conclusions are measured by: thresholds in per cent, the confidence level, and the model that leads."""

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
    """Find the conclusions that change, by analysis of either snapshot; then those on risk factors.

    ``led`` is the model that led before, where it is another one.
    """
    found = []
    judged = [snapshot.certainties() for snapshot in (before, after)]
    for analysis in analyses:
        rows = before.overall(analysis, led or limits.model), after.overall(analysis, limits.model)
        texts = [*pool_texts(*rows, limits), *test_texts(before, after, analysis, limits, led or limits.model)]
        texts += effects_texts(before, after, analysis, limits)
        was, now = (certainties.get(analysis, "not judged") for certainties in judged)
        texts += [f"certainty: {was} → {now}."] if was != now else []
        found += [Conclusion(analysis, text) for text in texts]
    return found + [Conclusion("", text) for text in effects_texts(before, after, "", limits)]


def pool_texts(before: Row | None, after: Row | None, limits: Limits) -> Iterator[str]:
    """Say whether there is a pool, where its intervals lie against thresholds, and whether studies differ."""
    if before is None or after is None:
        if before is not after:
            yield "a new analysis." if before is None else "no longer analysed."
        return
    was, now = (remarks_of(row["status"]) for row in (before, after))
    if was != now:
        said = f", before “{was}”" if was else ""
        yield f"now “{now}”{said}." if now else f"no longer “{was}”."
    old, new = (int(row["studies"] or row["k"] or 0) for row in (before, after))
    if (old < DESCRIPTION_BELOW) != (new < DESCRIPTION_BELOW) and new > 1:  # of fewer the status says it
        what = "a description, without a prediction interval" if new < DESCRIPTION_BELOW else "a pool"
        yield f"{old} → {new} studies: now {what}."
    for name, interval in ((interval_of(limits.model), "ci"), ("prediction interval", "pi")):
        for threshold in limits.thresholds:
            was, now = (position(row, threshold, interval) for row in (before, after))
            if was and now and was != now:
                yield f"the {percent(limits.level)} {name} {WAS[was]} {threshold:g}%, and now {now}."
    if before["tau2"] and after["tau2"]:
        old, new = float(before["tau2"]), float(after["tau2"])
        if (old == 0) != (new == 0):
            yield f"heterogeneity: τ² {format_tau2(old)} → {format_tau2(new)}."
    yield from crossing("the test of heterogeneity", before["q_p"], after["q_p"], limits.alpha)


def position(row: Row, threshold: float, interval: str = "ci", unit: float = 100) -> str:
    """Say where an interval lies against a threshold, in per cent by default; blank where there is no interval."""
    low, high = row[f"{interval}_low"], row[f"{interval}_high"]
    if not low or not high:
        return ""
    if unit * float(low) > threshold:
        return ABOVE
    return BELOW if unit * float(high) < threshold else HOLDS


def crossing(name: str, before: str, after: str, alpha: float) -> Iterator[str]:
    """Say whether a P value crossed its level."""
    if before and after and (float(before) < alpha) != (float(after) < alpha):
        side = "below" if float(after) < alpha else "no longer below"
        yield f"{name}: {format_p(float(before))} → {format_p(float(after))}, now {side} {alpha:g}."


def test_texts(before: Snapshot, after: Snapshot, analysis: str, limits: Limits, led: str) -> Iterator[str]:
    """Say which tests for differences between subgroups crossed their level."""
    old, new = (
        {
            f"{row['subset'].replace('_', ' ')}{' with one τ²' if row['model'] == COMMON else ''}": row["test_p"]
            for row in snapshot.table("estimates")
            if row["analysis"] == analysis and row["test_p"] and row["model"] in (model, *COMMON_OF.get(model, ()))
        }
        for snapshot, model in ((before, led), (after, limits.model))
    )
    for name, p in new.items():
        yield from crossing(f"the test for differences by {name}", old.get(name, ""), p, limits.alpha)


def effects_texts(before: Snapshot, after: Snapshot, analysis: str, limits: Limits) -> Iterable[str]:
    """Say which comparisons came, went or crossed: of levels in an analysis; without one, of pooled risk factors."""

    def stands(row: Row) -> bool:
        pooled = row["kind"] != "study" and is_ok(row["status"])
        return bool(row["estimate"]) and (row["analysis"] == analysis if analysis else pooled)

    table, key = ("contrasts", CONTRAST) if analysis else ("comparisons", RISK_FACTOR)
    old, new = (keyed(filter(stands, snapshot.table(table)), key) for snapshot in (before, after))
    found: list[str] = []
    for at, row in (new | old).items():
        if analysis:
            where = (after if at in new else before).label(row["study"]) if row["study"] else row["kind"]
            pair = effect = f"{row['first']} against {row['second']} ({where})"
        else:
            pair = f"{row['exposure']} and {inside(row['outcome'].replace('_', ' '))}"
            effect = f"{pair} ({row['model']}, {row['measure']})"
        if at in old and at in new:
            found += effect_texts(effect, old[at], new[at], limits.alpha)
        else:
            found.append(f"{pair}: {'a new comparison' if at in new else 'no longer compared'}.")
    return dict.fromkeys(found)


def effect_texts(name: str, before: Row, after: Row, alpha: float) -> Iterator[str]:
    """Say whether the P value of an effect crossed its level, and whether the effect changed sides."""
    yield from crossing(name, before["p"], after["p"], alpha)
    null = NO_EFFECT.get(after["measure"])
    if null is None:
        return
    old, new = ((float(row["estimate"]) > null) - (float(row["estimate"]) < null) for row in (before, after))
    if old != new:
        words = {1: "above", 0: "at", -1: "below"}
        yield f"{name}: the {after['measure']} was {words[old]} {null:g}, and now is {words[new]} it."
    if not after["p"]:  # an interval that stands alone; elsewhere the P value says the same
        was, now = (position(row, null, unit=1) for row in (before, after))
        if was and now and was != now:
            yield f"{name}: the interval of the {after['measure']} {WAS[was]} {null:g}, and now {now}."
