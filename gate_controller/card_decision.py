"""The controller's own decision when the edge is silent: the card, the replica, the rules."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from access.decision import AccessRequest, Decision, decide
from access.passages import PassageLog
from access.policy import GatePolicy
from access.reasons import Reason
from access.rules import AccessContext
from access.snapshot import CredentialKind, PersonEntry


class Directory(Protocol):
    """What the controller knows (`access.replica.Replica`)."""

    @property
    def policy(self) -> GatePolicy | None:
        """The gate's policy, None before the first synchronisation."""
        ...

    @property
    def synced_at(self) -> datetime | None:
        """When it was last proven equal to the server's."""
        ...

    @property
    def revision(self) -> int:
        """Its revision."""
        ...

    def person(self, person_id: UUID) -> PersonEntry | None:
        """Return what is known of a person."""
        ...

    def by_credential(self, kind: CredentialKind, digest: str) -> PersonEntry | None:
        """Return who carries it."""
        ...


def decide_card(
    directory: Directory | None,
    passage_log: PassageLog,
    kind: CredentialKind,
    digest: str,
    *,
    authenticated: bool,
    now: datetime,
    pin: str | None = None,
) -> Decision:
    """Decide about a card or code; `pin` is the digest of the PIN typed with it.

    Whoever has no directory yet knows nobody.

    With a clock that runs behind, `now` may be before the last synchronisation; then that time counts, which can only
    be nearer to the truth.
    """
    policy = directory.policy if directory is not None else None
    if directory is None or policy is None:
        return Decision(granted=False, reason=Reason.DIRECTORY_MISSING)
    synced_at = directory.synced_at
    at = max(now, synced_at) if synced_at is not None else now
    request = AccessRequest(credential=digest, authenticated=authenticated, pin=pin, direction=policy.facing())
    entry = directory.by_credential(kind, digest)
    context = AccessContext(synced_at)
    if entry is not None:
        renews = passage_log.has_grant(entry.person_id, now)
        context = passage_log.context_for(entry.person_id, policy, at, synced_at, renews=renews)
    decision = decide(request, entry, policy, at, context)
    if decision.reason is Reason.SECOND_PERSON_AWAITED and entry is not None:
        passage_log.record_first_of_two(entry.person_id, at)
    return decision
