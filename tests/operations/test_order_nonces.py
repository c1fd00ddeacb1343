"""Staff orders of two servers that sign in one name: what a gate obeys of one, the other does not void."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from database import Database
from messages import Action, Method, NonceStore, Signer, TrustedKey, Verifier
from operations.order_nonces import OrderNonces
from tests.databases import ON_POSTGRESQL
from tests.forked import running
from tests.waiting import PATIENCE_S

KEY = Ed25519PrivateKey.generate()
BOOT = uuid4()


class Server:
    """Signs the orders of its staff, by a clock of its own."""

    def __init__(self, database: Database, folder: Path, behind_s: float = 0.0) -> None:
        self.behind = timedelta(seconds=behind_s)
        self.store = NonceStore(folder / f"{uuid4()}.db")
        self.nonces = OrderNonces(database, "operations", self.store, now=self.now)
        self._signer = Signer(KEY, "operations", self.nonces)

    def now(self) -> datetime:
        return datetime.now(UTC) - self.behind

    def sign(self) -> bytes:
        return self._signer.issue(
            gate="north", action=Action.OPEN, method=Method.STAFF, reason="staff", boot_id=BOOT, now=datetime.now(UTC)
        ).payload


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Verifier]:
    store = NonceStore(tmp_path / "gate.db")
    yield Verifier({"operations": TrustedKey(KEY.public_key())}, gate="north", boot_id=BOOT, nonces=store)
    store.close()


@pytest.fixture
def servers(database: Database, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """The second one's clock is three seconds behind."""
    with ExitStack() as stack:
        made = Server(database, tmp_path), Server(database, tmp_path, behind_s=3)
        for one in made:
            stack.callback(one.store.close)
        yield made


def test_a_gate_obeys_both_whatever_their_clocks(gate: Verifier, servers: tuple[Server, Server]) -> None:
    for server in (*servers, *reversed(servers), *servers):
        with server.nonces.turn():
            signed = [server.sign() for _ in range(3)]
        for one in signed:
            gate.verify(one, retained=False, now=datetime.now(UTC))


@ON_POSTGRESQL
def test_of_orders_at_the_same_moment_none_is_void(gate: Verifier, servers: tuple[Server, Server]) -> None:
    sent: list[bytes] = []

    def order(number: int) -> None:
        server = servers[number % 2]
        with server.nonces.turn():
            sent.extend(server.sign() for _ in range(5))

    with ThreadPoolExecutor(4) as staff:
        list(staff.map(order, range(12)))
    assert len(sent) == 60
    for one in sent:
        gate.verify(one, retained=False, now=datetime.now(UTC))


@ON_POSTGRESQL
def test_a_restart_whose_file_is_lost_and_whose_clock_is_behind_voids_nothing(
    gate: Verifier, database: Database, servers: tuple[Server, Server], tmp_path: Path
) -> None:
    with servers[0].nonces.turn():
        gate.verify(servers[0].sign(), retained=False, now=datetime.now(UTC))
    again = Server(database, tmp_path, behind_s=3600)
    with again.nonces.turn():
        gate.verify(again.sign(), retained=False, now=datetime.now(UTC))
    again.store.close()


def stand_still_in_a_turn(pipe: Pipe, url: str, folder: Path) -> None:
    with Server(Database(url), folder).nonces.turn():
        pipe.send("in its turn")
        pipe.recv()
    pipe.send("ended its turn")


@pytest.mark.usefixtures("imported_rooms")
@ON_POSTGRESQL
def test_a_server_that_was_frozen_in_its_turn_holds_up_nobody(
    gate: Verifier, database: Database, servers: tuple[Server, Server], tmp_path: Path
) -> None:
    url = database.url.render_as_string(hide_password=False)
    with running(stand_still_in_a_turn, url, tmp_path) as (process, pipe):
        assert pipe.poll(PATIENCE_S)
        assert pipe.recv() == "in its turn"
        os.kill(process.pid, signal.SIGSTOP)
        with servers[1].nonces.turn():
            gate.verify(servers[1].sign(), retained=False, now=datetime.now(UTC))
        os.kill(process.pid, signal.SIGCONT)
        pipe.send("go on")
        assert pipe.poll(PATIENCE_S)
        assert pipe.recv() == "ended its turn"


def test_orders_go_on_while_the_database_is_away(gate: Verifier, tmp_path: Path) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/campusgate")
    server = Server(away, tmp_path)
    for _ in range(2):
        with server.nonces.turn():
            gate.verify(server.sign(), retained=False, now=datetime.now(UTC))
    server.store.close()
    away.close()
