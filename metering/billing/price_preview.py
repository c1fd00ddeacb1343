"""What other prices would change, before they hold: the same use by both plans. Pure.."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from metering.tariffs.electricity import Fen, PricePlan, WattHours, midnight
from metering.tariffs.electricity_charge import BillState, Piece, RoomTerms, charge
from metering.tariffs.electricity_quota import DAY, Stay

USES = (WattHours(50_000), WattHours(100_000), WattHours(200_000), WattHours(400_000))
"""What a dormitory room uses in a month: little, usual, much, a hot summer."""
DAYS = 30
HEADS = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """What a room of four pays for a month's use, spread evenly over its hours; `old` is None without a plan today."""

    wh: WattHours
    old: Fen | None
    new: Fen


def compare(old: PricePlan | None, new: PricePlan, zone: ZoneInfo) -> list[Compared]:
    """Return what typical rooms pay in the first 30 days of `new`, and what they would by `old`."""
    return [
        Compared(wh, None if old is None else _cost(old, new.starts_on, wh, zone), _cost(new, new.starts_on, wh, zone))
        for wh in USES
    ]


def _cost(plan: PricePlan, first: date, wh: WattHours, zone: ZoneInfo) -> Fen:
    stays = [Stay(UUID(int=head + 1), first) for head in range(HEADS)]
    # In force for the whole time, whenever it really starts.
    plans = [replace(plan, starts_on=first)]
    terms = RoomTerms.until(midnight(first + DAYS * DAY, zone), plans, stays, zone)
    return charge(BillState(), _hours(first, wh, zone), terms).fen


def _hours(first: date, wh: WattHours, zone: ZoneInfo) -> Sequence[Piece]:
    begins, hour = midnight(first, zone), timedelta(hours=1)
    count = (midnight(first + DAYS * DAY, zone) - begins) // hour
    upto = [int(wh) * index // count for index in range(count + 1)]
    return [
        Piece(begins + index * hour, begins + (index + 1) * hour, WattHours(upto[index + 1] - upto[index]))
        for index in range(count)
    ]
