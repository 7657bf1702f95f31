"""Who may share patients, and who then enters a pool: one rule for proportions and for 2×2 tables.

Of a study's arms the widest that share nobody; of the studies of a cohort the largest, then the fullest report.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from ..sheets.sheet import ArmParts, holders

ARTICLE_FIRST = ("article", "registry", "label", "manufacturer", "abstract", "review-table", "systematic review")
Item = TypeVar("Item")


def are_apart(one: str, other: str, arms: Sequence[ArmParts]) -> bool:
    """Say whether a sheet shows that two arms share no patients: they lie in different parts of what one comprises."""
    first, second = ({arm, *holders(arm, arms)} for arm in (one, other))
    sides = ((first & set(parts), second & set(parts)) for _, parts, _ in arms)
    return any(mine and yours and not mine & yours for mine, yours in sides)


def widest(
    items: Iterable[Item], order: Callable[[Item], object], apart: Callable[[Item, Item], bool]
) -> tuple[list[Item], list[tuple[Item, list[Item]]]]:
    """Give what is kept, taken in order, and what is not, with the kept ones that it may share patients with."""
    kept, left = [], []
    for item in sorted(items, key=order):
        over = [other for other in kept if not apart(item, other)]
        left += [(item, over)] if over else []
        kept += [] if over else [item]
    return kept, left


def one_a_cohort(studies: Iterable[tuple[Hashable, int, str, str | None]]) -> dict[Hashable, str]:
    """Let one study of a cohort in: the largest, then the fullest report, then the first by name.

    ``studies`` are (name, patients, report, cohort); gives study that stays out → why.
    """
    first, reasons = {}, {}
    for study, _, _, cohort in sorted(studies, key=lambda s: (-s[1], ARTICLE_FIRST.index(s[2]), s[0])):
        kept = first.setdefault(cohort, study) if cohort else study
        if kept != study:
            reasons[study] = f"shares patients with {kept} (cohort {cohort}), which is larger or fuller"
    return reasons
