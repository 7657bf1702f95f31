"""``everpool new-review my-review``: a folder that builds at once, with questions where the answers go."""

import argparse
import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from synthesis.tables.files import write_text

from . import WORKFLOW

TEMPLATE = WORKFLOW / "templates" / "review"
NEXT = """\
{folder} is written: an invented review of one sheet, which builds.

  cd {quoted}
  make            # build it; then open results/report.html
  make check      # after each answer in config.yaml, and each sheet in studies/

Answer the questions in config.yaml, then put your own sheets in the place of {example}."""


def main(arguments: list[str]) -> int:
    """Write the folder, and say what to do in it; give the exit code."""
    parser = argparse.ArgumentParser(prog="everpool new-review", description="Write the folder of a new review.")
    parser.add_argument("folder", help="the folder to write, which must not hold anything yet")
    folder = Path(parser.parse_args(arguments).folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        print(f"{folder}: This is there already, and is not an empty folder. Nothing was written.", file=sys.stderr)
        return 1
    try:
        write_review(folder)
    except OSError as error:
        print(f"{error.filename or folder}: This cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    example = next((folder / "studies").glob("*.yaml")).relative_to(folder)
    print(NEXT.format(folder=folder, quoted=shlex.quote(str(folder)), example=example))
    return 0


def write_review(folder: Path) -> None:
    """Write every file of the template; a name that begins with an underscore stands for a hidden one."""
    for source in sorted(TEMPLATE.rglob("*")):
        if source.is_file():
            parts = source.relative_to(TEMPLATE).parts
            text = source.read_text(encoding="utf-8").replace("@ENGINE@", requirement())
            write_text(folder / Path(*(f".{part[1:]}" if part.startswith("_") else part for part in parts)), text)


def requirement() -> str:
    """Name this version of the engine as pip does: from where it was installed, when that is a public repository."""
    try:
        found = distribution("everpool")
    except PackageNotFoundError:  # a clone that is not installed
        return "everpool"
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        return f"everpool @ {origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}"
    return f"everpool=={found.version}"
