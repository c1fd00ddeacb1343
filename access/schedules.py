"""When: weekly windows in campus time, and the days that are different.

A window belongs to the day it starts on. One whose end is not after its start runs over midnight into the next day
(22:00–06:00); equal times mean a whole day from that time on. The end of a day is 00:00 or, as people write
it, 24:00; an end of 23:59 means the whole of that last minute, and so the end of the day too. Special days (holidays,
exam weeks) replace the windows that start on them; a window that started the evening before still runs out.
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_MIDNIGHT, _LAST_MINUTE = time(0), time(23, 59)
_END_OF_DAY = {"24:00", "24:00:00"}


def _start(value: object) -> object:
    if value in _END_OF_DAY:
        raise ValueError("24:00 ends a day; what begins then begins at 00:00 of the next day")
    return value


def _end(value: object) -> object:
    return _MIDNIGHT if value in _END_OF_DAY else value


StartTime = Annotated[time, BeforeValidator(_start)]
EndTime = Annotated[time, BeforeValidator(_end)]
"""A time of the day that something ends at; `24:00` is the end of the day."""


def end_of(start: time, end: time) -> time:
    """Return until when hours from `start` to `end` last: 23:59 means that minute whole, and so midnight."""
    return _MIDNIGHT if end >= _LAST_MINUTE and end != start else end


EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
"""Monday is 0, as in `datetime.weekday`."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Value):
    """A stretch of local time within one day, or over midnight."""

    start: StartTime
    end: EndTime

    @model_validator(mode="after")
    def _are_local(self) -> Self:
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("hours are campus time and carry no zone")
        return self

    @property
    def wraps(self) -> bool:
        """Whether it runs over midnight."""
        return self.until <= self.start

    @property
    def until(self) -> time:
        """When it is over, midnight for the end of the day."""
        return end_of(self.start, self.end)

    def begins_before(self, now: time) -> bool:
        """Whether, on the day it starts on, it holds at `now`."""
        return self.start <= now and (self.wraps or now < self.until)

    def runs_on_until(self, now: time) -> bool:
        """Whether, on the day after the one it starts on, it holds at `now`."""
        return self.wraps and now < self.until


class Window(Hours):
    """Hours on given days of the week."""

    days: tuple[int, ...] = EVERY_DAY

    @model_validator(mode="after")
    def _names_real_days(self) -> Self:
        if not self.days or not set(self.days) <= set(EVERY_DAY):
            raise ValueError("days of a window are numbers from 0 (Monday) to 6 (Sunday), at least one")
        return self


class SpecialDays(_Value):
    """Days, `first` to `last` inclusive, whose hours replace the weekly windows; no hours means closed."""

    name: str
    first: date
    last: date
    hours: tuple[Hours, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"special days {self.name!r} end before they begin")
        return self


class Schedule(_Value):
    """A named schedule. Of several special days that cover one date, the first in the list counts."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    windows: tuple[Window, ...]
    special_days: tuple[SpecialDays, ...] = ()

    def is_open(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether `now` (aware) falls into a window, by the clock on the wall in `zone`."""
        local = now.astimezone(zone)
        today, clock = local.date(), local.time()
        yesterday = today - timedelta(days=1)
        return any(hours.begins_before(clock) for hours in self.hours_of(today)) or any(
            hours.runs_on_until(clock) for hours in self.hours_of(yesterday)
        )

    def hours_of(self, day: date) -> tuple[Hours, ...]:
        """Return the hours that start on `day`."""
        special = self.special_on(day)
        if special is not None:
            return special.hours
        return tuple(window for window in self.windows if day.weekday() in window.days)

    def special_on(self, day: date) -> SpecialDays | None:
        """Return the special days whose hours count on `day`, None where the weekly windows do."""
        return next((one for one in self.special_days if one.first <= day <= one.last), None)

    def opened_at(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the window that holds at `now` began (the latest, if several hold), or None outside all."""
        local = now.astimezone(zone)
        began: list[datetime] = []
        for day, holds in (
            (local.date(), Hours.begins_before),
            (local.date() - timedelta(days=1), Hours.runs_on_until),
        ):
            began += [
                datetime.combine(day, hours.start, zone) for hours in self.hours_of(day) if holds(hours, local.time())
            ]
        return max(began, default=None)


ALWAYS = Schedule(name="always", windows=(Window(start=time(0), end=time(0)),))
"""Every minute of every day."""
