"""The page on what changed, as Markdown: the first line says whether results change at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..protocol.config import STUDY_VARIABLES, Protocol
from ..words.formatting import MISSING, format_count, format_difference, format_percent
from ..words.prose import agree, inside, joined, percent, plural, upper_first
from .differences import Correction
from .presence import word_of
from .snapshot import Snapshot
from .story import ENGINE, Story
from .wording import cells, decimals_apart, estimate_words, markdown_table

MOST = 40  # lines of a table
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


def write_page(last: Story | None, release: Story | None, names: Names, state: str) -> str:
    """Write the page against the last commit and the last release; either may be missing.

    Parameters
    ----------
    last, release : Story or None
    names : Names
    state : str
        Digest of the sheets and the config that the page is of.
    """
    if last is None and release is None:
        return "**Nothing to compare with:** no earlier results are at hand. The next ones are compared with these.\n"
    parts = [write_story(last, names, "`python -m synthesis.guard --all`")] if last is not None else []
    if release is not None:
        told = write_story(release, names, "`results/changes.csv`, which `make` builds")
        parts += [f"## Against the last release, {release.before.name}\n", re.sub(r"^## ", "### ", told, flags=re.M)]
    return "\n".join([*parts, state_line(state)])


def state_line(state: str) -> str:
    """Give the last line of the page, by which a build outside git knows whether the page is of what it builds."""
    return f"Written for sheets and config `{state}`.\n"


def write_story(story: Story, names: Names, more: str) -> str:
    """Write what changed between two snapshots.

    Parameters
    ----------
    story : Story
    names : Names
    more : str
        Where the estimates stand that the page has no room for.
    """
    names = replace(names, analyses=story.analyses)
    parts = [first_line(story), *answers_part(story, names), *moves_part(story, names)]
    if story.numbers_move or story.conclusions:
        parts += ["## Conclusions that change", conclusion_lines(story, names)]
    parts += [*presences_part(story, names), *renames_part(story, names), *sheets_part(story, names)]
    parts += [*corrections_part(story, names), *choices_part(story), *subgroups_part(story, names, more)]
    return "\n\n".join(part for part in parts if part) + "\n"


def first_line(story: Story) -> str:
    """Say whether results change, and what did."""
    against, why = story.before.name, why_words(story)
    if not story.numbers_move:
        because = f" {upper_first(why)}." if why else ""
        remarks = f" The remarks on {format_count(story.remarks)} of them differ." if story.remarks else ""
        cross = plural(len(story.conclusions), "conclusion changes", "conclusions change") if story.conclusions else ""
        same = f"all {format_count(story.estimates)} pooled estimates are the same{f'; {cross}' if cross else ''}"
        return f"**Results do not change** against {against}: {same}.{remarks}{because}"
    return f"**Results change** against {against}: {'; '.join(filter(None, (moved_words(story), why)))}."


def moved_words(story: Story) -> str:
    """Count what moved, and the conclusions that change."""
    moved = []
    if story.changes:
        analyses = plural(len({c.key[0] for c in story.changes}), "analysis", "analyses")
        moved.append(f"{plural(len(story.changes), 'pooled estimate')} in {analyses}")
    if story.answers:
        n = len(story.answers)
        of = f"{n} of them" if story.changes and story.models[0] == story.models[1] else f"{n}"
        moved.append(f"{of} {agree(n, 'an answer', 'answers')} over all studies")
    if not moved:
        counted = (
            (story.others["contrasts"], "comparison of two levels", "comparisons of two levels"),
            (story.others["comparisons"], "estimate of a risk factor", "estimates of risk factors"),
        )
        moved = [plural(*one) for one in counted if one[0]]
    came = sum(len(p.analyses) * len(p.groups) * len(p.models) for p in story.presences)
    if came:
        moved.append(f"{plural(came, 'pool')} came or went")
    cross = plural(len(story.conclusions), "conclusion changes", "conclusions change") if story.conclusions else ""
    return f"{', '.join(moved)}; {cross or 'no conclusion changes'}"


def why_words(story: Story) -> str:
    """Say in half a sentence what differs in the sheets, the config and the engine."""
    data, renames = story.data, story.renames
    counted = (
        (len(data.new), "new sheet", "new sheets"),
        (len(data.gone), "sheet removed", "sheets removed"),
        (len(data.corrections), "entry of a sheet corrected", "entries of sheets corrected"),
        (len(data.choices), "choice of the config changed", "choices of the config changed"),
        (len(renames.analyses) + len(renames.levels), "name changed", "names changed"),
        (sum(data.reworded.values()), "row reworded", "rows reworded"),
    )
    words = [plural(n, one, many) for n, one, many in counted if n]
    if story.models[0] != story.models[1]:
        words.insert(0, f"the primary model is {story.models[1]} instead of {story.models[0]}")
    return joined([*words, *([f"{ENGINE} changed"] if story.engine_moved else [])])


def answers_part(story: Story, names: Names) -> list[str]:
    """Give the pools over all studies before and after."""
    if not story.answers:
        return []
    level = percent(story.limits.level)
    unit = upper_first(names.unit)
    head = ["Outcome", "", "Studies", "Events", unit, f"% ({level} CI)", f"{level} PI", "τ²", "Test of homogeneity"]
    rows = []
    for answer in story.answers:
        decimals = decimals_apart(answer.before, answer.after)
        if story.models[0] != story.models[1]:  # which two models tell apart by more digits than anyone reads
            decimals = min(decimals, 2)
        for when, row in (("before", answer.before), ("after", answer.after)):
            label = names.analysis(answer.analysis) if when == "before" else ""
            rows.append([label, when_words(when, story), *(cells(row, decimals) if row else [MISSING] * 7)])
    moved = {answer.analysis for answer in story.answers}
    same = [label for name, label in names.analyses.items() if name not in moved]
    unchanged = f"Unchanged: {'; '.join(same)}." if same else ""
    note = "CI, confidence interval; PI, prediction interval; τ² on the logit scale."
    return ["## Answers", markdown_table(head, rows, right=range(2, 9)), " ".join(filter(None, (unchanged, note)))]


def when_words(when: str, story: Story) -> str:
    """Say of which version a line is; with model and level where these differ between the two."""
    then = when == "before"
    levels = [snapshot.level() for snapshot in (story.before, story.after)]
    said = [story.models[0 if then else 1]] if story.models[0] != story.models[1] else []
    said += [percent(levels[0 if then else 1])] if levels[0] != levels[1] else []
    return f"{when} ({', '.join(said)})" if said else when


def moves_part(story: Story, names: Names) -> list[str]:
    """Give what each sheet did to each pool, and what no sheet did."""
    rows, decimals = [], 2
    for answer in story.answers:
        for i, move in enumerate(story.moves.get(answer.analysis, [])):
            rows.append(
                [
                    names.analysis(answer.analysis) if i == 0 else "",
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
    return [*parts, *elsewhere_lines(story, names, decimals)]


def elsewhere_lines(story: Story, names: Names, decimals: int) -> list[str]:
    """Say which answers moved by more than sheets, and by what."""
    silent = [names.analysis(name) for name in story.elsewhere if not story.moves[name]]
    lines = [f"No sheet moved {joined(silent)}: {story.cause} did."] if silent else []
    both = [
        f"{names.analysis(name)} {format_percent(story.without[name], decimals)}%"
        for name in story.elsewhere
        if story.moves[name]
    ]
    if both:
        lines.append(f"Not by sheets alone: the rows as they were now give {joined(both)}, by {story.cause}.")
    return lines


def conclusion_lines(story: Story, names: Names) -> str:
    """List the conclusions, or say what was looked at."""
    if story.conclusions:
        return "\n".join(
            f"- {names.analysis(c.analysis) if c.analysis else 'Risk factor'}: {c.text}" for c in story.conclusions
        )
    thresholds = joined([f"{t:g}%" for t in story.limits.thresholds], "or")
    looked = [
        f"no confidence or prediction interval moves across {thresholds}",
        f"no P value across {story.limits.alpha:g}",
        *([] if story.presences else ["every pool stays what it was, a pool or a description"]),
    ]
    return f"None: {joined(looked)}."


def presences_part(story: Story, names: Names) -> list[str]:
    """List the pools that came or went."""
    lines = []
    for one in story.presences[:MOST]:
        every = len(one.analyses) == len(names.analyses) > 1
        where = "Every analysis" if every else joined(names.analysis(a) for a in one.analyses)
        levels = joined(names.levels.get(one.subset, {}).get(group, group or "test") for group in one.groups)
        split = "" if one.subset == "all" else f", {inside(names.variables.get(one.subset, one.subset))}: {levels}"
        lines.append(f"- {where}{split} ({', '.join(one.models)}): {one.word}.")
    more = len(story.presences) - MOST
    lines += [f"- … and {plural(more, 'more')}."] if more > 0 else []
    return ["## Pools that came or went", "\n".join(lines)] if lines else []


def renames_part(story: Story, names: Names) -> list[str]:
    """List what is called otherwise."""
    lines = [f"- analysis `{old}` → `{new}`" for old, new in story.renames.analyses.items()]
    lines += [
        f"- {inside(names.variables.get(variable, variable))} `{old}` → `{new}`"
        for (variable, old), new in story.renames.levels.items()
    ]
    return ["## Called otherwise, with the same numbers", "\n".join(lines)] if lines else []


def sheets_part(story: Story, names: Names) -> list[str]:
    """List sheets that came and went, with what they hold and where it is pooled."""
    lines = []
    for word, studies, snapshot in (("New", story.data.new, story.after), ("Removed", story.data.gone, story.before)):
        for study in studies:
            counts = sum(row["study"] == study for row in snapshot.table("data/outcomes"))
            pools = pools_of(snapshot, study, names)
            pooled = f"pooled in {joined(pools)}" if pools else "not pooled"
            lines.append(f"- {word}: {snapshot.label(study)} ({study}; {plural(counts, 'count')}; {pooled})")
    if story.data.unread:
        lines.append(f"- Not compared, since this engine cannot read them as they were: {joined(story.data.unread)}")
    return ["## Sheets", "\n".join(lines)] if lines else []


def pools_of(snapshot: Snapshot, study: str, names: Names) -> list[str]:
    """Name the analyses that pool a study."""
    return [label for name, label in names.analyses.items() if any(r["study"] == study for r in snapshot.used(name))]


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
    model, order = story.limits.model, list(names.analyses)
    moved = [c for c in story.changes if c.before and c.after and not word_of(c)]
    answers = sum(c.key[1] == "all" and c.key[3] == model for c in moved)
    rows = []
    for change in sorted(moved, key=lambda c: order.index(c.key[0])):
        if change.key[1] != "all" and change.key[3] == model:
            decimals = decimals_apart(change.before, change.after)
            words = [estimate_words(row, decimals) for row in (change.before, change.after)]
            if words[0] != words[1]:  # else what differs is not printed
                rows.append([names.analysis(change.key[0]), names.group(*change.key[1:3]), *words])
    rows = rows[:MOST]
    rest, parts = len(moved) - answers - len(rows), []
    if rows:
        head = ["Outcome", "Subgroup", "Before, % (CI)", "After, % (CI)"]
        parts = ["## Subgroups", markdown_table(head, shorten(rows))]
    if rest > 0:
        verb = agree(rest, "differs", "differ")
        parts.append(f"Of other models and subgroups {plural(rest, 'more estimate')} {verb}: {more}.")
    if story.remarks and story.numbers_move:
        parts.append(f"On {plural(story.remarks, 'other estimate')} only a remark differs.")
    return parts


def label_of(story: Story, study: str) -> str:
    """Give how figures call a study, in either snapshot."""
    label = story.after.label(study)
    return label if label != study else story.before.label(study)


def shorten(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Cut cells that no table holds."""
    return [[cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1].rstrip()}…" for cell in row] for row in rows]
