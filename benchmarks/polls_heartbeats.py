"""How often a gate's device at rest asks for passages, by its own word, and what it costs the server to keep it quiet.

Apart from `benchmarks.polls`, for a checkout from before zone heartbeats has neither.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from access.policy import GatePolicy, Occupancy
from benchmarks.brokers import running_broker

ZONE = "campus"
POLICY = GatePolicy(gate="gate-0000", inner_zone=ZONE, occupancy=Occupancy(limit=1_000_000))
_ROUNDS = 20
_HOUR_S = 3600.0
_CONNECT_S = 30.0


def presence_every_s() -> float:
    """Return the seconds between two questions of a device while nobody passes, in an hour of made-up time.

    Heartbeats reach it as often as the server of this build says them; one from before them says none. A device asks
    once at its start.
    """
    from access.passages import PassageLog, PassageSync

    rest = _Rest(_HOUR_S, PassageLog.in_memory())
    given: dict[str, Any] = {"now": rest.now} if _heartbeats_are_known() else {}
    client = httpx.Client(transport=httpx.MockTransport(rest.answer))
    sync = PassageSync("http://server", "gate-0000", "token", rest, rest.log, client=client, **given)
    sync.run(_Passing(rest), _Passing(rest))
    sync.close()
    return _HOUR_S / rest.asked


def heartbeats_ms(folder: Path, url: str, gates: int) -> tuple[float, float]:
    """Return the processor time of the server to tell so many gates of one zone once, and the seconds between two.

    The database at `url` has its tables; the gates are added to it. A server from before heartbeats tells nothing.
    """
    if not _heartbeats_are_known():
        return 0.0, 1.0
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from bus import BrokerAddress, Connection, random_client_id
    from database import Database
    from operations.zone_heartbeats import EVERY_S, ZoneHeartbeats

    database = Database(url)
    _add_gates(database, gates)
    with running_broker(folder) as (_, port):
        bus = Connection(BrokerAddress(port=port), random_client_id("server"))
        bus.start()
        bus.wait_connected(_CONNECT_S)
        heartbeats = ZoneHeartbeats(bus, "main", database, Ed25519PrivateKey.generate(), clock_believed=lambda: True)
        heartbeats.publish()
        begun_s = time.process_time()
        for _ in range(_ROUNDS):
            heartbeats.publish()
        # At QoS 1, so everything before it is with the broker.
        bus.publish("campusgate/main/end", b"", wait_s=_CONNECT_S)
        spent_s = time.process_time() - begun_s
        bus.stop()
    database.close()
    return spent_s / _ROUNDS * 1000, EVERY_S


def _add_gates(database: Any, number: int) -> None:
    from directory import gates

    now = datetime.now(UTC)
    with database.begin() as session:
        for one in range(number):
            policy = POLICY.model_copy(update={"gate": f"further-{one:04}"})
            gates.add(session, policy, title=policy.gate, by="system", now=now)


class _Rest:
    """A gate of a zone in which nobody passes: time goes on while its device waits."""

    def __init__(self, ends_s: float, log: Any) -> None:
        self.log = log
        self.policy = POLICY
        self.asked = 0
        self.ends_s = ends_s
        self._elapsed_s = 0.0
        self._said_s = 0.0
        self._begun = datetime.now(UTC)
        self._every_s = _heartbeats_every_s()

    def now(self) -> datetime:
        return self._begun + timedelta(seconds=self._elapsed_s)

    def person(self, _person_id: UUID) -> None:
        return None

    def answer(self, _request: httpx.Request) -> httpx.Response:
        from access.passages import PresencePage
        from access.snapshot import TIME_HEADER

        self.asked += 1
        page = PresencePage(zone=ZONE, whole=False, to_revision=1, latest_revision=1, inside=0)
        return httpx.Response(200, content=page.model_dump_json(), headers={TIME_HEADER: self.now().isoformat()})

    def pass_time(self, seconds: float, is_over: Callable[[], bool]) -> None:
        ends_s = self._elapsed_s + seconds
        while self._elapsed_s < ends_s and not is_over():
            next_s = self._said_s + self._every_s
            self._elapsed_s = min(ends_s, next_s)
            if self._elapsed_s == next_s:
                self._said_s = next_s
                self._hear()

    def _hear(self) -> None:
        from access.passages import ZoneStanding

        self.log.confirm(ZoneStanding(ZONE, 1, 0, None, self.now()), POLICY, self.now())

    @property
    def is_over(self) -> bool:
        return self._elapsed_s >= self.ends_s


class _Passing(threading.Event):
    """Nobody sets it before the end; to wait for it takes made-up time only."""

    def __init__(self, rest: _Rest) -> None:
        super().__init__()
        self._rest = rest

    def is_set(self) -> bool:
        return self._rest.is_over

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None  # noqa: S101 - nothing here waits for ever
        self._rest.pass_time(timeout, self.is_set)
        return self.is_set()


def _heartbeats_every_s() -> float:
    if not _heartbeats_are_known():
        return float("inf")
    from operations.zone_heartbeats import EVERY_S

    return EVERY_S


def _heartbeats_are_known() -> bool:
    """Whether the build is no older; an import would find the modules of this one."""
    from access.passages import PassageLog

    return hasattr(PassageLog, "confirm")
