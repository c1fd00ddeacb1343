"""The wall: every gate small, trouble first, alarms at the side; and the stream behind it, which names nobody."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from console.dependencies import STAFF, FeedDep, ServicesDep, StaffDep
from console.live.state import Scope
from console.live.stream import stream_gates
from console.live.stream_authorization import StreamAuthorization
from console.pages.gates.board import LastSeen
from console.rendering import event_stream, language_of, render_page
from console.texts import OF_GATES, texts_of
from console.views.board import describe_places
from console.views.wall import describe_last, group_gates
from operations.passages import FOLLOWING

router = APIRouter(prefix="/console/wall", include_in_schema=False)

_SIZES = ((24, "large"), (80, "medium"))
"""Up to so many gates, tiles are so large that they fill a wall."""


@router.get("", response_class=HTMLResponse, name="wall_page")
def show(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show every gate as a tile."""
    with services.database.read() as session:
        groups, places = group_gates(session), describe_places(session)
        last = describe_last(session, [gate["name"] for gate in places["gates"]])
    number = len(places["gates"])
    return render_page(
        request,
        "gates/wall.html",
        texts=texts_of(language_of(request), OF_GATES),
        groups=groups,
        places={**places, "last": last, "following": sorted(FOLLOWING)},
        size=next((name for most, name in _SIZES if number <= most), "small"),
        stream_route="wall_stream",
        can_order=services.orders.possible,
    )


@router.get("/stream", name="wall_stream")
async def stream(
    staff: StaffDep,
    services: ServicesDep,
    feed: FeedDep,
    *,
    response: Response,
    after: LastSeen = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:
    """Stream what a wall shows, for as long as the reader may see it."""
    last_seen = after if last_event_id is None else last_event_id
    still_allowed = StreamAuthorization(services, staff, STAFF)
    return event_stream(
        stream_gates(feed, last_seen=last_seen, still_allowed=still_allowed, scope=Scope(is_wall=True)), response
    )
