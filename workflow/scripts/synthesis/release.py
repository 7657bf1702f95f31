"""``make release``: check everything, build, tag, and write the archive; nothing leaves this machine.

The order is chosen so that a failure leaves nothing behind: checks that cost nothing come first and are all reported
at once, the archive is written before the tag, and the tag is the last step.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from . import guard
from .releases.history import GitError, git
from .releases.parcel import write_archive
from .releases.readiness import find_problems, read_stated, repository_problems


def run(command: Sequence[str]) -> bool:
    """Run a command, and say whether it succeeded."""
    print(f"== {' '.join(command)}", flush=True)
    return subprocess.run(command).returncode == 0


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
        print(f"Version {stated.version} could be released: v{stated.version}, {stated.day}.")
        return 0
    build = [sys.executable, "-m", "snakemake", "--cores", "all"]
    if not options.skip_build and not run(build):
        return refuse("the build failed.")
    if guard.main(["--fail"]):
        return refuse("the build gives other estimates than the committed ones.")
    if changed := repository_problems(stated.version):
        return refuse(f"after the build: {' '.join(changed)}")
    if not options.skip_tests and not run([sys.executable, "-m", "pytest", "-q", "-n", "auto"]):
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
