"""The controller's own decision when the edge is silent: the card, the replica, the rules."""

from datetime import datetime
from typing import Protocol

from access.decision import Decision, PassRequest, decide
from access.policy import GatePolicy
from access.reasons import Reason
from access.rules import PassState
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

    def by_credential(self, kind: CredentialKind, digest: str) -> PersonEntry | None:
        """Return who carries it."""
        ...


def decide_card(
    directory: Directory | None, kind: CredentialKind, digest: str, *, authenticated: bool, now: datetime
) -> Decision:
    """Decide about a card or code. Whoever has no directory yet knows nobody.

    With a clock that runs behind, `now` may be before the last synchronisation; then that time counts, which can only
    be nearer to the truth.
    """
    policy = directory.policy if directory is not None else None
    if directory is None or policy is None:
        return Decision(granted=False, reason=Reason.DIRECTORY_MISSING)
    synced_at = directory.synced_at
    at = max(now, synced_at) if synced_at is not None else now
    request = PassRequest(credential=digest, authenticated=authenticated)
    state = PassState(synced_at=synced_at, passages_known=False)
    return decide(request, directory.by_credential(kind, digest), policy, at, state)
