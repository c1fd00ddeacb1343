"""The accounts' API on each database, with a clock that the tests turn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from accounts import devices, people
from accounts.api.router import router
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, PersonKind, Role
from database import Database, new_id
from web import problems

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
        token = self.services.access_tokens.issue(
            person_id, new_id(), {Role.HOLDER, *roles}, must_change_password=must_change_password, now=self.clock.now
        )
        return {"Authorization": f"Bearer {token}"}

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
def make_campus(database: Database, clock: Clock) -> Iterator[Callable[..., Campus]]:
    clients: list[TestClient] = []

    def make(**services: Any) -> Campus:
        app = FastAPI()
        app.state.accounts = AccountsServices(database=database, secret=SECRET, clock=clock, **services)
        app.include_router(router)
        problems.install(app)
        client = TestClient(app)
        clients.append(client)
        return Campus(app.state.accounts, client, clock)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def campus(make_campus: Callable[..., Campus]) -> Campus:
    return make_campus()
