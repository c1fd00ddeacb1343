"""`campusgate display` on a real broker, without any server: what the gate says is what the page is told."""

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from access.policy import Direction
from bus import Backoff, BrokerAddress, Connection
from bus.embedded import EmbeddedBroker
from campusgate.processes.display import DisplayOptions, run_display
from campusgate.settings import Settings
from messages import Advice, Availability, DoorState, DoorStatus, Event, Feedback, GateTopics, ProcessStatus
from tests.notify_socket import NotifySocket
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

TOPICS = GateTopics("main", "north")


class Screen:
    """What the page receives."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def wait_for(self, words: str) -> dict:
        for line in self._lines:
            if line.startswith("data:") and "title" in (shown := json.loads(line[5:])):
                self.last = shown
                if shown["title"]["en"] == words:
                    return shown
        raise AssertionError("the stream ended")


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(port=0) as broker:
        yield broker


@pytest.fixture
def gate(broker: EmbeddedBroker) -> Iterator[Connection]:
    bus = Connection(BrokerAddress(port=broker.port), "controller-north", backoff=Backoff(0.05, 0.2, 0.2))
    bus.start()
    bus.wait_connected(PATIENCE_S)
    yield bus
    bus.stop()


@pytest.fixture
def url(broker: EmbeddedBroker, supervisor: NotifySocket, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    port, stop = free_port(), threading.Event()
    options = DisplayOptions("north", "北门", "127.0.0.1", port, Direction.ENTRY)
    settings = Settings(mqtt={"port": broker.port}, demonstration=True)
    thread = threading.Thread(target=run_display, args=(settings, options, stop))
    thread.start()
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/display").is_success
        except httpx.TransportError:
            return False

    until(answers)
    supervisor.wait_for("READY=1", "WATCHDOG=1")
    yield address
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "an open page must not hold the process"


def test_the_page_is_told_what_the_gate_says_of_itself(gate: Connection, url: str) -> None:
    boot, now = uuid.uuid4(), datetime.now(UTC)
    state = DoorState(gate="north", boot_id=boot, sequence=1, at=now, state=DoorStatus.LOCKED, unlocked=False)
    present = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=boot, at=now)
    for topic, message in (
        (TOPICS.state, state), (TOPICS.availability, present), (TOPICS.edge_availability, present)
    ):  # fmt: skip
        gate.publish(topic, message.encode(), retain=True, wait_s=PATIENCE_S)
    with httpx.stream("GET", f"{url}/display/stream", timeout=PATIENCE_S) as answer:
        screen = Screen(answer.iter_lines())
        assert screen.wait_for("Look at the camera")["look"] == "idle"
        gate.publish(TOPICS.feedback, Feedback(gate="north", at=now, advice=Advice.COME_CLOSER).encode(), qos=0)
        assert screen.wait_for("Come closer")["look"] == "advice"
        event = {"gate": "north", "at": datetime.now(UTC), "details": {}, "person_id": uuid.uuid4()}
        granted = Event(id=uuid.uuid4(), kind="access_granted", **event)
        gate.publish(TOPICS.events, granted.encode())
        shown = screen.wait_for("Please come in")
        assert shown["look"] == "granted"
        assert str(granted.person_id) not in json.dumps(shown)
        refused = Event(id=uuid.uuid4(), kind="access_denied", reason="card_lost", **event)
        gate.publish(TOPICS.events, refused.encode())
        shown = screen.wait_for("Please ask the card centre")
        assert "lost" not in json.dumps(shown)


def test_the_page_is_served_with_the_gates_title_and_may_not_be_framed_or_kept(url: str) -> None:
    answer = httpx.get(url, follow_redirects=True)
    assert answer.url.path == "/display"
    assert "<h1>北门</h1>" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
