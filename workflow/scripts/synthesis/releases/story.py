"""Everything that changed between two versions, and what of it no sheet accounts for."""

from collections.abc import Mapping

from ..words.prose import joined
from .attribution import find_moves, without_sheets
from .conclusions import Limits, find_conclusions
from .differences import find_differences
from .estimates import NUMBERS, compare, differ, find_presences
from .renames import find_renames, with_names_of_now
from .snapshot import Row, Snapshot

ENGINE = "the engine or a library"
BESIDE = ("models.sensitivity", "models.subgroups", "models.draw_prediction_from")  # they move no answer
EFFECT = ("estimate", "ci_low", "ci_high", "p")
OTHERS = {  # tables beside the estimates, and what names a row of each
    "contrasts": ("analysis", "by", "first", "second", "kind", "study", "measure"),
    "comparisons": ("exposure", "outcome", "kind", "study", "arm", "model", "measure"),
}


class Story:
    """Everything that changed between two snapshots; ``analyses`` gives the labels of those there are now."""

    def __init__(self, before: Snapshot, after: Snapshot, analyses: Mapping[str, str], limits: Limits):
        self.renames = find_renames(before, after)  # the earlier numbers stand under the names of now
        self.data = find_differences(before, after)
        before = with_names_of_now(before, self.renames)
        self.before, self.after, self.limits = before, after, limits
        self.models = before.choices().get("models.primary", limits.model), limits.model  # that led, and that leads
        old, new = (snapshot.table("estimates") for snapshot in (before, after))
        differing = compare(old, new)
        self.changes = [one for one in differing if differ(one.before, one.after, NUMBERS)]
        self.estimates, self.remarks = len(new), len(differing) - len(self.changes)  # all; with another remark only
        self.others = {name: self._effects_that_differ(name) for name in OTHERS}
        self.analyses = analyses | {n: label for n, label in before.analyses().items() if n not in analyses}
        self.answers = self._find_answers()
        kept = [name for name, rows in self.answers.items() if all(rows)]
        self.moves = {name: find_moves(before, after, name, limits.model, limits.level) for name in kept}
        self.without = {name: without_sheets(before, after, name, self.models, limits.level) for name in kept}
        self.conclusions = find_conclusions(before, after, self.analyses, limits, self.models[0])
        self.presences = find_presences(self.changes, {r["analysis"] for r in old} ^ {r["analysis"] for r in new})

    def _effects_that_differ(self, name: str) -> int:
        """Count them among rows that hold an estimate; the others say why not, in the names of their time."""
        rows = ([row for row in s.table(name) if row["estimate"]] for s in (self.before, self.after))
        return len(compare(*rows, OTHERS[name], EFFECT))

    def _find_answers(self) -> dict[str, tuple[Row | None, Row | None]]:
        """Find the analyses whose pool of all studies is another one: before and after, by the model that leads."""
        led, leads = self.models
        pools = {name: (self.before.overall(name, led), self.after.overall(name, leads)) for name in self.analyses}
        return {name: rows for name, rows in pools.items() if any(rows) and (self.model_moves or differ(*rows))}

    @property
    def model_moves(self) -> bool:
        """Say whether another model leads."""
        return self.models[0] != self.models[1]

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
        if self.model_moves:
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

    @property
    def differs(self) -> bool:
        """Say whether anything differs that this page is about; the version alone is, too."""
        was, now = self.before.choices(), self.after.choices()
        other = was and now and was != now
        return bool(other or self.numbers_move or self.remarks or self.data or self.renames or self.conclusions)

    def label(self, study: str) -> str:
        """Give how figures call a study, in either snapshot."""
        label = self.after.label(study)
        return label if label != study else self.before.label(study)
