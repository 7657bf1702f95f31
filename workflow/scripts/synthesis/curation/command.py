"""The command `sheet`: begin, check, show, convert and compare extraction sheets."""

import argparse
import datetime as dt
import difflib
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..tables.files import write_text, write_texts
from ..tables.problems import Problem, ProblemsError, noted, one_of, refusal, refuse
from ..words.prose import plural

DRAFTS = "drafts"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command as typed behind `sheet`; give 1 when something has to be mended first: nothing was written."""
    options = make_parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except ProblemsError as error:
        return _tell(error.problems)
    except BrokenPipeError:  # `sheet show x | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _tell([Problem(str(error.filename or "sheet"), 0, "", f"Cannot be read or written: {error.strerror}.")])


def make_parser() -> argparse.ArgumentParser:
    """Give the parser; the page of the commands lists what is in it."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", default="config.yaml", help="the review's config (default: %(default)s)")
    shared.add_argument("--studies", default="studies", help="the folder of sheets (default: %(default)s)")
    force = argparse.ArgumentParser(add_help=False)
    force.add_argument("--force", action="store_true", help="overwrite a file that exists")
    parser = argparse.ArgumentParser(prog="sheet", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, about: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about, parents=[shared, *parents])
        command.set_defaults(run=run)
        return command

    new = add("new", _new, "write an empty, commented sheet (or, with --xlsx, a workbook) for a study")
    new.add_argument("id", help="author and year: smith2025")
    new.add_argument("--xlsx", action="store_true", help="a workbook to fill in, instead of YAML")
    check = add("check", _check, "say what is wrong in sheets: all problems, each with its line")
    check.add_argument("sheets", nargs="*", help="ids or files; every sheet when left out")
    show = add("show", _show, "print sheets as tables")
    show.add_argument("sheets", nargs="+", help="ids or files")
    to_xlsx = add("to-xlsx", _to_xlsx, "write a sheet as a workbook", force)
    to_xlsx.add_argument("sheet", help="id or file")
    to_xlsx.add_argument("file", nargs="?", help="the workbook (default: <id>.xlsx)")
    from_xlsx = add("from-xlsx", _from_xlsx, "write the sheets of filled-in workbooks, when all are in order", force)
    from_xlsx.add_argument("files", nargs="+")
    table = add("from-table", _from_table, "make drafts of sheets from a table with one row a study or an arm", force)
    table.add_argument("file", help="CSV (comma, semicolon or tab) or .xlsx")
    table.add_argument("--to", default=DRAFTS, help="folder of the drafts (default: %(default)s)")
    table.add_argument("--outcome", help="what the events are, when no column says so")
    pairs = {"nargs": "+", "action": "extend", "default": []}
    table.add_argument("--set", **pairs, metavar="FIELD=VALUE", help="what is the same in every row")
    columns = "which column holds what, when its heading does not say"
    table.add_argument("--columns", **pairs, metavar="FIELD=HEADING", help=columns)
    studies = "rows that look like a total and are studies nevertheless"
    table.add_argument("--study", **pairs, metavar="NAME", help=studies)
    table.add_argument("--tab", help="of a workbook (default: the first that is filled)")
    table.add_argument("--encoding", default="utf-8", help="of a CSV (default: %(default)s)")
    compare = add("compare", _compare, "say where two readers differ, and how far they agree (Markdown)", force)
    compare.add_argument("first", help="a sheet, or a folder of sheets")
    compare.add_argument("second", help="the same, of the second reader")
    compare.add_argument("--output", help="write the comparison to this file")
    mark = "write the first sheet, marked with what the second reader found"
    compare.add_argument("--mark", metavar="FILE", help=mark)
    return parser


def _tell(problems: Iterable[Problem], outcome: str = " Nothing was written.") -> int:
    """Print problems in their order, and what became of it; give the exit code."""
    every = list(dict.fromkeys(problems))
    for problem in every:
        print(problem, file=sys.stderr)
    print(f"{plural(len(every), 'problem')}.{outcome}", file=sys.stderr)
    return 1


def _find(name: str, studies: str) -> Path:
    """Give the file of a sheet that was named by its id or its path."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = Path(studies) / f"{name}.yaml"
    if path.exists() and not path.is_file():
        raise refusal(path, "This is not a file. Name a sheet by its id or its file.")
    if not path.is_file():
        from ..review.index import sheet_paths

        known = [Path(p).stem for p in sheet_paths(studies)]
        near = one_of(name, known).split(". ")[-1] if known else ""
        hint = f" {near}" if near.startswith("Did") else f" Begin it: sheet new {path.stem}"
        raise refusal(path, f"There is no such sheet.{hint}")
    return path


def _protocol(options: argparse.Namespace):
    from ..protocol.config import read_protocol

    return read_protocol(options.config)


def _new(options: argparse.Namespace) -> int:
    from .new import ID, label_of, new_sheet

    if not ID.fullmatch(options.id):
        form = "An id is author and year in small letters, smith2025, and perhaps a letter: smith2025b."
        raise refusal(options.id, form)
    sheet = Path(options.studies) / f"{options.id}.yaml"
    target = Path(f"{options.id}.xlsx") if options.xlsx else sheet
    for path in dict.fromkeys((target, sheet)):
        if path.exists():
            raise refusal(path, "This file exists, and is left as it is. Take another id, or go on with that file.")
    today = dt.date.today()
    if options.xlsx:
        from .workbook import write_workbook

        data = {"id": options.id, "label": label_of(options.id), "extraction": {"first": today.isoformat()}}
        write_workbook(target, data, _protocol(options))
        print(f"{target} is written. Fill it in, then: sheet from-xlsx {target}")
    else:
        write_text(target, new_sheet(options.id, _protocol(options), today))
        print(f"{target} is written. Fill it in, then: sheet check {options.id}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from ..review.index import find_sheets, sheet_paths
    from ..sheets.checks import read_sheets

    protocol = _protocol(options)
    wanted = [str(_find(name, options.studies)) for name in options.sheets]
    known, strays = (sheet_paths(options.studies), []) if wanted else find_sheets(options.studies)
    paths = list(dict.fromkeys([*known, *wanted]))
    sheets, found = None, list(strays)
    with noted(found):
        sheets = read_sheets(paths, protocol)
    if problems := [p for p in found if not wanted or p.file in wanted]:
        return _tell(problems, "")
    if sheets is None:
        print(f"{plural(len(wanted), 'sheet')}: no problem. (Other sheets have some: sheet check)")
        return 0
    stems = {Path(path).stem for path in wanted or paths}
    counts = [len(sheet.outcomes) for sheet in sheets if sheet.id in stems]
    print(f"{plural(len(counts), 'sheet')} with {plural(sum(counts), 'count')}: no problem.")
    return 0


def _show(options: argparse.Namespace) -> int:
    from ..sheets.checks import read_sheets
    from .show import show_sheet

    protocol = _protocol(options)
    paths = [_find(name, options.studies) for name in options.sheets]
    width = max(60, shutil.get_terminal_size((120, 24)).columns)
    print("\n".join(show_sheet(sheet, protocol, width) for sheet in read_sheets(paths, protocol)), end="")
    return 0


def _to_xlsx(options: argparse.Namespace) -> int:
    from ..tables.located import read_located
    from .workbook import write_workbook

    path = _find(options.sheet, options.studies)
    target = Path(options.file or f"{path.stem}.xlsx")
    if target.suffix.lower() != ".xlsx":
        raise refusal(target, "A workbook's name ends in .xlsx.")
    if target.exists() and not options.force:
        raise refusal(target, "This file exists. Give another name, or overwrite it with --force.")
    write_workbook(target, read_located(path).data, _protocol(options))
    print(f"{target} is written. Fill it in, then: sheet from-xlsx {target}")
    return 0


def _from_xlsx(options: argparse.Namespace) -> int:
    from .handing_in import read_workbooks

    found = read_workbooks(options.files, options.studies, _protocol(options))
    code = _write({one.path: one.text for one in found}, options.force, lambda path: f"sheet show {path.stem}")
    for one in found:
        if one.unread:
            print(f"{one.source}: Not read: the comment{'s' * (len(one.unread) > 1)} at {', '.join(one.unread)}.")
    return code


def _write(texts: Mapping[Path, str], force: bool, then: object) -> int:
    """Write files, all or none: where one exists with other content, its difference is shown instead."""
    strange = [path for path in texts if path.exists() and not path.is_file()]
    refuse(Problem(str(path), 0, "", "This is not a file. Give another name.") for path in strange)
    same = [path for path, text in texts.items() if path.exists() and _says_the_same(path, text)]
    changed = [path for path in texts if path.exists() and path not in same]
    if changed and not force:
        for path in changed:
            before = path.read_text("utf-8", errors="replace").splitlines()
            after = texts[path].splitlines()
            print("\n".join(difflib.unified_diff(before, after, str(path), "handed in", lineterm="", n=1)))
        differs = "This sheet exists and differs, as shown (comments in it would be lost). To replace it: --force"
        refuse(Problem(str(path), 0, "", differs) for path in changed)
    try:
        write_texts({path: text for path, text in texts.items() if path not in same})
    except OSError as error:
        folder = next(iter(texts)).parent
        raise refusal(folder, f"Cannot be written to: {error.strerror}. Is it a folder of yours, with room?") from None
    for path in texts:
        if path in same:
            print(f"{path} says the same already.")
        else:
            print(f"{path} is {'replaced' if path in changed else 'written'}. Next: {then(path)}")
    return 0


def _says_the_same(path: Path, text: str) -> bool:
    """Compare what two files say; for YAML, comments and quotes aside."""
    before = path.read_text("utf-8", errors="replace")
    if before == text or path.suffix != ".yaml":
        return before == text
    import yaml

    try:
        return yaml.load(before, yaml.BaseLoader) == yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError:
        return False


def _from_table(options: argparse.Namespace) -> int:
    from .table_file import read_table_file
    from .wide import draft_sheets
    from .writing import data_to_yaml

    protocol = _protocol(options)
    given, columns = _given(options, protocol)
    table = read_table_file(options.file, options.encoding, options.tab)
    drafts = draft_sheets(table, options.file, protocol, given, columns, options.study)
    written = {name: data_to_yaml(draft, protocol.attributes) for name, draft in drafts.sheets.items()}
    texts = {Path(options.to) / f"{name}.yaml": text for name, text in written.items()}
    if drafts.unread:
        print(f"Not read: {', '.join(drafts.unread)}.")
    code = _write(texts, options.force, lambda path: f"sheet check {path}")
    entered = [name for name in drafts.sheets if (Path(options.studies) / f"{name}.yaml").exists()]
    if entered and Path(options.to) != Path(options.studies):
        print(f"There is a sheet already for: {', '.join(entered)}. Is it the same report?")
    print(f"{plural(len(texts), 'draft')}. Fill in what is marked, check it, then move it to {options.studies}/.")
    return code


def _given(options: argparse.Namespace, protocol) -> tuple[dict[str, str], dict[str, str]]:
    """Give what was said of all rows, and of columns: field → value, field → heading."""
    from .wide_columns import ALIASES, PLAIN, STUDY

    problems: list[Problem] = []
    facts = (*PLAIN, *STUDY, "window", "first", "year", *protocol.attributes)
    holds = (*ALIASES, *PLAIN, *STUDY, *protocol.attributes, *protocol.outcomes, *(f"{o}_n" for o in protocol.outcomes))
    given = _pairs_of(options.set, "--set", facts, problems)
    columns = _pairs_of(options.columns, "--columns", holds, problems)
    if options.outcome:
        given["outcome"] = options.outcome
    if given.get("outcome") and given["outcome"] not in protocol.outcomes:
        problems.append(Problem("--outcome", 0, "", one_of(given["outcome"], protocol.outcomes)))
    refuse(problems)
    return given, columns


def _pairs_of(texts: Sequence[str], option: str, allowed: Sequence[str], problems: list[Problem]) -> dict[str, str]:
    """Read NAME=VALUE pairs; one that says nothing, or twice something else, is a problem."""
    given: dict[str, str] = {}
    for text in texts:
        key, _, value = (part.strip() for part in text.partition("="))
        if key not in allowed:
            problems.append(Problem(option, 0, key, one_of(key, allowed)))
        elif not value:
            way = f"Write {option} {key}=…, in quotes when it has spaces."
            problems.append(Problem(option, 0, key, f"Nothing is said of it. {way}"))
        elif given.setdefault(key, value) != value:
            problems.append(Problem(option, 0, key, f"Both {given[key]} and {value}. Say one."))
    return given


def _compare(options: argparse.Namespace) -> int:
    from .compare import agreement_markdown, compare_sheets, mark_second_reading
    from .writing import to_yaml

    pairs = list(_pairs(options))
    readings = [compare_sheets(first, second) for first, second in pairs]
    names = [_reader(options.first), _reader(options.second)]
    names = names if names[0] != names[1] else ["first", "second"]
    text = agreement_markdown(readings, *names)
    targets = {Path(options.output): text} if options.output else {}
    if options.mark:
        if len(pairs) != 1:
            raise refusal(options.mark, "One sheet at a time can be marked. Name two sheets, not folders.")
        targets[Path(options.mark)] = to_yaml(mark_second_reading(*pairs[0]), _protocol(options).attributes)
    if not options.output:
        print(text, end="")
    return _write(targets, options.force, lambda path: f"sheet check {path.stem}" if path.suffix == ".yaml" else path)


def _reader(name: str) -> str:
    path = Path(name)
    return path.name if path.is_dir() else path.stem if path.parent == Path(".") else f"{path.parent.name}/{path.stem}"


def _pairs(options: argparse.Namespace):
    """Give the typed sheets to compare, of two files or of all names that two folders share."""
    from ..review.index import sheet_paths
    from ..sheets.sheet import type_sheet
    from ..tables.located import read_located

    first, second = Path(options.first), Path(options.second)
    if first.is_dir() and second.is_dir():
        shared = sorted({p.name for p in first.glob("*.yaml")} & {p.name for p in second.glob("*.yaml")})
        shared = [name for name in shared if name[0].islower() and name != "grade.yaml"]
        for one, other in ((first, second), (second, first)):
            alone = sorted(Path(path).stem for path in sheet_paths(one) if not (other / Path(path).name).is_file())
            if alone:
                print(f"Not compared: {', '.join(alone)}. Only {one} has a sheet so called.", file=sys.stderr)
        if not shared:
            raise refusal(second, f"No sheet has the same name as one in {first}.")
        files = [(first / name, second / name) for name in shared]
    else:
        files = [(_find(options.first, options.studies), _find(options.second, options.studies))]
    problems: list[Problem] = []
    typed = []
    for path in (path for pair in files for path in pair):
        with noted(problems):
            typed.append(type_sheet(read_located(path)))
    refuse(problems)
    return zip(typed[::2], typed[1::2], strict=True)


if __name__ == "__main__":
    sys.exit(main())
