"""The page on what changed, as Markdown: the first line says whether results change at all."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ..protocol.config import STUDY_VARIABLES, Protocol
from ..words.formatting import MISSING, format_count, format_difference, format_percent
from ..words.model_names import interval_name, interval_of, tau2_of
from ..words.prose import agree, inside, joined, markdown_table, percent, plural, upper_first
from .estimates import word_of
from .story import ENGINE, Story
from .wording import cells, decimals_apart, estimate_words

MOST = 40  # lines of a table
WIDEST = 160  # letters of a cell
DECIMALS = 2  # of what a sheet moves

table = partial(markdown_table, padded=True)


@dataclass(frozen=True)
class Names:
    """The words of the review: name → label; of levels, variable → level → label."""

    unit: str
    analyses: Mapping[str, str]
    outcomes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def analysis(self, name: str) -> str:
        """Give the label of an analysis, or its name when it left the config."""
        return self.analyses.get(name, name.replace("_", " "))

    def variable(self, name: str) -> str:
        """Give the label of what levels are of."""
        return self.variables.get(name, name)

    def level(self, variable: str, name: str) -> str:
        """Give the label of a level; a blank one is the test between levels."""
        return self.levels.get(variable, {}).get(name, name or "test")


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
    """Write the page of sheets and config of a state against the last commit and the last release, if there are any."""
    if not last and not release:
        return "**Nothing to compare with:** no earlier results are at hand. The next ones are compared with these.\n"
    parts = [write_story(last, names, "`python -m synthesis.guard --all`")] if last else []
    if release:
        told = write_story(release, names, "`results/changes.csv`, which `make` builds")
        parts += [f"## Against the last release, {release.before.name}\n", re.sub(r"^## ", "### ", told, flags=re.M)]
    return "\n".join([*parts, state_line(state)])


def state_line(state: str) -> str:
    """Give the last line of the page, by which a build outside git knows whether the page is of what it builds."""
    return f"Written for sheets and config `{state}`.\n"


def write_story(story: Story, names: Names, more: str) -> str:
    """Write what changed between two snapshots; ``more`` is where estimates stand that the page has no room for."""
    names = replace(names, analyses=story.analyses)
    parts = [first_line(story), *answers_part(story, names), *moves_part(story, names)]
    if story.numbers_move or story.conclusions:
        parts += ["## Conclusions that change", conclusion_lines(story, names)]
    parts += listed("Pools that came or went", presence_lines(story, names))
    parts += listed("Called otherwise, with the same numbers", rename_lines(story, names))
    parts += listed("Sheets", sheet_lines(story, names))
    parts += [*corrections_part(story, names), *choices_part(story), *subgroups_part(story, names, more)]
    return "\n\n".join(parts) + "\n"


def listed(heading: str, lines: Iterator[str]) -> list[str]:
    """Give lines below their heading; nothing without any."""
    text = "\n".join(f"- {line}" for line in lines)
    return [f"## {heading}", text] if text else []


def first_line(story: Story) -> str:
    """Say whether results change, and what did."""
    against, why, n = story.before.name, why_words(story), len(story.conclusions)
    cross = plural(n, "conclusion changes", "conclusions change") if n else ""
    if story.numbers_move:
        told = f"{', '.join(moved_words(story))}; {cross or 'no conclusion changes'}"
        return f"**Results change** against {against}: {'; '.join(filter(None, (told, why)))}."
    same = f"all {format_count(story.estimates)} pooled estimates are the same{f'; {cross}' if cross else ''}."
    remarks = f" The remarks on {format_count(story.remarks)} of them differ." if story.remarks else ""
    return f"**Results do not change** against {against}: {same}{remarks}{f' {upper_first(why)}.' if why else ''}"


def moved_words(story: Story) -> Iterator[str]:
    """Count what moved."""
    if story.changes:
        analyses = plural(len({change.key[0] for change in story.changes}), "analysis", "analyses")
        yield f"{plural(len(story.changes), 'pooled estimate')} in {analyses}"
    if n := len(story.answers):
        of = " of them" if story.changes and not story.model_moves else ""
        yield f"{n}{of} {agree(n, 'an answer', 'answers')} over all studies"
    if not story.changes and not story.answers:
        counted = (
            (story.others["contrasts"], "comparison of two levels", "comparisons of two levels"),
            (story.others["comparisons"], "estimate of a risk factor", "estimates of risk factors"),
        )
        yield from (plural(*one) for one in counted if one[0])
    if came := sum(len(one.analyses) * len(one.groups) * len(one.models) for one in story.presences):
        yield f"{plural(came, 'pool')} came or went"


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
    model = [f"the primary model is {story.models[1]} instead of {story.models[0]}"] if story.model_moves else []
    engine = [f"{ENGINE} changed"] if story.engine_moved else []
    return joined([*model, *(plural(*one) for one in counted if one[0]), *engine])


def answers_part(story: Story, names: Names) -> list[str]:
    """Give the pools over all studies before and after; with model and level where these differ between the two."""
    if not story.answers:
        return []
    levels = [percent(snapshot.level()) for snapshot in (story.before, story.after)]
    apart = [pair for pair in (story.models, levels) if pair[0] != pair[1]]
    rows = []
    for name, pools in story.answers.items():
        decimals = decimals_apart(*pools)
        if story.model_moves:  # which two models tell apart by more digits than anyone reads
            decimals = min(decimals, 2)
        for i, (when, pool) in enumerate(zip(("before", "after"), pools, strict=True)):
            said = f" ({', '.join(pair[i] for pair in apart)})" if apart else ""
            shown = cells(pool, decimals) if pool else [MISSING] * 7
            rows.append(["" if i else names.analysis(name), when + said, *shown])
    level, unit = percent(story.limits.level), upper_first(names.unit)
    head = [
        "Outcome",
        "",
        "Studies",
        "Events",
        unit,
        f"% ({level} {interval_of(story.models[1])})",
        f"{level} PI",
        "τ²",
        "Test of homogeneity",
    ]
    same = [label for name, label in names.analyses.items() if name not in story.answers]
    unchanged = f"Unchanged: {'; '.join(same)}. " if same else ""
    model = story.models[1]
    note = f"{unchanged}{interval_of(model)}, {interval_name(model)}; PI, prediction interval; {tau2_of(model)}."
    return ["## Answers", table(head, rows, right=range(2, 9)), note]


def moves_part(story: Story, names: Names) -> list[str]:
    """Give what each sheet did to each pool, and what no sheet did."""
    parts, rows = [], []
    for name, moves in story.moves.items():
        for i, move in enumerate(moves):
            label = "" if i else names.analysis(name)
            shift = format_difference(move.shift, None, None, DECIMALS)
            rows.append([label, story.label(move.study), move.what, format_percent(move.estimate, DECIMALS), shift])
    if rows:
        head = ["Outcome", "Sheet", "Its rows in the pool", "If it were as before, %", "Shift, percentage points"]
        note = (
            "Each line sets one sheet back to what it was and keeps all others as they are now, so the shifts of one "
            "pool need not add up."
        )
        parts = ["## Which sheet moved them", table(head, shorten(rows), right=(3, 4)), note]
    silent = [names.analysis(name) for name in story.elsewhere if not story.moves[name]]
    parts += [f"No sheet moved {joined(silent)}: {story.cause} did."] if silent else []
    both = {names.analysis(name): story.without[name] for name in story.elsewhere if story.moves[name]}
    if both:
        pools = joined(f"{label} {format_percent(pool, DECIMALS)}%" for label, pool in both.items())
        parts.append(f"Not by sheets alone: the rows as they were now give {pools}, by {story.cause}.")
    return parts


def conclusion_lines(story: Story, names: Names) -> str:
    """List the conclusions, or say what was looked at."""
    if story.conclusions:
        told = (
            (names.analysis(one.analysis) if one.analysis else "Risk factor", one.text) for one in story.conclusions
        )
        return "\n".join(f"- {label}: {text}" for label, text in told)
    thresholds = joined([f"{t:g}%" for t in story.limits.thresholds], "or")
    looked = [f"no confidence or prediction interval moves across {thresholds}"]
    looked.append(f"no P value across {story.limits.alpha:g}")
    looked += [] if story.presences else ["every pool stays what it was, a pool or a description"]
    return f"None: {joined(looked)}."


def presence_lines(story: Story, names: Names) -> Iterator[str]:
    """List the pools that came or went."""
    for one in story.presences[:MOST]:
        every = len(one.analyses) == len(names.analyses) > 1
        where = "Every analysis" if every else joined(map(names.analysis, one.analyses))
        levels = joined(names.level(one.subset, group) for group in one.groups)
        split = "" if one.subset == "all" else f", {inside(names.variable(one.subset))}: {levels}"
        yield f"{where}{split} ({', '.join(one.models)}): {one.word}."
    yield from and_more(len(story.presences))


def rename_lines(story: Story, names: Names) -> Iterator[str]:
    """List what is called otherwise."""
    yield from (f"analysis `{old}` → `{new}`" for old, new in story.renames.analyses.items())
    for (variable, old), new in story.renames.levels.items():
        yield f"{inside(names.variable(variable))} `{old}` → `{new}`"


def sheet_lines(story: Story, names: Names) -> Iterator[str]:
    """List sheets that came and went, with what they hold and where it is pooled."""
    for word, studies, snapshot in (("New", story.data.new, story.after), ("Removed", story.data.gone, story.before)):
        for study in studies:
            counts = sum(row["study"] == study for row in snapshot.table("data/outcomes"))
            used = [name for name in names.analyses if any(row["study"] == study for row in snapshot.used(name))]
            pooled = f"pooled in {joined(map(names.analysis, used))}" if used else "not pooled"
            yield f"{word}: {snapshot.label(study)} ({study}; {plural(counts, 'count')}; {pooled})"
    if story.data.unread:
        yield f"Not compared, since this engine cannot read them as they were: {joined(story.data.unread)}"


def corrections_part(story: Story, names: Names) -> list[str]:
    """Give every corrected number, and count what was only reworded."""
    rows = []
    for one in story.data.corrections:
        what = " / ".join(names.outcomes.get(part, part) for part in one.what.split(" / "))
        rows.append([story.label(one.study), what, one.cell, one.before or MISSING, one.after or MISSING])
    parts = tabled("Corrected", ["Sheet", "Row", "What", "Before", "After"], rows)
    reworded = joined(f"{story.label(study)} ({plural(n, 'row')})" for study, n in story.data.reworded.items())
    return [*parts, *([f"Only reworded, or another source named: {reworded}."] if reworded else [])]


def choices_part(story: Story) -> list[str]:
    """Give the choices of the config that changed."""
    rows = [[f"`{key}`", before, after] for key, before, after in story.data.choices]
    return tabled("Choices", ["Key of config.yaml", "Before", "After"], rows)


def subgroups_part(story: Story, names: Names, more: str) -> list[str]:
    """Give the pools of subgroups before and after, and count what else differs."""
    model, order = story.limits.model, list(names.analyses)
    moved = [change for change in story.changes if change.before and change.after and not word_of(change)]
    led = [change for change in moved if change.key[3] == model]
    subgroups = [change for change in led if change.key[1] != "all"]
    rows = []
    for change in sorted(subgroups, key=lambda change: order.index(change.key[0])):
        analysis, variable, level, _ = change.key
        decimals = decimals_apart(change.before, change.after)
        words = [estimate_words(row, decimals) for row in (change.before, change.after)]
        if words[0] != words[1]:  # else what differs is not printed
            group = f"{names.variable(variable)}: {names.level(variable, level)}"
            rows.append([names.analysis(analysis), group, *words])
    rows = rows[:MOST]  # the rest is counted with what other models give
    parts = tabled("Subgroups", ["Outcome", "Subgroup", "Before, % (CI)", "After, % (CI)"], rows)
    if (rest := len(moved) - (len(led) - len(subgroups)) - len(rows)) > 0:
        verb = agree(rest, "differs", "differ")
        parts.append(f"Of other models and subgroups {plural(rest, 'more estimate')} {verb}: {more}.")
    if story.remarks and story.numbers_move:
        parts.append(f"On {plural(story.remarks, 'other estimate')} only a remark differs.")
    return parts


def tabled(heading: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give a table below its heading, with as many lines as anyone reads; nothing without any."""
    return [f"## {heading}", table(head, shorten(rows[:MOST])), *and_more(len(rows))] if rows else []


def and_more(n: int) -> list[str]:
    """Count what a list leaves out."""
    return [f"… and {format_count(n - MOST)} more."] if n > MOST else []


def shorten(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Cut cells that no table holds."""
    return [[cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1].rstrip()}…" for cell in row] for row in rows]
