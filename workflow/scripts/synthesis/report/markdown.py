"""The little of Markdown that the workflow's own pages use: read into a tree, and written as HTML without surprises."""

import re
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from .html_tables import web_address

USED = ("heading", "list", "table", "backticks", "emphasis", "escape", "link", "newline")
BREAKS = ("softbreak", "hardbreak")
LOCAL = re.compile(r"(?:\.\./)?[\w./-]*(?:#[\w-]*)?")


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("zero").enable(USED)
    reader.validateLink = lambda address: True  # whoever writes a link judges its address, and keeps the label
    reader.normalizeLink = lambda address: address
    return reader


def without_title(markdown: str) -> str:
    """Drop the first heading: the section has its own."""
    return markdown.split("\n", 1)[-1] if markdown.startswith("# ") else markdown


def read_markdown(text: str) -> SyntaxTreeNode:
    """Read headings, paragraphs, lists, tables, ``code``, **bold** and links; everything else is text."""
    tokens = _reader().parse(text)
    for token in tokens:
        token.children = [_plain(child) for child in token.children] if token.children else token.children
    return SyntaxTreeNode(tokens)


def _plain(token: Token) -> Token:
    """Give a line break as a space, and emphasis other than bold as it was written: one star is a star."""
    plain = " " if token.type in BREAKS else token.markup if token.type in ("em_open", "em_close") else None
    return token if plain is None else Token("text", "", 0, content=plain)


def is_number(cell: SyntaxTreeNode) -> bool:
    """Say whether a cell of a table stands in a column of numbers."""
    return cell.attrs.get("style") == "text-align:right"


def to_html(text: str, *, shift: int = 2, anchor: str = "md") -> str:
    """Turn Markdown into HTML.

    Parameters
    ----------
    text : str
        What :func:`read_markdown` knows.
    shift : int
        Added to the level of headings, to fit below the page's own.
    anchor : str
        Before the ids of headings.

    Returns
    -------
    str
        HTML in which every character of the text is escaped, and links lead to the web, into the page or to files
        beside it.

    Examples
    --------
    >>> to_html("# A <b>\\n\\nSee `x` and [here](https://example.org).")
    '<h3 id="md-a-b">A &lt;b&gt;</h3>\\n<p>See <code>x</code> and <a href="https://example.org">here</a>.</p>'
    """

    def html(node: SyntaxTreeNode) -> str:
        inside = "".join(map(html, node.children)) if node.children else escape(node.content)
        match node.type:
            case "text" | "inline":
                return inside
            case "paragraph" if node.hidden:
                return inside
            case "heading":
                level = min(6, int(node.tag[1]) + shift)
                name = re.sub(r"\W+", "-", node.children[0].content.lower()).strip("-")
                return f'<h{level} id="{escape(anchor)}-{escape(name)}">{inside}</h{level}>'
            case "table":
                return f'<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>{inside}</table></div>'
            case "th" | "td":
                scope, kind = ' scope="col"' * (node.type == "th"), " class=num" * is_number(node)
                return f"<{node.tag}{scope}{kind}>{inside}</{node.tag}>"
            case "link":
                href = str(node.attrs["href"])
                address = web_address(href) or (href if LOCAL.fullmatch(href) else "")
                return f'<a href="{escape(address)}">{inside}</a>' if address else inside
        return f"<{node.tag}>{inside}</{node.tag}>"

    return "\n".join(map(html, read_markdown(text).children))
