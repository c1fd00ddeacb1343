"""How pages write money, days and moments."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def show_money(fen: int) -> str:
    """Return an amount in yuan with two digits: `¥12.30`, `−¥0.05`."""
    sign = "−" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02}"


@dataclass(frozen=True, slots=True)
class Formats:
    """The reader's language and the campus's time zone."""

    language: str
    zone: ZoneInfo

    def day(self, given: date | datetime) -> str:
        """Return `11月27日` or `27 November`, with the year where it is not this one."""
        local = given.astimezone(self.zone).date() if isinstance(given, datetime) else given
        is_this_year = local.year == datetime.now(self.zone).year
        if self.language == "zh":
            return f"{local.month}月{local.day}日" if is_this_year else f"{local.year}年{local.month}月{local.day}日"
        return f"{local.day} {local:%B}" if is_this_year else f"{local.day} {local:%B} {local.year}"

    def last_day(self, end: datetime) -> str:
        """Return the last day before `end`: a period that ends at midnight does not hold on the day that begins."""
        return self.day(end - timedelta(microseconds=1))

    def moment(self, given: datetime) -> str:
        """Return the day and the time to the minute."""
        return f"{self.day(given)} {given.astimezone(self.zone):%H:%M}"

    def clock(self, given: datetime) -> str:
        """Return the time to the second, where the day stands above."""
        return f"{given.astimezone(self.zone):%H:%M:%S}"

    def stamp(self, given: datetime) -> str:
        """Return the whole moment, for what is printed and kept: `2026-11-27 10:15:27`."""
        return f"{given.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def second(self, given: datetime) -> str:
        """Return the day and the time to the second."""
        return f"{self.day(given)} {given.astimezone(self.zone):%H:%M:%S}"
