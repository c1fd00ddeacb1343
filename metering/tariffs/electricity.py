"""Electricity's prices as a plan says them: tiers, time of use, a free quota. Pure.

Energy, money and prices are different types, so that a type checker refuses to show or add one as another. A plan is
never changed: a new price is a new plan with a later start, and the reading of that midnight parts the two.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import NewType
from uuid import UUID
from zoneinfo import ZoneInfo

WattHours = NewType("WattHours", int)
Fen = NewType("Fen", int)
PricePerKwh = NewType("PricePerKwh", int)
"""In ten-thousandths of a yuan a kWh, the digits in which grid prices are published: 5283 is 0.5283 yuan."""

NO_ENERGY, NO_MONEY, NO_PRICE = WattHours(0), Fen(0), PricePerKwh(0)

MOST_PERIODS = 8
"""Of one day, as meters know them."""

SATURDAY = 5


class PlanError(ValueError):
    """A plan contradicts itself; the message says how."""


class QuotaWindow(StrEnum):
    """Over which calendar time something counts."""

    MONTH = "month"
    TERM = "term"
    YEAR = "year"


class QuotaShare(StrEnum):
    """To whom a free quota is given."""

    PERSON = "person"
    ROOM = "room"


class QuotaExpiry(StrEnum):
    """Until when the unused rest of a quota is kept: its own window, or the end of the term or year, or for ever."""

    WINDOW = "window"
    TERM = "term"
    YEAR = "year"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the campus, from `begins_on` until before `ends_on`."""

    name: str
    begins_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Period:
    """From `begins` by the campus's clock until the next period, this rate holds."""

    begins: time
    rate: str


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate such as `peak`: its price in each tier, lowest tier first."""

    name: str
    prices: tuple[PricePerKwh, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """Energy that costs nothing.

    `head_count_day` is the day of the window's first month on which heads are counted; without one the quota is given
    by the days that somebody really lives there. `by_kind` gives other amounts to other kinds or groups of people.
    """

    wh: WattHours
    share: QuotaShare = QuotaShare.PERSON
    window: QuotaWindow = QuotaWindow.MONTH
    months_without: frozenset[int] = frozenset()
    expiry: QuotaExpiry = QuotaExpiry.WINDOW
    head_count_day: int | None = None
    by_kind: tuple[tuple[str, WattHours], ...] = ()
    terms: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be counted.

        Raises:
            PlanError: see there.
        """
        if self.wh < 0 or any(wh < 0 for _, wh in self.by_kind):
            raise PlanError("a quota is not negative")
        if self.head_count_day is not None and not 1 <= self.head_count_day <= 28:
            raise PlanError("heads are counted on a day that each month has: 1 to 28")
        if not self.months_without <= frozenset(range(1, 13)):
            raise PlanError("months are numbered 1 to 12")
        if QuotaWindow.TERM in (self.window, self.expiry) and not self.terms:
            raise PlanError("a quota by term names the terms")
        if any(one.ends_on <= one.begins_on for one in self.terms):
            raise PlanError("a term ends after it begins")

    def wh_of(self, kinds: Collection[str]) -> WattHours:
        """Return what a person of these kinds gets in a whole window: the first amount that is given to one of them."""
        return next((wh for kind, wh in self.by_kind if kind in kinds), self.wh)

    def term_of(self, day: date) -> Term | None:
        """Return the term of a day, None in the holidays between."""
        return next((one for one in self.terms if one.begins_on <= day < one.ends_on), None)


@dataclass(frozen=True, slots=True)
class PricePlan:
    """What electricity costs from the midnight that begins `starts_on`, until a later plan starts.

    `tier_limits` are the energies of a room in `tier_window` at which the next tier begins; there is one price more
    than limits. Free energy does not count for tiers. Saturdays, Sundays and `holidays` follow `holiday_periods`,
    except `worked_days`.
    """

    id: UUID
    name: str
    starts_on: date
    rates: tuple[Rate, ...]
    workday_periods: tuple[Period, ...]
    holiday_periods: tuple[Period, ...] = ()
    tier_limits: tuple[WattHours, ...] = ()
    tier_window: QuotaWindow = QuotaWindow.YEAR
    quota: Quota | None = None
    holidays: frozenset[date] = field(default_factory=frozenset)
    worked_days: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Refuse a plan under which some energy would have no price, or two.

        Raises:
            PlanError: see there.
        """
        names = [rate.name for rate in self.rates]
        if len(set(names)) != len(names) or not names:
            raise PlanError("a plan has rates, each with a name of its own")
        if any(len(rate.prices) != len(self.tier_limits) + 1 for rate in self.rates):
            raise PlanError("each rate has a price for each tier: one more than there are limits")
        if any(price < 0 for rate in self.rates for price in rate.prices):
            raise PlanError("a price is not negative")
        if list(self.tier_limits) != sorted(set(self.tier_limits)) or any(one <= 0 for one in self.tier_limits):
            raise PlanError("the limits of tiers rise")
        if self.tier_window is QuotaWindow.TERM:
            raise PlanError("tiers count by calendar month or year")
        self._check_day(self.workday_periods, names)
        if self.holiday_periods:
            self._check_day(self.holiday_periods, names)

    @staticmethod
    def _check_day(periods: Sequence[Period], names: Sequence[str]) -> None:
        begins = [period.begins for period in periods]
        if not 1 <= len(periods) <= MOST_PERIODS:
            raise PlanError(f"a day has 1 to {MOST_PERIODS} periods")
        if begins != sorted(set(begins)) or begins[0] != time(0):
            raise PlanError("the periods of a day rise, and the first begins at 00:00")
        if any(period.rate not in names for period in periods):
            raise PlanError("a period names one of the plan's rates")

    def is_holiday(self, day: date) -> bool:
        """Return whether the periods of holidays hold on a day."""
        if day in self.worked_days:
            return False
        return day in self.holidays or day.weekday() >= SATURDAY

    def periods_of(self, day: date) -> tuple[Period, ...]:
        """Return the periods of a day."""
        return self.holiday_periods if self.holiday_periods and self.is_holiday(day) else self.workday_periods

    def rate_at(self, local: datetime) -> Rate:
        """Return the rate at a time of the campus's clock."""
        clock = local.time()
        name = next(one.rate for one in reversed(self.periods_of(local.date())) if one.begins <= clock)
        return next(rate for rate in self.rates if rate.name == name)

    def tier_window_of(self, local: datetime) -> str:
        """Return the name of the calendar time in which tiers count: `2026`, or `2026-11`."""
        return f"{local:%Y}" if self.tier_window is QuotaWindow.YEAR else f"{local:%Y-%m}"


def flat_plan(id_: UUID, name: str, starts_on: date, price: PricePerKwh, *, quota: Quota | None = None) -> PricePlan:
    """Return a plan with one price at every hour."""
    return PricePlan(id_, name, starts_on, (Rate("flat", (price,)),), (Period(time(0), "flat"),), quota=quota)


def plan_on(plans: Sequence[PricePlan], day: date) -> PricePlan | None:
    """Return the plan of a day: the one that started last; None before the first."""
    started = [plan for plan in plans if plan.starts_on <= day]
    return max(started, key=lambda plan: plan.starts_on, default=None)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day of the campus begins."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def kwh_text(wh: WattHours) -> str:
    """Write energy with its unit: `12.345 kWh`."""
    sign = "-" if wh < 0 else ""
    return f"{sign}{abs(wh) // 1000}.{abs(wh) % 1000:03d} kWh"


def yuan_text(fen: Fen) -> str:
    """Write money with its unit: `¥12.34`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100}.{abs(fen) % 100:02d}"


def price_text(price: PricePerKwh) -> str:
    """Write a price with its unit: `¥0.5283/kWh`."""
    return f"¥{price // 10_000}.{price % 10_000:04d}/kWh"
