"""What ends sessions from here: whoever may not be there any more is disconnected, and what went silent is closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session

from accounts import people
from accounts.tables import Person
from accounts.vocabulary import PersonState
from network_access.accounting import end_unheard, lock
from network_access.disconnect_client import DisconnectClient, Named
from network_access.services import NetworkServices
from network_access.tables import NetworkSession
from network_access.terms import ServiceTerms
from network_access.vocabulary import (
    DISCONNECTS_FOR_GOOD,
    GONE,
    SILENT,
    DisconnectOutcome,
    DisconnectReason,
    NetworkService,
    NetworkSessionState,
)

log = structlog.get_logger()

AGAIN: Final = timedelta(seconds=30)
"""After which a session that goes on all the same is disconnected again."""
_MOST: Final = 200


class NetworkKeeper:
    """Looks after the sessions under way. One of them runs at a time."""

    def __init__(self, services: NetworkServices, client: DisconnectClient) -> None:
        """Take the services, and what sends."""
        self._services, self._client = services, client
        self._since: datetime | None = None

    def disconnect_due(self, now: datetime) -> int:
        """Disconnect whoever may not be there any more; return how many were asked to be.

        A device that does not answer is asked for one session at a turn, so that it holds up nobody else's.
        """
        with self._services.database.read() as session:
            due = _find_due(session, self._services, now)
        silent: set[str] = set()
        asked = 0
        for row, reason in due:
            if row.nas in silent:
                continue
            outcome = self._client.disconnect(Named(row.nas, row.nas_address, row.number, row.user_name, row.station))
            asked += 1
            if outcome is DisconnectOutcome.NO_ANSWER:
                silent.add(row.nas)
            self._note(row, reason, outcome, now)
        return asked

    def close_silent(self, now: datetime) -> int:
        """End sessions of which nothing was heard for too long, at their last report; return how many.

        While nobody was there to hear, nothing could be heard: devices get their time after each start.
        """
        self._since = self._since or now
        found: list[tuple[UUID, UUID, NetworkService]] = []
        with self._services.database.read() as session:
            for service in NetworkService:
                silence = self._services.find_terms(service).silence
                if now - self._since < silence:
                    continue
                query = select(NetworkSession.id, NetworkSession.person_id).where(
                    NetworkSession.state == NetworkSessionState.RUNNING,
                    NetworkSession.service == service,
                    NetworkSession.heard_at < now - silence,
                )
                rows = session.execute(query.order_by(NetworkSession.heard_at).limit(_MOST)).all()
                found += [(session_id, person_id, service) for session_id, person_id in rows]
        for session_id, person_id, service in found:
            end_unheard(self._services, session_id, person_id, service, at=now, reason=SILENT)
        return len(found)

    def _note(self, row: NetworkSession, reason: DisconnectReason, outcome: DisconnectOutcome, now: datetime) -> None:
        def work(session: Session, _now: datetime) -> None:
            stored = lock(session, row.id, row.person_id)
            if stored is not None:
                if stored.disconnect_reason not in DISCONNECTS_FOR_GOOD:
                    stored.disconnect_reason = reason
                stored.disconnect_tried_at, stored.disconnect_outcome = now, outcome

        self._services.money.writer.run(work)
        log.info("network_disconnect", session=str(row.id), reason=reason.value, outcome=outcome.value)
        if outcome is DisconnectOutcome.UNKNOWN_SESSION:
            service = NetworkService(row.service)
            end_unheard(self._services, row.id, row.person_id, service, at=now, reason=GONE)


def forget(session: Session, before: datetime) -> None:
    """Delete sessions that ended before a time."""
    is_over = NetworkSession.state == NetworkSessionState.ENDED
    session.execute(delete(NetworkSession).where(is_over, NetworkSession.ended_at < before))


def _find_due(
    session: Session, services: NetworkServices, now: datetime
) -> Sequence[tuple[NetworkSession, DisconnectReason]]:
    tried_at = NetworkSession.disconnect_tried_at
    query = (
        select(NetworkSession, Person)
        .join(Person, Person.id == NetworkSession.person_id)
        .where(
            NetworkSession.state == NetworkSessionState.RUNNING,
            or_(tried_at.is_(None), tried_at <= now - AGAIN),
            or_(
                NetworkSession.disconnect_reason.in_(DISCONNECTS_FOR_GOOD),
                NetworkSession.covered_until <= now,
                Person.state != PersonState.ACTIVE,
                Person.valid_until <= now,
                *(_is_not_allowed(service, services.terms.get(service)) for service in NetworkService),
            ),
        )
    )
    rows = session.execute(query.order_by(tried_at.nulls_first(), NetworkSession.id).limit(_MOST)).all()
    return [(row, _reason_of(row, person, services, now)) for row, person in rows]


def _is_not_allowed(service: NetworkService, terms: ServiceTerms | None) -> ColumnElement[bool]:
    is_this = NetworkSession.service == service
    return is_this if terms is None else and_(is_this, Person.kind.not_in(terms.kinds))


def _reason_of(row: NetworkSession, person: Person, services: NetworkServices, now: datetime) -> DisconnectReason:
    terms = services.terms.get(NetworkService(row.service))
    if people.standing(person, now) != "good":
        return DisconnectReason.NOT_IN_USE
    if terms is None:
        return DisconnectReason.NOT_OFFERED
    if person.kind not in terms.kinds:
        return DisconnectReason.NOT_FOR_KIND
    if row.disconnect_reason in DISCONNECTS_FOR_GOOD:
        return DisconnectReason(row.disconnect_reason)
    return DisconnectReason.TIME_OVER
