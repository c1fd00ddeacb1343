"""Writes who was let through here into the gate's pass book, whoever decided it: the edge, the controller or staff."""

from datetime import datetime

import structlog

from access.passages.log import PassageLog
from gate_controller.card_decision import Directory
from gate_controller.signals import BarrierEvent
from messages import EventKind

log = structlog.get_logger()


class PassageRecorder:
    """Takes what happens at the door."""

    def __init__(self, passages: PassageLog, directory: Directory | None, *, closes: bool = True) -> None:
        """`closes`: a passage lasts until the door is closed again; at a turnstile it is over when it is told."""
        self._closes = closes
        self._passages = passages
        self._directory = directory

    def record(self, event: BarrierEvent, at: datetime) -> None:
        """Note a passage, or take it back; nothing that goes wrong here may stop the door."""
        if event.kind is EventKind.CLOSED:
            self._passages.settled(None, at)
        person_id = event.grant.person_id if event.grant is not None else None
        if person_id is None or self._directory is None:
            return
        try:
            if event.kind is EventKind.NOT_TAKEN:
                self._passages.not_taken(person_id)
            elif event.kind is EventKind.PASSED and self._closes:
                self._passages.began(person_id, at)
            elif event.kind in {EventKind.PASSED, EventKind.RELOCKED}:
                self._passages.settled(person_id, at)
            elif event.kind is EventKind.ACCESS_GRANTED:
                policy, person = self._directory.policy, self._directory.person(person_id)
                if policy is not None and person is not None:
                    self._passages.granted(person, policy, policy.facing(), at)
        except Exception:
            log.exception("passage_not_noted")
