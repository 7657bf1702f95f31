"""The page: tables and figures in, one self-contained HTML file out."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..sheets.grade import read_grade
from ..sheets.screening import read_screening
from ..tables.files import number, write_text
from ..words.formatting import format_count, format_percent
from ..words.model_names import DESCRIPTIONS
from . import answers as analyses
from . import comparing, headline, sources, variations
from . import evidence_tables as evidence
from .about import Review, Row, read_tables, row_key
from .explorer import explorer_data
from .markdown import to_html
from .pictures import Figure, Gallery, RowLink, named

LIMIT = 3_000_000  # bytes: what a page may weigh to open at once on a phone and to go by mail
# Of these, for figures and for the explorer's selections; a tighter pair is tried when the first is too much.
ROOMS = ((1_250_000, 1_300_000), (900_000, 700_000), (500_000, 300_000), (0, 50_000))

SECTIONS = (
    ("answers", "The answers"),
    ("forests", "Forest plots"),
    ("explorer", "Leave studies out"),
    ("comparison", ""),
    ("sensitivity", "Sensitivity"),
    ("risk-factors", "Risk factors"),
    ("published", "Rates and published pools"),
    ("risk-of-bias", "Risk of bias"),
    ("findings", "Summary of Findings"),
    ("flow", "Reports looked at"),
    ("studies", "The studies"),
    ("sources", "Every number with its source"),
    ("methods", "Methods"),
    ("changes", "What changed"),
    ("software", "Software and versions"),
)


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
    tables : sequence of str
        CSV files of ``results/``.
    figures : sequence of str
        SVG files; those the page has no place for are linked.
    texts : mapping
        ``methods`` and ``changes`` (Markdown), ``grade`` (YAML) and ``screening`` (CSV); what is missing is absent.
    page_html : str
    choices : mapping
        ``config.yaml`` as read, with ``variables`` (what rows can be split by → label and levels).
    software : mapping
        Name → version.
    templates : str
        The folder of templates.
    """
    grade = read_grade(texts["grade"], choices["analyses"]) if texts.get("grade") else {}
    screening = read_screening(texts["screening"]) if texts.get("screening") else []
    review = Review(choices, read_tables(tables), grade, screening)
    pages = {name: Path(texts[name]).read_text(encoding="utf-8") for name in ("methods", "changes") if texts.get(name)}
    write_text(page_html, page(review, figures, pages, software, templates))


def page(
    review: Review, figures: Sequence[str], texts: Mapping[str, str], software: Mapping[str, str], templates: str
) -> str:
    """Give the page as HTML.

    Raises
    ------
    ValueError
        If it weighs more than it may.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for room in ROOMS:  # tables come whole; figures are linked and selections left out until the page is light enough
        plates = Plates(review, named(figures), room[0])
        context = content(review, plates, texts) | {"software": software, **safety(environment, plates.gallery)}
        context["data"] = Markup(script_json(explorer_data(review, room[1])))
        html = environment.get_template("page.html").render(context)
        if len(html.encode()) <= LIMIT:
            return html
    raise ValueError(f"the page weighs {len(html.encode()):,} bytes without any figure, more than {LIMIT:,}")


def content(review: Review, plates: "Plates", texts: Mapping[str, str]) -> dict:
    """Give what the page says, section by section."""
    cards = headline.cards(review)
    return {
        "review": review.choices["review"],
        "level": review.level,
        "primary": DESCRIPTIONS[review.primary],
        "sections": titles(review),
        "cards": cards[: headline.LEAD],
        "more_cards": cards[headline.LEAD :],
        "legend": headline.card_legend(review, cards),
        "differences": headline.differences(review),
        "parts": [part(review, plates, analysis) for analysis in review.analyses],
        "comparison": comparison(review, plates),
        "sensitivity": [sensitivity(review, plates, analysis) for analysis in review.analyses],
        "regression": variations.regression_table(review),
        "bodies": bodies(review),
        "plates": plates.review_figures(),
        "methods": Markup(to_html(without_title(texts.get("methods", "")), shift=1, anchor="methods")),
        "changes": Markup(to_html(without_title(texts.get("changes", "")), shift=1, anchor="changes")),
    }


def safety(environment: Environment, gallery: Gallery) -> dict[str, Markup]:
    """Give style and script, and the content policy that allows these two and nothing else."""
    script, style = (environment.loader.get_source(environment, name)[0] for name in ("explorer.js", "page.css"))
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


def without_title(markdown: str) -> str:
    """Drop the first heading: the section has its own."""
    return markdown.split("\n", 1)[-1] if markdown.startswith("# ") else markdown


def titles(review: Review) -> list[tuple[str, str]]:
    """Give anchor and title of every section."""
    variables = review.choices["figures"]["forest_by"]
    compared = f"By {review.variable(variables[0]).lower()}" if variables else "Subgroups"
    return [(anchor, title or compared) for anchor, title in SECTIONS]


class Plates:
    """The figures of the page, taken in order of importance while there is room; the others are linked."""

    def __init__(self, review: Review, files: Mapping[tuple[str, str], str], room: int):
        self.review, self.files, self.room, self.gallery = review, files, room, Gallery()
        self.found: dict[tuple[str, str], list[Figure]] = {}
        split = [f"forest_{name}" for name in review.choices["figures"]["forest_by"]]
        for name in (
            "forest",
            *split[:1],
            "",
            "prediction",
            "leave_one_out",
            "specification_curve",
            "window",
            *split[1:],
        ):
            for key in [(a, name) for a in review.analyses] if name else [k for k in files if k[0] == "figures"]:
                self.take(key)

    def take(self, key: tuple[str, str]) -> None:
        """Read a figure with its further pages."""
        if key not in self.files or self.gallery.size >= self.room:
            return
        links = self.links(key[0]) if key[1] == "forest" else ()
        path, found = Path(self.files[key]), []
        while path.exists():
            found.append(self.gallery.add(path, links))
            path = path.with_name(f"{key[1]}_{len(found) + 1}.svg")
        self.found[key] = found

    def links(self, analysis: str) -> list[RowLink]:
        """Lead from each row of a forest plot to its line in the table below."""
        decimals = self.review.decimals(analysis)
        texts = {row_key(row): row_words(row, decimals) for row in self.review.used(analysis)}
        return [
            RowLink(row["label"], f"#row-{row_key(row)}", row_key(row), f"{row['label']}: {texts[row_key(row)]}")
            for row in self.review.used(analysis)
        ]

    def get(self, folder: str, name: str) -> list[Figure]:
        """Give a figure, page by page; empty when there is none on the page."""
        return self.found.get((folder, name), [])

    def linked(self, analysis: str) -> list[tuple[str, str]]:
        """Name the figures of an analysis that are not on the page: title and address."""
        return [
            (name.replace("_", " "), f"{folder}/{name}.svg")
            for folder, name in self.files
            if folder == analysis and (folder, name) not in self.found
        ]

    def review_figures(self) -> dict[str, list[Figure]]:
        """Give the figures of the whole review by name."""
        return {name: pages for (folder, name), pages in self.found.items() if folder == "figures"}


def row_words(row: Row, decimals: int) -> str:
    """Give a count as a link says it."""
    counts = f"{format_count(int(row['events']))} of {format_count(int(row['patients']))}"
    return f"{counts}, {format_percent(number(row, 'proportion'), decimals)}%"


def part(review: Review, plates: Plates, analysis: str) -> dict:
    """Give what the page says of one analysis."""
    choices = review.analyses[analysis]
    return {
        "id": analysis,
        "label": choices["label"],
        "note": choices.get("note") or "",
        "answer": analyses.answer(review, analysis),
        "facts": analyses.facts(review, analysis),
        "figures": plates.get(analysis, "forest"),
        "table": analyses.row_table(review, analysis),
        "left_out": analyses.left_out(review, analysis),
        "chances": analyses.chances(review, analysis),
        "prediction": plates.get(analysis, "prediction"),
        "future": analyses.future_table(review, analysis),
        "window": plates.get(analysis, "window"),
        "explore": bool(review.used(analysis)),
        "linked": plates.linked(analysis),
    }


def comparison(review: Review, plates: Plates) -> dict:
    """Give what the page says of levels: the contrasts, then each analysis split by each variable."""
    variables = review.choices["figures"]["forest_by"]
    parts = []
    for analysis in review.analyses:
        splits = [
            {"figures": plates.get(analysis, f"forest_{name}"), "table": comparing.split_table(review, analysis, name)}
            for name in variables
        ]
        parts.append({"label": review.analyses[analysis]["label"], "splits": [s for s in splits if s["table"]]})
    return {"table": comparing.contrast_table(review), "parts": [p for p in parts if p["splits"]]}


def sensitivity(review: Review, plates: Plates, analysis: str) -> dict:
    """Give what the page says of how one answer moves."""
    return {
        "label": review.analyses[analysis]["label"],
        "sentence": variations.multiverse_sentence(review, analysis),
        "blocks": [
            {"figures": plates.get(analysis, name), "table": made(review, analysis)}
            for name, made in (
                ("leave_one_out", variations.influence_table),
                ("specification_curve", variations.multiverse_table),
                ("", variations.model_table),
            )
        ],
    }


def bodies(review: Review) -> dict:
    """Give the tables of the sections on the whole review."""
    return {
        "risk_factors": comparing.risk_factor_table(review),
        "rates": comparing.rate_table(review),
        "published": comparing.published_table(review),
        "bias": evidence.bias_table(review),
        "support": evidence.support_table(review),
        "findings": evidence.findings_table(review),
        "reasons": evidence.reasons_table(review),
        "flow": evidence.flow_table(review),
        "screening": evidence.screening_table(review),
        "studies": sources.study_table(review),
        "sources": sources.source_table(review),
        "comparisons": sources.comparison_sources(review),
        "characteristics": sources.characteristic_table(review),
    }
