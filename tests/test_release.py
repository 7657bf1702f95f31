"""A release is refused with every reason at once, leaves nothing when it fails, and its archive can be trusted."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, Review
from synthesis import release
from synthesis.releases.parcel import software, write_archive
from synthesis.releases.readiness import VERSION, find_problems, read_stated
from synthesis.tables.declared import columns_of
from synthesis.tables.files import write_table

ESTIMATES = columns_of("estimates")

PROJECT = '[project]\nname = "small-review"\nversion = "26.1.0"\n'
CITATION = """\
cff-version: 1.2.0
title: A small review
abstract: >-
  Made up
  for tests.
authors:
  - {given-names: Ada, family-names: Example, orcid: "https://orcid.org/0000-0002-1825-0097"}
  - {name: The other authors}
version: 26.1.0
date-released: "2026-01-20"
license: [MIT, CC-BY-4.0]
keywords: [fever, rash]
"""
CHANGELOG = "# Changelog\n\n## 26.1.0 (2026-01-20)\n\n**Results: first.** Three analyses.\n\n## 25.12.0 (2025-12-01)\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a committed review that can be released; the network is off, and the user has a name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "t")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "t@example.org")
        monkeypatch.setenv(f"GIT_{who}_DATE", "2026-01-20T12:00:00Z")

    def refuse(*_):
        raise AssertionError("a release speaks to no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    review = Review(tmp_path / "review")
    review.edit("config.yaml", "version: 1.0.0", "version: 26.1.0")
    for name, text in (("pyproject.toml", PROJECT), ("CITATION.cff", CITATION), ("CHANGELOG.md", CHANGELOG)):
        (review.folder / name).write_text(text)
    (review.folder / ".gitignore").write_text("/dist/\n*.pdf\n.snakemake/\n")
    (review.folder / "Snakefile").write_text("rule all:\n")
    monkeypatch.chdir(review.folder)
    estimate = dict.fromkeys(ESTIMATES, "") | {"analysis": "fever", "subset": "all", "model": "glmm", "status": "ok"}
    write_table("results/estimates.csv", [estimate], ESTIMATES)
    for name in ("report.html", "changes.md", "data.zip", "fever/forest.pdf", ".half-written.csv.12"):
        Path("results", name).parent.mkdir(exist_ok=True)
        Path("results", name).write_text(name)
    git("init", "-q")
    git("add", ".")
    git("rm", "-q", "--cached", "results/.half-written.csv.12")
    (review.folder / ".git/info/exclude").write_text(".half*\n")
    git("commit", "-qm", "first")
    return review


def git(*arguments) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, encoding="utf-8").stdout


def problems() -> str:
    return "\n".join(find_problems())


def test_a_release_in_order(folder, capsys):
    assert release.main(["--check"]) == 0
    assert "Version 26.1.0 could be released: v26.1.0, 2026-01-20." in capsys.readouterr().out
    assert git("tag") == ""
    assert release.main(["--skip-build", "--skip-tests"]) == 0
    out = capsys.readouterr().out
    assert "Released 26.1.0: tag v26.1.0, dist/26.1.0.zip" in out and "Nothing was sent anywhere." in out
    assert git("tag").split() == ["v26.1.0"]
    assert git("cat-file", "-t", "v26.1.0").strip() == "tag"  # annotated: it has a day and an author
    assert git("status", "--porcelain") == ""
    assert release.main(["--skip-build", "--skip-tests"]) == 1
    assert "v26.1.0 is a tag already. Raise the version" in capsys.readouterr().err


def test_every_reason_is_named_at_once(folder):
    folder.edit("pyproject.toml", "26.1.0", "26.0.9")
    folder.edit("CITATION.cff", "version: 26.1.0", "version: 26.1.1")
    folder.edit("CHANGELOG.md", "26.1.0 (2026-01-20)", "26.1.0 (unreleased)")
    folder.edit("CHANGELOG.md", "**Results: first.** Three", "Three")
    folder.edit("studies/baker2002.yaml", "events: 5, patients: 60", "events: 65, patients: 60")
    said = problems()
    for words in (
        "pyproject.toml: project.version says 26.0.9, config.yaml says 26.1.0.",
        "CITATION.cff: version says 26.1.1",
        'CHANGELOG.md: first entry: "unreleased" is not a day.',
        "say whether results change",
        "Files differ from the last commit: CHANGELOG.md, CITATION.cff, pyproject.toml, studies/baker2002.yaml.",
        "is more than patients (60)",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("config.yaml", "version: 26.1.0", "version: 1.0", "is not year.month.number"),
        ("config.yaml", "version: 26.1.0", "version: 26.13.0", "is not year.month.number"),
        ("CITATION.cff", '"2026-01-20"', '"2026-01-21"', "The day of the release differs"),
        (
            "config.yaml",
            "last_search: 2026-01-01",
            "last_search: 2026-02-01",
            "2026-02-01 is after the day of the release",
        ),
        ("CITATION.cff", "license: [MIT, CC-BY-4.0]", "", "CITATION.cff: license is missing"),
        ("CHANGELOG.md", "## 26.1.0", "## 25.1.0", "CHANGELOG.md: first entry says 25.1.0"),
    ],
)
def test_each_reason(folder, file, old, new, words):
    folder.edit(file, old, new)
    assert words in problems()


def test_a_lower_version_than_the_last_release(folder):
    git("tag", "v26.3.0")
    assert "26.3.0 is released already, and 26.1.0 is lower." in problems()


def test_without_git_there_is_no_release(folder, tmp_path, monkeypatch, capsys):
    (folder.folder / ".git").rename(tmp_path / "elsewhere")
    assert release.main(["--check"]) == 1
    assert "A release is a tag, and this folder is not in a git repository." in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert "git is not installed" in problems()


def test_a_failed_build_or_test_leaves_no_tag_and_no_archive(folder, monkeypatch, capsys):
    for step, words in (("snakemake", "the build failed"), ("pytest", "a test failed")):
        monkeypatch.setattr(release, "run", lambda command, step=step: step not in command)
        assert release.main([]) == 1
        assert f"Not released: {words}" in capsys.readouterr().err
    assert git("tag") == "" and not Path("dist").exists()


def test_a_build_that_gives_other_results_is_refused(folder, monkeypatch, capsys):
    def build(command):
        text = Path("results/estimates.csv").read_text()
        Path("results/estimates.csv").write_text(text.replace("ok", "one study: not pooled"))
        return True

    monkeypatch.setattr(release, "run", build)
    assert release.main([]) == 1
    assert "the build gives other estimates than the committed ones" in capsys.readouterr().err
    git("checkout", "-q", ".")
    monkeypatch.setattr(release, "run", lambda *_: bool(Path("results/report.html").write_text("other")))
    assert release.main([]) == 1
    assert "after the build: Files differ from the last commit: results/report.html" in capsys.readouterr().err


def test_a_deliverable_that_was_not_built_is_missed(folder, capsys):
    git("rm", "-q", "results/report.html")
    git("commit", "-qm", "gone")
    assert release.main(["--skip-build", "--skip-tests"]) == 1
    assert "not built: results/report.html" in capsys.readouterr().err
    assert git("tag") == ""


def test_a_tag_that_git_refuses_leaves_no_archive(folder, monkeypatch, capsys):
    hidden = release.git

    def refuse(*arguments, **options):
        if arguments[:2] == ("tag", "-a"):
            raise release.GitError("no identity")
        return hidden(*arguments, **options)

    monkeypatch.setattr(release, "git", refuse)
    assert release.main(["--skip-build", "--skip-tests"]) == 1
    assert "git would not tag: no identity" in capsys.readouterr().err
    assert not list(Path("dist").iterdir())


@pytest.fixture
def archive(folder):
    """Give the names and contents of the archive."""
    with zipfile.ZipFile(write_archive(read_stated())) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_the_archive_holds_what_is_committed_and_what_is_built(archive):
    names = {name.removeprefix("a-small-review-26.1.0/") for name in archive}
    assert all(name.startswith("a-small-review-26.1.0/") for name in archive)
    assert {"config.yaml", "Snakefile", "studies/baker2002.yaml", "CITATION.cff", "results/report.html"} <= names
    assert {"results/data.zip", "results/fever/forest.pdf", "ro-crate-metadata.json"} <= names  # built, not committed
    assert not [name for name in names if ".git/" in name or "half-written" in name or name.startswith("dist")]


def test_the_archive_is_the_same_at_every_writing(folder):
    stated = read_stated()
    first = write_archive(stated).read_bytes()
    os.utime("results/report.html", (1, 1))
    assert write_archive(stated).read_bytes() == first


def test_the_crate_says_who_what_and_from_what(archive, tmp_path):
    from rocrate.rocrate import ROCrate

    text = archive["a-small-review-26.1.0/ro-crate-metadata.json"].decode()
    graph = {entity["@id"]: entity for entity in json.loads(text)["@graph"]}
    root = graph["./"]
    assert (root["name"], root["version"], root["datePublished"]) == ("A small review", "26.1.0", "2026-01-20")
    assert root["description"] == "Made up for tests."
    assert {licence["@id"] for licence in root["license"]} == {
        "https://spdx.org/licenses/MIT",
        "https://spdx.org/licenses/CC-BY-4.0",
    }
    person, group = (graph[author["@id"]] for author in root["author"])
    assert (person["@id"], person["@type"], person["name"]) == (
        *("https://orcid.org/0000-0002-1825-0097", "Person", "Ada Example"),
    )
    assert (group["@type"], group["name"]) == ("Organization", "The other authors")
    workflow = graph[root["mainEntity"]["@id"]]
    assert "ComputationalWorkflow" in workflow["@type"] and workflow["@id"] == "Snakefile"
    needed = {graph[part["@id"]]["name"]: graph[part["@id"]]["version"] for part in workflow["softwareRequirements"]}
    assert needed == software() and {"python", "numpy", "snakemake"} <= set(needed)
    action = graph["#build"]
    assert action["instrument"]["@id"] == "Snakefile"
    assert {"config.yaml", "studies/baker2002.yaml"} <= {part["@id"] for part in action["object"]}
    assert {"results/estimates.csv", "results/report.html"} <= {part["@id"] for part in action["result"]}
    files = {name.removeprefix("a-small-review-26.1.0/"): len(data) for name, data in archive.items()}
    listed = {part["@id"]: graph[part["@id"]] for part in root["hasPart"]}
    assert set(listed) == set(files) - {"ro-crate-metadata.json"}
    assert all(int(listed[p]["contentSize"]) == files[p] for p in listed if p != "Snakefile")
    (tmp_path / "crate").mkdir()
    for name, data in archive.items():
        target = tmp_path / "crate" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    assert ROCrate(tmp_path / "crate" / "a-small-review-26.1.0").mainEntity.id == "Snakefile"  # its own reader takes it


def test_this_review_states_one_version():
    """The files that name the version agree at every commit, not only on the day of a release."""
    versions = set(read_stated(ROOT).versions.values())
    assert len(versions) == 1 and VERSION.fullmatch(versions.pop())


def test_the_command_runs_as_a_module(folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    command = [sys.executable, "-m", "synthesis.release", "--check"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
