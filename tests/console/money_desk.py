"""A card centre behind the pages: two cashiers, two administrators, holders with cards and money, a bank, a kiosk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts import cards, devices, passwords, people
from accounts.ledger.posting import record
from accounts.ledger.transfer import Transfer
from accounts.payment_channels.loopback import loopback
from accounts.payment_channels.loopback_provider import LoopbackProvider
from accounts.payments import merchants
from accounts.payments.services import MoneyServices
from accounts.payments.wallet import PURPOSE
from accounts.people import Particulars
from accounts.tables import Person
from accounts.topup import cash, orders
from accounts.topup.cash import Cash
from accounts.topup.orders import TopUpRequest
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind, Role
from console.pages import ConsoleServices
from database import Database, new_id
from operations.board import Board
from tests.console.page_server import Pages, hire, serve
from tests.databases import copied

QUERY_PASSWORD = "482913"
STAFF = (
    ("C1", "Wang Fang", Role.CASHIER),
    ("C2", "Zhao Min", Role.CASHIER),
    ("A1", "Sun Li", Role.ADMIN),
    ("A2", "Qian Yi", Role.ADMIN),
)


@dataclass
class Desk:
    """The pages, the bank, and short ways to what tests need."""

    pages: Pages
    provider: LoopbackProvider
    kiosk_token: str
    kiosk_id: UUID
    staff: dict[str, UUID]
    _holders: int = field(default=0)

    @property
    def url(self) -> str:
        return self.pages.url

    @property
    def database(self) -> Database:
        return self.pages.database

    @property
    def services(self) -> ConsoleServices:
        return self.pages.app.state.console

    @property
    def money(self) -> MoneyServices:
        return self.services.money

    @property
    def now(self) -> datetime:
        return self.services.now()

    def holder(self, name: str = "Li Lei", fen: int = 0) -> tuple[UUID, str, str]:
        """Somebody with a card: id, number, UID."""
        self._holders += 1
        number, uid = f"2026{self._holders:04}", f"05B1C2D3E4{self._holders:04X}"
        with self.database.begin() as session:
            given = Particulars(number=number, name=name, kind=PersonKind.STUDENT, valid_from=self.now)
            person = people.create(session, given, by="test", now=self.now)
            cards.issue(session, session.get_one(Person, person.id), uid, key_number=None, by="test", now=self.now)
            hashed = {PasswordPurpose.QUERY: self.services.accounts.hasher.hash(QUERY_PASSWORD)}
            passwords.store(session, person.id, hashed, must_change=False, by="test", now=self.now)
        if fen:
            self.pay_in(person.id, fen)
        return person.id, number, uid

    def pay_in(self, person_id: UUID, fen: int, cashier: str = "C2") -> UUID:
        wanted = Cash(new_id(), cash.counter_of(self.staff[cashier]), person_id, fen)
        cash.pay_in(self.money, wanted, by=f"person:{self.staff[cashier]}", now=self.now)
        return wanted.id

    def pay(self, person_id: UUID, fen: int) -> UUID:
        """A payment at a canteen that is only of this test."""
        payment_id = new_id()
        with self.database.begin() as session:
            name = f"canteen {payment_id}"
            shop = merchants.add(session, name=name, campus="north", service="canteen", by="test", now=self.now)
            record(session, [Transfer(payment_id, PURPOSE, person_id, shop.id, fen)], self.now)[0].require()
        return payment_id

    def top_up(self, person_id: UUID, fen: int) -> UUID:
        """A top-up that the bank says is paid."""
        wanted = TopUpRequest(new_id(), person_id, "loopback", fen)
        orders.create(self.money, wanted, self.now)
        self.provider.pay(wanted.id)
        orders.query(self.money, wanted.id, person_id, self.now)
        return wanted.id


@contextmanager
def open_desk(template: Path, folder: Path) -> Iterator[Desk]:
    database = copied(template, folder)
    provider, channel = loopback("loopback", zone=ZoneInfo("Asia/Shanghai"), pay_at="/demonstration/bank/")
    with serve(database, Board(), None, channels={"loopback": channel}) as pages:
        accounts = pages.app.state.console.accounts
        staff = {number: hire(database, accounts, number, name, role) for number, name, role in STAFF}
        with database.begin() as session:
            device, token = devices.add(
                session, name="kiosk-1", role=DeviceRole.KIOSK, campus="north", by="test", now=datetime.now(UTC)
            )
        yield Desk(pages, provider, token, device.id, staff)
    database.close()
