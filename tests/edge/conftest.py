"""A camera of each kind, time that tests move, and an edge at a gate with a broker and a controller."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import uuid_utils.compat
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus.outbox import Outbox
from edge.assembly import assemble
from edge.camera import Camera, CaptureCamera, FileCamera, FolderCamera, SyntheticCamera
from edge.dependencies import Environment, Gate, Vision
from edge.engines import Engines
from edge.metrics import Metrics
from edge.policy import EdgePolicy
from edge.recognition import RecognitionPolicy
from edge.tracker import TrackPolicy
from messages import Event, NonceStore, Signer, SystemClock, UnwrittenWatch
from tests.edge.staging import TOPICS, Directory, JudgingController, Stage, frame, person
from tests.waiting import until

PICTURES = 8


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def monotonic_ns(self) -> int:
        return int(self.seconds * 1e9)

    def move(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def picture(index: int) -> np.ndarray:
    """A red picture, brighter with `index`, with structure and noise."""
    noise = np.random.default_rng(index).integers(0, 20, (120, 160, 3), dtype=np.uint8)
    image = np.zeros((120, 160, 3), np.uint8)
    image[..., 0] = 60 + 15 * index
    image[40:80, 40:120, 1] = 120
    return image + noise


class MjpegServer:
    """An IP camera as they are: MJPEG over HTTP. `cut` breaks every connection; `dark` refuses new ones."""

    def __init__(self) -> None:
        self.dark = False
        self.served = 0
        self.connections = 0
        self._generation = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if server.dark:
                    self.send_error(503)
                    return
                server.connections += 1
                generation = server._generation
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    while generation == server._generation:
                        bgr = cv2.cvtColor(picture(server.served % PICTURES), cv2.COLOR_RGB2BGR)
                        jpeg = cv2.imencode(".jpg", bgr)[1].tobytes()
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                        server.served += 1
                        time.sleep(0.01)
                except OSError:
                    return

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - given by http.server
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://user:secret@127.0.0.1:{self._http.server_address[1]}/camera.mjpg"

    def cut(self) -> None:
        self._generation += 1

    def close(self) -> None:
        self.cut()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def mjpeg() -> Iterator[MjpegServer]:
    server = MjpegServer()
    yield server
    server.close()


@dataclass
class CameraUnderTest:
    camera: Camera
    lossy: bool


def make_video(path: Path, pictures: list[np.ndarray], rate: float = 25.0) -> Path:
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    assert writer.isOpened()
    for image in pictures:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


@pytest.fixture(params=["file", "folder", "synthetic", "stream"])
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> CameraUnderTest:
    """Each backend, showing `PICTURES` pictures (the stream: for ever)."""
    pictures = [picture(index) for index in range(PICTURES)]
    match request.param:
        case "file":
            return CameraUnderTest(FileCamera(make_video(tmp_path / "film.avi", pictures), real_time=False), lossy=True)
        case "folder":
            for index, image in enumerate(pictures):
                cv2.imwrite(str(tmp_path / f"{index:03}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            return CameraUnderTest(FolderCamera(tmp_path), lossy=False)
        case "synthetic":
            return CameraUnderTest(SyntheticCamera(pictures), lossy=False)
        case _:
            return CameraUnderTest(CaptureCamera(request.getfixturevalue("mjpeg").url), lossy=True)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., None]:
    return until


class SkippingClock(SystemClock):
    """The machine's clock, with a monotonic time that tests can let jump ahead."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped


@pytest.fixture
def gate(broker, connect, tmp_path: Path, until) -> Iterator[Callable[..., SimpleNamespace]]:
    """Makes an edge at a gate; `show` lets its camera see so many frames."""
    made = []

    def make(
        directory: Directory | None = None, *, wait: bool = True, live: bool = False, **options
    ) -> SimpleNamespace:
        stage, directory = Stage(), directory or Directory(person(0), person(1))
        edge_key = Ed25519PrivateKey.generate()
        controller = JudgingController(connect(broker, "controller", wait=wait), edge_key, tmp_path)
        bus = connect(broker, "edge", wait=wait)
        outbox = Outbox(tmp_path / "outbox.db")
        nonces = NonceStore(tmp_path / "nonces.db")
        clock, metrics = SkippingClock(), Metrics()
        # Patient, because a busy machine may show its frames with long pauses.
        recognition = RecognitionPolicy(track=TrackPolicy(patience=5.0, same_person=0.25))
        policy = EdgePolicy(recognition=recognition, command_ttl_ms=options.pop("ttl_ms", 8000))
        place = Gate(
            topics=TOPICS,
            boot_id=uuid_utils.compat.uuid7(),
            bus=bus,
            signer=Signer(edge_key, "edge:north", nonces),
            controller_keys=options.pop("keys", controller.trusted),
            directory=directory,
            outbox=outbox,
        )
        environment = Environment(
            metrics=metrics,
            model_refused=options.pop("model_refused", lambda: False),
            probe_server=options.pop("probe_server", None),
            alarm_pictures=options.pop("alarm_pictures", None),
            unwritten=UnwrittenWatch({"nonces.db": nonces, "outbox.db": outbox}),
        )
        vision = Vision(
            camera=SyntheticCamera([], live=live), engines=Engines(stage), threshold=lambda _: 0.6, **options
        )
        service = assemble(place, vision, policy, environment=environment, clock=clock)
        service.start()
        numbers = iter(range(1_000_000))

        def show(*cast, frames: int = 5, age_s: float = 0.0, noisy: bool = False) -> None:
            stage.show(*cast)
            for number in itertools.islice(numbers, frames):
                pixel = number % 251 if noisy else 0
                service._frame_loop.process(frame(number, clock.monotonic() - age_s, pixel=pixel))
                time.sleep(0.002)

        def leave() -> None:
            show(frames=1)
            clock.skipped += 10
            show(frames=1)

        def events(kind: str) -> list[Event]:
            found = [Event.decode(entry.payload) for entry in outbox.pending(1000)]
            return [event for event in found if event.kind == kind]

        def ignored_taps(why: str) -> float:
            return metrics.registry.get_sample_value("campusgate_edge_taps_ignored_total", {"why": why}) or 0

        made.append((service, outbox, nonces))
        if wait:
            until(lambda: service._commands.boot_id == controller.boot_id)
        return SimpleNamespace(
            service=service,
            controller=controller,
            directory=directory,
            bus=bus,
            outbox=outbox,
            show=show,
            leave=leave,
            ignored_taps=ignored_taps,
            events=events,
        )

    yield make
    for service, outbox, nonces in made:
        service.stop()
        outbox.close()
        nonces.close()
