"""The decision with everything this gate knows: its directory, its policy, who passed before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from access.decision import FaceResult, PassRequest, decide
from access.passages.log import PassageLog
from access.policy import Direction, GatePolicy
from access.reasons import Reason
from access.rules import PassState
from access.snapshot import CredentialKind, PersonEntry
from edge.card_face_pairing import WaitingCard
from edge.clock import Clock
from edge.gallery import Directory

_log = structlog.get_logger()

DIRECTORY_MISSING = "directory_missing"
"""Nothing was ever synchronised: the gate knows nobody and no rules."""
DIRECTORY_UNREADABLE = "directory_unreadable"
"""The replica's file is locked or damaged; what cannot be read lets nobody in."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision as commands and events carry it."""

    granted: bool
    reason: str
    person: PersonEntry | None = None
    person_id: UUID | None = None
    extended: bool = False
    notices: tuple[str, ...] = ()


class Decider:
    """Asks `access.decision.decide`. Safe for threads."""

    def __init__(
        self,
        directory: Directory,
        memory: PassageLog,
        clock: Clock,
        *,
        model_id: str,
        direction: Direction = Direction.ENTRY,
    ) -> None:
        self._directory = directory
        self._memory = memory
        self._clock = clock
        self._model_id = model_id
        self._direction = direction

    def face(self, result: FaceResult, person_id: UUID | None = None, *, card: WaitingCard | None = None) -> Ruling:
        """Rule on a face; `card` is the one that the same person presented just before."""
        request = PassRequest(
            face=result,
            face_model=self._model_id,
            credential=card.digest if card else None,
            authenticated=card is not None and card.authenticated,
        )
        return self._rule(request, lambda: None if person_id is None else self._directory.person(person_id))

    def card(
        self,
        kind: CredentialKind,
        digest: str,
        compare: Callable[[PersonEntry], FaceResult | None],
        *,
        authenticated: bool,
    ) -> Ruling:
        """Rule on a card or code.

        `compare` says how the face in front of the camera fits the card's holder; `authenticated`, whether the card
        proved its key.
        """
        try:
            person = self._directory.by_credential(kind, digest)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, the answer is the same
            _log.error("directory_unreadable", error=repr(error))
            return Ruling(granted=False, reason=DIRECTORY_UNREADABLE)
        face = None if person is None else compare(person)
        request = PassRequest(
            face=face,
            face_model=self._model_id,
            credential=digest,
            authenticated=authenticated,
        )
        return self._rule(request, lambda: person)

    def _rule(self, request: PassRequest, find: Callable[[], PersonEntry | None]) -> Ruling:
        policy = self._directory.policy
        if policy is None:
            return Ruling(granted=False, reason=DIRECTORY_MISSING)
        try:
            person = find()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, the answer is the same
            _log.error("directory_unreadable", error=repr(error))
            return Ruling(granted=False, reason=DIRECTORY_UNREADABLE)
        now = self._clock.now()
        request = replace(request, direction=policy.facing(self._direction))
        state = (
            None if person is None else self._state(person.person_id, policy, now, by_face=request.credential is None)
        )
        decision = decide(request, person, policy, now, state)
        if decision.reason is Reason.SECOND_PERSON_AWAITED and person is not None:
            self._memory.waits(person.person_id, now)
        return Ruling(
            decision.granted,
            decision.reason.value,
            person,
            decision.person_id,
            decision.extended_time,
            tuple(notice.value for notice in decision.notices),
        )

    def _state(self, person_id: UUID, policy: GatePolicy, now: datetime, *, by_face: bool) -> PassState:
        # A face of whoever may pass already, and has not yet, is no second person: the door renews their grant.
        # About cards the controller, which knows its door, asks only when nobody waits.
        renews = by_face and self._memory.holds(person_id, now)
        return self._memory.state_for(person_id, policy, now, self._directory.synced_at, renews=renews)
