"""Pages that were written as Markdown, as paragraphs, lists and tables of a Word document."""

from collections.abc import Sequence
from html.parser import HTMLParser

from docx.document import Document as Doc
from docx.shared import Mm

from ..report.html_tables import Table, columns, line, web_address
from ..report.markdown import to_html
from .word import add_link
from .word_table import add_table

HEADINGS = {f"h{level}": level for level in range(1, 7)}
DEEPEST = 4  # level of heading that has a style


def add_markdown(doc: Doc, text: str, *, shift: int) -> None:
    """Add a page; ``shift`` is added to the level of its headings."""
    reader = Reader(doc)
    reader.feed(to_html(text, shift=shift))
    reader.close()


class Reader(HTMLParser):
    """Reads the HTML the project makes of its own Markdown, and writes it into a document."""

    def __init__(self, doc: Doc):
        super().__init__(convert_charrefs=True)
        self.doc, self.paragraph = doc, None
        self.rows: list[list[str]] = []
        self.numbers: list[bool] = []
        self.heading, self.address, self.number = "", "", 0
        self.bold = self.in_table = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Open a block or a span."""
        given = {name: value or "" for name, value in attrs}
        if tag in HEADINGS:
            self.heading = ""
            self.paragraph = self.doc.add_paragraph(style=f"Heading {min(DEEPEST, HEADINGS[tag])}")
        elif tag == "p":
            self.paragraph = self.doc.add_paragraph()
        elif tag in ("ul", "ol"):
            self.number = 1 if tag == "ol" else 0
        elif tag == "li":
            self.paragraph = self.item()
        elif tag == "table":
            self.rows, self.numbers, self.in_table = [], [], True
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            if len(self.rows) == 1:
                self.numbers.append("num" in given.get("class", ""))
        elif tag == "strong":
            self.bold = True
        elif tag == "a":
            self.address = web_address(given.get("href", ""))

    def item(self):
        """Begin an item of a list. Its number is text: the page refers to it, and Word would go on counting."""
        if not self.number:
            return self.doc.add_paragraph(style="List Bullet")
        paragraph = self.doc.add_paragraph(f"{self.number}.\t")
        paragraph.paragraph_format.left_indent, paragraph.paragraph_format.first_line_indent = Mm(9), Mm(-9)
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(9))
        self.number += 1
        return paragraph

    def handle_endtag(self, tag: str) -> None:
        """Close a block or a span."""
        if tag == "table":
            self.in_table = False
            add_table(self.doc, plain_table(self.heading, self.rows, self.numbers))
        elif tag in HEADINGS or tag in ("p", "li"):
            self.paragraph = None
        elif tag == "strong":
            self.bold = False
        elif tag == "a":
            self.address = ""

    def handle_data(self, data: str) -> None:
        """Write text where it belongs."""
        if self.in_table:
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] += data
        elif self.paragraph is not None:
            if self.paragraph.style.name.startswith("Heading"):
                self.heading += data
            add_link(self.paragraph, data, self.address, bold=self.bold)


def plain_table(caption: str, rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> Table:
    """Give a table of a page as the report's tables are; the heading above it is its caption."""
    heads = columns(*(f"#{text}" if number else text for text, number in zip(rows[0], numbers, strict=True)))
    return Table(caption, heads, tuple(line(row) for row in rows[1:]))
