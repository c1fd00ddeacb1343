"""What the reading process gets from the server and gives to it: the plan of its lines, readings, states."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from metering.reader_contract import LinePlan, MeterLoad, MeterPlan, Plan, ReadingsIn, ReadingsOut, StatusIn
from metering.readings.store import KnownMeter, store
from metering.rooms.meters import to_register
from metering.rooms.tables import Meter, MeterLine, MeterPeriod

CYCLE = timedelta(minutes=15)
LOST_AFTER_CYCLES = 3


def make_plan(
    session: Session, device_id: UUID, cycle: timedelta = CYCLE, load_limits_w: Mapping[UUID, int] | None = None
) -> Plan:
    """Return the lines that a device reads, with their meters; `revision` follows from all of it.

    `load_limits_w` has, by meter, the power above which it is to be reported.
    """
    query = select(MeterLine).where(MeterLine.device_id == device_id).order_by(MeterLine.name)
    meters = _meters_by_line(session, device_id, load_limits_w or {})
    lines = tuple(
        LinePlan(
            id=line.id,
            name=line.name,
            url=line.url,
            protocol=line.protocol,
            bits_per_s=line.bits_per_s,
            meters=tuple(meters.get(line.id, ())),
        )
        for line in session.scalars(query)
    )
    plan = Plan(revision="", cycle_s=int(cycle.total_seconds()), lines=lines)
    return plan.model_copy(update={"revision": hashlib.sha256(plan.model_dump_json().encode()).hexdigest()[:16]})


def take_readings(session: Session, device_id: UUID, sent: ReadingsIn, now: datetime) -> ReadingsOut:
    """Store what a device read; readings of meters that are not on its lines are refused one by one."""
    _note_heard(session, device_id, now)
    known = find_known(session, {one.meter for one in sent.readings}, device_id=device_id)
    return store(session, sent.readings, known, now)


def take_status(session: Session, device_id: UUID, sent: StatusIn, now: datetime) -> dict[UUID, MeterLoad]:
    """Note what a device says of its lines and meters; what is not its own is passed over. Returns loads by meter."""
    _note_heard(session, device_id, now)
    for said in sent.lines:
        line = session.get(MeterLine, said.line)
        if line is not None and line.device_id == device_id:
            line.is_up, line.since, line.silent_meters = said.is_up, said.since, said.silent_meters
    states = {state.meter: state for state in sent.meters}
    loads: dict[UUID, MeterLoad] = {}
    for meter in session.scalars(_meters_of(device_id).where(Meter.id.in_(states))):
        state = states[meter.id]
        meter.supply, meter.silent_since, meter.status_at = state.supply, state.silent_since, now
        meter.status_word, meter.clock_off_s = state.status_word, state.clock_off_s
        if state.load is not None:
            loads[meter.id] = state.load
    session.flush()
    return loads


def find_known(
    session: Session, meter_ids: Collection[UUID], *, device_id: UUID | None = None
) -> dict[UUID, KnownMeter]:
    """Return what readings of these meters are judged by; with a device, only of meters on its lines."""
    query = select(Meter) if device_id is None else _meters_of(device_id)
    meters = session.scalars(query.where(Meter.id.in_(meter_ids))).all()
    periods = select(MeterPeriod).where(MeterPeriod.meter_id.in_([meter.id for meter in meters]))
    by_meter: dict[UUID, list[MeterPeriod]] = {}
    for period in session.scalars(periods.order_by(MeterPeriod.begins_at)):
        by_meter.setdefault(period.meter_id, []).append(period)
    return {
        meter.id: KnownMeter(
            meter.number,
            meter.serial,
            tuple((period.begins_at, to_register(period)) for period in by_meter.get(meter.id, ())),
        )
        for meter in meters
    }


def find_silent(session: Session) -> Sequence[Row[Meter, MeterLine]]:
    """Return the meters that do not answer on lines that do, longest silent first; of a line that is down see there."""
    query = select(Meter, MeterLine).join(MeterLine, MeterLine.id == Meter.line_id)
    answering = MeterLine.is_up.is_not(False)
    return session.execute(query.where(Meter.silent_since.is_not(None), answering).order_by(Meter.silent_since)).all()


def find_down(session: Session) -> Sequence[MeterLine]:
    """Return the lines whose gateway does not answer, longest first."""
    return session.scalars(select(MeterLine).where(MeterLine.is_up.is_(False)).order_by(MeterLine.since)).all()


def find_unread(session: Session, now: datetime, cycle: timedelta = CYCLE) -> Sequence[MeterLine]:
    """Return the lines whose device has sent nothing for three cycles, or nothing yet, longest first."""
    query = select(MeterLine).where(
        MeterLine.device_id.is_not(None),
        MeterLine.heard_at.is_(None) | (MeterLine.heard_at < now - LOST_AFTER_CYCLES * cycle),
    )
    return session.scalars(query.order_by(MeterLine.heard_at, MeterLine.name)).all()


def _note_heard(session: Session, device_id: UUID, now: datetime) -> None:
    session.execute(update(MeterLine).where(MeterLine.device_id == device_id).values(heard_at=now))


def _meters_of(device_id: UUID) -> Select[Meter]:
    return select(Meter).join(MeterLine, MeterLine.id == Meter.line_id).where(MeterLine.device_id == device_id)


def _meters_by_line(
    session: Session, device_id: UUID, load_limits_w: Mapping[UUID, int]
) -> dict[UUID, list[MeterPlan]]:
    found: dict[UUID, list[MeterPlan]] = {}
    for meter in session.scalars(_meters_of(device_id).order_by(Meter.number)):
        if meter.line_id is not None:
            plan = MeterPlan(
                id=meter.id,
                address=meter.address,
                serial=meter.serial,
                model=meter.model,
                has_relay=meter.has_relay,
                load_limit_w=load_limits_w.get(meter.id),
            )
            found.setdefault(meter.line_id, []).append(plan)
    return found
