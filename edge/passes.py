"""What this gate remembers of who passed: what the rules that look back need."""

from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from access.policy import Direction, GatePolicy
from access.rules import LastPass, PassState
from access.snapshot import PersonEntry
from edge.gallery import Directory
from gate_controller.messages import Event, EventKind, MalformedMessageError

_log = structlog.get_logger()

_REMEMBERED = timedelta(days=1)
_MOST = 100_000


class PassMemory:
    """The last pass of each person here, whoever let them in; forgotten after a day and by a restart. Pure.

    Passages at other gates are not known here, and the decision is told so. One thread notes, any may ask.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[UUID, tuple[LastPass, LastPass | None]] = OrderedDict()
        self._first_passed_at: datetime | None = None
        self._waiting: tuple[UUID, datetime] | None = None

    def passed(self, person: PersonEntry, gate: GatePolicy, direction: Direction, at: datetime) -> None:
        """Note a pass."""
        zone = gate.outer_zone if direction is Direction.EXIT else gate.inner_zone
        before = self._last.pop(person.person_id, None)
        self._last[person.person_id] = (
            LastPass(gate.gate, direction, at, zone),
            before[0] if before is not None else None,
        )
        while len(self._last) > _MOST or at - next(iter(self._last.values()))[0].at > _REMEMBERED:
            self._last.popitem(last=False)
        rule = gate.first_person
        if rule is not None and set(rule.groups) & set(person.groups):
            self._first_passed_at = at
        self._waiting = None

    def not_taken(self, person_id: UUID) -> None:
        """Take the last pass of a person back: the door was opened for them, and they did not go."""
        _, before = self._last.pop(person_id, (None, None))
        if before is not None:
            self._last[person_id] = (before, None)
            self._last.move_to_end(person_id, last=False)

    def waits(self, person_id: UUID, at: datetime) -> None:
        """Note that somebody showed themselves and waits for a second person."""
        self._waiting = (person_id, at)

    def state_for(self, person_id: UUID, synced_at: datetime | None) -> PassState:
        """Return what is known when `person_id` asks."""
        waiting, since = self._waiting or (None, None)
        last, _ = self._last.get(person_id, (None, None))
        return PassState(
            synced_at=synced_at,
            passages_known=False,
            last_pass=last,
            first_passed_at=self._first_passed_at,
            waiting=waiting,
            waiting_since=since,
        )


class PassListener:
    """Fills the memory from what the controller of this gate reports, so that cards count as much as faces."""

    def __init__(self, memory: PassMemory, directory: Directory, gate: str, direction: Direction) -> None:
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
                self._memory.passed(person, policy, self._direction, event.at)
