"""Write figures: the same bytes at every run and on every machine, whole or not at all."""

import io
import re
from collections.abc import Iterable
from itertools import count, takewhile
from pathlib import Path
from xml.sax.saxutils import escape

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.text import Text

from ...tables.files import write_text
from .board import Drawing
from .layout import CUT
from .pdf_fonts import light_fonts
from .style import FONT, SVG_FONTS, fixed_settings

# Neither the clock nor Matplotlib's version belongs into a file that a commit compares.
METADATA = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
PNG_DPI = 300


@fixed_settings()
def save_drawing(drawing: Drawing, stem: str | Path, formats: Iterable[str]) -> list[Path]:
    """Save the pages of a figure: a PDF with all of them, and one SVG or PNG each.

    The first page has the plain name, the others end in ``_2``, ``_3``, …; such pages left over from a run that needed
    more of them are removed. The last two parts of ``stem``, a path without ending, also make the identifiers inside
    an SVG unique on a page that holds several figures. A format that is none of svg, pdf, png is a ValueError.
    """
    formats = list(formats)
    if unknown := [name for name in formats if name not in METADATA]:
        raise ValueError(f"cannot save as {', '.join(unknown)}: expected one of {', '.join(METADATA)}")
    stem, pages, written = Path(stem), drawing.pages, []
    for name in formats:
        if name == "pdf":
            path = _named(stem, 1, name)
            write_text(path, _pdf(drawing))
            written.append(path)
            continue
        for number, page in enumerate(pages, 1):
            path = _named(stem, number, name)
            of = f" ({number} of {len(pages)})" if len(pages) > 1 else ""
            data = _svg(page, path, drawing.title + of, drawing.desc) if name == "svg" else _png(page)
            write_text(path, data)
            written.append(path)
        left_over = (_named(stem, number, name) for number in count(len(pages) + 1))
        for path in takewhile(Path.exists, left_over):
            path.unlink()
    return written


def _named(stem: Path, number: int, ending: str) -> Path:
    return stem.with_name(f"{stem.name}{'' if number == 1 else f'_{number}'}.{ending}")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    packing = {"compress_level": 1}  # flat areas: level 6 takes twice the time for the same size
    figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata=METADATA["png"], pil_kwargs=packing)
    return buffer.getvalue()


def _pdf(drawing: Drawing) -> bytes:
    buffer = io.BytesIO()
    metadata = {**METADATA["pdf"], "Title": drawing.title, "Subject": drawing.desc}
    with light_fonts(), PdfPages(buffer, metadata=metadata) as pdf:
        for page in drawing.pages:
            pdf.savefig(page)
    return buffer.getvalue()


def _svg(figure: Figure, path: Path, title: str, desc: str) -> bytes:
    """Give the SVG with fonts for any machine, the full text of what was cut, unique ids and alternative text."""
    prefix = re.sub(r"[^A-Za-z0-9]+", "-", f"{path.parent.name}-{path.stem}").strip("-")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=METADATA["svg"])
    svg = buffer.getvalue().decode("utf-8").replace(f"font-family: '{FONT}'", f"font-family: {SVG_FONTS}")
    for text in figure.findobj(Text):
        if (text.get_gid() or "").startswith(CUT):
            group = f'<g id="{text.get_gid()}">'
            svg = svg.replace(group, f"{group}\n   <title>{_escape(text.get_label())}</title>", 1)
    # Ids, and what refers to them, must differ between the figures of one page.
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r'(\bid="|\bhref="#|url\(#)', rf"\1{prefix}-", tag[0]), svg)
    svg = svg.replace(">*{stroke", f">#{prefix}-figure_1 *{{stroke", 1)  # a rule for this figure, not for its page
    head = (
        f' role="img" aria-labelledby="{prefix}-title {prefix}-desc">\n'
        f' <title id="{prefix}-title">{_escape(title)}</title>\n <desc id="{prefix}-desc">{_escape(desc)}</desc>'
    )
    return re.sub(r"(<svg\b[^>]*)>", lambda tag: tag[1] + head, svg, count=1).encode("utf-8")


def _escape(words: str) -> str:
    """Escape for XML, which forbids most control characters altogether."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", words))
