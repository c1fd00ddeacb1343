"""Lists as Excel and others write them, and the numbers that they damage."""

import contextlib
import io
import zipfile
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from accounts.people_import.importer import Importer, RowOutcome
from accounts.people_import.list_table import ListTableError
from accounts.people_import.people_list import ListedPerson, Unreadable, parse, read
from accounts.people_import.workbook import read_list

ZONE = ZoneInfo("Asia/Shanghai")
LINES = [
    ["number", "name", "kind", "groups"],
    ["20260001", "王芳", "student", "dorm-3"],
    ["", "", "", ""],
    ["2", "李,华", "staff", ""],
]


def _text(separator: str, end: str = "\r\n") -> str:
    quoted = ((f'"{cell}"' if separator in cell else cell for cell in line) for line in LINES)
    return "".join(separator.join(line) + end for line in quoted)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_spreadsheets_text_is_read_as_it_comes(tmp_path, separator, encoding, end):
    path = tmp_path / "people.csv"
    path.write_bytes(_text(separator, end).encode(encoding))
    rows = read(path, ZONE)
    assert [(row.line, row.number, row.given["name"]) for row in rows if isinstance(row, ListedPerson)] == [
        (2, "20260001", "王芳"),
        (4, "2", "李,华"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nnumber;name;kind\r\n1;王芳;student\r\n;;\r\n",
        "\ufeffNumber, Name ,KIND,,\n1,王芳,student,,\n,,,,\n   ,,,,\n\n",
        "number,name,kind\n\n\n1,王芳,student,,\n",
        "number,name,kind\n\u200b1,王\u3000芳,student\n",
    ],
)
def test_empty_lines_columns_and_marks_are_nothing(tmp_path, text):
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8", newline="")
    (row,) = read(path, ZONE)
    assert isinstance(row, ListedPerson)
    assert (row.number, row.given["name"]) == ("1", "王芳")


def test_a_line_with_more_text_than_columns_is_refused(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("number,name,kind\n1,王芳,student,x\n", encoding="utf-8")
    (row,) = read(path, ZONE)
    assert isinstance(row, Unreadable)
    assert row.why == "more values than columns"


def _row(line: int, national_id: object, number: object = None) -> ListedPerson | Unreadable:
    raw = {"number": number or str(line), "name": "n", "kind": "student", "national_id": national_id}
    return parse(line, raw, ZONE)


@pytest.mark.parametrize(
    "national_id", ["990105200511041001", "9.90105E+17", "9.90105200511041E+17", 9.90105200511041e17]
)
def test_an_identity_number_that_was_rounded_or_mistyped_is_refused_and_not_repeated(national_id):
    row = _row(1, national_id)
    assert isinstance(row, Unreadable)
    assert str(national_id) not in row.why


# 990105200511041000 has the right check character by chance.
@pytest.mark.parametrize("national_id", ["990105200511041000", "110101200801012000", "9.90105E+17"])
def test_a_rounded_identity_number_comes_with_advice(national_id):
    row = _row(1, national_id)
    assert isinstance(row, Unreadable)
    assert "format the column as text" in row.why


def test_an_apostrophe_says_that_a_number_really_ends_like_a_rounded_one():
    row = _row(1, "'990105200511041000")
    assert isinstance(row, ListedPerson)
    assert row.national_id == "990105200511041000"
    assert isinstance(_row(1, "'110101200801012000"), Unreadable)  # its check character is wrong


@pytest.mark.parametrize(
    "national_id",
    ["11010120080101129X", "11010120080101129x", "１１０１０１２００８０１０１１２９Ｘ", "130503670401001"],
)
def test_a_good_identity_number_is_taken_however_it_is_typed(national_id):
    assert isinstance(_row(1, national_id), ListedPerson)


@pytest.mark.parametrize("number", ["2.026E+11", "2.02600E11", "20260001.0"])
def test_a_number_that_was_calculated_with_is_refused(number):
    row = _row(1, None, number)
    assert isinstance(row, Unreadable)
    assert "format the column as text" in row.why


def test_a_number_without_its_zeros_makes_no_second_account(campus):
    campus.person(number="0026001")
    importer = Importer(campus.database, campus.services.hasher, campus.services.first_passwords, "system")
    (result,) = importer.run([_row(2, None, "26001")], now=campus.clock.now)
    assert result.outcome is RowOutcome.INVALID
    assert "0026001 is there" in result.why


def test_a_workbook_is_read_to_the_same_table() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for line in (
        [],
        ["学号", " 姓名 ", "金额", None],
        [20260001, "王小明", 12.5, None],
        ["0042", "李雷", 100.0, "surplus"],
    ):
        sheet.append(line)
    packed = io.BytesIO()
    book.save(packed)
    table = read_list(packed.getvalue())
    assert table.columns == ("学号", "姓名", "金额")
    assert [(row.cells["学号"], row.cells["金额"], row.too_long) for row in table.rows] == [
        ("20260001", "12.5", False),
        ("0042", "100", True),
    ]


def test_what_is_no_workbook_says_what_to_do() -> None:
    with pytest.raises(ListTableError, match=r"save it again as .xlsx"):
        read_list(b"PK\x03\x04 and nothing else")
    assert read_list(b"number,amount\n1,2").columns == ("number", "amount")


def _workbook() -> bytes:
    workbook = Workbook()
    for line in LINES:
        workbook.active.append(line)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def _with_sheet(change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with another sheet in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_workbook())) as whole, zipfile.ZipFile(stream, "w") as made:
        for name in whole.namelist():
            made.writestr(name, change(whole.read(name)) if "sheet1" in name else whole.read(name))
    return stream.getvalue()


def _flipped(place: int) -> bytes:
    damaged = bytearray(_workbook())
    damaged[place] ^= 0xFF
    return bytes(damaged)


@pytest.mark.parametrize(
    "content",
    [
        _with_sheet(lambda sheet: sheet[: len(sheet) // 2]),
        _with_sheet(
            lambda sheet: sheet.replace(b'<c r="A2"', b'<c t="n" r="A9"').replace(b"<v>4</v>", b"<v>1e999</v>")
        ),
        _with_sheet(lambda _sheet: b""),
    ],
)
def test_a_damaged_workbook_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(ListTableError, match="cannot be read as a workbook"):
        read_list(content)


def test_no_damage_to_a_workbook_is_a_fault_of_ours() -> None:
    for place in range(0, len(_workbook()), 61):
        with contextlib.suppress(ListTableError):
            read_list(_flipped(place))


def test_a_heading_that_stands_there_twice_hides_no_column() -> None:
    table = read_list(b"number,amount,Amount\n1,5,900\n")
    assert table.columns == ("number", "amount", "amount (2)")
    assert table.rows[0].cells == {"number": "1", "amount": "5", "amount (2)": "900"}
