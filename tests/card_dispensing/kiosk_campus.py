"""A server, a kiosk with a dispenser, and a student who lost their card more than a day ago."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from accounts import cards, devices, people
from accounts.cards import loss, virtual_cards
from accounts.cards.loss import FEE_ACCOUNT
from accounts.cards.virtual_cards import ChannelUser
from accounts.ledger import AccountKind, Transfer, account, find_account, named_account, open_named, record
from accounts.ledger.invariants import check_ledger
from accounts.people import Particulars
from accounts.people.notices import AccountNotice
from accounts.services import AccountsServices
from accounts.tables import Card, LossReport
from accounts.vocabulary import Channel, DeviceRole, PersonKind, PersonState
from card_dispensing import issues, sightings
from card_dispensing.api import router
from card_dispensing.issues import WantedCard
from card_dispensing.server_client import ServerClient
from card_dispensing.tables import CardIssue
from database import Database, new_id
from tests.accounts.conftest import CHEAP_HASHER, SECRET, Clock
from tests.waiting import until
from web import problems
from web.routes import add_routes

LOST_UID = "04AAAAAAAAAA80"


@dataclass
class KioskCampus:
    """The server's side, and short ways to what tests need."""

    services: AccountsServices
    clock: Clock
    person: UUID
    kiosk: UUID
    dispenser: UUID
    token: str = field(repr=False)
    told: list[AccountNotice] = field(default_factory=list)
    url: str = ""

    @property
    def database(self) -> Database:
        return self.services.database

    def ask(self, issue_id: UUID | None = None, person: UUID | None = None) -> UUID:
        """As the kiosk's page does."""
        wanted = WantedCard(issue_id or new_id(), person or self.person, self.kiosk)
        with self.database.begin() as session:
            return issues.ask(session, wanted, self.clock.now).id

    def is_ready(self) -> bool:
        with self.database.read() as session:
            return sightings.find_unreadiness(session, self.dispenser, self.clock.now) is None

    def issue(self, issue_id: UUID) -> CardIssue:
        with self.database.read() as session:
            return session.get_one(CardIssue, issue_id)

    def suspend(self) -> None:
        with self.database.begin() as session:
            person = people.get(session, self.person, lock=True)
            people.set_state(session, person, PersonState.SUSPENDED, by="test", now=self.clock.now)

    def state(self, issue_id: UUID) -> str:
        return self.issue(issue_id).state

    def wait_for(self, issue_id: UUID, state: str) -> CardIssue:
        until(lambda: self.state(issue_id) == state, f"the issue never was {state}")
        return self.issue(issue_id)

    def money(self) -> tuple[int, int]:
        """What is in the wallet, and what the campus took in fees."""
        with self.database.read() as session:
            fees = find_account(session, named_account(AccountKind.FEE, FEE_ACCOUNT))
            return account(session, self.person).balance, 0 if fees is None else fees.balance

    def cards(self) -> dict[str, str]:
        """The person's cards that have not ended, by kind, and what state they are in."""
        with self.database.read() as session:
            return {one.kind.value: one.state.value for one in cards.of_person(session, self.person)}

    def has_card(self, uid: str) -> bool:
        """Whether this card is in use and the person's."""
        with self.database.read() as session:
            digest = cards.uid_digest(session, uid)
            query = select(Card).where(Card.uid_digest == digest, Card.person_id == self.person)
            return any(one.state.value == "active" for one in session.scalars(query))

    def has_loss(self) -> bool:
        with self.database.read() as session:
            return (
                session.scalar(
                    select(LossReport.id).where(LossReport.person_id == self.person, LossReport.closed_at.is_(None))
                )
                is not None
            )

    def require_nothing_taken(self) -> None:
        """Everything is as it was before anybody asked for a card."""
        assert self.money() == (1500, 0)
        assert self.has_loss()
        assert self.cards().get("physical") in (None, "lost")
        assert self.cards()["virtual"] == "suspended"
        self.require_right_books()

    def require_issued(self, uid: str) -> None:
        assert self.has_card(uid)
        assert self.money() == (500, 1000)
        assert not self.has_loss()
        assert self.cards() == {"physical": "active", "virtual": "active"}
        self.require_right_books()

    def require_right_books(self) -> None:
        with self.database.read() as session:
            assert check_ledger(session) == []


def populate(database: Database, clock: Clock) -> KioskCampus:
    told: list[AccountNotice] = []

    def notify(_session: Any, _person: UUID, what: AccountNotice, *, now: datetime) -> None:
        told.append(what)

    services = AccountsServices(database=database, secret=SECRET, hasher=CHEAP_HASHER, clock=clock, notify=notify)
    with database.begin() as session:
        kiosk, _ = devices.add(session, name="kiosk-1", role=DeviceRole.KIOSK, by="test", now=clock.now)
        dispenser, token = devices.add(
            session, name="dispenser-1", role=DeviceRole.DISPENSER, kiosk_id=kiosk.id, by="test", now=clock.now
        )
        person_id = add_person(services, session, "20260001", clock.now)
        ids = kiosk.id, dispenser.id
    return KioskCampus(services, clock, person_id, *ids, token, told)


def add_person(services: AccountsServices, session: Any, number: str, now: datetime, uid: str = LOST_UID) -> UUID:
    given = Particulars(number=number, name="王小明", kind=PersonKind.STUDENT, valid_from=now - timedelta(days=9))
    person = people.create(session, given, by="test", now=now)
    cards.issue(session, person, uid, key_number=None, by="test", now=now - timedelta(days=3))
    user = ChannelUser(user=f"user {number}", phone=None)
    virtual_cards.bind(session, person, Channel.WECHAT, user, by="test", now=now - timedelta(days=3))
    cash = open_named(session, AccountKind.CASH, "counter", now)
    record(session, [Transfer(new_id(), "cash", cash, person.id, 1500)], now)[0].require()
    loss.report(session, person, through="app", by="test", now=now - timedelta(days=2))
    return person.id


@contextmanager
def serving(campus: KioskCampus) -> Iterator[KioskCampus]:
    """The API on a free port."""
    app = FastAPI()
    add_routes(app, router)
    problems.install(app)
    app.state.accounts = campus.services
    listener = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: web.started, "the server did not start")
    campus.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield campus
    finally:
        web.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def client_of(campus: KioskCampus) -> Iterator[ServerClient]:
    client = ServerClient(campus.url, campus.token)
    try:
        yield client
    finally:
        client.close()
