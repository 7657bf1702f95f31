"""A workbook handed in: nothing in it is dropped without a word, and its example never becomes data."""

import re
import zipfile

import openpyxl
import pytest
from conftest import REVIEW
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from synthesis.curation.handing_in import read_workbooks
from synthesis.curation.table_file import read_table_file
from synthesis.curation.wide import draft_sheets
from synthesis.curation.workbook import write_workbook
from synthesis.tables.located import read_located
from synthesis.tables.problems import ProblemsError

TABLES = ("Arms", "Outcomes", "Comparisons", "Characteristics", "Risk of bias", "Not pooled")
SAYS = "is the text of the example, which is not read."


@pytest.fixture(scope="module")
def written(protocol, tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "adams2001.xlsx"
    write_workbook(path, read_located(REVIEW / "studies" / "adams2001.yaml").data, protocol)
    return path


@pytest.fixture
def hand_in(written, protocol, tmp_path):
    """Give a function that changes the workbook and reads it: the sheet's text, or the problems."""

    def run(change) -> tuple[str, list[str]]:
        book = openpyxl.load_workbook(written)
        change(book)
        path = tmp_path / "adams2001.xlsx"
        book.save(path)
        try:
            [handed] = read_workbooks([path], REVIEW / "studies", protocol)
        except ProblemsError as error:
            return "", [str(p).replace(f"{path}: ", "") for p in error.problems]
        run.unread = handed.unread
        return handed.text, []

    run.before = read_workbooks([written], REVIEW / "studies", protocol)[0].text
    return run


def values(tab, row: int) -> list:
    return [cell.value for cell in tab[row]]


def put(tab, row: int, given) -> None:
    for column, value in enumerate(given, 1):
        tab.cell(row, column).value = value


def without_mark(tab):
    tab["A2"].value = None


def without_the_column(tab):
    tab.delete_cols(1)


def moved_down(tab):
    put(tab, tab.max_row + 1, values(tab, 2))
    tab.delete_rows(2)
    tab.cell(tab.max_row, 1).value = None


def copied(tab):
    put(tab, tab.max_row + 3, [None, *values(tab, 2)[1:]])


def without_heading_of_the_mark(tab):
    tab["A1"].value = None
    tab["A2"].value = None


def marked_otherwise(tab):
    tab["A2"].value = "Example (do not fill in)"


@pytest.mark.parametrize(
    "change",
    [without_mark, without_the_column, moved_down, copied, without_heading_of_the_mark, marked_otherwise],
)
@pytest.mark.parametrize("title", TABLES)
def test_the_example_row_is_known_by_what_it_says(change, title, hand_in):
    text, problems = hand_in(lambda book: change(book[title]))
    assert not problems and text == hand_in.before


@pytest.mark.parametrize("title", TABLES)
def test_an_example_that_was_partly_written_over_is_neither_data_nor_dropped(title, hand_in):
    def change(book):
        tab = book[title]
        without_mark(tab)
        tab["C2"].value = "something else"

    _, problems = hand_in(change)
    assert any(line.startswith(f"{title}!") and "2: " in line and SAYS in line for line in problems), problems


def test_an_example_without_its_note_is_asked_about_and_a_numbered_row_is_data(hand_in):
    def change(book):
        tab = book["Arms"]
        note = next(cell.column for cell in tab[1] if cell.value == "note")
        tab["A2"].value = tab.cell(2, note).value = None
        tab["B3"].value = "whole"

    _, problems = hand_in(change)
    [asked] = [line for line in problems if line.startswith("Arms!B2")]
    assert "This row says what the example says." in asked and "write 1 beside it in a column `row`" in asked

    def numbered(book):
        change(book)
        book["Arms"]["A2"].value = 1

    assert not any("example" in line for line in hand_in(numbered)[1])


def test_the_column_of_examples_never_becomes_the_study(hand_in):
    _, problems = hand_in(lambda book: book["Study"].delete_cols(2))
    assert problems[0].startswith("Study!B1: The column `value` is missing.")

    def copied_over(book):
        for row in range(2, book["Study"].max_row + 1):
            book["Study"].cell(row, 2).value = book["Study"].cell(row, 3).value

    _, problems = hand_in(copied_over)
    named = [line for line in problems if SAYS in line]
    assert [line.split(":")[0] for line in named] == sorted(
        (line.split(":")[0] for line in named), key=lambda at: int(at[7:])
    )
    for text in ("The title as printed", "Journal in full", "10.1000/xyz", "Country"):
        assert any(f'"{text}"' in line for line in named), text


def test_a_value_written_into_the_column_of_examples_is_named(hand_in):
    def change(book):
        tab = book["Study"]
        row = next(cells[0].row for cells in tab.rows if cells[0].value == "cohort")
        tab.cell(row, 3).value = "TRIAL-7"
        tab.cell(row, 6).value = "see p. 3"

    _, problems = hand_in(change)
    assert [line.split(" stands")[0].split(": ")[1] for line in problems] == ['"TRIAL-7"', '"see p. 3"']


def test_merged_cells_words_beside_the_table_and_a_second_tab_are_named(hand_in):
    def change(book):
        book["Outcomes"].merge_cells("H3:H4")
        book["Outcomes"]["A5"].value = "check again"
        book.copy_worksheet(book["Arms"]).title = "Arms "

    _, problems = hand_in(change)
    for said in (
        "Outcomes!H3:H4: These cells are merged",
        'Outcomes!A5: "check again" stands beside the table',
        "Arms : Two tabs have this name.",
    ):
        assert any(line.startswith(said) for line in problems), (said, problems)


def test_hidden_rows_and_columns_are_read_and_comments_are_named(hand_in):
    def change(book):
        tab = book["Outcomes"]
        tab.row_dimensions[4].hidden = True
        tab.column_dimensions["H"].hidden = True
        tab.auto_filter.ref = "A1:P6"
        tab["D3"].comment = Comment("or 13?", "a reader")

    text, problems = hand_in(change)
    assert not problems and text == hand_in.before
    assert hand_in.unread == ("Outcomes!D3",)


def test_problems_come_in_the_order_of_reading(hand_in):
    def change(book):
        for at in ("D33", "D4", "AB3"):
            book["Outcomes"][at].value = "x"
        book["Arms"]["G3"].value = "many"
        book["Study"]["B2"].value = "../x"

    _, problems = hand_in(change)
    places = [line.split(" ")[0].strip(":") for line in problems]
    order = ["Study!B2", "Arms!G3", "Outcomes!AB3", "Outcomes!D4", "Outcomes!D33"]
    assert [place for place in dict.fromkeys(places) if place in order] == order


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("any\u200b fe\u00adver", "any fever"), ("any\u00a0fever", "any fever"), ("\uff41ny fever", "any fever")],
)
def test_characters_nobody_sees_are_taken_out_of_cells(typed, kept, hand_in):
    def change(book):
        tab = book["Outcomes"]
        column = next(cell.column for cell in tab[1] if cell.value == "definition *")
        tab.cell(3, column).value = typed

    text, problems = hand_in(change)
    assert not problems and f"definition: {kept}\n" in text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("1,007", '"1,007" may be a thousand or a decimal number. Write digits only'),
        ("1.007", '"1.007" may be a thousand or a decimal number. Write digits only'),
        ("1\u202f007", '"1 007" has a thousands separator. Write 1007.'),
        ("12,0", '"12,0" is a decimal number where a whole number belongs.'),
        ("1\u0662", "is not a whole number of 0 or more."),
        ("12\u00b2", "is not a whole number of 0 or more."),
        ("1\u202e2", "U+202E, which cannot be seen"),
    ],
)
def test_a_count_that_is_not_digits_is_named_with_what_to_write(typed, says, hand_in):
    _, problems = hand_in(lambda book: put(book["Outcomes"], 3, [1, "fever", "all", typed]))
    [problem] = problems
    assert problem.startswith("Outcomes!D3 (events): ") and says in problem


def test_full_width_digits_are_digits(hand_in):
    text, problems = hand_in(lambda book: put(book["Outcomes"], 3, [1, "fever", "all", "\uff11\uff12"]))
    assert not problems and text == hand_in.before


FOOTNOTE = CellRichText("12", TextBlock(InlineFont(vertAlign="superscript"), "1"))


def test_a_raised_footnote_is_no_digit_of_a_count(hand_in):
    """Copied from a printed table, 12 with a raised 1 becomes the text 121: inside the cell, or in the shared texts."""
    _, problems = hand_in(lambda book: put(book["Outcomes"], 3, [1, "fever", "all", FOOTNOTE]))
    assert problems == [
        'Outcomes!D3 (events): "121" holds a raised or lowered character, perhaps a footnote. Type the number alone.'
    ]
    text, problems = hand_in(
        lambda book: put(
            book["Outcomes"], 3, [1, "fever", "all", CellRichText("1", TextBlock(InlineFont(b=True), "2"))]
        )
    )
    assert not problems and text == hand_in.before


def test_a_raised_footnote_in_a_shared_text_of_a_table_is_named(protocol, tmp_path):
    """Excel keeps texts in one part and numbers them in the cells; openpyxl, which writes the other tests, does not."""
    book = openpyxl.Workbook()
    for row in (["study", "events", "n"], ["A 2020", "12x", "140"]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.xlsx") as old:
        parts = {name: old.read(name).decode() for name in old.namelist()}
    cell = re.search('<c r="B2"[^>]*>.*?</c>', parts["xl/worksheets/sheet1.xml"])[0]
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(cell, '<c r="B2" t="s"><v>1</v></c>')
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    run = '<r><t>12</t></r><r><rPr><vertAlign val="superscript"/></rPr><t>1</t></r>'
    parts["xl/sharedStrings.xml"] = f"<sst {main}><si><t>other</t></si><si>{run}</si></sst>"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    types = "[Content_Types].xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    parts[types] = parts[types].replace("</Types>", override)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    with pytest.raises(ProblemsError, match=r'Sheet!B2 \(events\): "121" holds a raised or lowered character'):
        draft_sheets(read_table_file(tmp_path / "t.xlsx"), "t.xlsx", protocol, {"outcome": "fever"})


def test_a_number_shown_in_thousands_is_named(hand_in):
    def change(book):
        book["Outcomes"]["E3"].value = 120_000
        book["Outcomes"]["E3"].number_format = "#,##0,"

    assert "Outcomes!E3 (patients): The cell holds 120000 shown in thousands." in hand_in(change)[1][0]


@pytest.mark.parametrize("name", ["xl/worksheets/sheet5.xml", "xl/worksheets/sheet6.xml"])
def test_a_tab_whose_part_is_not_in_the_file_is_not_passed_over(written, protocol, tmp_path, name):
    path = tmp_path / "adams2001.xlsx"
    with zipfile.ZipFile(written) as before, zipfile.ZipFile(path, "w") as after:
        for part in before.namelist():
            after.writestr(part if part != name else f"{name}l", before.read(part))
    with pytest.raises(ProblemsError, match="a part of it is broken"):
        read_workbooks([path], tmp_path, protocol)


def test_what_is_broken_is_said_without_its_bytes(written, protocol, tmp_path):
    raw = bytearray(written.read_bytes())
    with zipfile.ZipFile(written) as archive:
        first = archive.infolist()[0]
    raw[first.header_offset + 27] = 1  # the local header says that its name goes on into what is packed
    path = tmp_path / "adams2001.xlsx"
    path.write_bytes(raw)
    with pytest.raises(ProblemsError, match="and in its header differ") as caught:
        read_workbooks([path], tmp_path, protocol)
    assert "\\x" not in str(caught.value)
