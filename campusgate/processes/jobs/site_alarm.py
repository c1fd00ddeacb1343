"""Alarms of the whole site that a job raises and ends."""

from datetime import datetime

from database import Database
from operations.alarms import register
from operations.alarms.rules import EVERYWHERE, AlarmKind, Signal


def set_site_alarm(
    database: Database, kind: AlarmKind, now: datetime, *, raises: bool, reason: str | None = None
) -> None:
    """Raise an alarm for the whole site, or end it."""
    with database.begin() as session:
        register.apply(session, [Signal(EVERYWHERE, kind, now, raises=raises, reason=reason)], now=now)
