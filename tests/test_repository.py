"""What git sees: a new study is a commit that a person can read, and a build after it changes nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Review

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md", "studies/README.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Give a function that runs git in a folder, the same whoever runs it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def run(*arguments, at: Path) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(["git", *who, *arguments], cwd=at, check=True, capture_output=True, encoding="utf-8")
        return done.stdout

    return run


@pytest.fixture
def fresh(git, tmp_path):
    """Give a repository with the same rules of what is committed, and nothing in it."""
    for name in (".gitignore", ".gitattributes"):
        shutil.copy(ROOT / name, tmp_path)
    git("init", "-q", at=tmp_path)
    return tmp_path


def ignored(git, folder: Path, paths: list[str]) -> list[str]:
    """Name the paths that a commit would leave out."""
    return [path for path in paths if _asks(git, folder, path)]


def _asks(git, folder: Path, path: str) -> bool:
    try:
        return bool(git("check-ignore", "--no-index", path, at=folder))
    except subprocess.CalledProcessError:
        return False


def test_no_link_leads_to_a_file_that_is_built_and_not_committed(git, fresh):
    """On GitHub such a link is dead."""
    links = {
        os.path.relpath((page.parent / link).resolve(), ROOT)
        for page in PAGES
        for link in LINK.findall(page.read_text(encoding="utf-8"))
    }
    assert {"results/estimates.csv", "results/thrombosis/forest.svg"} <= links
    assert ignored(git, fresh, sorted(links)) == []


def test_of_the_results_only_what_a_person_reads_is_committed(git, fresh, built):
    """Tables that a diff can show, and the figures that a README shows: two files an analysis, and a few for all."""
    shutil.copytree(built.folder / "results", fresh / "results")
    for name in ("crosscheck.csv", "operating_characteristics.csv", "operating_characteristics_summary.csv"):
        (fresh / "results" / name).write_text("built on request\n")
    git("add", ".", at=fresh)
    committed = {path.removeprefix("results/") for path in git("ls-files", "results", at=fresh).split()}
    shared = {"README.md", "changes.md", "comparisons.csv", "contrasts.csv", "crosscheck.csv", "estimates.csv"}
    each = {f"{analysis}/{name}" for analysis in ("fever", "high_fever", "rash") for name in ("forest.svg", "rows.csv")}
    assert committed == shared | each | {"operating_characteristics_summary.csv"}
    shown = set(LINK.findall(built.read("results/README.md")))
    assert {path for path in committed if path.endswith(".svg")} == {path for path in shown if path.endswith(".svg")}
    assert shown <= committed


def test_a_diff_shows_the_numbers_of_a_figure_and_not_its_paths(git, fresh):
    for name, text in (("results/fever/forest.svg", "<svg/>\n"), ("results/estimates.csv", "a\n")):
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).write_text(text)
    git("add", ".", at=fresh)
    git("commit", "-qm", "first", at=fresh)
    (fresh / "results/fever/forest.svg").write_text("<svg>\n" + 1000 * "<path/>\n" + "</svg>\n")
    (fresh / "results/estimates.csv").write_text("b\n")
    assert git("diff", "--numstat", at=fresh).split() == [
        "1",
        "1",
        "results/estimates.csv",
        "-",
        "-",
        "results/fever/forest.svg",
    ]


COMMITTED = ["results/README.md", "results/changes.md", "results/comparisons.csv"]
COMMITTED += [f"results/{analysis}/forest.svg" for analysis in ("fever", "high_fever", "rash")]


def new_study(review: Review, name: str = "evans2005") -> None:
    """Add a study like one that is there."""
    text = review.read("studies/davis2004.yaml").replace("davis2004", name).replace("Davis 2004", "Evans 2005")
    (review.folder / "studies" / f"{name}.yaml").write_text(text)


@pytest.mark.workflow
@pytest.mark.slow
def test_builds_after_a_commit_leave_git_status_clean(git, copy, tmp_path):
    """The whole workflow: a study is added, built and committed; then built again here, in a clone, and without git."""
    shutil.copy(ROOT / ".gitignore", copy.folder)
    git("init", "-q", at=copy.folder)
    git("add", ".", at=copy.folder)
    git("commit", "-qm", "first", at=copy.folder)
    new_study(copy)
    copy.build(*COMMITTED)
    told = copy.read("results/changes.md")
    assert told.startswith("**Results change** against the commit before: ") and "Evans 2005" in told
    git("add", ".", at=copy.folder)
    git("commit", "-qm", "Evans 2005", at=copy.folder)
    copy.build(*COMMITTED)
    assert git("status", "--porcelain", at=copy.folder) == "" and copy.plan(*COMMITTED) == []
    clone = Review.at(tmp_path / "clone")
    git("clone", "-q", "--depth", "1", copy.folder.as_uri(), str(clone.folder), at=tmp_path)
    clone.build(*COMMITTED)
    assert git("status", "--porcelain", at=clone.folder) == "" and clone.plan(*COMMITTED) == []
    shutil.rmtree(clone.folder / ".git")
    shutil.rmtree(clone.folder / ".snakemake")
    clone.build(*COMMITTED)
    assert clone.read("results/changes.md") == told and clone.plan(*COMMITTED) == []
    clone.edit("studies/evans2005.yaml", "events: 6,", "events: 7,")
    clone.build(*COMMITTED)
    assert clone.read("results/changes.md").startswith("**Nothing to compare with:**")
    assert clone.plan(*COMMITTED) == []
