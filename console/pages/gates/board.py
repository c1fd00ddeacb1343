"""The board of facilities staff, and the stream behind every live page of the gates."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from console.dependencies import STAFF, FeedDep, ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.live.state import Scope
from console.live.stream import stream_gates
from console.live.stream_authorization import StreamAuthorization
from console.rendering import event_stream, language_of, render_page
from console.texts import OF_GATES, texts_of
from console.views.board import describe_places
from directory import gates
from web.text import Slug

router = APIRouter(prefix="/console", include_in_schema=False)

LastSeen = Annotated[int | None, Query(ge=0, description="the last event seen by a page that opens anew")]


@router.get("/gates", dependencies=[record_disclosure("board.read", "events:list")], response_class=HTMLResponse)
def gate_board(request: Request, services: ServicesDep, _staff: StaffDep) -> HTMLResponse:
    """Show every gate, live."""
    with services.database.read() as session:
        found, zones = describe_places(session), gates.find_zones(session)
    return render_page(
        request,
        "gates/board.html",
        texts=texts_of(language_of(request), OF_GATES),
        places=found,
        zones=zones,
        can_order=services.orders.possible,
    )


@router.get("/stream", dependencies=[record_disclosure("events.read", "events:list")])
async def live_stream(
    staff: StaffDep,
    services: ServicesDep,
    feed: FeedDep,
    *,
    response: Response,
    gate: Slug | None = None,
    after: LastSeen = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:
    """Stream what is true, for as long as the reader may see it; each connection is a look, whatever page it is of."""
    last_seen = after if last_event_id is None else last_event_id
    still_allowed = StreamAuthorization(services, staff, STAFF)
    return event_stream(
        stream_gates(feed, last_seen=last_seen, still_allowed=still_allowed, scope=Scope(gate=gate)), response
    )
