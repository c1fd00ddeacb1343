"""A gate at rest asks nothing: the server's word over a real broker stands for answers of the real API."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

import directory.api
from access.passages import PassageLog, PassageSync, sync
from access.policy import Direction, GatePolicy, Occupancy, Rule
from accounts import devices
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole
from bus import Connection
from campusgate.processes.zone_heartbeats import ZoneHeartbeatHandler
from database import Database, Sealer, new_id
from directory import gates, zone_passages
from directory.services import DirectoryServices
from messages import Event, EventKind, GateTopics, Purpose, TrustedKey, ZoneHeartbeat, seal
from messages.signed_codes import STAFF_SENDER
from operations.zone_heartbeats import ZoneHeartbeats
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.databases import CREDENTIAL_KEY
from tests.waiting import PATIENCE_S, until
from web import problems

# Each broker and each database once: neither knows of the other.
pytestmark = pytest.mark.parametrize(
    ("make_broker", "database"), [("embedded", "sqlite"), ("mosquitto", "postgresql")], indirect=True
)

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TOPIC = GateTopics("main", "west").zone_heartbeat
POLICY = GatePolicy(
    gate="west",
    rules=(Rule(group="students"),),
    inner_zone="hall",
    direction=Direction.ENTRY,
    occupancy=Occupancy(limit=9),
)


class CountingLog(PassageLog):
    """A log that counts the answers it was given."""

    answers = 0

    def apply(self, *given: Any, **named: Any) -> None:
        super().apply(*given, **named)
        self.answers += 1


@dataclass
class Device:
    """What a gate's edge or controller follows its zone with, and the server over there."""

    api: Any
    token: str
    bus: Connection
    server: Connection
    database: Database
    policy: GatePolicy = POLICY
    asked: int = 0
    heard: int = 0
    log: CountingLog = field(default_factory=CountingLog.in_memory)
    stopping: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)

    def get(self, url: str, **given: Any) -> httpx.Response:
        """Ask as httpx's client does, and count."""
        self.asked += 1
        return self.api.get(url, **given)

    def person(self, _person_id: object) -> None:
        return None

    def start(self, interval_s: float) -> None:
        self.heartbeats = ZoneHeartbeats(self.server, "main", self.database, KEY, clock_believed=lambda: True)
        self.handler = handler = ZoneHeartbeatHandler(
            "main", {STAFF_SENDER: TrustedKey(KEY.public_key())}, self, self.log, ask=self.wake.set
        )

        def handle(topic: str, payload: bytes, retained: bool) -> None:
            handler(topic, payload, retained)
            self.heard += 1

        self.bus.subscribe(TOPIC, handle, qos=0)
        interval = timedelta(seconds=interval_s)
        self.sync = PassageSync("http://testserver", "west", self.token, self, self.log, interval=interval, client=self)
        self.sync.run_once()
        self.asking = threading.Thread(target=self.sync.run, args=(self.stopping, self.wake), daemon=True)
        self.asking.start()

    def stop(self) -> None:
        self.stopping.set()
        self.wake.set()
        self.asking.join()
        self.log.close()

    def pass_elsewhere(self) -> None:
        """Somebody passes another gate of the zone, and no hint of it arrives."""
        now = datetime.now(UTC)
        event = Event(id=new_id(), gate="east", at=now, kind=EventKind.ACCESS_GRANTED, person_id=new_id())
        with self.database.begin() as session:
            zone_passages.record(session, [event], now=now)

    def hears(self, publish: Callable[[], object]) -> None:
        before = self.heard
        publish()
        until(lambda: self.heard > before)

    @property
    def inside(self) -> int | None:
        return self.log.context_for(new_id(), self.policy, datetime.now(UTC), None).inside


@pytest.fixture
def device(broker, connect, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setattr(sync, "LEAST_PAUSE_S", 0.01)
    now = datetime.now(UTC)
    app = FastAPI()
    app.state.accounts = AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)
    app.state.directory = DirectoryServices(database, Sealer(bytes(32)), CREDENTIAL_KEY)
    app.include_router(directory.api.router)
    problems.install(app)
    with database.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall", by="test", now=now)
        for name in ("west", "east"):
            gates.add(session, POLICY.model_copy(update={"gate": name}), title=name, by="test", now=now)
        _, token = devices.add(session, name="west", role=DeviceRole.CONTROLLER, gate="west", by="test", now=now)
    with AppClient(app) as client:
        made = Device(client, token, connect(broker, "west"), connect(broker, "server"), database)
        yield made
        made.stop()


def test_at_rest_it_asks_no_more_and_knows_how_many_are_inside(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "AWAITED_FOR_S", (2 * PATIENCE_S, 2 * PATIENCE_S))
    device.start(interval_s=0.1)
    until(lambda: device.heartbeats.publish() or device.log.told_at is not None)
    asked, begun = device.asked, time.monotonic()
    while time.monotonic() < begun + 1.5:
        device.hears(device.heartbeats.publish)
    assert device.asked <= asked + 1, "one may have been on its way"

    device.pass_elsewhere()
    until(lambda: device.heartbeats.publish() or device.log.revision == 1)
    assert device.inside == 1


def test_what_is_not_the_servers_or_comes_late_or_again_confirms_nothing(device: Device) -> None:
    device.start(interval_s=3600)
    # Its thread asks once more at its start.
    until(lambda: device.log.answers == 2)
    now = datetime.now(UTC)
    true = ZoneHeartbeat(site="main", zone="hall", revision=0, inside=5, at=now)

    def publish(payload: bytes) -> None:
        device.hears(lambda: device.server.publish(TOPIC, payload, qos=0))

    def said(key: Ed25519PrivateKey = KEY, purpose: Purpose = Purpose.ZONE_HEARTBEAT, **changes: object) -> bytes:
        return seal(key, STAFF_SENDER, purpose, true.model_copy(update=changes))

    for payload in (
        said(OTHER),
        said(purpose=Purpose.SHOWER_ANSWER),
        said(site="another"),
        said(zone="yard"),
        said(at=now - timedelta(seconds=30)),
        said(at=now + timedelta(seconds=60)),
        b"no message",
    ):
        publish(payload)
        assert device.log.told_at is None
    device.handler(TOPIC, said(at=datetime.now(UTC)), True)
    assert device.log.told_at is None, "what a broker keeps is of the past"
    until(lambda: publish(said(at=datetime.now(UTC))) or device.log.told_at is not None)
    told_at = device.log.told_at
    for _ in range(3):
        publish(said(at=told_at, inside=6))
        assert (device.log.told_at, device.inside) == (told_at, 5)
    assert device.asked == 2


def test_a_server_that_says_nothing_more_is_asked(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "AWAITED_FOR_S", (0.3, 0.3))
    device.start(interval_s=0.1)
    until(lambda: device.heartbeats.publish() or device.log.told_at is not None)
    device.pass_elsewhere()
    until(lambda: device.log.revision == 1)
    asked = device.asked
    until(lambda: device.asked > asked + 2)


def test_it_says_nothing_by_a_clock_that_is_not_believed_nor_without_a_database(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.start(interval_s=3600)
    doubtful = ZoneHeartbeats(device.server, "main", device.database, KEY, clock_believed=lambda: False)
    doubtful.publish()
    closed = Database(str(device.database.url).rsplit("/", 1)[0] + "/nothing-here/x")
    lost = ZoneHeartbeats(device.server, "main", closed, KEY, clock_believed=lambda: True)
    stop, tried = threading.Event(), threading.Event()

    def publish_once() -> None:
        try:
            ZoneHeartbeats.publish(lost)
        finally:
            tried.set()
            stop.set()

    monkeypatch.setattr(lost, "publish", publish_once)
    lost.run(stop)
    assert tried.is_set(), "and its thread goes on"
    closed.close()
    device.hears(device.heartbeats.publish)
    assert device.heard == 1


def test_without_a_broker_it_looks_at_no_database(device: Device, broker, monkeypatch: pytest.MonkeyPatch) -> None:
    device.start(interval_s=3600)
    broker.stop()
    until(lambda: not device.server.connected)

    def fail(*_: object) -> None:
        raise OperationalError("asked", {}, Exception())

    with monkeypatch.context() as patched:
        patched.setattr(device.database, "read", fail)
        device.heartbeats.publish()
    broker.start()
    until(lambda: device.server.connected and device.bus.connected)
    until(lambda: device.heartbeats.publish() or device.log.told_at is not None)
