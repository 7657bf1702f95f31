"""``make add``: hand in studies, list them in ``studies/screening.csv``, and, after the build, say what to commit.

Nothing is written before everything is known to be in order: sheets and list are first checked in a folder beside the
real one. What cannot be read off a sheet, where its report was found and why it is not pooled, is asked for.
"""

import contextlib
import io
import os
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from glob import glob
from pathlib import Path

from ..protocol.config import Protocol, read_protocol
from ..releases.history import GitError, NoRepository, git
from ..review.beside import Fate, contradiction, fates, row_of
from ..review.index import sheet_paths
from ..sheets.checks import check_sheet
from ..sheets.screening import HEADINGS, OUT, read_lines
from ..sheets.sheet import Sheet, type_sheet
from ..tables.files import as_csv, write_texts
from ..tables.located import read_located
from ..tables.problems import Problem, ProblemsError, noted, refusal, refuse
from ..words.formatting import format_within
from ..words.prose import inside, joined
from .handing_in import HandedIn, read_workbooks

STUDIES, CONFIG, LIST = Path("studies"), Path("config.yaml"), Path("studies/screening.csv")
HANDED_IN = "handed in"  # how a report was found of which something else is told
MOST = 15  # names in a line that a person pastes
QUESTIONS = {
    "FOUND": "Where was the report found?",
    "DECISION": f"No analysis pools it ({{why}}). Is it {', '.join(OUT[:-1])} or {OUT[-1]}?",
    "CATEGORY": "Which kind of reason is that, in a few words? (the flow diagram counts them)",
    "REASON": "And why, in a sentence?",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand in the files that are named; with ``--commit``, say what to commit. Gives the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    told = [word for word in arguments if word != "--commit"] or named(os.environ.get("FILES", ""))
    try:
        protocol = read_protocol(CONFIG)
        if not told:
            how = "Name what to add: make add FILES=smith2025.xlsx (or the id of a sheet in studies/)."
            raise refusal("FILES", how)
        entries = find_entries(told, protocol)
        print(commit_words(entries, protocol) if "--commit" in arguments else hand_in(told, entries, protocol))
    except ProblemsError as error:
        for problem in dict.fromkeys(error.problems):
            print(problem, file=sys.stderr)
        print("Nothing was written.", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):  # while being asked
        print("\nStopped. Nothing was written.", file=sys.stderr)
        return 1
    return 0


def named(text: str) -> list[str]:
    """Give the files that a variable of make names: several, quoted where they hold spaces, or a pattern.

    >>> named("a.xlsx 'b c.xlsx'"), named("o'brien2020.xlsx")
    (['a.xlsx', 'b c.xlsx'], ["o'brien2020.xlsx"])
    """
    try:
        words = shlex.split(text)
    except ValueError:  # an apostrophe
        words = text.split()
    return [name for word in words for name in (sorted(glob(word)) or [word])]


def find_entries(names: Sequence[str], protocol: Protocol) -> list[HandedIn]:
    """Read workbooks, and sheets by their ids or files."""
    books = [name for name in names if name.lower().endswith(".xlsx")]
    problems: list[Problem] = []
    entries: list[HandedIn] = []
    with noted(problems):
        entries += read_workbooks(books, STUDIES, protocol)
    for name in (name for name in names if name not in books):
        given = Path(name.removesuffix(".yaml") + ".yaml")
        path = STUDIES / given.name
        with noted(problems):
            if given.parent not in (Path("."), STUDIES):
                raise refusal(name, f"Sheets stand in {STUDIES}/. Move it there, then: make add FILES={path.stem}")
            if not path.is_file():
                way = f"Name a workbook (.xlsx), or the id of a sheet in {STUDIES}/"
                raise refusal(name, f"There is no such sheet: {path}. {way}; begin one with make new ID={path.stem}.")
            entries.append(HandedIn(name, read_sheet(path, protocol), path))
    refuse(problems)
    return entries


def read_sheet(path: str | Path, protocol: Protocol) -> Sheet:
    """Read a sheet and check it by itself."""
    located = read_located(path)
    sheet = type_sheet(located)
    refuse(check_sheet(located, sheet, protocol))
    return sheet


def hand_in(names: Sequence[str], entries: Sequence[HandedIn], protocol: Protocol) -> str:
    """Check everything together, and only then write sheets and list; give what was done."""
    refuse_overwriting(entries)
    texts = {entry.path.name: entry.text for entry in entries if entry.text is not None and not entry.path.exists()}
    if LIST.is_file():
        rows, columns = listed(names, entries, protocol)
        texts[LIST.name] = as_csv(rows, columns)
    check_together(texts)
    paths = {STUDIES / name: text for name, text in texts.items()}
    new = {path: text for path, text in paths.items() if not path.is_file() or path.read_text("utf-8") != text}
    write_texts(new)
    return f"Written: {joined(map(str, new))}." if new else "Sheets and list are as they were."


def refuse_overwriting(entries: Sequence[HandedIn]) -> None:
    """Refuse a workbook whose sheet is there and says something else."""
    differs = "This sheet exists and differs from the workbook. To see how, and to replace it: sheet from-xlsx --force."
    refuse(
        Problem(str(entry.path), 0, "", differs)
        for entry in entries
        if entry.text is not None and entry.path.exists() and type_sheet(read_located(entry.path)) != entry.sheet
    )


def listed(names: Sequence[str], entries: Sequence[HandedIn], protocol: Protocol) -> tuple[list[dict], list[str]]:
    """Give the list with a row for each study: new ones are asked for, one whose decision holds no more is mended.

    Where something has to be asked, and there is nobody to answer, that is the problem.
    """
    rows = [row for _, row in read_lines(LIST)]
    columns = list(rows[0]) if rows else list(HEADINGS)
    known = fates([*others(entries, protocol), *(entry.sheet for entry in entries)], protocol)
    problems: list[Problem] = []
    for entry in entries:
        study = entry.sheet.id
        old = next((row for row in rows if study in (row.get("sheet"), row.get("id"))), None)
        if old and old["sheet"] == study and not contradiction(study, old["decision"], known[study]):
            continue
        with noted(problems):
            answers = ask(study, known[study], old or {}, rows, names)
            new = row_of(entry.sheet, known[study]) | (old or {}) | answers | {"sheet": study}
            if old:
                rows[rows.index(old)] = new
            else:
                after = (at for at, row in enumerate(rows) if row["id"].lower() > study)
                rows.insert(next(after, len(rows)), new)
    refuse(problems)
    return rows, columns


def others(entries: Sequence[HandedIn], protocol: Protocol) -> list[Sheet]:
    """Give the other sheets of the review; one with faults is told by the check, and is none here."""
    found = []
    for path in sorted(set(map(Path, sheet_paths(STUDIES))) - {entry.path for entry in entries}):
        with noted([]):
            found.append(read_sheet(path, protocol))
    return found


def ask(
    study: str, fate: Fate, known: Mapping[str, str], rows: Sequence[Mapping], names: Sequence[str]
) -> dict[str, str]:
    """Give the cells of the list that no sheet holds: from the variables of make, else from the person."""
    given = {key: os.environ.get(key, "").strip() for key in QUESTIONS}
    said = [f"{key}={shlex.quote(answer)}" for key, answer in given.items() if answer]
    given["FOUND"] = given["FOUND"] or known.get("found", "") or (HANDED_IN if any(given.values()) else "")
    decision, questions = fate.decision, QUESTIONS | {"DECISION": QUESTIONS["DECISION"].format(why=fate.why_not)}
    needed = ["FOUND"] if decision else list(QUESTIONS)
    missing = [key for key in needed if not given[key]]
    if missing and sys.stdin.isatty():
        print(f"{LIST} says of every report where it was found, and why it is pooled or not. {study} is new there.")
        for key in missing:
            used = Counter(row[key.lower()] for row in rows if row.get(key.lower()))
            if key in ("FOUND", "CATEGORY") and used:
                print(f"  Words used so far: {'; '.join(word for word, _ in used.most_common(8))}")
            while not given[key]:
                given[key] = input(f"  {questions[key]} ").strip()
    elif missing:
        line = " ".join([f"make add FILES={shlex.quote(' '.join(names))}", *said, *(f'{key}="…"' for key in missing)])
        asked = " ".join(questions[key] for key in missing)
        raise refusal(LIST, f"{study} is not listed there as it is. {asked} Write: {line}")
    if not decision and given["DECISION"] not in OUT:
        raise refusal("DECISION", f'"{given["DECISION"]}" is not one of: {", ".join(OUT)}.')
    return {
        "found": given["FOUND"],
        "decision": decision or given["DECISION"],
        "category": "" if decision else given["CATEGORY"],
        "reason": given["REASON"] or fate.reason,
    }


def check_together(texts: Mapping[str, str]) -> None:
    """Run what `make check` runs on the review as it would be; raise when it finds something."""
    from ..review import checking

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / STUDIES
        folder.mkdir()
        for path in (*Path().iterdir(), *STUDIES.iterdir()):  # a table of published pools may lie anywhere
            if path != STUDIES and (path.parent != STUDIES or path.name not in texts):
                (Path(name) / path).symlink_to(path.resolve())
        write_texts({folder / file: text for file, text in texts.items()})
        said = io.StringIO()
        with contextlib.chdir(name), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = checking.main()
    if code:
        print(said.getvalue().strip(), file=sys.stderr)
        raise ProblemsError([])


def commit_words(entries: Sequence[HandedIn], protocol: Protocol) -> str:
    """Give the lines that commit what changed, and nothing else."""
    try:
        changed = changed_files()
    except (NoRepository, GitError) as error:
        return f"Nothing to commit: {error}."
    mine = {entry.path.as_posix() for entry in entries} | {LIST.as_posix(), "README.md"}
    paths = [path for path in changed if path in mine or path.startswith(("results/", "docs/"))]
    strange = [path for path in changed if path not in paths]
    if not paths:
        return "Nothing to commit: these studies are in the last commit, with all that follows from them."
    shown = paths
    if len(paths) > MOST:  # what is ignored stays out of it all the same
        shown = [*(path for path in paths if not path.startswith("results/")), "results"]
    message = shlex.quote(title(entries, protocol))
    lines = ["To commit it:", "", f"  git add {shlex.join(shown)}", f"  git commit -m {message}"]
    if strange:
        lines += ["", f"Changed as well, and no part of it: {', '.join(strange[:5])}{' …' if strange[5:] else ''}"]
    return "\n".join(lines)


def changed_files() -> list[str]:
    """Name the files below this folder that differ from the last commit, sorted."""
    names = git("ls-files", "-z", "--others", "--exclude-standard")
    with contextlib.suppress(GitError):  # before the first commit everything is new
        names += git("diff", "-z", "--name-only", "--relative", "HEAD")
    return sorted({name for name in names.decode().split("\0") if name})


def title(entries: Sequence[HandedIn], protocol: Protocol) -> str:
    """Give the first line of a message: the studies and, of a single one, its counts."""
    said = f"Enter {joined(entry.sheet.label for entry in entries)}"
    if len(entries) > 1:
        return said
    counts = {}
    for row in entries[0].sheet.outcomes:
        if row.events is not None and row.patients:
            label = inside(protocol.outcomes[row.outcome].label)
            counts.setdefault(row.outcome, f"{label} {format_within(*row.limits, str)}/{row.patients}")
    return f"{said}: {', '.join(list(counts.values())[:4])}" if counts else said


if __name__ == "__main__":
    sys.exit(main())
