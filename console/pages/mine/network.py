"""One's own sessions in computer rooms and on the internet, and the end of one where one forgot to log out."""

import contextlib
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.dependencies import HolderDep, ServicesDep
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.views.network_sessions import describe
from network_access import sessions
from network_access.vocabulary import NetworkSessionState

router = APIRouter(prefix="/console/me/network", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_SHOWN = 30


@router.get("", response_class=HTMLResponse, name="own_network_page")
def own_network_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show one's sessions, the last begun first."""
    with services.database.read() as session:
        found = [describe(row) for row in sessions.find(session, person_id=me.person_id, limit=_SHOWN)]
    running = [one for one in found if one.state != NetworkSessionState.ENDED]
    earlier = [one for one in found if one.state == NetworkSessionState.ENDED]
    return render_page(request, "mine/network.html", running=running, earlier=earlier)


@router.post("/{session_id}/disconnect", name="own_network_disconnect", response_class=RedirectResponse)
def disconnect_own(
    request: Request, me: HolderDep, services: ServicesDep, session_id: UUID, _same_origin: SameOriginDep
) -> RedirectResponse:
    """Ask for the end of one's own session; of one that is over there is nothing to ask for."""
    with contextlib.suppress(sessions.SessionEndedError):
        sessions.ask_to_end(services.network, session_id, person_id=me.person_id, by=me.actor, now=services.now())
    return done(request, "own_network_page", "network_disconnect")
