"""Gates as one person may pass them: a week in bars and words, and what to show there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from access.schedules import SpecialDays
from directory.entitlements import Entitlement, OpenDay

_DAY_MIN = 24 * 60


@dataclass(frozen=True, slots=True)
class ShownDay:
    """A day of the week shown: bars in minutes, the same in words, and where now is in it."""

    day: date
    weekday: int
    bars: Sequence[tuple[int, int]]
    hours: Sequence[str]
    special: Sequence[str]
    now_min: int | None


@dataclass(frozen=True, slots=True)
class ShownSpecial:
    """Special days that are near: their hours in words, none where the gate is closed."""

    name: str
    first: date
    last: date
    hours: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownGate:
    """A gate that one may pass; `state` is `open`, `later` or `nothing` (one has nothing that opens it)."""

    gate: Entitlement
    state: str
    days: Sequence[ShownDay]
    special_days: Sequence[ShownSpecial]


def describe_gates(found: Sequence[Entitlement], now: datetime, zone: ZoneInfo) -> list[ShownGate]:
    """Return the gates in their order; `zone` is the campus's."""
    local = now.astimezone(zone)
    return [
        ShownGate(
            one,
            _find_state(one),
            [_describe_day(day, local) for day in one.days],
            [_describe_special(special) for special in one.special_days],
        )
        for one in found
    ]


def say_stretch(start: int, end: int) -> str:
    """Return `06:00–23:00`."""
    return f"{start // 60:02}:{start % 60:02}–{end // 60:02}:{end % 60:02}"


def _find_state(one: Entitlement) -> str:
    if one.is_open:
        return "open"
    return "later" if any(means.refusal is None for means in one.means) else "nothing"


def _describe_day(one: OpenDay, local: datetime) -> ShownDay:
    is_today = one.day == local.date()
    return ShownDay(
        one.day,
        one.day.weekday(),
        one.stretches,
        [say_stretch(start, end) for start, end in one.stretches],
        one.special,
        local.hour * 60 + local.minute if is_today else None,
    )


def _describe_special(one: SpecialDays) -> ShownSpecial:
    hours = []
    for each in one.hours:
        start, until = each.start.hour * 60 + each.start.minute, each.until.hour * 60 + each.until.minute
        hours.append(say_stretch(start, _DAY_MIN if until == 0 else until))
    return ShownSpecial(one.name, one.first, one.last, hours)
