"""What people type into forms, read."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Form
from pydantic import BaseModel, BeforeValidator, ConfigDict

from web.times import FIRST_DAY, LAST_DAY

FormKey = Annotated[UUID | None, Form()]
"""Made when a form is rendered: what comes with it again was sent twice."""
_USUAL_DAYS = 31
_MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day, both included, that a page of one's own is about; `problem` is a key of words."""

    first: date
    last: date
    problem: str | None = None


def read_days(first: str, last: str, today: date) -> Days:
    """Return the days asked for, at most 366; the last 31 where nothing is typed, or nothing that can be taken."""
    until = read_day(last) or today
    since = read_day(first) or until - timedelta(days=_USUAL_DAYS - 1)
    ordinary = today - timedelta(days=_USUAL_DAYS - 1)
    if any(value and read_day(value) is None for value in (first, last)):
        return Days(ordinary, today, "own_money.days_unread")
    if not timedelta() <= until - since < timedelta(days=_MOST_DAYS):
        return Days(ordinary, today, "own_money.days_wrong")
    return Days(since, until)


def _none_for_nothing(value: object) -> object:
    return None if value == "" else value


NONE_FOR_NOTHING = BeforeValidator(_none_for_nothing)
"""Of a field that may be left empty, which browsers send all the same."""


class ListSearch(BaseModel):
    """What the form above a list asks for."""

    model_config = ConfigDict(frozen=True)

    @property
    def query(self) -> dict[str, str]:
        """What the address of the next page says of it."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value is not None}


def read_day(typed: str) -> date | None:
    """Return a day as `2026-11-27`; None when it is none, or no calendar of ours."""
    try:
        found = date.fromisoformat(typed.strip())
    except ValueError:
        return None
    return found if FIRST_DAY <= found <= LAST_DAY else None


def read_moment(typed: str, zone: ZoneInfo) -> datetime | None:
    """Return a moment in campus time as a browser's field gives it: `2026-11-27T09:30`; None when it is none."""
    try:
        found = datetime.fromisoformat(typed.strip())
    except ValueError:
        return None
    is_whole = found.tzinfo is None and FIRST_DAY <= found.date() <= LAST_DAY
    return found.replace(tzinfo=zone) if is_whole else None
