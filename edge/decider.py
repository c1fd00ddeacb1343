"""The decision with everything this gate knows: its directory, its policy, who passed before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from access.decision import AccessRequest, Decision, FaceResult, decide, model_of
from access.passages import PassageLog
from access.policy import Direction, GatePolicy
from access.reasons import Reason
from access.rules import AccessContext
from access.snapshot import CredentialKind, PersonEntry
from edge.card_face_pairing import WaitingCard
from edge.gallery import Directory
from messages import Clock

_log = structlog.get_logger()


class Decider:
    """Asks `access.decision.decide`. Safe for threads.

    Without a directory, or with one that cannot be read, the answer is a refusal that says so and names nobody.
    """

    def __init__(
        self,
        directory: Directory,
        passage_log: PassageLog,
        clock: Clock,
        *,
        direction: Direction = Direction.ENTRY,
    ) -> None:
        """`direction` counts where the gate's policy leads both ways."""
        self._directory = directory
        self._passage_log = passage_log
        self._clock = clock
        self._direction = direction

    def decide_face(
        self,
        result: FaceResult,
        person_id: UUID | None = None,
        *,
        model_id: str | None = None,
        card: WaitingCard | None = None,
    ) -> Decision:
        """Decide on a face, which `model_id` recognised; `card` is the one the same person presented just before."""
        request = AccessRequest(
            face=result,
            face_model=model_id,
            credential=card.digest if card else None,
            authenticated=card is not None and card.authenticated,
        )
        return self._decide(request, lambda: None if person_id is None else self._directory.person(person_id))

    def decide_card(
        self,
        kind: CredentialKind,
        digest: str,
        compare: Callable[[PersonEntry, str], FaceResult | None],
        *,
        authenticated: bool,
    ) -> Decision:
        """Decide on a card or code.

        `compare` says how the face in front of the camera fits the card's holder, whose templates are of that model;
        `authenticated`, whether the card proved its key.
        """
        try:
            person = self._directory.by_credential(kind, digest)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, the answer is the same
            return _refuse_unreadable(error)
        policy = self._directory.policy
        model_id = None if policy is None else model_of(person, policy)
        face = None if person is None or model_id is None else compare(person, model_id)
        request = AccessRequest(
            face=face,
            face_model=model_id,
            credential=digest,
            authenticated=authenticated,
        )
        return self._decide(request, lambda: person)

    def _decide(self, request: AccessRequest, find_person: Callable[[], PersonEntry | None]) -> Decision:
        policy = self._directory.policy
        if policy is None:
            return Decision(granted=False, reason=Reason.DIRECTORY_MISSING)
        try:
            person = find_person()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, the answer is the same
            return _refuse_unreadable(error)
        now = self._clock.now()
        request = replace(request, direction=policy.facing(self._direction))
        context = None
        if person is not None:
            context = self._context_for(person.person_id, policy, now, by_face=request.credential is None)
        decision = decide(request, person, policy, now, context)
        if decision.reason is Reason.SECOND_PERSON_AWAITED and person is not None:
            self._passage_log.record_first_of_two(person.person_id, now)
        return decision

    def _context_for(self, person_id: UUID, policy: GatePolicy, now: datetime, *, by_face: bool) -> AccessContext:
        # A face of whoever may pass already, and has not yet, is no second person: the door renews their grant.
        # About cards the controller, which knows its door, asks only when nobody waits.
        renews = by_face and self._passage_log.has_grant(person_id, now)
        return self._passage_log.context_for(person_id, policy, now, self._directory.synced_at, renews=renews)


def _refuse_unreadable(error: Exception) -> Decision:
    _log.error("directory_unreadable", error=repr(error))
    return Decision(granted=False, reason=Reason.DIRECTORY_UNREADABLE)
