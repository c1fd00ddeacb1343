"""A supervisor on a real socket hears of a process for as long as the loops of the process turn."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from accounts.ledger import LedgerWriter, writer
from bus import embedded, handler_thread
from bus.embedded import EmbeddedBroker
from bus.handler_thread import HandlerThread
from campusgate.processes.watchdog import LONGEST_BEAT_S, Watchdog
from campusgate.processes.web_server import serve
from database import Database
from gate_controller.call_loop import CallLoop
from tests.notify_socket import NotifySocket
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

LIMIT_S = 20.0


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Held:
    """Keeps a loop where it is, until it is let go."""

    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, *_arguments: object) -> None:
        self.reached.set()
        assert self.let_go.wait(PATIENCE_S)


Loop = Callable[[Callable[[], None], Held, Path], AbstractContextManager[Callable[[], object]]]
"""A loop that runs, calls the first at its turns, and is held by the second once what it yields is called."""


@contextmanager
def door(on_turn: Callable[[], None], held: Held, _folder: Path) -> Iterator[Callable[[], object]]:
    loop = CallLoop("north", tick=lambda: None, until_next_s=lambda: 0.05, after_each=lambda: None)
    loop.on_turn = on_turn
    loop.start()
    yield lambda: loop.post(held)
    loop.stop()


@contextmanager
def handlers(on_turn: Callable[[], None], held: Held, _folder: Path) -> Iterator[Callable[[], object]]:
    thread = HandlerThread("test")
    thread.on_turn = on_turn
    thread.start()
    yield lambda: thread.call_surely(held)
    thread.stop()


@contextmanager
def ledger_writer(on_turn: Callable[[], None], held: Held, folder: Path) -> Iterator[Callable[[], object]]:
    database = Database(f"sqlite:///{folder}/ledger.db")

    def work(_session: Session, _now: datetime) -> None:
        held()

    with LedgerWriter(database) as ledger:
        ledger.on_turn = on_turn
        asking = threading.Thread(target=ledger.run, args=(work,))
        yield asking.start
        asking.join()
    database.close()


@contextmanager
def embedded_broker(on_turn: Callable[[], None], held: Held, _folder: Path) -> Iterator[Callable[[], object]]:
    broker = EmbeddedBroker(port=0)
    broker.on_turn = on_turn
    with broker:
        loop = broker._loop
        assert loop is not None
        yield lambda: loop.call_soon_threadsafe(held)


@contextmanager
def web_server(on_turn: Callable[[], None], held: Held, _folder: Path) -> Iterator[Callable[[], object]]:
    app, stop, port = FastAPI(), threading.Event(), free_port()

    @app.get("/")
    async def hold() -> None:
        held()

    class Turns(Watchdog):
        def watch(self, loop: str, within_s: float) -> Callable[[], None]:
            assert (loop, within_s) == ("event loop", LIMIT_S)
            return on_turn

    serving = threading.Thread(target=serve, args=(app, "127.0.0.1", port, stop), kwargs={"watchdog": Turns()})
    serving.start()

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    until(listens)
    asking = threading.Thread(target=httpx.get, args=(f"http://127.0.0.1:{port}/",), kwargs={"timeout": PATIENCE_S})
    yield asking.start
    asking.join()
    stop.set()
    serving.join()


LOOPS: tuple[Loop, ...] = (door, handlers, ledger_writer, embedded_broker, web_server)


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_a_loop_that_stands_still_ends_the_signs_of_life_and_one_at_rest_does_not(
    loop: Loop, supervisor: NotifySocket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (embedded, handler_thread, writer):
        monkeypatch.setattr(module, "_TURN_S", 0.02)
    clock, held, file = Time(), Held(), tmp_path / "heartbeat"
    watchdog = Watchdog(file, environment={"NOTIFY_SOCKET": supervisor.address}, monotonic=clock)
    with loop(watchdog.watch(loop.__name__, LIMIT_S), held, tmp_path) as hold, watchdog:
        supervisor.wait_for("READY=1", "WATCHDOG=1")
        clock.now += LIMIT_S + 1
        until(lambda: watchdog.look() == (), "a loop at rest turns")
        hold()
        assert held.reached.wait(PATIENCE_S)
        clock.now += LIMIT_S + 1
        file.unlink()
        assert watchdog.look() == (loop.__name__,)
        assert watchdog.look() == (loop.__name__,)
        assert not file.exists(), "nor does a health check see any"
        held.let_go.set()
        until(lambda: watchdog.look() == (), "it turns again")
        assert file.exists()
    supervisor.wait_for(f"STATUS={loop.__name__} made no progress lately", "STATUS=", "WATCHDOG=1")
    supervisor.wait_for("STOPPING=1")


def test_systemd_says_how_often_it_wants_to_hear_and_of_whom() -> None:
    def beat_s(**environment: str) -> float:
        return Watchdog(environment=environment).beat_s

    assert beat_s() == LONGEST_BEAT_S
    assert beat_s(WATCHDOG_USEC="30000000") == LONGEST_BEAT_S
    assert beat_s(WATCHDOG_USEC="2000000", WATCHDOG_PID=str(os.getpid())) == 0.5
    assert beat_s(WATCHDOG_USEC="2000000", WATCHDOG_PID="1") == LONGEST_BEAT_S, "meant for another process"


def test_it_beats_by_itself_until_the_process_ends(tmp_path: Path) -> None:
    peer = NotifySocket(str(tmp_path / "notify"))
    with Watchdog(environment={"NOTIFY_SOCKET": peer.address, "WATCHDOG_USEC": "40000"}):
        peer.wait_for("READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1")
    peer.wait_for("STOPPING=1")
    peer.close()


def test_a_supervisor_that_went_away_stops_nothing(tmp_path: Path) -> None:
    with Watchdog(tmp_path / "no folder" / "file", environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")}) as watchdog:
        assert watchdog.look() == ()
