"""The page: tables and figures in, one self-contained HTML file out; what it says in which order is `page.html`."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..sheets.grade import read_grade
from ..sheets.screening import read_screening
from ..tables.coverage import read_simulated
from ..tables.files import write_text
from ..tables.pools import share_text
from ..words.formatting import decimals_for, format_count, format_percent
from ..words.model_names import DESCRIPTIONS
from . import answers, comparing, evidence_tables, headline, phrases, sources, variations
from .about import Review, read_tables, row_key
from .explorer import explorer_data, how_words, most_words
from .markdown import to_html, without_title
from .pictures import Figure, Gallery, RowLink, pages_of

LIMIT = 3_000_000  # bytes: what a page may weigh to open at once on a phone and to go by mail
# Of these, for figures and for the explorer's selections; a tighter pair is tried when the first is too much.
ROOMS = ((1_250_000, 1_300_000), (900_000, 700_000), (500_000, 300_000), (0, 50_000))


def write_page_file(
    tables: Sequence[str],
    figures: Sequence[str],
    texts: Mapping[str, str],
    page_html: str,
    *,
    choices: Mapping,
    software: Mapping[str, str],
    templates: str,
) -> None:
    """Read everything and write the page.

    Parameters
    ----------
    figures : sequence of str
        SVG files; those the page has no place for are linked.
    texts : mapping
        ``methods`` and ``changes`` (Markdown), ``grade`` (YAML), ``screening`` and ``simulated`` (CSV); what is missing
        is blank.
    choices : mapping
        ``config.yaml`` as read, with ``variables`` (what rows can be split by → label and levels).
    """
    grade = read_grade(texts["grade"], choices["analyses"]) if texts.get("grade") else {}
    screening = read_screening(texts["screening"]) if texts.get("screening") else []
    review = Review(choices, read_tables(tables), grade, screening, read_simulated(texts.get("simulated", "")))
    pages = {name: Path(texts[name]).read_text(encoding="utf-8") for name in ("methods", "changes") if texts.get(name)}
    write_text(page_html, page(review, figures, pages, software, templates))


def page(review: Review, figures: Sequence[str], texts: Mapping, software: Mapping, templates: str) -> str:
    """Give the page as HTML; it is a ValueError if it weighs more than it may."""
    options = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=FileSystemLoader(templates), **options)
    environment.filters |= {function.__name__: function for function in (decimals_for, format_count, format_percent)}
    said = content(review, texts) | {"software": software, "how_pooled": how_words(review)}
    for room in ROOMS:  # tables come whole; figures are linked and selections left out until the page is light enough
        plates = Plates(review, figures, room[0])
        said |= {"plates": plates, **safety(environment, plates.gallery, most_words(review))}
        said |= {"data": Markup(script_json(explorer_data(review, room[1])))}
        html = environment.get_template("page.html").render(said)
        if len(html.encode()) <= LIMIT:
            return html
    raise ValueError(f"the page weighs {len(html.encode()):,} bytes without any figure, more than {LIMIT:,}")


def content(review: Review, texts: Mapping[str, str]) -> dict:
    """Give what the page says beside its figures: the review, and the modules whose functions make tables of it."""
    said = dict.fromkeys(("methods", "changes"), "") | texts
    modules = (answers, comparing, evidence_tables, headline, phrases, sources, variations)
    counts = [row for analysis in review.analyses for row in review.used(analysis)]
    return {
        **{module.__name__.rpartition(".")[2]: module for module in modules},
        **{name: Markup(to_html(without_title(text), shift=1, anchor=name)) for name, text in said.items()},
        "review": review,
        "about": review.choices["review"],
        "primary": DESCRIPTIONS[review.primary],
        "legend": review.legend(counts),
    }


def safety(environment: Environment, gallery: Gallery, most: str) -> dict[str, Markup]:
    """Give style and script, and the content policy that allows these two and nothing else."""
    script, style = (environment.loader.get_source(environment, name)[0] for name in ("explorer.js", "page.css"))
    script = environment.loader.get_source(environment, "pooling.js")[0] + script.replace("/*most*/", most)
    for place, css in (("figures", gallery.css()), ("light", gallery.light()), ("dark", gallery.dark())):
        style = style.replace(f"/*{place}*/", css)
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"policy": Markup(policy), "style": Markup(style), "script": Markup(script)}


def digest(text: str) -> str:
    """Give the hash by which a content policy knows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def script_json(value: object) -> str:
    """Give data as JSON that cannot end the script element it stands in, nor open another.

    >>> script_json({"a": "</script><!--"})
    '{"a":"\\\\u003c/script\\\\u003e\\\\u003c!--"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class Plates:
    """The figures of the page, taken in order of importance while there is room; the others are linked."""

    def __init__(self, review: Review, figures: Sequence[str], room: int):
        self.review, self.gallery = review, Gallery()
        self.files = files = {(path.parent.name, path.stem): path for path in map(Path, figures)}
        self.found: dict[tuple[str, str], list[Figure]] = {}
        split = [f"forest_{name}" for name in review.choices["figures"]["forest_by"]]
        later = ["prediction", "leave_one_out", "specification_curve", "window", *split[1:]]
        for name in ["forest", *split[:1], "", *later]:  # blank: those of the whole review
            for key in [(a, name) for a in review.analyses] if name else [k for k in files if k[0] == "figures"]:
                if key in files and self.gallery.size < room:
                    self.take(key)

    def take(self, key: tuple[str, str]) -> None:
        """Read a figure with its further pages."""
        links = self.links(key[0]) if key[1] == "forest" else ()
        self.found[key] = [self.gallery.add(path, links) for path in pages_of(self.files[key])]

    def links(self, analysis: str) -> list[RowLink]:
        """Lead from each row of a forest plot to its line in the table below."""
        decimals, found = self.review.decimals(analysis), []
        for row in self.review.used(analysis):
            counts = " of ".join(phrases.counts_of(row, "events", "patients"))
            words = f"{row['label']}: {counts}, {share_text(row, decimals)}%"
            found.append(RowLink(row["label"], row_key(row), words))
        return found

    def get(self, folder: str, *names: str) -> list[Figure]:
        """Give figures, page by page; empty when there is none on the page."""
        return [figure for name in names for figure in self.found.get((folder, name), [])]

    def linked(self, analysis: str) -> list[tuple[str, str]]:
        """Name the figures of an analysis that are not on the page: title and address."""
        rest = [name for folder, name in self.files if folder == analysis and (folder, name) not in self.found]
        return [(name.replace("_", " "), f"{analysis}/{name}.svg") for name in rest]
