"""What forbids a release: files that disagree on the version, faults of the review, a repository that is not ready."""

import importlib.util
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from ..handover.archive import slug
from ..review.index import check_review
from .history import GitError, NoRepository, git, order, releases

VERSION = re.compile(r"(\d\d)\.(1[0-2]|[1-9])\.(0|[1-9]\d*)")  # year.month.number
HEADING = re.compile(r"^## (\S+)(?: \(([^)]*)\))?\s*$", re.M)  # version, day
ENTRY, DATED = "CHANGELOG.md: first entry", "CITATION.cff: date-released"


@dataclass(frozen=True)
class Stated:
    """What the files of a review say of its version."""

    versions: dict[str, str]  # file and key → version, or blank
    released: dict[str, str]  # file and key → day of the release, or blank
    says_results: bool  # whether the entry of the changelog says first what happens to them
    last_search: str
    citation: dict  # CITATION.cff as read
    name: str  # of the review, for the folder inside the archive

    @property
    def version(self) -> str:
        """Give the version of the config, which leads."""
        return self.versions["config.yaml: review.version"]

    @property
    def day(self) -> str:
        """Give the day of the release."""
        return self.released[DATED]


def read_stated(folder: str | Path = ".") -> Stated:
    """Read what config, pyproject, citation and changelog say."""
    names = ("config.yaml", "CITATION.cff", "pyproject.toml", "CHANGELOG.md")
    paths = (Path(folder) / name for name in names)
    texts = [path.read_text(encoding="utf-8") if path.is_file() else "" for path in paths]
    config, citation = (yaml.load(text, Loader=yaml.CBaseLoader) or {} for text in texts[:2])
    review, project = config.get("review", {}), tomllib.loads(texts[2]).get("project", {})
    entry = HEADING.search(texts[3])
    version, day = (entry[1], entry[2] or "") if entry else ("", "")
    return Stated(
        {
            "config.yaml: review.version": review.get("version", ""),
            "pyproject.toml: project.version": project.get("version", ""),
            "CITATION.cff: version": citation.get("version", ""),
            ENTRY: version,
        },
        {DATED: citation.get("date-released", ""), ENTRY: day},
        bool(entry) and texts[3][entry.end() :].lstrip().startswith("**Results"),
        review.get("last_search", ""),
        citation,
        slug(review.get("title", "")) or "review",
    )


def stated_problems(stated: Stated) -> list[str]:
    """Find where the files disagree with each other or with the form of a version."""
    found = []
    if not VERSION.fullmatch(stated.version):
        found.append(f'config.yaml: review.version: "{stated.version}" is not year.month.number, like 26.11.0.')
    for place, version in stated.versions.items():
        if version != stated.version:
            said = f"says {version}" if version else "says nothing"
            found.append(f"{place} {said}, config.yaml says {stated.version}. Write one version in all of them.")
    days = {*stated.released.values()}
    no_days = {place: day for place, day in stated.released.items() if not is_day(day)}
    found += [f'{p}: "{day}" is not a day. Write the day of the release as YYYY-MM-DD.' for p, day in no_days.items()]
    if len(days) > 1 and not no_days:
        found.append(f"The day of the release differs: {', '.join(f'{k} {v}' for k, v in stated.released.items())}.")
    elif is_day(stated.last_search) and any(is_day(day) and day < stated.last_search for day in days):
        found.append(f"config.yaml: review.last_search: {stated.last_search} is after the day of the release.")
    if not stated.says_results:
        found.append("CHANGELOG.md: begin the entry with **Results: …** and say whether results change.")
    missing = [key for key in ("title", "authors", "license") if not stated.citation.get(key)]
    return found + [f"CITATION.cff: {key} is missing." for key in missing]


def is_day(text: str) -> bool:
    """Say whether a text is a day.

    >>> is_day("2026-11-24"), is_day("unreleased")
    (True, False)
    """
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def repository_problems(version: str) -> list[str]:
    """Find what in the repository forbids a release: no commit, a dirty tree, a tag that is there, an older version."""
    try:
        if not git("rev-parse", "--verify", "--quiet", "HEAD"):
            return ["Nothing is committed yet."]
        tags = git("tag", "--list", f"v{version}").decode().split()
        changed = [line[3:] for line in git("status", "--porcelain").decode().splitlines()]
    except NoRepository as error:
        return [f"A release is a tag, and {error}."]
    except GitError as error:
        return [f"git refused: {error}."]
    found = [f"v{version} is a tag already. Raise the version, since a release never moves."] if tags else []
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
        found.append(f"Files differ from the last commit: {shown}. Commit them or take them back.")
    if not tags and VERSION.fullmatch(version):
        later = [one.version for one in releases() if order(one.version) > order(version)]
        found += [f"{later[-1]} is released already, and {version} is lower."] if later else []
    return found


def find_problems() -> list[str]:
    """Find everything that forbids a release, before anything is built."""
    stated = read_stated()
    found = stated_problems(stated) + repository_problems(stated.version)
    _, faults = check_review("config.yaml", "studies")
    found += [f"The sheets or the config have faults:\n{faults}"] if faults else []
    if importlib.util.find_spec("rocrate") is None:
        found.append("The library rocrate is not installed: uv sync --group release.")
    return found
