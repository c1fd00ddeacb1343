"""All pages put together, the board of facilities staff, and the stream behind its live pages."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles

from console import actions, gate_page, photo_page, review_actions, review_page, sign_in, zone_page
from console.admission import Admission
from console.looks import look
from console.rendering import FOLDER, page
from console.services import (
    STAFF,
    ConsoleServices,
    NewPasswordNeededError,
    NotAllowedError,
    ServicesDep,
    SignInNeededError,
    StaffDep,
)
from console.stream import follow
from console.view import places
from web.text import Slug

__all__ = ["ROUTERS", "ConsoleServices", "install"]

router = APIRouter(prefix="/console", include_in_schema=False)

ROUTERS = (
    router,
    sign_in.router,
    actions.router,
    gate_page.router,
    zone_page.router,
    photo_page.router,
    review_page.router,
    review_actions.router,
)


def install(app: FastAPI, services: ConsoleServices) -> None:
    """Add the pages to `app`, which answers errors by `web.problems`."""
    app.state.console = services
    app.mount("/console/static", StaticFiles(directory=FOLDER / "static"), name="console-static")
    for part in ROUTERS:
        app.include_router(part)
    app.add_exception_handler(SignInNeededError, sign_in.ask_to_sign_in)
    app.add_exception_handler(NewPasswordNeededError, sign_in.ask_for_password)
    app.add_exception_handler(NotAllowedError, sign_in.refuse)


@router.get("/gates", dependencies=[look("board.read", "events:list")], response_class=HTMLResponse)
def gate_board(request: Request, services: ServicesDep, _staff: StaffDep, response: Response) -> HTMLResponse:
    """Show every gate, live."""
    with services.database.read() as database:
        found = places(database)
    return page(request, "board.html", renewed=response, places=found, can_order=services.orders.possible)


@router.get("/stream", dependencies=[look("events.read", "events:list")], response_class=EventSourceResponse)
async def live_stream(
    staff: StaffDep,
    services: ServicesDep,
    gate: Slug | None = None,
    after: Annotated[int | None, Query(ge=0, description="the last event seen by a page that opens anew")] = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream what is true, for as long as the reader may see it; each connection is a look, whatever page it is of."""
    still_allowed = Admission(services, staff, STAFF)
    last_seen = after if last_event_id is None else last_event_id
    async for event in follow(services, last_seen=last_seen, still_allowed=still_allowed, gate=gate):
        yield event
