"""The ingest in a process of its own, which `test_ingest` kills."""

import contextlib
from multiprocessing.connection import Connection as Pipe

from bus import Backoff, BrokerAddress, Connection
from database import Database
from operations.board import Board
from operations.ingest import Ingest
from tests.waiting import PATIENCE_S


def main(pipe: Pipe, database_url: str, broker_port: int) -> None:
    """Say that it is connected, and run until the pipe is closed."""
    bus = Connection(BrokerAddress(port=broker_port), "server", backoff=Backoff(0.05, 0.2, 0.2))
    ingest = Ingest(bus, "main", Database(database_url), Board())
    ingest.start()
    bus.start()
    bus.wait_connected(PATIENCE_S)
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        pipe.recv()
