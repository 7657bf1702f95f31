"""``python -m synthesis.changes``: what the results in this folder change against a commit, told in full."""

import argparse
import sys

from .protocol.config import read_protocol
from .releases.changes_page import Names, limits_of, names_of, write_story
from .releases.conclusions import Limits
from .releases.history import GitError, NoRepository, find_commit
from .releases.snapshot import snapshot_of_commit, snapshot_of_folder
from .releases.story import Story
from .tables.files import write_text
from .tables.problems import ProblemsError

MARK = "<!-- synthesis: what changed -->"  # by which a bot finds its own comment and renews it
LETTERS = 60_000  # of the 65,536 that GitHub takes in a comment


def main(arguments: list[str] | None = None) -> int:
    """Print what changed against a commit; with ``--output``, write it as Markdown too (the body of a comment)."""
    parser = argparse.ArgumentParser(prog="python -m synthesis.changes", description=main.__doc__)
    parser.add_argument("--against", default="HEAD", help="commit, branch or tag to compare with (default: HEAD)")
    parser.add_argument("--output", help="write the page to this file, too")
    options = parser.parse_args(arguments)
    text = tell(options.against)
    print(text, end="")
    if options.output:
        write_text(options.output, f"{MARK}\n{shorten(text)}")
    return 0


def shorten(text: str) -> str:
    """Cut a page at the end of a line, so that a comment can hold it."""
    if len(text) <= LETTERS:
        return text
    return text[: text.rindex("\n", 0, LETTERS - 100)] + "\n\n… cut here: the whole page is in the log of the build.\n"


def tell(reference: str) -> str:
    """Compare the results in this folder with a commit; say so where they cannot be compared."""
    after = snapshot_of_folder(".", "these files")
    if not after.has("estimates"):
        return "**Not compared:** nothing is built yet. Run `make`.\n"
    try:
        commit = find_commit(reference)
        if not commit:
            return f"**Not compared:** there is no commit {reference}.\n"
        name = commit[:7] if commit.startswith(reference) else f"{reference} ({commit[:7]})"
        before = snapshot_of_commit(commit, name)
        if not before.table("estimates"):
            return f"**Not compared:** {name} holds no results.\n"
        protocol = read_protocol("config.yaml")
    except (NoRepository, GitError) as error:
        return f"**Not compared:** {error}.\n"
    except ProblemsError as error:
        return f"**Not compared:** the config has a fault.\n\n{error}\n"
    words, limits = Names(**names_of(protocol)), Limits(**limits_of(protocol))
    return write_story(Story(before, after, words.analyses, limits), words, "`python -m synthesis.guard --all`")


if __name__ == "__main__":
    sys.exit(main())
