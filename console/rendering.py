"""From templates to pages."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from fastapi.routing import APIRoute
from fastapi.templating import Jinja2Templates
from markupsafe import Markup
from starlette.routing import BaseRoute

from accounts.sign_in.access_tokens import Claims
from console import texts
from console.formats import Formats, show_money
from console.live.heartbeat import SILENT_S
from console.navigation import Area, areas_for, find_current
from web.compression import compress
from web.tickets import LIFE

Answer = TypeVar("Answer", bound=Response)

FOLDER = Path(__file__).parent
LANGUAGE_COOKIE = "campusgate_language"
DONE = "done"
_templates = Jinja2Templates(FOLDER / "templates")
# Chinese as it is takes half the bytes of its escapes; what HTML must not hold is escaped all the same.
_templates.env.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}


_templates.env.filters["money"] = show_money


def path_to(request: Request, name: str, **parameters: Any) -> str:
    """Return the address of a page without scheme and host, which a proxy in front may have changed."""
    # Found by name: `request.url_for` tries every route of the server, for each of the dozen addresses of a page.
    page: BaseRoute = request.app.state.pages[name]
    return root_of(request) + page.url_path_for(name, **parameters)


def root_of(request: Request) -> str:
    """Return what a proxy in front puts before every address of the server: nothing, or a path such as `/campus`."""
    root: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return root.rstrip("/")


def complete_address(request: Request, address: str) -> str:
    """Return an address of this server with scheme and host, for another device; any other as it is."""
    return f"{str(request.base_url).rstrip('/')}{address}" if address.startswith("/") else address


def language_of(request: Request) -> str:
    """Return the language that the reader chose, or else that of their browser."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in texts.LANGUAGES else texts.negotiate_language(request.headers.get("accept-language"))


def render_page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page in the reader's language, with the navigation of whoever is signed in.

    It carries the cookies of a sign-in that was renewed on the way; so does a form that is refused, or the next one
    comes with a refresh token that was used before.
    """
    chosen = language_of(request)
    claims: Claims | None = getattr(request.state, "claims", None)
    areas = areas_for(claims.roles) if claims and not claims.must_change_password else []
    context: dict[str, Any] = {
        "lang": chosen,
        "t": texts.translator(chosen),
        "has_text": texts.TEXTS.__contains__,
        "now": datetime.now(UTC),
        "path": partial(path_to, request),
        "module": partial(_load_module, request),
        "formats": Formats(chosen, request.app.state.console.zone),
        "campus_zone": request.app.state.console.zone.key,
        "done": _words_of_done(request),
        "areas": areas,
        "address": _find_address(request, areas),
        "current": find_current(areas, request.url.path, partial(path_to, request)),
        "is_signed_in": claims is not None,
        "reader": None if claims is None else claims.person_id,
        "silent_ms": round(SILENT_S * 1000),
        "wish_ms": round(LIFE.total_seconds() * 1000),
        **values,
    }
    made = _templates.TemplateResponse(request, template, context, status_code=status)
    made.headers["Cache-Control"] = "no-store"
    # The cookies of a sign-in come with no request that another site makes (`SameSite=Strict`).
    compress(request.headers, made)
    return copy_cookies(made, _renewed_of(request))


def _load_module(request: Request, module: str) -> Markup:
    """Return what loads a script of the static files, with all that it imports asked for at once."""
    addresses = [
        path_to(request, "console-static", path=f"/{one}")
        for one in (*request.app.state.console_static.imports_of(module), module)
    ]
    ahead = (Markup('<link rel="modulepreload" href="{}">').format(one) for one in addresses[:-1])
    return Markup("").join((*ahead, Markup('<script type="module" src="{}"></script>').format(addresses[-1])))


def _renewed_of(request: Request) -> Response | None:
    """Return FastAPI's own response object, where a renewed sign-in left its cookies; what is answered is another."""
    return getattr(request.state, "renewed", None)


def _find_address(request: Request, areas: Sequence[Area]) -> str:
    """Return the address that shows this page again: of a refused form, the page that the form stands on."""
    path = request.url.path
    if request.method in {"GET", "HEAD"}:
        kept = urlencode([one for one in request.query_params.multi_items() if one[0] != DONE])
        return f"{path}?{kept}" if kept else path
    form = getattr(request.scope.get("route"), "path", None)
    pages = (page for page in request.app.state.pages.values() if isinstance(page, APIRoute))
    if any(page.path == form and "GET" in (page.methods or ()) for page in pages):
        return path
    current = find_current(areas, path, partial(path_to, request))
    return path_to(request, "home" if current is None else current[1].route)


def _words_of_done(request: Request) -> str | None:
    """Return the key of what was just done, which the address carries from the form to the page after it."""
    key = f"done.{request.query_params.get(DONE, '')}"
    return key if key in texts.TEXTS else None


def done(request: Request, route: str, words: str, **parameters: Any) -> RedirectResponse:
    """Lead from a form that was sent to the page `route`, which says `done.<words>`; loading it again sends nothing."""
    return lead_to(request, f"{path_to(request, route, **parameters)}?{DONE}={words}")


def lead_to(request: Request, address: str) -> RedirectResponse:
    """Lead to the page at `address`, with the cookies of a sign-in that was renewed on the way."""
    return copy_cookies(RedirectResponse(address, status_code=303), _renewed_of(request))


def event_stream(content: AsyncIterator[bytes], renewed: Response) -> StreamingResponse:
    """Return server-sent events that are bytes already; `renewed` as for `copy_cookies`."""
    # A proxy in front must pass on each event when it comes.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return copy_cookies(StreamingResponse(content, media_type="text/event-stream", headers=headers), renewed)


async def forbid_storing(response: Response) -> None:
    """Tell browsers and proxies not to keep what an address answers: a dependency of routes that speak of people."""
    response.headers["Cache-Control"] = "no-store"


def copy_cookies(made: Answer, renewed: Response | None) -> Answer:
    """Give an answer the cookies that a renewed sign-in left at `renewed`, FastAPI's own response object."""
    for cookie in renewed.headers.getlist("set-cookie") if renewed is not None else ():
        made.headers.append("set-cookie", cookie)
    return made


def json_response(request: Request, content: Mapping[str, Any]) -> JSONResponse:
    """Return plain values for a script of a page, compressed as pages are, which nobody may keep."""
    made = JSONResponse(content, headers={"Cache-Control": "no-store"})
    compress(request.headers, made)
    return copy_cookies(made, _renewed_of(request))


def jpeg_response(content: bytes, renewed: Response) -> Response:
    """Return a picture of a person, which no browser or proxy may keep; `renewed` as for `copy_cookies`."""
    return copy_cookies(Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"}), renewed)
