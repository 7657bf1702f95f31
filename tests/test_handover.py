"""What leaves the project says the numbers of the tables, executes nothing, and has the same bytes at every run."""

import csv
import io
import json
import math
import pickle
import re
import zipfile
from pathlib import Path

import pybtex.database
import pytest
import rispy
from conftest import ROOT, Review, handed
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from openpyxl import load_workbook
from PIL import Image
from synthesis.handover.archive import header_of, write_archive_file
from synthesis.handover.captions import Answers
from synthesis.handover.citations import to_bibtex, to_ris, write_references_file
from synthesis.handover.document import write_document_file
from synthesis.handover.results_workbook import CODEBOOK, CONTENTS, write_workbook_file
from synthesis.handover.robvis import write_robvis_file
from synthesis.pools.gathering import gather_estimates_file
from synthesis.pools.pooling import pool_analysis_file
from synthesis.protocol.config import STUDY_VARIABLES, read_protocol
from synthesis.report.phrases import format_frequency
from synthesis.risk_factors.comparisons import pool_comparisons_file
from synthesis.selection.arms import used_rows
from synthesis.selection.rows import select_rows_file
from synthesis.sheets.collect import collect_sheets_file
from synthesis.sheets.grade import DOMAINS, read_grade
from synthesis.tables.declared import UndescribedError, columns_of, describe, read, table_name, table_names, write
from synthesis.tables.files import number, read_table
from synthesis.tables.pools import estimate_text, events_text, find_pool
from synthesis.tables.problems import ProblemsError
from synthesis.words.formatting import decimals_for, format_count

FORMULA = '=HYPERLINK("http://evil.example","x")'
SCRIPT = "<script>window.hacked=1</script>"
RIGHT_TO_LEFT = "דימום"
LONG = "Long " + "name" * 15
SHEET = """id: {id}
label: {label}
citation: {{authors: Writer WA et al., title: {title}, journal: J Two, year: {year}, pages: 1-9, doi: 10.1000/{id}_x}}
report: article
design: trial
ascertainment: chart review
arms:
  all: {{product: A, patients: 80}}
outcomes:
  - {{outcome: fever, arm: all, events: 7, patients: 80, window: 60, definition: {words}, basis: stated,
     confidence: high, source: table 1, note: {words}, url: "https://example.org/{id}"}}
risk_of_bias: {{tool: jbi, items: {{sample: {{judgement: yes, support: {words}}}}}}}
extraction: {{first: 2026-01-01}}
"""
GRADE = """fever:
  certainty: low
  start: high
  domains:
    risk_of_bias: {judgement: serious, reason: Few said how.}
    inconsistency: {judgement: not serious, reason: They agree.}
    indirectness: {judgement: not serious, reason: The same people.}
    imprecision: {judgement: serious, reason: Few people.}
    publication_bias: {judgement: not serious, reason: None suspected.}
  provisional: One curator.
"""


class Built:
    """The small review with hostile sheets, its tables, and what is written from them."""

    def __init__(self, folder: Path):
        self.folder, self.results = folder, folder / "results"
        Review(folder)
        for id, words in (
            ("eaton2005", FORMULA),
            ("field2006", SCRIPT),
            ("green2007", RIGHT_TO_LEFT),
            ("hill2008", LONG),
        ):
            text = json.dumps(words, ensure_ascii=False)
            given = {"id": id, "year": id[-4:], "label": text, "title": text, "words": text}
            (folder / "studies" / f"{id}.yaml").write_text(SHEET.format(**given), encoding="utf-8")
        (folder / "studies" / "grade.yaml").write_text(GRADE, encoding="utf-8")
        self.protocol = read_protocol(folder / "config.yaml")
        self.review = self.protocol.review.model_dump(mode="json")
        self.attributes = {name: self.protocol.variable_label(name) for name in ("product", *self.protocol.attributes)}
        self.tables = self.pool()
        self.methods = folder / "methods.md"
        self.methods.write_text(
            "# M\n\n## Models\n\nSee [1].\n\n| A | B |\n| --- | ---: |\n| x | 2 |\n\n1. Work\n2. More\n"
        )

    def pool(self) -> list[str]:
        """Write the tables."""
        paths = [str(p) for p in sorted((self.folder / "studies").glob("*.yaml")) if p.stem != "grade"]
        sheets = handed(self.folder, paths)
        collect_sheets_file(sheets, self.results / "data", attributes=list(self.attributes))
        implied = {name: product.model_extra for name, product in self.protocol.products.items()}
        for name, analysis in self.protocol.analyses.items():
            home = self.results / name
            home.mkdir()
            words = {"attributes": list(self.attributes), "implied": implied}
            choices = analysis.model_dump(mode="json")
            select_rows_file(sheets, home / "rows.csv", analysis=name, choices=choices, vocabulary=words)
            pool_analysis_file(
                used_rows(home / "rows.csv"),
                home / "estimates.csv",
                home / "contrasts.csv",
                analysis=name,
                models=["glmm", "crude"],
                subgroup_models=["glmm"],
                level=0.95,
                contrasts=[c.model_dump() for c in self.protocol.contrasts],
            )
            Image.new("RGB", (2100, 900), "white").save(home / "forest.png", dpi=(300, 300))
        joined = [[self.results / a / f"{t}.csv" for a in self.protocol.analyses] for t in ("estimates", "contrasts")]
        targets = [self.results / "estimates.csv", self.results / "contrasts.csv"]
        gather_estimates_file(*joined, *targets, analyses=list(self.protocol.analyses))
        pool_comparisons_file(sheets, self.results / "comparisons.csv", level=0.95)
        return sorted(str(path) for path in self.results.rglob("*.csv"))

    def choices(self) -> dict:
        """Give the config as the rule hands it down."""
        names = ["product", *STUDY_VARIABLES, *self.protocol.attributes]
        labels = {n: {"label": self.protocol.variable_label(n), "levels": self.protocol.levels(n)} for n in names}
        return {**self.protocol.model_dump(mode="json"), "variables": labels}

    def write_document(self, path: Path) -> Path:
        """Write the document."""
        figures = [str(self.results / name / "forest.png") for name in self.protocol.analyses]
        texts = {"methods": str(self.methods), "grade": str(self.folder / "studies" / "grade.yaml")}
        write_document_file(self.tables, figures, str(path), choices=self.choices(), **texts)
        return path

    def write_workbook(self, path: Path) -> Path:
        """Write the workbook; the joined tables stand for those of the analyses, as in the rule."""
        tables = [
            t for t in self.tables if Path(t).stem not in ("estimates", "contrasts") or Path(t).parent == self.results
        ]
        write_workbook_file(tables, {}, str(path), review=self.review, attributes=self.attributes)
        return path

    def write_archive(self, path: Path) -> Path:
        """Write the data package."""
        tables = [t for t in self.tables if Path(t).stem in ("rows", "estimates") or Path(t).parent.name == "data"]
        licence = {"name": "CC-BY-4.0", "title": "CC BY 4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}
        review = {**self.review, "licence": licence}
        write_archive_file(tables, str(path), results=str(self.results), review=review, attributes=self.attributes)
        return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Give the built review."""
    return Built(tmp_path_factory.mktemp("handover"))


@pytest.fixture(scope="module")
def document(built):
    """Give the document, opened."""
    return Document(str(built.write_document(built.folder / "report.docx")))


@pytest.fixture(scope="module")
def workbook(built):
    """Give the workbook, opened."""
    return load_workbook(built.write_workbook(built.folder / "tables.xlsx"))


def cells(table) -> list[list[str]]:
    """Give the texts of a Word table."""
    return [[cell.text for cell in row.cells] for row in table.rows]


def caption_before(document, table) -> str:
    """Give the caption above a Word table."""
    previous = table._tbl.getprevious()
    return "".join(t.text for t in previous.iter(qn("w:t")))


def named(document, words: str):
    """Give the table whose caption holds these words."""
    return next(t for t in document.tables if words in caption_before(document, t))


@pytest.mark.parametrize("kind", ["document", "workbook", "archive"])
def test_two_writes_have_the_same_bytes(built, tmp_path, kind):
    write = getattr(built, f"write_{kind}")
    first = write(tmp_path / "first").read_bytes()
    assert write(tmp_path / "second").read_bytes() == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}
        inside = b"".join(archive.read(name) for name in archive.namelist() if "core" in name or "package" in name)
    moments = re.findall(rb"\d{4}-\d\d-\d\dT[\d:.]+Z?", inside)
    assert moments and set(moments) == {b"2026-01-01T00:00:00Z"}  # the last search, and not the clock


def test_the_headline_table_prints_the_estimates(built, document):
    rows = {row[0]: row for row in cells(named(document, "Pooled incidence"))[1:]}
    estimates = read_table(built.results / "estimates.csv")
    assert list(rows) == [analysis.label for analysis in built.protocol.analyses.values()]
    for name, analysis in built.protocol.analyses.items():
        pool = find_pool(estimates, "glmm", analysis=name)
        decimals = decimals_for([number(pool, "estimate")])
        shown = rows[analysis.label]
        assert shown[1:4] == [format_count(pool["studies"]), events_text(pool), format_count(pool["patients"])]
        assert shown[4].split("\n")[0] == estimate_text(pool, decimals)
    assert "one study" in rows["High fever"][4]


def test_the_summary_of_findings_counts_per_thousand_and_carries_the_judgement(built, document):
    table = cells(named(document, "1,000"))
    pool = find_pool(read_table(built.results / "estimates.csv"), "glmm", analysis="fever")
    line = next(row for row in table if row[0].startswith("Fever"))
    low, high = (format_frequency(number(pool, key), 1000) for key in ("ci_low", "ci_high"))
    assert f"{format_frequency(number(pool, 'estimate'), 1000)} ({low} to {high})" in line
    assert any("low" in cell for cell in line) and any("imprecision" in cell for cell in line)
    rash = next(row for row in table if row[0].startswith("Rash"))
    assert any("judged" in cell for cell in rash)
    reasons = cells(named(document, "Why the certainty"))
    assert [row for row in reasons if "Few people." in row[-1]]


def test_every_pooled_count_stands_in_the_document_with_its_source(built, document):
    for name, analysis in built.protocol.analyses.items():
        used = [r for r in read_table(built.results / name / "rows.csv") if r["use"] == "yes" and r["subset"] == "all"]
        rows = cells(named(document, f"{analysis.label}: the counts"))
        assert used
        for row in used:
            line = next(shown for shown in rows if shown[0].startswith(row["label"]))
            assert line[1:3] == [events_text(row), format_count(row["patients"])]
            assert row["source"] in line[-1]


def test_the_document_is_made_for_readers_and_screen_readers(built, document):
    assert {round(s.page_width.mm) for s in document.sections} == {210, 297}
    assert all((s.page_width > s.page_height) == (s.orientation == WD_ORIENT.LANDSCAPE) for s in document.sections)
    pictures = list(document.element.body.iter(qn("wp:docPr")))
    assert len(pictures) == len(built.protocol.analyses)
    assert all("of" in picture.get("descr") and len(picture.get("descr")) > 40 for picture in pictures)
    for table in document.tables:
        head = table.rows[0]._tr
        assert head.trPr.find(qn("w:tblHeader")) is not None
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))
        assert caption_before(document, table).startswith("Table ")
    numbers_shown = [p.text.split(".")[0] for p in document.paragraphs if p.style.name == "Caption"]
    assert [n for n in numbers_shown if n.startswith("Figure")] == ["Figure 1", "Figure 2", "Figure 3"]
    tables = [n for n in numbers_shown if n.startswith("Table")]
    assert tables == [f"Table {i}" for i in range(1, len(document.tables) + 1)]
    assert document.core_properties.title == built.review["title"] and document.core_properties.author == ""


def test_no_table_is_wider_than_its_page(document):
    """A clipped table loses numbers without a word."""
    section, pages = 0, list(document.sections)
    for block in document.element.body:
        if block.tag == qn("w:tbl"):
            room = pages[section].page_width - pages[section].left_margin - pages[section].right_margin
            width = sum(int(column.get(qn("w:w"))) for column in block.iter(qn("w:gridCol"))) * 635
            assert abs(width - room) < 12_700
            for row in block.iter(qn("w:tr")):
                assert abs(sum(int(w.get(qn("w:w"))) for w in row.iter(qn("w:tcW"))) * 635 - room) < 12_700
        section += block.tag == qn("w:p") and any(True for _ in block.iter(qn("w:sectPr")))


def test_figures_fit_their_page(document):
    for size in document.element.body.iter(qn("wp:extent")):
        assert 0 < int(size.get("cx")) < 170.1 * 36_000 and int(size.get("cy")) < 257 * 36_000


def test_methods_keep_their_table_and_the_numbers_of_their_references(document):
    texts = [p.text for p in document.paragraphs]
    assert "1.\tWork" in texts and "2.\tMore" in texts
    assert cells(named(document, "Models")) == [["A", "B"], ["x", "2"]]


def test_hostile_text_is_text_in_the_document(built, document):
    everything = "\n".join(cell for table in document.tables for row in cells(table) for cell in row)
    for words in (FORMULA, SCRIPT, RIGHT_TO_LEFT, LONG):
        assert words in everything
    targets = [r.target_ref for r in document.part.rels.values() if r.is_external]
    assert targets and all(target.startswith(("http://", "https://")) for target in targets)
    assert not any("evil" in target for target in targets)


def test_control_characters_do_not_break_the_files(built, tmp_path):
    """XML has no room for them; a form feed from a pasted PDF must not stop a build."""
    home = tmp_path / "data"
    home.mkdir()
    text = (built.results / "data" / "risk_of_bias.csv").read_text(encoding="utf-8")
    (home / "risk_of_bias.csv").write_text(text.replace("window.hacked", "a\x0b\x00b"), encoding="utf-8")
    path = tmp_path / "t.xlsx"
    write_workbook_file([str(home / "risk_of_bias.csv")], {}, str(path), review=built.review, attributes={})
    assert any("ab=1" in str(c.value) for row in load_workbook(path)["data risk_of_bias"] for c in row)


def test_a_table_of_another_version_is_left_out_of_the_workbook_and_said(built, tmp_path):
    """One column of an older version, and the build ended with an error that names no file a person knows."""
    other, path = tmp_path / "crosscheck.csv", tmp_path / "t.xlsx"
    other.write_text("analysis,subset,group,model,quantity,ours,r,software\nfever,all,,glmm,tau2,1,1,R 4.4\n")
    tables = [str(built.results / "data" / "risk_of_bias.csv")]
    write_workbook_file(tables, {"crosscheck": str(other)}, str(path), review=built.review, attributes={})
    book = load_workbook(path)
    assert book.sheetnames == [CONTENTS, "data risk_of_bias", CODEBOOK]
    said = "crosscheck.csv is of another version of the workflow and left out."
    assert any(said == cell.value for row in book[CONTENTS] for cell in row)


def test_every_table_is_a_tab_with_a_frozen_header_and_its_numbers(built, workbook):
    names = workbook.sheetnames
    assert names[0] == CONTENTS and names[-1] == CODEBOOK and "rows" in names and "data studies" in names
    for tab in workbook.worksheets:
        assert tab.freeze_panes and all(d.width <= 110 for d in tab.column_dimensions.values())
    table = read_table(built.results / "estimates.csv")
    tab = workbook["estimates"]
    head = [cell.value for cell in tab[1]]
    for row, line in zip(table, tab.iter_rows(min_row=2, values_only=True), strict=True):
        for name, value in zip(head, line, strict=True):
            if row[name] == "":
                assert value is None
            elif isinstance(value, str):
                assert value == row[name]
            else:  # Excel's files hold 16 digits
                assert value == pytest.approx(float(row[name]), rel=1e-15)
    assert isinstance(tab.cell(2, head.index("estimate") + 1).value, float)


def test_no_cell_of_the_workbook_can_execute(workbook):
    kinds = {cell.data_type for tab in workbook for row in tab for cell in row}
    assert "f" not in kinds and kinds <= {"s", "n", "inlineStr"}
    found = [c for tab in workbook for row in tab for c in row if str(c.value).startswith(("=", "+", "-", "@"))]
    risky = [cell for cell in found if cell.data_type != "n"]
    assert any(cell.value == FORMULA for cell in risky) and all(cell.quotePrefix for cell in risky)
    assert not any(tab._hyperlinks for tab in workbook)


def test_the_codebook_tab_explains_every_column(workbook):
    told = {(row[0], row[1]): row[3] for row in workbook[CODEBOOK].iter_rows(min_row=2, values_only=True)}
    for tab in workbook.worksheets[1:-1]:
        for cell in tab[1]:
            assert told[(tab.title, cell.value)]


def test_every_column_of_the_results_is_described(results):
    """A new table or column is declared in tables/columns.csv, and holds what is declared."""
    protocol = read_protocol(ROOT / "config.yaml")
    attributes = dict.fromkeys(("product", *protocol.attributes), "x")
    files = sorted(results.rglob("*.csv"))
    files = [f for f in files if f.parent.name != "results" or not f.name.endswith("robvis.csv")]
    assert len(files) > 20
    seen: dict[str, set] = {}
    for path in files:
        table, head = table_name(path), header_of(path)
        columns = describe(table, head, "patients", attributes)
        assert columns_of(table, head) == head
        read(path)  # every cell is of its type
        assert {c.type for c in columns} <= {"string", "integer", "number"}
        assert all(c.description and "{" not in c.description for c in columns)
        seen.setdefault(table, set()).update(head)
    on_request = {"crosscheck", "operating_characteristics", "operating_characteristics_summary"}
    assert set(table_names()) - set(seen) <= on_request, "declared, but not built"


def test_a_declared_table_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "future.csv"
    write(path, [{"analysis": "fever", "quantity": "events", "threshold": 50, "value": 0.1 + 0.2, "low": math.nan}])
    (row,) = read(path)
    assert (row["quantity"], row["threshold"], row["value"], row["status"]) == ("events", 50.0, 0.3, "")
    assert math.isnan(row["low"])
    path.write_text(path.read_text().replace("0.3", "much"))
    with pytest.raises(ProblemsError, match=r'future.csv:2: value: "much" is not of the type number'):
        read(path)


def test_the_codebook_refuses_what_it_does_not_know():
    with pytest.raises(UndescribedError, match=r"colour of data/arms"):
        describe("data/arms", ["study", "colour"], "patients", {})
    with pytest.raises(UndescribedError, match="nonsense"):
        describe("nonsense", [], "patients", {})


def parses(text: str, kind: str) -> bool:
    """Say whether a cell has its type."""
    try:
        return text == "" or kind == "string" or (int(text) if kind == "integer" else float(text)) is not None
    except ValueError:
        return False


def test_the_data_package_describes_the_files_it_carries(built, tmp_path):
    with zipfile.ZipFile(built.write_archive(tmp_path / "data.zip")) as archive:
        package = json.loads(archive.read("datapackage.json"))
        tables = {
            r["name"]: (r, list(csv.DictReader(io.TextIOWrapper(archive.open(r["path"]), "utf-8"))))
            for r in package["resources"]
        }
        assert archive.namelist() == ["datapackage.json", *(r["path"] for r in package["resources"])]
        assert archive.read("estimates.csv") == (built.results / "estimates.csv").read_bytes()
    assert {"data-studies", "data-outcomes", "fever-rows", "fever-estimates", "estimates"} <= set(tables)
    assert package["licenses"][0]["name"] == "CC-BY-4.0" and len(package["sources"]) == 8
    for resource, rows in tables.values():
        schema = resource["schema"]
        assert schema["missingValues"] == [""]
        fields = {field["name"]: field for field in schema["fields"]}
        for row in rows:
            assert list(row) == list(fields)
            for name, text in row.items():
                assert parses(text, fields[name]["type"]), (resource["path"], name, text)
                assert text in fields[name].get("constraints", {}).get("enum", [text])
        keys = [tuple(row[k] for k in schema.get("primaryKey", [])) for row in rows]
        assert not schema.get("primaryKey") or len(keys) == len(set(keys))
        for foreign in schema.get("foreignKeys", []):
            known = {row["study"] for row in tables[foreign["reference"]["resource"]][1]}
            assert {row[foreign["fields"]] for row in rows} <= known


def test_references_come_back_as_they_were_written(built, tmp_path):
    bib, ris = tmp_path / "r.bib", tmp_path / "r.ris"
    write_references_file(str(built.results / "data" / "studies.csv"), str(bib), str(ris))
    entries = pybtex.database.parse_file(str(bib)).entries
    sheets = {path.stem for path in (built.folder / "studies").glob("*.yaml")} - {"grade"}
    assert set(entries) == sheets
    assert entries["hill2008"].fields["doi"] == "10.1000/hill2008_x"
    assert entries["hill2008"].fields["pages"] == "1--9" and LONG in entries["hill2008"].fields["title"]
    people = [str(person) for person in entries["hill2008"].persons["author"]]
    assert people == ["Writer, W. A.", "others"]
    records = {r["id"]: r for r in rispy.loads(ris.read_text(encoding="utf-8"))}
    assert set(records) == sheets
    hill = records["hill2008"]
    assert (hill["authors"], hill["start_page"], hill["end_page"]) == (["Writer, W.A."], "1", "9")
    assert hill["doi"] == "10.1000/hill2008_x" and hill["type_of_reference"] == "JOUR"


def test_a_title_cannot_be_a_command_or_break_the_file():
    row = dict.fromkeys(
        ("authors", "journal", "year", "volume", "issue", "pages", "doi", "pmid", "url", "citation_note"), ""
    )
    row |= {"study": "x2001", "title": "A {B \\input{/etc/passwd}\nER  - \nTY  - JOUR 5% & more"}
    (entry,) = pybtex.database.parse_string(to_bibtex([row]), "bibtex").entries.values()
    assert "\\input" not in entry.fields["title"] and "5\\% \\& more" in entry.fields["title"]
    assert len(rispy.loads(to_ris([row]))) == 1


def test_what_a_sheet_leaves_out_is_missing_in_the_references():
    row = dict.fromkeys(("authors", "title", "journal", "year", "volume", "issue", "pages", "doi", "pmid", "url"), "")
    row |= {"study": "x2001", "citation_note": "Not readable."}
    (entry,) = pybtex.database.parse_string(to_bibtex([row]), "bibtex").entries.values()
    assert dict(entry.fields) == {"note": "Not readable."} and not entry.persons
    (record,) = rispy.loads(to_ris([row]))
    assert set(record) == {"type_of_reference", "id", "notes"}


def test_robvis_gets_its_columns_and_no_overall_judgement_is_made_up(built, tmp_path):
    path = tmp_path / "robvis.csv"
    data = built.results / "data"
    tools = {"jbi": ["sample", "setting"]}
    write_robvis_file(str(data / "risk_of_bias.csv"), str(data / "studies.csv"), str(path), tools=tools)
    rows = read_table(path)
    assert header_of(path) == ["Study", "D1_sample", "D2_setting", "Overall", "Weight"]
    assert len(rows) == 4 and {r["D1_sample"] for r in rows} == {"Low"}
    assert {(r["D2_setting"], r["Overall"], r["Weight"]) for r in rows} == {("No information", "Not applicable", "1")}


def test_captions_carry_the_numbers_of_now_and_never_run_a_job_again(built, tmp_path):
    """Snakemake compares parameters that are numbers, texts or collections, and runs the job again; not an object."""
    path = tmp_path / "estimates.csv"
    path.write_bytes((built.results / "estimates.csv").read_bytes())
    models = built.protocol.models.model_dump(mode="json")
    answers = pickle.loads(pickle.dumps(Answers(str(path), built.review, models, {"fever": {"label": "Fever_*"}})))
    pool = find_pool(read_table(path), "glmm", analysis="fever")
    assert str(answers).startswith("**Fever\\_\\***: ") and f"{pool['events']} of {pool['patients']}" in str(answers)
    events, patients = pool["events"], pool["patients"]
    path.write_text(path.read_text().replace(f",{events},{patients},{events},{events},", ",77,999,77,77,"))
    assert "77 of 999" in str(answers)
    assert not isinstance(answers, (int, float, str, list, tuple, dict, set, bytes))


def test_judgements_are_read_as_they_stand(tmp_path):
    path = tmp_path / "grade.yaml"
    path.write_text(GRADE)
    fever = read_grade(path, ["fever", "rash"])["fever"]
    assert fever["certainty"] == "low" and tuple(fever["domains"]) == DOMAINS and fever["provisional"] == "One curator."
    assert fever["domains"]["imprecision"] == {"judgement": "serious", "reason": "Few people."}
    assert read_grade(tmp_path / "none.yaml") == {}


@pytest.mark.parametrize(
    "old, new, line, message",
    [
        ("certainty: low", "certainty: moderate", 2, '"high" rated down by the domains is "low"'),
        (
            "judgement: serious, reason: Few people",
            "judgement: seriuos, reason: Few people",
            8,
            'Did you mean "serious"',
        ),
        ("imprecision", "precision", 4, "imprecision: This key is missing"),
        ("fever:", "fevre:", 1, 'Did you mean "fever"'),
        (", reason: They agree.", "", 6, "inconsistency.reason: This key is missing"),
    ],
)
def test_a_wrong_judgement_is_named_with_its_line(tmp_path, old, new, line, message):
    path = tmp_path / "grade.yaml"
    assert old in GRADE
    path.write_text(GRADE.replace(old, new))
    with pytest.raises(ProblemsError) as error:
        read_grade(path, ["fever", "rash"])
    assert message in str(error.value) and f"grade.yaml:{line}: " in str(error.value)


def test_the_judgements_of_this_review_fit_its_analyses():
    path = ROOT / "studies" / "grade.yaml"
    judged = read_grade(path, read_protocol(ROOT / "config.yaml").analyses)
    assert judged or not path.exists()
