"""The little of Markdown that the workflow's own pages use, as HTML: nothing in the text can become markup."""

import re
from collections.abc import Iterable
from html import escape

from .html_tables import web_address

HEADING = re.compile(r"(#{1,6})\s+(.*)")
ITEM = re.compile(r"(?:[-*]|(\d+)\.)\s+(.*)")
RULE = re.compile(r":?-+:?")
SPANS = re.compile(
    r"`(?P<code>[^`]+)`|\[(?P<label>(?:\\.|[^\]\\])*)\]\((?P<href>[^)\s]+)\)|\*\*(?P<bold>.+?)\*\*|\\(?P<plain>[^\w\s])"
)


def to_html(text: str, *, shift: int = 2, anchor: str = "md") -> str:
    """Turn Markdown into HTML.

    Parameters
    ----------
    text : str
        Headings, paragraphs, lists, tables, ``code``, **bold** and links; everything else is text.
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
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "\n".join(_block(block.split("\n"), shift, anchor) for block in blocks if block.strip())


def _block(lines: list[str], shift: int, anchor: str) -> str:
    if heading := HEADING.fullmatch(lines[0].strip()):
        level = min(6, len(heading[1]) + shift)
        name = re.sub(r"\W+", "-", heading[2].lower()).strip("-")
        rest = "\n" + _block(lines[1:], shift, anchor) if lines[1:] else ""
        return f'<h{level} id="{escape(anchor)}-{escape(name)}">{inline(heading[2])}</h{level}>{rest}'
    if len(lines) > 1 and lines[0].lstrip().startswith("|") and _is_rule(lines[1]):
        return _table(lines)
    if ITEM.match(lines[0]):
        return _list(lines)
    return f"<p>{inline(' '.join(line.strip() for line in lines))}</p>"


def _list(lines: Iterable[str]) -> str:
    items: list[str] = []
    ordered = False
    for line in lines:
        if found := ITEM.match(line):
            ordered = ordered or bool(found[1])
            items.append(found[2])
        elif items:
            items[-1] += " " + line.strip()
    tag = "ol" if ordered else "ul"
    return f"<{tag}>" + "".join(f"<li>{inline(item)}</li>" for item in items) + f"</{tag}>"


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _is_rule(line: str) -> bool:
    return all(RULE.fullmatch(cell) for cell in _cells(line))


def _table(lines: list[str]) -> str:
    right = [cell.endswith(":") for cell in _cells(lines[1])]

    def row(line: str, tag: str, scope: str = "") -> str:
        cells = zip(_cells(line), right, strict=False)
        return (
            "<tr>"
            + "".join(f"<{tag}{scope}{' class=num' if r else ''}>{inline(c)}</{tag}>" for c, r in cells)
            + "</tr>"
        )

    head, body = row(lines[0], "th", ' scope="col"'), "".join(row(line, "td") for line in lines[2:])
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="group" aria-label="Table">{table}</div>'


def inline(text: str) -> str:
    """Turn the spans of a line into HTML."""
    out, at = [], 0
    for found in SPANS.finditer(text):
        out += [escape(text[at : found.start()]), _span(found)]
        at = found.end()
    return "".join([*out, escape(text[at:])])


def _span(found: re.Match) -> str:
    if found["code"]:
        return f"<code>{escape(found['code'])}</code>"
    if found["bold"]:
        return f"<strong>{inline(found['bold'])}</strong>"
    if found["plain"]:
        return escape(found["plain"])
    label = inline(found["label"])
    href = found["href"]
    local = re.fullmatch(r"(?:\.\./)?[\w./-]*(?:#[\w-]*)?", href)
    address = web_address(href) or (href if local else "")
    return f'<a href="{escape(address)}">{label}</a>' if address else label
