"""What git knows of earlier versions: commits, release tags, and the files in them.

The only module that calls git, and light (no numerics), since the workflow asks it for the last release at every start.
It only reads; nothing here changes a repository or speaks to another one.
"""

import hashlib
import io
import os
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from ..tables.files import write_text

VERSION = re.compile(r"\d+\.\d+\.\d+")  # year.month.number
# The tables a comparison reads, the config and the sheets that led to them, and the page of that version; never
# figures. Tables of the sheets stand in the releases up to 26.11 only; of later ones the sheets themselves are read.
PAGE = "results/changes.md"
COMPARED = re.compile(
    r"config\.yaml|studies/[^/]+\.yaml|results/(estimates|contrasts|comparisons)\.csv|results/(data/\w+|\w+/rows)\.csv|"
    + re.escape(PAGE)
)
FOLLOWED = re.compile(r"config\.yaml|studies/[^/]+\.yaml|results/(estimates|data/studies)\.csv")
NOTHING = {"root": "", "files": []}


class NoRepository(Exception):
    """There is no git, or no repository around this folder."""


class GitError(Exception):
    """Git is there, and refused."""


@dataclass(frozen=True)
class Release:
    """A tagged version: ``26.11.0``, the commit in full, the day of the tag."""

    version: str
    commit: str
    date: str


def git(*arguments: str) -> bytes:
    """Run git and give what it printed.

    Raises
    ------
    NoRepository, GitError
        The latter with git's own words when it refused: an unknown commit, a folder of another owner.
    """
    environment = os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(["git", *arguments], env=environment, capture_output=True, timeout=300)
    except OSError as error:
        raise NoRepository(f"git is not installed ({error.strerror})") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        if "not a git repository" in words:
            raise NoRepository("this folder is not in a git repository")
        raise GitError(words.splitlines()[0] if words else f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout


def find_commit(reference: str) -> str | None:
    """Give the full name of a commit; None where there is no such, or nothing is committed yet.

    Raises
    ------
    NoRepository, GitError
    """
    git("rev-parse", "--is-inside-work-tree")
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}").decode().strip()
    except GitError:
        return None


def read_files(commit: str, wanted: re.Pattern) -> dict[str, str]:
    """Read the files of a commit whose path, as seen from this folder, is wanted; links and submodules are left out."""
    listed = git("ls-tree", "-r", "-z", "--name-only", commit).decode().split("\0")
    paths = [path for path in listed if wanted.fullmatch(path)]
    if not paths:
        return {}
    archive = git("archive", "--format=tar", commit, "--", *paths)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read().decode("utf-8") for member in tar if member.isfile()}


def order(version: str) -> tuple[int, ...]:
    """Give what versions are sorted by.

    >>> sorted(["26.11.0", "26.2.1"], key=order)
    ['26.2.1', '26.11.0']
    """
    return tuple(map(int, version.split(".")))


def releases() -> list[Release]:
    """Give the releases behind the present commit, the oldest first; none without git, or before the first commit."""
    form = "%(refname:strip=2) %(objectname) %(*objectname) %(creatordate:short)"
    try:
        text = git("for-each-ref", "--merged=HEAD", f"--format={form}", "refs/tags/v*").decode()
    except (NoRepository, GitError):
        return []
    found = []
    for line in text.splitlines():
        tag, commit, *peeled, date = line.split()  # an annotated tag names the commit behind it, too
        if VERSION.fullmatch(tag[1:]):
            found.append(Release(tag[1:], (peeled or [commit])[0], date))
    return sorted(found, key=lambda release: order(release.version))


def releases_before(version: str) -> list[Release]:
    """Give the releases with a lower version, the oldest first.

    A version is compared with the release before it and never with itself, so the answer is the same before and after
    its own tag, and no commit of results makes it stale.
    """
    return [one for one in releases() if VERSION.fullmatch(version) and order(one.version) < order(version)]


def unpack(release: Release, store: str | Path, wanted: re.Pattern) -> dict:
    """Write files of a release (``COMPARED`` or ``FOLLOWED``) below ``store``; a tag never moves, so this is done once.

    Gives ``version`` and ``date``; ``root``, a folder named after the commit; ``files`` below it, sorted.
    """
    place = Path(store) / release.commit[:12]
    return {"version": release.version, "date": release.date, **_unpack(release.commit, place, wanted)}


def unpack_last(store: str | Path, wanted: re.Pattern) -> dict:
    """Write files of the last commit below ``store``; nothing without git, or before the first commit.

    Gives ``root``, named after what the files hold, so that a commit which changes none of them changes no input;
    ``files`` below it, sorted.
    """
    try:
        commit = find_commit("HEAD")
        listed = git("ls-tree", "-r", "-z", commit).decode().split("\0") if commit else []
        held = "\0".join(line for line in listed if wanted.fullmatch(line.partition("\t")[2]))
        place = Path(store) / hashlib.sha256(held.encode()).hexdigest()[:12]
        return _unpack(commit, place, wanted) if held else NOTHING
    except (NoRepository, GitError):
        return NOTHING


def _unpack(commit: str, place: Path, wanted: re.Pattern) -> dict:
    listing = place / f".{'compared' if wanted is COMPARED else 'followed'}"
    if not listing.is_file():  # written last: a folder without it is not finished
        files = read_files(commit, wanted)
        for path, text in files.items():
            if not (place / path).is_file():
                write_text(place / path, text)
        write_text(listing, "".join(f"{path}\n" for path in sorted(files)))
    paths = listing.read_text(encoding="utf-8").split("\n")
    return {"root": place.as_posix(), "files": [str(place / path) for path in paths if path]}
