"""Who may act for whom: every route on which staff change something of a person's, by each role, for each person."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import directory.api.routes
import enrollment.api
import operations.api
from access.policy import GatePolicy
from accounts import cards, people
from accounts.api.router import router
from accounts.payments.services import MoneyServices
from accounts.people.notices import AccountNotice
from accounts.people_import.importer import Importer, RowOutcome
from accounts.people_import.people_list import parse
from accounts.services import AccountsServices
from accounts.tables import Person, PersonRole, SignIn
from accounts.vocabulary import PersonKind, Role
from database import Database, Sealer, new_id
from directory import gates, visitor_passes
from directory.services import DirectoryServices
from enrollment import account_notices
from enrollment.services import EnrollmentServices
from metering.api.router import router as metering_router
from metering.rooms import registry
from metering.services import MeteringServices
from operations.alarms.pictures import AlarmPictures
from operations.api.dependencies import OperationsServices
from operations.board import Board
from operations.order_service import OrderService
from tests.accounts.conftest import CHEAP_HASHER, SECRET, Clock
from tests.app_client import AppClient
from tests.apps import LentApps
from tests.databases import ON_SQLITE
from tests.sign_ins import sign_in
from web.tickets import Tickets

pytestmark = ON_SQLITE

STAFF = (Role.REVIEWER, Role.FACILITIES, Role.CASHIER, Role.ADMIN)
KEY = b"c" * 32
LONG_AGO = timedelta(days=1)


class NoHints:
    def publish(self, _revisions: Any) -> None:
        return None


@dataclass
class Office:
    """Every API of the server, and people to act and to be acted for."""

    client: TestClient
    accounts: AccountsServices
    database: Database
    clock: Clock

    def person(self, *roles: Role) -> UUID:
        self.clock.forward(microseconds=1)
        with self.database.begin() as session:
            given = people.Particulars(
                number=new_id().hex[-20:],
                name="n",
                kind=PersonKind.STAFF,
                valid_from=self.clock.now - LONG_AGO,
            )
            person = people.create(session, given, by="test", now=self.clock.now)
            session.add_all(PersonRole(person_id=person.id, role=role) for role in roles)
            return person.id

    def sign_in(self, person_id: UUID, *roles: Role) -> dict[str, str]:
        return sign_in(self.accounts, person_id, roles, now=self.clock.now)

    def card(self, person_id: UUID) -> UUID:
        with self.database.begin() as session:
            uid = new_id().hex[-14:]
            person = people.get(session, person_id)
            return cards.issue(session, person, uid, key_number=None, by="test", now=self.clock.now).id

    def visitor_pass(self, person_id: UUID) -> UUID:
        with self.database.begin() as session:
            one, _ = visitor_passes.issue(session, **self.period(), person_id=person_id,
                                           gates=["north"], with_code=True,
                                  credential_key=KEY, by="test", now=self.clock.now)  # fmt: skip
            return one.id

    def room(self) -> UUID:
        with self.database.begin() as session:
            building = registry.add_building(session, new_id().hex, "b", by="test", now=self.clock.now)
            return registry.add_room(session, building.id, "1", 1, by="test", now=self.clock.now).id

    def period(self) -> dict[str, Any]:
        return {"valid_from": self.clock.now, "valid_until": self.clock.now + timedelta(hours=1)}


@pytest.fixture
def app(lent_apps: LentApps) -> Iterator[FastAPI]:
    routers = directory.api.routes.router, router, enrollment.api.router, operations.api.router, metering_router
    with lent_apps.lend(*routers) as app:
        yield app


@pytest.fixture
def office(database: Database, clock: Clock, app: FastAPI) -> Iterator[Office]:
    sealer = Sealer(bytes(range(32)))
    app.state.accounts = AccountsServices(
        database=database, secret=SECRET, clock=clock, hasher=CHEAP_HASHER, notify=account_notices.write
    )
    app.state.money = MoneyServices(accounts=app.state.accounts, writer=None)
    app.state.metering = MeteringServices(money=app.state.money)
    app.state.directory = DirectoryServices(database, sealer, KEY)
    app.state.enrollment = EnrollmentServices(database, sealer, engine=None, checker=None)
    board = Board()
    app.state.tickets = Tickets()
    app.state.operations = OperationsServices(
        board, OrderService(database, board), NoHints(), AlarmPictures(Sealer(bytes(32)))
    )
    with database.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall", by="test", now=clock.now)
        gates.add(session, GatePolicy(gate="north", inner_zone="hall"), title="North", by="test", now=clock.now)
    with AppClient(app) as client:
        yield Office(client, app.state.accounts, database, clock)


Request = tuple[str, Any]
PEOPLE, PASSES = "/api/v1/people/{person_id}", "/api/v1/directory/passes"

ABOUT_A_PERSON: dict[tuple[str, str], tuple[Role, Callable[[Office, UUID], Request]]] = {
    ("put", PEOPLE): (
        Role.ADMIN,
        lambda _, one: (f"/api/v1/people/{one}", {"number": new_id().hex[-20:], "name": "m", "kind": "staff"}),
    ),
    ("put", f"{PEOPLE}/state"): (Role.ADMIN, lambda _, one: (f"/api/v1/people/{one}/state", {"state": "suspended"})),
    ("put", f"{PEOPLE}/roles"): (Role.ADMIN, lambda _, one: (f"/api/v1/people/{one}/roles", {"roles": ["admin"]})),
    ("post", f"{PEOPLE}/passwords/{{purpose}}/reset"): (
        Role.CASHIER,
        lambda _, one: (f"/api/v1/people/{one}/passwords/portal/reset", None),
    ),
    ("post", f"{PEOPLE}/cards"): (
        Role.CASHIER,
        lambda _, one: (f"/api/v1/people/{one}/cards", {"uid": new_id().hex[-14:]}),
    ),
    ("post", f"{PEOPLE}/loss"): (Role.CASHIER, lambda _, one: (f"/api/v1/people/{one}/loss", None)),
    ("post", f"{PEOPLE}/loss/release"): (Role.CASHIER, lambda _, one: (f"/api/v1/people/{one}/loss/release", None)),
    ("post", f"{PEOPLE}/reissue"): (
        Role.CASHIER,
        lambda _, one: (f"/api/v1/people/{one}/reissue", {"uid": new_id().hex[-14:]}),
    ),
    ("post", "/api/v1/cards/{card_id}/suspend"): (
        Role.CASHIER,
        lambda office, one: (f"/api/v1/cards/{office.card(one)}/suspend", {}),
    ),
    ("post", "/api/v1/cards/{card_id}/release"): (
        Role.CASHIER,
        lambda office, one: (f"/api/v1/cards/{office.card(one)}/release", {}),
    ),
    ("post", "/api/v1/cards/{card_id}/return"): (
        Role.CASHIER,
        lambda office, one: (f"/api/v1/cards/{office.card(one)}/return", {}),
    ),
    ("post", PASSES): (
        Role.FACILITIES,
        lambda office, one: (
            PASSES,
            {"person_id": str(one), "gates": ["north"]} | {k: v.isoformat() for k, v in office.period().items()},
        ),
    ),
    ("post", f"{PASSES}/{{pass_id}}/end"): (
        Role.FACILITIES,
        lambda office, one: (f"{PASSES}/{office.visitor_pass(one)}/end", None),
    ),
    ("put", "/api/v1/directory/people/{person_id}/needs"): (
        Role.FACILITIES,
        lambda _, one: (f"/api/v1/directory/people/{one}/needs", {"extended_time": True}),
    ),
    ("delete", f"{PEOPLE}/photos"): (Role.ADMIN, lambda _, one: (f"/api/v1/people/{one}/photos", None)),
    ("delete", f"{PEOPLE}/reference-photos"): (
        Role.ADMIN,
        lambda _, one: (f"/api/v1/people/{one}/reference-photos", None),
    ),
    ("put", f"{PEOPLE}/residence"): (
        Role.FACILITIES,
        lambda office, one: (f"/api/v1/people/{one}/residence", {"room_id": str(office.room()), "day": "2026-09-01"}),
    ),
    ("post", f"{PEOPLE}/residence/end"): (
        Role.FACILITIES,
        lambda _, one: (f"/api/v1/people/{one}/residence/end", {"day": "2026-10-01"}),
    ),
}
"""By route: the role it is for beside administrators, and how to ask it about somebody."""

OF_ANOTHER_KIND = {
    ("post", "/api/v1/people"): "a new person has no standing yet",
    ("post", "/api/v1/people/import"): "row by row: see below",
    ("post", f"{PEOPLE}/reference-photos"): "own_reference: tests/enrollment/test_references.py",
    ("post", "/api/v1/directory/gates/{gate}/dry-run"): "asks and changes nothing",
    ("post", "/api/v1/operations/zones/{zone}/forgive"): "helps somebody through a gate: only not oneself, see below",
    ("post", f"{PEOPLE}/merge"): "two people: tests/accounts/test_merging_api.py",
    ("post", "/api/v1/cash-top-ups"): "money: tests/accounts/payments",
    ("post", "/api/v1/cash-payouts"): "money: tests/accounts/payments",
    ("post", "/api/v1/subsidies"): "money: tests/accounts/payments",
    ("post", "/api/v1/top-ups/{order_id}/refunds"): "money: tests/accounts/payments",
    ("post", "/api/v1/rooms/{room_id}/settlements"): "charges a room and says what somebody owes; moves nobody out",
}
"""Routes that name a person, or could, and why they are not in the table."""

AUTHORITY = {"role_required", "own_account", "admin_required"}


def ticket(office: Office, actor: dict[str, str], action: str) -> dict[str, str]:
    """What routes that move a door want beside the right to; nothing for whoever gets none."""
    answer = office.client.post("/api/v1/operations/tickets", json={"action": action}, headers=actor)
    return {"Door-Ticket": answer.json()["ticket"]} if answer.is_success else {}


def ask(office: Office, route: tuple[str, str], actor: dict[str, str], about: UUID) -> str | None:
    path, body = ABOUT_A_PERSON[route][1](office, about)
    headers = actor | {"Idempotency-Key": new_id().hex} | ticket(office, actor, "pass")
    answer = office.client.request(route[0], path, json=body, headers=headers)
    assert answer.status_code < 500, answer.text
    return answer.json()["code"] if answer.status_code >= 400 else None


@pytest.mark.parametrize("route", ABOUT_A_PERSON, ids=lambda route: f"{route[0]} {route[1]}")
def test_nobody_acts_for_themselves_and_only_an_admin_for_whoever_has_a_role(office, route) -> None:
    allowed = {ABOUT_A_PERSON[route][0], Role.ADMIN}
    for role in STAFF:
        myself = office.person(role)
        actor = office.sign_in(myself, role)
        if role not in allowed:
            assert ask(office, route, actor, office.person()) == "role_required", role
            continue
        assert ask(office, route, actor, myself) == "own_account", role
        assert ask(office, route, actor, office.person()) not in AUTHORITY, role
        for other in STAFF:
            code = ask(office, route, actor, office.person(other))
            assert (code == "admin_required") is (role is not Role.ADMIN), (role, other, code)
            assert code not in AUTHORITY or role is not Role.ADMIN, (role, other, code)


def test_every_route_that_names_a_person_is_in_the_table(office) -> None:
    """A new route cannot be forgotten: one with a person, a card or a pass in its address or body belongs above."""
    found = set()
    schema = office.client.app.openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            is_of_staff = any("person" in one for one in operation.get("security", [])) and "/me/" not in path
            if method == "get" or not is_of_staff or "/reviews/" in path:
                continue
            text = path + str(operation.get("requestBody", "")) + _bodies(schema, operation)
            if any(name in text for name in ("person_id", "card_id", "pass_id", "order_id}/refunds", "/people")):
                found.add((method, path))
    assert found == set(ABOUT_A_PERSON) | set(OF_ANOTHER_KIND)


def test_no_schema_is_named_by_its_module(office) -> None:
    """Two schemas of one name would be told apart by their modules, and moving one would change the API."""
    assert not [name for name in office.client.app.openapi()["components"]["schemas"] if "__" in name]


def _bodies(schema: dict[str, Any], operation: dict[str, Any]) -> str:
    """The names of every field that the body may hold, also further in."""
    text, waiting = "", [str(operation.get("requestBody", ""))]
    seen: set[str] = set()
    while waiting:
        part = waiting.pop()
        for name, described in schema["components"]["schemas"].items():
            if f"schemas/{name}'" in part and name not in seen:
                seen.add(name)
                text += " ".join(described.get("properties", {})) + " "
                waiting.append(str(described))
    return text


def test_a_cashier_does_not_become_an_administrator(office) -> None:
    admin = office.person(Role.ADMIN)
    cashier = office.person(Role.CASHIER)
    answer = office.client.post(
        f"/api/v1/people/{admin}/passwords/portal/reset", headers=office.sign_in(cashier, Role.CASHIER)
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "admin_required")
    assert "password" not in answer.json()


def test_whoever_got_a_new_password_or_role_or_card_is_told(office) -> None:
    person, admin = office.person(), office.sign_in(office.person(), Role.ADMIN)
    base = f"/api/v1/people/{person}"
    assert office.client.post(f"{base}/passwords/query/reset", headers=admin).status_code == 200
    assert office.client.post(f"{base}/cards", json={"uid": "04A1B2C3D4E580"}, headers=admin).status_code == 201
    assert office.client.put(f"{base}/state", json={"state": "suspended"}, headers=admin).status_code == 200
    assert office.client.put(f"{base}/state", json={"state": "active"}, headers=admin).status_code == 200
    assert office.client.put(f"{base}/roles", json={"roles": ["reviewer"]}, headers=admin).status_code == 200
    inbox = office.client.get("/api/v1/me/notices", headers=office.sign_in(person)).json()["items"]
    assert [one["kind"] for one in inbox] == [
        AccountNotice.ROLES_CHANGED,
        AccountNotice.RELEASED,
        AccountNotice.SUSPENDED,
        AccountNotice.CARD_ISSUED,
        AccountNotice.QUERY_RESET,
    ]


def test_nobody_lets_their_own_passages_no_longer_count(office) -> None:
    guard = office.person(Role.FACILITIES)
    headers = office.sign_in(guard, Role.FACILITIES)
    path = "/api/v1/operations/zones/hall/forgive"
    given = ticket(office, headers, "forgive")
    own = office.client.post(path, json={"person_id": str(guard)}, headers=headers | given)
    assert (own.status_code, own.json()["code"]) == (403, "own_account")
    another = {"person_id": str(office.person())}
    assert office.client.post(path, json=another, headers=headers | given).status_code == 204


def test_an_import_does_not_change_whoever_sends_it(office) -> None:
    admin = office.person(Role.ADMIN)
    with office.database.read() as session:
        number = people.get(session, admin).number
    rows = [{"number": number, "valid_until": "2099-12-31"}]
    headers = office.sign_in(admin, Role.ADMIN)
    (row,) = office.client.post("/api/v1/people/import", json={"rows": rows}, headers=headers).json()["rows"]
    assert row["outcome"] == "invalid"
    with office.database.read() as session:
        assert people.get(session, admin).valid_until is None
    (same,) = office.client.post("/api/v1/people/import", json={"rows": [{"number": number}]}, headers=headers).json()[
        "rows"
    ]
    assert same["outcome"] == "unchanged"


def test_an_import_gives_no_guessable_first_password_to_staff_with_a_role(office) -> None:
    ids = [office.person(Role.ADMIN), office.person()]
    with office.database.read() as session:
        numbers = [people.get(session, one).number for one in ids]
    rows = [
        parse(n, {"number": number, "national_id": "110101200801019873"}, office.accounts.zone)
        for n, number in enumerate(numbers, 1)
    ]
    importer = Importer(office.database, CHEAP_HASHER, office.accounts.first_passwords, "system")
    results = importer.run(rows, now=office.clock.now)
    assert [(one.outcome, one.first_passwords) for one in results] == [
        (RowOutcome.UNCHANGED, False),
        (RowOutcome.UPDATED, True),
    ]


def test_a_sign_in_ends_with_every_change_of_state_or_roles(office) -> None:
    for path, body in (("state", {"state": "suspended"}), ("roles", {"roles": ["reviewer"]})):
        person = office.person()
        office.sign_in(person)
        admin = office.sign_in(office.person(), Role.ADMIN)
        assert office.client.put(f"/api/v1/people/{person}/{path}", json=body, headers=admin).status_code == 200
        with office.database.read() as session:
            assert [one.revoked_at for one in session.query(SignIn).filter_by(person_id=person)] == [office.clock.now]
            assert session.get(Person, person) is not None


def test_nobody_reads_the_number_of_a_card(office) -> None:
    cashier, admin = office.person(Role.CASHIER), office.person(Role.ADMIN)
    for person in (office.person(), office.person(Role.FACILITIES), cashier):
        office.card(person)
        for reader, role in ((cashier, Role.CASHIER), (admin, Role.ADMIN)):
            headers = office.sign_in(reader, role)
            (card,) = office.client.get(f"/api/v1/people/{person}/cards", headers=headers).json()
            assert not {"uid", "uid_digest"} & card.keys(), role
