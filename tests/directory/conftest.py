"""The directory on each database: people, gates, a publisher, and replicas that are fed by the real API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import directory.api
from access import credentials
from access.policy import GatePolicy, Rule
from access.replica import DirectorySync, Replica
from access.snapshot import ChangePage, View
from accounts import cards, devices, people
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, PersonKind, PersonState, Role
from database import Database, Sealer, new_id
from directory import gates
from directory.feed import changes_since
from directory.publisher import Publisher
from directory.services import DirectoryServices
from enrollment import templates
from enrollment.services import EnrollmentServices
from models.template import Template
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.apps import LentApps
from tests.databases import CREDENTIAL_KEY
from tests.sign_ins import sign_in
from web import problems
from web.tickets import Tickets

STAFF = new_id()
MODEL = "test-model-1"
DIMENSION = 16


@dataclass
class Clock:
    now: datetime = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


def unit_vector(seed: int, dimension: int = DIMENSION) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


@dataclass
class Campus:
    """Everything between a change of a person and a gate's replica."""

    database: Database
    client: TestClient
    clock: Clock
    sealer: Sealer
    folder: Path
    publisher: Publisher
    hints: list[tuple[str, int]]
    accounts: AccountsServices
    tickets: Tickets
    replicas: list[Replica] = field(default_factory=list)
    _people: int = 0

    def person(self, *groups: str, face: int | None = None, card: str | None = None, **fields: Any) -> UUID:
        self._people += 1
        given = {
            "number": f"2026{self._people:04}",
            "name": "王小明",
            "kind": PersonKind.STUDENT,
            "groups": frozenset(groups),
            "valid_from": self.clock.now - timedelta(days=1),
        } | fields
        with self.database.begin() as session:
            person = people.create(session, Particulars(**given), by="system", now=self.clock.now)
            if card is not None:
                cards.issue(session, person, card, key_number=None, by="system", now=self.clock.now)
            if face is not None:
                self.store_face(session, person.id, face)
            return person.id

    def store_face(self, session: Any, person_id: UUID, face: int, model: str = MODEL) -> None:
        templates.store(session, self.sealer, person_id, Template(model, unit_vector(face)), at=self.clock.now)

    def set_state(self, person_id: UUID, state: PersonState) -> None:
        with self.database.begin() as session:
            people.set_state(session, session.get_one(Person, person_id), state, by="system", now=self.clock.now)

    def set_groups(self, person_id: UUID, *groups: str) -> None:
        with self.database.begin() as session:
            person = session.get_one(Person, person_id)
            given = {name: getattr(person, name) for name in Particulars.__dataclass_fields__}
            changed = Particulars(**given | {"groups": frozenset(groups)})
            people.update(session, person, changed, by="system", now=self.clock.now)

    def gate(self, name: str = "main", *groups: str, **fields: Any) -> GatePolicy:
        policy = GatePolicy(gate=name, rules=tuple(Rule(group=group) for group in groups or ("students",)), **fields)
        with self.database.begin() as session:
            gates.add(session, policy, title=name, by="system", now=self.clock.now)
        return policy

    def set_policy(self, policy: GatePolicy) -> None:
        with self.database.begin() as session:
            gates.change(session, gates.get(session, policy.gate), policy, by="system", now=self.clock.now)

    def token(self, gate: str, role: DeviceRole = DeviceRole.EDGE) -> str:
        with self.database.begin() as session:
            return devices.add(
                session, name=f"device {new_id()}", role=role, gate=gate, by="system", now=self.clock.now
            )[1]

    def replica(self, gate: str = "main", *, name: str | None = None, view: View = "full") -> Replica:
        path = self.folder / f"{name or new_id().hex}.db"
        replica = Replica(path, self.sealer, gate=gate, models=(MODEL,), view=view)
        self.replicas.append(replica)
        return replica

    def sync(
        self, replica: Replica, *, page_limit: int = 100, credential_key: bytes | None = CREDENTIAL_KEY
    ) -> DirectorySync:
        role = DeviceRole.EDGE if replica.view == "full" else DeviceRole.CONTROLLER
        return DirectorySync(
            "http://testserver",
            replica.gate,
            self.token(replica.gate, role),
            replica,
            page_limit=page_limit,
            credential_key=credential_key,
            client=self.client,
        )

    def page(self, replica: Replica, *, limit: int = 100) -> ChangePage:
        position = replica.position
        return changes_since(
            self.database,
            self.sealer,
            replica.gate,
            since=position.revision,
            revoked_since=position.revoked_to,
            limit=limit,
            view=replica.view,
            whole=position.rebuilding,
        )

    credential_key = CREDENTIAL_KEY

    def card_digest(self, uid: str) -> str:
        return credentials.card_digest(CREDENTIAL_KEY, uid)

    def code_digest(self, code: str) -> str:
        return credentials.code_digest(CREDENTIAL_KEY, code)

    def pin_digest(self, person_id: UUID, pin: str) -> str:
        return credentials.pin_digest(CREDENTIAL_KEY, person_id, pin)

    def unit_vector(self, seed: int) -> np.ndarray:
        return unit_vector(seed)

    def people_in(self, replica: Replica) -> Sequence[UUID]:
        return sorted(set(replica.gallery().person_ids))

    def as_role(self, *roles: Role, person_id: UUID | None = None) -> dict[str, str]:
        return sign_in(self.accounts, person_id, roles, now=self.clock.now)


def build(database: Database, folder: Path, client: TestClient | None = None) -> Campus:
    clock = Clock()
    sealer = Sealer(b"s" * 32)
    accounts = AccountsServices(
        database=database, secret=b"a test secret of enough bytes 123", clock=clock, hasher=CHEAP_HASHER
    )
    if client is None:
        app = FastAPI()
        app.include_router(directory.api.router)
        problems.install(app)
        client = AppClient(app)
    app = client.app
    app.state.accounts = accounts
    app.state.directory = DirectoryServices(database, sealer, CREDENTIAL_KEY)
    # Of the engine only its model is asked here; what faces need is tested in the enrolment.
    engine: Any = SimpleNamespace(model_id=MODEL)
    nothing: Any = None
    app.state.enrollment = EnrollmentServices(database, sealer, engine, nothing, clock=clock)
    app.state.tickets = Tickets()
    hints: list[tuple[str, int]] = []
    publisher = Publisher(
        database,
        sealer,
        model_id=MODEL,
        notify=lambda gate, revision: hints.append((gate, revision)),
        clock=clock,
    )
    return Campus(database, client, clock, sealer, folder, publisher, hints, accounts, app.state.tickets)


@pytest.fixture
def campus(database: Database, tmp_path: Path, lent_apps: LentApps) -> Iterator[Campus]:
    with lent_apps.lend(directory.api.router) as app, lent_apps.ask(app) as client:
        campus = build(database, tmp_path, client)
        yield campus
        for replica in campus.replicas:
            replica.close()


@pytest.fixture
def facilities(campus: Campus) -> dict[str, str]:
    """Headers of a signed-in member of the facilities staff."""
    return campus.as_role(Role.FACILITIES, person_id=STAFF)
