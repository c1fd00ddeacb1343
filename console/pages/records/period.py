"""The time that a page of records is about, as it was asked for."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Query

from console.dependencies import ServicesDep
from console.forms import read_moment

_LONGEST = timedelta(days=366)
Moment = Annotated[str, Query(max_length=32, description="local time of the campus, as 2026-11-27T18:00")]


class Span(StrEnum):
    """Times that are often asked for, each by one press."""

    LAST_HOUR = "last_hour"
    TODAY = "today"
    LAST_NIGHT = "last_night"
    LAST_WEEK = "last_week"


@dataclass(frozen=True, slots=True)
class Period:
    """From and to as the form holds them, and what they come to; `problem` is a key of words."""

    since: datetime
    until: datetime
    problem: str | None = None

    @property
    def typed(self) -> dict[str, str]:
        """The values of the form's fields, in local time to the minute."""
        return {"since": f"{self.since:%Y-%m-%dT%H:%M}", "until": f"{self.until:%Y-%m-%dT%H:%M}"}


def find_span(span: Span, now: datetime) -> tuple[datetime, datetime]:
    """Return from when to when a span is at `now`, in the campus's time; the night is that from 18 to 8 o'clock."""
    end = _next_minute(now)
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    match span:
        case Span.LAST_HOUR:
            return end - timedelta(hours=1), end
        case Span.TODAY:
            return midnight, end
        case Span.LAST_NIGHT:
            return midnight - timedelta(hours=6), min(midnight + timedelta(hours=8), end)
        case Span.LAST_WEEK:
            return end - timedelta(days=7), end


def _next_minute(now: datetime) -> datetime:
    return (now + timedelta(minutes=1)).replace(second=0, microsecond=0)


async def _read_period(
    services: ServicesDep, since: Moment = "", until: Moment = "", span: Span | None = None
) -> Period:
    """Return the period asked for, by `span` or by its ends; without any, the last day until the next full minute."""
    now = services.now().astimezone(services.zone)
    if span is not None:
        return Period(*find_span(span, now))
    ordinary_until = _next_minute(now)
    end = read_moment(until, services.zone) if until else ordinary_until
    begin = read_moment(since, services.zone) if since else (end or ordinary_until) - timedelta(days=1)
    if begin is None or end is None:
        return Period(ordinary_until - timedelta(days=1), ordinary_until, "records.time_unread")
    if not timedelta() < end - begin <= _LONGEST:
        return Period(ordinary_until - timedelta(days=1), ordinary_until, "records.time_wrong")
    return Period(begin, end)


PeriodDep = Annotated[Period, Depends(_read_period)]
