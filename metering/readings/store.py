"""Takes readings in, thousands at once: judges each, stores a row where something changed, keeps the doubtful apart.

A cycle in which nothing changed moves `seen_at` only. Frozen values, which bills are made of, and those that people
entered always make a row.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from metering.reader_contract import ReadingIn, ReadingsOut, RefusedReading
from metering.readings import doubtful, history
from metering.readings.judgement import LEADING_DOUBTS, Around, NewReading, find_doubt, fit_frozen
from metering.readings.tables import DoubtfulReading, MeterReading
from metering.readings.values import Doubt, Reading, Register
from metering.vocabulary import ReadingQuality, ReadingSource

UNKNOWN_METER = "unknown-meter"
"""Code of a reading of a meter that does not exist, or not for this reader."""

_ALWAYS_A_ROW = frozenset({ReadingSource.FROZEN, ReadingSource.PERSON})


@dataclass(frozen=True, slots=True)
class KnownMeter:
    """What a reading is judged by: the meter's number, its serial, and its registers from when on, by time."""

    number: int
    serial: str
    registers: tuple[tuple[datetime, Register], ...] = ()

    def register_at(self, at: datetime) -> Register:
        """Return the register at a time; before the first and without any, the nearest or the usual one."""
        place = bisect_right([begins for begins, _ in self.registers], at) - 1
        return self.registers[max(place, 0)][1] if self.registers else Register()


def store(
    session: Session, readings: Sequence[ReadingIn], meters: Mapping[UUID, KnownMeter], now: datetime
) -> ReadingsOut:
    """Store what is new of `readings`, in a writing transaction; sending the same again changes nothing.

    Args:
        session: its transaction is the only one that stores readings until it ends.
        readings: in any order; only those of `meters` are taken.
        meters: whose readings these may be.
        now: the current time.
    """
    history.lock(session)
    refused = [
        RefusedReading(index=index, code=UNKNOWN_METER) for index, one in enumerate(readings) if one.meter not in meters
    ]
    taken = sorted((_truncated(one) for one in readings if one.meter in meters), key=_order)
    courses = _load(session, taken, meters, now)
    for one in taken:
        courses[one.meter].take(one, now)
    _write(session, courses.values())
    doubted = [(course.meter.number, *one) for course in courses.values() for one in course.doubted]
    in_review, repeated = doubtful.store(session, doubted)
    return ReadingsOut(
        stored=sum(course.stored for course in courses.values()),
        unchanged=sum(course.unchanged for course in courses.values()) + repeated,
        in_review=in_review,
        refused=tuple(refused),
    )


def _truncated(one: ReadingIn) -> ReadingIn:
    """Return a reading at a whole second, as it is stored."""
    return one.model_copy(update={"at": one.at.replace(microsecond=0)}) if one.at.microsecond else one


def _order(one: ReadingIn) -> tuple[UUID, datetime, bool]:
    return one.meter, one.at, one.source not in _ALWAYS_A_ROW


@dataclass
class _Row:
    """A stored reading, or one to be stored."""

    reading: Reading
    is_new: bool = False
    is_changed: bool = False


@dataclass
class _MeterCourse:
    """One meter's readings around those that came in, by time."""

    meter: KnownMeter
    rows: list[_Row]
    doubtful: Reading | None
    withdrawn: Mapping[datetime, int] = field(default_factory=dict)
    stored: int = 0
    unchanged: int = 0
    doubted: list[tuple[ReadingIn, Doubt]] = field(default_factory=list)

    def take(self, one: ReadingIn, now: datetime) -> None:
        """Judge a reading and keep it among the rows or among the doubted."""
        if self.withdrawn.get(one.at) == one.digits and one.source is not ReadingSource.PERSON:
            self.unchanged += 1
            return
        place = bisect_right(self.rows, one.at, key=lambda row: row.reading.at)
        before = self.rows[place - 1] if place else None
        after = self.rows[place] if place < len(self.rows) else None
        around = Around(_reading_of(before), _reading_of(after), self.doubtful)
        register = self.meter.register_at(one.at)
        doubt = find_doubt(_judged(one), around, register, self.meter.serial, now)
        if doubt in (Doubt.BACKWARDS, Doubt.OTHER_VALUE) and one.source is ReadingSource.FROZEN:
            fitting = fit_frozen(one.at, one.digits, around, register)
            if fitting is not None:
                is_seen = around.before is not None and one.at <= around.before.seen_at
                quality = one.quality if is_seen else ReadingQuality.ESTIMATED
                one = one.model_copy(update={"digits": fitting, "quality": quality, "tariffs": ()})
                doubt = find_doubt(_judged(one), around, register, self.meter.serial, now)
        if doubt is not None:
            self._doubt(one, doubt)
        elif before is not None and one.at <= before.reading.seen_at:
            self._confirm(place, before, one)
        elif before is not None and _is_same(before.reading, one):
            before.reading = _replaced(before.reading, seen_at=one.at)
            before.is_changed = True
            self.unchanged += 1
        else:
            self.rows.insert(place, _Row(_to_reading(one), is_new=True))
            self.stored += 1

    def _doubt(self, one: ReadingIn, doubt: Doubt) -> None:
        self.doubted.append((one, doubt))
        if doubt in LEADING_DOUBTS and (self.doubtful is None or self.doubtful.at <= one.at):
            self.doubtful = Reading(one.at, one.at, one.digits)

    def _confirm(self, place: int, before: _Row, one: ReadingIn) -> None:
        """Take a value that is known for this time already; a frozen one is a row of its own none the less."""
        known = before.reading
        if one.source not in _ALWAYS_A_ROW or (known.at == one.at and known.source in _ALWAYS_A_ROW):
            self.unchanged += 1
            return
        self.stored += 1
        if known.at == one.at:
            before.reading = _replaced(known, source=one.source)
            before.is_changed = True
            return
        before.reading = _replaced(known, seen_at=one.at)
        before.is_changed = True
        self.rows.insert(place, _Row(_replaced(_to_reading(one), seen_at=known.seen_at), is_new=True))


def _judged(one: ReadingIn) -> NewReading:
    return NewReading(one.at, one.digits, one.serial, one.quality)


def _reading_of(row: _Row | None) -> Reading | None:
    return None if row is None else row.reading


def _is_same(known: Reading, one: ReadingIn) -> bool:
    """Return whether a reading says what the one before it said, so that no row is needed."""
    return (
        one.source not in _ALWAYS_A_ROW
        and known.digits == one.digits
        and known.quality is one.quality
        and (not one.tariffs or known.tariffs == one.tariffs)
    )


def _to_reading(one: ReadingIn) -> Reading:
    return Reading(one.at, one.at, one.digits, one.source, one.quality, one.tariffs)


def _replaced(known: Reading, *, seen_at: datetime | None = None, source: ReadingSource | None = None) -> Reading:
    return Reading(
        known.at, seen_at or known.seen_at, known.digits, source or known.source, known.quality, known.tariffs
    )


def _load(
    session: Session, taken: Sequence[ReadingIn], meters: Mapping[UUID, KnownMeter], now: datetime
) -> dict[UUID, _MeterCourse]:
    """Return what is stored around the readings of each meter: mostly its newest one."""
    numbers = {meters[one.meter].number for one in taken}
    newest = history.find_newest(session, numbers, now)
    doubted = history.find_newest_doubtful(session, numbers)
    withdrawn = history.find_withdrawn(session, numbers, min((one.at for one in taken), default=now))
    courses = {}
    for meter_id, group in groupby(taken, key=lambda one: one.meter):
        meter, times = meters[meter_id], [one.at for one in group]
        rows = _rows_around(session, newest.get(meter.number), meter.number, times)
        gone = withdrawn.get(meter.number, {})
        courses[meter_id] = _MeterCourse(meter, rows, _value_of(doubted.get(meter.number)), gone)
    return courses


def _rows_around(session: Session, newest: Reading | None, meter: int, times: Sequence[datetime]) -> list[_Row]:
    if newest is None:
        return []
    if newest.at <= times[0]:
        return [_Row(newest)]
    return [_Row(history.to_reading(row)) for row in history.find_around(session, meter, times[0], times[-1])]


def _value_of(row: DoubtfulReading | None) -> Reading | None:
    return None if row is None else Reading(row.at, row.seen_at, row.digits, row.source)


def _write(session: Session, courses: Iterable[_MeterCourse]) -> None:
    new, changed = [], []
    for course in courses:
        for row in course.rows:
            if row.is_new:
                new.append(to_columns(course.meter.number, row.reading))
            elif row.is_changed:
                one = row.reading
                changed.append({"m": course.meter.number, "a": one.at, "seen_at": one.seen_at, "source": one.source})
    if new:
        session.execute(insert(MeterReading), new)
    if changed:
        key = (MeterReading.meter == bindparam("m")) & (MeterReading.at == bindparam("a"))
        session.connection().execute(update(MeterReading).where(key), changed)
        session.expire_all()


def put(session: Session, meter: int, reading: Reading) -> None:
    """Store a reading that a person vouches for; one at the same instant gives way to it."""
    known = session.get(MeterReading, (meter, reading.at))
    if known is not None:
        session.delete(known)
        session.flush()
        reading = _replaced(reading, seen_at=max(reading.seen_at, known.seen_at))
    covering = session.scalar(
        select(MeterReading)
        .where(MeterReading.meter == meter, MeterReading.at < reading.at, MeterReading.seen_at > reading.at)
        .order_by(MeterReading.at.desc())
        .limit(1)
    )
    if covering is not None:
        reading = _replaced(reading, seen_at=covering.seen_at)
        covering.seen_at = reading.at
    session.execute(insert(MeterReading), [to_columns(meter, reading)])
    session.flush()


def to_columns(meter: int, reading: Reading) -> dict[str, object]:
    """Return a reading as a row's columns."""
    tariffs = {f"tariff_{place}": digits for place, digits in enumerate(reading.tariffs, start=1)}
    empty = dict.fromkeys(("tariff_1", "tariff_2", "tariff_3", "tariff_4"))
    return {
        "meter": meter,
        "at": reading.at,
        "seen_at": reading.seen_at,
        "digits": reading.digits,
        "source": reading.source,
        "quality": reading.quality,
        **empty,
        **tariffs,
    }
