"""The dormitory of the demonstration: a shower, and a room whose meter has counted for ten days."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts import devices
from accounts.payments import merchants
from accounts.payments.services import MoneyServices
from accounts.topup.cash import Cash, pay_in
from accounts.vocabulary import DeviceRole
from campusgate.demo.simulated_meters import SimulatedMeter
from campusgate.demo.simulated_room import MOST_WATTS
from database import new_id
from messages.metering import WaterPrice
from metering.billing import plans, top_up
from metering.billing.top_up import RoomPayment
from metering.reader_contract import Protocol, ReadingIn, ReadingsIn
from metering.readings.values import Register
from metering.rooms import installation, meters, reader, registry, residents
from metering.rooms.installation import Stand
from metering.sessions import places
from metering.sessions.settings import PlaceSettings
from metering.tariffs.electricity import PricePerKwh, flat_plan, midnight
from metering.tariffs.water import PriceList
from metering.vocabulary import ReadingSource, Utility

BUILDING, ROOM = "6号楼", "1005"
HOT_WATER_FEN_PER_M3 = 5_000
_FEN_OF_A_KWH = PricePerKwh(5_283)
_ADDRESS = "202611270006"
_CAMPUS, _SERVICE = "main", "showers"
_ACTOR = "demonstration"

_DIGITS_OF_DAYS = (310, 460, 520, 280, 390, 610, 450, 330, 350, 300)
"""Hundredths of kWh of each day until the last midnight: 40 kWh, 21.13 yuan."""
_FIRST_DIGITS, _DIGITS_TODAY = 123_400, 90
_CASH_FEN, _ROOM_FEN = 20_000, 3_000
"""What is paid at the counter, and from it for the room: some 8 yuan of it are left today."""
_CASH_BEFORE_FEN = 5_000
"""What another paid at the counter yesterday."""

NIGHT_WH = 28_000
"""Some 15 yuan: more than the room has left and is lent."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the room's meter hangs."""

    meter_url: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Dormitory:
    """What was set up. The tokens are the processes'."""

    room_id: UUID
    place_id: UUID
    shower_device: UUID
    reader_token: str


def make_meter(zone: ZoneInfo, now: datetime) -> SimulatedMeter:
    """Return the room's meter as it stands on its wall."""
    frozen = _FIRST_DIGITS + sum(_DIGITS_OF_DAYS)
    last_midnight = midnight(now.astimezone(zone).date(), zone)
    return SimulatedMeter(_ADDRESS, digits=frozen + _DIGITS_TODAY, freezes=[(last_midnight, (frozen, frozen, 0, 0, 0))])


def furnish(session: Session, lines: Lines, residents_: tuple[UUID, ...], now: datetime) -> Dormitory:
    """Set the dormitory up, as its office, its installers and its reading process had done it, in a transaction."""
    merchant = merchants.add(session, name="浴室", campus=_CAMPUS, service=_SERVICE, by=_ACTOR, now=now)
    merchants.set_campuses(session, _SERVICE, [_CAMPUS], by=_ACTOR, now=now)
    shower, _ = devices.add(
        session, name="shower-6-12", role=DeviceRole.METER, campus=_CAMPUS, merchant_id=merchant.id, by=_ACTOR, now=now
    )
    reading, token = devices.add(session, name="meter-reader", role=DeviceRole.METER, by=_ACTOR, now=now)
    place_id = _open_bath(session, shower.id, now)
    first_day = now.astimezone(lines.zone).date() - timedelta(days=len(_DIGITS_OF_DAYS))
    building = registry.add_building(session, "building-6", BUILDING, by=_ACTOR, now=now)
    room = registry.add_room(session, building.id, ROOM, 4, by=_ACTOR, now=now)
    for person_id in residents_:
        residents.move_in(session, room.id, person_id, first_day, by=_ACTOR, now=now)
    plan = flat_plan(new_id(), "宿舍用电", first_day, _FEN_OF_A_KWH)
    plans.add(session, plan, None, now.astimezone(lines.zone).date(), by=_ACTOR, now=now)
    _install_meter(session, lines, first_day, now, room_id=room.id, device_id=reading.id)
    return Dormitory(room.id, place_id, shower.id, token)


def pay_first(
    money: MoneyServices, room_id: UUID, person_id: UUID, other_id: UUID, *, cashier_id: UUID, now: datetime
) -> None:
    """Let somebody pay in at the counter and for the room, after another did yesterday: a day that can be closed."""
    counter = f"counter:{cashier_id}"
    pay_in(money, Cash(new_id(), counter, other_id, _CASH_BEFORE_FEN), by=_ACTOR, now=now - timedelta(days=1))
    pay_in(money, Cash(new_id(), counter, person_id, _CASH_FEN), by=_ACTOR, now=now)
    money.writer.run(lambda session, _: top_up.pay(session, money, RoomPayment(room_id, person_id, _ROOM_FEN), now))


def _open_bath(session: Session, device_id: UUID, now: datetime) -> UUID:
    prices = PriceList(new_id(), now, (WaterPrice(utility=Utility.HOT_WATER.value, fen_per_m3=HOT_WATER_FEN_PER_M3),))
    quick = PlaceSettings(heartbeat_s=5, update_s=1)
    place = places.add(session, name="bath-6", title="6号楼浴室", settings=quick, prices=prices, by=_ACTOR, now=now)
    places.place_controller(session, place.id, device_id, by=_ACTOR, now=now)
    return place.id


def _install_meter(
    session: Session, lines: Lines, first_day: date, now: datetime, *, room_id: UUID, device_id: UUID
) -> None:
    line = meters.add_line(
        session,
        name="building-6",
        url=lines.meter_url,
        protocol=Protocol.DLT645,
        bits_per_s=2_400,
        device_id=device_id,
        by=_ACTOR,
        now=now,
    )
    meter = meters.add_meter(
        session,
        serial=_ADDRESS,
        model="dlt645-2007",
        address=_ADDRESS,
        line_id=line.id,
        has_relay=True,
        by=_ACTOR,
        now=now,
    )
    first = Stand(midnight(first_day, lines.zone), _FIRST_DIGITS)
    installation.install(session, meter.id, room_id, first, Register(max_w=MOST_WATTS), by=_ACTOR, now=now)
    readings, digits = [], _FIRST_DIGITS
    for number, used in enumerate(_DIGITS_OF_DAYS, start=1):
        digits += used
        at = midnight(first_day + timedelta(days=number), lines.zone)
        readings.append(ReadingIn(meter=meter.id, serial=_ADDRESS, at=at, digits=digits, source=ReadingSource.FROZEN))
    reader.take_readings(session, device_id, ReadingsIn(readings=tuple(readings)), now)


def night_around(now: datetime, zone: ZoneInfo) -> tuple[time, time]:
    """Return quiet hours, by the campus's clock, in which it is night now and for hours to come."""
    return _clock(now - timedelta(hours=6), zone), _clock(now + timedelta(hours=6), zone)


def day_around(now: datetime, zone: ZoneInfo) -> tuple[time, time]:
    """Return quiet hours in which it is day now and for hours to come."""
    end, begin = night_around(now, zone)
    return begin, end


def _clock(at: datetime, zone: ZoneInfo) -> time:
    return at.astimezone(zone).time().replace(second=0, microsecond=0)
