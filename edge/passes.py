"""What the controller reports of who passed here, written into the edge's pass book."""

import structlog

from access.pass_book import PassBook
from access.policy import Direction
from edge.gallery import Directory
from gate_controller.messages import Event, EventKind, MalformedMessageError

_log = structlog.get_logger()


class PassListener:
    """Fills the memory from what the controller of this gate reports, so that cards count as much as faces."""

    def __init__(self, memory: PassBook, directory: Directory, gate: str, direction: Direction) -> None:
        self._memory = memory
        self._directory = directory
        self._gate = gate
        self._direction = direction

    def handle(self, _topic: str, payload: bytes, _retained: bool) -> None:
        """Take note of one message of the events topic."""
        try:
            event = Event.decode(payload)
        except MalformedMessageError as error:
            _log.warning("event_unreadable", error=str(error))
            return
        policy = self._directory.policy
        if event.gate != self._gate or event.source != "controller" or event.person_id is None or policy is None:
            return
        if event.kind == EventKind.NOT_TAKEN:
            self._memory.not_taken(event.person_id)
        elif event.kind == EventKind.ACCESS_GRANTED:
            person = self._directory.person(event.person_id)
            if person is not None:
                self._memory.passed(person, policy, policy.facing(self._direction), event.at)
