"""Whether a reading is believed: pure, with the readings around it, the meter's register and the time given.

What is not believed is stored beside the readings, is never billed, and waits for a person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from metering.readings.register import RegisterBackwardsError, advance, is_plausible
from metering.readings.values import Doubt, Reading, Register
from metering.vocabulary import ReadingQuality

AHEAD = timedelta(minutes=5)
"""By how much a reader's clock may be ahead of the server's."""
LATE = timedelta(days=60)
"""How long a reader may keep what it could not send; less than the 90 days for which readings are kept one by one."""

MISTIMED = timedelta(minutes=5)
"""How far a meter's clock may be off, so that what it froze at midnight is of some minutes before or after."""

LEADING_DOUBTS = frozenset({Doubt.IMPLAUSIBLE_STEP, Doubt.FOLLOWS_DOUBTFUL})
"""Doubts of a value that leads on: what goes on from it is as doubtful, however plausible it becomes with time."""


@dataclass(frozen=True, slots=True)
class NewReading:
    """A reading that came in, with the serial the meter is said to have."""

    at: datetime
    digits: int
    serial: str
    quality: ReadingQuality = ReadingQuality.GOOD


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a reading's time: the good readings before and after, and the newest doubtful value.

    `before` began at or before the reading's time; `after` began later. `doubtful` is one that others may lead on from.
    """

    before: Reading | None = None
    after: Reading | None = None
    doubtful: Reading | None = None


def find_doubt(new: NewReading, around: Around, register: Register, serial: str, now: datetime) -> Doubt | None:
    """Return why a reading is not believed, or None.

    Args:
        new: the reading.
        around: what is known of the meter around its time.
        register: the meter's register at that time.
        serial: the meter's serial as staff entered it.
        now: the current time.
    """
    if new.serial != serial:
        return Doubt.OTHER_SERIAL
    if new.quality is ReadingQuality.DOUBTFUL:
        return Doubt.SAID_DOUBTFUL
    if new.at > now + AHEAD:
        return Doubt.IN_THE_FUTURE
    if new.at < now - LATE:
        return Doubt.TOO_OLD
    if not 0 <= new.digits < register.size:
        return Doubt.OUTSIDE_REGISTER
    return _doubt_of_value(new, around, register)


def fit_frozen(at: datetime, digits: int, around: Around, register: Register) -> int | None:
    """Return what a register showed at a midnight whose frozen value says a little more or less; None: no such case.

    A clock that is half a minute slow freezes half a minute late, and by then the meter has gone on from what it is
    known to have shown at midnight, or just after it.
    """
    before, after = around.before, around.after
    known = None
    if before is not None and (at <= before.seen_at or (digits < before.digits and at - before.seen_at <= MISTIMED)):
        known = before.digits
    elif after is not None and digits > after.digits and after.at - at <= MISTIMED:
        known = after.digits
    is_near = known is not None and is_plausible(abs(digits - known), at, at + MISTIMED, register)
    return known if is_near else None


def _doubt_of_value(new: NewReading, around: Around, register: Register) -> Doubt | None:
    before, after = around.before, around.after
    if before is not None and new.at <= before.seen_at:
        return None if new.digits == before.digits else Doubt.OTHER_VALUE
    if before is not None and (doubt := _doubt_of_step(before.digits, before.seen_at, new.digits, new.at, register)):
        return doubt
    if after is not None and (doubt := _doubt_of_step(new.digits, new.at, after.digits, after.at, register)):
        return doubt
    return Doubt.FOLLOWS_DOUBTFUL if _follows(new, around, register) else None


def _doubt_of_step(old: int, since: datetime, new: int, until: datetime, register: Register) -> Doubt | None:
    try:
        step = advance(old, new, register)
    except RegisterBackwardsError:
        return Doubt.BACKWARDS
    if is_plausible(step, since, until, register):
        return None
    # A wrap that is not plausible is a register that went backwards.
    return Doubt.BACKWARDS if new < old else Doubt.IMPLAUSIBLE_STEP


def _follows(new: NewReading, around: Around, register: Register) -> bool:
    """Return whether a reading goes on from a doubtful one, with nothing good since."""
    doubtful = around.doubtful
    if doubtful is None or new.at <= doubtful.at or new.digits < doubtful.digits:
        return False
    if around.before is not None and around.before.seen_at >= doubtful.at:
        return False
    return is_plausible(new.digits - doubtful.digits, doubtful.seen_at, new.at, register)
