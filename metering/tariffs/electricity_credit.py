"""A room's credit: what a top-up repays, when it is low, days left, and shares that add up. Pure.

A debt needs no account of its own: what was used has been used, the balance says so, and the next top-up fills it up
from below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from metering.tariffs.electricity import Fen, WattHours
from metering.tariffs.electricity_charge import BillState, Piece, RoomTerms, charge
from metering.tariffs.electricity_quota import DAY

_T = TypeVar("_T")

WARN_BELOW = (4, WattHours(20_000)), (10, WattHours(30_000))
"""By beds: what universities publish for rooms of four and of ten."""

MOST_DAYS = 120
"""How far a forecast looks; beyond a term nobody plans."""


@dataclass(frozen=True, slots=True)
class TopUpEffect:
    """What a top-up does: `repays` goes into the debt first, `balance` is what stands then.

    `still_missing` is what must be paid on top before the supply may be armed; 0 where this is enough.
    """

    repays: Fen
    balance: Fen
    still_missing: Fen


def top_up_effect(available: Fen, amount: Fen) -> TopUpEffect:
    """Return what `amount` does to a room with `available` fen, below zero for a debt."""
    debt = max(0, -available)
    after = available + amount
    # A room at exactly nothing would be cut again at the next watt-hour.
    return TopUpEffect(Fen(min(debt, amount)), Fen(after), Fen(max(0, 1 - after)))


def warning_level(beds: int) -> WattHours:
    """Return the energy below which a room with so many beds is low."""
    fitting = [wh for most, wh in WARN_BELOW if beds <= most]
    return fitting[0] if fitting else WARN_BELOW[-1][1]


def energy_left(available: Fen, state: BillState, at: datetime, terms: RoomTerms, most: WattHours) -> WattHours:
    """Return how much can be used at one instant, free energy included, before `available` is gone; at most `most`."""
    low, high = 0, int(most)
    while low < high:
        middle = (low + high + 1) // 2
        costs = charge(state, [Piece(at, at, WattHours(middle))], terms).fen
        low, high = (middle, high) if costs <= max(0, available) else (low, middle - 1)
    return WattHours(low)


def days_left(available: Fen, state: BillState, at: datetime, daily: WattHours, terms: RoomTerms) -> int | None:
    """Return for how many whole days of `daily` energy the credit lasts; None where no end is in sight.

    Quotas and tiers to come are counted; `terms` must reach `MOST_DAYS` ahead.
    """
    if daily <= 0:
        return None
    left = int(available)
    for day in range(MOST_DAYS):
        begins = at + day * DAY
        came_to = charge(state, [Piece(begins, begins + DAY, daily)], terms)
        left, state = left - came_to.fen, came_to.state
        if left < 0:
            return day
    return None


def split_equally(amount: int, parties: Sequence[_T]) -> dict[_T, int]:
    """Share out `amount` (fen or watt-hours, not negative) so that it adds up; the first ones get what is left over.

    Raises:
        ValueError: there is nobody to share it.
    """
    if not parties:
        raise ValueError("there is nobody to share this")
    each, over = divmod(amount, len(parties))
    return {party: each + (index < over) for index, party in enumerate(parties)}


@dataclass(frozen=True, slots=True)
class LoungeQuota:
    """Free energy of a lounge in one window, given only when enough of the flat's beds are taken (in percent)."""

    wh: WattHours
    least_occupancy: int = 50


def lounge_excess(
    used: WattHours, quota: LoungeQuota, *, residents: int, beds: int, rooms: Sequence[_T]
) -> dict[_T, WattHours]:
    """Return what each occupied room of a flat bears of what its lounge used beyond the quota.

    Raises:
        ValueError: no room is occupied; what a vacant flat uses nobody in it pays.
    """
    is_given = beds > 0 and residents * 100 >= quota.least_occupancy * beds
    excess = max(0, used - (quota.wh if is_given else 0))
    return {room: WattHours(wh) for room, wh in split_equally(excess, rooms).items()}
