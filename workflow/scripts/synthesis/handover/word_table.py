"""The tables of the report as Word tables: columns that fit the page, a header row on every page, a name."""

from collections.abc import Iterable, Sequence

from docx.document import Document as Doc
from docx.oxml.ns import qn
from docx.shared import Mm
from docx.text.paragraph import Paragraph

from ..report.html_tables import Cell, Table, web_address
from .grid import column_widths
from .word import NOTE, add_caption, add_link, add_text, element, room
from .xml_characters import xml_text

TWIPS = 56.6929  # in a millimetre
INK, RULE = "000000", "A6A6A6"
STYLES = {  # by whether a column holds numbers, and whether it is its heading
    (False, False): "Tabletext",
    (False, True): "Tableheading",
    (True, False): "Tablenumber",
    (True, True): "Tablenumberhead",
}


def add_table(doc: Doc, table: Table) -> None:
    """Add a table with its caption above, its header row on every page, and its legend and notes below."""
    add_caption(doc, "Table", table.caption, above=True)
    width, _ = room(doc)
    texts = [[max(cell.text + cell.marks, cell.small, key=len) for cell in line.cells] for line in table.lines]
    widths = column_widths([(column.label, column.number) for column in table.columns], texts, width)
    made = doc.add_table(rows=0, cols=len(table.columns))
    set_frame(made, table.caption, widths)
    add_row(made, [Cell(column.label) for column in table.columns], table, widths, head=True)
    for line in table.lines:
        add_row(made, line.cells, table, widths, strong=line.strong)
    legend = "; ".join(f"{mark} {meaning}" for mark, meaning in table.legend)
    add_text(doc, " ".join(filter(None, [legend and f"{legend}.", *table.notes])), NOTE)


def set_frame(made, caption: str, widths: Sequence[float]) -> None:
    """Set what belongs to a table as a whole: fixed columns, rules, margins, and a name for screen readers."""
    made.autofit = False
    properties = made._tbl.tblPr
    size = properties.find(qn("w:tblW"))
    size.set(qn("w:type"), "dxa")
    size.set(qn("w:w"), str(round(sum(widths) * TWIPS)))
    for column, width in zip(made._tbl.tblGrid.gridCol_lst, widths, strict=True):
        column.w = Mm(width)
    borders = element("tblBorders")
    for side, thick, colour in (("top", 8, INK), ("bottom", 8, INK), ("insideH", 2, RULE)):
        borders.append(border(side, thick, colour))
    margins = element("tblCellMar")
    for side in ("top", "left", "bottom", "right"):
        margins.append(element(side, w="20" if side in ("top", "bottom") else "85", type="dxa"))
    layout = properties.find(qn("w:tblLayout"))
    layout.addprevious(borders)  # the schema wants this order
    layout.addnext(margins)
    properties.append(element("tblCaption", val=xml_text(caption)))


def border(side: str, thick: int, colour: str):
    """Make a border, ``thick`` in eighths of a point."""
    return element(side, val="single", sz=str(thick), space="0", color=colour)


def add_row(
    made, cells: Iterable[Cell], table: Table, widths: Sequence[float], *, head: bool = False, strong: bool = False
) -> None:
    """Add a row; it never breaks over pages, and the header row comes again on each."""
    row = made._tbl.add_tr()  # not Table.add_row and Row.cells, which take seconds for a thousand rows
    properties = row.get_or_add_trPr()
    properties.append(element("cantSplit"))
    if head:
        properties.append(element("tblHeader"))
    for cell, column, width in zip(cells, table.columns, widths, strict=True):
        place = row._add_tc()
        place.width = Mm(width)
        if head:
            rule = element("tcBorders")
            rule.append(border("bottom", 6, INK))
            place.get_or_add_tcPr().append(rule)
        paragraph = place.p_lst[0] if place.p_lst else place.add_p()
        paragraph.style = STYLES[column.number, head]
        add_link(Paragraph(paragraph, made), cell.text, web_address(cell.href), bold=strong)
        if cell.marks:
            Paragraph(paragraph, made).add_run(cell.marks).font.superscript = True
        if cell.small:
            second = place.add_p()
            second.style = "Tablesmall"
            if column.number:
                Paragraph(second, made).paragraph_format.alignment = 2
            add_link(Paragraph(second, made), cell.small, web_address(cell.more))
