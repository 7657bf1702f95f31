"""Pages that were written as Markdown, as paragraphs, lists and tables of a Word document."""

from docx.document import Document as Doc
from docx.shared import Mm
from docx.text.paragraph import Paragraph
from markdown_it.tree import SyntaxTreeNode

from ..report.html_tables import Line, Table, cell, columns, web_address
from ..report.markdown import is_number, read_markdown
from .word import add_link
from .word_table import add_table

DEEPEST = 4  # level of heading that has a style


def add_markdown(doc: Doc, text: str) -> None:
    """Add a page; the heading above a table is its caption."""
    heading = ""
    for node in read_markdown(text).children:
        match node.type:
            case "heading":
                heading = words(node)
                add_spans(doc.add_paragraph(style=f"Heading {min(DEEPEST, int(node.tag[1]))}"), node)
            case "table":
                add_table(doc, plain_table(heading, node))
            case "bullet_list":
                for item in node.children:
                    add_spans(doc.add_paragraph(style="List Bullet"), item)
            case "ordered_list":
                for number, item in enumerate(node.children, 1):
                    add_spans(numbered(doc, number), item)
            case _:
                add_spans(doc.add_paragraph(), node)


def numbered(doc: Doc, number: int) -> Paragraph:
    """Begin an item of a list. Its number is text: the page refers to it, and Word would go on counting."""
    paragraph = doc.add_paragraph(f"{number}.\t")
    paragraph.paragraph_format.left_indent, paragraph.paragraph_format.first_line_indent = Mm(9), Mm(-9)
    paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(9))
    return paragraph


def add_spans(paragraph: Paragraph, node: SyntaxTreeNode, address: str = "", *, bold: bool = False) -> None:
    """Write what stands inside a block."""
    if node.type == "link":
        address = web_address(str(node.attrs["href"]))
    for child in node.children:
        add_spans(paragraph, child, address, bold=bold or child.type == "strong")
    if not node.children:
        add_link(paragraph, node.content, address, bold=bold)


def words(node: SyntaxTreeNode) -> str:
    """Give the text of a block without its marks."""
    return "".join(map(words, node.children)) if node.children else node.content


def plain_table(caption: str, node: SyntaxTreeNode) -> Table:
    """Give a table of a page as the report's tables are."""
    head, *rows = (row.children for part in node.children for row in part.children)
    heads = columns(*("#" * is_number(cell) + words(cell) for cell in head))
    return Table(caption, heads, tuple(Line(tuple(cell(words(one)) for one in row)) for row in rows))
