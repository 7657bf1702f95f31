"""Two readers of one report: where they differ, number by number, and how far they agree."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from ..sheets.sheet import Sheet
from ..words.formatting import MISSING, format_count, format_percent, format_statistic, format_window
from ..words.levels import NOT_REPORTED, UNSTATED
from ..words.prose import markdown_table
from ..words.terms import OK, remarks_of

FEWEST_FOR_INTERVAL = 30  # the large-sample variance is not to be trusted below; Fleiss, Cohen and Everitt 1969
NUMBERS = {
    "outcomes": ("events", "patients", "window", "reported"),
    "comparisons": ("window", "exposed.events", "exposed.patients", "unexposed.events", "unexposed.patients"),
    "characteristics": ("events", "patients", "value"),
}
JUDGED = ("basis", "confidence")
WORDS = ("definition", "source", "exposure")
NAMES = {"outcomes": ("outcome", "arm"), "comparisons": ("outcome", "arm"), "characteristics": ("name", "arm", "group")}


@dataclass(frozen=True)
class Pair:
    """One thing both readers may have written: where, which field, and what each wrote (blank: nothing)."""

    where: str
    field: str
    first: str
    second: str

    @property
    def same(self) -> bool:
        """Say whether they wrote the same; a percentage is compared as a number."""
        return _comparable(self.first) == _comparable(self.second)


@dataclass
class Reading:
    """What two sheets say of one study, side by side."""

    study: str
    numbers: list[Pair] = field(default_factory=list)
    judgements: dict[str, list[Pair]] = field(default_factory=dict)
    words: list[Pair] = field(default_factory=list)
    only_first: list[str] = field(default_factory=list)
    only_second: list[str] = field(default_factory=list)
    both: int = 0
    rows: list[tuple[int, int]] = field(default_factory=list)  # indexes of the outcomes that were matched

    def number(self, *pair: str) -> None:
        """Note a number (where, field, first, second) that one of them wrote."""
        if any(pair[2:]):
            self.numbers.append(Pair(*pair))

    def judge(self, kind: str, *pair: str) -> None:
        """Note a judgement of a kind that one of them made."""
        if any(pair[2:]):
            self.judgements.setdefault(kind, []).append(Pair(*pair))


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of ``n`` items judged by both; NaN where it or its limits are not known: ``status`` says why."""

    n: int
    agree: int
    kappa: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    status: str = OK


def cohen_kappa(pairs: Sequence[tuple[str, str]], z: float = 1.959963984540054) -> Kappa:
    """Give Cohen's kappa, unweighted, of what each of two readers judged; ``z`` is the quantile for its interval.

    References
    ----------
    Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46:
    kappa = (po − pe) / (1 − pe). Variance: Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323-327.

    Examples
    --------
    >>> pairs = 20 * [("y", "y")] + 5 * [("y", "n")] + 10 * [("n", "y")] + 15 * [("n", "n")]
    >>> round(cohen_kappa(pairs).kappa, 10)
    0.4
    """
    n = len(pairs)
    agree = sum(one == other for one, other in pairs)
    if n == 0:
        return Kappa(0, 0, status="nothing was judged by both")
    first, second = (Counter(pair[i] for pair in pairs) for i in (0, 1))
    expected = sum(first[level] * second[level] for level in first) / n**2
    if expected == 1:
        why = "both used one and the same word throughout, so chance cannot be told from agreement"
        return Kappa(n, agree, status=why)
    kappa = (agree / n - expected) / (1 - expected)
    if n < FEWEST_FOR_INTERVAL:
        return Kappa(n, agree, kappa, status=f"no interval: fewer than {FEWEST_FOR_INTERVAL} items")
    half = z * math.sqrt(kappa_variance(pairs, kappa, expected))
    return Kappa(n, agree, kappa, kappa - half, min(1.0, kappa + half))


def kappa_variance(pairs: Sequence[tuple[str, str]], kappa: float, expected: float) -> float:
    """Give the large-sample variance of kappa: Fleiss, Cohen and Everitt 1969, equation 13."""
    n, cells = len(pairs), Counter(pairs)
    first, second = (Counter(pair[i] for pair in pairs) for i in (0, 1))
    left = 1 - kappa
    a = math.fsum(cells[k, k] / n * (1 - (first[k] + second[k]) / n * left) ** 2 for k in first)
    b = left**2 * math.fsum(c / n * (second[i] / n + first[j] / n) ** 2 for (i, j), c in cells.items() if i != j)
    return max(0.0, (a + b - (kappa - expected * left) ** 2) / ((1 - expected) ** 2 * n))


def compare_sheets(first: Sheet, second: Sheet) -> Reading:
    """Set two sheets of one study side by side.

    Rows are matched by outcome and arm (characteristics by name, arm and group); where there are several, by window,
    then by counts, then by how alike their definitions are. What only one reader has is listed, not counted as a
    difference of numbers.
    """
    found = Reading(first.id)
    for name in ("citation.year", "centres", "enrolled.from_", "enrolled.to"):
        found.number(first.label, name.removesuffix("_"), _get(first, name), _get(second, name))
    for name in ("report", "design", "ascertainment"):
        found.judge("kind of study", first.label, name, _get(first, name), _get(second, name))
    _arms(found, first, second)
    for kind in NUMBERS:
        _rows(found, kind, getattr(first, kind), getattr(second, kind))
    _risk(found, first, second)
    return found


def _arms(found: Reading, first: Sheet, second: Sheet) -> None:
    found.only_first += [f"arm {name}" for name in first.arms if name not in second.arms]
    found.only_second += [f"arm {name}" for name in second.arms if name not in first.arms]
    for name, one in first.arms.items():
        if other := second.arms.get(name):
            found.both += 1
            found.number(f"arm {name}", "patients", _text(one.patients), _text(other.patients))
            for key in dict.fromkeys([*one.attributes, *other.attributes]):
                values = (arm.attributes.get(key, "") for arm in (one, other))
                found.judge("properties of arms", f"arm {name}", key, *values)


def _rows(found: Reading, kind: str, first: Sequence[Any], second: Sequence[Any]) -> None:
    pairs = match_rows(kind, first, second)
    found.both += len(pairs)
    for i, j in pairs:
        one, other, where = first[i], second[j], _name(kind, first[i])
        for name in NUMBERS[kind]:
            found.number(where, name, _get(one, name), _get(other, name))
        for name in JUDGED if kind != "characteristics" else ():
            found.judge(name, where, name, _get(one, name), _get(other, name))
        words = [Pair(where, name, _get(one, name), _get(other, name)) for name in WORDS]
        found.words += [pair for pair in words if not pair.same]
    if kind == "outcomes":
        found.rows = pairs
    matched = [set(side) for side in zip(*pairs, strict=True)] or [set(), set()]
    found.only_first += [_name(kind, row) for i, row in enumerate(first) if i not in matched[0]]
    found.only_second += [_name(kind, row) for j, row in enumerate(second) if j not in matched[1]]


def match_rows(kind: str, first: Sequence[Any], second: Sequence[Any]) -> list[tuple[int, int]]:
    """Pair the rows that are about the same thing, each once; give their indexes in the order of the first."""

    def likeness(pair: tuple[int, int]) -> tuple:
        i, j = pair
        one, other = first[i], second[j]
        numbers = sum(_get(one, name) == _get(other, name) for name in NUMBERS[kind])
        words = [SequenceMatcher(None, _get(one, w), _get(other, w)).ratio() for w in WORDS if hasattr(one, w)]
        return _get(one, "window") == _get(other, "window"), numbers, sum(words), -abs(i - j), -i

    def about_the_same(one: Any, other: Any) -> bool:
        if any(getattr(one, name) != getattr(other, name) for name in NAMES[kind]):
            return False
        # Another exposure is another table, however the numbers look.
        return kind != "comparisons" or _alike(one.exposure, other.exposure)

    candidates = [(i, j) for i, a in enumerate(first) for j, b in enumerate(second) if about_the_same(a, b)]
    pairs: list[tuple[int, int]] = []
    for i, j in sorted(candidates, key=likeness, reverse=True):
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return sorted(pairs)


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio() > 0.6


def _risk(found: Reading, first: Sheet, second: Sheet) -> None:
    one, other = first.risk_of_bias, second.risk_of_bias
    if one and other and one.tool == other.tool:
        for item in dict.fromkeys([*one.items, *other.items]):
            values = (risk.items[item].judgement if item in risk.items else "" for risk in (one, other))
            found.judge("risk of bias", "risk of bias", item, *values)
        return
    for risk, only in ((one, found.only_first), (other, found.only_second)):
        only += [risk.tool if one and other else "risk of bias"] if risk else []


def _get(row: Any, name: str) -> str:
    """Give a field as text; what is missing in words is words."""
    for step in name.split("."):
        row = getattr(row, step, None)
    return (UNSTATED if name == "window" else "") if row is None else str(row)


def _text(value: int | None) -> str:
    return NOT_REPORTED if value is None else str(value)


def _name(kind: str, row: Any) -> str:
    if kind == "outcomes":
        return f"{row.outcome}, {row.arm}, {format_window(row.window, row.window_words)}"
    if kind == "comparisons":
        return f"{row.outcome} by {row.exposure}, {row.arm}"
    return ", ".join(filter(None, (row.name, row.arm, row.group)))


def _comparable(text: str) -> Any:
    try:
        return float(text.rstrip("% ")) if text else ""
    except ValueError:
        return " ".join(text.lower().split())


def agreement_markdown(readings: Iterable[Reading], first: str, second: str) -> str:
    """Write what two readers, called ``first`` and ``second``, agree on, as Markdown; one reading a study.

    The share of numbers that agree, Cohen's kappa of each kind of judgement, then every difference.
    """
    readings = list(readings)
    numbers = [(r.study, pair) for r in readings for pair in r.numbers]
    judged = [(r.study, pair) for r in readings for pairs in r.judgements.values() for pair in pairs]
    words = [(r.study, pair) for r in readings for pair in r.words]
    parts = [f"# Agreement of {first} and {second}", *_summary(readings, numbers)]
    parts += ["## Numbers that differ", _listed(numbers, first, second)]
    parts += ["## Judgements that differ", _listed(judged, first, second)]
    for name, only in ((first, "only_first"), (second, "only_second")):
        lines = [f"- {r.study}: {what}".replace("|", "\\|") for r in readings for what in getattr(r, only)]
        parts += [f"## Only {name} has", "\n".join(lines) or "Nothing."]
    return "\n\n".join([*parts, "## Words that differ (not counted)", _listed(words, first, second)]) + "\n"


def _summary(readings: Sequence[Reading], numbers: Sequence[tuple[str, Pair]]) -> list[str]:
    same, both = sum(pair.same for _, pair in numbers), sum(r.both for r in readings)
    every = both + sum(len(r.only_first) + len(r.only_second) for r in readings)
    rows = []
    for kind in dict.fromkeys(kind for r in readings for kind in r.judgements):
        pairs = [(p.first, p.second) for r in readings for p in r.judgements.get(kind, ()) if p.first and p.second]
        k = cohen_kappa(pairs)
        interval = MISSING if math.isnan(k.ci_low) else f"{_decimal(k.ci_low)} to {_decimal(k.ci_high)}"
        rows.append((kind, k.n, k.agree, _decimal(k.kappa), interval, remarks_of(k.status)))
    head = ("judgement", "items", "agree", "Cohen's kappa", "95 % interval", "remark")
    found = f"{_share(both, every, 'arms and rows')} were found by both readers; numbers are compared in those only."
    return [f"{_share(same, len(numbers), 'numbers')} agree. {found}", markdown_table(head, rows, range(1, 5))]


def _share(some: int, every: int, what: str) -> str:
    percent = f" ({format_percent(some / every)} %)" if every else ""
    return f"{format_count(some)} of {format_count(every)} {what}{percent}"


def _decimal(value: float) -> str:
    return format_statistic(value).replace("-", "−")


def _listed(pairs: Iterable[tuple[str, Pair]], first: str, second: str) -> str:
    rows = [(study, p.where, p.field, p.first or MISSING, p.second or MISSING) for study, p in pairs if not p.same]
    return markdown_table(("study", "where", "field", first, second), rows) if rows else "None."


def mark_second_reading(first: Sheet, second: Sheet) -> Sheet:
    """Mark in the first sheet what a second reader found: `agree` where events, patients and window are the same.

    Every row that both have gets `second_reading`, and the second's numbers as `second_note` where they differ; the
    second's date becomes `extraction.second`. Rows that only the first has stay unmarked.
    """
    rows = list(first.outcomes)
    for i, j in match_rows("outcomes", first.outcomes, second.outcomes):
        one, other = first.outcomes[i], second.outcomes[j]
        same = all(_get(one, name) == _get(other, name) for name in ("events", "patients", "window"))
        marks: dict[str, Any] = {"second_reading": "agree" if same else "disagree"}
        if not same:
            counts = f"{_text(other.events)} of {_text(other.patients)}"
            marks["second_note"] = (
                f"The second reader has {counts}, window {format_window(other.window, other.window_words)}."
            )
        rows[i] = one.model_copy(update=marks)
    extraction = first.extraction.model_copy(update={"second": second.extraction.first})
    return first.model_copy(update={"outcomes": tuple(rows), "extraction": extraction})
