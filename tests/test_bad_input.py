"""Bad input: a corpus of broken sheets, configs, judgements and workbooks, and the located answer to each.

`corpus/*.yaml` says what is spoilt and what must be answered, at which line and field; here it is only run. A case
fails when the reader accepts it, answers something else or elsewhere, or ends with any other error.
"""

import shutil
from pathlib import Path

import openpyxl
import pytest
import yaml
from conftest import REVIEW
from synthesis.curation.handing_in import read_workbooks
from synthesis.curation.workbook import write_workbook
from synthesis.protocol.config import read_protocol
from synthesis.sheets.checks import read_sheets
from synthesis.sheets.grade import read_grade
from synthesis.tables.located import read_located
from synthesis.tables.problems import ProblemsError

CORPUS = Path(__file__).parent / "corpus"
BASE = (CORPUS / "base_sheet.yaml").read_text(encoding="utf-8")
SHEETS = yaml.load((CORPUS / "sheets.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # all text, as typed
OTHERS = yaml.load((CORPUS / "configs.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
WORKBOOKS = yaml.safe_load((CORPUS / "workbooks.yaml").read_text(encoding="utf-8"))


def answers(read, *arguments) -> list[str]:
    """Give what a reader refuses, without the folder; accepting is a failure."""
    with pytest.raises(ProblemsError) as caught:
        read(*arguments)
    return [f"{p.line}:{p.field}: {p.message}" if p.field else f"{p.line}:{p.message}" for p in caught.value.problems]


def answers_to_sheet(text: str, folder: Path, protocol) -> list[str]:
    path = folder / "full2020.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return answers(read_sheets, [path], protocol)


def line_of(text: str) -> int:
    """Give the number of the one line of the base that holds a text."""
    assert BASE.count(text + "\n") + BASE.count(text) >= 1, text
    found = [i for i, line in enumerate(BASE.splitlines(), 1) if text in line]
    exact = [i for i, line in enumerate(BASE.splitlines(), 1) if line.strip().removeprefix("- ") == text]
    assert len(exact or found) == 1, (text, found)
    return (exact or found)[0]


def parent_line(number: int) -> int:
    """Give the line that the keys beside a line hang on: the nearest one above that is indented less."""
    lines = BASE.splitlines()
    own = indent(lines[number - 1])
    if own == 0:
        return 1  # the top of the file: its first key, below the comment, is line 2, and the reader says so
    for i in range(number - 1, 0, -1):
        line = lines[i - 1]
        dash = line.lstrip().startswith("- ") and indent(line) == own
        if indent(line) < own or (dash and indent(line) <= own):
            return i
    return 1


def indent(line: str) -> int:
    """Count the columns before a key; the dash of a list belongs to them."""
    return len(line) - len(line.lstrip(" -"))


def changed(number: int, value: str) -> str:
    lines = BASE.splitlines()
    key = lines[number - 1].split(":", 1)[0]
    lines[number - 1] = f"{key}: {value}"
    return "\n".join(lines) + "\n"


def taken_out(number: int) -> str:
    """Take a key and its value out; the dash of a list stays for the next key."""
    lines = BASE.splitlines()
    line = lines.pop(number - 1)
    if line.lstrip().startswith("- "):
        lines[number - 1] = line[: len(line) - len(line.lstrip(" -"))] + lines[number - 1].lstrip()
    return "\n".join(lines) + "\n"


def added(number: int) -> str:
    lines = BASE.splitlines()
    lines.insert(number, f"{' ' * indent(lines[number - 1])}surprise: x")
    return "\n".join(lines) + "\n"


FIELDS = [(field, kind) for field in SHEETS["fields"] for kind in field["kinds"]]


def test_the_base_is_in_order(protocol, tmp_path):
    (tmp_path / "full2020.yaml").write_text(BASE, encoding="utf-8")
    assert len(read_sheets([tmp_path / "full2020.yaml"], protocol)[0].outcomes) == 4
    (tmp_path / "config.yaml").write_text(OTHERS["config"]["base"], encoding="utf-8")
    assert list(read_protocol(tmp_path / "config.yaml").analyses) == ["fever"]
    (tmp_path / "grade.yaml").write_text(OTHERS["grade"]["base"], encoding="utf-8")
    assert list(read_grade(tmp_path / "grade.yaml", ["fever"])) == ["fever"]


def test_the_corpus_is_large_enough():
    """Issue E, point 4: at least 150, and every field of a sheet is among them."""
    cases = [*FIELDS, *SHEETS["edits"], *OTHERS["config"]["edits"], *OTHERS["grade"]["edits"], *WORKBOOKS]
    assert len(cases) >= 300
    assert len(WORKBOOKS) >= 12
    used = {kind for _, kind in FIELDS}
    assert used == set(SHEETS["kinds"]), "a kind that no field uses, or that is not there"


@pytest.mark.parametrize(("field", "kind"), FIELDS, ids=lambda x: x["at"] if isinstance(x, dict) else x)
def test_each_field_wrong_in_each_way(field, kind, protocol, tmp_path):
    number, how = line_of(field["find"]), SHEETS["kinds"][kind]
    found = answers_to_sheet(changed(number, how["value"]), tmp_path, protocol)
    expected = f"{number}:{how['says']}" if how.get("whole") else f"{number}:{field['at']}: "
    said = [line for line in found if line.startswith(expected) and how["says"] in line]
    assert len(said) == 1, found
    # What hangs on the spoilt value may be told too, but never before it is said what is wrong with it.
    assert len(found) <= 3, found


@pytest.mark.parametrize("field", [f for f in SHEETS["fields"] if f.get("required")], ids=lambda f: f["at"])
def test_each_required_field_left_out(field, protocol, tmp_path):
    number = line_of(field["find"])
    for text, line in ((taken_out(number), parent_line(number)), (changed(number, ""), number)):
        found = answers_to_sheet(text, tmp_path, protocol)
        said = [x for x in found if f":{field['at']}: This key is missing." in x]
        assert len(said) == 1, found
        assert abs(int(said[0].split(":")[0]) - line) <= 1, (said, line)


@pytest.mark.parametrize("field", SHEETS["fields"], ids=lambda f: f["at"])
def test_an_unknown_key_beside_each_field(field, protocol, tmp_path):
    number = line_of(field["find"])
    found = answers_to_sheet(added(number), tmp_path, protocol)
    place = field["at"].rpartition(".")[0]
    expected = f"{number + 1}:{place}.surprise: " if place else f"{number + 1}:surprise: "
    assert found[0].startswith(expected) and len(found) == 1, found
    if place != "exclude":  # there any outcome may stand
        assert 'Unknown key. "surprise" is not one of: ' in found[0]


def edited(base: str, case: dict) -> str:
    assert base.count(case["find"]) == 1, f"{case['find']!r} stands {base.count(case['find'])} times"
    put = case["put"].replace("{long}", "x" * int(case.get("long", 0)))
    return base.replace(case["find"], put)


def agree(case: dict, found: list[str]) -> None:
    for said in case["says"]:
        if case.get("any_line"):
            said = said.partition(":")[2]
            assert any(said in line for line in found), found
        else:
            assert any(line.startswith(said) for line in found), found
    if case.get("alone") != "no":
        assert len(found) == len(case["says"]), found
    assert max(map(len, found)) < 1500, "a message that nobody can read"


@pytest.mark.parametrize("name", SHEETS["edits"])
def test_each_spoilt_sheet(name, protocol, tmp_path):
    case = SHEETS["edits"][name]
    agree(case, answers_to_sheet(edited(BASE, case), tmp_path, protocol))


@pytest.mark.parametrize("name", OTHERS["config"]["edits"])
def test_each_spoilt_config(name, tmp_path):
    case, path = OTHERS["config"]["edits"][name], tmp_path / "config.yaml"
    path.write_text(edited(OTHERS["config"]["base"], case), encoding="utf-8")
    agree(case, answers(read_protocol, path))


@pytest.mark.parametrize("name", OTHERS["grade"]["edits"])
def test_each_spoilt_judgement(name, protocol, tmp_path):
    case, path = OTHERS["grade"]["edits"][name], tmp_path / "grade.yaml"
    path.write_text(edited(OTHERS["grade"]["base"], case), encoding="utf-8")
    agree(case, answers(read_grade, path, protocol.analyses))


@pytest.fixture(scope="module")
def written(protocol, tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "adams2001.xlsx"
    write_workbook(path, read_located(REVIEW / "studies" / "adams2001.yaml").data, protocol)
    return path


@pytest.mark.parametrize("name", WORKBOOKS)
def test_each_spoilt_workbook(name, written, protocol, tmp_path):
    case, path = WORKBOOKS[name], tmp_path / "adams2001.xlsx"
    shutil.copy(written, path)
    book = openpyxl.load_workbook(path)
    for at, value in case["put"].items():
        tab, _, cell = at.partition("!")
        if tab == "Study":
            cell = next(f"B{row[0].row}" for row in book[tab].rows if row[0].value.rstrip(" *") == cell)
        book[tab][cell].value = value
    book.save(path)
    with pytest.raises(ProblemsError) as caught:
        read_workbooks([path], REVIEW / "studies", protocol)
    found = [f"{p.field}: {p.message}" for p in caught.value.problems]
    said = [line for line in found if case["says"] in line]
    assert len(said) == 1, found
    assert "!" in said[0].split(":")[0], "the cell is named"
    assert {p.file for p in caught.value.problems} == {str(path)}
