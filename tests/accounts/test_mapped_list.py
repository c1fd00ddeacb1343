"""Lists as registries write them: workbooks and tables with headings of their own, in Chinese and English."""

import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from accounts.people_import import mapped_list
from accounts.people_import.cell_words import to_cell
from accounts.people_import.columns import guess_columns
from accounts.people_import.list_table import ListTableError
from accounts.people_import.mapped_list import ColumnChoice, guess, read_any_table, read_rows
from accounts.people_import.people_list import ListedPerson, RowReason, Unreadable
from accounts.vocabulary import PersonKind, PersonState

ZONE = ZoneInfo("Asia/Shanghai")


def workbook(*rows: list[object], formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (
            ["序号", "学号", "姓名", "人员类别", "院系名称", "入学日期", "预计毕业日期", "身份证号"],
            {"number": "学号", "name": "姓名", "kind": "人员类别", "department": "院系名称",
             "valid_from": "入学日期", "valid_until": "预计毕业日期", "national_id": "身份证号"},
        ),
        (
            ["Student No.", "Full Name", "Type", "Faculty", "Status", "ID card"],
            {"number": "Student No.", "name": "Full Name", "kind": "Type", "department": "Faculty",
             "state": "Status", "national_id": "ID card"},
        ),
        (["学生学号（必填）", "学生姓名*", "所在班级"], {"number": "学生学号（必填）", "name": "学生姓名*"}),
        (["number", "name", "kind"], {"number": "number", "name": "name", "kind": "kind"}),
        (["shoe size"], {}),
    ],
)  # fmt: skip
def test_headings_tell_what_columns_hold(headings: list[str], expected: dict[str, str]) -> None:
    assert guess_columns(headings) == expected


@pytest.mark.parametrize(
    ("field", "text", "cell"),
    [
        ("kind", "本科生", "student"),
        ("kind", "Teacher", "staff"),
        ("kind", "dog", "dog"),
        ("state", "在读", "active"),
        ("state", "离校", "closed"),
        ("valid_until", "2030年6月30日", "2030-06-30"),
        ("valid_until", "2030/6/3", "2030-06-03"),
        ("valid_until", "20300630", "2030-06-30"),
        ("valid_until", "-", "-"),
        ("groups", "本科生，东区、 实验楼", "本科生;东区;实验楼"),
        ("name", "王 芳", "王 芳"),
    ],
)
def test_cells_are_understood_as_people_write_them(field: str, text: str, cell: str) -> None:
    assert to_cell(field, text) == cell


def test_a_workbook_with_a_title_above_its_headings() -> None:
    content = workbook(
        ["2026级新生名单"],
        [],
        ["学号", "姓名", "类别", "毕业日期", "备注"],
        [20260001, "李华", "本科生", date(2030, 6, 30), "x"],
        [None, None, None, None, None],
        ["20260002", "王芳", "教师", date(2031, 1, 1), None],
    )
    table = read_any_table(content)
    rows = read_rows(table, guess(table), ZONE)
    assert [row.line for row in rows] == [4, 6]
    first, second = rows
    assert isinstance(first, ListedPerson)
    assert isinstance(second, ListedPerson)
    assert (first.number, first.given["kind"]) == ("20260001", PersonKind.STUDENT)
    assert first.given["valid_until"] == datetime(2030, 6, 30, 16, tzinfo=UTC)
    assert second.given["kind"] is PersonKind.STAFF


def test_what_excel_did_to_numbers_is_found() -> None:
    content = workbook(
        ["学号", "姓名", "身份证号"],
        [42, "甲", "11010120080101129X"],
        [110101200801011295.0, "乙", None],
        [7, "丙", 110101200801011295.0],
        formats={"A2": "00000000"},
    )
    table = read_any_table(content)
    zeros, calculated, rounded = read_rows(table, guess(table), ZONE)
    assert zeros.number == "00000042"
    assert isinstance(calculated, Unreadable)
    assert calculated.reason is RowReason.NUMBER_CALCULATED
    assert isinstance(rounded, Unreadable)
    assert rounded.reason is RowReason.NATIONAL_ID_ROUNDED


def test_what_holds_for_all_stands_where_a_cell_is_empty() -> None:
    table = read_any_table("学号,姓名,状态\n1,甲,\n2,乙,停用\n".encode("gb18030"))
    choice = ColumnChoice(guess(table).columns, {"kind": "student", "groups": "2026级"})
    first, second = read_rows(table, choice, ZONE)
    assert isinstance(first, ListedPerson)
    assert isinstance(second, ListedPerson)
    assert (first.given["kind"], first.given["groups"], first.state) == (PersonKind.STUDENT, {"2026级"}, None)
    assert second.state is PersonState.SUSPENDED


def test_columns_that_were_not_chosen_are_not_read() -> None:
    table = read_any_table(b"number,name,national_id\n1,a,nonsense\n")
    (row,) = read_rows(table, ColumnChoice({"number": "number", "name": "name"}), ZONE)
    assert isinstance(row, ListedPerson)
    assert row.national_id is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"number,name\n", "no_rows"),
        (b"\xff\xff\xff,\x81", "encoding"),
        (b"PK\x03\x04 no workbook", "unreadable"),
    ],
)
def test_a_file_that_is_no_list_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ListTableError) as refused:
        read_any_table(content)
    assert refused.value.reason == reason


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_list, "MOST_ROWS", 2)
    with pytest.raises(ListTableError) as refused:
        read_any_table(b"number\n1\n2\n3\n")
    assert refused.value.reason == "too_many_rows"
