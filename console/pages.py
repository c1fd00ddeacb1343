"""The pages of facilities staff: signing in, the board, and the stream behind every live page."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles

from console import actions, gate_page, session, zone_page
from console.origin import OursDep
from console.rendering import FOLDER, page, path
from console.services import ConsoleServices, NotAllowedError, ServicesDep, SignInNeededError, StaffDep
from console.stream import follow
from console.view import places
from web.problems import ProblemError
from web.text import Slug

__all__ = ["ConsoleServices", "install"]

router = APIRouter(prefix="/console", include_in_schema=False)


def install(app: FastAPI, services: ConsoleServices) -> None:
    """Add the pages to `app`, which answers errors by `web.problems`."""
    app.state.console = services
    app.mount("/console/static", StaticFiles(directory=FOLDER / "static"), name="console-static")
    for part in (router, actions.router, gate_page.router, zone_page.router):
        app.include_router(part)
    app.add_exception_handler(SignInNeededError, _ask_to_sign_in)
    app.add_exception_handler(NotAllowedError, _refuse)


@router.get("/", response_class=RedirectResponse)
def home(request: Request) -> RedirectResponse:
    """Lead to the board."""
    return RedirectResponse(path(request, "gate_board"))


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(request: Request) -> HTMLResponse:
    """Show the form."""
    return page(request, "sign_in.html", problem=None)


@router.post("/sign-in", name="console_sign_in")
def sign_in(
    request: Request,
    services: ServicesDep,
    _ours: OursDep,
    number: Annotated[str, Form(max_length=32)],
    password: Annotated[str, Form(max_length=128)],
) -> Response:
    """Sign in with number and password."""
    try:
        tokens = services.desk.with_password(number, password, now=services.now())
    except ProblemError:
        return page(request, "sign_in.html", status=403, problem="sign_in_failed")
    response = RedirectResponse(path(request, "gate_board"), status_code=303)
    session.remember(response, tokens, secure=services.secure_cookies)
    return response


@router.post("/sign-out", name="console_sign_out")
def sign_out(request: Request, services: ServicesDep, _ours: OursDep) -> Response:
    """End the session, also at the server."""
    refresh = request.cookies.get(session.REFRESH_COOKIE)
    if refresh is not None:
        services.desk.end(refresh, now=services.now())
    response = RedirectResponse(path(request, "sign_in_page"), status_code=303)
    session.forget(response)
    return response


@router.get("/gates", response_class=HTMLResponse)
def gate_board(request: Request, services: ServicesDep, _staff: StaffDep, response: Response) -> HTMLResponse:
    """Show every gate, live."""
    with services.database.read() as database:
        found = places(database)
    return page(request, "board.html", renewed=response, places=found, can_order=services.orders.possible)


@router.get("/stream", response_class=EventSourceResponse)
async def live_stream(
    staff: StaffDep,
    services: ServicesDep,
    gate: Slug | None = None,
    after: Annotated[int | None, Query(ge=0, description="the last event seen by a page that opens anew")] = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Stream what is true; ends when the access token does, and the browser comes back with a new one."""

    async def still_allowed() -> bool:
        return services.now() < staff.expires_at

    last_seen = after if last_event_id is None else last_event_id
    async for event in follow(services, last_seen=last_seen, still_allowed=still_allowed, gate=gate):
        yield event


async def _ask_to_sign_in(request: Request, _error: Exception) -> Response:
    if request.headers.get("accept", "").startswith("text/html"):
        response: Response = RedirectResponse(path(request, "sign_in_page"), status_code=303)
    else:
        response = Response(status_code=401)
    session.forget(response)
    return response


async def _refuse(request: Request, _error: Exception) -> Response:
    return await run_in_threadpool(page, request, "sign_in.html", status=403, problem="not_allowed")
