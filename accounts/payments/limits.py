"""Spending limits (消费限额): 30 yuan a meal and 100 yuan a calendar day, unless the holder chose others.

A meal is a configured period of the campus's day and a day is a calendar day of the campus's time zone: neither is a
rolling window. What counts is what was paid *and* what is held. The ledger keeps one counter for each window and checks
the caps under the wallet's lock, so two terminals cannot both take the last yuan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from accounts import audit
from accounts.defaults import DAY_LIMIT, HIGHEST_LIMIT, MEAL_LIMIT, are_limits
from accounts.ledger.tables import SpendingCounter
from accounts.ledger.transfer import Cap
from accounts.payments.tables import SpendingLimit
from web.problems import ProblemError


class InvalidLimitsError(ProblemError):
    """The limits are out of range, or a meal may cost more than a day."""

    code = "invalid_limits"
    status = 422
    title = "These limits cannot be set"


@dataclass(frozen=True, slots=True)
class MealPeriod:
    """A meal by the campus's clock, from `begins` until just before `ends`; it may run past midnight.

    An end of 23:59 means the whole of that last minute; equal times are a whole day.
    """

    name: str
    begins: time
    ends: time

    def date_of(self, local: datetime) -> date | None:
        """Return the date of the meal going on at the campus time `local`, or None."""
        clock = local.time()
        ends = time(0) if self.ends >= time(23, 59) and self.ends != self.begins else self.ends
        if self.begins < ends:
            return local.date() if self.begins <= clock < ends else None
        if clock >= self.begins:
            return local.date()
        return local.date() - timedelta(days=1) if clock < ends else None


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent without the consumption password, in fen."""

    meal: int = MEAL_LIMIT
    day: int = DAY_LIMIT

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            InvalidLimitsError: see there.
        """
        if not are_limits(self.meal, self.day):
            raise InvalidLimitsError(f"0 ≤ meal ≤ day ≤ {HIGHEST_LIMIT} fen, not meal {self.meal} and day {self.day}")


MEALS = (
    MealPeriod("breakfast", time(5), time(10)),
    MealPeriod("lunch", time(10), time(15)),
    MealPeriod("dinner", time(15), time(21)),
    MealPeriod("late", time(21), time(2)),
)
"""The meals where the campus configures no others. Outside of them only the day's limit holds."""


def caps(
    limits: Limits, at: datetime, zone: ZoneInfo, meals: Sequence[MealPeriod] = MEALS, *, unlocked: bool = False
) -> tuple[Cap, ...]:
    """Return the windows that a payment at the time `at` counts in; `unlocked` (by password) counts without a limit."""
    local = at.astimezone(zone)
    found = []
    for meal in meals:
        if (meal_date := meal.date_of(local)) is not None:
            found.append(Cap(f"meal/{meal_date}/{meal.name}", None if unlocked else limits.meal))
            break
    found.append(Cap(f"day/{local.date()}", None if unlocked else limits.day))
    return tuple(found)


def of_person(session: Session, person_id: UUID, default: Limits) -> Limits:
    """Return the person's own limits, or the campus's."""
    row = session.get(SpendingLimit, person_id)
    return default if row is None else Limits(row.meal, row.day)


def change(session: Session, person_id: UUID, limits: Limits, *, by: str, now: datetime) -> None:
    """Set a person's limits. Whoever calls this has checked the consumption password."""
    session.merge(SpendingLimit(person_id=person_id, meal=limits.meal, day=limits.day, changed_at=now))
    details: dict[str, audit.Scalar | list[str]] = {"meal": limits.meal, "day": limits.day}
    audit.record(session, actor=by, action="limits.change", subject=f"person:{person_id}", now=now, details=details)


def forget_counters(session: Session, before: datetime) -> None:
    """Delete counters that no payment has touched since `before`; a month is long enough for every refund."""
    session.execute(delete(SpendingCounter).where(SpendingCounter.touched_at < before))
