"""What a session's water costs: per litre, per minute in which the valve is open, cold and hot. Pure.

A session is priced by the list that held when it began, as a whole: its cost is rounded once, half up to the fen, and
what is charged in several steps is the difference of two such sums, so no remainder is lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from messages.metering import WaterPrice
from metering.vocabulary import Utility

ML_PER_M3 = 1_000_000
S_PER_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class WaterUse:
    """What was used of one water: whole millilitres, and seconds with the valve open and in a pause."""

    utility: str
    ml: int
    open_s: int = 0
    paused_s: int = 0


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of a place from `valid_from` until the next list's beginning."""

    id: UUID
    valid_from: datetime
    prices: tuple[WaterPrice, ...]
    is_pause_charged: bool = False

    def price_of(self, utility: str) -> WaterPrice | None:
        """Return the price of a water, or None where it has none."""
        return next((price for price in self.prices if price.utility == utility), None)

    def cost(self, uses: Iterable[WaterUse]) -> int:
        """Return the whole cost in fen; a water without a price costs nothing."""
        return half_up(sum((self.exact_cost(use) for use in uses), Fraction(0)))

    def hot_cost(self, uses: Iterable[WaterUse]) -> int:
        """Return the part of the cost that is hot water's, in fen."""
        return self.cost([use for use in uses if use.utility == Utility.HOT_WATER])

    def exact_cost(self, use: WaterUse) -> Fraction:
        """Return the cost of one use in fen, unrounded."""
        price = self.price_of(use.utility)
        if price is None:
            return Fraction(0)
        seconds = use.open_s + (use.paused_s if self.is_pause_charged else 0)
        return Fraction(use.ml * price.fen_per_m3, ML_PER_M3) + Fraction(seconds * price.fen_per_hour, S_PER_HOUR)


def half_up(fen: Fraction) -> int:
    """Round an amount that is not negative, half up."""
    return int(fen + Fraction(1, 2))


def valid_at(lists: Sequence[PriceList], at: datetime) -> PriceList | None:
    """Return the list that holds at a time: of those that have begun the last."""
    begun = [one for one in lists if one.valid_from <= at]
    return max(begun, key=lambda one: one.valid_from, default=None)
