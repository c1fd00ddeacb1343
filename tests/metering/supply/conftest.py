"""A room with a relay meter on a line, money that a test sets, and what a reading process would do."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from accounts import devices, people
from accounts.people import Particulars
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, PersonKind
from database import Database
from metering.reader_contract import OrderOutcome, OrderResult, Protocol
from metering.rooms.tables import Building, Meter, MeterLine, MeterPeriod, Residence, Room
from metering.supply import orders
from metering.supply.decision import Credit
from metering.supply.review import SupplyKeeper
from metering.supply.rules import SupplyRules
from metering.supply.tables import MeterOrder
from metering.supply.warnings import NoticeKind
from metering.vocabulary import MeterAction, ReadingSource, SupplyState, Utility

CAMPUS = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 27, 4, tzinfo=UTC)  # 12:00 on campus
SHOWN = {MeterAction.TRIP: SupplyState.OFF, MeterAction.ARM: SupplyState.ARMED, MeterAction.CLOSE: SupplyState.ON}


@dataclass
class Money:
    """What each room has left."""

    fen: dict[UUID, Credit | None] = field(default_factory=dict)

    def find(self, session: Session, room_id: UUID, now: datetime) -> Credit | None:  # noqa: ARG002
        return self.fen.get(room_id)


@dataclass
class Inbox:
    """Notices as they were written."""

    told: list[tuple[frozenset[UUID], NoticeKind, dict]] = field(default_factory=list)

    def __call__(self, session, people, kind, content, *, now) -> None:  # noqa: ARG002
        self.told.append((frozenset(people), kind, dict(content)))

    @property
    def kinds(self) -> list[NoticeKind]:
        return [kind for _, kind, _ in self.told]


@dataclass
class Dormitory:
    """One room, its meter, its device, and a clock."""

    database: Database
    money: Money
    inbox: Inbox
    keeper: SupplyKeeper
    room: UUID
    meter: UUID
    device: UUID
    device_token: str
    people: list[UUID]
    now: datetime = NOON

    def pay(self, balance: int, **more) -> None:
        self.money.fen[self.room] = Credit(balance, **more)

    def review(self) -> None:
        with self.database.begin() as session:
            self.keeper.review(session, self.room, now=self.now)

    def wait(self, **by: float) -> None:
        self.now += timedelta(**by)

    def take(self) -> list[MeterOrder]:
        with self.database.begin() as session:
            return list(orders.take(session, self.device, now=self.now))

    def answer(self, order: MeterOrder, outcome=OrderOutcome.DONE, supply: SupplyState | None = None, **more) -> bool:
        shown = SHOWN[order.action] if supply is None else supply
        result = OrderResult(outcome=outcome, at=self.now, supply=shown, **more)
        with self.database.begin() as session:
            stored, is_news = orders.conclude(session, order.id, result, device_id=self.device, now=self.now)
            if is_news:
                self.keeper.note_concluded(session, stored, now=self.now)
        return is_news

    def obey(self) -> list[MeterAction]:
        """Do what was ordered, as a meter does that answers."""
        taken = self.take()
        for order in taken:
            self.answer(order)
        return [order.action for order in taken]

    def press_button(self) -> None:
        with self.database.begin() as session:
            meter = session.get_one(Meter, self.meter)
            assert meter.supply is SupplyState.ARMED
            meter.supply, meter.status_at = SupplyState.ON, self.now

    @property
    def supply(self) -> SupplyState:
        with self.database.read() as session:
            return session.get_one(Meter, self.meter).supply


def make_person(session: Session, number: str) -> Person:
    given = Particulars(number=number, name="王小明", kind=PersonKind.STUDENT, valid_from=NOON - timedelta(days=99))
    return people.create(session, given, by="system", now=NOON)


@pytest.fixture
def dormitory(database: Database) -> Dormitory:
    return make_dormitory(database)


def make_dormitory(database: Database) -> Dormitory:
    money, inbox = Money(), Inbox()
    keeper = SupplyKeeper(SupplyRules(zone=CAMPUS), money, inbox)
    with database.begin() as session:
        device, token = devices.add(session, name="reader", role=DeviceRole.METER, by="system", now=NOON)
        building = Building(code="7", name="七号楼")
        line = MeterLine(name="line-1", url="tcp://127.0.0.1:1", protocol=Protocol.DLT645, bits_per_s=2400)
        line.device_id = device.id
        session.add_all([building, line])
        session.flush()
        room = Room(building_id=building.id, number="1005", beds=4)
        meter = Meter(
            number=1,
            serial="000000219998",
            utility=Utility.ELECTRICITY,
            model="dlt645-2007",
            line_id=line.id,
            address="000000219998",
            has_relay=True,
            supply=SupplyState.ON,
        )
        session.add_all([room, meter])
        session.flush()
        session.add(
            MeterPeriod(
                meter_id=meter.id,
                room_id=room.id,
                begins_at=NOON - timedelta(days=9),
                digits=8,
                decimals=2,
                ratio=1,
                max_w=20_000,
                first_digits=0,
                first_source=ReadingSource.PERSON,
            )
        )
        residents = [make_person(session, f"2026{n}").id for n in range(2)]
        session.add_all([Residence(room_id=room.id, person_id=one, moved_in=date(2026, 9, 1)) for one in residents])
    made = Dormitory(database, money, inbox, keeper, room.id, meter.id, device.id, token, residents)
    made.pay(5_000)
    return made
