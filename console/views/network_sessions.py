"""Sessions of computer rooms and the internet as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from network_access.tables import NetworkSession
from network_access.vocabulary import DISCONNECTS_FOR_GOOD, NetworkSessionState


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session in a row; `name` is empty where its holder looks."""

    id: UUID
    name: str
    service: str
    place: str
    began_at: datetime
    ended_at: datetime | None
    lasted_s: int
    free_s: int
    cost: int
    held: int
    state: str
    reason: str | None
    outcome: str | None

    @property
    def may_end(self) -> bool:
        """Whether there is something to ask for."""
        return self.state == "running"


def describe(row: NetworkSession, names: Mapping[UUID, str] | None = None) -> ShownSession:
    """Return a session as it is shown; with `names` of whose it is."""
    state = row.state
    if state == NetworkSessionState.RUNNING and row.disconnect_reason in DISCONNECTS_FOR_GOOD:
        state = "ending"
    return ShownSession(
        id=row.id,
        name="" if names is None else names.get(row.person_id, "?"),
        service=row.service,
        place=row.nas,
        began_at=row.began_at,
        ended_at=row.ended_at,
        lasted_s=row.session_s,
        free_s=row.free_s if row.quota_s is not None else 0,
        cost=row.cost,
        held=row.held,
        state=state,
        reason=row.disconnect_reason,
        outcome=row.disconnect_outcome,
    )
