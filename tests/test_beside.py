"""What is not read, is not there or contradicts a sheet, in the folder of sheets and beside it: found by the check.

Each case runs what ``make check`` runs, in a copy of the small review, and nothing below results/ may change.
"""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, Review
from synthesis.check import main

SCREENING = """\
id,report,identifier,found,decision,category,reason,sheet
adams2001,Adams A: First,10.1000/adams,a list,pooled,,,adams2001
baker2002,Baker B: Second,,a list,pooled,,,baker2002
clark2003,Clark C: Third,,a list,pooled,,,clark2003
davis2004,Davis D: Fourth,,a list,pooled,,,davis2004
elder2005,"Elder E, Journal: Fifth",,a list,excluded,Selected patients,Only the old.,
"""
PUBLISHED = """\
review_id,outcome,subgroup,measure,estimate,ci_low,ci_high,k_studies,n_patients,notes
smith2020,fever,all,%,10,7.5,12,9,1200,
"""
PAIR = "{review: smith2020, outcome: fever, subgroup: all, analysis: fever, measure: proportion, note: x}"


@pytest.fixture
def check(review, monkeypatch, capsys):
    """Give the check: it insists that results/ is left alone, and gives what is said."""

    def run() -> list[str]:
        monkeypatch.chdir(review.folder)
        code, printed = main(), capsys.readouterr()
        return said(review, code, printed.out, printed.err)

    leave_results(review)
    return run


def check_in_time(review: Review) -> list[str]:
    """Run the check as a process of its own, which a file without end would stop."""
    leave_results(review)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    command = [sys.executable, "-m", "synthesis.check"]
    done = subprocess.run(
        command, cwd=review.folder, env=environment, capture_output=True, encoding="utf-8", timeout=30
    )
    return said(review, done.returncode, done.stdout, done.stderr)


def leave_results(review: Review) -> None:
    (review.folder / "results").mkdir()
    write(review, "results/estimates.csv", "as it was")


def said(review: Review, code: int, out: str, err: str) -> list[str]:
    assert "Traceback" not in err, err
    assert (code == 0) == ("no problem" in out), out + err
    assert review.read("results/estimates.csv") == "as it was"
    return (out + err).splitlines()


def write(review: Review, file: str, text: str) -> None:
    (review.folder / file).write_text(text, encoding="utf-8")


# Folder --------------------------------------------------------------------------------------------------------------


def empty_folder(studies):
    for path in studies.iterdir():
        path.unlink()


def no_folder(studies):
    empty_folder(studies)
    studies.rmdir()


def a_file(studies):
    no_folder(studies)
    studies.write_text("x")


def a_dangling_link(studies):
    no_folder(studies)
    studies.symlink_to("elsewhere")


def a_loop(studies):
    no_folder(studies)
    studies.symlink_to("studies")


def only_a_template(studies):
    empty_folder(studies)
    (studies / "TEMPLATE.yaml").write_text("id: x\n")


FOLDERS = {
    empty_folder: "studies: No sheet is in this folder. Begin one: make new ID=smith2025.",
    only_a_template: "studies: No sheet is in this folder.",
    no_folder: "studies: There is no such folder.",
    a_file: "studies: This is not a folder.",
    a_dangling_link: "studies: This is a link to a folder that is not there.",
    a_loop: "studies: Cannot be read: ",
}


@pytest.mark.parametrize("spoil", FOLDERS, ids=lambda f: f.__name__)
def test_no_sheets_are_an_error(spoil, review, check):
    spoil(review.folder / "studies")
    assert check()[0].startswith(FOLDERS[spoil])


STRAYS = [
    *(
        "evans2005.yml",
        "evans2005.YAML",
        "evans2005.Yaml",
        "evans2005.yaml.txt",
        "evans2005.yaml.bak",
        "evans2005.yaml~",
    ),
    *(
        "#evans2005.yaml#",
        "evans2005.yaml.orig",
        "evans2005.yam",
        "evans2005.yalm",
        "more/evans2005.yaml",
        "evans2005.yaml ",
    ),
    *("evans2005", "evans2005.txt", "Evans2005b.TXT"),  # as Windows shows a name, and as an editor of it saves one
]


@pytest.mark.parametrize("name", STRAYS)
def test_what_looks_like_a_sheet_and_is_not_read_is_named(name, review, check):
    path = review.folder / "studies" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(review.read("studies/adams2001.yaml"))
    said = check()
    assert (
        said[0] == f"studies/{name}: This file would not be read as a sheet. Move it into the folder itself, "
        "with the ending .yaml, or take it away."
    )


@pytest.mark.parametrize(
    "name", ["Copy of adams2001.yaml", "adams2001 (1).yaml", "Adams2001.yaml", "adams2001-copy.yaml"]
)
def test_a_copy_is_named(name, review, check):
    write(review, f"studies/{name}", review.read("studies/adams2001.yaml"))
    assert any(line.startswith(f"studies/{name}:2: id: ") and "is not the file's name" in line for line in check())


def test_a_workbook_that_was_not_handed_in_is_named(review, check):
    (review.folder / "studies" / "evans2005.xlsx").write_bytes(b"PK")
    (review.folder / "studies" / "adams2001.xlsx").write_bytes(b"PK")  # beside its sheet: what it was made of
    said = check()
    assert said[0].startswith("studies/evans2005.xlsx: This workbook is not handed in.") and len(said) == 2


@pytest.mark.parametrize("name", ["Screening.csv", "screening.csv.txt", "screening.xlsx", "screening.tsv"])
def test_a_list_of_another_name_is_named(name, review, check):
    write(review, f"studies/{name}", "x")
    assert check()[0].startswith(f"studies/{name}: The list of reports is read from screening.csv only.")


def test_hidden_files_are_left_alone(review, check):
    for name in (".adams2001.yaml.swp", "._adams2001.yaml", ".adams2001.yaml"):
        (review.folder / "studies" / name).write_bytes(b"\x00\xff")
    (review.folder / "studies" / ".#adams2001.yaml").symlink_to("somebody@somewhere")
    (review.folder / "studies" / "~$evans2005.xlsx").write_bytes(b"x")  # Excel has the workbook open
    assert check()[0].startswith("4 sheets")


# Odd files -----------------------------------------------------------------------------------------------------------


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def dangling(path):
    path.symlink_to("nowhere")


def endless(path):
    with open(path, "wb") as file:
        file.truncate(3_000_000_000)


def bytes_of_no_text(path):
    path.write_bytes(b"\xff\xfe\x00")


ODD = {
    pipe: "This is not a file. It is a pipe",
    device: "This is not a file. It is a device",
    folder: "This is not a file. It is a folder",
    dangling: "This is a link to a file that is not there.",
    endless: "The file has 3,000,000,000 bytes, more than ",
    bytes_of_no_text: "Byte 0 is not UTF-8.",
}
READ = (
    ("config.yaml",),
    ("studies/evans2005.yaml", "studies/grade.yaml", "studies/screening.csv", "studies/published.csv"),
)


@pytest.mark.parametrize("spoil", ODD, ids=lambda f: f.__name__)
@pytest.mark.parametrize("files", READ, ids=lambda files: files[0])
def test_what_is_no_readable_file_is_a_message_at_once(files, spoil, review):
    review.edit("config.yaml", "figures:", f"published: {{file: studies/published.csv, pairs: [{PAIR}]}}\nfigures:")
    for file in files:
        (review.folder / file).unlink(missing_ok=True)
        spoil(review.folder / file)
    found = check_in_time(review)[:-1]
    assert [line.split(":")[0] for line in found] == sorted(files), found
    assert all(ODD[spoil] in line for line in found), found


# Screening -----------------------------------------------------------------------------------------------------------

# What is replaced in the list, by what, and the answer.
LISTS = {
    "an id twice": ("baker2002,Baker", "adams2001,Baker", '3: id: "adams2001" stands in line 2 too. One row a report.'),
    "an id twice in capitals": ("baker2002,Baker", "ADAMS2001,Baker", '3: id: "ADAMS2001" stands in line 2 too.'),
    "a sheet twice": ("the old.,\n", "the old.,adams2001\n", '6: sheet: "adams2001" stands in line 2 too.'),
    "a sheet that is not there": (
        ",adams2001\n",
        ",adams2011\n",
        '2: sheet: "adams2011" is no sheet in this folder. "adams2011" is not one of: adams2001, baker2002, '
        'clark2003, davis2004. Did you mean "adams2001"? Or leave the cell empty.',
    ),
    "excluded though pooled": (
        "a list,pooled,,,adams2001",
        "a list,excluded,Why,So.,adams2001",
        '2: decision: "excluded", but adams2001 is pooled in Fever, High fever. Write pooled, or exclude it in',
    ),
    "held though pooled": (
        "a list,pooled,,,adams2001",
        "a list,sensitivity,,,adams2001",
        '2: decision: "sensitivity", but adams2001 is pooled in Fever, High fever.',
    ),
    "a sheet that is not listed": (
        "davis2004,Davis D: Fourth,,a list,pooled,,,davis2004\n",
        "",
        " davis2004 has a sheet and no row here. Add one, and say where it was found: davis2004,",
    ),
    "pooled without a sheet": (",,,adams2001", ",,,", '2: sheet: This cell is empty, and the report is "pooled".'),
    "a report twice under two ids": (
        "elder2005,",
        "elder2004,Elder E,https://doi.org/10.1000/ADAMS.,a list,excluded,Animals,So.,\nelder2005,",
        '6: identifier: "https://doi.org/10.1000/ADAMS." stands in line 2 too. One row a report.',
    ),
    "a decision nobody knows": ("excluded", "excludedd", '6: decision: "excludedd" is not one of: context'),
    "no reason": ("Only the old.", "", '6: reason: This cell is empty, and the report is "excluded".'),
    "no place": ("a list,excluded", ",excluded", "6: found: This cell is empty"),
    "no id": ("elder2005", "", "6: id: This cell is empty"),
    "a heading that is missing": ("identifier", "identifer", "1: identifier: This heading is missing. Add the column."),
    "a heading twice": ("reason,sheet", "sheet,sheet", "1: sheet: This heading stands twice."),
    "a comma without quotes": (
        '"Elder E, Journal: Fifth"',
        "Elder E, Journal: Fifth",
        "6: 9 cells stand below 8 headings.",
    ),
    "a quote that never ends": ('Fifth"', "Fifth", "6: Not readable as CSV: a quote is open"),
    "what cannot be seen": ("Only the old.", "Only\u202ethe old.", "6: reason: The text holds the character U+202E"),
}


def test_a_list_that_agrees_is_in_order(review, check):
    write(review, "studies/screening.csv", SCREENING)
    assert check()[0].startswith("4 sheets")
    write(review, "studies/screening.csv", "\ufeff" + SCREENING.replace("\n", "\r\n") + "\r\n,,,,,,,\r\n")
    assert check()[0].startswith("4 sheets"), "as a spreadsheet saves it"


@pytest.mark.parametrize("case", LISTS)
def test_a_list_that_contradicts_a_sheet_is_located(case, review, check):
    old, new, said = LISTS[case]
    assert SCREENING.count(old) >= 1
    write(review, "studies/screening.csv", SCREENING.replace(old, new, 1))
    found = check()
    assert any(line.startswith(f"studies/screening.csv:{said}") for line in found), found


def test_a_list_that_excel_saved_with_semicolons(review, check):
    write(review, "studies/screening.csv", SCREENING.replace(",", ";"))
    assert check()[0] == (
        "studies/screening.csv: The columns are parted by semicolons here. Save the table with commas between them."
    )


def test_an_empty_list_says_what_it_should_hold(review, check):
    write(review, "studies/screening.csv", "\n")
    assert check()[0].startswith("studies/screening.csv: The table is empty. Its first line is: id,report,")


@pytest.mark.parametrize("written", ["Adams2001", "adams2001.yaml"])
def test_a_sheet_spelt_otherwise_is_not_told_to_stand_there_again(written, review, check):
    write(review, "studies/screening.csv", SCREENING.replace("pooled,,,adams2001", f"pooled,,,{written}"))
    found = check()
    assert f'2: sheet: "{written}" is no sheet in this folder.' in found[0]
    assert len(found) == 2, "following a second message would list it twice"


def test_a_name_with_what_nobody_sees_says_so(review, check):
    review.sheet().rename(review.folder / "studies" / "adams\u200b2001.yaml")
    assert check()[0].endswith(
        "id: The file's name holds U+200B (ZERO WIDTH SPACE), which nobody sees. Rename the file: adams2001.yaml."
    )


def test_pooled_though_no_analysis_takes_it(review, check):
    write(review, "studies/screening.csv", SCREENING)
    review.edit(
        "studies/clark2003.yaml", "extraction:", "exclude: {fever: Not comparable., rash: Nor this.}\nextraction:"
    )
    found = [line for line in check() if "clark2003" in line]
    assert len(found) == 1 and found[0].startswith(
        'studies/screening.csv:4: decision: "pooled", but no analysis pools clark2003 (excluded: '
    ), found


def test_all_files_are_told_at_once(review, check):
    write(review, "studies/screening.csv", SCREENING.replace("excluded", "out"))
    write(review, "studies/grade.yaml", "fevr: {}\n")
    write(review, "studies/x.yml", "")
    review.edit("studies/adams2001.yaml", "events: 12", "events: 130")
    review.edit("config.yaml", "figures:", "published: {file: studies/published.csv}\nfigures:")
    found = [line.split(":")[0] for line in check()[:-1]]
    assert set(found) == {
        *("studies/adams2001.yaml", "studies/grade.yaml", "studies/published.csv", "studies/screening.csv"),
        "studies/x.yml",
    }


def test_a_build_refuses_the_same(review):
    """One mechanism: what the check finds, Snakemake finds before any job."""
    review.add_engine()
    write(review, "studies/screening.csv", SCREENING.replace("a list,pooled", "a list,context", 1))
    done = review.run("--dry-run")
    assert done.returncode and "studies/screening.csv:2: decision: " in done.stdout + done.stderr


# Published pools -----------------------------------------------------------------------------------------------------

POOLS = {
    "a decimal comma": (",7.5,", ',"7,5",', '2: ci_low: "7,5" is not a number. Write 7.5.'),
    "a percentage": (",7.5,", ",7.5%,", '2: ci_low: "7.5%" is not a number.'),
    "a number without end": (",12,9", ",inf,9", '2: ci_high: "inf" is not a number.'),
    "a count from 2^31 on": ("1200", "2147483648", '2: n_patients: "2147483648" is not a whole number up to'),
    "a thousands separator": ("1200", '"1,200"', '2: n_patients: "1,200" is not a whole number'),
    "an interval beside its value": (",10,7.5", ",7,7.5", "2: estimate: 7 is not between ci_low and ci_high."),
    "more than everybody": (",12,9", ",120,9", "2: estimate: 120 is more than 100 %."),
    "a heading that is missing": ("n_patients", "patients", "1: n_patients: This heading is missing."),
    "a pool that is not there": ("smith2020", "smith2021", None),
    "a pool that is there twice": ("1200,\n", "1200,\nsmith2020,fever,all,%,10,7.5,12,9,1200,\n", None),
}


@pytest.mark.parametrize("case", POOLS)
def test_published_pools_are_checked_with_the_sheets(case, review, check):
    """They were read by a job only, at the end of a build."""
    old, new, said = POOLS[case]
    review.edit("config.yaml", "figures:", f"published: {{file: studies/published.csv, pairs: [{PAIR}]}}\nfigures:")
    write(review, "studies/published.csv", PUBLISHED)
    assert check()[0].startswith("4 sheets")
    assert old in PUBLISHED
    write(review, "studies/published.csv", PUBLISHED.replace(old, new, 1))
    found = check()
    place = f"studies/published.csv:{said}" if said else "config.yaml: published.pairs[0]: "
    assert len(found) == 2 and found[0].startswith(place), found
