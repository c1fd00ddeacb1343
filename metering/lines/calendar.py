"""What a line does at which hour of the campus: the frozen readings of midnight, the meters' clocks. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FREEZE_FROM = time(0, 5)
"""Meters freeze at midnight by their own clocks, which may be some minutes late."""
NO_FREEZE_FROM = time(23, 50)
"""When a freeze was and what it holds are two questions: between them, no meter may freeze again."""
FREEZE_UNTIL = time(2, 0)
"""After that, meters of which the frozen reading is missing are asked once a cycle."""
SET_CLOCKS_FROM = time(3, 0)
"""Away from midnight: a clock that is set over it would freeze twice or never."""
FREEZE_TOLERANCE = timedelta(minutes=5)
"""A meter whose freeze carries another minute than midnight has a wrong clock."""


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which `day` begins on campus."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def day_to_freeze(now: datetime, zone: ZoneInfo) -> date | None:
    """Return the day of which the midnight's frozen reading may be asked for; None from 23:50 until 00:05."""
    local = now.astimezone(zone)
    return local.date() if FREEZE_FROM <= local.time() < NO_FREEZE_FROM else None


def is_freeze_hour(now: datetime, zone: ZoneInfo) -> bool:
    """Return whether frozen readings go before the cycle."""
    return FREEZE_FROM <= now.astimezone(zone).time() < FREEZE_UNTIL


def find_midnight(frozen_at: datetime) -> date | None:
    """Return the day that begins with a meter's time of freeze, naive and in campus time; None where none does."""
    day = (frozen_at + FREEZE_TOLERANCE).date()
    return day if abs(frozen_at - datetime.combine(day, time(0))) <= FREEZE_TOLERANCE else None


def day_to_set_clocks(now: datetime, zone: ZoneInfo) -> date | None:
    """Return the day for which the meters' clocks may be set now; None before 03:00 and in the last hour."""
    local = now.astimezone(zone)
    return local.date() if SET_CLOCKS_FROM <= local.time() < time(23, 0) else None
