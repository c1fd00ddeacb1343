"""Alarms and orders over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import operations.api
import web.problems
from accounts.services import AccountsServices
from accounts.vocabulary import Role
from database import Database, Sealer, new_id
from messages import Event
from operations import event_store
from operations.alarms import register
from operations.alarms.pictures import AlarmPictures
from operations.alarms.rules import AlarmKind, Signal, signal_of
from operations.api.dependencies import OperationsServices
from operations.board import Board
from operations.order_service import OrderService
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.sign_ins import sign_in
from web.tickets import Tickets

NOW = datetime.now(UTC)


class NoHints:
    """There is no broker here."""

    def publish(self, revisions: dict[str, int]) -> None:
        self.told = revisions


@pytest.fixture
def services(database: Database) -> AccountsServices:
    return AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)


@pytest.fixture
def client(database: Database, services: AccountsServices) -> Iterator[TestClient]:
    """The operations' API, asked by facilities staff."""
    app, board = FastAPI(), Board()
    web.problems.install(app)
    app.include_router(operations.api.router)
    app.state.accounts = services
    app.state.tickets = Tickets()
    app.state.operations = OperationsServices(
        board, OrderService(database, board), NoHints(), AlarmPictures(Sealer(bytes(32)))
    )
    with AppClient(app, headers=sign_in(services, roles=[Role.FACILITIES], now=datetime.now(UTC))) as client:
        client.board = board
        yield client


def ticket(client: TestClient, action: str) -> dict[str, str]:
    """The header by which `action` is allowed now."""
    answer = client.post("/api/v1/operations/tickets", json={"action": action})
    assert answer.status_code == 201
    return {"Door-Ticket": answer.json()["ticket"]}


def alarm(database: Database, kind: AlarmKind = AlarmKind.SPOOF, gate: str = "north", second: float = 0) -> None:
    with database.begin() as session:
        register.apply(session, [Signal(gate, kind, NOW + timedelta(seconds=second), raises=True)], now=NOW)


def test_an_open_alarm_is_listed_and_acknowledged(client: TestClient, database: Database) -> None:
    alarm(database)
    [shown] = client.get("/api/v1/operations/alarms/open").json()
    assert (shown["kind"], shown["severity"], shown["count"]) == ("spoof", "critical", 1)
    before = client.board.version
    answer = client.post(f"/api/v1/operations/alarms/{shown['id']}/acknowledge", json={"note": "guard sent"})
    assert (answer.status_code, answer.json()["note"]) == (200, "guard sent")
    assert client.board.version > before
    assert client.get("/api/v1/operations/alarms/open").json() == []
    again = client.post(f"/api/v1/operations/alarms/{shown['id']}/acknowledge", json={})
    assert (again.status_code, again.json()["code"]) == (409, "alarm_not_open")


def test_an_alarm_of_an_unsure_clock_says_until_when(client: TestClient, database: Database) -> None:
    until = NOW + timedelta(days=400)
    event = Event(
        id=new_id(), gate="north", at=NOW, kind="clock_unsure", historical=False, details={"until": until.isoformat()}
    )
    with database.begin() as session:
        event_store.record(session, [event], received_at=NOW)
        register.apply(session, [signal_of(event)], now=NOW)
    [shown] = client.get("/api/v1/operations/alarms/open").json()
    assert (shown["kind"], datetime.fromisoformat(shown["until"])) == ("clock_unsure", until)


def test_all_alarms_are_listed_page_by_page(client: TestClient, database: Database) -> None:
    for kind in (AlarmKind.SPOOF, AlarmKind.FORCED, AlarmKind.HELD):
        alarm(database, kind)
    alarm(database, gate="south")
    first = client.get("/api/v1/operations/alarms", params={"gate": "north", "limit": 2}).json()
    rest = client.get("/api/v1/operations/alarms", params={"gate": "north", "cursor": first["next"]}).json()
    assert [one["kind"] for one in first["items"] + rest["items"]] == ["held", "forced", "spoof"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/alarms"),
        ("GET", "/alarms/open"),
        ("POST", "/alarms/00000000-0000-7000-8000-000000000000/acknowledge"),
        ("POST", "/orders"),
        ("GET", "/events"),
    ],
)
def test_only_facilities_staff_may(client: TestClient, services: AccountsServices, method: str, path: str) -> None:
    headers = sign_in(services, roles=[Role.REVIEWER], now=datetime.now(UTC))
    assert client.request(method, f"/api/v1/operations{path}", json={}, headers=headers).status_code == 403
    client.headers.pop("Authorization")
    assert client.request(method, f"/api/v1/operations{path}", json={}).status_code == 401


def test_a_server_without_a_key_says_so(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/operations/orders",
        json={"action": "open", "everywhere": True},
        headers={"Idempotency-Key": "one-of-mine", **ticket(client, "open")},
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "orders_not_possible")
