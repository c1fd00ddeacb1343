"""Who is told of an alarm, and when. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bus.backoff import Backoff
from operations.alarms.rules import NATURE, AlarmKind, Severity

_ORDER = (Severity.CRITICAL, Severity.MAJOR, Severity.MINOR)
_BACKOFF = Backoff(first_s=5.0, longest_s=300.0, spread=0.0)


@dataclass(frozen=True, slots=True)
class Route:
    """A channel hears of alarms that nobody has acknowledged `after` they were raised here."""

    channel: str
    after: timedelta
    least: Severity = Severity.MINOR
    """Of alarms that are less than this it hears nothing."""
    kinds: frozenset[AlarmKind] | None = None
    """Only of these; None: of all."""


def due(routes: Sequence[Route], told: Collection[str], *, kind: AlarmKind, waited: timedelta) -> list[Route]:
    """Return the routes by which an open alarm that nobody has acknowledged is to be told now."""
    severity = NATURE[kind].severity
    return [
        route
        for route in routes
        if route.channel not in told
        and waited >= route.after
        and _ORDER.index(severity) <= _ORDER.index(route.least)
        and (route.kinds is None or kind in route.kinds)
    ]


def next_try(now: datetime, attempts: int) -> datetime:
    """Return when a notice that failed `attempts` times is tried again."""
    return now + timedelta(seconds=_BACKOFF.wait_s(attempts))
