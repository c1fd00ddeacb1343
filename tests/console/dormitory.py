"""A served dormitory: students with wallets, a room with a meter that can be cut off, showers, all of it lived in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import select

from accounts import cards, devices, passwords, people
from accounts.ledger import AccountKind, Transfer, open_account, open_named, record
from accounts.payment_channels.channel import PaymentChannel
from accounts.vocabulary import DeviceRole, PasswordPurpose
from console.services import ConsoleServices
from database import Database, new_id
from messages.metering import ShownCard
from metering.reader_contract import OrderOutcome, OrderResult, Protocol
from metering.rooms import registry
from metering.rooms.tables import Meter, MeterLine, MeterPeriod
from metering.services import MeteringServices
from metering.supply import orders
from metering.tariffs.electricity import Quota, WattHours
from metering.vocabulary import MeterAction, SupplyState
from operations.board import Board
from tests.console.page_server import PASSWORD, Pages, serve
from tests.metering.electricity_cases import ZONE
from tests.metering.hall import Clock as HallClock
from tests.metering.hall import Hall
from tests.metering.sessions.bath import Bath, Student, build
from tests.metering.sessions.bath import Clock as BathClock

PIN = "482913"
SHOWN = {MeterAction.TRIP: SupplyState.OFF, MeterAction.ARM: SupplyState.ARMED, MeterAction.CLOSE: SupplyState.ON}


@dataclass
class Dormitory:
    """The pages and what stands behind them; the days before today have passed."""

    console: Pages
    hall: Hall
    bath: Bath
    device: UUID
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return self.console.url

    @property
    def services(self) -> MeteringServices:
        found: ConsoleServices = self.console.app.state.console
        return found.metering

    @property
    def today(self) -> date:
        return datetime.now(ZONE).date()

    def student(self, name: str, fen: int = 0) -> tuple[str, UUID]:
        """Somebody with a wallet and both passwords; returns number and id."""
        person_id = self.hall.person(name, fen)
        hasher = self.services.money.accounts.hasher
        hashes = {
            PasswordPurpose.PORTAL: hasher.hash(PASSWORD),
            PasswordPurpose.CONSUMPTION: hasher.hash(PIN),
        }
        now = datetime.now(UTC)
        with self.console.database.begin() as session:
            passwords.store(session, person_id, hashes, must_change=False, by="test", now=now)
            return people.get(session, person_id).number, person_id

    def room(self, *names: str, days: int = 10, number: str | None = None) -> UUID:
        """A room with a meter behind a line, and who has lived in it for some days."""
        number = number or f"1{next(self._numbers):03}"
        room = self.hall.room(*names, number=number, since=self.today - timedelta(days=days))
        with self.console.database.begin() as session:
            meter = self._meter(session, room)
            line = MeterLine(name=f"line-{number}", url="tcp://127.0.0.1:1", protocol=Protocol.DLT645, bits_per_s=2400)
            line.device_id = self.device
            session.add(line)
            session.flush()
            meter.line_id, meter.supply, meter.status_at = line.id, SupplyState.ON, datetime.now(UTC)
        return room

    def use(self, room: UUID, kwh: list[int]) -> int:
        """So much was used on each of the last days until today's midnight, and is charged; what the meter shows."""
        shows = self.hall.use(room, kwh, first=self.today - timedelta(days=len(kwh)))
        self.hall.bill(room)
        return shows

    def top_up(self, room: UUID, fen: int) -> None:
        """Credit from nowhere, as of a room's first day."""
        now = datetime.now(UTC)
        with self.console.database.begin() as session:
            open_account(session, room, AccountKind.ROOM, now)
            cash = open_named(session, AccountKind.CASH, "counter", now)
            record(session, [Transfer(new_id(), "cash", cash, room, fen)], now)[0].require()

    def review(self, room: UUID) -> None:
        """Let the server look at the room's supply."""
        with self.console.database.begin() as session:
            self.services.supply.review(session, room, now=datetime.now(UTC))

    def obey(self) -> list[MeterAction]:
        """Do what meters were ordered, as meters do that answer."""
        now = datetime.now(UTC)
        with self.console.database.begin() as session:
            taken = list(orders.take(session, self.device, now=now))
        for order in taken:
            result = OrderResult(outcome=OrderOutcome.DONE, at=now, supply=SHOWN[order.action])
            with self.console.database.begin() as session:
                stored, _ = orders.conclude(session, order.id, result, device_id=self.device, now=now)
                self.services.supply.note_concluded(session, stored, now=now)
        return [order.action for order in taken]

    def press_button(self, room: UUID) -> None:
        """The resident closes the armed relay."""
        with self.console.database.begin() as session:
            meter = self._meter(session, room)
            assert meter.supply is SupplyState.ARMED
            meter.supply, meter.status_at = SupplyState.ON, datetime.now(UTC)

    def card_of(self, person_id: UUID) -> Student:
        """A person's card at the showers."""
        now = datetime.now(UTC)
        with self.console.database.begin() as session:
            uid = f"04A1B2C3D5{next(self._numbers):04X}"
            card = cards.issue(session, people.get(session, person_id), uid, key_number=None, by="test", now=now)
            return Student(person_id, card.id, ShownCard(digest=cards.uid_digest(session, uid)))

    def _meter(self, session, room: UUID) -> Meter:
        query = select(Meter).join(MeterPeriod, MeterPeriod.meter_id == Meter.id)
        return session.scalars(query.where(MeterPeriod.room_id == room, MeterPeriod.ends_at.is_(None))).one()


FREE = Quota(WattHours(7_000))
"""7 kWh a person and month."""


@contextmanager
def open_dormitory(database: Database, *, channels: Mapping[str, PaymentChannel] | None = None) -> Iterator[Dormitory]:
    """Serve the pages over `database`."""
    with serve(database, Board(), None, channels=channels) as console:
        services: MeteringServices = console.app.state.console.metering
        now = datetime.now(UTC)
        with database.begin() as session:
            building = registry.add_building(session, "north-1", "北一楼", by="system", now=now).id
            registry.add_building(session, "south-2", "南二楼", by="system", now=now)
            device, _ = devices.add(session, name="reader", role=DeviceRole.METER, by="system", now=now)
        hall = Hall(services.money, HallClock(now), building)
        bath = build(database, BathClock(now), services.money.writer)
        yield Dormitory(console, hall, bath, device.id)
