"""One room for staff: its supply, residents, meters, course and charges, live."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from console.dependencies import STAFF, MeteringDep, ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.live.mark import stream_mark
from console.live.stream_authorization import StreamAuthorization
from console.metering_rendering import render_metering
from console.rendering import forbid_storing, path_to
from console.views import metering_room as views
from console.views.metering_figures import Figures
from console.views.metering_fingerprint import fingerprint_room
from metering.rooms import registry
from metering.rooms.series import Step

router = APIRouter(
    prefix="/console/metering/rooms/{room_id}", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)


@router.get(
    "",
    dependencies=[record_disclosure("room.read", "room:{room_id}")],
    response_class=HTMLResponse,
    name="metering_room_page",
)
def show(
    request: Request,
    room_id: UUID,
    staff: StaffDep,
    services: ServicesDep,
    metering: MeteringDep,
    *,
    step: Annotated[Step, Query()] = Step.DAY,
) -> HTMLResponse:
    """Show a room with everything that is known of it."""
    figures = Figures(metering.zone, services.now())
    with services.database.read() as session:
        room = registry.get_room(session, room_id)
        mark = fingerprint_room(session, room_id)
        names = services.names(views.find_people(session, room_id))
        shown = views.describe_room(session, metering, room, figures, names=names, me=staff.person_id, step=step)
        store = views.find_store(session)
    return render_metering(
        request,
        "metering/room.html",
        services,
        staff,
        figures=figures,
        mark=mark,
        stream=path_to(request, "metering_room_stream", room_id=room_id),
        room=shown,
        store=store,
        steps=list(Step),
        two_persons=metering.two_persons,
    )


@router.get("/stream", response_class=EventSourceResponse, name="metering_room_stream")
async def stream(room_id: UUID, staff: StaffDep, services: ServicesDep) -> AsyncIterator[ServerSentEvent]:
    """Stream a mark of what is shown of a room, as it changes."""

    def find_mark() -> str:
        with services.database.read() as session:
            return fingerprint_room(session, room_id)

    still_allowed = StreamAuthorization(services, staff, STAFF)
    async for event in stream_mark(services, find_mark, still_allowed=still_allowed):
        yield event
