"""A room's consumption by hour, day or month of the campus, as far back as whoever asks may know."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.rooms.consumption import Consumption, find_known_until, find_series
from metering.rooms.courses import load_courses
from metering.rooms.tables import Residence
from web.problems import NotFoundError, ProblemError

MOST_SPANS = 800
"""A month of hours, two years of days."""


Span = tuple[datetime, datetime]
"""From an instant to before another one, aware UTC."""


class Step(StrEnum):
    """How long a span of a series is."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class SeriesTooLongError(ProblemError):
    """The series would have more spans than one answer holds."""

    code = "series_too_long"
    status = 422
    title = "A series has at most 800 spans; ask for longer spans or a shorter time"


_SHORTEST = {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(hours=23), Step.MONTH: timedelta(days=28)}


@dataclass(frozen=True, slots=True)
class Series:
    """What was used in each span; None where that is not known. `known_until`: the last reading of all meters."""

    spans: tuple[Span, ...]
    used: tuple[Consumption | None, ...]
    known_until: datetime | None


def read_series(session: Session, room_id: UUID, time_span: Span, step: Step, zone: ZoneInfo) -> Series:
    """Return a room's consumption between two instants, in spans that begin and end with hours, days or months.

    The first begins at `start` and the last ends at `end`, or at the last reading where that is earlier: what was used
    today is shown today, and what nobody read is shown as unknown.

    Raises:
        SeriesTooLongError: see there.
    """
    start, end = time_span
    if start >= end:
        return Series((), (), None)
    courses = load_courses(session, room_id, start, end)
    known_until = find_known_until(courses)
    if known_until is not None and start < known_until < end:
        end = known_until
    instants = [start, *find_instants(start, end, step, zone), end]
    return Series(tuple(pairwise(instants)), tuple(find_series(courses, instants)), known_until)


def clip_to_residence(session: Session, person_id: UUID, room_id: UUID, time_span: Span, zone: ZoneInfo) -> Span:
    """Return the part of a time in which a person lives or lived in a room, the latest where there are several.

    Raises:
        NotFoundError: they did not live there then: the room's consumption is not theirs to know.
    """
    start, end = time_span
    query = select(Residence).where(Residence.person_id == person_id, Residence.room_id == room_id)
    for one in session.scalars(query.order_by(Residence.moved_in.desc())):
        begins = max(start, find_midnight(one.moved_in, zone))
        ends = end if one.moved_out is None else min(end, find_midnight(one.moved_out, zone))
        if begins < ends:
            return begins, ends
    raise NotFoundError("you do not live in this room, or did not at that time")


def find_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day of the campus begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def find_instants(start: datetime, end: datetime, step: Step, zone: ZoneInfo) -> list[datetime]:
    """Return where the campus's hours, days or months begin between two instants.

    Raises:
        SeriesTooLongError: there are too many.
    """
    if (end - start) / _SHORTEST[step] > MOST_SPANS:
        raise SeriesTooLongError
    found = []
    begins = _begin_of(start.astimezone(zone), step)
    while (begins := _after(begins, step, zone)) < end:
        found.append(begins.astimezone(UTC))
    return [instant for instant in found if instant > start]


def _begin_of(local: datetime, step: Step) -> datetime:
    whole = local.replace(minute=0, second=0, microsecond=0)
    if step is Step.HOUR:
        return whole
    return whole.replace(hour=0) if step is Step.DAY else whole.replace(hour=0, day=1)


def _after(begins: datetime, step: Step, zone: ZoneInfo) -> datetime:
    if step is Step.HOUR:
        # In UTC: a clock that is put back has an hour twice.
        return (begins.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
    if step is Step.DAY:
        return datetime.combine(begins.date() + timedelta(days=1), time(), zone)
    return datetime.combine((begins.date() + timedelta(days=31)).replace(day=1), time(), zone)
