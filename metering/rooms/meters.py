"""Lines and meters: what there is, who reads it, and which meter counted for which room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from metering.reader_contract import Protocol
from metering.readings import history
from metering.readings.values import Register
from metering.rooms.plates import require_plate
from metering.rooms.tables import Meter, MeterLine, MeterPeriod
from metering.vocabulary import Utility
from web.problems import NotFoundError, ProblemError


class LineTakenError(ProblemError):
    """Another line has this name."""

    code = "line_taken"
    status = 409
    title = "Another line has this name"


class UnknownReaderError(ProblemError):
    """No device with this id may read meters."""

    code = "unknown_reader"
    status = 422
    title = "The device that shall read this line does not exist, or is no meter reader"


class MeterTakenError(ProblemError):
    """Another meter has this serial, or this address on the line."""

    code = "meter_taken"
    status = 409
    title = "Another meter has this serial, or this address on this line"


def add_line(
    session: Session,
    *,
    name: str,
    url: str,
    protocol: Protocol,
    bits_per_s: int,
    device_id: UUID | None,
    by: str,
    now: datetime,
) -> MeterLine:
    """Add a line, read by a device.

    Raises:
        LineTakenError, UnknownReaderError: see there.
    """
    _require_reader(session, device_id)
    line = MeterLine(name=name, url=url, protocol=protocol, bits_per_s=bits_per_s, device_id=device_id)
    _insert(session, line, LineTakenError)
    audit.record(session, actor=by, action="meter_line.add", subject=f"meter_line:{line.id}", now=now)
    return line


def change_line(
    session: Session,
    line_id: UUID,
    *,
    url: str,
    bits_per_s: int,
    device_id: UUID | None,
    by: str,
    now: datetime,
) -> MeterLine:
    """Change where a line is, how fast, and who reads it.

    Raises:
        NotFoundError: there is no such line.
        UnknownReaderError: see there.
    """
    line = get_line(session, line_id)
    _require_reader(session, device_id)
    line.url, line.bits_per_s, line.device_id = url, bits_per_s, device_id
    line.is_up, line.since, line.silent_meters, line.heard_at = None, None, 0, None
    audit.record(session, actor=by, action="meter_line.change", subject=f"meter_line:{line.id}", now=now)
    return line


def add_meter(
    session: Session,
    *,
    serial: str,
    model: str,
    address: str,
    line_id: UUID | None,
    has_relay: bool,
    by: str,
    now: datetime,
    utility: Utility = Utility.ELECTRICITY,
) -> Meter:
    """Add a meter; it counts for nobody before it is installed.

    Raises:
        NotFoundError: there is no such line.
        MeterPlateError, MeterTakenError: see there.
    """
    _require_plate(session, line_id, model, address)
    history.lock(session)
    meter = Meter(
        number=(session.scalar(select(func.max(Meter.number))) or 0) + 1,
        serial=serial,
        utility=utility,
        model=model,
        line_id=line_id,
        address=address,
        has_relay=has_relay,
    )
    _insert(session, meter, MeterTakenError)
    audit.record(session, actor=by, action="meter.add", subject=f"meter:{meter.id}", now=now)
    return meter


def change_meter(
    session: Session,
    meter_id: UUID,
    *,
    serial: str,
    model: str,
    address: str,
    line_id: UUID | None,
    has_relay: bool,
    by: str,
    now: datetime,
) -> Meter:
    """Correct what was entered of a meter, such as its serial.

    Raises:
        NotFoundError: there is no such meter or line.
        MeterPlateError, MeterTakenError: see there.
    """
    meter = get_meter(session, meter_id, lock=True)
    _require_plate(session, line_id, model, address)
    meter.serial, meter.model, meter.address = serial, model, address
    meter.line_id, meter.has_relay = line_id, has_relay
    _insert(session, meter, MeterTakenError)
    audit.record(session, actor=by, action="meter.change", subject=f"meter:{meter.id}", now=now)
    return meter


def get_line(session: Session, line_id: UUID) -> MeterLine:
    """Return a line.

    Raises:
        NotFoundError: there is none.
    """
    line = session.get(MeterLine, line_id)
    if line is None:
        raise NotFoundError("there is no line with this id")
    return line


def get_meter(session: Session, meter_id: UUID, *, lock: bool = False) -> Meter:
    """Return a meter, locked against other writers if `lock`.

    Raises:
        NotFoundError: there is none.
    """
    meter = session.get(Meter, meter_id, with_for_update=True if lock else None)
    if meter is None:
        raise NotFoundError("there is no meter with this id")
    return meter


def get_by_number(session: Session, number: int) -> Meter:
    """Return the meter whose readings carry this number.

    Raises:
        NotFoundError: there is none.
    """
    meter = session.scalar(select(Meter).where(Meter.number == number))
    if meter is None:
        raise NotFoundError("there is no meter with this number")
    return meter


def get_open_period(session: Session, meter_id: UUID) -> MeterPeriod | None:
    """Return for which room a meter counts now, or None."""
    return session.scalar(select(MeterPeriod).where(MeterPeriod.meter_id == meter_id, MeterPeriod.ends_at.is_(None)))


def find_room_of(session: Session, meter_id: UUID) -> UUID | None:
    """Return the room that a meter counts for now, or None."""
    period = get_open_period(session, meter_id)
    return None if period is None else period.room_id


def find_meters_of(session: Session, room_id: UUID) -> Sequence[Meter]:
    """Return the meters that count for a room now."""
    query = select(Meter).join(MeterPeriod, MeterPeriod.meter_id == Meter.id)
    query = query.where(MeterPeriod.room_id == room_id, MeterPeriod.ends_at.is_(None))
    return session.scalars(query.order_by(Meter.number)).all()


def find_meters(session: Session, *, after: int | None = None, limit: int = 50) -> Sequence[Meter]:
    """Return meters in the order they were added."""
    query = select(Meter).order_by(Meter.number).limit(limit)
    return session.scalars(query if after is None else query.where(Meter.number > after)).all()


def find_in_store(session: Session, utility: Utility, *, limit: int = 200) -> Sequence[Meter]:
    """Return meters of a kind that count for no room now, by serial."""
    counts = select(MeterPeriod.meter_id).where(MeterPeriod.ends_at.is_(None))
    query = select(Meter).where(Meter.utility == utility, Meter.id.not_in(counts))
    return session.scalars(query.order_by(Meter.serial).limit(limit)).all()


def find_room_periods(session: Session, room_id: UUID) -> Sequence[tuple[MeterPeriod, Meter]]:
    """Return which meters count and counted for a room, the newest first."""
    query = select(MeterPeriod, Meter).join(Meter, Meter.id == MeterPeriod.meter_id)
    rows = session.execute(query.where(MeterPeriod.room_id == room_id).order_by(MeterPeriod.begins_at.desc()))
    return [(row[0], row[1]) for row in rows]


def find_lines(session: Session) -> Sequence[MeterLine]:
    """Return all lines, by name."""
    return session.scalars(select(MeterLine).order_by(MeterLine.name)).all()


def find_periods(session: Session, meter_id: UUID) -> Sequence[MeterPeriod]:
    """Return for which rooms a meter counted, oldest first."""
    query = select(MeterPeriod).where(MeterPeriod.meter_id == meter_id)
    return session.scalars(query.order_by(MeterPeriod.begins_at)).all()


def to_register(period: MeterPeriod) -> Register:
    """Return the register of a period."""
    return Register(period.digits, period.decimals, period.ratio, period.max_w)


def _require_reader(session: Session, device_id: UUID | None) -> None:
    if device_id is None:
        return
    device = session.get(Device, device_id)
    if device is None or device.role is not DeviceRole.METER or device.revoked_at is not None:
        raise UnknownReaderError


def _require_plate(session: Session, line_id: UUID | None, model: str, address: str) -> None:
    require_plate(None if line_id is None else get_line(session, line_id).protocol, model, address)


def _insert(session: Session, row: MeterLine | Meter, taken: type[ProblemError]) -> None:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise taken from error
