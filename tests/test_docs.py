"""The documents do what they say: every command is run and prints what stands below it, and no number is typed."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT
from synthesis.documents import pages as reference
from synthesis.documents import quoting
from synthesis.protocol.config import read_protocol

DOCS = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCS]
BLOCK = re.compile(r"((?:<!--[^\n]*-->\n)*)```(\w*)\n(.*?)^```$", re.M | re.S)
WHERE = re.compile(r"\A<!-- commands: (repository|empty folder) -->")
# What a copy of the repository needs for commands to run in it.
LIGHT = ("Makefile", "Snakefile", "config.yaml", "pyproject.toml", "uv.lock", "requirements", "profiles", "workflow")
LIGHT += ("studies", "examples", "docs", "README.md")
PAGES_WITH_COMMANDS = {
    "docs/tutorial.md",
    "docs/new-review.md",
    "docs/howto/spreadsheet.md",
    "docs/howto/limits.md",
    "docs/howto/change-a-model.md",
    "docs/howto/cluster.md",
    "examples/catheter_infection/README.md",
}


@dataclass(frozen=True)
class Step:
    """A command with what it prints, or a file that the reader writes."""

    text: str
    printed: str = ""
    file: str = ""
    slow: bool = False


def steps(page: str) -> list[Step]:
    """Read the steps of a page in order."""
    found = []
    for marks, kind, body in BLOCK.findall(page):
        slow = "<!-- slow -->" in marks
        if file := re.search(r"<!-- file: (\S+) -->", marks):
            found.append(Step(body, file=file[1]))
        elif kind == "console":
            for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
                command, _, printed = part.partition("\n")
                found.append(Step(command, printed, slow=slow))
    return found


def matches(expected: str, printed: str) -> bool:
    """Say whether a command printed what a page shows; a line of ``...`` is any lines, ``...`` in a line any text.

    >>> matches("a\\n...\\nd 5...\\n", "a\\nb\\nc\\nd 5 s\\n"), matches("a\\n", "a\\nb\\n")
    (True, False)
    """
    pattern = ""
    for line in expected.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.split("..."))) + r"\n"
    return re.fullmatch(pattern, printed if printed.endswith("\n") or not printed else printed + "\n") is not None


class Shell:
    """One terminal in which the commands of a page are typed one after the other."""

    END = "@@end of command@@"

    def __init__(self, folder: Path):
        # What `make test-slow` or another folder's environment leave behind would speak in this terminal too.
        strange = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PS1", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
        environment = {k: v for k, v in os.environ.items() if k not in strange}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def type(self, command: str) -> str:
        """Run a command and give what it printed on both streams."""
        self.process.stdin.write(f"{{ {command}\n}} < /dev/null\necho {self.END!r}\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n").endswith(self.END):
                return "".join([*lines, line.replace(self.END, "").rstrip("\n")])
            lines.append(line)
        raise AssertionError(f"the terminal ended in: {command}\n{''.join(lines)}")

    def write(self, file: str, text: str) -> None:
        """Write a file where the terminal is."""
        folder = Path(self.type("pwd").strip())
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)


def copy_repository(folder: Path) -> Path:
    """Copy the light parts of the repository, with an environment that `make` takes for a finished one."""
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", ".snakemake", "results", "logs")
    for name in LIGHT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy2(source, folder)
    environment = folder / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name not in (".ready", "bin"):
            (environment / part.name).symlink_to(part)
    # `activate` names the folder it was made in, so this one is our own; the rest is linked.
    (environment / "bin").mkdir()
    for program in (Path(sys.prefix) / "bin").iterdir():
        if not program.name.startswith("activate"):
            (environment / "bin" / program.name).symlink_to(program)
    (environment / "bin" / "activate").write_text(f'export PATH="{environment / "bin"}:$PATH"\n')
    (environment / ".ready").touch()
    return folder


def commit_as_cloned(folder: Path) -> None:
    """Make a repository of a copy, with the results that a clone has: those that are committed."""
    shutil.copytree(ROOT / "results", folder / "results")
    for name in ("tests", ".gitignore", ".gitattributes", "CONTRIBUTING.md", ".github"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"], ["clean", "-fdqX", "results"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


# What the tests say after the command that adds a study; then the lines it prints are pasted.
AFTER_ADDING = """\
.venv/bin/python -m pytest -q -p no:cacheprovider tests/test_codebook.py tests/test_readme.py tests/test_repository.py \
  -m 'not slow' -k 'not of_the_results_only' && make check && echo green"""


def check_added(shell: Shell, printed: str) -> None:
    """Hold the command to its word: the tests are green, and the commit is one that a person can read."""
    said = shell.type(AFTER_ADDING)
    assert said.rstrip().endswith("green"), said
    shell.type("git config user.name t; git config user.email t@example.org; git config core.hooksPath /dev/null")
    for line in re.findall(r"^  (git .*)$", printed, re.M):
        shell.type(line)
    assert shell.type("git status --porcelain") == ""
    changed = [line.split("\t") for line in shell.type("git show --numstat --format=").splitlines()]
    lines = sum(int(n) for added, gone, _ in changed for n in (added, gone) if n != "-")
    assert len(changed) <= 15 and lines <= 400, changed


@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PAGES_WITH_COMMANDS))
def test_every_command_prints_what_the_page_shows(name, tmp_path):
    page = (ROOT / name).read_text(encoding="utf-8")
    where = WHERE.match(page)[1]
    if where == "repository":
        folder = copy_repository(tmp_path / "repository")
        if "$ make add " in page:
            commit_as_cloned(folder)
    else:
        folder = tmp_path / "folder"
        copy_repository(folder / "engine")
    shell = Shell(folder)
    try:
        for step in steps(page):
            if step.file:
                shell.write(step.file, step.text)
            elif step.slow and not os.environ.get("DOCS_SLOW"):
                continue
            else:
                printed = shell.type(step.text)
                end = "\n".join(line[:200] for line in printed.splitlines()[-30:])
                shown = f"{name}: $ {step.text}\n{end}\n--- the page shows\n{step.printed}"
                assert matches(step.printed, printed), shown
                if step.text.startswith("make add "):
                    check_added(shell, printed)
    finally:
        shell.close()


def test_every_page_with_commands_is_known():
    found = {name for name, path in zip(NAMES, DOCS, strict=True) if WHERE.match(path.read_text(encoding="utf-8"))}
    assert found == PAGES_WITH_COMMANDS


@pytest.mark.parametrize("name", NAMES)
def test_no_command_stands_where_it_is_not_run(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    assert page.count("```") == 2 * len(BLOCK.findall(page)), "a fence is not closed"
    if not WHERE.match(page):
        assert "```console" not in page
    if name != "docs/howto/cluster.md":  # a cluster, a cloud: what cannot be run here says so
        assert "```sh" not in page and "```bash" not in page
    for marks, kind, body in BLOCK.findall(page):
        assert kind in ("console", "sh", "yaml", "mermaid") or "<!-- file:" in marks, f"{name}: {body[:40]}"


def test_the_terminal_notices_a_wrong_output(tmp_path):
    shell = Shell(tmp_path)
    assert shell.type("echo one; echo two >&2") == "one\ntwo\n"
    shell.type("mkdir inside; cd inside")
    shell.write("a.txt", "b\n")
    assert matches("b\n", shell.type("cat a.txt")) and not matches("c\n", shell.type("cat a.txt"))
    shell.close()
    assert matches("...\nlast ... line\n", "x\ny\nlast wrong line\n") and not matches("...\nlast\n", "x\nlast\ny\n")
    assert matches("", "") and not matches("", "Error\n")
    read = steps("<!-- file: a/b -->\n```yaml\nx: 1\n```\n\n<!-- slow -->\n```console\n$ one\n1\n$ two\n```\n")
    assert read == [Step("x: 1\n", file="a/b"), Step("one", "1\n", slow=True), Step("two", "", slow=True)]


@pytest.fixture
def in_root(monkeypatch):
    """Stand in the root of the repository."""
    monkeypatch.chdir(ROOT)


def test_the_reference_and_the_numbers_are_those_of_code_and_results(in_root, results):
    wrong = [str(path) for path, text in reference.texts().items() if path.read_text(encoding="utf-8") != text]
    assert not wrong, f"{wrong}: run `PYTHONPATH=workflow/scripts .venv/bin/python -m synthesis.documents.pages`."


def test_the_reference_has_the_columns_of_the_code_whatever_another_version_left(protocol):
    """`make add` fills these pages at its end, and must not end at a table that is built on request only."""
    page = reference.results_page(protocol)
    assert "## `crosscheck.csv`" in page and "`relative_difference`" in page


def test_the_reference_names_everything(in_root, results):
    pages = {path.name: text for path, text in reference.texts().items()}
    from synthesis.models.catalogue import MODELS
    from synthesis.protocol.config import Protocol
    from synthesis.sheets.sheet import Outcome, Sheet
    from synthesis.tables.declared import table_file, table_names

    assert all(f"| `{name}` |" in pages["models.md"] for name in MODELS)
    assert all(f"| `{name}` |" in pages["config.md"] for name in Protocol.model_fields)
    assert all(f"| `{name}` |" in pages["sheet.md"] for name in (*Sheet.model_fields, *Outcome.model_fields))
    assert all(f"### sheet {name}" in pages["commands.md"] for name in ("new", "check", "from-table", "compare"))
    assert "| `make check` |" in pages["commands.md"]
    assert all(f"`{table_file(name)}`" in pages["results.md"] for name in table_names())


def test_the_questions_of_the_config_are_quoted(in_root):
    page = reference.config_page((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert "Which model gives the headline numbers?" in page and "What is pooled?" in page
    anchors = {line[3:].lower() for line in page.splitlines() if line.startswith("## ")}
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= anchors


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    page = re.sub(r"```.*?```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page):
        assert ((ROOT / name).parent / link).exists(), f"{name}: {link}"


@pytest.mark.parametrize("name", [name for name in NAMES if "explanation" in name])
def test_no_result_is_typed_by_hand(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    outside = re.sub(r"<!-- quote:.*?<!-- /quote -->", "", page, flags=re.S)
    typed = set(re.findall(r"\d+\.\d+ ?%", outside))
    assert typed <= {"1.1%"}, typed  # the crude rate of the catheters: test_examples.py counts it


def test_a_mark_that_picks_no_row_or_several_is_an_error(tmp_path):
    (tmp_path / "t.csv").write_text("a,estimate,ci_low,ci_high\nx,0.005,0.001,0.02\ny,0.5,0.4,\ny,0.6,0.5,0.7\n")
    mark = "<!-- quote: t.csv {}: {} -->old<!-- /quote -->"
    assert ">0.50% (0.10–2.00)<" in quoting.fill(mark.format("a=x", "interval"), tmp_path)
    assert quoting.fill("text", tmp_path) == "text"
    for where, what in (("a=y", "interval"), ("a=z", "percent"), ("a=x", "median")):
        with pytest.raises(KeyError):
            quoting.fill(mark.format(where, what), tmp_path)
    with pytest.raises(KeyError):
        quoting.fill("<!-- cite: nobody1900 --><!-- /cite -->")


def test_the_smallest_config_of_the_tutorial_is_as_small_as_it_gets(tmp_path):
    found = [s for s in steps((ROOT / "docs" / "new-review.md").read_text(encoding="utf-8")) if s.file == "config.yaml"]
    (tmp_path / "config.yaml").write_text(found[0].text, encoding="utf-8")
    assert list(read_protocol(tmp_path / "config.yaml").analyses) == ["headache"]
