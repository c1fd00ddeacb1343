"""A campus with a canteen, a terminal in it, and holders with money on their cards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from accounts import cards, passwords
from accounts.ledger import AccountKind, LedgerWriter, Transfer, account, open_named, record
from accounts.ledger.invariants import check_ledger
from accounts.payment_channels.loopback import loopback
from accounts.payment_channels.loopback_provider import LoopbackProvider
from accounts.payments import merchants
from accounts.payments.services import MoneyServices
from accounts.tables import Card, Person
from accounts.topup.verification import check_reasons
from accounts.vocabulary import DeviceRole, PasswordPurpose
from database import new_id
from tests.accounts.conftest import Clock
from tests.accounts.payments.abchina import peer as abchina_peers
from tests.accounts.payments.abchina.peer import AbchinaPeer
from tests.accounts.payments.alipay import peer as alipay_peers
from tests.accounts.payments.alipay.peer import AlipayPeer
from tests.accounts.payments.wechat import peer as wechat_peers
from tests.accounts.payments.wechat.peer import WechatPeer

PIN = "482913"


@dataclass
class Holder:
    """A person with a card."""

    id: UUID
    uid: str
    card_id: UUID


@dataclass
class Shop:
    """The server with money on, and short ways to pay in it."""

    campus: Any
    money: MoneyServices
    providers: dict[str, LoopbackProvider]
    merchant_id: UUID
    terminal: dict[str, str]
    _uids: int = field(default=0)

    @property
    def client(self) -> Any:
        return self.campus.client

    @property
    def database(self) -> Any:
        return self.campus.database

    @property
    def now(self) -> Any:
        return self.campus.clock.now

    def holder(self, fen: int = 0, *, pin: str | None = PIN, must_change: bool = False) -> Holder:
        self._uids += 1
        uid = f"04A1B2C3D4{self._uids:04X}"
        person: Person = self.campus.person()
        with self.database.begin() as session:
            person = session.merge(person, load=False)
            card: Card = cards.issue(session, person, uid, key_number=None, by="system", now=self.now)
            if pin is not None:
                hashed = {PasswordPurpose.CONSUMPTION: self.money.accounts.hasher.hash(pin)}
                passwords.store(session, person.id, hashed, must_change=must_change, by="system", now=self.now)
            holder = Holder(person.id, uid, card.id)
        if fen:
            self.give(holder, fen)
        return holder

    def give(self, holder: Holder, fen: int) -> None:
        with self.database.begin() as session:
            cash = open_named(session, AccountKind.CASH, "counter", self.now)
            record(session, [Transfer(new_id(), "top_up", cash, holder.id, fen)], self.now)[0].require()

    def pay(self, holder: Holder, amount: int, *, terminal: Any = None, **body: Any) -> Response:
        body = {"id": str(new_id()), "amount": amount, "card": {"uid": holder.uid}} | body
        return self.client.post("/api/v1/payments", json=body, headers=terminal or self.terminal)

    def scan(self, code: str, amount: int, **body: Any) -> Response:
        body = {"id": str(new_id()), "amount": amount, "code": code} | body
        return self.client.post("/api/v1/payments", json=body, headers=self.terminal)

    def post(self, path: str, **body: Any) -> Response:
        return self.client.post(f"/api/v1{path}", json=body, headers=self.terminal)

    def balance(self, account_id: UUID) -> int:
        with self.database.read() as session:
            return account(session, account_id).balance

    def another_merchant(self, *, campus: str = "north", service: str = "canteen") -> tuple[UUID, dict[str, str]]:
        with self.database.begin() as session:
            made = merchants.add(
                session, name=f"shop {new_id()}", campus=campus, service=service, by="system", now=self.now
            )
        return made.id, self.campus.as_device(DeviceRole.TERMINAL, campus=campus, merchant_id=made.id)


@contextmanager
def running_shop(make_campus: Callable[..., Any]) -> Iterator[Shop]:
    campus = make_campus()
    services = campus.services
    sides = {name: loopback(name, clock=services.clock, zone=services.zone) for name in ("wechat", "alipay")}
    with LedgerWriter(services.database, clock=services.clock) as writer:
        money = MoneyServices(
            accounts=services,
            writer=writer,
            channels={name: channel for name, (_, channel) in sides.items()},
        )
        campus.client.app.state.money = money
        providers = {name: provider for name, (provider, _) in sides.items()}
        shop = Shop(campus, money, providers, new_id(), {})
        with services.database.begin() as session:
            merchants.set_campuses(session, "canteen", ["north", "south"], by="system", now=campus.clock.now)
        shop.merchant_id, shop.terminal = shop.another_merchant()
        yield shop


@pytest.fixture
def shop(make_campus: Callable[..., Any]) -> Iterator[Shop]:
    with running_shop(make_campus) as shop:
        yield shop
    with shop.database.read() as session:
        assert check_ledger(session) == [], "whatever a test did, the books are right"
        assert check_reasons(session) == [], "and every line has its reason"


@pytest.fixture
def edited_shop(make_campus: Callable[..., Any]) -> Iterator[Shop]:
    """A shop whose books a test may change by hand."""
    with running_shop(make_campus) as shop:
        yield shop


@pytest.fixture(scope="session")
def wechat_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WechatPeer]:
    """WeChat Pay in a process of its own; whoever uses it begins anew there."""
    with wechat_peers.running_peer(tmp_path_factory.mktemp("wechat"), Clock().now) as peer:
        yield peer


@pytest.fixture(scope="session")
def alipay_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlipayPeer]:
    """Alipay in a process of its own; whoever uses it begins anew there."""
    with alipay_peers.running_peer(tmp_path_factory.mktemp("alipay"), Clock().now) as peer:
        yield peer


@pytest.fixture(scope="session")
def abchina_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AbchinaPeer]:
    """The Agricultural Bank in a process of its own; whoever uses it begins anew there."""
    with abchina_peers.running_peer(tmp_path_factory.mktemp("abchina"), Clock().now) as peer:
        yield peer


@pytest.fixture
def tomorrow() -> timedelta:
    return timedelta(days=1)
