"""The board of facilities staff, and the stream behind every live page of the gates."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from console.dependencies import STAFF, ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.live.stream import stream_gates
from console.live.stream_authorization import StreamAuthorization
from console.rendering import render_page
from console.views.board import describe_places
from web.text import Slug

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("/gates", dependencies=[record_disclosure("board.read", "events:list")], response_class=HTMLResponse)
def gate_board(request: Request, services: ServicesDep, _staff: StaffDep, response: Response) -> HTMLResponse:
    """Show every gate, live."""
    with services.database.read() as session:
        found = describe_places(session)
    return render_page(request, "gates/board.html", renewed=response, places=found, can_order=services.orders.possible)


@router.get(
    "/stream", dependencies=[record_disclosure("events.read", "events:list")], response_class=EventSourceResponse
)
async def live_stream(
    staff: StaffDep,
    services: ServicesDep,
    gate: Slug | None = None,
    after: Annotated[int | None, Query(ge=0, description="the last event seen by a page that opens anew")] = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream what is true, for as long as the reader may see it; each connection is a look, whatever page it is of."""
    still_allowed = StreamAuthorization(services, staff, STAFF)
    last_seen = after if last_event_id is None else last_event_id
    async for event in stream_gates(services, last_seen=last_seen, still_allowed=still_allowed, gate=gate):
        yield event
