"""Sessions of computer rooms and the internet for staff: who is there, and the end of a session."""

import contextlib
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.dependencies import MeteringDep, ServicesDep, StaffDep, principal_of
from console.disclosures import record_disclosure
from console.metering_rendering import render_metering
from console.rendering import done, forbid_storing
from console.same_origin import SameOriginDep
from console.views.metering_figures import Figures
from console.views.network_sessions import describe
from network_access import sessions
from network_access.vocabulary import NetworkSessionState

router = APIRouter(prefix="/console/metering/network", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST_RUNNING = 200
_EARLIER = 50


@router.get(
    "",
    dependencies=[record_disclosure("network_sessions.read", "network_sessions:list")],
    response_class=HTMLResponse,
    name="metering_network_page",
)
def show(request: Request, staff: StaffDep, services: ServicesDep, metering: MeteringDep) -> HTMLResponse:
    """Show who is logged in, and the last sessions that are over."""
    with services.database.read() as session:
        running = sessions.find(session, state=NetworkSessionState.RUNNING, limit=_MOST_RUNNING)
        earlier = sessions.find(session, state=NetworkSessionState.ENDED, limit=_EARLIER)
    names = services.names({row.person_id for row in (*running, *earlier)})
    return render_metering(
        request,
        "metering/network.html",
        services,
        staff,
        figures=Figures(metering.zone, services.now()),
        running=[describe(row, names) for row in running],
        earlier=[describe(row, names) for row in earlier],
    )


@router.post("/{session_id}/disconnect", name="metering_network_disconnect", response_class=RedirectResponse)
def disconnect(
    request: Request, staff: StaffDep, services: ServicesDep, session_id: UUID, _same_origin: SameOriginDep
) -> RedirectResponse:
    """Ask for the end of a session; of one that is over there is nothing to ask for."""
    actor = principal_of(staff).actor
    with contextlib.suppress(sessions.SessionEndedError):
        sessions.ask_to_end(services.network, session_id, person_id=None, by=actor, now=services.now())
    return done(request, "metering_network_page", "network_disconnect")
