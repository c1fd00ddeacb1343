"""A dormitory for tests: buildings, rooms, people, meters, with the services and without their API."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from accounts import people
from accounts.people import Particulars
from accounts.vocabulary import PersonKind
from database import Database
from metering.reader_contract import ReadingIn, ReadingsIn, ReadingsOut
from metering.readings.values import Register
from metering.rooms import installation, meters, reader, registry, residents
from metering.rooms.installation import Stand
from metering.rooms.tables import Meter, Room
from metering.vocabulary import ReadingSource

BY = "system"
NOON = datetime(2026, 9, 10, 4, tzinfo=UTC)
"""Noon in Shanghai; readings in tests are told by the hours since then."""
REGISTER = Register(digits=8, decimals=2, ratio=1, max_w=20_000)


def address_of(serial: str) -> str:
    """Twelve digits, others for each serial."""
    return f"{int.from_bytes(serial.encode()) % 10**12:012}"


def at(hour: float) -> datetime:
    return NOON + timedelta(hours=hour)


@dataclass
class Dormitory:
    """Short ways to what most tests need; each opens a transaction of its own."""

    database: Database
    now: datetime = NOON + timedelta(days=20)
    _made: int = field(default=0)

    def room(self, number: str = "1005", building: str = "north-6", beds: int = 4) -> Room:
        with self.database.begin() as session:
            found = [one for one in registry.find_buildings(session) if one.code == building]
            one = found[0] if found else registry.add_building(session, building, building, by=BY, now=NOON)
            return registry.add_room(session, one.id, number, beds, by=BY, now=NOON)

    def person(self, name: str = "王小明") -> UUID:
        self._made += 1
        valid_from = NOON - timedelta(days=400)
        given = Particulars(number=f"2026{self._made:04}", name=name, kind=PersonKind.STUDENT, valid_from=valid_from)
        with self.database.begin() as session:
            return people.create(session, given, by=BY, now=NOON).id

    def meter(self, serial: str = "A1", line_id: UUID | None = None) -> Meter:
        with self.database.begin() as session:
            return meters.add_meter(
                session,
                serial=serial,
                model="dlt645-2007",
                address=address_of(serial),
                line_id=line_id,
                has_relay=True,
                by=BY,
                now=NOON,
            )

    def installed(
        self, room: Room, serial: str = "A1", hour: float = 0, digits: int = 0, register: Register = REGISTER
    ) -> Meter:
        meter = self.meter(serial)
        with self.database.begin() as session:
            installation.install(session, meter.id, room.id, Stand(at(hour), digits), register, by=BY, now=self.now)
        return meter

    def read(
        self, meter: Meter, *values: tuple[float, int], source: ReadingSource = ReadingSource.CYCLE
    ) -> ReadingsOut:
        """Readings (hour, digits) come in from the meter."""
        sent = [
            ReadingIn(meter=meter.id, serial=meter.serial, at=at(hour), digits=digits, source=source)
            for hour, digits in values
        ]
        with self.database.begin() as session:
            return reader.store(session, ReadingsIn(readings=tuple(sent)).readings, self._known(meter), self.now)

    def _known(self, meter: Meter) -> dict[UUID, reader.KnownMeter]:
        with self.database.read() as session:
            return reader.find_known(session, [meter.id])

    def move_in(self, room: Room, person: UUID, day: date) -> None:
        with self.database.begin() as session:
            residents.move_in(session, room.id, person, day, by=BY, now=self.now)
