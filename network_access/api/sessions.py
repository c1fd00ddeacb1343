"""Sessions in computer rooms and on the internet, as their holders and staff see them."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from accounts.api.dependencies import PERSON_ERRORS, ROLE_ERRORS, FacilitiesDep, NowDep, PrincipalDep
from accounts.api.disclosures import record_disclosure
from network_access import sessions
from network_access.api.dependencies import NetworkDep
from network_access.sessions import SessionEndedError
from network_access.tables import NetworkSession
from network_access.vocabulary import NetworkService, NetworkSessionState
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["network access"])


class NetworkSessionOut(BaseModel):
    """A session: where, since when, how long, and what it has come to."""

    id: UUID
    person_id: UUID
    service: NetworkService
    place: str = Field(description="the device that has it, by its own name")
    state: NetworkSessionState
    began_at: datetime
    heard_at: datetime
    ended_at: datetime | None
    end_reason: str | None = Field(description="as the device says it, or `silent`, `restarted`, `replaced`, `gone`")
    session_s: int
    free_s: int
    cost: int = Field(description="fen")
    billed: int = Field(description="fen taken so far")
    held: int = Field(description="fen")
    disconnect_reason: str | None
    disconnect_outcome: str | None

    @classmethod
    def of(cls, row: NetworkSession) -> "NetworkSessionOut":
        """Show `row`."""
        return cls.model_validate({"place": row.nas} | vars(row))


@router.get("/me/network-sessions", responses=responses(*PERSON_ERRORS, InvalidCursorError))
def list_own_sessions(services: NetworkDep, principal: PrincipalDep, page: PageDep) -> Page[NetworkSessionOut]:
    """List one's own sessions, the last begun first."""
    return _page(services, page, person_id=principal.person_id)


@router.post(
    "/me/network-sessions/{session_id}/disconnect",
    status_code=202,
    responses=responses(*PERSON_ERRORS, NotFoundError, SessionEndedError),
)
def end_own_session(services: NetworkDep, principal: PrincipalDep, now: NowDep, session_id: UUID) -> NetworkSessionOut:
    """Ask for the end of one's own session, as at a computer where one forgot to log out."""
    row = sessions.ask_to_end(services, session_id, person_id=principal.person_id, by=principal.actor, now=now)
    return NetworkSessionOut.of(row)


@router.get(
    "/network-sessions",
    dependencies=[record_disclosure("network_sessions.read", "network_sessions:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_sessions(
    services: NetworkDep,
    _staff: FacilitiesDep,
    page: PageDep,
    state: NetworkSessionState | None = None,
    person_id: UUID | None = None,
) -> Page[NetworkSessionOut]:
    """List sessions, the last begun first."""
    return _page(services, page, person_id=person_id, state=state)


@router.post(
    "/network-sessions/{session_id}/disconnect",
    status_code=202,
    responses=responses(*ROLE_ERRORS, NotFoundError, SessionEndedError),
)
def disconnect(services: NetworkDep, staff: FacilitiesDep, now: NowDep, session_id: UUID) -> NetworkSessionOut:
    """Ask for the end of a session, which the device is told within seconds."""
    return NetworkSessionOut.of(sessions.ask_to_end(services, session_id, person_id=None, by=staff.actor, now=now))


def _page(
    services: NetworkDep, page: PageDep, *, person_id: UUID | None, state: NetworkSessionState | None = None
) -> Page[NetworkSessionOut]:
    with services.database.read() as session:
        rows = sessions.find(
            session,
            person_id=person_id,
            state=state,
            before=page.after(tuple[datetime, UUID]),
            limit=page.limit + 1,
        )
        shown, following = page.cut(rows, lambda row: (row.began_at, row.id))
        return Page(items=[NetworkSessionOut.of(row) for row in shown], next=following)
