"""Money, days and moments as the pages write them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from console.formats import Formats, show_money

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("fen", "shown"), [(0, "¥0.00"), (5, "¥0.05"), (1_230, "¥12.30"), (-5, "−¥0.05"), (123_456_789, "¥1,234,567.89")]
)
def test_money_is_in_yuan_with_two_digits(fen: int, shown: str) -> None:
    assert show_money(fen) == shown


def test_a_moment_is_of_the_campus_and_names_another_year() -> None:
    moment = datetime(2019, 12, 31, 16, 30, 5, tzinfo=UTC)
    assert Formats("zh", ZONE).second(moment) == "2020年1月1日 00:30:05"
    assert Formats("en", ZONE).moment(moment) == "1 January 2020 00:30"


def test_this_year_is_not_named() -> None:
    this_year = date(datetime.now(ZONE).year, 11, 27)
    assert [Formats(one, ZONE).day(this_year) for one in ("zh", "en")] == ["11月27日", "27 November"]
