"""What the camera sees when something at the gate raises an alarm: taken at once, sent when the server answers.

Nothing is taken unless the server says for which kinds of events, with each answer about the directory. What was taken
waits sealed on this disk: who breaks in may have cut the line first. Nobody at the gate waits for any of this.
"""

import queue
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
import structlog

from bus.backoff import Backoff
from database import SealingError
from edge.alarm_picture_server import Sent
from edge.camera.port import Frame
from edge.sealed_files import SealedFiles
from messages import Clock, Event

_log = structlog.get_logger()

MOST_BYTES = 250_000
"""The most that the server takes."""
FRESH_S = 2.0
"""How old the newest frame may be: an older one does not show what happened."""
EVERY_S = 5.0
"""Between two pictures of one kind of event: a door that is shaken makes many events, and one picture tells it."""
_LONGEST_SIDE = 1280
_QUALITIES = (85, 70, 55, 40)
_SMALLER = 0.7
WAITING_DAYS = 3
MOST_WAITING = 50
_TICK_S = 0.2
_STORED_AFTER_S = 1.0
"""The event travels by another way, and is stored within a second as a rule; sent before it, a picture is refused."""
_BACKOFF = Backoff(first_s=2.0, longest_s=60.0)


class Server(Protocol):
    """Takes pictures; `edge.alarm_picture_server.AlarmPictureServer` is one."""

    def send(self, event_id: UUID, jpeg: bytes, taken_at: datetime) -> Sent:
        """Send the picture that was taken at an event."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    event_id: UUID
    image: npt.NDArray[np.uint8]
    at: datetime


class AlarmPictures:
    """Takes, keeps and sends. `observe` and `handle` return at once; safe for threads."""

    def __init__(
        self, server: Server, waiting: SealedFiles, clock: Clock, *, wanted: Callable[[], Collection[str]]
    ) -> None:
        """`wanted` returns the kinds of events at which a picture is taken; `waiting` keeps what is not sent yet."""
        self._server = server
        self._files = waiting
        self._clock = clock
        self._wanted = wanted
        self._newest: Frame | None = None
        self._taken: queue.SimpleQueue[_Taken] = queue.SimpleQueue()
        self._taken_at: dict[str, float] = {}
        self._failures = 0
        self._send_at = float("-inf")

    def observe(self, frame: Frame) -> None:
        """Look at one frame of the camera; the newest is held, and let go of where no picture is wanted."""
        self._newest = frame if self._wanted() else None

    def handle(self, event: Event) -> None:
        """Take a picture if the campus wants one of such an event, just now and of this gate."""
        frame, now = self._newest, self._clock.monotonic()
        if event.kind not in self._wanted() or event.historical or frame is None or now - frame.arrived > FRESH_S:
            return
        if now - self._taken_at.get(event.kind, float("-inf")) < EVERY_S:
            return
        self._taken_at[event.kind] = now
        self._taken.put(_Taken(event.id, frame.image, self._clock.now()))

    def run(self, stop: threading.Event) -> None:
        """Keep and send what was taken, and what waited from before, until `stop` is set."""
        while not stop.is_set():
            try:
                self.work(_TICK_S)
            except Exception:  # noqa: BLE001 - the gate works without; the next picture is another try
                _log.exception("alarm_picture_failed")
                stop.wait(_TICK_S)

    def work(self, timeout_s: float = 0.0) -> None:
        """Keep what is taken within `timeout_s`; send what waits, where it is time to try."""
        try:
            taken = self._taken.get(timeout=timeout_s) if timeout_s else self._taken.get_nowait()
        except queue.Empty:
            pass
        else:
            self._keep(taken)
            self._send_at = min(self._send_at, self._clock.monotonic() + _STORED_AFTER_S)
        if self._clock.monotonic() >= self._send_at:
            self._send_waiting()

    def _keep(self, taken: _Taken) -> None:
        content = taken.at.isoformat().encode() + b"\n" + encode(taken.image)
        try:
            self._files.put(taken.event_id, content)
        except OSError as error:
            _log.error("alarm_picture_not_kept", event_id=str(taken.event_id), error=str(error))
        self._files.purge(datetime.now(UTC))

    def _send_waiting(self) -> None:
        results = [self._send(event_id) for event_id in self._files.find_events()]
        self._failures = self._failures + 1 if Sent.LATER in results else 0
        pause_s = _BACKOFF.wait_s(self._failures) if self._failures else float("inf")
        self._send_at = self._clock.monotonic() + pause_s
        if self._failures:
            self._files.purge(datetime.now(UTC))

    def _send(self, event_id: UUID) -> Sent:
        try:
            content = self._files.open(event_id)
        except SealingError as error:
            _log.error("alarm_picture_unreadable", event_id=str(event_id), error=str(error))
            content = None
        sent = Sent.REFUSED
        if content is not None:
            at, _, jpeg = content.partition(b"\n")
            sent = self._server.send(event_id, jpeg, datetime.fromisoformat(at.decode()))
            _log.info("alarm_picture_sent", event_id=str(event_id), result=sent.value)
        if sent is not Sent.LATER:
            self._files.remove(event_id)
        return sent


def encode(image: npt.NDArray[np.uint8]) -> bytes:
    """Return an RGB picture as a JPEG of at most `MOST_BYTES`, reduced until it is so small."""
    picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    factor = min(1.0, _LONGEST_SIDE / max(picture.shape[:2]))
    while True:
        size = tuple(max(1, round(side * factor)) for side in (picture.shape[1], picture.shape[0]))
        smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if factor < 1.0 else picture
        for quality in _QUALITIES:
            jpeg = cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(jpeg) <= MOST_BYTES:
                return jpeg
        factor *= _SMALLER
