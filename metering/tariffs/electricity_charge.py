"""What consumption costs: pieces between readings, plans and residents in; lines that explain themselves out. Pure.

Rounding, once: a line's money is exact in hundred-thousandths of a fen; a charge is rounded half up to the fen, and
what rounding gave or took is carried to the next charge of the room. So the sum of any charges is the exact sum,
rounded half up, however the time was parted.

A piece that lies across a change of price, quota, tier window or residents is parted there in proportion to time, and
what comes of it is marked as estimated; where a reading was frozen at the change nothing is estimated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from metering.tariffs.electricity import (
    NO_ENERGY,
    NO_PRICE,
    Fen,
    PricePerKwh,
    PricePlan,
    Rate,
    WattHours,
    midnight,
    plan_on,
)
from metering.tariffs.electricity_quota import DAY, Grant, Stay, grants, heads_on

MICROSECOND = timedelta(microseconds=1)

EXACT = 100_000
"""Parts of a fen in which energy times price is whole: a watt-hour at 0.0001 yuan/kWh."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Energy counted between two readings of one meter."""

    begins: datetime
    ends: datetime
    wh: WattHours
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a charge at one price. `grant` names the quota it was free by; `is_vacant`: nobody lived there.

    `fen` is the line's share of the charge: rounding is shared among the lines, so that they add up.
    """

    begins: datetime
    ends: datetime
    wh: WattHours
    fen: Fen
    plan: UUID | None
    rate: str = ""
    tier: int = 0
    price: PricePerKwh = NO_PRICE
    grant: str | None = None
    is_vacant: bool = False
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class BillState:
    """What one charge leaves to the next: the carried rounding, energy of this tier window, grants' use."""

    carried: int = 0
    tier_window: str = ""
    tier_wh: WattHours = NO_ENERGY
    used: tuple[tuple[str, WattHours], ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """What pieces came to, line by line, and the state after."""

    fen: Fen
    wh: WattHours
    lines: tuple[Line, ...]
    state: BillState


@dataclass(frozen=True)
class RoomTerms:
    """Everything but the readings that a room's charges depend on. `grants` reach to `until`, and so may charges."""

    plans: tuple[PricePlan, ...]
    stays: tuple[Stay, ...]
    zone: ZoneInfo
    grants: tuple[Grant, ...] = field(repr=False)

    @classmethod
    def until(cls, ends: datetime, plans: Sequence[PricePlan], stays: Sequence[Stay], zone: ZoneInfo) -> "RoomTerms":
        """Return the terms for charges that end by `ends`."""
        last = ends.astimezone(zone).date() + DAY
        return cls(tuple(plans), tuple(stays), zone, tuple(grants(plans, stays, last, zone)))


@dataclass(frozen=True, slots=True)
class _Context:
    """What decides the price at a time."""

    plan: PricePlan | None
    rate: Rate | None
    tier_window: str
    heads: int
    live: tuple[Grant, ...]


def charge(state: BillState, pieces: Sequence[Piece], terms: RoomTerms) -> Charge:
    """Return what `pieces` cost, in their order. Energy before the first plan, or of a vacant room, costs nothing."""
    meter = _Meter(state)
    for piece in pieces:
        for part, context in _parts(piece, terms):
            meter.take(part, context)
    return meter.result()


class _Meter:
    """Adds up the lines of one charge."""

    def __init__(self, state: BillState) -> None:
        self._state = state
        self._used = dict(state.used)
        self._live: dict[str, None] = {}
        self._lines: list[Line] = []
        self._exact = 0

    def take(self, part: Piece, context: _Context) -> None:
        if part.wh < 0:
            raise ValueError("energy that runs backwards is never billed; a person decides about such a reading")
        if context.plan is None or context.rate is None or context.heads == 0:
            plan = None if context.plan is None else context.plan.id
            self._add(part, part.wh, Line(part.begins, part.ends, part.wh, Fen(0), plan, is_vacant=context.heads == 0))
            return
        if context.tier_window != self._state.tier_window:
            self._state = replace(self._state, tier_window=context.tier_window, tier_wh=WattHours(0))
        self._live = {grant.key: None for grant in context.live}
        left = self._draw(part, context, context.plan)
        self._price(part, left, context.plan, context.rate)

    def _draw(self, part: Piece, context: _Context, plan: PricePlan) -> int:
        left = int(part.wh)
        for grant in context.live:
            free = min(left, max(0, grant.wh - self._used.get(grant.key, WattHours(0))))
            if free:
                self._used[grant.key] = WattHours(self._used.get(grant.key, 0) + free)
                name = f"{grant.window}/{grant.person or 'room'}"
                self._add(part, free, Line(part.begins, part.ends, WattHours(free), Fen(0), plan.id, grant=name))
                left -= free
        return left

    def _price(self, part: Piece, left: int, plan: PricePlan, rate: Rate) -> None:
        while left > 0:
            tier = sum(1 for limit in plan.tier_limits if self._state.tier_wh >= limit)
            room = plan.tier_limits[tier] - self._state.tier_wh if tier < len(plan.tier_limits) else left
            wh, price = min(left, room), rate.prices[tier]
            line = Line(part.begins, part.ends, WattHours(wh), Fen(0), plan.id, rate.name, tier + 1, price)
            self._add(part, wh, line)
            self._state = replace(self._state, tier_wh=WattHours(self._state.tier_wh + wh))
            left -= wh

    def _add(self, part: Piece, wh: int, line: Line) -> None:
        """Append a line, or lengthen the last like one; each gets what the running sum's rounding grows by."""
        before = self._rounded()
        self._exact += wh * line.price
        fen = Fen(self._rounded() - before)
        for index in range(len(self._lines) - 1, -1, -1):
            known = self._lines[index]
            if _kind(known) == _kind(line):
                self._lines[index] = replace(
                    known,
                    ends=part.ends,
                    wh=WattHours(known.wh + wh),
                    fen=Fen(known.fen + fen),
                    is_estimated=known.is_estimated or (part.is_estimated and wh > 0),
                )
                return
        if wh:
            self._lines.append(replace(line, fen=fen, is_estimated=part.is_estimated))

    def _rounded(self) -> int:
        # Never below nothing: what was rounded up too often before waits for the next energy.
        return max(0, (self._exact + self._state.carried + EXACT // 2) // EXACT)

    def result(self) -> Charge:
        fen = self._rounded()
        carried = self._exact + self._state.carried - fen * EXACT
        used = tuple(sorted((key, wh) for key, wh in self._used.items() if not self._live or key in self._live))
        return Charge(
            fen=Fen(fen),
            wh=WattHours(sum(line.wh for line in self._lines)),
            lines=tuple(self._lines),
            state=replace(self._state, carried=carried, used=used),
        )


def _kind(line: Line) -> tuple[UUID | None, str, int, PricePerKwh, str | None, bool]:
    return line.plan, line.rate, line.tier, line.price, line.grant, line.is_vacant


def _parts(piece: Piece, terms: RoomTerms) -> Iterator[tuple[Piece, _Context]]:
    """Part a piece where the price changes inside of it."""
    cuts = [(piece.begins, _context(piece.begins, terms))]
    for at in boundaries(piece.begins, piece.ends, terms):
        context = _context(at, terms)
        if context != cuts[-1][1]:
            cuts.append((at, context))
    if len(cuts) == 1:
        yield piece, cuts[0][1]
        return
    whole, taken = (piece.ends - piece.begins) // MICROSECOND, 0
    for index, (begins, context) in enumerate(cuts):
        ends = cuts[index + 1][0] if index + 1 < len(cuts) else piece.ends
        upto = int(piece.wh) * ((ends - piece.begins) // MICROSECOND) // whole
        yield Piece(begins, ends, WattHours(upto - taken), is_estimated=True), context
        taken = upto


def boundaries(begins: datetime, ends: datetime, terms: RoomTerms) -> Iterator[datetime]:
    """Return every instant between two at which the campus's day or a period of it begins: only there prices change."""
    day, last = begins.astimezone(terms.zone).date(), ends.astimezone(terms.zone).date()
    while day <= last:
        plan = plan_on(terms.plans, day)
        times = [midnight(day, terms.zone)]
        if plan is not None:
            clocks = [one.begins for one in plan.periods_of(day)[1:]]
            times += [datetime.combine(day, one, terms.zone).astimezone(UTC) for one in clocks]
        yield from (at for at in times if begins < at < ends)
        day += DAY


def _context(at: datetime, terms: RoomTerms) -> _Context:
    local = at.astimezone(terms.zone)
    plan = plan_on(terms.plans, local.date())
    heads = min(1, heads_on(terms.stays, local.date()))
    live = tuple(grant for grant in terms.grants if grant.is_live(at)) if heads else ()
    if plan is None:
        return _Context(None, None, "", heads, live)
    return _Context(plan, plan.rate_at(local), plan.tier_window_of(local), heads, live)
