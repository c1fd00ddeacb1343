"""What the controller reports of who passed here, recorded in the edge's passage log."""

from collections.abc import Callable
from uuid import UUID

from access.passages import PassageLog
from access.policy import Direction
from edge.gallery import Directory
from messages import Event, EventKind, Method


class PassageListener:
    """Fills the passage log with what the controller of this gate reports, so that cards count as much as faces."""

    def __init__(
        self,
        passage_log: PassageLog,
        directory: Directory,
        gate: str,
        direction: Direction,
        *,
        on_granted: Callable[[UUID], None] = lambda _person: None,
    ) -> None:
        """`on_granted` is called with whoever was let in just now, by whatever they showed and whoever decided."""
        self._passage_log = passage_log
        self._directory = directory
        self._gate = gate
        self._direction = direction
        self._on_granted = on_granted

    def handle(self, event: Event, _retained: bool) -> None:
        """Record what one message of the events topic says."""
        policy = self._directory.policy
        if event.gate != self._gate or event.source != "controller":
            return
        if event.kind == EventKind.CLOSED:
            self._passage_log.settle(None, event.at)
        if event.person_id is None or policy is None:
            return
        if event.kind == EventKind.NOT_TAKEN:
            self._passage_log.record_not_taken(event.person_id)
        elif event.kind == EventKind.PASSED:
            self._passage_log.record_opening(event.person_id, event.at)
        elif event.kind == EventKind.RELOCKED:
            self._passage_log.settle(event.person_id, event.at)
        elif event.kind == EventKind.ACCESS_GRANTED:
            if not event.historical and event.method is not Method.STAFF:
                self._on_granted(event.person_id)
            person = self._directory.person(event.person_id)
            if person is not None:
                self._passage_log.record_grant(person, policy, policy.facing(self._direction), event.at)
