"""Which conclusions change: an interval crosses a threshold, a test its level, a description becomes a pool."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..formatting import format_p, format_tau2
from ..prose import inside, percent
from ..terms import is_ok
from .attribution import find_overall
from .snapshot import Row, Snapshot

POOL_FROM = 3  # studies: fewer are a description, without a prediction interval
ABOVE, BELOW, HOLDS = "lies above it", "lies below it", "includes it"
WAS = {ABOVE: "lay above", BELOW: "lay below", HOLDS: "included"}
COMMON = "glmm-common"  # the subgroup form of glmm


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
    before: Snapshot, after: Snapshot, analyses: Mapping[str, str], limits: Limits
) -> list[Conclusion]:
    """Find the conclusions that change.

    Parameters
    ----------
    before, after : Snapshot
    analyses : mapping
        Analysis → label.
    limits : Limits

    Returns
    -------
    list of Conclusion
        By analysis; then risk factors, which belong to none.
    """
    found = []
    for analysis in analyses:
        one, other = (find_overall(snapshot, analysis, limits.model) for snapshot in (before, after))
        texts = [*pool_texts(one, other), *interval_texts(one, other, limits), *heterogeneity_texts(one, other, limits)]
        texts += test_texts(before, after, analysis, limits) + contrast_texts(before, after, analysis, limits)
        found += [Conclusion(analysis, text) for text in texts]
    return found + [Conclusion("", text) for text in risk_factor_texts(before, after, limits)]


def pool_texts(before: Row | None, after: Row | None) -> Iterator[str]:
    """Say whether there is a pool, from enough studies to be more than a description."""
    if before is None or after is None:
        if before is not after:
            yield "a new analysis." if before is None else "no longer analysed."
        return
    if before["status"] != after["status"]:
        yield f"status: {before['status']} → {after['status']}."
    old, new = (int(row["studies"] or row["k"] or 0) for row in (before, after))
    if (old < POOL_FROM) != (new < POOL_FROM):
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


def position(row: Row, low: str, high: str, threshold: float) -> str:
    """Say where an interval lies against a threshold in per cent; blank where there is no interval."""
    if not row[low] or not row[high]:
        return ""
    if 100 * float(row[low]) > threshold:
        return ABOVE
    return BELOW if 100 * float(row[high]) < threshold else HOLDS


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


def test_texts(before: Snapshot, after: Snapshot, analysis: str, limits: Limits) -> list[str]:
    """Say which tests for differences between subgroups crossed their level."""
    found = []
    models = {limits.model, *([COMMON] if limits.model == "glmm" else [])}
    tests = [
        {
            (row["subset"], row["model"]): row["test_p"]
            for row in snapshot.table("estimates")
            if row["analysis"] == analysis and row["test_p"] and row["model"] in models
        }
        for snapshot in (before, after)
    ]
    for (variable, model), p in tests[1].items():
        form = " with one τ²" if model == COMMON else ""
        name = f"the test for differences by {variable.replace('_', ' ')}{form}"
        found += crossing(name, tests[0].get((variable, model), ""), p, limits.alpha)
    return found


def contrast_texts(before: Snapshot, after: Snapshot, analysis: str, limits: Limits) -> list[str]:
    """Say which comparisons of two levels crossed their level."""
    key = ("by", "first", "second", "kind", "study", "measure")
    old, new = (
        {
            tuple(row[k] for k in key): row
            for row in snapshot.table("contrasts")
            if row["analysis"] == analysis and row["p"]
        }
        for snapshot in (before, after)
    )
    found = []
    for at, row in new.items():
        name = f"{row['first']} against {row['second']} ({row['label'] or row['kind']})"
        found += crossing(name, old.get(at, {}).get("p", ""), row["p"], limits.alpha)
    return found


def risk_factor_texts(before: Snapshot, after: Snapshot, limits: Limits) -> list[str]:
    """Say which pooled risk factors crossed their level."""
    key = ("exposure", "outcome", "kind", "model", "measure")
    old, new = (
        {
            tuple(row[k] for k in key): row
            for row in snapshot.table("comparisons")
            if row["kind"] != "study" and row["p"] and is_ok(row["status"])
        }
        for snapshot in (before, after)
    )
    found = []
    for at, row in new.items():
        name = f"{row['exposure']} and {inside(row['outcome'].replace('_', ' '))} ({row['model']}, {row['measure']})"
        found += crossing(name, old.get(at, {}).get("p", ""), row["p"], limits.alpha)
    return found
