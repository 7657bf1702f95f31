"""The command `sheet`, as a curator types it: what it says, what it writes, and what it refuses to overwrite."""

import doctest
import importlib
import os
import pkgutil
import signal
import subprocess
import sys

import pytest
import synthesis.curation
import yaml
from conftest import ROOT
from synthesis.curation import command
from synthesis.protocol.config import read_protocol
from synthesis.sheets.checks import read_sheets


@pytest.fixture
def sheet(review, monkeypatch, capsys):
    """Give a function that runs the command inside the small review: exit code, and what it printed."""
    monkeypatch.chdir(review.folder)

    def run(*arguments: str) -> tuple[int, str]:
        code = command.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    run.folder = review.folder
    return run


def test_a_new_sheet_is_filled_in_where_the_check_says(sheet, protocol):
    assert sheet("new", "smith2025") == (
        0,
        "studies/smith2025.yaml is written. Fill it in, then: sheet check smith2025\n",
    )
    path = sheet.folder / "studies" / "smith2025.yaml"
    text = path.read_text("utf-8")
    assert "For instance Smith J et al." in text and ".." not in text
    assert "fever, high_fever, rash" in text and "chart review, laboratory series" in text and "A, B, mixed" in text
    code, said = sheet("check", "smith2025")
    needed = {"report": "trial", "design": "trial", "ascertainment": "chart review", "outcome": "fever", "arm": "all"}
    needed |= {"events": 3, "patients": 80, "window": "unstated", "definition": "any", "basis": "stated"}
    needed |= {"confidence": "high", "source": "table 2"}
    assert code == 1 and said.count("This key is missing.") == len(needed) and said.endswith("12 problems.\n")
    needed["report"] = "article"
    for line in said.splitlines()[:-1]:
        number, key = int(line.split(":")[1]), line.split(":")[2].split(".")[-1].strip()
        lines = path.read_text("utf-8").splitlines()
        assert lines[number - 1].split("#")[0].strip(" -") == f"{key}:"
        lines[number - 1] = lines[number - 1].split("  #")[0] + f" {needed[key]}"
        path.write_text("\n".join(lines), "utf-8")
    assert sheet("check", "smith2025") == (0, "1 sheet with 1 count: no problem.\n")


def test_a_new_sheet_overwrites_nothing_and_takes_no_path(sheet):
    before = sheet.folder.joinpath("studies/adams2001.yaml").read_bytes()
    for name, said in (
        ("adams2001", "This file exists"),
        ("../x2001", "An id is author and year"),
        ("Smith", "An id is"),
    ):
        code, text = sheet("new", name)
        assert code == 1 and said in text and text.endswith("1 problem. Nothing was written.\n")
    assert sheet.folder.joinpath("studies/adams2001.yaml").read_bytes() == before
    assert len(list(sheet.folder.rglob("*"))) == len({"config", "studies", "a", "b", "c", "d"})


def test_check_says_all_or_what_was_asked_for(sheet):
    assert sheet("check") == (0, "4 sheets with 10 counts: no problem.\n")
    path = sheet.folder / "studies" / "adams2001.yaml"
    path.write_text(
        path.read_text("utf-8").replace("events: 9,", "events: 99,").replace("all, events: 2", "al, events: 2")
    )
    code, said = sheet("check")
    assert code == 1 and "outcomes[1].events: 99 is more" in said and 'outcomes[3].arm: "al"' in said
    assert sheet("check", "baker2002") == (0, "1 sheet: no problem. (Other sheets have some: sheet check)\n")
    assert sheet("check", "studies/adams2001.yaml")[0] == 1


def test_a_name_that_is_none_gets_the_nearest(sheet):
    code, said = sheet("show", "adam2001")
    assert code == 1 and 'There is no such sheet. Did you mean "adams2001"?' in said


def test_show_prints_counts_with_exact_intervals(sheet, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    code, said = sheet("show", "adams2001")
    assert code == 0 and max(map(len, said.splitlines())) <= 100
    # 12 of 120: Clopper-Pearson 5.3 to 16.8 %, as R's binom.test gives it
    assert "fever       all  12/120  10.0 (5.3–16.8)" in said
    assert "old       fever    all  5/30     7/90" in said


def test_there_and_back_through_a_workbook(sheet):
    assert sheet("to-xlsx", "adams2001")[0] == 0
    assert sheet("to-xlsx", "adams2001")[1].startswith("adams2001.xlsx: This file exists.")
    path = sheet.folder / "studies" / "adams2001.yaml"
    before = path.read_text("utf-8")
    assert sheet("from-xlsx", "adams2001.xlsx") == (0, "studies/adams2001.yaml says the same already.\n")
    assert path.read_text("utf-8") == before  # its comments are still there
    path.unlink()
    assert sheet("from-xlsx", "adams2001.xlsx")[1] == "studies/adams2001.yaml is written. Next: sheet show adams2001\n"
    assert yaml.load(path.read_text("utf-8"), yaml.BaseLoader) == yaml.load(before, yaml.BaseLoader)


def test_a_sheet_that_differs_is_shown_and_kept(sheet):
    sheet("to-xlsx", "baker2002")
    path = sheet.folder / "studies" / "baker2002.yaml"
    path.write_text(path.read_text("utf-8").replace("events: 5", "events: 6"), "utf-8")
    before = path.read_bytes()
    code, said = sheet("from-xlsx", "baker2002.xlsx")
    assert code == 1 and "+    events: 5" in said and "--force" in said and path.read_bytes() == before
    assert sheet("from-xlsx", "baker2002.xlsx", "--force")[0] == 0
    assert "    events: 5\n" in path.read_text("utf-8")


def test_of_several_workbooks_all_are_written_or_none(sheet):
    import openpyxl

    for name in ("baker2002", "clark2003"):
        sheet("to-xlsx", name)
        (sheet.folder / "studies" / f"{name}.yaml").unlink()
    book = openpyxl.load_workbook(sheet.folder / "clark2003.xlsx")
    book["Outcomes"]["D3"] = "14/90"
    book.save(sheet.folder / "clark2003.xlsx")
    code, said = sheet("from-xlsx", "baker2002.xlsx", "clark2003.xlsx")
    assert code == 1 and said.startswith('clark2003.xlsx: Outcomes!D3 (events): "14/90" is two numbers (or a date).')
    assert not (sheet.folder / "studies" / "baker2002.yaml").exists()
    code, said = sheet("from-xlsx", "baker2002.xlsx", "baker2002.xlsx")
    assert code == 1 and '"baker2002" is the id in baker2002.xlsx too.' in said


def test_a_clinician_fills_in_an_empty_workbook(sheet):
    import openpyxl

    assert sheet("new", "smith2025", "--xlsx")[0] == 0
    code, said = sheet("from-xlsx", "smith2025.xlsx")
    assert code == 1 and "Arms: There is no arm." in said and "(report): This cell is empty." in said
    book = openpyxl.load_workbook(sheet.folder / "smith2025.xlsx")
    study = {row[0].value.rstrip(" *"): row[1] for row in book["Study"].rows}
    for name, value in (
        ("report", "article"),
        ("design", "trial"),
        ("ascertainment", "chart review"),
        ("country", "NO"),
    ):
        study[name].value = value
    for tab, values in (("Arms", {"arm": "all", "product": "A", "patients": 70}), ("Outcomes", OUTCOME)):
        for cell in book[tab][1]:
            name = cell.value.rstrip(" *")
            book[tab].cell(3, cell.column).value = values.get(name)
    book.save(sheet.folder / "smith2025.xlsx")
    code, said = sheet("from-xlsx", "smith2025.xlsx")
    assert code == 0, said
    assert sheet("check") == (0, "5 sheets with 11 counts: no problem.\n")
    text = (sheet.folder / "studies" / "smith2025.yaml").read_text("utf-8")
    assert "country: NO\n" in text and "  all: {product: A, patients: 70}\n" in text


OUTCOME = {"outcome": "rash", "arm": "all", "events": "4", "patients": 70, "window": "30", "definition": "any rash"}
OUTCOME |= {"reported": "5.7%", "basis": "stated", "confidence": "high", "source": "table 2"}


def test_a_table_becomes_drafts_that_leave_the_studies_alone(sheet):
    table = "study,events,n,remark\nSmith 2020,3,80,x\nBaker 2002,5,60,y\n"
    sheet.folder.joinpath("t.csv").write_text(table, "utf-8")
    code, said = sheet("from-table", "t.csv", "--outcome", "fever", "--set", "window=90", "basis=stated")
    assert code == 0 and "Not read: remark." in said and "There is a sheet already for: baker2002." in said
    assert sorted(p.name for p in (sheet.folder / "drafts").iterdir()) == ["baker2002.yaml", "smith2020.yaml"]
    assert sheet("check")[0] == 0
    code, said = sheet("check", "drafts/smith2020.yaml")
    assert code == 1 and "drafts/smith2020.yaml" in said and "outcomes[0].window" not in said
    assert sheet("from-table", "t.csv", "--outcome", "fevr")[1].startswith('--outcome: "fevr" is not one of:')
    assert "Did you mean" in sheet("from-table", "t.csv", "--set", "windw=9")[1]
    code, said = sheet("to-xlsx", "drafts/smith2020.yaml")
    assert code == 0, said


def test_two_readers_are_compared_and_marked(sheet):
    second = sheet.folder / "second"
    second.mkdir()
    for path in (sheet.folder / "studies").glob("*.yaml"):
        (second / path.name).write_text(path.read_text("utf-8").replace("events: 14", "events: 15"), "utf-8")
    (second / "extra2020.yaml").write_text("id: extra2020\n", "utf-8")
    (second / "davis2004.yaml").unlink()
    code, said = sheet("compare", "studies", "second")
    assert "Not compared: davis2004. Only studies has" in said and "Not compared: extra2020. Only second has" in said
    assert code == 0 and "| clark2003 | fever, all, 30 d | events | 14 | 15 |" in said
    code, said = sheet("compare", "clark2003", "second/clark2003.yaml", "--output", "a.md", "--mark", "clark2003.yaml")
    assert code == 0 and (sheet.folder / "a.md").read_text("utf-8").startswith(
        "# Agreement of clark2003 and second/clark2003"
    )
    marked = (sheet.folder / "clark2003.yaml").read_text("utf-8")
    assert marked.count("second_reading: agree") == 1 and marked.count("second_reading: disagree") == 1
    assert sheet("compare", "clark2003", "second/clark2003.yaml", "--mark", "clark2003.yaml")[0] == 0
    (sheet.folder / "a.md").write_text("mine", "utf-8")
    assert sheet("compare", "clark2003", "second/clark2003.yaml", "--output", "a.md")[0] == 1
    assert (sheet.folder / "a.md").read_text("utf-8") == "mine"


def test_every_committed_sheet_is_written_as_it_stands(tmp_path):
    """The style of `to_yaml` is that of studies/: the same lines, quotes that are not needed aside."""
    from synthesis.curation.writing import to_yaml

    protocol = read_protocol(ROOT / "config.yaml")
    paths = sorted((ROOT / "studies").glob("*[0-9]*.yaml"))
    for path, sheet in zip(paths, read_sheets(paths, protocol), strict=True):
        before = path.read_text("utf-8")
        assert to_yaml(sheet, protocol.attributes).replace('"', "") == before.replace('"', ""), path.name


def test_the_command_is_light(review):
    """Each subcommand imports only what it needs: help comes without pydantic, a check without openpyxl or numpy."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    for arguments, heavy in ((["--help"], "pydantic"), (["check"], "openpyxl"), (["check"], "numpy")):
        code = (
            "import sys\nfrom synthesis.curation.command import main\n"
            f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\nsys.exit({heavy!r} in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=review.folder, env=environment, capture_output=True)
        assert done.returncode == 0, (arguments, heavy, done.stderr)


def test_examples_in_the_docstrings():
    for module in pkgutil.iter_modules(synthesis.curation.__path__):
        found = doctest.testmod(importlib.import_module(f"synthesis.curation.{module.name}"))
        assert found.failed == 0, module.name


@pytest.mark.parametrize("name", ["new-study", "wrong-number"])
def test_forms_are_ones_that_github_accepts(name):
    """GitHub shows no form, and says nothing, when a required key is missing or an id stands twice."""
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    for part in form["body"]:
        needs = {"markdown": {"value"}, "dropdown": {"label", "options"}, "checkboxes": {"label", "options"}}
        assert needs.get(part["type"], {"label"}) <= set(part["attributes"]), part
        assert part["type"] in ("markdown", "input", "textarea", "dropdown", "checkboxes")


def test_what_is_set_twice_adds_up_and_what_says_nothing_is_named(sheet):
    sheet.folder.joinpath("t.csv").write_text("study,events,n\nSmith 2020,3,40\n", "utf-8")
    pairs = ("report=article", "window=30"), ("confidence=high", "basis=stated")
    code, said = sheet("from-table", "t.csv", "--outcome", "fever", "--set", *pairs[0], "--set", *pairs[1])
    assert code == 0, said
    data = yaml.safe_load((sheet.folder / "drafts" / "smith2020.yaml").read_text("utf-8"))
    row = data["outcomes"][0]
    assert (data["report"], row["window"], row["confidence"], row["basis"]) == ("article", 30, "high", "stated")
    code, said = sheet("from-table", "t.csv", "--set", "window=30", "basis", "report=", "--set", "window=90")
    assert code == 1
    for part in ("--set: basis: Nothing is said of it.", "--set: report: Nothing", "--set: window: Both 30 and 90."):
        assert part in said
    assert sheet("from-table", "t.csv", "--columns", "evnts=n")[1].startswith(
        '--columns: evnts: "evnts" is not one of:'
    )


def test_of_several_drafts_all_are_written_or_none(sheet):
    rows = ["Smith 2020,3,40,trial", "Jones 2021,4,50,guess", "Brown 2022,5,60,trial"]
    sheet.folder.joinpath("t.csv").write_text("study,events,n,design\n" + "\n".join(rows) + "\n", "utf-8")
    code, said = sheet("from-table", "t.csv", "--outcome", "fever")
    assert code == 1 and 't.csv:3: design: "guess" is not one of' in said
    assert not (sheet.folder / "drafts").exists()
    sheet.folder.joinpath("t.csv").write_text(
        "study,events,n\n" + "\n".join(r.rsplit(",", 1)[0] for r in rows), "utf-8"
    )
    (sheet.folder / "drafts" / "jones2021.yaml").mkdir(parents=True)
    code, said = sheet("from-table", "t.csv", "--outcome", "fever")
    assert code == 1 and "jones2021.yaml: This is not a file." in said
    assert [path.name for path in (sheet.folder / "drafts").iterdir()] == ["jones2021.yaml"]
    code, said = sheet("from-table", "t.csv", "--outcome", "fever", "--to", "t.csv/drafts")
    assert code == 1 and said.startswith("t.csv/drafts: Cannot be written to: ")
    (sheet.folder / "mine").mkdir()
    (sheet.folder / "mine" / "jones2021.yaml").write_text("id: jones2021\nnote: begun\n", "utf-8")
    code, said = sheet("from-table", "t.csv", "--outcome", "fever", "--to", "mine")
    assert code == 1 and "This sheet exists and differs" in said and "-note: begun" in said
    assert [path.name for path in (sheet.folder / "mine").iterdir()] == ["jones2021.yaml"]


def test_a_draft_is_a_sheet_once_its_marks_are_filled_in(sheet):
    """What is told before a draft is written leaves nothing for the check but what the table did not say."""
    words = ["report=article", "design=cross sectional", "ascertainment=Chart Review", "window=30", "basis=stated"]
    words += ["confidence=high", "source=table 1", "definition=any", "first=2026-01-01"]
    sheet.folder.joinpath("t.csv").write_text("study,events,n\nSmith 2020,3,40\n", "utf-8")
    assert sheet("from-table", "t.csv", "--outcome", "fever", "--to", "studies", "--set", *words)[0] == 0
    assert sheet("check", "smith2020")[0] == 0


STRANGE = {
    "a pipe": lambda path: os.mkfifo(path),
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link in a circle": lambda path: path.symlink_to(path.name),
    "three gigabytes": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 3_000_000_000),
    "nothing there": lambda path: None,
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize(
    "arguments",
    [
        ("from-xlsx", "odd.xlsx"),
        ("from-table", "odd.csv"),
        ("from-table", "odd.xlsx"),
        ("compare", "odd.yaml", "adams2001"),
        ("to-xlsx", "odd.yaml"),
        ("check", "odd.yaml"),
        ("from-table", "t.csv", "--outcome", "fever", "--to", "odd.dir"),
    ],
)
def test_what_is_no_file_gets_a_message_at_once(arguments, kind, sheet):
    (name,) = [part for part in arguments if part.startswith("odd.")]
    (sheet.folder / "t.csv").write_text("study,events,n\nSmith 2020,3,40\n", "utf-8")
    STRANGE[kind](sheet.folder / name)
    signal.alarm(20)  # a pipe that is opened never answers
    code, said = sheet(*arguments)
    signal.alarm(0)
    fine = arguments[-1] == "odd.dir" and kind in ("a folder", "nothing there")
    assert code == (0 if fine else 1) and (fine or said.startswith(name)), said
