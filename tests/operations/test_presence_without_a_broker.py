"""What the server says of its gates when it cannot hear them: the broker ended, or hangs."""

import signal
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bus import Connection
from database import Database, new_id
from messages import Availability, GateTopics, ProcessStatus
from operations.board import Board
from operations.ingest import Ingest
from tests.databases import ON_SQLITE
from tests.waiting import until

pytestmark = ON_SQLITE

NORTH, BOOT = GateTopics("main", "north"), new_id()


def say_online(gate: Connection) -> None:
    gate.publish(
        NORTH.availability,
        Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT, at=datetime.now(UTC)).encode(),
        retain=True,
    )


@pytest.fixture
def watched(broker, connect: Callable[..., Connection], database: Database) -> tuple[Board, Connection]:
    """A board that sees a gate online, and the gate's connection, which says so again on each connection."""
    board, server = Board(), connect(broker, "server", keepalive_s=1)
    Ingest(server, "main", database, board)
    gate = connect(broker, "gate", keepalive_s=1)
    gate.on_connect(lambda: say_online(gate))
    until(lambda: presence(board) is ProcessStatus.ONLINE)
    return board, gate


def presence(board: Board) -> ProcessStatus | None:
    view = board.view("north")
    return view.controller if view is not None else None


def test_a_broker_that_ended_takes_every_presence_with_it(broker, watched: tuple[Board, Connection]) -> None:
    board, _ = watched
    broker.stop()
    until(lambda: presence(board) is None and not board.hears)
    broker.start()
    until(lambda: presence(board) is ProcessStatus.ONLINE and board.hears)


@pytest.mark.parametrize("make_broker", ["mosquitto"], indirect=True)
def test_a_broker_that_hangs_is_missed(broker, watched: tuple[Board, Connection]) -> None:
    """No connection ends: it only answers no more."""
    board, _ = watched
    broker._process.send_signal(signal.SIGSTOP)
    until(lambda: presence(board) is None and not board.hears)
    broker._process.send_signal(signal.SIGCONT)
    until(lambda: presence(board) is ProcessStatus.ONLINE and board.hears)
