"""Pairing a browser with a kiosk: staff enter the device's token once, and it stays in a cookie no script can read."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts import audit, devices
from accounts.cards.uid_forms import UidForm
from accounts.vocabulary import DeviceRole
from console import kiosk_cookies
from console.dependencies import ServicesDep
from console.rendering import forbid_storing, path_to, render_page
from console.same_origin import SameOriginDep
from web.client_address import NetworkDep
from web.rate_limits import TooManyTriesError

router = APIRouter(prefix="/console/kiosk", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("/pair", response_class=HTMLResponse, name="kiosk_pair_page")
def show(request: Request) -> HTMLResponse:
    """Show the form for the token."""
    return _render(request)


@router.post("/pair", name="kiosk_pair")
def pair(
    request: Request,
    services: ServicesDep,
    network: NetworkDep,
    _same_origin: SameOriginDep,
    token: Annotated[str, Form(max_length=200)] = "",
    reader: Annotated[UidForm, Form()] = UidForm.HEXADECIMAL,
) -> Response:
    """Pair this browser with the kiosk whose token this is; revoking the token ends it."""
    key, now = f"kiosk pairing {network}", services.now()
    problem = None
    try:
        services.accounts.guesses.count_try(key, now)
    except TooManyTriesError as error:
        problem = f"problem.{error.code}"
    if problem is None:
        with services.database.begin() as session:
            device = devices.authenticate(session, token.strip())
            if device is None:
                problem = "kiosk.token_wrong"
            elif device.role is not DeviceRole.KIOSK:
                problem = "kiosk.token_of_another"
            else:
                subject = f"device:{device.id}"
                audit.record(session, actor=subject, action="kiosk.pair", subject=subject, now=now)
    if problem is not None:
        return _render(request, problem=problem, reader=reader, status=422)
    services.accounts.guesses.forgive_try(key, now)
    answer = RedirectResponse(path_to(request, "kiosk_page"), status_code=303)
    kiosk_cookies.set_device(answer, token.strip(), reader, secure=services.secure_cookies)
    kiosk_cookies.clear_visit(answer)
    return answer


async def ask_to_pair(request: Request, _error: Exception) -> Response:
    """Lead a browser that belongs to no kiosk to the form; tell a script that it is none."""
    if not request.headers.get("accept", "").startswith("text/html"):
        return Response(status_code=401)
    answer = RedirectResponse(path_to(request, "kiosk_pair_page"), status_code=303)
    kiosk_cookies.clear_visit(answer)
    return answer


def _render(
    request: Request, *, problem: str | None = None, reader: UidForm = UidForm.HEXADECIMAL, status: int = 200
) -> HTMLResponse:
    return render_page(
        request,
        "kiosk/pair.html",
        status=status,
        problem=problem,
        reader=reader,
        readers=list(UidForm),
        idle_s=0,
        warned_s=0,
        is_visit=False,
    )
