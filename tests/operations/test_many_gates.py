"""A site of 2,000 gates at a real Mosquitto with the limits that it has by itself."""

from datetime import UTC, datetime

import pytest

from bus import Connection
from campusgate.settings import Settings
from campusgate.wiring.broker import make_server_connections
from database import Database, new_id
from messages import Availability, DoorState, DoorStatus, GateTopics, ProcessStatus
from operations.board import Board
from operations.ingest import Ingest
from tests.waiting import PATIENCE_S, until

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
GATES = [f"gate-{number}" for number in range(2000)]


def retain_what_gates_say(connection: Connection) -> None:
    boot_id = new_id()
    for gate in GATES:
        topics = GateTopics("main", gate)
        here = Availability(gate=gate, status=ProcessStatus.ONLINE, boot_id=boot_id, at=NOW).encode()
        state = DoorState(gate=gate, boot_id=boot_id, sequence=1, at=NOW, state=DoorStatus.LOCKED, unlocked=False)
        connection.publish(topics.state, state.encode(), retain=True)
        connection.publish(topics.availability, here, retain=True)
        connection.publish(topics.edge_availability, here, retain=True)
    connection.publish(GateTopics("main", GATES[-1]).availability, here, retain=True, wait_s=PATIENCE_S)


@pytest.mark.parametrize(("make_broker", "database"), [("mosquitto", "sqlite")], indirect=True)
def test_a_server_that_starts_hears_what_each_of_2000_gates_has_retained(broker, connect, database: Database) -> None:
    retain_what_gates_say(connect(broker, "gates"))
    board = Board()
    settings = Settings(mqtt={"host": "127.0.0.1", "port": broker.port})
    connection = make_server_connections(settings).events
    Ingest(connection, "main", database, board)
    connection.start()

    def known() -> list[str]:
        here = ProcessStatus.ONLINE
        return [view.gate for view in board.views() if view.door and view.controller is here and view.edge is here]

    try:
        until(lambda: len(known()) == len(GATES), "states of some gates never came")
    finally:
        connection.stop()
    assert connection.dropped == 0
