"""How far a controller's clock is believed: what it says of the past decides prices, months and days."""

from datetime import datetime, timedelta

from messages.metering import SessionReport
from metering.sessions.places import Placed

MOST_APART = timedelta(minutes=5)
"""By which a controller's clock may differ from the server's."""


def believed(found: Placed, report: SessionReport, told: datetime | None, now: datetime) -> datetime | None:
    """Return a time that a report tells, or None where its clock is not sure of it, or where it cannot be.

    It cannot be in the future, nor before the controller was entered.
    """
    if told is None or not report.clock_sure:
        return None
    return told if found.device.created_at - MOST_APART <= told <= now + MOST_APART else None
