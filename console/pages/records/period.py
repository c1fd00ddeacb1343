"""The time that a page of records is about, as it was asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from console.dependencies import ServicesDep
from console.forms import read_moment

_LONGEST = timedelta(days=366)
Moment = Annotated[str, Query(max_length=32, description="local time of the campus, as 2026-11-27T18:00")]


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


async def _read_period(services: ServicesDep, since: Moment = "", until: Moment = "") -> Period:
    """Return the period asked for; without any, the last day until the next full minute."""
    now = services.now().astimezone(services.zone)
    ordinary_until = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    end = read_moment(until, services.zone) if until else ordinary_until
    begin = read_moment(since, services.zone) if since else (end or ordinary_until) - timedelta(days=1)
    if begin is None or end is None:
        return Period(ordinary_until - timedelta(days=1), ordinary_until, "records.time_unread")
    if not timedelta() < end - begin <= _LONGEST:
        return Period(ordinary_until - timedelta(days=1), ordinary_until, "records.time_wrong")
    return Period(begin, end)


PeriodDep = Annotated[Period, Depends(_read_period)]
