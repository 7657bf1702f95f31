"""Fuzz: whatever bytes come in, the answer is a located problem or the right data, soon and in little memory.

Three things must never happen: an end by anything but the project's own error, a hang, and a sheet that is read but
says another number than its text does. Each property is tried with some cases in every run and with all of them, 10,000
together, in the slow one; both draw the same cases every time. `FUZZ_TIMES=10` draws ten times as many, and others at
each run: for a hunt.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
import yaml
from conftest import REVIEW, ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthesis.curation.handing_in import read_workbooks
from synthesis.curation.table_file import read_table_file
from synthesis.curation.wide import draft_sheets
from synthesis.curation.workbook import write_workbook
from synthesis.protocol.config import read_protocol
from synthesis.selection.rows import Vocabulary, select_rows
from synthesis.sheets.checks import read_sheets
from synthesis.sheets.facts import as_text, of_analysis
from synthesis.sheets.grade import read_grade
from synthesis.sheets.sheet import type_sheet
from synthesis.tables.files import read_table
from synthesis.tables.located import read_located
from synthesis.tables.problems import ProblemsError

# What every property is tried with in the slow run; one in SHARE of them in every run. A workbook takes some hundredths
# of a second, a sheet one.
CASES = {
    "sheets": 1800,
    "sheets that a curator changed": 2400,
    "any bytes": 1200,
    "configs": 1400,
    "judgements": 1000,
    "tables": 1500,
    "workbooks with flipped bytes": 400,
    "workbooks with spoilt parts": 300,
}
SHARE = 25
TIMES = os.environ.get("FUZZ_TIMES")
SETTINGS = {
    "deadline": timedelta(seconds=5),
    "derandomize": TIMES is None,
    "database": None,
    "print_blob": True,
    "suppress_health_check": list(HealthCheck),
}


def cases_of(name: str) -> pytest.MarkDecorator:
    """Give a property its number of cases, as two tests: some of them in every run, and all in the slow one."""
    every = CASES[name] * int(TIMES or 1)
    return pytest.mark.parametrize(
        "cases", [pytest.param(every // SHARE, id="some"), pytest.param(every, id="all", marks=pytest.mark.slow)]
    )


def attempt(cases: int, drawn: st.SearchStrategy, check: Callable) -> None:
    """Draw so many cases, and check each."""

    @settings(max_examples=cases, **SETTINGS)
    @given(drawn)
    def holds(raw):
        check(raw)

    holds()


def test_there_are_ten_thousand_cases():
    assert sum(CASES.values()) >= 10_000


CORPUS = ROOT / "tests" / "corpus"
SHEET = (CORPUS / "base_sheet.yaml").read_text(encoding="utf-8")
GIVEN = yaml.load((CORPUS / "configs.yaml").read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)
CONFIG, GRADE = GIVEN["config"]["base"], GIVEN["grade"]["base"]
TABLE = "study,outcome,events,n,year\nAdams 2001,fever,12,120,2001\nBaker 2002,rash,5,60,2002\n"

# What breaks readers: signs of YAML, numbers in other dress, paths, controls, marks that turn text, lone surrogates.
TRAPS = [
    "",
    " ",
    "0",
    "-0",
    "00",
    "1e3",
    "1_000",
    "0x1F",
    "1:30",
    "NaN",
    "inf",
    "-1",
    "999999999999",
    "9" * 400,
    "½",
    "٣",
]
TRAPS += [
    "~",
    "null",
    "yes",
    "NO",
    "[",
    "]",
    "{",
    "}",
    "- ",
    ": ",
    "? ",
    "#",
    "&a ",
    "*a",
    "!!int 3",
    "!x",
    "|",
    ">",
    "%YAML 1.1",
]
TRAPS += [
    "---\n",
    "...\n",
    "<<: ",
    "../../x",
    "/etc/passwd",
    "C:\\x",
    "x\x00y",
    "\x07",
    "\x85",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ufffe",
]
TRAPS += [
    "\r",
    "\r\n",
    "\t",
    "\n",
    "'",
    '"',
    "\\",
    '"\\ud800"',
    "__class__",
    "model_config",
    "not reported",
    "unstated",
    "mixed",
    "é" * 300,
]
pieces = st.one_of(st.sampled_from(TRAPS), st.text(max_size=8))


@st.composite
def spoilt(draw, text: str) -> bytes:
    """Draw a text with one to four changes of a hand, a disk or an editor."""
    raw = text.encode()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.sampled_from([0, 1, 2, 5, 30, 300])))
        kind = draw(st.sampled_from(["put", "put", "number", "number", "byte", "cut", "line twice", "indent", "end"]))
        lines = raw.split(b"\n")
        row = raw.count(b"\n", 0, at)
        if kind == "put":
            raw = raw[:at] + draw(pieces).encode("utf-8", "surrogatepass") + raw[to:]
        elif kind == "number":
            digits = [i for i, byte in enumerate(raw) if 48 <= byte <= 57] or [0]
            where = digits[at % len(digits)]
            raw = raw[:where] + draw(st.sampled_from([b"0", b"1", b"7", b"", b"11", b"."])) + raw[where + 1 :]
        elif kind == "byte":
            raw = raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]
        elif kind == "cut":
            raw = raw[:at] + raw[to:]
        elif kind == "line twice":
            raw = b"\n".join([*lines[:row], *lines[row : row + 1], *lines[row:]])
        elif kind == "indent":
            lines[row : row + 1] = [b"  " + line for line in lines[row : row + 1]]
            raw = b"\n".join(lines)
        else:
            raw = raw[:at]
    return raw


@st.composite
def reshaped(draw, text: str) -> bytes:
    """Draw a document whose parts were replaced, dropped, renamed or repeated, and that is still YAML."""
    data = yaml.load(text, Loader=yaml.CBaseLoader)
    for _ in range(draw(st.integers(1, 3))):
        here, parent, key = data, None, None
        for _ in range(draw(st.integers(1, 6))):
            if isinstance(here, dict) and here:
                parent, key = here, draw(st.sampled_from(sorted(here)))
            elif isinstance(here, list) and here:
                parent, key = here, draw(st.integers(0, len(here) - 1))
            else:
                break
            here = parent[key]
        if parent is None:
            continue
        kind = draw(st.sampled_from(["value", "value", "drop", "twice", "name", "wrap", "deep"]))
        if kind == "value":
            parent[key] = draw(
                st.one_of(pieces, st.lists(pieces, max_size=3), st.dictionaries(pieces, pieces, max_size=3))
            )
        elif kind == "drop":
            del parent[key]
        elif kind == "twice" and isinstance(parent, list):
            parent.append(parent[key])
        elif kind == "name" and isinstance(parent, dict):
            parent[draw(pieces)] = parent.pop(key)
        elif kind == "deep":
            for _ in range(draw(st.sampled_from([1, 5, 20]))):
                parent[key] = [parent[key]]
        else:
            parent[key] = {"x": parent[key]}
    return yaml.dump(json.loads(json.dumps(data)), allow_unicode=True, sort_keys=False).encode("utf-8", "replace")


@st.composite
def retyped(draw, text: str) -> bytes:
    """Draw a text with one to three lines changed as a curator would: another number or word, a comment, spaces."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(1, len(lines) - 1))
        key, colon, value = lines[row].partition(": ")
        kinds = ["comment", "spaces"] + ["number"] * 4 * value.isdigit() + ["word"] * bool(value and value[0].isalpha())
        kind = draw(st.sampled_from(kinds))
        if kind == "comment":
            lines[row] += " # " + draw(st.sampled_from(["seen", "7", "a: b"]))
        elif kind == "spaces":
            lines[row] += "   "
        elif kind == "number":
            lines[row] = key + colon + draw(st.one_of(st.integers(0, 100).map(str), st.just("0" + value)))
        else:
            lines[row] = key + colon + value + draw(st.sampled_from([" x", ".", " 7", "'"]))
    return "\n".join(lines).encode() + b"\n"


def told(read, *arguments):
    """Read, and give what was read, or None when it was refused as it must be: in words, somewhere in the file."""
    try:
        return read(*arguments)
    except ProblemsError as error:
        assert error.problems, "refused without a word"
        for problem in error.problems:
            assert problem.message.endswith((".", "?", "…")) and len(problem.message) < 3000, problem
            assert problem.line >= 0 and len(problem.field) < 1500
            assert problem.message.count(r"\x") < 3, "bytes that nobody can read"  # one or two may have been typed
            str(problem).encode()  # a lone surrogate could not be printed
        assert "pydantic" not in str(error) and "Traceback" not in str(error)
        return None


def number_of_lines(raw: bytes) -> int:
    return len(raw.decode("utf-8", "replace").splitlines()) + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def plain(value):
    """Give a document as another reader of YAML sees it, without what is empty and the spaces at the ends."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v != ""}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.strip()


def used(data: dict, outcomes: set[str]) -> dict:
    """Give what an analysis may use of a sheet, from its text alone."""
    keep = ("id", "label", "citation", "report", "ascertainment", "cohort")
    part = {key: plain(data.get(key, "")) for key in keep}
    cited = part["citation"]
    found = any(cited.get(key) for key in ("doi", "pmid", "authors")) or (cited.get("title") and cited.get("journal"))
    part["citation"] = {key: text for key, text in cited.items() if key in ("year", "doi")} | {"found": bool(found)}
    part["arms"] = {name: counted(plain(arm), "patients") for name, arm in (data["arms"] or {}).items()}
    rows = [plain(row) for row in data["outcomes"] or () if row["outcome"].strip() in outcomes]
    part["outcomes"] = [counted(row, "events", "patients", "window") for row in rows]
    for key in ("exclude", "sensitivity_only"):
        part[key] = {name: reason for name, reason in plain(data.get(key) or {}).items() if name in outcomes}
    return part


def counted(row: dict, *keys: str) -> dict:
    """Write counts one way: 007 is 7, and a count that is not reported is missing."""
    row = {k: v for k, v in row.items() if not (k in keys and v in ("not reported", "unstated"))}
    row = {k: v for k, v in row.items() if not (k == "comprises" and v == [])}
    return {k: int(v) if k in keys else v for k, v in row.items()}


def same_as_another_reader(raw: bytes, sheet, protocol, before) -> None:
    """An accepted sheet says what its text says; digests move exactly with what is used, and rows only with digests."""
    other = yaml.load(raw.decode("utf-8-sig"), Loader=yaml.CBaseLoader)
    implied = {name: product.model_extra for name, product in protocol.products.items()}
    vocabulary = Vocabulary(["product", *protocol.attributes], implied)
    for name, analysis in protocol.analyses.items():
        now, then = used(other, set(analysis.outcomes)), used(before[0], set(analysis.outcomes))
        moved = as_text([of_analysis(sheet, analysis)]) != as_text([of_analysis(before[1], analysis)])
        normal_year = [part["citation"].get("year", "") for part in (now, then)]
        if normal_year[0] != normal_year[1] and int(normal_year[0] or 0) == int(normal_year[1] or 0):
            now["citation"]["year"] = then["citation"]["year"]
        assert moved == (now != then), (name, "the digest and the text disagree")
        rows = [select_rows([one], name, analysis, vocabulary) for one in (sheet, before[1])]
        assert moved or rows[0] == rows[1], (name, "rows moved without the digest")
    for row, text in zip(sheet.outcomes, other["outcomes"] or (), strict=True):
        for key in ("events", "patients"):
            typed = text[key].strip()
            assert getattr(row, key) == (None if typed == "not reported" else int(typed))


@pytest.fixture(scope="module")
def before(folder, protocol):
    path = folder / "full2020.yaml"
    path.write_text(SHEET, encoding="utf-8")
    return yaml.load(SHEET, Loader=yaml.CBaseLoader), read_sheets([path], protocol)[0]


@cases_of("sheets")
def test_sheets(cases, folder, protocol, before):
    drawn = st.one_of(spoilt(SHEET), reshaped(SHEET))
    attempt(cases, drawn, lambda raw: refused_or_true(raw, folder, protocol, before))


@cases_of("sheets that a curator changed")
def test_sheets_that_a_curator_changed(cases, folder, protocol, before):
    """Most of these are accepted, so that what is accepted is tried as often as what is refused."""
    attempt(cases, retyped(SHEET), lambda raw: refused_or_true(raw, folder, protocol, before))


def refused_or_true(raw, folder, protocol, before) -> None:
    path = folder / "full2020.yaml"
    path.write_bytes(raw)
    try:
        [sheet] = read_sheets([path], protocol)
    except ProblemsError as error:
        told(_again, error)
        assert all(p.line <= number_of_lines(raw) and p.file == str(path) for p in error.problems)
    else:
        same_as_another_reader(raw, sheet, protocol, before)


def _again(error):
    raise error


@cases_of("any bytes")
def test_any_bytes(cases, folder, protocol):
    def refused(raw):
        for name, read in (("full2020.yaml", lambda p: read_sheets([p], protocol)), ("config.yaml", read_protocol)):
            (folder / name).write_bytes(raw)
            assert told(read, folder / name) is None
        (folder / "any.xlsx").write_bytes(raw)
        assert told(read_workbooks, [folder / "any.xlsx"], folder / "none", protocol) is None
        (folder / "grade.yaml").write_bytes(raw)
        assert not told(read_grade, folder / "grade.yaml", ["fever"])

    attempt(cases, st.binary(max_size=200), refused)


@cases_of("configs")
def test_configs(cases, folder):
    path = folder / "config.yaml"

    def refused_or_safe(raw):
        path.write_bytes(raw)
        protocol = told(read_protocol, path)
        for name, analysis in protocol.analyses.items() if protocol else ():  # becomes a folder
            assert name.isascii() and "/" not in name and "." not in name and 0 < len(name) <= 60
            # It goes to its job as plain data.
            assert type(analysis).model_validate(analysis.model_dump(mode="json")) == analysis

    attempt(cases, st.one_of(spoilt(CONFIG), reshaped(CONFIG)), refused_or_safe)


@cases_of("judgements")
def test_judgements(cases, folder):
    path = folder / "grade.yaml"

    def refused_or_read(raw):
        path.write_bytes(raw)
        told(read_grade, path, ["fever", "rash"])

    attempt(cases, st.one_of(spoilt(GRADE), reshaped(GRADE)), refused_or_read)


@cases_of("tables")
def test_tables(cases, folder, protocol):
    path = folder / "table.csv"

    def refused_or_whole(raw):
        path.write_bytes(raw)
        rows = told(read_table, path)
        assert rows is None or all(set(row) == set(rows[0]) and None not in row.values() for row in rows)
        table = told(read_table_file, path)
        drafts = None if table is None else told(draft_sheets, table, str(path), protocol)
        for name in drafts.sheets if drafts else ():  # becomes a file
            assert name.isalnum() and name.isascii()

    attempt(cases, spoilt(TABLE), refused_or_whole)


@pytest.fixture(scope="module")
def workbook(folder, protocol):
    """Give the bytes of a workbook, its parts, and the sheet it holds."""
    path = folder / "base.xlsx"
    write_workbook(path, read_located(REVIEW / "studies" / "adams2001.yaml").data, protocol)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return path.read_bytes(), parts, read_workbooks([path], folder / "none", protocol)[0].text


@st.composite
def flipped(draw, raw: bytes) -> bytes:
    """Draw a file with some bytes changed, and perhaps its end cut off."""
    raw = bytearray(raw)
    for _ in range(draw(st.sampled_from([1, 1, 2, 8]))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.sampled_from([len(raw), len(raw), draw(st.integers(0, len(raw)))]))
    return bytes(raw[:cut])


@cases_of("workbooks with flipped bytes")
def test_workbooks_with_flipped_bytes(cases, workbook, folder, protocol):
    """A byte that changes what is read breaks the ZIP's checksum: the same sheet comes out, or none."""
    path = folder / "flipped.xlsx"

    def refused_or_same(raw):
        path.write_bytes(raw)
        handed = told(read_workbooks, [path], folder / "none", protocol)
        assert handed is None or handed[0].text == workbook[2]

    attempt(cases, flipped(workbook[0]), refused_or_same)


MARKS = [b"", b"<", b">", b"&", b"&lt;", b"9", b"-", b"e9", b'"', b"\xff", b"<row r='99'>", b"</c>"]


@st.composite
def spoilt_part(draw, parts: dict[str, bytes]) -> tuple[str, bytes]:
    """Draw a part of a workbook and what stands there now."""
    name = draw(st.sampled_from(sorted(name for name in parts if name.endswith((".xml", ".rels")))))
    part = parts[name]
    at = draw(st.integers(0, len(part)))
    return name, part[:at] + draw(st.sampled_from(MARKS)) + part[at + draw(st.sampled_from([0, 1, 1, 20])) :]


@cases_of("workbooks with spoilt parts")
def test_workbooks_with_spoilt_parts(cases, workbook, folder, protocol):
    """What comes through is a sheet that the reader of sheets takes too, and says the same."""
    path = folder / "spoilt.xlsx"

    def refused_or_a_sheet(drawn):
        name, part = drawn
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for other, content in workbook[1].items():
                archive.writestr(other, part if other == name else content)
        handed = told(read_workbooks, [path], folder / "none", protocol)
        if handed:
            assert handed[0].path.parent == folder / "none", "a name led out of the folder"
            again = folder / f"{handed[0].sheet.id}.yaml"
            again.write_text(handed[0].text, encoding="utf-8")
            assert type_sheet(read_located(again)) == handed[0].sheet

    attempt(cases, spoilt_part(workbook[1]), refused_or_a_sheet)


# Read by one process that may use 2 GB, and 10 seconds a file: a crash of the parser in C ends it, and not pytest.
HOSTILE = r"""
import json, os, resource, signal, sys, time, zipfile
from pathlib import Path
from synthesis.sheets.checks import read_sheets
from synthesis.curation.handing_in import read_workbooks
from synthesis.review.index import sheet_paths
from synthesis.tables.problems import ProblemsError
from synthesis.protocol.config import read_protocol

def stop(*given):
    raise TimeoutError("no answer in 10 seconds")
signal.signal(signal.SIGALRM, stop)
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
folder, base, workbook = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
protocol = read_protocol(sys.argv[4])
text = base.read_text()
row = "  - {outcome: fever, arm: all, events: %d, patients: 99, window: %d, definition: d, "
row += "basis: stated, confidence: high, source: t}\n"
many = [row % (20, 100 + i) for i in range(2400)]
worse = [row % (90 - i % 80, 100 + i) for i in range(2400)]
files = {
    "billion laughs": b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (98+i, 98+i, 97+i, 97+i) for i in range(24)),
    "brackets": b"a: " + b"[" * 400000,
    "braces": b"a: " + b"{a: " * 200000,
    "dashes": b"a:\n " + b"- " * 400000 + b"x\n",
    "question marks": b"? " * 400000,
    "dashes and an ampersand": b'x: "&"\na:\n ' + b"- " * 400000 + b"x\n",
    "steps": b"\n".join(b" " * i + b"a:" for i in range(1390)),
    "keys": b"".join(b"k%d: 1\n" % i for i in range(90000)),
    "some keys": b"".join(b"k%d: 1\n" % i for i in range(20000)),
    "items": text.replace("comparisons:\n", "  - {}\n" * 20000 + "comparisons:\n").encode(),
    "rows": text.replace("comparisons:\n", "".join(many) + "comparisons:\n").encode(),
    "rows that contradict": text.replace("comparisons:\n", "".join(worse) + "comparisons:\n").encode(),
    "a huge count": text.replace("events: 20\n", "events: " + "9" * 900000 + "\n").encode(),
    "a huge word": text.replace("report: article", "report: " + "article" * 120000).encode(),
    "a huge comment": text.encode() + b"#" * 900000,
    "a huge file": text.encode() + b"#" * 1100000,
    "empty": b"",
    "zeros": bytes(900000),
    "UTF-16": text.encode("utf-16"),
    "not UTF-8": text.encode().replace(b"Norway", b"Norv\xe8ge"),
}
out = {}
def read(name, call):
    start = time.perf_counter()
    signal.alarm(10)
    try:
        call()
        answer = "accepted"
    except ProblemsError as error:
        answer = str(error)
    except Exception as error:
        answer = f"CRASH {error!r}"
    signal.alarm(0)
    out[name] = [time.perf_counter() - start, len(answer), answer[:3000]]

for name, content in files.items():
    path = folder / "full2020.yaml"
    path.write_bytes(content)
    read(name, lambda: read_sheets([path], protocol))
path.unlink()
odd = folder / "odd"
odd.mkdir()
(odd / "folder2020.yaml").mkdir()
os.mkfifo(odd / "pipe2020.yaml")
os.symlink("/dev/zero", odd / "zero2020.yaml")
os.symlink("loop2020.yaml", odd / "loop2020.yaml")
for path in sheet_paths(odd):
    read(Path(path).name, lambda: read_sheets([path], protocol))

def rewritten(change, method=zipfile.ZIP_DEFLATED, more=()):
    with zipfile.ZipFile(workbook) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    target = folder / "x.xlsx"
    with zipfile.ZipFile(target, "w", method) as new:
        for name, content in [*parts.items(), *more]:
            new.writestr(name, change(content) if name == "xl/worksheets/sheet4.xml" else content)
    return target
def rows(xml):
    return lambda content: content.replace(b"</sheetData>", xml + b"</sheetData>")
end = b"</v></c></row>"
books = {
    "xlsx: row two billion": lambda: rewritten(rows(b'<row r="2000000000"><c r="A2000000000"/></row>')),
    "xlsx: column eleven million": lambda: rewritten(rows(b'<row r="50"><c r="ZZZZZ50"><v>1</v></c></row>')),
    "xlsx: a number of 6000 digits": lambda: rewritten(rows(b'<row r="50"><c r="D50"><v>' + b"9" * 6000 + end)),
    "xlsx: a shared text that is not there": lambda: rewritten(rows(b'<row r="50"><c r="A50" t="s"><v>999999' + end)),
    "xlsx: a bomb": lambda: rewritten(bytes, more=[("xl/worksheets/sheet99.xml", b"<a>" + b" " * 30_000_000)]),
    "xlsx: a bomb of texts": lambda: rewritten(bytes, more=[("xl/sharedStrings2.xml", b"<a>" + b"<si/>" * 1_000_000)]),
    "xlsx: packed otherwise": lambda: rewritten(bytes, zipfile.ZIP_LZMA),
    "xlsx: a part with a path": lambda: rewritten(bytes, more=[("../../../evil.xml", b"<!DOCTYPE a []><a/>")]),
}
for name, make in books.items():
    path = make()
    read(name, lambda: read_workbooks([path], folder / "none", protocol))
raw = bytearray(rewritten(bytes).read_bytes())
at = raw.find(b"xl/worksheets/sheet4.xml") + 60
raw[at:at + 30] = bytes(30)
(folder / "x.xlsx").write_bytes(raw)
read("xlsx: a hole", lambda: read_workbooks([folder / "x.xlsx"], folder / "none", protocol))
# Not ru_maxrss: Linux carries that of the process that started this one (a test runner of any size) over exec.
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
own = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
kilobytes = int(own[0]) if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([out, kilobytes // 1024]))
"""

ANSWERS = {
    "billion laughs": "anchors (&) and aliases",
    "brackets": "Nested deeper than 12 levels.",
    "braces": "Nested deeper than 12 levels.",
    "dashes": "Nested deeper than 12 levels.",
    "question marks": "A key is itself a list or mapping.",
    "dashes and an ampersand": "Nested deeper than 12 levels.",
    "steps": "Nested deeper than 12 levels.",
    "keys": "more than 50,000 keys and values",
    "some keys": "There are 19,809 more faults.",
    "items": "more faults.",
    "rows": "accepted",
    "rows that contradict": "There are 2,170 more faults.",
    "a huge count": "is not a whole number",
    "a huge word": "is not one of: article",
    "a huge comment": "accepted",
    "a huge file": "more than 1,000,000",
    "empty": "not a mapping",
    "zeros": "Not readable as YAML",
    "UTF-16": "is not UTF-8",
    "not UTF-8": ":19: Byte",
    "folder2020.yaml": "This is not a file.",
    "pipe2020.yaml": "This is not a file.",
    "zero2020.yaml": "This is not a file.",
    "loop2020.yaml": "Cannot be read: ",
    "xlsx: row two billion": "formatted far beyond what is filled",
    "xlsx: column eleven million": "Not readable as a workbook",
    "xlsx: a number of 6000 digits": "Not readable as a workbook",
    "xlsx: a shared text that is not there": "Not readable as a workbook",
    "xlsx: a bomb": "Unpacked it has more than 20,000,000 bytes.",
    "xlsx: a bomb of texts": "has more than 2,000,000",
    "xlsx: packed otherwise": "packed as no spreadsheet packs",
    "xlsx: a part with a path": "XML that no spreadsheet writes",
    "xlsx: a hole": "Not readable as a workbook",
}


@pytest.fixture(scope="module")
def hostile(workbook, folder):
    """Read every hostile file in one process of its own; give name → seconds, length and text of the answer; and MB."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p.endswith("scripts"))
    own = folder / "hostile"
    own.mkdir()
    given = [own, CORPUS / "base_sheet.yaml", folder / "base.xlsx", REVIEW / "config.yaml"]
    command = [sys.executable, "-c", HOSTILE, *map(str, given)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, f"the reader ended the process ({done.returncode}): {done.stderr[-2000:]}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ANSWERS)
def test_hostile_files_are_refused_in_words(name, hostile):
    seconds, length, answer = hostile[0][name]
    assert ANSWERS[name] in answer, answer[:500]
    assert seconds < 5, f"{seconds:.1f} s"
    assert length < 200_000, "an answer that nobody can read"


def test_hostile_files_take_little_memory(hostile):
    """The process has the library, openpyxl and the largest file in it."""
    assert hostile[1] < 400, f"{hostile[1]} MB"
    assert set(hostile[0]) == set(ANSWERS)
