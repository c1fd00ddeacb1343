"""A hall of residence whose meters and residents a test leads: rooms, people with wallets, readings, days that pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from accounts import people
from accounts.ledger import AccountError, AccountKind, LedgerWriter, Transfer, account, open_named, record
from accounts.passwords import Hasher
from accounts.payments.services import MoneyServices
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import PersonKind
from database import Database, new_id
from metering.billing import plans, run
from metering.billing.run import Billed
from metering.billing.tables import RoomCharge
from metering.readings.store import put
from metering.readings.values import Reading, Register
from metering.rooms import installation, meters, registry, residents
from metering.rooms.installation import Exchange, Stand
from metering.rooms.tables import Meter, MeterPeriod
from metering.tariffs.electricity import PricePerKwh, PricePlan, Quota, flat_plan
from metering.vocabulary import ReadingQuality, ReadingSource
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

    def room(self, *names: str, number: str = "1005", beds: int = 4, since: date = FIRST, shows: int = 0) -> UUID:
        """A room with a meter that shows `shows` hundredths of a kWh, and who lives in it."""
        with self.database.begin() as session:
            room = registry.add_room(session, self.building, number, beds, by="system", now=self.clock.now).id
        self.install(room, at(since), shows)
        for name in names:
            self.move_in(room, name, since)
        return room

    def new_meter(self) -> UUID:
        """A meter that lies in the store."""
        self._numbers += 1
        with self.database.begin() as session:
            return meters.add_meter(
                session,
                serial=f"M{self._numbers}",
                model="dlt645-2007",
                address=f"{self._numbers:012}",
                has_relay=True,
                line_id=None,
                by="system",
                now=self.clock.now,
            ).id

    def install(self, room_id: UUID, when: datetime, shows: int, *, ratio: int = 1, final: int | None = None) -> UUID:
        """Install a meter; one that counted there ends at the same instant with its `final` reading."""
        register, new = Register(ratio=ratio), self.new_meter()
        with self.database.begin() as session:
            now = max(when, self.clock.now)
            if final is None:
                installation.install(session, new, room_id, Stand(when, shows), register, by="system", now=now)
            else:
                [old] = meters.find_meters_of(session, room_id)
                exchange = Exchange(old.id, new, when, final, shows, register=register)
                installation.exchange(session, exchange, by="system", now=now)
        return new

    def read(
        self,
        room_id: UUID,
        when: datetime,
        shows: int,
        quality: ReadingQuality = ReadingQuality.GOOD,
        source: ReadingSource = ReadingSource.FROZEN,
    ) -> None:
        """The room's meter was read."""
        with self.database.read() as session:
            meter = session.scalars(
                select(MeterPeriod.meter_id).where(MeterPeriod.room_id == room_id, MeterPeriod.ends_at.is_(None))
            ).one()
        self.read_meter(meter, when, shows, quality, source)

    def read_meter(
        self,
        meter: UUID,
        when: datetime,
        shows: int,
        quality: ReadingQuality = ReadingQuality.GOOD,
        source: ReadingSource = ReadingSource.FROZEN,
    ) -> None:
        """A meter was read."""
        with self.database.begin() as session:
            number = session.get_one(Meter, meter).number
            put(session, number, Reading(when, when, shows, source, quality))

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
            residents.move_in(session, room_id, person, on, by="system", now=self.clock.now)

    def move_out(self, name: str, on: date) -> None:
        """Somebody no longer lives there from a day on."""
        with self.database.begin() as session:
            residents.move_out(session, self.people[name], on, by="system", now=self.clock.now)

    def bill(self, room_id: UUID, *, days: int = 1, up_to: date | None = None) -> Billed:
        """Let days pass, and bill the room."""
        self.clock.now = max(self.clock.now, START + timedelta(days=days, hours=4))
        with self.database.begin() as session:
            return run.bill_room(session, room_id, self.clock.now, ZONE, up_to=up_to)

    def balance(self, account_id: UUID) -> int:
        """What an account is worth; one that was never opened is worth nothing."""
        with self.database.read() as session:
            try:
                return account(session, account_id).balance
            except AccountError:
                return 0

    def charges(self, room_id: UUID, *, withdrawn: bool = False) -> list[RoomCharge]:
        """The room's charges that stand, or those that were withdrawn, by day."""
        query = select(RoomCharge).where(RoomCharge.room_id == room_id).order_by(RoomCharge.day, RoomCharge.revision)
        stands = RoomCharge.withdrawn_at.is_(None)
        with self.database.read() as session:
            return list(session.scalars(query.where(~stands if withdrawn else stands)))


def make_hall(database: Database, writer: LedgerWriter, clock: Clock) -> Hall:
    """A hall with one building and nothing in it."""
    services = AccountsServices(
        database=database,
        secret=SECRET,
        clock=clock,
        hasher=CHEAP_HASHER,
        zone=ZONE,
        access_token_lifetime=timedelta(days=400),
    )
    with database.begin() as session:
        building = registry.add_building(session, "north-1", "北一楼", by="system", now=clock.now).id
    return Hall(MoneyServices(accounts=services, writer=writer), clock, building)
