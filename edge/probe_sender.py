"""A second photo for whoever consented to it, after card and face have opened the gate: if the server wants it.

The server is asked first; nothing of a face leaves the gate before it has opened an offer. What is sent then is a
template, sealed to the offer's key, of a face that is the holder's once more; a picture only where the campus keeps
pictures. Nobody at the gate waits for any of this.
"""

import queue
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
import structlog

from access.decision import model_of
from access.policy import GatePolicy
from access.probe_offer import (
    Binding,
    ProbeAnswer,
    ProbeContent,
    ProbeOffer,
    ProbeRequest,
    SealedProbe,
    ViewQuality,
    seal_probe,
)
from access.snapshot import PersonEntry
from access.templates import unpack_vectors
from edge.camera.port import Frame
from edge.engines import Engines, GateEngine
from edge.gallery import Directory
from edge.probe_server import ProbeServerError
from edge.probe_views import ProbeView, ProbeViews
from edge.recognition import Sighting
from messages import Clock, Method
from models.box import Box
from models.template import Template

_log = structlog.get_logger()

_WAITING = 4
"""Passages whose question waits for the server; more at once are let go: there will be others."""
_REMEMBERED = 20_000
_AFTER_ERROR_S = 600.0
_TICK_S = 0.2
_AROUND_FACE = 1.0
"""Sides of the face's box that head and shoulders add around it."""
_JPEG_QUALITY = 90
_METHODS: dict[Method, Literal["card", "code"]] = {Method.CARD: "card", Method.CODE: "code"}


class Server(Protocol):
    """What is asked of the server; `edge.probe_server.ProbeServer` is one."""

    def ask(self, request: ProbeRequest) -> ProbeAnswer:
        """Return an offer, or why there is none."""
        ...

    def send(self, offer_id: UUID, probe: SealedProbe) -> None:
        """Send the probe of an offer."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Passage:
    person_id: UUID
    method: Literal["card", "code"]
    view: ProbeView


class ProbeSender:
    """Offers probes to the server, on a thread of its own. `observe` and `offer` return at once; safe for threads."""

    def __init__(
        self,
        server: Server,
        engines: Engines,
        directory: Directory,
        clock: Clock,
        *,
        gate: str,
    ) -> None:
        """A probe is made by the engine of the model that the directory has the person's template of."""
        self._server = server
        self._engines = engines
        self._directory = directory
        self._clock = clock
        self._gate = gate
        self._views = ProbeViews()
        self._waiting: queue.Queue[_Passage] = queue.Queue(_WAITING)
        self._not_before: OrderedDict[UUID, float] = OrderedDict()
        self._lock = threading.Lock()

    def observe(self, sighting: Sighting, frame: Frame) -> None:
        """Look at one frame of the camera."""
        self._views.record(sighting, frame)

    def offer(self, person_id: UUID, method: Method, at: float) -> None:
        """Offer a probe of somebody whose card and face have just opened the door; `at` in monotonic seconds."""
        shown = _METHODS.get(method)
        if shown is None or self._must_wait(person_id):
            return
        view = self._views.take(at)
        if view is None:
            return
        try:
            self._waiting.put_nowait(_Passage(person_id, shown, view))
        except queue.Full:
            _log.debug("probe_not_offered", why="too many wait")

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            try:
                passage = self._waiting.get(timeout=_TICK_S)
            except queue.Empty:
                continue
            self._handle(passage)

    def _handle(self, passage: _Passage) -> None:
        person_id = passage.person_id
        try:
            person, policy = self._directory.person(person_id), self._directory.policy
            engine = self._find_engine(person, policy)
            if person is None or engine is None:
                return
            answer = self._server.ask(
                ProbeRequest(person_id=person_id, method=passage.method, at=self._clock.now(), model_id=engine.model_id)
            )
            self._wait(person_id, answer.ask_again_s)
            if answer.offer is not None:
                self._send(passage, person, engine, answer.offer)
        except ProbeServerError as error:
            self._wait(person_id, _AFTER_ERROR_S)
            _log.info("probe_not_taken", error=str(error))
        except Exception:  # noqa: BLE001 - the gate works without; the next passage is another try
            self._wait(person_id, _AFTER_ERROR_S)
            _log.exception("probe_failed")

    def _find_engine(self, person: PersonEntry | None, policy: GatePolicy | None) -> GateEngine | None:
        model_id = None if person is None or policy is None else model_of(person, policy)
        return None if model_id is None else self._engines.get(model_id)

    def _send(self, passage: _Passage, person: PersonEntry, engine: GateEngine, offer: ProbeOffer) -> None:
        view = passage.view
        vector = engine.embed(view.image, [view.face], thorough=True)[0]
        if not _is_holder(person, vector, engine.threshold("agreement")):
            _log.info("probe_not_sent", why="the face in front is not the holder's")
            return
        content = ProbeContent(
            template=Template(engine.model_id, vector).to_bytes(),
            picture=_cut_out(view.image, view.face.box) if offer.with_picture else None,
        )
        binding = Binding(
            gate=self._gate, offer_id=offer.offer_id, person_id=passage.person_id, model_id=engine.model_id
        )
        probe = SealedProbe(sealed=seal_probe(content, offer.public_key, binding), quality=_measure(view))
        self._server.send(offer.offer_id, probe)
        _log.info("probe_sent", offer=str(offer.offer_id))

    def _must_wait(self, person_id: UUID) -> bool:
        with self._lock:
            return self._not_before.get(person_id, float("-inf")) > self._clock.monotonic()

    def _wait(self, person_id: UUID, seconds: float) -> None:
        with self._lock:
            self._not_before[person_id] = self._clock.monotonic() + seconds
            self._not_before.move_to_end(person_id)
            while len(self._not_before) > _REMEMBERED:
                self._not_before.popitem(last=False)


def _is_holder(person: PersonEntry, vector: npt.NDArray[np.float32], least: float) -> bool:
    own = unpack_vectors(person.templates)
    return bool(own.size) and own.shape[1] == len(vector) and float((own @ vector).max()) >= least


def _measure(view: ProbeView) -> ViewQuality:
    face = view.face
    return ViewQuality(
        yaw=face.pose.yaw,
        pitch=face.pose.pitch,
        inter_eye_distance=face.inter_eye_distance,
        sharpness=face.sharpness,
        frames=view.frames,
    )


def _cut_out(image: npt.NDArray[np.uint8], box: Box) -> bytes:
    """Return head and shoulders as a JPEG; the rest of the picture is not sent."""
    height, width = image.shape[:2]
    margin = _AROUND_FACE * max(box.width, box.height)
    left, top = max(int(box.left - margin), 0), max(int(box.top - margin), 0)
    right, bottom = min(int(box.left + box.width + margin), width), min(int(box.top + box.height + margin), height)
    part = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2BGR)
    is_done, encoded = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not is_done:
        raise ValueError("the picture cannot be encoded")
    return encoded.tobytes()
