"""Records in the gate's passage log who was let through here, whoever decided it: edge, controller or staff."""

from datetime import datetime

import structlog

from access.passages import PassageLog
from gate_controller.card_decision import Directory
from gate_controller.signals import BarrierEvent
from messages import EventKind

log = structlog.get_logger()


class PassageRecorder:
    """Follows what happens at the door."""

    def __init__(self, passage_log: PassageLog, directory: Directory | None, *, closes: bool = True) -> None:
        """`closes`: a passage lasts until the door is closed again; at a turnstile it is over when it is sensed."""
        self._closes = closes
        self._passage_log = passage_log
        self._directory = directory

    def record(self, event: BarrierEvent, at: datetime) -> None:
        """Log a passage, or take it back; nothing that goes wrong here may stop the door."""
        if event.kind is EventKind.CLOSED:
            self._passage_log.settle(None, at)
        person_id = event.grant.person_id if event.grant is not None else None
        if person_id is None or self._directory is None:
            return
        try:
            if event.kind is EventKind.NOT_TAKEN:
                self._passage_log.record_not_taken(person_id)
            elif event.kind is EventKind.PASSED and self._closes:
                self._passage_log.record_opening(person_id, at)
            elif event.kind in {EventKind.PASSED, EventKind.RELOCKED}:
                self._passage_log.settle(person_id, at)
            elif event.kind is EventKind.ACCESS_GRANTED:
                policy, person = self._directory.policy, self._directory.person(person_id)
                if policy is not None and person is not None:
                    self._passage_log.record_grant(person, policy, policy.facing(), at)
        except Exception:
            log.exception("passage_not_logged")
