"""Times that a request may carry, and a clock that only counts."""

import time
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2200, 1, 1)
"""Calendar arithmetic in any zone can bear what lies between."""

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
"""A day of a calendar."""

Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]
"""A time that calendar arithmetic in any zone can bear."""


def steady_s() -> float:
    """Return the seconds since the machine started: they never run backwards, and go on while it is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
