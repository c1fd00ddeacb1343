"""Pictures of alarms at the edge: taken at once of what the campus wants, sent when the server takes them."""

import threading
from datetime import UTC, datetime
from uuid import UUID, uuid4

import cv2
import httpx
import numpy as np
import pytest

from database import Sealer
from edge.alarm_picture_server import AlarmPictureServer, Sent
from edge.alarm_pictures import EVERY_S, FRESH_S, MOST_BYTES, AlarmPictures, encode
from edge.sealed_files import SealedFiles
from messages import Event, EventKind
from tests.edge.conftest import ManualClock
from tests.edge.staging import TOPICS, frame
from tests.keys import key

pytestmark = pytest.mark.brokers("embedded")

SEALER = Sealer(key("templates"))
WANTED = ("door_forced", "spoof")


class Server:
    """Answers as it is told to, and keeps what it took."""

    def __init__(self) -> None:
        self.answer = Sent.TAKEN
        self.tries: list[UUID] = []
        self.taken: dict[UUID, bytes] = {}

    def send(self, event_id: UUID, jpeg: bytes, taken_at: datetime) -> Sent:
        assert taken_at.tzinfo is not None
        self.tries.append(event_id)
        if self.answer is Sent.TAKEN:
            self.taken[event_id] = jpeg
        return self.answer


class Edge:
    """The part that takes pictures, with its server, its folder and a clock that is moved."""

    def __init__(self, folder) -> None:
        self.clock, self.server, self.wanted = ManualClock(), Server(), WANTED
        self.files = SealedFiles(folder / "alarm-pictures", SEALER, b"alarm-picture:", days=3, most=50)
        self.pictures = self.restart()

    def restart(self) -> AlarmPictures:
        self.pictures = AlarmPictures(self.server, self.files, self.clock, wanted=lambda: self.wanted)
        return self.pictures

    def happen(self, kind: str = "door_forced", **fields) -> UUID:
        event = Event(id=uuid4(), gate="north", at=self.clock.wall, kind=kind, details={}, **fields)
        self.pictures.handle(event)
        return event.id

    def see(self, pixel: int = 0) -> None:
        self.pictures.observe(frame(0, self.clock.seconds, pixel=pixel))

    def work(self, seconds: float = 0.0) -> None:
        self.pictures.work()
        self.clock.move(seconds)
        self.pictures.work()


@pytest.fixture
def edge(tmp_path) -> Edge:
    return Edge(tmp_path)


def test_what_the_camera_saw_just_then_is_sent_once(edge: Edge) -> None:
    edge.see()
    event = edge.happen()
    edge.work(2)
    shown = cv2.imdecode(np.frombuffer(edge.server.taken[event], np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (480, 640, 3)
    edge.work(600)
    assert (edge.server.tries, edge.files.find_events()) == ([event], [])


def test_a_picture_is_taken_of_nothing_that_the_campus_did_not_name(edge: Edge) -> None:
    edge.see()
    for kind in sorted(set(EventKind) - set(WANTED)):
        edge.happen(kind)
    edge.wanted = ()
    edge.see()
    edge.happen()
    edge.work(60)
    assert edge.server.tries == []
    assert edge.files.find_events() == []


def test_a_picture_that_would_not_show_what_happened_is_not_taken(edge: Edge) -> None:
    edge.happen()
    edge.see()
    edge.happen(historical=True)
    edge.clock.move(FRESH_S + 0.1)
    edge.happen()
    edge.work(60)
    assert edge.server.tries == []


def test_a_door_that_is_shaken_is_one_picture(edge: Edge) -> None:
    edge.see()
    first, other = edge.happen(), edge.happen("spoof")
    for _ in range(3):
        edge.happen()
    edge.work()
    edge.work(2)
    assert set(edge.server.tries) == {first, other}
    edge.clock.move(EVERY_S)
    edge.see()
    again = edge.happen()
    edge.work(2)
    assert edge.server.tries[-1] == again


def test_what_the_server_does_not_take_yet_waits_sealed_over_a_restart(edge: Edge, tmp_path) -> None:
    edge.server.answer = Sent.LATER
    edge.see()
    event = edge.happen()
    edge.work(2)
    edge.work(5)
    assert set(edge.server.tries) == {event}
    (file,) = (tmp_path / "alarm-pictures").iterdir()
    assert b"\xff\xd8\xff" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    edge.server.answer = Sent.TAKEN
    edge.restart()
    edge.work()
    assert event in edge.server.taken
    assert edge.files.find_events() == []


def test_a_disk_that_refuses_costs_the_gate_nothing(edge: Edge, tmp_path) -> None:
    (tmp_path / "alarm-pictures").write_text("no folder")
    edge.see()
    edge.happen()
    edge.work(2)
    assert edge.server.tries == []


def test_what_the_server_refuses_is_given_up(edge: Edge) -> None:
    edge.server.answer = Sent.REFUSED
    edge.see()
    event = edge.happen()
    edge.work(2)
    edge.work(120)
    assert (edge.server.tries, edge.files.find_events()) == ([event], [])


def test_a_picture_under_another_key_keeps_no_other_back(edge: Edge, tmp_path) -> None:
    SealedFiles(tmp_path / "alarm-pictures", Sealer(key("others")), b"alarm-picture:", days=3, most=50).put(
        uuid4(), b""
    )
    edge.see()
    event = edge.happen()
    edge.work(2)
    assert (edge.server.tries, edge.files.find_events()) == ([event], [])


@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (2160, 3840)], ids=str)
def test_no_picture_is_larger_than_the_server_takes(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    jpeg = encode(noise)
    assert len(jpeg) <= MOST_BYTES
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[1] / shown.shape[0] == pytest.approx(size[1] / size[0], rel=0.01)


@pytest.mark.parametrize(
    ("status", "result"),
    [(204, Sent.TAKEN), (404, Sent.LATER), (401, Sent.LATER), (429, Sent.LATER), (503, Sent.LATER)]
    + [(status, Sent.REFUSED) for status in (409, 413, 422)],
)
def test_the_server_is_asked_with_the_devices_token_and_its_answer_understood(status: int, result: Sent) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    server, event, at = AlarmPictureServer("http://server/", "north", "t", client=client), uuid4(), datetime.now(UTC)
    assert server.send(event, b"picture", at) is result
    (request,) = asked
    assert (request.method, request.url.path) == ("PUT", f"/api/v1/operations/gates/north/alarm-pictures/{event}")
    assert datetime.fromisoformat(request.url.params["taken_at"]) == at
    assert (request.headers["authorization"], request.content) == ("Bearer t", b"picture")


def test_a_server_that_does_not_answer_is_tried_again() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    server = AlarmPictureServer("http://server", "north", "t", client=httpx.Client(transport=httpx.MockTransport(fail)))
    assert server.send(uuid4(), b"", datetime.now(UTC)) is Sent.LATER


def test_an_edge_at_work_hears_of_the_door_from_its_controller(gate, until, tmp_path) -> None:
    server, clock = Server(), ManualClock()
    files = SealedFiles(tmp_path / "alarm-pictures", SEALER, b"alarm-picture:", days=3, most=50)
    pictures = AlarmPictures(server, files, clock, wanted=lambda: WANTED)
    north = gate(alarm_pictures=pictures)
    seen, observe = threading.Event(), pictures.observe
    pictures.observe = lambda _shown: (observe(frame(0, clock.seconds)), seen.set())
    north.show()
    assert seen.is_set()
    event = Event(id=uuid4(), gate="north", at=datetime.now(UTC), kind="door_forced", details={})
    north.controller.connection.publish(TOPICS.events, event.encode())
    until(lambda: files.find_events() or server.taken)
    until(lambda: clock.move(10) or event.id in server.taken)
