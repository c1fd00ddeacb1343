"""The pages of facilities staff. The rim puts `ConsoleServices` at `app.state.console`."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Form, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from accounts.access_tokens import AccessTokens, Claims
from accounts.sign_in import RefreshRefusedError, SignInDesk
from accounts.vocabulary import Role
from console import session, texts
from console.stream import follow
from database import Database
from operations.board import Board
from web.problems import ProblemError

_FOLDER = Path(__file__).parent
_STAFF = frozenset({Role.FACILITIES, Role.ADMIN})

router = APIRouter(prefix="/console", include_in_schema=False)
_templates = Jinja2Templates(_FOLDER / "templates")


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """What the pages work with."""

    database: Database
    board: Board
    tokens: AccessTokens
    desk: SignInDesk
    names: Callable[[set[UUID]], Mapping[UUID, str]]
    """The names of people by id, for those who may see them."""
    now: Callable[[], datetime]
    secure_cookies: bool
    """Send cookies over HTTPS only; off just for the demonstration on this machine."""


class _SignInNeededError(Exception):
    """Nobody is signed in; the page to sign in is shown instead."""


class _NotAllowedError(Exception):
    """Somebody is signed in who has no business here."""


def install(app: FastAPI, services: ConsoleServices) -> None:
    """Add the pages to `app`."""
    app.state.console = services
    app.mount("/console/static", StaticFiles(directory=_FOLDER / "static"), name="console-static")
    app.include_router(router)
    app.add_exception_handler(_SignInNeededError, _ask_to_sign_in)
    app.add_exception_handler(_NotAllowedError, _refuse)


def _services(request: Request) -> ConsoleServices:
    services: ConsoleServices = request.app.state.console
    return services


ServicesDep = Annotated[ConsoleServices, Depends(_services)]


def _staff(request: Request, response: Response, services: ServicesDep) -> Claims:
    """Return who is signed in, renewing the access token when it has run out."""
    found = session.claims(request, services.tokens, now=services.now())
    refresh = request.cookies.get(session.REFRESH_COOKIE)
    if found is None and refresh is not None:
        try:
            tokens = services.desk.refresh(refresh, now=services.now())
        except RefreshRefusedError as error:
            raise _SignInNeededError from error
        session.remember(response, tokens, secure=services.secure_cookies)
        found = services.tokens.read(tokens.access_token, now=services.now())
    if found is None:
        raise _SignInNeededError
    if not found.roles & _STAFF or found.must_change_password:
        raise _NotAllowedError
    return found


StaffDep = Annotated[Claims, Depends(_staff)]


@router.get("/", response_class=RedirectResponse)
def home(request: Request) -> RedirectResponse:
    """Lead to the board."""
    return RedirectResponse(_path(request, "gate_board"))


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(request: Request) -> HTMLResponse:
    """Show the form."""
    return _page(request, "sign_in.html", problem=None)


@router.post("/sign-in", name="console_sign_in")
def sign_in(
    request: Request,
    services: ServicesDep,
    number: Annotated[str, Form(max_length=32)],
    password: Annotated[str, Form(max_length=128)],
) -> Response:
    """Sign in with number and password."""
    try:
        tokens = services.desk.with_password(number, password, now=services.now())
    except ProblemError:
        return _page(request, "sign_in.html", status=403, problem="sign_in_failed")
    response = RedirectResponse(_path(request, "gate_board"), status_code=303)
    session.remember(response, tokens, secure=services.secure_cookies)
    return response


@router.post("/sign-out", name="console_sign_out")
def sign_out(request: Request, services: ServicesDep) -> Response:
    """End the session, also at the server."""
    refresh = request.cookies.get(session.REFRESH_COOKIE)
    if refresh is not None:
        services.desk.end(refresh, now=services.now())
    response = RedirectResponse(_path(request, "sign_in_page"), status_code=303)
    session.forget(response)
    return response


@router.get("/gates", response_class=HTMLResponse)
def gate_board(request: Request, _staff: StaffDep, response: Response) -> HTMLResponse:
    """Show every gate, live."""
    page = _page(request, "board.html", texts=texts.for_scripts(_language(request)))
    # A renewed token was put on FastAPI's own response object; the page is another one.
    for cookie in response.headers.getlist("set-cookie"):
        page.headers.append("set-cookie", cookie)
    return page


@router.get("/gates/stream", response_class=EventSourceResponse)
async def board_stream(
    staff: StaffDep, services: ServicesDep, last_event_id: Annotated[int | None, Header(ge=0)] = None
) -> AsyncIterator[ServerSentEvent]:
    """Stream the board; ends when the access token does, and the browser comes back with a new one."""

    async def still_allowed() -> bool:
        return services.now() < staff.expires_at

    async for event in follow(
        services.database, services.board, services.names, last_seen=last_event_id, still_allowed=still_allowed
    ):
        yield event


async def _ask_to_sign_in(request: Request, _error: Exception) -> Response:
    if request.url.path.endswith("/stream"):
        return Response(status_code=401)
    response = RedirectResponse(_path(request, "sign_in_page"), status_code=303)
    session.forget(response)
    return response


async def _refuse(request: Request, _error: Exception) -> Response:
    return await run_in_threadpool(_page, request, "sign_in.html", status=403, problem="not_allowed")


def _path(request: Request, name: str, **parameters: Any) -> str:
    """Return the address of a page without scheme and host, which a proxy in front may have changed."""
    return request.url_for(name, **parameters).path


def _language(request: Request) -> str:
    return texts.language(request.headers.get("accept-language"))


def _page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    chosen = _language(request)
    context: dict[str, Any] = {"lang": chosen, "t": texts.translator(chosen), "path": partial(_path, request), **values}
    return _templates.TemplateResponse(request, template, context, status_code=status)
