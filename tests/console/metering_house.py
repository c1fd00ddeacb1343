"""A dormitory and a bath house behind the pages, in which everything that staff must see to has happened."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from accounts.tables import Person
from metering.billing import disputes, run
from metering.reader_contract import Protocol, ReadingIn
from metering.rooms import meters, reader, registry
from metering.rooms.tables import Meter, MeterLine
from metering.supply import requests, room_state
from metering.supply.states import RequestAction
from metering.vocabulary import ReadingSource, SupplyState, TripReason
from tests.console.page_server import Pages
from tests.metering.electricity_cases import ZONE
from tests.metering.hall import Clock, Hall
from tests.metering.sessions import bath as baths

DAYS = 12


@dataclass
class House:
    """What a test asks for by name."""

    hall: Hall
    first: date
    rooms: dict[str, UUID]
    line: UUID

    def meter_of(self, number: str) -> Meter:
        with self.hall.database.read() as session:
            return meters.find_meters_of(session, self.rooms[number])[0]

    def read(self, number: str, when: datetime, digits: int, source: ReadingSource = ReadingSource.CYCLE) -> None:
        """A reading comes in as the reading process sends it, and is judged."""
        meter = self.meter_of(number)
        one = ReadingIn(meter=meter.id, serial=meter.serial, at=when, digits=digits, source=source)
        with self.hall.database.begin() as session:
            reader.store(session, [one], reader.find_known(session, [meter.id]), datetime.now(UTC))


def build_house(pages: Pages) -> House:
    """Four rooms with twelve days of use, prices, charges, and one of each thing that waits for a person."""
    now = datetime.now(UTC)
    first = now.astimezone(ZONE).date() - timedelta(days=DAYS)
    money = pages.app.state.console.metering.money
    with pages.database.begin() as session:
        building = registry.add_building(session, "north-1", "北一楼", by="system", now=now).id
    hall = Hall(money, Clock(now), building)
    hall.plan(5283, first - timedelta(days=1))
    line = _add_lines(pages, now)
    rooms = {}
    for number, people, used in (
        ("1005", ("王小明", "李雷"), 8),
        ("1006", ("韩梅梅",), 5),
        ("1007", ("张伟", "王芳", "赵敏"), 11),
        ("1008", (), 0),
    ):
        rooms[number] = room = hall.room(*people, number=number, since=first, shows=100_000)
        hall.use(room, [used + day % 3 if used else 0 for day in range(DAYS)], first, 100_000)
        with pages.database.begin() as session:
            counting = meters.find_meters_of(session, room)[0]
            counting.line_id, counting.supply, counting.status_at = line, SupplyState.ON, now
            run.bill_room(session, room, now, ZONE)
    for person in hall.people.values():
        pages.names[person] = _name(pages, person)
    house = House(hall, first, rooms, line)
    _let_things_happen(pages, house, now)
    return house


def _add_lines(pages: Pages, now: datetime) -> UUID:
    with pages.database.begin() as session:
        made = [
            meters.add_line(
                session,
                name=name,
                url=url,
                protocol=Protocol.DLT645,
                bits_per_s=2400,
                device_id=None,
                by="system",
                now=now,
            )
            for name, url in (("north-1-a", "tcp://10.0.6.20:8899"), ("north-1-b", "tcp://10.0.6.21:8899"))
        ]
        made[0].is_up, made[0].since = True, now - timedelta(days=3)
        made[1].is_up, made[1].since, made[1].silent_meters = False, now - timedelta(minutes=50), 90
        return made[0].id


def _let_things_happen(pages: Pages, house: House, now: datetime) -> None:
    with pages.database.begin() as session:
        silent = session.get_one(Meter, house.meter_of("1007").id)
        silent.silent_since = now - timedelta(hours=3)
        session.get_one(MeterLine, house.line).heard_at = now
        meters.add_meter(
            session, serial="SPARE-1", model="dlt645-2007", address="000000000099", line_id=None, has_relay=True,
            by="system", now=now,
        )  # fmt: skip
    # A step that no connection can carry.
    house.read("1006", now - timedelta(minutes=20), 9_000_000)
    keeper = pages.app.state.console.metering.supply
    with pages.database.begin() as session:
        requests.ask(
            session, keeper, house.rooms["1006"], RequestAction.TRIP, TripReason.MALICIOUS_LOAD,
            note="heater on the bed", by=pages.people["F2"], two_persons=True, now=now,
        )  # fmt: skip
        requests.ask(
            session, keeper, house.rooms["1007"], RequestAction.TRIP, TripReason.STAFF,
            note="wiring is repaired", by=pages.people["F2"], two_persons=True, now=now,
        )  # fmt: skip
        state = room_state.lock(session, house.rooms["1005"])
        state.warning_level = -1
    charge = house.hall.charges(house.rooms["1005"])[3]
    with pages.database.begin() as session:
        disputes.dispute(session, charge.id, house.hall.people["王小明"], "我们那天都不在，为什么用了这么多？", now)
    _leave_showers(pages, now)


def _leave_showers(pages: Pages, now: datetime) -> None:
    """One session whose counter went back."""
    clock = baths.Clock(now - timedelta(hours=2))
    with_money = pages.app.state.console.metering.money
    bath = baths.build(pages.database, clock, with_money.writer)
    student = bath.student(2_000)
    pages.names[student.id] = "王小明"
    bath.ask(student)
    bath.tell(1, 1, "started", baths.hot(0))
    bath.forward(300)
    bath.tell(1, 2, "updated", baths.hot(30))
    bath.forward(60)
    bath.tell(1, 3, "ended", baths.hot(20), stop_reason="local")


def _name(pages: Pages, person: UUID) -> str:
    with pages.database.read() as session:
        return session.get_one(Person, person).name
