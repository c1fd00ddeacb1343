"""Plans, residents and meters of random rooms, for the tests of what electricity costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from metering.tariffs.electricity import (
    Period,
    PricePerKwh,
    PricePlan,
    Quota,
    QuotaExpiry,
    QuotaShare,
    QuotaWindow,
    Rate,
    Term,
    WattHours,
)
from metering.tariffs.electricity_charge import Piece
from metering.tariffs.electricity_quota import Stay

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 9, 1)
HOUR = timedelta(hours=1)
_IDS = UUID("4c1d0a55-2f3b-4f3b-9a35-0d6f3a8f0001")

TERMS = (Term("autumn", date(2026, 9, 1), date(2027, 1, 16)), Term("spring", date(2027, 2, 22), date(2027, 7, 10)))


def some_id(name: object) -> UUID:
    """An id that is always the same for the same name."""
    return uuid5(_IDS, str(name))


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """A time of the campus's clock."""
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


def wh(value: int) -> WattHours:
    """Watt-hours."""
    return WattHours(value)


DAY_AND_NIGHT = (Period(time(0), "valley"), Period(time(8), "peak"), Period(time(22), "valley"))


def day_and_night_plan(starts_on: date = FIRST, quota: Quota | None = None) -> PricePlan:
    """Peak and valley, three tiers a year."""
    return PricePlan(
        id=some_id(f"day and night {starts_on}"),
        name="day and night",
        starts_on=starts_on,
        rates=(
            Rate("peak", (PricePerKwh(6170), PricePerKwh(6670), PricePerKwh(9170))),
            Rate("valley", (PricePerKwh(3070), PricePerKwh(3370), PricePerKwh(4870))),
        ),
        workday_periods=DAY_AND_NIGHT,
        holiday_periods=(Period(time(0), "valley"),),
        tier_limits=(wh(40_000), wh(90_000)),
        quota=quota,
        holidays=frozenset({date(2026, 10, 1), date(2026, 10, 2)}),
        worked_days=frozenset({date(2026, 10, 10)}),
    )


@st.composite
def quotas(draw: st.DrawFn) -> Quota:
    """A free quota of any kind."""
    return Quota(
        wh=wh(draw(st.integers(0, 30_000))),
        share=draw(st.sampled_from(QuotaShare)),
        window=draw(st.sampled_from(QuotaWindow)),
        months_without=draw(st.frozensets(st.sampled_from([2, 8, 10]))),
        expiry=draw(st.sampled_from(QuotaExpiry)),
        head_count_day=draw(st.sampled_from([None, 1, 15])),
        by_kind=((("master", wh(draw(st.integers(0, 30_000)))),) if draw(st.booleans()) else ()),
        terms=TERMS,
    )


@st.composite
def price_plans(draw: st.DrawFn) -> tuple[PricePlan, ...]:
    """One to three plans, one after the other."""
    starts = sorted({FIRST, *draw(st.lists(st.dates(FIRST, date(2026, 12, 31)), max_size=2))})
    return tuple(_plan(draw, index, starts_on) for index, starts_on in enumerate(starts))


def _plan(draw: st.DrawFn, index: int, starts_on: date) -> PricePlan:
    limits = sorted({wh(one) for one in draw(st.lists(st.integers(1, 90_000), max_size=2))})
    prices = st.tuples(*(st.integers(0, 12_000).map(PricePerKwh) for _ in range(len(limits) + 1)))
    names = ["flat"] if draw(st.booleans()) else ["peak", "valley"]
    begins = [time(0), *(time(hour) for hour in sorted(draw(st.frozensets(st.integers(1, 23), max_size=7))))]
    workday = tuple(Period(one, names[place % len(names)]) for place, one in enumerate(begins))
    return PricePlan(
        id=some_id(f"plan {index}"),
        name=f"plan {index}",
        starts_on=starts_on,
        rates=tuple(Rate(name, draw(prices)) for name in names),
        workday_periods=workday,
        holiday_periods=(Period(time(0), names[-1]),) if draw(st.booleans()) else (),
        tier_limits=tuple(limits),
        tier_window=draw(st.sampled_from([QuotaWindow.MONTH, QuotaWindow.YEAR])),
        quota=draw(st.one_of(st.none(), quotas())),
    )


@st.composite
def stays_of_a_room(draw: st.DrawFn) -> tuple[Stay, ...]:
    """Who lives there when; the room may be vacant between."""
    stays = []
    for number in range(draw(st.integers(0, 4))):
        begins_on = draw(st.dates(FIRST - timedelta(days=40), date(2026, 12, 31)))
        days = draw(st.one_of(st.none(), st.integers(1, 120)))
        ends_on = None if days is None else begins_on + timedelta(days=days)
        stays.append(Stay(some_id(f"resident {number}"), begins_on, ends_on, draw(st.sampled_from(["", "master"]))))
    return tuple(stays)


@dataclass(frozen=True)
class Series:
    """Readings of a meter: `totals[i]` watt-hours at `times[i]`."""

    times: tuple[datetime, ...]
    totals: tuple[int, ...]

    def pieces(self) -> list[Piece]:
        """What was counted from each reading to the next."""
        return [
            Piece(begins, ends, wh(after - before))
            for (begins, before), (ends, after) in pairwise(zip(self.times, self.totals, strict=True))
        ]


@st.composite
def series(draw: st.DrawFn) -> Series:
    """Readings at any hours of up to four months."""
    hours = sorted(draw(st.frozensets(st.integers(0, 24 * 120), min_size=2, max_size=25)))
    steps = draw(st.lists(st.integers(0, 40_000), min_size=len(hours), max_size=len(hours)))
    totals, total = [], 0
    for step in steps:
        total += step
        totals.append(total)
    return Series(tuple(at(FIRST) + hour * HOUR for hour in hours), tuple(totals))


def parted(pieces: Sequence[Piece], cuts: Sequence[int]) -> list[list[Piece]]:
    """The same pieces in runs of a billing job that happened at any times."""
    places = [0, *sorted({cut % (len(pieces) + 1) for cut in cuts}), len(pieces)]
    return [list(pieces[begin:end]) for begin, end in pairwise(places)]
