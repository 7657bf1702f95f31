"""The page on what changed, as Markdown: the first line says whether results change at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..formatting import MISSING, format_count, format_difference, format_percent
from ..guard import Change
from ..prose import agree, joined, percent, plural
from ..protocol import STUDY_VARIABLES, Protocol
from .attribution import Move
from .conclusions import Conclusion, Limits
from .differences import Correction, Differences
from .snapshot import Snapshot
from .words import cells, decimals_apart, estimate_words, markdown_table

MOST = 40  # lines of a table; the rest stands in changes.csv
WIDEST = 160  # letters of a cell


@dataclass(frozen=True)
class Names:
    """The words of the review.

    Parameters
    ----------
    unit : str
    analyses, outcomes, variables : mapping
        Name → label.
    levels : mapping
        Variable → level → label.
    """

    unit: str
    analyses: Mapping[str, str]
    outcomes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def analysis(self, name: str) -> str:
        """Give the label of an analysis, or its name when it left the config."""
        return self.analyses.get(name, name.replace("_", " "))

    def group(self, variable: str, level: str) -> str:
        """Give a level with its variable."""
        label = self.variables.get(variable, variable)
        return f"{label}: {self.levels.get(variable, {}).get(level, level)}" if level else f"{label}: test"


def names_of(protocol: Protocol) -> dict:
    """Give the words of a review: the fields of ``Names``."""
    variables = ["product", *STUDY_VARIABLES, *protocol.attributes]
    return {
        "unit": protocol.review.unit,
        "analyses": {name: analysis.label for name, analysis in protocol.analyses.items()},
        "outcomes": {name: term.label for name, term in protocol.outcomes.items()},
        "variables": {variable: protocol.variable_label(variable) for variable in variables},
        "levels": {variable: protocol.levels(variable) for variable in variables},
    }


def limits_of(protocol: Protocol) -> dict:
    """Give what conclusions are measured by: the fields of ``Limits``."""
    models = protocol.models
    return {"thresholds": list(protocol.future.thresholds), "level": models.level, "model": models.primary}


@dataclass(frozen=True)
class Story:
    """Everything that changed between two snapshots.

    Parameters
    ----------
    before, after : Snapshot
    changes : list of Change
        Estimates of all models.
    contrasts : int
        Comparisons of two levels that differ.
    data : Differences
    moves : mapping
        Analysis → moves of its overall pool.
    conclusions : list of Conclusion
    limits : Limits
    estimates : int
        All estimates that were compared.
    """

    before: Snapshot
    after: Snapshot
    changes: list[Change]
    contrasts: int
    data: Differences
    moves: Mapping[str, list[Move]]
    conclusions: list[Conclusion]
    limits: Limits
    estimates: int

    @property
    def answers(self) -> list[Change]:
        """Give the overall pools with the leading model."""
        return [c for c in self.changes if c.key[1] == "all" and c.key[3] == self.limits.model]


def write_story(story: Story, names: Names, more: str = "[changes.csv](changes.csv)") -> str:
    """Write the page.

    Parameters
    ----------
    story : Story
    names : Names
    more : str
        Where the estimates stand that the page has no room for.
    """
    parts = [first_line(story), *answers_part(story, names), *moves_part(story, names)]
    if story.changes:
        parts += ["## Conclusions that change", conclusion_lines(story, names)]
    parts += [*sheets_part(story, names), *corrections_part(story, names), *choices_part(story)]
    parts += subgroups_part(story, names, more)
    return "\n\n".join(part for part in parts if part) + "\n"


def nothing_before(version: str, reason: str) -> str:
    """Write the page when there is nothing to compare with."""
    return f"**Nothing to compare with:** {reason}\n\nThe next version will be compared with this one ({version}).\n"


def first_line(story: Story) -> str:
    """Say whether results change, and what did."""
    against, data = story.before.name, data_words(story.data)
    if not story.changes and not story.contrasts:
        because = f" {data[:1].upper()}{data[1:]}." if data else ""
        same = f"all {format_count(story.estimates)} pooled estimates are the same"
        return f"**Results do not change** against {against}: {same}.{because}"
    analyses = len({c.key[0] for c in story.changes})
    moved = [f"{plural(len(story.changes), 'pooled estimate')} in {plural(analyses, 'analysis', 'analyses')}"]
    if story.answers:
        moved.append(
            f"{len(story.answers)} of them {agree(len(story.answers), 'an answer', 'answers')} over all studies"
        )
    if not story.changes:
        moved = [plural(story.contrasts, "comparison of two levels", "comparisons of two levels")]
    cross = plural(len(story.conclusions), "conclusion changes", "conclusions change") if story.conclusions else ""
    told = "; ".join(part for part in (", ".join(moved), cross or "no conclusion changes", data) if part)
    return f"**Results change** against {against}: {told}."


def data_words(data: Differences) -> str:
    """Say in half a sentence what differs in the sheets and the config."""
    counted = (
        (len(data.new), "new sheet", "new sheets"),
        (len(data.gone), "sheet removed", "sheets removed"),
        (len(data.corrections), "entry of a sheet corrected", "entries of sheets corrected"),
        (len(data.choices), "choice of the config changed", "choices of the config changed"),
        (sum(data.reworded.values()), "row reworded", "rows reworded"),
    )
    return joined(plural(n, one, many) for n, one, many in counted if n)


def answers_part(story: Story, names: Names) -> list[str]:
    """Give the pools over all studies before and after."""
    if not story.answers:
        return []
    level = percent(story.limits.level)
    unit = names.unit[:1].upper() + names.unit[1:]
    head = ["Outcome", "", "Studies", "Events", unit, f"% ({level} CI)", f"{level} PI", "τ²", "Test of homogeneity"]
    rows = []
    for change in story.answers:
        decimals = decimals_apart(change.before, change.after)
        for word, row in (("before", change.before), ("after", change.after)):
            label = names.analysis(change.key[0]) if word == "before" else ""
            rows.append([label, word, *(cells(row, decimals) if row else [MISSING] * 7)])
    same = [label for name, label in names.analyses.items() if name not in {c.key[0] for c in story.answers}]
    unchanged = f"Unchanged: {'; '.join(same)}." if same else ""
    note = "CI, confidence interval; PI, prediction interval; τ² on the logit scale."
    return ["## Answers", markdown_table(head, rows, right=range(2, 9)), " ".join(filter(None, (unchanged, note)))]


def moves_part(story: Story, names: Names) -> list[str]:
    """Give what each sheet did to each pool."""
    rows, silent = [], []
    for change in story.answers:
        analysis, moves = change.key[0], story.moves.get(change.key[0], [])
        if not moves and change.before and change.after:
            silent.append(names.analysis(analysis))
        for i, move in enumerate(moves):
            label, decimals = names.analysis(analysis) if i == 0 else "", 2
            rows.append(
                [
                    label,
                    label_of(story, move.study),
                    move.what,
                    format_percent(None if move.estimate != move.estimate else move.estimate, decimals),
                    format_difference(None if move.shift != move.shift else move.shift, None, None, decimals),
                ]
            )
    parts = []
    if rows:
        head = ["Outcome", "Sheet", "Its rows in the pool", "If it were as before, %", "Shift, percentage points"]
        note = (
            "Each line sets one sheet back to what it was and keeps all others as they are now, so the shifts of one "
            "pool need not add up."
        )
        parts = ["## Which sheet moved them", markdown_table(head, shorten(rows), right=(3, 4)), note]
    if silent:
        rest = "a choice of the config, the engine or a library" if story.data.choices else "the engine or a library"
        parts.append(f"No sheet moved {joined(silent)}: {rest} did.")
    return parts


def conclusion_lines(story: Story, names: Names) -> str:
    """List the conclusions, or say what was looked at."""
    if story.conclusions:
        return "\n".join(
            f"- {names.analysis(c.analysis) if c.analysis else 'Risk factor'}: {c.text}" for c in story.conclusions
        )
    thresholds = joined([f"{t:g}%" for t in story.limits.thresholds], "or")
    return (
        f"None: no confidence or prediction interval moves across {thresholds}, no P value across "
        f"{story.limits.alpha:g}, and every pool stays what it was, a pool or a description."
    )


def sheets_part(story: Story, names: Names) -> list[str]:
    """List sheets that came and went, with what they hold and where it is pooled."""
    lines = []
    for word, studies, snapshot in (("New", story.data.new, story.after), ("Removed", story.data.gone, story.before)):
        for study in studies:
            counts = sum(row["study"] == study for row in snapshot.table("data/outcomes"))
            pools = pools_of(snapshot, study, story, names)
            pooled = f"pooled in {joined(pools)}" if pools else "not pooled"
            lines.append(f"- {word}: {snapshot.label(study)} ({study}; {plural(counts, 'count')}; {pooled})")
    return ["## Sheets", "\n".join(lines)] if lines else []


def pools_of(snapshot: Snapshot, study: str, story: Story, names: Names) -> list[str]:
    """Name the analyses that pool a study."""
    analyses = dict.fromkeys([*names.analyses, *(row["analysis"] for row in story.before.table("estimates"))])
    return [names.analysis(a) for a in analyses if any(row["study"] == study for row in snapshot.used(a))]


def corrections_part(story: Story, names: Names) -> list[str]:
    """Give every corrected number, and count what was only reworded."""
    data, parts = story.data, []
    if data.corrections:
        rows = [correction_cells(story, c, names) for c in data.corrections]
        parts = ["## Corrected", markdown_table(["Sheet", "Row", "What", "Before", "After"], shorten(rows[:MOST]))]
        parts += [f"… and {plural(len(rows) - MOST, 'more')}." if len(rows) > MOST else ""]
    if data.reworded:
        words = joined(f"{label_of(story, study)} ({plural(n, 'row')})" for study, n in data.reworded.items())
        parts.append(f"Only reworded, or another source named: {words}.")
    return parts


def correction_cells(story: Story, correction: Correction, names: Names) -> list[str]:
    """Give the cells of one correction."""
    what = " / ".join(names.outcomes.get(part, part) for part in correction.what.split(" / "))
    return [
        label_of(story, correction.study),
        what,
        correction.cell,
        correction.before or MISSING,
        correction.after or MISSING,
    ]


def choices_part(story: Story) -> list[str]:
    """Give the choices of the config that changed."""
    rows = [[f"`{key}`", before, after] for key, before, after in story.data.choices]
    return (
        ["## Choices", markdown_table(["Key of config.yaml", "Before", "After"], shorten(rows[:MOST]))] if rows else []
    )


def subgroups_part(story: Story, names: Names, more: str) -> list[str]:
    """Give the pools of subgroups before and after, and count what else differs."""
    model, answers = story.limits.model, {id(change) for change in story.answers}
    split = [c for c in story.changes if c.key[1] != "all" and c.key[3] == model]
    split.sort(key=lambda change: (*names.analyses, change.key[0]).index(change.key[0]))
    rest = len(story.changes) - len(answers) - min(len(split), MOST)
    parts = []
    if split:
        rows = []
        for change in split[:MOST]:
            decimals = decimals_apart(change.before, change.after)
            words = [estimate_words(row, decimals) for row in (change.before, change.after)]
            rows.append([names.analysis(change.key[0]), names.group(*change.key[1:3]), *words])
        head = ["Outcome", "Subgroup", "Before, % (CI)", "After, % (CI)"]
        parts = ["## Subgroups", markdown_table(head, shorten(rows))]
    if rest > 0:
        verb = agree(rest, "differs", "differ")
        parts.append(f"Of other models and subgroups {plural(rest, 'more estimate')} {verb}: {more}.")
    return parts


def label_of(story: Story, study: str) -> str:
    """Give how figures call a study, in either snapshot."""
    label = story.after.label(study)
    return label if label != study else story.before.label(study)


def shorten(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Cut cells that no table holds."""
    return [[cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1].rstrip()}…" for cell in row] for row in rows]
