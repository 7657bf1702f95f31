"""The engine by version: a review elsewhere is config.yaml, studies/ and a Snakefile of two statements.

Each way of naming the engine is taken in an empty folder, without a network, by an environment that holds the locked
packages and nothing of this repository, and gives the bytes that the engine beside the review gives.
"""

import os
import re
import shutil
import subprocess
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Review, build_wheel, locked_environment, start_repository

pytestmark = pytest.mark.workflow
TEMPLATE = ROOT / "workflow" / "templates" / "review"
SNAKEFILE = "module review:\n    snakefile:\n        {}\n\nuse rule * from review\n"
SHORT = ("results/estimates.csv", "results/rash/forest.svg", "results/rash/reproduce.R")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Give the programs of an environment without the engine."""
    return locked_environment(tmp_path_factory.mktemp("bare") / "env")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel):
    """Give the programs of an environment in which the wheel is installed."""
    programs = locked_environment(tmp_path_factory.mktemp("installed") / "env")
    command = [programs / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(command, check=True)
    return programs


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Give a repository that holds the engine under the tag v1, and something else since."""
    repository = tmp_path / "engine"
    shutil.copytree(ROOT / "workflow", repository / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(repository)
    git = start_repository()
    git("tag", "v1")
    git("rm", "-rq", "workflow")
    git("commit", "-qm", "later")
    return repository


def review_of(folder: Path, engine: str, programs: Path) -> Review:
    """Give the small review with a Snakefile that names the engine, and the environment it is built in."""
    review = Review(folder)
    (folder / "Snakefile").write_text(SNAKEFILE.format(engine), encoding="utf-8")
    review.python = str(programs / "python")
    return review


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def check_whole(review: Review, built: Review) -> None:
    """Build everything, and compare it with what the engine beside the review gave."""
    review.build()
    ours, theirs = files(review.folder / "results"), files(built.folder / "results")
    assert len(ours) > 100
    assert {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)} == set()
    assert review.plan() == []


@pytest.mark.slow
def test_a_wheel_that_is_installed(tmp_path, installed, built):
    review = review_of(tmp_path / "review", '__import__("everpool").SNAKEFILE', installed)
    check_whole(review, built)
    review.edit("config.yaml", "title: A small review", "title: A tiny review")
    assert "pool_analysis" not in " ".join(review.plan())


@pytest.mark.slow
def test_a_release_in_git(tmp_path, bare, release, built):
    """Snakemake reads rules and scripts out of git; the library of the same release is unpacked beside its records."""
    review = review_of(tmp_path / "review", f'gitfile("{release}", path="workflow/Snakefile", tag="v1")', bare)
    check_whole(review, built)
    report = review.run("--report", "page.html")
    assert report.returncode == 0, report.stderr


@pytest.mark.slow
def test_a_clone_beside_the_review(tmp_path, bare, built):
    shutil.copytree(ROOT / "workflow", tmp_path / "engine" / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    check_whole(review_of(tmp_path / "review", '"../engine/workflow/Snakefile"', bare), built)


@pytest.mark.slow
def test_a_release_that_github_hosts(tmp_path, bare, release, monkeypatch):
    """The same, from the bare clone that Snakemake keeps of a repository it fetched once."""
    store = tmp_path / "cache" / "snakemake" / "snakemake" / "source-cache" / "snakemake-git-cache" / "github.com"
    command = ["git", "clone", "--quiet", "--bare", str(release), str(store / "someone" / "everpool")]
    subprocess.run(command, check=True)
    engine = 'github("someone/everpool", path="workflow/Snakefile", tag="v1")'
    review = review_of(tmp_path / "review", engine, bare)
    review.environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    review.build("results/estimates.csv")
    assert "fever" in review.read("results/estimates.csv")


def test_an_engine_file_by_file_from_a_web_page_is_refused_with_what_helps(tmp_path):
    """Python cannot import a library that lies behind an address."""

    class Quiet(SimpleHTTPRequestHandler):
        log_message = print if os.environ.get("SHOW") else lambda *_: None

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(ROOT))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        review = Review(tmp_path / "review")
        address = f'"http://127.0.0.1:{server.server_port}/workflow/Snakefile"'
        (review.folder / "Snakefile").write_text(SNAKEFILE.format(address), encoding="utf-8")
        done = review.run("--dry-run")
        server.shutdown()
    assert done.returncode != 0
    assert "gitfile(…) or github(…) and a tag, or install it: pip install everpool" in done.stdout + done.stderr


def test_the_wheel_holds_the_whole_workflow_once(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    ours = {str(p.relative_to(ROOT)) for p in (ROOT / "workflow").rglob("*") if p.is_file() and ".pyc" not in p.name}
    found = {name.removeprefix("everpool-engine/") for name in names if name.startswith("everpool-engine/")}
    assert found == ours - {"workflow/everpool.pth"}
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"everpool-engine", "everpool.pth"}
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_a_new_review_builds_at_once_and_takes_up_a_study(tmp_path, installed):
    """The commands of its Makefile, as a person types them."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    environment["PATH"] = f"{installed}:{environment['PATH']}"

    def run(*command: str, folder: Path = tmp_path / "my review") -> str:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "my review is written" in run("everpool", "new-review", "my review", folder=tmp_path)
    assert run("make", "check") == "1 sheet with 2 counts: no problem.\n"
    assert "Built in" in run("make")
    assert "Everything is up to date: results/report.html" in run("make")
    folder = tmp_path / "my review"
    run("git", "init", "-q")
    text = (folder / "studies" / "adams2024.yaml").read_text(encoding="utf-8")
    for old, new in (("adams2024", "baker2025"), ("Adams 2024", "Baker 2025"), ("An invented report", "Another one")):
        text = text.replace(old, new)
    (folder / "studies" / "baker2025.yaml").write_text(text.replace("year: 2024", "year: 2025"), encoding="utf-8")
    said = run("make", "add", "FILES=baker2025")
    assert "To commit it:" in said and "studies/baker2025.yaml" in said
    assert "baker2025" in (folder / "results" / "event" / "rows.csv").read_text(encoding="utf-8")
    shown = run("make", "help")
    assert set(re.findall(r"^  make (\w+)", shown, re.M)) >= {"results", "check", "add"}


def test_a_new_review_overwrites_nothing(tmp_path, capsys, monkeypatch):
    from everpool.command import main

    monkeypatch.chdir(tmp_path)
    assert main(["new-review", "mine"]) == 0
    before = files(tmp_path)
    (tmp_path / "mine" / "config.yaml").write_text("mine\n", encoding="utf-8")
    assert main(["new-review", "mine"]) == 1
    assert main(["new-review", "mine/config.yaml"]) == 1
    assert "Nothing was written" in capsys.readouterr().err
    assert files(tmp_path) == before | {"mine/config.yaml": b"mine\n"}
    (tmp_path / "empty").mkdir()
    assert main(["new-review", "empty"]) == 0
    found = {name.removeprefix("mine/") for name in before}
    assert found >= {".gitignore", ".github/workflows/build.yml", "Makefile", "Snakefile", "config.yaml"}
    assert sum(name.startswith("studies/") for name in found) == 1


def test_the_next_step_of_a_new_review_can_be_pasted(tmp_path, capsys, monkeypatch):
    from everpool.command import main

    monkeypatch.chdir(tmp_path)
    assert main(["new-review", "my review"]) == 0
    assert "\n  cd 'my review'\n" in capsys.readouterr().out


def test_the_snakefile_of_a_new_review_is_two_statements():
    text = (TEMPLATE / "Snakefile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert lines == ["module review:", "use rule * from review"]


def test_the_choices_of_a_new_review_come_with_their_questions():
    text = (TEMPLATE / "config.yaml").read_text(encoding="utf-8")
    assert text.count("?") > 15 and "contrasts:" in text
    assert {"outcomes", "products", "analyses", "models"} <= set(yaml.safe_load(text))
    workflow = yaml.safe_load((TEMPLATE / "_github" / "workflows" / "build.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for step in workflow["jobs"]["build"]["steps"]:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + 40 * "0")), step
    ours = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    for action in re.findall(r"uses: (\S+)", (TEMPLATE / "_github" / "workflows" / "build.yml").read_text()):
        assert action in ours, "the pinned actions of the template and of this repository are the same"
