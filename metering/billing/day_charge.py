"""What one campus day of a room costs: its meters' courses, the terms and the state before in. Pure.

A day is charged from the midnight that begins it to the one that ends it, so that moves, price changes and quotas,
which all follow midnights, never part a charge; prices that change within a day are parted by the day's own readings.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from metering.readings.values import Reading, ReadingAt
from metering.rooms.consumption import Consumption, MeterConsumption, RoomCourse, find_consumption
from metering.tariffs.electricity import WattHours, midnight
from metering.tariffs.electricity_charge import EXACT, BillState, Charge, Piece, RoomTerms, boundaries, charge
from metering.tariffs.electricity_quota import DAY, heads_on
from metering.vocabulary import ReadingQuality, ReadingSource


@dataclass(frozen=True, slots=True)
class QuotedReading:
    """A register's value as a charge quotes it; `read_at` are the readings that it follows from."""

    at: datetime
    digits: int
    source: ReadingSource
    quality: ReadingQuality
    read_at: tuple[datetime, ...]

    @classmethod
    def of(cls, value: ReadingAt) -> "QuotedReading":
        """Quote a value."""
        times = sorted({value.before.at, value.after.at})
        return cls(value.at, value.digits, value.source, value.quality, tuple(times))


@dataclass(frozen=True, slots=True)
class Quote:
    """One meter's part of a charge: both readings, the digits that passed between them, the ratio, the energy."""

    meter: UUID
    serial: str
    start: QuotedReading
    end: QuotedReading
    digits: int
    ratio: int
    wh: WattHours

    @classmethod
    def of(cls, part: MeterConsumption) -> "Quote":
        """Quote a meter's consumption."""
        start, end = QuotedReading.of(part.start), QuotedReading.of(part.end)
        return cls(part.start.meter, part.serial, start, end, part.digits, part.ratio, WattHours(part.wh))

    @property
    def is_estimated(self) -> bool:
        """Whether one of the readings was not read but worked out."""
        return ReadingQuality.ESTIMATED in {self.start.quality, self.end.quality}


@dataclass(frozen=True, slots=True)
class DayCharge:
    """What a day came to, with what it quotes. `is_vacant`: nobody lived there, nobody pays."""

    day: date
    quotes: tuple[Quote, ...]
    charge: Charge
    is_vacant: bool

    @property
    def is_estimated(self) -> bool:
        """Whether a reading it quotes, or a part of its price, was worked out."""
        return any(quote.is_estimated for quote in self.quotes) or any(line.is_estimated for line in self.charge.lines)


def charge_day(
    courses: Sequence[RoomCourse], day: date, state: BillState, terms: RoomTerms, zone: ZoneInfo
) -> DayCharge:
    """Return what a whole day costs.

    Raises:
        NotReadYetError: a meter was not read at or after its end.
    """
    start, end = midnight(day, zone), midnight(day + DAY, zone)
    quotes = tuple(Quote.of(part) for part in find_consumption(courses, start, end).parts)
    came_to = charge(state, pieces(courses, start, end, terms), terms)
    return DayCharge(day, quotes, came_to, heads_on(terms.stays, day) == 0)


def charge_again(charged: DayCharge, state: BillState, terms: RoomTerms) -> DayCharge:
    """Return what a day costs under other terms, from its own lines: its readings may be too old to be kept."""
    used = [Piece(line.begins, line.begins, line.wh, line.is_estimated) for line in charged.charge.lines]
    return replace(charged, charge=charge(state, used, terms), is_vacant=heads_on(terms.stays, charged.day) == 0)


def is_same(one: DayCharge, other: DayCharge) -> bool:
    """Return whether two charges of a day say the same, but for how rounding fell."""
    return (one.quotes, one.is_vacant, _priced(one)) == (other.quotes, other.is_vacant, _priced(other))


def _priced(one: DayCharge) -> list[object]:
    return [
        (line.wh, line.plan, line.rate, line.tier, line.price, line.grant, line.is_vacant) for line in one.charge.lines
    ]


def keep_money(charged: DayCharge, again: DayCharge) -> BillState:
    """Return the state after a day that stays charged as it is: what rounding gave or took is carried on."""
    state = again.charge.state
    return replace(state, carried=state.carried + (again.charge.fen - charged.charge.fen) * EXACT)


def pieces(courses: Sequence[RoomCourse], start: datetime, end: datetime, terms: RoomTerms) -> list[Piece]:
    """Return what was used from `start` to `end`, in the order in which it was.

    It is parted at the readings next to each instant at which a price may change: further ones would change nothing.

    Raises:
        NotReadYetError: a meter that counts was not read at or after `end`.
    """
    changes = list(boundaries(start, end, terms))
    instants = sorted({start, end, *_read_next_to(changes, courses, start, end)})
    return [
        piece for begins, ends in pairwise(instants) for piece in _pieces_of(find_consumption(courses, begins, ends))
    ]


def _pieces_of(used: Consumption) -> Iterator[Piece]:
    for part in used.parts:
        if part.wh:
            yield Piece(part.start.at, part.end.at, WattHours(part.wh), part.is_estimated)


def _read_next_to(
    changes: Sequence[datetime], courses: Sequence[RoomCourse], start: datetime, end: datetime
) -> Iterator[datetime]:
    """Return of each meter when it was last read by each change, and first after it."""
    for one in courses:
        read = [at for reading in one.course.readings for at in _instants(reading) if start < at < end]
        for change in changes:
            place = bisect_right(read, change)
            yield from read[max(0, place - 1) : place + 1]


def _instants(reading: Reading) -> tuple[datetime, datetime]:
    return reading.at, reading.seen_at
