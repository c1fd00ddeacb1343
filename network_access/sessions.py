"""Sessions as their holders and staff see them, and asking for the end of one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from network_access.accounting import lock
from network_access.services import NetworkServices
from network_access.tables import NetworkSession
from network_access.vocabulary import DisconnectReason, NetworkSessionState
from web.problems import NotFoundError, ProblemError


class SessionEndedError(ProblemError):
    """There is nothing to disconnect any more."""

    code = "network_session_ended"
    status = 409
    title = "This session is over"


def find(
    session: Session,
    *,
    person_id: UUID | None = None,
    state: NetworkSessionState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[NetworkSession]:
    """Return sessions, the last begun first; `before` is time and id of the last one of the page before."""
    query = select(NetworkSession).order_by(NetworkSession.began_at.desc(), NetworkSession.id.desc()).limit(limit)
    if person_id is not None:
        query = query.where(NetworkSession.person_id == person_id)
    if state is not None:
        query = query.where(NetworkSession.state == state)
    if before is not None:
        at, last = before
        query = query.where(
            (NetworkSession.began_at < at) | ((NetworkSession.began_at == at) & (NetworkSession.id < last))
        )
    return session.scalars(query).all()


def get(session: Session, session_id: UUID, *, person_id: UUID | None = None) -> NetworkSession:
    """Return a session; with `person_id` only one of that person.

    Raises:
        NotFoundError: there is none.
    """
    row = session.get(NetworkSession, session_id)
    if row is None or (person_id is not None and row.person_id != person_id):
        raise NotFoundError("there is no such session")
    return row


def ask_to_end(
    services: NetworkServices, session_id: UUID, *, person_id: UUID | None, by: str, now: datetime
) -> NetworkSession:
    """Note that a session is to be disconnected, which is done within seconds; asking again changes nothing.

    With `person_id` its holder asks, for a computer where they forgot to log out; else staff do.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
        SessionEndedError: see there.
    """
    with services.database.read() as session:
        holder = get(session, session_id, person_id=person_id).person_id

    def work(session: Session, _now: datetime) -> NetworkSession:
        row = lock(session, session_id, holder)
        if row is None:
            raise NotFoundError("there is no such session")
        reason = DisconnectReason.BY_STAFF if person_id is None else DisconnectReason.BY_HOLDER
        if row.state == NetworkSessionState.ENDED:
            raise SessionEndedError
        if row.disconnect_reason == reason:
            return row
        row.disconnect_reason, row.disconnect_tried_at = reason, None
        audit.record(
            session,
            actor=by,
            action="network_session.disconnect",
            subject=f"network_session:{row.id}",
            now=now,
            details={"reason": reason.value},
        )
        return row

    return services.money.writer.run(work)
