"""Two servers over one PostgreSQL and one Mosquitto: one does what is done once, both show what either wrote."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from access.policy import GatePolicy, Rule
from accounts import people
from accounts.people import Particulars
from accounts.vocabulary import PersonKind
from campusgate.processes.server.assembly import Server, assemble
from campusgate.processes.server.background import Background
from campusgate.settings import MqttSettings, Settings
from database import Database
from directory import gates
from directory.tables import DirectoryPerson
from enrollment.quality import Checker
from models.engine import FaceEngine
from tests.campusgate.processes.test_server import SECRETS
from tests.waiting import PATIENCE_S, until


@pytest.fixture(scope="module")
def engine(model_store) -> FaceEngine:
    return FaceEngine(model_store, threads=1)


@contextmanager
def served(
    engine: FaceEngine, database: Database, broker_port: int, folder: Path
) -> Iterator[tuple[Server, Background]]:
    settings = Settings(data_dir=folder, mqtt=MqttSettings(port=broker_port), **SECRETS)
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

        assert (its_place.leads, other_place.leads) == (True, False)
        for server in (first, second):
            assert server.connections.events.connections == server.connections.orders.connections == 1
        of_first.close()
        until(lambda: other_place.leads, "nobody took over")


def is_published(database: Database, person_id: UUID) -> bool:
    with database.read() as session:
        return session.get(DirectoryPerson, person_id) is not None
