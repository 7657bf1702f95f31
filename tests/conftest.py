"""Shared by all tests: the small review, copies of it, and how to run Snakemake in one."""

import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from types import MappingProxyType

import pytest
from packaging.requirements import Requirement
from synthesis.protocol.config import read_protocol
from synthesis.sheets.facts import as_text
from synthesis.sheets.sheet import type_sheet
from synthesis.tables.located import read_located

ROOT = Path(__file__).parents[1]
REVIEW = ROOT / "tests" / "review"
# A list of reports for the small review, which has none.
LISTED = "id,report,identifier,found,decision,category,reason,sheet\n" + "".join(
    f'{sheet},"{sheet.title()}, with a comma",,by hand,pooled,,"Feeds: Fever, Rash.",{sheet}\n'
    for sheet in ("adams2001", "baker2002", "clark2003", "davis2004")
)


class Review:
    """A copy of the small review with the engine beside it, in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(REVIEW, folder, dirs_exist_ok=True)

    @classmethod
    def at(cls, folder: Path) -> "Review":
        """Give a review that is in its folder already."""
        review = cls.__new__(cls)
        review.folder = folder
        return review

    def sheet(self, name: str = "adams2001") -> Path:
        """Give the path of a sheet."""
        return self.folder / "studies" / f"{name}.yaml"

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text that must occur, so that a test cannot silently edit nothing."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add_engine(self) -> None:
        """Copy the engine, so that a test may edit it."""
        shutil.copytree(ROOT / "workflow", self.folder / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", self.folder)

    python = sys.executable
    environment: Mapping[str, str] = MappingProxyType({})  # beside what the tests themselves run in

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake and give what it printed."""
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | self.environment
        command = [self.python, "-m", "snakemake", "--cores", "2", "--nocolor", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, encoding="utf-8", timeout=300
        )

    def build(self, *arguments: str) -> list[str]:
        """Build, insist on success, and give the jobs that ran as ``rule`` or ``rule analysis``, sorted."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return jobs(done.stdout + done.stderr)

    def plan(self, *arguments: str) -> list[str]:
        """Give the jobs that a build would run, without running them."""
        return self.build("--dry-run", *arguments)

    def read(self, file: str) -> str:
        """Read a file of the folder."""
        return (self.folder / file).read_text(encoding="utf-8")


def locked_environment(home: Path) -> Path:
    """Make an environment of the locked packages alone, without a network: links to those that are installed here."""
    venv.create(home, symlinks=True, with_pip=True)
    library = home / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    wanted = map(Requirement, re.findall(r"^(\w.+?) \\$", text, re.M))
    for found in (distribution(one.name) for one in wanted if not one.marker or one.marker.evaluate()):
        for top in {Path(file).parts[0] for file in found.files if not str(file).startswith("..")} - {"__pycache__"}:
            if not (library / top).exists():
                (library / top).symlink_to(found.locate_file(top))
    return home / "bin"


def build_wheel(folder: Path) -> Path:
    """Build the engine as pip installs it, without a network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("everpool-*.whl"))


def handed(folder: Path, sheets) -> str:
    """Write sheets, or the sheets at some paths, down as the Snakefile hands them to jobs, and give the path."""
    path = folder / "handed.json"
    typed = (type_sheet(read_located(sheet)) if isinstance(sheet, str) else sheet for sheet in sheets)
    path.write_text(as_text(typed), encoding="utf-8")
    return str(path)


def start_repository():
    """Begin a git repository in the folder one stands in, commit all, and give a function that runs git there."""

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, encoding="utf-8").stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    return git


def jobs(log: str) -> list[str]:
    """Find the jobs in Snakemake's log."""
    found = []
    for block in re.split(r"\n(?=\[|localrule |rule )", log):
        rule = re.search(r"^(?:localrule|rule) (\w+):", block, re.M)
        if rule and rule[1] != "all":
            analysis = re.search(r"wildcards: analysis=(\w+)", block)
            found.append(f"{rule[1]} {analysis[1]}" if analysis else rule[1])
    return sorted(found)


@pytest.fixture
def review(tmp_path):
    """Give a copy of the small review."""
    return Review(tmp_path / "review")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Build the small review once, whichever process of pytest-xdist comes first; tests work on copies."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    review, done = Review.at(base / "built"), base / "built.done"
    try:
        review.folder.mkdir()
    except FileExistsError:
        while not done.is_file():
            time.sleep(0.2)
    else:
        try:
            shutil.copytree(REVIEW, review.folder, dirs_exist_ok=True)
            review.add_engine()
            done.write_text("\n".join(review.build()))
        finally:
            done.touch()  # when it failed too: the others must not wait for ever
    assert "pool_analysis fever" in done.read_text().splitlines(), "the small review was not built"
    return review


@pytest.fixture
def copy(built, tmp_path):
    """Give a copy of the built review, with Snakemake's records and all times."""
    folder = tmp_path / "review"
    shutil.copytree(built.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Review.at(folder)


@pytest.fixture(scope="session")
def results():
    """Give the built results of this review; a clone holds only those that are committed."""
    if not (ROOT / "results" / "report.html").is_file():
        pytest.fail("The results are not built. Run make first, or make test, which builds them.", pytrace=False)
    return ROOT / "results"


@pytest.fixture(scope="session")
def protocol():
    """Give the protocol of the small review."""
    return read_protocol(REVIEW / "config.yaml")
