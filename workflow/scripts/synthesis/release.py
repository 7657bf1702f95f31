"""``make release``: check everything, build, tag, and write the archive; nothing leaves this machine.

The order is chosen so that a failure leaves nothing behind: checks that cost nothing come first and are all reported
at once, the archive is written before the tag, and the tag is the last step.
"""

import argparse
import importlib.metadata
import importlib.util
import io
import os
import platform
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from . import guard
from .releases.crate import METADATA, Description, crate_metadata, missing
from .releases.history import GitError, NoRepository, git, order, releases
from .review.index import check_review

VERSION = re.compile(r"(\d\d)\.(1[0-2]|[1-9])\.(0|[1-9]\d*)")  # year.month.number
HEADING = re.compile(r"^## (\S+)(?: \(([^)]*)\))?\s*$", re.M)
DELIVERED = ("results/estimates.csv", "results/report.html", "results/changes.md")
LIBRARIES = ("matplotlib", "numpy", "pandas", "pydantic", "pymare", "pyyaml", "scipy", "snakemake")


@dataclass(frozen=True)
class Stated:
    """What the files of a review say of its version.

    Parameters
    ----------
    versions : dict
        File and key → version, or blank.
    released : dict
        File and key → day of the release, or blank.
    says_results : bool
        Whether the entry of the changelog says first what happens to results.
    last_search : str
    citation : dict
        ``CITATION.cff`` as read.
    name : str
        Of the project, for the folder inside the archive.
    """

    versions: dict[str, str]
    released: dict[str, str]
    says_results: bool
    last_search: str
    citation: dict
    name: str

    @property
    def version(self) -> str:
        """Give the version of the config, which leads."""
        return self.versions["config.yaml: review.version"]


def read_stated(folder: str | Path = ".") -> Stated:
    """Read what config, pyproject, citation and changelog say."""
    root = Path(folder)

    def text(name: str) -> str:
        path = root / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    review = (yaml.load(text("config.yaml"), Loader=yaml.CBaseLoader) or {}).get("review", {})
    project = tomllib.loads(text("pyproject.toml")).get("project", {})
    citation = yaml.load(text("CITATION.cff"), Loader=yaml.CBaseLoader) or {}
    entry = HEADING.search(text("CHANGELOG.md"))
    below = text("CHANGELOG.md")[entry.end() :].lstrip() if entry else ""
    return Stated(
        {
            "config.yaml: review.version": review.get("version", ""),
            "pyproject.toml: project.version": project.get("version", ""),
            "CITATION.cff: version": citation.get("version", ""),
            "CHANGELOG.md: first entry": entry[1] if entry else "",
        },
        {
            "CITATION.cff: date-released": citation.get("date-released", ""),
            "CHANGELOG.md: first entry": (entry[2] or "") if entry else "",
        },
        below.startswith("**Results"),
        review.get("last_search", ""),
        citation,
        project.get("name", "review"),
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
    days = dict.fromkeys(stated.released.values())
    for place, day in stated.released.items():
        if not is_day(day):
            found.append(f'{place}: "{day}" is not a day. Write the day of the release as YYYY-MM-DD.')
    if len(days) > 1 and all(is_day(day) for day in days):
        found.append(f"The day of the release differs: {', '.join(f'{k} {v}' for k, v in stated.released.items())}.")
    elif is_day(stated.last_search) and any(is_day(day) and day < stated.last_search for day in days):
        found.append(f"config.yaml: review.last_search: {stated.last_search} is after the day of the release.")
    if not stated.says_results:
        found.append("CHANGELOG.md: begin the entry with **Results: …** and say whether results change.")
    found += [
        f"CITATION.cff: {key} is missing." for key in ("title", "authors", "license") if not stated.citation.get(key)
    ]
    return found


def is_day(text: str) -> bool:
    """Say whether a text is a day.

    >>> is_day("2026-11-24"), is_day("unreleased")
    (True, False)
    """
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def repository_problems(version: str, folder: str | Path = ".") -> list[str]:
    """Find what in the repository forbids a release: no commit, a dirty tree, a tag that is there, an older version."""
    try:
        if not git("rev-parse", "--verify", "--quiet", "HEAD"):
            return ["Nothing is committed yet."]
        tags = git("tag", "--list", f"v{version}").decode().split()
        changed = git("status", "--porcelain").decode().splitlines()
    except NoRepository as error:
        return [f"A release is a tag, and {error}."]
    except GitError as error:
        return [f"git refused: {error}."]
    found = [f"v{version} is a tag already. Raise the version, since a release never moves."] if tags else []
    if changed:
        shown = ", ".join(line[3:] for line in changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
        found.append(f"Files differ from the last commit: {shown}. Commit them or take them back.")
    if not tags and VERSION.fullmatch(version):
        later = [r.version for r in releases() if order(r.version) > order(version)]
        found += [f"{later[-1]} is released already, and {version} is lower."] if later else []
    return found


def find_problems(folder: str | Path = ".") -> list[str]:
    """Find everything that forbids a release, before anything is built."""
    stated = read_stated(folder)
    found = stated_problems(stated) + repository_problems(stated.version, folder)
    _, faults = check_review(Path(folder) / "config.yaml", Path(folder) / "studies")
    found += [f"The sheets or the config have faults:\n{faults}"] if faults else []
    if importlib.util.find_spec("rocrate") is None:
        found.append("The library rocrate is not installed: uv sync --group release.")
    return found


def archive_files(folder: str | Path = ".") -> dict[str, Path]:
    """Name what the archive holds: every committed file, and every result, committed or not."""
    root = Path(folder)
    committed = git("ls-files", "-z").decode().split("\0")
    built = [path.relative_to(root).as_posix() for path in (root / "results").rglob("*")]
    paths = sorted({path for path in (*committed, *built) if path and not Path(path).name.startswith(".#")})
    found = {path: root / path for path in paths}
    hidden = {path for path in built if Path(path).name.startswith(".")}  # half-written neighbours of results
    return {p: f for p, f in found.items() if f.is_file() and not f.is_symlink() and p not in hidden and p != METADATA}


def write_archive(stated: Stated, folder: str | Path = ".") -> Path:
    """Write ``dist/<version>.zip``: the same bytes for the same files and commit.

    Raises
    ------
    FileNotFoundError
        When a deliverable was not built.
    """
    root, files = Path(folder), archive_files(folder)
    if gone := missing(files, DELIVERED):
        raise FileNotFoundError(f"not built: {', '.join(gone)}")
    commit, seconds = git("log", "-1", "--format=%H %ct").decode().split()
    said = Description(
        stated.citation,
        stated.version,
        stated.released["CITATION.cff: date-released"],
        commit,
        {path: file.stat().st_size for path, file in files.items()},
        software(),
    )
    top, moment = f"{stated.name}-{stated.version}", time.gmtime(max(int(seconds), 315532800))[:6]  # zip begins in 1980
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        add(archive, f"{top}/{METADATA}", crate_metadata(said).encode(), moment)
        for path, file in files.items():
            add(archive, f"{top}/{path}", file.read_bytes(), moment, executable=os.access(file, os.X_OK))
    target = root / "dist" / f"{stated.version}.zip"
    target.parent.mkdir(exist_ok=True)
    neighbour = target.with_name(f".{target.name}.{os.getpid()}")
    neighbour.write_bytes(buffer.getvalue())
    os.replace(neighbour, target)
    return target


def add(archive: zipfile.ZipFile, name: str, data: bytes, moment: tuple, *, executable: bool = False) -> None:
    """Add a file with a fixed time and plain rights."""
    entry = zipfile.ZipInfo(name, moment)
    entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    archive.writestr(entry, data)


def software() -> dict[str, str]:
    """Give the versions of what builds the results."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def run(command: Sequence[str], folder: str | Path) -> bool:
    """Run a command in a folder, and say whether it succeeded."""
    print(f"== {' '.join(command)}", flush=True)
    return subprocess.run(command, cwd=folder).returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """Check, build, test, write the archive and tag the version of config.yaml; nothing is sent anywhere."""
    parser = argparse.ArgumentParser(prog="python -m synthesis.release", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether a release could be made")
    parser.add_argument("--skip-tests", action="store_true", help="do not run the tests (they ran already)")
    parser.add_argument("--skip-build", action="store_true", help="do not build (the results are up to date)")
    options = parser.parse_args(arguments)
    if problems := find_problems():
        print("Not released:\n- " + "\n- ".join(problems), file=sys.stderr)
        return 1
    stated = read_stated()
    if options.check:
        print(f"Version {stated.version} could be released: v{stated.version}, {stated.released.popitem()[1]}.")
        return 0
    build = [sys.executable, "-m", "snakemake", "--cores", "all"]
    if not options.skip_build and not run(build, "."):
        return refuse("the build failed.")
    if guard.main(["--fail"]):
        return refuse("the build gives other estimates than the committed ones.")
    if changed := repository_problems(stated.version):
        return refuse(f"after the build: {' '.join(changed)}")
    if not options.skip_tests and not run([sys.executable, "-m", "pytest", "-q", "-n", "auto"], "."):
        return refuse("a test failed.")
    try:
        archive = write_archive(stated)
    except (OSError, GitError) as error:
        return refuse(f"{error}.")
    try:
        git("tag", "-a", f"v{stated.version}", "-m", f"Version {stated.version}")
    except GitError as error:
        archive.unlink()
        return refuse(f"git would not tag: {error}.")
    print(
        f"Released {stated.version}: tag v{stated.version}, {archive} ({archive.stat().st_size / 1e6:.1f} MB).\n"
        f"Nothing was sent anywhere. To publish: git push origin v{stated.version}, and upload the archive."
    )
    return 0


def refuse(reason: str) -> int:
    """Say why there is no release."""
    print(f"Not released: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
