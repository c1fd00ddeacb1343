"""Writes who was let through here into the gate's pass book, whoever decided it: the edge, the controller or staff."""

from datetime import datetime

import structlog

from access.pass_book import PassBook
from gate_controller.card_decision import Directory
from gate_controller.messages import EventKind
from gate_controller.signals import Happening

log = structlog.get_logger()


class PassageLog:
    """Takes what happens at the door."""

    def __init__(self, book: PassBook, directory: Directory | None) -> None:
        self._book = book
        self._directory = directory

    def happened(self, happening: Happening, at: datetime) -> None:
        """Note a passage, or take it back; nothing that goes wrong here may stop the door."""
        person_id = happening.grant.person_id if happening.grant is not None else None
        if person_id is None or self._directory is None:
            return
        try:
            if happening.kind is EventKind.NOT_TAKEN:
                self._book.not_taken(person_id)
            elif happening.kind in {EventKind.PASSED, EventKind.RELOCKED}:
                self._book.settled(person_id, at)
            elif happening.kind is EventKind.ACCESS_GRANTED:
                policy, person = self._directory.policy, self._directory.person(person_id)
                if policy is not None and person is not None:
                    self._book.granted(person, policy, policy.facing(), at)
        except Exception:
            log.exception("passage_not_noted")
