"""Write figures: the same bytes at every run and on every machine, whole or not at all."""

import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.text import Text

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


def save_figure(fig: Figure, stem: str | Path, formats: Iterable[str], title: str, desc: str) -> list[Path]:
    """Save a figure.

    Parameters
    ----------
    fig : Figure
    stem : path
        Without its ending; its last two parts also make the identifiers inside the SVG unique on a page that holds
        several figures.
    formats : iterable of {"svg", "pdf", "png"}
    title, desc : str
        The alternative text, for screen readers.

    Returns
    -------
    list of Path

    Raises
    ------
    ValueError
        A format that is none of these.
    """
    return save_pages([fig], stem, formats, title, desc)


def save_pages(
    figures: Sequence[Figure], stem: str | Path, formats: Iterable[str], title: str, desc: str
) -> list[Path]:
    """Save the pages of one figure: a PDF with all of them, and one SVG or PNG each.

    The first page has the plain name, the others end in ``_2``, ``_3``, …; such pages left over from a run that
    needed more of them are removed.
    """
    formats = list(formats)
    unknown = [name for name in formats if name not in METADATA]
    if unknown:
        raise ValueError(f"cannot save as {', '.join(unknown)}: expected one of {', '.join(METADATA)}")
    stem, written = Path(stem), []
    with fixed_settings():
        for name in formats:
            if name == "pdf":
                written.append(_write(_named(stem, 1, name), _pdf(figures, title, desc)))
                continue
            for number, figure in enumerate(figures, 1):
                path = _named(stem, number, name)
                of = f" ({number} of {len(figures)})" if len(figures) > 1 else ""
                data = _svg(figure, _prefix(path), title + of, desc) if name == "svg" else _png(figure)
                written.append(_write(path, data))
            _remove_left_over(stem, len(figures), name)
    return written


def _named(stem: Path, number: int, ending: str) -> Path:
    return stem.with_name(f"{stem.name}{'' if number == 1 else f'_{number}'}.{ending}")


def _remove_left_over(stem: Path, pages: int, ending: str) -> None:
    number = pages + 1
    while number > 1 and (path := _named(stem, number, ending)).exists():
        path.unlink()
        number += 1


def _prefix(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{path.parent.name}-{path.stem}").strip("-")


def _write(path: Path, data: bytes) -> Path:
    """Write a file to a neighbour first, then rename it over the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        neighbour.write_bytes(data)
        os.replace(neighbour, path)
    finally:
        neighbour.unlink(missing_ok=True)
    return path


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    packing = {"compress_level": 1}  # flat areas: level 6 takes twice the time for the same size
    figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata=METADATA["png"], pil_kwargs=packing)
    return buffer.getvalue()


def _pdf(figures: Sequence[Figure], title: str, desc: str) -> bytes:
    buffer = io.BytesIO()
    with light_fonts(), PdfPages(buffer, metadata={**METADATA["pdf"], "Title": title, "Subject": desc}) as pdf:
        for figure in figures:
            pdf.savefig(figure)
    return buffer.getvalue()


def _svg(figure: Figure, prefix: str, title: str, desc: str) -> bytes:
    """Give the SVG with fonts for any machine, the full text of what was cut, unique ids and alternative text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=METADATA["svg"])
    svg = buffer.getvalue().decode("utf-8").replace(f"font-family: '{FONT}'", f"font-family: {SVG_FONTS}")
    for text in figure.findobj(Text):
        if (text.get_gid() or "").startswith(CUT):
            group = f'<g id="{text.get_gid()}">'
            svg = svg.replace(group, f"{group}\n   <title>{_escape(text.get_label())}</title>", 1)
    svg = re.sub(r"<[^>]+>", lambda tag: _prefix_ids(tag[0], prefix), svg)
    svg = svg.replace(">*{stroke", f">#{prefix}-figure_1 *{{stroke", 1)  # a rule for this figure, not for its page
    head = (
        f' role="img" aria-labelledby="{prefix}-title {prefix}-desc">\n'
        f' <title id="{prefix}-title">{_escape(title)}</title>\n <desc id="{prefix}-desc">{_escape(desc)}</desc>'
    )
    return re.sub(r"(<svg\b[^>]*)>", lambda tag: tag[1] + head, svg, count=1).encode("utf-8")


def _prefix_ids(tag: str, prefix: str) -> str:
    """Put a prefix before what a tag names or refers to: ids must differ between the figures of one page."""
    tag = re.sub(r'\bid="', f'id="{prefix}-', tag)
    return re.sub(r'(\bhref="|url\()#', rf"\1#{prefix}-", tag)


def _escape(words: str) -> str:
    """Escape for XML, which forbids most control characters altogether."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", words))
