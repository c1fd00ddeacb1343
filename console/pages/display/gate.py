"""The screen of a gate from what the server hears; `campusgate display` serves it at the gate without the server."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from console.dependencies import STAFF, ServicesDep, StaffDep
from console.live.stream_authorization import StreamAuthorization
from console.rendering import copy_cookies, path_to
from console.services import ConsoleServices
from console.views.display import ScreenFeed
from directory import gates
from directory.gates import policy_of
from gate_display.page import render, stream_screen
from web.text import Slug

router = APIRouter(prefix="/console/display/{gate}", include_in_schema=False)

GateName = Annotated[Slug, Path(description="name of the gate")]


@router.get("", response_class=HTMLResponse, name="gate_display")
def show(gate: GateName, request: Request, _staff: StaffDep, services: ServicesDep, response: Response) -> Response:
    """Show the screen."""
    with services.database.read() as session:
        title = gates.get(session, gate).title
    html = render(
        title=title,
        zone=services.zone,
        stream=path_to(request, "gate_display_stream", gate=gate),
        static=lambda name: path_to(request, "display-static", path=f"/{name}"),
    )
    return copy_cookies(HTMLResponse(html, headers={"Cache-Control": "no-store"}), response)


@router.get("/stream", response_class=EventSourceResponse, name="gate_display_stream")
async def stream(gate: GateName, staff: StaffDep, services: ServicesDep) -> AsyncIterator[ServerSentEvent]:
    """Stream what the screen shows. It names nobody, so that no look at people is recorded."""
    feed = await run_in_threadpool(_open, services, gate)

    async def refresh() -> None:
        await run_in_threadpool(feed.refresh)

    async for event in stream_screen(feed.screen, StreamAuthorization(services, staff, STAFF), refresh):
        yield event


def _open(services: ConsoleServices, gate: str) -> ScreenFeed:
    with services.database.read() as session:
        direction = policy_of(gates.get(session, gate)).direction
    return ScreenFeed(services, gate, direction)
