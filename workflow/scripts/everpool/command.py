"""The command `everpool`: what `make` runs in a review that lies elsewhere than its engine."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; what stands behind its first word goes on as it is. Gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="everpool",
        description="Many small studies, pooled into one living answer.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<11} {run.__doc__}" for name, run in COMMANDS.items()),
    )
    parser.add_argument("--version", action="version", version=own_version())
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="of the command")
    given = parser.parse_args(arguments)
    return COMMANDS[given.command](given.rest)


def own_version() -> str:
    """Give the version that is installed; a clone that is not says so."""
    try:
        return version("everpool")
    except PackageNotFoundError:
        return "a clone, not installed"


def new_review(arguments: list[str]) -> int:
    """Write the folder of a new review: everpool new-review my-review."""
    from .new_review import main

    return main(arguments)


def build(arguments: list[str]) -> int:
    """Build every result, or those that are named; other words go to Snakemake."""
    sys.dont_write_bytecode = True  # on a full disk Python leaves half a compiled file, which would stop it ever after
    from synthesis.run.building import main

    return main(arguments)


def check(arguments: list[str]) -> int:
    """Check the config and every sheet, and nothing else."""
    from synthesis.review.checking import main

    return main()


def changes(arguments: list[str]) -> int:
    """Say what the results change against a commit: everpool changes --against HEAD."""
    from synthesis.changes import main

    return main(arguments)


def add(arguments: list[str]) -> int:
    """Hand in workbooks or sheets, list them, build, and say what to commit: everpool add smith2025.xlsx."""
    from synthesis.curation.adding import main

    return main(arguments) or build([]) or changes([]) or main([*arguments, "--commit"])


COMMANDS = {
    "new-review": new_review,
    "check": check,
    "build": build,
    "changes": changes,
    "add": add,
}
