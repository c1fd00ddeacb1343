"""The campus's rules of supply: when nobody is cut off for money, how each cut-off ends, and who may end it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from metering.vocabulary import MeterAction, TripReason

_LONGEST_BREAK_DAYS = 400
"""More than a year of listed days in a row is a mistake in the list, and ends the search."""


class LiftedBy(StrEnum):
    """What ends a cut-off, or who."""

    PAYMENT = "payment"
    TIME = "time"
    STAFF = "staff"
    WRITTEN_REQUEST = "written_request"
    MOVE_IN = "move_in"


@dataclass(frozen=True, slots=True)
class TripRule:
    """How a cut-off for one reason ends: by what, and whether the resident or the server then closes the relay."""

    lifted_by: LiftedBy
    restored_by: MeterAction
    is_put_off: bool = False
    """Whether it waits while nobody is to be cut off: at night, on listed days, in the cold."""
    may_staff_lift: bool = True


TRIP_RULES: Mapping[TripReason, TripRule] = {
    TripReason.NO_CREDIT: TripRule(LiftedBy.PAYMENT, MeterAction.ARM, is_put_off=True, may_staff_lift=False),
    TripReason.CURFEW: TripRule(LiftedBy.TIME, MeterAction.CLOSE, may_staff_lift=False),
    TripReason.OVERLOAD: TripRule(LiftedBy.TIME, MeterAction.ARM),
    TripReason.MALICIOUS_LOAD: TripRule(LiftedBy.WRITTEN_REQUEST, MeterAction.ARM),
    TripReason.STAFF: TripRule(LiftedBy.STAFF, MeterAction.ARM),
    TripReason.REPLACEMENT: TripRule(LiftedBy.STAFF, MeterAction.ARM),
    TripReason.VACANT: TripRule(LiftedBy.MOVE_IN, MeterAction.ARM, is_put_off=True, may_staff_lift=False),
}
"""Armed, not closed: what was left switched on in a dark room must not start while nobody is there."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day by the campus's clock; it may run past midnight, and is empty where both ends are one."""

    begins: time
    ends: time

    def contains(self, at: time) -> bool:
        """Return whether `at` lies in it; its end does not."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyRules:
    """What a campus decides on. Money in fen, temperatures in °C, power in W."""

    zone: tzinfo
    quiet: Hours = Hours(time(23), time(8))
    """Nobody is cut off for money then: who sleeps cannot pay, and must not stand in the dark."""
    quiet_weekdays: frozenset[int] = frozenset()
    """Monday is 0."""
    quiet_days: frozenset[date] = frozenset()
    coldest_cut_c: int | None = 0
    """Nobody is cut off for money while it is colder outside."""
    emergency_fen: int = 500
    """How far below zero a room may go; the next top-up repays it first, and it is there again above zero."""
    warnings_fen: tuple[int, ...] = (2_000, 1_000)
    curfew: Hours | None = None
    load_limit_w: int | None = None
    overload_pause: timedelta = timedelta(minutes=10)
    overload_trips: int = 3
    """So many in a row and the room waits for a written request."""
    overload_row: timedelta = timedelta(days=1)
    """Trips that follow each other within this are in a row."""
    order_life: timedelta = timedelta(minutes=3)
    """A meter must not obey later: a late order would cut off a room that has paid meanwhile."""
    retry_after: timedelta = timedelta(minutes=5)
    """Before an order that a meter refused, or that did not reach it, is given again."""


def is_cut_put_off(rules: SupplyRules, now: datetime, temperature_c: int | None) -> bool:
    """Return whether nobody is to be cut off for money at `now`; of an unknown temperature nothing follows."""
    return _is_cold(rules, temperature_c) or find_cut_time(rules, now) > now


def find_cut_time(rules: SupplyRules, now: datetime) -> datetime:
    """Return the first instant from `now` on at which a room may be cut off for money, leaving the weather aside."""
    at = now
    for _ in range(2 * _LONGEST_BREAK_DAYS):
        local = at.astimezone(rules.zone)
        if _is_listed(rules, local.date()):
            at = _at(rules, local.date() + timedelta(days=1), time.min)
        elif rules.quiet.contains(local.time()):
            is_after_midnight = local.time() < rules.quiet.ends
            at = _at(rules, local.date() + timedelta(days=0 if is_after_midnight else 1), rules.quiet.ends)
        else:
            return at
    return at


def find_quiet_start(rules: SupplyRules, now: datetime) -> datetime:
    """Return the next instant after `now` at which cutting off is put off."""
    today = now.astimezone(rules.zone).date()
    starts = []
    for days in range(3):
        day = today + timedelta(days=days)
        if _is_listed(rules, day):
            starts.append(_at(rules, day, time.min))
        if rules.quiet.begins != rules.quiet.ends:
            starts.append(_at(rules, day, rules.quiet.begins))
    return min((at for at in starts if at > now), default=now + timedelta(days=2))


def find_curfew_start(rules: SupplyRules, now: datetime) -> datetime | None:
    """Return when the next curfew after `now` begins, `None` where there is none."""
    if rules.curfew is None or rules.curfew.begins == rules.curfew.ends:
        return None
    today = now.astimezone(rules.zone).date()
    starts = (_at(rules, today + timedelta(days=days), rules.curfew.begins) for days in range(2))
    return next(at for at in starts if at > now)


def find_curfew_end(rules: SupplyRules, now: datetime) -> datetime | None:
    """Return when the curfew ends that runs at `now`, `None` where none does."""
    local = now.astimezone(rules.zone)
    if rules.curfew is None or not rules.curfew.contains(local.time()):
        return None
    ends_today = local.time() < rules.curfew.ends
    return _at(rules, local.date() + timedelta(days=0 if ends_today else 1), rules.curfew.ends)


def _is_listed(rules: SupplyRules, day: date) -> bool:
    return day in rules.quiet_days or day.weekday() in rules.quiet_weekdays


def _is_cold(rules: SupplyRules, temperature_c: int | None) -> bool:
    return rules.coldest_cut_c is not None and temperature_c is not None and temperature_c < rules.coldest_cut_c


def _at(rules: SupplyRules, day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=rules.zone)
