"""One day at the gate, scene by scene. Every outcome is judged by what the gate itself said on the bus."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bus import Connection
from campusgate.demo.camera import FilmCamera
from campusgate.demo.campus import CARD, Campus
from campusgate.demo.observer import Observer
from campusgate.demo.report import Outcome
from campusgate.demo.scenes import Walker, walk_up
from campusgate.demo.staff import Staff
from gate_controller.messages import (
    Action,
    DoorStatus,
    Event,
    EventKind,
    GateTopics,
    Method,
    Refusal,
    SignedCommand,
    Signer,
)

_SETTLE_S = 15.0
_ANSWER_S = 5.0
_QUIET_S = 1.0
_POLL_S = 0.05
_READER_S = 10.0
_OPENED, _CLOSED = "opened", "stayed locked"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the scenes play with."""

    campus: Campus
    camera: FilmCamera
    observer: Observer
    bus: Connection
    topics: GateTopics
    edge_signer: Signer
    """The edge's own key: a thief who holds it still cannot use an old command."""
    staff: Staff
    walkers: dict[str, Walker]
    reader_port: int

    @property
    def boot_id(self) -> UUID:
        """The controller's present boot, which anybody on the bus can read."""
        door = self.observer.door
        if door is None:
            raise LookupError("the gate has not said its state")
        return door.boot_id


Scene = Callable[[Stage], Outcome]


def known_person_opens(stage: Stage) -> Outcome:
    """Somebody enrolled from one photograph walks up, as another photograph shows them."""
    mark = _Mark(stage)
    stage.camera.play(walk_up(stage.walkers["wang-at-the-gate"]))
    granted = mark.event(EventKind.ACCESS_GRANTED, seconds=_ANSWER_S)
    by_face = granted is not None and granted.method is Method.FACE
    right = granted is not None and granted.person_id == stage.campus.people["wang"]
    got = _OPENED if mark.openings == 1 and by_face and right else f"{mark.openings} openings, {_describe(granted)}"
    return Outcome("known_person_opens", _OPENED, got)


def replayed_command_refused(stage: Stage) -> Outcome:
    """Whoever listens on the bus sends the command that opens the gate once more, while it is still fresh."""
    seen = len(stage.observer.commands)
    film = threading.Thread(target=stage.camera.play, args=(walk_up(stage.walkers["wang-again"]),))
    film.start()
    stage.observer.wait(lambda: len(stage.observer.commands) > seen, _SETTLE_S)
    if len(stage.observer.commands) == seen:
        got = "there was no command to replay"
    else:
        stage.observer.wait(lambda: not _is_locked(stage), _ANSWER_S)
        got = _refusal(stage, stage.observer.commands[seen])
    film.join()
    return Outcome("replayed_command_refused", "replayed", got)


def stale_command_refused(stage: Stage) -> Outcome:
    """A command that was signed a minute ago arrives now."""
    signed = _command(stage, issued_at=datetime.now(UTC) - timedelta(minutes=1))
    return Outcome("stale_command_refused", "stale", _refusal(stage, signed.payload))


def unsigned_command_refused(stage: Stage) -> Outcome:
    """A command in the right form, without a signature."""
    signed = _command(stage, issued_at=datetime.now(UTC))
    return Outcome("unsigned_command_refused", "unsigned", _refusal(stage, signed.command.encode()))


def stranger_refused(stage: Stage) -> Outcome:
    """Somebody nobody enrolled walks up and waits."""
    mark = _Mark(stage)
    stage.camera.play(walk_up(stage.walkers["stranger"]))
    refused = mark.event(EventKind.FACE_REFUSED, seconds=_ANSWER_S)
    got = _CLOSED if mark.openings == 0 and refused is not None else f"{mark.openings} openings, {_describe(refused)}"
    return Outcome("stranger_refused", _CLOSED, got)


def card_fallback_opens(stage: Stage) -> Outcome:
    """Somebody who gave no photograph stands there, is not known by face, and taps the card."""
    mark = _Mark(stage)
    film = threading.Thread(target=stage.camera.play, args=(walk_up(stage.walkers["li"]),))
    film.start()
    mark.event(EventKind.FACE_REFUSED, seconds=_SETTLE_S)
    answer = _tap(stage, CARD["li"])
    granted = mark.event(EventKind.ACCESS_GRANTED, seconds=_ANSWER_S)
    film.join()
    by_card = granted is not None and granted.method is Method.CARD
    got = _OPENED if mark.openings == 1 and by_card else f"{mark.openings} openings, reader says {answer}"
    return Outcome("card_fallback_opens", _OPENED, got)


def lost_card_refused(stage: Stage) -> Outcome:
    """The card is reported lost at the counter; as soon as the gate knows, somebody tries it."""
    before = max(stage.staff.revisions(stage.topics.gate))
    stage.staff.report_lost(stage.campus.people["li"])
    until = time.monotonic() + _ANSWER_S
    while time.monotonic() < until and min(stage.staff.revisions(stage.topics.gate)) <= before:
        time.sleep(_POLL_S)
    mark = _Mark(stage)
    answer = _tap(stage, CARD["li"])
    time.sleep(_QUIET_S)
    got = "card_lost" if answer == "denied card_lost" and mark.openings == 0 else f"{answer}, {mark.openings} openings"
    return Outcome("lost_card_refused", "card_lost", got)


SCENES: tuple[Scene, ...] = (
    known_person_opens,
    replayed_command_refused,
    stale_command_refused,
    unsigned_command_refused,
    stranger_refused,
    card_fallback_opens,
    lost_card_refused,
)
"""In this order; the lost card comes last, for it stays lost."""


def play(stage: Stage, scene: Scene) -> Outcome:
    """Wait until the door is locked and nobody moves, then play one scene."""
    stage.observer.wait(lambda: _is_locked(stage), _SETTLE_S)
    return scene(stage)


class _Mark:
    """A moment to look back to: what the gate said since."""

    def __init__(self, stage: Stage) -> None:
        self._observer = stage.observer
        self._events = len(stage.observer.events)
        self._states = len(stage.observer.states)

    @property
    def openings(self) -> int:
        """How often the lock was released since."""
        return self._observer.openings(self._states)

    def event(self, kind: EventKind, *, seconds: float) -> Event | None:
        """Wait for the first event of `kind` since."""

        def found() -> Event | None:
            return next((event for event in self._observer.events[self._events :] if event.kind == kind), None)

        self._observer.wait(lambda: found() is not None, seconds)
        return found()


def _is_locked(stage: Stage) -> bool:
    door = stage.observer.door
    return door is not None and door.state is DoorStatus.LOCKED


def _command(stage: Stage, *, issued_at: datetime) -> SignedCommand:
    """Sign an order to open with the edge's own key, as if it were `issued_at`."""
    return stage.edge_signer.issue(
        gate=stage.topics.gate,
        action=Action.OPEN,
        method=Method.FACE,
        reason="granted",
        boot_id=stage.boot_id,
        now=issued_at,
    )


def _refusal(stage: Stage, payload: bytes) -> str:
    """Send `payload` to the gate as a thief would, and return why it was refused, or what happened instead."""
    acks, mark = len(stage.observer.acks), _Mark(stage)
    stage.bus.publish(stage.topics.command, payload, wait_s=_ANSWER_S)

    def refusal() -> Refusal | None:
        return next((ack.refusal for ack in stage.observer.acks[acks:] if ack.refusal is not None), None)

    stage.observer.wait(lambda: refusal() is not None, _ANSWER_S)
    time.sleep(_QUIET_S)
    refused = refusal()
    return refused.value if refused is not None and not mark.openings else f"{mark.openings} openings, {refused}"


def _tap(stage: Stage, uid: str) -> str:
    """Hold a card to the reader and return what the reader shows."""
    with socket.create_connection(("127.0.0.1", stage.reader_port), timeout=_READER_S) as connection:
        connection.sendall(f"card {uid}\n".encode())
        return connection.makefile().readline().strip()


def _describe(event: Event | None) -> str:
    return "no such event" if event is None else f"{event.kind} by {event.method} for {event.reason}"
