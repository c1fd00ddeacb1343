"""Lists of residents as spreadsheets write them."""

from datetime import date

import pytest

from accounts.people_import.list_table import ListTableError
from metering.rooms.resident_list import ListedResident, ResidentOutcome, parse

HEADER = "number,building,room,day\n"


def test_a_list_is_read_with_rooms_as_they_are_written() -> None:
    rows, unreadable = parse((HEADER + "20260001,North-6,1005,2026-09-01\n20260002,north-6,0105,2026/9/1\n").encode())
    assert unreadable == []
    assert rows == [
        ListedResident(2, "20260001", "north-6", "1005", date(2026, 9, 1)),
        ListedResident(3, "20260002", "north-6", "0105", date(2026, 9, 1)),
    ]


def test_what_a_spreadsheet_saves_in_chinese_windows_is_read_too() -> None:
    rows, _ = parse((HEADER.replace(",", "\t") + "20260001\t北6\t1005\t2026-09-01\n").encode("gb18030"))
    assert [(row.building, row.room) for row in rows] == [("北6", "1005")]


@pytest.mark.parametrize(
    "line",
    [
        "20260001,north-6,1005.0,2026-09-01",
        "2.026E+07,north-6,1005,2026-09-01",
        "20260001,north-6,,2026-09-01",
        "20260001,north-6,1005,01.09.2026",
        "20260001,north-6,1005,2026-02-30",
        "20260001,north-6,1005,2026-09-01,more",
    ],
)
def test_a_line_that_was_changed_on_its_way_is_refused_alone(line: str) -> None:
    rows, unreadable = parse((HEADER + line + "\n20260002,north-6,1005,2026-09-01\n").encode())
    assert [row.number for row in rows] == ["20260002"]
    assert [(one.line, one.outcome, one.why) for one in unreadable] == [(2, ResidentOutcome.REFUSED, "unreadable")]


def test_a_list_without_a_column_says_which() -> None:
    with pytest.raises(ListTableError, match="'room'"):
        parse(b"number,building,day\n1,2,3\n")
