"""What must be true of a sheet, and of all sheets together, before anything is built."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

from ..protocol.config import Protocol
from ..tables.located import Located, TypingError, read_located
from ..tables.problems import MOST_TYPED, Problem, ProblemsError, field_name, first_of, one_of, quote, refuse
from ..words.characters import bare_doi, comparable, look_alike, plain
from ..words.levels import MIXED, NOT_REPORTED, OPEN, UNSTATED
from ..words.prose import agree
from .limits import fit_words, fitting, named
from .mending import mend
from .moderator_values import why_no_number
from .nesting import check_nesting, check_tables
from .sheet import SHORT, Arm, Characteristic, Outcome, Sheet, type_sheet

Checked = tuple[Located, Sheet | None]  # None: what did not type


def read_sheets(paths: Iterable[str | Path], protocol: Protocol) -> list[Sheet]:
    """Read and check every sheet, in whatever order; give them by their id.

    Raises
    ------
    ProblemsError
        With every problem of every sheet.
    """
    problems: list[Problem] = []
    checked: list[Checked] = []
    for path in sorted(map(str, paths)):
        try:
            located = read_located(path)
            sheet = type_sheet(located)
        except TypingError as error:
            problems += error.problems + check_rest(located, error, protocol)
            checked.append((located, None))
        except ProblemsError as error:
            problems += error.problems
        else:
            problems += check_sheet(located, sheet, protocol)
            checked.append((located, sheet))
    problems += check_unique(checked)
    refuse(problems)
    return sorted((sheet for _, sheet in checked if sheet), key=lambda sheet: sheet.id)


def check_rest(located: Located, error: TypingError, protocol: Protocol) -> list[Problem]:
    """Find what else is wrong in a sheet that did not type, without repeating what was said of its untyped parts."""
    rest = mend(located, error) if len(error.paths) <= MOST_TYPED else None
    if rest is None:
        return []
    said = [field_name(path) for path in error.paths]
    found = check_sheet(rest[1], rest[0], protocol)
    within = tuple(f"{field}{sign}" for field in said for sign in ".[")
    return [problem for problem in found if problem.field not in said and not problem.field.startswith(within)]


def check_sheet(located: Located, sheet: Sheet, protocol: Protocol) -> list[Problem]:
    """Find everything wrong inside one typed sheet."""
    checks = (
        check_id,
        check_dates,
        check_vocabulary,
        check_arms,
        check_counts,
        check_windows,
        check_reported,
        check_duplicates,
        lambda located, sheet, protocol: check_nesting(sheet, protocol),
        lambda located, sheet, protocol: check_tables(sheet, protocol),
        check_characteristics,
        check_reasons,
        check_risk_of_bias,
    )
    found = [located.problem(*found) for check in checks for found in check(located, sheet, protocol)]
    return first_of(found, located.file)


def check_id(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """The file is named after the study."""
    stem = Path(located.file).stem
    if sheet.id == plain(stem) != stem:
        message = f"The file's name holds {look_alike(stem)}, which nobody sees. Rename the file: {sheet.id}.yaml."
        yield ("id",), message
    elif sheet.id != stem:
        yield ("id",), f"{quote(sheet.id)} is not the file's name ({stem}). Rename the file or correct the id."


def check_dates(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Days exist, and what came first does not end after what came second."""
    spans = [(("enrolled",), "from", sheet.enrolled.from_, "to", sheet.enrolled.to)] if sheet.enrolled else []
    spans.append((("extraction",), "first", sheet.extraction.first, "second", sheet.extraction.second))
    for at, begins, first, ends, last in spans:
        days = {begins: first, ends: last}
        wrong = [key for key, day in days.items() if day and len(day) == 10 and not _exists(day)]
        yield from (((*at, key), f"{quote(days[key])} is not a day of the calendar. Correct it.") for key in wrong)
        same = min(len(first or ""), len(last or ""))  # a year is not before or after a month in it
        if not wrong and first and last and first[:same] > last[:same]:
            yield (*at, ends), f"{quote(last)} is before {begins} ({first}). Check both."


def _exists(day: str) -> bool:
    try:
        return bool(date.fromisoformat(day))
    except ValueError:
        return False


def check_vocabulary(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Outcomes, products, attributes and ways of finding events are words of the config."""
    add = " Or add it to config.yaml."
    if sheet.ascertainment not in protocol.ascertainment:
        yield ("ascertainment",), one_of(sheet.ascertainment, protocol.ascertainment) + add
    keys = [*Arm.model_fields, *protocol.attributes]
    for at in located.blank:
        if at[0] == "arms" and len(at) == 3 and at[2] not in keys:
            yield at, f"Unknown key. {one_of(at[2], keys)}"
    if sheet.design not in protocol.every_design:
        yield ("design",), f"{one_of(sheet.design, protocol.every_design)} Or add it to config.yaml under `designs`."
    for name, arm in sheet.arms.items():
        for attribute, level in arm.attributes.items():
            at = ("arms", name, attribute)
            if attribute not in keys:
                yield at, f"Unknown key. {one_of(attribute, keys)}"
            elif level != MIXED and level not in protocol.levels(attribute):
                yield at, one_of(level, [*protocol.levels(attribute), MIXED]) + add
        product = protocol.products.get(arm.product or "")
        for attribute, level in (product.__pydantic_extra__ or {}).items() if product else ():
            given = arm.attributes.get(attribute)
            if given is not None and given != str(level):
                message = f"{quote(given)}, but config.yaml says {arm.product} has {quote(level)}. Correct one."
                yield ("arms", name, attribute), message
    for kind in ("outcomes", "comparisons", "characteristics"):
        for i, row in enumerate(getattr(sheet, kind)):
            if kind != "characteristics" and row.outcome not in protocol.outcomes:
                yield (kind, i, "outcome"), one_of(row.outcome, protocol.outcomes) + add
            if row.arm not in sheet.arms:
                yield (kind, i, "arm"), one_of(row.arm, sheet.arms)


def check_arms(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Arms that make up another exist, share no patients and add up; a subset is not larger than its whole."""
    names: dict[str, str] = {}
    labels: dict[str, str] = {}
    for name, arm in sheet.arms.items():
        at = ("arms", name)
        alike = names.setdefault(comparable(name), name)
        if alike != name:
            yield at, f"{quote(name)} and {quote(alike)} read alike. Give each arm a name of its own."
        same = labels.setdefault(comparable(arm.label or name), name)
        if same not in (name, alike):
            yield at, f"Figures would call it {quote(arm.label or name)}, as {quote(same)}. Tell them apart by `label`."
        unknown = [part for part in arm.comprises if part not in sheet.arms or part == name]
        for part in unknown:
            yield (*at, "comprises"), one_of(part, [a for a in sheet.arms if a != name])
        if arm.part_of and (arm.part_of not in sheet.arms or arm.part_of == name):
            yield (*at, "part_of"), one_of(arm.part_of, [a for a in sheet.arms if a != name])
        if name in sheet.ancestors(name):
            yield at, "The arm is inside itself, by `comprises` or `part_of`. Take one out."
        elif arm.comprises and not unknown:
            yield from _check_parts(sheet, name, at)
        whole = sheet.arms.get(arm.part_of or "")
        if whole and None not in (whole.patients, arm.patients) and arm.patients > whole.patients:
            message = f"{arm.patients} is more than the {whole.patients} of {quote(arm.part_of)}. Correct one."
            yield (*at, "patients"), message


def _check_parts(sheet: Sheet, name: str, at: tuple) -> Iterator[tuple]:
    arm = sheet.arms[name]
    repeated = {part for part in arm.comprises if arm.comprises.count(part) > 1}
    for part in sorted(repeated):
        yield (*at, "comprises"), f"{quote(part)} is named twice, so patients would count twice. Name it once."
    for one, other in combinations(dict.fromkeys(arm.comprises), 2):
        if one in sheet.ancestors(other) or other in sheet.ancestors(one):
            yield (*at, "comprises"), f"{quote(one)} and {quote(other)} share patients. Name disjoint arms."
    sizes = [sheet.arms[part].patients for part in arm.comprises]
    if None in sizes:
        yield (*at, "comprises"), "A part has no number of patients. Add it, or use `part_of` on the part."
    elif arm.patients is not None and sum(sizes) != arm.patients and not repeated:
        sums = f"{' + '.join(map(str, sizes))} = {sum(sizes)}"
        yield (*at, "patients"), f"{arm.patients} is not {sums}, the arms it comprises. Correct one."


def check_counts(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Events ≤ patients ≤ patients of the arm, at least one patient, and limits that leave something out."""
    for i, row in enumerate(sheet.outcomes):
        at = ("outcomes", i)
        if row.patients == 0:
            yield (*at, "patients"), "0 patients is no denominator. Write the number, or `not reported`."
        low, high = row.limits
        if None not in (high, row.patients) and high > row.patients:
            message = f"{high} is more than patients ({row.patients}). Check the source, or correct the sheet."
            yield (*at, "events"), message
        elif row.patients and (low, high) == (0, row.patients):
            yield (*at, "events"), f"{row.events} of {row.patients} says nothing. Write `{NOT_REPORTED}`."
        yield from _check_size(sheet, at, row)


def _check_size(sheet: Sheet, at: tuple, row: Outcome | Characteristic) -> Iterator[tuple]:
    size = sheet.arms[row.arm].patients if row.arm in sheet.arms else None
    if None not in (row.patients, size) and row.patients > size:
        message = f"{row.patients} is more than the arm's patients ({size}). Check the source, or correct one."
        yield (*at, "patients"), message


def check_windows(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """An open window has its words, the source's and short ones; one that has words is not unstated."""
    for i, row in enumerate(sheet.outcomes):
        at, words = ("outcomes", i), row.window_text or row.window_words
        if row.window == OPEN and not row.window_text:
            message = f"`{OPEN}` needs the words of the source. Write them: until discharge; at any time; median …"
            yield (*at, "window_text"), message
        if row.window == OPEN and not row.window_words:
            message = f"`{OPEN}` needs short words for figures. Write at most {SHORT} letters: stay or 30 d; any time."
            yield (*at, "window_words"), message
        if row.window is None and words:
            message = f"`{UNSTATED}`, but the sheet has words on it: {quote(words)}. Write whole days, or `{OPEN}`; "
            yield (
                (*at, "window"),
                f"{message}or, where they do not say how long events were counted, keep them in `note`.",
            )


def check_reported(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """The percentage as printed agrees with the counts to its own precision: with each that limits leave possible."""
    for i, row in enumerate(sheet.outcomes):
        at = ("outcomes", i, "reported")
        if row.reported is None:
            continue
        if row.events is None or not row.patients:
            write = fit_words(row.reported, row.patients) if row.patients else "Write events and patients."
            more = "Or take it out; what is no share of counted patients (a Kaplan–Meier estimate) goes into `note`."
            yield at, f"{quote(row.reported)} has no counts beside it. {write} {more}"
        elif wrong := _misfit(row):
            yield at, f"{row.reported} does not fit {wrong} Check all three numbers in the source."


def _misfit(row: Outcome) -> str:
    """Say which counts of a row its printed percentage does not fit, and which it does; blank where it fits all."""
    (low, high), fit = row.limits, fitting(row.reported, row.patients)
    if high > row.patients or (fit and fit[0] <= low and high <= fit[-1]):
        return ""  # the first is told already
    own = range(max(low, fit.start), min(high, fit.stop - 1) + 1)
    if low < high and own:
        return f"every count from {row.events}: {named(own)} {agree(len(own), 'fits', 'fit')}."
    exact = " to ".join(f"{100 * count / row.patients:.2f}" for count in dict.fromkeys(row.limits))
    other = f"{named(fit)} {agree(len(fit), 'fits', 'fit')}" if fit else "no count fits"
    return f"{row.events}/{row.patients} = {exact}%. Of {row.patients} patients, {other}."


def check_duplicates(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """No two rows say the same thing, however their words are written."""
    rows = [(("outcomes", i), row, row.definition) for i, row in enumerate(sheet.outcomes)]
    rows += [(("comparisons", i), row, row.exposure) for i, row in enumerate(sheet.comparisons)]
    seen: dict[tuple, tuple] = {}
    for at, row, words in rows:
        window = row.same_window if at[0] == "outcomes" else row.window
        key = (at[0], row.arm, row.outcome, comparable(words), window)
        what = "definition" if at[0] == "outcomes" else "exposure"
        if key in seen:
            message = f"The same arm, outcome, {what} and window as {field_name(seen[key])}. Keep one, "
            yield at, f"{message}or say in `{what}` how they differ."
        seen.setdefault(key, at)


def check_characteristics(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """A fact is a count with its denominator, a value, or both; where a moderator needs a number, it is one."""
    needed = {one.characteristic: one for one in protocol.moderators.values() if one.characteristic}
    for i, fact in enumerate(sheet.characteristics):
        at = ("characteristics", i)
        if fact.events is None and fact.value is None:
            yield at, "Neither a count nor a value. Write events and patients, or value."
        elif (fact.events is None) != (fact.patients is None):
            yield at, "events and patients belong together. Write both."
        elif fact.patients == 0:
            yield (*at, "patients"), "0 patients is no denominator. Write the number, or take the count out."
        elif fact.events is not None and fact.events > fact.patients:
            yield (*at, "events"), f"{fact.events} is more than patients ({fact.patients}). Check the source."
        moderator = needed.get(fact.name)
        if moderator and fact.value is not None:
            wrong = why_no_number(fact.value, fact.unit, moderator.label, moderator.unit)
            yield from [((*at, "value"), wrong)] if wrong else []
        yield from _check_size(sheet, at, fact)


def check_reasons(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """What is excluded or held back occurs in the sheet, and is not both."""
    pairs = {(row.outcome, row.arm) for row in sheet.outcomes}
    outcomes = sorted({outcome for outcome, _ in pairs})
    for key in ("exclude", "sensitivity_only"):
        for outcome, entry in getattr(sheet, key).items():
            if outcome not in outcomes:
                yield (key, outcome), f"No row has this outcome. {one_of(outcome, outcomes)}"
                continue
            arms = sorted({arm for o, arm in pairs if o == outcome})
            for arm in entry if isinstance(entry, dict) else ():
                if arm not in arms:
                    yield (key, outcome, arm), f"No row has this outcome in this arm. {one_of(arm, arms)}"
    for outcome, arm in sorted(pairs):
        if all(sheet.reason(r, outcome, arm) for r in (sheet.exclude, sheet.sensitivity_only)):
            message = f"{outcome} in {quote(arm)} is both excluded and held for sensitivity analyses. Choose one."
            yield ("sensitivity_only", outcome), message


def check_risk_of_bias(located: Located, sheet: Sheet, protocol: Protocol) -> Iterator[tuple]:
    """Tool and items are those of the config; judgements are yes, no or unclear."""
    if sheet.risk_of_bias is None:
        return
    tool, items = sheet.risk_of_bias.tool, sheet.risk_of_bias.items
    if tool not in protocol.tools:
        yield ("risk_of_bias", "tool"), one_of(tool, protocol.tools)
        return
    for item, entry in items.items():
        at = ("risk_of_bias", "items", item)
        if item not in protocol.tools[tool]:
            yield at, one_of(item, protocol.tools[tool])
        if entry.judgement not in ("yes", "no", "unclear"):
            yield (*at, "judgement"), one_of(entry.judgement, ("yes", "no", "unclear"))


def check_unique(checked: Iterable[Checked]) -> list[Problem]:
    """Find reports that are entered twice, and names of one cohort that differ in their spelling only."""
    problems = []
    seen: dict[tuple, str] = {}
    cohorts: dict[str, tuple[str, str]] = {}
    for located, sheet in checked:
        for path, value in _names_of(located, sheet).items():
            key = comparable(bare_doi(value) if path[-1] == "doi" else value)
            if (path, key) in seen:
                message = f"{quote(value)} stands in {seen[path, key]} too. Is it the same report? Keep one sheet."
                problems.append(located.problem(path, message))
            seen.setdefault((path, key), located.file)
        if sheet and sheet.cohort:
            name, file = cohorts.setdefault(comparable(sheet.cohort), (sheet.cohort, located.file))
            if name != sheet.cohort:
                message = f"{quote(sheet.cohort)} is written {quote(name)} in {file}. Write one: it is one cohort."
                problems.append(located.problem(("cohort",), message))
    return problems


def _names_of(located: Located, sheet: Sheet | None) -> dict[tuple, str]:
    """Give what must stand in one sheet only, as it was typed, whether or not it is in order."""
    data = located.data or (sheet.model_dump() if sheet else {})
    citation = data.get("citation")
    citation = citation if isinstance(citation, dict) else {}
    given = {("label",): data.get("label"), **{("citation", key): citation.get(key) for key in ("doi", "pmid")}}
    return {path: value for path, value in given.items() if isinstance(value, str)}
