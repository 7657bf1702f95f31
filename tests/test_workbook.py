"""Workbooks: nothing is lost on the way there and back, and what a spreadsheet damages is named at its cell."""

import datetime as dt
import shutil
import subprocess
import time
import zipfile

import openpyxl
import pytest
from conftest import REVIEW
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from synthesis.curation.damage import read_value, text_damage
from synthesis.curation.fields import tabs
from synthesis.curation.filled_tabs import read_tables
from synthesis.curation.flat import gather, spread
from synthesis.curation.grids import Cell
from synthesis.curation.handing_in import read_workbooks
from synthesis.curation.opening import LARGEST_XML
from synthesis.curation.workbook import leaves, write_workbook
from synthesis.curation.writing import sheet_data, to_yaml
from synthesis.sheets.checks import check_sheet
from synthesis.sheets.sheet import Sheet, type_sheet
from synthesis.tables.located import Located, read_located
from synthesis.tables.problems import ProblemsError
from synthesis.words.characters import complaint, plain

SLOW_MACHINE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}

# Texts that YAML, a spreadsheet or CSV would each like to read as something else.
TRAPS = [
    "NO",
    "3/12",
    "=1+1",
    "1e5",
    "12:30",
    "007",
    "~",
    "null",
    "#N/A",
    "a: b",
    "x #y",
    "- z",
    "[q",
    "it's",
    '"',
    "é≥½",
]
TRAPS += [
    "a\nb",
    "@x",
    "'quoted",
    "yes",
    "+1",
    "2020-01-02",
    "not reported",
    "6.3%",
    "a, b; c",
    "|",
    "? k",
    "%d",
    "&a",
    "*b",
]
letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp"))
texts = st.one_of(st.sampled_from(TRAPS), st.text(letters, min_size=1, max_size=12))
texts = texts.map(plain).map(str.strip)  # as a file gives them
texts = texts.filter(lambda t: t and not complaint(t) and "x005F_" not in t and "_x000D_" not in t)
dates = st.sampled_from(["2020", "2020-01", "2020-01-31"])
maybe = st.one_of(st.none(), texts)


@st.composite
def sheets(draw) -> dict:
    """Draw the nested texts of a sheet of the small review, most of them in order."""
    size = draw(st.integers(3, 9000))
    part = draw(st.integers(1, size - 1))
    arms = {"all": {"comprises": ["a", "b"], "product": "mixed", "patients": str(size), "note": draw(maybe)}}
    arms |= {"a": {"product": "A", "target": "T1", "patients": str(part), "label": draw(maybe)}}
    arms |= {"b": {"patients": str(size - part)}, "c+d/1": {"part_of": "all", "patients": "not reported"}, "e": {}}
    outcomes = [draw(outcome(i, size)) for i in range(draw(st.integers(0, 4)))]
    exposed = draw(st.integers(1, size - 1))
    table = {"exposure": draw(texts), "outcome": "rash", "arm": "c+d/1", "window": draw(st.sampled_from([None, "30"]))}
    cells = {"exposed": {"events": "0", "patients": str(exposed)}, "unexposed": {"events": "1", "patients": "7"}}
    fact = {"arm": "b", "group": draw(maybe), "name": "age", "value": draw(texts), "unit": draw(maybe), "source": "x"}
    kept = {"exclude": {row["outcome"]: draw(texts) for row in outcomes[:1]}}
    kept |= {"sensitivity_only": {row["outcome"]: {row["arm"]: draw(texts)} for row in outcomes[1:2]}}
    judged = {"tool": "jbi", "items": {"sample": {"judgement": "unclear", "support": draw(texts)}}}
    return _without_none(
        {
            "id": "adams2001",
            "label": draw(texts),
            "citation": {
                "title": draw(maybe),
                "year": "2001",
                "pages": "3-12",
                "doi": "10.1000/x",
                "note": draw(maybe),
            },
            "report": "article",
            "design": "trial",
            "ascertainment": "chart review",
            "country": draw(st.sampled_from([None, "NO"])),
            "centres": draw(st.sampled_from([None, "1"])),
            "enrolled": draw(st.sampled_from([None, {"from": "2020-01"}, {"from": "2019", "to": "2020-01-31"}])),
            "cohort": draw(maybe),
            "note": draw(maybe),
            "arms": arms,
            "outcomes": outcomes,
            "comparisons": draw(st.sampled_from([None, [table | sourced(draw) | cells]])),
            "characteristics": draw(st.sampled_from([None, [fact]])),
            "risk_of_bias": draw(st.sampled_from([None, judged])),
            "extraction": {"first": draw(dates), "second": draw(st.one_of(st.none(), dates))},
            **draw(st.sampled_from([{}, kept])),
        }
    )


@st.composite
def outcome(draw, i: int, size: int) -> dict:
    patients = draw(st.integers(1, size))
    events = draw(st.one_of(st.just("not reported"), st.integers(0, patients).map(str)))
    windows = st.one_of(st.just("unstated"), st.integers(0, 400).map(str))
    row = {
        "outcome": draw(st.sampled_from(["fever", "high_fever", "rash"])),
        "arm": draw(st.sampled_from(["all", "c+d/1"])),
    }
    row |= {"events": events, "patients": str(patients), "window": draw(windows), "definition": f"{draw(texts)} {i}"}
    return row | {"window_text": draw(maybe)} | sourced(draw)


def sourced(draw) -> dict:
    read = {"second_reading": draw(st.sampled_from([None, "agree", "disagree"])), "second_note": draw(maybe)}
    kept = {"basis": "stated", "confidence": "high", "source": draw(texts), "url": "https://example.org/?a=1#b"}
    return kept | read | {"note": draw(maybe)}


def _without_none(value):
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value


def in_order(data, protocol) -> Sheet:
    """Give the sheet when it passes every check of any sheet; else draw another."""
    sheet = Sheet.model_validate(data)
    assume(not check_sheet(Located("adams2001.yaml", data, {}), sheet, protocol))
    return sheet


@given(data=sheets())
@settings(max_examples=30, **SLOW_MACHINE)
def test_yaml_and_tabs_give_the_sheet_back(data, protocol, tmp_path_factory):
    sheet = in_order(data, protocol)
    path = tmp_path_factory.getbasetemp() / "adams2001.yaml"
    path.write_text(to_yaml(sheet, protocol.attributes), "utf-8")
    assert type_sheet(read_located(path)) == sheet
    assert to_yaml(type_sheet(read_located(path)), protocol.attributes) == path.read_text("utf-8")
    every = tabs(protocol)
    rows = {tab.key: spread(data, tab, protocol.tools) for tab in every}
    tables = {key: [{name: Cell("", text) for name, text in row.items()} for row in rows[key]] for key in rows}
    found = gather(tables, every)
    assert not found.problems
    assert dict(leaves(found.data)) == dict(leaves(data))


@given(data=sheets())
@settings(max_examples=4, **SLOW_MACHINE)
def test_a_workbook_gives_the_sheet_back_and_again(data, protocol, tmp_path_factory):
    sheet = in_order(data, protocol)
    folder = tmp_path_factory.getbasetemp()
    write_workbook(folder / "one.xlsx", data, protocol)
    [handed] = read_workbooks([folder / "one.xlsx"], folder / "none", protocol)
    assert handed.sheet == sheet
    write_workbook(folder / "two.xlsx", sheet_data(handed.sheet), protocol)
    assert read_workbooks([folder / "two.xlsx"], folder / "none", protocol)[0].text == handed.text


def test_every_sheet_of_the_small_review_survives(review, protocol, tmp_path):
    for path in sorted((review.folder / "studies").glob("*.yaml")):
        write_workbook(tmp_path / "x.xlsx", read_located(path).data, protocol)
        [handed] = read_workbooks([tmp_path / "x.xlsx"], review.folder / "studies", protocol)
        assert handed.sheet == type_sheet(read_located(path))


@pytest.fixture(scope="module")
def written(protocol, tmp_path_factory):
    """Write the workbook of adams2001 once."""
    path = tmp_path_factory.mktemp("written") / "adams2001.xlsx"
    write_workbook(path, read_located(REVIEW / "studies" / "adams2001.yaml").data, protocol)
    return path


@pytest.fixture
def workbook(written, protocol, tmp_path):
    """Give a copy to spoil, and a way to read it that gives the problems as text."""
    shutil.copy(written, tmp_path / written.name)
    return Spoilt(tmp_path / written.name, REVIEW / "studies", protocol)


class Spoilt:
    """A workbook that a test changes as a person or a spreadsheet would."""

    def __init__(self, path, studies, protocol):
        self.path, self.studies, self.protocol = path, studies, protocol

    def put(self, cells: dict) -> "Spoilt":
        """Put values into cells; a pair is a value and the number format that shows it."""
        book = openpyxl.load_workbook(self.path)
        for at, value in cells.items():
            tab, _, name = at.partition("!")
            if tab == "Study" and not name[1:].isdigit():
                name = next(f"B{row[0].row}" for row in book[tab].rows if row[0].value.rstrip(" *") == name)
            cell = book[tab][name]
            cell.value, cell.number_format = value if isinstance(value, tuple) else (value, cell.number_format)
        book.save(self.path)
        return self

    def problems(self) -> list[str]:
        with pytest.raises(ProblemsError) as caught:
            read_workbooks([self.path], self.studies, self.protocol)
        return [str(p).replace(f"{self.path}: ", "") for p in caught.value.problems]


def test_drop_downs_locks_comments_and_example(workbook):
    book = openpyxl.load_workbook(workbook.path)
    assert book.sheetnames == ["Start here", *(tab.title for tab in tabs(workbook.protocol)), "Words"]
    tab = book["Outcomes"]
    assert tab["B1"].value == "outcome *" and "fever, high_fever, rash" in tab["B1"].comment.text
    assert tab["A2"].value == "example" and tab["D3"].value == 12
    assert tab.protection.sheet and tab["B1"].protection.locked and not tab["B3"].protection.locked
    assert not tab.column_dimensions["B"].protection.locked and tab.column_dimensions["B"].number_format == "@"
    offered = {str(rule.sqref): rule.formula1 for rule in tab.data_validations.dataValidation}
    words = book["Words"]
    column = offered["B3:B1000"].split("$")[1]
    assert [words[f"{column}{i}"].value for i in (2, 3, 4)] == ["fever", "high_fever", "rash"]
    assert words[f"{column}5"].value is None and offered["B3:B1000"].endswith("$4")
    assert offered["C3:C1000"] == "Arms!$B$3:$B$1000"


# Cell → its value, how it is shown, and what the message must say.
DAMAGE = {
    "Outcomes!D3": (dt.datetime(2026, 12, 3), "d-mmm", "the date 2026-12-03, which a spreadsheet makes of 3/12"),
    "Outcomes!E3": (1.234, "General", "1.234 may be a thousand or a decimal number."),
    "Outcomes!J3": (0.1, "0.0%", "The cell holds the number 0.1 shown as per cent"),
    "Outcomes!D4": ("=3+6", "General", "The cell holds a formula."),
    "Outcomes!E4": ("1,234", "@", '"1,234" may be a thousand or a decimal number.'),
    "Outcomes!H4": (True, "General", "The cell holds the truth value TRUE"),
    "Outcomes!J4": ("10,0%", "@", '"10,0%" has a decimal comma. Write 10.0%.'),
    "Outcomes!D5": (4.5, "0", "4.5 is a decimal number where a whole number belongs."),
    "Outcomes!F5": ("03-Dec", "@", '"03-Dec" is a date, which a spreadsheet makes of 3/12 or 12-3.'),
    "Outcomes!J5": (10, "General", "10 has no % sign."),
    "Outcomes!D6": ("9/80", "@", '"9/80" is two numbers (or a date).'),
    "Outcomes!E6": ("#REF!", "General", "The cell holds an error (#REF!)."),
    "Outcomes!F6": (dt.time(3, 12), "h:mm", "The cell holds a time (03:12:00)"),
    "Study!pages": (dt.date(2026, 12, 3), "mmm-yy", "The cell holds the date 2026-12-03"),
    "Study!volume": (12, "0000", "The cell shows 0012 but holds 12: leading zeros are not in it."),
    "Study!enrolled_from": (dt.datetime(2020, 1, 1), "mmm-yy", "the date 2020-01-01, but shows only a part of it."),
    "Study!first_extraction": ("3/12/2026", "@", "Write 2026-03-12 or 2026-12-03."),
    "Characteristics!G3": (1 / 3, "General", "0.3333333333333333, which was computed"),
}  # fmt: skip


def test_all_damage_is_named_at_its_cell_in_one_run(workbook):
    found = workbook.put({at: given[:2] for at, given in DAMAGE.items()}).problems()
    for at, (_, _, message) in DAMAGE.items():
        place = f"({at.split('!')[1]})" if at.startswith("Study") else f"{at} ("
        said = [line for line in found if place in line]
        assert len(said) == 1 and message in said[0], (at, said)
    assert len(found) == len(DAMAGE)


def test_a_date_that_shows_day_month_and_year_is_what_it_shows(workbook):
    workbook.put({"Study!first_extraction": (dt.datetime(2025, 1, 5), "dd/mm/yyyy")})
    [handed] = read_workbooks([workbook.path], workbook.studies, workbook.protocol)
    assert handed.sheet.extraction.first == "2025-01-05"


def test_checks_of_any_sheet_are_told_in_cells(workbook):
    workbook.put({"Outcomes!D3": 130, "Outcomes!B6": "high_feve", "Outcomes!L5": None})
    workbook.put({"Risk of bias!E3": "maybe", "Risk of bias!F3": "said"})
    found = "\n".join(workbook.problems())
    for said in (
        "Outcomes!D3 (events): 130 is more than patients (120).",
        'Outcomes!B6 (outcome): "high_feve" is not one of: fever, high_fever, rash. Did you mean "high_fever"?',
        "(confidence): This cell is empty.",
        'Risk of bias!E3 (judgement): "maybe" is not one of: yes, no, unclear.',
    ):
        assert said in found, found
    assert "outcomes[" not in found


def test_rows_are_named_by_the_number_a_reader_sees(workbook):
    found = workbook.put({"Outcomes!D6": 20}).problems()
    assert "20 high_fever are more than the 12 fever of row 3 of Outcomes, which holds them." in found[0]


def test_structure_faults_are_named_together(workbook):
    workbook.put({"Outcomes!D1": "evnts", "Outcomes!Z4": "lost", "Arms!B4": "all", "Not pooled!B3": "exlude"})
    found = "\n".join(workbook.problems())
    for said in (
        'Outcomes!D1: Unknown heading. "evnts" is not one of:',
        "Headings are missing: events.",
        "Outcomes!Z4: There is no heading above this cell.",
        'Arms!B4 (arm): "all" stands twice.',
        'Not pooled!B3 (how): "exlude" is not one of: exclude, sensitivity_only. Did you mean "exclude"?',
    ):
        assert said in found, found


def test_what_is_written_over_the_example_is_not_lost_silently(workbook):
    assert 'Outcomes!D2: "99" stands in the example row' in workbook.put({"Outcomes!D2": 99}).problems()[0]


def test_other_tabs_are_not_lost_silently(workbook):
    book = openpyxl.load_workbook(workbook.path)
    book.create_sheet("Outcome 2")["A1"] = "more"
    book.save(workbook.path)
    assert workbook.problems()[0].startswith("Outcome 2: This tab is not read.")


def test_a_size_stated_too_small_hides_no_row(workbook, tmp_path):
    _rewrite(workbook.path, lambda name, text: text.replace(b'<dimension ref="A1:P6"', b'<dimension ref="A1:P3"'))
    [handed] = read_workbooks([workbook.path], workbook.studies, workbook.protocol)
    assert len(handed.sheet.outcomes) == 4


def test_a_report_that_is_entered_already_is_named(review, protocol, tmp_path):
    data = read_located(review.sheet("baker2002")).data | {"id": "new2025", "label": "New 2025"}
    write_workbook(tmp_path / "a.xlsx", data, protocol)
    with pytest.raises(ProblemsError) as caught:
        read_workbooks([tmp_path / "a.xlsx"], review.folder / "studies", protocol)
    [problem] = caught.value.problems
    assert problem.field == "Study (doi)" and "baker2002.yaml too. Is it the same report?" in problem.message


def test_a_sheet_that_a_workbook_cannot_hold_is_refused(protocol, tmp_path):
    data = read_located(REVIEW / "studies" / "adams2001.yaml").data
    for spoil in ({"surprise": "x"}, {"note": "a\x07b"}):
        with pytest.raises(ProblemsError) as caught:
            write_workbook(tmp_path / "a.xlsx", data | spoil, protocol)
        assert "would lose surprise" in str(caught.value) or "control character" in str(caught.value)
        assert not list(tmp_path.iterdir())


def _rewrite(path, change, more: dict[str, bytes] | None = None) -> None:
    """Write a workbook again with changed and added parts."""
    with zipfile.ZipFile(path) as old:
        parts = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in {**parts, **(more or {})}.items():
            new.writestr(name, content)


BOMB = b"<worksheet>" + b" " * (LARGEST_XML + 1)
HOSTILE = {
    "bomb": ({"xl/worksheets/sheet99.xml": BOMB}, "Unpacked it has more than 20,000,000 bytes."),
    "entities": ({"xl/x.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}, "XML that no spreadsheet writes"),
    "entities in UTF-16": ({"xl/x.xml": "<!DOCTYPE a []><a/>".encode("utf-16")}, "XML that no spreadsheet writes"),
    "styles": ({"xl/styles2.xml": b"<styleSheet>" + b"<xf/>" * 500_000}, "styles2.xml in it has more than 2,000,000"),
    "links": ({"xl/externalLinks/externalLink1.xml": b"<a/>"}, "It holds links to other files."),
    "macros": ({"xl/vbaProject.bin": b"x"}, "It holds macros."),
    "many parts": ({f"xl/{i}.bin": b"" for i in range(400)}, "parts, more than 300."),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_workbooks_are_refused_quickly(kind, workbook):
    more, message = HOSTILE[kind]
    _rewrite(workbook.path, lambda name, content: content, more)
    start = time.perf_counter()
    found = workbook.problems()
    assert len(found) == 1 and message in found[0]
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 99, "old .xls file"),
        (b"study;n\n", "not a workbook"),
        (b"PK\x03\x04 but no more", "Not readable as a workbook"),
        (b"", "not a workbook"),
        (b"PK" + b"\0" * 5_000_001, "bytes, more than 5,000,000"),
    ],
)
def test_what_is_no_workbook_is_refused(content, message, workbook):
    workbook.path.write_bytes(content)
    assert message in workbook.problems()[0]


def test_a_tab_formatted_to_its_end_takes_no_minutes(workbook):
    """Every row padded to 16,384 columns would be 30 million cells."""
    rows = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (i, i) for i in range(50, 1900))
    _rewrite(workbook.path, lambda name, content: content.replace(b"</sheetData>", rows + b"</sheetData>"))
    start = time.perf_counter()
    assert "is formatted far beyond what is filled. Delete its empty columns." in workbook.problems()[0]
    assert time.perf_counter() - start < 3


def test_broken_parts_are_one_clear_message(workbook):
    _rewrite(workbook.path, lambda name, content: content[:300] if "sheet3.xml" in name else content)
    assert "Not readable as a workbook" in workbook.problems()[0]


def test_ten_thousand_rows_are_refused_at_their_cell(workbook):
    workbook.put({"Outcomes!D5000": 1})
    assert "Outcomes!D5000 is filled; a tab has at most 2000 rows" in workbook.problems()[0]


def test_a_workbook_as_libreoffice_writes_it(workbook, protocol):
    """Made by hand in LibreOffice's manner: its styles, strings in runs, numbers as t="n", no dimension."""
    every = tabs(protocol)
    tables, *_ = read_tables(workbook.path, every)
    before = read_workbooks([workbook.path], workbook.studies, protocol)[0]
    _write_like_libreoffice(workbook.path, tables, every)
    [after] = read_workbooks([workbook.path], workbook.studies, protocol)
    assert after.text == before.text


def _write_like_libreoffice(path, tables, every) -> None:
    strings: list[str] = []

    def cell(at: str, text: str) -> str:
        if text.isdigit():
            return f'<c r="{at}" s="1" t="n"><v>{text}</v></c>'
        strings.append(text.replace("&", "&amp;").replace("<", "&lt;"))
        return f'<c r="{at}" s="2" t="s"><v>{len(strings) - 1}</v></c>'

    def row(number: int, values: list[str]) -> str:
        cells = "".join(
            cell(f"{chr(65 + i)}{number}", v) if v else f'<c r="{chr(65 + i)}{number}" s="2"/>'
            for i, v in enumerate(values)
        )
        return f'<row r="{number}" customFormat="false" ht="12.8" hidden="false">{cells}</row>'

    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rel = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    parts: dict[str, str] = {}
    for i, tab in enumerate(every, 1):
        names = [field.name for field in tab.fields]
        if tab.is_form:
            given = {name: c.text for name, c in tables[tab.key][0].items()}
            lines = [["field", "value"], *([name, given.get(name, "")] for name in names)]
        else:
            lines = [["row", *names], *(["", *(r[n].text if n in r else "" for n in names)] for r in tables[tab.key])]
        body = "".join(row(number, values) for number, values in enumerate(lines, 1))
        parts[f"xl/worksheets/sheet{i}.xml"] = f"{head}<worksheet {main}><sheetData>{body}</sheetData></worksheet>"
    entries = "".join(
        f'<sheet name="{t.title}" sheetId="{i}" state="visible" r:id="rId{i}"/>' for i, t in enumerate(every, 1)
    )
    parts["xl/workbook.xml"] = f"{head}<workbook {main} {rel}><sheets>{entries}</sheets></workbook>"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in range(1, 8)
    )
    links += f'<Relationship Id="rId8" Type="{kind}/sharedStrings" Target="sharedStrings.xml"/>'
    links += f'<Relationship Id="rId9" Type="{kind}/styles" Target="styles.xml"/>'
    package = "http://schemas.openxmlformats.org/package/2006"
    parts["xl/_rels/workbook.xml.rels"] = (
        f'{head}<Relationships xmlns="{package}/relationships">{links}</Relationships>'
    )
    top = f'<Relationship Id="rId1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/>'
    parts["_rels/.rels"] = f'{head}<Relationships xmlns="{package}/relationships">{top}</Relationships>'
    items = "".join(
        f'<si><r><t xml:space="preserve">{t[:2]}</t></r><r><t xml:space="preserve">{t[2:]}</t></r></si>'
        for t in strings
    )
    parts["xl/sharedStrings.xml"] = (
        f'{head}<sst {main} count="{len(strings)}" uniqueCount="{len(strings)}">{items}</sst>'
    )
    formats = "".join(f'<numFmt numFmtId="{n}" formatCode="{code}"/>' for n, code in ((164, "General"), (165, "@")))
    formats = f'<numFmts count="2">{formats}</numFmts>'
    styles = "".join(f'<xf numFmtId="{n}" fontId="0" fillId="0" borderId="0" xfId="0"/>' for n in (164, 164, 165))
    looks = "<fonts><font/></fonts><fills><fill><patternFill/></fill></fills><borders><border/></borders>"
    looks += "<cellStyleXfs><xf/></cellStyleXfs>"
    parts["xl/styles.xml"] = f"{head}<styleSheet {main}>{formats}{looks}<cellXfs>{styles}</cellXfs></styleSheet>"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    over = "".join(
        f'<Override PartName="/{name}" ContentType="{sheet}.{what}+xml"/>'
        for name, what in [
            ("xl/workbook.xml", "sheet.main"),
            ("xl/styles.xml", "styles"),
            ("xl/sharedStrings.xml", "sharedStrings"),
        ]
        + [(f"xl/worksheets/sheet{i}.xml", "worksheet") for i in range(1, 8)]
    )
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    parts["[Content_Types].xml"] = f'{head}<Types xmlns="{package}/content-types">{default}{over}</Types>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_there_and_back_through_libreoffice(workbook, tmp_path):
    before = read_workbooks([workbook.path], workbook.studies, workbook.protocol)[0]
    for source, kind in (("adams2001.xlsx", "ods"), ("adams2001.ods", "xlsx")):
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/home", "--convert-to", kind]
        subprocess.run([*command, "--outdir", tmp_path, tmp_path / source], check=True, timeout=120)
    [after] = read_workbooks([tmp_path / "adams2001.xlsx"], workbook.studies, workbook.protocol)
    assert after.text == before.text


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        ("Dec-03", "count", True),
        ("3. Mrz", "count", True),
        ("03/12/2024", "count", True),
        ("2024-12-03 00:00:00", "count", True),
        ("12 (6.3%)", "count", True),
        ("12", "count", False),
        ("not reported", "count", False),
        ("May-June", "text", False),
        ("12-Dec", "pages", True),
        ("4465-4475", "pages", False),
        ("Supplement 1", "pages", False),
        ("6.3%", "percent", False),
        ("2020-01", "date", False),
        ("Jan 2020", "date", True),
    ],
)
def test_damage_in_text(text, kind, named):
    assert (text_damage(text, kind) is not None) == named


def test_values_that_are_whole_pass_as_they_are():
    assert read_value(12, "n", "General", "count") == ("12", None)
    assert read_value(12.0, "n", "#,##0", "count") == ("12", None)
    assert read_value(17.5, "n", "General", "text") == ("17.5", None)
    assert read_value("\ufeff 12\u00a0", "s", "@", "count") == ("12", None)
