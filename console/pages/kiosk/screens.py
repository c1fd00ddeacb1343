"""What every screen of a kiosk needs: the visit that goes on, and cookies that keep it for a while longer."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts.principals import DevicePrincipal
from console import kiosk_cookies
from console.dependencies import KioskDep, ServicesDep
from console.kiosk_cookies import IDLE, Means, Visit
from console.rendering import path_to, render_page
from console.services import ConsoleServices

_WARNED_S = 20
"""How long before the end the page asks whether somebody is still there."""


class VisitOverError(Exception):
    """Nobody is known at the kiosk, or not by what this screen needs; the start is shown instead."""


async def _require_visit(request: Request, kiosk: KioskDep, services: ServicesDep) -> Visit:
    visit = kiosk_cookies.read_visit(request, kiosk.device_id, services.accounts.secret, now=services.now())
    if visit is None:
        raise VisitOverError
    return visit


VisitDep = Annotated[Visit, Depends(_require_visit)]
"""Whoever stands at the kiosk, by card or by number and password."""


async def _require_known(visit: VisitDep) -> Visit:
    if visit.means is not Means.NUMBER:
        raise VisitOverError
    return visit


KnownDep = Annotated[Visit, Depends(_require_known)]
"""Whoever gave number and query password: they see their balance, report a loss, get a new card."""


def begin_visit(services: ConsoleServices, kiosk: DevicePrincipal, holder: Any, means: Means) -> Visit:
    """Return a visit of `holder` (a person's id) that begins now."""
    now = services.now()
    return Visit(kiosk.device_id, holder, means, now, now)


def lead_on(request: Request, services: ConsoleServices, route: str, visit: Visit, **parameters: Any) -> Response:
    """Lead from a form to the next screen, with the visit going on."""
    answer = RedirectResponse(path_to(request, route, **parameters), status_code=303)
    return go_on(services, answer, visit)


def go_on(services: ConsoleServices, answer: Response, visit: Visit) -> Response:
    """Let a visit go on: somebody has touched the screen just now."""
    seen = replace(visit, seen_at=services.now())
    kiosk_cookies.set_visit(answer, seen, services.accounts.secret, secure=services.secure_cookies)
    return answer


def render_screen(
    request: Request, services: ConsoleServices, template: str, *, visit: Visit | None = None, **values: Any
) -> HTMLResponse:
    """Return a screen; with a visit it goes back to the start by itself, without one nobody is known any more."""
    shown = {"idle_s": round(IDLE.total_seconds()), "warned_s": _WARNED_S} | values
    answer = render_page(request, template, is_visit=visit is not None, **shown)
    if visit is None:
        kiosk_cookies.clear_visit(answer)
    else:
        go_on(services, answer, visit)
    return answer


def mask(name: str) -> str:
    """Return a name as passers-by may see it: `王*`, `王*明`, `Li ***`; whoever it belongs to knows it."""
    name = name.strip()
    if not name.isascii():
        return f"{name[:1]}*{name[-1:]}" if len(name) > 2 else f"{name[:1]}*"
    first, _, rest = name.partition(" ")
    return f"{first} ***" if rest else f"{name[:1]}***"


async def lead_to_start(request: Request, _error: Exception) -> Response:
    """Show the start to whoever comes without a visit; tell a script that it is over."""
    if not request.headers.get("accept", "").startswith("text/html"):
        return Response(status_code=401)
    answer = RedirectResponse(path_to(request, "kiosk_page"), status_code=303)
    kiosk_cookies.clear_visit(answer)
    return answer
