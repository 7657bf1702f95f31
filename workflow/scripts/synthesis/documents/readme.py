"""``make readme``: fill the marked parts of README.md from results/README.md, so that no number is typed.

A part starts with ``<!-- results: Heading -->`` and ends with ``<!-- /results -->``; it is replaced by the section of
that heading.
"""

import re
from pathlib import Path

from ..tables.files import write_text

PART = re.compile(r"(<!-- results: (?P<heading>.+?) -->\n).*?(<!-- /results -->)", re.S)
LINK = re.compile(r"\]\((?!https?://|results/)([^)#]*)(#[^)]*)?\)")


def fill(readme: str, results: str) -> str:
    """Give the text of README.md with its marked parts filled from that of results/README.md.

    Raises
    ------
    KeyError
        If a part names a heading that the results do not have.
    """
    return PART.sub(lambda part: f"{part[1]}{section(results, part['heading'])}\n{part[3]}", readme)


def section(results: str, heading: str) -> str:
    """Give the text below a heading, with links that work one folder up."""
    found = re.search(rf"^## {re.escape(heading)}\n+(.*?)(?=^## |\Z)", results, re.M | re.S)
    if not found:
        raise KeyError(f"results/README.md has no section {heading!r}")
    return LINK.sub(lambda m: f"](results/{m[1] or 'README.md'}{m[2] or ''})", found[1].strip())


def main() -> None:
    """Fill README.md in place."""
    path = Path("README.md")
    text = path.read_text(encoding="utf-8")
    new = fill(text, Path("results/README.md").read_text(encoding="utf-8"))
    if new != text:
        write_text(path, new)
        print("README.md filled from results/README.md.")


if __name__ == "__main__":
    main()
