"""The accounts' API on each database, with a clock that the tests turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from accounts import cards, devices, passwords, people
from accounts.api.router import router
from accounts.cards import virtual_cards
from accounts.cards.virtual_cards import ChannelUser
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import Channel, DeviceRole, PasswordPurpose, PersonKind, Role
from database import Database, new_id
from tests.apps import LentApps
from tests.sign_ins import sign_in

CHEAP_HASHER = Hasher(time_cost=1, memory_kib=8)
"""Argon2id at the smallest cost there is: what is tested is not how long it takes."""

SECRET = b"a test secret of enough bytes 123"


@dataclass
class Clock:
    now: datetime = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass
class Campus:
    """The server under test, and short ways to what most tests need."""

    services: AccountsServices
    client: TestClient
    clock: Clock
    _people: int = field(default=0)

    @property
    def database(self) -> Database:
        return self.services.database

    def person(self, **fields: Any) -> Person:
        self._people += 1
        given = {
            "number": f"2026{self._people:04}",
            "name": "王小明",
            "kind": PersonKind.STUDENT,
            "valid_from": self.clock.now - timedelta(days=1),
        } | fields
        with self.database.begin() as session:
            return people.create(session, Particulars(**given), by="system", now=self.clock.now)

    def as_person(self, person_id: UUID, *roles: Role, must_change_password: bool = False) -> dict[str, str]:
        return sign_in(self.services, person_id, roles, now=self.clock.now, must_change_password=must_change_password)

    def passwords(self, person_id: UUID, *, must_change: bool = False, **plain: str) -> None:
        hashes = {PasswordPurpose(purpose): self.services.hasher.hash(word) for purpose, word in plain.items()}
        with self.database.begin() as session:
            passwords.store(session, person_id, hashes, must_change=must_change, by="system", now=self.clock.now)

    def card(self, person: Person, uid: str = "04A1B2C3D4E580", key_number: int | None = None) -> UUID:
        with self.database.begin() as session:
            return cards.issue(session, person, uid, key_number=key_number, by="system", now=self.clock.now).id

    def virtual_card(self, person: Person, channel: Channel = Channel.WECHAT) -> UUID:
        user = ChannelUser(user=f"user {person.id}", phone=None)
        with self.database.begin() as session:
            return virtual_cards.bind(session, person, channel, user, by="system", now=self.clock.now).id

    def money(self, person_id: UUID, fen: int) -> None:
        """Give a wallet some money, as cash from the counter."""
        with self.database.begin() as session:
            cash = chart.open_named(session, AccountKind.CASH, "counter", self.clock.now)
            top_up = Transfer(id=new_id(), purpose="cash", debit=cash, credit=person_id, amount=fen)
            (outcome,) = posting.record(session, [top_up], self.clock.now)
            assert outcome.refusal is None

    def balance(self, person_id: UUID) -> int:
        with self.database.read() as session:
            return chart.account(session, person_id).balance

    def as_role(self, *roles: Role) -> dict[str, str]:
        return self.as_person(new_id(), *roles)

    def as_device(self, role: DeviceRole, **fields: Any) -> dict[str, str]:
        with self.database.begin() as session:
            _, token = devices.add(
                session, name=f"device {new_id()}", role=role, by="system", now=self.clock.now, **fields
            )
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_campus(database: Database, clock: Clock, lent_apps: LentApps) -> Iterator[Callable[..., Campus]]:
    lent = ExitStack()

    def make(**services: Any) -> Campus:
        app = lent.enter_context(lent_apps.lend(router))
        given = {"hasher": CHEAP_HASHER, "first_passwords": FirstPasswords("Test@#")} | services
        app.state.accounts = AccountsServices(database=database, secret=SECRET, clock=clock, **given)
        client = lent.enter_context(lent_apps.ask(app))
        return Campus(app.state.accounts, client, clock)

    with lent:
        yield make


@pytest.fixture
def campus(make_campus: Callable[..., Campus]) -> Campus:
    return make_campus()
