"""results/report.docx: the answers, their certainty, the forest plots and the studies, ready for a manuscript.

The tables are those of results/report.html, built by the same functions, so that the two never differ.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

from ..report import answers as analyses
from ..report import comparing, sources
from ..report import evidence_tables as evidence
from ..report.about import Review, read_tables
from ..report.html_tables import Table, table
from ..report.markdown import without_title
from ..report.pictures import pages_of
from ..report.summary import headline, table_notes
from ..tables.files import write_text
from ..words.model_names import DESCRIPTIONS
from ..words.prose import plural
from .word import LANGUAGE, add_figure, add_text, new_document, start_section
from .word_markdown import add_markdown
from .word_table import add_table
from .zipped import day_of, unpacked, zip_bytes


def write_document_file(
    tables: Sequence[str], figures: Sequence[str], document_docx: str, *, choices: Mapping, methods: str, grade: str
) -> None:
    """Read the tables and figures and write the document.

    Parameters
    ----------
    tables : sequence of str
        CSV files of ``results/``.
    figures : sequence of str
        The first pages of the forest plots as PNG; empty when the config draws none.
    document_docx : str
    choices : mapping
        ``config.yaml`` as read, with ``variables`` (what rows can be split by → label and levels).
    methods, grade : str
        The page of methods (Markdown), and the judgements of certainty (YAML); blank where there is none.
    """
    from ..sheets.grade import read_grade

    judged = read_grade(grade, choices["analyses"]) if grade else {}
    page = Path(methods).read_text(encoding="utf-8") if methods else ""
    write_text(document_docx, document(Review(choices, read_tables(tables), judged), figures, page))


def document(review: Review, figures: Sequence[str], methods: str) -> bytes:
    """Give the document as bytes, the same at every run."""
    about = review.choices["review"]
    doc = new_document(about["title"], f"{about['title']}. Data {about['version']}.")
    add_text(doc, about["question"], "Subtitle")
    add_text(doc, f"Data version {about['version']}; literature last looked at on {about['last_search']}.")
    add_tables(doc, "Headline results", headline_table(review))
    doc.add_heading("What this evidence cannot show", 2)
    add_text(doc, about["limits"])
    add_tables(doc, "Summary of findings", evidence.findings_table(review))  # the reason of each judgement: at the end
    add_analyses(doc, review, figures)
    compared = (comparing.contrast_table, comparing.risk_factor_table, comparing.rate_table, comparing.published_table)
    add_tables(doc, "Comparisons", *(made(review) for made in compared), landscape=True)
    add_tables(doc, "The studies", pooled_studies(review), evidence.bias_table(review), landscape=True)
    start_section(doc, landscape=False)
    if methods:
        doc.add_heading("Methods", 1)
        add_markdown(doc, without_title(methods))
    add_tables(doc, "Reasons for the certainty", evidence.reasons_table(review))
    return finished(doc, about)


def add_tables(doc, heading: str, *tables: Table | None, landscape: bool = False) -> None:
    """Add a part of those tables that there are, if any."""
    found = [one for one in tables if one]
    if found and landscape:
        start_section(doc, landscape=True)
    if found:
        doc.add_heading(heading, 1)
    for one in found:
        add_table(doc, one)


def headline_table(review: Review) -> Table:
    """Give one line an analysis: counts, pooled percentage with both intervals, τ², crude."""
    rows = []
    for analysis in filter(review.pool, review.analyses):
        rows.append({"Outcome": review.title(analysis), **headline(review, analysis)})
    notes = table_notes(review).split(" The other models stand in")[0]
    return table("Pooled incidence", rows, notes=(notes,))


def add_analyses(doc, review: Review, figures: Sequence[str]) -> None:
    """Add a part an analysis: its answer, its forest plot, its counts and what stays out."""
    doc.add_heading("The analyses", 1)
    pictures = {Path(path).parent.name: Path(path) for path in figures if Path(path).stem == "forest"}
    for analysis, choices in review.analyses.items():
        doc.add_heading(choices["label"], 2)
        answer, facts = analyses.answer(review, analysis), analyses.facts(review, analysis)
        add_text(doc, answer)
        add_text(doc, f"Counts: {facts['outcomes']}, {facts['window']}. {choices.get('note') or ''}".strip())
        for number, picture in enumerate(pages_of(pictures[analysis]) if analysis in pictures else (), 1):
            more = f" (page {number})" if number > 1 else ""
            caption = f"Forest plot: {choices['label']}{more}. Pooled with: {DESCRIPTIONS[review.primary]}."
            add_figure(doc, picture, caption, f"Forest plot of {choices['label']}. {answer}")
        if analysis not in pictures:
            add_text(doc, f"Forest plot: results/{analysis}/. The config draws no PNG, which a document needs.")
        if review.used(analysis):
            add_table(doc, analyses.row_table(review, analysis))
        if left := analyses.left_out(review, analysis):
            doc.add_heading("Not pooled", 3)
            for text in left:
                add_text(doc, text, "List Bullet")


def pooled_studies(review: Review) -> Table:
    """Give the characteristics of the studies that are pooled somewhere, and say how many others were read."""
    every = sources.study_table(review)
    pooled = {f"study-{row['study']}" for analysis in review.analyses for row in review.used(analysis)}
    lines = tuple(one for one in every.lines if one.anchor in pooled)
    others = len(every.lines) - len(lines)
    note = (f"{plural(others, 'other report')} read and not pooled: see tables.xlsx.",) if others else ()
    return replace(every, caption="Characteristics of the pooled studies", lines=lines, notes=(*every.notes, *note))


def finished(doc, about: Mapping) -> bytes:
    """Give the document's bytes, dated by the last search and not by the clock."""
    day = day_of(str(about["last_search"]))
    properties, moment = doc.core_properties, datetime.combine(day, time())
    properties.title, properties.subject = about["title"], about["question"][:255]
    properties.author = properties.last_modified_by = properties.comments = properties.keywords = ""
    properties.created = properties.modified = moment
    properties.version, properties.language, properties.revision = about["version"], LANGUAGE, 1
    buffer = io.BytesIO()
    doc.save(buffer)
    return zip_bytes(unpacked(buffer.getvalue()), day)
