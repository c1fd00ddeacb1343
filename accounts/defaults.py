"""What a campus gets that configured nothing else, and what limits may be: for settings and services alike."""

from datetime import timedelta
from zoneinfo import ZoneInfo

TIME_ZONE = ZoneInfo("Asia/Shanghai")
FIRST_PASSWORD_PREFIX = "Campus@#"  # noqa: S105 - the campus guide prints it
LONGEST_SIGN_IN = timedelta(days=90)
"""A sign-in ends then, however often it was refreshed."""
MEAL_LIMIT, DAY_LIMIT = 3_000, 10_000
"""Fen that the campus guide allows a meal and a day without the consumption password."""
HIGHEST_LIMIT = 1_000_000
"""Fen: no limit is above ten thousand yuan."""


def are_limits(meal: int, day: int) -> bool:
    """Return whether these can be limits, in fen: a meal may cost no more than a day."""
    return 0 <= meal <= day <= HIGHEST_LIMIT
