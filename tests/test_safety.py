"""What the project must never do: run data as code, build shell commands from it, or trust a moving tag.

The network: `test_faults.py` builds in a namespace without one.
"""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

# Reading one of these runs what the data say; `yaml.load` is looked at by its loader below.
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}
NETWORK_MODULES = {"urllib.request", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "urllib3"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
FORBIDDEN_METHODS = {
    ("os", "system"),
    ("os", "popen"),
    ("subprocess", "getoutput"),
    ("subprocess", "getstatusoutput"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
    ("yaml", "full_load"),
    ("yaml", "unsafe_load"),
    ("socket", "socket"),
    ("socket", "create_connection"),
    ("DataFrame", "eval"),
    ("DataFrame", "query"),
}
SAFE_LOADERS = {"BaseLoader", "CBaseLoader", "SafeLoader", "CSafeLoader"}
CODE = sorted([*ROOT.glob("workflow/**/*.py"), *ROOT.glob("benchmarks/*.py")])
RULES = sorted([ROOT / "Snakefile", ROOT / "workflow" / "Snakefile", *ROOT.glob("workflow/rules/*.smk")])
WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob(".github/workflows/*.yaml")])


def dotted(node: ast.AST) -> str:
    """Give a name as written: ``os.system``; blank for anything else."""
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def findings(tree: ast.AST) -> list[str]:
    """Name what a module does that it must not, with the line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else _imported(node)
            bad = [n for n in names if n.split(".")[0] in FORBIDDEN_MODULES or _reaches_out(n)]
            found += [f"{node.lineno}: import {name}" for name in bad]
        elif isinstance(node, ast.Call):
            found += [f"{node.lineno}: {what}" for what in _calls(node)]
    return found


def _imported(node: ast.ImportFrom) -> list[str]:
    module = "." * node.level + (node.module or "")
    return [module, *(f"{module}.{alias.name}" for alias in node.names)]


def _reaches_out(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in NETWORK_MODULES)


def _calls(node: ast.Call) -> list[str]:
    name = dotted(node.func)
    owner, _, method = name.rpartition(".")
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    found = []
    if name in FORBIDDEN_CALLS or (owner.rpartition(".")[2], method) in FORBIDDEN_METHODS:
        found.append(name)
    shell = keywords.get("shell")
    if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
        found.append(f"{name}(shell=…)")
    if name in ("yaml.load", "yaml.load_all"):
        loader = keywords.get("Loader") or (node.args[1] if len(node.args) > 1 else None)
        if loader is None or dotted(loader).rpartition(".")[2] not in SAFE_LOADERS:
            found.append(f"{name} with a loader that builds objects")
    if method in ("load", "loads", "memmap") and owner in ("np", "numpy"):
        pickles = keywords.get("allow_pickle")
        if pickles is not None and not (isinstance(pickles, ast.Constant) and pickles.value is False):
            found.append(f"{name}(allow_pickle=…)")
    return found


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "from urllib import request",
        "import urllib.request",
        "eval(row['formula'])",
        "exec(text)",
        "socket.create_connection(address)",
        "os.system('rm ' + name)",
        "subprocess.run(f'cat {name}', shell=True)",
        "subprocess.run(command, shell=flag)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
    ],
)
def test_the_scan_sees(line):
    """The scan below finds each of these, so that its silence means something."""
    assert findings(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "import json",
        "from urllib.parse import quote",
        "yaml.load(t, Loader=yaml.CBaseLoader)",
        "subprocess.run(['git', 'log'])",
        "re.compile('x')",
    ],
)
def test_the_scan_lets_pass(line):
    assert findings(ast.parse(line)) == []


def test_no_data_is_run_as_code():
    """No pickle, eval, exec, shell or network anywhere in the engine."""
    assert len(CODE) > 60, "the scan has lost the library"
    found = [
        f"{path.relative_to(ROOT)}:{what}" for path in CODE for what in findings(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def test_no_rule_hands_a_word_to_a_shell():
    """A path or a name of the config is never part of a command line; R is called with a list of arguments."""
    assert len(RULES) > 5
    for path in RULES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^ +shell:|\bshell\(|\bos\.system\(|\bos\.popen\(|\beval\(|\bexec\(", text, re.M), (
            path.name
        )


def test_templates_escape():
    """Templates escape what they print; what is exempt is drawn by the engine itself, which escapes as it draws."""
    templates = [path for path in ROOT.glob("workflow/templates/**/*") if path.is_file()]
    assert templates
    exempt = {
        (path.name, found)
        for path in templates
        for found in re.findall(r"([\w.\[\]]+)\s*\|\s*safe\b", path.read_text(encoding="utf-8"))
    }
    assert exempt <= UNESCAPED
    assert not any("autoescape false" in path.read_text(encoding="utf-8") for path in templates)


UNESCAPED = {("macros.html", "f.svg")}


# Continuous integration -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path):
    """An action is named by the hash of a commit, which nobody can move, with its version beside it for people."""
    uses = re.findall(r"^\s*(?:- )?uses:\s*(\S+)(.*)$", path.read_text(encoding="utf-8"), re.M)
    loose = [
        action
        for action, rest in uses
        if not action.startswith("./")
        and not (re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", action) and re.search(r"# v?\d", rest))
    ]
    assert loose == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_least(path):
    """A workflow may read, unless a job that says so needs more; nothing runs a stranger's code with rights."""
    text = path.read_text(encoding="utf-8")
    workflow = yaml.load(text, Loader=yaml.BaseLoader)
    assert workflow.get("permissions") in ({"contents": "read"}, {}), "the workflow's own permissions"
    assert "pull_request_target" not in workflow["on"]
    for name, job in workflow["jobs"].items():
        writes = [scope for scope, right in (job.get("permissions") or {}).items() if right == "write"]
        assert set(writes) <= ALLOWED_WRITES.get((path.name, name), set()), f"{name} may write {writes}"
        assert "timeout-minutes" in job, f"{name} may hang for six hours"
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step.get("with", {}).get("persist-credentials") == "false", (
                    f"{name} leaves its token on the disk"
                )
            # A title or branch name of a stranger, pasted into a script, is a script.
            assert not re.search(r"\$\{\{\s*(github\.(event|head_ref)|inputs)\b", step.get("run", "")), (
                f"{name}: {step['run']}"
            )


# Which job of which workflow may write what; every other may only read.
ALLOWED_WRITES: dict[tuple[str, str], set[str]] = {}


def test_there_is_a_workflow():
    assert WORKFLOWS


def test_locked_requirements_have_hashes():
    """Every package that is installed is the one that was locked, byte for byte; so is the installer itself."""
    for name, least in (("requirements.txt", 30), ("requirements/uv.txt", 1)):
        lines = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        pinned = [line for line in lines if re.match(r"[A-Za-z0-9]", line)]
        assert len(pinned) >= least
        assert [line.split()[0] for line in pinned if "--hash=sha256:" not in line or "==" not in line] == []


def test_the_lock_names_one_index_and_a_hash_for_every_file():
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    own = [package["name"] for package in packages if "editable" in package["source"] or "virtual" in package["source"]]
    assert own == [tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]]
    others = [package for package in packages if package["name"] not in own]
    assert {package["source"].get("registry") for package in others} == {"https://pypi.org/simple"}
    for package in others:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files and all(re.fullmatch("sha256:[0-9a-f]{64}", file["hash"]) for file in files), package["name"]
    locked = {f"{package['name']}=={package['version']}" for package in others}
    exported = re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M)
    assert set(exported) <= locked, "requirements.txt is not that of uv.lock: run `make lock`"


def test_the_installation_insists_on_the_hashes():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\n$(READY):")[2]
    assert "--require-hashes" in recipe and "uv sync --quiet --locked" in recipe


# The page on faults ---------------------------------------------------------------------------------------------------

PAGE = ROOT / "docs" / "explanation" / "faults.md"


def texts_of(path: Path) -> list[str]:
    """Give the texts in a module as they are put together; what is filled in is a gap."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def test_the_page_on_faults_quotes_what_the_code_prints_and_tests_that_are_there():
    """A message that was reworded, or a test that went, has to be mended on the page too."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    spoken = [text for path in ROOT.glob("workflow/scripts/synthesis/**/*.py") for text in texts_of(path)]
    spoken += [path.read_text(encoding="utf-8") for path in RULES]
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith("| What happens")]
    checked = 0
    for row in rows:
        _, seen, _, proof = row.strip("| ").split(" | ")
        parts = [
            part.strip(" .,;:") for quoted in re.findall(r"`([^`]+)`", seen) for part in re.split(r"[…()]", quoted)
        ]
        for part in parts:  # what is filled in, and what is too short to mean anything, aside
            assert len(part.split()) < 4 or any(part in text for text in spoken), part
            checked += len(part.split()) >= 4
        for name in re.findall(r"`([\w.]+)`", proof):
            known = (ROOT / "tests" / name).is_file() if name.endswith(".py") else f"def {name}(" in tests
            assert known, name
    assert checked >= 20
