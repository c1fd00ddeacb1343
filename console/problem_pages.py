"""Problems as pages, for whoever asked with a browser's address bar or a form: what happened, and what to do.

Scripts and programs ask for something else than HTML and get the problem as `web.problems` makes it.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from console.rendering import path_to, render_page
from web.problems import MEDIA_TYPE

Handler = Callable[[Request, Any], Response | Awaitable[Response]]

_API = "/api/"
_KIOSK_SHOWS_S = 30
_PASSED_ON = ("retry-after", "allow")


def install(app: FastAPI) -> None:
    """Show the problems of `app`, whose handlers `web.problems` has installed, as pages to readers."""
    for kind, answer in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _shown(answer))


def wants_page(request: Request) -> bool:
    """Tell whether a browser asked for a page, and not a script for data."""
    takes_html = request.headers.get("accept", "").startswith("text/html")
    return takes_html and not request.url.path.startswith(_API)


def _shown(answer: Handler) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        response = answer(request, error)
        if inspect.isawaitable(response):
            response = await response
        if not wants_page(request) or response.media_type != MEDIA_TYPE:
            return response
        return await run_in_threadpool(_render, request, response)

    return handle


def _render(request: Request, answer: Response) -> Response:
    problem = json.loads(bytes(answer.body))
    told = {"status": answer.status_code, "code": problem["code"]}
    if _is_kiosk(request):
        # Without a way elsewhere, and back at the start by itself: nobody of the staff stands there.
        page = render_page(
            request, "kiosk/problem.html", is_visit=False, is_form=True, idle_s=_KIOSK_SHOWS_S, warned_s=0, **told
        )
    else:
        page = render_page(request, "problem.html", **told)
    for name in _PASSED_ON:
        if name in answer.headers:
            page.headers[name] = answer.headers[name]
    return page


def _is_kiosk(request: Request) -> bool:
    return f"{request.url.path}/".startswith(f"{path_to(request, 'kiosk_page')}/")
