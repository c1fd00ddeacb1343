"""A meter takes another's place, as the person at the switchboard says it: both values as they stand there.

What would follow is told before it is done, so that whoever confirms sees the energy and not only two numbers.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from metering.readings import history
from metering.readings.register import RegisterBackwardsError, advance, is_plausible
from metering.readings.values import Reading, Register
from metering.rooms import meters
from metering.rooms.installation import Exchange, MeterIdleError, exchange
from metering.rooms.shown import parse_shown
from metering.rooms.tables import Meter, MeterPeriod


@dataclass(frozen=True, slots=True)
class NewMeter:
    """A meter that nobody entered yet: what its plate says. Its kind and relay are as the old one's."""

    serial: str
    address: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a person says of a replacement; `new` is a meter in the store, or one that nobody entered yet."""

    old: UUID
    new: UUID | NewMeter
    at: datetime
    final_shown: str
    first_shown: str
    ratio: int | None = None
    """Of the new meter's transformers; as the old one's where it is None."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a replacement would do: the old meter's last reading before it, and the energy between the two.

    `wh` is None where the register would go backwards. `is_plausible`: so much can have passed in the time.
    """

    final_digits: int
    first_digits: int
    register: Register
    before: Reading | None
    wh: int | None
    is_plausible: bool


def foresee(session: Session, wanted: Replacement) -> Foreseen:
    """Return what a replacement would do, without doing it.

    Raises:
        NotFoundError: there is no such meter.
        MeterIdleError, ShownValueError: see there.
    """
    meter, period = _counting(session, wanted.old)
    register = meters.to_register(period)
    final, first = parse_shown(wanted.final_shown, register), parse_shown(wanted.first_shown, register)
    rows = [row for row in history.find_around(session, meter.number, wanted.at, wanted.at) if row.at <= wanted.at]
    before = history.to_reading(rows[-1]) if rows else None
    wh, can_be = 0, True
    if before is not None:
        try:
            step = advance(before.digits, final, register)
        except RegisterBackwardsError:
            return Foreseen(final, first, register, before, None, is_plausible=False)
        wh, can_be = register.to_wh(step), is_plausible(step, before.seen_at, wanted.at, register)
    return Foreseen(final, first, register, before, wh, is_plausible=can_be)


def replace(session: Session, wanted: Replacement, *, by: str, now: datetime) -> MeterPeriod:
    """Put a meter in another's place; one that nobody entered yet is entered.

    Raises:
        NotFoundError: there is no such meter.
        ShownValueError, MeterTakenError, MeterIdleError, MeterCountsError, ReadingContradictedError: see there.
    """
    old, period = _counting(session, wanted.old)
    before = meters.to_register(period)
    register = Register(before.digits, before.decimals, wanted.ratio or before.ratio, before.max_w)
    said = Exchange(
        old=wanted.old,
        new=wanted.new if isinstance(wanted.new, UUID) else _enter(session, wanted.new, old, by=by, now=now),
        at=wanted.at,
        final_digits=parse_shown(wanted.final_shown, before),
        first_digits=parse_shown(wanted.first_shown, register),
        register=register,
    )
    return exchange(session, said, by=by, now=now)


def _counting(session: Session, meter_id: UUID) -> tuple[Meter, MeterPeriod]:
    meter = meters.get_meter(session, meter_id)
    period = meters.get_open_period(session, meter_id)
    if period is None:
        raise MeterIdleError
    return meter, period


def _enter(session: Session, new: NewMeter, old: Meter, *, by: str, now: datetime) -> UUID:
    made = meters.add_meter(
        session,
        serial=new.serial,
        model=old.model,
        address=new.address,
        line_id=None,
        has_relay=old.has_relay,
        utility=old.utility,
        by=by,
        now=now,
    )
    return made.id
