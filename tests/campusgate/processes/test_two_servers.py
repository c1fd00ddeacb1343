"""Two servers over one PostgreSQL and one Mosquitto: one does what is done once, and it matters not which is asked."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from access.policy import GatePolicy, Occupancy, Rule
from accounts import people
from accounts.people import Particulars
from accounts.vocabulary import PersonKind, Role
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server, assemble
from campusgate.processes.server.background import Background
from campusgate.settings import MqttSettings, Settings
from database import Database, new_id
from directory import gates
from directory.tables import DirectoryPerson
from enrollment.quality import Checker
from messages import GateTopics, TrustedKey, make_private_key, open_zone_heartbeat, read_private_key
from messages.signed_codes import STAFF_SENDER
from models.engine import FaceEngine
from operations import zone_heartbeats
from tests.app_client import AppClient
from tests.campusgate.processes.test_server import SECRETS
from tests.sign_ins import sign_in
from tests.waiting import PATIENCE_S, until


@contextmanager
def served(
    engine: FaceEngine, database: Database, broker_port: int, folder: Path
) -> Iterator[tuple[Server, Background]]:
    keys, trusted = folder.parent / "staff.pem", folder.parent / "trusts.json"
    if not keys.exists():
        make_private_key(keys)
        trusted.write_text("{}")
    settings = Settings(
        data_dir=folder,
        mqtt=MqttSettings(port=broker_port),
        signing_key_file=keys,
        trusted_keys_file=trusted,
        **SECRETS,
    )
    own = Database(database.url, credential_key=settings.require_key("credential_key"))
    server = assemble(settings, engine, Checker(engine), database=own)
    background = Background(server)
    background.start()
    try:
        for connection in (server.connections.events, server.connections.orders):
            connection.wait_connected(PATIENCE_S)
        yield server, background
    finally:
        background.stop()


@pytest.mark.parametrize(("make_broker", "database"), [("mosquitto", "postgresql")], indirect=True)
def test_two_servers_are_one_to_their_campus(engine: FaceEngine, database: Database, broker, tmp_path: Path) -> None:
    with ExitStack() as both:
        of_first = both.enter_context(ExitStack())
        first, its_place = of_first.enter_context(served(engine, database, broker.port, tmp_path / "a"))
        until(lambda: its_place.leads)
        second, other_place = both.enter_context(served(engine, database, broker.port, tmp_path / "b"))

        seen = first.operations.board.version
        second.operations.board.touch()
        assert first.operations.board.wait(seen, PATIENCE_S) > seen, "what one stored is on the live pages of the other"

        now = datetime.now(UTC)
        with second.database.begin() as session:
            policy = GatePolicy(gate="north", rules=(Rule(group="students"),))
            gates.add(session, policy, title="North", by="test", now=now)
            particulars = Particulars(
                number="2026001", name="Chen", kind=PersonKind.STUDENT, groups=frozenset({"students"}), valid_from=now
            )
            person = people.create(session, particulars, by="test", now=now)
        until(lambda: is_published(database, person.id), "who changed at one is published by the other, which leads")

        gives_an_order_at_either(first, second, now)

        assert (its_place.leads, other_place.leads) == (True, False)
        for server in (first, second):
            assert server.connections.events.connections == server.connections.orders.connections == 1
        of_first.close()
        until(lambda: other_place.leads, "nobody took over")


@pytest.mark.parametrize(("make_broker", "database"), [("mosquitto", "postgresql")], indirect=True)
def test_gates_hear_of_their_zone_from_the_server_that_leads(
    engine: FaceEngine, database: Database, broker, tmp_path: Path, *, connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_heartbeats, "EVERY_S", 0.05)
    with database.begin() as session:
        policy = GatePolicy(
            gate="north", rules=(Rule(group="students"),), inner_zone="hall", occupancy=Occupancy(limit=9)
        )
        gates.put_zone(session, "hall", site="main", title="Hall", by="test", now=datetime.now(UTC))
        gates.add(session, policy, title="North", by="test", now=datetime.now(UTC))
    heard: list[bytes] = []
    topic = GateTopics("main", "north").zone_heartbeat
    connect(broker, "gate").subscribe(topic, lambda _topic, payload, _retained: heard.append(payload))
    with ExitStack() as both:
        of_first = both.enter_context(ExitStack())
        _, its_place = of_first.enter_context(served(engine, database, broker.port, tmp_path / "a"))
        until(lambda: its_place.leads)
        second, _ = both.enter_context(served(engine, database, broker.port, tmp_path / "b"))
        assert second.zone_heartbeats is not None
        spoken: list[None] = []
        publish = second.zone_heartbeats.publish
        monkeypatch.setattr(second.zone_heartbeats, "publish", lambda: spoken.append(publish()))
        number = len(heard)
        until(lambda: len(heard) > number + 5)
        assert not spoken or not its_place.leads
        of_first.close()
        until(lambda: spoken, "nobody took over")
        number = len(heard)
        until(lambda: len(heard) > number + 5)
    trusted = {STAFF_SENDER: TrustedKey(read_private_key(tmp_path / "staff.pem").public_key())}
    said = [open_zone_heartbeat(payload, trusted, site="main", now=datetime.now(UTC)) for payload in heard]
    assert {(one.zone, one.revision, one.inside) for one in said} == {("hall", 0, 0)}


def gives_an_order_at_either(first: Server, second: Server, now: datetime) -> None:
    """What one gave a ticket for is ordered at the other, once; what is cancelled at one is over at the other."""
    staff = sign_in(first.accounts, roles=[Role.FACILITIES], now=now)
    here, there = (AppClient(make_app(server)) for server in (first, second))

    def ask(client: AppClient) -> str:
        answer = client.post("/api/v1/operations/tickets", json={"action": "open"}, headers=staff)
        assert answer.status_code == 201, answer.text
        return answer.json()["ticket"]

    def order(client: AppClient, ticket: str) -> tuple[int, str]:
        given = staff | {"Door-Ticket": ticket, "Idempotency-Key": str(new_id())}
        answer = client.post("/api/v1/operations/orders", json={"action": "open", "gates": ["north"]}, headers=given)
        return answer.status_code, answer.json().get("code") or answer.json()["state"]

    ticket = ask(here)
    assert order(there, ticket) == (200, "done")
    assert order(here, ticket) == (409, "ticket_not_valid")
    cancelled = ask(there)
    assert here.delete(f"/api/v1/operations/tickets/{cancelled}", headers=staff).status_code == 204
    assert order(there, cancelled) == (409, "ticket_over")


def is_published(database: Database, person_id: UUID) -> bool:
    with database.read() as session:
        return session.get(DirectoryPerson, person_id) is not None
