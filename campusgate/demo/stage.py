"""Where the scenes are played, and the questions every scene asks the witness."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from bus import Connection
from campusgate.demo.camera import FilmCamera
from campusgate.demo.campus import Campus
from campusgate.demo.cast import Cast
from campusgate.demo.films import Films
from campusgate.demo.installations import Installations
from campusgate.demo.narration import Narrator
from campusgate.demo.observer import Observer
from campusgate.demo.providers.trial import TrialProviders
from campusgate.demo.report import SceneResult
from campusgate.demo.resident import Resident
from campusgate.demo.staff import Staff
from edge.ongoing_passages import PassagePolicy
from messages import DoorStatus, Event, EventKind, GateTopics, Signer

SETTLE_S = 15.0
ANSWER_S = 5.0
QUIET_S = 1.0
POLL_S = 0.05
_READER_S = 10.0
NEXT_PASSAGE_S = PassagePolicy().absence + 1.0
WALKS = 3
"""On a machine with much else to do the camera may see too little of a walk to be sure; people try again."""

OPENED, CLOSED = "opened", "stayed locked"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the scenes play with."""

    campus: Campus
    cast: Cast
    camera: FilmCamera
    observer: Observer
    bus: Connection
    topics: GateTopics
    edge_signer: Signer
    """The edge's own key: a thief who holds it still cannot use an old command."""
    staff: Staff
    """The guard."""
    card_centre: Staff
    resident: Resident
    installations: Installations
    providers: TrialProviders
    films: Films
    narrator: Narrator

    @property
    def boot_id(self) -> UUID:
        """The controller's present boot, which anybody on the bus can read."""
        door = self.observer.door
        if door is None:
            raise LookupError("the gate has not said its state")
        return door.boot_id

    def is_locked(self) -> bool:
        """Whether the door is locked and nothing is under way."""
        door = self.observer.door
        return door is not None and door.state is DoorStatus.LOCKED

    def at_the_reader(self, line: str) -> str:
        """Hold something to the reader or move a wire of the simulated door; return what is answered.

        `card UID`, `contact on`, `fire off`: see `gate_controller.readers.lines`.
        """
        return say(self.cast.reader_port, line)

    def at_the_exit(self, line: str) -> str:
        """Hold something to the reader of the gate that people leave by, as `at_the_reader`."""
        return say(self.cast.exit_reader_port, line)

    def at_the_shower(self, line: str) -> str:
        """Hold something to the shower's reader, as `at_the_reader`."""
        return say(self.cast.shower_reader_port, line)


def say(port: int, line: str) -> str:
    """Hold something to a reader of the demonstration, as `Stage.at_the_reader`; return what is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=_READER_S) as connection:
        connection.sendall(f"{line}\n".encode())
        return connection.makefile().readline().strip()


Scene = Callable[[Stage], SceneResult]


class Mark:
    """A moment to look back to: what the gate said since."""

    def __init__(self, stage: Stage) -> None:
        """Begin now."""
        self._observer = stage.observer
        self._events = len(stage.observer.events)
        self._states = len(stage.observer.states)

    @property
    def openings(self) -> int:
        """How often the lock was released since."""
        return self._observer.openings(self._states)

    def opened(self, *, seconds: float = ANSWER_S) -> bool:
        """Wait until the lock was released since: the event that tells why may be heard before the door's state."""
        return self._observer.wait(lambda: self.openings > 0, seconds)

    @property
    def events(self) -> list[Event]:
        """Everything reported since."""
        return self._observer.events[self._events :]

    def event(self, kind: EventKind, *, seconds: float = ANSWER_S) -> Event | None:
        """Wait for the first event of `kind` since."""

        def found() -> Event | None:
            return next((event for event in self.events if event.kind == kind), None)

        self._observer.wait(lambda: found() is not None, seconds)
        return found()


def poll(condition: Callable[[], bool], seconds: float, *, every_s: float = POLL_S) -> bool:
    """Ask `condition` again and again; return whether it held within the time."""
    until = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < until:
        time.sleep(every_s)
    return held


def describe(event: Event | None) -> str:
    """Return an event in words, for an outcome that went wrong."""
    return "no such event" if event is None else f"{event.kind} by {event.method} for {event.reason}"
