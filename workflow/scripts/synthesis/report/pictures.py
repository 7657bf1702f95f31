"""Figures for the page: one SVG after another made small, their names kept apart, their colours ready for a dark page.

What Matplotlib writes as a style on every mark becomes a class, shared by all figures of the page: the file is a third
as large, and no inline style is left for the page's content policy to allow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from .colours import dark_of

NOT_DRAWN = "Not drawn: "
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
KEPT = ("title", "desc", "defs", "clipPath", "g", "path", "use", "text", "tspan", "rect", "circle", "line", "polygon")
ATTRIBUTES = (
    *("d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "r", "points", "transform", "viewBox"),
    "clip-path",
)
NO_TURN = ("rotate(-0 ", "rotate(0 ")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
NUMBER = re.compile(r"-?\d*\.\d+")
REFERENCE = re.compile(r"url\(#([^)]+)\)")
SIGNS = "*#†‡§¶ "  # what a figure may put behind a label
ROW_HEIGHT = 13.9  # points: one row of the forest plot
SAFE_VALUE = re.compile(r"[\w\s#.,%()'\"+-]*")


@dataclass(frozen=True)
class RowLink:
    """A row of a figure that leads to its line in the table: the label as drawn, the key of its count, what it says."""

    label: str
    key: str
    words: str


@dataclass(frozen=True)
class Figure:
    """A figure of the page: a name of its own, and its file below ``results/``.

    Without an ``svg`` it was not drawn; then ``desc`` says why.
    """

    name: str
    title: str
    desc: str
    svg: str
    file: str


@dataclass
class Gallery:
    """All figures of a page, with the styles and colours they share."""

    styles: dict[str, str] = field(default_factory=dict)
    colours: set[str] = field(default_factory=set)
    size: int = 0

    def add(self, path: str | Path, links: Sequence[RowLink] = ()) -> Figure:
        """Read a figure and make it fit for the page."""
        path = Path(path)
        name, file = f"fig-{path.parent.name}-{path.stem}", f"{path.parent.name}/{path.name}"
        root = ElementTree.parse(path).getroot()
        title, desc = (clean(root.findtext(f"{SVG}{tag}") or "") for tag in ("title", "desc"))
        if desc.startswith(NOT_DRAWN):
            return Figure(name, title, desc.removeprefix(NOT_DRAWN), "", file)
        svg = _Writer(self, name, _referenced(root)).page(root, links)
        self.size += len(svg.encode())
        return Figure(name, title, desc, svg, file)

    def style(self, style: str) -> str:
        """Give the class of a style, a new one where there is none yet.

        Only plain declarations are kept: names and values without anything that could end a rule.
        """
        pairs = ([piece.strip() for piece in part.partition(":")[::2]] for part in style.split(";"))
        text = ";".join(
            sorted(
                f"{name}:{value}"
                for name, value in pairs
                if re.fullmatch(r"[a-z-]+", name) and value and SAFE_VALUE.fullmatch(value) and "url" not in value
            )
        )
        return self.styles.setdefault(text, f"s{len(self.styles)}") if text else ""

    def css(self) -> str:
        """Give the classes, with every colour as a variable."""
        rules = []
        for text, name in self.styles.items():
            self.colours |= {c.lower() for c in COLOUR.findall(text)}
            rules.append(f".{name}{{{COLOUR.sub(lambda c: f'var(--c{c[0][1:].lower()})', text)}}}")
        return "".join(rules)

    def light(self) -> str:
        """Give the colours of the light page."""
        return "".join(f"--c{c[1:]}:{c};" for c in sorted(self.colours))

    def dark(self) -> str:
        """Give the colours of the dark page."""
        return "".join(f"--c{c[1:]}:{dark_of(c)};" for c in sorted(self.colours))


def clean(text: str) -> str:
    """Give a text in one line."""
    return " ".join(text.split())


def _referenced(root: ElementTree.Element) -> set[str]:
    """Give the ids something refers to; all others can go."""
    values = [(name, value) for element in root.iter() for name, value in element.attrib.items()]
    links = {value.removeprefix("#") for name, value in values if name.removeprefix(XLINK) == "href"}
    return links.union(*(REFERENCE.findall(value) for _, value in values))


@dataclass
class _Writer:
    """Writes one figure."""

    gallery: Gallery
    name: str
    referenced: set[str]
    names: dict[str, str] = field(default_factory=dict)

    def page(self, root: ElementTree.Element, links: Sequence[RowLink]) -> str:
        """Give the whole figure; with links it is a group of them, otherwise one image."""
        box = root.get("viewBox", "0 0 510 300")
        body = "".join(self.element(child) for child in root if child.tag not in (f"{SVG}title", f"{SVG}desc"))
        rows = "".join(self.link(root, link, float(box.split()[2])) for link in links)
        role = "group" if rows else "img"
        head = (
            f'<svg viewBox="{escape(box)}" role="{role}" aria-labelledby="{self.name}-title" '
            f'aria-describedby="{self.name}-desc" class="figure">'
        )
        return f"{head}{body}{rows}</svg>"

    def element(self, element: ElementTree.Element) -> str:
        """Give an element without what the page does not need; a bare group gives its content."""
        tag = element.tag.removeprefix(SVG) if isinstance(element.tag, str) else ""
        if tag not in KEPT:
            return ""
        attributes = dict(self.attribute(name.removeprefix(XLINK), value) for name, value in element.attrib.items())
        given = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value)
        inner = escape(clean(element.text or ""))
        inner += "".join(self.element(child) + escape((child.tail or "").strip()) for child in element)
        if tag == "g" and not given:
            return inner
        if not inner and tag in ("g", "defs", "text"):
            return ""
        return f"<{tag}{given}>{inner}</{tag}>" if inner else f"<{tag}{given}/>"

    def attribute(self, name: str, value: str) -> tuple[str, str]:
        """Give an attribute, shortened; a blank value where it does not matter."""
        if name == "style":
            return "class", self.gallery.style(value)
        if name == "id":
            return name, self.rename(value) if value in self.referenced else ""
        if name == "href":
            return name, f"#{self.rename(value[1:])}" if value.startswith("#") else ""
        if name not in ATTRIBUTES or value.startswith(NO_TURN):
            return name, ""
        value = REFERENCE.sub(lambda m: f"url(#{self.rename(m[1])})", value)
        return name, clean(NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip(".") or "0", value))

    def rename(self, name: str) -> str:
        """Give an id that no other figure of the page has."""
        return self.names.setdefault(name, f"{self.name}-{len(self.names)}")

    def link(self, root: ElementTree.Element, link: RowLink, width: float) -> str:
        """Lay a link over the row whose label is drawn; nothing where the label is not found."""
        for text in root.iter(f"{SVG}text"):
            drawn = clean("".join(text.itertext())).rstrip(SIGNS)
            if drawn == link.label or (drawn.endswith("…") and link.label.startswith(drawn[:-1])):
                top = float(text.get("y", "0")) - 0.68 * ROW_HEIGHT
                return (
                    f'<a href={quoteattr(f"#row-{link.key}")} class="row" data-count={quoteattr(link.key)} '
                    f"aria-label={quoteattr(link.words)}>"
                    f'<rect x="1" y="{top:.1f}" width="{width - 2:.1f}" height="{ROW_HEIGHT}"/></a>'
                )
        return ""


def pages_of(figure: Path) -> list[Path]:
    """Give the file of a figure with those of its further pages, which carry their number in the name."""
    found = [figure]
    while found[-1].exists():
        found.append(figure.with_name(f"{figure.stem}_{len(found) + 1}{figure.suffix}"))
    return found[:-1]
