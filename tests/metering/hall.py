"""A hall of residence whose meters and residents a test leads: rooms, people with wallets, readings, days that pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from accounts import people
from accounts.ledger import AccountKind, LedgerWriter, Transfer, account, open_named, record
from accounts.passwords import Hasher
from accounts.payments.services import MoneyServices
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import PersonKind
from database import Database, new_id
from metering.billing import plans, run
from metering.billing.run import Billed
from metering.billing.tables import RoomCharge
from metering.readings.tables import MeterReading
from metering.rooms.tables import Building, Meter, MeterPeriod, Residence, Room
from metering.tariffs.electricity import PricePerKwh, PricePlan, Quota, flat_plan
from metering.vocabulary import ReadingQuality, ReadingSource, Utility
from tests.metering.electricity_cases import FIRST, ZONE, at

CHEAP_HASHER = Hasher(time_cost=1, memory_kib=8)
SECRET = b"a test secret of enough bytes 123"
START = at(FIRST)


@dataclass
class Clock:
    """The campus's clock, which a test turns."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Hall:
    """The server's side of one building."""

    money: MoneyServices
    clock: Clock
    building: UUID
    people: dict[str, UUID] = field(default_factory=dict)
    _numbers: int = field(default=0)

    @property
    def database(self) -> Database:
        """The database under test."""
        return self.money.database

    def plan(self, price: int = 5000, starts_on: date = FIRST, quota: Quota | None = None) -> PricePlan:
        """Add a plan with one price."""
        return self.add_plan(flat_plan(new_id(), f"flat {price}", starts_on, PricePerKwh(price), quota=quota))

    def add_plan(self, plan: PricePlan) -> PricePlan:
        """Add any plan, as of before it starts."""
        with self.database.begin() as session:
            plans.add(session, plan, None, plan.starts_on - timedelta(days=1), by="system", now=self.clock.now)
        return plan

    def room(self, *residents: str, number: str = "1005", beds: int = 4, since: date = FIRST, shows: int = 0) -> UUID:
        """A room with a meter that shows `shows` hundredths of a kWh, and who lives in it."""
        self._numbers += 1
        with self.database.begin() as session:
            room = Room(id=new_id(), building_id=self.building, number=number, beds=beds)
            session.add(room)
            session.flush()
        self.install(room.id, at(since), shows)
        for name in residents:
            self.move_in(room.id, name, since)
        return room.id

    def install(self, room_id: UUID, when: datetime, shows: int, *, ratio: int = 1, final: int | None = None) -> UUID:
        """Install a meter; one that counted there ends at the same instant with its `final` reading."""
        self._numbers += 1
        with self.database.begin() as session:
            for old in session.scalars(
                select(MeterPeriod).where(MeterPeriod.room_id == room_id, MeterPeriod.ends_at.is_(None))
            ):
                old.ends_at, old.final_digits, old.final_source = when, final, ReadingSource.PERSON
            meter = Meter(
                id=new_id(),
                number=self._numbers,
                serial=f"M{self._numbers}",
                utility=Utility.ELECTRICITY,
                model="dlt645",
                address=f"{self._numbers:012}",
                has_relay=True,
            )
            session.add(meter)
            session.flush()
            session.add(
                MeterPeriod(
                    id=new_id(),
                    meter_id=meter.id,
                    room_id=room_id,
                    begins_at=when,
                    digits=8,
                    decimals=2,
                    ratio=ratio,
                    max_w=20_000,
                    first_digits=shows,
                    first_source=ReadingSource.PERSON,
                )
            )
        return meter.id

    def read(
        self,
        room_id: UUID,
        when: datetime,
        shows: int,
        quality: ReadingQuality = ReadingQuality.GOOD,
        source: ReadingSource = ReadingSource.FROZEN,
    ) -> None:
        """The room's meter was read."""
        with self.database.begin() as session:
            number = session.scalars(
                select(Meter.number)
                .join(MeterPeriod, MeterPeriod.meter_id == Meter.id)
                .where(MeterPeriod.room_id == room_id, MeterPeriod.ends_at.is_(None))
            ).one()
            session.add(MeterReading(meter=number, at=when, seen_at=when, digits=shows, source=source, quality=quality))

    def use(self, room_id: UUID, kwh: Sequence[int], first: date = FIRST, shows: int = 0) -> int:
        """So much is used on each day from `first` on, and frozen at each midnight; returns what the meter shows."""
        for index, one in enumerate(kwh):
            shows += one * 100
            self.read(room_id, at(first + timedelta(days=index + 1)), shows)
        return shows

    def person(self, name: str, fen: int = 0) -> UUID:
        """Somebody with a wallet."""
        if name not in self.people:
            particulars = Particulars(
                number=f"2026{len(self.people):04}",
                name=name,
                kind=PersonKind.STUDENT,
                valid_from=datetime(2026, 1, 1, tzinfo=UTC),
            )
            with self.database.begin() as session:
                self.people[name] = people.create(session, particulars, by="system", now=self.clock.now).id
        if fen:
            with self.database.begin() as session:
                cash = open_named(session, AccountKind.CASH, "counter", self.clock.now)
                cash_in = Transfer(new_id(), "cash", cash, self.people[name], fen)
                record(session, [cash_in], self.clock.now)[0].require()
        return self.people[name]

    def move_in(self, room_id: UUID, name: str, on: date) -> None:
        """Somebody moves in at the midnight that begins a day."""
        person = self.person(name)
        with self.database.begin() as session:
            session.add(Residence(id=new_id(), room_id=room_id, person_id=person, moved_in=on))

    def move_out(self, room_id: UUID, name: str, on: date) -> None:
        """Somebody no longer lives there from a day on."""
        with self.database.begin() as session:
            query = select(Residence).where(Residence.room_id == room_id, Residence.person_id == self.people[name])
            session.scalars(query.where(Residence.moved_out.is_(None))).one().moved_out = on

    def bill(self, room_id: UUID, *, days: int = 1, up_to: date | None = None) -> Billed:
        """Let days pass, and bill the room."""
        self.clock.now = max(self.clock.now, START + timedelta(days=days, hours=4))
        with self.database.begin() as session:
            return run.bill_room(session, room_id, self.clock.now, ZONE, up_to=up_to)

    def balance(self, account_id: UUID) -> int:
        """What an account is worth."""
        with self.database.read() as session:
            return account(session, account_id).balance

    def charges(self, room_id: UUID, *, withdrawn: bool = False) -> list[RoomCharge]:
        """The room's charges that stand, or those that were withdrawn, by day."""
        query = select(RoomCharge).where(RoomCharge.room_id == room_id).order_by(RoomCharge.day, RoomCharge.revision)
        stands = RoomCharge.withdrawn_at.is_(None)
        with self.database.read() as session:
            return list(session.scalars(query.where(~stands if withdrawn else stands)))


def make_hall(database: Database, writer: LedgerWriter, clock: Clock) -> Hall:
    """A hall with one building and nothing in it."""
    services = AccountsServices(database=database, secret=SECRET, clock=clock, hasher=CHEAP_HASHER, zone=ZONE)
    with database.begin() as session:
        building = Building(id=new_id(), code="north-1", name="北一楼")
        session.add(building)
    return Hall(MoneyServices(accounts=services, writer=writer), clock, building.id)
