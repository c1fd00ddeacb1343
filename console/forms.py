"""What people type into forms, read."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from web.times import FIRST_DAY, LAST_DAY


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
