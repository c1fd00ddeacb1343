"""What a room's electricity must come to, worked out as one would on paper: day by day, with fractions of a fen."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from metering.tariffs.electricity import Period, PricePerKwh, PricePlan, Quota, Rate, WattHours
from metering.tariffs.electricity_quota import Stay
from tests.metering.electricity_cases import DAY_AND_NIGHT, FIRST, some_id

QUOTA_WH = 7_000
LIMITS = (30_000, 70_000)
PRICES = (5_283, 5_783, 8_283)


def plan_of_life(*, by_days: bool) -> PricePlan:
    """Three tiers a year, one price at every hour, and a quota by person and month; hours that change nothing."""
    return PricePlan(
        id=some_id("life"),
        name="life",
        starts_on=FIRST,
        rates=tuple(Rate(name, tuple(map(PricePerKwh, PRICES))) for name in ("valley", "peak")),
        workday_periods=DAY_AND_NIGHT if by_days else (Period(DAY_AND_NIGHT[0].begins, "valley"),),
        tier_limits=tuple(map(WattHours, LIMITS)),
        quota=Quota(WattHours(QUOTA_WH), head_count_day=None if by_days else 1),
    )


def cost(uses: Mapping[date, int], stays: Iterable[Stay], *, by_days: bool) -> Fraction:
    """The exact cost (fen) of what was used each day (Wh)."""
    taken: dict[tuple[UUID, date, date], int] = {}
    lived = list(stays)
    paid_for, total = 0, Fraction(0)
    for day in sorted(uses):
        here = [stay for stay in lived if stay.is_on(day)]
        if not here:
            continue
        left = uses[day]
        for stay in sorted(here, key=lambda one: min(_month_end(day), one.ends_on or _month_end(day))):
            key = stay.person, stay.begins_on, day.replace(day=1)
            free = min(left, max(0, _share(stay, day, by_days=by_days) - taken.get(key, 0)))
            taken[key] = taken.get(key, 0) + free
            left -= free
        total += _tiers(paid_for, paid_for + left)
        paid_for += left
    return total


def half_up(fen: Fraction) -> int:
    """Round half up."""
    return (2 * fen.numerator + fen.denominator) // (2 * fen.denominator)


def _share(stay: Stay, day: date, *, by_days: bool) -> int:
    first, after = day.replace(day=1), _month_end(day)
    if not by_days:
        return QUOTA_WH if stay.is_on(first) else 0
    days = (min(after, stay.ends_on or after) - max(first, stay.begins_on)).days
    return QUOTA_WH * days // (after - first).days


def _tiers(begins: int, ends: int) -> Fraction:
    edges = [0, *LIMITS, max(ends, LIMITS[-1])]
    parts = (
        (max(0, min(ends, high) - max(begins, low)), price)
        for low, high, price in zip(edges, edges[1:], PRICES, strict=False)
    )
    return sum((Fraction(wh * price, 100_000) for wh, price in parts), Fraction(0))


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
