# ruff: noqa: ARG002 - stand-ins take what the ports prescribe
"""Stand-ins for tests of the edge: faces on cue, a directory in memory, and a controller that only judges.

The controller's judgement is the real one (`Verifier`, persisted nonces); only its door is missing.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import uuid_utils.compat
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.gallery import ChangedFaces, Galleries, Gallery
from access.policy import GatePolicy, Rule
from access.snapshot import CredentialEntry, PersonEntry
from access.templates import pack_vector, unpack_vectors
from bus import Connection
from edge.camera import Frame
from messages import (
    Ack,
    Availability,
    Command,
    DoorState,
    DoorStatus,
    Event,
    GateTopics,
    NonceStore,
    ProcessStatus,
    Refusal,
    RefusedError,
    Signer,
    Tap,
    TrustedKey,
    Verifier,
)
from models.box import Box
from models.detector import Detection
from models.face import Face
from models.pose import Pose

DIMENSION = 8
MODEL = "staged-1"
TOPICS = GateTopics("main", "north")


def unit(index: int, towards: int | None = None, share: float = 0.0) -> np.ndarray:
    """The template of person `index`, or a face `share` of the way to person `towards`."""
    vector = np.zeros(DIMENSION, np.float32)
    vector[index] = 1 - share
    if towards is not None:
        vector[towards] = share
    return vector / np.linalg.norm(vector)


def face(box: Box | None = None, **changes) -> Face:
    """A face that is good enough to vote."""
    plain = Face(
        box=box or Box(260, 160, 120, 120),
        score=0.95,
        keypoints=np.zeros((6, 2), np.float32),
        landmarks=None,
        presence=0.99,
        pose=Pose(0, 0, 0),
        inter_eye_distance=50,
        sharpness=0.2,
        brightness=120,
        underexposed=0,
        overexposed=0,
    )
    return replace(plain, **changes)


@dataclass
class Stage:
    """A face engine that sees whoever was put on stage: (face, embedding) pairs."""

    cast: list[tuple[Face, np.ndarray]] = field(default_factory=list)
    looks: int = 0
    embedded: int = 0
    described: int = 0
    model_id: str = MODEL
    dimension: int = DIMENSION

    def show(self, *cast: tuple[Face, np.ndarray]) -> None:
        self.cast = list(cast)

    def find(self, image: np.ndarray) -> list[Detection]:
        self.looks += 1
        faces = sorted((seen for seen, _ in self.cast), key=lambda seen: -seen.box.area)
        return [Detection(seen.box, seen.score, seen.keypoints) for seen in faces]

    def describe(self, image: np.ndarray, detections: Sequence[Detection]) -> list[Face]:
        self.described += len(detections)
        faces = {id(seen.box): seen for seen, _ in self.cast}
        return [faces[id(detection.box)] for detection in detections]

    def detect(self, image: np.ndarray) -> list[Face]:
        return self.describe(image, self.find(image))

    def embed(self, image: np.ndarray, faces: Sequence[Face], *, thorough: bool = False) -> np.ndarray:
        self.embedded += len(faces)
        vectors = {id(seen): vector for seen, vector in self.cast}
        return np.stack([vectors[id(one)] for one in faces]).astype(np.float32)

    def threshold(self, purpose: str, gallery_size: int = 1) -> float:
        return 0.6


def frame(number: int, at: float, pixel: int = 0) -> Frame:
    """A black frame, but for one pixel."""
    image = np.zeros((480, 640, 3), np.uint8)
    image[0, 0] = pixel
    return Frame(image, at, number)


def person(index: int, **changes) -> PersonEntry:
    """Person `index`, enrolled and entitled, with card number `index`."""
    fields = {
        "person_id": UUID(int=index + 1),
        "groups": ("students",),
        "credentials": (CredentialEntry(kind="card", digest=card(index)),),
        "templates": (pack_vector(unit(index)),),
    }
    return PersonEntry(**{**fields, **changes})


def card(index: int) -> str:
    return f"{index:064x}"


class Directory:
    """A replica in memory."""

    def __init__(self, *people: PersonEntry, **policy) -> None:
        self.people = {entry.person_id: entry for entry in people}
        self.revision = 1
        self.model_id: str | None = MODEL
        self.policy: GatePolicy | None = GatePolicy(
            gate="north", model_id=MODEL, rules=(Rule(group="students"),), **policy
        )
        self.synced_at: datetime | None = datetime.now(UTC)
        self.error: Exception | None = None

    def change(self, *people: PersonEntry) -> None:
        self.people.update({entry.person_id: entry for entry in people})
        self.revision += 1

    def galleries(self) -> Mapping[str, Gallery]:
        changed: ChangedFaces = {
            entry.person_id: (entry.model_id or self.model_id or "", unpack_vectors(entry.templates))
            for entry in self.people.values()
            if entry.templates
        }
        return Galleries().after(changed, self.revision).by_model

    def person(self, person_id: UUID) -> PersonEntry | None:
        if self.error:
            raise self.error
        return self.people.get(person_id)

    def by_credential(self, kind: str, digest: str) -> PersonEntry | None:
        if self.error:
            raise self.error
        return next(
            (
                entry
                for entry in self.people.values()
                for one in entry.credentials
                if (one.kind, one.digest) == (kind, digest)
            ),
            None,
        )


class JudgingController:
    """Answers signed commands over a real connection, and remembers what it would have opened."""

    def __init__(self, connection: Connection, edge_key: Ed25519PrivateKey, folder: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.connection = connection
        self.boot_id = uuid_utils.compat.uuid7()
        self.accepted: list[Command] = []
        self.refused: list[Refusal] = []
        self.mute = False
        self._sequence = 0
        self._nonces = NonceStore(folder / "controller.db")
        self._trusted = {"edge:north": TrustedKey(edge_key.public_key())}
        self._signer = Signer(self.key, "controller:north", self._nonces)
        self._verifier = self._make_verifier()
        connection.subscribe(TOPICS.command, self._on_command)
        connection.on_connect(self.say_state)

    @property
    def trusted(self) -> dict[str, TrustedKey]:
        return {"controller:north": TrustedKey(self.key.public_key())}

    def restart(self) -> None:
        self.boot_id = uuid_utils.compat.uuid7()
        self._verifier = self._make_verifier()
        self.say_state()

    def say_state(self) -> None:
        self._sequence += 1
        now = datetime.now(UTC)
        state = DoorState(
            gate="north",
            boot_id=self.boot_id,
            sequence=self._sequence,
            at=now,
            state=DoorStatus.LOCKED,
            unlocked=False,
        )
        self.connection.publish(TOPICS.state, state.encode(), retain=True)
        self.say_present(ProcessStatus.ONLINE)

    def say_present(self, presence: ProcessStatus) -> None:
        message = Availability(gate="north", status=presence, boot_id=self.boot_id, at=datetime.now(UTC))
        self.connection.publish(TOPICS.availability, message.encode(), retain=True)

    def tap(self, digest: str, **changes) -> Tap:
        fields = {"id": uuid_utils.compat.uuid7(), "gate": "north", "at": datetime.now(UTC), "boot_id": self.boot_id}
        tap = Tap(**{**fields, "digest": digest, **changes})
        self.connection.publish(TOPICS.taps, tap.encode())
        return tap

    def _make_verifier(self) -> Verifier:
        return Verifier(self._trusted, gate="north", boot_id=self.boot_id, nonces=self._nonces)

    def _on_command(self, _topic: str, payload: bytes, retained: bool) -> None:
        received = time.monotonic_ns()
        refusal, command_id = None, None
        try:
            command = self._verifier.verify(payload, retained=retained, now=datetime.now(UTC))
            self.accepted.append(command)
            command_id = command.id
        except RefusedError as error:
            refusal = error.refusal
            command_id = error.command.id if error.command else None
            self.refused.append(refusal)
        if self.mute:
            return
        ack = Ack(
            command_id=command_id,
            gate="north",
            accepted=refusal is None,
            refusal=refusal,
            boot_id=self.boot_id,
            at=datetime.now(UTC),
            received_ns=received,
            energised_ns=time.monotonic_ns() if refusal is None else None,
        )
        self.connection.publish(TOPICS.ack, self._signer.sign(ack))


class EventLog:
    """An event sink that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._lock = threading.Lock()

    def put(self, event: Event) -> None:
        with self._lock:
            self.events.append(event)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]
