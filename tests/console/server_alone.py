"""The pages' server in a process of its own, which `test_hung_server` stops, lets go on, and kills."""

import contextlib
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import Backoff, BrokerAddress, Connection
from console import rendering
from console.live import heartbeat
from database import Database
from messages import NonceStore, Signer, TrustedKey, controller_sender
from operations.board import Board
from operations.dispatch import Dispatcher
from operations.ingest import Ingest
from tests.console.page_server import serve
from tests.databases import CREDENTIAL_KEY
from tests.waiting import PATIENCE_S, until

GATES = ("north", "south")
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n, name in enumerate(("staff", *GATES), 1)}


def main(pipe: Pipe, folder: Path, broker_port: int, beat_s: float, silent_s: float) -> None:
    """Send the server's address and run until the pipe is closed. The gates and the broker are the test's."""
    heartbeat.HEARTBEAT_S, rendering.SILENT_S = beat_s, silent_s
    database = Database(f"sqlite:///{folder / 'campusgate.db'}", credential_key=CREDENTIAL_KEY)
    board = Board()
    bus = Connection(BrokerAddress(port=broker_port), "server", backoff=Backoff(0.05, 0.2, 0.2))
    trusted = {controller_sender(gate): TrustedKey(KEYS[gate].public_key()) for gate in GATES}
    signer = Signer(KEYS["staff"], "staff", NonceStore(folder / "nonces.db"))
    dispatcher = Dispatcher(bus, "main", signer, trusted, board)
    ingest = Ingest(bus, "main", database, board, now=lambda: datetime.now(UTC))
    ingest.start()
    bus.start()
    bus.wait_connected(PATIENCE_S)
    with serve(database, board, dispatcher) as console:
        until(lambda: [view.controller for view in board.views() if view.door] == ["online", "online"])
        pipe.send(console.url)
        with contextlib.suppress(EOFError):
            pipe.recv()
    bus.stop()
    ingest.stop()
