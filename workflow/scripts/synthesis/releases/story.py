"""Everything that changed between two versions, and what of it no sheet accounts for."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..words.prose import joined
from .attribution import Move
from .conclusions import Conclusion, Limits
from .differences import Differences
from .estimates import Change
from .presence import Presence
from .renames import Renames
from .snapshot import Row, Snapshot

ENGINE = "the engine or a library"
BESIDE = ("models.sensitivity", "models.subgroups", "models.draw_prediction_from")  # they move no answer


@dataclass(frozen=True)
class Answer:
    """The pool of all studies with the model that leads, before and after; None where there is none."""

    analysis: str
    before: Row | None
    after: Row | None


@dataclass(frozen=True)
class Story:
    """Everything that changed between two snapshots.

    Parameters
    ----------
    before, after : Snapshot
    changes : list of Change
        Estimates of all models of which a number differs.
    others : mapping
        ``contrasts``, ``comparisons`` → rows that differ.
    data : Differences
    renames : Renames
        Names that changed and nothing else; the earlier numbers stand under the names of now.
    answers : list of Answer
        Those that changed.
    moves : mapping
        Analysis → moves of its overall pool.
    without : mapping
        Analysis → what its rows of before yield now, where no sheet changed that; else NaN.
    conclusions : list of Conclusion
    presences : list of Presence
        Pools that came or went.
    limits : Limits
    models : tuple of str
        The one that led, and the one that leads.
    analyses : mapping
        Name → label, of those there were and are.
    estimates : int
        All estimates that were compared.
    remarks : int
        Estimates with the same numbers and another remark.
    """

    before: Snapshot
    after: Snapshot
    changes: list[Change]
    others: Mapping[str, int]
    data: Differences
    renames: Renames
    answers: list[Answer]
    moves: Mapping[str, list[Move]]
    without: Mapping[str, float]
    conclusions: list[Conclusion]
    presences: list[Presence]
    limits: Limits
    models: tuple[str, str]
    analyses: Mapping[str, str]
    estimates: int
    remarks: int

    @property
    def numbers_move(self) -> bool:
        """Say whether any number of the results differs, or which one leads."""
        return bool(self.changes or self.answers or any(self.others.values()))

    @property
    def elsewhere(self) -> list[str]:
        """Name the analyses whose answer moved by more than sheets."""
        return [name for name, estimate in self.without.items() if not self.moves[name] or estimate == estimate]

    @property
    def cause(self) -> str:
        """Say what else than sheets moved answers."""
        if self.models[0] != self.models[1]:
            return f"the primary model ({self.models[0]} → {self.models[1]})"
        chosen = [key for key, *_ in self.data.choices if key.startswith("models.") and key not in BESIDE]
        return f"the config ({joined(f'`{key}`' for key in chosen)})" if chosen else ENGINE

    @property
    def engine_moved(self) -> bool:
        """Say whether numbers differ that neither a sheet nor the config accounts for."""
        data = self.data
        if self.cause == ENGINE and self.elsewhere:
            return True
        told = data.new or data.gone or data.corrections or data.choices or self.renames or any(self.moves.values())
        return self.numbers_move and not told

    def __bool__(self) -> bool:
        """Say whether anything differs that this page is about; the version alone is, too."""
        chosen = self.before.choices(), self.after.choices()
        other = all(chosen) and chosen[0] != chosen[1]
        return bool(other or self.numbers_move or self.remarks or self.data or self.renames or self.conclusions)
