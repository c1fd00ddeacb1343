"""The demonstration's bank: paid on its page, the money is in the account at once; a campus has no such bank."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from accounts import audit, people
from accounts.ledger.tables import LedgerAccount
from accounts.people import Particulars
from accounts.vocabulary import PersonKind
from campusgate.demo.bank import TrialBank
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server, assemble
from campusgate.settings import MqttSettings, Settings
from database import new_id
from enrollment.quality import Checker
from models.engine import FaceEngine
from tests.app_client import AppClient
from tests.databases import begin
from tests.keys import key_text


@pytest.fixture
def make_server(engine: FaceEngine, tmp_path, unused_port):
    made = []
    begin(tmp_path)

    def make(*, demonstration: bool) -> Server:
        bank = TrialBank(Settings().time_zone) if demonstration else None
        settings = Settings(
            data_dir=tmp_path,
            mqtt=MqttSettings(port=unused_port),
            token_secret=SecretStr(key_text("tokens")),
            template_key=SecretStr(key_text("templates")),
            credential_key=SecretStr(key_text("credentials")),
            demonstration=demonstration,
        )
        made.append(
            assemble(
                settings,
                engine,
                Checker(engine),
                channels=bank.channels if bank is not None else None,
                routers=[bank.router()] if bank is not None else [],
            )
        )
        return made[-1]

    yield make
    for server in made:
        server.money.writer.close()
        server.database.close()


@pytest.fixture
def server(make_server) -> Server:
    return make_server(demonstration=True)


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    with AppClient(make_app(server), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def wallet(server: Server) -> UUID:
    with server.database.begin() as session:
        particulars = Particulars(
            number="S1", name="Wang Xiaoming", kind=PersonKind.STUDENT, valid_from=datetime(2026, 9, 1, tzinfo=UTC)
        )
        return people.create(session, particulars, by=audit.SYSTEM, now=datetime.now(UTC)).id


def top_up(client: TestClient) -> dict:
    wish = {"id": str(new_id()), "channel": "loopback", "amount": 5_050, "number": "S1", "name": "Wang Xiaoming"}
    return client.post("/api/v1/top-ups", json=wish)


def balance(server: Server, owner: UUID) -> int:
    with server.database.read() as session:
        return session.get_one(LedgerAccount, owner).balance


def test_what_is_paid_on_its_page_is_in_the_account_at_once_and_once(client, server, wallet) -> None:
    answer = top_up(client)
    assert answer.status_code == 201, answer.text
    address = answer.json()["pay"]["pay_url"]
    assert "50.50" in client.get(address).text
    for _ in range(2):
        page = client.post(address)
        assert "已付款" in page.text
    assert balance(server, wallet) == 5_050


def test_an_order_it_does_not_know_is_a_problem(client) -> None:
    answer = client.post(f"/demonstration/bank/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_campus_has_no_such_bank(make_server) -> None:
    server = make_server(demonstration=False)
    assert server.money.channels == {}
    with AppClient(make_app(server)) as client:
        assert client.get(f"/demonstration/bank/{new_id()}").status_code == 404
