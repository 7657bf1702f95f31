"""The pieces of a Word document: pages, styles, text, captions that number themselves, figures with alt text.

Everything is set on styles, so that a co-author can change the look in one place.
"""

from pathlib import Path

from docx import Document
from docx.document import Document as Doc
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from .xml_characters import xml_text

FONT, INK, QUIET = "Arial", RGBColor(0x1A, 0x1A, 0x1A), RGBColor(0x59, 0x59, 0x59)
SHORT, LONG, MARGIN = 210, 297, 20  # A4 and its margins, mm
TALLEST = 0.78  # of the height between the margins: the rest is for the caption
LANGUAGE = "en-GB"
NOTE = "Table note"
# Styles of table cells: name → size, colour, bold; the identifier of a style is its name without the space.
CELLS = {
    "Table text": (8, INK, False),
    "Table heading": (8, INK, True),
    "Table small": (7, QUIET, False),
    NOTE: (8, QUIET, False),
}
HEADINGS = {"Title": 20, "Subtitle": 12, "Heading 1": 15, "Heading 2": 12, "Heading 3": 10.5, "Heading 4": 10}


def new_document(title: str, footer: str) -> Doc:
    """Begin a document on A4 with its styles, its language and a footer that numbers the pages."""
    doc = Document()
    turn(doc.sections[0], landscape=False)
    set_styles(doc)
    foot = doc.sections[0].footer.paragraphs[0]
    foot.style = doc.styles[NOTE]
    foot.add_run(f"{xml_text(footer)}   Page ")
    add_field(foot, "PAGE", "1")
    foot.add_run(" of ")
    add_field(foot, "NUMPAGES", "1")
    doc.add_paragraph(xml_text(title), style="Title")
    return doc


def turn(section, *, landscape: bool) -> None:
    """Set the page of a section: A4 upright or on its side."""
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(LONG), Mm(SHORT)) if landscape else (Mm(SHORT), Mm(LONG))
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Mm(MARGIN))


def start_section(doc: Doc, *, landscape: bool) -> None:
    """Start a new page, upright or on its side; nothing happens when the page is so already."""
    if (doc.sections[-1].orientation == WD_ORIENT.LANDSCAPE) != landscape:
        turn(doc.add_section(WD_SECTION.NEW_PAGE), landscape=landscape)


def room(doc: Doc) -> tuple[float, float]:
    """Give width and height between the margins of the current page, mm."""
    section = doc.sections[-1]
    return Emu(section.page_width).mm - 2 * MARGIN, Emu(section.page_height).mm - 2 * MARGIN


def set_styles(doc: Doc) -> None:
    """Set every style the document uses."""
    styles = doc.styles
    normal = styles["Normal"]
    set_font(normal, 10, INK)
    for fonts in doc.styles.element.xpath(".//w:rPrDefault//w:rFonts"):  # of what has no style of its own
        name_font(fonts)
    normal.paragraph_format.space_after, normal.paragraph_format.line_spacing = Pt(6), 1.15
    for language in doc.styles.element.iter(qn("w:lang")):  # that spelling is checked in and a screen reader speaks
        language.set(qn("w:val"), LANGUAGE)
    for name, size in HEADINGS.items():
        colour, bold = (QUIET, False) if name == "Subtitle" else (INK, True)
        for style in (styles[name], styles[f"{name} Char"]):  # the template gives the second a colour of its own
            set_font(style, size, colour, bold=bold)
            style.font.italic = False
        space = styles[name].paragraph_format
        space.space_before = Pt({"Title": 0, "Subtitle": 0, "Heading 1": 16}.get(name, 10))
        space.space_after, space.keep_with_next = Pt(4), True
    for underline in styles["Title"].element.pPr.findall(qn("w:pBdr")):
        underline.getparent().remove(underline)
    set_font(styles["Caption"], 9, INK, bold=True)
    styles["Caption"].paragraph_format.space_before, styles["Caption"].paragraph_format.space_after = Pt(8), Pt(3)
    for name, (size, colour, bold) in CELLS.items():
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        set_font(style, size, colour, bold=bold)
        style.paragraph_format.line_spacing = 1.0
        style.paragraph_format.space_after = Pt(10 if name == NOTE else 0)
        style.paragraph_format.keep_with_next = name == "Table heading"  # no header row at the foot of a page
    for name, base in (("Table number", "Table text"), ("Table numberhead", "Table heading")):
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = styles[base]
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def set_font(style, size: float, colour: RGBColor, *, bold: bool | None = None) -> None:
    """Set the font of a style."""
    style.font.size, style.font.color.rgb, style.font.bold = Pt(size), colour, bold
    name_font(style.element.get_or_add_rPr().get_or_add_rFonts())


def name_font(fonts) -> None:
    """Name the font for every script; the template names fonts of its theme, which would win."""
    for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{attribute}"), None)
    for attribute in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{attribute}"), FONT)


def element(name: str, **attributes: str):
    """Make an element of WordprocessingML."""
    made = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    return made


def add_field(paragraph: Paragraph, code: str, shown: str) -> None:
    """Add a field with the text it shows until Word counts again."""
    instruction = element("instrText")
    instruction.text = f" {code} "
    instruction.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    begin, separate, end = (element("fldChar", fldCharType=kind) for kind in ("begin", "separate", "end"))
    for part in (begin, instruction, separate, shown, end):
        if part is shown:
            paragraph.add_run(shown)
        else:
            paragraph.add_run()._r.append(part)


def add_text(doc: Doc, text: str, style: str = "Normal") -> Paragraph:
    """Add a paragraph."""
    return doc.add_paragraph(xml_text(text), style=style)


def add_caption(doc: Doc, kind: str, text: str, *, above: bool) -> None:
    """Add a caption (of a ``Table`` or ``Figure``) that numbers itself, so that Word can list and refer to them.

    What stands above its table stays on its page.
    """
    before = doc.element.body.xpath("./w:p[w:pPr/w:pStyle/@w:val='Caption']")
    number = 1 + sum(Paragraph(p, doc).text.startswith(f"{kind} ") for p in before)
    paragraph = doc.add_paragraph(f"{kind} ", style="Caption")
    add_field(paragraph, f"SEQ {kind} \\* ARABIC", str(number))
    paragraph.add_run(f". {xml_text(text)}")
    paragraph.paragraph_format.keep_with_next = above


def add_link(paragraph: Paragraph, text: str, address: str = "", *, bold: bool = False) -> None:
    """Add text, leading to a web address when there is one."""
    run = paragraph.add_run(xml_text(text))
    if bold:
        run.bold = True
    if not address:
        return
    run.underline = True
    link = OxmlElement("w:hyperlink")
    target = paragraph.part.relate_to(xml_text(address), RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link.set(qn("r:id"), target)
    paragraph._p.append(link)
    link.append(run._r)


def add_figure(doc: Doc, picture: str | Path, caption: str, alt: str) -> None:
    """Add a figure as large as fits, with its caption below and its text for screen readers."""
    width, height = room(doc)
    paragraph = doc.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    shape = paragraph.add_run().add_picture(str(picture))
    scale = min(1, Mm(width) / shape.width, Mm(TALLEST * height) / shape.height)
    shape.width, shape.height = Emu(round(shape.width * scale)), Emu(round(shape.height * scale))
    properties = shape._inline.docPr
    properties.set("descr", xml_text(alt))
    properties.set("title", xml_text(caption))
    add_caption(doc, "Figure", caption, above=False)
