"""The server's port for showers, over real brokers: who is heard, what is answered, and what an outage costs."""

import queue
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy.exc import OperationalError

from bus import Connection
from database import Database
from messages import (
    SERVER_SENDER,
    ProcessStatus,
    Purpose,
    ShowerAvailability,
    ShowerTopic,
    ShowerTopics,
    SignedMessage,
    TrustedKey,
    has_signature,
    seal,
    shower_sender,
)
from messages.metering import (
    DeviceHeartbeat,
    HeartbeatAnswer,
    SessionAnswer,
    SessionLimit,
    SessionReport,
    SessionStep,
    ShownCard,
)
from metering.sessions.metrics import ShowerCollector
from metering.sessions.mqtt_port import ShowerPort
from tests.waiting import PATIENCE_S, until

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DEVICE, OTHER = UUID(int=21), UUID(int=22)
DEVICE_KEY, OTHER_KEY, SERVER_KEY = (Ed25519PrivateKey.generate() for _ in range(3))
TOPICS = ShowerTopics("main", DEVICE)
TRUSTED = {
    shower_sender(DEVICE): TrustedKey(DEVICE_KEY.public_key()),
    shower_sender(OTHER): TrustedKey(OTHER_KEY.public_key()),
}


class StoredSessions:
    """What takes the reports; a test lets it fail."""

    def __init__(self) -> None:
        self.reports: list[SessionReport] = []
        self.heartbeats: list[DeviceHeartbeat] = []
        self.fails_with: Exception | None = None

    def report(self, report: SessionReport, now: datetime) -> SessionAnswer:
        if self.fails_with is not None:
            raise self.fails_with
        self.reports.append(report)
        return SessionAnswer(device=report.device, session=report.session, seq=report.seq, at=now, state="running")

    def heartbeat(self, heartbeat: DeviceHeartbeat, now: datetime) -> HeartbeatAnswer:
        self.heartbeats.append(heartbeat)
        return HeartbeatAnswer(
            device=heartbeat.device, at=now, utc_offset_s=0, revision="1", heartbeat_s=30, update_s=10, idle_s=30,
            no_flow_s=60, pause_s=60, most=SessionLimit(fen=500),
        )  # fmt: skip


def report(device: UUID = DEVICE, seq: int = 0) -> SessionReport:
    return SessionReport(
        device=device, boot_id=UUID(int=5), number=1, seq=seq, step=SessionStep.AUTHORISE, at=NOW,
        card=ShownCard(digest="a" * 64),
    )  # fmt: skip


def heartbeat(seq: int, boot: int = 5) -> DeviceHeartbeat:
    return DeviceHeartbeat(device=DEVICE, boot_id=UUID(int=boot), seq=seq, at=NOW)


def signed(
    message: SessionReport | DeviceHeartbeat,
    *,
    key: Ed25519PrivateKey = DEVICE_KEY,
    sender: str = shower_sender(DEVICE),
    purpose: Purpose | None = None,
) -> bytes:
    usual = Purpose.SHOWER_REPORT if isinstance(message, SessionReport) else Purpose.SHOWER_HEARTBEAT
    return seal(key, sender, purpose or usual, message)


@pytest.fixture
def sessions() -> StoredSessions:
    return StoredSessions()


@pytest.fixture
def port(broker, connect, sessions: StoredSessions) -> Iterator[ShowerPort]:
    port = ShowerPort(connect(broker, "server"), "main", sessions, key=SERVER_KEY, trusted=TRUSTED, now=lambda: NOW)
    port.start()
    yield port
    port.stop()


class Shower:
    """The controller's side: it speaks, and hears what the server answers."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.answers: queue.Queue[tuple[str, SignedMessage]] = queue.Queue()
        for topic in (ShowerTopic.ANSWERS, ShowerTopic.HEARTBEAT_ANSWERS):
            connection.subscribe(TOPICS.of(topic), self._hear)

    def _hear(self, topic: str, payload: bytes, _retained: bool) -> None:
        self.answers.put((topic, SignedMessage.decode(payload)))

    def say(self, payload: bytes, topic: ShowerTopic = ShowerTopic.REPORTS, *, retain: bool = False) -> None:
        self.connection.publish(TOPICS.of(topic), payload, wait_s=PATIENCE_S, retain=retain)

    def hear(self) -> tuple[str, SignedMessage]:
        return self.answers.get(timeout=PATIENCE_S)


@pytest.fixture
def shower(broker, connect, port: ShowerPort) -> Shower:
    return Shower(connect(broker, "shower"))


def test_a_signed_report_is_answered_signed_on_its_own_topic(shower: Shower, sessions: StoredSessions) -> None:
    shower.say(signed(report()))
    topic, envelope = shower.hear()
    assert topic == TOPICS.of(ShowerTopic.ANSWERS)
    assert envelope.sender == SERVER_SENDER
    trusted = TrustedKey(SERVER_KEY.public_key())
    assert has_signature(trusted, Purpose.SHOWER_ANSWER, envelope, NOW)
    assert not has_signature(trusted, Purpose.SHOWER_HEARTBEAT_ANSWER, envelope, NOW)
    answer = SessionAnswer.decode(envelope.body.encode())
    assert (answer.session, answer.seq) == (report().session, 0)
    assert sessions.reports == [report()]


_REFUSED: dict[str, Callable[[], bytes]] = {
    "unsigned": lambda: report().encode(),
    "signed by another": lambda: signed(report(), key=OTHER_KEY),
    "in another's name": lambda: signed(report(), key=OTHER_KEY, sender=shower_sender(OTHER)),
    "of another device": lambda: signed(report(OTHER)),
    "signed as a heartbeat": lambda: signed(report(), purpose=Purpose.SHOWER_HEARTBEAT),
    "signed as a command": lambda: signed(report(), purpose=Purpose.COMMAND),
    "an answer, played back": lambda: seal(SERVER_KEY, SERVER_SENDER, Purpose.SHOWER_ANSWER, report()),
    "no JSON": lambda: b"{",
    "too large": lambda: b" " * 20_000,
    "no report": lambda: signed(heartbeat(0), purpose=Purpose.SHOWER_REPORT),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_what_is_not_the_controllers_own_message_is_not_heard(
    shower: Shower, sessions: StoredSessions, what: str
) -> None:
    shower.say(_REFUSED[what]())
    shower.say(signed(report(seq=7)))
    shower.hear()
    assert [one.seq for one in sessions.reports] == [7]
    assert shower.answers.empty()


def test_a_report_that_the_broker_kept_is_not_heard(broker, connect, shower, sessions: StoredSessions) -> None:
    shower.say(signed(report(seq=3)), retain=True)
    shower.hear()
    late = ShowerPort(connect(broker, "late"), "main", sessions, key=SERVER_KEY, trusted=TRUSTED, now=lambda: NOW)
    late.start()
    shower.say(signed(report(seq=4)))
    until(lambda: [one.seq for one in sessions.reports].count(4) == 2)
    late.stop()
    assert [one.seq for one in sessions.reports].count(3) == 1


def test_nothing_is_answered_while_the_database_is_down_and_the_next_try_is(
    shower: Shower, sessions: StoredSessions
) -> None:
    sessions.fails_with = OperationalError("SELECT 1", {}, Exception("down"))
    shower.say(signed(report(seq=1)))
    shower.say(signed(heartbeat(0)), ShowerTopic.HEARTBEATS)
    topic, _ = shower.hear()
    assert topic == TOPICS.of(ShowerTopic.HEARTBEAT_ANSWERS), "the report has no answer, so it is sent again"
    sessions.fails_with = None
    shower.say(signed(report(seq=1)))
    assert SessionAnswer.decode(shower.hear()[1].body.encode()).seq == 1


def test_an_answer_names_its_heartbeat_and_one_played_back_has_none(shower: Shower, sessions: StoredSessions) -> None:
    for beat in (heartbeat(4), heartbeat(3), heartbeat(4), heartbeat(5), heartbeat(0, boot=6), heartbeat(6)):
        shower.say(signed(beat), ShowerTopic.HEARTBEATS)
    answers = [HeartbeatAnswer.decode(shower.hear()[1].body.encode()) for _ in range(3)]
    assert [(answer.boot_id, answer.seq) for answer in answers] == [
        (UUID(int=5), 4), (UUID(int=5), 5), (UUID(int=6), 0),
    ]  # fmt: skip
    shower.say(signed(heartbeat(1, boot=6)), ShowerTopic.HEARTBEATS)
    shower.hear()
    assert len(sessions.heartbeats) == 4


def test_two_controllers_that_speak_for_one_shower_are_noticed(
    database: Database, shower: Shower, port: ShowerPort
) -> None:
    for beat in (heartbeat(4), heartbeat(0, boot=6), heartbeat(4), heartbeat(3), heartbeat(5), heartbeat(5)):
        shower.say(signed(beat), ShowerTopic.HEARTBEATS)
    shower.say(signed(heartbeat(1, boot=6)), ShowerTopic.HEARTBEATS)
    for _ in range(3):
        shower.hear()
    assert port.twice == frozenset(), "played back, and one that was late"
    for beat in (heartbeat(6), heartbeat(2, boot=6)):
        shower.say(signed(beat), ShowerTopic.HEARTBEATS)
    shower.hear()
    assert port.twice == {DEVICE}
    registry = CollectorRegistry()
    registry.register(ShowerCollector(database, port))
    figures = generate_latest(registry).decode()
    assert "campusgate_showers_twice 1.0" in figures
    assert "campusgate_shower_turned_away_total 0.0" in figures
    assert 'campusgate_shower_sessions{state="running"} 0.0' in figures


def test_a_heartbeat_repeats_only_its_own_controllers_report(shower: Shower, sessions: StoredSessions) -> None:
    foreign = heartbeat(0).model_copy(update={"unsettled": report(OTHER)})
    shower.say(signed(foreign), ShowerTopic.HEARTBEATS)
    shower.say(signed(heartbeat(1)), ShowerTopic.HEARTBEATS)
    shower.hear()
    assert [one.seq for one in sessions.heartbeats] == [1]


def test_whether_a_controller_is_there_is_known_of_trusted_ones(
    broker, connect, port: ShowerPort, shower: Shower
) -> None:
    stranger = ShowerTopics("main", uuid4())
    for topics in (stranger, TOPICS):
        message = ShowerAvailability(device=topics.device, status=ProcessStatus.ONLINE, boot_id=UUID(int=5), at=NOW)
        shower.connection.publish(topics.of(ShowerTopic.AVAILABILITY), message.encode(), retain=True, wait_s=PATIENCE_S)
    until(lambda: port.availability)
    assert set(port.availability) == {DEVICE}


@pytest.mark.parametrize("make_broker", ["mosquitto"], indirect=True)
def test_a_server_that_starts_hears_which_of_1500_showers_are_there(broker, connect, sessions: StoredSessions) -> None:
    devices = [UUID(int=1000 + number) for number in range(1500)]
    showers = connect(broker, "showers")
    for device in devices:
        here = ShowerAvailability(device=device, status=ProcessStatus.ONLINE, boot_id=UUID(int=5), at=NOW)
        topic = ShowerTopics("main", device).of(ShowerTopic.AVAILABILITY)
        showers.publish(topic, here.encode(), retain=True)
    showers.publish(topic, here.encode(), retain=True, wait_s=PATIENCE_S)
    trusted = {shower_sender(device): TrustedKey(DEVICE_KEY.public_key()) for device in devices}
    port = ShowerPort(connect(broker, "server"), "main", sessions, key=SERVER_KEY, trusted=trusted, now=lambda: NOW)
    until(lambda: len(port.availability) == len(devices), "some were not heard")
